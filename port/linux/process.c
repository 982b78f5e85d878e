/* port/linux/process.c - confined processes: not served by this version of the port.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "linux.h"

enum wrt_status wrt_port_process_spawn(const struct wrt_port_spawn *spawn,
                                       struct wrt_port_process *out)
{
    (void)spawn;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_limit(const struct wrt_port_process *process,
                                       const struct wrt_port_process_limits *limits)
{
    (void)process;
    (void)limits;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_signal(const struct wrt_port_process *process,
                                        enum wrt_port_signal signal)
{
    (void)process;
    (void)signal;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_reap(struct wrt_port_process *process, uint64_t deadline_ns,
                                      struct wrt_port_exit *out)
{
    (void)process;
    (void)deadline_ns;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}
