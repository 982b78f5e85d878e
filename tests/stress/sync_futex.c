/* tests/stress/sync_futex.c - no wake lost, none counted twice, under contention.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "port_sync.h"
#include "stress.h"
#include "wrt/futex.h"
#include "wrt/pulse.h"

enum { THREADS = 6, WAITERS = 4, EVENTS = 200000 };

static struct wrt_futex_domain domain;
static uint32_t wrong;

static const char *start_domain(void **state)
{
    struct wrt_futex_config config = { .kind = *(const enum wrt_futex_kind *)*state,
                                       .trust_addresses = true };
    assert_int_equal(wrt_futex_domain_init(&domain, &config), WRT_OK);
    wrong = 0;
    return config.kind == WRT_FUTEX_HOST ? "host" : "portable";
}

static void note_wrong(void) { __atomic_store_n(&wrong, 1, __ATOMIC_RELAXED); }

/* ---- every counted wake is one wait that returns OK ---- */

struct event { /* a wait that was woken, or a wake and how many it woke */
    uint64_t start_ns, end_ns;
    uint32_t count;
};

struct log {
    struct event *events;
    size_t count;
};

static struct log waits[THREADS], wakes[THREADS];
static uint32_t words[2];
static struct wrt_interrupt interrupt;

static void note(struct log *log, uint64_t start, uint32_t count)
{
    log->events[log->count++] = (struct event){ start, stress_now(), count };
}

static void wait_randomly(struct stress_thread *thread)
{
    uint32_t dice = stress_random(&thread->random);
    uint64_t start = stress_now();
    enum wrt_status status =
        wrt_futex_wait(&domain, &words[dice >> 31], 0, start + dice % 300000,
                       dice & 1 << 20 ? &interrupt : NULL);
    if (status == WRT_OK)
        note(&waits[thread->number], start, 1);
    else if (status != WRT_ERR_TIMEOUT && status != WRT_ERR_INTERRUPTED)
        note_wrong();
}

static void wake_randomly(struct stress_thread *thread)
{
    uint32_t dice = stress_random(&thread->random), woken = 0, moved = 0;
    uint32_t *word = &words[dice >> 31], *other = &words[1 - (dice >> 31)];
    uint32_t count = dice % 16 == 1 ? UINT32_MAX : 1 + dice % 3;
    uint64_t start = stress_now();
    enum wrt_status status =
        dice % 16 == 0 ? wrt_futex_requeue(&domain, word, 0, 1, other, 2, &woken, &moved)
                       : wrt_futex_wake(&domain, word, count, &woken);
    if (status != WRT_OK)
        note_wrong();
    if (woken > 0)
        note(&wakes[thread->number], start, woken);
    if (dice % 64 == 5) {
        (void)wrt_interrupt_raise(&domain, &interrupt);
        wrt_interrupt_clear(&interrupt);
    }
    if (dice % 4 == 0)
        usleep(20);
}

static void wait_and_wake(struct stress_thread *thread)
{
    struct log *log = thread->number < WAITERS ? &waits[thread->number] : &wakes[thread->number];
    while (stress_goes_on(thread) && log->count < EVENTS) {
        if (thread->number < WAITERS)
            wait_randomly(thread);
        else
            wake_randomly(thread);
        stress_delay(&thread->random);
    }
}

/* Each wake has its moment between its own start and end, and within the wait that it ended.
 * So at no time may more waits be over than were woken by wakes begun; and, looking back from
 * the end, no more waits have begun than are woken by wakes still to end. */
struct edge {
    uint64_t time;
    int64_t change;
};

static int by_time(const void *a, const void *b)
{
    const struct edge *left = a, *right = b;
    if (left->time != right->time)
        return left->time < right->time ? -1 : 1;
    return (left->change < right->change) - (left->change > right->change);
}

static bool never_negative(struct edge *edges, size_t count)
{
    int64_t level = 0;
    qsort(edges, count, sizeof *edges, by_time);
    for (size_t i = 0; i < count; i++)
        if ((level += edges[i].change) < 0)
            return false;
    return level == 0;
}

static size_t gather(struct edge *edges, const struct log *logs, int64_t sign, bool from_end)
{
    size_t used = 0;
    for (int t = 0; t < THREADS; t++)
        for (size_t i = 0; i < logs[t].count; i++) {
            const struct event *event = &logs[t].events[i];
            /* Forwards a wake counts from its start and a wait from its end. */
            bool by_start = (sign > 0) != from_end;
            uint64_t time = by_start ? event->start_ns : event->end_ns;
            edges[used++] = (struct edge){ from_end ? UINT64_MAX - time : time,
                                           sign * (int64_t)event->count };
        }
    return used;
}

