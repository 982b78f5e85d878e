/* src/partition/seal.c - a sealed partition's memory, opened by the first thread that enters
 * and closed after the last.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   entered = 0   <=>  slab and regions are closed (but while the partition is made or ended)
 *
 * Opening: the slab first, because regions may be described in it; closing: the slab last.
 * One call of the system for the slab and one per region, with the lock held, so that a second
 * thread does not go in before the first one's calls are done.
 */
#include "partition/node.h"
#include "partition/region.h"

#include "base/error.h"

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

enum wrt_status wrt_seal_init(struct wrt_partition *partition, struct wrt_seal *seal,
                              uint64_t max_bytes)
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
    return WRT_OK;
}

void wrt_seal_deinit(struct wrt_seal *seal)
{
    wrt_owner_remove(seal->ticket);
    wrt_slab_deinit(&seal->slab);
    wrt_port_mutex_deinit(&seal->lock);
}

static enum wrt_status protect_region(const struct wrt_partition_region *region, unsigned rights)
{
    if (region->size_bytes == 0)
        return WRT_OK;
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

enum wrt_status wrt_seal_enter(struct wrt_partition *partition)
{
    struct wrt_seal *seal = partition->seal;
    enum wrt_status status = WRT_OK;

    (void)!wrt_port_mutex_lock(&seal->lock);
    if (partition->entered == 0)
        status = open_all(seal);
    if (status == WRT_OK)
        __atomic_store_n(&partition->entered, partition->entered + 1, __ATOMIC_RELAXED);
    wrt_port_mutex_unlock(&seal->lock);
    return status;
}

enum wrt_status wrt_seal_leave(struct wrt_partition *partition)
{
    struct wrt_seal *seal = partition->seal;
    enum wrt_status status = WRT_OK;

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
    if (partition->seal == NULL || __atomic_load_n(&partition->entered, __ATOMIC_RELAXED) != 0)
        return WRT_OK;
    return wrt_fail(error, WRT_ERR_STATE,
                    "partition %s is sealed and no thread is inside", partition->name);
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
    status = wrt_owner_add(&owner, start, size_bytes, &ticket);
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
    if (region->partition == NULL)
        return;
    (void)!wrt_port_mutex_lock(&region->partition->seal->lock);
    region->size_bytes = size_bytes;
    wrt_port_mutex_unlock(&region->partition->seal->lock);
    wrt_owner_resize(region->ticket, size_bytes);
}

void wrt_region_remove(struct wrt_partition_region *region)
{
    struct wrt_seal *seal;

    if (region->partition == NULL)
        return;
    seal = region->partition->seal;
    (void)!wrt_port_mutex_lock(&seal->lock);
    *region->link = region->next;
    if (region->next != NULL)
        region->next->link = region->link;
    wrt_port_mutex_unlock(&seal->lock);
    wrt_owner_remove(region->ticket);
    *region = (struct wrt_partition_region){0};
}
