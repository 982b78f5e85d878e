/* tests/unit/arena_blocks.c - blocks never overlap, keep their bytes, and come back.
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

static struct wrt_arena *fresh(const struct wrt_arena_config *config)
{
    static struct wrt_arena arena;

    assert_int_equal(wrt_arena_init(&arena, config, NULL), WRT_OK);
    return &arena;
}

struct held {
    uint8_t *block;
    size_t size_bytes;
    uint8_t mark;
};

static void check_held(const struct held *held)
{
    for (size_t i = 0; i < held->size_bytes; i++)
        if (held->block[i] != held->mark)
            fail_msg("byte %zu of a block of %zu was overwritten", i, held->size_bytes);
}

static size_t random_size(void)
{
    switch (random_below(10)) {
    case 0:
        return 1 + random_below(200000); /* some with a mapping of their own */
    case 1:
    case 2:
        return 1 + random_below(65536);
    default:
        return 1 + random_below(600);
    }
}

/* Random traffic; each block is filled and its bytes are checked before it goes. */
static void random_traffic(void **state)
{
    static struct held held[500];
    struct wrt_arena *arena = fresh(NULL);

    (void)state;
    memset(held, 0, sizeof held);
    for (int step = 0; step < 60000; step++) {
        struct held *h = &held[random_below(500)];
        size_t alignment = (size_t)1 << random_below(13);
        void *block;

        if (h->block != NULL) {
            check_held(h);
            assert_int_equal(wrt_arena_block_bytes(arena, h->block), h->size_bytes);
            assert_int_equal(wrt_arena_free(arena, h->block), WRT_OK);
            h->block = NULL;
            continue;
        }
        h->size_bytes = random_size();
        assert_int_equal(wrt_arena_allocate(arena, h->size_bytes, alignment, &block, NULL),
                         WRT_OK);
        assert_int_equal((uintptr_t)block % (alignment < 16 ? 16 : alignment), 0);
        h->block = block;
        h->mark = (uint8_t)step;
        memset(block, h->mark, h->size_bytes);
    }
    for (int i = 0; i < 500; i++)
        if (held[i].block != NULL)
            assert_int_equal(wrt_arena_free(arena, held[i].block), WRT_OK);
    assert_int_equal(arena->used_bytes, 0);
    wrt_arena_free_now(arena);
    assert_int_equal(arena->held_bytes, 0); /* everything merged and went back */
    wrt_arena_deinit(arena);
}

static void bad_requests_are_refused(void **state)
{
    struct wrt_arena *arena = fresh(NULL);
    struct wrt_error error;
    void *out = &error;

    (void)state;
    assert_int_equal(wrt_arena_allocate(arena, 0, 0, &out, &error), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_arena_allocate(arena, 8, 24, &out, &error), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_arena_allocate(arena, 8, 8192, &out, &error), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_arena_allocate(arena, SIZE_MAX, 0, &out, &error), WRT_ERR_NO_MEMORY);
    assert_int_equal(wrt_arena_allocate(arena, SIZE_MAX / 2, 0, &out, &error),
                     WRT_ERR_NO_MEMORY);
    assert_ptr_equal(out, &error);
    assert_int_equal(arena->held_bytes, 0);
    wrt_arena_deinit(arena);
}

static void bad_configurations_are_refused(void **state)
{
    static const size_t wrong[] = {1, 4095, 5000, 262144 + 4096};
    struct wrt_arena arena;
    struct wrt_error error;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct wrt_arena_config config = {.arena_bytes = wrong[i]};
        assert_true(wrt_arena_init(&arena, &config, &error) < 0);
        assert_non_null(strstr(error.text, "arena_bytes"));
    }
}

static void crimes_are_found(void **state)
{
    struct wrt_arena *arena = fresh(NULL);
    uint64_t foreign[8] = {0};
    void *block, *keep;

    (void)state;
    assert_int_equal(wrt_arena_allocate(arena, 100, 0, &block, NULL), WRT_OK);
    assert_int_equal(wrt_arena_allocate(arena, 100, 0, &keep, NULL), WRT_OK);
    assert_int_equal(wrt_arena_free(arena, (uint8_t *)block + 1), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_arena_free(arena, (uint8_t *)((uintptr_t)&foreign[3] & ~(uintptr_t)15)),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_arena_free(arena, block), WRT_OK);
    assert_int_equal(wrt_arena_free(arena, block), WRT_ERR_STATE);
    ((uint8_t *)keep)[-8] ^= 1; /* an underrun hits the header */
    assert_int_equal(wrt_arena_free(arena, keep), WRT_ERR_CORRUPT);
    ((uint8_t *)keep)[-8] ^= 1;
    assert_int_equal(wrt_arena_free(arena, keep), WRT_OK);
    assert_int_equal(wrt_arena_free(arena, NULL), WRT_OK);
    wrt_arena_deinit(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_traffic),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(bad_configurations_are_refused),
        cmocka_unit_test(crimes_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
