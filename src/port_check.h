/* src/port_check.h - what a port assumes of its system beyond port.h, as checks of its own.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The conventions of port.h hold here. src/tenant/system.c checks what port.h promises; these are
 * about how the port keeps the promises, which nothing above it can see.
 */
#ifndef WRT_PORT_CHECK_H
#define WRT_PORT_CHECK_H

#include "port.h"

struct wrt_port_check {
    const char *name;    /* what should be so; static */
    const char *feature; /* of the capability report; static; NULL: none */
    enum wrt_status (*run)(const char **why); /* *why: a static sentence, set when not OK */
};

/* Check number `index`; NULL past the last. Linux, "none": there are none. */
const struct wrt_port_check *wrt_port_get_check(uint32_t index);

#endif
