/* port/qnx/fault.c - what a fault says on QNX, and where its handler runs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Guards answer with SIGSEGV, a lazy page without RAM behind it with SIGBUS, and which code
 * goes with either differs per release: so the address decides (../posix/fault.c). Before 8.0
 * there is no alternate stack: a handler cannot run when the thread's own stack is used up,
 * which is why wasm frames never lie on it and its limit is checked in software.
 */
#include "qnx.h"

#include <signal.h>

#include "../posix/posix.h"

#if defined(SA_ONSTACK) /* 8.0: used by threads that have such a stack */
const int wrt_posix_fault_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
#else
const int wrt_posix_fault_flags = SA_SIGINFO | SA_NODEFER;
#endif

void wrt_posix_note_faults(bool is_active)
{
    if (is_active)
        wrt_qnx_note_active(WRT_QNX_FAULT_HANDLER);
    else
        wrt_qnx_note_requested(WRT_QNX_FAULT_HANDLER);
}

/* The context has no fault status register: read or write is not known. */
void wrt_posix_describe_fault(const siginfo_t *info, void *context,
                              struct wrt_port_fault *out)
{
    (void)context;
    *out = (struct wrt_port_fault){.address = info->si_addr, .instruction = info->si_fltip};
}
