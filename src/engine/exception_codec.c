/* engine/exception_codec.c - the pool of exceptions in a snapshot.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   size | cursor | saved fuel | records | (later) the values of each, which one is on its way
 *
 * A record stands for each block of the pool, in order: first cell, cells, keeps of the host,
 * and the tag, named by the first instance that has it, and its index there. Dead exceptions
 * are written too, so that the next one that needs their room reclaims them at the same cost.
 */
#include <string.h>

#include "base/bytes.h"
#include "snapshot.h"

#define RECORD_BYTES 20u
#define OF_NOBODY UINT32_MAX /* as an instance: free room */

struct record {
    uint32_t at, cells, kept, instance, tag;
};

static struct record record_at(const struct codec *c, uint32_t index)
{
    const uint8_t *from = c->exceptions + (size_t)index * RECORD_BYTES;
    return (struct record){wrt_read_u32(from), wrt_read_u32(from + 4), wrt_read_u32(from + 8),
                           wrt_read_u32(from + 12), wrt_read_u32(from + 16)};
}

static struct wrt_exception *block_at(const struct wrt_store *store, uint32_t at)
{
    return (struct wrt_exception *)(void *)&store->exceptions.cells[at];
}

static struct wrt_tag *tag_of(struct codec *c, const struct record *r)
{
    const struct wrt_instance *i =
        r->instance == OF_NOBODY ? NULL : wrt_codec_instance_at(c, r->instance);
    return i == NULL || r->tag >= i->module->info.tag_count ? NULL : i->tags[r->tag];
}

bool wrt_codec_is_exception(struct codec *c, uint32_t at)
{
    uint32_t low = 0, high = c->exception_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const struct record r = record_at(c, middle);
        if (r.at == at)
            return r.instance != OF_NOBODY;
        if (r.at < at)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* ---- writing ---- */

static bool find_tag(struct codec *c, const struct wrt_tag *tag, struct record *out)
{
    for (uint32_t n = 0; n < c->store->instance_count; n++) {
        const struct wrt_instance *i = wrt_codec_instance_at(c, n);
        for (uint32_t k = 0; k < i->module->info.tag_count; k++)
            if (i->tags[k] == tag) {
                out->instance = n;
                out->tag = k;
                return true;
            }
    }
    return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "an exception with a tag that no instance has");
}

static bool write_record(struct codec *c, uint32_t at)
{
    const struct wrt_exception *block = block_at(c->store, at);
    struct record r = {.at = at, .cells = block->cells, .instance = OF_NOBODY};
    if (block->of.tag != NULL) {
        r.kept = block->kept;
        if (!find_tag(c, block->of.tag, &r))
            return false;
    }
    return wrt_codec_u32(c, &r.at) && wrt_codec_u32(c, &r.cells) && wrt_codec_u32(c, &r.kept) &&
           wrt_codec_u32(c, &r.instance) && wrt_codec_u32(c, &r.tag);
}

static bool write_records(struct codec *c)
{
    const uint32_t end = wrt_exception_pool(c->store);
    uint32_t count = 0;
    for (uint32_t at = 0; at < end; at += block_at(c->store, at)->cells)
        count++;
    if (!wrt_codec_u32(c, &count))
        return false;
    for (uint32_t at = 0; at < end; at += block_at(c->store, at)->cells)
        if (!write_record(c, at))
            return false;
    return true;
}

/* ---- checking ---- */

static bool refuse(struct codec *c, const char *what, uint32_t at)
{
    return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot's exceptions have %s at cell %u",
                            what, at);
}

static bool check_record(struct codec *c, const struct record *r)
{
    if (r->instance == OF_NOBODY)
        return (r->kept == 0 && r->tag == 0) || refuse(c, "free room with a tag", r->at);
    const struct wrt_tag *tag = tag_of(c, r);
    if (tag == NULL || r->kept > WRT_EXCEPTION_MOST_KEPT)
        return refuse(c, "one without a tag", r->at);
    return r->cells == wrt_exception_cells(tag) || refuse(c, "one of another size", r->at);
}

