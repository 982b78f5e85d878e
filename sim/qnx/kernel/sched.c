/* sched.c - priorities, run masks, clocks. Facts 5.5.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernel.h"
#include "priority.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/procmgr.h>
#include <sys/syspage.h>
#include <time.h>

/* 5.5: 255 is the kernel's own on 8.0. */
#define PRIORITY_MAX (QNXSIM_RELEASE >= 800 ? 254 : 255)
enum { UNPRIVILEGED_MAX = 63 };

uint64_t ns_of(const struct timespec *t) {
    return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

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
        if (policy == SCHED_SPORADIC) budget_start_sporadic(thread, param);
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

static bool superlocked;
bool qnxsim_is_superlocked(void) { return QNXSIM_RELEASE >= 800 || superlocked; }

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
#if QNXSIM_RELEASE >= 700
    case _NTO_TCTL_IO_PRIV: /* 2.4: superlock; 8.0 has it by default */
        if (!ability(PROCMGR_AID_IO)) return EPERM;
        superlocked = true;
        return EOK;
#endif
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

#if QNXSIM_RELEASE >= 800
/* 4: clusters are named sets of processors. What an unknown name yields is not said: EINVAL. */
int pthread_cluster_set(pthread_t tid, const char *name) {
    int error = kernel_enter(QNXSIM_ThreadCtl);
    struct thread *thread = thread_find((int)tid);
    uint32_t mask = 0;
    for (int i = 0; i < MAX_CLUSTERS; i++) {
        if (strcmp(machine->clusters[i].name, name) == 0) mask = machine->clusters[i].mask;
    }
    if (!error && !thread) error = ESRCH;
    if (!error && !mask) error = EINVAL;
    if (!error) thread->runmask = mask;
    kernel_leave();
    return error;
}
#endif
void qnxsim_add_cluster(const char *name, uint32_t mask) {
    kernel_init();
    for (int i = 0; i < MAX_CLUSTERS; i++) {
        if (machine->clusters[i].name[0]) continue;
        strncpy(machine->clusters[i].name, name, sizeof machine->clusters[i].name - 1);
        machine->clusters[i].mask = mask;
        return;
    }
    host_panic("no more clusters");
}
uint32_t qnxsim_my_runmask(void) {
    host_lock();
    uint32_t mask = thread_self()->runmask;
    host_unlock();
    return mask;
}

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
