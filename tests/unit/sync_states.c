/* tests/unit/sync_states.c - locks, pools and barriers in states that come about by others: an owner that
 * dies between wake and lock, a head that was overwritten, nobody who asks for the answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/futex.h"
#include "wrt/lock.h"
#include "wrt/pool.h"

static struct wrt_mutex mutex;
static struct wrt_condition condition;

static void *signal_and_die(void *context)
{
    (void)context;
    if (wrt_mutex_lock(&mutex) == WRT_OK)
        (void)wrt_condition_signal(&condition);
    return NULL; /* holding it */
}

/* The waiter gets the mutex back from a thread that ended with it: it is told that first. */
static void a_waiter_is_told_of_a_dead_owner(void **state)
{
    const struct wrt_mutex_config config = {.is_robust = true};
    enum wrt_status status = wrt_mutex_init(&mutex, &config);
    pthread_t thread;

    (void)state;
    if (status == WRT_ERR_UNSUPPORTED) {
        print_message("no robust mutex here\n");
        skip();
    }
    assert_int_equal(status, WRT_OK);
    assert_int_equal(wrt_mutex_lock(&mutex), WRT_OK);
    assert_int_equal(pthread_create(&thread, NULL, signal_and_die, NULL), 0);
    do
        status = wrt_condition_wait(&condition, &mutex, UINT64_MAX, NULL);
    while (status == WRT_OK); /* it may return early */
    assert_int_equal(status, WRT_OWNER_DIED);
    assert_int_equal(wrt_mutex_repair(&mutex), WRT_OK);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(wrt_mutex_deinit(&mutex), WRT_OK);
}

static void a_wait_without_the_mutex_is_refused(void **state)
{
    (void)state;
    assert_int_equal(wrt_mutex_init(&mutex, NULL), WRT_OK);
    assert_int_equal(wrt_condition_wait(&condition, &mutex, 0, NULL), WRT_ERR_DENIED);
    assert_int_equal(wrt_mutex_lock(&mutex), WRT_OK);
    assert_int_equal(wrt_condition_wait(&condition, &mutex, 0, NULL), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_OK); /* it is held after a timeout */
    assert_int_equal(wrt_mutex_deinit(&mutex), WRT_OK);
}

static void an_answer_may_be_left_out(void **state)
{
    struct wrt_barrier barrier;
    struct wrt_futex_domain *none = NULL;
    uint32_t word = 1;
    bool is_last = false;

    (void)state;
    assert_int_equal(wrt_barrier_init(&barrier, 1), WRT_OK);
    assert_int_equal(wrt_barrier_arrive(&barrier, 0, NULL, NULL), WRT_OK);
    assert_int_equal(wrt_barrier_arrive(&barrier, 0, NULL, &is_last), WRT_OK);
    assert_true(is_last);
    assert_int_equal(wrt_barrier_init(&barrier, 2), WRT_OK);
    is_last = true;
    assert_int_equal(wrt_barrier_arrive(&barrier, 0, NULL, &is_last), WRT_ERR_TIMEOUT);
    assert_true(is_last); /* untouched */
    assert_int_equal(wrt_futex_wake(none, &word, 1, NULL), WRT_OK);
    assert_int_equal(wrt_futex_count_waiters(none, &word), 0);
    assert_int_not_equal(wrt_futex_domain_kind(none), WRT_FUTEX_DEFAULT);
    assert_int_equal(wrt_futex_requeue(none, &word, 1, 1, &word, 1, NULL, NULL), WRT_OK);
}

static void a_pool_with_a_wild_head_is_not_valid(void **state)
{
    static uint64_t objects[4];
    static uint32_t links[4];
    struct wrt_object_pool pool;
    void *taken[4];

    (void)state;
    assert_int_equal(wrt_object_pool_init(&pool, objects, links, 4, 8), WRT_OK);
    assert_true(wrt_object_pool_is_valid(&pool));
    for (int i = 0; i < 4; i++)
        assert_int_equal(wrt_object_pool_take(&pool, &taken[i]), WRT_OK);
    assert_true(wrt_object_pool_is_valid(&pool)); /* empty */
    pool.head = 4; /* the first number beyond */
    assert_false(wrt_object_pool_is_valid(&pool));
    assert_int_equal(wrt_object_pool_count_free(&pool), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_waiter_is_told_of_a_dead_owner),
        cmocka_unit_test(a_wait_without_the_mutex_is_refused),
        cmocka_unit_test(an_answer_may_be_left_out),
        cmocka_unit_test(a_pool_with_a_wild_head_is_not_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
