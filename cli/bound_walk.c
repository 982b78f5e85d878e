/* cli/bound_walk.c - one pass over a function: the longest path, and turns of counted loops.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Values are named as in static single assignment: an operand or local is a constant, or a symbol
 * plus a constant. A symbol never changes: each turn of a loop and each join of paths begins new
 * ones for the locals that are written there. So a fact about symbols that a branch established
 * holds for the rest of the path.
 *
 * At the head of loop k each local L that is written in it becomes the symbol (k, L). If every way
 * back to the head leaves L at (k, L) + c, its value in turn n is start + n * c; a condition on it
 * that each way back has passed then bounds the turns.
 *
 * Costs inside a loop count from its head; what leaves it for a label outside waits in a list
 * until the turns are known at the loop's end.
 */
#include <stdlib.h>
#include <string.h>

#include "bound.h"

#define NONE UINT32_MAX
#define MOST_WORK UINT64_C(100000000) /* steps in one function; beyond it is TOO_COMPLEX */
#define MOST_FACTS_SEEN 256           /* newest facts that are looked at for one range */
#define PASSES 3                      /* over a function with loops inside loops */

enum value_kind { IS_CONST, IS_SYMBOL, IS_COMPARE, IS_OPAQUE };

struct value {
    uint8_t kind, slots;
    bool is_64;
    bool is_negated; /* IS_COMPARE */
    uint32_t index;  /* symbol or comparison */
    uint64_t add;    /* IS_CONST: the value */
};

struct symbol {
    struct bound_range range;
    uint32_t loop, local; /* the head of which loop made it; NONE: none */
};

struct comparison {
    enum bound_relation relation;
    struct value a, b;
};

struct fact {
    struct comparison is;
    uint64_t id;
};

/* What a loop's pass found out about a local, for the next pass. */
struct induction {
    uint32_t local;
    struct value entry;
    struct bound_range start; /* of entry, when the loop was entered */
    uint32_t symbol;
    uint64_t step;
    bool is_stepped, is_broken; /* all ways back agree; two differ, or one is unknown */
    struct bound_range known;   /* of the symbol, from the pass before */
    bool has_known;
};

struct back_edge {
    uint64_t turns; /* BOUND_NONE: no bound by this one */
    uint32_t induction, next;
    enum bound_relation relation;
    struct bound_range start;
    uint64_t step;
    bool is_64;
};

struct loop {
    uint32_t control;             /* its label */
    uint32_t first_set, set_end;  /* of writes in the body: walk.sets */
    uint32_t first_induction, induction_count;
    struct bound_cost entry, round;
    uint32_t first_exit, outer;   /* of walk.exits; the loop around */
    uint32_t first_symbol, last_back, back_count; /* walk.backs, chained */
    uint64_t first_fact, byte;
    bool is_entered;
};

struct control {
    uint8_t kind; /* opcode: block, loop, if; 0: the function */
    bool is_dead;           /* stands in code that cannot run */
    bool has_branch, has_else;
    uint32_t height;        /* operands below its parameters */
    struct wrt_function_type type;
    wrt_type single;        /* room for a type of one result */
    struct bound_cost most; /* of branches to its end */
    uint64_t least_fact;    /* newest fact that all branches to it share */
    uint32_t log_mark, loop;
    struct bound_cost else_cost;
    uint64_t else_fact;
    struct comparison condition;
    bool has_condition;
};

struct exit_edge {
    uint32_t control;
    struct bound_cost cost;
};

struct undo {
    uint32_t local;
    struct value old;
};

struct walk {
    struct bound_module *m;
    struct bound_function *f;
    uint32_t function;
    struct bound_reader code;
    bool is_live, has_failed;
    struct bound_cost here;
    uint64_t work, next_fact;
    uint64_t stack;
    uint32_t first_slot, loop_of; /* innermost loop */
    uint32_t edge;                /* next call */

    struct value *locals, *operands;
    struct symbol *symbols;
    struct comparison *comparisons;
    struct fact *facts;
    struct loop *loops;
    struct control *controls;
    struct exit_edge *exits;
    struct undo *log;
    uint32_t *sets; /* locals in the order of the instructions that write them */
    struct induction *inductions;
    struct back_edge *backs;
    wrt_type *types; /* of locals */
    uint32_t local_count, height, symbol_count, comparison_count, fact_count, loop_count;
    uint32_t control_count, exit_count, log_count, set_count, induction_count, back_count;
    uint32_t local_capacity, type_capacity, operand_capacity, symbol_capacity, comparison_capacity;
    uint32_t fact_capacity, loop_capacity, control_capacity, exit_capacity, log_capacity;
    uint32_t set_capacity, induction_capacity, back_capacity;
    uint32_t loops_seen;
    bool is_nested;
};

#define operand_count height /* for ROOM */
#define ROOM(w, array, count) \
    (bound_grow((w)->m, &(w)->array, &(w)->count##_capacity, (w)->count##_count, \
                sizeof *(w)->array) || fail(w))

static bool fail(struct walk *w)
{
    w->has_failed = true;
    return false;
}

static bool spend(struct walk *w, uint64_t steps)
{
    w->work += steps;
    return w->work <= MOST_WORK || fail(w);
}

/* ---- costs ---- */

static void join(struct bound_cost *to, const struct bound_cost *from)
{
    to->fuel = bound_most(to->fuel, from->fuel);
    to->median_ps = bound_most(to->median_ps, from->median_ps);
    to->worst_ps = bound_most(to->worst_ps, from->worst_ps);
}

static struct bound_cost plus(struct bound_cost a, struct bound_cost b)
{
    return (struct bound_cost){bound_add(a.fuel, b.fuel), bound_add(a.median_ps, b.median_ps),
                               bound_add(a.worst_ps, b.worst_ps)};
}

static struct bound_cost times(struct bound_cost a, uint64_t n)
{
    return (struct bound_cost){bound_multiply(a.fuel, n), bound_multiply(a.median_ps, n),
                               bound_multiply(a.worst_ps, n)};
}

/* `count` units of fuel of that class. */
static void charge(struct walk *w, enum bound_class of, uint64_t count)
{
    const struct bound_times *t = w->m->times;
    const struct bound_cost cost = {count, t != NULL ? bound_multiply(t->median[of], count) : 0,
                                    t != NULL ? bound_multiply(t->worst[of], count) : 0};
    w->here = plus(w->here, cost);
}

