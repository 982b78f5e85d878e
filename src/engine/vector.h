/* engine/vector.h - v128 values, and the operations on them that are functions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A v128 stands in two consecutive slots, lane 0 first, as in a guest's memory. Operations that
 * a machine has as one instruction are handlers in opcodes.def, written with the vector types
 * of gcc and clang; all others are functions that one handler calls. Sums wrap because their
 * lanes are unsigned; comparisons give lanes of all ones or none.
 */
#ifndef WRT_ENGINE_VECTOR_H
#define WRT_ENGINE_VECTOR_H

#include "code.h"

#define WRT_VECTOR_OF(T) T __attribute__((vector_size(16)))
typedef WRT_VECTOR_OF(uint8_t) u8x16;
typedef WRT_VECTOR_OF(int8_t) s8x16;
typedef WRT_VECTOR_OF(uint16_t) u16x8;
typedef WRT_VECTOR_OF(int16_t) s16x8;
typedef WRT_VECTOR_OF(uint32_t) u32x4;
typedef WRT_VECTOR_OF(int32_t) s32x4;
typedef WRT_VECTOR_OF(uint64_t) u64x2;
typedef WRT_VECTOR_OF(int64_t) s64x2;
typedef WRT_VECTOR_OF(float) f32x4;
typedef WRT_VECTOR_OF(double) f64x2;

/* The lanes of the low, or the high, half of x, each with that of y behind it. */
#define WRT_ORDER_LOW_8 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define WRT_ORDER_HIGH_8 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define WRT_ORDER_LOW_16 0, 8, 1, 9, 2, 10, 3, 11
#define WRT_ORDER_HIGH_16 4, 12, 5, 13, 6, 14, 7, 15
#define WRT_ORDER_LOW_32 0, 4, 1, 5
#define WRT_ORDER_HIGH_32 2, 6, 3, 7
#ifdef __clang__
#define WRT_MERGE(U, x, y, ...) __builtin_shufflevector((U)(x), (U)(y), __VA_ARGS__)
#else
#define WRT_MERGE(U, x, y, ...) __builtin_shuffle((U)(x), (U)(y), (U){__VA_ARGS__})
#endif
#define V_LOW_8(x, y) WRT_MERGE(u8x16, x, y, WRT_ORDER_LOW_8)
#define V_HIGH_8(x, y) WRT_MERGE(u8x16, x, y, WRT_ORDER_HIGH_8)
#define V_LOW_16(x, y) WRT_MERGE(u16x8, x, y, WRT_ORDER_LOW_16)
#define V_HIGH_16(x, y) WRT_MERGE(u16x8, x, y, WRT_ORDER_HIGH_16)
#define V_LOW_32(x, y) WRT_MERGE(u32x4, x, y, WRT_ORDER_LOW_32)
#define V_HIGH_32(x, y) WRT_MERGE(u32x4, x, y, WRT_ORDER_HIGH_32)

/* Slot d becomes the operation on slots a, b, c of pc[1]. Inputs are read before d is written,
 * which may overlap them. Immediates of shuffles stand in pc[3] and pc[4]. */
