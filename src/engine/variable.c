/* engine/variable.c - select, locals, globals, and operations on home slots.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "emit.h"

/* Takes back the comparison that made a select's condition; 0: it cannot be fused. */
static unsigned fold_choice(struct translator *t, uint32_t condition, wrt_type type, union word *out)
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
        wrt_take_back(t);
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
    const wrt_type type = t->operands[first].type;
    uint32_t a = 0, b = 0, c = 0;
    if (type == WRT_V128)
        return wrt_emit_vector_select(t, first);
    union word compared;
    const unsigned fused = fold_choice(t, first + 2, type, &compared);
    if (fused != 0) {
        if (!wrt_slot_of(t, first, &a) || !wrt_slot_of(t, first + 1, &b))
            return false;
        union word *w = wrt_append(t, fused, 3);
        if (w == NULL)
            return false;
        w[1] = compared;
        w[1].s.d = (uint16_t)home_of(t, first);
        w[2] = (union word){.s = {(uint16_t)a, (uint16_t)b, 0, 0}};
        wrt_produced(t, home_of(t, first), type, SHAPE_OTHER);
        return true;
    }
    const bool ka = is_short_i32(t, first), kb = is_short_i32(t, first + 1);
    if ((!ka && !wrt_slot_of(t, first, &a)) || (!kb && !wrt_slot_of(t, first + 1, &b)) ||
        !wrt_slot_of(t, first + 2, &c))
        return false;
    if (ka || kb) {
        const unsigned op = !ka ? OP_select_sk_s : !kb ? OP_select_ks_s : OP_select_kk_s;
        union word *k = wrt_append(t, op + (is_acc(t, c, WRT_I32) ? 1u : 0u), 2);
        if (k == NULL)
            return false;
        const uint32_t d = home_of(t, first);
        k[1] = (union word){.s = {(uint16_t)d,
                                  ka ? (uint16_t)t->operands[first].bits : (uint16_t)a,
                                  kb ? (uint16_t)t->operands[first + 1].bits : (uint16_t)b,
                                  (uint16_t)c}};
        wrt_produced(t, d, type, SHAPE_OTHER);
        return true;
    }
    union word *w = wrt_append(t, ops[acc_of(type)] + (is_acc(t, c, WRT_I32) ? 1u : 0u), 2);
    if (w == NULL)
        return false;
    const uint32_t d = home_of(t, first);
    w[1] = (union word){.s = {(uint16_t)d, (uint16_t)a, (uint16_t)b, (uint16_t)c}};
    wrt_produced(t, d, type, SHAPE_OTHER);
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
        wrt_wrote_plain(t, d);
        if (t->operands[operand].type == WRT_V128)
            wrt_wrote_plain(t, d + 1);
        for (int i = 0; i < ACC_COUNT; i++)
            if (t->acc[i] == home_of(t, operand))
                t->acc[i] = d;
        return true;
    }
    return wrt_settle_local(t, local) && wrt_emit_value(t, operand, d);
}

bool wrt_emit_global_get(struct translator *t, uint32_t global, wrt_type type, uint32_t result)
{
    static const uint16_t ops[] = {OP_global_get_i, OP_global_get_f, OP_global_get_d};
    if (!t->live)
        return true;
    union word *w = wrt_append(t, type == WRT_V128 ? OP_global_get_v : ops[acc_of(type)], 2);
    if (w == NULL)
        return false;
    const uint32_t d = home_of(t, result);
    w[1].k.d = (uint16_t)d;
    w[1].k.imm = (int32_t)global;
    wrt_produced(t, d, type, SHAPE_GLOBAL_GET);
    return true;
}

