/* src/memory/guard.c - see guard.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "memory/guard.h"

#include "port.h"

enum wrt_status wrt_guard_run(void (*body)(void *), void *context, struct wrt_guard_hit *hit)
{
    struct wrt_port_fault fault;
    enum wrt_status status = wrt_port_fault_run(body, context, &fault);

    if (status == WRT_ERR_TRAP)
        *hit = (struct wrt_guard_hit){.address = fault.address,
                                      .instruction = fault.instruction,
                                      .is_known_write = fault.is_known_write};
    return status;
}
