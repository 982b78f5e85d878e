/* src/partition/process.c - processes attached to a partition, and its processor budget.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "partition/attach.h"
#include "partition/node.h"

#include "base/error.h"
#include "port_confine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static struct wrt_port_process port_process(const struct wrt_partition_process *process)
{
    return (struct wrt_port_process){.id = process->id, .control = (intptr_t)process->control};
}

/* ---- limits ---- */

static struct wrt_port_process_limits limits_of(const struct wrt_partition *partition,
                                                const struct wrt_partition_process *process)
{
    return (struct wrt_port_process_limits){
        .memory_bytes = process->memory_bytes,
        .cpu_permille = partition->cpu_permille,
        .require = (partition->flags & WRT_PARTITION_REQUIRE) != 0,
    };
}

/* Sets what the partition says on one process; *confined tells what is in force. */
static enum wrt_status limit(struct wrt_partition *partition,
                             struct wrt_partition_process *process)
{
    struct wrt_port_process_limits limits = limits_of(partition, process);
    struct wrt_port_process port = port_process(process);
    enum wrt_status status = wrt_port_process_limit(&port, &limits);

    process->confined = port.confined;
    process->control = port.control;
    if (status == WRT_OK && (partition->priority != 0 || partition->affinity != 0))
        status = wrt_port_process_schedule(&port, partition->priority, partition->affinity);
    process->is_scheduled = status == WRT_OK;
    return status == WRT_ERR_UNSUPPORTED && !limits.require ? WRT_OK : status;
}

void wrt_partition_limit_processes(struct wrt_partition *partition)
{
    struct wrt_partition_process *process = partition->processes;

    for (; process != NULL; process = process->next)
        (void)!limit(partition, process);
}

bool wrt_partition_has_worker(const struct wrt_partition *partition)
{
    const struct wrt_partition_process *process = partition->processes;

    while (process != NULL && !process->is_worker)
        process = process->next;
    return process != NULL;
}

bool wrt_partition_cpu_in_force(const struct wrt_partition *partition)
{
    const struct wrt_partition_process *process = partition->processes;

    for (; process != NULL; process = process->next) {
        bool has_cpu = (process->confined & WRT_PORT_CONFINE_CPU) != 0;

        if (!process->is_scheduled || (partition->cpu_permille != 0 && !has_cpu))
            return false;
    }
    return true;
}

/* ---- attaching ---- */

static enum wrt_status charge(struct wrt_partition *partition, uint64_t *memory_bytes,
                              struct wrt_error *error)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(partition, &info);
    if (*memory_bytes == 0 && info.max_bytes != UINT64_MAX)
        *memory_bytes = info.max_bytes - info.used_bytes;
    if (*memory_bytes == 0)
        return WRT_OK;
    return wrt_partition_charge(partition, WRT_CHARGE_PROCESS, *memory_bytes, error);
}

static void link_process(struct wrt_partition *partition, struct wrt_partition_process *process)
{
    process->next = partition->processes;
    partition->processes = process;
    wrt_partition_note(partition, WRT_EVENT_ATTACH);
}

void wrt_partition_add_worker(struct wrt_partition *partition,
                              const struct wrt_port_process *worker, uint64_t memory_bytes,
                              struct wrt_partition_process *process)
{
    *process = (struct wrt_partition_process){.partition = partition,
                                              .id = worker->id,
                                              .control = worker->control,
                                              .memory_bytes = memory_bytes,
                                              .confined = worker->confined,
                                              .is_worker = true};
    if (partition->priority != 0 || partition->affinity != 0)
        process->is_scheduled = wrt_port_process_schedule(worker, partition->priority,
                                                          partition->affinity) == WRT_OK;
    else
        process->is_scheduled = true;
    link_process(partition, process);
}

static bool is_attached(const struct wrt_partition *partition, int64_t id)
{
    const struct wrt_partition_process *process = partition->processes;

    while (process != NULL && process->id != id)
        process = process->next;
    return process != NULL;
}

static enum wrt_status open_process(struct wrt_partition *partition, int64_t id,
                                    struct wrt_port_process *out, struct wrt_error *error)
{
    enum wrt_status status;

    if (id <= 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition %s: no process has the number %" PRId64,
                        partition->name, id);
    if (is_attached(partition, id))
        return wrt_fail(error, WRT_ERR_EXISTS, "partition %s: process %" PRId64
                        " is attached already", partition->name, id);
    status = wrt_port_process_open(id, out);
    if (status == WRT_ERR_ARGUMENT)
        return wrt_fail(error, status, "partition %s: process %" PRId64 " is the caller",
                        partition->name, id);
    if (status != WRT_OK)
        return wrt_fail(error, status, "partition %s: process %" PRId64 ": %s", partition->name,
                        id, wrt_status_text(status));
    return WRT_OK;
}

