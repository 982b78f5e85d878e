/* src/tenant/plan.c - see plan.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/plan.h"

#include <inttypes.h>
#include <string.h>

/* ---- frames ---- */

static bool has_window(const struct wrt_frame_config *frame, const char *tenant)
{
    for (uint32_t i = 0; i < frame->window_count; i++)
        if (strcmp(frame->windows[i].tenant, tenant) == 0)
            return true;
    return false;
}

const struct wrt_frame_config *wrt_plan_frame_of(const struct wrt_manifest *manifest,
                                                 const char *tenant)
{
    for (uint32_t i = 0; i < manifest->frame_count; i++)
        if (has_window(manifest->frames[i], tenant))
            return manifest->frames[i];
    return NULL;
}

bool wrt_plan_is_cyclic(const struct wrt_manifest *manifest,
                        const struct wrt_tenant_config *config)
{
    return config->period_us != 0 || wrt_plan_frame_of(manifest, config->name) != NULL;
}

static void check_window(const struct wrt_manifest *manifest,
                         const struct wrt_frame_config *frame, uint32_t index,
                         struct wrt_problems *problems)
{
    const struct wrt_window_config *window = &frame->windows[index];
    const struct wrt_window_config *before = index > 0 ? window - 1 : NULL;
    if (wrt_manifest_find(manifest, window->tenant) == UINT32_MAX)
        wrt_problem(problems, window->line, WRT_ERR_NOT_FOUND,
                    "frame %s has a window of %s, which there is not", frame->name, window->tenant);
    if (wrt_plan_frame_of(manifest, window->tenant) != frame)
        wrt_problem(problems, window->line, WRT_ERR_EXISTS, "%s has windows in another frame",
                    window->tenant);
    if (window->offset_us + window->duration_us > frame->major_us)
        wrt_problem(problems, window->line, WRT_ERR_BOUNDS,
                    "the window ends at %" PRIu64 " us, after frame %s of %" PRIu64 " us",
                    window->offset_us + window->duration_us, frame->name, frame->major_us);
    if (before != NULL && window->offset_us < before->offset_us + before->duration_us)
        wrt_problem(problems, window->line, WRT_ERR_ARGUMENT,
                    "the window starts at %" PRIu64 " us, before the one in line %" PRIu32 " ends",
                    window->offset_us, before->line);
}

static void check_frames(const struct wrt_manifest *manifest, struct wrt_problems *problems)
{
    for (uint32_t i = 0; i < manifest->frame_count; i++)
        for (uint32_t w = 0; w < manifest->frames[i]->window_count; w++)
            check_window(manifest, manifest->frames[i], w, problems);
}

/* ---- lanes ---- */

static struct wrt_lane_plan lane_for(const struct wrt_manifest *manifest,
                                     const struct wrt_tenant_config *config)
{
    const struct wrt_frame_config *frame = wrt_plan_frame_of(manifest, config->name);
    if (frame != NULL)
        return (struct wrt_lane_plan){.frame = frame,
                                      .priority = frame->priority,
                                      .affinity_mask = frame->affinity_mask};
    return (struct wrt_lane_plan){.remote = wrt_guest_is_remote(config) ? config : NULL,
                                  .priority = config->priority,
                                  .affinity_mask = config->affinity_mask};
}

static bool is_same(const struct wrt_lane_plan *a, const struct wrt_lane_plan *b)
{
    return a->frame == b->frame && a->remote == b->remote && a->priority == b->priority &&
           a->affinity_mask == b->affinity_mask;
}

static void assign(const struct wrt_manifest *manifest, uint32_t index, struct wrt_plan *plan,
                   struct wrt_problems *problems)
{
    const struct wrt_tenant_config *config = manifest->tenants[index];
    struct wrt_lane_plan wanted = lane_for(manifest, config);
    uint32_t lane = 0;
    while (lane < plan->lane_count && !is_same(&plan->lanes[lane], &wanted))
        lane++;
    if (lane == WRT_MAX_LANES) {
        wrt_problem(problems, config->line, WRT_ERR_LIMIT,
                    "tenant %s would need lane number %d; %d are the most (each process, "
                    "priority, affinity and frame needs one)",
                    config->name, (int)WRT_MAX_LANES + 1, (int)WRT_MAX_LANES);
        return;
    }
    if (lane == plan->lane_count)
        plan->lanes[plan->lane_count++] = wanted;
    plan->lanes[lane].tenants++;
    plan->lanes[lane].cpu_permille += config->cpu_permille;
    plan->lane_of[index] = (uint16_t)lane;
    if (plan->lanes[lane].cpu_permille > 1000 &&
        plan->lanes[lane].cpu_permille - config->cpu_permille <= 1000)
        wrt_problem(problems, config->lines[WRT_KEY_CPU], WRT_ERR_LIMIT,
                    "tenant %s: the budgets of its lane add up to %" PRIu64
                    " permille, a lane is one thread",
                    config->name, plan->lanes[lane].cpu_permille);
}

void wrt_plan_make(const struct wrt_manifest *manifest, struct wrt_plan *plan,
                   struct wrt_problems *problems)
{
    memset(plan, 0, sizeof *plan);
    (void)wrt_manifest_order(manifest, plan->order, problems);
    check_frames(manifest, problems);
    for (uint32_t i = 0; i < manifest->tenant_count; i++)
        assign(manifest, i, plan, problems);
}
