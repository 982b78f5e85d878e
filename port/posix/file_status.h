/* port/posix/file_status.h - struct stat and struct timespec in the port's own terms.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PORT_POSIX_FILE_STATUS_H
#define WRT_PORT_POSIX_FILE_STATUS_H

#include "port_file.h"

#include <sys/stat.h>
#include <time.h>

/* A socket's type is not in its stat: stream, until wrt_port_file_stat asks it. */
void wrt_posix_status(const struct stat *status, struct wrt_port_file_status *out);

/* A mode's type; for a socket the same as above. */
enum wrt_port_file_type wrt_posix_file_type(mode_t mode);

/* [0] access, [1] modification, as utimensat takes them. */
enum wrt_errno wrt_posix_times(const struct wrt_port_file_times *times, struct timespec out[2]);

#endif
