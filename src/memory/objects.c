/* src/memory/objects.c - images to copy from on write, memory that two partitions share,
 * and the native heap's options.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "memory/pages.h"

#include "base/checked.h"
#include "base/error.h"
#include "memory/image.h"
#include "partition/region.h"

#include <inttypes.h>
#include <string.h>

/* ---- images ---- */

/* Who writes an image's bytes. */
struct filler {
    void (*fill)(void *context, uint8_t *bytes);
    void *context;
};

/* Maps the object, has it filled, and leaves a mapping that cannot be written. */
static enum wrt_status fill_object(struct wrt_port_object *object, const struct filler *filler,
                                   uint8_t **out)
{
    struct wrt_port_request request = {.bytes = object->size_bytes, .rights = WRT_PORT_NONE};
    enum wrt_status status;
    void *place;

    status = wrt_port_reserve(&request, &place);
    if (status != WRT_OK)
        return status;
    status = wrt_port_object_map(object, place, WRT_PORT_READ_WRITE, false);
    if (status == WRT_OK) {
        filler->fill(filler->context, place);
        status = wrt_port_object_map(object, place, WRT_PORT_READ, true); /* else no freeze */
    }
    if (status == WRT_OK) {
        status = wrt_port_object_freeze(object);
        if (status == WRT_ERR_UNSUPPORTED)
            status = WRT_OK; /* no system call of ours writes it either way */
    }
    if (status != WRT_OK) {
        (void)!wrt_port_release(place, request.bytes);
        return status;
    }
    *out = place;
    return WRT_OK;
}

static enum wrt_status make_object(uint64_t rounded, const struct filler *filler,
                                   struct wrt_port_object *object, uint8_t **out)
{
    enum wrt_status status = wrt_port_object_create((size_t)rounded, object);

    if (status != WRT_OK)
        return status;
    status = fill_object(object, filler, out);
    if (status != WRT_OK)
        wrt_port_object_close(object);
    return status;
}

enum wrt_status wrt_page_image_build(struct wrt_page_image *image,
                                     struct wrt_partition *partition, uint64_t size_bytes,
                                     void (*fill)(void *context, uint8_t *bytes),
                                     void *context, struct wrt_error *error)
{
    const struct filler filler = {fill, context};
    struct wrt_port_object object;
    enum wrt_status status;
    uint64_t rounded;
    uint8_t *mapped = NULL;

    if (size_bytes == 0 || !wrt_align_u64(size_bytes, host_page(), &rounded) ||
        rounded > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "an image of %" PRIu64 " bytes", size_bytes);
    status = wrt_partition_check_open(partition, error);
    if (status != WRT_OK)
        return status;
    status = wrt_partition_charge(partition, WRT_CHARGE_DATA, rounded, error);
    if (status != WRT_OK)
        return status;
    status = make_object(rounded, &filler, &object, &mapped);
    if (status != WRT_OK) {
        wrt_partition_uncharge(partition, WRT_CHARGE_DATA, rounded);
        return wrt_fail(error, status, "the system refused an image of %" PRIu64 " bytes",
                        rounded);
    }
    *image = (struct wrt_page_image){.partition = partition, .size_bytes = rounded,
                                     .bytes = mapped, .object_handle = object.handle};
    status = wrt_region_add(&image->region, partition, mapped, rounded, WRT_PORT_READ);
    if (status != WRT_OK) {
        (void)!wrt_page_image_destroy(image, NULL);
        return wrt_fail(error, status, "no room to remember one more image");
    }
    return WRT_OK;
}

struct copy {
    const void *bytes;
    size_t size_bytes;
};

static void fill_by_copy(void *context, uint8_t *bytes)
{
    const struct copy *copy = context;

    memcpy(bytes, copy->bytes, copy->size_bytes);
}

enum wrt_status wrt_page_image_create(struct wrt_page_image *image,
                                      struct wrt_partition *partition, const void *bytes,
                                      uint64_t size_bytes, struct wrt_error *error)
{
    struct copy copy = {bytes, (size_t)size_bytes};

    return wrt_page_image_build(image, partition, size_bytes, fill_by_copy, &copy, error);
}

