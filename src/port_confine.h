/* src/port_confine.h - what src/tenant asks of a system beyond port.h: processor budgets,
 * giving up rights, and the news that memory runs short. Goes with port.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The conventions of port.h hold here. A system that lacks one returns WRT_ERR_UNSUPPORTED
 * and its capability report says why.
 */
#ifndef WRT_PORT_CONFINE_H
#define WRT_PORT_CONFINE_H

#include "port.h"

/* ------------------------------------------------------------ processor budgets ---- */

/* A share of processor time that threads run within. id 0 is the system's own. */
struct wrt_port_budget {
    int32_t id;
};

/* Zero-fill. */
struct wrt_port_budget_config {
    const char *name;      /* create only: 1 .. 15 bytes, no '/', no digit first; borrowed */
    uint32_t percent;      /* of the window, taken from the parent; 0 .. 100 */
    uint32_t most_percent; /* a hard cap even when others are idle; 0 = none */
    uint32_t critical_ms;  /* extra time for critical threads per window; 0 = none */
};

/* ERR_LIMIT: the parent has not that much, or no budget is left; ERR_EXISTS; ERR_DENIED;
 * ERR_UNSUPPORTED also for a cap where the release has none.
 * QNX: SchedCtl(CREATE_PARTITION), up to 7.1 with [module=aps]. Linux: unsupported. */
WRT_MUST_CHECK enum wrt_status
wrt_port_budget_create(const struct wrt_port_budget *parent,
                       const struct wrt_port_budget_config *config, struct wrt_port_budget *out);
/* ERR_NOT_FOUND. QNX: SchedCtl(LOOKUP). */
WRT_MUST_CHECK enum wrt_status
wrt_port_budget_find(const char *name, struct wrt_port_budget *out);
/* `name` is ignored. QNX: SchedCtl(MODIFY_PARTITION). */
WRT_MUST_CHECK enum wrt_status
wrt_port_budget_modify(const struct wrt_port_budget *budget,
                       const struct wrt_port_budget_config *config);
/* The calling thread, and the threads and processes that it starts from now on; threads
 * that run already stay where they are. QNX: SchedCtl(JOIN_PARTITION). */
WRT_MUST_CHECK enum wrt_status wrt_port_budget_join(const struct wrt_port_budget *budget);

struct wrt_port_budget_info {
    uint32_t percent, most_percent, critical_ms;
    char name[16];
};
/* QNX: SchedCtl(QUERY_PARTITION). */
WRT_MUST_CHECK enum wrt_status
wrt_port_budget_query(const struct wrt_port_budget *budget, struct wrt_port_budget_info *out);

/* The calling thread runs at `high` for budget_ns of every period_ns and at `low` otherwise:
 * what QNX 8.0 has instead of partitions. 1 <= low < high. QNX: SchedSet(SCHED_SPORADIC). */
WRT_MUST_CHECK enum wrt_status
wrt_port_thread_set_sporadic(int high, int low, uint64_t budget_ns, uint64_t period_ns);

/* The calling thread runs on the processors of that cluster, which the board's startup code
 * named, and so do the threads that it starts. ERR_NOT_FOUND or ERR_ARGUMENT: no such name.
 * QNX 8.0: pthread_cluster_set. Linux: unsupported (wrt_port_thread_set_affinity). */
WRT_MUST_CHECK enum wrt_status wrt_port_thread_set_cluster(const char *name);

/* -------------------------------------------------------------- giving up rights ---- */

/* A directory that stays usable, also for opening what is beneath it. */
struct wrt_port_grant {
    int descriptor; /* open */
    bool read_only;
};

/* Zero-fill. */
struct wrt_port_confinement {
    struct wrt_port_process_limits limits; /* of the caller's own process, set first */
    uint64_t reserved_bytes; /* address space reserved before: QNX counts it as memory used */
    const char *security_type; /* QNX: type to change to; borrowed; NULL = "run" */
    const struct wrt_port_grant *grants; /* borrowed; descriptors that are open stay open */
    uint32_t grant_count;
    bool require; /* anything that could not be given up is an error */
};

