/* port/qnx/report.c - the port's name, errno to status, and the capability report.
 * SPDX-License-Identifier: Apache-2.0
 *
 * available is found out by asking the system at the time of the question, where asking
 * changes nothing; requested and active are noted by the calls that asked and got, and a
 * refusal leaves its reason.
 */
#include "qnx.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "../posix/posix.h"
#if WRT_QNX_SECPOL
#include <secpol/secpol.h>
#endif

static _Atomic uint32_t requested, active; /* bit per enum wrt_qnx_feature */
static const char *_Atomic refusals[WRT_QNX_FEATURE_COUNT];

_Static_assert(WRT_QNX_FEATURE_COUNT <= 32, "a bit for each feature");

const char *wrt_port_name(void)
{
    return "qnx";
}

enum wrt_status wrt_qnx_to_status(int error_number)
{
    switch (error_number) {
    case EOK:
        return WRT_OK;
    case ENOMEM:
        return WRT_ERR_NO_MEMORY;
    case EAGAIN:
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
        return WRT_ERR_LIMIT;
    case EPERM:
    case EACCES:
        return WRT_ERR_DENIED;
    case EINVAL:
    case ENAMETOOLONG:
        return WRT_ERR_ARGUMENT;
    case EEXIST:
        return WRT_ERR_EXISTS;
    case ENOSYS:
    case ENOTSUP:
        return WRT_ERR_UNSUPPORTED;
    default:
        return WRT_ERR_IO;
    }
}

enum wrt_status wrt_posix_to_status(int error_number)
{
    return wrt_qnx_to_status(error_number);
}

void wrt_qnx_note_requested(enum wrt_qnx_feature feature)
{
    uint32_t bit = UINT32_C(1) << feature;

    if ((atomic_load_explicit(&requested, memory_order_relaxed) & bit) == 0)
        atomic_fetch_or_explicit(&requested, bit, memory_order_relaxed);
}

void wrt_qnx_note_active(enum wrt_qnx_feature feature)
{
    uint32_t bit = UINT32_C(1) << feature;

    if ((atomic_load_explicit(&active, memory_order_relaxed) & bit) == 0)
        atomic_fetch_or_explicit(&active, bit, memory_order_relaxed);
}

void wrt_qnx_note_refused(enum wrt_qnx_feature feature, const char *why)
{
    atomic_store_explicit(&refusals[feature], why, memory_order_relaxed);
}

/* ---- what the running system has ---- */

static bool yes(void)
{
    return true;
}

static bool no(void)
{
    return false;
}

#if WRT_QNX_SINCE_7
static bool since_7(void)
{
    return true;
}
#else
#define since_7 no
#endif

#if WRT_QNX_SINCE_8
static bool since_8(void)
{
    return true;
}
#else
#define since_8 no
#endif

/* Locking one page of our own and letting it go again asks for the right. */
static bool may_lock(void)
{
    size_t page = wrt_port_page_bytes();
    void *sample = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, NOFD, 0);
    bool may;

    if (sample == MAP_FAILED)
        return false;
    may = mlock(sample, page) == 0;
    (void)munmap(sample, page);
    return may;
}

static bool has_typed_memory(void)
{
    int file = posix_typed_mem_open("/sysram", O_RDWR, 0);

    if (file == -1)
        return errno != ENOSYS && errno != ENOTSUP;
    (void)close(file);
    return true;
}

static bool has_pipes(void)
{
    int files[2];

    if (pipe(files) != 0)
        return false;
    (void)close(files[0]);
    (void)close(files[1]);
    return true;
}

static bool has_pulse_pools(void)
{
    return WRT_QNX_PULSE_POOL;
}

static bool has_sporadic(void)
{
    return sched_get_priority_max(SCHED_SPORADIC) > 0;
}

/* The scheduler's module answers a general question; without it the command is unknown. */
static bool has_partitions(void)
{
    struct sched_query query;

    memset(&query, 0, sizeof query);
    return WRT_QNX_APS && SchedCtl(SCHED_QUERY_SCHED_EXT, &query, sizeof query) != -1 &&
           query.extsched == SCHED_EXT_APS;
}

static bool has_abilities(void)
{
    return WRT_QNX_ABILITIES;
}

static bool has_containers(void)
{
    return WRT_QNX_CONTAINERS;
}

