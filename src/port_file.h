/* src/port_file.h - the part of the contract with an operating system that WASI needs:
 * files beneath directories, sockets, readiness, clocks. Goes with port.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Files, directories and sockets are the system's small integers; -1 is none. Nothing here
 * allocates from the C heap. Only wrt_port_file_open_root looks at a path of the host;
 * every other path is a `struct wrt_port_place` and never leads out of its directory:
 *
 *   F1  a step up (`..`) never leaves the directory it started from
 *   F2  absolute paths and absolute symbolic links are refused
 *   F3  links that the kernel makes up (/proc/self/fd) are not followed
 *   F4  F1 to F3 hold whatever others rename meanwhile
 *
 * A breach is WRT_ERRNO_NOTCAPABLE. Calls that make, remove or rename resolve the parent
 * that way and then act on its entry without following it. A trailing slash asks for a
 * directory.
 *
 * Calls block as long as the file system does; sockets, pipes and terminals only block in
 * wrt_port_poll, except for what CAVEATS says about inherited streams.
 */
#ifndef WRT_PORT_FILE_H
#define WRT_PORT_FILE_H

#include "wrt/base.h"

/* X(name, number): errors of this header. Names are POSIX's, numbers are those of WASI
 * preview 1, so that they reach the guest as they are. */
#define WRT_ERRNO_POSIX_LIST(X)                                                              \
    X(2BIG, 1) X(ACCES, 2) X(ADDRINUSE, 3) X(ADDRNOTAVAIL, 4) X(AFNOSUPPORT, 5) X(AGAIN, 6)  \
    X(ALREADY, 7) X(BADF, 8) X(BADMSG, 9) X(BUSY, 10) X(CANCELED, 11) X(CHILD, 12)           \
    X(CONNABORTED, 13) X(CONNREFUSED, 14) X(CONNRESET, 15) X(DEADLK, 16) X(DESTADDRREQ, 17)  \
    X(DOM, 18) X(DQUOT, 19) X(EXIST, 20) X(FAULT, 21) X(FBIG, 22) X(HOSTUNREACH, 23)         \
    X(IDRM, 24) X(ILSEQ, 25) X(INPROGRESS, 26) X(INTR, 27) X(INVAL, 28) X(IO, 29)            \
    X(ISCONN, 30) X(ISDIR, 31) X(LOOP, 32) X(MFILE, 33) X(MLINK, 34) X(MSGSIZE, 35)          \
    X(MULTIHOP, 36) X(NAMETOOLONG, 37) X(NETDOWN, 38) X(NETRESET, 39) X(NETUNREACH, 40)      \
    X(NFILE, 41) X(NOBUFS, 42) X(NODEV, 43) X(NOENT, 44) X(NOEXEC, 45) X(NOLCK, 46)          \
    X(NOLINK, 47) X(NOMEM, 48) X(NOMSG, 49) X(NOPROTOOPT, 50) X(NOSPC, 51) X(NOSYS, 52)      \
    X(NOTCONN, 53) X(NOTDIR, 54) X(NOTEMPTY, 55) X(NOTRECOVERABLE, 56) X(NOTSOCK, 57)        \
    X(NOTSUP, 58) X(NOTTY, 59) X(NXIO, 60) X(OVERFLOW, 61) X(OWNERDEAD, 62) X(PERM, 63)      \
    X(PIPE, 64) X(PROTO, 65) X(PROTONOSUPPORT, 66) X(PROTOTYPE, 67) X(RANGE, 68)             \
    X(ROFS, 69) X(SPIPE, 70) X(SRCH, 71) X(STALE, 72) X(TIMEDOUT, 73) X(TXTBSY, 74)          \
    X(XDEV, 75)

enum wrt_errno {
    WRT_ERRNO_OK = 0,
#define WRT_ERRNO_ENUM(name, number) WRT_ERRNO_##name = (number),
    WRT_ERRNO_POSIX_LIST(WRT_ERRNO_ENUM)
#undef WRT_ERRNO_ENUM
    WRT_ERRNO_NOTCAPABLE = 76 /* no right to that */
};

