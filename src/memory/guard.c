/* src/memory/guard.c - see guard.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "memory/guard.h"

#include "partition/region.h"
#include "port.h"

enum wrt_status wrt_guard_run(void (*body)(void *), void *context, struct wrt_guard_hit *hit)
{
    uint32_t depth = wrt_partition_depth();
    struct wrt_port_fault fault;
    enum wrt_status status = wrt_port_fault_run(body, context, &fault);

    if (status == WRT_ERR_TRAP)
        wrt_partition_unwind(depth); /* what body entered and was torn out of */
    if (status == WRT_ERR_TRAP)
        *hit = (struct wrt_guard_hit){.address = fault.address,
                                      .instruction = fault.instruction,
                                      .frame = fault.frame,
                                      .is_known_write = fault.is_known_write};
    return status;
}
