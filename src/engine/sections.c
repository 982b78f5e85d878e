/* engine/sections.c - reads the sections of a module (spec 5.5) into its index spaces.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Counts are hostile: before an array is allocated, the count is held against its limit and
 * against the bytes that are left, since each item takes at least one.
 */
#include "load.h"
#include "signing.h"

/* ---- helpers ---- */

bool wrt_read_count(struct wrt_module_loader *l, uint32_t limit, uint32_t already,
                    const char *field, uint32_t *out)
{
    struct wrt_reader *r = &l->t.r;
    if (!wrt_read_u32(r, out))
        return false;
    if (*out > wrt_reader_left(r))
        return wrt_malformed(r, "unexpected end: %u items in %zu bytes", *out,
                             wrt_reader_left(r));
    if (*out > limit || already > limit - *out)
        return wrt_refuse(r, WRT_ERR_LIMIT, "%llu items: %s is %u",
                          (unsigned long long)*out + already, field, limit);
    return true;
}

WRT_MUST_CHECK static bool uses(struct wrt_module_loader *l, enum wrt_feature feature)
{
    return wrt_use(&l->t.r, feature);
}

/* ---- types ---- */

/* A function type. */
static bool read_type_index(struct wrt_module_loader *l, uint32_t *out)
{
    uint32_t index = 0;
    if (!wrt_read_u32(&l->t.r, &index))
        return false;
    if (index >= l->module->info.type_count)
        return wrt_invalid(&l->t.r, "unknown type %u", index);
    *out = l->module->canonical_types[index];
    return l->module->types[*out].kind == WRT_KIND_FUNCTION ||
           wrt_invalid(&l->t.r, "type %u is not a function type", index);
}

/* ---- tables, memories, globals ---- */

/* Flag bits of limits (spec 5.3.14). */
enum { LIMITS_MAXIMUM = 1, LIMITS_SHARED = 2, LIMITS_64 = 4, LIMITS_PAGE_SIZE = 8 };

static bool read_limits(struct wrt_reader *r, unsigned allowed, uint8_t *flags,
                        struct wrt_limits *out)
{
    if (!wrt_read_byte(r, flags))
        return false;
    if ((*flags & ~allowed) != 0) {
        r->at--;
        return wrt_malformed(r, "malformed limits flags 0x%02x", *flags);
    }
    if ((*flags & LIMITS_64) && !wrt_use(r, WRT_FEATURE_MEMORY64))
        return false;
    out->has_maximum = (*flags & LIMITS_MAXIMUM) != 0;
    out->maximum = 0;
    return wrt_read_leb(r, 64, false, &out->minimum) &&
           (!out->has_maximum || wrt_read_leb(r, 64, false, &out->maximum));
}

static bool check_limits(struct wrt_reader *r, const struct wrt_limits *limits)
{
    return !limits->has_maximum || limits->minimum <= limits->maximum ||
           wrt_invalid(r, "size minimum must not be greater than maximum");
}

/* WebAssembly 1.0 has tables of funcref, before there were references. */
static bool read_element_type(struct wrt_reader *r, wrt_type *out)
{
    if (r->at == r->end || *r->at != WRT_FUNCREF)
        return wrt_read_reference_type(r, out);
    *out = *r->at++;
    return true;
}

static bool read_table_type(struct wrt_module_loader *l, struct wrt_table_type *out)
{
    struct wrt_reader *r = &l->t.r;
    uint8_t flags = 0;
    if (!read_element_type(r, &out->element) ||
        !read_limits(r, LIMITS_MAXIMUM | LIMITS_64, &flags, &out->limits))
        return false;
    out->is_64 = (flags & LIMITS_64) != 0;
    if (out->element == WRT_EXTERNREF && !uses(l, WRT_FEATURE_REFERENCE_TYPES))
        return false;
    if (!out->is_64 && (out->limits.minimum > UINT32_MAX || out->limits.maximum > UINT32_MAX))
        return wrt_invalid(r, "table size must be at most 2^32-1");
    return check_limits(r, &out->limits);
}

