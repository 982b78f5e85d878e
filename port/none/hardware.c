/* port/none/hardware.c - a system that says nothing of the processor's protections.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_hardware.h"

void wrt_port_hardware_get(enum wrt_hardware feature, struct wrt_port_hardware *out)
{
    (void)feature;
    *out = (struct wrt_port_hardware){.why = "the system does not say"};
}

enum wrt_status wrt_port_tags_set_mode(enum wrt_tag_mode mode)
{
    (void)mode;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_tag_mode wrt_port_tags_mode(void)
{
    return WRT_TAG_MODE_OFF;
}

bool wrt_port_has_tags(void)
{
    return false;
}

enum wrt_status wrt_port_key_create(uint32_t *out)
{
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_key_destroy(uint32_t key)
{
    (void)key;
}

enum wrt_status wrt_port_key_protect(void *address, size_t size_bytes, unsigned rights,
                                     uint32_t key)
{
    (void)address;
    (void)size_bytes;
    (void)rights;
    (void)key;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_key_open(uint32_t key, bool is_open)
{
    (void)key;
    (void)is_open;
}

bool wrt_port_key_is_open(uint32_t key)
{
    (void)key;
    return false;
}
