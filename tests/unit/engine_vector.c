/* engine_vector.c - v128 at every border: arguments, results, host functions, globals; vectors
 * in paused calls and traps; NaNs of their lanes; the deterministic profile.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

struct vector_fixture {
    struct fixture f;
    unsigned pauses; /* how often the host's functions pause before they answer */
};

static struct wrt_value vector(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t lanes[] = {a, b, c, d};
    struct wrt_value value = {.type = WRT_V128};
    memcpy(value.v128, lanes, sizeof lanes);
    return value;
}

static struct wrt_value doubles(uint64_t a, uint64_t b)
{
    return (struct wrt_value){.type = WRT_V128, .slots = {{.i64 = a}, {.i64 = b}}};
}

static void require_vector(const struct wrt_value *actual, struct wrt_value wanted)
{
    assert_int_equal(actual->type, WRT_V128);
    assert_memory_equal(actual->v128, wanted.v128, 16);
}

static enum wrt_status host_add(struct wrt_caller *caller, void *context,
                                const union wrt_slot *in, union wrt_slot *out)
{
    struct vector_fixture *v = context;
    uint32_t x[4], y[4];
    (void)caller;
    if (v->pauses != 0) {
        v->pauses--;
        return WRT_PAUSED;
    }
    memcpy(x, in, sizeof x);
    memcpy(y, in + 2, sizeof y);
    for (int i = 0; i < 4; i++)
        x[i] += y[i];
    memcpy(out, x, sizeof x);
    return WRT_OK;
}

/* (i32 v128 f64 v128 i64) -> (i64 v128 f64 v128 i32): slots 0, 1-2, 3, 4-5, 6 */
static enum wrt_status host_mixed(struct wrt_caller *caller, void *context,
                                  const union wrt_slot *in, union wrt_slot *out)
{
    static const unsigned from[] = {6, 4, 5, 3, 1, 2, 0};
    (void)caller;
    (void)context;
    for (unsigned i = 0; i < 7; i++)
        out[i] = in[from[i]];
    return WRT_OK;
}

static void open_with(struct vector_fixture *v, const struct wrt_module_config *config)
{
    struct wrt_extern item = {.kind = WRT_EXTERN_GLOBAL};
    const struct wrt_global_type type = {.content = WRT_V128};
    const struct wrt_value value = vector(11, 12, 13, 14);
    size_t size;
    uint8_t *bytes = fixture_bytes("vector", &size);
    v->pauses = 0;
    fixture_open(&v->f, NULL);
    assert_status(wrt_module_load(v->f.partition, config, bytes, size, &v->f.module, &v->f.error),
                  WRT_OK);
    free(bytes);
    assert_status(wrt_store_define_function(v->f.store, "host", "add", "vv:v", host_add, v,
                                            &v->f.error), WRT_OK);
    assert_status(wrt_store_define_function(v->f.store, "host", "mixed", "ivFvI:IvFvi", host_mixed,
                                            v, &v->f.error), WRT_OK);
    assert_status(wrt_global_create_value(v->f.store, &type, &value, &item.of.global, &v->f.error),
                  WRT_OK);
    assert_status(wrt_store_define(v->f.store, "host", "g", item, &v->f.error), WRT_OK);
    fixture_instantiate(&v->f);
}

static void call(struct vector_fixture *v, const char *name, const struct wrt_value *arguments,
                 uint32_t count, struct wrt_value *results, uint32_t result_count)
{
    assert_status(wrt_function_call(v->f.store, fixture_function(&v->f, name), arguments, count,
                                    results, result_count), WRT_OK);
}

static void test_calls(void **state)
{
    (void)state;
    static const char *const names[] = {"add", "call_host", "tail_host"};
    const struct wrt_value arguments[] = {vector(1, 2, 3, UINT32_MAX), vector(10, 20, 30, 1)};
    const struct wrt_value sum = vector(11, 22, 33, 0);
    struct vector_fixture v;
    struct wrt_value result;
    open_with(&v, NULL);
    for (unsigned i = 0; i < 3; i++) {
        call(&v, names[i], arguments, 2, &result, 1);
        require_vector(&result, sum);
    }
    for (uint32_t i = 0; i < 2; i++) {
        const struct wrt_value three[] = {arguments[0], arguments[1], {.type = WRT_I32, .of.i32 = i}};
        call(&v, "indirect", three, 3, &result, 1);
        require_vector(&result, sum);
        call(&v, "tail_indirect", three, 3, &result, 1);
        require_vector(&result, sum);
        call(&v, "choose", three, 3, &result, 1);
        require_vector(&result, arguments[1 - i]);
    }
    const struct wrt_value wrong[] = {arguments[0], {.type = WRT_I64}};
    assert_status(wrt_function_call(v.f.store, fixture_function(&v.f, "add"), wrong, 2, &result, 1),
                  WRT_ERR_TYPE);
    fixture_close(&v.f);
}

