/* wrt/wasi.h - WASI preview 1 (wasi_snapshot_preview1): what a guest may see of its host.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Nothing is granted that is not named: a zero-filled config gives a guest no argument, no
 * variable, no descriptor, no clock and no randomness. All 46 calls exist; one that needs
 * what was not granted returns an error number to the guest.
 *
 *   not granted or beyond the rights of a descriptor   notcapable (76)
 *   a path that leaves its directory, absolute paths   notcapable
 *   no such descriptor                                 badf (8)
 *   an address outside the guest's memory              fault (21); nothing was done
 *   a call that this host cannot serve                 nosys (52) or notsup (58)
 *
 * Descriptors: 0, 1, 2 are the standard streams (absent where not granted), then the
 * directories from 3 on in the order given, then the sockets. Rights only shrink.
 *
 * Paths resolve beneath a granted directory whatever `..`, symbolic links and renames by
 * others do. What is mounted, hard-linked or lies as a device inside a granted directory is
 * granted with it.
 *
 * Time: reads and writes of files, and file system calls, take as long as the host takes;
 * one call moves at most 16 MiB. Waits (poll_oneoff, and reading or writing what is not
 * ready) notice wrt_store_interrupt and the deadline within 20 ms: the call pauses the guest
 * and resuming continues the wait, to the original end.
 *
 * Memory: everything is allocated by wrt_wasi_create, in one block, charged as HOST.
 * Afterwards neither the library nor the guest's calls allocate.
 *
 * Threads: a wrt_wasi belongs to its store and so to one thread at a time. Guests with several
 * threads: wrt/threads.h.
 */
#ifndef WRT_WASI_H
#define WRT_WASI_H

#include "wrt/base.h"
#include "wrt/partition.h"
#include "wrt/snapshot.h"
#include "wrt/store.h"

WRT_BEGIN_DECLS

struct wrt_wasi;

enum wrt_wasi_stream_kind {
    WRT_WASI_STREAM_NONE = 0,   /* the descriptor does not exist */
    WRT_WASI_STREAM_INHERIT,    /* the process's own 0, 1 or 2; none if that is closed or a
                                 * directory */
    WRT_WASI_STREAM_DESCRIPTOR  /* wrt_wasi_stream.descriptor; not a directory */
};

struct wrt_wasi_stream {
    enum wrt_wasi_stream_kind kind;
    int descriptor; /* of this process; kept until destroy, stays the caller's */
};

struct wrt_wasi_directory {
    const char *host_path;  /* borrowed; opened by create */
    const char *guest_path; /* borrowed, copied; NULL = host_path */
    bool read_only;         /* takes every right that changes anything away */
};

/* Bits of wrt_wasi_config.clocks: which clocks a guest may read and wait for. */
enum wrt_wasi_clock {
    WRT_WASI_CLOCK_REALTIME = 1,
    WRT_WASI_CLOCK_MONOTONIC = 2, /* counts from wrt_wasi_create */
    WRT_WASI_CLOCK_PROCESS_CPU = 4,
    WRT_WASI_CLOCK_THREAD_CPU = 8,
    WRT_WASI_CLOCK_ALL = 15
};

enum wrt_wasi_random {
    WRT_WASI_RANDOM_NONE = 0,
    WRT_WASI_RANDOM_SYSTEM, /* the system's entropy */
    WRT_WASI_RANDOM_SEEDED  /* a repeatable sequence from random_seed; not for secrets */
};

/* How paths are kept beneath their directory. */
enum wrt_wasi_resolver {
    WRT_WASI_RESOLVER_AUTO = 0, /* the kernel where it can, else the walk */
    WRT_WASI_RESOLVER_KERNEL,   /* Linux 5.6: openat2; ERR_UNSUPPORTED where it is missing */
    WRT_WASI_RESOLVER_WALK      /* one component after the other, at most 128 deep */
};

