/* signal.c - QNX's signal numbers and fault delivery over the host's. Facts 6.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kernel.h"

#include <stdlib.h>

/* X(QNX number, host number): the host is Linux. */
#define SIGNAL_LIST(X)                                                                    \
    X(SIGHUP, 1) X(SIGINT, 2) X(SIGQUIT, 3) X(SIGILL, 4) X(SIGTRAP, 5) X(SIGABRT, 6)      \
    X(SIGFPE, 8) X(SIGKILL, 9) X(SIGBUS, 7) X(SIGSEGV, 11) X(SIGPIPE, 13) X(SIGALRM, 14)  \
    X(SIGTERM, 15) X(SIGUSR1, 10) X(SIGUSR2, 12) X(SIGCHLD, 17) X(SIGSTOP, 19)            \
    X(SIGTSTP, 20) X(SIGCONT, 18)

static const struct { int qnx, host; } table[] = {
#define ROW(qnx, host) {qnx, host},
    SIGNAL_LIST(ROW)
#undef ROW
};
enum { ROWS = sizeof table / sizeof table[0], SIGNALS = 64 };

static int to_host(int number) {
    for (int i = 0; i < ROWS; i++) {
        if (table[i].qnx == number) return table[i].host;
    }
    return 0;
}
static int to_qnx(int host) {
    for (int i = 0; i < ROWS; i++) {
        if (table[i].host == host) return table[i].qnx;
    }
    return 0;
}

static struct sigaction actions[SIGNALS];

/* ---- sets ---- */

int sigemptyset(sigset_t *s) {
    *s = (sigset_t){{0, 0}};
    return 0;
}
int sigfillset(sigset_t *s) {
    *s = (sigset_t){{UINT32_MAX, UINT32_MAX}};
    return 0;
}
static bool in_range(int n) { return n >= 1 && n < SIGNALS; }
int sigaddset(sigset_t *s, int n) {
    if (!in_range(n)) return plain(EINVAL);
    s->bits[n / 32] |= UINT32_C(1) << n % 32;
    return 0;
}
int sigdelset(sigset_t *s, int n) {
    if (!in_range(n)) return plain(EINVAL);
    s->bits[n / 32] &= ~(UINT32_C(1) << n % 32);
    return 0;
}
int sigismember(const sigset_t *s, int n) {
    if (!in_range(n)) return plain(EINVAL);
    return (int)(s->bits[n / 32] >> n % 32 & 1);
}

static uint64_t mask_to_host(const sigset_t *s) {
    uint64_t mask = 0;
    for (int i = 0; i < ROWS; i++) {
        if (sigismember(s, table[i].qnx)) mask |= UINT64_C(1) << table[i].host;
    }
    return mask;
}
static void mask_to_qnx(uint64_t mask, sigset_t *s) {
    sigemptyset(s);
    for (int i = 0; i < ROWS; i++) {
        if (mask >> table[i].host & 1) sigaddset(s, table[i].qnx);
    }
}

int pthread_sigmask(int how, const sigset_t *set, sigset_t *old) {
    if (set && (how < SIG_BLOCK || how > SIG_SETMASK)) return EINVAL;
    uint64_t before = host_signal_mask(set ? how : 0, set != NULL, set ? mask_to_host(set) : 0);
    if (old) mask_to_qnx(before, old);
    return EOK;
}
int sigprocmask(int how, const sigset_t *set, sigset_t *old) {
    return plain(pthread_sigmask(how, set, old));
}

int sigpending(sigset_t *set) {
    mask_to_qnx(host_signal_pending(), set);
    return 0;
}
int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout) {
    uint64_t ns = timeout ? (uint64_t)timeout->tv_sec * 1000000000u + (uint64_t)timeout->tv_nsec : UINT64_MAX;
    int result = host_signal_wait(mask_to_host(set), ns);
    if (result < 0) return plain(-result);
    if (info) {
        memset(info, 0, sizeof *info);
        info->si_signo = to_qnx(result);
    }
    return to_qnx(result);
}

/* ---- actions ---- */

static void deliver(int host_signal) {
    int number = to_qnx(host_signal);
    struct sigaction action = actions[number];
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = number;
    if (action.sa_flags & SA_SIGINFO) action.sa_sigaction(number, &info, NULL);
    else action.sa_handler(number);
}

