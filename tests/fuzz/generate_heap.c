/* generate_heap.c - structs, arrays, i31, casts and typed function references.
 * SPDX-License-Identifier: Apache-2.0
 *
 * All fields have defaults, all references may be null. Half of the modules have their
 * recursion groups twice, with the same structure, so that equal types have two numbers.
 */
#include "generator.h"

#include <string.h>

static void heap_op(struct generator *g, unsigned opcode)
{
    op(g, 0xFB);
    wasm_u32(&g->out, opcode);
}

static void heap_op_of(struct generator *g, unsigned opcode, unsigned type)
{
    heap_op(g, opcode);
    wasm_u32(&g->out, type);
}

bool has_heap(const struct generator *g)
{
    return g->heap_count != 0;
}

bool is_reference(uint8_t type)
{
    return type < CONCRETE_END || (type >= EXNREF && type <= FUNCREF);
}

static bool is_concrete_subtype(const struct generator *g, unsigned type, unsigned of)
{
    for (; type != of; type = g->heap_types[type].super) {
        if (!g->heap_types[type].has_super)
            return false;
    }
    return true;
}

bool is_subtype(const struct generator *g, uint8_t type, uint8_t of)
{
    if (type == of)
        return true;
    if (type >= CONCRETE_END)
        return (of == ANYREF && type >= ARRAYREF && type <= EQREF) ||
               (of == EQREF && type >= ARRAYREF && type <= I31REF);
    if (type >= FUNCTION_TYPE)
        return of == FUNCREF;
    if (of < FUNCTION_TYPE)
        return is_concrete_subtype(g, type, of);
    return of == ANYREF || of == EQREF ||
           of == (g->heap_types[type].is_array ? ARRAYREF : STRUCTREF);
}

uint8_t decide_heap_type(struct generator *g)
{
    static const uint8_t abstract[] = {ANYREF, EQREF, I31REF, STRUCTREF, ARRAYREF};
    return chance(g, 90) ? abstract[decide(g, sizeof abstract)]
                         : (uint8_t)decide(g, g->heap_count);
}

/* ---- the types ---- */

static uint8_t decide_storage(struct generator *g, unsigned known)
{
    static const uint8_t types[] = {I8,     I16,     I32,       I64,    F32,   F64,    I32,
                                    I64,    FUNCREF, EXTERNREF, ANYREF, EQREF, I31REF, STRUCTREF,
                                    ARRAYREF, V128, EXNREF};
    if (chance(g, 70))
        return (uint8_t)decide(g, known);
    const uint8_t type = types[decide(g, sizeof types)];
    if ((type == V128 && (g->features & GENERATE_SIMD) == 0) ||
        (type == EXNREF && (g->features & GENERATE_EXCEPTIONS) == 0))
        return I32;
    return type;
}

static void decide_super(struct generator *g, unsigned index)
{
    struct heap_type *type = &g->heap_types[index];
    const unsigned super = decide(g, index);
    if (index == 0 || g->heap_types[super].is_final || !chance(g, 160))
        return;
    *type = g->heap_types[super];
    type->has_super = true;
    type->super = super;
}

/* The types below `known` may be named: those of the groups so far, and of its own. */
static void decide_one(struct generator *g, unsigned index, unsigned known)
{
    struct heap_type *type = &g->heap_types[index];
    type->is_array = chance(g, 90);
    decide_super(g, index);
    type->is_final = chance(g, 60);
    const unsigned most = type->is_array ? 1 : MAX_FIELDS;
    unsigned more = type->is_array ? type->field_count == 0 : decide(g, 4);
    for (; more > 0 && type->field_count < most; more--)
        type->fields[type->field_count++] =
            (struct field){decide_storage(g, known), !chance(g, 40)};
}

