/* src/sync/lock_order.c - records in which order mutexes are taken; see wrt/lock.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: a graph over the mutexes, a -> b when b was taken while a was held. A taking that adds
 * an edge against an existing path could deadlock on another day: it is reported with the stack
 * of both takings, though nothing happened yet. And what each thread holds and waits for tells
 * whether a wait would close a circle now.
 *
 * Limits: 256 mutexes, 64 threads that hold one, 16 held by one thread, 1,024 edges; beyond
 * that less is seen, nothing breaks. Mutexes of other processes are not followed. Compiled
 * without NDEBUG only; one mutex of the port guards it all.
 */
#include "sync/lock_order.h"

#ifdef NDEBUG

enum wrt_status wrt_lock_set_report(wrt_lock_report_function *report, void *context)
{
    (void)report, (void)context;
    return WRT_ERR_UNSUPPORTED;
}

#else

#include <string.h>

#include "port.h"
#include "port_sync.h"

enum { MAX_MUTEXES = 256, MAX_THREADS = 64, MAX_HELD = 16, MAX_EDGES = 1024 };

struct stack {
    uint32_t depth;
    const void *frames[WRT_LOCK_STACK_DEPTH];
};

struct edge { /* `to` was taken while `from` was held */
    uint16_t from, to; /* numbers; 0 = free */
    bool is_reported;
    struct stack taken;
};

struct thread {
    uint32_t id; /* 0 = free */
    uint32_t held_count;
    uint16_t held[MAX_HELD];
    uint16_t waiting; /* 0 = not */
    struct stack waits;
};

static struct wrt_port_mutex guard;
static uint32_t guard_state; /* 0, 1 being made, 2 made */
static struct wrt_mutex *mutexes[MAX_MUTEXES + 1];
static struct edge edges[MAX_EDGES];
static uint32_t edge_count;
static struct thread threads[MAX_THREADS];
static wrt_lock_report_function *listener;
static void *listener_context;

static bool enter(void)
{
    uint32_t state = 0;
    if (__atomic_compare_exchange_n(&guard_state, &state, 1, false, __ATOMIC_ACQUIRE,
                                    __ATOMIC_ACQUIRE)) {
        struct wrt_port_lock_config config = { .ceiling = 0 };
        state = wrt_port_lock_init(&guard, &config) == WRT_OK ? 2 : 0;
        __atomic_store_n(&guard_state, state, __ATOMIC_RELEASE);
    }
    /* Somebody else is making it: this one event goes unrecorded. */
    return state == 2 && wrt_port_lock_take(&guard) == WRT_OK;
}

static void leave(void) { (void)!wrt_port_lock_give(&guard); }

enum wrt_status wrt_lock_set_report(wrt_lock_report_function *report, void *context)
{
    if (!enter())
        return WRT_ERR_UNSUPPORTED;
    listener = report;
    listener_context = context;
    leave();
    return WRT_OK;
}

static void note_stack(struct stack *out)
{
    out->depth = wrt_port_stack(out->frames, WRT_LOCK_STACK_DEPTH);
}

static void report(enum wrt_lock_fault fault, uint32_t first, uint32_t second,
                   const struct stack *before)
{
    if (!listener)
        return;
    struct stack now;
    note_stack(&now);
    struct wrt_lock_report what = { .fault = fault, .first = mutexes[first],
                                    .second = mutexes[second], .depth_now = now.depth,
                                    .depth_before = before->depth };
    memcpy(what.stack_now, now.frames, sizeof now.frames);
    memcpy(what.stack_before, before->frames, sizeof before->frames);
    listener(listener_context, &what);
}

/* ---- threads: one is listed while it holds or awaits a mutex ---- */

static struct thread *find_thread(uint32_t id)
{
    for (uint32_t i = 0; i < MAX_THREADS; i++)
        if (threads[i].id == id)
            return &threads[i];
    return NULL;
}

static struct thread *list_thread(uint32_t id)
{
    struct thread *thread = find_thread(id);
    if (!thread && (thread = find_thread(0)) != NULL) {
        memset(thread, 0, sizeof *thread);
        thread->id = id;
    }
    return thread;
}

static void unlist_if_idle(struct thread *thread)
{
    if (thread->held_count == 0 && thread->waiting == 0)
        thread->id = 0;
}

static struct thread *find_holder(uint32_t number)
{
    for (uint32_t i = 0; i < MAX_THREADS; i++)
        for (uint32_t h = 0; threads[i].id != 0 && h < threads[i].held_count; h++)
            if (threads[i].held[h] == number)
                return &threads[i];
    return NULL;
}

/* Nobody holds it: it is taken anew, or goes. (Its holder may have ended holding it.) */
static void forget_holder(uint32_t number)
{
    struct thread *holder = find_holder(number);
    for (uint32_t i = 0; holder && i < holder->held_count; i++)
        if (holder->held[i] == number) {
            holder->held[i] = holder->held[--holder->held_count];
            break;
        }
    if (holder)
        unlist_if_idle(holder);
}

