/* wrt/memory.h - page allocators: where a linear memory's bytes live.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_MEMORY_H
#define WRT_MEMORY_H

#include "wrt/base.h"
#include "wrt/partition.h"

WRT_BEGIN_DECLS

enum wrt_page_provider { WRT_PAGES_RESERVED = 0, WRT_PAGES_NATIVE, WRT_PAGES_STATIC };

/* Zero-fill, set what you need. */
struct wrt_page_config {
    enum wrt_page_provider provider;
    uint64_t page_bytes;     /* WebAssembly page: power of two 1 .. 65536; 0 = 65536 */
    uint64_t initial_pages;
    uint64_t maximum_pages;  /* growth limit; the reservation's size */
    uint64_t guard_before_bytes; /* rounded up to host pages; 0 = none */
    uint64_t guard_after_bytes;
    void *static_block;      /* provider STATIC: keeps, caller's, until free */
    uint64_t static_block_bytes;
};

/* One linear memory. The engine reads base and size_bytes directly (private otherwise).
 *   base .. base + size_bytes      accessible, zero when first seen
 *   base + size_bytes .. reserved  not accessible
 */
struct wrt_page_allocator {
    uint8_t *base;           /* never moves with RESERVED and STATIC */
    uint64_t size_bytes;     /* current; a multiple of page_bytes */
    uint64_t page_bytes;
    uint64_t maximum_pages;
    struct wrt_partition *partition;
    enum wrt_page_provider provider;
    uint8_t *reservation;    /* start of the whole reservation, guards included */
    uint64_t reservation_bytes;
    uint64_t committed_bytes; /* host pages committed and charged (LINEAR) */
    uint64_t guard_before_bytes, guard_after_bytes; /* in force, in whole host pages */
    uint32_t owner_ticket;   /* how a fault inside finds out that it is ours */
};

/* Fills *pages. Charges committed bytes to the partition as LINEAR. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pages_allocate(struct wrt_page_allocator *pages, struct wrt_partition *partition,
                   const struct wrt_page_config *config, struct wrt_error *error);

/* Grows by delta_pages (0 allowed). A refusal changes nothing. New bytes are zero. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pages_grow(struct wrt_page_allocator *pages, uint64_t delta_pages, struct wrt_error *error);

/* Releases everything and zero-fills *pages. */
WRT_API void wrt_pages_free(struct wrt_page_allocator *pages);

WRT_END_DECLS
#endif
