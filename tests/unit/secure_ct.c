/* tests/unit/secure_ct.c - wrt_ct_* gives right answers: exhaustively for bytes, against
 * memcmp and memcpy for lengths and alignments. That its time is constant: tests/ct.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wrt/secure.h"

#include <string.h>

enum { LENGTHS = 67, SHIFTS = 8, SPACE = 96, GUARD = 0xA5 };

#define YES (~UINT64_C(0))

static uint64_t state = 1;

static uint64_t next(void) /* Knuth's MMIX generator; the high bits are the good ones */
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return state >> 24;
}

static void fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)next();
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void each_pair_of_bytes(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < 256 * 256; i++) {
        uint8_t a = (uint8_t)i, b = (uint8_t)(i >> 8), x = a, y = b;
        assert_true(wrt_ct_equal(&a, &b, 1) == (a == b ? YES : 0));
        assert_int_equal(wrt_ct_compare(&a, &b, 1), (a > b) - (a < b));
        assert_true(wrt_ct_less_than(a, b) == (a < b ? YES : 0));
        assert_true(wrt_ct_is_zero(&a, 1) == (a == 0 ? YES : 0));
        assert_true(wrt_ct_select(a, a, b) == (a != 0 ? a : b));
        wrt_ct_swap_if(0, &x, &y, 1);
        assert_true(x == a && y == b);
        wrt_ct_swap_if(1, &x, &y, 1);
        assert_true(x == b && y == a);
        wrt_ct_copy_if(0, &x, &y, 1);
        assert_int_equal(x, b);
        wrt_ct_copy_if(YES, &x, &y, 1);
        assert_int_equal(x, a);
    }
}

/* Where carries and signs go wrong. */
static void numbers_at_the_edges(void **unused)
{
    static const uint64_t edge[] = {0, 1, 2, 0x7F, 0x80, 0xFFFFFFFF, UINT64_C(1) << 32,
                                    INT64_MAX - 1, INT64_MAX, UINT64_C(1) << 63,
                                    (UINT64_C(1) << 63) + 1, YES - 1, YES};
    enum { EDGES = sizeof edge / sizeof edge[0] };

    (void)unused;
    for (int i = 0; i < EDGES; i++) {
        for (int j = 0; j < EDGES; j++) {
            const uint64_t a = edge[i], b = edge[j];
            assert_true(wrt_ct_less_than(a, b) == (a < b ? YES : 0));
            assert_true(wrt_ct_select(a, b, ~b) == (a != 0 ? b : ~b));
        }
    }
}

/* Any bit of a condition is a yes, any bit of a difference a difference. */
static void any_bit_counts(void **unused)
{
    (void)unused;
    for (size_t bit = 0; bit < 8 * 33; bit++) {
        uint8_t zero[33] = {0}, one[33] = {0};
        one[bit / 8] = (uint8_t)(1u << (bit % 8));
        assert_true(wrt_ct_is_zero(zero, sizeof zero) == YES);
        assert_true(wrt_ct_is_zero(one, sizeof one) == 0);
        assert_true(wrt_ct_equal(zero, one, sizeof one) == 0);
        assert_int_equal(wrt_ct_compare(zero, one, sizeof one), -1);
        assert_int_equal(wrt_ct_compare(one, zero, sizeof one), 1);
        if (bit < 64)
            assert_true(wrt_ct_select(UINT64_C(1) << bit, 3, 5) == 3);
    }
}

struct pair {
    uint8_t a[SPACE], b[SPACE];
};

