/* tests/sim/bells.c - messages between a host and a worker where only pulses wake: src/tenant/wire.c
 * on the simulated kernel, both sides in one process.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"
#include "qnxsim.h"
#include "tenant/wire.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

static struct wire wire;
static struct wire_end host, worker;
static uint64_t host_bell, worker_bell;

static uint64_t in_ms(uint64_t ms)
{
    uint64_t now;

    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    return now + ms * 1000000;
}

static int set_up(void **state)
{
    (void)state;
    qnxsim_reset();
    memset(&wire, 0, sizeof wire);
    memset(&host, 0, sizeof host);
    memset(&worker, 0, sizeof worker);
    assert_int_equal(wire_join_host(&host, &wire), WRT_OK);
    assert_int_equal(wire_join_worker(&worker, &wire), WRT_OK);
    assert_int_equal(wire_open_bell(&host, &host_bell), WRT_OK);
    assert_int_equal(wire_open_bell(&worker, &worker_bell), WRT_OK);
    assert_true(host_bell != 0 && worker_bell != 0 && host_bell != worker_bell);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wire_close(&host);
    wire_close(&worker);
    wire_close(&worker); /* does no harm */
    assert_int_equal(qnxsim_channels(), 0);
    assert_int_equal(qnxsim_connections(), 0);
    return 0;
}

static void connect_both(void)
{
    assert_int_equal(wire_connect_bell(&worker, getpid(), host_bell), WRT_OK);
    assert_int_equal(wire_connect_bell(&host, getpid(), worker_bell), WRT_OK);
}

static void *answer_all(void *count)
{
    struct wire_message message;

    for (int i = 0; i < *(int *)count; i++) {
        assert_int_equal(wire_receive(&worker, in_ms(20000), &message), WRT_OK);
        message.count++;
        assert_int_equal(wire_send(&worker, &message), WRT_OK);
    }
    return NULL;
}

