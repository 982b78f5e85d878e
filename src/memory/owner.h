/* src/memory/owner.h - which address ranges are ours, for the fault handler.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_MEMORY_OWNER_H
#define WRT_MEMORY_OWNER_H

#include "wrt/base.h"

/* Remembers start .. start + size_bytes; gives a ticket > 0 in *out. O(1), lock-free.
 * ERR_NO_SPACE when 65,536 ranges are remembered, ERR_NO_MEMORY. Any thread. */
WRT_MUST_CHECK enum wrt_status
wrt_owner_add(const void *start, uint64_t size_bytes, uint32_t *out_ticket);
void wrt_owner_remove(uint32_t ticket); /* 0 does nothing */

#endif
