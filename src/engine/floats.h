/* engine/floats.h - floating-point operations that C does not spell the way WebAssembly means.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_ENGINE_FLOATS_H
#define WRT_ENGINE_FLOATS_H

#include <stdint.h>
#include <string.h>

static inline uint32_t bits_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float f32_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t bits_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double f64_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* NaNs are made quiet by hand: compilers fold x + 0 as if no NaN could signal. */
static inline float f32_quiet(float x)
{
    return f32_bits(bits_f32(x) | 0x400000u);
}

static inline double f64_quiet(double x)
{
    return f64_bits(bits_f64(x) | UINT64_C(0x8000000000000));
}

#define round_f32(function, x) ((x) != (x) ? f32_quiet(x) : function(x))
#define round_f64(function, x) ((x) != (x) ? f64_quiet(x) : function(x))

/* Any NaN gives a quiet NaN (spec 4.3.3); min(+0, -0) is -0, max is +0. */
#define MINIMUM(name, T, bits_of, from_bits, quiet, rel, combine)                       \
    static inline T name(T x, T y)                                                      \
    {                                                                                   \
        if (x != x || y != y)                                                           \
            return quiet(x != x ? x : y);                                               \
        if (x == y)                                                                     \
            return from_bits(bits_of(x) combine bits_of(y));                            \
        return x rel y ? x : y;                                                         \
    }
MINIMUM(f32_min, float, bits_f32, f32_bits, f32_quiet, <, |)
MINIMUM(f32_max, float, bits_f32, f32_bits, f32_quiet, >, &)
MINIMUM(f64_min, double, bits_f64, f64_bits, f64_quiet, <, |)
MINIMUM(f64_max, double, bits_f64, f64_bits, f64_quiet, >, &)

static inline float f32_copysign(float x, float y)
{
    return f32_bits((bits_f32(x) & 0x7fffffffu) | (bits_f32(y) & 0x80000000u));
}

static inline double f64_copysign(double x, double y)
{
    const uint64_t sign = UINT64_C(1) << 63;
    return f64_bits((bits_f64(x) & ~sign) | (bits_f64(y) & sign));
}

/* An integer of type I nearest to x, given the float neighbours just outside its range. */
#define SATURATE(low, high, MIN, MAX, I) \
    (x != x ? 0 : !(x > (low)) ? (MIN) : !(x < (high)) ? (MAX) : (I)x)

#endif
