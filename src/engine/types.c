/* engine/types.c - subtyping within a module, and equality of recursion groups (spec 3.3, 3.4).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine.h"

/* ---- abstract heap types ---- */

wrt_type wrt_top_of(uint32_t heap, enum wrt_type_kind kind)
{
    if ((heap & WRT_HEAP_ABSTRACT) == 0)
        return kind == WRT_KIND_FUNCTION ? WRT_FUNCREF : WRT_ANYREF;
    switch (heap & 0xFF) {
    case WRT_FUNCREF: case WRT_NULLFUNCREF: return WRT_FUNCREF;
    case WRT_EXTERNREF: case WRT_NULLEXTERNREF: return WRT_EXTERNREF;
    case WRT_EXNREF: case WRT_NULLEXNREF: return WRT_EXNREF;
    default: return WRT_ANYREF;
    }
}

bool wrt_abstract_is(uint8_t a, uint8_t b)
{
    if (a == b || a == 0)
        return true;
    switch (b) {
    case WRT_ANYREF: case WRT_EQREF:
        return (b == WRT_ANYREF && a == WRT_EQREF) || a == WRT_I31REF || a == WRT_STRUCTREF ||
               a == WRT_ARRAYREF || a == WRT_NULLREF;
    case WRT_I31REF: case WRT_STRUCTREF: case WRT_ARRAYREF: return a == WRT_NULLREF;
    case WRT_FUNCREF: return a == WRT_NULLFUNCREF;
    case WRT_EXTERNREF: return a == WRT_NULLEXTERNREF;
    case WRT_EXNREF: return a == WRT_NULLEXNREF;
    default: return false;
    }
}

bool wrt_kind_is(enum wrt_type_kind kind, uint8_t b)
{
    static const uint8_t own[] = {WRT_FUNCREF, WRT_STRUCTREF, WRT_ARRAYREF};
    return wrt_abstract_is(own[kind], b);
}

bool wrt_is_under_kind(uint8_t a, enum wrt_type_kind kind)
{
    return a == 0 || a == (kind == WRT_KIND_FUNCTION ? WRT_NULLFUNCREF : WRT_NULLREF);
}

/* ---- within a module ---- */

static bool concrete_is(const struct wrt_type_def *types, uint32_t a, uint32_t b)
{
    while (a != b && types[a].depth > types[b].depth)
        a = types[a].super;
    return a == b;
}

bool wrt_heap_is(const struct wrt_module *module, uint32_t a, uint32_t b)
{
    const struct wrt_type_def *types = module->types;
    if (a & b & WRT_HEAP_ABSTRACT)
        return wrt_abstract_is((uint8_t)a, (uint8_t)b);
    if (b & WRT_HEAP_ABSTRACT)
        return wrt_kind_is((enum wrt_type_kind)types[a].kind, (uint8_t)b);
    if (a & WRT_HEAP_ABSTRACT)
        return wrt_is_under_kind((uint8_t)a, (enum wrt_type_kind)types[b].kind);
    return concrete_is(types, a, b);
}

bool wrt_type_is(const struct wrt_module *module, wrt_type a, wrt_type b)
{
    if (a == b)
        return true;
    return wrt_is_reference(a) && wrt_is_reference(b) &&
           (wrt_is_nullable(b) || !wrt_is_nullable(a)) &&
           wrt_heap_is(module, wrt_heap_of(a), wrt_heap_of(b));
}

bool wrt_types_are(const struct wrt_module *module, const wrt_type *a, const wrt_type *b,
                   uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!wrt_type_is(module, a[i], b[i]))
            return false;
    return true;
}

/* A mutable field is read and written, so its type may not vary. */
static bool field_fits(const struct wrt_module *module, const struct wrt_field *field,
                       const struct wrt_field *of_super)
{
    if (field->is_mutable != of_super->is_mutable)
        return false;
    return field->type == of_super->type ||
           (!field->is_mutable && wrt_type_is(module, field->type, of_super->type));
}

