/* src/arena/account.h - the accounting tree that arenas and partitions charge, without locks.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One node per partition. With share(c) = max(used(c), min(c)) of a child c:
 *
 *   C1  used <= max, always; when nobody is charging, used = sum of current[kind]
 *   C2  used(p) >= own charges + sum of share(c) over children, always; equal when nobody is
 *       charging. The part of a child's minimum that it does not use stands as GUARANTEE in its
 *       ancestors
 *   C3  a charge reads every level before any level changes; a refusal leaves the sums alone
 *   C4  a charge within a node's own minimum asks no ancestor, so none can refuse it
 *
 * `state` is one word: used bytes, and above them the number of the limits in force, whose last
 * bit says in which of the two slots they stand. Every change is a compare-and-swap of that word,
 * so whoever computed with limits that changed meanwhile computes again. A charge changes the
 * topmost level first, giving back first at the lowest one: that is C2. The minimum makes
 * share() bend; a level's exchange must pass on exactly what its parent was charged, or what
 * was charged above is given back and the charge starts anew.
 *
 * Progress: charging and giving back are lock-free: an exchange fails only because another one
 * on that node succeeded. Two charges that race for the last bytes of an ancestor may both be
 * refused, if one of them fails below that ancestor in the same moment. Changing limits, and the
 * watches of a node that has some, take the lock of the tree (priority-inheriting, O(depth)
 * arithmetic, never across a call to the system).
 * Limits: 4 PiB are the most that can be used; a charge that sleeps through exactly 4,096
 * changes of a node's limits would be fooled.
 */
#ifndef WRT_ARENA_ACCOUNT_H
#define WRT_ARENA_ACCOUNT_H

#include "port.h"
#include "wrt/partition.h"

enum { WRT_ACCOUNT_MAX_DEPTH = 8 };
#define WRT_ACCOUNT_USED_BITS 52

struct wrt_account_limits {
    uint64_t min_bytes, max_bytes;
};

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
    uint64_t state;
    struct wrt_account_limits limits[2];
    uint64_t high_water_bytes, refusals;
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

/* O(depth), lock-free. The error names the node that refused, its limit, and by how much. */
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

/* Used now, and the limits in force. O(1). */
uint64_t wrt_account_used(const struct wrt_account *account);
struct wrt_account_limits wrt_account_limits(const struct wrt_account *account);

/* Copies the figures; exact when no other thread charges. */
void wrt_account_read(const struct wrt_account *account, struct wrt_partition_info *out);

#endif
