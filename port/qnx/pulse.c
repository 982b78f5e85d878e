/* port/qnx/pulse.c - channels of the kernel for whoever wants them: wrt_pulse_channel_init_bound.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Unlike the channels of park.c these may be public, may let a receiver run at the priority of
 * the pulse, and tell the end of their connections. The kernel orders, keeps and bounds the
 * pulses: by a pool of the channel's own where the release has pools, else by its memory alone.
 */
#include "qnx.h"
#include "port_sync.h"

#include <unistd.h>

#if WRT_QNX_RELEASE >= 700
#define NODE_HERE 0
#else
#include <sys/netmgr.h>
#define NODE_HERE ND_LOCAL_NODE
#endif

static enum wrt_status pulse_status(int error)
{
    switch (error) {
    case EBADF: /* a connection that was detached, or whose channel went */
    case ESRCH:
    case ENXIO:
        return WRT_ERR_CLOSED;
    case ETIMEDOUT:
        return WRT_ERR_TIMEOUT;
    case EINTR:
        return WRT_ERR_INTERRUPTED;
    default:
        return wrt_qnx_to_status(error);
    }
}

static unsigned flags_of(const struct wrt_port_channel_config *config)
{
    unsigned flags = _NTO_CHF_DISCONNECT;

    if (!config->takes_priority)
        flags |= _NTO_CHF_FIXED_PRIORITY;
#if defined(_NTO_CHF_PRIVATE)
    if (!config->is_public)
        flags |= _NTO_CHF_PRIVATE;
#endif
    return flags;
}

/* The channel, or the negative errno. */
static int create(const struct wrt_port_channel_config *config)
{
#if WRT_QNX_PULSE_POOL
    struct nto_channel_config pool = {.num_pulses = config->capacity};
    int id = ChannelCreatePulsePool(flags_of(config) | _NTO_CHF_PULSE_POOL, &pool);

    wrt_qnx_note_requested(WRT_QNX_PULSE_POOLS);
    if (id != -1) {
        wrt_qnx_note_active(WRT_QNX_PULSE_POOLS);
        return id;
    }
    return -errno;
#else
    return ChannelCreate_r(flags_of(config));
#endif
}

enum wrt_status wrt_port_channel_create(const struct wrt_port_channel_config *config,
                                        struct wrt_port_channel *out)
{
    int id = create(config);

    if (id < 0)
        return wrt_qnx_to_status(-id);
    *out = (struct wrt_port_channel){.process = getpid(),
                                      .id = id,
                                      .takes_priority = config->takes_priority};
    return WRT_OK;
}

void wrt_port_channel_destroy(const struct wrt_port_channel *channel)
{
    (void)ChannelDestroy_r(channel->id);
}

enum wrt_status wrt_port_channel_connect(int64_t process, int32_t id, int32_t *out_connection)
{
    int coid = ConnectAttach_r(NODE_HERE, (pid_t)process, id, _NTO_SIDE_CHANNEL,
                               _NTO_COF_CLOEXEC);

    if (coid < 0)
        return pulse_status(-coid);
    *out_connection = coid;
    return WRT_OK;
}

void wrt_port_channel_disconnect(int32_t connection)
{
    (void)ConnectDetach_r(connection);
}

enum wrt_status wrt_port_pulse_send(int32_t connection, uint8_t priority, int32_t code,
                                    uint32_t value)
{
    int error = MsgSendPulse_r(connection, priority, code, (wrt_qnx_pulse_value)(int32_t)value);

    return error == EAGAIN ? WRT_ERR_NO_SPACE : pulse_status(error);
}

/* Between setting the time and the receive there is nothing, as in park.c. A deadline that has
 * passed makes the kernel poll. */
static int receive(int id, uint64_t deadline_ns, struct _pulse *pulse)
{
    if (deadline_ns != UINT64_MAX) {
        int error = TimerTimeout_r(CLOCK_MONOTONIC,
                                   (wrt_qnx_timeout_flags)(_NTO_TIMEOUT_RECEIVE | TIMER_ABSTIME),
                                   NULL, &deadline_ns, NULL);
        if (error != EOK)
            return error;
    }
    return MsgReceivePulse_r(id, pulse, sizeof *pulse, NULL);
}

enum wrt_status wrt_port_pulse_receive(const struct wrt_port_channel *channel,
                                       uint64_t deadline_ns, struct wrt_port_pulse *out)
{
    struct _pulse pulse;
    int error;

    do { /* other codes of the kernel are nobody's here */
        error = receive(channel->id, deadline_ns, &pulse);
    } while (error == EOK && pulse.code < 0 && pulse.code != _PULSE_CODE_DISCONNECT);
    if (error != EOK)
        return pulse_status(error);
    *out = (struct wrt_port_pulse){.code = pulse.code,
                                   .value = (uint32_t)pulse.value.sival_int,
                                   .connection = (uint32_t)pulse.scoid};
    if (channel->takes_priority)
        out->priority = (uint8_t)wrt_qnx_current_priority();
    if (pulse.code == _PULSE_CODE_DISCONNECT)
        out->value = out->connection;
    return WRT_OK;
}
