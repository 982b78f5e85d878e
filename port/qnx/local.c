/* port/qnx/local.c - processors, file identities.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "qnx.h"

#include <sys/stat.h>
#include <unistd.h>

#include "port_local.h"

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
