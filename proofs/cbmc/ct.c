/* proofs/cbmc/ct.c - constant time functions say what plain ones would, on one path.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: wrt_ct_is_zero, equal, less_than, compare, select, copy_if, swap_if, lookup and zeroise
 *   are what memcmp, <, ?:, memcpy, an exchange, an indexed read and memset say, touch exactly their
 *   bytes; and no condition of their code depends on contents: with lengths given, CBMC finds one path.
 * Bound: contents of up to 9 bytes (a word, and a byte after it); tables of 3 entries of 3 bytes.
 * Stubbed: the empty assembly that hides values from the compiler changes nothing.
 * Misses: what compilers make of it: `./check ct` looks at their code.
 *
 * PROOF quick numbers
 * PROOF quick contents --unwind 11
 * PROOF quick choices --unwind 11
 * PROOF quick tables --unwind 11
 * ONEPATH quick all_lengths --unwind 11
 * MUTANT numbers src/secure/ct.c s/\(~a & b\) \| \(\(~a \| b\)/(~a \& b) | ((~a \& b)/
 * MUTANT numbers src/secure/ct.c s/return if_no \^/return if_yes ^/
 * MUTANT contents src/secure/ct.c s/differs \|= \(uint64_t\)/differs = (uint64_t)/
 * MUTANT contents src/secure/ct.c s/order = wrt_ct_select\(l \^ r, here, order\)/order = wrt_ct_select(order ^ 1, order, here)/
 * MUTANT choices src/secure/ct.c s/for \(; size_bytes > 0; size_bytes--, out\+\+\)/for (; size_bytes > 1; size_bytes--, out++)/
 * MUTANT choices src/secure/ct.c s/memcpy\(right, &new_r, sizeof new_r\)/memcpy(right, \&new_l, sizeof new_r)/
 * MUTANT tables src/secure/ct.c s/~mask_of\(i \^ index\)/~mask_of((uint8_t)(i ^ index))/
 * MUTANT all_lengths src/secure/ct.c s/differs \|= \(uint64_t\)\(\*left\+\+ \^ \*right\+\+\);/if (*left++ != *right++) return 0;/
 */
#include "secure/ct.c"
#include "proof.h"

enum { MOST = 9 };
static uint8_t a[MOST], b[MOST], c[MOST], d[MOST];

static void fill(uint8_t *to)
{
    for (size_t i = 0; i < MOST; i++)
        to[i] = any_u8();
}

static bool is_no(wrt_ct_mask mask)
{
    return mask == 0;
}

static bool is_yes(wrt_ct_mask mask)
{
    return mask == ~UINT64_C(0);
}

void numbers(void)
{
    const uint64_t x = any_u64(), y = any_u64(), condition = any_u64();
    prove(x < y ? is_yes(wrt_ct_less_than(x, y)) : is_no(wrt_ct_less_than(x, y)), "less than");
    prove(wrt_ct_select(condition, x, y) == (condition != 0 ? x : y), "select");
}

void contents(void)
{
    fill(a), fill(b);
    const size_t size = any_below(MOST + 1);
    int order = 0;
    bool is_zero = true;
    for (size_t i = size; i-- > 0;) {
        order = a[i] < b[i] ? -1 : a[i] > b[i] ? 1 : order;
        is_zero = is_zero && a[i] == 0;
    }
    prove(order == 0 ? is_yes(wrt_ct_equal(a, b, size)) : is_no(wrt_ct_equal(a, b, size)), "equal");
    prove(is_zero ? is_yes(wrt_ct_is_zero(a, size)) : is_no(wrt_ct_is_zero(a, size)), "zero");
    prove(wrt_ct_compare(a, b, size) == order, "compare");
}

void choices(void)
{
    fill(a), fill(b);
    memcpy(c, a, MOST), memcpy(d, b, MOST);
    const size_t size = any_below(MOST + 1), look = any_below(MOST);
    const uint64_t condition = any_u64();
    const bool here = condition != 0 && look < size;

    wrt_ct_copy_if(condition, c, b, size);
    prove(c[look] == (here ? b[look] : a[look]), "copied if so");
    memcpy(c, a, MOST);
    wrt_ct_swap_if(condition, c, d, size);
    prove(c[look] == (here ? b[look] : a[look]), "exchanged if so");
    prove(d[look] == (here ? a[look] : b[look]), "and the other");
    wrt_ct_zeroise(c, size);
    prove(look >= size || c[look] == 0, "wiped");
}

void tables(void)
{
    fill(a);
    const uint64_t index = any_u64();
    const size_t look = any_below(3);
    const wrt_ct_mask found = wrt_ct_lookup(c, a, 3, 3, index);
    prove(index < 3 ? is_yes(found) : is_no(found), "found if there");
    prove(c[look] == (index < 3 ? a[index * 3 + look] : 0), "the entry, or zeros");
}

/* Nothing is asked here: ONEPATH looks at the way through. */
void all_lengths(void)
{
    fill(a), fill(b);
    const uint64_t condition = any_u64();
    uint64_t sum = wrt_ct_less_than(condition, any_u64()) ^ wrt_ct_select(condition, any_u64(), 5);
    for (size_t size = 0; size <= MOST; size++) {
        sum ^= wrt_ct_is_zero(a, size) ^ wrt_ct_equal(a, b, size);
        sum ^= (uint64_t)wrt_ct_compare(a, b, size);
        wrt_ct_copy_if(condition, c, b, size);
        wrt_ct_swap_if(condition, c, d, size);
    }
    sum ^= wrt_ct_lookup(c, a, 3, 3, condition);
    wrt_ct_zeroise(c, MOST);
    a[0] = (uint8_t)sum;
}
