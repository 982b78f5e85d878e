/* proofs/cbmc/integrity.c - atomic memory after a power cut.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: a write that is cut after any of its stores, and a recovery that is itself cut after any of
 *   its stores, and then a whole recovery: the memory has all old bytes or all new ones, and nothing
 *   else changed; each block has its checksum, an even sequence, and the copy is the memory; a journal
 *   is never taken for damaged. What was not cut is there.
 * Bound: 2 blocks of 8 bytes, with a copy or without, any contents, a write of 8 bytes across
 *   the two and one of 3 inside of the second.
 * Stubbed: CRC32C, by a sum of the bytes: what is shown asks only that equal bytes have equal sums; the
 *   store of a word, which does nothing once power is gone.
 * Misses: stores that reach memory in another order (release stores and the litmus tests), plain stores
 *   into the journal before its commit (nothing reads them without one), damage by other causes, the
 *   checks before and after a write, other sizes.
 *
 * PROOF long across --unwind 17 --unwindset load_bytes.0:2,store_bytes.0:2,commit.0:3,apply.0:3,apply.1:3 --slice-formula
 * PROOF quick inside --unwind 17 --unwindset load_bytes.0:2,store_bytes.0:2,commit.0:3,apply.0:3,apply.1:3 --slice-formula
 * SIZE across src/integrity/atomic.c s/MAXIMUM_BLOCK_BYTES = 4096/MAXIMUM_BLOCK_BYTES = 8/
 * SIZE inside src/integrity/atomic.c s/MAXIMUM_BLOCK_BYTES = 4096/MAXIMUM_BLOCK_BYTES = 8/
 * MUTANT inside src/integrity/atomic.c s/^    commit\(atomic\);/    journal_crc(atomic);/
 * MUTANT across src/integrity/atomic.c s/^        set_crc\(atomic, block, new_checksums/        if (block == first) set_crc(atomic, block, new_checksums/
 * MUTANT inside src/integrity/atomic.c s/^    apply\(atomic\);$/    forget(atomic); apply(atomic);/
 */
#include "wrt/integrity.h"

#include <string.h>

/* CBMC's own memcpy moves bytes behind the last one when 3 go into a word. */
static void *copy_bytes(void *to, const void *from, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    return to;
}
#define memcpy copy_bytes

static _Bool has_power(void);
#define __atomic_store_n(at, value, order) (has_power() ? (void)(*(at) = (value)) : (void)0)
#include "integrity/atomic.c"
#include "stubs.h"

/* ---- power ---- */

static uint32_t stores_left;

static _Bool has_power(void)
{
    if (stores_left == 0)
        return false;
    stores_left--;
    return true;
}

enum { FOREVER = 1000 };

uint32_t wrt_crc32c(uint32_t crc, const void *bytes, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        crc = (crc << 1) + ((const uint8_t *)bytes)[i];
    return crc;
}

bool wrt_check_is_on(enum wrt_check check, enum wrt_verification_level level)
{
    (void)check, (void)level;
    return false;
}

/* ---- any memory that holds ---- */

enum { BLOCK = 8, BLOCKS = 2, BYTES = BLOCK * BLOCKS };
static uint64_t memory[BLOCKS], copy[BLOCKS], journal[6];
static uint32_t checksum[BLOCKS], sequence[BLOCKS];
static struct wrt_atomic_memory atomic;

static bool holds(void)
{
    for (uint64_t block = 0; block < BLOCKS; block++)
        if (!is_block_sound(&atomic, block) || (sequence[block] & 1) != 0 ||
            (atomic.copy != NULL && copy[block] != memory[block]))
            return false;
    return journal[0] == 0;
}

static void cut(uint64_t offset, uint64_t size)
{
    static uint8_t bytes[BLOCK];
    uint8_t before[BYTES];
    const uint64_t look = any_below(BYTES);
    __CPROVER_havoc_object(bytes);
    atomic = (struct wrt_atomic_memory){
        .memory = (uint8_t *)memory, .copy = any_bool() ? (uint8_t *)copy : NULL, .size_bytes = BYTES,
        .blocks = BLOCKS, .block_bytes = BLOCK, .journal_bytes = BLOCK, .checksum = checksum, .sequence = sequence,
        .journal = (struct wrt_integrity_journal *)(void *)journal};
    for (uint64_t block = 0; block < BLOCKS; block++) {
        memory[block] = copy[block] = any_u64();
        sequence[block] = any_u32() & ~1u;
        checksum[block] = block_crc(&atomic, atomic.memory, block);
    }
    memcpy(before, memory, BYTES);
    memcpy(new_bytes(&atomic), bytes, size);

    stores_left = any_below(20);
    const uint32_t first_cut = stores_left;
    (void)carry_out(&atomic, offset, size);
    const bool was_cut = stores_left == 0;

    stores_left = (uint32_t)any_below(20);
    (void)recover(&atomic, NULL); /* may be cut as well */
    stores_left = FOREVER;
    prove(recover(&atomic, NULL) == WRT_OK, "the journal is whole");

    const uint8_t *const now = (const uint8_t *)memory;
    bool is_old = true, is_new = true;
    for (uint64_t i = 0; i < BLOCK; i++) {
        is_old = is_old && (i >= size || now[offset + i] == before[offset + i]);
        is_new = is_new && (i >= size || now[offset + i] == bytes[i]);
    }
    prove(is_old || is_new, "all old or all new");
    prove(was_cut || is_new, "what was not cut is there");
    prove(first_cut != 0 || is_old, "nothing before the first store");
    prove((look >= offset && look < offset + size) || now[look] == before[look], "nothing else changed");
    prove(holds(), "checksums, sequences, copy and journal hold");
}

void across(void)
{
    cut(4, 8);
}

void inside(void)
{
    cut(10, 3);
}
