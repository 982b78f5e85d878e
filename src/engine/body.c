/* engine/body.c - validates a function body (spec 3.4 and appendix 7.3) and drives emit.c.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The operand stack and the control stack are arrays, so nesting never becomes recursion.
 * After an unconditional branch the stack is polymorphic: pops below the block's height give
 * "any type", and nothing is emitted until a label that something branches to.
 */
#include "translate.h"

enum { ANY_TYPE = 0 };

/* ---- operand stack ---- */

static struct control *innermost(struct translator *t)
{
    return &t->controls[t->control_count - 1];
}

static bool push_operand(struct translator *t, struct operand operand)
{
    if (t->height + 1 == t->operand_capacity &&
        !wrt_grow_scratch(t, &t->operands, &t->operand_capacity, t->height + 2,
                          sizeof *t->operands))
        return false;
    const uint32_t end = t->operands[t->height].slot + wrt_type_slots(operand.type);
    if (end > t->config->max_frame_slots)
        return wrt_refuse(&t->r, WRT_ERR_LIMIT, "frame of over %u slots: max_frame_slots",
                          t->config->max_frame_slots);
    operand.slot = t->operands[t->height].slot;
    t->operands[t->height++] = operand;
    t->operands[t->height].slot = end;
    if (end > t->frame_slots)
        t->frame_slots = end;
    return true;
}

static bool push(struct translator *t, wrt_type type)
{
    return push_operand(t, (struct operand){.type = type, .kind = AT_HOME, .local = WRT_NONE});
}

static bool push_const(struct translator *t, wrt_type type, uint64_t bits)
{
    return push_operand(t, (struct operand){
                               .type = type, .kind = AT_CONST, .local = WRT_NONE, .bits = bits});
}

/* Pushes an operand that reads o.local. */
static bool push_alias(struct translator *t, struct operand o)
{
    o.older_alias = t->local_alias[o.local];
    if (!push_operand(t, o))
        return false;
    t->local_alias[o.local] = t->height - 1;
    return true;
}

static bool push_local(struct translator *t, uint32_t local)
{
    const wrt_type type = t->local_types[local];
    if (!t->live)
        return push(t, type); /* nothing is emitted for it */
    return push_alias(t, (struct operand){.type = type, .kind = AT_LOCAL, .local = local});
}

static void forget_alias(struct translator *t, uint32_t index)
{
    const struct operand *o = &t->operands[index];
    if (o->local != WRT_NONE && t->local_alias[o->local] == index)
        t->local_alias[o->local] = o->older_alias;
}

static bool type_mismatch(struct translator *t, wrt_type expected, wrt_type found)
{
    if (found == ANY_TYPE)
        return wrt_invalid(&t->r, "type mismatch: expected %s but the stack is empty",
                           expected == ANY_TYPE ? "a value" : wrt_value_type_name(expected));
    return wrt_invalid(&t->r, "type mismatch: expected %s, found %s",
                       wrt_value_type_name(expected), wrt_value_type_name(found));
}

/* Is an operand of type `found` one of `type`? */
static inline bool matches(const struct translator *t, wrt_type found, wrt_type type)
{
    return found == type || found == ANY_TYPE || wrt_type_is(t->module, found, type);
}

/* Pops one operand of `type` (ANY_TYPE: of any). Its struct stays readable above height. */
static bool pop_typed(struct translator *t, wrt_type type, wrt_type *out_type)
{
    const struct control *c = innermost(t);
    if (t->height == c->height) {
        if (!c->unreachable)
            return type_mismatch(t, type, ANY_TYPE);
        /* Make the imagined operand real, so that indexes stay true. */
        if (!push(t, type))
            return false;
    }
    struct operand *o = &t->operands[t->height - 1];
    if (type != ANY_TYPE && !matches(t, o->type, type))
        return type_mismatch(t, type, o->type);
    forget_alias(t, --t->height);
    if (t->settled > t->height)
        t->settled = t->height;
    wrt_unlist(t, t->height);
    if (out_type != NULL)
        *out_type = o->type;
    return true;
}

static bool pop(struct translator *t, wrt_type type)
{
    return pop_typed(t, type, NULL);
}

static bool pop_types(struct translator *t, const wrt_type *types, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;)
        if (!pop(t, types[i]))
            return false;
    return true;
}

static bool push_types(struct translator *t, const wrt_type *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!push(t, types[i]))
            return false;
    return true;
}

/* Checks the top of the stack against types and leaves it there. In polymorphic code the
 * missing ones are supplied, at the bottom. */
static bool check_top(struct translator *t, const wrt_type *types, uint32_t count)
{
    const struct control *c = innermost(t);
    const uint32_t have = t->height - c->height;
    if (have < count && !c->unreachable)
        return type_mismatch(t, types[count - have - 1], ANY_TYPE);
    const uint32_t there = have < count ? have : count;
    for (uint32_t i = 0; i < there; i++) {
        struct operand *o = &t->operands[t->height - 1 - i];
        const wrt_type expected = types[count - 1 - i];
        if (!matches(t, o->type, expected))
            return type_mismatch(t, expected, o->type);
        if (o->type != expected)
            wrt_unlist(t, t->height - 1 - i);
        o->type = expected;
    }
    if (there == count)
        return true;
    /* Polymorphic: replace what is there by the full, typed list. Nothing is live here. */
    t->height = c->height;
    wrt_unlist(t, t->height);
    return push_types(t, types, count);
}

/* ---- control stack ---- */

static bool push_control(struct translator *t, enum control_kind kind,
                         const struct wrt_function_type *type)
{
    if (t->control_count > t->config->max_nesting)
        return wrt_refuse(&t->r, WRT_ERR_LIMIT, "blocks nested deeper than max_nesting %u",
                          t->config->max_nesting);
    if (t->control_count == t->control_capacity &&
        !wrt_grow_scratch(t, &t->controls, &t->control_capacity, t->control_count + 1,
                          sizeof *t->controls))
        return false;
    t->controls[t->control_count++] = (struct control){
        .kind = (uint8_t)kind, .dead = !t->live, .unreachable = false, .type = *type,
        .height = t->height - type->parameter_count, .inits = t->init_count};
    return true;
}

/* Locals that were set in the block may be unset behind it. */
static void unset_locals(struct translator *t, const struct control *c)
{
    while (t->init_count > c->inits)
        t->local_unset[t->inits[--t->init_count]] = true;
}