/* ---- values ---- */

static struct value constant(uint64_t bits, bool is_64)
{
    return (struct value){.kind = IS_CONST, .slots = 1, .is_64 = is_64, .add = bits};
}

static struct value opaque(uint8_t slots)
{
    return (struct value){.kind = IS_OPAQUE, .slots = slots};
}

static struct value new_symbol(struct walk *w, bool is_64, struct bound_range range)
{
    if (!ROOM(w, symbols, symbol))
        return opaque(1);
    w->symbols[w->symbol_count] = (struct symbol){.range = range, .loop = NONE, .local = NONE};
    return (struct value){.kind = IS_SYMBOL, .slots = 1, .is_64 = is_64, .index = w->symbol_count++};
}

/* Nothing is known of it, but it may be compared later. */
static struct value fresh(struct walk *w, wrt_type type)
{
    if (type == WRT_I32 || type == WRT_I64)
        return new_symbol(w, type == WRT_I64, bound_any(type == WRT_I64));
    return opaque(type == WRT_V128 ? 2 : 1);
}

static bool is_known(struct value v)
{
    return v.kind == IS_CONST || v.kind == IS_SYMBOL;
}

/* The range of symbol s, as newer facts narrow it. `depth`: of looking at other symbols. */
static struct bound_range range_of_symbol(struct walk *w, uint32_t s, bool is_64)
{
    struct bound_range r = w->symbols[s].range;
    const uint32_t least = w->fact_count > MOST_FACTS_SEEN ? w->fact_count - MOST_FACTS_SEEN : 0;
    for (uint32_t i = w->fact_count; i-- > least;) {
        const struct comparison *c = &w->facts[i].is;
        struct value x = c->a, y = c->b;
        enum bound_relation relation = c->relation;
        if (y.kind == IS_SYMBOL && y.index == s) {
            x = c->b;
            y = c->a;
            relation = bound_mirror(relation);
        }
        if (x.kind != IS_SYMBOL || x.index != s || (y.kind == IS_SYMBOL && y.index == s))
            continue;
        const struct bound_range other =
            y.kind == IS_CONST ? bound_exactly(y.add, is_64)
                               : bound_shift(w->symbols[y.index].range, y.add, is_64);
        const struct bound_range moved = bound_shift(r, x.add, is_64);
        const struct bound_range narrow = bound_refine(moved, relation, other, is_64);
        struct bound_range back = bound_shift(narrow, (uint64_t)0 - x.add, is_64);
        back.low = bound_most(back.low, r.low);
        back.high = back.high < r.high ? back.high : r.high;
        back.signed_low = back.signed_low > r.signed_low ? back.signed_low : r.signed_low;
        back.signed_high = back.signed_high < r.signed_high ? back.signed_high : r.signed_high;
        if (back.low <= back.high && back.signed_low <= back.signed_high)
            r = bound_tighten(back, is_64);
    }
    (void)spend(w, w->fact_count - least);
    return r;
}

static struct bound_range range_of(struct walk *w, struct value v)
{
    switch ((enum value_kind)v.kind) {
    case IS_CONST: return bound_exactly(v.add, v.is_64);
    case IS_SYMBOL: return bound_shift(range_of_symbol(w, v.index, v.is_64), v.add, v.is_64);
    case IS_COMPARE: return (struct bound_range){0, 1, 0, 1};
    case IS_OPAQUE: break;
    }
    return bound_any(true);
}

/* The same, of an operand that is known to have that width. */
static struct bound_range range_as(struct walk *w, struct value v, bool is_64)
{
    return v.kind == IS_OPAQUE ? bound_any(is_64) : range_of(w, v);
}

/* ---- the operand stack ---- */

static bool push(struct walk *w, struct value v)
{
    if (!ROOM(w, operands, operand))
        return false;
    w->operands[w->height++] = v;
    return true;
}

static struct value pop(struct walk *w)
{
    return w->height != 0 ? w->operands[--w->height] : opaque(1);
}

static bool push_types(struct walk *w, const wrt_type *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!push(w, fresh(w, types[i])))
            return false;
    return true;
}

/* The slot in the frame where operand `index` is at home. */
static uint64_t home_of(struct walk *w, uint32_t index)
{
    uint64_t slot = w->first_slot;
    for (uint32_t i = 0; i < index && i < w->height; i++)
        slot += w->operands[i].slots;
    (void)spend(w, index);
    return slot;
}

/* ---- locals ---- */

static void set_local(struct walk *w, uint32_t local, struct value v)
{
    if (local >= w->local_count || !ROOM(w, log, log))
        return;
    w->log[w->log_count++] = (struct undo){local, w->locals[local]};
    w->locals[local] = v;
}

/* Paths join: locals that were written since `mark` may be anything. */
static void forget_since(struct walk *w, uint32_t mark)
{
    const uint32_t first = w->symbol_count;
    if (!spend(w, w->log_count - mark))
        return;
    for (uint32_t i = mark; i < w->log_count; i++) {
        const uint32_t local = w->log[i].local;
        const struct value v = w->locals[local];
        if (v.kind != IS_OPAQUE && !(v.kind == IS_SYMBOL && v.index >= first))
            w->locals[local] = fresh(w, w->types[local]);
    }
}

static void undo_since(struct walk *w, uint32_t mark)
{
    if (!spend(w, w->log_count - mark))
        return;
    for (uint32_t i = w->log_count; i-- > mark;)
        w->locals[w->log[i].local] = w->log[i].old;
}

/* ---- facts ---- */

static uint64_t newest_fact(const struct walk *w)
{
    return w->fact_count == 0 ? 0 : w->facts[w->fact_count - 1].id;
}

static void drop_facts(struct walk *w, uint64_t after)
{
    while (w->fact_count != 0 && w->facts[w->fact_count - 1].id > after)
        w->fact_count--;
}

static void learn(struct walk *w, const struct comparison *c)
{
    if (!is_known(c->a) || !is_known(c->b) || !ROOM(w, facts, fact))
        return;
    w->facts[w->fact_count++] = (struct fact){.is = *c, .id = ++w->next_fact};
}

/* What is true if v is not 0. */
static bool meaning(const struct walk *w, struct value v, struct comparison *out)
{
    if (v.kind == IS_OPAQUE)
        return false;
    if (v.kind == IS_COMPARE) {
        *out = w->comparisons[v.index];
        if (v.is_negated)
            out->relation = bound_not(out->relation);
        return true;
    }
    *out = (struct comparison){BOUND_NE, v, constant(0, v.is_64)};
    return true;
}