static void test_mixed_with_others(void **state)
{
    (void)state;
    static const char *const names[] = {"turn", "turn_host", "turn_through_blocks"};
    const struct wrt_value in[] = {{.type = WRT_I32, .of.i32 = 5}, vector(1, 2, 3, 4),
                                   {.type = WRT_F64, .of.f64 = 2.5}, vector(5, 6, 7, 8),
                                   {.type = WRT_I64, .of.i64 = UINT64_C(1) << 40}};
    struct vector_fixture v;
    open_with(&v, NULL);
    for (unsigned i = 0; i < 3; i++) {
        struct wrt_value out[5];
        call(&v, names[i], in, 5, out, 5);
        assert_true(out[0].type == WRT_I64 && out[0].of.i64 == UINT64_C(1) << 40);
        require_vector(&out[1], in[3]);
        assert_true(out[2].type == WRT_F64 && out[2].of.f64 == 2.5);
        require_vector(&out[3], in[1]);
        assert_true(out[4].type == WRT_I32 && out[4].of.i32 == 5);
    }
    fixture_close(&v.f);
}

static void test_carried_by_branches(void **state)
{
    (void)state;
    struct vector_fixture v;
    open_with(&v, NULL);
    for (uint32_t taken = 0; taken < 2; taken++) {
        const struct wrt_value in[] = {vector(1, 2, 3, 4), {.type = WRT_I32, .of.i32 = taken}};
        struct wrt_value out[2];
        call(&v, "carry", in, 2, out, 2);
        require_vector(&out[0], taken ? vector(0u - 1, 0u - 2, 0u - 3, 0u - 4) : doubles(6, 6));
        require_vector(&out[1], in[0]);
    }
    fixture_close(&v.f);
}

static void test_slots(void **state)
{
    (void)state;
    struct vector_fixture v;
    union wrt_slot in[4] = {{.i64 = 1}, {.i64 = 2}, {.i64 = 3}, {.i64 = 4}}, out[2];
    open_with(&v, NULL);
    struct wrt_function *add = fixture_function(&v.f, "add");
    assert_status(wrt_function_call_slots(v.f.store, add, in, 4, out, 2), WRT_OK);
    assert_true(out[0].i64 == 4 && out[1].i64 == 6);
    assert_status(wrt_function_call_slots(v.f.store, add, in, 2, out, 1), WRT_ERR_TYPE);
    const wrt_type types[] = {WRT_I32, WRT_V128, WRT_F64};
    assert_int_equal(wrt_type_list_slots(types, 3), 4);
    fixture_close(&v.f);
}

static void test_globals(void **state)
{
    (void)state;
    struct vector_fixture v;
    struct wrt_extern g, copy;
    struct wrt_value value, argument = vector(9, 8, 7, 6), old = vector(1, 2, 3, 4);
    open_with(&v, NULL);
    assert_status(wrt_instance_export(v.f.instance, "g", &g), WRT_OK);
    assert_status(wrt_instance_export(v.f.instance, "copy", &copy), WRT_OK);
    wrt_global_get_value(copy.of.global, &value);
    require_vector(&value, vector(11, 12, 13, 14));
    assert_status(wrt_global_set_value(copy.of.global, &value), WRT_ERR_DENIED);
    call(&v, "swap_global", &argument, 1, &value, 1);
    require_vector(&value, old);
    wrt_global_get_value(g.of.global, &value);
    require_vector(&value, argument);
    assert_status(wrt_global_set_value(g.of.global, &old), WRT_OK);
    call(&v, "swap_global", &argument, 1, &value, 1);
    require_vector(&value, old);
    assert_status(wrt_global_set(g.of.global, value.of), WRT_ERR_TYPE);
    const struct wrt_value number = {.type = WRT_I64};
    assert_status(wrt_global_set_value(g.of.global, &number), WRT_ERR_TYPE);
    const struct wrt_global_type type = {.content = WRT_V128};
    assert_status(wrt_global_create(v.f.store, &type, value.of, &g.of.global, &v.f.error),
                  WRT_ERR_ARGUMENT);
    fixture_close(&v.f);
}

