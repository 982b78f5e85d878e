/* tests/hardening/seals.c - seals METHOD SCENARIO: a sealed partition, and who may touch it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * METHOD is pages, keys or tags; what is in force is printed first. A touch that faults ends the
 * process by its signal, after a line with the signal and its code. `seals all METHOD` runs each
 * scenario in a child, for a machine without a shell (tests/keys).
 */
#include "wrt/hardware.h"
#include "wrt/memory.h"
#include "wrt/partition.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct wrt_partition *partition;
static struct wrt_page_allocator pages;
static volatile uint8_t *block;

static void on_signal(int number, siginfo_t *info, void *context)
{
    char line[] = "signal 00 code 00\n";

    (void)context;
    line[7] = (char)('0' + number / 10);
    line[8] = (char)('0' + number % 10);
    line[15] = (char)('0' + info->si_code / 10 % 10);
    line[16] = (char)('0' + info->si_code % 10);
    if (write(1, line, sizeof line - 1) < 0)
        _exit(1);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void need(bool condition, const char *what)
{
    if (condition)
        return;
    printf("broken: %s\n", what);
    exit(1);
}

static void enter(struct wrt_partition_guard *guard)
{
    need(wrt_partition_guard_enter(guard, partition) == WRT_OK, "entering");
}

static void leave(struct wrt_partition_guard *guard)
{
    need(wrt_partition_guard_leave(guard) == WRT_OK, "leaving");
}

static enum wrt_status make(enum wrt_seal_method method, uint32_t flags,
                            struct wrt_partition **out)
{
    struct wrt_partition_config config = {.name = "vault", .seal = method, .max_bytes = 16 << 20,
                                          .isolation = WRT_TIER_SEALED, .flags = flags};

    return wrt_partition_create(NULL, &config, out, NULL);
}

static void set_up(enum wrt_seal_method method)
{
    struct wrt_page_config config = {.initial_pages = 1, .maximum_pages = 4,
                                     .tags = WRT_TAGGING_WANTED};
    struct wrt_partition_guard guard;
    struct wrt_partition_info info;
    void *made = NULL;

    need(make(method, 0, &partition) == WRT_OK, "a partition");
    wrt_partition_get_info(partition, &info);
    printf("%s: %s\n", wrt_tier_name(info.tier), info.tier_reason);
    enter(&guard);
    need(wrt_partition_allocate(partition, WRT_CHARGE_HOST, 100, 0, &made, NULL) == WRT_OK,
         "a block");
    block = made;
    need(wrt_pages_allocate(&pages, partition, &config, NULL) == WRT_OK, "a linear memory");
    block[0] = 1;
    pages.base[0] = 1;
    leave(&guard);
}

/* ---- scenarios ---- */

static void inside(void)
{
    struct wrt_partition_guard outer, inner;

    for (int times = 0; times < 3; times++) {
        enter(&outer);
        enter(&inner);
        block[1]++;
        leave(&inner);
        block[1]++; /* still inside of the outer one */
        pages.base[1]++;
        leave(&outer);
    }
    enter(&outer);
    need(block[1] == 6 && pages.base[1] == 3 && block[0] == 1, "contents");
    leave(&outer);
    puts("kept");
}

static void block_from_outside(void)
{
    puts("touching");
    fflush(stdout);
    block[2] = 1;
    puts("not stopped");
}

static void memory_from_outside(void)
{
    struct wrt_partition_guard guard;

    enter(&guard);
    need(wrt_pages_grow(&pages, 2, NULL) == WRT_OK, "growth");
    pages.base[3 * 65536 - 1] = 1;
    leave(&guard);
    puts("touching");
    fflush(stdout);
    pages.base[3 * 65536 - 1] = 2;
    puts("not stopped");
}

static void *touch(void *unused)
{
    (void)unused;
    block[3] = 1;
    puts("not stopped");
    return NULL;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *touch_when_told(void *unused)
{
    (void)pthread_mutex_lock(&gate);
    return touch(unused);
}

/* This thread is inside; another, which was there before, is not. */
static void other_thread(void)
{
    struct wrt_partition_guard guard;
    pthread_t other;

    (void)pthread_mutex_lock(&gate);
    need(pthread_create(&other, NULL, touch_when_told, NULL) == 0, "a thread");
    enter(&guard);
    puts("touching");
    fflush(stdout);
    (void)pthread_mutex_unlock(&gate);
    (void)pthread_join(other, NULL);
    leave(&guard);
}

static void touch_vault(void *unused) { (void)touch(unused); }

/* Inside of one partition, a body touches another: it is left, and what was open stays open. */
static void report(void)
{
    struct wrt_partition *host, *vault = partition;
    struct wrt_partition_guard guard;
    struct wrt_error error = {.text = ""};
    void *mine = NULL;

    need(wrt_partition_create(NULL, &(struct wrt_partition_config){.isolation = WRT_TIER_SEALED,
                                                                   .max_bytes = 16 << 20,
                                                                   .seal = WRT_SEAL_KEYS},
                              &host, NULL) == WRT_OK, "another partition");
    partition = host;
    enter(&guard);
    need(wrt_partition_allocate(host, WRT_CHARGE_HOST, 16, 0, &mine, NULL) == WRT_OK, "a block");
    for (int times = 0; times < 2; times++) {
        enum wrt_status status = wrt_partition_run(host, touch_vault, NULL, &error);

        printf("%s: %s\n", wrt_status_name(status), error.text);
        *(volatile uint8_t *)mine = 1;
    }
    leave(&guard);
    partition = vault;
    puts("kept");
}

static void destroy(void)
{
    struct wrt_partition_guard guard;

    enter(&guard);
    wrt_pages_free(&pages);
    wrt_partition_free(partition, WRT_CHARGE_HOST, (void *)(uintptr_t)block, 100);
    leave(&guard);
    need(wrt_partition_destroy(partition, NULL) == WRT_OK, "destroying");
    puts("kept");
}

static enum wrt_seal_method asked;

/* More partitions than keys: the last ones fall back, or are refused where it is required. */
static void many(void)
{
    enum { MANY = 20 };
    struct wrt_partition *made[MANY], *refused = NULL;
    struct wrt_partition_info info;
    int in_force = 0;

    for (int i = 0; i < MANY; i++) {
        need(make(asked, 0, &made[i]) == WRT_OK, "a partition");
        wrt_partition_get_info(made[i], &info);
        in_force += strncmp(info.tier_reason, "page", 4) != 0;
    }
    printf("%d of %d\n", in_force, (int)MANY);
    printf("required: %s\n", wrt_status_name(make(asked, WRT_PARTITION_REQUIRE, &refused)));
    for (int i = 0; i < MANY; i++)
        need(wrt_partition_destroy(made[i], NULL) == WRT_OK, "destroying");
    if (in_force > 0)
        need(make(asked, WRT_PARTITION_REQUIRE, &refused) == WRT_OK, "what was given back");
    puts("kept");
}

static const struct {
    const char *name;
    void (*run)(void);
} scenarios[] = {
    {"inside", inside},         {"block", block_from_outside}, {"memory", memory_from_outside},
    {"other-thread", other_thread}, {"report", report},        {"destroy", destroy},
    {"many", many},
};

static int run(const char *method, const char *name)
{
    asked = strcmp(method, "keys") == 0   ? WRT_SEAL_KEYS
            : strcmp(method, "tags") == 0 ? WRT_SEAL_TAGS
                                          : WRT_SEAL_PAGES;
    set_up(asked);
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
        if (strcmp(name, scenarios[i].name) == 0) {
            scenarios[i].run();
            return 0;
        }
    fputs("usage: seals pages|keys|tags SCENARIO\n", stderr);
    return 2;
}

static void run_all(const char *method)
{
    for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
        int status = 0;
        pid_t child;

        printf("== %s\n", scenarios[i].name);
        fflush(stdout);
        child = fork();
        if (child == 0)
            exit(run(method, scenarios[i].name));
        (void)waitpid(child, &status, 0);
        printf("status %d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    }
}

int main(int argc, char **argv)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO;
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
    (void)!wrt_hardware_set_tag_mode(WRT_TAG_MODE_SYNC);
    if (argc > 2 && strcmp(argv[1], "all") == 0) {
        run_all(argv[2]);
        return 0;
    }
    return run(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "");
}
