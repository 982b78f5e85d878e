/* tests/unit/arena_options.c - every option has its effect, every wrong value is refused.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"
#include "wrt/arena.h"

#include <stdlib.h>
#include <string.h>

static struct wrt_arena arena;

static struct wrt_arena_info make(const struct wrt_arena_config *config)
{
    struct wrt_arena_info info;
    struct wrt_error error;

    if (wrt_arena_init(&arena, config, &error) != WRT_OK)
        fail_msg("%s", error.text);
    wrt_arena_get_info(&arena, &info);
    return info;
}

static struct wrt_arena_info now(void)
{
    struct wrt_arena_info info;

    wrt_arena_get_info(&arena, &info);
    return info;
}

static void *get(size_t size_bytes)
{
    void *block;

    assert_int_equal(wrt_arena_allocate(&arena, size_bytes, 0, &block, NULL), WRT_OK);
    return block;
}

static void put(void *block)
{
    assert_int_equal(wrt_arena_free(&arena, block), WRT_OK);
}

static void an_empty_set_costs_nothing_but_itself(void **state)
{
    (void)state;
    assert_int_equal(make(NULL).held_bytes, 0);
    assert_true(sizeof arena < 4096);
    wrt_arena_deinit(&arena);
}

static void arena_size_is_the_growth_step(void **state)
{
    static const size_t sizes[] = {4096, 32768, 262144};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct wrt_arena_config config = {.arena_bytes = sizes[i]};

        make(&config);
        get(16);
        assert_int_equal(now().held_bytes, sizes[i]);
        assert_int_equal(now().arenas, 1);
        wrt_arena_deinit(&arena);
    }
    make(NULL);
    get(40000); /* more than one arena: the next multiple */
    assert_int_equal(now().held_bytes, 65536);
    wrt_arena_deinit(&arena);
}

static void large_requests_get_their_own_mapping(void **state)
{
    struct wrt_arena_config config = {.large_bytes = 8192};
    void *block;

    (void)state;
    make(&config);
    block = get(8193);
    assert_int_equal(now().arenas, 0);
    assert_int_equal(now().live[WRT_ARENA_CLASSES - 1], 1);
    put(block);
    assert_int_equal(now().arenas, 0);
    assert_int_equal(now().held_bytes, now().cached_bytes); /* kept for later */
    wrt_arena_free_now(&arena);
    assert_int_equal(now().held_bytes, 0);
    get(8192);
    assert_int_equal(now().arenas, 1);
    wrt_arena_deinit(&arena);
}

static void a_freed_large_mapping_serves_the_next_of_its_size(void **state)
{
    void *block, *again;

    (void)state;
    make(NULL);
    block = get(200000);
    put(block);
    assert_int_equal(now().cached_arenas, 1);
    assert_int_equal(wrt_arena_free(&arena, block), WRT_ERR_STATE);
    again = get(160000); /* too small for it */
    assert_ptr_not_equal(again, block);
    assert_int_equal(now().cached_arenas, 1);
    put(again);
    assert_ptr_equal(get(190000), block);
    assert_int_equal(wrt_arena_block_bytes(&arena, block), 190000);
    assert_int_equal(wrt_arena_check(&arena, NULL), WRT_OK);
    put(block);
    assert_ptr_not_equal(get(300000), block);
    assert_int_equal(now().cache_hits, 1);
    wrt_arena_deinit(&arena);
}

/* Four; the oldest goes first. */
static void kept_large_mappings_are_bounded(void **state)
{
    struct wrt_arena_config few = {.cache_bytes = 250000}, none = {.no_cache = true};
    void *block[5];

    (void)state;
    make(NULL);
    for (size_t i = 0; i < 5; i++)
        block[i] = get(100000 + 50000 * i);
    for (int i = 0; i < 5; i++)
        put(block[i]);
    assert_int_equal(now().cached_arenas, 4);
    assert_true(now().held_bytes < 900000 + 4 * 8192 && now().held_bytes == now().cached_bytes);
    put(get(600000)); /* larger than 16 arenas */
    assert_int_equal(now().cached_arenas, 4);
    assert_int_equal(wrt_arena_check(&arena, NULL), WRT_OK);
    wrt_arena_trim(&arena, 1, SIZE_MAX);
    assert_int_equal(now().cached_arenas, 1);
    assert_ptr_equal(get(300000), block[4]);
    wrt_arena_deinit(&arena);
    make(&few);
    block[0] = get(200000);
    block[1] = get(200000);
    put(block[0]);
    put(block[1]);
    assert_int_equal(now().cached_arenas, 1);
    wrt_arena_deinit(&arena);
    make(&none);
    put(get(200000));
    assert_int_equal(now().held_bytes, 0);
    wrt_arena_deinit(&arena);
}

