/* src/secure/ct.c - constant time: see wrt/secure.h for what is promised.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every answer is computed as a mask by arithmetic, and used by & and ^. A compiler that can
 * prove that a mask has two values may turn it back into a branch, as clang does with loops
 * over a mask; so each mask passes through hide(), after which nothing is known about it.
 *
 * Bytes are taken eight at a time, and the rest of fewer than eight one at a time: that
 * depends on the size alone. The words are loaded by memcpy, so alignment does not matter.
 */
#include "wrt/secure.h"

#include <string.h>

enum { WORD_BYTES = 8 };

/* The value, of which the compiler knows nothing. */
static inline uint64_t hide(uint64_t value)
{
    __asm__ volatile("" : "+r"(value));
    return value;
}

/* All ones if value is not 0: then value or its negative has the top bit. */
static inline wrt_ct_mask mask_of(uint64_t value)
{
    value = hide(value);
    return hide(0 - ((value | (0 - value)) >> 63));
}

static inline uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof word);
    return word;
}

/* ---- questions ---- */

wrt_ct_mask wrt_ct_is_zero(const void *bytes, size_t size_bytes)
{
    const uint8_t *at = bytes;
    uint64_t any = 0;

    for (; size_bytes >= WORD_BYTES; size_bytes -= WORD_BYTES, at += WORD_BYTES)
        any |= word_at(at);
    for (; size_bytes > 0; size_bytes--, at++)
        any |= *at;
    return ~mask_of(any);
}

wrt_ct_mask wrt_ct_equal(const void *a, const void *b, size_t size_bytes)
{
    const uint8_t *left = a, *right = b;
    uint64_t differs = 0;

    for (; size_bytes >= WORD_BYTES; size_bytes -= WORD_BYTES) {
        differs |= word_at(left) ^ word_at(right);
        left += WORD_BYTES;
        right += WORD_BYTES;
    }
    for (; size_bytes > 0; size_bytes--)
        differs |= (uint64_t)(*left++ ^ *right++);
    return ~mask_of(differs);
}

/* The borrow of a - b, without a comparison (Warren, Hacker's Delight, 2-12). */
wrt_ct_mask wrt_ct_less_than(uint64_t a, uint64_t b)
{
    a = hide(a);
    b = hide(b);
    return hide(0 - (((~a & b) | ((~a | b) & (a - b))) >> 63));
}

/* From the last byte to the first: each byte that differs overrules those behind it. */
int wrt_ct_compare(const void *a, const void *b, size_t size_bytes)
{
    const uint8_t *left = a, *right = b;
    uint64_t order = 1; /* 0 less, 1 equal, 2 more */

    while (size_bytes > 0) {
        size_bytes--;
        const uint64_t l = left[size_bytes], r = right[size_bytes];
        const uint64_t here = 1 - (hide(l - r) >> 63) + (hide(r - l) >> 63);
        order = wrt_ct_select(l ^ r, here, order);
    }
    return (int)hide(order) - 1;
}

/* ---- choices ---- */

uint64_t wrt_ct_select(uint64_t condition, uint64_t if_yes, uint64_t if_no)
{
    return if_no ^ ((if_yes ^ if_no) & mask_of(condition));
}

void wrt_ct_copy_if(uint64_t condition, void *to, const void *from, size_t size_bytes)
{
    const wrt_ct_mask mask = mask_of(condition);
    const uint8_t *in = from;
    uint8_t *out = to;

    for (; size_bytes >= WORD_BYTES; size_bytes -= WORD_BYTES) {
        const uint64_t old = word_at(out), word = old ^ ((old ^ word_at(in)) & mask);
        memcpy(out, &word, sizeof word);
        in += WORD_BYTES;
        out += WORD_BYTES;
    }
    for (; size_bytes > 0; size_bytes--, out++)
        *out = (uint8_t)(*out ^ ((*out ^ *in++) & mask));
}

void wrt_ct_swap_if(uint64_t condition, void *a, void *b, size_t size_bytes)
{
    const wrt_ct_mask mask = mask_of(condition);
    uint8_t *left = a, *right = b;

    for (; size_bytes >= WORD_BYTES; size_bytes -= WORD_BYTES) {
        const uint64_t l = word_at(left), r = word_at(right), change = (l ^ r) & mask;
        const uint64_t new_l = l ^ change, new_r = r ^ change;
        memcpy(left, &new_l, sizeof new_l);
        memcpy(right, &new_r, sizeof new_r);
        left += WORD_BYTES;
        right += WORD_BYTES;
    }
    for (; size_bytes > 0; size_bytes--, left++, right++) {
        const uint8_t l = *left, r = *right, change = (uint8_t)((l ^ r) & mask);
        *left = (uint8_t)(l ^ change);
        *right = (uint8_t)(r ^ change);
    }
}

wrt_ct_mask wrt_ct_lookup(void *out, const void *table, size_t entry_bytes, size_t count,
                          uint64_t index)
{
    const uint8_t *entry = table;

    if (entry_bytes > 0) /* out may be NULL then */
        memset(out, 0, entry_bytes);
    for (size_t i = 0; i < count; i++) {
        wrt_ct_copy_if(~mask_of(i ^ index), out, entry, entry_bytes);
        entry += entry_bytes;
    }
    return wrt_ct_less_than(index, count);
}

/* The empty assembly may read all memory, so the stores before it must have happened. */
void wrt_ct_zeroise(void *bytes, size_t size_bytes)
{
    if (size_bytes > 0)
        memset(bytes, 0, size_bytes);
    __asm__ volatile("" : : "r"(bytes) : "memory");
}
