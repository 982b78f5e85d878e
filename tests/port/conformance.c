/* tests/port/conformance.c - what src/port.h promises, on the port that was built.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A call that the port does not serve must return ERR_UNSUPPORTED and nothing else; the
 * test then says so and is counted as skipped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"

#include <string.h>

/* The sanitizers' libraries replace mlock by nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* Ends the test as skipped when the port says so. */
static void need(enum wrt_status status, const char *call)
{
    if (status == WRT_ERR_UNSUPPORTED) {
        print_message("port %s does not serve %s\n", wrt_port_name(), call);
        skip();
    }
    assert_int_equal(status, WRT_OK);
}

static size_t page_bytes(void)
{
    return wrt_port_page_bytes();
}

static uint8_t *reserve(size_t pages, unsigned rights)
{
    struct wrt_port_request request = {.bytes = pages * page_bytes(), .rights = rights};
    void *out;

    need(wrt_port_reserve(&request, &out), "wrt_port_reserve");
    return out;
}

static void the_page_is_a_power_of_two(void **state)
{
    size_t page = page_bytes();

    (void)state;
    assert_true(page >= 4096 && (page & (page - 1)) == 0);
    assert_int_equal(page, page_bytes());
}

static void write_byte(void *address)
{
    *(volatile uint8_t *)address = 1;
}

static void expect_access(uint8_t *at, unsigned rights, bool allowed)
{
    enum wrt_status status = wrt_port_probe(at, rights);

    if (status != WRT_ERR_UNSUPPORTED)
        assert_int_equal(status, allowed ? WRT_OK : WRT_ERR_DENIED);
}

static void committed_pages_are_zero_and_only_they_are_accessible(void **state)
{
    uint8_t *start = reserve(4, WRT_PORT_NONE);
    size_t page = page_bytes();

    (void)state;
    expect_access(start, WRT_PORT_READ, false);
    assert_int_equal(wrt_port_commit(start + page, 2 * page, WRT_PORT_READ_WRITE), WRT_OK);
    for (size_t i = 0; i < 2 * page; i++)
        assert_int_equal(start[page + i], 0);
    memset(start + page, 0xAA, 2 * page);
    expect_access(start + page - 1, WRT_PORT_READ, false);
    expect_access(start + page, WRT_PORT_WRITE, true);
    expect_access(start + 3 * page - 1, WRT_PORT_WRITE, true);
    expect_access(start + 3 * page, WRT_PORT_READ, false);
    assert_int_equal(start[page], 0xAA); /* a probe changes nothing */
    assert_int_equal(wrt_port_release(start, 4 * page), WRT_OK);
}

static void decommitted_pages_come_back_as_zero(void **state)
{
    uint8_t *start = reserve(2, WRT_PORT_NONE);
    size_t page = page_bytes();

    (void)state;
    assert_int_equal(wrt_port_commit(start, 2 * page, WRT_PORT_READ_WRITE), WRT_OK);
    memset(start, 0xAA, 2 * page);
    assert_int_equal(wrt_port_decommit(start + page, page), WRT_OK);
    expect_access(start + page, WRT_PORT_READ, false);
    assert_int_equal(start[page - 1], 0xAA);
    assert_int_equal(wrt_port_commit(start + page, page, WRT_PORT_READ_WRITE), WRT_OK);
    for (size_t i = 0; i < page; i++)
        assert_int_equal(start[page + i], 0);
    assert_int_equal(wrt_port_release(start, 2 * page), WRT_OK);
}

static void rights_are_enforced_and_never_write_with_execute(void **state)
{
    uint8_t *start = reserve(1, WRT_PORT_READ_WRITE);
    size_t page = page_bytes();

    (void)state;
    memset(start, 0x11, page);
    assert_int_equal(wrt_port_protect(start, page, WRT_PORT_READ), WRT_OK);
    expect_access(start, WRT_PORT_READ, true);
    expect_access(start, WRT_PORT_WRITE, false);
    assert_int_equal(start[0], 0x11);
    assert_int_equal(wrt_port_protect(start, page, WRT_PORT_NONE), WRT_OK);
    expect_access(start, WRT_PORT_READ, false);
    assert_int_equal(wrt_port_protect(start, page, WRT_PORT_WRITE | WRT_PORT_EXECUTE),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_port_protect(start, page, WRT_PORT_READ_WRITE), WRT_OK);
    assert_int_equal(start[page - 1], 0x11);
    assert_int_equal(wrt_port_release(start, page), WRT_OK);
}

