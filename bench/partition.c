/* bench/partition.c - what the isolation tiers cost, beside the system calls that they cannot do
 * without, alternating in one run. Linux only.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_partition PATH-OF-wrt-tenant [WORKERS]
 *
 * guard    enter and leave, software: nanoseconds
 * charge   charge and give back 64 KiB, one and four levels deep, and that while another thread
 *          charges below the same root: nanoseconds
 * sealed   enter and leave, beside two mprotect calls on the same touched pages
 * call     a call of a worker's `add`, beside a bare futex round trip between two processes, all
 *          on one processor
 * workers  so many (100) started, called and stopped; what they hold together beside what the first
 *          held alone, times 100 (the program's text, which all share, is left out of both)
 */
#define _GNU_SOURCE
#include "wrt/wrt.h"

#include <inttypes.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 501, BATCH = 1000, MOST_WORKERS = 1000, HALF = 1 << 26 };

/* (func (export "add") (param i32 i32) (result i32)) and one page of memory */
static const uint8_t module[] = {
    0x00, 0x61, 0x73, 0x6D, 0x01, 0x00, 0x00, 0x00, 0x01, 0x07, 0x01, 0x60, 0x02, 0x7F,
    0x7F, 0x01, 0x7F, 0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x07,
    0x01, 0x03, 0x61, 0x64, 0x64, 0x00, 0x00, 0x0A, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00,
    0x20, 0x01, 0x6A, 0x0B};

static const char *program;
static double ours[ROUNDS], bare[ROUNDS];

static double now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

static void must(enum wrt_status status, const struct wrt_error *error)
{
    if (status >= 0)
        return;
    fprintf(stderr, "%s: %s\n", wrt_status_name(status), error != NULL ? error->text : "");
    exit(1);
}

static struct wrt_partition *make(const char *name, uint32_t flags)
{
    const struct wrt_partition_config config = {.name = name, .max_bytes = 64 << 20,
                                                .flags = flags};
    struct wrt_partition *partition = NULL;
    struct wrt_error error;

    must(wrt_partition_create(NULL, &config, &partition, &error), &error);
    return partition;
}

/* ---- guards ---- */

static void enter_and_leave(struct wrt_partition *partition, int count)
{
    struct wrt_partition_guard guard;

    for (int i = 0; i < count; i++) {
        if (wrt_partition_guard_enter(&guard, partition) != WRT_OK ||
            wrt_partition_guard_leave(&guard) != WRT_OK)
            abort();
    }
}

static void measure_guard(void)
{
    struct wrt_partition *partition = make("software", 0);

    for (int round = 0; round < ROUNDS; round++) {
        double from = now_ns();

        enter_and_leave(partition, BATCH);
        ours[round] = (now_ns() - from) / (double)BATCH;
    }
    printf("guard    %8.1f ns\n", median(ours));
    must(wrt_partition_destroy(partition, NULL), NULL);
}

static double time_charges(struct wrt_partition *partition, int count)
{
    double from = now_ns();

    for (int i = 0; i < count; i++) {
        must(wrt_partition_charge(partition, WRT_CHARGE_HOST, 65536, NULL), NULL);
        wrt_partition_uncharge(partition, WRT_CHARGE_HOST, 65536);
    }
    return (now_ns() - from) / (double)count;
}

static struct {
    struct wrt_partition *partition;
    uint32_t is_over;
} rival;

static void *charge_meanwhile(void *unused)
{
    (void)unused;
    while (__atomic_load_n(&rival.is_over, __ATOMIC_RELAXED) == 0)
        (void)time_charges(rival.partition, 100);
    return NULL;
}

