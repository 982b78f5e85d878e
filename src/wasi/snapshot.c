/* src/wasi/snapshot.c - what a guest holds open, by name: written, and opened again.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   magic | format | random state | clocks | open descriptors ... | end | crc
 *
 * A descriptor is a standard stream, a granted directory, or a path beneath one. What is
 * restored gets the rights of the snapshot less what the new grants do not have: bytes can
 * take rights away, never give them.
 */
#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "wasi/state.h"
#include "wrt/snapshot.h"

#define FORMAT 1u
#define NO_DESCRIPTOR UINT32_MAX

static const uint8_t magic[8] = {0, 'w', 'r', 't', 'w', 'a', 's', 'i'};

enum named { NAMED_STREAM = 1, NAMED_GRANTED, NAMED_OPENED };

/* A descriptor as a snapshot has it. */
struct saved {
    uint32_t number;
    uint8_t named;             /* enum named */
    uint8_t stream;            /* NAMED_STREAM: 1 .. 3 */
    char root[WASI_NAME_BYTES]; /* granted name */
    char path[WASI_NAME_BYTES]; /* NAMED_OPENED: beneath it */
    uint64_t rights, inheriting, offset;
    uint32_t flags;
    bool has_offset;
};

/* ---- writing ---- */

struct writer {
    wrt_snapshot_write *write;
    void *context;
    uint32_t crc;
    enum wrt_status status;
};

static void put(struct writer *w, const void *bytes, size_t size_bytes)
{
    if (w->status != WRT_OK)
        return;
    w->crc = wrt_crc32c(w->crc, bytes, size_bytes);
    w->status = w->write(w->context, bytes, size_bytes);
}

static void put_u32(struct writer *w, uint32_t value)
{
    uint8_t bytes[4];
    wrt_write_u32(bytes, value);
    put(w, bytes, sizeof bytes);
}

static void put_u64(struct writer *w, uint64_t value)
{
    uint8_t bytes[8];
    wrt_write_u64(bytes, value);
    put(w, bytes, sizeof bytes);
}

static void put_name(struct writer *w, const char *name)
{
    const size_t length = strlen(name);
    put_u32(w, (uint32_t)length);
    if (length != 0)
        put(w, name, length);
}

static enum wrt_status unnamed(uint32_t number, struct wrt_error *error)
{
    return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                    "descriptor %u is a socket, or its path is longer than %u bytes", number,
                    (unsigned)WASI_NAME_BYTES - 1);
}

static enum wrt_status save(const struct wasi_descriptor *d, uint32_t number, struct saved *out,
                            struct wrt_error *error)
{
    const char *root = d->granted_name != NULL ? d->granted_name : d->root_name;
    *out = (struct saved){.number = number, .stream = d->stream, .rights = d->rights,
                          .inheriting = d->inheriting, .flags = d->flags};
    out->named = d->stream != 0           ? NAMED_STREAM
                 : d->granted_name != NULL ? NAMED_GRANTED
                                           : NAMED_OPENED;
    if (out->named == NAMED_STREAM)
        return WRT_OK;
    if (root == NULL || strlen(root) >= sizeof out->root)
        return unnamed(number, error);
    memcpy(out->root, root, strlen(root) + 1);
    memcpy(out->path, d->path, sizeof out->path);
    out->has_offset = out->named == NAMED_OPENED && d->kind == WASI_KIND_FILE;
    if (out->has_offset &&
        wrt_port_file_seek(d->file, 0, WRT_PORT_SEEK_CURRENT, &out->offset) != WRT_ERRNO_OK)
        return wrt_fail(error, WRT_ERR_IO, "descriptor %u does not tell its position", number);
    return WRT_OK;
}

static void put_saved(struct writer *w, const struct saved *s)
{
    const uint8_t head[] = {s->named, s->stream, s->has_offset};
    put_u32(w, s->number);
    put(w, head, sizeof head);
    put_name(w, s->root);
    put_name(w, s->path);
    put_u64(w, s->rights);
    put_u64(w, s->inheriting);
    put_u64(w, s->offset);
    put_u32(w, s->flags);
}

static uint64_t now_ns(void)
{
    uint64_t now = 0;
    (void)!wrt_port_clock_read(WRT_PORT_CLOCK_MONOTONIC, &now);
    return now;
}

