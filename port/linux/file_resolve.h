/* port/linux/file_resolve.h - from a place to a directory descriptor and one name in it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PORT_LINUX_FILE_RESOLVE_H
#define WRT_PORT_LINUX_FILE_RESOLVE_H

#include "port_file.h"

#define WRT_LINUX_NAME_BYTES 256u /* NAME_MAX and the NUL */

/* Where a place ends. `name` is no symbolic link if the place follows (unless someone made
 * it one since: act on it without following), and never "..". */
struct wrt_linux_entry {
    int parent;
    bool owns_parent;     /* else it is the place's directory */
    bool is_dot;          /* the path ended in "." or "..": parent is the directory itself */
    bool wants_directory; /* the path ended in a slash */
    char name[WRT_LINUX_NAME_BYTES]; /* "." if is_dot */
};

enum wrt_errno wrt_linux_resolve(const struct wrt_port_place *place,
                                 struct wrt_linux_entry *out);
void wrt_linux_entry_close(struct wrt_linux_entry *entry);

/* The system's errno, as this header's numbers; IO for what is not in the list. */
enum wrt_errno wrt_linux_errno(int system_errno);

#endif
