/* src/sync/pulse.c - pulse channels; see wrt/pulse.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: a queue per priority, and a bit per priority that says which are not empty, so the
 * first pulse is found by counting zeros. `sequence` moves after each change that a sleeping
 * receiver should see, and the receiver reads it before it looks: so no pulse is slept over.
 * Limit: one mutex per channel. A channel that is bound has none of this: its queue is the
 * kernel's.
 */
#include <string.h>

#include "port_sync.h"
#include "wrt/pulse.h"

static void put_free(struct wrt_pulse_channel *channel, uint32_t number)
{
    channel->entries[number].next = channel->free;
    channel->free = (uint16_t)(number + 1);
}

enum wrt_status wrt_pulse_channel_init(struct wrt_pulse_channel *channel,
                                       struct wrt_pulse_entry *entries, uint32_t capacity,
                                       enum wrt_pulse_policy policy)
{
    if (!channel || !entries || capacity == 0 || capacity > WRT_PULSE_MAX_CAPACITY ||
        policy > WRT_PULSE_COALESCE)
        return WRT_ERR_ARGUMENT;
    memset(channel, 0, sizeof *channel);
    enum wrt_status status = wrt_mutex_init(&channel->gate, NULL);
    if (status != WRT_OK)
        return status;
    channel->policy = policy;
    channel->entries = entries;
    channel->capacity = capacity;
    for (uint32_t i = capacity; i-- > 0;)
        put_free(channel, i);
    return WRT_OK;
}

/* ---- the queue; the gate is held ---- */

static void append(struct wrt_pulse_channel *channel, const struct wrt_pulse *pulse)
{
    uint16_t link = channel->free;
    struct wrt_pulse_entry *entry = &channel->entries[link - 1];
    uint8_t priority = pulse->priority;
    channel->free = entry->next;
    *entry = (struct wrt_pulse_entry){ .pulse = *pulse };
    if (channel->first[priority] == 0)
        channel->first[priority] = link;
    else
        channel->entries[channel->last[priority] - 1].next = link;
    channel->last[priority] = link;
    channel->present[priority / 64] |= 1ull << priority % 64;
    channel->queued++;
}

static struct wrt_pulse take_first(struct wrt_pulse_channel *channel, uint32_t priority)
{
    uint32_t number = channel->first[priority] - 1u;
    struct wrt_pulse pulse = channel->entries[number].pulse;
    channel->first[priority] = channel->entries[number].next;
    if (channel->first[priority] == 0)
        channel->present[priority / 64] &= ~(1ull << priority % 64);
    put_free(channel, number);
    channel->queued--;
    return pulse;
}

static uint32_t highest(const struct wrt_pulse_channel *channel)
{
    for (uint32_t i = 4; i-- > 0;)
        if (channel->present[i] != 0)
            return i * 64 + 63 - (uint32_t)__builtin_clzll(channel->present[i]);
    return 0;
}

static uint32_t lowest(const struct wrt_pulse_channel *channel)
{
    for (uint32_t i = 0; i < 4; i++)
        if (channel->present[i] != 0)
            return i * 64 + (uint32_t)__builtin_ctzll(channel->present[i]);
    return 0;
}

static bool coalesce(struct wrt_pulse_channel *channel, const struct wrt_pulse *pulse)
{
    if (channel->first[pulse->priority] == 0)
        return false;
    struct wrt_pulse *last = &channel->entries[channel->last[pulse->priority] - 1].pulse;
    if (last->code != pulse->code || last->value != pulse->value ||
        last->connection != pulse->connection || last->count == UINT32_MAX)
        return false;
    last->count++;
    return true;
}

static enum wrt_status enqueue(struct wrt_pulse_channel *channel, const struct wrt_pulse *pulse)
{
    if (channel->policy == WRT_PULSE_COALESCE && coalesce(channel, pulse))
        return WRT_OK;
    if (channel->queued + channel->connections >= channel->capacity) {
        uint32_t victim = lowest(channel);
        bool may_replace = channel->policy == WRT_PULSE_REPLACE && channel->queued > 0 &&
                           victim <= pulse->priority &&
                           channel->entries[channel->first[victim] - 1].pulse.code >= 0;
        if (!may_replace)
            return WRT_ERR_NO_SPACE;
        (void)take_first(channel, victim);
        channel->lost++;
    }
    append(channel, pulse);
    return WRT_OK;
}

/* ---- bound to a channel of the kernel ---- */

static const uint64_t look_ns = 20000000; /* between two looks at an interrupt */

static struct wrt_port_channel kernel_channel(const struct wrt_pulse_channel *channel)
{
    return (struct wrt_port_channel){ .process = channel->kernel_process,
                                      .id = channel->kernel_id,
                                      .takes_priority = channel->lends_priority };
}

static bool is_bound(const struct wrt_pulse_channel *channel)
{
    return channel->kernel_process != 0;
}