static void reset_gives_zero_pages(void **state)
{
    uint8_t *start = reserve(2, WRT_PORT_READ_WRITE);
    size_t page = page_bytes();

    (void)state;
    memset(start, 0x11, 2 * page);
    need(wrt_port_reset(start, page), "wrt_port_reset");
    assert_int_equal(start[0], 0);
    assert_int_equal(start[page], 0x11);
    assert_int_equal(wrt_port_release(start, 2 * page), WRT_OK);
}

static void reservations_are_aligned_as_asked(void **state)
{
    struct wrt_port_request request = {.bytes = 3 * page_bytes(),
                                       .alignment_bytes = 64 * page_bytes()};
    void *out;

    (void)state;
    for (int i = 0; i < 20; i++) {
        need(wrt_port_reserve(&request, &out), "an aligned reservation");
        assert_int_equal((uintptr_t)out % request.alignment_bytes, 0);
        assert_int_equal(wrt_port_commit(out, request.bytes, WRT_PORT_READ_WRITE), WRT_OK);
        memset(out, 1, request.bytes);
        assert_int_equal(wrt_port_release(out, request.bytes), WRT_OK);
    }
}

static void impossible_reservations_are_refused(void **state)
{
    struct wrt_port_request request = {.bytes = (SIZE_MAX / 2) & ~(page_bytes() - 1)};
    void *out = &request;
    enum wrt_status status = wrt_port_reserve(&request, &out);

    (void)state;
    if (status == WRT_ERR_UNSUPPORTED)
        need(status, "wrt_port_reserve");
    assert_int_equal(status, WRT_ERR_NO_MEMORY);
    request.bytes = page_bytes();
    request.pool = "no-such-pool";
    status = wrt_port_reserve(&request, &out);
    assert_true(status == WRT_ERR_UNSUPPORTED || status == WRT_ERR_NOT_FOUND);
    assert_ptr_equal(out, &request);
}

static void prefaulted_pages_are_resident(void **state)
{
    uint8_t *start = reserve(8, WRT_PORT_READ_WRITE);
    struct wrt_port_range_info info;

    (void)state;
    start[0] = 7;
    need(wrt_port_prefault(start, 8 * page_bytes(), false), "wrt_port_prefault");
    assert_int_equal(start[0], 7);
    if (wrt_port_query(start, 8 * page_bytes(), &info) == WRT_OK)
        assert_true(info.resident_bytes >= 8 * page_bytes());
    if (wrt_port_prefault(start, 8 * page_bytes(), true) == WRT_OK) {
#ifndef WRT_SANITIZED /* their mlock does nothing and says that it did */
        if (wrt_port_query(start, 8 * page_bytes(), &info) == WRT_OK && !IS_SANITIZED)
            assert_true(info.locked_bytes >= 8 * page_bytes());
#endif
        assert_int_equal(wrt_port_unlock(start, 8 * page_bytes()), WRT_OK);
    }
    assert_int_equal(wrt_port_release(start, 8 * page_bytes()), WRT_OK);
}

static void objects_are_shared_or_copied_on_write(void **state)
{
    struct wrt_port_object object;
    size_t page = page_bytes();
    enum wrt_status status;
    uint8_t *one, *two;

    (void)state;
    need(wrt_port_object_create(page, &object), "wrt_port_object_create");
    one = reserve(1, WRT_PORT_NONE);
    two = reserve(1, WRT_PORT_NONE);
    assert_int_equal(wrt_port_object_map(&object, one, WRT_PORT_READ_WRITE, false), WRT_OK);
    assert_int_equal(one[5], 0);
    one[5] = 42;
    status = wrt_port_object_map(&object, two, WRT_PORT_READ_WRITE, true);
    if (status != WRT_ERR_UNSUPPORTED) {
        assert_int_equal(status, WRT_OK);
        assert_int_equal(two[5], 42);
        two[5] = 43; /* its own copy */
        assert_int_equal(one[5], 42);
        if (wrt_port_reset(two, page) == WRT_OK)
            assert_int_equal(two[5], 42); /* the image again */
    }
    assert_int_equal(wrt_port_object_map(&object, two, WRT_PORT_READ, false), WRT_OK);
    one[6] = 44;
    assert_int_equal(two[6], 44);
    expect_access(two, WRT_PORT_WRITE, false);
    assert_int_equal(wrt_port_release(one, page), WRT_OK);
    assert_int_equal(wrt_port_release(two, page), WRT_OK);
    wrt_port_object_close(&object);
    wrt_port_object_close(&object); /* nothing happens */
}

