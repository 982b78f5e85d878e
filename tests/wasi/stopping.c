/* tests/wasi/stopping.c SLEEPER.wasm - a guest that waits inside WASI can be stopped: by an
 * interrupt from another thread, by its deadline; and then goes on or is dropped.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "wrt/wrt.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *wasm_path;
static struct wrt_partition *partition;
static struct wrt_module *module;
static struct wrt_store *store;
static struct wrt_wasi *wasi;
static struct wrt_function *sleep_ms, *read_byte;
static int input[2];

static struct wrt_function *export_of(struct wrt_instance *instance, const char *name)
{
    struct wrt_extern item;
    assert_int_equal(wrt_instance_export(instance, name, &item), WRT_OK);
    return item.of.function;
}

static int set_up(void **state)
{
    (void)state;
    static uint8_t bytes[1 << 20];
    const struct wrt_partition_config root = {.name = "stopping"};
    struct wrt_wasi_config config = {.clocks = WRT_WASI_CLOCK_MONOTONIC};
    struct wrt_instance *instance;
    struct wrt_error error;
    FILE *file = fopen(wasm_path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_int_equal(pipe(input), 0);
    config.standard_input.kind = WRT_WASI_STREAM_DESCRIPTOR;
    config.standard_input.descriptor = input[0];
    assert_int_equal(wrt_partition_create(NULL, &root, &partition, &error), WRT_OK);
    assert_int_equal(wrt_module_load(partition, NULL, bytes, size, &module, &error), WRT_OK);
    assert_int_equal(wrt_wasi_create(partition, &config, &wasi, &error), WRT_OK);
    assert_int_equal(wrt_store_create(partition, NULL, &store, &error), WRT_OK);
    assert_int_equal(wrt_wasi_define(store, wasi, &error), WRT_OK);
    assert_int_equal(wrt_store_instantiate(store, module, &instance, &error), WRT_OK);
    sleep_ms = export_of(instance, "sleep_ms");
    read_byte = export_of(instance, "read_byte");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct wrt_error error;
    assert_int_equal(wrt_store_destroy(store), WRT_OK);
    wrt_wasi_destroy(wasi);
    assert_int_equal(wrt_module_destroy(module), WRT_OK);
    assert_int_equal(wrt_partition_destroy(partition, &error), WRT_OK);
    close(input[0]);
    close(input[1]);
    return 0;
}

static uint64_t milliseconds(void)
{
    return wrt_time_now_ns() / 1000000;
}

static void pass_time(unsigned amount)
{
    const struct timespec time = {.tv_nsec = (long)amount * 1000000};
    nanosleep(&time, NULL);
}

static enum wrt_status call_sleep(uint32_t amount, struct wrt_value *result)
{
    const struct wrt_value argument = {.type = WRT_I32, .of = {.i32 = amount}};
    return wrt_function_call(store, sleep_ms, &argument, 1, result, 1);
}

static void *interrupt_later(void *context)
{
    (void)context;
    pass_time(50);
    wrt_store_interrupt(store);
    return NULL;
}

static void *write_later(void *context)
{
    (void)context;
    pass_time(50);
    assert_int_equal(write(input[1], "x", 1), 1);
    return NULL;
}

static void test_interrupted_and_resumed(void **state)
{
    (void)state;
    pthread_t thread;
    struct wrt_value result;
    uint64_t start = milliseconds();
    assert_int_equal(pthread_create(&thread, NULL, interrupt_later, NULL), 0);
    assert_int_equal(call_sleep(400, &result), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(store), WRT_PAUSE_INTERRUPT);
    assert_in_range(milliseconds() - start, 45, 390);
    pthread_join(thread, NULL);
    pass_time(500); /* longer than what is left */
    start = milliseconds();
    assert_int_equal(wrt_store_resume(store, &result, 1), WRT_OK);
    assert_true(milliseconds() - start < 300); /* the wait does not begin again */
    assert_true(result.of.i32 >= 400);
}

static void test_deadline(void **state)
{
    (void)state;
    struct wrt_value result;
    uint64_t start = milliseconds();
    wrt_store_set_deadline(store, wrt_time_now_ns() + 60000000);
    assert_int_equal(call_sleep(10000, &result), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(store), WRT_PAUSE_DEADLINE);
    assert_in_range(milliseconds() - start, 60, 3000);
    wrt_store_drop(store);
    wrt_store_set_deadline(store, 0);
    start = milliseconds(); /* the next sleep is a whole one */
    assert_int_equal(call_sleep(100, &result), WRT_OK);
    assert_in_range(milliseconds() - start, 100, 3000);
}

static void test_reading(void **state)
{
    (void)state;
    pthread_t thread;
    struct wrt_value result;
    assert_int_equal(pthread_create(&thread, NULL, interrupt_later, NULL), 0);
    assert_int_equal(wrt_function_call(store, read_byte, NULL, 0, &result, 1), WRT_PAUSED);
    pthread_join(thread, NULL);
    assert_int_equal(pthread_create(&thread, NULL, write_later, NULL), 0);
    assert_int_equal(wrt_store_resume(store, &result, 1), WRT_OK);
    assert_int_equal(result.of.i32, 'x');
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_interrupted_and_resumed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_deadline, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reading, set_up, tear_down),
    };
    if (argc != 2)
        return 2;
    wasm_path = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
