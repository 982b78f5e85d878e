/* generate.c - valid modules from arbitrary bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A function body is written by an abstract stack machine: it knows the types on the stack
 * and the open blocks, picks an instruction, puts the operands that are missing on the stack
 * and takes them off again. A block's end drops what is left and produces what is missing.
 * Only `produce` and loops of idioms recurse, a few levels deep at most.
 */
#include "generator.h"

#include <string.h>

/* ---- decisions ---- */

unsigned decide_byte(struct generator *g)
{
    if (g->left == 0)
        return 0;
    g->left--;
    return *g->decisions++;
}

/* 0 .. count - 1 */
unsigned decide(struct generator *g, unsigned count)
{
    return count <= 1 ? 0 : decide_byte(g) % count;
}

/* True `of_256` times in 256; never when the decisions have run out. */
bool chance(struct generator *g, unsigned of_256)
{
    return g->left != 0 && decide_byte(g) < of_256;
}

uint64_t decide_bits(struct generator *g)
{
    static const uint64_t interesting[] = {
        0, 1, UINT64_MAX, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF,
        0x8000000000000000, 31, 32, 63, 64, 0xFF, 0x8000, 0x3FF0000000000000, 0x3F800000,
        0x7F800000, 0x7FF0000000000000, 0x41E0000000000000, 0xC1E0000000200000,
        0x43E0000000000000, 0x4F000000, 0x5F000000, 0x80000001
    };
    if (chance(g, 128))
        return interesting[decide(g, sizeof interesting / sizeof *interesting)];
    uint64_t bits = 0;
    unsigned bytes = decide(g, 9);
    for (unsigned i = 0; i < bytes; i++)
        bits = bits << 8 | decide_byte(g);
    return bits;
}

static bool has_vectors(const struct generator *g)
{
    return (g->features & GENERATE_SIMD) != 0;
}

static bool has_exceptions(const struct generator *g)
{
    return (g->features & GENERATE_EXCEPTIONS) != 0;
}

/* Only code may name functions' types and exceptions: JavaScript is given no exnref. */
uint8_t decide_type(struct generator *g)
{
    static const uint8_t types[] = {I32, I64, F32, F64, I32, I64, F64, FUNCREF, EXTERNREF,
                                    V128, V128, V128};
    if (has_heap(g) && chance(g, 70))
        return decide_heap_type(g);
    if (g->in_code && has_heap(g) && chance(g, 16))
        return (uint8_t)(FUNCTION_TYPE + decide(g, g->type_count));
    if (g->in_code && has_exceptions(g) && chance(g, 12))
        return EXNREF;
    return types[decide(g, has_vectors(g) ? sizeof types : sizeof types - 3)];
}

/* ---- small pieces ---- */

void op(struct generator *g, unsigned opcode)
{
    wasm_byte(&g->out, opcode);
}

void op_u32(struct generator *g, unsigned opcode, unsigned immediate)
{
    op(g, opcode);
    wasm_u32(&g->out, immediate);
}

void prefixed(struct generator *g, unsigned opcode)
{
    op(g, 0xFC);
    wasm_u32(&g->out, opcode);
}

static void vector_op(struct generator *g, unsigned opcode)
{
    op(g, 0xFD);
    wasm_u32(&g->out, opcode);
}

static void put_bits(struct generator *g, uint64_t bits, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        op(g, (unsigned)(bits >> (8 * i)) & 0xFF);
}

void constant(struct generator *g, uint8_t type, uint64_t bits)
{
    switch (type) {
    case I32: op(g, 0x41); wasm_s32(&g->out, (int32_t)(uint32_t)bits); break;
    case I64: op(g, 0x42); wasm_s64(&g->out, (int64_t)bits); break;
    case F32: op(g, 0x43); put_bits(g, bits, 4); break;
    case F64: op(g, 0x44); put_bits(g, bits, 8); break;
    case V128:
        vector_op(g, 0x0C);
        put_bits(g, bits, 8);
        put_bits(g, (bits << 9 | bits >> 55) ^ 0x7F00, 8);
        break;
    default: op(g, 0xD0); put_heap_type(g, type); break;
    }
}

unsigned type_index(const struct generator *g, unsigned function_type)
{
    return g->heap_count + function_type;
}

void put_heap_type(struct generator *g, uint8_t type)
{
    if (type >= CONCRETE_END)
        op(g, type);
    else if (type >= FUNCTION_TYPE)
        wasm_s32(&g->out, (int32_t)type_index(g, type - (unsigned)FUNCTION_TYPE));
    else
        wasm_s32(&g->out, type);
}

void put_type(struct generator *g, uint8_t type)
{
    if (type < CONCRETE_END)
        op(g, 0x63);
    put_heap_type(g, type);
}

static void local_get(struct generator *g, unsigned index) { op_u32(g, 0x20, index); }
static void local_tee(struct generator *g, unsigned index) { op_u32(g, 0x22, index); }
static unsigned budget_global(const struct generator *g) { return g->global_count; }

/* The float on top becomes the canonical NaN if it is a NaN: select(v, nan, v == v). */
void canonicalize(struct generator *g, uint8_t type)
{
    unsigned temporary = type == F32 ? g->f32_temporary : g->f64_temporary;
    if (type != F32 && type != F64)
        return;
    local_tee(g, temporary);
    constant(g, type, type == F32 ? 0x7FC00000 : 0x7FF8000000000000);
    local_get(g, temporary);
    local_get(g, temporary);
    op(g, type == F32 ? 0x5B : 0x61);
    op(g, 0x1B);
}

/* The same for the lanes of a vector of floats: bitselect(v, nans, v == v). */
void canonicalize_lanes(struct generator *g, bool wide)
{
    const uint64_t nan = wide ? 0x7FF8000000000000 : 0x7FC000007FC00000;
    local_tee(g, g->v128_temporary);
    vector_op(g, 0x0C);
    put_bits(g, nan, 8);
    put_bits(g, nan, 8);
    local_get(g, g->v128_temporary);
    local_get(g, g->v128_temporary);
    vector_op(g, wide ? 0x47 : 0x41);
    vector_op(g, 0x52);
}

/* ---- the abstract stack ---- */

static struct frame *top_frame(struct generator *g)
{
    return &g->frames[g->frame_count - 1];
}

void push(struct generator *g, uint8_t type)
{
    g->stack[g->height++] = type;
}

void push_all(struct generator *g, const uint8_t *types, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        push(g, types[i]);
}

static void pop(struct generator *g, unsigned count)
{
    unsigned available = g->height - top_frame(g)->base;
    g->height -= count < available ? count : available;
}

static bool has(const struct generator *g, const uint8_t *types, unsigned count, unsigned base)
{
    if (g->height - base < count)
        return false;
    for (unsigned i = 0; i < count; i++) {
        if (!is_subtype(g, g->stack[g->height - count + i], types[i]))
            return false;
    }
    return true;
}

void become_unreachable(struct generator *g)
{
    top_frame(g)->unreachable = true;
    g->height = top_frame(g)->base;
}

/* ---- operators that only need operands: opcode ranges and their types ---- */

struct operator_range {
    uint16_t first, last; /* 0xFCxx, 0xFDxx: prefixed */
    const char *type;
};

static const struct operator_range operators[] = {
    {0x45, 0x45, "i:i"},  {0x46, 0x4F, "ii:i"}, {0x50, 0x50, "I:i"},  {0x51, 0x5A, "II:i"},
    {0x5B, 0x60, "ff:i"}, {0x61, 0x66, "FF:i"}, {0x67, 0x69, "i:i"},  {0x6A, 0x78, "ii:i"},
    {0x79, 0x7B, "I:I"},  {0x7C, 0x8A, "II:I"}, {0x8B, 0x91, "f:f"},  {0x92, 0x98, "ff:f"},
    {0x99, 0x9F, "F:F"},  {0xA0, 0xA6, "FF:F"}, {0xA7, 0xA7, "I:i"},  {0xA8, 0xA9, "f:i"},
    {0xAA, 0xAB, "F:i"},  {0xAC, 0xAD, "i:I"},  {0xAE, 0xAF, "f:I"},  {0xB0, 0xB1, "F:I"},
    {0xB2, 0xB3, "i:f"},  {0xB4, 0xB5, "I:f"},  {0xB6, 0xB6, "F:f"},  {0xB7, 0xB8, "i:F"},
    {0xB9, 0xBA, "I:F"},  {0xBB, 0xBB, "f:F"},  {0xBC, 0xBC, "f:i"},  {0xBD, 0xBD, "F:I"},
    {0xBE, 0xBE, "i:f"},  {0xBF, 0xBF, "I:F"},  {0xC0, 0xC1, "i:i"},  {0xC2, 0xC4, "I:I"},
    {0xFC00, 0xFC01, "f:i"}, {0xFC02, 0xFC03, "F:i"}, {0xFC04, 0xFC05, "f:I"},
    {0xFC06, 0xFC07, "F:I"},
};