/* The page size is written as its exponent; 1 and 65536 are the sizes there are. */
static bool read_page_size(struct wrt_reader *r, uint64_t *out)
{
    uint32_t exponent = 0;
    if (!wrt_use(r, WRT_FEATURE_CUSTOM_PAGE_SIZES) || !wrt_read_u32(r, &exponent))
        return false;
    if (exponent > 63)
        return wrt_malformed(r, "invalid custom page size: 2^%u", exponent);
    *out = UINT64_C(1) << exponent;
    return exponent == 0 || exponent == 16 ||
           wrt_invalid(r, "invalid custom page size: 2^%u", exponent);
}

uint64_t wrt_most_pages(const struct wrt_memory_type *type)
{
    if (type->page_bytes == 1)
        return type->is_64 ? UINT64_MAX : UINT32_MAX;
    return type->is_64 ? UINT64_C(1) << 48 : 65536;
}

static bool read_memory_type(struct wrt_module_loader *l, struct wrt_memory_type *out)
{
    struct wrt_reader *r = &l->t.r;
    uint8_t flags = 0;
    out->page_bytes = 65536;
    if (!read_limits(r, LIMITS_MAXIMUM | LIMITS_SHARED | LIMITS_64 | LIMITS_PAGE_SIZE, &flags,
                     &out->limits) ||
        ((flags & LIMITS_PAGE_SIZE) && !read_page_size(r, &out->page_bytes)))
        return false;
    out->is_64 = (flags & LIMITS_64) != 0;
    out->is_shared = (flags & LIMITS_SHARED) != 0;
    if (out->is_shared && !uses(l, WRT_FEATURE_THREADS))
        return false;
    if (out->is_shared && !out->limits.has_maximum)
        return wrt_invalid(r, "shared memory must have maximum");
    const uint64_t most = wrt_most_pages(out);
    if (out->limits.minimum > most || (out->limits.has_maximum && out->limits.maximum > most))
        return wrt_invalid(r, "memory size must be at most %llu pages", (unsigned long long)most);
    return check_limits(r, &out->limits);
}

static bool read_global_type(struct wrt_module_loader *l, struct wrt_global_type *out)
{
    uint8_t mutability = 0;
    if (!wrt_read_value_type(&l->t.r, &out->content) || !wrt_read_byte(&l->t.r, &mutability))
        return false;
    if (mutability > 1) {
        l->t.r.at--;
        return wrt_malformed(&l->t.r, "malformed mutability");
    }
    out->is_mutable = mutability == 1;
    return true;
}

/* A tag (spec 5.5.9): attribute 0, and a function type without results. */
static bool read_tag(struct wrt_module_loader *l, uint32_t *out)
{
    struct wrt_reader *r = &l->t.r;
    uint8_t attribute = 0;
    if (!uses(l, WRT_FEATURE_EXCEPTIONS) || !wrt_read_byte(r, &attribute))
        return false;
    if (attribute != 0) {
        r->at--;
        return wrt_malformed(r, "malformed tag attribute");
    }
    if (!read_type_index(l, out))
        return false;
    return l->module->types[*out].function.result_count == 0 ||
           wrt_invalid(r, "non-empty tag result type");
}

/* ---- imports ---- */

/* Imported items come before defined ones in each index space; both kinds of section
 * append. The arrays are sized when the defining section is read, so imports are first kept
 * in arrays of their own size and copied. */
bool wrt_append_items(struct wrt_module_loader *l, void *array, uint32_t old, uint32_t more,
                      size_t item_bytes)
{
    void *before = NULL, *after = NULL;
    memcpy(&before, array, sizeof before);
    if (!wrt_load_take(l, WRT_CHARGE_RUNTIME, (uint64_t)old + more, item_bytes, &after))
        return false;
    if (old != 0) {
        memcpy(after, before, old * item_bytes);
        wrt_block_free_one(l->partition, &l->module->blocks, before);
    }
    memcpy(array, &after, sizeof after);
    return true;
}

struct import_counts {
    uint32_t functions, tables, memories, globals, tags;
};

/* The type of an imported item, to where its kind has its types. */
static bool read_imported(struct wrt_module_loader *l, uint8_t kind, void *out)
{
    struct wrt_global_type *global = out;
    switch (kind) {
    case WRT_EXTERN_FUNCTION: return read_type_index(l, out);
    case WRT_EXTERN_TABLE: return read_table_type(l, out);
    case WRT_EXTERN_MEMORY: return read_memory_type(l, out);
    case WRT_EXTERN_GLOBAL:
        return read_global_type(l, global) &&
               (!global->is_mutable || uses(l, WRT_FEATURE_MUTABLE_GLOBAL));
    case WRT_EXTERN_TAG: return read_tag(l, out);
    default:
        l->t.r.at--;
        return wrt_malformed(&l->t.r, "malformed import kind");
    }
}