static struct comparison negated(struct comparison c)
{
    c.relation = bound_not(c.relation);
    return c;
}

/* ---- loops ---- */

/* Of local `local` in loop `k`; inductions are sorted by local. */
static struct induction *induction_of(struct walk *w, const struct loop *k, uint32_t local)
{
    uint32_t low = k->first_induction, high = low + k->induction_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (w->inductions[middle].local < local)
            low = middle + 1;
        else
            high = middle;
    }
    return low < k->first_induction + k->induction_count && w->inductions[low].local == local
               ? &w->inductions[low]
               : NULL;
}

static void enter_loop(struct walk *w, uint32_t index)
{
    struct loop *k = &w->loops[index];
    k->entry = w->here;
    w->here = (struct bound_cost){0};
    k->round = (struct bound_cost){0};
    k->outer = w->loop_of;
    k->first_exit = w->exit_count;
    k->last_back = NONE;
    k->back_count = 0;
    k->first_fact = w->next_fact;
    k->is_entered = true;
    w->loop_of = index;
    if (!spend(w, k->induction_count))
        return;
    for (uint32_t i = 0; i < k->induction_count; i++) {
        struct induction *v = &w->inductions[k->first_induction + i];
        v->entry = w->locals[v->local];
        v->start = range_of(w, v->entry);
        v->is_stepped = v->is_broken = false;
    }
    k->first_symbol = w->symbol_count;
    for (uint32_t i = 0; i < k->induction_count; i++) {
        struct induction *v = &w->inductions[k->first_induction + i];
        struct value head = fresh(w, w->types[v->local]);
        if (head.kind == IS_SYMBOL) {
            w->symbols[head.index].loop = index;
            w->symbols[head.index].local = v->local;
            if (v->has_known)
                w->symbols[head.index].range = v->known;
            v->symbol = head.index;
        }
        set_local(w, v->local, head);
    }
}

/* All locals of loop k on one way back to its head. */
static void note_steps(struct walk *w, struct loop *k)
{
    if (!spend(w, k->induction_count))
        return;
    for (uint32_t i = 0; i < k->induction_count; i++) {
        struct induction *v = &w->inductions[k->first_induction + i];
        const struct value now = w->locals[v->local];
        if (now.kind != IS_SYMBOL || now.index != v->symbol ||
            (v->is_stepped && now.add != v->step))
            v->is_broken = true;
        v->is_stepped = true;
        v->step = now.add;
    }
}

/* The turns that one fact allows to the way back that is being taken. */
static bool fact_turns(struct walk *w, struct loop *k, struct comparison c, struct back_edge *out)
{
    for (int side = 0; side < 2; side++) {
        const struct value x = side == 0 ? c.a : c.b, limit = side == 0 ? c.b : c.a;
        const enum bound_relation r = side == 0 ? c.relation : bound_mirror(c.relation);
        if (x.kind != IS_SYMBOL || w->symbols[x.index].loop != (uint32_t)(k - w->loops) ||
            x.index < k->first_symbol ||
            (limit.kind == IS_SYMBOL && limit.index >= k->first_symbol))
            continue;
        const struct induction *v = induction_of(w, k, w->symbols[x.index].local);
        if (v == NULL || v->symbol != x.index || v->is_broken || !v->is_stepped)
            continue;
        const struct bound_range start = bound_shift(v->start, x.add, x.is_64);
        uint64_t turns = 0;
        if (!bound_turns(r, start, v->step, range_of(w, limit), x.is_64, &turns))
            continue;
        *out = (struct back_edge){.turns = turns, .relation = r, .start = start, .step = v->step,
                                  .is_64 = x.is_64, .induction = (uint32_t)(v - w->inductions)};
        return true;
    }
    return false;
}

/* A path leaves for the label `control`. Its cost counts from the head of the innermost loop:
 * what goes further out waits until the turns of that are known. */
static void leave(struct walk *w, uint32_t control, struct bound_cost cost)
{
    struct loop *inner = w->loop_of == NONE ? NULL : &w->loops[w->loop_of];
    if (inner == NULL || control > inner->control) {
        join(&w->controls[control].most, &cost);
        return;
    }
    if (control == inner->control) {
        join(&inner->round, &cost);
        return;
    }
    for (uint32_t i = inner->first_exit; i < w->exit_count && spend(w, 1); i++)
        if (w->exits[i].control == control) {
            join(&w->exits[i].cost, &cost);
            return;
        }
    if (ROOM(w, exits, exit))
        w->exits[w->exit_count++] = (struct exit_edge){control, cost};
}

/* Control goes back to the head of loop k, having learnt what is in the facts. */
static void go_back(struct walk *w, struct loop *k)
{
    struct back_edge best = {.turns = BOUND_NONE}, found;
    leave(w, k->control, w->here);
    note_steps(w, k);
    for (uint32_t i = w->fact_count; i-- > 0 && w->facts[i].id > k->first_fact && spend(w, 1);)
        if (fact_turns(w, k, w->facts[i].is, &found) && found.turns < best.turns)
            best = found;
    best.next = k->last_back;
    if (!ROOM(w, backs, back))
        return;
    k->last_back = w->back_count;
    w->backs[w->back_count++] = best;
    k->back_count++;
}

/* Each way back bounds the turns that it takes part in. Where there are several, one may carry on
 * past the turn in which the condition of another failed first: it must fail for good. */
static uint64_t turns_of(struct walk *w, const struct loop *k)
{
    uint64_t most = 0;
    for (uint32_t i = k->last_back; i != NONE; i = w->backs[i].next)
        most = bound_most(most, w->backs[i].turns);
    if (k->back_count <= 1 || most == BOUND_NONE)
        return most;
    for (uint32_t i = k->last_back; i != NONE; i = w->backs[i].next) {
        const struct back_edge *b = &w->backs[i];
        if (w->inductions[b->induction].is_broken || /* by a way back that came later */
            (b->turns != most &&
             !bound_still_fails(b->relation, b->start, b->step, most, b->is_64)))
            return BOUND_NONE;
    }
    return most;
}

