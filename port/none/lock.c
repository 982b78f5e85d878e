/* port/none/lock.c - locking all memory: not on this system.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_confine.h"

enum wrt_status wrt_port_lock_all(void)
{
    return WRT_ERR_UNSUPPORTED;
}
