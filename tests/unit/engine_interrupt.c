/* engine_interrupt.c - another thread, or the clock, stops a guest.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "engine_fixture.h"

struct interrupter {
    struct wrt_store *store;
    struct wrt_instance *instance; /* NULL: through the store */
    atomic_bool stop;
    unsigned pause_us;
};

static void sleep_us(unsigned us)
{
    const struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};
    nanosleep(&time, NULL);
}

static void *interrupt_often(void *argument)
{
    struct interrupter *self = argument;
    do {
        sleep_us(self->pause_us);
        if (self->instance != NULL)
            wrt_instance_interrupt(self->instance);
        else
            wrt_store_interrupt(self->store);
    } while (!atomic_load(&self->stop));
    return NULL;
}

static void interrupted_by(struct fixture *f, struct interrupter *interrupter)
{
    static const char *const names[] = {"forever", "forever_calls", "forever_tail"};
    pthread_t thread;
    for (unsigned i = 0; i < 3; i++) {
        atomic_store(&interrupter->stop, true); /* once */
        assert_int_equal(pthread_create(&thread, NULL, interrupt_often, interrupter), 0);
        struct wrt_function *function = fixture_function(f, names[i]);
        assert_status(wrt_function_call(f->store, function, NULL, 0, NULL, 0), WRT_PAUSED);
        assert_int_equal(wrt_store_pause_reason(f->store), WRT_PAUSE_INTERRUPT);
        pthread_join(thread, NULL);
        wrt_store_drop(f->store);
    }
}

static void test_another_thread_stops_it(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "programs");
    struct interrupter by_store = {.store = f.store, .pause_us = 20000};
    struct interrupter by_instance = {.store = f.store, .instance = f.instance, .pause_us = 20000};
    interrupted_by(&f, &by_store);
    interrupted_by(&f, &by_instance);
    fixture_close(&f);
}

/* Interrupted again and again at arbitrary places, it computes the same with the same fuel. */
static void test_interrupts_change_nothing(void **state)
{
    (void)state;
    struct fixture f;
    pthread_t thread;
    uint32_t wanted, result;
    unsigned pauses = 0;
    fixture_start(&f, "programs");
    wrt_store_set_fuel(f.store, UINT64_MAX);
    assert_status(fixture_call(&f, "fib", 20, &wanted), WRT_OK);
    uint64_t fuel = wrt_store_fuel_used(f.store);
    struct interrupter interrupter = {.store = f.store, .pause_us = 50};
    assert_int_equal(pthread_create(&thread, NULL, interrupt_often, &interrupter), 0);
    for (int round = 0; round < 5 || (pauses < 20 && round < 5000); round++) {
        wrt_store_set_fuel(f.store, UINT64_MAX);
        enum wrt_status status = fixture_call(&f, "fib", 20, &result);
        for (; status == WRT_PAUSED; pauses++) {
            assert_int_equal(wrt_store_pause_reason(f.store), WRT_PAUSE_INTERRUPT);
            status = fixture_resume(&f, &result);
        }
        assert_status(status, WRT_OK);
        assert_int_equal(result, wanted);
        assert_int_equal(wrt_store_fuel_used(f.store), fuel);
    }
    atomic_store(&interrupter.stop, true);
    pthread_join(thread, NULL);
    assert_true(pauses >= 20);
    fixture_close(&f);
}

static void test_asked_before_the_call(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    wrt_store_interrupt(f.store);
    assert_status(fixture_call(&f, "sum", 1000, &result), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(f.store), WRT_PAUSE_INTERRUPT);
    assert_status(fixture_resume(&f, &result), WRT_OK); /* the pause answered it */
    assert_int_equal(result, 1501500);
    wrt_store_interrupt(f.store);
    wrt_store_clear_interrupt(f.store);
    assert_status(fixture_call(&f, "sum", 1000, &result), WRT_OK);
    fixture_close(&f);
}

/* In a loop of 11 instructions, after one pass at most. */
static void test_noticed_at_the_next_stop_point(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    wrt_store_set_fuel(f.store, UINT64_MAX);
    wrt_store_interrupt(f.store);
    assert_status(fixture_call(&f, "sum", 1000000, &result), WRT_PAUSED);
    assert_true(wrt_store_fuel_used(f.store) <= 24);
    wrt_store_drop(f.store);
    fixture_close(&f);
}

static void test_deadline(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "programs");
    struct wrt_function *function = fixture_function(&f, "forever_calls");
    const uint64_t deadline = wrt_time_now_ns() + 30000000;
    wrt_store_set_deadline(f.store, deadline);
    assert_status(wrt_function_call(f.store, function, NULL, 0, NULL, 0), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(f.store), WRT_PAUSE_DEADLINE);
    const uint64_t after = wrt_time_now_ns();
    assert_true(after >= deadline);
    assert_true(after < deadline + 2000000000); /* a busy machine's worst */
    wrt_store_set_deadline(f.store, wrt_time_now_ns() + 1000000);
    assert_status(wrt_store_resume(f.store, NULL, 0), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(f.store), WRT_PAUSE_DEADLINE);
    fixture_close(&f);
}

static void test_deadline_in_the_past_and_none(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    wrt_store_set_deadline(f.store, 1);
    assert_status(fixture_call(&f, "sum", 1000000, &result), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(f.store), WRT_PAUSE_DEADLINE);
    wrt_store_set_deadline(f.store, 0);
    assert_status(fixture_resume(&f, &result), WRT_OK);
    assert_int_equal(result, (uint32_t)(UINT64_C(3) * 1000000 * 1000001 / 2));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_thread_stops_it),
        cmocka_unit_test(test_interrupts_change_nothing),
        cmocka_unit_test(test_asked_before_the_call),
        cmocka_unit_test(test_noticed_at_the_next_stop_point),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_deadline_in_the_past_and_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