void wrt_end_path(struct translator *t)
{
    struct control *c = innermost(t);
    /* Drop the block's operands; their aliases go with them, newest first. */
    while (t->height > c->height)
        forget_alias(t, --t->height);
    if (t->settled > t->height)
        t->settled = t->height;
    wrt_unlist(t, t->height);
    c->unreachable = true;
    t->live = false;
}

static const wrt_type *label_types(const struct control *c, uint32_t *count)
{
    *count = c->kind == CONTROL_LOOP ? c->type.parameter_count : c->type.result_count;
    return c->kind == CONTROL_LOOP ? c->type.parameters : c->type.results;
}

static bool read_depth(struct translator *t, uint32_t *out)
{
    if (!wrt_read_u32(&t->r, out))
        return false;
    return *out < t->control_count || wrt_invalid(&t->r, "unknown label %u", *out);
}

/* The function type of that index; NULL, refused, if there is none. */
static const struct wrt_function_type *function_type(struct translator *t, uint64_t index)
{
    const struct wrt_module *m = t->module;
    if (index >= m->info.type_count)
        (void)wrt_invalid(&t->r, "unknown type %lld", (long long)index);
    else if (m->types[m->canonical_types[index]].kind != WRT_KIND_FUNCTION)
        (void)wrt_invalid(&t->r, "type %u is not a function type", (unsigned)index);
    else
        return &m->types[m->canonical_types[index]].function;
    return NULL;
}

/* A lasting list of one type: those of one byte in `bytes`, references to types of the module
 * in a table of the translator, made when it is first needed; non-null abstract ones after it. */
static const wrt_type *list_of_one(struct translator *t, wrt_type type)
{
    const uint32_t count = t->module->info.type_count * 2;
    uint32_t at = type;
    if (!wrt_grow_scratch(t, &t->single_types, &t->single_capacity, 512 + count,
                          sizeof *t->single_types))
        return NULL;
    if (wrt_is_concrete(type))
        at = 512 + wrt_heap_of(type) * 2 + wrt_is_nullable(type);
    else if (wrt_has_heap(type))
        at = 256 + (wrt_heap_of(type) & 0xFF);
    t->single_types[at] = type;
    return &t->single_types[at];
}

/* A block type (spec 5.4.1): empty, one value type, or a type index as s33. */
bool wrt_read_block_type(struct translator *t, struct wrt_function_type *out)
{
    memset(out, 0, sizeof *out);
    if (t->r.at != t->r.end && *t->r.at == 0x40) {
        t->r.at++;
        return true;
    }
    if (t->r.at != t->r.end && (*t->r.at & 0xC0) == 0x40) { /* negative in one byte: a type */
        wrt_type type = 0;
        if (!wrt_read_value_type(&t->r, &type))
            return false;
        out->results = list_of_one(t, type);
        out->result_count = 1;
        return out->results != NULL;
    }
    uint64_t index = 0;
    if (!wrt_read_leb(&t->r, 33, true, &index))
        return false;
    const struct wrt_function_type *type = function_type(t, index);
    if (type == NULL)
        return false;
    *out = *type;
    return (out->parameter_count == 0 && out->result_count <= 1) ||
           wrt_use(&t->r, WRT_FEATURE_MULTI_VALUE);
}

static bool begin_block(struct translator *t, enum control_kind kind)
{
    struct wrt_function_type type;
    if (!wrt_read_block_type(t, &type))
        return false;
    const uint32_t condition = t->height - 1;
    if (kind == CONTROL_IF && !pop(t, WRT_I32))
        return false;
    if (!check_top(t, type.parameters, type.parameter_count) || !wrt_settle_aliases(t))
        return false;
    /* A loop's parameters and those of both arms of an if are found in their homes. */
    if (kind != CONTROL_BLOCK && t->live)
        for (uint32_t i = 0; i < type.parameter_count; i++)
            if (!wrt_settle_operand(t, t->height - type.parameter_count + i))
                return false;
    if (!push_control(t, kind, &type))
        return false;
    if (kind == CONTROL_LOOP)
        return !t->live || wrt_emit_loop_head(t, innermost(t));
    return kind != CONTROL_IF || wrt_emit_if(t, innermost(t), condition);
}

/* The operands at the end of a block: exactly its results. */
static bool check_end(struct translator *t)
{
    struct control *c = innermost(t);
    if (!check_top(t, c->type.results, c->type.result_count))
        return false;
    if (t->height != c->height + c->type.result_count)
        return wrt_invalid(&t->r, "type mismatch: values remaining on stack at end of block");
    return true;
}

static bool begin_else(struct translator *t)
{
    struct control *c = innermost(t);
    if (c->kind != CONTROL_IF)
        return wrt_malformed(&t->r, "else without if");
    if (!check_end(t))
        return false;
    if (!wrt_emit_br(t, 0))
        return false;
    wrt_end_path(t);
    unset_locals(t, c);
    c->kind = CONTROL_ELSE;
    c->unreachable = false;
    if (!push_types(t, c->type.parameters, c->type.parameter_count))
        return false;
    if (!c->dead)
        wrt_bind(t, c->else_fixup, false);
    c->else_fixup = 0;
    return true;
}

static bool end_block(struct translator *t)
{
    struct control *c = innermost(t);
    if (!check_end(t))
        return false;
    const bool joined = !t->live || c->fixups != 0 || c->else_fixup != 0 || c->catches != 0;
    if (c->kind == CONTROL_TRY && !wrt_leave_try(t))
        return false;
    if (c->kind == CONTROL_IF &&
        (c->type.parameter_count != c->type.result_count ||
         !wrt_types_are(t->module, c->type.parameters, c->type.results, c->type.result_count)))
        return wrt_invalid(&t->r, "type mismatch: if without else whose parameters are not "
                                  "its results");
    if (joined || c->kind == CONTROL_IF) {
        /* Before anything arrives here: in code that cannot run nothing may be emitted. */
        if (!wrt_settle_top(t, c->type.result_count))
            return false;
        if (c->kind == CONTROL_IF)
            wrt_bind(t, c->else_fixup, t->live); /* the missing else joins the others */
        wrt_bind(t, c->fixups, t->live);
        wrt_bind_catches(t, c);
    }
    const struct wrt_function_type type = c->type;
    unset_locals(t, c);
    t->control_count--;
    if (!joined)
        return true;
    /* The results are in their homes: forget how the code above made them. */
    t->height -= type.result_count;
    wrt_unlist(t, t->height);
    return push_types(t, type.results, type.result_count);
}

