/* wrt/pool.h - fixed objects that any thread takes and gives back without a lock.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A stack of free objects, linked by number in an array beside the objects, so that an
 * object's bytes are never read by the pool:
 *
 *     head = { tag, 2 } -> links[2] = 0 -> links[0] = END        (1 is taken)
 *
 *   P1  an object is on the stack, in one cache, or taken; links[] says which
 *   P2  the tag grows by one with each change of the head
 *
 * The tag answers ABA: a take that read head and its link is refused if anything happened
 * in between. It has 32 bits: a thread would have to sleep through exactly a multiple of
 * 2^32 changes and find the same object on top to be fooled.
 *
 * Progress: lock-free. A take or give repeats only when another one succeeded in between;
 * each attempt is at most 4 loads and one compare-and-swap (a cache refill: 16 loads more).
 * Through a cache: wait-free, except for the one call in 16 that refills or spills.
 *
 * Memory orders: the head is written with release (what was written into a given object, and
 * its link, come before) and read with acquire (come after); every write of the head is a
 * read-modify-write, so the release of an earlier give is carried on by later ones. Links
 * are read and written relaxed: a stale one is caught by the tag.
 *
 * Threads: take, give and the statistics may run together. Nothing blocks; safe in signal
 * handlers. A cache belongs to one thread.
 */
#ifndef WRT_POOL_H
#define WRT_POOL_H

#include "wrt/base.h"
#include "wrt/cacheline.h"

WRT_BEGIN_DECLS

#define WRT_POOL_MAX_OBJECTS 0x7FFFFFFFu

struct wrt_object_pool { /* private */
    uint64_t head WRT_CACHE_ALIGNED;   /* tag in the upper half, number of the top below */
    uint32_t *links WRT_CACHE_ALIGNED; /* per object: next free one, or its state */
    uint8_t *objects;
    uint32_t object_count;
    uint32_t object_bytes;
    uint32_t shift; /* object_bytes = 1 << shift, or 32 if it is no power of two */
};

/* Makes all objects free. Keeps both arrays until the pool is no longer used:
 * `objects` of object_count * object_bytes, aligned as its users need, and `links` of
 * object_count. object_count 1 .. WRT_POOL_MAX_OBJECTS, object_bytes >= 1.
 * ERR_ARGUMENT (also for NULL), ERR_OVERFLOW.
 * Cost: O(object_count), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_object_pool_init(struct wrt_object_pool *pool, void *objects, uint32_t *links,
                     uint32_t object_count, uint32_t object_bytes);

/* ---- by number, for structures built on the pool ----
 * Inline, because a call would cost a quarter of what they do. */

#define WRT_POOL_NONE 0xFFFFFFFFu
#define WRT_POOL_END 0x7FFFFFFFu   /* private: links that are no number */
#define WRT_POOL_TAKEN 0x80000000u

/* WRT_POOL_NONE when all are taken.
 * Cost: O(1), repeated only when another thread succeeded, never blocks, never faults. */
