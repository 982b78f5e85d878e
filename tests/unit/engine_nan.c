/* engine_nan.c - with canonical_nan every NaN that arithmetic makes has the same bits; what
 * only moves bits keeps them. Without, they are at least quiet.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

static const uint32_t nans32[] = {0x7FC00000, 0xFFC00000, 0x7F800001, 0xFFA12345, 0x7FFFFFFF};
static const uint64_t nans64[] = {0x7FF8000000000000, 0xFFF8000000000000, 0x7FF0000000000001,
                                  0xFFF4567812345678, 0x7FFFFFFFFFFFFFFF};
enum { NANS = 5 };

static void open_module(struct fixture *f, bool canonical)
{
    const struct wrt_module_config config = {.canonical_nan = canonical};
    size_t size;
    uint8_t *bytes = fixture_bytes("nan", &size);
    fixture_open(f, NULL);
    assert_status(wrt_module_load(f->partition, &config, bytes, size, &f->module, &f->error),
                  WRT_OK);
    fixture_instantiate(f);
    free(bytes);
}

static uint64_t call(struct fixture *f, const char *name, bool wide, uint64_t left,
                     uint64_t right)
{
    struct wrt_value arguments[2] = {{.type = wide ? WRT_F64 : WRT_F32, .of.i64 = left},
                                     {.type = wide ? WRT_F64 : WRT_F32, .of.i64 = right}};
    struct wrt_value result;
    assert_status(wrt_function_call(f->store, fixture_function(f, name), arguments, 2, &result, 1),
                  WRT_OK);
    return wide ? result.of.i64 : result.of.i32;
}

static bool is_quiet(bool wide, uint64_t bits)
{
    const uint64_t quiet = wide ? 0x7FF8000000000000 : 0x7FC00000;
    return (bits & quiet) == quiet;
}

static void check(struct fixture *f, const char *name, bool wide, uint64_t left, uint64_t right,
                  bool canonical)
{
    const uint64_t wanted = wide ? 0x7FF8000000000000 : 0x7FC00000;
    uint64_t bits = call(f, name, wide, left, right);
    if (canonical ? bits != wanted : !is_quiet(wide, bits))
        fail_msg("%s(%llx, %llx) gave %llx", name, (unsigned long long)left,
                 (unsigned long long)right, (unsigned long long)bits);
}

static void check_all(bool canonical)
{
    static const char *const operations[] = {"add",  "sub",  "mul",   "div",   "min",     "max",
                                             "sqrt", "ceil", "floor", "trunc", "nearest", "muladd"};
    struct fixture f;
    open_module(&f, canonical);
    for (unsigned i = 0; i < sizeof operations / sizeof *operations; i++) {
        char name[20];
        for (unsigned k = 0; k < NANS; k++) {
            snprintf(name, sizeof name, "f32.%s", operations[i]);
            check(&f, name, false, nans32[k], nans32[(k + 2) % NANS], canonical);
            check(&f, name, false, nans32[k], 0x3F800000, canonical);
            snprintf(name, sizeof name, "f64.%s", operations[i]);
            check(&f, name, true, nans64[k], nans64[(k + 2) % NANS], canonical);
            check(&f, name, true, nans64[k], 0x3FF0000000000000, canonical);
        }
    }
    for (unsigned k = 0; k < NANS; k++) {
        check(&f, "f32.demote", false, nans32[k], 0, canonical);
        check(&f, "f64.promote", true, nans64[k], 0, canonical);
    }
    check(&f, "f32.div", false, 0, 0, canonical);
    check(&f, "f64.sub", true, 0x7FF0000000000000, 0x7FF0000000000000, canonical);
    check(&f, "f64.sqrt", true, 0xBFF0000000000000, 0, canonical);
    fixture_close(&f);
}

static void test_canonical(void **state)
{
    (void)state;
    check_all(true);
}

static void test_arithmetic(void **state)
{
    (void)state;
    check_all(false);
}

static void test_moved_bits_stay(void **state)
{
    (void)state;
    const uint64_t sign64 = UINT64_C(1) << 63;
    for (int canonical = 0; canonical < 2; canonical++) {
        struct fixture f;
        open_module(&f, canonical != 0);
        for (unsigned k = 0; k < NANS; k++) {
            assert_true(call(&f, "neg32", false, nans32[k], 0) == (nans32[k] ^ 0x80000000));
            assert_true(call(&f, "abs32", false, nans32[k], 0) == (nans32[k] & 0x7FFFFFFF));
            assert_true(call(&f, "neg64", true, nans64[k], 0) == (nans64[k] ^ sign64));
            assert_true(call(&f, "copysign64", true, nans64[k], sign64) == (nans64[k] | sign64));
        }
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_moved_bits_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