static const struct operator_range vector_operators[] = {
    {0xFD0E, 0xFD0E, "vv:v"}, {0xFD0F, 0xFD11, "i:v"},  {0xFD12, 0xFD12, "I:v"},
    {0xFD13, 0xFD13, "f:v"},  {0xFD14, 0xFD14, "F:v"},  {0xFD23, 0xFD4C, "vv:v"},
    {0xFD4D, 0xFD4D, "v:v"},  {0xFD4E, 0xFD51, "vv:v"}, {0xFD52, 0xFD52, "vvv:v"},
    {0xFD53, 0xFD53, "v:i"},  {0xFD5E, 0xFD62, "v:v"},  {0xFD63, 0xFD64, "v:i"},
    {0xFD65, 0xFD66, "vv:v"}, {0xFD67, 0xFD6A, "v:v"},  {0xFD6B, 0xFD6D, "vi:v"},
    {0xFD6E, 0xFD73, "vv:v"}, {0xFD74, 0xFD75, "v:v"},  {0xFD76, 0xFD79, "vv:v"},
    {0xFD7A, 0xFD7A, "v:v"},  {0xFD7B, 0xFD7B, "vv:v"}, {0xFD7C, 0xFD81, "v:v"},
    {0xFD82, 0xFD82, "vv:v"}, {0xFD83, 0xFD84, "v:i"},  {0xFD85, 0xFD86, "vv:v"},
    {0xFD87, 0xFD8A, "v:v"},  {0xFD8B, 0xFD8D, "vi:v"}, {0xFD8E, 0xFD93, "vv:v"},
    {0xFD94, 0xFD94, "v:v"},  {0xFD95, 0xFD99, "vv:v"}, {0xFD9B, 0xFD9F, "vv:v"},
    {0xFDA0, 0xFDA1, "v:v"},  {0xFDA3, 0xFDA4, "v:i"},  {0xFDA7, 0xFDAA, "v:v"},
    {0xFDAB, 0xFDAD, "vi:v"}, {0xFDAE, 0xFDAE, "vv:v"}, {0xFDB1, 0xFDB1, "vv:v"},
    {0xFDB5, 0xFDBA, "vv:v"}, {0xFDBC, 0xFDBF, "vv:v"}, {0xFDC0, 0xFDC1, "v:v"},
    {0xFDC3, 0xFDC4, "v:i"},  {0xFDC7, 0xFDCA, "v:v"},  {0xFDCB, 0xFDCD, "vi:v"},
    {0xFDCE, 0xFDCE, "vv:v"}, {0xFDD1, 0xFDD1, "vv:v"}, {0xFDD5, 0xFDDF, "vv:v"},
    {0xFDE0, 0xFDE1, "v:v"},  {0xFDE3, 0xFDE3, "v:v"},  {0xFDE4, 0xFDEB, "vv:v"},
    {0xFDEC, 0xFDED, "v:v"},  {0xFDEF, 0xFDEF, "v:v"},  {0xFDF0, 0xFDF7, "vv:v"},
    {0xFDF8, 0xFDFF, "v:v"},
};

/* Mostly scalar ones; only scalar ones for a module without vectors. */
static const struct operator_range *choose_operators(struct generator *g, unsigned vectors_of_256,
                                                     unsigned *count)
{
    bool vectors = has_vectors(g) && chance(g, vectors_of_256);
    *count = vectors ? sizeof vector_operators / sizeof *vector_operators
                     : sizeof operators / sizeof *operators;
    return vectors ? vector_operators : operators;
}

static uint8_t letter_type(char letter)
{
    if (letter == 'v')
        return V128;
    return letter == 'i' ? I32 : letter == 'I' ? I64 : letter == 'f' ? F32 : F64;
}

/* Operand types of "iI:f" into types; their number. The result's letter is the last. */
static unsigned operand_types(const char *type, uint8_t *types)
{
    unsigned count = (unsigned)strcspn(type, ":");
    for (unsigned i = 0; i < count; i++)
        types[i] = letter_type(type[i]);
    return count;
}

static uint8_t result_type(const char *type)
{
    return letter_type(type[strlen(type) - 1]);
}

static bool divides(unsigned opcode)
{
    return (opcode >= 0x6D && opcode <= 0x70) || (opcode >= 0x7F && opcode <= 0x82);
}

static bool truncates(unsigned opcode)
{
    return (opcode >= 0xA8 && opcode <= 0xAB) || (opcode >= 0xAE && opcode <= 0xB1);
}

/* The trapping conversions 0xA8 .. 0xB1 in their saturating form. */
static unsigned saturating(unsigned opcode)
{
    return 0xFC00 + (opcode <= 0xAB ? opcode - 0xA8 : opcode - 0xAE + 4);
}

/* Arithmetic of floats, whose NaNs may have any sign. */
static bool makes_nans(unsigned opcode, bool *wide)
{
    opcode &= 0xFF;
    *wide = opcode == 0x5F || opcode == 0x74 || opcode == 0x75 || opcode == 0x7A ||
            opcode == 0x94 || opcode >= 0xEF;
    return opcode == 0x5E || opcode == 0x5F || (opcode >= 0x67 && opcode <= 0x6A) ||
           opcode == 0x74 || opcode == 0x75 || opcode == 0x7A || opcode == 0x94 ||
           (opcode >= 0xE3 && opcode <= 0xE9) || (opcode >= 0xEF && opcode <= 0xF5);
}

static void emit_vector_operator(struct generator *g, unsigned opcode)
{
    bool wide;
    if (opcode == 0xFD13 || opcode == 0xFD14)
        canonicalize(g, opcode == 0xFD13 ? F32 : F64);
    vector_op(g, opcode & 0xFF);
    if (makes_nans(opcode, &wide))
        canonicalize_lanes(g, wide);
}

/* Emits an operator whose operands are on the stack. Mostly keeps it from trapping, so that
 * programs get further than their first division. */
static void emit_operator(struct generator *g, unsigned opcode)
{
    if (opcode >= 0xFD00) {
        emit_vector_operator(g, opcode);
        return;
    }
    bool tame = !chance(g, 24);
    if (divides(opcode) && tame) {
        constant(g, opcode < 0x79 ? I32 : I64, 1);
        op(g, opcode < 0x79 ? 0x72 : 0x84); /* or */
    }
    if (truncates(opcode) && tame)
        opcode = saturating(opcode);
    if (opcode == 0xBC || opcode == 0x98) /* bits of the value on top become visible */
        canonicalize(g, F32);
    if (opcode == 0xBD || opcode == 0xA6)
        canonicalize(g, F64);
    if (opcode >= 0xFC00)
        prefixed(g, opcode & 0xFF);
    else
        op(g, opcode);
}

static unsigned decide_opcode(struct generator *g, const struct operator_range *range)
{
    return range->first + decide(g, (unsigned)(range->last - range->first) + 1);
}

/* ---- producing a value of a type from nothing ---- */

static bool produce_local(struct generator *g, uint8_t type)
{
    unsigned start = decide(g, g->usable_locals);
    for (unsigned i = 0; i < g->usable_locals; i++) {
        unsigned index = (start + i) % g->usable_locals;
        if (is_subtype(g, g->locals[index], type)) {
            local_get(g, index);
            return true;
        }
    }
    return false;
}

static bool produce_global(struct generator *g, uint8_t type)
{
    unsigned start = decide(g, g->global_count);
    for (unsigned i = 0; i < g->global_count; i++) {
        unsigned index = (start + i) % g->global_count;
        if (is_subtype(g, g->global_types[index], type)) {
            op_u32(g, 0x23, index);
            return true;
        }
    }
    return false;
}

static bool produce_operator(struct generator *g, uint8_t type, unsigned depth)
{
    unsigned count;
    const struct operator_range *ranges = choose_operators(g, type == V128 ? 256 : 30, &count);
    unsigned start = decide(g, count);
    for (unsigned i = 0; i < count && !is_reference(type); i++) {
        const struct operator_range *range = &ranges[(start + i) % count];
        if (result_type(range->type) != type)
            continue;
        uint8_t operands[MAX_VALUES];
        unsigned operand_count = operand_types(range->type, operands);
        for (unsigned k = 0; k < operand_count; k++)
            produce(g, operands[k], depth + 1);
        emit_operator(g, decide_opcode(g, range));
        return true;
    }
    return false;
}

static void produce_constant(struct generator *g, uint8_t type)
{
    constant(g, type, decide_bits(g));
}

static void produce_exception(struct generator *g, unsigned depth);

/* Emits code that leaves one value of `type`; does not push it on the abstract stack. */
void produce(struct generator *g, uint8_t type, unsigned depth)
{
    if (chance(g, 120) && produce_local(g, type))
        return;
    if (chance(g, 40) && produce_global(g, type))
        return;
    if (depth < MAX_DEPTH && chance(g, 90) && produce_operator(g, type, depth))
        return;
    if (type == EXNREF && depth < MAX_DEPTH && chance(g, 100))
        produce_exception(g, depth);
    else if (is_reference(type))
        produce_reference(g, type, depth);
    else
        produce_constant(g, type);
}

