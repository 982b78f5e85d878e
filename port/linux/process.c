/* port/linux/process.c - processes: starting confined, attaching, limiting, signalling, reaping.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A spawned process is made by clone into namespaces of its own (user, network, IPC, process
 * numbers) as far as the machine allows, and waits until its parent has written its user map and
 * put it into control groups; then it sets its limits, keeps only the descriptors it was given,
 * and executes. It is process 1 of its namespace, so its death ends whatever it started.
 *
 * Processes are held by a descriptor (pidfd), so a number that is reused is never hit.
 */
#define _GNU_SOURCE
#include "group.h"
#include "linux.h"
#include "resctrl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { FIRST_FD = 3, PARKING = 100, MOST_FDS = 64, SIGNALS = 64 };

static int pidfd_of(const struct wrt_port_process *process)
{
    return (int)process->control;
}

/* ---- limits ---- */

static enum wrt_status set_rlimit(pid_t process, int resource, uint64_t value)
{
    const struct rlimit limit = {.rlim_cur = value, .rlim_max = value};

    if (prlimit(process, (enum __rlimit_resource)resource, &limit, NULL) == 0)
        return WRT_OK;
    return wrt_linux_to_status(errno);
}

/* Without a memory group: what it may write of its own, which bounds what can be resident. */
static void limit_data(pid_t process, const struct wrt_port_process_limits *limits,
                       uint32_t *confined)
{
    if (limits->memory_bytes != 0 && !(*confined & WRT_PORT_CONFINE_MEMORY) &&
        set_rlimit(process, RLIMIT_DATA, limits->memory_bytes) == WRT_OK)
        *confined |= WRT_PORT_CONFINE_MEMORY;
}

static void forget_groups(pid_t process)
{
    wrt_linux_group_remove(process);
    wrt_linux_resctrl_remove(WRT_LINUX_RESCTRL, process);
}

static uint32_t wanted(const struct wrt_port_process_limits *limits)
{
    return (limits->memory_bytes != 0 ? WRT_PORT_CONFINE_MEMORY : 0u) |
           (limits->cpu_permille != 0 ? WRT_PORT_CONFINE_CPU : 0u) |
           (limits->threads != 0 ? WRT_PORT_CONFINE_TASKS : 0u) |
           (limits->cache_ways != 0 ? WRT_PORT_CONFINE_CACHE : 0u) |
           (limits->descriptors != 0 ? WRT_PORT_CONFINE_LIMITS : 0u);
}

enum wrt_status wrt_port_process_limit(struct wrt_port_process *process,
                                       const struct wrt_port_process_limits *limits)
{
    pid_t id = (pid_t)process->id;
    uint32_t confined;

    if (id <= 0)
        return WRT_ERR_STATE;
    confined = wrt_linux_group_limit(id, limits);
    if (limits->cache_ways != 0 &&
        wrt_linux_resctrl_limit(WRT_LINUX_RESCTRL, id, limits->cache_ways))
        confined |= WRT_PORT_CONFINE_CACHE;
    limit_data(id, limits, &confined);
    if (limits->descriptors != 0 && set_rlimit(id, RLIMIT_NOFILE, limits->descriptors) == WRT_OK)
        confined |= WRT_PORT_CONFINE_LIMITS;
    process->confined |= confined;
    return limits->require && (wanted(limits) & ~confined) != 0 ? WRT_ERR_UNSUPPORTED : WRT_OK;
}

/* ---- scheduling ---- */

struct schedule {
    int priority;
    uint64_t affinity;
    int error;
};

static void schedule_thread(const char *name, void *context)
{
    struct schedule *schedule = context;
    const struct sched_param parameters = {.sched_priority = schedule->priority};
    pid_t thread = (pid_t)strtol(name, NULL, 10);

    if (schedule->priority != 0 && sched_setscheduler(thread, SCHED_FIFO, &parameters) != 0)
        schedule->error = errno;
    if (schedule->affinity != 0 &&
        syscall(SYS_sched_setaffinity, thread, sizeof schedule->affinity,
                &schedule->affinity) != 0)
        schedule->error = errno;
}

enum wrt_status wrt_port_process_schedule(const struct wrt_port_process *process, int priority,
                                          uint64_t affinity)
{
    struct schedule schedule = {.priority = priority, .affinity = affinity};
    char path[64];

    if (process->id <= 0)
        return WRT_ERR_STATE;
    snprintf(path, sizeof path, "/proc/%" PRId64 "/task", process->id);
    if (!wrt_linux_list(path, schedule_thread, &schedule))
        return WRT_ERR_NOT_FOUND;
    return wrt_linux_to_status(schedule.error);
}

