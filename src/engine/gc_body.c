/* engine/gc_body.c - validates and translates the instructions of structs, arrays, casts and
 * i31 (spec 3.4.6; opcode 0xFB).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reads and writes of fields without a reference are handlers; what allocates, or overwrites a
 * reference while the collector may be marking, is done out of line on operands in their homes.
 */
#include "emit.h"

enum {
    STRUCT_NEW, STRUCT_NEW_DEFAULT, STRUCT_GET, STRUCT_GET_S, STRUCT_GET_U, STRUCT_SET,
    ARRAY_NEW, ARRAY_NEW_DEFAULT, ARRAY_NEW_FIXED, ARRAY_NEW_DATA, ARRAY_NEW_ELEM,
    ARRAY_GET, ARRAY_GET_S, ARRAY_GET_U, ARRAY_SET, ARRAY_LEN, ARRAY_FILL, ARRAY_COPY,
    ARRAY_INIT_DATA, ARRAY_INIT_ELEM, REF_TEST, REF_TEST_NULL, REF_CAST, REF_CAST_NULL,
    BR_ON_CAST, BR_ON_CAST_FAIL, ANY_CONVERT_EXTERN, EXTERN_CONVERT_ANY, REF_I31,
    I31_GET_S, I31_GET_U
};

/* ---- types and fields ---- */

static bool read_type(struct translator *t, enum wrt_type_kind kind, uint32_t *index,
                      const struct wrt_type_def **out)
{
    static const char *const names[] = {"function", "struct", "array"};
    if (!wrt_read_u32(&t->r, index))
        return false;
    if (*index >= t->module->info.type_count)
        return wrt_invalid(&t->r, "unknown type %u", *index);
    *index = t->module->canonical_types[*index];
    *out = &t->module->types[*index];
    return (*out)->kind == kind || wrt_invalid(&t->r, "type %u is not %s type", *index, names[kind]);
}

static bool is_packed(wrt_type type)
{
    return type == WRT_PACKED_I8 || type == WRT_PACKED_I16;
}

static wrt_type unpacked(wrt_type type)
{
    return is_packed(type) ? (wrt_type)WRT_I32 : type;
}

static wrt_type null_or(uint32_t index)
{
    return WRT_REF_TYPE(true, index);
}

static wrt_type non_null(uint32_t index)
{
    return WRT_REF_TYPE(false, index);
}

/* ---- emission ---- */

/* An operation out of line: `count` operands in their homes, numbers x and y. */
static bool emit_cold(struct translator *t, unsigned op, uint32_t count, uint32_t x, uint32_t y,
                      bool has_result)
{
    if (!t->live)
        return true;
    const uint32_t first = t->height;
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_settle_operand(t, first + i))
            return false;
    if (!wrt_point_here(t, first + count))
        return false;
    wrt_unlist(t, first);
    wrt_forget_accumulators(t);
    t->barrier = t->code_count;
    union word *w = wrt_append(t, op, 3);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)home_of(t, first);
    w[1].k.imm = (int32_t)x;
    w[2].half[0] = (int32_t)y;
    if (has_result)
        wrt_wrote(t, home_of(t, first), ACC_I);
    return true;
}

/* Handlers of a field by its type: get, get_s, get_u, set; of a struct or an array. */
enum access { GET, GET_S, GET_U, SET };

static unsigned handler_of(wrt_type type, enum access access, bool array)
{
    static const uint16_t gets[2][6] = {
        {OP_field_get_32, OP_field_get_64, OP_field_get_f32, OP_field_get_f64, OP_field_get_v128, 0},
        {OP_array_get_32, OP_array_get_64, OP_array_get_f32, OP_array_get_f64, OP_array_get_v128, 0}};
    static const uint16_t packed[2][2][2] = {
        {{OP_field_get_8s, OP_field_get_8u}, {OP_field_get_16s, OP_field_get_16u}},
        {{OP_array_get_8s, OP_array_get_8u}, {OP_array_get_16s, OP_array_get_16u}}};
    static const uint16_t sets[2][6] = {
        {OP_field_set_8, OP_field_set_16, OP_field_set_32, OP_field_set_64, OP_field_set_v128,
         OP_field_set_ref},
        {OP_array_set_8, OP_array_set_16, OP_array_set_32, OP_array_set_64, OP_array_set_v128,
         OP_array_set_ref}};
    if (is_packed(type) && access != SET)
        return packed[array][type == WRT_PACKED_I16][access == GET_U];
    switch (type) {
    case WRT_PACKED_I8: return sets[array][0];
    case WRT_PACKED_I16: return sets[array][1];
    case WRT_I32: return access == SET ? sets[array][2] : gets[array][0];
    case WRT_F32: return access == SET ? sets[array][2] : gets[array][2];
    case WRT_I64: return access == SET ? sets[array][3] : gets[array][1];
    case WRT_F64: return access == SET ? sets[array][3] : gets[array][3];
    case WRT_V128: return access == SET ? sets[array][4] : gets[array][4];
    default: return access == SET ? sets[array][5] : gets[array][1];
    }
}

