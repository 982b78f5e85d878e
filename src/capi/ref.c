/* capi/ref.c - engines, stores, and the records behind handles.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "capi.h"

/* ---- configuration, engine ---- */

wasm_config_t *wasm_config_new(void)
{
    return calloc(1, sizeof(wasm_config_t));
}

void wasm_config_delete(wasm_config_t *config)
{
    free(config);
}

wasm_engine_t *wasm_engine_new(void)
{
    wasm_engine_t *engine = calloc(1, sizeof *engine);
    if (engine != NULL)
        atomic_init(&engine->count, 1);
    return engine;
}

wasm_engine_t *wasm_engine_new_with_config(wasm_config_t *config)
{
    wasm_config_delete(config);
    return wasm_engine_new();
}

void wasm_engine_delete(wasm_engine_t *engine)
{
    if (engine != NULL && atomic_fetch_sub_explicit(&engine->count, 1, memory_order_acq_rel) == 1)
        free(engine);
}

/* ---- records ---- */

static size_t bucket_of(const wasm_store_t *store, const void *object)
{
    return (size_t)(((uintptr_t)object >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 20) &
           (store->bucket_count - 1);
}

/* Four records to a bucket on average; without memory for more, chains grow instead. */
static void grow_buckets(wasm_store_t *store)
{
    const size_t old_count = store->bucket_count, count = old_count * 4;
    struct wasm_ref_t **old = store->buckets, **fresh = calloc(count, sizeof *fresh);
    if (fresh == NULL)
        return;
    store->buckets = fresh;
    store->bucket_count = count;
    for (size_t i = 0; i < old_count; i++) {
        for (struct wasm_ref_t *r = old[i], *next; r != NULL; r = next) {
            next = r->next;
            struct wasm_ref_t **head = &fresh[bucket_of(store, r->object)];
            r->next = *head;
            *head = r;
        }
    }
    free(old);
}

static struct wasm_ref_t *find(const wasm_store_t *store, enum ref_kind kind, const void *object)
{
    struct wasm_ref_t *r = store->buckets[bucket_of(store, object)];
    while (r != NULL && (r->object != object || r->kind != kind))
        r = r->next;
    return r;
}

static void *make(wasm_store_t *store, enum ref_kind kind, const void *object, size_t size_bytes)
{
    struct wasm_ref_t *ref = calloc(1, size_bytes);
    if (ref == NULL)
        return NULL;
    if (store->record_count++ >= store->bucket_count * 4)
        grow_buckets(store);
    ref->kind = kind;
    ref->object = object != NULL ? object : ref;
    ref->store = store;
    ref->count = 1;
    struct wasm_ref_t **head = &store->buckets[bucket_of(store, ref->object)];
    ref->next = *head;
    *head = ref;
    store->references++;
    return ref;
}

void *capi_copy(const struct wasm_ref_t *ref)
{
    if (ref == NULL)
        return NULL;
    struct wasm_ref_t *r = find(ref->store, ref->kind, ref->object);
    if (r->count++ == 0)
        r->store->references++;
    return r;
}

void *capi_ref(wasm_store_t *store, enum ref_kind kind, const void *object, size_t size_bytes)
{
    struct wasm_ref_t *ref = find(store, kind, object);
    return ref != NULL ? capi_copy(ref) : make(store, kind, object, size_bytes);
}

void *capi_ref_self(wasm_store_t *store, enum ref_kind kind, size_t size_bytes)
{
    return make(store, kind, NULL, size_bytes);
}

static void end_record(struct wasm_ref_t *ref)
{
    if (ref->finalizer != NULL)
        ref->finalizer(ref->info);
    if (ref->kind == REF_MODULE)
        capi_shared_release(((wasm_module_t *)(void *)ref)->shared);
    if (ref->kind == REF_TRAP) {
        wasm_trap_t *trap = (wasm_trap_t *)(void *)ref;
        wasm_byte_vec_delete(&trap->message);
        wasm_frame_vec_delete(&trap->frames);
    }
    free(ref);
}

static void unlink_record(struct wasm_ref_t *ref)
{
    wasm_store_t *store = ref->store;
    struct wasm_ref_t **at = &store->buckets[bucket_of(store, ref->object)];
    while (*at != ref)
        at = &(*at)->next;
    *at = ref->next;
    store->record_count--;
}

/* ---- the store ---- */

static void end_records(wasm_store_t *store)
{
    for (size_t i = 0; i < store->bucket_count; i++) {
        while (store->buckets[i] != NULL) {
            struct wasm_ref_t *ref = store->buckets[i];
            store->buckets[i] = ref->next;
            end_record(ref);
        }
    }
    free(store->buckets);
}

static void end_host_functions(wasm_store_t *store)
{
    for (struct host_function *h = store->host_functions, *next; h != NULL; h = next) {
        next = h->next;
        if (h->finalizer != NULL)
            h->finalizer(h->env);
        free(h);
    }
}

static void end_modules(wasm_store_t *store)
{
    for (struct used_module *m = store->modules, *next; m != NULL; m = next) {
        next = m->next;
        capi_shared_release(m->shared);
        free(m);
    }
}

static void release_store(wasm_store_t *store)
{
    if (--store->references != 0)
        return;
    store->references = 1; /* finalizers may delete handles */
    end_records(store);
    end_host_functions(store);
    (void)!wrt_store_destroy(store->store);
    end_modules(store);
    capi_partition_end(store->partition);
    wasm_engine_delete(store->engine);
    free(store);
}

void capi_delete(struct wasm_ref_t *ref)
{
    if (ref == NULL || --ref->count != 0)
        return;
    wasm_store_t *store = ref->store;
    if (!ref->is_kept) {
        unlink_record(ref);
        end_record(ref);
    }
    release_store(store);
}

wasm_store_t *capi_store_of(const struct wasm_ref_t *ref)
{
    return ref->store;
}

/* As large as the engine allows: limits are the host's, not this interface's. */
static bool make_store(wasm_store_t *store)
{
    const struct wrt_store_config config = {
        .stack_bytes = 1024 * 1024, .max_instances = UINT32_MAX, .max_host_depth = 200};
    store->bucket_count = 64;
    store->buckets = calloc(store->bucket_count, sizeof *store->buckets);
    store->partition = capi_partition("store");
    return store->buckets != NULL && store->partition != NULL &&
           wrt_store_create(store->partition, &config, &store->store, NULL) == WRT_OK;
}

wasm_store_t *wasm_store_new(wasm_engine_t *engine)
{
    wasm_store_t *store = calloc(1, sizeof *store);
    if (store == NULL)
        return NULL;
    if (!make_store(store)) {
        capi_partition_end(store->partition);
        free(store->buckets);
        free(store);
        return NULL;
    }
    atomic_fetch_add_explicit(&engine->count, 1, memory_order_relaxed);
    store->engine = engine;
    store->references = 1;
    return store;
}

void wasm_store_delete(wasm_store_t *store)
{
    if (store != NULL)
        release_store(store);
}

/* ---- what all references share ---- */

void wasm_ref_delete(wasm_ref_t *ref)
{
    capi_delete(ref);
}

wasm_ref_t *wasm_ref_copy(const wasm_ref_t *ref)
{
    return capi_copy(ref);
}

bool wasm_ref_same(const wasm_ref_t *a, const wasm_ref_t *b)
{
    return a == b;
}

void *wasm_ref_get_host_info(const wasm_ref_t *ref)
{
    return ref->info;
}

void wasm_ref_set_host_info_with_finalizer(wasm_ref_t *ref, void *info, void (*finalizer)(void *))
{
    if (ref->finalizer != NULL)
        ref->finalizer(ref->info);
    ref->info = info;
    ref->finalizer = finalizer;
    ref->is_kept = true;
}

void wasm_ref_set_host_info(wasm_ref_t *ref, void *info)
{
    wasm_ref_set_host_info_with_finalizer(ref, info, NULL);
}

#define DEFINE_REF_BASE(name)                                                           \
    void wasm_##name##_delete(wasm_##name##_t *x)                                       \
    {                                                                                   \
        capi_delete((struct wasm_ref_t *)(void *)x);                                    \
    }                                                                                   \
    wasm_##name##_t *wasm_##name##_copy(const wasm_##name##_t *x)                       \
    {                                                                                   \
        return capi_copy((const struct wasm_ref_t *)(const void *)x);                   \
    }                                                                                   \
    bool wasm_##name##_same(const wasm_##name##_t *a, const wasm_##name##_t *b)         \
    {                                                                                   \
        return a == b;                                                                  \
    }                                                                                   \
    void *wasm_##name##_get_host_info(const wasm_##name##_t *x)                         \
    {                                                                                   \
        return x->ref.info;                                                             \
    }                                                                                   \
    void wasm_##name##_set_host_info(wasm_##name##_t *x, void *info)                    \
    {                                                                                   \
        wasm_ref_set_host_info(&x->ref, info);                                          \
    }                                                                                   \
    void wasm_##name##_set_host_info_with_finalizer(wasm_##name##_t *x, void *info,     \
                                                    void (*finalizer)(void *))          \
    {                                                                                   \
        wasm_ref_set_host_info_with_finalizer(&x->ref, info, finalizer);                \
    }

