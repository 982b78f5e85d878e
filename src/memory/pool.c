/* src/memory/pool.c - slots for linear memories, reserved once and used again and again.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   | guard | slot 0 | guard | slot 1 | guard | ... | slot n-1 | guard |
 *
 * A slot given back is cleared at once and keeps its pages committed up to `ready_bytes` and
 * its image mapped, so that the next memory of the same image and initial size needs no call
 * of the system at all. Other sizes commit or decommit the difference; another image maps
 * anew. Slots form a stack; a taker looks at the upper 8 for one with its image.
 */
#include "memory/pages.h"

#include "base/checked.h"
#include "base/error.h"
#include "memory/image.h"
#include "partition/region.h"

#include <inttypes.h>
#include <string.h>

enum { SLOTS_LIMIT = 1000000, LOOK_AT = 8, NO_SLOT = UINT32_MAX };

struct wrt_page_pool_slot {
    uint32_t next;                /* free: below in the stack */
    uint64_t ready_bytes;         /* committed and clear */
    struct wrt_page_image *image; /* mapped at its start; counted as a user */
};

/* ---- create and destroy ---- */

static enum wrt_status plan_pool(struct wrt_page_pool *pool,
                                 const struct wrt_page_pool_config *config,
                                 struct wrt_error *error)
{
    uint64_t page = host_page();

    if (config->slots == 0 || config->slots > SLOTS_LIMIT)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "slots %u is outside 1 .. %d", config->slots,
                        SLOTS_LIMIT);
    if (config->slot_bytes == 0 || config->slot_bytes % page != 0)
        return wrt_fail(error, WRT_ERR_ALIGNMENT,
                        "slot_bytes %" PRIu64 " is not in whole host pages",
                        config->slot_bytes);
    if (config->keep_bytes % page != 0 || config->keep_bytes > config->slot_bytes)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "keep_bytes %" PRIu64 " is not in whole host pages up to slot_bytes",
                        config->keep_bytes);
    if (!wrt_align_u64(config->guard_bytes, page, &pool->guard_bytes) ||
        !wrt_add_u64(config->slot_bytes, pool->guard_bytes, &pool->stride_bytes) ||
        !wrt_mul_u64(pool->stride_bytes, config->slots, &pool->reservation_bytes) ||
        !wrt_add_u64(pool->reservation_bytes, pool->guard_bytes, &pool->reservation_bytes) ||
        pool->reservation_bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_OVERFLOW, "the slots do not fit the address space");
    pool->slots = config->slots;
    pool->slot_bytes = config->slot_bytes;
    pool->keep_bytes = config->keep_bytes;
    return WRT_OK;
}

static size_t table_bytes(const struct wrt_page_pool *pool)
{
    return pool->slots * sizeof(struct wrt_page_pool_slot);
}

static uint64_t kept_bytes(const struct wrt_page_pool *pool)
{
    return pool->keep_bytes * pool->slots; /* <= reservation_bytes: it fits */
}

static enum wrt_status reserve_pool(struct wrt_page_pool *pool, struct wrt_error *error)
{
    struct wrt_port_request request = {.bytes = (size_t)pool->reservation_bytes};
    struct wrt_owner owner = wrt_partition_owner(pool->partition);
    enum wrt_status status;
    void *start;

    status = wrt_port_reserve(&request, &start);
    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused %" PRIu64 " bytes of addresses",
                        pool->reservation_bytes);
    status = wrt_owner_add(&owner, start, pool->reservation_bytes, &pool->owner_ticket);
    if (status != WRT_OK) {
        (void)!wrt_port_release(start, request.bytes);
        return wrt_fail(error, status, "no room to remember one more pool");
    }
    pool->reservation = start;
    return WRT_OK;
}

static void stack_slots(struct wrt_page_pool *pool)
{
    memset(pool->slot, 0, table_bytes(pool));
    for (uint32_t i = 0; i < pool->slots; i++)
        pool->slot[i].next = i + 1 < pool->slots ? i + 1 : NO_SLOT;
    pool->first_free = 0;
}

enum wrt_status wrt_page_pool_create(struct wrt_page_pool *pool, struct wrt_partition *partition,
                                     const struct wrt_page_pool_config *config,
                                     struct wrt_error *error)
{
    struct wrt_page_pool made = {.partition = partition};
    enum wrt_status status = plan_pool(&made, config, error);
    void *table;

