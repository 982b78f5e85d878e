/* port/linux/linux.h - shared by the files of this port.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PORT_LINUX_H
#define WRT_PORT_LINUX_H

#include "port.h"

/* The status for an errno value. */
enum wrt_status wrt_linux_to_status(int error_number);

/* Features that somebody asked for, for the capability report. */
enum wrt_linux_feature {
    WRT_LINUX_HUGE_PAGES,
    WRT_LINUX_NUMA,
    WRT_LINUX_LOCK,
    WRT_LINUX_PROBE,
    WRT_LINUX_OBJECTS,
    WRT_LINUX_FAULTS,
    WRT_LINUX_REALTIME,
    WRT_LINUX_PROCESSES,
    WRT_LINUX_LANDLOCK,
    WRT_LINUX_FEATURE_COUNT
};
void wrt_linux_note_requested(enum wrt_linux_feature feature);
bool wrt_linux_has_landlock(void);
void wrt_linux_note_active(enum wrt_linux_feature feature);

/* mmap's word for enum wrt_port_rights. */
int wrt_linux_protection(unsigned rights);

/* Has the kernel turned memory keys on? */
bool wrt_linux_has_keys(void);

/* Why memory of a cache colour cannot be had now; NULL: a huge page to cut it out of was just given. */
const char *wrt_linux_colours_missing(void);
bool wrt_linux_colours_requested(void), wrt_linux_colours_given(void); /* since the process started */

#endif
