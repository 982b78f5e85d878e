/* engine/snapshot.c - writes and restores stores: see wrt/snapshot.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   magic  format  translator | wiring | memories | tables | globals | segments | calls | crc
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

/* A number that the store decides: another one is a foreign snapshot. */
static bool same(struct codec *c, uint64_t ours, const char *what, uint32_t instance)
{
    uint64_t theirs = ours;
    return wrt_codec_u64(c, &theirs) &&
           (theirs == ours ||
            wrt_codec_refuse(c, WRT_ERR_UNLINKABLE, "the snapshot is foreign: %s of instance %u "
                             "is %llu here and %llu there", what, instance,
                             (unsigned long long)ours, (unsigned long long)theirs));
}

/* ---- instances and functions ---- */

static struct wrt_instance *instance_at(struct codec *c, uint32_t number)
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
    *instance = instance_at(c, number);
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
        const struct wrt_instance *i = instance_at(c, n);
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
    const struct wrt_instance *i = instance_at(c, head - 1);
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

/* References that are no pointers: null, 0, and i31, 1 and its value. Null is a byte, too, so
 * that no loop is longer than its input. */
static bool codec_small(struct codec *c, wrt_type type, uint64_t *bits)
{
    const bool is_i31 = *bits >> 48 == WRT_I31_TAG;
    uint8_t tag = is_i31;
    uint32_t number = (uint32_t)*bits;
    if (*bits != 0 && !is_i31)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a reference of type %s that is not null",
                                wrt_value_type_name(type));
    if (!wrt_codec_bytes(c, &tag, 1))
        return false;
    if (tag > 1)
        return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "a reference of a kind that is not known");
    if (tag == 1 && !wrt_codec_u32(c, &number))
        return false;
    *bits = tag == 0 ? 0 : WRT_I31_TAG << 48 | (number & 0x7FFFFFFFu);
    return true;
}

static bool codec_reference(struct codec *c, struct wrt_rtt *const *scope, wrt_type type,
                            bool may_be_unset, union cell *cell)
{
    union cell value = {.i64 = 0};
    if (c->mode == CODEC_WRITE)
        value = *cell;
    const bool is_function = is_function_type(scope, type);
    if (is_function) {
        struct wrt_function *function = value.function;
        if (!wrt_codec_function(c, &function))
            return false;
        value.i64 = 0;
        value.function = function;
    } else if (!codec_small(c, type, &value.i64)) {
        return false;
    }
    if (!wrt_slot_fits(c->store, scope, type, value.slot) &&
        !(may_be_unset && is_function && value.i64 == 0))
        return wrt_codec_refuse(c, c->mode == CODEC_WRITE ? WRT_ERR_UNSUPPORTED : WRT_ERR_CORRUPT,
                                "a value that is no %s", wrt_value_type_name(type));
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
        const struct wrt_instance *i = instance_at(c, n);
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
    return ok && same(c, (uint64_t)place.instance << 32 | place.index, "an import",
                      instance->number);
}

/* Objects are not written yet; a heap that was never used holds none. */
static bool codec_heap(struct codec *c)
{
    const struct wrt_heap *heap = &c->store->heap;
    if (heap->base != NULL && heap->allocated_bytes != 0)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a garbage-collected heap with objects");
    return same(c, heap->granules, "the size of the heap", 0);
}

/* Exceptions are not written yet; those that nothing refers to do not count. */
static bool codec_exceptions(struct codec *c)
{
    if (c->mode == CODEC_WRITE && wrt_has_exceptions(c->store))
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "an exception that is still referred to");
    return true;
}