/* ---- instructions ---- */

static bool read_local(struct translator *t, uint32_t *out)
{
    if (!wrt_read_u32(&t->r, out))
        return false;
    return *out < t->local_count || wrt_invalid(&t->r, "unknown local %u", *out);
}

static bool read_global(struct translator *t, uint32_t *out)
{
    if (!wrt_read_u32(&t->r, out))
        return false;
    return *out < t->module->info.global_count || wrt_invalid(&t->r, "unknown global %u", *out);
}

static bool read_table(struct translator *t, uint32_t *out)
{
    if (!wrt_read_u32(&t->r, out))
        return false;
    return *out < t->module->info.table_count || wrt_invalid(&t->r, "unknown table %u", *out);
}

static bool read_memory(struct translator *t, uint32_t *out)
{
    if (!wrt_read_u32(&t->r, out))
        return false;
    if (*out != 0 && !wrt_use(&t->r, WRT_FEATURE_MULTI_MEMORY))
        return false;
    return *out < t->module->info.memory_count || wrt_invalid(&t->r, "unknown memory %u", *out);
}

/* Alignment exponent, memory index if bit 6 is set, offset (spec 5.4.6). */
static bool read_memarg(struct translator *t, uint32_t natural, uint64_t *offset, uint32_t *memory)
{
    uint32_t align = 0;
    *memory = 0;
    if (!wrt_read_u32(&t->r, &align))
        return false;
    if (align >= 0x80)
        return wrt_malformed(&t->r, "malformed memop flags");
    if (align & 0x40) {
        align &= ~0x40u;
        if (!wrt_use(&t->r, WRT_FEATURE_MULTI_MEMORY) || !wrt_read_u32(&t->r, memory))
            return false;
    }
    if (!wrt_read_leb(&t->r, 64, false, offset))
        return false;
    if (*memory >= t->module->info.memory_count)
        return wrt_invalid(&t->r, "unknown memory %u", *memory);
    if (align > natural)
        return wrt_invalid(&t->r, "alignment must not be larger than natural");
    if (*offset > UINT32_MAX && !t->module->memories[*memory].is_64)
        return wrt_invalid(&t->r, "offset out of range");
    return true;
}

struct access {
    uint16_t op;
    uint8_t natural, type;
};

/* Loads by opcode - 0x28. */
static const struct access loads[] = {
    {OP_i32_load_s, 2, WRT_I32},     {OP_i64_load_s, 3, WRT_I64},
    {OP_f32_load_s, 2, WRT_F32},     {OP_f64_load_s, 3, WRT_F64},
    {OP_i32_load8_s_s, 0, WRT_I32},  {OP_i32_load8_u_s, 0, WRT_I32},
    {OP_i32_load16_s_s, 1, WRT_I32}, {OP_i32_load16_u_s, 1, WRT_I32},
    {OP_i64_load8_s_s, 0, WRT_I64},  {OP_i32_load8_u_s, 0, WRT_I64}, /* zero extends to 64 */
    {OP_i64_load16_s_s, 1, WRT_I64}, {OP_i32_load16_u_s, 1, WRT_I64},
    {OP_i64_load32_s_s, 2, WRT_I64}, {OP_i32_load_s, 2, WRT_I64},
};

/* Stores by opcode - 0x36. */
static const struct access stores[] = {
    {0, 2, WRT_I32}, {0, 3, WRT_I64}, {0, 2, WRT_F32}, {0, 3, WRT_F64}, {0, 0, WRT_I32},
    {0, 1, WRT_I32}, {0, 0, WRT_I64}, {0, 1, WRT_I64}, {0, 2, WRT_I64},
};

static bool load(struct translator *t, uint8_t opcode)
{
    const struct access *a = &loads[opcode - 0x28];
    uint64_t offset = 0;
    uint32_t memory = 0;
    if (!read_memarg(t, a->natural, &offset, &memory) || !pop(t, wrt_address_type(t, memory)))
        return false;
    const uint32_t index = t->height;
    const bool ok = t->module->memories[memory].is_64
                        ? wrt_emit_load64(t, opcode, index, offset, memory, a->type)
                        : wrt_emit_load(t, a->op, opcode, index, (uint32_t)offset, memory, a->type);
    return ok && push(t, a->type);
}

static bool store(struct translator *t, uint8_t opcode)
{
    const struct access *a = &stores[opcode - 0x36];
    uint64_t offset = 0;
    uint32_t memory = 0;
    if (!read_memarg(t, a->natural, &offset, &memory) || !pop(t, a->type) ||
        !pop(t, wrt_address_type(t, memory)))
        return false;
    if (t->module->memories[memory].is_64)
        return wrt_emit_store64(t, opcode, t->height, t->height + 1, offset, memory);
    return wrt_emit_store(t, opcode, t->height, t->height + 1, (uint32_t)offset, memory);
}

struct unary {
    uint16_t op;
    uint8_t from, to;
};