static void a_frozen_object_takes_no_more_writers(void **state)
{
    struct wrt_port_object object;
    size_t page = page_bytes();
    enum wrt_status status;
    uint8_t *one;

    (void)state;
    need(wrt_port_object_create(page, &object), "wrt_port_object_create");
    one = reserve(1, WRT_PORT_NONE);
    assert_int_equal(wrt_port_object_map(&object, one, WRT_PORT_READ_WRITE, false), WRT_OK);
    status = wrt_port_object_freeze(&object);
    if (status != WRT_ERR_UNSUPPORTED) {
        assert_int_equal(status, WRT_ERR_BUSY);
        assert_int_equal(wrt_port_decommit(one, page), WRT_OK);
        assert_int_equal(wrt_port_object_freeze(&object), WRT_OK);
        assert_true(wrt_port_object_map(&object, one, WRT_PORT_READ_WRITE, false) < 0);
        assert_int_equal(wrt_port_object_map(&object, one, WRT_PORT_READ, false), WRT_OK);
    }
    assert_int_equal(wrt_port_release(one, page), WRT_OK);
    wrt_port_object_close(&object);
}

static void the_heap_gives_aligned_blocks_and_tells_what_it_did(void **state)
{
    struct wrt_port_outcome outcome;
    void *block;

    (void)state;
    need(wrt_port_heap_allocate(page_bytes(), 3 * page_bytes(), &block),
         "wrt_port_heap_allocate");
    assert_int_equal((uintptr_t)block % page_bytes(), 0);
    memset(block, 1, 3 * page_bytes());
    wrt_port_heap_free(block);
    for (int option = WRT_PORT_HEAP_ARENA_SIZE; option <= WRT_PORT_HEAP_MAP_THRESHOLD;
         option++) {
        enum wrt_status status;

        memset(&outcome, 0, sizeof outcome);
        status = wrt_port_heap_configure((enum wrt_port_heap_option)option, 65536, &outcome);
        assert_non_null(outcome.why);
        if (status != WRT_OK)
            assert_false(outcome.applied);
    }
}

static void time_goes_forward(void **state)
{
    uint64_t first, second, resolution;

    (void)state;
    need(wrt_port_time_now(&first), "wrt_port_time_now");
    assert_int_equal(wrt_port_time_now(&second), WRT_OK);
    assert_true(second >= first && first > 0);
    assert_int_equal(wrt_port_time_resolution(&resolution), WRT_OK);
    assert_true(resolution > 0);
}

static void a_wait_ends_by_value_by_time_or_by_wake(void **state)
{
    uint32_t word = 1, woken = 9;
    uint64_t now, after;
    enum wrt_status status = wrt_port_wait(&word, 2, UINT64_MAX, false);

    (void)state;
    if (status == WRT_ERR_UNSUPPORTED)
        need(status, "wrt_port_wait");
    assert_int_equal(status, WRT_ERR_STATE);
    assert_int_equal(wrt_port_wait(&word, 1, 0, false), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    assert_int_equal(wrt_port_wait(&word, 1, now + 2000000, false), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_port_time_now(&after), WRT_OK);
    assert_true(after >= now + 2000000);
    assert_int_equal(wrt_port_wake(&word, 1, false, &woken), WRT_OK);
    assert_int_equal(woken, 0);
}

struct shared {
    struct wrt_port_mutex mutex;
    uint32_t word;
    uint32_t id;
    uint64_t counter;
};

static void wait_for_two(void *context)
{
    struct shared *shared = context;

    shared->id = wrt_port_thread_id();
    while (__atomic_load_n(&shared->word, __ATOMIC_ACQUIRE) != 2)
        (void)!wrt_port_wait(&shared->word, 1, UINT64_MAX, false);
}

static void a_thread_starts_waits_is_woken_and_ends(void **state)
{
    struct wrt_port_thread_config config = {.name = "conformance", .stack_bytes = 1};
    struct shared shared = {.word = 1};
    struct wrt_port_thread thread;
    uint32_t woken;

    (void)state;
    need(wrt_port_thread_create(&config, wait_for_two, &shared, &thread),
         "wrt_port_thread_create");
    __atomic_store_n(&shared.word, 2, __ATOMIC_RELEASE);
    assert_int_equal(wrt_port_wake(&shared.word, UINT32_MAX, false, &woken), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&thread), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&thread), WRT_ERR_STATE);
    assert_int_not_equal(shared.id, 0);
    assert_int_not_equal(shared.id, wrt_port_thread_id());
}

enum { ROUNDS = 20000 };

static void count_up(void *context)
{
    struct shared *shared = context;

    for (int i = 0; i < ROUNDS; i++) {
        if (wrt_port_mutex_lock(&shared->mutex) != WRT_OK)
            return; /* the sum will tell */
        shared->counter++;
        wrt_port_mutex_unlock(&shared->mutex);
    }
}

