/* port/qnx/process.c - processes: starting, limiting, signalling, reaping.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Limits are no spawn attribute. From 8.0 on the parent sets those of a child (prlimit);
 * before, only the child itself can (wrt_port_confine_self), so a spawn that requires them
 * is refused. RLIMIT_DATA and not RLIMIT_AS bounds memory: AS counts every reservation. Shares
 * of the processor are in share.c.
 */
#include "qnx.h"

#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

enum { FIRST_FD = 3, PARKING = 64, POLL_NS = 1000000 };

/* ---- limits ---- */

static enum wrt_status set_limit(pid_t process, int resource, uint64_t value)
{
    struct rlimit limit;

    memset(&limit, 0, sizeof limit); /* 32-bit structures have hidden words between */
    limit.rlim_cur = (rlim_t)value;
    limit.rlim_max = (rlim_t)value;
    if (limit.rlim_cur != value)
        return WRT_ERR_ARGUMENT;
    if (process == getpid())
        return setrlimit(resource, &limit) == 0 ? WRT_OK : wrt_qnx_to_status(errno);
#if WRT_QNX_SINCE_8
    wrt_qnx_note_requested(WRT_QNX_PEER_LIMITS);
    if (prlimit(process, resource, &limit, NULL) == 0) {
        wrt_qnx_note_active(WRT_QNX_PEER_LIMITS);
        return WRT_OK;
    }
    wrt_qnx_note_refused(WRT_QNX_PEER_LIMITS, "prlimit refused: PROCMGR_AID_RLIMIT_PEER");
    return wrt_qnx_to_status(errno);
#else
    return WRT_ERR_UNSUPPORTED;
#endif
}

enum wrt_status wrt_qnx_set_limits(pid_t process, const struct wrt_port_process_limits *limits,
                                   uint64_t reserved_bytes)
{
    const struct {
        uint64_t value;
        int resource;
    } rows[] = {
        {limits->memory_bytes != 0 ? limits->memory_bytes + reserved_bytes : 0, RLIMIT_DATA},
        {limits->descriptors, RLIMIT_NOFILE},
        {limits->threads, RLIMIT_NTHR},
    };
    enum wrt_status status = WRT_OK;

    if (limits->memory_bytes > UINT64_MAX - reserved_bytes)
        return WRT_ERR_ARGUMENT;
    if (limits->require && limits->cache_ways != 0)
        return WRT_ERR_UNSUPPORTED;
    wrt_qnx_note_requested(WRT_QNX_PROCESS_LIMITS);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && status == WRT_OK; i++) {
        if (rows[i].value != 0)
            status = set_limit(process, rows[i].resource, rows[i].value);
    }
    if (status == WRT_OK && limits->cpu_permille != 0)
        status = wrt_qnx_limit_cpu(process, limits->cpu_permille, limits->threads);
    if (status == WRT_OK)
        wrt_qnx_note_active(WRT_QNX_PROCESS_LIMITS);
    return limits->require || status != WRT_ERR_UNSUPPORTED ? status : WRT_OK;
}

uint32_t wrt_qnx_confined_by(const struct wrt_port_process_limits *limits)
{
    return (limits->memory_bytes != 0 ? WRT_PORT_CONFINE_MEMORY : 0u) |
           (limits->descriptors != 0 ? WRT_PORT_CONFINE_LIMITS : 0u) |
           (limits->threads != 0 ? WRT_PORT_CONFINE_TASKS : 0u) |
           (limits->cpu_permille != 0 ? WRT_PORT_CONFINE_CPU : 0u);
}

