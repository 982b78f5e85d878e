/* guests/threads.c - a guest with threads: what wasi-libc does with wasi-threads, by hand,
 * because Debian's wasi-libc is built without them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))
#define IMPORT(from, name) __attribute__((import_module(from), import_name(name)))

IMPORT("wasi", "thread-spawn") int32_t thread_spawn(void *start);
IMPORT("wasi_snapshot_preview1", "proc_exit") _Noreturn void proc_exit(uint32_t code);
struct vector { const void *bytes; uint32_t size; };
IMPORT("wasi_snapshot_preview1", "fd_write")
int32_t fd_write(int32_t fd, const struct vector *vectors, uint32_t count, uint32_t *written);

IMPORT("wasi_snapshot_preview1", "args_sizes_get")
int32_t args_sizes_get(uint32_t *count, uint32_t *bytes);

/* ---- starting: each thread has a stack and thread-local storage in the shared memory ---- */

enum { MOST = 12, STACK_BYTES = 4096, TLS_BYTES = 64 };

struct start {
    uint8_t *stack; /* read by the code below: must be first */
    void (*run)(struct start *);
    uint32_t number, rounds;
    _Alignas(16) uint8_t tls[TLS_BYTES];
    _Alignas(16) uint8_t room[STACK_BYTES];
};

static struct start starts[MOST];
static _Thread_local uint32_t own_number;
void __wasm_init_tls(void *memory);

__attribute__((used)) void thread_main(int32_t id, struct start *start)
{
    (void)id;
    __wasm_init_tls(start->tls);
    own_number = start->number;
    start->run(start);
}

__asm__(".globaltype __stack_pointer, i32\n"
        ".functype thread_main (i32, i32) -> ()\n"
        ".export_name wasi_thread_start, wasi_thread_start\n"
        ".globl wasi_thread_start\n"
        ".type wasi_thread_start, @function\n"
        "wasi_thread_start:\n"
        ".functype wasi_thread_start (i32, i32) -> ()\n"
        "local.get 1\ni32.load 0\nglobal.set __stack_pointer\n"
        "local.get 0\nlocal.get 1\ncall thread_main\nend_function\n");

static int32_t spawn(uint32_t number, void (*run)(struct start *), uint32_t rounds)
{
    struct start *start = &starts[number];
    start->stack = start->room + STACK_BYTES;
    start->run = run;
    start->number = number;
    start->rounds = rounds;
    return thread_spawn(start);
}

/* ---- what pthreads are made of ---- */

static void wait(uint32_t *word, uint32_t value)
{
    __builtin_wasm_memory_atomic_wait32((int *)word, (int)value, -1);
}

static void wake(uint32_t *word, uint32_t count)
{
    __builtin_wasm_memory_atomic_notify((int *)word, count);
}

