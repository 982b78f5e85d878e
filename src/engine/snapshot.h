/* engine/snapshot.h - one walk over a store that writes, checks or restores it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each part is one function for all three passes, so that what is written and what is read
 * cannot drift apart. A pass that reads never trusts a number before it was held against the
 * store; the second reading pass applies what the first has checked.
 */
#ifndef WRT_ENGINE_SNAPSHOT_H
#define WRT_ENGINE_SNAPSHOT_H

#include "engine.h"
#include "wrt/snapshot.h"

enum codec_mode { CODEC_WRITE, CODEC_CHECK, CODEC_GROW, CODEC_APPLY };

struct codec {
    enum codec_mode mode;
    struct wrt_store *store;
    struct wrt_error *error;
    enum wrt_status status;
    /* writing */
    wrt_snapshot_write *write;
    void *context;
    uint32_t crc;
    size_t buffered;
    /* reading */
    const uint8_t *at, *end;
    struct wrt_instance *found; /* the last one that was looked up by number */
    uint8_t buffer[1024];
};

/* All return false with c->status set. */
WRT_PRINTF(3, 4)
bool wrt_codec_refuse(struct codec *c, enum wrt_status status, const char *format, ...);
bool wrt_codec_bytes(struct codec *c, void *bytes, size_t size_bytes);
bool wrt_codec_u32(struct codec *c, uint32_t *value);
bool wrt_codec_u64(struct codec *c, uint64_t *value);
/* A number that must be `most` at most. */
bool wrt_codec_index(struct codec *c, uint32_t *value, uint64_t most, const char *what);
/* A value of `type`, whose references name types of `scope`; `cell` is NULL while checking.
 * `may_be_unset`: a function reference may be null, whatever the type: calls check that. */
bool wrt_codec_value(struct codec *c, struct wrt_rtt *const *scope, wrt_type type,
                     bool may_be_unset, union cell *cell);
bool wrt_codec_function(struct codec *c, struct wrt_function **function);
bool wrt_codec_instance(struct codec *c, struct wrt_instance **instance);

/* ---- frames.c ---- */
bool wrt_codec_frames(struct codec *c);

#endif
