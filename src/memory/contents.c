/* src/memory/contents.c - what stands in the pages of a linear memory: commit, image, clear,
 * rights, checks and figures.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "arena/colour.h"
#include "memory/pages.h"
#include "partition/region.h"

#include "base/checked.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

static enum wrt_status make_resident(const struct wrt_page_allocator *pages, uint64_t from,
                                     uint64_t to, struct wrt_error *error)
{
    enum wrt_status status;

    if (!pages->prefault || to == from)
        return WRT_OK;
    status = wrt_port_prefault(pages->base + from, (size_t)(to - from), pages->lock);
    if (status != WRT_OK)
        return wrt_fail(error, status, "%" PRIu64 " bytes could not be made resident%s",
                        to - from, pages->lock ? " and locked" : "");
    return WRT_OK;
}

/* New pages have tag 0. */
static void tag(const struct wrt_page_allocator *pages, uint64_t from, uint64_t to)
{
    if (wrt_pointer_tag(pages->base) != 0)
        wrt_tag_store(pages->base + from, (size_t)(to - from));
}

enum wrt_status wrt_pages_commit(struct wrt_page_allocator *pages, uint64_t from, uint64_t to,
                                 struct wrt_error *error)
{
    enum wrt_status status;

    if (to == from)
        return WRT_OK;
    status = wrt_commit_with(&pages->runs, pages->base + from, (size_t)(to - from),
                             rights_when_open(pages));
    if (status == WRT_ERR_UNSUPPORTED && pages->runs.period_bytes != 0)
        return wrt_fail(error, status, "the system gave no huge page to cut a colour out of");
    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused %" PRIu64 " bytes of linear memory",
                        to - from);
    tag(pages, from, to);
    status = make_resident(pages, from, to, error);
    if (status != WRT_OK)
        (void)!wrt_port_decommit(pages->base + from, (size_t)(to - from));
    return status;
}

static struct wrt_port_object object_of(const struct wrt_page_image *image)
{
    return (struct wrt_port_object){.handle = (intptr_t)image->object_handle,
                                    .size_bytes = (size_t)image->size_bytes};
}

static enum wrt_status map_image(struct wrt_page_allocator *pages, struct wrt_error *error)
{
    struct wrt_port_object object = object_of(pages->image);
    enum wrt_status status =
        wrt_port_object_map(&object, pages->base, WRT_PORT_READ_WRITE, true);

    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused to map an image");
    return WRT_OK;
}

enum wrt_status wrt_pages_populate(struct wrt_page_allocator *pages, uint64_t committed_bytes,
                                   struct wrt_error *error)
{
    uint64_t image_bytes = pages->image != NULL ? pages->image->size_bytes : 0;
    enum wrt_status status = WRT_OK;

    if (image_bytes != 0)
        status = map_image(pages, error);
    if (status != WRT_OK)
        return status;
    status = make_resident(pages, 0, image_bytes, error);
    if (status == WRT_OK)
        status = wrt_pages_commit(pages, image_bytes, committed_bytes, error);
    if (status != WRT_OK && image_bytes != 0)
        (void)!wrt_port_decommit(pages->base, (size_t)image_bytes);
    return status;
}

/* ---- clearing ---- */

/* The image's bytes, then zeroes, written over from .. to. */
static void clear_by_hand(struct wrt_page_allocator *pages, uint64_t from, uint64_t to)
{
    uint64_t image_bytes = pages->image != NULL ? pages->image->size_bytes : 0;
    uint64_t middle = image_bytes < from ? from : image_bytes > to ? to : image_bytes;

    if (middle > from)
        memcpy(pages->base + from, pages->image->bytes + from, (size_t)(middle - from));
    memset(pages->base + middle, 0, (size_t)(to - middle));
}

