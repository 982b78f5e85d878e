/* tests/sim/traps.c - the twenty traps of QNX, one test each: it fails when the port falls in.
 * SPDX-License-Identifier: Apache-2.0
 *
 * mutants.sh changes the port so that it falls into each and sees the test fail. Trap 15
 * (_QNX_SOURCE) and the 32-bit half of 16 are compile checks: headers.sh trap_15, facts.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "port.h"
#include "port_confine.h"
#include "qnxsim.h"
#include "wrt/memory.h"
#include "wrt/partition.h"

enum { MS = 1000000, NEW_PRIORITY = 30 };
static const uint64_t GIB = UINT64_C(1) << 30;

/* QNX's own mmap with QNX's numbers, for what the port never does. */
void *qnxsim_mmap(void *, size_t, int, int, int, long);
enum { Q_READ_WRITE = 0x300, Q_PRIVATE = 2, Q_FIXED = 0x10, Q_LAZY = 0x80, Q_ANON = 0x80000 };
enum { AID_PRIORITY = 33, AID_PROT_WRITE_AND_EXEC = 53, AID_SPAWN = 21, AID_FORK = 22 };

static int fresh(void **state)
{
    (void)state;
    qnxsim_reset();
    qnxsim_calls_clear();
    return 0;
}

static size_t page(void)
{
    return wrt_port_page_bytes();
}

static uint8_t *reserve(uint64_t bytes)
{
    struct wrt_port_request request = {.bytes = bytes};
    void *start = NULL;
    assert_int_equal(wrt_port_reserve(&request, &start), WRT_OK);
    return start;
}

static uint64_t in_ms(uint64_t ms)
{
    uint64_t now = 0;
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    return now + ms * MS;
}

/* ---- a thread that waits ---- */

struct waiter {
    pthread_t thread;
    uint32_t word;
    uint64_t deadline_ns;
    int priority, priority_after;
    enum wrt_status status;
};

static void *run_waiter(void *context)
{
    struct waiter *waiter = context;
    if (waiter->priority != 0)
        (void)!wrt_port_thread_set_priority(waiter->priority);
    waiter->status = wrt_port_wait(&waiter->word, 0, waiter->deadline_ns, false);
    waiter->priority_after = qnxsim_my_priority();
    return NULL;
}

static void start_waiter(struct waiter *waiter)
{
    uint32_t before = qnxsim_waiting_in_receive();
    if (waiter->deadline_ns == 0)
        waiter->deadline_ns = in_ms(20000);
    assert_int_equal(pthread_create(&waiter->thread, NULL, run_waiter, waiter), 0);
    while (qnxsim_waiting_in_receive() == before)
        usleep(200);
}

static uint32_t wake(const uint32_t *word, uint32_t count)
{
    uint32_t woken = 0;
    assert_int_equal(wrt_port_wake(word, count, false, &woken), WRT_OK);
    return woken;
}

/* ---- the traps, as section 8 of the facts numbers them ---- */

static void trap_01_a_reservation_takes_no_memory(void **state)
{
    uint64_t before = qnxsim_ram_used();
    (void)state;
    qnxsim_set_ram(before + (64 << 20));
    uint8_t *start = reserve(8 * GIB);
    assert_int_equal(qnxsim_ram_used(), before);
    assert_int_equal(wrt_port_commit(start, 16 * page(), WRT_PORT_READ_WRITE), WRT_OK);
    assert_false(qnxsim_is_lazy(start)); /* taken now: no store can find RAM gone */
    assert_int_equal(qnxsim_ram_used() - before, 16 * page());
    assert_int_equal(wrt_port_commit(start + (1 << 20), 128 << 20, WRT_PORT_READ_WRITE),
                     WRT_ERR_NO_MEMORY);
    assert_int_equal(wrt_port_decommit(start, 16 * page()), WRT_OK);
    assert_int_equal(qnxsim_ram_used(), before);
    assert_int_equal(wrt_port_release(start, 8 * GIB), WRT_OK);
}

static void trap_02_protections_have_qnx_numbers(void **state)
{
    uint8_t *start = reserve(page());
    (void)state;
    assert_int_equal(qnxsim_protection(start), 0);
    assert_int_equal(wrt_port_commit(start, page(), WRT_PORT_READ_WRITE), WRT_OK);
    assert_int_equal(qnxsim_protection(start), 0x300);
    assert_int_equal(wrt_port_protect(start, page(), WRT_PORT_READ | WRT_PORT_EXECUTE), WRT_OK);
    assert_int_equal(qnxsim_protection(start), 0x500);
    assert_int_equal(wrt_port_protect(start, page(), WRT_PORT_READ), WRT_OK);
    assert_int_equal(qnxsim_protection(start), 0x100);
    assert_int_equal(wrt_port_release(start, page()), WRT_OK);
}

