/* engine/translate.h - one function body: validated and translated in one pass.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The operand stack of the validator also says where each value is. An operand is at its
 * home slot, or is still the local or constant that it was read from: local.get and const
 * emit nothing. Emission goes straight into a growing buffer; the last two instructions are
 * remembered so that a consumer can take them back and emit one fused instruction.
 *
 * A v128 takes two consecutive slots, everything else one. operands[height].slot is where the
 * next operand goes.
 *
 * Costs: a step is O(1) amortised per byte of the body, and O(values) where an instruction
 * names a type: calls, and blocks and branches with parameters or results (max_parameters).
 * Aliases of a local form a list through the operands; entering a block settles all of them.
 */
#ifndef WRT_ENGINE_TRANSLATE_H
#define WRT_ENGINE_TRANSLATE_H

#include "reader.h"

#define WRT_NONE UINT32_MAX

/* AT_SUM: the i32 at the operand's home slot, or in a local, plus bits. */
enum operand_kind { AT_HOME, AT_LOCAL, AT_CONST, AT_SUM };

struct operand {
    wrt_type type; /* enum wrt_value_type; 0: any, in unreachable code */
    uint32_t slot;        /* its home */
    uint32_t local;       /* the local it reads; WRT_NONE: none */
    uint32_t older_alias; /* next operand that reads the same local */
    uint64_t bits;        /* AT_CONST, AT_SUM */
    uint8_t kind;         /* enum operand_kind */
    uint32_t live;        /* if below t->listed: entry of t->lives for it and all below */
};

enum control_kind { CONTROL_FUNCTION, CONTROL_BLOCK, CONTROL_LOOP, CONTROL_IF, CONTROL_ELSE,
                    CONTROL_TRY };

struct control {
    uint8_t kind;         /* enum control_kind */
    bool unreachable;     /* the rest of this block cannot run: stack is polymorphic */
    bool dead;            /* the block itself stands in code that cannot run */
    struct wrt_function_type type;
    uint32_t height;      /* operands below its parameters */
    uint32_t inits;       /* locals without default that were written before it */
    uint32_t start;       /* loop: word index of its first instruction */
    uint32_t fixups;      /* chain of forward branches to its end */
    uint32_t else_fixup;  /* the branch of an `if` */
    uint32_t catches;     /* clauses that go to its end: the first + 1, chained by target */
    uint32_t stub_stamp, stub; /* of the br_table being emitted: see emit_stub */
    const uint8_t *checked;    /* the br_table that was last checked against it */
};

/* Accumulator classes. */
enum acc_class { ACC_I, ACC_F, ACC_D, ACC_COUNT };

/* What an instruction is, as far as fusing needs to know. */
enum shape {
    SHAPE_OTHER,
    SHAPE_MOV,
    SHAPE_BINARY,  /* op: numeric base; form in .form */
    SHAPE_UNARY,
    SHAPE_LOAD,       /* opcode and form of a load */
    SHAPE_GLOBAL_GET,
    SHAPE_FUSED_SHIFT /* i32 a + (b << k) */
};

struct emitted {
    uint32_t at, end;        /* words [at, end) */
    uint32_t positions;      /* entries of the position map before it */
    uint8_t shape, form;
    bool patchable;          /* its d may be redirected to a local */
    uint8_t opcode;          /* wasm opcode of SHAPE_BINARY, _UNARY, _LOAD */
    uint16_t d;
    uint32_t acc[ACC_COUNT]; /* what the accumulators mirrored before it */
};

/* An instruction that was emitted. */
struct position {
    uint32_t word;
    uint32_t byte;
    uint32_t cost; /* fuse.c: dispatches from here to where control leaves */
    uint32_t op;
};

/* Scratch that one load uses for all its functions. Grown by doubling, charged as LOAD. */
struct translator {
    struct wrt_partition *partition;
    const struct wrt_module *module;
    const struct wrt_module_config *config;
    struct wrt_reader r;
    uint8_t *declared; /* bitmap: functions that ref.func may name */
    bool has_data_count;