void wrt_page_image_use(struct wrt_page_image *image)
{
    if (image != NULL)
        __atomic_fetch_add(&image->users, 1, __ATOMIC_RELAXED);
}

void wrt_page_image_leave(struct wrt_page_image *image)
{
    if (image != NULL)
        __atomic_fetch_sub(&image->users, 1, __ATOMIC_RELEASE);
}

enum wrt_status wrt_page_image_destroy(struct wrt_page_image *image, struct wrt_error *error)
{
    struct wrt_port_object object = {.handle = (intptr_t)image->object_handle,
                                     .size_bytes = (size_t)image->size_bytes};
    uint32_t users;

    if (image->partition == NULL)
        return WRT_OK;
    users = __atomic_load_n(&image->users, __ATOMIC_ACQUIRE);
    if (users != 0)
        return wrt_fail(error, WRT_ERR_BUSY, "the image is mapped %u times", users);
    wrt_region_remove(&image->region);
    (void)!wrt_port_release(image->bytes, (size_t)image->size_bytes);
    wrt_port_object_close(&object);
    wrt_partition_uncharge(image->partition, WRT_CHARGE_DATA, image->size_bytes);
    memset(image, 0, sizeof *image);
    return WRT_OK;
}

/* ---- shared memory ---- */

enum wrt_status wrt_shared_memory_create(struct wrt_shared_memory *shared,
                                         struct wrt_partition *owner,
                                         struct wrt_partition *peer, bool peer_reads_only,
                                         uint64_t size_bytes, struct wrt_error *error)
{
    struct wrt_port_object object;
    enum wrt_status status;

    if (size_bytes == 0 || size_bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a shared memory of %" PRIu64 " bytes",
                        size_bytes);
    if (size_bytes % host_page() != 0)
        return wrt_fail(error, WRT_ERR_ALIGNMENT, "%" PRIu64 " bytes are not whole host pages",
                        size_bytes);
    status = wrt_pages_charge(owner, size_bytes, error);
    if (status != WRT_OK)
        return status;
    status = wrt_port_object_create((size_t)size_bytes, &object);
    if (status != WRT_OK) {
        wrt_pages_uncharge(owner, size_bytes);
        return wrt_fail(error, status, "the system refused a shared object of %" PRIu64
                        " bytes", size_bytes);
    }
    *shared = (struct wrt_shared_memory){.owner = owner, .peer = peer,
                                         .size_bytes = size_bytes,
                                         .object_handle = object.handle,
                                         .peer_reads_only = peer_reads_only};
    return WRT_OK;
}

enum wrt_status wrt_shared_memory_destroy(struct wrt_shared_memory *shared,
                                          struct wrt_error *error)
{
    struct wrt_port_object object = {.handle = (intptr_t)shared->object_handle,
                                     .size_bytes = (size_t)shared->size_bytes};

    if (shared->owner == NULL)
        return WRT_OK;
    if (shared->users != 0)
        return wrt_fail(error, WRT_ERR_BUSY, "the shared memory is mapped %u times",
                        shared->users);
    wrt_port_object_close(&object);
    wrt_pages_uncharge(shared->owner, shared->size_bytes);
    memset(shared, 0, sizeof *shared);
    return WRT_OK;
}

static enum wrt_status check_share(const struct wrt_page_allocator *pages,
                                   const struct wrt_shared_memory *shared,
                                   const struct plan *plan, struct wrt_error *error)
{
    if (shared == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "provider SHARED needs a shared memory");
    if (pages->partition != shared->owner && pages->partition != shared->peer)
        return wrt_fail(error, WRT_ERR_DENIED, "this partition is no party to that memory");
    if (plan->initial_bytes != shared->size_bytes || plan->maximum_bytes != shared->size_bytes)
        return wrt_fail(error, WRT_ERR_ARGUMENT,
                        "initial and maximum must be the shared memory's %" PRIu64 " bytes",
                        shared->size_bytes);
    return WRT_OK;
}

