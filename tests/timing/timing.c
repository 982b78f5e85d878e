/* timing.c - counts or times the operations of the platform.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   timing count           under callgrind, which counts what lies between the two requests; one
 *                          part of its output for each turn, named "OPERATION;TURN"
 *   timing calls           under a tracer of its own, which counts the calls of the system between
 *                          two stores to memory that both share; NAME;CALLS;CALLS ALLOWED
 *   timing latency RUNS    time of each run: median, 99.9th percentile, maximum
 *   timing list            NAME;BOUND
 *
 * Times are kept as a histogram, exact up to 4,096 ticks and to 1/64 above, so the figures do not
 * depend on how many runs there are; the maximum is exact.
 */
#define _GNU_SOURCE
#include "timing.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

enum { EXACT = 4096, PARTS = 64, OCTAVES = 40, BUCKETS = EXACT + OCTAVES * PARTS, WARM = 2000 };

enum wrt_status timing_status;

static void nothing(void)
{
}

/* What no operation of the platform may do, to see that it would be noticed. */
static void careless(void)
{
    void *volatile block = malloc(40);

    free(block);
    (void)getppid();
}

static const struct timing_operation overhead[] = {
    {.name = "nothing", .bound = "what measuring costs, taken off the others", .run = nothing},
    {.name = "careless", .bound = "none: allocates and calls the system", .run = careless},
};
static const struct timing_list timing_overhead = {overhead, 2};

static const struct timing_list *const lists[] = {
    &timing_overhead, &timing_arena, &timing_partition, &timing_memory, &timing_sync,
    &timing_queues, &timing_secure, &timing_engine,
};
enum { LISTS = sizeof lists / sizeof *lists };

static void begin(const struct timing_operation *operation)
{
    timing_status = WRT_OK;
    if (operation->begin != NULL)
        operation->begin();
}

static void before(const struct timing_operation *operation, uint32_t turn)
{
    if (operation->before != NULL)
        operation->before(turn);
}

static void after(const struct timing_operation *operation, uint32_t turn)
{
    if (timing_status != WRT_OK) {
        fprintf(stderr, "%s: %s\n", operation->name, wrt_status_name(timing_status));
        abort();
    }
    if (operation->after != NULL)
        operation->after(turn);
}

static void end(const struct timing_operation *operation)
{
    if (operation->end != NULL)
        operation->end();
}

/* ---- count ---- */

static void count(const struct timing_operation *operation)
{
    void (*volatile run)(void) = operation->run;
    uint32_t turns = operation->turns == 0 ? 4 : operation->turns;
    char name[200];

    if (operation->is_native)
        return;
    begin(operation);
    before(operation, 0); /* once uncounted: what the first call binds or maps */
    run();
    after(operation, 0);
    for (uint32_t turn = 1; turn <= turns; turn++) {
        snprintf(name, sizeof name, "%s;%" PRIu32, operation->name, turn);
        before(operation, turn);
        CALLGRIND_ZERO_STATS;
        CALLGRIND_TOGGLE_COLLECT;
        run();
        CALLGRIND_TOGGLE_COLLECT;
        CALLGRIND_DUMP_STATS_AT(name);
        after(operation, turn);
    }
    end(operation);
}

/* ---- calls ---- */

static struct tally {
    uint32_t is_counting, calls, most;
} *tally;

static void trace(const struct timing_operation *operation)
{
    void (*volatile run)(void) = operation->run;
    uint32_t turns = operation->turns == 0 ? 4 : operation->turns;

    begin(operation);
    before(operation, 0);
    run();
    after(operation, 0);
    tally->most = 0;
    for (uint32_t turn = 1; turn <= turns; turn++) {
        before(operation, turn);
        tally->calls = 0;
        __atomic_store_n(&tally->is_counting, 1, __ATOMIC_SEQ_CST);
        run();
        __atomic_store_n(&tally->is_counting, 0, __ATOMIC_SEQ_CST);
        tally->most = tally->calls > tally->most ? tally->calls : tally->most;
        after(operation, turn);
    }
    end(operation);
    printf("%s;%" PRIu32 ";%" PRIu32 "\n", operation->name, tally->most, operation->system_calls);
    fflush(stdout);
}

static void trace_it(const struct timing_operation *operation, uint64_t runs, double tick_ns)
{
    (void)runs;
    (void)tick_ns;
    trace(operation);
}

static void each(void (*visit)(const struct timing_operation *, uint64_t, double), uint64_t runs,
                 double tick_ns, const char *only);

