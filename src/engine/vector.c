/* engine/vector.c - operations on v128 values (spec 4.3.6) that are functions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each reads all its inputs before it writes, because its result may overlap them. Lanes are
 * loops over arrays of fixed size, which compilers turn into vector instructions.
 */
#include "vector.h"

#include <math.h>

#include "floats.h"

union lanes {
    uint8_t u8[16];
    int8_t s8[16];
    uint16_t u16[8];
    int16_t s16[8];
    uint32_t u32[4];
    int32_t s32[4];
    uint64_t u64[2];
    int64_t s64[2];
    float f32[4];
    double f64[2];
};

static inline union lanes get(const union cell *from)
{
    union lanes v;
    memcpy(&v, from, sizeof v);
    return v;
}

static inline void put(union cell *to, const union lanes *v)
{
    memcpy(to, v, sizeof *v);
}

/* r.R[i], of type T, for i in 0 .. N - 1, from lanes of x, y, z. */
#define LANES(name, inputs, N, R, T, expr)                                              \
    void wrt_vector_##name(union cell *fp, const union word *pc)                        \
    {                                                                                   \
        inputs union lanes r;                                                           \
        for (unsigned i = 0; i < (N); i++)                                              \
            r.R[i] = (T)(expr);                                                         \
        put(fp + pc[1].s.d, &r);                                                        \
    }
#define X const union lanes x = get(fp + pc[1].s.a);
#define XY X const union lanes y = get(fp + pc[1].s.b);
#define XYZ XY const union lanes z = get(fp + pc[1].s.c);

/* ---- moving lanes ---- */

/* Lane i of the result is lane k of x and y in a row, k being byte i of pc[3] and pc[4]. */
#define SHUFFLE(bits, N)                                                                \
    void wrt_vector_shuffle_##bits(union cell *fp, const union word *pc)                \
    {                                                                                   \
        uint##bits##_t from[2 * (N)], to[N];                                            \
        uint8_t lanes[N];                                                               \
        memcpy(from, fp + pc[1].s.a, 16);                                               \
        memcpy(from + (N), fp + pc[1].s.b, 16);                                         \
        memcpy(lanes, pc + 3, sizeof lanes);                                            \
        for (unsigned i = 0; i < (N); i++)                                              \
            to[i] = from[lanes[i]];                                                     \
        memcpy(fp + pc[1].s.d, to, 16);                                                 \
    }
SHUFFLE(8, 16)
SHUFFLE(16, 8)

LANES(swizzle, XY, 16, u8, uint8_t, y.u8[i] < 16 ? x.u8[y.u8[i] & 15] : 0)

/* ---- integers ---- */

#define SHIFT const unsigned n = fp[pc[1].s.b].i32 & 7;
LANES(i8x16_shl, X SHIFT, 16, u8, uint8_t, x.u8[i] << n)
LANES(i8x16_shr_s, X SHIFT, 16, s8, int8_t, x.s8[i] >> n)
LANES(i8x16_shr_u, X SHIFT, 16, u8, uint8_t, x.u8[i] >> n)

LANES(i8x16_abs, X, 16, u8, uint8_t, x.s8[i] < 0 ? 0 - x.u8[i] : x.u8[i])
LANES(i16x8_abs, X, 8, u16, uint16_t, x.s16[i] < 0 ? 0 - x.u16[i] : x.u16[i])
LANES(i32x4_abs, X, 4, u32, uint32_t, x.s32[i] < 0 ? 0 - x.u32[i] : x.u32[i])
LANES(i64x2_abs, X, 2, u64, uint64_t, x.s64[i] < 0 ? 0 - x.u64[i] : x.u64[i])
LANES(i8x16_popcnt, X, 16, u8, uint8_t, __builtin_popcount(x.u8[i]))

static inline int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