static int supported_flags(void) {
    int flags = SA_NOCLDSTOP | SA_SIGINFO | SA_RESETHAND | SA_NODEFER | SA_NOCLDWAIT;
#if QNXSIM_RELEASE >= 800
    flags |= SA_ONSTACK;
#endif
    return flags;
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    int error = kernel_enter(QNXSIM_sigaction);
    int host = to_host(number);
    if (!error && (!host || number == SIGKILL || number == SIGSTOP)) error = EINVAL;
    if (!error && action && (action->sa_flags & ~supported_flags())) error = ENOTSUP; /* trap 9 */
    if (!error && old) *old = actions[number];
    if (!error && action) {
        actions[number] = *action;
        bool on_stack = false;
#if QNXSIM_RELEASE >= 800
        on_stack = action->sa_flags & SA_ONSTACK;
#endif
        if (number != SIGSEGV && number != SIGBUS) {
            host_signal_install(host, action->sa_handler == SIG_DFL, action->sa_handler == SIG_IGN, on_stack, deliver);
        }
    }
    kernel_leave();
    if (!error) host_faults_install();
    return plain(error);
}
qnxsim_signal_handler *signal(int number, qnxsim_signal_handler *handler) {
    struct sigaction action, old;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    return sigaction(number, &action, &old) == 0 ? old.sa_handler : SIG_ERR;
}

#if QNXSIM_RELEASE >= 800
int sigaltstack(const stack_t *stack, stack_t *old) {
    if (stack && (stack->ss_flags & ~SS_DISABLE)) return plain(EINVAL);
    if (stack && !(stack->ss_flags & SS_DISABLE) && stack->ss_size < MINSIGSTKSZ) return plain(ENOMEM);
    void *base;
    size_t bytes;
    int flags;
    int error = host_alternate_stack(stack != NULL, stack ? stack->ss_sp : NULL, stack ? stack->ss_size : 0,
                                     stack ? stack->ss_flags : 0, &base, &bytes, &flags);
    if (!error && old) *old = (stack_t){base, bytes, flags};
    return plain(error);
}
#endif

int raise(int number) { return host_raise(to_host(number)); }
int kill(pid_t pid, int number) {
    int error = kernel_enter(QNXSIM_kill);
    kernel_leave();
    if (error) return plain(error);
    if (number != 0 && !to_host(number)) return plain(EINVAL);
    return host_kill(pid, number ? to_host(number) : 0);
}
int pthread_kill(pthread_t tid, int number) {
    host_lock();
    struct thread *thread = thread_find(tid);
    host_thread host = thread ? thread->host : NULL;
    host_unlock();
    if (!thread) return ESRCH;
    if (!to_host(number)) return EINVAL;
    host_thread_kill(host, to_host(number));
    return EOK;
}

/* ---- memory faults ---- */

static void to_context(const struct host_registers *r, ucontext_t *out) {
    memset(out, 0, sizeof *out);
#if defined(__x86_64__)
    memcpy(&out->uc_mcontext.cpu, r->general, 15 * sizeof(uint64_t));
    out->uc_mcontext.cpu.rip = r->ip;
    out->uc_mcontext.cpu.rsp = r->general[31];
    out->uc_mcontext.cpu.rflags = r->flags;
#elif defined(__aarch64__)
    memcpy(out->uc_mcontext.cpu.gpr, r->general, sizeof r->general);
    out->uc_mcontext.cpu.elr = r->ip;
    out->uc_mcontext.cpu.pstate = r->flags;
#endif
}
static void from_context(const ucontext_t *in, struct host_registers *r) {
#if defined(__x86_64__)
    memcpy(r->general, &in->uc_mcontext.cpu, 15 * sizeof(uint64_t));
    r->general[31] = in->uc_mcontext.cpu.rsp;
#elif defined(__aarch64__)
    memcpy(r->general, in->uc_mcontext.cpu.gpr, sizeof r->general);
#endif
    r->ip = GET_REGIP(&in->uc_mcontext.cpu);
}

/* Runs the program's handler with the mask that QNX would have set meanwhile. */
static void run_handler(const struct sigaction *action, int number, siginfo_t *info, struct host_registers *registers) {
    ucontext_t context;
    to_context(registers, &context);
    uint64_t block = mask_to_host(&action->sa_mask);
    if (!(action->sa_flags & SA_NODEFER)) block |= UINT64_C(1) << to_host(number);
    uint64_t before = host_signal_mask(0, true, block);
    mask_to_qnx(before, &context.uc_sigmask);
    if (action->sa_flags & SA_SIGINFO) action->sa_sigaction(number, info, &context);
    else action->sa_handler(number);
    host_signal_mask(2, true, before);
    from_context(&context, registers);
}

bool kernel_fault(int host_signal, int host_code, uintptr_t address, bool is_write, bool in_kernel_copy,
                  struct host_registers *registers) {
    (void)is_write;
    int code = host_code, number = to_qnx(host_signal);
    if (number == SIGSEGV) {
        if (!in_kernel_copy) host_lock(); /* a copy of the kernel's holds it already */
        number = memory_fault(address, &code);
        if (!in_kernel_copy) host_unlock();
    }
    if (number == 0) return true;
    if (in_kernel_copy) return false; /* 6: EFAULT instead of a signal */
    const struct sigaction *action = &actions[number];
    if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN) return false;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = number;
    info.si_code = code;
    info.si_addr = (void *)address;
    info.si_fltip = (void *)(uintptr_t)registers->ip;
    run_handler(action, number, &info, registers);
    return true;
}
