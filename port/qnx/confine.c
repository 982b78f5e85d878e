/* port/qnx/confine.c - adaptive partitions, sporadic budgets, dropped abilities, security
 * types, memory events. Each is missing on some release or image: then the call says so and
 * the report has the reason.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "qnx.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#if WRT_QNX_APS
#include <sys/sched_aps.h>
#endif
#if WRT_QNX_ABILITIES
#include <sys/procmgr.h>
#endif
#if WRT_QNX_SECPOL
#include <secpol/secpol.h>
#endif

#include "port_confine.h"
#include "process.h"

/* ---- adaptive partitions ---- */

#if WRT_QNX_APS

static enum wrt_status partition_status(int error)
{
    static const struct {
        int error;
        enum wrt_status status;
        const char *why;
    } rows[] = {
        {ENOSYS, WRT_ERR_UNSUPPORTED, "the image has no [module=aps]"},
        {EACCES, WRT_ERR_DENIED, "the scheduler's security refused: PROCMGR_AID_APS_ROOT"},
        {EDQUOT, WRT_ERR_LIMIT, "the parent partition has not that much budget"},
        {ENOSPC, WRT_ERR_LIMIT, "the system has no partition left"},
        {EEXIST, WRT_ERR_EXISTS, "a partition of that name exists"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].error == error) {
            wrt_qnx_note_refused(WRT_QNX_CPU_PARTITIONS, rows[i].why);
            return rows[i].status;
        }
    }
    return wrt_qnx_to_status(error);
}

static enum wrt_status control(int command, void *data, size_t data_bytes)
{
    wrt_qnx_note_requested(WRT_QNX_CPU_PARTITIONS);
    if (SchedCtl(command, data, data_bytes) == -1)
        return partition_status(errno);
    return WRT_OK;
}

static enum wrt_status check_config(const struct wrt_port_budget_config *config)
{
    if (config->percent > 100 || config->most_percent > 100 || config->critical_ms > INT16_MAX)
        return WRT_ERR_ARGUMENT;
    if (config->most_percent != 0 && !WRT_QNX_APS_MAXIMUM)
        return WRT_ERR_UNSUPPORTED;
    return WRT_OK;
}

/* A cap binds only when the scheduler's policy says so. */
static enum wrt_status enable_caps(void)
{
#if WRT_QNX_APS_MAXIMUM
    sched_aps_parms parameters;
    enum wrt_status status;

    APS_INIT_DATA(&parameters);
    status = control(SCHED_APS_QUERY_PARMS, &parameters, sizeof parameters);
    if (status != WRT_OK || (parameters.scheduling_policy_flags & SCHEDPOL_LIMIT_CPU_USAGE))
        return status;
    parameters.scheduling_policy_flags |= SCHEDPOL_LIMIT_CPU_USAGE;
    return control(SCHED_APS_SET_PARMS, &parameters, sizeof parameters);
#else
    return WRT_ERR_UNSUPPORTED;
#endif
}

static enum wrt_status create(const struct wrt_port_budget *parent, char *name,
                              const struct wrt_port_budget_config *config,
                              struct wrt_port_budget *out)
{
    sched_aps_create_parms parameters;
    enum wrt_status status;

    APS_INIT_DATA(&parameters); /* anything left over is EDOM */
    parameters.name = name;
    parameters.budget_percent = (uint16_t)config->percent;
    parameters.critical_budget_ms = (int16_t)config->critical_ms;
    parameters.aps_create_flags = SCHED_APS_CREATE_FLAGS_USE_PARENT_ID;
    parameters.parent_id = (int8_t)(parent != NULL ? parent->id : 0);
#if WRT_QNX_APS_MAXIMUM
    parameters.max_budget_percent = (uint16_t)config->most_percent;
#endif
    status = control(SCHED_APS_CREATE_PARTITION, &parameters, sizeof parameters);
    if (status == WRT_OK)
        out->id = parameters.id;
    return status;
}

enum wrt_status wrt_port_budget_create(const struct wrt_port_budget *parent,
                                       const struct wrt_port_budget_config *config,
                                       struct wrt_port_budget *out)
{
    char name[16]; /* the structure wants it writable */
    enum wrt_status status = check_config(config);