/* ------------------------------------------------------------------------ paths ---- */

#define WRT_PORT_PATH_BYTES 4096u /* of any path or link text, with its NUL */

enum wrt_port_resolver {
    WRT_PORT_RESOLVER_KERNEL, /* Linux: openat2(RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS) */
    WRT_PORT_RESOLVER_WALK    /* openat(O_NOFOLLOW) per component; at most 128 deep */
};

/* Does the running system have it? */
bool wrt_port_has_resolver(enum wrt_port_resolver resolver);

struct wrt_port_place {
    int directory;
    const char *path;  /* borrowed; relative, NUL-terminated; "" is NOENT */
    bool follow;       /* a symbolic link as last component is followed, at most 40 in all */
    enum wrt_port_resolver resolver;
};

/* ------------------------------------------------------------------------ files ---- */

enum wrt_port_open_flag {
    WRT_PORT_OPEN_READ = 1,
    WRT_PORT_OPEN_WRITE = 2,
    WRT_PORT_OPEN_CREATE = 4,
    WRT_PORT_OPEN_EXCLUSIVE = 8, /* with CREATE: EXIST if there is something */
    WRT_PORT_OPEN_TRUNCATE = 16,
    WRT_PORT_OPEN_DIRECTORY = 32, /* NOTDIR if it is something else */
    WRT_PORT_OPEN_APPEND = 64,
    WRT_PORT_OPEN_DATA_SYNC = 128,
    WRT_PORT_OPEN_READ_SYNC = 256,
    WRT_PORT_OPEN_SYNC = 512
};

/* Numbers of WASI preview 1. */
enum wrt_port_file_type {
    WRT_PORT_TYPE_UNKNOWN = 0,
    WRT_PORT_TYPE_BLOCK_DEVICE = 1,
    WRT_PORT_TYPE_CHARACTER_DEVICE = 2,
    WRT_PORT_TYPE_DIRECTORY = 3,
    WRT_PORT_TYPE_REGULAR = 4,
    WRT_PORT_TYPE_SOCKET_DATAGRAM = 5,
    WRT_PORT_TYPE_SOCKET_STREAM = 6,
    WRT_PORT_TYPE_SYMBOLIC_LINK = 7
};

struct wrt_port_file_status {
    uint64_t device, inode, link_count, size_bytes;
    uint64_t accessed_ns, modified_ns, changed_ns; /* since 1970; 0 for what lies before */
    enum wrt_port_file_type type; /* UNKNOWN for pipes: WASI has no word for them */
};

struct wrt_port_buffer {
    uint8_t *data; /* written by reads, only read by writes */
    size_t size_bytes;
};
#define WRT_PORT_MAX_BUFFERS 64u /* of one read or write */

/* Opens a directory of the host. The only call that takes a path as the host sees it. */
WRT_MUST_CHECK enum wrt_errno wrt_port_file_open_root(const char *host_path, int *out);

/* New files get 0666 less the process's mask. Never waits for the other end of a pipe:
 * what is not a regular file or a directory is opened non-blocking and stays so. */
WRT_MUST_CHECK enum wrt_errno
wrt_port_file_open(const struct wrt_port_place *place, unsigned flags, int *out);
void wrt_port_file_close(int file);

/* At the file's position. At most WRT_PORT_MAX_BUFFERS buffers; moves as much as goes in
 * one step; AGAIN or INTR if that is nothing. Reading 0 bytes is the end. */
WRT_MUST_CHECK enum wrt_errno wrt_port_file_read(int file, const struct wrt_port_buffer *buffers,
                                                 unsigned count, size_t *out_bytes);
WRT_MUST_CHECK enum wrt_errno wrt_port_file_write(int file, const struct wrt_port_buffer *buffers,
                                                  unsigned count, size_t *out_bytes);
/* The same to a pipe, a terminal or another device: at most 4096 bytes, so that one that
 * wrt_port_poll calls ready takes them without blocking; PIPE instead of a signal. */
