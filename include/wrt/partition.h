/* wrt/partition.h - memory partitions: a guaranteed minimum and a hard maximum for
 * everything that a tenant costs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * With share(c) = max(used, min) of a child c: a parent's use is its own charges and the sum
 * of its children's shares, and never above its max. So a child can always use its minimum,
 * and a charge is refused by the first partition on the way to the root that has no room.
 *
 * Threads: partitions of one tree may be used together, one thread each; a partition that
 * several threads use needs config.arena->is_shared. create and destroy need the parent to
 * themselves. Charging takes a lock with priority inheritance for O(depth) arithmetic.
 */
#ifndef WRT_PARTITION_H
#define WRT_PARTITION_H

#include "wrt/arena.h"
#include "wrt/base.h"
#include "wrt/verification.h"

WRT_BEGIN_DECLS

struct wrt_partition;

/* What a charge is for. X(name, text) */
#define WRT_CHARGE_LIST(X)                                       \
    X(RUNTIME, "runtime")   /* stores, modules, instances */     \
    X(CODE, "code")         /* translated functions */           \
    X(DATA, "data")         /* data and element segments, names */ \
    X(LOAD, "load")         /* decoder's buffers; gone after load */ \
    X(TABLE, "table")       /* tables and globals */             \
    X(STACK, "stack")       /* execution stacks */               \
    X(LINEAR, "linear")     /* committed linear memory */        \
    X(HOST, "host")         /* host functions, WASI handles and buffers */ \
    X(SYNC, "sync")         /* waiters, channels */              \
    X(ARENA, "arena")       /* pages that arenas hold beyond the blocks handed out */ \
    X(GUARANTEE, "guarantee") /* minimums of children that they do not use */

enum wrt_charge {
#define WRT_CHARGE_ENUM(name, text) WRT_CHARGE_##name,
    WRT_CHARGE_LIST(WRT_CHARGE_ENUM)
#undef WRT_CHARGE_ENUM
    WRT_CHARGE_COUNT
};

/* "code", "linear", ...; an unknown kind yields "?". Static string. */
WRT_API const char *wrt_charge_name(enum wrt_charge charge);

/* Zero-fill, set what you need. */
struct wrt_partition_config {
    const char *name;        /* borrowed, copied; NULL = "partition"; 1 .. 31 bytes */
    uint64_t min_bytes;      /* guaranteed, taken from the parent now; 0 = none */
    uint64_t max_bytes;      /* hard maximum; 0 = as much as the parent has */
    uint64_t reserved_bytes; /* held by its arenas from the start, resident, locked where that
                                is allowed; rounded up to arenas; <= max; 0 = none */
    enum wrt_verification_level verification; /* 0 = the parent's; root: Standard */
    const struct wrt_arena_config *arena; /* borrowed; its options but verification; NULL = as
                                             the environment says (wrt/arena.h) */
};

/* Creates a partition below `parent` (NULL: a root of its own). Gives *out. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_create(struct wrt_partition *parent, const struct wrt_partition_config *config,
                     struct wrt_partition **out, struct wrt_error *error);

/* ERR_BUSY while anything is allocated from it or a child lives. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_destroy(struct wrt_partition *partition, struct wrt_error *error);

/* Memory of the partition's arena, charged before it is taken. alignment_bytes: power
 * of two <= 4096, 0 = 16. size_bytes >= 1. Contents unspecified. O(1) within an arena.
 * The error text names the partition and the limit that refused, and by how much. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_allocate(struct wrt_partition *partition, enum wrt_charge charge,
                       size_t size_bytes, size_t alignment_bytes, void **out,
                       struct wrt_error *error);
/* `block` as wrt_partition_allocate gave it; NULL does nothing. `size_bytes` must be the
 * size that was asked for. */
WRT_API void wrt_partition_free(struct wrt_partition *partition, enum wrt_charge charge,
                                void *block, size_t size_bytes);

/* Accounts memory that does not come from the arena (linear memory, mappings). */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_partition_charge(struct wrt_partition *partition, enum wrt_charge charge,
                     uint64_t size_bytes, struct wrt_error *error);
WRT_API void wrt_partition_uncharge(struct wrt_partition *partition, enum wrt_charge charge,
                                    uint64_t size_bytes);

/* The level that everything in the partition is checked at. O(1). */
WRT_API enum wrt_verification_level
wrt_partition_verification(const struct wrt_partition *partition);

/* used_bytes is the sum of current_bytes over all kinds; it never exceeds max_bytes. */
struct wrt_partition_info {
    char name[32];
    uint64_t min_bytes, max_bytes, reserved_bytes;
    uint64_t used_bytes, high_water_bytes;
    uint64_t refusals;
    uint64_t current_bytes[WRT_CHARGE_COUNT];
    uint64_t peak_bytes[WRT_CHARGE_COUNT];
    uint32_t children;
    enum wrt_verification_level verification;
    uint32_t damages; /* frees refused: wrong size or kind, freed twice, overwritten */
};
WRT_API void wrt_partition_get_info(const struct wrt_partition *partition,
                                    struct wrt_partition_info *out);

WRT_END_DECLS
#endif
