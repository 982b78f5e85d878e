/* engine/numeric.c - arithmetic, comparisons, conversions, and their fusing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "emit.h"

/* In opcode order: add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr. */
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

const struct numeric wrt_numerics[256] = {
    INT_COMPARES(0x46, i32, WRT_I32),
    INT_COMPARES(0x51, i64, WRT_I64),
    FLOAT_COMPARES(0x5B, f32, WRT_F32),
    FLOAT_COMPARES(0x61, f64, WRT_F64),
    INT_OPS(0x6A, i32, WRT_I32),
    INT_OPS(0x7C, i64, WRT_I64),
    FLOAT_OPS(0x92, f32, WRT_F32),
    FLOAT_OPS(0xA0, f64, WRT_F64),
};

static unsigned op_of_form(const struct numeric *n, enum form form)
{
    static const uint8_t int_forms[] = {0, 1, 2, 3, 4}, float_forms[] = {0, 1, 3, 4, 2};
    const bool is_float = n->kind == FLOAT || n->kind == FLOAT_PLAIN;
    return (unsigned)n->op + (is_float ? float_forms[form] : int_forms[form]);
}

bool wrt_emit_form(struct translator *t, uint8_t opcode, enum form form, uint32_t d, uint32_t a,
                      uint32_t b, uint64_t bits)
{
    const struct numeric *n = &wrt_numerics[opcode];
    const bool is_k = form == FORM_SK || form == FORM_AK;
    const bool wide = is_k && n->type == WRT_F64;
    union word *w = wrt_append(t, op_of_form(n, form), wide ? 3 : 2);
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
    wrt_produced(t, d, compares ? WRT_I32 : n->type, SHAPE_BINARY);
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

bool wrt_fuse_integers(struct translator *t, uint8_t opcode, bool constant, bool reversed,
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
    wrt_take_back(t);
    const unsigned op = OP_pair_add_add_s_ss +
                        ((unsigned)inner * PAIR_OUTERS + (unsigned)outer) * 4u + last.form;
    union word *w = wrt_append(t, op, 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)d, o.s.a, inner_k ? (uint16_t)k : o.s.b, z}};
    const bool scaled = opcode == I32_ADD && !constant && inner == 6 && inner_k;
    wrt_produced(t, d, WRT_I32, scaled ? SHAPE_FUSED_SHIFT : SHAPE_OTHER);
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
    wrt_take_back(t);
    wrt_take_back(t);
    union word *w = wrt_append(t, OP_i32_xor_rotl_rotl, 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)d, x.s.a, y.s.a, (uint16_t)(j | k << 8)}};
    wrt_produced(t, d, WRT_I32, SHAPE_OTHER);
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
    wrt_take_back(t);
    const unsigned base = wide ? OP_f64_pair_add_add_ss : OP_f32_pair_add_add_ss;
    union word *w = wrt_append(t, base + ((unsigned)(last.opcode - first) * 4u + outer) * 4u + last.form,
                           inner_k ? 3 : 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)d, o.s.a, o.s.b, z}};
    if (inner_k)
        w[2] = k;
    wrt_produced(t, d, wide ? WRT_F64 : WRT_F32, SHAPE_OTHER);
    *done = true;
    return true;
}

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
    enum { THEN_SK, THEN_SS, THEN_A, THEN_Z };
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
    wrt_take_back(t);
    const wrt_type type = opcode >= F64_ADD ? WRT_F64 : is_float ? WRT_F32 : WRT_I32;
    if ((is_float || form != THEN_A) && is_acc(t, z, type)) /* one integer accumulator for both */
        form += THEN_Z;
    union word *w = wrt_append(t, op + form, 3);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)d, o.s.a, o.s.b, (uint16_t)z}};
    w[2].half[0] = offset;
    w[2].half[1] = sum;
    wrt_produced(t, d, type, SHAPE_OTHER);
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
    const bool integer = wrt_numerics[opcode].type == WRT_I32;
    const int32_t k = (int32_t)(uint32_t)o->bits;
    if (o->kind == AT_CONST && integer && fits_16(k))
        return wrt_fuse_integers(t, opcode, true, reversed, (uint16_t)k, d, done);
    if (!is_in_slot(t, other))
        return true;
    const uint16_t z = (uint16_t)base_slot(t, other);
    if (t->last.shape == SHAPE_LOAD)
        return wrt_numerics[opcode].mirrored != opcode || fuse_load(t, opcode, z, d, done);
    if (opcode == I32_XOR && reversed && o->kind == AT_HOME &&
        (!fuse_rotations(t, other, d, done) || *done))
        return *done;
    if (integer)
        return wrt_fuse_integers(t, opcode, false, reversed, z, d, done);
    if (opcode >= F32_ADD)
        return fuse_floats(t, opcode, reversed, z, d, done);
    return true;
}

/* d = left op right, in the shortest form. */
static bool emit_two(struct translator *t, uint8_t opcode, uint32_t left, uint32_t right,
                     uint32_t d)
{
    const struct numeric *n = &wrt_numerics[opcode];
    uint32_t a = 0, b = 0;
    if (is_immediate(t, n, right)) {
        const uint64_t bits = t->operands[right].bits;
        if (!wrt_slot_of(t, left, &a))
            return false;
        return wrt_emit_form(t, opcode, is_acc(t, a, n->type) ? FORM_AK : FORM_SK, d, a, 0, bits);
    }
    if (!wrt_slot_of(t, left, &a) || !wrt_slot_of(t, right, &b))
        return false;
    if (is_acc(t, a, n->type))
        return wrt_emit_form(t, opcode, FORM_AS, d, a, b, 0);
    if (!is_acc(t, b, n->type))
        return wrt_emit_form(t, opcode, FORM_SS, d, a, b, 0);
    if (n->mirrored != 0)
        return wrt_emit_form(t, n->mirrored, FORM_AS, d, b, a, 0);
    return wrt_emit_form(t, opcode, FORM_SA, d, a, 0, 0);
}

static bool canonicalise(struct translator *t, uint32_t d, wrt_type type)
{
    if (!t->config->canonical_nan || (type != WRT_F32 && type != WRT_F64))
        return true;
    union word *w = wrt_append(t, type == WRT_F32 ? OP_f32_canonical : OP_f64_canonical, 2);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)d;
    wrt_produced(t, d, type, SHAPE_OTHER);
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
    const struct numeric *n = &wrt_numerics[opcode];
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
        if (!wrt_slot_of(t, right, &slot))
            return false;
        if (!wrt_emit_form(t, n->mirrored, is_acc(t, slot, n->type) ? FORM_AK : FORM_SK, d, slot, 0,
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
    const wrt_type type = t->operands[operand].type;
    const uint32_t d = home_of(t, operand);
    uint32_t a = 0;
    if (!wrt_slot_of(t, operand, &a))
        return false;
    union word *w = wrt_append(t, op_s + (is_acc(t, a, type) ? 1u : 0u), 2);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)d;
    w[1].s.a = (uint16_t)a;
    wrt_produced(t, d, result_type, SHAPE_UNARY);
    t->last.opcode = opcode;
    /* abs, neg, and reinterpretations keep the bits of a NaN; conversions cannot make one,
     * but demote and promote can */
    const bool arithmetic = (opcode >= 0x8D && opcode <= 0x91) ||
                            (opcode >= 0x9B && opcode <= 0x9F) || opcode == 0xB6 ||
                            opcode == 0xBB;
    return arithmetic ? canonicalise(t, d, result_type) : true;
}