static bool read_import(struct wrt_module_loader *l, struct wrt_import *import)
{
    struct wrt_module *m = l->module;
    struct wrt_module_info *info = &m->info;
    struct wrt_reader *r = &l->t.r;
    uint8_t kind = 0;
    void *item = NULL;
    if (!wrt_read_name(r, m->config.max_name_bytes, &import->module) ||
        !wrt_read_name(r, m->config.max_name_bytes, &import->name) || !wrt_read_byte(r, &kind))
        return false;
    import->kind = (enum wrt_extern_kind)kind;
    switch (kind) {
    case WRT_EXTERN_FUNCTION: item = &m->function_types[import->index = info->function_count++]; break;
    case WRT_EXTERN_TABLE: item = &m->tables[import->index = info->table_count++]; break;
    case WRT_EXTERN_MEMORY: item = &m->memories[import->index = info->memory_count++]; break;
    case WRT_EXTERN_GLOBAL: item = &m->globals[import->index = info->global_count++].type; break;
    case WRT_EXTERN_TAG: item = &m->tags[import->index = info->tag_count++]; break;
    default: break;
    }
    return read_imported(l, kind, item);
}

static bool count_import(struct wrt_module_loader *l, struct import_counts *n)
{
    const uint32_t limit = l->module->config.max_name_bytes;
    struct wrt_reader *r = &l->t.r;
    struct wrt_bytes name;
    uint8_t kind = 0;
    union {
        uint32_t index;
        struct wrt_table_type table;
        struct wrt_memory_type memory;
        struct wrt_global_type global;
    } item;
    if (!wrt_read_name(r, limit, &name) || !wrt_read_name(r, limit, &name) ||
        !wrt_read_byte(r, &kind))
        return false;
    n->functions += kind == WRT_EXTERN_FUNCTION;
    n->tables += kind == WRT_EXTERN_TABLE;
    n->memories += kind == WRT_EXTERN_MEMORY;
    n->globals += kind == WRT_EXTERN_GLOBAL;
    n->tags += kind == WRT_EXTERN_TAG;
    return read_imported(l, kind, &item);
}

/* Counts the kinds first, so that each index space is allocated once. By the readers of the real
 * pass, so that both agree on every byte: it stores at most as many as are counted here. That
 * pass also says what is wrong; this one stops at it. */
static struct import_counts count_imports(struct wrt_module_loader *l, uint32_t count)
{
    const struct wrt_reader before = l->t.r;
    struct import_counts n = {0};
    l->t.r.error = NULL;
    for (uint32_t i = 0; i < count && count_import(l, &n); i++) {
    }
    l->t.r = before;
    return n;
}

static bool within(struct wrt_module_loader *l, uint32_t count, uint32_t limit, const char *field)
{
    return count <= limit ||
           wrt_refuse(&l->t.r, WRT_ERR_LIMIT, "%u imports: %s is %u", count, field, limit);
}

static bool read_imports(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    const struct wrt_module_config *c = &m->config;
    uint32_t count = 0;
    if (!wrt_read_count(l, c->max_imports, 0, "max_imports", &count))
        return false;
    const struct import_counts n = count_imports(l, count);
    if (!within(l, n.functions, c->max_functions, "max_functions") ||
        !within(l, n.tables, c->max_tables, "max_tables") ||
        !within(l, n.memories, c->max_memories, "max_memories") ||
        !within(l, n.globals, c->max_globals, "max_globals") ||
        !within(l, n.tags, c->max_tags, "max_tags"))
        return false;
    if (!wrt_load_take(l, WRT_CHARGE_RUNTIME, count, sizeof *m->imports, &m->imports) ||
        !wrt_append_items(l, &m->function_types, 0, n.functions, sizeof *m->function_types) ||
        !wrt_append_items(l, &m->tables, 0, n.tables, sizeof *m->tables) ||
        !wrt_append_items(l, &m->memories, 0, n.memories, sizeof *m->memories) ||
        !wrt_append_items(l, &m->globals, 0, n.globals, sizeof *m->globals) ||
        !wrt_append_items(l, &m->tags, 0, n.tags, sizeof *m->tags))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_import(l, &m->imports[i]))
            return false;
    m->info.import_count = count;
    m->info.imported_function_count = m->info.function_count;
    m->info.imported_table_count = m->info.table_count;
    m->info.imported_memory_count = m->info.memory_count;
    m->info.imported_global_count = m->info.global_count;
    if (m->info.table_count > 1 && !uses(l, WRT_FEATURE_REFERENCE_TYPES))
        return false;
    m->info.imported_tag_count = m->info.tag_count;
    return m->info.memory_count <= 1 || uses(l, WRT_FEATURE_MULTI_MEMORY);
}

