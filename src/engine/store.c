/* engine/store.c - a tenant's world, and the objects that can be imported and exported.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "native.h"
#include "load.h"
#include "signing.h"

/* ---- create, destroy ---- */

#define MOST_MEMORY_PAGES (UINT64_C(1) << 32)

static enum wrt_status check_config(const struct wrt_store_config *c, struct wrt_error *error)
{
    if (c->stack_bytes < 4096 || c->stack_bytes > (UINT64_C(1) << 30))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "stack_bytes %llu is not in 4 KiB .. 1 GiB",
                        (unsigned long long)c->stack_bytes);
    if (c->max_host_depth > 1000)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "max_host_depth %u is above 1,000",
                        c->max_host_depth);
    if (c->gc_heap_bytes < 4096 || c->gc_heap_bytes > (UINT64_C(1) << 31))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "gc_heap_bytes %llu is not in 4 KiB .. 2 GiB",
                        (unsigned long long)c->gc_heap_bytes);
    if (c->max_held_references > 65536)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "max_held_references %u is above 65,536",
                        c->max_held_references);
    if (c->max_memory_pages > MOST_MEMORY_PAGES)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "max_memory_pages is above 2^32");
    if (c->exception_cells < 64 || c->exception_cells > (UINT32_C(1) << 24))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "exception_cells %u is not in 64 .. 2^24",
                        c->exception_cells);
    return WRT_OK;
}

static void apply_defaults(struct wrt_store_config *c)
{
    if (c->stack_bytes == 0)
        c->stack_bytes = 256 * 1024;
    if (c->max_instances == 0)
        c->max_instances = 1000;
    if (c->max_host_depth == 0)
        c->max_host_depth = 16;
    if (c->max_table_elements == 0)
        c->max_table_elements = 10000000;
    if (c->gc_heap_bytes == 0)
        c->gc_heap_bytes = 1024 * 1024;
    if (c->max_held_references == 0)
        c->max_held_references = 16;
    if (c->exception_cells == 0)
        c->exception_cells = 4096;
    if (c->max_memory_pages == 0)
        c->max_memory_pages = 65536;
}

/* The stack is not cleared: a slot is written before it is read, and pages that no call
 * reaches stay untouched. */
static enum wrt_status take_stack(struct wrt_store *store, struct wrt_error *error)
{
    const uint64_t cells = store->config.stack_bytes / sizeof(union cell);
    void *stack = NULL;
    enum wrt_status status =
        wrt_partition_allocate(store->partition, WRT_CHARGE_STACK,
                               (size_t)cells * sizeof(union cell), 0, &stack, error);
    if (status != WRT_OK)
        return status;
    store->exec.stack = store->exec.top = stack;
    store->exec.stack_end = store->exec.stack + cells;
    return wrt_block_take(store->partition, &store->blocks, WRT_CHARGE_RUNTIME,
                          (uint64_t)store->config.max_host_depth + 1, sizeof *store->activations,
                          &store->activations, error);
}

/* Everything but tables and memories. */
static void free_store(struct wrt_store *store)
{
    struct wrt_partition *partition = store->partition;
    wrt_native_free(store);
    wrt_partition_free(partition, WRT_CHARGE_STACK, store->exec.stack,
                       (size_t)(store->exec.stack_end - store->exec.stack) * sizeof(union cell));
    wrt_block_free_all(partition, &store->blocks);
    wrt_partition_free(partition, WRT_CHARGE_RUNTIME, store, sizeof *store);
}

static void place_handler(union word *word, const void *handler)
{
    word->handler = wrt_sign_handler(handler, word);
}

