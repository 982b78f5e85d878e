/* kernel.h - the simulated kernel's own structures.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One lock guards everything. A call enters (takes the lock, counts, consults the fault
 * knobs, offers a switch to the explorer), works, and leaves. A thread that must wait
 * blocks inside: the lock is dropped while it sleeps.
 *
 * Comments "(5.2)" name the section of the facts page that a behaviour comes from.
 */
#ifndef QNXSIM_KERNEL_H
#define QNXSIM_KERNEL_H

#include <errno.h>
#include <qnxsim_profile.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/neutrino.h>
#include <sys/resource.h>

#include "../host/host.h"
#include "../qnxsim.h"

enum { MAX_PROCESSES = 64, ABILITIES = 80, MAX_POOLS = 8, PRIORITY_LIMIT = 255 };

/* ---- what the processes of one simulated machine share ---- */
struct process_state {
    int32_t pid; /* 0: slot is free */
    uint32_t uid;
    uint8_t allowed[ABILITIES], locked[ABILITIES], inherited[ABILITIES];
    struct rlimit limits[RLIM_NLIMITS];
    uint32_t type_id; /* index into the policy, SECPOL_INVALID_TYPE without one */
    uint32_t runmask;
    int32_t partition; /* APS */
    uint32_t joins;    /* counts how often all threads were moved there */
    uint64_t ram_used; /* what the machine gets back when it ends */
};
enum { MAX_CLUSTERS = 4, PARTITIONS = 8, PARTITION_SLOTS = 20 }; /* 4: eight in 6.4.1 */
struct partition_slot {
    uint64_t number, used_ns;
};
/* Percents of the window; a child's budget comes out of its parent's (4). */
struct partition {
    bool is_used;
    char name[16];
    int parent;
    unsigned budget, max_budget;
    int critical_ms;
    uint64_t total_ns;
    struct partition_slot slots[PARTITION_SLOTS];
};
struct pool {
    char name[48];
    uint64_t bytes, used;
};
/* Pulses on their way to a process that is another host process, and the channels that such
 * processes may connect to (mail.c). */
enum { MAIL_SLOTS = 256, PUBLIC_CHANNELS = 160 };
struct mail {
    int32_t chid, scoid, priority, code;
    union sigval value;
};
struct mailbox {
    uint64_t lock[8]; /* the host's, freed when its holder is killed */
    uint32_t bell;
    uint32_t first, count;
    struct mail slots[MAIL_SLOTS];
    struct public_channel {
        int32_t chid; /* 0: the slot is free */
        uint32_t flags;
    } channels[PUBLIC_CHANNELS];
};
struct machine {
    uint64_t ram_bytes, ram_used; /* changed by atomic operations */
    uint64_t tick_ns;
    unsigned cpus;
    bool aps_loaded, has_policy;
    char policy[256];
    struct pool pools[MAX_POOLS];
    struct partition partitions[PARTITIONS];
    struct cluster {
        char name[32];
        uint32_t mask;
    } clusters[MAX_CLUSTERS];
    uint64_t window_ns;
    uint32_t policy_flags; /* SCHEDPOL_* */
    struct process_state processes[MAX_PROCESSES];
    struct mailbox mailboxes[MAX_PROCESSES]; /* of the same index */
};
extern struct machine *machine;

/* ---- processes and threads inside this host process ---- */
struct process {
    struct process_state *state;
    bool is_dead;
    bool has_death_channel[2]; /* THREAD_DEATH, COID_DISCONNECT (trap 18) */
    struct process *next;
};

struct sporadic {
    int high, low;
    uint64_t budget_ns, period_ns, period_start, used_ns;
};

struct mutex;
struct thread {
    int tid;
    struct process *process;
    host_thread host;
    bool is_detached, has_ended, is_foreign;
    uint32_t *started; /* where the creator waits for the id */
    void *(*start)(void *);
    void *argument, *result;

    int base_priority, run_priority, priority; /* set, after pulses and messages, effective */
    int policy;
    uint32_t runmask;
    int partition;
    uint32_t joins_seen;
    uint64_t charged_ns; /* of its processor time; 0: not followed */
    struct sporadic sporadic;
    char name[32];

    int state;             /* STATE_*; 0 while running or ready */
    const void *waits_for; /* the object that state is about */
    int wake_result;
    uint32_t wake_word;
    uint64_t deadline;     /* kernel time; UINT64_MAX: none */
    struct thread *queue_next;
    uint64_t wait_order;   /* of sync objects: who came first */

