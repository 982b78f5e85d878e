/* groups.c - limits of attached processes by control groups of version 2, as the first process of
 * a machine. Prints a line for each thing seen; check.sh compares.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wrt/wrt.h"

enum { MIB = 1 << 20 };

static double seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Touches so many MiB. */
static void take(int amount)
{
    char *bytes = malloc((size_t)amount * MIB);
    for (size_t at = 0; bytes != NULL && at < (size_t)amount * MIB; at += 4096)
        ((volatile char *)bytes)[at] = 1;
}

static void burn(int tenths)
{
    while (seconds(CLOCK_PROCESS_CPUTIME_ID) < tenths / 10.0) {
    }
}

/* Starts a process that does `work` once it is attached; tells how it ended. */
static void limited(const char *what, uint64_t memory_bytes, uint32_t cpu_permille,
                    void (*work)(int), int amount)
{
    struct wrt_partition *partition = NULL;
    struct wrt_partition_process process;
    struct wrt_partition_exit end = {0};
    struct wrt_error error = {0};
    const struct wrt_partition_config config = {.cpu_permille = cpu_permille};
    int go[2];
    char byte = 1;
    if (pipe(go) != 0)
        _exit(1);
    pid_t child = fork();
    if (child == 0) {
        if (read(go[0], &byte, 1) == 1)
            work(amount);
        _exit(7);
    }
    enum wrt_status status = wrt_partition_create(NULL, &config, &partition, &error);
    if (status == WRT_OK)
        status = wrt_partition_attach_process(partition, child, memory_bytes, &process, &error);
    const double begin = seconds(CLOCK_MONOTONIC);
    if (status != WRT_OK || write(go[1], &byte, 1) != 1) {
        printf("%s: %s %s\n", what, wrt_status_name(status), error.text);
        _exit(1);
    }
    status = wrt_partition_reap_process(&process, UINT64_MAX, &end);
    const double wall = seconds(CLOCK_MONOTONIC) - begin;
    printf("%s: %s, %s %d, %s\n", what, wrt_status_name(status),
           end.by_signal ? "signal" : "exit", end.code,
           wall > 3 * amount / 10.0 ? "slowed" : "in time");
    if (wrt_partition_destroy(partition, &error) != WRT_OK)
        printf("%s: %s\n", what, error.text);
    close(go[0]);
    close(go[1]);
}

static void print_left(const char *folder)
{
    struct dirent *entry;
    DIR *list = opendir(folder);
    int left = 0;
    while (list != NULL && (entry = readdir(list)) != NULL)
        left += strncmp(entry->d_name, "wrt-", 4) == 0 && strstr(entry->d_name, "-host") == NULL;
    if (list != NULL)
        closedir(list);
    printf("groups left: %d\n", left);
}

static void print_file(const char *path)
{
    char text[256];
    int fd = open(path, O_RDONLY);
    ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    text[got > 0 ? got : 0] = '\0';
    printf("%s: %s\n", path, text);
    close(fd);
}

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        printf("cannot write %s\n", path);
    close(fd);
}

static void scenarios(const char *folder)
{
    limited("memory within", 64 * MIB, 0, take, 16);
    limited("memory beyond", 32 * MIB, 0, take, 96);
    limited("processor shared", 0, 100, burn, 5);
    limited("processor free", 0, 0, burn, 5);
    print_left(folder);
    print_file("/proc/self/cgroup");
    print_file("/sys/fs/cgroup/cgroup.subtree_control");
    fflush(stdout);
}

int main(void)
{
    (void)mkdir("/proc", 0755);
    (void)mkdir("/sys", 0755);
    (void)mkdir("/dev", 0755);
    (void)mount("proc", "/proc", "proc", 0, NULL);
    (void)mount("sysfs", "/sys", "sysfs", 0, NULL);
    (void)mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    if (mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) != 0)
        printf("no control groups of version 2\n");
    print_file("/sys/fs/cgroup/cgroup.controllers");
    printf("== root\n");
    fflush(stdout);
    if (fork() == 0) {
        scenarios("/sys/fs/cgroup");
        _exit(0);
    }
    (void)wait(NULL);
    printf("== delegated\n");
    fflush(stdout);
    write_file("/sys/fs/cgroup/cgroup.subtree_control", "+memory +cpu +pids");
    (void)mkdir("/sys/fs/cgroup/host", 0755);
    if (fork() == 0) {
        write_file("/sys/fs/cgroup/host/cgroup.procs", "0");
        scenarios("/sys/fs/cgroup/host");
        _exit(0);
    }
    (void)wait(NULL);
    printf("== end\n");
    fflush(stdout);
    (void)reboot(RB_POWER_OFF);
    return 0;
}