/* global.get g, plus or minus a constant, global.set g: how C moves its stack pointer. */
static bool fuse_global(struct translator *t, uint32_t global, uint32_t operand, bool *done)
{
    const struct operand *o = &t->operands[operand];
    const struct emitted last = t->last, before = t->before;
    if (o->type == WRT_I32 && o->kind == AT_SUM && o->local != WRT_NONE) {
        union word *sum = wrt_append(t, OP_global_set_sum, 3);
        if (sum == NULL)
            return false;
        sum[1].k.a = (uint16_t)base_slot(t, operand);
        sum[1].k.imm = (int32_t)(uint32_t)o->bits;
        sum[2].bits = global;
        *done = true;
        return true;
    }
    if (!has_last(t) || !is_in_slot(t, operand) || before.end != last.at ||
        before.at < t->barrier || before.shape != SHAPE_GLOBAL_GET ||
        before.d < t->first_stack_slot /* a local.tee wants it, too */ || last.shape != SHAPE_BINARY ||
        (last.opcode != I32_ADD && last.opcode != I32_SUB) || last.form != FORM_AK ||
        last.d != base_slot(t, operand) ||
        (uint32_t)t->code[before.at + 1].k.imm != global || t->code[last.at + 1].k.a != before.d)
        return true;
    const uint32_t k = (uint32_t)t->code[last.at + 1].k.imm;
    wrt_take_back(t);
    wrt_take_back(t);
    union word *w = wrt_append(t, OP_global_add, 3);
    if (w == NULL)
        return false;
    w[1].k.d = last.d;
    w[1].k.imm = (int32_t)(last.opcode == I32_SUB ? 0u - k : k);
    w[2].bits = global;
    wrt_produced(t, last.d, WRT_I32, SHAPE_OTHER);
    t->last.patchable = false;
    *done = true;
    return true;
}

/* What is overwritten may have to be marked. */
static bool emit_global_set_reference(struct translator *t, uint32_t global, uint32_t operand)
{
    uint32_t s = 0;
    if (!wrt_slot_of(t, operand, &s))
        return false;
    union word *w = wrt_append(t, OP_global_set_ref, 2);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)s;
    w[1].k.imm = (int32_t)global;
    return true;
}

bool wrt_emit_global_set(struct translator *t, uint32_t global, uint32_t operand)
{
    if (!t->live)
        return true;
    const wrt_type type = t->operands[operand].type;
    uint32_t s = 0;
    bool done = false;
    if (wrt_is_reference(t->module->globals[global].type.content))
        return emit_global_set_reference(t, global, operand);
    if (!fuse_global(t, global, operand, &done))
        return false;
    if (done)
        return true;
    if (!wrt_slot_of(t, operand, &s))
        return false;
    const bool in_acc = acc_of(type) == ACC_I && is_acc(t, s, type);
    union word *w = wrt_append(t, type == WRT_V128 ? OP_global_set_v
                                  : in_acc         ? OP_global_set_a
                                                   : OP_global_set_s, 2);
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
    union word *w = wrt_append(t, op, 2);
    if (w == NULL)
        return false;
    const uint32_t d = home_of(t, first);
    w[1].k.d = (uint16_t)d;
    w[1].k.a = (uint16_t)a;
    w[1].k.imm = (int32_t)imm;
    if (has_result)
        wrt_produced(t, d, WRT_I32, SHAPE_OTHER);
    t->last.patchable = false; /* it may run twice, reading its homes */
    return true;
}

bool wrt_emit_restartable(struct translator *t, unsigned op, uint32_t first, uint32_t count,
                          uint32_t a, uint32_t imm, bool has_result)
{
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_settle_operand(t, first + i))
            return false;
    if (!wrt_point_here(t, first + count))
        return false;
    wrt_unlist(t, first);
    wrt_forget_accumulators(t);
    t->barrier = t->code_count;
    return wrt_emit_homes(t, op, first, count, a, imm, has_result);
}

bool wrt_emit_ref_func(struct translator *t, uint32_t function, uint32_t result)
{
    return wrt_emit_homes(t, OP_ref_func, result, 0, 0, function, true);
}

bool wrt_emit_simple(struct translator *t, unsigned op)
{
    return !t->live || wrt_append(t, op, 2) != NULL;
}

bool wrt_emit_check_null(struct translator *t, uint32_t index)
{
    uint32_t s = 0;
    if (!t->live)
        return true;
    if (!wrt_slot_of(t, index, &s))
        return false;
    union word *w = wrt_append(t, OP_check_null, 2);
    if (w == NULL)
        return false;
    w[1].s.a = (uint16_t)s;
    return true;
}

bool wrt_emit_charge(struct translator *t)
{
    if (!t->live || t->pending == 0)
        return true;
    union word *w = wrt_append(t, OP_charge, 2);
    if (w == NULL)
        return false;
    w[1].k.imm = (int32_t)t->pending;
    t->pending = 0;
    return true;
}
