/* src/partition/node.h - one partition, shared by the files of this room.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PARTITION_NODE_H
#define WRT_PARTITION_NODE_H

#include "arena/account.h"
#include "arena/slab.h"
#include "wrt/arena.h"
#include "wrt/partition.h"

/* What a sealed partition has beside its record; behind it in the same block. */
struct wrt_seal {
    struct wrt_port_mutex lock; /* over opening and closing, and the list */
    struct wrt_arena_slab slab;
    struct wrt_partition_region *regions; /* may lie in the slab: opened after it */
    uint32_t ticket;                      /* of the slab's addresses */
    uint32_t key;                         /* memory key; 0: none */
    bool by_tags;                         /* what has tags is closed by them */
    bool is_broken;                       /* the system refused to close */
};

/* Fits a page, so that an idle root costs one page. */
struct wrt_partition {
    struct wrt_account account; /* its parent: whom it charges, so the root's with ROOT_ACCOUNTING */
    struct wrt_arena arena;
    struct wrt_partition *parent, *first_child, *next_sibling;
    struct wrt_partition_process *processes;
    struct wrt_seal *seal; /* NULL: open always */
    uint32_t children;
    uint32_t damages; /* frees that the arena refused */
    uint32_t entered; /* guards; atomic, of a sealed one under its lock */
    uint32_t cpu_permille, cpu_critical_ms;
    int32_t priority, budget_id;
    uint64_t affinity;
    uint64_t reserved_bytes;
    uint32_t control_bytes; /* of a mapping of its own; 0: a block of the parent */
    uint8_t flags, policies;
    uint8_t tier, tier_reason; /* enum wrt_isolation_tier; index into the reasons */
    uint8_t verification;
    bool has_seal_room; /* a struct wrt_seal follows this one */
    char name[32];
    struct wrt_account_tree tree; /* root only */
};

_Static_assert(sizeof(struct wrt_partition) <= 4096, "overhead of an idle partition");

enum wrt_tier_reason {
    WRT_REASON_SOFTWARE,
    WRT_REASON_PAGES,
    WRT_REASON_KEYS,
    WRT_REASON_TAGS,
    WRT_REASON_NO_KEYS,
    WRT_REASON_NO_TAGS,
    WRT_REASON_BLOCK,
    WRT_REASON_NO_ADDRESSES,
    WRT_REASON_NO_LOCK,
    WRT_REASON_BROKEN,
    WRT_REASON_PROCESS,
    WRT_REASON_NO_PROCESS
};

/* ---- config.c ---- */

WRT_MUST_CHECK enum wrt_status
wrt_partition_check_config(const struct wrt_partition *parent,
                           const struct wrt_partition_config *config, struct wrt_error *error);
enum wrt_isolation_tier wrt_partition_tier_of(const struct wrt_partition_config *config);

/* ---- seal.c ---- */

/* Sets up what seals: *partition->seal, open; by PAGES where `method` cannot be had.
 * ERR_UNSUPPORTED, ERR_NO_MEMORY. */
WRT_MUST_CHECK enum wrt_status wrt_seal_init(struct wrt_partition *partition,
                                             struct wrt_seal *seal, uint64_t max_bytes,
                                             enum wrt_seal_method method);
void wrt_seal_deinit(struct wrt_seal *seal);
/* Opens for the first that enters, closes after the last; a key, for each thread: is_last says
 * that this one is inside no more. */
WRT_MUST_CHECK enum wrt_status wrt_seal_enter(struct wrt_partition *partition);
WRT_MUST_CHECK enum wrt_status wrt_seal_leave(struct wrt_partition *partition, bool is_last);

/* ---- process.c ---- */

/* Sets the partition's budget, priority and affinity on all attached processes. */
void wrt_partition_limit_processes(struct wrt_partition *partition);
bool wrt_partition_has_worker(const struct wrt_partition *partition);
bool wrt_partition_cpu_in_force(const struct wrt_partition *partition);

/* ---- watch.c ---- */

/* Counts the event and tells whom it concerns. */
void wrt_partition_note(struct wrt_partition *partition, enum wrt_partition_event event);

#endif
