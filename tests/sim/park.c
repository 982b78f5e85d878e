/* tests/sim/park.c - waiting and waking by pulses, under every order of two threads' kernel
 * calls and under every trouble that the kernel can make.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "port.h"
#include "qnxsim.h"
#include "wrt/futex.h"
#include "wrt/pulse.h"

enum { MS = 1000000 };

static int fresh(void **state)
{
    (void)state;
    qnxsim_reset();
    qnxsim_calls_clear();
    return 0;
}

static uint64_t in_ms(uint64_t ms)
{
    uint64_t now = 0;
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    return now + ms * MS;
}

/* ---- all schedules ---- */

static struct scene {
    uint32_t word, turn;
    uint32_t woken, rounds_done;
    uint64_t timeout_ns; /* 0: none */
    enum wrt_status statuses[4];
    uint32_t waits, left_over;
    bool failed;
} scene;

static void set_scene(void *context)
{
    uint64_t timeout_ns = ((struct scene *)context)->timeout_ns;
    memset(&scene, 0, sizeof scene);
    scene.timeout_ns = timeout_ns;
}

static uint64_t deadline(void)
{
    uint64_t now = 0;
    if (scene.timeout_ns == 0)
        return UINT64_MAX;
    (void)!wrt_port_time_now(&now);
    return now + scene.timeout_ns;
}

/* Waits until the word is 1, however often it takes. */
static void wait_for_one(void *context)
{
    (void)context;
    while (__atomic_load_n(&scene.word, __ATOMIC_SEQ_CST) == 0) {
        enum wrt_status status = wrt_port_wait(&scene.word, 0, deadline(), false);
        scene.waits++;
        if (status != WRT_OK && status != WRT_ERR_STATE && status != WRT_ERR_TIMEOUT)
            scene.failed = true;
    }
    scene.rounds_done = 1;
}

static void set_and_wake(void *context)
{
    (void)context;
    __atomic_store_n(&scene.word, 1, __ATOMIC_SEQ_CST);
    if (wrt_port_wake(&scene.word, 1, false, &scene.woken) != WRT_OK)
        scene.failed = true;
}

static bool is_awake(void *context)
{
    (void)context;
    return scene.rounds_done == 1 && !scene.failed && scene.waits <= 4;
}

static void explore(struct qnxsim_exploration *exploration, uint64_t at_least)
{
    struct qnxsim_explored explored = qnxsim_explore(exploration);
    if (explored.verdict != QNXSIM_HOLDS)
        print_message("schedule %llu: %s\n", (unsigned long long)explored.schedules, explored.trace);
    print_message("%llu schedules, the longest of %u choices\n",
                  (unsigned long long)explored.schedules, explored.longest);
    assert_int_equal(explored.verdict, QNXSIM_HOLDS);
    assert_true(explored.schedules >= at_least);
}

static void no_schedule_loses_a_wake(void **state)
{
    struct qnxsim_exploration exploration = {.setup = set_scene, .body = {wait_for_one, set_and_wake},
                                             .check = is_awake, .context = &scene};
    (void)state;
    scene.timeout_ns = 0;
    explore(&exploration, 10);
}

/* One wait; what it says must agree with what the waker counted. */
static void wait_once(void *context)
{
    (void)context;
    scene.statuses[0] = wrt_port_wait(&scene.word, 0, deadline(), false);
    scene.left_over = qnxsim_pulses_queued(); /* W3: a pulse that was sent was taken */
    scene.rounds_done = 1;
}

static void wake_once(void *context)
{
    (void)context;
    if (wrt_port_wake(&scene.word, 1, false, &scene.woken) != WRT_OK)
        scene.failed = true;
}

static bool counts_agree(void *context)
{
    (void)context;
    bool was_ok = scene.statuses[0] == WRT_OK;
    bool ended_well = was_ok || scene.statuses[0] == WRT_ERR_TIMEOUT;
    return ended_well && scene.rounds_done == 1 && !scene.failed && scene.woken == was_ok &&
           scene.left_over == 0;
}

static void a_timeout_and_a_wake_never_both_win(void **state)
{
    struct qnxsim_exploration exploration = {.setup = set_scene, .body = {wait_once, wake_once},
                                             .check = counts_agree, .context = &scene};
    (void)state;
    scene.timeout_ns = MS;
    explore(&exploration, 10);
}

/* Two words of different queues: a thread that was woken from one waits on the other while
 * its waker may still be at work. */
static uint32_t words[64];

static void wait_on_two(void *context)
{
    (void)context;
    for (uint32_t i = 0; i < 2; i++) {
        while (__atomic_load_n(&words[i * 33], __ATOMIC_SEQ_CST) == 0)
            (void)!wrt_port_wait(&words[i * 33], 0, UINT64_MAX, false);
    }
    scene.rounds_done = 1;
}

