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

static inline wrt_wide wrt_wide_at(const uint8_t *bytes)
{
    wrt_wide wide;

    memcpy(&wide, bytes, sizeof wide);
    return wide;
}

static inline wrt_wide wrt_wide_mask(uint32_t mask)
{
    const uint64_t word = (uint64_t)mask << 32 | mask;

    return (wrt_wide){word, word};
}

/* to |= from & mask */
static inline void wrt_mask_gather(uint32_t mask, uint8_t *to, const uint8_t *from, size_t size)
{
    const wrt_wide wide = wrt_wide_mask(mask);

    for (size_t i = 0; i < size; i += sizeof wide) {
        const wrt_wide sum = wrt_wide_at(to + i) | (wrt_wide_at(from + i) & wide);
        memcpy(to + i, &sum, sizeof sum);
    }
}

/* to = mask ? from : to */
static inline void wrt_mask_copy(uint32_t mask, uint8_t *to, const uint8_t *from, size_t size)
{
    const wrt_wide wide = wrt_wide_mask(mask);

    for (size_t i = 0; i < size; i += sizeof wide) {
        const wrt_wide old = wrt_wide_at(to + i);
        const wrt_wide new = old ^ ((old ^ wrt_wide_at(from + i)) & wide);
        memcpy(to + i, &new, sizeof new);
    }
}

static inline void wrt_mask_swap(uint32_t mask, uint8_t *a, uint8_t *b, size_t size)
{
    const wrt_wide wide = wrt_wide_mask(mask);

    for (size_t i = 0; i < size; i += sizeof wide) {
        const wrt_wide left = wrt_wide_at(a + i), right = wrt_wide_at(b + i);
        const wrt_wide change = (left ^ right) & wide;
        const wrt_wide new_left = left ^ change, new_right = right ^ change;
        memcpy(a + i, &new_left, sizeof new_left);
        memcpy(b + i, &new_right, sizeof new_right);
    }
}

#endif
