/* engine_features.c - every feature can be turned off, and is then refused by its name.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

/* A module that uses one feature: its text, and its sections. */
struct use {
    enum wrt_feature feature;
    const char *text;
    const char *bytes;
    size_t size_bytes;
};

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct use uses[] = {
    {WRT_FEATURE_MUTABLE_GLOBAL, "(global (export \"g\") (mut i32) i32.const 0)",
     BYTES("\x06\x06\x01\x7f\x01\x41\x00\x0b\x07\x05\x01\x01\x67\x03\x00")},
    {WRT_FEATURE_SIGN_EXTENSION, "(func (drop (i32.extend8_s (i32.const 1))))",
     BYTES("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x08\x01\x06\x00\x41\x01\xc0\x1a\x0b")},
    {WRT_FEATURE_SATURATING, "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))",
     BYTES("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x0c\x01\x0a\x00\x43\x00\x00\x80\x3f"
           "\xfc\x00\x1a\x0b")},
    {WRT_FEATURE_MULTI_VALUE, "(func (result i32 i32) unreachable)",
     BYTES("\x01\x06\x01\x60\x00\x02\x7f\x7f\x03\x02\x01\x00\x0a\x05\x01\x03\x00\x00\x0b")},
    {WRT_FEATURE_BULK_MEMORY, "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 0)))",
     BYTES("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x05\x03\x01\x00\x01\x0a\x0d\x01\x0b\x00"
           "\x41\x00\x41\x00\x41\x00\xfc\x0b\x00\x0b")},
    {WRT_FEATURE_REFERENCE_TYPES, "(func (drop (ref.null extern)))",
     BYTES("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x07\x01\x05\x00\xd0\x6f\x1a\x0b")},
    {WRT_FEATURE_REFERENCE_TYPES, "(func (param externref))",
     BYTES("\x01\x05\x01\x60\x01\x6f\x00\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")},
    {WRT_FEATURE_REFERENCE_TYPES, "(table 1 funcref) (table 1 funcref)",
     BYTES("\x04\x07\x02\x70\x00\x01\x70\x00\x01")},
    {WRT_FEATURE_EXTENDED_CONST, "(global i32 (i32.add (i32.const 1) (i32.const 2)))",
     BYTES("\x06\x09\x01\x7f\x00\x41\x01\x41\x02\x6a\x0b")},
    {WRT_FEATURE_TAIL_CALL, "(func (return_call 0))",
     BYTES("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x06\x01\x04\x00\x12\x00\x0b")},
    {WRT_FEATURE_MULTI_MEMORY, "(memory 1) (memory 1)",
     BYTES("\x05\x05\x02\x00\x01\x00\x01")},
    {WRT_FEATURE_MEMORY64, "(memory i64 1)",
     BYTES("\x05\x03\x01\x04\x01")},
    {WRT_FEATURE_MEMORY64, "(table i64 1 funcref)",
     BYTES("\x04\x04\x01\x70\x04\x01")},
    {WRT_FEATURE_CUSTOM_PAGE_SIZES, "(memory 4096 (pagesize 1))",
     BYTES("\x05\x05\x01\x08\x80\x20\x00")},
    {WRT_FEATURE_WIDE_ARITHMETIC, "(func (i64.mul_wide_u (i64.const 1) (i64.const 2)) drop drop)",
     BYTES("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x0c\x01\x0a\x00\x42\x01\x42\x02\xfc"
           "\x16\x1a\x1a\x0b")},
    {WRT_FEATURE_SIMD, "(func (param v128))",
     BYTES("\x01\x05\x01\x60\x01\x7b\x00\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")},
    {WRT_FEATURE_SIMD, "(func (drop (i8x16.splat (i32.const 1))))",
     BYTES("\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x09\x01\x07\x00\x41\x01\xfd\x0f\x1a\x0b")},
    {WRT_FEATURE_RELAXED_SIMD,
     "(func (param v128) (drop (i8x16.relaxed_swizzle (local.get 0) (local.get 0))))",
     BYTES("\x01\x05\x01\x60\x01\x7b\x00\x03\x02\x01\x00\x0a\x0c\x01\x0a\x00\x20\x00\x20\x00\xfd\x80"
           "\x02\x1a\x0b")},
    {WRT_FEATURE_SIMD, "(func (param v128))",
     BYTES("\x01\x05\x01\x60\x01\x7b\x00\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")},
    {WRT_FEATURE_RELAXED_SIMD, "(func (param v128 v128) (result v128) ... i8x16.relaxed_swizzle)",
     BYTES("\x01\x07\x01\x60\x02\x7b\x7b\x01\x7b\x03\x02\x01\x00\x0a\x0b\x01\x09\x00\x20\x00"
           "\x20\x01\xfd\x80\x02\x0b")},
    {WRT_FEATURE_EXCEPTIONS, "(tag)",
     BYTES("\x01\x04\x01\x60\x00\x00\x0d\x03\x01\x00\x00")},
    {WRT_FEATURE_TYPED_REFERENCES, "(func (param (ref func)))",
     BYTES("\x01\x06\x01\x60\x01\x64\x70\x00\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x0b")},
    {WRT_FEATURE_GC, "(type (struct))",
     BYTES("\x01\x03\x01\x5f\x00")},
    {WRT_FEATURE_THREADS, "(memory 1 1 shared)",
     BYTES("\x05\x04\x01\x03\x01\x01")},
};

