/* port/linux/fault.c - what a fault's context says on Linux.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "linux.h"

#include <signal.h>
#include <ucontext.h>

#include "../posix/posix.h"

const int wrt_posix_fault_flags = SA_SIGINFO | SA_NODEFER;

void wrt_posix_note_faults(bool is_active)
{
    if (is_active)
        wrt_linux_note_active(WRT_LINUX_FAULTS);
    else
        wrt_linux_note_requested(WRT_LINUX_FAULTS);
}

void wrt_posix_describe_fault(const siginfo_t *info, void *context,
                              struct wrt_port_fault *out)
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