    if (status != WRT_OK)
        return status;
    status = wrt_partition_allocate(partition, WRT_CHARGE_RUNTIME, table_bytes(&made), 0,
                                    &table, error);
    if (status != WRT_OK)
        return status;
    made.slot = table;
    status = wrt_pages_charge(partition, kept_bytes(&made), error);
    if (status != WRT_OK)
        goto free_table;
    status = reserve_pool(&made, error);
    if (status != WRT_OK)
        goto uncharge;
    stack_slots(&made);
    *pool = made;
    return WRT_OK;
uncharge:
    wrt_pages_uncharge(partition, kept_bytes(&made));
free_table:
    wrt_partition_free(partition, WRT_CHARGE_RUNTIME, table, table_bytes(&made));
    return status;
}

enum wrt_status wrt_page_pool_destroy(struct wrt_page_pool *pool, struct wrt_error *error)
{
    struct wrt_partition *partition = pool->partition;

    if (partition == NULL)
        return WRT_OK;
    if (pool->used != 0)
        return wrt_fail(error, WRT_ERR_BUSY, "%u slots of the pool are taken", pool->used);
    for (uint32_t i = 0; i < pool->slots; i++)
        wrt_page_image_leave(pool->slot[i].image);
    wrt_owner_remove(pool->owner_ticket);
    (void)!wrt_port_release(pool->reservation, (size_t)pool->reservation_bytes);
    wrt_pages_uncharge(partition, kept_bytes(pool));
    wrt_partition_free(partition, WRT_CHARGE_RUNTIME, pool->slot, table_bytes(pool));
    memset(pool, 0, sizeof *pool);
    return WRT_OK;
}

/* ---- take ---- */

/* The place of the link to the slot to take: one with the image, else the top one. */
static uint32_t *choose(struct wrt_page_pool *pool, const struct wrt_page_image *image)
{
    uint32_t *link = &pool->first_free;

    for (int seen = 0; seen < LOOK_AT && *link != NO_SLOT; seen++) {
        if (pool->slot[*link].image == image)
            return link;
        link = &pool->slot[*link].next;
    }
    return &pool->first_free;
}

static void forget_image(struct wrt_page_pool_slot *slot)
{
    wrt_page_image_leave(slot->image);
    slot->image = NULL;
    slot->ready_bytes = 0;
}

static void trim_slot(struct wrt_page_pool *pool, uint32_t index)
{
    struct wrt_page_pool_slot *slot = &pool->slot[index];
    uint8_t *start = pool->reservation + pool->guard_bytes + index * pool->stride_bytes;

    if (slot->ready_bytes != 0 &&
        wrt_port_decommit(start, (size_t)slot->ready_bytes) != WRT_OK)
        return;
    forget_image(slot);
}

void wrt_page_pool_trim(struct wrt_page_pool *pool)
{
    for (uint32_t at = pool->first_free; at != NO_SLOT; at = pool->slot[at].next)
        trim_slot(pool, at);
}

/* Makes exactly `committed` bytes of the slot accessible, with the image at the start. */
static enum wrt_status prepare(struct wrt_page_allocator *pages,
                               struct wrt_page_pool_slot *slot, uint64_t committed,
                               struct wrt_error *error)
{
    enum wrt_status status;

    if (slot->image == pages->image && slot->ready_bytes <= committed &&
        (pages->image == NULL || slot->ready_bytes >= pages->image->size_bytes)) {
        status = wrt_pages_commit(pages, slot->ready_bytes, committed, error);
        if (status == WRT_OK)
            slot->ready_bytes = committed;
        return status;
    }
    if (slot->ready_bytes != 0) {
        status = wrt_port_decommit(pages->base, (size_t)slot->ready_bytes);
        if (status != WRT_OK)
            return wrt_fail(error, status, "the system refused to clear a slot");
    }
    forget_image(slot);
    status = wrt_pages_populate(pages, committed, error);
    if (status != WRT_OK)
        return status;
    slot->ready_bytes = committed;
    slot->image = pages->image;
    wrt_page_image_use(slot->image);
    return WRT_OK;
}

