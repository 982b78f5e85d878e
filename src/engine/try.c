/* engine/try.c - validates try_table, throw and throw_ref (spec 3.3.8), and builds the tables
 * that raise.c searches.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A try_table emits no code. What can throw, calls and throws, sets the translator's barrier
 * behind itself, and no instruction before the barrier is ever moved. So all that can throw
 * inside a try_table lies between the barrier at its start and the one at its end: these two
 * words become boundaries. They ascend, and where two fall together the later one counts.
 *
 * A clause is a branch whose values are written by the search to where the label's results, or
 * a loop's parameters, are at home. Until the label is bound its clauses are chained through
 * their targets.
 */
#include "emit.h"

/* From the barrier on, the innermost try_table is `innermost`. */
static bool add_boundary(struct translator *t, uint32_t innermost)
{
    if (t->boundary_count != 0 && t->boundaries[t->boundary_count - 1].word == t->barrier)
        t->boundary_count--;
    if (!wrt_grow_scratch(t, &t->boundaries, &t->boundary_capacity, t->boundary_count + 1,
                          sizeof *t->boundaries))
        return false;
    t->boundaries[t->boundary_count++] =
        (struct wrt_boundary){.word = t->barrier, .innermost = innermost};
    return true;
}

/* ---- clauses ---- */

static bool read_tag(struct translator *t, uint32_t *out)
{
    if (!wrt_read_u32(&t->r, out))
        return false;
    return *out < t->module->info.tag_count || wrt_invalid(&t->r, "unknown tag %u", *out);
}

static const struct wrt_function_type *tag_type(const struct translator *t, uint32_t tag)
{
    return &t->module->types[t->module->tags[tag]].function;
}

static const wrt_type ref_exn = WRT_REF_TYPE(false, WRT_HEAP_ABSTRACT | WRT_EXNREF);

/* The clause's values, then the reference if it gives one, must be what the label takes. */
static bool fits_label(struct translator *t, const struct wrt_catch *clause,
                       const wrt_type *types, uint32_t count)
{
    static const struct wrt_function_type nothing;
    const struct wrt_function_type *values =
        clause->kind < WRT_CATCH_ALL ? tag_type(t, clause->tag) : &nothing;
    const bool gives_ref = clause->kind == WRT_CATCH_REF || clause->kind == WRT_CATCH_ALL_REF;
    if (count != values->parameter_count + (gives_ref ? 1u : 0u))
        return wrt_invalid(&t->r, "type mismatch: catch gives %u values, its label takes %u",
                           values->parameter_count + (gives_ref ? 1u : 0u), count);
    for (uint32_t i = 0; i < count; i++) {
        const wrt_type have = i < values->parameter_count ? values->parameters[i] : ref_exn;
        if (!wrt_type_is(t->module, have, types[i]))
            return wrt_invalid(&t->r, "type mismatch: catch gives %s, its label takes %s",
                               wrt_value_type_name(have), wrt_value_type_name(types[i]));
    }
    return true;
}

/* Where control goes; a block's end is not known yet. */
static void aim(struct translator *t, struct wrt_catch *clause, struct control *label)
{
    clause->slot = (uint16_t)home_of(t, label->height);
    if (label->kind == CONTROL_FUNCTION) {
        clause->target = WRT_CATCH_RETURNS;
    } else if (label->kind == CONTROL_LOOP) {
        clause->target = label->start;
        clause->is_loop = 1;
    } else {
        clause->target = label->catches;
        label->catches = t->catch_count; /* index + 1 */
    }
}

static bool read_clause(struct translator *t)
{
    struct wrt_catch clause = {0};
    uint32_t depth = 0, count = 0;
    const wrt_type *types = NULL;
    uint8_t kind = 0;
    if (!wrt_read_byte(&t->r, &kind))
        return false;
    clause.kind = kind & 3;
    if (kind > WRT_CATCH_ALL_REF) {
        t->r.at--;
        return wrt_malformed(&t->r, "malformed catch clause");
    }
    if ((clause.kind < WRT_CATCH_ALL && !read_tag(t, &clause.tag)) ||
        !wrt_read_label(t, &depth, &types, &count) || !fits_label(t, &clause, types, count))
        return false;
    if (!t->live)
        return true;
    if (!wrt_grow_scratch(t, &t->catches, &t->catch_capacity, t->catch_count + 1,
                          sizeof *t->catches))
        return false;
    struct wrt_catch *kept = &t->catches[t->catch_count++];
    *kept = clause;
    aim(t, kept, &t->controls[t->control_count - 1 - depth]);
    return true;
}

