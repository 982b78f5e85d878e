/* port/linux/group.h - control groups: memory, processor time and tasks of one process.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PORT_LINUX_GROUP_H
#define WRT_PORT_LINUX_GROUP_H

#include <sys/types.h>

#include "port.h"

/* Puts the process into groups of its own below ours, with these limits, version 1 or 2,
 * whichever the machine has. Returns the WRT_PORT_CONFINE_ bits now in force; what is missing
 * is not there or not permitted. Again with other limits: changes them. */
uint32_t wrt_linux_group_limit(pid_t process, const struct wrt_port_process_limits *limits);

/* After the process was reaped. */
void wrt_linux_group_remove(pid_t process);

/* Calls visit for each name in a directory; no heap. False: it cannot be read. */
bool wrt_linux_list(const char *path, void (*visit)(const char *name, void *context),
                    void *context);

#endif
