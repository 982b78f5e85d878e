/* capi/module.c - modules: shared between stores and threads, and as bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A serialised module is eight bytes of magic, the CRC-32C of the module, little-endian, and the
 * module's own bytes: it is translated again where it is read, so it fits every machine.
 */
#include <stdlib.h>

#include "base/crc32c.h"
#include "capi.h"

#define MAGIC "\0wrtmod\1"
enum { MAGIC_BYTES = 8, HEAD_BYTES = 12 };

struct wrt_partition *capi_partition(const char *name)
{
    const struct wrt_partition_config config = {.name = name};
    struct wrt_partition *partition = NULL;
    return wrt_partition_create(NULL, &config, &partition, NULL) == WRT_OK ? partition : NULL;
}

void capi_partition_end(struct wrt_partition *partition)
{
    if (partition != NULL)
        (void)!wrt_partition_destroy(partition, NULL);
}

/* ---- shared modules ---- */

void capi_shared_release(wasm_shared_module_t *shared)
{
    if (shared == NULL ||
        atomic_fetch_sub_explicit(&shared->count, 1, memory_order_acq_rel) != 1)
        return;
    (void)!wrt_module_destroy(shared->module);
    capi_partition_end(shared->partition);
    wasm_byte_vec_delete(&shared->bytes);
    free(shared);
}

static wasm_shared_module_t *load(const char *bytes, size_t size)
{
    wasm_shared_module_t *shared = calloc(1, sizeof *shared);
    if (shared == NULL)
        return NULL;
    atomic_init(&shared->count, 1);
    shared->partition = capi_partition("module");
    wasm_byte_vec_new(&shared->bytes, size, bytes);
    if (shared->partition != NULL && shared->bytes.size == size &&
        wrt_module_load(shared->partition, NULL, bytes, size, &shared->module, NULL) == WRT_OK)
        return shared;
    capi_shared_release(shared);
    return NULL;
}

void wasm_shared_module_delete(wasm_shared_module_t *shared)
{
    capi_shared_release(shared);
}

static wasm_module_t *of_store(wasm_store_t *store, wasm_shared_module_t *shared)
{
    wasm_module_t *module = shared == NULL ? NULL
                                           : capi_ref_self(store, REF_MODULE, sizeof *module);
    if (module != NULL)
        module->shared = shared;
    else
        capi_shared_release(shared);
    return module;
}

static wasm_shared_module_t *shared_copy(wasm_shared_module_t *shared)
{
    atomic_fetch_add_explicit(&shared->count, 1, memory_order_relaxed);
    return shared;
}

wasm_shared_module_t *wasm_module_share(const wasm_module_t *module)
{
    return shared_copy(module->shared);
}

wasm_module_t *wasm_module_obtain(wasm_store_t *store, const wasm_shared_module_t *shared)
{
    union {
        const wasm_shared_module_t *given;
        wasm_shared_module_t *counted; /* its count may change behind const */
    } s = {.given = shared};
    return of_store(store, shared_copy(s.counted));
}

/* ---- modules of a store ---- */

wasm_module_t *wasm_module_new(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    return of_store(store, load(binary->data, binary->size));
}

bool wasm_module_validate(wasm_store_t *store, const wasm_byte_vec_t *binary)
{
    (void)store;
    wasm_shared_module_t *shared = load(binary->data, binary->size);
    capi_shared_release(shared);
    return shared != NULL;
}

static void name_of(wasm_name_t *out, struct wrt_bytes bytes)
{
    wasm_byte_vec_new_uninitialized(out, bytes.size_bytes);
    if (out->size != 0)
        memcpy(out->data, bytes.data, out->size);
}

void wasm_module_imports(const wasm_module_t *module, wasm_importtype_vec_t *out)
{
    struct wrt_module_import import;
    wasm_importtype_vec_new_uninitialized(out, module->shared->module->info.import_count);
    for (uint32_t i = 0; i < out->size; i++) {
        wasm_name_t from, name;
        if (wrt_module_get_import(module->shared->module, i, &import) != WRT_OK)
            return;
        name_of(&from, import.module);
        name_of(&name, import.name);
        out->data[i] = wasm_importtype_new(&from, &name, capi_externtype(&import.type));
    }
}

/* Tags cannot be told: the interface does not know them. */
static size_t count_exports(const struct wrt_module *module)
{
    size_t count = 0;
    for (uint32_t i = 0; i < module->info.export_count; i++)
        count += module->exports[i].kind != WRT_EXTERN_TAG;
    return count;
}

