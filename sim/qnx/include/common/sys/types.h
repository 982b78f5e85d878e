/* sys/types.h - POSIX names for integers. Widths that the facts page does not give are
 * those of the host's LP64 libc.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_TYPES_H
#define QNXSIM_SYS_TYPES_H
#include <stddef.h>
#include <stdint.h>
#include <sys/platform.h>
typedef __INTPTR_TYPE__ ssize_t;
typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef uint32_t id_t;
typedef uint32_t mode_t;
typedef __INTPTR_TYPE__ off_t;
typedef uint64_t ino_t;
typedef uint64_t dev_t;
typedef uint64_t nlink_t;
typedef int64_t blkcnt_t;
typedef int64_t blksize_t;
typedef __INTPTR_TYPE__ time_t;
typedef __INTPTR_TYPE__ suseconds_t;
typedef uint32_t useconds_t;
typedef int clockid_t;
typedef int timer_t;
typedef int pthread_t;      /* a thread id */
typedef int pthread_key_t;
typedef struct { /* facts 5.4: 8 bytes */
    int __count;
    unsigned __owner;
} sync_t;
typedef sync_t pthread_mutex_t;
typedef sync_t pthread_cond_t;
#endif