enum wrt_status wrt_pages_clear(struct wrt_page_allocator *pages, uint64_t size_bytes,
                                uint64_t keep_bytes, struct wrt_error *error)
{
    uint64_t kept = keep_bytes < size_bytes ? keep_bytes : size_bytes;
    enum wrt_status status;

    if (kept != 0)
        clear_by_hand(pages, 0, kept);
    if (kept == size_bytes)
        return WRT_OK;
    /* locked and coloured pages stay where they are */
    status = pages->lock || pages->runs.period_bytes != 0
                 ? WRT_ERR_UNSUPPORTED
                 : wrt_port_reset(pages->base + kept, (size_t)(size_bytes - kept));
    if (status == WRT_ERR_UNSUPPORTED) {
        clear_by_hand(pages, kept, size_bytes);
        return WRT_OK;
    }
    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused to reset a memory");
    tag(pages, kept, size_bytes);
    return make_resident(pages, kept, size_bytes, error);
}

static enum wrt_status give_back_growth(struct wrt_page_allocator *pages, uint64_t committed,
                                        struct wrt_error *error)
{
    uint64_t more = pages->committed_bytes - committed;
    enum wrt_status status;

    if (more == 0)
        return WRT_OK;
    status = wrt_port_decommit(pages->base + committed, (size_t)more);
    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused to take pages back");
    wrt_pages_uncharge(pages->partition, more);
    pages->committed_bytes = committed;
    wrt_region_resize(&pages->region, committed);
    return WRT_OK;
}

static enum wrt_status reset_mapped(struct wrt_page_allocator *pages, struct wrt_error *error)
{
    uint64_t committed = round_to_host(pages->initial_bytes);
    uint64_t keep_bytes = pages->pool != NULL ? pages->pool->keep_bytes : 0;
    enum wrt_status status = give_back_growth(pages, committed, error);

    if (status != WRT_OK)
        return status;
    pages->size_bytes = pages->initial_bytes;
    if (committed == 0)
        return WRT_OK;
    if (pages->is_protected) {
        status = wrt_port_protect(pages->base, (size_t)committed, rights_when_open(pages));
        if (status != WRT_OK)
            return wrt_fail(error, status, "the system refused to open a memory again");
        pages->is_protected = false;
    }
    return wrt_pages_clear(pages, committed, keep_bytes, error);
}

enum wrt_status wrt_pages_reset(struct wrt_page_allocator *pages, struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;

    switch (pages->provider) {
    case WRT_PAGES_RESERVED:
    case WRT_PAGES_POOLED:
        status = reset_mapped(pages, error);
        break;
    case WRT_PAGES_NATIVE: /* the block keeps its size and its charge */
    case WRT_PAGES_STATIC:
        memset(pages->base, 0, (size_t)pages->size_bytes);
        pages->size_bytes = pages->initial_bytes;
        break;
    case WRT_PAGES_SHARED:
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "a shared memory is not reset");
    }
    if (status != WRT_OK)
        return status;
    return wrt_pages_verify(pages, pages->size_bytes,
                            pages->image != NULL ? pages->image->size_bytes : 0, error);
}

/* ---- rights ---- */

enum wrt_status wrt_pages_protect(struct wrt_page_allocator *pages, uint64_t offset,
                                  uint64_t size_bytes, enum wrt_page_rights rights,
                                  struct wrt_error *error)
{
    enum wrt_status status;
    uint64_t end;
    unsigned all;

    if (pages->provider != WRT_PAGES_RESERVED && pages->provider != WRT_PAGES_POOLED)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "this page provider cannot change rights");
    if (wrt_partition_is_sealed(pages->partition))
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "a sealed partition opens its memories with full rights");
    if (rights != WRT_PAGE_NONE && rights != WRT_PAGE_READ && rights != WRT_PAGE_READ_WRITE &&
        rights != WRT_PAGE_READ_EXECUTE)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no rights %d", (int)rights);
    if (!wrt_add_u64(offset, size_bytes, &end))
        return wrt_fail(error, WRT_ERR_OVERFLOW, "offset and size overflow");
    if (((offset | size_bytes) & (host_page() - 1)) != 0)
        return wrt_fail(error, WRT_ERR_ALIGNMENT,
                        "range %" PRIu64 " + %" PRIu64 " is not in whole host pages", offset,
                        size_bytes);
    if (size_bytes == 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a range of 0 bytes");
    if (end > pages->size_bytes)
        return wrt_fail(error, WRT_ERR_BOUNDS,
                        "range up to %" PRIu64 " in a memory of %" PRIu64 " bytes", end,
                        pages->size_bytes);
    all = (unsigned)rights;
    if (rights != WRT_PAGE_NONE && wrt_pointer_tag(pages->base) != 0)
        all |= WRT_PORT_TAGGED;
    status = wrt_port_protect(pages->base + offset, (size_t)size_bytes, all);
    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused those rights");
    pages->is_protected = true;
    return WRT_OK;
}

