/* thread.c - entering the kernel, blocking and waking, priorities, timeouts.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Threads run freely on the host; priorities decide the order of every queue and are
 * computed with inheritance, but do not make the host preempt anybody. In an exploration
 * (explore.c) one thread runs at a time.
 */
#include "kernel.h"

#include <stdlib.h>

struct machine *machine;
struct thread *threads;
struct process *processes;
static __thread struct thread *current;
static unsigned exit_key;
static bool has_woken; /* since the last call began to return */
static bool is_ready;

static void thread_ended(void *raw);

static void ensure_kernel(void) {
    if (is_ready) return;
    bool is_new;
    int fd;
    machine = host_shared_state(sizeof *machine, "QNXSIM_STATE_FD", &is_new, &fd);
    host_key_create(&exit_key, thread_ended);
    spawn_init(is_new, fd);
    knobs_from_environment();
    is_ready = true;
}

void kernel_init(void) {
    host_lock();
    ensure_kernel();
    host_unlock();
}

struct process *process_find(int pid) {
    struct process *p = processes;
    while (p && p->state->pid != pid) p = p->next;
    return p;
}

struct process *process_current(void) { return thread_self()->process; }

struct thread *thread_find(int tid) {
    struct thread *t = threads;
    while (t && t->tid != tid) t = t->next;
    return t;
}

static struct thread *thread_new(struct process *process) {
    struct thread *thread = host_allocate(sizeof *thread);
    thread->process = process;
    thread->base_priority = thread->run_priority = thread->priority = 10;
    thread->policy = SCHED_RR;
    thread->runmask = process->state->runmask;
    thread->partition = process->state->partition;
    thread->joins_seen = process->state->joins;
    thread->participant = -1;
    thread->next = threads;
    threads = thread;
    return thread;
}

/* With the lock. */
struct thread *thread_self(void) {
    if (!current) {
        ensure_kernel();
        current = thread_new(processes);
        current->is_foreign = true;
        current->tid = host_thread_id();
        current->host = host_thread_self();
        host_key_set(exit_key, current);
    }
    return current;
}

static void thread_free(struct thread *thread) {
    struct thread **at = &threads;
    while (*at && *at != thread) at = &(*at)->next;
    if (*at) *at = thread->next;
    host_free(thread);
}

/* Host destructor: the last one of a thread, because others may still call the kernel. */
static void thread_ended(void *raw) {
    struct thread *thread = raw;
    static __thread int rounds;
    if (rounds++ < 2) {
        host_key_set(exit_key, thread);
        return;
    }
    host_lock();
    sync_forget_thread(thread);
    thread->has_ended = true;
    for (struct thread *t = threads; t; t = t->next) {
        if (t->state == STATE_JOIN && t->waits_for == thread) thread_ready(t, 0);
    }
    if (thread->is_foreign || thread->is_detached) thread_free(thread);
    current = NULL;
    host_unlock();
}

static void thread_die(void) {
    host_unlock();
    host_thread_exit();
}

static const bool may_block[QNXSIM_CALL_COUNT] = {
#define BLOCKS(name, is_blocking) [QNXSIM_##name] = is_blocking,
    QNXSIM_CALL_LIST(BLOCKS)
#undef BLOCKS
};

uint64_t kernel_now(void) { return exploring ? explore_now() : host_now(); }

int kernel_enter(enum qnxsim_call call) {
    host_lock();
    struct thread *self = thread_self();
    if (self->process->is_dead) thread_die();
    explore_point(self, qnxsim_call_name(call));
    budget_charge(self);
    __atomic_fetch_add(&knobs.calls[call], 1, __ATOMIC_RELAXED);
    if (call != QNXSIM_TimerTimeout) {
        /* 5.3: the next call consumes the timeout; only blocking ones use it */
        if (!may_block[call]) self->timeout_flags = 0;
    }
    int error = knobs_check(call);
    if (self->process->is_dead) thread_die();
    if (error) self->timeout_flags = 0;
    return error;
}

void kernel_enter_quietly(void) {
    host_lock();
    struct thread *self = thread_self();
    if (self->process->is_dead) thread_die();
    explore_point(self, "mutex");
}

void kernel_leave(void) {
    current->timeout_flags = 0; /* consumed, whether it was used or not (5.3) */
    if (has_woken) { /* whoever was made ready may run before this call returns */
        has_woken = false;
        explore_point(current, "return");
    }
    host_unlock();
}