/* ---- pauses and traps ---- */

static uint32_t run_loop(uint64_t step, uint64_t *fuel)
{
    struct vector_fixture v;
    uint32_t result = 0;
    open_with(&v, NULL);
    wrt_store_set_fuel(v.f.store, step);
    enum wrt_status status = fixture_call(&v.f, "loop", 40, &result);
    *fuel = wrt_store_fuel_used(v.f.store);
    while (status == WRT_PAUSED) {
        wrt_store_set_fuel(v.f.store, step);
        status = fixture_resume(&v.f, &result);
        *fuel += wrt_store_fuel_used(v.f.store);
    }
    assert_status(status, WRT_OK);
    fixture_close(&v.f);
    return result;
}

static void test_pauses(void **state)
{
    (void)state;
    uint64_t straight_fuel, fuel;
    const uint32_t straight = run_loop(UINT64_MAX, &straight_fuel);
    assert_true(straight != 0);
    for (uint64_t step = 0; step < 60; step++) {
        assert_int_equal(run_loop(step, &fuel), straight);
        assert_true(fuel == straight_fuel);
    }
}

static void test_host_pauses(void **state)
{
    (void)state;
    static const char *const names[] = {"call_host", "tail_host", "indirect"};
    struct vector_fixture v;
    open_with(&v, NULL);
    for (unsigned i = 0; i < 3; i++) {
        const struct wrt_value in[] = {vector(1, 2, 3, 4), vector(5, 6, 7, 8),
                                       {.type = WRT_I32, .of.i32 = 1}};
        struct wrt_value out;
        v.pauses = 2;
        assert_status(wrt_function_call(v.f.store, fixture_function(&v.f, names[i]), in,
                                        i == 2 ? 3 : 2, &out, 1), WRT_PAUSED);
        assert_status(wrt_store_resume(v.f.store, &out, 1), WRT_PAUSED);
        assert_status(wrt_store_resume(v.f.store, &out, 1), WRT_OK);
        require_vector(&out, vector(6, 8, 10, 12));
    }
    fixture_close(&v.f);
}

static void test_bounds(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t bytes;
    } accesses[] = {{"load", 16},        {"load_offset", 16}, {"store", 16},     {"load8x8", 8},
                    {"load16_splat", 2}, {"load32_zero", 4},  {"load8_lane", 1}, {"store64_lane", 8}};
    struct vector_fixture v;
    open_with(&v, NULL);
    for (unsigned i = 0; i < sizeof accesses / sizeof *accesses; i++) {
        uint32_t result, last = 65536 - accesses[i].bytes;
        assert_status(fixture_call(&v.f, accesses[i].name, last, &result), WRT_OK);
        for (unsigned k = 0; k < 2; k++) {
            const uint32_t bad = k == 0 ? last + 1 : UINT32_MAX;
            assert_status(fixture_call(&v.f, accesses[i].name, bad, &result), WRT_ERR_TRAP);
            assert_int_equal(wrt_store_trap(v.f.store)->kind, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
        }
    }
    fixture_close(&v.f);
}

static void test_stack_overflow(void **state)
{
    (void)state;
    struct vector_fixture v;
    uint32_t result;
    open_with(&v, NULL);
    assert_status(fixture_call(&v.f, "deep", 0, &result), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(v.f.store)->kind, WRT_TRAP_CALL_STACK_EXHAUSTED);
    fixture_close(&v.f);
}

/* ---- NaNs ---- */

static struct wrt_value binary(struct vector_fixture *v, const char *name, struct wrt_value x,
                               struct wrt_value y)
{
    const struct wrt_value in[] = {x, y};
    struct wrt_value out;
    call(v, name, in, 2, &out, 1);
    return out;
}

