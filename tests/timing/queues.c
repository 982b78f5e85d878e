/* queues.c - rings, pools, latest values, counters.  SPDX-License-Identifier: Apache-2.0 */
#include "timing.h"

enum { CAPACITY = 64, ITEM_BYTES = 64, WORDS = 8, COUNTERS = 64, READERS = 14 };

static uint8_t item[ITEM_BYTES];
static uint8_t storage[CAPACITY * (ITEM_BYTES + 8)] __attribute__((aligned(64)));
static uint32_t links[CAPACITY];
static uint64_t cells[CAPACITY];

static void expect(enum wrt_status status, enum wrt_status wanted)
{
    timing_status = status == wanted ? WRT_OK : WRT_ERR_STATE;
}

/* ---- one producer, one consumer ---- */

static struct wrt_spsc_words words;
static struct wrt_spsc_producer producer;
static struct wrt_spsc_consumer consumer;

static void begin_spsc(void)
{
    words = (struct wrt_spsc_words){0};
    TIMING_MUST(wrt_spsc_producer_init(&producer, &words, storage, CAPACITY, ITEM_BYTES));
    TIMING_MUST(wrt_spsc_consumer_init(&consumer, &words, storage, CAPACITY, ITEM_BYTES));
}

static void spsc_push(void)
{
    timing_status = wrt_spsc_push(&producer, item);
}

static void spsc_pop(void)
{
    timing_status = wrt_spsc_pop(&consumer, item);
}

static void spsc_push_before(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_spsc_push(&producer, item));
}

static void spsc_pop_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_spsc_pop(&consumer, item));
}

static void begin_full_spsc(void)
{
    begin_spsc();
    for (uint32_t i = 0; i < CAPACITY; i++)
        spsc_push_before(i);
}

static void spsc_push_full(void)
{
    expect(wrt_spsc_push(&producer, item), WRT_ERR_NO_SPACE);
}

static void spsc_pop_empty(void)
{
    expect(wrt_spsc_pop(&consumer, item), WRT_ERR_NOT_FOUND);
}

/* ---- many producers ---- */

static struct wrt_mpsc_ring mpsc;

static void begin_mpsc(void)
{
    TIMING_MUST(wrt_mpsc_ring_init(&mpsc, storage, CAPACITY, ITEM_BYTES));
}

static void mpsc_push(void)
{
    timing_status = wrt_mpsc_push(&mpsc, item);
}

static void mpsc_pop(void)
{
    timing_status = wrt_mpsc_pop(&mpsc, item);
}

static void mpsc_push_before(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_mpsc_push(&mpsc, item));
}

static void mpsc_pop_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_mpsc_pop(&mpsc, item));
}

static void mpsc_pop_empty(void)
{
    expect(wrt_mpsc_pop(&mpsc, item), WRT_ERR_NOT_FOUND);
}

/* ---- many on both sides ---- */

static struct wrt_mpmc_ring mpmc;

static void begin_mpmc(void)
{
    TIMING_MUST(wrt_mpmc_ring_init(&mpmc, storage, links, cells, CAPACITY, ITEM_BYTES));
}

static void mpmc_push(void)
{
    timing_status = wrt_mpmc_push(&mpmc, item);
}

static void mpmc_pop(void)
{
    timing_status = wrt_mpmc_pop(&mpmc, item);
}

static void mpmc_push_before(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_mpmc_push(&mpmc, item));
}

static void mpmc_pop_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_mpmc_pop(&mpmc, item));
}

static void mpmc_pop_empty(void)
{
    expect(wrt_mpmc_pop(&mpmc, item), WRT_ERR_NOT_FOUND);
}

/* ---- pool ---- */

static struct wrt_object_pool pool;
static struct wrt_object_cache cache;
static void *object[CAPACITY], *last;

static void begin_pool(void)
{
    TIMING_MUST(wrt_object_pool_init(&pool, storage, links, CAPACITY, ITEM_BYTES));
    cache = (struct wrt_object_cache){.pool = &pool};
}

static void pool_take(void)
{
    timing_status = wrt_object_pool_take(&pool, &last);
}

static void pool_give(void)
{
    timing_status = wrt_object_pool_give(&pool, last);
}

static void pool_take_before(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_object_pool_take(&pool, &last));
}

static void pool_give_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_object_pool_give(&pool, last));
}

