/* src/wasi/file.c - calls on open descriptors: data, position, status, flags, entries.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Files never wait. Streams and sockets wait in wrt_wasi_when_ready, which can be stopped.
 */
#include "base/bytes.h"
#include "wasi/state.h"

/* ---- reading and writing ---- */

typedef enum wrt_errno mover(int file, const struct wrt_port_buffer *buffers, unsigned count,
                             size_t *out_bytes);

static enum wrt_errno receive_plainly(int socket, const struct wrt_port_buffer *buffers,
                                      unsigned count, size_t *out_bytes)
{
    bool truncated;
    return wrt_port_socket_receive(socket, buffers, count, false, out_bytes, &truncated);
}

static mover *const readers[] = {
    [WASI_KIND_FILE] = wrt_port_file_read,
    [WASI_KIND_STREAM] = wrt_port_file_read,
    [WASI_KIND_SOCKET] = receive_plainly,
};
static mover *const writers[] = {
    [WASI_KIND_FILE] = wrt_port_file_write,
    [WASI_KIND_STREAM] = wrt_port_stream_write,
    [WASI_KIND_SOCKET] = wrt_port_socket_send,
};

struct moving {
    mover *const *movers; /* by kind */
    struct wasi_buffers buffers;
    size_t moved;
};

static enum wrt_errno move_once(const struct wasi_descriptor *descriptor, void *context)
{
    struct moving *moving = context;
    return moving->movers[descriptor->kind](descriptor->file, moving->buffers.item,
                                            moving->buffers.count, &moving->moved);
}

static enum wrt_errno move(struct wasi_call *call, uint64_t right, uint8_t wanted,
                           mover *const movers[])
{
    struct wasi_descriptor *descriptor;
    struct moving moving = {.movers = movers};
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), right, &descriptor);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_buffers(call, wasi_u32(call, 1), wasi_u32(call, 2), &moving.buffers);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 3), 4);
    if (!out)
        return WRT_ERRNO_FAULT;
    if (moving.buffers.count != 0)
        error = wrt_wasi_when_ready(call, descriptor, wanted, move_once, &moving);
    if (error != WRT_ERRNO_OK || call->outcome != WRT_OK)
        return error;
    wrt_wasi_charge(call, moving.moved);
    wrt_write_u32(out, (uint32_t)moving.moved);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_fd_read(struct wasi_call *call)
{
    return move(call, WASI_RIGHT_FD_READ, WRT_PORT_POLL_READ, readers);
}

enum wrt_errno wrt_wasi_fd_write(struct wasi_call *call)
{
    return move(call, WASI_RIGHT_FD_WRITE, WRT_PORT_POLL_WRITE, writers);
}

static enum wrt_errno move_at(struct wasi_call *call, uint64_t right,
                              enum wrt_errno (*act)(int, const struct wrt_port_buffer *, unsigned,
                                                    uint64_t, size_t *))
{
    struct wasi_descriptor *descriptor;
    struct wasi_buffers buffers;
    size_t moved = 0;
    enum wrt_errno error =
        wrt_wasi_find(call, wasi_u32(call, 0), right, &descriptor);
    if (error == WRT_ERRNO_OK && descriptor->kind != WASI_KIND_FILE)
        error = WRT_ERRNO_SPIPE;
    if (error == WRT_ERRNO_OK && !(descriptor->rights & WASI_RIGHT_FD_SEEK))
        error = WRT_ERRNO_NOTCAPABLE;
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_buffers(call, wasi_u32(call, 1), wasi_u32(call, 2), &buffers);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 4), 4);
    if (!out)
        return WRT_ERRNO_FAULT;
    if (buffers.count != 0)
        error = act(descriptor->file, buffers.item, buffers.count, wasi_u64(call, 3), &moved);
    if (error != WRT_ERRNO_OK)
        return error;
    wrt_wasi_charge(call, moved);
    wrt_write_u32(out, (uint32_t)moved);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_fd_pread(struct wasi_call *call)
{
    return move_at(call, WASI_RIGHT_FD_READ, wrt_port_file_read_at);
}

enum wrt_errno wrt_wasi_fd_pwrite(struct wasi_call *call)
{
    return move_at(call, WASI_RIGHT_FD_WRITE, wrt_port_file_write_at);
}

/* ---- position ---- */

