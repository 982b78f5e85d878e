/* engine/emit.c - the code buffer, and where operands are.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "emit.h"

/* ---- the buffer ---- */

bool wrt_grow_more(struct translator *t, void *pointer, uint32_t *capacity, uint32_t needed,
                   size_t item_bytes)
{
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

/* Unbound branches count half words in 24 bits: see branch.c. */
#define MOST_WORDS (UINT32_C(1) << 22)

union word *wrt_append(struct translator *t, unsigned op, uint32_t words)
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
        (struct position){.word = t->code_count, .byte = t->instruction, .op = op};
    t->code_count += words;
    return w;
}

void wrt_take_back(struct translator *t)
{
    t->code_count = t->last.at;
    t->position_count = t->last.positions;
    memcpy(t->acc, t->last.acc, sizeof t->acc);
    t->last = t->before;
    t->before.end = 0;
}

void wrt_wrote(struct translator *t, uint32_t slot, enum acc_class c)
{
    for (int i = 0; i < ACC_COUNT; i++)
        if (t->acc[i] == slot)
            t->acc[i] = WRT_NONE;
    t->acc[c] = slot;
}

void wrt_wrote_plain(struct translator *t, uint32_t slot)
{
    for (int i = 0; i < ACC_COUNT; i++)
        if (t->acc[i] == slot)
            t->acc[i] = WRT_NONE;
}

void wrt_wrote_vector(struct translator *t, uint32_t slot)
{
    wrt_wrote_plain(t, slot);
    wrt_wrote_plain(t, slot + 1);
}

void wrt_forget_accumulators(struct translator *t)
{
    for (int i = 0; i < ACC_COUNT; i++)
        t->acc[i] = WRT_NONE;
}

void wrt_produced(struct translator *t, uint32_t d, wrt_type type, enum shape shape)
{
    t->last.shape = (uint8_t)shape;
    t->last.patchable = true;
    t->last.d = (uint16_t)d;
    if (type == WRT_V128)
        wrt_wrote_vector(t, d);
    else
        wrt_wrote(t, d, acc_of(type));
}

bool wrt_emit_begin(struct translator *t)
{
    t->code_count = t->position_count = t->map_count = 0;
    t->last = t->before = (struct emitted){0};
    t->boundary_count = t->try_count = t->catch_count = 0;
    t->innermost_try = WRT_NO_TRY;
    t->barrier = 0;
    t->pending = 0;
    t->live = true;
    wrt_forget_accumulators(t);
    return true;
}

/* ---- operands ---- */

static bool emit_mov_vector(struct translator *t, uint32_t d, uint32_t s)
{
    union word *w = wrt_append(t, OP_mov_v, 2);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)d;
    w[1].s.a = (uint16_t)s;
    wrt_wrote_vector(t, d);
    return true;
}

bool wrt_emit_mov(struct translator *t, uint32_t d, uint32_t s, wrt_type type)
{
    static const uint16_t from_acc[] = {OP_mov_a, OP_mov_f, OP_mov_d};
    const enum acc_class c = acc_of(type);
    if (d == s)
        return true;
    if (type == WRT_V128)
        return emit_mov_vector(t, d, s);
    if (t->acc[c] != s && has_last(t) && t->last.shape == SHAPE_MOV) {
        union word *w = t->code + t->last.at;
        w[0].handler = t->handlers[OP_mov2];
        t->positions[t->last.positions].op = OP_mov2;
        w[1].s.b = (uint16_t)d;
        w[1].s.c = (uint16_t)s;
        t->last.shape = SHAPE_OTHER;
        wrt_wrote_plain(t, d);
        return true;
    }
    const bool in_acc = t->acc[c] == s;
    union word *w = wrt_append(t, in_acc ? from_acc[c] : OP_mov, 2);
    if (w == NULL)
        return false;
    w[1].s.d = (uint16_t)d;
    w[1].s.a = (uint16_t)s;
    t->last.shape = in_acc ? SHAPE_OTHER : SHAPE_MOV;
    wrt_wrote_plain(t, d);
    return true;
}

bool wrt_emit_const(struct translator *t, uint32_t d, wrt_type type, uint64_t bits)
{
    const bool narrow = type == WRT_I32 || type == WRT_F32;
    const bool short_ = narrow || fits_32(bits);
    union word *w = wrt_append(t, narrow ? OP_const32 : short_ ? OP_const64 : OP_const_wide,
                           short_ ? 2 : 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)d;
    if (short_)
        w[1].k.imm = (int32_t)(uint32_t)bits;
    else
        w[2].bits = bits;
    wrt_wrote_plain(t, d);
    return true;
}

bool wrt_emit_value(struct translator *t, uint32_t index, uint32_t d)
{
    const struct operand *o = &t->operands[index];
    if (o->kind == AT_CONST)
        return wrt_emit_const(t, d, o->type, o->bits);
    const uint32_t s = base_slot(t, index);
    bool done = false;
    if (o->kind == AT_SUM && made_by_last(t, index) && fits_16((int32_t)(uint32_t)o->bits) &&
        (!wrt_fuse_integers(t, I32_ADD, true, false, (uint16_t)o->bits, d, &done) || done))
        return done;
    if (o->kind == AT_SUM)
        return wrt_emit_form(t, I32_ADD, is_acc(t, s, WRT_I32) ? FORM_AK : FORM_SK, d, s, 0, o->bits);
    return wrt_emit_mov(t, d, s, o->type);
}

bool wrt_settle_operand(struct translator *t, uint32_t index)
{
    struct operand *o = &t->operands[index];
    if (!t->live || o->kind == AT_HOME)
        return true;
    wrt_unlist(t, index);
    const bool ok = wrt_emit_value(t, index, home_of(t, index));
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

bool wrt_slot_of(struct translator *t, uint32_t index, uint32_t *out)
{
    const struct operand *o = &t->operands[index];
    if (o->kind == AT_CONST || o->kind == AT_SUM) {
        *out = home_of(t, index);
        return wrt_settle_operand(t, index);
    }
    *out = base_slot(t, index);
    return true;
}

/* ---- position map: for each instruction, words and bytes since the one before, as LEB128 ---- */

enum { MOST_LEB_BYTES = 5 };

static void put_leb(struct translator *t, uint32_t value)
{
    do {
        t->map[t->map_count++] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80u : 0u));
        value >>= 7;
    } while (value != 0);
}

bool wrt_emit_map(struct translator *t)
{
    uint32_t word = 0, byte = 0;
    for (uint32_t i = 0; i < t->position_count; i++) {
        const struct position p = t->positions[i];
        if (!wrt_grow_scratch(t, &t->map, &t->map_capacity, t->map_count + 2 * MOST_LEB_BYTES, 1))
            return false;
        put_leb(t, p.word - word);
        put_leb(t, p.byte - byte);
        word = p.word;
        byte = p.byte;
    }
    return true;
}
