/* src/tenant/remote.c - guests of the tier process: the steps of guest.h through a worker.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A call is posted and collected; when the turn is over first it stays posted and the next
 * turn collects on. In a frame, or with a processor budget, the worker is suspended meanwhile,
 * so windows and budgets hold also where the system cannot limit a process's time.
 */
#include "tenant/guest.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

#define STOP_NS 100000000u /* a worker stops within about a millisecond of its time */

/* Words "HOST[::GUEST][:ro]" cut up in `room`, which the pool's size bounds. */
static void cut_directories(const struct wrt_tenant_config *config, char *room,
                            struct wrt_worker_directory *out)
{
    for (uint32_t i = 0; i < config->directories.count; i++) {
        const char *word = wrt_config_text(config, config->directories.at[i]);
        size_t length = strlen(word);
        memcpy(room, word, length + 1);
        out[i].read_only = length > 3 && strcmp(word + length - 3, ":ro") == 0;
        if (out[i].read_only)
            room[length - 3] = '\0';
        char *split = strstr(room, "::");
        if (split != NULL)
            *split = '\0';
        out[i].host_path = room;
        out[i].guest_path = split != NULL ? split + 2 : room;
        room += length + 1;
    }
}

static enum wrt_status create(struct wrt_guest *guest, struct wrt_error *error)
{
    static const uint32_t clocks[] = {WRT_WASI_CLOCK_ALL, WRT_WASI_CLOCK_MONOTONIC, 0};
    const struct wrt_tenant_config *config = guest->config;
    const char *arguments[WRT_MAX_WORDS + 1] = {config->name}, *environment[WRT_MAX_WORDS];
    struct wrt_worker_directory directories[WRT_MAX_WORDS];
    char room[WRT_TENANT_TEXT];
    for (uint32_t i = 0; i < config->arguments.count; i++)
        arguments[i + 1] = wrt_config_text(config, config->arguments.at[i]);
    for (uint32_t i = 0; i < config->environment.count; i++)
        environment[i] = wrt_config_text(config, config->environment.at[i]);
    cut_directories(config, room, directories);
    const struct wrt_worker_config worker = {
        .program = config->worker != 0 ? wrt_config_text(config, config->worker) : NULL,
        .typed_pool = config->typed_pool != 0 ? wrt_config_text(config, config->typed_pool) : NULL,
        .module = guest->bytes,
        .module_bytes = guest->bytes_size,
        .arguments = arguments,
        .argument_count = config->arguments.count + 1,
        .environment = environment,
        .environment_count = config->environment.count,
        .directories = directories,
        .directory_count = config->directories.count,
        .standard_output = config->streams == 0 ? 0 : 1,
        .standard_error = config->streams == 0 ? 0 : 2,
        .clocks = clocks[config->clocks],
        .clock_resolution_ns = config->clock_resolution_us * 1000,
        .clock_jitter = config->clock_jitter != 0,
        .has_random = config->random == 0,
        .has_oblivious = config->oblivious != 0,
        .stack_bytes = config->stack_bytes,
        .isolate = (uint32_t)config->isolate_bits,
        .cache_ways = config->cache_ways,
        .require = (uint32_t)config->confine_bits};
    return wrt_worker_create(guest->partition, &worker, &guest->worker, error);
}

enum wrt_status wrt_remote_open(struct wrt_guest *guest, struct wrt_error *error)
{
    enum wrt_status status = create(guest, error);
    if (status == WRT_OK)
        guest->step = WRT_GUEST_INITIALIZE;
    return status;
}

void wrt_remote_close(struct wrt_guest *guest)
{
    wrt_worker_destroy(guest->worker, 0);
    guest->worker = NULL;
    guest->is_suspended = guest->is_posted = false;
    guest->worker_heartbeats = guest->worker_cpu_ns = 0;
}

static enum wrt_status set_suspended(struct wrt_guest *guest, bool is_suspended)
{
    if (!guest->only_in_turns || guest->is_suspended == is_suspended)
        return WRT_OK;
    enum wrt_status status = wrt_worker_suspend(guest->worker, is_suspended);
    if (status == WRT_OK)
        guest->is_suspended = is_suspended;
    return status;
}

/* A call under way is stopped first; it may end by itself instead. */
static enum wrt_status stop_call(struct wrt_guest *guest)
{
    uint32_t count;
    enum wrt_status status = set_suspended(guest, false);
    if (status != WRT_OK)
        return status;
    wrt_worker_interrupt(guest->worker);
    status = wrt_worker_collect(guest->worker, NULL, 0, &count, wrt_time_now_ns() + STOP_NS, NULL);
    guest->is_posted = status == WRT_ERR_TIMEOUT;
    return status;
}

enum wrt_status wrt_remote_drop(struct wrt_guest *guest)
{
    enum wrt_status status = guest->is_posted ? stop_call(guest) : WRT_PAUSED;
    return status == WRT_PAUSED ? wrt_worker_drop(guest->worker) : status;
}

void wrt_remote_interrupt(struct wrt_guest *guest)
{
    wrt_worker_interrupt(guest->worker);
}

/* Fuel and heartbeats as the worker tells them, processor time as the system does. */
static void read_figures(struct wrt_guest *guest, const struct wrt_worker_info *info)
{
    if (info->cpu_ns > guest->worker_cpu_ns) {
        guest->turn_cpu_ns += info->cpu_ns - guest->worker_cpu_ns;
        guest->worker_cpu_ns = info->cpu_ns;
    }
    if (info->fuel_used > guest->fuel_seen) {
        guest->fuel_total += info->fuel_used - guest->fuel_seen;
        guest->fuel_seen = info->fuel_used;
    }
    uint64_t news = info->heartbeats - guest->worker_heartbeats;
    guest->worker_heartbeats = info->heartbeats;
    if (news == 0)
        return;
    __atomic_fetch_add(&guest->heartbeats, news, __ATOMIC_RELAXED);
    __atomic_store_n(&guest->heartbeat_ns, wrt_time_now_ns(), __ATOMIC_RELAXED);
}

