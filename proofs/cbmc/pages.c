/* proofs/cbmc/pages.c - where the pages of a linear memory lie.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: of a reserved memory, for any configuration of sizes and guards, any growth, and a system
 *   that may refuse any call: the guards are as large as was asked and lie directly before the base and
 *   behind the maximum (M1 to M3 of memory/pages.c); only pages between them are ever made accessible,
 *   without gap, and as many as were charged; a refused growth changes nothing and a refused creation
 *   leaves nothing reserved or charged; the base never moves; freeing gives back the very reservation.
 * Bound: all 64-bit numbers, with pages of 65536 bytes and of 1; creation, end, and one growth of
 *   any memory of up to 2^33 pages (by induction any number of growths). Host pages of 4096 bytes.
 * Stubbed: the port, which answers anything and notes what is mapped; the partition, which may refuse
 *   any charge; reservations above 2^50 bytes are refused by the system.
 * Misses: images, pools, huge pages, colours, native and static providers, rights, the probe.
 *
 * PROOF quick pages_of_64k --unwind 2
 * PROOF quick pages_of_1 --unwind 2
 * PROOF quick growth_by_64k --unwind 2
 * PROOF quick growth_by_1 --unwind 2
 * MUTANT pages_of_64k src/memory/pages.c s/pages->base = pages->reservation \+ plan->before_bytes/pages->base = pages->reservation + plan->before_bytes - 1/
 * MUTANT growth_by_64k src/memory/pages.c s/delta_pages > pages->maximum_pages - now_pages/now_pages + delta_pages > pages->maximum_pages + 1/
 * MUTANT growth_by_64k src/memory/pages.c s/wrt_pages_uncharge\(pages->partition, more\);/;/
 * MUTANT growth_by_1 src/memory/pages.c s/uint64_t committed = round_to_host\(size_bytes\)/uint64_t committed = size_bytes/
 * MUTANT pages_of_1 src/memory/pages.c s/!wrt_align_u64\(config->guard_after_bytes, page, &plan->after_bytes\)/((plan->after_bytes = config->guard_after_bytes), false)/
 */
#include "memory/contents.c"
#include "memory/pages.c"
#include "stubs.h"

/* ---- a system and a partition that may refuse ---- */

enum { HOST_PAGE = 4096 };
static uint8_t space[1];
static uint64_t reserved, charged, opened_from, opened_to;
static bool is_reserved;

size_t wrt_port_page_bytes(void)
{
    return HOST_PAGE;
}

static uint64_t offset_of(const void *start)
{
    return (uint64_t)((uintptr_t)start - (uintptr_t)space);
}

enum wrt_status wrt_port_reserve(const struct wrt_port_request *request, void **out)
{
    prove(!is_reserved, "reserved once");
    prove(request->bytes > 0 && request->rights == WRT_PORT_NONE, "nothing is accessible at first");
    if (any_bool() || request->bytes > UINT64_C(1) << 50)
        return WRT_ERR_NO_MEMORY;
    reserved = request->bytes;
    is_reserved = true;
    *out = space;
    return WRT_OK;
}

enum wrt_status wrt_port_commit(void *start, size_t size_bytes, enum wrt_port_rights rights)
{
    const uint64_t from = offset_of(start);
    prove(is_reserved && from <= reserved && size_bytes <= reserved - from, "inside the reservation");
    prove(from % HOST_PAGE == 0 && size_bytes % HOST_PAGE == 0, "whole pages");
    if (any_bool())
        return WRT_ERR_NO_MEMORY;
    if (rights == WRT_PORT_READ)
        return WRT_OK; /* a guard that may be read */
    if (opened_from == opened_to)
        opened_from = opened_to = from;
    prove(from == opened_to, "no gap, nothing twice");
    opened_to = from + size_bytes;
    return WRT_OK;
}

enum wrt_status wrt_commit_with(const struct wrt_colour_runs *runs, void *start, size_t size_bytes,
                                unsigned rights)
{
    (void)runs;
    return wrt_port_commit(start, size_bytes, (enum wrt_port_rights)rights);
}

enum wrt_status wrt_cache_colour_runs(const struct wrt_cache_colour *colour, struct wrt_colour_runs *out,
                                      struct wrt_error *error)
{
    (void)colour, (void)out, (void)error;
    return WRT_ERR_UNSUPPORTED; /* never asked: no memory here has a colour */
}