static inline uint32_t wrt_object_pool_take_number(struct wrt_object_pool *pool)
{
    uint64_t head = __atomic_load_n(&pool->head, __ATOMIC_ACQUIRE);
    uint64_t next;
    uint32_t number;
    do {
        number = (uint32_t)head;
        if (number == WRT_POOL_END)
            return WRT_POOL_NONE;
        next = ((head >> 32) + 1) << 32 | __atomic_load_n(&pool->links[number], __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(&pool->head, &head, next, true, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    __atomic_store_n(&pool->links[number], WRT_POOL_TAKEN, __ATOMIC_RELAXED);
    return number;
}

/* `number` was taken by the caller; false if it was free already.
 * Cost: O(1), repeated only when another thread succeeded, never blocks, never faults. */
static inline bool wrt_object_pool_give_number(struct wrt_object_pool *pool, uint32_t number)
{
    if (number >= pool->object_count ||
        __atomic_load_n(&pool->links[number], __ATOMIC_RELAXED) != WRT_POOL_TAKEN)
        return false;
    uint64_t head = __atomic_load_n(&pool->head, __ATOMIC_RELAXED);
    do {
        __atomic_store_n(&pool->links[number], (uint32_t)head, __ATOMIC_RELAXED);
    } while (!__atomic_compare_exchange_n(&pool->head, &head,
                                          ((head >> 32) + 1) << 32 | number, true,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    return true;
}

/* Private: which object is it? False: none of the pool's.
 * Cost: O(1), never blocks, never faults. */
static inline bool wrt_object_pool_find(const struct wrt_object_pool *pool, const void *object,
                                        uint32_t *out_number)
{
    uintptr_t offset = (uintptr_t)object - (uintptr_t)pool->objects;
    /* A division costs as much as the rest of a give. */
    uintptr_t number = pool->shift < 32 ? offset >> pool->shift : offset / pool->object_bytes;
    if (number >= pool->object_count || number * pool->object_bytes != offset)
        return false;
    *out_number = (uint32_t)number;
    return true;
}

/* ---- by address ---- */

/* Takes a free object, contents as its last user left them. ERR_NO_SPACE: all are taken.
 * Last given, first taken.
 * Cost: O(1), repeated only when another thread succeeded, never blocks, never faults; 30 steps. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_object_pool_take(struct wrt_object_pool *pool, void **out)
{
    uint32_t number = wrt_object_pool_take_number(pool);
    if (number == WRT_POOL_NONE)
        return WRT_ERR_NO_SPACE;
    *out = pool->objects + (size_t)number * pool->object_bytes;
    return WRT_OK;
}

/* Gives an object back. ERR_ARGUMENT: not the address of one of its objects. ERR_STATE: it
 * is free already (found unless two threads give it at the same moment).
 * Cost: O(1), repeated only when another thread succeeded, never blocks, never faults; 40 steps. */
WRT_MUST_CHECK static inline enum wrt_status
wrt_object_pool_give(struct wrt_object_pool *pool, void *object)
{
    uint32_t number;
    if (!wrt_object_pool_find(pool, object, &number))
        return WRT_ERR_ARGUMENT;
    return wrt_object_pool_give_number(pool, number) ? WRT_OK : WRT_ERR_STATE;
}

/* Plain check of the fields.
 * Cost: O(1), never blocks, never faults. */
WRT_API bool wrt_object_pool_is_valid(const struct wrt_object_pool *pool);

/* Free objects on the stack, counted by a walk. Exact only while no other thread uses the pool.
 * Cost: O(object_count), never blocks, never faults. */
WRT_API uint32_t wrt_object_pool_count_free(const struct wrt_object_pool *pool);

/* ---- a thread's own few ---- */

#define WRT_OBJECT_CACHE_SIZE 32u

/* Zero-fill, set pool. Holds up to 32 objects that others cannot take meanwhile. */
struct wrt_object_cache {
    struct wrt_object_pool *pool; /* keeps, until drained */
    uint32_t count;               /* private from here */
    uint32_t numbers[WRT_OBJECT_CACHE_SIZE];
};

/* As the calls of the pool; of 16 calls at most one touches shared memory other than the
 * object's link. ERR_NO_SPACE: the cache and the pool are empty (other caches may not be).
 * Cost: O(1), one call in 16 O(16), repeated only when another thread succeeded, never blocks,
 * never faults; 350 steps. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_object_cache_take(struct wrt_object_cache *cache, void **out);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_object_cache_give(struct wrt_object_cache *cache, void *object);
/* Gives everything in the cache back to the pool.
 * Cost: O(count), repeated only when another thread succeeded, never blocks, never faults. */
WRT_API void wrt_object_cache_drain(struct wrt_object_cache *cache);

WRT_END_DECLS
#endif
