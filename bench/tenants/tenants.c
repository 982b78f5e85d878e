/* bench/tenants/tenants.c - what tenants cost, and whether a cyclic one keeps its time.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   tenants cyclic FOLDER RELEASES   a 1 ms tenant beside a spinning, a growing, a crashing and
 *                                    a flooding one, and the same loop natively at the same
 *                                    time, half a period apart, with the same priority and on
 *                                    the same processor. When the machine stalls it stalls both,
 *                                    but may hit one release more of the one than of the other
 *   tenants many FOLDER COUNT        so many tenants started, run and stopped
 *   tenants processes FOLDER COUNT   the same, each in a process of its own (needs wrt-tenant
 *                                    beside this program)
 *   tenants frame FOLDER SECONDS     jitter of a frame of four windows in 10 ms
 *
 * FOLDER has the modules of tests/tenant/guests; the manifest is written there.
 */
#define _GNU_SOURCE /* processors of a thread */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wrt/wrt.h"

enum { PERIOD_NS = 1000000, PRIORITY = 50 };

static void fail(const char *what)
{
    fprintf(stderr, "tenants: %s\n", what);
    exit(1);
}

static void report(void *context, const struct wrt_manifest_problem *problem)
{
    (void)context;
    fprintf(stderr, "manifest:%" PRIu32 ": %s\n", problem->line, problem->text);
}

/* ---- a supervisor in a thread ---- */

static struct wrt_partition *own;
static struct wrt_supervisor *supervisor;
static pthread_t runner;

static void *run(void *context)
{
    (void)context;
    return (void *)(intptr_t)wrt_supervisor_run(supervisor);
}

static FILE *begin_manifest(const char *folder, char path[512])
{
    snprintf(path, 512, "%s/bench.ini", folder);
    FILE *out = fopen(path, "w");
    if (out == NULL)
        fail("cannot write the manifest");
    return out;
}

static void start(const char *path)
{
    struct wrt_manifest *manifest = NULL;
    struct wrt_error error = {0};
    if (wrt_partition_create(NULL, NULL, &own, &error) != WRT_OK ||
        wrt_manifest_load(own, path, report, NULL, &manifest) != WRT_OK)
        fail("the manifest does not load");
    if (wrt_supervisor_create(manifest, report, NULL, &supervisor, &error) != WRT_OK)
        fail(error.text);
    if (pthread_create(&runner, NULL, run, NULL) != 0)
        fail("no thread");
}

static void stop(void)
{
    void *status;
    wrt_supervisor_stop(supervisor);
    pthread_join(runner, &status);
    if ((intptr_t)status != WRT_OK || wrt_supervisor_destroy(supervisor) != WRT_OK ||
        wrt_partition_destroy(own, NULL) != WRT_OK)
        fail("the shutdown left something behind");
}

static void sleep_ms(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static uint32_t count_in(enum wrt_tenant_phase phase)
{
    struct wrt_tenant_status status;
    uint32_t count = 0;
    for (uint32_t i = 0; wrt_supervisor_status(supervisor, i, &status) == WRT_OK; i++)
        count += status.phase == phase;
    return count;
}

/* Waits until all are running. */
static void await(uint32_t count)
{
    struct wrt_tenant_status status;
    while (count_in(WRT_TENANT_RUNNING) < count) {
        for (uint32_t i = 0; wrt_supervisor_status(supervisor, i, &status) == WRT_OK; i++)
            if (status.phase == WRT_TENANT_FAILED)
                fail(status.last_failure);
        sleep_ms(1);
    }
}

/* ---- cyclic ---- */

struct native {
    uint64_t releases, overruns, misses, lateness_max_ns, response_max_ns;
    int priority;
};

static volatile uint32_t page[16384];

/* What guests/tick.wat does. */
static void native_step(void)
{
    for (uint32_t i = 0; i < 1000; i++)
        page[i] += i;
}

static void sleep_until(uint64_t ns)
{
    const struct timespec time = {.tv_sec = (time_t)(ns / 1000000000),
                                  .tv_nsec = (long)(ns % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR)
        ;
}

static void *run_native(void *context)
{
    struct native *native = context;
    const struct sched_param parameter = {.sched_priority = PRIORITY};
    if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameter) == 0)
        native->priority = PRIORITY;
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    if (pthread_setaffinity_np(pthread_self(), sizeof first, &first) != 0)
        fail("processor 0 is not ours");
    uint64_t release = wrt_time_now_ns() / PERIOD_NS * PERIOD_NS + 2 * PERIOD_NS + PERIOD_NS / 2;
    for (uint64_t done = 0; done < native->releases;) {
        sleep_until(release);
        uint64_t began = wrt_time_now_ns();
        native_step();
        uint64_t ended = wrt_time_now_ns();
        if (began - release > native->lateness_max_ns)
            native->lateness_max_ns = began - release;
        if (ended - release > native->response_max_ns)
            native->response_max_ns = ended - release;
        native->overruns += ended - release > PERIOD_NS;
        done++;
        release += PERIOD_NS;
        if (ended >= release) { /* as the policy "skip" does it */
            uint64_t lost = (ended - release) / PERIOD_NS + 1;
            native->misses += lost;
            done += lost;
            release += lost * PERIOD_NS;
        }
    }
    return NULL;
}