/* What the next pass may know of the locals of a loop that turns that often. */
static void keep_ranges(struct walk *w, const struct loop *k, uint64_t turns)
{
    for (uint32_t i = 0; i < k->induction_count; i++) {
        struct induction *v = &w->inductions[k->first_induction + i];
        const wrt_type type = w->types[v->local];
        const bool is_64 = type == WRT_I64;
        if (turns > INT32_MAX || (type != WRT_I32 && type != WRT_I64) || v->is_broken)
            continue;
        const uint64_t step = v->is_stepped ? v->step : 0;
        const int64_t by = is_64 ? (int64_t)step : (int32_t)(uint32_t)step;
        if (by > INT32_MAX || by < INT32_MIN)
            continue;
        const struct bound_range last = bound_shift(v->start, (uint64_t)(by * (int64_t)turns), is_64);
        struct bound_range r = bound_any(is_64);
        /* in a reading where the last value is on the side of the step, none has wrapped */
        if (by >= 0 ? last.low >= v->start.low && last.high >= v->start.high
                    : last.low <= v->start.low && last.high <= v->start.high) {
            r.low = by >= 0 ? v->start.low : last.low;
            r.high = by >= 0 ? last.high : v->start.high;
        }
        if (by >= 0 ? last.signed_low >= v->start.signed_low && last.signed_high >= v->start.signed_high
                    : last.signed_low <= v->start.signed_low && last.signed_high <= v->start.signed_high) {
            r.signed_low = by >= 0 ? v->start.signed_low : last.signed_low;
            r.signed_high = by >= 0 ? last.signed_high : v->start.signed_high;
        }
        v->known = bound_tighten(r, is_64);
        v->has_known = true;
    }
}

static void leave_loop(struct walk *w, uint32_t index)
{
    struct loop *k = &w->loops[index];
    const uint64_t turns = turns_of(w, k);
    const uint32_t exit_end = w->exit_count;
    if (turns == BOUND_NONE)
        bound_note(w->m, w->function, k->byte, BOUND_LOOP, 0);
    else
        keep_ranges(w, k, turns);
    const struct bound_cost none = {BOUND_NONE, BOUND_NONE, BOUND_NONE};
    const struct bound_cost rounds = turns == BOUND_NONE ? none : times(k->round, turns);
    const struct bound_cost before = plus(k->entry, rounds);
    w->here = plus(before, w->here);
    w->loop_of = k->outer;
    w->exit_count = k->first_exit; /* they are read before they are overwritten, in order */
    for (uint32_t i = k->first_exit; i < exit_end; i++) {
        const struct exit_edge e = w->exits[i];
        leave(w, e.control, plus(before, e.cost));
    }
    /* An endless loop is a cost of the function even if nothing comes out of it. */
    if (turns == BOUND_NONE)
        leave(w, 0, none);
}

/* ---- blocks ---- */

static struct control *innermost(struct walk *w)
{
    return &w->controls[w->control_count - 1];
}

static void block_type(struct walk *w, const struct bound_instruction *in, struct control *c)
{
    if (in->has_index) {
        if (wrt_module_get_type(w->m->module, in->a, &c->type) != WRT_OK)
            fail(w);
    } else if (in->single != 0) {
        c->single = in->single;
        c->type.result_count = 1;
    }
}

static const wrt_type *results_of(const struct control *c)
{
    return c->single != 0 ? &c->single : c->type.results;
}

static void begin_block(struct walk *w, const struct bound_instruction *in)
{
    struct control c = {.kind = (uint8_t)in->opcode, .is_dead = !w->is_live, .least_fact = UINT64_MAX,
                        .log_mark = w->log_count, .loop = NONE};
    if (in->opcode == 0x04 && w->is_live) {
        charge(w, BOUND_BRANCH, 1);
        c.has_condition = meaning(w, pop(w), &c.condition);
    }
    if (w->is_live) {
        block_type(w, in, &c);
        c.height = w->height >= c.type.parameter_count ? w->height - c.type.parameter_count : 0;
    }
    c.else_cost = w->here;
    c.else_fact = newest_fact(w);
    if (in->opcode == 0x03)
        c.loop = w->loops_seen++;
    if (!ROOM(w, controls, control))
        return;
    w->controls[w->control_count++] = c;
    if (!w->is_live)
        return;
    if (in->opcode == 0x03) {
        w->height = c.height;
        (void)push_types(w, c.type.parameters, c.type.parameter_count);
        w->loops[c.loop].control = w->control_count - 1;
        w->loops[c.loop].byte = in->byte;
        enter_loop(w, c.loop);
    }
    if (in->opcode == 0x04 && c.has_condition)
        learn(w, &c.condition);
}

/* A path arrives at the end of control `index`, with the facts of now. */
static void arrive(struct walk *w, uint32_t index)
{
    struct control *c = &w->controls[index];
    c->has_branch = true;
    if (newest_fact(w) < c->least_fact)
        c->least_fact = newest_fact(w);
    leave(w, index, w->here);
}

static void branch_to(struct walk *w, uint32_t depth)
{
    if (depth >= w->control_count)
        return;
    const uint32_t index = w->control_count - 1 - depth;
    const struct control *c = &w->controls[index];
    if (c->kind != 0x03) {
        arrive(w, index);
        return;
    }
    go_back(w, &w->loops[c->loop]);
}

static void end_path(struct walk *w)
{
    const struct control *c = innermost(w);
    w->height = c->height;
    w->is_live = false;
}

static void begin_else(struct walk *w)
{
    struct control *c = innermost(w);
    c->has_else = true;
    if (c->is_dead)
        return;
    if (w->is_live)
        arrive(w, w->control_count - 1);
    c = innermost(w);
    w->here = c->else_cost;
    w->is_live = true;
    w->height = c->height;
    undo_since(w, c->log_mark);
    drop_facts(w, c->else_fact);
    const struct comparison otherwise = negated(c->condition);
    if (c->has_condition)
        learn(w, &otherwise);
    (void)push_types(w, c->type.parameters, c->type.parameter_count);
}

/* An `if` without else: not taken, it goes on with what it began with. */
static bool end_if(struct walk *w, struct control *c)
{
    if (c->kind != 0x04 || c->has_else)
        return false;
    const struct comparison otherwise = negated(c->condition);
    if (w->is_live || c->has_branch) {
        if (w->is_live && newest_fact(w) < c->least_fact)
            c->least_fact = newest_fact(w);
        if (c->else_fact < c->least_fact)
            c->least_fact = c->else_fact;
        if (w->is_live)
            join(&c->most, &w->here);
        join(&c->most, &c->else_cost);
        c->has_branch = true;
        w->is_live = false;
        return false;
    }
    /* the arm never comes here: all is as before, and the condition is false */
    w->is_live = true;
    w->here = c->else_cost;
    w->height = c->height;
    undo_since(w, c->log_mark);
    drop_facts(w, c->else_fact);
    if (c->has_condition)
        learn(w, &otherwise);
    (void)push_types(w, c->type.parameters, c->type.parameter_count);
    return true;
}

