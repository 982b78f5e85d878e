/* cli/bound.h - static bounds of what an export can cost: what the files of `wrt bound` share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The module was loaded, so its bytes are valid. They are read again, one pass over each function
 * without recursion: a pass carries the cost of the longest path to the current instruction and
 * what is known of locals and operands.
 *
 *   fuel(function) = the longest path, one unit for each instruction but block, loop, else, end,
 *                    nop; a call adds the callee's; bulk operations add what they pay by size
 *   a loop         = N times the longest way round + the longest way out, N being proved
 *   stack(function)= max(frame, for each call: home of its first argument + stack(callee))
 *
 * The bound is what is executed on the longest path; whether that path can be taken is not asked,
 * so it is exact where it can, and above it else.
 */
#ifndef CLI_BOUND_H
#define CLI_BOUND_H

#include "cli.h"

/* ---- costs ---- */

#define BOUND_NONE UINT64_MAX /* no bound */

/* What an instruction is to the table of times: docs/bound.md. X(name, text). */
#define BOUND_CLASS_LIST(X)                  \
    X(PLAIN, "plain")                        \
    X(DIVIDE, "divide")                      \
    X(FLOAT, "float")                        \
    X(FLOAT_DIVIDE, "float-divide")          \
    X(LOAD, "load")                          \
    X(STORE, "store")                        \
    X(BRANCH, "branch")                      \
    X(CALL, "call")                          \
    X(CALL_INDIRECT, "call-indirect")        \
    X(CALL_HOST, "call-host")                \
    X(BULK, "bulk")                          \
    X(TABLE, "table")                        \
    X(GROW, "grow")                          \
    X(VECTOR, "vector")                      \
    X(ATOMIC, "atomic")
enum bound_class {
#define BOUND_ENUM(name, text) BOUND_##name,
    BOUND_CLASS_LIST(BOUND_ENUM)
#undef BOUND_ENUM
    BOUND_CLASSES
};

/* Times of one unit of fuel in picoseconds. */
struct bound_times {
    uint64_t median[BOUND_CLASSES], worst[BOUND_CLASSES];
};

const char *bound_class_name(enum bound_class of);

/* Sums stay at BOUND_NONE once they are there. */
struct bound_cost {
    uint64_t fuel, median_ps, worst_ps;
};

static inline uint64_t bound_add(uint64_t a, uint64_t b)
{
    return a > BOUND_NONE - b ? BOUND_NONE : a + b;
}
static inline uint64_t bound_multiply(uint64_t a, uint64_t b)
{
    return b != 0 && a > BOUND_NONE / b ? BOUND_NONE : a * b;
}
static inline uint64_t bound_most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- why there is no bound ---- */

enum bound_why {
    BOUND_LOOP,        /* its turns are not proved */
    BOUND_RECURSION,
    BOUND_TABLE_OPEN,  /* what the table holds can change */
    BOUND_UNSUPPORTED, /* an instruction that this analysis leaves out */
    BOUND_TOO_COMPLEX
};

struct bound_cause {
    uint32_t function; /* whose body it is in */
    uint64_t byte;     /* of the instruction in the module */
    enum bound_why why;
    uint32_t detail;   /* RECURSION: the function that is called; UNSUPPORTED: the opcode */
};

/* ---- one module ---- */

struct bound_edge {
    uint32_t to;
    uint64_t byte;
};

struct bound_table {
    uint32_t first, count; /* of the functions in bound_module.targets */
    bool is_open;
};

struct bound_function {
    const uint8_t *body;      /* its first byte, the locals; NULL: imported */
    uint32_t body_bytes;
    uint32_t parameter_slots, result_slots;
    uint32_t first_edge, edge_count; /* of calls, in the order of bytes */
    struct bound_cost cost;
    uint64_t stack_slots;     /* BOUND_NONE: no bound */
    uint32_t loops;           /* in its own body */
    uint8_t state;            /* of the search through calls */
    bool has_unsupported;     /* its body was not walked */
};

struct bound_module {
    const struct wrt_module *module;
    struct wrt_module_info info;
    const uint8_t *bytes;
    size_t size_bytes;
    const struct bound_times *times; /* NULL: none */
    struct bound_function *functions;
    struct bound_table *tables;
    uint32_t *targets;
    struct bound_edge *edges;
    struct bound_cause *causes;
    uint32_t target_count, edge_count, cause_count;
    uint32_t target_capacity, edge_capacity, cause_capacity;
    bool no_memory;
};