/* d = field of the object in operand `object`, which becomes the result's home. */
static bool emit_get(struct translator *t, unsigned op, uint32_t object, uint32_t index,
                     uint32_t offset, wrt_type result)
{
    uint32_t a = 0, b = 0;
    const bool array = index != WRT_NONE;
    if (!t->live)
        return true;
    if (!wrt_slot_of(t, object, &a) || (array && !wrt_slot_of(t, index, &b)))
        return false;
    union word *w = wrt_append(t, op, 2);
    if (w == NULL)
        return false;
    const uint32_t d = home_of(t, object);
    w[1].s.a = (uint16_t)a;
    if (array)
        w[1].s.b = (uint16_t)b;
    else
        w[1].k.imm = (int32_t)(offset + WRT_GRANULE_BYTES);
    w[1].s.d = (uint16_t)d;
    if (result == WRT_V128) {
        wrt_wrote_plain(t, d);
        wrt_wrote_plain(t, d + 1);
    } else {
        wrt_produced(t, d, result, SHAPE_OTHER);
    }
    return true;
}

static bool emit_set(struct translator *t, unsigned op, uint32_t object, uint32_t index,
                     uint32_t value, uint32_t offset)
{
    uint32_t a = 0, b = 0, d = 0;
    const bool array = index != WRT_NONE;
    if (!t->live)
        return true;
    if (!wrt_slot_of(t, object, &a) || (array && !wrt_slot_of(t, index, &b)) ||
        !wrt_slot_of(t, value, &d))
        return false;
    union word *w = wrt_append(t, op, 2);
    if (w == NULL)
        return false;
    w[1].s.a = (uint16_t)a;
    if (array)
        w[1].s.b = (uint16_t)b;
    else
        w[1].k.imm = (int32_t)(offset + WRT_GRANULE_BYTES);
    w[1].s.d = (uint16_t)d;
    return true;
}

/* d = op of the slot of `operand`, with a number. */
static bool emit_slot(struct translator *t, unsigned op, uint32_t operand, uint32_t d, uint32_t imm,
                      bool has_result)
{
    uint32_t a = 0;
    if (!t->live)
        return true;
    if (!wrt_slot_of(t, operand, &a))
        return false;
    union word *w = wrt_append(t, op, 2);
    if (w == NULL)
        return false;
    w[1].k.d = (uint16_t)d;
    w[1].k.a = (uint16_t)a;
    w[1].k.imm = (int32_t)imm;
    if (has_result)
        wrt_wrote(t, d, ACC_I);
    return true;
}

/* ---- structs ---- */

static bool struct_new(struct translator *t, bool with_default)
{
    uint32_t index = 0;
    const struct wrt_type_def *type = NULL;
    if (!read_type(t, WRT_KIND_STRUCT, &index, &type))
        return false;
    const uint32_t count = with_default ? 0 : type->field_count;
    for (uint32_t i = type->field_count; i-- > 0;) {
        const wrt_type field = type->fields[i].type;
        if (!with_default && !wrt_pop_type(t, unpacked(field)))
            return false;
        if (with_default && !wrt_has_default(field))
            return wrt_invalid(&t->r, "field %u has no default value", i);
    }
    return emit_cold(t, with_default ? OP_struct_new_default : OP_struct_new, count, index, 0, true) &&
           wrt_push_type(t, non_null(index));
}

static bool read_field(struct translator *t, uint32_t *index, const struct wrt_field **field)
{
    uint32_t at = 0;
    const struct wrt_type_def *type = NULL;
    if (!read_type(t, WRT_KIND_STRUCT, index, &type) || !wrt_read_u32(&t->r, &at))
        return false;
    if (at >= type->field_count)
        return wrt_invalid(&t->r, "unknown field %u", at);
    *field = &type->fields[at];
    return true;
}

