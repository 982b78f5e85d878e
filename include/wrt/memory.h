/* wrt/memory.h - page allocators: where a linear memory's bytes live.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Providers
 *   RESERVED  the default: addresses for the maximum and the guards are reserved once, pages
 *             are committed as it grows, the base never moves
 *   NATIVE    a block of the C library's heap, tuned by wrt_native_heap_configure; growth
 *             copies and moves the base; no guards, they could harm the heap
 *   STATIC    one block that the caller owns, for systems without virtual memory
 *   POOLED    a slot of a wrt_page_pool: as RESERVED, but reserved before and reused
 *   SHARED    an object that two partitions share on purpose
 *
 * Threads: one memory, pool or image belongs to one thread at a time; different ones may be
 * used together. Calls that map or protect enter the system and may block there; growth of
 * RESERVED and POOLED costs at most two calls of the system, whatever the size.
 */
#ifndef WRT_MEMORY_H
#define WRT_MEMORY_H

#include "wrt/base.h"
#include "wrt/hardware.h"
#include "wrt/partition.h"

WRT_BEGIN_DECLS

enum wrt_page_provider {
    WRT_PAGES_RESERVED = 0,
    WRT_PAGES_NATIVE,
    WRT_PAGES_STATIC,
    WRT_PAGES_POOLED,
    WRT_PAGES_SHARED
};

enum wrt_page_rights {
    WRT_PAGE_NONE = 0,
    WRT_PAGE_READ = 1,
    WRT_PAGE_READ_WRITE = 3,
    WRT_PAGE_READ_EXECUTE = 5
};

enum wrt_huge_pages { WRT_HUGE_DEFAULT = 0, WRT_HUGE_NEVER, WRT_HUGE_ADVISE };

struct wrt_page_image;
struct wrt_page_pool;
struct wrt_shared_memory;

/* Zero-fill, set what you need. A field that the provider cannot serve is ERR_UNSUPPORTED
 * and named. */
struct wrt_page_config {
    enum wrt_page_provider provider;
    uint64_t page_bytes;     /* WebAssembly page: power of two 1 .. 65536; 0 = 65536 */
    uint64_t initial_pages;
    uint64_t maximum_pages;  /* growth limit; the reservation's size */
    uint64_t guard_before_bytes; /* rounded up to host pages; 0 = none */
    uint64_t guard_after_bytes;
    bool guard_is_readable;  /* guards refuse writes only (they take memory on QNX) */
    void *static_block;      /* provider STATIC: keeps, caller's, until free */
    uint64_t static_block_bytes;
    struct wrt_page_image *image; /* RESERVED, POOLED: keeps; the first bytes, copied on write;
                                     not above the initial size */
    struct wrt_page_pool *pool;         /* POOLED: keeps */
    struct wrt_shared_memory *shared;   /* SHARED: keeps */
    enum wrt_huge_pages huge_pages;     /* RESERVED; a wish: wrt_pages_get_info reports */
    bool has_node;                      /* RESERVED: `numa_node` below is preferred */
    uint32_t numa_node;
    const char *typed_pool;             /* RESERVED: QNX typed memory by name; borrowed */
    bool prefault;           /* no access faults later: committed pages are resident at once */
    bool lock;               /* and stay so; ERR_DENIED or ERR_LIMIT if that is not allowed */
    enum wrt_tagging tags;   /* RESERVED without image: all its bytes and its base have one tag,
                                which is not that of the next tagged memory before or after; an
                                access by any other pointer faults. Commit, growth and reset
                                become O(bytes). Else WANTED is OFF, REQUIRED ERR_UNSUPPORTED */
    struct wrt_cache_colour colour; /* RESERVED without image and huge_pages: all its bytes have it
                                (wrt/hardware.h), else ERR_UNSUPPORTED. Commit, growth and reset
                                become O(bytes); a mapping for each run */
};

/* One linear memory. The engine reads base and size_bytes directly (private otherwise).
 *   base .. base + size_bytes      accessible, zero when first seen
 *   base + size_bytes .. reserved  not accessible
 */
