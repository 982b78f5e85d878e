/* tests/sim/trouble.c - what a QNX system may lack or run out of: each is reported by name,
 * degraded where that is safe, refused where it is not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "port.h"
#include "port_confine.h"
#include "qnxsim.h"

enum { MS = 1000000, AID_MEM_LOCK = 20, AID_SPAWN = 21, AID_IO = 31, AID_PRIORITY = 33, AID_APS_ROOT = 45,
       AID_RLIMIT_PEER = 57, SPORADIC = 4 };

static int fresh(void **state)
{
    (void)state;
    qnxsim_reset();
    qnxsim_calls_clear();
    return 0;
}

static bool is_8(void)
{
    return qnxsim_release() >= 800;
}

static size_t page(void)
{
    return wrt_port_page_bytes();
}

static struct wrt_port_capability capability(const char *name)
{
    struct wrt_port_capability found;
    for (uint32_t i = 0; wrt_port_capability(i, &found) == WRT_OK; i++) {
        if (strcmp(found.name, name) == 0)
            return found;
    }
    fail_msg("no capability %s", name);
    return found;
}

/* ---- memory runs out in every phase ---- */

static void ram_runs_out_while_reserving(void **state)
{
    uint64_t before = qnxsim_ram_used();
    struct wrt_port_request request = {.bytes = 64 * page(), .rights = WRT_PORT_READ_WRITE};
    void *out = &request;
    (void)state;
    qnxsim_set_ram(before + 8 * page());
    assert_int_equal(wrt_port_reserve(&request, &out), WRT_ERR_NO_MEMORY);
    request.alignment_bytes = 1 << 20;
    assert_int_equal(wrt_port_reserve(&request, &out), WRT_ERR_NO_MEMORY);
    assert_ptr_equal(out, &request);
    assert_int_equal(qnxsim_ram_used(), before);
}

static void the_address_space_is_bounded(void **state)
{
    struct wrt_port_request request = {.bytes = (size_t)513 << 30};
    void *starts[70], *out;
    size_t count = 0;
    (void)state;
    assert_int_equal(wrt_port_reserve(&request, &out), WRT_ERR_NO_MEMORY);
    request.bytes = (size_t)8 << 30;
    while (count < 70 && wrt_port_reserve(&request, &starts[count]) == WRT_OK)
        count++;
    assert_in_range(count, 60, 64); /* 512 GiB */
    while (count > 0)
        assert_int_equal(wrt_port_release(starts[--count], request.bytes), WRT_OK);
}

/* Whether the kernel leaves the old mapping or a hole, the range is reserved afterwards. */
static void ram_runs_out_while_committing(void **state)
{
    (void)state;
    for (int leaves_hole = 0; leaves_hole < 2; leaves_hole++) {
        uint64_t before = qnxsim_ram_used();
        struct wrt_port_request request = {.bytes = 64 * page()};
        uint8_t *start;
        assert_int_equal(wrt_port_reserve(&request, (void **)&start), WRT_OK);
        qnxsim_set_fixed_failure_unmaps(leaves_hole);
        qnxsim_set_ram(before + 8 * page());
        assert_int_equal(wrt_port_commit(start, 8 * page(), WRT_PORT_READ_WRITE), WRT_OK);
        start[0] = 7;
        assert_int_equal(wrt_port_commit(start + 8 * page(), page(), WRT_PORT_READ_WRITE), WRT_ERR_NO_MEMORY);
        assert_int_equal(start[0], 7);
        assert_true(qnxsim_is_mapped(start + 8 * page()));
        assert_true(qnxsim_is_lazy(start + 8 * page()));
        assert_int_equal(wrt_port_probe(start + 8 * page(), WRT_PORT_READ), WRT_ERR_DENIED);
        assert_int_equal(wrt_port_decommit(start, 8 * page()), WRT_OK); /* needs no memory */
        assert_int_equal(wrt_port_release(start, 64 * page()), WRT_OK);
        assert_int_equal(qnxsim_ram_used(), before);
        qnxsim_reset();
    }
}

