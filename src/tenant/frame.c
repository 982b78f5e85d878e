/* src/tenant/frame.c - the cyclic executive: a table of windows, repeated for ever.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   epoch            offset  duration
 *   |----- A -----|--- B ---|     |- A -|        | the next major frame ...
 *
 * A window belongs to its tenant whether it uses it or not; nobody else runs in it. An
 * activation begins with the tenant's window, pauses at the end of it and goes on in the next.
 * The frame begins when none of its tenants is starting any more; later starts happen in the
 * tenant's own windows. check.c has made sure that windows are in order and do not overlap.
 */
#include "tenant/lane.h"

static uint64_t ns(uint64_t us)
{
    return us * 1000;
}

static bool anyone_starts(const struct wrt_lane *lane)
{
    for (uint32_t i = 0; i < lane->count; i++)
        if (lane->tenants[i]->life.phase == WRT_TENANT_STARTING)
            return true;
    return false;
}

static bool anyone_runs(const struct wrt_lane *lane)
{
    for (uint32_t i = 0; i < lane->count; i++)
        if (lane->tenants[i]->life.phase == WRT_TENANT_RUNNING)
            return true;
    return false;
}

/* The window at or after `now`. */
struct place {
    uint32_t index;
    uint64_t number;   /* since the epoch, plus one */
    uint64_t start_ns, end_ns;
};

static struct place find_place(const struct wrt_frame_table *frame, uint64_t now_ns)
{
    const struct wrt_frame_config *config = frame->config;
    uint64_t major = ns(config->major_us);
    uint64_t frames = (now_ns - frame->epoch_ns) / major;
    uint64_t base = frame->epoch_ns + frames * major;
    uint32_t i = 0;
    while (i < config->window_count &&
           base + ns(config->windows[i].offset_us + config->windows[i].duration_us) <= now_ns)
        i++;
    if (i == config->window_count) {
        i = 0;
        frames++;
        base += major;
    }
    uint64_t start = base + ns(config->windows[i].offset_us);
    return (struct place){i, frames * config->window_count + i + 1, start,
                          start + ns(config->windows[i].duration_us)};
}

/* The first look into a window: how late, and what was passed over. */
static void enter(struct wrt_frame_table *frame, struct wrt_tenant *tenant, const struct place *place,
                  uint64_t now_ns)
{
    uint64_t jitter = now_ns - place->start_ns;
    frame->windows_lost += place->number - frame->last_window - 1;
    frame->last_window = place->number;
    frame->windows_run++;
    frame->jitter_sum_ns += jitter;
    if (jitter > frame->jitter_max_ns)
        frame->jitter_max_ns = jitter;
    if (tenant->life.phase == WRT_TENANT_RUNNING && tenant->guest.step == WRT_GUEST_IDLE)
        tenant->release_ns = place->start_ns;
}

/* Closing does not wait for a window: shutdown is bounded, whatever the table. */
static struct wrt_tenant *to_close(const struct wrt_lane *lane)
{
    for (uint32_t i = 0; i < lane->count; i++)
        if (lane->tenants[i]->stop_asked || lane->tenants[i]->kill_asked)
            return lane->tenants[i];
    return NULL;
}

struct wrt_turn wrt_frame_next(struct wrt_lane *lane, uint64_t now_ns)
{
    struct wrt_frame_table *frame = &lane->frame;
    if (frame->epoch_ns == 0) {
        if (anyone_starts(lane) || !anyone_runs(lane))
            return wrt_schedule_next(lane, now_ns);
        frame->epoch_ns = now_ns + 1000000; /* a millisecond to get ready */
    }
    struct wrt_tenant *closing = to_close(lane);
    if (closing != NULL)
        return (struct wrt_turn){closing, now_ns, 0};
    if (now_ns < frame->epoch_ns)
        return (struct wrt_turn){NULL, frame->epoch_ns, 0};
    struct place place = find_place(frame, now_ns);
    if (now_ns < place.start_ns)
        return (struct wrt_turn){NULL, place.start_ns, 0};
    struct wrt_tenant *tenant = frame->tenants[place.index];
    if (place.number != frame->last_window)
        enter(frame, tenant, &place, now_ns);
    if (wrt_schedule_wants(tenant, now_ns) <= now_ns)
        return (struct wrt_turn){tenant, place.end_ns, 0};
    /* Nothing to do in the rest of it: sleep to the next window. */
    struct place next = find_place(frame, place.end_ns);
    return (struct wrt_turn){NULL, next.start_ns, 0};
}