/* ---- definitions ---- */

static bool read_functions(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t count = 0, old = m->info.function_count;
    if (!wrt_read_count(l, m->config.max_functions, old, "max_functions", &count) ||
        !wrt_append_items(l, &m->function_types, old, count, sizeof *m->function_types) ||
        !wrt_load_take(l, WRT_CHARGE_RUNTIME, count, sizeof *m->codes, &m->codes) ||
        (m->config.instrument &&
         !wrt_load_take(l, WRT_CHARGE_RUNTIME, count, sizeof *m->profiles, &m->profiles)))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_type_index(l, &m->function_types[old + i]))
            return false;
        m->codes[i].function_index = old + i;
    }
    m->info.function_count = old + count;
    l->declared_functions = count;
    return true;
}

static bool read_tags(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t count = 0, old = m->info.tag_count;
    if (!wrt_read_count(l, m->config.max_tags, old, "max_tags", &count) ||
        !wrt_append_items(l, &m->tags, old, count, sizeof *m->tags))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_tag(l, &m->tags[old + i]))
            return false;
    m->info.tag_count = old + count;
    return true;
}

/* The bitmap of functions that ref.func may name. All functions are known by now. */
bool wrt_load_need_declared(struct wrt_module_loader *l)
{
    return wrt_grow_scratch(&l->t, &l->t.declared, &l->declared_capacity,
                            l->module->info.function_count / 8 + 1, 1);
}

static wrt_type index_type(bool is_64)
{
    return is_64 ? WRT_I64 : WRT_I32;
}

static bool read_const(struct wrt_module_loader *l, wrt_type type, struct wrt_const_expr *out)
{
    return wrt_read_const_expr(&l->t.r, l->module, l->module->info.global_count, l->t.declared,
                               type, out);
}

/* A table, maybe with the expression that fills it (spec 5.5.7). */
static bool read_table(struct wrt_module_loader *l, struct wrt_table_type *type,
                       struct wrt_const_expr *init)
{
    struct wrt_reader *r = &l->t.r;
    const bool has_init = r->at != r->end && *r->at == 0x40;
    uint8_t reserved = 0;
    if (has_init) {
        r->at++;
        if (!wrt_use(r, WRT_FEATURE_TYPED_REFERENCES) || !wrt_read_byte(r, &reserved))
            return false;
        if (reserved != 0)
            return wrt_malformed(r, "malformed table");
    }
    if (!read_table_type(l, type))
        return false;
    if (has_init)
        return read_const(l, type->element, init);
    return wrt_is_nullable(type->element) ||
           wrt_invalid(r, "type mismatch: a table of %s needs an initial value",
                       wrt_value_type_name(type->element));
}

static bool read_tables(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t count = 0, old = m->info.table_count;
    if (!wrt_read_count(l, m->config.max_tables, old, "max_tables", &count) ||
        !wrt_load_need_declared(l) ||
        !wrt_append_items(l, &m->tables, old, count, sizeof *m->tables) ||
        !wrt_load_take(l, WRT_CHARGE_RUNTIME, (uint64_t)old + count, sizeof *m->table_inits,
                       &m->table_inits))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_table(l, &m->tables[old + i], &m->table_inits[old + i]))
            return false;
    m->info.table_count = old + count;
    return m->info.table_count <= 1 || uses(l, WRT_FEATURE_REFERENCE_TYPES);
}