static struct wrt_tenant_status status_of(const char *name)
{
    struct wrt_tenant_status status;
    for (uint32_t i = 0; wrt_supervisor_status(supervisor, i, &status) == WRT_OK; i++)
        if (strcmp(status.name, name) == 0)
            return status;
    fail("a tenant is not there");
    return status;
}

static void print_loop(const char *name, uint64_t releases, uint64_t misses, uint64_t overruns,
                       uint64_t late, uint64_t response, int priority)
{
    printf("%-8s %8" PRIu64 " releases, %4" PRIu64 " missed, %4" PRIu64
           " overrun, latest start %8.1f us, longest response %8.1f us, priority %d\n",
           name, releases, misses, overruns, (double)late / 1e3, (double)response / 1e3, priority);
}

static int cyclic(const char *folder, uint64_t releases)
{
    char path[512];
    FILE *out = begin_manifest(folder, path);
    fputs("[tenant cyclic]\nmodule = tick.wasm\nperiod_us = 1000\npriority = 50\n"
          "affinity = 0\n"
          "[tenant spinning]\nmodule = spin.wasm\n"
          "[tenant growing]\nmodule = grow.wasm\nmax = 64M\n"
          "[tenant crashing]\nmodule = crash.wasm\nrestart = always\nbackoff_ms = 0\n"
          "max_restarts = 0\n"
          "[tenant flooding]\nmodule = flood.wasm\n", out);
    fclose(out);
    start(path);
    while (status_of("cyclic").activations < 100)
        sleep_ms(10);
    struct wrt_tenant_status before = status_of("cyclic"), now;
    struct native native = {.releases = releases};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_native, &native) != 0)
        fail("no thread");
    do {
        sleep_ms(50);
        now = status_of("cyclic");
    } while (now.activations + now.misses - before.activations - before.misses < releases);
    pthread_join(thread, NULL);
    uint64_t overruns = now.overruns - before.overruns, misses = now.misses - before.misses;
    print_loop("native", native.releases, native.misses, native.overruns, native.lateness_max_ns,
               native.response_max_ns, native.priority);
    print_loop("tenant", now.activations + now.misses - before.activations - before.misses, misses,
               overruns, now.lateness_max_ns, now.response_max_ns, now.priority);
    printf("meanwhile: %" PRIu64 " crashes, %" PRIu64 " growths refused, %" PRIu64
           " host calls, %.3g instructions spun\n",
           status_of("crashing").failures, status_of("growing").refusals,
           status_of("flooding").heartbeats, (double)status_of("spinning").fuel);
    stop();
    bool kept = misses + overruns <= native.misses + 2 * native.overruns;
    puts(kept ? "the tenant missed none beyond the machine's stalls, which the native loop shows"
              : "the tenant missed more than the native loop");
    return kept ? 0 : 1;
}

/* ---- many ---- */

