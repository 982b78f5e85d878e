/* engine/snapshot.c - writes and restores stores: see wrt/snapshot.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   magic  format  translator | wiring | objects | exceptions | memories | tables | globals
 *   | segments | fields and values | held references | calls | crc
 *
 * An object that several instances share belongs to the first one, in the order of their
 * creation, that has it in an index space; the others name that place.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "snapshot.h"

#define MAGIC "\0wrtsnap"
#define MAGIC_BYTES 8
#define GRANULE_BYTES 4096u

/* ---- numbers and bytes ---- */

bool wrt_codec_refuse(struct codec *c, enum wrt_status status, const char *format, ...)
{
    if (c->status != WRT_OK)
        return false;
    c->status = status;
    if (c->error == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(c->error->text, sizeof c->error->text, format, arguments);
    va_end(arguments);
    c->error->status = status;
    c->error->has_offset = false;
    return false;
}

static bool flush(struct codec *c)
{
    const enum wrt_status status =
        c->buffered == 0 ? WRT_OK : c->write(c->context, c->buffer, c->buffered);
    c->buffered = 0;
    return status == WRT_OK || wrt_codec_refuse(c, status, "the snapshot could not be written");
}

static bool put(struct codec *c, const uint8_t *bytes, size_t size_bytes)
{
    while (size_bytes != 0) {
        const size_t room = sizeof c->buffer - c->buffered;
        const size_t n = size_bytes < room ? size_bytes : room;
        memcpy(c->buffer + c->buffered, bytes, n);
        c->crc = wrt_crc32c(c->crc, bytes, n);
        c->buffered += n;
        bytes += n;
        size_bytes -= n;
        if (c->buffered == sizeof c->buffer && !flush(c))
            return false;
    }
    return true;
}

static bool take(struct codec *c, size_t size_bytes, const uint8_t **out)
{
    if ((size_t)(c->end - c->at) < size_bytes)
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot is cut short");
    *out = c->at;
    c->at += size_bytes;
    return true;
}

bool wrt_codec_bytes(struct codec *c, void *bytes, size_t size_bytes)
{
    const uint8_t *from = NULL;
    if (c->mode == CODEC_WRITE)
        return put(c, bytes, size_bytes);
    if (!take(c, size_bytes, &from))
        return false;
    memcpy(bytes, from, size_bytes);
    return true;
}

bool wrt_codec_u32(struct codec *c, uint32_t *value)
{
    uint8_t bytes[4];
    wrt_write_u32(bytes, *value);
    if (!wrt_codec_bytes(c, bytes, sizeof bytes))
        return false;
    *value = wrt_read_u32(bytes);
    return true;
}

bool wrt_codec_u64(struct codec *c, uint64_t *value)
{
    uint8_t bytes[8];
    wrt_write_u64(bytes, *value);
    if (!wrt_codec_bytes(c, bytes, sizeof bytes))
        return false;
    *value = wrt_read_u64(bytes);
    return true;
}

bool wrt_codec_index(struct codec *c, uint32_t *value, uint64_t most, const char *what)
{
    return wrt_codec_u32(c, value) &&
           (*value <= most ||
            wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot names %s %u of %llu", what, *value,
                             (unsigned long long)most));
}

bool wrt_codec_same(struct codec *c, uint64_t ours, const char *what, uint32_t instance)
{
    uint64_t theirs = ours;
    return wrt_codec_u64(c, &theirs) &&
           (theirs == ours ||
            wrt_codec_refuse(c, WRT_ERR_UNLINKABLE, "the snapshot is foreign: %s of instance %u "
                             "is %llu here and %llu there", what, instance,
                             (unsigned long long)ours, (unsigned long long)theirs));
}

bool wrt_codec_records(struct codec *c, uint32_t count, uint32_t size_bytes, const uint8_t **out)
{
    const uint64_t bytes = (uint64_t)count * size_bytes;
    if (bytes > SIZE_MAX)
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot is cut short");
    return take(c, (size_t)bytes, out);
}

/* ---- instances and functions ---- */

