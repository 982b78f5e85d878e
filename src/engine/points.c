/* engine/points.c - notes where a guest may be paused, and which slots hold values then.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A paused call stands at a loop head, at a function's entry, at an instruction that is
 * executed again, or in a call that has not returned. No accumulator is read there before it
 * is written, so slots are all there is; but slots of operands that are still constants or
 * locals hold nothing. Lists of live slots share their tails: an operand is listed once, so
 * that a point costs O(1) amortised per instruction.
 */
#include "emit.h"

static bool list(struct translator *t, struct wrt_live live, uint32_t *out)
{
    if (!wrt_grow_scratch(t, &t->lives, &t->live_capacity, t->live_count + 1, sizeof *t->lives))
        return false;
    *out = t->live_count;
    t->lives[t->live_count++] = live;
    return true;
}

/* Locals that are not parameters, in runs of one type. */
static bool list_locals(struct translator *t)
{
    uint32_t run = 0, at = 0;
    for (uint32_t i = t->type->parameter_count; i < t->local_count; i++) {
        const wrt_type type = t->local_types[i];
        if (run != 0 && t->lives[at].type == type && run < UINT16_MAX) {
            t->lives[at].count = (uint16_t)++run;
            continue;
        }
        run = 1;
        if (!list(t, (struct wrt_live){at, type, (uint16_t)wrt_local_slot(t, i), 1}, &at))
            return false;
    }
    t->live_locals = at;
    return true;
}

bool wrt_begin_points(struct translator *t)
{
    uint32_t end = 0;
    t->point_count = t->live_count = t->listed = 0;
    return list(t, (struct wrt_live){0}, &end) && list_locals(t) && wrt_point_here(t, 0);
}

/* The lowest `count` operands. */
static bool list_operands(struct translator *t, uint32_t count, uint32_t *out)
{
    uint32_t at = t->listed == 0 ? t->live_locals : t->operands[t->listed - 1].live;
    if (t->listed > count)
        at = count == 0 ? t->live_locals : t->operands[count - 1].live;
    for (; t->listed < count; t->listed++) {
        struct operand *o = &t->operands[t->listed];
        const bool is_there = o->kind == AT_HOME || (o->kind == AT_SUM && o->local == WRT_NONE);
        if (is_there &&
            !list(t, (struct wrt_live){at, o->type, (uint16_t)o->slot, 1}, &at))
            return false;
        o->live = at;
    }
    *out = at;
    return true;
}

static bool add_point(struct translator *t, struct wrt_point point)
{
    if (!wrt_grow_scratch(t, &t->points, &t->point_capacity, t->point_count + 1,
                          sizeof *t->points))
        return false;
    t->points[t->point_count++] = point;
    return true;
}

bool wrt_point_here(struct translator *t, uint32_t count)
{
    uint32_t here = 0;
    return !t->live || (list_operands(t, count, &here) &&
                        add_point(t, (struct wrt_point){.word = t->code_count & 0xffffff,
                                                        .here = here}));
}

bool wrt_point_call(struct translator *t, uint32_t first, uint32_t count, bool direct,
                    const struct wrt_function_type *type)
{
    /* the function type is the first member of its definition */
    const struct wrt_type_def *def = (const struct wrt_type_def *)(const void *)type;
    struct wrt_point point = {.word = t->last.at & 0xffffff,
                              .size = (t->last.end - t->last.at) & 0xff,
                              .here = WRT_NOT_HERE,
                              .type = (uint32_t)(def - t->module->types)};
    if (!direct && !list_operands(t, first + count, &point.here))
        return false;
    const bool ok = list_operands(t, first, &point.after) && add_point(t, point);
    wrt_unlist(t, first);
    return ok;
}
