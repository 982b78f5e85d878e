/* engine/type_section.c - reads the type section (spec 5.3, 5.5.4; rules 3.4.3).
 * SPDX-License-Identifier: Apache-2.0
 *
 * While a group is read its types stand for themselves, so they may name each other. A group
 * that turns out to equal an earlier one is then represented by it: canonical_types.
 */
#include "load.h"

enum { FORM_REC = 0x4E, FORM_SUB_FINAL = 0x4F, FORM_SUB = 0x50, FORM_ARRAY = 0x5E,
       FORM_STRUCT = 0x5F, FORM_FUNCTION = 0x60 };

#define MOST_FIELDS 10000 /* of a struct, as other engines allow */

struct type_reader {
    struct wrt_module_loader *l;
    struct wrt_module *m;
    struct wrt_reader *r;
    wrt_type *types;          /* room for one a byte of the section */
    struct wrt_field *fields; /* NULL until needed; one takes two bytes */
    uint32_t capacity;        /* of the arrays of the module */
    uint32_t *heads, *links;  /* groups by hash, as index + 1; 0 ends a chain */
    uint32_t head_capacity, link_capacity;
};

/* ---- composite types ---- */

static bool read_list(struct type_reader *s, const wrt_type **out, uint32_t *count)
{
    if (!wrt_read_count(s->l, s->m->config.max_parameters, 0, "max_parameters", count))
        return false;
    *out = s->types;
    for (uint32_t i = 0; i < *count; i++)
        if (!wrt_read_value_type(s->r, s->types++))
            return false;
    return true;
}

static uint32_t size_of(wrt_type type)
{
    switch (type) {
    case WRT_PACKED_I8: return 1;
    case WRT_PACKED_I16: return 2;
    case WRT_I32: case WRT_F32: return 4;
    case WRT_V128: return 16;
    default: return 8;
    }
}

static bool read_field(struct type_reader *s, struct wrt_field *field)
{
    uint8_t mutability = 0;
    if (s->r->at != s->r->end && (*s->r->at == WRT_PACKED_I8 || *s->r->at == WRT_PACKED_I16))
        field->type = *s->r->at++;
    else if (!wrt_read_value_type(s->r, &field->type))
        return false;
    if (!wrt_read_byte(s->r, &mutability))
        return false;
    if (mutability > 1) {
        s->r->at--;
        return wrt_malformed(s->r, "malformed mutability");
    }
    field->is_mutable = mutability == 1;
    return true;
}

/* Fields stand at multiples of their size, 8 at most. */
static bool read_fields(struct type_reader *s, struct wrt_type_def *type, uint32_t count)
{
    uint32_t offset = 0;
    if (s->fields == NULL && !wrt_load_take(s->l, WRT_CHARGE_RUNTIME, wrt_reader_left(s->r) / 2 + 1,
                                            sizeof *s->fields, &s->fields))
        return false;
    type->fields = s->fields;
    type->field_count = count;
    for (uint32_t i = 0; i < count; i++, s->fields++) {
        if (!read_field(s, s->fields))
            return false;
        s->m->has_exnref_fields |= wrt_is_exnref(s->fields->type);
        const uint32_t size = size_of(s->fields->type), step = size < 8 ? size : 8;
        offset = (offset + step - 1) & ~(step - 1);
        s->fields->offset = offset;
        offset += size;
    }
    type->size_bytes = offset;
    return true;
}

static bool read_composite(struct type_reader *s, struct wrt_type_def *type)
{
    uint8_t form = 0;
    uint32_t count = 1;
    if (!wrt_read_byte(s->r, &form))
        return false;
    switch (form) {
    case FORM_FUNCTION:
        type->kind = WRT_KIND_FUNCTION;
        return read_list(s, &type->function.parameters, &type->function.parameter_count) &&
               read_list(s, &type->function.results, &type->function.result_count) &&
               (type->function.result_count <= 1 || wrt_use(s->r, WRT_FEATURE_MULTI_VALUE));
    case FORM_STRUCT:
        type->kind = WRT_KIND_STRUCT;
        s->m->needs_heap = true;
        return wrt_use(s->r, WRT_FEATURE_GC) &&
               wrt_read_count(s->l, MOST_FIELDS, 0, "fields of a struct", &count) &&
               read_fields(s, type, count);
    case FORM_ARRAY:
        type->kind = WRT_KIND_ARRAY;
        s->m->needs_heap = true;
        return wrt_use(s->r, WRT_FEATURE_GC) && read_fields(s, type, 1);
    default:
        s->r->at--;
        return wrt_malformed(s->r, "malformed type form 0x%02x", form);
    }
}

/* ---- subtypes ---- */

static bool read_super(struct type_reader *s, struct wrt_type_def *type, uint32_t index)
{
    uint32_t count = 0, super = 0;
    if (!wrt_use(s->r, WRT_FEATURE_GC) || !wrt_read_u32(s->r, &count))
        return false;
    if (count > 1)
        return wrt_invalid(s->r, "sub type with %u supertypes", count);
    if (count == 0)
        return true;
    if (!wrt_read_u32(s->r, &super))
        return false;
    if (super >= index)
        return wrt_invalid(s->r, "unknown type %u", super);
    type->super = s->m->canonical_types[super];
    type->depth = (uint8_t)(s->m->types[type->super].depth + 1);
    return type->depth <= WRT_MOST_SUPERTYPES ||
           wrt_refuse(s->r, WRT_ERR_LIMIT, "over %u supertypes", (unsigned)WRT_MOST_SUPERTYPES);
}