struct wrt_instance *wrt_codec_instance_at(struct codec *c, uint32_t number)
{
    if (c->found != NULL && c->found->number == number)
        return c->found;
    struct wrt_instance *i = c->store->instances;
    while (i != NULL && i->number != number)
        i = i->next;
    c->found = i;
    return i;
}

bool wrt_codec_instance(struct codec *c, struct wrt_instance **instance)
{
    uint32_t number = c->mode == CODEC_WRITE ? (*instance)->number : 0;
    if (!wrt_codec_index(c, &number, c->store->instance_count - UINT64_C(1), "instance"))
        return false;
    *instance = wrt_codec_instance_at(c, number);
    return *instance != NULL || wrt_codec_refuse(c, WRT_ERR_CORRUPT, "no instance %u", number);
}

struct place {
    uint32_t instance, index;
};

/* Where a host function is imported first. */
static bool find_host_function(struct codec *c, const struct wrt_function *function,
                               struct place *out)
{
    for (uint32_t n = 0; n < c->store->instance_count; n++) {
        const struct wrt_instance *i = wrt_codec_instance_at(c, n);
        for (uint32_t f = 0; f < i->module->info.imported_function_count; f++)
            if (i->functions[f] == function) {
                *out = (struct place){n, f};
                return true;
            }
    }
    return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED,
                            "a reference to a host function that no instance imports");
}

static bool find_function(struct codec *c, const struct wrt_function *function, struct place *out)
{
    if (function->instance == NULL)
        return find_host_function(c, function, out);
    *out = (struct place){function->instance->number, function->index};
    return true;
}

/* 0 is null; else the instance's number + 1, and the function's index. */
bool wrt_codec_function(struct codec *c, struct wrt_function **function)
{
    struct place place = {0, 0};
    uint32_t head = 0;
    if (c->mode == CODEC_WRITE && *function != NULL) {
        if (!find_function(c, *function, &place))
            return false;
        head = place.instance + 1;
    }
    if (!wrt_codec_index(c, &head, c->store->instance_count, "instance"))
        return false;
    if (head == 0) {
        *function = NULL;
        return true;
    }
    const struct wrt_instance *i = wrt_codec_instance_at(c, head - 1);
    if (i == NULL || i->module->info.function_count == 0 ||
        !wrt_codec_index(c, &place.index, i->module->info.function_count - UINT64_C(1), "function"))
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "no function in instance %u", head - 1);
    *function = i->functions[place.index];
    return true;
}

/* ---- values ---- */

static bool is_function_type(struct wrt_rtt *const *scope, wrt_type type)
{
    const uint32_t heap = wrt_heap_of(type);
    const enum wrt_type_kind kind = wrt_is_concrete(type)
                                        ? (enum wrt_type_kind)scope[heap]->def->kind
                                        : WRT_KIND_FUNCTION;
    return wrt_top_of(heap, kind) == WRT_FUNCREF;
}

/* The kinds of reference that are no functions. Null is a byte, too, so that no loop is longer
 * than its input. */
enum reference_kind { REF_NULL, REF_I31, REF_OBJECT, REF_EXCEPTION, REF_HOST };

/* A reference as a snapshot has it: which one of its kind. */
struct reference {
    uint8_t kind;
    uint64_t number; /* i31: its value; object: granule; exception: cell; host: its id */
};

static bool is_of_exceptions(struct wrt_rtt *const *scope, wrt_type type)
{
    return !(wrt_is_concrete(type) && scope != NULL) &&
           wrt_top_of(wrt_heap_of(type), WRT_KIND_FUNCTION) == WRT_EXNREF;
}

static bool save_host(struct codec *c, wrt_type type, uint64_t bits, uint64_t *id)
{
    const union wrt_slot slot = {.i64 = bits};
    if (c->host == NULL)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a reference of type %s that is not null",
                                wrt_value_type_name(type));
    const enum wrt_status status = c->host->save(c->host->context, slot.external, id);
    return status == WRT_OK ||
           wrt_codec_refuse(c, status, "a host value of type %s", wrt_value_type_name(type));
}

