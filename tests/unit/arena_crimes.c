/* tests/unit/arena_crimes.c - each check of the arena finds its crime at its level and is
 * silent below. A crime that would wreck the set below its level is committed on bytes that
 * are put right again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"
#include "wrt/arena.h"

#include <string.h>

static struct wrt_arena arena;

static void make(int level)
{
    struct wrt_arena_config config = {.verification = (enum wrt_verification_level)level};

    assert_int_equal(wrt_arena_init(&arena, &config, NULL), WRT_OK);
}

static uint8_t *get(size_t size_bytes)
{
    void *block;

    assert_int_equal(wrt_arena_allocate(&arena, size_bytes, 0, &block, NULL), WRT_OK);
    return block;
}

static uint64_t damages(void)
{
    struct wrt_arena_info info;

    wrt_arena_get_info(&arena, &info);
    return info.damages;
}

#define FOR_EACH_LEVEL(level) \
    for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++)

static void header_finds_foreign_pointers_and_second_frees(void **state)
{
    (void)state;
    FOR_EACH_LEVEL (level) {
        _Alignas(16) uint64_t foreign[8] = {0};
        uint8_t *block, *other, *large;

        make(level);
        if (level < WRT_VERIFY_MINIMAL) { /* silent: what it says of a freed block */
            block = get(100);
            assert_int_equal(wrt_arena_free(&arena, block), WRT_OK);
            assert_int_not_equal(wrt_arena_block_bytes(&arena, block), 0);
            wrt_arena_deinit(&arena);
            continue;
        }
        block = get(100);
        other = get(100);
        large = get(100000);
        assert_int_equal(wrt_arena_free(&arena, block + 1), WRT_ERR_ARGUMENT);
        assert_int_equal(wrt_arena_free(&arena, &foreign[2]), WRT_ERR_ARGUMENT);
        assert_true(wrt_arena_free(&arena, block + 16) < 0);
        assert_int_equal(wrt_arena_free(&arena, block), WRT_OK);
        assert_int_equal(wrt_arena_free(&arena, block), WRT_ERR_STATE);
        assert_int_equal(wrt_arena_block_bytes(&arena, block), 0);
        assert_int_equal(wrt_arena_free(&arena, other), WRT_OK);
        assert_int_equal(wrt_arena_free(&arena, block), WRT_ERR_STATE); /* also when merged */
        assert_int_equal(wrt_arena_free(&arena, other), WRT_ERR_STATE);
        assert_int_equal(wrt_arena_resize(&arena, other, 5, (void **)&block, NULL),
                         WRT_ERR_STATE);
        assert_int_equal(wrt_arena_free(&arena, large), WRT_OK);
        assert_int_equal(damages(), 7);
        wrt_arena_deinit(&arena);
    }
}

static void header_finds_an_underrun(void **state)
{
    (void)state;
    FOR_EACH_LEVEL (level) {
        uint8_t *block;

        if (level < WRT_VERIFY_MINIMAL)
            continue; /* nothing looks at the signature there */
        make(level);
        block = get(100);
        for (int byte = -8; byte < 0; byte++) {
            block[byte] ^= 0x10;
            assert_int_equal(wrt_arena_free(&arena, block), WRT_ERR_CORRUPT);
            block[byte] ^= 0x10;
        }
        assert_int_equal(wrt_arena_free(&arena, block), WRT_OK);
        wrt_arena_deinit(&arena);
    }
}

static void canary_finds_an_overrun_by_one_byte(void **state)
{
    static const size_t sizes[] = {1, 7, 24, 100, 101, 333, 480, 1000, 70000};

    (void)state;
    FOR_EACH_LEVEL (level) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            bool is_found = level >= WRT_VERIFY_STANDARD;
            uint8_t *block, saved;

            make(level);
            block = get(sizes[i]);
            saved = block[sizes[i]];
            block[sizes[i]] ^= 1;
            if (!is_found && sizes[i] % 16 == 8)
                block[sizes[i]] = saved; /* below the level that byte may be a header's */
            assert_int_equal(wrt_arena_free(&arena, block),
                             is_found ? WRT_ERR_CORRUPT : WRT_OK);
            if (is_found) {
                block[sizes[i]] = saved;
                assert_int_equal(wrt_arena_free(&arena, block), WRT_OK);
            }
            wrt_arena_deinit(&arena);
        }
    }
}

