/* port/none/confine.c - giving up rights, hosts and their workers: refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_confine.h"

enum wrt_status wrt_port_confine_self(const struct wrt_port_confinement *confinement,
                                      struct wrt_port_confined *out)
{
    (void)confinement, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_isolate_self(uint32_t wanted, uint32_t *out)
{
    (void)wanted, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_line_create(int *out_ours, int *out_theirs)
{
    (void)out_ours, (void)out_theirs;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_program_path(char *out, size_t size_bytes)
{
    (void)out, (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_object_descriptor(const struct wrt_port_object *object, int *out)
{
    (void)object, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_close_inherited(int first)
{
    (void)first;
}

bool wrt_port_counts_reservations(void)
{
    return false;
}

bool wrt_port_limits_itself(void)
{
    return false;
}
