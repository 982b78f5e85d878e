/* aot/guest.h - what the C that wasm2c writes is compiled against.
 * SPDX-License-Identifier: Apache-2.0
 *
 * wasm2c's functions take `instance`, keep the operand stack in variables, and name operations
 * by macros and inline functions. Those are here, for memories, tables and traps that belong to
 * the engine. WRT_MEMORY, WRT_STOP are enum wrt_native_memory_mode and _stop_mode as numbers.
 *
 * Each function keeps base and size of memory 0, and its fuel, in variables of its own: stores of
 * the guest may alias the instance, and would make the compiler read them again. The base never
 * moves; the others are read again after whatever may change them, by WRT_CALLED, which also stands
 * behind each statement that calls. So a failed compare never returns, and the compiler can conclude
 * from one compare what another would find.
 *
 * The command line puts this behind engine/native_abi.h, in front of the module's own types.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

typedef uint8_t u8;
typedef int8_t s8;
typedef uint16_t u16;
typedef int16_t s16;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;
typedef int64_t s64;
typedef float f32;
typedef double f64;

typedef union {
    struct wrt_native_function *func;
    u64 bits;
} wasm_rt_funcref_t;
typedef void *wasm_rt_externref_t;
#define wasm_rt_funcref_null_value ((wasm_rt_funcref_t){.bits = 0})
#define wasm_rt_externref_null_value ((wasm_rt_externref_t)0)

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define WRT_INLINE static inline __attribute__((always_inline, unused))
#define WRT_TEXT __attribute__((section("wrt_native_text"))) /* functions of the module only */
#define WRT_COLD static __attribute__((noinline, cold, unused))
/* What returns into the guest's code leaves the registers as they were, where a compiler can: so the
 * way that is nearly never taken costs the other one no registers. */
#ifdef __clang__
#define WRT_QUIET WRT_COLD __attribute__((preserve_all))
#else
#define WRT_QUIET WRT_COLD
#endif

/* As wasm2c's tables look to its code. */
struct wrt_table_view {
    wasm_rt_funcref_t *data;
    const struct wrt_native_function *callees;
    u32 size, index;
};
_Static_assert(sizeof(struct wrt_table_view) == sizeof(struct wrt_native_table), "the same");

struct wrt_guest; /* the module's, below: begins with the head */
#define WRT_HEAD(instance) ((struct wrt_native_guest *)(void *)(instance))

/* ---- to the engine: cold, with frames of their own ---- */

#define WRT_FRAME __builtin_frame_address(0)

WRT_COLD __attribute__((noreturn)) void wrt_trap(struct wrt_guest *instance, u32 kind)
{
    WRT_HEAD(instance)->calls->trap(WRT_HEAD(instance), kind, WRT_FRAME);
    __builtin_unreachable();
}

WRT_QUIET void wrt_stop(struct wrt_guest *instance)
{
    WRT_HEAD(instance)->calls->stop(WRT_HEAD(instance), WRT_FRAME);
}

WRT_COLD u64 wrt_operate(struct wrt_guest *instance, enum wrt_native_operation operation, u32 a,
                         u32 b, u64 x, u64 y, u64 z)
{
    union wrt_native_slot slots[4] = {{.i64 = x}, {.i64 = y}, {.i64 = z}};
    return WRT_HEAD(instance)->calls->operate(WRT_HEAD(instance), operation, a, b, slots,
                                              WRT_FRAME);
}

WRT_COLD void wrt_call(struct wrt_guest *instance, struct wrt_native_function *function,
                       union wrt_native_slot *slots)
{
    WRT_HEAD(instance)->calls->call(WRT_HEAD(instance), function, slots, WRT_FRAME);
}

WRT_COLD struct wrt_native_function *wrt_indirect(struct wrt_guest *instance, u32 table, u32 index,
                                                  u32 type)
{
    return WRT_HEAD(instance)->calls->indirect(WRT_HEAD(instance), table, index, type, WRT_FRAME);
}

