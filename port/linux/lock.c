/* port/linux/lock.c - locking all memory of the process.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <sys/mman.h>

#include "port_confine.h"

enum wrt_status wrt_port_lock_all(void)
{
    wrt_linux_note_requested(WRT_LINUX_LOCK);
    /* ENOMEM is RLIMIT_MEMLOCK. Reservations have no rights, so they take nothing. */
    if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
        return errno == ENOMEM ? WRT_ERR_LIMIT : wrt_linux_to_status(errno);
    wrt_linux_note_active(WRT_LINUX_LOCK);
    return WRT_OK;
}
