/* tests/unit/sync_lock.c - mutex, rwlock, condition, event, semaphore, barrier, once.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port.h"
#include "wrt/lock.h"

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#elif __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

/* These tests misuse mutexes on purpose; the thread sanitizer is to look at memory only. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) { return "report_mutex_bugs=0:detect_deadlocks=0"; }

static bool is_linux(void) { return strcmp(wrt_port_name(), "linux") == 0; }

/* Ends the test as skipped elsewhere, with the reason. */
static void need_linux(const char *what)
{
    if (is_linux())
        return;
    print_message("%s: only where the port is linux, here it is %s\n", what, wrt_port_name());
    skip();
}

/* Real-time threads that end wait in a sanitizer's runtime by yielding, for ever if the one that
 * they wait for has a lower priority and no processor. */
static void need_no_sanitizer(void)
{
    if (!UNDER_TSAN && !UNDER_ASAN)
        return;
    print_message("a sanitizer's own locks spin: a real-time thread can starve their holder\n");
    skip();
}

static uint64_t now_ns(void)
{
    uint64_t now = 0;
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    return now;
}

static uint64_t in_ms(uint64_t ms) { return now_ns() + ms * 1000000; }

static void start(pthread_t *thread, void *(*body)(void *), void *context)
{
    assert_int_equal(pthread_create(thread, NULL, body, context), 0);
}

static void join(pthread_t thread) { assert_int_equal(pthread_join(thread, NULL), 0); }

/* ---- mutex ---- */

static struct wrt_mutex mutex;
static uint32_t is_held, may_go;

static void until(const uint32_t *flag)
{
    while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
        usleep(200);
}

static void raise_flag(uint32_t *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELEASE); }

static void *hold_until_told(void *context)
{
    struct wrt_mutex *held = context;
    if (wrt_mutex_lock(held) == WRT_OK) {
        raise_flag(&is_held);
        until(&may_go);
        (void)wrt_mutex_unlock(held);
    }
    return NULL;
}

static void check_errors_of(const struct wrt_mutex_config *config)
{
    is_held = may_go = 0;
    enum wrt_status status = wrt_mutex_init(&mutex, config);
    if (status == WRT_ERR_UNSUPPORTED && config != NULL && config->is_shared && !is_linux())
        return; /* told, not pretended */
    assert_int_equal(status, WRT_OK);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_ERR_DENIED);
    assert_int_equal(wrt_mutex_lock(&mutex), WRT_OK);
    assert_int_equal(wrt_mutex_lock(&mutex), WRT_ERR_DEADLOCK);
    assert_int_equal(wrt_mutex_deinit(&mutex), WRT_ERR_BUSY);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_OK);
    assert_int_equal(wrt_mutex_repair(&mutex), WRT_ERR_STATE);
    pthread_t thread;
    start(&thread, hold_until_told, &mutex);
    until(&is_held);
    assert_int_equal(wrt_mutex_try_lock(&mutex), WRT_ERR_BUSY);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_ERR_DENIED);
    assert_int_equal(wrt_mutex_lock_until(&mutex, 0), WRT_ERR_TIMEOUT);
    uint64_t deadline = in_ms(20);
    assert_int_equal(wrt_mutex_lock_until(&mutex, deadline), WRT_ERR_TIMEOUT);
    assert_true(now_ns() >= deadline);
    assert_int_equal(wrt_mutex_deinit(&mutex), WRT_ERR_BUSY);
    raise_flag(&may_go);
    assert_int_equal(wrt_mutex_lock_until(&mutex, in_ms(20000)), WRT_OK);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_OK);
    join(thread);
    assert_int_equal(wrt_mutex_deinit(&mutex), WRT_OK);
}

