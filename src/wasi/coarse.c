/* src/wasi/coarse.c - see coarse.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wasi/coarse.h"

#include "base/checked.h"

#include <string.h>

void wrt_wasi_coarse_key(struct wasi_coarse *coarse, const uint8_t key[WRT_CHACHA_KEY_BYTES])
{
    struct wrt_chacha random;

    wrt_chacha_begin(&random, key);
    memcpy(coarse->key, random.key, sizeof coarse->key);
    coarse->jitters = true;
}

/* a(step), 0 .. resolution - 1. The remainder's bias is below 2^-34: the resolution is below 2^30. */
static uint64_t jitter(const struct wasi_coarse *coarse, uint32_t clock, uint64_t step)
{
    struct wrt_chacha random = {.counter = step, .nonce = clock};
    uint32_t words[WRT_CHACHA_WORDS];

    memcpy(random.key, coarse->key, sizeof random.key);
    wrt_chacha_block(&random, words);
    return ((uint64_t)words[1] << 32 | words[0]) % coarse->resolution_ns;
}

static uint64_t saturating(uint64_t a, uint64_t b)
{
    uint64_t sum;

    return wrt_add_u64(a, b, &sum) ? sum : UINT64_MAX;
}

uint64_t wrt_wasi_coarse_show(const struct wasi_coarse *coarse, uint32_t clock, uint64_t now)
{
    if (coarse->resolution_ns == 0)
        return now;
    const uint64_t step = now / coarse->resolution_ns, edge = step * coarse->resolution_ns;
    if (coarse->jitters && now - edge >= jitter(coarse, clock, step))
        return saturating(edge, coarse->resolution_ns);
    return edge;
}

uint64_t wrt_wasi_coarse_deadline(const struct wasi_coarse *coarse, uint32_t clock, uint64_t time)
{
    const uint64_t resolution = coarse->resolution_ns;

    if (resolution == 0)
        return time;
    const uint64_t past = time % resolution;
    const uint64_t edge = past == 0 ? time : saturating(time, resolution - past);
    return coarse->jitters ? saturating(edge, jitter(coarse, clock, edge / resolution)) : edge;
}