    if (status != WRT_OK)
        return status;
    if (config->name == NULL || strlen(config->name) >= sizeof name)
        return WRT_ERR_ARGUMENT;
    memcpy(name, config->name, strlen(config->name) + 1);
    if (config->most_percent != 0)
        status = enable_caps();
    return status == WRT_OK ? create(parent, name, config, out) : status;
}

enum wrt_status wrt_port_budget_find(const char *name, struct wrt_port_budget *out)
{
    sched_aps_lookup_parms parameters;
    char copy[16];
    enum wrt_status status;

    if (strlen(name) >= sizeof copy)
        return WRT_ERR_NOT_FOUND;
    memcpy(copy, name, strlen(name) + 1);
    APS_INIT_DATA(&parameters);
    parameters.name = copy;
    status = control(SCHED_APS_LOOKUP, &parameters, sizeof parameters);
    if (status == WRT_OK)
        out->id = parameters.id;
    return status == WRT_ERR_ARGUMENT ? WRT_ERR_NOT_FOUND : status;
}

enum wrt_status wrt_port_budget_modify(const struct wrt_port_budget *budget,
                                       const struct wrt_port_budget_config *config)
{
    sched_aps_modify_parms parameters;
    enum wrt_status status = check_config(config);

    if (status != WRT_OK)
        return status;
    if (config->most_percent != 0 && (status = enable_caps()) != WRT_OK)
        return status;
    APS_INIT_DATA(&parameters);
    parameters.id = (int16_t)budget->id;
    parameters.new_budget_percent = (uint16_t)config->percent;
    parameters.new_critical_budget_ms = (int16_t)config->critical_ms;
#if WRT_QNX_APS_MAXIMUM
    parameters.new_max_budget_percent = (uint16_t)config->most_percent;
#endif
    return control(SCHED_APS_MODIFY_PARTITION, &parameters, sizeof parameters);
}

/* pid and tid 0: the caller; tid -2: all threads of the process, from 7.1 on. */
enum { CALLER = 0, ALL_THREADS = -2 };

static enum wrt_status join(const struct wrt_port_budget *budget, pid_t process, int32_t thread)
{
    sched_aps_join_parms parameters;
    enum wrt_status status;

    APS_INIT_DATA(&parameters);
    parameters.id = (int16_t)budget->id;
    parameters.pid = process;
    parameters.tid = thread;
    status = control(SCHED_APS_JOIN_PARTITION, &parameters, sizeof parameters);
    if (status == WRT_OK)
        wrt_qnx_note_active(WRT_QNX_CPU_PARTITIONS);
    return status;
}

enum wrt_status wrt_port_budget_join(const struct wrt_port_budget *budget)
{
    return join(budget, CALLER, CALLER);
}

enum wrt_status wrt_qnx_join_all(const struct wrt_port_budget *budget, pid_t process)
{
    return join(budget, process, ALL_THREADS);
}

enum wrt_status wrt_port_budget_query(const struct wrt_port_budget *budget,
                                      struct wrt_port_budget_info *out)
{
    sched_aps_partition_info info;
    enum wrt_status status;

    APS_INIT_DATA(&info);
    info.id = (int16_t)budget->id;
    status = control(SCHED_APS_QUERY_PARTITION, &info, sizeof info);
    if (status != WRT_OK)
        return status;
    memset(out, 0, sizeof *out);
    memcpy(out->name, info.name, sizeof out->name - 1);
    out->percent = info.budget_percent;
    out->critical_ms = info.critical_budget_ms > 0 ? (uint32_t)info.critical_budget_ms : 0;
#if WRT_QNX_APS_MAXIMUM
    out->most_percent = info.max_budget_percent;
#endif
    return WRT_OK;
}

#else

