/* engine/instance.c - instantiation: link, allocate, fill, start (spec 4.5.4).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything is taken into a list of its own first, so that a refusal gives it all back.
 * Once the segments start to run, other objects of the store may point here, and the
 * instance belongs to the store whatever happens.
 */
#include <string.h>

#include "engine.h"
#include "load.h"
#include "native.h"

/* What an instantiation has taken so far. */
struct build {
    struct wrt_store *store;
    struct wrt_module *module;
    struct wrt_block *blocks;
    struct wrt_instance *instance;
    struct wrt_error *error;
    uint32_t made_tables, made_memories;
    struct wrt_type_mark types;
};

static enum wrt_status take(struct build *b, enum wrt_charge charge, uint64_t count,
                            size_t item_bytes, void *out)
{
    return wrt_block_take(b->store->partition, &b->blocks, charge, count, item_bytes, out,
                          b->error);
}

/* ---- imports ---- */

static bool limits_fit(uint64_t size, const struct wrt_limits *have, const struct wrt_limits *want)
{
    return size >= want->minimum &&
           (!want->has_maximum || (have->has_maximum && have->maximum <= want->maximum));
}

/* An immutable global may be of a type below; what is written too must be of the same. */
static bool global_fits(const struct wrt_global *have, struct wrt_rtt *const *scope,
                        const struct wrt_global_type *want)
{
    if (have->type.is_mutable != want->is_mutable)
        return false;
    return want->is_mutable
               ? wrt_same_type_across(have->scope, have->type.content, scope, want->content)
               : wrt_type_is_across(have->scope, have->type.content, scope, want->content);
}

static bool import_fits(const struct build *b, uint32_t index, struct wrt_extern item,
                        const struct wrt_extern_type *want)
{
    struct wrt_rtt *const *scope = b->instance->rtts;
    if (item.kind != want->kind)
        return false;
    struct wrt_extern_type have;
    wrt_extern_get_type(item, &have);
    switch (item.kind) {
    case WRT_EXTERN_FUNCTION:
        return wrt_rtt_is(item.of.function->rtt, scope[b->module->function_types[index]]);
    case WRT_EXTERN_TABLE:
        return have.table.is_64 == want->table.is_64 &&
               wrt_same_type_across(item.of.table->scope, have.table.element, scope,
                                    want->table.element) &&
               limits_fit(have.table.limits.minimum, &item.of.table->type.limits,
                          &want->table.limits);
    case WRT_EXTERN_MEMORY:
        return have.memory.is_64 == want->memory.is_64 &&
               have.memory.page_bytes == want->memory.page_bytes &&
               have.memory.is_shared == want->memory.is_shared &&
               limits_fit(have.memory.limits.minimum, &item.of.memory->type.limits,
                          &want->memory.limits);
    case WRT_EXTERN_TAG: return item.of.tag->rtt == scope[b->module->tags[index]];
    default: return global_fits(item.of.global, scope, &want->global);
    }
}

static enum wrt_status unlinkable(struct build *b, const struct wrt_module_import *import,
                                  const char *why)
{
    const int m = import->module.size_bytes < 48 ? (int)import->module.size_bytes : 48;
    const int n = import->name.size_bytes < 48 ? (int)import->name.size_bytes : 48;
    return wrt_fail(b->error, WRT_ERR_UNLINKABLE, "%s: \"%.*s\" \"%.*s\"", why, m,
                    (const char *)import->module.data, n, (const char *)import->name.data);
}

static enum wrt_status link_import(struct build *b, uint32_t index,
                                   const struct wrt_extern *given)
{
    struct wrt_module_import import;
    struct wrt_extern item;
    enum wrt_status status = wrt_module_get_import(b->module, index, &import);
    if (status != WRT_OK)
        return status;
    if (given != NULL) {
        item = given[index];
        if (!wrt_extern_is_of(item, b->store))
            return wrt_fail(b->error, WRT_ERR_ARGUMENT, "import %u is not of this store", index);
    } else if (!wrt_store_find(b->store, import.module, import.name, &item)) {
        return unlinkable(b, &import, "unknown import");
    }
    const uint32_t at = b->module->imports[index].index;
    if (!import_fits(b, at, item, &import.type))
        return unlinkable(b, &import, "incompatible import type");
    switch (item.kind) {
    case WRT_EXTERN_FUNCTION: b->instance->functions[at] = item.of.function; break;
    case WRT_EXTERN_TABLE: b->instance->tables[at] = item.of.table; break;
    case WRT_EXTERN_MEMORY: b->instance->memories[at] = item.of.memory; break;
    case WRT_EXTERN_GLOBAL: b->instance->globals[at] = item.of.global; break;
    case WRT_EXTERN_TAG: b->instance->tags[at] = item.of.tag; break;
    }
    return WRT_OK;
}