/* Each call of the system stops the child twice: on its way in and out. */
static int follow(pid_t child)
{
    int state = 0;
    bool is_entry = true;

    while (waitpid(child, &state, 0) == child && WIFSTOPPED(state)) {
        int signal = WSTOPSIG(state);

        if (signal == (SIGTRAP | 0x80)) {
            if (is_entry && __atomic_load_n(&tally->is_counting, __ATOMIC_SEQ_CST) != 0)
                tally->calls++;
            is_entry = !is_entry;
            signal = 0;
        } else if (signal == SIGSTOP) {
            if (ptrace(PTRACE_SETOPTIONS, child, NULL, (void *)PTRACE_O_TRACESYSGOOD) != 0)
                return 77;
            signal = 0;
        }
        if (ptrace(PTRACE_SYSCALL, child, NULL, (void *)(uintptr_t)signal) != 0)
            return 77;
    }
    return WIFEXITED(state) ? WEXITSTATUS(state) : 1;
}

/* 77: the system does not let us trace. */
static int count_calls(const char *only)
{
    pid_t child;

    tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (tally == MAP_FAILED)
        return 77;
    child = fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(77);
        raise(SIGSTOP);
        each(trace_it, 0, 0, only);
        exit(0);
    }
    return child < 0 ? 77 : follow(child);
}

/* ---- latency ---- */

#if defined(__x86_64__)
static inline uint64_t ticks(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}
#elif defined(__aarch64__)
static inline uint64_t ticks(void)
{
    uint64_t value;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(value)::"memory");
    return value;
}
#else
static inline uint64_t ticks(void)
{
    return wrt_time_now_ns();
}
#endif

static double ns_per_tick(void)
{
    uint64_t from_ns = wrt_time_now_ns(), from = ticks();

    while (wrt_time_now_ns() - from_ns < 200000000) {
    }
    return (double)(wrt_time_now_ns() - from_ns) / (double)(ticks() - from);
}

static uint64_t histogram[BUCKETS];

static unsigned bucket_of(uint64_t time)
{
    unsigned octave = 0;

    if (time < EXACT)
        return (unsigned)time;
    while (time >> (octave + 13) != 0 && octave < OCTAVES - 1)
        octave++;
    return EXACT + octave * PARTS + (unsigned)(time >> (octave + 6)) % PARTS;
}

static uint64_t time_of(unsigned bucket)
{
    unsigned octave = (bucket - EXACT) / PARTS, part = (bucket - EXACT) % PARTS;

    return bucket < EXACT ? bucket : (uint64_t)(PARTS + part) << (octave + 6);
}

static uint64_t percentile(uint64_t runs, double share)
{
    uint64_t wanted = (uint64_t)((double)runs * share), seen = 0;
    unsigned bucket = 0;

    while (bucket < BUCKETS - 1 && (seen += histogram[bucket]) <= wanted)
        bucket++;
    return time_of(bucket);
}

static void time_it(const struct timing_operation *operation, uint64_t runs, double tick_ns)
{
    void (*volatile run)(void) = operation->run;
    uint64_t most = 0;

    if (operation->most_runs != 0 && operation->most_runs < runs)
        runs = operation->most_runs;
    memset(histogram, 0, sizeof histogram);
    begin(operation);
    for (uint64_t i = 0; i < runs + WARM; i++) {
        uint64_t from, time;

        before(operation, (uint32_t)i);
        from = ticks();
        run();
        time = ticks() - from;
        after(operation, (uint32_t)i);
        if (i < WARM)
            continue;
        histogram[bucket_of(time)]++;
        most = time > most ? time : most;
    }
    end(operation);
    printf("%s;%" PRIu64 ";%.0f;%.0f;%.0f;%" PRIu64 "\n", operation->name, runs,
           (double)percentile(runs, 0.5) * tick_ns, (double)percentile(runs, 0.999) * tick_ns,
           (double)most * tick_ns, percentile(runs, 0.5));
    fflush(stdout);
}

static void each(void (*visit)(const struct timing_operation *, uint64_t, double), uint64_t runs,
                 double tick_ns, const char *only)
{
    for (size_t l = 0; l < LISTS; l++)
        for (size_t i = 0; i < lists[l]->count; i++)
            if (only == NULL || strstr(lists[l]->operations[i].name, only) != NULL)
                visit(&lists[l]->operations[i], runs, tick_ns);
}

static void count_it(const struct timing_operation *operation, uint64_t runs, double tick_ns)
{
    (void)runs;
    (void)tick_ns;
    count(operation);
}

static void list_it(const struct timing_operation *operation, uint64_t runs, double tick_ns)
{
    (void)runs;
    (void)tick_ns;
    printf("%s;%s\n", operation->name, operation->bound);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    if (strcmp(what, "count") == 0)
        each(count_it, 0, 0, argc > 2 ? argv[2] : NULL);
    else if (strcmp(what, "list") == 0)
        each(list_it, 0, 0, NULL);
    else if (strcmp(what, "calls") == 0)
        return count_calls(argc > 2 ? argv[2] : NULL);
    else if (strcmp(what, "latency") == 0 && argc > 2)
        each(time_it, strtoull(argv[2], NULL, 10), ns_per_tick(), argc > 3 ? argv[3] : NULL);
    else {
        fprintf(stderr, "usage: timing count [NAME] | calls [NAME] | latency RUNS [NAME] | list\n");
        return 2;
    }
    return 0;
}