/* What unmapping did for them, keeping would not. */
static void scrubbed_large_blocks_are_not_kept(void **state)
{
    struct wrt_arena_config config = {.verification = WRT_VERIFY_CRITICAL};

    (void)state;
    make(&config);
    put(get(200000));
    assert_int_equal(now().held_bytes, 0);
    wrt_arena_deinit(&arena);
}

static void fill_and_empty(int arenas)
{
    void *block[32];

    for (int i = 0; i < arenas; i++)
        block[i] = get(30000);
    for (int i = 0; i < arenas; i++)
        put(block[i]);
}

static void the_cache_is_bounded_by_blocks_and_bytes(void **state)
{
    struct wrt_arena_config config = {.no_quick = true};

    (void)state;
    make(&config);
    fill_and_empty(20);
    assert_int_equal(now().cached_arenas, 12);
    fill_and_empty(20);
    assert_int_equal(now().cache_hits, 12);
    assert_int_equal(now().arenas_mapped - now().arenas_returned, 12);
    wrt_arena_trim(&arena, 5, SIZE_MAX);
    assert_int_equal(now().cached_arenas, 5);
    wrt_arena_trim(&arena, 12, 100000);
    assert_int_equal(now().cached_arenas, 3);
    fill_and_empty(20);
    assert_int_equal(now().cached_bytes, 3 * 32768);
    wrt_arena_free_now(&arena);
    assert_int_equal(now().held_bytes, 0);
    wrt_arena_deinit(&arena);
    config.cache_blocks = 2;
    make(&config);
    fill_and_empty(20);
    assert_int_equal(now().cached_arenas, 2);
    wrt_arena_deinit(&arena);
    config.cache_bytes = 32768;
    make(&config);
    fill_and_empty(20);
    assert_int_equal(now().cached_arenas, 1);
    wrt_arena_deinit(&arena);
    config.no_cache = true;
    make(&config);
    fill_and_empty(20);
    assert_int_equal(now().held_bytes, 0);
    wrt_arena_deinit(&arena);
}

static void memory_hold_gives_nothing_back(void **state)
{
    struct wrt_arena_config config = {.memory_hold = true, .no_cache = true};

    (void)state;
    make(&config);
    fill_and_empty(20);
    wrt_arena_free_now(&arena);
    wrt_arena_trim(&arena, 0, 0);
    assert_int_equal(now().arenas_returned, 0);
    assert_int_equal(now().held_bytes, 20 * 32768);
    wrt_arena_deinit(&arena);
}

/* A kept mapping is no arena: neither holding nor the floor keeps it from who needs the room. */
static void kept_large_mappings_are_not_what_is_held(void **state)
{
    struct wrt_arena_config holding = {.memory_hold = true},
                            floor = {.preallocate_bytes = 2 * 32768, .no_quick = true};
    void *small;

    (void)state;
    make(&holding);
    put(get(200000));
    assert_int_equal(now().cached_arenas, 1);
    wrt_arena_free_now(&arena);
    assert_int_equal(now().held_bytes, 0);
    wrt_arena_deinit(&arena);
    make(&floor);
    small = get(60000);
    put(get(200000));
    put(small);
    wrt_arena_trim(&arena, 0, 0);
    assert_int_equal(now().held_bytes, 2 * 32768);
    assert_int_equal(now().cached_arenas, 2);
    assert_int_equal(wrt_arena_check(&arena, NULL), WRT_OK);
    wrt_arena_deinit(&arena);
}

static void preallocated_arenas_are_there_and_stay(void **state)
{
    struct wrt_arena_config config = {.preallocate_bytes = 100000, .no_cache = true,
                                      .no_quick = true};

    (void)state;
    assert_int_equal(make(&config).held_bytes, 4 * 32768);
    assert_int_equal(now().locked_bytes, 0);
    fill_and_empty(6);
    assert_int_equal(now().cache_hits, 4);
    assert_int_equal(now().held_bytes, 4 * 32768);
    wrt_arena_free_now(&arena);
    assert_int_equal(now().held_bytes, 4 * 32768);
    wrt_arena_deinit(&arena);
    config.lock_preallocated = true;
    make(&config);
    if (now().locked_bytes == 0)
        print_message("locking memory is not permitted here: only refusal was seen\n");
    else
        assert_int_equal(now().locked_bytes, 4 * 32768);
    wrt_arena_deinit(&arena);
}

static void lifo_reuses_the_last_block_and_fifo_the_first(void **state)
{
    for (int fifo = 0; fifo < 2; fifo++) {
        for (int quick = 0; quick < 2; quick++) {
            struct wrt_arena_config config = {.free_fifo = fifo, .no_quick = !quick};
            void *block[6];

            (void)state;
            make(&config);
            for (int i = 0; i < 6; i++)
                block[i] = get(100);
            put(block[1]); /* not neighbours: nothing merges */
            put(block[3]);
            assert_ptr_equal(get(100), fifo ? block[1] : block[3]);
            assert_int_equal(now().quick_hits, !fifo && quick);
            wrt_arena_deinit(&arena);
        }
    }
}