static void mutex_checks_its_callers(void **state)
{
    (void)state;
    check_errors_of(NULL);
    check_errors_of(&(struct wrt_mutex_config){ .is_robust = true });
    check_errors_of(&(struct wrt_mutex_config){ .is_shared = true });
    check_errors_of(&(struct wrt_mutex_config){ .is_shared = true, .is_robust = true });
    assert_int_equal(wrt_mutex_init(&mutex, &(struct wrt_mutex_config){ .ceiling = -1 }),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_mutex_init(&mutex, &(struct wrt_mutex_config){ .ceiling = 10000 }),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_mutex_init(NULL, NULL), WRT_ERR_ARGUMENT);
}

static void *die_holding(void *context)
{
    (void)!wrt_mutex_lock(context);
    return NULL;
}

static void robust_mutex_tells_of_a_dead_owner(void **state)
{
    (void)state;
    struct wrt_mutex_config config = { .is_robust = true };
    assert_int_equal(wrt_mutex_init(&mutex, &config), WRT_OK);
    pthread_t thread;
    start(&thread, die_holding, &mutex);
    join(thread);
    assert_int_equal(wrt_mutex_lock(&mutex), WRT_OWNER_DIED);
    assert_int_equal(wrt_mutex_repair(&mutex), WRT_OK);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_OK);
    assert_int_equal(wrt_mutex_lock(&mutex), WRT_OK);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_OK);
    start(&thread, die_holding, &mutex);
    join(thread);
    assert_int_equal(wrt_mutex_lock_until(&mutex, in_ms(1000)), WRT_OWNER_DIED);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_OK); /* without repair */
    assert_int_equal(wrt_mutex_lock(&mutex), WRT_ERR_CORRUPT);
    assert_int_equal(wrt_mutex_deinit(&mutex), WRT_OK);
}

