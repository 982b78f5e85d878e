/* src/tenant/plan.h - what a manifest means once it is checked: start order and lanes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tenants of one priority and affinity share a lane. A frame's tenants have one of their own,
 * and each tenant of the tier process has, because its lane waits for its process.
 */
#ifndef WRT_TENANT_PLAN_H
#define WRT_TENANT_PLAN_H

#include "tenant/lane.h"

struct wrt_lane_plan {
    const struct wrt_frame_config *frame; /* or NULL */
    const struct wrt_tenant_config *remote; /* its one tenant, or NULL */
    uint64_t priority, affinity_mask;
    uint32_t tenants;
    uint64_t cpu_permille; /* sum of budgets */
};

struct wrt_plan {
    uint32_t order[WRT_MAX_TENANTS]; /* indexes into the manifest */
    uint16_t lane_of[WRT_MAX_TENANTS]; /* by manifest index */
    uint32_t lane_count;
    struct wrt_lane_plan lanes[WRT_MAX_LANES];
};

/* Fills *plan and reports what stands against it, without looking outside the manifest. */
void wrt_plan_make(const struct wrt_manifest *manifest, struct wrt_plan *plan,
                   struct wrt_problems *problems);

/* The frame with a window of that tenant; NULL if none has. */
const struct wrt_frame_config *wrt_plan_frame_of(const struct wrt_manifest *manifest,
                                                 const char *tenant);
bool wrt_plan_is_cyclic(const struct wrt_manifest *manifest,
                        const struct wrt_tenant_config *config);

/* ---- check.c ---- */

/* What one tenant's config says against itself and against memory_max. */
void wrt_check_limits(const struct wrt_manifest *manifest,
                      const struct wrt_tenant_config *config, struct wrt_problems *problems);
/* Rights and files, and the guest opened in a partition below `root` as a trial. */
void wrt_check_tenant(const struct wrt_manifest *manifest,
                      const struct wrt_tenant_config *config, struct wrt_partition *root,
                      struct wrt_manifest_cost *cost, struct wrt_problems *problems);

/* ---- metrics.c, metrics_none.c ---- */

/* Was the build given an HTTP server? */
extern const bool wrt_metrics_are_supported;

#endif
