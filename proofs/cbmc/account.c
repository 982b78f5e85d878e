/* proofs/cbmc/account.c - the sums of partitions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: from any sums that hold, one operation leaves sums that hold: every node's use is at most its
 *   maximum and is the sum of its kinds (C1), the parent's use is its own charges and the shares of its
 *   children (C2); a charge that is refused leaves all figures but the count of refusals as they were
 *   (C3); a charge within the node's own minimum is never refused (C4); changed limits that are refused stay as they were.
 * Bound: a parent with a child and what other children and itself use, all numbers below 256, one
 *   operation from any valid state, so by induction any sequence of them; two levels, which is the whole
 *   of what a level hands to the next one.
 * Stubbed: the lock of the tree; texts. Nobody watches and, without threads, no charge is undone: that these
 *   are not called is proved with the rest.
 * Misses: threads (proofs/models/account.pml, tests/unit/partition_schedules.c), watches, deeper trees
 *   but by the argument that each level does the same; numbers that do not fit 64 bits (room() subtracts only).
 *
 * PROOF long charging --unwind 3 --unwindset wrt_account_charge.0:1,raise_level.0:1,lower_level.0:1,raise.0:1,wrt_account_set_limits.0:1 --slice-formula
 * PROOF quick giving_back --unwind 3 --unwindset wrt_account_charge.0:1,raise_level.0:1,lower_level.0:1,raise.0:1,wrt_account_set_limits.0:1
 * PROOF long limits --unwind 3 --unwindset wrt_account_charge.0:1,raise_level.0:1,lower_level.0:1,raise.0:1,wrt_account_set_limits.0:1 --slice-formula
 * PROOF long children --unwind 3 --unwindset wrt_account_charge.0:1,raise_level.0:1,lower_level.0:1,raise.0:1,wrt_account_set_limits.0:1 --slice-formula
 * NEVER charging undo note_use wrt_account_note unlock_and_tell
 * NEVER limits undo note_use wrt_account_note unlock_and_tell
 * NEVER children undo note_use wrt_account_note unlock_and_tell
 * MUTANT charging src/arena/account.c s/if \(step->part > room\(limits, used_bytes\)\)/if (step->part > room(limits, used_bytes) + 1)/
 * MUTANT charging src/arena/account.c s/return used_bytes > min_bytes \? used_bytes : min_bytes;/return used_bytes;/
 * MUTANT charging src/arena/account.c s/remove_kind\(account, WRT_CHARGE_GUARANTEE, size_bytes - part\);/;/
 * MUTANT giving_back src/arena/account.c s/now = used_of\(before - size_bytes\);/now = before > size_bytes ? before - size_bytes : before;/
 * MUTANT giving_back src/arena/account.c s/add_kind\(account, WRT_CHARGE_GUARANTEE, size_bytes - part\);/;/
 * MUTANT limits src/arena/account.c s/if \(used_bytes > max_bytes\)/if (false)/
 * MUTANT limits src/arena/account.c s/uncharge_minimum\(account, before, after\);/;/
 * MUTANT children src/arena/account.c s/status = wrt_account_charge\(parent, WRT_CHARGE_GUARANTEE, min_bytes, error\);/status = WRT_OK;/
 */
#include "arena/account.c"
#include "stubs.h"

enum wrt_status wrt_port_mutex_init(struct wrt_port_mutex *mutex)
{
    (void)mutex;
    return any_bool() ? WRT_OK : WRT_ERR_UNSUPPORTED;
}

void wrt_port_mutex_deinit(struct wrt_port_mutex *mutex)
{
    (void)mutex;
}

/* ---- any tree whose sums hold ---- */

#define LIMIT 256
static struct wrt_account_tree tree;
static struct wrt_account parent, child;
static uint64_t others; /* of the parent's use: its own, and the shares of other children */

static uint64_t min_of(const struct wrt_account *account)
{
    return limits_of(account, load_state(account)).min_bytes;
}

static uint64_t max_of(const struct wrt_account *account)
{
    return limits_of(account, load_state(account)).max_bytes;
}

static uint64_t sum_of(const struct wrt_account *account)
{
    return account->current_bytes[WRT_CHARGE_RUNTIME] + account->current_bytes[WRT_CHARGE_GUARANTEE];
}

static bool has_sums(void)
{
    const uint64_t used = wrt_account_used(&child), above = wrt_account_used(&parent);
    return used <= max_of(&child) && above <= max_of(&parent) && sum_of(&child) == used &&
           sum_of(&parent) == above && above == others + share(used, min_of(&child));
}

/* Kinds: the child has its charges as RUNTIME and what its own children are guaranteed; the parent what
 * passes through and, as GUARANTEE, what of a minimum is not used. */
