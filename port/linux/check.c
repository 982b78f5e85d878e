/* port/linux/check.c - this port has no checks of its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_check.h"

#include <stddef.h>

const struct wrt_port_check *wrt_port_get_check(uint32_t index)
{
    (void)index;
    return NULL;
}