static enum wrt_status check_fit(const struct wrt_page_pool *pool,
                                 const struct wrt_page_config *config, const struct plan *plan,
                                 struct wrt_error *error)
{
    if (pool == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "provider POOLED needs a pool");
    if (plan->initial_bytes > pool->slot_bytes)
        return wrt_fail(error, WRT_ERR_LIMIT,
                        "initial %" PRIu64 " bytes are more than a slot's %" PRIu64,
                        plan->initial_bytes, pool->slot_bytes);
    if (config->image != NULL && config->image->size_bytes > round_to_host(plan->initial_bytes))
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "an image of %" PRIu64 " bytes for a memory of %" PRIu64,
                        config->image->size_bytes, plan->initial_bytes);
    if (pool->first_free == NO_SLOT)
        return wrt_fail(error, WRT_ERR_NO_SPACE, "all %u slots of the pool are taken",
                        pool->slots);
    return WRT_OK;
}

static void place(struct wrt_page_allocator *pages, struct wrt_page_pool *pool, uint32_t index)
{
    pages->pool = pool;
    pages->slot = index;
    pages->base = pool->reservation + pool->guard_bytes + index * pool->stride_bytes;
    pages->reservation = pages->base - pool->guard_bytes;
    pages->reservation_bytes = pool->stride_bytes + pool->guard_bytes;
    pages->guard_before_bytes = pages->guard_after_bytes = pool->guard_bytes;
}

enum wrt_status wrt_page_pool_take(struct wrt_page_allocator *pages,
                                   const struct wrt_page_config *config, struct plan *plan,
                                   struct wrt_error *error)
{
    struct wrt_page_pool *pool = config->pool;
    enum wrt_status status = check_fit(pool, config, plan, error);
    uint32_t *link;
    uint32_t index;

    if (status != WRT_OK)
        return status;
    plan->committed_bytes = round_to_host(plan->initial_bytes);
    status = wrt_pages_charge(pages->partition, plan->committed_bytes, error);
    if (status != WRT_OK)
        return status;
    link = choose(pool, config->image);
    index = *link;
    place(pages, pool, index);
    status = prepare(pages, &pool->slot[index], plan->committed_bytes, error);
    if (status != WRT_OK) {
        wrt_pages_uncharge(pages->partition, plan->committed_bytes);
        return status;
    }
    if (pages->maximum_pages > pool->slot_bytes / pages->page_bytes)
        pages->maximum_pages = pool->slot_bytes / pages->page_bytes;
    *link = pool->slot[index].next;
    pool->used++;
    return WRT_OK;
}

/* ---- give ---- */

/* Pages above keep_bytes hold no memory of a free slot: cleared by the system, which takes
 * them back with that, or decommitted where it cannot. */
static bool drop_pages(struct wrt_page_allocator *pages, struct wrt_page_pool_slot *slot,
                       uint64_t kept, uint64_t initial)
{
    enum wrt_status status;

    if (initial == kept)
        return true;
    status = wrt_port_reset(pages->base + kept, (size_t)(initial - kept));
    if (status != WRT_ERR_UNSUPPORTED)
        return status == WRT_OK;
    slot->ready_bytes = kept;
    return wrt_port_decommit(pages->base + kept, (size_t)(initial - kept)) == WRT_OK;
}

static bool clear_slot(struct wrt_page_allocator *pages, struct wrt_page_pool_slot *slot)
{
    uint64_t initial = round_to_host(pages->initial_bytes);
    uint64_t kept = initial < pages->pool->keep_bytes ? initial : pages->pool->keep_bytes;

    slot->ready_bytes = initial;
    if (pages->committed_bytes > initial &&
        wrt_port_decommit(pages->base + initial,
                          (size_t)(pages->committed_bytes - initial)) != WRT_OK)
        return false;
    if (pages->is_protected && initial != 0 &&
        wrt_port_protect(pages->base, (size_t)initial, WRT_PORT_READ_WRITE) != WRT_OK)
        return false;
    if (pages->lock && initial != 0)
        (void)!wrt_port_unlock(pages->base, (size_t)initial);
    return wrt_pages_clear(pages, kept, kept, NULL) == WRT_OK &&
           drop_pages(pages, slot, kept, initial);
}

/* A slot that the system does not clear is in no stack: it is never used again. */
void wrt_page_pool_give(struct wrt_page_allocator *pages)
{
    struct wrt_page_pool *pool = pages->pool;
    struct wrt_page_pool_slot *slot = &pool->slot[pages->slot];

    pool->used--;
    if (!clear_slot(pages, slot))
        return;
    slot->next = pool->first_free;
    pool->first_free = pages->slot;
}
