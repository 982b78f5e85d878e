/* sched.c - priorities, run masks, clocks, and the adaptive partitioning scheduler.
 * Facts 4, 5.5.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernel.h"
#include "priority.h"

#include <stdlib.h>
#include <sys/procmgr.h>
#include <sys/syspage.h>
#include <time.h>
#if QNXSIM_RELEASE < 800
#include <sys/sched_aps.h>
#endif

/* 5.5: 255 is the kernel's own on 8.0. */
#define PRIORITY_MAX (QNXSIM_RELEASE >= 800 ? 254 : 255)
enum { UNPRIVILEGED_MAX = 63 };

int priority_check(int policy, const struct sched_param *param, int *out) {
    for (size_t i = 0; policy != SCHED_SPORADIC && i < 8; i++) {
        if (param->__ss_un.reserved[i] != 0) return EINVAL; /* trap 16 */
    }
    int priority = param->sched_priority;
    bool saturate = false;
#if QNXSIM_RELEASE >= 700
    saturate = priority > 0 && priority & 0x10000;
    priority &= ~0x10000;
#endif
    int most = ability(PROCMGR_AID_PRIORITY) ? PRIORITY_MAX : UNPRIVILEGED_MAX;
    if (saturate && priority > most) priority = most;
    if (priority < 1 || priority > PRIORITY_MAX) return EINVAL;
    if (priority > most) return EPERM;
    *out = priority;
    return EOK;
}

int SchedSet(pid_t pid, int tid, int policy, const struct sched_param *param) {
    int error = kernel_enter(QNXSIM_SchedSet);
    struct thread *thread = tid ? thread_find(tid) : thread_self();
    int priority = 0;
    if (!error && pid != 0 && pid != thread_self()->process->state->pid) error = ESRCH;
    if (!error && !thread) error = ESRCH;
    if (!error && (policy < SCHED_FIFO || policy > SCHED_SETPRIO)) error = EINVAL;
    if (!error) error = priority_check(policy, param, &priority);
    if (!error && policy == SCHED_SPORADIC &&
        (param->sched_ss_low_priority < 1 || param->sched_ss_low_priority > priority)) {
        error = EINVAL;
    }
    if (!error) {
        if (policy <= SCHED_SPORADIC) thread->policy = policy;
        thread->base_priority = priority;
        thread_set_priority(thread, priority);
    }
    kernel_leave();
    return plain(error);
}

int SchedInfo(pid_t pid, int policy, struct _sched_info *info) {
    int error = kernel_enter(QNXSIM_SchedInfo);
    if (!error && (pid != 0 || policy < SCHED_FIFO || policy > SCHED_SPORADIC)) error = EINVAL;
    if (!error) {
        memset(info, 0, sizeof *info);
        info->priority_min = 1;
        info->priority_max = PRIORITY_MAX;
        info->priority_priv = UNPRIVILEGED_MAX + 1;
        info->interval = 4 * machine->tick_ns;
    }
    kernel_leave();
    return plain(error);
}
int sched_get_priority_max(int policy) {
    struct _sched_info info;
    return SchedInfo(0, policy, &info) == 0 ? info.priority_max : -1;
}
int sched_get_priority_min(int policy) {
    struct _sched_info info;
    return SchedInfo(0, policy, &info) == 0 ? info.priority_min : -1;
}
int sched_yield(void) {
    kernel_enter_quietly();
    host_unlock();
    host_yield();
    return 0;
}

