/* src/wasi/abi.h - numbers and layouts of WASI preview 1 as a 32-bit guest sees them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Error numbers and file types are those of port_file.h. Offsets are bytes in guest memory,
 * little-endian, at any alignment.
 */
#ifndef WRT_WASI_ABI_H
#define WRT_WASI_ABI_H

#include <stdint.h>

enum {
    WASI_SIZE_FDSTAT = 24,
    WASI_SIZE_FILESTAT = 64,
    WASI_SIZE_PRESTAT = 8,
    WASI_SIZE_DIRENT = 24,
    WASI_SIZE_IOVEC = 8,
    WASI_SIZE_SUBSCRIPTION = 48,
    WASI_SIZE_EVENT = 32
};

#define WASI_RIGHT(bit) (UINT64_C(1) << (bit))
#define WASI_RIGHT_FD_DATASYNC WASI_RIGHT(0)
#define WASI_RIGHT_FD_READ WASI_RIGHT(1)
#define WASI_RIGHT_FD_SEEK WASI_RIGHT(2)
#define WASI_RIGHT_FD_FDSTAT_SET_FLAGS WASI_RIGHT(3)
#define WASI_RIGHT_FD_SYNC WASI_RIGHT(4)
#define WASI_RIGHT_FD_TELL WASI_RIGHT(5)
#define WASI_RIGHT_FD_WRITE WASI_RIGHT(6)
#define WASI_RIGHT_FD_ADVISE WASI_RIGHT(7)
#define WASI_RIGHT_FD_ALLOCATE WASI_RIGHT(8)
#define WASI_RIGHT_PATH_CREATE_DIRECTORY WASI_RIGHT(9)
#define WASI_RIGHT_PATH_CREATE_FILE WASI_RIGHT(10)
#define WASI_RIGHT_PATH_LINK_SOURCE WASI_RIGHT(11)
#define WASI_RIGHT_PATH_LINK_TARGET WASI_RIGHT(12)
#define WASI_RIGHT_PATH_OPEN WASI_RIGHT(13)
#define WASI_RIGHT_FD_READDIR WASI_RIGHT(14)
#define WASI_RIGHT_PATH_READLINK WASI_RIGHT(15)
#define WASI_RIGHT_PATH_RENAME_SOURCE WASI_RIGHT(16)
#define WASI_RIGHT_PATH_RENAME_TARGET WASI_RIGHT(17)
#define WASI_RIGHT_PATH_FILESTAT_GET WASI_RIGHT(18)
#define WASI_RIGHT_PATH_FILESTAT_SET_SIZE WASI_RIGHT(19)
#define WASI_RIGHT_PATH_FILESTAT_SET_TIMES WASI_RIGHT(20)
#define WASI_RIGHT_FD_FILESTAT_GET WASI_RIGHT(21)
#define WASI_RIGHT_FD_FILESTAT_SET_SIZE WASI_RIGHT(22)
#define WASI_RIGHT_FD_FILESTAT_SET_TIMES WASI_RIGHT(23)
#define WASI_RIGHT_PATH_SYMLINK WASI_RIGHT(24)
#define WASI_RIGHT_PATH_REMOVE_DIRECTORY WASI_RIGHT(25)
#define WASI_RIGHT_PATH_UNLINK_FILE WASI_RIGHT(26)
#define WASI_RIGHT_POLL_FD_READWRITE WASI_RIGHT(27)
#define WASI_RIGHT_SOCK_SHUTDOWN WASI_RIGHT(28)
#define WASI_RIGHT_SOCK_ACCEPT WASI_RIGHT(29)
#define WASI_RIGHTS_ALL (WASI_RIGHT(30) - 1)

/* What can be done with each kind of descriptor at all. A terminal has no position: that is
 * how a guest's libc tells one. */
#define WASI_RIGHTS_OF_ANY                                                                \
    (WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_POLL_FD_READWRITE)
#define WASI_RIGHTS_OF_STREAM                                                             \
    (WASI_RIGHTS_OF_ANY | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_SYNC | \
     WASI_RIGHT_FD_DATASYNC)
#define WASI_RIGHTS_OF_FILE                                                                  \
    (WASI_RIGHTS_OF_STREAM | WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL | WASI_RIGHT_FD_ADVISE | \
     WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE |                              \
     WASI_RIGHT_FD_FILESTAT_SET_TIMES)
#define WASI_RIGHTS_OF_CONNECTION                                                      \
    (WASI_RIGHTS_OF_ANY | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE | WASI_RIGHT_SOCK_SHUTDOWN)
