/* port/linux/group.c - see group.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Groups lie below the one that this process is in, so its own limits hold for them too, and are
 * called wrt-HOST-PROCESS. Groups of hosts that ended without cleaning up are removed by the
 * next one. With version 2 this process may move to wrt-PROCESS-host below its group. Where
 * systems mount: version 1 at /sys/fs/cgroup/CONTROLLER, version 2 at /sys/fs/cgroup.
 */
#define _GNU_SOURCE
#include "group.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum controller { MEMORY, CPU, PIDS, CONTROLLERS };

static const char *const names[CONTROLLERS] = {"memory", "cpu", "pids"};

static struct {
    char base[CONTROLLERS][320]; /* "" where there is none */
    bool is_v2;
} place;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- files ---- */

static bool write_text(const char *folder, const char *file, const char *text)
{
    size_t length = strlen(text);
    char path[512];
    bool is_written;
    int fd;

    if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path)
        return false;
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    is_written = write(fd, text, length) == (ssize_t)length;
    close(fd);
    return is_written;
}

static bool write_number(const char *folder, const char *file, uint64_t value)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, value);
    return write_text(folder, file, text);
}

struct entry { /* as getdents64 gives it */
    uint64_t inode;
    int64_t offset;
    uint16_t bytes;
    uint8_t type;
    char name[];
};

bool wrt_linux_list(const char *path, void (*visit)(const char *name, void *context),
                    void *context)
{
    _Alignas(struct entry) char buffer[4096];
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long got;

    if (fd < 0)
        return false;
    while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got;) {
            const struct entry *entry = (const struct entry *)(const void *)(buffer + at);

            if (entry->name[0] != '.')
                visit(entry->name, context);
            at += entry->bytes;
        }
    }
    close(fd);
    return got == 0;
}

/* ---- where ---- */

/* The group of this process for one controller ("": version 2), from lines N:CONTROLLERS:PATH. */
static bool find_own(char *text, const char *controller, char *out, size_t size)
{
    char *line, *rest = text;

    while ((line = strsep(&rest, "\n")) != NULL) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        char *one;

        if (path == NULL)
            continue;
        *path++ = '\0';
        list++;
        while ((one = strsep(&list, ",")) != NULL) {
            if (strcmp(one, controller) == 0)
                return snprintf(out, size, "%s", path) < (int)size;
        }
    }
    return false;
}

