/* aps.c - the adaptive partitioning scheduler and sporadic budgets: who may use how much of
 * the processors, and what was used. Facts 4, 5.5.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every kernel call charges the processor time that the thread used since its last one to its
 * partition, in slots of a sliding window. A partition with a maximum that is used up, where
 * the policy has caps, holds its threads in their kernel call until the window has moved on; a
 * sporadic thread that has used up its budget goes on at its low priority until it is
 * replenished. What a guaranteed budget is worth when others compete is decided by the host's
 * scheduler, so it is accounted and not enforced; so is a thread that makes no kernel call.
 *
 * The page does not say of what a percentage is one on several processors; here: of all.
 */
#include "kernel.h"

#include <sys/procmgr.h>
#include <sys/syspage.h>
#if QNXSIM_RELEASE < 800
#include <sys/sched_aps.h>
#endif

#if QNXSIM_RELEASE < 800
static uint64_t cycles_of(uint64_t ns) {
    return (uint64_t)((double)ns * (double)SYSPAGE_ENTRY(qtime)->cycles_per_sec / 1e9);
}
#endif

/* ---- what was used ---- */

static uint64_t slot_ns(void) { return machine->window_ns / PARTITION_SLOTS; }

static void charge(struct partition *partition, uint64_t now, uint64_t ns) {
    uint64_t slot = now / slot_ns();
    struct partition_slot *at = &partition->slots[slot % PARTITION_SLOTS];
    partition->total_ns += ns;
    if (at->number != slot) *at = (struct partition_slot){.number = slot};
    at->used_ns += ns;
}

static uint64_t used_in_window(const struct partition *partition, uint64_t now) {
    uint64_t slot = now / slot_ns(), sum = 0;
    for (int i = 0; i < PARTITION_SLOTS; i++) {
        const struct partition_slot *at = &partition->slots[i];
        if (at->number + PARTITION_SLOTS > slot) sum += at->used_ns;
    }
    return sum;
}

#if QNXSIM_RELEASE < 800
static bool is_used_up(const struct partition *partition, uint64_t now) {
    if (!(machine->policy_flags & SCHEDPOL_LIMIT_CPU_USAGE) || partition->max_budget == 0) return false;
    uint64_t most = machine->window_ns / 100 * partition->max_budget * machine->cpus;
    return used_in_window(partition, now) > most;
}
#else
static bool is_used_up(const struct partition *partition, uint64_t now) {
    (void)partition, (void)now, (void)used_in_window;
    return false;
}
#endif

/* ---- sporadic scheduling ---- */

void budget_start_sporadic(struct thread *thread, const struct sched_param *param) {
    thread->sporadic = (struct sporadic){.high = param->sched_priority,
                                         .low = param->sched_ss_low_priority,
                                         .budget_ns = ns_of(&param->sched_ss_init_budget),
                                         .period_ns = ns_of(&param->sched_ss_repl_period),
                                         .period_start = host_now()};
}

static void charge_sporadic(struct thread *self, uint64_t now, uint64_t ns) {
    struct sporadic *s = &self->sporadic;
    if (now - s->period_start >= s->period_ns) {
        s->period_start = now;
        s->used_ns = 0;
    }
    s->used_ns += ns;
    int priority = s->used_ns >= s->budget_ns ? s->low : s->high;
    if (priority == self->base_priority) return;
    self->base_priority = priority;
    thread_set_priority(self, priority);
}

/* With the lock, as a call begins. May let it go for a while. */
void budget_charge(struct thread *self) {
    if (self->joins_seen != self->process->state->joins) { /* JOIN_PARTITION with tid -2 */
        self->joins_seen = self->process->state->joins;
        self->partition = self->process->state->partition;
    }
    if ((self->partition == 0 && self->policy != SCHED_SPORADIC) || exploring) {
        self->charged_ns = 0;
        return;
    }
    uint64_t cpu = host_cpu_time(true), now = host_now();
    uint64_t ns = self->charged_ns ? cpu - self->charged_ns : 0;
    self->charged_ns = cpu;
    if (self->policy == SCHED_SPORADIC) charge_sporadic(self, now, ns);
    struct partition *partition = &machine->partitions[self->partition];
    charge(partition, now, ns);
    while (is_used_up(partition, host_now()) && !self->process->is_dead) {
        uint32_t word = 0;
        host_unlock();
        host_sleep(&word, 0, host_now() + slot_ns());
        host_lock();
    }
}

/* ---- SchedCtl ---- */

#if QNXSIM_RELEASE < 800
static uint32_t security_flags;

