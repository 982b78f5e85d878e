/* port/qnx/process.h - limits, for process.c and confine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PORT_QNX_PROCESS_H
#define WRT_PORT_QNX_PROCESS_H

#include <sys/types.h>

#include "port.h"

/* reserved_bytes is added to the memory limit: the kernel counts reservations as used. */
enum wrt_status wrt_qnx_set_limits(pid_t process, const struct wrt_port_process_limits *limits,
                                   uint64_t reserved_bytes);

#endif
