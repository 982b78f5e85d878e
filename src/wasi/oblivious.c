/* src/wasi/oblivious.c - see wrt/oblivious_host.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wrt/oblivious_host.h"

#include "base/bytes.h"

struct entry {
    struct wrt_oblivious *store; /* NULL: free */
    void *storage;
    size_t storage_bytes;
    uint32_t block_bytes;
    uint64_t fuel; /* of an access */
};

struct wrt_oblivious_host {
    struct wrt_partition *partition;
    struct entry entries[WRT_OBLIVIOUS_HOST_STORES];
    _Alignas(16) uint8_t block[WRT_OBLIVIOUS_HOST_BLOCK_BYTES];
};

/* A refusal clears a path; that so many in a row do not help has the chance of the stash bound,
 * many times over. */
enum { TRIES = 16 };

enum wrt_status wrt_oblivious_host_create(struct wrt_partition *partition,
                                          struct wrt_oblivious_host **out,
                                          struct wrt_error *error)
{
    void *block;
    const enum wrt_status status = wrt_partition_allocate(
        partition, WRT_CHARGE_HOST, sizeof **out, 16, &block, error);

    if (status != WRT_OK)
        return status;
    *out = memset(block, 0, sizeof **out);
    (*out)->partition = partition;
    return WRT_OK;
}

static void release(struct wrt_oblivious_host *host, struct entry *entry)
{
    wrt_oblivious_destroy(entry->store);
    wrt_partition_free(host->partition, WRT_CHARGE_HOST, entry->storage, entry->storage_bytes);
    *entry = (struct entry){0};
}

void wrt_oblivious_host_destroy(struct wrt_oblivious_host *host)
{
    if (host == NULL)
        return;
    for (uint32_t i = 0; i < WRT_OBLIVIOUS_HOST_STORES; i++) {
        if (host->entries[i].store != NULL)
            release(host, &host->entries[i]);
    }
    wrt_ct_zeroise(host->block, sizeof host->block);
    wrt_partition_free(host->partition, WRT_CHARGE_HOST, host, sizeof *host);
}

/* About what an access takes, in instructions of a guest: the bytes of a scan by words, or each
 * exchange of a tree's sort. Public: from the configuration alone. */
static uint64_t fuel_of(const struct wrt_oblivious *store)
{
    struct wrt_oblivious_info info;

    wrt_oblivious_get_info(store, &info);
    if (info.kind == WRT_OBLIVIOUS_SCAN)
        return (uint64_t)info.block_count * (1 + info.block_bytes / 16);
    return (uint64_t)info.tree_count * 4096 + 4096 * (uint64_t)(info.block_bytes / 16);
}

/* ---- the imports ---- */

static enum wrt_status open_entry(struct wrt_oblivious_host *host, struct entry *entry,
                                  uint32_t block_count, uint32_t block_bytes)
{
    const struct wrt_oblivious_config config = {.block_count = block_count,
                                                .block_bytes = block_bytes};
    struct entry made = {.block_bytes = block_bytes};

    if (block_bytes > WRT_OBLIVIOUS_HOST_BLOCK_BYTES)
        return WRT_ERR_ARGUMENT;
    enum wrt_status status = wrt_oblivious_storage_bytes(&config, &made.storage_bytes);
    if (status == WRT_OK)
        status = wrt_partition_allocate(host->partition, WRT_CHARGE_HOST, made.storage_bytes,
                                        WRT_OBLIVIOUS_ALIGNMENT, &made.storage, NULL);
    if (status != WRT_OK)
        return status;
    status = wrt_oblivious_create(&config, made.storage, made.storage_bytes, &made.store);
    if (status != WRT_OK) {
        wrt_partition_free(host->partition, WRT_CHARGE_HOST, made.storage, made.storage_bytes);
        return status;
    }
    made.fuel = fuel_of(made.store);
    *entry = made;
    return WRT_OK;
}

static enum wrt_status create(struct wrt_caller *caller, void *context,
                              const union wrt_slot *arguments, union wrt_slot *results)
{
    struct wrt_oblivious_host *host = context;
    uint32_t handle = 0;

    while (handle < WRT_OBLIVIOUS_HOST_STORES && host->entries[handle].store != NULL)
        handle++;
    if (handle == WRT_OBLIVIOUS_HOST_STORES) {
        results[0].i32 = (uint32_t)WRT_ERR_LIMIT;
        return WRT_OK;
    }
    struct entry *entry = &host->entries[handle];
    const enum wrt_status status = open_entry(host, entry, arguments[0].i32, arguments[1].i32);
    if (status == WRT_OK)
        wrt_caller_charge_fuel(caller, entry->storage_bytes / 16);
    results[0].i32 = status == WRT_OK ? handle : (uint32_t)status;
    return WRT_OK;
}

static struct entry *entry_of(struct wrt_oblivious_host *host, uint32_t handle)
{
    if (handle >= WRT_OBLIVIOUS_HOST_STORES || host->entries[handle].store == NULL)
        return NULL;
    return &host->entries[handle];
}

/* By a copy: the guest's bytes are read and written at their own address only. */
static enum wrt_status access_block(struct wrt_oblivious_host *host, struct entry *entry,
                                    struct wrt_caller *caller, const union wrt_slot *arguments)
{
    enum wrt_status status =
        wrt_caller_read(caller, arguments[3].i32, host->block, entry->block_bytes);
    if (status != WRT_OK)
        return status;
    wrt_caller_charge_fuel(caller, entry->fuel);
    for (int tries = 0; tries < TRIES; tries++) {
        status = wrt_oblivious_access(entry->store, arguments[1].i64, arguments[2].i32, host->block);
        if (status != WRT_ERR_NO_SPACE)
            break;
    }
    if (status == WRT_OK)
        status = wrt_caller_write(caller, arguments[3].i32, host->block, entry->block_bytes);
    return status;
}

static enum wrt_status access_call(struct wrt_caller *caller, void *context,
                                   const union wrt_slot *arguments, union wrt_slot *results)
{
    struct wrt_oblivious_host *host = context;
    struct entry *entry = entry_of(host, arguments[0].i32);

    results[0].i32 = (uint32_t)(entry == NULL ? WRT_ERR_NOT_FOUND
                                              : access_block(host, entry, caller, arguments));
    return WRT_OK;
}

static enum wrt_status destroy(struct wrt_caller *caller, void *context,
                               const union wrt_slot *arguments, union wrt_slot *results)
{
    struct wrt_oblivious_host *host = context;
    struct entry *entry = entry_of(host, arguments[0].i32);

    results[0].i32 = (uint32_t)(entry == NULL ? WRT_ERR_NOT_FOUND : WRT_OK);
    if (entry != NULL) {
        wrt_caller_charge_fuel(caller, entry->storage_bytes / 16);
        release(host, entry);
    }
    return WRT_OK;
}

enum wrt_status wrt_oblivious_host_define(struct wrt_store *store,
                                          struct wrt_oblivious_host *host,
                                          struct wrt_error *error)
{
    static const struct {
        const char *name, *signature;
        wrt_host_function *call;
    } calls[] = {{"create", "ii:i", create}, {"access", "iIii:i", access_call},
                 {"destroy", "i:i", destroy}};
    enum wrt_status status = WRT_OK;

    for (size_t i = 0; status == WRT_OK && i < sizeof calls / sizeof calls[0]; i++)
        status = wrt_store_define_function(store, "wrt_oblivious", calls[i].name,
                                           calls[i].signature, calls[i].call, host, error);
    return status;
}