enum wrt_status wrt_store_create(struct wrt_partition *partition,
                                 const struct wrt_store_config *config, struct wrt_store **out,
                                 struct wrt_error *error)
{
    if (partition == NULL || out == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition and out must not be NULL");
    struct wrt_store_config chosen = {0};
    if (config != NULL)
        chosen = *config;
    apply_defaults(&chosen);
    enum wrt_status status = check_config(&chosen, error);
    void *memory = NULL;
    if (status == WRT_OK)
        status = wrt_partition_allocate(partition, WRT_CHARGE_RUNTIME, sizeof(struct wrt_store),
                                        0, &memory, error);
    if (status != WRT_OK)
        return status;
    memset(memory, 0, sizeof(struct wrt_store));
    struct wrt_store *store = memory;
    store->partition = partition;
    store->config = chosen;
    const void *const *handlers = wrt_handlers();
    store->verifies_calls =
        wrt_check_is_on(WRT_CHECK_ENGINE_CALL, wrt_partition_verification(partition));
    place_handler(store->exit_code_words, handlers[OP_host_exit]);
    place_handler(store->instance_exit_words, handlers[OP_instance_exit]);
    place_handler(store->search_words, handlers[OP_search]);
    status = chosen.trap_guard_hits ? wrt_guarded_start(error) : WRT_OK;
    if (status == WRT_OK)
        status = take_stack(store, error);
    if (status == WRT_OK)
        status = wrt_block_take(partition, &store->blocks, WRT_CHARGE_HOST,
                                chosen.max_held_references, sizeof *store->held, &store->held,
                                error);
    if (status != WRT_OK) {
        free_store(store);
        return status;
    }
    wrt_store_set_fuel(store, UINT64_MAX);
    *out = store;
    return WRT_OK;
}

static void free_tables(struct wrt_store *store)
{
    for (struct wrt_table *t = store->tables; t != NULL; t = t->next)
        wrt_table_unmake(store, t);
}

static void free_memories(struct wrt_store *store)
{
    for (struct wrt_memory *m = store->memories; m != NULL; m = m->next)
        wrt_memory_unmake(m);
}

enum wrt_status wrt_store_destroy(struct wrt_store *store)
{
    if (store == NULL)
        return WRT_OK;
    for (uint32_t i = 0; i < store->exec.depth; i++)
        if (!store->activations[i].paused)
            return WRT_ERR_BUSY;
    for (struct wrt_instance *i = store->instances; i != NULL; i = i->next)
        atomic_fetch_sub_explicit(&i->module->users, 1, memory_order_release);
    free_tables(store);
    free_memories(store);
    free_store(store);
    return WRT_OK;
}

struct wrt_partition *wrt_store_partition(const struct wrt_store *store)
{
    return store->partition;
}

/* ---- fuel, deadline, interrupt ---- */

static int64_t fuel_pool(const struct wrt_store *store)
{
    const uint64_t limit = store->exec.fuel_limit;
    return limit > (uint64_t)WRT_BOUNDLESS ? WRT_BOUNDLESS : (int64_t)limit;
}

void wrt_store_set_fuel(struct wrt_store *store, uint64_t fuel)
{
    store->exec.fuel_limit = fuel;
    store->exec.fuel_reserve = (uint64_t)fuel_pool(store);
    store->exec.fuel = 0;
}

void wrt_store_add_fuel(struct wrt_store *store, uint64_t fuel)
{
    struct wrt_exec *exec = &store->exec;
    const uint64_t before = (uint64_t)fuel_pool(store);
    exec->fuel_limit = fuel > UINT64_MAX - exec->fuel_limit ? UINT64_MAX : exec->fuel_limit + fuel;
    exec->fuel_reserve += (uint64_t)fuel_pool(store) - before;
}

/* A trap leaves the path before all of it is settled, and what is settled alone can be below 0. */
uint64_t wrt_store_fuel_used(const struct wrt_store *store)
{
    const int64_t used = fuel_pool(store) - (int64_t)store->exec.fuel_reserve - store->exec.fuel;
    return used > 0 ? (uint64_t)used : 0;
}

uint64_t wrt_store_fuel_left(const struct wrt_store *store)
{
    if (store->exec.fuel_limit > (uint64_t)WRT_BOUNDLESS)
        return UINT64_MAX;
    const int64_t left = (int64_t)store->exec.fuel_reserve + store->exec.fuel;
    const int64_t most = fuel_pool(store);
    return left <= 0 ? 0 : (uint64_t)(left < most ? left : most);
}

void wrt_store_set_deadline(struct wrt_store *store, uint64_t deadline_ns)
{
    store->exec.deadline_ns = deadline_ns;
}

void wrt_instance_interrupt(struct wrt_instance *instance)
{
    wrt_store_interrupt(instance->store);
}

void wrt_store_clear_interrupt(struct wrt_store *store)
{
    atomic_store_explicit(&store->exec.interrupt, false, memory_order_relaxed);
}

/* ---- objects ---- */

enum wrt_status wrt_copy_type(struct wrt_store *store, struct wrt_block **blocks,
                              const struct wrt_function_type *type,
                              struct wrt_function_type *out, struct wrt_error *error)
{
    wrt_type *types = NULL;
    const enum wrt_status status =
        wrt_block_take(store->partition, blocks, WRT_CHARGE_HOST,
                       (uint64_t)type->parameter_count + type->result_count, sizeof *types, &types,
                       error);
    if (status != WRT_OK)
        return status;
    if (type->parameter_count != 0)
        memcpy(types, type->parameters, type->parameter_count * sizeof *types);
    if (type->result_count != 0)
        memcpy(types + type->parameter_count, type->results, type->result_count * sizeof *types);
    *out = (struct wrt_function_type){types, types + type->parameter_count,
                                      type->parameter_count, type->result_count};
    return WRT_OK;
}

/* Hosts name no types of a module. */
static bool is_value_type(wrt_type type)
{
    if (!wrt_is_reference(type))
        return type >= WRT_V128 && type <= WRT_I32;
    return !wrt_is_concrete(type) && wrt_is_reference((uint8_t)wrt_heap_of(type));
}

bool wrt_is_function_type(const struct wrt_function_type *type)
{
    if (type == NULL || type->parameter_count > 1000 || type->result_count > 1000)
        return false;
    for (uint32_t i = 0; i < type->parameter_count; i++)
        if (!is_value_type(type->parameters[i]))
            return false;
    for (uint32_t i = 0; i < type->result_count; i++)
        if (!is_value_type(type->results[i]))
            return false;
    return true;
}

struct host_function {
    struct wrt_function function;
    struct wrt_type_def def;
};

static enum wrt_host_result host_result(const struct wrt_function_type *type)
{
    if (type->result_count == 0)
        return WRT_HOST_RESULT_NONE;
    if (type->result_count > 1 || type->results[0] == WRT_V128)
        return WRT_HOST_RESULT_OTHER;
    return type->results[0] == WRT_I32 || type->results[0] == WRT_F32 ? WRT_HOST_RESULT_32
                                                                       : WRT_HOST_RESULT_64;
}

enum wrt_status wrt_function_create(struct wrt_store *store, const struct wrt_function_type *type,
                                    wrt_host_function *call, void *context,
                                    struct wrt_function **out, struct wrt_error *error)
{
    if (call == NULL || out == NULL || !wrt_is_function_type(type))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a host function needs a valid type and code");
    const struct wrt_type_mark mark = wrt_types_mark(store);
    struct wrt_block *blocks = NULL;
    struct host_function *h = NULL;
    const struct wrt_rtt *rtt = NULL;
    enum wrt_status status = wrt_block_take(store->partition, &blocks, WRT_CHARGE_HOST, 1,
                                            sizeof *h, &h, error);
    if (status == WRT_OK)
        status = wrt_copy_type(store, &blocks, type, &h->def.function, error);
    if (status == WRT_OK)
        status = wrt_rtt_of_host(store, &blocks, &h->def, &rtt, error);
    if (status != WRT_OK) {
        wrt_types_undo(store, mark);
        wrt_block_free_all(store->partition, &blocks);
        return status;
    }
    h->function = (struct wrt_function){
        .type = &h->def.function, .rtt = rtt, .host = call, .context = context, .store = store,
        .parameter_slots = wrt_type_list_slots(type->parameters, type->parameter_count),
        .result_slots = wrt_type_list_slots(type->results, type->result_count),
        .host_result = host_result(type)};
    wrt_block_splice(&store->blocks, &blocks);
    *out = &h->function;
    return WRT_OK;
}

/* Also of a table with 64-bit indexes: index 2^32 - 1 is never there. */
static uint64_t most_elements(const struct wrt_store *store)
{
    const uint64_t most = store->config.max_table_elements;
    return most < UINT32_MAX ? most : UINT32_MAX;
}

enum wrt_status wrt_table_make(struct wrt_store *store, struct wrt_block **blocks,
                               const struct wrt_table_type *type, union wrt_slot fill,
                               struct wrt_table **out, struct wrt_error *error)
{
    const uint64_t size = type->limits.minimum, most = most_elements(store);
    if (size > most)
        return wrt_fail(error, WRT_ERR_LIMIT, "table of %llu elements: max_table_elements is %llu",
                        (unsigned long long)size, (unsigned long long)most);
    struct wrt_table *table = NULL;
    void *elements = NULL;
    enum wrt_status status = wrt_block_take(store->partition, blocks, WRT_CHARGE_TABLE, 1,
                                            sizeof *table, &table, error);
    const size_t bytes = wrt_table_bytes(store, size);
    if (status == WRT_OK && bytes != 0)
        status = wrt_partition_allocate(store->partition, WRT_CHARGE_TABLE, bytes, 0, &elements,
                                        error);
    if (status != WRT_OK)
        return status;
    *table = (struct wrt_table){.elements = elements, .size = size, .capacity = size,
                                .type = *type, .store = store};
    for (uint64_t i = 0; i < size; i++)
        table->elements[i] = fill;
    wrt_table_sum_start(table);
    *out = table;
    return WRT_OK;
}

void wrt_table_unmake(struct wrt_store *store, struct wrt_table *table)
{
    if (table == NULL)
        return;
    wrt_partition_free(store->partition, WRT_CHARGE_TABLE, table->elements,
                       wrt_table_bytes(store, table->capacity));
    wrt_table_give_callees(table, table->callees, table->capacity);
}

static bool bad_limits(const struct wrt_limits *limits, uint64_t most)
{
    return limits->minimum > most ||
           (limits->has_maximum &&
            (limits->maximum < limits->minimum || limits->maximum > most));
}

enum wrt_status wrt_table_create(struct wrt_store *store, const struct wrt_table_type *type,
                                 union wrt_slot fill, struct wrt_table **out,
                                 struct wrt_error *error)
{
    if (type == NULL || out == NULL ||
        bad_limits(&type->limits, type->is_64 ? UINT64_MAX : UINT32_MAX) ||
        !wrt_is_reference(type->element) || !is_value_type(type->element) ||
        !wrt_slot_fits(store, NULL, type->element, fill))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "not a table type, or not a value of it");
    struct wrt_block *blocks = NULL;
    struct wrt_table *table = NULL;
    const enum wrt_status status = wrt_table_make(store, &blocks, type, fill, &table, error);
    if (status != WRT_OK) {
        wrt_block_free_all(store->partition, &blocks);
        return status;
    }
    wrt_block_splice(&store->blocks, &blocks);
    table->next = store->tables;
    store->tables = table;
    *out = table;
    return WRT_OK;
}

