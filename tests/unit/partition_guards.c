/* tests/unit/partition_guards.c - entering and leaving, exactly; and what sealing closes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "memory/guard.h"
#include "port.h"
#include "wrt/memory.h"
#include "wrt/partition.h"

#include <stdio.h>
#include <string.h>

/* The thread sanitizer keeps faults from handlers. */
#if defined(__SANITIZE_THREAD__)
#define IS_THREAD_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_THREAD_SANITIZED true
#endif
#endif
#ifndef IS_THREAD_SANITIZED
#define IS_THREAD_SANITIZED false
#endif

static struct wrt_partition *make(struct wrt_partition *parent,
                                  const struct wrt_partition_config *config)
{
    struct wrt_partition *partition;
    struct wrt_error error;

    if (wrt_partition_create(parent, config, &partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return partition;
}

static struct wrt_partition *make_sealed(struct wrt_partition *parent, const char *name)
{
    const struct wrt_partition_config config = {
        .name = name, .max_bytes = 4 << 20, .flags = WRT_PARTITION_MEMORY_ISOLATION};

    return make(parent, &config);
}

static void destroy(struct wrt_partition *partition)
{
    struct wrt_error error;

    if (wrt_partition_destroy(partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static uint32_t entered(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(partition, &info);
    return info.entered;
}

static bool is_sealed_here(const struct wrt_partition *partition)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(partition, &info);
    return info.tier == WRT_TIER_SEALED;
}

static bool may(const void *address, unsigned right)
{
    return wrt_port_probe(address, right) == WRT_OK;
}

static bool can_probe(void)
{
    int here = 0;

    return wrt_port_probe(&here, WRT_PORT_READ) == WRT_OK;
}

static void guards_nest_exactly(void **state)
{
    const struct wrt_partition_config config = {.name = "outer"};
    struct wrt_partition *outer = make(NULL, &config);
    struct wrt_partition *inner = make(outer, &(struct wrt_partition_config){.name = "inner"});
    struct wrt_partition_guard a, b, c;
    struct wrt_error error;

    (void)state;
    assert_null(wrt_partition_current());
    assert_int_equal(wrt_partition_guard_enter(&a, outer), WRT_OK);
    assert_int_equal(wrt_partition_guard_enter(&b, inner), WRT_OK);
    assert_int_equal(wrt_partition_guard_enter(&c, outer), WRT_OK);
    assert_ptr_equal(wrt_partition_current(), outer);
    assert_int_equal(entered(outer), 2);
    assert_int_equal(wrt_partition_guard_leave(&a), WRT_ERR_STATE); /* the same partition, but deeper */
    assert_int_equal(wrt_partition_guard_leave(&b), WRT_ERR_STATE);
    assert_int_equal(entered(outer), 2);
    assert_int_equal(wrt_partition_guard_leave(&c), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&c), WRT_ERR_STATE);
    assert_ptr_equal(wrt_partition_current(), inner);
    assert_int_equal(wrt_partition_destroy(inner, &error), WRT_ERR_BUSY);
    assert_non_null(strstr(error.text, "inner is entered 1 times"));
    assert_int_equal(wrt_partition_guard_leave(&b), WRT_OK);
    assert_ptr_equal(wrt_partition_current(), outer); /* not the wrong one, not none */
    assert_int_equal(wrt_partition_guard_leave(&a), WRT_OK);
    assert_null(wrt_partition_current());
    destroy(inner);
    destroy(outer);
}

static void nesting_has_a_limit(void **state)
{
    struct wrt_partition *p = make(NULL, NULL);
    struct wrt_partition_guard guard[WRT_PARTITION_MAX_NESTING + 1];

    (void)state;
    for (int i = 0; i < WRT_PARTITION_MAX_NESTING; i++)
        assert_int_equal(wrt_partition_guard_enter(&guard[i], p), WRT_OK);
    assert_int_equal(wrt_partition_guard_enter(&guard[WRT_PARTITION_MAX_NESTING], p),
                     WRT_ERR_LIMIT);
    assert_int_equal(entered(p), WRT_PARTITION_MAX_NESTING);
    for (int i = WRT_PARTITION_MAX_NESTING; i-- > 0;)
        assert_int_equal(wrt_partition_guard_leave(&guard[i]), WRT_OK);
    destroy(p);
}

#ifdef WRT_PARTITION_SCOPE
static bool leave_early(struct wrt_partition *p, bool early)
{
    enum wrt_status status;
    WRT_PARTITION_SCOPE(scope, p, &status);

    assert_int_equal(status, WRT_OK);
    assert_ptr_equal(wrt_partition_current(), p);
    if (early)
        return true;
    return false;
}
#endif

static void a_scope_leaves_by_itself(void **state)
{
#ifdef WRT_PARTITION_SCOPE
    struct wrt_partition *p = make(NULL, NULL);

    (void)state;
    assert_true(leave_early(p, true));
    assert_false(leave_early(p, false));
    assert_null(wrt_partition_current());
    assert_int_equal(entered(p), 0);
    destroy(p);
#else
    (void)state;
    skip();
#endif
}

static void enter_and_end(void *context)
{
    static struct wrt_partition_guard a, b; /* not on the stack: the thread's end must not need it */

    if (wrt_partition_guard_enter(&a, context) != WRT_OK ||
        wrt_partition_guard_enter(&b, context) != WRT_OK)
        return;
}

static void a_thread_that_ends_inside_leaves(void **state)
{
    struct wrt_partition *open = make(NULL, NULL), *sealed = make_sealed(NULL, "sealed");
    struct wrt_port_thread_config config = {.stack_bytes = 0};
    struct wrt_port_thread thread;

    (void)state;
    if (wrt_port_thread_create(&config, enter_and_end, open, &thread) != WRT_OK)
        skip();
    assert_int_equal(wrt_port_thread_join(&thread), WRT_OK);
    assert_int_equal(wrt_port_thread_create(&config, enter_and_end, sealed, &thread), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&thread), WRT_OK);
    assert_int_equal(entered(open), 0);
    assert_int_equal(entered(sealed), 0);
    destroy(open);
    destroy(sealed);
}

/* ---- sealing ---- */

static void all_of_a_sealed_partition_is_closed(void **state)
{
    const struct wrt_page_config pages_config = {
        .initial_pages = 1, .maximum_pages = 4, .guard_after_bytes = 65536};
    static struct wrt_page_allocator pages;
    static struct wrt_page_image image;
    struct wrt_partition *p = make_sealed(NULL, "vault");
    struct wrt_partition_guard guard;
    struct wrt_partition_info info;
    char name[32];
    bool has_image;
    void *small, *large;

    (void)state;
    if (!is_sealed_here(p) || !can_probe())
        skip();
    assert_int_equal(wrt_partition_guard_enter(&guard, p), WRT_OK);
    assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_CODE, 100, 0, &small, NULL), WRT_OK);
    assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_STACK, 300000, 0, &large, NULL),
                     WRT_OK);
    assert_int_equal(wrt_pages_allocate(&pages, p, &pages_config, NULL), WRT_OK);
    assert_int_equal(wrt_pages_grow(&pages, 1, NULL), WRT_OK);
    has_image = wrt_page_image_create(&image, p, "image", 5, NULL) == WRT_OK; /* not on QNX */
    memset(small, 1, 100);
    memset(large, 2, 300000);
    memset(pages.base, 3, 131072);
    assert_true(may(small, WRT_PORT_WRITE));
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);

    for (unsigned right = WRT_PORT_READ; right <= WRT_PORT_WRITE; right++) {
        assert_false(may(small, right));
        assert_false(may((uint8_t *)large + 299999, right));
        assert_false(may(pages.base, right));
        assert_false(may(pages.base + 131071, right));
        assert_false(has_image && may(image.bytes, right));
    }
    assert_true(wrt_partition_find_owner(pages.base + 131071, name));
    assert_string_equal(name, "vault");
    assert_true(wrt_partition_find_owner(small, name));
    assert_false(wrt_partition_find_owner(&guard, name));
    assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_CODE, 1, 0, &large, NULL),
                     WRT_ERR_STATE); /* and nothing faults */

    assert_int_equal(wrt_partition_guard_enter(&guard, p), WRT_OK);
    assert_int_equal(((uint8_t *)small)[99], 1);
    assert_int_equal(((uint8_t *)large)[299999], 2);
    assert_int_equal(pages.base[131071], 3);
    assert_false(may(pages.base + 131072, WRT_PORT_READ)); /* what was not committed is not */
    assert_false(has_image && may(image.bytes, WRT_PORT_WRITE)); /* read-only stays so */
    assert_true(!has_image || memcmp(image.bytes, "image", 5) == 0);
    wrt_pages_free(&pages);
    assert_int_equal(wrt_page_image_destroy(&image, NULL), WRT_OK);
    wrt_partition_free(p, WRT_CHARGE_CODE, small, 100);
    wrt_partition_free(p, WRT_CHARGE_STACK, large, 300000);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    wrt_partition_get_info(p, &info);
    assert_int_equal(info.damages, 0);
    destroy(p);
}