static void leave_queue(struct thread *thread, int reason) {
    int state = thread->state;
    thread->state = 0;
    if (state == STATE_MUTEX || state == STATE_CONDVAR || state == STATE_SEM) {
        sync_left_queue(thread);
    } else {
        thread_left_queue(thread, reason);
    }
    thread->waits_for = NULL;
}

static void arm(struct thread *self, int state) {
    self->deadline = UINT64_MAX;
    if (self->timeout_flags >> state & 1) {
        self->deadline = self->timeout_poll ? 0 : self->timeout_at;
    }
    self->timeout_flags = 0;
}

int thread_block(struct thread *self, int state, const void *object) {
    arm(self, state);
    self->state = state;
    self->waits_for = object;
    while (self->state != 0) {
        if (self->process->is_dead) {
            leave_queue(self, ESRCH);
            thread_die();
        }
        if (kernel_now() >= self->deadline) {
            leave_queue(self, ETIMEDOUT);
            self->wake_result = ETIMEDOUT;
            break;
        }
        if (exploring && self->participant >= 0) {
            explore_block(self);
            continue;
        }
        uint32_t word = self->wake_word;
        host_unlock();
        host_sleep(&self->wake_word, word, self->deadline);
        host_lock();
    }
    return self->wake_result;
}

void thread_ready(struct thread *thread, int result) {
    thread->state = 0;
    thread->waits_for = NULL;
    thread->wake_result = result;
    has_woken = true;
    __atomic_fetch_add(&thread->wake_word, 1, __ATOMIC_RELEASE);
    host_wake(&thread->wake_word);
}

void thread_set_priority(struct thread *thread, int run_priority) {
    thread->run_priority = run_priority;
    thread_recompute(thread);
}

void thread_kill_process(struct process *process) {
    process->is_dead = true;
    channels_forget_process(process);
    if (process != processes) { /* its place in the machine may become another process's */
        struct process_state *last = host_allocate(sizeof *last);
        *last = *process->state;
        process->state->pid = 0;
        process->state = last;
    }
    for (struct thread *t = threads; t; t = t->next) {
        if (t->process != process) continue;
        __atomic_fetch_add(&t->wake_word, 1, __ATOMIC_RELEASE);
        host_wake(&t->wake_word);
    }
}

int plain(int result_r) {
    if (result_r == EOK) return 0;
    errno = result_r;
    return -1;
}

int plain_id(int result_r) {
    if (result_r >= 0) return result_r;
    errno = -result_r;
    return -1;
}

/* ---- TimerTimeout (5.3) ---- */

int TimerTimeout_r(clockid_t id, QNXSIM_TIMEOUT_FLAGS flags, const struct sigevent *event,
                   const uint64_t *time, uint64_t *left) {
    int error = kernel_enter(QNXSIM_TimerTimeout);
    struct thread *self = thread_self();
    bool clock_known = id == CLOCK_REALTIME || id == CLOCK_MONOTONIC;
    if (!error && (!clock_known || (event && SIGEV_GET_TYPE(event) != (SIGEV_UNBLOCK & 0xf)))) {
        error = EINVAL;
    }
    if (!error) {
        uint64_t base = id == CLOCK_MONOTONIC ? kernel_now() : host_real_time();
        uint64_t now = kernel_now();
        self->timeout_flags = (uint32_t)flags & (uint32_t)_NTO_TIMEOUT_MASK;
        self->timeout_poll = time == NULL;
        if (time && ((uint32_t)flags & TIMER_ABSTIME)) {
            self->timeout_poll = *time <= base; /* already past: do not block */
            self->timeout_at = now + (*time - base);
        } else if (time) {
            self->timeout_at = now + *time + machine->tick_ns; /* rounded up by a tick */
        }
        if (left) *left = 0;
    }
    host_unlock();
    return error;
}
int TimerTimeout(clockid_t id, QNXSIM_TIMEOUT_FLAGS flags, const struct sigevent *event,
                 const uint64_t *time, uint64_t *left) {
    return plain(TimerTimeout_r(id, flags, event, time, left));
}

/* ---- threads: the kernel's side of pthread_create and friends ---- */

static void *thread_main(void *raw) {
    struct thread *self = raw;
    host_lock();
    current = self;
    self->tid = host_thread_id();
    __atomic_store_n(self->started, (uint32_t)self->tid, __ATOMIC_RELEASE);
    host_wake(self->started);
    host_key_set(exit_key, self);
    host_unlock();
    void *result = self->start(self->argument);
    host_lock();
    self->result = result;
    host_unlock();
    return result;
}

#include "thread.h"

