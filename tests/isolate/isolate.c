/* tests/isolate/isolate.c - what workers ask of the kernel about guesses and caches, as the first process
 * of a machine. Prints a line for each thing seen; check.sh compares.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Core scheduling is also seen at work: two processes that only compute, on the two threads of
 * one core. With cookies of their own they never run at once, so together they get one processor.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "port_confine.h"

enum { SCHED_CORE = 62, CORE_GET = 0, WORKERS = 2, LASTS_MS = 4000 };

static double seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void kernels_word(const char *name)
{
    char line[256];
    FILE *status = fopen("/proc/self/status", "r");

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, name, strlen(name)) == 0)
            printf("  %s", line);
    if (status != NULL)
        fclose(status);
}

static void ask(const char *name, uint32_t wish)
{
    const pid_t child = fork();

    if (child == 0) {
        unsigned long cookie = 0;
        uint32_t done = 0;
        const enum wrt_status status = wrt_port_isolate_self(wish, &done);
        const int asked = prctl(SCHED_CORE, CORE_GET, 0, 0, &cookie);

        printf("%s: %s, %s, cookie %s\n", name, wrt_status_name(status),
               done == wish ? "in force" : "refused",
               asked != 0 ? "unknown" : cookie != 0 ? "own" : "none");
        kernels_word("Speculation_");
        exit(0);
    }
    (void)waitpid(child, NULL, 0);
}

/* How many processors two processes get together. */
static double share(uint32_t wish)
{
    double total = 0;
    int ends[2];

    if (pipe(ends) != 0)
        return -1;
    for (int i = 0; i < WORKERS; i++) {
        if (fork() != 0)
            continue;
        uint32_t done;
        (void)!wrt_port_isolate_self(wish, &done);
        const double until = seconds(CLOCK_MONOTONIC) + LASTS_MS / 1000.0;
        const double from = seconds(CLOCK_PROCESS_CPUTIME_ID);
        while (seconds(CLOCK_MONOTONIC) < until) {
        }
        const double used = seconds(CLOCK_PROCESS_CPUTIME_ID) - from;
        (void)!write(ends[1], &used, sizeof used);
        _exit(0);
    }
    for (int i = 0; i < WORKERS; i++) {
        double used = 0;
        if (read(ends[0], &used, sizeof used) == sizeof used)
            total += used;
        (void)wait(NULL);
    }
    return total / (LASTS_MS / 1000.0);
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    (void)mkdir("/proc", 0755);
    (void)mount("proc", "/proc", "proc", 0, 0);
    ask("nothing", 0);
    ask("store-bypass", WRT_PORT_CONFINE_STORE_BYPASS);
    ask("indirect-branch", WRT_PORT_CONFINE_INDIRECT_BRANCH);
    ask("l1d-flush", WRT_PORT_CONFINE_L1D_FLUSH);
    ask("core-scheduling", WRT_PORT_CONFINE_CORE);
    const double apart = share(0), together = share(WRT_PORT_CONFINE_CORE);
    printf("processors of two: %.2f, with cookies %.2f\n", apart, together);
    puts(apart > 1.5 && together < 1.2 ? "kept apart" : "not kept apart");
    (void)reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