static bool save_reference(struct codec *c, struct wrt_rtt *const *scope, wrt_type type,
                           uint64_t bits, struct reference *out)
{
    const struct wrt_heap *heap = &c->store->heap;
    *out = (struct reference){.kind = REF_NULL};
    if (bits == 0)
        return true;
    if (is_of_exceptions(scope, type)) {
        *out = (struct reference){REF_EXCEPTION, (uint32_t)bits};
        return wrt_is_exception(c->store, bits) ||
               wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "an exnref that is none any more");
    }
    if (bits >> 48 == WRT_I31_TAG) {
        *out = (struct reference){REF_I31, (uint32_t)bits & 0x7FFFFFFFu};
        return true;
    }
    if (bits >> 48 == WRT_OBJECT_TAG) {
        const uint32_t granule = (uint32_t)(bits / WRT_GRANULE_BYTES);
        *out = (struct reference){REF_OBJECT, granule};
        return (wrt_object_of(heap, bits) != NULL && wrt_heap_has_content(heap, granule)) ||
               wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a reference to an object that is gone");
    }
    out->kind = REF_HOST;
    return save_host(c, type, bits, &out->number);
}

static bool load_host(struct codec *c, uint64_t id, union cell *out)
{
    void *value = NULL;
    if (c->host == NULL)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a host value, and no host to ask for it");
    const enum wrt_status status = c->host->load(c->host->context, id, &value);
    if (status != WRT_OK)
        return wrt_codec_refuse(c, status, "host value %llu", (unsigned long long)id);
    *out = (union cell){.i64 = 0};
    out->pointer = value;
    return (out->i64 != 0 && out->i64 >> 48 != WRT_OBJECT_TAG && out->i64 >> 48 != WRT_I31_TAG) ||
           wrt_codec_refuse(c, WRT_ERR_ARGUMENT, "host value %llu is null, or no host value",
                            (unsigned long long)id);
}

/* Of a type, as the records of the snapshot say? Does not look at the heap: what is there now
 * may be replaced. */
static bool load_reference(struct codec *c, struct wrt_rtt *const *scope, wrt_type type,
                           const struct reference *r, union cell *out)
{
    const uint32_t heap = wrt_heap_of(type);
    const struct wrt_rtt *object = NULL;
    *out = (union cell){.i64 = 0};
    if (r->kind == REF_NULL)
        return wrt_is_nullable(type);
    if (is_of_exceptions(scope, type)) {
        *out = (union cell){.i64 = wrt_exception_reference((uint32_t)r->number)};
        return r->kind == REF_EXCEPTION && (heap & 0xFF) == WRT_EXNREF &&
               r->number <= UINT32_MAX && wrt_codec_is_exception(c, (uint32_t)r->number);
    }
    if (r->kind == REF_HOST) {
        if (!load_host(c, r->number, out))
            return false;
    } else if (r->kind == REF_OBJECT) {
        object = r->number <= UINT32_MAX ? wrt_codec_object_type(c, (uint32_t)r->number) : NULL;
        if (object == NULL)
            return false;
        out->i64 = WRT_OBJECT_TAG << 48 | r->number * WRT_GRANULE_BYTES;
    } else if (r->kind == REF_I31 && r->number <= 0x7FFFFFFF) {
        out->i64 = WRT_I31_TAG << 48 | r->number;
    } else {
        return false;
    }
    if (!wrt_is_concrete(type) && (heap & 0xFF) == WRT_EXTERNREF)
        return true;
    return wrt_any_type_is(object, r->kind == REF_I31, scope, type);
}

static bool codec_other_reference(struct codec *c, struct wrt_rtt *const *scope, wrt_type type,
                                  bool may_be_unset, union cell *value)
{
    struct reference r = {0};
    if (c->mode == CODEC_WRITE && !save_reference(c, scope, type, value->i64, &r))
        return false;
    if (!wrt_codec_bytes(c, &r.kind, 1) || (r.kind != REF_NULL && !wrt_codec_u64(c, &r.number)))
        return false;
    return c->mode == CODEC_WRITE || load_reference(c, scope, type, &r, value) ||
           (may_be_unset && r.kind == REF_NULL) ||
           wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a value that is no %s", wrt_value_type_name(type));
}