static enum wrt_errno seek(struct wasi_call *call, uint64_t right, int64_t offset,
                           uint32_t whence, uint32_t out_address)
{
    struct wasi_descriptor *descriptor;
    uint64_t position;
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), 0, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    if (descriptor->kind == WASI_KIND_STREAM || descriptor->kind == WASI_KIND_SOCKET)
        return WRT_ERRNO_SPIPE;
    if (!(descriptor->rights & right))
        return WRT_ERRNO_NOTCAPABLE;
    uint8_t *out = wrt_wasi_span(call, out_address, 8);
    if (!out)
        return WRT_ERRNO_FAULT;
    if (whence > WRT_PORT_SEEK_END)
        return WRT_ERRNO_INVAL;
    error = wrt_port_file_seek(descriptor->file, offset, (enum wrt_port_whence)whence, &position);
    if (error == WRT_ERRNO_OK)
        wrt_write_u64(out, position);
    return error;
}

enum wrt_errno wrt_wasi_fd_seek(struct wasi_call *call)
{
    int64_t offset = (int64_t)wasi_u64(call, 1);
    uint32_t whence = wasi_u32(call, 2);
    bool only_asks = offset == 0 && whence == WRT_PORT_SEEK_CURRENT;
    uint64_t right = WASI_RIGHT_FD_SEEK | (only_asks ? WASI_RIGHT_FD_TELL : 0);
    return seek(call, right, offset, whence, wasi_u32(call, 3));
}

enum wrt_errno wrt_wasi_fd_tell(struct wasi_call *call)
{
    return seek(call, WASI_RIGHT_FD_TELL, 0, WRT_PORT_SEEK_CURRENT, wasi_u32(call, 1));
}

/* ---- flags and rights ---- */

enum wrt_errno wrt_wasi_fd_fdstat_get(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), 0, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 1), WASI_SIZE_FDSTAT);
    if (!out)
        return WRT_ERRNO_FAULT;
    wrt_fill(out, 0, WASI_SIZE_FDSTAT);
    out[0] = (uint8_t)descriptor->type;
    wrt_write_u16(out + 2, descriptor->flags);
    wrt_write_u64(out + 8, descriptor->rights);
    wrt_write_u64(out + 16, descriptor->inheriting);
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_fd_fdstat_set_flags(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    uint32_t flags = wasi_u32(call, 1);
    enum wrt_errno error =
        wrt_wasi_find(call, wasi_u32(call, 0), WASI_RIGHT_FD_FDSTAT_SET_FLAGS, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    if (flags & ~(uint32_t)WASI_FDFLAGS_ALL)
        return WRT_ERRNO_INVAL;
    uint32_t changed = flags ^ descriptor->flags;
    if (changed & ~(uint32_t)(WASI_FDFLAG_APPEND | WASI_FDFLAG_NONBLOCK))
        return WRT_ERRNO_NOTSUP; /* synchronous writing is chosen at open */
    if (changed & WASI_FDFLAG_APPEND) {
        if (!descriptor->is_owned || descriptor->kind != WASI_KIND_FILE)
            return WRT_ERRNO_NOTSUP; /* others share an inherited file's flags */
        error = wrt_port_file_set_append(descriptor->file, flags & WASI_FDFLAG_APPEND);
    }
    if (error == WRT_ERRNO_OK)
        descriptor->flags = (uint16_t)flags;
    return error;
}

enum wrt_errno wrt_wasi_fd_fdstat_set_rights(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    uint64_t rights = wasi_u64(call, 1), inheriting = wasi_u64(call, 2);
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), rights, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    if (inheriting & ~descriptor->inheriting)
        return WRT_ERRNO_NOTCAPABLE;
    descriptor->rights = rights;
    descriptor->inheriting = inheriting;
    return WRT_ERRNO_OK;
}

/* ---- status ---- */

void wrt_wasi_put_filestat(uint8_t *out, const struct wrt_port_file_status *status)
{
    wrt_fill(out, 0, WASI_SIZE_FILESTAT);
    wrt_write_u64(out, status->device);
    wrt_write_u64(out + 8, status->inode);
    out[16] = (uint8_t)status->type;
    wrt_write_u64(out + 24, status->link_count);
    wrt_write_u64(out + 32, status->size_bytes);
    wrt_write_u64(out + 40, status->accessed_ns);
    wrt_write_u64(out + 48, status->modified_ns);
    wrt_write_u64(out + 56, status->changed_ns);
}

enum wrt_errno wrt_wasi_fd_filestat_get(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    struct wrt_port_file_status status;
    enum wrt_errno error =
        wrt_wasi_find(call, wasi_u32(call, 0), WASI_RIGHT_FD_FILESTAT_GET, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 1), WASI_SIZE_FILESTAT);
    if (!out)
        return WRT_ERRNO_FAULT;
    error = wrt_port_file_stat(descriptor->file, &status);
    if (error == WRT_ERRNO_OK)
        wrt_wasi_put_filestat(out, &status);
    return error;
}