static bool read_memories(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t count = 0, old = m->info.memory_count;
    if (!wrt_read_count(l, m->config.max_memories, old, "max_memories", &count) ||
        !wrt_append_items(l, &m->memories, old, count, sizeof *m->memories))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_memory_type(l, &m->memories[old + i]))
            return false;
    m->info.memory_count = old + count;
    return m->info.memory_count <= 1 || uses(l, WRT_FEATURE_MULTI_MEMORY);
}

static bool read_globals(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t count = 0, old = m->info.global_count;
    if (!wrt_read_count(l, m->config.max_globals, old, "max_globals", &count) || !wrt_load_need_declared(l) ||
        !wrt_append_items(l, &m->globals, old, count, sizeof *m->globals))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct wrt_global_def *global = &m->globals[old + i];
        if (!read_global_type(l, &global->type) ||
            !read_const(l, global->type.content, &global->init))
            return false;
        m->info.global_count++; /* later ones may read it */
    }
    return true;
}

/* ---- exports ---- */

int wrt_compare_bytes(struct wrt_bytes a, struct wrt_bytes b)
{
    const size_t shorter = a.size_bytes < b.size_bytes ? a.size_bytes : b.size_bytes;
    const int order = shorter == 0 ? 0 : memcmp(a.data, b.data, shorter);
    if (order != 0)
        return order;
    return a.size_bytes < b.size_bytes ? -1 : a.size_bytes > b.size_bytes;
}

/* Heapsort: O(n log n) always, in place, no recursion. */
void wrt_sort(uint32_t *items, uint32_t count, wrt_less *less, const void *context)
{
    for (uint32_t start = count / 2, end = count; end > 1;) {
        if (start > 0) {
            start--;
        } else {
            end--;
            const uint32_t top = items[0];
            items[0] = items[end];
            items[end] = top;
        }
        uint32_t root = start;
        for (;;) {
            uint64_t child = (uint64_t)root * 2 + 1;
            if (child >= end)
                break;
            if (child + 1 < end && less(context, items[child], items[child + 1]))
                child++;
            if (!less(context, items[root], items[child]))
                break;
            const uint32_t swap = items[root];
            items[root] = items[child];
            items[child] = swap;
            root = (uint32_t)child;
        }
    }
}

static bool export_less(const void *context, uint32_t a, uint32_t b)
{
    const struct wrt_export *exports = context;
    return wrt_compare_bytes(exports[a].name, exports[b].name) < 0;
}

static bool read_export(struct wrt_module_loader *l, struct wrt_export *export)
{
    const struct wrt_module_info *info = &l->module->info;
    struct wrt_reader *r = &l->t.r;
    uint8_t kind = 0;
    if (!wrt_read_name(r, l->module->config.max_name_bytes, &export->name) ||
        !wrt_read_byte(r, &kind) || !wrt_read_u32(r, &export->index))
        return false;
    const uint32_t counts[] = {info->function_count, info->table_count, info->memory_count,
                               info->global_count, info->tag_count};
    static const char *const names[] = {"function", "table", "memory", "global", "tag"};
    if (kind > 4)
        return wrt_malformed(r, "malformed export kind");
    if (export->index >= counts[kind])
        return wrt_invalid(r, "unknown %s %u", names[kind], export->index);
    export->kind = (enum wrt_extern_kind)kind;
    if (kind == WRT_EXTERN_FUNCTION)
        l->t.declared[export->index / 8] |= (uint8_t)(1u << (export->index % 8));
    return kind != WRT_EXTERN_GLOBAL || !l->module->globals[export->index].type.is_mutable ||
           uses(l, WRT_FEATURE_MUTABLE_GLOBAL);
}

static bool read_exports(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t count = 0;
    if (!wrt_read_count(l, m->config.max_exports, 0, "max_exports", &count) || !wrt_load_need_declared(l) ||
        !wrt_load_take(l, WRT_CHARGE_RUNTIME, count, sizeof *m->exports, &m->exports) ||
        !wrt_load_take(l, WRT_CHARGE_RUNTIME, count, sizeof *m->exports_by_name,
                       &m->exports_by_name))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_export(l, &m->exports[i]))
            return false;
        m->exports_by_name[i] = i;
    }
    m->info.export_count = count;
    wrt_sort(m->exports_by_name, count, export_less, m->exports);
    for (uint32_t i = 1; i < count; i++)
        if (wrt_compare_bytes(m->exports[m->exports_by_name[i - 1]].name,
                              m->exports[m->exports_by_name[i]].name) == 0)
            return wrt_invalid(&l->t.r, "duplicate export name");
    return true;
}

