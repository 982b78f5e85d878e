/* engine/fuse.c - picks handlers that do several instructions in one dispatch.
 * SPDX-License-Identifier: Apache-2.0
 *
 * fused.def lists sequences of two to five operations that follow each other often. Where a
 * body has such a sequence, only the handler of its first instruction changes: the others keep
 * theirs, so that branches, resumed calls and traps tried again can still begin at them, and
 * each is at its own word when it runs. From every instruction on, the least number of
 * dispatches to the next unconditional branch is found, from the back.
 */
#include "emit.h"
#include "signing.h"

enum { LONGEST = 5, OP_BITS = 12 };
_Static_assert(OP_COUNT < 1 << OP_BITS, "five operations fit a key");

#define AT(i, op) ((uint64_t)(op) + 1) << (i) * OP_BITS
#define KEY_2(a, b) (AT(0, OP_##a) | AT(1, OP_##b))
#define KEY_3(a, b, c) (KEY_2(a, b) | AT(2, OP_##c))
#define KEY_4(a, b, c, d) (KEY_3(a, b, c) | AT(3, OP_##d))
#define KEY_5(a, b, c, d, e) (KEY_4(a, b, c, d) | AT(4, OP_##e))

/* The handler of a sequence; 0: there is none. Bit i of `passing`: the result of instruction i is
 * only for the next. *longer: does a longer sequence begin so? */
static unsigned look_up(uint64_t key, unsigned passing, bool *longer)
{
    switch (key) {
#define IF(mask, name) if (((mask) & ~passing) == 0) return OP_##name;
#define NODE(key_, longer_, ...) case key_: *longer = longer_; __VA_ARGS__ return 0;
#include "fused_nodes.def"
#undef NODE
#undef IF
    default: *longer = false; return 0;
    }
}

/* Is the result only for the next instruction? What that reads in the accumulator it has popped,
 * so that a slot of the operand stack is dead then. (fused.def has KEEP only where it does.) */
static bool is_passing(const struct translator *t, const struct position *p)
{
    return t->code[p->word + 1].s.d >= t->first_stack_slot;
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
    struct position *const p = t->positions + i;
    const uint32_t left = t->position_count - i;
    uint64_t key = AT(0, p->op);
    unsigned best = p->op, passing = 0;
    bool longer = true;
    p->cost = 1 + (left > 1 && !ends_path(best) ? p[1].cost : 0);
    for (unsigned n = 1; longer && n < LONGEST && n < left && !ends_path(p[n - 1].op); n++) {
        key |= AT(n, p[n].op);
        passing |= (unsigned)is_passing(t, p + n - 1) << (n - 1);
        const unsigned op = look_up(key, passing, &longer);
        const uint32_t cost = 1 + (left > n + 1 && !ends_path(p[n].op) ? p[n + 1].cost : 0);
        if (op != 0 && cost <= p->cost) {
            best = op;
            p->cost = cost;
        }
    }
#ifdef WRT_COUNT_SEQUENCES
    if (is_passing(t, p))
        t->code[p->word].handler = (const void *)((uintptr_t)t->handlers[p->op] | WRT_PASSING);
#else
    if (best != p->op)
        t->code[p->word].handler = t->handlers[best];
#endif
}

void wrt_fuse(struct translator *t)
{
    for (uint32_t i = t->position_count; i-- > 0;)
        fuse_at(t, i);
}
