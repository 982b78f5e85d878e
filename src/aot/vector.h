/* aot/vector.h - vectors in the C that wasm2c writes; see aot/guest.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * wasm2c names most operations as SIMDe does (Debian's libsimde-dev), which has them in each
 * machine's own instructions. Here are those that touch memory, slots and globals: lanes stand
 * in all of them as in a guest's memory, so this is for little-endian machines.
 */
#if defined(__has_include) && !__has_include(<simde/wasm/simd128.h>)
#error "the module has vectors, which need SIMDe: Debian's package libsimde-dev"
#endif
#include <simde/wasm/simd128.h>

typedef simde_v128_t v128;
typedef v128 wrt_global_vector __attribute__((aligned(8))); /* in the engine, as a slot */

WRT_INLINE v128 wrt_get_vector(const union wrt_native_slot *slots)
{
    v128 value;
    __builtin_memcpy(&value, slots, sizeof value);
    return value;
}
#define WRT_GET_VECTOR(slots) wrt_get_vector(slots)
#define WRT_PUT_VECTOR(slots, value) (void)__builtin_memcpy(slots, &(value), sizeof(v128))

#define v128_const simde_wasm_i8x16_const

/* ---- where SIMDe 0.7.4 differs from WebAssembly ---- */

/* Signed zeros, and signalling NaNs, which become quiet: the bits of a NaN are its operand's. */
#define WRT_MINIMA_OF(shape, lane, bits, quiet)                                               \
    typedef lane wrt_##shape __attribute__((vector_size(16)));                                \
    typedef bits wrt_bits_##shape __attribute__((vector_size(16)));                           \
    WRT_INLINE v128 wrt_bits_to_v128_##shape(wrt_bits_##shape x)                              \
    {                                                                                         \
        v128 result;                                                                          \
        __builtin_memcpy(&result, &x, sizeof result);                                         \
        return result;                                                                        \
    }                                                                                         \
    WRT_INLINE wrt_bits_##shape wrt_choose_##shape(wrt_bits_##shape which,                    \
                                                   wrt_bits_##shape x, wrt_bits_##shape y)    \
    {                                                                                         \
        return (which & x) | (~which & y);                                                    \
    }                                                                                         \
    WRT_INLINE v128 wrt_##shape##_least(v128 given_x, v128 given_y, bool is_max)              \
    {                                                                                         \
        wrt_##shape x, y;                                                                     \
        wrt_bits_##shape a, b;                                                                \
        __builtin_memcpy(&x, &given_x, sizeof x);                                             \
        __builtin_memcpy(&y, &given_y, sizeof y);                                             \
        __builtin_memcpy(&a, &x, sizeof a);                                                   \
        __builtin_memcpy(&b, &y, sizeof b);                                                   \
        const wrt_bits_##shape less = (wrt_bits_##shape)(is_max ? y < x : x < y);             \
        const wrt_bits_##shape same = is_max ? a & b : a | b;                                 \
        wrt_bits_##shape result =                                                             \
            wrt_choose_##shape((wrt_bits_##shape)(x == y), same, wrt_choose_##shape(less, a, b)); \
        result = wrt_choose_##shape((wrt_bits_##shape)(y != y), b | (quiet), result);         \
        result = wrt_choose_##shape((wrt_bits_##shape)(x != x), a | (quiet), result);         \
        return wrt_bits_to_v128_##shape(result);                                              \
    }
WRT_MINIMA_OF(f32x4, f32, u32, 0x400000)
WRT_MINIMA_OF(f64x2, f64, u64, UINT64_C(0x8000000000000))
#define simde_wasm_f32x4_min(x, y) wrt_f32x4_least(x, y, false)
#define simde_wasm_f32x4_max(x, y) wrt_f32x4_least(x, y, true)
#define simde_wasm_f64x2_min(x, y) wrt_f64x2_least(x, y, false)
#define simde_wasm_f64x2_max(x, y) wrt_f64x2_least(x, y, true)