    struct operand *operands;
    uint32_t operand_capacity, height, settled; /* below: no aliases */
    struct control *controls;
    uint32_t control_capacity, control_count;
    wrt_type *local_types;
    uint32_t *local_alias; /* newest alias of each local */
    uint32_t *local_slots;
    bool *local_unset;     /* has no default and is not written yet */
    uint32_t *inits;       /* those written in the open blocks, oldest first */
    uint32_t init_capacity, init_count, local_unset_capacity;
    wrt_type *single_types; /* results of blocks with a single one: list_of_one */
    uint32_t single_capacity;
    uint32_t local_type_capacity, local_capacity, local_slot_capacity, local_count;

    union word *code;
    uint32_t code_capacity, code_count;
    struct position *positions;
    uint32_t position_capacity, position_count;
    uint8_t *map;
    uint32_t map_capacity, map_count;
    struct wrt_point *points; /* see points.c */
    struct wrt_live *lives;
    uint32_t point_capacity, point_count, live_capacity, live_count;
    uint32_t listed, live_locals; /* operands listed in lives; the entry of the locals */
    uint32_t *targets; /* of one br_table, as depths */
    uint32_t target_capacity;

    /* what try_tables leave behind: see try.c */
    struct wrt_boundary *boundaries;
    struct wrt_try *tries;
    struct wrt_catch *catches;
    uint32_t boundary_capacity, boundary_count, try_capacity, try_count;
    uint32_t catch_capacity, catch_count, innermost_try;

    struct wrt_profile_entry *profile; /* of this body, if instrumented */
    uint32_t profile_capacity, profile_count, counter_count;
    bool count_next;             /* the next instruction begins a run */

    struct emitted last, before; /* .end == code_count: usable */
    uint32_t barrier;            /* no instruction before it may be touched */
    uint32_t acc[ACC_COUNT];     /* the slot whose value each accumulator holds */
    uint32_t pending;            /* fuel of instructions not settled yet */
    bool live;
    uint32_t instruction;        /* offset of the current instruction in the body */

    const struct wrt_function_type *type;
    uint32_t header_slot, first_stack_slot, frame_slots;
    const void *const *handlers;
};

/* ---- emission: emit.c, numeric.c, access.c, variable.c, branch.c ---- */

bool wrt_emit_begin(struct translator *t);
static inline enum acc_class acc_of(wrt_type type)
{
    return type == WRT_F32 ? ACC_F : type == WRT_F64 ? ACC_D : ACC_I;
}
static inline uint32_t home_of(const struct translator *t, uint32_t index)
{
    return t->operands[index].slot;
}
static inline uint32_t wrt_local_slot(const struct translator *t, uint32_t local)
{
    return t->local_slots[local];
}

/* Each returns false with reader error set (out of memory, too large). */
bool wrt_settle_operand(struct translator *t, uint32_t index); /* into its home slot */
bool wrt_settle_aliases(struct translator *t);                 /* all of them */
bool wrt_settle_top(struct translator *t, uint32_t count);     /* top values into their homes */
bool wrt_settle_local(struct translator *t, uint32_t local);   /* aliases of one local */

bool wrt_emit_binary(struct translator *t, uint8_t opcode, uint32_t left, uint32_t right);
/* An i32.add that need not be emitted: gives the operand that stands for it. */
bool wrt_lazy_add(struct translator *t, uint32_t left, uint32_t right, struct operand *out);
bool wrt_emit_unary(struct translator *t, unsigned op_s, uint8_t opcode, uint32_t operand,
                    uint8_t result_type);
bool wrt_emit_load(struct translator *t, unsigned op_s, uint8_t opcode, uint32_t operand,
                   uint32_t offset, uint32_t memory, wrt_type type);
bool wrt_emit_store(struct translator *t, uint8_t opcode, uint32_t address, uint32_t value,
                    uint32_t offset, uint32_t memory);