#define U(name, from, to) {OP_##name##_s, WRT_##from, WRT_##to}
static const struct unary unaries[256] = {
    [0x45] = U(i32_eqz, I32, I32), [0x50] = U(i64_eqz, I64, I32),
    [0x67] = U(i32_clz, I32, I32), U(i32_ctz, I32, I32), U(i32_popcnt, I32, I32),
    [0x79] = U(i64_clz, I64, I64), U(i64_ctz, I64, I64), U(i64_popcnt, I64, I64),
    [0x8B] = U(f32_abs, F32, F32), U(f32_neg, F32, F32), U(f32_ceil, F32, F32),
    U(f32_floor, F32, F32), U(f32_trunc, F32, F32), U(f32_nearest, F32, F32),
    U(f32_sqrt, F32, F32),
    [0x99] = U(f64_abs, F64, F64), U(f64_neg, F64, F64), U(f64_ceil, F64, F64),
    U(f64_floor, F64, F64), U(f64_trunc, F64, F64), U(f64_nearest, F64, F64),
    U(f64_sqrt, F64, F64),
    [0xA7] = U(i32_wrap_i64, I64, I32), U(i32_trunc_f32_s, F32, I32),
    U(i32_trunc_f32_u, F32, I32), U(i32_trunc_f64_s, F64, I32), U(i32_trunc_f64_u, F64, I32),
    U(i64_extend_i32_s, I32, I64), U(i64_extend_i32_u, I32, I64), U(i64_trunc_f32_s, F32, I64),
    U(i64_trunc_f32_u, F32, I64), U(i64_trunc_f64_s, F64, I64), U(i64_trunc_f64_u, F64, I64),
    U(f32_convert_i32_s, I32, F32), U(f32_convert_i32_u, I32, F32),
    U(f32_convert_i64_s, I64, F32), U(f32_convert_i64_u, I64, F32),
    U(f32_demote_f64, F64, F32), U(f64_convert_i32_s, I32, F64),
    U(f64_convert_i32_u, I32, F64), U(f64_convert_i64_s, I64, F64),
    U(f64_convert_i64_u, I64, F64), U(f64_promote_f32, F32, F64),
    U(i32_reinterpret_f32, F32, I32), U(i64_reinterpret_f64, F64, I64),
    U(f32_reinterpret_i32, I32, F32), U(f64_reinterpret_i64, I64, F64),
    U(i32_extend8_s, I32, I32), U(i32_extend16_s, I32, I32), U(i64_extend8_s, I64, I64),
    U(i64_extend16_s, I64, I64), U(i64_extend32_s, I64, I64),
};
/* By second opcode of the 0xFC prefix. */
static const struct unary saturating[] = {
    U(i32_trunc_sat_f32_s, F32, I32), U(i32_trunc_sat_f32_u, F32, I32),
    U(i32_trunc_sat_f64_s, F64, I32), U(i32_trunc_sat_f64_u, F64, I32),
    U(i64_trunc_sat_f32_s, F32, I64), U(i64_trunc_sat_f32_u, F32, I64),
    U(i64_trunc_sat_f64_s, F64, I64), U(i64_trunc_sat_f64_u, F64, I64),
};
#undef U

static bool unary(struct translator *t, const struct unary *u, uint8_t opcode)
{
    if (!pop(t, u->from))
        return false;
    return wrt_emit_unary(t, u->op, opcode, t->height, u->to) && push(t, u->to);
}

/* Operand and result types of the two-operand operations, by opcode range. */
static bool binary(struct translator *t, uint8_t opcode)
{
    const bool compares = opcode <= 0x66;
    const wrt_type type = opcode <= 0x4F   ? WRT_I32
                         : opcode <= 0x5A ? WRT_I64
                         : opcode <= 0x60 ? WRT_F32
                         : opcode <= 0x66 ? WRT_F64
                         : opcode <= 0x78 ? WRT_I32
                         : opcode <= 0x8A ? WRT_I64
                         : opcode <= 0x98 ? WRT_F32
                                          : WRT_F64;
    struct operand sum;
    if (!pop(t, type) || !pop(t, type))
        return false;
    if (opcode == 0x6A && wrt_lazy_add(t, t->height, t->height + 1, &sum))
        return sum.local == WRT_NONE ? push_operand(t, sum) : push_alias(t, sum);
    return wrt_emit_binary(t, opcode, t->height, t->height + 1) &&
           push(t, compares ? WRT_I32 : type);
}

static bool select_any(struct translator *t)
{
    wrt_type first = 0, second = 0;
    if (!pop(t, WRT_I32) || !pop_typed(t, ANY_TYPE, &second) || !pop_typed(t, ANY_TYPE, &first))
        return false;
    if (wrt_is_reference(first) || wrt_is_reference(second))
        return wrt_invalid(&t->r, "type mismatch: select of references needs a type");
    if (first != second && first != ANY_TYPE && second != ANY_TYPE)
        return type_mismatch(t, first, second);
    const wrt_type type = first != ANY_TYPE ? first : second;
    return wrt_emit_select(t, t->height) && push(t, type);
}

static bool select_typed(struct translator *t)
{
    uint32_t count = 0;
    wrt_type type = 0;
    if (!wrt_read_u32(&t->r, &count))
        return false;
    if (count != 1)
        return wrt_invalid(&t->r, "invalid result arity");
    if (!wrt_read_value_type(&t->r, &type) || !pop(t, WRT_I32) || !pop(t, type) || !pop(t, type))
        return false;
    return wrt_use(&t->r, WRT_FEATURE_REFERENCE_TYPES) && wrt_emit_select(t, t->height) &&
           push(t, type);
}

/* Notes that a local without default value was written, until its block ends (spec 3.4.2). */
static bool now_set(struct translator *t, uint32_t local)
{
    if (!t->local_unset[local])
        return true;
    if (!wrt_grow_scratch(t, &t->inits, &t->init_capacity, t->init_count + 1, sizeof *t->inits))
        return false;
    t->local_unset[local] = false;
    t->inits[t->init_count++] = local;
    return true;
}

static bool local_op(struct translator *t, uint8_t opcode)
{
    uint32_t local = 0;
    if (!read_local(t, &local))
        return false;
    const wrt_type type = t->local_types[local];
    if (opcode == 0x20)
        return !t->local_unset[local] ? push_local(t, local)
                                      : wrt_invalid(&t->r, "uninitialized local %u", local);
    if (!pop(t, type))
        return false;
    const struct operand value = t->operands[t->height];
    if (!wrt_emit_local_set(t, local, t->height) || !now_set(t, local))
        return false;
    if (opcode == 0x21)
        return true;
    return value.kind == AT_CONST && t->live ? push_const(t, type, value.bits)
                                             : push_local(t, local);
}

static bool global_op(struct translator *t, uint8_t opcode)
{
    uint32_t global = 0;
    if (!read_global(t, &global))
        return false;
    const struct wrt_global_type type = t->module->globals[global].type;
    if (opcode == 0x23)
        return wrt_emit_global_get(t, global, type.content, t->height) && push(t, type.content);
    if (!type.is_mutable)
        return wrt_invalid(&t->r, "global %u is immutable", global);
    return pop(t, type.content) && wrt_emit_global_set(t, global, t->height);
}

static bool do_return(struct translator *t)
{
    if (!check_top(t, t->type->results, t->type->result_count) || !wrt_emit_return(t))
        return false;
    wrt_end_path(t);
    return true;
}

