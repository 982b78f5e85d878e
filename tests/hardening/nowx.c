/* tests/hardening/nowx.c - nowx PROGRAM ARGUMENT...: runs the program, and kills it at the first call
 * that would make a page both writable and executable (SIGSYS), whatever it does with it later.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A filter on system calls: the rights are the third argument of mmap, mprotect and pkey_mprotect.
 * What it cannot see is one page mapped twice, with different rights.
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))

int main(int argc, char **argv)
{
    struct sock_filter filter[] = {
        LOAD(nr),
        IS(SYS_mmap, 2, 0),
        IS(SYS_mprotect, 1, 0),
        IS(SYS_pkey_mprotect, 0, 3),
        LOAD(args[2]),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
        IS(PROT_WRITE | PROT_EXEC, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};

    if (argc < 2 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0) {
        perror("nowx");
        return 2;
    }
    (void)execv(argv[1], argv + 1);
    perror(argv[1]);
    return 2;
}
