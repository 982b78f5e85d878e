/* src/partition/attach.h - for src/tenant: a worker that is confined already becomes the
 * partition's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PARTITION_ATTACH_H
#define WRT_PARTITION_ATTACH_H

#include "port.h"
#include "wrt/partition.h"

/* memory_bytes are charged already (PROCESS). Keeps *process as wrt_partition_attach_process. */
void wrt_partition_add_worker(struct wrt_partition *partition,
                              const struct wrt_port_process *worker, uint64_t memory_bytes,
                              struct wrt_partition_process *process);

#endif