static bool codec_function_reference(struct codec *c, struct wrt_rtt *const *scope, wrt_type type,
                                     bool may_be_unset, union cell *value)
{
    struct wrt_function *function = value->function;
    if (!wrt_codec_function(c, &function))
        return false;
    value->i64 = 0;
    value->function = function;
    return wrt_slot_fits(c->store, scope, type, value->slot) ||
           (may_be_unset && value->i64 == 0) ||
           wrt_codec_refuse(c, c->mode == CODEC_WRITE ? WRT_ERR_UNSUPPORTED : WRT_ERR_CORRUPT,
                            "a value that is no %s", wrt_value_type_name(type));
}

static bool codec_reference(struct codec *c, struct wrt_rtt *const *scope, wrt_type type,
                            bool may_be_unset, union cell *cell)
{
    union cell value = {.i64 = 0};
    if (c->mode == CODEC_WRITE)
        value = *cell;
    if (!(is_function_type(scope, type)
              ? codec_function_reference(c, scope, type, may_be_unset, &value)
              : codec_other_reference(c, scope, type, may_be_unset, &value)))
        return false;
    if (cell != NULL && c->mode != CODEC_WRITE)
        *cell = value;
    return true;
}

bool wrt_codec_value(struct codec *c, struct wrt_rtt *const *scope, wrt_type type,
                     bool may_be_unset, union cell *cell)
{
    union cell spare[2] = {{.i64 = 0}, {.i64 = 0}};
    union cell *value = cell != NULL ? cell : spare;
    uint32_t narrow = value->i32;
    switch (type) {
    case WRT_I32:
    case WRT_F32:
        if (!wrt_codec_u32(c, &narrow))
            return false;
        if (c->mode == CODEC_APPLY) {
            value->i64 = type == WRT_I32 ? narrow : 0;
            value->i32 = narrow;
        }
        return true;
    case WRT_V128: return wrt_codec_u64(c, &value[0].i64) && wrt_codec_u64(c, &value[1].i64);
    case WRT_I64:
    case WRT_F64: return wrt_codec_u64(c, &value->i64);
    default: return codec_reference(c, scope, type, may_be_unset, cell);
    }
}

/* ---- what the store must be like ---- */

/* Of an import: who is first to have that object. */
static bool find_first(struct codec *c, const struct wrt_instance *instance,
                       const struct wrt_import *import, struct place *out)
{
    for (uint32_t n = 0; n <= instance->number; n++) {
        const struct wrt_instance *i = wrt_codec_instance_at(c, n);
        const struct wrt_module_info *info = &i->module->info;
        const void *const *items[] = {
            [WRT_EXTERN_TABLE] = (const void *const *)(const void *)i->tables,
            [WRT_EXTERN_MEMORY] = (const void *const *)(const void *)i->memories,
            [WRT_EXTERN_GLOBAL] = (const void *const *)(const void *)i->globals,
            [WRT_EXTERN_TAG] = (const void *const *)(const void *)i->tags};
        const void *const *mine[] = {
            [WRT_EXTERN_TABLE] = (const void *const *)(const void *)instance->tables,
            [WRT_EXTERN_MEMORY] = (const void *const *)(const void *)instance->memories,
            [WRT_EXTERN_GLOBAL] = (const void *const *)(const void *)instance->globals,
            [WRT_EXTERN_TAG] = (const void *const *)(const void *)instance->tags};
        const uint32_t counts[] = {0, info->table_count, info->memory_count, info->global_count,
                                   info->tag_count};
        for (uint32_t k = 0; k < counts[import->kind]; k++)
            if (items[import->kind][k] == mine[import->kind][import->index]) {
                *out = (struct place){n, k};
                return true;
            }
    }
    return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "an import that no instance has");
}

static bool codec_import(struct codec *c, const struct wrt_instance *instance,
                         const struct wrt_import *import)
{
    struct place place;
    const bool ok = import->kind == WRT_EXTERN_FUNCTION
                        ? find_function(c, instance->functions[import->index], &place)
                        : find_first(c, instance, import, &place);
    return ok && wrt_codec_same(c, (uint64_t)place.instance << 32 | place.index, "an import",
                      instance->number);
}

