/* transcript.c - everything that can be seen of a module's run, as text.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "transcript.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "partition_live.h"

enum { MAX_TAG_VALUES = 16, MAX_VALUES = 1000, MAX_PAGES = 16, MAX_TABLE = 10000, GENERATED_BUDGET = 300 };

struct run {
    const struct transcript_options *options;
    struct transcript *out;
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module *module;
    struct wrt_instance *instance;
    uint64_t host_calls;
    struct wrt_tag *tag; /* imported; NULL: none */
    struct stand_in *stand_ins;
    struct wrt_extern *imports;
    uint32_t import_count;
    uint32_t moments, next_move; /* at which a snapshot could be taken, and is */
    uint32_t round;
    bool sound; /* no invariant was broken so far */
};

void transcript_add(struct transcript *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t at = out->size < sizeof out->text ? out->size : sizeof out->text - 1;
    int n = vsnprintf(out->text + at, sizeof out->text - at, format, arguments);
    out->size += n < 0 ? 0 : (size_t)n;
    va_end(arguments);
}

static void broken(struct run *run, const char *what)
{
    transcript_add(run->out, "BROKEN: %s\n", what);
    run->sound = false;
}

/* ---- loading ---- */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Mostly small pieces, now and then an empty or a large one. */
static size_t next_chunk(uint32_t *state, size_t left)
{
    uint32_t random = next_random(state);
    size_t wanted = (random & 7) == 0 ? (random >> 8) % 4096 : (random >> 8) % 12;
    return wanted < left ? wanted : left;
}

enum wrt_status load_in_chunks(struct wrt_partition *partition, const uint8_t *bytes,
                               size_t size, uint32_t chunk_seed, struct wrt_module **out,
                               struct wrt_error *error)
{
    struct wrt_module_loader *loader;
    uint32_t state = chunk_seed;
    enum wrt_status status = wrt_module_begin(partition, NULL, &loader, error);
    if (status != WRT_OK)
        return status;
    for (size_t at = 0; at < size && status == WRT_OK;) {
        size_t n = chunk_seed == 0 ? size - at : next_chunk(&state, size - at);
        status = wrt_module_feed(loader, bytes + at, n, error);
        at += n;
    }
    if (status == WRT_OK)
        return wrt_module_finish(loader, out, error);
    wrt_module_abort(loader);
    return status;
}

static bool load(struct run *run, const uint8_t *bytes, size_t size)
{
    struct wrt_error error = {.text = ""};
    const struct wrt_module_config compiled = {.native = run->options->native};
    enum wrt_status status =
        compiled.native != NULL
            ? wrt_module_load(run->partition, &compiled, bytes, size, &run->module, &error)
            : load_in_chunks(run->partition, bytes, size, run->options->chunk_seed, &run->module,
                             &error);
    if (status == WRT_OK)
        return true;
    transcript_add(run->out, "load %s at %" PRIu64 ": %s\n", wrt_status_name(status),
                   error.byte_offset, error.text);
    return false;
}

/* ---- what traps, by name ---- */

static const char *trap_name(const struct run *run)
{
    enum wrt_trap_kind kind = wrt_store_trap(run->store)->kind;
    if (!run->options->coarse)
        return wrt_trap_text(kind);
    switch (kind) {
    case WRT_TRAP_INTEGER_DIVIDE_BY_ZERO: return "zero";
    case WRT_TRAP_INTEGER_OVERFLOW:
    case WRT_TRAP_INVALID_CONVERSION: return "number";
    case WRT_TRAP_UNALIGNED_ATOMIC: /* an access may be both */
    case WRT_TRAP_OUT_OF_BOUNDS_MEMORY: return "memory";
    case WRT_TRAP_OUT_OF_BOUNDS_TABLE:
    case WRT_TRAP_UNDEFINED_ELEMENT: return "table";
    case WRT_TRAP_UNINITIALIZED_ELEMENT:
    case WRT_TRAP_INDIRECT_CALL_TYPE_MISMATCH: return "indirect";
    case WRT_TRAP_CALL_STACK_EXHAUSTED: return "stack";
    case WRT_TRAP_NULL_REFERENCE:
    case WRT_TRAP_NULL_FUNCTION:
    case WRT_TRAP_NULL_STRUCTURE:
    case WRT_TRAP_NULL_ARRAY:
    case WRT_TRAP_NULL_I31:
    case WRT_TRAP_NULL_EXCEPTION: return "null";
    case WRT_TRAP_OUT_OF_BOUNDS_ARRAY: return "array";
    case WRT_TRAP_CAST_FAILURE: return "cast";
    default: return wrt_trap_text(kind);
    }
}