#define WRT_VECTOR_LIST(X)                                                              \
    X(shuffle_8) X(shuffle_16) X(swizzle)                                               \
    X(i8x16_shl) X(i8x16_shr_s) X(i8x16_shr_u)                                          \
    X(i8x16_abs) X(i16x8_abs) X(i32x4_abs) X(i64x2_abs) X(i8x16_popcnt)                 \
    X(i8x16_add_sat_s) X(i8x16_add_sat_u) X(i8x16_sub_sat_s) X(i8x16_sub_sat_u)         \
    X(i16x8_add_sat_s) X(i16x8_add_sat_u) X(i16x8_sub_sat_s) X(i16x8_sub_sat_u)         \
    X(i8x16_avgr_u) X(i16x8_avgr_u) X(i16x8_q15mulr_sat_s)                              \
    X(i8x16_narrow_s) X(i8x16_narrow_u) X(i16x8_narrow_s) X(i16x8_narrow_u)             \
    X(i16x8_extmul_low_s) X(i16x8_extmul_high_s) X(i16x8_extmul_low_u)                  \
    X(i16x8_extmul_high_u) X(i32x4_extmul_low_s) X(i32x4_extmul_high_s)                 \
    X(i32x4_extmul_low_u) X(i32x4_extmul_high_u) X(i64x2_extmul_low_s)                  \
    X(i64x2_extmul_high_s) X(i64x2_extmul_low_u) X(i64x2_extmul_high_u)                 \
    X(i16x8_extadd_s) X(i16x8_extadd_u) X(i32x4_extadd_s) X(i32x4_extadd_u)             \
    X(i32x4_dot_i16x8) X(i16x8_dot_i8x16) X(i32x4_dot_i8x16_add)                        \
    X(f32x4_ceil) X(f32x4_floor) X(f32x4_trunc) X(f32x4_nearest) X(f32x4_sqrt)          \
    X(f64x2_ceil) X(f64x2_floor) X(f64x2_trunc) X(f64x2_nearest) X(f64x2_sqrt)          \
    X(f32x4_min) X(f32x4_max) X(f64x2_min) X(f64x2_max)                                 \
    X(i32x4_trunc_f32x4_s) X(i32x4_trunc_f32x4_u) X(i32x4_trunc_f64x2_s)                \
    X(i32x4_trunc_f64x2_u) X(f32x4_convert_s) X(f32x4_convert_u) X(f64x2_convert_s)     \
    X(f64x2_convert_u) X(f32x4_demote) X(f64x2_promote)                                 \
    X(f32x4_madd) X(f32x4_nmadd) X(f64x2_madd) X(f64x2_nmadd)                           \
    X(f32x4_madd_relaxed) X(f32x4_nmadd_relaxed) X(f64x2_madd_relaxed)                  \
    X(f64x2_nmadd_relaxed)
#define WRT_VECTOR_DECLARE(name) void wrt_vector_##name(union cell *fp, const union word *pc);
WRT_VECTOR_LIST(WRT_VECTOR_DECLARE)
#undef WRT_VECTOR_DECLARE

/* A question about a vector. */
#define WRT_VECTOR_TEST_LIST(X)                                                         \
    X(any_true) X(i8x16_all_true) X(i16x8_all_true) X(i32x4_all_true) X(i64x2_all_true) \
    X(i8x16_bitmask) X(i16x8_bitmask) X(i32x4_bitmask) X(i64x2_bitmask)
#define WRT_VECTOR_TEST_DECLARE(name) uint32_t wrt_vector_test_##name(const union cell *v);
WRT_VECTOR_TEST_LIST(WRT_VECTOR_TEST_DECLARE)
#undef WRT_VECTOR_TEST_DECLARE

/* Reads or writes the memory at `at`, whose bounds were checked. Lanes: slot b of pc[1] is the
 * vector, c the lane; loads write slot d. */
#define WRT_VECTOR_ACCESS_LIST(X)                                                       \
    X(load_8x8_s) X(load_8x8_u) X(load_16x4_s) X(load_16x4_u) X(load_32x2_s)            \
    X(load_32x2_u) X(load_8_splat) X(load_16_splat) X(load_32_splat) X(load_64_splat)   \
    X(load_32_zero) X(load_64_zero) X(load_8_lane) X(load_16_lane) X(load_32_lane)      \
    X(load_64_lane) X(store_8_lane) X(store_16_lane) X(store_32_lane) X(store_64_lane)  \
    X(load_128) X(store_128)
#define WRT_VECTOR_ACCESS_DECLARE(name) \
    void wrt_vector_##name(union cell *fp, const union word *pc, uint8_t *at);
WRT_VECTOR_ACCESS_LIST(WRT_VECTOR_ACCESS_DECLARE)
#undef WRT_VECTOR_ACCESS_DECLARE

#endif