static bool codec_wiring(struct codec *c)
{
    if (!wrt_codec_same(c, c->store->instance_count, "the number", 0))
        return false;
    for (uint32_t n = 0; n < c->store->instance_count; n++) {
        const struct wrt_instance *i = wrt_codec_instance_at(c, n);
        const struct wrt_module *m = i->module;
        if (!wrt_codec_same(c, m->info.module_bytes, "the size of the module", n) ||
            !wrt_codec_same(c, m->info.checksum, "the checksum of the module", n) ||
            !wrt_codec_same(c, m->config.canonical_nan, "canonical_nan", n) ||
            !wrt_codec_same(c, m->config.deterministic, "deterministic", n) ||
            !wrt_codec_same(c, m->config.instrument, "instrument", n))
            return false;
        for (uint32_t k = 0; k < m->info.import_count; k++)
            if (!codec_import(c, wrt_codec_instance_at(c, n), &m->imports[k]))
                return false;
    }
    return true;
}

/* ---- memories ---- */

static bool is_zero(const uint8_t *bytes, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static size_t granule_at(uint64_t size, uint64_t at)
{
    return size - at < GRANULE_BYTES ? (size_t)(size - at) : GRANULE_BYTES;
}

/* Granules that are not zero, as runs of (length, distance from the run before, bytes); a
 * length of 0 ends them. */
static bool write_contents(struct codec *c, const struct wrt_memory *memory)
{
    const uint64_t size = memory->pages.size_bytes;
    uint64_t end = 0, length = 0;
    for (uint64_t at = 0; at < size;) {
        uint64_t stop = at;
        while (stop < size && !is_zero(memory->pages.base + stop, granule_at(size, stop)))
            stop += granule_at(size, stop);
        length = stop - at;
        uint64_t distance = at - end;
        if (length != 0) {
            if (!wrt_codec_u64(c, &length) || !wrt_codec_u64(c, &distance) ||
                !put(c, memory->pages.base + at, (size_t)length))
                return false;
            end = stop;
        }
        at = stop + (stop < size ? granule_at(size, stop) : 0);
    }
    length = 0;
    return wrt_codec_u64(c, &length);
}

/* Clears what is not clear yet: untouched pages stay untouched. */
static void clear(const struct wrt_memory *memory, uint64_t from, uint64_t to)
{
    while (from < to) {
        const size_t n = granule_at(to, from);
        if (!is_zero(memory->pages.base + from, n))
            memset(memory->pages.base + from, 0, n);
        from += n;
    }
}

static bool read_contents(struct codec *c, const struct wrt_memory *memory, uint64_t size)
{
    uint64_t at = 0;
    for (;;) {
        uint64_t length = 0, distance = 0;
        const uint8_t *bytes = NULL;
        if (!wrt_codec_u64(c, &length))
            return false;
        if (length == 0)
            break;
        if (!wrt_codec_u64(c, &distance))
            return false;
        if (distance > size - at || length > size - at - distance || length > SIZE_MAX)
            return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot writes past a memory");
        if (!take(c, (size_t)length, &bytes))
            return false;
        if (c->mode == CODEC_APPLY) {
            clear(memory, at, at + distance);
            memcpy(memory->pages.base + at + distance, bytes, (size_t)length);
        }
        at += distance + length;
    }
    if (c->mode == CODEC_APPLY)
        clear(memory, at, size);
    return true;
}

/* Those of a shared memory with its limits: while nobody else has a view, nothing moves them. */
static const struct wrt_page_allocator *pages_of(struct wrt_memory *memory,
                                                 struct wrt_page_allocator *view)
{
    if (memory->share == NULL)
        return &memory->pages;
    wrt_share_look(memory);
    *view = memory->share->pages;
    return view;
}

static bool codec_memory(struct codec *c, struct wrt_memory *memory)
{
    struct wrt_page_allocator view;
    const struct wrt_page_allocator *pages = pages_of(memory, &view);
    uint64_t size = pages->size_bytes;
    if (memory->share != NULL && atomic_load(&memory->share->users) != 1)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a shared memory that other stores use");
    if (!wrt_codec_u64(c, &size))
        return false;
    if (c->mode == CODEC_WRITE)
        return write_contents(c, memory);
    if (size % pages->page_bytes != 0 || size < pages->size_bytes ||
        size / pages->page_bytes > pages->maximum_pages)
        return wrt_codec_refuse(c, size % pages->page_bytes != 0 ? WRT_ERR_CORRUPT
                                                                 : WRT_ERR_LIMIT,
                                "a memory of %llu bytes: here it has %llu and %llu pages at most",
                                (unsigned long long)size, (unsigned long long)pages->size_bytes,
                                (unsigned long long)pages->maximum_pages);
    if (c->mode == CODEC_GROW) {
        const uint64_t more = (size - pages->size_bytes) / pages->page_bytes;
        const enum wrt_status status = wrt_memory_grow(memory, more, NULL, c->error);
        if (status != WRT_OK) {
            c->status = status;
            return false;
        }
    }
    return read_contents(c, memory, size);
}

/* ---- tables, globals, segments ---- */

static bool codec_table(struct codec *c, struct wrt_table *table)
{
    uint64_t size = table->size;
    if (!wrt_codec_u64(c, &size))
        return false;
    if (c->mode != CODEC_WRITE && (size < table->size || size > UINT32_MAX))
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a table of %llu elements",
                                (unsigned long long)size);
    if (c->mode == CODEC_GROW) {
        const union wrt_slot null = {.i64 = 0};
        const enum wrt_status status = size == table->size ? WRT_OK
            : wrt_table_enlarge(table, size - table->size, null, NULL, c->error);
        if (status != WRT_OK) {
            c->status = status;
            return false;
        }
    }
    for (uint64_t i = 0; i < size; i++) {
        union cell cell = {.i64 = 0};
        if (c->mode == CODEC_WRITE)
            cell.slot = table->elements[i];
        if (!wrt_codec_value(c, table->scope, table->type.element, false, &cell))
            return false;
        if (c->mode != CODEC_APPLY)
            continue;
        wrt_table_toggle(table, i, 1);
        table->elements[i] = cell.slot;
        wrt_table_toggle(table, i, 1);
    }
    return true;
}