/* Pops arguments, emits, pushes results, or ends the block after a tail call. */
static bool finish_call(struct translator *t, unsigned op, const struct wrt_function_type *type,
                        union word target, uint32_t index_operand, uint32_t table, bool tail)
{
    if (!pop_types(t, type->parameters, type->parameter_count))
        return false;
    /* The homes of the arguments become the callee's frame: nothing below moves. */
    if (!wrt_emit_call(t, op, t->height, type, target, index_operand, table))
        return false;
    if (!tail)
        return push_types(t, type->results, type->result_count);
    if (!wrt_use(&t->r, WRT_FEATURE_TAIL_CALL))
        return false;
    if (type->result_count != t->type->result_count ||
        !wrt_types_are(t->module, type->results, t->type->results, type->result_count))
        return wrt_invalid(&t->r, "type mismatch: results of a tail call");
    wrt_end_path(t);
    return true;
}

static bool call(struct translator *t, bool tail)
{
    uint32_t function = 0;
    if (!wrt_read_u32(&t->r, &function))
        return false;
    const struct wrt_module_info *info = &t->module->info;
    if (function >= info->function_count)
        return wrt_invalid(&t->r, "unknown function %u", function);
    const bool imported = function < info->imported_function_count;
    union word target;
    if (imported)
        target.bits = function;
    else
        target.code = &t->module->codes[function - info->imported_function_count];
    const unsigned op = tail ? (imported ? OP_return_call_import : OP_return_call)
                             : (imported ? OP_call_import : OP_call);
    return finish_call(t, op, wrt_type_of_function(t->module, function), target, 0, 0, tail);
}

static bool call_indirect(struct translator *t, bool tail)
{
    uint32_t type_index = 0, table = 0;
    if (!wrt_read_u32(&t->r, &type_index))
        return false;
    if (!read_table(t, &table))
        return false;
    if (table != 0 && !wrt_use(&t->r, WRT_FEATURE_REFERENCE_TYPES))
        return false;
    if (!wrt_type_is(t->module, t->module->tables[table].element, WRT_FUNCREF))
        return wrt_invalid(&t->r, "type mismatch: indirect call through a table of %s",
                           wrt_value_type_name(t->module->tables[table].element));
    const struct wrt_function_type *type = function_type(t, type_index);
    if (type == NULL || !wrt_pop_table_index(t, table))
        return false;
    const union word target = {.type = type};
    return finish_call(t, tail ? OP_return_call_indirect : OP_call_indirect, type, target,
                       t->height, table, tail);
}

static bool branch(struct translator *t)
{
    uint32_t depth = 0, count = 0;
    if (!read_depth(t, &depth))
        return false;
    const wrt_type *types = label_types(&t->controls[t->control_count - 1 - depth], &count);
    if (!check_top(t, types, count) || !wrt_emit_br(t, depth))
        return false;
    wrt_end_path(t);
    return true;
}

static bool branch_if(struct translator *t)
{
    uint32_t depth = 0, count = 0;
    if (!read_depth(t, &depth) || !pop(t, WRT_I32))
        return false;
    const uint32_t condition = t->height;
    const wrt_type *types = label_types(&t->controls[t->control_count - 1 - depth], &count);
    return check_top(t, types, count) && wrt_emit_br_if(t, depth, condition);
}

/* Like check_top, but an unknown operand stays unknown: it may fit several labels. */
static bool fits_label(struct translator *t, const wrt_type *types, uint32_t count)
{
    const struct control *here = innermost(t);
    const uint32_t have = t->height - here->height;
    if (have < count && !here->unreachable)
        return type_mismatch(t, types[count - have - 1], ANY_TYPE);
    for (uint32_t i = 0; i < count && i < have; i++) {
        const wrt_type found = t->operands[t->height - 1 - i].type;
        if (!matches(t, found, types[count - 1 - i]))
            return type_mismatch(t, types[count - 1 - i], found);
    }
    return true;
}

static bool branch_table(struct translator *t)
{
    uint32_t count = 0, arity = 0;
    if (!wrt_read_u32(&t->r, &count))
        return false;
    if (count >= wrt_reader_left(&t->r))
        return wrt_malformed(&t->r, "unexpected end");
    if (!wrt_grow_scratch(t, &t->targets, &t->target_capacity, count + 1, sizeof *t->targets))
        return false;
    for (uint32_t i = 0; i <= count; i++)
        if (!read_depth(t, &t->targets[i]))
            return false;
    if (!pop(t, WRT_I32))
        return false;
    const uint32_t index = t->height;
    (void)label_types(&t->controls[t->control_count - 1 - t->targets[count]], &arity);
    for (uint32_t i = 0; i <= count; i++) {
        struct control *c = &t->controls[t->control_count - 1 - t->targets[i]];
        uint32_t n = 0;
        const wrt_type *types = label_types(c, &n);
        if (n != arity)
            return wrt_invalid(&t->r, "type mismatch: labels of a br_table differ in arity");
        if (c->checked == t->r.at) /* each label once per table */
            continue;
        c->checked = t->r.at;
        if (!fits_label(t, types, n))
            return false;
    }
    if (!wrt_emit_br_table(t, index, count))
        return false;
    wrt_end_path(t);
    return true;
}

/* ---- references and tables ---- */

/* Pops operands given bottom first, emits on their homes, pushes at most one result. */
static bool on_homes(struct translator *t, unsigned op, const wrt_type *types, uint32_t count,
                     uint32_t a, uint32_t imm, wrt_type result)
{
    if (!pop_types(t, types, count))
        return false;
    return wrt_emit_homes(t, op, t->height, count, a, imm, result != 0) &&
           (result == 0 || push(t, result));
}

/* The same for bulk operations, which have no result and may stop half-way. */
static bool on_homes_in_pieces(struct translator *t, unsigned op, const wrt_type types[3],
                               uint32_t a, uint32_t imm)
{
    return pop_types(t, types, 3) && wrt_emit_restartable(t, op, t->height, 3, a, imm, false);
}

static bool table_get_set(struct translator *t, bool set)
{
    uint32_t table = 0;
    if (!read_table(t, &table))
        return false;
    const wrt_type element = t->module->tables[table].element;
    const wrt_type types[] = {wrt_index_type(t, table), element};
    return wrt_use(&t->r, WRT_FEATURE_REFERENCE_TYPES) &&
           on_homes(t, set ? OP_table_set : OP_table_get, types, set ? 2 : 1, 0, table,
                    set ? 0 : element);
}

static bool memory_size_grow(struct translator *t, bool grow)
{
    uint32_t memory = 0;
    if (!read_memory(t, &memory))
        return false;
    const struct wrt_memory_type *type = &t->module->memories[memory];
    const wrt_type address = wrt_address_type(t, memory);
    const unsigned size = type->is_shared ? OP_memory_size_shared
                          : type->is_64 || type->page_bytes != 65536 ? OP_memory_size64
                                                                     : OP_memory_size;
    return on_homes(t, grow ? OP_memory_grow : size, &address, grow, 0, memory, address);
}

