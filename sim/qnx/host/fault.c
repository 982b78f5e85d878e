/* fault.c - the host's memory faults and signals, turned into the kernel's.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The host handler must see every fault first, because a first touch of a lazy page is a
 * fault on the host but not on QNX. It is installed with NODEFER: whether a nested fault is
 * deliverable is decided by the mask that the kernel sets for the QNX handler.
 */
#define _GNU_SOURCE
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

static struct sigaction before[2]; /* whoever handled SIGSEGV and SIGBUS before us */
static __thread sigjmp_buf *copy_recovery;

#if defined(__x86_64__)
/* QNX's order (facts 6), as indices of the host's array. */
static const int order[15] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8,  REG_R9,  REG_RAX, REG_RBX,
                              REG_RBP, REG_RCX, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void take(const ucontext_t *context, struct host_registers *out) {
    const greg_t *from = context->uc_mcontext.gregs;
    for (int i = 0; i < 15; i++) out->general[i] = (uint64_t)from[order[i]];
    out->general[31] = (uint64_t)from[REG_RSP];
    out->ip = (uint64_t)from[REG_RIP];
    out->flags = (uint64_t)from[REG_EFL];
}
static void give(ucontext_t *context, const struct host_registers *in) {
    greg_t *to = context->uc_mcontext.gregs;
    for (int i = 0; i < 15; i++) to[order[i]] = (greg_t)in->general[i];
    to[REG_RSP] = (greg_t)in->general[31];
    to[REG_RIP] = (greg_t)in->ip;
    to[REG_EFL] = (greg_t)in->flags;
}
static bool is_write(const ucontext_t *context) {
    return context->uc_mcontext.gregs[REG_ERR] & 2;
}
#elif defined(__aarch64__)
static void take(const ucontext_t *context, struct host_registers *out) {
    memcpy(out->general, context->uc_mcontext.regs, 31 * sizeof(uint64_t));
    out->general[31] = context->uc_mcontext.sp;
    out->ip = context->uc_mcontext.pc;
    out->flags = context->uc_mcontext.pstate;
}
static void give(ucontext_t *context, const struct host_registers *in) {
    memcpy(context->uc_mcontext.regs, in->general, 31 * sizeof(uint64_t));
    context->uc_mcontext.sp = in->general[31];
    context->uc_mcontext.pc = in->ip;
    context->uc_mcontext.pstate = in->flags;
}
static bool is_write(const ucontext_t *context) {
    (void)context;
    return false;
}
#else
#error "the simulation runs on x86-64 and AArch64"
#endif

static void chain(int number, siginfo_t *info, void *context) {
    const struct sigaction *previous = &before[number == SIGBUS];
    if (previous->sa_flags & SA_SIGINFO) {
        previous->sa_sigaction(number, info, context);
    } else if (previous->sa_handler == SIG_DFL || previous->sa_handler == SIG_IGN) {
        signal(number, SIG_DFL); /* returning repeats the access, which now ends the process */
    } else {
        previous->sa_handler(number);
    }
}

static void on_fault(int number, siginfo_t *info, void *raw) {
    int saved_errno = errno;
    struct host_registers registers;
    memset(&registers, 0, sizeof registers);
    take(raw, &registers);
    if (kernel_fault(number, info->si_code, (uintptr_t)info->si_addr, is_write(raw),
                     copy_recovery != NULL, &registers)) {
        give(raw, &registers);
    } else if (copy_recovery) {
        siglongjmp(*copy_recovery, 1);
    } else {
        chain(number, info, raw);
    }
    errno = saved_errno;
}

static void install_one(int number, struct sigaction *previous) {
    struct sigaction now;
    sigaction(number, NULL, &now);
    if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_fault) return;
    *previous = now;
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = on_fault;
    ours.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    sigaction(number, &ours, NULL);
}

void host_faults_install(void) {
    install_one(SIGSEGV, &before[0]);
    install_one(SIGBUS, &before[1]);
}

bool host_copy(void *to, const void *from, size_t bytes) {
    sigjmp_buf here;
    host_faults_install();
    sigjmp_buf *outer = copy_recovery;
    volatile bool worked = false; /* survives the jump */
    if (sigsetjmp(here, 0) == 0) {
        copy_recovery = &here;
        memcpy(to, from, bytes);
        worked = true;
    }
    copy_recovery = outer;
    return worked;
}

void host_signal_install(int host_signal, bool is_default, bool is_ignore, bool on_stack,
                         void (*handler)(int host_signal)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = is_default ? SIG_DFL : is_ignore ? SIG_IGN : handler;
    action.sa_flags = on_stack ? SA_ONSTACK : 0;
    sigaction(host_signal, &action, NULL);
}

static uint64_t bits_of(const sigset_t *set) {
    uint64_t result = 0;
    for (int i = 1; i < 64; i++) {
        if (sigismember(set, i) == 1) result |= UINT64_C(1) << i;
    }
    return result;
}

/* Bit n of a mask stands for host signal n. */
uint64_t host_signal_mask(int how, bool has_set, uint64_t set) {
    sigset_t new, old;
    sigemptyset(&new);
    for (int i = 1; i < 64; i++) {
        if (set >> i & 1) sigaddset(&new, i);
    }
    static const int hows[3] = {SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK};
    pthread_sigmask(hows[how], has_set ? &new : NULL, &old);
    return bits_of(&old);
}

uint64_t host_signal_pending(void) {
    sigset_t set;
    sigpending(&set);
    return bits_of(&set);
}

int host_signal_wait(uint64_t bits, uint64_t timeout_ns) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 1; i < 64; i++) {
        if (bits >> i & 1) sigaddset(&set, i);
    }
    struct timespec timeout = {(time_t)(timeout_ns / 1000000000u), (long)(timeout_ns % 1000000000u)};
    int result = sigtimedwait(&set, NULL, timeout_ns == UINT64_MAX ? NULL : &timeout);
    return result < 0 ? -errno : result;
}

int host_alternate_stack(bool has_new, void *base, size_t bytes, int flags, void **old_base,
                         size_t *old_bytes, int *old_flags) {
    stack_t new = {.ss_sp = base, .ss_flags = flags, .ss_size = bytes}, old;
    if (sigaltstack(has_new ? &new : NULL, &old) != 0) return errno;
    *old_base = old.ss_sp;
    *old_bytes = old.ss_size;
    *old_flags = old.ss_flags;
    return 0;
}

int host_raise(int host_signal) { return raise(host_signal); }
int host_kill(int pid, int host_signal) { return kill(pid, host_signal); }
