/* sync_edges.c - what the set-up calls of sync, integrity and memory refuse, each field at and beyond
 * its limits.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wrt/wrt.h"

#define REFUSED(call) assert_int_equal((call), WRT_ERR_ARGUMENT)

static uint8_t storage[65536] __attribute__((aligned(4096)));
static uint64_t words[8192];
static uint32_t links[64];

static void queues(void **state)
{
    struct wrt_broadcast_ring broadcast;
    struct wrt_mpsc_ring mpsc;
    struct wrt_mpmc_ring mpmc;
    struct wrt_spsc_producer producer;
    struct wrt_spsc_consumer consumer;
    static struct wrt_spsc_words shared;
    static const uint32_t bad[] = {0, 1, 3, UINT32_C(0xFFFFFFFF)};

    (void)state;
    REFUSED(wrt_broadcast_ring_init(NULL, words, 8, 1));
    REFUSED(wrt_broadcast_ring_init(&broadcast, NULL, 8, 1));
    REFUSED(wrt_broadcast_ring_init(&broadcast, words, 8, 0));
    REFUSED(wrt_broadcast_ring_init(&broadcast, words, 8, (1u << 16) + 1));
    REFUSED(wrt_mpsc_ring_init(NULL, storage, 8, 8));
    REFUSED(wrt_mpsc_ring_init(&mpsc, NULL, 8, 8));
    REFUSED(wrt_mpsc_ring_init(&mpsc, storage, 8, 0));
    REFUSED(wrt_mpmc_ring_init(NULL, storage, links, words, 8, 8));
    REFUSED(wrt_mpmc_ring_init(&mpmc, storage, links, NULL, 8, 8));
    for (unsigned i = 0; i < 4; i++) {
        REFUSED(wrt_broadcast_ring_init(&broadcast, words, bad[i], 1));
        REFUSED(wrt_mpsc_ring_init(&mpsc, storage, bad[i], 8));
        REFUSED(wrt_mpmc_ring_init(&mpmc, storage, links, words, bad[i], 8));
        if (bad[i] != 1) {
            REFUSED(wrt_spsc_producer_init(&producer, &shared, storage, bad[i], 8));
            REFUSED(wrt_spsc_consumer_init(&consumer, &shared, storage, bad[i], 8));
        }
    }
    assert_int_equal(wrt_mpsc_ring_init(&mpsc, storage, UINT32_C(1) << 31, UINT32_MAX),
                     WRT_ERR_OVERFLOW);
    REFUSED(wrt_spsc_consumer_init(NULL, &shared, storage, 8, 8));
    REFUSED(wrt_spsc_producer_init(NULL, &shared, storage, 8, 8));
    shared.published = 9; /* nine in a ring of eight */
    assert_int_equal(wrt_spsc_producer_init(&producer, &shared, storage, 8, 8), WRT_ERR_CORRUPT);
    assert_int_equal(wrt_spsc_consumer_init(&consumer, &shared, storage, 8, 8), WRT_ERR_CORRUPT);
}

