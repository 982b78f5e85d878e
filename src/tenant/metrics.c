/* src/tenant/metrics.c - figures for Prometheus, as text over HTTP; off unless asked for.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The format wants all values of one metric together, so a page is a walk over metrics, and
 * for each over tenants. It is made line by line while it is sent: nothing is held for it.
 */
#include "tenant/supervisor.h"

#include "base/error.h"
#include "port_local.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const bool wrt_metrics_are_supported = true;

struct metric {
    const char *name, *kind, *help;
    size_t offset; /* of a uint64_t in struct wrt_tenant_status or wrt_frame_status */
    double unit;   /* what one of it counts: 1, or 1e-9 for seconds */
};

#define AT(member) offsetof(struct wrt_tenant_status, member)
static const struct metric metrics[] = {
    {"wrt_tenant_memory_used_bytes", "gauge", "Bytes charged to the partition.", AT(used_bytes), 1},
    {"wrt_tenant_memory_high_water_bytes", "gauge", "The most that ever was charged.",
     AT(high_water_bytes), 1},
    {"wrt_tenant_memory_min_bytes", "gauge", "Guaranteed bytes.", AT(min_bytes), 1},
    {"wrt_tenant_memory_max_bytes", "gauge", "Hard maximum.", AT(max_bytes), 1},
    {"wrt_tenant_memory_refusals_total", "counter", "Charges refused.", AT(refusals), 1},
    {"wrt_tenant_cpu_seconds_total", "counter", "Processor time.", AT(cpu_ns), 1e-9},
    {"wrt_tenant_fuel_total", "counter", "Instructions executed.", AT(fuel), 1},
    {"wrt_tenant_throttled_total", "counter", "Times its processor budget was used up.",
     AT(throttled), 1},
    {"wrt_tenant_activations_total", "counter", "Activations finished.", AT(activations), 1},
    {"wrt_tenant_overruns_total", "counter", "Activations past their time or limits.",
     AT(overruns), 1},
    {"wrt_tenant_misses_total", "counter", "Releases lost.", AT(misses), 1},
    {"wrt_tenant_lateness_seconds_total", "counter", "Release to start, added up.",
     AT(lateness_sum_ns), 1e-9},
    {"wrt_tenant_lateness_max_seconds", "gauge", "Release to start, the longest.",
     AT(lateness_max_ns), 1e-9},
    {"wrt_tenant_response_max_seconds", "gauge", "Release to end, the longest.",
     AT(response_max_ns), 1e-9},
    {"wrt_tenant_heartbeats_total", "counter", "Heartbeats.", AT(heartbeats), 1},
    {"wrt_tenant_failures_total", "counter", "Ends that were failures.", AT(failures), 1},
    {"wrt_tenant_restarts_total", "counter", "Restarts.", AT(restarts), 1},
};
#undef AT
#define AT(member) offsetof(struct wrt_frame_status, member)
static const struct metric frame_metrics[] = {
    {"wrt_frame_frames_total", "counter", "Major frames run.", AT(frames_run), 1},
    {"wrt_frame_windows_total", "counter", "Windows opened.", AT(windows_run), 1},
    {"wrt_frame_windows_lost_total", "counter", "Windows that came too late to open.",
     AT(windows_lost), 1},
    {"wrt_frame_jitter_seconds_total", "counter", "Planned to real start, added up.",
     AT(jitter_sum_ns), 1e-9},
    {"wrt_frame_jitter_max_seconds", "gauge", "Planned to real start, the longest.",
     AT(jitter_max_ns), 1e-9},
};
#undef AT
enum {
    METRICS = sizeof metrics / sizeof metrics[0],
    FRAME_METRICS = sizeof frame_metrics / sizeof frame_metrics[0],
    MAX_LINE = 256,
    BLOCK = 8192
};

/* Where a page is: metric m (METRICS: the phases; above: those of frames), and which tenant or
 * frame; number 0 has the heading before it. */
struct page {
    struct wrt_supervisor *supervisor;
    uint32_t metric, number;
    char line[2 * MAX_LINE];
    size_t at, length; /* what of `line` is still to be sent */
};

static int put_heading(char *out, size_t room, const char *name, const char *kind,
                       const char *help)
{
    return snprintf(out, room, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind);
}

static int put_value(char *out, size_t room, const struct metric *metric, const void *figures,
                     const char *label, const char *name)
{
    uint64_t value;
    memcpy(&value, (const char *)figures + metric->offset, sizeof value);
    if (value == UINT64_MAX)
        return snprintf(out, room, "%s{%s=\"%s\"} +Inf\n", metric->name, label, name);
    if (metric->unit < 1)
        return snprintf(out, room, "%s{%s=\"%s\"} %.9f\n", metric->name, label, name,
                        (double)value * metric->unit);
    return snprintf(out, room, "%s{%s=\"%s\"} %" PRIu64 "\n", metric->name, label, name, value);
}

static int put_phase(char *out, size_t room, const struct wrt_tenant_status *tenant)
{
    return snprintf(out, room, "wrt_tenant_phase{tenant=\"%s\",phase=\"%s\",tier=\"%s\"} 1\n",
                    tenant->name, wrt_tenant_phase_name(tenant->phase), tenant->tier);
}

/* The line of one tenant; 0: there is none of that number. */
static int put_tenant(char *out, const struct page *page)
{
    struct wrt_tenant_status tenant;
    if (wrt_supervisor_figures(page->supervisor, page->number, false, &tenant) != WRT_OK)
        return 0;
    if (page->metric == METRICS)
        return put_phase(out, MAX_LINE, &tenant);
    return put_value(out, MAX_LINE, &metrics[page->metric], &tenant, "tenant", tenant.name);
}

