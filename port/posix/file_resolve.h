/* port/posix/file_resolve.h - from a place to a directory descriptor and one name in it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_PORT_POSIX_FILE_RESOLVE_H
#define WRT_PORT_POSIX_FILE_RESOLVE_H

#include "port_file.h"

#define WRT_POSIX_NAME_BYTES 256u /* NAME_MAX and the NUL */

/* Where a place ends. `name` is no symbolic link if the place follows (unless someone made
 * it one since: act on it without following), and never "..". */
struct wrt_posix_entry {
    int parent;
    bool owns_parent;     /* else it is the place's directory */
    bool is_dot;          /* the path ended in "." or "..": parent is the directory itself */
    bool wants_directory; /* the path ended in a slash */
    char name[WRT_POSIX_NAME_BYTES]; /* "." if is_dot */
};

enum wrt_errno wrt_posix_resolve(const struct wrt_port_place *place,
                                 struct wrt_posix_entry *out);
void wrt_posix_entry_close(struct wrt_posix_entry *entry);

/* ---- what each port supplies ---- */

/* How directories on the way are opened: O_DIRECTORY | O_CLOEXEC and the least access. */
extern const int wrt_posix_directory_flags;
/* A system call that resolves beneath a directory and never leaves it; AGAIN: try the walk. */
bool wrt_posix_has_beneath(void);
enum wrt_errno wrt_posix_open_beneath(int directory, const char *path, int *out);

/* ---- shared ---- */

/* The system's errno, as this header's numbers; IO for what is not in the list. */
enum wrt_errno wrt_posix_errno(int system_errno);

#endif