/* ---- allocation ---- */

static enum wrt_status make_instance(struct build *b)
{
    const struct wrt_module_info *info = &b->module->info;
    const uint32_t own = info->function_count - info->imported_function_count;
    struct wrt_instance *i = NULL;
    enum wrt_status status = take(b, WRT_CHARGE_RUNTIME, 1, sizeof *i, &i);
    if (status != WRT_OK)
        return status;
    b->instance = i;
    i->store = b->store;
    i->module = b->module;
    const struct {
        uint64_t count;
        size_t item_bytes;
        void *out;
    } parts[] = {
        {info->function_count, sizeof *i->functions, &i->functions},
        {info->table_count, sizeof *i->tables, &i->tables},
        {info->memory_count, sizeof *i->memories, &i->memories},
        {info->global_count, sizeof *i->globals, &i->globals},
        {info->tag_count, sizeof *i->tags, &i->tags},
        {own, sizeof *i->own_functions, &i->own_functions},
        {info->element_segment_count, sizeof *i->elements, &i->elements},
        {info->data_segment_count, sizeof *i->data_dropped, &i->data_dropped},
        {b->module->counter_count, sizeof *i->counters, &i->counters},
    };
    for (size_t p = 0; p < sizeof parts / sizeof parts[0] && status == WRT_OK; p++)
        if (parts[p].count != 0)
            status = take(b, WRT_CHARGE_RUNTIME, parts[p].count, parts[p].item_bytes,
                          parts[p].out);
    return status;
}

static void make_functions(struct build *b)
{
    const struct wrt_module_info *info = &b->module->info;
    for (uint32_t f = info->imported_function_count; f < info->function_count; f++) {
        const uint32_t own = f - info->imported_function_count;
        struct wrt_function *function = &b->instance->own_functions[own];
        *function = (struct wrt_function){.type = wrt_type_of_function(b->module, f),
                                          .rtt = b->instance->rtts[b->module->function_types[f]],
                                          .instance = b->instance,
                                          .code = &b->module->codes[own],
                                          .store = b->store,
                                          .index = f,
                                          .parameter_slots = b->module->codes[own].parameter_slots,
                                          .result_slots = b->module->codes[own].result_slots};
        if (b->instance->native != NULL)
            wrt_native_set_function(b->instance, function);
        b->instance->functions[f] = function;
    }
}

static enum wrt_status heap_full(struct build *b)
{
    return wrt_fail(b->error, WRT_ERR_LIMIT, "%s while instantiating: gc_heap_bytes",
                    wrt_trap_text(WRT_TRAP_HEAP_EXHAUSTED));
}

static enum wrt_status make_globals(struct build *b)
{
    const struct wrt_module_info *info = &b->module->info;
    const uint32_t first = info->imported_global_count;
    struct wrt_global *own = NULL;
    if (first == info->global_count)
        return WRT_OK;
    if (b->instance->native != NULL)
        own = wrt_native_globals(b->instance);
    const enum wrt_status status =
        own != NULL ? WRT_OK
                    : take(b, WRT_CHARGE_TABLE, info->global_count - first, sizeof *own, &own);
    if (status != WRT_OK)
        return status;
    for (uint32_t g = first; g < info->global_count; g++) {
        union cell value[2];
        struct wrt_global *global = &own[g - first];
        const uint8_t *bytes = b->module->globals[g].init.bytes;
        global->type = b->module->globals[g].type;
        global->scope = b->instance->rtts;
        global->store = b->store;
        b->instance->globals[g] = global;
        if (!wrt_const_evaluate(b->instance, &bytes, value))
            return heap_full(b);
        memcpy(global->wide, value, sizeof value);
    }
    return WRT_OK;
}

static enum wrt_status make_tags(struct build *b)
{
    const struct wrt_module_info *info = &b->module->info;
    const uint32_t first = info->imported_tag_count;
    struct wrt_tag *own = NULL;
    if (first == info->tag_count)
        return WRT_OK;
    const enum wrt_status status =
        take(b, WRT_CHARGE_RUNTIME, info->tag_count - first, sizeof *own, &own);
    if (status != WRT_OK)
        return status;
    for (uint32_t t = first; t < info->tag_count; t++) {
        own[t - first].type = &b->module->types[b->module->tags[t]].function;
        own[t - first].rtt = b->instance->rtts[b->module->tags[t]];
        own[t - first].store = b->store;
        b->instance->tags[t] = &own[t - first];
    }
    return WRT_OK;
}