/* max_memory_pages in pages of the memory's own size. */
static uint64_t most_pages(const struct wrt_store *store, const struct wrt_memory_type *type)
{
    const uint64_t ours = store->config.max_memory_pages * (65536 / type->page_bytes);
    const uint64_t most = wrt_most_pages(type);
    return ours < most ? ours : most;
}

static enum wrt_status allocate_memory(struct wrt_memory *memory,
                                       struct wrt_partition *partition,
                                       const struct wrt_page_config *config, bool is_shared,
                                       struct wrt_error *error)
{
    struct wrt_memory_share *share = NULL;
    if (!is_shared)
        return wrt_pages_allocate(&memory->pages, partition, config, error);
    const enum wrt_status status = wrt_share_make(partition, config, &share, error);
    if (status == WRT_OK)
        wrt_share_attach(memory, share);
    return status;
}

void wrt_memory_unmake(struct wrt_memory *memory)
{
    if (memory->share != NULL)
        wrt_share_release(memory->share);
    else
        wrt_pages_free(&memory->pages);
}

/* An image takes the place of pages that were to come from somewhere else. */
static bool can_map_image(const struct wrt_page_config *config)
{
    return (config->provider == WRT_PAGES_RESERVED || config->provider == WRT_PAGES_POOLED) &&
           config->typed_pool == NULL && !config->has_node &&
           config->huge_pages != WRT_HUGE_ADVISE && config->tags == WRT_TAGGING_OFF &&
           config->colour.count == 0;
}