static bool codec_global(struct codec *c, struct wrt_global *global)
{
    const bool in_place = c->mode == CODEC_WRITE || c->mode == CODEC_APPLY;
    return wrt_codec_value(c, global->scope, global->type.content, false,
                           in_place ? global->wide : NULL);
}

/* Is index `k` of the instance's space the first place of its object? */
static bool is_first(struct codec *c, const struct wrt_instance *instance,
                     enum wrt_extern_kind kind, uint32_t k, uint32_t imported)
{
    struct place place = {0}; /* gcc 12 does not see that find_first gives it */
    const struct wrt_import import = {.kind = kind, .index = k};
    if (k >= imported)
        return true;
    return find_first(c, instance, &import, &place) && place.instance == instance->number &&
           place.index == k;
}

static bool codec_objects(struct codec *c, enum wrt_extern_kind kind)
{
    for (uint32_t n = 0; n < c->store->instance_count; n++) {
        const struct wrt_instance *i = wrt_codec_instance_at(c, n);
        const struct wrt_module_info *info = &i->module->info;
        const uint32_t counts[] = {0, info->table_count, info->memory_count, info->global_count,
                                   info->tag_count};
        const uint32_t imported[] = {0, info->imported_table_count, info->imported_memory_count,
                                     info->imported_global_count};
        for (uint32_t k = 0; k < counts[kind]; k++) {
            if (!is_first(c, i, kind, k, imported[kind]))
                continue;
            const bool ok = kind == WRT_EXTERN_MEMORY  ? codec_memory(c, i->memories[k])
                            : kind == WRT_EXTERN_TABLE ? codec_table(c, i->tables[k])
                                                       : codec_global(c, i->globals[k]);
            if (!ok)
                return false;
        }
    }
    return c->status == WRT_OK;
}

bool wrt_codec_flag(struct codec *c, bool *flag)
{
    uint8_t byte = *flag;
    if (!wrt_codec_bytes(c, &byte, 1))
        return false;
    *flag = byte != 0;
    return byte <= 1 || wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot has a flag that is %u", byte);
}

/* Functions of a segment follow from the module; what else it refers to was made when it was
 * instantiated, and the collector looks at it even when it was dropped. */