static void quick_lists_are_bounded(void **state)
{
    struct wrt_arena_config config = {.quick_blocks = 3};
    void *block[10];

    (void)state;
    make(&config);
    for (int i = 0; i < 10; i++)
        block[i] = get(100);
    for (int i = 0; i < 10; i++)
        put(block[i]);
    assert_int_equal(now().quick_blocks, 3);
    wrt_arena_deinit(&arena);
    config.quick_blocks = 10;
    config.quick_bytes = 300;
    make(&config);
    for (int i = 0; i < 10; i++)
        block[i] = get(100);
    for (int i = 0; i < 10; i++)
        put(block[i]);
    assert_int_equal(now().quick_blocks, 3); /* the third reaches the limit */
    wrt_arena_deinit(&arena);
}

static void monotonic_growth_takes_what_is_asked(void **state)
{
    for (int monotonic = 0; monotonic < 2; monotonic++) {
        struct wrt_arena_config config = {.monotonic_growth = monotonic, .no_cache = true};
        void *block, *larger;

        (void)state;
        make(&config);
        block = get(200000);
        assert_int_equal(wrt_arena_resize(&arena, block, 300000, &larger, NULL), WRT_OK);
        assert_int_equal(now().held_bytes > 400000, !monotonic);
        wrt_arena_deinit(&arena);
    }
}

static void size_classes_are_counted(void **state)
{
    void *block[3];

    (void)state;
    make(NULL);
    block[0] = get(100);
    block[1] = get(1000);
    block[2] = get(100000);
    assert_int_equal(now().live[0], 1);
    assert_int_equal(now().live[3], 1); /* 2^10 bytes up */
    assert_int_equal(now().live[WRT_ARENA_CLASSES - 1], 1);
    put(block[1]);
    assert_int_equal(now().live[3], 0);
    assert_int_equal(now().live_peak[3], 1);
    assert_int_equal(now().allocations, 3);
    assert_int_equal(now().used_bytes, 100100);
    assert_int_equal(now().high_water_bytes, 101100);
    wrt_arena_deinit(&arena);
}

static void count_down(void *context)
{
    (void)context;
    for (int i = 0; i < 20000; i++) {
        void *block;

        if (wrt_arena_allocate(&arena, 1 + (size_t)i % 5000, 0, &block, NULL) != WRT_OK ||
            wrt_arena_free(&arena, block) != WRT_OK)
            return; /* the count will tell */
    }
}

static void a_shared_set_serves_threads(void **state)
{
    struct wrt_arena_config config = {.is_shared = true};
    struct wrt_port_thread_config thread_config = {0};
    struct wrt_port_thread one, two;

    (void)state;
    make(&config);
    assert_int_equal(wrt_port_thread_create(&thread_config, count_down, NULL, &one), WRT_OK);
    assert_int_equal(wrt_port_thread_create(&thread_config, count_down, NULL, &two), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&one), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&two), WRT_OK);
    assert_int_equal(now().allocations, 40000);
    assert_int_equal(now().used_bytes, 0);
    assert_int_equal(wrt_arena_check(&arena, NULL), WRT_OK);
    wrt_arena_deinit(&arena);
}

