/* src/port_local.h - what src/tenant asks of a system beyond port.h: local sockets that tell
 * who is at the other end, processors, and which file a path leads to. Goes with port.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The conventions of port.h hold here. Sockets are the system's small integers.
 */
#ifndef WRT_PORT_LOCAL_H
#define WRT_PORT_LOCAL_H

#include "port.h"

/* ---------------------------------------------------------------- local sockets ---- */

struct wrt_port_peer {
    uint32_t user;
    int64_t process;
};

/* False: all calls on them are ERR_UNSUPPORTED. Linux: yes. QNX: no. */
bool wrt_port_has_local_sockets(void);
/* Listens at a path of the file system that only the caller's user may reach (mode 0600; with
 * `open_to_all` 0666, for callers that check who connects). A socket that nobody listens on any
 * more is replaced; one that is in use is ERR_EXISTS, and any other file too.
 * Linux: AF_UNIX. QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status
wrt_port_local_listen(const char *path, bool open_to_all, int *out);
/* Listens at a port of the loopback address. Linux: AF_INET 127.0.0.1. */
WRT_MUST_CHECK enum wrt_status wrt_port_loopback_listen(uint16_t port, int *out);
/* Closes a listener and removes its path (NULL: it has none). */
void wrt_port_local_unlisten(int listener, const char *path);

/* The next connection. ERR_TIMEOUT. Linux: accept4, SO_PEERCRED. */
WRT_MUST_CHECK enum wrt_status
wrt_port_local_accept(int listener, uint64_t timeout_ns, int *out, struct wrt_port_peer *peer);
/* ERR_NOT_FOUND: nobody listens there. ERR_DENIED. */
WRT_MUST_CHECK enum wrt_status wrt_port_local_connect(const char *path, int *out);

/* What is there, 1 byte at least. ERR_CLOSED: the other end closed. ERR_TIMEOUT. */
WRT_MUST_CHECK enum wrt_status
wrt_port_local_receive(int socket, void *out, size_t size_bytes, uint64_t deadline_ns,
                       size_t *out_bytes);
/* All of it. ERR_CLOSED, ERR_TIMEOUT: part of it may have gone. */
WRT_MUST_CHECK enum wrt_status
wrt_port_local_send(int socket, const void *bytes, size_t size_bytes, uint64_t deadline_ns);
void wrt_port_local_close(int socket);

/* ------------------------------------------------------------------- the machine ---- */

/* The caller's effective user. Linux: geteuid. */
uint32_t wrt_port_user(void);
/* Processors that this process may use; at least 1. Linux: sched_getaffinity. */
uint32_t wrt_port_processors(void);

/* Equal identities: the same file with the same contents, as far as the system tells. */
struct wrt_port_identity {
    uint64_t size_bytes, modified_ns, number, device;
};
/* ERR_NOT_FOUND, ERR_DENIED; ERR_ARGUMENT: no regular file. Linux: stat. */
WRT_MUST_CHECK enum wrt_status
wrt_port_identify(const char *path, struct wrt_port_identity *out);
/* Is there such a directory, and may the caller list and search it (and write into it)?
 * ERR_NOT_FOUND, ERR_DENIED, ERR_ARGUMENT: no directory. Linux: stat, faccessat. */
WRT_MUST_CHECK enum wrt_status wrt_port_directory_usable(const char *path, bool for_writing);

#endif