static void objects_take_ram_once(void **state)
{
    struct wrt_port_object object = {.handle = -5};
    uint64_t before = qnxsim_ram_used();
    (void)state;
    qnxsim_set_ram(before + 4 * page());
    assert_int_equal(wrt_port_object_create(5 * page(), &object), WRT_ERR_NO_MEMORY);
    assert_int_equal(object.handle, -5);
    assert_int_equal(wrt_port_object_create(4 * page(), &object), WRT_OK);
    assert_int_equal(qnxsim_ram_used() - before, 4 * page());
    wrt_port_object_close(&object);
    assert_int_equal(qnxsim_ram_used(), before);
}

static void locking_needs_its_ability(void **state)
{
    struct wrt_port_request request = {.bytes = 2 * page(), .rights = WRT_PORT_READ_WRITE};
    void *start;
    (void)state;
    assert_int_equal(wrt_port_reserve(&request, &start), WRT_OK);
    assert_int_equal(wrt_port_prefault(start, 2 * page(), true), WRT_OK);
    assert_int_equal(wrt_port_unlock(start, 2 * page()), WRT_OK);
    qnxsim_allow(AID_MEM_LOCK, false);
    assert_int_equal(wrt_port_prefault(start, 2 * page(), true), WRT_ERR_DENIED);
    assert_false(capability("locked-memory").is_available);
    assert_non_null(strstr(capability("locked-memory").why, "PROCMGR_AID_MEM_LOCK"));
    assert_int_equal(wrt_port_release(start, 2 * page()), WRT_OK);
}

static void superlock_needs_its_ability_up_to_7_1(void **state)
{
    (void)state;
    assert_int_equal(qnxsim_is_superlocked(), is_8());
    qnxsim_allow(AID_IO, false);
    assert_int_equal(wrt_port_lock_all(), is_8() ? WRT_OK : WRT_ERR_DENIED);
    if (!is_8())
        assert_string_equal(capability("superlock").why, "ThreadCtl refused: PROCMGR_AID_IO");
    qnxsim_allow(AID_IO, true);
    assert_int_equal(wrt_port_lock_all(), WRT_OK);
    assert_true(qnxsim_is_superlocked());
    assert_true(capability("superlock").is_active);
}

/* ---- typed memory ---- */

static void pools_are_found_by_name_and_run_out(void **state)
{
    struct wrt_port_request request = {.bytes = 32 * page(), .pool = "/ram/tenants"};
    uint8_t *start;
    void *out;
    (void)state;
    assert_int_equal(wrt_port_reserve(&request, &out), WRT_ERR_UNSUPPORTED);
    assert_string_equal(capability("typed-memory").why, "no typed memory of that name");
    qnxsim_add_pool("/ram/tenants", 16 * page());
    uint64_t ram = qnxsim_ram_used();
    assert_int_equal(wrt_port_reserve(&request, (void **)&start), WRT_OK);
    assert_int_equal(qnxsim_pool_used("/ram/tenants"), 0);
    assert_int_equal(wrt_port_commit(start, 12 * page(), WRT_PORT_READ_WRITE), WRT_OK);
    memset(start, 1, 12 * page());
    assert_int_equal(qnxsim_pool_used("/ram/tenants"), 12 * page());
    assert_int_equal(qnxsim_ram_used(), ram);
    assert_int_equal(wrt_port_commit(start + 12 * page(), 5 * page(), WRT_PORT_READ_WRITE), WRT_ERR_NO_MEMORY);
    assert_int_equal(start[5], 1);
    assert_int_equal(wrt_port_decommit(start, 12 * page()), WRT_OK);
    assert_int_equal(qnxsim_pool_used("/ram/tenants"), 0);
    assert_int_equal(wrt_port_commit(start, page(), WRT_PORT_READ), WRT_OK);
    assert_int_equal(start[0], 0); /* cleared, whatever the pool kept */
    assert_int_equal(wrt_port_release(start, 32 * page()), WRT_OK);
    assert_int_equal(qnxsim_pool_used("/ram/tenants"), 0);
}

/* ---- processor budgets ---- */

