/* port/qnx/local.c - local sockets, processors, file identities.
 * SPDX-License-Identifier: Apache-2.0
 *
 * No local sockets: nothing that we know of QNX tells who is at the other end of one, and a
 * control socket that takes orders from anybody is worse than none. Files are POSIX.1-2008.
 */
#include "qnx.h"

#include <sys/stat.h>
#include <unistd.h>

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

uint32_t wrt_port_user(void)
{
    return (uint32_t)geteuid();
}

uint32_t wrt_port_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    return count < 1 ? 1 : (uint32_t)count;
}

static enum wrt_status file_status(int error)
{
    return error == ENOENT || error == ENOTDIR ? WRT_ERR_NOT_FOUND : wrt_qnx_to_status(error);
}

enum wrt_status wrt_port_identify(const char *path, struct wrt_port_identity *out)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return file_status(errno);
    if (!S_ISREG(status.st_mode))
        return WRT_ERR_ARGUMENT;
    *out = (struct wrt_port_identity){
        (uint64_t)status.st_size,
        (uint64_t)status.st_mtim.tv_sec * 1000000000u + (uint64_t)status.st_mtim.tv_nsec,
        status.st_ino, status.st_dev};
    return WRT_OK;
}

/* By the real user: a supervisor is no set-user-id program. */
enum wrt_status wrt_port_directory_usable(const char *path, bool for_writing)
{
    struct stat status;

    if (stat(path, &status) != 0)
        return file_status(errno);
    if (!S_ISDIR(status.st_mode))
        return WRT_ERR_ARGUMENT;
    return access(path, R_OK | X_OK | (for_writing ? W_OK : 0)) == 0 ? WRT_OK : file_status(errno);
}
