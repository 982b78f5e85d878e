/* tests/unit/base_verification.c - the table of checks and levels.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/verification.h"

#include <string.h>

static void each_check_starts_at_its_level_and_stays_on(void **state)
{
    struct wrt_check_info info;

    (void)state;
    for (int check = 0; check < WRT_CHECK_COUNT; check++) {
        assert_int_equal(wrt_check_get((enum wrt_check)check, &info), WRT_OK);
        assert_true(info.level >= WRT_VERIFY_MINIMAL && info.level <= WRT_VERIFY_CRITICAL);
        for (int level = WRT_VERIFY_OFF; level <= WRT_VERIFY_CRITICAL; level++)
            assert_int_equal(wrt_check_is_on((enum wrt_check)check,
                                             (enum wrt_verification_level)level),
                             level >= (int)info.level);
        assert_int_equal(wrt_check_is_on((enum wrt_check)check, WRT_VERIFY_DEFAULT),
                         info.level <= WRT_VERIFY_STANDARD);
        assert_true(strlen(info.room) && strlen(info.name) && strlen(info.text) &&
                    strlen(info.cost));
    }
    assert_int_equal(wrt_check_get(WRT_CHECK_COUNT, &info), WRT_ERR_BOUNDS);
    assert_false(wrt_check_is_on(WRT_CHECK_COUNT, WRT_VERIFY_CRITICAL));
}

static void levels_have_names_both_ways(void **state)
{
    enum wrt_verification_level level = WRT_VERIFY_OFF;

    (void)state;
    for (int i = WRT_VERIFY_OFF; i <= WRT_VERIFY_CRITICAL; i++) {
        const char *name = wrt_verification_level_name((enum wrt_verification_level)i);
        assert_int_equal(wrt_verification_level_parse(name, &level), WRT_OK);
        assert_int_equal(level, i);
    }
    assert_int_equal(wrt_verification_level_parse("FULL", &level), WRT_ERR_NOT_FOUND);
    assert_int_equal(wrt_verification_level_parse("default", &level), WRT_ERR_NOT_FOUND);
    assert_int_equal(level, WRT_VERIFY_CRITICAL);
    assert_string_equal(wrt_verification_level_name((enum wrt_verification_level)77), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_check_starts_at_its_level_and_stays_on),
        cmocka_unit_test(levels_have_names_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