/* Zero-fill, set what you need. A bad value is ERR_ARGUMENT and named. */
struct wrt_wasi_config {
    const char *const *arguments; /* borrowed, copied; [0] is the program's name */
    uint32_t argument_count;
    const char *const *environment; /* borrowed, copied; "NAME=value" */
    uint32_t environment_count;
    const struct wrt_wasi_directory *directories; /* borrowed */
    uint32_t directory_count;
    const int *sockets; /* borrowed; listening or connected sockets of this process: kept until
                         * destroy, stay the caller's, are set to non-blocking */
    uint32_t socket_count;
    struct wrt_wasi_stream standard_input, standard_output, standard_error;
    uint32_t clocks;              /* enum wrt_wasi_clock bits; 0 = none */
    uint64_t clock_resolution_ns; /* clocks show multiples of it, waits end at them, and it is
                                   * the resolution told; up to 10^9; 0 = the system's */
    bool clock_jitter;            /* needs a resolution: the moments when clocks step, and waits
                                   * end, are moved at random by up to one, so that counting
                                   * between two steps measures no finer; clocks never go back */
    uint64_t clock_jitter_seed;   /* the same jitter each time, for tests; 0 = a secret of the
                                   * system's */
    enum wrt_wasi_random random;
    uint64_t random_seed;         /* for RANDOM_SEEDED */
    enum wrt_wasi_resolver resolver;
    uint32_t max_descriptors;   /* open at once, granted ones included; 3 .. 65,536; 0 = 64 */
    uint32_t max_path_bytes;    /* of one path argument; 1 .. 4,095; 0 = 4,095 */
    uint32_t max_subscriptions; /* of one poll_oneoff; 1 .. 256; 0 = 64 */
};

/* The bytes wrt_wasi_create will charge for this config, exactly. Borrows config.
 * Cost: O(bytes of the strings), never blocks, never faults; 512 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_wasi_footprint(const struct wrt_wasi_config *config, uint64_t *out_bytes,
                   struct wrt_error *error);

/* Opens the directories and copies the strings. Borrows config. Gives *out, charged to
 * `partition`, which must outlive it. May block on the file system. ERR_NOT_FOUND or
 * ERR_DENIED names the directory that did not open, ERR_LIMIT the limit.
 * Cost: O(bytes of the strings + directories + max_descriptors), may block (system), may fault;
 * 5600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_wasi_create(struct wrt_partition *partition, const struct wrt_wasi_config *config,
                struct wrt_wasi **out, struct wrt_error *error);

/* Defines the 46 functions of module "wasi_snapshot_preview1" in the store, which keeps
 * `wasi`: destroy the store first. One store at a time.
 * Cost: O(1), 46 definitions, may block (system), may fault; 6100 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_wasi_define(struct wrt_store *store, struct wrt_wasi *wasi, struct wrt_error *error);

/* Writes what the guest holds open, by name: standard streams, granted directories, and files
 * by path and position beneath them; and the state of clocks and random numbers. With
 * wrt_instance_snapshot of the store that is all of a program. ERR_UNSUPPORTED names a
 * descriptor that has no name: a socket, or a path over 127 bytes.
 * Cost: O(max_descriptors), may block (system), never faults; 672 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_wasi_snapshot(const struct wrt_wasi *wasi, wrt_snapshot_write *write, void *context,
                  struct wrt_error *error);

/* Into a wrt_wasi that was just created, with the same names granted. Files are opened again,
 * never created or cut; rights are those of the snapshot less what is not granted now.
 * ERR_NOT_FOUND names what is missing (after it, when a file did not open, only destroy may
 * follow); ERR_CORRUPT, ERR_UNSUPPORTED as for wrt_instance_restore. May block.
 * Cost: O(size_bytes), each file opened, may block (system), may fault; 16000 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_wasi_restore(struct wrt_wasi *wasi, const void *bytes, size_t size_bytes,
                 struct wrt_error *error);

/* Closes every descriptor that the guest or create opened and frees all. NULL does nothing.
 * Cost: O(max_descriptors), each open one closed, may block (system), may fault; 672 bytes of
 * stack. */
WRT_API void wrt_wasi_destroy(struct wrt_wasi *wasi);

WRT_END_DECLS
#endif