WRT_MUST_CHECK enum wrt_errno wrt_port_stream_write(int file,
                                                    const struct wrt_port_buffer *buffers,
                                                    unsigned count, size_t *out_bytes);
/* At `offset`; the position stays. SPIPE where there is none. */
WRT_MUST_CHECK enum wrt_errno
wrt_port_file_read_at(int file, const struct wrt_port_buffer *buffers, unsigned count,
                      uint64_t offset, size_t *out_bytes);
WRT_MUST_CHECK enum wrt_errno
wrt_port_file_write_at(int file, const struct wrt_port_buffer *buffers, unsigned count,
                       uint64_t offset, size_t *out_bytes);

enum wrt_port_whence { WRT_PORT_SEEK_SET = 0, WRT_PORT_SEEK_CURRENT = 1, WRT_PORT_SEEK_END = 2 };
WRT_MUST_CHECK enum wrt_errno
wrt_port_file_seek(int file, int64_t offset, enum wrt_port_whence whence, uint64_t *out_offset);

WRT_MUST_CHECK enum wrt_errno wrt_port_file_stat(int file, struct wrt_port_file_status *out);
WRT_MUST_CHECK enum wrt_errno
wrt_port_file_stat_at(const struct wrt_port_place *place, struct wrt_port_file_status *out);

enum wrt_port_time_choice { WRT_PORT_TIME_KEEP = 0, WRT_PORT_TIME_SET, WRT_PORT_TIME_NOW };
struct wrt_port_file_times {
    enum wrt_port_time_choice accessed, modified;
    uint64_t accessed_ns, modified_ns; /* for SET; since 1970 */
};
WRT_MUST_CHECK enum wrt_errno
wrt_port_file_set_times(int file, const struct wrt_port_file_times *times);
WRT_MUST_CHECK enum wrt_errno wrt_port_file_set_times_at(const struct wrt_port_place *place,
                                                         const struct wrt_port_file_times *times);

WRT_MUST_CHECK enum wrt_errno wrt_port_file_set_size(int file, uint64_t size_bytes);
/* Makes room on the medium for [offset, offset + size) and the file at least that long. */
WRT_MUST_CHECK enum wrt_errno
wrt_port_file_allocate(int file, uint64_t offset, uint64_t size_bytes);

enum wrt_port_advice { /* numbers of WASI preview 1 */
    WRT_PORT_ADVICE_NORMAL = 0,
    WRT_PORT_ADVICE_SEQUENTIAL = 1,
    WRT_PORT_ADVICE_RANDOM = 2,
    WRT_PORT_ADVICE_WILL_NEED = 3,
    WRT_PORT_ADVICE_DONT_NEED = 4,
    WRT_PORT_ADVICE_NO_REUSE = 5
};
WRT_MUST_CHECK enum wrt_errno wrt_port_file_advise(int file, uint64_t offset, uint64_t size_bytes,
                                                   enum wrt_port_advice advice);
WRT_MUST_CHECK enum wrt_errno wrt_port_file_sync(int file, bool data_only);

/* Whether writes go to the end, whatever the position. */
WRT_MUST_CHECK enum wrt_errno wrt_port_file_get_append(int file, bool *out);
WRT_MUST_CHECK enum wrt_errno wrt_port_file_set_append(int file, bool append);

/* ------------------------------------------------------------------ directories ---- */

/* Fills `buffer` (at least 512 bytes, aligned to 8) with entries in the system's own form,
 * starting at `cookie`: 0 is the first entry, else one that an entry gave. 0 bytes: no more.
 * What a cookie means after the directory changed is the file system's affair. */
WRT_MUST_CHECK enum wrt_errno wrt_port_directory_read(int directory, uint64_t cookie,
                                                      void *buffer, size_t buffer_bytes,
                                                      size_t *out_bytes);

struct wrt_port_entry {
    uint64_t next_cookie;
    uint64_t inode; /* 0 for "..": it may lie outside */
    enum wrt_port_file_type type;
    const char *name; /* inside the buffer */
    size_t name_bytes;
};
/* The entry at *offset of a buffer filled above; moves *offset on. false: none is left. */
bool wrt_port_directory_next(const void *buffer, size_t filled_bytes, size_t *offset,
                             struct wrt_port_entry *out);

