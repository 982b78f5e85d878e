/* port/qnx/file.c - positioned vectors and directory entries with POSIX.1-2008 alone.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where Linux has more, this does with less: positioned reads and writes move one buffer at
 * a time, and directories are read through the C library's
 * streams, which allocate (the one exception to port_file.h) and are skipped through again
 * on each call: O(entries) for a call, so O(n * n / buffer) for a large directory.
 */
#include "qnx.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../posix/file_resolve.h"
#include "../posix/file_status.h"

const int wrt_posix_directory_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

bool wrt_posix_has_beneath(void)
{
    return false;
}

enum wrt_errno wrt_posix_open_beneath(int directory, const char *path, int *out)
{
    (void)directory;
    (void)path;
    (void)out;
    return WRT_ERRNO_AGAIN; /* the walk does it */
}

/* Buffer after buffer; ends early at the first that is not moved whole. */
static enum wrt_errno move_at(int file, const struct wrt_port_buffer *buffers, unsigned count,
                              uint64_t offset, bool is_write, size_t *out_bytes)
{
    size_t total = 0;
    if (offset > INT64_MAX)
        return WRT_ERRNO_INVAL;
    for (unsigned i = 0; i < count && i < WRT_PORT_MAX_BUFFERS; i++) {
        const struct wrt_port_buffer *at = &buffers[i];
        off_t position = (off_t)(offset + total);
        ssize_t done = is_write ? pwrite(file, at->data, at->size_bytes, position)
                                : pread(file, at->data, at->size_bytes, position);
        if (done < 0 && total == 0)
            return wrt_posix_errno(errno);
        if (done < 0)
            break;
        total += (size_t)done;
        if ((size_t)done < at->size_bytes)
            break;
    }
    *out_bytes = total;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_file_read_at(int file, const struct wrt_port_buffer *buffers,
                                     unsigned count, uint64_t offset, size_t *out_bytes)
{
    return move_at(file, buffers, count, offset, false, out_bytes);
}

enum wrt_errno wrt_port_file_write_at(int file, const struct wrt_port_buffer *buffers,
                                      unsigned count, uint64_t offset, size_t *out_bytes)
{
    return move_at(file, buffers, count, offset, true, out_bytes);
}

enum wrt_errno wrt_port_file_available(int file, uint64_t *out_bytes)
{
    struct stat status;
    if (fstat(file, &status) < 0)
        return wrt_posix_errno(errno);
    if (!S_ISREG(status.st_mode)) /* POSIX has no call that tells */
        return WRT_ERRNO_NOTSUP;
    off_t position = lseek(file, 0, SEEK_CUR);
    *out_bytes = position < status.st_size ? (uint64_t)(status.st_size - position) : 0;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_file_allocate(int file, uint64_t offset, uint64_t size_bytes)
{
    if (size_bytes == 0 || offset > INT64_MAX || size_bytes > INT64_MAX)
        return WRT_ERRNO_INVAL;
    if (size_bytes > INT64_MAX - offset)
        return WRT_ERRNO_FBIG;
    return wrt_posix_errno(posix_fallocate(file, (off_t)offset, (off_t)size_bytes));
}

/* ---- directories ---- */

/* A record of ours in the caller's buffer, its name behind it, padded to 8 bytes. */
struct record {
    uint64_t next_cookie;
    uint64_t inode;
    uint16_t record_bytes;
    uint16_t name_bytes;
    uint32_t type;
};

static enum wrt_port_file_type type_of_entry(int directory, const char *name)
{
    struct stat status; /* entries do not carry their type */
    if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
        return WRT_PORT_TYPE_UNKNOWN;
    return wrt_posix_file_type(status.st_mode);
}

/* false: it does not fit any more. */
static bool put_record(int directory, const struct dirent *entry, uint64_t next_cookie,
                       uint8_t *buffer, size_t buffer_bytes, size_t *filled)
{
    size_t name_bytes = strlen(entry->d_name);
    size_t record_bytes = (sizeof(struct record) + name_bytes + 1 + 7) & ~(size_t)7;
    if (record_bytes > buffer_bytes - *filled)
        return false;
    struct record record = {
        .next_cookie = next_cookie,
        .inode = strcmp(entry->d_name, "..") == 0 ? 0 : (uint64_t)entry->d_ino,
        .record_bytes = (uint16_t)record_bytes,
        .name_bytes = (uint16_t)name_bytes,
        .type = (uint32_t)type_of_entry(directory, entry->d_name),
    };
    memcpy(buffer + *filled, &record, sizeof record);
    memcpy(buffer + *filled + sizeof record, entry->d_name, name_bytes + 1);
    *filled += record_bytes;
    return true;
}

/* A cookie is the number of entries before it. */
static enum wrt_errno fill(DIR *stream, int directory, uint64_t cookie, uint8_t *buffer,
                           size_t buffer_bytes, size_t *out_bytes)
{
    size_t filled = 0;
    const struct dirent *entry = NULL;
    errno = 0;
    for (uint64_t at = 0; (entry = readdir(stream)) != NULL; at++) {
        if (at >= cookie &&
            !put_record(directory, entry, at + 1, buffer, buffer_bytes, &filled))
            break;
    }
    if (entry == NULL && errno != 0 && filled == 0)
        return wrt_posix_errno(errno);
    *out_bytes = filled;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_directory_read(int directory, uint64_t cookie, void *buffer,
                                       size_t buffer_bytes, size_t *out_bytes)
{
    if (cookie > INT64_MAX)
        return WRT_ERRNO_INVAL;
    int own = openat(directory, ".", wrt_posix_directory_flags); /* a position of its own */
    if (own < 0)
        return wrt_posix_errno(errno);
    DIR *stream = fdopendir(own);
    if (stream == NULL) {
        enum wrt_errno error = wrt_posix_errno(errno);
        (void)close(own);
        return error;
    }
    enum wrt_errno error = fill(stream, directory, cookie, buffer, buffer_bytes, out_bytes);
    (void)closedir(stream); /* closes `own` */
    return error;
}

bool wrt_port_directory_next(const void *buffer, size_t filled_bytes, size_t *offset,
                             struct wrt_port_entry *out)
{
    struct record record;
    if (*offset >= filled_bytes || filled_bytes - *offset < sizeof record)
        return false;
    const char *at = (const char *)buffer + *offset;
    memcpy(&record, at, sizeof record);
    if (record.record_bytes < sizeof record || record.record_bytes > filled_bytes - *offset ||
        record.name_bytes >= record.record_bytes - sizeof record)
        return false;
    *offset += record.record_bytes;
    *out = (struct wrt_port_entry){
        .next_cookie = record.next_cookie,
        .inode = record.inode,
        .type = (enum wrt_port_file_type)record.type,
        .name = at + sizeof record,
        .name_bytes = record.name_bytes,
    };
    return true;
}