static bool read_subtype(struct type_reader *s, uint32_t index)
{
    struct wrt_type_def *type = &s->m->types[index];
    type->super = UINT32_MAX;
    type->is_final = true;
    if (s->r->at != s->r->end && (*s->r->at == FORM_SUB || *s->r->at == FORM_SUB_FINAL)) {
        type->is_final = *s->r->at++ == FORM_SUB_FINAL;
        if (!read_super(s, type, index))
            return false;
    }
    return read_composite(s, type);
}

/* ---- groups ---- */

/* Appends room for `count` types, which stand for themselves. */
static bool append(struct type_reader *s, uint32_t count)
{
    struct wrt_module *m = s->m;
    const uint32_t old = m->info.type_count;
    if (count > m->config.max_types - old)
        return wrt_refuse(s->r, WRT_ERR_LIMIT, "%llu types: max_types is %u",
                          (unsigned long long)old + count, m->config.max_types);
    if (old + count > s->capacity) { /* a group of several: more types than entries */
        const uint32_t larger = old + count > 2 * s->capacity ? old + count : 2 * s->capacity;
        if (!wrt_append_items(s->l, &m->types, old, larger - old, sizeof *m->types) ||
            !wrt_append_items(s->l, &m->canonical_types, old, larger - old,
                              sizeof *m->canonical_types))
            return false;
        s->capacity = larger;
    }
    for (uint32_t i = old; i < old + count; i++)
        m->canonical_types[i] = i;
    m->info.type_count = old + count;
    s->r->canonical = m->canonical_types;
    s->r->type_count = old + count;
    return true;
}

static bool make_buckets(struct type_reader *s)
{
    const uint32_t needed = s->m->info.type_count;
    if (needed <= s->head_capacity && needed < s->link_capacity)
        return true;
    if (!wrt_grow_scratch(&s->l->t, &s->heads, &s->head_capacity, needed, sizeof *s->heads) ||
        !wrt_grow_scratch(&s->l->t, &s->links, &s->link_capacity, needed + 1, sizeof *s->links))
        return false;
    memset(s->heads, 0, s->head_capacity * sizeof *s->heads);
    for (uint32_t i = 0; i < needed; i += s->m->types[i].group_size) {
        if (s->m->types[i].group_size == 0)
            break; /* the group that is being read */
        if (s->m->canonical_types[i] != i)
            continue;
        uint32_t *head = &s->heads[s->m->types[i].hash & (s->head_capacity - 1)];
        s->links[i] = *head;
        *head = i + 1;
    }
    return true;
}

/* Makes types [start, start + size) stand for an equal group, if there is one. */
static bool canonicalise(struct type_reader *s, uint32_t start, uint32_t size)
{
    struct wrt_module *m = s->m;
    if (!make_buckets(s))
        return false;
    const uint32_t hash = wrt_group_hash(m->types, start, size);
    for (uint32_t i = start; i < start + size; i++) {
        m->types[i].hash = hash;
        m->types[i].group = start;
        m->types[i].group_size = size;
    }
    uint32_t *head = &s->heads[hash & (s->head_capacity - 1)];
    uint32_t probes = 0, at = *head;
    for (; at != 0 && !wrt_same_group(m->types, at - 1, start, size); at = s->links[at - 1])
        if (++probes == WRT_MOST_PROBES)
            return wrt_refuse(s->r, WRT_ERR_LIMIT, "over %u types with one hash",
                              (unsigned)WRT_MOST_PROBES);
    for (uint32_t i = 0; at != 0 && i < size; i++)
        m->canonical_types[start + i] = at - 1 + i;
    if (at == 0) {
        s->links[start] = *head;
        *head = start + 1;
    }
    return true;
}

static bool check_supers(struct type_reader *s, uint32_t start, uint32_t size)
{
    for (uint32_t i = start; i < start + size; i++)
        if (s->m->types[i].super != UINT32_MAX && !wrt_fits_super(s->m, i))
            return wrt_invalid(s->r, "sub type %u does not match its supertype", i);
    return true;
}

static bool read_group(struct type_reader *s)
{
    const uint32_t start = s->m->info.type_count;
    uint32_t size = 1;
    if (s->r->at != s->r->end && *s->r->at == FORM_REC) {
        s->r->at++;
        if (!wrt_use(s->r, WRT_FEATURE_GC) ||
            !wrt_read_count(s->l, s->m->config.max_types, 0, "max_types", &size))
            return false;
    }
    if (!append(s, size))
        return false;
    for (uint32_t i = start; i < start + size; i++)
        if (!read_subtype(s, i))
            return false;
    return check_supers(s, start, size) && (size == 0 || canonicalise(s, start, size));
}

bool wrt_read_types(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    struct type_reader s = {.l = l, .m = m, .r = &l->t.r};
    const uint64_t bytes = wrt_reader_left(s.r);
    uint32_t count = 0;
    if (!wrt_read_count(l, m->config.max_types, 0, "max_types", &count) ||
        !wrt_load_take(l, WRT_CHARGE_RUNTIME, bytes, sizeof *s.types, &s.types) ||
        !wrt_load_take(l, WRT_CHARGE_RUNTIME, count, sizeof *m->types, &m->types) ||
        !wrt_load_take(l, WRT_CHARGE_RUNTIME, count, sizeof *m->canonical_types,
                       &m->canonical_types))
        return false;
    s.capacity = count;
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = read_group(&s);
    wrt_partition_free(l->partition, WRT_CHARGE_LOAD, s.heads, s.head_capacity * sizeof *s.heads);
    wrt_partition_free(l->partition, WRT_CHARGE_LOAD, s.links, s.link_capacity * sizeof *s.links);
    return ok;
}
