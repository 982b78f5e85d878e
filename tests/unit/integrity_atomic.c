/* tests/unit/integrity_atomic.c - atomic memory: contents, levels, flips, repair, readers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"
#include "wrt/integrity.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 5000, STORE = 20000 }; /* the last block is short */

static _Alignas(8) uint8_t memory[SIZE];
static _Alignas(8) uint8_t store[STORE];
static uint8_t shadow[SIZE];
static struct wrt_atomic_memory atomic;
static uint64_t random_state = 0x243F6A8885A308D3u;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % bound;
}

static struct wrt_atomic_memory_config config_at(int level)
{
    return (struct wrt_atomic_memory_config){
        .memory = memory, .size_bytes = SIZE, .block_bytes = 64, .journal_bytes = 512,
        .store = store, .store_bytes = STORE, .level = (enum wrt_verification_level)level};
}

static void format(int level)
{
    struct wrt_atomic_memory_config config = config_at(level);

    for (int i = 0; i < SIZE; i++)
        memory[i] = shadow[i] = (uint8_t)(i * 3 + 1);
    assert_int_equal(wrt_atomic_memory_format(&atomic, &config, NULL), WRT_OK);
}

static struct wrt_atomic_memory_counters counters(void)
{
    struct wrt_atomic_memory_counters out;

    wrt_atomic_memory_get_counters(&atomic, &out);
    return out;
}

#define FOR_EACH_LEVEL(level) \
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++)

/* Random writes, copies (every overlap) and reads against a plain array. */
static void contents_are_those_of_plain_memory(void **state)
{
    uint8_t buffer[512];

    (void)state;
    FOR_EACH_LEVEL (level) {
        format(level);
        assert_int_equal(wrt_atomic_memory_level(&atomic), level);
        for (int step = 0; step < 4000; step++) {
            uint32_t size = random_below(513), to = random_below(SIZE - 512);
            uint32_t from = random_below(2) ? to + random_below(40) : random_below(SIZE - 552);

            if (random_below(2)) {
                memset(buffer, step, size);
                assert_int_equal(wrt_atomic_memory_write(&atomic, to, buffer, size), WRT_OK);
                memcpy(shadow + to, buffer, size);
            } else if (from + size <= SIZE) {
                assert_int_equal(wrt_atomic_memory_copy_within(&atomic, to, from, size),
                                 WRT_OK);
                memmove(shadow + to, shadow + from, size);
            }
            assert_int_equal(wrt_atomic_memory_read(&atomic, to, buffer, size), WRT_OK);
            assert_memory_equal(buffer, shadow + to, size);
        }
        assert_memory_equal(memory, shadow, SIZE);
        assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
        assert_int_equal(counters().detected, 0);
    }
}

static void ranges_and_sizes_are_refused_by_kind(void **state)
{
    uint8_t buffer[600] = {0};

    (void)state;
    format(WRT_VERIFY_STANDARD);
    assert_int_equal(wrt_atomic_memory_write(&atomic, SIZE, buffer, 1), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_atomic_memory_write(&atomic, SIZE - 1, buffer, 2), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_atomic_memory_write(&atomic, UINT64_MAX, buffer, 2), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_atomic_memory_read(&atomic, 2, buffer, UINT64_MAX), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_atomic_memory_copy_within(&atomic, 0, SIZE - 4, 5), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_atomic_memory_copy_within(&atomic, SIZE - 4, 0, 5), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_atomic_memory_write(&atomic, 0, buffer, 513), WRT_ERR_LIMIT);
    assert_int_equal(wrt_atomic_memory_copy_within(&atomic, 0, 9, 513), WRT_ERR_LIMIT);
    assert_int_equal(wrt_atomic_memory_write(&atomic, SIZE, buffer, 0), WRT_OK);
    assert_int_equal(wrt_atomic_memory_read(&atomic, SIZE, buffer, 0), WRT_OK);
    assert_memory_equal(memory, shadow, SIZE);
    atomic.writer = 1; /* another writer is at work */
    assert_int_equal(wrt_atomic_memory_write(&atomic, 0, buffer, 1), WRT_ERR_BUSY);
    assert_int_equal(wrt_atomic_memory_scrub(&atomic, 1), WRT_ERR_BUSY);
    assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_ERR_BUSY);
    assert_int_equal(wrt_atomic_memory_read(&atomic, 0, buffer, 1), WRT_OK);
}

