/* process.c - identity, abilities, limits, security types, spawning. Facts 3.2.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernel.h"

#include <fcntl.h>
#include <limits.h>
#include <qnxsim_secpol.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/procmgr.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static int shared_fd;

/* 3.2 item 4: what a process that is not root may do by default. */
static bool is_default_for_all(unsigned id) {
    static const unsigned allowed[] = {PROCMGR_AID_SPAWN, PROCMGR_AID_FORK, PROCMGR_AID_PROT_EXEC,
                                       PROCMGR_AID_PGRP, PROCMGR_AID_MAP_FIXED, PROCMGR_AID_RCONSTRAINT,
                                       PROCMGR_AID_PUBLIC_CHANNEL, PROCMGR_AID_RUNSTATE_BURST,
                                       PROCMGR_AID_PROT_WRITE_AND_EXEC, PROCMGR_AID_UNTRUSTED_EXEC,
                                       PROCMGR_AID_SIGEV_THREAD};
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) {
        if (allowed[i] == id) return true;
    }
    return false;
}

/* allowed[] holds three values: 0 denied, 1 by the default of the user, 2 allowed. */
void process_state_init(struct process_state *state, int pid, const struct process_state *from) {
    memset(state, 0, sizeof *state);
    state->pid = pid;
    memset(state->allowed, 1, sizeof state->allowed);
    for (int i = 0; i < RLIM_NLIMITS; i++) state->limits[i] = (struct rlimit){RLIM_INFINITY, RLIM_INFINITY};
    state->type_id = SECPOL_INVALID_TYPE;
    state->runmask = UINT32_MAX;
    if (!from) return;
    state->uid = from->uid;
    state->runmask = from->runmask;
    state->partition = from->partition;
    state->type_id = from->type_id;
    memcpy(state->limits, from->limits, sizeof state->limits);
    for (int i = 0; i < ABILITIES; i++) {
        if (!from->inherited[i]) continue;
        state->allowed[i] = from->allowed[i];
        state->locked[i] = from->locked[i];
        state->inherited[i] = 1;
    }
}

static bool state_allows(const struct process_state *state, unsigned id) {
    if (id >= ABILITIES) return false;
    if (state->allowed[id] != 1) return state->allowed[id] == 2;
    return state->uid == 0 || is_default_for_all(id);
}

bool ability(unsigned id) { return state_allows(process_current()->state, id); }

void spawn_init(bool is_new, int fd) {
    shared_fd = fd;
    if (is_new) {
        machine->ram_bytes = UINT64_C(4) << 30;
        machine->tick_ns = 1000000;
        machine->cpus = 2;
        machine->aps_loaded = QNXSIM_RELEASE < 800;
        partitions_init();
        mail_init();
        process_state_init(&machine->processes[0], host_pid(), NULL);
    }
    processes = host_allocate(sizeof *processes);
    for (int i = 0; i < MAX_PROCESSES; i++) {
        if (machine->processes[i].pid == host_pid()) processes->state = &machine->processes[i];
    }
    for (int tries = 0; !is_new && !processes->state && tries < 1000; tries++) {
        uint32_t word = 0; /* the parent writes our pid right after it started us */
        host_sleep(&word, 0, host_now() + 1000000);
        for (int i = 0; i < MAX_PROCESSES; i++) {
            if (machine->processes[i].pid == host_pid()) processes->state = &machine->processes[i];
        }
    }
    if (!processes->state) { /* nobody announced us: a fork */
        for (int i = 0; i < MAX_PROCESSES && !processes->state; i++) {
            if (machine->processes[i].pid == 0) processes->state = &machine->processes[i];
        }
        if (!processes->state) host_panic("too many processes");
        process_state_init(processes->state, host_pid(), NULL);
    }
}

/* ---- identity ---- */

pid_t getpid(void) {
    host_lock();
    pid_t pid = process_current()->state->pid;
    host_unlock();
    return pid;
}
uid_t getuid(void) {
    host_lock();
    uid_t uid = process_current()->state->uid;
    host_unlock();
    return uid;
}
uid_t geteuid(void) { return getuid(); }

