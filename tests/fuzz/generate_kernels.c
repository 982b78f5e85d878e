/* generate_kernels.c - short loops over memory, as compilers write them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Statements of small expressions over locals, constants and loads, so that the operations of
 * the interpreter follow each other as in src/engine/fused.def. Two pointers stay inside the
 * first page: one for integers, one for the numbers of the kernel's float type. These are stored
 * as they come, and made canonical where they lie when the loop is done; nothing looks at
 * their bits before.
 */
#include "generator.h"

#include <string.h>

/* Locals of the kernels, from g->kernel on; those of vectors are last. */
enum { INTEGERS, FLOATS, START, LEFT, LONG, SINGLE = LONG + 2, DOUBLE = SINGLE + 2,
       VECTOR = DOUBLE + 2, KERNEL_LOCALS = VECTOR + 2 };
enum { REPAIR_BYTES = 0x180, INTEGER_BASE = 0x1000, MAX_TIMES = 8, MAX_ADVANCES = 4 };
_Static_assert(MAX_TIMES * MAX_ADVANCES * 8 + 16 + 24 + 16 <= REPAIR_BYTES,
               "advances, the address's sum, the offset and a vector's size are mended");

void declare_kernel_locals(struct generator *g)
{
    static const uint8_t types[KERNEL_LOCALS] = {I32, I32, I32, I32, I64, I64,
                                                 F32, F32, F64, F64, V128, V128};
    const unsigned count = (g->features & GENERATE_SIMD) != 0 ? KERNEL_LOCALS : VECTOR;
    g->kernel = g->local_count;
    for (unsigned i = 0; i < count; i += 2) {
        op(g, 2), op(g, types[i]);
        memcpy(g->locals + g->kernel + i, types + i, 2);
    }
    g->local_count += count;
}

unsigned kernel_local_groups(const struct generator *g)
{
    return ((g->features & GENERATE_SIMD) != 0 ? KERNEL_LOCALS : VECTOR) / 2;
}

static unsigned kernel_local(const struct generator *g, unsigned which)
{
    return g->kernel + which;
}

static void get(struct generator *g, unsigned which)
{
    op_u32(g, 0x20, kernel_local(g, which));
}

static void set(struct generator *g, unsigned which)
{
    op_u32(g, 0x21, kernel_local(g, which));
}

static void vector(struct generator *g, unsigned opcode)
{
    op(g, 0xFD);
    wasm_u32(&g->out, opcode);
}

static unsigned pick(struct generator *g, const uint8_t *from, size_t count)
{
    return from[decide(g, (unsigned)count)];
}
#define PICK(g, from) pick(g, from, sizeof(from))

/* ---- expressions ---- */

static unsigned local_of(struct generator *g, uint8_t type)
{
    switch (type) {
    case I32: return g->counters + decide(g, COUNTERS);
    case I64: return kernel_local(g, LONG + decide(g, 2));
    case F32: return kernel_local(g, SINGLE + decide(g, 2));
    case F64: return kernel_local(g, DOUBLE + decide(g, 2));
    default: return kernel_local(g, VECTOR + decide(g, 2));
    }
}

static void leaf_constant(struct generator *g, uint8_t type)
{
    static const uint64_t singles[] = {0x3F800000, 0x40490FDB, 0xBF000000, 0};
    static const uint64_t doubles[] = {0x3FF0000000000000, 0x400921FB54442D18, 0xBFE0000000000000,
                                       0};
    if (type == F32)
        constant(g, type, singles[decide(g, 4)]);
    else if (type == F64)
        constant(g, type, doubles[decide(g, 4)]);
    else
        constant(g, type, chance(g, 40) ? decide_bits(g) : decide(g, 33));
}

struct memory_op {
    uint8_t type, load, store, log_bytes;
};

static const struct memory_op memory_ops[] = {
    {I32, 0x28, 0x36, 2}, {I32, 0x2D, 0x3A, 0}, {I32, 0x28, 0x36, 2}, {I32, 0x2F, 0x3B, 1},
    {I32, 0x2C, 0x3A, 0}, {I32, 0x2E, 0x3B, 1}, {I64, 0x29, 0x37, 3}, {I64, 0x31, 0x3C, 0},
    {I64, 0x35, 0x3E, 2}, {F32, 0x2A, 0x38, 2}, {F64, 0x2B, 0x39, 3},
};