static enum wrt_status no_partitions(void)
{
    wrt_qnx_note_requested(WRT_QNX_CPU_PARTITIONS);
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_budget_create(const struct wrt_port_budget *parent,
                                       const struct wrt_port_budget_config *config,
                                       struct wrt_port_budget *out)
{
    (void)parent, (void)config, (void)out;
    return no_partitions();
}

enum wrt_status wrt_port_budget_find(const char *name, struct wrt_port_budget *out)
{
    (void)name, (void)out;
    return no_partitions();
}

enum wrt_status wrt_port_budget_modify(const struct wrt_port_budget *budget,
                                       const struct wrt_port_budget_config *config)
{
    (void)budget, (void)config;
    return no_partitions();
}

enum wrt_status wrt_port_budget_join(const struct wrt_port_budget *budget)
{
    (void)budget;
    return no_partitions();
}

enum wrt_status wrt_qnx_join_all(const struct wrt_port_budget *budget, pid_t process)
{
    (void)budget, (void)process;
    return no_partitions();
}

enum wrt_status wrt_port_budget_query(const struct wrt_port_budget *budget,
                                      struct wrt_port_budget_info *out)
{
    (void)budget, (void)out;
    return no_partitions();
}

#endif

/* ---- sporadic scheduling ---- */

static struct timespec to_timespec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
}

void wrt_qnx_sporadic(int high, int low, uint64_t budget_ns, uint64_t period_ns,
                      struct sched_param *out)
{
    memset(out, 0, sizeof *out);
    out->sched_priority = high;
    out->sched_ss_low_priority = low;
    out->sched_ss_max_repl = 1;
    out->sched_ss_repl_period = to_timespec(period_ns);
    out->sched_ss_init_budget = to_timespec(budget_ns);
}

enum wrt_status wrt_port_thread_set_sporadic(int high, int low, uint64_t budget_ns,
                                             uint64_t period_ns)
{
    struct sched_param parameters;

    if (low < 1 || high <= low || budget_ns == 0 || budget_ns > period_ns)
        return WRT_ERR_ARGUMENT;
    wrt_qnx_sporadic(high, low, budget_ns, period_ns, &parameters);
    return wrt_qnx_set_sporadic(&parameters);
}

enum wrt_status wrt_qnx_set_sporadic(const struct sched_param *parameters)
{
    wrt_qnx_note_requested(WRT_QNX_SPORADIC);
    if (SchedSet(0, 0, SCHED_SPORADIC, parameters) == -1) {
        wrt_qnx_note_refused(WRT_QNX_SPORADIC, "SchedSet refused SCHED_SPORADIC");
        return wrt_qnx_to_status(errno);
    }
    wrt_qnx_note_active(WRT_QNX_SPORADIC);
    return WRT_OK;
}

/* ---- clusters: named sets of processors, from 8.0 on ---- */

enum wrt_status wrt_port_thread_set_cluster(const char *name)
{
    wrt_qnx_note_requested(WRT_QNX_CLUSTERS);
#if WRT_QNX_SINCE_8
    int error = pthread_cluster_set(pthread_self(), name); /* an errno value */

    if (error != EOK) {
        wrt_qnx_note_refused(WRT_QNX_CLUSTERS, "pthread_cluster_set refused the name");
        return error == ENOENT ? WRT_ERR_NOT_FOUND : wrt_qnx_to_status(error);
    }
    wrt_qnx_note_active(WRT_QNX_CLUSTERS);
    return WRT_OK;
#else
    (void)name;
    return WRT_ERR_UNSUPPORTED;
#endif
}

/* ---- giving up rights ---- */

#if WRT_QNX_ABILITIES

/* Everything that every user has by default and a worker does not need, and the rights by
 * which it could get others back. One call each: a name that the kernel does not know must
 * not keep the rest. */
