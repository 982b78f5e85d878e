/* engine/constant.c - constant expressions: validated at load, evaluated at instantiation.
 * SPDX-License-Identifier: Apache-2.0
 *
 * They stay as bytes inside a section that the module keeps. Extended constants make them
 * small stack programs (spec 3.4.13); the stack is bounded by CONSTANT_DEPTH.
 */
#include "reader.h"

#define CONSTANT_DEPTH 1000

enum { END = 0x0B, GLOBAL_GET = 0x23, I32_CONST = 0x41, I64_CONST = 0x42, F32_CONST = 0x43,
       F64_CONST = 0x44, I32_ADD = 0x6A, I32_MUL = 0x6C, I64_ADD = 0x7C, I64_MUL = 0x7E,
       REF_NULL = 0xD0, REF_FUNC = 0xD2, GC = 0xFB, VECTOR = 0xFD };

#define V128_CONST 12 /* behind VECTOR */

/* Behind GC. */
enum { STRUCT_NEW = 0, STRUCT_NEW_DEFAULT, ARRAY_NEW = 6, ARRAY_NEW_DEFAULT, ARRAY_NEW_FIXED,
       ANY_CONVERT_EXTERN = 26, EXTERN_CONVERT_ANY, REF_I31 };

struct constant_reader {
    struct wrt_reader *r;
    const struct wrt_module *module;
    uint32_t global_limit;
    uint8_t *declared;
    uint32_t depth;
    wrt_type types[CONSTANT_DEPTH];
};

static bool push(struct constant_reader *c, wrt_type type)
{
    if (c->depth == CONSTANT_DEPTH)
        return wrt_refuse(c->r, WRT_ERR_LIMIT, "constant expression deeper than %u",
                          (unsigned)CONSTANT_DEPTH);
    c->types[c->depth++] = type;
    return true;
}

static bool read_global(struct constant_reader *c)
{
    uint32_t index = 0;
    if (!wrt_read_u32(c->r, &index))
        return false;
    if (index >= c->global_limit)
        return wrt_invalid(c->r, "unknown global %u", index);
    const struct wrt_global_type *type = &c->module->globals[index].type;
    if (type->is_mutable)
        return wrt_invalid(c->r, "constant expression required: global %u is mutable", index);
    if (index >= c->module->info.imported_global_count &&
        !wrt_use(c->r, WRT_FEATURE_EXTENDED_CONST))
        return false;
    return push(c, type->content);
}

static bool read_function(struct constant_reader *c)
{
    uint32_t index = 0;
    if (!wrt_read_u32(c->r, &index))
        return false;
    if (index >= c->module->info.function_count)
        return wrt_invalid(c->r, "unknown function %u", index);
    c->declared[index / 8] |= (uint8_t)(1u << (index % 8));
    const uint32_t type = c->module->function_types[index];
    return push(c, WRT_REF_TYPE(false, type));
}

static bool read_vector(struct constant_reader *c)
{
    uint32_t opcode = 0;
    const uint8_t *raw = NULL;
    if (!wrt_read_u32(c->r, &opcode))
        return false;
    if (opcode != V128_CONST)
        return wrt_invalid(c->r, "constant expression required");
    return wrt_use(c->r, WRT_FEATURE_SIMD) && wrt_read_bytes(c->r, 16, &raw) && push(c, WRT_V128);
}

static bool read_arithmetic(struct constant_reader *c, wrt_type type)
{
    if (!wrt_use(c->r, WRT_FEATURE_EXTENDED_CONST))
        return false;
    if (c->depth < 2 || c->types[c->depth - 1] != type || c->types[c->depth - 2] != type)
        return wrt_invalid(c->r, "type mismatch in constant expression");
    c->depth--;
    return true;
}

static bool pop(struct constant_reader *c, wrt_type type)
{
    if (c->depth == 0 || !wrt_type_is(c->module, c->types[c->depth - 1], type))
        return wrt_invalid(c->r, "type mismatch in constant expression");
    c->depth--;
    return true;
}

static bool pop_field(struct constant_reader *c, const struct wrt_field *field)
{
    const bool packed = field->type == WRT_PACKED_I8 || field->type == WRT_PACKED_I16;
    return pop(c, packed ? (wrt_type)WRT_I32 : field->type);
}

static bool convert(struct constant_reader *c, wrt_type from, wrt_type to)
{
    const bool null = c->depth != 0 && wrt_is_nullable(c->types[c->depth - 1]);
    return pop(c, from) && push(c, null ? to : wrt_not_null(to));
}