enum wrt_status wrt_memory_make(struct wrt_store *store, struct wrt_block **blocks,
                                const struct wrt_memory_type *type,
                                const struct wrt_module *module, struct wrt_page_image *image,
                                struct wrt_memory **out, struct wrt_error *error)
{
    const uint64_t most = most_pages(store, type);
    if (type->limits.minimum > most)
        return wrt_fail(error, WRT_ERR_LIMIT,
                        "memory of %llu pages of %llu bytes: max_memory_pages is %llu",
                        (unsigned long long)type->limits.minimum,
                        (unsigned long long)type->page_bytes,
                        (unsigned long long)store->config.max_memory_pages);
    struct wrt_memory *memory = NULL;
    enum wrt_status status = wrt_block_take(store->partition, blocks, WRT_CHARGE_RUNTIME, 1,
                                            sizeof *memory, &memory, error);
    if (status != WRT_OK)
        return status;
    struct wrt_page_config config = store->config.pages;
    config.page_bytes = type->page_bytes;
    config.initial_pages = type->limits.minimum;
    config.maximum_pages =
        type->limits.has_maximum && type->limits.maximum < most ? type->limits.maximum : most;
    if (config.image == NULL && !type->is_shared && can_map_image(&config))
        config.image = image;
    if (module != NULL)
        wrt_native_widen(module, &config);
    status = allocate_memory(memory, store->partition, &config, type->is_shared, error);
    if (status != WRT_OK)
        return status;
    memory->type = *type;
    memory->store = store;
    *out = memory;
    return WRT_OK;
}

enum wrt_status wrt_memory_create(struct wrt_store *store, const struct wrt_memory_type *type,
                                  struct wrt_memory **out, struct wrt_error *error)
{
    struct wrt_memory_type chosen = {0};
    if (type != NULL)
        chosen = *type;
    if (chosen.page_bytes == 0)
        chosen.page_bytes = 65536;
    if (type == NULL || out == NULL || (chosen.page_bytes != 1 && chosen.page_bytes != 65536) ||
        bad_limits(&chosen.limits, wrt_most_pages(&chosen)) ||
        (chosen.is_shared && !chosen.limits.has_maximum))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "not a memory type");
    struct wrt_block *blocks = NULL;
    struct wrt_memory *memory = NULL;
    const enum wrt_status status = wrt_memory_make(store, &blocks, &chosen, NULL, NULL, &memory, error);
    if (status != WRT_OK) {
        wrt_block_free_all(store->partition, &blocks);
        return status;
    }
    wrt_block_splice(&store->blocks, &blocks);
    memory->next = store->memories;
    store->memories = memory;
    *out = memory;
    return WRT_OK;
}