static void wrong_configurations_are_refused(void **state)
{
    struct {
        struct wrt_atomic_memory_config config;
        enum wrt_status status;
    } wrong[10];

    (void)state;
    for (int i = 0; i < 10; i++) {
        wrong[i].config = config_at(WRT_VERIFY_STANDARD);
        wrong[i].status = WRT_ERR_ARGUMENT;
    }
    wrong[0].config.memory = NULL;
    wrong[1].config.size_bytes = 0;
    wrong[2].config.size_bytes = 4999;
    wrong[3].config.block_bytes = 96;
    wrong[4].config.block_bytes = 8192;
    wrong[5].config.journal_bytes = 12;
    wrong[6].config.level = (enum wrt_verification_level)9;
    wrong[7].config.memory = memory + 4;
    wrong[7].status = WRT_ERR_ALIGNMENT;
    wrong[8].config.store_bytes =
        wrt_atomic_memory_store_bytes(&wrong[8].config) - 1;
    wrong[8].status = WRT_ERR_NO_SPACE;
    wrong[9].config.store = NULL;
    wrong[9].status = WRT_ERR_NO_SPACE;
    for (int i = 0; i < 10; i++) {
        struct wrt_error error = {.text = ""};
        assert_int_equal(wrt_atomic_memory_format(&atomic, &wrong[i].config, &error),
                         wrong[i].status);
        assert_true(strlen(error.text) > 0);
        assert_true(wrt_atomic_memory_open(&atomic, &wrong[i].config, &error) < 0);
    }
}

static void a_store_is_opened_only_by_its_own_configuration(void **state)
{
    struct wrt_atomic_memory_config config = config_at(WRT_VERIFY_STANDARD), other;

    (void)state;
    format(WRT_VERIFY_STANDARD);
    assert_int_equal(wrt_atomic_memory_open(&atomic, &config, NULL), WRT_OK);
    other = config;
    other.block_bytes = 128;
    assert_int_equal(wrt_atomic_memory_open(&atomic, &other, NULL), WRT_ERR_CORRUPT);
    other = config;
    other.level = WRT_VERIFY_CRITICAL;
    assert_int_equal(wrt_atomic_memory_open(&atomic, &other, NULL), WRT_ERR_CORRUPT);
    for (int byte = 0; byte < 32; byte++) {
        store[byte] ^= 4;
        assert_int_equal(wrt_atomic_memory_open(&atomic, &config, NULL), WRT_ERR_CORRUPT);
        store[byte] ^= 4;
    }
    assert_int_equal(wrt_atomic_memory_open(&atomic, &config, NULL), WRT_OK);
}

/* ---- flips: what each level does about one ---- */

static void read_finds_a_flip_from_standard_up_and_critical_repairs(void **state)
{
    uint8_t out[8];

    (void)state;
    FOR_EACH_LEVEL (level) {
        format(level);
        memory[100] ^= 0x20;
        switch (level) {
        case WRT_VERIFY_OFF:
        case WRT_VERIFY_MINIMAL: /* silent */
            assert_int_equal(wrt_atomic_memory_read(&atomic, 96, out, 8), WRT_OK);
            assert_int_equal(out[4], memory[100]);
            break;
        case WRT_VERIFY_STANDARD:
        case WRT_VERIFY_FULL:
            assert_int_equal(wrt_atomic_memory_read(&atomic, 96, out, 8), WRT_ERR_CORRUPT);
            assert_int_equal(wrt_atomic_memory_read(&atomic, 64, out, 8), WRT_ERR_CORRUPT);
            assert_int_equal(wrt_atomic_memory_read(&atomic, 128, out, 8), WRT_OK);
            assert_true(counters().detected > 0);
            assert_int_equal(counters().repaired, 0);
            break;
        default:
            assert_int_equal(wrt_atomic_memory_read(&atomic, 96, out, 8), WRT_OK);
            assert_memory_equal(out, shadow + 96, 8);
            assert_int_equal(memory[100], shadow[100]);
            assert_int_equal(counters().repaired, 1);
        }
    }
}

