/* engine/references.c - typed references: null tests, calls through references (spec 3.4.6).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translate.h"

static bool ref_null(struct translator *t)
{
    uint32_t heap = 0;
    return wrt_use(&t->r, WRT_FEATURE_REFERENCE_TYPES) && wrt_read_heap_type(&t->r, &heap) &&
           wrt_push_const(t, WRT_REF_TYPE(true, heap), 0);
}

static bool ref_is_null(struct translator *t)
{
    wrt_type type = 0;
    return wrt_pop_reference(t, &type) &&
           wrt_emit_unary(t, OP_i64_eqz_s, 0x50, t->height, WRT_I32) && wrt_push_type(t, WRT_I32);
}

static bool ref_func(struct translator *t)
{
    uint32_t function = 0;
    if (!wrt_read_u32(&t->r, &function))
        return false;
    if (function >= t->module->info.function_count)
        return wrt_invalid(&t->r, "unknown function %u", function);
    if (!(t->declared[function / 8] >> (function % 8) & 1))
        return wrt_invalid(&t->r, "undeclared function reference %u", function);
    return wrt_use(&t->r, WRT_FEATURE_REFERENCE_TYPES) &&
           wrt_emit_ref_func(t, function, t->height) &&
           wrt_push_type(t, WRT_REF_TYPE(false, t->module->function_types[function]));
}

/* References are equal if their bits are. */
static bool ref_eq(struct translator *t)
{
    return wrt_pop_type(t, WRT_EQREF) && wrt_pop_type(t, WRT_EQREF) &&
           wrt_emit_binary(t, 0x51, t->height, t->height + 1) && wrt_push_type(t, WRT_I32);
}

static bool ref_as_non_null(struct translator *t)
{
    wrt_type type = 0;
    return wrt_pop_reference(t, &type) && wrt_emit_check_null(t, t->height) &&
           wrt_push_again(t, wrt_not_null(type));
}

static bool br_on_null(struct translator *t)
{
    uint32_t depth = 0, count = 0;
    const wrt_type *types = NULL;
    wrt_type type = 0;
    return wrt_read_label(t, &depth, &types, &count) && wrt_pop_reference(t, &type) &&
           wrt_check_top(t, types, count) &&
           wrt_emit_br_on_null(t, depth, t->height, true) && wrt_push_again(t, wrt_not_null(type));
}

static bool br_on_non_null(struct translator *t)
{
    uint32_t depth = 0, count = 0;
    const wrt_type *types = NULL;
    wrt_type type = 0;
    if (!wrt_read_label(t, &depth, &types, &count) || !wrt_pop_reference(t, &type) ||
        !wrt_push_again(t, wrt_not_null(type)))
        return false;
    if (count == 0)
        return wrt_invalid(&t->r, "type mismatch: the label takes no reference");
    return wrt_check_top(t, types, count) &&
           wrt_emit_br_on_null(t, depth, t->height - 1, false) && wrt_pop_reference(t, &type);
}

static bool call_ref(struct translator *t, bool tail)
{
    uint32_t type = 0;
    return wrt_read_u32(&t->r, &type) && wrt_finish_call_ref(t, type, tail);
}

bool wrt_reference_instruction(struct translator *t, uint8_t opcode)
{
    switch (opcode) {
    case 0xD0: return ref_null(t);
    case 0xD1: return ref_is_null(t);
    case 0xD2: return ref_func(t);
    case 0xD3: return wrt_use(&t->r, WRT_FEATURE_GC) && ref_eq(t);
    default: break;
    }
    if (!wrt_use(&t->r, WRT_FEATURE_TYPED_REFERENCES))
        return false;
    switch (opcode) {
    case 0xD4: return ref_as_non_null(t);
    case 0xD5: return br_on_null(t);
    case 0xD6: return br_on_non_null(t);
    default: return call_ref(t, opcode == 0x15);
    }
}