/* A block of 5,000 bytes is rounded up to 5,112: what changes bytes of that alone is found by
 * "exact", what changes the last 24 of them by "canary". A fresh block is not the only one
 * that has them: so has one that was resized where it stands. */
static void exact_finds_writes_within_what_was_rounded_up(void **state)
{
    enum { SIZE = 5000, ROOM = 5112 };

    (void)state;
    FOR_EACH_LEVEL (level) {
        for (int is_resized = 0; is_resized < 2; is_resized++) {
            uint8_t *block;
            void *same;

            make(level);
            block = get(is_resized ? SIZE - 900 : SIZE);
            if (is_resized) {
                memset(block, 7, SIZE - 900);
                assert_int_equal(wrt_arena_resize(&arena, block, SIZE, &same, NULL), WRT_OK);
                assert_ptr_equal(same, block);
                assert_int_equal(block[SIZE - 901], 7);
            }
            block[SIZE] ^= 1;
            assert_int_equal(wrt_arena_free(&arena, block),
                             level >= WRT_VERIFY_FULL ? WRT_ERR_CORRUPT : WRT_OK);
            wrt_arena_deinit(&arena);
            make(level);
            block = get(SIZE);
            block[ROOM - 24] ^= 1;
            assert_int_equal(wrt_arena_free(&arena, block),
                             level >= WRT_VERIFY_STANDARD ? WRT_ERR_CORRUPT : WRT_OK);
            wrt_arena_deinit(&arena);
        }
    }
}

static void links_finds_writes_to_a_listed_block(void **state)
{
    (void)state;
    FOR_EACH_LEVEL (level) {
        struct wrt_arena_config config = {.verification = (enum wrt_verification_level)level,
                                          .no_quick = true};
        uint8_t *block;
        void *out;

        if (level < WRT_VERIFY_STANDARD || level >= WRT_VERIFY_FULL)
            continue; /* below, the wild link would be followed; above, quarantine is first */
        assert_int_equal(wrt_arena_init(&arena, &config, NULL), WRT_OK);
        block = get(100);
        get(100);
        assert_int_equal(wrt_arena_free(&arena, block), WRT_OK);
        memset(block, 0x41, 8); /* use after free */
        assert_int_equal(wrt_arena_allocate(&arena, 100, 0, &out, NULL), WRT_ERR_CORRUPT);
        assert_int_equal(wrt_arena_check(&arena, NULL), WRT_ERR_CORRUPT);
        assert_int_equal(damages(), 1);
        wrt_arena_deinit(&arena);
    }
}

static void scrub_finds_a_write_after_free(void **state)
{
    (void)state;
    FOR_EACH_LEVEL (level) {
        uint8_t *block, *fill[80];
        bool is_overwritten = true;

        make(level);
        block = get(1000);
        memset(block, 0x11, 1000);
        for (int i = 0; i < 80; i++)
            fill[i] = get(64);
        assert_int_equal(wrt_arena_free(&arena, block), WRT_OK);
        for (int i = 16; i < 900; i++)
            is_overwritten = is_overwritten && block[i] == 0xDD;
        assert_int_equal(is_overwritten, level >= WRT_VERIFY_FULL);
        block[500] = 1; /* use after free */
        for (int i = 0; i < 80; i++)
            assert_int_equal(wrt_arena_free(&arena, fill[i]), WRT_OK);
        assert_int_equal(damages(), level >= WRT_VERIFY_FULL);
        wrt_arena_deinit(&arena);
    }
}

static void a_broken_quarantine_is_not_followed(void **state)
{
    uint8_t *block[80];

    (void)state;
    make(WRT_VERIFY_FULL);
    for (int i = 0; i < 80; i++)
        block[i] = get(64);
    assert_int_equal(wrt_arena_free(&arena, block[0]), WRT_OK);
    assert_int_equal(wrt_arena_free(&arena, block[1]), WRT_OK);
    memset(block[0], 0x41, 8); /* its link to the second */
    for (int i = 2; i < 80; i++)
        assert_int_equal(wrt_arena_free(&arena, block[i]), WRT_OK);
    assert_true(damages() > 0);
    wrt_arena_deinit(&arena);
}