static void budgets_come_out_of_their_parents(void **state)
{
    struct wrt_port_budget_config config = {.name = "tenants", .percent = 40, .critical_ms = 5};
    struct wrt_port_budget outer, inner, found;
    struct wrt_port_budget_info info;
    (void)state;
    if (is_8()) {
        assert_int_equal(wrt_port_budget_create(NULL, &config, &outer), WRT_ERR_UNSUPPORTED);
        assert_false(capability("processor-partitions").is_available);
        return;
    }
    assert_int_equal(wrt_port_budget_create(NULL, &config, &outer), WRT_OK);
    assert_int_equal(wrt_port_budget_create(NULL, &config, &inner), WRT_ERR_EXISTS);
    config = (struct wrt_port_budget_config){.name = "inner", .percent = 41};
    assert_int_equal(wrt_port_budget_create(&outer, &config, &inner), WRT_ERR_LIMIT);
    config.percent = 15;
    config.most_percent = 30;
    assert_int_equal(wrt_port_budget_create(&outer, &config, &inner), WRT_OK);
    assert_int_equal(wrt_port_budget_query(&outer, &info), WRT_OK);
    assert_int_equal(info.percent, 25);
    assert_int_equal(info.critical_ms, 5);
    assert_string_equal(info.name, "tenants");
    config.percent = 20;
    assert_int_equal(wrt_port_budget_modify(&inner, &config), WRT_OK);
    assert_int_equal(wrt_port_budget_query(&inner, &info), WRT_OK);
    assert_int_equal(info.percent, 20);
    assert_int_equal(info.most_percent, 30);
    assert_int_equal(wrt_port_budget_find("inner", &found), WRT_OK);
    assert_int_equal(found.id, inner.id);
    assert_int_equal(wrt_port_budget_find("nobody", &found), WRT_ERR_NOT_FOUND);
    assert_int_equal(wrt_port_budget_join(&inner), WRT_OK);
    assert_int_equal(qnxsim_my_partition(), inner.id);
    assert_true(capability("processor-partitions").is_active);
    qnxsim_allow(AID_APS_ROOT, false);
    config.name = "third";
    assert_int_equal(wrt_port_budget_create(NULL, &config, &found), WRT_ERR_DENIED);
    config.name = "0digit";
    assert_int_equal(wrt_port_budget_create(NULL, &config, &found), WRT_ERR_ARGUMENT);
    config.name = "a-name-that-is-too-long";
    assert_int_equal(wrt_port_budget_create(NULL, &config, &found), WRT_ERR_ARGUMENT);
}

static void sporadic_budgets_are_the_substitute(void **state)
{
    (void)state;
    assert_int_equal(wrt_port_thread_set_sporadic(10, 10, MS, 10 * MS), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_port_thread_set_sporadic(20, 5, 11 * MS, 10 * MS), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_port_thread_set_sporadic(20, 5, 2 * MS, 10 * MS), WRT_OK);
    assert_int_equal(qnxsim_my_priority(), 20);
    qnxsim_allow(AID_PRIORITY, false);
    assert_int_equal(wrt_port_thread_set_sporadic(64, 5, MS, 10 * MS), WRT_ERR_DENIED);
    assert_int_equal(wrt_port_thread_set_priority(63), WRT_OK);
    assert_int_equal(wrt_port_thread_set_priority(64), WRT_ERR_DENIED);
    assert_non_null(strstr(capability("realtime-priority").name, "priority"));
    assert_int_equal(wrt_port_thread_set_priority(251), WRT_ERR_ARGUMENT); /* the kernel's own */
    assert_int_equal(wrt_port_thread_set_priority(10), WRT_OK);
}

static void a_run_mask_names_real_processors(void **state)
{
    (void)state;
    assert_int_equal(wrt_port_thread_set_affinity(1), WRT_OK);
    assert_int_equal(wrt_port_thread_set_affinity(1 << 9), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_port_thread_set_affinity(UINT64_C(1) << 40), WRT_ERR_UNSUPPORTED);
    assert_int_equal(wrt_port_thread_set_affinity(3), WRT_OK);
}

/* ---- confinement ---- */