/* Pages of a process that are its own; 0 if it is gone. */
static uint64_t private_bytes(const char *process)
{
    unsigned long long all = 0, resident = 0, shared = 0;
    char path[64];
    snprintf(path, sizeof path, "/proc/%s/statm", process);
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return 0;
    int got = fscanf(in, "%llu %llu %llu", &all, &resident, &shared);
    fclose(in);
    return got == 3 ? (resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Of the workers: whoever is called wrt-tenant and has us as its parent. */
static uint64_t worker_bytes(void)
{
    uint64_t sum = 0;
    DIR *all = opendir("/proc");
    for (struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;) {
        char path[300], name[64] = "";
        int parent = 0;
        snprintf(path, sizeof path, "/proc/%.20s/stat", entry->d_name);
        FILE *in = fopen(path, "r");
        if (in == NULL)
            continue;
        if (fscanf(in, "%*d (%63[^)]) %*c %d", name, &parent) == 2 && parent == getpid() &&
            strcmp(name, "wrt-tenant") == 0)
            sum += private_bytes(entry->d_name);
        fclose(in);
    }
    if (all != NULL)
        closedir(all);
    return sum;
}

static int many(const char *folder, uint32_t count, const char *tier)
{
    char path[512];
    FILE *out = begin_manifest(folder, path);
    for (uint32_t i = 0; i < count; i++)
        fprintf(out, "[tenant t%" PRIu32 "]\nmodule = tick.wasm\nperiod_us = 1000000\nstack = 64K\n"
                "max = 12M\ntier = %s\n", i, tier);
    fclose(out);
    uint64_t began = wrt_time_now_ns(), before = private_bytes("self");
    start(path);
    uint64_t created = wrt_time_now_ns();
    await(count);
    uint64_t running = wrt_time_now_ns();
    sleep_ms(3000);
    struct wrt_tenant_status status;
    struct wrt_partition_info all;
    uint64_t sum = 0, activations = 0;
    for (uint32_t i = 0; wrt_supervisor_status(supervisor, i, &status) == WRT_OK; i++) {
        sum += status.used_bytes;
        activations += status.activations;
    }
    wrt_supervisor_memory(supervisor, &all);
    uint64_t resident = private_bytes("self") - before + worker_bytes();
    uint64_t stopping = wrt_time_now_ns();
    stop();
    uint64_t stopped = wrt_time_now_ns();
    printf("%" PRIu32 " tenants, tier %s: checked and loaded in %.0f ms, all running %.0f ms later, "
           "stopped in %.0f ms\n", count, tier, (double)(created - began) / 1e6,
           (double)(running - created) / 1e6, (double)(stopped - stopping) / 1e6);
    printf("  %" PRIu64 " activations in the 3 s between\n", activations);
    printf("  sum of footprints %" PRIu64 " bytes; charged in total %" PRIu64
           " bytes (%+.1f %%); resident %" PRIu64 " bytes (%+.1f %%)\n",
           sum, all.used_bytes, ((double)all.used_bytes / (double)sum - 1) * 100, resident,
           ((double)resident / (double)sum - 1) * 100);
    return (double)all.used_bytes <= 1.1 * (double)sum && (double)resident <= 1.1 * (double)sum &&
                   activations >= 2 * count ? 0 : 1;
}

/* ---- frame ---- */

static int frame(const char *folder, uint32_t seconds)
{
    char path[512];
    FILE *out = begin_manifest(folder, path);
    fputs("[frame main]\nmajor_us = 10000\npriority = 50\nwindow = a 0 2000\nwindow = b 2500 2000\n"
          "window = a 5000 2000\nwindow = c 7500 2000\n"
          "[tenant a]\nmodule = tick.wasm\n[tenant b]\nmodule = slow.wasm\n"
          "[tenant c]\nmodule = tick.wasm\n[tenant spinning]\nmodule = spin.wasm\n", out);
    fclose(out);
    start(path);
    sleep_ms(seconds * 1000L);
    struct wrt_frame_status status;
    if (wrt_supervisor_frame_status(supervisor, 0, &status) != WRT_OK)
        fail("there is no frame");
    struct wrt_tenant_status a = status_of("a"), b = status_of("b"), c = status_of("c");
    stop();
    printf("%" PRIu64 " frames, %" PRIu64 " windows, %" PRIu64 " lost; jitter mean %.1f us, most "
           "%.1f us\n", status.frames_run, status.windows_run, status.windows_lost,
           (double)status.jitter_sum_ns / (double)status.windows_run / 1e3,
           (double)status.jitter_max_ns / 1e3);
    printf("a: %" PRIu64 " activations; b, which never ends: %.3g instructions, cut %" PRIu64
           " times; c: %" PRIu64 " activations\n", a.activations, (double)b.fuel, b.overruns,
           c.activations);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "cyclic") == 0)
        return cyclic(argv[2], strtoull(argv[3], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "many") == 0)
        return many(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), "software");
    if (argc == 4 && strcmp(argv[1], "processes") == 0)
        return many(argv[2], (uint32_t)strtoul(argv[3], NULL, 10), "process");
    if (argc == 4 && strcmp(argv[1], "frame") == 0)
        return frame(argv[2], (uint32_t)strtoul(argv[3], NULL, 10));
    fail("usage: tenants cyclic|many|processes|frame FOLDER NUMBER");
}
