/* src/memory/guard.h - a touch of a guard ends the call that made it, and names its memory.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For the engine, which may not see the port: a guest access that its bounds compare did not
 * stop (or native code without compares) hits a guard, and becomes a trap instead of the end
 * of the process.
 */
#ifndef WRT_MEMORY_GUARD_H
#define WRT_MEMORY_GUARD_H

#include "wrt/memory.h"

struct wrt_guard_hit {
    const void *address;     /* that was touched: find its memory by wrt_pages_owns */
    const void *instruction; /* that touched it; NULL if not known */
    const void *frame;       /* the frame pointer then; NULL if not known */
    bool is_known_write;
};

/* Runs body(context). ERR_TRAP: it touched a guard or a closed part of one of our memories,
 * was left at once and *hit is filled; it must hold no lock then, and what it changed stays.
 * Other faults go to whoever handles them. Calls nest, per thread. ERR_UNSUPPORTED: the
 * system has no such handler; body did not run. Costs about 10 ns. */
WRT_MUST_CHECK enum wrt_status
wrt_guard_run(void (*body)(void *), void *context, struct wrt_guard_hit *hit);

#endif
