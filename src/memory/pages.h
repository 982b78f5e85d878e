/* src/memory/pages.h - shared by the files of this room.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_MEMORY_PAGES_H
#define WRT_MEMORY_PAGES_H

#include "base/tags.h"
#include "port.h"
#include "wrt/memory.h"

/* What a configuration comes to, in bytes. */
struct plan {
    uint64_t page_bytes, initial_bytes, maximum_bytes;
    uint64_t committed_bytes, before_bytes, after_bytes, reservation_bytes;
};

static inline uint64_t host_page(void)
{
    return wrt_port_page_bytes();
}

static inline uint64_t round_to_host(uint64_t bytes) /* callers know that it fits */
{
    return (bytes + host_page() - 1) & ~(host_page() - 1);
}

/* A tagged memory is one whose base carries a tag; all its committed granules have the same. */
static inline unsigned rights_when_open(const struct wrt_page_allocator *pages)
{
    return WRT_PORT_READ_WRITE | (wrt_pointer_tag(pages->base) != 0 ? WRT_PORT_TAGGED : 0u);
}

WRT_MUST_CHECK enum wrt_status wrt_pages_charge(struct wrt_partition *partition,
                                                uint64_t size_bytes, struct wrt_error *error);
void wrt_pages_uncharge(struct wrt_partition *partition, uint64_t size_bytes);

/* Makes base .. base + committed accessible: the image first, if there is one, then zero
 * pages; and resident, where that was asked. On error everything is inaccessible again. */
WRT_MUST_CHECK enum wrt_status
wrt_pages_populate(struct wrt_page_allocator *pages, uint64_t committed_bytes,
                   struct wrt_error *error);

/* Commits base + from .. base + to, which was not committed. */
WRT_MUST_CHECK enum wrt_status
wrt_pages_commit(struct wrt_page_allocator *pages, uint64_t from, uint64_t to,
                 struct wrt_error *error);

/* Initial contents again in 0 .. size_bytes: keep_bytes by hand, the rest by the system. */
WRT_MUST_CHECK enum wrt_status
wrt_pages_clear(struct wrt_page_allocator *pages, uint64_t size_bytes, uint64_t keep_bytes,
                struct wrt_error *error);

/* The checks "probe" and "zero"; new_from: where new bytes start. */
WRT_MUST_CHECK enum wrt_status
wrt_pages_verify(struct wrt_page_allocator *pages, uint64_t size_bytes, uint64_t new_from,
                 struct wrt_error *error);

/* The pool's part of allocate and free. */
WRT_MUST_CHECK enum wrt_status
wrt_page_pool_take(struct wrt_page_allocator *pages, const struct wrt_page_config *config,
                   struct plan *plan, struct wrt_error *error);
void wrt_page_pool_give(struct wrt_page_allocator *pages);

/* The shared object's part. */
WRT_MUST_CHECK enum wrt_status
wrt_shared_memory_map(struct wrt_page_allocator *pages, const struct wrt_page_config *config,
                      struct plan *plan, struct wrt_error *error);

#endif