enum wrt_errno wrt_wasi_fd_filestat_set_size(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    enum wrt_errno error =
        wrt_wasi_find(call, wasi_u32(call, 0), WASI_RIGHT_FD_FILESTAT_SET_SIZE, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    return wrt_port_file_set_size(descriptor->file, wasi_u64(call, 1));
}

static enum wrt_errno choose_time(uint32_t flags, uint32_t set, uint32_t now,
                                  enum wrt_port_time_choice *out)
{
    if ((flags & set) && (flags & now))
        return WRT_ERRNO_INVAL;
    *out = flags & set   ? WRT_PORT_TIME_SET
           : flags & now ? WRT_PORT_TIME_NOW
                         : WRT_PORT_TIME_KEEP;
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_get_times(uint64_t accessed_ns, uint64_t modified_ns, uint32_t flags,
                                  struct wrt_port_file_times *out)
{
    *out = (struct wrt_port_file_times){.accessed_ns = accessed_ns, .modified_ns = modified_ns};
    if (flags & ~(uint32_t)WASI_FSTFLAGS_ALL)
        return WRT_ERRNO_INVAL;
    enum wrt_errno error =
        choose_time(flags, WASI_FSTFLAG_ATIM, WASI_FSTFLAG_ATIM_NOW, &out->accessed);
    if (error != WRT_ERRNO_OK)
        return error;
    return choose_time(flags, WASI_FSTFLAG_MTIM, WASI_FSTFLAG_MTIM_NOW, &out->modified);
}

enum wrt_errno wrt_wasi_fd_filestat_set_times(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    struct wrt_port_file_times times;
    enum wrt_errno error =
        wrt_wasi_find(call, wasi_u32(call, 0), WASI_RIGHT_FD_FILESTAT_SET_TIMES, &descriptor);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_get_times(wasi_u64(call, 1), wasi_u64(call, 2), wasi_u32(call, 3), &times);
    if (error != WRT_ERRNO_OK)
        return error;
    return wrt_port_file_set_times(descriptor->file, &times);
}

/* ---- the medium ---- */

static enum wrt_errno find_seekable(struct wasi_call *call, uint64_t right,
                                    struct wasi_descriptor **out)
{
    struct wasi_descriptor *any;
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), 0, &any);
    if (error != WRT_ERRNO_OK)
        return error;
    if (any->kind == WASI_KIND_STREAM || any->kind == WASI_KIND_SOCKET)
        return WRT_ERRNO_SPIPE;
    return wrt_wasi_find(call, wasi_u32(call, 0), right, out);
}

enum wrt_errno wrt_wasi_fd_advise(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    uint32_t advice = wasi_u32(call, 3);
    enum wrt_errno error = find_seekable(call, WASI_RIGHT_FD_ADVISE, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    if (advice > WRT_PORT_ADVICE_NO_REUSE)
        return WRT_ERRNO_INVAL;
    return wrt_port_file_advise(descriptor->file, wasi_u64(call, 1), wasi_u64(call, 2),
                                (enum wrt_port_advice)advice);
}

enum wrt_errno wrt_wasi_fd_allocate(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    enum wrt_errno error = find_seekable(call, WASI_RIGHT_FD_ALLOCATE, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    return wrt_port_file_allocate(descriptor->file, wasi_u64(call, 1), wasi_u64(call, 2));
}

static enum wrt_errno synchronize(struct wasi_call *call, uint64_t right, bool data_only)
{
    struct wasi_descriptor *descriptor;
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), right, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    return wrt_port_file_sync(descriptor->file, data_only);
}

enum wrt_errno wrt_wasi_fd_sync(struct wasi_call *call)
{
    return synchronize(call, WASI_RIGHT_FD_SYNC, false);
}

enum wrt_errno wrt_wasi_fd_datasync(struct wasi_call *call)
{
    return synchronize(call, WASI_RIGHT_FD_DATASYNC, true);
}

/* ---- the table ---- */

enum wrt_errno wrt_wasi_fd_close(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), 0, &descriptor);
    if (error == WRT_ERRNO_OK)
        wrt_wasi_release(descriptor);
    return error;
}

enum wrt_errno wrt_wasi_fd_renumber(struct wasi_call *call)
{
    struct wasi_descriptor *from, *to;
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), 0, &from);
    if (error == WRT_ERRNO_OK)
        error = wrt_wasi_find(call, wasi_u32(call, 1), 0, &to);
    if (error != WRT_ERRNO_OK || from == to)
        return error;
    wrt_wasi_release(to);
    *to = *from;
    *from = (struct wasi_descriptor){.kind = WASI_KIND_FREE};
    return WRT_ERRNO_OK;
}

static enum wrt_errno find_granted(struct wasi_call *call, const char **out_name)
{
    struct wasi_descriptor *descriptor;
    enum wrt_errno error = wrt_wasi_find(call, wasi_u32(call, 0), 0, &descriptor);
    if (error == WRT_ERRNO_OK && !descriptor->granted_name)
        error = WRT_ERRNO_BADF; /* this ends a guest libc's search for directories */
    if (error == WRT_ERRNO_OK)
        *out_name = descriptor->granted_name;
    return error;
}