static void one_length(size_t length, size_t shift_a, size_t shift_b)
{
    struct pair before, now;
    uint8_t *a = now.a + 1 + shift_a, *b = now.b + 1 + shift_b;

    fill((uint8_t *)&before, sizeof before);
    memcpy(before.b + 1 + shift_b, before.a + 1 + shift_a, length); /* the same */
    now = before;
    assert_true(wrt_ct_equal(a, b, length) == YES);
    assert_int_equal(wrt_ct_compare(a, b, length), 0);
    if (length == 0)
        return;

    before.b[1 + shift_b + next() % length] ^= (uint8_t)(1 + next() % 255); /* but one */
    before.b[1 + shift_b + length - 1] ^= (uint8_t)(next() & 1);
    now = before;
    assert_true((wrt_ct_equal(a, b, length) == YES) == (memcmp(a, b, length) == 0));
    assert_int_equal(wrt_ct_compare(a, b, length), sign(memcmp(a, b, length)));
    wrt_ct_copy_if(0, a, b, length);
    wrt_ct_swap_if(0, a, b, length);
    assert_memory_equal(&now, &before, sizeof now);

    struct pair expected = before; /* and not a byte beside them */
    memcpy(expected.a + 1 + shift_a, before.b + 1 + shift_b, length);
    wrt_ct_copy_if(next() | 1, a, b, length);
    assert_memory_equal(&now, &expected, sizeof now);
    memcpy(expected.b + 1 + shift_b, before.a + 1 + shift_a, length);
    now = before;
    wrt_ct_swap_if(next() | 1, a, b, length);
    assert_memory_equal(&now, &expected, sizeof now);
    memset(expected.a + 1 + shift_a, 0, length);
    wrt_ct_zeroise(a, length);
    assert_memory_equal(&now, &expected, sizeof now);
    assert_true(wrt_ct_is_zero(a, length) == YES);
}

static void lengths_and_alignments(void **unused)
{
    (void)unused;
    for (size_t length = 0; length < LENGTHS; length++) {
        for (size_t a = 0; a < SHIFTS; a++) {
            for (size_t b = 0; b < SHIFTS; b++)
                one_length(length, a, b);
        }
    }
}

static void the_same_region(void **unused)
{
    uint8_t bytes[19], before[19];

    (void)unused;
    fill(bytes, sizeof bytes);
    memcpy(before, bytes, sizeof bytes);
    wrt_ct_swap_if(1, bytes, bytes, sizeof bytes);
    wrt_ct_copy_if(1, bytes, bytes, sizeof bytes);
    assert_memory_equal(bytes, before, sizeof bytes);
}

static void nothing_at_all(void **unused)
{
    (void)unused;
    assert_true(wrt_ct_equal(NULL, NULL, 0) == YES);
    assert_true(wrt_ct_is_zero(NULL, 0) == YES);
    assert_int_equal(wrt_ct_compare(NULL, NULL, 0), 0);
    wrt_ct_copy_if(1, NULL, NULL, 0);
    wrt_ct_swap_if(1, NULL, NULL, 0);
    wrt_ct_zeroise(NULL, 0);
    assert_true(wrt_ct_lookup(NULL, NULL, 0, 0, 0) == 0);
}

static void lookups(void **unused)
{
    uint8_t table[256 * 13];

    (void)unused;
    fill(table, sizeof table);
    for (size_t entry = 1; entry <= 13; entry++) {
        for (uint64_t index = 0; index < 256; index++) {
            uint8_t out[15];
            memset(out, GUARD, sizeof out);
            assert_true(wrt_ct_lookup(out + 1, table, entry, 256, index) == YES);
            assert_memory_equal(out + 1, table + index * entry, entry);
            assert_int_equal(out[0], GUARD);
            assert_int_equal(out[1 + entry], GUARD);
        }
    }
}

static void lookups_beyond_the_table(void **unused)
{
    static const uint64_t beyond[] = {4, 5, UINT64_C(1) << 32, YES};
    const uint32_t table[4] = {1, 2, 3, 4};

    (void)unused;
    for (int i = 0; i < 4; i++) {
        uint32_t out = 9;
        assert_true(wrt_ct_lookup(&out, table, sizeof out, 4, beyond[i]) == 0);
        assert_int_equal(out, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_of_bytes),     cmocka_unit_test(numbers_at_the_edges),
        cmocka_unit_test(any_bit_counts),         cmocka_unit_test(lengths_and_alignments),
        cmocka_unit_test(the_same_region),        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(lookups),                cmocka_unit_test(lookups_beyond_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
