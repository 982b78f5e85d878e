/* src/base/checked.h - arithmetic that says when it does not fit.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each returns true and writes *out when the mathematical result fits its type; otherwise
 * returns false and leaves *out alone. No branch on the wrapped value.
 */
#ifndef WRT_BASE_CHECKED_H
#define WRT_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRT_DEFINE_CHECKED(suffix, type)                                              \
    static inline bool wrt_add_##suffix(type a, type b, type *out)                    \
    {                                                                                 \
        type result;                                                                  \
        if (__builtin_add_overflow(a, b, &result))                                    \
            return false;                                                             \
        *out = result;                                                                \
        return true;                                                                  \
    }                                                                                 \
    static inline bool wrt_sub_##suffix(type a, type b, type *out)                    \
    {                                                                                 \
        type result;                                                                  \
        if (__builtin_sub_overflow(a, b, &result))                                    \
            return false;                                                             \
        *out = result;                                                                \
        return true;                                                                  \
    }                                                                                 \
    static inline bool wrt_mul_##suffix(type a, type b, type *out)                    \
    {                                                                                 \
        type result;                                                                  \
        if (__builtin_mul_overflow(a, b, &result))                                    \
            return false;                                                             \
        *out = result;                                                                \
        return true;                                                                  \
    }                                                                                 \
    /* Rounds up to a multiple of `alignment`, a power of two. */                     \
    static inline bool wrt_align_##suffix(type value, type alignment, type *out)      \
    {                                                                                 \
        type result;                                                                  \
        if (__builtin_add_overflow(value, (type)(alignment - 1), &result))            \
            return false;                                                             \
        *out = (type)(result & ~(type)(alignment - 1));                               \
        return true;                                                                  \
    }                                                                                 \
    static inline bool wrt_is_power_of_two_##suffix(type value)                       \
    {                                                                                 \
        return value != 0 && (value & (type)(value - 1)) == 0;                        \
    }

WRT_DEFINE_CHECKED(u32, uint32_t)
WRT_DEFINE_CHECKED(u64, uint64_t)
WRT_DEFINE_CHECKED(size, size_t)

/* offset .. offset + count lies inside 0 .. size. */
static inline bool wrt_is_range_inside(uint64_t offset, uint64_t count, uint64_t size)
{
    return offset <= size && count <= size - offset;
}

#endif
