/* tests/sim/budget.c - a partition's priority, affinity, budget and critical budget, as the
 * simulated kernel has them in force for a thread that was adopted.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "port_confine.h"
#include "qnxsim.h"
#include "wrt/partition.h"

static struct wrt_partition *make(void)
{
    const struct wrt_partition_config config = {
        .name = "control", .priority = 21, .affinity = 2, .cpu_permille = 200,
        .cpu_critical_ms = 7};
    struct wrt_partition *partition = NULL;
    struct wrt_error error;

    qnxsim_reset();
    qnxsim_set_cpus(2);
    if (wrt_partition_create(NULL, &config, &partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    return partition;
}

static struct wrt_port_budget_info budget_of_this_thread(void)
{
    const struct wrt_port_budget mine = {.id = qnxsim_my_partition()};
    struct wrt_port_budget_info info = {.percent = 0};

    assert_int_equal(wrt_port_budget_query(&mine, &info), WRT_OK);
    return info;
}

static void an_adopted_thread_has_all_of_it(void **state)
{
    struct wrt_partition *partition = make();
    struct wrt_partition_limits limits;
    struct wrt_error error = {.text = ""};
    enum wrt_status status = wrt_partition_adopt_thread(partition, &error);

    (void)state;
    assert_int_equal(qnxsim_my_priority(), 21);
    assert_int_equal(qnxsim_my_runmask(), 2);
    if (qnxsim_release() >= 800) { /* no partitions of the processor there */
        assert_int_equal(status, WRT_ERR_UNSUPPORTED);
        assert_non_null(strstr(error.text, "processor budget"));
        assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
        return;
    }
    assert_int_equal(status, WRT_OK);
    assert_int_equal(budget_of_this_thread().percent, 20);
    assert_int_equal(budget_of_this_thread().critical_ms, 7);
    assert_string_equal(budget_of_this_thread().name, "control");

    wrt_partition_get_limits(partition, &limits);
    limits.cpu_critical_ms = 3;
    limits.cpu_permille = 100;
    assert_int_equal(wrt_partition_set_limits(partition, &limits, &error), WRT_OK);
    assert_int_equal(wrt_partition_adopt_thread(partition, &error), WRT_OK);
    assert_int_equal(budget_of_this_thread().percent, 10);
    assert_int_equal(budget_of_this_thread().critical_ms, 3);
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
}

static void what_the_system_refuses_is_named(void **state)
{
    struct wrt_partition *partition = make();
    struct wrt_partition_limits limits;
    struct wrt_error error;

    (void)state;
    wrt_partition_get_limits(partition, &limits);
    limits.affinity = 1u << 9; /* a processor that there is not */
    assert_int_equal(wrt_partition_set_limits(partition, &limits, &error), WRT_OK);
    assert_int_not_equal(wrt_partition_adopt_thread(partition, &error), WRT_OK);
    assert_non_null(strstr(error.text, "affinity"));
    limits.affinity = 0;
    limits.priority = 200;
    assert_int_equal(wrt_partition_set_limits(partition, &limits, &error), WRT_OK);
    qnxsim_allow(33, false); /* PROCMGR_AID_PRIORITY */
    assert_int_not_equal(wrt_partition_adopt_thread(partition, &error), WRT_OK);
    assert_non_null(strstr(error.text, "priority"));
    assert_int_equal(wrt_partition_destroy(partition, NULL), WRT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_adopted_thread_has_all_of_it),
        cmocka_unit_test(what_the_system_refuses_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
