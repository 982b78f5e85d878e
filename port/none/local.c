/* port/none/local.c - processors, file identities: refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_local.h"

uint32_t wrt_port_user(void)
{
    return 0;
}

uint32_t wrt_port_processors(void)
{
    return 1;
}

enum wrt_status wrt_port_identify(const char *path, struct wrt_port_identity *out)
{
    (void)path, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_directory_usable(const char *path, bool for_writing)
{
    (void)path, (void)for_writing;
    return WRT_ERR_UNSUPPORTED;
}