static bool zeroed(const void *block, size_t bytes) {
    const unsigned char *b = block;
    for (size_t i = 0; i < bytes; i++) {
        if (b[i]) return false;
    }
    return true;
}

static int find_partition(const char *name) {
    for (int i = 0; i < PARTITIONS; i++) {
        if (machine->partitions[i].is_used && strcmp(machine->partitions[i].name, name) == 0) return i;
    }
    return -1;
}

static bool is_partition(int id) { return id >= 0 && id < PARTITIONS && machine->partitions[id].is_used; }

static int aps_create(sched_aps_create_parms *p) {
    struct thread *self = thread_self();
    int parent = p->aps_create_flags & SCHED_APS_CREATE_FLAGS_USE_PARENT_ID ? p->parent_id
                                                                             : self->partition;
    if (p->reserved1 || p->reserved2 || p->reserved3) return EDOM;
    if (!p->name || !p->name[0] || (p->name[0] >= '0' && p->name[0] <= '9') || strchr(p->name, '/'))
        return EINVAL;
    if (strlen(p->name) > 15) return ENAMETOOLONG;
    if (p->critical_budget_ms < -1 || p->budget_percent > 100 || !is_partition(parent)) return EINVAL;
    if (find_partition(p->name) >= 0) return EEXIST;
    if (!ability(PROCMGR_AID_APS_ROOT)) return EACCES;
    if (p->budget_percent > machine->partitions[parent].budget) return EDQUOT;
    int id = 0;
    while (id < PARTITIONS && machine->partitions[id].is_used) id++;
    if (id == PARTITIONS) return ENOSPC;
    machine->partitions[parent].budget -= p->budget_percent;
    machine->partitions[id] = (struct partition){.is_used = true, .parent = parent,
                                                 .budget = p->budget_percent,
                                                 .max_budget = p->max_budget_percent,
                                                 .critical_ms = p->critical_budget_ms};
    strcpy(machine->partitions[id].name, p->name);
    p->id = (int16_t)id;
    return EOK;
}

static int aps_join(const sched_aps_join_parms *p) {
    if (p->reserved1) return EDOM;
    if (!is_partition(p->id)) return EINVAL;
    struct process_state *own = process_current()->state, *state = p->pid ? process_state_of(p->pid) : own;
    if (!state) return ESRCH;
    if (state != own && !ability(PROCMGR_AID_APS_ROOT)) return EACCES;
    if (p->tid == -1 || p->tid == -2) {
        state->partition = p->id;
        state->joins += p->tid == -2; /* each of its threads moves at its next kernel call */
        return EOK;
    }
    struct thread *thread = p->tid ? thread_find(p->tid) : thread_self();
    if (!thread || thread->process->state != state) return ESRCH;
    thread->partition = p->id; /* siblings do not move */
    return EOK;
}

static int aps_modify(const sched_aps_modify_parms *p) {
    if (!zeroed(p->reserved, sizeof p->reserved)) return EDOM;
    if (!is_partition(p->id) || p->id == 0 || p->new_budget_percent > 100) return EINVAL;
    if (!ability(PROCMGR_AID_APS_ROOT)) return EACCES;
    struct partition *self = &machine->partitions[p->id], *parent = &machine->partitions[self->parent];
    if (p->new_budget_percent > self->budget + parent->budget) return EDQUOT;
    parent->budget += self->budget - p->new_budget_percent; /* the sum stays */
    self->budget = p->new_budget_percent;
    self->max_budget = p->new_max_budget_percent;
    self->critical_ms = p->new_critical_budget_ms;
    return EOK;
}

static int aps_query(sched_aps_partition_info *p) {
    if (!is_partition(p->id)) return EINVAL;
    const struct partition *from = &machine->partitions[p->id];
    p->parent_id = (int16_t)from->parent;
    memcpy(p->name, from->name, sizeof p->name);
    p->budget_percent = (uint16_t)from->budget;
    p->max_budget_percent = (uint16_t)from->max_budget;
    p->critical_budget_ms = (int16_t)from->critical_ms;
    return EOK;
}

static int aps_parms(sched_aps_parms *p, bool set) {
    if (set && (p->windowsize_ms < 8 || p->windowsize_ms > 400)) return EINVAL;
    if (set && !ability(PROCMGR_AID_APS_ROOT)) return EACCES;
    if (set) machine->policy_flags = p->scheduling_policy_flags;
    p->num_partitions = 0;
    for (int i = 0; i < PARTITIONS; i++) p->num_partitions = (int16_t)(p->num_partitions + machine->partitions[i].is_used);
    p->max_partitions = PARTITIONS;
    p->scheduling_policy_flags = machine->policy_flags;
    if (set) machine->window_ns = (uint64_t)p->windowsize_ms * 1000000u;
    else p->windowsize_ms = (int16_t)(machine->window_ns / 1000000u);
    return EOK;
}

