/* engine/access.c - loads and stores: folded addresses, stores of results, copies.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "emit.h"

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
    wrt_take_back(t);
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
    union word *w = wrt_append(t, op, words);
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
    union word *w = wrt_append(t, op, 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)d;
    w[1].k.a = (uint16_t)a;
    w[1].k.imm = (int32_t)offset;
    w[2].bits = memory;
    return true;
}

bool wrt_emit_load(struct translator *t, unsigned op_s, uint8_t opcode, uint32_t operand,
                   uint32_t offset, uint32_t memory, wrt_type type)
{
    if (!t->live)
        return true;
    const uint32_t d = home_of(t, operand);
    uint32_t a = 0;
    struct address address;
    if (memory != 0) {
        if (!wrt_slot_of(t, operand, &a) || !emit_access_far(t, op_s + LOAD_M, d, a, offset, memory))
            return false;
        wrt_produced(t, d, type, SHAPE_OTHER);
        return true;
    }
    if ((!fold_address(t, operand, offset, &address) &&
         !plain_address(t, operand, offset, &address)) ||
        !emit_access(t, op_s + address.form, &address, (uint16_t)d))
        return false;
    wrt_produced(t, d, type, SHAPE_LOAD);
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
    wrt_take_back(t);
    union word *w = wrt_append(t, op, 2);
    if (w == NULL)
        return false;
    w[1] = (union word){.s = {(uint16_t)offset, o.s.a, b, to}};
    *done = true;
    return true;
}

static unsigned pick_vector_store(unsigned form)
{
    switch (form) {
    case LOAD_SK:
    case LOAD_AK: return OP_v128_store_sk;
    case LOAD_K: return OP_v128_store_k;
    case LOAD_X: return OP_v128_store_x;
    case LOAD_A: return OP_v128_store_a;
    default: return OP_v128_store_s;
    }
}

bool wrt_emit_store_vector(struct translator *t, uint32_t address, uint32_t value, uint32_t offset,
                           uint32_t memory)
{
    uint32_t a = 0, s = 0;
    struct address where;
    if (!t->live)
        return true;
    if (!wrt_slot_of(t, value, &s))
        return false;
    if (memory != 0)
        return wrt_slot_of(t, address, &a) &&
               emit_access_far(t, OP_v128_store_m, s, a, offset, memory);
    const bool folded = made_by_last(t, address) && t->last.shape == SHAPE_FUSED_SHIFT &&
                        fold_address(t, address, offset, &where);
    if (!folded && !plain_address(t, address, offset, &where))
        return false;
    return emit_access(t, pick_vector_store(where.form), &where, (uint16_t)s);
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
        return wrt_slot_of(t, address, &a) && wrt_slot_of(t, value, &s) &&
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
    if (!constant && !wrt_slot_of(t, value, &s))
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
