/* tests/unit/partition_watches.c - news arrive once, are counted, and are never lost.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "port.h"
#include "wrt/futex.h"
#include "wrt/partition.h"
#include "wrt/pulse.h"

#include <string.h>

static struct wrt_partition *make(struct wrt_partition *parent, const char *name, uint64_t max)
{
    struct wrt_partition_config config = {.name = name, .max_bytes = max};
    struct wrt_partition *partition;
    struct wrt_error error;

    if (wrt_partition_create(parent, &config, &partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return partition;
}

static void charge(struct wrt_partition *p, uint64_t bytes)
{
    assert_int_equal(wrt_partition_charge(p, WRT_CHARGE_LINEAR, bytes, NULL), WRT_OK);
}

static void uncharge(struct wrt_partition *p, uint64_t bytes)
{
    wrt_partition_uncharge(p, WRT_CHARGE_LINEAR, bytes);
}

static void add(struct wrt_partition *p, struct wrt_partition_watch *watch,
                struct wrt_partition_watch_config config)
{
    struct wrt_error error;

    if (wrt_partition_watch_add(p, watch, &config, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static void thresholds_are_edges(void **state)
{
    struct wrt_partition *p = make(NULL, "p", 1 << 20);
    struct wrt_partition_watch watch;
    struct wrt_partition_news news;
    struct wrt_partition_info info;
    uint64_t base;

    (void)state;
    wrt_partition_get_info(p, &info);
    base = info.used_bytes;
    add(p, &watch, (struct wrt_partition_watch_config){
                       .events = 1u << WRT_EVENT_OVER | 1u << WRT_EVENT_UNDER |
                                 1u << WRT_EVENT_DELTA | 1u << WRT_EVENT_REFUSE,
                       .over_bytes = base + 1000, .under_bytes = base + 500,
                       .delta_bytes = 5000});
    charge(p, 1000); /* equal: not over */
    assert_false(wrt_partition_watch_take(&watch, &news));
    charge(p, 1);
    charge(p, 1); /* above already: no second edge */
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_OVER], 1);
    assert_int_equal(news.count[WRT_EVENT_DELTA], 0);
    assert_int_equal(news.used_bytes, base + 1001);
    assert_false(wrt_partition_watch_take(&watch, &news));
    uncharge(p, 502); /* equal to under: not under */
    assert_false(wrt_partition_watch_take(&watch, &news));
    uncharge(p, 1);
    charge(p, 1000);
    uncharge(p, 1000);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_UNDER], 2);
    assert_int_equal(news.count[WRT_EVENT_OVER], 1);
    charge(p, 4501); /* 5,000 in all */
    charge(p, 4999);
    charge(p, 1);
    uncharge(p, 5000);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_DELTA], 3);
    assert_int_equal(wrt_partition_charge(p, WRT_CHARGE_LINEAR, 2 << 20, NULL),
                     WRT_ERR_PARTITION_MAX);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_REFUSE], 1);
    uncharge(p, 5000);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_ERR_BUSY);
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_OK);
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_ERR_STATE);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
}

static void ancestors_see_their_own_use(void **state)
{
    struct wrt_partition *root = make(NULL, "root", 0), *p = make(root, "p", 0);
    struct wrt_partition_watch watch;
    struct wrt_partition_news news;
    struct wrt_partition_info info;

    (void)state;
    wrt_partition_get_info(root, &info);
    add(root, &watch, (struct wrt_partition_watch_config){
                          .events = 1u << WRT_EVENT_OVER | 1u << WRT_EVENT_CREATE |
                                    1u << WRT_EVENT_DESTROY,
                          .over_bytes = info.used_bytes + 100000});
    charge(p, 100001);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_OVER], 1);
    uncharge(p, 100001);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
    p = make(root, "p", 0);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_DESTROY], 2);
    assert_int_equal(news.count[WRT_EVENT_CREATE], 1);
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_OK);
    assert_int_equal(wrt_partition_destroy(root, NULL), WRT_OK);
}