/* levels[0] is the root; the rival charges a child of the root of its own. */
static double measure_rivalry(struct wrt_partition *leaf, struct wrt_partition *root)
{
    const struct wrt_partition_config config = {.name = "rival"};
    pthread_t thread;

    must(wrt_partition_create(root, &config, &rival.partition, NULL), NULL);
    rival.is_over = 0;
    if (pthread_create(&thread, NULL, charge_meanwhile, NULL) != 0)
        abort();
    for (int round = 0; round < ROUNDS; round++)
        ours[round] = time_charges(leaf, BATCH);
    __atomic_store_n(&rival.is_over, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    must(wrt_partition_destroy(rival.partition, NULL), NULL);
    return median(ours);
}

static void measure_charge(void)
{
    struct wrt_partition *level[4] = {make("root", 0)};
    double one, four;

    for (int i = 1; i < 4; i++) {
        const struct wrt_partition_config config = {.name = "level", .min_bytes = 4096};

        must(wrt_partition_create(level[i - 1], &config, &level[i], NULL), NULL);
    }
    for (int round = 0; round < ROUNDS; round++) {
        ours[round] = time_charges(level[0], BATCH);
        bare[round] = time_charges(level[3], BATCH);
    }
    one = median(ours);
    four = median(bare);
    printf("charge   %8.1f ns, four levels %8.1f ns, and with a rival thread %8.1f ns\n", one, four,
           measure_rivalry(level[3], level[0]));
    for (int i = 3; i >= 0; i--)
        must(wrt_partition_destroy(level[i], NULL), NULL);
}

/* The arenas hold `bytes`, touched; the bare calls work on as many, and like those between closed
 * addresses: there the kernel joins and splits its own records with each call. */
static void measure_sealed(size_t bytes)
{
    struct wrt_partition *partition = make("sealed", WRT_PARTITION_MEMORY_ISOLATION);
    struct wrt_partition_guard guard;
    struct wrt_partition_info info;
    size_t row;
    void *block, *pages, *whole;

    must(wrt_partition_guard_enter(&guard, partition), NULL);
    must(wrt_partition_allocate(partition, WRT_CHARGE_HOST, bytes, 0, &block, NULL), NULL);
    memset(block, 1, bytes);
    must(wrt_partition_guard_leave(&guard), NULL);
    wrt_partition_get_info(partition, &info);
    if (info.tier != WRT_TIER_SEALED) {
        printf("sealed   not here: %s\n", info.tier_reason);
        return;
    }
    row = (size_t)(info.used_bytes & ~UINT64_C(4095)); /* what the slab holds, about */
    whole = mmap(NULL, 2 * HALF, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    pages = (char *)whole + HALF;
    if (whole == MAP_FAILED || mprotect(pages, row, PROT_READ | PROT_WRITE) != 0)
        abort();
    memset(pages, 1, bytes);
    if (mprotect(pages, row, PROT_NONE) != 0)
        abort();
    for (int round = 0; round < ROUNDS; round++) {
        double from = now_ns();

        enter_and_leave(partition, 20);
        ours[round] = (now_ns() - from) / 20;
        from = now_ns();
        for (int i = 0; i < 20; i++)
            if (mprotect(pages, row, PROT_READ | PROT_WRITE) != 0 ||
                mprotect(pages, row, PROT_NONE) != 0)
                abort();
        bare[round] = (now_ns() - from) / 20;
    }
    printf("sealed   %8.0f ns, two bare calls %8.0f ns, ratio %.2f  (%zu KiB)\n", median(ours),
           median(bare), median(ours) / median(bare), bytes / 1024);
    munmap(whole, 2 * HALF);
    must(wrt_partition_guard_enter(&guard, partition), NULL);
    wrt_partition_free(partition, WRT_CHARGE_HOST, block, bytes);
    must(wrt_partition_guard_leave(&guard), NULL);
    must(wrt_partition_destroy(partition, NULL), NULL);
}

/* ---- calls ---- */

static void futex(uint32_t *word, int operation, uint32_t value)
{
    (void)syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

/* Two words in shared memory: each side raises its own and sleeps on the other's. */
static uint32_t *words;

static void answer_for_ever(void)
{
    for (uint32_t turn = 1;; turn++) {
        while (__atomic_load_n(&words[0], __ATOMIC_ACQUIRE) != turn)
            futex(&words[0], FUTEX_WAIT, turn - 1);
        __atomic_store_n(&words[64], turn, __ATOMIC_RELEASE);
        futex(&words[64], FUTEX_WAKE, 1);
    }
}

static void round_trip(uint32_t turn)
{
    __atomic_store_n(&words[0], turn, __ATOMIC_RELEASE);
    futex(&words[0], FUTEX_WAKE, 1);
    while (__atomic_load_n(&words[64], __ATOMIC_ACQUIRE) != turn)
        futex(&words[64], FUTEX_WAIT, turn - 1);
}

static struct wrt_worker *start_worker(struct wrt_partition *partition)
{
    const struct wrt_worker_config config = {.program = program, .module = module,
                                             .module_bytes = sizeof module,
                                             .memory_bytes = 4 << 20};
    struct wrt_worker *worker = NULL;
    struct wrt_error error;

    must(wrt_worker_create(partition, &config, &worker, &error), &error);
    return worker;
}

static void call_worker(struct wrt_worker *worker)
{
    const struct wrt_value arguments[2] = {{.type = WRT_I32, .of.i32 = 40},
                                           {.type = WRT_I32, .of.i32 = 2}};
    struct wrt_value result;
    struct wrt_error error;

    must(wrt_worker_call(worker, "add", arguments, 2, &result, 1, NULL, NULL, &error), &error);
    if (result.of.i32 != 42)
        abort();
}

/* All three processes on one processor: elsewhere the ratio is that of two placements. */
static void measure_call(void)
{
    cpu_set_t before, one;
    struct wrt_partition *partition = make("worker", WRT_PARTITION_CONTAINER);
    struct wrt_worker *worker;
    uint32_t turn = 0;
    pid_t peer;

    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    if (sched_getaffinity(0, sizeof before, &before) != 0 ||
        sched_setaffinity(0, sizeof one, &one) != 0)
        abort();
    worker = start_worker(partition);
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    peer = fork();
    if (peer == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        answer_for_ever();
    }
    for (int i = 0; i < 200; i++) {
        call_worker(worker);
        round_trip(++turn);
    }
    for (int round = 0; round < ROUNDS; round++) {
        double from = now_ns();

        for (int i = 0; i < 10; i++)
            call_worker(worker);
        ours[round] = (now_ns() - from) / 10;
        from = now_ns();
        for (int i = 0; i < 10; i++)
            round_trip(++turn);
        bare[round] = (now_ns() - from) / 10;
    }
    printf("call     %8.0f ns, bare round trip %7.0f ns, ratio %.2f\n", median(ours), median(bare),
           median(ours) / median(bare));
    (void)kill(peer, SIGKILL);
    (void)waitpid(peer, NULL, 0);
    wrt_worker_destroy(worker, 0);
    must(wrt_partition_destroy(partition, NULL), NULL);
    if (sched_setaffinity(0, sizeof before, &before) != 0)
        abort();
}

/* ---- many ---- */

/* Its own memory and its share of what it shares with us, as the kernel sums it up. */
static double share_of(int64_t process)
{
    char path[64], line[128];
    double kib = 0, sum = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%" PRId64 "/smaps_rollup", process);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "Pss_Anon: %lf kB", &kib) == 1 ||
            sscanf(line, "Pss_Shmem: %lf kB", &kib) == 1)
            sum += kib;
    fclose(file);
    return sum;
}

static double all_shares(struct wrt_worker **worker, int count)
{
    double sum = 0;

    for (int i = 0; i < count; i++) {
        struct wrt_worker_info info;

        wrt_worker_get_info(worker[i], &info);
        sum += share_of(info.process_id);
    }
    return sum;
}

static void measure_many(int count)
{
    static struct wrt_partition *partition[MOST_WORKERS];
    static struct wrt_worker *worker[MOST_WORKERS];
    double from = now_ns(), started, stopped, one = 0, sum;
    char name[32];

    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "worker-%d", i);
        partition[i] = make(name, WRT_PARTITION_CONTAINER);
        worker[i] = start_worker(partition[i]);
        call_worker(worker[i]);
        if (i == 0)
            one = all_shares(worker, 1);
    }
    started = now_ns();
    for (int i = 0; i < count; i++)
        call_worker(worker[i]);
    sum = all_shares(worker, count);
    from = (started - from) / count;
    started = now_ns();
    for (int i = 0; i < count; i++) {
        wrt_worker_destroy(worker[i], wrt_time_now_ns() + 1000000000);
        must(wrt_partition_destroy(partition[i], NULL), NULL);
    }
    stopped = (now_ns() - started) / count;
    printf("workers  %d: start %.1f ms, stop %.1f ms each; %.0f KiB in all, %d times the first's "
           "are %.0f KiB, ratio %.3f\n", count, from / 1e6, stopped / 1e6, sum, count,
           one * count, sum / (one * count));
}

int main(int argument_count, char **arguments)
{
    int count = argument_count > 2 ? atoi(arguments[2]) : 100;

    if (argument_count < 2 || count < 1 || count > MOST_WORKERS) {
        fprintf(stderr, "usage: bench_partition PATH-OF-wrt-tenant [WORKERS up to %d]\n",
                MOST_WORKERS);
        return 2;
    }
    program = arguments[1];
    measure_guard();
    measure_charge();
    measure_sealed(64 << 10);
    measure_sealed(1 << 20);
    measure_call();
    measure_many(count);
}