static void put_value(struct wrt_global *global, const struct wrt_value *value)
{
    for (uint32_t i = 0; i < wrt_type_slots(global->type.content); i++)
        global->wide[i].slot = value->slots[i];
}

enum wrt_status wrt_global_create_value(struct wrt_store *store,
                                        const struct wrt_global_type *type,
                                        const struct wrt_value *value, struct wrt_global **out,
                                        struct wrt_error *error)
{
    if (type == NULL || out == NULL || value == NULL || !is_value_type(type->content) ||
        value->type != type->content || !wrt_slot_fits(store, NULL, type->content, value->of))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "not a global type, or not a value of it");
    struct wrt_global *global = NULL;
    const enum wrt_status status = wrt_block_take(store->partition, &store->blocks,
                                                  WRT_CHARGE_TABLE, 1, sizeof *global, &global,
                                                  error);
    if (status != WRT_OK)
        return status;
    global->type = *type;
    global->store = store;
    put_value(global, value);
    global->next = store->globals;
    store->globals = global;
    *out = global;
    return WRT_OK;
}

enum wrt_status wrt_global_create(struct wrt_store *store, const struct wrt_global_type *type,
                                  union wrt_slot value, struct wrt_global **out,
                                  struct wrt_error *error)
{
    if (type == NULL || type->content == WRT_V128)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "not the type of a global of one slot");
    const struct wrt_value whole = {.type = type->content, .of = value};
    return wrt_global_create_value(store, type, &whole, out, error);
}

/* ---- definitions ---- */

static enum wrt_status copy_name(struct wrt_store *store, struct wrt_block **blocks,
                                 struct wrt_bytes name, struct wrt_bytes *out,
                                 struct wrt_error *error)
{
    uint8_t *bytes = NULL;
    const enum wrt_status status = wrt_block_take(store->partition, blocks, WRT_CHARGE_HOST,
                                                  name.size_bytes, 1, &bytes, error);
    if (status != WRT_OK)
        return status;
    if (name.size_bytes != 0)
        memcpy(bytes, name.data, name.size_bytes);
    *out = (struct wrt_bytes){bytes, name.size_bytes};
    return WRT_OK;
}

static const struct wrt_store *store_of(struct wrt_extern item)
{
    switch (item.kind) {
    case WRT_EXTERN_FUNCTION: return item.of.function != NULL ? item.of.function->store : NULL;
    case WRT_EXTERN_TABLE: return item.of.table != NULL ? item.of.table->store : NULL;
    case WRT_EXTERN_MEMORY: return item.of.memory != NULL ? item.of.memory->store : NULL;
    case WRT_EXTERN_GLOBAL: return item.of.global != NULL ? item.of.global->store : NULL;
    case WRT_EXTERN_TAG: return item.of.tag != NULL ? item.of.tag->store : NULL;
    default: return NULL;
    }
}

bool wrt_extern_is_of(struct wrt_extern item, const struct wrt_store *store)
{
    return store_of(item) == store;
}

static enum wrt_status define(struct wrt_store *store, struct wrt_bytes module,
                              struct wrt_bytes name, struct wrt_extern item,
                              struct wrt_error *error)
{
    if (!wrt_extern_is_of(item, store))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "the object is not of this store");
    struct wrt_block *blocks = NULL;
    struct wrt_definition *d = NULL;
    enum wrt_status status = wrt_block_take(store->partition, &blocks, WRT_CHARGE_HOST, 1,
                                            sizeof *d, &d, error);
    if (status == WRT_OK)
        status = copy_name(store, &blocks, module, &d->module, error);
    if (status == WRT_OK)
        status = copy_name(store, &blocks, name, &d->name, error);
    if (status != WRT_OK) {
        wrt_block_free_all(store->partition, &blocks);
        return status;
    }
    d->item = item;
    d->next = store->definitions;
    store->definitions = d;
    wrt_block_splice(&store->blocks, &blocks);
    return WRT_OK;
}

static struct wrt_bytes text(const char *string)
{
    return (struct wrt_bytes){(const uint8_t *)string, strlen(string)};
}