static void wake_two(void *context)
{
    uint32_t ignored;
    (void)context;
    for (uint32_t i = 0; i < 2; i++) {
        __atomic_store_n(&words[i * 33], 1, __ATOMIC_SEQ_CST);
        (void)!wrt_port_wake(&words[i * 33], 1, false, &ignored);
    }
}

static void clear_words(void *context)
{
    set_scene(context);
    memset(words, 0, sizeof words);
}

static bool both_were_passed(void *context)
{
    uint32_t ignored;
    (void)context;
    /* A record that was left in a queue would be found, or followed, here. */
    return scene.rounds_done == 1 && wrt_port_wake(&words[0], 9, false, &ignored) == WRT_OK &&
           ignored == 0 && wrt_port_wake(&words[33], 9, false, &ignored) == WRT_OK && ignored == 0;
}

static void a_woken_thread_may_wait_elsewhere_at_once(void **state)
{
    struct qnxsim_exploration exploration = {.setup = clear_words, .body = {wait_on_two, wake_two},
                                             .check = both_were_passed, .context = &scene};
    (void)state;
    scene.timeout_ns = 0;
    explore(&exploration, 50);
}

/* Two threads hand a token back and forth, each waiting for the other's move. */
static void play(uint32_t me)
{
    for (int round = 0; round < 2; round++) {
        uint32_t turn, ignored;
        while ((turn = __atomic_load_n(&scene.turn, __ATOMIC_SEQ_CST)) % 2 != me)
            (void)!wrt_port_wait(&scene.turn, turn, UINT64_MAX, false);
        __atomic_store_n(&scene.turn, turn + 1, __ATOMIC_SEQ_CST);
        (void)!wrt_port_wake(&scene.turn, UINT32_MAX, false, &ignored);
    }
}
static void play_first(void *context)
{
    (void)context;
    play(0);
}
static void play_second(void *context)
{
    (void)context;
    play(1);
}
static bool all_moves_made(void *context)
{
    (void)context;
    return scene.turn == 4;
}

static void a_token_goes_back_and_forth(void **state)
{
    struct qnxsim_exploration exploration = {.setup = set_scene, .body = {play_first, play_second},
                                             .check = all_moves_made, .context = &scene,
                                             .preemption_limit = 3};
    (void)state;
    scene.timeout_ns = 0;
    explore(&exploration, 50);
}

/* ---- what src/sync builds on it: the runtime's own futex and pulses ---- */

static struct wrt_futex_domain domain;

static void set_domain(void *context)
{
    set_scene(context);
    (void)!wrt_futex_domain_deinit(&domain); /* of the schedule before */
    if (wrt_futex_domain_init(&domain, NULL) != WRT_OK)
        scene.failed = true;
}

static void futex_wait(void *context)
{
    (void)context;
    while (__atomic_load_n(&scene.word, __ATOMIC_SEQ_CST) == 0) {
        enum wrt_status status = wrt_futex_wait(&domain, &scene.word, 0, UINT64_MAX, NULL);
        if (status != WRT_OK && status != WRT_NOT_EQUAL)
            scene.failed = true;
    }
    scene.rounds_done = 1;
}

static void futex_wake(void *context)
{
    (void)context;
    __atomic_store_n(&scene.word, 1, __ATOMIC_SEQ_CST);
    if (wrt_futex_wake(&domain, &scene.word, UINT32_MAX, &scene.woken) != WRT_OK)
        scene.failed = true;
}

static void no_schedule_loses_a_wake_of_the_futex(void **state)
{
    struct qnxsim_exploration exploration = {.setup = set_domain, .body = {futex_wait, futex_wake},
                                             .check = is_awake, .context = &scene,
                                             .preemption_limit = 3};
    (void)state;
    scene.timeout_ns = 0;
    explore(&exploration, 20);
}

static struct wrt_pulse_channel channel;
static struct wrt_pulse_entry entries[4];
static struct wrt_pulse_connection connection;
static struct wrt_pulse received[2];

static void set_channel(void *context)
{
    set_scene(context);
    if (connection.channel != NULL) { /* of the schedule before */
        (void)wrt_pulse_channel_close(&channel);
        (void)!wrt_pulse_channel_deinit(&channel);
    }
    memset(received, 0, sizeof received);
    if (wrt_pulse_channel_init(&channel, entries, 4, WRT_PULSE_REFUSE) != WRT_OK ||
        wrt_pulse_connect(&channel, &connection) != WRT_OK)
        scene.failed = true;
}

