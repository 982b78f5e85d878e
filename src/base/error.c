/* src/base/error.c - see error.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

WRT_PRINTF(3, 0)
static void fill(struct wrt_error *error, enum wrt_status status, const char *format,
                 va_list arguments)
{
    error->status = status;
    error->has_offset = false;
    error->byte_offset = 0;
    if (vsnprintf(error->text, sizeof error->text, format, arguments) < 0)
        error->text[0] = '\0';
}

enum wrt_status wrt_fail(struct wrt_error *error, enum wrt_status status,
                         const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return status;
    va_start(arguments, format);
    fill(error, status, format, arguments);
    va_end(arguments);
    return status;
}

enum wrt_status wrt_fail_at(struct wrt_error *error, enum wrt_status status,
                            uint64_t byte_offset, const char *format, ...)
{
    va_list arguments;

    if (error == NULL)
        return status;
    va_start(arguments, format);
    fill(error, status, format, arguments);
    va_end(arguments);
    error->has_offset = true;
    error->byte_offset = byte_offset;
    return status;
}
