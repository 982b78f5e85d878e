/* port/posix/file_data.c - open files: data, position, size, times.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Offsets and sizes of guests are unsigned 64-bit numbers, the system's are signed: what
 * does not fit is refused before the system sees it. What POSIX.1-2008 has no call for is in
 * each port's own file.c: positioned vectors, bytes that wait, allocation, directories.
 */
#define _GNU_SOURCE
#define _QNX_SOURCE
#define _FILE_OFFSET_BITS 64
#include "file_resolve.h"
#include "file_status.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define STREAM_STEP_BYTES 4096u /* what a pipe that poll calls writable takes whole */
#define NANOSECONDS 1000000000u

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

void wrt_port_file_close(int file)
{
    close(file);
}

/* ---- data ---- */

/* Returns how many of `vectors` are used; no more than most_bytes in all. */
static int to_vectors(const struct wrt_port_buffer *buffers, unsigned count, size_t most_bytes,
                      struct iovec vectors[WRT_PORT_MAX_BUFFERS])
{
    unsigned used = 0;
    for (; used < count && used < WRT_PORT_MAX_BUFFERS && most_bytes > 0; used++) {
        size_t size = buffers[used].size_bytes < most_bytes ? buffers[used].size_bytes
                                                            : most_bytes;
        vectors[used] = (struct iovec){.iov_base = buffers[used].data, .iov_len = size};
        most_bytes -= size;
    }
    return (int)used;
}

enum wrt_errno wrt_port_file_read(int file, const struct wrt_port_buffer *buffers,
                                  unsigned count, size_t *out_bytes)
{
    struct iovec vectors[WRT_PORT_MAX_BUFFERS];
    int used = to_vectors(buffers, count, SIZE_MAX, vectors);
    return moved(readv(file, vectors, used), out_bytes);
}

enum wrt_errno wrt_port_file_write(int file, const struct wrt_port_buffer *buffers,
                                   unsigned count, size_t *out_bytes)
{
    struct iovec vectors[WRT_PORT_MAX_BUFFERS];
    int used = to_vectors(buffers, count, SIZE_MAX, vectors);
    return moved(writev(file, vectors, used), out_bytes);
}

/* The signal goes to this thread, at once: blocked during the write and taken back, unless
 * one was waiting already. */