enum wrt_status wrt_port_decommit(void *start, size_t size_bytes)
{
    prove(offset_of(start) >= opened_from && offset_of(start) + size_bytes == opened_to, "the last pages");
    opened_to -= size_bytes;
    return WRT_OK;
}

enum wrt_status wrt_port_release(void *start, size_t size_bytes)
{
    prove(is_reserved && start == space && size_bytes == reserved, "the very reservation");
    is_reserved = false;
    opened_from = opened_to = 0;
    return WRT_OK;
}

enum wrt_status wrt_port_prefault(void *start, size_t size_bytes, bool lock)
{
    (void)lock;
    prove(offset_of(start) >= opened_from && offset_of(start) + size_bytes <= opened_to, "open pages");
    return any_bool() ? WRT_OK : WRT_ERR_DENIED;
}

enum wrt_status wrt_partition_charge(struct wrt_partition *partition, enum wrt_charge charge,
                                     uint64_t size_bytes, struct wrt_error *error)
{
    (void)partition, (void)error;
    prove(charge == WRT_CHARGE_LINEAR && size_bytes > 0, "charged as LINEAR");
    if (any_bool() || size_bytes > UINT64_MAX - charged)
        return WRT_ERR_PARTITION_MAX;
    charged += size_bytes;
    return WRT_OK;
}

void wrt_partition_uncharge(struct wrt_partition *partition, enum wrt_charge charge, uint64_t size_bytes)
{
    (void)partition, (void)charge;
    prove(size_bytes <= charged, "no more than was charged");
    charged -= size_bytes;
}

enum wrt_verification_level wrt_partition_verification(const struct wrt_partition *partition)
{
    (void)partition;
    return WRT_VERIFY_OFF;
}

bool wrt_check_is_on(enum wrt_check check, enum wrt_verification_level level)
{
    (void)check, (void)level;
    return false;
}

bool wrt_partition_is_sealed(const struct wrt_partition *partition)
{
    (void)partition;
    return false;
}

enum wrt_status wrt_partition_check_open(const struct wrt_partition *partition, struct wrt_error *error)
{
    (void)partition, (void)error;
    return any_bool() ? WRT_OK : WRT_ERR_STATE;
}

struct wrt_owner wrt_partition_owner(const struct wrt_partition *partition)
{
    (void)partition;
    return (struct wrt_owner){.is_sealed = false};
}

enum wrt_status wrt_owner_add(const struct wrt_owner *owner, const void *start, uint64_t size_bytes,
                              uint32_t *out)
{
    (void)owner;
    prove(offset_of(start) == 0 && size_bytes == reserved, "the whole is known as its own");
    *out = 1;
    return any_bool() ? WRT_OK : WRT_ERR_NO_SPACE;
}

void wrt_owner_remove(uint32_t ticket)
{
    (void)ticket;
}

enum wrt_status wrt_region_add(struct wrt_partition_region *region, struct wrt_partition *partition,
                               void *start, uint64_t size_bytes, enum wrt_port_rights rights)
{
    (void)region, (void)partition, (void)start, (void)rights;
    prove(size_bytes == opened_to - opened_from, "what is accessible");
    return any_bool() ? WRT_OK : WRT_ERR_NO_SPACE;
}

void wrt_region_remove(struct wrt_partition_region *region)
{
    (void)region;
}

void wrt_region_resize(struct wrt_partition_region *region, uint64_t size_bytes)
{
    (void)region, (void)size_bytes;
}

void wrt_page_image_use(struct wrt_page_image *image)
{
    prove(image == NULL, "no image");
}

void wrt_page_image_leave(struct wrt_page_image *image)
{
    (void)image;
}

/* ---- the proof ---- */

static char partition[1];
static struct wrt_page_allocator pages;

static struct wrt_page_config any_config(uint64_t page_bytes)
{
    return (struct wrt_page_config){.provider = WRT_PAGES_RESERVED,
                                    .page_bytes = page_bytes,
                                    .initial_pages = any_u64(),
                                    .maximum_pages = any_u64(),
                                    .guard_before_bytes = any_u64(),
                                    .guard_after_bytes = any_u64(),
                                    .guard_is_readable = any_bool(),
                                    .prefault = any_bool()};
}

