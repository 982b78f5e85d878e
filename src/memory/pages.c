/* src/memory/pages.c - linear memories: reserve once, commit as they grow.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   reservation                base            base + size         reservation + bytes
 *        |<-- guard before -->|<-- committed -->|<-- uncommitted -->|<-- guard after -->|
 *
 *   M1  base = reservation + guard_before; both multiples of the host page
 *   M2  committed = size rounded up to the host page; charged as LINEAR before it is taken
 *   M3  guard_before + round(maximum) + guard_after = reservation_bytes
 *
 * The native provider has a heap block of exactly `committed` bytes instead, and moves.
 */
#include "wrt/memory.h"

#include "base/checked.h"
#include "base/error.h"
#include "memory/owner.h"
#include "port.h"

#include <inttypes.h>
#include <string.h>

enum { DEFAULT_PAGE_BYTES = 65536 };

/* What a configuration comes to, in bytes. */
struct plan {
    uint64_t page_bytes, initial_bytes, maximum_bytes;
    uint64_t committed_bytes, before_bytes, after_bytes, reservation_bytes;
};

static uint64_t host_page(void)
{
    return wrt_port_page_bytes();
}

static enum wrt_status plan_sizes(const struct wrt_page_config *config, struct plan *plan,
                                  struct wrt_error *error)
{
    plan->page_bytes = config->page_bytes ? config->page_bytes : DEFAULT_PAGE_BYTES;
    if (!wrt_is_power_of_two_u64(plan->page_bytes) || plan->page_bytes > DEFAULT_PAGE_BYTES)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "page of %" PRIu64 " bytes is no power of two up to 65536",
                        plan->page_bytes);
    if (config->initial_pages > config->maximum_pages)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "initial %" PRIu64 " pages are above maximum %" PRIu64,
                        config->initial_pages, config->maximum_pages);
    if (!wrt_mul_u64(config->maximum_pages, plan->page_bytes, &plan->maximum_bytes))
        return wrt_fail(error, WRT_ERR_OVERFLOW, "maximum of %" PRIu64 " pages overflows",
                        config->maximum_pages);
    plan->initial_bytes = config->initial_pages * plan->page_bytes;
    return WRT_OK;
}

static enum wrt_status plan_reservation(const struct wrt_page_config *config,
                                        struct plan *plan, struct wrt_error *error)
{
    uint64_t page = host_page();
    uint64_t rounded;

    if (!wrt_align_u64(plan->maximum_bytes, page, &rounded) ||
        !wrt_align_u64(config->guard_before_bytes, page, &plan->before_bytes) ||
        !wrt_align_u64(config->guard_after_bytes, page, &plan->after_bytes) ||
        !wrt_add_u64(rounded, plan->before_bytes, &plan->reservation_bytes) ||
        !wrt_add_u64(plan->reservation_bytes, plan->after_bytes, &plan->reservation_bytes) ||
        plan->reservation_bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_OVERFLOW,
                        "maximum and guards do not fit the address space");
    plan->committed_bytes = (plan->initial_bytes + page - 1) & ~(page - 1);
    return WRT_OK;
}

static enum wrt_status charge(struct wrt_partition *partition, uint64_t size_bytes,
                              struct wrt_error *error)
{
    if (size_bytes == 0)
        return WRT_OK;
    return wrt_partition_charge(partition, WRT_CHARGE_LINEAR, size_bytes, error);
}

static void uncharge(struct wrt_partition *partition, uint64_t size_bytes)
{
    if (size_bytes != 0)
        wrt_partition_uncharge(partition, WRT_CHARGE_LINEAR, size_bytes);
}

/* ---- reserved ---- */

static enum wrt_status commit(uint8_t *base, uint64_t from, uint64_t to,
                              struct wrt_error *error)
{
    enum wrt_status status;

    if (to == from)
        return WRT_OK;
    status = wrt_port_commit(base + from, (size_t)(to - from), WRT_PORT_READ_WRITE);
    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused %" PRIu64 " bytes of linear memory",
                        to - from);
    return WRT_OK;
}

/* A memory whose maximum is 0 and that has no guards reserves one page, so that it has a
 * base. */
static enum wrt_status reserve(struct plan *plan, void **out, struct wrt_error *error)
{
    struct wrt_port_request request = {.rights = WRT_PORT_NONE};
    enum wrt_status status;

    if (plan->reservation_bytes == 0)
        plan->reservation_bytes = host_page();
    request.bytes = (size_t)plan->reservation_bytes;
    status = wrt_port_reserve(&request, out);
    if (status != WRT_OK)
        return wrt_fail(error, status,
                        "the system refused to reserve %" PRIu64 " bytes of addresses",
                        plan->reservation_bytes);
    return WRT_OK;
}