/* get is for what is not packed, get_s and get_u for what is. */
static bool check_access(struct translator *t, const struct wrt_field *field, enum access access)
{
    if (access == SET)
        return field->is_mutable || wrt_invalid(&t->r, "immutable field or array");
    return is_packed(field->type) == (access != GET) ||
           wrt_invalid(&t->r, "type mismatch: the field is %spacked",
                       is_packed(field->type) ? "" : "not ");
}

static bool struct_get(struct translator *t, enum access access)
{
    uint32_t index = 0;
    const struct wrt_field *field = NULL;
    if (!read_field(t, &index, &field) || !check_access(t, field, access) ||
        !wrt_pop_type(t, null_or(index)))
        return false;
    const wrt_type result = unpacked(field->type);
    return emit_get(t, handler_of(field->type, access, false), t->height, WRT_NONE, field->offset,
                    result) &&
           wrt_push_type(t, result);
}

static bool struct_set(struct translator *t)
{
    uint32_t index = 0;
    const struct wrt_field *field = NULL;
    return read_field(t, &index, &field) && check_access(t, field, SET) &&
           wrt_pop_type(t, unpacked(field->type)) && wrt_pop_type(t, null_or(index)) &&
           emit_set(t, handler_of(field->type, SET, false), t->height, WRT_NONE, t->height + 1,
                    field->offset);
}

/* ---- arrays ---- */

static bool array_new(struct translator *t, bool with_default)
{
    uint32_t index = 0;
    const struct wrt_type_def *type = NULL;
    if (!read_type(t, WRT_KIND_ARRAY, &index, &type) || !wrt_pop_type(t, WRT_I32))
        return false;
    const wrt_type element = type->fields[0].type;
    if (with_default && !wrt_has_default(element))
        return wrt_invalid(&t->r, "the element has no default value");
    if (!with_default && !wrt_pop_type(t, unpacked(element)))
        return false;
    return emit_cold(t, with_default ? OP_array_new_default : OP_array_new, with_default ? 1 : 2,
                     index, 0, true) &&
           wrt_push_type(t, non_null(index));
}

static bool array_new_fixed(struct translator *t)
{
    uint32_t index = 0, count = 0;
    const struct wrt_type_def *type = NULL;
    if (!read_type(t, WRT_KIND_ARRAY, &index, &type) || !wrt_read_u32(&t->r, &count))
        return false;
    if (count > t->config->max_frame_slots)
        return wrt_refuse(&t->r, WRT_ERR_LIMIT, "array.new_fixed of %u elements: max_frame_slots",
                          count);
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_pop_type(t, unpacked(type->fields[0].type)))
            return false;
    return emit_cold(t, OP_array_new_fixed, count, index, count, true) &&
           wrt_push_type(t, non_null(index));
}

static bool read_segment(struct translator *t, const struct wrt_field *element, bool data,
                         uint32_t *segment)
{
    if (data)
        return wrt_read_data_index(t, segment) &&
               (!wrt_is_reference(element->type) ||
                wrt_invalid(&t->r, "type mismatch: array of references from data"));
    return wrt_read_element_index(t, segment) &&
           (wrt_type_is(t->module, t->module->elements[*segment].type, element->type) ||
            wrt_invalid(&t->r, "type mismatch: array and element segment"));
}

static bool array_new_segment(struct translator *t, bool data)
{
    uint32_t index = 0, segment = 0;
    const struct wrt_type_def *type = NULL;
    return read_type(t, WRT_KIND_ARRAY, &index, &type) &&
           read_segment(t, &type->fields[0], data, &segment) && wrt_pop_type(t, WRT_I32) &&
           wrt_pop_type(t, WRT_I32) &&
           emit_cold(t, data ? OP_array_new_data : OP_array_new_elem, 2, index, segment, true) &&
           wrt_push_type(t, non_null(index));
}

static bool array_get(struct translator *t, enum access access)
{
    uint32_t index = 0;
    const struct wrt_type_def *type = NULL;
    if (!read_type(t, WRT_KIND_ARRAY, &index, &type) || !check_access(t, &type->fields[0], access) ||
        !wrt_pop_type(t, WRT_I32) || !wrt_pop_type(t, null_or(index)))
        return false;
    const wrt_type element = type->fields[0].type, result = unpacked(element);
    return emit_get(t, handler_of(element, access, true), t->height, t->height + 1, 0, result) &&
           wrt_push_type(t, result);
}