static void copy_types(struct generator *g)
{
    const unsigned count = g->heap_count;
    for (unsigned i = 0; i < count; i++) {
        struct heap_type *copy = &g->heap_types[count + i];
        *copy = g->heap_types[i];
        copy->super += count;
        copy->group_end += count;
        for (unsigned k = 0; k < copy->field_count; k++) {
            if (copy->fields[k].storage < FUNCTION_TYPE)
                copy->fields[k].storage = (uint8_t)(copy->fields[k].storage + count);
        }
    }
    g->heap_count = 2 * count;
}

void decide_heap_types(struct generator *g)
{
    if ((g->features & GENERATE_GC) == 0)
        return;
    const unsigned count = 1 + decide(g, MAX_HEAP_TYPES);
    for (unsigned first = 0; first < count;) {
        unsigned end = first + 1 + decide(g, 4);
        end = end < count ? end : count;
        for (; first < end; first++) {
            decide_one(g, first, end);
            g->heap_types[first].group_end = end;
        }
    }
    g->heap_count = count;
    if (chance(g, 128))
        copy_types(g);
}

unsigned heap_type_entries(const struct generator *g)
{
    unsigned groups = 0;
    for (unsigned i = 0; i < g->heap_count; i = g->heap_types[i].group_end)
        groups++;
    return groups;
}

static void write_field(struct generator *g, const struct field *field)
{
    put_type(g, field->storage);
    op(g, field->is_mutable);
}

static void write_heap_type(struct generator *g, const struct heap_type *type)
{
    if (!type->is_final || type->has_super) {
        op(g, type->is_final ? 0x4F : 0x50);
        op(g, type->has_super);
        if (type->has_super)
            wasm_u32(&g->out, type->super);
    }
    op(g, type->is_array ? 0x5E : 0x5F);
    if (!type->is_array)
        wasm_u32(&g->out, type->field_count);
    for (unsigned i = 0; i < type->field_count; i++)
        write_field(g, &type->fields[i]);
}

void write_heap_types(struct generator *g)
{
    for (unsigned i = 0; i < g->heap_count;) {
        const unsigned end = g->heap_types[i].group_end;
        op(g, 0x4E);
        wasm_u32(&g->out, end - i);
        for (; i < end; i++)
            write_heap_type(g, &g->heap_types[i]);
    }
}

/* ---- objects from nothing ---- */

static bool is_packed(uint8_t storage)
{
    return storage == I8 || storage == I16;
}

static uint8_t unpacked(uint8_t storage)
{
    return is_packed(storage) ? I32 : storage;
}

static void small_length(struct generator *g)
{
    produce(g, I32, MAX_DEPTH);
    constant(g, I32, chance(g, 30) ? 0x7F : 0x0F);
    op(g, 0x71);
}

static void produce_struct(struct generator *g, unsigned type, unsigned depth)
{
    const struct heap_type *of = &g->heap_types[type];
    const bool whole = depth < MAX_DEPTH && !chance(g, 60);
    for (unsigned i = 0; whole && i < of->field_count; i++)
        produce(g, unpacked(of->fields[i].storage), depth + 1);
    heap_op_of(g, whole ? 0 : 1, type);
}

static void produce_array(struct generator *g, unsigned type, unsigned depth)
{
    const uint8_t element = unpacked(g->heap_types[type].fields[0].storage);
    const unsigned kind = depth < MAX_DEPTH ? decide(g, 3) : 0, count = decide(g, 4);
    if (kind == 1)
        produce(g, element, depth + 1);
    for (unsigned i = 0; kind == 2 && i < count; i++)
        produce(g, element, depth + 1);
    if (kind != 2)
        small_length(g);
    heap_op_of(g, kind == 0 ? 7 : kind == 1 ? 6 : 8, type);
    if (kind == 2)
        wasm_u32(&g->out, count);
}

/* A heap type that is a subtype of `type`; false if there is none. */
static bool choose_subtype(struct generator *g, uint8_t type, unsigned *out)
{
    const unsigned start = decide(g, g->heap_count);
    for (unsigned i = 0; i < g->heap_count; i++) {
        *out = (start + i) % g->heap_count;
        if (is_subtype(g, (uint8_t)*out, type))
            return true;
    }
    return false;
}