static void trap_03_limits_allow_for_reservations(void **state)
{
    struct wrt_port_confined done;
    uint8_t *start = reserve(8 * GIB);
    uint64_t others = 64 << 20; /* what else this process has mapped */
    struct wrt_port_confinement confinement = {
        .limits.memory_bytes = others, .reserved_bytes = 8 * GIB};
    (void)state;
    assert_int_equal(wrt_port_confine_self(&confinement, &done), WRT_OK);
    assert_true(done.limits_set);
    assert_int_equal(wrt_port_commit(start, 1 << 20, WRT_PORT_READ_WRITE), WRT_OK);
    struct wrt_port_request more = {.bytes = 2 * others};
    void *out;
    assert_int_equal(wrt_port_reserve(&more, &out), WRT_ERR_NO_MEMORY); /* the limit holds */
    assert_int_equal(wrt_port_release(start, 8 * GIB), WRT_OK);
}

static void trap_04_a_wake_leaves_the_waiters_priority(void **state)
{
    struct waiter waiter = {.priority = NEW_PRIORITY};
    (void)state;
    start_waiter(&waiter);
    assert_int_equal(wrt_port_thread_set_priority(50), WRT_OK);
    assert_int_equal(wake(&waiter.word, 1), 1);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(wrt_port_thread_set_priority(0), WRT_OK);
    assert_int_equal(waiter.status, WRT_OK);
    assert_int_equal(waiter.priority_after, NEW_PRIORITY);
}

static void *wait_twice(void *context)
{
    struct waiter *waiter = run_waiter(context) ? NULL : context;
    if (waiter->status == WRT_OK)
        waiter->status = wrt_port_wait(&waiter->word, 0, in_ms(30), false);
    return NULL;
}

static void trap_05_stale_pulses_wake_nobody(void **state)
{
    struct waiter waiter = {.deadline_ns = in_ms(20000)};
    (void)state;
    for (int i = 0; i < 1000; i++) /* wakes without a waiter leave nothing behind */
        assert_int_equal(wake(&waiter.word, 1), 0);
    assert_int_equal(qnxsim_pulses_queued(), 0);
    assert_int_equal(qnxsim_calls(QNXSIM_MsgSendPulse), 0);
    assert_int_equal(pthread_create(&waiter.thread, NULL, wait_twice, &waiter), 0);
    while (qnxsim_waiting_in_receive() == 0)
        usleep(200);
    qnxsim_pulse_fault(QNXSIM_PULSE_TWICE, 1); /* its twin outlives the wait */
    assert_int_equal(wake(&waiter.word, 1), 1);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(waiter.status, WRT_ERR_TIMEOUT); /* the second wait did not take it */
}

static void *fail_to_open(void *context)
{
    static uint32_t word;
    *(enum wrt_status *)context = wrt_port_wait(&word, 0, in_ms(50), false);
    return NULL;
}

static enum wrt_status wait_on_a_new_thread(void)
{
    enum wrt_status status = WRT_OK;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fail_to_open, &status), 0);
    pthread_join(thread, NULL);
    return status;
}

static void trap_06_errors_of_the_r_calls_are_read_right(void **state)
{
    (void)state;
    qnxsim_fail_run(QNXSIM_ChannelCreate, 1, 2, EAGAIN); /* with and without a pulse pool */
    assert_int_equal(wait_on_a_new_thread(), WRT_ERR_LIMIT);
    assert_true(qnxsim_fail_happened());
    qnxsim_fail(QNXSIM_ConnectAttach, 1, EPERM); /* clears what is left of the other */
    assert_int_equal(wait_on_a_new_thread(), WRT_ERR_DENIED);
    qnxsim_fail(QNXSIM_MsgReceivePulse, 1, ETIMEDOUT);
    assert_int_equal(wait_on_a_new_thread(), WRT_ERR_TIMEOUT);
    assert_int_equal(qnxsim_channels(), 0);
    assert_int_equal(qnxsim_connections(), 0);
}

static void *wake_after_two_seconds(void *word)
{
    for (int i = 0; i < 200 && __atomic_load_n((uint32_t *)word, __ATOMIC_ACQUIRE) == 0; i++)
        usleep(10000);
    uint32_t woken;
    (void)!wrt_port_wake(word, 1, false, &woken);
    return NULL;
}

