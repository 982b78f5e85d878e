/* tests/unit/sync_futex.c - both futexes against their one contract, every outcome.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each test runs twice: on a host domain and on a portable one. */
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port.h"
#include "port_sync.h"
#include "sync/futex_room.h"

static struct wrt_futex_domain domain;

static void start_domain(void **state, struct wrt_futex_config config)
{
    config.kind = *(const enum wrt_futex_kind *)*state;
    assert_int_equal(wrt_futex_domain_init(&domain, &config), WRT_OK);
    assert_int_equal(wrt_futex_domain_kind(&domain), config.kind);
}

static void end_domain(void) { assert_int_equal(wrt_futex_domain_deinit(&domain), WRT_OK); }

static uint64_t in_ms(uint64_t ms)
{
    uint64_t now = 0;
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    return now + ms * 1000000;
}

/* ---- a thread that waits once ---- */

struct waiter {
    pthread_t thread;
    const void *address;
    uint64_t expected;
    bool is_64_bit;
    uint64_t deadline_ns;
    struct wrt_interrupt *interrupt;
    int priority;
    uint32_t id; /* written by the thread when it runs */
    enum wrt_status result;
    uint32_t is_done;
    bool *is_denied;
};

static uint32_t finish_order[16];
static uint32_t finished;

static void *run_waiter(void *context)
{
    struct waiter *waiter = context;
    if (waiter->priority > 0 && wrt_port_thread_set_priority(waiter->priority) != WRT_OK)
        *waiter->is_denied = true;
    __atomic_store_n(&waiter->id, wrt_port_thread_id(), __ATOMIC_RELEASE);
    waiter->result =
        waiter->is_64_bit
            ? wrt_futex_wait64(&domain, waiter->address, waiter->expected, waiter->deadline_ns,
                               waiter->interrupt)
            : wrt_futex_wait(&domain, waiter->address, (uint32_t)waiter->expected,
                             waiter->deadline_ns, waiter->interrupt);
    uint32_t place = __atomic_fetch_add(&finished, 1, __ATOMIC_ACQ_REL);
    finish_order[place % 16] = waiter->id;
    __atomic_store_n(&waiter->is_done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static char state_of(uint32_t id)
{
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "/proc/self/task/%u/stat", id);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    char *end = strrchr(text, ')');
    return end ? end[2] : 0;
}

/* Until it sleeps inside its wait: three looks, as taking a lock might sleep as well. */
static void until_asleep(struct waiter *waiter)
{
    int looks = 0;
    while (looks < 3) {
        uint32_t id = __atomic_load_n(&waiter->id, __ATOMIC_ACQUIRE);
        uint32_t waiting = wrt_futex_count_waiters(&domain, waiter->address);
        looks = id != 0 && waiting > 0 && state_of(id) == 'S' ? looks + 1 : 0;
        usleep(500);
    }
}

static void start_waiter(struct waiter *waiter)
{
    waiter->id = waiter->is_done = 0;
    if (waiter->deadline_ns == 0)
        waiter->deadline_ns = in_ms(60000);
    assert_int_equal(pthread_create(&waiter->thread, NULL, run_waiter, waiter), 0);
    until_asleep(waiter);
}

static enum wrt_status join_waiter(struct waiter *waiter)
{
    assert_int_equal(pthread_join(waiter->thread, NULL), 0);
    return waiter->result;
}

static uint32_t wake(const void *address, uint32_t count)
{
    uint32_t woken = 99;
    assert_int_equal(wrt_futex_wake(&domain, address, count, &woken), WRT_OK);
    return woken;
}

/* ---- the tests ---- */

static void outcomes_without_sleeping(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    uint32_t word = 5;
    uint64_t wide = 5;
    assert_int_equal(wrt_futex_wait(&domain, &word, 4, UINT64_MAX, NULL), WRT_NOT_EQUAL);
    assert_int_equal(wrt_futex_wait64(&domain, &wide, 4, UINT64_MAX, NULL), WRT_NOT_EQUAL);
    assert_int_equal(wrt_futex_wait(&domain, &word, 4, 0, NULL), WRT_NOT_EQUAL);
    assert_int_equal(wrt_futex_wait(&domain, &word, 5, 0, NULL), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_futex_wait64(&domain, &wide, 5, 0, NULL), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_futex_wait(&domain, &word, 5, 1, NULL), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_futex_wait64(&domain, &wide, 5, 1, NULL), WRT_ERR_TIMEOUT);
    assert_int_equal(wake(&word, UINT32_MAX), 0);
    assert_int_equal(wake(&word, 0), 0);
    end_domain();
}

static void bad_addresses(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    uint64_t words[2] = { 0 };
    const uint32_t *odd = (const uint32_t *)(const void *)((const uint8_t *)words + 2);
    const uint64_t *half = (const uint64_t *)(const void *)((const uint8_t *)words + 4);
    assert_int_equal(wrt_futex_wait(&domain, odd, 0, 0, NULL), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_futex_wait64(&domain, half, 0, 0, NULL), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_futex_wake(&domain, odd, 1, NULL), WRT_ERR_ALIGNMENT);
    void *hole = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(hole, MAP_FAILED);
    assert_int_equal(wrt_futex_wait(&domain, hole, 0, in_ms(1000), NULL), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_futex_wait64(&domain, hole, 0, in_ms(1000), NULL), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_futex_wait(&domain, NULL, 0, in_ms(1000), NULL), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_futex_requeue(&domain, hole, 0, 1, (uint32_t *)words, 1, NULL, NULL),
                     WRT_ERR_BOUNDS);
    assert_int_equal(wrt_futex_requeue(&domain, odd, 0, 1, (uint32_t *)words, 1, NULL, NULL),
                     WRT_ERR_ALIGNMENT);
    assert_int_equal(wake(hole, 1), 0); /* nobody can wait there */
    munmap(hole, 4096);
    struct wrt_futex_config config = { .kind = 7 };
    struct wrt_futex_domain *other = &domain;
    assert_int_equal(wrt_futex_domain_init(other, &config), WRT_ERR_ARGUMENT);
    config = (struct wrt_futex_config){ .max_waiters = WRT_FUTEX_MAX_WAITERS + 1 };
    assert_int_equal(wrt_futex_domain_init(other, &config), WRT_ERR_ARGUMENT);
    end_domain();
}

static void deadline_passes(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    uint32_t word = 0;
    uint64_t wide = 0, now = 0, deadline = in_ms(30);
    assert_int_equal(wrt_futex_wait(&domain, &word, 0, deadline, NULL), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    assert_true(now >= deadline);
    deadline = in_ms(30);
    struct wrt_interrupt interrupt = { 0 };
    assert_int_equal(wrt_futex_wait(&domain, &word, 0, deadline, &interrupt), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_futex_wait64(&domain, &wide, 0, deadline, &interrupt), WRT_ERR_TIMEOUT);
    assert_int_equal(wrt_port_time_now(&now), WRT_OK);
    assert_true(now >= deadline);
    assert_int_equal(wake(&word, 1), 0);
    end_domain();
}

static void wakes_exactly_as_many_as_it_says(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    static uint32_t word, other;
    struct waiter waiters[5];
    memset(waiters, 0, sizeof waiters);
    for (int i = 0; i < 5; i++) {
        waiters[i].address = &word;
        start_waiter(&waiters[i]);
    }
    assert_int_equal(wrt_futex_domain_deinit(&domain), WRT_ERR_BUSY);
    assert_int_equal(wake(&other, UINT32_MAX), 0);
    assert_int_equal(wake(&word, 0), 0);
    assert_int_equal(wake(&word, 2), 2);
    assert_int_equal(join_waiter(&waiters[0]), WRT_OK);
    assert_int_equal(join_waiter(&waiters[1]), WRT_OK);
    usleep(20000);
    for (int i = 2; i < 5; i++)
        assert_int_equal(__atomic_load_n(&waiters[i].is_done, __ATOMIC_ACQUIRE), 0);
    assert_int_equal(wake(&word, UINT32_MAX), 3);
    for (int i = 2; i < 5; i++)
        assert_int_equal(join_waiter(&waiters[i]), WRT_OK);
    assert_int_equal(wake(&word, UINT32_MAX), 0);
    end_domain();
}

/* More than one batch of the portable table. */
static void wakes_all_of_many(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    static uint32_t word;
    enum { MANY = 40 };
    struct waiter waiters[MANY];
    memset(waiters, 0, sizeof waiters);
    for (int i = 0; i < MANY; i++) {
        waiters[i].address = &word;
        start_waiter(&waiters[i]);
    }
    assert_int_equal(wake(&word, MANY - 3), MANY - 3);
    assert_int_equal(wake(&word, UINT32_MAX), 3);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(join_waiter(&waiters[i]), WRT_OK);
    end_domain();
}

static void first_come_first_woken(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    static uint32_t word;
    struct waiter waiters[4];
    memset(waiters, 0, sizeof waiters);
    for (int i = 0; i < 4; i++) {
        waiters[i].address = &word;
        start_waiter(&waiters[i]);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(wake(&word, 1), 1);
        assert_int_equal(join_waiter(&waiters[i]), WRT_OK);
    }
    end_domain();
}

static void highest_priority_is_woken_first(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    static uint32_t word;
    bool is_denied = false;
    struct waiter waiters[4];
    memset(waiters, 0, sizeof waiters);
    static const int priorities[4] = { 0, 3, 9, 5 };
    for (int i = 0; i < 4; i++) {
        waiters[i].address = &word;
        waiters[i].priority = priorities[i];
        waiters[i].is_denied = &is_denied;
        start_waiter(&waiters[i]);
    }
    static const int order[4] = { 2, 3, 1, 0 };
    for (int i = 0; i < 4; i++) {
        assert_int_equal(wake(&word, 1), 1);
        if (is_denied)
            continue;
        assert_int_equal(join_waiter(&waiters[order[i]]), WRT_OK);
    }
    if (is_denied) {
        for (int i = 0; i < 4; i++)
            (void)join_waiter(&waiters[i]);
        end_domain();
        print_message("real-time priorities are not permitted here\n");
        skip();
    }
    end_domain();
}

static void requeue_wakes_some_and_moves_some(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    static uint32_t from, to;
    struct waiter waiters[6];
    memset(waiters, 0, sizeof waiters);
    for (int i = 0; i < 6; i++) {
        waiters[i].address = &from;
        start_waiter(&waiters[i]);
    }
    uint32_t woken = 99, moved = 99;
    assert_int_equal(wrt_futex_requeue(&domain, &from, 1, 1, &to, 2, &woken, &moved),
                     WRT_NOT_EQUAL);
    assert_int_equal(woken, 99);
    assert_int_equal(wrt_futex_requeue(&domain, &from, 0, 1, &to, 2, &woken, &moved), WRT_OK);
    assert_int_equal(woken, 1);
    assert_int_equal(moved, 2);
    assert_int_equal(join_waiter(&waiters[0]), WRT_OK);
    assert_int_equal(wake(&to, UINT32_MAX), 2);
    assert_int_equal(join_waiter(&waiters[1]), WRT_OK);
    assert_int_equal(join_waiter(&waiters[2]), WRT_OK);
    assert_int_equal(wake(&to, UINT32_MAX), 0);
    assert_int_equal(wrt_futex_requeue(&domain, &from, 0, 0, &from, 9, &woken, &moved), WRT_OK);
    assert_int_equal(wake(&from, UINT32_MAX), 3);
    for (int i = 3; i < 6; i++)
        assert_int_equal(join_waiter(&waiters[i]), WRT_OK);
    end_domain();
}

static void a_moved_waiter_still_times_out(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    static uint32_t from, to;
    struct waiter waiter = { .address = &from, .deadline_ns = in_ms(150) };
    start_waiter(&waiter);
    uint32_t moved = 0;
    assert_int_equal(wrt_futex_requeue(&domain, &from, 0, 0, &to, 1, NULL, &moved), WRT_OK);
    assert_int_equal(moved, 1);
    assert_int_equal(join_waiter(&waiter), WRT_ERR_TIMEOUT);
    assert_int_equal(wake(&to, 1), 0);
    end_domain();
}

static void interrupt_cancels_only_its_own_waits(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    static uint32_t word;
    static uint64_t wide;
    static struct wrt_interrupt stopped, other;
    memset(&stopped, 0, sizeof stopped);
    struct waiter waiters[4] = {
        { .address = &word, .interrupt = &stopped },
        { .address = &word, .interrupt = &other },
        { .address = &wide, .interrupt = &stopped, .is_64_bit = true },
        { .address = &word },
    };
    for (int i = 0; i < 4; i++)
        start_waiter(&waiters[i]);
    assert_int_equal(wrt_interrupt_raise(&domain, &stopped), WRT_OK);
    assert_true(wrt_interrupt_is_raised(&stopped));
    assert_int_equal(join_waiter(&waiters[0]), WRT_ERR_INTERRUPTED);
    assert_int_equal(join_waiter(&waiters[2]), WRT_ERR_INTERRUPTED);
    usleep(10000);
    assert_int_equal(__atomic_load_n(&waiters[1].is_done, __ATOMIC_ACQUIRE), 0);
    assert_int_equal(__atomic_load_n(&waiters[3].is_done, __ATOMIC_ACQUIRE), 0);
    /* It stays raised. */
    assert_int_equal(wrt_futex_wait(&domain, &word, 0, UINT64_MAX, &stopped),
                     WRT_ERR_INTERRUPTED);
    assert_int_equal(wrt_futex_wait64(&domain, &wide, 0, UINT64_MAX, &stopped),
                     WRT_ERR_INTERRUPTED);
    wrt_interrupt_clear(&stopped);
    assert_int_equal(wrt_futex_wait(&domain, &word, 0, in_ms(5), &stopped), WRT_ERR_TIMEOUT);
    assert_int_equal(wake(&word, UINT32_MAX), 2);
    assert_int_equal(join_waiter(&waiters[1]), WRT_OK);
    assert_int_equal(join_waiter(&waiters[3]), WRT_OK);
    assert_int_equal(wake(&wide, UINT32_MAX), 0);
    end_domain();
}

static void wide_words_compare_all_64_bits(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    static uint64_t word = 0x100000002u;
    uint32_t *low = (uint32_t *)(void *)&word; /* the same address */
    assert_int_equal(wrt_futex_wait64(&domain, &word, 2, UINT64_MAX, NULL), WRT_NOT_EQUAL);
    struct waiter wide = { .address = &word, .expected = 0x100000002u, .is_64_bit = true };
    struct waiter narrow = { .address = low, .expected = 2 };
    start_waiter(&wide);
    start_waiter(&narrow);
    assert_int_equal(wake(low + 1, UINT32_MAX), 0); /* the upper half is another address */
    assert_int_equal(wake(&word, UINT32_MAX), 2);   /* one address, waiters of both widths */
    assert_int_equal(join_waiter(&wide), WRT_OK);
    assert_int_equal(join_waiter(&narrow), WRT_OK);
    end_domain();
}

static void full_table_refuses(void **state)
{
    start_domain(state, (struct wrt_futex_config){ .max_waiters = 2 });
    static uint64_t word;
    struct waiter waiters[2];
    memset(waiters, 0, sizeof waiters);
    for (int i = 0; i < 2; i++) {
        waiters[i].address = &word;
        waiters[i].is_64_bit = true; /* parked in both kinds */
        start_waiter(&waiters[i]);
    }
    assert_int_equal(wrt_futex_wait64(&domain, &word, 0, UINT64_MAX, NULL), WRT_ERR_LIMIT);
    assert_int_equal(wake(&word, UINT32_MAX), 2);
    assert_int_equal(join_waiter(&waiters[0]), WRT_OK);
    assert_int_equal(join_waiter(&waiters[1]), WRT_OK);
    assert_int_equal(wrt_futex_wait64(&domain, &word, 0, in_ms(1), NULL), WRT_ERR_TIMEOUT);
    end_domain();
}

/* Threads that wait again at once must not feed an endless wake-all. */
static uint32_t again_word, is_over;

static void *wait_again(void *context)
{
    (void)context;
    while (!__atomic_load_n(&is_over, __ATOMIC_ACQUIRE))
        (void)!wrt_futex_wait(&domain, &again_word, 0, in_ms(50), NULL);
    return NULL;
}

static void wake_all_is_bounded_by_those_present(void **state)
{
    start_domain(state, (struct wrt_futex_config){ 0 });
    pthread_t threads[24];
    is_over = 0;
    for (int i = 0; i < 24; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_again, NULL), 0);
    for (int i = 0; i < 300; i++) {
        assert_true(wake(&again_word, UINT32_MAX) <= 24);
        if (i % 10 == 0)
            usleep(200);
    }
    __atomic_store_n(&is_over, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 24; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    end_domain();
}

/* ---- several processes ---- */

struct shared_room {
    struct wrt_futex_domain domain;
    uint32_t word;
    uint32_t is_ready;
    uint32_t result;
};

static struct shared_room *map_room(int file)
{
    void *room = mmap(NULL, sizeof(struct shared_room), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    assert_ptr_not_equal(room, MAP_FAILED);
    return room;
}

/* The child sees the room at another address. */
static int run_child(int file, struct shared_room *parents)
{
    struct shared_room *room = mmap(NULL, sizeof *room, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (room == MAP_FAILED || room == parents || munmap(parents, sizeof *room) != 0)
        return 2;
    __atomic_store_n(&room->is_ready, 1, __ATOMIC_RELEASE);
    enum wrt_status status = wrt_futex_wait(&room->domain, &room->word, 0, in_ms(20000), NULL);
    return status == WRT_OK ? 0 : 1;
}

static struct shared_room *start_room(void **state, int *out_file)
{
    struct wrt_futex_config config = { .kind = *(const enum wrt_futex_kind *)*state,
                                       .is_shared = true };
    int file = memfd_create("room", 0);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, sizeof(struct shared_room)), 0);
    struct shared_room *room = map_room(file);
    enum wrt_status status = wrt_futex_domain_init(&room->domain, &config);
    if (status == WRT_ERR_UNSUPPORTED) {
        print_message("this system has no locks that processes share\n");
        skip();
    }
    assert_int_equal(status, WRT_OK);
    *out_file = file;
    return room;
}

static void wakes_another_process(void **state)
{
    int file;
    struct shared_room *room = start_room(state, &file);
    uint64_t *wide = (uint64_t *)(void *)&room->domain.places[0].key;
    if (room->domain.kind == WRT_FUTEX_HOST)
        assert_int_equal(wrt_futex_wait64(&room->domain, wide, 0, 0, NULL), WRT_ERR_UNSUPPORTED);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(run_child(file, room));
    uint32_t woken = 0;
    for (int i = 0; i < 20000 && woken == 0; i++) {
        usleep(500);
        assert_int_equal(wrt_futex_wake(&room->domain, &room->word, 1, &woken), WRT_OK);
    }
    assert_int_equal(woken, 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    munmap(room, sizeof *room);
    close(file);
}

static void a_process_that_dies_in_a_bucket_is_noticed(void **state)
{
    int file;
    struct shared_room *room = start_room(state, &file);
    if (room->domain.kind == WRT_FUTEX_HOST) { /* the kernel's queues cannot be left half done */
        munmap(room, sizeof *room);
        close(file);
        return;
    }
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct wrt_futex_bucket *bucket = wrt_futex_find_bucket(&room->domain, &room->word);
        enum wrt_status taken =
            wrt_port_lock_take((struct wrt_port_mutex *)(void *)bucket->lock);
        _exit(taken == WRT_OK ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(wrt_futex_wait(&room->domain, &room->word, 0, in_ms(1000), NULL),
                     WRT_ERR_CORRUPT);
    assert_int_equal(wrt_futex_wake(&room->domain, &room->word, 1, NULL), WRT_ERR_CORRUPT);
    munmap(room, sizeof *room);
    close(file);
}

static void the_process_domain_starts_by_itself(void **state)
{
    (void)state;
    uint32_t word = 1, woken = 9;
    assert_int_equal(wrt_futex_wake(NULL, &word, 1, &woken), WRT_OK);
    assert_int_equal(woken, 0);
    assert_int_equal(wrt_futex_wait(NULL, &word, 0, UINT64_MAX, NULL), WRT_NOT_EQUAL);
    assert_int_not_equal(wrt_futex_domain_kind(NULL), WRT_FUTEX_DEFAULT);
}

#define BOTH(test)                                                                            \
    cmocka_unit_test_prestate_setup_teardown(test, NULL, NULL, (void *)&kinds[0]),            \
        cmocka_unit_test_prestate_setup_teardown(test, NULL, NULL, (void *)&kinds[1])

int main(void)
{
    static enum wrt_futex_kind kinds[2] = { WRT_FUTEX_PORTABLE, WRT_FUTEX_HOST };
    if (wrt_port_futex_query() != WRT_OK) {
        puts("no futex_waitv on this kernel: the host's implementation is not tested");
        kinds[1] = WRT_FUTEX_PORTABLE;
    }
    const struct CMUnitTest tests[] = {
        BOTH(outcomes_without_sleeping),
        BOTH(bad_addresses),
        BOTH(deadline_passes),
        BOTH(wakes_exactly_as_many_as_it_says),
        BOTH(wakes_all_of_many),
        BOTH(first_come_first_woken),
        BOTH(highest_priority_is_woken_first),
        BOTH(requeue_wakes_some_and_moves_some),
        BOTH(a_moved_waiter_still_times_out),
        BOTH(interrupt_cancels_only_its_own_waits),
        BOTH(wide_words_compare_all_64_bits),
        BOTH(full_table_refuses),
        BOTH(wake_all_is_bounded_by_those_present),
        BOTH(wakes_another_process),
        BOTH(a_process_that_dies_in_a_bucket_is_noticed),
        cmocka_unit_test(the_process_domain_starts_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