static bool wakes_explain_waits(const struct log *wait_logs, const struct log *wake_logs)
{
    size_t count = 0;
    for (int i = 0; i < THREADS; i++)
        count += wait_logs[i].count + wake_logs[i].count;
    struct edge *edges = malloc((count + 1) * sizeof *edges);
    bool is_explained = edges != NULL;
    for (int from_end = 0; is_explained && from_end < 2; from_end++) {
        size_t used = gather(edges, wake_logs, 1, from_end);
        used += gather(edges + used, wait_logs, -1, from_end);
        is_explained = never_negative(edges, used);
    }
    free(edges);
    return is_explained;
}

static void the_check_of_wakes_finds_faults(void **state)
{
    (void)state;
    struct event wait = { 10, 20, 1 }, early = { 1, 5, 1 }, late = { 25, 30, 1 },
                 good = { 15, 25, 1 }, twice = { 15, 25, 2 };
    struct log wait_logs[THREADS] = { { &wait, 1 } }, wake_logs[THREADS] = { { &good, 1 } };
    assert_true(wakes_explain_waits(wait_logs, wake_logs));
    struct event *faults[3] = { &early, &late, &twice };
    for (int i = 0; i < 3; i++) {
        wake_logs[0].events = faults[i];
        assert_false(wakes_explain_waits(wait_logs, wake_logs));
    }
}

static void each_wake_is_one_wait(void **state)
{
    for (int on_one = 0; on_one < 2; on_one++) {
        const char *kind = start_domain(state);
        for (int i = 0; i < THREADS; i++) {
            waits[i].count = wakes[i].count = 0;
            waits[i].events = realloc(waits[i].events, (EVENTS + 1) * sizeof *waits[i].events);
            wakes[i].events = realloc(wakes[i].events, (EVENTS + 1) * sizeof *wakes[i].events);
            assert_true(waits[i].events && wakes[i].events);
        }
        assert_true(stress_run(THREADS, on_one, wait_and_wake));
        uint64_t woken = 0, slept = 0;
        for (int i = 0; i < THREADS; i++) {
            slept += waits[i].count;
            for (size_t e = 0; e < wakes[i].count; e++)
                woken += wakes[i].events[e].count;
        }
        print_message("%s on %s: %lu wakes\n", kind, on_one ? "one processor" : "all",
                      (unsigned long)woken);
        assert_int_equal(wrong, 0);
        assert_int_equal(woken, slept);
        assert_true(woken > 50);
        assert_true(wakes_explain_waits(waits, wakes));
        assert_int_equal(wrt_futex_domain_deinit(&domain), WRT_OK);
    }
}

/* ---- a token goes round; one lost wake, and a wait times out ---- */

static const uint64_t last_turn = UINT32_MAX;
static uint32_t turn;
static uint64_t wide_turn;
static uint32_t rounds[THREADS];
static bool is_wide;

static uint64_t read_turn(void)
{
    return is_wide ? __atomic_load_n(&wide_turn, __ATOMIC_ACQUIRE)
                   : __atomic_load_n(&turn, __ATOMIC_ACQUIRE);
}

static bool wait_for_change(uint64_t seen)
{
    uint64_t deadline = stress_now() + 20000000000u;
    enum wrt_status status =
        is_wide ? wrt_futex_wait64(&domain, &wide_turn, seen, deadline, NULL)
                : wrt_futex_wait(&domain, &turn, (uint32_t)seen, deadline, NULL);
    return status == WRT_OK || status == WRT_NOT_EQUAL;
}

static void pass_on(uint64_t next)
{
    void *word = is_wide ? (void *)&wide_turn : (void *)&turn;
    if (is_wide)
        __atomic_store_n(&wide_turn, next, __ATOMIC_RELEASE);
    else
        __atomic_store_n(&turn, (uint32_t)next, __ATOMIC_RELEASE);
    (void)wrt_futex_wake(&domain, word, UINT32_MAX, NULL);
}

static void pass_token(struct stress_thread *thread)
{
    for (uint64_t seen = read_turn(); seen != last_turn; seen = read_turn()) {
        if (seen % THREADS == thread->number) {
            rounds[thread->number]++;
            stress_delay(&thread->random);
            pass_on(stress_goes_on(thread) ? seen + 1 : last_turn);
        } else if (!wait_for_change(seen)) {
            note_wrong();
            break;
        }
    }
}