static void an_unprivileged_worker_confines_itself(void **state)
{
    struct wrt_port_confinement confinement = {.limits = {.memory_bytes = 1 << 20, .threads = 4}};
    struct wrt_port_confined done;
    (void)state;
    qnxsim_set_user(1000);
    assert_int_equal(wrt_port_confine_self(&confinement, &done), WRT_OK);
    assert_true(done.limits_set && done.rights_dropped && !done.type_changed);
    assert_int_equal(capability("security-policy").is_available, false);
    assert_true(capability("dropped-abilities").is_active);
    const char *arguments[] = {"true", NULL};
    struct wrt_port_spawn spawn = {.program = "/bin/true", .arguments = arguments};
    struct wrt_port_process process;
    assert_int_equal(wrt_port_process_spawn(&spawn, &process), WRT_ERR_DENIED);
}

static void a_transition_that_is_refused_is_an_error(void **state)
{
    struct wrt_port_confinement confinement = {.security_type = "no_such_t"};
    struct wrt_port_confined done;
    (void)state;
    qnxsim_set_policy("system_t");
    assert_int_equal(wrt_port_confine_self(&confinement, &done), WRT_ERR_DENIED);
    assert_false(done.type_changed);
    assert_true(done.rights_dropped);
}

/* ---- processes ---- */

static const char *const plain_environment[] = {"PATH=/bin:/usr/bin", NULL};

static void run_child(const char *script, const struct wrt_port_process_limits *limits,
                      enum wrt_status expected, struct wrt_port_process *out)
{
    const char *arguments[] = {"sh", "-c", script, NULL};
    struct wrt_port_spawn spawn = {.program = "/bin/sh", .arguments = arguments,
                                   .environment = plain_environment};
    if (limits != NULL)
        spawn.limits = *limits;
    assert_int_equal(wrt_port_process_spawn(&spawn, out), expected);
}

static void a_child_ends_by_itself_or_by_a_signal(void **state)
{
    struct wrt_port_process process;
    struct wrt_port_exit exit;
    (void)state;
    run_child("exit 7", NULL, WRT_OK, &process);
    assert_int_equal(wrt_port_process_reap(&process, UINT64_MAX, &exit), WRT_OK);
    assert_false(exit.by_signal);
    assert_int_equal(exit.code, 7);
    assert_int_equal(wrt_port_process_reap(&process, 0, &exit), WRT_ERR_STATE);
    run_child("exec sleep 20", NULL, WRT_OK, &process);
    assert_int_equal(wrt_port_process_reap(&process, 1, &exit), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_port_process_signal(&process, WRT_PORT_SIGNAL_STOP), WRT_OK);
    assert_int_equal(wrt_port_process_signal(&process, WRT_PORT_SIGNAL_CONTINUE), WRT_OK);
    assert_int_equal(wrt_port_process_signal(&process, WRT_PORT_SIGNAL_KILL), WRT_OK);
    assert_int_equal(wrt_port_process_reap(&process, UINT64_MAX, &exit), WRT_OK);
    assert_true(exit.by_signal);
    assert_int_equal(exit.code, 9);
}

static void a_child_gets_the_descriptors_it_was_given(void **state)
{
    int files[2];
    const char *arguments[] = {"sh", "-c", "echo here >&3", NULL};
    struct wrt_port_spawn spawn = {.program = "/bin/sh", .arguments = arguments,
                                   .environment = plain_environment, .descriptor_count = 1};
    struct wrt_port_process process;
    struct wrt_port_exit exit;
    char text[16] = "";
    (void)state;
    assert_int_equal(pipe(files), 0);
    spawn.descriptors = &files[1];
    assert_int_equal(wrt_port_process_spawn(&spawn, &process), WRT_OK);
    assert_int_equal(wrt_port_process_reap(&process, UINT64_MAX, &exit), WRT_OK);
    close(files[1]);
    assert_int_equal(read(files[0], text, sizeof text), 5);
    assert_memory_equal(text, "here\n", 5);
    close(files[0]);
    spawn.program = "/bin/there-is-no-such-program";
    spawn.descriptor_count = 0;
    assert_int_equal(wrt_port_process_spawn(&spawn, &process), WRT_ERR_NOT_FOUND);
}

