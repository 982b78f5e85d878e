/* src/integrity/atomic.c - atomic memory: see wrt/integrity.h for I1 to I3.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Words of the region are loaded with acquire and stored with release order, so that a
 * reader that saw any new byte also sees the sequence that became odd before it, and a
 * sequence that became even brings all bytes with it. (Stand-alone fences would do as well,
 * but the thread sanitizer does not know them.)
 *
 * A block counts as damaged when its CRC differs from the stored one. With a copy, two of
 * the three (block, copy, checksum) that agree repair the third.
 */
#include "wrt/integrity.h"

#include "base/bytes.h"
#include "base/checked.h"
#include "base/crc32c.h"
#include "base/error.h"

#include <inttypes.h>

enum {
    DEFAULT_BLOCK_BYTES = 256,
    MINIMUM_BLOCK_BYTES = 64,
    MAXIMUM_BLOCK_BYTES = 4096,
    DEFAULT_JOURNAL_BYTES = 4096,
    MAXIMUM_JOURNAL_BYTES = 1 << 30,
    READ_ATTEMPTS = 64,
    HEADER_SPACE = 64,
    DIFFERENCES_LIMIT = 8,
    CHECKSUM_FLIPS_LIMIT = 3
};

#define MAXIMUM_SIZE_BYTES (UINT64_C(1) << 40)
#define STORE_MAGIC UINT64_C(0x3130544E49545257) /* "WRTINT01" */

struct store_header {
    uint64_t magic;
    uint64_t size_bytes;
    uint32_t block_bytes, journal_bytes;
    uint32_t has_copy;
    uint32_t crc; /* of what stands before */
};

/* Committed while commit != 0. Then: checksums of the touched blocks as they will be, and
 * the bytes. */
struct wrt_integrity_journal {
    uint64_t commit; /* 1 << 32 | crc of offset .. the last byte */
    uint64_t offset, size_bytes;
    uint64_t data[];
};

_Static_assert(sizeof(struct store_header) <= HEADER_SPACE, "header fits");

/* ---- layout ---- */

struct layout {
    uint64_t blocks, checksum_at, sequence_at, journal_at, copy_at, store_bytes;
    uint32_t block_bytes, journal_bytes;
    enum wrt_verification_level level;
};

static uint64_t journal_checksums(uint32_t journal_bytes, uint32_t block_bytes)
{
    uint64_t most = journal_bytes / block_bytes + 2;

    return (most + 1) & ~UINT64_C(1); /* in whole words */
}

static enum wrt_status check_ranges(const struct wrt_atomic_memory_config *config,
                                    const struct layout *layout, struct wrt_error *error)
{
    if (config->memory == NULL || config->size_bytes < 8 || config->size_bytes % 8 != 0 ||
        config->size_bytes > MAXIMUM_SIZE_BYTES)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "size_bytes %" PRIu64 " is not a multiple of 8 in 8 .. 2^40",
                        config->size_bytes);
    if ((uintptr_t)config->memory % 8 != 0 || (uintptr_t)config->store % 8 != 0)
        return wrt_fail(error, WRT_ERR_ALIGNMENT, "memory or store is not 8-byte aligned");
    if (!wrt_is_power_of_two_u32(layout->block_bytes) ||
        layout->block_bytes < MINIMUM_BLOCK_BYTES || layout->block_bytes > MAXIMUM_BLOCK_BYTES)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "block_bytes %u is no power of two in 64 .. 4096", layout->block_bytes);
    if (layout->journal_bytes % 8 != 0 || layout->journal_bytes > MAXIMUM_JOURNAL_BYTES)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "journal_bytes %u is not a multiple of 8 up to 2^30",
                        layout->journal_bytes);
    if ((unsigned)config->level > WRT_VERIFY_CRITICAL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no level %d", (int)config->level);
    return WRT_OK;
}

static enum wrt_status plan(const struct wrt_atomic_memory_config *config,
                            struct layout *layout, struct wrt_error *error)
{
    enum wrt_status status;