static void add_name(struct run *run, struct wrt_bytes name)
{
    for (size_t i = 0; i < name.size_bytes && i < 32; i++)
        transcript_add(run->out, name.data[i] > ' ' && name.data[i] < 0x7F ? "%c" : "%%%02x",
                       name.data[i]);
}

/* ---- values ---- */

static void add_reference(struct run *run, wrt_type type, union wrt_slot value)
{
    const wrt_type kind = wrt_reference_kind(run->store, value);
    if (value.i64 == 0)
        transcript_add(run->out, " null");
    else if (type == WRT_EXNREF)
        transcript_add(run->out, " exception");
    else if (kind == WRT_I31REF)
        transcript_add(run->out, " i31:%" PRIx32, wrt_i31_value(value));
    else if (kind == WRT_STRUCTREF || kind == WRT_ARRAYREF)
        transcript_add(run->out, " object");
    else if (value.i64 < 0x1000)
        transcript_add(run->out, " host:%" PRIx64, value.i64);
    else
        transcript_add(run->out, " function");
}

static void add_value(struct run *run, const struct wrt_value *whole)
{
    const wrt_type type = whole->type;
    const union wrt_slot value = whole->of;
    const char *name = wrt_value_type_name(type);
    bool nan = (type == WRT_F32 && value.f32 != value.f32) ||
               (type == WRT_F64 && value.f64 != value.f64);
    if (nan)
        transcript_add(run->out, " %s:nan", name);
    else if (type == WRT_I32 || type == WRT_F32)
        transcript_add(run->out, " %s:%" PRIx32, name, value.i32);
    else if (type == WRT_I64 || type == WRT_F64)
        transcript_add(run->out, " %s:%" PRIx64, name, value.i64);
    else if (type == WRT_V128)
        transcript_add(run->out, " %s:%" PRIx64 ":%" PRIx64, name, whole->slots[0].i64,
                       whole->slots[1].i64);
    else
        add_reference(run, type, value);
}

/* The arguments after the first round. */
static struct wrt_value other_argument(wrt_type type, uint32_t which)
{
    static const uint64_t integers[] = {0, UINT64_MAX, 1, INT64_MAX, (uint64_t)INT64_MIN, 31,
                                        0x80000000, 0x7FFFFFFF, 0xFFFF, 0xFFFFFFFF, 64};
    static const double floats[] = {0, -0.0, 1e10, -1e30, 0.5, -1, 2147483648.0, 1e-40, 3, -7.5,
                                    4294967296.0};
    const uint64_t integer = integers[which % 11];
    struct wrt_value value = {.type = type};
    switch (type) {
    case WRT_I32: value.of.i32 = (uint32_t)integer; break;
    case WRT_I64: value.of.i64 = integer; break;
    case WRT_F32: value.of.f32 = (float)floats[which % 11]; break;
    case WRT_F64: value.of.f64 = floats[which % 11]; break;
    default: break; /* null */
    }
    return value;
}

/* The argument at a position, of a type; the same in differ.js. */
static struct wrt_value argument(wrt_type type, uint32_t position, uint32_t round)
{
    struct wrt_value value = {.type = type};
    if (round != 0)
        return other_argument(type, position * 3 + round);
    switch (type) {
    case WRT_ANYREF:
    case WRT_EQREF:
    case WRT_I31REF: value.of = wrt_i31_make(position + 1); break;
    case WRT_I32: value.of.i32 = 3 + position; break;
    case WRT_I64: value.of.i64 = UINT64_C(0x100000005) + position; break;
    case WRT_F32: value.of.f32 = 1.25f * (float)(position + 1); break;
    case WRT_F64: value.of.f64 = -2.5 * (double)(position + 1); break;
    case WRT_V128: memset(value.v128, (int)position + 1, sizeof value.v128); break;
    case WRT_EXTERNREF: value.of.external = (void *)(uintptr_t)(position + 1); break;
    default: break;
    }
    return value;
}

/* ---- stand-ins for imports ---- */

struct stand_in {
    struct run *run;
    struct wrt_function_type type;
};