enum wrt_status wrt_pulse_channel_init_bound(struct wrt_pulse_channel *channel,
                                             uint32_t capacity, uint32_t binding)
{
    struct wrt_port_channel_config config = { .capacity = capacity };
    struct wrt_port_channel kernel;
    if (!channel || capacity == 0 || capacity > WRT_PULSE_MAX_CAPACITY || binding > 3)
        return WRT_ERR_ARGUMENT;
    config.is_public = binding & WRT_PULSE_PUBLIC;
    config.takes_priority = binding & WRT_PULSE_LENDS_PRIORITY;
    enum wrt_status status = wrt_port_channel_create(&config, &kernel);
    if (status != WRT_OK)
        return status;
    memset(channel, 0, sizeof *channel);
    channel->capacity = capacity;
    channel->kernel_process = kernel.process;
    channel->kernel_id = kernel.id;
    channel->lends_priority = config.takes_priority;
    return WRT_OK;
}

enum wrt_status wrt_pulse_channel_get_kernel_id(const struct wrt_pulse_channel *channel,
                                                int64_t *out_process, int32_t *out_id)
{
    if (!is_bound(channel))
        return WRT_ERR_STATE;
    *out_process = channel->kernel_process;
    *out_id = channel->kernel_id;
    return WRT_OK;
}

enum wrt_status wrt_pulse_connect_process(int64_t process, int32_t id,
                                          struct wrt_pulse_connection *out)
{
    struct wrt_pulse_connection made = { .channel = NULL };
    if (process <= 0 || id <= 0)
        return WRT_ERR_ARGUMENT;
    enum wrt_status status = wrt_port_channel_connect(process, id, &made.kernel);
    if (status == WRT_OK)
        *out = made;
    return status;
}

static bool is_closed(const struct wrt_pulse_channel *channel)
{
    return __atomic_load_n(&channel->is_closed, __ATOMIC_ACQUIRE);
}

static enum wrt_status close_bound(struct wrt_pulse_channel *channel)
{
    struct wrt_port_channel kernel = kernel_channel(channel);
    if (__atomic_exchange_n(&channel->is_closed, true, __ATOMIC_ACQ_REL))
        return WRT_ERR_CLOSED;
    wrt_port_channel_destroy(&kernel);
    return WRT_OK;
}

static enum wrt_status connect_bound(struct wrt_pulse_channel *channel,
                                     struct wrt_pulse_connection *out)
{
    struct wrt_pulse_connection made = { .channel = channel };
    if (is_closed(channel))
        return WRT_ERR_CLOSED;
    enum wrt_status status = wrt_port_channel_connect(0, channel->kernel_id, &made.kernel);
    if (status == WRT_OK)
        *out = made;
    return status;
}

/* Until the deadline, or until it is time to look at the interrupt again. */
static uint64_t next_look(uint64_t deadline_ns)
{
    uint64_t now;
    if (deadline_ns == 0 || wrt_port_time_now(&now) != WRT_OK)
        return deadline_ns;
    return deadline_ns - now < look_ns || deadline_ns < now ? deadline_ns : now + look_ns;
}

static enum wrt_status receive_bound(struct wrt_pulse_channel *channel, uint64_t deadline_ns,
                                     const struct wrt_interrupt *interrupt,
                                     struct wrt_pulse *out)
{
    struct wrt_port_channel kernel = kernel_channel(channel);
    struct wrt_port_pulse pulse;
    for (;;) {
        if (is_closed(channel))
            return WRT_ERR_CLOSED;
        if (interrupt && wrt_interrupt_is_raised(interrupt))
            return WRT_ERR_INTERRUPTED;
        uint64_t until = interrupt ? next_look(deadline_ns) : deadline_ns;
        enum wrt_status status = wrt_port_pulse_receive(&kernel, until, &pulse);
        if (status == WRT_OK)
            break;
        if (status == WRT_ERR_INTERRUPTED || (status == WRT_ERR_TIMEOUT && until != deadline_ns))
            continue;
        return status;
    }
    *out = (struct wrt_pulse){ .code = pulse.code, .value = pulse.value, .count = 1,
                               .connection = pulse.connection, .priority = pulse.priority };
    return WRT_OK;
}

/* ---- calls ---- */

static enum wrt_status enter(struct wrt_pulse_channel *channel)
{
    enum wrt_status status = wrt_mutex_lock(&channel->gate);
    if (status == WRT_OK && channel->is_closed) {
        (void)wrt_mutex_unlock(&channel->gate);
        return WRT_ERR_CLOSED;
    }
    return status;
}

static void leave(struct wrt_pulse_channel *channel)
{
    (void)wrt_mutex_unlock(&channel->gate);
}

