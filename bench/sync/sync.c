/* bench/sync/sync.c - the structures of src/sync beside their peers, in one run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Peers: glibc (mutex with inheritance, malloc), the raw futex call, Concurrency Kit. Competitors
 * take turns, batch by batch, so a neighbour's load hits them alike. A sample is the time of a
 * batch divided by its operations; printed are median, 99.9th percentile and maximum in
 * nanoseconds, and the median beside the first of the group. On a shared machine the maxima are
 * the machine's (a processor taken away for milliseconds).
 *
 * sync            the table, or "group;name;median;p99.9;max;ratio" lines with --csv
 * sync --rings    rings and pool alone
 * sync --calls N  does nothing but 1,000 operations of one kind, to count kernel calls under strace
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <ck_ring.h>
#include <ck_stack.h>
#include <linux/futex.h>

#include "wrt/wrt.h"

enum { SAMPLES = 2001, BATCH = 200, CAPACITY = 1024 };

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void must(enum wrt_status status, const char *what)
{
    if (status != WRT_OK) {
        fprintf(stderr, "%s: %s\n", what, wrt_status_name(status));
        exit(1);
    }
}

static void pin(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    (void)sched_setaffinity(0, sizeof set, &set);
}

/* ---- competitors and their table ---- */

struct competitor {
    const char *name;
    void (*batch)(void); /* operations() of them */
    uint32_t operations;
    double samples[SAMPLES];
};

static bool csv;

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static void print_group(const char *group, struct competitor *list, int count)
{
    double first = 0;
    if (!csv)
        printf("\n%-44s %10s %10s %12s %8s\n", group, "median", "p99.9", "max", "ratio");
    for (int i = 0; i < count; i++) {
        double *samples = list[i].samples;
        qsort(samples, SAMPLES, sizeof *samples, by_value);
        double median = samples[SAMPLES / 2], high = samples[SAMPLES - 1 - SAMPLES / 1000];
        if (i == 0)
            first = median;
        if (csv)
            printf("%s;%s;%.1f;%.1f;%.1f;%.2f\n", group, list[i].name, median, high,
                   samples[SAMPLES - 1], median / first);
        else
            printf("  %-42s %10.1f %10.1f %12.1f %8.2f\n", list[i].name, median, high,
                   samples[SAMPLES - 1], median / first);
    }
}

static void compete(const char *group, struct competitor *list, int count)
{
    for (int i = 0; i < count; i++)
        list[i].batch(); /* warm */
    for (int sample = 0; sample < SAMPLES; sample++)
        for (int i = 0; i < count; i++) {
            uint64_t start = now_ns();
            list[i].batch();
            list[i].samples[sample] = (double)(now_ns() - start) / list[i].operations;
        }
    print_group(group, list, count);
}

/* ---- mutex ---- */

static pthread_mutex_t glibc_inherit, glibc_checked;
static struct wrt_mutex own_mutex;

static void lock_glibc(void)
{
    for (int i = 0; i < BATCH; i++) {
        pthread_mutex_lock(&glibc_inherit);
        pthread_mutex_unlock(&glibc_inherit);
    }
}

static void lock_glibc_checked(void)
{
    for (int i = 0; i < BATCH; i++) {
        pthread_mutex_lock(&glibc_checked);
        pthread_mutex_unlock(&glibc_checked);
    }
}

static void lock_own(void)
{
    for (int i = 0; i < BATCH; i++) {
        (void)!wrt_mutex_lock(&own_mutex);
        (void)wrt_mutex_unlock(&own_mutex);
    }
}

static void bench_mutex(void)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&glibc_inherit, &attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&glibc_checked, &attributes);
    must(wrt_mutex_init(&own_mutex, NULL), "mutex");
    static struct competitor list[] = { { "glibc, inheriting", lock_glibc, BATCH, { 0 } },
                                        { "glibc, inheriting, checked", lock_glibc_checked, BATCH, { 0 } },
                                        { "wrt_mutex (inheriting, checked)", lock_own, BATCH, { 0 } } };
    compete("lock and unlock, uncontended", list, 3);
}

/* ---- a wake that nobody waits for ---- */

static uint32_t lonely;
static struct wrt_futex_domain host, portable;

