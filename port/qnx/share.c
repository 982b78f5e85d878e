/* port/qnx/share.c - a share of the processor for a process.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Up to 7.1 that is an adaptive partition of its own, with the share as its budget and as its
 * cap, which all threads of the process join. Partitions cannot be destroyed and there are
 * eight: they are numbered, used again, and given back to their parent with a budget of 0.
 *
 * 8.0 has no partitions. Its substitute, sporadic scheduling, is of threads: each runs at its
 * priority for its budget of every period and at the lowest one otherwise. So the share is
 * divided by the number of threads that the limits allow, it is no cap while nobody else wants
 * to run, and whoever requires a cap is refused.
 */
#include "qnx.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "process.h"

enum { MOST_SHARES = 7, PERIOD_NS = 100000000, LOWEST_PRIORITY = 1 };

#if WRT_QNX_APS && WRT_QNX_RELEASE >= 710

static struct share {
    pid_t process; /* 0: nobody's */
    struct wrt_port_budget budget;
    bool is_made;
} shares[MOST_SHARES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Of the machine, rounded up: the smallest is 1 %. A percentage is taken as one of all
 * processors, which is the stricter reading for one process. */
static uint32_t to_percent(uint64_t permille)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t whole = 10u * (uint64_t)(processors > 0 ? processors : 1);

    if (permille > 100 * whole)
        return 100;
    return (uint32_t)((permille + whole - 1) / whole);
}

static struct share *find_share(pid_t process)
{
    for (size_t i = 0; i < MOST_SHARES; i++) {
        if (shares[i].process == process)
            return &shares[i];
    }
    return NULL;
}

/* The partition of that number: made now, or left by an earlier run of the program. */
static enum wrt_status make(struct share *share, struct wrt_port_budget_config *config)
{
    char name[16];
    enum wrt_status status;

    (void)snprintf(name, sizeof name, "wrt-share-%u", (unsigned)(share - shares));
    config->name = name;
    status = wrt_port_budget_create(NULL, config, &share->budget);
    if (status == WRT_ERR_EXISTS) {
        status = wrt_port_budget_find(name, &share->budget);
        if (status == WRT_OK)
            status = wrt_port_budget_modify(&share->budget, config);
    }
    share->is_made = status == WRT_OK;
    return status;
}

static void give_back(struct share *share)
{
    const struct wrt_port_budget_config nothing = {.percent = 0};

    (void)!wrt_port_budget_modify(&share->budget, &nothing);
    share->process = 0;
}

static enum wrt_status set_share(pid_t process, uint32_t percent)
{
    struct wrt_port_budget_config config = {.percent = percent, .most_percent = percent};
    struct share *share = find_share(process);
    bool is_new = share == NULL;
    enum wrt_status status;

    if (is_new)
        share = find_share(0);
    if (share == NULL)
        return WRT_ERR_LIMIT;
    status = share->is_made ? wrt_port_budget_modify(&share->budget, &config)
                            : make(share, &config);
    if (status != WRT_OK || !is_new)
        return status;
    status = wrt_qnx_join_all(&share->budget, process);
    if (status == WRT_OK)
        share->process = process;
    else
        give_back(share);
    return status;
}

enum wrt_status wrt_qnx_limit_cpu(pid_t process, uint64_t permille, uint32_t threads)
{
    enum wrt_status status;

    (void)threads;
    pthread_mutex_lock(&lock);
    status = set_share(process, to_percent(permille));
    pthread_mutex_unlock(&lock);
    return status;
}

void wrt_qnx_process_ended(pid_t process)
{
    struct share *share;

    pthread_mutex_lock(&lock);
    share = find_share(process);
    if (share != NULL)
        give_back(share);
    pthread_mutex_unlock(&lock);
}

bool wrt_qnx_has_cpu_cap(void)
{
    return true; /* of the release; the image may lack the module, which the call says */
}

bool wrt_qnx_spawn_sporadic(const struct wrt_port_process_limits *limits, struct sched_param *out)
{
    (void)limits, (void)out;
    return false;
}

#else

/* The sporadic parameters of a thread that has its part of the share; false: no part. */
bool wrt_qnx_spawn_sporadic(const struct wrt_port_process_limits *limits, struct sched_param *out)
{
    uint64_t threads = limits->threads != 0 ? limits->threads : 1;
    uint64_t permille = limits->cpu_permille > 1000 ? 1000 : limits->cpu_permille;
    uint64_t budget_ns = permille * (PERIOD_NS / 1000) / threads;
    int priority = wrt_qnx_current_priority();

    if (limits->cpu_permille == 0 || priority <= LOWEST_PRIORITY || budget_ns == 0)
        return false;
    wrt_qnx_sporadic(priority, LOWEST_PRIORITY, budget_ns, PERIOD_NS, out);
    return true;
}

/* Of the calling thread alone, and those that it starts; another process has its own from
 * when it was spawned. */
enum wrt_status wrt_qnx_limit_cpu(pid_t process, uint64_t permille, uint32_t threads)
{
    struct wrt_port_process_limits limits = {.cpu_permille = permille, .threads = threads};
    struct sched_param parameters;

    if (process == getpid() && wrt_qnx_spawn_sporadic(&limits, &parameters))
        (void)!wrt_qnx_set_sporadic(&parameters);
    return WRT_ERR_UNSUPPORTED; /* no cap */
}

void wrt_qnx_process_ended(pid_t process)
{
    (void)process;
}

bool wrt_qnx_has_cpu_cap(void)
{
    return false;
}

#endif
