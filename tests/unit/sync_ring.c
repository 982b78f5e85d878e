/* tests/unit/sync_ring.c - the rings used by one thread: order, bounds, refusals.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wrt/ring.h"

static struct wrt_spsc_words words;
static struct wrt_spsc_producer producer;
static struct wrt_spsc_consumer consumer;
static uint64_t items[8];

static void join_both(uint32_t start)
{
    words.published = words.consumed = start;
    assert_int_equal(wrt_spsc_producer_init(&producer, &words, items, 8, 8), WRT_OK);
    assert_int_equal(wrt_spsc_consumer_init(&consumer, &words, items, 8, 8), WRT_OK);
}

static void spsc_fills_to_capacity_and_keeps_order(void **state)
{
    (void)state;
    const uint32_t starts[] = { 0, 5, UINT32_MAX - 3 }; /* the last: positions wrap */
    for (size_t s = 0; s < 3; s++) {
        join_both(starts[s]);
        uint64_t value;
        assert_int_equal(wrt_spsc_pop(&consumer, &value), WRT_ERR_NOT_FOUND);
        for (uint64_t i = 0; i < 8; i++)
            assert_int_equal(wrt_spsc_push(&producer, &i), WRT_OK);
        value = 99;
        assert_int_equal(wrt_spsc_push(&producer, &value), WRT_ERR_NO_SPACE);
        for (uint64_t i = 0; i < 8; i++) {
            assert_int_equal(wrt_spsc_pop(&consumer, &value), WRT_OK);
            assert_int_equal(value, i);
        }
        assert_int_equal(wrt_spsc_pop(&consumer, &value), WRT_ERR_NOT_FOUND);
    }
}

static void spsc_items_of_a_known_size(void **state)
{
    (void)state;
    uint64_t value = 7, wide[2];
    join_both(UINT32_MAX - 3);
    assert_int_equal(wrt_spsc_push_sized(&producer, &value, 4), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_pop_sized(&consumer, &value, sizeof value), WRT_ERR_NOT_FOUND);
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(wrt_spsc_push_sized(&producer, &i, sizeof i), WRT_OK);
    assert_int_equal(wrt_spsc_push_sized(&producer, &value, sizeof value), WRT_ERR_NO_SPACE);
    assert_int_equal(wrt_spsc_pop_sized(&consumer, wide, sizeof wide), WRT_ERR_ARGUMENT);
    for (uint64_t i = 0; i < 8; i++) {
        assert_int_equal(wrt_spsc_pop_sized(&consumer, &value, sizeof value), WRT_OK);
        assert_int_equal(value, i);
    }
    assert_int_equal(wrt_spsc_pop_sized(&consumer, &value, sizeof value), WRT_ERR_NOT_FOUND);
}

static void spsc_claims_runs_that_do_not_wrap(void **state)
{
    (void)state;
    join_both(6);
    void *room;
    uint32_t count;
    assert_int_equal(wrt_spsc_claim(&producer, 8, &room, &count), WRT_OK);
    assert_ptr_equal(room, &items[6]);
    assert_int_equal(count, 2);
    assert_int_equal(wrt_spsc_publish(&producer, 3), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_publish(&producer, 2), WRT_OK);
    assert_int_equal(wrt_spsc_publish(&producer, 1), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_claim(&producer, 8, &room, &count), WRT_OK);
    assert_ptr_equal(room, &items[0]);
    assert_int_equal(count, 6);
    const void *first;
    assert_int_equal(wrt_spsc_take(&consumer, 8, &first, &count), WRT_OK);
    assert_ptr_equal(first, &items[6]);
    assert_int_equal(count, 2);
    assert_int_equal(wrt_spsc_release(&consumer, 3), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_release(&consumer, 2), WRT_OK);
}

