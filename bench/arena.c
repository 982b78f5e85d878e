/* bench/arena.c - our arena beside glibc, jemalloc and mimalloc, on one trace, in one run.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     bench_arena [--operations N] [--long]
 *
 * The parent runs itself once per allocator and round; the peers are preloaded, ours is
 * called in a process of the same layout. Each child replays the same pseudo-random trace:
 * sizes log-uniform from 16 bytes to 64 KiB, 2,000 slots, allocate when empty and free when
 * full, the first 16 bytes of each block written.
 *   pair     median over batches of 64 operations, of an allocation and a free
 *   p99.9, p99.999, max   of the first two million operations, each the least of all rounds:
 *            the same operation is hit by a timer interrupt in one round, not in all
 *   steps    most instructions of one of 1,000 operations, executed one by one under a
 *            tracer: at the start, after 10^6 and, with --long, after 10^8 operations
 *   waste    resident memory over live bytes after two traces made to fragment
 */
#define _GNU_SOURCE
#include "wrt/arena.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TRACE = 1 << 20, SLOTS = 2000, BUCKETS = 1 << 16, ROUNDS = 7, BATCH = 64,
       STEPPED = 1000, TIMED = 2000000 };

struct figures {
    double pair_ns, p999_ns, p99999_ns, max_ns;
    double steps_start, steps_million, steps_hundred_million;
    double comb_waste, growth_waste;
};
enum { FIGURES = sizeof(struct figures) / sizeof(double) };

static uint32_t trace_size[TRACE];
static uint16_t trace_slot[TRACE];
static void *slot[SLOTS];
static uint32_t *least_ns;          /* of each operation, over all rounds; shared with the parent */
static uint32_t batches[BUCKETS];   /* nanoseconds of one batch */

/* ---- the trace ---- */

static uint64_t random_state = UINT64_C(0x2545F4914F6CDD1D);

static uint32_t random32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32);
}

static void make_trace(void)
{
    for (int i = 0; i < TRACE; i++) {
        uint32_t octave = random32() % 12; /* 16 .. 32, .. 32 Ki .. 64 Ki */
        trace_size[i] = (16u << octave) + random32() % (16u << octave);
        trace_slot[i] = (uint16_t)(random32() % SLOTS);
    }
}

/* ---- time ---- */

#if defined(__x86_64__)
static inline uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}
#else
static inline uint64_t ticks(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
#endif

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double ns_per_tick(void)
{
    double start = now_ns();
    uint64_t first = ticks();
    while (now_ns() - start < 5e7) {
    }
    return (now_ns() - start) / (double)(ticks() - first);
}

static uint64_t tick_cost(void)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 100000; i++) {
        uint64_t first = ticks();
        uint64_t cost = ticks() - first;
        least = cost < least ? cost : least;
    }
    return least;
}

/* ---- the two ways to allocate ---- */

static struct wrt_arena arena;
static bool use_arena;

static inline void *allocate(size_t size)
{
    void *block = NULL;
    if (!use_arena)
        return malloc(size);
    if (wrt_arena_allocate(&arena, size, 0, &block, NULL) != WRT_OK)
        return NULL;
    return block;
}

static inline void release(void *block)
{
    if (!use_arena)
        free(block);
    else if (wrt_arena_free(&arena, block) != WRT_OK)
        abort();
}

static void step(int i)
{
    void **place = &slot[trace_slot[i]];

    if (*place == NULL) {
        *place = allocate(trace_size[i]);
        memset(*place, 1, 16);
    } else {
        release(*place);
        *place = NULL;
    }
}

static void timed_step(int i, uint64_t cost, double tick_ns, uint32_t *least)
{
    void **place = &slot[trace_slot[i]];
    bool is_allocation = *place == NULL;
    uint64_t start = ticks(), taken;
    double ns;

    if (is_allocation)
        *place = allocate(trace_size[i]);
    else
        release(*place);
    taken = ticks() - start;
    ns = taken > cost ? (double)(taken - cost) * tick_ns : 0;
    if (ns < *least)
        *least = (uint32_t)ns;
    if (is_allocation)
        memset(*place, 1, 16);
    else
        *place = NULL;
}

static double percentile(const uint32_t *counts, double share)
{
    uint64_t total = 0, seen = 0;

    for (int i = 0; i < BUCKETS; i++)
        total += counts[i];
    for (int i = 0; i < BUCKETS; i++) {
        seen += counts[i];
        if ((double)seen >= share * (double)total)
            return i;
    }
    return BUCKETS;
}

static void replay(uint64_t operations)
{
    for (uint64_t n = 0; n < operations; n++)
        step((int)(n % TRACE));
}

