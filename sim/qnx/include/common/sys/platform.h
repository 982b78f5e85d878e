/* sys/platform.h - what every simulated header needs: visibility and redirection.
 * SPDX-License-Identifier: Apache-2.0
 *
 * QNXSIM_AS(name) gives a declaration the link name qnxsim_<name>, so that code compiled
 * against these headers calls the simulated kernel while the same program's host libc
 * keeps its own `mmap`, `sigaction` and friends. The C names stay what they are on QNX:
 * the code compiled here cannot tell.
 */
#ifndef QNXSIM_SYS_PLATFORM_H
#define QNXSIM_SYS_PLATFORM_H

#include <qnxsim_profile.h>

#define QNXSIM_AS(name) __asm__("qnxsim_" #name)

/* Facts 7: names beyond ISO C need _QNX_SOURCE (trap 15). __EXT is qcc's gnu-mode default. */
#if defined(_QNX_SOURCE) || defined(__EXT)
#define QNXSIM_EXT 1
#else
#define QNXSIM_EXT 0
#endif

#define _Uint16t unsigned short
#define __BEGIN_DECLS
#define __END_DECLS

#endif