static const struct memory_op *memory_op_for(struct generator *g, uint8_t type)
{
    const unsigned start = decide(g, 6);
    for (unsigned i = start;; i++) {
        const struct memory_op *of = &memory_ops[i % 11];
        if (of->type == type)
            return of;
    }
}

static bool is_integer(uint8_t type)
{
    return type == I32 || type == I64;
}

/* The pointer for a type, or a sum of it: what address forms are made of. */
static void address(struct generator *g, uint8_t type)
{
    get(g, is_integer(type) ? INTEGERS : FLOATS);
    if (chance(g, 50)) {
        constant(g, I32, 8 * (uint64_t)decide(g, 3));
        op(g, 0x6A);
    }
    if (g->memory_is_64[0])
        op(g, 0xAD);
}

static void argument_of_memory(struct generator *g, uint8_t type, unsigned log_bytes)
{
    wasm_u32(&g->out, decide(g, log_bytes + 1));
    wasm_u32(&g->out, 8 * decide(g, 4) + (is_integer(type) ? decide(g, 2) : 0));
}

static void leaf_load(struct generator *g, uint8_t type)
{
    address(g, type);
    if (type == V128) {
        vector(g, 0);
        argument_of_memory(g, type, 4);
        return;
    }
    const struct memory_op *of = memory_op_for(g, type);
    op(g, of->load);
    argument_of_memory(g, type, of->log_bytes);
}

/* Floats are loaded where the kernel keeps its own only. */
static bool may_load(const struct generator *g, uint8_t type)
{
    return is_integer(type) || type == g->kernel_type || (type == V128 && g->kernel_type == F32);
}

static void leaf(struct generator *g, uint8_t type)
{
    const unsigned kind = decide(g, 8);
    if (kind < 4 || (type == V128 && !may_load(g, type)))
        op_u32(g, 0x20, local_of(g, type));
    else if (kind < 6 && may_load(g, type))
        leaf_load(g, type);
    else
        leaf_constant(g, type);
}

static void expression(struct generator *g, uint8_t type, unsigned depth);

/* In kernels of another type than f32 only integer operations: nobody mends what is stored. */
static void vector_operation(struct generator *g, unsigned depth)
{
    static const uint8_t floats[] = {0xE4, 0xE5, 0xE6, 0xE4, 0xE6, 0xE8, 0xE9};
    static const uint8_t integers[] = {0x8E, 0x91, 0x95, 0xAE, 0xB1, 0xB5, 0x4E, 0x50, 0x51, 0x6E,
                                       0xCE, 0x7B, 0x65, 0x85};
    static const uint8_t shifts[] = {0xAB, 0xAC, 0xAD, 0x8B, 0x8D, 0xCB};
    expression(g, V128, depth + 1);
    if (g->kernel_type != F32 && chance(g, 60)) {
        expression(g, I32, depth + 2);
        vector(g, PICK(g, shifts));
        return;
    }
    expression(g, V128, depth + 1);
    vector(g, g->kernel_type == F32 ? PICK(g, floats) : PICK(g, integers));
}

static void unary(struct generator *g, uint8_t type, unsigned depth)
{
    static const uint8_t singles[] = {0x8B, 0x8C, 0x91}, doubles[] = {0x99, 0x9A, 0x9F};
    static const uint8_t narrow[] = {0x45, 0x67, 0x69, 0xC0}, wide[] = {0x79, 0x7B, 0xC4};
    if (!is_integer(type) && chance(g, 80)) {
        expression(g, I32, depth + 1);
        op(g, (type == F32 ? 0xB2 : 0xB7) + decide(g, 2));
        return;
    }
    if (type == I64 && chance(g, 100)) {
        expression(g, I32, depth + 1);
        op(g, 0xAC + decide(g, 2));
        return;
    }
    expression(g, type, depth + 1);
    op(g, type == I32   ? PICK(g, narrow)
          : type == I64 ? PICK(g, wide)
          : type == F32 ? PICK(g, singles)
                        : PICK(g, doubles));
}