    uint32_t timeout_flags; /* TimerTimeout, for the next call */
    uint64_t timeout_at;
    bool timeout_poll;

    /* receive */
    void *receive_buffer;
    size_t receive_bytes;
    struct _msg_info *receive_info;
    bool receive_pulses_only;
    int last_chid;
    int64_t received_rcvid;
    /* send */
    const void *send_message;
    size_t send_bytes;
    void *reply_buffer;
    size_t reply_bytes;
    long reply_status;
    int send_priority, send_coid;

    struct mutex *owned;
    int participant; /* of an exploration; -1 */
    struct thread *next;
};

/* ---- thread.c ---- */
struct thread *thread_self(void); /* registers a host thread at its first call */
struct thread *thread_find(int tid);
struct process *process_find(int pid);
struct process *process_current(void);
extern struct thread *threads;
extern struct process *processes;

/* Takes the lock. 0, or the error that a fault knob injects (then the lock is still held). */
int kernel_enter(enum qnxsim_call call);
void kernel_leave(void);
/* A switch point that is no kernel call (a user-mode mutex operation). Takes the lock. */
void kernel_enter_quietly(void);
uint64_t kernel_now(void);
/* Sleeps in `state`; with the lock. Returns wake's result, or ETIMEDOUT or EINTR after
 * taking the thread off its queue. */
int thread_block(struct thread *self, int state, const void *object);
void thread_ready(struct thread *thread, int result);
/* Is a time set for that state? Then *poll says that it has passed already. */
void thread_set_priority(struct thread *thread, int run_priority);
void thread_recompute(struct thread *thread);
void thread_kill_process(struct process *process);
/* -1 with errno for the plain form of a call. */
int plain(int result_r);
int plain_id(int result_r);

/* ---- explore.c ---- */
extern bool exploring;
void explore_point(struct thread *self, const char *what);
void explore_block(struct thread *self); /* until self->state is 0 or its deadline passed */
uint64_t explore_now(void);

/* ---- channel.c ---- */
void channels_forget_process(struct process *process);
void thread_left_queue(struct thread *thread, int reason);
int connection_deliver(struct process *process, int coid, int priority, int code,
                       union sigval value);

void channel_arrived(const struct mail *mail); /* with the lock */

/* ---- mail.c ---- */
void mail_init(void);                  /* of a new machine */
void mail_clear(const struct process_state *state);
void mail_announce(int chid, unsigned flags); /* of this host process; with the lock */
void mail_withdraw(int chid);
bool mail_finds(int pid, int chid, unsigned *flags);
int mail_send(int pid, const struct mail *mail); /* EOK, ESRCH, EAGAIN */

/* ---- sync.c ---- */
void sync_left_queue(struct thread *thread);
void sync_forget_thread(struct thread *thread);

/* ---- memory.c ---- */
bool ram_take(uint64_t bytes);
void ram_give(uint64_t bytes);
/* One pulse when free RAM crosses `free_bytes` (3.2 item 10); with the lock. */
void memory_watch(uint64_t free_bytes, bool downwards, const struct sigevent *event);
void memory_touch(const void *start, size_t bytes); /* commits lazy pages before a host call */
int memory_fault(uintptr_t address, int *code);
bool ability(unsigned id);

/* ---- knobs.c ---- */
struct knobs {
    uint64_t calls[QNXSIM_CALL_COUNT];
    enum qnxsim_call fail_call;
    uint64_t fail_countdown, fail_times;
    int fail_error;
    bool fail_happened;
    enum qnxsim_call failed_call;
    uint32_t pulse_limit, pulses_queued;
    int pulse_fault;
    uint64_t pulse_fault_countdown;
    int kill_pid;
    uint64_t kill_countdown;
    bool fixed_failure_unmaps, deprecated_mallopt_ok;
    int last_chid, last_pulse_priority;
};
extern struct knobs knobs;
int knobs_check(enum qnxsim_call call);
void knobs_from_environment(void);
void kernel_init(void);
void sched_reset(void);
void partitions_init(void);
void budget_charge(struct thread *self);
void budget_start_sporadic(struct thread *thread, const struct sched_param *param);
uint64_t ns_of(const struct timespec *time);
struct process_state *process_state_of(pid_t pid); /* of any host process; NULL: none */
void channels_release_late(void);
void process_state_init(struct process_state *state, int pid, const struct process_state *from);
void spawn_init(bool is_new, int fd);

#endif