void wasm_module_exports(const wasm_module_t *module, wasm_exporttype_vec_t *out)
{
    struct wrt_module_export export;
    const struct wrt_module *m = module->shared->module;
    size_t at = 0;
    wasm_exporttype_vec_new_uninitialized(out, count_exports(m));
    for (uint32_t i = 0; wrt_module_get_export(m, i, &export) == WRT_OK; i++) {
        wasm_name_t name;
        if (export.type.kind == WRT_EXTERN_TAG || at == out->size)
            continue;
        name_of(&name, export.name);
        out->data[at++] = wasm_exporttype_new(&name, capi_externtype(&export.type));
    }
}

void wasm_module_serialize(const wasm_module_t *module, wasm_byte_vec_t *out)
{
    const wasm_byte_vec_t *bytes = &module->shared->bytes;
    const uint32_t crc = wrt_crc32c(0, bytes->data, bytes->size);
    wasm_byte_vec_new_uninitialized(out, HEAD_BYTES + bytes->size);
    if (out->size == 0)
        return;
    memcpy(out->data, MAGIC, MAGIC_BYTES);
    for (unsigned i = 0; i < 4; i++)
        out->data[MAGIC_BYTES + i] = (byte_t)(crc >> (8 * i) & 0xff);
    if (bytes->size != 0)
        memcpy(out->data + HEAD_BYTES, bytes->data, bytes->size);
}

wasm_module_t *wasm_module_deserialize(wasm_store_t *store, const wasm_byte_vec_t *from)
{
    uint32_t crc = 0;
    if (from->size < HEAD_BYTES || memcmp(from->data, MAGIC, MAGIC_BYTES) != 0)
        return NULL;
    for (unsigned i = 0; i < 4; i++)
        crc |= (uint32_t)(uint8_t)from->data[MAGIC_BYTES + i] << (8 * i);
    const byte_t *bytes = from->data + HEAD_BYTES;
    const size_t size = from->size - HEAD_BYTES;
    return wrt_crc32c(0, bytes, size) == crc ? of_store(store, load(bytes, size)) : NULL;
}

/* ---- instances ---- */

/* The store keeps what it has instances of, also when their handles are gone. */
static bool use_module(wasm_store_t *store, wasm_shared_module_t *shared)
{
    for (const struct used_module *u = store->modules; u != NULL; u = u->next)
        if (u->shared == shared)
            return true;
    struct used_module *used = calloc(1, sizeof *used);
    if (used == NULL)
        return false;
    *used = (struct used_module){shared_copy(shared), store->modules};
    store->modules = used;
    return true;
}

static struct wrt_extern *items_of(const wasm_extern_vec_t *imports)
{
    const size_t count = imports == NULL ? 0 : imports->size;
    struct wrt_extern *items = calloc(count + 1, sizeof *items);
    for (size_t i = 0; items != NULL && i < count; i++)
        items[i] = capi_item(imports->data[i]);
    return items;
}

wasm_instance_t *wasm_instance_new(wasm_store_t *store, const wasm_module_t *module,
                                   const wasm_extern_vec_t *imports, wasm_trap_t **trap)
{
    struct wrt_error error = {.text = ""};
    struct wrt_instance *made = NULL;
    enum wrt_status status = WRT_ERR_NO_MEMORY;
    struct wrt_extern *items = items_of(imports);
    if (items != NULL && use_module(store, module->shared))
        status = wrt_store_instantiate_with(store->store, module->shared->module, items,
                                            imports == NULL ? 0 : (uint32_t)imports->size, false,
                                            &made, &error);
    free(items);
    if (status == WRT_OK)
        return capi_ref(store, REF_INSTANCE, made, sizeof(wasm_instance_t));
    if (status == WRT_PAUSED)
        wrt_store_drop(store->store);
    wasm_trap_t *why = capi_trap_of(store, status, error.text);
    if (trap != NULL)
        *trap = why;
    else
        wasm_trap_delete(why);
    return NULL;
}

void wasm_instance_exports(const wasm_instance_t *instance, wasm_extern_vec_t *out)
{
    const struct wrt_instance *i = instance->ref.object;
    size_t at = 0;
    wasm_extern_vec_new_uninitialized(out, count_exports(i->module));
    for (uint32_t e = 0; e < i->module->info.export_count && at < out->size; e++)
        if (i->module->exports[e].kind != WRT_EXTERN_TAG)
            out->data[at++] =
                capi_extern(instance->ref.store, wrt_instance_item(i, &i->module->exports[e]));
}