/* Answers with the sum of the arguments of the result's type, and 7; floats are constant. */
static enum wrt_status answer(struct wrt_caller *caller, void *context,
                              const union wrt_slot *arguments, union wrt_slot *results)
{
    const struct stand_in *self = context;
    uint32_t sum32 = 7;
    uint64_t sum64 = 7;
    static const union wrt_slot thrown[] = {{.i32 = 5}, {.i64 = 6}};
    if (++self->run->host_calls % 8 == 0 && self->run->tag != NULL)
        return wrt_caller_throw(caller, self->run->tag, thrown);
    for (uint32_t i = 0; i < self->type.parameter_count; i++) {
        sum32 += self->type.parameters[i] == WRT_I32 ? arguments->i32 : 0;
        sum64 += self->type.parameters[i] == WRT_I64 ? arguments->i64 : 0;
        arguments += wrt_type_list_slots(&self->type.parameters[i], 1);
    }
    for (uint32_t i = 0; i < self->type.result_count; i++) {
        results->i64 = 0;
        switch (self->type.results[i]) {
        case WRT_I32: results->i32 = sum32; break;
        case WRT_I64: results->i64 = sum64; break;
        case WRT_F32: results->f32 = 1.5f; break;
        case WRT_F64: results->f64 = 2.5; break;
        case WRT_V128: (++results)->i64 = 7; break;
        default: break;
        }
        results++;
    }
    return WRT_OK;
}

/* One that takes an i32 and an i64 is what stand-ins throw. */
static enum wrt_status stand_in_tag(struct run *run, const struct wrt_extern_type *type,
                                    struct wrt_extern *out, struct wrt_error *error)
{
    const enum wrt_status status = wrt_tag_create(run->store, &type->tag, &out->of.tag, error);
    if (status == WRT_OK && type->tag.parameter_count == 2 &&
        type->tag.parameters[0] == WRT_I32 && type->tag.parameters[1] == WRT_I64)
        run->tag = out->of.tag;
    return status;
}

static enum wrt_status stand_in_for(struct run *run, const struct wrt_extern_type *type,
                                    struct stand_in *self, struct wrt_extern *out,
                                    struct wrt_error *error)
{
    const union wrt_slot null = {.i64 = 0};
    struct wrt_value value;
    out->kind = type->kind;
    *self = (struct stand_in){.run = run, .type = type->function};
    switch (type->kind) {
    case WRT_EXTERN_FUNCTION:
        return wrt_function_create(run->store, &type->function, answer, self, &out->of.function,
                                   error);
    case WRT_EXTERN_TABLE:
        return wrt_table_create(run->store, &type->table, null, &out->of.table, error);
    case WRT_EXTERN_MEMORY:
        return wrt_memory_create(run->store, &type->memory, &out->of.memory, error);
    case WRT_EXTERN_GLOBAL:
        value = argument(type->global.content, 0, 0);
        return wrt_global_create_value(run->store, &type->global, &value, &out->of.global, error);
    case WRT_EXTERN_TAG: return stand_in_tag(run, type, out, error);
    default:
        return WRT_ERR_UNSUPPORTED;
    }
}

static bool link_imports(struct run *run)
{
    struct wrt_error error = {.text = ""};
    for (uint32_t i = 0; i < run->import_count; i++) {
        struct wrt_module_import import;
        enum wrt_status status = wrt_module_get_import(run->module, i, &import);
        if (status == WRT_OK)
            status = stand_in_for(run, &import.type, &run->stand_ins[i], &run->imports[i], &error);
        if (status != WRT_OK) {
            transcript_add(run->out, "import %u %s %s\n", i, wrt_status_name(status),
                           error.text);
            return false;
        }
    }
    return true;
}

static enum wrt_status make_store(struct run *run)
{
    const struct wrt_store_config store = {.max_memory_pages = MAX_PAGES,
                                           .max_table_elements = MAX_TABLE,
                                           .stack_bytes = 1 << 20,
                                           .gc_heap_bytes = 4 << 20,
                                           .exception_cells = 1 << 16};
    return wrt_store_create(run->partition, &store, &run->store, NULL);
}

/* ---- going on in another store ---- */

struct image {
    uint8_t *bytes;
    size_t size, capacity;
};

