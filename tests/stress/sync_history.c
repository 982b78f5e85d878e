/* tests/stress/sync_history.c - the checks of histories find what they should.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "history.h"

#define PUSH HISTORY_PUSH
#define POP HISTORY_POP
#define EMPTY HISTORY_EMPTY

static bool queue_accepts(struct history_event *events, size_t count)
{
    struct history history = { events, count, count };
    return history_check_queue(&history, 1, 8) == NULL;
}

/* Events of value 10 * t + o are thread t's with object o. */
static bool pool_accepts(struct history_event *events, size_t count)
{
    struct history_event threads[3][16];
    struct history histories[3] = { { threads[0], 0, 16 }, { threads[1], 0, 16 },
                                    { threads[2], 0, 16 } };
    for (size_t i = 0; i < count; i++)
        (void)history_add(&histories[events[i].value / 10], events[i].kind,
                          events[i].value % 10, events[i].start_ns, events[i].end_ns);
    return history_check_pool(histories, 3, 2) == NULL;
}

#define LIST(...) (struct history_event[]){ __VA_ARGS__ }
#define ON(accepts, ...) accepts(LIST(__VA_ARGS__), sizeof(LIST(__VA_ARGS__)) / \
                                                        sizeof(struct history_event))
#define QUEUE(...) ON(queue_accepts, __VA_ARGS__)
#define POOL(...) ON(pool_accepts, __VA_ARGS__)

static void queues(void **state)
{
    (void)state;
    assert_true(QUEUE({ PUSH, 0, 10, 20 }, { PUSH, 1, 30, 40 }, { POP, 0, 50, 60 }));
    /* Overlapping pushes may be in either order. */
    assert_true(QUEUE({ PUSH, 0, 10, 20 }, { PUSH, 1, 15, 25 }, { POP, 1, 50, 60 },
                      { POP, 0, 70, 80 }));
    assert_false(QUEUE({ PUSH, 0, 10, 20 }, { PUSH, 1, 30, 40 }, { POP, 1, 50, 60 },
                       { POP, 0, 70, 80 }));
    assert_false(QUEUE({ PUSH, 0, 10, 20 }, { PUSH, 1, 30, 40 }, { POP, 1, 50, 60 }));
    assert_false(QUEUE({ PUSH, 0, 10, 20 }, { POP, 0, 30, 40 }, { POP, 0, 50, 60 }));
    assert_false(QUEUE({ POP, 0, 30, 40 }));
    assert_false(QUEUE({ POP, 0, 30, 40 }, { PUSH, 0, 50, 60 }));
    assert_false(QUEUE({ PUSH, 0, 10, 20 }, { POP, 9, 30, 40 }));
}

static void empties(void **state)
{
    (void)state;
    assert_true(QUEUE({ EMPTY, 0, 1, 2 }, { PUSH, 0, 10, 20 }, { POP, 0, 30, 40 }));
    assert_true(QUEUE({ PUSH, 0, 10, 20 }, { EMPTY, 0, 15, 25 }, { POP, 0, 30, 40 }));
    assert_false(QUEUE({ PUSH, 0, 10, 20 }, { EMPTY, 0, 22, 25 }, { POP, 0, 30, 40 }));
    assert_false(QUEUE({ PUSH, 0, 10, 20 }, { EMPTY, 0, 22, 25 }));
    /* Two values, one after the other, cover the whole of it. */
    assert_false(QUEUE({ PUSH, 0, 10, 20 }, { POP, 0, 30, 40 }, { PUSH, 1, 22, 25 },
                       { POP, 1, 60, 70 }, { EMPTY, 0, 24, 50 }));
    assert_true(QUEUE({ PUSH, 0, 10, 20 }, { POP, 0, 30, 40 }, { PUSH, 1, 28, 35 },
                      { POP, 1, 60, 70 }, { EMPTY, 0, 24, 50 }));
}

static void pools(void **state)
{
    (void)state;
    assert_true(POOL({ POP, 0, 10, 20 }, { PUSH, 0, 30, 40 }, { POP, 10, 35, 45 }));
    /* The second take began before the give, and ended after it began. */
    assert_true(POOL({ POP, 0, 10, 20 }, { POP, 10, 25, 35 }, { PUSH, 0, 30, 40 }));
    /* It stood still for so long that a third one came and went. */
    assert_true(POOL({ POP, 0, 10, 20 }, { PUSH, 0, 30, 40 }, { POP, 10, 25, 90 },
                     { POP, 20, 50, 60 }, { PUSH, 20, 70, 80 }));
    assert_false(POOL({ POP, 0, 10, 20 }, { POP, 10, 25, 28 }, { PUSH, 0, 30, 40 }));
    assert_false(POOL({ POP, 0, 10, 20 }, { POP, 10, 25, 28 }));
    assert_false(POOL({ POP, 0, 10, 20 }, { POP, 0, 25, 28 }));
    assert_false(POOL({ POP, 5, 10, 20 }));
    assert_true(POOL({ POP, 0, 10, 20 }, { POP, 1, 10, 20 }, { EMPTY, 10, 30, 40 }));
    assert_false(POOL({ POP, 0, 10, 20 }, { POP, 1, 50, 60 }, { EMPTY, 10, 30, 40 }));
    assert_false(POOL({ POP, 0, 10, 20 }, { EMPTY, 10, 30, 40 }));
    assert_false(POOL({ POP, 0, 10, 20 }, { POP, 1, 10, 20 }, { PUSH, 1, 22, 25 },
                      { EMPTY, 10, 30, 40 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues),
        cmocka_unit_test(empties),
        cmocka_unit_test(pools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