static void verify_and_scrub_find_a_flip_from_minimal_up(void **state)
{
    (void)state;
    FOR_EACH_LEVEL (level) {
        uint64_t bad = UINT64_MAX;
        bool is_found = level >= WRT_VERIFY_MINIMAL && level < WRT_VERIFY_CRITICAL;

        format(level);
        memory[4999] ^= 1; /* the short last block */
        assert_int_equal(wrt_atomic_memory_verify(&atomic, &bad),
                         is_found ? WRT_ERR_CORRUPT : WRT_OK);
        if (is_found)
            assert_int_equal(bad, 4999 / 64);
        if (level == WRT_VERIFY_CRITICAL)
            assert_int_equal(memory[4999], shadow[4999]);
    }
}

static void a_scrubber_goes_round_in_bounded_steps(void **state)
{
    int steps = 0;

    (void)state;
    format(WRT_VERIFY_STANDARD);
    memory[64 * 50] ^= 1;
    while (wrt_atomic_memory_scrub(&atomic, 4) == WRT_OK)
        steps++;
    assert_int_equal(steps, 12); /* blocks 0 .. 47 were sound */
    assert_int_equal(counters().scrubbed_blocks, 52);
    memory[64 * 50] ^= 1;
    for (int i = 0; i < 40; i++)
        assert_int_equal(wrt_atomic_memory_scrub(&atomic, 4), WRT_OK);
    assert_int_equal(wrt_atomic_memory_scrub(&atomic, UINT64_MAX), WRT_OK);
}

static void damage_is_not_written_into_a_checksum(void **state)
{
    uint8_t bytes[64] = {0};

    (void)state;
    format(WRT_VERIFY_STANDARD);
    memory[70] ^= 1;
    assert_int_equal(wrt_atomic_memory_write(&atomic, 64, bytes, 4), WRT_ERR_CORRUPT);
    assert_int_equal(memory[64], shadow[64]);
    assert_int_equal(wrt_atomic_memory_copy_within(&atomic, 1024, 66, 8), WRT_ERR_CORRUPT);
    assert_int_equal(wrt_atomic_memory_write(&atomic, 64, bytes, 64), WRT_OK); /* all of it */
    assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
}

/* The check "write": memory that does not keep what was written. Here the sequences are made
 * to lie in the region itself, so that finishing the write changes its first bytes. */
static void write_is_read_back_from_full_up(void **state)
{
    uint8_t bytes[64] = {0};

    (void)state;
    FOR_EACH_LEVEL (level) {
        if (level < WRT_VERIFY_STANDARD || level > WRT_VERIFY_FULL)
            continue; /* below nothing looks at blocks; at Critical the copy would repair */
        format(level);
        atomic.sequence = (uint32_t *)(void *)memory;
        assert_int_equal(wrt_atomic_memory_write(&atomic, 0, bytes, 64),
                         level >= WRT_VERIFY_FULL ? WRT_ERR_CORRUPT : WRT_OK);
    }
}