enum wrt_status wrt_port_process_limit(struct wrt_port_process *process,
                                       const struct wrt_port_process_limits *limits)
{
    /* Apart: a release may serve one and not the other. */
    struct wrt_port_process_limits parts[2] = {*limits, {.cpu_permille = limits->cpu_permille}};
    enum wrt_status worst = WRT_OK;

    parts[0].cpu_permille = 0;
    for (size_t i = 0; i < 2; i++) {
        enum wrt_status status;

        parts[i].require = true; /* so that what is missing is told */
        status = wrt_qnx_set_limits((pid_t)process->id, &parts[i], 0);
        if (status == WRT_OK)
            process->confined |= wrt_qnx_confined_by(&parts[i]);
        if (status != WRT_OK && (worst == WRT_OK || worst == WRT_ERR_UNSUPPORTED))
            worst = status;
    }
    return limits->require || worst != WRT_ERR_UNSUPPORTED ? worst : WRT_OK;
}

enum wrt_status wrt_port_process_open(int64_t id, struct wrt_port_process *out)
{
    if (id == getpid())
        return WRT_ERR_ARGUMENT;
    if (kill((pid_t)id, 0) != 0)
        return errno == ESRCH ? WRT_ERR_NOT_FOUND : wrt_qnx_to_status(errno);
    *out = (struct wrt_port_process){.id = id};
    return WRT_OK;
}

void wrt_port_process_close(struct wrt_port_process *process)
{
    process->id = 0;
}

