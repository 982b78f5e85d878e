/* generator.h - what the parts of the generator of modules share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Types are bytes: those of the binary format, and for references to types of the module
 * 0x00 .. 0x0F, heap type n, and 0x10 .. 0x1F, function type n; all nullable. Heap types come
 * first in the module's type section, then the functions' types, then those of tags.
 */
#ifndef GENERATOR_H
#define GENERATOR_H

#include "generate.h"
#include "wasm_writer.h"

enum {
    I32 = 0x7F, I64 = 0x7E, F32 = 0x7D, F64 = 0x7C, V128 = 0x7B, I8 = 0x78, I16 = 0x77,
    FUNCREF = 0x70, EXTERNREF = 0x6F, ANYREF = 0x6E, EQREF = 0x6D, I31REF = 0x6C,
    STRUCTREF = 0x6B, ARRAYREF = 0x6A, EXNREF = 0x69, EMPTY = 0x40,
    FUNCTION_TYPE = 0x10, CONCRETE_END = 0x20
};

enum {
    MAX_TYPES = 8, MAX_VALUES = 4, MAX_FUNCTIONS = 10, MAX_GLOBALS = 8, MAX_TABLES = 3,
    MAX_MEMORIES = 3, MAX_SEGMENTS = 4, MAX_LOCALS = 48, MAX_STACK = 64, MAX_FRAMES = 8,
    MAX_STEPS = 60, MAX_DEPTH = 3, CALL_BUDGET = 300, COUNTERS = 3, MAX_TAGS = 3,
    MAX_HEAP_TYPES = 7, MAX_FIELDS = 4
};

struct signature {
    uint8_t parameters[MAX_VALUES], results[MAX_VALUES];
    unsigned parameter_count, result_count;
};

struct field {
    uint8_t storage; /* a type, I8 or I16 */
    bool is_mutable;
};

struct heap_type {
    bool is_array, is_final, has_super;
    unsigned super, group_end;
    unsigned field_count; /* 1 of an array */
    struct field fields[MAX_FIELDS];
};

struct frame {
    uint8_t opcode;
    struct signature type;
    unsigned base;      /* height of the stack below its operands */
    bool unreachable;
};

struct generator {
    const uint8_t *decisions;
    size_t left;
    unsigned features, kernels_of_256;
    struct wasm_writer out;

    struct heap_type heap_types[2 * MAX_HEAP_TYPES];
    unsigned heap_count; /* with the copies */
    struct signature types[MAX_TYPES];
    unsigned type_count;
    unsigned function_types[MAX_FUNCTIONS];
    unsigned imported_functions, function_count;
    uint8_t global_types[MAX_GLOBALS];
    bool global_mutable[MAX_GLOBALS];
    unsigned global_count;          /* the budget's global comes after these */
    uint8_t table_types[MAX_TABLES];
    bool table_is_64[MAX_TABLES], memory_is_64[MAX_MEMORIES];
    unsigned table_count, memory_count;
    uint8_t element_types[MAX_SEGMENTS];
    unsigned element_count, data_count;
    struct signature tags[MAX_TAGS]; /* parameters only; tag 0 is imported */
    unsigned tag_count;

    /* the function that is being written */
    bool in_code;
    struct signature type;
    uint8_t locals[MAX_LOCALS];
    unsigned local_count, usable_locals, counters, f32_temporary, f64_temporary, v128_temporary, kernel;
    uint8_t kernel_type;
    unsigned kernel_advances;
    uint8_t stack[MAX_STACK + 2 * MAX_VALUES + 8];
    unsigned height;
    struct frame frames[MAX_FRAMES];
    unsigned frame_count;
};

/* ---- decisions ---- */
unsigned decide_byte(struct generator *g);
unsigned decide(struct generator *g, unsigned count);   /* 0 .. count - 1 */
bool chance(struct generator *g, unsigned of_256);      /* never when decisions have run out */
uint64_t decide_bits(struct generator *g);
uint8_t decide_type(struct generator *g);

/* ---- pieces of code ---- */
void op(struct generator *g, unsigned opcode);
void op_u32(struct generator *g, unsigned opcode, unsigned immediate);
void prefixed(struct generator *g, unsigned opcode);
void constant(struct generator *g, uint8_t type, uint64_t bits);
void canonicalize(struct generator *g, uint8_t type);
void canonicalize_lanes(struct generator *g, bool wide);
void put_type(struct generator *g, uint8_t type);
void put_heap_type(struct generator *g, uint8_t type);
unsigned type_index(const struct generator *g, unsigned function_type);

/* ---- the abstract stack ---- */
void push(struct generator *g, uint8_t type);
void push_all(struct generator *g, const uint8_t *types, unsigned count);
void become_unreachable(struct generator *g);
void produce(struct generator *g, uint8_t type, unsigned depth);
void need(struct generator *g, const uint8_t *types, unsigned count);
void need_one(struct generator *g, uint8_t type);
void small_index(struct generator *g);
bool may_tail_call(struct generator *g, const struct signature *type);
void after_call(struct generator *g, const struct signature *type, bool tail);

/* ---- generate_heap.c: structs, arrays, i31, casts, typed function references ---- */
bool has_heap(const struct generator *g);
bool is_reference(uint8_t type);
bool is_subtype(const struct generator *g, uint8_t type, uint8_t of);
uint8_t decide_heap_type(struct generator *g); /* a reference of the `any` hierarchy */
unsigned heap_type_entries(const struct generator *g); /* of the type section */
void write_heap_types(struct generator *g);
void decide_heap_types(struct generator *g);
void produce_reference(struct generator *g, uint8_t type, unsigned depth);
void constant_reference(struct generator *g, uint8_t type);
void step_heap(struct generator *g);

/* ---- generate_kernels.c: loops over memory ---- */
unsigned kernel_local_groups(const struct generator *g);
void declare_kernel_locals(struct generator *g);
void step_kernel(struct generator *g);

#endif