/* `is` is true for the kinds of record that are one. */
#define DEFINE_REF(name, is)                                                            \
    DEFINE_REF_BASE(name)                                                               \
    wasm_ref_t *wasm_##name##_as_ref(wasm_##name##_t *x)                                \
    {                                                                                   \
        return x == NULL ? NULL : &x->ref;                                              \
    }                                                                                   \
    const wasm_ref_t *wasm_##name##_as_ref_const(const wasm_##name##_t *x)              \
    {                                                                                   \
        return x == NULL ? NULL : &x->ref;                                              \
    }                                                                                   \
    wasm_##name##_t *wasm_ref_as_##name(wasm_ref_t *ref)                                \
    {                                                                                   \
        return ref != NULL && (is) ? (wasm_##name##_t *)(void *)ref : NULL;             \
    }                                                                                   \
    const wasm_##name##_t *wasm_ref_as_##name##_const(const wasm_ref_t *ref)            \
    {                                                                                   \
        return ref != NULL && (is) ? (const wasm_##name##_t *)(const void *)ref : NULL; \
    }

DEFINE_REF(func, ref->kind == REF_FUNC)
DEFINE_REF(global, ref->kind == REF_GLOBAL)
DEFINE_REF(table, ref->kind == REF_TABLE)
DEFINE_REF(memory, ref->kind == REF_MEMORY)
DEFINE_REF(extern, ref->kind <= REF_MEMORY)
DEFINE_REF(instance, ref->kind == REF_INSTANCE)
DEFINE_REF(module, ref->kind == REF_MODULE)
DEFINE_REF(trap, ref->kind == REF_TRAP)
DEFINE_REF(foreign, ref->kind == REF_FOREIGN)

wasm_foreign_t *wasm_foreign_new(wasm_store_t *store)
{
    return capi_ref_self(store, REF_FOREIGN, sizeof(wasm_foreign_t));
}

/* ---- externals ---- */

#define DEFINE_EXTERN(name, KIND)                                                       \
    wasm_extern_t *wasm_##name##_as_extern(wasm_##name##_t *x)                          \
    {                                                                                   \
        return (wasm_extern_t *)(void *)x;                                              \
    }                                                                                   \
    const wasm_extern_t *wasm_##name##_as_extern_const(const wasm_##name##_t *x)        \
    {                                                                                   \
        return (const wasm_extern_t *)(const void *)x;                                  \
    }                                                                                   \
    wasm_##name##_t *wasm_extern_as_##name(wasm_extern_t *x)                            \
    {                                                                                   \
        return x != NULL && x->ref.kind == (KIND) ? (wasm_##name##_t *)(void *)x : NULL; \
    }                                                                                   \
    const wasm_##name##_t *wasm_extern_as_##name##_const(const wasm_extern_t *x)        \
    {                                                                                   \
        return x != NULL && x->ref.kind == (KIND) ? (const wasm_##name##_t *)(const void *)x : NULL; \
    }
DEFINE_EXTERN(func, REF_FUNC)
DEFINE_EXTERN(global, REF_GLOBAL)
DEFINE_EXTERN(table, REF_TABLE)
DEFINE_EXTERN(memory, REF_MEMORY)

wasm_externkind_t wasm_extern_kind(const wasm_extern_t *x)
{
    return (wasm_externkind_t)x->ref.kind;
}

wasm_extern_t *capi_extern(wasm_store_t *store, struct wrt_extern item)
{
    switch (item.kind) {
    case WRT_EXTERN_FUNCTION:
        return capi_ref(store, REF_FUNC, item.of.function, sizeof(wasm_func_t));
    case WRT_EXTERN_TABLE: return capi_ref(store, REF_TABLE, item.of.table, sizeof(wasm_table_t));
    case WRT_EXTERN_MEMORY:
        return capi_ref(store, REF_MEMORY, item.of.memory, sizeof(wasm_memory_t));
    case WRT_EXTERN_GLOBAL:
        return capi_ref(store, REF_GLOBAL, item.of.global, sizeof(wasm_global_t));
    default: return NULL;
    }
}

struct wrt_extern capi_item(const wasm_extern_t *x)
{
    void *object = capi_object(&x->ref);
    struct wrt_extern item = {.kind = WRT_EXTERN_FUNCTION};
    switch (x->ref.kind) {
    case REF_GLOBAL: item.kind = WRT_EXTERN_GLOBAL; item.of.global = object; break;
    case REF_TABLE: item.kind = WRT_EXTERN_TABLE; item.of.table = object; break;
    case REF_MEMORY: item.kind = WRT_EXTERN_MEMORY; item.of.memory = object; break;
    default: item.of.function = object; break;
    }
    return item;
}
