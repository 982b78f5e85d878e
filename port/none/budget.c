/* port/none/budget.c - processor budgets of threads, sporadic servers, news of memory: refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_confine.h"

enum wrt_status wrt_port_budget_create(const struct wrt_port_budget *parent,
                                       const struct wrt_port_budget_config *config,
                                       struct wrt_port_budget *out)
{
    (void)parent, (void)config, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_budget_find(const char *name, struct wrt_port_budget *out)
{
    (void)name, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_budget_modify(const struct wrt_port_budget *budget,
                                       const struct wrt_port_budget_config *config)
{
    (void)budget, (void)config;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_budget_join(const struct wrt_port_budget *budget)
{
    (void)budget;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_budget_query(const struct wrt_port_budget *budget,
                                      struct wrt_port_budget_info *out)
{
    (void)budget, (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_thread_set_sporadic(int high, int low, uint64_t budget_ns,
                                             uint64_t period_ns)
{
    (void)high, (void)low, (void)budget_ns, (void)period_ns;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_memory_watch(uint64_t free_below_bytes, uint64_t deadline_ns)
{
    (void)free_below_bytes, (void)deadline_ns;
    return WRT_ERR_UNSUPPORTED;
}