/* ---- the checks "probe" and "zero" ---- */

/* Is access to the byte as it should be? A system that cannot tell counts as yes. */
static bool is_access(const uint8_t *at, unsigned rights, bool expected)
{
    enum wrt_status status = wrt_port_probe(at, rights);

    if (status == WRT_OK)
        return expected;
    return status == WRT_ERR_DENIED ? !expected : true;
}

static enum wrt_status probe_guards(const struct wrt_page_allocator *pages,
                                    uint64_t size_bytes, struct wrt_error *error)
{
    uint64_t end = round_to_host(size_bytes);
    const uint8_t *limit = pages->reservation + pages->reservation_bytes;
    const uint8_t *base = wrt_untagged(pages->base);
    unsigned forbidden = pages->guard_is_readable ? WRT_PORT_WRITE : WRT_PORT_READ;

    if (pages->guard_before_bytes != 0 && !is_access(base - 1, forbidden, false))
        return wrt_fail(error, WRT_ERR_CORRUPT, "the guard before the memory is open");
    if (base + end < limit && !is_access(base + end, forbidden, false))
        return wrt_fail(error, WRT_ERR_CORRUPT, "the byte after the memory is accessible");
    if (end != 0 && !pages->is_protected &&
        (!is_access(base, WRT_PORT_READ, true) ||
         !is_access(base + end - 1, WRT_PORT_READ, true)))
        return wrt_fail(error, WRT_ERR_CORRUPT, "the memory's own bytes are closed");
    return WRT_OK;
}

enum wrt_status wrt_pages_verify(struct wrt_page_allocator *pages, uint64_t size_bytes,
                                 uint64_t new_from, struct wrt_error *error)
{
    if (pages->is_probed) {
        enum wrt_status status = probe_guards(pages, size_bytes, error);
        if (status != WRT_OK)
            return status;
    }
    if (!pages->is_zero_checked || pages->provider == WRT_PAGES_SHARED)
        return WRT_OK;
    for (uint64_t at = new_from; at < size_bytes; at++)
        if (pages->base[at] != 0)
            return wrt_fail(error, WRT_ERR_CORRUPT, "new byte %" PRIu64 " is not zero", at);
    return WRT_OK;
}

/* ---- figures ---- */

bool wrt_pages_owns(const struct wrt_page_allocator *pages, const void *address,
                    int64_t *out_offset)
{
    uintptr_t at = (uintptr_t)wrt_untagged(address), base = (uintptr_t)wrt_untagged(pages->base);
    uintptr_t start = pages->reservation ? (uintptr_t)pages->reservation : base;
    uint64_t bytes = pages->reservation ? pages->reservation_bytes : pages->size_bytes;

    if (at < start || at - start >= bytes)
        return false;
    *out_offset = (int64_t)(at - base);
    return true;
}

void wrt_pages_get_info(const struct wrt_page_allocator *pages, struct wrt_page_info *out)
{
    struct wrt_port_range_info range;
    uint8_t here = 0;

    *out = (struct wrt_page_info){
        .size_bytes = pages->size_bytes,
        .committed_bytes = pages->committed_bytes,
        .reservation_bytes = pages->reservation_bytes,
        .guard_before_bytes = pages->guard_before_bytes,
        .guard_after_bytes = pages->guard_after_bytes,
        .huge_requested = pages->huge_pages,
        .tag = (uint8_t)wrt_pointer_tag(pages->base),
    };
    out->guards_are_probed = pages->is_probed && wrt_port_probe(&here, WRT_PORT_READ) == WRT_OK;
    if (pages->committed_bytes == 0 ||
        wrt_port_query(pages->base, (size_t)pages->committed_bytes, &range) != WRT_OK)
        return;
    out->has_figures = true;
    out->resident_bytes = range.resident_bytes;
    out->huge_bytes = range.huge_bytes;
    out->locked_bytes = range.locked_bytes;
}