static void produce_i31(struct generator *g, unsigned depth)
{
    produce(g, I32, depth + 1);
    heap_op(g, 28);
}

static bool may_be_i31(uint8_t type)
{
    return type == I31REF || type == ANYREF || type == EQREF;
}

static void produce_object(struct generator *g, uint8_t type, unsigned depth)
{
    unsigned concrete;
    if (type == ANYREF && depth < MAX_DEPTH && chance(g, 24)) {
        produce(g, EXTERNREF, depth + 1);
        heap_op(g, 26);
    } else if (type == I31REF || (may_be_i31(type) && chance(g, 60))) {
        produce_i31(g, depth);
    } else if (!choose_subtype(g, type, &concrete)) {
        constant(g, type, 0);
    } else if (g->heap_types[concrete].is_array) {
        produce_array(g, concrete, depth);
    } else {
        produce_struct(g, concrete, depth);
    }
}

static void produce_function(struct generator *g, uint8_t type)
{
    const unsigned start = decide(g, g->function_count);
    for (unsigned i = 0; i < g->function_count; i++) {
        const unsigned index = (start + i) % g->function_count;
        if (type == FUNCREF || g->function_types[index] == type - (unsigned)FUNCTION_TYPE) {
            op_u32(g, 0xD2, index);
            return;
        }
    }
    constant(g, type, 0);
}

void produce_reference(struct generator *g, uint8_t type, unsigned depth)
{
    const bool function = type == FUNCREF || (type >= FUNCTION_TYPE && type < CONCRETE_END);
    if (!chance(g, 220) || type == EXNREF) {
        constant(g, type, 0);
    } else if (function) {
        produce_function(g, type);
    } else if (type != EXTERNREF) {
        produce_object(g, type, depth);
    } else if (has_heap(g) && depth < MAX_DEPTH && chance(g, 60)) {
        produce(g, ANYREF, depth + 1);
        heap_op(g, 27);
    } else {
        constant(g, type, 0);
    }
}

/* The same where only constant instructions may stand. */
void constant_reference(struct generator *g, uint8_t type)
{
    unsigned concrete;
    if (!has_heap(g) || type == EXTERNREF || type == FUNCREF || chance(g, 40)) {
        constant(g, type, 0);
    } else if (type == I31REF || (may_be_i31(type) && chance(g, 60))) {
        constant(g, I32, decide_bits(g));
        heap_op(g, 28);
    } else if (!choose_subtype(g, type, &concrete)) {
        constant(g, type, 0);
    } else {
        if (g->heap_types[concrete].is_array)
            constant(g, I32, decide(g, 6));
        heap_op_of(g, g->heap_types[concrete].is_array ? 7 : 1, concrete);
    }
}

/* ---- fields and elements ---- */

/* A heap type of the kind with a field, from a random one on. */
static bool choose_kind(struct generator *g, bool array, unsigned *out)
{
    const unsigned start = decide(g, g->heap_count);
    for (unsigned i = 0; i < g->heap_count; i++) {
        *out = (start + i) % g->heap_count;
        if (g->heap_types[*out].is_array == array && g->heap_types[*out].field_count != 0)
            return true;
    }
    return false;
}

static void get_field(struct generator *g, unsigned opcode, uint8_t storage, unsigned type)
{
    heap_op_of(g, opcode + (is_packed(storage) ? 1 + decide(g, 2) : 0), type);
}