enum wrt_status wrt_wasi_snapshot(const struct wrt_wasi *wasi, wrt_snapshot_write *write,
                                  void *context, struct wrt_error *error)
{
    struct writer w = {.write = write, .context = context};
    const uint64_t now = now_ns();
    if (wasi == NULL || write == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "wasi and write must not be NULL");
    put(&w, magic, sizeof magic);
    put_u32(&w, FORMAT);
    put_u64(&w, wasi->random_state);
    put_u64(&w, now - wasi->monotonic_start_ns);
    put_u32(&w, wasi->paused_poll.is_set);
    put_u32(&w, wasi->paused_poll.in);
    put_u32(&w, wasi->paused_poll.out);
    put_u32(&w, wasi->paused_poll.count);
    put_u64(&w, wasi->paused_poll.is_set ? now - wasi->paused_poll.start_ns : 0);
    for (uint32_t i = 0; i < wasi->descriptor_count; i++) {
        struct saved saved;
        if (wasi->descriptors[i].kind == WASI_KIND_FREE)
            continue;
        const enum wrt_status status = save(&wasi->descriptors[i], i, &saved, error);
        if (status != WRT_OK)
            return status;
        put_saved(&w, &saved);
    }
    put_u32(&w, NO_DESCRIPTOR);
    put_u32(&w, w.crc);
    return w.status == WRT_OK ? WRT_OK
                              : wrt_fail(error, w.status, "the snapshot could not be written");
}

/* ---- reading ---- */

struct reader {
    const uint8_t *at, *end;
    bool failed;
};

static const uint8_t *take(struct reader *r, size_t size_bytes)
{
    static const uint8_t nothing[8];
    if (r->failed || (size_t)(r->end - r->at) < size_bytes) {
        r->failed = true;
        return nothing;
    }
    const uint8_t *bytes = r->at;
    r->at += size_bytes;
    return bytes;
}

static uint32_t get_u32(struct reader *r)
{
    return wrt_read_u32(take(r, 4));
}

static uint64_t get_u64(struct reader *r)
{
    return wrt_read_u64(take(r, 8));
}

static void get_name(struct reader *r, char out[WASI_NAME_BYTES])
{
    const uint32_t length = get_u32(r);
    if (length >= WASI_NAME_BYTES) {
        r->failed = true;
        return;
    }
    const uint8_t *bytes = take(r, length);
    if (r->failed)
        return;
    memcpy(out, bytes, length);
    out[length] = '\0';
    r->failed = strlen(out) != length;
}

/* False at the end. */
static bool get_saved(struct reader *r, struct saved *out)
{
    *out = (struct saved){.number = get_u32(r)};
    if (r->failed || out->number == NO_DESCRIPTOR)
        return false;
    const uint8_t *head = take(r, 3);
    out->named = head[0];
    out->stream = head[1];
    out->has_offset = head[2] != 0;
    get_name(r, out->root);
    get_name(r, out->path);
    out->rights = get_u64(r);
    out->inheriting = get_u64(r);
    out->offset = get_u64(r);
    out->flags = get_u32(r);
    return !r->failed;
}

/* The open descriptor of that name. */
static struct wasi_descriptor *find(struct wrt_wasi *wasi, const struct saved *s)
{
    for (uint32_t i = 0; i < wasi->descriptor_count; i++) {
        struct wasi_descriptor *d = &wasi->descriptors[i];
        if (d->kind == WASI_KIND_FREE)
            continue;
        if (s->named == NAMED_STREAM ? s->stream != 0 && d->stream == s->stream
                                     : d->granted_name != NULL &&
                                           strcmp(d->granted_name, s->root) == 0)
            return d;
    }
    return NULL;
}

static enum wrt_status check(struct wrt_wasi *wasi, struct reader r, struct wrt_error *error)
{
    struct saved s;
    uint32_t last = 0;
    while (get_saved(&r, &s)) {
        if (s.number >= wasi->descriptor_count || s.number < last || s.named < NAMED_STREAM ||
            s.named > NAMED_OPENED || s.flags > UINT16_MAX)
            return wrt_fail(error, WRT_ERR_CORRUPT, "the snapshot's descriptor %u is not possible",
                            s.number);
        last = s.number + 1;
        if (find(wasi, &s) == NULL)
            return wrt_fail(error, WRT_ERR_NOT_FOUND,
                            s.named == NAMED_STREAM ? "standard stream %s%u is not granted"
                                                    : "directory %s is not granted (descriptor %u)",
                            s.named == NAMED_STREAM ? "" : s.root,
                            s.named == NAMED_STREAM ? s.stream - 1u : s.number);
    }
    return !r.failed && r.at == r.end
               ? WRT_OK
               : wrt_fail(error, WRT_ERR_CORRUPT, "the snapshot of WASI is cut short");
}