/* The last component is the entry that is acted on; "." and ".." there are INVAL (EXIST for
 * the calls that make something). */
WRT_MUST_CHECK enum wrt_errno wrt_port_directory_make(const struct wrt_port_place *place);
WRT_MUST_CHECK enum wrt_errno wrt_port_directory_remove(const struct wrt_port_place *place);
WRT_MUST_CHECK enum wrt_errno wrt_port_unlink(const struct wrt_port_place *place);
WRT_MUST_CHECK enum wrt_errno
wrt_port_rename(const struct wrt_port_place *from, const struct wrt_port_place *to);
/* A second name for a file; `existing` may follow. */
WRT_MUST_CHECK enum wrt_errno
wrt_port_link(const struct wrt_port_place *existing, const struct wrt_port_place *made);
/* A link with that text; an absolute text is NOTCAPABLE. */
WRT_MUST_CHECK enum wrt_errno
wrt_port_symlink(const char *text, const struct wrt_port_place *made);
/* As much of the text as fits, no NUL. */
WRT_MUST_CHECK enum wrt_errno wrt_port_read_link(const struct wrt_port_place *place, void *out,
                                                 size_t size_bytes, size_t *out_bytes);

/* ---------------------------------------------------------------------- sockets ---- */

/* NOTSOCK for anything else, in all of them. None blocks: AGAIN instead. */
WRT_MUST_CHECK enum wrt_errno wrt_port_socket_set_nonblocking(int socket);
WRT_MUST_CHECK enum wrt_errno wrt_port_socket_accept(int socket, int *out);
WRT_MUST_CHECK enum wrt_errno
wrt_port_socket_receive(int socket, const struct wrt_port_buffer *buffers, unsigned count,
                        bool peek, size_t *out_bytes, bool *out_truncated);
WRT_MUST_CHECK enum wrt_errno
wrt_port_socket_send(int socket, const struct wrt_port_buffer *buffers, unsigned count,
                     size_t *out_bytes);
WRT_MUST_CHECK enum wrt_errno wrt_port_socket_shutdown(int socket, bool read, bool write);

/* -------------------------------------------------------------------- readiness ---- */

enum wrt_port_poll_bit { /* of wanted and ready */
    WRT_PORT_POLL_READ = 1,
    WRT_PORT_POLL_WRITE = 2,
    WRT_PORT_POLL_HANGUP = 4, /* ready only */
    WRT_PORT_POLL_ERROR = 8   /* ready only */
};
struct wrt_port_poll {
    int file;
    uint8_t wanted, ready;
};
#define WRT_PORT_MAX_POLL 256u

/* Waits until one of the files is ready or timeout_ns passed; a signal may end it early.
 * Writes every `ready`. count may be 0. At most WRT_PORT_MAX_POLL. */
WRT_MUST_CHECK enum wrt_errno
wrt_port_poll(struct wrt_port_poll *items, unsigned count, uint64_t timeout_ns);

/* Bytes that a read would get at once. */
WRT_MUST_CHECK enum wrt_errno wrt_port_file_available(int file, uint64_t *out_bytes);

/* ----------------------------------------------------------------------- clocks ---- */

enum wrt_port_clock { /* numbers of WASI preview 1 */
    WRT_PORT_CLOCK_REALTIME = 0,
    WRT_PORT_CLOCK_MONOTONIC = 1,
    WRT_PORT_CLOCK_PROCESS_CPU = 2,
    WRT_PORT_CLOCK_THREAD_CPU = 3
};
WRT_MUST_CHECK enum wrt_errno wrt_port_clock_read(enum wrt_port_clock clock, uint64_t *out_ns);
WRT_MUST_CHECK enum wrt_errno
wrt_port_clock_resolution(enum wrt_port_clock clock, uint64_t *out_ns);

/* Lets other threads run. */
WRT_MUST_CHECK enum wrt_errno wrt_port_yield(void);

#endif