    layout->block_bytes = config->block_bytes ? config->block_bytes : DEFAULT_BLOCK_BYTES;
    layout->journal_bytes =
        config->journal_bytes ? config->journal_bytes : DEFAULT_JOURNAL_BYTES;
    layout->level = config->level ? config->level : WRT_VERIFY_STANDARD;
    status = check_ranges(config, layout, error);
    if (status != WRT_OK)
        return status;
    layout->blocks = (config->size_bytes + layout->block_bytes - 1) / layout->block_bytes;
    layout->checksum_at = HEADER_SPACE;
    layout->sequence_at = layout->checksum_at + ((layout->blocks * 4 + 7) & ~UINT64_C(7));
    layout->journal_at = layout->sequence_at + ((layout->blocks * 4 + 7) & ~UINT64_C(7));
    layout->copy_at = layout->journal_at + sizeof(struct wrt_integrity_journal) +
                      4 * journal_checksums(layout->journal_bytes, layout->block_bytes) +
                      layout->journal_bytes;
    layout->store_bytes = layout->copy_at;
    if (wrt_check_is_on(WRT_CHECK_INTEGRITY_COPY, layout->level))
        layout->store_bytes += config->size_bytes;
    if (!wrt_check_is_on(WRT_CHECK_INTEGRITY_STORE, layout->level))
        layout->store_bytes = 0;
    return WRT_OK;
}

uint64_t wrt_atomic_memory_store_bytes(const struct wrt_atomic_memory_config *config)
{
    struct layout layout;

    return plan(config, &layout, NULL) == WRT_OK ? layout.store_bytes : 0;
}

static bool is_on(const struct wrt_atomic_memory *atomic, enum wrt_check check)
{
    return wrt_check_is_on(check, atomic->level);
}

static bool has_store(const struct wrt_atomic_memory *atomic)
{
    return atomic->checksum != NULL;
}

/* ---- words ---- */