static const unsigned dropped[] = {
    PROCMGR_AID_SPAWN,          PROCMGR_AID_FORK,           PROCMGR_AID_PROT_EXEC,
    PROCMGR_AID_PGRP,           PROCMGR_AID_PUBLIC_CHANNEL, PROCMGR_AID_PRIORITY,
    PROCMGR_AID_RLIMIT,
#if defined(PROCMGR_AID_PROT_WRITE_AND_EXEC)
    PROCMGR_AID_PROT_WRITE_AND_EXEC,
#endif
#if defined(PROCMGR_AID_UNTRUSTED_EXEC)
    PROCMGR_AID_UNTRUSTED_EXEC,
#endif
#if defined(PROCMGR_AID_SETUID)
    PROCMGR_AID_SETUID,         PROCMGR_AID_SETGID,
#endif
#if defined(PROCMGR_AID_MEM_PHYS)
    PROCMGR_AID_MEM_PHYS,       PROCMGR_AID_MEM_PEER,       PROCMGR_AID_INTERRUPT,
    PROCMGR_AID_IO,
#endif
    /* What root has. Not SETTYPEID: the change of type comes after this. */
#if defined(PROCMGR_AID_SPAWN_SETUID)
    PROCMGR_AID_SPAWN_SETUID,   PROCMGR_AID_SPAWN_SETGID,   PROCMGR_AID_PATHSPACE,
    PROCMGR_AID_REBOOT,         PROCMGR_AID_CONFSET,        PROCMGR_AID_SESSION,
    PROCMGR_AID_MEM_ADD,        PROCMGR_AID_MEM_SPECIAL,    PROCMGR_AID_MEM_GLOBAL,
    PROCMGR_AID_CLOCKSET,       PROCMGR_AID_TRACE,          PROCMGR_AID_CONNECTION,
    PROCMGR_AID_SCHEDULE,       PROCMGR_AID_SIGNAL,         PROCMGR_AID_APS_ROOT,
#endif
#if defined(PROCMGR_AID_XPROCESS_DEBUG)
    PROCMGR_AID_CHROOT,         PROCMGR_AID_POWER,          PROCMGR_AID_RLIMIT_PEER,
    PROCMGR_AID_ABLE_PRIV,      PROCMGR_AID_XPROCESS_ABLE,  PROCMGR_AID_XPROCESS_DEBUG,
    PROCMGR_AID_XPROCESS_MEM_READ,
#endif
};

static enum wrt_status drop_abilities(void)
{
    const unsigned how = PROCMGR_ADN_ROOT | PROCMGR_ADN_NONROOT | PROCMGR_AOP_DENY |
                         PROCMGR_AOP_LOCK | PROCMGR_AOP_INHERIT_YES;
    int error = EOK;

    wrt_qnx_note_requested(WRT_QNX_DROPPED_ABILITIES);
    for (size_t i = 0; i < sizeof dropped / sizeof dropped[0]; i++) {
        int one = procmgr_ability(0, how | dropped[i], PROCMGR_AID_EOL); /* an errno value */

        if (one != EOK && error == EOK)
            error = one;
    }
    if (error != EOK) {
        wrt_qnx_note_refused(WRT_QNX_DROPPED_ABILITIES, "procmgr_ability refused");
        return wrt_qnx_to_status(error);
    }
    wrt_qnx_note_active(WRT_QNX_DROPPED_ABILITIES);
    return WRT_OK;
}

#else

static enum wrt_status drop_abilities(void)
{
    return WRT_ERR_UNSUPPORTED;
}

#endif

static enum wrt_status change_type(const char *type)
{
    wrt_qnx_note_requested(WRT_QNX_SECURITY_POLICY);
#if WRT_QNX_SECPOL
    if (secpol_transition_type(NULL, type, 0) == 0) {
        wrt_qnx_note_active(WRT_QNX_SECURITY_POLICY);
        return WRT_OK;
    }
    if (errno == ENOTSUP) { /* no policy is loaded: not a failure */
        wrt_qnx_note_refused(WRT_QNX_SECURITY_POLICY, "no security policy is loaded");
        return WRT_ERR_UNSUPPORTED;
    }
    wrt_qnx_note_refused(WRT_QNX_SECURITY_POLICY, "the policy has no such transition");
    return WRT_ERR_DENIED;
#else
    (void)type;
    return WRT_ERR_UNSUPPORTED;
#endif
}

enum wrt_status wrt_port_confine_self(const struct wrt_port_confinement *confinement,
                                      struct wrt_port_confined *out)
{
    struct wrt_port_process_limits limits = confinement->limits;
    struct wrt_port_confined done;
    enum wrt_status status[3];

    limits.require = true; /* so that what is missing is told */
    status[0] = wrt_qnx_set_limits(getpid(), &limits, confinement->reserved_bytes);
    status[1] = drop_abilities();
    status[2] = change_type(confinement->security_type);
    done = (struct wrt_port_confined){.limits_set = status[0] == WRT_OK,
                                      .rights_dropped = status[1] == WRT_OK,
                                      .type_changed = status[2] == WRT_OK};
    if (done.rights_dropped)
        done.confined |= WRT_PORT_CONFINE_SYSTEM_CALLS;
    if (done.limits_set)
        done.confined |= wrt_qnx_confined_by(&confinement->limits);
    *out = done;
    for (size_t i = 0; i < 3; i++) {
        if (status[i] != WRT_OK && (confinement->require || status[i] != WRT_ERR_UNSUPPORTED))
            return status[i];
    }
    return WRT_OK;
}