/* Makes the operands be on top of the stack and takes them off the abstract one. In
 * unreachable code the operands may come from nowhere. */
void need(struct generator *g, const uint8_t *types, unsigned count)
{
    const struct frame *frame = top_frame(g);
    bool there = has(g, types, count, frame->base);
    if (frame->unreachable && g->height == frame->base && chance(g, 60))
        return;
    if (!there || chance(g, 60)) {
        for (unsigned i = 0; i < count; i++)
            produce(g, types[i], 0);
        return;
    }
    pop(g, count);
}

void need_one(struct generator *g, uint8_t type)
{
    need(g, &type, 1);
}

/* ---- memory ---- */

struct access {
    uint8_t opcode, type, log_bytes;
};

static const struct access accesses[] = {
    {0x28, I32, 2}, {0x29, I64, 3}, {0x2A, F32, 2}, {0x2B, F64, 3}, {0x2C, I32, 0},
    {0x2D, I32, 0}, {0x2E, I32, 1}, {0x2F, I32, 1}, {0x30, I64, 0}, {0x31, I64, 0},
    {0x32, I64, 1}, {0x33, I64, 1}, {0x34, I64, 2}, {0x35, I64, 2}, /* loads */
    {0x36, I32, 2}, {0x37, I64, 3}, {0x38, F32, 2}, {0x39, F64, 3}, {0x3A, I32, 0},
    {0x3B, I32, 1}, {0x3C, I64, 0}, {0x3D, I64, 1}, {0x3E, I64, 2},
};

static unsigned decide_memory(struct generator *g)
{
    return decide(g, g->memory_count);
}

static void memory_argument(struct generator *g, unsigned memory, unsigned log_bytes)
{
    unsigned alignment = decide(g, log_bytes + 1);
    if (memory != 0 || (g->memory_count > 1 && chance(g, 40))) {
        wasm_u32(&g->out, alignment | 0x40);
        wasm_u32(&g->out, memory);
    } else {
        wasm_u32(&g->out, alignment);
    }
    if (!chance(g, 8))
        wasm_u32(&g->out, decide(g, 64));
    else if (g->memory_is_64[memory])
        wasm_u64(&g->out, decide_bits(g));
    else
        wasm_u32(&g->out, (uint32_t)decide_bits(g));
}

static void extend(struct generator *g, bool is_64)
{
    if (is_64)
        op(g, 0xAC + decide(g, 2));
}

/* An address of the memory's type from the i32 on top, mostly inside the first page. */
static void tame_address(struct generator *g, unsigned memory)
{
    if (!chance(g, 16)) {
        constant(g, I32, 0xFF0F);
        op(g, 0x71);
    }
    extend(g, g->memory_is_64[memory]);
}

/* Now and then any number of 64 bits. */
static void produce_address(struct generator *g, unsigned memory)
{
    if (g->memory_is_64[memory] && chance(g, 8)) {
        produce(g, I64, 0);
        return;
    }
    produce(g, I32, 0);
    tame_address(g, memory);
}

static void step_load(struct generator *g)
{
    const struct access *access = &accesses[decide(g, 14)];
    unsigned memory = decide_memory(g);
    need_one(g, I32);
    tame_address(g, memory);
    op(g, access->opcode);
    memory_argument(g, memory, access->log_bytes);
    push(g, access->type);
}

/* Address and value are made afresh, so that the address can be tamed. */
static void step_store(struct generator *g)
{
    const struct access *access = &accesses[14 + decide(g, 9)];
    unsigned memory = decide_memory(g);
    produce_address(g, memory);
    produce(g, access->type, 0);
    canonicalize(g, access->type);
    op(g, access->opcode);
    memory_argument(g, memory, access->log_bytes);
}

/* ---- atomics: in memory 0, which need not be shared ---- */

static void atomic_op(struct generator *g, unsigned opcode)
{
    op(g, 0xFE);
    wasm_u32(&g->out, opcode);
}

/* Addresses at multiples of 8, mostly; the rest may trap. */
static void atomic_address(struct generator *g)
{
    bool aligned = !chance(g, 8);
    produce(g, I32, 0);
    if (aligned) {
        constant(g, I32, 0xFFF8);
        op(g, 0x71);
    }
    tame_address(g, 0);
}

static void atomic_argument(struct generator *g, unsigned log_bytes)
{
    wasm_u32(&g->out, log_bytes);
    wasm_u32(&g->out, chance(g, 8) ? decide(g, 64) : decide(g, 8) * 8);
}

static void step_atomic(struct generator *g)
{
    /* loads, stores and each of seven changes come in these widths, in this order */
    static const struct { uint8_t log_bytes, type; } widths[] = {
        {2, I32}, {3, I64}, {0, I32}, {1, I32}, {0, I64}, {1, I64}, {2, I64}};
    const unsigned kind = decide(g, 11), width = decide(g, 7);
    const uint8_t type = widths[width].type;
    if (kind == 9) { /* nobody waits */
        atomic_address(g);
        produce(g, I32, 0);
        atomic_op(g, 0x00);
        atomic_argument(g, 2);
        push(g, I32);
        return;
    }
    if (kind == 10) {
        atomic_op(g, 0x03);
        op(g, 0);
        return;
    }
    atomic_address(g);
    if (kind != 0)
        produce(g, type, 0);
    if (kind == 8) /* cmpxchg */
        produce(g, type, 0);
    atomic_op(g, 0x10 + 7 * kind + width);
    atomic_argument(g, widths[width].log_bytes);
    if (kind != 1)
        push(g, type);
}

/* ---- vectors: lanes and memory ---- */

struct lane_op {
    uint8_t opcode, type, lanes;
};

static void extract_lane(struct generator *g)
{
    static const struct lane_op ops[] = {{0x15, I32, 16}, {0x16, I32, 16}, {0x18, I32, 8},
                                         {0x19, I32, 8},  {0x1B, I32, 4},  {0x1D, I64, 2},
                                         {0x1F, F32, 4},  {0x21, F64, 2}};
    const struct lane_op *lane = &ops[decide(g, sizeof ops / sizeof *ops)];
    need_one(g, V128);
    vector_op(g, lane->opcode);
    op(g, decide(g, lane->lanes));
    push(g, lane->type);
}

static void replace_lane(struct generator *g)
{
    static const struct lane_op ops[] = {{0x17, I32, 16}, {0x1A, I32, 8}, {0x1C, I32, 4},
                                         {0x1E, I64, 2},  {0x20, F32, 4}, {0x22, F64, 2}};
    const struct lane_op *lane = &ops[decide(g, sizeof ops / sizeof *ops)];
    const uint8_t operands[] = {V128, lane->type};
    need(g, operands, 2);
    canonicalize(g, lane->type);
    vector_op(g, lane->opcode);
    op(g, decide(g, lane->lanes));
    push(g, V128);
}

/* Any bytes, or whole lanes of a power of two. */
static void shuffle(struct generator *g)
{
    static const uint8_t operands[] = {V128, V128};
    unsigned log = decide(g, 4), size = 1u << log, lane = 0;
    need(g, operands, 2);
    vector_op(g, 0x0D);
    for (unsigned i = 0; i < 16; i++) {
        if (i % size == 0)
            lane = decide(g, 32 >> log) << log;
        op(g, lane + i % size);
    }
    push(g, V128);
}

static void load_vector(struct generator *g)
{
    static const uint8_t opcodes[] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0x5C, 0x5D};
    static const uint8_t logs[] = {4, 4, 3, 3, 3, 3, 3, 3, 0, 1, 2, 3, 2, 3};
    unsigned which = decide(g, sizeof opcodes), memory = decide_memory(g);
    need_one(g, I32);
    tame_address(g, memory);
    vector_op(g, opcodes[which]);
    memory_argument(g, memory, logs[which]);
    push(g, V128);
}

static void store_vector(struct generator *g)
{
    unsigned memory = decide_memory(g);
    produce_address(g, memory);
    produce(g, V128, 0);
    vector_op(g, 0x0B);
    memory_argument(g, memory, 4);
}

static void access_lane(struct generator *g)
{
    unsigned log = decide(g, 4), memory = decide_memory(g);
    bool store = chance(g, 128);
    produce_address(g, memory);
    produce(g, V128, 0);
    vector_op(g, (store ? 0x58 : 0x54) + log);
    memory_argument(g, memory, log);
    op(g, decide(g, 16u >> log));
    if (!store)
        push(g, V128);
}

static void step_vector(struct generator *g)
{
    switch (decide(g, 7)) {
    case 0: case 1: extract_lane(g); break;
    case 2: replace_lane(g); break;
    case 3: shuffle(g); break;
    case 4: load_vector(g); break;
    case 5: store_vector(g); break;
    default: access_lane(g); break;
    }
}

