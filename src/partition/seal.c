/* src/partition/seal.c - a sealed partition's memory, opened by the first thread that enters
 * and closed after the last.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   entered = 0   <=>  slab and regions are closed (but while the partition is made or ended)
 *   by key:       a thread that is inside has opened it; nobody else has
 *
 * Opening: the slab first, because regions may be described in it; closing: the slab last.
 * One call of the system for the slab and one per region, with the lock held, so that a second
 * thread does not go in before the first one's calls are done.
 */
#include "partition/node.h"
#include "partition/region.h"

#include "base/error.h"
#include "base/tags.h"
#include "port_hardware.h"

#include <string.h>

static const uint64_t slab_slack = 16u << 20;
static const uint64_t slab_most = sizeof(void *) > 4 ? UINT64_C(1) << 36 : UINT64_C(1) << 28;

/* Twice the maximum: room for holes between arenas. */
static uint64_t slab_size(uint64_t max_bytes)
{
    if (max_bytes > (slab_most - slab_slack) / 2)
        return slab_most;
    return 2 * max_bytes + slab_slack;
}

/* A key or tags, if they are wanted and here; otherwise page protection. */
static enum wrt_tier_reason choose_method(struct wrt_seal *seal, enum wrt_seal_method method)
{
    switch (method) {
    case WRT_SEAL_KEYS:
        if (wrt_port_key_create(&seal->key) != WRT_OK)
            return WRT_REASON_NO_KEYS;
        seal->slab.key = seal->key;
        wrt_port_key_open(seal->key, true); /* until the partition is made */
        return WRT_REASON_KEYS;
    case WRT_SEAL_TAGS:
        seal->by_tags = seal->slab.by_tags = wrt_port_has_tags();
        return seal->by_tags ? WRT_REASON_TAGS : WRT_REASON_NO_TAGS;
    case WRT_SEAL_PAGES:
        break;
    }
    return WRT_REASON_PAGES;
}

enum wrt_status wrt_seal_init(struct wrt_partition *partition, struct wrt_seal *seal,
                              uint64_t max_bytes, enum wrt_seal_method method)
{
    struct wrt_owner owner = wrt_partition_owner(partition);
    enum wrt_status status;

    memset(seal, 0, sizeof *seal);
    status = wrt_port_mutex_init(&seal->lock);
    if (status != WRT_OK)
        return status;
    status = wrt_slab_init(&seal->slab, slab_size(max_bytes));
    if (status == WRT_OK) {
        owner.is_sealed = true;
        status = wrt_owner_add(&owner, seal->slab.base, seal->slab.reserved_bytes,
                               &seal->ticket);
    }
    if (status != WRT_OK) {
        wrt_slab_deinit(&seal->slab);
        wrt_port_mutex_deinit(&seal->lock);
        return status;
    }
    partition->seal = seal;
    partition->tier_reason = (uint8_t)choose_method(seal, method);
    return WRT_OK;
}

void wrt_seal_deinit(struct wrt_seal *seal)
{
    wrt_owner_remove(seal->ticket);
    wrt_slab_deinit(&seal->slab);
    if (seal->key != 0)
        wrt_port_key_destroy(seal->key);
    wrt_port_mutex_deinit(&seal->lock);
}

static void flip_region(struct wrt_partition_region *region, bool is_flipped)
{
    if (region->is_flipped != is_flipped)
        wrt_tag_flip(region->start, (size_t)region->size_bytes);
    region->is_flipped = is_flipped;
}

static enum wrt_status protect_region(struct wrt_partition_region *region, unsigned rights)
{
    if (region->size_bytes == 0)
        return WRT_OK;
    if (region->partition->seal->by_tags && (region->rights & WRT_PORT_TAGGED) != 0) {
        flip_region(region, rights == WRT_PORT_NONE);
        return WRT_OK;
    }
    return wrt_port_protect(region->start, (size_t)region->size_bytes, rights);
}

static enum wrt_status close_all(struct wrt_seal *seal)
{
    enum wrt_status worst = WRT_OK, status;

    for (struct wrt_partition_region *at = seal->regions; at != NULL; at = at->next) {
        status = protect_region(at, WRT_PORT_NONE);
        if (status != WRT_OK)
            worst = status;
    }
    status = wrt_slab_close(&seal->slab);
    return status != WRT_OK ? status : worst;
}

/* A system that opened some and then refused must close them again. */
static enum wrt_status open_all(struct wrt_seal *seal)
{
    enum wrt_status status = wrt_slab_open(&seal->slab);

    if (status != WRT_OK)
        return status;
    for (struct wrt_partition_region *at = seal->regions; at != NULL; at = at->next) {
        status = protect_region(at, at->rights);
        if (status != WRT_OK) {
            seal->is_broken = close_all(seal) != WRT_OK;
            return status;
        }
    }
    return WRT_OK;
}

/* The same number counts with and without a lock: no partition uses both. */
static enum wrt_status turn_key(struct wrt_partition *partition, bool is_in, bool is_open)
{
    if (is_in)
        (void)__atomic_add_fetch(&partition->entered, 1, __ATOMIC_ACQUIRE);
    wrt_port_key_open(partition->seal->key, is_open);
    if (!is_in)
        (void)__atomic_sub_fetch(&partition->entered, 1, __ATOMIC_RELEASE);
    return WRT_OK;
}