/* ---- use ---- */

static uint64_t private_bytes(int64_t id)
{
    unsigned long resident = 0, shared = 0;
    char path[64], text[128];
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "/proc/%" PRId64 "/statm", id);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    got = read(fd, text, sizeof text - 1);
    close(fd);
    text[got > 0 ? got : 0] = '\0';
    if (sscanf(text, "%*u %lu %lu", &resident, &shared) != 2 || shared > resident)
        return 0;
    return (uint64_t)(resident - shared) * wrt_port_page_bytes();
}

enum wrt_status wrt_port_process_usage(const struct wrt_port_process *process,
                                       struct wrt_port_process_usage *out)
{
    struct timespec time;
    clockid_t clock;

    if (process->id <= 0)
        return WRT_ERR_STATE;
    if (clock_getcpuclockid((pid_t)process->id, &clock) != 0 || clock_gettime(clock, &time) != 0)
        return WRT_ERR_NOT_FOUND;
    *out = (struct wrt_port_process_usage){
        .resident_bytes = private_bytes(process->id),
        .cpu_ns = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec,
    };
    return WRT_OK;
}

/* ---- the child: only calls of the system from here to exec ---- */

struct child {
    const struct wrt_port_spawn *spawn;
    int go, failed; /* pipe ends */
};

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t none;

    for (int number = 1; number <= SIGNALS; number++)
        (void)sigaction(number, &action, NULL); /* those of the library's own fail: fine */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool limit_self(const struct wrt_port_process_limits *limits)
{
    const struct rlimit zero = {0, 0};
    const struct rlimit files = {.rlim_cur = limits->descriptors, .rlim_max = limits->descriptors};

    return setrlimit(RLIMIT_CORE, &zero) == 0 && setrlimit(RLIMIT_MSGQUEUE, &zero) == 0 &&
           setrlimit(RLIMIT_RTPRIO, &zero) == 0 &&
           (limits->descriptors == 0 || setrlimit(RLIMIT_NOFILE, &files) == 0);
}

/* A second number for it, above all that are meant: no other one is overwritten. */
static int park(int fd)
{
    return fcntl(fd, F_DUPFD_CLOEXEC, PARKING);
}

/* 0, 1, 2 are /dev/null; 3, 4, ... what was given; then the pipe, which exec closes. */
static int place_descriptors(const struct child *child, int *out_failed)
{
    int count = (int)child->spawn->descriptor_count, last = FIRST_FD + count;
    int given[MOST_FDS], failed = park(child->failed), null = park(open("/dev/null", O_RDWR));

    if (failed < 0 || null < 0)
        return errno;
    for (int i = 0; i < count; i++)
        if ((given[i] = park(child->spawn->descriptors[i])) < 0)
            return errno;
    for (int i = 0; i < FIRST_FD; i++)
        if (dup2(null, i) < 0)
            return errno;
    for (int i = 0; i < count; i++)
        if (dup2(given[i], FIRST_FD + i) < 0)
            return errno;
    if (dup3(failed, last, O_CLOEXEC) < 0)
        return errno;
    *out_failed = last;
    return syscall(SYS_close_range, last + 1, ~0u, 0) == 0 ? 0 : errno;
}

static void run_child(const struct child *child)
{
    static char *const nothing[] = {NULL};
    char *const *environment = nothing, *const *arguments;
    int failed = child->failed, error;
    char byte;

    if (read(child->go, &byte, 1) != 1)
        _exit(127);
    (void)setsid();
    reset_signals();
    error = place_descriptors(child, &failed);
    if (error == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                       !limit_self(&child->spawn->limits)))
        error = errno;
    if (error == 0) {
        memcpy(&arguments, &child->spawn->arguments, sizeof arguments); /* only const differs */
        if (child->spawn->environment != NULL)
            memcpy(&environment, &child->spawn->environment, sizeof environment);
        (void)syscall(SYS_setgroups, 0, NULL);
        (void)!setresgid(0, 0, 0); /* of the new user namespace, where there is one */
        (void)!setresuid(0, 0, 0);
        (void)execve(child->spawn->program, arguments, environment);
        error = errno;
    }
    (void)!write(failed, &error, sizeof error);
    _exit(127);
}

/* ---- the parent ---- */

static const unsigned namespaces = CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWPID |
                                   CLONE_NEWUTS;

/* Like fork, without the C library's handlers. */
static pid_t clone_process(unsigned flags, int *pidfd)
{
    return (pid_t)syscall(SYS_clone, (unsigned long)(flags | CLONE_PIDFD | SIGCHLD), NULL, pidfd,
                          NULL, 0);
}

