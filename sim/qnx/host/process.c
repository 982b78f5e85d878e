/* process.c - host processes that stand for simulated ones, and the state they share.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int host_pid(void) { return getpid(); }
uint32_t host_uid(void) { return getuid(); }

static void become(const char *path, char *const *arguments, char *const *environment,
                   const struct host_fd_action *actions, int count, int report) {
    for (int i = 0; i < count; i++) {
        int result = actions[i].to < 0 ? close(actions[i].from)
                                       : dup2(actions[i].from, actions[i].to);
        /* dup2 onto itself leaves close-on-exec set, which POSIX spawn clears */
        if (result >= 0 && actions[i].from == actions[i].to) fcntl(actions[i].to, F_SETFD, 0);
        if (result < 0 && actions[i].to >= 0) goto failed;
    }
    execve(path, arguments, environment);
failed:;
    int error = errno;
    ssize_t ignored = write(report, &error, sizeof error);
    (void)ignored;
    _exit(127);
}

int host_spawn(const char *path, char *const *arguments, char *const *environment,
               const struct host_fd_action *actions, int count) {
    int raw[2];
    if (pipe2(raw, O_CLOEXEC) != 0) return -errno;
    int report = fcntl(raw[1], F_DUPFD_CLOEXEC, 200); /* clear of the child's descriptors */
    close(raw[1]);
    pid_t child = fork();
    if (child == 0) become(path, arguments, environment, actions, count, report);
    int saved = errno, error = 0;
    close(report);
    if (child < 0) {
        close(raw[0]);
        return -saved;
    }
    if (read(raw[0], &error, sizeof error) == (ssize_t)sizeof error) {
        waitpid(child, NULL, 0);
        child = -error;
    }
    close(raw[0]);
    return child;
}

int host_wait(int pid, bool may_block, int *status) {
    return waitpid(pid, status, may_block ? 0 : WNOHANG);
}

void *host_shared_state(size_t bytes, const char *fd_name, bool *is_new, int *fd) {
    const char *inherited = getenv(fd_name);
    *is_new = !inherited;
    if (inherited) {
        *fd = atoi(inherited);
        unsetenv(fd_name);
    } else {
        *fd = memfd_create("qnxsim-state", MFD_CLOEXEC);
        if (*fd < 0 || ftruncate(*fd, (off_t)bytes) != 0) host_panic("no shared state");
        int high = fcntl(*fd, F_DUPFD_CLOEXEC, 400); /* out of the way of guests */
        if (high >= 0) {
            close(*fd);
            *fd = high;
        }
    }
    fcntl(*fd, F_SETFD, FD_CLOEXEC);
    void *state = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
    if (state == MAP_FAILED) host_panic("no shared state");
    return state;
}