static uint64_t load_word(const uint8_t *at)
{
    return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static void store_word(uint8_t *at, uint64_t word)
{
    __atomic_store_n((uint64_t *)(void *)at, word, __ATOMIC_RELEASE);
}

static uint64_t read_native(const uint8_t *from)
{
    uint64_t word;

    memcpy(&word, from, sizeof word);
    return word;
}

/* Copies out of the region; edges by whole words that are inside it. */
static void load_edge(uint8_t *to, const uint8_t *from, uint64_t size_bytes)
{
    uint64_t skip = (uintptr_t)from % 8;
    uint64_t word = load_word(from - skip);

    memcpy(to, (const uint8_t *)&word + skip, (size_t)size_bytes);
}

static void load_bytes(uint8_t *to, const uint8_t *from, uint64_t size_bytes)
{
    uint64_t lead = -(uintptr_t)from % 8;

    if (lead > size_bytes)
        lead = size_bytes;
    if (lead != 0)
        load_edge(to, from, lead);
    to += lead;
    from += lead;
    size_bytes -= lead;
    for (; size_bytes >= 8; size_bytes -= 8, to += 8, from += 8) {
        uint64_t word = load_word(from);
        memcpy(to, &word, 8);
    }
    if (size_bytes != 0)
        load_edge(to, from, size_bytes);
}

static void store_edge(uint8_t *to, const uint8_t *from, uint64_t size_bytes)
{
    uint64_t skip = (uintptr_t)to % 8;
    uint64_t word = load_word(to - skip);

    memcpy((uint8_t *)&word + skip, from, (size_t)size_bytes);
    store_word(to - skip, word);
}

static void store_bytes(uint8_t *to, const uint8_t *from, uint64_t size_bytes)
{
    uint64_t lead = -(uintptr_t)to % 8;

    if (lead > size_bytes)
        lead = size_bytes;
    if (lead != 0)
        store_edge(to, from, lead);
    to += lead;
    from += lead;
    size_bytes -= lead;
    for (; size_bytes >= 8; size_bytes -= 8, to += 8, from += 8)
        store_word(to, read_native(from));
    if (size_bytes != 0)
        store_edge(to, from, size_bytes);
}

/* ---- blocks ---- */

static uint64_t block_start(const struct wrt_atomic_memory *atomic, uint64_t block)
{
    return block * atomic->block_bytes;
}

static uint64_t block_size(const struct wrt_atomic_memory *atomic, uint64_t block)
{
    uint64_t left = atomic->size_bytes - block_start(atomic, block);

    return left < atomic->block_bytes ? left : atomic->block_bytes;
}

/* The CRC of a block, read word by word into a buffer first. */
static uint32_t block_crc(const struct wrt_atomic_memory *atomic, const uint8_t *region,
                          uint64_t block)
{
    uint8_t buffer[MAXIMUM_BLOCK_BYTES];
    uint64_t size_bytes = block_size(atomic, block);

    load_bytes(buffer, region + block_start(atomic, block), size_bytes);
    return wrt_crc32c(0, buffer, (size_t)size_bytes);
}

static uint32_t stored_crc(const struct wrt_atomic_memory *atomic, uint64_t block)
{
    return __atomic_load_n(&atomic->checksum[block], __ATOMIC_ACQUIRE);
}

static void set_crc(struct wrt_atomic_memory *atomic, uint64_t block, uint32_t crc)
{
    __atomic_store_n(&atomic->checksum[block], crc, __ATOMIC_RELEASE);
}

static bool is_block_sound(const struct wrt_atomic_memory *atomic, uint64_t block)
{
    return block_crc(atomic, atomic->memory, block) == stored_crc(atomic, block);
}

static void count(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void open_block(struct wrt_atomic_memory *atomic, uint64_t block)
{
    uint32_t sequence = __atomic_load_n(&atomic->sequence[block], __ATOMIC_RELAXED);

    __atomic_store_n(&atomic->sequence[block], sequence | 1, __ATOMIC_RELEASE);
}

static void close_block(struct wrt_atomic_memory *atomic, uint64_t block)
{
    uint32_t sequence = __atomic_load_n(&atomic->sequence[block], __ATOMIC_RELAXED);

    __atomic_store_n(&atomic->sequence[block], sequence + 1, __ATOMIC_RELEASE);
}

/* ---- repair: the writer's place is held ---- */

static void copy_block(struct wrt_atomic_memory *atomic, uint8_t *to, const uint8_t *from,
                       uint64_t block)
{
    uint64_t start = block_start(atomic, block);

    open_block(atomic, block);
    store_bytes(to + start, from + start, block_size(atomic, block));
    close_block(atomic, block);
}

/* Bits in which block and copy differ, up to DIFFERENCES_LIMIT; more count as one more. */
static unsigned find_differences(const uint8_t *mine, const uint8_t *theirs, uint64_t size_bytes,
                                 uint32_t *bit)
{
    unsigned found = 0;

    for (uint32_t at = 0; at < size_bytes * 8; at++) {
        if (mine[at / 8] == theirs[at / 8]) {
            at |= 7; /* the rest of an equal byte */
            continue;
        }
        if (((mine[at / 8] ^ theirs[at / 8]) >> at % 8 & 1) == 0)
            continue;
        if (found == DIFFERENCES_LIMIT)
            return found + 1;
        bit[found++] = at;
    }
    return found;
}

/* Both are damaged, in different bits: looks for the choice among the bits in which they
 * differ that has the stored checksum. At most 256 checksums of one block. */
static bool mend_from_both(struct wrt_atomic_memory *atomic, uint64_t block, uint32_t stored)
{
    uint8_t mine[MAXIMUM_BLOCK_BYTES], theirs[MAXIMUM_BLOCK_BYTES];
    uint64_t start = block_start(atomic, block), size = block_size(atomic, block);
    uint32_t bit[DIFFERENCES_LIMIT];
    unsigned differences;

    load_bytes(mine, atomic->memory + start, size);
    load_bytes(theirs, atomic->copy + start, size);
    differences = find_differences(mine, theirs, size, bit);
    if (differences > DIFFERENCES_LIMIT)
        return false;
    for (uint32_t choice = 1; choice < 1u << differences; choice++) {
        unsigned changed = (unsigned)__builtin_ctz(choice); /* Gray code: one bit per step */

        mine[bit[changed] / 8] ^= (uint8_t)(1u << bit[changed] % 8);
        if (wrt_crc32c(0, mine, (size_t)size) != stored)
            continue;
        open_block(atomic, block);
        store_bytes(atomic->memory + start, mine, size);
        store_bytes(atomic->copy + start, mine, size);
        close_block(atomic, block);
        return true;
    }
    return false;
}

/* Two of block, copy and checksum that agree repair the third. That block and copy agree
 * against the checksum is believed only if the checksum is a few bits off: the same flip in
 * both would have changed about half of it. */
static bool vote(struct wrt_atomic_memory *atomic, uint64_t block)
{
    uint32_t mine = block_crc(atomic, atomic->memory, block);
    uint32_t theirs = block_crc(atomic, atomic->copy, block);
    uint32_t stored = stored_crc(atomic, block);

    if (mine == stored && theirs == stored)
        return true;
    count(&atomic->counters.detected);
    if (mine == stored)
        copy_block(atomic, atomic->copy, atomic->memory, block);
    else if (theirs == stored)
        copy_block(atomic, atomic->memory, atomic->copy, block);
    else if (mine == theirs && __builtin_popcount(mine ^ stored) <= CHECKSUM_FLIPS_LIMIT)
        set_crc(atomic, block, mine);
    else if (!mend_from_both(atomic, block, stored))
        return false;
    count(&atomic->counters.repaired);
    return true;
}

/* Verifies a block and repairs it where there is a copy. */
static bool settle(struct wrt_atomic_memory *atomic, uint64_t block)
{
    uint32_t sequence = __atomic_load_n(&atomic->sequence[block], __ATOMIC_RELAXED);

    if (sequence & 1) { /* no writer runs: the sequence itself was damaged */
        count(&atomic->counters.detected);
        count(&atomic->counters.repaired);
        close_block(atomic, block);
    }
    if (atomic->copy != NULL)
        return vote(atomic, block);
    if (is_block_sound(atomic, block))
        return true;
    count(&atomic->counters.detected);
    return false;
}

static bool enter_writer(struct wrt_atomic_memory *atomic)
{
    uint32_t expected = 0;

    return __atomic_compare_exchange_n(&atomic->writer, &expected, 1, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

static void leave_writer(struct wrt_atomic_memory *atomic)
{
    __atomic_store_n(&atomic->writer, 0, __ATOMIC_RELEASE);
}

/* ---- the journal ---- */

static uint32_t *new_checksums(struct wrt_integrity_journal *journal)
{
    return (uint32_t *)(void *)journal->data;
}

static uint8_t *new_bytes(const struct wrt_atomic_memory *atomic)
{
    return (uint8_t *)atomic->journal->data +
           4 * journal_checksums(atomic->journal_bytes, atomic->block_bytes);
}

static uint64_t first_block(const struct wrt_atomic_memory *atomic, uint64_t offset)
{
    return offset / atomic->block_bytes;
}

static uint64_t last_block(const struct wrt_atomic_memory *atomic, uint64_t offset,
                           uint64_t size_bytes)
{
    return (offset + size_bytes - 1) / atomic->block_bytes;
}

static uint32_t journal_crc(const struct wrt_atomic_memory *atomic)
{
    struct wrt_integrity_journal *journal = atomic->journal;
    uint64_t blocks = last_block(atomic, journal->offset, journal->size_bytes) -
                      first_block(atomic, journal->offset) + 1;
    uint32_t crc = wrt_crc32c(0, &journal->offset, 16);

    crc = wrt_crc32c(crc, new_checksums(journal), (size_t)(4 * blocks));
    return wrt_crc32c(crc, new_bytes(atomic), (size_t)journal->size_bytes);
}

/* The CRC that a block will have: its bytes with the journal's over them. */
static uint32_t future_crc(const struct wrt_atomic_memory *atomic, uint64_t block)
{
    const struct wrt_integrity_journal *journal = atomic->journal;
    uint8_t buffer[MAXIMUM_BLOCK_BYTES];
    uint64_t start = block_start(atomic, block), size = block_size(atomic, block);
    uint64_t from = journal->offset > start ? journal->offset : start;
    uint64_t to = journal->offset + journal->size_bytes;

    if (to > start + size)
        to = start + size;
    load_bytes(buffer, atomic->memory + start, size);
    memcpy(buffer + (from - start), new_bytes(atomic) + (from - journal->offset),
           (size_t)(to - from));
    return wrt_crc32c(0, buffer, (size_t)size);
}

/* Old bytes stay only in the first and last block, so only these can carry damage on. */
static enum wrt_status check_edges(struct wrt_atomic_memory *atomic, uint64_t offset,
                                   uint64_t size_bytes)
{
    uint64_t first = first_block(atomic, offset);
    uint64_t last = last_block(atomic, offset, size_bytes);
    uint64_t end = block_start(atomic, last) + block_size(atomic, last);

    if (!is_on(atomic, WRT_CHECK_INTEGRITY_READ))
        return WRT_OK;
    if ((offset != block_start(atomic, first) || (first == last && offset + size_bytes != end)) &&
        !settle(atomic, first))
        return WRT_ERR_CORRUPT;
    if (last != first && offset + size_bytes != end && !settle(atomic, last))
        return WRT_ERR_CORRUPT;
    return WRT_OK;
}

static void commit(struct wrt_atomic_memory *atomic)
{
    uint64_t first = first_block(atomic, atomic->journal->offset);
    uint64_t last =
        last_block(atomic, atomic->journal->offset, atomic->journal->size_bytes);

    for (uint64_t block = first; block <= last; block++)
        new_checksums(atomic->journal)[block - first] = future_crc(atomic, block);
    __atomic_store_n(&atomic->journal->commit, UINT64_C(1) << 32 | journal_crc(atomic),
                     __ATOMIC_RELEASE);
}

/* Carries out what the journal says; any number of times with the same result. */
static void apply(struct wrt_atomic_memory *atomic)
{
    const struct wrt_integrity_journal *journal = atomic->journal;
    uint64_t first = first_block(atomic, journal->offset);
    uint64_t last = last_block(atomic, journal->offset, journal->size_bytes);

    for (uint64_t block = first; block <= last; block++)
        open_block(atomic, block);
    store_bytes(atomic->memory + journal->offset, new_bytes(atomic), journal->size_bytes);
    if (atomic->copy != NULL)
        store_bytes(atomic->copy + journal->offset, new_bytes(atomic), journal->size_bytes);
    for (uint64_t block = first; block <= last; block++) {
        set_crc(atomic, block, new_checksums(atomic->journal)[block - first]);
        close_block(atomic, block);
    }
}

static void forget(struct wrt_atomic_memory *atomic)
{
    __atomic_store_n(&atomic->journal->commit, 0, __ATOMIC_RELEASE);
}

static enum wrt_status read_back(struct wrt_atomic_memory *atomic, uint64_t offset,
                                 uint64_t size_bytes)
{
    uint64_t last = last_block(atomic, offset, size_bytes);

    if (!is_on(atomic, WRT_CHECK_INTEGRITY_WRITE))
        return WRT_OK;
    for (uint64_t block = first_block(atomic, offset); block <= last; block++)
        if (!settle(atomic, block))
            return WRT_ERR_CORRUPT;
    return WRT_OK;
}

/* The bytes stand in the journal already. */
static enum wrt_status carry_out(struct wrt_atomic_memory *atomic, uint64_t offset,
                                 uint64_t size_bytes)
{
    enum wrt_status status = check_edges(atomic, offset, size_bytes);

    if (status != WRT_OK)
        return status;
    atomic->journal->offset = offset;
    atomic->journal->size_bytes = size_bytes;
    commit(atomic);
    apply(atomic);
    forget(atomic);
    count(&atomic->counters.writes);
    return read_back(atomic, offset, size_bytes);
}

static enum wrt_status check_range(const struct wrt_atomic_memory *atomic, uint64_t offset,
                                   uint64_t size_bytes)
{
    if (!wrt_is_range_inside(offset, size_bytes, atomic->size_bytes))
        return WRT_ERR_BOUNDS;
    return WRT_OK;
}

/* ---- set-up ---- */

static void place(struct wrt_atomic_memory *atomic,
                  const struct wrt_atomic_memory_config *config, const struct layout *layout)
{
    uint8_t *store = config->store;

    *atomic = (struct wrt_atomic_memory){
        .memory = config->memory,
        .size_bytes = config->size_bytes,
        .blocks = layout->blocks,
        .block_bytes = layout->block_bytes,
        .journal_bytes = layout->journal_bytes,
        .level = layout->level,
    };
    if (layout->store_bytes == 0)
        return;
    atomic->checksum = (uint32_t *)(void *)(store + layout->checksum_at);
    atomic->sequence = (uint32_t *)(void *)(store + layout->sequence_at);
    atomic->journal = (struct wrt_integrity_journal *)(void *)(store + layout->journal_at);
    if (layout->store_bytes > layout->copy_at)
        atomic->copy = store + layout->copy_at;
}

static struct store_header header_for(const struct wrt_atomic_memory *atomic)
{
    struct store_header header = {
        .magic = STORE_MAGIC,
        .size_bytes = atomic->size_bytes,
        .block_bytes = atomic->block_bytes,
        .journal_bytes = atomic->journal_bytes,
        .has_copy = atomic->copy != NULL,
    };

    header.crc = wrt_crc32c(0, &header, offsetof(struct store_header, crc));
    return header;
}

static enum wrt_status prepare(struct wrt_atomic_memory *atomic,
                               const struct wrt_atomic_memory_config *config,
                               struct wrt_error *error)
{
    struct layout layout;
    enum wrt_status status = plan(config, &layout, error);

    if (status != WRT_OK)
        return status;
    if (layout.store_bytes != 0 &&
        (config->store == NULL || config->store_bytes < layout.store_bytes))
        return wrt_fail(error, WRT_ERR_NO_SPACE,
                        "store_bytes %" PRIu64 ", needed %" PRIu64, config->store_bytes,
                        layout.store_bytes);
    place(atomic, config, &layout);
    return WRT_OK;
}

enum wrt_status wrt_atomic_memory_format(struct wrt_atomic_memory *atomic,
                                         const struct wrt_atomic_memory_config *config,
                                         struct wrt_error *error)
{
    struct wrt_atomic_memory made;
    enum wrt_status status = prepare(&made, config, error);
    struct store_header header;

    if (status != WRT_OK)
        return status;
    if (has_store(&made)) {
        memset(config->store, 0, HEADER_SPACE); /* no store until all of it stands */
        forget(&made);
        for (uint64_t block = 0; block < made.blocks; block++) {
            made.sequence[block] = 0;
            made.checksum[block] = block_crc(&made, made.memory, block);
        }
        if (made.copy != NULL)
            memcpy(made.copy, made.memory, (size_t)made.size_bytes);
        header = header_for(&made);
        memcpy(config->store, &header, sizeof header);
    }
    *atomic = made;
    return WRT_OK;
}

static bool is_journal_plausible(const struct wrt_atomic_memory *atomic)
{
    const struct wrt_integrity_journal *journal = atomic->journal;

    return journal->size_bytes != 0 && journal->size_bytes <= atomic->journal_bytes &&
           check_range(atomic, journal->offset, journal->size_bytes) == WRT_OK &&
           journal->commit == (UINT64_C(1) << 32 | journal_crc(atomic));
}

static enum wrt_status recover(struct wrt_atomic_memory *atomic, struct wrt_error *error)
{
    if (atomic->journal->commit == 0)
        return WRT_OK;
    if (!is_journal_plausible(atomic))
        return wrt_fail(error, WRT_ERR_CORRUPT, "the journal is damaged");
    apply(atomic);
    forget(atomic);
    atomic->counters.recovered_writes++;
    return WRT_OK;
}

enum wrt_status wrt_atomic_memory_open(struct wrt_atomic_memory *atomic,
                                       const struct wrt_atomic_memory_config *config,
                                       struct wrt_error *error)
{
    struct wrt_atomic_memory made;
    enum wrt_status status = prepare(&made, config, error);
    struct store_header header;

    if (status != WRT_OK)
        return status;
    if (has_store(&made)) {
        header = header_for(&made);
        if (memcmp(config->store, &header, sizeof header) != 0)
            return wrt_fail(error, WRT_ERR_CORRUPT,
                            "this is no store of that configuration, or it is damaged");
        status = recover(&made, error);
        if (status != WRT_OK)
            return status;
    }
    *atomic = made;
    return WRT_OK;
}

struct wrt_atomic_memory_config
wrt_atomic_memory_over_pages(const struct wrt_page_allocator *pages)
{
    return (struct wrt_atomic_memory_config){
        .memory = pages->base,
        .size_bytes = pages->size_bytes,
        .level = wrt_partition_verification(pages->partition),
    };
}

/* ---- the calls ---- */

enum wrt_status wrt_atomic_memory_write(struct wrt_atomic_memory *atomic, uint64_t offset,
                                        const void *bytes, uint64_t size_bytes)
{
    enum wrt_status status = check_range(atomic, offset, size_bytes);

    if (status != WRT_OK || size_bytes == 0)
        return status;
    if (!has_store(atomic)) {
        memcpy(atomic->memory + offset, bytes, (size_t)size_bytes);
        return WRT_OK;
    }
    if (size_bytes > atomic->journal_bytes)
        return WRT_ERR_LIMIT;
    if (!enter_writer(atomic))
        return WRT_ERR_BUSY;
    memcpy(new_bytes(atomic), bytes, (size_t)size_bytes);
    status = carry_out(atomic, offset, size_bytes);
    leave_writer(atomic);
    return status;
}

/* Source blocks are verified like those of a read. */
static enum wrt_status check_source(struct wrt_atomic_memory *atomic, uint64_t from,
                                    uint64_t size_bytes)
{
    uint64_t last = last_block(atomic, from, size_bytes);

    if (!is_on(atomic, WRT_CHECK_INTEGRITY_READ))
        return WRT_OK;
    for (uint64_t block = first_block(atomic, from); block <= last; block++)
        if (!settle(atomic, block))
            return WRT_ERR_CORRUPT;
    return WRT_OK;
}

enum wrt_status wrt_atomic_memory_copy_within(struct wrt_atomic_memory *atomic, uint64_t to,
                                              uint64_t from, uint64_t size_bytes)
{
    enum wrt_status status = check_range(atomic, to, size_bytes);

    if (status == WRT_OK)
        status = check_range(atomic, from, size_bytes);
    if (status != WRT_OK || size_bytes == 0)
        return status;
    if (!has_store(atomic)) {
        memmove(atomic->memory + to, atomic->memory + from, (size_t)size_bytes);
        return WRT_OK;
    }
    if (size_bytes > atomic->journal_bytes)
        return WRT_ERR_LIMIT;
    if (!enter_writer(atomic))
        return WRT_ERR_BUSY;
    status = check_source(atomic, from, size_bytes);
    if (status == WRT_OK) {
        load_bytes(new_bytes(atomic), atomic->memory + from, size_bytes);
        status = carry_out(atomic, to, size_bytes);
    }
    leave_writer(atomic);
    return status;
}

/* The sum of the sequences of a range; they only rise, so an equal sum means that none
 * changed. False if one is odd. */
static bool sum_sequences(const struct wrt_atomic_memory *atomic, uint64_t first,
                          uint64_t last, uint64_t *out)
{
    uint64_t sum = 0;

    for (uint64_t block = first; block <= last; block++) {
        uint32_t sequence = __atomic_load_n(&atomic->sequence[block], __ATOMIC_ACQUIRE);
        if (sequence & 1)
            return false;
        sum += sequence;
    }
    *out = sum;
    return true;
}

/* Copies the part of one block that is wanted; false if the block is damaged. */
static bool read_block(const struct wrt_atomic_memory *atomic, uint64_t block, uint64_t offset,
                       uint8_t *out, uint64_t size_bytes)
{
    uint8_t buffer[MAXIMUM_BLOCK_BYTES];
    uint64_t start = block_start(atomic, block), size = block_size(atomic, block);
    uint64_t from = offset > start ? offset : start;
    uint64_t to = offset + size_bytes < start + size ? offset + size_bytes : start + size;

    if (!is_on(atomic, WRT_CHECK_INTEGRITY_READ)) {
        load_bytes(out + (from - offset), atomic->memory + from, to - from);
        return true;
    }
    load_bytes(buffer, atomic->memory + start, size);
    memcpy(out + (from - offset), buffer + (from - start), (size_t)(to - from));
    return wrt_crc32c(0, buffer, (size_t)size) == stored_crc(atomic, block);
}

/* One attempt. OK, ERR_BUSY (a writer interfered), or ERR_CORRUPT and the block. */
static enum wrt_status try_read(const struct wrt_atomic_memory *atomic, uint64_t offset,
                                uint8_t *out, uint64_t size_bytes, uint64_t *out_bad)
{
    uint64_t first = first_block(atomic, offset), last = last_block(atomic, offset, size_bytes);
    uint64_t before, after;
    bool is_bad = false;

    if (!sum_sequences(atomic, first, last, &before))
        return WRT_ERR_BUSY;
    for (uint64_t block = first; block <= last && !is_bad; block++) {
        is_bad = !read_block(atomic, block, offset, out, size_bytes);
        *out_bad = block;
    }
    if (!sum_sequences(atomic, first, last, &after) || before != after)
        return WRT_ERR_BUSY;
    return is_bad ? WRT_ERR_CORRUPT : WRT_OK;
}

/* Takes the writer's place for a moment. */
static enum wrt_status repair(struct wrt_atomic_memory *atomic, uint64_t block)
{
    bool is_sound;

    if (!enter_writer(atomic))
        return WRT_ERR_BUSY;
    is_sound = settle(atomic, block);
    leave_writer(atomic);
    return is_sound ? WRT_OK : WRT_ERR_CORRUPT;
}

/* Sequences that stay odd without a writer were damaged themselves. */
static void heal_sequences(struct wrt_atomic_memory *atomic, uint64_t offset,
                           uint64_t size_bytes)
{
    uint64_t last = last_block(atomic, offset, size_bytes);

    if (!enter_writer(atomic))
        return;
    for (uint64_t block = first_block(atomic, offset); block <= last; block++)
        if (atomic->sequence[block] & 1)
            (void)settle(atomic, block);
    leave_writer(atomic);
}

enum wrt_status wrt_atomic_memory_read(struct wrt_atomic_memory *atomic, uint64_t offset,
                                       void *out, uint64_t size_bytes)
{
    enum wrt_status status = check_range(atomic, offset, size_bytes);
    uint64_t bad = 0;

    if (status != WRT_OK || size_bytes == 0)
        return status;
    if (!has_store(atomic)) {
        memcpy(out, atomic->memory + offset, (size_t)size_bytes);
        return WRT_OK;
    }
    for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
        status = try_read(atomic, offset, out, size_bytes, &bad);
        if (status == WRT_OK) {
            count(&atomic->counters.reads);
            return WRT_OK;
        }
        if (status == WRT_ERR_CORRUPT && repair(atomic, bad) == WRT_ERR_CORRUPT)
            return WRT_ERR_CORRUPT;
        count(&atomic->counters.retries);
        if (attempt == READ_ATTEMPTS / 2)
            heal_sequences(atomic, offset, size_bytes);
    }
    return status;
}

static enum wrt_status settle_range(struct wrt_atomic_memory *atomic, uint64_t first,
                                    uint64_t number, uint64_t *out_block)
{
    enum wrt_status status = WRT_OK;

    if (!has_store(atomic))
        return WRT_OK;
    if (!enter_writer(atomic))
        return WRT_ERR_BUSY;
    for (uint64_t i = 0; i < number; i++) {
        uint64_t block = (first + i) % atomic->blocks;

        count(&atomic->counters.scrubbed_blocks);
        if (settle(atomic, block) || status != WRT_OK)
            continue;
        status = WRT_ERR_CORRUPT;
        if (out_block != NULL)
            *out_block = block;
    }
    leave_writer(atomic);
    return status;
}

enum wrt_status wrt_atomic_memory_verify(struct wrt_atomic_memory *atomic, uint64_t *out_block)
{
    return settle_range(atomic, 0, atomic->blocks, out_block);
}

enum wrt_status wrt_atomic_memory_scrub(struct wrt_atomic_memory *atomic, uint64_t blocks)
{
    uint64_t number = blocks < atomic->blocks ? blocks : atomic->blocks;
    enum wrt_status status = settle_range(atomic, atomic->next_scrub, number, NULL);

    if (status != WRT_ERR_BUSY)
        atomic->next_scrub = (atomic->next_scrub + number) % atomic->blocks;
    return status;
}

enum wrt_verification_level wrt_atomic_memory_level(const struct wrt_atomic_memory *atomic)
{
    return atomic->level;
}

void wrt_atomic_memory_get_counters(const struct wrt_atomic_memory *atomic,
                                    struct wrt_atomic_memory_counters *out)
{
    const uint64_t *from = &atomic->counters.reads;
    uint64_t *to = &out->reads;

    for (size_t i = 0; i < sizeof *out / sizeof *to; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