/* ---- mutexes ---- */

void wrt_order_add(struct wrt_mutex *mutex)
{
    mutex->number = 0;
    if (!enter())
        return;
    for (uint32_t i = 1; i <= MAX_MUTEXES && mutex->number == 0; i++)
        if (!mutexes[i]) {
            mutexes[i] = mutex;
            mutex->number = i;
        }
    leave();
}

void wrt_order_remove(struct wrt_mutex *mutex)
{
    if (mutex->number == 0 || !enter())
        return;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < edge_count; i++)
        if (edges[i].from != mutex->number && edges[i].to != mutex->number)
            edges[kept++] = edges[i];
    edge_count = kept;
    forget_holder(mutex->number);
    mutexes[mutex->number] = NULL;
    mutex->number = 0;
    leave();
}

/* ---- orders ---- */

static struct edge *find_edge(uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < edge_count; i++)
        if (edges[i].from == from && edges[i].to == to)
            return &edges[i];
    return NULL;
}

/* The first edge of some path from one mutex to another, NULL if there is none. The edge list
 * is swept until a sweep reaches nothing new: at most MAX_MUTEXES sweeps. */
static struct edge *find_path(uint32_t from, uint32_t to)
{
    struct edge *reached_by[MAX_MUTEXES + 1] = { NULL };
    bool is_growing = true;
    while (is_growing) {
        is_growing = false;
        for (uint32_t i = 0; i < edge_count; i++) {
            struct edge *edge = &edges[i];
            struct edge *start = edge->from == from ? edge : reached_by[edge->from];
            if (!start || reached_by[edge->to])
                continue;
            reached_by[edge->to] = start;
            is_growing = true;
        }
    }
    return reached_by[to];
}

static void note_order(uint32_t held, uint32_t taken)
{
    struct edge *edge = find_edge(held, taken);
    if (edge || edge_count == MAX_EDGES)
        return;
    edge = &edges[edge_count++];
    *edge = (struct edge){ .from = (uint16_t)held, .to = (uint16_t)taken };
    note_stack(&edge->taken);
    struct edge *opposite = find_path(taken, held);
    if (opposite && !opposite->is_reported) {
        opposite->is_reported = true;
        report(WRT_LOCK_INVERSION, held, taken, &opposite->taken);
    }
}

/* From the mutex's holder to what that one waits for, and so on: back to us? At most
 * MAX_THREADS steps. */
static struct thread *find_circle(uint32_t number, const struct thread *caller)
{
    for (uint32_t step = 0; step < MAX_THREADS; step++) {
        struct thread *holder = find_holder(number);
        if (!holder || holder == caller)
            return NULL;
        if (holder->waiting == 0)
            return NULL;
        if (find_holder(holder->waiting) == caller)
            return holder;
        number = holder->waiting;
    }
    return NULL;
}

enum wrt_status wrt_order_wait(struct wrt_mutex *mutex)
{
    enum wrt_status status = WRT_OK;
    if (mutex->number == 0 || !enter())
        return WRT_OK;
    struct thread *caller = list_thread(wrt_port_thread_id());
    if (caller) {
        struct thread *other = find_circle(mutex->number, caller);
        if (other) {
            report(WRT_LOCK_CIRCLE, mutex->number, other->waiting, &other->waits);
            status = WRT_ERR_DEADLOCK;
        } else {
            caller->waiting = (uint16_t)mutex->number;
            note_stack(&caller->waits);
        }
        unlist_if_idle(caller);
    }
    leave();
    return status;
}

void wrt_order_stop_waiting(struct wrt_mutex *mutex)
{
    if (mutex->number == 0 || !enter())
        return;
    struct thread *caller = find_thread(wrt_port_thread_id());
    if (caller) {
        caller->waiting = 0;
        unlist_if_idle(caller);
    }
    leave();
}

void wrt_order_taken(struct wrt_mutex *mutex)
{
    if (mutex->number == 0 || !enter())
        return;
    forget_holder(mutex->number);
    struct thread *caller = list_thread(wrt_port_thread_id());
    if (caller) {
        for (uint32_t i = 0; i < caller->held_count; i++)
            note_order(caller->held[i], mutex->number);
        if (caller->held_count < MAX_HELD)
            caller->held[caller->held_count++] = (uint16_t)mutex->number;
    }
    leave();
}

void wrt_order_given(struct wrt_mutex *mutex)
{
    if (mutex->number == 0 || !enter())
        return;
    const struct thread *holder = find_holder(mutex->number);
    if (holder && holder->id == wrt_port_thread_id()) /* else it is not the caller's to give */
        forget_holder(mutex->number);
    leave();
}

#endif