long sysconf(int name) {
    if (name == _SC_PAGESIZE) return (long)host_page();
    if (name == _SC_NPROCESSORS_ONLN) {
        kernel_init();
        return (long)machine->cpus;
    }
    errno = EINVAL;
    return -1;
}

int uname(struct utsname *out) {
    memset(out, 0, sizeof *out);
    strcpy(out->sysname, "QNX");
    strcpy(out->nodename, "localhost");
    snprintf(out->release, sizeof out->release, "%d.%d", QNXSIM_RELEASE / 100, QNXSIM_RELEASE / 10 % 10);
    strcpy(out->machine, host_machine());
    return 0;
}

/* ---- abilities ---- */

/* One operation of the list; `state` is checked by a first pass, changed by a second. */
static int apply(struct process_state *state, unsigned operation, bool commits) {
    unsigned id = operation & 0xffff;
    unsigned domain = operation & (PROCMGR_ADN_ROOT | PROCMGR_ADN_NONROOT);
    if (id >= ABILITIES || !domain) return EINVAL;
    bool ours = domain & (state->uid == 0 ? PROCMGR_ADN_ROOT : PROCMGR_ADN_NONROOT);
    if (!ours) return EOK;
    bool is_change = operation & (PROCMGR_AOP_DENY | PROCMGR_AOP_ALLOW);
#if QNXSIM_RELEASE >= 800
    if (state->locked[id]) return EOK; /* 3.2: does not make the call fail */
#else
    if (state->locked[id] && is_change) return EPERM;
#endif
    if ((operation & PROCMGR_AOP_ALLOW) && !state_allows(state, id)) return EPERM; /* no way back */
    if (!commits) return EOK;
    if (operation & PROCMGR_AOP_DENY) state->allowed[id] = 0;
    if ((operation & PROCMGR_AOP_ALLOW) && is_change) state->allowed[id] = 2;
    if (operation & PROCMGR_AOP_LOCK) state->locked[id] = 1;
    if (operation & PROCMGR_AOP_INHERIT_YES) state->inherited[id] = 1;
    if (operation & PROCMGR_AOP_INHERIT_NO) state->inherited[id] = 0;
    return EOK;
}

int procmgr_ability(pid_t pid, unsigned first, ...) {
    int error = kernel_enter(QNXSIM_procmgr_ability);
    struct process *process = pid == 0 ? process_current() : process_find(pid);
    if (!error && !process) error = ESRCH;
    if (!error && process != process_current() && !ability(PROCMGR_AID_XPROCESS_ABLE)) error = EPERM;
    for (int pass = 0; pass < 2 && !error; pass++) {
        __builtin_va_list list;
        __builtin_va_start(list, first);
        unsigned operation = first;
        while (!error && (operation & 0xffff) != PROCMGR_AID_EOL) {
            if (operation & PROCMGR_AOP_SUBRANGE) {
                (void)__builtin_va_arg(list, uint64_t);
                (void)__builtin_va_arg(list, uint64_t);
            }
            error = apply(process->state, operation, pass == 1);
            operation = __builtin_va_arg(list, unsigned);
        }
        __builtin_va_end(list);
    }
    kernel_leave();
    return error;
}

#if QNXSIM_RELEASE >= 800
int procmgr_value_notify_add(unsigned type, unsigned sub_id, uint64_t value, const struct sigevent *event) {
    (void)sub_id;
    int error = kernel_enter(QNXSIM_procmgr_notify);
    if (!error && ((type & 0xff) > PROCMGR_VALUE_PRIVATE_MEM || SIGEV_GET_TYPE(event) != (SIGEV_PULSE & 0xf))) {
        error = EINVAL;
    }
    static int last_id;
    if (!error) memory_watch(value, type & PROCMGR_VALUE_TRIGGER_DOWN, event);
    int id = ++last_id;
    kernel_leave();
    return error ? plain(error) : id;
}
#endif