bool wrt_fits_super(const struct wrt_module *module, uint32_t index)
{
    const struct wrt_type_def *type = &module->types[index], *super = &module->types[type->super];
    if (super->is_final || type->kind != super->kind ||
        type->field_count < super->field_count ||
        type->function.parameter_count != super->function.parameter_count ||
        type->function.result_count != super->function.result_count)
        return false;
    for (uint32_t i = 0; i < super->field_count; i++)
        if (!field_fits(module, &type->fields[i], &super->fields[i]))
            return false;
    return wrt_types_are(module, super->function.parameters, type->function.parameters,
                         type->function.parameter_count) &&
           wrt_types_are(module, type->function.results, super->function.results,
                         type->function.result_count);
}

/* ---- groups: a reference into the group counts from its start ---- */

static uint32_t mix(uint32_t hash, uint32_t value)
{
    hash = (hash ^ value) * UINT32_C(0x9E3779B1);
    return hash ^ hash >> 15;
}

static uint32_t mix_index(const struct wrt_type_def *types, uint32_t start, uint32_t hash,
                          uint32_t index)
{
    if (index == UINT32_MAX || index >= start)
        return mix(hash, index == UINT32_MAX ? index : index - start);
    return mix(mix(hash, types[index].hash), index - types[index].group + 1);
}

static uint32_t mix_type(const struct wrt_type_def *types, uint32_t start, uint32_t hash,
                         wrt_type type)
{
    if (!wrt_is_concrete(type))
        return mix(hash, type);
    return mix_index(types, start, mix(hash, type & 0xFF), wrt_heap_of(type));
}

uint32_t wrt_group_hash(const struct wrt_type_def *types, uint32_t start, uint32_t size)
{
    uint32_t hash = size;
    for (uint32_t i = start; i < start + size; i++) {
        const struct wrt_type_def *t = &types[i];
        hash = mix_index(types, start, mix(hash, t->kind + (t->is_final ? 4u : 0u)), t->super);
        hash = mix(mix(mix(hash, t->function.parameter_count), t->function.result_count),
                   t->field_count);
        for (uint32_t p = 0; p < t->function.parameter_count; p++)
            hash = mix_type(types, start, hash, t->function.parameters[p]);
        for (uint32_t r = 0; r < t->function.result_count; r++)
            hash = mix_type(types, start, hash, t->function.results[r]);
        for (uint32_t f = 0; f < t->field_count; f++)
            hash = mix_type(types, start, mix(hash, t->fields[f].is_mutable), t->fields[f].type);
    }
    return hash;
}

/* Two groups of one module, starting at a and b. */
struct pair {
    uint32_t a, b;
};

static bool same_index(struct pair start, uint32_t a, uint32_t b)
{
    if (a == UINT32_MAX || b == UINT32_MAX || a < start.a || b < start.b)
        return a == b;
    return a - start.a == b - start.b;
}

static bool same_types(struct pair start, const wrt_type *a, const wrt_type *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!wrt_is_concrete(a[i]) || !wrt_is_concrete(b[i])) {
            if (a[i] != b[i])
                return false;
        } else if ((a[i] & 0xFF) != (b[i] & 0xFF) ||
                   !same_index(start, wrt_heap_of(a[i]), wrt_heap_of(b[i]))) {
            return false;
        }
    }
    return true;
}

static bool same_member(struct pair start, const struct wrt_type_def *a,
                        const struct wrt_type_def *b)
{
    if (a->kind != b->kind || a->is_final != b->is_final || !same_index(start, a->super, b->super) ||
        a->field_count != b->field_count ||
        a->function.parameter_count != b->function.parameter_count ||
        a->function.result_count != b->function.result_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (a->fields[i].is_mutable != b->fields[i].is_mutable ||
            !same_types(start, &a->fields[i].type, &b->fields[i].type, 1))
            return false;
    return same_types(start, a->function.parameters, b->function.parameters,
                      a->function.parameter_count) &&
           same_types(start, a->function.results, b->function.results, a->function.result_count);
}

bool wrt_same_group(const struct wrt_type_def *types, uint32_t a, uint32_t b, uint32_t size)
{
    if (types[a].group_size != size || types[a].hash != types[b].hash)
        return false;
    for (uint32_t i = 0; i < size; i++)
        if (!same_member((struct pair){a, b}, &types[a + i], &types[b + i]))
            return false;
    return true;
}