static void pages_that_cannot_be_closed_are_refused(void **state)
{
    static uint8_t block[65536];
    struct wrt_page_config config = {.provider = WRT_PAGES_NATIVE, .initial_pages = 1,
                                     .maximum_pages = 1};
    struct wrt_partition *p = make_sealed(NULL, "vault");
    static struct wrt_page_allocator pages;
    struct wrt_partition_guard guard;

    (void)state;
    if (!is_sealed_here(p))
        skip();
    assert_int_equal(wrt_partition_guard_enter(&guard, p), WRT_OK);
    assert_int_equal(wrt_pages_allocate(&pages, p, &config, NULL), WRT_ERR_UNSUPPORTED);
    config.provider = WRT_PAGES_STATIC;
    config.static_block = block;
    config.static_block_bytes = sizeof block;
    assert_int_equal(wrt_pages_allocate(&pages, p, &config, NULL), WRT_ERR_UNSUPPORTED);
    config = (struct wrt_page_config){.initial_pages = 1, .maximum_pages = 1};
    assert_int_equal(wrt_pages_allocate(&pages, p, &config, NULL), WRT_OK);
    assert_int_equal(wrt_pages_protect(&pages, 0, 4096, WRT_PAGE_READ, NULL),
                     WRT_ERR_UNSUPPORTED);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    config.initial_pages = 0;
    {
        static struct wrt_page_allocator other;

        assert_int_equal(wrt_pages_allocate(&other, p, &config, NULL), WRT_ERR_STATE);
    }
    assert_int_equal(wrt_partition_guard_enter(&guard, p), WRT_OK);
    wrt_pages_free(&pages);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    destroy(p);
}

