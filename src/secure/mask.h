/* src/secure/mask.h - masks of 32 bits for loops over many entries, and vectors under a mask.
 * SPDX-License-Identifier: Apache-2.0
 *
 * As in ct.c: an answer is a mask, and hide() keeps the compiler from making a branch of it.
 * Numbers that are compared are below 2^31. Sizes are multiples of 16.
 */
#ifndef WRT_SECURE_MASK_H
#define WRT_SECURE_MASK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Here a value that was secret is told on purpose: the leaf of a path, a refusal. The check for
 * secrets (tests/oblivious) takes it for public from here on. */
#ifndef WRT_MASK_TELL
#define WRT_MASK_TELL(value) ((void)(value))
#endif

typedef uint64_t wrt_wide __attribute__((vector_size(16)));

static inline uint32_t wrt_mask_hide(uint32_t value)
{
    __asm__("" : "+r"(value)); /* not volatile: it may be left out with its result */
    return value;
}

static inline uint32_t wrt_mask_zero(uint32_t value)
{
    return wrt_mask_hide(((value | (0 - value)) >> 31) - 1);
}

static inline uint32_t wrt_mask_equal(uint32_t a, uint32_t b)
{
    return wrt_mask_zero(a ^ b);
}

static inline uint32_t wrt_mask_less(uint32_t a, uint32_t b)
{
    return wrt_mask_hide(0 - ((a - b) >> 31));
}

static inline uint32_t wrt_mask_pick(uint32_t mask, uint32_t if_yes, uint32_t if_no)
{
    return if_no ^ ((if_yes ^ if_no) & mask);
}

/* By pointer: on a machine without vectors in registers none can be returned. */
static inline void wrt_wide_load(wrt_wide *out, const uint8_t *bytes)
{
    memcpy(out, bytes, sizeof *out);
}

static inline void wrt_wide_mask(wrt_wide *out, uint32_t mask)
{
    const uint64_t word = (uint64_t)mask << 32 | mask;

    *out = (wrt_wide){word, word};
}

/* to |= from & mask */
static inline void wrt_mask_gather(uint32_t mask, uint8_t *to, const uint8_t *from, size_t size)
{
    wrt_wide wide, sum, more;

    wrt_wide_mask(&wide, mask);
    for (size_t i = 0; i < size; i += sizeof wide) {
        wrt_wide_load(&sum, to + i);
        wrt_wide_load(&more, from + i);
        sum |= more & wide;
        memcpy(to + i, &sum, sizeof sum);
    }
}

/* to = mask ? from : to */
static inline void wrt_mask_copy(uint32_t mask, uint8_t *to, const uint8_t *from, size_t size)
{
    wrt_wide wide, old, new;

    wrt_wide_mask(&wide, mask);
    for (size_t i = 0; i < size; i += sizeof wide) {
        wrt_wide_load(&old, to + i);
        wrt_wide_load(&new, from + i);
        old ^= (old ^ new) & wide;
        memcpy(to + i, &old, sizeof old);
    }
}

static inline void wrt_mask_swap(uint32_t mask, uint8_t *a, uint8_t *b, size_t size)
{
    wrt_wide wide, left, right;

    wrt_wide_mask(&wide, mask);
    for (size_t i = 0; i < size; i += sizeof wide) {
        wrt_wide_load(&left, a + i);
        wrt_wide_load(&right, b + i);
        const wrt_wide change = (left ^ right) & wide;
        left ^= change;
        right ^= change;
        memcpy(a + i, &left, sizeof left);
        memcpy(b + i, &right, sizeof right);
    }
}

#endif
