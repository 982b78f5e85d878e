/* src/partition/time.c - the clock that deadlines are given in.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"
#include "wrt/store.h"

/* 0 on a system without a clock: a deadline then never passes. */
uint64_t wrt_time_now_ns(void)
{
    uint64_t now_ns;

    return wrt_port_time_now(&now_ns) == WRT_OK ? now_ns : 0;
}