/* Moves what was granted to the numbers that the guest gave it. */
static void place(struct wrt_wasi *wasi, const struct saved *s)
{
    struct wasi_descriptor *from = find(wasi, s), *to = &wasi->descriptors[s->number];
    const struct wasi_descriptor moved = *from;
    *from = *to;
    *to = moved;
    to->rights &= s->rights;
    to->inheriting &= s->inheriting;
    to->flags = (uint16_t)s->flags;
    to->is_kept = true;
}

static enum wrt_status reopen(struct wrt_wasi *wasi, const struct saved *s,
                              struct wrt_error *error)
{
    const struct wasi_descriptor *root = find(wasi, s);
    struct wasi_descriptor *to = &wasi->descriptors[s->number];
    enum wrt_errno failure = WRT_ERRNO_BADF;
    if (root != NULL && to->kind == WASI_KIND_FREE)
        failure = wrt_wasi_reopen(wasi, root, s->path, s->rights, s->inheriting, s->flags, to);
    uint64_t there = 0;
    if (failure == WRT_ERRNO_OK && s->has_offset)
        failure = wrt_port_file_seek(to->file, (int64_t)s->offset, WRT_PORT_SEEK_SET, &there);
    return failure == WRT_ERRNO_OK
               ? WRT_OK
               : wrt_fail(error, WRT_ERR_NOT_FOUND, "%s beneath %s does not open (WASI error %d)",
                          s->path, s->root, (int)failure);
}

static enum wrt_status apply(struct wrt_wasi *wasi, struct reader r, struct wrt_error *error)
{
    const struct reader start = r;
    struct saved s;
    enum wrt_status status = WRT_OK;
    while (get_saved(&r, &s))
        if (s.named != NAMED_OPENED)
            place(wasi, &s);
    for (uint32_t i = 0; i < wasi->descriptor_count; i++)
        if (!wasi->descriptors[i].is_kept)
            wrt_wasi_release(&wasi->descriptors[i]);
    for (r = start; status == WRT_OK && get_saved(&r, &s);)
        if (s.named == NAMED_OPENED)
            status = reopen(wasi, &s, error);
    for (uint32_t i = 0; i < wasi->descriptor_count; i++)
        wasi->descriptors[i].is_kept = false;
    return status;
}

enum wrt_status wrt_wasi_restore(struct wrt_wasi *wasi, const void *bytes, size_t size_bytes,
                                 struct wrt_error *error)
{
    const uint8_t *data = bytes;
    if (wasi == NULL || bytes == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "wasi and bytes must not be NULL");
    if (size_bytes < sizeof magic + 8 || memcmp(data, magic, sizeof magic) != 0 ||
        wrt_crc32c(0, data, size_bytes - 4) != wrt_read_u32(data + size_bytes - 4))
        return wrt_fail(error, WRT_ERR_CORRUPT, "no snapshot of WASI, or a damaged one");
    struct reader r = {.at = data + sizeof magic, .end = data + size_bytes - 4};
    if (get_u32(&r) != FORMAT)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "a snapshot of WASI in another format");
    const uint64_t random = get_u64(&r), elapsed = get_u64(&r);
    const bool polls = get_u32(&r) != 0;
    const uint32_t in = get_u32(&r), out = get_u32(&r), count = get_u32(&r);
    const uint64_t polled = get_u64(&r), now = now_ns();
    enum wrt_status status = check(wasi, r, error);
    if (status == WRT_OK)
        status = apply(wasi, r, error);
    if (status != WRT_OK)
        return status;
    wasi->random_state = random;
    wasi->monotonic_start_ns = now - elapsed;
    wasi->paused_poll.is_set = polls;
    wasi->paused_poll.in = in;
    wasi->paused_poll.out = out;
    wasi->paused_poll.count = count;
    wasi->paused_poll.start_ns = now - polled;
    return WRT_OK;
}