static void step_struct(struct generator *g)
{
    unsigned type;
    if (!choose_kind(g, false, &type))
        return;
    const unsigned index = decide(g, g->heap_types[type].field_count);
    const struct field *field = &g->heap_types[type].fields[index];
    const bool set = field->is_mutable && chance(g, 128);
    if (set) {
        produce(g, (uint8_t)type, 0);
        produce(g, unpacked(field->storage), 0);
        heap_op_of(g, 5, type);
        wasm_u32(&g->out, index);
        return;
    }
    need_one(g, (uint8_t)type);
    get_field(g, 2, field->storage, type);
    wasm_u32(&g->out, index);
    push(g, unpacked(field->storage));
}

static void array_get_set(struct generator *g, unsigned type, bool set)
{
    const uint8_t storage = g->heap_types[type].fields[0].storage;
    produce(g, (uint8_t)type, 0);
    small_index(g);
    if (set) {
        produce(g, unpacked(storage), 0);
        heap_op_of(g, 14, type);
        return;
    }
    get_field(g, 11, storage, type);
    push(g, unpacked(storage));
}

static void array_fill(struct generator *g, unsigned type)
{
    produce(g, (uint8_t)type, 0);
    small_index(g);
    produce(g, unpacked(g->heap_types[type].fields[0].storage), 0);
    small_index(g);
    heap_op_of(g, 16, type);
}

/* From an array with the same elements, or from itself. */
static void array_copy(struct generator *g, unsigned to)
{
    unsigned from;
    if (!choose_kind(g, true, &from) ||
        g->heap_types[from].fields[0].storage != g->heap_types[to].fields[0].storage)
        from = to;
    const bool same = from == to && chance(g, 100);
    produce(g, (uint8_t)to, MAX_DEPTH);
    small_index(g);
    produce(g, (uint8_t)from, same ? MAX_DEPTH : 0);
    small_index(g);
    small_index(g);
    heap_op_of(g, 17, to);
    wasm_u32(&g->out, from);
}

/* A segment that may fill arrays of `storage`; false if none. */
static bool choose_segment(struct generator *g, uint8_t storage, unsigned *out)
{
    const bool elements = is_reference(storage);
    *out = decide(g, elements ? g->element_count : g->data_count);
    return elements ? g->element_count != 0 && is_subtype(g, g->element_types[*out], storage)
                    : g->data_count != 0;
}

static void array_segment(struct generator *g, unsigned type, bool fresh)
{
    const uint8_t storage = g->heap_types[type].fields[0].storage;
    unsigned segment;
    if (!choose_segment(g, storage, &segment))
        return;
    if (!fresh) {
        produce(g, (uint8_t)type, 0);
        small_index(g);
    }
    constant(g, I32, decide(g, 6));
    constant(g, I32, decide(g, 8));
    heap_op_of(g, (fresh ? 9u : 18u) + is_reference(storage), type);
    wasm_u32(&g->out, segment);
    if (fresh)
        push(g, (uint8_t)type);
}

static void step_array(struct generator *g)
{
    unsigned type;
    if (!choose_kind(g, true, &type))
        return;
    const bool is_mutable = g->heap_types[type].fields[0].is_mutable;
    const unsigned kind = decide(g, 9);
    if (kind == 0) {
        need_one(g, ARRAYREF);
        heap_op(g, 15);
        push(g, I32);
    } else if (kind < 3 || (kind < 7 && !is_mutable)) {
        array_get_set(g, type, false);
    } else if (kind == 3) {
        array_get_set(g, type, true);
    } else if (kind == 4) {
        array_fill(g, type);
    } else if (kind == 5) {
        array_copy(g, type);
    } else {
        array_segment(g, type, kind > 6);
    }
}

/* ---- tests and casts ---- */

/* A type and one above it, of the `any` hierarchy or of functions. */
static uint8_t decide_target(struct generator *g, uint8_t *source)
{
    if (chance(g, 40)) {
        *source = FUNCREF;
        return (uint8_t)(FUNCTION_TYPE + decide(g, g->type_count));
    }
    const uint8_t target = decide_heap_type(g);
    *source = decide_heap_type(g);
    if (!is_subtype(g, target, *source))
        *source = ANYREF;
    return target;
}

