/* signal.h - signals with QNX's numbers and structures. Facts 6. Numbers that the facts
 * page does not give are those that POSIX fixes, or ours (USR2, STOP, CONT, TSTP).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SIGNAL_H
#define QNXSIM_SIGNAL_H
#include <sys/siginfo.h>
#include <time.h>

#define SIGHUP 1
#define SIGINT 2
#define SIGQUIT 3
#define SIGILL 4
#define SIGTRAP 5
#define SIGABRT 6
#define SIGFPE 8
#define SIGKILL 9
#define SIGBUS 10
#define SIGSEGV 11
#define SIGPIPE 13
#define SIGALRM 14
#define SIGTERM 15
#define SIGUSR1 16
#define SIGUSR2 17
#define SIGCHLD 18
#define SIGSTOP 23
#define SIGTSTP 24
#define SIGCONT 25
#if QNXSIM_RELEASE >= 800
#define SIGDOOM 32
#endif

#define SIG_BLOCK 0
#define SIG_UNBLOCK 1
#define SIG_SETMASK 2
typedef struct {
    uint32_t bits[2];
} sigset_t;

#define SA_NOCLDSTOP 0x1
#define SA_SIGINFO 0x2
#define SA_RESETHAND 0x4
#define SA_NODEFER 0x10
#define SA_NOCLDWAIT 0x20
#if QNXSIM_RELEASE >= 800
#define SA_ONSTACK 0x8 /* absent before: facts 0, 6 */
#endif

#define SIG_DFL ((void (*)(int))0)
#define SIG_IGN ((void (*)(int))1)
#define SIG_ERR ((void (*)(int))-1)

struct sigaction {
    union {
        void (*sa_handler)(int);
        void (*sa_sigaction)(int, siginfo_t *, void *);
    };
    int sa_flags;
    sigset_t sa_mask;
};

typedef struct {
    void *ss_sp;
    size_t ss_size;
    int ss_flags;
} stack_t;
#if QNXSIM_RELEASE >= 800
#define SS_ONSTACK 1
#define SS_DISABLE 2
#define MINSIGSTKSZ 3072
#define SIGSTKSZ 65536
int sigaltstack(const stack_t *stack, stack_t *old) QNXSIM_AS(sigaltstack);
#endif

typedef volatile int sig_atomic_t;
int sigaction(int number, const struct sigaction *action, struct sigaction *old)
    QNXSIM_AS(sigaction);
typedef void qnxsim_signal_handler(int);
qnxsim_signal_handler *signal(int number, qnxsim_signal_handler *handler) QNXSIM_AS(signal);
int sigemptyset(sigset_t *set) QNXSIM_AS(sigemptyset);
int sigfillset(sigset_t *set) QNXSIM_AS(sigfillset);
int sigaddset(sigset_t *set, int number) QNXSIM_AS(sigaddset);
int sigdelset(sigset_t *set, int number) QNXSIM_AS(sigdelset);
int sigismember(const sigset_t *set, int number) QNXSIM_AS(sigismember);
int sigprocmask(int how, const sigset_t *set, sigset_t *old) QNXSIM_AS(sigprocmask);
int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) QNXSIM_AS(pthread_sigmask);
int pthread_kill(pthread_t thread, int number) QNXSIM_AS(pthread_kill);
int kill(pid_t process, int number) QNXSIM_AS(kill);
int sigpending(sigset_t *set) QNXSIM_AS(sigpending);
int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
    QNXSIM_AS(sigtimedwait);
int raise(int number) QNXSIM_AS(raise);
#include <ucontext.h>
#endif
