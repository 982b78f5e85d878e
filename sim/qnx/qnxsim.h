/* qnxsim.h - what a test may ask of the simulated kernel: size it, break it, count it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only tests include this. Code under test includes QNX's own header names, compiled
 * against sim/qnx/include, and cannot tell. Everything here is process-wide; call it from
 * one thread while no other thread is inside the simulated kernel, unless said otherwise.
 */
#ifndef QNXSIM_H
#define QNXSIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Kernel calls and messages to the process manager, counted by name.
 * X(name, blocks): `blocks` marks those that TimerTimeout can time. */
#define QNXSIM_CALL_LIST(X)                                                              \
    X(ChannelCreate, 0) X(ChannelDestroy, 0) X(ConnectAttach, 0) X(ConnectDetach, 0)     \
    X(MsgSendPulse, 0) X(MsgReceivePulse, 1) X(MsgSend, 1) X(MsgReceive, 1) X(MsgReply, 0) \
    X(TimerTimeout, 0) X(SyncMutexLock, 1) X(SyncMutexUnlock, 0) X(SyncCondvarWait, 1)   \
    X(SyncCondvarSignal, 0) X(SyncSemWait, 1) X(SyncSemPost, 0) X(SchedSet, 0) X(SchedGet, 0)           \
    X(SchedInfo, 0) X(SchedCtl, 0) X(ThreadCtl, 0) X(ThreadCreate, 0) X(ThreadJoin, 1)   \
    X(ClockTime, 0) X(nanosleep, 1) X(mmap, 0) X(munmap, 0) X(mprotect, 0) X(mlock, 0)   \
    X(munlock, 0) X(madvise, 0) X(page_fault, 0) X(shm_open, 0) X(shm_ctl, 0)            \
    X(typed_mem_open, 0) X(sigaction, 0) X(setrlimit, 0) X(procmgr_ability, 0)           \
    X(procmgr_notify, 0) X(spawn, 0) X(waitpid, 0) X(kill, 0) X(secpol, 0) X(pipe, 0)    \
    X(read, 0) X(write, 0)

enum qnxsim_call {
#define QNXSIM_CALL_ENUM(name, blocks) QNXSIM_##name,
    QNXSIM_CALL_LIST(QNXSIM_CALL_ENUM)
#undef QNXSIM_CALL_ENUM
    QNXSIM_CALL_COUNT,
    QNXSIM_ANY = QNXSIM_CALL_COUNT
};
const char *qnxsim_call_name(enum qnxsim_call call);

/* Counts since the start or the last clear; QNXSIM_ANY sums. Callable at any time. */
uint64_t qnxsim_calls(enum qnxsim_call call);
void qnxsim_calls_clear(void);
uint64_t qnxsim_heap_calls(void); /* allocations from the C heap since the start */

/* Every knob back to its default: enough RAM, no faults, all abilities, no typed pools. */
void qnxsim_reset(void);

/* 710 or 800. */
int qnxsim_release(void);

/* ---- the machine ---- */
void qnxsim_set_ram(uint64_t bytes);       /* what anonymous memory may take; 0 = 4 GiB */
uint64_t qnxsim_ram_used(void);
void qnxsim_add_pool(const char *name, uint64_t bytes); /* typed memory, up to 8 */
uint64_t qnxsim_pool_used(const char *name);
void qnxsim_add_cluster(const char *name, uint32_t processors); /* 8.0, up to 4 */
void qnxsim_set_tick(uint64_t ns);         /* ClockPeriod; 0 = 1 ms (facts 5.3) */
void qnxsim_set_cpus(unsigned count);      /* 0 = 2 */
void qnxsim_set_aps(bool is_loaded);       /* [module=aps] in the image; default yes */
void qnxsim_set_policy(const char *types); /* security policy: "a,b,c"; NULL = none loaded */
/* What a failed MAP_FIXED leaves: the facts page does not say. true: a hole. */
void qnxsim_set_fixed_failure_unmaps(bool unmaps);
/* What 8.0 answers to deprecated mallopt commands: also not said. true: 0, false: EINVAL. */
void qnxsim_set_deprecated_mallopt_ok(bool is_ok);

/* ---- the calling process ---- */
void qnxsim_set_user(uint32_t uid);        /* 0 = root, the default */
void qnxsim_allow(unsigned ability, bool is_allowed);
bool qnxsim_is_allowed(unsigned ability);
bool qnxsim_is_locked(unsigned ability);
const char *qnxsim_type_name(void);        /* security type of the process; "" = none */