#define WRT_ROUNDED(shape, lane, name, scalar)                                  \
    WRT_INLINE v128 wrt_##shape##_##name(v128 x)                                \
    {                                                                           \
        lane lanes[sizeof(v128) / sizeof(lane)];                                \
        __builtin_memcpy(lanes, &x, sizeof lanes);                              \
        for (u32 i = 0; i < sizeof lanes / sizeof lanes[0]; i++)                \
            lanes[i] = scalar(lanes[i]);                                        \
        __builtin_memcpy(&x, lanes, sizeof x);                                  \
        return x;                                                               \
    }
WRT_ROUNDED(f32x4, f32, ceil, wasm_ceilf)
WRT_ROUNDED(f32x4, f32, floor, wasm_floorf)
WRT_ROUNDED(f32x4, f32, trunc, wasm_truncf)
WRT_ROUNDED(f32x4, f32, nearest, wasm_nearbyintf)
WRT_ROUNDED(f64x2, f64, ceil, wasm_ceil)
WRT_ROUNDED(f64x2, f64, floor, wasm_floor)
WRT_ROUNDED(f64x2, f64, trunc, wasm_trunc)
WRT_ROUNDED(f64x2, f64, nearest, wasm_nearbyint)
#define simde_wasm_f32x4_ceil wrt_f32x4_ceil
#define simde_wasm_f32x4_floor wrt_f32x4_floor
#define simde_wasm_f32x4_trunc wrt_f32x4_trunc
#define simde_wasm_f32x4_nearest wrt_f32x4_nearest
#define simde_wasm_f64x2_ceil wrt_f64x2_ceil
#define simde_wasm_f64x2_floor wrt_f64x2_floor
#define simde_wasm_f64x2_trunc wrt_f64x2_trunc
#define simde_wasm_f64x2_nearest wrt_f64x2_nearest

/* Only -1 times -1 leaves the range. */
WRT_INLINE v128 wrt_i16x8_q15mulr_sat(v128 given_x, v128 given_y)
{
    s16 x[8], y[8];
    __builtin_memcpy(x, &given_x, sizeof x);
    __builtin_memcpy(y, &given_y, sizeof y);
    for (u32 i = 0; i < 8; i++) {
        const s32 product = ((s32)x[i] * y[i] + 0x4000) >> 15;
        x[i] = (s16)(product > INT16_MAX ? INT16_MAX : product);
    }
    __builtin_memcpy(&given_x, x, sizeof x);
    return given_x;
}
#define simde_wasm_i16x8_q15mulr_sat wrt_i16x8_q15mulr_sat

/* ---- memory ---- */

#if WRT_MEMORY == 1
WRT_INLINE void wrt_read_vector(v128 value) { __asm__("" ::WRT_FLOAT_REGISTER(value)); }
#else
WRT_INLINE void wrt_read_vector(v128 value) { (void)value; }
#endif

WRT_INLINE v128 wrt_v128_load(struct wrt_guest *instance, u8 *base, u64 size, u64 address)
{
    v128 value;
    WRT_CHECK(address, sizeof value);
    __builtin_memcpy(&value, base + address, sizeof value);
    wrt_read_vector(value);
    return value;
}
WRT_INLINE void wrt_v128_store(struct wrt_guest *instance, u8 *base, u64 size, u64 address,
                               v128 value)
{
    WRT_CHECK(address, sizeof value);
    __builtin_memcpy(base + address, &value, sizeof value);
}
#define v128_load(memory, address) wrt_v128_load(WRT_HERE, address)
#define v128_store(memory, address, value) wrt_v128_store(WRT_HERE, address, value)

/* A number from memory, then SIMDe's load of it. */
#define WRT_WIDENED(name, type)                                                               \
    WRT_INLINE v128 wrt_##name(struct wrt_guest *instance, u8 *base, u64 size, u64 address)   \
    {                                                                                         \
        type value;                                                                           \
        WRT_CHECK(address, sizeof value);                                                     \
        __builtin_memcpy(&value, base + address, sizeof value);                               \
        WRT_READ(value);                                                                      \
        return simde_wasm_##name(&value);                                                     \
    }