/* ---- memory pressure ---- */

#if WRT_QNX_SINCE_8

static enum wrt_status wait_for_pulse(int chid, uint64_t deadline_ns)
{
    struct _pulse pulse;
    int error;

    do {
        if (deadline_ns != UINT64_MAX)
            (void)TimerTimeout_r(CLOCK_MONOTONIC,
                                 (wrt_qnx_timeout_flags)(_NTO_TIMEOUT_RECEIVE | TIMER_ABSTIME),
                                 NULL, &deadline_ns, NULL);
        error = MsgReceivePulse_r(chid, &pulse, sizeof pulse, NULL);
    } while (error == EINTR || (error == EOK && pulse.code != _PULSE_CODE_MINAVAIL));
    return error == ETIMEDOUT ? WRT_ERR_TIMEOUT : wrt_qnx_to_status(error);
}

enum wrt_status wrt_port_memory_watch(uint64_t free_below_bytes, uint64_t deadline_ns)
{
    enum wrt_status status = WRT_OK;
    struct sigevent event;
    int chid = ChannelCreate_r(WRT_QNX_CHANNEL_FLAGS), coid;

    wrt_qnx_note_requested(WRT_QNX_MEMORY_EVENTS);
    if (chid < 0)
        return wrt_qnx_to_status(-chid);
    coid = ConnectAttach_r(0, 0, chid, _NTO_SIDE_CHANNEL, _NTO_COF_CLOEXEC);
    if (coid < 0) {
        (void)ChannelDestroy_r(chid);
        return wrt_qnx_to_status(-coid);
    }
    memset(&event, 0, sizeof event);
    SIGEV_PULSE_INIT(&event, coid, wrt_qnx_current_priority(), _PULSE_CODE_MINAVAIL, 0);
    if (procmgr_value_notify_add(PROCMGR_VALUE_FREE_MEM | PROCMGR_VALUE_TRIGGER_DOWN, 0,
                                 free_below_bytes, &event) == -1) {
        wrt_qnx_note_refused(WRT_QNX_MEMORY_EVENTS, "procmgr_value_notify_add refused");
        status = wrt_qnx_to_status(errno);
    } else {
        wrt_qnx_note_active(WRT_QNX_MEMORY_EVENTS);
        status = wait_for_pulse(chid, deadline_ns);
    }
    (void)ConnectDetach_r(coid); /* the event ends with its connection */
    (void)ChannelDestroy_r(chid);
    return status;
}

#else

enum wrt_status wrt_port_memory_watch(uint64_t free_below_bytes, uint64_t deadline_ns)
{
    (void)free_below_bytes, (void)deadline_ns;
    return WRT_ERR_UNSUPPORTED;
}

#endif

enum wrt_status wrt_port_isolate_self(uint32_t wanted, uint32_t *out)
{
    (void)wanted, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

/* ---- a host and its workers ---- */

enum wrt_status wrt_port_line_create(int *out_ours, int *out_theirs)
{
    int ends[2];

    if (pipe(ends) != 0)
        return wrt_qnx_to_status(errno);
    if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) == -1 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) == -1) {
        enum wrt_status status = wrt_qnx_to_status(errno);

        (void)close(ends[0]);
        (void)close(ends[1]);
        return status;
    }
    *out_theirs = ends[0];
    *out_ours = ends[1];
    return WRT_OK;
}

enum { MOST_INHERITED = 4096 }; /* where there is no limit */

void wrt_port_close_inherited(int first)
{
    struct rlimit limit;
    int end = MOST_INHERITED;

    memset(&limit, 0, sizeof limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < MOST_INHERITED)
        end = (int)limit.rlim_cur;
    for (int file = first; file < end; file++)
        (void)close(file);
}

bool wrt_port_counts_reservations(void)
{
    return true;
}

bool wrt_port_limits_itself(void)
{
    return true;
}

enum wrt_status wrt_port_program_path(char *out, size_t size_bytes)
{
    (void)out, (void)size_bytes;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_object_descriptor(const struct wrt_port_object *object, int *out)
{
    *out = (int)object->handle;
    return WRT_OK;
}