static void range_operand(struct generator *g, uint32_t mask, bool is_64)
{
    produce(g, I32, MAX_DEPTH - 1);
    if (!chance(g, 16)) {
        constant(g, I32, mask);
        op(g, 0x71);
    }
    extend(g, is_64);
}

static void memory_grow(struct generator *g, unsigned memory)
{
    const bool is_64 = g->memory_is_64[memory];
    need_one(g, I32);
    if (!chance(g, 30)) {
        constant(g, I32, 1);
        op(g, 0x71);
    }
    extend(g, is_64);
    op_u32(g, 0x40, memory);
    push(g, is_64 ? I64 : I32);
}

static void memory_copy(struct generator *g, unsigned to, unsigned from)
{
    const bool to_64 = g->memory_is_64[to], from_64 = g->memory_is_64[from];
    range_operand(g, 0xFFF, to_64);
    range_operand(g, 0xFFF, from_64);
    range_operand(g, 0x7F, to_64 && from_64);
    prefixed(g, 10);
    wasm_u32(&g->out, to);
    wasm_u32(&g->out, from);
}

static void memory_fill(struct generator *g, unsigned memory)
{
    range_operand(g, 0xFFF, g->memory_is_64[memory]);
    produce(g, I32, MAX_DEPTH - 1);
    range_operand(g, 0x7F, g->memory_is_64[memory]);
    prefixed(g, 11);
    wasm_u32(&g->out, memory);
}

/* Mostly within the segment's few bytes. */
static void memory_init(struct generator *g, unsigned memory)
{
    if (g->data_count == 0)
        return;
    range_operand(g, 0xFF0F, g->memory_is_64[memory]);
    constant(g, I32, decide(g, 4));
    constant(g, I32, decide(g, 8));
    prefixed(g, 8);
    wasm_u32(&g->out, decide(g, g->data_count));
    wasm_u32(&g->out, memory);
}

static void step_memory(struct generator *g)
{
    unsigned memory = decide_memory(g);
    switch (decide(g, 6)) {
    case 0: /* size */
        op_u32(g, 0x3F, memory);
        push(g, g->memory_is_64[memory] ? I64 : I32);
        break;
    case 1: memory_grow(g, memory); break;
    case 2: memory_fill(g, memory); break;
    case 3: memory_copy(g, memory, decide_memory(g)); break;
    case 4: memory_init(g, memory); break;
    default:
        if (g->data_count == 0)
            return;
        prefixed(g, 9);
        wasm_u32(&g->out, decide(g, g->data_count));
        break;
    }
}

/* ---- tables ---- */

void small_index(struct generator *g)
{
    produce(g, I32, MAX_DEPTH - 1);
    if (!chance(g, 16)) {
        constant(g, I32, 7);
        op(g, 0x71);
    }
}

static void table_index(struct generator *g, unsigned table)
{
    small_index(g);
    extend(g, g->table_is_64[table]);
}

static void table_get_set(struct generator *g, unsigned table, bool set)
{
    table_index(g, table);
    if (set)
        produce(g, g->table_types[table], 0);
    op_u32(g, set ? 0x26 : 0x25, table);
    if (!set)
        push(g, g->table_types[table]);
}

static void table_grow(struct generator *g, unsigned table)
{
    const uint8_t type = g->table_is_64[table] ? I64 : I32;
    produce(g, g->table_types[table], 0);
    constant(g, type, chance(g, 8) ? decide_bits(g) >> 1 : decide(g, 12));
    prefixed(g, 15);
    wasm_u32(&g->out, table);
    push(g, type);
}

static void table_fill(struct generator *g, unsigned table)
{
    table_index(g, table);
    produce(g, g->table_types[table], 0);
    table_index(g, table);
    prefixed(g, 17);
    wasm_u32(&g->out, table);
}

static void table_copy(struct generator *g, unsigned table)
{
    unsigned from = decide(g, g->table_count);
    if (!is_subtype(g, g->table_types[from], g->table_types[table]))
        from = table;
    table_index(g, table);
    table_index(g, from);
    small_index(g);
    extend(g, g->table_is_64[table] && g->table_is_64[from]);
    prefixed(g, 14);
    wasm_u32(&g->out, table);
    wasm_u32(&g->out, from);
}

static void table_init(struct generator *g, unsigned table)
{
    unsigned segment = decide(g, g->element_count);
    if (g->element_count == 0 || !is_subtype(g, g->element_types[segment], g->table_types[table]))
        return;
    table_index(g, table);
    constant(g, I32, decide(g, 3));
    constant(g, I32, decide(g, 4));
    prefixed(g, 12);
    wasm_u32(&g->out, segment);
    wasm_u32(&g->out, table);
}

static void step_table(struct generator *g)
{
    unsigned table = decide(g, g->table_count);
    if (g->table_count == 0)
        return;
    switch (decide(g, 8)) {
    case 0: table_get_set(g, table, false); break;
    case 1: table_get_set(g, table, true); break;
    case 2: table_grow(g, table); break;
    case 3: table_fill(g, table); break;
    case 4: table_copy(g, table); break;
    case 5: table_init(g, table); break;
    case 6:
        prefixed(g, 16);
        wasm_u32(&g->out, table);
        push(g, g->table_is_64[table] ? I64 : I32);
        break;
    default:
        if (g->element_count == 0)
            return;
        prefixed(g, 13);
        wasm_u32(&g->out, decide(g, g->element_count));
        break;
    }
}

/* ---- values ---- */

static void step_operator(struct generator *g)
{
    unsigned ranges;
    const struct operator_range *range = choose_operators(g, 100, &ranges);
    range += decide(g, ranges);
    uint8_t operands[MAX_VALUES];
    unsigned count = operand_types(range->type, operands);
    need(g, operands, count);
    emit_operator(g, decide_opcode(g, range));
    push(g, result_type(range->type));
}

static void step_local(struct generator *g)
{
    unsigned index = decide(g, g->usable_locals);
    unsigned kind = decide(g, 3);
    if (kind == 0) {
        local_get(g, index);
        push(g, g->locals[index]);
        return;
    }
    need_one(g, g->locals[index]);
    op_u32(g, kind == 1 ? 0x21 : 0x22, index);
    if (kind == 2)
        push(g, g->locals[index]);
}

static void step_global(struct generator *g)
{
    unsigned index = decide(g, g->global_count);
    if (g->global_count == 0)
        return;
    if (!g->global_mutable[index] || chance(g, 100)) {
        op_u32(g, 0x23, index);
        push(g, g->global_types[index]);
        return;
    }
    need_one(g, g->global_types[index]);
    op_u32(g, 0x24, index);
}

static void step_select(struct generator *g)
{
    uint8_t type = decide_type(g);
    const uint8_t operands[] = {type, type, I32};
    need(g, operands, 3);
    if (is_reference(type) || chance(g, 40)) {
        op(g, 0x1C);
        op(g, 1);
        put_type(g, type);
    } else {
        op(g, 0x1B);
    }
    push(g, type);
}

static void step_reference(struct generator *g)
{
    uint8_t type = chance(g, 128) ? decide_type(g) : FUNCREF;
    type = is_reference(type) ? type : EXTERNREF;
    need_one(g, type);
    op(g, 0xD1);
    push(g, I32);
}

static void step_push(struct generator *g)
{
    uint8_t type = decide_type(g);
    produce(g, type, 0);
    push(g, type);
}

static void step_drop(struct generator *g)
{
    if (g->height == top_frame(g)->base) {
        op(g, 0x01); /* nop */
        return;
    }
    op(g, 0x1A);
    pop(g, 1);
}

/* ---- blocks and branches ---- */

/* "if (budget == 0) unreachable; budget -= 1" */
static void spend_budget(struct generator *g)
{
    op_u32(g, 0x23, budget_global(g));
    op(g, 0x45);
    op(g, 0x04);
    op(g, EMPTY);
    op(g, 0x00);
    op(g, 0x0B);
    op_u32(g, 0x23, budget_global(g));
    constant(g, I32, 1);
    op(g, 0x6B);
    op_u32(g, 0x24, budget_global(g));
}

static void put_block_type(struct generator *g, struct signature *type)
{
    unsigned kind = decide(g, 3);
    memset(type, 0, sizeof *type);
    if (kind == 0) {
        op(g, EMPTY);
    } else if (kind == 1) {
        type->result_count = 1;
        type->results[0] = decide_type(g);
        put_type(g, type->results[0]);
    } else {
        unsigned index = decide(g, g->type_count);
        *type = g->types[index];
        wasm_s32(&g->out, (int32_t)type_index(g, index));
    }
}