enum wrt_status wrt_store_define(struct wrt_store *store, const char *module, const char *name,
                                 struct wrt_extern item, struct wrt_error *error)
{
    if (module == NULL || name == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a definition needs a module and a name");
    return define(store, text(module), text(name), item, error);
}

static wrt_type type_of_letter(char letter)
{
    switch (letter) {
    case 'i': return WRT_I32;
    case 'I': return WRT_I64;
    case 'f': return WRT_F32;
    case 'F': return WRT_F64;
    case 'r': return WRT_EXTERNREF;
    case 'p': return WRT_FUNCREF;
    case 'v': return WRT_V128;
    default: return 0;
    }
}

#define MOST_LETTERS 64

static enum wrt_status parse_signature(const char *signature, wrt_type types[MOST_LETTERS],
                                       struct wrt_function_type *out, struct wrt_error *error)
{
    uint32_t count = 0, parameters = 0;
    bool colon = false;
    for (const char *at = signature; *at != '\0'; at++) {
        if (*at == ':' && !colon) {
            colon = true;
            parameters = count;
            continue;
        }
        if (type_of_letter(*at) == 0 || count == MOST_LETTERS)
            return wrt_fail(error, WRT_ERR_ARGUMENT, "signature \"%.40s\": bad letter '%c'",
                            signature, *at);
        types[count++] = type_of_letter(*at);
    }
    if (!colon)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "signature \"%.40s\" has no ':'", signature);
    *out = (struct wrt_function_type){types, types + parameters, parameters, count - parameters};
    return WRT_OK;
}

enum wrt_status wrt_store_define_function(struct wrt_store *store, const char *module,
                                          const char *name, const char *signature,
                                          wrt_host_function *call, void *context,
                                          struct wrt_error *error)
{
    wrt_type types[MOST_LETTERS];
    struct wrt_function_type type;
    struct wrt_extern item = {.kind = WRT_EXTERN_FUNCTION};
    if (module == NULL || name == NULL || signature == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a definition needs module, name and signature");
    enum wrt_status status = parse_signature(signature, types, &type, error);
    if (status == WRT_OK)
        status = wrt_function_create(store, &type, call, context, &item.of.function, error);
    return status == WRT_OK ? wrt_store_define(store, module, name, item, error) : status;
}

enum wrt_status wrt_store_define_instance(struct wrt_store *store, const char *module,
                                          struct wrt_instance *instance, struct wrt_error *error)
{
    if (module == NULL || instance == NULL || instance->store != store)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "needs a name and an instance of this store");
    const struct wrt_module *m = instance->module;
    struct wrt_definition *before = store->definitions;
    for (uint32_t i = 0; i < m->info.export_count; i++) {
        const enum wrt_status status = define(store, text(module), m->exports[i].name,
                                              wrt_instance_item(instance, &m->exports[i]), error);
        if (status == WRT_OK)
            continue;
        store->definitions = before; /* their memory stays with the store */
        return status;
    }
    return WRT_OK;
}

bool wrt_store_find(const struct wrt_store *store, struct wrt_bytes module, struct wrt_bytes name,
                    struct wrt_extern *out)
{
    for (const struct wrt_definition *d = store->definitions; d != NULL; d = d->next) {
        if (wrt_compare_bytes(d->name, name) != 0 || wrt_compare_bytes(d->module, module) != 0)
            continue;
        *out = d->item;
        return true;
    }
    return false;
}

/* ---- types of objects ---- */

void wrt_extern_get_type(struct wrt_extern item, struct wrt_extern_type *out)
{
    memset(out, 0, sizeof *out);
    out->kind = item.kind;
    switch (item.kind) {
    case WRT_EXTERN_FUNCTION: out->function = *item.of.function->type; break;
    case WRT_EXTERN_TABLE:
        out->table = item.of.table->type;
        out->table.limits.minimum = item.of.table->size;
        break;
    case WRT_EXTERN_MEMORY:
        out->memory = item.of.memory->type;
        out->memory.limits.minimum = wrt_memory_size_pages(item.of.memory);
        break;
    case WRT_EXTERN_GLOBAL: out->global = item.of.global->type; break;
    case WRT_EXTERN_TAG: out->tag = *item.of.tag->type; break;
    }
}

/* ---- memories, tables, globals from the host ---- */

uint64_t wrt_memory_size_bytes(const struct wrt_memory *memory)
{
    return memory->share == NULL
               ? memory->pages.size_bytes
               : atomic_load_explicit(&memory->share->size_bytes, memory_order_acquire);
}

uint64_t wrt_memory_size_pages(const struct wrt_memory *memory)
{
    return wrt_memory_size_bytes(memory) / memory->type.page_bytes;
}