static enum wrt_status post(struct wrt_guest *guest, const char *name, uint64_t now_ns,
                            struct wrt_error *error)
{
    const struct wrt_tenant_config *config = guest->config;
    guest->activation_deadline_ns =
        config->deadline_us == 0 ? 0 : now_ns + config->deadline_us * 1000;
    const struct wrt_worker_budget budget = {config->fuel, guest->activation_deadline_ns};
    return wrt_worker_post(guest->worker, name, NULL, 0, &budget, error);
}

static enum wrt_status resume(struct wrt_guest *guest, struct wrt_error *error)
{
    const struct wrt_worker_budget budget = {0, guest->activation_deadline_ns};
    return wrt_worker_post_resume(guest->worker, &budget, error);
}

/* Posts what the step needs, unless it is under way. */
static enum wrt_status advance(struct wrt_guest *guest, const char *name, uint64_t now_ns,
                               struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    if (!guest->is_posted)
        status = guest->in_call ? resume(guest, error) : post(guest, name, now_ns, error);
    guest->is_posted = status == WRT_OK;
    return status;
}

static enum wrt_guest_outcome paused(struct wrt_guest *guest, const struct wrt_worker_info *info,
                                     struct wrt_error *error)
{
    bool is_late = info->pause == WRT_PAUSE_DEADLINE;
    if (info->pause != WRT_PAUSE_FUEL && !is_late)
        return WRT_GUEST_YIELDED;
    wrt_guest_drop(guest);
    if (is_late)
        wrt_fail(error, WRT_ERR_TIMEOUT, "it ran past its deadline of %" PRIu64 " us",
                 guest->config->deadline_us);
    else
        wrt_fail(error, WRT_ERR_LIMIT, "it used up its fuel of %" PRIu64, guest->config->fuel);
    return WRT_GUEST_LIMITED;
}

static enum wrt_guest_outcome collect(struct wrt_guest *guest, uint64_t until_ns,
                                      struct wrt_error *error)
{
    struct wrt_worker_info info;
    uint32_t count;
    enum wrt_status status =
        wrt_worker_collect(guest->worker, NULL, 0, &count, until_ns, error);
    wrt_worker_get_info(guest->worker, &info);
    read_figures(guest, &info);
    guest->is_posted = status == WRT_ERR_TIMEOUT;
    guest->in_call = status == WRT_ERR_TIMEOUT || status == WRT_PAUSED;
    switch (status) {
    case WRT_OK: return WRT_GUEST_FINISHED;
    case WRT_ERR_TIMEOUT: return WRT_GUEST_YIELDED;
    case WRT_PAUSED: return paused(guest, &info, error);
    case WRT_EXITED:
        if (info.guest_exit_code == 0)
            return WRT_GUEST_ENDED;
        wrt_fail(error, WRT_EXITED, "it exited with %" PRIu32, info.guest_exit_code);
        return WRT_GUEST_FAILED;
    case WRT_ERR_NOT_FOUND:
        /* Not every module has something to initialise. */
        return guest->step == WRT_GUEST_INITIALIZE ? WRT_GUEST_FINISHED : WRT_GUEST_FAILED;
    default: return WRT_GUEST_FAILED;
    }
}

static enum wrt_guest_outcome run_call(struct wrt_guest *guest, const char *name,
                                       uint64_t now_ns, uint64_t until_ns,
                                       struct wrt_error *error)
{
    if (advance(guest, name, now_ns, error) != WRT_OK)
        return WRT_GUEST_FAILED;
    return collect(guest, until_ns, error);
}

static enum wrt_guest_outcome run_step(struct wrt_guest *guest, bool is_cyclic, uint64_t now_ns,
                                       uint64_t until_ns, struct wrt_error *error)
{
    enum wrt_guest_outcome outcome;
    if (guest->step == WRT_GUEST_INITIALIZE) {
        outcome = run_call(guest, "_initialize", now_ns, until_ns, error);
        if (outcome != WRT_GUEST_FINISHED)
            return outcome;
        guest->step = WRT_GUEST_IDLE;
        return WRT_GUEST_READY;
    }
    guest->step = WRT_GUEST_ACTIVE;
    outcome = run_call(guest, wrt_guest_entry(guest->config, is_cyclic), now_ns, until_ns, error);
    if (outcome == WRT_GUEST_FINISHED)
        guest->step = WRT_GUEST_IDLE;
    return outcome;
}

enum wrt_guest_outcome wrt_remote_run(struct wrt_guest *guest, bool is_cyclic, uint64_t now_ns,
                                      uint64_t until_ns, struct wrt_error *error)
{
    if (guest->step == WRT_GUEST_CLOSED) {
        __atomic_store_n(&guest->heartbeat_ns, now_ns, __ATOMIC_RELAXED);
        return wrt_remote_open(guest, error) == WRT_OK ? WRT_GUEST_YIELDED : WRT_GUEST_FAILED;
    }
    enum wrt_status status = set_suspended(guest, false);
    if (status != WRT_OK) {
        wrt_fail(error, status, "its process cannot be continued");
        return WRT_GUEST_FAILED;
    }
    enum wrt_guest_outcome outcome = run_step(guest, is_cyclic, now_ns, until_ns, error);
    if (outcome == WRT_GUEST_YIELDED && set_suspended(guest, true) != WRT_OK)
        return WRT_GUEST_YIELDED; /* it ended: collecting tells more */
    return outcome;
}