/* The operands are made after the block type is known, so the opcode waits for them. */
static void step_block(struct generator *g)
{
    static const uint8_t opcodes[] = {0x02, 0x03, 0x04};
    unsigned opcode = opcodes[decide(g, 3)];
    struct wasm_writer saved = g->out;
    struct signature type;
    uint8_t operands[MAX_VALUES + 1];
    uint8_t block_type[8];
    if (g->frame_count == MAX_FRAMES)
        return;
    put_block_type(g, &type);
    size_t bytes = g->out.size - saved.size;
    if (g->out.overflowed || bytes > sizeof block_type)
        return;
    memcpy(block_type, g->out.bytes + saved.size, bytes);
    g->out = saved;
    memcpy(operands, type.parameters, type.parameter_count);
    operands[type.parameter_count] = I32;
    need(g, operands, type.parameter_count + (opcode == 0x04 ? 1 : 0));
    op(g, opcode);
    wasm_bytes(&g->out, block_type, bytes);
    g->frames[g->frame_count++] =
        (struct frame){.opcode = (uint8_t)opcode, .type = type, .base = g->height};
    push_all(g, type.parameters, type.parameter_count);
    if (opcode == 0x03)
        spend_budget(g);
}

/* Leaves exactly the frame's results on the stack. */
static void settle(struct generator *g)
{
    const struct frame *frame = top_frame(g);
    const struct signature *type = &frame->type;
    unsigned count = g->height - frame->base;
    if (count == type->result_count && has(g, type->results, count, frame->base))
        return;
    while (g->height > frame->base)
        step_drop(g);
    if (frame->unreachable && chance(g, 100)) /* results may come from nowhere */
        return;
    for (unsigned i = 0; i < type->result_count; i++)
        produce(g, type->results[i], 0);
}

/* ---- exceptions ---- */

/* Each tag has three types: its own, and of blocks that give its values, alone and with the
 * exception. */
static unsigned tag_type(const struct generator *g, unsigned tag, unsigned which)
{
    return type_index(g, g->type_count) + 3 * tag + which;
}

static void open_block(struct generator *g, uint8_t opcode, const struct signature *type)
{
    g->frames[g->frame_count++] = (struct frame){.opcode = opcode, .type = *type, .base = g->height};
}

/* A block around a try_table whose clause goes to the block's end, with what it caught. */
static void step_try(struct generator *g)
{
    static const struct signature nothing = {.parameter_count = 0};
    const unsigned kind = decide(g, 4); /* catch, catch_ref, catch_all, catch_all_ref */
    const unsigned tag = decide(g, g->tag_count);
    struct signature caught = nothing;
    if (g->frame_count + 2 > MAX_FRAMES)
        return;
    op(g, 0x02);
    if (kind < 2) {
        memcpy(caught.results, g->tags[tag].parameters, sizeof caught.results);
        caught.result_count = g->tags[tag].parameter_count;
        wasm_s32(&g->out, (int32_t)tag_type(g, tag, 1 + kind));
    } else {
        op(g, kind == 2 ? EMPTY : EXNREF);
    }
    if ((kind & 1) != 0)
        caught.results[caught.result_count++] = EXNREF;
    open_block(g, 0x02, &caught);
    op(g, 0x1F), op(g, EMPTY), op(g, 1);
    op(g, kind);
    if (kind < 2)
        wasm_u32(&g->out, tag);
    op(g, 0);
    open_block(g, 0x1F, &nothing);
}

static void step_throw(struct generator *g)
{
    const unsigned tag = decide(g, g->tag_count);
    if (chance(g, 60)) {
        need_one(g, EXNREF);
        op(g, 0x0A);
    } else {
        need(g, g->tags[tag].parameters, g->tags[tag].parameter_count);
        op_u32(g, 0x08, tag);
    }
    become_unreachable(g);
}

/* An exception that is caught at once: block (result exnref) try_table (catch_all_ref 0) ... */
static void produce_exception(struct generator *g, unsigned depth)
{
    const unsigned tag = decide(g, g->tag_count);
    op(g, 0x02), op(g, EXNREF);
    op(g, 0x1F), op(g, EMPTY), op(g, 1), op(g, 3), op(g, 0);
    for (unsigned i = 0; i < g->tags[tag].parameter_count; i++)
        produce(g, g->tags[tag].parameters[i], depth + 1);
    op_u32(g, 0x08, tag);
    op(g, 0x0B), op(g, 0x00), op(g, 0x0B);
}

static bool same_types(const struct signature *type)
{
    return type->parameter_count == type->result_count &&
           memcmp(type->parameters, type->results, type->result_count) == 0;
}

static void close_frame(struct generator *g)
{
    struct frame *frame = top_frame(g);
    settle(g);
    g->height = frame->base;
    if (frame->opcode == 0x04 && (!same_types(&frame->type) || chance(g, 128))) {
        op(g, 0x05);
        frame->opcode = 0x05;
        frame->unreachable = false;
        push_all(g, frame->type.parameters, frame->type.parameter_count);
        return;
    }
    op(g, 0x0B);
    struct signature type = frame->type;
    g->frame_count--;
    if (g->frame_count != 0)
        push_all(g, type.results, type.result_count);
}

static unsigned label_types(const struct frame *frame, uint8_t *types)
{
    bool loop = frame->opcode == 0x03;
    unsigned count = loop ? frame->type.parameter_count : frame->type.result_count;
    memcpy(types, loop ? frame->type.parameters : frame->type.results, count);
    return count;
}

static const struct frame *label(struct generator *g, unsigned depth)
{
    return &g->frames[g->frame_count - 1 - depth];
}

static void branch_table(struct generator *g, unsigned depth)
{
    uint8_t types[MAX_VALUES + 1], others[MAX_VALUES + 1];
    unsigned count = label_types(label(g, depth), types);
    unsigned entries = decide(g, 6);
    types[count] = I32;
    need(g, types, count + 1);
    op_u32(g, 0x0E, entries);
    for (unsigned i = 0; i < entries; i++) {
        unsigned other = decide(g, g->frame_count);
        bool same = label_types(label(g, other), others) == count &&
                    memcmp(types, others, count) == 0;
        wasm_u32(&g->out, same ? other : depth);
    }
    wasm_u32(&g->out, depth);
    become_unreachable(g);
}

static void step_branch(struct generator *g)
{
    unsigned depth = decide(g, g->frame_count), kind = decide(g, 8);
    uint8_t types[MAX_VALUES + 1];
    unsigned count = label_types(label(g, depth), types);
    if (kind == 0) {
        branch_table(g, depth);
    } else if (kind == 1) {
        need(g, types, count);
        op_u32(g, 0x0C, depth);
        become_unreachable(g);
    } else if (kind == 2 && chance(g, 128)) {
        need(g, g->type.results, g->type.result_count);
        op(g, 0x0F);
        become_unreachable(g);
    } else if (kind == 3 && chance(g, 16)) {
        op(g, 0x00);
        become_unreachable(g);
    } else {
        types[count] = I32;
        need(g, types, count + 1);
        op_u32(g, 0x0D, depth);
        push_all(g, types, count);
    }
}

/* ---- calls ---- */

bool may_tail_call(struct generator *g, const struct signature *type)
{
    return (g->features & GENERATE_TAIL_CALL) != 0 &&
           type->result_count == g->type.result_count &&
           memcmp(type->results, g->type.results, type->result_count) == 0 && chance(g, 40);
}

void after_call(struct generator *g, const struct signature *type, bool tail)
{
    if (tail)
        become_unreachable(g);
    else
        push_all(g, type->results, type->result_count);
}

static void step_call(struct generator *g)
{
    unsigned index = decide(g, g->function_count);
    const struct signature *type = &g->types[g->function_types[index]];
    need(g, type->parameters, type->parameter_count);
    bool tail = may_tail_call(g, type);
    op_u32(g, tail ? 0x12 : 0x10, index);
    after_call(g, type, tail);
}

static void step_call_indirect(struct generator *g)
{
    unsigned table = decide(g, g->table_count);
    if (g->table_count == 0 || !is_subtype(g, g->table_types[table], FUNCREF))
        return;
    /* mostly the type of a function that exists, so that some calls succeed */
    unsigned index = g->function_types[decide(g, g->function_count)];
    const struct signature *type = &g->types[index];
    need(g, type->parameters, type->parameter_count);
    table_index(g, table);
    bool tail = may_tail_call(g, type);
    op_u32(g, tail ? 0x13 : 0x11, type_index(g, index));
    wasm_u32(&g->out, table);
    after_call(g, type, tail);
}

/* ---- idioms: what compilers write, and translators fuse ---- */

static unsigned counter(struct generator *g)
{
    return g->counters + decide(g, COUNTERS);
}

static unsigned decide_compare(struct generator *g)
{
    return 0x46 + decide(g, 10);
}

static int32_t small_constant(struct generator *g)
{
    return (int32_t)decide(g, 40) - 8;
}