static bool codec_items(struct codec *c, const struct wrt_instance *instance, uint32_t segment)
{
    const struct wrt_element_segment *s = &instance->module->elements[segment];
    struct wrt_element_items *items = &instance->elements[segment];
    if (items->items == NULL || is_function_type(instance->rtts, s->type))
        return true;
    for (uint32_t i = 0; i < s->count; i++) {
        union cell cell = {.i64 = 0};
        if (c->mode == CODEC_WRITE)
            cell.slot = items->items[i];
        if (!wrt_codec_value(c, instance->rtts, s->type, false, &cell))
            return false;
        if (c->mode == CODEC_APPLY)
            items->items[i] = cell.slot;
    }
    return true;
}

static bool codec_segments(struct codec *c, const struct wrt_instance *instance)
{
    const struct wrt_module_info *info = &instance->module->info;
    for (uint32_t k = 0; k < info->data_segment_count; k++) {
        bool is_dropped = instance->data_dropped[k];
        if (!wrt_codec_flag(c, &is_dropped))
            return false;
        if (c->mode == CODEC_APPLY)
            instance->data_dropped[k] = is_dropped;
    }
    for (uint32_t k = 0; k < info->element_segment_count; k++) {
        struct wrt_element_items *items = &instance->elements[k];
        bool is_dropped = items->count == 0;
        if (!wrt_codec_flag(c, &is_dropped))
            return false;
        if (!codec_items(c, instance, k))
            return false;
        if (c->mode == CODEC_APPLY)
            items->count = is_dropped || items->items == NULL ? 0 : instance->module->elements[k].count;
    }
    return true;
}

static bool codec_all_segments(struct codec *c)
{
    for (uint32_t n = 0; n < c->store->instance_count; n++)
        if (!codec_segments(c, wrt_codec_instance_at(c, n)))
            return false;
    return true;
}

/* ---- the whole ---- */

static bool codec_head(struct codec *c)
{
    uint8_t magic[MAGIC_BYTES];
    uint32_t format = WRT_SNAPSHOT_FORMAT, translator = WRT_SNAPSHOT_TRANSLATOR;
    memcpy(magic, MAGIC, MAGIC_BYTES);
    if (!wrt_codec_bytes(c, magic, sizeof magic) || !wrt_codec_u32(c, &format) ||
        !wrt_codec_u32(c, &translator))
        return false;
    if (format != WRT_SNAPSHOT_FORMAT)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a snapshot of format %u; this is %u",
                                format, (unsigned)WRT_SNAPSHOT_FORMAT);
    return translator == WRT_SNAPSHOT_TRANSLATOR ||
           wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a snapshot of translator %u; this is %u",
                            translator, (unsigned)WRT_SNAPSHOT_TRANSLATOR);
}

/* Globals and tables of the host that no instance has are not written. So they may refer to
 * nothing that is: an object or an exception. */
static bool is_alien(const struct codec *c, uint64_t bits)
{
    return wrt_object_of(&c->store->heap, bits) != NULL || wrt_is_exception(c->store, bits);
}

static bool has_item(struct codec *c, enum wrt_extern_kind kind, const void *item)
{
    for (uint32_t n = 0; n < c->store->instance_count; n++) {
        const struct wrt_instance *i = wrt_codec_instance_at(c, n);
        const bool is_table = kind == WRT_EXTERN_TABLE;
        const uint32_t count = is_table ? i->module->info.table_count : i->module->info.global_count;
        for (uint32_t k = 0; k < count; k++)
            if (item == (is_table ? (const void *)i->tables[k] : (const void *)i->globals[k]))
                return true;
    }
    return false;
}

static bool check_aliens(struct codec *c)
{
    bool ok = true;
    for (const struct wrt_global *g = c->store->globals; g != NULL && ok; g = g->next)
        ok = !wrt_is_reference(g->type.content) || !is_alien(c, g->value.i64) ||
             has_item(c, WRT_EXTERN_GLOBAL, g);
    for (const struct wrt_table *t = c->store->tables; t != NULL && ok; t = t->next)
        for (uint64_t i = 0; t->scope == NULL && i < t->size && ok; i++)
            ok = !is_alien(c, t->elements[i].i64) || has_item(c, WRT_EXTERN_TABLE, t);
    return ok || wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a global or table that no instance has "
                                  "refers to an object or an exception");
}

