/* port/posix/fault.c - a touch of one of our guards ends the body that made it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Both SIGSEGV and SIGBUS are taken and the address decides whose fault it is: which signal
 * and which code go with a guard, or with a page that no memory is left for, differs between
 * systems and releases. No signal is blocked meanwhile (SA_NODEFER, an empty mask), so leaving
 * by siglongjmp leaves none blocked, and the mask need not be saved (130 ns). The handler runs
 * on the stack that was in use: the thread's, where no wasm frames are, or a compiled guest's,
 * which keeps room for it below its limit. So a guard hit never means that it is used up.
 */
/* Compiled guests have a stack of their own, which may lie on either side of the thread's: the C
 * library's checked longjmp would take that for a mistake. */
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE
#define _QNX_SOURCE
#include "posix.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

struct scope {
    sigjmp_buf leave;
    struct scope *outer;
    struct wrt_port_fault fault;
    uint32_t rights; /* by memory key; a handler starts without any, and so does who leaves it */
};

static _Thread_local struct scope *innermost;
static struct sigaction previous_segv, previous_bus;
static _Atomic int installed; /* 0 no, 1 yes, 2 refused */
static pthread_mutex_t install_lock = PTHREAD_MUTEX_INITIALIZER;

/* Hands the signal to whoever had it before us; by default the process dies of it. */
static void pass_on(int number, siginfo_t *info, void *context)
{
    const struct sigaction *before = number == SIGBUS ? &previous_bus : &previous_segv;

    if (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN) {
        (void)signal(number, SIG_DFL); /* returning runs the instruction again: it dies there */
    } else if (before->sa_flags & SA_SIGINFO) {
        before->sa_sigaction(number, info, context);
    } else {
        before->sa_handler(number);
    }
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    struct scope *scope = innermost;

    if (scope != NULL) {
        wrt_posix_describe_fault(info, context, &scope->fault);
        if (scope->fault.kind == WRT_PORT_FAULT_TAG_LATE ||
            wrt_fault_is_ours(scope->fault.address))
            siglongjmp(scope->leave, 1);
    }
    pass_on(number, info, context);
}

static int install(void)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = wrt_posix_fault_flags;
    (void)sigemptyset(&action.sa_mask);
    if (sigaction(SIGSEGV, &action, &previous_segv) != 0)
        return 2;
    if (sigaction(SIGBUS, &action, &previous_bus) != 0) {
        (void)sigaction(SIGSEGV, &previous_segv, NULL);
        return 2;
    }
    wrt_posix_note_faults(true);
    return 1;
}

static bool is_installed(void)
{
    int state = atomic_load_explicit(&installed, memory_order_acquire);

    if (state != 0)
        return state == 1;
    wrt_posix_note_faults(false);
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
    scope.rights = wrt_posix_thread_rights();
    if (sigsetjmp(scope.leave, 0) == 0) {
        innermost = &scope;
        body(context);
        innermost = scope.outer;
        return WRT_OK;
    }
    wrt_posix_restore_rights(scope.rights);
    innermost = scope.outer;
    *fault = scope.fault;
    return WRT_ERR_TRAP;
}