/* Remainders by a constant that is not 0, and what cannot trap. */
static void operation(struct generator *g, uint8_t type, unsigned depth)
{
    static const uint8_t narrow[] = {0x6A, 0x6A, 0x6A, 0x6A, 0x6B, 0x6C, 0x71, 0x71, 0x72, 0x73,
                                     0x74, 0x74, 0x75, 0x76, 0x76, 0x77, 0x78};
    static const uint8_t singles[] = {0x92, 0x92, 0x93, 0x94, 0x94, 0x95, 0x96, 0x97};
    static const uint8_t narrow_compares[] = {0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4C, 0x4F};
    expression(g, type, depth + 1);
    if (is_integer(type) && chance(g, 24)) {
        constant(g, type, 1 + decide(g, 12));
        op(g, (type == I32 ? 0x6E : 0x80) + 2 * decide(g, 2));
        return;
    }
    expression(g, type, depth + 1);
    if (type == I32)
        op(g, chance(g, 30) ? PICK(g, narrow_compares) : PICK(g, narrow));
    else if (type == I64)
        op(g, PICK(g, narrow) + 0x12);
    else
        op(g, PICK(g, singles) + (type == F64 ? 0x0E : 0));
}

static void expression(struct generator *g, uint8_t type, unsigned depth)
{
    const unsigned kind = decide(g, 8);
    if (depth >= MAX_DEPTH || kind < 3 || g->left == 0)
        leaf(g, type);
    else if (type == V128)
        vector_operation(g, depth);
    else if (kind == 3)
        unary(g, type, depth);
    else
        operation(g, type, depth);
}

static void condition(struct generator *g)
{
    const unsigned kind = decide(g, 8);
    if (kind == 0) {
        expression(g, I32, 2);
    } else if (kind == 1) {
        expression(g, g->kernel_type, 2);
        expression(g, g->kernel_type, 2);
        op(g, (g->kernel_type == F32 ? 0x5B : 0x61) + decide(g, 6));
        if (chance(g, 80))
            op(g, 0x45);
    } else if (kind == 2) {
        expression(g, I32, 2);
        leaf_constant(g, I32);
        op(g, 0x71);
        if (chance(g, 80))
            op(g, 0x45);
    } else {
        expression(g, I32, kind < 6 ? 3 : 2);
        leaf(g, I32);
        op(g, 0x46 + decide(g, 10));
    }
}

/* ---- statements ---- */

static uint8_t decide_kernel_type(struct generator *g)
{
    const unsigned kind = decide(g, 12);
    if (kind == 0 && (g->features & GENERATE_SIMD) != 0)
        return V128;
    return kind < 6 ? I32 : kind < 8 ? I64 : g->kernel_type;
}

static void assign(struct generator *g)
{
    const uint8_t type = decide_kernel_type(g);
    const bool tee = type == I32 && chance(g, 30);
    expression(g, type, decide(g, 3));
    op_u32(g, tee ? 0x22 : 0x21, local_of(g, type));
    if (tee)
        op_u32(g, 0x21, local_of(g, type));
}

/* x = y, x = k: alone, or several. */
static void move(struct generator *g)
{
    for (unsigned i = 1 + decide(g, 3); i > 0; i--) {
        const uint8_t type = chance(g, 200) ? I32 : g->kernel_type;
        if (chance(g, 128))
            op_u32(g, 0x20, local_of(g, type));
        else
            leaf_constant(g, type);
        op_u32(g, 0x21, local_of(g, type));
    }
}

static void store_vector(struct generator *g)
{
    if (g->kernel_type != F32 || (g->features & GENERATE_SIMD) == 0)
        return;
    address(g, V128);
    expression(g, V128, 1);
    vector(g, 0x0B);
    argument_of_memory(g, V128, 4);
}