static int thread_ctl(int command, void *data) {
    struct thread *self = thread_self();
    uint32_t legal = machine->cpus >= 32 ? UINT32_MAX : (UINT32_C(1) << machine->cpus) - 1;
    uint32_t mask;
    switch (command) {
    case _NTO_TCTL_RUNMASK:
        mask = (uint32_t)(uintptr_t)data;
        if (!(mask & legal)) return EINVAL;
        self->runmask = mask & legal;
        return EOK;
    case _NTO_TCTL_RUNMASK_GET_AND_SET: {
        uint32_t *exchanged = data, old = self->runmask;
        if (*exchanged && !(*exchanged & legal)) return EINVAL;
        if (*exchanged) self->runmask = *exchanged & legal;
        *exchanged = old;
        return EOK;
    }
    case _NTO_TCTL_NAME: {
        const struct thread_name { int new_len, old_len; char text[1]; } *name = data;
        if (name->new_len < 0 || name->new_len > 31) return EINVAL;
        memcpy(self->name, name->text, (size_t)name->new_len);
        self->name[name->new_len] = 0;
        return EOK;
    }
    default:
        return command == _NTO_TCTL_IO ? EPERM : EINVAL;
    }
}
int ThreadCtl_r(int command, void *data) {
    int error = kernel_enter(QNXSIM_ThreadCtl);
    if (!error) error = thread_ctl(command, data);
    kernel_leave();
    return error;
}
int ThreadCtl(int command, void *data) { return plain(ThreadCtl_r(command, data)); }

/* ---- clocks ---- */

static struct syspage_entry syspage;
struct syspage_entry *_syspage_ptr = &syspage;
__attribute__((constructor)) static void fill_syspage(void) {
    kernel_init();
    syspage.num_cpu = (uint16_t)machine->cpus;
    syspage.qnxsim_qtime.cycles_per_sec = host_cycles_per_second();
}

uint64_t ClockCycles(void) { return host_cycles(); }

int clock_gettime(clockid_t id, struct timespec *out) {
    uint64_t now;
    switch (id) {
    case CLOCK_REALTIME: now = host_real_time(); break;
    case CLOCK_MONOTONIC: now = kernel_now(); break;
    case CLOCK_PROCESS_CPUTIME_ID: now = host_cpu_time(false); break;
    case CLOCK_THREAD_CPUTIME_ID: now = host_cpu_time(true); break;
    default: errno = EINVAL; return -1;
    }
    __atomic_fetch_add(&knobs.calls[QNXSIM_ClockTime], 1, __ATOMIC_RELAXED);
    out->tv_sec = (time_t)(now / 1000000000u);
    out->tv_nsec = (long)(now % 1000000000u);
    return 0;
}
int clock_getres(clockid_t id, struct timespec *out) {
    if (id < CLOCK_REALTIME || id > CLOCK_THREAD_CPUTIME_ID) {
        errno = EINVAL;
        return -1;
    }
    if (out) *out = (struct timespec){0, (long)machine->tick_ns};
    return 0;
}