static void check_geometry(const struct wrt_page_config *config)
{
    const uint64_t base = offset_of(pages.base), maximum = pages.maximum_pages * pages.page_bytes;
    prove(base == pages.guard_before_bytes && base >= config->guard_before_bytes &&
              base - config->guard_before_bytes < HOST_PAGE, "M1: the guard before");
    prove(pages.guard_after_bytes >= config->guard_after_bytes &&
              reserved - pages.guard_after_bytes >= base + maximum, "M3: the guard after");
    prove(reserved - pages.guard_after_bytes - base - maximum < HOST_PAGE || reserved == HOST_PAGE,
          "directly behind the maximum");
    prove(pages.committed_bytes >= pages.size_bytes &&
              pages.committed_bytes - pages.size_bytes < HOST_PAGE, "M2");
    prove(charged == pages.committed_bytes, "what is committed is charged");
    prove(pages.size_bytes <= maximum, "never above the maximum");
    prove(opened_to - opened_from == pages.committed_bytes, "exactly that is accessible");
    prove(opened_from == opened_to ||
              (opened_from == base && opened_to <= reserved - pages.guard_after_bytes),
          "between the guards");
}

static void create(uint64_t page_bytes)
{
    const struct wrt_page_config config = any_config(page_bytes);
    struct wrt_partition *const owner = (struct wrt_partition *)(void *)partition;

    if (wrt_pages_allocate(&pages, owner, &config, NULL) != WRT_OK) {
        prove(!is_reserved && charged == 0, "a refused creation leaves nothing");
        return;
    }
    check_geometry(&config);
    prove(pages.size_bytes == config.initial_pages * page_bytes, "as large as was asked");
    wrt_pages_free(&pages);
    prove(!is_reserved && charged == 0, "all is given back");
}

/* Any memory that check_geometry holds of. */
static void grow(uint64_t page_bytes)
{
    const struct wrt_page_config config = any_config(page_bytes);
    const uint64_t before = any_below(UINT64_C(1) << 40), after = any_below(UINT64_C(1) << 40);
    assume(before % HOST_PAGE == 0 && after % HOST_PAGE == 0);
    pages = (struct wrt_page_allocator){.provider = WRT_PAGES_RESERVED,
                                        .page_bytes = page_bytes,
                                        .partition = (struct wrt_partition *)(void *)partition,
                                        .reservation = space,
                                        .base = space + before,
                                        .guard_before_bytes = before,
                                        .guard_after_bytes = after,
                                        .prefault = config.prefault,
                                        .maximum_pages = any_below(UINT64_C(1) << 33)};
    const uint64_t now = any_below(UINT64_C(1) << 33), delta = any_u64();
    pages.size_bytes = now * page_bytes;
    charged = pages.committed_bytes = round_to_host(pages.size_bytes);
    reserved = before + round_to_host(pages.maximum_pages * page_bytes) + after;
    is_reserved = true;
    opened_from = before, opened_to = before + pages.committed_bytes;
    assume(now <= pages.maximum_pages && reserved > 0);

    const uint64_t committed = pages.committed_bytes;
    const bool grown = wrt_pages_grow(&pages, delta, NULL) == WRT_OK;
    prove(pages.size_bytes == (grown ? now + delta : now) * page_bytes, "grown by that much, or not");
    prove(grown || pages.committed_bytes == committed, "a refused growth changes nothing");
    prove(pages.base == space + before, "the base never moves");
    prove(charged == pages.committed_bytes && pages.committed_bytes == round_to_host(pages.size_bytes),
          "M2: whole host pages, charged");
    prove(pages.size_bytes <= pages.maximum_pages * page_bytes, "never above the maximum");
    prove(opened_from == before || opened_from == opened_to, "accessible from the base");
    prove(opened_to - opened_from == pages.committed_bytes && opened_to <= reserved - after,
          "exactly that is accessible, below the guard");
}

void pages_of_64k(void)
{
    create(65536);
}

void pages_of_1(void)
{
    create(1);
}

void growth_by_64k(void)
{
    grow(65536);
}

void growth_by_1(void)
{
    grow(1);
}
