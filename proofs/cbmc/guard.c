/* proofs/cbmc/guard.c - entering and leaving partitions nests exactly.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: after any sequence of entering, leaving with any guard and unwinding to any depth, the
 *   innermost partition is the one that was entered last and not left; leaving with a guard that is
 *   not the innermost, was used before, or is empty is refused and changes nothing; each partition's
 *   count of entries is how often it stands on the stack; at most 32 deep; a body run in a partition
 *   leaves the depth as it was, whatever it entered.
 * Bound: 3 calls in a row from an empty stack, two partitions; the limit from any depth.
 * Stubbed: sealed partitions (their counts are under a lock), faults: the body simply runs.
 * Misses: other threads: the stack is thread-local.
 *
 * PROOF quick three_calls --unwind 5
 * PROOF quick the_limit --unwind 2
 * PROOF quick a_body --unwind 4
 * MUTANT three_calls src/partition/guard.c s/guard->depth != inside.depth/guard->depth > inside.depth/
 * MUTANT three_calls src/partition/guard.c s/guard->partition = NULL;/;/
 * MUTANT three_calls src/partition/guard.c s/while \(inside.depth > depth\)/while (inside.depth >= depth \&\& inside.depth > 0)/
 * MUTANT the_limit src/partition/guard.c s/depth == WRT_PARTITION_MAX_NESTING/depth > WRT_PARTITION_MAX_NESTING/
 * MUTANT a_body src/partition/guard.c s/wrt_partition_unwind\(depth\);/;/
 */
#include "partition/guard.c"
#include "stubs.h"

enum wrt_status wrt_port_thread_on_exit(void (*call)(void))
{
    (void)call;
    return any_bool() ? WRT_OK : WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_fault_run(void (*body)(void *), void *argument, struct wrt_port_fault *fault)
{
    (void)fault;
    body(argument);
    return WRT_OK;
}

enum wrt_status wrt_seal_enter(struct wrt_partition *partition)
{
    (void)partition;
    return WRT_ERR_IO;
}

enum wrt_status wrt_seal_leave(struct wrt_partition *partition)
{
    (void)partition;
    return WRT_ERR_IO;
}

bool wrt_owner_find(const void *address, struct wrt_owner *out)
{
    (void)address, (void)out;
    return false;
}

static struct wrt_partition first, second;

/* How often a partition should stand on a stack of at most three. */
static unsigned entries(const struct wrt_partition *partition)
{
    unsigned found = 0;
    for (uint32_t i = 0; i < 3; i++)
        found += i < inside.depth && inside.entered[i] == partition;
    return found;
}

void three_calls(void)
{
    struct wrt_partition_guard guards[3] = {{0}, {0}, {0}};
    for (int i = 0; i < 3; i++) {
        struct wrt_partition *const partition = any_bool() ? &first : &second;
        struct wrt_partition_guard *const guard = &guards[any_below(3)];
        const uint32_t depth = wrt_partition_depth();
        struct wrt_partition *const current = wrt_partition_current();
        if (any_bool()) {
            assume(guard->partition == NULL);
            prove(wrt_partition_guard_enter(guard, partition) == WRT_OK, "entered");
            prove(wrt_partition_current() == partition && wrt_partition_depth() == depth + 1, "inside");
        } else if (any_bool()) {
            const struct wrt_partition_guard before = *guard;
            const bool is_innermost = before.partition != NULL && before.depth == depth && depth != 0 &&
                                      before.partition == current;
            const enum wrt_status status = wrt_partition_guard_leave(guard);
            prove((status == WRT_OK) == is_innermost, "only the innermost leaves");
            prove(wrt_partition_depth() == depth - is_innermost, "one less, or as before");
            prove(!is_innermost || guard->partition == NULL, "used once");
        } else {
            const uint32_t to = any_u32();
            wrt_partition_unwind(to);
            prove(wrt_partition_depth() == (to < depth ? to : depth), "down to that depth, never up");
        }
        prove(first.entered == entries(&first) && second.entered == entries(&second), "counted");
    }
}

void the_limit(void)
{
    struct wrt_partition_guard guard = {0};
    inside.depth = any_u32();
    assume(inside.depth <= WRT_PARTITION_MAX_NESTING);
    const uint32_t depth = inside.depth;
    const bool entered = wrt_partition_guard_enter(&guard, &first) == WRT_OK;
    prove(entered == (depth < WRT_PARTITION_MAX_NESTING), "at most that deep");
    prove(inside.depth == depth + entered && first.entered == entered, "counted, or nothing");
}

static void enter_two(void *argument)
{
    static struct wrt_partition_guard guards[2];
    (void)argument;
    prove(wrt_partition_current() == &first, "the body runs inside");
    (void)!wrt_partition_guard_enter(&guards[0], &second);
    if (any_bool())
        (void)!wrt_partition_guard_enter(&guards[1], &first);
}

void a_body(void)
{
    prove(wrt_partition_run(&first, enter_two, NULL, NULL) == WRT_OK, "run");
    prove(wrt_partition_depth() == 0 && first.entered == 0 && second.entered == 0, "all are left");
}
