/* proofs/cbmc/futex.c - the queues of the portable futex.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: from any queues that hold (each parked place in exactly one, by priority, then arrival: F1,
 *   F3), one operation leaves queues that hold, and does just what it says: queuing adds the place
 *   behind all that come before it; giving up takes out the caller's place and no other, or none if
 *   somebody decided it; a wake decides as many of its address as were asked for, the first ones, and
 *   no other (F2); an interrupt decides all of its own; a requeue moves as many as were asked for and
 *   loses none; the counts of waiters are those of the queues.
 * Bound: 3 places (2 for a requeue) and 2 buckets, any queues over them, any keys of 3, any priorities and arrivals, one
 *   operation from any state that holds: by induction any sequence of them.
 * Stubbed: locks and the kernel's sleep; which bucket an address has (any).
 * Misses: threads (proofs/models/futex_park.pml), more waiters, batches of 16, broken domains.
 *
 * PROOF quick queuing --unwind 5
 * PROOF quick giving_up --unwind 5
 * PROOF long waking --unwind 5
 * PROOF long interrupting --unwind 5
 * PROOF long moving_across --unwind 4
 * PROOF long moving_within --unwind 5
 * SIZE queuing include/wrt/futex.h s/BUCKETS 64u/BUCKETS 2u/;s/WAITERS 256u/WAITERS 3u/
 * SIZE giving_up include/wrt/futex.h s/BUCKETS 64u/BUCKETS 2u/;s/WAITERS 256u/WAITERS 3u/
 * SIZE waking include/wrt/futex.h s/BUCKETS 64u/BUCKETS 2u/;s/WAITERS 256u/WAITERS 3u/
 * SIZE interrupting include/wrt/futex.h s/BUCKETS 64u/BUCKETS 2u/;s/WAITERS 256u/WAITERS 3u/
 * SIZE moving_across include/wrt/futex.h s/BUCKETS 64u/BUCKETS 2u/;s/WAITERS 256u/WAITERS 2u/
 * SIZE moving_within include/wrt/futex.h s/BUCKETS 64u/BUCKETS 2u/;s/WAITERS 256u/WAITERS 2u/
 * MUTANT queuing src/sync/futex_park.c s/a->priority > b->priority \|\|/a->priority < b->priority ||/
 * MUTANT queuing src/sync/futex_park.c s/place->next = \*link;/place->next = 0;/
 * MUTANT giving_up src/sync/futex_park.c s/while \(\*link != 0 && \*link != number\)/while (*link != 0 \&\& *link < number)/
 * MUTANT waking src/sync/futex_park.c s/place->key == key && place->arrival < limit/place->arrival < limit/
 * MUTANT waking src/sync/futex_park.c s/released->count < count\)/released->count <= count)/
 * MUTANT interrupting src/sync/futex_park.c s/if \(place->interrupt == interrupt\)/if (place->interrupt >= interrupt)/
 * MUTANT moving_across src/sync/futex_park.c s/place->key = to;/;/
 * MUTANT moving_across src/sync/futex_park.c s/wrt_futex_announce\(target\);/;/
 * MUTANT moving_within src/sync/futex_park.c s/if \(place->key != from \|\| place->arrival >= limit\)/if (place->key != from)/
 */
#include "sync/futex_park.c"
#include "proof.h"

enum { PLACES = WRT_FUTEX_MAX_WAITERS, QUEUES = WRT_FUTEX_BUCKETS };

enum wrt_status wrt_port_lock_take(struct wrt_port_mutex *mutex)
{
    (void)mutex;
    return WRT_OK;
}

enum wrt_status wrt_port_lock_give(struct wrt_port_mutex *mutex)
{
    (void)mutex;
    return WRT_OK;
}

enum wrt_status wrt_port_lock_repair(struct wrt_port_mutex *mutex)
{
    (void)mutex;
    return WRT_OK;
}

/* ---- any queues that hold ---- */

/* F3, in our words. */
static bool is_before(const struct wrt_futex_place *a, const struct wrt_futex_place *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->arrival < b->arrival;
}

static struct wrt_futex_domain domain;

struct wrt_futex_bucket *wrt_futex_find_bucket(struct wrt_futex_domain *d, const void *address)
{
    (void)address;
    return &d->buckets[any_below(QUEUES)];
}

static bool is_parked(uint32_t i)
{
    return domain.places[i].state == PARKED;
}

/* Does the queue hold, and which places are in it? */
static bool walk(uint32_t bucket, bool seen[PLACES])
{
    uint32_t link = domain.buckets[bucket].first, found = 0, before = 0;

    for (uint32_t i = 0; i < PLACES && link != 0; i++) {
        if (link > PLACES || seen[link - 1] || !is_parked(link - 1) || domain.places[link - 1].bucket != bucket ||
            domain.places[link - 1].arrival >= domain.buckets[bucket].arrivals)
            return false;
        if (before != 0 && !is_before(&domain.places[before - 1], &domain.places[link - 1]))
            return false;
        seen[link - 1] = true;
        found++;
        before = link;
        link = domain.places[link - 1].next;
    }
    return link == 0 && domain.buckets[bucket].waiters == found;
}

static bool are_queues(void)
{
    bool seen[PLACES] = {false};
    for (uint32_t bucket = 0; bucket < QUEUES; bucket++)
        if (!walk(bucket, seen))
            return false;
    for (uint32_t i = 0; i < PLACES; i++)
        if (is_parked(i) != seen[i])
            return false;
    return true;
}