static void spsc_notices_a_peer_that_lies(void **state)
{
    (void)state;
    uint64_t value = 0;
    join_both(0);
    words.published = 9; /* one more than fits */
    assert_int_equal(wrt_spsc_pop(&consumer, &value), WRT_ERR_CORRUPT);
    assert_int_equal(wrt_spsc_consumer_init(&consumer, &words, items, 8, 8), WRT_ERR_CORRUPT);
    join_both(0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(wrt_spsc_push(&producer, &value), WRT_OK);
    words.consumed = 9; /* consumed what was never published */
    assert_int_equal(wrt_spsc_push(&producer, &value), WRT_ERR_CORRUPT);
}

static void spsc_refuses_bad_geometry(void **state)
{
    (void)state;
    assert_int_equal(wrt_spsc_producer_init(&producer, &words, items, 6, 8), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_producer_init(&producer, &words, items, 0, 8), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_producer_init(&producer, &words, items, 8, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_producer_init(&producer, &words, NULL, 8, 8), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_producer_init(NULL, &words, items, 8, 8), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_spsc_consumer_init(&consumer, NULL, items, 8, 8), WRT_ERR_ARGUMENT);
    /* Reaches past any object only where pointers have 32 bits. */
    if (sizeof(size_t) == 4)
        assert_int_equal(wrt_spsc_consumer_init(&consumer, &words, items, 1u << 31, 8),
                         WRT_ERR_OVERFLOW);
}

static void mpsc_fills_and_keeps_order(void **state)
{
    (void)state;
    static uint64_t storage[WRT_MPSC_BYTES(4, 12) / 8];
    struct wrt_mpsc_ring ring;
    assert_int_equal(wrt_mpsc_ring_init(&ring, storage, 4, 12), WRT_OK);
    uint32_t in[3], out[3];
    for (uint32_t round = 0; round < 5; round++) {
        assert_int_equal(wrt_mpsc_pop(&ring, out), WRT_ERR_NOT_FOUND);
        for (uint32_t i = 0; i < 4; i++) {
            in[0] = round, in[1] = i, in[2] = ~i;
            assert_int_equal(wrt_mpsc_push(&ring, in), WRT_OK);
        }
        assert_int_equal(wrt_mpsc_push(&ring, in), WRT_ERR_NO_SPACE);
        for (uint32_t i = 0; i < 4; i++) {
            assert_int_equal(wrt_mpsc_pop(&ring, out), WRT_OK);
            assert_true(out[0] == round && out[1] == i && out[2] == ~i);
        }
    }
}

static void mpsc_says_busy_behind_an_unpublished_slot(void **state)
{
    (void)state;
    static uint64_t storage[WRT_MPSC_BYTES(4, 8) / 8];
    struct wrt_mpsc_ring ring;
    assert_int_equal(wrt_mpsc_ring_init(&ring, storage, 4, 8), WRT_OK);
    struct wrt_ring_slot slot = { 0 };
    assert_int_equal(wrt_mpsc_claim(&ring, &slot), WRT_OK);
    uint64_t value = 7, seen = 0;
    assert_int_equal(wrt_mpsc_push(&ring, &value), WRT_OK);
    assert_int_equal(wrt_mpsc_pop(&ring, &seen), WRT_ERR_BUSY);
    *(uint64_t *)slot.item = 6;
    wrt_mpsc_publish(&ring, slot);
    assert_int_equal(wrt_mpsc_pop(&ring, &seen), WRT_OK);
    assert_int_equal(seen, 6);
    assert_int_equal(wrt_mpsc_pop(&ring, &seen), WRT_OK);
    assert_int_equal(seen, 7);
}

static void mpsc_refuses_bad_geometry(void **state)
{
    (void)state;
    static uint64_t storage[16];
    struct wrt_mpsc_ring ring;
    assert_int_equal(wrt_mpsc_ring_init(&ring, storage, 1, 8), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_mpsc_ring_init(&ring, storage, 3, 8), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_mpsc_ring_init(&ring, storage, 4, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_mpsc_ring_init(&ring, (uint8_t *)storage + 4, 4, 8), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_mpsc_ring_init(&ring, storage, 4, UINT32_MAX), WRT_ERR_OVERFLOW);
}

static uint64_t mpmc_items[4], mpmc_cells[4];
static uint32_t mpmc_links[4];

static void mpmc_fills_and_keeps_order(void **state)
{
    (void)state;
    struct wrt_mpmc_ring ring;
    assert_int_equal(wrt_mpmc_ring_init(&ring, mpmc_items, mpmc_links, mpmc_cells, 4, 8), WRT_OK);
    uint64_t next_in = 0, next_out = 0, seen;
    for (int round = 0; round < 9; round++) {
        for (; next_in < next_out + 4; next_in++)
            assert_int_equal(wrt_mpmc_push(&ring, &next_in), WRT_OK);
        assert_int_equal(wrt_mpmc_push(&ring, &next_in), WRT_ERR_NO_SPACE);
        for (int i = 0; i <= round % 4; i++) {
            assert_int_equal(wrt_mpmc_pop(&ring, &seen), WRT_OK);
            assert_int_equal(seen, next_out++);
        }
    }
    while (next_out < next_in) {
        assert_int_equal(wrt_mpmc_pop(&ring, &seen), WRT_OK);
        assert_int_equal(seen, next_out++);
    }
    assert_int_equal(wrt_mpmc_pop(&ring, &seen), WRT_ERR_NOT_FOUND);
}

static void mpmc_survives_positions_that_wrap(void **state)
{
    (void)state;
    struct wrt_mpmc_ring ring;
    assert_int_equal(wrt_mpmc_ring_init(&ring, mpmc_items, mpmc_links, mpmc_cells, 4, 8), WRT_OK);
    uint32_t start = UINT32_MAX - 5;
    ring.head = ring.tail = start;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t position = start + i;
        mpmc_cells[position & 3] = (uint64_t)(position + 1 - 4) << 32;
    }
    for (uint64_t i = 0; i < 20; i++) {
        uint64_t seen;
        assert_int_equal(wrt_mpmc_push(&ring, &i), WRT_OK);
        assert_int_equal(wrt_mpmc_pop(&ring, &seen), WRT_OK);
        assert_int_equal(seen, i);
    }
}

static void mpmc_others_pass_a_stopped_producer(void **state)
{
    (void)state;
    struct wrt_mpmc_ring ring;
    assert_int_equal(wrt_mpmc_ring_init(&ring, mpmc_items, mpmc_links, mpmc_cells, 4, 8), WRT_OK);
    struct wrt_ring_slot stopped = { 0 }, read = { 0 };
    assert_int_equal(wrt_mpmc_claim(&ring, &stopped), WRT_OK);
    uint64_t value = 7, seen = 0;
    assert_int_equal(wrt_mpmc_push(&ring, &value), WRT_OK);
    assert_int_equal(wrt_mpmc_take(&ring, &read), WRT_OK); /* and is not released */
    assert_int_equal(*(uint64_t *)read.item, 7);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(wrt_mpmc_push(&ring, &value), WRT_OK);
        assert_int_equal(wrt_mpmc_pop(&ring, &seen), WRT_OK);
    }
    wrt_mpmc_abandon(&ring, stopped);
    wrt_mpmc_release(&ring, read);
    for (int i = 0; i < 4; i++)
        assert_int_equal(wrt_mpmc_push(&ring, &value), WRT_OK);
}

static void mpmc_refuses_bad_geometry(void **state)
{
    (void)state;
    struct wrt_mpmc_ring ring;
    assert_int_equal(wrt_mpmc_ring_init(&ring, mpmc_items, mpmc_links, mpmc_cells, 1, 8),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_mpmc_ring_init(&ring, mpmc_items, mpmc_links, mpmc_cells, 3, 8),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_mpmc_ring_init(&ring, mpmc_items, mpmc_links, NULL, 4, 8),
                     WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_mpmc_ring_init(&ring, mpmc_items, NULL, mpmc_cells, 4, 8),
                     WRT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spsc_fills_to_capacity_and_keeps_order),
        cmocka_unit_test(spsc_items_of_a_known_size),
        cmocka_unit_test(spsc_claims_runs_that_do_not_wrap),
        cmocka_unit_test(spsc_notices_a_peer_that_lies),
        cmocka_unit_test(spsc_refuses_bad_geometry),
        cmocka_unit_test(mpsc_fills_and_keeps_order),
        cmocka_unit_test(mpsc_says_busy_behind_an_unpublished_slot),
        cmocka_unit_test(mpsc_refuses_bad_geometry),
        cmocka_unit_test(mpmc_fills_and_keeps_order),
        cmocka_unit_test(mpmc_survives_positions_that_wrap),
        cmocka_unit_test(mpmc_others_pass_a_stopped_producer),
        cmocka_unit_test(mpmc_refuses_bad_geometry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
