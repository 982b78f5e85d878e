/* engine/masking.h - an index that stays inside also where the processor only guesses.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A processor runs ahead of a bounds check that it predicts to pass (Spectre, variant 1); what it
 * loads there leaves traces in the cache. Built with -DWRT_INDEX_MASKING=ON each index is, after its
 * check, also combined with a mask that depends on the comparison as data, not as a branch: all
 * ones if index < limit, else 0. So the load waits for the comparison, and a wrong guess reads
 * offset 0. Written in assembly, because a compiler that sees the check knows the mask.
 * Without the option it is the index, and no instruction.
 */
#ifndef ENGINE_MASKING_H
#define ENGINE_MASKING_H

#include <stdint.h>

#ifndef WRT_INDEX_MASKING
#define WRT_INDEX_MASKING 0
#endif

static inline uint64_t wrt_mask_index(uint64_t index, uint64_t limit)
{
#if !WRT_INDEX_MASKING
    (void)limit;
    return index;
#else
    uint64_t mask;
#if defined(__x86_64__)
    __asm__("cmp %2, %1\n\tsbb %0, %0" : "=r"(mask) : "r"(index), "r"(limit) : "cc");
#elif defined(__aarch64__)
    __asm__("cmp %1, %2\n\tsbc %0, xzr, xzr\n\thint #20 // csdb"
            : "=r"(mask) : "r"(index), "r"(limit) : "cc");
#else
    /* The borrow of index - limit (Hacker's Delight, 2-12), hidden from the compiler. */
    mask = 0 - (((~index & limit) | ((~index | limit) & (index - limit))) >> 63);
    __asm__("" : "+r"(mask));
#endif
    return index & mask;
#endif
}

#endif
