/* port/linux/speculation.c - what one process asks of the kernel about guessing and caches.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Numbers as linux/prctl.h has them; those of newer kernels than the headers are spelled out.
 */
#include <sys/prctl.h>

#include "port_confine.h"

enum {
    GET_CONTROL = 52, SET_CONTROL = 53,
    STORE_BYPASS = 0, INDIRECT_BRANCH = 1, L1D_FLUSH = 2,
    IS_ON = 1 << 1, IS_OFF = 1 << 2, IS_OFF_FOR_GOOD = 1 << 3, /* the guess; or the flush */
    SCHED_CORE = 62, CORE_CREATE = 1, THREAD_GROUP = 1
};

/* Stops a kind of guessing. 0 from the kernel: the processor does not do it. */
static bool stop_guess(unsigned long which)
{
    const int state = prctl(GET_CONTROL, which, 0, 0, 0);

    if (state < 0)
        return false;
    return state == 0 || prctl(SET_CONTROL, which, (unsigned long)IS_OFF_FOR_GOOD, 0, 0) == 0 ||
           (state & (IS_OFF | IS_OFF_FOR_GOOD)) != 0;
}

enum wrt_status wrt_port_isolate_self(uint32_t wanted, uint32_t *out)
{
    uint32_t done = 0;

    if ((wanted & WRT_PORT_CONFINE_STORE_BYPASS) && stop_guess(STORE_BYPASS))
        done |= WRT_PORT_CONFINE_STORE_BYPASS;
    if ((wanted & WRT_PORT_CONFINE_INDIRECT_BRANCH) && stop_guess(INDIRECT_BRANCH))
        done |= WRT_PORT_CONFINE_INDIRECT_BRANCH;
    if ((wanted & WRT_PORT_CONFINE_L1D_FLUSH) &&
        prctl(SET_CONTROL, (unsigned long)L1D_FLUSH, (unsigned long)IS_ON, 0, 0) == 0)
        done |= WRT_PORT_CONFINE_L1D_FLUSH;
    if ((wanted & WRT_PORT_CONFINE_CORE) &&
        prctl(SCHED_CORE, CORE_CREATE, 0, THREAD_GROUP, 0) == 0)
        done |= WRT_PORT_CONFINE_CORE;
    *out = done;
    return WRT_OK;
}
