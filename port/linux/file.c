/* port/linux/file.c - what Linux has beyond POSIX for open files, and directory entries.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#define _FILE_OFFSET_BITS 64
#include "../posix/file_resolve.h"
#include "../posix/file_status.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static enum wrt_errno result_of(int returned)
{
    return returned < 0 ? wrt_posix_errno(errno) : WRT_ERRNO_OK;
}

static enum wrt_errno moved(ssize_t returned, size_t *out_bytes)
{
    if (returned < 0)
        return wrt_posix_errno(errno);
    *out_bytes = (size_t)returned;
    return WRT_ERRNO_OK;
}

static int to_vectors(const struct wrt_port_buffer *buffers, unsigned count,
                      struct iovec vectors[WRT_PORT_MAX_BUFFERS])
{
    unsigned used = 0;
    for (; used < count && used < WRT_PORT_MAX_BUFFERS; used++)
        vectors[used] = (struct iovec){.iov_base = buffers[used].data,
                                       .iov_len = buffers[used].size_bytes};
    return (int)used;
}

enum wrt_errno wrt_port_file_read_at(int file, const struct wrt_port_buffer *buffers,
                                     unsigned count, uint64_t offset, size_t *out_bytes)
{
    struct iovec vectors[WRT_PORT_MAX_BUFFERS];
    if (offset > INT64_MAX)
        return WRT_ERRNO_INVAL;
    int used = to_vectors(buffers, count, vectors);
    return moved(preadv(file, vectors, used, (off_t)offset), out_bytes);
}

enum wrt_errno wrt_port_file_write_at(int file, const struct wrt_port_buffer *buffers,
                                      unsigned count, uint64_t offset, size_t *out_bytes)
{
    struct iovec vectors[WRT_PORT_MAX_BUFFERS];
    if (offset > INT64_MAX)
        return WRT_ERRNO_INVAL;
    int used = to_vectors(buffers, count, vectors);
    return moved(pwritev(file, vectors, used, (off_t)offset), out_bytes);
}

enum wrt_errno wrt_port_file_available(int file, uint64_t *out_bytes)
{
    struct stat status;
    if (fstat(file, &status) < 0)
        return wrt_posix_errno(errno);
    if (S_ISREG(status.st_mode)) { /* FIONREAD has only 32 bits for it */
        off_t position = lseek(file, 0, SEEK_CUR);
        *out_bytes = position < status.st_size ? (uint64_t)(status.st_size - position) : 0;
        return WRT_ERRNO_OK;
    }
    int available = 0;
    if (ioctl(file, FIONREAD, &available) < 0)
        return wrt_posix_errno(errno);
    *out_bytes = available > 0 ? (uint64_t)available : 0;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_file_allocate(int file, uint64_t offset, uint64_t size_bytes)
{
    if (size_bytes == 0 || offset > INT64_MAX || size_bytes > INT64_MAX)
        return WRT_ERRNO_INVAL;
    if (size_bytes > INT64_MAX - offset)
        return WRT_ERRNO_FBIG;
    return result_of(fallocate(file, 0, (off_t)offset, (off_t)size_bytes));
}

/* ---- directories ---- */

enum wrt_errno wrt_port_directory_read(int directory, uint64_t cookie, void *buffer,
                                       size_t buffer_bytes, size_t *out_bytes)
{
    if (cookie > INT64_MAX)
        return WRT_ERRNO_INVAL;
    if (lseek(directory, (off_t)cookie, SEEK_SET) < 0)
        return wrt_posix_errno(errno);
    return moved(syscall(SYS_getdents64, directory, buffer, buffer_bytes), out_bytes);
}

static enum wrt_port_file_type type_of_entry(uint8_t type)
{
    /* DT_* are the file type bits of st_mode, moved down. */
    return wrt_posix_file_type((mode_t)DTTOIF(type));
}

bool wrt_port_directory_next(const void *buffer, size_t filled_bytes, size_t *offset,
                             struct wrt_port_entry *out)
{
    struct { /* head of the kernel's struct linux_dirent64; the name follows at byte 19 */
        uint64_t inode;
        int64_t next;
        uint16_t record_bytes;
        uint8_t type;
    } head;
    const size_t head_bytes = 19;
    if (*offset >= filled_bytes || filled_bytes - *offset < head_bytes)
        return false;
    const char *record = (const char *)buffer + *offset;
    memcpy(&head, record, head_bytes);
    if (head.record_bytes < head_bytes || head.record_bytes > filled_bytes - *offset)
        return false;
    *offset += head.record_bytes;
    const char *name = record + head_bytes;
    *out = (struct wrt_port_entry){
        .next_cookie = (uint64_t)head.next,
        .inode = strcmp(name, "..") == 0 ? 0 : head.inode,
        .type = type_of_entry(head.type),
        .name = name,
        .name_bytes = strnlen(name, head.record_bytes - head_bytes),
    };
    return true;
}
