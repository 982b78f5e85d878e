/* port/linux/file_beneath.c - the kernel's own resolver, openat2, which refuses to leave.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "../posix/file_resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL_TRIES 32 /* openat2 gives up with EAGAIN when something is renamed meanwhile */

const int wrt_posix_directory_flags = O_PATH | O_DIRECTORY | O_CLOEXEC;

static int open_beneath(int directory, const char *path)
{
    struct open_how how = {
        .flags = (uint64_t)wrt_posix_directory_flags,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

bool wrt_posix_has_beneath(void)
{
    int probe = open_beneath(AT_FDCWD, ".");
    if (probe >= 0)
        close(probe);
    /* A seccomp filter that does not know the call says EPERM. */
    return probe >= 0 || (errno != ENOSYS && errno != EPERM);
}

enum wrt_errno wrt_posix_open_beneath(int directory, const char *path, int *out)
{
    for (int i = 0; i < KERNEL_TRIES; i++) {
        int opened = open_beneath(directory, path);
        if (opened >= 0) {
            *out = opened;
            return WRT_ERRNO_OK;
        }
        if (errno == EXDEV)
            return WRT_ERRNO_NOTCAPABLE;
        if (errno != EAGAIN && errno != EINTR)
            return wrt_posix_errno(errno);
    }
    return WRT_ERRNO_AGAIN;
}