static void guard_makes_the_pages_beside_inaccessible(void **state)
{
    (void)state;
    FOR_EACH_LEVEL (level) {
        uint8_t *block, *large;
        size_t page = wrt_port_page_bytes();
        enum wrt_status expected = WRT_ERR_DENIED;

        make(level);
        block = get(16);
        large = get(100000);
        block -= (uintptr_t)block % page; /* the arena's start: its first block */
        large -= (uintptr_t)large % page;
        if (wrt_port_probe(block, WRT_PORT_READ) == WRT_ERR_UNSUPPORTED) {
            print_message("port %s cannot probe memory\n", wrt_port_name());
            skip();
        }
        if (level >= WRT_VERIFY_FULL) {
            assert_int_equal(wrt_port_probe(block - 1, WRT_PORT_READ), expected);
            assert_int_equal(wrt_port_probe(block + 32768, WRT_PORT_READ), expected);
            assert_int_equal(wrt_port_probe(large - 1, WRT_PORT_READ), expected);
        }
        wrt_arena_deinit(&arena);
    }
}

/* Below Full the pages beside may belong to anything, so only the mapping's size tells. */
static void guards_are_not_taken_below_full(void **state)
{
    uint32_t bit = 1u << WRT_CHECK_ARENA_GUARD;

    (void)state;
    FOR_EACH_LEVEL (level) {
        make(level);
        assert_int_equal((arena.checks & bit) != 0, level >= WRT_VERIFY_FULL);
        wrt_arena_deinit(&arena);
    }
}

static void neighbours_finds_damage_beside(void **state)
{
    (void)state;
    FOR_EACH_LEVEL (level) {
        uint8_t *block[3], saved;
        bool is_found = level >= WRT_VERIFY_CRITICAL;

        if (level < WRT_VERIFY_STANDARD)
            continue; /* no canaries to damage */
        make(level);
        for (int i = 0; i < 3; i++)
            block[i] = get(100);
        saved = block[2][100];
        block[2][100] ^= 1;
        assert_int_equal(wrt_arena_free(&arena, block[1]),
                         is_found ? WRT_ERR_CORRUPT : WRT_OK);
        block[2][100] = saved;
        if (is_found)
            assert_int_equal(wrt_arena_free(&arena, block[1]), WRT_OK);
        wrt_arena_deinit(&arena);
    }
}

static void the_check_of_everything_finds_each_kind(void **state)
{
    uint8_t *block;
    struct wrt_error error;

    (void)state;
    make(WRT_VERIFY_STANDARD);
    block = get(100);
    get(100);
    assert_int_equal(wrt_arena_check(&arena, &error), WRT_OK);
    block[100] ^= 1;
    assert_int_equal(wrt_arena_check(&arena, &error), WRT_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "past its end"));
    block[100] ^= 1;
    block[-4] ^= 1;
    assert_int_equal(wrt_arena_check(&arena, &error), WRT_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "header"));
    block[-4] ^= 1;
    arena.used_bytes++;
    assert_int_equal(wrt_arena_check(&arena, &error), WRT_ERR_CORRUPT);
    assert_non_null(strstr(error.text, "sums"));
    arena.used_bytes--;
    assert_int_equal(wrt_arena_check(&arena, &error), WRT_OK);
    wrt_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_finds_foreign_pointers_and_second_frees),
        cmocka_unit_test(header_finds_an_underrun),
        cmocka_unit_test(canary_finds_an_overrun_by_one_byte),
        cmocka_unit_test(exact_finds_writes_within_what_was_rounded_up),
        cmocka_unit_test(links_finds_writes_to_a_listed_block),
        cmocka_unit_test(scrub_finds_a_write_after_free),
        cmocka_unit_test(a_broken_quarantine_is_not_followed),
        cmocka_unit_test(guard_makes_the_pages_beside_inaccessible),
        cmocka_unit_test(guards_are_not_taken_below_full),
        cmocka_unit_test(neighbours_finds_damage_beside),
        cmocka_unit_test(the_check_of_everything_finds_each_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
