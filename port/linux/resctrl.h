/* port/linux/resctrl.h - which ways of the shared cache one process may fill.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PORT_LINUX_RESCTRL_H
#define WRT_PORT_LINUX_RESCTRL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WRT_LINUX_RESCTRL "/sys/fs/resctrl"

/* Puts the process into a resource group of its own, whose loads fill only these ways (bit n: way
 * n) of the last cache that the machine can divide, of every such cache. False: there is no such file
 * system, or it refuses (no such ways, a gap where the processor wants none, no group left, no
 * right); nothing is left behind then. Again with other ways: changes them.
 * root: WRT_LINUX_RESCTRL, but for tests. */
bool wrt_linux_resctrl_limit(const char *root, pid_t process, uint64_t ways);

/* After the process was reaped. */
void wrt_linux_resctrl_remove(const char *root, pid_t process);

#endif