enum wrt_status wrt_partition_attach_process(struct wrt_partition *partition,
                                             int64_t process_id, uint64_t memory_bytes,
                                             struct wrt_partition_process *process,
                                             struct wrt_error *error)
{
    struct wrt_partition_process made = {.partition = partition, .memory_bytes = memory_bytes};
    struct wrt_port_process port;
    enum wrt_status status = open_process(partition, process_id, &port, error);

    if (status != WRT_OK)
        return status;
    status = charge(partition, &made.memory_bytes, error);
    if (status != WRT_OK) {
        wrt_port_process_close(&port);
        return status;
    }
    made.id = port.id;
    made.control = port.control;
    status = limit(partition, &made);
    if (status != WRT_OK) {
        port = port_process(&made);
        wrt_port_process_close(&port);
        wrt_partition_uncharge(partition, WRT_CHARGE_PROCESS, made.memory_bytes);
        return wrt_fail(error, status, "partition %s: process %" PRId64 " cannot be limited: %s",
                        partition->name, process_id, wrt_status_text(status));
    }
    *process = made;
    link_process(partition, process);
    return WRT_OK;
}

/* ---- the end ---- */

static void unlink_process(struct wrt_partition_process *process)
{
    struct wrt_partition *partition = process->partition;
    struct wrt_partition_process **at = &partition->processes;

    while (*at != process)
        at = &(*at)->next;
    *at = process->next;
    if (process->memory_bytes != 0)
        wrt_partition_uncharge(partition, WRT_CHARGE_PROCESS, process->memory_bytes);
    wrt_partition_note(partition, WRT_EVENT_EXIT);
    memset(process, 0, sizeof *process);
}

enum wrt_status wrt_partition_reap_process(struct wrt_partition_process *process,
                                           uint64_t deadline_ns, struct wrt_partition_exit *out)
{
    struct wrt_port_process port = port_process(process);
    struct wrt_port_exit exit = {.code = 0};
    enum wrt_status status;

    if (process->partition == NULL)
        return WRT_ERR_STATE;
    status = wrt_port_process_reap(&port, deadline_ns, &exit);
    if (status == WRT_ERR_NOT_FOUND)
        exit.is_unknown = true; /* it ended, and somebody else was told how */
    else if (status != WRT_OK)
        return status;
    *out = (struct wrt_partition_exit){
        .is_known = !exit.is_unknown, .by_signal = exit.by_signal, .code = exit.code};
    unlink_process(process);
    return WRT_OK;
}

enum wrt_status wrt_partition_detach_process(struct wrt_partition_process *process)
{
    struct wrt_port_process port = port_process(process);

    if (process->partition == NULL)
        return WRT_ERR_STATE;
    wrt_port_process_close(&port);
    unlink_process(process);
    return WRT_OK;
}

/* ---- the calling thread ---- */

static enum wrt_status join_budget(struct wrt_partition *partition)
{
    struct wrt_port_budget_config config = {.percent = (partition->cpu_permille + 9) / 10,
                                            .critical_ms = partition->cpu_critical_ms};
    struct wrt_port_budget parent = {0}, budget = {.id = partition->budget_id};
    enum wrt_status status = WRT_OK;
    char name[16];

    if (partition->cpu_permille == 0)
        return WRT_OK;
    snprintf(name, sizeof name, "%.15s", partition->name);
    config.name = name;
    if (partition->parent != NULL)
        parent.id = partition->parent->budget_id;
    if (budget.id == 0)
        status = wrt_port_budget_create(&parent, &config, &budget);
    else
        status = wrt_port_budget_modify(&budget, &config);
    if (status != WRT_OK)
        return status;
    partition->budget_id = budget.id;
    return wrt_port_budget_join(&budget);
}

enum wrt_status wrt_partition_adopt_thread(struct wrt_partition *partition,
                                           struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    const char *what = "priority";

    if (partition->priority != 0)
        status = wrt_port_thread_set_priority(partition->priority);
    if (status == WRT_OK && partition->affinity != 0) {
        what = "affinity";
        status = wrt_port_thread_set_affinity(partition->affinity);
    }
    if (status == WRT_OK) {
        what = "processor budget";
        status = join_budget(partition);
    }
    if (status == WRT_OK)
        return WRT_OK;
    return wrt_fail(error, status, "partition %s: the thread cannot have its %s: %s",
                    partition->name, what, wrt_status_text(status));
}
