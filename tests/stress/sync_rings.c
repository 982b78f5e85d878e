/* tests/stress/sync_rings.c - the rings under contention; their histories must be a queue's.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "history.h"
#include "stress.h"
#include "wrt/ring.h"

enum { THREADS = 4, EVENTS = 400000, CAPACITY = 8, PAYLOAD = 3 };

struct item { /* the words must arrive together */
    uint32_t value;
    uint32_t check[PAYLOAD];
};

static struct history histories[THREADS];
static uint32_t next_value;
static uint32_t torn;

/* The ring under test. */
static enum wrt_status (*push)(const struct item *item);
static enum wrt_status (*pop)(struct item *item);
static uint32_t producers; /* the first ones of the threads; the others consume */

static struct wrt_spsc_words spsc_words;
static struct wrt_spsc_producer spsc_producer;
static struct wrt_spsc_consumer spsc_consumer;
static struct item spsc_items[CAPACITY];
static struct wrt_mpsc_ring mpsc;
static uint64_t mpsc_storage[WRT_MPSC_BYTES(CAPACITY, sizeof(struct item)) / 8];
static struct wrt_mpmc_ring mpmc;
static struct item mpmc_items[CAPACITY];
static uint32_t mpmc_links[CAPACITY];
static uint64_t mpmc_cells[CAPACITY];

static enum wrt_status push_spsc(const struct item *item)
{
    return wrt_spsc_push(&spsc_producer, item);
}
static enum wrt_status pop_spsc(struct item *item) { return wrt_spsc_pop(&spsc_consumer, item); }
static enum wrt_status push_mpsc(const struct item *item) { return wrt_mpsc_push(&mpsc, item); }
static enum wrt_status pop_mpsc(struct item *item) { return wrt_mpsc_pop(&mpsc, item); }
static enum wrt_status push_mpmc(const struct item *item) { return wrt_mpmc_push(&mpmc, item); }
static enum wrt_status pop_mpmc(struct item *item) { return wrt_mpmc_pop(&mpmc, item); }

static void produce(struct stress_thread *thread)
{
    struct history *history = &histories[thread->number];
    while (stress_goes_on(thread) && history->count < history->capacity) {
        struct item item = { .value = __atomic_fetch_add(&next_value, 1, __ATOMIC_RELAXED) };
        for (int i = 0; i < PAYLOAD; i++)
            item.check[i] = item.value;
        uint64_t start = stress_now();
        enum wrt_status status = push(&item);
        while (status == WRT_ERR_NO_SPACE && stress_goes_on(thread)) {
            sched_yield();
            start = stress_now();
            status = push(&item);
        }
        if (status == WRT_OK)
            (void)history_add(history, HISTORY_PUSH, item.value, start,
                              stress_now_visible());
        stress_delay(&thread->random);
    }
}

static void consume(struct stress_thread *thread)
{
    struct history *history = &histories[thread->number];
    /* A moment longer than the producers, so that the histories end empty. */
    while (stress_lingers(thread) && history->count < history->capacity) {
        struct item item = { .value = 0 };
        uint64_t start = stress_now();
        enum wrt_status status = pop(&item);
        uint64_t end = stress_now();
        if (status == WRT_OK) {
            (void)history_add(history, HISTORY_POP, item.value, start, end);
            for (int i = 0; i < PAYLOAD; i++)
                if (item.check[i] != item.value)
                    __atomic_store_n(&torn, 1, __ATOMIC_RELAXED);
        } else {
            if (status == WRT_ERR_NOT_FOUND)
                (void)history_add(history, HISTORY_EMPTY, 0, start, end);
            sched_yield();
        }
        stress_delay(&thread->random);
    }
}

static void body(struct stress_thread *thread)
{
    if (thread->number < producers)
        produce(thread);
    else
        consume(thread);
}

static void check(uint32_t producer_count, uint32_t consumer_count, bool on_one)
{
    uint32_t threads = producer_count + consumer_count;
    producers = producer_count;
    next_value = torn = 0;
    for (uint32_t i = 0; i < threads; i++) {
        histories[i].count = 0;
        histories[i].capacity = EVENTS;
        histories[i].events = realloc(histories[i].events, EVENTS * sizeof *histories[i].events);
        assert_non_null(histories[i].events);
    }
    assert_true(stress_run(threads, on_one, body));
    size_t events = 0, pops = 0;
    for (uint32_t i = 0; i < threads; i++) {
        events += histories[i].count;
        for (size_t e = 0; e < histories[i].count; e++)
            pops += histories[i].events[e].kind == HISTORY_POP;
    }
    const char *fault = history_check_queue(histories, threads, next_value);
    print_message("%u to %u on %s: %zu events, %zu items\n", producer_count, consumer_count,
                  on_one ? "one processor" : "all", events, pops);
    if (fault)
        fail_msg("%s", fault);
    assert_int_equal(torn, 0);
    assert_true(pops > 100);
}

static void spsc_is_a_queue(void **state)
{
    (void)state;
    push = push_spsc, pop = pop_spsc;
    for (int on_one = 0; on_one < 2; on_one++) {
        spsc_words = (struct wrt_spsc_words){ .published = 0xFFFFFFF0u, .consumed = 0xFFFFFFF0u };
        assert_int_equal(wrt_spsc_producer_init(&spsc_producer, &spsc_words, spsc_items,
                                                CAPACITY, sizeof(struct item)), WRT_OK);
        assert_int_equal(wrt_spsc_consumer_init(&spsc_consumer, &spsc_words, spsc_items,
                                                CAPACITY, sizeof(struct item)), WRT_OK);
        check(1, 1, on_one);
    }
}

static void mpsc_is_a_queue(void **state)
{
    (void)state;
    push = push_mpsc, pop = pop_mpsc;
    for (int on_one = 0; on_one < 2; on_one++) {
        assert_int_equal(wrt_mpsc_ring_init(&mpsc, mpsc_storage, CAPACITY, sizeof(struct item)),
                         WRT_OK);
        check(3, 1, on_one);
    }
}

static void mpmc_is_a_queue(void **state)
{
    (void)state;
    push = push_mpmc, pop = pop_mpmc;
    for (int on_one = 0; on_one < 2; on_one++) {
        assert_int_equal(wrt_mpmc_ring_init(&mpmc, mpmc_items, mpmc_links, mpmc_cells, CAPACITY,
                                            sizeof(struct item)), WRT_OK);
        check(2, 2, on_one);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spsc_is_a_queue),
        cmocka_unit_test(mpsc_is_a_queue),
        cmocka_unit_test(mpmc_is_a_queue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