static enum wrt_status append(void *context, const void *bytes, size_t size_bytes)
{
    struct image *image = context;
    if (image->size + size_bytes > image->capacity) {
        image->capacity = 2 * (image->size + size_bytes);
        image->bytes = realloc(image->bytes, image->capacity);
        if (image->bytes == NULL)
            abort();
    }
    memcpy(image->bytes + image->size, bytes, size_bytes);
    image->size += size_bytes;
    return WRT_OK;
}

static enum wrt_status save_host_value(void *context, const void *value, uint64_t *out_id)
{
    (void)context;
    *out_id = (uintptr_t)value;
    return WRT_OK;
}

static enum wrt_status load_host_value(void *context, uint64_t id, void **out_value)
{
    (void)context;
    *out_value = (void *)(uintptr_t)id;
    return WRT_OK;
}

static const struct wrt_snapshot_host host_values = {save_host_value, load_host_value, NULL};

static void restore(struct run *run, const struct image *image)
{
    struct wrt_store *old = run->store;
    struct wrt_error error = {.text = ""};
    if (make_store(run) != WRT_OK || !link_imports(run) ||
        wrt_store_instantiate_with(run->store, run->module, run->imports, run->import_count, true,
                                   &run->instance, &error) != WRT_OK)
        broken(run, "no second store for a snapshot");
    else if (wrt_instance_restore_with(run->instance, image->bytes, image->size, &host_values,
                                       &error) != WRT_OK)
        broken(run, error.text);
    if (wrt_store_destroy(old) != WRT_OK)
        broken(run, "the store of a snapshot is not destroyed");
}

/* A few times writes the store, restores it in a new one, and destroys the old one: at moments
 * 0, 3, 15, 63 … */
static void move_on(struct run *run)
{
    static struct image image;
    struct wrt_error error;
    image.size = 0;
    if (!run->options->snapshots || run->instance == NULL || run->moments++ != run->next_move)
        return;
    run->next_move = 4 * run->next_move + 3;
    if (wrt_instance_snapshot_with(run->instance, append, &image, &host_values, &error) == WRT_OK)
        restore(run, &image);
}

/* ---- running, straight or in pieces ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_piece(const struct run *run, uint64_t used)
{
    uint64_t left = run->options->fuel == 0 ? UINT64_MAX : run->options->fuel - used;
    uint64_t piece = run->options->pause_every == 0 ? UINT64_MAX : run->options->pause_every;
    return least(left, piece);
}

static void refuel(struct run *run)
{
    wrt_store_set_fuel(run->store, next_piece(run, 0));
}

/* Pays what a piece ran over, too, so that the fuel of all pieces is counted as one: what a
 * trap leaves of a piece alone may be less than nothing. */
static void add_piece(struct run *run, uint64_t used, uint64_t *given)
{
    const uint64_t more = next_piece(run, used) + (used > *given ? used - *given : 0);
    wrt_store_add_fuel(run->store, more);
    *given += more;
}

/* Continues a call until it ends or its whole fuel is used. Adds the fuel to *used. */
static enum wrt_status continue_call(struct run *run, enum wrt_status status,
                                     struct wrt_value *results, uint32_t result_count,
                                     uint64_t *used)
{
    uint64_t fuel = run->options->fuel == 0 ? UINT64_MAX : run->options->fuel;
    uint64_t given = next_piece(run, 0);
    *used = wrt_store_fuel_used(run->store);
    while (status == WRT_PAUSED) {
        if (wrt_store_pause_reason(run->store) != WRT_PAUSE_FUEL)
            broken(run, "paused, but not for fuel");
        if (*used > fuel) { /* exactly used up is not yet a reason to stop */
            wrt_store_drop(run->store);
            return status;
        }
        move_on(run);
        add_piece(run, *used, &given);
        status = wrt_store_resume(run->store, results, result_count);
        *used = wrt_store_fuel_used(run->store);
    }
    return status;
}