static void limits_of_a_child_need_8_0(void **state)
{
    struct wrt_port_process_limits limits = {.memory_bytes = 1 << 20, .require = true};
    struct wrt_port_process process;
    struct wrt_port_exit exit;
    (void)state;
    if (!is_8()) {
        run_child("exit 0", &limits, WRT_ERR_UNSUPPORTED, &process);
        assert_int_equal(qnxsim_calls(QNXSIM_spawn), 0); /* nothing was started */
        limits.require = false;
        run_child("exit 0", &limits, WRT_OK, &process);
        assert_int_equal(wrt_port_process_reap(&process, UINT64_MAX, &exit), WRT_OK);
        return;
    }
    run_child("exit 0", &limits, WRT_OK, &process);
    assert_int_equal(wrt_port_process_reap(&process, UINT64_MAX, &exit), WRT_OK);
    qnxsim_allow(AID_RLIMIT_PEER, false);
    run_child("exec sleep 20", &limits, WRT_ERR_DENIED, &process); /* killed and reaped */
    qnxsim_allow(AID_RLIMIT_PEER, true);
    limits.cpu_permille = 100;
    run_child("exit 0", &limits, WRT_ERR_UNSUPPORTED, &process); /* no cap on 8.0 */
}

static void budget_of(const char *name, uint32_t percent)
{
    struct wrt_port_budget found;
    struct wrt_port_budget_info info;
    assert_int_equal(wrt_port_budget_find(name, &found), WRT_OK);
    assert_int_equal(wrt_port_budget_query(&found, &info), WRT_OK);
    assert_int_equal(info.percent, percent);
    assert_int_equal(info.most_percent, percent);
}

static void end_child(struct wrt_port_process *process)
{
    struct wrt_port_exit exit;
    assert_int_equal(wrt_port_process_signal(process, WRT_PORT_SIGNAL_KILL), WRT_OK);
    assert_int_equal(wrt_port_process_reap(process, UINT64_MAX, &exit), WRT_OK);
}

/* Up to 7.1: a partition of the child's own, given back and used again. */
static void a_child_gets_its_share_of_the_processors(void **state)
{
    struct wrt_port_process_limits limits = {.cpu_permille = 500, .require = true};
    struct wrt_port_process one, two, third;
    (void)state;
    if (is_8())
        return;
    qnxsim_set_cpus(2);
    run_child("exec sleep 20", &limits, WRT_OK, &one);
    budget_of("wrt-share-0", 25); /* half of one of two processors */
    assert_true(one.confined & WRT_PORT_CONFINE_CPU);
    assert_int_not_equal(qnxsim_partition_of((int)one.id), 0);
    assert_true(capability("processor-partitions").is_active);
    limits.cpu_permille = 101; /* rounded up to whole percents of the machine */
    run_child("exec sleep 20", &limits, WRT_OK, &two);
    budget_of("wrt-share-1", 6);
    assert_int_not_equal(qnxsim_partition_of((int)two.id), qnxsim_partition_of((int)one.id));
    limits.cpu_permille = 700;
    assert_int_equal(wrt_port_process_limit(&one, &limits), WRT_OK); /* while it runs */
    budget_of("wrt-share-0", 35);
    limits.cpu_permille = 1300; /* 65 %, and 59 are left */
    run_child("exit 0", &limits, WRT_ERR_LIMIT, &third);
    end_child(&one);
    budget_of("wrt-share-0", 0); /* given back */
    run_child("exec sleep 20", &limits, WRT_OK, &third);
    budget_of("wrt-share-0", 65); /* and used again */
    end_child(&two);
    end_child(&third);
    qnxsim_allow(AID_APS_ROOT, false);
    run_child("exec sleep 20", &limits, WRT_ERR_DENIED, &third);
    qnxsim_set_aps(false);
    run_child("exec sleep 20", &limits, WRT_ERR_UNSUPPORTED, &third);
    limits.require = false;
    run_child("exec sleep 20", &limits, WRT_OK, &third); /* without, and the report says so */
    assert_false(third.confined & WRT_PORT_CONFINE_CPU);
    assert_false(capability("processor-partitions").is_available);
    end_child(&third);
}