static int put_frame(char *out, const struct page *page)
{
    struct wrt_frame_status frame;
    if (wrt_supervisor_frame_status(page->supervisor, page->number, &frame) != WRT_OK)
        return 0;
    return put_value(out, MAX_LINE, &frame_metrics[page->metric - METRICS - 1], &frame, "frame",
                     frame.name);
}

static const struct metric *metric_of(uint32_t number)
{
    static const struct metric phase = {.name = "wrt_tenant_phase", .kind = "gauge",
                                        .help = "1 for the phase that the tenant is in."};
    if (number == METRICS)
        return &phase;
    return number < METRICS ? &metrics[number] : &frame_metrics[number - METRICS - 1];
}

/* Makes the next line; false at the end of the page. */
static bool next_line(struct page *page)
{
    char *out = page->line;
    int heading = 0, line;
    if (page->metric > METRICS + FRAME_METRICS)
        return false;
    const struct metric *metric = metric_of(page->metric);
    if (page->number == 0)
        heading = put_heading(out, MAX_LINE, metric->name, metric->kind, metric->help);
    line = page->metric <= METRICS ? put_tenant(out + heading, page)
                                   : put_frame(out + heading, page);
    page->number++;
    if (line == 0) {
        page->metric++;
        page->number = 0;
    }
    page->at = 0;
    page->length = (size_t)(heading + line);
    return true;
}

static ssize_t fill(void *context, uint64_t position, char *out, size_t room)
{
    struct page *page = context;
    size_t used = 0;
    (void)position;
    while (used < room) {
        if (page->at == page->length) {
            if (!next_line(page))
                break;
            continue;
        }
        size_t left = page->length - page->at, piece = left < room - used ? left : room - used;
        memcpy(out + used, page->line + page->at, piece);
        page->at += piece;
        used += piece;
    }
    return used > 0 ? (ssize_t)used : MHD_CONTENT_READER_END_OF_STREAM;
}

static void forget(void *context)
{
    struct page *page = context;
    wrt_supervisor_lock(page->supervisor); /* our memory is the supervisor's, one thread at a time */
    struct wrt_partition *partition = page->supervisor->partition;
    struct wrt_supervisor *supervisor = page->supervisor;
    wrt_partition_free(partition, WRT_CHARGE_HOST, page, sizeof *page);
    wrt_supervisor_unlock(supervisor);
}

static struct MHD_Response *make_page(struct wrt_supervisor *supervisor)
{
    void *block = NULL;
    wrt_supervisor_lock(supervisor);
    enum wrt_status status = wrt_partition_allocate(supervisor->partition, WRT_CHARGE_HOST,
                                                    sizeof(struct page), 0, &block, NULL);
    wrt_supervisor_unlock(supervisor);
    if (status != WRT_OK)
        return NULL;
    struct page *page = block;
    *page = (struct page){.supervisor = supervisor};
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, fill, page, forget);
    if (response == NULL)
        forget(page);
    return response;
}

static enum MHD_Result send_page(struct MHD_Connection *connection, unsigned code,
                                 struct MHD_Response *response)
{
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4");
    enum MHD_Result result = MHD_queue_response(connection, code, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *body,
                              size_t *body_bytes, void **state)
{
    static char not_found[] = "only GET /metrics\n";
    (void)version, (void)body, (void)state;
    *body_bytes = 0;
    if (strcmp(method, "GET") != 0 || strcmp(url, "/metrics") != 0)
        return send_page(connection, MHD_HTTP_NOT_FOUND,
                         MHD_create_response_from_buffer(sizeof not_found - 1, not_found,
                                                         MHD_RESPMEM_PERSISTENT));
    return send_page(connection, MHD_HTTP_OK, make_page(context));
}

static const char *socket_path(const struct wrt_supervisor *supervisor)
{
    const char *metrics_at = supervisor->manifest->supervisor.metrics;
    return strncmp(metrics_at, "unix:", 5) == 0 ? metrics_at + 5 : NULL;
}

enum wrt_status wrt_metrics_open(struct wrt_supervisor *supervisor, struct wrt_error *error)
{
    const char *where = supervisor->manifest->supervisor.metrics, *path = socket_path(supervisor);
    if (where[0] == '\0')
        return WRT_OK;
    enum wrt_status status =
        path != NULL
            ? wrt_port_local_listen(path, false, &supervisor->metrics_listener)
            : wrt_port_loopback_listen((uint16_t)strtoul(where, NULL, 10),
                                       &supervisor->metrics_listener);
    if (status != WRT_OK)
        return wrt_fail(error, status, "metrics at %s: %s", where, wrt_status_text(status));
    supervisor->metrics = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, handle, supervisor,
        MHD_OPTION_LISTEN_SOCKET, supervisor->metrics_listener, MHD_OPTION_CONNECTION_LIMIT, 16u,
        MHD_OPTION_CONNECTION_TIMEOUT, 5u, MHD_OPTION_END);
    if (supervisor->metrics != NULL)
        return WRT_OK;
    wrt_port_local_unlisten(supervisor->metrics_listener, path);
    return wrt_fail(error, WRT_ERR_IO, "metrics at %s: the HTTP server does not start", where);
}

void wrt_metrics_close(struct wrt_supervisor *supervisor)
{
    if (supervisor->metrics == NULL)
        return;
    int listener = MHD_quiesce_daemon(supervisor->metrics);
    MHD_stop_daemon(supervisor->metrics);
    wrt_port_local_unlisten(listener, socket_path(supervisor));
    supervisor->metrics = NULL;
}
