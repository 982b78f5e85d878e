/* memory.c - linear memories, atomic memory, seals.  SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

#include <string.h>

enum { ATOMIC_BYTES = 65536, LARGE = 4096 };

static struct wrt_partition *partition;
static struct wrt_page_allocator pages;
static struct wrt_error error;

static void begin_pages(void)
{
    static const struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 256,
                                                  .guard_after_bytes = 65536};

    TIMING_MUST(wrt_partition_create(NULL, NULL, &partition, NULL));
    TIMING_MUST(wrt_pages_allocate(&pages, partition, &config, &error));
}

static void end_pages(void)
{
    wrt_pages_free(&pages);
    TIMING_MUST(wrt_partition_destroy(partition, NULL));
}

static void grow(void)
{
    timing_status = wrt_pages_grow(&pages, 1, &error);
}

static void grow_by_all(void)
{
    timing_status = wrt_pages_grow(&pages, 255, &error);
}

static void reset(void)
{
    timing_status = wrt_pages_reset(&pages, &error);
}

static void undo_grow(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_pages_reset(&pages, &error));
}

static void first_grow(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_pages_grow(&pages, 1, &error));
    pages.base[pages.size_bytes - 1] = 1;
}

static void grow_too_far(void)
{
    enum wrt_status status = wrt_pages_grow(&pages, UINT64_C(1) << 48, &error);

    timing_status = status < 0 ? WRT_OK : WRT_ERR_STATE;
}

static void protect(void)
{
    timing_status = wrt_pages_protect(&pages, 0, 4096, WRT_PAGE_READ, &error);
}

static void undo_protect(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_pages_protect(&pages, 0, 4096, WRT_PAGE_READ_WRITE, &error));
}

static void owns(void)
{
    int64_t offset;

    timing_status = wrt_pages_owns(&pages, pages.base + pages.size_bytes, &offset)
                        ? WRT_OK : WRT_ERR_STATE;
}

/* ---- atomic memory ---- */

static struct wrt_atomic_memory atomic;
static uint64_t memory[ATOMIC_BYTES / 8], store[8 * ATOMIC_BYTES / 8];
static uint8_t bytes[LARGE];

static void begin_atomic(enum wrt_verification_level level)
{
    const struct wrt_atomic_memory_config config = {.memory = memory, .size_bytes = sizeof memory,
                                                    .journal_bytes = LARGE, .store = store,
                                                    .store_bytes = sizeof store, .level = level};

    TIMING_MUST(wrt_atomic_memory_format(&atomic, &config, &error));
}

static void begin_standard(void)
{
    begin_atomic(WRT_VERIFY_STANDARD);
}

static void begin_critical(void)
{
    begin_atomic(WRT_VERIFY_CRITICAL);
}

static void write_word(void)
{
    timing_status = wrt_atomic_memory_write(&atomic, 1020, bytes, 8); /* lies in two blocks */
}

static void write_large(void)
{
    timing_status = wrt_atomic_memory_write(&atomic, 1020, bytes, LARGE);
}

static void read_word(void)
{
    timing_status = wrt_atomic_memory_read(&atomic, 1020, bytes, 8);
}

static void read_large(void)
{
    timing_status = wrt_atomic_memory_read(&atomic, 1020, bytes, LARGE);
}

static void scrub(void)
{
    timing_status = wrt_atomic_memory_scrub(&atomic, 16);
}

/* A byte of the first of 16 blocks is damaged: found, and repaired from the copy. */
static void damage(uint32_t turn)
{
    (void)turn;
    begin_critical();
    ((uint8_t *)memory)[7] ^= 1;
}

/* ---- seals ---- */

static struct wrt_seal seal;
static uint32_t checksum[ATOMIC_BYTES / 4096];

static void begin_seal(void)
{
    TIMING_MUST(wrt_seal_set(&seal, memory, sizeof memory, checksum,
                             sizeof checksum / sizeof *checksum));
}

static void check_seal(void)
{
    timing_status = wrt_seal_check(&seal, NULL);
}

static void scrub_seal(void)
{
    timing_status = wrt_seal_scrub(&seal, 1);
}

static const struct timing_operation operations[] = {
    {.name = "wrt_pages_grow: by one page", .bound = "at most two calls of the system",
     .begin = begin_pages, .run = grow, .after = undo_grow, .end = end_pages, .system_calls = 2,
     .most_runs = 1000000},
    {.name = "wrt_pages_grow: by 255 pages", .bound = "at most two calls of the system",
     .begin = begin_pages, .run = grow_by_all, .after = undo_grow, .end = end_pages,
     .system_calls = 2, .most_runs = 1000000},
    {.name = "wrt_pages_grow: refused", .bound = "O(1)", .begin = begin_pages,
     .run = grow_too_far, .end = end_pages},
    {.name = "wrt_pages_reset: one page above", .bound = "calls of the system by regions",
     .begin = begin_pages, .before = first_grow, .run = reset, .end = end_pages,
     .system_calls = 2, .most_runs = 1000000},
    {.name = "wrt_pages_protect", .bound = "one call of the system", .begin = begin_pages,
     .run = protect, .after = undo_protect, .end = end_pages, .system_calls = 1,
     .most_runs = 2000000},
    {.name = "wrt_pages_owns", .bound = "O(1)", .begin = begin_pages, .run = owns,
     .end = end_pages},
    {.name = "wrt_atomic_memory_write: 8 bytes, standard", .bound = "O(size + 2 blocks)",
     .begin = begin_standard, .run = write_word},
    {.name = "wrt_atomic_memory_write: 8 bytes, critical", .bound = "O(size + 2 blocks)",
     .begin = begin_critical, .run = write_word},
    {.name = "wrt_atomic_memory_write: 4096 bytes, critical", .bound = "O(size + 2 blocks)",
     .begin = begin_critical, .run = write_large, .most_runs = 1000000},
    {.name = "wrt_atomic_memory_read: 8 bytes, standard", .bound = "O(size + 2 blocks)",
     .begin = begin_standard, .run = read_word},
    {.name = "wrt_atomic_memory_read: 4096 bytes, standard", .bound = "O(size + 2 blocks)",
     .begin = begin_standard, .run = read_large},
    {.name = "wrt_atomic_memory_scrub: 16 blocks of 256 bytes", .bound = "O(blocks)",
     .begin = begin_standard, .run = scrub},
    {.name = "wrt_atomic_memory_scrub: 16 blocks, one repaired", .bound = "O(blocks)",
     .begin = begin_critical, .before = damage, .run = scrub, .most_runs = 10000},
    {.name = "wrt_seal_check: 64 KiB", .bound = "O(size)", .begin = begin_seal,
     .run = check_seal, .most_runs = 1000000},
    {.name = "wrt_seal_scrub: one step of 4 KiB", .bound = "O(steps)", .begin = begin_seal,
     .run = scrub_seal},
};
const struct timing_list timing_memory = {operations, sizeof operations / sizeof *operations};