enum wrt_status wrt_shared_memory_map(struct wrt_page_allocator *pages,
                                      const struct wrt_page_config *config, struct plan *plan,
                                      struct wrt_error *error)
{
    struct wrt_shared_memory *shared = config->shared;
    struct wrt_port_request request = {.rights = WRT_PORT_NONE};
    struct wrt_owner owner = wrt_partition_owner(pages->partition);
    struct wrt_port_object object;
    uint64_t before, after, bytes;
    enum wrt_status status = check_share(pages, shared, plan, error);
    unsigned rights;
    void *start;

    if (status != WRT_OK)
        return status;
    if (!wrt_align_u64(config->guard_before_bytes, host_page(), &before) ||
        !wrt_align_u64(config->guard_after_bytes, host_page(), &after) ||
        !wrt_add_u64(before, after, &bytes) || !wrt_add_u64(bytes, shared->size_bytes, &bytes) ||
        bytes > PTRDIFF_MAX)
        return wrt_fail(error, WRT_ERR_OVERFLOW, "guards do not fit the address space");
    request.bytes = (size_t)bytes;
    status = wrt_port_reserve(&request, &start);
    if (status != WRT_OK)
        return wrt_fail(error, status, "the system refused %" PRIu64 " bytes of addresses",
                        bytes);
    object = (struct wrt_port_object){.handle = (intptr_t)shared->object_handle,
                                      .size_bytes = (size_t)shared->size_bytes};
    rights = pages->partition != shared->owner && shared->peer_reads_only
                 ? WRT_PORT_READ
                 : WRT_PORT_READ_WRITE;
    status = wrt_port_object_map(&object, (uint8_t *)start + before, rights, false);
    if (status == WRT_OK)
        status = wrt_owner_add(&owner, start, bytes, &pages->owner_ticket);
    if (status != WRT_OK) {
        (void)!wrt_port_release(start, request.bytes);
        return wrt_fail(error, status, "the system refused to map a shared memory");
    }
    pages->reservation = start;
    pages->reservation_bytes = bytes;
    pages->guard_before_bytes = before;
    pages->guard_after_bytes = after;
    pages->base = (uint8_t *)start + before;
    pages->shared = shared;
    shared->users++;
    plan->committed_bytes = 0; /* charged to the owner, once */
    return WRT_OK;
}

/* ---- the native heap ---- */

enum wrt_status
wrt_native_heap_configure(const struct wrt_native_heap_options *options,
                          struct wrt_native_heap_outcome outcome[WRT_NATIVE_HEAP_OPTIONS])
{
    const struct {
        const char *name;
        enum wrt_port_heap_option option;
        uint64_t value;
    } wanted[WRT_NATIVE_HEAP_OPTIONS] = {
        {"arena_bytes", WRT_PORT_HEAP_ARENA_SIZE, options->arena_bytes},
        {"cache_blocks", WRT_PORT_HEAP_CACHE_BLOCKS, options->cache_blocks},
        {"cache_bytes", WRT_PORT_HEAP_CACHE_BYTES, options->cache_bytes},
        {"map_threshold_bytes", WRT_PORT_HEAP_MAP_THRESHOLD, options->map_threshold_bytes},
        {"memory_hold", WRT_PORT_HEAP_MEMORY_HOLD, options->memory_hold},
        {"free_now", WRT_PORT_HEAP_FREE_NOW, options->free_now},
    };

    for (int i = 0; i < WRT_NATIVE_HEAP_OPTIONS; i++)
        if (wanted[i].value > INT64_MAX)
            return WRT_ERR_ARGUMENT;
    for (int i = 0; i < WRT_NATIVE_HEAP_OPTIONS; i++) {
        struct wrt_port_outcome done = {.why = "not requested"};

        if (wanted[i].value != 0)
            (void)wrt_port_heap_configure(wanted[i].option, (int64_t)wanted[i].value, &done);
        outcome[i] = (struct wrt_native_heap_outcome){
            .name = wanted[i].name,
            .is_requested = wanted[i].value != 0,
            .is_applied = done.applied,
            .has_previous = done.has_previous,
            .previous = done.previous,
            .why = done.why,
        };
    }
    return WRT_OK;
}
