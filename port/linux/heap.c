/* port/linux/heap.c - the C library's heap: what of the tuning calls glibc really has.
 * SPDX-License-Identifier: Apache-2.0
 *
 * glibc has no arenas of a settable size and no cache of freed ones, so those options are
 * refused with the reason. It tells no previous values.
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>

static enum wrt_status set_knob(int knob, int64_t value, struct wrt_port_outcome *out,
                                const char *why)
{
    if (value < 0 || value > INT_MAX) {
        out->why = "the value is outside 0 .. INT_MAX";
        return WRT_ERR_ARGUMENT;
    }
    out->applied = mallopt(knob, (int)value) == 1;
    out->why = out->applied ? why : "mallopt refused the value";
    return out->applied ? WRT_OK : WRT_ERR_ARGUMENT;
}

enum wrt_status wrt_port_heap_configure(enum wrt_port_heap_option option, int64_t value,
                                        struct wrt_port_outcome *out)
{
    *out = (struct wrt_port_outcome){.why = "this C library has no such knob"};
    switch (option) {
    case WRT_PORT_HEAP_ARENA_SIZE:
        out->why = "glibc grows its arenas as needed; their size is fixed at build time";
        return WRT_ERR_UNSUPPORTED;
    case WRT_PORT_HEAP_CACHE_BLOCKS:
        out->why = "glibc keeps no count of freed arenas";
        return WRT_ERR_UNSUPPORTED;
    case WRT_PORT_HEAP_CACHE_BYTES:
        return set_knob(M_TRIM_THRESHOLD, value, out, "set as M_TRIM_THRESHOLD");
    case WRT_PORT_HEAP_MEMORY_HOLD:
        if (value <= 0) {
            out->why = "glibc cannot go back to its adaptive threshold";
            return WRT_ERR_UNSUPPORTED;
        }
        return set_knob(M_TRIM_THRESHOLD, INT_MAX, out,
                        "set as M_TRIM_THRESHOLD; large blocks are still unmapped");
    case WRT_PORT_HEAP_FREE_NOW:
        out->applied = malloc_trim(0) == 1;
        out->why = out->applied ? "malloc_trim gave memory back"
                                : "malloc_trim found nothing to give back";
        return WRT_OK;
    case WRT_PORT_HEAP_MAP_THRESHOLD:
        return set_knob(M_MMAP_THRESHOLD, value, out, "set as M_MMAP_THRESHOLD");
    }
    return WRT_ERR_ARGUMENT;
}

enum wrt_status wrt_port_heap_allocate(size_t alignment_bytes, size_t size_bytes, void **out)
{
    void *block;
    int error = posix_memalign(&block, alignment_bytes, size_bytes);

    if (error == EINVAL)
        return WRT_ERR_ALIGNMENT;
    if (error != 0)
        return WRT_ERR_NO_MEMORY;
    *out = block;
    return WRT_OK;
}

void wrt_port_heap_free(void *block)
{
    free(block);
}

#if defined(__GLIBC__)
enum wrt_status wrt_port_heap_statistics(struct wrt_port_heap_info *out)
{
    struct mallinfo2 info = mallinfo2();

    out->held_bytes = info.arena + info.hblkhd;
    out->used_bytes = info.uordblks + info.hblkhd;
    return WRT_OK;
}
#else
enum wrt_status wrt_port_heap_statistics(struct wrt_port_heap_info *out)
{
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}
#endif
