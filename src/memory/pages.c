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
#include "memory/pages.h"

#include "base/checked.h"
#include "base/error.h"
#include "memory/image.h"
#include "port_hardware.h"
#include "partition/region.h"

#include <inttypes.h>
#include <string.h>

enum { DEFAULT_PAGE_BYTES = 65536 };

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

/* An image's pages are the object's, which has no tags. */
static bool can_tag(const struct wrt_page_config *config)
{
    return wrt_port_has_tags() && config->provider == WRT_PAGES_RESERVED && config->image == NULL;
}

static enum wrt_status plan_reservation(const struct wrt_page_config *config,
                                        struct plan *plan, struct wrt_error *error)
{
    uint64_t page = host_page();
    uint64_t rounded;

    if (config->image != NULL && config->image->size_bytes > round_to_host(plan->initial_bytes))
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "an image of %" PRIu64 " bytes for a memory of %" PRIu64,
                        config->image->size_bytes, plan->initial_bytes);
    if (!wrt_align_u64(plan->maximum_bytes, page, &rounded) ||
        !wrt_align_u64(config->guard_before_bytes, page, &plan->before_bytes) ||
        !wrt_align_u64(config->guard_after_bytes, page, &plan->after_bytes) ||
        !wrt_add_u64(rounded, plan->before_bytes, &plan->reservation_bytes) ||
        !wrt_add_u64(plan->reservation_bytes, plan->after_bytes, &plan->reservation_bytes) ||
        plan->reservation_bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_OVERFLOW,
                        "maximum and guards do not fit the address space");
    plan->committed_bytes = round_to_host(plan->initial_bytes);
    return WRT_OK;
}

enum wrt_status wrt_pages_charge(struct wrt_partition *partition, uint64_t size_bytes,
                                 struct wrt_error *error)
{
    if (size_bytes == 0)
        return WRT_OK;
    return wrt_partition_charge(partition, WRT_CHARGE_LINEAR, size_bytes, error);
}

void wrt_pages_uncharge(struct wrt_partition *partition, uint64_t size_bytes)
{
    if (size_bytes != 0)
        wrt_partition_uncharge(partition, WRT_CHARGE_LINEAR, size_bytes);
}

/* ---- reserved ---- */

/* A memory whose maximum is 0 and that has no guards reserves one page, so that it has a
 * base. */
static enum wrt_status reserve(const struct wrt_page_config *config, struct plan *plan,
                               void **out, struct wrt_error *error)
{
    struct wrt_port_request request = {
        .rights = WRT_PORT_NONE,
        .huge = (enum wrt_port_huge)config->huge_pages,
        .has_node = config->has_node,
        .node = config->numa_node,
        .pool = config->typed_pool,
    };
    enum wrt_status status;

    if (plan->reservation_bytes == 0)
        plan->reservation_bytes = host_page();
    request.bytes = (size_t)plan->reservation_bytes;
    if (config->huge_pages == WRT_HUGE_ADVISE)
        request.alignment_bytes = wrt_port_huge_page_bytes();
    status = wrt_port_reserve(&request, out);
    if (status == WRT_ERR_UNSUPPORTED && (config->typed_pool != NULL || config->has_node))
        return wrt_fail(error, status, "the system has no such %s",
                        config->typed_pool != NULL ? "typed_pool" : "numa_node");
    if (status != WRT_OK)
        return wrt_fail(error, status,
                        "the system refused to reserve %" PRIu64 " bytes of addresses",
                        plan->reservation_bytes);
    return WRT_OK;
}

static enum wrt_status open_guard(uint8_t *start, uint64_t size_bytes, struct wrt_error *error)
{
    enum wrt_status status;

    if (size_bytes == 0)
        return WRT_OK;
    status = wrt_port_commit(start, (size_t)size_bytes, WRT_PORT_READ);
    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused a readable guard");
    return WRT_OK;
}

static enum wrt_status set_guards(struct wrt_page_allocator *pages, const struct plan *plan,
                                  struct wrt_error *error)
{
    enum wrt_status status;

    if (!pages->guard_is_readable)
        return WRT_OK;
    status = open_guard(pages->reservation, plan->before_bytes, error);
    if (status != WRT_OK)
        return status;
    return open_guard(pages->reservation + plan->reservation_bytes - plan->after_bytes,
                      plan->after_bytes, error);
}