bool wrt_emit_select(struct translator *t, uint32_t first);
bool wrt_emit_store_vector(struct translator *t, uint32_t address, uint32_t value, uint32_t offset,
                           uint32_t memory);
bool wrt_emit_vector_select(struct translator *t, uint32_t first);
bool wrt_emit_local_set(struct translator *t, uint32_t local, uint32_t operand);
bool wrt_emit_global_get(struct translator *t, uint32_t global, wrt_type type, uint32_t result);
bool wrt_emit_global_set(struct translator *t, uint32_t global, uint32_t operand);
/* An operation on operands in home slots from `first` on; its result, if any, lands there. */
bool wrt_emit_homes(struct translator *t, unsigned op, uint32_t first, uint32_t count,
                    uint32_t a, uint32_t imm, bool has_result);
/* The same, and it may stop half-way to be executed again, reading only its homes. */
bool wrt_emit_restartable(struct translator *t, unsigned op, uint32_t first, uint32_t count,
                          uint32_t a, uint32_t imm, bool has_result);
bool wrt_emit_ref_func(struct translator *t, uint32_t function, uint32_t result);
bool wrt_emit_call(struct translator *t, unsigned op, uint32_t first,
                   const struct wrt_function_type *type, union word target, uint32_t index_operand,
                   uint32_t table);
bool wrt_emit_return(struct translator *t);
bool wrt_emit_simple(struct translator *t, unsigned op);
bool wrt_emit_charge(struct translator *t);

/* Branches to a control frame, counted from the innermost. */
bool wrt_emit_br(struct translator *t, uint32_t depth);
bool wrt_emit_br_if(struct translator *t, uint32_t depth, uint32_t condition);
/* Branches if the reference in operand `index` is null, or if it is not. */
bool wrt_emit_br_on_null(struct translator *t, uint32_t depth, uint32_t index, bool if_null);
/* Traps if the reference is null. */
bool wrt_emit_check_null(struct translator *t, uint32_t index);
bool wrt_emit_if(struct translator *t, struct control *control, uint32_t condition);
bool wrt_emit_br_table(struct translator *t, uint32_t index_operand, uint32_t count);
/* Binds forward branches here. `falls` : control also arrives from above. */
void wrt_bind(struct translator *t, uint32_t fixups, bool falls);
/* A point that back edges come to. */
bool wrt_emit_loop_head(struct translator *t, struct control *control);

bool wrt_emit_map(struct translator *t);

/* ---- fuse.c: once a body is complete ---- */
void wrt_fuse(struct translator *t);

/* ---- points.c: where a guest may be paused ---- */

bool wrt_begin_points(struct translator *t);
/* The next instruction is one; the lowest `count` operands are on the stack. */
bool wrt_point_here(struct translator *t, uint32_t count);
/* The last instruction is a call; its operands were first .. first + count. It may be
 * executed again unless `direct`. */
bool wrt_point_call(struct translator *t, uint32_t first, uint32_t count, bool direct,
                    const struct wrt_function_type *type);
/* Operand `index` and those above it are no longer what was listed. */
static inline void wrt_unlist(struct translator *t, uint32_t index)
{
    if (t->listed > index)
        t->listed = index;
}

/* Makes the array at *pointer hold `needed` items. */
bool wrt_grow_more(struct translator *t, void *pointer, uint32_t *capacity, uint32_t needed,
                   size_t item_bytes);
static inline bool wrt_grow_scratch(struct translator *t, void *pointer, uint32_t *capacity,
                                    uint32_t needed, size_t item_bytes)
{
    return needed <= *capacity || wrt_grow_more(t, pointer, capacity, needed, item_bytes);
}

/* ---- try.c: try_table, throw, throw_ref ---- */
bool wrt_translate_try(struct translator *t);
bool wrt_translate_throw(struct translator *t);
bool wrt_translate_throw_ref(struct translator *t);
bool wrt_leave_try(struct translator *t);
/* Clauses that go to the end of `c` go here. */
void wrt_bind_catches(struct translator *t, struct control *c);