static enum wrt_status load(const struct use *use, uint64_t off, struct wrt_module_info *info,
                            struct wrt_error *error)
{
    static const uint8_t header[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
    const struct wrt_module_config config = {.features_off = off};
    struct wrt_partition *partition;
    struct wrt_module_loader *loader;
    struct wrt_module *module = NULL;
    assert_status(wrt_partition_create(NULL, NULL, &partition, NULL), WRT_OK);
    assert_status(wrt_module_begin(partition, &config, &loader, error), WRT_OK);
    assert_status(wrt_module_feed(loader, header, sizeof header, error), WRT_OK);
    enum wrt_status status = wrt_module_feed(loader, use->bytes, use->size_bytes, error);
    if (status == WRT_OK)
        status = wrt_module_finish(loader, &module, error);
    else
        wrt_module_abort(loader);
    if (status == WRT_OK)
        wrt_module_get_info(module, info);
    assert_status(wrt_module_destroy(module), WRT_OK);
    assert_status(wrt_partition_destroy(partition, NULL), WRT_OK);
    return status;
}

static void test_refused_by_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        const uint64_t bit = UINT64_C(1) << uses[i].feature;
        const char *name = wrt_feature_name(uses[i].feature);
        struct wrt_module_info info;
        struct wrt_error error = {0};
        if (load(&uses[i], 0, &info, &error) != WRT_OK)
            fail_msg("%s: %s", uses[i].text, error.text);
        assert_true((info.features & bit) != 0);
        assert_status(load(&uses[i], bit, &info, &error), WRT_ERR_INVALID);
        assert_non_null(strstr(error.text, "turned off: "));
        assert_string_equal(strstr(error.text, "off: ") + strlen("off: "), name);
        assert_true(error.has_offset);
        assert_in_range(error.byte_offset, 8, 8 + uses[i].size_bytes);
    }
}

/* Only the feature itself is refused: with all others off each module still loads, but for
 * those that it stands on. */
static void test_others_are_not_needed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof uses / sizeof uses[0]; i++) {
        struct wrt_module_info info;
        struct wrt_error error = {0};
        assert_status(load(&uses[i], 0, &info, &error), WRT_OK);
        if (load(&uses[i], WRT_FEATURES_ALL & ~info.features, &info, &error) != WRT_OK)
            fail_msg("%s: %s", uses[i].text, error.text);
    }
}

static void test_names(void **state)
{
    (void)state;
    for (int bit = 0; bit < 64; bit++) {
        const bool is_known = (WRT_FEATURES_ALL >> bit & 1) != 0;
        const bool is_named = strcmp(wrt_feature_name((enum wrt_feature)bit), "?") != 0;
        assert_int_equal(is_known, is_named);
    }
}

static void test_unknown_bit(void **state)
{
    (void)state;
    const struct wrt_module_config config = {.features_off = UINT64_C(1) << 63};
    struct wrt_module_loader *loader = NULL;
    struct wrt_partition *partition;
    struct wrt_error error = {0};
    assert_status(wrt_partition_create(NULL, NULL, &partition, NULL), WRT_OK);
    assert_status(wrt_module_begin(partition, &config, &loader, &error), WRT_ERR_ARGUMENT);
    assert_non_null(strstr(error.text, "features_off"));
    assert_null(loader);
    assert_status(wrt_partition_destroy(partition, NULL), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_by_name),
        cmocka_unit_test(test_others_are_not_needed),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_unknown_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