static void step_cast(struct generator *g)
{
    uint8_t source;
    const uint8_t target = decide_target(g, &source);
    const bool null = chance(g, 150), test = chance(g, 150);
    need_one(g, source);
    heap_op(g, (test ? 20u : 22u) + null);
    put_heap_type(g, target);
    push(g, test ? I32 : target);
}

static void open_result(struct generator *g, uint8_t type)
{
    op(g, 0x02);
    put_type(g, type);
}

/* The two ways out of a block: the value that was cast, or another. */
static void step_branch_on_cast(struct generator *g)
{
    uint8_t source;
    const uint8_t target = decide_target(g, &source);
    const bool fails = chance(g, 128), source_null = true, target_null = chance(g, 128);
    const uint8_t result = fails ? source : target;
    open_result(g, result);
    produce(g, source, 1);
    heap_op(g, 24u + fails);
    op(g, (unsigned)source_null | (unsigned)target_null << 1);
    op(g, 0);
    put_heap_type(g, source);
    put_heap_type(g, target);
    op(g, 0x1A);
    produce(g, result, 1);
    op(g, 0x0B);
    push(g, result);
}

static void step_branch_on_null(struct generator *g)
{
    uint8_t type = decide_type(g);
    if (!is_reference(type))
        type = ANYREF;
    if (chance(g, 128)) {
        open_result(g, I32);
        constant(g, I32, 1);
        produce(g, type, 0);
        op(g, 0xD5), op(g, 0);
        op(g, 0x1A), op(g, 0x1A);
        constant(g, I32, 2);
        op(g, 0x0B);
        push(g, I32);
        return;
    }
    open_result(g, type);
    produce(g, type, 0);
    op(g, 0xD6), op(g, 0);
    produce(g, type, 0);
    op(g, 0x0B);
    push(g, type);
}

static void step_as_non_null(struct generator *g)
{
    uint8_t type = decide_type(g);
    if (!is_reference(type))
        type = EQREF;
    need_one(g, type);
    op(g, 0xD4);
    push(g, type);
}

static void step_convert(struct generator *g)
{
    const bool out = chance(g, 128);
    need_one(g, out ? ANYREF : EXTERNREF);
    heap_op(g, out ? 27 : 26);
    push(g, out ? EXTERNREF : ANYREF);
}

static void step_equal(struct generator *g)
{
    static const uint8_t operands[] = {EQREF, EQREF};
    need(g, operands, 2);
    op(g, 0xD3);
    push(g, I32);
}

static void step_i31(struct generator *g)
{
    need_one(g, I31REF);
    heap_op(g, 29 + decide(g, 2));
    push(g, I32);
}

static void step_call_reference(struct generator *g)
{
    const unsigned index = g->function_types[decide(g, g->function_count)];
    const struct signature *type = &g->types[index];
    need(g, type->parameters, type->parameter_count);
    produce(g, (uint8_t)(FUNCTION_TYPE + index), 0);
    const bool tail = may_tail_call(g, type);
    op_u32(g, tail ? 0x15 : 0x14, type_index(g, index));
    after_call(g, type, tail);
}

static void step_new(struct generator *g)
{
    const uint8_t type = (uint8_t)decide(g, g->heap_count);
    produce(g, type, 0);
    push(g, type);
}

void step_heap(struct generator *g)
{
    switch (decide(g, 16)) {
    case 0: case 1: case 2: step_struct(g); break;
    case 3: case 4: case 5: case 6: step_array(g); break;
    case 7: step_cast(g); break;
    case 8: step_branch_on_cast(g); break;
    case 9: step_branch_on_null(g); break;
    case 10: step_as_non_null(g); break;
    case 11: step_convert(g); break;
    case 12: step_equal(g); break;
    case 13: step_i31(g); break;
    case 14: step_call_reference(g); break;
    default: step_new(g); break;
    }
}