/* What was given up; the capability report has the reasons for what was not. */
struct wrt_port_confined {
    bool limits_set, rights_dropped, type_changed;
    uint32_t confined; /* enum wrt_port_confine */
};

/* For a worker, once, after it has reserved and mapped what it needs: limits, then rights
 * that it can never have again, then the security type. Without `require` whatever the
 * system lacks is left out and told; a system that answers "no such thing" is no error.
 * QNX: setrlimit, procmgr_ability(DENY, LOCK), secpol_transition_type.
 * Linux: an empty root, Landlock, no capabilities, no debugger. The list of system calls is the
 * worker program's own affair (libseccomp). */
WRT_MUST_CHECK enum wrt_status
wrt_port_confine_self(const struct wrt_port_confinement *confinement,
                      struct wrt_port_confined *out);

/* ------------------------------------------------------- a host and its workers ---- */

/* Two ends of a line (descriptors, closed by wrt_port_file_close): wrt_port_poll says HANGUP of
 * `theirs` once all copies of `ours` are closed, so when the process that has it ends. `ours` is
 * not inherited. Linux: pipe2. QNX: pipe, fcntl (a process that another thread spawns in between
 * inherits it, and the line then hangs up only when that ends as well). */
WRT_MUST_CHECK enum wrt_status wrt_port_line_create(int *out_ours, int *out_theirs);

/* The absolute path of the running program, with its NUL. ERR_NO_SPACE.
 * Linux: /proc/self/exe. QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status wrt_port_program_path(char *out, size_t size_bytes);

/* Where wrt_port_object_create's handle can be given to another process as a descriptor: that
 * descriptor. Linux, QNX: the handle itself. */
WRT_MUST_CHECK enum wrt_status
wrt_port_object_descriptor(const struct wrt_port_object *object, int *out);

/* Closes every descriptor from that number on which the caller got from whoever started it.
 * Linux: nothing, wrt_port_process_spawn hands none down. QNX: close, up to the limit. */
void wrt_port_close_inherited(int first);

/* Do addresses that are only reserved count as memory used, for
 * wrt_port_process_limits.memory_bytes? Linux: no. QNX: yes. */
bool wrt_port_counts_reservations(void);
/* Must a process set its own limits, because its parent may be unable to? Linux: no, spawn did.
 * QNX: yes (before 8.0). */
bool wrt_port_limits_itself(void);

/* ----------------------------------------------------- what the processor guesses ---- */

/* Asks for the controls in `wanted` (WRT_PORT_CONFINE_STORE_BYPASS .. _CORE) for the calling
 * process, its present thread and all that it starts, for good. Gives in *out those in force, also where
 * the kernel says that the processor does not need one; the others it refused or does not know.
 * Before wrt_port_confine_self. Linux: prctl(PR_SET_SPECULATION_CTRL, PR_SCHED_CORE).
 * QNX: ERR_UNSUPPORTED. */
WRT_MUST_CHECK enum wrt_status wrt_port_isolate_self(uint32_t wanted, uint32_t *out);

/* --------------------------------------------------------------- locked for good ---- */

/* All committed memory of this process, now and later, stays resident; on QNX its page tables
 * are made at once as well ("superlock"), so that no first touch is a message to the process
 * manager. For the rest of the process. ERR_DENIED: a right is missing.
 * QNX: ThreadCtl(_NTO_TCTL_IO_PRIV; before 7.1 _NTO_TCTL_IO), which also gives the calling
 * thread access to devices: call it before wrt_port_confine_self; from 8.0 on it is the default
 * and nothing is done. Linux: mlockall. */
WRT_MUST_CHECK enum wrt_status wrt_port_lock_all(void);

/* --------------------------------------------------------------- memory pressure ---- */

/* Sleeps until the system's free memory falls below the threshold or the deadline passes
 * (ERR_TIMEOUT). QNX 8.0: procmgr_value_notify_add. */
WRT_MUST_CHECK enum wrt_status
wrt_port_memory_watch(uint64_t free_below_bytes, uint64_t deadline_ns);

#endif