/* Two of block, copy and checksum that agree repair the third. */
static void critical_repairs_block_copy_checksum_and_sequence(void **state)
{
    (void)state;
    for (int victim = 0; victim < 4; victim++) {
        uint8_t out[8];

        format(WRT_VERIFY_CRITICAL);
        if (victim == 0)
            memory[64 * 7 + 5] ^= 0x80;
        if (victim == 1)
            atomic.copy[64 * 7 + 5] ^= 0x80;
        if (victim == 2)
            atomic.checksum[7] ^= 0x80;
        if (victim == 3)
            atomic.sequence[7] ^= 1;
        if (victim != 1)
            assert_int_equal(wrt_atomic_memory_read(&atomic, 64 * 7, out, 8), WRT_OK);
        assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
        assert_int_equal(counters().repaired, 1);
        assert_memory_equal(memory, shadow, SIZE);
        assert_memory_equal(atomic.copy, shadow, SIZE);
        assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
        assert_int_equal(counters().detected, 1);
    }
    format(WRT_VERIFY_CRITICAL);
    memory[10] ^= 0x81; /* both, in different bits: the checksum tells which are right */
    memory[12] ^= 1;
    atomic.copy[12] ^= 0x0E;
    atomic.copy[60] ^= 1;
    assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
    assert_memory_equal(memory, shadow, SIZE);
    assert_memory_equal(atomic.copy, shadow, SIZE);
    memory[10] ^= 0xFF; /* more than 8 bits */
    atomic.copy[12] ^= 1;
    assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_ERR_CORRUPT);
    format(WRT_VERIFY_CRITICAL);
    memory[10] ^= 1; /* the same bit in both: they agree, and are not believed */
    atomic.copy[10] ^= 1;
    assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_ERR_CORRUPT);
}

static void every_single_flip_is_found(void **state)
{
    (void)state;
    format(WRT_VERIFY_STANDARD);
    for (uint32_t bit = 0; bit < SIZE * 8; bit++) {
        uint64_t bad = 0;
        uint8_t out[1];

        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(wrt_atomic_memory_read(&atomic, bit / 8, out, 1), WRT_ERR_CORRUPT);
        if (bit % 1000 == 0) {
            assert_int_equal(wrt_atomic_memory_verify(&atomic, &bad), WRT_ERR_CORRUPT);
            assert_int_equal(bad, bit / 8 / 64);
        }
        memory[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

/* ---- readers beside a writer ---- */

enum { WRITES = 20000 };
static uint32_t stop_reading;
static uint64_t torn, seen;

/* All bytes of a record are equal, as the writer writes them. */
static void read_records(void *context)
{
    uint8_t record[200];

    (void)context;
    while (__atomic_load_n(&stop_reading, __ATOMIC_ACQUIRE) == 0) {
        if (wrt_atomic_memory_read(&atomic, 40, record, sizeof record) != WRT_OK)
            continue;
        __atomic_fetch_add(&seen, 1, __ATOMIC_RELAXED);
        for (size_t i = 1; i < sizeof record; i++)
            if (record[i] != record[0]) {
                __atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
                break;
            }
    }
}

static void readers_never_see_half_a_write(void **state)
{
    struct wrt_port_thread_config thread_config = {0};
    struct wrt_port_thread one, two;
    uint8_t record[200];

    (void)state;
    format(WRT_VERIFY_STANDARD);
    memset(record, 0, sizeof record);
    assert_int_equal(wrt_atomic_memory_write(&atomic, 40, record, sizeof record), WRT_OK);
    stop_reading = 0;
    torn = seen = 0;
    assert_int_equal(wrt_port_thread_create(&thread_config, read_records, NULL, &one), WRT_OK);
    assert_int_equal(wrt_port_thread_create(&thread_config, read_records, NULL, &two), WRT_OK);
    for (int i = 0; i < WRITES; i++) {
        enum wrt_status status;

        memset(record, i, sizeof record);
        do {
            status = wrt_atomic_memory_write(&atomic, 40, record, sizeof record);
        } while (status == WRT_ERR_BUSY); /* a reader heals for a moment */
        assert_int_equal(status, WRT_OK);
    }
    __atomic_store_n(&stop_reading, 1, __ATOMIC_RELEASE);
    assert_int_equal(wrt_port_thread_join(&one), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&two), WRT_OK);
    assert_int_equal(torn, 0);
    assert_int_equal(counters().detected, 0);
    print_message("%d reads beside %d writes, %d retries\n", (int)seen, WRITES,
                  (int)counters().retries);
}

static void a_linear_memory_is_guarded_too(void **state)
{
    struct wrt_page_config page_config = {.initial_pages = 1, .maximum_pages = 1};
    struct wrt_partition_config partition_config = {.name = "i",
                                                    .verification = WRT_VERIFY_CRITICAL};
    struct wrt_atomic_memory_config config;
    struct wrt_page_allocator pages;
    struct wrt_partition *partition;
    void *space;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &partition_config, &partition, NULL), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&pages, partition, &page_config, NULL), WRT_OK);
    config = wrt_atomic_memory_over_pages(&pages);
    assert_int_equal(config.level, WRT_VERIFY_CRITICAL);
    config.store_bytes = wrt_atomic_memory_store_bytes(&config);
    assert_int_equal(wrt_partition_allocate(partition, WRT_CHARGE_RUNTIME,
                                            (size_t)config.store_bytes, 0, &space, NULL),
                     WRT_OK);
    config.store = space;
    assert_int_equal(wrt_atomic_memory_format(&atomic, &config, NULL), WRT_OK);
    assert_int_equal(wrt_atomic_memory_write(&atomic, 1000, "guest", 5), WRT_OK);
    pages.base[1002] ^= 8;
    assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
    assert_memory_equal(pages.base + 1000, "guest", 5);
    wrt_partition_free(partition, WRT_CHARGE_RUNTIME, space, (size_t)config.store_bytes);
    wrt_pages_free(&pages);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
}

