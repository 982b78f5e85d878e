/* src/wasi/poll.c - waiting: for one descriptor, and poll_oneoff.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A wait is cut in slices of 20 ms, and between two of them the guest can be stopped. The
 * engine repeats the whole call on resume, so a paused poll_oneoff leaves behind when it
 * began: its relative timeouts go on from there.
 *
 * Deadlines are kept on a host clock: the monotonic one, except for absolute times of the
 * realtime clock, which follow that clock when it is set. With a coarse clock_resolution_ns
 * they move up to the next time that the guest can see.
 */
#include "base/bytes.h"
#include "base/checked.h"
#include "wasi/state.h"

/* ---- one descriptor ---- */

static bool is_same(const struct wasi_descriptor *a, const struct wasi_descriptor *b)
{
    return a->kind == b->kind && a->file == b->file && a->rights == b->rights;
}

/* OK when it is ready, or failed, which the next attempt will say. */
static enum wrt_errno wait_for(struct wasi_call *call, const struct wasi_descriptor *descriptor,
                               uint8_t wanted)
{
    const struct wasi_descriptor before = *descriptor;
    struct wrt_port_poll item = {.file = descriptor->file, .wanted = wanted};
    uint64_t slice = 0;
    for (;;) {
        wasi_leave(call->wasi);
        enum wrt_errno error = wrt_port_poll(&item, 1, slice);
        wasi_enter(call->wasi);
        if (!is_same(descriptor, &before))
            return WRT_ERRNO_BADF; /* another thread closed it meanwhile */
        if (error != WRT_ERRNO_OK || item.ready != 0)
            return error;
        if (descriptor->flags & WASI_FDFLAG_NONBLOCK)
            return WRT_ERRNO_AGAIN;
        if (wrt_caller_should_stop(call->caller)) {
            call->outcome = WRT_PAUSED;
            return WRT_ERRNO_OK;
        }
        slice = WASI_SLICE_NS;
    }
}

enum wrt_errno wrt_wasi_when_ready(struct wasi_call *call,
                                   const struct wasi_descriptor *descriptor, uint8_t wanted,
                                   wasi_attempt *attempt, void *context)
{
    bool must_wait = descriptor->kind == WASI_KIND_STREAM; /* the others never block */
    for (;;) {
        enum wrt_errno error = WRT_ERRNO_OK;
        if (must_wait)
            error = wait_for(call, descriptor, wanted);
        if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
            return error;
        error = attempt(descriptor, context);
        if (error != WRT_ERRNO_INTR &&
            (error != WRT_ERRNO_AGAIN || descriptor->flags & WASI_FDFLAG_NONBLOCK))
            return error;
        must_wait = true;
    }
}

/* ---- subscriptions ---- */

struct polling {
    struct wasi_call *call;
    uint32_t count; /* subscriptions */
    uint32_t item_count;
    uint64_t start_ns;
    uint32_t fired;
};

static uint64_t saturating_add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return wrt_add_u64(a, b, &sum) ? sum : UINT64_MAX;
}

static enum wrt_errno subscribe_clock(const struct polling *polling, const uint8_t *from,
                                      struct wasi_subscription *out)
{
    const struct wrt_wasi *wasi = polling->call->wasi;
    uint32_t clock = wrt_read_u32(from + 16);
    uint64_t timeout = wrt_read_u64(from + 24);
    uint16_t flags = wrt_read_u16(from + 40);
    enum wrt_errno error = wrt_wasi_check_clock(wasi, clock);
    if (error != WRT_ERRNO_OK)
        return error;
    if (flags & ~WASI_SUBCLOCK_ABSTIME)
        return WRT_ERRNO_INVAL;
    if (clock > WRT_PORT_CLOCK_MONOTONIC)
        return WRT_ERRNO_NOTSUP;
    bool is_absolute = flags & WASI_SUBCLOCK_ABSTIME;
    if (is_absolute && clock == WRT_PORT_CLOCK_REALTIME) {
        out->clock = WRT_PORT_CLOCK_REALTIME;
        out->deadline_ns = wrt_wasi_coarse_deadline(&wasi->coarse, clock, timeout);
        return WRT_ERRNO_OK;
    }
    uint64_t guest_time = is_absolute ? timeout
                                      : saturating_add(polling->start_ns -
                                                           wasi->monotonic_start_ns, timeout);
    out->clock = WRT_PORT_CLOCK_MONOTONIC;
    guest_time = wrt_wasi_coarse_deadline(&wasi->coarse, WRT_PORT_CLOCK_MONOTONIC, guest_time);
    out->deadline_ns = saturating_add(guest_time, wasi->monotonic_start_ns);
    return WRT_ERRNO_OK;
}

