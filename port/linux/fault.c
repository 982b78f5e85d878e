/* port/linux/fault.c - what a fault's context says on Linux.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "linux.h"

#include "base/tags.h"

#include <signal.h>
#include <ucontext.h>

#include "../posix/posix.h"

enum { TAG_LATE = 8, TAG_NOW = 9, KEY_CLOSED = 4 }; /* si_code, Linux 5.10 and 4.6 */

#if defined(__aarch64__)
enum { EXPOSE_TAGS = 0x800 }; /* in si_addr, Linux 5.11 */
#else
enum { EXPOSE_TAGS = 0 };
#endif
const int wrt_posix_fault_flags = SA_SIGINFO | SA_NODEFER | EXPOSE_TAGS;

static enum wrt_port_fault_kind kind_of(const siginfo_t *info)
{
    if (info->si_signo != SIGSEGV)
        return WRT_PORT_FAULT_ACCESS;
    switch (info->si_code) {
    case TAG_LATE:
        return WRT_PORT_FAULT_TAG_LATE;
    case TAG_NOW:
        return WRT_PORT_FAULT_TAG;
    case KEY_CLOSED:
        return WRT_PORT_FAULT_KEY;
    default:
        return WRT_PORT_FAULT_ACCESS;
    }
}

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
    *out = (struct wrt_port_fault){.address = wrt_untagged(info->si_addr),
                                   .kind = (uint8_t)kind_of(info),
                                   .pointer_tag = (uint8_t)wrt_pointer_tag(info->si_addr)};
#if defined(__x86_64__)
    const ucontext_t *user = context;
    out->instruction = (const void *)user->uc_mcontext.gregs[REG_RIP];
    out->frame = (const void *)user->uc_mcontext.gregs[REG_RBP];
    out->is_known_write = (user->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#elif defined(__aarch64__)
    const ucontext_t *user = context;
    out->instruction = (const void *)user->uc_mcontext.pc;
    out->frame = (const void *)user->uc_mcontext.regs[29];
#else
    (void)context;
#endif
}