enum wrt_status wrt_memory_grow(struct wrt_memory *memory, uint64_t delta_pages,
                                uint64_t *out_old_pages, struct wrt_error *error)
{
    uint64_t old = memory->pages.size_bytes;
    const enum wrt_status status = memory->share != NULL
                                       ? wrt_share_grow(memory, delta_pages, &old, error)
                                       : wrt_pages_grow(&memory->pages, delta_pages, error);
    if (status != WRT_OK)
        return status;
    struct wrt_exec *exec = &memory->store->exec;
    wrt_exec_enter_instance(exec, exec->instance);
    if (out_old_pages != NULL)
        *out_old_pages = old / memory->type.page_bytes;
    return WRT_OK;
}

static bool in_bounds(const struct wrt_memory *memory, uint64_t address, uint64_t size_bytes)
{
    const uint64_t size = wrt_memory_size_bytes(memory);
    return address <= size && size_bytes <= size - address;
}

enum wrt_status wrt_memory_read(const struct wrt_memory *memory, uint64_t address, void *out,
                                size_t size_bytes)
{
    if (!in_bounds(memory, address, size_bytes))
        return WRT_ERR_BOUNDS;
    if (size_bytes != 0)
        memcpy(out, memory->pages.base + address, size_bytes);
    return WRT_OK;
}

enum wrt_status wrt_memory_write(struct wrt_memory *memory, uint64_t address, const void *bytes,
                                 size_t size_bytes)
{
    if (!in_bounds(memory, address, size_bytes))
        return WRT_ERR_BOUNDS;
    if (size_bytes != 0)
        memcpy(memory->pages.base + address, bytes, size_bytes);
    return WRT_OK;
}

uint64_t wrt_table_size(const struct wrt_table *table)
{
    return table->size;
}

enum wrt_status wrt_table_get(const struct wrt_table *table, uint64_t index, union wrt_slot *out)
{
    if (index >= table->size)
        return WRT_ERR_BOUNDS;
    *out = table->elements[index];
    return WRT_OK;
}

enum wrt_status wrt_table_set(struct wrt_table *table, uint64_t index, union wrt_slot value)
{
    if (index >= table->size)
        return WRT_ERR_BOUNDS;
    if (!wrt_slot_fits(table->store, table->scope, table->type.element, value))
        return WRT_ERR_ARGUMENT;
    wrt_heap_overwrite(&table->store->heap, table->elements[index].i64);
    wrt_table_toggle(table, index, 1);
    table->elements[index] = value;
    wrt_table_toggle(table, index, 1);
    return WRT_OK;
}

/* Room for elements, and for callees if the table has some: both or none. */
static enum wrt_status take_room(const struct wrt_table *table, uint64_t capacity, void **elements,
                                 void **callees, struct wrt_error *error)
{
    struct wrt_partition *partition = table->store->partition;
    const size_t bytes = wrt_table_bytes(table->store, capacity);
    enum wrt_status status =
        wrt_partition_allocate(partition, WRT_CHARGE_TABLE, bytes, 0, elements, error);
    if (status != WRT_OK || table->callees == NULL)
        return status;
    status = wrt_table_take_callees(table, capacity, callees, error);
    if (status != WRT_OK)
        wrt_partition_free(partition, WRT_CHARGE_TABLE, *elements, bytes);
    return status;
}

/* Grows by half at least, so that growing one by one is O(1) amortised; if the partition has
 * no room for that, by what was asked. */
static enum wrt_status enlarge(struct wrt_table *table, uint64_t size, uint64_t limit,
                               struct wrt_error *error)
{
    const struct wrt_store *store = table->store;
    uint64_t capacity = table->capacity + table->capacity / 2;
    if (capacity < size)
        capacity = size;
    if (capacity > limit)
        capacity = limit;
    void *fresh = NULL, *callees = NULL;
    enum wrt_status status = take_room(table, capacity, &fresh, &callees, error);
    if (status != WRT_OK && capacity != size) {
        capacity = size;
        status = take_room(table, capacity, &fresh, &callees, error);
    }
    if (status != WRT_OK)
        return status;
    if (table->size != 0)
        memcpy(fresh, table->elements, (size_t)table->size * sizeof(union wrt_slot));
    const struct wrt_table old = *table;
    table->elements = fresh;
    table->callees = callees;
    table->capacity = capacity;
    wrt_table_sum_move(table);
    wrt_table_show_callees(table, 0, table->size);
    wrt_partition_free(store->partition, WRT_CHARGE_TABLE, old.elements,
                       wrt_table_bytes(store, old.capacity));
    wrt_table_give_callees(&old, old.callees, old.capacity);
    return WRT_OK;
}