/* From 8.0 on: sporadic scheduling, divided by the threads that the child may have. */
static void sporadic_scheduling_stands_in_for_a_share(void **state)
{
    struct wrt_port_process_limits limits = {.cpu_permille = 300};
    struct wrt_port_process process;
    (void)state;
    if (!is_8())
        return;
    run_child("exec sleep 20", &limits, WRT_OK, &process);
    assert_int_equal(qnxsim_policy_of_child(), SPORADIC);
    assert_false(process.confined & WRT_PORT_CONFINE_CPU); /* it is no cap */
    assert_int_equal(qnxsim_budget_of_child(), 30 * MS); /* of every 100 ms */
    end_child(&process);
    limits.threads = 3;
    run_child("exec sleep 20", &limits, WRT_OK, &process);
    assert_int_equal(qnxsim_budget_of_child(), 10 * MS);
    end_child(&process);
    run_child("exec sleep 20", NULL, WRT_OK, &process);
    assert_int_equal(qnxsim_policy_of_child(), 0);
    end_child(&process);
}

static void clusters_are_found_by_name(void **state)
{
    (void)state;
    if (!is_8()) {
        assert_int_equal(wrt_port_thread_set_cluster("tenants"), WRT_ERR_UNSUPPORTED);
        assert_string_equal(capability("processor-clusters").why, "clusters came with 8.0");
        return;
    }
    assert_int_equal(wrt_port_thread_set_cluster("tenants"), WRT_ERR_ARGUMENT);
    qnxsim_add_cluster("tenants", 2);
    assert_int_equal(wrt_port_thread_set_cluster("tenants"), WRT_OK);
    assert_int_equal(qnxsim_my_runmask(), 2);
    assert_true(capability("processor-clusters").is_active);
    assert_int_equal(wrt_port_thread_set_affinity(3), WRT_OK);
}

/* ---- what the simulated scheduler does with budgets ---- */

static void burn_ms(uint64_t ms)
{
    uint64_t start = 0, now = 0;
    assert_int_equal(wrt_port_time_now(&start), WRT_OK);
    do {
        (void)!wrt_port_thread_get_priority(&(int){0}); /* a kernel call: there it is charged */
        assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    } while (now - start < ms * MS);
}

static void *burn_in(void *context)
{
    struct wrt_port_budget *budget = context;
    if (wrt_port_budget_join(budget) == WRT_OK)
        burn_ms(400);
    return NULL;
}

static void caps_hold_and_use_is_charged(void **state)
{
    struct wrt_port_budget_config config = {.name = "capped", .percent = 5, .most_percent = 5};
    struct wrt_port_budget capped, open;
    pthread_t thread;
    (void)state;
    if (is_8())
        return;
    qnxsim_set_cpus(1);
    assert_int_equal(wrt_port_budget_create(NULL, &config, &capped), WRT_OK);
    config = (struct wrt_port_budget_config){.name = "open", .percent = 5};
    assert_int_equal(wrt_port_budget_create(NULL, &config, &open), WRT_OK);
    assert_int_equal(pthread_create(&thread, NULL, burn_in, &capped), 0);
    pthread_join(thread, NULL);
    uint64_t used = qnxsim_partition_ns(capped.id);
    /* 5 % of 400 ms, and what one call more may take; a machine that is busy gives less. */
    assert_in_range(used, 1 * MS, 60 * MS);
    assert_int_equal(pthread_create(&thread, NULL, burn_in, &open), 0);
    pthread_join(thread, NULL);
    /* Without a cap, free time is anybody's. */
    assert_true(qnxsim_partition_ns(open.id) > used);
}

static void *spend_a_budget(void *context)
{
    int *priorities = context;
    if (wrt_port_thread_set_sporadic(20, 5, 10 * MS, 100 * MS) != WRT_OK)
        return NULL;
    priorities[0] = qnxsim_my_priority();
    for (int i = 0; i < 2000 && qnxsim_my_priority() == 20; i++)
        burn_ms(1);
    priorities[1] = qnxsim_my_priority();
    for (int i = 0; i < 200 && qnxsim_my_priority() == 5; i++) {
        usleep(1000);
        (void)!wrt_port_thread_get_priority(&(int){0});
    }
    priorities[2] = qnxsim_my_priority();
    return NULL;
}

