/* port/linux/cluster.c - named sets of processors: not on this system.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_confine.h"

enum wrt_status wrt_port_thread_set_cluster(const char *name)
{
    (void)name;
    return WRT_ERR_UNSUPPORTED;
}