#define WASI_RIGHTS_OF_SOCKET (WASI_RIGHTS_OF_CONNECTION | WASI_RIGHT_SOCK_ACCEPT)
/* Those that change something through a directory, or through what is opened in it. */
#define WASI_RIGHTS_THAT_CHANGE                                                             \
    (WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_PATH_CREATE_DIRECTORY |      \
     WASI_RIGHT_PATH_CREATE_FILE | WASI_RIGHT_PATH_LINK_SOURCE |                            \
     WASI_RIGHT_PATH_LINK_TARGET | WASI_RIGHT_PATH_RENAME_SOURCE |                          \
     WASI_RIGHT_PATH_RENAME_TARGET | WASI_RIGHT_PATH_FILESTAT_SET_SIZE |                    \
     WASI_RIGHT_PATH_FILESTAT_SET_TIMES | WASI_RIGHT_FD_FILESTAT_SET_SIZE |                 \
     WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_PATH_SYMLINK |                           \
     WASI_RIGHT_PATH_REMOVE_DIRECTORY | WASI_RIGHT_PATH_UNLINK_FILE)
#define WASI_RIGHTS_OF_DIRECTORY                                                             \
    (WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_SYNC |      \
     WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_READDIR | WASI_RIGHT_PATH_OPEN |                 \
     WASI_RIGHT_PATH_READLINK | WASI_RIGHT_PATH_FILESTAT_GET |                               \
     (WASI_RIGHTS_THAT_CHANGE &                                                              \
      ~(WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE)))

enum {
    WASI_FDFLAG_APPEND = 1,
    WASI_FDFLAG_DSYNC = 2,
    WASI_FDFLAG_NONBLOCK = 4,
    WASI_FDFLAG_RSYNC = 8,
    WASI_FDFLAG_SYNC = 16,
    WASI_FDFLAGS_ALL = 31,

    WASI_OFLAG_CREAT = 1,
    WASI_OFLAG_DIRECTORY = 2,
    WASI_OFLAG_EXCL = 4,
    WASI_OFLAG_TRUNC = 8,
    WASI_OFLAGS_ALL = 15,

    WASI_LOOKUP_FOLLOW = 1,

    WASI_FSTFLAG_ATIM = 1,
    WASI_FSTFLAG_ATIM_NOW = 2,
    WASI_FSTFLAG_MTIM = 4,
    WASI_FSTFLAG_MTIM_NOW = 8,
    WASI_FSTFLAGS_ALL = 15,

    WASI_EVENT_CLOCK = 0,
    WASI_EVENT_FD_READ = 1,
    WASI_EVENT_FD_WRITE = 2,
    WASI_EVENT_HANGUP = 1,
    WASI_SUBCLOCK_ABSTIME = 1,

    WASI_RIFLAG_PEEK = 1,
    WASI_RIFLAG_WAITALL = 2,
    WASI_ROFLAG_TRUNCATED = 1,
    WASI_SDFLAG_RD = 1,
    WASI_SDFLAG_WR = 2,

    WASI_MAX_SIGNAL = 30
};

/* X(name, signature): every call of wasi_snapshot_preview1, signatures as store.h spells. */
#define WASI_CALL_LIST(X)                 \
    X(args_get, "ii:i")                   \
    X(args_sizes_get, "ii:i")             \
    X(clock_res_get, "ii:i")              \
    X(clock_time_get, "iIi:i")            \
    X(environ_get, "ii:i")                \
    X(environ_sizes_get, "ii:i")          \
    X(fd_advise, "iIIi:i")                \
    X(fd_allocate, "iII:i")               \
    X(fd_close, "i:i")                    \
    X(fd_datasync, "i:i")                 \
    X(fd_fdstat_get, "ii:i")              \
    X(fd_fdstat_set_flags, "ii:i")        \
    X(fd_fdstat_set_rights, "iII:i")      \
    X(fd_filestat_get, "ii:i")            \
    X(fd_filestat_set_size, "iI:i")       \
    X(fd_filestat_set_times, "iIIi:i")    \
    X(fd_pread, "iiiIi:i")                \
    X(fd_prestat_dir_name, "iii:i")       \
    X(fd_prestat_get, "ii:i")             \
    X(fd_pwrite, "iiiIi:i")               \
    X(fd_read, "iiii:i")                  \
    X(fd_readdir, "iiiIi:i")              \
    X(fd_renumber, "ii:i")                \
    X(fd_seek, "iIii:i")                  \
    X(fd_sync, "i:i")                     \
    X(fd_tell, "ii:i")                    \
    X(fd_write, "iiii:i")                 \
    X(path_create_directory, "iii:i")     \
    X(path_filestat_get, "iiiii:i")       \
    X(path_filestat_set_times, "iiiiIIi:i") \
    X(path_link, "iiiiiii:i")             \
    X(path_open, "iiiiiIIii:i")           \
    X(path_readlink, "iiiiii:i")          \
    X(path_remove_directory, "iii:i")     \
    X(path_rename, "iiiiii:i")            \
    X(path_symlink, "iiiii:i")            \
    X(path_unlink_file, "iii:i")          \
    X(poll_oneoff, "iiii:i")              \
    X(proc_exit, "i:")                    \
    X(proc_raise, "i:i")                  \
    X(random_get, "ii:i")                 \
    X(sched_yield, ":i")                  \
    X(sock_accept, "iii:i")               \
    X(sock_recv, "iiiiii:i")              \
    X(sock_send, "iiiii:i")               \
    X(sock_shutdown, "ii:i")

#endif