static void any_queues(void)
{
    for (uint32_t i = 0; i < PLACES; i++)
        domain.places[i] = (struct wrt_futex_place){
            .state = (uint32_t)any_below(4), .next = (uint32_t)any_below(PLACES + 1),
            .bucket = (uint32_t)any_below(QUEUES), .priority = (int32_t)any_u32(), .key = any_below(3),
            .interrupt = any_below(3), .arrival = any_u64()};
    for (uint32_t i = 0; i < QUEUES; i++) {
        domain.buckets[i].first = (uint32_t)any_below(PLACES + 1);
        domain.buckets[i].waiters = (uint32_t)any_below(PLACES + 1);
        domain.buckets[i].arrivals = any_below(UINT64_MAX - 8);
    }
    domain.max_waiters = PLACES;
    assume(are_queues());
}

/* One place, any, so what is shown of it is shown of each. */
static uint32_t look;
static struct wrt_futex_place place_before;

static void remember(void)
{
    look = (uint32_t)any_below(PLACES);
    place_before = domain.places[look];
}

static bool is_same(void)
{
    const struct wrt_futex_place *const now = &domain.places[look];
    return now->state == place_before.state && now->key == place_before.key && now->bucket == place_before.bucket &&
           now->arrival == place_before.arrival && now->priority == place_before.priority;
}

/* ---- operations ---- */

void queuing(void)
{
    any_queues();
    const uint32_t number = (uint32_t)any_below(PLACES), bucket = (uint32_t)any_below(QUEUES);
    assume(domain.places[number].state == FREE);
    remember();
    domain.places[number].state = PARKED; /* as claim_place and park do */
    wrt_futex_announce(&domain.buckets[bucket]);
    insert(&domain, &domain.buckets[bucket], &domain.places[number]);
    prove(are_queues(), "F1 and F3 hold");
    prove(look == number || is_same(), "no other is touched");
}

void giving_up(void)
{
    any_queues();
    const uint32_t number = (uint32_t)any_below(PLACES);
    assume(domain.places[number].state != FREE);
    remember();
    const bool was_parked = is_parked(number);
    const bool is_mine = give_up(&domain, &domain.places[number]);
    prove(is_mine == was_parked, "unless somebody decided it");
    if (is_mine)
        domain.places[number].state = FREE; /* as wrt_park_wait does */
    prove(are_queues(), "F1 and F3 hold");
    prove(look == number || is_same(), "no other is touched");
}

/* Places of a key in a bucket, and how many of them come before a place. */
static uint32_t count_before(uint32_t bucket, uint64_t key, const struct wrt_futex_place *place)
{
    uint32_t found = 0;
    for (uint32_t i = 0; i < PLACES; i++)
        found += is_parked(i) && domain.places[i].bucket == bucket && domain.places[i].key == key &&
                 (place == NULL || is_before(&domain.places[i], place));
    return found;
}

void waking(void)
{
    any_queues();
    remember();
    const uint32_t bucket = (uint32_t)any_below(QUEUES), wanted = (uint32_t)any_below(PLACES + 1);
    const uint64_t key = any_below(3);
    const uint32_t all = count_before(bucket, key, NULL), first = count_before(bucket, key, &domain.places[look]);
    const bool is_its = is_parked(look) && place_before.bucket == bucket && place_before.key == key;
    struct released released = {.count = 0};
    take_waiters(&domain, &domain.buckets[bucket], key, domain.buckets[bucket].arrivals, wanted, &released);
    prove(released.count == (all < wanted ? all : wanted), "as many as were asked for, if there are");
    prove(are_queues(), "F1 and F3 hold");
    if (is_its && first < wanted)
        prove(domain.places[look].state == WOKEN && released.places[first] == &domain.places[look], "the first ones");
    else
        prove(is_same(), "no other is touched");
}

void interrupting(void)
{
    any_queues();
    remember();
    const uint32_t bucket = (uint32_t)any_below(QUEUES);
    const uint64_t key = any_below(3);
    const bool is_its = is_parked(look) && place_before.bucket == bucket && place_before.interrupt == key;
    struct released released = {.count = 0};
    take_interrupted(&domain, &domain.buckets[bucket], key, &released);
    prove(are_queues(), "F1 and F3 hold");
    if (is_its)
        prove(domain.places[look].state == INTERRUPTED, "all of its own");
    else
        prove(is_same(), "no other is touched");
}

/* From queue 0: which one it is, is all the same to the code, but for its own number (queuing: any). */
static void move_from_first(uint32_t target)
{
    any_queues();
    remember();
    const uint64_t from = any_below(3), to = any_below(3);
    const uint32_t wanted = (uint32_t)any_below(PLACES + 1);
    const uint32_t all = count_before(0, from, NULL), first = count_before(0, from, &domain.places[look]);
    const bool is_its = is_parked(look) && place_before.bucket == 0 && place_before.key == from;
    const uint32_t moved = move_waiters(&domain, &domain.buckets[0], &domain.buckets[target], from, to, wanted);
    prove(moved == (all < wanted ? all : wanted), "as many as were asked for, if there are");
    prove(are_queues(), "F1 and F3 hold");
    if (is_its && first < wanted)
        prove(is_parked(look) && domain.places[look].bucket == target && domain.places[look].key == to, "moved");
    else
        prove(is_same(), "no other is touched");
}

void moving_across(void)
{
    move_from_first(1);
}

void moving_within(void)
{
    move_from_first(0);
}
