/* tests/wasi/programs/strings.c - args_get, args_sizes_get, environ_get, environ_sizes_get.
 * SPDX-License-Identifier: Apache-2.0
 * run: --env NAME=value --env EMPTY= -- first "two words" "" ünï
 */
#include "check.h"

static void check_raw(int argc, char **argv)
{
    __wasi_size_t count = 0, bytes = 0;
    uint8_t *pointers[16], buffer[512];
    CHECK_EQUAL(__wasi_args_sizes_get(&count, &bytes), 0);
    CHECK_EQUAL(count, argc);
    size_t expected = 0;
    for (int i = 0; i < argc; i++)
        expected += strlen(argv[i]) + 1;
    CHECK_EQUAL(bytes, expected);
    CHECK_EQUAL(__wasi_args_get(pointers, buffer), 0);
    for (int i = 0; i < argc; i++)
        CHECK(strcmp((char *)pointers[i], argv[i]) == 0);
    CHECK_EQUAL(__wasi_environ_sizes_get(&count, &bytes), 0);
    CHECK_EQUAL(count, 2);
    CHECK_EQUAL(bytes, sizeof "NAME=value" + sizeof "EMPTY=");
    CHECK_EQUAL(__wasi_environ_get(pointers, buffer), 0);
    CHECK(strcmp((char *)pointers[0], "NAME=value") == 0);
    CHECK(strcmp((char *)pointers[1], "EMPTY=") == 0);
    CHECK(pointers[1] == pointers[0] + sizeof "NAME=value");
}

int main(int argc, char **argv)
{
    CHECK_EQUAL(argc, 5);
    CHECK(strstr(argv[0], "strings") != NULL);
    CHECK(strcmp(argv[1], "first") == 0);
    CHECK(strcmp(argv[2], "two words") == 0);
    CHECK(strcmp(argv[3], "") == 0);
    CHECK(strcmp(argv[4], "ünï") == 0);
    CHECK(getenv("NAME") && strcmp(getenv("NAME"), "value") == 0);
    CHECK(getenv("EMPTY") && strcmp(getenv("EMPTY"), "") == 0);
    CHECK(getenv("PATH") == NULL && getenv("HOME") == NULL);
    check_raw(argc, argv);
    return check_end();
}