static void trap_07_timeouts_are_absolute_and_set_last(void **state)
{
    uint32_t word = 0;
    uint64_t start = in_ms(0), end;
    pthread_t rescuer;
    (void)state;
    qnxsim_set_tick(300 * MS); /* a relative time would gain one */
    assert_int_equal(pthread_create(&rescuer, NULL, wake_after_two_seconds, &word), 0);
    assert_int_equal(wrt_port_wait(&word, 0, start + 5 * MS, false), WRT_ERR_TIMEOUT);
    end = in_ms(0);
    __atomic_store_n(&word, 1, __ATOMIC_RELEASE);
    pthread_join(rescuer, NULL);
    assert_true(end - start >= 5 * MS);
    assert_true(end - start < 250 * MS);
}

static void trap_08_no_receive_ids_are_kept(void **state)
{
    (void)state;
    assert_int_equal(wait_on_a_new_thread(), WRT_ERR_TIMEOUT);
    assert_int_equal(qnxsim_calls(QNXSIM_MsgReceive), 0); /* pulses only */
    assert_int_equal(qnxsim_calls(QNXSIM_MsgReply), 0);
}

static void do_nothing(void *context)
{
    *(bool *)context = true;
}

static void trap_09_fault_handlers_need_no_signal_stack(void **state)
{
    struct wrt_port_fault fault;
    bool has_run = false;
    (void)state;
    assert_int_equal(wrt_port_fault_run(do_nothing, &has_run, &fault), WRT_OK);
    assert_true(has_run);
    for (uint32_t i = 0;; i++) {
        struct wrt_port_capability found;
        assert_int_equal(wrt_port_capability(i, &found), WRT_OK);
        if (strcmp(found.name, "signal-stack") != 0)
            continue;
        assert_int_equal(found.is_available, qnxsim_release() >= 800);
        break;
    }
}

static void touch(void *context)
{
    *(volatile uint8_t *)context = 1;
}

static void trap_10_both_signals_are_faults(void **state)
{
    struct wrt_partition *partition;
    struct wrt_page_allocator pages;
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 2,
                                     .guard_after_bytes = 1 << 20};
    struct wrt_port_fault fault;
    struct wrt_error error;
    (void)state;
    assert_int_equal(wrt_partition_create(NULL, &(struct wrt_partition_config){0}, &partition, &error), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&pages, partition, &config, &error), WRT_OK);
    uint8_t *guard = pages.base + pages.size_bytes + 65536;
    assert_int_equal(wrt_port_fault_run(touch, guard, &fault), WRT_ERR_TRAP); /* SIGSEGV */
    assert_ptr_equal(fault.address, guard);
    /* A lazy page where RAM has run out: SIGBUS. */
    assert_ptr_equal(qnxsim_mmap(guard, page(), Q_READ_WRITE, Q_PRIVATE | Q_ANON | Q_LAZY | Q_FIXED, -1, 0), guard);
    qnxsim_set_ram(qnxsim_ram_used());
    assert_int_equal(wrt_port_fault_run(touch, guard, &fault), WRT_ERR_TRAP);
    assert_ptr_equal(fault.address, guard);
    assert_int_equal(wrt_port_fault_run(touch, guard, &fault), WRT_ERR_TRAP); /* not blocked since */
    qnxsim_set_ram(0);
    wrt_pages_free(&pages);
    assert_int_equal(wrt_partition_destroy(partition, &error), WRT_OK);
}

static uint64_t memory_calls(void)
{
    return qnxsim_calls(QNXSIM_mmap) + qnxsim_calls(QNXSIM_munmap) + qnxsim_calls(QNXSIM_mprotect) +
           qnxsim_calls(QNXSIM_page_fault);
}

static void trap_11_mapping_calls_are_few_and_where_they_belong(void **state)
{
    uint8_t *start = reserve(16 * page());
    struct waiter waiter = {.word = 0};
    (void)state;
    assert_int_equal(memory_calls(), 1);
    assert_int_equal(wrt_port_commit(start, 8 * page(), WRT_PORT_READ_WRITE), WRT_OK);
    assert_int_equal(memory_calls(), 2);
    memset(start, 1, 8 * page()); /* nothing is left to be taken at the touch */
    assert_int_equal(memory_calls(), 2);
    start_waiter(&waiter);
    assert_int_equal(wake(&waiter.word, 1), 1);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(memory_calls(), 2); /* none on the path that waits and wakes */
    assert_int_equal(wrt_port_release(start, 16 * page()), WRT_OK);
}

