/* tests/sim/pulses.c - pulse channels that are bound to channels of the kernel.
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
#include "wrt/pulse.h"

enum { MS = 1000000, STATE_RECEIVE = 5, CODE_UNBLOCK = -32 };

static struct wrt_pulse_channel channel;
static struct wrt_pulse_connection connection;

static int fresh(void **state)
{
    (void)state;
    qnxsim_reset();
    return 0;
}

static uint64_t in_ms(uint64_t ms)
{
    uint64_t now = 0;
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    return now + ms * MS;
}

static void open_channel(uint32_t capacity, uint32_t binding)
{
    assert_int_equal(wrt_pulse_channel_init_bound(&channel, capacity, binding), WRT_OK);
    assert_int_equal(wrt_pulse_connect(&channel, &connection), WRT_OK);
}

static void close_channel(void)
{
    (void)wrt_pulse_disconnect(&connection, 10);
    assert_int_equal(wrt_pulse_channel_close(&channel), WRT_OK);
    assert_int_equal(wrt_pulse_channel_deinit(&channel), WRT_OK);
    assert_int_equal(qnxsim_pulses_queued(), 0);
    assert_int_equal(qnxsim_connections(), 0);
}

static struct wrt_pulse receive(void)
{
    struct wrt_pulse pulse = {.count = 0};
    assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_OK);
    assert_int_equal(pulse.count, 1);
    return pulse;
}

static void the_kernel_orders_and_tells_the_end(void **state)
{
    static const uint8_t priorities[4] = {10, 30, 10, 20};
    static const uint32_t order[4] = {1, 3, 0, 2};
    uint64_t sent = qnxsim_calls(QNXSIM_MsgSendPulse);
    struct wrt_pulse pulse;
    uint32_t number;

    (void)state;
    open_channel(8, WRT_PULSE_PRIVATE);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(wrt_pulse_send(&connection, priorities[i], 7, 0xFFFFFFF0u + i), WRT_OK);
    assert_int_equal(qnxsim_calls(QNXSIM_MsgSendPulse) - sent, 4);
    assert_int_equal(qnxsim_pulses_queued(), 4);
    for (uint32_t i = 0; i < 4; i++) {
        pulse = receive();
        assert_int_equal(pulse.value, 0xFFFFFFF0u + order[i]);
        assert_int_equal(pulse.code, 7);
    }
    number = pulse.connection;
    qnxsim_kernel_pulse(CODE_UNBLOCK); /* nobody's: dropped */
    assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_pulse_disconnect(&connection, 10), WRT_OK);
    pulse = receive();
    assert_int_equal(pulse.code, WRT_PULSE_DISCONNECT);
    assert_int_equal(pulse.value, number);
    assert_int_equal(wrt_pulse_send(&connection, 10, 7, 0), WRT_ERR_STATE);
    assert_int_equal(wrt_pulse_disconnect(&connection, 10), WRT_ERR_STATE);
    close_channel();
}

static void its_own_pulses_run_out(void **state)
{
    enum wrt_status status = WRT_OK;
    uint32_t sent = 0;

    (void)state;
    qnxsim_set_pulse_limit(3); /* for releases without pools */
    open_channel(3, WRT_PULSE_PRIVATE);
    for (; status == WRT_OK && sent < 10; sent++)
        status = wrt_pulse_send(&connection, 10, 1, sent);
    assert_int_equal(status, WRT_ERR_NO_SPACE);
    assert_int_equal(sent, 4);
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(receive().value, i);
    assert_int_equal(wrt_pulse_send(&connection, 10, 1, 9), WRT_OK);
    assert_int_equal(receive().value, 9);
    close_channel();
}

