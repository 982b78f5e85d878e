/* port/qnx/hardware.c - QNX documents no call about the processor's protections.
 * SPDX-License-Identifier: Apache-2.0
 *
 * No page or header of 7.1 or 8.0 names memory tags, memory keys or shadow stacks, so none is
 * served. That pointers are signed on AArch64 shows without a call (src/secure/hardware.c);
 * that landing pads are enforced does not.
 */
#include "../posix/posix.h"
#include "port_hardware.h"

static uint32_t requested; /* bit per enum wrt_hardware */

static void note_requested(enum wrt_hardware feature)
{
    __atomic_fetch_or(&requested, 1u << feature, __ATOMIC_RELAXED);
}

void wrt_port_hardware_get(enum wrt_hardware feature, struct wrt_port_hardware *out)
{
    *out = (struct wrt_port_hardware){
        .is_requested = (__atomic_load_n(&requested, __ATOMIC_RELAXED) >> feature & 1) != 0,
        .why = feature == WRT_HARDWARE_LANDING_PADS || feature == WRT_HARDWARE_WRITE_XOR_EXECUTE
                   ? "QNX does not say"
                   : "QNX documents no call for it"};
}

enum wrt_status wrt_port_tags_set_mode(enum wrt_tag_mode mode)
{
    note_requested(mode == WRT_TAG_MODE_ASYNC        ? WRT_HARDWARE_TAGS_ASYNC
                   : mode == WRT_TAG_MODE_ASYMMETRIC ? WRT_HARDWARE_TAGS_ASYMMETRIC
                                                     : WRT_HARDWARE_TAGS_SYNC);
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
    note_requested(WRT_HARDWARE_MEMORY_KEYS);
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

uint32_t wrt_posix_thread_rights(void)
{
    return 0;
}

void wrt_posix_restore_rights(uint32_t rights)
{
    (void)rights;
}
