/* engine/fuse.c - picks handlers that do several instructions in one dispatch.
 * SPDX-License-Identifier: Apache-2.0
 *
 * fused.def lists sequences of two and three operations that follow each other often. Where a
 * body has such a sequence, only the handler of its first instruction changes: the others keep
 * theirs, so that branches, resumed calls and traps tried again can still begin at them, and
 * each is at its own word when it runs. From every instruction on, the least number of
 * dispatches to the next unconditional branch is found, from the back.
 */
#include "emit.h"

enum { SET, KEEP };

/* S and R: SET or KEEP, for the results of p and q. */
#define KEY(S, R, p, q, r) \
    ((uint64_t)(S) << 49 | (uint64_t)(R) << 48 | (uint64_t)(p) << 32 | (uint64_t)(q) << 16 | (uint64_t)(r))
#define NO_THIRD 0xFFFF

/* The handler of a sequence; 0: there is none. */
static unsigned look_up(uint64_t key)
{
    switch (key) {
#define FUSE2(S, p, q) \
    case KEY(S, SET, OP_##p, OP_##q, NO_THIRD): return OP_##S##_##p##__##q;
#define FUSE3(S, p, R, q, r) \
    case KEY(S, R, OP_##p, OP_##q, OP_##r): return OP_##S##_##p##__##R##_##q##__##r;
#include "fused.def"
#undef FUSE2
#undef FUSE3
    default: return 0;
    }
}

/* Is the result only for the next instruction? What that reads in the accumulator it has popped,
 * so that a slot of the operand stack is dead then. (fused.def has KEEP only where it does.) */
static bool is_passing(const struct translator *t, const struct position *p)
{
    return t->code[p->word + 1].s.d >= t->first_stack_slot;
}

static unsigned fused_two(const struct translator *t, const struct position *p)
{
    unsigned op = 0;
    if (is_passing(t, p))
        op = look_up(KEY(KEEP, SET, p[0].op, p[1].op, NO_THIRD));
    return op != 0 ? op : look_up(KEY(SET, SET, p[0].op, p[1].op, NO_THIRD));
}

static unsigned fused_three(const struct translator *t, const struct position *p)
{
    unsigned op = 0;
    for (int s = is_passing(t, p); s >= 0; s--)
        for (int r = is_passing(t, p + 1); r >= 0; r--)
            if ((op = look_up(KEY(s, r, p[0].op, p[1].op, p[2].op))) != 0)
                return op;
    return 0;
}

/* Does control never come to what follows? */
static bool ends_path(unsigned op)
{
    return (op >= OP_br && op <= OP_br_table_a) || op == OP_br_back_mov || op == OP_br_back_add ||
           (op >= OP_ret && op <= OP_ret_sd);
}

/* Of instruction i, whose successors are done. */
static void fuse_at(struct translator *t, uint32_t i)
{
    struct position *p = t->positions + i;
    const uint32_t left = t->position_count - i;
    unsigned best = p->op, op = 0;
    p->cost = 1 + (left > 1 && !ends_path(best) ? p[1].cost : 0);
    if (left > 1 && (op = fused_two(t, p)) != 0) {
        const uint32_t cost = 1 + (left > 2 && !ends_path(p[1].op) ? p[2].cost : 0);
        best = cost <= p->cost ? op : best;
        p->cost = cost <= p->cost ? cost : p->cost;
    }
    if (left > 2 && (op = fused_three(t, p)) != 0) {
        const uint32_t cost = 1 + (left > 3 && !ends_path(p[2].op) ? p[3].cost : 0);
        best = cost <= p->cost ? op : best;
        p->cost = cost <= p->cost ? cost : p->cost;
    }
    if (best != p->op)
        t->code[p->word].handler = t->handlers[best];
}

void wrt_fuse(struct translator *t)
{
    for (uint32_t i = t->position_count; i-- > 0;)
        fuse_at(t, i);
}