static void bad_arguments(void **state)
{
    struct wrt_pulse_channel other = {.capacity = 5};
    struct wrt_pulse_connection none = {.channel = NULL};
    int64_t process;
    int32_t id;

    (void)state;
    assert_int_equal(wrt_pulse_channel_init_bound(&other, 0, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_channel_init_bound(&other, 4, 4), WRT_ERR_ARGUMENT);
    qnxsim_fail(QNXSIM_ChannelCreate, 1, EAGAIN);
    assert_int_equal(wrt_pulse_channel_init_bound(&other, 4, 0), WRT_ERR_LIMIT);
    assert_int_equal(other.capacity, 5);
    memset(&other, 0, sizeof other);
    assert_int_equal(wrt_pulse_channel_get_kernel_id(&other, &process, &id), WRT_ERR_STATE);
    assert_int_equal(wrt_pulse_connect_process(1, 99999, &none), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_connect_process(0, 1, &none), WRT_ERR_ARGUMENT);
    open_channel(4, WRT_PULSE_PRIVATE);
    assert_int_equal(wrt_pulse_send(&connection, 0, 1, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_send(&connection, 10, 128, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_send(&connection, 10, -33, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_pulse_send(&none, 10, 1, 0), WRT_ERR_STATE);
    qnxsim_fail(QNXSIM_MsgSendPulse, 1, EPERM);
    assert_int_equal(wrt_pulse_send(&connection, 200, 1, 0), WRT_ERR_DENIED);
    close_channel();
}

/* ---- sleeping ---- */

static enum wrt_status answer;
static struct wrt_interrupt wish;

static void *sleep_for_a_pulse(void *interrupt)
{
    struct wrt_pulse pulse;
    answer = wrt_pulse_receive(&channel, UINT64_MAX, interrupt, &pulse);
    return NULL;
}

static pthread_t sleeper(struct wrt_interrupt *interrupt)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, sleep_for_a_pulse, interrupt), 0);
    while (qnxsim_threads_blocked(STATE_RECEIVE) == 0)
        usleep(1000);
    return thread;
}

static void a_receiver_sleeps_until_it_is_told(void **state)
{
    struct wrt_pulse pulse = {.code = 99};
    uint64_t deadline = in_ms(5), now;
    pthread_t thread;

    (void)state;
    open_channel(4, WRT_PULSE_PRIVATE);
    assert_int_equal(wrt_pulse_receive(&channel, deadline, NULL, &pulse), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    assert_true(now >= deadline);
    assert_int_equal(pulse.code, 99);

    thread = sleeper(NULL);
    qnxsim_interrupt_all(); /* a signal handler ran: it sleeps on */
    assert_int_equal(wrt_pulse_send(&connection, 10, 1, 0), WRT_OK);
    pthread_join(thread, NULL);
    assert_int_equal(answer, WRT_OK);

    wrt_interrupt_clear(&wish);
    thread = sleeper(&wish);
    assert_int_equal(wrt_interrupt_raise(NULL, &wish), WRT_OK);
    pthread_join(thread, NULL);
    assert_int_equal(answer, WRT_ERR_INTERRUPTED);

    thread = sleeper(NULL);
    assert_int_equal(wrt_pulse_channel_close(&channel), WRT_OK);
    pthread_join(thread, NULL);
    assert_int_equal(answer, WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_send(&connection, 10, 1, 0), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_connect(&channel, &(struct wrt_pulse_connection){0}),
                     WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_channel_close(&channel), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_disconnect(&connection, 10), WRT_ERR_CLOSED);
    assert_int_equal(wrt_pulse_channel_deinit(&channel), WRT_OK);
}

/* ---- priority ---- */

static void the_priority_of_a_pulse_is_lent_where_asked(void **state)
{
    int mine = qnxsim_my_priority();

    (void)state;
    open_channel(4, WRT_PULSE_PRIVATE);
    assert_int_equal(wrt_pulse_send(&connection, 33, 1, 0), WRT_OK);
    assert_int_equal(receive().priority, 0);
    assert_int_equal(qnxsim_my_priority(), mine);
    close_channel();

    open_channel(4, WRT_PULSE_LENDS_PRIORITY);
    assert_int_equal(wrt_pulse_send(&connection, 33, 1, 0), WRT_OK);
    assert_int_equal(receive().priority, 33);
    assert_int_equal(qnxsim_my_priority(), 33);
    assert_int_equal(wrt_pulse_send(&connection, 40, 2, 0), WRT_OK); /* queued: raises at once */
    assert_int_equal(qnxsim_my_priority(), 40);
    assert_int_equal(receive().priority, 40);
    assert_int_equal(wrt_pulse_send(&connection, (uint8_t)mine, 3, 0), WRT_OK);
    assert_int_equal(receive().priority, mine);
    assert_int_equal(qnxsim_my_priority(), mine);
    close_channel();
}

/* ---- other processes ---- */

static struct {
    int64_t process;
    int32_t id;
    enum wrt_status connected, sent;
    bool stays;
} client;

static void be_a_client(void *unused)
{
    struct wrt_pulse_connection mine;

    (void)unused;
    client.connected = wrt_pulse_connect_process(client.process, client.id, &mine);
    if (client.connected != WRT_OK)
        return;
    client.sent = wrt_pulse_send(&mine, 12, 5, 42);
    if (!client.stays)
        (void)wrt_pulse_disconnect(&mine, 10);
}

static int run_client(uint32_t user)
{
    int pid = qnxsim_process_new(user);

    assert_true(pid > 0);
    client.connected = client.sent = WRT_ERR_STATE;
    assert_int_equal(wrt_pulse_channel_get_kernel_id(&channel, &client.process, &client.id),
                     WRT_OK);
    qnxsim_thread_join(qnxsim_process_thread(pid, be_a_client, NULL));
    return pid;
}

static void other_processes_send_to_a_public_one(void **state)
{
    struct wrt_pulse pulse;
    uint32_t number;
    int pid;

    (void)state;
    open_channel(8, WRT_PULSE_PUBLIC);
    client.stays = false;
    (void)run_client(0);
    assert_int_equal(client.sent, WRT_OK);
    pulse = receive();
    assert_int_equal(pulse.code, 5);
    assert_int_equal(pulse.value, 42);
    number = pulse.connection;
    assert_int_equal(receive().value, number); /* its end */

    client.stays = true; /* it is killed with its connection open */
    pid = run_client(0);
    number = receive().connection;
    qnxsim_process_kill(pid);
    qnxsim_calls_clear();
    pulse = receive();
    assert_int_equal(qnxsim_calls(QNXSIM_ConnectDetach), 0); /* its number is not ours to detach */
    assert_int_equal(pulse.code, WRT_PULSE_DISCONNECT);
    assert_int_equal(pulse.value, number);
    close_channel();
}

static void nobody_else_reaches_a_private_one(void **state)
{
    (void)state;
    open_channel(8, WRT_PULSE_PRIVATE);
    client.stays = false;
    (void)run_client(1000);
    assert_int_equal(client.connected, WRT_ERR_DENIED);
    close_channel();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_kernel_orders_and_tells_the_end, fresh),
        cmocka_unit_test_setup(its_own_pulses_run_out, fresh),
        cmocka_unit_test_setup(bad_arguments, fresh),
        cmocka_unit_test_setup(a_receiver_sleeps_until_it_is_told, fresh),
        cmocka_unit_test_setup(the_priority_of_a_pulse_is_lent_where_asked, fresh),
        cmocka_unit_test_setup(nobody_else_reaches_a_private_one, fresh),
        cmocka_unit_test_setup(other_processes_send_to_a_public_one, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