static void trap_12_the_heap_is_left_alone(void **state)
{
    struct waiter waiter = {.word = 0};
    struct wrt_port_fault fault;
    bool has_run;
    (void)state;
    uint64_t before = qnxsim_heap_calls();
    uint8_t *start = reserve(4 * page());
    assert_int_equal(wrt_port_commit(start, page(), WRT_PORT_READ_WRITE), WRT_OK);
    assert_int_equal(wrt_port_probe(start, WRT_PORT_READ), WRT_OK);
    assert_int_equal(wrt_port_fault_run(do_nothing, &has_run, &fault), WRT_OK);
    start_waiter(&waiter);
    assert_int_equal(wake(&waiter.word, 1), 1);
    pthread_join(waiter.thread, NULL);
    assert_int_equal(wrt_port_release(start, 4 * page()), WRT_OK);
    assert_int_equal(qnxsim_heap_calls(), before);
}

static void trap_13_heap_knobs_are_this_releases(void **state)
{
    struct wrt_port_outcome outcome;
    enum wrt_status status = wrt_port_heap_configure(WRT_PORT_HEAP_ARENA_SIZE, 65536, &outcome);
    (void)state;
    assert_int_equal(status, WRT_OK);
    assert_true(outcome.applied);
    if (qnxsim_release() < 800) {
        assert_true(outcome.has_previous);
        assert_int_equal(outcome.previous, 32768);
        status = wrt_port_heap_configure(WRT_PORT_HEAP_MAP_THRESHOLD, 1 << 20, &outcome);
        assert_int_equal(status, WRT_ERR_UNSUPPORTED); /* accepted is not applied */
        assert_false(outcome.applied);
        status = wrt_port_heap_configure(WRT_PORT_HEAP_MEMORY_HOLD, 1, &outcome);
        assert_int_equal(status, WRT_OK);
        status = wrt_port_heap_configure(WRT_PORT_HEAP_CACHE_BLOCKS, 12, &outcome);
        assert_int_equal(status, WRT_OK); /* the previous value looks like -1 */
        assert_int_equal(outcome.previous, UINT32_MAX);
        status = wrt_port_heap_configure(WRT_PORT_HEAP_ARENA_SIZE, 256 << 10, &outcome);
        assert_int_equal(status, WRT_ERR_ARGUMENT);
        (void)wrt_port_heap_configure(WRT_PORT_HEAP_ARENA_SIZE, 32768, &outcome);
        (void)wrt_port_heap_configure(WRT_PORT_HEAP_CACHE_BYTES, 0, &outcome);
    } else {
        status = wrt_port_heap_configure(WRT_PORT_HEAP_MAP_THRESHOLD, 1 << 20, &outcome);
        assert_int_equal(status, WRT_OK);
        for (int is_ok = 0; is_ok < 2; is_ok++) { /* whichever answer a deprecated one gives */
            qnxsim_set_deprecated_mallopt_ok(is_ok);
            status = wrt_port_heap_configure(WRT_PORT_HEAP_CACHE_BLOCKS, 12, &outcome);
            assert_int_equal(status, WRT_ERR_UNSUPPORTED);
            assert_false(outcome.applied);
        }
    }
}

static void trap_14_partitions_may_be_missing(void **state)
{
    struct wrt_port_budget_config config = {.name = "tenants", .percent = 20};
    struct wrt_port_budget budget = {.id = -7};
    (void)state;
    qnxsim_set_aps(false);
    assert_int_equal(wrt_port_budget_create(NULL, &config, &budget), WRT_ERR_UNSUPPORTED);
    assert_int_equal(wrt_port_budget_join(&budget), WRT_ERR_UNSUPPORTED);
    assert_int_equal(budget.id, -7);
}

static void trap_16_reserved_words_are_zero(void **state)
{
    struct wrt_port_budget_config config = {.name = "tenants", .percent = 20};
    struct wrt_port_budget budget;
    (void)state;
    assert_int_equal(wrt_port_thread_set_priority(NEW_PRIORITY), WRT_OK);
    assert_int_equal(wrt_port_thread_set_priority(0), WRT_OK);
    if (qnxsim_release() < 800)
        assert_int_equal(wrt_port_budget_create(NULL, &config, &budget), WRT_OK);
}

static int lowest_free_descriptor(void)
{
    int file = open("/dev/null", O_RDONLY);
    close(file);
    return file;
}

