/* tests/unit/arena_slab.c - pages out of one row: never twice, and none is lost.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arena/slab.h"
#include "port.h"

#include <string.h>

enum { COUNT = 64, ROUNDS = 20000, MOST_PAGES = 9 };

static void pages_come_and_go(void **state)
{
    size_t page = wrt_port_page_bytes(), held = 0, most = 0;
    struct wrt_arena_slab slab;
    uint8_t *pages[COUNT] = {NULL};
    size_t bytes[COUNT];
    uint32_t seed = 7;

    (void)state;
    if (wrt_slab_init(&slab, 4096 * (uint64_t)page) != WRT_OK)
        skip();
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t i;
        void *got;

        seed = seed * 1664525u + 1013904223u;
        i = (seed >> 8) % COUNT;
        if (pages[i] != NULL) {
            assert_int_equal(pages[i][0], i); /* nobody else had it */
            assert_int_equal(pages[i][bytes[i] - 1], i);
            wrt_slab_give(&slab, pages[i], bytes[i]);
            held -= bytes[i];
            pages[i] = NULL;
            continue;
        }
        bytes[i] = (1 + (seed >> 20) % MOST_PAGES) * page;
        assert_int_equal(wrt_slab_take(&slab, bytes[i], &got), WRT_OK);
        pages[i] = got;
        memset(pages[i], (int)i, bytes[i]);
        held += bytes[i];
        most = held > most ? held : most;
        assert_true(held <= slab.open_bytes);
        assert_true(slab.open_bytes <= 2 * most + MOST_PAGES * page);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        if (pages[i] != NULL)
            wrt_slab_give(&slab, pages[i], bytes[i]);
    assert_int_equal(slab.open_bytes, 0); /* all of it is one free row again, and given back */
    assert_null(slab.free);
    wrt_slab_deinit(&slab);
}

static void a_full_slab_refuses(void **state)
{
    size_t page = wrt_port_page_bytes();
    struct wrt_arena_slab slab;
    void *a, *b, *c = NULL;

    (void)state;
    if (wrt_slab_init(&slab, 3 * page) != WRT_OK)
        skip();
    assert_int_equal(wrt_slab_take(&slab, page, &a), WRT_OK);
    assert_int_equal(wrt_slab_take(&slab, 2 * page, &b), WRT_OK);
    assert_int_equal(wrt_slab_take(&slab, 1, &c), WRT_ERR_NO_MEMORY);
    assert_null(c);
    wrt_slab_give(&slab, a, page);
    assert_int_equal(wrt_slab_take(&slab, 2 * page, &c), WRT_ERR_NO_MEMORY);
    assert_int_equal(wrt_slab_take(&slab, page, &c), WRT_OK);
    assert_ptr_equal(c, a);
    wrt_slab_deinit(&slab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_come_and_go),
        cmocka_unit_test(a_full_slab_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
