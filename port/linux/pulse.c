/* port/linux/pulse.c - the kernel's pulses: Linux has none: channels of wrt/pulse.h are queues of our own there.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_sync.h"

enum wrt_status wrt_port_channel_create(const struct wrt_port_channel_config *config,
                                        struct wrt_port_channel *out)
{
    (void)config, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_channel_destroy(const struct wrt_port_channel *channel)
{
    (void)channel;
}

enum wrt_status wrt_port_channel_connect(int64_t process, int32_t id, int32_t *out_connection)
{
    (void)process, (void)id, (void)out_connection;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_channel_disconnect(int32_t connection)
{
    (void)connection;
}

enum wrt_status wrt_port_pulse_send(int32_t connection, uint8_t priority, int32_t code,
                                    uint32_t value)
{
    (void)connection, (void)priority, (void)code, (void)value;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_pulse_receive(const struct wrt_port_channel *channel,
                                       uint64_t deadline_ns, struct wrt_port_pulse *out)
{
    (void)channel, (void)deadline_ns, (void)out;
    return WRT_ERR_UNSUPPORTED;
}
