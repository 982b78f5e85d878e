/* tests/unit/system_check.c - features and checks of the system that the tests run on.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "wrt/system.h"

static void features_have_names_and_reasons(void **state)
{
    struct wrt_system_feature feature = {.name = "untouched"};
    uint32_t count = 0;
    (void)state;
    for (; wrt_system_get_feature(count, &feature) == WRT_OK; count++) {
        assert_true(strlen(feature.name) > 3);
        assert_non_null(feature.why);
        assert_true(!feature.is_active || feature.is_requested);
    }
    assert_true(count > 3);
    assert_int_equal(wrt_system_get_feature(count, &feature), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_system_get_feature(0, NULL), WRT_ERR_ARGUMENT);
}

/* These take more addresses than sanitizers leave, and Linux grants any commit. */
static bool is_huge(const char *name)
{
    return strstr(name, "takes no memory") != NULL || strstr(name, "beyond the memory") != NULL;
}

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

/* The thread sanitizer keeps the fault for itself. */
static bool is_kept_by_sanitizer(const char *name)
{
    return UNDER_TSAN && strstr(name, "touch of a guard") != NULL;
}

static void this_system_passes(void **state)
{
    uint32_t count = 0;
    (void)state;
    for (; wrt_system_check_name(count) != NULL; count++) {
        struct wrt_system_check result;
        if (is_huge(wrt_system_check_name(count)))
            continue;
        if (is_kept_by_sanitizer(wrt_system_check_name(count))) {
            print_message("left out: %s: the thread sanitizer keeps the fault\n",
                          wrt_system_check_name(count));
            continue;
        }
        assert_int_equal(wrt_system_run_check(count, NULL, &result), WRT_OK);
        assert_string_equal(result.name, wrt_system_check_name(count));
        bool is_missing = result.status == WRT_ERR_UNSUPPORTED || result.status == WRT_ERR_DENIED;
        if (result.status != WRT_OK && !is_missing)
            fail_msg("%s: %s", result.name, result.text);
    }
    assert_true(count >= 20);
    assert_int_equal(wrt_system_run_check(0, NULL, NULL), WRT_ERR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_have_names_and_reasons),
        cmocka_unit_test(this_system_passes), /* starts threads: wrt_port_thread_create */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
