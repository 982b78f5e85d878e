/* tests/unit/sync_pulse.c - order, policies, connections and ends of pulse channels.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "port.h"
#include "wrt/pulse.h"

enum { CAPACITY = 6 };
static struct wrt_pulse_channel channel;
static struct wrt_pulse_entry entries[CAPACITY];
static struct wrt_pulse_connection connection;

static uint64_t in_ms(uint64_t ms)
{
    uint64_t now = 0;
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    return now + ms * 1000000;
}

static void open_channel(enum wrt_pulse_policy policy)
{
    assert_int_equal(wrt_pulse_channel_init(&channel, entries, CAPACITY, policy), WRT_OK);
    assert_int_equal(wrt_pulse_connect(&channel, &connection), WRT_OK);
}

static enum wrt_status send(uint8_t priority, uint32_t value)
{
    return wrt_pulse_send(&connection, priority, 7, value);
}

static struct wrt_pulse receive(void)
{
    struct wrt_pulse pulse = { .count = 0 };
    assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_OK);
    return pulse;
}

static void by_priority_then_arrival(void **state)
{
    (void)state;
    open_channel(WRT_PULSE_REFUSE);
    static const uint8_t priorities[5] = { 10, 255, 0, 10, 200 };
    static const uint32_t order[5] = { 1, 4, 0, 3, 2 };
    struct wrt_pulse pulse;
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 5; i++)
            assert_int_equal(send(priorities[i], i), WRT_OK);
        for (uint32_t i = 0; i < 5; i++) {
            pulse = receive();
            assert_int_equal(pulse.value, order[i]);
            assert_int_equal(pulse.priority, priorities[order[i]]);
            assert_int_equal(pulse.code, 7);
            assert_int_equal(pulse.count, 1);
        }
        assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_ERR_TIMEOUT);
    }
}

static void full_refuses(void **state)
{
    (void)state;
    open_channel(WRT_PULSE_REFUSE);
    for (uint32_t i = 0; i < CAPACITY - 1; i++)
        assert_int_equal(send(5, i), WRT_OK);
    assert_int_equal(send(255, 9), WRT_ERR_NO_SPACE);
    assert_int_equal(wrt_pulse_connect(&channel, &(struct wrt_pulse_connection){ 0 }),
                     WRT_ERR_LIMIT);
    assert_int_equal(receive().value, 0);
    assert_int_equal(send(5, 9), WRT_OK);
    assert_int_equal(wrt_pulse_send(&connection, 5, -1, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_send(&connection, 5, 128, 0), WRT_ERR_ARGUMENT);
}

static void full_replaces_the_least_important(void **state)
{
    (void)state;
    open_channel(WRT_PULSE_REPLACE);
    for (uint32_t i = 0; i < CAPACITY - 1; i++)
        assert_int_equal(send(i < 2 ? 3 : 8, i), WRT_OK);
    assert_int_equal(send(5, 100), WRT_OK); /* in place of 0 */
    assert_int_equal(send(3, 101), WRT_OK); /* in place of 1 */
    assert_int_equal(send(2, 102), WRT_ERR_NO_SPACE);
    assert_int_equal(wrt_pulse_count_lost(&channel), 2);
    static const uint32_t order[5] = { 2, 3, 4, 100, 101 };
    for (int i = 0; i < 5; i++)
        assert_int_equal(receive().value, order[i]);
}

static void equal_ones_coalesce(void **state)
{
    (void)state;
    open_channel(WRT_PULSE_COALESCE);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(send(4, 1), WRT_OK);
    assert_int_equal(send(4, 2), WRT_OK);
    assert_int_equal(send(4, 1), WRT_OK); /* not next to its like: order is kept */
    struct wrt_pulse pulse = receive();
    assert_true(pulse.value == 1 && pulse.count == 1000);
    pulse = receive();
    assert_true(pulse.value == 2 && pulse.count == 1);
    pulse = receive();
    assert_true(pulse.value == 1 && pulse.count == 1);
    for (uint32_t i = 0; i < CAPACITY - 1; i++)
        assert_int_equal(send(5, i), WRT_OK);
    assert_int_equal(send(5, CAPACITY - 2), WRT_OK);
    assert_int_equal(send(5, 0), WRT_ERR_NO_SPACE);
}

static void the_end_of_a_connection_is_always_told(void **state)
{
    (void)state;
    open_channel(WRT_PULSE_REPLACE);
    struct wrt_pulse_connection second;
    assert_int_equal(wrt_pulse_connect(&channel, &second), WRT_OK);
    uint32_t number = second.number;
    for (uint32_t i = 0; i < CAPACITY - 2; i++)
        assert_int_equal(send(9, i), WRT_OK);
    assert_int_equal(wrt_pulse_disconnect(&second, 3), WRT_OK);
    assert_int_equal(wrt_pulse_disconnect(&second, 3), WRT_ERR_STATE);
    assert_int_equal(wrt_pulse_send(&second, 3, 1, 1), WRT_ERR_STATE);
    /* It is the least important one now, and still not replaced. */
    assert_int_equal(send(9, 99), WRT_ERR_NO_SPACE);
    for (uint32_t i = 0; i < CAPACITY - 2; i++)
        assert_int_equal(receive().value, i);
    struct wrt_pulse pulse = receive();
    assert_int_equal(pulse.code, WRT_PULSE_DISCONNECT);
    assert_int_equal(pulse.value, number);
}