/* ---- body.c ---- */

/* For instructions that are validated in files of their own. */
bool wrt_read_block_type(struct translator *t, struct wrt_function_type *out);
/* Opens a block on its parameters, which must be on the stack. */
bool wrt_enter_block(struct translator *t, enum control_kind kind,
                     const struct wrt_function_type *type);
/* What follows in this block cannot run. */
void wrt_end_path(struct translator *t);
bool wrt_push_type(struct translator *t, wrt_type type);
bool wrt_push_const(struct translator *t, wrt_type type, uint64_t bits);
bool wrt_pop_type(struct translator *t, wrt_type type);
/* Pops a reference of any type; code that cannot run gives WRT_REF_BOTTOM. */
bool wrt_pop_reference(struct translator *t, wrt_type *out);
/* The operand that was popped last comes back, unchanged but for its type. */
bool wrt_push_again(struct translator *t, wrt_type type);
bool wrt_read_label(struct translator *t, uint32_t *depth, const wrt_type **types, uint32_t *count);
/* The top operands are of these types, and become so. */
bool wrt_check_top(struct translator *t, const wrt_type *types, uint32_t count);
/* The reference on the stack is called. */
bool wrt_finish_call_ref(struct translator *t, uint32_t type_index, bool tail);
bool wrt_read_data_index(struct translator *t, uint32_t *out);
bool wrt_read_element_index(struct translator *t, uint32_t *out);
/* gc_body.c: opcode 0xFB */
bool wrt_gc_instruction(struct translator *t);
/* references.c */
bool wrt_reference_instruction(struct translator *t, uint8_t opcode);
/* Natural alignment as an exponent; checks it, the memory and the offset, which is above
 * 32 bits only with a 64-bit memory. */
bool wrt_read_memarg(struct translator *t, uint32_t natural, uint64_t *offset, uint32_t *memory);

/* ---- memory64.c: 64-bit memories and tables ---- */

static inline wrt_type wrt_address_type(const struct translator *t, uint32_t memory)
{
    return t->module->memories[memory].is_64 ? WRT_I64 : WRT_I32;
}
static inline wrt_type wrt_index_type(const struct translator *t, uint32_t table)
{
    return t->module->tables[table].is_64 ? WRT_I64 : WRT_I32;
}
/* Pops an index of the table and leaves it above the stack as an i32: one that does not fit
 * becomes 2^32 - 1, which is outside of every table. */
bool wrt_pop_table_index(struct translator *t, uint32_t table);
bool wrt_emit_load64(struct translator *t, uint8_t opcode, uint32_t operand, uint64_t offset,
                     uint32_t memory, wrt_type type);
bool wrt_emit_store64(struct translator *t, uint8_t opcode, uint32_t address, uint32_t value,
                      uint64_t offset, uint32_t memory);

/* ---- profile.c ---- */

/* Before an instruction that can run, when the module is instrumented. */
bool wrt_profile_instruction(struct translator *t, uint8_t opcode);
/* Do runs of instructions end behind it? */
bool wrt_profile_ends_run(uint8_t opcode);

/* ---- wide.c ---- */

/* i64.add128, i64.sub128, i64.mul_wide_s, i64.mul_wide_u: 0xFC 19 .. 22. */
bool wrt_wide_arithmetic(struct translator *t, uint32_t opcode);

/* ---- atomic.c: one instruction behind 0xFE ---- */
bool wrt_atomic_instruction(struct translator *t);

/* ---- vector_body.c: one instruction behind 0xFD ---- */
bool wrt_vector_instruction(struct translator *t);

bool wrt_translate_body(struct translator *t, uint32_t function, const uint8_t *bytes,
                        uint32_t size_bytes, uint64_t offset);
void wrt_translator_free(struct translator *t);

#endif