/* Leaves a counter or a constant. */
static void small_operand(struct generator *g)
{
    if (chance(g, 128))
        local_get(g, counter(g));
    else
        constant(g, I32, (uint32_t)small_constant(g));
}

/* x += k; if (x <> y) branch: how loops end. */
static void write_latch(struct generator *g, unsigned depth)
{
    unsigned x = counter(g);
    local_get(g, x);
    constant(g, I32, (uint32_t)small_constant(g));
    op(g, chance(g, 200) ? 0x6A : 0x6B);
    bool tee = chance(g, 128);
    op_u32(g, tee ? 0x22 : 0x21, x);
    if (!tee)
        local_get(g, x);
    if (chance(g, 200)) {
        small_operand(g);
        op(g, decide_compare(g));
    }
    if (chance(g, 40))
        op(g, 0x45); /* eqz */
    op_u32(g, 0x0D, depth);
}

/* To any label without values. */
static void idiom_latch(struct generator *g)
{
    uint8_t types[MAX_VALUES];
    unsigned depth = decide(g, g->frame_count);
    if (label_types(label(g, depth), types) == 0)
        write_latch(g, depth);
}

static void step_idiom(struct generator *g);

/* A loop that holds a few idioms and ends in a latch. */
static void idiom_loop(struct generator *g)
{
    if (g->frame_count + 2 > MAX_FRAMES)
        return;
    op(g, 0x03), op(g, EMPTY);
    g->frames[g->frame_count++] = (struct frame){.opcode = 0x03, .base = g->height};
    spend_budget(g);
    for (unsigned i = decide(g, 4); i > 0 && g->height < MAX_STACK; i--)
        step_idiom(g);
    while (g->height > top_frame(g)->base)
        step_drop(g);
    write_latch(g, 0);
    op(g, 0x0B);
    g->frame_count--;
}

/* A sum that makes an address in bounds of memory 0: masked counter + constant, or + scaled
 * counter. */
static void idiom_address(struct generator *g)
{
    unsigned p = counter(g);
    local_get(g, p);
    constant(g, I32, 0x3FF8);
    op(g, 0x71);
    op_u32(g, 0x22, p);
    if (chance(g, 100)) {
        constant(g, I32, decide(g, 64));
        op(g, 0x6A);
    } else if (chance(g, 128)) {
        local_get(g, p);
        constant(g, I32, decide(g, 4));
        op(g, 0x74);
        op(g, 0x6A);
    }
    extend(g, g->memory_is_64[0]);
}

static void idiom_load(struct generator *g)
{
    const struct access *access = &accesses[decide(g, 14)];
    unsigned index = counter(g);
    idiom_address(g);
    op(g, access->opcode);
    memory_argument(g, 0, access->log_bytes);
    if (access->type == I32 && chance(g, 160)) { /* with an operation behind */
        local_get(g, index);
        op(g, 0x6A + decide(g, 3));
    }
    push(g, access->type);
}

/* *p = *p <op> k, and the like: the value loaded may be the address's register. */
static void idiom_update(struct generator *g)
{
    idiom_address(g);
    idiom_address(g);
    op(g, 0x28);
    memory_argument(g, 0, 2);
    small_operand(g);
    op(g, 0x6A + decide(g, 3));
    op(g, 0x36);
    memory_argument(g, 0, 2);
}

/* A counter is read, changed, and read again, with the old value still on the stack. */
static void idiom_stale(struct generator *g)
{
    unsigned x = counter(g), y = counter(g);
    local_get(g, x);
    local_get(g, y);
    small_operand(g);
    op(g, 0x6A + decide(g, 3));
    bool tee = chance(g, 128);
    op_u32(g, tee ? 0x22 : 0x21, x);
    if (tee)
        op(g, 0x6A);
    local_get(g, y);
    op(g, 0x6B);
    push(g, I32);
}

static void idiom_swap(struct generator *g)
{
    unsigned x = counter(g), y = counter(g);
    local_get(g, x);
    local_get(g, y);
    op_u32(g, 0x21, x);
    op_u32(g, 0x21, y);
}

/* (x << k) ^ y, rotations, masks: chains of cheap integer operations. */
static void idiom_mix(struct generator *g)
{
    static const uint8_t shifts[] = {0x74, 0x75, 0x76, 0x77, 0x78};
    static const uint8_t joins[] = {0x6A, 0x71, 0x72, 0x73, 0x6B};
    local_get(g, counter(g));
    constant(g, I32, decide(g, 34));
    op(g, shifts[decide(g, sizeof shifts)]);
    if (chance(g, 100)) {
        constant(g, I32, decide_bits(g));
        op(g, 0x71);
    }
    small_operand(g);
    op(g, joins[decide(g, sizeof joins)]);
    if (chance(g, 128))
        op_u32(g, 0x22, counter(g));
    push(g, I32);
}

/* a * b + c, and c + a * b. */
static void idiom_float(struct generator *g)
{
    bool wide = chance(g, 128), first = chance(g, 128);
    uint8_t type = wide ? F64 : F32;
    unsigned add = wide ? 0xA0 : 0x92;
    if (first)
        produce(g, type, MAX_DEPTH);
    produce(g, type, MAX_DEPTH);
    produce(g, type, MAX_DEPTH);
    op(g, add + 2);
    if (!first)
        produce(g, type, MAX_DEPTH);
    op(g, add + decide(g, 2));
    push(g, type);
}

/* A comparison that feeds an if, a select, or is kept. */
static void idiom_compare(struct generator *g)
{
    small_operand(g);
    small_operand(g);
    op(g, decide_compare(g));
    if (chance(g, 60))
        op(g, 0x45);
    if (chance(g, 128)) {
        unsigned x = counter(g);
        op(g, 0x04), op(g, EMPTY);
        local_get(g, x);
        constant(g, I32, 1);
        op(g, 0x6A);
        op_u32(g, 0x21, x);
        op(g, 0x0B);
    } else {
        push(g, I32);
    }
}

/* sum = sum + *p * *q, and with one of them from a local: filters and matrices. */
static void idiom_product(struct generator *g)
{
    static const struct { uint8_t type, load, log_bytes, add, multiply; } kinds[] = {
        {I32, 0x28, 2, 0x6A, 0x6C}, {I64, 0x29, 3, 0x7C, 0x7E},
        {F32, 0x2A, 2, 0x92, 0x94}, {F64, 0x2B, 3, 0xA0, 0xA2}};
    const unsigned which = decide(g, 4), shape = decide(g, 4);
    const uint8_t type = kinds[which].type;
    if (shape == 0)
        produce(g, type, MAX_DEPTH);
    idiom_address(g);
    op(g, kinds[which].load);
    memory_argument(g, 0, kinds[which].log_bytes);
    if (shape == 1) {
        produce(g, type, MAX_DEPTH);
    } else {
        idiom_address(g);
        op(g, kinds[which].load);
        memory_argument(g, 0, kinds[which].log_bytes);
    }
    op(g, chance(g, 200) ? kinds[which].multiply : kinds[which].add);
    if (shape == 0)
        op(g, kinds[which].add + decide(g, 2));
    push(g, type);
}

/* *p = *q of any width, and the like after an operation with a constant. */
static void idiom_copy(struct generator *g)
{
    static const uint8_t loads[] = {0x28, 0x29, 0x2A, 0x2B, 0x2D, 0x2F, 0x31, 0x33, 0x35};
    static const uint8_t stores[] = {0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E};
    static const uint8_t logs[] = {2, 3, 2, 3, 0, 1, 0, 1, 2};
    const unsigned which = decide(g, sizeof loads);
    idiom_address(g);
    idiom_address(g);
    op(g, loads[which]);
    memory_argument(g, 0, logs[which]);
    if ((which == 0 || which == 4) && chance(g, 80)) {
        constant(g, I32, (uint32_t)small_constant(g));
        op(g, 0x6A + decide(g, 3));
    }
    op(g, stores[which]);
    memory_argument(g, 0, logs[which]);
}

/* The smaller or the larger of two, with select or with if. */
static void idiom_choose(struct generator *g)
{
    const uint8_t types[] = {I32, I64, F32, F64};
    static const uint8_t compares[] = {0x46, 0x51, 0x5B, 0x61}, counts[] = {10, 10, 6, 6};
    const unsigned which = decide(g, 4);
    const uint8_t type = types[which];
    if (type == I32) {
        unsigned x = counter(g), y = counter(g);
        const unsigned compare = decide_compare(g);
        local_get(g, x);
        local_get(g, y);
        local_get(g, x);
        if (chance(g, 80))
            constant(g, I32, (uint32_t)small_constant(g));
        else
            local_get(g, y);
        op(g, compare);
    } else {
        produce(g, type, MAX_DEPTH);
        produce(g, type, MAX_DEPTH);
        produce(g, type, MAX_DEPTH);
        produce(g, type, MAX_DEPTH);
        op(g, compares[which] + decide(g, counts[which]));
    }
    op(g, 0x1B);
    push(g, type);
}

