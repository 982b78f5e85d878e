/* tests/stress/sync_latest.c - no torn value, none older than one seen before.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stress.h"
#include "wrt/broadcast.h"
#include "wrt/counters.h"
#include "wrt/latest.h"

enum { WORDS = 48, READERS = 3 }; /* many, so that others come in the middle of a copy */

static uint32_t torn, backwards, good_reads[READERS + 1];

static void look(uint32_t reader, const uint64_t *words, uint64_t *last)
{
    for (int i = 1; i < WORDS; i++)
        if (words[i] != words[0])
            __atomic_store_n(&torn, 1, __ATOMIC_RELAXED);
    if (words[0] < *last)
        __atomic_store_n(&backwards, 1, __ATOMIC_RELAXED);
    *last = words[0];
    good_reads[reader]++;
}

static void run(uint32_t threads, void (*body)(struct stress_thread *), bool on_one)
{
    torn = backwards = 0;
    memset(good_reads, 0, sizeof good_reads);
    assert_true(stress_run(threads, on_one, body));
    assert_int_equal(torn, 0);
    assert_int_equal(backwards, 0);
    for (uint32_t i = 1; i < threads; i++)
        assert_true(good_reads[i] > 20);
}

static struct wrt_triple_buffer triple;
static uint8_t triple_storage[WRT_TRIPLE_BYTES(WORDS * 8)] WRT_CACHE_ALIGNED;

static void use_triple(struct stress_thread *thread)
{
    uint64_t value = 0;
    while (stress_goes_on(thread)) {
        if (thread->number == 0) {
            uint64_t *words = wrt_triple_buffer_write(&triple);
            value++;
            for (int i = 0; i < WORDS; i++)
                words[i] = value;
            wrt_triple_buffer_publish(&triple);
        } else {
            bool is_new;
            look(1, wrt_triple_buffer_read(&triple, &is_new), &value);
        }
        stress_delay(&thread->random);
    }
}

static void triple_buffer(void **state)
{
    (void)state;
    for (int on_one = 0; on_one < 2; on_one++) {
        memset(triple_storage, 0, sizeof triple_storage);
        assert_int_equal(wrt_triple_buffer_init(&triple, triple_storage, WORDS * 8), WRT_OK);
        run(2, use_triple, on_one);
    }
}

static struct wrt_seqlock seqlock;
static uint64_t guarded[WORDS];

static void use_seqlock(struct stress_thread *thread)
{
    uint64_t value = 0, words[WORDS];
    while (stress_goes_on(thread)) {
        if (thread->number == 0) {
            value++;
            for (int i = 0; i < WORDS; i++)
                words[i] = value;
            wrt_seqlock_write(&seqlock, guarded, words, WORDS);
            for (volatile int i = 0; i < 200; i++) {
            }
        } else if (wrt_seqlock_read(&seqlock, guarded, words, WORDS, 8) == WRT_OK) {
            look(thread->number, words, &value);
        }
        stress_delay(&thread->random);
    }
}

static void seqlocks(void **state)
{
    (void)state;
    for (int on_one = 0; on_one < 2; on_one++) {
        memset(guarded, 0, sizeof guarded);
        run(3, use_seqlock, on_one);
    }
}

static struct wrt_counters counters;
static uint64_t counters_storage[WRT_COUNTERS_WORDS(WORDS, READERS)];

static void use_counters(struct stress_thread *thread)
{
    uint64_t value = 0, words[WORDS];
    while (stress_goes_on(thread)) {
        if (thread->number == 0) {
            for (uint32_t i = 0; i < WORDS; i++)
                (void)!wrt_counters_add(&counters, i, 1);
            wrt_counters_publish(&counters);
        } else if (wrt_counters_snapshot(&counters, thread->number - 1, words) == WRT_OK) {
            look(thread->number, words, &value);
        }
        stress_delay(&thread->random);
    }
}

static void counter_sets(void **state)
{
    (void)state;
    for (int on_one = 0; on_one < 2; on_one++) {
        assert_int_equal(wrt_counters_init(&counters, counters_storage, WORDS, READERS), WRT_OK);
        run(READERS + 1, use_counters, on_one);
    }
}

enum { KEPT = 64 };
static struct wrt_broadcast_ring broadcast;
static uint64_t broadcast_storage[WRT_BROADCAST_WORDS(KEPT, WORDS)];
static uint32_t miscounted;

static void hear(struct stress_thread *thread)
{
    struct wrt_broadcast_reader reader = { .ring = &broadcast };
    uint64_t value = 0, received = 0, words[WORDS];
    while (stress_lingers(thread)) {
        if (wrt_broadcast_receive(&reader, words) == WRT_OK) {
            look(thread->number, words, &value);
            received++;
            /* Item number p carries p + 1: nothing goes missing uncounted. */
            if (words[0] != reader.position || received + reader.lost != reader.position)
                __atomic_store_n(&miscounted, 1, __ATOMIC_RELAXED);
        }
        stress_delay(&thread->random);
    }
    if (received + reader.lost != reader.position)
        __atomic_store_n(&miscounted, 1, __ATOMIC_RELAXED);
}

static void use_broadcast(struct stress_thread *thread)
{
    uint64_t words[WORDS];
    if (thread->number > 0) {
        hear(thread);
        return;
    }
    for (uint64_t value = 1; stress_goes_on(thread); value++) {
        for (int i = 0; i < WORDS; i++)
            words[i] = value;
        wrt_broadcast_publish(&broadcast, words);
        stress_delay(&thread->random);
    }
}

static void broadcasts(void **state)
{
    (void)state;
    for (int on_one = 0; on_one < 2; on_one++) {
        miscounted = 0;
        assert_int_equal(
            wrt_broadcast_ring_init(&broadcast, broadcast_storage, KEPT, WORDS), WRT_OK);
        run(READERS + 1, use_broadcast, on_one);
        assert_int_equal(miscounted, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(triple_buffer),
        cmocka_unit_test(seqlocks),
        cmocka_unit_test(counter_sets),
        cmocka_unit_test(broadcasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
