/* engine/reader.h - reads the binary format from bytes that are all there.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each read returns false after it has filled in reader->error: what was wrong and at which
 * byte of the module. Integers are LEB128 (spec 5.2.2), at most ceil(bits / 7) bytes, with
 * unused bits zero or the sign.
 */
#ifndef WRT_ENGINE_READER_H
#define WRT_ENGINE_READER_H

#include <string.h>

#include "engine.h"

struct wrt_reader {
    const uint8_t *start, *at, *end;
    uint64_t offset; /* of `start` in the module */
    struct wrt_error *error;
    enum wrt_status status; /* of the first failure */
    uint64_t features;      /* used so far */
    uint64_t features_off;  /* not to be used */
    const uint32_t *canonical; /* of the types that may be named */
    uint32_t type_count;
};

static inline uint64_t wrt_reader_offset(const struct wrt_reader *r)
{
    return r->offset + (uint64_t)(r->at - r->start);
}

static inline size_t wrt_reader_left(const struct wrt_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* All return false, so that a caller can `return wrt_malformed(...)`. */
WRT_PRINTF(3, 4)
bool wrt_refuse(struct wrt_reader *r, enum wrt_status status, const char *format, ...);
#define wrt_malformed(r, ...) wrt_refuse(r, WRT_ERR_MALFORMED, __VA_ARGS__)
#define wrt_invalid(r, ...) wrt_refuse(r, WRT_ERR_INVALID, __VA_ARGS__)

/* Notes that the module uses a feature; refuses one that the configuration turned off. */
WRT_MUST_CHECK static inline bool wrt_use(struct wrt_reader *r, enum wrt_feature feature)
{
    r->features |= UINT64_C(1) << feature;
    return (r->features_off >> feature & 1) == 0 ||
           wrt_invalid(r, "feature is turned off: %s", wrt_feature_name(feature));
}

bool wrt_read_leb(struct wrt_reader *r, unsigned bits, bool is_signed, uint64_t *out);

static inline bool wrt_read_byte(struct wrt_reader *r, uint8_t *out)
{
    if (r->at == r->end)
        return wrt_malformed(r, "unexpected end");
    *out = *r->at++;
    return true;
}

static inline bool wrt_read_u32(struct wrt_reader *r, uint32_t *out)
{
    if (r->at != r->end && *r->at < 0x80) {
        *out = *r->at++;
        return true;
    }
    uint64_t value = 0;
    if (!wrt_read_leb(r, 32, false, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static inline bool wrt_read_s32(struct wrt_reader *r, uint32_t *out)
{
    uint64_t value = 0;
    if (!wrt_read_leb(r, 32, true, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

static inline bool wrt_read_s64(struct wrt_reader *r, uint64_t *out)
{
    return wrt_read_leb(r, 64, true, out);
}

/* Takes `size_bytes` bytes as they are. */
static inline bool wrt_read_bytes(struct wrt_reader *r, size_t size_bytes, const uint8_t **out)
{
    if (wrt_reader_left(r) < size_bytes)
        return wrt_malformed(r, "unexpected end");
    *out = r->at;
    r->at += size_bytes;
    return true;
}

/* A UTF-8 name of at most `limit` bytes (spec 5.2.4); borrowed from the reader's bytes. */
bool wrt_read_name(struct wrt_reader *r, uint32_t limit, struct wrt_bytes *out);
bool wrt_is_utf8(const uint8_t *bytes, size_t size_bytes);

/* A value type, and one that is a reference. */
bool wrt_read_value_type(struct wrt_reader *r, wrt_type *out);
bool wrt_read_reference_type(struct wrt_reader *r, wrt_type *out);

/* The bytes of a heap type: an index, made canonical, or WRT_HEAP_ABSTRACT and a byte. */
bool wrt_read_heap_type(struct wrt_reader *r, uint32_t *out);

/* Reads and validates a constant expression of `type`, `end` included. */
struct wrt_module;
bool wrt_read_const_expr(struct wrt_reader *r, const struct wrt_module *module,
                         uint32_t global_limit, uint8_t *declared, wrt_type type,
                         struct wrt_const_expr *out);

#endif