static enum wrt_status map_reserved(struct wrt_page_allocator *pages, struct plan *plan,
                                    struct wrt_error *error)
{
    enum wrt_status status;
    void *start;

    status = reserve(plan, &start, error);
    if (status != WRT_OK)
        return status;
    status = commit((uint8_t *)start + plan->before_bytes, 0, plan->committed_bytes, error);
    if (status != WRT_OK)
        goto release;
    status = wrt_owner_add(start, plan->reservation_bytes, &pages->owner_ticket);
    if (status != WRT_OK) {
        status = wrt_fail(error, status, "no room to remember one more linear memory");
        goto release;
    }
    pages->reservation = start;
    pages->reservation_bytes = plan->reservation_bytes;
    pages->guard_before_bytes = plan->before_bytes;
    pages->guard_after_bytes = plan->after_bytes;
    pages->base = (uint8_t *)start + plan->before_bytes;
    return WRT_OK;
release:
    (void)!wrt_port_release(start, (size_t)plan->reservation_bytes);
    return status;
}

static enum wrt_status allocate_reserved(struct wrt_page_allocator *pages,
                                         const struct wrt_page_config *config,
                                         struct plan *plan, struct wrt_error *error)
{
    enum wrt_status status = plan_reservation(config, plan, error);

    if (status != WRT_OK)
        return status;
    status = charge(pages->partition, plan->committed_bytes, error);
    if (status != WRT_OK)
        return status;
    status = map_reserved(pages, plan, error);
    if (status != WRT_OK)
        uncharge(pages->partition, plan->committed_bytes);
    return status;
}

static enum wrt_status grow_reserved(struct wrt_page_allocator *pages, uint64_t size_bytes,
                                     struct wrt_error *error)
{
    uint64_t page = host_page();
    uint64_t committed = (size_bytes + page - 1) & ~(page - 1);
    uint64_t more = committed - pages->committed_bytes;
    enum wrt_status status = charge(pages->partition, more, error);

    if (status != WRT_OK)
        return status;
    status = commit(pages->base, pages->committed_bytes, committed, error);
    if (status != WRT_OK) {
        uncharge(pages->partition, more);
        return status;
    }
    pages->committed_bytes = committed;
    return WRT_OK;
}

/* ---- native heap ---- */

static enum wrt_status take_native(struct wrt_partition *partition, uint64_t size_bytes,
                                   uint8_t **out, struct wrt_error *error)
{
    enum wrt_status status;
    void *block;

    if (size_bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_OVERFLOW, "%" PRIu64 " bytes do not fit the heap",
                        size_bytes);
    status = charge(partition, size_bytes, error);
    if (status != WRT_OK)
        return status;
    status = wrt_port_heap_allocate(host_page(), size_bytes ? (size_t)size_bytes : 1, &block);
    if (status != WRT_OK) {
        uncharge(partition, size_bytes);
        return wrt_fail(error, status, "the heap has no %" PRIu64 " bytes", size_bytes);
    }
    *out = block;
    return WRT_OK;
}

static enum wrt_status allocate_native(struct wrt_page_allocator *pages, struct plan *plan,
                                       struct wrt_error *error)
{
    enum wrt_status status =
        take_native(pages->partition, plan->initial_bytes, &pages->base, error);

    if (status != WRT_OK)
        return status;
    plan->committed_bytes = plan->initial_bytes;
    memset(pages->base, 0, (size_t)plan->initial_bytes);
    return WRT_OK;
}

/* Both blocks are charged while both exist. */
static enum wrt_status grow_native(struct wrt_page_allocator *pages, uint64_t size_bytes,
                                   struct wrt_error *error)
{
    uint8_t *larger;
    enum wrt_status status = take_native(pages->partition, size_bytes, &larger, error);

    if (status != WRT_OK)
        return status;
    memcpy(larger, pages->base, (size_t)pages->size_bytes);
    memset(larger + pages->size_bytes, 0, (size_t)(size_bytes - pages->size_bytes));
    wrt_port_heap_free(pages->base);
    uncharge(pages->partition, pages->committed_bytes);
    pages->base = larger;
    pages->committed_bytes = size_bytes;
    return WRT_OK;
}

/* ---- static block ---- */

static enum wrt_status allocate_static(struct wrt_page_allocator *pages,
                                       const struct wrt_page_config *config,
                                       struct plan *plan, struct wrt_error *error)
{
    enum wrt_status status;