static void children_of_a_sealed_partition_live_while_it_is_closed(void **state)
{
    struct wrt_partition *p = make_sealed(NULL, "vault");
    struct wrt_partition *child = make(p, &(struct wrt_partition_config){.name = "child"});
    struct wrt_partition *sealed = make_sealed(p, "sealed-child");
    struct wrt_partition_info info;
    void *block;

    (void)state;
    assert_int_equal(wrt_partition_allocate(child, WRT_CHARGE_CODE, 5000, 0, &block, NULL), WRT_OK);
    memset(block, 1, 5000);
    wrt_partition_get_info(p, &info);
    assert_true(info.current_bytes[WRT_CHARGE_CODE] == 5000);
    wrt_partition_free(child, WRT_CHARGE_CODE, block, 5000);
    destroy(sealed);
    destroy(child);
    destroy(p);
}

struct writer {
    uint8_t *target;
    volatile int reached;
    struct wrt_partition *other;
};

static void write_wildly(void *context)
{
    struct writer *writer = context;
    struct wrt_partition_guard guard;

    if (writer->other != NULL)
        assert_int_equal(wrt_partition_guard_enter(&guard, writer->other), WRT_OK);
    writer->reached = 1;
    *(volatile uint8_t *)writer->target = 0xEE;
    writer->reached = 2;
    if (writer->other != NULL)
        assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
}