static void time_it(uint64_t operations, struct figures *f)
{
    double tick_ns = ns_per_tick();
    uint64_t cost = tick_cost();

    replay(TRACE); /* warm up */
    for (uint64_t n = 0; n + BATCH <= operations; n += BATCH) {
        double start = now_ns();
        uint64_t ns;

        for (uint64_t i = n; i < n + BATCH; i++)
            step((int)(i % TRACE));
        ns = (uint64_t)(now_ns() - start);
        batches[ns < BUCKETS ? ns : BUCKETS - 1]++;
    }
    for (int n = 0; n < TIMED; n++)
        timed_step(n % TRACE, cost, tick_ns, &least_ns[n]);
    f->pair_ns = percentile(batches, 0.5) * 2 / (double)BATCH;
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The parent's part: what the rounds left. */
static void read_times(struct figures *f)
{
    qsort(least_ns, TIMED, sizeof *least_ns, by_value);
    f->p999_ns = least_ns[TIMED - TIMED / 1000];
    f->p99999_ns = least_ns[TIMED - TIMED / 100000];
    f->max_ns = least_ns[TIMED - 1];
}

static bool map_times(int file)
{
    void *memory = mmap(NULL, TIMED * sizeof *least_ns, PROT_READ | PROT_WRITE, MAP_SHARED, file,
                        0);

    least_ns = memory;
    return memory != MAP_FAILED;
}

/* ---- fragmentation ---- */

static uint64_t resident_bytes(void)
{
    uint64_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    if (file == NULL || fscanf(file, "%*u %" SCNu64, &pages) != 1)
        pages = 0;
    if (file != NULL)
        fclose(file);
    return pages * 4096;
}

enum { PIECES = 40000 };
static void *piece[2 * PIECES];

static void *get_filled(size_t size)
{
    void *block = allocate(size);

    memset(block, 1, size);
    return block;
}

/* All but every 16th of many small blocks go, then blocks of twice the size come. */
static double comb(void)
{
    uint64_t before = resident_bytes(), live = 0;

    for (int i = 0; i < PIECES; i++)
        piece[i] = get_filled(256);
    for (int i = 0; i < PIECES; i++) {
        if (i % 16 == 0) {
            live += 256;
            continue;
        }
        release(piece[i]);
        piece[i] = NULL;
    }
    for (int i = 0; i < PIECES / 4; i++, live += 512)
        piece[PIECES + i] = get_filled(512);
    return (double)(resident_bytes() - before) / (double)live;
}

/* Half of each generation stays, the next one's blocks are half as large again. */
static double growth(void)
{
    uint64_t before = resident_bytes(), live = 0;
    size_t size = 64;

    for (int generation = 0; generation < 12; generation++, size += size / 2)
        for (int i = 0; i < 2000; i++) {
            void *block = get_filled(size);

            if (i % 2 == 0)
                release(block);
            else
                live += size;
        }
    return (double)(resident_bytes() - before) / (double)live;
}

/* ---- instructions ---- */

struct mark {
    volatile uint64_t operation;
};

static void stepped_child(struct mark *mark, uint64_t warm)
{
    replay(warm);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    for (int i = 0; i < STEPPED; i++) {
        mark->operation = (uint64_t)i + 1;
        step((int)((warm + (uint64_t)i) % TRACE));
    }
    _exit(0);
}

static double most_steps(uint64_t warm)
{
    struct mark *mark =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t most = 0, count = 0, operation = 0;
    int status;
    pid_t pid = fork();

    if (pid == 0)
        stepped_child(mark, warm);
    waitpid(pid, &status, 0);
    while (WIFSTOPPED(status)) {
        if (mark->operation != operation) {
            most = operation > 1 && count > most ? count : most; /* not the first: raise */
            operation = mark->operation;
            count = 0;
        }
        count++;
        ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL);
        waitpid(pid, &status, 0);
    }
    munmap(mark, 4096);
    return (double)most;
}

/* ---- one allocator ---- */

enum { TIMES_FILE = 9 }; /* the descriptor that children find the times under */

/* "resident": level Standard with all pages of the trace mapped and touched before. */
static bool start_arena(const char *level)
{
    struct wrt_arena_config config = {.arena_bytes = 256 * 1024, .cache_blocks = 64,
                                      .quick_blocks = 2048, .quick_bytes = 32 << 20};

    if (strcmp(level, "resident") == 0) {
        config.preallocate_bytes = (size_t)48 << 20;
        config.lock_preallocated = true;
        level = "standard";
    }
    return wrt_verification_level_parse(level, &config.verification) == WRT_OK &&
           wrt_arena_init(&arena, &config, NULL) == WRT_OK;
}