void qnxsim_set_user(uint32_t uid) {
    kernel_init();
    processes->state->uid = uid;
}
void qnxsim_allow(unsigned id, bool is_allowed) {
    kernel_init();
    if (id < ABILITIES) processes->state->allowed[id] = is_allowed ? 2 : 0;
}
bool qnxsim_is_allowed(unsigned id) {
    host_lock();
    bool result = ability(id);
    host_unlock();
    return result;
}
bool qnxsim_is_locked(unsigned id) { return id < ABILITIES && processes->state->locked[id]; }

/* ---- limits ---- */

static bool is_supported(int resource) {
    return resource >= 0 && resource < RLIM_NLIMITS;
}

static int limits(struct process_state *state, int resource, const struct rlimit *new, struct rlimit *old) {
    if (!is_supported(resource)) return EINVAL;
    struct rlimit *limit = &state->limits[resource];
    if (old) *old = *limit;
    if (!new) return EOK;
    if (new->rlim_cur > new->rlim_max) return EINVAL;
    if (new->rlim_max > limit->rlim_max && !ability(PROCMGR_AID_RLIMIT)) return EPERM;
    *limit = *new;
    return EOK;
}
int getrlimit(int resource, struct rlimit *limit) {
    host_lock();
    int error = limits(process_current()->state, resource, NULL, limit);
    host_unlock();
    return plain(error);
}
int setrlimit(int resource, const struct rlimit *limit) {
    int error = kernel_enter(QNXSIM_setrlimit);
    if (!error) error = limits(process_current()->state, resource, limit, NULL);
    kernel_leave();
    return plain(error);
}

struct process_state *process_state_of(pid_t pid) {
    if (pid == 0) return process_current()->state;
    for (int i = 0; i < MAX_PROCESSES; i++) {
        if (machine->processes[i].pid == pid) return &machine->processes[i];
    }
    return NULL;
}
#if QNXSIM_RELEASE >= 800
int prlimit(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old) {
    int error = kernel_enter(QNXSIM_setrlimit);
    struct process_state *state = process_state_of(pid);
    if (!error && !state) error = ESRCH;
    if (!error && state != process_current()->state && !ability(PROCMGR_AID_RLIMIT_PEER)) error = EPERM;
    if (!error) error = limits(state, resource, limit, old);
    kernel_leave();
    return plain(error);
}
#endif

/* ---- security types: "a,b,c" have the ids 1, 2, 3 ---- */

static uint32_t type_of(const char *name) {
    const char *at = machine->policy;
    size_t length = strlen(name);
    for (uint32_t id = 1; machine->has_policy && *at; id++) {
        const char *end = strchr(at, ',');
        size_t n = end ? (size_t)(end - at) : strlen(at);
        if (n == length && strncmp(at, name, n) == 0) return id;
        if (!end) break;
        at = end + 1;
    }
    return SECPOL_INVALID_TYPE;
}

struct secpol_file {
    int unused;
};
static struct secpol_file default_policy;