static enum wrt_status make_tables(struct build *b)
{
    const struct wrt_module_info *info = &b->module->info;
    for (uint32_t t = info->imported_table_count; t < info->table_count; t++) {
        const uint8_t *init = b->module->table_inits[t].bytes;
        union cell fill[2] = {{.i64 = 0}};
        if (init != NULL && !wrt_const_evaluate(b->instance, &init, fill))
            return heap_full(b);
        const enum wrt_status status =
            wrt_table_make(b->store, &b->blocks, &b->module->tables[t], fill[0].slot,
                           &b->instance->tables[t], b->error);
        if (status != WRT_OK)
            return status;
        b->instance->tables[t]->scope = b->instance->rtts;
        b->made_tables++;
    }
    return WRT_OK;
}

static enum wrt_status make_memories(struct build *b)
{
    const struct wrt_module_info *info = &b->module->info;
    for (uint32_t m = info->imported_memory_count; m < info->memory_count; m++) {
        const enum wrt_status status =
            wrt_memory_make(b->store, &b->blocks, &b->module->memories[m], b->module,
                            wrt_module_image(b->module, m), &b->instance->memories[m], b->error);
        if (status != WRT_OK)
            return status;
        b->made_memories++;
    }
    return WRT_OK;
}

/* False: the heap is full. */
static bool element_item(const struct wrt_instance *instance, const struct wrt_element_segment *s,
                         const uint8_t **at, union wrt_slot *out)
{
    if (s->expressions) {
        union cell value[2];
        const bool ok = wrt_const_evaluate(instance, at, value);
        *out = value[0].slot;
        return ok;
    }
    uint32_t function = 0; /* validated LEB128 */
    for (unsigned shift = 0;; shift += 7) {
        const uint8_t byte = *(*at)++;
        function |= (uint32_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            break;
    }
    *out = (union wrt_slot){.function = instance->functions[function]};
    return true;
}

/* Passive segments are evaluated once, into references of this instance. */
static enum wrt_status make_elements(struct build *b)
{
    for (uint32_t e = 0; e < b->module->info.element_segment_count; e++) {
        const struct wrt_element_segment *s = &b->module->elements[e];
        struct wrt_element_items *items = &b->instance->elements[e];
        if (s->mode != WRT_SEGMENT_PASSIVE || s->count == 0)
            continue;
        const enum wrt_status status =
            take(b, WRT_CHARGE_TABLE, s->count, sizeof *items->items, &items->items);
        if (status != WRT_OK)
            return status;
        const uint8_t *at = s->bytes;
        items->count = s->count;
        for (uint32_t i = 0; i < s->count; i++)
            if (!element_item(b->instance, s, &at, &items->items[i]))
                return heap_full(b);
    }
    return WRT_OK;
}

static void give_back(struct build *b)
{
    const struct wrt_module_info *info = &b->module->info;
    for (uint32_t t = 0; t < b->made_tables; t++)
        wrt_table_unmake(b->store, b->instance->tables[info->imported_table_count + t]);
    for (uint32_t m = 0; m < b->made_memories; m++)
        wrt_memory_unmake(b->instance->memories[info->imported_memory_count + m]);
    wrt_heap_disown(&b->store->heap, b->types.id_count);
    wrt_types_undo(b->store, b->types);
    wrt_block_free_all(b->store->partition, &b->blocks);
}

/* From here on the store owns the instance. */
static void hand_over(struct build *b)
{
    struct wrt_store *store = b->store;
    struct wrt_instance *i = b->instance;
    const struct wrt_module_info *info = &b->module->info;
    for (uint32_t t = info->imported_table_count; t < info->table_count; t++) {
        i->tables[t]->next = store->tables;
        store->tables = i->tables[t];
    }
    for (uint32_t m = info->imported_memory_count; m < info->memory_count; m++) {
        i->memories[m]->next = store->memories;
        store->memories = i->memories[m];
    }
    wrt_block_splice(&store->blocks, &b->blocks);
    store->exec.heap_base = store->heap.base;
    i->next = store->instances;
    i->number = store->instance_count++;
    store->instances = i;
    atomic_fetch_add_explicit(&b->module->users, 1, memory_order_relaxed);
}

/* ---- segments and start ---- */

static enum wrt_status trap(struct wrt_store *store, enum wrt_trap_kind kind,
                            struct wrt_error *error)
{
    wrt_set_trap(store, kind);
    store->frame_count = store->kept_frames = 0;
    return wrt_fail(error, WRT_ERR_TRAP, "%s while instantiating", wrt_trap_text(kind));
}

static uint64_t index_of(union wrt_slot slot, bool is_64)
{
    return is_64 ? slot.i64 : slot.i32;
}

/* An offset: a number, which needs no heap. */
static union wrt_slot offset_value(const struct build *b, const uint8_t **at)
{
    union cell value[2];
    (void)wrt_const_evaluate(b->instance, at, value);
    return value[0].slot;
}

static enum wrt_status run_elements(struct build *b)
{
    for (uint32_t e = 0; e < b->module->info.element_segment_count; e++) {
        const struct wrt_element_segment *s = &b->module->elements[e];
        if (s->mode != WRT_SEGMENT_ACTIVE)
            continue;
        struct wrt_table *table = b->instance->tables[s->table];
        const uint8_t *at = s->offset.bytes;
        const uint64_t offset = index_of(offset_value(b, &at), table->type.is_64);
        if (offset > table->size || s->count > table->size - offset)
            return trap(b->store, WRT_TRAP_OUT_OF_BOUNDS_TABLE, b->error);
        at = s->bytes;
        bool fits = true;
        wrt_table_toggle(table, offset, s->count);
        for (uint32_t i = 0; i < s->count && fits; i++) {
            wrt_heap_overwrite(&b->store->heap, table->elements[offset + i].i64);
            fits = element_item(b->instance, s, &at, &table->elements[offset + i]);
        }
        wrt_table_toggle(table, offset, s->count);
        if (!fits)
            return heap_full(b);
    }
    return WRT_OK;
}

/* Does the memory hold its active segments already? */
static bool is_mapped(const struct build *b, uint32_t memory)
{
    const struct wrt_page_image *image = wrt_module_image(b->module, memory);
    return image != NULL && b->instance->memories[memory]->pages.image == image;
}

static enum wrt_status run_data(struct build *b)
{
    for (uint32_t d = 0; d < b->module->info.data_segment_count; d++) {
        const struct wrt_data_segment *s = &b->module->data[d];
        if (s->mode != WRT_SEGMENT_ACTIVE)
            continue;
        b->instance->data_dropped[d] = true;
        if (is_mapped(b, s->memory))
            continue;
        const uint8_t *at = s->offset.bytes;
        struct wrt_memory *memory = b->instance->memories[s->memory];
        const uint64_t offset = index_of(offset_value(b, &at), memory->type.is_64);
        if (wrt_memory_write(memory, offset, s->bytes, s->size_bytes) !=
            WRT_OK)
            return trap(b->store, WRT_TRAP_OUT_OF_BOUNDS_MEMORY, b->error);
    }
    return WRT_OK;
}

static enum wrt_status build_instance(struct build *b, const struct wrt_extern *imports)
{
    enum wrt_status status = make_instance(b);
    if (status == WRT_OK)
        status = wrt_scope_get(b->store, &b->blocks, b->module, &b->instance->rtts, b->error);
    if (status == WRT_OK)
        status = wrt_native_make(b->instance, &b->blocks, b->error);
    if (status == WRT_OK && b->module->needs_heap && b->store->native.stack.base != NULL)
        status = wrt_fail(b->error, WRT_ERR_UNSUPPORTED,
                          "a garbage-collected heap in a store with compiled code");
    if (status == WRT_OK && b->module->needs_heap && b->store->heap.base == NULL)
        status = wrt_heap_make(b->store, b->error);
    b->store->heap.may_hold_exceptions |= b->module->has_exnref_fields;
    for (uint32_t i = 0; i < b->module->info.import_count && status == WRT_OK; i++)
        status = link_import(b, i, imports);
    if (status != WRT_OK)
        return status;
    make_functions(b);
    status = make_globals(b);
    if (status == WRT_OK)
        status = make_tables(b);
    if (status == WRT_OK)
        status = make_memories(b);
    if (status == WRT_OK)
        status = make_elements(b);
    if (status == WRT_OK)
        status = make_tags(b);
    if (status == WRT_OK)
        status = wrt_native_link(b->instance, b->error);
    if (status == WRT_OK)
        status = wrt_instance_seal(b->instance, &b->blocks, b->error);
    /* Last: what it takes is the store's, and must not be given back. */
    if (status == WRT_OK && b->module->info.tag_count != 0)
        status = wrt_exceptions_prepare(b->store, b->error);
    return status;
}

static enum wrt_status instantiate(struct wrt_store *store, struct wrt_module *module,
                                   const struct wrt_extern *imports, bool skip_start,
                                   struct wrt_instance **out, struct wrt_error *error)
{
    if (store->instance_count >= store->config.max_instances)
        return wrt_fail(error, WRT_ERR_LIMIT, "max_instances is %u", store->config.max_instances);
    struct build b = {.store = store, .module = module, .error = error,
                      .types = wrt_types_mark(store)};
    const bool starts = module->info.has_start && !skip_start;
    enum wrt_status status = starts ? wrt_store_can_call(store) : WRT_OK;
    if (status != WRT_OK)
        return wrt_fail(error, status, "the start function cannot be called: %s",
                        wrt_status_text(status));
    status = wrt_seal_before_instance(module, error);
    if (status == WRT_OK)
        status = build_instance(&b, imports);
    if (status != WRT_OK) {
        if (b.instance != NULL)
            give_back(&b);
        else
            wrt_block_free_all(store->partition, &b.blocks);
        return status;
    }
    hand_over(&b);
    status = run_elements(&b);
    if (status == WRT_OK)
        status = run_data(&b);
    if (status == WRT_OK && starts) {
        status = wrt_function_call_slots(
            store, b.instance->functions[module->info.start_function], NULL, 0, NULL, 0);
        if (status < 0)
            (void)wrt_fail(error, status, "%s in the start function",
                           status == WRT_ERR_TRAP ? store->exec.trap.text
                                                  : wrt_status_text(status));
    }
    if (status >= 0)
        *out = b.instance;
    return status;
}

enum wrt_status wrt_store_instantiate(struct wrt_store *store, struct wrt_module *module,
                                      struct wrt_instance **out, struct wrt_error *error)
{
    if (store == NULL || module == NULL || out == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "store, module and out must not be NULL");
    return instantiate(store, module, NULL, false, out, error);
}

enum wrt_status wrt_store_instantiate_with(struct wrt_store *store, struct wrt_module *module,
                                           const struct wrt_extern *imports,
                                           uint32_t import_count, bool skip_start,
                                           struct wrt_instance **out, struct wrt_error *error)
{
    static const struct wrt_extern none;
    if (store == NULL || module == NULL || out == NULL ||
        (imports == NULL && import_count != 0))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "store, module and out must not be NULL");
    if (import_count != module->info.import_count)
        return wrt_fail(error, WRT_ERR_UNLINKABLE, "%u imports given, the module has %u",
                        import_count, module->info.import_count);
    return instantiate(store, module, imports != NULL ? imports : &none, skip_start, out, error);
}