    if (config->static_block == NULL || config->static_block_bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "provider STATIC needs a static_block");
    if (plan->initial_bytes > config->static_block_bytes)
        return wrt_fail(error, WRT_ERR_NO_SPACE,
                        "initial %" PRIu64 " bytes are more than the static block's %" PRIu64,
                        plan->initial_bytes, config->static_block_bytes);
    status = charge(pages->partition, plan->initial_bytes, error);
    if (status != WRT_OK)
        return status;
    plan->committed_bytes = plan->initial_bytes;
    pages->base = pages->reservation = config->static_block;
    pages->reservation_bytes = config->static_block_bytes;
    memset(pages->base, 0, (size_t)plan->initial_bytes);
    return WRT_OK;
}

static enum wrt_status grow_static(struct wrt_page_allocator *pages, uint64_t size_bytes,
                                   struct wrt_error *error)
{
    enum wrt_status status;

    if (size_bytes > pages->reservation_bytes)
        return wrt_fail(error, WRT_ERR_NO_SPACE,
                        "%" PRIu64 " bytes are more than the static block's %" PRIu64,
                        size_bytes, pages->reservation_bytes);
    status = charge(pages->partition, size_bytes - pages->committed_bytes, error);
    if (status != WRT_OK)
        return status;
    memset(pages->base + pages->size_bytes, 0, (size_t)(size_bytes - pages->size_bytes));
    pages->committed_bytes = size_bytes;
    return WRT_OK;
}

/* ---- the public calls ---- */

static enum wrt_status allocate_by_provider(struct wrt_page_allocator *pages,
                                            const struct wrt_page_config *config,
                                            struct plan *plan, struct wrt_error *error)
{
    switch (config->provider) {
    case WRT_PAGES_RESERVED:
        return allocate_reserved(pages, config, plan, error);
    case WRT_PAGES_NATIVE:
    case WRT_PAGES_STATIC:
        if (config->guard_before_bytes != 0 || config->guard_after_bytes != 0)
            return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                            "guards need the provider RESERVED");
        return config->provider == WRT_PAGES_NATIVE
                   ? allocate_native(pages, plan, error)
                   : allocate_static(pages, config, plan, error);
    }
    return wrt_fail(error, WRT_ERR_ARGUMENT, "no page provider %d", (int)config->provider);
}

enum wrt_status wrt_pages_allocate(struct wrt_page_allocator *pages,
                                   struct wrt_partition *partition,
                                   const struct wrt_page_config *config,
                                   struct wrt_error *error)
{
    struct wrt_page_allocator made = {.partition = partition, .provider = config->provider};
    struct plan plan = {0};
    enum wrt_status status = plan_sizes(config, &plan, error);

    if (status != WRT_OK)
        return status;
    status = allocate_by_provider(&made, config, &plan, error);
    if (status != WRT_OK)
        return status;
    made.page_bytes = plan.page_bytes;
    made.maximum_pages = config->maximum_pages;
    made.size_bytes = plan.initial_bytes;
    made.committed_bytes = plan.committed_bytes;
    *pages = made;
    return WRT_OK;
}

enum wrt_status wrt_pages_grow(struct wrt_page_allocator *pages, uint64_t delta_pages,
                               struct wrt_error *error)
{
    uint64_t now_pages = pages->size_bytes / pages->page_bytes;
    enum wrt_status status = WRT_OK;
    uint64_t size_bytes;

    if (delta_pages > pages->maximum_pages - now_pages)
        return wrt_fail(error, WRT_ERR_LIMIT,
                        "%" PRIu64 " more pages than %" PRIu64 " are above the maximum, %" PRIu64,
                        delta_pages, now_pages, pages->maximum_pages);
    if (delta_pages == 0)
        return WRT_OK;
    size_bytes = (now_pages + delta_pages) * pages->page_bytes;
    switch (pages->provider) {
    case WRT_PAGES_RESERVED:
        status = grow_reserved(pages, size_bytes, error);
        break;
    case WRT_PAGES_NATIVE:
        status = grow_native(pages, size_bytes, error);
        break;
    case WRT_PAGES_STATIC:
        status = grow_static(pages, size_bytes, error);
        break;
    }
    if (status == WRT_OK)
        pages->size_bytes = size_bytes;
    return status;
}

void wrt_pages_free(struct wrt_page_allocator *pages)
{
    if (pages->partition == NULL)
        return; /* never allocated, or freed already */
    wrt_owner_remove(pages->owner_ticket);
    if (pages->provider == WRT_PAGES_RESERVED)
        (void)!wrt_port_release(pages->reservation, (size_t)pages->reservation_bytes);
    if (pages->provider == WRT_PAGES_NATIVE)
        wrt_port_heap_free(pages->base);
    uncharge(pages->partition, pages->committed_bytes);
    memset(pages, 0, sizeof *pages);
}