secpol_file_t *secpol_open(const char *path, unsigned flags) {
    (void)path, (void)flags;
    kernel_init();
    if (machine->has_policy) return &default_policy;
    errno = ENOENT;
    return NULL;
}
uint32_t secpol_get_type_id(secpol_file_t *policy, const char *name) {
    (void)policy;
    kernel_init();
    return type_of(name);
}
uint32_t secpol_type_id(void) {
    host_lock();
    uint32_t id = process_current()->state->type_id;
    host_unlock();
    return id;
}
int secpol_transition_type(secpol_file_t *policy, const char *name, unsigned flags) {
    (void)policy, (void)flags;
    int error = kernel_enter(QNXSIM_secpol);
    uint32_t id = type_of(name ? name : "run");
    if (!error && !machine->has_policy) error = ENOTSUP; /* trap 20 */
    if (!error && id == SECPOL_INVALID_TYPE) error = ESECTYPEINVAL;
    if (!error) process_current()->state->type_id = id;
    kernel_leave();
    return plain(error);
}
int secpol_posix_spawnattr_settypeid(secpol_file_t *policy, posix_spawnattr_t *attributes, const char *name,
                                     unsigned flags) {
    (void)policy, (void)flags;
    kernel_init();
    uint32_t id = type_of(name);
    if (!machine->has_policy) return plain(ENOTSUP);
    if (id == SECPOL_INVALID_TYPE) return plain(ESECTYPEINVAL);
    attributes->type_id = id;
    attributes->xflags |= POSIX_SPAWN_SETTYPEID;
    return 0;
}
const char *qnxsim_type_name(void) {
    static char name[64];
    uint32_t wanted = secpol_type_id();
    const char *at = machine->policy;
    name[0] = 0;
    for (uint32_t id = 1; at && *at && wanted != SECPOL_INVALID_TYPE; id++) {
        const char *end = strchr(at, ',');
        size_t n = end ? (size_t)(end - at) : strlen(at);
        if (id == wanted && n < sizeof name) {
            memcpy(name, at, n);
            name[n] = 0;
        }
        at = end ? end + 1 : NULL;
    }
    return name;
}

/* ---- spawning ---- */

int posix_spawnattr_init(posix_spawnattr_t *a) {
    memset(a, 0, sizeof *a);
    a->type_id = SECPOL_INVALID_TYPE;
    return EOK;
}
int posix_spawnattr_destroy(posix_spawnattr_t *a) {
    (void)a;
    return EOK;
}
int posix_spawnattr_setflags(posix_spawnattr_t *a, short flags) {
    a->flags = flags;
    return EOK;
}
int posix_spawnattr_setxflags(posix_spawnattr_t *a, uint32_t flags) {
    a->xflags = flags; /* overwrites: read, modify, write */
    return EOK;
}
int posix_spawnattr_getxflags(const posix_spawnattr_t *a, uint32_t *flags) {
    *flags = a->xflags;
    return EOK;
}
int posix_spawnattr_setcred(posix_spawnattr_t *a, uid_t uid, gid_t gid) {
    a->uid = uid;
    a->gid = gid;
    return EOK;
}
int posix_spawnattr_settypeid(posix_spawnattr_t *a, uint32_t type_id) {
    a->type_id = type_id;
    return EOK;
}
int posix_spawnattr_setrunmask(posix_spawnattr_t *a, uint32_t mask) {
    a->runmask = mask;
    return EOK;
}
int posix_spawnattr_setaslr(posix_spawnattr_t *a, int aslr) {
    if (aslr < POSIX_SPAWN_ASLR_DEFAULT || aslr > POSIX_SPAWN_ASLR_DISABLE) return EINVAL;
    a->aslr = (short)aslr;
    return EOK;
}
int posix_spawnattr_setsigmask(posix_spawnattr_t *a, const sigset_t *set) {
    a->mask = *set;
    return EOK;
}
int posix_spawnattr_setsigdefault(posix_spawnattr_t *a, const sigset_t *set) {
    a->defaults = *set;
    return EOK;
}
int posix_spawnattr_setschedparam(posix_spawnattr_t *a, const struct sched_param *param) {
    a->param = *param;
    return EOK;
}
int posix_spawnattr_setschedpolicy(posix_spawnattr_t *a, int policy) {
    a->policy = policy;
    return EOK;
}
int posix_spawn_file_actions_init(posix_spawn_file_actions_t *f) {
    f->count = 0;
    return EOK;
}
int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *f) {
    f->count = 0;
    return EOK;
}
int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *f, int from, int to) {
    if (from < 0 || to < 0) return EBADF;
    if (f->count == 16) return ENOMEM;
    f->actions[f->count].from = from;
    f->actions[f->count++].to = to;
    return EOK;
}
int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *f, int fd) {
    if (f->count == 16) return ENOMEM;
    f->actions[f->count].from = fd;
    f->actions[f->count++].to = -1;
    return EOK;
}

