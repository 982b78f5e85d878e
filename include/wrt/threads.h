/* wrt/threads.h - wasi-threads: the threads of one guest, which start and end together.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A guest calls wasi.thread-spawn(argument); a new thread of this process then runs its export
 * wasi_thread_start(thread, argument) in a store of its own, on a new instance of the same
 * module that shares the memory. Descriptors are shared too. What a thread costs (store,
 * instance, host stack) is charged to the partition before it starts, and it runs under the
 * partition's priority, affinity and budget (wrt_partition_adopt_thread). If any of it is refused,
 * or max_threads live already, the guest is told -6 (EAGAIN).
 *
 *   one traps or exits   all end; that is the guest's end (wrt_threads_get_outcome)
 *   one runs out of fuel, or the first is interrupted or past its deadline
 *                        all pause, wherever they are, asleep in a wait too; resumed together
 *
 * Fuel is counted for each thread alone, so a thread uses the same whatever the others do.
 *
 * The partition needs an arena that is shared (config.arena->is_shared), the guest a module that
 * imports its shared memory (clang: --import-memory --shared-memory).
 *
 * A thread is inside of its partition while it lives (wrt_partition_guard_enter), so a sealed one
 * stays open as long as the guest has threads.
 *
 * Threads: these calls belong to the thread that the first store belongs to; to stop the guest
 * from another one, wrt_store_interrupt the first store.
 */
#ifndef WRT_THREADS_H
#define WRT_THREADS_H

#include "wrt/base.h"
#include "wrt/store.h"
#include "wrt/wasi.h"

WRT_BEGIN_DECLS

struct wrt_threads;

/* Defines in a new thread's store what the module imports beyond WASI and the memory. Runs in
 * the thread that spawns. An error refuses the new thread. */
typedef enum wrt_status wrt_threads_define(void *context, struct wrt_store *store,
                                           struct wrt_error *error);

/* Zero-fill, set what you need. A bad value is ERR_ARGUMENT and named. */
struct wrt_threads_config {
    uint32_t max_threads;      /* alive at once besides the first; 1 .. 254; 0 = 16 */
    int priority;              /* > 0: real-time, first in first out; 0 = the partition's, else
                                  of who spawns */
    uint64_t affinity;         /* bit n: may run on processor n; 0 = likewise */
    uint64_t host_stack_bytes; /* of each thread; 64 KiB .. 1 GiB; 0 = 256 KiB */
    uint64_t fuel;             /* a thread gets it at its start, and again when it is resumed
                                  without any; 0 = not limited */
    struct wrt_store_config store; /* of each thread's store */
    wrt_threads_define *define;    /* NULL: nothing more */
    void *context;                 /* for it; keeps */
};

/* Before `store` instantiates `module`: makes the shared memory that the module imports and
 * defines it and wasi.thread-spawn there. `wasi` (NULL: none) is defined in the store already.
 * Keeps store, module and wasi until destroy. Gives *out, charged to the store's partition.
 * ERR_ARGUMENT: the module imports no shared memory; ERR_UNSUPPORTED: no threads here.
 * Cost: O(max_threads) and as wrt_memory_create, may block (system), may fault; 6600 bytes of
 * stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_threads_create(struct wrt_store *store, struct wrt_module *module, struct wrt_wasi *wasi,
                   const struct wrt_threads_config *config, struct wrt_threads **out,
                   struct wrt_error *error);

/* As wrt_function_call_slots and wrt_store_resume_slots on the first store, for all threads.
 *   WRT_OK      the call returned; other threads go on until destroy
 *   WRT_PAUSED  all have paused
 *   WRT_EXITED, ERR_TRAP   the guest has ended, by any of its threads; all are gone
 * After such an end: ERR_STATE. Blocks.
 * Cost: O(threads) and as wrt_function_call_slots, blocks while a guest thread runs, may fault;
 * 6000 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_threads_call(struct wrt_threads *threads, struct wrt_function *function,
                 const union wrt_slot *arguments, uint32_t argument_count,
                 union wrt_slot *results, uint32_t result_count);
/* Cost: O(threads) and as wrt_store_resume_slots, blocks while a guest thread runs, may fault;
 * 5900 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_threads_resume(struct wrt_threads *threads, union wrt_slot *results, uint32_t result_count);

/* How the guest ended or why it paused. */
struct wrt_threads_outcome {
    enum wrt_status status;            /* WRT_OK: it goes on */
    uint32_t thread;                   /* whose doing it was; 0 = the first */
    uint32_t exit_code;                /* WRT_EXITED */
    struct wrt_trap trap;              /* ERR_TRAP */
    enum wrt_pause_reason pause_reason; /* WRT_PAUSED */
};
/* Cost: O(1), may block (lock), never faults. */
WRT_API void wrt_threads_get_outcome(struct wrt_threads *threads,
                                     struct wrt_threads_outcome *out);
/* Threads that live, the first not counted.
 * Cost: O(max_threads), may block (lock), never faults; 288 bytes of stack. */
WRT_API uint32_t wrt_threads_count(struct wrt_threads *threads);

/* Ends all threads but the first, waits until they are gone, and frees. Before the first store
 * is destroyed, and not while a call of it is under way; a paused one is dropped. NULL does
 * nothing.
 * Cost: O(max_threads), blocks until all threads ended, may fault; 2600 bytes of stack. */
WRT_API void wrt_threads_destroy(struct wrt_threads *threads);

WRT_END_DECLS
#endif
