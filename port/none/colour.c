/* port/none/colour.c - pages by cache set: the system does not say which set a page falls into.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_hardware.h"

size_t wrt_port_cache_way_bytes(unsigned level)
{
    (void)level;
    return 0;
}

enum wrt_status wrt_port_commit_coloured(void *address, size_t size_bytes,
                                         const struct wrt_colour_runs *runs, unsigned rights)
{
    (void)address;
    (void)size_bytes;
    (void)runs;
    (void)rights;
    return WRT_ERR_UNSUPPORTED;
}