static void add_exception(struct run *run)
{
    struct wrt_module_info info;
    struct wrt_module_export export;
    struct wrt_extern item;
    struct wrt_tag *tag = NULL;
    union wrt_slot slots[MAX_TAG_VALUES], *slot = slots;
    wrt_module_get_info(run->module, &info);
    const enum wrt_status status = wrt_exception_read(
        run->store, wrt_store_exception(run->store), &tag, slots, MAX_TAG_VALUES);
    for (uint32_t i = 0; status == WRT_OK && i < info.export_count; i++) {
        if (wrt_module_get_export(run->module, i, &export) != WRT_OK ||
            export.type.kind != WRT_EXTERN_TAG ||
            wrt_instance_export_bytes(run->instance, export.name, &item) != WRT_OK ||
            item.of.tag != tag)
            continue;
        add_name(run, export.name);
        for (uint32_t k = 0; k < export.type.tag.parameter_count; k++) {
            struct wrt_value value = {.type = export.type.tag.parameters[k], .of = *slot++};
            if (value.type == WRT_V128)
                slot++; /* JavaScript cannot read it */
            else
                add_value(run, &value);
        }
        return;
    }
}

static void add_outcome(struct run *run, enum wrt_status status, uint64_t used)
{
    if (status == WRT_ERR_TRAP)
        transcript_add(run->out, " trap %s", trap_name(run));
    else if (status == WRT_ERR_EXCEPTION) {
        transcript_add(run->out, " throws ");
        add_exception(run);
    } else
        transcript_add(run->out, " %s", status == WRT_OK ? "ok" : wrt_status_name(status));
    if (!run->options->coarse)
        transcript_add(run->out, " fuel %" PRIu64, used);
}

static void refill_budget(struct run *run)
{
    struct wrt_module_info info;
    struct wrt_module_export last;
    struct wrt_extern item;
    wrt_module_get_info(run->module, &info);
    if (!run->options->generated || info.export_count == 0 ||
        wrt_module_get_export(run->module, info.export_count - 1, &last) != WRT_OK)
        return;
    if (wrt_instance_export_bytes(run->instance, last.name, &item) != WRT_OK ||
        wrt_global_set(item.of.global, (union wrt_slot){.i32 = GENERATED_BUDGET}) != WRT_OK)
        broken(run, "the budget cannot be refilled");
}

static void call(struct run *run, struct wrt_extern item, const struct wrt_function_type *type)
{
    static struct wrt_value arguments[MAX_VALUES], results[MAX_VALUES];
    uint64_t used;
    if (type->parameter_count > MAX_VALUES || type->result_count > MAX_VALUES)
        return;
    for (uint32_t i = 0; i < type->parameter_count; i++)
        arguments[i] = argument(type->parameters[i], i, run->round);
    refill_budget(run);
    refuel(run);
    enum wrt_status status = wrt_function_call(run->store, item.of.function, arguments,
                                               type->parameter_count, results,
                                               type->result_count);
    status = continue_call(run, status, results, type->result_count, &used);
    add_outcome(run, status, used);
    for (uint32_t i = 0; status == WRT_OK && i < type->result_count; i++)
        add_value(run, &results[i]);
}

/* ---- what can be seen afterwards ---- */

static void add_table(struct run *run, const struct wrt_table *table, wrt_type element)
{
    uint64_t size = wrt_table_size(table);
    transcript_add(run->out, " size %" PRIu64, size);
    for (uint64_t i = 0; i < least(size, 64); i++) {
        union wrt_slot value;
        if (wrt_table_get(table, i, &value) != WRT_OK)
            broken(run, "a table's element cannot be read");
        else
            add_value(run, &(struct wrt_value){.type = element, .of = value});
    }
}

/* FNV-1a over little-endian 32-bit words: what JavaScript computes quickly too. */
static void add_memory(struct run *run, const struct wrt_memory *memory)
{
    static uint8_t page[65536];
    uint64_t pages = wrt_memory_size_pages(memory);
    uint32_t hash = 2166136261u, word;
    for (uint64_t i = 0; i < pages; i++) {
        if (wrt_memory_read(memory, i * sizeof page, page, sizeof page) != WRT_OK)
            broken(run, "a page cannot be read");
        for (size_t k = 0; k < sizeof page; k += 4) {
            memcpy(&word, page + k, 4);
            hash = (hash ^ word) * 16777619u;
        }
    }
    transcript_add(run->out, " pages %" PRIu64 " hash %" PRIx32, pages, hash);
}

static void add_object(struct run *run, struct wrt_extern item)
{
    struct wrt_extern_type type;
    struct wrt_value value;
    wrt_extern_get_type(item, &type);
    if (type.kind == WRT_EXTERN_GLOBAL) {
        wrt_global_get_value(item.of.global, &value);
        add_value(run, &value);
    }
    if (type.kind == WRT_EXTERN_TABLE)
        add_table(run, item.of.table, type.table.element);
    else if (type.kind == WRT_EXTERN_MEMORY)
        add_memory(run, item.of.memory);
}

