/* sweep_services.c - what stands beside the engine, with the 1st, 2nd, … call of the port failing:
 * locks and channels, snapshots, threads of a guest, workers, what a host is told.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each run ends, in a documented status; nothing stays taken: memory, locks, threads, processes,
 * descriptors, charges. A failure that has a way round need not show.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/wait.h>

#include "engine_fixture.h"
#include "fault.h"
#include "partition_fault.h"
#include "port.h"
#include "port_confine.h"
#include "port_sync.h"

/* ---- more calls that fail ---- */

static int64_t locks_taken;

#define WRAP(name, failure, parameters, arguments, counting) \
    enum wrt_status __real_##name parameters;                \
    enum wrt_status __wrap_##name parameters;                \
    enum wrt_status __wrap_##name parameters                 \
    {                                                        \
        if (port_fault_must_fail(#name))                     \
            return failure;                                  \
        const enum wrt_status status = __real_##name arguments; \
        if (status == WRT_OK) {                              \
            counting;                                        \
        }                                                    \
        return status;                                       \
    }

WRAP(wrt_port_lock_init, WRT_ERR_NO_MEMORY,
     (struct wrt_port_mutex *lock, const struct wrt_port_lock_config *config), (lock, config),
     __atomic_fetch_add(&locks_taken, 1, __ATOMIC_SEQ_CST))
WRAP(wrt_port_line_create, WRT_ERR_LIMIT, (int *out_ours, int *out_theirs),
     (out_ours, out_theirs), (void)0)
WRAP(wrt_port_object_descriptor, WRT_ERR_UNSUPPORTED,
     (const struct wrt_port_object *object, int *out), (object, out), (void)0)
WRAP(wrt_port_process_spawn, WRT_ERR_NO_MEMORY,
     (const struct wrt_port_spawn *spawn, struct wrt_port_process *out), (spawn, out), (void)0)
WRAP(wrt_port_process_usage, WRT_ERR_UNSUPPORTED,
     (const struct wrt_port_process *process, struct wrt_port_process_usage *out),
     (process, out), (void)0)
WRAP(wrt_port_thread_get_priority, WRT_ERR_UNSUPPORTED, (int *out), (out), (void)0)
WRAP(wrt_port_thread_set_priority, WRT_ERR_DENIED, (int priority), (priority), (void)0)
WRAP(wrt_port_thread_set_affinity, WRT_ERR_DENIED, (uint64_t mask), (mask), (void)0)
WRAP(wrt_port_query, WRT_ERR_UNSUPPORTED,
     (const void *address, size_t bytes, struct wrt_port_range_info *out), (address, bytes, out),
     (void)0)
WRAP(wrt_port_program_path, WRT_ERR_UNSUPPORTED, (char *out, size_t bytes), (out, bytes), (void)0)
WRAP(wrt_port_capability, WRT_ERR_BOUNDS, (uint32_t index, struct wrt_port_capability *out),
     (index, out), (void)0)

/* A signal that is not sent would leave a process: only stopping and going on may fail. */
enum wrt_status __real_wrt_port_process_signal(const struct wrt_port_process *process,
                                               enum wrt_port_signal signal);
enum wrt_status __wrap_wrt_port_process_signal(const struct wrt_port_process *process,
                                               enum wrt_port_signal signal);
enum wrt_status __wrap_wrt_port_process_signal(const struct wrt_port_process *process,
                                               enum wrt_port_signal signal)
{
    const bool may_fail = signal == WRT_PORT_SIGNAL_STOP || signal == WRT_PORT_SIGNAL_CONTINUE;
    if (may_fail && port_fault_must_fail("wrt_port_process_signal"))
        return WRT_ERR_DENIED;
    return __real_wrt_port_process_signal(process, signal);
}

enum wrt_status __real_wrt_port_lock_deinit(struct wrt_port_mutex *lock);
enum wrt_status __wrap_wrt_port_lock_deinit(struct wrt_port_mutex *lock);
enum wrt_status __wrap_wrt_port_lock_deinit(struct wrt_port_mutex *lock)
{
    const enum wrt_status status = __real_wrt_port_lock_deinit(lock);
    if (status == WRT_OK)
        __atomic_fetch_sub(&locks_taken, 1, __ATOMIC_SEQ_CST);
    return status;
}

/* ---- what is taken ---- */

struct taken {
    struct port_taken port;
    int64_t locks;
    int descriptors;
};

static int count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    if (folder == NULL)
        return 0;
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static struct taken what_is_taken(void)
{
    struct taken taken;
    memset(&taken, 0, sizeof taken);
    taken.port = port_fault_taken();
    taken.locks = __atomic_load_n(&locks_taken, __ATOMIC_SEQ_CST);
    taken.descriptors = count_descriptors();
    return taken;
}

static void require_same(const struct taken *before, const char *what, uint64_t nth)
{
    const struct taken after = what_is_taken();
    const char *name = port_fault_name();
    name = name != NULL ? name : "a charge";
    if (memcmp(&before->port, &after.port, sizeof after.port) != 0)
        fail_msg("%s: failing call %d (%s) leaks", what, (int)nth, name);
    if (before->locks != after.locks)
        fail_msg("%s: failing call %d (%s) leaves %d locks", what, (int)nth, name,
                 (int)(after.locks - before->locks));
    if (before->descriptors != after.descriptors)
        fail_msg("%s: failing call %d (%s) leaves %d descriptors", what, (int)nth, name,
                 after.descriptors - before->descriptors);
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
        fail_msg("%s: failing call %d (%s) leaves a process", what, (int)nth, name);
}

/* ---- the sweep ---- */

static bool is_documented(enum wrt_status status)
{
    return status == WRT_OK || status == WRT_ERR_NO_MEMORY || status == WRT_ERR_PARTITION_MAX ||
           status == WRT_ERR_LIMIT || status == WRT_ERR_DENIED || status == WRT_ERR_IO ||
           status == WRT_ERR_UNSUPPORTED || status == WRT_ERR_TIMEOUT ||
           status == WRT_ERR_CLOSED || status == WRT_ERR_NOT_FOUND;
}

/* Calls that must show when they fail. */
static bool must_show(const char *name)
{
    static const char *const names[] = {
        "wrt_port_lock_init", "wrt_port_mutex_init", "wrt_port_line_create",
        "wrt_port_object_create", "wrt_port_object_map", "wrt_port_process_spawn",
        "wrt_port_object_descriptor", "wrt_port_thread_create",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static void sweep_port(enum wrt_status (*run)(void), const char *what, uint64_t least)
{
    uint64_t nth = 0;
    port_fault_arm(0);
    partition_fault_arm(0);
    const enum wrt_status first = run(); /* what stays for good is taken here */
    if (first == WRT_ERR_UNSUPPORTED || first == WRT_ERR_NOT_FOUND) {
        print_message("%s: not on port %s\n", what, wrt_port_name());
        skip();
    }
    assert_status(first, WRT_OK);
    const struct taken before = what_is_taken();
    do {
        port_fault_arm(++nth);
        const enum wrt_status status = run();
        if (!is_documented(status))
            fail_msg("%s: failing call %d (%s): %s", what, (int)nth,
                     port_fault_fired() ? port_fault_name() : "none", wrt_status_name(status));
        if (!port_fault_fired() && status != WRT_OK)
            fail_msg("%s: %s without a failure", what, wrt_status_name(status));
        if (port_fault_fired() && status == WRT_OK && must_show(port_fault_name()))
            fail_msg("%s: failing call %d (%s) was not reported", what, (int)nth,
                     port_fault_name());
        require_same(&before, what, nth);
    } while (port_fault_fired());
    port_fault_arm(0);
    print_message("%s: %d calls failed in turn\n", what, (int)nth - 1);
    assert_true(nth > least);
}

static void sweep_charges(enum wrt_status (*run)(void), const char *what)
{
    uint64_t nth = 0;
    const struct taken before = what_is_taken();
    do {
        partition_fault_arm(++nth);
        const enum wrt_status status = run();
        if (partition_fault_fired() ? !is_documented(status) : status != WRT_OK)
            fail_msg("%s: charge %d: %s", what, (int)nth, wrt_status_name(status));
        require_same(&before, what, nth);
    } while (partition_fault_fired());
    partition_fault_arm(0);
    print_message("%s: %d charges failed in turn\n", what, (int)nth - 1);
}

/* ---- locks and channels ---- */

static enum wrt_status use_channel(struct wrt_pulse_channel *channel)
{
    struct wrt_pulse_connection sender;
    struct wrt_pulse pulse;
    enum wrt_status status = wrt_pulse_connect(channel, &sender);
    if (status == WRT_OK)
        status = wrt_pulse_send(&sender, 9, 3, 77);
    if (status == WRT_OK)
        status = wrt_pulse_receive(channel, 0, NULL, &pulse);
    if (status == WRT_OK)
        assert_int_equal(pulse.value, 77);
    (void)wrt_pulse_disconnect(&sender, 9);
    (void)wrt_pulse_channel_close(channel);
    assert_status(wrt_pulse_channel_deinit(channel), WRT_OK);
    return status;
}

static enum wrt_status locks(void)
{
    static struct wrt_futex_domain domain;
    static struct wrt_pulse_entry entries[4];
    static struct wrt_pulse_channel channel;
    const struct wrt_futex_config config = {.kind = WRT_FUTEX_PORTABLE};
    struct wrt_mutex mutex;
    struct wrt_rwlock rwlock;
    enum wrt_status status = wrt_futex_domain_init(&domain, &config);
    if (status != WRT_OK)
        return status;
    assert_status(wrt_futex_domain_deinit(&domain), WRT_OK);
    status = wrt_mutex_init(&mutex, NULL);
    if (status != WRT_OK)
        return status;
    assert_status(wrt_mutex_deinit(&mutex), WRT_OK);
    status = wrt_rwlock_init(&rwlock);
    if (status != WRT_OK)
        return status;
    assert_status(wrt_rwlock_deinit(&rwlock), WRT_OK);
    status = wrt_pulse_channel_init(&channel, entries, 4, WRT_PULSE_REFUSE);
    return status == WRT_OK ? use_channel(&channel) : status;
}

static void locks_and_channels(void **state)
{
    (void)state;
    sweep_port(locks, "locks", WRT_FUTEX_BUCKETS);
}

/* ---- a snapshot, restored beside the store it is of ---- */

static uint8_t kept[4 << 20];
static size_t kept_bytes;

static enum wrt_status keep(void *context, const void *bytes, size_t size)
{
    (void)context;
    assert_true(size <= sizeof kept - kept_bytes);
    memcpy(kept + kept_bytes, bytes, size);
    kept_bytes += size;
    return WRT_OK;
}

static enum wrt_status pause_in_fib(struct fixture *f)
{
    uint32_t result;
    wrt_store_set_fuel(f->store, 200);
    const enum wrt_status status = fixture_call(f, "fib", 15, &result);
    return status == WRT_PAUSED ? WRT_OK : status;
}

static enum wrt_status open_store(const struct fixture *first, struct fixture *f)
{
    *f = (struct fixture){.partition = first->partition, .module = first->module};
    enum wrt_status status = wrt_store_create(f->partition, NULL, &f->store, NULL);
    if (status == WRT_OK)
        status = wrt_store_instantiate(f->store, f->module, &f->instance, NULL);
    return status;
}

static enum wrt_status go_on(struct fixture *f)
{
    uint32_t result = 0;
    wrt_store_set_fuel(f->store, UINT64_MAX);
    const enum wrt_status status = fixture_resume(f, &result);
    if (status == WRT_OK)
        assert_int_equal(result, 610);
    return status;
}

static enum wrt_status copy_store(struct fixture *from, struct fixture *to)
{
    enum wrt_status status = pause_in_fib(from);
    if (status == WRT_OK)
        status = wrt_instance_snapshot(from->instance, keep, NULL, NULL);
    if (status == WRT_OK)
        status = open_store(from, to);
    if (status == WRT_OK)
        status = wrt_instance_restore(to->instance, kept, kept_bytes, NULL);
    if (status == WRT_OK)
        status = go_on(to);
    return status == WRT_OK ? go_on(from) : status;
}

static enum wrt_status snapshot(void)
{
    struct fixture from = {.store = NULL}, to = {.store = NULL};
    size_t size;
    uint8_t *bytes = fixture_bytes("programs", &size);
    kept_bytes = 0;
    enum wrt_status status = wrt_partition_create(NULL, NULL, &from.partition, NULL);
    if (status == WRT_OK)
        status = wrt_module_load(from.partition, NULL, bytes, size, &from.module, NULL);
    free(bytes);
    if (status == WRT_OK)
        status = open_store(&from, &from);
    if (status == WRT_OK)
        status = copy_store(&from, &to);
    assert_status(wrt_store_destroy(to.store), WRT_OK);
    assert_status(wrt_store_destroy(from.store), WRT_OK);
    assert_status(wrt_module_destroy(from.module), WRT_OK);
    if (from.partition != NULL) {
        assert_int_equal(fixture_used(&from), 0);
        assert_status(wrt_partition_destroy(from.partition, NULL), WRT_OK);
    }
    return status;
}

static void snapshots(void **state)
{
    (void)state;
    sweep_port(snapshot, "snapshot", 3);
    sweep_charges(snapshot, "snapshot");
}

/* ---- the threads of a guest ---- */

/* What it is told: the sum, or "no more threads", which is the end of a failure here. */
static enum wrt_status run_two_threads(struct wrt_threads *threads, struct wrt_instance *instance)
{
    const union wrt_slot five = {.i32 = 5};
    union wrt_slot result = {.i64 = 0};
    struct wrt_extern item;
    assert_status(wrt_instance_export(instance, "run", &item), WRT_OK);
    const enum wrt_status status =
        wrt_threads_call(threads, item.of.function, &five, 1, &result, 1);
    if (status != WRT_OK)
        return status;
    if ((int32_t)result.i32 == -6)
        return WRT_ERR_LIMIT;
    assert_int_equal(result.i32, 5);
    return WRT_OK;
}

static enum wrt_status guest_threads(void)
{
    static const struct wrt_arena_config arena = {.is_shared = true};
    const struct wrt_partition_config config = {.name = "threads", .arena = &arena,
                                                .max_bytes = 16 << 20};
    struct fixture f = {.store = NULL};
    struct wrt_threads *threads = NULL;
    size_t size;
    uint8_t *bytes = fixture_bytes("spawn", &size);
    enum wrt_status status = wrt_partition_create(NULL, &config, &f.partition, NULL);
    if (status == WRT_OK)
        status = wrt_module_load(f.partition, NULL, bytes, size, &f.module, NULL);
    free(bytes);
    if (status == WRT_OK)
        status = wrt_store_create(f.partition, NULL, &f.store, NULL);
    if (status == WRT_OK)
        status = wrt_threads_create(f.store, f.module, NULL, NULL, &threads, NULL);
    if (status == WRT_OK)
        status = wrt_store_instantiate(f.store, f.module, &f.instance, NULL);
    if (status == WRT_OK)
        status = run_two_threads(threads, f.instance);
    wrt_threads_destroy(threads);
    assert_status(wrt_store_destroy(f.store), WRT_OK);
    assert_status(wrt_module_destroy(f.module), WRT_OK);
    if (f.partition != NULL) {
        assert_int_equal(fixture_used(&f), 0);
        assert_status(wrt_partition_destroy(f.partition, NULL), WRT_OK);
    }
    return status;
}

static void threads_of_a_guest(void **state)
{
    (void)state;
    sweep_port(guest_threads, "threads", 5);
}

/* ---- workers ---- */

#ifdef WRT_TENANT_PROGRAM
static enum wrt_status use_worker(struct wrt_worker *worker)
{
    const struct wrt_worker_budget budget = {.deadline_ns = wrt_time_now_ns() + 5000000000u};
    struct wrt_worker_info info;
    struct wrt_value result;
    uint32_t count;
    enum wrt_status status = wrt_worker_suspend(worker, true);
    if (status == WRT_OK)
        status = wrt_worker_suspend(worker, false);
    wrt_worker_get_info(worker, &info);
    if (status == WRT_OK)
        status = wrt_worker_call(worker, "beat", NULL, 0, &result, 1, &count, &budget, NULL);
    return status == WRT_ERR_TYPE || status == WRT_ERR_NOT_FOUND ? WRT_ERR_STATE : status;
}

static enum wrt_status with_worker(void)
{
    const struct wrt_partition_config partition = {.name = "host", .max_bytes = 64 << 20,
                                                   .flags = WRT_PARTITION_CONTAINER};
    struct wrt_partition *host = NULL;
    struct wrt_worker *worker = NULL;
    struct wrt_partition_info info;
    size_t size;
    uint8_t *bytes = fixture_bytes("tenant", &size);
    const struct wrt_worker_config config = {.program = WRT_TENANT_PROGRAM, .module = bytes,
                                             .module_bytes = size};
    enum wrt_status status = wrt_partition_create(NULL, &partition, &host, NULL);
    if (status == WRT_OK)
        status = wrt_worker_create(host, &config, &worker, NULL);
    if (status == WRT_OK)
        status = use_worker(worker);
    free(bytes);
    wrt_worker_destroy(worker, wrt_time_now_ns() + 5000000000u);
    if (host != NULL) {
        wrt_partition_get_info(host, &info);
        assert_int_equal(info.current_bytes[WRT_CHARGE_PROCESS], 0);
        assert_int_equal(info.current_bytes[WRT_CHARGE_HOST], 0);
        assert_status(wrt_partition_destroy(host, NULL), WRT_OK);
    }
    return status;
}
#endif

static void workers(void **state)
{
    (void)state;
#ifdef WRT_TENANT_PROGRAM
    sweep_port(with_worker, "worker", 5);
    sweep_charges(with_worker, "worker");
#else
    print_message("this build has no worker program\n");
    skip();
#endif
}

/* ---- what a host asks about ---- */

static enum wrt_status oblivious(void)
{
    struct fixture f = {.store = NULL};
    struct wrt_oblivious_host *host = NULL;
    enum wrt_status status = wrt_partition_create(NULL, NULL, &f.partition, NULL);
    if (status == WRT_OK)
        status = wrt_store_create(f.partition, NULL, &f.store, NULL);
    if (status == WRT_OK)
        status = wrt_oblivious_host_create(f.partition, &host, NULL);
    if (status == WRT_OK)
        status = wrt_oblivious_host_define(f.store, host, NULL);
    assert_status(wrt_store_destroy(f.store), WRT_OK);
    wrt_oblivious_host_destroy(host);
    if (f.partition != NULL) {
        assert_int_equal(fixture_used(&f), 0);
        assert_status(wrt_partition_destroy(f.partition, NULL), WRT_OK);
    }
    return status;
}

/* Figures that the system does not give are said to be missing, and nothing else changes. */
static enum wrt_status questions(void)
{
    const struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 1};
    struct wrt_partition *partition = NULL;
    struct wrt_page_allocator pages = {.partition = NULL};
    struct wrt_page_info info;
    struct wrt_system_feature feature;
    uint32_t features = 0;
    enum wrt_status status = wrt_partition_create(NULL, NULL, &partition, NULL);
    if (status == WRT_OK)
        status = wrt_pages_allocate(&pages, partition, &config, NULL);
    if (status == WRT_OK) {
        wrt_pages_get_info(&pages, &info);
        assert_int_equal(info.committed_bytes, 65536);
        assert_true(info.has_figures || info.resident_bytes == 0);
        while (wrt_system_get_feature(features, &feature) == WRT_OK)
            features++;
    }
    wrt_pages_free(&pages);
    assert_status(wrt_partition_destroy(partition, NULL), WRT_OK);
    return status;
}

static void hosts_that_ask(void **state)
{
    (void)state;
    sweep_port(questions, "questions", 5);
    sweep_charges(oblivious, "oblivious stores");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_and_channels), cmocka_unit_test(snapshots),
        cmocka_unit_test(threads_of_a_guest), cmocka_unit_test(workers),
        cmocka_unit_test(hosts_that_ask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
