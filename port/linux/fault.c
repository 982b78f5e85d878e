/* port/linux/fault.c - a touch of one of our guards ends the body that made it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The mask is not saved (130 ns): the handler runs with SA_NODEFER and an empty mask, so
 * leaving it by siglongjmp leaves nothing blocked. It runs on the thread's ordinary stack:
 * wasm frames are not there, so a guard hit never means that this stack is used up.
 */
#define _GNU_SOURCE
#include "linux.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <ucontext.h>

struct scope {
    sigjmp_buf leave;
    struct scope *outer;
    struct wrt_port_fault fault;
};

static _Thread_local struct scope *innermost;
static struct sigaction previous_segv, previous_bus;
static _Atomic int installed; /* 0 no, 1 yes, 2 refused */
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;

static void describe(const siginfo_t *info, void *context, struct wrt_port_fault *out)
{
    *out = (struct wrt_port_fault){.address = info->si_addr};
#if defined(__x86_64__)
    const ucontext_t *user = context;
    out->instruction = (const void *)user->uc_mcontext.gregs[REG_RIP];
    out->is_known_write = (user->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#elif defined(__aarch64__)
    const ucontext_t *user = context;
    out->instruction = (const void *)user->uc_mcontext.pc;
#else
    (void)context;
#endif
}

/* Hands the signal to whoever had it before us; by default the process dies of it. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before = number == SIGBUS ? &previous_bus : &previous_segv;

    if (before->sa_flags & SA_SIGINFO) {
        before->sa_sigaction(number, info, context);
    } else if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN) {
        signal(number, SIG_DFL); /* returning runs the instruction again: it dies there */
    } else {
        before->sa_handler(number);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    struct scope *scope = innermost;

    if (scope != NULL && wrt_fault_is_ours(info->si_addr)) {
        describe(info, context, &scope->fault);
        siglongjmp(scope->leave, 1);
    }
    pass_on(number, info, context);
}

static int install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

    sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, &previous_segv) != 0)
        return 2;
    if (sigaction(SIGBUS, &action, &previous_bus) != 0) {
        (void)sigaction(SIGSEGV, &previous_segv, NULL);
        return 2;
    }
    wrt_linux_note_active(WRT_LINUX_FAULTS);
    return 1;
}

static bool is_installed(void)
{
    int state = atomic_load_explicit(&installed, memory_order_acquire);

    if (state != 0)
        return state == 1;
    wrt_linux_note_requested(WRT_LINUX_FAULTS);
    pthread_mutex_lock(&install_lock);
    state = atomic_load_explicit(&installed, memory_order_relaxed);
    if (state == 0) {
        state = install();
        atomic_store_explicit(&installed, state, memory_order_release);
    }
    pthread_mutex_unlock(&install_lock);
    return state == 1;
}

enum wrt_status wrt_port_fault_run(void (*body)(void *), void *context,
                                   struct wrt_port_fault *fault)
{
    struct scope scope;

    if (!is_installed())
        return WRT_ERR_UNSUPPORTED;
    scope.outer = innermost;
    if (sigsetjmp(scope.leave, 0) == 0) {
        innermost = &scope;
        body(context);
        innermost = scope.outer;
        return WRT_OK;
    }
    innermost = scope.outer;
    *fault = scope.fault;
    return WRT_ERR_TRAP;
}