WRT_INLINE wasm_rt_funcref_t wrt_function(struct wrt_guest *instance, u32 index)
{
    return (wasm_rt_funcref_t){.func = WRT_HEAD(instance)->calls->function(WRT_HEAD(instance),
                                                                           index)};
}

#define TRAP(kind) (wrt_trap(instance, WRT_NATIVE_TRAP_##kind), 0)
#define UNREACHABLE wrt_trap(instance, WRT_NATIVE_TRAP_UNREACHABLE)

/* ---- stops ---- */

#if WRT_MEMORY == 0
#define WRT_SIZE_AGAIN wrt_size = WRT_HEAD(instance)->memory_bytes
#else
#define WRT_SIZE_AGAIN (void)0
#endif

/* Fuel is written at each charge, so that traps and faults leave the right number, but read only
 * after calls. */
#if WRT_STOP == 2
#define WRT_FUEL_AGAIN wrt_fuel = WRT_HEAD(instance)->fuel
#define WRT_FUEL s64 WRT_FUEL_AGAIN
#define WRT_MUST_STOP(cost) ((WRT_HEAD(instance)->fuel = wrt_fuel -= (cost)) < 0)
#define WRT_CHARGE(cost) WRT_LOOP(cost)
#elif WRT_STOP == 1
#define WRT_MUST_STOP(cost) (WRT_HEAD(instance)->stop != 0)
#else
#define WRT_MUST_STOP(cost) 0
#endif
#if WRT_STOP != 2
#define WRT_FUEL_AGAIN (void)0
#define WRT_FUEL (void)0
#define WRT_CHARGE(cost) (void)0
#endif

#define WRT_CALLED (WRT_SIZE_AGAIN, WRT_FUEL_AGAIN)
#define WRT_LOOP(cost)                                \
    do                                                \
        if (UNLIKELY(WRT_MUST_STOP(cost))) {          \
            wrt_stop(instance);                       \
            WRT_CALLED;                               \
        }                                             \
    while (0)

/* A short loop's body stands several times in a row, and only the first looks: WRT_TURN begins the
 * others, WRT_SETTLE stands where the loop is left. Fuel is paid by each turn, so it may be overdrawn
 * by those turns until then; a trap within does not pay them. */
#if WRT_STOP == 2
#define WRT_TURN(cost) wrt_fuel -= (cost)
#define WRT_SETTLE WRT_LOOP(0)
#else
#define WRT_TURN(cost) (void)0
#define WRT_SETTLE (void)0
#endif
#define WRT_LEAVE_TO(label)  \
    do {                     \
        WRT_SETTLE;          \
        goto label;          \
    } while (0)

/* A function begins: the stack and a stop; then its view of the memory. What calls nothing finds room
 * below the frame that called it, see engine/native.c, and ends soon or has loops that look. */
#define WRT_STACK                                                                        \
    if (UNLIKELY((uintptr_t)WRT_FRAME < WRT_HEAD(instance)->stack_limit))                \
        wrt_stop(instance)
#define WRT_ENTER                                                                        \
    u8 *const wrt_base __attribute__((unused)) = WRT_HEAD(instance)->memory_base;        \
    u64 wrt_size __attribute__((unused)) = WRT_HEAD(instance)->memory_bytes;             \
    WRT_FUEL

#define FUNC_EPILOGUE (void)0