enum wrt_errno wrt_port_stream_write(int file, const struct wrt_port_buffer *buffers,
                                     unsigned count, size_t *out_bytes)
{
    struct iovec vectors[WRT_PORT_MAX_BUFFERS];
    int used = to_vectors(buffers, count, STREAM_STEP_BYTES, vectors);
    sigset_t pipe_signal, before, pending;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    enum wrt_errno error = moved(writev(file, vectors, used), out_bytes);
    if (error == WRT_ERRNO_PIPE && !sigismember(&pending, SIGPIPE)) {
        const struct timespec none = {0};
        while (sigtimedwait(&pipe_signal, NULL, &none) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

enum wrt_errno wrt_port_file_seek(int file, int64_t offset, enum wrt_port_whence whence,
                                  uint64_t *out_offset)
{
    static const int system_whence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
    off_t wanted = (off_t)offset; /* 32 bits in 32-bit programs */
    if (wanted != offset)
        return WRT_ERRNO_OVERFLOW;
    off_t position = lseek(file, wanted, system_whence[whence]);
    if (position < 0)
        return wrt_posix_errno(errno);
    *out_offset = (uint64_t)position;
    return WRT_ERRNO_OK;
}

/* ---- what it is ---- */

enum wrt_port_file_type wrt_posix_file_type(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFBLK:
        return WRT_PORT_TYPE_BLOCK_DEVICE;
    case S_IFCHR:
        return WRT_PORT_TYPE_CHARACTER_DEVICE;
    case S_IFDIR:
        return WRT_PORT_TYPE_DIRECTORY;
    case S_IFREG:
        return WRT_PORT_TYPE_REGULAR;
    case S_IFLNK:
        return WRT_PORT_TYPE_SYMBOLIC_LINK;
    case S_IFSOCK:
        return WRT_PORT_TYPE_SOCKET_STREAM;
    default:
        return WRT_PORT_TYPE_UNKNOWN;
    }
}

static uint64_t nanoseconds_of(struct timespec time)
{
    uint64_t seconds = time.tv_sec < 0 ? 0 : (uint64_t)time.tv_sec, total;
    if (time.tv_sec < 0)
        return 0;
    if (__builtin_mul_overflow(seconds, (uint64_t)NANOSECONDS, &total) ||
        __builtin_add_overflow(total, (uint64_t)time.tv_nsec, &total))
        return UINT64_MAX;
    return total;
}

void wrt_posix_status(const struct stat *status, struct wrt_port_file_status *out)
{
    *out = (struct wrt_port_file_status){
        .device = status->st_dev,
        .inode = status->st_ino,
        .link_count = status->st_nlink,
        .size_bytes = status->st_size < 0 ? 0 : (uint64_t)status->st_size,
        .accessed_ns = nanoseconds_of(status->st_atim),
        .modified_ns = nanoseconds_of(status->st_mtim),
        .changed_ns = nanoseconds_of(status->st_ctim),
        .type = wrt_posix_file_type(status->st_mode),
    };
}

enum wrt_errno wrt_port_file_stat(int file, struct wrt_port_file_status *out)
{
    struct stat status;
    int kind;
    socklen_t kind_bytes = sizeof kind;
    if (fstat(file, &status) < 0)
        return wrt_posix_errno(errno);
    wrt_posix_status(&status, out);
    if (S_ISSOCK(status.st_mode) &&
        getsockopt(file, SOL_SOCKET, SO_TYPE, &kind, &kind_bytes) == 0 && kind == SOCK_DGRAM)
        out->type = WRT_PORT_TYPE_SOCKET_DATAGRAM;
    return WRT_ERRNO_OK;
}

/* ---- what can be changed ---- */

static enum wrt_errno to_timespec(enum wrt_port_time_choice choice, uint64_t time_ns,
                                  struct timespec *out)
{
    uint64_t seconds = time_ns / NANOSECONDS;
    switch (choice) {
    case WRT_PORT_TIME_KEEP:
        *out = (struct timespec){.tv_nsec = UTIME_OMIT};
        return WRT_ERRNO_OK;
    case WRT_PORT_TIME_NOW:
        *out = (struct timespec){.tv_nsec = UTIME_NOW};
        return WRT_ERRNO_OK;
    case WRT_PORT_TIME_SET:
        break;
    }
    *out = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)(time_ns % NANOSECONDS)};
    return (uint64_t)out->tv_sec == seconds ? WRT_ERRNO_OK : WRT_ERRNO_OVERFLOW;
}

enum wrt_errno wrt_posix_times(const struct wrt_port_file_times *times, struct timespec out[2])
{
    enum wrt_errno error = to_timespec(times->accessed, times->accessed_ns, &out[0]);
    if (error != WRT_ERRNO_OK)
        return error;
    return to_timespec(times->modified, times->modified_ns, &out[1]);
}

enum wrt_errno wrt_port_file_set_times(int file, const struct wrt_port_file_times *times)
{
    struct timespec pair[2];
    enum wrt_errno error = wrt_posix_times(times, pair);
    return error != WRT_ERRNO_OK ? error : result_of(futimens(file, pair));
}

enum wrt_errno wrt_port_file_set_size(int file, uint64_t size_bytes)
{
    if (size_bytes > INT64_MAX)
        return WRT_ERRNO_INVAL;
    return result_of(ftruncate(file, (off_t)size_bytes));
}

enum wrt_errno wrt_port_file_advise(int file, uint64_t offset, uint64_t size_bytes,
                                    enum wrt_port_advice advice)
{
    static const int system_advice[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL,
                                        POSIX_FADV_RANDOM,   POSIX_FADV_WILLNEED,
                                        POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE};
    if (offset > INT64_MAX || size_bytes > INT64_MAX - offset)
        return WRT_ERRNO_INVAL;
    return wrt_posix_errno(
        posix_fadvise(file, (off_t)offset, (off_t)size_bytes, system_advice[advice]));
}

enum wrt_errno wrt_port_file_sync(int file, bool data_only)
{
    return result_of(data_only ? fdatasync(file) : fsync(file));
}

enum wrt_errno wrt_port_file_get_append(int file, bool *out)
{
    int flags = fcntl(file, F_GETFL);
    if (flags < 0)
        return wrt_posix_errno(errno);
    *out = (flags & O_APPEND) != 0;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_port_file_set_append(int file, bool append)
{
    int flags = fcntl(file, F_GETFL);
    if (flags < 0)
        return wrt_posix_errno(errno);
    return result_of(fcntl(file, F_SETFL, append ? flags | O_APPEND : flags & ~O_APPEND));
}
