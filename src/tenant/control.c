/* src/tenant/control.c - the control socket: one request line, one answer, closed.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Connections are taken one after the other by a thread of their own, each with two seconds to
 * ask and two to take the answer, so that no client can hold up tenants or other clients for
 * long. Who may ask is the kernel's word: root, our own user, and the manifest's `users`.
 *
 *     status            {"ok":true,"memory":{...},"tenants":[...],"frames":[...]}
 *     events SEQUENCE   {"ok":true,"events":[...]}: those kept after SEQUENCE
 *     stop NAME, restart NAME, reconfigure NAME    {"ok":true}
 *     anything refused  {"ok":false,"status":"WRT_ERR_...","text":"..."}
 */
#include "tenant/supervisor.h"

#include "base/error.h"
#include "port_local.h"
#include "tenant/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE_NS 2000000000u
#define LOOK_NS 200000000u

enum { MAX_REQUEST = 256 };

/* ---- answers ---- */

static void answer_error(struct wrt_json *json, enum wrt_status status, const char *text)
{
    wrt_json_open(json, NULL, '{');
    wrt_json_bool(json, "ok", false);
    wrt_json_text(json, "status", wrt_status_name(status));
    wrt_json_text(json, "text", text[0] != '\0' ? text : wrt_status_text(status));
    wrt_json_close(json, '}');
}

static void put_tenant(struct wrt_json *json, const struct wrt_tenant_status *tenant)
{
    wrt_json_open(json, NULL, '{');
    wrt_json_text(json, "name", tenant->name);
    wrt_json_text(json, "group", tenant->group);
    wrt_json_text(json, "phase", wrt_tenant_phase_name(tenant->phase));
    wrt_json_text(json, "tier", tenant->tier);
    wrt_json_text(json, "tier_asked", tenant->tier_asked);
    wrt_json_bool(json, "cyclic", tenant->has_period);
    wrt_json_bool(json, "module_changed", tenant->module_changed);
    wrt_json_number(json, "lane", tenant->lane);
    wrt_json_number(json, "priority", (uint64_t)tenant->priority);
    wrt_json_number(json, "min_bytes", tenant->min_bytes);
    if (tenant->max_bytes != UINT64_MAX)
        wrt_json_number(json, "max_bytes", tenant->max_bytes);
    wrt_json_number(json, "used_bytes", tenant->used_bytes);
    wrt_json_number(json, "high_water_bytes", tenant->high_water_bytes);
    wrt_json_number(json, "refusals", tenant->refusals);
    wrt_json_number(json, "cpu_ns", tenant->cpu_ns);
    wrt_json_number(json, "fuel", tenant->fuel);
    wrt_json_number(json, "throttled", tenant->throttled);
    wrt_json_number(json, "activations", tenant->activations);
    wrt_json_number(json, "overruns", tenant->overruns);
    wrt_json_number(json, "misses", tenant->misses);
    wrt_json_number(json, "lateness_sum_ns", tenant->lateness_sum_ns);
    wrt_json_number(json, "lateness_max_ns", tenant->lateness_max_ns);
    wrt_json_number(json, "response_max_ns", tenant->response_max_ns);
    wrt_json_number(json, "heartbeats", tenant->heartbeats);
    wrt_json_number(json, "failures", tenant->failures);
    wrt_json_number(json, "restarts", tenant->restarts);
    wrt_json_text(json, "last_failure", tenant->last_failure);
    wrt_json_close(json, '}');
}

static void put_frame(struct wrt_json *json, const struct wrt_frame_status *frame)
{
    wrt_json_open(json, NULL, '{');
    wrt_json_text(json, "name", frame->name);
    wrt_json_number(json, "major_ns", frame->major_ns);
    wrt_json_number(json, "frames_run", frame->frames_run);
    wrt_json_number(json, "windows_run", frame->windows_run);
    wrt_json_number(json, "windows_lost", frame->windows_lost);
    wrt_json_number(json, "jitter_sum_ns", frame->jitter_sum_ns);
    wrt_json_number(json, "jitter_max_ns", frame->jitter_max_ns);
    wrt_json_close(json, '}');
}