static uint64_t ns_of(const struct timespec *t) {
    return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

int clock_nanosleep(clockid_t id, int flags, const struct timespec *time, struct timespec *left) {
    if (time->tv_nsec < 0 || time->tv_nsec >= 1000000000) return EINVAL;
    uint64_t ns = ns_of(time);
    int error = TimerTimeout_r(id, (QNXSIM_TIMEOUT_FLAGS)((uint32_t)flags | (uint32_t)_NTO_TIMEOUT_NANOSLEEP),
                               NULL, &ns, NULL);
    if (error) return error;
    error = kernel_enter(QNXSIM_nanosleep);
    if (!error) error = thread_block(thread_self(), STATE_NANOSLEEP, &thread_self()->state);
    kernel_leave();
    if (left) *left = (struct timespec){0, 0};
    return error == ETIMEDOUT ? EOK : error;
}
int nanosleep(const struct timespec *time, struct timespec *left) {
    return plain(clock_nanosleep(CLOCK_MONOTONIC, 0, time, left));
}

/* ---- adaptive partitions ---- */

#if QNXSIM_RELEASE < 800
/* budget accounting: percents of the window; a child's budget comes out of its parent's. */
static struct partition {
    bool is_used;
    char name[16];
    int parent;
    unsigned budget, max_budget;
    int critical_ms;
} partitions[8] = {{true, "System", -1, 100, 100, 0}}; /* 4: eight of them, System is 0 */
static uint32_t policy_flags, security_flags;

static bool zeroed(const void *block, size_t bytes) {
    const unsigned char *b = block;
    for (size_t i = 0; i < bytes; i++) {
        if (b[i]) return false;
    }
    return true;
}

static int find_partition(const char *name) {
    for (int i = 0; i < 8; i++) {
        if (partitions[i].is_used && strcmp(partitions[i].name, name) == 0) return i;
    }
    return -1;
}

static bool is_partition(int id) { return id >= 0 && id < 8 && partitions[id].is_used; }

static int aps_create(sched_aps_create_parms *p) {
    struct thread *self = thread_self();
    int parent = p->aps_create_flags & SCHED_APS_CREATE_FLAGS_USE_PARENT_ID ? p->parent_id
                                                                             : self->partition;
    if (p->reserved1 || p->reserved2 || p->reserved3) return EDOM;
    if (!p->name || !p->name[0] || (p->name[0] >= '0' && p->name[0] <= '9') || strchr(p->name, '/'))
        return EINVAL;
    if (strlen(p->name) > 15) return ENAMETOOLONG;
    if (p->critical_budget_ms < -1 || p->budget_percent > 100 || !is_partition(parent)) return EINVAL;
    if (find_partition(p->name) >= 0) return EEXIST;
    if (!ability(PROCMGR_AID_APS_ROOT)) return EACCES;
    if (p->budget_percent > partitions[parent].budget) return EDQUOT;
    int id = 0;
    while (id < 8 && partitions[id].is_used) id++;
    if (id == 8) return ENOSPC;
    partitions[parent].budget -= p->budget_percent;
    partitions[id] = (struct partition){true, "", parent, p->budget_percent, p->max_budget_percent,
                                        p->critical_budget_ms};
    strcpy(partitions[id].name, p->name);
    p->id = (int16_t)id;
    return EOK;
}

static int aps_join(const sched_aps_join_parms *p) {
    if (p->reserved1) return EDOM;
    if (!is_partition(p->id)) return EINVAL;
    struct process *process = p->pid ? process_find(p->pid) : process_current();
    if (!process) return ESRCH;
    if (process != process_current() && !ability(PROCMGR_AID_APS_ROOT)) return EACCES;
    if (p->tid == -1) {
        process->state->partition = p->id;
        return EOK;
    }
    if (p->tid == -2) {
        for (struct thread *t = threads; t; t = t->next) {
            if (t->process == process) t->partition = p->id;
        }
        return EOK;
    }
    struct thread *thread = p->tid ? thread_find(p->tid) : thread_self();
    if (!thread || thread->process != process) return ESRCH;
    thread->partition = p->id; /* siblings do not move */
    return EOK;
}

static int aps_modify(const sched_aps_modify_parms *p) {
    if (!zeroed(p->reserved, sizeof p->reserved)) return EDOM;
    if (!is_partition(p->id) || p->id == 0 || p->new_budget_percent > 100) return EINVAL;
    if (!ability(PROCMGR_AID_APS_ROOT)) return EACCES;
    struct partition *self = &partitions[p->id], *parent = &partitions[self->parent];
    if (p->new_budget_percent > self->budget + parent->budget) return EDQUOT;
    parent->budget += self->budget - p->new_budget_percent; /* the sum stays */
    self->budget = p->new_budget_percent;
    self->max_budget = p->new_max_budget_percent;
    self->critical_ms = p->new_critical_budget_ms;
    return EOK;
}

static int aps_query(sched_aps_partition_info *p) {
    if (!is_partition(p->id)) return EINVAL;
    const struct partition *from = &partitions[p->id];
    p->parent_id = (int16_t)from->parent;
    memcpy(p->name, from->name, sizeof p->name);
    p->budget_percent = (uint16_t)from->budget;
    p->max_budget_percent = (uint16_t)from->max_budget;
    p->critical_budget_ms = (int16_t)from->critical_ms;
    return EOK;
}

static int aps_parms(sched_aps_parms *p, bool set) {
    if (set && (p->windowsize_ms < 8 || p->windowsize_ms > 400)) return EINVAL;
    if (set && !ability(PROCMGR_AID_APS_ROOT)) return EACCES;
    if (set) policy_flags = p->scheduling_policy_flags;
    p->num_partitions = 0;
    for (int i = 0; i < 8; i++) p->num_partitions = (int16_t)(p->num_partitions + partitions[i].is_used);
    p->max_partitions = 8;
    p->scheduling_policy_flags = policy_flags;
    if (!set) p->windowsize_ms = 100;
    return EOK;
}

static int aps(int command, void *data, size_t bytes) {
    static const struct { int command; size_t bytes; } sizes[] = {
        {SCHED_APS_QUERY_PARMS, sizeof(sched_aps_parms)},
        {SCHED_APS_SET_PARMS, sizeof(sched_aps_parms)},
        {SCHED_APS_CREATE_PARTITION, sizeof(sched_aps_create_parms)},
        {SCHED_APS_LOOKUP, sizeof(sched_aps_lookup_parms)},
        {SCHED_APS_QUERY_PARTITION, sizeof(sched_aps_partition_info)},
        {SCHED_APS_JOIN_PARTITION, sizeof(sched_aps_join_parms)},
        {SCHED_APS_MODIFY_PARTITION, sizeof(sched_aps_modify_parms)},
        {SCHED_APS_ADD_SECURITY, sizeof(sched_aps_security_parms)},
    };
    if (!machine->aps_loaded) return ENOSYS; /* trap 14 */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].command == command && sizes[i].bytes != bytes) return EINVAL;
    }
    switch (command) {
    case SCHED_APS_QUERY_PARMS: return aps_parms(data, false);
    case SCHED_APS_SET_PARMS: return aps_parms(data, true);
    case SCHED_APS_CREATE_PARTITION: return aps_create(data);
    case SCHED_APS_QUERY_PARTITION: return aps_query(data);
    case SCHED_APS_JOIN_PARTITION: return aps_join(data);
    case SCHED_APS_MODIFY_PARTITION: return aps_modify(data);
    case SCHED_APS_LOOKUP: {
        sched_aps_lookup_parms *p = data;
        int id = p->name ? find_partition(p->name) : -1;
        if (id < 0) return EINVAL;
        p->id = (int16_t)id;
        return EOK;
    }
    case SCHED_APS_ADD_SECURITY: {
        sched_aps_security_parms *p = data;
        if (p->sec_flags && !ability(PROCMGR_AID_APS_ROOT)) return EACCES;
        security_flags |= p->sec_flags; /* additive until reboot; 0 reads */
        p->sec_flags = security_flags;
        return EOK;
    }
    default: return EINVAL;
    }
}
#endif