static void end_block(struct walk *w)
{
    struct control c = *innermost(w);
    if (c.is_dead) {
        w->control_count--;
        return;
    }
    if (c.kind == 0x03) {
        leave_loop(w, c.loop);
        w->control_count--;
        return;
    }
    if (end_if(w, &c)) {
        w->control_count--;
        return;
    }
    if (c.has_branch) {
        if (w->is_live) {
            join(&c.most, &w->here);
            if (newest_fact(w) < c.least_fact)
                c.least_fact = newest_fact(w);
        }
        w->here = c.most;
        w->is_live = true;
        forget_since(w, c.log_mark);
        drop_facts(w, c.least_fact);
        w->height = c.height;
        (void)push_types(w, results_of(&c), c.type.result_count);
    }
    w->control_count--;
}

/* ---- instructions ---- */

static void branch_if(struct walk *w, uint32_t depth)
{
    struct comparison c = {0};
    const bool has_meaning = meaning(w, pop(w), &c);
    const uint64_t before = newest_fact(w);
    if (has_meaning)
        learn(w, &c);
    branch_to(w, depth);
    drop_facts(w, before);
    const struct comparison otherwise = negated(c);
    if (has_meaning)
        learn(w, &otherwise);
}

static void branch_table(struct walk *w, struct bound_instruction *in)
{
    (void)pop(w);
    for (uint64_t i = 0; i <= in->a && spend(w, 1); i++)
        branch_to(w, (uint32_t)bound_leb(&in->labels, false));
    end_path(w);
}

static void raise_stack(struct walk *w, uint64_t slots)
{
    w->stack = bound_most(w->stack, slots);
}

/* One function that a call may reach; its arguments are at home from `first` on. */
static void call_one(struct walk *w, uint32_t callee, uint64_t first, bool is_tail,
                     struct bound_cost *most)
{
    const struct bound_function *f = &w->m->functions[callee];
    if (f->body == NULL) {
        raise_stack(w, first + f->parameter_slots + 1 + f->result_slots);
        return;
    }
    join(most, &f->cost);
    raise_stack(w, bound_add(is_tail ? 0 : first, f->stack_slots));
}

static void finish_call(struct walk *w, const struct wrt_function_type *type, uint32_t targets,
                        const struct bound_edge *edges, bool is_tail)
{
    struct bound_cost most = {0};
    for (uint32_t i = 0; i < type->parameter_count; i++)
        (void)pop(w);
    const uint64_t first = home_of(w, w->height);
    for (uint32_t i = 0; i < targets && spend(w, 1); i++)
        call_one(w, edges[i].to, first, is_tail, &most);
    w->here = plus(w->here, most);
    if (is_tail) {
        arrive(w, 0);
        end_path(w);
    } else {
        (void)push_types(w, type->results, type->result_count);
    }
}

/* The edges were found in the order of the instructions: those of this one come next. */
static uint32_t take_edges(struct walk *w, uint64_t byte, const struct bound_edge **out)
{
    const struct bound_function *f = w->f;
    *out = NULL;
    if (f->edge_count == 0) /* the module may have no array of them */
        return 0;
    while (w->edge < f->edge_count && w->m->edges[f->first_edge + w->edge].byte < byte)
        w->edge++;
    uint32_t count = 0;
    *out = w->m->edges + f->first_edge + w->edge;
    while (w->edge + count < f->edge_count && (*out)[count].byte == byte)
        count++;
    return count;
}

static void call(struct walk *w, const struct bound_instruction *in)
{
    const struct bound_edge *edges = NULL;
    const uint32_t count = take_edges(w, in->byte, &edges);
    struct wrt_extern_type item;
    if (wrt_module_get_item(w->m->module, WRT_EXTERN_FUNCTION, in->a, &item) != WRT_OK)
        return;
    charge(w, w->m->functions[in->a].body == NULL ? BOUND_CALL_HOST : BOUND_CALL, 1);
    finish_call(w, &item.function, count, edges, in->opcode == 0x12);
}

static void call_indirect(struct walk *w, const struct bound_instruction *in)
{
    const struct bound_edge *edges = NULL;
    const uint32_t count = take_edges(w, in->byte, &edges);
    struct wrt_function_type type;
    if (wrt_module_get_type(w->m->module, in->b, &type) != WRT_OK)
        return;
    (void)pop(w);
    charge(w, BOUND_CALL_INDIRECT, 1);
    if (w->m->tables[in->a].is_open) {
        w->stack = BOUND_NONE;
        w->here.fuel = w->here.median_ps = w->here.worst_ps = BOUND_NONE;
    }
    finish_call(w, &type, count, edges, in->opcode == 0x13);
}

/* What a bulk operation of `count` items may pay above its one unit. */
static void charge_bulk(struct walk *w, enum bound_class of, struct value count, uint64_t most,
                        uint64_t items_per_unit)
{
    const struct bound_range r = range_of(w, count);
    const uint64_t items = r.high < most ? r.high : most;
    if (items == BOUND_NONE) {
        w->here.fuel = w->here.median_ps = w->here.worst_ps = BOUND_NONE;
        return;
    }
    charge(w, of, items / items_per_unit);
}

static uint64_t most_bytes(struct walk *w, uint32_t memory)
{
    struct wrt_extern_type type;
    if (wrt_module_get_item(w->m->module, WRT_EXTERN_MEMORY, memory, &type) != WRT_OK)
        return BOUND_NONE;
    if (type.memory.limits.has_maximum)
        return bound_multiply(type.memory.limits.maximum, type.memory.page_bytes);
    return type.memory.is_64 ? BOUND_NONE : UINT64_C(1) << 32;
}

static uint64_t most_elements(struct walk *w, uint32_t table)
{
    struct wrt_extern_type type;
    if (wrt_module_get_item(w->m->module, WRT_EXTERN_TABLE, table, &type) == WRT_OK &&
        type.table.limits.has_maximum && type.table.limits.maximum < UINT32_MAX)
        return type.table.limits.maximum;
    return UINT32_MAX;
}

