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
    const struct wrt_snapshot_host *host; /* for host values; NULL: there may be none */
    /* what the snapshot says about objects and exceptions, once it was checked */
    const uint8_t *objects, *exceptions; /* records: heap_codec.c, exception_codec.c */
    uint32_t object_count, exception_count;
    bool searched;          /* there is an exception that may be on its way */
    const uint8_t *heap_at; /* where the heap is in the bytes */
    const struct wrt_instance *typed; /* whose types were looked up last */
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
/* A number that the store decides: another one is a foreign snapshot. */
bool wrt_codec_same(struct codec *c, uint64_t ours, const char *what, uint32_t instance);
bool wrt_codec_flag(struct codec *c, bool *flag);
/* The instance with that number, or NULL. */
struct wrt_instance *wrt_codec_instance_at(struct codec *c, uint32_t number);
/* `count` records of `size_bytes` bytes, that are read more than once. */
bool wrt_codec_records(struct codec *c, uint32_t count, uint32_t size_bytes, const uint8_t **out);

/* ---- heap_codec.c: the collected heap ---- */
/* Which objects there are, and how far their collector is. */
bool wrt_codec_heap(struct codec *c);
/* Their fields. */
bool wrt_codec_objects(struct codec *c);
/* References that the host holds. */
bool wrt_codec_held(struct codec *c);
/* Of a snapshot that is read: the type of the object at that granule, or NULL. */
const struct wrt_rtt *wrt_codec_object_type(struct codec *c, uint32_t granule);
/* Once everything was applied: a state of the collector that could lose an object is not
 * believed, and its collection begins again. */
void wrt_codec_trust_heap(struct codec *c);

/* ---- exception_codec.c: the pool of exceptions ---- */
bool wrt_codec_exceptions(struct codec *c);
bool wrt_codec_exception_values(struct codec *c);
/* exnrefs; false: there is no such exception in the snapshot that is read. */
bool wrt_codec_is_exception(struct codec *c, uint32_t at);

/* ---- frames.c ---- */
bool wrt_codec_frames(struct codec *c);

#endif