struct heard {
    uint32_t calls, events;
    struct wrt_partition *partition;
    struct wrt_partition_watch *watch;
    enum wrt_status remove_status;
};

static void hear(void *context, const struct wrt_partition_news *news)
{
    struct heard *heard = context;
    struct wrt_partition_info info;

    heard->calls++;
    heard->events += news->count[WRT_EVENT_DELTA];
    wrt_partition_get_info(heard->partition, &info); /* allowed here */
    heard->remove_status = wrt_partition_watch_remove(heard->watch);
}

static void a_callback_gets_the_news(void **state)
{
    struct wrt_partition *p = make(NULL, "p", 0);
    struct wrt_partition_watch watch;
    struct heard heard = {.partition = p, .watch = &watch};

    (void)state;
    add(p, &watch, (struct wrt_partition_watch_config){.events = 1u << WRT_EVENT_DELTA,
                                                       .delta_bytes = 10, .callback = hear,
                                                       .context = &heard});
    charge(p, 9);
    assert_int_equal(heard.calls, 0);
    charge(p, 1);
    charge(p, 10);
    assert_int_equal(heard.calls, 2);
    assert_int_equal(heard.events, 2);
    assert_int_equal(heard.remove_status, WRT_ERR_BUSY); /* it is being delivered */
    uncharge(p, 20);
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_OK);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
}

static void a_word_is_raised_once_until_the_news_are_taken(void **state)
{
    struct wrt_partition *p = make(NULL, "p", 0);
    struct wrt_partition_watch watch;
    struct wrt_partition_news news;
    uint32_t word = 7;

    (void)state;
    add(p, &watch, (struct wrt_partition_watch_config){
                       .events = 1u << WRT_EVENT_DELTA, .delta_bytes = 1, .word = &word});
    for (int i = 0; i < 100; i++)
        charge(p, 1);
    assert_int_equal(word, 8);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_DELTA], 100);
    uncharge(p, 100);
    assert_int_equal(word, 9);
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_OK);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
}

static void a_full_channel_loses_no_news(void **state)
{
    static struct wrt_pulse_channel channel;
    struct wrt_pulse_entry entries[2];
    struct wrt_pulse_connection other, mine;
    struct wrt_partition *p = make(NULL, "p", 0);
    struct wrt_partition_watch watch;
    struct wrt_partition_news news;
    struct wrt_pulse pulse;

    (void)state;
    if (wrt_pulse_channel_init(&channel, entries, 2, WRT_PULSE_REFUSE) != WRT_OK)
        skip();
    assert_int_equal(wrt_pulse_connect(&channel, &mine), WRT_OK);
    other = mine;
    assert_int_equal(wrt_pulse_send(&other, 1, 1, 1), WRT_OK); /* full: one place is kept back */
    add(p, &watch, (struct wrt_partition_watch_config){
                       .events = 1u << WRT_EVENT_DELTA, .delta_bytes = 1, .connection = &mine,
                       .pulse_priority = 10, .pulse_code = 42, .pulse_value = 99});
    charge(p, 1);
    charge(p, 1);
    assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_OK);
    assert_int_equal(pulse.code, 1);
    assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_ERR_TIMEOUT);
    charge(p, 1); /* the next news bring the pulse */
    assert_int_equal(wrt_pulse_receive(&channel, 0, NULL, &pulse), WRT_OK);
    assert_int_equal(pulse.code, 42);
    assert_int_equal(pulse.value, 99);
    assert_true(wrt_partition_watch_take(&watch, &news));
    assert_int_equal(news.count[WRT_EVENT_DELTA], 3);
    uncharge(p, 3);
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_OK);
    assert_int_equal(wrt_pulse_disconnect(&mine, 0), WRT_OK);
    assert_int_equal(wrt_pulse_channel_close(&channel), WRT_OK);
    assert_int_equal(wrt_pulse_channel_deinit(&channel), WRT_OK);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
}