/* The cache is empty, so it is filled from the pool. */
static void cache_take(void)
{
    timing_status = wrt_object_cache_take(&cache, &last);
}

static void drain_after(uint32_t turn)
{
    (void)turn;
    TIMING_MUST(wrt_object_cache_give(&cache, last));
    wrt_object_cache_drain(&cache);
}

/* The cache is full, so half of it goes to the pool. */
static void fill_before(uint32_t turn)
{
    (void)turn;
    for (uint32_t i = 0; i <= WRT_OBJECT_CACHE_SIZE; i++)
        TIMING_MUST(wrt_object_pool_take(&pool, &object[i]));
    for (uint32_t i = 0; i < WRT_OBJECT_CACHE_SIZE; i++)
        TIMING_MUST(wrt_object_cache_give(&cache, object[i]));
    last = object[WRT_OBJECT_CACHE_SIZE];
}

static void cache_give(void)
{
    timing_status = wrt_object_cache_give(&cache, last);
}

static void drain(uint32_t turn)
{
    (void)turn;
    wrt_object_cache_drain(&cache);
}

/* ---- latest values ---- */

static struct wrt_triple_buffer triple;
static uint8_t triple_storage[WRT_TRIPLE_BYTES(ITEM_BYTES)] __attribute__((aligned(64)));
static struct wrt_seqlock seqlock;
static uint64_t shared[WORDS], value[WORDS];

static void begin_triple(void)
{
    TIMING_MUST(wrt_triple_buffer_init(&triple, triple_storage, ITEM_BYTES));
}

static void triple_publish(void)
{
    wrt_triple_buffer_publish(&triple);
}

static void triple_publish_before(uint32_t turn)
{
    (void)turn;
    wrt_triple_buffer_publish(&triple);
}

static void triple_read(void)
{
    bool is_new;

    timing_status = wrt_triple_buffer_read(&triple, &is_new) != NULL && is_new
                        ? WRT_OK : WRT_ERR_STATE;
}

static void seqlock_write(void)
{
    wrt_seqlock_write(&seqlock, shared, value, WORDS);
}

static void seqlock_read(void)
{
    timing_status = wrt_seqlock_read(&seqlock, shared, value, WORDS, 8);
}

/* A writer ended in the midst: each of the 8 tries fails. */
static void begin_stuck(void)
{
    seqlock.sequence |= 1;
}

static void end_stuck(void)
{
    seqlock.sequence = 0;
}

static void seqlock_read_stuck(void)
{
    expect(wrt_seqlock_read(&seqlock, shared, value, WORDS, 8), WRT_ERR_BUSY);
}

/* ---- broadcast, counters ---- */

static struct wrt_broadcast_ring broadcast;
static struct wrt_broadcast_reader reader;
static uint64_t broadcast_storage[WRT_BROADCAST_WORDS(CAPACITY, WORDS)];
static struct wrt_counters counters;
static uint64_t counter_storage[WRT_COUNTERS_WORDS(COUNTERS, READERS)], snapshot[COUNTERS];

static void begin_broadcast(void)
{
    TIMING_MUST(wrt_broadcast_ring_init(&broadcast, broadcast_storage, CAPACITY, WORDS));
    wrt_broadcast_reader_init(&reader, &broadcast, false);
}

static void publish(void)
{
    wrt_broadcast_publish(&broadcast, value);
}

static void publish_before(uint32_t turn)
{
    (void)turn;
    wrt_broadcast_publish(&broadcast, value);
}

static void publish_too_many(uint32_t turn)
{
    for (uint32_t i = 0; i < CAPACITY + 3; i++)
        publish_before(turn);
}

static void receive(void)
{
    timing_status = wrt_broadcast_receive(&reader, value);
}

static void begin_counters(void)
{
    TIMING_MUST(wrt_counters_init(&counters, counter_storage, COUNTERS, READERS));
}

static void add(void)
{
    timing_status = wrt_counters_add(&counters, COUNTERS - 1, 1);
}

static void publish_counters(void)
{
    wrt_counters_publish(&counters);
}

static void take_snapshot(void)
{
    timing_status = wrt_counters_snapshot(&counters, READERS - 1, snapshot);
}