static void wrong_values_are_refused_by_name(void **state)
{
    static _Alignas(16) uint8_t block[8192];
    struct wrt_arena parent = {0};
    const struct {
        const char *field;
        struct wrt_arena_config config;
    } wrong[] = {
        {"arena_bytes", {.arena_bytes = 1}},
        {"arena_bytes", {.arena_bytes = 4095}},
        {"arena_bytes", {.arena_bytes = 5000}},
        {"arena_bytes", {.arena_bytes = 262144 + 4096}},
        {"large_bytes", {.large_bytes = 4095}},
        {"large_bytes", {.large_bytes = 524289}},
        {"quick_blocks", {.quick_blocks = 65537}},
        {"preallocate_bytes", {.preallocate_bytes = SIZE_MAX}},
        {"level", {.verification = (enum wrt_verification_level)6}},
        {"static_block", {.static_block = block, .static_block_bytes = 4095}},
        {"static_block", {.static_block_bytes = 8192}},
        {"static_block", {.static_block = block + 8, .static_block_bytes = 8000}},
        {"exclude", {.static_block = block, .static_block_bytes = 8192, .parent = &parent}},
        {"preallocate", {.static_block = block, .static_block_bytes = 8192,
                         .preallocate_bytes = 1}},
        {"no 32768 bytes", {.preallocate_bytes = (size_t)1 << 46}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong - 1; i++) {
        struct wrt_error error = {.text = ""};

        assert_true(wrt_arena_init(&arena, &wrong[i].config, &error) < 0);
        if (strstr(error.text, wrong[i].field) == NULL)
            fail_msg("%s is not in '%s'", wrong[i].field, error.text);
    }
}

/* ---- the environment ---- */

static const char *const names[] = {"WRT_ARENA_SIZE", "WRT_ARENA_CACHE_MAXBLK",
                                    "WRT_ARENA_CACHE_MAXSZ", "WRT_MEMORY_HOLD",
                                    "WRT_MEMORY_PREALLOCATE", "WRT_FREE_LIFO"};

static int clear_environment(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    return 0;
}

static void the_environment_sets_options(void **state)
{
    struct wrt_arena_config config = {.quick_blocks = 7};

    (void)state;
    assert_int_equal(wrt_arena_config_from_environment(&config, NULL), WRT_OK);
    assert_int_equal(config.arena_bytes, 0);
    assert_false(config.free_fifo);
    setenv("WRT_ARENA_SIZE", "65536", 1);
    setenv("WRT_ARENA_CACHE_MAXBLK", "3", 1);
    setenv("WRT_ARENA_CACHE_MAXSZ", "200000", 1);
    setenv("WRT_MEMORY_HOLD", "1", 1);
    setenv("WRT_MEMORY_PREALLOCATE", "70000", 1);
    setenv("WRT_FREE_LIFO", "0", 1);
    assert_int_equal(wrt_arena_config_from_environment(&config, NULL), WRT_OK);
    assert_int_equal(config.arena_bytes, 65536);
    assert_int_equal(config.cache_blocks, 3);
    assert_false(config.no_cache);
    assert_int_equal(config.cache_bytes, 200000);
    assert_true(config.memory_hold);
    assert_int_equal(config.preallocate_bytes, 70000);
    assert_true(config.free_fifo);
    assert_int_equal(config.quick_blocks, 7);
    setenv("WRT_ARENA_CACHE_MAXBLK", "0", 1);
    assert_int_equal(wrt_arena_config_from_environment(&config, NULL), WRT_OK);
    assert_true(config.no_cache);
}

static void malformed_variables_are_refused_by_name(void **state)
{
    static const char *const values[] = {"", "x", "1x", "-1", " 1", "0x10",
                                         "99999999999999999999999"};

    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
            struct wrt_arena_config config = {.quick_blocks = 7};
            const struct wrt_arena_config before = config;
            struct wrt_error error;

            setenv(names[n], values[v], 1);
            assert_int_equal(wrt_arena_config_from_environment(&config, &error),
                             WRT_ERR_ARGUMENT);
            assert_non_null(strstr(error.text, names[n]));
            assert_memory_equal(&config, &before, sizeof config);
        }
        unsetenv(names[n]);
    }
    setenv("WRT_ARENA_SIZE", "5000", 1);
    assert_int_equal(wrt_arena_config_from_environment(&(struct wrt_arena_config){0}, NULL),
                     WRT_ERR_ARGUMENT);
    setenv("WRT_ARENA_SIZE", "262145", 1);
    assert_int_equal(wrt_arena_config_from_environment(&(struct wrt_arena_config){0}, NULL),
                     WRT_ERR_ARGUMENT);
    setenv("WRT_FREE_LIFO", "2", 1);
    unsetenv("WRT_ARENA_SIZE");
    assert_int_equal(wrt_arena_config_from_environment(&(struct wrt_arena_config){0}, NULL),
                     WRT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_set_costs_nothing_but_itself),
        cmocka_unit_test(arena_size_is_the_growth_step),
        cmocka_unit_test(large_requests_get_their_own_mapping),
        cmocka_unit_test(a_freed_large_mapping_serves_the_next_of_its_size),
        cmocka_unit_test(kept_large_mappings_are_bounded),
        cmocka_unit_test(scrubbed_large_blocks_are_not_kept),
        cmocka_unit_test(the_cache_is_bounded_by_blocks_and_bytes),
        cmocka_unit_test(memory_hold_gives_nothing_back),
        cmocka_unit_test(kept_large_mappings_are_not_what_is_held),
        cmocka_unit_test(preallocated_arenas_are_there_and_stay),
        cmocka_unit_test(lifo_reuses_the_last_block_and_fifo_the_first),
        cmocka_unit_test(quick_lists_are_bounded),
        cmocka_unit_test(monotonic_growth_takes_what_is_asked),
        cmocka_unit_test(size_classes_are_counted),
        cmocka_unit_test(a_shared_set_serves_threads),
        cmocka_unit_test(wrong_values_are_refused_by_name),
        cmocka_unit_test_setup_teardown(the_environment_sets_options, clear_environment,
                                        clear_environment),
        cmocka_unit_test_setup_teardown(malformed_variables_are_refused_by_name,
                                        clear_environment, clear_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