/* A child's threads are the host's: its scheduling is noted, for tests, and has no effect. */
static int child_policy;
static uint64_t child_budget;
int qnxsim_policy_of_child(void) { return child_policy; }
uint64_t qnxsim_budget_of_child(void) { return child_budget; }
int qnxsim_partition_of(int pid) {
    const struct process_state *state = process_state_of(pid);
    return state ? state->partition : -1;
}

static struct process_state *announce_child(const posix_spawnattr_t *a) {
    struct process_state *state = NULL;
    for (int i = 0; i < MAX_PROCESSES && !state; i++) {
        if (machine->processes[i].pid == 0) state = &machine->processes[i];
    }
    if (!state) return NULL;
    process_state_init(state, -1, process_current()->state);
    mail_clear(state);
    if (!a) return state;
    child_policy = a->flags & POSIX_SPAWN_SETSCHEDULER ? a->policy : 0;
    child_budget = child_policy == SCHED_SPORADIC ? ns_of(&a->param.sched_ss_init_budget) : 0;
    if (a->xflags & POSIX_SPAWN_SETCRED) state->uid = a->uid;
    if (a->xflags & POSIX_SPAWN_SETTYPEID) state->type_id = a->type_id;
    if (a->xflags & POSIX_SPAWN_EXPLICIT_CPU) state->runmask = a->runmask;
    return state;
}

enum { CHILD_STATE_FD = 199 };

int posix_spawn(pid_t *out, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]) {
    int error = kernel_enter(QNXSIM_spawn);
    const uint32_t known = POSIX_SPAWN_EXPLICIT_CPU | POSIX_SPAWN_SETSTACKMAX | POSIX_SPAWN_NOZOMBIE |
                           POSIX_SPAWN_SETCRED | POSIX_SPAWN_SETCWD | POSIX_SPAWN_ASLR_INVERT | POSIX_SPAWN_NEWAPP |
                           POSIX_SPAWN_SETTYPEID | POSIX_SPAWN_CRITICAL;
    if (!error && !ability(PROCMGR_AID_SPAWN)) error = EPERM;
    if (!error && attributes && (attributes->xflags & ~known)) error = EINVAL;
    if (!error && attributes && (attributes->xflags & POSIX_SPAWN_SETCRED) && !ability(PROCMGR_AID_SPAWN_SETUID))
        error = EPERM;
    if (!error && attributes && (attributes->xflags & POSIX_SPAWN_SETTYPEID) && !ability(PROCMGR_AID_SETTYPEID))
        error = EPERM;
    struct process_state *state = error ? NULL : announce_child(attributes);
    if (!error && !state) error = EAGAIN;
    if (!error) {
        struct host_fd_action list[17];
        int count = 0;
        list[count++] = (struct host_fd_action){shared_fd, CHILD_STATE_FD};
        for (int i = 0; actions && i < actions->count; i++) {
            list[count++] = (struct host_fd_action){actions->actions[i].from, actions->actions[i].to};
        }
        size_t n = 0;
        while (environment && environment[n]) n++;
        char **extended = host_allocate((n + 2) * sizeof *extended);
        for (size_t i = 0; i < n; i++) extended[i] = environment[i];
        char entry[40];
        snprintf(entry, sizeof entry, "QNXSIM_STATE_FD=%d", CHILD_STATE_FD);
        extended[n] = entry;
        int pid = host_spawn(path, arguments, extended, list, count);
        host_free(extended);
        if (pid < 0) {
            error = -pid;
            state->pid = 0;
        } else {
            state->pid = pid;
            *out = pid;
        }
    }
    kernel_leave();
    return error;
}

pid_t waitpid(pid_t pid, int *status, int options) {
    int error = kernel_enter(QNXSIM_waitpid);
    kernel_leave();
    if (error) return plain(error);
    int result = host_wait(pid, !(options & WNOHANG), status);
    if (result > 0) {
        host_lock();
        struct process_state *state = process_state_of(result);
        if (state) {
            __atomic_fetch_sub(&machine->ram_used, state->ram_used, __ATOMIC_RELAXED);
            state->pid = 0;
        }
        host_unlock();
    }
    return result;
}
