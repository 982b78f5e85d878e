/* tests/unit/arena_blocks.c - blocks never overlap, keep their bytes, and come back, for
 * every backing and level.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/arena.h"

#include <string.h>

static uint64_t random_state = 88172645463325252u;

static uint32_t random_below(uint32_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 33) % bound;
}

enum { HELD = 300 };

struct held {
    uint8_t *block;
    size_t size_bytes;
    uint8_t mark;
};

static struct held held[HELD];

static void check_bytes(const uint8_t *block, size_t size_bytes, uint8_t mark)
{
    for (size_t i = 0; i < size_bytes; i++)
        if (block[i] != mark)
            fail_msg("byte %zu of a block of %zu was overwritten", i, size_bytes);
}

static void check_arena(const struct wrt_arena *arena)
{
    struct wrt_error error;

    if (wrt_arena_check(arena, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static size_t random_size(size_t most)
{
    size_t size = random_below(10) < 7 ? random_below(600) : random_below((uint32_t)most);

    return 1 + size % most;
}

static void take(struct wrt_arena *arena, struct held *h, size_t most, int step)
{
    size_t alignment = random_below(3) ? 0 : (size_t)1 << random_below(13);
    void *block;

    h->size_bytes = random_size(most);
    if (wrt_arena_allocate(arena, h->size_bytes, alignment, &block, NULL) != WRT_OK)
        return; /* a static block may be full */
    assert_int_equal((uintptr_t)block % (alignment < 16 ? 16 : alignment), 0);
    h->block = block;
    h->mark = (uint8_t)step;
    memset(block, h->mark, h->size_bytes);
}

static void resize(struct wrt_arena *arena, struct held *h, size_t most)
{
    size_t size_bytes = random_size(most);
    void *block;

    if (wrt_arena_resize(arena, h->block, size_bytes, &block, NULL) != WRT_OK)
        return;
    check_bytes(block, size_bytes < h->size_bytes ? size_bytes : h->size_bytes, h->mark);
    h->block = block;
    h->size_bytes = size_bytes;
    memset(block, h->mark, size_bytes);
}

static void give(struct wrt_arena *arena, struct held *h)
{
    check_bytes(h->block, h->size_bytes, h->mark);
    assert_int_equal(wrt_arena_free(arena, h->block), WRT_OK);
    h->block = NULL;
}

static void traffic(struct wrt_arena *arena, size_t most, int steps)
{
    memset(held, 0, sizeof held);
    for (int step = 0; step < steps; step++) {
        struct held *h = &held[random_below(HELD)];

        if (h->block == NULL)
            take(arena, h, most, step);
        else if (random_below(4) == 0)
            resize(arena, h, most);
        else
            give(arena, h);
        if (step % 1000 == 0)
            check_arena(arena);
    }
    for (int i = 0; i < HELD; i++)
        if (held[i].block != NULL)
            give(arena, &held[i]);
    check_arena(arena);
}

static struct wrt_arena_info info_of(const struct wrt_arena *arena)
{
    struct wrt_arena_info info;

    wrt_arena_get_info(arena, &info);
    return info;
}

static void run(const struct wrt_arena_config *config, size_t most, int steps)
{
    struct wrt_arena arena;

    assert_int_equal(wrt_arena_init(&arena, config, NULL), WRT_OK);
    traffic(&arena, most, steps);
    assert_int_equal(info_of(&arena).used_bytes, 0);
    assert_true(info_of(&arena).high_water_bytes > 0);
    assert_int_equal(info_of(&arena).damages, 0);
    for (int class = 0; class < WRT_ARENA_CLASSES; class++)
        assert_int_equal(info_of(&arena).live[class], 0);
    wrt_arena_free_now(&arena);
    if (config->static_block == NULL)
        assert_int_equal(info_of(&arena).held_bytes, 0); /* all merged and went back */
    wrt_arena_deinit(&arena);
}

static void traffic_at_every_level(void **state)
{
    (void)state;
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++) {
        struct wrt_arena_config config = {
            .verification = (enum wrt_verification_level)level};
        run(&config, 200000, level >= WRT_VERIFY_FULL ? 6000 : 40000);
    }
}

