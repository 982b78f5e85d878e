/* src/tenant/wire.c - see wire.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/wire.h"

#include "port.h"

#include <string.h>

static enum wrt_status join(struct wire_end *end, bool is_worker, struct wire_ring *out,
                            struct wire_ring *in)
{
    enum wrt_status status;

    end->is_worker = is_worker;
    end->out_ring = out;
    end->in_ring = in;
    status = wrt_spsc_producer_init(&end->out, &out->words, out->items, WIRE_SLOTS,
                                    sizeof(struct wire_message));
    if (status != WRT_OK)
        return status;
    return wrt_spsc_consumer_init(&end->in, &in->words, in->items, WIRE_SLOTS,
                                  sizeof(struct wire_message));
}

enum wrt_status wire_join_host(struct wire_end *end, struct wire *wire)
{
    return join(end, false, &wire->requests, &wire->replies);
}

enum wrt_status wire_join_worker(struct wire_end *end, struct wire *wire)
{
    return join(end, true, &wire->replies, &wire->requests);
}

/* ---- bells ---- */

enum { BELL_PULSES = 4, BELL_CODE = 0, LEAST_PRIORITY = 1, MOST_PRIORITY = 255 };

enum wrt_status wire_open_bell(struct wire_end *end, uint64_t *out)
{
    const struct wrt_port_channel_config config = {.capacity = BELL_PULSES,
                                                   .is_public = true,
                                                   .takes_priority = end->is_worker};
    enum wrt_status status = wrt_port_channel_create(&config, &end->bell);

    end->has_bell = status == WRT_OK;
    *out = end->has_bell ? (uint64_t)end->bell.id : 0;
    return status == WRT_ERR_UNSUPPORTED ? WRT_OK : status;
}

enum wrt_status wire_connect_bell(struct wire_end *end, int64_t process, uint64_t bell)
{
    if (!end->has_bell)
        return WRT_OK;
    if (bell == 0 || bell > INT32_MAX || end->theirs != 0)
        return WRT_ERR_CLOSED;
    return wrt_port_channel_connect(process, (int32_t)bell, &end->theirs);
}

void wire_close(struct wire_end *end)
{
    if (end->theirs != 0)
        wrt_port_channel_disconnect(end->theirs);
    if (end->has_bell)
        wrt_port_channel_destroy(&end->bell);
    end->theirs = 0;
    end->has_bell = false;
}

static uint8_t own_priority(void)
{
    int priority;

    if (wrt_port_thread_get_priority(&priority) != WRT_OK || priority < LEAST_PRIORITY)
        return LEAST_PRIORITY;
    return priority < MOST_PRIORITY ? (uint8_t)priority : MOST_PRIORITY;
}

/* A pulse that finds no room is not missed: those that take the room wake the receiver too. */
static void ring(const struct wire_end *end, bool is_asleep)
{
    uint32_t woken;

    if (!end->has_bell && is_asleep)
        (void)!wrt_port_wake(&end->out_ring->bell, 1, true, &woken);
    else if (end->theirs != 0 && (is_asleep || !end->is_worker))
        (void)!wrt_port_pulse_send(end->theirs, own_priority(), BELL_CODE, 0);
}

/* Pulses wait in the channel, so none sent since `bell` was read is lost; one that is older only
 * makes the caller look again. */
static enum wrt_status sleep_until(const struct wire_end *end, uint32_t bell, uint64_t deadline_ns)
{
    struct wrt_port_pulse pulse;

    if (!end->has_bell)
        return wrt_port_wait(&end->in_ring->bell, bell, deadline_ns, true);
    return wrt_port_pulse_receive(&end->bell, deadline_ns, &pulse);
}

static bool was_woken(enum wrt_status status)
{
    return status == WRT_OK || status == WRT_ERR_STATE || status == WRT_ERR_INTERRUPTED;
}

/* ---- messages ---- */

/* The message is published before the bell is read by whoever goes to sleep, and `is_asleep` is
 * set before it looks a last time: one of the two sees the other. */
enum wrt_status wire_send(struct wire_end *end, const struct wire_message *message)
{
    enum wrt_status status = wrt_spsc_push(&end->out, message);

    if (status != WRT_OK)
        return status;
    (void)__atomic_add_fetch(&end->out_ring->bell, 1, __ATOMIC_SEQ_CST);
    ring(end, __atomic_load_n(&end->out_ring->is_asleep, __ATOMIC_SEQ_CST) != 0);
    return WRT_OK;
}

static enum wrt_status take(struct wire_end *end, struct wire_message *out)
{
    enum wrt_status status = wrt_spsc_pop(&end->in, out);

    if (status == WRT_OK)
        out->text[WIRE_TEXT_BYTES - 1] = '\0';
    return status;
}

enum wrt_status wire_receive(struct wire_end *end, uint64_t deadline_ns, struct wire_message *out)
{
    struct wire_ring *ring = end->in_ring;
    enum wrt_status status = take(end, out);

    while (status == WRT_ERR_NOT_FOUND) {
        uint32_t bell = __atomic_load_n(&ring->bell, __ATOMIC_SEQ_CST);

        __atomic_store_n(&ring->is_asleep, 1, __ATOMIC_SEQ_CST);
        status = take(end, out);
        if (status == WRT_ERR_NOT_FOUND) {
            enum wrt_status slept = sleep_until(end, bell, deadline_ns);

            status = take(end, out); /* also what came at the last moment */
            if (status == WRT_ERR_NOT_FOUND && !was_woken(slept))
                status = slept;
        }
        __atomic_store_n(&ring->is_asleep, 0, __ATOMIC_SEQ_CST);
    }
    return status;
}

static bool is_number(uint32_t type)
{
    return type == WRT_I32 || type == WRT_I64 || type == WRT_F32 || type == WRT_F64;
}

static bool is_null_reference(const struct wire_value *value)
{
    return (value->type == WRT_FUNCREF || value->type == WRT_EXTERNREF) && value->bits[0] == 0;
}

static bool may_travel(const struct wire_value *value)
{
    return is_number(value->type) || value->type == WRT_V128 || is_null_reference(value);
}

bool wire_put_values(struct wire_message *message, const struct wrt_value *values, uint32_t count)
{
    if (count > WIRE_VALUES)
        return false;
    message->count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct wire_value *to = &message->values[i];

        *to = (struct wire_value){.type = (uint32_t)values[i].type};
        if (values[i].type == WRT_V128)
            memcpy(to->bits, values[i].v128, sizeof to->bits);
        else if (values[i].type == WRT_I32 || values[i].type == WRT_F32)
            to->bits[0] = values[i].of.i32;
        else
            memcpy(to->bits, &values[i].of, sizeof values[i].of);
        if (!may_travel(to))
            return false;
    }
    return true;
}

bool wire_get_values(const struct wire_message *message, struct wrt_value *out)
{
    if (message->count > WIRE_VALUES)
        return false;
    for (uint32_t i = 0; i < message->count; i++) {
        const struct wire_value *from = &message->values[i];

        if (!may_travel(from))
            return false;
        memset(&out[i], 0, sizeof out[i]);
        out[i].type = (wrt_type)from->type;
        if (from->type == WRT_V128)
            memcpy(out[i].v128, from->bits, sizeof from->bits);
        else if (from->type == WRT_I32 || from->type == WRT_F32)
            out[i].of.i32 = (uint32_t)from->bits[0];
        else
            memcpy(&out[i].of, from->bits, sizeof out[i].of);
    }
    return true;
}