/* ---- faults ---- */
/* The nth call (1 = the next) of that kind fails with `error` and has no effect; 0 = off. */
void qnxsim_fail(enum qnxsim_call call, uint64_t nth, int error);
/* The same for `times` calls of that kind in a row. */
void qnxsim_fail_run(enum qnxsim_call call, uint64_t nth, uint64_t times, int error);
bool qnxsim_fail_happened(void);
enum qnxsim_call qnxsim_failed_call(void); /* the last that did */
void qnxsim_set_pulse_limit(uint32_t count); /* queued pulses, all channels; 0 = 65536 */
enum qnxsim_pulse_fault { QNXSIM_PULSE_DROP, QNXSIM_PULSE_TWICE, QNXSIM_PULSE_LATE };
/* The nth pulse from now is dropped, delivered twice, or held back until
 * qnxsim_release_late. */
void qnxsim_pulse_fault(enum qnxsim_pulse_fault kind, uint64_t nth);
void qnxsim_release_late(void);
/* Queues a pulse of the kernel's own (code < 0) on every channel of the process. */
void qnxsim_kernel_pulse(int code);
/* Wakes every thread blocked in the kernel with EINTR, as a signal would. */
void qnxsim_interrupt_all(void);

/* ---- observation ---- */
uint32_t qnxsim_channels(void);            /* of the process */
uint32_t qnxsim_connections(void);
uint32_t qnxsim_pulses_queued(void);
unsigned qnxsim_channel_flags(int chid);
int qnxsim_last_chid(void);                /* of the last ChannelCreate */
int qnxsim_last_pulse_priority(void);
int qnxsim_my_priority(void);              /* effective, of the calling thread */
uint64_t qnxsim_partition_ns(int id);       /* processor time charged to it since the reset */
bool qnxsim_is_superlocked(void);
int qnxsim_my_partition(void);              /* APS partition of the calling thread */
int qnxsim_partition_of(int pid);           /* of a process, as its next thread gets it */
int qnxsim_policy_of_child(void);           /* SCHED_* that the last spawn asked for; 0: none */
uint64_t qnxsim_budget_of_child(void);      /* and its sporadic budget, in ns */
uint32_t qnxsim_my_runmask(void);
uint32_t qnxsim_threads_blocked(int state);/* state: STATE_*, 0 = any */
uint32_t qnxsim_waiting_in_receive(void);
bool qnxsim_is_lazy(const void *address);  /* mapped, no memory behind it yet */
bool qnxsim_is_mapped(const void *address);
unsigned qnxsim_protection(const void *address); /* PROT_* as QNX writes them */

/* ---- processes inside this one, for tests of clients and servers ---- */
int qnxsim_process_new(uint32_t uid);      /* a pid, or -1 */
/* Runs body(context) as a thread of that process; join returns when it ended or died. */
int qnxsim_process_thread(int pid, void (*body)(void *), void *context);
void qnxsim_thread_join(int tid);
void qnxsim_process_kill(int pid);         /* from any thread that is not of it */
/* Kills the process `pid` when the nth kernel call from now begins. */
void qnxsim_kill_at(int pid, uint64_t nth);

/* ---- all schedules of two threads ---- */
struct qnxsim_exploration {
    void (*setup)(void *context);      /* before each schedule, one thread */
    void (*body[2])(void *context);    /* run as two threads */
    bool (*check)(void *context);      /* after each schedule: true = as it should be */
    void *context;
    uint32_t preemption_limit;         /* switches away from a runnable thread; 0 = all */
    uint64_t schedule_limit;           /* 0 = 1,000,000 */
};
enum qnxsim_verdict { QNXSIM_HOLDS, QNXSIM_VIOLATED, QNXSIM_DEADLOCK, QNXSIM_CUT_SHORT };
struct qnxsim_explored {
    enum qnxsim_verdict verdict;
    uint64_t schedules;   /* tried */
    uint32_t longest;     /* choices in the longest one */
    char trace[1024];     /* of the last schedule: thread and call per step */
};
/* Runs the two bodies under every order of their kernel calls: a switch may happen where a
 * call begins, where one returns that woke somebody, and at each mutex operation. A time that
 * a thread waits for may pass at any of these points; otherwise time stands still. */
struct qnxsim_explored qnxsim_explore(const struct qnxsim_exploration *exploration);

#endif