#define CLAMP_S8(value) clamp(value, INT8_MIN, INT8_MAX)
#define CLAMP_U8(value) clamp(value, 0, UINT8_MAX)
#define CLAMP_S16(value) clamp(value, INT16_MIN, INT16_MAX)
#define CLAMP_U16(value) clamp(value, 0, UINT16_MAX)
LANES(i8x16_add_sat_s, XY, 16, s8, int8_t, CLAMP_S8(x.s8[i] + y.s8[i]))
LANES(i8x16_add_sat_u, XY, 16, u8, uint8_t, CLAMP_U8(x.u8[i] + y.u8[i]))
LANES(i8x16_sub_sat_s, XY, 16, s8, int8_t, CLAMP_S8(x.s8[i] - y.s8[i]))
LANES(i8x16_sub_sat_u, XY, 16, u8, uint8_t, CLAMP_U8(x.u8[i] - y.u8[i]))
LANES(i16x8_add_sat_s, XY, 8, s16, int16_t, CLAMP_S16(x.s16[i] + y.s16[i]))
LANES(i16x8_add_sat_u, XY, 8, u16, uint16_t, CLAMP_U16(x.u16[i] + y.u16[i]))
LANES(i16x8_sub_sat_s, XY, 8, s16, int16_t, CLAMP_S16(x.s16[i] - y.s16[i]))
LANES(i16x8_sub_sat_u, XY, 8, u16, uint16_t, CLAMP_U16(x.u16[i] - y.u16[i]))
LANES(i8x16_avgr_u, XY, 16, u8, uint8_t, (x.u8[i] + y.u8[i] + 1) >> 1)
LANES(i16x8_avgr_u, XY, 8, u16, uint16_t, (x.u16[i] + y.u16[i] + 1) >> 1)
LANES(i16x8_q15mulr_sat_s, XY, 8, s16, int16_t, CLAMP_S16((x.s16[i] * y.s16[i] + 0x4000) >> 15))

/* The lanes of x, then those of y, each in half its width. */
#define NARROW(name, N, from, R, T, CLAMP) \
    LANES(name, XY, N, R, T, CLAMP(i < (N) / 2 ? x.from[i % ((N) / 2)] : y.from[i % ((N) / 2)]))
NARROW(i8x16_narrow_s, 16, s16, s8, int8_t, CLAMP_S8)
NARROW(i8x16_narrow_u, 16, s16, u8, uint8_t, CLAMP_U8)
NARROW(i16x8_narrow_s, 8, s32, s16, int16_t, CLAMP_S16)
NARROW(i16x8_narrow_u, 8, s32, u16, uint16_t, CLAMP_U16)

/* Each lane of one half of x times y's, in twice the width. The product of 32 bits by 32 fits
 * 64, that of 16 by 16 fits 32, signed or not. */