/* ---- start, elements, data ---- */

static bool read_start(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t function = 0;
    if (!wrt_read_u32(&l->t.r, &function))
        return false;
    if (function >= m->info.function_count)
        return wrt_invalid(&l->t.r, "unknown function %u", function);
    const struct wrt_function_type *type = wrt_type_of_function(m, function);
    if (type->parameter_count != 0 || type->result_count != 0)
        return wrt_invalid(&l->t.r, "start function must have type [] -> []");
    m->info.has_start = true;
    m->info.start_function = function;
    return true;
}

/* Flag bits of an element segment (spec 5.5.12). */
enum { ELEMENT_NOT_ACTIVE = 1, ELEMENT_EXPLICIT = 2, ELEMENT_EXPRESSIONS = 4 };

static bool read_element_head(struct wrt_module_loader *l, struct wrt_element_segment *s,
                              uint32_t flags)
{
    struct wrt_reader *r = &l->t.r;
    const struct wrt_module_info *info = &l->module->info;
    s->expressions = (flags & ELEMENT_EXPRESSIONS) != 0;
    s->type = s->expressions ? WRT_FUNCREF : wrt_not_null(WRT_FUNCREF);
    if (flags & ELEMENT_NOT_ACTIVE) {
        s->mode = flags & ELEMENT_EXPLICIT ? WRT_SEGMENT_DECLARED : WRT_SEGMENT_PASSIVE;
    } else {
        s->mode = WRT_SEGMENT_ACTIVE;
        if ((flags & ELEMENT_EXPLICIT) && !wrt_read_u32(r, &s->table))
            return false;
        if (s->table >= info->table_count)
            return wrt_invalid(r, "unknown table %u", s->table);
        if (!read_const(l, index_type(l->module->tables[s->table].is_64), &s->offset))
            return false;
    }
    if ((flags & 3) == 0)
        return true;
    if (s->expressions)
        return wrt_read_reference_type(r, &s->type);
    uint8_t kind = 0;
    if (!wrt_read_byte(r, &kind))
        return false;
    if (kind != 0) {
        r->at--;
        return wrt_malformed(r, "malformed element kind");
    }
    return true;
}

static bool read_element_items(struct wrt_module_loader *l, struct wrt_element_segment *s)
{
    struct wrt_reader *r = &l->t.r;
    if (!wrt_read_count(l, UINT32_MAX, 0, "element items", &s->count))
        return false;
    s->bytes = r->at;
    for (uint32_t i = 0; i < s->count; i++) {
        struct wrt_const_expr item;
        uint32_t function = 0;
        if (s->expressions) {
            if (!read_const(l, s->type, &item))
                return false;
            continue;
        }
        if (!wrt_read_u32(r, &function))
            return false;
        if (function >= l->module->info.function_count)
            return wrt_invalid(r, "unknown function %u", function);
        l->t.declared[function / 8] |= (uint8_t)(1u << (function % 8));
    }
    s->size_bytes = (uint32_t)(r->at - s->bytes);
    return true;
}

static bool read_element(struct wrt_module_loader *l, struct wrt_element_segment *s)
{
    struct wrt_reader *r = &l->t.r;
    uint32_t flags = 0;
    if (!wrt_read_u32(r, &flags))
        return false;
    if (flags > 7)
        return wrt_malformed(r, "malformed element segment flags");
    if (flags != 0 && !uses(l, WRT_FEATURE_BULK_MEMORY))
        return false;
    if (!read_element_head(l, s, flags))
        return false;
    if (s->mode == WRT_SEGMENT_ACTIVE &&
        !wrt_type_is(l->module, s->type, l->module->tables[s->table].element))
        return wrt_invalid(r, "type mismatch: element segment and table");
    return read_element_items(l, s);
}

static bool read_elements(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t count = 0;
    if (!wrt_read_count(l, m->config.max_segments, 0, "max_segments", &count) || !wrt_load_need_declared(l) ||
        !wrt_load_take(l, WRT_CHARGE_DATA, count, sizeof *m->elements, &m->elements))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_element(l, &m->elements[i]))
            return false;
    m->info.element_segment_count = count;
    return true;
}

