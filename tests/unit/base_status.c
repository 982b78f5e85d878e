/* tests/unit/base_status.c - status names, checked arithmetic, bytes, error text.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "wrt/base.h"

#include <stdio.h>
#include <string.h>

static void every_status_has_a_name_and_a_sentence(void **state)
{
    (void)state;
#define CHECK(name, value, sentence)                                      \
    assert_string_equal(wrt_status_name(WRT_##name), "WRT_" #name);       \
    assert_string_equal(wrt_status_text(WRT_##name), sentence);           \
    assert_int_equal(WRT_##name, value);
    WRT_STATUS_LIST(CHECK)
#undef CHECK
    assert_string_equal(wrt_status_name((enum wrt_status)-1000), "unknown status");
    assert_string_equal(wrt_status_text((enum wrt_status)1000), "unknown status");
}

static void version_matches_the_header(void **state)
{
    char text[32];

    (void)state;
    snprintf(text, sizeof text, "%d.%d.%d", WRT_VERSION_MAJOR, WRT_VERSION_MINOR,
             WRT_VERSION_PATCH);
    assert_string_equal(wrt_version(), text);
    assert_string_equal(WRT_VERSION_STRING, text);
}

static void checked_arithmetic_refuses_what_does_not_fit(void **state)
{
    uint64_t out = 7;
    uint32_t small = 7;

    (void)state;
    assert_false(wrt_add_u64(UINT64_MAX, 1, &out));
    assert_false(wrt_sub_u64(0, 1, &out));
    assert_false(wrt_mul_u64(UINT64_C(1) << 33, UINT64_C(1) << 31, &out));
    assert_false(wrt_align_u64(UINT64_MAX, 4096, &out));
    assert_false(wrt_add_u32(UINT32_MAX, 1, &small));
    assert_int_equal(out, 7);
    assert_int_equal(small, 7);
    assert_true(wrt_add_u64(UINT64_MAX - 1, 1, &out));
    assert_true(out == UINT64_MAX);
    assert_true(wrt_mul_u64(UINT64_C(1) << 32, UINT64_C(1) << 31, &out));
    assert_true(out == UINT64_C(1) << 63);
    assert_true(wrt_align_u64(4097, 4096, &out) && out == 8192);
    assert_true(wrt_align_u64(4096, 4096, &out) && out == 4096);
    assert_true(wrt_align_u64(0, 4096, &out) && out == 0);
    assert_true(wrt_is_power_of_two_u32(1u << 31));
    assert_false(wrt_is_power_of_two_u32(0));
    assert_false(wrt_is_power_of_two_u32(6));
}

static void ranges_are_checked_without_wrapping(void **state)
{
    (void)state;
    assert_true(wrt_is_range_inside(0, 0, 0));
    assert_true(wrt_is_range_inside(10, 0, 10));
    assert_true(wrt_is_range_inside(3, 7, 10));
    assert_false(wrt_is_range_inside(3, 8, 10));
    assert_false(wrt_is_range_inside(11, 0, 10));
    assert_false(wrt_is_range_inside(UINT64_MAX, 2, 10));
    assert_false(wrt_is_range_inside(2, UINT64_MAX, 10));
}

static void bytes_are_little_endian_at_any_alignment(void **state)
{
    uint8_t bytes[9] = {0, 1, 2, 3, 4, 5, 6, 7, 0xF8};
    uint8_t again[9] = {0};

    (void)state;
    assert_int_equal(wrt_read_u16(bytes + 1), 0x0201);
    assert_int_equal(wrt_read_u32(bytes + 1), 0x04030201);
    assert_true(wrt_read_u64(bytes + 1) == UINT64_C(0xF807060504030201));
    wrt_write_u64(again + 1, UINT64_C(0xF807060504030201));
    assert_memory_equal(bytes, again, sizeof bytes);
    wrt_copy(NULL, NULL, 0);
    wrt_fill(NULL, 1, 0);
}

static void errors_keep_status_text_and_offset(void **state)
{
    struct wrt_error error;
    char longest[400];

    (void)state;
    memset(longest, 'x', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(wrt_fail(NULL, WRT_ERR_LIMIT, "ignored"), WRT_ERR_LIMIT);
    assert_int_equal(wrt_fail_at(&error, WRT_ERR_MALFORMED, 12, "bad %d", 3), WRT_ERR_MALFORMED);
    assert_true(error.has_offset && error.byte_offset == 12);
    assert_string_equal(error.text, "bad 3");
    assert_int_equal(wrt_fail(&error, WRT_ERR_LIMIT, "%s", longest), WRT_ERR_LIMIT);
    assert_int_equal(error.status, WRT_ERR_LIMIT);
    assert_false(error.has_offset);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_name_and_a_sentence),
        cmocka_unit_test(version_matches_the_header),
        cmocka_unit_test(checked_arithmetic_refuses_what_does_not_fit),
        cmocka_unit_test(ranges_are_checked_without_wrapping),
        cmocka_unit_test(bytes_are_little_endian_at_any_alignment),
        cmocka_unit_test(errors_keep_status_text_and_offset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