bool wrt_read_data_index(struct translator *t, uint32_t *out)
{
    if (!wrt_read_u32(&t->r, out))
        return false;
    if (!t->has_data_count)
        return wrt_malformed(&t->r, "data count section required");
    return *out < t->module->info.data_segment_count ||
           wrt_invalid(&t->r, "unknown data segment %u", *out);
}

bool wrt_read_element_index(struct translator *t, uint32_t *out)
{
    if (!wrt_read_u32(&t->r, out))
        return false;
    return *out < t->module->info.element_segment_count ||
           wrt_invalid(&t->r, "unknown elem segment %u", *out);
}

/* The length of a copy between a 32-bit and a 64-bit side is an i32. */
static bool copy(struct translator *t, unsigned op, wrt_type to, wrt_type from, uint32_t a,
                 uint32_t b)
{
    const wrt_type length = to == WRT_I64 && from == WRT_I64 ? WRT_I64 : WRT_I32;
    return on_homes_in_pieces(t, op, (const wrt_type[]){to, from, length}, a, b);
}

static bool memory_bulk(struct translator *t, uint32_t opcode)
{
    uint32_t a = 0, b = 0;
    if (!wrt_use(&t->r, WRT_FEATURE_BULK_MEMORY))
        return false;
    switch (opcode) {
    case 8:
        return wrt_read_data_index(t, &a) && read_memory(t, &b) &&
               on_homes_in_pieces(t, OP_memory_init,
                                  (const wrt_type[]){wrt_address_type(t, b), WRT_I32, WRT_I32}, b,
                                  a);
    case 9: return wrt_read_data_index(t, &a) && wrt_emit_homes(t, OP_data_drop, t->height, 0, 0, a, false);
    case 10:
        return read_memory(t, &a) && read_memory(t, &b) &&
               copy(t, OP_memory_copy, wrt_address_type(t, a), wrt_address_type(t, b), a, b);
    default:
        return read_memory(t, &a) &&
               on_homes_in_pieces(t, OP_memory_fill,
                                  (const wrt_type[]){wrt_address_type(t, a), WRT_I32,
                                                     wrt_address_type(t, a)},
                                  0, a);
    }
}

static bool table_bulk(struct translator *t, uint32_t opcode)
{
    uint32_t a = 0, b = 0;
    if (!wrt_use(&t->r, opcode <= 14 ? WRT_FEATURE_BULK_MEMORY : WRT_FEATURE_REFERENCE_TYPES))
        return false;
    if (opcode == 12) {
        if (!wrt_read_element_index(t, &a) || !read_table(t, &b))
            return false;
        if (!wrt_type_is(t->module, t->module->elements[a].type, t->module->tables[b].element))
            return wrt_invalid(&t->r, "type mismatch: table.init of another type");
        return on_homes_in_pieces(t, OP_table_init,
                                  (const wrt_type[]){wrt_index_type(t, b), WRT_I32, WRT_I32}, b, a);
    }
    if (opcode == 13)
        return wrt_read_element_index(t, &a) &&
               wrt_emit_homes(t, OP_elem_drop, t->height, 0, 0, a, false);
    if (!read_table(t, &a))
        return false;
    const wrt_type element = t->module->tables[a].element;
    const wrt_type index = wrt_index_type(t, a);
    const wrt_type grow[] = {element, index}, fill[] = {index, element, index};
    switch (opcode) {
    case 14:
        if (!read_table(t, &b))
            return false;
        if (!wrt_type_is(t->module, t->module->tables[b].element, element))
            return wrt_invalid(&t->r, "type mismatch: table.copy of another type");
        return copy(t, OP_table_copy, index, wrt_index_type(t, b), a, b);
    case 15: return on_homes(t, OP_table_grow, grow, 2, 0, a, index);
    case 16: return on_homes(t, OP_table_size, NULL, 0, 0, a, index);
    default: return on_homes_in_pieces(t, OP_table_fill, fill, 0, a);
    }
}

static bool prefixed_fc(struct translator *t)
{
    uint32_t opcode = 0;
    if (!wrt_read_u32(&t->r, &opcode))
        return false;
    if (opcode <= 7)
        return wrt_use(&t->r, WRT_FEATURE_SATURATING) && unary(t, &saturating[opcode], 0);
    if (opcode <= 11)
        return memory_bulk(t, opcode);
    if (opcode <= 17)
        return table_bulk(t, opcode);
    if (opcode >= 19 && opcode <= 22)
        return wrt_wide_arithmetic(t, opcode);
    return wrt_malformed(&t->r, "illegal opcode 0xfc %u", opcode);
}

static bool constant(struct translator *t, uint8_t opcode)
{
    uint32_t narrow = 0;
    uint64_t bits = 0;
    const uint8_t *raw = NULL;
    switch (opcode) {
    case 0x41: return wrt_read_s32(&t->r, &narrow) && push_const(t, WRT_I32, narrow);
    case 0x42: return wrt_read_s64(&t->r, &bits) && push_const(t, WRT_I64, bits);
    case 0x43:
        if (!wrt_read_bytes(&t->r, 4, &raw))
            return false;
        memcpy(&narrow, raw, 4);
        return push_const(t, WRT_F32, narrow);
    default:
        if (!wrt_read_bytes(&t->r, 8, &raw))
            return false;
        memcpy(&bits, raw, 8);
        return push_const(t, WRT_F64, bits);
    }
}

/* Opcodes of features that are not there, by name. */
static bool other_opcode(struct translator *t, uint8_t opcode)
{
    switch (opcode) {
    case 0x06: case 0x07: case 0x09: case 0x18: case 0x19:
        t->r.at--;
        return wrt_malformed(&t->r, "illegal opcode 0x%02x: exceptions of before 3.0", opcode);
    default:
        t->r.at--;
        return wrt_malformed(&t->r, "illegal opcode 0x%02x", opcode);
    }
}

static bool drop(struct translator *t)
{
    return pop_typed(t, ANY_TYPE, NULL);
}

static bool unreachable(struct translator *t)
{
    if (!wrt_emit_simple(t, OP_unreachable))
        return false;
    wrt_end_path(t);
    return true;
}