/* if (x <> y) z = k: constants behind branches. */
static void idiom_assign_if(struct generator *g)
{
    const unsigned z = counter(g);
    const bool other = chance(g, 90);
    small_operand(g);
    small_operand(g);
    op(g, decide_compare(g));
    op(g, 0x04), op(g, EMPTY);
    small_operand(g);
    op_u32(g, 0x21, z);
    if (other) {
        op(g, 0x05);
        small_operand(g);
        op_u32(g, 0x21, z);
    }
    op(g, 0x0B);
}

/* Shifts, rotations and masks of 64 bits with constants. */
static void idiom_mix_wide(struct generator *g)
{
    static const uint8_t shifts[] = {0x86, 0x87, 0x88, 0x89, 0x8A};
    static const uint8_t joins[] = {0x7C, 0x7D, 0x7E, 0x83, 0x84, 0x85};
    produce(g, I64, MAX_DEPTH);
    produce(g, I64, MAX_DEPTH);
    constant(g, I64, decide(g, 66));
    op(g, shifts[decide(g, sizeof shifts)]);
    op(g, joins[decide(g, sizeof joins)]);
    if (chance(g, 128)) {
        constant(g, I64, decide_bits(g));
        op(g, joins[decide(g, sizeof joins)]);
    }
    push(g, I64);
}

static void step_idiom(struct generator *g)
{
    switch (decide(g, 19)) {
    case 12: case 13: idiom_product(g); break;
    case 14: idiom_copy(g); break;
    case 15: idiom_choose(g); break;
    case 16: idiom_assign_if(g); break;
    case 17: idiom_mix_wide(g); break;
    case 0: idiom_latch(g); break;
    case 1: case 9: case 10: idiom_loop(g); break;
    case 2: case 3: idiom_load(g); break;
    case 4: idiom_update(g); break;
    case 5: idiom_stale(g); break;
    case 6: idiom_swap(g); break;
    case 7: idiom_mix(g); break;
    case 8: idiom_float(g); break;
    default: idiom_compare(g); break;
    }
}

/* ---- a function ---- */

static void step(struct generator *g)
{
    unsigned kind = decide(g, 42);
    if (g->height - top_frame(g)->base > MAX_STACK / 8 || g->height > MAX_STACK)
        step_drop(g);
    else if (has_vectors(g) && chance(g, 50))
        step_vector(g);
    else if ((g->features & GENERATE_ATOMICS) != 0 && chance(g, 16))
        step_atomic(g);
    else if (chance(g, g->kernels_of_256))
        step_kernel(g);
    else if (has_exceptions(g) && chance(g, 16))
        step_try(g);
    else if (has_exceptions(g) && chance(g, 6))
        step_throw(g);
    else if (has_heap(g) && chance(g, 70))
        step_heap(g);
    else if (kind < 7)
        step_operator(g);
    else if (kind < 11)
        step_local(g);
    else if (kind < 13)
        step_load(g);
    else if (kind < 15)
        step_store(g);
    else if (kind < 17)
        step_global(g);
    else if (kind < 20)
        step_block(g);
    else if (kind < 22)
        step_branch(g);
    else if (kind == 22 && g->frame_count > 1)
        close_frame(g);
    else if (kind == 23)
        step_call(g);
    else if (kind == 24)
        step_call_indirect(g);
    else if (kind == 25)
        step_select(g);
    else if (kind == 26)
        step_memory(g);
    else if (kind == 27)
        step_table(g);
    else if (kind == 28)
        step_reference(g);
    else if (kind < 31)
        step_push(g);
    else if (kind == 31)
        step_drop(g);
    else
        step_idiom(g);
}

static void declare_locals(struct generator *g)
{
    unsigned groups = decide(g, 6);
    memcpy(g->locals, g->type.parameters, g->type.parameter_count);
    g->local_count = g->type.parameter_count;
    wasm_u32(&g->out, groups + 3 + has_vectors(g) + kernel_local_groups(g));
    for (unsigned i = 0; i < groups; i++) {
        uint8_t type = decide_type(g);
        unsigned count = decide(g, 3);
        wasm_u32(&g->out, count);
        put_type(g, type);
        memset(g->locals + g->local_count, type, count);
        g->local_count += count;
    }
    g->counters = g->local_count;
    memset(g->locals + g->local_count, I32, COUNTERS);
    g->local_count += COUNTERS;
    op(g, COUNTERS), op(g, I32);
    g->f32_temporary = g->local_count;
    g->f64_temporary = g->local_count + 1;
    op(g, 1), op(g, F32), op(g, 1), op(g, F64);
    g->v128_temporary = g->local_count + 2;
    if (has_vectors(g))
        op(g, 1), op(g, V128);
    g->local_count += 2 + has_vectors(g);
    memcpy(g->locals + g->f32_temporary, "\x7D\x7C\x7B", 2u + has_vectors(g));
    declare_kernel_locals(g);
    g->usable_locals = g->counters + COUNTERS;
}

static void write_function(struct generator *g, unsigned index)
{
    size_t body = wasm_open(&g->out);
    g->type = g->types[g->function_types[index]];
    declare_locals(g);
    g->height = 0;
    g->frame_count = 1;
    g->frames[0] = (struct frame){.opcode = 0x02, .type = g->type};
    spend_budget(g);
    unsigned steps = 4 + decide(g, MAX_STEPS);
    for (unsigned i = 0; i < steps && g->left != 0; i++)
        step(g);
    while (g->frame_count != 0)
        close_frame(g);
    wasm_close(&g->out, body);
}

/* ---- sections ---- */

static void decide_values(struct generator *g, uint8_t *types, unsigned *count, unsigned most)
{
    *count = decide(g, most + 1);
    for (unsigned i = 0; i < *count; i++)
        types[i] = decide_type(g);
}

static bool is_import_type(const uint8_t *types, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (types[i] == V128 || types[i] < CONCRETE_END)
            return false;
    }
    return true;
}

/* JavaScript gives no vectors, and a host function has no types of modules. */
static bool may_import(const struct signature *type)
{
    return is_import_type(type->parameters, type->parameter_count) &&
           is_import_type(type->results, type->result_count);
}

static void write_values(struct generator *g, const uint8_t *types, unsigned count)
{
    wasm_u32(&g->out, count);
    for (unsigned i = 0; i < count; i++)
        put_type(g, types[i]);
}

static void write_signature(struct generator *g, const struct signature *type)
{
    op(g, 0x60);
    write_values(g, type->parameters, type->parameter_count);
    write_values(g, type->results, type->result_count);
}

/* Tag 0 is what the host throws: an i32 and an i64. */
static void decide_tags(struct generator *g)
{
    if (!has_exceptions(g))
        return;
    g->tag_count = 1 + decide(g, MAX_TAGS);
    g->tags[0] = (struct signature){.parameters = {I32, I64}, .parameter_count = 2};
    for (unsigned i = 1; i < g->tag_count; i++)
        decide_values(g, g->tags[i].parameters, &g->tags[i].parameter_count, MAX_VALUES - 1);
}

static void write_tag_types(struct generator *g, const struct signature *tag)
{
    struct signature gives = {.result_count = tag->parameter_count};
    memcpy(gives.results, tag->parameters, sizeof gives.results);
    write_signature(g, tag);
    write_signature(g, &gives);
    gives.results[gives.result_count++] = EXNREF;
    write_signature(g, &gives);
}

static void write_types(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_TYPE);
    g->type_count = 1 + decide(g, MAX_TYPES);
    decide_tags(g);
    wasm_u32(&g->out, heap_type_entries(g) + g->type_count + 3 * g->tag_count);
    write_heap_types(g);
    for (unsigned i = 0; i < g->type_count; i++) {
        struct signature *type = &g->types[i];
        decide_values(g, type->parameters, &type->parameter_count, MAX_VALUES);
        decide_values(g, type->results, &type->result_count, i == 0 ? 1 : MAX_VALUES);
        if (i == 0 && !may_import(type)) /* type 0 is for imports */
            type->parameter_count = type->result_count = 0;
        write_signature(g, type);
    }
    for (unsigned i = 0; i < g->tag_count; i++)
        write_tag_types(g, &g->tags[i]);
    wasm_close(&g->out, section);
}

static void write_tags(struct generator *g)
{
    if (g->tag_count < 2)
        return;
    const size_t section = wasm_open_section(&g->out, (enum wasm_section)13);
    wasm_u32(&g->out, g->tag_count - 1);
    for (unsigned tag = 1; tag < g->tag_count; tag++) {
        op(g, 0);
        wasm_u32(&g->out, tag_type(g, tag, 0));
    }
    wasm_close(&g->out, section);
}

