/* tests/port/resctrl.c - cache ways for a process, in a folder that looks like the kernel's file system.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only the kernel fills a new group with its files, so the folder of the group is there before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../port/linux/resctrl.h"

enum { PROCESS = 4711 };

static char root[64], group[128];

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fputs(text, file) >= 0, 1);
    fclose(file);
}

static const char *text_of(const char *folder, const char *name)
{
    static char text[512];
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void forget(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)unlink(path);
}

static int begin(void **state)
{
    (void)state;
    strcpy(root, "/tmp/wrt-resctrl-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(group, sizeof group, "%s/wrt-%d-%d", root, (int)getpid(), PROCESS);
    return 0;
}

static int end(void **state)
{
    (void)state;
    forget(group, "schemata"), forget(group, "tasks"), forget(root, "schemata");
    (void)rmdir(group);
    return rmdir(root);
}

static void make_group(void)
{
    assert_int_equal(mkdir(group, 0755), 0);
    write_text(group, "schemata", "L3:0=ffff;1=ffff\n");
    write_text(group, "tasks", "");
}

static void the_last_cache_is_divided(void **state)
{
    (void)state;
    write_text(root, "schemata", "    L2:0=ff;1=ff\n    L3:0=ffff;1=ffff\n    MB:0=100;1=100\n");
    make_group();
    assert_true(wrt_linux_resctrl_limit(root, PROCESS, 0xf0));
    assert_string_equal(text_of(group, "schemata"), "L3:0=f0;1=f0\n");
    assert_string_equal(text_of(group, "tasks"), "4711\n");
    assert_true(wrt_linux_resctrl_limit(root, PROCESS, 0x3)); /* again: other ways */
    assert_string_equal(text_of(group, "schemata"), "L3:0=3;1=3\n");
}

static void code_and_data_have_the_same_ways(void **state)
{
    (void)state;
    write_text(root, "schemata", "L3DATA:0=fff\nL3CODE:0=fff\n");
    make_group();
    assert_true(wrt_linux_resctrl_limit(root, PROCESS, 0x30));
    assert_string_equal(text_of(group, "schemata"), "L3DATA:0=30\nL3CODE:0=30\n");
}

static void without_a_third_the_second_is(void **state)
{
    (void)state;
    write_text(root, "schemata", "MB:0=100\nL2:0=ff;2=ff\n");
    make_group();
    assert_true(wrt_linux_resctrl_limit(root, PROCESS, 1));
    assert_string_equal(text_of(group, "schemata"), "L2:0=1;2=1\n");
}

static void refusals_leave_nothing(void **state)
{
    static char line[2000] = "L3:";

    (void)state;
    assert_false(wrt_linux_resctrl_limit(root, PROCESS, 1)); /* not such a file system */
    write_text(root, "schemata", "MB:0=100\nSMBA:0=10\n");
    assert_false(wrt_linux_resctrl_limit(root, PROCESS, 1)); /* no cache to divide */
    write_text(root, "schemata", "L3:0=ffff\n");
    assert_false(wrt_linux_resctrl_limit(root, PROCESS, 1)); /* a group without files */
    assert_int_equal(access(group, F_OK), -1);
    for (int i = 0; i < 300; i++)
        strcat(line, "0=ff;");
    write_text(root, "schemata", line); /* longer than what is read */
    assert_false(wrt_linux_resctrl_limit(root, PROCESS, UINT64_MAX));
    assert_int_equal(access(group, F_OK), -1);
    assert_false(wrt_linux_resctrl_limit("/no/such/folder", PROCESS, 1));
    memset(line, 'x', sizeof line - 1);
    assert_false(wrt_linux_resctrl_limit(line, PROCESS, 1));
    wrt_linux_resctrl_remove(line, PROCESS);
}

static void it_ends_with_its_process(void **state)
{
    (void)state;
    assert_int_equal(mkdir(group, 0755), 0);
    wrt_linux_resctrl_remove(root, PROCESS);
    assert_int_equal(access(group, F_OK), -1);
    assert_int_equal(errno, ENOENT);
    wrt_linux_resctrl_remove(root, PROCESS); /* again: nothing */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_last_cache_is_divided, begin, end),
        cmocka_unit_test_setup_teardown(code_and_data_have_the_same_ways, begin, end),
        cmocka_unit_test_setup_teardown(without_a_third_the_second_is, begin, end),
        cmocka_unit_test_setup_teardown(refusals_leave_nothing, begin, end),
        cmocka_unit_test_setup_teardown(it_ends_with_its_process, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
