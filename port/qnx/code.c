/* port/qnx/code.c - loads no code: QNX maps shared objects from files only, which others could
 * write to after they were checked. Compiled modules are linked into the image.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"

enum wrt_status wrt_port_code_open(const void *bytes, size_t size_bytes, struct wrt_port_code *out)
{
    (void)bytes;
    (void)size_bytes;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_code_symbol(const struct wrt_port_code *code, const char *name,
                                     const void **out)
{
    (void)code;
    (void)name;
    (void)out;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_port_code_close(struct wrt_port_code *code)
{
    (void)code;
}
