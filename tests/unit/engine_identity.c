/* engine_identity.c - references stay what they are, wherever they go; traps inside host calls.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "module_parts.h"

/* ---- the module ---- */

/* Types: 0 struct (mut anyref), 1 array (mut externref), 2 (anyref, anyref) -> i32,
 * 3 (externref) -> externref, 4 () -> anyref, 5 (anyref) -> anyref, 6 (i32) -> i32 */
enum { CALL_BACK, SAME, CONVERT, KEEP, MAKE, IN_STRUCT, IN_ARRAY, SAVE, TO_HOST, TRAP, ADD };

static struct module_bytes write_module(void)
{
    struct module_bytes m = module_open(8192);
    PART(&m, WASM_TYPE, 7, "\x5f\1\x6e\1\x5e\x6f\1\x60\2\x6e\x6e\1\x7f\x60\1\x6f\1\x6f\x60\0\1\x6e"
                           "\x60\1\x6e\1\x6e\x60\1\x7f\1\x7f");
    PART(&m, WASM_IMPORT, 1, "\4host\4back\0\6");
    PART(&m, WASM_FUNCTION, 10, "\2\3\3\4\5\3\5\6\6\6");
    PART(&m, WASM_TABLE, 1, "\x6f\0\1");
    PART(&m, WASM_GLOBAL, 2, "\x6f\1\xd0\x6f\x0b\x6e\1\xd0\x6e\x0b");
    PART(&m, WASM_EXPORT, 10,
         "\4same\0\1\7convert\0\2\4keep\0\3\4make\0\4\tin_struct\0\5\x08in_array\0\6\4save\0\7"
         "\7to_host\0\x08\4trap\0\x09\3add\0\x0a");
    size_t section = wasm_open_section(&m.w, WASM_CODE);
    wasm_u32(&m.w, 10);
    /* same: ref.eq of both as eqref */
    BODY(&m, "\0\x20\0\xfb\x17\x6d\x20\1\xfb\x17\x6d\xd3\x0b");
    /* convert: into any and back, twice */
    BODY(&m, "\0\x20\0\xfb\x1a\xfb\x1b\xfb\x1a\xfb\x1b\x0b");
    /* keep: through a global and a table */
    BODY(&m, "\0\x20\0\x24\0\x41\0\x23\0\x26\0\xd0\x6f\x24\0\x41\0\x25\0\x0b");
    BODY(&m, "\0\xd0\x6e\xfb\0\0\x0b");
    /* in_struct: struct.new, struct.get */
    BODY(&m, "\0\x20\0\xfb\0\0\xfb\2\0\0\x0b");
    /* in_array: array.new of 3, element 2 */
    BODY(&m, "\0\x20\0\x41\3\xfb\6\1\x41\2\xfb\x0b\1\x0b");
    /* save: the old value of global 1, which gets the argument */
    BODY(&m, "\0\x23\1\x20\0\x24\1\x0b");
    /* to_host: 100 + back(n) */
    BODY(&m, "\0\x20\0\x10\0\x41\xe4\0\x6a\x0b");
    BODY(&m, "\0\x00\x0b");
    BODY(&m, "\0\x20\0\x41\1\x6a\x0b");
    wasm_close(&m.w, section);
    return m;
}

struct world {
    struct fixture f;
    enum { PASS_ON, SWALLOW, AGAIN } manner;
    unsigned traps;
};

/* Calls the guest's "trap", and does something about it. */
static enum wrt_status back(struct wrt_caller *caller, void *context, const union wrt_slot *in,
                            union wrt_slot *out)
{
    struct world *w = context;
    uint32_t result = 0;
    (void)caller;
    const enum wrt_status status = fixture_call(&w->f, "trap", in[0].i32, &result);
    assert_status(status, WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(w->f.store)->kind, WRT_TRAP_UNREACHABLE);
    w->traps++;
    if (w->manner == PASS_ON)
        return status;
    if (w->manner == AGAIN && in[0].i32 != 0) {
        assert_status(fixture_call(&w->f, "to_host", in[0].i32 - 1, &result), WRT_OK);
        out[0].i32 = result;
        return WRT_OK;
    }
    assert_status(fixture_call(&w->f, "add", in[0].i32, &result), WRT_OK);
    out[0].i32 = result;
    return WRT_OK;
}

static void open_world(struct world *w)
{
    memset(w, 0, sizeof *w);
    fixture_open(&w->f, NULL);
    assert_status(
        wrt_store_define_function(w->f.store, "host", "back", "i:i", back, w, &w->f.error), WRT_OK);
    struct module_bytes m = write_module();
    w->f.module = module_made(&m, &w->f);
    fixture_instantiate(&w->f);
}

static struct wrt_value call(struct world *w, const char *name, const struct wrt_value *in,
                             uint32_t count, wrt_type type)
{
    struct wrt_value out = {.type = type};
    const enum wrt_status status =
        wrt_function_call(w->f.store, fixture_function(&w->f, name), in, count, &out, 1);
    if (status != WRT_OK)
        fail_msg("%s: %s %s", name, wrt_status_name(status), wrt_store_trap(w->f.store)->text);
    return out;
}

static bool same(struct world *w, struct wrt_value a, struct wrt_value b)
{
    const struct wrt_value both[] = {a, b};
    return call(w, "same", both, 2, WRT_I32).of.i32 == 1;
}

/* ---- what the host gives comes back as it was ---- */