struct receiver {
    pthread_t thread;
    struct wrt_interrupt interrupt;
    enum wrt_status status;
    struct wrt_pulse pulse;
};

static void *run_receiver(void *context)
{
    struct receiver *receiver = context;
    receiver->status =
        wrt_pulse_receive(&channel, in_ms(20000), &receiver->interrupt, &receiver->pulse);
    return NULL;
}

static void start(struct receiver *receiver)
{
    memset(receiver, 0, sizeof *receiver);
    assert_int_equal(pthread_create(&receiver->thread, NULL, run_receiver, receiver), 0);
    while (wrt_futex_count_waiters(NULL, &channel.sequence) == 0)
        usleep(200);
}

static enum wrt_status join(struct receiver *receiver)
{
    assert_int_equal(pthread_join(receiver->thread, NULL), 0);
    return receiver->status;
}

static void a_receiver_sleeps_until_it_is_told(void **state)
{
    (void)state;
    static struct receiver receiver;
    open_channel(WRT_PULSE_REFUSE);
    start(&receiver);
    assert_int_equal(send(1, 42), WRT_OK);
    assert_int_equal(join(&receiver), WRT_OK);
    assert_int_equal(receiver.pulse.value, 42);
    start(&receiver);
    assert_int_equal(wrt_interrupt_raise(NULL, &receiver.interrupt), WRT_OK);
    assert_int_equal(join(&receiver), WRT_ERR_INTERRUPTED);
    struct wrt_pulse pulse;
    uint64_t deadline = in_ms(10), now = 0;
    assert_int_equal(wrt_pulse_receive(&channel, deadline, NULL, &pulse), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    assert_true(now >= deadline);
    start(&receiver);
    assert_int_equal(wrt_pulse_channel_close(&channel), WRT_OK);
    assert_int_equal(join(&receiver), WRT_ERR_CLOSED);
}

static void a_closed_channel_says_so(void **state)
{
    (void)state;
    open_channel(WRT_PULSE_REFUSE);
    assert_int_equal(send(1, 1), WRT_OK);
    assert_int_equal(wrt_pulse_channel_deinit(&channel), WRT_ERR_STATE);
    assert_int_equal(wrt_pulse_channel_close(&channel), WRT_OK);
    struct wrt_pulse pulse;
    struct wrt_pulse_connection other;
    assert_int_equal(wrt_pulse_channel_close(&channel), WRT_ERR_CLOSED);
    assert_int_equal(send(1, 1), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_connect(&channel, &other), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_receive(&channel, UINT64_MAX, NULL, &pulse), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_disconnect(&connection, 1), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_disconnect(&connection, 1), WRT_ERR_STATE);
    assert_int_equal(wrt_pulse_channel_deinit(&channel), WRT_OK);
}

static void bad_arguments(void **state)
{
    (void)state;
    assert_int_equal(wrt_pulse_channel_init(NULL, entries, 1, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_channel_init(&channel, NULL, 1, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_channel_init(&channel, entries, 0, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_channel_init(&channel, entries, 4097, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_channel_init(&channel, entries, 1, 9), WRT_ERR_ARGUMENT);
}

/* On the simulated kernel: tests/sim/pulses.c. */
static void only_qnx_has_channels_of_its_own(void **state)
{
    (void)state;
    if (strcmp(wrt_port_name(), "qnx") == 0)
        return;
    struct wrt_pulse_channel bound = { .capacity = 77 };
    assert_int_equal(wrt_pulse_channel_init_bound(&bound, 4, WRT_PULSE_PRIVATE),
                     WRT_ERR_UNSUPPORTED);
    assert_int_equal(bound.capacity, 77);
    assert_int_equal(wrt_pulse_connect_process(1, 1, &(struct wrt_pulse_connection){ 0 }),
                     WRT_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_priority_then_arrival),
        cmocka_unit_test(full_refuses),
        cmocka_unit_test(full_replaces_the_least_important),
        cmocka_unit_test(equal_ones_coalesce),
        cmocka_unit_test(the_end_of_a_connection_is_always_told),
        cmocka_unit_test(a_receiver_sleeps_until_it_is_told),
        cmocka_unit_test(a_closed_channel_says_so),
        cmocka_unit_test(bad_arguments),
        cmocka_unit_test(only_qnx_has_channels_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