static void test_canonical_nans(void **state)
{
    (void)state;
    static const char *const narrow[] = {"f32x4.add", "f32x4.min", "f32x4.sqrt", "f32x4.nearest",
                                         "f32x4.relaxed_min", "f32x4.relaxed_madd"};
    static const char *const wide[] = {"f64x2.mul", "f64x2.max", "f64x2.relaxed_max"};
    const struct wrt_value nans = vector(0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFA12345);
    const struct wrt_value ones = vector(0x3F800000, 0x3F800000, 0x7FC00001, 0xFF800001);
    const struct wrt_value wide_nans = doubles(0xFFF8000000000000, 0x7FF0000000000001);
    const struct wrt_value canonical = vector(0x7FC00000, 0x7FC00000, 0x7FC00000, 0x7FC00000);
    const struct wrt_value wide_canonical = doubles(0x7FF8000000000000, 0x7FF8000000000000);
    const struct wrt_module_config config = {.canonical_nan = true};
    struct vector_fixture v;
    struct wrt_value out;
    open_with(&v, &config);
    for (unsigned i = 0; i < sizeof narrow / sizeof *narrow; i++) {
        out = binary(&v, narrow[i], nans, ones);
        require_vector(&out, canonical);
    }
    for (unsigned i = 0; i < sizeof wide / sizeof *wide; i++) {
        out = binary(&v, wide[i], wide_nans, wide_nans);
        require_vector(&out, wide_canonical);
    }
    out = binary(&v, "f64x2.promote", nans, ones);
    require_vector(&out, wide_canonical);
    /* what only moves bits keeps them */
    out = binary(&v, "f32x4.neg", nans, ones);
    require_vector(&out, vector(0xFFC00000, 0x7FC00000, 0xFF800001, 0x7FA12345));
    out = binary(&v, "f32x4.pmin", nans, nans);
    require_vector(&out, nans);
    fixture_close(&v.f);
}

static void test_nans_are_quiet(void **state)
{
    (void)state;
    const struct wrt_value nans = vector(0x7F800001, 0xFFA12345, 0x7F800001, 0xFF800001);
    const struct wrt_value ones = vector(0x3F800000, 0x3F800000, 0x3F800000, 0x3F800000);
    static const char *const names[] = {"f32x4.add", "f32x4.min", "f32x4.sqrt", "f32x4.nearest"};
    struct vector_fixture v;
    open_with(&v, NULL);
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        struct wrt_value out = binary(&v, names[i], nans, ones);
        for (unsigned k = 0; k < 4; k++) {
            uint32_t lane;
            memcpy(&lane, out.v128 + 4 * k, sizeof lane);
            assert_true((lane & 0x7FC00000) == 0x7FC00000);
        }
    }
    fixture_close(&v.f);
}

/* The deterministic profile: relaxed operations give what the others give. */
static void test_deterministic(void **state)
{
    (void)state;
    const struct wrt_value zeros = vector(0x80000000, 0, 0x80000000, 0x7FC00001);
    const struct wrt_value others = vector(0, 0x80000000, 0x3F800000, 0x3F800000);
    /* (1 + 2^-12)^2 - (1 + 2^-11): rounded twice it is 0, fused 2^-24 */
    const struct wrt_value x = vector(0x3F800800, 0x3F800800, 0x3F800800, 0x3F800800);
    const struct wrt_value z = vector(0xBF801000, 0xBF801000, 0xBF801000, 0xBF801000);
    const struct wrt_module_config config = {.deterministic = true};
    struct vector_fixture v;
    struct wrt_value out, same;
    open_with(&v, &config);
    out = binary(&v, "f32x4.relaxed_min", zeros, others);
    same = binary(&v, "f32x4.min", zeros, others);
    require_vector(&out, same);
    require_vector(&out, vector(0x80000000, 0x80000000, 0x80000000, 0x7FC00000));
    out = binary(&v, "f64x2.relaxed_max", doubles(UINT64_C(1) << 63, 0), doubles(0, UINT64_C(1) << 63));
    require_vector(&out, doubles(0, 0));
    out = binary(&v, "f32x4.relaxed_madd", x, z);
    require_vector(&out, vector(0, 0, 0, 0));
    fixture_close(&v.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_mixed_with_others),
        cmocka_unit_test(test_carried_by_branches),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_globals),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_host_pauses),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_stack_overflow),
        cmocka_unit_test(test_canonical_nans),
        cmocka_unit_test(test_nans_are_quiet),
        cmocka_unit_test(test_deterministic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