static void test_host_values(void **state)
{
    (void)state;
    static int objects[3];
    static const char *const ways[] = {"convert", "keep", "in_array"};
    void *const values[] = {objects, objects + 1, objects + 2, NULL, (void *)(uintptr_t)1,
                            (void *)UINTPTR_MAX};
    struct world w;
    open_world(&w);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        for (unsigned k = 0; k < 3; k++) {
            const struct wrt_value in = {.type = WRT_EXTERNREF, .of.external = values[i]};
            const struct wrt_value out = call(&w, ways[k], &in, 1, WRT_EXTERNREF);
            assert_int_equal(out.type, WRT_EXTERNREF);
            assert_ptr_equal(out.of.external, values[i]);
        }
    }
    fixture_close(&w.f);
}

static void test_small_numbers(void **state)
{
    (void)state;
    static const uint32_t numbers[] = {0, 1, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0xFFFFFFFF};
    struct world w;
    open_world(&w);
    for (unsigned i = 0; i < 6; i++) {
        const struct wrt_value a = {.type = WRT_ANYREF, .of = wrt_i31_make(numbers[i])};
        const struct wrt_value out = call(&w, "in_struct", &a, 1, WRT_ANYREF);
        assert_int_equal(wrt_reference_kind(w.f.store, out.of), WRT_I31REF);
        assert_int_equal(wrt_i31_value(out.of) & 0x7FFFFFFF, numbers[i] & 0x7FFFFFFF);
        for (unsigned k = 0; k < 6; k++) {
            const struct wrt_value b = {.type = WRT_ANYREF, .of = wrt_i31_make(numbers[k])};
            const bool equal = (numbers[i] & 0x7FFFFFFF) == (numbers[k] & 0x7FFFFFFF);
            assert_int_equal(same(&w, a, b), equal);
        }
    }
    fixture_close(&w.f);
}

/* Objects are the same as themselves only, through calls, globals, fields and collections. */
static void test_objects(void **state)
{
    (void)state;
    struct world w;
    uint32_t held[2];
    open_world(&w);
    const struct wrt_value null = {.type = WRT_ANYREF};
    const struct wrt_value a = call(&w, "make", NULL, 0, WRT_ANYREF);
    assert_status(wrt_reference_hold(w.f.store, a.of, &held[0]), WRT_OK);
    const struct wrt_value b = call(&w, "make", NULL, 0, WRT_ANYREF);
    assert_status(wrt_reference_hold(w.f.store, b.of, &held[1]), WRT_OK);
    for (unsigned i = 0; i < 100000; i++) /* garbage, to be collected */
        (void)call(&w, "make", NULL, 0, WRT_ANYREF);
    struct wrt_heap_info info;
    wrt_store_get_heap_info(w.f.store, &info);
    assert_true(info.collections > 0);
    assert_true(same(&w, a, a) && same(&w, b, b));
    assert_false(same(&w, a, b) || same(&w, a, null) || same(&w, null, b));
    assert_true(same(&w, null, null));
    assert_true(same(&w, a, call(&w, "in_struct", &a, 1, WRT_ANYREF)));
    assert_int_equal(call(&w, "save", &a, 1, WRT_ANYREF).of.i64, 0);
    assert_status(wrt_reference_release(w.f.store, held[0]), WRT_OK);
    for (unsigned i = 0; i < 100000; i++) /* the global still holds it */
        (void)call(&w, "make", NULL, 0, WRT_ANYREF);
    assert_true(same(&w, a, call(&w, "save", &b, 1, WRT_ANYREF)));
    fixture_close(&w.f);
}

/* As an externref an object is itself too; a host value is no eqref. */
static void test_conversions(void **state)
{
    (void)state;
    struct world w;
    int object;
    open_world(&w);
    const struct wrt_value a = call(&w, "make", NULL, 0, WRT_ANYREF);
    const struct wrt_value as_extern = {.type = WRT_EXTERNREF, .of = a.of};
    const struct wrt_value out = call(&w, "convert", &as_extern, 1, WRT_EXTERNREF);
    assert_int_equal(wrt_reference_kind(w.f.store, out.of), WRT_STRUCTREF);
    assert_true(same(&w, a, (struct wrt_value){.type = WRT_ANYREF, .of = out.of}));
    const struct wrt_value host[] = {{.type = WRT_ANYREF, .of.external = &object},
                                     {.type = WRT_ANYREF, .of.external = &object}};
    struct wrt_value result = {.type = WRT_I32};
    assert_status(wrt_function_call(w.f.store, fixture_function(&w.f, "same"), host, 2, &result, 1),
                  WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(w.f.store)->kind, WRT_TRAP_CAST_FAILURE);
    fixture_close(&w.f);
}

/* ---- a trap of what a host function called ends that call only, if the host likes ---- */

static void test_traps_in_host_calls(void **state)
{
    (void)state;
    struct world w;
    uint32_t result;
    open_world(&w);
    assert_status(fixture_call(&w.f, "to_host", 5, &result), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(w.f.store)->kind, WRT_TRAP_HOST);
    assert_string_equal(wrt_store_trap(w.f.store)->text, "host function failed: unreachable");
    w.manner = SWALLOW;
    assert_status(fixture_call(&w.f, "to_host", 5, &result), WRT_OK);
    assert_int_equal(result, 106);
    assert_int_equal(wrt_store_trap(w.f.store)->kind, WRT_TRAP_NONE);
    w.manner = AGAIN;
    w.traps = 0;
    assert_status(fixture_call(&w.f, "to_host", 9, &result), WRT_OK);
    assert_int_equal(result, 1001);
    assert_int_equal(w.traps, 10);
    fixture_close(&w.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_values), cmocka_unit_test(test_small_numbers),
        cmocka_unit_test(test_objects), cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_traps_in_host_calls)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