static enum wrt_status make_accessible(struct wrt_page_allocator *pages,
                                       const struct plan *plan, struct wrt_error *error)
{
    struct wrt_owner owner = wrt_partition_owner(pages->partition);
    enum wrt_status status = set_guards(pages, plan, error);

    owner.tag = (uint8_t)wrt_pointer_tag(pages->base);
    if (status == WRT_OK)
        status = wrt_pages_populate(pages, plan->committed_bytes, error);
    if (status == WRT_OK)
        status = wrt_owner_add(&owner, pages->reservation, plan->reservation_bytes,
                               &pages->owner_ticket);
    if (status == WRT_ERR_NO_SPACE)
        return wrt_fail(error, status, "no room to remember one more linear memory");
    return status;
}

/* Another than those of the memories before and after it. */
static uint8_t *choose_tag(const struct wrt_page_allocator *pages)
{
    return wrt_tag_choose(pages->base,
                          wrt_owner_tags_beside(pages->reservation,
                                                pages->reservation + pages->reservation_bytes));
}

static enum wrt_status map_reserved(struct wrt_page_allocator *pages,
                                    const struct wrt_page_config *config, struct plan *plan,
                                    struct wrt_error *error)
{
    enum wrt_status status;
    void *start;

    status = reserve(config, plan, &start, error);
    if (status != WRT_OK)
        return status;
    pages->reservation = start;
    pages->reservation_bytes = plan->reservation_bytes;
    pages->guard_before_bytes = plan->before_bytes;
    pages->guard_after_bytes = plan->after_bytes;
    pages->base = pages->reservation + plan->before_bytes;
    if (config->tags != WRT_TAGGING_OFF && can_tag(config))
        pages->base = choose_tag(pages);
    status = make_accessible(pages, plan, error);
    if (status != WRT_OK)
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
    status = wrt_pages_charge(pages->partition, plan->committed_bytes, error);
    if (status != WRT_OK)
        return status;
    status = map_reserved(pages, config, plan, error);
    if (status != WRT_OK)
        wrt_pages_uncharge(pages->partition, plan->committed_bytes);
    return status;
}

static enum wrt_status grow_reserved(struct wrt_page_allocator *pages, uint64_t size_bytes,
                                     struct wrt_error *error)
{
    uint64_t committed = round_to_host(size_bytes);
    uint64_t more = committed - pages->committed_bytes;
    enum wrt_status status = wrt_pages_charge(pages->partition, more, error);

    if (status != WRT_OK)
        return status;
    status = wrt_pages_commit(pages, pages->committed_bytes, committed, error);
    if (status == WRT_OK)
        status = wrt_pages_verify(pages, size_bytes, pages->size_bytes, error);
    if (status != WRT_OK) {
        if (more != 0 && status == WRT_ERR_CORRUPT)
            (void)!wrt_port_decommit(pages->base + pages->committed_bytes, (size_t)more);
        wrt_pages_uncharge(pages->partition, more);
        return status;
    }
    pages->committed_bytes = committed;
    wrt_region_resize(&pages->region, committed);
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
    status = wrt_pages_charge(partition, size_bytes, error);
    if (status != WRT_OK)
        return status;
    status = wrt_port_heap_allocate((size_t)host_page(), size_bytes ? (size_t)size_bytes : 1,
                                    &block);
    if (status != WRT_OK) {
        wrt_pages_uncharge(partition, size_bytes);
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
    wrt_pages_uncharge(pages->partition, pages->committed_bytes);
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
    status = wrt_pages_charge(pages->partition, plan->initial_bytes, error);
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
    status = wrt_pages_charge(pages->partition, size_bytes - pages->committed_bytes, error);
    if (status != WRT_OK)
        return status;
    memset(pages->base + pages->size_bytes, 0, (size_t)(size_bytes - pages->size_bytes));
    pages->committed_bytes = size_bytes;
    return WRT_OK;
}

/* ---- the public calls ---- */

static enum wrt_status refuse_field(const char *field, struct wrt_error *error)
{
    return wrt_fail(error, WRT_ERR_UNSUPPORTED, "this page provider cannot serve %s", field);
}

/* What only some providers can do. */
static enum wrt_status check_fields(const struct wrt_partition *partition,
                                    const struct wrt_page_config *config,
                                    struct wrt_error *error)
{
    bool is_reserved = config->provider == WRT_PAGES_RESERVED;
    bool is_pooled = config->provider == WRT_PAGES_POOLED;
    bool is_ours = is_reserved || is_pooled || config->provider == WRT_PAGES_SHARED;
    bool has_guards = config->guard_before_bytes != 0 || config->guard_after_bytes != 0;