int SchedCtl_r(int command, void *data, size_t bytes) {
    int error = kernel_enter(QNXSIM_SchedCtl);
    if (!error && command == SCHED_QUERY_SCHED_EXT) {
        struct sched_query *query = data;
        if (bytes != sizeof *query) {
            error = EINVAL;
        } else {
            query->extsched = QNXSIM_RELEASE < 800 && machine->aps_loaded ? SCHED_EXT_APS : SCHED_EXT_NONE;
        }
    } else if (!error) {
#if QNXSIM_RELEASE < 800
        error = command >= SCHED_EXT_APS_CMD_BASE ? aps(command, data, bytes) : EINVAL;
#else
        error = command >= SCHED_EXT_APS_CMD_BASE ? ENOSYS : EINVAL;
#endif
    }
    kernel_leave();
    return error;
}
int SchedCtl(int command, void *data, size_t bytes) {
    return plain(SchedCtl_r(command, data, bytes));
}

int qnxsim_my_partition(void) {
    host_lock();
    int partition = thread_self()->partition;
    host_unlock();
    return partition;
}
void sched_reset(void) {
#if QNXSIM_RELEASE < 800
    for (int i = 1; i < 8; i++) partitions[i].is_used = false;
    partitions[0].budget = 100;
    policy_flags = security_flags = 0;
    for (struct thread *t = threads; t; t = t->next) t->partition = 0;
#endif
}