static bool write_file(pid_t process, const char *file, const char *text)
{
    size_t length = strlen(text);
    char path[64];
    bool is_written;
    int fd;

    snprintf(path, sizeof path, "/proc/%d/%s", (int)process, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    is_written = write(fd, text, length) == (ssize_t)length;
    close(fd);
    return is_written;
}

/* 0 inside is nobody outside, where we may say so; else it is us. */
static bool map_user(pid_t process, bool keep_user, bool *out_is_own)
{
    char users[48], groups[48];
    bool is_root = geteuid() == 0 && !keep_user;

    snprintf(users, sizeof users, "0 %u 1", is_root ? 65534u : (unsigned)geteuid());
    snprintf(groups, sizeof groups, "0 %u 1", is_root ? 65534u : (unsigned)getegid());
    *out_is_own = is_root;
    if (geteuid() != 0 && !write_file(process, "setgroups", "deny"))
        return false;
    return write_file(process, "uid_map", users) &&
           write_file(process, "gid_map", groups);
}

struct start {
    pid_t process;
    int pidfd;
    uint32_t confined;
    int error;
};

static void kill_and_reap(int pidfd)
{
    siginfo_t info;

    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) != 0 && errno == EINTR) {
    }
    close(pidfd);
}

/* The errno of what failed in the child; 0: it is executing the program. */
static int read_failure(int pipe_end)
{
    int error = 0;
    ssize_t got;

    do
        got = read(pipe_end, &error, sizeof error);
    while (got < 0 && errno == EINTR);
    return got == 0 ? 0 : got == (ssize_t)sizeof error ? error : EIO;
}

/* True once the child has ended: somebody killed it while it waited for us. */
static bool has_ended(const struct start *start)
{
    siginfo_t info = {0};

    return waitid(P_PIDFD, (id_t)start->pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
}

static void let_go(struct start *start, const struct wrt_port_spawn *spawn, unsigned flags,
                   int go)
{
    struct wrt_port_process_limits limits = spawn->limits;
    struct wrt_port_process process = {.id = start->process};
    bool is_own = false;

    if ((flags & CLONE_NEWUSER) && !map_user(start->process, spawn->keep_user, &is_own))
        start->error = EPERM;
    limits.descriptors = 0; /* the child sets that one */
    limits.require = false;
    (void)!wrt_port_process_limit(&process, &limits);
    start->confined = process.confined | WRT_PORT_CONFINE_NO_NEW_PRIVILEGES |
                      WRT_PORT_CONFINE_LIMITS | (is_own ? WRT_PORT_CONFINE_USER : 0u) |
                      (flags & CLONE_NEWNET ? WRT_PORT_CONFINE_NETWORK : 0u) |
                      (flags & CLONE_NEWPID ? WRT_PORT_CONFINE_PROCESSES : 0u) |
                      (flags & CLONE_NEWIPC ? WRT_PORT_CONFINE_IPC : 0u);
    if (start->error == 0 && send(go, "g", 1, MSG_NOSIGNAL) != 1)
        start->error = errno;
    if (has_ended(start)) { /* no refusal of the machine's: it started, and is to be reaped */
        start->error = 0;
        start->confined = UINT32_MAX;
    }
}

static void start_one(const struct wrt_port_spawn *spawn, unsigned flags, struct start *start)
{
    int go[2], failed[2];

    *start = (struct start){.pidfd = -1};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go) != 0) { /* no SIGPIPE for us */
        start->error = errno;
        return;
    }
    if (pipe2(failed, O_CLOEXEC) != 0) {
        start->error = errno;
        close(go[0]), close(go[1]);
        return;
    }
    start->process = clone_process(flags, &start->pidfd);
    if (start->process == 0) {
        const struct child child = {.spawn = spawn, .go = go[0], .failed = failed[1]};

        close(go[1]);
        run_child(&child);
    }
    start->error = start->process < 0 ? errno : 0;
    close(go[0]), close(failed[1]);
    if (start->error == 0)
        let_go(start, spawn, flags, go[1]);
    close(go[1]);
    if (start->error == 0)
        start->error = read_failure(failed[0]);
    close(failed[0]);
    if (start->error != 0 && start->process > 0) {
        kill_and_reap(start->pidfd);
        forget_groups(start->process);
    }
}

static bool is_refusal(int error)
{
    return error == EPERM || error == EACCES || error == ENOSYS || error == EINVAL ||
           error == ENOSPC || error == EUSERS;
}

