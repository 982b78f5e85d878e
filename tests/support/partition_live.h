/* partition_live.h - what is allocated from a partition.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PARTITION_LIVE_H
#define PARTITION_LIVE_H

#include "wrt/partition.h"

/* All that is charged except ARENA: the partition's own control block and the arenas that
 * it keeps for later. Returns to zero when everything was given back. */
static inline uint64_t partition_live_bytes(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;
    wrt_partition_get_info(partition, &info);
    return info.used_bytes - info.current_bytes[WRT_CHARGE_ARENA];
}

#endif
