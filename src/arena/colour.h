/* arena/colour.h - pages of a cache colour (wrt/hardware.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_ARENA_COLOUR_H
#define WRT_ARENA_COLOUR_H

#include "port_hardware.h"

/* As wrt_port_commit; where the period is not 0, pages of that colour. Statuses of
 * wrt_port_commit_coloured. */
WRT_MUST_CHECK enum wrt_status wrt_commit_with(const struct wrt_colour_runs *runs, void *address,
                                               size_t size_bytes, unsigned rights);

/* Runs in 32 bits, for where every byte counts: all are powers of two. 0: none. */
static inline uint32_t wrt_colour_pack(const struct wrt_colour_runs *runs)
{
    if (runs->period_bytes == 0)
        return 0;
    return (uint32_t)__builtin_ctzll(runs->period_bytes) |
           (uint32_t)__builtin_ctzll(runs->run_bytes) << 8 |
           (uint32_t)(runs->offset_bytes / runs->run_bytes) << 16;
}

static inline struct wrt_colour_runs wrt_colour_unpack(uint32_t packed)
{
    const size_t run = (size_t)1 << (packed >> 8 & 0xFF);

    if (packed == 0)
        return (struct wrt_colour_runs){0};
    return (struct wrt_colour_runs){.period_bytes = (size_t)1 << (packed & 0xFF),
                                    .run_bytes = run, .offset_bytes = run * (packed >> 16)};
}

#endif