/* The instructions that make structs and arrays. */
static bool read_new(struct constant_reader *c, uint32_t opcode)
{
    uint32_t index = 0, count = 0;
    const enum wrt_type_kind kind = opcode <= STRUCT_NEW_DEFAULT ? WRT_KIND_STRUCT : WRT_KIND_ARRAY;
    if (!wrt_read_u32(c->r, &index))
        return false;
    if (index >= c->module->info.type_count)
        return wrt_invalid(c->r, "unknown type %u", index);
    index = c->module->canonical_types[index];
    const struct wrt_type_def *type = &c->module->types[index];
    if (type->kind != kind)
        return wrt_invalid(c->r, "type %u is of another kind", index);
    const bool with_default = opcode == STRUCT_NEW_DEFAULT || opcode == ARRAY_NEW_DEFAULT;
    for (uint32_t i = 0; with_default && i < type->field_count; i++)
        if (!wrt_has_default(type->fields[i].type))
            return wrt_invalid(c->r, "field %u has no default value", i);
    if (opcode == ARRAY_NEW_FIXED ? !wrt_read_u32(c->r, &count)
                                  : kind == WRT_KIND_ARRAY && !pop(c, WRT_I32))
        return false;
    if (opcode != ARRAY_NEW_FIXED)
        count = with_default ? 0 : type->field_count;
    for (uint32_t i = count; i-- > 0;)
        if (!pop_field(c, &type->fields[kind == WRT_KIND_STRUCT ? i : 0]))
            return false;
    return push(c, WRT_REF_TYPE(false, index));
}

static bool read_gc(struct constant_reader *c)
{
    uint32_t opcode = 0;
    if (!wrt_use(c->r, WRT_FEATURE_GC) || !wrt_read_u32(c->r, &opcode))
        return false;
    switch (opcode) {
    case STRUCT_NEW: case STRUCT_NEW_DEFAULT:
    case ARRAY_NEW: case ARRAY_NEW_DEFAULT: case ARRAY_NEW_FIXED: return read_new(c, opcode);
    case ANY_CONVERT_EXTERN: return convert(c, WRT_EXTERNREF, WRT_ANYREF);
    case EXTERN_CONVERT_ANY: return convert(c, WRT_ANYREF, WRT_EXTERNREF);
    case REF_I31: return pop(c, WRT_I32) && push(c, wrt_not_null(WRT_I31REF));
    default: return wrt_invalid(c->r, "constant expression required");
    }
}

static bool read_other(struct constant_reader *c, uint8_t opcode)
{
    const bool known = opcode <= 0xC4 || opcode == 0xD1 || opcode == 0xFC || opcode == 0xFD;
    return known ? wrt_invalid(c->r, "constant expression required")
                 : wrt_malformed(c->r, "illegal opcode 0x%02x", opcode);
}

static bool read_one(struct constant_reader *c, uint8_t opcode)
{
    uint32_t narrow = 0;
    uint64_t wide = 0;
    const uint8_t *raw = NULL;
    switch (opcode) {
    case I32_CONST: return wrt_read_s32(c->r, &narrow) && push(c, WRT_I32);
    case I64_CONST: return wrt_read_s64(c->r, &wide) && push(c, WRT_I64);
    case F32_CONST: return wrt_read_bytes(c->r, 4, &raw) && push(c, WRT_F32);
    case F64_CONST: return wrt_read_bytes(c->r, 8, &raw) && push(c, WRT_F64);
    case GLOBAL_GET: return read_global(c);
    case REF_NULL:
        return wrt_read_heap_type(c->r, &narrow) && push(c, WRT_REF_TYPE(true, narrow));
    case REF_FUNC: return read_function(c);
    case VECTOR: return read_vector(c);
    case GC: return read_gc(c);
    default: break;
    }
    if (opcode >= I32_ADD && opcode <= I32_MUL)
        return read_arithmetic(c, WRT_I32);
    if (opcode >= I64_ADD && opcode <= I64_MUL)
        return read_arithmetic(c, WRT_I64);
    return read_other(c, opcode);
}

bool wrt_read_const_expr(struct wrt_reader *r, const struct wrt_module *module,
                         uint32_t global_limit, uint8_t *declared, wrt_type type,
                         struct wrt_const_expr *out)
{
    struct constant_reader c = {.r = r, .module = module, .global_limit = global_limit,
                                .declared = declared};
    const uint8_t *start = r->at;
    for (;;) {
        uint8_t opcode = 0;
        if (!wrt_read_byte(r, &opcode))
            return false;
        if (opcode == END)
            break;
        if (!read_one(&c, opcode))
            return false;
    }
    if (c.depth != 1 || !wrt_type_is(module, c.types[0], type))
        return wrt_invalid(r, "type mismatch in constant expression");
    out->bytes = start;
    out->size_bytes = (uint32_t)(r->at - start);
    return true;
}

/* ---- evaluation: the bytes were validated, so only a full heap can stop it ---- */

/* A value of up to two slots, on a stack. */
struct value {
    union cell of[2];
};

struct evaluation {
    const struct wrt_instance *instance;
    const uint8_t *at;
    struct value *top; /* behind the last one */
};