static void write_imports(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_IMPORT);
    g->imported_functions = decide(g, 3);
    wasm_u32(&g->out, g->imported_functions + (g->tag_count != 0));
    for (unsigned i = 0; i < g->imported_functions; i++) {
        char name[] = {'h', (char)('0' + i), '\0'};
        g->function_types[i] = decide(g, g->type_count);
        if (!may_import(&g->types[g->function_types[i]]))
            g->function_types[i] = 0;
        wasm_name(&g->out, "env");
        wasm_name(&g->out, name);
        op(g, 0x00);
        wasm_u32(&g->out, type_index(g, g->function_types[i]));
    }
    if (g->tag_count != 0) {
        wasm_name(&g->out, "env");
        wasm_name(&g->out, "t0");
        op(g, 0x04), op(g, 0);
        wasm_u32(&g->out, tag_type(g, 0, 0));
    }
    wasm_close(&g->out, section);
}

static void write_functions(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_FUNCTION);
    unsigned defined = 1 + decide(g, MAX_FUNCTIONS - 3);
    wasm_u32(&g->out, defined);
    g->function_count = g->imported_functions + defined;
    for (unsigned i = g->imported_functions; i < g->function_count; i++) {
        g->function_types[i] = decide(g, g->type_count);
        wasm_u32(&g->out, type_index(g, g->function_types[i]));
    }
    wasm_close(&g->out, section);
}

static void write_limits(struct generator *g, bool is_64, unsigned minimum, unsigned maximum)
{
    op(g, is_64 ? 0x05 : 0x01);
    wasm_u32(&g->out, minimum);
    wasm_u32(&g->out, maximum);
}

static bool decide_64(struct generator *g)
{
    return (g->features & GENERATE_MEMORY64) != 0 && chance(g, 110);
}

static void write_tables(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_TABLE);
    g->table_count = decide(g, MAX_TABLES + 1);
    wasm_u32(&g->out, g->table_count);
    for (unsigned i = 0; i < g->table_count; i++) {
        unsigned minimum = 8 + decide(g, 16);
        g->table_types[i] = i == 0 || chance(g, 128) ? FUNCREF : EXTERNREF;
        if (i != 0 && has_heap(g) && chance(g, 100))
            g->table_types[i] = decide_heap_type(g);
        g->table_is_64[i] = decide_64(g);
        put_type(g, g->table_types[i]);
        write_limits(g, g->table_is_64[i], minimum, minimum + decide(g, 32));
    }
    wasm_close(&g->out, section);
}

static void write_memories(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_MEMORY);
    g->memory_count = 1;
    if ((g->features & GENERATE_MULTI_MEMORY) != 0)
        g->memory_count += decide(g, MAX_MEMORIES);
    wasm_u32(&g->out, g->memory_count);
    for (unsigned i = 0; i < g->memory_count; i++) {
        unsigned minimum = 1 + decide(g, 2);
        g->memory_is_64[i] = decide_64(g);
        write_limits(g, g->memory_is_64[i], minimum, minimum + decide(g, 3));
    }
    wasm_close(&g->out, section);
}

static void constant_expression(struct generator *g, uint8_t type)
{
    bool integer = type == I32 || type == I64;
    if (type == FUNCREF && chance(g, 180))
        op_u32(g, 0xD2, decide(g, g->function_count));
    else if (is_reference(type))
        constant_reference(g, type);
    else
        constant(g, type, decide_bits(g));
    if (integer && (g->features & GENERATE_EXTENDED_CONST) != 0 && chance(g, 80)) {
        constant(g, type, decide_bits(g));
        op(g, (type == I32 ? 0x6A : 0x7C) + decide(g, 3));
    }
    op(g, 0x0B);
}

static void write_globals(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_GLOBAL);
    g->global_count = decide(g, MAX_GLOBALS);
    wasm_u32(&g->out, g->global_count + 1);
    for (unsigned i = 0; i < g->global_count; i++) {
        g->global_types[i] = decide_type(g);
        g->global_mutable[i] = !chance(g, 64);
        put_type(g, g->global_types[i]);
        op(g, g->global_mutable[i]);
        constant_expression(g, g->global_types[i]);
    }
    op(g, I32), op(g, 1); /* the budget */
    constant(g, I32, CALL_BUDGET);
    op(g, 0x0B);
    wasm_close(&g->out, section);
}

static void write_export(struct generator *g, char letter, unsigned kind, unsigned index)
{
    char name[] = {letter, (char)('0' + index / 10), (char)('0' + index % 10), '\0'};
    wasm_name(&g->out, name);
    op(g, kind);
    wasm_u32(&g->out, index);
}

/* Everything: functions f00 …, tables t00 …, memories m00 …, globals g00 … */
static void write_exports(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_EXPORT);
    wasm_u32(&g->out, g->function_count - g->imported_functions + g->table_count +
                          g->memory_count + g->tag_count + g->global_count + 1);
    for (unsigned i = g->imported_functions; i < g->function_count; i++)
        write_export(g, 'f', 0, i);
    for (unsigned i = 0; i < g->table_count; i++)
        write_export(g, 't', 1, i);
    for (unsigned i = 0; i < g->memory_count; i++)
        write_export(g, 'm', 2, i);
    for (unsigned i = 0; i < g->tag_count; i++)
        write_export(g, 'e', 4, i);
    for (unsigned i = 0; i <= g->global_count; i++)
        write_export(g, 'g', 3, i);
    wasm_close(&g->out, section);
}

/* Segment 0 declares every function, so that ref.func may name any. */
static void write_declarations(struct generator *g)
{
    op(g, 0x03);
    op(g, 0x00);
    wasm_u32(&g->out, g->function_count);
    for (unsigned i = 0; i < g->function_count; i++)
        wasm_u32(&g->out, i);
    g->element_types[0] = FUNCREF;
}

static void write_element_segment(struct generator *g, unsigned index)
{
    unsigned table = decide(g, g->table_count);
    bool active = g->table_count != 0 && !chance(g, 64);
    uint8_t type = active ? g->table_types[table] : chance(g, 128) ? FUNCREF : EXTERNREF;
    if (!active && has_heap(g) && chance(g, 128))
        type = decide_heap_type(g);
    g->element_types[index] = type;
    op(g, active ? 0x06 : 0x05);
    if (active) {
        wasm_u32(&g->out, table);
        constant(g, g->table_is_64[table] ? I64 : I32, decide(g, 6));
        op(g, 0x0B);
    }
    put_type(g, type);
    unsigned count = decide(g, 8);
    wasm_u32(&g->out, count);
    for (unsigned i = 0; i < count; i++)
        constant_expression(g, type);
}

static void write_elements(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_ELEMENT);
    g->element_count = 1 + decide(g, MAX_SEGMENTS);
    wasm_u32(&g->out, g->element_count);
    write_declarations(g);
    for (unsigned i = 1; i < g->element_count; i++)
        write_element_segment(g, i);
    wasm_close(&g->out, section);
}

static void write_data_count(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_DATA_COUNT);
    g->data_count = decide(g, MAX_SEGMENTS);
    wasm_u32(&g->out, g->data_count);
    wasm_close(&g->out, section);
}

static void write_data(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_DATA);
    wasm_u32(&g->out, g->data_count);
    for (unsigned i = 0; i < g->data_count; i++) {
        bool active = !chance(g, 100);
        unsigned memory = decide(g, g->memory_count);
        op(g, active ? (memory == 0 ? 0 : 2) : 1);
        if (active && memory != 0)
            wasm_u32(&g->out, memory);
        if (active) {
            constant(g, g->memory_is_64[memory] ? I64 : I32,
                     chance(g, 8) ? decide_bits(g) : decide(g, 200));
            op(g, 0x0B);
        }
        unsigned count = decide(g, 24);
        wasm_u32(&g->out, count);
        for (unsigned k = 0; k < count; k++)
            op(g, decide_byte(g));
    }
    wasm_close(&g->out, section);
}

static void write_code(struct generator *g)
{
    size_t section = wasm_open_section(&g->out, WASM_CODE);
    wasm_u32(&g->out, g->function_count - g->imported_functions);
    g->in_code = true;
    for (unsigned i = g->imported_functions; i < g->function_count; i++)
        write_function(g, i);
    wasm_close(&g->out, section);
}

size_t generate_module(const uint8_t *decisions, size_t count, unsigned features, uint8_t *out,
                       size_t capacity)
{
    static struct generator g;
    memset(&g, 0, sizeof g);
    g.decisions = decisions;
    g.left = count;
    g.features = features;
    g.out = (struct wasm_writer){.bytes = out, .capacity = capacity};
    wasm_header(&g.out);
    g.kernels_of_256 = chance(&g, 100) ? 120 : 10;
    decide_heap_types(&g);
    write_types(&g);
    write_imports(&g);
    write_functions(&g);
    write_tables(&g);
    write_memories(&g);
    write_tags(&g);
    write_globals(&g);
    write_exports(&g);
    write_elements(&g);
    write_data_count(&g);
    write_code(&g);
    write_data(&g);
    return g.out.overflowed ? 0 : g.out.size;
}