static bool read_own(char *out, size_t size)
{
    int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return false;
    got = read(fd, out, size - 1);
    close(fd);
    out[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static void remove_if_stale(const char *name, void *context)
{
    const char *base = context;
    char path[512];
    long host;

    if (strncmp(name, "wrt-", 4) != 0)
        return;
    host = strtol(name + 4, NULL, 10);
    if (host <= 0 || kill((pid_t)host, 0) == 0 || errno != ESRCH)
        return;
    if (snprintf(path, sizeof path, "%s/%s", base, name) < (int)sizeof path)
        (void)rmdir(path);
}

static void find_base(enum controller controller)
{
    char text[2048], own[256];
    char *base = place.base[controller];
    int length;

    if (!read_own(text, sizeof text) ||
        !find_own(text, place.is_v2 ? "" : names[controller], own, sizeof own))
        return;
    if (place.is_v2)
        length = snprintf(base, sizeof place.base[0], "/sys/fs/cgroup%s", own);
    else
        length = snprintf(base, sizeof place.base[0], "/sys/fs/cgroup/%s%s", names[controller],
                          own);
    if (length >= (int)sizeof place.base[0] || access(base, W_OK) != 0)
        base[0] = '\0';
    else
        (void)wrt_linux_list(base, remove_if_stale, base);
}

static bool enable_controllers(const char *base)
{
    bool is_enabled = false;

    for (int controller = 0; controller < CONTROLLERS; controller++) {
        char text[16];

        snprintf(text, sizeof text, "+%s", names[controller]);
        is_enabled |= write_text(base, "cgroup.subtree_control", text);
    }
    return is_enabled;
}

/* A group of version 2 (but the root) that holds processes hands its children no controller, so
 * this process moves to a child of its own first. Where others share the group, that fails. */
static void hand_down(const char *base)
{
    char own[400];

    if (enable_controllers(base) ||
        snprintf(own, sizeof own, "%s/wrt-%d-host", base, (int)getpid()) >= (int)sizeof own ||
        (mkdir(own, 0755) != 0 && errno != EEXIST))
        return;
    if (write_number(own, "cgroup.procs", (uint64_t)getpid()) && enable_controllers(base))
        return;
    (void)write_number(base, "cgroup.procs", (uint64_t)getpid());
    (void)rmdir(own);
}

static void find_places(void)
{
    place.is_v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
    for (int controller = 0; controller < CONTROLLERS; controller++)
        find_base((enum controller)controller);
}

static bool group_path(enum controller controller, pid_t process, char *out, size_t size)
{
    if (place.base[controller][0] == '\0')
        return false;
    return snprintf(out, size, "%s/wrt-%d-%d", place.base[controller], (int)getpid(),
                    (int)process) < (int)size;
}

/* ---- limits ---- */

static bool limit_memory(const char *path, uint64_t bytes)
{
    if (place.is_v2) {
        (void)write_number(path, "memory.swap.max", 0);
        return write_number(path, "memory.max", bytes);
    }
    (void)write_number(path, "memory.swappiness", 0);
    return write_number(path, "memory.limit_in_bytes", bytes);
}

/* The kernel takes no quota below 1 ms, nor a period above 1 s. */
static bool limit_cpu(const char *path, uint64_t permille)
{
    uint64_t period_us = permille >= 10 ? 100000 : 1000000;
    uint64_t quota_us = permille * period_us / 1000;
    char text[48];

    if (place.is_v2) {
        snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64, quota_us, period_us);
        return write_text(path, "cpu.max", text);
    }
    (void)write_number(path, "cpu.cfs_quota_us", UINT64_MAX >> 1); /* any period is allowed then */
    return write_number(path, "cpu.cfs_period_us", period_us) &&
           write_number(path, "cpu.cfs_quota_us", quota_us);
}

static bool limit_one(enum controller controller, pid_t process, uint64_t value)
{
    char path[400];

    if (!group_path(controller, process, path, sizeof path))
        return false;
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return false;
    return (controller == MEMORY ? limit_memory(path, value)
            : controller == CPU  ? limit_cpu(path, value)
                                 : write_number(path, "pids.max", value)) &&
           write_number(path, "cgroup.procs", (uint64_t)process);
}

/* Before its limits can be set: a process that was just started is in our group, too. */
static void leave_own_group(pid_t process)
{
    char path[400];

    if (group_path(MEMORY, process, path, sizeof path) &&
        (mkdir(path, 0755) == 0 || errno == EEXIST) &&
        write_number(path, "cgroup.procs", (uint64_t)process))
        hand_down(place.base[MEMORY]);
}

uint32_t wrt_linux_group_limit(pid_t process, const struct wrt_port_process_limits *limits)
{
    uint32_t done = 0;

    (void)pthread_once(&once, find_places);
    if (place.is_v2 && (limits->memory_bytes | limits->cpu_permille | limits->threads) != 0)
        leave_own_group(process);
    if (limits->memory_bytes != 0 && limit_one(MEMORY, process, limits->memory_bytes))
        done |= WRT_PORT_CONFINE_MEMORY;
    if (limits->cpu_permille != 0 && limit_one(CPU, process, limits->cpu_permille))
        done |= WRT_PORT_CONFINE_CPU;
    if (limits->threads != 0 && limit_one(PIDS, process, limits->threads))
        done |= WRT_PORT_CONFINE_TASKS;
    return done;
}

/* The kernel may need a moment to let go of a process that was just reaped. */
static void remove_folder(const char *path)
{
    const struct timespec pause = {.tv_nsec = 200000};

    for (int attempt = 0; attempt < 250 && rmdir(path) != 0 && errno == EBUSY; attempt++)
        (void)nanosleep(&pause, NULL);
}

void wrt_linux_group_remove(pid_t process)
{
    char path[400];

    (void)pthread_once(&once, find_places);
    for (int controller = 0; controller < CONTROLLERS; controller++) {
        if (group_path((enum controller)controller, process, path, sizeof path))
            remove_folder(path);
        if (place.is_v2)
            break; /* one folder for all */
    }
}