/* Of a memory or table operation: its length is on top of the stack. */
static void bulk(struct walk *w, const struct bound_instruction *in)
{
    const struct value top = w->height != 0 ? w->operands[w->height - 1] : opaque(1);
    const uint32_t which = in->opcode & 0xFFFF;
    switch (which) {
    case 8: charge_bulk(w, BOUND_BULK, top, most_bytes(w, in->b), 64); break;
    case 10: case 11: charge_bulk(w, BOUND_BULK, top, most_bytes(w, in->a), 64); break;
    case 12: charge_bulk(w, BOUND_BULK, top, most_elements(w, in->b), 8); break;
    case 14: case 15: case 17: charge_bulk(w, BOUND_BULK, top, most_elements(w, in->a), 8); break;
    default: break;
    }
}

static void apply_effect(struct walk *w, const struct bound_instruction *in)
{
    struct bound_effect effect = {"", ""};
    if (!bound_effect_of(in->opcode, &effect)) {
        fail(w);
        return;
    }
    for (const char *p = effect.pops; *p != 0; p++)
        (void)pop(w);
    for (const char *p = effect.pushes; *p != 0; p++)
        (void)push(w, opaque(*p == 'v' ? 2 : 1));
}

static bool is_compare(uint32_t opcode)
{
    return (opcode >= 0x46 && opcode <= 0x4F) || (opcode >= 0x51 && opcode <= 0x5A);
}

static void compare(struct walk *w, uint32_t opcode)
{
    const struct value b = pop(w), a = pop(w);
    const uint32_t base = opcode <= 0x4F ? 0x46 : 0x51;
    if (!is_known(a) || !is_known(b) || !ROOM(w, comparisons, comparison)) {
        (void)push(w, new_symbol(w, false, (struct bound_range){0, 1, 0, 1}));
        return;
    }
    w->comparisons[w->comparison_count] =
        (struct comparison){(enum bound_relation)(opcode - base), a, b};
    (void)push(w, (struct value){.kind = IS_COMPARE, .slots = 1, .index = w->comparison_count++});
}

static void equal_zero(struct walk *w, bool is_64)
{
    struct value v = pop(w);
    if (v.kind == IS_COMPARE) {
        v.is_negated = !v.is_negated;
        (void)push(w, v);
    } else {
        (void)push(w, v);
        (void)push(w, constant(0, is_64));
        compare(w, is_64 ? 0x51 : 0x46);
    }
}

static struct bound_range halved(struct bound_range r, struct bound_range x, uint64_t bits)
{
    r.low = x.low >> bits;
    r.high = x.high >> bits;
    return r;
}

static struct bound_range multiplied(struct bound_range r, struct bound_range x, uint64_t low,
                                     uint64_t high)
{
    r.low = x.low * low;
    r.high = x.high * high;
    return r;
}

static uint64_t cut(uint64_t value, bool is_64)
{
    return is_64 ? value : (uint32_t)value;
}

/* a + b, or a - b; what else integers do is known by its range at most. */
static void arithmetic(struct walk *w, uint32_t opcode)
{
    const bool is_64 = opcode >= 0x79;
    const uint32_t op = is_64 ? opcode - 0x7C : opcode - 0x6A; /* 0 add, 1 sub, 2 mul, .. */
    const struct value b = pop(w), a = pop(w);
    const bool both = a.kind == IS_CONST && b.kind == IS_CONST;
    struct bound_range r = bound_any(is_64);
    struct value out = {0};
    if (op == 0 && is_known(a) && is_known(b) && (a.kind == IS_CONST || b.kind == IS_CONST)) {
        out = a.kind == IS_CONST ? b : a;
        out.add = cut(a.add + b.add, is_64);
    } else if (op == 1 && is_known(a) && b.kind == IS_CONST) {
        out = a;
        out.add = cut(a.add - b.add, is_64);
    } else if (op == 2 && both) {
        out = constant(cut(a.add * b.add, is_64), is_64);
    } else if (op == 7 && both) {
        out = constant(a.add & b.add, is_64);
    } else if (op == 10 && both) {
        out = constant(cut(a.add << (b.add & (is_64 ? 63 : 31)), is_64), is_64);
    } else {
        const struct bound_range x = range_as(w, a, is_64), y = range_as(w, b, is_64);
        if (op == 7) /* and: no more than either */
            r.high = x.high < y.high ? x.high : y.high;
        else if (op == 6 && y.low != 0) /* rem_u */
            r.high = y.high - 1;
        else if (op == 4 && y.low != 0) /* div_u */
            r = (struct bound_range){x.low / y.high, x.high / y.low, r.signed_low, r.signed_high};
        else if (op == 12 && y.low == y.high) /* shr_u */
            r = halved(r, x, y.low & (is_64 ? 63 : 31));
        else if (op == 2 && y.high != 0 && x.high <= cut(UINT64_MAX, is_64) / y.high) /* mul */
            r = multiplied(r, x, y.low, y.high);
        else if (op == 10 && y.low == y.high && y.low < (is_64 ? 64u : 32u) &&
                 x.high <= cut(UINT64_MAX, is_64) >> y.low) /* shl */
            r = multiplied(r, x, UINT64_C(1) << y.low, UINT64_C(1) << y.low);
        out = new_symbol(w, is_64, bound_tighten(r, is_64));
    }
    out.slots = 1;
    (void)push(w, out);
}

/* select(a, b, a < b) and its like: the smaller or larger of two. */
static struct bound_range range_of_select(struct walk *w, struct value a, struct value b,
                                          struct value condition)
{
    struct comparison c;
    struct bound_range x = range_of(w, a), y = range_of(w, b);
    if (!meaning(w, condition, &c))
        return bound_union(x, y);
    const struct value other[] = {a, b};
    struct bound_range *ranges[] = {&x, &y};
    for (int i = 0; i < 2; i++) {
        const enum bound_relation r = i == 0 ? c.relation : bound_not(c.relation);
        const struct value v = other[i];
        if (v.kind != IS_SYMBOL)
            continue;
        if (c.a.kind == IS_SYMBOL && c.a.index == v.index && c.a.add == v.add)
            *ranges[i] = bound_refine(*ranges[i], r, range_of(w, c.b), v.is_64);
        else if (c.b.kind == IS_SYMBOL && c.b.index == v.index && c.b.add == v.add)
            *ranges[i] = bound_refine(*ranges[i], bound_mirror(r), range_of(w, c.a), v.is_64);
    }
    return bound_union(x, y);
}