/* Operations of the engine: without a result, with one. */
#define WRT_OPERATE(operation, ...) \
    ((void)wrt_operate(instance, WRT_NATIVE_##operation, __VA_ARGS__), WRT_CALLED)
#define WRT_RESULT_OF(operation, ...)                                                  \
    ({                                                                                 \
        const u32 wrt_result = (u32)wrt_operate(instance, WRT_NATIVE_##operation,      \
                                                __VA_ARGS__);                          \
        WRT_CALLED;                                                                    \
        wrt_result;                                                                    \
    })

/* ---- memory ---- */

WRT_COLD __attribute__((noreturn)) void wrt_trap_memory(struct wrt_guest *instance)
{
    WRT_HEAD(instance)->calls->trap(WRT_HEAD(instance), WRT_NATIVE_TRAP_MEMORY, WRT_FRAME);
    __builtin_unreachable();
}

#if defined(__x86_64__)
#define WRT_FLOAT_REGISTER "x"
#elif defined(__aarch64__)
#define WRT_FLOAT_REGISTER "w"
#else
#define WRT_FLOAT_REGISTER "m"
#endif
/* An int narrower than a register is widened first, as its user will want it. */
WRT_INLINE void wrt_read(u64 value) { __asm__("" ::"r"(value)); }
WRT_INLINE void wrt_read_float(f32 value) { __asm__("" ::WRT_FLOAT_REGISTER(value)); }
WRT_INLINE void wrt_read_double(f64 value) { __asm__("" ::WRT_FLOAT_REGISTER(value)); }

#if WRT_MEMORY == 1
#define WRT_CHECK(address, bytes) (void)size
/* A load that may trap is not left out; floats stay in registers of their own. */
#define WRT_READ(value)                                                         \
    _Generic((value), f32: wrt_read_float, f64: wrt_read_double,                \
             default: wrt_read)(value)
#else
#define WRT_CHECK(address, bytes)               \
    if (UNLIKELY((address) + (bytes) > size))   \
        wrt_trap_memory(instance)
#define WRT_READ(value) (void)0
#endif

#define WRT_LOAD(name, stored, extended, type)                                                 \
    WRT_INLINE type wrt_##name(struct wrt_guest *instance, u8 *base, u64 size, u64 address)    \
    {                                                                                          \
        stored value;                                                                          \
        WRT_CHECK(address, sizeof value);                                                      \
        __builtin_memcpy(&value, base + address, sizeof value);                                \
        WRT_READ(value);                                                                       \
        return (type)(extended)value;                                                          \
    }
#define WRT_STORE(name, stored, type)                                                          \
    WRT_INLINE void wrt_##name(struct wrt_guest *instance, u8 *base, u64 size, u64 address,    \
                               type given)                                                     \
    {                                                                                          \
        const stored value = (stored)given;                                                    \
        WRT_CHECK(address, sizeof value);                                                      \
        __builtin_memcpy(base + address, &value, sizeof value);                                \
    }
WRT_LOAD(i32_load, u32, u32, u32)
WRT_LOAD(i64_load, u64, u64, u64)
WRT_LOAD(f32_load, f32, f32, f32)
WRT_LOAD(f64_load, f64, f64, f64)
WRT_LOAD(i32_load8_s, s8, s32, u32)
WRT_LOAD(i64_load8_s, s8, s64, u64)
WRT_LOAD(i32_load8_u, u8, u32, u32)
WRT_LOAD(i64_load8_u, u8, u64, u64)
WRT_LOAD(i32_load16_s, s16, s32, u32)
WRT_LOAD(i64_load16_s, s16, s64, u64)
WRT_LOAD(i32_load16_u, u16, u32, u32)
WRT_LOAD(i64_load16_u, u16, u64, u64)
WRT_LOAD(i64_load32_s, s32, s64, u64)
WRT_LOAD(i64_load32_u, u32, u64, u64)
WRT_STORE(i32_store, u32, u32)
WRT_STORE(i64_store, u64, u64)
WRT_STORE(f32_store, f32, f32)
WRT_STORE(f64_store, f64, f64)
WRT_STORE(i32_store8, u8, u32)
WRT_STORE(i32_store16, u16, u32)
WRT_STORE(i64_store8, u8, u64)
WRT_STORE(i64_store16, u16, u64)
WRT_STORE(i64_store32, u32, u64)
#define WRT_HERE instance, wrt_base, wrt_size
#define i32_load(memory, address) wrt_i32_load(WRT_HERE, address)
#define i64_load(memory, address) wrt_i64_load(WRT_HERE, address)
#define f32_load(memory, address) wrt_f32_load(WRT_HERE, address)
#define f64_load(memory, address) wrt_f64_load(WRT_HERE, address)
#define i32_load8_s(memory, address) wrt_i32_load8_s(WRT_HERE, address)
#define i64_load8_s(memory, address) wrt_i64_load8_s(WRT_HERE, address)
#define i32_load8_u(memory, address) wrt_i32_load8_u(WRT_HERE, address)
#define i64_load8_u(memory, address) wrt_i64_load8_u(WRT_HERE, address)
#define i32_load16_s(memory, address) wrt_i32_load16_s(WRT_HERE, address)
#define i64_load16_s(memory, address) wrt_i64_load16_s(WRT_HERE, address)
#define i32_load16_u(memory, address) wrt_i32_load16_u(WRT_HERE, address)
#define i64_load16_u(memory, address) wrt_i64_load16_u(WRT_HERE, address)
#define i64_load32_s(memory, address) wrt_i64_load32_s(WRT_HERE, address)
#define i64_load32_u(memory, address) wrt_i64_load32_u(WRT_HERE, address)
#define i32_store(memory, address, value) wrt_i32_store(WRT_HERE, address, value)
#define i64_store(memory, address, value) wrt_i64_store(WRT_HERE, address, value)
#define f32_store(memory, address, value) wrt_f32_store(WRT_HERE, address, value)
#define f64_store(memory, address, value) wrt_f64_store(WRT_HERE, address, value)
#define i32_store8(memory, address, value) wrt_i32_store8(WRT_HERE, address, value)
#define i32_store16(memory, address, value) wrt_i32_store16(WRT_HERE, address, value)
#define i64_store8(memory, address, value) wrt_i64_store8(WRT_HERE, address, value)
#define i64_store16(memory, address, value) wrt_i64_store16(WRT_HERE, address, value)
#define i64_store32(memory, address, value) wrt_i64_store32(WRT_HERE, address, value)

/* Small moves here; large ones by the engine, which stops between pieces. */
#define WRT_SMALL 4096u
WRT_INLINE void wrt_fill(struct wrt_guest *instance, u32 to, u32 byte, u32 count)
{
    if (count <= WRT_SMALL && (u64)to + count <= WRT_HEAD(instance)->memory_bytes)
        memset(WRT_HEAD(instance)->memory_base + to, (int)(byte & 255), count);
    else
        wrt_operate(instance, WRT_NATIVE_MEMORY_FILL, 0, 0, to, byte, count);
}
WRT_INLINE void wrt_copy(struct wrt_guest *instance, u32 to, u32 from, u32 count)
{
    const u64 size = WRT_HEAD(instance)->memory_bytes;
    u8 *base = WRT_HEAD(instance)->memory_base;
    if (count <= WRT_SMALL && (u64)to + count <= size && (u64)from + count <= size)
        memmove(base + to, base + from, count);
    else
        wrt_operate(instance, WRT_NATIVE_MEMORY_COPY, 0, 0, to, from, count);
}
#define memory_fill(memory, to, byte, count) (wrt_fill(instance, to, byte, count), WRT_CALLED)
#define memory_copy(memory, other, to, from, count) \
    (wrt_copy(instance, to, from, count), WRT_CALLED)
/* WRT_SEGMENT_...: the segment's index, made for each name that wasm2c gives one. */
#define memory_init(memory, data, bytes, to, from, count) \
    WRT_OPERATE(MEMORY_INIT, 0, WRT_SEGMENT_##data, to, from, count)
#define wasm_rt_grow_memory(memory, pages) WRT_RESULT_OF(MEMORY_GROW, 0, 0, pages, 0, 0)

/* ---- tables ---- */

#define WRT_REF(reference)                                            \
    _Generic((reference), wasm_rt_funcref_t: wrt_of_function,         \
             default: wrt_of_extern)(reference)
WRT_INLINE u64 wrt_of_function(wasm_rt_funcref_t reference)
{
    return reference.bits;
}
WRT_INLINE u64 wrt_of_extern(wasm_rt_externref_t reference)
{
    return (u64)(uintptr_t)reference;
}
#define WRT_TABLE_GET(table, at)                                                              \
    ({                                                                                        \
        struct wrt_table_view *const wrt_view = (table);                                      \
        const u32 wrt_at = (at);                                                              \
        if (UNLIKELY(wrt_at >= wrt_view->size))                                               \
            wrt_trap(instance, WRT_NATIVE_TRAP_TABLE);                                        \
        wrt_view->data[wrt_at];                                                               \
    })
#define funcref_table_get(table, at) WRT_TABLE_GET(table, at)
#define externref_table_get(table, at) \
    ((wasm_rt_externref_t)(uintptr_t)WRT_TABLE_GET(table, at).bits)
#define WRT_TABLE_SET(table, at, value) \
    WRT_OPERATE(TABLE_SET, 0, (table)->index, at, WRT_REF(value), 0)
#define funcref_table_set(table, at, value) WRT_TABLE_SET(table, at, value)
#define externref_table_set(table, at, value) WRT_TABLE_SET(table, at, value)
#define WRT_TABLE_FILL(table, at, value, count) \
    WRT_OPERATE(TABLE_FILL, 0, (table)->index, at, WRT_REF(value), count)
#define funcref_table_fill(table, at, value, count) WRT_TABLE_FILL(table, at, value, count)
#define externref_table_fill(table, at, value, count) WRT_TABLE_FILL(table, at, value, count)
#define WRT_TABLE_COPY(to, from, x, y, count) \
    WRT_OPERATE(TABLE_COPY, (to)->index, (from)->index, x, y, count)
#define funcref_table_copy(to, from, x, y, count) WRT_TABLE_COPY(to, from, x, y, count)
#define externref_table_copy(to, from, x, y, count) WRT_TABLE_COPY(to, from, x, y, count)
#define WRT_SEGMENT_NULL UINT32_MAX /* an empty one has no name */
WRT_INLINE void wrt_init(struct wrt_guest *instance, const struct wrt_table_view *table,
                         u32 segment, u32 to, u32 from, u32 count)
{
    if (segment != WRT_SEGMENT_NULL)
        wrt_operate(instance, WRT_NATIVE_TABLE_INIT, table->index, segment, to, from, count);
    else if (count != 0 || from != 0 || to > table->size)
        wrt_trap(instance, WRT_NATIVE_TRAP_TABLE);
}
#define funcref_table_init(table, segment, size, x, y, count, ...) \
    (wrt_init(instance, table, WRT_SEGMENT_##segment, x, y, count), WRT_CALLED)
/* wasm2c gives segments of externref no name; the size that it passes asks whether the segment was
 * dropped, and so names it. */
#define WRT_DROPPED(segment) (wrt_segment = (segment), 0)
#define externref_table_init(table, size, x, y, count)                    \
    ({                                                                    \
        u32 wrt_segment = WRT_SEGMENT_NULL;                               \
        (void)(size);                                                     \
        wrt_init(instance, table, wrt_segment, x, y, count);              \
        WRT_CALLED;                                                       \
    })
#define wasm_rt_grow_funcref_table(table, count, value) \
    WRT_RESULT_OF(TABLE_GROW, 0, (table)->index, WRT_REF(value), count, 0)
#define wasm_rt_grow_externref_table(table, count, value) \
    wasm_rt_grow_funcref_table(table, count, value)

/* WRT_TYPE_...: the canonical type; wrt_bridge_...: calls what is not plain. A callee of this
 * instance and of this very type is found by one compare. */
#define WRT_KEY(type) ((const void *)((const char *)instance + WRT_TYPE_##type))
#define CALL_INDIRECT(table, prototype, type, at, own, ...)                                   \
    ({                                                                                        \
        const u32 wrt_at = (at);                                                              \
        const struct wrt_native_function *const wrt_callee = (table).callees + wrt_at;        \
        LIKELY(wrt_at < (table).size && wrt_callee->key == WRT_KEY(type))                     \
            ? ((prototype)wrt_callee->code)((void *)instance, ##__VA_ARGS__)                  \
            : wrt_bridge_##type(instance, (table).index, wrt_at, ##__VA_ARGS__);              \
    })

/* ---- numbers ---- */

WRT_INLINE u32 I32_CLZ(u32 x) { return x ? (u32)__builtin_clz(x) : 32; }
WRT_INLINE u64 I64_CLZ(u64 x) { return x ? (u64)__builtin_clzll(x) : 64; }
WRT_INLINE u32 I32_CTZ(u32 x) { return x ? (u32)__builtin_ctz(x) : 32; }
WRT_INLINE u64 I64_CTZ(u64 x) { return x ? (u64)__builtin_ctzll(x) : 64; }
#define I32_POPCNT(x) ((u32)__builtin_popcount(x))
#define I64_POPCNT(x) ((u64)__builtin_popcountll(x))
WRT_INLINE u32 I32_ROTL(u32 x, u32 n) { return x << (n & 31) | x >> (-n & 31); }
WRT_INLINE u32 I32_ROTR(u32 x, u32 n) { return x >> (n & 31) | x << (-n & 31); }
WRT_INLINE u64 I64_ROTL(u64 x, u64 n) { return x << (n & 63) | x >> (-n & 63); }
WRT_INLINE u64 I64_ROTR(u64 x, u64 n) { return x >> (n & 63) | x << (-n & 63); }

#define WRT_DIVISIONS(bits, u, s, least)                                                      \
    WRT_INLINE u wrt_div_s##bits(struct wrt_guest *instance, u x, u y)                        \
    {                                                                                         \
        if (UNLIKELY(y == 0))                                                                 \
            wrt_trap(instance, WRT_NATIVE_TRAP_DIVIDE_BY_ZERO);                               \
        if (UNLIKELY(x == (u)least && y == (u)-1))                                            \
            wrt_trap(instance, WRT_NATIVE_TRAP_OVERFLOW);                                     \
        return (u)((s)x / (s)y);                                                              \
    }                                                                                         \
    WRT_INLINE u wrt_rem_s##bits(struct wrt_guest *instance, u x, u y)                        \
    {                                                                                         \
        if (UNLIKELY(y == 0))                                                                 \
            wrt_trap(instance, WRT_NATIVE_TRAP_DIVIDE_BY_ZERO);                               \
        return UNLIKELY(y == (u)-1) ? 0 : (u)((s)x % (s)y);                                   \
    }                                                                                         \
    WRT_INLINE u wrt_div_u##bits(struct wrt_guest *instance, u x, u y)                        \
    {                                                                                         \
        if (UNLIKELY(y == 0))                                                                 \
            wrt_trap(instance, WRT_NATIVE_TRAP_DIVIDE_BY_ZERO);                               \
        return x / y;                                                                         \
    }                                                                                         \
    WRT_INLINE u wrt_rem_u##bits(struct wrt_guest *instance, u x, u y)                        \
    {                                                                                         \
        if (UNLIKELY(y == 0))                                                                 \
            wrt_trap(instance, WRT_NATIVE_TRAP_DIVIDE_BY_ZERO);                               \
        return x % y;                                                                         \
    }
WRT_DIVISIONS(32, u32, s32, INT32_MIN)
WRT_DIVISIONS(64, u64, s64, INT64_MIN)
#define I32_DIV_S(x, y) wrt_div_s32(instance, x, y)
#define I64_DIV_S(x, y) wrt_div_s64(instance, x, y)
#define I32_REM_S(x, y) wrt_rem_s32(instance, x, y)
#define I64_REM_S(x, y) wrt_rem_s64(instance, x, y)
/* wasm2c names unsigned division without a width. */
#define DIV_U(x, y) \
    _Generic((x), u64: wrt_div_u64, default: wrt_div_u32)(instance, x, y)
#define REM_U(x, y) \
    _Generic((x), u64: wrt_rem_u64, default: wrt_rem_u32)(instance, x, y)

/* (low, high) is the range that converts; `tight` tells whether low itself is in it. */
#define WRT_TRUNCATIONS(name, from, to, wide, is_low_in, low, high, least, most)              \
    WRT_INLINE to wrt_trunc_##name(struct wrt_guest *instance, from x)                        \
    {                                                                                         \
        if (UNLIKELY(x != x))                                                                 \
            wrt_trap(instance, WRT_NATIVE_TRAP_CONVERSION);                                   \
        if (UNLIKELY(!((is_low_in ? x >= (low) : x > (low)) && x < (high))))                  \
            wrt_trap(instance, WRT_NATIVE_TRAP_OVERFLOW);                                     \
        return (to)(wide)x;                                                                   \
    }                                                                                         \
    WRT_INLINE to wrt_saturate_##name(from x)                                                 \
    {                                                                                         \
        if (UNLIKELY(x != x))                                                                 \
            return 0;                                                                         \
        if (UNLIKELY(!(is_low_in ? x >= (low) : x > (low))))                                  \
            return (to)(least);                                                               \
        return UNLIKELY(!(x < (high))) ? (to)(most) : (to)(wide)x;                            \
    }
WRT_TRUNCATIONS(i32_s_f32, f32, u32, s32, 1, -2147483648.f, 2147483648.f, INT32_MIN, INT32_MAX)
WRT_TRUNCATIONS(i32_u_f32, f32, u32, u32, 0, -1.f, 4294967296.f, 0, UINT32_MAX)
WRT_TRUNCATIONS(i32_s_f64, f64, u32, s32, 0, -2147483649., 2147483648., INT32_MIN, INT32_MAX)
WRT_TRUNCATIONS(i32_u_f64, f64, u32, u32, 0, -1., 4294967296., 0, UINT32_MAX)
WRT_TRUNCATIONS(i64_s_f32, f32, u64, s64, 1, -9223372036854775808.f, 9223372036854775808.f,
                INT64_MIN, INT64_MAX)
WRT_TRUNCATIONS(i64_u_f32, f32, u64, u64, 0, -1.f, 18446744073709551616.f, 0, UINT64_MAX)
WRT_TRUNCATIONS(i64_s_f64, f64, u64, s64, 1, -9223372036854775808., 9223372036854775808.,
                INT64_MIN, INT64_MAX)
WRT_TRUNCATIONS(i64_u_f64, f64, u64, u64, 0, -1., 18446744073709551616., 0, UINT64_MAX)
#define I32_TRUNC_S_F32(x) wrt_trunc_i32_s_f32(instance, x)
#define I32_TRUNC_U_F32(x) wrt_trunc_i32_u_f32(instance, x)
#define I32_TRUNC_S_F64(x) wrt_trunc_i32_s_f64(instance, x)
#define I32_TRUNC_U_F64(x) wrt_trunc_i32_u_f64(instance, x)
#define I64_TRUNC_S_F32(x) wrt_trunc_i64_s_f32(instance, x)
#define I64_TRUNC_U_F32(x) wrt_trunc_i64_u_f32(instance, x)
#define I64_TRUNC_S_F64(x) wrt_trunc_i64_s_f64(instance, x)
#define I64_TRUNC_U_F64(x) wrt_trunc_i64_u_f64(instance, x)
#define I32_TRUNC_SAT_S_F32(x) wrt_saturate_i32_s_f32(x)
#define I32_TRUNC_SAT_U_F32(x) wrt_saturate_i32_u_f32(x)
#define I32_TRUNC_SAT_S_F64(x) wrt_saturate_i32_s_f64(x)
#define I32_TRUNC_SAT_U_F64(x) wrt_saturate_i32_u_f64(x)
#define I64_TRUNC_SAT_S_F32(x) wrt_saturate_i64_s_f32(x)
#define I64_TRUNC_SAT_U_F32(x) wrt_saturate_i64_u_f32(x)
#define I64_TRUNC_SAT_S_F64(x) wrt_saturate_i64_s_f64(x)
#define I64_TRUNC_SAT_U_F64(x) wrt_saturate_i64_u_f64(x)

#define WRT_REINTERPRET(name, from, to)            \
    WRT_INLINE to name(from x)                     \
    {                                              \
        to result;                                 \
        __builtin_memcpy(&result, &x, sizeof x);   \
        return result;                             \
    }
WRT_REINTERPRET(f32_reinterpret_i32, u32, f32)
WRT_REINTERPRET(i32_reinterpret_f32, f32, u32)
WRT_REINTERPRET(f64_reinterpret_i64, u64, f64)
WRT_REINTERPRET(i64_reinterpret_f64, f64, u64)

/* NaNs become quiet, or only change their sign; the C library need not keep to that. */
WRT_INLINE f32 wasm_quietf(f32 x)
{
    return UNLIKELY(x != x) ? f32_reinterpret_i32(i32_reinterpret_f32(x) | 0x400000) : x;
}
WRT_INLINE f64 wasm_quiet(f64 x)
{
    return UNLIKELY(x != x)
               ? f64_reinterpret_i64(i64_reinterpret_f64(x) | UINT64_C(0x8000000000000)) : x;
}
#define WRT_ROUNDINGS(name)                                                     \
    WRT_INLINE f32 wasm_##name##f(f32 x)                                        \
    {                                                                           \
        return UNLIKELY(x != x) ? wasm_quietf(x) : __builtin_##name##f(x);      \
    }                                                                           \
    WRT_INLINE f64 wasm_##name(f64 x)                                           \
    {                                                                           \
        return UNLIKELY(x != x) ? wasm_quiet(x) : __builtin_##name(x);          \
    }
WRT_ROUNDINGS(floor)
WRT_ROUNDINGS(ceil)
WRT_ROUNDINGS(trunc)
WRT_ROUNDINGS(nearbyint)
WRT_ROUNDINGS(sqrt)
WRT_INLINE f32 wasm_fabsf(f32 x)
{
    return f32_reinterpret_i32(i32_reinterpret_f32(x) & 0x7fffffff);
}
WRT_INLINE f64 wasm_fabs(f64 x)
{
    return f64_reinterpret_i64(i64_reinterpret_f64(x) & UINT64_C(0x7fffffffffffffff));
}
#define WRT_MINIMA(suffix, type, is_negative, quiet)                                          \
    WRT_INLINE type wrt_min##suffix(type x, type y)                                           \
    {                                                                                         \
        if (UNLIKELY(x != x || y != y))                                                       \
            return quiet(x != x ? x : y);                                                     \
        if (UNLIKELY(x == 0 && y == 0))                                                       \
            return is_negative(x) ? x : y;                                                    \
        return x < y ? x : y;                                                                 \
    }                                                                                         \
    WRT_INLINE type wrt_max##suffix(type x, type y)                                           \
    {                                                                                         \
        if (UNLIKELY(x != x || y != y))                                                       \
            return quiet(x != x ? x : y);                                                     \
        if (UNLIKELY(x == 0 && y == 0))                                                       \
            return is_negative(x) ? y : x;                                                    \
        return x > y ? x : y;                                                                 \
    }
#define WRT_NEGATIVE32(x) (i32_reinterpret_f32(x) >> 31)
#define WRT_NEGATIVE64(x) (i64_reinterpret_f64(x) >> 63)
WRT_MINIMA(32, f32, WRT_NEGATIVE32, wasm_quietf)
WRT_MINIMA(64, f64, WRT_NEGATIVE64, wasm_quiet)
#define FMIN(x, y) _Generic((x), f32: wrt_min32, default: wrt_min64)(x, y)
#define FMAX(x, y) _Generic((x), f32: wrt_max32, default: wrt_max64)(x, y)