void wrt_bind_catches(struct translator *t, struct control *c)
{
    if (c->catches == 0)
        return;
    if (!t->live)
        t->pending = 0; /* a search settles everything before it */
    for (uint32_t at = c->catches; at != 0;) {
        struct wrt_catch *clause = &t->catches[at - 1];
        at = clause->target;
        clause->target = t->code_count;
        clause->fuel = (uint8_t)t->pending;
    }
    t->barrier = t->code_count;
    wrt_forget_accumulators(t);
    t->live = true;
}

/* ---- try_table ---- */

static bool enter_try(struct translator *t, uint32_t first)
{
    struct control *c = &t->controls[t->control_count - 1];
    if (c->dead)
        return true;
    if (!wrt_grow_scratch(t, &t->tries, &t->try_capacity, t->try_count + 1, sizeof *t->tries))
        return false;
    t->tries[t->try_count] = (struct wrt_try){
        .parent = t->innermost_try, .first = first, .count = t->catch_count - first};
    t->innermost_try = t->try_count++;
    return add_boundary(t, t->innermost_try);
}

bool wrt_leave_try(struct translator *t)
{
    const struct control *c = &t->controls[t->control_count - 1];
    if (c->dead)
        return true;
    t->innermost_try = t->tries[t->innermost_try].parent;
    return add_boundary(t, t->innermost_try);
}

bool wrt_translate_try(struct translator *t)
{
    struct wrt_function_type type;
    uint32_t count = 0;
    if (!wrt_use(&t->r, WRT_FEATURE_EXCEPTIONS) || !wrt_read_block_type(t, &type) ||
        !wrt_read_u32(&t->r, &count))
        return false;
    const uint32_t first = t->catch_count;
    for (uint32_t i = 0; i < count; i++) /* the labels are those outside of the block */
        if (!read_clause(t))
            return false;
    return wrt_enter_block(t, CONTROL_TRY, &type) && enter_try(t, first);
}

/* ---- throws ---- */

/* Nothing that throws goes on behind itself. */
static void finish(struct translator *t)
{
    t->pending = 0;
    t->barrier = t->code_count;
    wrt_forget_accumulators(t);
}

static bool emit_throw(struct translator *t, uint32_t tag, uint32_t first, uint32_t count)
{
    if (!t->live)
        return true;
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_settle_operand(t, first + i))
            return false;
    const bool has_point = wrt_point_here(t, first + count); /* for who reclaims exceptions */
    union word *w = has_point ? wrt_append(t, OP_throw, 3) : NULL;
    if (w == NULL)
        return false;
    wrt_unlist(t, first);
    w[1].k.d = (uint16_t)home_of(t, first);
    w[1].k.imm = (int32_t)t->pending;
    w[2].bits = tag;
    finish(t);
    return true;
}

bool wrt_translate_throw(struct translator *t)
{
    uint32_t tag = 0;
    if (!wrt_use(&t->r, WRT_FEATURE_EXCEPTIONS) || !read_tag(t, &tag))
        return false;
    const struct wrt_function_type *type = tag_type(t, tag);
    for (uint32_t i = type->parameter_count; i-- > 0;)
        if (!wrt_pop_type(t, type->parameters[i]))
            return false;
    if (!emit_throw(t, tag, t->height, type->parameter_count))
        return false;
    wrt_end_path(t);
    return true;
}

bool wrt_translate_throw_ref(struct translator *t)
{
    if (!wrt_use(&t->r, WRT_FEATURE_EXCEPTIONS) || !wrt_pop_type(t, WRT_EXNREF))
        return false;
    if (t->live) {
        uint32_t s = 0;
        if (!wrt_slot_of(t, t->height, &s) || !wrt_point_here(t, t->height))
            return false;
        union word *w = wrt_append(t, OP_throw_ref, 2);
        if (w == NULL)
            return false;
        w[1].k.d = (uint16_t)s;
        w[1].k.imm = (int32_t)t->pending;
        finish(t);
    }
    wrt_end_path(t);
    return true;
}