static void no_wake_is_lost(void **state)
{
    for (int run = 0; run < 4; run++) {
        (void)start_domain(state);
        turn = 0;
        wide_turn = 0;
        is_wide = run / 2;
        memset(rounds, 0, sizeof rounds);
        assert_true(stress_run(THREADS, run % 2, pass_token));
        assert_int_equal(wrong, 0);
        assert_true(rounds[0] > 20);
        assert_int_equal(wrt_futex_domain_deinit(&domain), WRT_OK);
    }
}

/* ---- pulses: three senders, two receivers; what was accepted is received once ---- */

enum { SENDERS = 3, RECEIVERS = 2 };
static struct wrt_pulse_channel channel;
static struct wrt_pulse_entry entries[12];
static struct wrt_pulse_connection connections[SENDERS];
static uint64_t sent_sum, received_sum;
static uint32_t sent, received, disconnects;

static void send_pulses(struct stress_thread *thread)
{
    struct wrt_pulse_connection *connection = &connections[thread->number];
    while (stress_goes_on(thread)) {
        uint32_t value = stress_random(&thread->random);
        enum wrt_status status =
            wrt_pulse_send(connection, (uint8_t)(value % 7), (int32_t)(value % 128), value);
        if (status == WRT_OK) {
            (void)__atomic_fetch_add(&sent, 1, __ATOMIC_RELAXED);
            (void)__atomic_fetch_add(&sent_sum, value, __ATOMIC_RELAXED);
        } else if (status == WRT_ERR_NO_SPACE) {
            sched_yield();
        } else {
            note_wrong();
        }
        stress_delay(&thread->random);
    }
    (void)wrt_pulse_disconnect(connection, 0);
}

static void count_pulse(const struct wrt_pulse *pulse)
{
    if (pulse->code == WRT_PULSE_DISCONNECT) {
        (void)__atomic_fetch_add(&disconnects, 1, __ATOMIC_ACQ_REL);
        return;
    }
    (void)__atomic_fetch_add(&received, 1, __ATOMIC_RELAXED);
    (void)__atomic_fetch_add(&received_sum, pulse->value, __ATOMIC_RELAXED);
}

static void receive_pulses(struct stress_thread *thread)
{
    struct wrt_pulse pulse;
    enum wrt_status status = WRT_OK;
    while (status == WRT_OK && __atomic_load_n(&disconnects, __ATOMIC_ACQUIRE) < SENDERS) {
        (void)stress_goes_on(thread); /* counts; the senders' ends are this one's */
        status = wrt_pulse_receive(&channel, stress_now() + 10000000000u, NULL, &pulse);
        if (status == WRT_OK)
            count_pulse(&pulse);
    }
    if (status != WRT_OK && status != WRT_ERR_CLOSED)
        note_wrong();
    /* Every sender is gone: what is left is left for good. */
    while (wrt_pulse_receive(&channel, 0, NULL, &pulse) == WRT_OK)
        count_pulse(&pulse);
    (void)wrt_pulse_channel_close(&channel);
}

static void use_pulses(struct stress_thread *thread)
{
    if (thread->number < SENDERS)
        send_pulses(thread);
    else
        receive_pulses(thread);
}

static void every_pulse_arrives_once(void **state)
{
    (void)state;
    for (int on_one = 0; on_one < 2; on_one++) {
        sent = received = disconnects = wrong = 0;
        sent_sum = received_sum = 0;
        assert_int_equal(wrt_pulse_channel_init(&channel, entries, 12, WRT_PULSE_REFUSE), WRT_OK);
        for (int i = 0; i < SENDERS; i++)
            assert_int_equal(wrt_pulse_connect(&channel, &connections[i]), WRT_OK);
        assert_true(stress_run(SENDERS + RECEIVERS, on_one, use_pulses));
        assert_int_equal(wrong, 0);
        assert_int_equal(disconnects, SENDERS);
        assert_int_equal(sent, received);
        assert_true(sent_sum == received_sum);
        assert_true(sent > 20);
        assert_int_equal(wrt_pulse_channel_deinit(&channel), WRT_OK);
    }
}

#define BOTH(test)                                                                            \
    cmocka_unit_test_prestate_setup_teardown(test, NULL, NULL, (void *)&kinds[0]),            \
        cmocka_unit_test_prestate_setup_teardown(test, NULL, NULL, (void *)&kinds[1])

int main(void)
{
    static enum wrt_futex_kind kinds[2] = { WRT_FUTEX_PORTABLE, WRT_FUTEX_HOST };
    if (wrt_port_futex_query() != WRT_OK)
        kinds[1] = WRT_FUTEX_PORTABLE;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_of_wakes_finds_faults),
        BOTH(each_wake_is_one_wait),
        BOTH(no_wake_is_lost),
        cmocka_unit_test(every_pulse_arrives_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