static bool array_set(struct translator *t)
{
    uint32_t index = 0;
    const struct wrt_type_def *type = NULL;
    return read_type(t, WRT_KIND_ARRAY, &index, &type) && check_access(t, &type->fields[0], SET) &&
           wrt_pop_type(t, unpacked(type->fields[0].type)) && wrt_pop_type(t, WRT_I32) &&
           wrt_pop_type(t, null_or(index)) &&
           emit_set(t, handler_of(type->fields[0].type, SET, true), t->height, t->height + 1,
                    t->height + 2, 0);
}

static bool array_len(struct translator *t)
{
    return wrt_pop_type(t, WRT_ARRAYREF) &&
           emit_slot(t, OP_array_len, t->height, home_of(t, t->height), 0, true) &&
           wrt_push_type(t, WRT_I32);
}

static bool array_fill(struct translator *t)
{
    uint32_t index = 0;
    const struct wrt_type_def *type = NULL;
    return read_type(t, WRT_KIND_ARRAY, &index, &type) && check_access(t, &type->fields[0], SET) &&
           wrt_pop_type(t, WRT_I32) && wrt_pop_type(t, unpacked(type->fields[0].type)) &&
           wrt_pop_type(t, WRT_I32) && wrt_pop_type(t, null_or(index)) &&
           emit_cold(t, OP_array_fill, 4, index, 0, false);
}

static bool array_copy(struct translator *t)
{
    uint32_t to = 0, from = 0;
    const struct wrt_type_def *to_type = NULL, *from_type = NULL;
    if (!read_type(t, WRT_KIND_ARRAY, &to, &to_type) ||
        !read_type(t, WRT_KIND_ARRAY, &from, &from_type) ||
        !check_access(t, &to_type->fields[0], SET))
        return false;
    if (!wrt_type_is(t->module, from_type->fields[0].type, to_type->fields[0].type))
        return wrt_invalid(&t->r, "array types do not match");
    return wrt_pop_type(t, WRT_I32) && wrt_pop_type(t, WRT_I32) && wrt_pop_type(t, null_or(from)) &&
           wrt_pop_type(t, WRT_I32) && wrt_pop_type(t, null_or(to)) &&
           emit_cold(t, OP_array_copy, 5, to, 0, false);
}

static bool array_init(struct translator *t, bool data)
{
    uint32_t index = 0, segment = 0;
    const struct wrt_type_def *type = NULL;
    return read_type(t, WRT_KIND_ARRAY, &index, &type) && check_access(t, &type->fields[0], SET) &&
           read_segment(t, &type->fields[0], data, &segment) && wrt_pop_type(t, WRT_I32) &&
           wrt_pop_type(t, WRT_I32) && wrt_pop_type(t, WRT_I32) &&
           wrt_pop_type(t, null_or(index)) &&
           emit_cold(t, data ? OP_array_init_data : OP_array_init_elem, 4, index, segment, false);
}

/* ---- casts ---- */

static wrt_type top_of(const struct translator *t, uint32_t heap)
{
    const bool concrete = (heap & WRT_HEAP_ABSTRACT) == 0;
    return wrt_top_of(heap, concrete ? (enum wrt_type_kind)t->module->types[heap].kind
                                     : WRT_KIND_FUNCTION);
}

static bool ref_test(struct translator *t, bool null)
{
    uint32_t heap = 0;
    return wrt_read_heap_type(&t->r, &heap) && wrt_pop_type(t, top_of(t, heap)) &&
           emit_slot(t, OP_ref_test, t->height, home_of(t, t->height), WRT_REF_TYPE(null, heap),
                     true) &&
           wrt_push_type(t, WRT_I32);
}

static bool ref_cast(struct translator *t, bool null)
{
    uint32_t heap = 0;
    if (!wrt_read_heap_type(&t->r, &heap) || !wrt_pop_type(t, top_of(t, heap)))
        return false;
    const wrt_type type = WRT_REF_TYPE(null, heap);
    return emit_slot(t, OP_ref_cast, t->height, 0, type, false) && wrt_push_again(t, type);
}