enum wrt_status wrt_seal_enter(struct wrt_partition *partition)
{
    struct wrt_seal *seal = partition->seal;
    enum wrt_status status = WRT_OK;

    if (seal->key != 0)
        return turn_key(partition, true, true);
    (void)!wrt_port_mutex_lock(&seal->lock);
    if (partition->entered == 0)
        status = open_all(seal);
    if (status == WRT_OK)
        __atomic_store_n(&partition->entered, partition->entered + 1, __ATOMIC_RELAXED);
    wrt_port_mutex_unlock(&seal->lock);
    return status;
}

enum wrt_status wrt_seal_leave(struct wrt_partition *partition, bool is_last)
{
    struct wrt_seal *seal = partition->seal;
    enum wrt_status status = WRT_OK;

    if (seal->key != 0)
        return turn_key(partition, false, !is_last);
    (void)!wrt_port_mutex_lock(&seal->lock);
    __atomic_store_n(&partition->entered, partition->entered - 1, __ATOMIC_RELAXED);
    if (partition->entered == 0) {
        status = close_all(seal);
        seal->is_broken = status != WRT_OK;
    }
    wrt_port_mutex_unlock(&seal->lock);
    return status;
}

/* ---- regions ---- */

struct wrt_owner wrt_partition_owner(const struct wrt_partition *partition)
{
    struct wrt_owner owner = {.is_sealed = false};

    memcpy(owner.name, partition->name, sizeof owner.name);
    return owner;
}

bool wrt_partition_is_sealed(const struct wrt_partition *partition)
{
    return partition->seal != NULL;
}

enum wrt_status wrt_partition_check_open(const struct wrt_partition *partition,
                                         struct wrt_error *error)
{
    if (partition->seal == NULL)
        return WRT_OK;
    if (partition->seal->key != 0 ? wrt_port_key_is_open(partition->seal->key)
                                  : __atomic_load_n(&partition->entered, __ATOMIC_RELAXED) != 0)
        return WRT_OK;
    return wrt_fail(error, WRT_ERR_STATE,
                    "partition %s is sealed and no thread is inside", partition->name);
}

/* Gives the pages the partition's key, or none again. */
static enum wrt_status lock_pages(const struct wrt_seal *seal, void *start, uint64_t size_bytes,
                                  unsigned rights, uint32_t key)
{
    if (seal->key == 0 || size_bytes == 0)
        return WRT_OK;
    return wrt_port_key_protect(start, (size_t)size_bytes, rights, key);
}

enum wrt_status wrt_region_add(struct wrt_partition_region *region,
                               struct wrt_partition *partition, void *start,
                               uint64_t size_bytes, unsigned rights)
{
    struct wrt_owner owner = wrt_partition_owner(partition);
    struct wrt_seal *seal = partition->seal;
    enum wrt_status status;
    uint32_t ticket;

    *region = (struct wrt_partition_region){0};
    if (seal == NULL)
        return WRT_OK;
    owner.is_sealed = true;
    status = lock_pages(seal, start, size_bytes, rights, seal->key);
    if (status == WRT_OK)
        status = wrt_owner_add(&owner, wrt_untagged(start), size_bytes, &ticket);
    if (status != WRT_OK)
        return status;
    (void)!wrt_port_mutex_lock(&seal->lock);
    *region = (struct wrt_partition_region){.partition = partition,
                                            .next = seal->regions,
                                            .link = &seal->regions,
                                            .start = start,
                                            .size_bytes = size_bytes,
                                            .rights = rights,
                                            .ticket = ticket};
    if (region->next != NULL)
        region->next->link = &region->next;
    seal->regions = region;
    wrt_port_mutex_unlock(&seal->lock);
    return WRT_OK;
}

void wrt_region_resize(struct wrt_partition_region *region, uint64_t size_bytes)
{
    struct wrt_seal *seal;

    if (region->partition == NULL)
        return;
    seal = region->partition->seal;
    (void)!wrt_port_mutex_lock(&seal->lock);
    region->size_bytes = size_bytes;
    if (lock_pages(seal, region->start, size_bytes, region->rights, seal->key) != WRT_OK)
        seal->is_broken = true; /* what was added is open to all */
    wrt_port_mutex_unlock(&seal->lock);
    wrt_owner_resize(region->ticket, size_bytes);
}

void wrt_region_remove(struct wrt_partition_region *region)
{
    struct wrt_seal *seal;

    if (region->partition == NULL)
        return;
    seal = region->partition->seal;
    (void)!wrt_port_mutex_lock(&seal->lock);
    (void)!lock_pages(seal, region->start, region->size_bytes, region->rights, 0);
    *region->link = region->next;
    if (region->next != NULL)
        region->next->link = region->link;
    wrt_port_mutex_unlock(&seal->lock);
    wrt_owner_remove(region->ticket);
    *region = (struct wrt_partition_region){0};
}
