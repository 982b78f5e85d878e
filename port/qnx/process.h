/* port/qnx/process.h - limits and shares, for process.c, share.c and confine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PORT_QNX_PROCESS_H
#define WRT_PORT_QNX_PROCESS_H

#include <sched.h>
#include <sys/types.h>

#include "port_confine.h"

/* process.c: reserved_bytes is added to the memory limit: the kernel counts reservations as
 * used. */
enum wrt_status wrt_qnx_set_limits(pid_t process, const struct wrt_port_process_limits *limits,
                                   uint64_t reserved_bytes);

/* enum wrt_port_confine: what limits that are set put in force. */
uint32_t wrt_qnx_confined_by(const struct wrt_port_process_limits *limits);

/* share.c. Can this release cap the processor time of a process at all? */
bool wrt_qnx_has_cpu_cap(void);
/* Gives the process that share, with a cap; ERR_UNSUPPORTED: without (what can be done instead
 * was done). threads: that the process may have; 0: not limited. */
enum wrt_status wrt_qnx_limit_cpu(pid_t process, uint64_t permille, uint32_t threads);
void wrt_qnx_process_ended(pid_t process); /* its share is free again */
/* Fills what the first thread of a process with these limits is to be started with; false:
 * nothing. */
bool wrt_qnx_spawn_sporadic(const struct wrt_port_process_limits *limits, struct sched_param *out);

/* confine.c: moves every thread of the process. */
enum wrt_status wrt_qnx_join_all(const struct wrt_port_budget *budget, pid_t process);
void wrt_qnx_sporadic(int high, int low, uint64_t budget_ns, uint64_t period_ns,
                      struct sched_param *out);
enum wrt_status wrt_qnx_set_sporadic(const struct sched_param *parameters); /* this thread's */

#endif