static bool has_policy(void)
{
#if WRT_QNX_SECPOL
    return secpol_get_type_id(NULL, "run") != SECPOL_INVALID_TYPE;
#else
    return false;
#endif
}

static const struct {
    const char *name;
    bool (*is_available)(void);
    const char *missing;
} features[WRT_QNX_FEATURE_COUNT] = {
    [WRT_QNX_LAZY_RESERVATION] = {"lazy-reservation", yes, ""},
    [WRT_QNX_LOCKED_MEMORY] = {"locked-memory", may_lock,
                               "mlock is refused: PROCMGR_AID_MEM_LOCK is missing"},
    [WRT_QNX_SUPERLOCK] = {"superlock", yes, ""},
    [WRT_QNX_TYPED_MEMORY] = {"typed-memory", has_typed_memory,
                              "the system has no typed memory"},
    [WRT_QNX_MEMORY_OBJECTS] = {"memory-objects", since_7,
                                "anonymous sealed objects came with 7.0"},
    [WRT_QNX_GUARD_PROBE] = {"guard-probe", has_pipes, "the pipe service does not run"},
    [WRT_QNX_FAULT_HANDLER] = {"fault-handler", yes, ""},
    [WRT_QNX_SIGNAL_STACK] = {"signal-stack", since_8,
                              "alternate signal stacks came with 8.0: stack limits are "
                              "checked in software"},
    [WRT_QNX_PULSE_WAIT] = {"pulse-wait", yes, ""},
    [WRT_QNX_PULSE_POOLS] = {"pulse-pools", has_pulse_pools,
                             "this release has no private pulse pools"},
    [WRT_QNX_HEAP_TUNING] = {"heap-tuning", yes, ""},
    [WRT_QNX_HEAP_ENVIRONMENT] = {"heap-environment", no,
                                  "free order, preallocation and bands are read from the "
                                  "environment before the process starts"},
    [WRT_QNX_REALTIME] = {"realtime-priority", yes, ""},
    [WRT_QNX_RUN_MASK] = {"processor-mask", yes, ""},
    [WRT_QNX_CPU_PARTITIONS] = {"processor-partitions", has_partitions,
                                "no adaptive partitioning: it takes [module=aps], and 8.0 "
                                "has none"},
    [WRT_QNX_SPORADIC] = {"sporadic-scheduling", has_sporadic,
                          "the kernel does not know SCHED_SPORADIC"},
    [WRT_QNX_CLUSTERS] = {"processor-clusters", since_8, "clusters came with 8.0"},
    [WRT_QNX_PROCESS_LIMITS] = {"process-limits", yes, ""},
    [WRT_QNX_PEER_LIMITS] = {"peer-limits", since_8,
                             "limits of another process came with 8.0: a worker sets its own"},
    [WRT_QNX_DROPPED_ABILITIES] = {"dropped-abilities", has_abilities,
                                   "abilities came with 6.6"},
    [WRT_QNX_SECURITY_POLICY] = {"security-policy", has_policy,
                                 "no security policy is loaded, or it lacks the type"},
    [WRT_QNX_CONTAINER_API] = {"containers", has_containers,
                               "this release has no <sys/container.h>"},
    [WRT_QNX_MEMORY_EVENTS] = {"memory-events", since_8,
                               "procmgr_value_notify_add came with 8.0"},
};

static const char *reason(uint32_t index, const struct wrt_port_capability *capability)
{
    const char *refusal = atomic_load_explicit(&refusals[index], memory_order_relaxed);

    if (!capability->is_available)
        return features[index].missing;
    if (capability->is_active)
        return "in force";
    if (!capability->is_requested)
        return "nobody asked for it";
    return refusal != NULL ? refusal : "asked for and not granted";
}

enum wrt_status wrt_port_capability(uint32_t index, struct wrt_port_capability *out)
{
    if (index >= WRT_QNX_FEATURE_COUNT)
        return WRT_ERR_BOUNDS;
    out->name = features[index].name;
    out->is_requested = atomic_load_explicit(&requested, memory_order_relaxed) >> index & 1;
    out->is_active = atomic_load_explicit(&active, memory_order_relaxed) >> index & 1;
    out->is_available = features[index].is_available();
    out->why = reason(index, out);
    return WRT_OK;
}
