/* engine/vector_body.c - vector instructions (prefix 0xFD): validated, then emitted.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One table by second opcode says of each its shape, and its handler or function. Relaxed
 * instructions name two functions where they may differ: the deterministic one is that of the
 * specification's deterministic profile, the result of the instruction that is not relaxed.
 */
#include "emit.h"
#include "vector.h"

enum shape_of_vector {
    NO_VECTOR,
    UNARY, BINARY, SWAPPED, /* SWAPPED: the handler wants the second operand first */
    TERNARY, SHIFT, TEST, SPLAT, EXTRACT, REPLACE, SHUFFLE, CONSTANT,
    LOAD, STORE, LOAD_PART, LOAD_LANE, STORE_LANE
};

struct vector_op {
    uint8_t shape;
    uint8_t lanes;    /* of what names a lane; bits of one that a SHIFT shifts by handlers */
    uint8_t log_size; /* of what accesses memory */
    uint16_t op;      /* its handler, if it has one of its own */
    uint16_t canonical; /* the handler that makes NaNs of its result canonical; 0: none */
    wrt_type type;    /* the scalar operand or result */
    union {
        wrt_vector_function *function;
        wrt_vector_test_function *test;
        wrt_vector_access_function *access;
    };
    wrt_vector_function *deterministic;
};