static bool codec_store(struct codec *c)
{
    return codec_head(c) && codec_wiring(c) && wrt_codec_heap(c) && wrt_codec_exceptions(c) &&
           (c->mode == CODEC_GROW || c->mode == CODEC_APPLY || check_aliens(c)) &&
           codec_objects(c, WRT_EXTERN_MEMORY) &&
           codec_objects(c, WRT_EXTERN_TABLE) && codec_objects(c, WRT_EXTERN_GLOBAL) &&
           codec_all_segments(c) && wrt_codec_objects(c) && wrt_codec_exception_values(c) &&
           wrt_codec_held(c) && wrt_codec_frames(c);
}

static bool is_running(const struct wrt_store *store)
{
    for (uint32_t i = 0; i < store->exec.depth; i++)
        if (!store->activations[i].paused)
            return true;
    return false;
}

static bool is_host_complete(const struct wrt_snapshot_host *host)
{
    return host == NULL || (host->save != NULL && host->load != NULL);
}

enum wrt_status wrt_instance_snapshot(const struct wrt_instance *instance,
                                      wrt_snapshot_write *write, void *context,
                                      struct wrt_error *error)
{
    return wrt_instance_snapshot_with(instance, write, context, NULL, error);
}

enum wrt_status wrt_instance_snapshot_with(const struct wrt_instance *instance,
                                           wrt_snapshot_write *write, void *context,
                                           const struct wrt_snapshot_host *host,
                                           struct wrt_error *error)
{
    if (instance == NULL || write == NULL || !is_host_complete(host))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "instance, write, save and load must not be NULL");
    struct codec c = {.mode = CODEC_WRITE, .store = instance->store, .error = error,
                      .write = write, .context = context, .host = host};
    if (is_running(c.store))
        return wrt_fail(error, WRT_ERR_STATE, "a call runs: pause it first");
    uint8_t crc[4];
    if (codec_store(&c)) {
        wrt_write_u32(crc, c.crc);
        if (put(&c, crc, sizeof crc))
            (void)flush(&c);
    }
    return c.status;
}

static bool has_valid_checksum(const uint8_t *bytes, size_t size_bytes)
{
    return size_bytes >= MAGIC_BYTES + 4 && memcmp(bytes, MAGIC, MAGIC_BYTES) == 0 &&
           wrt_crc32c(0, bytes, size_bytes - 4) == wrt_read_u32(bytes + size_bytes - 4);
}

/* One reading pass. */
static bool read_all(struct codec *c, enum codec_mode mode, const uint8_t *bytes,
                     size_t size_bytes)
{
    c->mode = mode;
    c->at = bytes;
    c->end = bytes + size_bytes - 4;
    return codec_store(c) &&
           (c->at == c->end ||
            wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot has bytes behind its end"));
}

enum wrt_status wrt_instance_restore(struct wrt_instance *instance, const void *bytes,
                                     size_t size_bytes, struct wrt_error *error)
{
    return wrt_instance_restore_with(instance, bytes, size_bytes, NULL, error);
}

enum wrt_status wrt_instance_restore_with(struct wrt_instance *instance, const void *bytes,
                                          size_t size_bytes, const struct wrt_snapshot_host *host,
                                          struct wrt_error *error)
{
    if (instance == NULL || bytes == NULL || !is_host_complete(host))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "instance, bytes, save and load must not be NULL");
    struct wrt_store *store = instance->store;
    struct codec c = {.store = store, .error = error, .host = host};
    if (store->exec.depth != 0)
        return wrt_fail(error, WRT_ERR_STATE, "a call runs or is paused in this store");
    if (!has_valid_checksum(bytes, size_bytes))
        return wrt_fail(error, WRT_ERR_CORRUPT, "no snapshot, or a damaged one");
    if (read_all(&c, CODEC_CHECK, bytes, size_bytes) && read_all(&c, CODEC_GROW, bytes, size_bytes) &&
        read_all(&c, CODEC_APPLY, bytes, size_bytes))
        wrt_codec_trust_heap(&c);
    return c.status;
}