enum wrt_status wrt_port_process_schedule(const struct wrt_port_process *process, int priority,
                                          uint64_t affinity)
{
    (void)process, (void)priority, (void)affinity;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_process_usage(const struct wrt_port_process *process,
                                       struct wrt_port_process_usage *out)
{
    (void)process, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

/* ---- spawning ---- */

/* Descriptors may overlap their new numbers: park them all above first. */
static int add_descriptors(posix_spawn_file_actions_t *actions, const struct wrt_port_spawn *spawn)
{
    int count = (int)spawn->descriptor_count, error = 0;

    for (int i = 0; i < count && error == 0; i++)
        error = posix_spawn_file_actions_adddup2(actions, spawn->descriptors[i], PARKING + i);
    for (int i = 0; i < count && error == 0; i++)
        error = posix_spawn_file_actions_adddup2(actions, PARKING + i, FIRST_FD + i);
    for (int i = 0; i < count && error == 0; i++)
        error = posix_spawn_file_actions_addclose(actions, PARKING + i);
    return error;
}

/* Where a share of the processor is a matter of the thread's scheduling (share.c); or 0. */
static int set_scheduling(posix_spawnattr_t *attributes,
                          const struct wrt_port_process_limits *limits, short *flags)
{
    struct sched_param parameters;
    int error;

    if (!wrt_qnx_spawn_sporadic(limits, &parameters))
        return 0;
    wrt_qnx_note_requested(WRT_QNX_SPORADIC);
    error = posix_spawnattr_setschedpolicy(attributes, SCHED_SPORADIC);
    if (error == 0)
        error = posix_spawnattr_setschedparam(attributes, &parameters);
    *flags = (short)(*flags | POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSCHEDPARAM);
    return error;
}

/* All signals as the system has them, none blocked. */
static int set_attributes(posix_spawnattr_t *attributes,
                          const struct wrt_port_process_limits *limits)
{
    short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    sigset_t none, all;
    int error;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error = set_scheduling(attributes, limits, &flags);
    if (error == 0)
        error = posix_spawnattr_setflags(attributes, flags);
    return error;
}

static int start(const struct wrt_port_spawn *spawn, pid_t *out)
{
    static char *const nothing[] = {NULL};
    char *const *environment = nothing;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error != 0)
        goto drop_actions;
    if (spawn->environment != NULL)
        memcpy(&environment, &spawn->environment, sizeof environment); /* only const differs */
    error = add_descriptors(&actions, spawn);
    if (error == 0)
        error = set_attributes(&attributes, &spawn->limits);
    if (error == 0) {
        char *const *arguments;

        memcpy(&arguments, &spawn->arguments, sizeof arguments);
        error = posix_spawn(out, spawn->program, &actions, &attributes, arguments, environment);
    }
    (void)posix_spawnattr_destroy(&attributes);
drop_actions:
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

static bool can_limit_peers(void)
{
    return WRT_QNX_SINCE_8;
}

static bool has_limits(const struct wrt_port_process_limits *limits)
{
    return limits->memory_bytes != 0 || limits->descriptors != 0 || limits->threads != 0;
}

enum wrt_status wrt_port_process_spawn(const struct wrt_port_spawn *spawn,
                                       struct wrt_port_process *out)
{
    enum { MOST_FDS = 5 }; /* three file actions each, and systems bound their number */
    struct wrt_port_process process = {.control = 0};
    enum wrt_status status = WRT_OK;
    pid_t child;
    int error;

    if (spawn->descriptor_count > MOST_FDS)
        return WRT_ERR_ARGUMENT;
    if (spawn->limits.require &&
        ((spawn->limits.cpu_permille != 0 && !wrt_qnx_has_cpu_cap()) ||
         (has_limits(&spawn->limits) && !can_limit_peers())))
        return WRT_ERR_UNSUPPORTED;
    error = start(spawn, &child);
    if (error == ENOENT)
        return WRT_ERR_NOT_FOUND;
    if (error != 0)
        return wrt_qnx_to_status(error);
    process.id = child;
    status = wrt_port_process_limit(&process, &spawn->limits);
    if (status != WRT_OK && spawn->limits.require) {
        struct wrt_port_exit exit;

        (void)!wrt_port_process_signal(&process, WRT_PORT_SIGNAL_KILL);
        (void)!wrt_port_process_reap(&process, UINT64_MAX, &exit);
        return status;
    }
    *out = process;
    return WRT_OK;
}

/* ---- signalling and reaping ---- */

enum wrt_status wrt_port_process_signal(const struct wrt_port_process *process,
                                        enum wrt_port_signal signal)
{
    static const int numbers[] = {
        [WRT_PORT_SIGNAL_STOP] = SIGSTOP,
        [WRT_PORT_SIGNAL_CONTINUE] = SIGCONT,
        [WRT_PORT_SIGNAL_TERMINATE] = SIGTERM,
        [WRT_PORT_SIGNAL_KILL] = SIGKILL,
    };

    if (process->id <= 0)
        return WRT_ERR_STATE;
    if (kill((pid_t)process->id, numbers[signal]) == 0)
        return WRT_OK;
    return errno == ESRCH ? WRT_ERR_NOT_FOUND : wrt_qnx_to_status(errno);
}

/* 1: it ended; 0: not before the deadline; -1: errno. */
static int wait_until(pid_t process, uint64_t deadline_ns, int *status)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};

    for (;;) {
        pid_t ended = waitpid(process, status, deadline_ns == UINT64_MAX ? 0 : WNOHANG);
        uint64_t now;

        if (ended > 0)
            return 1;
        if (ended < 0 && errno != EINTR)
            return -1;
        if (wrt_port_time_now(&now) != WRT_OK || now >= deadline_ns)
            return 0;
        if (ended == 0)
            (void)nanosleep(&pause, NULL);
    }
}

enum wrt_status wrt_port_process_reap(struct wrt_port_process *process, uint64_t deadline_ns,
                                      struct wrt_port_exit *out)
{
    int status = 0, ended;

    if (process->id <= 0)
        return WRT_ERR_STATE;
    ended = wait_until((pid_t)process->id, deadline_ns, &status);
    if (ended < 0)
        return errno == ECHILD ? WRT_ERR_NOT_FOUND : wrt_qnx_to_status(errno);
    if (ended == 0)
        return WRT_ERR_TIMEOUT;
    out->is_unknown = false;
    out->by_signal = WIFSIGNALED(status);
    out->code = out->by_signal ? WTERMSIG(status) : WEXITSTATUS(status);
    wrt_qnx_process_ended((pid_t)process->id);
    process->id = 0;
    return WRT_OK;
}
