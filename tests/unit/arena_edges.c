/* tests/unit/arena_edges.c - arenas in combinations of options that others leave out.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/arena.h"

#include <string.h>

static struct wrt_arena arena;

static void set_up(const struct wrt_arena_config *config)
{
    struct wrt_error error;

    if (wrt_arena_init(&arena, config, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static struct wrt_arena_info info(void)
{
    struct wrt_arena_info out;

    wrt_arena_get_info(&arena, &out);
    return out;
}

static void *get(size_t size_bytes)
{
    struct wrt_error error;
    void *out;

    if (wrt_arena_allocate(&arena, size_bytes, 0, &out, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return out;
}

/* More than sixteen arenas in one: no place of the cache has it, so it stays in use, and what is freed
 * there is found by the same request. (It was not: each turn took another arena.) */
static void a_held_arena_of_odd_size_serves_again(void **state)
{
    const struct wrt_arena_config config = {.arena_bytes = 4096, .large_bytes = 512 << 10,
                                            .memory_hold = true, .no_quick = true};
    struct wrt_error error;

    (void)state;
    for (size_t size = 60 << 10; size < 200 << 10; size += 3001) {
        set_up(&config);
        void *block = get(size), *other = get(size);
        size_t held = info().held_bytes;
        for (int turn = 0; turn < 20; turn++) {
            assert_int_equal(wrt_arena_free(&arena, block), WRT_OK);
            assert_int_equal(wrt_arena_free(&arena, other), WRT_OK);
            assert_int_equal(wrt_arena_check(&arena, &error), WRT_OK);
            block = get(size);
            other = get(size);
        }
        if (info().held_bytes != held)
            fail_msg("%zu bytes: %zu held, then %zu", size, held, info().held_bytes);
        wrt_arena_deinit(&arena);
    }
}

/* What is no block is told apart by where it points: into an arena, a mapping, or nowhere. */
static void wild_pointers_are_told_apart(void **state)
{
    const struct wrt_arena_config config = {.large_bytes = 4096};
    static uint64_t foreign[64];

    (void)state;
    set_up(&config);
    uint8_t *small = get(1000), *large = get(100000), *other = get(200000);
    memset(small, 0, 1000);
    memset(large, 0, 100000);
    assert_int_equal(wrt_arena_free(&arena, small + 64), WRT_ERR_CORRUPT);
    assert_int_equal(wrt_arena_free(&arena, large + 4096), WRT_ERR_CORRUPT);
    assert_int_equal(wrt_arena_free(&arena, foreign + 32), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_arena_block_bytes(&arena, large + 4096), 0);
    assert_int_equal(wrt_arena_free(&arena, other), WRT_OK);
    assert_int_equal(wrt_arena_free(&arena, large), WRT_OK);
    assert_int_equal(wrt_arena_free(&arena, small), WRT_OK);
    wrt_arena_deinit(&arena);
}

struct visits {
    int seen, most;
    bool large_only;
};

static bool visit(void *context, const struct wrt_arena_piece *piece)
{
    struct visits *v = context;

    if (v->large_only && piece->kind != WRT_PIECE_LARGE)
        return true;
    return ++v->seen < v->most;
}

static void a_walk_ends_when_it_is_told_to(void **state)
{
    const struct wrt_arena_config config = {.large_bytes = 4096};

    (void)state;
    set_up(&config);
    void *blocks[] = {get(100), get(200), get(10000), get(20000), get(30000)};
    for (int most = 1; most <= 3; most++) {
        struct visits small = {.most = most}, large = {.most = most, .large_only = true};
        wrt_arena_walk(&arena, visit, &small);
        wrt_arena_walk(&arena, visit, &large);
        assert_int_equal(small.seen, most);
        assert_int_equal(large.seen, most);
    }
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        assert_int_equal(wrt_arena_free(&arena, blocks[i]), WRT_OK);
    struct visits none = {.most = 9};
    wrt_arena_trim(&arena, 0, 0);
    wrt_arena_walk(&arena, visit, &none);
    assert_int_equal(none.seen, 0);
    wrt_arena_deinit(&arena);
}

/* The cache's limit in bytes counts alone: arenas fit by number and not by size. */
static void a_cache_of_few_bytes_keeps_what_fits(void **state)
{
    const struct wrt_arena_config config = {.arena_bytes = 8192, .cache_blocks = 100,
                                            .cache_bytes = 3 * 8192, .no_quick = true};
    void *blocks[8];

    (void)state;
    set_up(&config);
    for (int i = 0; i < 8; i++)
        blocks[i] = get(6000);
    for (int i = 0; i < 8; i++)
        assert_int_equal(wrt_arena_free(&arena, blocks[i]), WRT_OK);
    assert_int_equal(info().cached_arenas, 3);
    assert_int_equal(info().cached_bytes, 3 * 8192);
    wrt_arena_trim(&arena, 100, 8192 + 1);
    assert_int_equal(info().cached_arenas, 1);
    blocks[0] = get(6000);
    blocks[1] = get(14000); /* two arenas in one: above what is left of the limit */
    assert_int_equal(wrt_arena_free(&arena, blocks[1]), WRT_OK);
    assert_int_equal(info().cached_bytes, 0);
    assert_int_equal(wrt_arena_free(&arena, blocks[0]), WRT_OK);
    assert_int_equal(info().cached_bytes, 8192);
    wrt_arena_deinit(&arena);
    assert_int_equal(info().held_bytes, 0);
}

/* Which colours there are is the machine's; what is none is refused before it is asked. */
static void what_is_no_colour_is_refused(void **state)
{
    static uint8_t block[16384] __attribute__((aligned(4096)));
    static struct wrt_arena other;
    static const struct wrt_cache_colour bad[] = {{.count = 1}, {.count = 3}, {.count = 2, .index = 2},
                                                  {.count = 2, .level = 1}, {.count = 2, .level = 4}};
    const struct wrt_cache_colour good = {.count = 2, .level = 3}, second = {.count = 2};
    struct wrt_colour_runs runs = {.run_bytes = 77};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(wrt_cache_colour_runs(&bad[i], &runs, NULL), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_cache_colour_runs(NULL, &runs, NULL), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_cache_colour_runs(&good, NULL, NULL), WRT_ERR_ARGUMENT);
    assert_int_equal(runs.run_bytes, 77);
    for (int level = 0; level < 2; level++) {
        enum wrt_status status = wrt_cache_colour_runs(level != 0 ? &good : &second, &runs, NULL);
        assert_true(status == WRT_OK || status == WRT_ERR_UNSUPPORTED);
    }
    assert_int_equal(wrt_arena_init(&arena, &(struct wrt_arena_config){
        .static_block = block, .static_block_bytes = sizeof block, .colour = second}, NULL),
                     WRT_ERR_UNSUPPORTED);
    assert_int_equal(wrt_arena_init(&arena, &(struct wrt_arena_config){
        .parent = &other, .colour = second}, NULL), WRT_ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_arena_of_odd_size_serves_again),
        cmocka_unit_test(wild_pointers_are_told_apart),
        cmocka_unit_test(a_walk_ends_when_it_is_told_to),
        cmocka_unit_test(a_cache_of_few_bytes_keeps_what_fits),
        cmocka_unit_test(what_is_no_colour_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
