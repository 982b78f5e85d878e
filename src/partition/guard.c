/* src/partition/guard.c - which partitions each thread is inside of.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   inside.entered[0 .. depth)   innermost last
 *   entered(p) = how often p stands there, over all threads
 *
 * The stack is the thread's own memory, not the guards', because a body that a fault ended
 * leaves guards behind whose frames are gone; and so it is there when the thread ends.
 */
#include "partition/node.h"
#include "partition/region.h"

#include "base/error.h"
#include "base/tags.h"

#include <string.h>

struct inside {
    uint32_t depth;
    bool is_watched; /* the thread's end will be told */
    struct wrt_partition *entered[WRT_PARTITION_MAX_NESTING];
};

static _Thread_local struct inside inside __attribute__((tls_model("initial-exec")));

static void leave_all(void)
{
    wrt_partition_unwind(0);
}

/* Where threads cannot be watched, one that ends inside stays counted there. */
static void watch_thread(void)
{
    inside.is_watched = true;
    (void)!wrt_port_thread_on_exit(leave_all);
}

static enum wrt_status go_in(struct wrt_partition *partition)
{
    if (partition->seal != NULL)
        return wrt_seal_enter(partition);
    (void)__atomic_add_fetch(&partition->entered, 1, __ATOMIC_RELAXED);
    return WRT_OK;
}

static bool is_inside(const struct wrt_partition *partition)
{
    for (uint32_t i = 0; i < inside.depth; i++)
        if (inside.entered[i] == partition)
            return true;
    return false;
}

/* Of the innermost, which no longer stands in the stack. Release: what was done inside comes
 * before a destroy that sees nobody inside. */
static enum wrt_status go_out(struct wrt_partition *partition)
{
    if (partition->seal != NULL)
        return wrt_seal_leave(partition, !is_inside(partition));
    (void)__atomic_sub_fetch(&partition->entered, 1, __ATOMIC_RELEASE);
    return WRT_OK;
}

enum wrt_status wrt_partition_guard_enter(struct wrt_partition_guard *guard,
                                          struct wrt_partition *partition)
{
    uint32_t depth = inside.depth;
    enum wrt_status status;

    if (depth == WRT_PARTITION_MAX_NESTING)
        return WRT_ERR_LIMIT;
    if (!inside.is_watched)
        watch_thread();
    status = go_in(partition);
    if (status != WRT_OK)
        return status == WRT_ERR_LIMIT ? WRT_ERR_NO_MEMORY : status;
    inside.entered[depth] = partition;
    inside.depth = depth + 1;
    guard->partition = partition;
    guard->depth = depth + 1;
    return WRT_OK;
}

enum wrt_status wrt_partition_guard_leave(struct wrt_partition_guard *guard)
{
    struct wrt_partition *partition = guard->partition;

    if (partition == NULL || guard->depth != inside.depth ||
        inside.entered[inside.depth - 1] != partition)
        return WRT_ERR_STATE;
    guard->partition = NULL;
    inside.depth--;
    return go_out(partition) == WRT_OK ? WRT_OK : WRT_ERR_IO;
}

struct wrt_partition *wrt_partition_current(void)
{
    return inside.depth != 0 ? inside.entered[inside.depth - 1] : NULL;
}

uint32_t wrt_partition_depth(void)
{
    return inside.depth;
}

void wrt_partition_unwind(uint32_t depth)
{
    while (inside.depth > depth)
        (void)!go_out(inside.entered[--inside.depth]);
}

bool wrt_partition_find_owner(const void *address, char name[32])
{
    struct wrt_owner owner;

    if (!wrt_owner_find(address, &owner))
        return false;
    memcpy(name, owner.name, sizeof owner.name);
    return true;
}

/* Which block, whose, and both tags. */
static enum wrt_status report_tag(const struct wrt_port_fault *fault, const char *what,
                                  const struct wrt_owner *owner, struct wrt_error *error)
{
    static const char *const kinds[] = {[WRT_PIECE_LIVE] = "live", [WRT_PIECE_FREE] = "freed",
                                        [WRT_PIECE_QUICK] = "freed", [WRT_PIECE_LARGE] = "live"};
    unsigned memory_tag = wrt_pointer_tag(wrt_tag_load(fault->address));
    struct wrt_arena_piece piece;

    if (owner->arena == NULL)
        return wrt_fail(error, WRT_ERR_TRAP,
                        "%s at %p hit a linear memory of partition %s: the pointer has tag %u, "
                        "the memory %u", what, fault->address, owner->name, fault->pointer_tag,
                        memory_tag);
    if (!wrt_arena_find(owner->arena, fault->address, &piece))
        return wrt_fail(error, WRT_ERR_CORRUPT,
                        "%s at %p hit an arena of %s between its blocks: the pointer has tag %u, "
                        "the memory %u", what, fault->address, owner->name, fault->pointer_tag,
                        memory_tag);
    return wrt_fail(error, WRT_ERR_CORRUPT,
                    "%s at %p hit a %s block of %zu bytes at %p of %s: the pointer has tag %u, "
                    "the memory %u", what, fault->address, kinds[piece.kind], piece.size_bytes,
                    wrt_untagged(piece.address), owner->name, fault->pointer_tag, memory_tag);
}

/* Its tags are turned over: whoever was inside has left. */
static bool is_closed_by_tags(const struct wrt_port_fault *fault, const struct wrt_owner *owner)
{
    if (owner->arena != NULL)
        return owner->arena->slab != NULL && owner->arena->slab->is_flipped;
    return owner->is_sealed &&
           (wrt_pointer_tag(wrt_tag_load(fault->address)) ^ fault->pointer_tag) == 8;
}

static enum wrt_status report(const struct wrt_port_fault *fault, struct wrt_error *error)
{
    const char *what = fault->is_known_write ? "a write" : "an access";
    struct wrt_owner owner = {.is_sealed = false};
    bool is_known = wrt_owner_find(fault->address, &owner);

    if (fault->kind == WRT_PORT_FAULT_TAG_LATE)
        return wrt_fail(error, WRT_ERR_CORRUPT,
                        "an earlier access had a wrong tag; where is not known in this mode");
    if (fault->kind == WRT_PORT_FAULT_TAG && is_known && !is_closed_by_tags(fault, &owner))
        return report_tag(fault, what, &owner, error);
    if (fault->kind == WRT_PORT_FAULT_KEY && is_known)
        return wrt_fail(error, WRT_ERR_DENIED,
                        "%s at %p hit partition %s, which is sealed and this thread is not inside",
                        what, fault->address, owner.name);
    if (is_known && owner.is_sealed)
        return wrt_fail(error, WRT_ERR_DENIED,
                        "%s at %p hit partition %s, which is sealed and nobody is inside", what,
                        fault->address, owner.name);
    return wrt_fail(error, WRT_ERR_TRAP, "%s at %p hit a guard of partition %s", what,
                    fault->address, owner.name);
}

enum wrt_status wrt_partition_run(struct wrt_partition *partition, void (*body)(void *argument),
                                  void *argument, struct wrt_error *error)
{
    uint32_t depth = inside.depth;
    struct wrt_partition_guard guard;
    struct wrt_port_fault fault;
    enum wrt_status status = wrt_partition_guard_enter(&guard, partition);

    if (status != WRT_OK)
        return wrt_fail(error, status, "partition %s cannot be entered", partition->name);
    status = wrt_port_fault_run(body, argument, &fault);
    if (status == WRT_ERR_UNSUPPORTED) {
        body(argument);
        status = WRT_OK;
    }
    wrt_partition_unwind(depth);
    return status == WRT_ERR_TRAP ? report(&fault, error) : status;
}