struct wrt_page_allocator {
    uint8_t *base;           /* never moves but with NATIVE; carries its tag */
    uint64_t size_bytes;     /* current; a multiple of page_bytes */
    uint64_t page_bytes;
    uint64_t maximum_pages;
    struct wrt_partition *partition;
    enum wrt_page_provider provider;
    uint8_t *reservation;    /* start of the whole reservation, guards included */
    uint64_t reservation_bytes;
    uint64_t committed_bytes; /* host pages committed and charged (LINEAR) */
    uint64_t initial_bytes;
    uint64_t guard_before_bytes, guard_after_bytes; /* in force, in whole host pages */
    uint32_t owner_ticket;   /* how a fault inside finds out that it is ours */
    struct wrt_partition_region region; /* in a sealed partition: what is closed with it. So the
                                           struct must stay where it was filled */
    uint32_t slot;           /* POOLED */
    struct wrt_page_image *image;
    struct wrt_page_pool *pool;
    struct wrt_shared_memory *shared;
    bool is_protected;       /* rights were changed since the last reset */
    bool is_probed, is_zero_checked; /* checks of the room "memory" */
    bool prefault, lock;
    bool guard_is_readable;
    enum wrt_huge_pages huge_pages;
    struct wrt_colour_runs runs; /* period 0: not coloured */
};

/* Fills *pages. Charges committed bytes to the partition as LINEAR. In a sealed partition a
 * thread must be inside (ERR_STATE), for this and every other call, and NATIVE, STATIC and
 * wrt_pages_protect are ERR_UNSUPPORTED: they could not be closed, or not opened as they were.
 * Cost: O(1); O(initial bytes) for NATIVE, STATIC, prefault, lock, tags, colour and the check
 * "zero", may block (system), may fault; 5500 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pages_allocate(struct wrt_page_allocator *pages, struct wrt_partition *partition,
                   const struct wrt_page_config *config, struct wrt_error *error);

/* Grows by delta_pages (0 allowed). A refusal changes nothing. New bytes are zero.
 * Cost: O(1), at most two calls of the system; O(new bytes) for NATIVE, STATIC, prefault, lock,
 * tags, colour and the check "zero", may block (system), may fault; 550 steps, 4700 bytes of
 * stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pages_grow(struct wrt_page_allocator *pages, uint64_t delta_pages, struct wrt_error *error);

/* Back to the initial size and contents (zero, or the image) and full rights; what was
 * committed above is given back and no longer charged. Not SHARED (ERR_UNSUPPORTED). When
 * the system fails half-way (ERR_NO_MEMORY) only wrt_pages_free may follow.
 * Cost: O(bytes kept or written since); O(size) for NATIVE, STATIC, tags, colour and the check
 * "zero", may block (system), may fault; 384 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pages_reset(struct wrt_page_allocator *pages, struct wrt_error *error);

/* Rights of offset .. offset + size_bytes, both in host pages (ERR_ALIGNMENT), within the
 * current size (ERR_BOUNDS, ERR_OVERFLOW); a range is never writable and executable. Kept
 * across growth, until the next reset. RESERVED and POOLED (others ERR_UNSUPPORTED).
 * Cost: O(1), one call of the system, may block (system), never faults; 130 steps, 320 bytes of
 * stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pages_protect(struct wrt_page_allocator *pages, uint64_t offset, uint64_t size_bytes,
                  enum wrt_page_rights rights, struct wrt_error *error);

/* Releases everything and zero-fills *pages. POOLED: the slot goes back, reset.
 * Cost: O(1), a few calls of the system; POOLED as reset, may block (system), may fault; 416 bytes
 * of stack. */
WRT_API void wrt_pages_free(struct wrt_page_allocator *pages);

/* Is the address inside the memory or its guards? Then *out_offset is its distance from the
 * base (negative: guard before). For whoever turns a fault into a trap.
 * Cost: O(1), never blocks, never faults; 40 steps. */
WRT_API bool wrt_pages_owns(const struct wrt_page_allocator *pages, const void *address,
                            int64_t *out_offset);

/* What is really in force. Reads the system's figures: slow, for reports. */
struct wrt_page_info {
    uint64_t size_bytes, committed_bytes, reservation_bytes;
    uint64_t guard_before_bytes, guard_after_bytes;
    bool guards_are_probed;  /* the check "probe" ran and the system could answer */
    bool has_figures;        /* the system told the three below */
    uint64_t resident_bytes, huge_bytes, locked_bytes;
    enum wrt_huge_pages huge_requested;
    uint8_t tag;             /* of all its bytes; 0: not tagged */
};
/* Cost: O(mappings of the process), may block (system), never faults; 4400 bytes of stack. */
WRT_API void wrt_pages_get_info(const struct wrt_page_allocator *pages,
                                struct wrt_page_info *out);

/* ---- images: initial contents, kept once and copied on write ---- */

/* One image; private fields. Charged to its partition as DATA. Memories in several threads
 * may map one image together. */
