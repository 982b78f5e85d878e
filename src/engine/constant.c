/* engine/constant.c - constant expressions: validated at load, evaluated at instantiation.
 * SPDX-License-Identifier: Apache-2.0
 *
 * They stay as bytes inside a section that the module keeps. Extended constants make them
 * small stack programs (spec 3.4.13); the stack is bounded by CONSTANT_DEPTH.
 */
#include "reader.h"

#define CONSTANT_DEPTH 256

enum { END = 0x0B, GLOBAL_GET = 0x23, I32_CONST = 0x41, I64_CONST = 0x42, F32_CONST = 0x43,
       F64_CONST = 0x44, I32_ADD = 0x6A, I32_MUL = 0x6C, I64_ADD = 0x7C, I64_MUL = 0x7E,
       REF_NULL = 0xD0, REF_FUNC = 0xD2, VECTOR = 0xFD };

#define V128_CONST 12 /* behind VECTOR */

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

static bool read_other(struct constant_reader *c, uint8_t opcode)
{
    if (opcode == 0xFB)
        return wrt_unsupported(c->r, "gc");
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

/* ---- evaluation: the bytes were validated, so nothing here can fail ---- */

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

static uint64_t evaluate_one(const struct wrt_instance *instance, uint8_t opcode,
                             const uint8_t **at)
{
    uint64_t bits = 0;
    switch (opcode) {
    case I32_CONST: return (uint32_t)leb(at, true);
    case I64_CONST: return leb(at, true);
    case F32_CONST: memcpy(&bits, *at, 4); *at += 4; return bits;
    case F64_CONST: memcpy(&bits, *at, 8); *at += 8; return bits;
    case GLOBAL_GET: return instance->globals[leb(at, false)]->value.i64;
    case REF_FUNC: return (uint64_t)(uintptr_t)instance->functions[leb(at, false)];
    default: (void)leb(at, true); return 0; /* ref.null and its heap type */
    }
}

union wrt_slot wrt_const_evaluate(const struct wrt_instance *instance, const uint8_t **bytes)
{
    uint64_t stack[CONSTANT_DEPTH] = {0};
    uint32_t depth = 0;
    for (;;) {
        const uint8_t opcode = *(*bytes)++;
        if (opcode == END)
            break;
        if (opcode >= I32_ADD && opcode <= I64_MUL) {
            depth--;
            stack[depth - 1] = combine(opcode, stack[depth - 1], stack[depth]);
        } else {
            stack[depth++] = evaluate_one(instance, opcode, bytes);
        }
    }
    return (union wrt_slot){.i64 = stack[0]};
}

void wrt_const_evaluate_vector(const struct wrt_instance *instance, const uint8_t *bytes,
                               union cell out[2])
{
    const uint8_t opcode = *bytes++;
    if (opcode == GLOBAL_GET) {
        memcpy(out, instance->globals[leb(&bytes, false)]->wide, 16);
        return;
    }
    (void)leb(&bytes, false); /* v128.const */
    memcpy(out, bytes, 16);
}