static bool instruction(struct translator *t, uint8_t opcode)
{
    switch (opcode) {
    case 0x00: return unreachable(t);
    case 0x01: return true;
    case 0x02: return begin_block(t, CONTROL_BLOCK);
    case 0x03: return begin_block(t, CONTROL_LOOP);
    case 0x04: return begin_block(t, CONTROL_IF);
    case 0x05: return begin_else(t);
    case 0x08: return wrt_translate_throw(t);
    case 0x0A: return wrt_translate_throw_ref(t);
    case 0x0B: return end_block(t);
    case 0x0C: return branch(t);
    case 0x0D: return branch_if(t);
    case 0x0E: return branch_table(t);
    case 0x0F: return do_return(t);
    case 0x10: return call(t, false);
    case 0x11: return call_indirect(t, false);
    case 0x12: return call(t, true);
    case 0x13: return call_indirect(t, true);
    case 0x1A: return drop(t);
    case 0x1B: return select_any(t);
    case 0x1C: return select_typed(t);
    case 0x1F: return wrt_translate_try(t);
    case 0x20: case 0x21: case 0x22: return local_op(t, opcode);
    case 0x23: case 0x24: return global_op(t, opcode);
    case 0x25: return table_get_set(t, false);
    case 0x26: return table_get_set(t, true);
    case 0x3F: return memory_size_grow(t, false);
    case 0x40: return memory_size_grow(t, true);
    case 0x41: case 0x42: case 0x43: case 0x44: return constant(t, opcode);
    case 0x14: case 0x15:
    case 0xD0: case 0xD1: case 0xD2: case 0xD3: case 0xD4: case 0xD5: case 0xD6:
        return wrt_reference_instruction(t, opcode);
    case 0xFB: return wrt_gc_instruction(t);
    case 0xFC: return prefixed_fc(t);
    case 0xFE: return wrt_atomic_instruction(t);
    case 0xFD: return wrt_vector_instruction(t);
    default: break;
    }
    if (opcode >= 0x28 && opcode <= 0x35)
        return load(t, opcode);
    if (opcode >= 0x36 && opcode <= 0x3E)
        return store(t, opcode);
    if (opcode >= 0xC0 && opcode <= 0xC4 && !wrt_use(&t->r, WRT_FEATURE_SIGN_EXTENSION))
        return false;
    if (unaries[opcode].from != 0)
        return unary(t, &unaries[opcode], opcode);
    if (opcode >= 0x46 && opcode <= 0xA6)
        return binary(t, opcode);
    return other_opcode(t, opcode);
}

/* Structure costs no fuel: block, loop, try_table, else, end, nop. */
static bool is_free(uint8_t opcode)
{
    return (opcode >= 0x01 && opcode <= 0x03) || opcode == 0x05 || opcode == 0x0B ||
           opcode == 0x1F;
}

/* Branches carry the difference of two pending counts in 8 signed bits. */
#define MOST_PENDING 100

static bool step(struct translator *t)
{
    uint8_t opcode = 0;
    t->instruction = (uint32_t)(t->r.at - t->r.start);
    if (!wrt_read_byte(&t->r, &opcode))
        return false;
    if (t->live && !is_free(opcode)) {
        if (t->pending >= MOST_PENDING && !wrt_emit_charge(t))
            return false;
        t->pending++;
        if (t->config->instrument && !wrt_profile_instruction(t, opcode))
            return false;
    }
    if (wrt_profile_ends_run(opcode))
        t->count_next = true;
    return instruction(t, opcode);
}

/* ---- for other files ---- */

bool wrt_enter_block(struct translator *t, enum control_kind kind,
                     const struct wrt_function_type *type)
{
    return check_top(t, type->parameters, type->parameter_count) && wrt_settle_aliases(t) &&
           push_control(t, kind, type);
}

bool wrt_push_type(struct translator *t, wrt_type type)
{
    return push(t, type);
}

bool wrt_push_const(struct translator *t, wrt_type type, uint64_t bits)
{
    return push_const(t, type, bits);
}

bool wrt_pop_type(struct translator *t, wrt_type type)
{
    return pop(t, type);
}

bool wrt_pop_reference(struct translator *t, wrt_type *out)
{
    if (!pop_typed(t, ANY_TYPE, out))
        return false;
    if (*out == ANY_TYPE)
        *out = WRT_REF_BOTTOM;
    return wrt_is_reference(*out) ||
           wrt_invalid(&t->r, "type mismatch: expected a reference, found %s",
                       wrt_value_type_name(*out));
}

bool wrt_push_again(struct translator *t, wrt_type type)
{
    struct operand o = t->operands[t->height];
    o.type = type;
    if (!t->live || (o.kind == AT_HOME && o.local == WRT_NONE))
        return push(t, type);
    return o.local == WRT_NONE ? push_operand(t, o) : push_alias(t, o);
}

bool wrt_read_label(struct translator *t, uint32_t *depth, const wrt_type **types, uint32_t *count)
{
    if (!read_depth(t, depth))
        return false;
    *types = label_types(&t->controls[t->control_count - 1 - *depth], count);
    return true;
}

bool wrt_check_top(struct translator *t, const wrt_type *types, uint32_t count)
{
    return check_top(t, types, count);
}

bool wrt_finish_call_ref(struct translator *t, uint32_t type_index, bool tail)
{
    const struct wrt_function_type *type = function_type(t, type_index);
    if (type == NULL ||
        !pop(t, WRT_REF_TYPE(true, t->module->canonical_types[type_index])))
        return false;
    const union word none = {.bits = 0};
    return finish_call(t, tail ? OP_return_call_ref : OP_call_ref, type, none, t->height, 0, tail);
}

bool wrt_read_memarg(struct translator *t, uint32_t natural, uint64_t *offset, uint32_t *memory)
{
    return read_memarg(t, natural, offset, memory);
}

/* ---- a body ---- */

/* Makes room for `count` more locals. Between bodies no local has an alias, so only room that
 * was never used is filled in. */
