/* tests/unit/integrity_cut.c - a write that is cut after any store leaves old or new content.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A child process writes while its parent executes it instruction by instruction. After each
 * instruction that changed the region or the store, the parent takes a copy of both as a
 * cut would leave them, opens that copy, and looks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/integrity.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 512, STORE = 4096, WRITE_AT = 50, WRITE_BYTES = 100 };

struct image {
    _Alignas(8) uint8_t memory[SIZE];
    _Alignas(8) uint8_t store[STORE];
};

static struct wrt_atomic_memory_config config_for(struct image *image, int level)
{
    return (struct wrt_atomic_memory_config){
        .memory = image->memory, .size_bytes = SIZE, .block_bytes = 64, .journal_bytes = 128,
        .store = image->store, .store_bytes = STORE,
        .level = (enum wrt_verification_level)level};
}

static void write_in_child(struct image *shared, int level, bool is_copy)
{
    struct wrt_atomic_memory_config config = config_for(shared, level);
    struct wrt_atomic_memory atomic;
    uint8_t bytes[WRITE_BYTES];

    memset(bytes, 0xC3, sizeof bytes);
    if (wrt_atomic_memory_open(&atomic, &config, NULL) != WRT_OK ||
        ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        _exit(3);
    raise(SIGSTOP);
    if (is_copy)
        (void)!wrt_atomic_memory_copy_within(&atomic, WRITE_AT, WRITE_AT + 7, WRITE_BYTES);
    else
        (void)!wrt_atomic_memory_write(&atomic, WRITE_AT, bytes, WRITE_BYTES);
    _exit(0);
}

struct seen {
    int states, old_content, new_content;
};

/* What the next run would find. */
static void look(const struct image *shared, int level, const uint8_t *old_bytes,
                 const uint8_t *new_bytes, struct seen *seen)
{
    static struct image cut;
    struct wrt_atomic_memory_config config = config_for(&cut, level);
    struct wrt_atomic_memory atomic;
    uint8_t out[SIZE];

    memcpy(&cut, shared, sizeof cut);
    assert_int_equal(wrt_atomic_memory_open(&atomic, &config, NULL), WRT_OK);
    assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
    assert_int_equal(atomic.counters.detected, 0);
    assert_int_equal(wrt_atomic_memory_read(&atomic, 0, out, SIZE), WRT_OK);
    seen->states++;
    if (memcmp(out, old_bytes, SIZE) == 0)
        seen->old_content++;
    else if (memcmp(out, new_bytes, SIZE) == 0)
        seen->new_content++;
    else
        fail_msg("state %d is neither old nor new", seen->states);
}

static void cut_everywhere(int level, bool is_copy)
{
    struct image *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct wrt_atomic_memory_config config = config_for(shared, level);
    static struct image before;
    struct wrt_atomic_memory atomic;
    struct seen seen = {0};
    uint8_t old_bytes[SIZE], new_bytes[SIZE];
    int status;
    pid_t child;

    for (int i = 0; i < SIZE; i++)
        shared->memory[i] = old_bytes[i] = new_bytes[i] = (uint8_t)i;
    if (is_copy)
        memmove(new_bytes + WRITE_AT, new_bytes + WRITE_AT + 7, WRITE_BYTES);
    else
        memset(new_bytes + WRITE_AT, 0xC3, WRITE_BYTES);
    assert_int_equal(wrt_atomic_memory_format(&atomic, &config, NULL), WRT_OK);
    child = fork();
    if (child == 0)
        write_in_child(shared, level, is_copy);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) {
        print_message("this system does not let a process trace its child\n");
        skip();
    }
    before = *shared;
    while (WIFSTOPPED(status)) {
        if (memcmp(&before, shared, sizeof before) != 0) {
            look(shared, level, old_bytes, new_bytes, &seen);
            before = *shared;
        }
        assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    look(shared, level, old_bytes, new_bytes, &seen);
    assert_memory_equal(shared->memory, new_bytes, SIZE);
    print_message("%s: cut at %d stores: %d old, %d new\n",
                  wrt_verification_level_name((enum wrt_verification_level)level), seen.states,
                  seen.old_content, seen.new_content);
    assert_true(seen.old_content > 5 && seen.new_content > 5);
    munmap(shared, sizeof *shared);
}

static void a_cut_write_is_old_or_new(void **state)
{
    (void)state;
    for (int level = WRT_VERIFY_MINIMAL; level <= WRT_VERIFY_CRITICAL; level++)
        cut_everywhere(level, false);
}

static void a_cut_copy_is_old_or_new(void **state)
{
    (void)state;
    cut_everywhere(WRT_VERIFY_STANDARD, true);
    cut_everywhere(WRT_VERIFY_CRITICAL, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_write_is_old_or_new),
        cmocka_unit_test(a_cut_copy_is_old_or_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