static void pools_and_values(void **state)
{
    struct wrt_object_pool pool, broken;
    struct wrt_object_cache cache = {.pool = &pool};
    struct wrt_triple_buffer triple;
    struct wrt_counters counters;

    (void)state;
    REFUSED(wrt_object_pool_init(NULL, storage, links, 8, 8));
    REFUSED(wrt_object_pool_init(&pool, NULL, links, 8, 8));
    REFUSED(wrt_object_pool_init(&pool, storage, NULL, 8, 8));
    REFUSED(wrt_object_pool_init(&pool, storage, links, 0, 8));
    REFUSED(wrt_object_pool_init(&pool, storage, links, 8, 0));
    REFUSED(wrt_object_pool_init(&pool, storage, links, WRT_POOL_MAX_OBJECTS + 1, 8));
    assert_int_equal(wrt_object_pool_init(&pool, storage, links, 8, 64), WRT_OK);
    REFUSED(wrt_object_cache_give(&cache, storage + 1));
    assert_true(wrt_object_pool_is_valid(&pool));
    assert_false(wrt_object_pool_is_valid(NULL));
    broken = pool, broken.links = NULL;
    assert_false(wrt_object_pool_is_valid(&broken));
    broken = pool, broken.objects = NULL;
    assert_false(wrt_object_pool_is_valid(&broken));
    broken = pool, broken.object_bytes = 0;
    assert_false(wrt_object_pool_is_valid(&broken));
    broken = pool, broken.object_count = 0;
    assert_false(wrt_object_pool_is_valid(&broken));
    broken = pool, broken.object_count = UINT32_MAX;
    assert_false(wrt_object_pool_is_valid(&broken));
    broken = pool, broken.head = 9; /* no such object */
    assert_false(wrt_object_pool_is_valid(&broken));

    REFUSED(wrt_triple_buffer_init(NULL, storage, 8));
    REFUSED(wrt_triple_buffer_init(&triple, NULL, 8));
    REFUSED(wrt_triple_buffer_init(&triple, storage, 0));
    REFUSED(wrt_triple_buffer_init(&triple, storage, (1u << 30) + 1));
    assert_int_equal(wrt_triple_buffer_init(&triple, storage + 8, 8), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_triple_buffer_init(&triple, storage, 8), WRT_OK);
    assert_non_null(wrt_triple_buffer_read(&triple, NULL));

    REFUSED(wrt_counters_init(NULL, words, 8, 1));
    REFUSED(wrt_counters_init(&counters, NULL, 8, 1));
    REFUSED(wrt_counters_init(&counters, words, 0, 1));
    REFUSED(wrt_counters_init(&counters, words, WRT_COUNTERS_MAX + 1, 1));
    REFUSED(wrt_counters_init(&counters, words, 8, 0));
    REFUSED(wrt_counters_init(&counters, words, 8, WRT_COUNTERS_MAX_READERS + 1));
}

static void locks_and_channels(void **state)
{
    struct wrt_semaphore semaphore;
    struct wrt_barrier barrier;
    struct wrt_pulse_channel channel;
    struct wrt_pulse_connection connection;
    struct wrt_pulse_entry entries[2];
    static struct wrt_futex_domain domain;

    (void)state;
    REFUSED(wrt_semaphore_init(NULL, 0, 1));
    REFUSED(wrt_semaphore_init(&semaphore, 0, 0));
    REFUSED(wrt_semaphore_init(&semaphore, 2, 1));
    REFUSED(wrt_barrier_init(NULL, 1));
    REFUSED(wrt_barrier_init(&barrier, 0));
    REFUSED(wrt_barrier_init(&barrier, 65536));
    REFUSED(wrt_pulse_channel_init(&channel, entries, 0, WRT_PULSE_REFUSE));
    REFUSED(wrt_pulse_channel_init(&channel, entries, WRT_PULSE_MAX_CAPACITY + 1, WRT_PULSE_REFUSE));
    REFUSED(wrt_pulse_channel_init_bound(NULL, 1, 0));
    REFUSED(wrt_pulse_channel_init_bound(&channel, 0, 0));
    REFUSED(wrt_pulse_channel_init_bound(&channel, WRT_PULSE_MAX_CAPACITY + 1, 0));
    REFUSED(wrt_pulse_channel_init_bound(&channel, 1, 4));
    REFUSED(wrt_pulse_connect_process(0, 1, &connection));
    REFUSED(wrt_pulse_connect_process(1, 0, &connection));
    REFUSED(wrt_futex_domain_init(NULL, NULL));
    REFUSED(wrt_futex_domain_init(&domain, &(struct wrt_futex_config){
        .kind = (enum wrt_futex_kind)7}));
    REFUSED(wrt_futex_domain_init(&domain, &(struct wrt_futex_config){
        .max_waiters = WRT_FUTEX_MAX_WAITERS + 1}));
    assert_int_equal(wrt_futex_domain_init(&domain, &(struct wrt_futex_config){
        .max_waiters = WRT_FUTEX_MAX_WAITERS}), WRT_OK);
    assert_int_equal(wrt_futex_domain_deinit(&domain), WRT_OK);
    assert_false(wrt_check_is_on(WRT_CHECK_COUNT, WRT_VERIFY_CRITICAL));
    assert_int_equal(wrt_futex_requeue(NULL, links, 0, 1, (uint32_t *)(void *)(storage + 2), 1, NULL,
                                       NULL), WRT_ERR_ALIGNMENT);
}