enum wrt_status wrt_table_enlarge(struct wrt_table *table, uint64_t delta, union wrt_slot fill,
                                  uint64_t *out_old_size, struct wrt_error *error)
{
    uint64_t limit = most_elements(table->store);
    if (table->type.limits.has_maximum && table->type.limits.maximum < limit)
        limit = table->type.limits.maximum;
    if (table->size > limit || delta > limit - table->size)
        return wrt_fail(error, WRT_ERR_LIMIT, "table of %llu elements cannot grow by %llu",
                        (unsigned long long)table->size, (unsigned long long)delta);
    const uint64_t old = table->size, size = old + delta;
    if (size > table->capacity) {
        const enum wrt_status status = enlarge(table, size, limit, error);
        if (status != WRT_OK)
            return status;
    }
    for (uint64_t i = old; i < size; i++)
        table->elements[i] = fill;
    table->size = size;
    wrt_table_toggle(table, old, delta);
    wrt_table_sum_head(table);
    if (out_old_size != NULL)
        *out_old_size = old;
    return WRT_OK;
}

enum wrt_status wrt_table_grow(struct wrt_table *table, uint64_t delta, union wrt_slot fill,
                               uint64_t *out_old_size, struct wrt_error *error)
{
    if (!wrt_slot_fits(table->store, table->scope, table->type.element, fill))
        return wrt_fail(error, WRT_ERR_ARGUMENT, "the value is not one of the table's type");
    return wrt_table_enlarge(table, delta, fill, out_old_size, error);
}

union wrt_slot wrt_global_get(const struct wrt_global *global)
{
    return global->value.slot;
}

enum wrt_status wrt_global_set(struct wrt_global *global, union wrt_slot value)
{
    if (global->type.content == WRT_V128)
        return WRT_ERR_TYPE;
    const struct wrt_value whole = {.type = global->type.content, .of = value};
    return wrt_global_set_value(global, &whole);
}

void wrt_global_get_value(const struct wrt_global *global, struct wrt_value *out)
{
    memset(out, 0, sizeof *out);
    out->type = global->type.content;
    for (uint32_t i = 0; i < wrt_type_slots(global->type.content); i++)
        out->slots[i] = global->wide[i].slot;
}

enum wrt_status wrt_global_set_value(struct wrt_global *global, const struct wrt_value *value)
{
    if (!global->type.is_mutable)
        return WRT_ERR_DENIED;
    if (value->type != global->type.content)
        return WRT_ERR_TYPE;
    if (!wrt_slot_fits(global->store, global->scope, global->type.content, value->of))
        return WRT_ERR_ARGUMENT;
    if (wrt_is_reference(global->type.content))
        wrt_heap_overwrite(&global->store->heap, global->value.i64);
    put_value(global, value);
    return WRT_OK;
}

/* ---- references held by the host ---- */

enum wrt_status wrt_reference_hold(struct wrt_store *store, union wrt_slot reference,
                                   uint32_t *out_index)
{
    if (store == NULL || out_index == NULL || wrt_object_of(&store->heap, reference.i64) == NULL)
        return WRT_ERR_ARGUMENT;
    for (uint32_t i = 0; i < store->config.max_held_references; i++)
        if (store->held[i].i64 == 0) {
            store->held[i] = reference;
            *out_index = i;
            return WRT_OK;
        }
    return WRT_ERR_LIMIT;
}

enum wrt_status wrt_reference_release(struct wrt_store *store, uint32_t index)
{
    if (store == NULL || index >= store->config.max_held_references || store->held[index].i64 == 0)
        return WRT_ERR_ARGUMENT;
    wrt_heap_overwrite(&store->heap, store->held[index].i64);
    store->held[index].i64 = 0;
    return WRT_OK;
}

wrt_type wrt_reference_kind(const struct wrt_store *store, union wrt_slot reference)
{
    if (reference.i64 == 0)
        return WRT_NULLREF;
    if (reference.i64 >> 48 == WRT_I31_TAG)
        return WRT_I31REF;
    const struct wrt_object *object = wrt_object_of(&store->heap, reference.i64);
    if (object == NULL)
        return WRT_EXTERNREF;
    return store->types.by_id[object->type]->def->kind == WRT_KIND_STRUCT ? WRT_STRUCTREF
                                                                         : WRT_ARRAYREF;
}

union wrt_slot wrt_i31_make(uint32_t value)
{
    return (union wrt_slot){.i64 = WRT_I31_TAG << 48 | (value & 0x7FFFFFFFu)};
}

uint32_t wrt_i31_value(union wrt_slot reference)
{
    return (uint32_t)reference.i64 & 0x7FFFFFFFu;
}

void wrt_store_get_heap_info(const struct wrt_store *store, struct wrt_heap_info *out)
{
    const struct wrt_heap *h = &store->heap;
    *out = (struct wrt_heap_info){
        .size_bytes = (uint64_t)h->granules * WRT_GRANULE_BYTES,
        .free_bytes = (uint64_t)h->free_granules * WRT_GRANULE_BYTES,
        .allocated_bytes = h->allocated_bytes,
        .freed_bytes = h->freed_bytes,
        .collections = h->collections};
}
