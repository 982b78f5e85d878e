/* port/qnx/heap.c - the C heap: what mallopt does on this release, told honestly.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Commands are used by name, since M_* have other numbers on every release. Up to 7.x the
 * arena commands return the previous value, which may be -1 with errno untouched; M_* are
 * accepted and ignored. From 8.0 on the arena commands are deprecated and three M_* live.
 * FIFO or LIFO order, preallocation and bands can only be set by the environment, before
 * the process starts.
 */
#include "qnx.h"

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>

enum { ARENA_MOST = 252 * 1024 }; /* the manual says below 256 KiB, the code up to it */

static enum wrt_status refuse(struct wrt_port_outcome *out, const char *why)
{
    out->why = why;
    return WRT_ERR_UNSUPPORTED;
}

static enum wrt_status applied(struct wrt_port_outcome *out, const char *why)
{
    out->applied = true;
    out->why = why;
    wrt_qnx_note_active(WRT_QNX_HEAP_TUNING);
    return WRT_OK;
}

#if WRT_QNX_RELEASE >= 700
static int set(int command, int64_t value)
{
    return mallopt(command, (intptr_t)value);
}
static const int64_t value_most = INTPTR_MAX;
#else
static int set(int command, int64_t value)
{
    return mallopt(command, (int)value);
}
static const int64_t value_most = INT_MAX;
#endif

#if WRT_QNX_SINCE_8

/* Deprecated: the answer may be an error or 0, and neither says that it took effect. */
static enum wrt_status hint(int command, int64_t value, struct wrt_port_outcome *out)
{
    (void)set(command, value);
    return refuse(out, "deprecated in 8.0: passed on as a hint, no effect is promised");
}

static enum wrt_status set_live(int command, int64_t value, struct wrt_port_outcome *out,
                                const char *why)
{
    if (set(command, value) != -1)
        return applied(out, why);
    out->why = "mallopt refused the value";
    return WRT_ERR_ARGUMENT;
}

static enum wrt_status configure(enum wrt_port_heap_option option, int64_t value,
                                 struct wrt_port_outcome *out)
{
    switch (option) {
    case WRT_PORT_HEAP_ARENA_SIZE: /* the nearest thing: must be a power of two */
        return set_live(M_GRANULARITY, value, out, "set as M_GRANULARITY, the unit of growth");
    case WRT_PORT_HEAP_CACHE_BLOCKS:
        return hint(MALLOC_ARENA_CACHE_MAXBLK, value, out);
    case WRT_PORT_HEAP_CACHE_BYTES:
        return set_live(M_TRIM_THRESHOLD, value, out, "set as M_TRIM_THRESHOLD");
    case WRT_PORT_HEAP_MEMORY_HOLD:
        return hint(MALLOC_MEMORY_HOLD, value, out);
    case WRT_PORT_HEAP_FREE_NOW:
        return hint(MALLOC_ARENA_CACHE_FREE_NOW, 1, out);
    case WRT_PORT_HEAP_MAP_THRESHOLD:
        return set_live(M_MMAP_THRESHOLD, value, out, "set as M_MMAP_THRESHOLD");
    }
    return WRT_ERR_ARGUMENT;
}

#else

/* A command whose success is its previous value; errno tells -1 the value from -1 the error. */
static enum wrt_status exchange(int command, int64_t value, struct wrt_port_outcome *out)
{
    int previous;

    errno = 0;
    previous = set(command, value);
    if (previous == -1 && errno != 0) {
        out->why = "mallopt refused the value";
        return WRT_ERR_ARGUMENT;
    }
    out->has_previous = true;
    out->previous = previous == -1 ? (int64_t)UINT_MAX : previous;
    return applied(out, "in force for the whole process");
}

static enum wrt_status set_arena_size(int64_t value, struct wrt_port_outcome *out)
{
    if (value < (int64_t)wrt_port_page_bytes() || value > ARENA_MOST) {
        out->why = "an arena is one page to 252 KiB";
        return WRT_ERR_ARGUMENT;
    }
    return exchange(MALLOC_ARENA_SIZE, value, out);
}

static enum wrt_status set_plain(int command, int64_t value, struct wrt_port_outcome *out,
                                 const char *why)
{
    if (set(command, value) == 0)
        return applied(out, why);
    out->why = "mallopt refused the value";
    return WRT_ERR_ARGUMENT;
}

static enum wrt_status configure(enum wrt_port_heap_option option, int64_t value,
                                 struct wrt_port_outcome *out)
{
    switch (option) {
    case WRT_PORT_HEAP_ARENA_SIZE:
        return set_arena_size(value, out);
    case WRT_PORT_HEAP_CACHE_BLOCKS:
        return exchange(MALLOC_ARENA_CACHE_MAXBLK, value, out);
    case WRT_PORT_HEAP_CACHE_BYTES: /* 0 means no limit, unless no block is cached either */
        return exchange(MALLOC_ARENA_CACHE_MAXSZ, value, out);
    case WRT_PORT_HEAP_MEMORY_HOLD:
        return set_plain(MALLOC_MEMORY_HOLD, value != 0, out,
                         value != 0 ? "arenas are never given back"
                                    : "caching is off: the defaults do not come back");
    case WRT_PORT_HEAP_FREE_NOW:
        return set_plain(MALLOC_ARENA_CACHE_FREE_NOW, 1, out, "the cache was given back");
    case WRT_PORT_HEAP_MAP_THRESHOLD:
        return refuse(out, "M_MMAP_THRESHOLD is accepted before 8.0 and ignored");
    }
    return WRT_ERR_ARGUMENT;
}

#endif

enum wrt_status wrt_port_heap_configure(enum wrt_port_heap_option option, int64_t value,
                                        struct wrt_port_outcome *out)
{
    *out = (struct wrt_port_outcome){.why = "this C library has no such knob"};
    wrt_qnx_note_requested(WRT_QNX_HEAP_TUNING);
    if (value < 0 || value > value_most) {
        out->why = "the value is negative or too large";
        return WRT_ERR_ARGUMENT;
    }
    return configure(option, value, out);
}

enum wrt_status wrt_port_heap_allocate(size_t alignment_bytes, size_t size_bytes, void **out)
{
    void *block;
    int error;

    if (alignment_bytes == 0) /* 6.4 would take it for any alignment */
        return WRT_ERR_ALIGNMENT;
    error = posix_memalign(&block, alignment_bytes, size_bytes);
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

/* The fields are int up to 7.x and wrap at 4 GiB; size_t on 8.0. */
#if WRT_QNX_SINCE_8
#define FIELD(value) ((uint64_t)(value))
#else
#define FIELD(value) ((uint64_t)(uint32_t)(value))
#endif

enum wrt_status wrt_port_heap_statistics(struct wrt_port_heap_info *out)
{
    struct mallinfo info = mallinfo();

    out->held_bytes = FIELD(info.arena);
    out->used_bytes = FIELD(info.uordblks);
    return WRT_OK;
}
