/* port/none/file.c - the files, sockets and clocks of a system without any.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_file.h"

bool wrt_port_has_resolver(enum wrt_port_resolver resolver)
{
    (void)resolver;
    return false;
}

enum wrt_errno wrt_port_file_open_root(const char *host_path, int *out)
{
    (void)host_path;
    (void)out;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_open(const struct wrt_port_place *place, unsigned flags, int *out)
{
    (void)place;
    (void)flags;
    (void)out;
    return WRT_ERRNO_NOSYS;
}

void wrt_port_file_close(int file)
{
    (void)file;
}

enum wrt_errno wrt_port_file_read(int file, const struct wrt_port_buffer *buffers,
                                  unsigned count, size_t *out_bytes)
{
    (void)file;
    (void)buffers;
    (void)count;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_write(int file, const struct wrt_port_buffer *buffers,
                                   unsigned count, size_t *out_bytes)
{
    (void)file;
    (void)buffers;
    (void)count;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_stream_write(int file, const struct wrt_port_buffer *buffers,
                                     unsigned count, size_t *out_bytes)
{
    (void)file;
    (void)buffers;
    (void)count;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_read_at(int file, const struct wrt_port_buffer *buffers,
                                     unsigned count, uint64_t offset, size_t *out_bytes)
{
    (void)file;
    (void)buffers;
    (void)count;
    (void)offset;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_write_at(int file, const struct wrt_port_buffer *buffers,
                                      unsigned count, uint64_t offset, size_t *out_bytes)
{
    (void)file;
    (void)buffers;
    (void)count;
    (void)offset;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_seek(int file, int64_t offset, enum wrt_port_whence whence,
                                  uint64_t *out_offset)
{
    (void)file;
    (void)offset;
    (void)whence;
    (void)out_offset;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_stat(int file, struct wrt_port_file_status *out)
{
    (void)file;
    (void)out;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_stat_at(const struct wrt_port_place *place,
                                     struct wrt_port_file_status *out)
{
    (void)place;
    (void)out;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_set_times(int file, const struct wrt_port_file_times *times)
{
    (void)file;
    (void)times;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_set_times_at(const struct wrt_port_place *place,
                                          const struct wrt_port_file_times *times)
{
    (void)place;
    (void)times;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_set_size(int file, uint64_t size_bytes)
{
    (void)file;
    (void)size_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_allocate(int file, uint64_t offset, uint64_t size_bytes)
{
    (void)file;
    (void)offset;
    (void)size_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_advise(int file, uint64_t offset, uint64_t size_bytes,
                                    enum wrt_port_advice advice)
{
    (void)file;
    (void)offset;
    (void)size_bytes;
    (void)advice;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_sync(int file, bool data_only)
{
    (void)file;
    (void)data_only;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_get_append(int file, bool *out)
{
    (void)file;
    (void)out;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_set_append(int file, bool append)
{
    (void)file;
    (void)append;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_directory_read(int directory, uint64_t cookie, void *buffer,
                                       size_t buffer_bytes, size_t *out_bytes)
{
    (void)directory;
    (void)cookie;
    (void)buffer;
    (void)buffer_bytes;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

bool wrt_port_directory_next(const void *buffer, size_t filled_bytes, size_t *offset,
                             struct wrt_port_entry *out)
{
    (void)buffer;
    (void)filled_bytes;
    (void)offset;
    (void)out;
    return false;
}

enum wrt_errno wrt_port_directory_make(const struct wrt_port_place *place)
{
    (void)place;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_directory_remove(const struct wrt_port_place *place)
{
    (void)place;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_unlink(const struct wrt_port_place *place)
{
    (void)place;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_rename(const struct wrt_port_place *from,
                               const struct wrt_port_place *to)
{
    (void)from;
    (void)to;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_link(const struct wrt_port_place *existing,
                             const struct wrt_port_place *made)
{
    (void)existing;
    (void)made;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_symlink(const char *text, const struct wrt_port_place *made)
{
    (void)text;
    (void)made;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_read_link(const struct wrt_port_place *place, void *out,
                                  size_t size_bytes, size_t *out_bytes)
{
    (void)place;
    (void)out;
    (void)size_bytes;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_socket_set_nonblocking(int socket)
{
    (void)socket;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_socket_accept(int socket, int *out)
{
    (void)socket;
    (void)out;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_socket_receive(int socket, const struct wrt_port_buffer *buffers,
                                       unsigned count, bool peek, size_t *out_bytes,
                                       bool *out_truncated)
{
    (void)socket;
    (void)buffers;
    (void)count;
    (void)peek;
    (void)out_bytes;
    (void)out_truncated;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_socket_send(int socket, const struct wrt_port_buffer *buffers,
                                    unsigned count, size_t *out_bytes)
{
    (void)socket;
    (void)buffers;
    (void)count;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_socket_shutdown(int socket, bool read, bool write)
{
    (void)socket;
    (void)read;
    (void)write;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_poll(struct wrt_port_poll *items, unsigned count, uint64_t timeout_ns)
{
    (void)items;
    (void)count;
    (void)timeout_ns;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_file_available(int file, uint64_t *out_bytes)
{
    (void)file;
    (void)out_bytes;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_clock_read(enum wrt_port_clock clock, uint64_t *out_ns)
{
    (void)clock;
    (void)out_ns;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_clock_resolution(enum wrt_port_clock clock, uint64_t *out_ns)
{
    (void)clock;
    (void)out_ns;
    return WRT_ERRNO_NOSYS;
}

enum wrt_errno wrt_port_yield(void)
{
    return WRT_ERRNO_NOSYS;
}