static bool is_unknown_to_js(const wrt_type *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (types[i] == WRT_V128 || types[i] == WRT_EXNREF)
            return true;
    }
    return false;
}

static bool names_unknown(const struct wrt_extern_type *type)
{
    const struct wrt_function_type *f = &type->function;
    if (type->kind == WRT_EXTERN_GLOBAL)
        return is_unknown_to_js(&type->global.content, 1);
    return type->kind == WRT_EXTERN_FUNCTION &&
           (is_unknown_to_js(f->parameters, f->parameter_count) ||
            is_unknown_to_js(f->results, f->result_count));
}

/* Calls the exported functions, or shows all other exports. JavaScript knows neither
 * vectors nor exceptions, so that what names one is left out of a comparison with node. */
static void visit_exports(struct run *run, uint32_t count, bool functions)
{
    for (uint32_t i = 0; i < count && i < 200; i++) {
        struct wrt_module_export export;
        struct wrt_extern item;
        if (wrt_module_get_export(run->module, i, &export) != WRT_OK ||
            wrt_instance_export_bytes(run->instance, export.name, &item) != WRT_OK) {
            broken(run, "an export is not found");
            continue;
        }
        if ((export.type.kind == WRT_EXTERN_FUNCTION) != functions ||
            (run->options->coarse &&
             (export.type.kind == WRT_EXTERN_TAG || names_unknown(&export.type))))
            continue;
        add_name(run, export.name);
        if (functions)
            call(run, item, &export.type.function);
        else
            add_object(run, item);
        transcript_add(run->out, "\n");
    }
}

/* ---- the whole run ---- */

static bool instantiate(struct run *run)
{
    struct wrt_error error = {.text = ""};
    uint64_t used;
    refuel(run);
    enum wrt_status status =
        wrt_store_instantiate_with(run->store, run->module, run->imports, run->import_count, false,
                                   &run->instance, &error);
    status = continue_call(run, status, NULL, 0, &used);
    transcript_add(run->out, "instance");
    add_outcome(run, status, used);
    transcript_add(run->out, " %s\n", run->options->coarse ? "" : error.text);
    return status == WRT_OK;
}

static void run_module(struct run *run)
{
    struct wrt_module_info info;
    wrt_module_get_info(run->module, &info);
    run->import_count = info.import_count;
    run->stand_ins = calloc(info.import_count + 1, sizeof *run->stand_ins);
    run->imports = calloc(info.import_count + 1, sizeof *run->imports);
    if (run->stand_ins != NULL && run->imports != NULL && link_imports(run) && instantiate(run)) {
        for (; run->round == 0 || run->round < run->options->rounds; run->round++) {
            visit_exports(run, info.export_count, true);
            move_on(run);
            visit_exports(run, info.export_count, false);
        }
        transcript_add(run->out, "host calls %" PRIu64 "\n", run->host_calls);
    }
    if (wrt_store_destroy(run->store) != WRT_OK)
        broken(run, "the store is not destroyed");
    free(run->stand_ins);
    free(run->imports);
}

static void close_run(struct run *run)
{
    if (run->module != NULL && wrt_module_destroy(run->module) != WRT_OK)
        broken(run, "the module is not destroyed");
    if (partition_live_bytes(run->partition) != 0)
        broken(run, "the partition does not return to zero");
    if (wrt_partition_destroy(run->partition, NULL) != WRT_OK)
        broken(run, "the partition is not destroyed");
}

bool transcript_run(const uint8_t *bytes, size_t size, const struct transcript_options *options,
                    struct transcript *out)
{
    struct run run = {.options = options, .out = out, .sound = true};
    const struct wrt_partition_config partition = {.name = "fuzz", .max_bytes = 64 << 20};
    out->size = 0;
    out->text[0] = '\0';
    if (wrt_partition_create(NULL, &partition, &run.partition, NULL) != WRT_OK) {
        broken(&run, "no partition");
        return false;
    }
    if (load(&run, bytes, size)) {
        if (make_store(&run) == WRT_OK)
            run_module(&run);
        else
            broken(&run, "no store");
    }
    close_run(&run);
    return run.sound;
}