/* The same that the last one queued says, but for one thing each time: nothing coalesces. */
static void pulses_that_differ_do_not_coalesce(void **state)
{
    struct wrt_pulse_channel channel;
    struct wrt_pulse_connection one, two;
    static struct wrt_pulse_entry entries[8];
    struct wrt_pulse pulse;
    static const uint32_t counts[] = {2, 1, 1, 1};

    (void)state;
    assert_int_equal(wrt_pulse_channel_init(&channel, entries, 8, WRT_PULSE_COALESCE), WRT_OK);
    assert_int_equal(wrt_pulse_connect(&channel, &one), WRT_OK);
    assert_int_equal(wrt_pulse_connect(&channel, &two), WRT_OK);
    assert_int_equal(wrt_pulse_send(&one, 5, 1, 1), WRT_OK);
    assert_int_equal(wrt_pulse_send(&one, 5, 1, 1), WRT_OK);
    assert_int_equal(wrt_pulse_send(&one, 5, 2, 1), WRT_OK); /* another code */
    assert_int_equal(wrt_pulse_send(&one, 5, 2, 2), WRT_OK); /* another value */
    assert_int_equal(wrt_pulse_send(&two, 5, 2, 2), WRT_OK); /* another sender */
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_OK);
        assert_int_equal(pulse.count, counts[i]);
    }
    assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_pulse_channel_close(&channel), WRT_OK);
    assert_int_equal(wrt_pulse_disconnect(&one, 0), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_channel_deinit(&channel), WRT_OK);
}

static void atomic_memories(void **state)
{
    static uint64_t memory[64];
    struct wrt_atomic_memory atomic;
    struct wrt_seal seal;
    uint32_t sum[1];
    const struct wrt_atomic_memory_config good = {.memory = memory, .size_bytes = sizeof memory,
                                                  .store = storage, .store_bytes = sizeof storage};
    struct wrt_atomic_memory_config c;

    (void)state;
#define FORMAT(change, expected)                                                   \
    (c = good, change, assert_int_equal(wrt_atomic_memory_format(&atomic, &c, NULL), expected))
    FORMAT(c.memory = NULL, WRT_ERR_ARGUMENT);
    FORMAT(c.size_bytes = 0, WRT_ERR_ARGUMENT);
    FORMAT(c.size_bytes = 12, WRT_ERR_ARGUMENT);
    FORMAT(c.size_bytes = (UINT64_C(1) << 40) + 8, WRT_ERR_ARGUMENT);
    FORMAT(c.memory = (uint8_t *)memory + 4, WRT_ERR_ALIGNMENT);
    FORMAT(c.store = storage + 4, WRT_ERR_ALIGNMENT);
    FORMAT(c.block_bytes = 32, WRT_ERR_ARGUMENT);
    FORMAT(c.block_bytes = 96, WRT_ERR_ARGUMENT);
    FORMAT(c.block_bytes = 8192, WRT_ERR_ARGUMENT);
    FORMAT(c.journal_bytes = 12, WRT_ERR_ARGUMENT);
    FORMAT(c.journal_bytes = (1u << 30) + 8, WRT_ERR_ARGUMENT);
    FORMAT(c.store_bytes = 8, WRT_ERR_NO_SPACE);
#undef FORMAT
    c = good, c.size_bytes = 0;
    assert_int_equal(wrt_atomic_memory_store_bytes(&c), 0);
    REFUSED(wrt_seal_set(&seal, NULL, 8, sum, 1));
    REFUSED(wrt_seal_set(&seal, memory, 0, sum, 1));
    REFUSED(wrt_seal_set(&seal, memory, 8, NULL, 1));
    assert_int_equal(wrt_seal_set(&seal, memory, sizeof memory, sum, 1), WRT_OK);
    memory[0] ^= 1;
    assert_int_equal(wrt_seal_check(&seal, NULL), WRT_ERR_CORRUPT);
    memory[0] ^= 1;
}

/* Block and copy damaged in different bits, in each block and not only the first: the checksum tells which
 * bits are right, that block is mended in both, and the others are as they were. */
