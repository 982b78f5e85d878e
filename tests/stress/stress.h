/* tests/stress/stress.h - threads that get in each other's way, and a clock for histories.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every scenario runs twice: with all threads on one processor (where a thread stops in the
 * middle of an operation while others run) and on all of them. WRT_STRESS_MS sets how long. */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_THREADS = 8, LEAST_ROUNDS = 200 };

static inline uint64_t stress_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The moment after which everybody sees what this thread stored before. A store is still on its
 * way when the operation returns; without this a history would show another processor looking
 * too early. (An exchange, as the thread sanitizer does not know stand-alone fences.) */
static inline uint64_t stress_now_visible(void)
{
    uint32_t settled = 0;
    (void)__atomic_exchange_n(&settled, 1, __ATOMIC_SEQ_CST);
    return stress_now();
}

static inline uint64_t stress_ms(void)
{
    const char *text = getenv("WRT_STRESS_MS");
    return text && atol(text) > 0 ? (uint64_t)atol(text) : 150;
}

static inline uint32_t stress_random(uint32_t *state)
{
    *state ^= *state << 13, *state ^= *state >> 17, *state ^= *state << 5;
    return *state;
}

/* Now and then lets others run, or wastes a moment. */
static inline void stress_delay(uint32_t *state)
{
    uint32_t dice = stress_random(state) % 64;
    if (dice == 0)
        sched_yield();
    else if (dice < 4)
        for (volatile uint32_t i = 0; i < dice * 30; i++) {
        }
}

struct stress_thread {
    pthread_t handle;
    uint32_t number;
    uint32_t random;
    uint32_t rounds;
    uint64_t end_ns;
    bool on_one_processor;
    void (*body)(struct stress_thread *thread);
};

/* How many threads have had too few rounds yet; and when the scenario was over. */
static uint32_t stress_missing;
static uint64_t stress_over_ns;

static inline void stress_end(void)
{
    uint64_t none = 0;
    (void)__atomic_compare_exchange_n(&stress_over_ns, &none, stress_now(), false,
                                      __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

/* Counts a round. The scenario goes on until its time has passed and every thread, however busy
 * the machine, has had some rounds (but no longer than 20 seconds more). */
static inline bool stress_goes_on(struct stress_thread *thread)
{
    if (++thread->rounds == LEAST_ROUNDS)
        (void)__atomic_fetch_sub(&stress_missing, 1, __ATOMIC_RELAXED);
    uint64_t now = stress_now();
    bool is_over = now >= thread->end_ns &&
                   (__atomic_load_n(&stress_missing, __ATOMIC_RELAXED) == 0 ||
                    now >= thread->end_ns + 20000000000u);
    if (is_over)
        stress_end();
    return !is_over && __atomic_load_n(&stress_over_ns, __ATOMIC_RELAXED) == 0;
}

/* The same, and 2 ms more, for those who clear up after the others. */
static inline bool stress_lingers(struct stress_thread *thread)
{
    uint64_t over = __atomic_load_n(&stress_over_ns, __ATOMIC_RELAXED);
    return stress_goes_on(thread) || stress_now() < over + 2000000;
}

static inline void *stress_start(void *context)
{
    struct stress_thread *thread = (struct stress_thread *)context;
    if (thread->on_one_processor) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(0, &set);
        (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    }
    thread->body(thread);
    return NULL;
}

/* Runs body in `count` threads for the time of one scenario; false if one did not start. */
static inline bool stress_run(uint32_t count, bool on_one_processor,
                              void (*body)(struct stress_thread *))
{
    static struct stress_thread threads[MAX_THREADS];
    uint64_t end_ns = stress_now() + stress_ms() * 1000000;
    uint32_t started = 0;
    stress_missing = count;
    stress_over_ns = 0;
    for (; started < count; started++) {
        threads[started] = (struct stress_thread){ .number = started,
                                                   .random = 2463534242u + started * 7919u,
                                                   .end_ns = end_ns,
                                                   .on_one_processor = on_one_processor,
                                                   .body = body };
        if (pthread_create(&threads[started].handle, NULL, stress_start, &threads[started]) != 0)
            break;
    }
    for (uint32_t i = 0; i < started; i++)
        pthread_join(threads[i].handle, NULL);
    return started == count;
}

#endif
