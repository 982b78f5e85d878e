/* src/arena/slab.c - see slab.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "arena/slab.h"

#include "base/tags.h"
#include "port_hardware.h"

struct wrt_slab_range {
    struct wrt_slab_range *next;
    size_t bytes;
};

static unsigned rights_of(const struct wrt_arena_slab *slab)
{
    return WRT_PORT_READ_WRITE | (slab->is_tagged ? WRT_PORT_TAGGED : 0u);
}

static enum wrt_status commit(const struct wrt_arena_slab *slab, void *pages, size_t bytes)
{
    if (slab->key != 0)
        return wrt_port_key_protect(pages, bytes, rights_of(slab), slab->key);
    return wrt_port_commit(pages, bytes, rights_of(slab));
}

static size_t round_up(size_t bytes)
{
    size_t page = wrt_port_page_bytes();

    return (bytes + page - 1) & ~(page - 1);
}

enum wrt_status wrt_slab_init(struct wrt_arena_slab *slab, uint64_t reserved_bytes)
{
    struct wrt_port_request request = {.rights = WRT_PORT_NONE};
    enum wrt_status status;
    void *base;

    if (reserved_bytes > PTRDIFF_MAX / 2)
        return WRT_ERR_NO_MEMORY;
    request.bytes = round_up((size_t)reserved_bytes);
    status = wrt_port_reserve(&request, &base);
    if (status == WRT_OK)
        *slab = (struct wrt_arena_slab){.base = base, .reserved_bytes = request.bytes};
    return status;
}

void wrt_slab_deinit(struct wrt_arena_slab *slab)
{
    if (slab->base != NULL)
        (void)!wrt_port_release(slab->base, slab->reserved_bytes);
    *slab = (struct wrt_arena_slab){0};
}

static uint8_t *end_of(struct wrt_slab_range *range)
{
    return (uint8_t *)range + range->bytes;
}

/* First fit; what is left over stays in the list at the same place. */
static void *take_free(struct wrt_arena_slab *slab, size_t bytes)
{
    struct wrt_slab_range **link = &slab->free;
    struct wrt_slab_range *range;

    while (*link != NULL && (*link)->bytes < bytes)
        link = &(*link)->next;
    range = *link;
    if (range == NULL)
        return NULL;
    if (range->bytes > bytes) {
        struct wrt_slab_range *rest = (struct wrt_slab_range *)(void *)((uint8_t *)range + bytes);

        *rest = (struct wrt_slab_range){.next = range->next, .bytes = range->bytes - bytes};
        *link = rest;
    } else {
        *link = range->next;
    }
    return range;
}

enum wrt_status wrt_slab_take(struct wrt_arena_slab *slab, size_t size_bytes, void **out)
{
    size_t bytes = round_up(size_bytes);
    void *pages = take_free(slab, bytes);
    enum wrt_status status;

    if (pages != NULL) {
        *out = pages;
        return WRT_OK;
    }
    if (bytes > slab->reserved_bytes - slab->open_bytes)
        return WRT_ERR_NO_MEMORY;
    status = commit(slab, slab->base + slab->open_bytes, bytes);
    if (status != WRT_OK)
        return status;
    *out = slab->base + slab->open_bytes;
    slab->open_bytes += bytes;
    return WRT_OK;
}

/* Puts the range into the list, merged with the neighbours it touches, and returns it. */
static struct wrt_slab_range *insert(struct wrt_arena_slab *slab, void *pages, size_t bytes)
{
    struct wrt_slab_range *range = pages, *before = NULL, *after = slab->free;

    while (after != NULL && (uint8_t *)after < (uint8_t *)range) {
        before = after;
        after = after->next;
    }
    *range = (struct wrt_slab_range){.next = after, .bytes = bytes};
    if (after != NULL && end_of(range) == (uint8_t *)after)
        *range = (struct wrt_slab_range){.next = after->next, .bytes = bytes + after->bytes};
    if (before == NULL) {
        slab->free = range;
        return range;
    }
    before->next = range;
    if (end_of(before) != (uint8_t *)range)
        return range;
    before->bytes += range->bytes;
    before->next = range->next;
    return before;
}

static void remove_last(struct wrt_arena_slab *slab, struct wrt_slab_range *range)
{
    struct wrt_slab_range **link = &slab->free;

    while (*link != range)
        link = &(*link)->next;
    *link = NULL;
    slab->open_bytes -= range->bytes;
}

void wrt_slab_give(struct wrt_arena_slab *slab, void *pages, size_t size_bytes)
{
    size_t bytes = round_up(size_bytes), page = wrt_port_page_bytes();
    struct wrt_slab_range *range = insert(slab, pages, bytes);

    if (end_of(range) == slab->base + slab->open_bytes) {
        size_t all = range->bytes;

        remove_last(slab, range);
        if (wrt_port_decommit(range, all) == WRT_OK)
            return;
        slab->open_bytes += all; /* kept: still committed, so it can be handed out again */
        (void)insert(slab, range, all);
    } else if (range != pages) {
        (void)!wrt_port_reset(pages, bytes);
    } else if (bytes > page) {
        (void)!wrt_port_reset((uint8_t *)pages + page, bytes - page);
    }
}

/* Turns the tags over, if they stand the other way. */
static enum wrt_status flip(struct wrt_arena_slab *slab, bool is_flipped)
{
    if (slab->is_flipped != is_flipped)
        wrt_tag_flip(slab->base, slab->open_bytes);
    slab->is_flipped = is_flipped;
    return WRT_OK;
}

static enum wrt_status turn_key(const struct wrt_arena_slab *slab, bool is_open)
{
    wrt_port_key_open(slab->key, is_open);
    return WRT_OK;
}

enum wrt_status wrt_slab_open(struct wrt_arena_slab *slab)
{
    if (slab->key != 0)
        return turn_key(slab, true);
    if (slab->by_tags)
        return flip(slab, false);
    if (slab->open_bytes == 0)
        return WRT_OK;
    return wrt_port_protect(slab->base, slab->open_bytes, rights_of(slab));
}

enum wrt_status wrt_slab_close(struct wrt_arena_slab *slab)
{
    if (slab->key != 0)
        return turn_key(slab, false);
    if (slab->by_tags)
        return flip(slab, true);
    if (slab->open_bytes == 0)
        return WRT_OK;
    return wrt_port_protect(slab->base, slab->open_bytes, WRT_PORT_NONE);
}
