/* worker/confine.c - what the worker gives up before it reads a byte of its module.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "worker.h"

#include "port.h"
#include "port_confine.h"
#include "port_file.h"

/* A directory that does not open is granted to nobody. */
static uint32_t open_grants(const struct wire_config *config, const char *const *directories,
                            struct wrt_port_grant *out)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < config->directory_count; i++) {
        int descriptor;

        if (wrt_port_file_open_root(directories[i], &descriptor) != WRT_ERRNO_OK)
            continue;
        out[count++] = (struct wrt_port_grant){.descriptor = descriptor,
                                               .read_only = config->read_only >> i & 1};
    }
    return count;
}

uint32_t worker_confine(const struct wire_config *config, const char *const *directories)
{
    struct wrt_port_grant grants[WIRE_DIRECTORIES];
    struct wrt_port_confinement confinement = {
        .grants = grants,
        .grant_count = open_grants(config, directories, grants),
    };
    struct wrt_port_confined done = {.confined = 0};
    uint32_t confined = 0, isolated = 0;

    if (wrt_port_limits_itself())
        confinement.limits = (struct wrt_port_process_limits){
            .memory_bytes = config->process_bytes,
            .descriptors = config->descriptors,
            .threads = config->tasks};
    if (config->isolate != 0 && wrt_port_isolate_self(config->isolate, &isolated) != WRT_OK)
        isolated = 0;
    if (wrt_port_confine_self(&confinement, &done) == WRT_OK)
        confined = done.confined;
    for (uint32_t i = 0; i < confinement.grant_count; i++)
        wrt_port_file_close(grants[i].descriptor);
    if (worker_filter_calls(config->directory_count != 0))
        confined |= WRT_PORT_CONFINE_SYSTEM_CALLS;
    return confined | isolated;
}