    if (has_guards && (is_pooled || !is_ours))
        return refuse_field("guards", error);
    if (config->image != NULL && !is_reserved && !is_pooled)
        return refuse_field("image", error);
    if (!is_reserved && config->huge_pages != WRT_HUGE_DEFAULT)
        return refuse_field("huge_pages", error);
    if (!is_reserved && (config->has_node || config->typed_pool != NULL))
        return refuse_field(config->has_node ? "numa_node" : "typed_pool", error);
    if (!is_ours && (config->prefault || config->lock))
        return refuse_field("prefault and lock", error);
    if (!is_ours && wrt_partition_is_sealed(partition))
        return refuse_field("a sealed partition", error);
    if ((unsigned)config->tags > WRT_TAGGING_REQUIRED)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no tags %d", (int)config->tags);
    if (config->tags == WRT_TAGGING_REQUIRED && !can_tag(config))
        return refuse_field(wrt_port_has_tags() ? "tags" : "tags: the machine has none", error);
    if (config->colour.count != 0 && (!is_reserved || config->image != NULL))
        return refuse_field("colour", error);
    if (config->colour.count != 0 && config->huge_pages != WRT_HUGE_DEFAULT)
        return refuse_field("colour with huge_pages", error);
    if ((unsigned)config->huge_pages > WRT_HUGE_ADVISE)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "no huge_pages %d", (int)config->huge_pages);
    return WRT_OK;
}

static enum wrt_status allocate_by_provider(struct wrt_page_allocator *pages,
                                            const struct wrt_page_config *config,
                                            struct plan *plan, struct wrt_error *error)
{
    switch (config->provider) {
    case WRT_PAGES_RESERVED:
        return allocate_reserved(pages, config, plan, error);
    case WRT_PAGES_NATIVE:
        return allocate_native(pages, plan, error);
    case WRT_PAGES_STATIC:
        return allocate_static(pages, config, plan, error);
    case WRT_PAGES_POOLED:
        return wrt_page_pool_take(pages, config, plan, error);
    case WRT_PAGES_SHARED:
        return wrt_shared_memory_map(pages, config, plan, error);
    }
    return wrt_fail(error, WRT_ERR_ARGUMENT, "no page provider %d", (int)config->provider);
}

static struct wrt_page_allocator start_from(struct wrt_partition *partition,
                                            const struct wrt_page_config *config,
                                            const struct plan *plan)
{
    enum wrt_verification_level level = wrt_partition_verification(partition);
    bool is_lasting = config->provider != WRT_PAGES_NATIVE && config->provider != WRT_PAGES_STATIC;

    return (struct wrt_page_allocator){
        .page_bytes = plan->page_bytes,
        .maximum_pages = config->maximum_pages,
        .partition = partition,
        .provider = config->provider,
        .initial_bytes = plan->initial_bytes,
        .image = config->image,
        .is_probed = is_lasting && wrt_check_is_on(WRT_CHECK_MEMORY_PROBE, level),
        .is_zero_checked = wrt_check_is_on(WRT_CHECK_MEMORY_ZERO, level),
        .prefault = config->prefault || config->lock,
        .lock = config->lock,
        .guard_is_readable = config->guard_is_readable,
        .huge_pages = config->huge_pages,
    };
}

/* Where it lies for good: the partition's list holds its address. */
static enum wrt_status close_with_partition(struct wrt_page_allocator *pages)
{
    bool is_reader = pages->shared != NULL && pages->partition != pages->shared->owner &&
                     pages->shared->peer_reads_only;
    uint64_t bytes = pages->shared != NULL ? pages->size_bytes : pages->committed_bytes;