/* The operand stays; its test stands above it for a moment. */
static bool br_on_cast(struct translator *t, bool fail)
{
    uint8_t flags = 0;
    uint32_t depth = 0, count = 0, from_heap = 0, to_heap = 0;
    const wrt_type *types = NULL;
    if (!wrt_read_byte(&t->r, &flags) || !wrt_read_label(t, &depth, &types, &count) ||
        !wrt_read_heap_type(&t->r, &from_heap) || !wrt_read_heap_type(&t->r, &to_heap))
        return false;
    if (flags > 3)
        return wrt_malformed(&t->r, "malformed cast flags");
    const wrt_type from = WRT_REF_TYPE(flags & 1, from_heap), to = WRT_REF_TYPE(flags >> 1, to_heap);
    const wrt_type rest = wrt_is_nullable(to) ? wrt_not_null(from) : from;
    if (!wrt_type_is(t->module, to, from))
        return wrt_invalid(&t->r, "type mismatch: the cast is not to a subtype");
    if (count == 0)
        return wrt_invalid(&t->r, "type mismatch: the label takes no reference");
    if (!wrt_pop_type(t, from) || !wrt_push_again(t, fail ? rest : to) ||
        !wrt_check_top(t, types, count) || !wrt_push_type(t, WRT_I32) || !wrt_pop_type(t, WRT_I32))
        return false;
    const uint32_t test = t->height;
    return emit_slot(t, fail ? OP_ref_test_not : OP_ref_test, test - 1, home_of(t, test), to, true) &&
           wrt_emit_br_if(t, depth, test) && wrt_pop_type(t, 0) &&
           wrt_push_again(t, fail ? to : rest);
}

static bool convert(struct translator *t, wrt_type from, wrt_type to)
{
    wrt_type type = 0;
    if (!wrt_pop_reference(t, &type))
        return false;
    if (!wrt_type_is(t->module, type, from))
        return wrt_invalid(&t->r, "type mismatch: expected %s, found %s", wrt_value_type_name(from),
                           wrt_value_type_name(type));
    return wrt_push_again(t, wrt_is_nullable(type) ? to : wrt_not_null(to));
}

static bool i31(struct translator *t, unsigned op, wrt_type from, wrt_type to)
{
    return wrt_pop_type(t, from) &&
           emit_slot(t, op, t->height, home_of(t, t->height), 0, true) && wrt_push_type(t, to);
}

bool wrt_gc_instruction(struct translator *t)
{
    uint32_t opcode = 0;
    if (!wrt_read_u32(&t->r, &opcode) || !wrt_use(&t->r, WRT_FEATURE_GC))
        return false;
    switch (opcode) {
    case STRUCT_NEW: return struct_new(t, false);
    case STRUCT_NEW_DEFAULT: return struct_new(t, true);
    case STRUCT_GET: return struct_get(t, GET);
    case STRUCT_GET_S: return struct_get(t, GET_S);
    case STRUCT_GET_U: return struct_get(t, GET_U);
    case STRUCT_SET: return struct_set(t);
    case ARRAY_NEW: return array_new(t, false);
    case ARRAY_NEW_DEFAULT: return array_new(t, true);
    case ARRAY_NEW_FIXED: return array_new_fixed(t);
    case ARRAY_NEW_DATA: return array_new_segment(t, true);
    case ARRAY_NEW_ELEM: return array_new_segment(t, false);
    case ARRAY_GET: return array_get(t, GET);
    case ARRAY_GET_S: return array_get(t, GET_S);
    case ARRAY_GET_U: return array_get(t, GET_U);
    case ARRAY_SET: return array_set(t);
    case ARRAY_LEN: return array_len(t);
    case ARRAY_FILL: return array_fill(t);
    case ARRAY_COPY: return array_copy(t);
    case ARRAY_INIT_DATA: return array_init(t, true);
    case ARRAY_INIT_ELEM: return array_init(t, false);
    case REF_TEST: return ref_test(t, false);
    case REF_TEST_NULL: return ref_test(t, true);
    case REF_CAST: return ref_cast(t, false);
    case REF_CAST_NULL: return ref_cast(t, true);
    case BR_ON_CAST: return br_on_cast(t, false);
    case BR_ON_CAST_FAIL: return br_on_cast(t, true);
    case ANY_CONVERT_EXTERN: return convert(t, WRT_EXTERNREF, WRT_ANYREF);
    case EXTERN_CONVERT_ANY: return convert(t, WRT_ANYREF, WRT_EXTERNREF);
    case REF_I31: return i31(t, OP_ref_i31, WRT_I32, wrt_not_null(WRT_I31REF));
    case I31_GET_S: return i31(t, OP_i31_get_s, WRT_I31REF, WRT_I32);
    case I31_GET_U: return i31(t, OP_i31_get_u, WRT_I31REF, WRT_I32);
    default: return wrt_malformed(&t->r, "illegal opcode 0xfb %u", opcode);
    }
}