static void answer_status(struct wrt_supervisor *supervisor, struct wrt_json *json)
{
    struct wrt_partition_info memory;
    struct wrt_tenant_status tenant;
    struct wrt_frame_status frame;
    wrt_supervisor_memory(supervisor, &memory);
    wrt_json_open(json, NULL, '{');
    wrt_json_bool(json, "ok", true);
    wrt_json_number(json, "time_ns", wrt_time_now_ns());
    wrt_json_open(json, "memory", '{');
    if (memory.max_bytes != UINT64_MAX)
        wrt_json_number(json, "max_bytes", memory.max_bytes);
    wrt_json_number(json, "used_bytes", memory.used_bytes);
    wrt_json_number(json, "high_water_bytes", memory.high_water_bytes);
    wrt_json_close(json, '}');
    wrt_json_open(json, "tenants", '[');
    for (uint32_t i = 0; wrt_supervisor_status(supervisor, i, &tenant) == WRT_OK; i++)
        put_tenant(json, &tenant);
    wrt_json_close(json, ']');
    wrt_json_open(json, "frames", '[');
    for (uint32_t i = 0; wrt_supervisor_frame_status(supervisor, i, &frame) == WRT_OK; i++)
        put_frame(json, &frame);
    wrt_json_close(json, ']');
    wrt_json_close(json, '}');
}

static void answer_events(struct wrt_supervisor *supervisor, struct wrt_json *json,
                          uint64_t after)
{
    struct wrt_tenant_event event;
    wrt_json_open(json, NULL, '{');
    wrt_json_bool(json, "ok", true);
    wrt_json_open(json, "events", '[');
    /* At most what the ring holds, also while new ones keep coming. */
    for (int i = 0; i < WRT_EVENTS_KEPT; i++) {
        if (wrt_supervisor_event(supervisor, after, &event) != WRT_OK)
            break;
        after = event.sequence;
        wrt_json_open(json, NULL, '{');
        wrt_json_number(json, "sequence", event.sequence);
        wrt_json_number(json, "time_ns", event.time_ns);
        wrt_json_text(json, "tenant", event.tenant);
        wrt_json_text(json, "what", event.what);
        wrt_json_text(json, "text", event.text);
        wrt_json_close(json, '}');
    }
    wrt_json_close(json, ']');
    wrt_json_close(json, '}');
}

static void answer_command(struct wrt_supervisor *supervisor, struct wrt_json *json,
                           enum wrt_tenant_command command, const char *name)
{
    struct wrt_error error = {0};
    enum wrt_status status = wrt_supervisor_command(supervisor, command, name, &error);
    if (status != WRT_OK) {
        answer_error(json, status, error.text);
        return;
    }
    wrt_json_open(json, NULL, '{');
    wrt_json_bool(json, "ok", true);
    wrt_json_close(json, '}');
}

static void answer(struct wrt_supervisor *supervisor, struct wrt_json *json, char *request)
{
    char *word = strchr(request, ' ');
    if (word != NULL)
        *word++ = '\0';
    bool has_name = word != NULL && wrt_name_is_valid(word);
    if (strcmp(request, "status") == 0 && word == NULL)
        answer_status(supervisor, json);
    else if (strcmp(request, "events") == 0 && word != NULL)
        answer_events(supervisor, json, strtoull(word, NULL, 10));
    else if (strcmp(request, "stop") == 0 && has_name)
        answer_command(supervisor, json, WRT_TENANT_STOP, word);
    else if (strcmp(request, "restart") == 0 && has_name)
        answer_command(supervisor, json, WRT_TENANT_RESTART, word);
    else if (strcmp(request, "reconfigure") == 0 && has_name)
        answer_command(supervisor, json, WRT_TENANT_RECONFIGURE, word);
    else
        answer_error(json, WRT_ERR_ARGUMENT, "no such request");
}

/* ---- connections ---- */

static bool is_allowed(const struct wrt_supervisor *supervisor, uint32_t user)
{
    const struct wrt_supervisor_config *config = &supervisor->manifest->supervisor;
    if (user == 0 || user == wrt_port_user())
        return true;
    for (uint32_t i = 0; i < config->user_count; i++)
        if (config->users[i] == user)
            return true;
    return false;
}

/* One line, without its end. */
static enum wrt_status read_request(int socket, char request[MAX_REQUEST])
{
    const uint64_t deadline_ns = wrt_time_now_ns() + PATIENCE_NS;
    size_t used = 0, got;
    while (used < MAX_REQUEST - 1) {
        enum wrt_status status = wrt_port_local_receive(socket, request + used,
                                                        MAX_REQUEST - 1 - used, deadline_ns, &got);
        if (status != WRT_OK)
            return status;
        used += got;
        request[used] = '\0';
        char *end = memchr(request, '\n', used);
        if (end != NULL) {
            *end = '\0';
            return WRT_OK;
        }
    }
    return WRT_ERR_LIMIT;
}