static bool check_records(struct codec *c, uint32_t cursor)
{
    const uint32_t end = wrt_exception_pool(c->store);
    bool has_cursor = cursor == end;
    uint32_t at = 0;
    for (uint32_t i = 0; i < c->exception_count; i++) {
        const struct record r = record_at(c, i);
        if (r.at != at || r.cells < WRT_EXCEPTION_HEADER || r.cells % 2 != 0 ||
            r.cells > 0xFFFFF || r.cells > end - at)
            return refuse(c, "a gap", r.at);
        if (!check_record(c, &r))
            return false;
        has_cursor |= r.at == cursor;
        at += r.cells;
    }
    return (at == end && has_cursor) || refuse(c, "an end", at);
}

/* ---- applying ---- */

static void apply_records(struct codec *c, uint32_t cursor, uint32_t saved_fuel)
{
    struct wrt_exceptions *e = &c->store->exceptions;
    memset(e->starts, 0, ((size_t)wrt_exception_pool(c->store) / 64 + 1) * sizeof *e->starts);
    for (uint32_t i = 0; i < c->exception_count; i++) {
        const struct record r = record_at(c, i);
        struct wrt_exception *block = block_at(c->store, r.at);
        *block = (struct wrt_exception){.cells = r.cells & 0xFFFFF,
                                        .kept = r.kept & WRT_EXCEPTION_MOST_KEPT};
        block->of.tag = tag_of(c, &r);
        if (block->of.tag != NULL)
            wrt_exception_mark(e, r.at, true);
    }
    e->cursor = cursor;
    e->saved_fuel = saved_fuel;
}

bool wrt_codec_exceptions(struct codec *c)
{
    const struct wrt_exceptions *e = &c->store->exceptions;
    uint32_t cursor = e->cursor, saved_fuel = e->saved_fuel;
    c->exceptions = NULL;
    c->exception_count = 0;
    if (!wrt_codec_same(c, e->cells != NULL ? wrt_exception_pool(c->store) : 0,
                        "the room for exceptions", 0))
        return false;
    if (e->cells == NULL)
        return true;
    if (!wrt_codec_u32(c, &cursor) ||
        !wrt_codec_index(c, &saved_fuel, wrt_exception_pool(c->store), "fuel saved by throws"))
        return false;
    if (c->mode == CODEC_WRITE)
        return write_records(c);
    if (!wrt_codec_u32(c, &c->exception_count) ||
        !wrt_codec_records(c, c->exception_count, RECORD_BYTES, &c->exceptions) ||
        (c->mode == CODEC_CHECK && !check_records(c, cursor)))
        return false;
    if (c->mode == CODEC_APPLY)
        apply_records(c, cursor, saved_fuel);
    return true;
}

/* ---- values ---- */

static bool codec_values(struct codec *c, const struct wrt_tag *tag, uint32_t at)
{
    const bool in_place = c->mode == CODEC_WRITE || c->mode == CODEC_APPLY;
    const struct wrt_function_type *type = tag->type;
    union cell *cells = c->store->exceptions.cells + at + WRT_EXCEPTION_HEADER;
    if (c->mode == CODEC_APPLY && wrt_cells_of(tag) % 2 != 0)
        cells[wrt_cells_of(tag)].i64 = 0; /* padding */
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        if (!wrt_codec_value(c, tag->rtt->scope, type->parameters[i], false,
                             in_place ? cells : NULL))
            return false;
        cells += wrt_type_slots(type->parameters[i]);
    }
    return true;
}

static bool write_values(struct codec *c)
{
    const struct wrt_store *store = c->store;
    const uint32_t end = store->exceptions.cells != NULL ? wrt_exception_pool(store) : 0;
    for (uint32_t at = 0; at < end; at += block_at(store, at)->cells)
        if (block_at(store, at)->of.tag != NULL &&
            !codec_values(c, block_at(store, at)->of.tag, at))
            return false;
    return true;
}

/* The one that is on its way, or was left uncaught. */
static bool codec_current(struct codec *c)
{
    union cell current = {.i64 = c->store->exceptions.current};
    if (!wrt_codec_value(c, NULL, WRT_EXNREF, false, &current))
        return false;
    c->searched = current.i64 != 0;
    if (c->mode == CODEC_APPLY)
        c->store->exceptions.current = current.i64;
    return true;
}

bool wrt_codec_exception_values(struct codec *c)
{
    if (c->mode == CODEC_WRITE)
        return write_values(c) && codec_current(c);
    for (uint32_t i = 0; i < c->exception_count; i++) {
        const struct record r = record_at(c, i);
        if (r.instance != OF_NOBODY && !codec_values(c, tag_of(c, &r), r.at))
            return false;
    }
    return codec_current(c);
}
