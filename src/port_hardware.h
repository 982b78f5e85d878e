/* src/port_hardware.h - what an operating system says of the processor's protections, and the
 * two that it takes calls to use: memory tags and memory keys.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The conventions of port.h hold here. What can be seen or done by instructions alone is in
 * src/secure/hardware.c and src/base/tags.h.
 */
#ifndef WRT_PORT_HARDWARE_H
#define WRT_PORT_HARDWARE_H

#include "port.h"
#include "wrt/hardware.h"

/* What the system adds to what instructions tell. */
struct wrt_port_hardware {
    bool is_requested; /* by a call of this file's */
    bool is_available, is_active;
    const char *why; /* why it is not available or not active; else how it is done; never NULL */
};
void wrt_port_hardware_get(enum wrt_hardware feature, struct wrt_port_hardware *out);

/* The calling thread's mode; pointers with a tag are good for system calls from then on. What
 * the machine would turn into another mode is ERR_UNSUPPORTED. On error the mode is as before.
 * Linux: prctl(PR_SET_TAGGED_ADDR_CTRL). QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status wrt_port_tags_set_mode(enum wrt_tag_mode mode);
enum wrt_tag_mode wrt_port_tags_mode(void);

/* Can committed pages be tagged (WRT_PORT_TAGGED)? Constant while the process runs. */
bool wrt_port_has_tags(void);

/* ---- colours of caches ---- */

/* Bytes after which addresses come to the same set again of the first processor's cache of that
 * level (data or unified); 0: not known. Linux: /sys/devices/system/cpu. QNX: 0. */
size_t wrt_port_cache_way_bytes(unsigned level);
/* Commits pages that were not, zero and resident, whose physical addresses lie in those runs, from the
 * first on: run_bytes in a row each. ERR_UNSUPPORTED: no huge page was to be had, or the period is
 * longer than one; ERR_NO_MEMORY; nothing is committed then. O(size_bytes). wrt_port_reset would
 * lose the colour.
 * Linux: transparent huge pages, mremap. QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status
wrt_port_commit_coloured(void *address, size_t size_bytes, const struct wrt_colour_runs *runs,
                         unsigned rights);

/* ---- memory keys: rights of pages that each thread can take back from itself ---- */

/* A key for pages that no thread may touch but those that wrt_port_key_open. 1 .. 15.
 * ERR_UNSUPPORTED: no keys here; ERR_LIMIT: all are taken. Linux: pkey_alloc. */
WRT_MUST_CHECK enum wrt_status wrt_port_key_create(uint32_t *out);
void wrt_port_key_destroy(uint32_t key);
/* Rights and key of committed pages. Linux: pkey_mprotect. */
WRT_MUST_CHECK enum wrt_status wrt_port_key_protect(void *address, size_t size_bytes,
                                                    unsigned rights, uint32_t key);
/* The calling thread may touch pages with the key, or not. No call of the system. */
void wrt_port_key_open(uint32_t key, bool is_open);
bool wrt_port_key_is_open(uint32_t key);

#endif