static enum wrt_status tell_receivers(struct wrt_pulse_channel *channel, uint32_t count)
{
    (void)__atomic_fetch_add(&channel->sequence, 1, __ATOMIC_RELEASE);
    return wrt_futex_wake(NULL, &channel->sequence, count, NULL);
}

enum wrt_status wrt_pulse_channel_close(struct wrt_pulse_channel *channel)
{
    if (is_bound(channel))
        return close_bound(channel);
    enum wrt_status status = enter(channel);
    if (status != WRT_OK)
        return status;
    channel->is_closed = true;
    channel->queued = 0;
    leave(channel);
    return tell_receivers(channel, UINT32_MAX);
}

enum wrt_status wrt_pulse_channel_deinit(struct wrt_pulse_channel *channel)
{
    if (!is_closed(channel))
        return WRT_ERR_STATE;
    if (is_bound(channel))
        return WRT_OK;
    return wrt_mutex_deinit(&channel->gate);
}

enum wrt_status wrt_pulse_connect(struct wrt_pulse_channel *channel,
                                  struct wrt_pulse_connection *out)
{
    if (is_bound(channel))
        return connect_bound(channel, out);
    enum wrt_status status = enter(channel);
    if (status != WRT_OK)
        return status;
    if (channel->queued + channel->connections >= channel->capacity) {
        status = WRT_ERR_LIMIT;
    } else {
        channel->connections++;
        *out = (struct wrt_pulse_connection){ .channel = channel,
                                              .number = ++channel->last_connection };
    }
    leave(channel);
    return status;
}

enum wrt_status wrt_pulse_disconnect(struct wrt_pulse_connection *connection, uint8_t priority)
{
    struct wrt_pulse_channel *channel = connection->channel;
    if (connection->kernel > 0) {
        wrt_port_channel_disconnect(connection->kernel);
        *connection = (struct wrt_pulse_connection){ .channel = NULL };
        return channel && is_closed(channel) ? WRT_ERR_CLOSED : WRT_OK;
    }
    if (!channel)
        return WRT_ERR_STATE;
    struct wrt_pulse news = { .code = WRT_PULSE_DISCONNECT, .value = connection->number,
                              .connection = connection->number, .count = 1,
                              .priority = priority };
    connection->channel = NULL;
    enum wrt_status status = enter(channel);
    if (status != WRT_OK)
        return status;
    channel->connections--; /* which frees the place kept back for this */
    append(channel, &news);
    leave(channel);
    return tell_receivers(channel, 1);
}

enum wrt_status wrt_pulse_send(const struct wrt_pulse_connection *connection, uint8_t priority,
                               int32_t code, uint32_t value)
{
    struct wrt_pulse_channel *channel = connection->channel;
    if (!channel && connection->kernel <= 0)
        return WRT_ERR_STATE;
    if (code < 0 || code > WRT_PULSE_MAX_CODE)
        return WRT_ERR_ARGUMENT;
    if (connection->kernel > 0)
        return priority == 0 ? WRT_ERR_ARGUMENT
                             : wrt_port_pulse_send(connection->kernel, priority, code, value);
    struct wrt_pulse pulse = { .code = code, .value = value, .count = 1,
                               .connection = connection->number, .priority = priority };
    enum wrt_status status = enter(channel);
    if (status != WRT_OK)
        return status;
    status = enqueue(channel, &pulse);
    leave(channel);
    return status == WRT_OK ? tell_receivers(channel, 1) : status;
}

/* ERR_NOT_FOUND: nothing is queued. */
static enum wrt_status poll(struct wrt_pulse_channel *channel, struct wrt_pulse *out)
{
    enum wrt_status status = enter(channel);
    if (status != WRT_OK)
        return status;
    if (channel->queued == 0)
        status = WRT_ERR_NOT_FOUND;
    else
        *out = take_first(channel, highest(channel));
    leave(channel);
    return status;
}

enum wrt_status wrt_pulse_receive(struct wrt_pulse_channel *channel, uint64_t deadline_ns,
                                  const struct wrt_interrupt *interrupt, struct wrt_pulse *out)
{
    if (is_bound(channel))
        return receive_bound(channel, deadline_ns, interrupt, out);
    for (;;) {
        uint32_t sequence = __atomic_load_n(&channel->sequence, __ATOMIC_ACQUIRE);
        enum wrt_status status = poll(channel, out);
        if (status != WRT_ERR_NOT_FOUND)
            return status;
        if (deadline_ns == 0)
            return WRT_ERR_TIMEOUT;
        status = wrt_futex_wait(NULL, &channel->sequence, sequence, deadline_ns, interrupt);
        if (status < 0)
            return status;
    }
}

uint64_t wrt_pulse_count_lost(struct wrt_pulse_channel *channel)
{
    if (is_bound(channel) || enter(channel) != WRT_OK)
        return 0; /* the kernel replaces nothing */
    uint64_t lost = channel->lost;
    leave(channel);
    return lost;
}