static const struct timing_operation operations[] = {
    {.name = "wrt_spsc_push: 64 bytes", .bound = "wait-free, 3 loads", .begin = begin_spsc,
     .run = spsc_push, .after = spsc_pop_after, .turns = CAPACITY + 1},
    {.name = "wrt_spsc_push: full", .bound = "wait-free, 3 loads", .begin = begin_full_spsc,
     .run = spsc_push_full},
    {.name = "wrt_spsc_pop: 64 bytes", .bound = "wait-free, 3 loads", .begin = begin_spsc,
     .before = spsc_push_before, .run = spsc_pop, .turns = CAPACITY + 1},
    {.name = "wrt_spsc_pop: empty", .bound = "wait-free, 3 loads", .begin = begin_spsc,
     .run = spsc_pop_empty},
    {.name = "wrt_mpsc_push: 64 bytes", .bound = "lock-free", .begin = begin_mpsc,
     .run = mpsc_push, .after = mpsc_pop_after},
    {.name = "wrt_mpsc_pop: 64 bytes", .bound = "wait-free", .begin = begin_mpsc,
     .before = mpsc_push_before, .run = mpsc_pop},
    {.name = "wrt_mpsc_pop: empty", .bound = "wait-free", .begin = begin_mpsc,
     .run = mpsc_pop_empty},
    {.name = "wrt_mpmc_push: 64 bytes", .bound = "lock-free, 3 loads and 2 swaps a try",
     .begin = begin_mpmc, .run = mpmc_push, .after = mpmc_pop_after},
    {.name = "wrt_mpmc_pop: 64 bytes", .bound = "lock-free, 3 loads and 2 swaps a try",
     .begin = begin_mpmc, .before = mpmc_push_before, .run = mpmc_pop},
    {.name = "wrt_mpmc_pop: empty", .bound = "lock-free, 3 loads and 2 swaps a try",
     .begin = begin_mpmc, .run = mpmc_pop_empty},
    {.name = "wrt_object_pool_take", .bound = "lock-free, 4 loads and a swap a try",
     .begin = begin_pool, .run = pool_take, .after = pool_give_after},
    {.name = "wrt_object_pool_give", .bound = "lock-free, 4 loads and a swap a try",
     .begin = begin_pool, .before = pool_take_before, .run = pool_give},
    {.name = "wrt_object_cache_take: filled from the pool", .bound = "lock-free, 16 loads more",
     .begin = begin_pool, .run = cache_take, .after = drain_after},
    {.name = "wrt_object_cache_give: half goes to the pool", .bound = "lock-free, 16 loads more",
     .begin = begin_pool, .before = fill_before, .run = cache_give, .after = drain},
    {.name = "wrt_triple_buffer_publish", .bound = "wait-free, one exchange",
     .begin = begin_triple, .run = triple_publish},
    {.name = "wrt_triple_buffer_read: a new value", .bound = "wait-free, one exchange",
     .begin = begin_triple, .before = triple_publish_before, .run = triple_read},
    {.name = "wrt_seqlock_write: 8 words", .bound = "wait-free, O(words)", .run = seqlock_write},
    {.name = "wrt_seqlock_read: 8 words", .bound = "O(tries x words)", .run = seqlock_read},
    {.name = "wrt_seqlock_read: 8 tries fail", .bound = "O(tries x words)", .begin = begin_stuck,
     .run = seqlock_read_stuck, .end = end_stuck},
    {.name = "wrt_broadcast_publish: 8 words", .bound = "wait-free, words + 3",
     .begin = begin_broadcast, .run = publish},
    {.name = "wrt_broadcast_receive: 8 words", .bound = "wait-free, 4 x (words + 4)",
     .begin = begin_broadcast, .before = publish_before, .run = receive},
    {.name = "wrt_broadcast_receive: it was overtaken", .bound = "wait-free, 4 x (words + 4)",
     .begin = begin_broadcast, .before = publish_too_many, .run = receive, .most_runs = 1000000},
    {.name = "wrt_counters_add", .bound = "one addition", .begin = begin_counters, .run = add},
    {.name = "wrt_counters_publish: 64 counters, 14 readers", .bound = "wait-free, O(counters)",
     .begin = begin_counters, .run = publish_counters},
    {.name = "wrt_counters_snapshot: 64 counters", .bound = "wait-free, O(counters)",
     .begin = begin_counters, .run = take_snapshot},
};
const struct timing_list timing_queues = {operations, sizeof operations / sizeof *operations};