static void a_sporadic_budget_is_spent_and_replenished(void **state)
{
    int priorities[3] = {0, 0, 0};
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, spend_a_budget, priorities), 0);
    pthread_join(thread, NULL);
    assert_int_equal(priorities[0], 20);
    assert_int_equal(priorities[1], 5);
    assert_int_equal(priorities[2], 20);
}

/* ---- memory pressure ---- */

static void *use_memory(void *context)
{
    struct wrt_port_request request = {.bytes = 48 << 20, .rights = WRT_PORT_READ_WRITE};
    usleep(30000);
    if (wrt_port_reserve(&request, context) != WRT_OK)
        *(void **)context = NULL;
    return NULL;
}

static void memory_pressure_is_heard_of(void **state)
{
    uint64_t now = 0;
    pthread_t user;
    void *used;
    (void)state;
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    if (!is_8()) {
        assert_int_equal(wrt_port_memory_watch(1 << 20, now), WRT_ERR_UNSUPPORTED);
        return;
    }
    qnxsim_set_ram(qnxsim_ram_used() + (64 << 20));
    assert_int_equal(wrt_port_memory_watch(32 << 20, now + 10 * MS), WRT_ERR_TIMEOUT);
    assert_int_equal(pthread_create(&user, NULL, use_memory, &used), 0);
    assert_int_equal(wrt_port_memory_watch(32 << 20, now + 20000ull * MS), WRT_OK);
    pthread_join(user, NULL);
    assert_int_equal(wrt_port_release(used, 48 << 20), WRT_OK);
    assert_int_equal(qnxsim_channels(), 0);
}

/* ---- the report ---- */

static void every_capability_has_a_reason(void **state)
{
    struct wrt_port_capability found;
    uint32_t count = 0;
    (void)state;
    for (; wrt_port_capability(count, &found) == WRT_OK; count++) {
        assert_true(strlen(found.name) > 3);
        if (!(found.is_requested && found.is_available && found.is_active))
            assert_true(strlen(found.why) > 3);
    }
    assert_int_equal(count, 23);
    assert_int_equal(wrt_port_capability(count, &found), WRT_ERR_BOUNDS);
    assert_int_equal(capability("signal-stack").is_available, is_8());
    assert_int_equal(capability("pulse-pools").is_available, is_8());
    assert_int_equal(capability("processor-partitions").is_available, !is_8());
    qnxsim_set_aps(false);
    assert_false(capability("processor-partitions").is_available);
    qnxsim_set_policy("run");
    assert_true(capability("security-policy").is_available);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)
    const struct CMUnitTest tests[] = {
        TEST(ram_runs_out_while_reserving),
        TEST(the_address_space_is_bounded),
        TEST(ram_runs_out_while_committing),
        TEST(objects_take_ram_once),
        TEST(locking_needs_its_ability),
        TEST(superlock_needs_its_ability_up_to_7_1),
        TEST(pools_are_found_by_name_and_run_out),
        TEST(budgets_come_out_of_their_parents),
        TEST(sporadic_budgets_are_the_substitute),
        TEST(a_run_mask_names_real_processors),
        TEST(an_unprivileged_worker_confines_itself),
        TEST(a_transition_that_is_refused_is_an_error),
        TEST(a_child_ends_by_itself_or_by_a_signal),
        TEST(a_child_gets_the_descriptors_it_was_given),
        TEST(limits_of_a_child_need_8_0),
        TEST(a_child_gets_its_share_of_the_processors),
        TEST(sporadic_scheduling_stands_in_for_a_share),
        TEST(clusters_are_found_by_name),
        TEST(caps_hold_and_use_is_charged),
        TEST(a_sporadic_budget_is_spent_and_replenished),
        TEST(memory_pressure_is_heard_of),
        TEST(every_capability_has_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
