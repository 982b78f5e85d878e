/* engine/native_switch.h - from one stack to another.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_ENGINE_NATIVE_SWITCH_H
#define WRT_ENGINE_NATIVE_SWITCH_H

#include <stdbool.h>

#if defined(__x86_64__) || defined(__aarch64__)
#define WRT_NATIVE_CAN_SWITCH 1
#else
#define WRT_NATIVE_CAN_SWITCH 0
#endif

/* Keeps what a callee must keep on the current stack, and where that stands in *from; goes on
 * where `to` was left. Returns when somebody switches back. */
void wrt_native_switch(void **from, void *to);

/* Has this thread a shadow stack (x86)? Then a return on another stack than the call's faults, so
 * there must be no switch. */
bool wrt_native_has_shadow_stack(void);

/* A stack below `top` (aligned to 64 bytes) that calls begin(context), which never returns. */
void *wrt_native_new_stack(void *top, void (*begin)(void *), void *context);

#endif