static void a_mutex_excludes_and_refuses_its_owner(void **state)
{
    struct wrt_port_thread_config config = {0};
    struct shared shared = {0};
    struct wrt_port_thread one, two;

    (void)state;
    need(wrt_port_mutex_init(&shared.mutex), "wrt_port_mutex_init");
    assert_int_equal(wrt_port_mutex_lock(&shared.mutex), WRT_OK);
    assert_int_equal(wrt_port_mutex_lock(&shared.mutex), WRT_ERR_BUSY);
    wrt_port_mutex_unlock(&shared.mutex);
    need(wrt_port_thread_create(&config, count_up, &shared, &one), "wrt_port_thread_create");
    assert_int_equal(wrt_port_thread_create(&config, count_up, &shared, &two), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&one), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&two), WRT_OK);
    assert_int_equal(shared.counter, 2 * ROUNDS);
    wrt_port_mutex_deinit(&shared.mutex);
}

static void bad_thread_configurations_start_nothing(void **state)
{
    struct wrt_port_thread_config config = {.priority = 100000};
    struct shared shared = {.word = 2};
    struct wrt_port_thread thread = {0};
    enum wrt_status status =
        wrt_port_thread_create(&config, wait_for_two, &shared, &thread);

    (void)state;
    assert_true(status < 0);
    assert_false(thread.is_valid);
    assert_int_equal(shared.id, 0);
    status = wrt_port_thread_set_affinity(0);
    assert_true(status == WRT_ERR_ARGUMENT || status == WRT_ERR_UNSUPPORTED);
}

static void the_stack_has_room_left(void **state)
{
    size_t left = 0;

    (void)state;
    need(wrt_port_thread_stack_left(&left), "wrt_port_thread_stack_left");
    assert_true(left > 4096);
}

static void faults_elsewhere_are_not_ours(void **state)
{
    struct wrt_port_fault fault;
    uint8_t byte = 0;

    (void)state;
    need(wrt_port_fault_run(write_byte, &byte, &fault), "wrt_port_fault_run");
    assert_int_equal(byte, 1);
    assert_false(wrt_fault_is_ours(&byte));
}

static void entropy_differs(void **state)
{
    uint8_t one[32] = {0}, two[32] = {0};

    (void)state;
    need(wrt_port_entropy(one, sizeof one), "wrt_port_entropy");
    assert_int_equal(wrt_port_entropy(two, sizeof two), WRT_OK);
    assert_memory_not_equal(one, two, sizeof one);
    assert_int_equal(wrt_port_entropy(one, 0), WRT_OK);
}

static void the_report_has_a_reason_for_everything(void **state)
{
    struct wrt_port_capability capability;
    uint32_t count = 0;

    (void)state;
    while (wrt_port_capability(count, &capability) == WRT_OK) {
        assert_non_null(capability.name);
        assert_non_null(capability.why);
        assert_int_not_equal(strlen(capability.why), 0);
        if (capability.is_active)
            assert_true(capability.is_available);
        count++;
    }
    assert_int_equal(wrt_port_capability(UINT32_MAX, &capability), WRT_ERR_BOUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_a_power_of_two),
        cmocka_unit_test(committed_pages_are_zero_and_only_they_are_accessible),
        cmocka_unit_test(decommitted_pages_come_back_as_zero),
        cmocka_unit_test(rights_are_enforced_and_never_write_with_execute),
        cmocka_unit_test(reset_gives_zero_pages),
        cmocka_unit_test(reservations_are_aligned_as_asked),
        cmocka_unit_test(impossible_reservations_are_refused),
        cmocka_unit_test(prefaulted_pages_are_resident),
        cmocka_unit_test(objects_are_shared_or_copied_on_write),
        cmocka_unit_test(a_frozen_object_takes_no_more_writers),
        cmocka_unit_test(the_heap_gives_aligned_blocks_and_tells_what_it_did),
        cmocka_unit_test(time_goes_forward),
        cmocka_unit_test(a_wait_ends_by_value_by_time_or_by_wake),
        cmocka_unit_test(a_thread_starts_waits_is_woken_and_ends),
        cmocka_unit_test(a_mutex_excludes_and_refuses_its_owner),
        cmocka_unit_test(bad_thread_configurations_start_nothing),
        cmocka_unit_test(the_stack_has_room_left),
        cmocka_unit_test(faults_elsewhere_are_not_ours),
        cmocka_unit_test(entropy_differs),
        cmocka_unit_test(the_report_has_a_reason_for_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
