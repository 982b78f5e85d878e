/* port/linux/report.c - the port's name, errno to status, and the capability report.
 * SPDX-License-Identifier: Apache-2.0
 *
 * available is found out by asking the system, at the time of the question; requested and
 * active are noted by the calls that asked and got.
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../posix/posix.h"

static _Atomic uint32_t requested, active; /* bit per enum wrt_linux_feature */

const char *wrt_port_name(void)
{
    return "linux";
}

enum wrt_status wrt_linux_to_status(int error_number)
{
    switch (error_number) {
    case 0:
        return WRT_OK;
    case ENOMEM:
        return WRT_ERR_NO_MEMORY;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
        return WRT_ERR_LIMIT;
    case EPERM:
    case EACCES:
        return WRT_ERR_DENIED;
    case EINVAL:
        return WRT_ERR_ARGUMENT;
    case ENOSYS:
    case ENOTSUP:
        return WRT_ERR_UNSUPPORTED;
    default:
        return WRT_ERR_IO;
    }
}

enum wrt_status wrt_posix_to_status(int error_number)
{
    return wrt_linux_to_status(error_number);
}

void wrt_linux_note_requested(enum wrt_linux_feature feature)
{
    atomic_fetch_or_explicit(&requested, 1u << feature, memory_order_relaxed);
}

void wrt_linux_note_active(enum wrt_linux_feature feature)
{
    atomic_fetch_or_explicit(&active, 1u << feature, memory_order_relaxed);
}

static bool has_huge_pages(void)
{
    return wrt_port_huge_page_bytes() != 0;
}

static bool has_nodes(void)
{
    return access("/sys/devices/system/node/node0", F_OK) == 0;
}

static bool may_lock(void)
{
    struct rlimit limit;

    return geteuid() == 0 ||
           (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur > 0);
}

/* Asked of the system directly: our own calls would note that somebody requested them. */
static bool can_probe(void)
{
    char here = 1, copy = 0;
    struct iovec from = {.iov_base = &here, .iov_len = 1};
    struct iovec to = {.iov_base = &copy, .iov_len = 1};

    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1;
}

static bool has_objects(void)
{
    int file = memfd_create("wrt", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    if (file < 0)
        return false;
    close(file);
    return true;
}

static bool always(void)
{
    return true;
}

static bool may_use_realtime(void)
{
    struct rlimit limit;

    return geteuid() == 0 || (getrlimit(RLIMIT_RTPRIO, &limit) == 0 && limit.rlim_cur > 0);
}

static bool may_confine(void)
{
    return access("/proc/self/ns/user", F_OK) == 0;
}

static const struct {
    const char *name;
    bool (*is_available)(void);
    const char *missing;
} features[WRT_LINUX_FEATURE_COUNT] = {
    [WRT_LINUX_HUGE_PAGES] = {"huge-pages", has_huge_pages,
                              "the kernel has no transparent huge pages"},
    [WRT_LINUX_NUMA] = {"numa-node", has_nodes, "the kernel shows no memory nodes"},
    [WRT_LINUX_LOCK] = {"locked-memory", may_lock, "RLIMIT_MEMLOCK is 0 and we are not root"},
    [WRT_LINUX_PROBE] = {"guard-probe", can_probe, "process_vm_readv is not permitted"},
    [WRT_LINUX_OBJECTS] = {"memory-objects", has_objects, "memfd_create failed"},
    [WRT_LINUX_FAULTS] = {"fault-handler", always, "sigaction failed"},
    [WRT_LINUX_REALTIME] = {"realtime-priority", may_use_realtime,
                            "RLIMIT_RTPRIO is 0 and we are not root"},
    [WRT_LINUX_PROCESSES] = {"confined-processes", may_confine,
                             "the kernel gives no user namespaces"},
    [WRT_LINUX_LANDLOCK] = {"landlock", wrt_linux_has_landlock, "the kernel has no Landlock"},
};

enum wrt_status wrt_port_capability(uint32_t index, struct wrt_port_capability *out)
{
    uint32_t was_requested, was_active;

    if (index >= WRT_LINUX_FEATURE_COUNT)
        return WRT_ERR_BOUNDS;
    was_requested = atomic_load_explicit(&requested, memory_order_relaxed);
    was_active = atomic_load_explicit(&active, memory_order_relaxed);
    out->name = features[index].name;
    out->is_requested = was_requested >> index & 1;
    out->is_active = was_active >> index & 1;
    out->is_available = features[index].is_available();
    out->why = !out->is_available  ? features[index].missing
               : out->is_active    ? "in force"
               : out->is_requested ? "asked for and not granted"
                                   : "nobody asked for it";
    return WRT_OK;
}
