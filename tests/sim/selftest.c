/* tests/sim/selftest.c - each check of wrt/system.h passes on a sound machine and fails on one
 * that lacks what it looks for.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "qnxsim.h"
#include "wrt/system.h"

enum { AID_MEM_LOCK = 20 };

static int fresh(void **state)
{
    (void)state;
    qnxsim_reset();
    return 0;
}

static struct wrt_system_check check(const char *name, const char *pool)
{
    const struct wrt_system_check_config config = {.pool = pool};
    struct wrt_system_check result = {.status = WRT_ERR_NOT_FOUND};
    for (uint32_t i = 0; wrt_system_check_name(i) != NULL; i++) {
        if (strcmp(wrt_system_check_name(i), name) == 0)
            assert_int_equal(wrt_system_run_check(i, &config, &result), WRT_OK);
    }
    assert_string_equal(result.name, name);
    return result;
}

static void a_sound_machine_passes(void **state)
{
    uint64_t ram = qnxsim_ram_used();
    uint32_t count = 0, unsupported = 0;
    (void)state;
    qnxsim_add_pool("/sysram", 1 << 20);
    for (; wrt_system_check_name(count) != NULL; count++) {
        struct wrt_system_check result;
        assert_int_equal(wrt_system_run_check(count, NULL, &result), WRT_OK);
        if (result.status != WRT_OK)
            print_message("%s: %s\n", result.name, result.text);
        unsupported += result.status == WRT_ERR_UNSUPPORTED;
        assert_true(result.status == WRT_OK || result.status == WRT_ERR_UNSUPPORTED);
    }
    assert_int_equal(unsupported, 1); /* memory events up to 7.1, processor partitions from 8.0 */
    assert_int_equal(qnxsim_pool_used("/sysram"), 0);
    assert_in_range(qnxsim_ram_used(), ram, ram + (64 << 10)); /* given back */
    struct wrt_system_check untouched = {.name = "untouched"};
    assert_int_equal(wrt_system_run_check(count, NULL, &untouched), WRT_ERR_BOUNDS);
    assert_string_equal(untouched.name, "untouched");
}

static void what_is_missing_is_unsupported(void **state)
{
    (void)state;
    assert_int_equal(check("typed memory is found by name", "/none").status, WRT_ERR_UNSUPPORTED);
    qnxsim_add_pool("/ram/tenants", 1 << 20);
    assert_int_equal(check("typed memory is found by name", "/ram/tenants").status, WRT_OK);
    qnxsim_allow(AID_MEM_LOCK, false);
    struct wrt_system_check locked = check("memory can be locked", NULL);
    assert_int_equal(locked.status, WRT_ERR_DENIED);
    assert_string_equal(locked.feature, "locked-memory");
    assert_non_null(strstr(locked.text, "no right"));
    qnxsim_set_aps(false);
    assert_int_equal(check("processor partitions answer", NULL).status, WRT_ERR_UNSUPPORTED);
    qnxsim_set_ram(UINT64_C(1) << 30);
    assert_int_equal(check("a failed commit leaves a reservation", NULL).status, WRT_OK);
}

/* A call that goes wrong makes the check that stands on it fail, and its text names the call. */
static void what_is_broken_fails(void **state)
{
    static const struct {
        const char *name;
        enum qnxsim_call call;
        uint64_t nth, times;
        const char *text;
    } rows[] = {
        {"a reservation takes no memory", QNXSIM_mmap, 1, 1, "refused"},
        {"committed pages are zero and stay", QNXSIM_mmap, 3, 1, "commit"},
        {"protection holds, as the kernel sees it", QNXSIM_mprotect, 2, 1, "protect"},
        {"memory can be locked", QNXSIM_munlock, 1, 1, "unlock"},
        {"two mappings share an object", QNXSIM_shm_ctl, 1, 1, "create"},
        {"a wait ends at its deadline", QNXSIM_TimerTimeout, 1, 1, "wait"},
        {"a wake arrives and takes no heap", QNXSIM_MsgSendPulse, 1, 5000, "wake"},
        {"a thread keeps its real-time priority", QNXSIM_SchedSet, 1, 1, "priority 12"},
        {"processors can be chosen", QNXSIM_ThreadCtl, 2, 1, "processor 0"},
        {"a waiter keeps its priority when it is woken", QNXSIM_MsgSendPulse, 1, 5000, "wake"},
        {"memory limits count lazy reservations", QNXSIM_setrlimit, 1, 1, "setrlimit"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(check(rows[i].name, NULL).status, WRT_OK);
        qnxsim_fail_run(rows[i].call, rows[i].nth, rows[i].times, EINVAL);
        struct wrt_system_check result = check(rows[i].name, NULL);
        bool has_happened = qnxsim_fail_happened();
        qnxsim_fail(QNXSIM_ANY, 0, 0);
        if (!has_happened || result.status != WRT_ERR_ARGUMENT ||
            strstr(result.text, rows[i].text) == NULL)
            fail_msg("%s: %d %s", result.name, result.status, result.text);
        assert_int_equal(check(rows[i].name, NULL).status, WRT_OK); /* it left nothing behind */
    }
}

static void features_are_the_ports(void **state)
{
    struct wrt_system_feature feature;
    uint32_t count = 0;
    (void)state;
    assert_string_equal(wrt_system_name(), "qnx");
    assert_int_equal(wrt_system_get_feature(0, NULL), WRT_ERR_ARGUMENT);
    for (; wrt_system_get_feature(count, &feature) == WRT_OK; count++)
        assert_true(strlen(feature.name) > 3 && feature.why != NULL);
    assert_int_equal(count, 23);
}

int main(int argc, char **argv)
{
    if (argc > 1) /* one test */
        cmocka_set_test_filter(argv[1]);
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh, fresh)
    const struct CMUnitTest tests[] = {
        TEST(a_sound_machine_passes),
        TEST(what_is_missing_is_unsupported),
        TEST(what_is_broken_fails),
        TEST(features_are_the_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