static void choose(struct walk *w)
{
    const struct value condition = pop(w), b = pop(w), a = pop(w);
    if (is_known(a) && is_known(b) && a.is_64 == b.is_64)
        (void)push(w, new_symbol(w, a.is_64, range_of_select(w, a, b, condition)));
    else
        (void)push(w, opaque(a.slots));
}

/* Results of few values, by opcode: the most they can be, and whether they are i64. */
static bool narrow_result(uint32_t opcode, uint64_t *high, bool *is_64)
{
    *is_64 = opcode == 0x29 || (opcode >= 0x30 && opcode <= 0x35) ||
             (opcode >= 0x79 && opcode <= 0x7B);
    if ((opcode >= 0x5B && opcode <= 0x66) || opcode == 0xD1)
        *high = 1;
    else if (opcode >= 0x67 && opcode <= 0x69)
        *high = 32;
    else if (opcode >= 0x79 && opcode <= 0x7B)
        *high = 64;
    else if (opcode == 0x2D || opcode == 0x31)
        *high = UINT8_MAX;
    else if (opcode == 0x2F || opcode == 0x33)
        *high = UINT16_MAX;
    else if (opcode == 0x28 || opcode == 0x2C || opcode == 0x2E || opcode == 0x35 ||
             opcode == 0xA7 || opcode == 0xC0 || opcode == 0xC1)
        *high = UINT32_MAX;
    else if (*is_64)
        *high = UINT64_MAX;
    else
        return false;
    return true;
}

static bool push_narrow(struct walk *w, uint32_t opcode)
{
    uint64_t high = 0;
    bool is_64 = false;
    if (!narrow_result(opcode, &high, &is_64))
        return false;
    struct bound_range r = bound_any(is_64);
    r.high = high < r.high ? high : r.high;
    const bool has_two = opcode >= 0x5B && opcode <= 0x66;
    for (int i = 0; i < (has_two ? 2 : 1); i++)
        (void)pop(w);
    (void)push(w, new_symbol(w, is_64, bound_tighten(r, is_64)));
    return true;
}

/* i64.extend_i32_u, and _s of what is not negative. */
static void extend(struct walk *w, bool is_signed)
{
    const struct value v = pop(w);
    const struct bound_range x = range_as(w, v, false);
    struct bound_range r = bound_any(true);
    if (v.kind == IS_CONST) {
        (void)push(w, constant(is_signed ? (uint64_t)(int64_t)(int32_t)(uint32_t)v.add : v.add, true));
        return;
    }
    if (is_signed) {
        r.signed_low = x.signed_low < INT32_MIN ? INT32_MIN : x.signed_low;
        r.signed_high = x.signed_high > INT32_MAX ? INT32_MAX : x.signed_high;
    } else {
        r.low = x.low;
        r.high = x.high > UINT32_MAX ? UINT32_MAX : x.high;
    }
    (void)push(w, new_symbol(w, true, bound_tighten(r, true)));
}

static void local_op(struct walk *w, const struct bound_instruction *in)
{
    if (in->a >= w->local_count)
        return;
    if (in->opcode == 0x20) {
        (void)push(w, w->locals[in->a]);
        return;
    }
    struct value v = pop(w);
    if (v.kind == IS_OPAQUE) /* so that it can be compared later */
        v = fresh(w, w->types[in->a]);
    set_local(w, in->a, v);
    if (in->opcode == 0x22)
        (void)push(w, v);
}

static void global_get(struct walk *w, const struct bound_instruction *in)
{
    struct wrt_extern_type item;
    if (wrt_module_get_item(w->m->module, WRT_EXTERN_GLOBAL, in->a, &item) == WRT_OK)
        (void)push(w, fresh(w, item.global.content));
}

/* Instructions that do nothing but compute. */
static void plain(struct walk *w, const struct bound_instruction *in)
{
    const uint32_t opcode = in->opcode;
    if (opcode == 0x41 || opcode == 0x42)
        (void)push(w, constant(in->bits, opcode == 0x42));
    else if (opcode == 0x45 || opcode == 0x50)
        equal_zero(w, opcode == 0x50);
    else if (is_compare(opcode))
        compare(w, opcode);
    else if (((opcode >= 0x6A && opcode <= 0x76) && opcode != 0x6D && opcode != 0x6F) ||
             ((opcode >= 0x7C && opcode <= 0x88) && opcode != 0x7F && opcode != 0x81))
        arithmetic(w, opcode);
    else if (opcode == 0xAC || opcode == 0xAD)
        extend(w, opcode == 0xAC);
    else if (!push_narrow(w, opcode))
        apply_effect(w, in);
}

static void execute(struct walk *w, struct bound_instruction *in)
{
    const uint32_t opcode = in->opcode;
    if (opcode != 0x10 && opcode != 0x11 && opcode != 0x12 && opcode != 0x13)
        charge(w, bound_class_of(opcode), 1);
    if ((opcode >> 16) == 0xFC)
        bulk(w, in);
    switch (opcode) {
    case 0x00: /* a trap: the path ends here */
        arrive(w, 0);
        end_path(w);
        break;
    case 0x0C:
        branch_to(w, in->a);
        end_path(w);
        break;
    case 0x0D: branch_if(w, in->a); break;
    case 0x0E: branch_table(w, in); break;
    case 0x0F:
        arrive(w, 0);
        end_path(w);
        break;
    case 0x10: case 0x12: call(w, in); break;
    case 0x11: case 0x13: call_indirect(w, in); break;
    case 0x1A: (void)pop(w); break;
    case 0x1B: case 0x1C: choose(w); break;
    case 0x20: case 0x21: case 0x22: local_op(w, in); break;
    case 0x23: global_get(w, in); break;
    case 0x24: (void)pop(w); break;
    default: plain(w, in); break;
    }
}

static void step(struct walk *w, struct bound_instruction *in)
{
    switch (in->opcode) {
    case 0x01: break;
    case 0x02: case 0x03: case 0x04: begin_block(w, in); break;
    case 0x05: begin_else(w); break;
    case 0x0B: end_block(w); break;
    default:
        if (w->is_live)
            execute(w, in);
        break;
    }
}

/* ---- a function ---- */

