/* tests/unit/memory_guard.c - guard hits are caught, nested and in threads; foreign faults
 * are not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory/guard.h"
#include "port.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define IS_THREAD_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_THREAD_SANITIZED true
#endif
#endif
#ifndef IS_THREAD_SANITIZED
#define IS_THREAD_SANITIZED false
#endif

enum { PAGE = 65536 };

static struct wrt_partition *partition;
static struct wrt_page_allocator pages;

static int start(void **state)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 3,
                                     .guard_before_bytes = 1, .guard_after_bytes = 1};

    (void)state;
    return wrt_partition_create(NULL, NULL, &partition, NULL) ||
           wrt_pages_allocate(&pages, partition, &config, NULL);
}

static int end(void **state)
{
    (void)state;
    wrt_pages_free(&pages);
    return wrt_partition_destroy(partition, NULL);
}

static void write_byte(void *address)
{
    *(volatile uint8_t *)address = 1;
}

static void read_byte(void *address)
{
    (void)*(volatile uint8_t *)address;
}

static void expect_hit(void (*body)(void *), uint8_t *at, bool is_write)
{
    struct wrt_guard_hit hit = {0};
    int64_t offset = 0;
    enum wrt_status status = wrt_guard_run(body, at, &hit);

    if (status == WRT_ERR_UNSUPPORTED) {
        print_message("port %s cannot catch faults\n", wrt_port_name());
        skip();
    }
    assert_int_equal(status, WRT_ERR_TRAP);
    assert_ptr_equal(hit.address, at);
    assert_true(wrt_pages_owns(&pages, hit.address, &offset));
    assert_int_equal(offset, at - pages.base);
    if (!is_write)
        assert_false(hit.is_known_write);
}

static void hits_name_address_and_memory(void)
{
    struct wrt_guard_hit hit;

    expect_hit(write_byte, pages.base - 1, true);
    expect_hit(read_byte, pages.base + PAGE, false);
    expect_hit(write_byte, pages.base + 3 * PAGE, true);
    assert_int_equal(wrt_pages_protect(&pages, 0, wrt_port_page_bytes(), WRT_PAGE_READ, NULL),
                     WRT_OK);
    expect_hit(write_byte, pages.base, true);
    assert_int_equal(wrt_guard_run(read_byte, pages.base, &hit), WRT_OK);
    assert_int_equal(wrt_pages_reset(&pages, NULL), WRT_OK);
    assert_int_equal(wrt_guard_run(write_byte, pages.base, &hit), WRT_OK);
}

static void outer(void *context)
{
    volatile int *inner_hits = context; /* written before the last touch, whatever follows */
    struct wrt_guard_hit hit;

    for (int i = 0; i < 3; i++)
        if (wrt_guard_run(write_byte, pages.base - 1, &hit) == WRT_ERR_TRAP)
            ++*inner_hits;
    write_byte(pages.base + PAGE); /* now the outer one */
    *inner_hits = -1;              /* not reached */
}

static void calls_nest(void)
{
    struct wrt_guard_hit hit = {0};
    volatile int inner_hits = 0;

    expect_hit(write_byte, pages.base - 1, true);
    assert_int_equal(wrt_guard_run(outer, (void *)(uintptr_t)&inner_hits, &hit), WRT_ERR_TRAP);
    assert_int_equal(inner_hits, 3);
    assert_ptr_equal(hit.address, pages.base + PAGE);
}

static int thread_hits;

static void hit_in_thread(void *context)
{
    struct wrt_guard_hit hit;

    (void)context;
    for (int i = 0; i < 500; i++)
        if (wrt_guard_run(write_byte, pages.base - 1, &hit) == WRT_ERR_TRAP)
            __atomic_fetch_add(&thread_hits, 1, __ATOMIC_RELAXED);
}

static void threads_hit_on_their_own(void)
{
    struct wrt_port_thread_config config = {0};
    struct wrt_port_thread one, two;

    expect_hit(write_byte, pages.base - 1, true);
    thread_hits = 0;
    assert_int_equal(wrt_port_thread_create(&config, hit_in_thread, NULL, &one), WRT_OK);
    assert_int_equal(wrt_port_thread_create(&config, hit_in_thread, NULL, &two), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&one), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&two), WRT_OK);
    assert_int_equal(thread_hits, 1000);
}

/* A fault that is not ours kills, inside a guarded run and outside. */
static void foreign_faults_are_not_swallowed(void)
{
    void *volatile foreign = (void *)(uintptr_t)64;
    struct wrt_guard_hit hit;

    expect_hit(write_byte, pages.base - 1, true);
    for (int is_inside = 0; is_inside < 2; is_inside++) {
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
            signal(SIGALRM, SIG_DFL);
            alarm(10);
            if (is_inside)
                (void)!wrt_guard_run(write_byte, foreign, &hit);
            else
                write_byte(foreign);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        assert_false(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    }
}

/* One test for all: the test library puts handlers of its own in place before each. */
static void guard_hits(void **state)
{
    (void)state;
    if (IS_THREAD_SANITIZED) {
        print_message("the thread sanitizer does not follow a jump out of a fault handler\n");
        skip();
    }
    signal(SIGSEGV, SIG_DFL); /* what faults that are not ours are passed on to */
    signal(SIGBUS, SIG_DFL);
    hits_name_address_and_memory();
    calls_nest();
    threads_hit_on_their_own();
    foreign_faults_are_not_swallowed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guard_hits),
    };
    return cmocka_run_group_tests(tests, start, end);
}