    return wrt_region_add(&pages->region, pages->partition, pages->base, bytes,
                          is_reader ? (unsigned)WRT_PORT_READ : rights_when_open(pages));
}

enum wrt_status wrt_pages_allocate(struct wrt_page_allocator *pages,
                                   struct wrt_partition *partition,
                                   const struct wrt_page_config *config,
                                   struct wrt_error *error)
{
    struct wrt_page_allocator made;
    struct plan plan = {0};
    enum wrt_status status = plan_sizes(config, &plan, error);

    if (status == WRT_OK)
        status = check_fields(partition, config, error);
    if (status == WRT_OK)
        status = wrt_partition_check_open(partition, error);
    if (status != WRT_OK)
        return status;
    made = start_from(partition, config, &plan);
    if (config->colour.count != 0)
        status = wrt_cache_colour_runs(&config->colour, &made.runs, error);
    if (status == WRT_OK)
        status = allocate_by_provider(&made, config, &plan, error);
    if (status != WRT_OK)
        return status;
    made.size_bytes = plan.initial_bytes;
    made.committed_bytes = plan.committed_bytes;
    wrt_page_image_use(made.image);
    status = wrt_pages_verify(&made, made.size_bytes,
                              made.image != NULL ? made.image->size_bytes : 0, error);
    if (status != WRT_OK) {
        wrt_pages_free(&made);
        return status;
    }
    *pages = made;
    status = close_with_partition(pages);
    if (status != WRT_OK) {
        wrt_pages_free(pages);
        return wrt_fail(error, status, "no room to remember one more linear memory");
    }
    return WRT_OK;
}

static enum wrt_status grow_by_provider(struct wrt_page_allocator *pages, uint64_t size_bytes,
                                        struct wrt_error *error)
{
    switch (pages->provider) {
    case WRT_PAGES_RESERVED:
    case WRT_PAGES_POOLED:
        return grow_reserved(pages, size_bytes, error);
    case WRT_PAGES_NATIVE:
        return grow_native(pages, size_bytes, error);
    case WRT_PAGES_STATIC:
        return grow_static(pages, size_bytes, error);
    case WRT_PAGES_SHARED:
        break;
    }
    return wrt_fail(error, WRT_ERR_UNSUPPORTED, "a shared memory never grows");
}

enum wrt_status wrt_pages_grow(struct wrt_page_allocator *pages, uint64_t delta_pages,
                               struct wrt_error *error)
{
    uint64_t now_pages = pages->size_bytes / pages->page_bytes;
    enum wrt_status status;
    uint64_t size_bytes;

    if (delta_pages > pages->maximum_pages - now_pages)
        return wrt_fail(error, WRT_ERR_LIMIT,
                        "%" PRIu64 " more pages than %" PRIu64 " are above the maximum, %" PRIu64,
                        delta_pages, now_pages, pages->maximum_pages);
    if (delta_pages == 0)
        return WRT_OK;
    status = wrt_partition_check_open(pages->partition, error);
    if (status != WRT_OK)
        return status;
    size_bytes = (now_pages + delta_pages) * pages->page_bytes;
    status = grow_by_provider(pages, size_bytes, error);
    if (status == WRT_OK)
        pages->size_bytes = size_bytes;
    return status;
}

void wrt_pages_free(struct wrt_page_allocator *pages)
{
    if (pages->partition == NULL)
        return; /* never allocated, or freed already */
    wrt_region_remove(&pages->region);
    wrt_owner_remove(pages->owner_ticket);
    if (pages->provider == WRT_PAGES_RESERVED || pages->provider == WRT_PAGES_SHARED)
        (void)!wrt_port_release(pages->reservation, (size_t)pages->reservation_bytes);
    if (pages->provider == WRT_PAGES_NATIVE)
        wrt_port_heap_free(pages->base);
    if (pages->provider == WRT_PAGES_POOLED)
        wrt_page_pool_give(pages);
    wrt_page_image_leave(pages->image);
    if (pages->shared != NULL)
        pages->shared->users--;
    wrt_pages_uncharge(pages->partition, pages->committed_bytes);
    memset(pages, 0, sizeof *pages);
}
