/* tests/unit/hardware_modes.c - the table of protections, and the mode of tag checks. What each
 * protection does when it is active is shown by tests/hardening.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wrt/hardware.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct wrt_hardware_state state_of(enum wrt_hardware feature)
{
    struct wrt_hardware_state state;

    assert_int_equal(wrt_hardware_get(feature, &state), WRT_OK);
    return state;
}

static void every_feature_has_a_state_and_a_reason(void **unused)
{
    (void)unused;
    for (int i = 0; i < WRT_HARDWARE_COUNT; i++) {
        struct wrt_hardware_state state = state_of((enum wrt_hardware)i);

        assert_string_equal(state.name, wrt_hardware_name((enum wrt_hardware)i));
        assert_non_null(state.why);
        assert_true(state.is_available || !state.is_active);
        assert_true(strlen(state.why) > 0 && strchr(state.why, '"') == NULL);
    }
}

static void what_is_no_feature_is_refused(void **unused)
{
    struct wrt_hardware_state state = {.name = "as before"};

    (void)unused;
    assert_int_equal(wrt_hardware_get(WRT_HARDWARE_COUNT, &state), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_hardware_get((enum wrt_hardware)-1, &state), WRT_ERR_BOUNDS);
    assert_int_equal(wrt_hardware_get(WRT_HARDWARE_TAGS_SYNC, NULL), WRT_ERR_ARGUMENT);
    assert_string_equal(state.name, "as before");
    assert_string_equal(wrt_hardware_name(WRT_HARDWARE_COUNT), "?");
}

static const enum wrt_hardware feature_of[] = {
    [WRT_TAG_MODE_SYNC] = WRT_HARDWARE_TAGS_SYNC,
    [WRT_TAG_MODE_ASYNC] = WRT_HARDWARE_TAGS_ASYNC,
    [WRT_TAG_MODE_ASYMMETRIC] = WRT_HARDWARE_TAGS_ASYMMETRIC,
};

/* Whatever the machine: a mode is set exactly if its feature is available, and is then active;
 * otherwise the one before stays. */
static void a_mode_is_set_or_the_one_before_stays(void **unused)
{
    (void)unused;
    for (int mode = WRT_TAG_MODE_SYNC; mode <= WRT_TAG_MODE_ASYMMETRIC; mode++) {
        enum wrt_tag_mode before = wrt_hardware_tag_mode();
        bool is_available = state_of(feature_of[mode]).is_available;
        enum wrt_status status = wrt_hardware_set_tag_mode((enum wrt_tag_mode)mode);

        assert_int_equal(status, is_available ? WRT_OK : WRT_ERR_UNSUPPORTED);
        assert_int_equal(wrt_hardware_tag_mode(), is_available ? (enum wrt_tag_mode)mode : before);
        assert_true(state_of(feature_of[mode]).is_requested);
        assert_int_equal(state_of(feature_of[mode]).is_active, is_available);
    }
    if (state_of(WRT_HARDWARE_TAGS_SYNC).is_available)
        assert_int_equal(wrt_hardware_set_tag_mode(WRT_TAG_MODE_OFF), WRT_OK);
    assert_int_equal(wrt_hardware_tag_mode(), WRT_TAG_MODE_OFF);
}

static void no_mode_is_refused(void **unused)
{
    enum wrt_tag_mode before = wrt_hardware_tag_mode();

    (void)unused;
    assert_int_equal(wrt_hardware_set_tag_mode((enum wrt_tag_mode)4), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_hardware_set_tag_mode((enum wrt_tag_mode)-1), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_hardware_tag_mode(), before);
}

static void a_pointer_without_a_tag_is_itself(void **unused)
{
    int here = 0;

    (void)unused;
    assert_ptr_equal(wrt_hardware_untagged(&here), &here);
    assert_int_equal(wrt_hardware_pointer_tag(&here), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_feature_has_a_state_and_a_reason),
        cmocka_unit_test(what_is_no_feature_is_refused),
        cmocka_unit_test(a_mode_is_set_or_the_one_before_stays),
        cmocka_unit_test(no_mode_is_refused),
        cmocka_unit_test(a_pointer_without_a_tag_is_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