static uint32_t load(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

static uint32_t mutex; /* 0 free, 1 held, 2 held and waited for */

static void lock(void)
{
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(&mutex, &seen, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return;
    while (__atomic_exchange_n(&mutex, 2, __ATOMIC_SEQ_CST) != 0)
        wait(&mutex, 2);
}

static void unlock(void)
{
    if (__atomic_exchange_n(&mutex, 0, __ATOMIC_SEQ_CST) == 2)
        wake(&mutex, 1);
}

static uint32_t finished; /* threads that came to their end */

static void finish(void)
{
    __atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
    wake(&finished, UINT32_MAX);
}

static void join(uint32_t count)
{
    for (uint32_t seen; (seen = load(&finished)) < count;)
        wait(&finished, seen);
}

/* ---- scenarios ---- */

static uint32_t total, wrong;

static void count_up(struct start *start)
{
    for (uint32_t i = 0; i < start->rounds; i++) {
        lock();
        total++;
        unlock();
    }
    if (own_number != start->number)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_SEQ_CST);
    finish();
}

EXPORT(count) uint32_t count(uint32_t threads, uint32_t rounds)
{
    total = finished = 0;
    for (uint32_t i = 0; i < threads; i++)
        if (spawn(i, count_up, rounds) <= 0)
            return 0;
    join(threads);
    return wrong != 0 ? 0 : total;
}

static uint32_t gate, counters[MOST];

static void wait_for_gate(struct start *start)
{
    (void)start;
    while (load(&gate) == 0)
        wait(&gate, 0);
    finish();
}

/* How many of `threads` could be started at once. */
EXPORT(crowd) uint32_t crowd(uint32_t threads, uint32_t unused)
{
    (void)unused;
    uint32_t started = 0;
    gate = finished = 0;
    for (uint32_t i = 0; i < threads && i < MOST; i++)
        started += spawn(i, wait_for_gate, 0) > 0;
    __atomic_store_n(&gate, 1, __ATOMIC_SEQ_CST);
    wake(&gate, UINT32_MAX);
    join(started);
    return started;
}

static void spin(struct start *start)
{
    for (;;)
        __atomic_fetch_add(&counters[start->number], 1, __ATOMIC_SEQ_CST);
}

EXPORT(spinners) uint32_t spinners(uint32_t threads, uint32_t unused)
{
    (void)unused;
    for (uint32_t i = 0; i < threads; i++)
        if (spawn(i, spin, 0) <= 0)
            return 0;
    for (uint32_t i = 0; i < threads; i++)
        while (load(&counters[i]) == 0)
            ;
    return threads;
}

EXPORT(counters_at) uint32_t counters_at(uint32_t unused, uint32_t unused_too)
{
    (void)unused, (void)unused_too;
    return (uint32_t)(uintptr_t)counters;
}

static uint32_t never;

static void wait_for_ever(struct start *start)
{
    (void)start;
    for (;;)
        wait(&never, 0);
}

/* Every thread waits for what no thread does. */
EXPORT(deadlock) uint32_t deadlock(uint32_t threads, uint32_t unused)
{
    (void)unused;
    for (uint32_t i = 0; i < threads; i++)
        if (spawn(i, wait_for_ever, 0) <= 0)
            return 0;
    wait(&never, 0);
    return 1;
}

EXPORT(spin_and_wait) uint32_t spin_and_wait(uint32_t threads, uint32_t unused)
{
    (void)unused;
    for (uint32_t i = 0; i < threads; i++)
        if (spawn(i, spin, 0) <= 0)
            return 0;
    wait(&never, 0);
    return 1;
}

static void divide(struct start *start)
{
    counters[0] = 7 / (start->rounds - 1);
}

static void leave(struct start *start)
{
    proc_exit(start->rounds);
}

EXPORT(trap) uint32_t trap(uint32_t unused, uint32_t rounds)
{
    (void)unused;
    spawn(0, wait_for_ever, 0);
    spawn(1, divide, rounds);
    wait(&never, 0);
    return 1;
}

EXPORT(exit_by_thread) uint32_t exit_by_thread(uint32_t unused, uint32_t code)
{
    (void)unused;
    spawn(0, wait_for_ever, 0);
    spawn(1, leave, code);
    wait(&never, 0);
    return 1;
}

static void ask_into(struct start *start)
{
    uint32_t count;
    args_sizes_get(&count, (uint32_t *)start->rounds);
}

static void ask_for_ever(struct start *start)
{
    uint32_t count, bytes;
    for (;;) {
        args_sizes_get(&count, &bytes);
        counters[start->number]++;
    }
}

/* One lets the host write where it may not, while the other calls the host all the time. */
EXPORT(touch_guard) uint32_t touch_guard(uint32_t by_thread, uint32_t at)
{
    if (by_thread) {
        spawn(0, ask_into, at);
        ask_for_ever(&starts[1]);
    }
    spawn(0, ask_for_ever, at);
    while (*(volatile uint32_t *)&counters[0] < 10)
        ;
    starts[1].rounds = at;
    ask_into(&starts[1]);
    return 1;
}

static void grow(struct start *start)
{
    uint32_t old = (uint32_t)__builtin_wasm_memory_grow(0, 1);
    ((uint8_t *)(old << 16))[5] = 77;
    __atomic_store_n(&counters[start->number], old, __ATOMIC_SEQ_CST);
    finish();
}

EXPORT(grown) uint32_t grown(uint32_t unused, uint32_t unused_too)
{
    (void)unused, (void)unused_too;
    finished = 0;
    if (spawn(0, grow, 0) <= 0)
        return 0;
    join(1);
    return ((volatile uint8_t *)(load(&counters[0]) << 16))[5];
}

static void print(struct start *start)
{
    const char digit = (char)('0' + start->number);
    const struct vector vector = {&digit, 1};
    uint32_t written;
    fd_write(1, &vector, 1, &written);
    finish();
}

EXPORT(_start) void _start(void)
{
    if (count(4, 1000) != 4000)
        proc_exit(1);
    for (uint32_t i = 0; i < 5; i++) {
        finished = 0;
        if (spawn(i, print, 0) <= 0)
            proc_exit(2);
        join(1);
    }
}