/* Makes room for one item more; false: no memory, which is noted in m. */
bool bound_grow(struct bound_module *m, void *pointer, uint32_t *capacity, uint32_t count,
                size_t item_bytes);

/* Reads the sections, finds all calls and what tables hold; then the functions, callees first.
 * False: no memory. The bytes are borrowed. bound_close in any case. */
bool bound_open(struct bound_module *m, const struct wrt_module *module, const uint8_t *bytes,
                size_t size_bytes, const struct bound_times *times);
void bound_close(struct bound_module *m);

void bound_note(struct bound_module *m, uint32_t function, uint64_t byte, enum bound_why why,
                uint32_t detail);

/* Fills in cost, stack and loops of a function whose callees are done. */
void bound_walk(struct bound_module *m, uint32_t function);

/* ---- reading instructions ---- */

struct bound_reader {
    const uint8_t *start, *at, *end; /* of the module, so that positions count in it */
};

struct bound_instruction {
    uint64_t byte;    /* in the module */
    uint32_t opcode;  /* one byte; behind a prefix: prefix << 16 | number */
    uint32_t a, b;    /* indexes; a memory access: its memory in a */
    uint64_t bits;    /* a constant */
    wrt_type single;  /* of a block type; 0: none, or an index in a */
    bool has_index;   /* the block type is index a */
    struct bound_reader labels; /* of a br_table: a + 1 numbers */
};

uint64_t bound_leb(struct bound_reader *r, bool is_signed);
/* False at the end of a body, or at an instruction that is left out (out->opcode names it). */
bool bound_next(struct bound_reader *r, struct bound_instruction *out);
/* Reads the locals of a body; calls `each` for each group. */
typedef void bound_locals(void *context, uint32_t count, wrt_type type);
void bound_read_locals(struct bound_reader *r, bound_locals *each, void *context);
wrt_type bound_value_type(struct bound_reader *r);

enum bound_class bound_class_of(uint32_t opcode);

/* Operands popped and pushed, in the order of the stack: 's' one slot, 'v' a vector. */
struct bound_effect {
    const char *pops, *pushes;
};
/* Of an instruction whose effect depends on nothing but its opcode; else false. */
bool bound_effect_of(uint32_t opcode, struct bound_effect *out);

/* ---- what is known of integers: bound_value.c ---- */

struct bound_range {
    uint64_t low, high;         /* read as unsigned */
    int64_t signed_low, signed_high;
};

/* Every value of that width. */
struct bound_range bound_any(bool is_64);
struct bound_range bound_exactly(uint64_t value, bool is_64);
/* Makes both readings agree; an empty range stays as it was before. */
struct bound_range bound_tighten(struct bound_range r, bool is_64);
struct bound_range bound_shift(struct bound_range r, uint64_t add, bool is_64);
struct bound_range bound_union(struct bound_range a, struct bound_range b);

/* In the order of WebAssembly's opcodes. */
enum bound_relation {
    BOUND_EQ, BOUND_NE, BOUND_LT_S, BOUND_LT_U, BOUND_GT_S, BOUND_GT_U, BOUND_LE_S, BOUND_LE_U,
    BOUND_GE_S, BOUND_GE_U
};
enum bound_relation bound_not(enum bound_relation r);
enum bound_relation bound_mirror(enum bound_relation r); /* a r b == b mirror(r) a */
/* What `a` can be if a r b. */
struct bound_range bound_refine(struct bound_range a, enum bound_relation r, struct bound_range b,
                                bool is_64);

/* A loop goes on while x r limit, x being `start` at first and x + step in each turn. Gives the
 * most turns that go on, which is the exact number if both ranges are single values.
 * `at_all`: the condition also fails in turn number *turns itself if reached by another way. */
bool bound_turns(enum bound_relation r, struct bound_range start, uint64_t step,
                 struct bound_range limit, bool is_64, uint64_t *turns);
/* Does the condition fail in turn `turn` and in those before it from `turns` on? */
bool bound_still_fails(enum bound_relation r, struct bound_range start, uint64_t step,
                       uint64_t turn, bool is_64);

#endif
