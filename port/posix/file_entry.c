/* port/posix/file_entry.c - what is done to a name in a directory: open, look, make, remove.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every call here resolves its places first (file_resolve.c) and then acts on the last name
 * without following it.
 */
#define _GNU_SOURCE
#define _QNX_SOURCE
#define _FILE_OFFSET_BITS 64
#include "file_resolve.h"
#include "file_status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum wrt_errno result_of(int returned)
{
    return returned < 0 ? wrt_posix_errno(errno) : WRT_ERRNO_OK;
}

/* NOTDIR if the path ended in a slash and the entry is something else. Another process may
 * change that at once; then the caller's own call decides. */
static enum wrt_errno check_slash(const struct wrt_posix_entry *entry)
{
    struct stat status;
    if (!entry->wants_directory)
        return WRT_ERRNO_OK;
    if (fstatat(entry->parent, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return wrt_posix_errno(errno);
    return S_ISDIR(status.st_mode) ? WRT_ERRNO_OK : WRT_ERRNO_NOTDIR;
}

/* ---- open ---- */

enum wrt_errno wrt_port_file_open_root(const char *host_path, int *out)
{
    int file = open(host_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return wrt_posix_errno(errno);
    *out = file;
    return WRT_ERRNO_OK;
}

static int system_open_flags(unsigned flags)
{
    static const struct {
        unsigned flag;
        int system;
    } map[] = {
        {WRT_PORT_OPEN_CREATE, O_CREAT},       {WRT_PORT_OPEN_EXCLUSIVE, O_EXCL},
        {WRT_PORT_OPEN_TRUNCATE, O_TRUNC},     {WRT_PORT_OPEN_DIRECTORY, O_DIRECTORY},
        {WRT_PORT_OPEN_APPEND, O_APPEND},      {WRT_PORT_OPEN_DATA_SYNC, O_DSYNC},
        {WRT_PORT_OPEN_READ_SYNC, O_RSYNC},    {WRT_PORT_OPEN_SYNC, O_SYNC},
    };
    unsigned access = flags & (WRT_PORT_OPEN_READ | WRT_PORT_OPEN_WRITE);
    int system = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    if (access == (WRT_PORT_OPEN_READ | WRT_PORT_OPEN_WRITE))
        system |= O_RDWR;
    else if (access == WRT_PORT_OPEN_WRITE)
        system |= O_WRONLY;
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (flags & map[i].flag)
            system |= map[i].system;
    return system;
}

enum wrt_errno wrt_port_file_open(const struct wrt_port_place *place, unsigned flags, int *out)
{
    struct wrt_port_place here = *place;
    struct wrt_posix_entry entry;
    if ((flags & WRT_PORT_OPEN_CREATE) && (flags & WRT_PORT_OPEN_DIRECTORY))
        return WRT_ERRNO_INVAL;
    if (flags & WRT_PORT_OPEN_EXCLUSIVE)
        here.follow = false; /* POSIX: a link is something that is there */
    enum wrt_errno error = wrt_posix_resolve(&here, &entry);
    if (error != WRT_ERRNO_OK)
        return error;
    if (entry.wants_directory && (flags & WRT_PORT_OPEN_CREATE))
        error = WRT_ERRNO_ISDIR;
    if (entry.wants_directory)
        flags |= WRT_PORT_OPEN_DIRECTORY;
    if (error == WRT_ERRNO_OK) {
        int file = openat(entry.parent, entry.name, system_open_flags(flags), 0666);
        error = result_of(file);
        if (error == WRT_ERRNO_OK)
            *out = file;
    }
    wrt_posix_entry_close(&entry);
    return error;
}

/* ---- look and touch ---- */

enum wrt_errno wrt_port_file_stat_at(const struct wrt_port_place *place,
                                     struct wrt_port_file_status *out)
{
    struct wrt_posix_entry entry;
    struct stat status;
    enum wrt_errno error = wrt_posix_resolve(place, &entry);
    if (error != WRT_ERRNO_OK)
        return error;
    error = result_of(fstatat(entry.parent, entry.name, &status, AT_SYMLINK_NOFOLLOW));
    wrt_posix_entry_close(&entry);
    if (error != WRT_ERRNO_OK)
        return error;
    if (entry.wants_directory && !S_ISDIR(status.st_mode))
        return WRT_ERRNO_NOTDIR;
    wrt_posix_status(&status, out);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_file_set_times_at(const struct wrt_port_place *place,
                                          const struct wrt_port_file_times *times)
{
    struct wrt_posix_entry entry;
    struct timespec pair[2];
    enum wrt_errno error = wrt_posix_times(times, pair);
    if (error == WRT_ERRNO_OK)
        error = wrt_posix_resolve(place, &entry);
    if (error != WRT_ERRNO_OK)
        return error;
    error = check_slash(&entry);
    if (error == WRT_ERRNO_OK)
        error = result_of(utimensat(entry.parent, entry.name, pair, AT_SYMLINK_NOFOLLOW));
    wrt_posix_entry_close(&entry);
    return error;
}

enum wrt_errno wrt_port_read_link(const struct wrt_port_place *place, void *out,
                                  size_t size_bytes, size_t *out_bytes)
{
    char text[WRT_PORT_PATH_BYTES];
    struct wrt_posix_entry entry;
    enum wrt_errno error = wrt_posix_resolve(place, &entry);
    if (error != WRT_ERRNO_OK)
        return error;
    error = entry.is_dot ? WRT_ERRNO_INVAL : check_slash(&entry);
    ssize_t got = 0;
    if (error == WRT_ERRNO_OK) {
        got = readlinkat(entry.parent, entry.name, text, sizeof text);
        error = got < 0 ? wrt_posix_errno(errno) : WRT_ERRNO_OK;
    }
    wrt_posix_entry_close(&entry);
    if (error != WRT_ERRNO_OK)
        return error;
    *out_bytes = (size_t)got < size_bytes ? (size_t)got : size_bytes;
    memcpy(out, text, *out_bytes);
    return WRT_ERRNO_OK;
}

/* ---- make and remove ---- */

enum wrt_errno wrt_port_directory_make(const struct wrt_port_place *place)
{
    struct wrt_posix_entry entry;
    enum wrt_errno error = wrt_posix_resolve(place, &entry);
    if (error != WRT_ERRNO_OK)
        return error;
    error = entry.is_dot ? WRT_ERRNO_EXIST
                         : result_of(mkdirat(entry.parent, entry.name, 0777));
    wrt_posix_entry_close(&entry);
    return error;
}

static enum wrt_errno remove_entry(const struct wrt_port_place *place, int flags)
{
    struct wrt_posix_entry entry;
    enum wrt_errno error = wrt_posix_resolve(place, &entry);
    if (error != WRT_ERRNO_OK)
        return error;
    error = entry.is_dot ? WRT_ERRNO_INVAL : check_slash(&entry);
    if (error == WRT_ERRNO_OK)
        error = result_of(unlinkat(entry.parent, entry.name, flags));
    wrt_posix_entry_close(&entry);
    return error;
}

enum wrt_errno wrt_port_directory_remove(const struct wrt_port_place *place)
{
    return remove_entry(place, AT_REMOVEDIR);
}

enum wrt_errno wrt_port_unlink(const struct wrt_port_place *place)
{
    return remove_entry(place, 0);
}

static enum wrt_errno rename_entries(struct wrt_posix_entry *from, struct wrt_posix_entry *to)
{
    if (from->is_dot || to->is_dot)
        return WRT_ERRNO_INVAL;
    from->wants_directory |= to->wants_directory;
    enum wrt_errno error = check_slash(from);
    if (error != WRT_ERRNO_OK)
        return error;
    return result_of(renameat(from->parent, from->name, to->parent, to->name));
}

/* A name that is about to be made may not end in a slash unless it becomes a directory. */
static enum wrt_errno check_new_name(const struct wrt_posix_entry *entry)
{
    struct stat status;
    if (entry->is_dot)
        return WRT_ERRNO_EXIST;
    if (!entry->wants_directory)
        return WRT_ERRNO_OK;
    if (fstatat(entry->parent, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return wrt_posix_errno(errno);
    return WRT_ERRNO_EXIST;
}

static enum wrt_errno link_entries(struct wrt_posix_entry *existing,
                                   struct wrt_posix_entry *made)
{
    if (existing->is_dot)
        return WRT_ERRNO_PERM; /* a directory */
    enum wrt_errno error = check_slash(existing);
    if (error == WRT_ERRNO_OK)
        error = check_new_name(made);
    if (error != WRT_ERRNO_OK)
        return error;
    return result_of(linkat(existing->parent, existing->name, made->parent, made->name, 0));
}

static enum wrt_errno with_two(const struct wrt_port_place *a, const struct wrt_port_place *b,
                               enum wrt_errno (*act)(struct wrt_posix_entry *,
                                                     struct wrt_posix_entry *))
{
    struct wrt_posix_entry first, second;
    enum wrt_errno error = wrt_posix_resolve(a, &first);
    if (error != WRT_ERRNO_OK)
        return error;
    error = wrt_posix_resolve(b, &second);
    if (error == WRT_ERRNO_OK) {
        error = act(&first, &second);
        wrt_posix_entry_close(&second);
    }
    wrt_posix_entry_close(&first);
    return error;
}

enum wrt_errno wrt_port_rename(const struct wrt_port_place *from, const struct wrt_port_place *to)
{
    return with_two(from, to, rename_entries);
}

enum wrt_errno wrt_port_link(const struct wrt_port_place *existing,
                             const struct wrt_port_place *made)
{
    return with_two(existing, made, link_entries);
}

enum wrt_errno wrt_port_symlink(const char *text, const struct wrt_port_place *made)
{
    struct wrt_posix_entry entry;
    if (text[0] == '/')
        return WRT_ERRNO_NOTCAPABLE;
    enum wrt_errno error = wrt_posix_resolve(made, &entry);
    if (error != WRT_ERRNO_OK)
        return error;
    error = check_new_name(&entry);
    if (error == WRT_ERRNO_OK)
        error = result_of(symlinkat(text, entry.parent, entry.name));
    wrt_posix_entry_close(&entry);
    return error;
}
