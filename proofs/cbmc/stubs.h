/* proofs/cbmc/stubs.h - stands in for what a proof is not about: texts.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STUBS_H
#define STUBS_H

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "port.h"
#include "proof.h"

/* An error's text is not looked at. */
enum wrt_status wrt_fail(struct wrt_error *error, enum wrt_status status, const char *format, ...)
{
    (void)error;
    (void)format;
    return status;
}

enum wrt_status wrt_port_mutex_lock(struct wrt_port_mutex *mutex)
{
    (void)mutex;
    return WRT_OK;
}

void wrt_port_mutex_unlock(struct wrt_port_mutex *mutex)
{
    (void)mutex;
}

/* Any text that fits. */
int vsnprintf(char *to, size_t size_bytes, const char *format, va_list arguments)
{
    (void)format;
    (void)arguments;
    if (size_bytes > 0) {
        __CPROVER_havoc_slice(to, size_bytes);
        to[size_bytes - 1] = 0;
    }
    return (int)any_below(1000);
}

#endif