static void each_wakes_the_other(void **state)
{
    struct wire_message message = {.kind = WIRE_CALL};
    int count = 2000;
    pthread_t thread;

    (void)state;
    connect_both();
    assert_int_equal(pthread_create(&thread, NULL, answer_all, &count), 0);
    for (int i = 0; i < count; i++) {
        message.count = (uint32_t)i;
        assert_int_equal(wire_send(&host, &message), WRT_OK);
        assert_int_equal(wire_receive(&host, in_ms(20000), &message), WRT_OK);
        assert_int_equal(message.count, i + 1);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void *note_priority(void *out)
{
    struct wire_message message;

    assert_int_equal(wrt_port_thread_set_priority(11), WRT_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wire_receive(&worker, in_ms(20000), &message), WRT_OK);
        ((int *)out)[i] = qnxsim_my_priority();
        assert_int_equal(wire_send(&worker, &message), WRT_OK);
    }
    return NULL;
}

/* A call runs at the priority of who called, be it higher or lower than the last. */
static void a_caller_lends_its_priority(void **state)
{
    static const int lent[2] = {23, 7};
    struct wire_message message = {.kind = WIRE_CALL};
    int noted[2] = {0, 0}, before;
    pthread_t thread;

    (void)state;
    connect_both();
    assert_int_equal(wrt_port_thread_get_priority(&before), WRT_OK);
    assert_int_equal(pthread_create(&thread, NULL, note_priority, noted), 0);
    for (int i = 0; i < 2; i++) {
        while (qnxsim_waiting_in_receive() == 0)
            sched_yield();
        assert_int_equal(wrt_port_thread_set_priority(lent[i]), WRT_OK);
        assert_int_equal(wire_send(&host, &message), WRT_OK);
        assert_int_equal(wire_receive(&host, in_ms(20000), &message), WRT_OK);
        assert_int_equal(qnxsim_my_priority(), lent[i]); /* and the caller keeps its own */
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(noted[0], lent[0]);
    assert_int_equal(noted[1], lent[1]);
    assert_int_equal(wrt_port_thread_set_priority(before), WRT_OK);
}

/* docs/qnx.md, "Kernel calls per operation". */
static void kernel_calls_are_few(void **state)
{
    struct wire_message message = {.kind = WIRE_CALL};

    (void)state;
    connect_both();
    qnxsim_calls_clear();
    assert_int_equal(wire_send(&host, &message), WRT_OK);
    assert_int_equal(qnxsim_calls(QNXSIM_ANY), 2);
    qnxsim_calls_clear();
    assert_int_equal(wire_receive(&worker, in_ms(20000), &message), WRT_OK);
    assert_int_equal(wire_send(&worker, &message), WRT_OK);
    assert_int_equal(wire_receive(&host, in_ms(20000), &message), WRT_OK);
    assert_int_equal(qnxsim_calls(QNXSIM_ANY), 0); /* nobody slept */
    assert_int_equal(wire_receive(&host, in_ms(5), &message), WRT_ERR_TIMEOUT);
    assert_int_equal(qnxsim_calls(QNXSIM_ANY), 2);
    assert_int_equal(wire_receive(&worker, in_ms(5), &message), WRT_ERR_TIMEOUT); /* the old pulse */
    qnxsim_calls_clear();
    wire.replies.is_asleep = 1;
    assert_int_equal(wire_send(&worker, &message), WRT_OK);
    assert_int_equal(qnxsim_calls(QNXSIM_ANY), 2);
    qnxsim_calls_clear();
    assert_int_equal(wire_send(&host, &message), WRT_OK);
    assert_int_equal(wire_receive(&worker, in_ms(5), &message), WRT_OK);
    qnxsim_calls_clear();
    assert_int_equal(wrt_port_pulse_receive(&worker.bell, in_ms(5), &(struct wrt_port_pulse){0}), WRT_OK);
    assert_int_equal(qnxsim_calls(QNXSIM_ANY), 3);
}

static void what_a_bell_may_be(void **state)
{
    (void)state;
    assert_int_equal(wire_connect_bell(&host, getpid(), 0), WRT_ERR_CLOSED);
    assert_int_equal(wire_connect_bell(&host, getpid(), UINT64_C(1) << 32 | worker_bell),
                     WRT_ERR_CLOSED);
    assert_int_equal(wire_connect_bell(&host, getpid(), UINT64_MAX), WRT_ERR_CLOSED);
    assert_int_equal(wire_connect_bell(&host, getpid(), 1000000), WRT_ERR_CLOSED);
    assert_int_equal(wire_connect_bell(&host, 77777777, worker_bell), WRT_ERR_CLOSED);
    assert_int_equal(wire_connect_bell(&host, getpid(), worker_bell), WRT_OK);
    assert_int_equal(wire_connect_bell(&host, getpid(), worker_bell), WRT_ERR_CLOSED); /* once */
}

/* The other side rings without a message, as often as it likes: the deadline holds and no message
 * is made up. A pool of pulses bounds what that costs the kernel, where there are pools. */
static void ringing_alone_says_nothing(void **state)
{
    struct wire_message message;

    (void)state;
    connect_both();
    for (int i = 0; i < 10000; i++)
        (void)!wrt_port_pulse_send(worker.theirs, 1, 0, 0);
    assert_true(qnxsim_pulses_queued() <= (qnxsim_release() >= 800 ? 4 : 10000));
    assert_int_equal(wire_receive(&host, in_ms(50), &message), WRT_ERR_TIMEOUT);
    assert_int_equal(qnxsim_pulses_queued(), 0);
}

static void a_wait_that_cannot_be_is_an_error(void **state)
{
    struct wire_message message;

    (void)state;
    connect_both();
    wrt_port_channel_destroy(&host.bell);
    assert_int_equal(wire_receive(&host, in_ms(20000), &message), WRT_ERR_CLOSED);
}

static void a_host_without_the_right_is_told(void **state)
{
    struct wire_end third = {.has_bell = false};
    uint64_t bell = 1;

    (void)state;
    qnxsim_allow(44, false); /* PUBLIC_CHANNEL */
    assert_int_equal(wire_open_bell(&third, &bell), WRT_ERR_DENIED);
    assert_false(third.has_bell);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_wakes_the_other),
        TEST(a_caller_lends_its_priority),
        TEST(kernel_calls_are_few),
        TEST(what_a_bell_may_be),
        TEST(ringing_alone_says_nothing),
        TEST(a_wait_that_cannot_be_is_an_error),
        TEST(a_host_without_the_right_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
