/* engine/code.h - the register code that modules are translated to.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One instruction is 2 or 3 words of 8 bytes (a branch table more): the address of its
 * handler, then operands. A frame is an array of 8-byte slots at fp; a v128 takes two:
 *
 *   0 .. R            parameters, later results        R = max(slots of either)
 *   R, R + 1          return address, caller's fp
 *   R + 2 ..          other locals, zeroed by the call
 *   then              home slots of the operand stack
 *
 * The callee's frame starts at the caller's home slot of the first argument, so arguments
 * and results are never copied. Every producer writes its result to its slot d *and* leaves
 * it in an accumulator: A for integers and references, F for f32, D for f64, none for v128.
 * Consumers
 * take operands from a slot (s), the accumulator (a), or the code word (k).
 */
#ifndef WRT_ENGINE_CODE_H
#define WRT_ENGINE_CODE_H

#include <stdint.h>

#include "wrt/value.h"

/* Slots of a frame header. */
#define WRT_FRAME_HEADER 2

struct wrt_code;

/* A slot as the interpreter sees it. */
union cell {
    uint64_t i64;
    int64_t i64s;
    uint32_t i32;
    int32_t i32s;
    float f32;
    double f64;
    const union word *pc;
    union cell *fp;
    struct wrt_function *function;
    void *pointer;
    union wrt_slot slot; /* the same, as hosts see it */
};

union word;
typedef void wrt_vector_function(union cell *fp, const union word *pc);
typedef uint32_t wrt_vector_test_function(const union cell *v);
typedef void wrt_vector_access_function(union cell *fp, const union word *pc, uint8_t *at);

union word {
    const void *handler;
    wrt_vector_function *vector;
    wrt_vector_test_function *vector_test;
    wrt_vector_access_function *vector_access;
    uint64_t bits;
    double f64;
    const struct wrt_code *code;
    const struct wrt_function_type *type;
    struct {
        uint16_t d, a, b, c;
    } s; /* slots */
    struct {
        uint16_t d, a;
        int32_t imm;
    } k; /* with a 32-bit immediate, an offset, a cost, or a branch target */
    int32_t half[2];
};

_Static_assert(sizeof(union cell) == 8, "a slot is 8 bytes");
_Static_assert(sizeof(union word) == 8, "a code word is 8 bytes");

/* A branch target is (distance in words) * 256 + fuel settled when the branch is taken. */
#define WRT_TARGET_SHIFT 8

enum wrt_op {
#define OP(name, ...) OP_##name,
#include "opcodes.def"
#undef OP
    OP_COUNT
};

/* ---- where a call can stop, and what it still needs then: for snapshots ---- */

/* Slots that hold values, as a list from the top of the operand stack down to the locals;
 * `below` is the next entry, 0 the end. Parameters are always live and not listed. */
struct wrt_live {
    uint32_t below;
    wrt_type type;
    uint16_t slot, count; /* first slot; values side by side */
};

#define WRT_NOT_HERE UINT32_MAX

/* An instruction at which a guest may stand while it is paused: loop heads, the entry, what
 * is executed again (here), and calls that have not returned (after). In order of `word`. */
struct wrt_point {
    uint32_t word : 24;
    uint32_t size : 8;  /* of a call's instruction in words; 0: nothing returns here */
    uint32_t here;      /* live values before it; WRT_NOT_HERE: only `after` can happen */
    uint32_t after;     /* of a call: live values while the callee runs */
    uint32_t type;      /* of a call: index of the callee's type */
};

/* ---- where exceptions are caught ---- */

enum wrt_catch_kind { WRT_CATCH, WRT_CATCH_REF, WRT_CATCH_ALL, WRT_CATCH_ALL_REF };

#define WRT_CATCH_RETURNS UINT32_MAX

/* One clause: the values go to `slot` and up, then control to the word `target`. */
struct wrt_catch {
    uint32_t tag;    /* WRT_CATCH, WRT_CATCH_REF: index in the module */
    uint32_t target; /* WRT_CATCH_RETURNS: the values are the function's results */
    uint16_t slot;
    uint8_t kind : 7; /* enum wrt_catch_kind */
    uint8_t is_loop : 1;
    uint8_t fuel;    /* what the code there will settle, but did not execute */
};

/* A try_table with its clauses, from `first` on. */
struct wrt_try {
    uint32_t parent; /* the one around it; WRT_NO_TRY: none */
    uint32_t first, count;
};

#define WRT_NO_TRY UINT32_MAX

/* From `word` on, up to the next boundary, `innermost` is the try_table around. */
struct wrt_boundary {
    uint32_t word, innermost;
};

/* One translated function of a module. */
struct wrt_code {
    const union word *entry;
    uint32_t frame_slots;  /* the whole frame */
    uint32_t header_slot;  /* R */
    uint32_t zero_count;   /* slots of locals to clear behind the header */
    uint32_t parameter_slots, result_slots;
    uint32_t word_count;
    uint32_t function_index;
    uint32_t map_bytes;    /* position map: see trap.c */
    uint32_t checksum;     /* of what it points to, until the module is loaded: seal.c */
    uint32_t head_checksum; /* of this struct */
    const uint8_t *map;
    uint64_t body_offset;  /* of the body's first byte in the module */
    const struct wrt_point *points;
    const struct wrt_live *lives;
    uint32_t point_count;
    const struct wrt_boundary *boundaries; /* ascending; none: nothing is caught here */
    const struct wrt_try *tries;
    const struct wrt_catch *catches;
    uint32_t boundary_count;
};

/* The addresses of all handlers, indexed by enum wrt_op. Constant; not signed (signing.h). */
const void *const *wrt_handlers(void);

#endif