int thread_create(const struct thread_start *start, int *out_tid) {
    int error = kernel_enter(QNXSIM_ThreadCreate);
    struct thread *creator = thread_self();
    struct process *process = start->process ? start->process : creator->process;
    struct rlimit *limit = &process->state->limits[RLIMIT_NTHR];
    uint64_t count = 0;
    for (struct thread *t = threads; t; t = t->next) count += t->process == process;
    if (!error && count >= limit->rlim_cur) error = EAGAIN;
    if (error) {
        kernel_leave();
        return error;
    }
    struct thread *thread = thread_new(process);
    thread->start = start->body;
    thread->argument = start->argument;
    thread->is_detached = start->is_detached;
    thread->runmask = creator->runmask; /* inherited like the partition (4) */
    thread->partition = creator->partition;
    thread->base_priority = start->priority ? start->priority : creator->base_priority;
    thread->run_priority = thread->priority = thread->base_priority;
    thread->policy = start->policy ? start->policy : creator->policy;
    uint32_t started = 0; /* thread ids are the host's, so that its tools know them */
    thread->started = &started;
    error = host_thread_start(&thread->host, thread_main, thread, start->stack_bytes);
    if (error) {
        thread_free(thread);
    } else {
        if (start->is_detached) host_thread_detach(thread->host);
        host_unlock();
        while (__atomic_load_n(&started, __ATOMIC_ACQUIRE) == 0) host_sleep(&started, 0, UINT64_MAX);
        host_lock();
        *out_tid = (int)started;
    }
    kernel_leave();
    return error;
}

int thread_join(int tid, void **result) {
    int error = kernel_enter(QNXSIM_ThreadJoin);
    struct thread *thread = thread_find(tid), *self = thread_self();
    if (!error && (!thread || thread->is_foreign)) error = ESRCH;
    if (!error && (thread == self || thread->is_detached)) error = thread == self ? EDEADLK : EINVAL;
    if (!error && !thread->has_ended) error = thread_block(self, STATE_JOIN, thread);
    if (error) {
        kernel_leave();
        return error;
    }
    host_thread host = thread->host;
    if (result) *result = thread->result;
    thread_free(thread);
    kernel_leave();
    host_thread_join(host);
    return 0;
}

int qnxsim_my_priority(void) {
    host_lock();
    int priority = thread_self()->priority;
    host_unlock();
    return priority;
}

uint32_t qnxsim_threads_blocked(int state) {
    uint32_t count = 0;
    kernel_init();
    host_lock();
    for (struct thread *t = threads; t; t = t->next) {
        count += state ? t->state == state : t->state != 0;
    }
    host_unlock();
    return count;
}

uint32_t qnxsim_waiting_in_receive(void) { return qnxsim_threads_blocked(STATE_RECEIVE); }

void qnxsim_interrupt_all(void) {
    kernel_init();
    host_lock();
    for (struct thread *t = threads; t; t = t->next) {
        if (t->state == 0 || t->state == STATE_MUTEX || t->state == STATE_JOIN) continue;
        leave_queue(t, EINTR);
        thread_ready(t, EINTR);
    }
    host_unlock();
}

int qnxsim_process_new(uint32_t uid) {
    kernel_init();
    host_lock();
    static int last_inner_pid = 100000;
    struct process *process = NULL;
    for (int i = 0; i < MAX_PROCESSES && !process; i++) {
        if (machine->processes[i].pid != 0) continue;
        process = host_allocate(sizeof *process);
        process->state = &machine->processes[i];
        process_state_init(process->state, ++last_inner_pid, processes->state);
        process->state->uid = uid;
        struct process *last = processes;
        while (last->next) last = last->next;
        last->next = process;
    }
    host_unlock();
    return process ? process->state->pid : -1;
}

struct body_call {
    void (*body)(void *);
    void *context;
};
static void *call_body(void *raw) {
    struct body_call call = *(struct body_call *)raw;
    host_free(raw);
    call.body(call.context);
    return NULL;
}

int qnxsim_process_thread(int pid, void (*body)(void *), void *context) {
    struct body_call *call = host_allocate(sizeof *call);
    call->body = body;
    call->context = context;
    struct thread_start start = {.body = call_body, .argument = call};
    host_lock();
    start.process = process_find(pid);
    host_unlock();
    int tid = -1;
    bool lives = start.process && !start.process->is_dead;
    return lives && thread_create(&start, &tid) == 0 ? tid : -1;
}

void qnxsim_thread_join(int tid) { thread_join(tid, NULL); }

void qnxsim_process_kill(int pid) {
    host_lock();
    struct process *process = process_find(pid);
    if (process && process != processes && !process->is_dead) thread_kill_process(process);
    host_unlock();
}
