/* src/wasi/coarse.h - what a guest is shown of a clock: steps, whose edges may be moved at random.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Without jitter a clock shows the multiples of the resolution, and who counts its own steps
 * between two edges measures as finely as it counts. With jitter the edge from k to k + 1 lies
 * at k * resolution + a(k), with a(k) below the resolution and drawn from a secret key (ChaCha20),
 * the same each time it is asked: so the clock never goes back, and is off by less than one step.
 *
 *     real     k*r ......... k*r + a(k) .... (k+1)*r ... (k+1)*r + a(k+1)
 *     shown    k*r           (k+1)*r                     (k+2)*r
 */
#ifndef WRT_WASI_COARSE_H
#define WRT_WASI_COARSE_H

#include "secure/chacha.h"

#include <stdbool.h>
#include <stdint.h>

struct wasi_coarse {
    uint64_t resolution_ns; /* 0 = the clock as it is */
    bool jitters;
    uint32_t key[8];
};

void wrt_wasi_coarse_key(struct wasi_coarse *coarse, const uint8_t key[WRT_CHACHA_KEY_BYTES]);
/* What is shown for `now` of clock number `clock`; each has edges of its own. */
uint64_t wrt_wasi_coarse_show(const struct wasi_coarse *coarse, uint32_t clock, uint64_t now);
/* When a wait for `time` ends: at the next step, and with jitter at a moment drawn behind it, or
 * waiting would be a clock without jitter. Never early. */
uint64_t wrt_wasi_coarse_deadline(const struct wasi_coarse *coarse, uint32_t clock, uint64_t time);

#endif
