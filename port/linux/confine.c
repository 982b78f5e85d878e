/* port/linux/confine.c - giving up rights: an empty root, Landlock, capabilities.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "port_confine.h"

/* ---- files: Landlock ----
 * Numbers and structures as linux/landlock.h has them; those of newer kernels than the headers
 * are spelled out, and each version gets no more than it knows. */

struct ruleset {
    uint64_t files, network, scopes;
};

struct rule {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

enum {
    CREATE_RULESET = 444,
    ADD_RULE = 445,
    RESTRICT_SELF = 446,
    ASK_VERSION = 1,
    RULE_BENEATH = 1,
    READING = 1 << 2 | 1 << 3, /* files; directories */
    EXECUTING = 1 << 0,
    SOCKETS_AND_DEVICES = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11, /* make them */
    NETWORK = 3,
    SCOPES = 3
};

static int landlock_version(void)
{
    long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);

    return version < 0 ? 0 : (int)version;
}

bool wrt_linux_has_landlock(void)
{
    return landlock_version() > 0;
}

/* All rights about files that this version knows. */
static uint64_t all_rights(int version)
{
    static const int counts[] = {0, 13, 14, 15, 15, 16}; /* rights of versions 1 to 5 */
    int known = version > 5 ? 5 : version;

    return (UINT64_C(1) << counts[known]) - 1;
}

static size_t ruleset_bytes(int version)
{
    return version >= 6 ? 24 : version >= 4 ? 16 : 8;
}

static int add_grant(int ruleset, const struct wrt_port_grant *grant, uint64_t all)
{
    const struct rule rule = {
        .allowed = grant->read_only ? READING
                                    : all & ~(uint64_t)(EXECUTING | SOCKETS_AND_DEVICES),
        .parent = grant->descriptor,
    };

    return (int)syscall(ADD_RULE, ruleset, RULE_BENEATH, &rule, 0);
}

static bool restrict_files(const struct wrt_port_confinement *confinement)
{
    int version = landlock_version();
    const struct ruleset attributes = {.files = all_rights(version),
                                       .network = NETWORK,
                                       .scopes = SCOPES};
    int ruleset;
    bool is_done = version > 0;

    wrt_linux_note_requested(WRT_LINUX_LANDLOCK);
    if (!is_done)
        return false;
    ruleset = (int)syscall(CREATE_RULESET, &attributes, ruleset_bytes(version), 0);
    if (ruleset < 0)
        return false;
    for (uint32_t i = 0; i < confinement->grant_count && is_done; i++)
        is_done = add_grant(ruleset, &confinement->grants[i], attributes.files) == 0;
    if (is_done)
        is_done = syscall(RESTRICT_SELF, ruleset, 0) == 0;
    close(ruleset);
    if (is_done)
        wrt_linux_note_active(WRT_LINUX_LANDLOCK);
    return is_done;
}

/* ---- an empty root ---- */

/* In a mount namespace of its own, always: the root of the machine is never touched. */
static bool empty_root(void)
{
    static const char *const places[] = {"/tmp", "/proc", "/sys", "/dev"};
    const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    size_t i = 0;

    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return false;
    while (i < sizeof places / sizeof places[0] &&
           mount("none", places[i], "tmpfs", flags, "size=4k,nr_inodes=2") != 0)
        i++;
    if (i == sizeof places / sizeof places[0] || chdir(places[i]) != 0)
        return false;
    return syscall(SYS_pivot_root, ".", ".") == 0 && umount2(".", MNT_DETACH) == 0 &&
           mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL) == 0 &&
           chdir("/") == 0;
}

/* ---- rights ---- */

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    const unsigned long locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

    (void)prctl(PR_SET_SECUREBITS, locked, 0, 0, 0);
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    return syscall(SYS_capset, &header, none) == 0;
}

enum wrt_status wrt_port_confine_self(const struct wrt_port_confinement *confinement,
                                      struct wrt_port_confined *out)
{
    struct wrt_port_process self = {.id = getpid()};
    struct wrt_port_confined done = {.limits_set = false};
    enum wrt_status status = WRT_OK;

    if (confinement->limits.descriptors != 0 || confinement->limits.memory_bytes != 0)
        status = wrt_port_process_limit(&self, &confinement->limits);
    if (status != WRT_OK)
        return status;
    done.limits_set = true;
    done.confined = self.confined;
    if (empty_root())
        done.confined |= WRT_PORT_CONFINE_MOUNTS;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        done.confined |= WRT_PORT_CONFINE_NO_NEW_PRIVILEGES;
    if (restrict_files(confinement))
        done.confined |= WRT_PORT_CONFINE_FILES;
    done.rights_dropped = drop_capabilities() && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    *out = done;
    if (confinement->require && (!done.rights_dropped || !(done.confined & WRT_PORT_CONFINE_FILES)))
        return WRT_ERR_UNSUPPORTED;
    return WRT_OK;
}

/* ---- a host and its workers ---- */

enum wrt_status wrt_port_line_create(int *out_ours, int *out_theirs)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return wrt_linux_to_status(errno);
    *out_theirs = ends[0];
    *out_ours = ends[1];
    return WRT_OK;
}

enum wrt_status wrt_port_program_path(char *out, size_t size_bytes)
{
    ssize_t length = readlink("/proc/self/exe", out, size_bytes);

    if (length < 0)
        return wrt_linux_to_status(errno);
    if ((size_t)length >= size_bytes)
        return WRT_ERR_NO_SPACE;
    out[length] = '\0';
    return WRT_OK;
}

enum wrt_status wrt_port_object_descriptor(const struct wrt_port_object *object, int *out)
{
    *out = (int)object->handle;
    return WRT_OK;
}

void wrt_port_close_inherited(int first)
{
    (void)first;
}

bool wrt_port_counts_reservations(void)
{
    return false;
}

bool wrt_port_limits_itself(void)
{
    return false;
}