WRT_WIDENED(v128_load8_splat, u8)
WRT_WIDENED(v128_load16_splat, u16)
WRT_WIDENED(v128_load32_splat, u32)
WRT_WIDENED(v128_load64_splat, u64)
WRT_WIDENED(v128_load32_zero, u32)
WRT_WIDENED(v128_load64_zero, u64)
WRT_WIDENED(i16x8_load8x8, u64)
WRT_WIDENED(u16x8_load8x8, u64)
WRT_WIDENED(i32x4_load16x4, u64)
WRT_WIDENED(u32x4_load16x4, u64)
WRT_WIDENED(i64x2_load32x2, u64)
WRT_WIDENED(u64x2_load32x2, u64)
#define v128_load8_splat(memory, address) wrt_v128_load8_splat(WRT_HERE, address)
#define v128_load16_splat(memory, address) wrt_v128_load16_splat(WRT_HERE, address)
#define v128_load32_splat(memory, address) wrt_v128_load32_splat(WRT_HERE, address)
#define v128_load64_splat(memory, address) wrt_v128_load64_splat(WRT_HERE, address)
#define v128_load32_zero(memory, address) wrt_v128_load32_zero(WRT_HERE, address)
#define v128_load64_zero(memory, address) wrt_v128_load64_zero(WRT_HERE, address)
#define i16x8_load8x8(memory, address) wrt_i16x8_load8x8(WRT_HERE, address)
#define u16x8_load8x8(memory, address) wrt_u16x8_load8x8(WRT_HERE, address)
#define i32x4_load16x4(memory, address) wrt_i32x4_load16x4(WRT_HERE, address)
#define u32x4_load16x4(memory, address) wrt_u32x4_load16x4(WRT_HERE, address)
#define i64x2_load32x2(memory, address) wrt_i64x2_load32x2(WRT_HERE, address)
#define u64x2_load32x2(memory, address) wrt_u64x2_load32x2(WRT_HERE, address)

/* wasm2c's v128_load8_lane3(memory, …) comes as v128_load8_lane(3, memory, …). */
#define WRT_LANES(bits, type)                                                                 \
    WRT_INLINE v128 wrt_load##bits##_lane(struct wrt_guest *instance, u8 *base, u64 size,     \
                                          u64 address, v128 vector, u32 lane)                 \
    {                                                                                         \
        type value;                                                                           \
        WRT_CHECK(address, sizeof value);                                                     \
        __builtin_memcpy(&value, base + address, sizeof value);                               \
        WRT_READ(value);                                                                      \
        __builtin_memcpy((u8 *)&vector + lane * sizeof value, &value, sizeof value);          \
        return vector;                                                                        \
    }                                                                                         \
    WRT_INLINE void wrt_store##bits##_lane(struct wrt_guest *instance, u8 *base, u64 size,    \
                                           u64 address, v128 vector, u32 lane)                \
    {                                                                                         \
        WRT_CHECK(address, sizeof(type));                                                     \
        __builtin_memcpy(base + address, (const u8 *)&vector + lane * sizeof(type),           \
                         sizeof(type));                                                       \
    }
WRT_LANES(8, u8)
WRT_LANES(16, u16)
WRT_LANES(32, u32)
WRT_LANES(64, u64)
#define v128_load8_lane(lane, memory, address, vector) \
    wrt_load8_lane(WRT_HERE, address, vector, lane)
#define v128_load16_lane(lane, memory, address, vector) \
    wrt_load16_lane(WRT_HERE, address, vector, lane)
#define v128_load32_lane(lane, memory, address, vector) \
    wrt_load32_lane(WRT_HERE, address, vector, lane)
#define v128_load64_lane(lane, memory, address, vector) \
    wrt_load64_lane(WRT_HERE, address, vector, lane)
#define v128_store8_lane(lane, memory, address, vector) \
    wrt_store8_lane(WRT_HERE, address, vector, lane)
#define v128_store16_lane(lane, memory, address, vector) \
    wrt_store16_lane(WRT_HERE, address, vector, lane)
#define v128_store32_lane(lane, memory, address, vector) \
    wrt_store32_lane(WRT_HERE, address, vector, lane)
#define v128_store64_lane(lane, memory, address, vector) \
    wrt_store64_lane(WRT_HERE, address, vector, lane)