enum wrt_errno wrt_wasi_fd_prestat_get(struct wasi_call *call)
{
    const char *name;
    enum wrt_errno error = find_granted(call, &name);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 1), WASI_SIZE_PRESTAT);
    if (!out)
        return WRT_ERRNO_FAULT;
    wrt_write_u32(out, 0); /* the only type: a directory */
    wrt_write_u32(out + 4, (uint32_t)strlen(name));
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_fd_prestat_dir_name(struct wasi_call *call)
{
    const char *name;
    uint32_t size_bytes = wasi_u32(call, 2);
    enum wrt_errno error = find_granted(call, &name);
    if (error != WRT_ERRNO_OK)
        return error;
    uint8_t *out = wrt_wasi_span(call, wasi_u32(call, 1), size_bytes);
    if (!out)
        return WRT_ERRNO_FAULT;
    size_t name_bytes = strlen(name);
    if (size_bytes < name_bytes)
        return WRT_ERRNO_NAMETOOLONG;
    wrt_copy(out, name, name_bytes);
    return WRT_ERRNO_OK;
}

/* ---- entries of a directory ---- */

/* The guest's buffer, filled until it is full: less means the end of the directory. */
struct listing {
    uint8_t *out;
    uint32_t size_bytes, used_bytes;
};

static void list_bytes(struct listing *listing, const void *bytes, size_t size_bytes)
{
    uint32_t room = listing->size_bytes - listing->used_bytes;
    uint32_t step = size_bytes < room ? (uint32_t)size_bytes : room;
    wrt_copy(listing->out + listing->used_bytes, bytes, step);
    listing->used_bytes += step;
}

static void list_entry(struct listing *listing, const struct wrt_port_entry *entry)
{
    uint8_t head[WASI_SIZE_DIRENT] = {0};
    wrt_write_u64(head, entry->next_cookie);
    wrt_write_u64(head + 8, entry->inode);
    wrt_write_u32(head + 16, (uint32_t)entry->name_bytes);
    head[20] = (uint8_t)entry->type;
    list_bytes(listing, head, sizeof head);
    list_bytes(listing, entry->name, entry->name_bytes);
}

/* One bufferful of the host's. *cookie moves on; *is_end if there was none. */
static enum wrt_errno list_some(struct wrt_wasi *wasi, int directory, struct listing *listing,
                                uint64_t *cookie, bool *is_end)
{
    struct wrt_port_entry entry;
    size_t filled, offset = 0;
    enum wrt_errno error = wrt_port_directory_read(directory, *cookie, wasi->directory,
                                                   sizeof wasi->directory, &filled);
    if (error != WRT_ERRNO_OK)
        return error;
    *is_end = filled == 0;
    while (listing->used_bytes < listing->size_bytes &&
           wrt_port_directory_next(wasi->directory, filled, &offset, &entry)) {
        list_entry(listing, &entry);
        *cookie = entry.next_cookie;
    }
    return WRT_ERRNO_OK;
}

enum wrt_errno wrt_wasi_fd_readdir(struct wasi_call *call)
{
    struct wasi_descriptor *descriptor;
    struct listing listing = {.size_bytes = wasi_u32(call, 2)};
    uint64_t cookie = wasi_u64(call, 3);
    bool is_end = false;
    enum wrt_errno error =
        wrt_wasi_find_kind(call, wasi_u32(call, 0), WASI_KIND_DIRECTORY, WRT_ERRNO_NOTDIR,
                           WASI_RIGHT_FD_READDIR, &descriptor);
    if (error != WRT_ERRNO_OK)
        return error;
    listing.out = wrt_wasi_span(call, wasi_u32(call, 1), listing.size_bytes);
    uint8_t *out_used = wrt_wasi_span(call, wasi_u32(call, 4), 4);
    if (!listing.out || !out_used)
        return WRT_ERRNO_FAULT;
    while (error == WRT_ERRNO_OK && !is_end && listing.used_bytes < listing.size_bytes) {
        if (listing.used_bytes != 0 && wrt_caller_should_stop(call->caller)) {
            call->outcome = WRT_PAUSED; /* a directory has no bound; resuming starts over */
            return WRT_ERRNO_OK;
        }
        error = list_some(call->wasi, descriptor->file, &listing, &cookie, &is_end);
    }
    if (error != WRT_ERRNO_OK)
        return error;
    wrt_wasi_charge(call, listing.used_bytes);
    wrt_write_u32(out_used, listing.used_bytes);
    return WRT_ERRNO_OK;
}