static enum wrt_errno subscribe_descriptor(struct polling *polling, const uint8_t *from,
                                           struct wasi_subscription *out)
{
    struct wrt_wasi *wasi = polling->call->wasi;
    struct wasi_descriptor *descriptor;
    bool reads = out->type == WASI_EVENT_FD_READ;
    enum wrt_errno error = wrt_wasi_find(polling->call, wrt_read_u32(from + 16),
                                         WASI_RIGHT_POLL_FD_READWRITE, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    uint64_t either = reads ? WASI_RIGHT_FD_READ | WASI_RIGHT_SOCK_ACCEPT : WASI_RIGHT_FD_WRITE;
    if (!(descriptor->rights & either))
        return WRT_ERRNO_NOTCAPABLE;
    out->item = polling->item_count++;
    wasi->items[out->item] = (struct wrt_port_poll){
        .file = descriptor->file,
        .wanted = reads ? WRT_PORT_POLL_READ : WRT_PORT_POLL_WRITE,
    };
    return WRT_ERRNO_OK;
}

/* An error here is an event, not the call's. */
static void subscribe(struct polling *polling, const uint8_t *from,
                      struct wasi_subscription *out)
{
    *out = (struct wasi_subscription){.userdata = wrt_read_u64(from), .type = from[8]};
    if (out->type == WASI_EVENT_CLOCK)
        out->error = subscribe_clock(polling, from, out);
    else
        out->error = subscribe_descriptor(polling, from, out);
    if (out->error != WRT_ERRNO_OK) {
        out->has_fired = true;
        polling->fired++;
    }
}

static enum wrt_errno subscribe_all(struct polling *polling, uint32_t address)
{
    struct wrt_wasi *wasi = polling->call->wasi;
    const uint8_t *from = wrt_wasi_span(polling->call, address,
                                        (uint64_t)polling->count * WASI_SIZE_SUBSCRIPTION);
    if (!from)
        return WRT_ERRNO_FAULT;
    for (uint32_t i = 0; i < polling->count; i++)
        if (from[(size_t)i * WASI_SIZE_SUBSCRIPTION + 8] > WASI_EVENT_FD_WRITE)
            return WRT_ERRNO_INVAL;
    for (uint32_t i = 0; i < polling->count; i++)
        subscribe(polling, from + (size_t)i * WASI_SIZE_SUBSCRIPTION, &wasi->subscriptions[i]);
    return WRT_ERRNO_OK;
}

/* ---- looking and waiting ---- */

static bool is_waiting_clock(const struct wasi_subscription *subscription)
{
    return subscription->type == WASI_EVENT_CLOCK && !subscription->has_fired;
}

/* Marks the clocks that are due; *out_slice_ns: until the next one, at most a slice. */
static enum wrt_errno look_at_clocks(struct polling *polling, uint64_t *out_slice_ns)
{
    struct wrt_wasi *wasi = polling->call->wasi;
    uint64_t now[2];
    enum wrt_errno error = wrt_port_clock_read(WRT_PORT_CLOCK_REALTIME, &now[0]);
    if (error == WRT_ERRNO_OK)
        error = wrt_port_clock_read(WRT_PORT_CLOCK_MONOTONIC, &now[1]);
    if (error != WRT_ERRNO_OK)
        return error;
    *out_slice_ns = WASI_SLICE_NS;
    for (uint32_t i = 0; i < polling->count; i++) {
        struct wasi_subscription *subscription = &wasi->subscriptions[i];
        if (!is_waiting_clock(subscription))
            continue;
        uint64_t current = now[subscription->clock];
        if (current >= subscription->deadline_ns) {
            subscription->has_fired = true;
            polling->fired++;
        } else if (subscription->deadline_ns - current < *out_slice_ns) {
            *out_slice_ns = subscription->deadline_ns - current;
        }
    }
    return WRT_ERRNO_OK;
}

static void fire_descriptor(struct polling *polling, struct wasi_subscription *subscription,
                            const struct wrt_port_poll *item)
{
    subscription->has_fired = true;
    polling->fired++;
    subscription->flags = item->ready & WRT_PORT_POLL_HANGUP ? WASI_EVENT_HANGUP : 0;
    subscription->available_bytes = 1; /* to write: some */
    if (subscription->type == WASI_EVENT_FD_READ &&
        wrt_port_file_available(item->file, &subscription->available_bytes) != WRT_ERRNO_OK)
        subscription->available_bytes = 0; /* a listening socket has connections, not bytes */
}

static enum wrt_errno look_at_descriptors(struct polling *polling, uint64_t slice_ns)
{
    struct wrt_wasi *wasi = polling->call->wasi;
    wasi_leave(wasi);
    enum wrt_errno error = wrt_port_poll(wasi->items, polling->item_count, slice_ns);
    wasi_enter(wasi);
    if (error != WRT_ERRNO_OK)
        return error;
    for (uint32_t i = 0; i < polling->count; i++) {
        struct wasi_subscription *subscription = &wasi->subscriptions[i];
        if (subscription->type == WASI_EVENT_CLOCK || subscription->has_fired)
            continue;
        if (wasi->items[subscription->item].ready != 0)
            fire_descriptor(polling, subscription, &wasi->items[subscription->item]);
    }
    return WRT_ERRNO_OK;
}

static enum wrt_errno wait_for_any(struct polling *polling)
{
    uint64_t slice = 0;
    for (;;) {
        enum wrt_errno error = look_at_clocks(polling, &slice);
        if (error == WRT_ERRNO_OK)
            error = look_at_descriptors(polling, polling->fired != 0 ? 0 : slice);
        if (error != WRT_ERRNO_OK || polling->fired != 0)
            return error;
        if (wrt_caller_should_stop(polling->call->caller)) {
            polling->call->outcome = WRT_PAUSED;
            return WRT_ERRNO_OK;
        }
    }
}

/* ---- the call ---- */

/* When this wait began: before a pause, if this is the repetition of a paused call. */
static enum wrt_errno begin(struct polling *polling)
{
    struct wasi_call *call = polling->call;
    struct wrt_wasi *wasi = call->wasi;
    bool is_repeated = wasi->paused_poll.is_set && wasi->paused_poll.in == wasi_u32(call, 0) &&
                       wasi->paused_poll.out == wasi_u32(call, 1) &&
                       wasi->paused_poll.count == polling->count;
    wasi->paused_poll.is_set = false;
    if (!is_repeated)
        return wrt_port_clock_read(WRT_PORT_CLOCK_MONOTONIC, &polling->start_ns);
    polling->start_ns = wasi->paused_poll.start_ns;
    return WRT_ERRNO_OK;
}

static void remember(const struct polling *polling)
{
    struct wrt_wasi *wasi = polling->call->wasi;
    wasi->paused_poll.is_set = true;
    wasi->paused_poll.in = wasi_u32(polling->call, 0);
    wasi->paused_poll.out = wasi_u32(polling->call, 1);
    wasi->paused_poll.count = polling->count;
    wasi->paused_poll.start_ns = polling->start_ns;
}

static void put_events(const struct polling *polling, uint8_t *out)
{
    const struct wrt_wasi *wasi = polling->call->wasi;
    for (uint32_t i = 0; i < polling->count; i++) {
        const struct wasi_subscription *subscription = &wasi->subscriptions[i];
        if (!subscription->has_fired)
            continue;
        wrt_fill(out, 0, WASI_SIZE_EVENT);
        wrt_write_u64(out, subscription->userdata);
        wrt_write_u16(out + 8, (uint16_t)subscription->error);
        out[10] = subscription->type;
        wrt_write_u64(out + 16, subscription->available_bytes);
        wrt_write_u16(out + 24, subscription->flags);
        out += WASI_SIZE_EVENT;
    }
}

enum wrt_errno wrt_wasi_poll_oneoff(struct wasi_call *call)
{
    struct polling polling = {.call = call, .count = wasi_u32(call, 2)};
    if (polling.count == 0 || polling.count > call->wasi->max_subscriptions)
        return WRT_ERRNO_INVAL;
    uint8_t *out =
        wrt_wasi_span(call, wasi_u32(call, 1), (uint64_t)polling.count * WASI_SIZE_EVENT);
    uint8_t *out_count = wrt_wasi_span(call, wasi_u32(call, 3), 4);
    if (!out || !out_count)
        return WRT_ERRNO_FAULT;
    enum wrt_errno error = begin(&polling);
    if (error == WRT_ERRNO_OK)
        error = subscribe_all(&polling, wasi_u32(call, 0));
    if (error == WRT_ERRNO_OK)
        error = wait_for_any(&polling);
    if (call->outcome == WRT_PAUSED)
        remember(&polling);
    if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
        return error;
    put_events(&polling, out);
    wrt_write_u32(out_count, polling.fired);
    return WRT_ERRNO_OK;
}