#define WIDEN_HALF(name, half, N, from, R, T)                                           \
    LANES(name##_extmul_##half, XY, N, R, T, (T)x.from * (T)y.from)
#define WIDEN(name, N, bits, wide)                                                      \
    WIDEN_HALF(name, low_s, N, s##bits[i], s##wide, int##wide##_t)                      \
    WIDEN_HALF(name, high_s, N, s##bits[i + (N)], s##wide, int##wide##_t)               \
    WIDEN_HALF(name, low_u, N, u##bits[i], u##wide, uint##wide##_t)                     \
    WIDEN_HALF(name, high_u, N, u##bits[i + (N)], u##wide, uint##wide##_t)
WIDEN(i16x8, 8, 8, 16)
WIDEN(i32x4, 4, 16, 32)
WIDEN(i64x2, 2, 32, 64)

LANES(i16x8_extadd_s, X, 8, s16, int16_t, x.s8[2 * i] + x.s8[2 * i + 1])
LANES(i16x8_extadd_u, X, 8, u16, uint16_t, x.u8[2 * i] + x.u8[2 * i + 1])
LANES(i32x4_extadd_s, X, 4, s32, int32_t, x.s16[2 * i] + x.s16[2 * i + 1])
LANES(i32x4_extadd_u, X, 4, u32, uint32_t, x.u16[2 * i] + x.u16[2 * i + 1])

/* Sums of products; of four -2^30 the sum is 2^31, so they are added unsigned. */
static inline uint32_t product_16(const union lanes *x, const union lanes *y, unsigned i)
{
    return (uint32_t)(x->s16[i] * y->s16[i]);
}

/* The relaxed ones take y's lanes as signed, and clamp the sum of two products: at most
 * 2 * 2^14 = 2^15. */
static inline int pair_of_8(const union lanes *x, const union lanes *y, unsigned i)
{
    return CLAMP_S16(x->s8[i] * y->s8[i] + x->s8[i + 1] * y->s8[i + 1]);
}

LANES(i32x4_dot_i16x8, XY, 4, u32, uint32_t, product_16(&x, &y, 2 * i) + product_16(&x, &y, 2 * i + 1))
LANES(i16x8_dot_i8x16, XY, 8, s16, int16_t, pair_of_8(&x, &y, 2 * i))
LANES(i32x4_dot_i8x16_add, XYZ, 4, u32, uint32_t,
      (uint32_t)(pair_of_8(&x, &y, 4 * i) + pair_of_8(&x, &y, 4 * i + 2)) + z.u32[i])

/* ---- floats ---- */

#define FLOATS(name, inputs, expr32, expr64)                                            \
    LANES(f32x4_##name, inputs, 4, f32, float, expr32)                                  \
    LANES(f64x2_##name, inputs, 2, f64, double, expr64)
#define F32(lanes) lanes.f32[i]
#define F64(lanes) lanes.f64[i]
FLOATS(ceil, X, round_f32(ceilf, F32(x)), round_f64(ceil, F64(x)))
FLOATS(floor, X, round_f32(floorf, F32(x)), round_f64(floor, F64(x)))
FLOATS(trunc, X, round_f32(truncf, F32(x)), round_f64(trunc, F64(x)))
FLOATS(nearest, X, round_f32(rintf, F32(x)), round_f64(rint, F64(x)))
FLOATS(sqrt, X, sqrtf(F32(x)), sqrt(F64(x)))
FLOATS(min, XY, f32_min(F32(x), F32(y)), f64_min(F64(x), F64(y)))
FLOATS(max, XY, f32_max(F32(x), F32(y)), f64_max(F64(x), F64(y)))

/* Rounded twice; relaxed: once where the machine has it as one instruction. */
FLOATS(madd, XYZ, F32(x) * F32(y) + F32(z), F64(x) * F64(y) + F64(z))
FLOATS(nmadd, XYZ, -F32(x) * F32(y) + F32(z), -F64(x) * F64(y) + F64(z))
#ifdef FP_FAST_FMAF
#define MADD_32(x, y, z) fmaf(x, y, z)
#else
#define MADD_32(x, y, z) ((x) * (y) + (z))
#endif
#ifdef FP_FAST_FMA
#define MADD_64(x, y, z) fma(x, y, z)
#else
#define MADD_64(x, y, z) ((x) * (y) + (z))
#endif
FLOATS(madd_relaxed, XYZ, MADD_32(F32(x), F32(y), F32(z)), MADD_64(F64(x), F64(y), F64(z)))
FLOATS(nmadd_relaxed, XYZ, MADD_32(-F32(x), F32(y), F32(z)), MADD_64(-F64(x), F64(y), F64(z)))

/* ---- conversions ---- */

static inline int32_t signed_of_f32(float x)
{
    return SATURATE(-2147483904.0f, 2147483648.0f, INT32_MIN, INT32_MAX, int32_t);
}

static inline uint32_t unsigned_of_f32(float x)
{
    return SATURATE(-1.0f, 4294967296.0f, 0u, UINT32_MAX, uint32_t);
}

static inline int32_t signed_of_f64(double x)
{
    return SATURATE(-2147483649.0, 2147483648.0, INT32_MIN, INT32_MAX, int32_t);
}

static inline uint32_t unsigned_of_f64(double x)
{
    return SATURATE(-1.0, 4294967296.0, 0u, UINT32_MAX, uint32_t);
}

LANES(i32x4_trunc_f32x4_s, X, 4, s32, int32_t, signed_of_f32(F32(x)))
LANES(i32x4_trunc_f32x4_u, X, 4, u32, uint32_t, unsigned_of_f32(F32(x)))
LANES(i32x4_trunc_f64x2_s, X, 4, s32, int32_t, i < 2 ? signed_of_f64(x.f64[i % 2]) : 0)
LANES(i32x4_trunc_f64x2_u, X, 4, u32, uint32_t, i < 2 ? unsigned_of_f64(x.f64[i % 2]) : 0)
LANES(f32x4_convert_s, X, 4, f32, float, x.s32[i])
LANES(f32x4_convert_u, X, 4, f32, float, x.u32[i])
LANES(f64x2_convert_s, X, 2, f64, double, x.s32[i])
LANES(f64x2_convert_u, X, 2, f64, double, x.u32[i])
LANES(f32x4_demote, X, 4, f32, float, i < 2 ? (float)x.f64[i % 2] : 0.0f)
LANES(f64x2_promote, X, 2, f64, double, x.f32[i])

/* ---- questions ---- */

#define TEST(name, N, start, step)                                                      \
    uint32_t wrt_vector_test_##name(const union cell *v)                                \
    {                                                                                   \
        const union lanes x = get(v);                                                   \
        uint32_t r = start;                                                             \
        for (unsigned i = 0; i < (N); i++)                                              \
            r = step;                                                                   \
        return r;                                                                       \
    }
TEST(any_true, 2, 0, r | (x.u64[i] != 0))
TEST(i8x16_all_true, 16, 1, r & (x.u8[i] != 0))
TEST(i16x8_all_true, 8, 1, r & (x.u16[i] != 0))
TEST(i32x4_all_true, 4, 1, r & (x.u32[i] != 0))
TEST(i64x2_all_true, 2, 1, r & (x.u64[i] != 0))
TEST(i8x16_bitmask, 16, 0, r | (uint32_t)(x.u8[i] >> 7) << i)
TEST(i16x8_bitmask, 8, 0, r | (uint32_t)(x.u16[i] >> 15) << i)
TEST(i32x4_bitmask, 4, 0, r | (x.u32[i] >> 31) << i)
TEST(i64x2_bitmask, 2, 0, r | (uint32_t)(x.u64[i] >> 63) << i)

/* ---- memory ---- */

#define ACCESS(name) void wrt_vector_##name(union cell *fp, const union word *pc, uint8_t *at)

#define LOAD_EXTEND(name, N, from, R, T)                                                \
    ACCESS(load_##name)                                                                 \
    {                                                                                   \
        union lanes x, r;                                                               \
        memcpy(&x, at, 8);                                                              \
        for (unsigned i = 0; i < (N); i++)                                              \
            r.R[i] = (T)x.from[i];                                                      \
        put(fp + pc[1].s.d, &r);                                                        \
    }
LOAD_EXTEND(8x8_s, 8, s8, s16, int16_t)
LOAD_EXTEND(8x8_u, 8, u8, u16, uint16_t)
LOAD_EXTEND(16x4_s, 4, s16, s32, int32_t)
LOAD_EXTEND(16x4_u, 4, u16, u32, uint32_t)
LOAD_EXTEND(32x2_s, 2, s32, s64, int64_t)
LOAD_EXTEND(32x2_u, 2, u32, u64, uint64_t)

#define LOAD_SPLAT(bits, N)                                                             \
    ACCESS(load_##bits##_splat)                                                         \
    {                                                                                   \
        uint##bits##_t lane;                                                            \
        union lanes r;                                                                  \
        memcpy(&lane, at, sizeof lane);                                                 \
        for (unsigned i = 0; i < (N); i++)                                              \
            r.u##bits[i] = lane;                                                        \
        put(fp + pc[1].s.d, &r);                                                        \
    }
LOAD_SPLAT(8, 16)
LOAD_SPLAT(16, 8)
LOAD_SPLAT(32, 4)
LOAD_SPLAT(64, 2)

#define LOAD_ZERO(bits)                                                                 \
    ACCESS(load_##bits##_zero)                                                          \
    {                                                                                   \
        uint##bits##_t lane;                                                            \
        memcpy(&lane, at, sizeof lane);                                                 \
        const union lanes r = {.u64 = {lane, 0}};                                       \
        put(fp + pc[1].s.d, &r);                                                        \
    }
LOAD_ZERO(32)
LOAD_ZERO(64)

/* Of 64-bit memories; others have handlers. */
ACCESS(load_128)
{
    memcpy(fp + pc[1].s.d, at, 16);
}

ACCESS(store_128)
{
    memcpy(at, fp + pc[1].s.b, 16);
}

#define LANE(bits, N)                                                                   \
    ACCESS(load_##bits##_lane)                                                          \
    {                                                                                   \
        union lanes r = get(fp + pc[1].s.b);                                            \
        memcpy(&r.u##bits[pc[1].s.c % (N)], at, sizeof r.u##bits[0]);                   \
        put(fp + pc[1].s.d, &r);                                                        \
    }                                                                                   \
    ACCESS(store_##bits##_lane)                                                         \
    {                                                                                   \
        const union lanes x = get(fp + pc[1].s.b);                                      \
        memcpy(at, &x.u##bits[pc[1].s.c % (N)], sizeof x.u##bits[0]);                   \
    }
LANE(8, 16)
LANE(16, 8)
LANE(32, 4)
LANE(64, 2)