/* *p = e, *p = *q, *p = *p + e */
static void store(struct generator *g)
{
    const uint8_t type = chance(g, 130) ? g->kernel_type : chance(g, 200) ? I32 : I64;
    const struct memory_op *of = memory_op_for(g, type);
    const unsigned shape = decide(g, 4);
    address(g, type);
    if (shape == 0) {
        leaf_load(g, type);
    } else if (shape == 1) {
        leaf_load(g, type);
        expression(g, type, 2);
        op(g, type == I32 ? 0x6A : type == I64 ? 0x7C : type == F32 ? 0x92 : 0xA0);
    } else {
        expression(g, type, decide(g, 3));
    }
    op(g, of->store);
    argument_of_memory(g, type, of->log_bytes);
}

/* Floats advance by what keeps them aligned, and not beyond what is mended. */
static void advance(struct generator *g)
{
    const unsigned which = g->kernel_advances < MAX_ADVANCES ? decide(g, 2) : INTEGERS;
    g->kernel_advances += which == FLOATS;
    get(g, which);
    constant(g, I32, which == FLOATS ? 8 : decide(g, 5));
    op(g, 0x6A);
    set(g, which);
}

static void statement(struct generator *g, unsigned depth);

static void choose(struct generator *g, unsigned depth)
{
    const bool other = chance(g, 80);
    condition(g);
    op(g, 0x04), op(g, EMPTY);
    statement(g, depth + 1);
    if (other) {
        op(g, 0x05);
        statement(g, depth + 1);
    }
    op(g, 0x0B);
}

/* A block that is left early. */
static void skip(struct generator *g, unsigned depth)
{
    op(g, 0x02), op(g, EMPTY);
    for (unsigned i = 1 + decide(g, 2); i > 0; i--) {
        condition(g);
        op(g, 0x0D), op(g, 0);
        statement(g, depth + 1);
    }
    op(g, 0x0B);
}

static void choose_many(struct generator *g, unsigned depth)
{
    for (unsigned i = 0; i < 3; i++)
        op(g, 0x02), op(g, EMPTY);
    expression(g, I32, 2);
    if (chance(g, 128)) {
        constant(g, I32, 3);
        op(g, 0x71);
    }
    op(g, 0x0E), op(g, 2);
    op(g, decide(g, 3)), op(g, decide(g, 3)), op(g, 2);
    for (unsigned i = 0; i < 3; i++) {
        op(g, 0x0B);
        statement(g, depth + 1);
    }
}

static void select_one(struct generator *g)
{
    const uint8_t type = chance(g, 128) ? I32 : decide_kernel_type(g);
    expression(g, type, 2);
    expression(g, type, 2);
    condition(g);
    op(g, 0x1B);
    op_u32(g, 0x21, local_of(g, type));
}

static void add_to_global(struct generator *g)
{
    for (unsigned i = 0; i < g->global_count; i++) {
        const uint8_t type = g->global_types[i];
        if (!g->global_mutable[i] || !is_integer(type))
            continue;
        op_u32(g, 0x23, i);
        expression(g, type, 2);
        op(g, type == I32 ? 0x6A : 0x7C);
        op_u32(g, 0x24, i);
        return;
    }
}

static void mend(struct generator *g);

/* What is called may look at memory, and may not come back. */
static void call(struct generator *g)
{
    mend(g);
    get(g, START);
    set(g, FLOATS);
    const unsigned index = decide(g, g->function_count);
    const struct signature *type = &g->types[g->function_types[index]];
    for (unsigned i = 0; i < type->parameter_count; i++) {
        if (is_integer(type->parameters[i]))
            expression(g, type->parameters[i], 2);
        else
            produce(g, type->parameters[i], MAX_DEPTH);
    }
    op_u32(g, 0x10, index);
    for (unsigned i = type->result_count; i-- > 0;) {
        if (type->results[i] == I32)
            op_u32(g, 0x21, local_of(g, I32));
        else
            op(g, 0x1A);
    }
}

