/* src/arena/account.h - the accounting tree that arenas and partitions charge.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One node per partition. With share(c) = max(used(c), min(c)) of a child c:
 *
 *   C1  used = sum of current[kind] <= max
 *   C2  used(p) = own charges + sum of share(c) over children; the part of a child's
 *       minimum that it does not use stands as GUARANTEE in its ancestors
 *   C3  a charge is checked at every level before any level changes
 *
 * Watches see each change of `used` under the lock and are told after it was given.
 * `used` changes under the lock of the tree (priority-inheriting; held for O(depth)
 * arithmetic, never across a call to the system). Kinds are atomics, so that handing out
 * a block of an arena, which moves bytes from ARENA to its kind, takes no lock.
 */
#ifndef WRT_ARENA_ACCOUNT_H
#define WRT_ARENA_ACCOUNT_H

#include "port.h"
#include "wrt/partition.h"

enum { WRT_ACCOUNT_MAX_DEPTH = 8 };

struct wrt_account_tree {
    struct wrt_port_mutex lock;
    bool has_lock; /* false on a system without threads */
    struct wrt_partition_watch *pending; /* watches with news that nobody was told of yet */
    void (*deliver)(struct wrt_account_tree *tree); /* set with the first watch */
};

struct wrt_account {
    struct wrt_account *parent;     /* NULL: the root */
    struct wrt_account_tree *tree;  /* the root's */
    const char *name;               /* borrowed from the partition */
    uint64_t min_bytes, max_bytes;
    uint64_t used_bytes, high_water_bytes, refusals;
    uint64_t current_bytes[WRT_CHARGE_COUNT];
    uint64_t peak_bytes[WRT_CHARGE_COUNT];
    struct wrt_partition_watch *watches; /* changed under the lock */
    uint32_t depth; /* 1 = root */
};

/* Starts a tree with `account` as its root, or adds it below a parent and takes its
 * minimum from there. ERR_PARTITION_MAX and ERR_LIMIT (depth): nothing changed. */
WRT_MUST_CHECK enum wrt_status
wrt_account_init_root(struct wrt_account *account, struct wrt_account_tree *tree,
                      const char *name, uint64_t min_bytes, uint64_t max_bytes);
WRT_MUST_CHECK enum wrt_status
wrt_account_init_child(struct wrt_account *account, struct wrt_account *parent,
                       const char *name, uint64_t min_bytes, uint64_t max_bytes,
                       struct wrt_error *error);
/* The node's used_bytes must be 0. */
void wrt_account_deinit(struct wrt_account *account);

/* O(depth). The error names the node that refused, its limit, and by how much. */
WRT_MUST_CHECK enum wrt_status
wrt_account_charge(struct wrt_account *account, enum wrt_charge charge, uint64_t size_bytes,
                   struct wrt_error *error);
void wrt_account_uncharge(struct wrt_account *account, enum wrt_charge charge,
                          uint64_t size_bytes);

/* The same bytes under another kind; the sums stay. O(depth), lock-free. */
void wrt_account_move(struct wrt_account *account, enum wrt_charge from, enum wrt_charge to,
                      uint64_t size_bytes);

/* Moves the minimum and the maximum. ERR_BUSY: more than max is used; ERR_PARTITION_MAX: an
 * ancestor has not the minimum. Nothing changed then. O(depth). */
WRT_MUST_CHECK enum wrt_status
wrt_account_set_limits(struct wrt_account *account, uint64_t min_bytes, uint64_t max_bytes,
                       struct wrt_error *error);

/* The lock of the tree, and what is to be done after giving it: delivering news. */
void wrt_account_lock(struct wrt_account_tree *tree);
void wrt_account_unlock(struct wrt_account_tree *tree);
void wrt_account_deliver(struct wrt_account_tree *tree);

/* Counts one event in the node's watches for it. With the lock held. */
void wrt_account_note(struct wrt_account *account, enum wrt_partition_event event);

/* Copies the figures; exact when no other thread charges. */
void wrt_account_read(const struct wrt_account *account, struct wrt_partition_info *out);

#endif