#define H(shape_, name) {.shape = shape_, .op = OP_##name}
#define F(shape_, name) {.shape = shape_, .function = wrt_vector_##name}
#define T(name) {.shape = TEST, .test = wrt_vector_test_##name}
/* float arithmetic, by handler and by function */
#define HF(shape_, t, name) {.shape = shape_, .op = OP_##t##_##name, .canonical = OP_##t##_canonical}
#define FF(shape_, t, name) \
    {.shape = shape_, .function = wrt_vector_##t##_##name, .canonical = OP_##t##_canonical}
#define MADD(t, name) {.shape = TERNARY, .canonical = OP_##t##_canonical, \
    .function = wrt_vector_##t##_##name##_relaxed, .deterministic = wrt_vector_##t##_##name}
#define RELAXED_MIN(t, fast, name) {.shape = BINARY, .op = OP_##t##_##fast, \
    .canonical = OP_##t##_canonical, .deterministic = wrt_vector_##t##_##name}
#define MEMORY(shape_, name, log) {.shape = shape_, .log_size = log, .access = wrt_vector_##name}
#define MEMORY_LANE(shape_, name, log) \
    {.shape = shape_, .log_size = log, .lanes = 16 >> (log), .access = wrt_vector_##name}
#define LANE(shape_, name, n, type_) {.shape = shape_, .op = OP_##name, .lanes = n, .type = type_}
#define SPLAT_OF(name, type_) {.shape = SPLAT, .op = OP_##name, .type = type_}

/* In opcode order. Signed and unsigned comparisons of integers: eq ne lt gt le ge. */
#define COMPARE_ALL(t)                                                                  \
    H(BINARY, t##_eq), H(BINARY, t##_ne), H(BINARY, t##_lt_s), H(BINARY, t##_lt_u),     \
    H(SWAPPED, t##_lt_s), H(SWAPPED, t##_lt_u), H(BINARY, t##_le_s), H(BINARY, t##_le_u), \
    H(SWAPPED, t##_le_s), H(SWAPPED, t##_le_u)
#define COMPARE_FLOATS(t)                                                               \
    H(BINARY, t##_eq), H(BINARY, t##_ne), H(BINARY, t##_lt), H(SWAPPED, t##_lt),        \
    H(BINARY, t##_le), H(SWAPPED, t##_le)
#define EXTENDS(t)                                                                      \
    H(UNARY, t##_extend_low_s), H(UNARY, t##_extend_high_s), H(UNARY, t##_extend_low_u), \
    H(UNARY, t##_extend_high_u)
#define EXTMULS(t)                                                                      \
    F(BINARY, t##_extmul_low_s), F(BINARY, t##_extmul_high_s), F(BINARY, t##_extmul_low_u), \
    F(BINARY, t##_extmul_high_u)
#define SHIFT_BY(name, bits) {.shape = SHIFT, .op = OP_##name, .lanes = bits}
#define SHIFTS(t, bits) \
    SHIFT_BY(t##_shl, bits), SHIFT_BY(t##_shr_s, bits), SHIFT_BY(t##_shr_u, bits)
#define MIN_MAX(t) \
    H(BINARY, t##_min_s), H(BINARY, t##_min_u), H(BINARY, t##_max_s), H(BINARY, t##_max_u)
#define SATURATING(t, name) F(BINARY, t##_##name##_sat_s), F(BINARY, t##_##name##_sat_u)
#define ARITHMETIC(t)                                                                   \
    HF(BINARY, t, add), HF(BINARY, t, sub), HF(BINARY, t, mul), HF(BINARY, t, div),     \
    FF(BINARY, t, min), FF(BINARY, t, max), H(BINARY, t##_pmin), H(BINARY, t##_pmax)

static const struct vector_op ops[] = {
    [0x00] = MEMORY(LOAD, load_128, 4),
    MEMORY(LOAD_PART, load_8x8_s, 3), MEMORY(LOAD_PART, load_8x8_u, 3),
    MEMORY(LOAD_PART, load_16x4_s, 3), MEMORY(LOAD_PART, load_16x4_u, 3),
    MEMORY(LOAD_PART, load_32x2_s, 3), MEMORY(LOAD_PART, load_32x2_u, 3),
    MEMORY(LOAD_PART, load_8_splat, 0), MEMORY(LOAD_PART, load_16_splat, 1),
    MEMORY(LOAD_PART, load_32_splat, 2), MEMORY(LOAD_PART, load_64_splat, 3),
    MEMORY(STORE, store_128, 4),
    {.shape = CONSTANT},
    {.shape = SHUFFLE},
    F(BINARY, swizzle),
    [0x0F] = SPLAT_OF(i8x16_splat, WRT_I32), SPLAT_OF(i16x8_splat, WRT_I32),
    SPLAT_OF(i32x4_splat, WRT_I32), SPLAT_OF(i64x2_splat, WRT_I64),
    SPLAT_OF(i32x4_splat, WRT_F32), SPLAT_OF(i64x2_splat, WRT_F64),
    [0x15] = LANE(EXTRACT, i8x16_extract_s, 16, WRT_I32), LANE(EXTRACT, i8x16_extract_u, 16, WRT_I32),
    LANE(REPLACE, i8x16_replace, 16, WRT_I32), LANE(EXTRACT, i16x8_extract_s, 8, WRT_I32),
    LANE(EXTRACT, i16x8_extract_u, 8, WRT_I32), LANE(REPLACE, i16x8_replace, 8, WRT_I32),
    LANE(EXTRACT, i32x4_extract, 4, WRT_I32), LANE(REPLACE, i32x4_replace, 4, WRT_I32),
    LANE(EXTRACT, i64x2_extract, 2, WRT_I64), LANE(REPLACE, i64x2_replace, 2, WRT_I64),
    LANE(EXTRACT, f32x4_extract, 4, WRT_F32), LANE(REPLACE, i32x4_replace, 4, WRT_F32),
    LANE(EXTRACT, f64x2_extract, 2, WRT_F64), LANE(REPLACE, i64x2_replace, 2, WRT_F64),
    [0x23] = COMPARE_ALL(i8x16), [0x2D] = COMPARE_ALL(i16x8), [0x37] = COMPARE_ALL(i32x4),
    [0x41] = COMPARE_FLOATS(f32x4), [0x47] = COMPARE_FLOATS(f64x2),
    [0x4D] = H(UNARY, v128_not), H(BINARY, v128_and), H(BINARY, v128_andnot), H(BINARY, v128_or),
    H(BINARY, v128_xor), H(TERNARY, v128_bitselect), T(any_true),
    [0x54] = MEMORY_LANE(LOAD_LANE, load_8_lane, 0), MEMORY_LANE(LOAD_LANE, load_16_lane, 1),
    MEMORY_LANE(LOAD_LANE, load_32_lane, 2), MEMORY_LANE(LOAD_LANE, load_64_lane, 3),
    MEMORY_LANE(STORE_LANE, store_8_lane, 0), MEMORY_LANE(STORE_LANE, store_16_lane, 1),
    MEMORY_LANE(STORE_LANE, store_32_lane, 2), MEMORY_LANE(STORE_LANE, store_64_lane, 3),
    MEMORY(LOAD_PART, load_32_zero, 2), MEMORY(LOAD_PART, load_64_zero, 3),
    FF(UNARY, f32x4, demote), FF(UNARY, f64x2, promote),
    [0x60] = F(UNARY, i8x16_abs), H(UNARY, i8x16_neg), F(UNARY, i8x16_popcnt), T(i8x16_all_true),
    T(i8x16_bitmask), F(BINARY, i8x16_narrow_s), F(BINARY, i8x16_narrow_u),
    FF(UNARY, f32x4, ceil), FF(UNARY, f32x4, floor), FF(UNARY, f32x4, trunc),
    FF(UNARY, f32x4, nearest),
    [0x6B] = F(SHIFT, i8x16_shl), F(SHIFT, i8x16_shr_s), F(SHIFT, i8x16_shr_u),
    H(BINARY, i8x16_add), SATURATING(i8x16, add), H(BINARY, i8x16_sub), SATURATING(i8x16, sub),
    FF(UNARY, f64x2, ceil), FF(UNARY, f64x2, floor),
    [0x76] = MIN_MAX(i8x16), FF(UNARY, f64x2, trunc), F(BINARY, i8x16_avgr_u),
    F(UNARY, i16x8_extadd_s), F(UNARY, i16x8_extadd_u), F(UNARY, i32x4_extadd_s),
    F(UNARY, i32x4_extadd_u),
    [0x80] = F(UNARY, i16x8_abs), H(UNARY, i16x8_neg), F(BINARY, i16x8_q15mulr_sat_s),
    T(i16x8_all_true), T(i16x8_bitmask), F(BINARY, i16x8_narrow_s), F(BINARY, i16x8_narrow_u),
    [0x87] = EXTENDS(i16x8), SHIFTS(i16x8, 16), H(BINARY, i16x8_add), SATURATING(i16x8, add),
    H(BINARY, i16x8_sub), SATURATING(i16x8, sub), FF(UNARY, f64x2, nearest),
    H(BINARY, i16x8_mul), MIN_MAX(i16x8),
    [0x9B] = F(BINARY, i16x8_avgr_u), EXTMULS(i16x8),
    [0xA0] = F(UNARY, i32x4_abs), H(UNARY, i32x4_neg),
    [0xA3] = T(i32x4_all_true), T(i32x4_bitmask),
    [0xA7] = EXTENDS(i32x4), SHIFTS(i32x4, 32), H(BINARY, i32x4_add),
    [0xB1] = H(BINARY, i32x4_sub), [0xB5] = H(BINARY, i32x4_mul), MIN_MAX(i32x4),
    F(BINARY, i32x4_dot_i16x8),
    [0xBC] = EXTMULS(i32x4),
    [0xC0] = F(UNARY, i64x2_abs), H(UNARY, i64x2_neg),
    [0xC3] = T(i64x2_all_true), T(i64x2_bitmask),
    [0xC7] = EXTENDS(i64x2), SHIFTS(i64x2, 64), H(BINARY, i64x2_add),
    [0xD1] = H(BINARY, i64x2_sub),
    [0xD5] = H(BINARY, i64x2_mul), H(BINARY, i64x2_eq), H(BINARY, i64x2_ne),
    H(BINARY, i64x2_lt_s), H(SWAPPED, i64x2_lt_s), H(BINARY, i64x2_le_s), H(SWAPPED, i64x2_le_s),
    [0xDC] = EXTMULS(i64x2),
    [0xE0] = H(UNARY, f32x4_abs), H(UNARY, f32x4_neg),
    [0xE3] = FF(UNARY, f32x4, sqrt), ARITHMETIC(f32x4),
    [0xEC] = H(UNARY, f64x2_abs), H(UNARY, f64x2_neg),
    [0xEF] = FF(UNARY, f64x2, sqrt), ARITHMETIC(f64x2),
    [0xF8] = F(UNARY, i32x4_trunc_f32x4_s), F(UNARY, i32x4_trunc_f32x4_u),
    F(UNARY, f32x4_convert_s), F(UNARY, f32x4_convert_u),
    F(UNARY, i32x4_trunc_f64x2_s), F(UNARY, i32x4_trunc_f64x2_u),
    F(UNARY, f64x2_convert_s), F(UNARY, f64x2_convert_u),
    [0x100] = F(BINARY, swizzle), F(UNARY, i32x4_trunc_f32x4_s), F(UNARY, i32x4_trunc_f32x4_u),
    F(UNARY, i32x4_trunc_f64x2_s), F(UNARY, i32x4_trunc_f64x2_u),
    [0x105] = MADD(f32x4, madd), MADD(f32x4, nmadd), MADD(f64x2, madd), MADD(f64x2, nmadd),
    [0x109] = H(TERNARY, v128_bitselect), H(TERNARY, v128_bitselect), H(TERNARY, v128_bitselect),
    H(TERNARY, v128_bitselect),
    [0x10D] = RELAXED_MIN(f32x4, pmin, min), RELAXED_MIN(f32x4, pmax, max),
    RELAXED_MIN(f64x2, pmin, min), RELAXED_MIN(f64x2, pmax, max),
    [0x111] = F(BINARY, i16x8_q15mulr_sat_s), F(BINARY, i16x8_dot_i8x16),
    F(TERNARY, i32x4_dot_i8x16_add),
};

enum { FIRST_RELAXED = 0x100 };

/* ---- emission ---- */

/* Appends `op` on the slots of `count` operands from `first` on; *out is its words. */
static bool on_slots(struct translator *t, unsigned op, uint32_t words, uint32_t first,
                     uint32_t count, union word **out)
{
    uint32_t s[3] = {0};
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_slot_of(t, first + i, &s[i]))
            return false;
    union word *w = wrt_append(t, op, words);
    if (w == NULL)
        return false;
    w[1] = (union word){
        .s = {(uint16_t)home_of(t, first), (uint16_t)s[0], (uint16_t)s[1], (uint16_t)s[2]}};
    *out = w;
    return true;
}

bool wrt_emit_vector_select(struct translator *t, uint32_t first)
{
    union word *w = NULL;
    if (!on_slots(t, OP_select_v, 2, first, 3, &w))
        return false;
    wrt_produced(t, home_of(t, first), WRT_V128, SHAPE_OTHER);
    return true;
}

static bool canonicalise(struct translator *t, unsigned op, uint32_t d)
{
    if (!t->config->canonical_nan || op == 0)
        return true;
    union word *w = wrt_append(t, op, 2);
    if (w == NULL)
        return false;
    w[1].s.d = w[1].s.a = (uint16_t)d;
    wrt_produced(t, d, WRT_V128, SHAPE_OTHER);
    return true;
}

/* A shift of the popped vector by a popped constant. */
static bool emit_constant_shift(struct translator *t, const struct vector_op *v)
{
    const uint32_t d = home_of(t, t->height);
    const uint64_t count = t->operands[t->height + 1].bits;
    union word *w = NULL;
    if (!on_slots(t, v->op + 1u, 2, t->height, 1, &w))
        return false;
    w[1].s.b = (uint16_t)(count & (v->lanes - 1u));
    wrt_produced(t, d, WRT_V128, SHAPE_OTHER);
    return true;
}

/* An operation on the popped operands from height on, whose result has `type`. */
static bool emit(struct translator *t, const struct vector_op *v, uint32_t count, wrt_type type,
                 uint8_t lane)
{
    const bool strict = t->config->deterministic && v->deterministic != NULL;
    const bool own = v->op != 0 && !strict;
    const uint32_t first = t->height, d = home_of(t, first);
    union word *w = NULL;
    if (!t->live)
        return true;
    if (v->shape == SHIFT && own && t->operands[first + 1].kind == AT_CONST)
        return emit_constant_shift(t, v);
    if (!on_slots(t, own ? v->op : v->shape == TEST ? OP_vector_test : OP_vector, own ? 2 : 3, first,
                  count, &w))
        return false;
    if (v->shape == SWAPPED) {
        const uint16_t a = w[1].s.a;
        w[1].s.a = w[1].s.b;
        w[1].s.b = a;
    }
    if (v->lanes != 0 && v->shape != SHIFT)
        w[1].s.c = lane;
    if (v->shape == TEST)
        w[2].vector_test = v->test;
    else if (!own)
        w[2].vector = strict ? v->deterministic : v->function;
    wrt_produced(t, d, type, SHAPE_OTHER);
    return canonicalise(t, v->canonical, d);
}

/* ---- instructions ---- */

static bool operation(struct translator *t, const struct vector_op *v, uint32_t vectors,
                      wrt_type scalar, wrt_type result, uint8_t lane)
{
    if (scalar != 0 && !wrt_pop_type(t, scalar))
        return false;
    for (uint32_t i = 0; i < vectors; i++)
        if (!wrt_pop_type(t, WRT_V128))
            return false;
    return emit(t, v, vectors + (scalar != 0), result, lane) && wrt_push_type(t, result);
}

static bool read_lane(struct translator *t, uint8_t lanes, uint8_t *out)
{
    return wrt_read_byte(&t->r, out) &&
           (*out < lanes || wrt_invalid(&t->r, "invalid lane index %u", *out));
}

static bool lane_operation(struct translator *t, const struct vector_op *v)
{
    uint8_t lane = 0;
    if (!read_lane(t, v->lanes, &lane))
        return false;
    return v->shape == EXTRACT ? operation(t, v, 1, 0, v->type, lane)
                               : operation(t, v, 1, v->type, WRT_V128, lane);
}

static bool constant(struct translator *t)
{
    const uint8_t *raw = NULL;
    if (!wrt_read_bytes(&t->r, 16, &raw))
        return false;
    if (t->live) {
        const uint32_t d = home_of(t, t->height);
        union word *w = wrt_append(t, OP_const_v, 4);
        if (w == NULL)
            return false;
        w[1].s.d = (uint16_t)d;
        memcpy(w + 2, raw, 16);
        wrt_produced(t, d, WRT_V128, SHAPE_OTHER);
    }
    return wrt_push_type(t, WRT_V128);
}

/* The widest lanes that a shuffle of bytes moves whole, as log2; then lanes[] counts those. */
static unsigned widen_shuffle(uint8_t lanes[16])
{
    unsigned log = 0;
    for (unsigned count = 16; log < 3; count /= 2, log++) {
        for (unsigned i = 0; i < count; i += 2)
            if (lanes[i] % 2 != 0 || lanes[i + 1] != lanes[i] + 1)
                return log;
        for (unsigned i = 0; i < count / 2; i++)
            lanes[i] = lanes[2 * i] / 2;
    }
    return log;
}

/* Lanes of 64 bits are slots. */
static bool shuffle_slots(struct translator *t, const uint8_t lanes[2])
{
    uint32_t from[2] = {0};
    if (!wrt_slot_of(t, t->height, &from[0]) || !wrt_slot_of(t, t->height + 1, &from[1]))
        return false;
    union word *w = wrt_append(t, OP_shuffle_64, 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)home_of(t, t->height),
                              (uint16_t)(from[lanes[0] / 2] + lanes[0] % 2u),
                              (uint16_t)(from[lanes[1] / 2] + lanes[1] % 2u), 0}};
    return true;
}

static bool shuffle_words(struct translator *t, const uint8_t lanes[4])
{
    uint32_t from[2] = {0};
    if (!wrt_slot_of(t, t->height, &from[0]) || !wrt_slot_of(t, t->height + 1, &from[1]))
        return false;
    union word *w = wrt_append(t, OP_shuffle_32, 4);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)home_of(t, t->height);
    for (unsigned i = 0; i < 4; i++)
        w[2 + i / 2].half[i % 2] = (int32_t)(from[lanes[i] / 4] * 8u + lanes[i] % 4u * 4u);
    return true;
}

static bool emit_shuffle(struct translator *t, uint8_t lanes[16])
{
    union word *w = NULL;
    const unsigned log = widen_shuffle(lanes);
    if (log >= 2)
        return log == 2 ? shuffle_words(t, lanes) : shuffle_slots(t, lanes);
    if (!on_slots(t, OP_vector_wide, 5, t->height, 2, &w))
        return false;
    w[2].vector = log == 0 ? wrt_vector_shuffle_8 : wrt_vector_shuffle_16;
    memcpy(w + 3, lanes, 16);
    return true;
}

static bool shuffle(struct translator *t)
{
    uint8_t lanes[16];
    for (unsigned i = 0; i < 16; i++)
        if (!read_lane(t, 32, &lanes[i]))
            return false;
    if (!wrt_pop_type(t, WRT_V128) || !wrt_pop_type(t, WRT_V128))
        return false;
    if (t->live) {
        if (!emit_shuffle(t, lanes))
            return false;
        wrt_produced(t, home_of(t, t->height), WRT_V128, SHAPE_OTHER);
    }
    return wrt_push_type(t, WRT_V128);
}

/* ---- memory ---- */

struct argument {
    uint64_t offset;
    uint32_t memory;
    uint8_t lane;
};

static bool is_64(const struct translator *t, const struct argument *m)
{
    return t->module->memories[m->memory].is_64;
}

static bool stores(const struct vector_op *v)
{
    return v->shape == STORE || v->shape == STORE_LANE;
}

/* An access by a function; its operands are popped. */
static bool emit_access(struct translator *t, const struct vector_op *v, uint32_t count,
                        const struct argument *m)
{
    const bool wide = is_64(t, m);
    const unsigned op = wide             ? OP_vector_access64
                        : m->memory != 0 ? OP_vector_access_m
                                         : OP_vector_access;
    union word *w = NULL;
    if (!t->live)
        return true;
    if (!on_slots(t, op, wide ? 5 : 4, t->height, count, &w))
        return false;
    w[1].s.c = m->lane;
    w[2].vector_access = v->access;
    w[3].half[0] = (int32_t)(uint32_t)m->offset;
    w[3].s.b = (uint16_t)m->memory;
    w[3].s.c = (uint16_t)(1u << v->log_size);
    if (wide)
        w[4].bits = m->offset;
    if (!stores(v))
        wrt_produced(t, home_of(t, t->height), WRT_V128, SHAPE_OTHER);
    return true;
}

/* Whole vectors of 32-bit memories have handlers. */
static bool emit_whole(struct translator *t, const struct vector_op *v, const struct argument *m)
{
    const uint32_t offset = (uint32_t)m->offset;
    if (v->shape == STORE)
        return wrt_emit_store_vector(t, t->height, t->height + 1, offset, m->memory);
    return wrt_emit_load(t, OP_v128_load_s, 0, t->height, offset, m->memory, WRT_V128);
}

static bool access(struct translator *t, const struct vector_op *v)
{
    struct argument m = {0};
    const bool vector = v->shape != LOAD && v->shape != LOAD_PART;
    if (!wrt_read_memarg(t, v->log_size, &m.offset, &m.memory) ||
        (v->lanes != 0 && !read_lane(t, v->lanes, &m.lane)) ||
        (vector && !wrt_pop_type(t, WRT_V128)) || !wrt_pop_type(t, wrt_address_type(t, m.memory)))
        return false;
    const bool whole = v->shape == LOAD || v->shape == STORE;
    if (!(whole && !is_64(t, &m) ? emit_whole(t, v, &m) : emit_access(t, v, vector ? 2 : 1, &m)))
        return false;
    return stores(v) || wrt_push_type(t, WRT_V128);
}

bool wrt_vector_instruction(struct translator *t)
{
    uint32_t opcode = 0;
    if (!wrt_read_u32(&t->r, &opcode))
        return false;
    const struct vector_op *v = opcode < sizeof ops / sizeof ops[0] ? &ops[opcode] : &ops[0x9A];
    if (v->shape == NO_VECTOR)
        return wrt_malformed(&t->r, "illegal opcode 0xfd %u", opcode);
    if (!wrt_use(&t->r, WRT_FEATURE_SIMD) ||
        (opcode >= FIRST_RELAXED && !wrt_use(&t->r, WRT_FEATURE_RELAXED_SIMD)))
        return false;
    switch ((enum shape_of_vector)v->shape) {
    case UNARY: return operation(t, v, 1, 0, WRT_V128, 0);
    case BINARY:
    case SWAPPED: return operation(t, v, 2, 0, WRT_V128, 0);
    case TERNARY: return operation(t, v, 3, 0, WRT_V128, 0);
    case SHIFT: return operation(t, v, 1, WRT_I32, WRT_V128, 0);
    case TEST: return operation(t, v, 1, 0, WRT_I32, 0);
    case SPLAT: return operation(t, v, 0, v->type, WRT_V128, 0);
    case EXTRACT:
    case REPLACE: return lane_operation(t, v);
    case SHUFFLE: return shuffle(t);
    case CONSTANT: return constant(t);
    case LOAD:
    case STORE:
    case LOAD_PART:
    case LOAD_LANE:
    case STORE_LANE: return access(t, v);
    case NO_VECTOR: break;
    }
    return false;
}
