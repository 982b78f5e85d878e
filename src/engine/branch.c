/* engine/branch.c - calls, returns, branches.
 *
 * A branch settles fuel as the difference between what is pending at it and at its target, so
 * a path that is not taken pays nothing until it is.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "emit.h"

/* ---- calls ---- */

bool wrt_emit_call(struct translator *t, unsigned op, uint32_t first,
                   const struct wrt_function_type *type, union word target, uint32_t index_operand,
                   uint32_t table)
{
    if (!t->live)
        return true;
    const bool tail = op == OP_return_call || op == OP_return_call_import ||
                      op == OP_return_call_indirect || op == OP_return_call_ref;
    const bool indirect = op == OP_call_indirect || op == OP_return_call_indirect ||
                          op == OP_call_ref || op == OP_return_call_ref;
    uint32_t index = 0;
    if (indirect && !wrt_slot_of(t, index_operand, &index))
        return false;
    for (uint32_t i = 0; i < type->parameter_count; i++)
        if (!wrt_settle_operand(t, first + i))
            return false;
    const bool direct = op == OP_call || op == OP_return_call;
    const uint32_t count = type->parameter_count + indirect;
    if (tail && !direct && !wrt_point_here(t, first + count))
        return false;
    union word *w = wrt_append(t, op, indirect || tail ? 4 : 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)home_of(t, first);
    w[1].k.a = (uint16_t)(home_of(t, first + type->parameter_count) - home_of(t, first));
    w[1].k.imm = (int32_t)t->pending;
    w[2] = target;
    if (indirect || tail) {
        w[3].k.d = (uint16_t)index;
        w[3].k.a = (uint16_t)t->header_slot;
        w[3].k.imm = (int32_t)table;
    }
    t->pending = 0;
    t->barrier = t->code_count;
    wrt_forget_accumulators(t);
    if (!tail && type->result_count == 1 && type->results[0] != WRT_V128)
        t->acc[acc_of(type->results[0])] = home_of(t, first);
    return tail || wrt_point_call(t, first, count, direct, type);
}

static bool emit_return_constant(struct translator *t, const struct operand *o)
{
    static const uint16_t ops[] = {OP_ret_ki, OP_ret_kf, OP_ret_kd};
    union word *w = wrt_append(t, ops[acc_of(o->type)], 3);
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
    if (count == 1 && t->type->results[0] == WRT_V128) {
        if (!wrt_emit_value(t, first, 0))
            return false;
    } else if (count == 1) {
        static const uint16_t from_acc[] = {OP_ret_a, OP_ret_f, OP_ret_d};
        static const uint16_t from_slot[] = {OP_ret_si, OP_ret_sf, OP_ret_sd};
        const wrt_type type = t->type->results[0];
        struct operand *o = &t->operands[first];
        const struct operand saved = *o;
        if (o->kind == AT_CONST)
            return emit_return_constant(t, o);
        if (!wrt_slot_of(t, first, &s))
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
        for (uint32_t i = 0, d = 0; i < count; d += wrt_type_slots(t->type->results[i++]))
            if (!wrt_emit_mov(t, d, home_of(t, first + i), t->type->results[i]))
                return false;
    }
    union word *w = wrt_append(t, op, 2);
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
    wrt_forget_accumulators(t);
    t->live = true;
}

bool wrt_emit_loop_head(struct translator *t, struct control *control)
{
    if (!wrt_emit_charge(t))
        return false;
    control->start = t->code_count;
    t->barrier = t->code_count;
    wrt_forget_accumulators(t);
    return wrt_point_here(t, t->height);
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
    uint32_t d = home_of(t, c->height); /* what stands there now may be of other types */
    for (uint32_t i = 0; i < arity; i++) {
        if (!wrt_emit_value(t, first + i, d))
            return false;
        d += wrt_type_slots(t->operands[first + i].type);
    }
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
    wrt_take_back(t);
    const uint32_t word = t->code_count;
    union word *w = wrt_append(t, add ? OP_br_back_add : OP_br_back_mov, add ? 3 : 2);
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
    if (wrt_append(t, c->kind == CONTROL_LOOP ? OP_br_back : OP_br, 2) == NULL)
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
    wrt_take_back(t);
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
        wrt_take_back(t);
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
        wrt_take_back(t);
        const struct numeric *n = &wrt_numerics[negate ? I64_EQ + 1 : I64_EQ];
        out->op = n->op + (is_acc(t, o.s.a, WRT_I64) ? 10u : 8u); /* _ak or _sk */
        out->x = o.s.a;
        out->y = 0;
        return true;
    }
    if (last.shape != SHAPE_BINARY)
        return false;
    const struct numeric *n = &wrt_numerics[last.opcode];
    if (n->kind == COMPARE) {
        const bool is_k = last.form == FORM_SK || last.form == FORM_AK;
        out->wide = is_k && (o.k.imm < INT16_MIN || o.k.imm > INT16_MAX);
        if (negate)
            n = &wrt_numerics[n->inverse];
        /* ss as sk ak -> br_ss br_as br_sk br_ak br_sw br_aw, two apart */
        out->op = n->op + 4u + 2u * (last.form + (out->wide ? 2u : 0u));
        out->x = o.s.a;
        out->y = is_k ? (uint16_t)o.k.imm : o.s.b;
        out->imm = o.k.imm;
        wrt_take_back(t);
        return true;
    }
    if (n->kind == FLOAT_COMPARE) {
        out->op = n->op + 2u + 2u * last.form + (negate ? 4u : 0u);
        out->x = o.s.a;
        out->y = o.s.b;
        wrt_take_back(t);
        return true;
    }
    return false;
}