static bool codec_wiring(struct codec *c)
{
    if (!same(c, c->store->instance_count, "the number", 0))
        return false;
    for (uint32_t n = 0; n < c->store->instance_count; n++) {
        const struct wrt_instance *i = instance_at(c, n);
        const struct wrt_module *m = i->module;
        if (!same(c, m->info.module_bytes, "the size of the module", n) ||
            !same(c, m->info.checksum, "the checksum of the module", n) ||
            !same(c, m->config.canonical_nan, "canonical_nan", n) ||
            !same(c, m->config.deterministic, "deterministic", n) ||
            !same(c, m->config.instrument, "instrument", n))
            return false;
        for (uint32_t k = 0; k < m->info.import_count; k++)
            if (!codec_import(c, instance_at(c, n), &m->imports[k]))
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

static bool codec_memory(struct codec *c, struct wrt_memory *memory)
{
    const struct wrt_page_allocator *pages = &memory->pages;
    uint64_t size = pages->size_bytes;
    if (memory->share != NULL)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "a shared memory");
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
    struct place place;
    const struct wrt_import import = {.kind = kind, .index = k};
    if (k >= imported)
        return true;
    return find_first(c, instance, &import, &place) && place.instance == instance->number &&
           place.index == k;
}

static bool codec_objects(struct codec *c, enum wrt_extern_kind kind)
{
    for (uint32_t n = 0; n < c->store->instance_count; n++) {
        const struct wrt_instance *i = instance_at(c, n);
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

static bool codec_flag(struct codec *c, bool *flag)
{
    uint8_t byte = *flag;
    if (!wrt_codec_bytes(c, &byte, 1))
        return false;
    *flag = byte != 0;
    return byte <= 1 || wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot has a flag that is %u", byte);
}

static bool codec_segments(struct codec *c, const struct wrt_instance *instance)
{
    const struct wrt_module_info *info = &instance->module->info;
    for (uint32_t k = 0; k < info->data_segment_count; k++) {
        bool is_dropped = instance->data_dropped[k];
        if (!codec_flag(c, &is_dropped))
            return false;
        if (c->mode == CODEC_APPLY)
            instance->data_dropped[k] = is_dropped;
    }
    for (uint32_t k = 0; k < info->element_segment_count; k++) {
        struct wrt_element_items *items = &instance->elements[k];
        bool is_dropped = items->count == 0;
        if (!codec_flag(c, &is_dropped))
            return false;
        if (c->mode == CODEC_APPLY)
            items->count = is_dropped || items->items == NULL ? 0 : instance->module->elements[k].count;
    }
    return true;
}

static bool codec_all_segments(struct codec *c)
{
    for (uint32_t n = 0; n < c->store->instance_count; n++)
        if (!codec_segments(c, instance_at(c, n)))
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

static bool codec_store(struct codec *c)
{
    return codec_head(c) && codec_wiring(c) && codec_heap(c) && codec_exceptions(c) &&
           codec_objects(c, WRT_EXTERN_MEMORY) &&
           codec_objects(c, WRT_EXTERN_TABLE) && codec_objects(c, WRT_EXTERN_GLOBAL) &&
           codec_all_segments(c) && wrt_codec_frames(c);
}

static bool is_running(const struct wrt_store *store)
{
    for (uint32_t i = 0; i < store->exec.depth; i++)
        if (!store->activations[i].paused)
            return true;
    return false;
}

enum wrt_status wrt_instance_snapshot(const struct wrt_instance *instance,
                                      wrt_snapshot_write *write, void *context,
                                      struct wrt_error *error)
{
    if (instance == NULL || write == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "instance and write must not be NULL");
    struct codec c = {.mode = CODEC_WRITE, .store = instance->store, .error = error,
                      .write = write, .context = context};
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
    if (instance == NULL || bytes == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "instance and bytes must not be NULL");
    struct wrt_store *store = instance->store;
    struct codec c = {.store = store, .error = error};
    if (store->exec.depth != 0)
        return wrt_fail(error, WRT_ERR_STATE, "a call runs or is paused in this store");
    if (!has_valid_checksum(bytes, size_bytes))
        return wrt_fail(error, WRT_ERR_CORRUPT, "no snapshot, or a damaged one");
    if (read_all(&c, CODEC_CHECK, bytes, size_bytes) && read_all(&c, CODEC_GROW, bytes, size_bytes))
        (void)read_all(&c, CODEC_APPLY, bytes, size_bytes);
    return c.status;
}