static void serve(struct wrt_supervisor *supervisor, int socket,
                  const struct wrt_port_peer *peer)
{
    char request[MAX_REQUEST];
    struct wrt_json json = {.socket = socket};
    enum wrt_status status = WRT_OK;
    bool allowed = is_allowed(supervisor, peer->user);
    if (allowed)
        status = read_request(socket, request);
    json.deadline_ns = wrt_time_now_ns() + PATIENCE_NS;
    if (!allowed) {
        wrt_events_add(&supervisor->events, "", "refused", "user %" PRIu32 " (process %" PRId64
                       ") may not use the control socket", peer->user, peer->process);
        answer_error(&json, WRT_ERR_DENIED, "your user may not use this socket");
    } else if (status != WRT_OK) {
        answer_error(&json, status, "no request line came");
    } else {
        answer(supervisor, &json, request);
    }
    (void)!wrt_json_end(&json); /* a client that went away is its own affair */
}

static void body(void *context)
{
    struct wrt_supervisor *supervisor = context;
    struct wrt_control *control = &supervisor->control;
    while (!__atomic_load_n(&control->quit, __ATOMIC_ACQUIRE)) {
        struct wrt_port_peer peer;
        int socket;
        enum wrt_status status = wrt_port_local_accept(control->listener, LOOK_NS, &socket, &peer);
        if (status == WRT_OK) {
            serve(supervisor, socket, &peer);
            wrt_port_local_close(socket);
        } else if (status != WRT_ERR_TIMEOUT) {
            /* Out of descriptors, say: do not spin. */
            uint32_t word = 0;
            (void)!wrt_port_wait(&word, 0, wrt_time_now_ns() + LOOK_NS, false);
        }
    }
}

enum wrt_status wrt_control_open(struct wrt_supervisor *supervisor, struct wrt_error *error)
{
    const struct wrt_supervisor_config *config = &supervisor->manifest->supervisor;
    struct wrt_control *control = &supervisor->control;
    if (config->control[0] == '\0')
        return WRT_OK;
    enum wrt_status status =
        wrt_port_local_listen(config->control, config->user_count > 0, &control->listener);
    if (status != WRT_OK)
        return wrt_fail(error, status, "control socket %s: %s", config->control,
                        status == WRT_ERR_EXISTS ? "another supervisor, or a file, is there"
                                                 : wrt_status_text(status));
    const struct wrt_port_thread_config thread = {.name = "wrt-control"};
    status = wrt_port_thread_create(&thread, body, supervisor, &control->thread);
    if (status != WRT_OK) {
        wrt_port_local_unlisten(control->listener, config->control);
        return wrt_fail(error, status, "the control thread does not start");
    }
    control->is_open = true;
    return WRT_OK;
}

void wrt_control_close(struct wrt_supervisor *supervisor)
{
    struct wrt_control *control = &supervisor->control;
    if (!control->is_open)
        return;
    __atomic_store_n(&control->quit, true, __ATOMIC_RELEASE);
    (void)!wrt_port_thread_join(&control->thread);
    wrt_port_local_unlisten(control->listener, supervisor->manifest->supervisor.control);
    control->is_open = false;
}

/* ---- the other side ---- */

enum wrt_status wrt_control_ask(const char *path, const char *request,
                                wrt_control_receive *receive, void *context,
                                struct wrt_error *error)
{
    const uint64_t deadline_ns = wrt_time_now_ns() + 10000000000u;
    char buffer[4096];
    size_t got;
    int socket;
    enum wrt_status status = wrt_port_local_connect(path, &socket);
    if (status != WRT_OK)
        return wrt_fail(error, status, "control socket %s: %s", path,
                        status == WRT_ERR_NOT_FOUND ? "nobody listens there"
                                                    : wrt_status_text(status));
    status = wrt_port_local_send(socket, request, strlen(request), deadline_ns);
    if (status == WRT_OK)
        status = wrt_port_local_send(socket, "\n", 1, deadline_ns);
    /* Whoever may not ask is told before the request is read. */
    while ((status = wrt_port_local_receive(socket, buffer, sizeof buffer, deadline_ns, &got)) ==
           WRT_OK)
        receive(context, buffer, got);
    wrt_port_local_close(socket);
    return status == WRT_ERR_CLOSED ? WRT_OK
                                    : wrt_fail(error, status, "control socket %s: %s", path,
                                               wrt_status_text(status));
}