struct wrt_page_image {
    struct wrt_partition *partition;
    uint64_t size_bytes;     /* in whole host pages */
    uint8_t *bytes;          /* a read-only mapping of it */
    int64_t object_handle;
    uint32_t users;
    struct wrt_partition_region region; /* in a sealed partition; must stay where it is */
};

/* Copies size_bytes (>= 1) into a new image. ERR_UNSUPPORTED without memory objects.
 * Cost: O(size), may block (system), may fault; 1300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_page_image_create(struct wrt_page_image *image, struct wrt_partition *partition,
                      const void *bytes, uint64_t size_bytes, struct wrt_error *error);
/* ERR_BUSY while a memory or a pool slot maps it.
 * Cost: O(1), may block (system), never faults; 288 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_page_image_destroy(struct wrt_page_image *image, struct wrt_error *error);

/* ---- pools: slots reserved before, taken and given back in microseconds ---- */

/* Zero-fill, set what you need. */
struct wrt_page_pool_config {
    uint32_t slots;              /* 1 .. 1,000,000 */
    uint64_t slot_bytes;         /* the largest memory a slot can hold; in whole host pages */
    uint64_t guard_bytes;        /* between slots and at both ends; rounded up to host pages */
    uint64_t keep_bytes;         /* of each slot: cleared by hand at a reset instead of given
                                    back to the system; charged to the pool's partition as
                                    LINEAR for all slots; 0 = none */
};

struct wrt_page_pool_slot;

/* One pool; private fields. Its table is charged to the partition as RUNTIME. */
struct wrt_page_pool {
    struct wrt_partition *partition;
    struct wrt_page_pool_slot *slot;
    uint8_t *reservation;
    uint64_t reservation_bytes, slot_bytes, stride_bytes, guard_bytes, keep_bytes;
    uint32_t slots, used, first_free;
    uint32_t owner_ticket;
};

/* Cost: O(slots), may block (system), may fault; 5400 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_page_pool_create(struct wrt_page_pool *pool, struct wrt_partition *partition,
                     const struct wrt_page_pool_config *config, struct wrt_error *error);
/* ERR_BUSY while a slot is taken.
 * Cost: O(slots), may block (system), never faults; 672 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_page_pool_destroy(struct wrt_page_pool *pool, struct wrt_error *error);
/* Unmaps what free slots hold ready, images too, so that those can be destroyed. Later
 * memories prepare their slots anew. A slot that the system refuses to clear stays as it
 * was.
 * Cost: O(slots), a call of the system for each that holds something, may block (system), never
 * faults. */
WRT_API void wrt_page_pool_trim(struct wrt_page_pool *pool);

/* ---- memory that two partitions share on purpose ---- */

/* Private fields. Its bytes are charged to the owner as LINEAR, once. */
struct wrt_shared_memory {
    struct wrt_partition *owner, *peer;
    uint64_t size_bytes;
    int64_t object_handle;
    bool peer_reads_only;
    uint32_t users;
};

/* An object of size_bytes (whole host pages, never resized). Memories with the provider
 * SHARED map it in the owner's partition and in the one peer's, nowhere else (ERR_DENIED);
 * the peer's is read-only where asked: a guest's write there is a guard hit.
 * Cost: O(1), may block (system), never faults; 1200 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_shared_memory_create(struct wrt_shared_memory *shared, struct wrt_partition *owner,
                         struct wrt_partition *peer, bool peer_reads_only,
                         uint64_t size_bytes, struct wrt_error *error);
/* ERR_BUSY while it is mapped.
 * Cost: O(1), may block (system), never faults; 288 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_shared_memory_destroy(struct wrt_shared_memory *shared, struct wrt_error *error);

/* ---- the C library's heap, which the provider NATIVE uses ---- */

/* Zero-fill; a zero field is left alone. The names are QNX's; the heap is the process's. */
struct wrt_native_heap_options {
    uint64_t arena_bytes;
    uint64_t cache_blocks;
    uint64_t cache_bytes;
    uint64_t map_threshold_bytes;
    bool memory_hold;
    bool free_now;
};

enum { WRT_NATIVE_HEAP_OPTIONS = 6 };

struct wrt_native_heap_outcome {
    const char *name;     /* of the field */
    bool is_requested, is_applied, has_previous;
    int64_t previous;
    const char *why;      /* a sentence; never NULL */
};

/* Asks for each requested option and reports what became of it. OK also when some or all
 * were not applied: read the report.
 * Cost: O(1), may block (system), may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_native_heap_configure(const struct wrt_native_heap_options *options,
                          struct wrt_native_heap_outcome outcome[WRT_NATIVE_HEAP_OPTIONS]);

WRT_END_DECLS
#endif