static bool read_data_count(struct wrt_module_loader *l)
{
    if (!wrt_read_u32(&l->t.r, &l->data_count))
        return false;
    if (l->data_count > l->module->config.max_segments)
        return wrt_refuse(&l->t.r, WRT_ERR_LIMIT, "%u data segments: max_segments is %u",
                          l->data_count, l->module->config.max_segments);
    l->t.has_data_count = true;
    l->module->info.data_segment_count = l->data_count;
    return uses(l, WRT_FEATURE_BULK_MEMORY);
}

static bool read_data_segment(struct wrt_module_loader *l, struct wrt_data_segment *s)
{
    struct wrt_reader *r = &l->t.r;
    uint32_t flags = 0;
    if (!wrt_read_u32(r, &flags))
        return false;
    if (flags > 2)
        return wrt_malformed(r, "malformed data segment flags");
    if (flags == 2 && !wrt_read_u32(r, &s->memory))
        return false;
    s->mode = flags == 1 ? WRT_SEGMENT_PASSIVE : WRT_SEGMENT_ACTIVE;
    if (flags == 1 && !uses(l, WRT_FEATURE_BULK_MEMORY))
        return false;
    if (s->mode == WRT_SEGMENT_ACTIVE) {
        if (s->memory >= l->module->info.memory_count)
            return wrt_invalid(r, "unknown memory %u", s->memory);
        if (!read_const(l, index_type(l->module->memories[s->memory].is_64), &s->offset))
            return false;
    }
    return wrt_read_u32(r, &s->size_bytes) && wrt_read_bytes(r, s->size_bytes, &s->bytes);
}

static bool read_data(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    uint32_t count = 0;
    if (!wrt_read_count(l, m->config.max_segments, 0, "max_segments", &count))
        return false;
    if (l->t.has_data_count && count != l->data_count)
        return wrt_malformed(&l->t.r, "data count and data section have inconsistent lengths");
    if (!wrt_load_need_declared(l) ||
        !wrt_load_take(l, WRT_CHARGE_DATA, count, sizeof *m->data, &m->data))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!read_data_segment(l, &m->data[i]))
            return false;
    m->info.data_segment_count = count;
    return true;
}

bool wrt_load_section(struct wrt_module_loader *l, uint8_t section)
{
    switch (section) {
    case SECTION_TYPE: return wrt_read_types(l);
    case SECTION_IMPORT: return read_imports(l);
    case SECTION_FUNCTION: return read_functions(l);
    case SECTION_TABLE: return read_tables(l);
    case SECTION_MEMORY: return read_memories(l);
    case SECTION_GLOBAL: return read_globals(l);
    case SECTION_EXPORT: return read_exports(l);
    case SECTION_START: return read_start(l);
    case SECTION_ELEMENT: return read_elements(l);
    case SECTION_DATA: return read_data(l);
    case SECTION_TAG: return read_tags(l);
    default: return read_data_count(l);
    }
}

/* ---- code ---- */

/* Copies one after another: all have the alignment of 32 bits. */
static void keep_tries(const struct translator *t, struct wrt_code *code, uint8_t *to)
{
    struct wrt_boundary *boundaries = (struct wrt_boundary *)(void *)to;
    struct wrt_try *tries = (struct wrt_try *)(void *)(boundaries + t->boundary_count);
    struct wrt_catch *catches = (struct wrt_catch *)(void *)(tries + t->try_count);
    for (uint32_t i = 0; i < t->boundary_count; i++)
        boundaries[i] = t->boundaries[i];
    for (uint32_t i = 0; i < t->try_count; i++)
        tries[i] = t->tries[i];
    for (uint32_t i = 0; i < t->catch_count; i++)
        catches[i] = t->catches[i];
    code->boundaries = boundaries;
    code->tries = tries;
    code->catches = catches;
    code->boundary_count = t->boundary_count;
}

static bool keep_profile(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    const struct translator *t = &l->t;
    struct wrt_profile_entry *entries = NULL;
    if (!wrt_load_take(l, WRT_CHARGE_RUNTIME, t->profile_count, sizeof *entries, &entries))
        return false;
    if (t->profile_count != 0)
        memcpy(entries, t->profile, t->profile_count * sizeof *entries);
    m->profiles[l->next_body] = (struct wrt_profile_map){entries, t->profile_count};
    return true;
}