/* As many namespaces as the machine gives, and the user that can reach the program. */
static void start_confined(const struct wrt_port_spawn *spawn, struct start *start)
{
    static const unsigned tries[] = {namespaces, namespaces & ~(unsigned)CLONE_NEWUSER, 0};
    struct wrt_port_spawn other = *spawn;

    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        start_one(spawn, tries[i], start);
        if (start->error == EACCES && !spawn->keep_user && (tries[i] & CLONE_NEWUSER)) {
            other.keep_user = true;
            start_one(&other, tries[i], start);
        }
        if (start->error == 0 || !is_refusal(start->error))
            return;
    }
}

enum wrt_status wrt_port_process_spawn(const struct wrt_port_spawn *spawn,
                                       struct wrt_port_process *out)
{
    struct start start;

    if (spawn->descriptor_count > MOST_FDS)
        return WRT_ERR_ARGUMENT;
    wrt_linux_note_requested(WRT_LINUX_PROCESSES);
    start_confined(spawn, &start);
    if (start.error == ENOENT || start.error == ENOTDIR)
        return WRT_ERR_NOT_FOUND;
    if (start.error != 0)
        return wrt_linux_to_status(start.error);
    if (spawn->limits.require && (wanted(&spawn->limits) & ~start.confined) != 0) {
        kill_and_reap(start.pidfd);
        forget_groups(start.process);
        return WRT_ERR_UNSUPPORTED;
    }
    wrt_linux_note_active(WRT_LINUX_PROCESSES);
    *out = (struct wrt_port_process){
        .id = start.process, .control = start.pidfd, .confined = start.confined};
    return WRT_OK;
}

/* ---- attaching ---- */

enum wrt_status wrt_port_process_open(int64_t id, struct wrt_port_process *out)
{
    int pidfd;

    if (id <= 0 || id > INT_MAX || id == getpid())
        return WRT_ERR_ARGUMENT;
    pidfd = (int)syscall(SYS_pidfd_open, (pid_t)id, 0);
    if (pidfd < 0)
        return errno == ESRCH || errno == EINVAL ? WRT_ERR_NOT_FOUND : wrt_linux_to_status(errno);
    if (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) != 0) {
        enum wrt_status status = errno == ESRCH ? WRT_ERR_NOT_FOUND : wrt_linux_to_status(errno);

        close(pidfd);
        return status;
    }
    *out = (struct wrt_port_process){.id = id, .control = pidfd};
    return WRT_OK;
}

void wrt_port_process_close(struct wrt_port_process *process)
{
    if (process->id > 0)
        close(pidfd_of(process));
    process->id = 0;
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
    if (syscall(SYS_pidfd_send_signal, pidfd_of(process), numbers[signal], NULL, 0) == 0)
        return WRT_OK;
    return errno == ESRCH ? WRT_ERR_NOT_FOUND : wrt_linux_to_status(errno);
}

/* 1: it ended; 0: not before the deadline; -1: errno. */
static int wait_for_end(int pidfd, uint64_t deadline_ns)
{
    struct pollfd end = {.fd = pidfd, .events = POLLIN};

    for (;;) {
        struct timespec left = {0};
        uint64_t now = 0;
        int ready;

        (void)!wrt_port_time_now(&now);
        if (deadline_ns > now) {
            uint64_t ns = deadline_ns - now < 3600000000000u ? deadline_ns - now : 3600000000000u;

            left = (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                                     .tv_nsec = (long)(ns % 1000000000u)};
        }
        ready = ppoll(&end, 1, &left, NULL);
        if (ready > 0)
            return 1;
        if (ready < 0 && errno != EINTR)
            return -1;
        if (now >= deadline_ns)
            return 0;
    }
}

static void describe(const siginfo_t *info, struct wrt_port_exit *out)
{
    *out = (struct wrt_port_exit){.by_signal = info->si_code != CLD_EXITED,
                                  .code = info->si_status};
}

enum wrt_status wrt_port_process_reap(struct wrt_port_process *process, uint64_t deadline_ns,
                                      struct wrt_port_exit *out)
{
    siginfo_t info;
    int ended, error;

    if (process->id <= 0)
        return WRT_ERR_STATE;
    ended = wait_for_end(pidfd_of(process), deadline_ns);
    if (ended <= 0)
        return ended == 0 ? WRT_ERR_TIMEOUT : wrt_linux_to_status(errno);
    memset(&info, 0, sizeof info);
    do
        error = waitid(P_PIDFD, (id_t)pidfd_of(process), &info, WEXITED) == 0 ? 0 : errno;
    while (error == EINTR);
    if (error == 0)
        describe(&info, out);
    else
        *out = (struct wrt_port_exit){.is_unknown = true}; /* no child of ours */
    close(pidfd_of(process));
    forget_groups((pid_t)process->id);
    process->id = 0;
    return WRT_OK;
}
