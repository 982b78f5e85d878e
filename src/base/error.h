/* src/base/error.h - fill in a struct wrt_error and return its status, in one line.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     return wrt_fail(error, WRT_ERR_LIMIT, "table of %u elements, limit %u", n, most);
 */
#ifndef WRT_BASE_ERROR_H
#define WRT_BASE_ERROR_H

#include "wrt/base.h"

/* Writes status and text (cut to fit) into *error, if error is not NULL. Returns status. */
WRT_PRINTF(3, 4)
enum wrt_status wrt_fail(struct wrt_error *error, enum wrt_status status,
                         const char *format, ...);

/* The same for a fault at a byte of a module. */
WRT_PRINTF(4, 5)
enum wrt_status wrt_fail_at(struct wrt_error *error, enum wrt_status status,
                            uint64_t byte_offset, const char *format, ...);

#endif
