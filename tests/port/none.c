/* tests/port/none.c - the port of a system without services refuses every call cleanly.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port_check.h"
#include "port_confine.h"
#include "port.h"

#include <string.h>

#define REFUSED(call) assert_int_equal((call), WRT_ERR_UNSUPPORTED)

static uint8_t page[8192];

static void body(void *context)
{
    *(bool *)context = true;
}

static void memory_is_refused(void **state)
{
    struct wrt_port_request request = {.bytes = 4096};
    struct wrt_port_range_info info;
    void *out = page;

    (void)state;
    REFUSED(wrt_port_reserve(&request, &out));
    assert_ptr_equal(out, page);
    REFUSED(wrt_port_commit(page, 4096, WRT_PORT_READ_WRITE));
    REFUSED(wrt_port_decommit(page, 4096));
    REFUSED(wrt_port_protect(page, 4096, WRT_PORT_READ));
    REFUSED(wrt_port_reset(page, 4096));
    REFUSED(wrt_port_release(page, 4096));
    REFUSED(wrt_port_prefault(page, 4096, true));
    REFUSED(wrt_port_unlock(page, 4096));
    REFUSED(wrt_port_probe(page, WRT_PORT_READ));
    REFUSED(wrt_port_query(page, 4096, &info));
    assert_int_equal(wrt_port_page_bytes(), 4096);
    assert_int_equal(wrt_port_huge_page_bytes(), 0);
}

static void objects_and_heap_are_refused(void **state)
{
    struct wrt_port_object object = {0};
    struct wrt_port_outcome outcome = {.applied = true};
    struct wrt_port_heap_info info;
    void *out = page;

    (void)state;
    REFUSED(wrt_port_object_create(4096, &object));
    REFUSED(wrt_port_object_map(&object, page, WRT_PORT_READ, true));
    REFUSED(wrt_port_object_freeze(&object));
    wrt_port_object_close(&object);
    REFUSED(wrt_port_heap_configure(WRT_PORT_HEAP_FREE_NOW, 0, &outcome));
    assert_false(outcome.applied);
    assert_non_null(outcome.why);
    REFUSED(wrt_port_heap_allocate(16, 16, &out));
    assert_ptr_equal(out, page);
    wrt_port_heap_free(NULL);
    REFUSED(wrt_port_heap_statistics(&info));
}

static void threads_time_and_waiting_are_refused(void **state)
{
    struct wrt_port_mutex mutex;
    struct wrt_port_thread thread = {0};
    struct wrt_port_thread_config config = {0};
    bool ran = false;
    int priority;
    size_t left;
    uint64_t ns;
    uint32_t word = 0, woken;

    (void)state;
    REFUSED(wrt_port_mutex_init(&mutex));
    REFUSED(wrt_port_mutex_lock(&mutex));
    wrt_port_mutex_unlock(&mutex);
    wrt_port_mutex_deinit(&mutex);
    REFUSED(wrt_port_thread_create(&config, body, &ran, &thread));
    REFUSED(wrt_port_thread_join(&thread));
    assert_int_equal(wrt_port_thread_id(), 1);
    REFUSED(wrt_port_thread_set_priority(1));
    REFUSED(wrt_port_thread_get_priority(&priority));
    REFUSED(wrt_port_thread_set_affinity(1));
    REFUSED(wrt_port_thread_stack_left(&left));
    REFUSED(wrt_port_time_now(&ns));
    REFUSED(wrt_port_time_resolution(&ns));
    REFUSED(wrt_port_wait(&word, 0, 0, false));
    REFUSED(wrt_port_wake(&word, 1, false, &woken));
    assert_false(ran);
}

static void faults_processes_and_entropy_are_refused(void **state)
{
    const struct wrt_port_spawn spawn = {.program = "/bin/true"};
    const struct wrt_port_process_limits limits = {0};
    struct wrt_port_process process = {0};
    struct wrt_port_fault fault;
    struct wrt_port_exit end;
    struct wrt_port_capability capability;
    bool ran = false;

    (void)state;
    REFUSED(wrt_port_fault_run(body, &ran, &fault));
    assert_false(ran);
    REFUSED(wrt_port_process_spawn(&spawn, &process));
    REFUSED(wrt_port_process_limit(&process, &limits));
    REFUSED(wrt_port_process_signal(&process, WRT_PORT_SIGNAL_KILL));
    REFUSED(wrt_port_process_reap(&process, 0, &end));
    REFUSED(wrt_port_entropy(page, 16));
    REFUSED(wrt_port_thread_set_cluster("tenants"));
    REFUSED(wrt_port_lock_all());
    assert_null(wrt_port_get_check(0));
    assert_int_equal(wrt_port_capability(0, &capability), WRT_ERR_BOUNDS);
    assert_string_equal(wrt_port_name(), "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_refused),
        cmocka_unit_test(objects_and_heap_are_refused),
        cmocka_unit_test(threads_time_and_waiting_are_refused),
        cmocka_unit_test(faults_processes_and_entropy_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