static void shared_mutex_tells_of_a_dead_process(void **state)
{
    (void)state;
    need_linux("forks");
    struct wrt_mutex *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    struct wrt_mutex_config config = { .is_robust = true, .is_shared = true };
    assert_int_equal(wrt_mutex_init(shared, &config), WRT_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(wrt_mutex_lock(shared) == WRT_OK ? 0 : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(wrt_mutex_lock(shared), WRT_OWNER_DIED);
    assert_int_equal(wrt_mutex_repair(shared), WRT_OK);
    assert_int_equal(wrt_mutex_unlock(shared), WRT_OK);
    assert_int_equal(wrt_mutex_deinit(shared), WRT_OK);
    munmap(shared, sizeof *shared);
}

/* ---- priorities ---- */

/* The priority the scheduler uses now, inherited ones included: 0 ordinary, else real-time. */
static int effective_priority(uint32_t id)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof path, "/proc/self/task/%u/stat", id);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    const char *field = strrchr(text, ')') + 1;
    int priority = 0;
    sscanf(field, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %d", &priority);
    return priority < 0 ? -1 - priority : 0;
}

struct link { /* holds `mine`, then wants `next` */
    pthread_t thread;
    struct wrt_mutex mine;
    struct wrt_mutex *next;
    int priority;
    uint32_t id;
    uint32_t is_ready;
    bool is_denied;
};

static void *hold_and_want(void *context)
{
    struct link *link = context;
    link->id = wrt_port_thread_id();
    link->is_denied = wrt_port_thread_set_priority(link->priority) != WRT_OK;
    (void)!wrt_mutex_lock(&link->mine);
    raise_flag(&link->is_ready);
    if (link->next) {
        (void)!wrt_mutex_lock(link->next);
        (void)wrt_mutex_unlock(link->next);
    } else {
        until(&may_go);
    }
    (void)wrt_mutex_unlock(&link->mine);
    return NULL;
}

static bool comes_to(uint32_t id, int priority)
{
    for (int i = 0; i < 40000; i++) { /* 20 s: others may hold the processors */
        if (effective_priority(id) == priority)
            return true;
        usleep(500);
    }
    return false;
}

static void inheritance_goes_three_deep(void **state)
{
    (void)state;
    need_linux("reads priorities from /proc");
    need_no_sanitizer();
    static struct link links[4];
    memset(links, 0, sizeof links);
    may_go = 0;
    bool is_denied = false;
    for (int i = 0; i < 4; i++)
        assert_int_equal(wrt_mutex_init(&links[i].mine, NULL), WRT_OK);
    for (int i = 0; i < 4; i++) {
        links[i].next = i == 0 ? NULL : &links[i - 1].mine;
        links[i].priority = 2 + 2 * i;
        start(&links[i].thread, hold_and_want, &links[i]);
        until(&links[i].is_ready);
        is_denied = is_denied || links[i].is_denied;
        /* Each new waiter lifts the whole chain below it. */
        for (int below = 0; below <= i && !is_denied; below++)
            assert_true(comes_to(links[below].id, links[i].priority));
    }
    raise_flag(&may_go);
    for (int i = 0; i < 4; i++)
        join(links[i].thread);
    for (int i = 0; i < 4; i++) /* each is also held by the next thread for a moment */
        assert_int_equal(wrt_mutex_deinit(&links[i].mine), WRT_OK);
    if (is_denied) {
        print_message("real-time priorities are not permitted here\n");
        skip();
    }
}

static void *lock_at_ceiling(void *context)
{
    int *out = context;
    if (wrt_port_thread_set_priority(5) != WRT_OK)
        return NULL;
    out[0] = (int)wrt_mutex_lock(&mutex);
    out[1] = effective_priority(wrt_port_thread_id());
    out[2] = (int)wrt_mutex_unlock(&mutex);
    out[3] = effective_priority(wrt_port_thread_id());
    (void)!wrt_port_thread_set_priority(30);
    /* The thread sanitizer takes the system's refusal for a mutex that is not initialised. */
    out[4] = UNDER_TSAN ? (int)WRT_ERR_DENIED : (int)wrt_mutex_lock(&mutex);
    return NULL;
}

static void ceiling_lifts_the_holder_and_keeps_out_who_is_above(void **state)
{
    (void)state;
    need_linux("reads priorities from /proc");
    need_no_sanitizer();
    int seen[5] = { -99, -99, -99, -99, -99 };
    assert_int_equal(wrt_mutex_init(&mutex, &(struct wrt_mutex_config){ .ceiling = 20 }), WRT_OK);
    pthread_t thread;
    start(&thread, lock_at_ceiling, seen);
    join(thread);
    assert_int_equal(wrt_mutex_deinit(&mutex), WRT_OK);
    if (seen[0] == -99) {
        print_message("real-time priorities are not permitted here\n");
        skip();
    }
    assert_int_equal(seen[0], WRT_OK);
    assert_int_equal(seen[1], 20);
    assert_int_equal(seen[2], WRT_OK);
    assert_int_equal(seen[3], 5);
    assert_int_equal(seen[4], WRT_ERR_DENIED);
}

/* Low holds the lock, middle keeps the only processor busy, high wants the lock. Without
 * inheritance high waits until middle is done; with it until low is done with the lock. */

enum { WORK_MS = 4, BUSY_MS = 120 };

struct inversion {
    struct wrt_mutex inheriting;
    pthread_mutex_t plain;
    bool inherits, is_denied;
    uint32_t low_holds, middle_runs, high_wants;
    uint64_t waited_ns;
};

static void burn_ms(uint64_t ms)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    uint64_t end = (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec + ms * 1000000;
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    while ((uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec < end);
}

static void take(struct inversion *test)
{
    if (test->inherits)
        (void)!wrt_mutex_lock(&test->inheriting);
    else
        pthread_mutex_lock(&test->plain);
}

static void give(struct inversion *test)
{
    if (test->inherits)
        (void)wrt_mutex_unlock(&test->inheriting);
    else
        pthread_mutex_unlock(&test->plain);
}

static void *low(void *context)
{
    struct inversion *test = context;
    test->is_denied = wrt_port_thread_set_affinity(1) != WRT_OK ||
                      wrt_port_thread_set_priority(1) != WRT_OK;
    take(test);
    raise_flag(&test->low_holds);
    until(&test->high_wants); /* sleeping: middle is what keeps it from going on */
    burn_ms(WORK_MS);
    give(test);
    return NULL;
}

static void *middle(void *context)
{
    struct inversion *test = context;
    (void)!wrt_port_thread_set_affinity(1);
    (void)!wrt_port_thread_set_priority(5);
    raise_flag(&test->middle_runs);
    for (int ms = 0; ms < 5000 && !__atomic_load_n(&test->high_wants, __ATOMIC_ACQUIRE); ms++)
        burn_ms(1);
    burn_ms(BUSY_MS);
    return NULL;
}

static void *high(void *context)
{
    struct inversion *test = context;
    (void)!wrt_port_thread_set_priority(9);
    (void)!wrt_port_thread_set_affinity(1);
    uint64_t before = now_ns();
    raise_flag(&test->high_wants);
    take(test);
    test->waited_ns = now_ns() - before;
    give(test);
    return NULL;
}

static void run_inversion(struct inversion *test, bool inherits)
{
    pthread_t threads[3];
    test->inherits = inherits;
    test->low_holds = test->middle_runs = test->high_wants = 0;
    start(&threads[0], low, test);
    until(&test->low_holds);
    start(&threads[1], middle, test);
    until(&test->middle_runs);
    start(&threads[2], high, test);
    for (int i = 0; i < 3; i++)
        join(threads[i]);
}

static void inversion_is_bounded_by_inheritance(void **state)
{
    (void)state;
    need_linux("times what the scheduler does");
    need_no_sanitizer();
    static struct inversion test = { .plain = PTHREAD_MUTEX_INITIALIZER };
    assert_int_equal(wrt_mutex_init(&test.inheriting, NULL), WRT_OK);
    bool is_bounded = false;
    for (int tries = 0; tries < 5 && !is_bounded && !test.is_denied; tries++) {
        run_inversion(&test, false);
        uint64_t without = test.waited_ns;
        run_inversion(&test, true);
        uint64_t with = test.waited_ns;
        print_message("high waited %.1f ms without inheritance, %.1f ms with\n",
                      (double)without / 1e6, (double)with / 1e6);
        /* The first half is the fault that this test is to find. */
        is_bounded = without > (BUSY_MS / 2) * 1000000ull && with < without / 2;
    }
    assert_int_equal(wrt_mutex_deinit(&test.inheriting), WRT_OK);
    if (test.is_denied) {
        print_message("real-time priorities are not permitted here\n");
        skip();
    }
    assert_true(is_bounded); /* others on the same processor may spoil a try */
}

/* ---- recorded order ---- */

static struct wrt_lock_report reports[4];
static uint32_t report_count;

static void note_report(void *context, const struct wrt_lock_report *report)
{
    assert_ptr_equal(context, reports);
    if (report_count < 4)
        reports[report_count] = *report;
    report_count++;
}

static bool records_order(void)
{
    report_count = 0;
    if (wrt_lock_set_report(note_report, reports) == WRT_OK)
        return true;
    print_message("built with NDEBUG: no order is recorded\n");
    return false;
}

static void both(struct wrt_mutex *first, struct wrt_mutex *second)
{
    assert_int_equal(wrt_mutex_lock(first), WRT_OK);
    assert_int_equal(wrt_mutex_lock(second), WRT_OK);
    assert_int_equal(wrt_mutex_unlock(second), WRT_OK);
    assert_int_equal(wrt_mutex_unlock(first), WRT_OK);
}

static void inversion_is_reported_once_with_both_stacks(void **state)
{
    (void)state;
    if (!records_order())
        skip();
    struct wrt_mutex a, b, c;
    assert_int_equal(wrt_mutex_init(&a, NULL), WRT_OK);
    assert_int_equal(wrt_mutex_init(&b, NULL), WRT_OK);
    assert_int_equal(wrt_mutex_init(&c, NULL), WRT_OK);
    both(&a, &b);
    both(&b, &c);
    both(&a, &c);
    assert_int_equal(report_count, 0);
    both(&c, &a); /* against a -> b -> c and a -> c, without any thread having waited */
    assert_int_equal(report_count, 1);
    assert_int_equal(reports[0].fault, WRT_LOCK_INVERSION);
    assert_ptr_equal(reports[0].first, &c);
    assert_ptr_equal(reports[0].second, &a);
    if (is_linux()) { /* others do not walk stacks */
        assert_true(reports[0].depth_now > 2);
        assert_true(reports[0].depth_before > 2);
    }
    both(&c, &a);
    assert_int_equal(report_count, 1);
    assert_int_equal(wrt_mutex_deinit(&a), WRT_OK);
    assert_int_equal(wrt_mutex_deinit(&b), WRT_OK);
    assert_int_equal(wrt_mutex_deinit(&c), WRT_OK);
    assert_int_equal(wrt_lock_set_report(NULL, NULL), WRT_OK);
}

static struct wrt_mutex left, right;

static void *hold_right_want_left(void *context)
{
    (void)context;
    (void)!wrt_mutex_lock(&right);
    raise_flag(&is_held);
    enum wrt_status status = wrt_mutex_lock(&left);
    if (status == WRT_OK)
        (void)wrt_mutex_unlock(&left);
    (void)wrt_mutex_unlock(&right);
    return NULL;
}

static void a_circle_is_refused(void **state)
{
    (void)state;
    if (!records_order())
        skip();
    is_held = 0;
    assert_int_equal(wrt_mutex_init(&left, NULL), WRT_OK);
    assert_int_equal(wrt_mutex_init(&right, NULL), WRT_OK);
    assert_int_equal(wrt_mutex_lock(&left), WRT_OK);
    pthread_t thread;
    start(&thread, hold_right_want_left, NULL);
    until(&is_held);
    usleep(30000); /* it waits for left by now */
    assert_int_equal(wrt_mutex_lock(&right), WRT_ERR_DEADLOCK);
    assert_int_equal(report_count, 1);
    assert_int_equal(reports[0].fault, WRT_LOCK_CIRCLE);
    assert_true(!is_linux() || reports[0].depth_before > 0);
    assert_int_equal(wrt_mutex_unlock(&left), WRT_OK);
    join(thread);
    assert_int_equal(wrt_mutex_deinit(&left), WRT_OK);
    assert_int_equal(wrt_mutex_deinit(&right), WRT_OK);
    assert_int_equal(wrt_lock_set_report(NULL, NULL), WRT_OK);
}

/* ---- reader-writer lock ---- */

static struct wrt_rwlock rwlock;
static uint64_t guarded[2];
static uint32_t torn, is_over;
static uint32_t reads, writes;

static void *read_often(void *context)
{
    (void)context;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        if (wrt_rwlock_read(&rwlock, UINT64_MAX) != WRT_OK)
            continue;
        if (guarded[0] != guarded[1])
            __atomic_store_n(&torn, 1, __ATOMIC_RELAXED);
        (void)wrt_rwlock_end_read(&rwlock);
        (void)__atomic_fetch_add(&reads, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *write_often(void *context)
{
    (void)context;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE)) {
        if (wrt_rwlock_write(&rwlock, UINT64_MAX) != WRT_OK)
            continue;
        guarded[0]++;
        sched_yield();
        guarded[1]++;
        (void)wrt_rwlock_end_write(&rwlock);
        (void)__atomic_fetch_add(&writes, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void rwlock_keeps_writers_alone_and_starves_nobody(void **state)
{
    (void)state;
    pthread_t threads[5];
    torn = is_over = reads = writes = 0;
    assert_int_equal(wrt_rwlock_init(&rwlock), WRT_OK);
    for (int i = 0; i < 5; i++)
        start(&threads[i], i < 3 ? read_often : write_often, NULL);
    const uint64_t deadline = in_ms(20000); /* who is starved makes it pass */
    do {
        usleep(50000);
    } while ((__atomic_load_n(&reads, __ATOMIC_RELAXED) <= 20 ||
              __atomic_load_n(&writes, __ATOMIC_RELAXED) <= 20) && now_ns() < deadline);
    raise_flag(&is_over);
    for (int i = 0; i < 5; i++)
        join(threads[i]);
    assert_int_equal(torn, 0);
    assert_true(reads > 20 && writes > 20);
    assert_int_equal(wrt_rwlock_deinit(&rwlock), WRT_OK);
}

static void *want_to_write(void *context)
{
    enum wrt_status *out = context;
    *out = wrt_rwlock_write(&rwlock, in_ms(20000));
    if (*out == WRT_OK)
        (void)wrt_rwlock_end_write(&rwlock);
    return NULL;
}

static void rwlock_refuses_and_times_out(void **state)
{
    (void)state;
    enum wrt_status written = WRT_ERR_STATE;
    assert_int_equal(wrt_rwlock_init(&rwlock), WRT_OK);
    assert_int_equal(wrt_rwlock_end_read(&rwlock), WRT_ERR_STATE);
    assert_int_equal(wrt_rwlock_end_write(&rwlock), WRT_ERR_DENIED);
    assert_int_equal(wrt_rwlock_read(&rwlock, 0), WRT_OK);
    assert_int_equal(wrt_rwlock_read(&rwlock, 0), WRT_OK);
    assert_int_equal(wrt_rwlock_deinit(&rwlock), WRT_ERR_BUSY);
    assert_int_equal(wrt_rwlock_write(&rwlock, 0), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_rwlock_write(&rwlock, in_ms(10)), WRT_ERR_TIMEOUT);
    pthread_t thread;
    start(&thread, want_to_write, &written);
    /* Once the writer waits, new readers do too, so it cannot be starved. */
    while (wrt_rwlock_read(&rwlock, 0) == WRT_OK) {
        assert_int_equal(wrt_rwlock_end_read(&rwlock), WRT_OK);
        usleep(500);
    }
    assert_int_equal(wrt_rwlock_end_read(&rwlock), WRT_OK);
    assert_int_equal(wrt_rwlock_end_read(&rwlock), WRT_OK);
    join(thread);
    assert_int_equal(written, WRT_OK);
    assert_int_equal(wrt_rwlock_write(&rwlock, 0), WRT_OK);
    assert_int_equal(wrt_rwlock_write(&rwlock, 0), WRT_ERR_DEADLOCK);
    assert_int_equal(wrt_rwlock_end_write(&rwlock), WRT_OK);
    assert_int_equal(wrt_rwlock_deinit(&rwlock), WRT_OK);
}

/* ---- condition, event, semaphore, barrier, once ---- */

static struct wrt_condition condition;
static uint32_t turn;

static void *take_turns(void *context)
{
    uint32_t mine = (uint32_t)(uintptr_t)context;
    for (int i = 0; i < 200; i++) {
        (void)!wrt_mutex_lock(&mutex);
        while (turn % 3 != mine)
            (void)!wrt_condition_wait(&condition, &mutex, UINT64_MAX, NULL);
        turn++;
        (void)wrt_mutex_unlock(&mutex);
        (void)wrt_condition_broadcast(&condition);
    }
    return NULL;
}

static void condition_loses_no_signal(void **state)
{
    (void)state;
    pthread_t threads[3];
    turn = 0;
    assert_int_equal(wrt_mutex_init(&mutex, NULL), WRT_OK);
    assert_int_equal(wrt_condition_wait(&condition, &mutex, 0, NULL), WRT_ERR_DENIED);
    for (uintptr_t i = 0; i < 3; i++)
        start(&threads[i], take_turns, (void *)i);
    for (int i = 0; i < 3; i++)
        join(threads[i]);
    assert_int_equal(turn, 600);
    struct wrt_interrupt interrupt = { 0 };
    assert_int_equal(wrt_mutex_lock(&mutex), WRT_OK);
    assert_int_equal(wrt_condition_wait(&condition, &mutex, in_ms(5), NULL), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_interrupt_raise(NULL, &interrupt), WRT_OK);
    assert_int_equal(wrt_condition_wait(&condition, &mutex, UINT64_MAX, &interrupt),
                     WRT_ERR_INTERRUPTED);
    assert_int_equal(wrt_mutex_unlock(&mutex), WRT_OK); /* so it was held */
    assert_int_equal(wrt_mutex_deinit(&mutex), WRT_OK);
}

static struct wrt_event ping = { .is_automatic = true }, pong = { .is_automatic = true };

static void *answer(void *context)
{
    (void)context;
    for (int i = 0; i < 300; i++) {
        (void)!wrt_event_wait(&ping, UINT64_MAX, NULL);
        (void)wrt_event_set(&pong);
    }
    return NULL;
}

static void events_pass_one_or_all(void **state)
{
    (void)state;
    pthread_t thread;
    start(&thread, answer, NULL);
    for (int i = 0; i < 300; i++) {
        assert_int_equal(wrt_event_set(&ping), WRT_OK);
        assert_int_equal(wrt_event_wait(&pong, in_ms(20000), NULL), WRT_OK);
    }
    join(thread);
    assert_int_equal(wrt_event_wait(&pong, in_ms(5), NULL), WRT_ERR_TIMEOUT);
    struct wrt_event manual = { 0 };
    assert_int_equal(wrt_event_wait(&manual, 0, NULL), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_event_set(&manual), WRT_OK);
    assert_int_equal(wrt_event_wait(&manual, 0, NULL), WRT_OK);
    assert_int_equal(wrt_event_wait(&manual, 0, NULL), WRT_OK);
    wrt_event_clear(&manual);
    assert_int_equal(wrt_event_wait(&manual, 0, NULL), WRT_ERR_TIMEOUT);
}

static struct wrt_semaphore permits;
static uint32_t inside, most_inside;

static void *use_permit(void *context)
{
    (void)context;
    for (int i = 0; i < 100; i++) {
        (void)!wrt_semaphore_take(&permits, UINT64_MAX, NULL);
        uint32_t now = __atomic_add_fetch(&inside, 1, __ATOMIC_ACQ_REL);
        uint32_t most = __atomic_load_n(&most_inside, __ATOMIC_RELAXED);
        while (now > most &&
               !__atomic_compare_exchange_n(&most_inside, &most, now, true, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED)) {
        }
        sched_yield();
        (void)__atomic_sub_fetch(&inside, 1, __ATOMIC_ACQ_REL);
        (void)!wrt_semaphore_give(&permits);
    }
    return NULL;
}

static void semaphore_lets_in_as_many_as_it_counts(void **state)
{
    (void)state;
    pthread_t threads[5];
    inside = most_inside = 0;
    assert_int_equal(wrt_semaphore_init(&permits, 3, 2), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_semaphore_init(&permits, 0, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_semaphore_init(&permits, 2, 2), WRT_OK);
    assert_int_equal(wrt_semaphore_give(&permits), WRT_ERR_OVERFLOW);
    /* On a loaded machine each thread may be done before the next one begins. */
    for (int tries = 0; tries < 200 && most_inside < 2; tries++) {
        for (int i = 0; i < 5; i++)
            start(&threads[i], use_permit, NULL);
        for (int i = 0; i < 5; i++)
            join(threads[i]);
    }
    assert_int_equal(most_inside, 2);
    assert_int_equal(wrt_semaphore_take(&permits, 0, NULL), WRT_OK);
    assert_int_equal(wrt_semaphore_take(&permits, 0, NULL), WRT_OK);
    assert_int_equal(wrt_semaphore_take(&permits, in_ms(5), NULL), WRT_ERR_TIMEOUT);
}

static struct wrt_barrier barrier;
static uint32_t arrived[4], lasts, early;

static void *go_rounds(void *context)
{
    uint32_t me = (uint32_t)(uintptr_t)context;
    for (uint32_t round = 1; round <= 100; round++) {
        bool is_last = false;
        __atomic_store_n(&arrived[me], round, __ATOMIC_RELEASE);
        (void)!wrt_barrier_arrive(&barrier, UINT64_MAX, NULL, &is_last);
        (void)__atomic_fetch_add(&lasts, is_last, __ATOMIC_RELAXED);
        for (int i = 0; i < 4; i++)
            if (__atomic_load_n(&arrived[i], __ATOMIC_ACQUIRE) < round)
                __atomic_store_n(&early, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void barrier_opens_for_all_at_once(void **state)
{
    (void)state;
    pthread_t threads[4];
    lasts = early = 0;
    memset(arrived, 0, sizeof arrived);
    assert_int_equal(wrt_barrier_init(&barrier, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_barrier_init(&barrier, 65536), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_barrier_init(&barrier, 4), WRT_OK);
    barrier.state = 0xFFF0u << 16; /* the round number wraps on the way */
    assert_int_equal(wrt_barrier_arrive(&barrier, in_ms(5), NULL, NULL), WRT_ERR_TIMEOUT);
    for (uintptr_t i = 0; i < 4; i++)
        start(&threads[i], go_rounds, (void *)i);
    for (int i = 0; i < 4; i++)
        join(threads[i]);
    assert_int_equal(lasts, 100);
    assert_int_equal(early, 0);
}

static struct wrt_once once;
static uint32_t initialised;

static enum wrt_status initialise(void *context)
{
    uint32_t *failures = context;
    usleep(2000);
    if (*failures > 0) {
        (*failures)--;
        return WRT_ERR_IO;
    }
    initialised++;
    return WRT_OK;
}

static void *run_once(void *context)
{
    while (wrt_once_run(&once, initialise, context) != WRT_OK) {
    }
    return NULL;
}

static void once_runs_once_and_again_after_a_failure(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint32_t failures = 2;
    for (int i = 0; i < 4; i++)
        start(&threads[i], run_once, &failures);
    for (int i = 0; i < 4; i++)
        join(threads[i]);
    assert_int_equal(failures, 0);
    assert_int_equal(initialised, 1);
    assert_int_equal(wrt_once_run(&once, initialise, &failures), WRT_OK);
    assert_int_equal(initialised, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mutex_checks_its_callers),
        cmocka_unit_test(robust_mutex_tells_of_a_dead_owner),
        cmocka_unit_test(shared_mutex_tells_of_a_dead_process),
        cmocka_unit_test(inheritance_goes_three_deep),
        cmocka_unit_test(ceiling_lifts_the_holder_and_keeps_out_who_is_above),
        cmocka_unit_test(inversion_is_bounded_by_inheritance),
        cmocka_unit_test(inversion_is_reported_once_with_both_stacks),
        cmocka_unit_test(a_circle_is_refused),
        cmocka_unit_test(rwlock_keeps_writers_alone_and_starves_nobody),
        cmocka_unit_test(rwlock_refuses_and_times_out),
        cmocka_unit_test(condition_loses_no_signal),
        cmocka_unit_test(events_pass_one_or_all),
        cmocka_unit_test(semaphore_lets_in_as_many_as_it_counts),
        cmocka_unit_test(barrier_opens_for_all_at_once),
        cmocka_unit_test(once_runs_once_and_again_after_a_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