/* ---- seals ---- */

static void a_seal_finds_every_changed_byte(void **state)
{
    static uint8_t code[10000];
    uint32_t checksum[3];
    struct wrt_seal seal;
    uint64_t offset = 9;

    (void)state;
    assert_int_equal(wrt_seal_checksums(sizeof code), 3);
    assert_int_equal(wrt_seal_checksums(8192), 2);
    assert_int_equal(wrt_seal_set(&seal, code, sizeof code, checksum, 2), WRT_ERR_NO_SPACE);
    assert_int_equal(wrt_seal_set(&seal, code, 0, checksum, 3), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_seal_set(&seal, code, sizeof code, checksum, 3), WRT_OK);
    assert_int_equal(wrt_seal_check(&seal, &offset), WRT_OK);
    for (size_t i = 0; i < sizeof code; i += 97) {
        code[i] ^= 1;
        assert_int_equal(wrt_seal_check(&seal, &offset), WRT_ERR_CORRUPT);
        assert_int_equal(offset, i / 4096 * 4096);
        code[i] ^= 1;
    }
    code[9999] ^= 1;
    assert_int_equal(wrt_seal_scrub(&seal, 2), WRT_OK);
    assert_int_equal(wrt_seal_scrub(&seal, 2), WRT_ERR_CORRUPT);
    code[9999] ^= 1;
    assert_int_equal(wrt_seal_scrub(&seal, 100), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_are_those_of_plain_memory),
        cmocka_unit_test(ranges_and_sizes_are_refused_by_kind),
        cmocka_unit_test(wrong_configurations_are_refused),
        cmocka_unit_test(a_store_is_opened_only_by_its_own_configuration),
        cmocka_unit_test(read_finds_a_flip_from_standard_up_and_critical_repairs),
        cmocka_unit_test(verify_and_scrub_find_a_flip_from_minimal_up),
        cmocka_unit_test(a_scrubber_goes_round_in_bounded_steps),
        cmocka_unit_test(damage_is_not_written_into_a_checksum),
        cmocka_unit_test(write_is_read_back_from_full_up),
        cmocka_unit_test(critical_repairs_block_copy_checksum_and_sequence),
        cmocka_unit_test(every_single_flip_is_found),
        cmocka_unit_test(readers_never_see_half_a_write),
        cmocka_unit_test(a_linear_memory_is_guarded_too),
        cmocka_unit_test(a_seal_finds_every_changed_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