static void receive_two(void *context)
{
    (void)context;
    for (int i = 0; i < 2; i++)
        if (wrt_pulse_receive(&channel, UINT64_MAX, NULL, &received[i]) != WRT_OK)
            scene.failed = true;
    scene.rounds_done = 1;
}

static void send_two(void *context)
{
    (void)context;
    for (uint32_t i = 0; i < 2; i++)
        if (wrt_pulse_send(&connection, (uint8_t)(10 + i), 5, 70 + i) != WRT_OK)
            scene.failed = true;
}

/* Both arrive, once each; which is first depends on when the receiver looked. */
static bool both_arrived(void *context)
{
    (void)context;
    return scene.rounds_done == 1 && !scene.failed &&
           received[0].value + received[1].value == 141 && received[0].value != received[1].value;
}

static void no_schedule_loses_a_pulse(void **state)
{
    struct qnxsim_exploration exploration = {.setup = set_channel, .body = {receive_two, send_two},
                                             .check = both_arrived, .context = &scene,
                                             .preemption_limit = 2};
    (void)state;
    scene.timeout_ns = 0;
    explore(&exploration, 20);
}

/* ---- trouble ---- */

struct waiter {
    pthread_t thread;
    const uint32_t *word;
    uint64_t deadline_ns;
    int priority;
    enum wrt_status status;
    uint32_t is_done, place;
};
static uint32_t finished;

static void *run_waiter(void *context)
{
    struct waiter *waiter = context;
    if (waiter->priority != 0)
        (void)!wrt_port_thread_set_priority(waiter->priority);
    waiter->status = wrt_port_wait(waiter->word, 0, waiter->deadline_ns, false);
    waiter->place = __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&waiter->is_done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void start_waiter(struct waiter *waiter, const uint32_t *word)
{
    uint32_t before = qnxsim_waiting_in_receive();
    waiter->word = word;
    if (waiter->deadline_ns == 0)
        waiter->deadline_ns = in_ms(20000);
    assert_int_equal(pthread_create(&waiter->thread, NULL, run_waiter, waiter), 0);
    while (qnxsim_waiting_in_receive() == before)
        usleep(200);
}

static void the_highest_priority_goes_first(void **state)
{
    static const int priorities[4] = {12, 40, 12, 25}, order[4] = {1, 3, 0, 2};
    struct waiter waiters[4];
    uint32_t word = 0, woken;
    (void)state;
    memset(waiters, 0, sizeof waiters);
    for (int i = 0; i < 4; i++) {
        waiters[i].priority = priorities[i];
        start_waiter(&waiters[i], &word);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_OK);
        assert_int_equal(woken, 1);
        pthread_join(waiters[order[i]].thread, NULL);
        assert_int_equal(waiters[order[i]].status, WRT_OK);
    }
}

static void kernel_pulses_wake_nobody(void **state)
{
    struct waiter waiter = {.deadline_ns = 0};
    uint32_t word = 0, woken;
    (void)state;
    start_waiter(&waiter, &word);
    for (int code = -32; code >= -44; code--)
        qnxsim_kernel_pulse(code);
    usleep(20000);
    assert_int_equal(__atomic_load_n(&waiter.is_done, __ATOMIC_ACQUIRE), 0);
    assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_OK);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, WRT_OK);
}

static void an_interruption_is_reported(void **state)
{
    struct waiter waiter = {.deadline_ns = 0};
    uint32_t word = 0, woken;
    (void)state;
    start_waiter(&waiter, &word);
    qnxsim_interrupt_all();
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, WRT_ERR_INTERRUPTED);
    assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_OK);
    assert_int_equal(woken, 0); /* it left the queue */
}

static void a_late_pulse_ends_its_wait_and_no_other(void **state)
{
    struct waiter waiter = {.deadline_ns = in_ms(30)};
    uint32_t word = 0, woken;
    (void)state;
    start_waiter(&waiter, &word);
    qnxsim_pulse_fault(QNXSIM_PULSE_LATE, 1);
    assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_OK);
    assert_int_equal(woken, 1);
    usleep(60000); /* the deadline passes; the wake was counted, so the wait must be OK */
    assert_int_equal(__atomic_load_n(&waiter.is_done, __ATOMIC_ACQUIRE), 0);
    qnxsim_release_late();
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, WRT_OK);
}

static void without_pulses_a_wake_is_retried(void **state)
{
    struct waiter waiter = {.deadline_ns = 0};
    uint32_t word = 0, woken = 0;
    (void)state;
    start_waiter(&waiter, &word);
    qnxsim_fail_run(QNXSIM_MsgSendPulse, 1, 3, EAGAIN);
    assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_OK);
    assert_int_equal(woken, 1);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, WRT_OK);
}