/* The function's end in the middle: with floats mended, since nobody will after it. */
static void leave(struct generator *g)
{
    condition(g);
    op(g, 0x04), op(g, EMPTY);
    mend(g);
    for (unsigned i = 0; i < g->type.result_count; i++) {
        if (is_integer(g->type.results[i]))
            expression(g, g->type.results[i], 2);
        else
            produce(g, g->type.results[i], MAX_DEPTH);
    }
    op(g, 0x0F), op(g, 0x0B);
}

static void statement(struct generator *g, unsigned depth)
{
    const unsigned kind = decide(g, 24);
    if (kind < 8)
        assign(g);
    else if (kind < 12)
        store(g);
    else if (kind == 12)
        move(g);
    else if (kind < 15)
        advance(g);
    else if (kind == 15)
        select_one(g);
    else if (kind == 16)
        store_vector(g);
    else if (kind == 17 && depth == 0)
        add_to_global(g);
    else if (kind == 18 && chance(g, 40))
        call(g);
    else if (kind == 19 && chance(g, 60))
        leave(g);
    else if (kind == 20 && depth < 2)
        choose(g, depth);
    else if (kind == 21 && depth < 2)
        skip(g, depth);
    else if (kind == 22 && depth < 1 && chance(g, 100))
        choose_many(g, depth);
    else
        assign(g);
}

/* ---- the loop ---- */

/* for (at = start; at != start + REPAIR_BYTES; at += size) *at = canonical(*at); */
static void mend(struct generator *g)
{
    const bool wide = g->kernel_type == F64;
    get(g, START);
    set(g, FLOATS);
    op(g, 0x03), op(g, EMPTY);
    for (unsigned i = 0; i < 2; i++) {
        get(g, FLOATS);
        if (g->memory_is_64[0])
            op(g, 0xAD);
    }
    op(g, wide ? 0x2B : 0x2A), op(g, 0), op(g, 0);
    canonicalize(g, g->kernel_type);
    op(g, wide ? 0x39 : 0x38), op(g, 0), op(g, 0);
    get(g, FLOATS);
    constant(g, I32, wide ? 8 : 4);
    op(g, 0x6A);
    op_u32(g, 0x22, kernel_local(g, FLOATS));
    get(g, START);
    constant(g, I32, REPAIR_BYTES);
    op(g, 0x6A);
    op(g, 0x49);
    op(g, 0x0D), op(g, 0);
    op(g, 0x0B);
}

static void begin_pointers(struct generator *g)
{
    op_u32(g, 0x20, local_of(g, I32));
    constant(g, I32, 0x3F8);
    op(g, 0x71);
    op_u32(g, 0x22, kernel_local(g, START));
    set(g, FLOATS);
    op_u32(g, 0x20, local_of(g, I32));
    constant(g, I32, 0x3F8);
    op(g, 0x71);
    constant(g, I32, INTEGER_BASE);
    op(g, 0x6A);
    set(g, INTEGERS);
}

/* while (--left != 0), while (++left < 12), and the like */
static void latch(struct generator *g, bool down, unsigned times)
{
    static const uint8_t compares[] = {0x47, 0x48, 0x49};
    get(g, LEFT);
    constant(g, I32, down ? UINT64_MAX : 1);
    op(g, 0x6A);
    op_u32(g, 0x22, kernel_local(g, LEFT));
    if (!down) {
        constant(g, I32, times);
        op(g, PICK(g, compares));
    }
    op(g, 0x0D), op(g, 0);
}

void step_kernel(struct generator *g)
{
    const unsigned times = 1 + decide(g, MAX_TIMES), statements = 1 + decide(g, 6);
    const bool down = chance(g, 128);
    g->kernel_type = chance(g, 150) ? F32 : F64;
    g->kernel_advances = 0;
    begin_pointers(g);
    constant(g, I32, down ? times : 0);
    set(g, LEFT);
    op(g, 0x03), op(g, EMPTY);
    for (unsigned i = 0; i < statements; i++)
        statement(g, 0);
    latch(g, down, times);
    op(g, 0x0B);
    mend(g);
    for (unsigned i = 0; i < 2 && (g->features & GENERATE_SIMD) != 0; i++) {
        get(g, VECTOR + i);
        canonicalize_lanes(g, false);
        set(g, VECTOR + i);
    }
}
