/* tests/unit/base_crc32c.c - CRC-32C: known values, and every form against its definition.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/crc32c.h"

#include <string.h>

static uint32_t by_definition(uint32_t crc, const uint8_t *bytes, size_t size)
{
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

static void known_values(void **state)
{
    static const uint8_t zeroes[32];
    uint8_t ones[32];

    (void)state;
    memset(ones, 0xFF, sizeof ones);
    assert_int_equal(wrt_crc32c(0, "123456789", 9), 0xE3069283);
    assert_int_equal(wrt_crc32c(0, zeroes, 32), 0x8A9136AA);
    assert_int_equal(wrt_crc32c(0, ones, 32), 0x62A8AB43);
    assert_int_equal(wrt_crc32c(0, "", 0), 0);
}

static void all_forms_agree_for_every_length_and_alignment(void **state)
{
    static uint8_t bytes[400];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * i + 31 * i);
    for (size_t start = 0; start < 9; start++) {
        for (size_t size = 0; size < 300; size++) {
            uint32_t expected = by_definition(0x1234, bytes + start, size);
            assert_int_equal(wrt_crc32c_by_table(0x1234, bytes + start, size), expected);
            assert_int_equal(wrt_crc32c_by_hardware(0x1234, bytes + start, size), expected);
            assert_int_equal(wrt_crc32c(0x1234, bytes + start, size), expected);
        }
    }
    if (!wrt_crc32c_has_hardware())
        print_message("this processor has no CRC-32C instruction: its form is the table's\n");
}

static void pieces_continue(void **state)
{
    const char *text = "a write that stops anywhere leaves the old or the new content";
    size_t size = strlen(text);

    (void)state;
    for (size_t cut = 0; cut <= size; cut++)
        assert_int_equal(wrt_crc32c(wrt_crc32c(0, text, cut), text + cut, size - cut),
                         wrt_crc32c(0, text, size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values),
        cmocka_unit_test(all_forms_agree_for_every_length_and_alignment),
        cmocka_unit_test(pieces_continue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
