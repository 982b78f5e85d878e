/* capi/capi.h - what stands behind the handles of wasm.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A handle is a record, one for each object of a store, found by the object's address: copies
 * count, and equal objects have equal handles. The objects themselves live until their store
 * ends; a record ends with its last handle, unless the guest may hold it (as an externref) or it
 * has host information. A store ends with its last handle and its owner; its modules after it.
 *
 * This room alone uses the C heap: vectors and types belong to no store, and are freed by the
 * host. What guests cost is charged to a partition per store, and one per module.
 */
#ifndef WRT_CAPI_H
#define WRT_CAPI_H

#include <stdatomic.h>

#include "engine/engine.h"
#include "wasm.h"

struct wasm_config_t {
    char unused;
};

struct wasm_engine_t {
    _Atomic uint32_t count; /* its owner and its stores */
};

enum ref_kind { REF_FUNC, REF_GLOBAL, REF_TABLE, REF_MEMORY, /* as wasm_externkind_enum */
                REF_INSTANCE, REF_MODULE, REF_TRAP, REF_FOREIGN };

struct wasm_ref_t {
    enum ref_kind kind;
    uint32_t count; /* handles */
    bool is_kept;   /* until the store ends */
    wasm_store_t *store;
    const void *object; /* what it stands for; itself if nothing else */
    void *info;
    void (*finalizer)(void *);
    struct wasm_ref_t *next; /* in its bucket */
};

struct wasm_func_t { struct wasm_ref_t ref; };
struct wasm_global_t { struct wasm_ref_t ref; };
struct wasm_table_t { struct wasm_ref_t ref; };
struct wasm_memory_t { struct wasm_ref_t ref; };
struct wasm_extern_t { struct wasm_ref_t ref; };
struct wasm_instance_t { struct wasm_ref_t ref; };
struct wasm_foreign_t { struct wasm_ref_t ref; };

struct wasm_frame_t {
    wasm_instance_t *instance;
    uint32_t func_index;
    size_t func_offset, module_offset;
};

struct wasm_trap_t {
    struct wasm_ref_t ref;
    wasm_message_t message;
    wasm_frame_vec_t frames; /* innermost first */
};

/* A loaded module; any thread may count it. */
struct wasm_shared_module_t {
    _Atomic uint32_t count;
    struct wrt_partition *partition;
    struct wrt_module *module;
    wasm_byte_vec_t bytes;
};

struct wasm_module_t {
    struct wasm_ref_t ref;
    wasm_shared_module_t *shared;
};

struct host_function {
    wasm_store_t *store;
    struct wrt_function *function;
    wasm_func_callback_t call;
    wasm_func_callback_with_env_t call_with_env; /* if call is NULL */
    void *env;
    void (*finalizer)(void *);
    struct host_function *next;
};

/* A module that the store has instances of. */
struct used_module {
    wasm_shared_module_t *shared;
    struct used_module *next;
};

struct wasm_store_t {
    wasm_engine_t *engine;
    struct wrt_partition *partition;
    struct wrt_store *store;
    size_t references; /* its owner, and records that have handles */
    struct wasm_ref_t **buckets;
    size_t bucket_count, record_count;
    struct host_function *host_functions;
    struct used_module *modules;
    wasm_trap_t *raised; /* what a host function returned, on its way through the guest */
};

/* ---- ref.c ---- */
/* A handle of `object`: its record, or a new one of `size_bytes`. NULL: out of memory. */
void *capi_ref(wasm_store_t *store, enum ref_kind kind, const void *object, size_t size_bytes);
/* A record that stands for itself. */
void *capi_ref_self(wasm_store_t *store, enum ref_kind kind, size_t size_bytes);
void *capi_copy(const struct wasm_ref_t *ref);
void capi_delete(struct wasm_ref_t *ref);
wasm_store_t *capi_store_of(const struct wasm_ref_t *ref);
wasm_extern_t *capi_extern(wasm_store_t *store, struct wrt_extern item);
struct wrt_extern capi_item(const wasm_extern_t *item);

/* ---- module.c ---- */
void capi_shared_release(wasm_shared_module_t *shared);
/* A partition of its own, without limit. NULL: out of memory. */
struct wrt_partition *capi_partition(const char *name);
void capi_partition_end(struct wrt_partition *partition);

/* ---- type.c ---- */
wasm_valkind_t capi_kind_of(wrt_type type);
wrt_type capi_type_of(wasm_valkind_t kind);
wasm_externtype_t *capi_externtype(const struct wrt_extern_type *type);

/* ---- trap.c ---- */
wasm_trap_t *capi_trap_text(wasm_store_t *store, const char *text);
/* Of a call that ended with `status`. */
wasm_trap_t *capi_trap_of(wasm_store_t *store, enum wrt_status status, const char *text);

/* ---- value.c ---- */
bool capi_to_slot(wasm_store_t *store, wrt_type type, const wasm_val_t *from, union wrt_slot *to);
bool capi_to_val(wasm_store_t *store, wrt_type type, union wrt_slot from, wasm_val_t *to);
bool capi_ref_to_slot(wrt_type type, wasm_ref_t *ref, union wrt_slot *to);
wasm_ref_t *capi_slot_to_ref(wasm_store_t *store, wrt_type type, union wrt_slot slot);

static inline wasm_func_t *capi_func(wasm_store_t *store, struct wrt_function *function)
{
    return capi_ref(store, REF_FUNC, function, sizeof(wasm_func_t));
}

/* Objects behind const handles change with their store. */
static inline void *capi_object(const struct wasm_ref_t *ref)
{
    union {
        const void *given;
        void *used;
    } object = {.given = ref->object};
    return object.used;
}

#endif
