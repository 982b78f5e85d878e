/* port/none/local_socket.c - sockets between programs of one machine: refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_local.h"

bool wrt_port_has_local_sockets(void)
{
    return false;
}

enum wrt_status wrt_port_local_listen(const char *path, bool open_to_all, int *out)
{
    (void)path, (void)open_to_all, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_loopback_listen(uint16_t port, int *out)
{
    (void)port, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_local_unlisten(int listener, const char *path)
{
    (void)listener, (void)path;
}

enum wrt_status wrt_port_local_accept(int listener, uint64_t timeout_ns, int *out,
                                      struct wrt_port_peer *peer)
{
    (void)listener, (void)timeout_ns, (void)out, (void)peer;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_local_connect(const char *path, int *out)
{
    (void)path, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_local_receive(int socket, void *out, size_t size_bytes,
                                       uint64_t deadline_ns, size_t *out_bytes)
{
    (void)socket, (void)out, (void)size_bytes, (void)deadline_ns, (void)out_bytes;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_local_send(int socket, const void *bytes, size_t size_bytes,
                                    uint64_t deadline_ns)
{
    (void)socket, (void)bytes, (void)size_bytes, (void)deadline_ns;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_local_close(int socket)
{
    (void)socket;
}