static int child(const char *which, const char *what, uint64_t operations)
{
    struct figures f = {0};
    const double *figure = &f.pair_ns;

    use_arena = strcmp(which, "libc") != 0;
    if (use_arena && !start_arena(which))
        return 1;
    make_trace();
    if (!map_times(TIMES_FILE))
        return 1;
    if (strcmp(what, "time") == 0) {
        time_it(operations, &f);
    } else if (strcmp(what, "waste") == 0) {
        f.comb_waste = comb();
        f.growth_waste = growth();
    } else {
        f.steps_start = most_steps(0);
        f.steps_million = most_steps(1000000);
        if (strcmp(what, "long") == 0)
            f.steps_hundred_million = most_steps(100000000);
    }
    for (int i = 0; i < FIGURES; i++)
        printf("%f ", figure[i]);
    puts("");
    return 0;
}

/* ---- the parent ---- */

struct peer {
    const char *name, *library, *mode;
};

static bool run_child(const char *self, const struct peer *peer, const char *what,
                      const char *operations, struct figures *f)
{
    char command[512];
    double *figure = &f->pair_ns;
    bool is_complete = true;
    FILE *pipe;

    snprintf(command, sizeof command, "%s%s %s --child %s %s %s",
             peer->library ? "LD_PRELOAD=" : "", peer->library ? peer->library : "", self,
             peer->mode, what, operations);
    pipe = popen(command, "r");
    if (pipe == NULL)
        return false;
    for (int i = 0; i < FIGURES; i++)
        is_complete = fscanf(pipe, "%lf", &figure[i]) == 1 && is_complete;
    return pclose(pipe) == 0 && is_complete;
}

/* Keeps the smaller of each figure that is not 0. */
static void keep_least(struct figures *best, const struct figures *f)
{
    double *to = &best->pair_ns;
    const double *from = &f->pair_ns;

    for (int i = 0; i < FIGURES; i++)
        if (from[i] != 0 && (to[i] == 0 || from[i] < to[i]))
            to[i] = from[i];
}

static void print_row(const char *name, const struct figures *f)
{
    printf("%-16s %7.1f %8.0f %9.0f %9.0f %8.0f %8.0f %8.0f %7.2f %7.2f\n", name, f->pair_ns,
           f->p999_ns, f->p99999_ns, f->max_ns, f->steps_start, f->steps_million,
           f->steps_hundred_million, f->comb_waste, f->growth_waste);
}

static bool open_times(void)
{
    int file = memfd_create("times", 0);

    return file >= 0 && ftruncate(file, TIMED * sizeof *least_ns) == 0 &&
           dup2(file, TIMES_FILE) == TIMES_FILE && map_times(TIMES_FILE);
}

int main(int count, char **arguments)
{
    static const struct peer peers[] = {
        {"ours, off", NULL, "off"},           {"ours, minimal", NULL, "minimal"},
        {"ours, standard", NULL, "standard"}, {"ours, resident", NULL, "resident"},
        {"glibc", NULL, "libc"},              {"jemalloc", "libjemalloc.so.2", "libc"},
        {"mimalloc", "libmimalloc.so.2", "libc"},
    };
    enum { PEERS = sizeof peers / sizeof *peers };
    const char *operations = "5000000", *steps = "steps";
    struct figures best[PEERS] = {{0}};
    bool is_missing[PEERS] = {false};

    if (count == 5 && strcmp(arguments[1], "--child") == 0)
        return child(arguments[2], arguments[3], strtoull(arguments[4], NULL, 10));
    for (int i = 1; i < count; i++) {
        if (strcmp(arguments[i], "--long") == 0)
            steps = "long";
        else if (strcmp(arguments[i], "--operations") == 0 && i + 1 < count)
            operations = arguments[++i];
    }
    if (!open_times())
        return 1;
    for (int peer = 0; peer < PEERS; peer++) {
        memset(least_ns, 0xFF, TIMED * sizeof *least_ns);
        for (int round = 0; round < ROUNDS + 2 && !is_missing[peer]; round++) {
            const char *what = round < ROUNDS ? "time" : round == ROUNDS ? "waste" : steps;
            struct figures f;

            if (run_child(arguments[0], &peers[peer], what, operations, &f))
                keep_least(&best[peer], &f);
            else
                is_missing[peer] = true;
        }
        read_times(&best[peer]);
    }
    printf("%-16s %7s %8s %9s %9s %26s %15s\n", "", "pair", "p99.9", "p99.999", "max",
           "most steps: start 10^6 10^8", "waste: comb growth");
    for (int peer = 0; peer < PEERS; peer++) {
        if (is_missing[peer])
            printf("%-16s not installed, or failed\n", peers[peer].name);
        else
            print_row(peers[peer].name, &best[peer]);
    }
    return 0;
}
