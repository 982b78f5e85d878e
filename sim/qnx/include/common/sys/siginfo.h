/* sys/siginfo.h - signal values, events and fault records. Facts 5.3, 6.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_SIGINFO_H
#define QNXSIM_SYS_SIGINFO_H
#include <sys/types.h>

union sigval {
    int sival_int;
    void *sival_ptr;
#if QNXSIM_RELEASE >= 800
    long sival_long;
    unsigned long sival_ulong;
#endif
};

#define SEGV_MAPERR 1
#define SEGV_ACCERR 2
#define SEGV_STKERR 3
#define SEGV_GPERR 4
#define SEGV_IRQERR 5
#define BUS_ADRALN 1
#define BUS_ADRERR 2
#define BUS_OBJERR 3
#if QNXSIM_RELEASE >= 700
#define BUS_BADPAGE 4
#define BUS_ENDOBJ 5
#define BUS_EOTHER 6
#define BUS_ENOENT 7
#define BUS_EAGAIN 8
#define BUS_ENOMEM 9
#define BUS_EFAULT 10
#define BUS_EINVAL 11
#define BUS_EACCES 12
#define BUS_EBADF 13
#endif
#define FPE_INTDIV 1

/* 40 bytes where pointers have 32 bits (checked facts). Member names below __data are
 * those that the facts page names; the rest is padding of ours. */
typedef struct {
    int si_signo;
    int si_code;
    int si_errno;
    union {
        int __pad[7];
        struct {
            int __fltno;
            void *__fltip;
            void *__addr;
            int __bdslot;
        } __fault;
        struct {
            pid_t __pid;
            int __status;
        } __proc;
    } __data;
} siginfo_t;
#define si_addr __data.__fault.__addr
#define si_fltip __data.__fault.__fltip
#define si_trapno __data.__fault.__fltno
#define si_pid __data.__proc.__pid
#define si_status __data.__proc.__status

#if QNXSIM_EXT
/* Facts 5.3: raw values are n, but 0x80|n on LP64 7.x; compare with SIGEV_GET_TYPE only. */
#if defined(__LP64__) && QNXSIM_RELEASE < 800
#define QNXSIM_SIGEV(n) (0x80 | (n))
#else
#define QNXSIM_SIGEV(n) (n)
#endif
#define SIGEV_NONE QNXSIM_SIGEV(0)
#define SIGEV_SIGNAL QNXSIM_SIGEV(1)
#define SIGEV_PULSE QNXSIM_SIGEV(4)
#define SIGEV_UNBLOCK QNXSIM_SIGEV(5)
#if QNXSIM_RELEASE >= 700
#define SIGEV_MEMORY QNXSIM_SIGEV(8)
#define SIGEV_SEM QNXSIM_SIGEV(9)
#endif
#define SIGEV_GET_TYPE(e) ((e)->sigev_notify & 0xf)

struct sigevent { /* 16 bytes where pointers have 32 bits */
    int sigev_notify;
    union {
        int sigev_signo;
        int sigev_coid;
    };
    union sigval sigev_value;
    union {
        struct {
            short sigev_code;
            short sigev_priority;
        };
        int qnxsim_pad;
    };
};
#define SIGEV_PULSE_INIT(e, coid, priority, code, value)                           \
    ((e)->sigev_notify = SIGEV_PULSE, (e)->sigev_coid = (coid),                    \
     (e)->sigev_priority = (short)(priority), (e)->sigev_code = (short)(code),     \
     (e)->sigev_value.sival_ptr = (void *)(uintptr_t)(value))
#define SIGEV_UNBLOCK_INIT(e) ((e)->sigev_notify = SIGEV_UNBLOCK)
#endif
#endif