static uint64_t leb(const uint8_t **at, bool is_signed)
{
    uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte & 0x80)
            continue;
        if (is_signed && (byte & 0x40) && shift + 7 < 64)
            value |= ~UINT64_C(0) << (shift + 7);
        return value;
    }
}

static uint64_t combine(uint8_t opcode, uint64_t a, uint64_t b)
{
    switch (opcode) {
    case I32_ADD: return (uint32_t)(a + b);
    case I32_ADD + 1: return (uint32_t)(a - b);
    case I32_MUL: return (uint32_t)(a * b);
    case I64_ADD: return a + b;
    case I64_ADD + 1: return a - b;
    default: return a * b;
    }
}

/* Makes a struct or array. Nothing is collected: what is on the stack here is no root. */
static bool make_object(struct evaluation *e, uint32_t opcode)
{
    const struct wrt_rtt *rtt = e->instance->rtts[leb(&e->at, false)];
    const struct wrt_type_def *def = rtt->def;
    const bool array = def->kind == WRT_KIND_ARRAY;
    const bool with_default = opcode == STRUCT_NEW_DEFAULT || opcode == ARRAY_NEW_DEFAULT;
    uint32_t length = 0;
    if (opcode == ARRAY_NEW_FIXED)
        length = (uint32_t)leb(&e->at, false);
    else if (array)
        length = (--e->top)->of[0].i32;
    const uint64_t bytes = array ? (uint64_t)length * def->size_bytes : def->size_bytes;
    struct wrt_heap *heap = &e->instance->store->heap;
    const uint64_t reference = wrt_heap_take(heap, rtt->id, length, bytes);
    if (reference == 0)
        return false;
    uint8_t *data = wrt_object_data(wrt_object_at(heap, reference));
    memset(data, 0, (size_t)bytes);
    const uint32_t operands = with_default              ? 0
                              : opcode == ARRAY_NEW_FIXED ? length
                              : array                     ? 1
                                                          : def->field_count;
    e->top -= operands;
    const uint32_t count = with_default ? 0 : array ? length : def->field_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct wrt_field *field = &def->fields[array ? 0 : i];
        wrt_write_field(data + (array ? (size_t)i * def->size_bytes : field->offset), field->type,
                        e->top[operands == 1 ? 0 : i].of);
    }
    (e->top++)->of[0].i64 = reference;
    return true;
}

static bool evaluate_gc(struct evaluation *e)
{
    const uint32_t opcode = (uint32_t)leb(&e->at, false);
    if (opcode == REF_I31)
        e->top[-1].of[0].i64 = WRT_I31_TAG << 48 | (e->top[-1].of[0].i32 & 0x7FFFFFFFu);
    return opcode >= ANY_CONVERT_EXTERN || make_object(e, opcode);
}

static void push_value(struct evaluation *e, uint64_t bits)
{
    (e->top++)->of[0].i64 = bits;
}

static void push_constant(struct evaluation *e, size_t size_bytes)
{
    uint64_t bits = 0;
    memcpy(&bits, e->at, size_bytes);
    e->at += size_bytes;
    push_value(e, bits);
}

static void push_global(struct evaluation *e)
{
    const struct wrt_global *global = e->instance->globals[leb(&e->at, false)];
    memcpy(e->top, global->wide, sizeof global->wide);
    e->top++;
}

static void push_vector(struct evaluation *e)
{
    (void)leb(&e->at, false); /* v128.const */
    memcpy(e->top, e->at, 16);
    e->top++;
    e->at += 16;
}

static bool evaluate_one(struct evaluation *e, uint8_t opcode)
{
    switch (opcode) {
    case I32_CONST: push_value(e, (uint32_t)leb(&e->at, true)); break;
    case I64_CONST: push_value(e, leb(&e->at, true)); break;
    case F32_CONST: push_constant(e, 4); break;
    case F64_CONST: push_constant(e, 8); break;
    case GLOBAL_GET: push_global(e); break;
    case REF_FUNC:
        push_value(e, (uint64_t)(uintptr_t)e->instance->functions[leb(&e->at, false)]);
        break;
    case REF_NULL: (void)leb(&e->at, true); push_value(e, 0); break;
    case GC: return evaluate_gc(e);
    case VECTOR: push_vector(e); break;
    default: /* arithmetic */
        e->top--;
        e->top[-1].of[0].i64 = combine(opcode, e->top[-1].of[0].i64, e->top[0].of[0].i64);
    }
    return true;
}

bool wrt_const_evaluate(const struct wrt_instance *instance, const uint8_t **bytes,
                        union cell out[2])
{
    struct value stack[CONSTANT_DEPTH + 1];
    memset(stack, 0, sizeof stack[0]);
    struct evaluation e = {instance, *bytes, stack};
    for (;;) {
        const uint8_t opcode = *e.at++;
        if (opcode == END)
            break;
        if (!evaluate_one(&e, opcode))
            return false;
    }
    *bytes = e.at;
    memcpy(out, stack, sizeof stack[0]);
    return true;
}