enum wrt_status wrt_instance_start(struct wrt_instance *instance)
{
    const struct wrt_module_info *info = &instance->module->info;
    if (!info->has_start)
        return WRT_OK;
    return wrt_function_call_slots(instance->store, instance->functions[info->start_function],
                                   NULL, 0, NULL, 0);
}

/* ---- lookups ---- */

struct wrt_extern wrt_instance_item(const struct wrt_instance *instance,
                                    const struct wrt_export *export)
{
    struct wrt_extern item = {.kind = export->kind};
    switch (export->kind) {
    case WRT_EXTERN_FUNCTION: item.of.function = instance->functions[export->index]; break;
    case WRT_EXTERN_TABLE: item.of.table = instance->tables[export->index]; break;
    case WRT_EXTERN_MEMORY: item.of.memory = instance->memories[export->index]; break;
    case WRT_EXTERN_GLOBAL: item.of.global = instance->globals[export->index]; break;
    case WRT_EXTERN_TAG: item.of.tag = instance->tags[export->index]; break;
    }
    return item;
}

enum wrt_status wrt_instance_export_bytes(const struct wrt_instance *instance,
                                          struct wrt_bytes name, struct wrt_extern *out)
{
    const struct wrt_module *m = instance->module;
    uint32_t low = 0, high = m->info.export_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct wrt_export *export = &m->exports[m->exports_by_name[middle]];
        const int order = wrt_compare_bytes(export->name, name);
        if (order == 0) {
            *out = wrt_instance_item(instance, export);
            return WRT_OK;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return WRT_ERR_NOT_FOUND;
}

enum wrt_status wrt_instance_export(const struct wrt_instance *instance, const char *name,
                                    struct wrt_extern *out)
{
    const struct wrt_bytes bytes = {(const uint8_t *)name, strlen(name)};
    return wrt_instance_export_bytes(instance, bytes, out);
}

const struct wrt_module *wrt_instance_module(const struct wrt_instance *instance)
{
    return instance->module;
}

struct wrt_store *wrt_instance_store(const struct wrt_instance *instance)
{
    return instance->store;
}