static void a_wake_that_cannot_be_sent_is_an_error(void **state)
{
    struct waiter waiter = {.deadline_ns = 0};
    uint32_t word = 0, woken = 77;
    (void)state;
    start_waiter(&waiter, &word);
    qnxsim_fail_run(QNXSIM_MsgSendPulse, 1, 1000, EAGAIN);
    assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_ERR_LIMIT);
    assert_int_equal(woken, 77);
    qnxsim_fail(QNXSIM_ANY, 0, 0);
    assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_OK); /* it is still there */
    assert_int_equal(woken, 1);
    pthread_join(waiter.thread, NULL);
}

/* Every kernel call of a wait fails in turn: a documented status, nothing left behind. */
static void every_failing_call_is_reported(void **state)
{
    static const int errors[] = {EAGAIN, EPERM, ENOMEM, EINTR};
    uint32_t channels = qnxsim_channels(), connections = qnxsim_connections();
    (void)state;
    for (size_t e = 0; e < 4; e++) {
        for (uint64_t nth = 1;; nth++) {
            struct waiter waiter = {.deadline_ns = in_ms(5)};
            uint32_t word = 0;
            waiter.word = &word;
            qnxsim_fail(QNXSIM_ANY, nth, errors[e]);
            if (pthread_create(&waiter.thread, NULL, run_waiter, &waiter) != 0)
                fail();
            pthread_join(waiter.thread, NULL);
            bool has_happened = qnxsim_fail_happened();
            qnxsim_fail(QNXSIM_ANY, 0, 0);
            uint32_t woken = 9;
            assert_int_equal(wrt_port_wake(&word, UINT32_MAX, false, &woken), WRT_OK);
            assert_int_equal(woken, 0);
            bool is_close = has_happened && (qnxsim_failed_call() == QNXSIM_ChannelDestroy ||
                                             qnxsim_failed_call() == QNXSIM_ConnectDetach);
            if (is_close) { /* closing cannot fail on QNX; if it did, that one would leak */
                channels = qnxsim_channels();
                connections = qnxsim_connections();
            }
            assert_int_equal(qnxsim_channels(), channels);
            assert_int_equal(qnxsim_connections(), connections);
            assert_true(waiter.status < 0);
            if (!has_happened) {
                assert_int_equal(waiter.status, WRT_ERR_TIMEOUT);
                assert_true(nth > 4);
                break;
            }
        }
    }
}

/* ---- many threads ---- */

enum { THREADS = 6, MOVES = 3000 };
static uint32_t baton;

static void *pass_on(void *context)
{
    uint32_t me = *(const uint32_t *)context, woken;
    for (;;) {
        uint32_t now = __atomic_load_n(&baton, __ATOMIC_SEQ_CST);
        if (now >= MOVES)
            break;
        if (now % THREADS != me) {
            (void)!wrt_port_wait(&baton, now, in_ms(2), false);
            continue;
        }
        __atomic_store_n(&baton, now + 1, __ATOMIC_SEQ_CST);
        (void)!wrt_port_wake(&baton, UINT32_MAX, false, &woken);
    }
    (void)!wrt_port_wake(&baton, UINT32_MAX, false, &woken);
    return NULL;
}

static void many_threads_with_short_timeouts(void **state)
{
    pthread_t threads[THREADS];
    uint32_t numbers[THREADS];
    uint32_t channels = qnxsim_channels();
    (void)state;
    for (uint32_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, pass_on, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_true(baton >= MOVES);
    assert_int_equal(qnxsim_channels(), channels);
    assert_int_equal(qnxsim_pulses_queued(), 0);
}

int main(int argc, char **argv)
{
    if (argc > 1) /* one test */
        cmocka_set_test_filter(argv[1]);
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)
    const struct CMUnitTest tests[] = {
        TEST(no_schedule_loses_a_wake),
        TEST(a_timeout_and_a_wake_never_both_win),
        TEST(a_woken_thread_may_wait_elsewhere_at_once),
        TEST(a_token_goes_back_and_forth),
        TEST(no_schedule_loses_a_wake_of_the_futex),
        TEST(no_schedule_loses_a_pulse),
        TEST(the_highest_priority_goes_first),
        TEST(kernel_pulses_wake_nobody),
        TEST(an_interruption_is_reported),
        TEST(a_late_pulse_ends_its_wait_and_no_other),
        TEST(without_pulses_a_wake_is_retried),
        TEST(a_wake_that_cannot_be_sent_is_an_error),
        TEST(every_failing_call_is_reported),
        TEST(many_threads_with_short_timeouts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