static struct wrt_account any_node(void)
{
    struct wrt_account node = {.state = any_u64(), .tree = &tree};
    node.limits[0] = (struct wrt_account_limits){any_below(LIMIT), any_below(LIMIT)};
    node.limits[1] = (struct wrt_account_limits){any_below(LIMIT), any_below(LIMIT)};
    node.current_bytes[WRT_CHARGE_RUNTIME] = any_below(LIMIT);
    node.current_bytes[WRT_CHARGE_GUARANTEE] = any_below(LIMIT);
    return node;
}

static void any_tree(void)
{
    parent = any_node();
    child = any_node();
    child.parent = &parent;
    parent.depth = 1;
    child.depth = 2;
    others = any_below(LIMIT);
    assume(has_sums());
    assume(parent.current_bytes[WRT_CHARGE_RUNTIME] >= child.current_bytes[WRT_CHARGE_RUNTIME]);
    assume(parent.current_bytes[WRT_CHARGE_GUARANTEE] >=
           share(wrt_account_used(&child), min_of(&child)) - wrt_account_used(&child) +
               child.current_bytes[WRT_CHARGE_GUARANTEE]);
}

static bool is_same(const struct wrt_account *a, const struct wrt_account *b)
{
    return a->state == b->state && a->current_bytes[WRT_CHARGE_RUNTIME] == b->current_bytes[WRT_CHARGE_RUNTIME] &&
           a->current_bytes[WRT_CHARGE_GUARANTEE] == b->current_bytes[WRT_CHARGE_GUARANTEE] &&
           min_of(a) == min_of(b) && max_of(a) == max_of(b);
}

/* ---- operations ---- */

void charging(void)
{
    any_tree();
    const struct wrt_account child_before = child, parent_before = parent;
    const uint64_t size = any_below(LIMIT), used = wrt_account_used(&child);
    const bool is_guaranteed = size <= min_of(&child) && used <= min_of(&child) - size && min_of(&child) <= max_of(&child);

    if (wrt_account_charge(&child, WRT_CHARGE_RUNTIME, size, NULL) != WRT_OK) {
        prove(!is_guaranteed, "C4: what is guaranteed is not refused");
        prove(is_same(&child, &child_before) && is_same(&parent, &parent_before), "C3: a refusal changes nothing");
        prove(child.refusals + parent.refusals == child_before.refusals + parent_before.refusals + 1, "but is counted");
        return;
    }
    prove(has_sums(), "C1 and C2 hold");
    prove(wrt_account_used(&child) == used + size, "charged as much as was asked");
}

void giving_back(void)
{
    any_tree();
    const uint64_t size = any_below(LIMIT), used = wrt_account_used(&child);
    assume(size <= child.current_bytes[WRT_CHARGE_RUNTIME]);
    wrt_account_uncharge(&child, WRT_CHARGE_RUNTIME, size);
    prove(has_sums(), "C1 and C2 hold");
    prove(wrt_account_used(&child) == used - size, "as much as was asked");
}

void limits(void)
{
    any_tree();
    const struct wrt_account child_before = child, parent_before = parent;
    const uint64_t min = any_below(LIMIT), max = any_below(LIMIT);
    const enum wrt_status status = wrt_account_set_limits(&child, min, max, NULL);
    if (status != WRT_OK) {
        prove(is_same(&child, &child_before) && is_same(&parent, &parent_before), "a refusal changes nothing");
        prove(status == WRT_ERR_BUSY ? wrt_account_used(&child) > max : status == WRT_ERR_PARTITION_MAX,
              "above the new maximum, or no room for the minimum");
        return;
    }
    prove(min_of(&child) == min && max_of(&child) == max, "the new limits are in force");
    prove(has_sums(), "C1 and C2 hold");
}

/* A child more, and away again. */
void children(void)
{
    static struct wrt_account more;
    any_tree();
    const struct wrt_account parent_before = parent;
    const uint64_t min = any_below(LIMIT);
    parent.depth = (uint32_t)any_below(WRT_ACCOUNT_MAX_DEPTH + 1);
    if (wrt_account_init_child(&more, &parent, "", min, any_below(LIMIT), NULL) != WRT_OK) {
        prove(is_same(&parent, &parent_before), "a refusal changes nothing");
        return;
    }
    others += min;
    prove(has_sums() && wrt_account_used(&more) == 0, "its minimum is taken from the parent");
    prove(more.depth <= WRT_ACCOUNT_MAX_DEPTH, "not too deep");
    wrt_account_deinit(&more);
    prove(is_same(&parent, &parent_before), "and given back");
}
