/* tests/unit/sync_latest.c - triple buffer, seqlock, counters and broadcast, one thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "wrt/broadcast.h"
#include "wrt/counters.h"
#include "wrt/latest.h"

static void triple_gives_the_latest(void **state)
{
    (void)state;
    static uint8_t storage[WRT_TRIPLE_BYTES(4)] WRT_CACHE_ALIGNED;
    struct wrt_triple_buffer triple;
    assert_int_equal(wrt_triple_buffer_init(&triple, storage, 4), WRT_OK);
    bool is_new = true;
    const uint32_t *seen = wrt_triple_buffer_read(&triple, &is_new);
    assert_false(is_new);
    assert_int_equal(*seen, 0);
    for (uint32_t value = 1; value < 6; value++) {
        *(uint32_t *)wrt_triple_buffer_write(&triple) = value;
        /* The reader's buffer is never the writer's. */
        assert_ptr_not_equal(wrt_triple_buffer_write(&triple), seen);
        wrt_triple_buffer_publish(&triple);
        if (value % 2)
            continue; /* overwritten unseen */
        seen = wrt_triple_buffer_read(&triple, &is_new);
        assert_true(is_new);
        assert_int_equal(*seen, value);
        assert_ptr_equal(wrt_triple_buffer_read(&triple, &is_new), seen);
        assert_false(is_new);
    }
    assert_int_equal(wrt_triple_buffer_init(&triple, storage + 8, 4), WRT_ERR_ALIGNMENT);
    assert_int_equal(wrt_triple_buffer_init(&triple, storage, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_triple_buffer_init(&triple, NULL, 4), WRT_ERR_ARGUMENT);
}

static void seqlock_refuses_half_a_write(void **state)
{
    (void)state;
    struct wrt_seqlock lock = { 0 };
    uint64_t shared[3] = { 0 }, value[3] = { 1, 2, 3 }, out[3];
    wrt_seqlock_write(&lock, shared, value, 3);
    assert_int_equal(wrt_seqlock_read(&lock, shared, out, 3, 1), WRT_OK);
    assert_memory_equal(out, value, sizeof out);
    lock.sequence |= 1; /* as a writer that ended in the middle leaves it */
    assert_int_equal(wrt_seqlock_read(&lock, shared, out, 3, 5), WRT_ERR_BUSY);
    value[1] = 9;
    wrt_seqlock_write(&lock, shared, value, 3);
    assert_int_equal(wrt_seqlock_read(&lock, shared, out, 3, 1), WRT_OK);
    assert_memory_equal(out, value, sizeof out);
}

static void counters_show_whole_publishes(void **state)
{
    (void)state;
    static uint64_t storage[WRT_COUNTERS_WORDS(3, 2)];
    struct wrt_counters set;
    assert_int_equal(wrt_counters_init(&set, storage, 3, 2), WRT_OK);
    uint64_t seen[3] = { 9, 9, 9 };
    assert_int_equal(wrt_counters_add(&set, 1, 5), WRT_OK);
    assert_int_equal(wrt_counters_add(&set, 3, 5), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_counters_snapshot(&set, 0, seen), WRT_OK);
    assert_true(seen[0] == 0 && seen[1] == 0 && seen[2] == 0);
    for (uint64_t i = 1; i < 10; i++) {
        assert_int_equal(wrt_counters_add(&set, 2, 1), WRT_OK);
        wrt_counters_publish(&set);
        assert_int_equal(wrt_counters_snapshot(&set, i % 2, seen), WRT_OK);
        assert_true(seen[0] == 0 && seen[1] == 5 && seen[2] == i);
    }
    assert_int_equal(wrt_counters_snapshot(&set, 2, seen), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_counters_init(&set, storage, 0, 2), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_counters_init(&set, storage, 3, 15), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_counters_init(&set, storage, 3, 0), WRT_ERR_ARGUMENT);
}

static void counters_leave_an_announced_buffer_alone(void **state)
{
    (void)state;
    static uint64_t storage[WRT_COUNTERS_WORDS(1, 2)];
    struct wrt_counters set;
    assert_int_equal(wrt_counters_init(&set, storage, 1, 2), WRT_OK);
    set.reading[0] = set.latest; /* a reader stopped in the middle of a snapshot */
    uint32_t announced = set.reading[0];
    uint64_t before = set.buffers[announced];
    for (int i = 0; i < 10; i++) {
        assert_int_equal(wrt_counters_add(&set, 0, 1), WRT_OK);
        wrt_counters_publish(&set);
        assert_int_equal(set.buffers[announced], before);
    }
    set.reading[0] = 0xFFFFFFFEu; /* stopped between announcing and choosing */
    wrt_counters_publish(&set);
    assert_int_equal(set.reading[0], set.latest);
}

static void broadcast_counts_what_is_lost(void **state)
{
    (void)state;
    static uint64_t storage[WRT_BROADCAST_WORDS(4, 2)];
    struct wrt_broadcast_ring ring;
    assert_int_equal(wrt_broadcast_ring_init(&ring, storage, 4, 2), WRT_OK);
    struct wrt_broadcast_reader early, late;
    wrt_broadcast_reader_init(&early, &ring, false);
    uint64_t out[2];
    assert_int_equal(wrt_broadcast_receive(&early, out), WRT_ERR_NOT_FOUND);
    for (uint64_t i = 0; i < 10; i++)
        wrt_broadcast_publish(&ring, (uint64_t[]){ i, ~i });
    wrt_broadcast_reader_init(&late, &ring, true);
    for (uint64_t i = 6; i < 10; i++) {
        assert_int_equal(wrt_broadcast_receive(&early, out), WRT_OK);
        assert_true(out[0] == i && out[1] == ~i);
        assert_int_equal(wrt_broadcast_receive(&late, out), WRT_OK);
        assert_true(out[0] == i);
    }
    assert_int_equal(early.lost, 6);
    assert_int_equal(late.lost, 0);
    assert_int_equal(wrt_broadcast_receive(&early, out), WRT_ERR_NOT_FOUND);
    assert_int_equal(wrt_broadcast_ring_init(&ring, storage, 3, 2), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_broadcast_ring_init(&ring, storage, 4, 0), WRT_ERR_ARGUMENT);
}

static void broadcast_skips_an_item_being_overwritten(void **state)
{
    (void)state;
    static uint64_t storage[WRT_BROADCAST_WORDS(4, 1)];
    struct wrt_broadcast_ring ring;
    assert_int_equal(wrt_broadcast_ring_init(&ring, storage, 4, 1), WRT_OK);
    struct wrt_broadcast_reader reader;
    wrt_broadcast_reader_init(&reader, &ring, false);
    for (uint64_t i = 0; i < 4; i++)
        wrt_broadcast_publish(&ring, &i);
    storage[0] = 2 * 4 + 1; /* the writer stands in the middle of item 4, over item 0 */
    uint64_t out;
    assert_int_equal(wrt_broadcast_receive(&reader, &out), WRT_OK);
    assert_int_equal(out, 1);
    assert_int_equal(reader.lost, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(triple_gives_the_latest),
        cmocka_unit_test(seqlock_refuses_half_a_write),
        cmocka_unit_test(counters_show_whole_publishes),
        cmocka_unit_test(counters_leave_an_announced_buffer_alone),
        cmocka_unit_test(broadcast_counts_what_is_lost),
        cmocka_unit_test(broadcast_skips_an_item_being_overwritten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