static void both_copies_damaged_in_any_block(void **state)
{
    enum { BLOCK_BYTES = 64, BLOCKS = 4 };
    static uint64_t memory[BLOCKS * BLOCK_BYTES / 8];
    uint8_t expected[sizeof memory];
    struct wrt_atomic_memory atomic;
    struct wrt_atomic_memory_counters counters;
    const struct wrt_atomic_memory_config config = {
        .memory = memory, .size_bytes = sizeof memory, .block_bytes = BLOCK_BYTES,
        .store = storage, .store_bytes = sizeof storage, .level = WRT_VERIFY_CRITICAL};

    (void)state;
    for (size_t i = 0; i < sizeof expected; i++)
        expected[i] = (uint8_t)(i * 7 + 1);
    for (unsigned block = 0; block < BLOCKS; block++) {
        memcpy(memory, expected, sizeof memory);
        assert_int_equal(wrt_atomic_memory_format(&atomic, &config, NULL), WRT_OK);
        atomic.memory[block * BLOCK_BYTES + 5] ^= 0x10;
        atomic.copy[block * BLOCK_BYTES + 40] ^= 0x01;
        assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
        assert_memory_equal(memory, expected, sizeof memory);
        assert_memory_equal(atomic.copy, expected, sizeof memory);
        wrt_atomic_memory_get_counters(&atomic, &counters);
        assert_int_equal(counters.detected, 1);
        assert_int_equal(counters.repaired, 1);
    }
}

static void linear_memories(void **state)
{
    struct wrt_partition *partition;
    struct wrt_page_allocator pages;
    struct wrt_page_pool pool;
    struct wrt_shared_memory shared;
    struct wrt_page_image image;
    struct wrt_error error;

    (void)state;
    assert_int_equal(wrt_partition_create(NULL, NULL, &partition, NULL), WRT_OK);
#define PAGES(...)                                                                             \
    (error.text[0] = '\0',                                                                     \
     assert_int_not_equal(wrt_pages_allocate(&pages, partition,                                \
                                             &(struct wrt_page_config){__VA_ARGS__}, &error),  \
                          WRT_OK),                                                             \
     assert_int_not_equal(error.text[0], '\0'))
    PAGES(.maximum_pages = UINT64_MAX);
    PAGES(.maximum_pages = 1, .guard_before_bytes = UINT64_MAX);
    PAGES(.maximum_pages = 1, .guard_after_bytes = UINT64_MAX - 4096);
    PAGES(.maximum_pages = 1, .guard_before_bytes = UINT64_MAX / 2, .guard_after_bytes = UINT64_MAX / 2 + 1);
    PAGES(.maximum_pages = 1, .huge_pages = (enum wrt_huge_pages)9);
    PAGES(.maximum_pages = 1, .tags = (enum wrt_tagging)9);
    PAGES(.maximum_pages = 1, .provider = WRT_PAGES_NATIVE, .has_node = true);
    PAGES(.maximum_pages = 1, .provider = WRT_PAGES_NATIVE, .typed_pool = "ram");
    PAGES(.maximum_pages = 1, .provider = WRT_PAGES_STATIC);
    PAGES(.maximum_pages = 1, .provider = WRT_PAGES_STATIC, .static_block = storage,
          .static_block_bytes = UINT64_MAX);
    PAGES(.maximum_pages = 1, .provider = WRT_PAGES_NATIVE, .tags = WRT_TAGGING_REQUIRED);
#undef PAGES
    assert_int_not_equal(wrt_page_pool_create(&pool, partition, &(struct wrt_page_pool_config){
        .slots = 1, .slot_bytes = 65536, .guard_bytes = UINT64_MAX}, &error), WRT_OK);
    assert_int_not_equal(wrt_page_pool_create(&pool, partition, &(struct wrt_page_pool_config){
        .slots = 2, .slot_bytes = UINT64_C(1) << 62, .guard_bytes = UINT64_C(1) << 62}, &error),
                         WRT_OK);
    assert_int_not_equal(wrt_page_image_create(&image, partition, "x", UINT64_MAX, &error), WRT_OK);
    assert_int_not_equal(wrt_page_image_create(&image, partition, "x", 0, &error), WRT_OK);
    assert_int_not_equal(wrt_shared_memory_create(&shared, partition, NULL, false, UINT64_MAX,
                                                  &error), WRT_OK);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues),          cmocka_unit_test(pools_and_values),
        cmocka_unit_test(locks_and_channels), cmocka_unit_test(pulses_that_differ_do_not_coalesce),
        cmocka_unit_test(atomic_memories), cmocka_unit_test(both_copies_damaged_in_any_block),
        cmocka_unit_test(linear_memories),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