static bool add_locals(struct translator *t, uint32_t count)
{
    if (count > t->config->max_locals - t->local_count)
        return wrt_refuse(&t->r, WRT_ERR_LIMIT, "too many locals: max_locals is %u",
                          t->config->max_locals);
    const uint32_t old = t->local_capacity;
    if (!wrt_grow_scratch(t, &t->local_types, &t->local_type_capacity, t->local_count + count,
                          sizeof *t->local_types) ||
        !wrt_grow_scratch(t, &t->local_unset, &t->local_unset_capacity, t->local_count + count,
                          sizeof *t->local_unset) ||
        !wrt_grow_scratch(t, &t->local_slots, &t->local_slot_capacity, t->local_count + count,
                          sizeof *t->local_slots) ||
        !wrt_grow_scratch(t, &t->local_alias, &t->local_capacity, t->local_count + count,
                          sizeof *t->local_alias))
        return false;
    for (uint32_t i = old; i < t->local_capacity; i++)
        t->local_alias[i] = WRT_NONE;
    t->local_count += count;
    return true;
}

/* Lays a local out at the end of the frame so far. */
static void place_local(struct translator *t, uint32_t local, wrt_type type)
{
    t->local_types[local] = type;
    t->local_unset[local] = false;
    t->local_slots[local] = t->first_stack_slot;
    t->first_stack_slot += wrt_type_slots(type);
}

static bool declare_locals(struct translator *t, uint32_t count, wrt_type type)
{
    const uint64_t end = t->first_stack_slot + (uint64_t)count * wrt_type_slots(type);
    if (!add_locals(t, count))
        return false;
    if (end > t->config->max_frame_slots)
        return wrt_refuse(&t->r, WRT_ERR_LIMIT, "frame of %llu slots: max_frame_slots is %u",
                          (unsigned long long)end, t->config->max_frame_slots);
    for (uint32_t i = t->local_count - count; i < t->local_count; i++)
        place_local(t, i, type);
    for (uint32_t i = t->local_count - count; !wrt_has_default(type) && i < t->local_count; i++)
        t->local_unset[i] = true;
    return true;
}

static bool declare_parameters(struct translator *t)
{
    const uint32_t count = t->type->parameter_count;
    if (!add_locals(t, count))
        return false;
    t->first_stack_slot = 0;
    for (uint32_t i = 0; i < count; i++)
        place_local(t, i, t->type->parameters[i]);
    const uint32_t results = wrt_type_list_slots(t->type->results, t->type->result_count);
    t->header_slot = t->first_stack_slot > results ? t->first_stack_slot : results;
    t->first_stack_slot = t->header_slot + WRT_FRAME_HEADER;
    return true;
}

static bool read_local_group(struct translator *t, uint32_t *count, wrt_type *type)
{
    return wrt_read_u32(&t->r, count) && wrt_read_value_type(&t->r, type);
}

/* Their number must fit 32 bits (spec 5.5.13) before any limit of ours speaks. */
static bool count_locals(struct translator *t, uint32_t groups)
{
    const uint8_t *start = t->r.at;
    uint64_t total = t->local_count;
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count = 0;
        wrt_type type = 0;
        if (!read_local_group(t, &count, &type))
            return false;
        total += count;
        if (total > UINT32_MAX)
            return wrt_malformed(&t->r, "too many locals");
    }
    t->r.at = start;
    return true;
}

static bool read_locals(struct translator *t)
{
    uint32_t groups = 0;
    if (!wrt_read_u32(&t->r, &groups) || !count_locals(t, groups))
        return false;
    for (uint32_t i = 0; i < groups; i++) {
        uint32_t count = 0;
        wrt_type type = 0;
        if (!read_local_group(t, &count, &type) || !declare_locals(t, count, type))
            return false;
    }
    return true;
}

static bool begin_body(struct translator *t, uint32_t function)
{
    t->type = wrt_type_of_function(t->module, function);
    t->height = t->settled = 0;
    t->control_count = t->init_count = 0;
    t->profile_count = 0;
    t->count_next = true;
    t->local_count = 0;
    if (!declare_parameters(t) || !read_locals(t) ||
        !wrt_grow_scratch(t, &t->operands, &t->operand_capacity, 1, sizeof *t->operands))
        return false;
    if (t->first_stack_slot > t->config->max_frame_slots) /* parameters alone can be too many */
        return wrt_refuse(&t->r, WRT_ERR_LIMIT, "frame of %u slots: max_frame_slots is %u",
                          t->first_stack_slot, t->config->max_frame_slots);
    t->operands[0].slot = t->frame_slots = t->first_stack_slot;
    const struct wrt_function_type outer = {NULL, t->type->results, 0, t->type->result_count};
    return wrt_emit_begin(t) && wrt_begin_points(t) && push_control(t, CONTROL_FUNCTION, &outer);
}

bool wrt_translate_body(struct translator *t, uint32_t function, const uint8_t *bytes,
                        uint32_t size_bytes, uint64_t offset)
{
    t->r.start = t->r.at = bytes;
    t->r.end = bytes + size_bytes;
    t->r.offset = offset;
    t->r.status = WRT_OK;
    if (!begin_body(t, function))
        return false;
    for (;;) {
        const bool is_last = t->r.at != t->r.end && *t->r.at == 0x0B && t->control_count == 1;
        if (is_last)
            break;
        if (!step(t))
            return false;
    }
    t->instruction = (uint32_t)(t->r.at - t->r.start);
    t->r.at++;
    if (!check_end(t) || !wrt_emit_return(t))
        return false;
    while (t->height > 0)
        forget_alias(t, --t->height);
    if (t->r.at != t->r.end)
        return wrt_malformed(&t->r, "section size mismatch: bytes after the function's end");
    wrt_fuse(t);
    return wrt_emit_map(t);
}

void wrt_translator_free(struct translator *t)
{
#define FREE(pointer, capacity) \
    wrt_partition_free(t->partition, WRT_CHARGE_LOAD, pointer, (size_t)(capacity) * sizeof *(pointer))
    FREE(t->operands, t->operand_capacity);
    FREE(t->controls, t->control_capacity);
    FREE(t->local_types, t->local_type_capacity);
    FREE(t->local_alias, t->local_capacity);
    FREE(t->local_slots, t->local_slot_capacity);
    FREE(t->local_unset, t->local_unset_capacity);
    FREE(t->inits, t->init_capacity);
    FREE(t->single_types, t->single_capacity);
    FREE(t->code, t->code_capacity);
    FREE(t->positions, t->position_capacity);
    FREE(t->map, t->map_capacity);
    FREE(t->points, t->point_capacity);
    FREE(t->profile, t->profile_capacity);
    FREE(t->lives, t->live_capacity);
    FREE(t->targets, t->target_capacity);
    FREE(t->boundaries, t->boundary_capacity);
    FREE(t->tries, t->try_capacity);
    FREE(t->catches, t->catch_capacity);
#undef FREE
}
