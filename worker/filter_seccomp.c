/* worker/filter_seccomp.c - the list of system calls, by libseccomp.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What the library does for a guest, and no more: no new process or program, no socket, no
 * executable memory, no look at other processes. Calls by which the library asks what the system
 * can do are refused with an error it knows; anything else ends the process.
 */
#include "worker.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static const int allowed[] = {
    /* memory; see also `plain` */
    SCMP_SYS(munmap), SCMP_SYS(madvise), SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(mlock),
    SCMP_SYS(munlock),
    /* what is open already */
    SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(preadv), SCMP_SYS(preadv2),
    SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(pwritev2),
    SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(fsync),
    SCMP_SYS(fdatasync), SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fadvise64),
    SCMP_SYS(fcntl), SCMP_SYS(poll), SCMP_SYS(ppoll),
    /* time, waiting, chance, signals of its own, the end */
    SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday), SCMP_SYS(futex), SCMP_SYS(futex_waitv),
    SCMP_SYS(sched_yield), SCMP_SYS(getrandom), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(restart_syscall), SCMP_SYS(gettid),
    SCMP_SYS(getpid), SCMP_SYS(exit), SCMP_SYS(exit_group),
};

/* Beneath granted directories, which Landlock bounds. */
static const int opening[] = {
    SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(newfstatat), SCMP_SYS(statx),
    SCMP_SYS(getdents64), SCMP_SYS(readlinkat), SCMP_SYS(mkdirat), SCMP_SYS(unlinkat),
    SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(linkat), SCMP_SYS(symlinkat),
    SCMP_SYS(utimensat), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(dup),
};

/* Asked for by the library to find out: an error is an answer. */
static const int refused[] = {
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(memfd_create),
    SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_getscheduler),
    SCMP_SYS(sched_getparam), SCMP_SYS(sched_getaffinity), SCMP_SYS(mbind),
    SCMP_SYS(get_mempolicy), SCMP_SYS(membarrier), SCMP_SYS(rseq), SCMP_SYS(prlimit64),
    SCMP_SYS(uname), SCMP_SYS(access), SCMP_SYS(open), SCMP_SYS(accept4), SCMP_SYS(recvmsg),
};

static bool add_all(scmp_filter_ctx filter, uint32_t action, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int error = seccomp_rule_add(filter, action, calls[i], 0);

        if (error != 0 && error != -EDOM) /* not on this machine */
            return false;
    }
    return true;
}

/* Mapping and protecting, but never for execution. */
static bool add_plain_memory(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp no_execute =
        SCMP_A2(SCMP_CMP_MASKED_EQ, (scmp_datum_t)PROT_EXEC, 0);

    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_execute) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_execute) == 0;
}

/* How many bytes wait, and nothing that a terminal would do for its owner. */
static bool add_device_question(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                            SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0)) == 0;
}

bool worker_filter_calls(bool may_open)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool is_loaded;

    if (filter == NULL)
        return false;
    is_loaded = add_all(filter, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof allowed[0]) &&
                add_all(filter, may_open ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM), opening,
                        sizeof opening / sizeof opening[0]) &&
                add_all(filter, SCMP_ACT_ERRNO(ENOSYS), refused,
                        sizeof refused / sizeof refused[0]) &&
                add_plain_memory(filter) && add_device_question(filter) &&
                seccomp_load(filter) == 0;
    seccomp_release(filter);
    return is_loaded;
}
