/* port/linux/local.c - local sockets, processors, file identities.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* struct ucred, accept4, CPU_COUNT */
#include "port_local.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static enum wrt_status status_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED: return WRT_ERR_NOT_FOUND;
    case EACCES:
    case EPERM: return WRT_ERR_DENIED;
    case EADDRINUSE:
    case EEXIST: return WRT_ERR_EXISTS;
    case EMFILE:
    case ENFILE: return WRT_ERR_LIMIT;
    case ENOMEM:
    case ENOBUFS: return WRT_ERR_NO_MEMORY;
    case EPIPE:
    case ECONNRESET: return WRT_ERR_CLOSED;
    case EAGAIN: return WRT_ERR_TIMEOUT;
    default: return WRT_ERR_IO;
    }
}

static enum wrt_status close_with(int socket, int number)
{
    close(socket);
    return status_of(number);
}

static bool make_address(const char *path, struct sockaddr_un *out)
{
    size_t length = strlen(path);
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (length == 0 || length >= sizeof out->sun_path)
        return false;
    memcpy(out->sun_path, path, length + 1);
    return true;
}

bool wrt_port_has_local_sockets(void)
{
    return true;
}

enum wrt_status wrt_port_local_connect(const char *path, int *out)
{
    struct sockaddr_un address;
    if (!make_address(path, &address))
        return WRT_ERR_ARGUMENT;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return status_of(errno);
    if (connect(s, (const struct sockaddr *)&address, sizeof address) != 0)
        return close_with(s, errno);
    *out = s;
    return WRT_OK;
}

/* Removes a socket that nobody answers on; anything else stays. */
static enum wrt_status remove_dead(const char *path)
{
    struct stat status;
    int other;
    if (lstat(path, &status) != 0)
        return errno == ENOENT ? WRT_OK : status_of(errno);
    if (!S_ISSOCK(status.st_mode))
        return WRT_ERR_EXISTS;
    enum wrt_status found = wrt_port_local_connect(path, &other);
    if (found == WRT_OK) {
        close(other);
        return WRT_ERR_EXISTS;
    }
    if (found != WRT_ERR_NOT_FOUND)
        return found;
    return unlink(path) == 0 ? WRT_OK : status_of(errno);
}

enum wrt_status wrt_port_local_listen(const char *path, bool open_to_all, int *out)
{
    struct sockaddr_un address;
    if (!make_address(path, &address))
        return WRT_ERR_ARGUMENT;
    enum wrt_status status = remove_dead(path);
    if (status != WRT_OK)
        return status;
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0)
        return status_of(errno);
    /* Closed to others until its mode is set: nobody connects before listen. */
    if (bind(s, (const struct sockaddr *)&address, sizeof address) != 0)
        return close_with(s, errno);
    if (chmod(path, open_to_all ? 0666 : 0600) != 0 || listen(s, 16) != 0) {
        int number = errno;
        unlink(path);
        return close_with(s, number);
    }
    *out = s;
    return WRT_OK;
}

enum wrt_status wrt_port_loopback_listen(uint16_t port, int *out)
{
    const int on = 1;
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s < 0)
        return status_of(errno);
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(s, (const struct sockaddr *)&address, sizeof address) != 0 || listen(s, 16) != 0)
        return close_with(s, errno);
    *out = s;
    return WRT_OK;
}

void wrt_port_local_unlisten(int listener, const char *path)
{
    if (path != NULL)
        unlink(path);
    close(listener);
}

/* Waits for `events`; whole milliseconds, rounded up. */
static enum wrt_status wait_for(int s, short events, uint64_t timeout_ns)
{
    struct pollfd item = {.fd = s, .events = events};
    uint64_t ms = timeout_ns / 1000000 + (timeout_ns % 1000000 != 0);
    int ready = poll(&item, 1, ms > 86400000 ? 86400000 : (int)ms);
    if (ready < 0)
        return errno == EINTR ? WRT_ERR_TIMEOUT : status_of(errno);
    return ready == 0 ? WRT_ERR_TIMEOUT : WRT_OK;
}

static uint64_t left(uint64_t deadline_ns)
{
    uint64_t now_ns = 0;
    (void)!wrt_port_time_now(&now_ns);
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

enum wrt_status wrt_port_local_accept(int listener, uint64_t timeout_ns, int *out,
                                      struct wrt_port_peer *peer)
{
    struct ucred who;
    socklen_t size = sizeof who;
    enum wrt_status status = wait_for(listener, POLLIN, timeout_ns);
    if (status != WRT_OK)
        return status;
    int s = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (s < 0)
        return errno == EINTR || errno == ECONNABORTED ? WRT_ERR_TIMEOUT : status_of(errno);
    if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
        return close_with(s, errno);
    *peer = (struct wrt_port_peer){who.uid, who.pid};
    *out = s;
    return WRT_OK;
}

enum wrt_status wrt_port_local_receive(int socket, void *out, size_t size_bytes,
                                       uint64_t deadline_ns, size_t *out_bytes)
{
    enum wrt_status status = wait_for(socket, POLLIN, left(deadline_ns));
    if (status != WRT_OK)
        return status;
    ssize_t got = recv(socket, out, size_bytes, MSG_DONTWAIT);
    if (got < 0)
        return status_of(errno);
    if (got == 0)
        return WRT_ERR_CLOSED;
    *out_bytes = (size_t)got;
    return WRT_OK;
}

enum wrt_status wrt_port_local_send(int socket, const void *bytes, size_t size_bytes,
                                    uint64_t deadline_ns)
{
    const char *from = bytes;
    while (size_bytes > 0) {
        ssize_t sent = send(socket, from, size_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return status_of(errno);
        if (sent > 0) {
            from += sent;
            size_bytes -= (size_t)sent;
            continue;
        }
        enum wrt_status status = wait_for(socket, POLLOUT, left(deadline_ns));
        if (status != WRT_OK)
            return status;
    }
    return WRT_OK;
}

void wrt_port_local_close(int socket)
{
    close(socket);
}

uint32_t wrt_port_user(void)
{
    return geteuid();
}

uint32_t wrt_port_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) < 1)
        return 1;
    return (uint32_t)CPU_COUNT(&set);
}

enum wrt_status wrt_port_identify(const char *path, struct wrt_port_identity *out)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return status_of(errno);
    if (!S_ISREG(status.st_mode))
        return WRT_ERR_ARGUMENT;
    *out = (struct wrt_port_identity){
        (uint64_t)status.st_size,
        (uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec,
        status.st_ino, status.st_dev};
    return WRT_OK;
}

enum wrt_status wrt_port_directory_usable(const char *path, bool for_writing)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return status_of(errno);
    if (!S_ISDIR(status.st_mode))
        return WRT_ERR_ARGUMENT;
    int rights = R_OK | X_OK | (for_writing ? W_OK : 0);
    return faccessat(AT_FDCWD, path, rights, AT_EACCESS) == 0 ? WRT_OK : status_of(errno);
}
