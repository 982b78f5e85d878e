/* engine/emit.c - emits register code.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Invariants while emitting:
 *   acc[c] == s         accumulator c holds what slot s holds
 *   an operand AT_HOME  its home slot holds it
 *   pending <= 101      so that the difference of two fits a branch's 8-bit fuel
 */
#include "translate.h"

/* ---- numeric operations by WebAssembly opcode ---- */

enum numeric_kind { NOT_NUMERIC, COMMUTATIVE, ORDERED, DIVISION, COMPARE, FLOAT, FLOAT_PLAIN, FLOAT_COMPARE };

struct numeric {
    uint16_t op;      /* its _ss handler */
    uint8_t kind;
    uint8_t type;     /* of operands */
    uint8_t mirrored; /* opcode with operands swapped; 0: none */
    uint8_t inverse;  /* opcode of the negation; 0: none */
};

#define INT_OPS(first, t, type_)                                                             \
    [first] = {OP_##t##_add_ss, COMMUTATIVE, type_, first, 0},                               \
    [first + 1] = {OP_##t##_sub_ss, ORDERED, type_, 0, 0},                                   \
    [first + 2] = {OP_##t##_mul_ss, COMMUTATIVE, type_, first + 2, 0},                       \
    [first + 3] = {OP_##t##_div_s_ss, DIVISION, type_, 0, 0},                                \
    [first + 4] = {OP_##t##_div_u_ss, DIVISION, type_, 0, 0},                                \
    [first + 5] = {OP_##t##_rem_s_ss, DIVISION, type_, 0, 0},                                \
    [first + 6] = {OP_##t##_rem_u_ss, DIVISION, type_, 0, 0},                                \
    [first + 7] = {OP_##t##_and_ss, COMMUTATIVE, type_, first + 7, 0},                       \
    [first + 8] = {OP_##t##_or_ss, COMMUTATIVE, type_, first + 8, 0},                        \
    [first + 9] = {OP_##t##_xor_ss, COMMUTATIVE, type_, first + 9, 0},                       \
    [first + 10] = {OP_##t##_shl_ss, ORDERED, type_, 0, 0},                                  \
    [first + 11] = {OP_##t##_shr_s_ss, ORDERED, type_, 0, 0},                                \
    [first + 12] = {OP_##t##_shr_u_ss, ORDERED, type_, 0, 0},                                \
    [first + 13] = {OP_##t##_rotl_ss, ORDERED, type_, 0, 0},                                 \
    [first + 14] = {OP_##t##_rotr_ss, ORDERED, type_, 0, 0}
/* In opcode order: eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u. */
#define INT_COMPARES(first, t, type_)                                                        \
    [first] = {OP_##t##_eq_ss, COMPARE, type_, first, first + 1},                            \
    [first + 1] = {OP_##t##_ne_ss, COMPARE, type_, first + 1, first},                        \
    [first + 2] = {OP_##t##_lt_s_ss, COMPARE, type_, first + 4, first + 8},                  \
    [first + 3] = {OP_##t##_lt_u_ss, COMPARE, type_, first + 5, first + 9},                  \
    [first + 4] = {OP_##t##_gt_s_ss, COMPARE, type_, first + 2, first + 6},                  \
    [first + 5] = {OP_##t##_gt_u_ss, COMPARE, type_, first + 3, first + 7},                  \
    [first + 6] = {OP_##t##_le_s_ss, COMPARE, type_, first + 8, first + 4},                  \
    [first + 7] = {OP_##t##_le_u_ss, COMPARE, type_, first + 9, first + 5},                  \
    [first + 8] = {OP_##t##_ge_s_ss, COMPARE, type_, first + 6, first + 2},                  \
    [first + 9] = {OP_##t##_ge_u_ss, COMPARE, type_, first + 7, first + 3}
/* eq ne lt gt le ge */
#define FLOAT_COMPARES(first, t, type_)                                                      \
    [first] = {OP_##t##_eq_ss, FLOAT_COMPARE, type_, first, 0},                              \
    [first + 1] = {OP_##t##_ne_ss, FLOAT_COMPARE, type_, first + 1, 0},                      \
    [first + 2] = {OP_##t##_lt_ss, FLOAT_COMPARE, type_, first + 3, 0},                      \
    [first + 3] = {OP_##t##_gt_ss, FLOAT_COMPARE, type_, first + 2, 0},                      \
    [first + 4] = {OP_##t##_le_ss, FLOAT_COMPARE, type_, first + 5, 0},                      \
    [first + 5] = {OP_##t##_ge_ss, FLOAT_COMPARE, type_, first + 4, 0}
#define FLOAT_OPS(first, t, type_)                                                           \
    [first] = {OP_##t##_add_ss, FLOAT, type_, first, 0},                                     \
    [first + 1] = {OP_##t##_sub_ss, FLOAT, type_, 0, 0},                                     \
    [first + 2] = {OP_##t##_mul_ss, FLOAT, type_, first + 2, 0},                             \
    [first + 3] = {OP_##t##_div_ss, FLOAT, type_, 0, 0},                                     \
    [first + 4] = {OP_##t##_min_ss, FLOAT_PLAIN, type_, 0, 0},                               \
    [first + 5] = {OP_##t##_max_ss, FLOAT_PLAIN, type_, 0, 0},                               \
    [first + 6] = {OP_##t##_copysign_ss, FLOAT_PLAIN, type_, 0, 0}

static const struct numeric numerics[256] = {
    INT_COMPARES(0x46, i32, WRT_I32),
    INT_COMPARES(0x51, i64, WRT_I64),
    FLOAT_COMPARES(0x5B, f32, WRT_F32),
    FLOAT_COMPARES(0x61, f64, WRT_F64),
    INT_OPS(0x6A, i32, WRT_I32),
    INT_OPS(0x7C, i64, WRT_I64),
    FLOAT_OPS(0x92, f32, WRT_F32),
    FLOAT_OPS(0xA0, f64, WRT_F64),
};

enum { I32_EQZ = 0x45, I32_EQ = 0x46, I32_NE = 0x47, I64_EQZ = 0x50, I64_EQ = 0x51, I32_ADD = 0x6A,
       I32_MUL = 0x6C, I32_AND = 0x71, I32_OR = 0x72, I32_XOR = 0x73, I32_SHL = 0x74,
       I32_SHR_U = 0x76, I32_ROTL = 0x77, I32_ROTR = 0x78, F32_ADD = 0x92, F32_MUL = 0x94,
       F64_ADD = 0xA0, F64_MUL = 0xA2, I32_SUB = 0x6B, F32_EQ = 0x5B, F64_EQ = 0x61 };

/* Forms of SHAPE_BINARY, as offsets from the _ss handler where the kind has them. */
enum form { FORM_SS, FORM_AS, FORM_SK, FORM_AK, FORM_SA };

static unsigned op_of_form(const struct numeric *n, enum form form)
{
    static const uint8_t int_forms[] = {0, 1, 2, 3, 4}, float_forms[] = {0, 1, 3, 4, 2};
    const bool is_float = n->kind == FLOAT || n->kind == FLOAT_PLAIN;
    return (unsigned)n->op + (is_float ? float_forms[form] : int_forms[form]);
}

/* ---- the buffer ---- */

bool wrt_grow_scratch(struct translator *t, void *pointer, uint32_t *capacity, uint32_t needed,
                      size_t item_bytes)
{
    if (needed <= *capacity)
        return true;
    uint32_t larger = *capacity < 64 ? 64 : *capacity;
    while (larger < needed)
        larger = larger <= UINT32_MAX / 2 ? larger * 2 : UINT32_MAX;
    void *old = NULL, *fresh = NULL;
    memcpy(&old, pointer, sizeof old);
    const enum wrt_status status = wrt_partition_allocate(
        t->partition, WRT_CHARGE_LOAD, larger * item_bytes, 0, &fresh, t->r.error);
    if (status != WRT_OK) {
        t->r.status = status;
        return false;
    }
    if (*capacity != 0)
        memcpy(fresh, old, *capacity * item_bytes);
    memset((char *)fresh + *capacity * item_bytes, 0, (larger - *capacity) * item_bytes);
    wrt_partition_free(t->partition, WRT_CHARGE_LOAD, old, *capacity * item_bytes);
    memcpy(pointer, &fresh, sizeof fresh);
    *capacity = larger;
    return true;
}

static bool has_last(const struct translator *t)
{
    return t->last.end == t->code_count && t->last.at >= t->barrier && t->last.end != 0;
}

/* Branch fields count half words in 24 bits, see struct fixups below. */
#define MOST_WORDS (UINT32_C(1) << 22)

/* Appends an instruction and remembers it. Its operand words are zero. */
static union word *append(struct translator *t, unsigned op, uint32_t words)
{
    if (t->code_count + words > MOST_WORDS) {
        (void)wrt_refuse(&t->r, WRT_ERR_LIMIT, "function too large: over %u code words",
                         (unsigned)MOST_WORDS);
        return NULL;
    }
    if (!wrt_grow_scratch(t, &t->code, &t->code_capacity, t->code_count + words,
                          sizeof *t->code) ||
        !wrt_grow_scratch(t, &t->positions, &t->position_capacity, t->position_count + 1,
                          sizeof *t->positions))
        return NULL;
    union word *w = t->code + t->code_count;
    memset(w, 0, words * sizeof *w);
    w->handler = t->handlers[op];
    t->before = t->last;
    t->last = (struct emitted){.at = t->code_count,
                               .end = t->code_count + words,
                               .positions = t->position_count,
                               .acc = {t->acc[0], t->acc[1], t->acc[2]}};
    t->positions[t->position_count++] =
        (struct position){.word = t->code_count, .byte = t->instruction};
    t->code_count += words;
    return w;
}

/* Takes the last instruction back. */
static void take_back(struct translator *t)
{
    t->code_count = t->last.at;
    t->position_count = t->last.positions;
    memcpy(t->acc, t->last.acc, sizeof t->acc);
    t->last = t->before;
    t->before.end = 0;
}

/* Slot `slot` was written by way of accumulator `c`. */
static void wrote(struct translator *t, uint32_t slot, enum acc_class c)
{
    for (int i = 0; i < ACC_COUNT; i++)
        if (t->acc[i] == slot)
            t->acc[i] = WRT_NONE;
    t->acc[c] = slot;
}

static void wrote_plain(struct translator *t, uint32_t slot)
{
    for (int i = 0; i < ACC_COUNT; i++)
        if (t->acc[i] == slot)
            t->acc[i] = WRT_NONE;
}

static void forget_accumulators(struct translator *t)
{
    for (int i = 0; i < ACC_COUNT; i++)
        t->acc[i] = WRT_NONE;
}

/* The last instruction produced a value of `type` in slot d. */
static void produced(struct translator *t, uint32_t d, uint8_t type, enum shape shape)
{
    t->last.shape = (uint8_t)shape;
    t->last.patchable = true;
    t->last.d = (uint16_t)d;
    wrote(t, d, acc_of(type));
}

bool wrt_emit_begin(struct translator *t)
{
    t->code_count = t->position_count = t->map_count = 0;
    t->last = t->before = (struct emitted){0};
    t->barrier = 0;
    t->pending = 0;
    t->live = true;
    forget_accumulators(t);
    return true;
}

uint32_t wrt_local_slot(const struct translator *t, uint32_t local)
{
    return local < t->type->parameter_count
               ? local
               : t->header_slot + WRT_FRAME_HEADER + (local - t->type->parameter_count);
}

/* ---- operands ---- */

static bool emit_mov(struct translator *t, uint32_t d, uint32_t s, uint8_t type)
{
    static const uint16_t from_acc[] = {OP_mov_a, OP_mov_f, OP_mov_d};
    const enum acc_class c = acc_of(type);
    if (d == s)
        return true;
    if (t->acc[c] != s && has_last(t) && t->last.shape == SHAPE_MOV) {
        union word *w = t->code + t->last.at;
        w[0].handler = t->handlers[OP_mov2];
        w[1].s.b = (uint16_t)d;
        w[1].s.c = (uint16_t)s;
        t->last.shape = SHAPE_OTHER;
        wrote_plain(t, d);
        return true;
    }
    const bool in_acc = t->acc[c] == s;
    union word *w = append(t, in_acc ? from_acc[c] : OP_mov, 2);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)d;
    w[1].s.a = (uint16_t)s;
    t->last.shape = in_acc ? SHAPE_OTHER : SHAPE_MOV;
    wrote_plain(t, d);
    return true;
}

static bool fits_16(int32_t value)
{
    return value >= INT16_MIN && value <= INT16_MAX;
}

static bool fits_32(uint64_t bits)
{
    return (uint64_t)(int64_t)(int32_t)(uint32_t)bits == bits;
}

static bool emit_const(struct translator *t, uint32_t d, uint8_t type, uint64_t bits)
{
    const bool narrow = type == WRT_I32 || type == WRT_F32;
    const bool short_ = narrow || fits_32(bits);
    union word *w = append(t, narrow ? OP_const32 : short_ ? OP_const64 : OP_const_wide,
                           short_ ? 2 : 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)d;
    if (short_)
        w[1].k.imm = (int32_t)(uint32_t)bits;
    else
        w[2].bits = bits;
    wrote_plain(t, d);
    return true;
}

static bool is_acc(const struct translator *t, uint32_t slot, uint8_t type)
{
    return t->acc[acc_of(type)] == slot;
}

/* Where an operand's value, or the variable part of its sum, is. */
static uint32_t base_slot(const struct translator *t, uint32_t index)
{
    const struct operand *o = &t->operands[index];
    return o->local != WRT_NONE ? wrt_local_slot(t, o->local) : home_of(t, index);
}

static bool emit_form(struct translator *t, uint8_t opcode, enum form form, uint32_t d, uint32_t a,
                      uint32_t b, uint64_t bits);
static bool made_by_last(const struct translator *t, uint32_t index);
static bool fuse_integers(struct translator *t, uint8_t opcode, bool constant, bool reversed,
                          uint16_t z, uint32_t d, bool *done);

/* Puts the value of an operand into slot d. The operand stays as it is. */
static bool emit_value(struct translator *t, uint32_t index, uint32_t d)
{
    const struct operand *o = &t->operands[index];
    if (o->kind == AT_CONST)
        return emit_const(t, d, o->type, o->bits);
    const uint32_t s = base_slot(t, index);
    bool done = false;
    if (o->kind == AT_SUM && made_by_last(t, index) && fits_16((int32_t)(uint32_t)o->bits) &&
        (!fuse_integers(t, I32_ADD, true, false, (uint16_t)o->bits, d, &done) || done))
        return done;
    if (o->kind == AT_SUM)
        return emit_form(t, I32_ADD, is_acc(t, s, WRT_I32) ? FORM_AK : FORM_SK, d, s, 0, o->bits);
    return emit_mov(t, d, s, o->type);
}

bool wrt_settle_operand(struct translator *t, uint32_t index)
{
    struct operand *o = &t->operands[index];
    if (!t->live || o->kind == AT_HOME)
        return true;
    const bool ok = emit_value(t, index, home_of(t, index));
    o->kind = AT_HOME;
    o->local = WRT_NONE;
    return ok;
}

/* The newest alias leaves its list when its operand is popped or settled in stack order. */
static void drop_alias(struct translator *t, uint32_t index)
{
    const struct operand *o = &t->operands[index];
    if (o->local != WRT_NONE && t->local_alias[o->local] == index)
        t->local_alias[o->local] = o->older_alias;
}

bool wrt_settle_aliases(struct translator *t)
{
    if (!t->live)
        return true;
    for (; t->settled < t->height; t->settled++) {
        struct operand *o = &t->operands[t->settled];
        if (o->local == WRT_NONE)
            continue;
        t->local_alias[o->local] = WRT_NONE; /* all its aliases are settled here */
        if (!wrt_settle_operand(t, t->settled))
            return false;
    }
    return true;
}

bool wrt_settle_local(struct translator *t, uint32_t local)
{
    uint32_t index = t->local_alias[local];
    t->local_alias[local] = WRT_NONE;
    while (index != WRT_NONE) {
        const uint32_t older = t->operands[index].older_alias;
        if (!wrt_settle_operand(t, index))
            return false;
        index = older;
    }
    return true;
}

bool wrt_settle_top(struct translator *t, uint32_t count)
{
    if (!t->live)
        return true;
    /* Newest first keeps the alias lists true; homes of different operands differ. */
    for (uint32_t i = t->height; i-- > t->height - count;) {
        drop_alias(t, i);
        if (!wrt_settle_operand(t, i))
            return false;
    }
    return true;
}

/* The slot that holds a popped operand; a constant or sum is first put into its home slot. */
static bool slot_of(struct translator *t, uint32_t index, uint32_t *out)
{
    const struct operand *o = &t->operands[index];
    if (o->kind == AT_CONST || o->kind == AT_SUM) {
        *out = home_of(t, index);
        return wrt_settle_operand(t, index);
    }
    *out = base_slot(t, index);
    return true;
}

/* Does slot_of emit nothing for it? */
static bool is_in_slot(const struct translator *t, uint32_t index)
{
    return t->operands[index].kind == AT_HOME || t->operands[index].kind == AT_LOCAL;
}

/* Is the last instruction the one that made operand `index`, and of no use to others? */
static bool made_by_last(const struct translator *t, uint32_t index)
{
    const struct operand *o = &t->operands[index];
    return has_last(t) && t->last.patchable && o->local == WRT_NONE && o->kind != AT_CONST &&
           t->last.d == home_of(t, index);
}

/* ---- numeric ---- */

static bool emit_form(struct translator *t, uint8_t opcode, enum form form, uint32_t d, uint32_t a,
                      uint32_t b, uint64_t bits)
{
    const struct numeric *n = &numerics[opcode];
    const bool is_k = form == FORM_SK || form == FORM_AK;
    const bool wide = is_k && n->type == WRT_F64;
    union word *w = append(t, op_of_form(n, form), wide ? 3 : 2);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)d;
    w[1].s.a = (uint16_t)a;
    if (wide)
        w[2].bits = bits;
    else if (is_k)
        w[1].k.imm = (int32_t)(uint32_t)bits;
    else
        w[1].s.b = (uint16_t)b;
    const bool compares = n->kind == COMPARE || n->kind == FLOAT_COMPARE;
    produced(t, d, compares ? WRT_I32 : n->type, SHAPE_BINARY);
    t->last.form = (uint8_t)form;
    t->last.opcode = opcode;
    return true;
}

/* Can this constant stand in the code word of that operation? */
static bool is_immediate(const struct translator *t, const struct numeric *n, uint32_t index)
{
    const struct operand *o = &t->operands[index];
    if (o->kind != AT_CONST || n->kind == FLOAT_PLAIN || n->kind == FLOAT_COMPARE)
        return false;
    return n->type != WRT_I64 || fits_32(o->bits);
}

/* ---- pairs ---- */

enum { NO_PAIR = -1 };

/* Inner operations of integer pairs, in the order of opcodes.def. */
static int pair_inner(uint8_t opcode)
{
    switch (opcode) {
    case I32_ADD: return 0;
    case I32_SUB: return 1;
    case I32_MUL: return 2;
    case I32_AND: return 3;
    case I32_OR: return 4;
    case I32_XOR: return 5;
    case I32_SHL: return 6;
    case I32_SHR_U: return 7;
    case I32_ROTL: return 8;
    default: return NO_PAIR;
    }
}

enum { PAIR_OUTERS = 14 };

/* Outer operations; `reversed`: the inner result is the right operand. */
static int pair_outer(uint8_t opcode, bool constant, bool reversed)
{
    switch (opcode) {
    case I32_ADD: return constant ? 7 : 0;
    case I32_SUB: return constant ? NO_PAIR : reversed ? 2 : 1;
    case I32_AND: return constant ? 8 : 3;
    case I32_OR: return constant ? 9 : 4;
    case I32_XOR: return constant ? 10 : 5;
    case I32_MUL: return constant ? 11 : 6;
    case I32_SHL: return constant && !reversed ? 12 : NO_PAIR;
    case I32_SHR_U: return constant && !reversed ? 13 : NO_PAIR;
    default: return NO_PAIR;
    }
}

/* Replaces the last instruction, an integer operation, by it and `opcode` behind it, whose
 * other operand is slot or constant z. */
static bool fuse_integers(struct translator *t, uint8_t opcode, bool constant, bool reversed,
                          uint16_t z, uint32_t d, bool *done)
{
    const struct emitted last = t->last;
    if (last.shape != SHAPE_BINARY || last.form == FORM_SA)
        return true;
    const union word o = t->code[last.at + 1];
    const bool inner_k = last.form == FORM_SK || last.form == FORM_AK;
    const bool turned = last.opcode == I32_ROTR && inner_k; /* rotr k is rotl -k */
    const int inner = pair_inner(turned ? I32_ROTL : last.opcode);
    const int outer = pair_outer(opcode, constant, reversed);
    const int32_t k = turned ? (32 - (o.k.imm & 31)) & 31 : o.k.imm;
    if (inner == NO_PAIR || outer == NO_PAIR || (inner_k && !fits_16(k)))
        return true;
    take_back(t);
    const unsigned op = OP_pair_add_add_s_ss +
                        ((unsigned)inner * PAIR_OUTERS + (unsigned)outer) * 4u + last.form;
    union word *w = append(t, op, 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)d, o.s.a, inner_k ? (uint16_t)k : o.s.b, z}};
    const bool scaled = opcode == I32_ADD && !constant && inner == 6 && inner_k;
    produced(t, d, WRT_I32, scaled ? SHAPE_FUSED_SHIFT : SHAPE_OTHER);
    *done = true;
    return true;
}

/* (x rotl j) xor (y rotl k), when these were the last two instructions. */
static bool fuse_rotations(struct translator *t, uint32_t left, uint32_t d, bool *done)
{
    const struct emitted last = t->last, before = t->before;
    if (before.end != last.at || before.at < t->barrier || before.shape != SHAPE_BINARY ||
        last.shape != SHAPE_BINARY || before.d != home_of(t, left) || !before.patchable ||
        (before.form != FORM_SK && before.form != FORM_AK) ||
        (last.form != FORM_SK && last.form != FORM_AK) ||
        (before.opcode != I32_ROTL && before.opcode != I32_ROTR) ||
        (last.opcode != I32_ROTL && last.opcode != I32_ROTR))
        return true;
    const union word x = t->code[before.at + 1], y = t->code[last.at + 1];
    const uint32_t j = (uint32_t)(before.opcode == I32_ROTL ? x.k.imm : -x.k.imm) & 31;
    const uint32_t k = (uint32_t)(last.opcode == I32_ROTL ? y.k.imm : -y.k.imm) & 31;
    if (y.k.a == before.d)
        return true; /* reads what would no longer be there */
    take_back(t);
    take_back(t);
    union word *w = append(t, OP_i32_xor_rotl_rotl, 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)d, x.s.a, y.s.a, (uint16_t)(j | k << 8)}};
    produced(t, d, WRT_I32, SHAPE_OTHER);
    *done = true;
    return true;
}

/* Float pairs: add, sub, mul behind add, sub, mul. */
static bool fuse_floats(struct translator *t, uint8_t opcode, bool reversed, uint16_t z, uint32_t d,
                        bool *done)
{
    const struct emitted last = t->last;
    const bool wide = opcode >= F64_ADD;
    const uint8_t first = wide ? F64_ADD : F32_ADD;
    if (t->config->canonical_nan || last.shape != SHAPE_BINARY || last.form == FORM_SA ||
        last.opcode < first || last.opcode > first + 2 || opcode > first + 2)
        return true;
    const unsigned outer = opcode == first ? 0u : opcode == first + 2 ? 3u : reversed ? 2u : 1u;
    const union word o = t->code[last.at + 1];
    const bool inner_k = last.form == FORM_SK || last.form == FORM_AK;
    union word k = {.bits = 0};
    if (wide && inner_k)
        k = t->code[last.at + 2];
    else
        k.half[0] = o.k.imm;
    take_back(t);
    const unsigned base = wide ? OP_f64_pair_add_add_ss : OP_f32_pair_add_add_ss;
    union word *w = append(t, base + ((unsigned)(last.opcode - first) * 4u + outer) * 4u + last.form,
                           inner_k ? 3 : 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)d, o.s.a, o.s.b, z}};
    if (inner_k)
        w[2] = k;
    produced(t, d, wide ? WRT_F64 : WRT_F32, SHAPE_OTHER);
    *done = true;
    return true;
}

/* Load forms, in the order of their handlers. */
enum { LOAD_S, LOAD_A, LOAD_SS, LOAD_AS, LOAD_SK, LOAD_AK, LOAD_X, LOAD_XA, LOAD_I, LOAD_IA,
       LOAD_K, LOAD_M };

/* The _sk handler of a load with an operation behind it; 0: there is none. */
static unsigned load_then(uint8_t load, uint8_t opcode)
{
    static const struct {
        uint8_t load, opcode;
        uint16_t op;
    } pairs[] = {
        {0x28, I32_ADD, OP_i32_load_add_sk}, {0x28, I32_XOR, OP_i32_load_xor_sk},
        {0x28, I32_AND, OP_i32_load_and_sk}, {0x2A, F32_ADD, OP_f32_load_add_sk},
        {0x2A, F32_MUL, OP_f32_load_mul_sk}, {0x2B, F64_ADD, OP_f64_load_add_sk},
        {0x2B, F64_MUL, OP_f64_load_mul_sk},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].load == load && pairs[i].opcode == opcode)
            return pairs[i].op;
    return 0;
}

/* z op load, when the load was the last instruction. */
static bool fuse_load(struct translator *t, uint8_t opcode, uint32_t z, uint32_t d, bool *done)
{
    enum { THEN_SK, THEN_SS, THEN_A };
    const unsigned op = load_then(t->last.opcode, opcode);
    const union word o = t->code[t->last.at + 1];
    const bool is_float = opcode >= F32_ADD;
    if (op == 0 || (is_float && t->config->canonical_nan))
        return true;
    unsigned form = THEN_SK;
    int32_t offset = o.k.imm, sum = 0;
    switch (t->last.form) {
    case LOAD_S: break;
    case LOAD_A: form = THEN_A; break;
    case LOAD_SS: form = THEN_SS; offset = o.s.c; break;
    case LOAD_SK:
    case LOAD_AK:
        form = t->last.form == LOAD_AK ? THEN_A : THEN_SK;
        sum = o.k.imm;
        offset = t->code[t->last.at + 2].half[0];
        break;
    default: return true;
    }
    take_back(t);
    union word *w = append(t, op + form, 3);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)d, o.s.a, o.s.b, (uint16_t)z}};
    w[2].half[0] = offset;
    w[2].half[1] = sum;
    produced(t, d, opcode >= F64_ADD ? WRT_F64 : is_float ? WRT_F32 : WRT_I32, SHAPE_OTHER);
    *done = true;
    return true;
}

/* Fuses an operation with the instruction that made its operand `made`, if it can. */
static bool fuse_binary(struct translator *t, uint8_t opcode, uint32_t made, uint32_t other,
                        uint32_t d, bool *done)
{
    const bool reversed = made > other;
    const struct operand *o = &t->operands[other];
    if (!made_by_last(t, made) || t->operands[made].kind != AT_HOME)
        return true;
    const bool integer = numerics[opcode].type == WRT_I32;
    const int32_t k = (int32_t)(uint32_t)o->bits;
    if (o->kind == AT_CONST && integer && fits_16(k))
        return fuse_integers(t, opcode, true, reversed, (uint16_t)k, d, done);
    if (!is_in_slot(t, other))
        return true;
    const uint16_t z = (uint16_t)base_slot(t, other);
    if (t->last.shape == SHAPE_LOAD)
        return numerics[opcode].mirrored != opcode || fuse_load(t, opcode, z, d, done);
    if (opcode == I32_XOR && reversed && o->kind == AT_HOME &&
        (!fuse_rotations(t, other, d, done) || *done))
        return *done;
    if (integer)
        return fuse_integers(t, opcode, false, reversed, z, d, done);
    if (opcode >= F32_ADD)
        return fuse_floats(t, opcode, reversed, z, d, done);
    return true;
}

/* d = left op right, in the shortest form. */
static bool emit_two(struct translator *t, uint8_t opcode, uint32_t left, uint32_t right,
                     uint32_t d)
{
    const struct numeric *n = &numerics[opcode];
    uint32_t a = 0, b = 0;
    if (is_immediate(t, n, right)) {
        const uint64_t bits = t->operands[right].bits;
        if (!slot_of(t, left, &a))
            return false;
        return emit_form(t, opcode, is_acc(t, a, n->type) ? FORM_AK : FORM_SK, d, a, 0, bits);
    }
    if (!slot_of(t, left, &a) || !slot_of(t, right, &b))
        return false;
    if (is_acc(t, a, n->type))
        return emit_form(t, opcode, FORM_AS, d, a, b, 0);
    if (!is_acc(t, b, n->type))
        return emit_form(t, opcode, FORM_SS, d, a, b, 0);
    if (n->mirrored != 0)
        return emit_form(t, n->mirrored, FORM_AS, d, b, a, 0);
    return emit_form(t, opcode, FORM_SA, d, a, 0, 0);
}

static bool canonicalise(struct translator *t, uint32_t d, uint8_t type)
{
    if (!t->config->canonical_nan || (type != WRT_F32 && type != WRT_F64))
        return true;
    union word *w = append(t, type == WRT_F32 ? OP_f32_canonical : OP_f64_canonical, 2);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)d;
    produced(t, d, type, SHAPE_OTHER);
    return true;
}

bool wrt_lazy_add(struct translator *t, uint32_t left, uint32_t right, struct operand *out)
{
    const struct operand *l = &t->operands[left], *r = &t->operands[right];
    if (!t->live)
        return false;
    if (l->kind == AT_CONST && r->kind != AT_CONST) {
        if (r->local == WRT_NONE)
            return false; /* its home is above the sum's */
        const struct operand *swap = l;
        l = r;
        r = swap;
    }
    if (r->kind != AT_CONST)
        return false;
    const uint64_t base = l->kind == AT_HOME || l->kind == AT_LOCAL ? 0 : l->bits;
    *out = (struct operand){.type = WRT_I32,
                            .kind = l->kind == AT_CONST ? AT_CONST : AT_SUM,
                            .local = l->local,
                            .bits = (uint32_t)(base + r->bits)};
    return true;
}

bool wrt_emit_binary(struct translator *t, uint8_t opcode, uint32_t left, uint32_t right)
{
    if (!t->live)
        return true;
    const struct numeric *n = &numerics[opcode];
    const uint32_t d = home_of(t, left);
    bool done = false;
    if ((n->kind == COMMUTATIVE || n->kind == ORDERED || n->kind == FLOAT) &&
        (!fuse_binary(t, opcode, right, left, d, &done) ||
         (!done && !fuse_binary(t, opcode, left, right, d, &done))))
        return false;
    if (done)
        return true;
    if (n->mirrored != 0 && is_immediate(t, n, left) && !is_immediate(t, n, right)) {
        const struct operand swap = t->operands[left];
        uint32_t slot = 0;
        if (!slot_of(t, right, &slot))
            return false;
        if (!emit_form(t, n->mirrored, is_acc(t, slot, n->type) ? FORM_AK : FORM_SK, d, slot, 0,
                       swap.bits))
            return false;
        return n->kind == FLOAT ? canonicalise(t, d, n->type) : true;
    }
    if (!emit_two(t, opcode, left, right, d))
        return false;
    const bool arithmetic = (n->kind == FLOAT || n->kind == FLOAT_PLAIN) && opcode != 0x98 &&
                            opcode != 0xA6; /* copysign keeps NaNs as they are */
    return arithmetic ? canonicalise(t, d, n->type) : true;
}

bool wrt_emit_unary(struct translator *t, unsigned op_s, uint8_t opcode, uint32_t operand,
                    uint8_t result_type)
{
    if (!t->live)
        return true;
    const uint8_t type = t->operands[operand].type;
    const uint32_t d = home_of(t, operand);
    uint32_t a = 0;
    if (!slot_of(t, operand, &a))
        return false;
    union word *w = append(t, op_s + (is_acc(t, a, type) ? 1u : 0u), 2);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)d;
    w[1].s.a = (uint16_t)a;
    produced(t, d, result_type, SHAPE_UNARY);
    t->last.opcode = opcode;
    /* abs, neg, and reinterpretations keep the bits of a NaN; conversions cannot make one,
     * but demote and promote can */
    const bool arithmetic = (opcode >= 0x8D && opcode <= 0x91) ||
                            (opcode >= 0x9B && opcode <= 0x9F) || opcode == 0xB6 ||
                            opcode == 0xBB;
    return arithmetic ? canonicalise(t, d, result_type) : true;
}

/* ---- memory ---- */

/* How an access addresses memory 0. */
struct address {
    unsigned form;      /* LOAD_… */
    union word fields;  /* word 1 */
    int32_t offset, sum; /* word 2 of the three-word forms */
};

static unsigned words_of(unsigned form)
{
    return form == LOAD_S || form == LOAD_A || form == LOAD_SS || form == LOAD_AS ||
                   form == LOAD_K
               ? 2
               : 3;
}

/* Takes back the shift or addition that made the address: a + (b << k) and parts of it. */
static bool fold_address(struct translator *t, uint32_t index, uint32_t offset,
                         struct address *out)
{
    const struct operand *o = &t->operands[index];
    if (!made_by_last(t, index))
        return false;
    const union word w = t->code[t->last.at + 1];
    const uint8_t form = t->last.form, opcode = t->last.opcode;
    out->offset = (int32_t)offset;
    out->sum = o->kind == AT_SUM ? (int32_t)(uint32_t)o->bits : 0;
    if (t->last.shape == SHAPE_FUSED_SHIFT) {
        out->form = LOAD_X; /* the pair is (a << b) + c */
        out->fields = (union word){.s = {0, w.s.c, w.s.a, w.s.b & 31}};
    } else if (t->last.shape != SHAPE_BINARY) {
        return false;
    } else if (opcode == I32_SHL && (form == FORM_SK || form == FORM_AK)) {
        out->form = form == FORM_SK ? LOAD_I : LOAD_IA;
        out->fields = (union word){.s = {0, 0, w.k.a, (uint16_t)(w.k.imm & 31)}};
    } else if (opcode == I32_ADD && (form == FORM_SS || form == FORM_AS)) {
        const bool small = out->sum == 0 && offset <= UINT16_MAX;
        out->form = small ? (form == FORM_SS ? LOAD_SS : LOAD_AS)
                          : (form == FORM_SS ? LOAD_X : LOAD_XA);
        out->fields = (union word){.s = {0, w.s.a, w.s.b, small ? (uint16_t)offset : 0}};
        if (!small && form == FORM_AS)
            out->fields.s.a = w.s.b; /* the slot; the accumulator is the index */
    } else {
        return false;
    }
    take_back(t);
    return true;
}

/* The address without folding. */
static bool plain_address(struct translator *t, uint32_t index, uint32_t offset,
                          struct address *out)
{
    struct operand *o = &t->operands[index];
    *out = (struct address){.offset = (int32_t)offset};
    if (o->kind == AT_CONST && o->bits + offset <= UINT32_MAX) {
        out->form = LOAD_K;
        out->fields.k.imm = (int32_t)(uint32_t)(o->bits + offset);
        return true;
    }
    if (o->kind == AT_CONST && !wrt_settle_operand(t, index))
        return false;
    const uint32_t s = base_slot(t, index);
    const bool in = is_acc(t, s, WRT_I32);
    out->fields.k.a = (uint16_t)s;
    out->fields.k.imm = (int32_t)offset;
    out->form = in ? LOAD_A : LOAD_S;
    if (o->kind == AT_SUM) {
        out->form = in ? LOAD_AK : LOAD_SK;
        out->fields.k.imm = (int32_t)(uint32_t)o->bits;
    }
    return true;
}

static bool emit_access(struct translator *t, unsigned op, const struct address *address,
                        uint16_t d)
{
    const unsigned words = words_of(address->form);
    union word *w = append(t, op, words);
    if (w == NULL)
        return false;
    w[1] = address->fields;
    w[1].s.d = d;
    if (words == 3) {
        w[2].half[0] = address->offset;
        w[2].half[1] = address->sum;
    }
    return true;
}

static bool emit_access_far(struct translator *t, unsigned op, uint32_t d, uint32_t a,
                            uint32_t offset, uint32_t memory)
{
    union word *w = append(t, op, 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)d;
    w[1].k.a = (uint16_t)a;
    w[1].k.imm = (int32_t)offset;
    w[2].bits = memory;
    return true;
}

bool wrt_emit_load(struct translator *t, unsigned op_s, uint8_t opcode, uint32_t operand,
                   uint32_t offset, uint32_t memory, uint8_t type)
{
    if (!t->live)
        return true;
    const uint32_t d = home_of(t, operand);
    uint32_t a = 0;
    struct address address;
    if (memory != 0) {
        if (!slot_of(t, operand, &a) || !emit_access_far(t, op_s + LOAD_M, d, a, offset, memory))
            return false;
        produced(t, d, type, SHAPE_OTHER);
        return true;
    }
    if ((!fold_address(t, operand, offset, &address) &&
         !plain_address(t, operand, offset, &address)) ||
        !emit_access(t, op_s + address.form, &address, (uint16_t)d))
        return false;
    produced(t, d, type, SHAPE_LOAD);
    t->last.opcode = opcode;
    t->last.form = (uint8_t)address.form;
    return true;
}

/* Offsets from the _s_s handler; of constants from the _s_k handler. */
enum { STORE_S_S, STORE_SK_S, STORE_K_S, STORE_S_A, STORE_SK_A, STORE_K_A, STORE_A_S, STORE_X_S,
       STORE_X_A, STORE_M };
enum { STORE_S_K, STORE_SK_K, STORE_K_K, STORE_A_K };

struct store_op {
    uint16_t op, constant, both; /* _s_s; _s_k or 0; _a_a or 0 */
};

/* By opcode - 0x36. A 64-bit store of the low bytes is the 32-bit one. */
static const struct store_op stores[] = {
    {OP_i32_store_s_s, OP_i32_store_s_k, 0},     {OP_i64_store_s_s, OP_i64_store_s_k, 0},
    {OP_f32_store_s_s, 0, OP_f32_store_a_a},     {OP_f64_store_s_s, 0, OP_f64_store_a_a},
    {OP_i32_store8_s_s, OP_i32_store8_s_k, 0},   {OP_i32_store16_s_s, OP_i32_store16_s_k, 0},
    {OP_i32_store8_s_s, OP_i32_store8_s_k, 0},   {OP_i32_store16_s_s, OP_i32_store16_s_k, 0},
    {OP_i32_store_s_s, OP_i32_store_s_k, 0},
};

/* A float constant is stored as the integer of its bits. */
static const struct store_op *store_of(uint8_t opcode, bool is_const)
{
    const unsigned i = opcode - 0x36u;
    return &stores[is_const && (i == 2 || i == 3) ? i - 2 : i];
}

/* A constant that the store sign-extends from 16 bits to what is stored. */
static bool is_short_constant(const struct operand *o)
{
    if (o->kind != AT_CONST)
        return false;
    const uint64_t bits = o->type == WRT_I32 || o->type == WRT_F32
                              ? (uint64_t)(int64_t)(int32_t)(uint32_t)o->bits
                              : o->bits;
    return (uint64_t)(int64_t)(int16_t)(uint16_t)bits == bits;
}

/* Which handler stores: the address's form, then where the value is. */
static unsigned pick_constant_store(unsigned form)
{
    switch (form) {
    case LOAD_SK: return STORE_SK_K;
    case LOAD_K: return STORE_K_K;
    case LOAD_A: return STORE_A_K;
    default: return STORE_S_K;
    }
}

static unsigned pick_store(unsigned form, bool value_in)
{
    switch (form) {
    case LOAD_SK: return value_in ? STORE_SK_A : STORE_SK_S;
    case LOAD_K: return value_in ? STORE_K_A : STORE_K_S;
    case LOAD_X: return value_in ? STORE_X_A : STORE_X_S;
    case LOAD_A: return value_in ? STORE_S_A : STORE_A_S;
    default: return value_in ? STORE_S_A : STORE_S_S;
    }
}

/* The handler that stores the result of an operation; 0: there is none. */
static unsigned store_result(uint8_t store, uint8_t opcode)
{
    static const struct {
        uint8_t store, opcode;
        uint16_t op;
    } pairs[] = {
        {0x36, I32_ADD, OP_store_i32_add_ss},     {0x36, I32_SUB, OP_store_i32_sub_ss},
        {0x36, I32_AND, OP_store_i32_and_ss},     {0x36, I32_OR, OP_store_i32_or_ss},
        {0x36, I32_XOR, OP_store_i32_xor_ss},     {0x38, F32_ADD, OP_store_f32_add_ss},
        {0x38, F32_ADD + 1, OP_store_f32_sub_ss}, {0x38, F32_MUL, OP_store_f32_mul_ss},
        {0x39, F64_ADD, OP_store_f64_add_ss},     {0x39, F64_ADD + 1, OP_store_f64_sub_ss},
        {0x39, F64_MUL, OP_store_f64_mul_ss},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        if (pairs[i].store == store && pairs[i].opcode == opcode)
            return pairs[i].op;
    return 0;
}

/* The copy that a load and a store of one width make; 0: none. */
static unsigned copy_op(uint8_t store, uint8_t load)
{
    switch (store) {
    case 0x36: return load == 0x28 ? OP_copy_32 : 0;
    case 0x37: return load == 0x29 ? OP_copy_64 : 0;
    case 0x38: return load == 0x2A ? OP_copy_32 : 0;
    case 0x39: return load == 0x2B ? OP_copy_64 : 0;
    case 0x3A: return load == 0x2C || load == 0x2D ? OP_copy_8 : 0;
    case 0x3B: return load == 0x2E || load == 0x2F ? OP_copy_16 : 0;
    default: return 0;
    }
}

/* Stores straight from the instruction that made the value. */
static bool fuse_store(struct translator *t, uint8_t opcode, uint32_t address, uint32_t value,
                       uint32_t offset, bool *done)
{
    const struct operand *v = &t->operands[value];
    if (v->kind != AT_HOME || !made_by_last(t, value) || !is_in_slot(t, address) ||
        offset > UINT16_MAX)
        return true;
    const struct emitted last = t->last;
    const union word o = t->code[last.at + 1];
    const uint16_t to = (uint16_t)base_slot(t, address);
    unsigned op = 0;
    uint16_t b = o.s.b;
    if (last.shape == SHAPE_LOAD && (last.form == LOAD_S || last.form == LOAD_A) &&
        (uint32_t)o.k.imm <= UINT16_MAX) {
        op = copy_op(opcode, last.opcode);
        b = (uint16_t)o.k.imm;
    } else if (last.shape == SHAPE_BINARY && last.form != FORM_SA) {
        const bool is_k = last.form == FORM_SK || last.form == FORM_AK;
        if (is_k && (v->type != WRT_I32 || !fits_16(o.k.imm)))
            return true;
        op = store_result(opcode, last.opcode);
        op = op == 0 || (v->type != WRT_I32 && t->config->canonical_nan) ? 0 : op + last.form;
        b = is_k ? (uint16_t)o.k.imm : b;
    }
    if (op == 0)
        return true;
    take_back(t);
    union word *w = append(t, op, 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)offset, o.s.a, b, to}};
    *done = true;
    return true;
}

bool wrt_emit_store(struct translator *t, uint8_t opcode, uint32_t address, uint32_t value,
                    uint32_t offset, uint32_t memory)
{
    if (!t->live)
        return true;
    const struct operand *v = &t->operands[value];
    uint32_t a = 0, s = 0;
    if (memory != 0) {
        const struct store_op *far = store_of(opcode, false);
        return slot_of(t, address, &a) && slot_of(t, value, &s) &&
               emit_access_far(t, far->op + STORE_M, s, a, offset, memory);
    }
    bool done = false;
    if (!fuse_store(t, opcode, address, value, offset, &done))
        return false;
    if (done)
        return true;
    struct address where;
    const bool folded = is_in_slot(t, value) && made_by_last(t, address) &&
                        t->last.shape == SHAPE_FUSED_SHIFT &&
                        fold_address(t, address, offset, &where);
    const bool constant = !folded && is_short_constant(v) && store_of(opcode, true)->constant != 0;
    /* The value first: it may emit, and what it emits may use the accumulator. */
    if (!constant && !slot_of(t, value, &s))
        return false;
    if (!folded && !plain_address(t, address, offset, &where))
        return false;
    if (where.form == LOAD_AK)
        where.form = LOAD_SK;
    const bool value_in = !constant && is_acc(t, s, v->type);
    const struct store_op *st = store_of(opcode, constant);
    unsigned op = 0;
    if (constant)
        op = st->constant + pick_constant_store(where.form);
    else if (where.form == LOAD_A && value_in && st->both != 0)
        op = st->both;
    else
        op = st->op + pick_store(where.form, value_in);
    return emit_access(t, op, &where, constant ? (uint16_t)v->bits : (uint16_t)s);
}

/* ---- variables ---- */

/* Takes back the comparison that made a select's condition; 0: it cannot be fused. */
static unsigned fold_choice(struct translator *t, uint32_t condition, uint8_t type, union word *out)
{
    if (!made_by_last(t, condition) || t->operands[condition].kind != AT_HOME ||
        t->last.shape != SHAPE_BINARY)
        return 0;
    const uint8_t opcode = t->last.opcode, form = t->last.form;
    const union word o = t->code[t->last.at + 1];
    unsigned op = 0;
    *out = o;
    if (opcode >= I32_EQ && opcode < I32_EQ + 10) {
        const bool is_k = form == FORM_SK || form == FORM_AK;
        if (is_k && !fits_16(o.k.imm))
            return 0;
        op = OP_choose_i_eq_ss + (opcode - (unsigned)I32_EQ) * 6u + acc_of(type) * 2u + (is_k ? 1u : 0u);
    } else if (opcode >= F32_EQ && opcode < F32_EQ + 6 && type == WRT_F32) {
        op = OP_choose_f32_eq + (opcode - (unsigned)F32_EQ) * 2u;
    } else if (opcode >= F64_EQ && opcode < F64_EQ + 6 && type == WRT_F64) {
        op = OP_choose_f64_eq + (opcode - (unsigned)F64_EQ) * 2u;
    }
    if (op != 0)
        take_back(t);
    return op;
}

static bool is_short_i32(const struct translator *t, uint32_t index)
{
    const struct operand *o = &t->operands[index];
    return o->kind == AT_CONST && o->type == WRT_I32 && fits_16((int32_t)(uint32_t)o->bits);
}

bool wrt_emit_select(struct translator *t, uint32_t first)
{
    static const uint16_t ops[] = {OP_select_i_s, OP_select_f_s, OP_select_d_s};
    if (!t->live)
        return true;
    const uint8_t type = t->operands[first].type;
    uint32_t a = 0, b = 0, c = 0;
    union word compared;
    const unsigned fused = fold_choice(t, first + 2, type, &compared);
    if (fused != 0) {
        if (!slot_of(t, first, &a) || !slot_of(t, first + 1, &b))
            return false;
        union word *w = append(t, fused, 3);
        if (w == NULL)
            return false;
        w[1] = compared;
        w[1].s.d = (uint16_t)home_of(t, first);
        w[2] = (union word){.s = {(uint16_t)a, (uint16_t)b, 0, 0}};
        produced(t, home_of(t, first), type, SHAPE_OTHER);
        return true;
    }
    const bool ka = is_short_i32(t, first), kb = is_short_i32(t, first + 1);
    if ((!ka && !slot_of(t, first, &a)) || (!kb && !slot_of(t, first + 1, &b)) ||
        !slot_of(t, first + 2, &c))
        return false;
    if (ka || kb) {
        const unsigned op = !ka ? OP_select_sk_s : !kb ? OP_select_ks_s : OP_select_kk_s;
        union word *k = append(t, op + (is_acc(t, c, WRT_I32) ? 1u : 0u), 2);
        if (k == NULL)
            return false;
        const uint32_t d = home_of(t, first);
        k[1] = (union word){.s = {(uint16_t)d,
                                  ka ? (uint16_t)t->operands[first].bits : (uint16_t)a,
                                  kb ? (uint16_t)t->operands[first + 1].bits : (uint16_t)b,
                                  (uint16_t)c}};
        produced(t, d, type, SHAPE_OTHER);
        return true;
    }
    union word *w = append(t, ops[acc_of(type)] + (is_acc(t, c, WRT_I32) ? 1u : 0u), 2);
    if (w == NULL)
        return false;
    const uint32_t d = home_of(t, first);
    w[1] = (union word){.s = {(uint16_t)d, (uint16_t)a, (uint16_t)b, (uint16_t)c}};
    produced(t, d, type, SHAPE_OTHER);
    return true;
}

bool wrt_emit_local_set(struct translator *t, uint32_t local, uint32_t operand)
{
    if (!t->live)
        return true;
    const uint32_t d = wrt_local_slot(t, local);
    if (made_by_last(t, operand) && t->operands[operand].kind == AT_HOME &&
        t->local_alias[local] == WRT_NONE) {
        t->code[t->last.at + 1].s.d = (uint16_t)d;
        t->last.d = (uint16_t)d;
        for (int i = 0; i < ACC_COUNT; i++)
            if (t->acc[i] == d)
                t->acc[i] = WRT_NONE;
        for (int i = 0; i < ACC_COUNT; i++)
            if (t->acc[i] == home_of(t, operand))
                t->acc[i] = d;
        return true;
    }
    return wrt_settle_local(t, local) && emit_value(t, operand, d);
}

bool wrt_emit_global_get(struct translator *t, uint32_t global, uint8_t type, uint32_t result)
{
    static const uint16_t ops[] = {OP_global_get_i, OP_global_get_f, OP_global_get_d};
    if (!t->live)
        return true;
    union word *w = append(t, ops[acc_of(type)], 2);
    if (w == NULL)
        return false;
    const uint32_t d = home_of(t, result);
    w[1].k.d = (uint16_t)d;
    w[1].k.imm = (int32_t)global;
    produced(t, d, type, SHAPE_GLOBAL_GET);
    return true;
}

/* global.get g, plus or minus a constant, global.set g: how C moves its stack pointer. */
static bool fuse_global(struct translator *t, uint32_t global, uint32_t operand, bool *done)
{
    const struct operand *o = &t->operands[operand];
    const struct emitted last = t->last, before = t->before;
    if (o->type == WRT_I32 && o->kind == AT_SUM && o->local != WRT_NONE) {
        union word *sum = append(t, OP_global_set_sum, 3);
        if (sum == NULL)
            return false;
        sum[1].k.a = (uint16_t)base_slot(t, operand);
        sum[1].k.imm = (int32_t)(uint32_t)o->bits;
        sum[2].bits = global;
        *done = true;
        return true;
    }
    if (!has_last(t) || !is_in_slot(t, operand) || before.end != last.at ||
        before.at < t->barrier || before.shape != SHAPE_GLOBAL_GET || last.shape != SHAPE_BINARY ||
        (last.opcode != I32_ADD && last.opcode != I32_SUB) || last.form != FORM_AK ||
        last.d != base_slot(t, operand) ||
        (uint32_t)t->code[before.at + 1].k.imm != global || t->code[last.at + 1].k.a != before.d)
        return true;
    const uint32_t k = (uint32_t)t->code[last.at + 1].k.imm;
    take_back(t);
    take_back(t);
    union word *w = append(t, OP_global_add, 3);
    if (w == NULL)
        return false;
    w[1].k.d = last.d;
    w[1].k.imm = (int32_t)(last.opcode == I32_SUB ? 0u - k : k);
    w[2].bits = global;
    produced(t, last.d, WRT_I32, SHAPE_OTHER);
    t->last.patchable = false;
    *done = true;
    return true;
}

bool wrt_emit_global_set(struct translator *t, uint32_t global, uint32_t operand)
{
    if (!t->live)
        return true;
    const uint8_t type = t->operands[operand].type;
    uint32_t s = 0;
    bool done = false;
    if (!fuse_global(t, global, operand, &done))
        return false;
    if (done)
        return true;
    if (!slot_of(t, operand, &s))
        return false;
    const bool in_acc = acc_of(type) == ACC_I && is_acc(t, s, type);
    union word *w = append(t, in_acc ? OP_global_set_a : OP_global_set_s, 2);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)s;
    w[1].k.imm = (int32_t)global;
    return true;
}

bool wrt_emit_homes(struct translator *t, unsigned op, uint32_t first, uint32_t count,
                    uint32_t a, uint32_t imm, bool has_result)
{
    if (!t->live)
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_settle_operand(t, first + i))
            return false;
    union word *w = append(t, op, 2);
    if (w == NULL)
        return false;
    const uint32_t d = home_of(t, first);
    w[1].k.d = (uint16_t)d;
    w[1].k.a = (uint16_t)a;
    w[1].k.imm = (int32_t)imm;
    if (has_result)
        produced(t, d, WRT_I32, SHAPE_OTHER);
    t->last.patchable = false; /* it may run twice, reading its homes */
    return true;
}

bool wrt_emit_ref_func(struct translator *t, uint32_t function, uint32_t result)
{
    return wrt_emit_homes(t, OP_ref_func, result, 0, 0, function, true);
}

bool wrt_emit_simple(struct translator *t, unsigned op)
{
    return !t->live || append(t, op, 2) != NULL;
}

bool wrt_emit_charge(struct translator *t)
{
    if (!t->live || t->pending == 0)
        return true;
    union word *w = append(t, OP_charge, 2);
    if (w == NULL)
        return false;
    w[1].k.imm = (int32_t)t->pending;
    t->pending = 0;
    return true;
}

/* ---- calls ---- */

bool wrt_emit_call(struct translator *t, unsigned op, uint32_t first,
                   const struct wrt_function_type *type, union word target, uint32_t index_operand,
                   uint32_t table)
{
    if (!t->live)
        return true;
    const bool tail = op == OP_return_call || op == OP_return_call_import ||
                      op == OP_return_call_indirect;
    const bool indirect = op == OP_call_indirect || op == OP_return_call_indirect;
    uint32_t index = 0;
    if (indirect && !slot_of(t, index_operand, &index))
        return false;
    for (uint32_t i = 0; i < type->parameter_count; i++)
        if (!wrt_settle_operand(t, first + i))
            return false;
    union word *w = append(t, op, indirect || tail ? 4 : 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)home_of(t, first);
    w[1].k.a = (uint16_t)type->parameter_count;
    w[1].k.imm = (int32_t)t->pending;
    w[2] = target;
    if (indirect || tail) {
        w[3].k.d = (uint16_t)index;
        w[3].k.a = (uint16_t)t->header_slot;
        w[3].k.imm = (int32_t)table;
    }
    t->pending = 0;
    t->barrier = t->code_count;
    forget_accumulators(t);
    if (!tail && type->result_count == 1)
        t->acc[acc_of(type->results[0])] = home_of(t, first);
    return true;
}

static bool emit_return_constant(struct translator *t, const struct operand *o)
{
    static const uint16_t ops[] = {OP_ret_ki, OP_ret_kf, OP_ret_kd};
    union word *w = append(t, ops[acc_of(o->type)], 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)t->header_slot;
    w[1].k.imm = (int32_t)t->pending;
    w[2].bits = o->bits;
    return true;
}

bool wrt_emit_return(struct translator *t)
{
    if (!t->live)
        return true;
    const uint32_t count = t->type->result_count;
    const uint32_t first = t->height - count;
    unsigned op = OP_ret;
    uint32_t s = 0;
    if (count == 1) {
        static const uint16_t from_acc[] = {OP_ret_a, OP_ret_f, OP_ret_d};
        static const uint16_t from_slot[] = {OP_ret_si, OP_ret_sf, OP_ret_sd};
        const uint8_t type = t->type->results[0];
        struct operand *o = &t->operands[first];
        const struct operand saved = *o;
        if (o->kind == AT_CONST)
            return emit_return_constant(t, o);
        if (!slot_of(t, first, &s))
            return false;
        *o = saved; /* a br_if may still need it unsettled on its other path */
        op = is_acc(t, s, type) ? from_acc[acc_of(type)] : from_slot[acc_of(type)];
    } else if (count > 1) {
        /* Into the homes first: results may stand in the parameters they overwrite. */
        for (uint32_t i = 0; i < count; i++) {
            struct operand *o = &t->operands[first + i];
            const struct operand saved = *o;
            if (!wrt_settle_operand(t, first + i))
                return false;
            *o = saved;
        }
        for (uint32_t i = 0; i < count; i++)
            if (!emit_mov(t, i, home_of(t, first + i), t->type->results[i]))
                return false;
    }
    union word *w = append(t, op, 2);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)t->header_slot;
    w[1].k.a = (uint16_t)s;
    w[1].k.imm = (int32_t)t->pending;
    return true;
}

/* ---- branches ---- */
/* A target field that is not bound yet holds (index of the next field in the chain, in half
 * words) * 256 + pending fuel at the branch. Half-word index 1 (an instruction's own words 0
 * and 1 are never targets) cannot be a field, so 0 ends a chain. */

static uint32_t field_index(uint32_t word, uint32_t half)
{
    return word * 2 + half;
}

static int32_t *field_at(struct translator *t, uint32_t index)
{
    return &t->code[index / 2].half[index & 1];
}

static int32_t make_target(int64_t distance, int32_t fuel)
{
    return (int32_t)(uint32_t)((uint64_t)distance << WRT_TARGET_SHIFT) | (int32_t)(uint8_t)(int8_t)fuel;
}

static void chain(struct translator *t, uint32_t *head, uint32_t index)
{
    *field_at(t, index) = (int32_t)(*head << WRT_TARGET_SHIFT | t->pending);
    *head = index;
}

/* Distances count from the word before the field: a branch's own start. */
static void point(struct translator *t, uint32_t index, uint32_t target, int32_t fuel)
{
    *field_at(t, index) = make_target((int64_t)target - ((int64_t)(index / 2) - 1), fuel);
}

void wrt_bind(struct translator *t, uint32_t fixups, bool falls)
{
    if (fixups == 0)
        return;
    if (!falls)
        t->pending = (uint32_t)*field_at(t, fixups) & 0xff;
    for (uint32_t index = fixups; index != 0;) {
        const uint32_t raw = (uint32_t)*field_at(t, index);
        point(t, index, t->code_count, (int32_t)(raw & 0xff) - (int32_t)t->pending);
        index = raw >> WRT_TARGET_SHIFT;
    }
    t->barrier = t->code_count;
    forget_accumulators(t);
    t->live = true;
}

bool wrt_emit_loop_head(struct translator *t, struct control *control)
{
    if (!wrt_emit_charge(t))
        return false;
    control->start = t->code_count;
    t->barrier = t->code_count;
    forget_accumulators(t);
    return true;
}

static struct control *control_at(struct translator *t, uint32_t depth)
{
    return &t->controls[t->control_count - 1 - depth];
}

static uint32_t label_arity(const struct control *c)
{
    return c->kind == CONTROL_LOOP ? c->type.parameter_count : c->type.result_count;
}

/* Sets the target of the branch instruction at `word`, whose field is its word 1, half 1. */
static void aim(struct translator *t, uint32_t word, struct control *c)
{
    const uint32_t index = field_index(word + 1, 1);
    if (c->kind == CONTROL_LOOP)
        point(t, index, c->start, (int32_t)t->pending);
    else
        chain(t, &c->fixups, index);
}

/* Are the values that a branch carries already where its target expects them? */
static bool in_place(const struct translator *t, const struct control *c)
{
    const uint32_t arity = label_arity(c);
    const uint32_t first = t->height - arity;
    if (arity == 0)
        return true;
    if (first != c->height)
        return false;
    for (uint32_t i = first; i < t->height; i++)
        if (t->operands[i].kind != AT_HOME)
            return false;
    return true;
}

/* Copies the top values to a label's homes; the operands stay as they are. Ascending order
 * is safe: a destination is never above its source's home. */
static bool carry(struct translator *t, const struct control *c)
{
    const uint32_t arity = label_arity(c);
    const uint32_t first = t->height - arity;
    for (uint32_t i = 0; i < arity; i++)
        if (!emit_value(t, first + i, home_of(t, c->height + i)))
            return false;
    return true;
}

/* The last assignment of a loop body goes into its back edge. */
static bool fuse_back_edge(struct translator *t, struct control *c, bool *done)
{
    if (!has_last(t))
        return true;
    const struct emitted last = t->last;
    const union word o = t->code[last.at + 1];
    const bool add = last.shape == SHAPE_BINARY && last.opcode == I32_ADD &&
                     (last.form == FORM_SK || last.form == FORM_AK);
    if (!add && last.shape != SHAPE_MOV)
        return true;
    take_back(t);
    const uint32_t word = t->code_count;
    union word *w = append(t, add ? OP_br_back_add : OP_br_back_mov, add ? 3 : 2);
    if (w == NULL)
        return false;
    w[1].s.d = o.s.d;
    w[1].s.a = o.s.a;
    if (add)
        w[2].bits = (uint32_t)o.k.imm;
    aim(t, word, c);
    *done = true;
    return true;
}

bool wrt_emit_br(struct translator *t, uint32_t depth)
{
    if (!t->live)
        return true;
    struct control *c = control_at(t, depth);
    if (c->kind == CONTROL_FUNCTION)
        return wrt_emit_return(t);
    if (!carry(t, c))
        return false;
    bool done = false;
    if (c->kind == CONTROL_LOOP && (!fuse_back_edge(t, c, &done) || done))
        return done;
    const uint32_t word = t->code_count;
    if (append(t, c->kind == CONTROL_LOOP ? OP_br_back : OP_br, 2) == NULL)
        return false;
    aim(t, word, c);
    return true;
}

/* Which branch handler tests the condition; fields get its operands. */
struct test {
    unsigned op; /* the forward form; the next one goes back */
    uint16_t x, y;
    bool wide;   /* three words: compares with imm */
    int32_t imm;
};

/* Takes back the i32.and that made the condition. */
static bool fold_test(struct translator *t, bool negate, struct test *out)
{
    const struct emitted last = t->last;
    if (last.shape != SHAPE_BINARY || last.opcode != I32_AND || last.form == FORM_SA)
        return false;
    const union word o = t->code[last.at + 1];
    const bool is_k = last.form == FORM_SK || last.form == FORM_AK;
    if (is_k && !fits_16(o.k.imm))
        return false;
    *out = (struct test){.op = (negate ? OP_br_test_not_ss : OP_br_test_ss) + 2u * last.form,
                         .x = o.s.a,
                         .y = is_k ? (uint16_t)o.k.imm : o.s.b};
    take_back(t);
    return true;
}

/* Takes back the comparison that made the condition and tests it in the branch. */
static bool fold_condition(struct translator *t, uint32_t condition, bool negate, struct test *out)
{
    *out = (struct test){0};
    if (!made_by_last(t, condition) || t->operands[condition].kind != AT_HOME)
        return false;
    const union word o = t->code[t->last.at + 1];
    const struct emitted last = t->last;
    if (fold_test(t, negate, out))
        return true;
    if (last.shape == SHAPE_UNARY && last.opcode == I32_EQZ) {
        take_back(t);
        if (has_last(t) && t->last.patchable && t->last.d == o.s.a &&
            o.s.a == home_of(t, condition) && fold_test(t, !negate, out))
            return true;
        const bool in = is_acc(t, o.s.a, WRT_I32);
        out->op = negate ? (in ? OP_br_if_a : OP_br_if_s) : (in ? OP_br_unless_a : OP_br_unless_s);
        out->x = o.s.a;
        out->y = 0;
        return true;
    }
    if (last.shape == SHAPE_UNARY && last.opcode == I64_EQZ) {
        take_back(t);
        const struct numeric *n = &numerics[negate ? I64_EQ + 1 : I64_EQ];
        out->op = n->op + (is_acc(t, o.s.a, WRT_I64) ? 10u : 8u); /* _ak or _sk */
        out->x = o.s.a;
        out->y = 0;
        return true;
    }
    if (last.shape != SHAPE_BINARY)
        return false;
    const struct numeric *n = &numerics[last.opcode];
    if (n->kind == COMPARE) {
        const bool is_k = last.form == FORM_SK || last.form == FORM_AK;
        out->wide = is_k && (o.k.imm < INT16_MIN || o.k.imm > INT16_MAX);
        if (negate)
            n = &numerics[n->inverse];
        /* ss as sk ak -> br_ss br_as br_sk br_ak br_sw br_aw, two apart */
        out->op = n->op + 4u + 2u * (last.form + (out->wide ? 2u : 0u));
        out->x = o.s.a;
        out->y = is_k ? (uint16_t)o.k.imm : o.s.b;
        out->imm = o.k.imm;
        take_back(t);
        return true;
    }
    if (n->kind == FLOAT_COMPARE) {
        out->op = n->op + 2u + 2u * last.form + (negate ? 4u : 0u);
        out->x = o.s.a;
        out->y = o.s.b;
        take_back(t);
        return true;
    }
    return false;
}

static bool test_condition(struct translator *t, uint32_t condition, bool negate, struct test *out)
{
    if (fold_condition(t, condition, negate, out))
        return true;
    uint32_t s = 0;
    if (!slot_of(t, condition, &s))
        return false;
    const bool in = is_acc(t, s, WRT_I32);
    out->op = negate ? (in ? OP_br_unless_a : OP_br_unless_s) : (in ? OP_br_if_a : OP_br_if_s);
    out->x = (uint16_t)s;
    out->y = 0;
    return true;
}

static bool emit_test(struct translator *t, const struct test *test, bool back)
{
    union word *w = append(t, test->op + (back ? 1u : 0u), test->wide ? 3 : 2);
    if (w == NULL)
        return false;
    w[1].s.d = test->x;
    w[1].s.a = test->y;
    if (test->wide)
        w[2].half[0] = test->imm;
    return true;
}

/* Is this x += constant, or x += slot, for a slot x? *step: the slot. */
static bool is_increment(const struct translator *t, const struct emitted *e, uint16_t *step)
{
    if (e->shape != SHAPE_BINARY || e->opcode != I32_ADD || e->at < t->barrier || e->end == 0)
        return false;
    const union word w = t->code[e->at + 1];
    if (e->form == FORM_SK || e->form == FORM_AK)
        return w.s.d == w.s.a;
    *step = w.s.d == w.s.a ? w.s.b : w.s.a;
    return (w.s.d == w.s.a) != (w.s.d == w.s.b);
}

/* x += step, then a comparison of x, at a loop's end: one instruction. */
static bool fuse_latch(struct translator *t, struct control *c, uint32_t condition, bool *done)
{
    enum { LATCH_KS, LATCH_KK, LATCH_SS, LATCH_SK };
    const bool plain = t->operands[condition].kind == AT_LOCAL; /* br_if on the counter itself */
    const struct emitted *add = plain ? &t->last : &t->before;
    uint16_t step = 0;
    if (c->kind != CONTROL_LOOP || !has_last(t) || !is_increment(t, add, &step))
        return true;
    const union word inc = t->code[add->at + 1];
    const bool by_slot = add->form == FORM_SS || add->form == FORM_AS;
    unsigned cc = 1; /* ne 0 */
    bool is_k = true;
    union word cmp = {.bits = 0};
    if (plain) {
        if (wrt_local_slot(t, t->operands[condition].local) != inc.s.d)
            return true;
    } else {
        if (t->before.end != t->last.at || !made_by_last(t, condition) ||
            t->last.shape != SHAPE_BINARY || t->last.opcode < I32_EQ || t->last.opcode >= I32_EQ + 10 ||
            (t->last.form != FORM_AS && t->last.form != FORM_AK))
            return true;
        cmp = t->code[t->last.at + 1];
        is_k = t->last.form == FORM_AK;
        cc = t->last.opcode - (unsigned)I32_EQ;
        if (cmp.s.a != inc.s.d || (!is_k && cmp.s.b == inc.s.d))
            return true;
        take_back(t);
    }
    take_back(t);
    const uint32_t word = t->code_count;
    const unsigned form = by_slot ? (is_k ? LATCH_SK : LATCH_SS) : (is_k ? LATCH_KK : LATCH_KS);
    union word *w = append(t, OP_latch_eq_ks + 4 * cc + form, 3);
    if (w == NULL)
        return false;
    w[1].s.d = inc.s.d;
    w[1].s.a = is_k ? 0 : cmp.s.b;
    w[2].half[0] = by_slot ? step : inc.k.imm;
    w[2].half[1] = is_k ? cmp.k.imm : 0;
    wrote(t, inc.s.d, ACC_I);
    aim(t, word, c);
    *done = true;
    return true;
}

bool wrt_emit_br_if(struct translator *t, uint32_t depth, uint32_t condition)
{
    if (!t->live)
        return true;
    struct control *c = control_at(t, depth);
    struct test test;
    if (c->kind != CONTROL_FUNCTION && in_place(t, c)) {
        bool done = false;
        if (!fuse_latch(t, c, condition, &done))
            return false;
        if (done)
            return true;
        if (!test_condition(t, condition, false, &test))
            return false;
        const uint32_t word = t->code_count;
        if (!emit_test(t, &test, c->kind == CONTROL_LOOP))
            return false;
        aim(t, word, c);
        return true;
    }
    /* The values must move: branch around the moves. */
    if (!test_condition(t, condition, true, &test))
        return false;
    const uint32_t word = t->code_count;
    uint32_t around = 0;
    if (!emit_test(t, &test, false))
        return false;
    chain(t, &around, field_index(word + 1, 1));
    t->barrier = t->code_count;
    uint32_t acc[ACC_COUNT];
    memcpy(acc, t->acc, sizeof acc);
    if (!wrt_emit_br(t, depth))
        return false;
    wrt_bind(t, around, true);
    memcpy(t->acc, acc, sizeof acc); /* the moves did not run on this path */
    return true;
}

bool wrt_emit_if(struct translator *t, struct control *control, uint32_t condition)
{
    if (!t->live)
        return true;
    struct test test;
    if (!test_condition(t, condition, true, &test))
        return false;
    const uint32_t word = t->code_count;
    if (!emit_test(t, &test, false))
        return false;
    chain(t, &control->else_fixup, field_index(word + 1, 1));
    t->barrier = t->code_count;
    return true;
}

/* Where one entry of a branch table goes: straight to its label, or to a stub behind the
 * table that moves values, settles a loop's fuel, or returns. One stub per label. */
static bool emit_stub(struct translator *t, uint32_t depth, uint32_t stamp)
{
    struct control *c = control_at(t, depth);
    const bool direct = c->kind != CONTROL_LOOP && c->kind != CONTROL_FUNCTION && in_place(t, c);
    if (direct || c->stub_stamp == stamp)
        return true;
    uint32_t acc[ACC_COUNT];
    memcpy(acc, t->acc, sizeof acc);
    t->barrier = t->code_count;
    c->stub_stamp = stamp;
    c->stub = t->code_count;
    if (!wrt_emit_br(t, depth))
        return false;
    memcpy(t->acc, acc, sizeof acc);
    return true;
}

bool wrt_emit_br_table(struct translator *t, uint32_t index_operand, uint32_t count)
{
    if (!t->live)
        return true;
    uint32_t s = 0;
    if (!slot_of(t, index_operand, &s))
        return false;
    const uint32_t word = t->code_count;
    union word *w = append(t, is_acc(t, s, WRT_I32) ? OP_br_table_a : OP_br_table_s,
                           2 + (count + 2) / 2);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)s;
    w[1].k.imm = (int32_t)count;
    const uint32_t stamp = word + 1; /* differs between tables, never 0 */
    for (uint32_t i = 0; i <= count; i++)
        if (!emit_stub(t, t->targets[i], stamp))
            return false;
    for (uint32_t i = 0; i <= count; i++) {
        struct control *c = control_at(t, t->targets[i]);
        const uint32_t index = field_index(word + 2, 0) + i;
        if (c->stub_stamp == stamp)
            point(t, index, c->stub, 0);
        else
            chain(t, &c->fixups, index);
    }
    return true;
}

/* ---- position map: for each instruction, words and bytes since the one before, as LEB128 ---- */

static bool put_leb(struct translator *t, uint32_t value)
{
    do {
        if (!wrt_grow_scratch(t, &t->map, &t->map_capacity, t->map_count + 1, 1))
            return false;
        t->map[t->map_count++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80u : 0u));
        value >>= 7;
    } while (value != 0);
    return true;
}

bool wrt_emit_map(struct translator *t)
{
    uint32_t word = 0, byte = 0;
    for (uint32_t i = 0; i < t->position_count; i++) {
        const struct position p = t->positions[i];
        if (!put_leb(t, p.word - word) || !put_leb(t, p.byte - byte))
            return false;
        word = p.word;
        byte = p.byte;
    }
    return true;
}
