/* tests/wasi/programs/check.h - checks for programs that run inside the guest.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A program checks what it can, says each fault on stderr, and ends with the number of them
 * (at most 100). The first line after the licence of each program that starts with "run:"
 * is what its runner is given (../run.sh).
 */
#ifndef CHECK_H
#define CHECK_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wasi/api.h>

static int check_faults;

#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);      \
            check_faults++;                                                      \
        }                                                                        \
    } while (0)

#define CHECK_EQUAL(got, expected)                                               \
    do {                                                                         \
        long long got_ = (long long)(got), expected_ = (long long)(expected);    \
        if (got_ != expected_) {                                                 \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, \
                    #got, got_, expected_);                                      \
            check_faults++;                                                      \
        }                                                                        \
    } while (0)

/* A libc call that must fail with that errno. */
#define CHECK_ERRNO(call, expected)                                              \
    do {                                                                         \
        errno = 0;                                                               \
        long long result_ = (long long)(call);                                   \
        if (result_ != -1 || errno != (expected)) {                              \
            fprintf(stderr, "%s:%d: %s gave %lld, errno %d, not %d\n", __FILE__, \
                    __LINE__, #call, result_, errno, (expected));                \
            check_faults++;                                                      \
        }                                                                        \
    } while (0)

static inline int check_end(void)
{
    return check_faults < 100 ? check_faults : 100;
}

#endif
