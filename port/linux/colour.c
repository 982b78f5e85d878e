/* port/linux/colour.c - memory that falls into a part of a cache's sets.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Which set an address comes to is decided by its physical address, which a process does not know; but
 * within a huge page, which is physically contiguous and aligned, it knows the low bits. So a huge
 * page is taken, the kernel is asked whether it really is one, and its pages of the right colour
 * are moved (mremap) to where they are wanted; the others go back to the kernel, which frees them when
 * memory runs short. Moved pages stay where they are in physical memory until the kernel
 * migrates or swaps them.
 */
#define _GNU_SOURCE
#include "linux.h"

#include "base/tags.h"
#include "port_hardware.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

enum { MOST_CACHES = 8 };

static atomic_bool was_requested, was_given;

static bool read_text(unsigned cache, const char *name, char *text, size_t size)
{
    char path[96];
    ssize_t got;
    int file;

    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%u/%s", cache, name);
    file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    got = read(file, text, size - 1);
    close(file);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static size_t read_number(unsigned cache, const char *name)
{
    char text[24];
    size_t number = 0;

    if (!read_text(cache, name, text, sizeof text))
        return 0;
    for (const char *at = text; *at >= '0' && *at <= '9' && number < SIZE_MAX / 20; at++)
        number = number * 10 + (size_t)(*at - '0');
    return number;
}

size_t wrt_port_cache_way_bytes(unsigned level)
{
    for (unsigned cache = 0; cache < MOST_CACHES; cache++) {
        char type[16];

        if (read_number(cache, "level") == level && read_text(cache, "type", type, sizeof type) &&
            type[0] != 'I')
            return read_number(cache, "number_of_sets") *
                   read_number(cache, "coherency_line_size");
    }
    return 0;
}

/* A huge page that is one, all zero; between pages without access, so that no other mapping is counted
 * with it. NULL: the kernel gave none now. */
static uint8_t *take_huge_page(size_t huge, uint8_t **out_mapping)
{
    struct wrt_port_range_info info;
    uint8_t *mapping = mmap(NULL, 3 * huge, PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint8_t *page;

    if (mapping == MAP_FAILED)
        return NULL;
    *out_mapping = mapping;
    page = mapping + huge - ((uintptr_t)mapping & (huge - 1));
    if (mprotect(page, huge, PROT_READ | PROT_WRITE) == 0 &&
        madvise(page, huge, MADV_HUGEPAGE) == 0 && madvise(page, huge, MADV_POPULATE_WRITE) == 0 &&
        wrt_port_query(page, huge, &info) == WRT_OK && info.huge_bytes == huge)
        return page;
    (void)munmap(mapping, 3 * huge);
    return NULL;
}

/* Moves runs of one huge page to `address` until size_bytes are there or it has no more. Gives
 * what it moved. */
static size_t move_runs(uint8_t *page, size_t huge, const struct wrt_colour_runs *runs,
                        uint8_t *address, size_t size_bytes)
{
    size_t moved = 0;

    for (size_t at = runs->offset_bytes; at < huge && moved < size_bytes;
         at += runs->period_bytes) {
        size_t left = size_bytes - moved;
        size_t run = left < runs->run_bytes ? left : runs->run_bytes;

        if (mremap(page + at, run, run, MREMAP_MAYMOVE | MREMAP_FIXED, address + moved) ==
            MAP_FAILED)
            break;
        moved += run;
    }
    return moved;
}

enum wrt_status wrt_port_commit_coloured(void *address, size_t size_bytes,
                                         const struct wrt_colour_runs *runs, unsigned rights)
{
    size_t huge = wrt_port_huge_page_bytes(), done = 0;
    uint8_t *start = wrt_untagged(address);
    enum wrt_status status;

    atomic_store_explicit(&was_requested, true, memory_order_relaxed);
    if (huge == 0 || runs->period_bytes > huge)
        return WRT_ERR_UNSUPPORTED;
    wrt_linux_note_requested(WRT_LINUX_HUGE_PAGES);
    while (done < size_bytes) {
        uint8_t *mapping, *page = take_huge_page(huge, &mapping);
        size_t moved = page != NULL ? move_runs(page, huge, runs, start + done, size_bytes - done)
                                    : 0;

        if (page != NULL)
            (void)munmap(mapping, 3 * huge);
        if (moved == 0) {
            (void)!wrt_port_decommit(start, size_bytes);
            return page != NULL ? WRT_ERR_NO_MEMORY : WRT_ERR_UNSUPPORTED;
        }
        done += moved;
    }
    wrt_linux_note_active(WRT_LINUX_HUGE_PAGES);
    status = wrt_port_protect(start, size_bytes, rights);
    if (status != WRT_OK)
        (void)!wrt_port_decommit(start, size_bytes);
    else
        atomic_store_explicit(&was_given, true, memory_order_relaxed);
    return status;
}

const char *wrt_linux_colours_missing(void)
{
    size_t huge = wrt_port_huge_page_bytes(), way = wrt_port_cache_way_bytes(2);
    uint8_t *mapping;

    if (way == 0)
        return "the system does not tell the sets of cache 2";
    if (huge == 0 || way > huge)
        return "no huge page is as long as a way of cache 2";
    if (take_huge_page(huge, &mapping) == NULL)
        return "the kernel was asked for a huge page, and gave none";
    (void)munmap(mapping, 3 * huge);
    return NULL;
}

bool wrt_linux_colours_requested(void)
{
    return atomic_load_explicit(&was_requested, memory_order_relaxed);
}

bool wrt_linux_colours_given(void)
{
    return atomic_load_explicit(&was_given, memory_order_relaxed);
}
