/* src/partition/region.h - what the memory room tells a sealed partition, and guards restored
 * after a fault.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PARTITION_REGION_H
#define WRT_PARTITION_REGION_H

#include "arena/owner.h"
#include "wrt/partition.h"

/* Whose the memory is, for wrt_owner_add. */
struct wrt_owner wrt_partition_owner(const struct wrt_partition *partition);

/* Sealed, whether open or closed? */
bool wrt_partition_is_sealed(const struct wrt_partition *partition);

/* ERR_STATE: the partition is sealed and no thread is inside. O(1). */
WRT_MUST_CHECK enum wrt_status
wrt_partition_check_open(const struct wrt_partition *partition, struct wrt_error *error);

/* Committed pages that are closed and opened with a sealed partition, with these rights when
 * open (enum wrt_port_rights). Does nothing for others. The partition is open. ERR_NO_SPACE. */
WRT_MUST_CHECK enum wrt_status
wrt_region_add(struct wrt_partition_region *region, struct wrt_partition *partition, void *start,
               uint64_t size_bytes, unsigned rights);
/* These do nothing for a region that was not added. */
void wrt_region_resize(struct wrt_partition_region *region, uint64_t size_bytes);
void wrt_region_remove(struct wrt_partition_region *region);

/* How deep the calling thread is inside of partitions; and leaves those above `depth`, for
 * whoever left a body by a jump. */
uint32_t wrt_partition_depth(void);
void wrt_partition_unwind(uint32_t depth);

#endif