static int aps(int command, void *data, size_t bytes) {
    static const struct { int command; size_t bytes; } sizes[] = {
        {SCHED_APS_QUERY_PARMS, sizeof(sched_aps_parms)},
        {SCHED_APS_SET_PARMS, sizeof(sched_aps_parms)},
        {SCHED_APS_CREATE_PARTITION, sizeof(sched_aps_create_parms)},
        {SCHED_APS_LOOKUP, sizeof(sched_aps_lookup_parms)},
        {SCHED_APS_QUERY_PARTITION, sizeof(sched_aps_partition_info)},
        {SCHED_APS_JOIN_PARTITION, sizeof(sched_aps_join_parms)},
        {SCHED_APS_MODIFY_PARTITION, sizeof(sched_aps_modify_parms)},
        {SCHED_APS_PARTITION_STATS, sizeof(sched_aps_partition_stats)},
        {SCHED_APS_ADD_SECURITY, sizeof(sched_aps_security_parms)},
    };
    if (!machine->aps_loaded) return ENOSYS; /* trap 14 */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i].command == command && sizes[i].bytes != bytes) return EINVAL;
    }
    switch (command) {
    case SCHED_APS_QUERY_PARMS: return aps_parms(data, false);
    case SCHED_APS_SET_PARMS: return aps_parms(data, true);
    case SCHED_APS_CREATE_PARTITION: return aps_create(data);
    case SCHED_APS_QUERY_PARTITION: return aps_query(data);
    case SCHED_APS_JOIN_PARTITION: return aps_join(data);
    case SCHED_APS_MODIFY_PARTITION: return aps_modify(data);
    case SCHED_APS_LOOKUP: {
        sched_aps_lookup_parms *p = data;
        int id = p->name ? find_partition(p->name) : -1;
        if (id < 0) return EINVAL;
        p->id = (int16_t)id;
        return EOK;
    }
    case SCHED_APS_PARTITION_STATS: {
        sched_aps_partition_stats *p = data;
        if (!is_partition(p->id)) return EINVAL;
        p->run_time_cycles = cycles_of(machine->partitions[p->id].total_ns);
        return EOK;
    }
    case SCHED_APS_ADD_SECURITY: {
        sched_aps_security_parms *p = data;
        if (p->sec_flags && !ability(PROCMGR_AID_APS_ROOT)) return EACCES;
        security_flags |= p->sec_flags; /* additive until reboot; 0 reads */
        p->sec_flags = security_flags;
        return EOK;
    }
    default: return EINVAL;
    }
}
#endif

int SchedCtl_r(int command, void *data, size_t bytes) {
    int error = kernel_enter(QNXSIM_SchedCtl);
    if (!error && command == SCHED_QUERY_SCHED_EXT) {
        struct sched_query *query = data;
        if (bytes != sizeof *query) {
            error = EINVAL;
        } else {
            query->extsched = QNXSIM_RELEASE < 800 && machine->aps_loaded ? SCHED_EXT_APS : SCHED_EXT_NONE;
        }
    } else if (!error) {
#if QNXSIM_RELEASE < 800
        error = command >= SCHED_EXT_APS_CMD_BASE ? aps(command, data, bytes) : EINVAL;
#else
        error = command >= SCHED_EXT_APS_CMD_BASE ? ENOSYS : EINVAL;
#endif
    }
    kernel_leave();
    return error;
}
int SchedCtl(int command, void *data, size_t bytes) {
    return plain(SchedCtl_r(command, data, bytes));
}

int qnxsim_my_partition(void) {
    host_lock();
    int partition = thread_self()->partition;
    host_unlock();
    return partition;
}
uint64_t qnxsim_partition_ns(int id) {
    return id >= 0 && id < PARTITIONS ? __atomic_load_n(&machine->partitions[id].total_ns, __ATOMIC_RELAXED) : 0;
}
void partitions_init(void) {
    memset(machine->partitions, 0, sizeof machine->partitions);
    machine->partitions[0] = (struct partition){.is_used = true, .name = "System", .parent = -1,
                                                .budget = 100, .max_budget = 100};
    machine->window_ns = 100000000; /* 4: the default */
    machine->policy_flags = 0;
}
void sched_reset(void) {
    partitions_init();
#if QNXSIM_RELEASE < 800
    security_flags = 0;
#endif
    for (struct thread *t = threads; t; t = t->next) {
        t->partition = 0;
        if (t->policy == SCHED_SPORADIC) t->policy = SCHED_RR;
    }
}