static bool test_condition(struct translator *t, uint32_t condition, bool negate, struct test *out)
{
    if (fold_condition(t, condition, negate, out))
        return true;
    uint32_t s = 0;
    if (!wrt_slot_of(t, condition, &s))
        return false;
    const bool in = is_acc(t, s, WRT_I32);
    out->op = negate ? (in ? OP_br_unless_a : OP_br_unless_s) : (in ? OP_br_if_a : OP_br_if_s);
    out->x = (uint16_t)s;
    out->y = 0;
    return true;
}

static bool emit_test(struct translator *t, const struct test *test, bool back)
{
    union word *w = wrt_append(t, test->op + (back ? 1u : 0u), test->wide ? 3 : 2);
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
        wrt_take_back(t);
    }
    wrt_take_back(t);
    const uint32_t word = t->code_count;
    const unsigned form = by_slot ? (is_k ? LATCH_SK : LATCH_SS) : (is_k ? LATCH_KK : LATCH_KS);
    union word *w = wrt_append(t, OP_latch_eq_ks + 4 * cc + form, 3);
    if (w == NULL)
        return false;
    w[1].s.d = inc.s.d;
    w[1].s.a = is_k ? 0 : cmp.s.b;
    w[2].half[0] = by_slot ? step : inc.k.imm;
    w[2].half[1] = is_k ? cmp.k.imm : 0;
    wrt_wrote(t, inc.s.d, ACC_I);
    aim(t, word, c);
    *done = true;
    return true;
}

static bool branch_straight(struct translator *t, struct control *c, const struct test *test)
{
    const uint32_t word = t->code_count;
    if (!emit_test(t, test, c->kind == CONTROL_LOOP))
        return false;
    aim(t, word, c);
    return true;
}

/* The values must move: `inverse` branches around the moves. */
static bool branch_around(struct translator *t, uint32_t depth, const struct test *inverse)
{
    const uint32_t word = t->code_count;
    uint32_t around = 0;
    if (!emit_test(t, inverse, false))
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

bool wrt_emit_br_if(struct translator *t, uint32_t depth, uint32_t condition)
{
    if (!t->live)
        return true;
    struct control *c = control_at(t, depth);
    const bool straight = c->kind != CONTROL_FUNCTION && in_place(t, c);
    struct test test;
    bool done = false;
    if (straight && !fuse_latch(t, c, condition, &done))
        return false;
    if (done)
        return true;
    if (!test_condition(t, condition, !straight, &test))
        return false;
    return straight ? branch_straight(t, c, &test) : branch_around(t, depth, &test);
}

bool wrt_emit_br_on_null(struct translator *t, uint32_t depth, uint32_t index, bool if_null)
{
    if (!t->live)
        return true;
    struct control *c = control_at(t, depth);
    uint32_t s = 0;
    if (!wrt_slot_of(t, index, &s))
        return false;
    const bool straight = c->kind != CONTROL_FUNCTION && in_place(t, c);
    const struct test test = {.op = if_null == straight ? OP_br_i64_eq_sk : OP_br_i64_ne_sk,
                              .x = (uint16_t)s};
    return straight ? branch_straight(t, c, &test) : branch_around(t, depth, &test);
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
    if (!wrt_slot_of(t, index_operand, &s))
        return false;
    const uint32_t word = t->code_count;
    union word *w = wrt_append(t, is_acc(t, s, WRT_I32) ? OP_br_table_a : OP_br_table_s,
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