static void wake_raw(void)
{
    for (int i = 0; i < BATCH; i++)
        syscall(SYS_futex, &lonely, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wake_host(void)
{
    for (int i = 0; i < BATCH; i++)
        (void)wrt_futex_wake(&host, &lonely, 1, NULL);
}

static void wake_portable(void)
{
    for (int i = 0; i < BATCH; i++)
        (void)wrt_futex_wake(&portable, &lonely, 1, NULL);
}

/* ---- a wake until the other thread is back from its wait: half of a round trip ---- */

enum way { RAW, HOST, PORTABLE, WAYS };
static uint32_t turns[2]; /* which of them may go; one word each */
static struct { enum way way; int processor; uint32_t rounds; bool has_ended; } partner;

static void wait_turn(enum way way, uint32_t *word, uint32_t seen)
{
    while (__atomic_load_n(word, __ATOMIC_ACQUIRE) == seen) {
        if (way == RAW)
            syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
        else
            (void)!wrt_futex_wait(way == HOST ? &host : &portable, word, seen, UINT64_MAX, NULL);
    }
}

static void give_turn(enum way way, uint32_t *word)
{
    (void)__atomic_fetch_add(word, 1, __ATOMIC_RELEASE);
    if (way == RAW)
        syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    else
        (void)wrt_futex_wake(way == HOST ? &host : &portable, word, 1, NULL);
}

static void *answer(void *context)
{
    enum way way = *(enum way *)context;
    pin(partner.processor);
    for (uint32_t round = 0; round < partner.rounds; round++) {
        wait_turn(way, &turns[0], round);
        give_turn(way, &turns[1]);
    }
    return NULL;
}

static void bench_wake(const char *group, int processor)
{
    static const char *const names[WAYS] = { "raw futex", "wrt_futex, host", "wrt_futex, portable" };
    static struct competitor list[WAYS];
    /* Whole runs take turns here: each has a thread of its own. */
    enum { PARTS = 9, PART = SAMPLES / PARTS + 1 };
    for (int part = 0; part < PARTS; part++)
        for (enum way way = RAW; way < WAYS; way++) {
            pthread_t thread;
            partner.processor = processor;
            partner.rounds = PART;
            turns[0] = turns[1] = 0;
            list[way].name = names[way];
            pthread_create(&thread, NULL, answer, &way);
            for (uint32_t round = 0; round < PART; round++) {
                uint64_t start = now_ns();
                give_turn(way, &turns[0]);
                wait_turn(way, &turns[1], round);
                int sample = part * PART + (int)round;
                if (sample < SAMPLES)
                    list[way].samples[sample] = (double)(now_ns() - start) / 2;
            }
            pthread_join(thread, NULL);
        }
    print_group(group, list, WAYS);
}

/* ---- rings: one thread puts in and takes out ---- */

static struct wrt_spsc_words words;
static struct wrt_spsc_producer producer;
static struct wrt_spsc_consumer consumer;
static void *spsc_items[CAPACITY];
static struct wrt_mpsc_ring mpsc;
static uint64_t mpsc_storage[WRT_MPSC_BYTES(CAPACITY, sizeof(void *)) / 8];
static struct wrt_mpmc_ring mpmc;
static void *mpmc_items[CAPACITY];
static uint32_t mpmc_links[CAPACITY];
static uint64_t mpmc_cells[CAPACITY];
static ck_ring_t ck_spsc, ck_mpsc, ck_mpmc;
static ck_ring_buffer_t ck_buffers[3][CAPACITY];
static void *volatile sink;

static void start_rings(void)
{
    words = (struct wrt_spsc_words){ .published = 0 };
    must(wrt_spsc_producer_init(&producer, &words, spsc_items, CAPACITY, sizeof(void *)), "spsc");
    must(wrt_spsc_consumer_init(&consumer, &words, spsc_items, CAPACITY, sizeof(void *)), "spsc");
    must(wrt_mpsc_ring_init(&mpsc, mpsc_storage, CAPACITY, sizeof(void *)), "mpsc");
    must(wrt_mpmc_ring_init(&mpmc, mpmc_items, mpmc_links, mpmc_cells, CAPACITY, sizeof(void *)),
         "mpmc");
    ck_ring_init(&ck_spsc, CAPACITY);
    ck_ring_init(&ck_mpsc, CAPACITY);
    ck_ring_init(&ck_mpmc, CAPACITY);
}

static bool put_spsc(void *item)
{
    return wrt_spsc_push_sized(&producer, &item, sizeof item) == WRT_OK;
}

static bool get_spsc(void **out)
{
    return wrt_spsc_pop_sized(&consumer, out, sizeof *out) == WRT_OK;
}

static bool put_mpsc(void *item)
{
    struct wrt_ring_slot slot;
    if (wrt_mpsc_claim(&mpsc, &slot) != WRT_OK)
        return false;
    *(void **)slot.item = item;
    wrt_mpsc_publish(&mpsc, slot);
    return true;
}

static bool get_mpsc(void **out)
{
    struct wrt_ring_slot slot;
    if (wrt_mpsc_take(&mpsc, &slot) != WRT_OK)
        return false;
    *out = *(void **)slot.item;
    wrt_mpsc_release(&mpsc, slot);
    return true;
}

static bool put_mpmc(void *item)
{
    struct wrt_ring_slot slot;
    if (wrt_mpmc_claim(&mpmc, &slot) != WRT_OK)
        return false;
    *(void **)slot.item = item;
    wrt_mpmc_publish(&mpmc, slot);
    return true;
}

static bool get_mpmc(void **out)
{
    struct wrt_ring_slot slot;
    if (wrt_mpmc_take(&mpmc, &slot) != WRT_OK)
        return false;
    *out = *(void **)slot.item;
    wrt_mpmc_release(&mpmc, slot);
    return true;
}

static bool put_ck_spsc(void *item) { return ck_ring_enqueue_spsc(&ck_spsc, ck_buffers[0], item); }
static bool get_ck_spsc(void **out) { return ck_ring_dequeue_spsc(&ck_spsc, ck_buffers[0], out); }
static bool put_ck_mpsc(void *item) { return ck_ring_enqueue_mpsc(&ck_mpsc, ck_buffers[1], item); }
static bool get_ck_mpsc(void **out) { return ck_ring_dequeue_mpsc(&ck_mpsc, ck_buffers[1], out); }
static bool put_ck_mpmc(void *item) { return ck_ring_enqueue_mpmc(&ck_mpmc, ck_buffers[2], item); }
static bool get_ck_mpmc(void **out) { return ck_ring_dequeue_mpmc(&ck_mpmc, ck_buffers[2], out); }

#define PAIR(name)                                                \
    static void pair_##name(void)                                 \
    {                                                             \
        void *item = &lonely;                                     \
        for (int i = 0; i < BATCH; i++)                           \
            if (!put_##name(item) || !get_##name(&item))          \
                abort();                                          \
        sink = item;                                              \
    }
PAIR(spsc)
PAIR(mpsc)
PAIR(mpmc)
PAIR(ck_spsc)
PAIR(ck_mpsc)
PAIR(ck_mpmc)

/* What claiming several at once is for. */
static void pair_spsc_8(void)
{
    void *room;
    const void *item;
    uint32_t count;
    for (int i = 0; i < BATCH / 8; i++) {
        if (wrt_spsc_claim(&producer, 8, &room, &count) != WRT_OK)
            abort();
        for (uint32_t k = 0; k < count; k++)
            ((void **)room)[k] = &lonely;
        if (wrt_spsc_publish(&producer, count) != WRT_OK ||
            wrt_spsc_take(&consumer, 8, &item, &count) != WRT_OK)
            abort();
        for (uint32_t k = 0; k < count; k++)
            sink = ((void *const *)item)[k];
        if (wrt_spsc_release(&consumer, count) != WRT_OK)
            abort();
    }
}

/* ---- rings: from other threads to this one ---- */

enum { TRANSFER = 20000 };
static struct { bool (*put)(void *); uint32_t producers; int processor; } sending;

static void *send_items(void *context)
{
    pin(context ? 0 : sending.processor);
    for (uint32_t i = 0; i < TRANSFER / sending.producers; i++)
        for (uint32_t tries = 1; !sending.put(&lonely); tries++)
            if (tries % 64 == 0)
                sched_yield();
    return NULL;
}

static double transfer(bool (*put)(void *), bool (*get)(void **), uint32_t producers)
{
    pthread_t threads[4];
    void *item;
    sending.put = put, sending.producers = producers, sending.processor = 1;
    uint64_t start = now_ns();
    for (uint32_t i = 0; i < producers; i++)
        pthread_create(&threads[i], NULL, send_items, i == 1 ? &lonely : NULL);
    for (uint32_t i = 0; i < TRANSFER / producers * producers; i++)
        for (uint32_t tries = 1; !get(&item); tries++)
            if (tries % 64 == 0)
                sched_yield();
    double each = (double)(now_ns() - start) / TRANSFER;
    for (uint32_t i = 0; i < producers; i++)
        pthread_join(threads[i], NULL);
    return each;
}

struct ring { const char *name; bool (*put)(void *); bool (*get)(void **); };

static void bench_transfer(const char *group, const struct ring *rings, int count, uint32_t producers)
{
    static struct competitor list[4];
    enum { RUNS = 101 };
    for (int run = 0; run < SAMPLES; run++)
        for (int i = 0; i < count; i++) {
            list[i].name = rings[i].name;
            list[i].samples[run] = run < RUNS ? transfer(rings[i].put, rings[i].get, producers)
                                              : list[i].samples[run - RUNS];
        }
    print_group(group, list, count);
}

static void bench_rings(void)
{
    static struct competitor spsc[] = { { "Concurrency Kit", pair_ck_spsc, BATCH, { 0 } },
                                        { "wrt_spsc", pair_spsc, BATCH, { 0 } },
                                        { "wrt_spsc, 8 at a time", pair_spsc_8, BATCH, { 0 } } };
    static struct competitor many[] = { { "Concurrency Kit", pair_ck_mpsc, BATCH, { 0 } },
                                        { "wrt_mpsc", pair_mpsc, BATCH, { 0 } } };
    static struct competitor both[] = { { "Concurrency Kit", pair_ck_mpmc, BATCH, { 0 } },
                                        { "wrt_mpmc", pair_mpmc, BATCH, { 0 } } };
    static const struct ring spsc_rings[] = { { "Concurrency Kit", put_ck_spsc, get_ck_spsc },
                                              { "wrt_spsc", put_spsc, get_spsc } };
    static const struct ring mpsc_rings[] = { { "Concurrency Kit", put_ck_mpsc, get_ck_mpsc },
                                              { "wrt_mpsc", put_mpsc, get_mpsc },
                                              { "wrt_mpmc", put_mpmc, get_mpmc } };
    start_rings();
    compete("ring, one to one: in and out by one thread", spsc, 3);
    compete("ring, many to one: in and out by one thread", many, 2);
    compete("ring, many to many: in and out by one thread", both, 2);
    bench_transfer("ring, one to one: per item across processors", spsc_rings, 2, 1);
    bench_transfer("ring, two to one: per item across processors", mpsc_rings, 3, 2);
}

/* ---- pool ---- */

enum { OBJECTS = 256, OBJECT_BYTES = 64 };
static struct wrt_object_pool pool;
static struct wrt_object_cache cache;
static uint8_t pool_objects[OBJECTS * OBJECT_BYTES] WRT_CACHE_ALIGNED;
static uint32_t pool_links[OBJECTS];
static ck_stack_t ck_stack;
static ck_stack_entry_t ck_entries[OBJECTS];

static void pool_glibc(void)
{
    for (int i = 0; i < BATCH; i++) {
        void *object = malloc(OBJECT_BYTES);
        sink = object;
        free(object);
    }
}

static void pool_ck(void)
{
    for (int i = 0; i < BATCH; i++) {
        ck_stack_entry_t *entry = ck_stack_pop_mpmc(&ck_stack);
        sink = entry;
        ck_stack_push_mpmc(&ck_stack, entry);
    }
}

static void pool_own(void)
{
    for (int i = 0; i < BATCH; i++) {
        void *object = NULL;
        (void)!wrt_object_pool_take(&pool, &object);
        sink = object;
        (void)!wrt_object_pool_give(&pool, object);
    }
}

static void pool_cache(void)
{
    for (int i = 0; i < BATCH; i++) {
        void *object = NULL;
        (void)!wrt_object_cache_take(&cache, &object);
        sink = object;
        (void)!wrt_object_cache_give(&cache, object);
    }
}

static void bench_pool(void)
{
    must(wrt_object_pool_init(&pool, pool_objects, pool_links, OBJECTS, OBJECT_BYTES), "pool");
    cache.pool = &pool;
    ck_stack_init(&ck_stack);
    for (int i = 0; i < OBJECTS; i++)
        ck_stack_push_mpmc(&ck_stack, &ck_entries[i]);
    static struct competitor list[] = { { "glibc malloc(64), free", pool_glibc, BATCH, { 0 } },
                                        { "Concurrency Kit stack", pool_ck, BATCH, { 0 } },
                                        { "wrt_object_pool", pool_own, BATCH, { 0 } },
                                        { "wrt_object_cache", pool_cache, BATCH, { 0 } } };
    compete("pool: take and give, one thread", list, 4);
}

/* ---- latest value ---- */

static struct wrt_triple_buffer triple;
static uint8_t triple_storage[WRT_TRIPLE_BYTES(64)] WRT_CACHE_ALIGNED;
static struct wrt_seqlock seqlock;
static uint64_t guarded[8], value[8];

static void latest_mutex(void)
{
    for (int i = 0; i < BATCH; i++) {
        value[0]++;
        pthread_mutex_lock(&glibc_inherit);
        memcpy(guarded, value, sizeof value);
        pthread_mutex_unlock(&glibc_inherit);
        pthread_mutex_lock(&glibc_inherit);
        memcpy(value, guarded, sizeof value);
        pthread_mutex_unlock(&glibc_inherit);
    }
}

static void latest_triple(void)
{
    for (int i = 0; i < BATCH; i++) {
        value[0]++;
        memcpy(wrt_triple_buffer_write(&triple), value, sizeof value);
        wrt_triple_buffer_publish(&triple);
        sink = *(void *const *)wrt_triple_buffer_read(&triple, NULL);
    }
}

static void latest_seqlock(void)
{
    uint64_t out[8];
    for (int i = 0; i < BATCH; i++) {
        value[0]++;
        wrt_seqlock_write(&seqlock, guarded, value, 8);
        (void)!wrt_seqlock_read(&seqlock, guarded, out, 8, 4);
    }
}

static void bench_latest(void)
{
    must(wrt_triple_buffer_init(&triple, triple_storage, 64), "triple");
    static struct competitor list[] = { { "glibc inheriting mutex and copies", latest_mutex, BATCH, { 0 } },
                                        { "wrt_triple_buffer", latest_triple, BATCH, { 0 } },
                                        { "wrt_seqlock", latest_seqlock, BATCH, { 0 } } };
    compete("64-byte latest value: write and read", list, 3);
}

static void start_domains(void)
{
    struct wrt_futex_config config = { .kind = WRT_FUTEX_PORTABLE, .trust_addresses = true };
    must(wrt_futex_domain_init(&portable, &config), "portable futex");
    config.kind = WRT_FUTEX_HOST;
    must(wrt_futex_domain_init(&host, &config), "host futex");
}

/* ---- kernel calls, to be counted from outside ---- */

static void repeat(void (*batch)(void))
{
    for (int i = 0; i < 1000 / BATCH; i++)
        batch();
}

static int run_calls(const char *what)
{
    enum way way = strcmp(what, "trip-host") == 0 ? HOST : PORTABLE;
    must(wrt_mutex_init(&own_mutex, NULL), "mutex");
    must(wrt_triple_buffer_init(&triple, triple_storage, 64), "triple");
    must(wrt_object_pool_init(&pool, pool_objects, pool_links, OBJECTS, OBJECT_BYTES), "pool");
    start_rings();
    if (strcmp(what, "mutex") == 0)
        repeat(lock_own);
    else if (strcmp(what, "wake-host") == 0)
        repeat(wake_host);
    else if (strcmp(what, "wake-portable") == 0)
        repeat(wake_portable);
    else if (strcmp(what, "rings") == 0)
        repeat(pair_spsc), repeat(pair_mpsc), repeat(pair_mpmc);
    else if (strcmp(what, "pool") == 0)
        repeat(pool_own);
    else if (strcmp(what, "latest") == 0)
        repeat(latest_triple);
    else if (strncmp(what, "trip-", 5) == 0) {
        pthread_t thread;
        partner.rounds = 1000;
        pthread_create(&thread, NULL, answer, &way);
        for (uint32_t round = 0; round < 1000; round++) {
            give_turn(way, &turns[0]);
            wait_turn(way, &turns[1], round);
        }
        pthread_join(thread, NULL);
    } else if (strcmp(what, "nothing") != 0) {
        return 2;
    }
    return 0;
}

int main(int argc, char **argv)
{
    pin(0);
    start_domains();
    if (argc == 3 && strcmp(argv[1], "--calls") == 0)
        return run_calls(argv[2]);
    csv = argc == 2 && strcmp(argv[1], "--csv") == 0;
    if (argc == 2 && strcmp(argv[1], "--rings") == 0) {
        bench_rings();
        bench_pool();
        return 0;
    }
    bench_mutex();
    static struct competitor vain[] = { { "raw futex", wake_raw, BATCH, { 0 } },
                                        { "wrt_futex, host", wake_host, BATCH, { 0 } },
                                        { "wrt_futex, portable", wake_portable, BATCH, { 0 } } };
    compete("wake with nobody waiting", vain, 3);
    bench_wake("wake to woken, one processor", 0);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
        bench_wake("wake to woken, across processors", 1);
    bench_rings();
    bench_pool();
    bench_latest();
    return 0;
}
