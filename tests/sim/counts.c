/* tests/sim/counts.c - kernel calls per operation: what a QNX user can rely on. The table
 * that it prints is the one in docs/qnx.md; a change of any number fails here.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "port.h"
#include "qnxsim.h"
#include "wrt/memory.h"
#include "wrt/partition.h"

static uint64_t counted[QNXSIM_CALL_COUNT];

static void begin(void)
{
    for (int i = 0; i < QNXSIM_CALL_COUNT; i++)
        counted[i] = qnxsim_calls((enum qnxsim_call)i);
}

static void end(const char *operation, uint64_t expected)
{
    uint64_t sum = 0;
    char names[256] = "";
    size_t length = 0;
    for (int i = 0; i < QNXSIM_CALL_COUNT; i++) {
        uint64_t n = qnxsim_calls((enum qnxsim_call)i) - counted[i];
        if (n == 0 || i == QNXSIM_ClockTime)
            continue;
        sum += n;
        int written = snprintf(names + length, sizeof names - length, "%s%s%s", length ? ", " : "",
                               qnxsim_call_name((enum qnxsim_call)i), n > 1 ? " (repeated)" : "");
        if (written > 0 && (size_t)written < sizeof names - length)
            length += (size_t)written;
    }
    print_message("| %s | %llu | %s |\n", operation, (unsigned long long)sum, names);
    assert_int_equal(sum, expected);
}

struct waiter {
    pthread_t thread;
    uint32_t word, go;
};

static void *wait_twice(void *context)
{
    struct waiter *waiter = context;
    (void)!wrt_port_wait(&waiter->word, 0, UINT64_MAX, false);
    while (__atomic_load_n(&waiter->go, __ATOMIC_ACQUIRE) == 0)
        usleep(100);
    (void)!wrt_port_wait(&waiter->word, 0, UINT64_MAX, false);
    return NULL;
}

static void until_it_receives(void)
{
    while (qnxsim_waiting_in_receive() == 0)
        usleep(100);
    usleep(1000);
}

static void waiting_and_waking(void **state)
{
    struct waiter waiter = {.word = 0};
    uint32_t word = 0, woken;
    uint64_t now = 0;
    (void)state;
    begin();
    assert_int_equal(wrt_port_wait(&word, 1, UINT64_MAX, false), WRT_ERR_STATE);
    begin();
    assert_int_equal(wrt_port_wait(&word, 1, UINT64_MAX, false), WRT_ERR_STATE);
    end("wait, the word differs", 1);
    begin();
    assert_int_equal(wrt_port_wait(&word, 0, 0, false), WRT_ERR_TIMEOUT);
    end("wait, deadline 0 (only looks)", 0);
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    begin();
    assert_int_equal(wrt_port_wait(&word, 0, now + 1000000, false), WRT_ERR_TIMEOUT);
    end("wait with a deadline that passes", 3);
    begin();
    assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_OK);
    end("wake, nobody waits", 0);

    assert_int_equal(pthread_create(&waiter.thread, NULL, wait_twice, &waiter), 0);
    until_it_receives();
    begin();
    assert_int_equal(wrt_port_wake(&waiter.word, 1, false, &woken), WRT_OK);
    end("wake of one waiter", 1);
    while (qnxsim_waiting_in_receive() != 0)
        usleep(100);
    begin();
    __atomic_store_n(&waiter.go, 1, __ATOMIC_RELEASE);
    until_it_receives();
    end("wait without a deadline, a thread's second", 2);
    assert_int_equal(wrt_port_wake(&waiter.word, 1, false, &woken), WRT_OK);
    pthread_join(waiter.thread, NULL);
    usleep(20000); /* until its channel is closed */
}

static void *wait_first(void *context)
{
    uint32_t word = 0;
    uint64_t now = 0;
    (void)context;
    (void)!wrt_port_time_now(&now);
    (void)!wrt_port_wait(&word, 0, now + 1000000, false);
    return NULL;
}

static void a_threads_first_wait(void **state)
{
    pthread_t thread;
    (void)state;
    begin();
    assert_int_equal(pthread_create(&thread, NULL, wait_first, NULL), 0);
    pthread_join(thread, NULL);
    end("a thread's first wait (3), its channel made and given back", 7);
}

static void memory(void **state)
{
    struct wrt_port_request request = {.bytes = (size_t)8 << 30};
    size_t page = wrt_port_page_bytes();
    uint8_t *start;
    (void)state;
    begin();
    assert_int_equal(wrt_port_reserve(&request, (void **)&start), WRT_OK);
    end("reserve, any size", 1);
    begin();
    assert_int_equal(wrt_port_commit(start, 4096 * page, WRT_PORT_READ_WRITE), WRT_OK);
    end("commit, any size", 1);
    begin();
    memset(start, 1, 4096 * page);
    end("first touch of committed memory", 0);
    begin();
    assert_int_equal(wrt_port_protect(start, page, WRT_PORT_READ), WRT_OK);
    end("protect", 1);
    begin();
    assert_int_equal(wrt_port_decommit(start, 4096 * page), WRT_OK);
    end("decommit", 1);
    begin();
    assert_int_equal(wrt_port_release(start, (size_t)8 << 30), WRT_OK);
    end("release", 1);
}

static void linear_memory(void **state)
{
    struct wrt_partition *partition;
    struct wrt_page_allocator pages;
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 1000,
                                     .guard_after_bytes = (uint64_t)4 << 30};
    struct wrt_error error;
    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &(struct wrt_partition_config){0}, &partition, &error), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, &error), WRT_OK);
    wrt_pages_free(&pages); /* the first one also starts the table of owners */
    begin();
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, &error), WRT_OK);
    end("create a linear memory (reserved, guarded)", 2);
    begin();
    assert_int_equal(wrt_pages_grow(&pages, 1, &error), WRT_OK);
    end("memory.grow by 1 page", 1);
    begin();
    assert_int_equal(wrt_pages_grow(&pages, 100, &error), WRT_OK);
    end("memory.grow by 100 pages", 1);
    begin();
    wrt_pages_free(&pages);
    end("free a linear memory", 1);
    assert_int_equal(wrt_partition_destroy(partition, &error), WRT_OK);
}

static void nothing(void *context)
{
    (void)context;
}

static void others(void **state)
{
    struct wrt_port_mutex mutex;
    struct wrt_port_fault fault;
    uint64_t now;
    (void)state;
    assert_int_equal(wrt_port_mutex_init(&mutex), WRT_OK);
    begin();
    assert_int_equal(wrt_port_mutex_lock(&mutex), WRT_OK);
    wrt_port_mutex_unlock(&mutex);
    end("lock and unlock, uncontended", 0);
    wrt_port_mutex_deinit(&mutex);
    assert_int_equal(wrt_port_fault_run(nothing, NULL, &fault), WRT_OK);
    begin();
    assert_int_equal(wrt_port_fault_run(nothing, NULL, &fault), WRT_OK);
    end("run under the fault handler", 0);
    begin();
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    end("read the clock (clock_gettime; not counted)", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_and_waking), cmocka_unit_test(a_threads_first_wait),
        cmocka_unit_test(memory),             cmocka_unit_test(linear_memory),
        cmocka_unit_test(others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
