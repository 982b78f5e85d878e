/* src/tenant/order.c - the order in which tenants start: what they depend on comes first.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A walk along dependencies with its own stack: a tenant is placed when all that it depends
 * on is. A dependency that is met again while it is still on the stack closes a cycle, and
 * the stack from there on spells it. O(dependencies * tenants), for finding names.
 */
#include "tenant/config.h"

#include <stdio.h>
#include <string.h>

enum mark { UNSEEN = 0, ON_STACK, PLACED };

struct walk {
    const struct wrt_manifest *manifest;
    struct wrt_problems *problems;
    uint8_t mark[WRT_MAX_TENANTS];
    uint8_t next[WRT_MAX_TENANTS];   /* dependency to look at next */
    uint16_t stack[WRT_MAX_TENANTS];
    uint32_t depth;
};

/* "a after b after a", from the stack's entry `index` on. */
static void report_cycle(const struct walk *walk, uint32_t index)
{
    char text[160];
    size_t used = 0;
    uint32_t i = 0;
    while (walk->stack[i] != index)
        i++;
    for (; i < walk->depth && used + 64 < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s after ",
                                 walk->manifest->tenants[walk->stack[i]]->name);
    snprintf(text + used, sizeof text - used, "%s%s", i < walk->depth ? "... " : "",
             walk->manifest->tenants[index]->name);
    const struct wrt_tenant_config *config = walk->manifest->tenants[index];
    wrt_problem(walk->problems, config->lines[WRT_KEY_AFTER], WRT_ERR_ARGUMENT,
                "dependencies in a circle: %s", text);
}

static void push(struct walk *walk, uint32_t index)
{
    walk->mark[index] = ON_STACK;
    walk->stack[walk->depth++] = (uint16_t)index;
}

/* Looks at one more dependency of the stack's top. */
static void look_at(struct walk *walk, const struct wrt_tenant_config *config, uint16_t at)
{
    const char *name = wrt_config_text(config, at);
    uint32_t other = wrt_manifest_find(walk->manifest, name);
    char shown[80];
    if (other == UINT32_MAX)
        wrt_problem(walk->problems, config->lines[WRT_KEY_AFTER], WRT_ERR_NOT_FOUND,
                    "tenant %s is after '%s', which there is not", config->name,
                    wrt_show(shown, sizeof shown, name));
    else if (walk->mark[other] == ON_STACK)
        report_cycle(walk, other);
    else if (walk->mark[other] == UNSEEN)
        push(walk, other);
}

enum wrt_status wrt_manifest_order(const struct wrt_manifest *manifest, uint32_t *order,
                                   struct wrt_problems *problems)
{
    struct walk walk = {.manifest = manifest, .problems = problems};
    uint32_t placed = 0;
    for (uint32_t root = 0; root < manifest->tenant_count; root++) {
        if (walk.mark[root] == UNSEEN)
            push(&walk, root);
        while (walk.depth > 0) {
            uint32_t top = walk.stack[walk.depth - 1];
            const struct wrt_tenant_config *config = manifest->tenants[top];
            if (walk.next[top] < config->after.count) {
                look_at(&walk, config, config->after.at[walk.next[top]++]);
                continue;
            }
            walk.mark[top] = PLACED;
            walk.depth--;
            order[placed++] = top;
        }
    }
    return problems->first;
}