static void bad_watches_are_refused(void **state)
{
    struct wrt_partition *p = make(NULL, "p", 0);
    struct wrt_partition_watch watch = {.partition = NULL};
    struct wrt_partition_watch_config config = {.events = 0};
    struct wrt_partition_news news;

    (void)state;
    assert_int_equal(wrt_partition_watch_add(p, &watch, &config, NULL), WRT_ERR_ARGUMENT);
    config.events = 1u << WRT_EVENT_COUNT;
    assert_int_equal(wrt_partition_watch_add(p, &watch, &config, NULL), WRT_ERR_ARGUMENT);
    config.events = 1u << WRT_EVENT_DELTA;
    assert_int_equal(wrt_partition_watch_add(p, &watch, &config, NULL), WRT_ERR_ARGUMENT);
    struct wrt_pulse_connection connection = {0}; /* refused before it is looked at */
    config = (struct wrt_partition_watch_config){
        .events = 1u << WRT_EVENT_EXIT, .connection = &connection, .pulse_code = -1};
    assert_int_equal(wrt_partition_watch_add(p, &watch, &config, NULL), WRT_ERR_ARGUMENT);
    config.pulse_code = WRT_PULSE_MAX_CODE + 1;
    assert_int_equal(wrt_partition_watch_add(p, &watch, &config, NULL), WRT_ERR_ARGUMENT);
    assert_false(wrt_partition_watch_take(&watch, &news));
    assert_string_equal(wrt_partition_event_name(WRT_EVENT_EXIT), "exit");
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
}

/* ---- two threads charge, a third takes: every event is in some take ---- */

struct crowd {
    struct wrt_partition *partition;
    uint32_t done, rounds;
};

static void charge_often(void *context)
{
    struct crowd *crowd = context;

    for (uint32_t i = 0; i < crowd->rounds; i++) {
        if (wrt_partition_charge(crowd->partition, WRT_CHARGE_LINEAR, 1, NULL) != WRT_OK)
            return;
    }
    __atomic_add_fetch(&crowd->done, 1, __ATOMIC_RELEASE);
}

static void nothing_is_lost_among_threads(void **state)
{
    struct wrt_partition *p = make(NULL, "p", 0);
    struct crowd crowd = {.partition = p, .rounds = 20000};
    struct wrt_port_thread_config config = {.stack_bytes = 0};
    struct wrt_port_thread a, b;
    struct wrt_partition_watch watch;
    struct wrt_partition_news news;
    uint64_t seen = 0;

    (void)state;
    add(p, &watch, (struct wrt_partition_watch_config){.events = 1u << WRT_EVENT_DELTA,
                                                       .delta_bytes = 1});
    if (wrt_port_thread_create(&config, charge_often, &crowd, &a) != WRT_OK)
        skip();
    assert_int_equal(wrt_port_thread_create(&config, charge_often, &crowd, &b), WRT_OK);
    while (__atomic_load_n(&crowd.done, __ATOMIC_ACQUIRE) < 2)
        if (wrt_partition_watch_take(&watch, &news))
            seen += news.count[WRT_EVENT_DELTA];
    assert_int_equal(wrt_port_thread_join(&a), WRT_OK);
    assert_int_equal(wrt_port_thread_join(&b), WRT_OK);
    if (wrt_partition_watch_take(&watch, &news))
        seen += news.count[WRT_EVENT_DELTA];
    assert_int_equal(seen, 2 * crowd.rounds);
    uncharge(p, 2 * crowd.rounds);
    assert_int_equal(wrt_partition_watch_remove(&watch), WRT_OK);
    assert_int_equal(wrt_partition_destroy(p, NULL), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thresholds_are_edges),
        cmocka_unit_test(ancestors_see_their_own_use),
        cmocka_unit_test(a_callback_gets_the_news),
        cmocka_unit_test(a_word_is_raised_once_until_the_news_are_taken),
        cmocka_unit_test(a_full_channel_loses_no_news),
        cmocka_unit_test(bad_watches_are_refused),
        cmocka_unit_test(nothing_is_lost_among_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
