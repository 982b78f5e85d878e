/* engine/share.c - shared memories: one memory, a view of it in each store that uses it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A store belongs to one thread at a time, so threads of a guest are stores. A view is a
 * struct wrt_memory like any other; what it keeps of the size may be old, never too large,
 * since a shared memory only grows and its base never moves. An access beyond the size that
 * the view knows comes to wrt_share_refresh before it traps: accesses that succeed cost
 * nothing more than in a memory that is not shared.
 *
 * The last view to go frees the memory, and gives it back to the partition of the store that
 * made it.
 */
#include <string.h>

#include "engine.h"

static enum wrt_status allocate_pages(struct wrt_memory_share *share,
                                      const struct wrt_page_config *config,
                                      struct wrt_error *error)
{
    if (config->provider == WRT_PAGES_NATIVE)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "a shared memory cannot move: not with pages of the native heap");
    return wrt_pages_allocate(&share->pages, share->partition, config, error);
}

static enum wrt_status init_share(struct wrt_memory_share *share,
                                  const struct wrt_page_config *config, struct wrt_error *error)
{
    const struct wrt_futex_config futex = {.trust_addresses = true};
    enum wrt_status status = wrt_mutex_init(&share->gate, NULL);
    if (status != WRT_OK)
        return wrt_fail(error, status, "this system has no lock for a shared memory");
    status = wrt_futex_domain_init(&share->domain, &futex);
    if (status == WRT_OK) {
        status = allocate_pages(share, config, error);
        if (status == WRT_OK)
            return WRT_OK;
        (void)!wrt_futex_domain_deinit(&share->domain);
    }
    (void)!wrt_mutex_deinit(&share->gate);
    return status;
}

enum wrt_status wrt_share_make(struct wrt_partition *partition,
                               const struct wrt_page_config *config,
                               struct wrt_memory_share **out, struct wrt_error *error)
{
    void *block = NULL;
    enum wrt_status status =
        wrt_partition_allocate(partition, WRT_CHARGE_SYNC, sizeof(struct wrt_memory_share),
                               WRT_CACHE_LINE_BYTES, &block, error);
    if (status != WRT_OK)
        return status;
    memset(block, 0, sizeof(struct wrt_memory_share));
    struct wrt_memory_share *share = block;
    share->partition = partition;
    status = init_share(share, config, error);
    if (status != WRT_OK) {
        wrt_partition_free(partition, WRT_CHARGE_SYNC, share, sizeof *share);
        return status;
    }
    atomic_store_explicit(&share->size_bytes, share->pages.size_bytes, memory_order_release);
    *out = share;
    return WRT_OK;
}

void wrt_share_release(struct wrt_memory_share *share)
{
    struct wrt_partition *partition = share->partition;
    if (atomic_fetch_sub_explicit(&share->users, 1, memory_order_acq_rel) != 1)
        return;
    wrt_pages_free(&share->pages);
    (void)!wrt_futex_domain_deinit(&share->domain);
    (void)!wrt_mutex_deinit(&share->gate);
    wrt_partition_free(partition, WRT_CHARGE_SYNC, share, sizeof *share);
}

void wrt_share_attach(struct wrt_memory *view, struct wrt_memory_share *share)
{
    atomic_fetch_add_explicit(&share->users, 1, memory_order_relaxed);
    view->share = share;
    view->pages.base = share->pages.base;
    view->pages.page_bytes = share->pages.page_bytes;
    view->pages.reservation = share->pages.reservation; /* tells whose a touched guard is */
    view->pages.reservation_bytes = share->pages.reservation_bytes;
    wrt_share_look(view);
}

/* The view's own copy of what the engine reads of its pages. */
void wrt_share_look(struct wrt_memory *memory)
{
    memory->pages.size_bytes =
        atomic_load_explicit(&memory->share->size_bytes, memory_order_acquire);
}

enum wrt_status wrt_share_grow(struct wrt_memory *memory, uint64_t delta_pages,
                               uint64_t *out_old_bytes, struct wrt_error *error)
{
    struct wrt_memory_share *share = memory->share;
    enum wrt_status status = wrt_mutex_lock(&share->gate);
    if (status != WRT_OK)
        return wrt_fail(error, status, "the shared memory cannot be locked");
    *out_old_bytes = share->pages.size_bytes;
    status = wrt_pages_grow(&share->pages, delta_pages, error);
    if (status == WRT_OK)
        atomic_store_explicit(&share->size_bytes, share->pages.size_bytes,
                              memory_order_release);
    (void)wrt_mutex_unlock(&share->gate);
    wrt_share_look(memory);
    return status;
}

bool wrt_share_refresh(struct wrt_exec *exec)
{
    const struct wrt_instance *instance = exec->instance;
    bool has_grown = false;
    for (uint32_t i = 0; instance != NULL && i < instance->module->info.memory_count; i++) {
        struct wrt_memory *memory = instance->memories[i];
        const uint64_t before = memory->pages.size_bytes;
        if (memory->share == NULL)
            continue;
        wrt_share_look(memory);
        has_grown |= memory->pages.size_bytes != before;
    }
    if (has_grown)
        wrt_exec_enter_instance(exec, exec->instance);
    return has_grown;
}

enum wrt_run wrt_cold_memory_size_shared(struct wrt_exec *exec)
{
    struct wrt_memory *memory = exec->instance->memories[exec->pc[1].k.imm];
    wrt_share_look(memory);
    wrt_exec_enter_instance(exec, exec->instance);
    exec->A = wrt_memory_size_pages(memory);
    exec->fp[exec->pc[1].k.d].i64 = exec->A;
    return WRT_RUN_CONTINUE;
}

enum wrt_status wrt_memory_share(const struct wrt_memory *memory, struct wrt_store *store,
                                 struct wrt_memory **out, struct wrt_error *error)
{
    if (memory == NULL || store == NULL || out == NULL || memory->share == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "needs a shared memory and a store");
    struct wrt_memory *view = NULL;
    const enum wrt_status status =
        wrt_block_take(store->partition, &store->blocks, WRT_CHARGE_RUNTIME, 1, sizeof *view,
                       &view, error);
    if (status != WRT_OK)
        return status;
    wrt_share_attach(view, memory->share);
    view->type = memory->type;
    view->store = store;
    view->next = store->memories;
    store->memories = view;
    *out = view;
    return WRT_OK;
}