static void traffic_with_every_order(void **state)
{
    const struct wrt_arena_config configs[] = {
        {.free_fifo = true},
        {.no_quick = true, .no_cache = true},
        {.quick_blocks = 3, .cache_blocks = 1},
        {.arena_bytes = 4096, .large_bytes = 500000},
        {.arena_bytes = 262144, .large_bytes = 4096, .monotonic_growth = true},
        {.is_shared = true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++)
        run(&configs[i], 200000, 20000);
}

static void traffic_in_a_static_block(void **state)
{
    static _Alignas(16) uint8_t block[3 << 20];
    struct wrt_arena_config config = {.static_block = block, .static_block_bytes = sizeof block};
    struct wrt_arena arena;
    void *all;

    (void)state;
    run(&config, 60000, 30000);
    config.static_block_bytes = 5000; /* also a small one fills up and empties */
    run(&config, 1000, 20000);
    assert_int_equal(wrt_arena_init(&arena, &config, NULL), WRT_OK);
    assert_int_equal(wrt_arena_allocate(&arena, 4700, 0, &all, NULL), WRT_OK);
    assert_true((uint8_t *)all >= block && (uint8_t *)all + 4700 <= block + 5000);
    assert_int_equal(wrt_arena_allocate(&arena, 300, 0, &all, NULL), WRT_ERR_NO_SPACE);
    assert_int_equal(wrt_arena_allocate(&arena, 1 << 20, 0, &all, NULL), WRT_ERR_NO_SPACE);
    wrt_arena_deinit(&arena);
}

static void traffic_in_a_parent(void **state)
{
    struct wrt_arena parent;
    struct wrt_arena_config config = {.parent = &parent};

    (void)state;
    assert_int_equal(wrt_arena_init(&parent, NULL, NULL), WRT_OK);
    run(&config, 200000, 20000);
    assert_int_equal(info_of(&parent).used_bytes, 0);
    check_arena(&parent);
    wrt_arena_deinit(&parent);
}

/* A3: waste inside blocks. The info gives what the lists hold; live blocks tile the rest. */
static void waste_is_bounded(void **state)
{
    struct wrt_arena_config config = {.verification = WRT_VERIFY_MINIMAL};
    struct wrt_arena arena;
    void *first, *second, *third;

    (void)state;
    assert_int_equal(wrt_arena_init(&arena, &config, NULL), WRT_OK);
    for (size_t n = 1; n <= 15000; n += 1 + n / 50) {
        size_t taken;

        wrt_arena_free_now(&arena);
        assert_int_equal(wrt_arena_allocate(&arena, n, 0, &first, NULL), WRT_OK);
        assert_int_equal(wrt_arena_allocate(&arena, n, 0, &second, NULL), WRT_OK);
        assert_int_equal(wrt_arena_allocate(&arena, n, 0, &third, NULL), WRT_OK);
        taken = (size_t)((uint8_t *)second - (uint8_t *)first);
        if (taken > n + n / 16 + 31)
            taken = (size_t)((uint8_t *)third - (uint8_t *)second); /* a new arena between */
        assert_true(taken <= n + n / 16 + 31);
        assert_int_equal(wrt_arena_free(&arena, first), WRT_OK);
        assert_int_equal(wrt_arena_free(&arena, second), WRT_OK);
        assert_int_equal(wrt_arena_free(&arena, third), WRT_OK);
    }
    wrt_arena_deinit(&arena);
}

static void bad_requests_are_refused(void **state)
{
    struct wrt_arena arena;
    struct wrt_error error;
    void *out = &error, *block;

    (void)state;
    assert_int_equal(wrt_arena_init(&arena, NULL, NULL), WRT_OK);
    assert_int_equal(wrt_arena_allocate(&arena, 0, 0, &out, &error), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_arena_allocate(&arena, 8, 24, &out, &error), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_arena_allocate(&arena, 8, 8192, &out, &error), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_arena_allocate(&arena, SIZE_MAX, 0, &out, &error), WRT_ERR_NO_MEMORY);
    assert_int_equal(wrt_arena_allocate(&arena, SIZE_MAX / 2, 0, &out, &error),
                     WRT_ERR_NO_MEMORY);
    assert_int_equal(info_of(&arena).held_bytes, 0);
    assert_int_equal(wrt_arena_allocate(&arena, 50, 0, &block, NULL), WRT_OK);
    assert_int_equal(wrt_arena_resize(&arena, block, 0, &out, &error), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_arena_resize(&arena, block, SIZE_MAX, &out, &error),
                     WRT_ERR_NO_MEMORY);
    assert_int_equal(wrt_arena_resize(&arena, NULL, 5, &out, &error), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_arena_block_bytes(&arena, block), 50);
    assert_int_equal(wrt_arena_block_bytes(&arena, NULL), 0);
    assert_ptr_equal(out, &error);
    assert_int_equal(wrt_arena_free(&arena, NULL), WRT_OK);
    wrt_arena_deinit(&arena);
}

static void resize_stays_in_place_where_there_is_room(void **state)
{
    struct wrt_arena_config config = {.no_quick = true};
    struct wrt_arena arena;
    void *block, *again, *large;

    (void)state;
    assert_int_equal(wrt_arena_init(&arena, &config, NULL), WRT_OK);
    assert_int_equal(wrt_arena_allocate(&arena, 100, 0, &block, NULL), WRT_OK);
    assert_int_equal(wrt_arena_resize(&arena, block, 20000, &again, NULL), WRT_OK);
    assert_ptr_equal(again, block); /* the rest of the arena is its free neighbour */
    assert_int_equal(wrt_arena_resize(&arena, block, 10, &again, NULL), WRT_OK);
    assert_ptr_equal(again, block);
    check_arena(&arena);
    assert_int_equal(wrt_arena_resize(&arena, block, 150000, &large, NULL), WRT_OK);
    assert_ptr_not_equal(large, block);
    assert_int_equal(wrt_arena_resize(&arena, large, 220000, &again, NULL), WRT_OK);
    assert_ptr_equal(again, large); /* half as much again was taken */
    assert_int_equal(wrt_arena_free(&arena, large), WRT_OK);
    check_arena(&arena);
    wrt_arena_deinit(&arena);
}

struct counted {
    size_t live, free, large;
};

static bool count(void *context, const struct wrt_arena_piece *piece)
{
    struct counted *counted = context;

    counted->live += piece->kind == WRT_PIECE_LIVE;
    counted->large += piece->kind == WRT_PIECE_LARGE;
    counted->free += piece->kind == WRT_PIECE_FREE || piece->kind == WRT_PIECE_QUICK;
    return true;
}

static bool stop(void *context, const struct wrt_arena_piece *piece)
{
    (void)piece;
    ++*(int *)context;
    return false;
}

static void a_walk_sees_every_piece(void **state)
{
    struct counted counted = {0};
    struct wrt_arena arena;
    void *block[5];
    int seen = 0;

    (void)state;
    assert_int_equal(wrt_arena_init(&arena, NULL, NULL), WRT_OK);
    for (int i = 0; i < 5; i++)
        assert_int_equal(
            wrt_arena_allocate(&arena, i == 4 ? 100000 : 100, 0, &block[i], NULL), WRT_OK);
    assert_int_equal(wrt_arena_free(&arena, block[1]), WRT_OK);
    wrt_arena_walk(&arena, count, &counted);
    assert_int_equal(counted.live, 3);
    assert_int_equal(counted.large, 1);
    assert_int_equal(counted.free, 2); /* the freed one and the rest */
    wrt_arena_walk(&arena, stop, &seen);
    assert_int_equal(seen, 1);
    wrt_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(traffic_at_every_level),
        cmocka_unit_test(traffic_with_every_order),
        cmocka_unit_test(traffic_in_a_static_block),
        cmocka_unit_test(traffic_in_a_parent),
        cmocka_unit_test(waste_is_bounded),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(resize_stays_in_place_where_there_is_room),
        cmocka_unit_test(a_walk_sees_every_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