static void trap_17_connections_stay_out_of_descriptors(void **state)
{
    struct waiter waiter = {.word = 0};
    int before = lowest_free_descriptor();
    (void)state;
    start_waiter(&waiter);
    assert_int_equal(lowest_free_descriptor(), before);
    assert_int_equal(wake(&waiter.word, 1), 1);
    pthread_join(waiter.thread, NULL);
}

static void trap_18_every_thread_can_have_a_channel(void **state)
{
    struct waiter waiters[3] = {{.word = 0}, {.word = 0}, {.word = 0}};
    uint32_t before = qnxsim_channels(); /* this thread may have one */
    (void)state;
    for (int i = 0; i < 3; i++)
        start_waiter(&waiters[i]);
    assert_int_equal(qnxsim_channel_flags(qnxsim_last_chid()) & (0x4 | 0x40), 0);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(wake(&waiters[i].word, 1), 1);
        pthread_join(waiters[i].thread, NULL);
        assert_int_equal(waiters[i].status, WRT_OK);
    }
    assert_int_equal(qnxsim_channels(), before); /* given back by the threads' end */
}

static void trap_19_no_page_is_writable_and_executable(void **state)
{
    uint8_t *start = reserve(page());
    (void)state;
    qnxsim_allow(AID_PROT_WRITE_AND_EXEC, false);
    uint64_t before = memory_calls();
    assert_int_equal(wrt_port_commit(start, page(), WRT_PORT_WRITE | WRT_PORT_EXECUTE), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_port_protect(start, page(), WRT_PORT_READ_WRITE | WRT_PORT_EXECUTE), WRT_ERR_ARGUMENT);
    assert_int_equal(memory_calls(), before); /* refused before the system is asked */
    assert_int_equal(wrt_port_commit(start, page(), WRT_PORT_READ_WRITE), WRT_OK);
    start[0] = 0xc3;
    assert_int_equal(wrt_port_protect(start, page(), WRT_PORT_READ | WRT_PORT_EXECUTE), WRT_OK);
    assert_int_equal(wrt_port_release(start, page()), WRT_OK);
}

static void trap_20_missing_policy_degrades_and_is_told(void **state)
{
    struct wrt_port_confinement confinement = {.security_type = "wrt_worker_t"};
    struct wrt_port_confined done;
    (void)state;
    assert_int_equal(wrt_port_confine_self(&confinement, &done), WRT_OK);
    assert_true(done.rights_dropped);
    assert_false(done.type_changed);
    fresh(NULL);
    confinement.require = true;
    assert_int_equal(wrt_port_confine_self(&confinement, &done), WRT_ERR_UNSUPPORTED);
    fresh(NULL);
    qnxsim_set_policy("system_t,wrt_worker_t");
    assert_int_equal(wrt_port_confine_self(&confinement, &done), WRT_OK);
    assert_true(done.type_changed);
    assert_string_equal(qnxsim_type_name(), "wrt_worker_t");
    assert_false(qnxsim_is_allowed(AID_SPAWN));
    assert_true(qnxsim_is_locked(AID_FORK));
}

int main(int argc, char **argv)
{
    if (argc > 1) /* one test */
        cmocka_set_test_filter(argv[1]);
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)
    const struct CMUnitTest tests[] = {
        TEST(trap_01_a_reservation_takes_no_memory),
        TEST(trap_02_protections_have_qnx_numbers),
        TEST(trap_03_limits_allow_for_reservations),
        TEST(trap_04_a_wake_leaves_the_waiters_priority),
        TEST(trap_05_stale_pulses_wake_nobody),
        TEST(trap_06_errors_of_the_r_calls_are_read_right),
        TEST(trap_07_timeouts_are_absolute_and_set_last),
        TEST(trap_08_no_receive_ids_are_kept),
        TEST(trap_09_fault_handlers_need_no_signal_stack),
        TEST(trap_10_both_signals_are_faults),
        TEST(trap_11_mapping_calls_are_few_and_where_they_belong),
        TEST(trap_12_the_heap_is_left_alone),
        TEST(trap_13_heap_knobs_are_this_releases),
        TEST(trap_14_partitions_may_be_missing),
        TEST(trap_16_reserved_words_are_zero),
        TEST(trap_17_connections_stay_out_of_descriptors),
        TEST(trap_18_every_thread_can_have_a_channel),
        TEST(trap_19_no_page_is_writable_and_executable),
        TEST(trap_20_missing_policy_degrades_and_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