static void a_wild_write_becomes_a_report(void **state)
{
    struct wrt_partition *victim = make_sealed(NULL, "victim");
    struct wrt_partition *culprit = make(NULL, &(struct wrt_partition_config){.name = "culprit"});
    struct writer writer = {.other = culprit};
    struct wrt_partition_guard guard;
    struct wrt_error error;
    void *block;

    (void)state;
    if (IS_THREAD_SANITIZED) {
        printf("the thread sanitizer keeps faults from handlers\n");
        skip();
    }
    if (!is_sealed_here(victim))
        skip();
    assert_int_equal(wrt_partition_guard_enter(&guard, victim), WRT_OK);
    assert_int_equal(wrt_partition_allocate(victim, WRT_CHARGE_HOST, 64, 0, &block, NULL), WRT_OK);
    writer.target = block;
    memset(block, 0x11, 64);
    assert_int_equal(wrt_partition_run(culprit, write_wildly, &writer, &error), WRT_OK);
    assert_int_equal(writer.reached, 2); /* the victim is open: a thread is inside */
    memset(block, 0x11, 64);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);

    assert_int_equal(wrt_partition_run(culprit, write_wildly, &writer, &error), WRT_ERR_DENIED);
    assert_int_equal(writer.reached, 1);
    assert_non_null(strstr(error.text, "partition victim"));
    assert_null(wrt_partition_current());
    assert_int_equal(entered(culprit), 0); /* the guard that the body left behind is left too */
    {
        struct wrt_guard_hit hit;

        assert_int_equal(wrt_partition_guard_enter(&guard, culprit), WRT_OK);
        assert_int_equal(wrt_guard_run(write_wildly, &writer, &hit), WRT_ERR_TRAP);
        assert_ptr_equal(hit.address, block);
        assert_int_equal(entered(culprit), 1);
        assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    }
    assert_int_equal(wrt_partition_guard_enter(&guard, victim), WRT_OK);
    assert_int_equal(*(uint8_t *)block, 0x11);
    wrt_partition_free(victim, WRT_CHARGE_HOST, block, 64);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    destroy(victim);
    destroy(culprit);
}

/* Random blocks, freed in any order: the slab gives all of it back and stays in one piece. */
static void arenas_of_a_slab_come_and_go(void **state)
{
    struct wrt_arena_config arena = {.no_cache = true, .no_quick = true, .arena_bytes = 4096};
    const struct wrt_partition_config config = {.name = "slab", .max_bytes = 32 << 20,
                                                .flags = WRT_PARTITION_MEMORY_ISOLATION,
                                                .arena = &arena};
    enum { COUNT = 200 };
    static void *block[COUNT];
    static size_t size[COUNT];
    struct wrt_partition *p = make(NULL, &config);
    struct wrt_partition_guard guard;
    struct wrt_partition_info info;
    uint32_t seed = 12345;

    (void)state;
    assert_int_equal(wrt_partition_guard_enter(&guard, p), WRT_OK);
    for (int round = 0; round < 5000; round++) {
        uint32_t i;

        seed = seed * 1103515245u + 12345u;
        i = (seed >> 16) % COUNT;
        if (block[i] != NULL) {
            assert_int_equal(*(uint8_t *)block[i], (uint8_t)i);
            assert_int_equal(((uint8_t *)block[i])[size[i] - 1], (uint8_t)i);
            wrt_partition_free(p, WRT_CHARGE_DATA, block[i], size[i]);
            block[i] = NULL;
            continue;
        }
        size[i] = 1 + (seed >> 8) % 100000;
        assert_int_equal(wrt_partition_allocate(p, WRT_CHARGE_DATA, size[i], 0, &block[i], NULL),
                         WRT_OK);
        memset(block[i], (int)i, size[i]);
        if (round % 100 == 0) { /* closed and opened again with all of that in it */
            assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
            assert_int_equal(wrt_partition_guard_enter(&guard, p), WRT_OK);
        }
    }
    for (uint32_t i = 0; i < COUNT; i++)
        wrt_partition_free(p, WRT_CHARGE_DATA, block[i], size[i]);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    wrt_partition_get_info(p, &info);
    assert_int_equal(info.damages, 0);
    assert_true(info.used_bytes <= 8192); /* the record */
    destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guards_nest_exactly),
        cmocka_unit_test(nesting_has_a_limit),
        cmocka_unit_test(a_scope_leaves_by_itself),
        cmocka_unit_test(a_thread_that_ends_inside_leaves),
        cmocka_unit_test(all_of_a_sealed_partition_is_closed),
        cmocka_unit_test(pages_that_cannot_be_closed_are_refused),
        cmocka_unit_test(children_of_a_sealed_partition_live_while_it_is_closed),
        cmocka_unit_test(a_wild_write_becomes_a_report),
        cmocka_unit_test(arenas_of_a_slab_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