static struct wrt_function_type type_of(struct walk *w)
{
    struct wrt_extern_type item;
    if (wrt_module_get_item(w->m->module, WRT_EXTERN_FUNCTION, w->function, &item) == WRT_OK)
        return item.function;
    fail(w);
    return (struct wrt_function_type){0};
}

static void add_local(struct walk *w, wrt_type type)
{
    if (!bound_grow(w->m, &w->types, &w->type_capacity, w->local_count, sizeof *w->types) ||
        !bound_grow(w->m, &w->locals, &w->local_capacity, w->local_count, sizeof *w->locals)) {
        fail(w);
        return;
    }
    w->types[w->local_count++] = type;
}

static void add_locals(void *context, uint32_t count, wrt_type type)
{
    struct walk *w = context;
    for (uint32_t i = 0; i < count && !w->has_failed; i++)
        add_local(w, type);
    w->first_slot += count * (type == WRT_V128 ? 2 : 1);
}

static int by_local(const void *a, const void *b)
{
    const struct induction *x = a, *y = b;
    return x->local < y->local ? -1 : x->local > y->local;
}

/* The locals that each loop writes: all are known before the first pass. */
static void find_inductions(struct walk *w, struct loop *k)
{
    k->first_induction = w->induction_count;
    if (!spend(w, k->set_end - k->first_set))
        return;
    for (uint32_t i = k->first_set; i < k->set_end; i++) {
        if (!ROOM(w, inductions, induction))
            return;
        w->inductions[w->induction_count++] = (struct induction){.local = w->sets[i], .symbol = NONE};
    }
    const uint32_t count = w->induction_count - k->first_induction;
    uint32_t kept = 0;
    if (count == 0)
        return; /* there may be no array yet; the loop's own count is 0 from the start */
    struct induction *first = w->inductions + k->first_induction;
    qsort(first, count, sizeof *first, by_local);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || first[i].local != first[i - 1].local)
            first[kept++] = first[i];
    k->induction_count = kept;
    w->induction_count = k->first_induction + kept;
}

static void scan_loops(struct walk *w)
{
    struct bound_reader r = w->code;
    struct bound_instruction in;
    while (!w->has_failed && bound_next(&r, &in)) {
        const bool opens = in.opcode >= 0x02 && in.opcode <= 0x04;
        if (opens && ROOM(w, controls, control))
            w->controls[w->control_count++] =
                (struct control){.loop = in.opcode == 0x03 ? w->loop_count : NONE};
        if (in.opcode == 0x03 && ROOM(w, loops, loop))
            w->loops[w->loop_count++] = (struct loop){.first_set = w->set_count, .control = NONE};
        if ((in.opcode == 0x21 || in.opcode == 0x22) && ROOM(w, sets, set))
            w->sets[w->set_count++] = in.a;
        if (in.opcode == 0x0B && w->control_count != 0) {
            const uint32_t loop = w->controls[--w->control_count].loop;
            if (loop != NONE)
                w->loops[loop].set_end = w->set_count;
        }
    }
    w->is_nested = w->loop_count > 1;
    for (uint32_t i = 0; i < w->loop_count && !w->has_failed; i++)
        find_inductions(w, &w->loops[i]);
}

static void begin_pass(struct walk *w)
{
    const struct wrt_function_type own = type_of(w), *type = &own;
    w->height = w->symbol_count = w->comparison_count = w->fact_count = w->exit_count = 0;
    w->log_count = w->back_count = w->control_count = w->loops_seen = w->edge = 0;
    w->here = (struct bound_cost){0};
    w->is_live = true;
    w->loop_of = NONE;
    w->stack = wrt_module_function_frame_slots(w->m->module, w->function);
    for (uint32_t i = 0; i < w->local_count; i++) {
        const bool is_64 = w->types[i] == WRT_I64, is_integer = is_64 || w->types[i] == WRT_I32;
        w->locals[i] = i < type->parameter_count ? fresh(w, w->types[i])
                       : is_integer              ? constant(0, is_64)
                                                 : opaque(w->types[i] == WRT_V128 ? 2 : 1);
    }
    if (ROOM(w, controls, control))
        w->controls[w->control_count++] = (struct control){
            .least_fact = UINT64_MAX, .loop = NONE, .type = {NULL, type->results, 0, type->result_count}};
}

static void pass(struct walk *w)
{
    struct bound_reader r = w->code;
    struct bound_instruction in;
    begin_pass(w);
    while (!w->has_failed && w->control_count != 0 && bound_next(&r, &in)) {
        (void)spend(w, 1);
        if (in.opcode == 0x0B && w->control_count == 1)
            break;
        step(w, &in);
    }
    if (w->has_failed)
        return;
    if (w->is_live)
        join(&w->controls[0].most, &w->here);
    w->f->cost = w->controls[0].most;
    w->f->stack_slots = w->stack;
    w->f->loops = w->loop_count;
}

static void free_walk(struct walk *w)
{
    void *all[] = {w->locals, w->operands, w->symbols, w->comparisons, w->facts, w->loops,
                   w->controls, w->exits, w->log, w->sets, w->inductions, w->backs, w->types};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
}

void bound_walk(struct bound_module *m, uint32_t function)
{
    struct bound_function *f = &m->functions[function];
    struct walk w = {.m = m, .f = f, .function = function};
    const struct wrt_function_type type = type_of(&w);
    for (uint32_t i = 0; i < type.parameter_count; i++)
        add_local(&w, type.parameters[i]);
    w.first_slot = (uint32_t)bound_most(f->parameter_slots, f->result_slots) + 2; /* its header */
    w.code = (struct bound_reader){m->bytes, f->body, f->body + f->body_bytes};
    bound_read_locals(&w.code, add_locals, &w);
    scan_loops(&w);
    const uint32_t causes = m->cause_count;
    for (int i = 0; i < (w.is_nested ? PASSES : 1) && !w.has_failed; i++) {
        m->cause_count = causes; /* what an earlier pass could not prove, this one may */
        pass(&w);
    }
    if (w.has_failed) {
        m->cause_count = causes;
        bound_note(m, function, (uint64_t)(f->body - m->bytes), BOUND_TOO_COMPLEX, 0);
        f->cost = (struct bound_cost){BOUND_NONE, BOUND_NONE, BOUND_NONE};
        f->stack_slots = BOUND_NONE;
    }
    free_walk(&w);
}
