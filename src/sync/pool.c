/* src/sync/pool.c - the free stack with tags; see wrt/pool.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Idea: one 64-bit word { tag, number } is the whole shared state; a batch of objects can be
 * cut off or put on with the same single compare-and-swap as one object.
 * Limit: 32-bit tags.
 */
#include "wrt/pool.h"

/* Values of a link that are not a number. */
#define LINK_END WRT_POOL_END
#define LINK_TAKEN WRT_POOL_TAKEN
#define LINK_CACHED 0x80000001u

#define BATCH 16u

static uint32_t head_number(uint64_t head) { return (uint32_t)head; }

static uint64_t next_head(uint64_t head, uint32_t number)
{
    uint64_t tag = (head >> 32) + 1;
    return tag << 32 | number;
}

static uint32_t load_link(const struct wrt_object_pool *pool, uint32_t number)
{
    return __atomic_load_n(&pool->links[number], __ATOMIC_RELAXED);
}

static void store_link(struct wrt_object_pool *pool, uint32_t number, uint32_t link)
{
    __atomic_store_n(&pool->links[number], link, __ATOMIC_RELAXED);
}

enum wrt_status wrt_object_pool_init(struct wrt_object_pool *pool, void *objects,
                                     uint32_t *links, uint32_t object_count,
                                     uint32_t object_bytes)
{
    if (!pool || !objects || !links || object_bytes == 0)
        return WRT_ERR_ARGUMENT;
    if (object_count == 0 || object_count > WRT_POOL_MAX_OBJECTS)
        return WRT_ERR_ARGUMENT;
    if ((uint64_t)object_count * object_bytes > PTRDIFF_MAX)
        return WRT_ERR_OVERFLOW;
    pool->links = links;
    pool->objects = (uint8_t *)objects;
    pool->object_count = object_count;
    pool->object_bytes = object_bytes;
    pool->shift = object_bytes & (object_bytes - 1) ? 32 : (uint32_t)__builtin_ctz(object_bytes);
    for (uint32_t i = 0; i + 1 < object_count; i++)
        store_link(pool, i, i + 1);
    store_link(pool, object_count - 1, LINK_END);
    __atomic_store_n(&pool->head, 0, __ATOMIC_RELEASE);
    return WRT_OK;
}

bool wrt_object_pool_is_valid(const struct wrt_object_pool *pool)
{
    if (!pool || !pool->links || !pool->objects || pool->object_bytes == 0)
        return false;
    if (pool->object_count == 0 || pool->object_count > WRT_POOL_MAX_OBJECTS)
        return false;
    uint32_t top = head_number(__atomic_load_n(&pool->head, __ATOMIC_RELAXED));
    return top == LINK_END || top < pool->object_count;
}

uint32_t wrt_object_pool_count_free(const struct wrt_object_pool *pool)
{
    uint32_t number = head_number(__atomic_load_n(&pool->head, __ATOMIC_ACQUIRE));
    uint32_t count = 0;
    while (number < pool->object_count && count < pool->object_count) {
        count++;
        number = load_link(pool, number);
    }
    return count;
}

/* Cuts up to `wanted` objects off the top in one exchange and marks them. */
static uint32_t take_batch(struct wrt_object_pool *pool, uint32_t wanted, uint32_t mark,
                           uint32_t *numbers)
{
    uint64_t head = __atomic_load_n(&pool->head, __ATOMIC_ACQUIRE);
    for (;;) {
        uint32_t count = 0;
        uint32_t number = head_number(head);
        /* A link that another thread changed meanwhile may say anything; the bound keeps
         * the walk inside the array and the tag refuses the exchange. */
        while (count < wanted && number < pool->object_count) {
            numbers[count++] = number;
            number = load_link(pool, number);
        }
        if (count == 0)
            return 0;
        if (__atomic_compare_exchange_n(&pool->head, &head, next_head(head, number), true,
                                        __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            for (uint32_t i = 0; i < count; i++)
                store_link(pool, numbers[i], mark);
            return count;
        }
    }
}

/* Puts a chain, linked already but for its last, on top. */
static void give_chain(struct wrt_object_pool *pool, uint32_t first, uint32_t last)
{
    uint64_t head = __atomic_load_n(&pool->head, __ATOMIC_RELAXED);
    do {
        store_link(pool, last, head_number(head));
    } while (!__atomic_compare_exchange_n(&pool->head, &head, next_head(head, first), true,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static void *object_at(const struct wrt_object_pool *pool, uint32_t number)
{
    return pool->objects + (size_t)number * pool->object_bytes;
}

enum wrt_status wrt_object_cache_take(struct wrt_object_cache *cache, void **out)
{
    struct wrt_object_pool *pool = cache->pool;
    if (cache->count == 0) {
        cache->count = take_batch(pool, BATCH, LINK_CACHED, cache->numbers);
        if (cache->count == 0)
            return WRT_ERR_NO_SPACE;
    }
    uint32_t number = cache->numbers[--cache->count];
    store_link(pool, number, LINK_TAKEN);
    *out = object_at(pool, number);
    return WRT_OK;
}

/* Returns the `count` oldest objects to the pool; the caller keeps the rest in order. */
static void spill(struct wrt_object_cache *cache, uint32_t count)
{
    struct wrt_object_pool *pool = cache->pool;
    for (uint32_t i = 0; i + 1 < count; i++)
        store_link(pool, cache->numbers[i], cache->numbers[i + 1]);
    give_chain(pool, cache->numbers[0], cache->numbers[count - 1]);
    cache->count -= count;
    for (uint32_t i = 0; i < cache->count; i++)
        cache->numbers[i] = cache->numbers[i + count];
}

enum wrt_status wrt_object_cache_give(struct wrt_object_cache *cache, void *object)
{
    struct wrt_object_pool *pool = cache->pool;
    uint32_t number;
    if (!wrt_object_pool_find(pool, object, &number))
        return WRT_ERR_ARGUMENT;
    if (load_link(pool, number) != LINK_TAKEN)
        return WRT_ERR_STATE;
    if (cache->count == WRT_OBJECT_CACHE_SIZE)
        spill(cache, BATCH);
    store_link(pool, number, LINK_CACHED);
    cache->numbers[cache->count++] = number;
    return WRT_OK;
}

void wrt_object_cache_drain(struct wrt_object_cache *cache)
{
    if (cache->count > 0)
        spill(cache, cache->count);
}