/* For the words' last place; positions has every instruction. */
static void sign_handlers(struct translator *t, const uint8_t *place)
{
    for (uint32_t i = 0; i < t->position_count; i++) {
        const uint32_t at = t->positions[i].word;
        t->code[at].handler =
            wrt_sign_handler(t->code[at].handler, place + at * sizeof *t->code);
    }
}

bool wrt_load_keep_code(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    struct translator *t = &l->t;
    struct wrt_code *code = &m->codes[l->next_body];
    const size_t words_bytes = t->code_count * sizeof *t->code;
    const size_t points_bytes = t->point_count * sizeof *t->points;
    const size_t lives_bytes = t->live_count * sizeof *t->lives;
    const size_t try_bytes = t->boundary_count * sizeof *t->boundaries +
                             t->try_count * sizeof *t->tries + t->catch_count * sizeof *t->catches;
    uint8_t *kept = NULL;
    if (!wrt_load_take(l, WRT_CHARGE_CODE, words_bytes + points_bytes + lives_bytes + try_bytes +
                                               t->map_count, 1, &kept))
        return false;
    uint8_t *points = kept + words_bytes, *lives = points + points_bytes;
    sign_handlers(t, kept);
    memcpy(kept, t->code, words_bytes);
    memcpy(points, t->points, points_bytes);
    memcpy(lives, t->lives, lives_bytes);
    keep_tries(t, code, lives + lives_bytes);
    memcpy(lives + lives_bytes + try_bytes, t->map, t->map_count);
    code->entry = (const union word *)(const void *)kept;
    code->word_count = t->code_count;
    code->points = (const struct wrt_point *)(const void *)points;
    code->point_count = t->point_count;
    code->lives = (const struct wrt_live *)(const void *)lives;
    code->map = lives + lives_bytes + try_bytes;
    code->map_bytes = t->map_count;
    code->header_slot = t->header_slot;
    code->zero_count = t->first_stack_slot - t->header_slot - WRT_FRAME_HEADER;
    code->frame_slots = t->frame_slots;
    code->parameter_slots = wrt_type_list_slots(t->type->parameters, t->type->parameter_count);
    code->result_slots = wrt_type_list_slots(t->type->results, t->type->result_count);
    code->body_offset = t->r.offset;
    m->info.code_bytes += words_bytes;
    m->counter_count = t->counter_count;
    if (code->frame_slots > m->info.largest_frame_slots)
        m->info.largest_frame_slots = code->frame_slots;
    if (m->config.instrument && !keep_profile(l))
        return false;
    const struct wrt_code_parts parts = {
        {t->code, t->points, t->lives, t->boundaries, t->tries, t->catches, t->map, t->profile},
        {words_bytes, points_bytes, lives_bytes, t->boundary_count * sizeof *t->boundaries,
         t->try_count * sizeof *t->tries, t->catch_count * sizeof *t->catches, t->map_count,
         m->config.instrument ? t->profile_count * sizeof *t->profile : 0}};
    wrt_code_seal(m, code, &parts);
    return true;
}

static bool code_less(const void *context, uint32_t a, uint32_t b)
{
    const struct wrt_code *codes = context;
    return (uintptr_t)codes[a].entry < (uintptr_t)codes[b].entry;
}

bool wrt_load_check_end(struct wrt_module_loader *l)
{
    struct wrt_module *m = l->module;
    struct wrt_reader *r = &l->t.r;
    r->start = r->at = r->end = l->small;
    r->offset = l->offset;
    r->status = WRT_OK;
    if (l->declared_functions != l->next_body)
        return wrt_malformed(r, "function and code section have inconsistent lengths");
    if (l->t.has_data_count && l->data_count != 0 && m->data == NULL)
        return wrt_malformed(r, "data count and data section have inconsistent lengths");
    if (!wrt_load_take(l, WRT_CHARGE_RUNTIME, l->next_body, sizeof *m->codes_by_address,
                       &m->codes_by_address))
        return false;
    for (uint32_t i = 0; i < l->next_body; i++)
        m->codes_by_address[i] = i;
    wrt_sort(m->codes_by_address, l->next_body, code_less, m->codes);
    return true;
}
