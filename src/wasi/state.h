/* src/wasi/state.h - what one guest has been granted, and the tools all calls share.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A struct wrt_wasi is one block of the partition with everything behind it:
 *
 *   wrt_wasi | descriptors | subscriptions | poll items | strings
 *
 * so no call allocates. A call checks every address it will write before it does anything,
 * keeps the span, and reads each value of the guest once.
 */
#ifndef WRT_WASI_STATE_H
#define WRT_WASI_STATE_H

#include "port_file.h"
#include "wasi/abi.h"
#include "wasi/coarse.h"
#include "wrt/lock.h"
#include "wrt/wasi.h"

/* Bounds of single calls. */
#define WASI_MAX_TRANSFER_BYTES (16u << 20) /* moved by one read, write or random_get */
#define WASI_MAX_VECTORS 1024u              /* iovecs of one call, as Linux takes */
#define WASI_SLICE_NS UINT64_C(20000000)    /* how long a wait goes without looking up */
#define WASI_DIRECTORY_BYTES 4096u
#define WASI_BYTES_PER_FUEL 64u             /* as the engine charges bulk operations */

enum wasi_kind {
    WASI_KIND_FREE = 0, /* the slot is empty */
    WASI_KIND_FILE,     /* has a position; never waits */
    WASI_KIND_DIRECTORY,
    WASI_KIND_STREAM,   /* pipe, terminal, device: waits */
    WASI_KIND_SOCKET
};

#define WASI_NAME_BYTES 128u /* of a path that a snapshot can name, with its NUL */

struct wasi_descriptor {
    enum wasi_kind kind;
    enum wrt_port_file_type type;
    int file;
    bool is_owned;       /* closed by us */
    uint16_t flags;      /* WASI_FDFLAG_… ; NONBLOCK lives only here */
    uint64_t rights;
    uint64_t inheriting;
    const char *granted_name; /* of a directory from the config; else NULL */
    uint8_t stream;           /* 1 .. 3: a standard stream */
    bool is_kept;             /* while a snapshot is restored */
    const char *root_name;    /* opened by the guest beneath this granted one, at `path`; */
    char path[WASI_NAME_BYTES]; /* NULL: not, or the path is longer */
};

/* NUL-terminated strings, one after the other. */
struct wasi_strings {
    const char *bytes;
    uint32_t size_bytes;
    uint32_t count;
};

struct wasi_subscription {
    uint64_t userdata;
    uint64_t deadline_ns; /* clock: on `clock` */
    uint64_t available_bytes;
    enum wrt_errno error;
    uint32_t item;        /* descriptor: index of its poll item */
    uint8_t type;         /* WASI_EVENT_… */
    uint8_t clock;        /* enum wrt_port_clock, REALTIME or MONOTONIC */
    uint16_t flags;       /* WASI_EVENT_HANGUP */
    bool has_fired;
};

/* What a host function is given as its context. */
struct wasi_binding {
    struct wrt_wasi *wasi;
    uint32_t index; /* in WASI_CALL_LIST */
};

#define WASI_COUNT_CALL(name, signature) +1
enum { WASI_CALL_COUNT = 0 WASI_CALL_LIST(WASI_COUNT_CALL) };
#undef WASI_COUNT_CALL

struct wrt_wasi {
    struct wrt_partition *partition;
    size_t block_bytes;
    struct wasi_strings arguments, environment;
    struct wasi_descriptor *descriptors;
    uint32_t descriptor_count; /* slots */
    struct wasi_subscription *subscriptions;
    struct wrt_port_poll *items;
    uint32_t max_subscriptions;
    uint32_t max_path_bytes;
    uint32_t clocks;
    struct wasi_coarse coarse;
    uint64_t monotonic_start_ns;
    enum wrt_wasi_random random;
    uint64_t random_state;
    enum wrt_port_resolver resolver;
    struct { /* a poll_oneoff that paused: its repetition goes on from start_ns */
        bool is_set;
        uint32_t in, out, count;
        uint64_t start_ns;
    } paused_poll;
    struct wrt_wasi *first;  /* of a further thread's view (view.c): the first thread's; else NULL */
    struct wrt_mutex *gate;  /* of the descriptors, once several threads share them; else NULL */
    struct wrt_mutex own_gate;
    struct wasi_binding bindings[WASI_CALL_COUNT];
    char path[2][WRT_PORT_PATH_BYTES];
    _Alignas(8) uint8_t directory[WASI_DIRECTORY_BYTES];
};

/* One call under way. */
struct wasi_call {
    struct wrt_wasi *wasi;
    struct wrt_caller *caller;
    const union wrt_slot *arguments;
    enum wrt_status outcome; /* not OK: the result is dropped and this returned (pause, exit) */
};

/* Around every use of the descriptors; a call that waits is outside meanwhile. */
static inline void wasi_enter(struct wrt_wasi *wasi)
{
    if (wasi->gate)
        (void)!wrt_mutex_lock(wasi->gate);
}

static inline void wasi_leave(struct wrt_wasi *wasi)
{
    if (wasi->gate)
        (void)wrt_mutex_unlock(wasi->gate);
}

/* ---- further threads (view.c) ---- */

static inline struct wrt_wasi *wrt_wasi_first(struct wrt_wasi *wasi)
{
    return wasi->first ? wasi->first : wasi;
}

/* From now on there may be views. */
WRT_MUST_CHECK enum wrt_status wrt_wasi_make_shareable(struct wrt_wasi *wasi);
WRT_MUST_CHECK enum wrt_status
wrt_wasi_create_view(struct wrt_wasi *first, struct wrt_wasi **out, struct wrt_error *error);
void wrt_wasi_destroy_view(struct wrt_wasi *view);

typedef enum wrt_errno wasi_handler(struct wasi_call *call);
#define WASI_DECLARE_CALL(name, signature) wasi_handler wrt_wasi_##name;
WASI_CALL_LIST(WASI_DECLARE_CALL)
#undef WASI_DECLARE_CALL

static inline uint32_t wasi_u32(const struct wasi_call *call, unsigned index)
{
    return call->arguments[index].i32;
}

static inline uint64_t wasi_u64(const struct wasi_call *call, unsigned index)
{
    return call->arguments[index].i64;
}

/* ---- guest memory (guest.c) ---- */

/* The guest's bytes, checked. NULL: outside, answer FAULT. */
uint8_t *wrt_wasi_span(struct wasi_call *call, uint32_t address, uint64_t size_bytes);

/* The iovecs at `address`: every one checked, empty ones left out, at most
 * WRT_PORT_MAX_BUFFERS and WASI_MAX_TRANSFER_BYTES kept. */
struct wasi_buffers {
    struct wrt_port_buffer item[WRT_PORT_MAX_BUFFERS];
    unsigned count;
    size_t size_bytes;
};
enum wrt_errno wrt_wasi_buffers(struct wasi_call *call, uint32_t address, uint32_t count,
                                struct wasi_buffers *out);

/* The path argument at `address`, copied to wasi->path[which], free of NUL. */
enum wrt_errno wrt_wasi_path(struct wasi_call *call, unsigned which, uint32_t address,
                             uint32_t size_bytes);

/* ---- descriptors (descriptor.c) ---- */

/* The open descriptor `number` if it has all of `rights`: else BADF or NOTCAPABLE. */
enum wrt_errno wrt_wasi_find(struct wasi_call *call, uint32_t number, uint64_t rights,
                             struct wasi_descriptor **out);
/* The same for calls that only make sense for one kind, else `otherwise`. */
enum wrt_errno wrt_wasi_find_kind(struct wasi_call *call, uint32_t number, enum wasi_kind kind,
                                  enum wrt_errno otherwise, uint64_t rights,
                                  struct wasi_descriptor **out);
/* A free slot from 3 on: the standard streams' numbers are never given out. */
enum wrt_errno wrt_wasi_free_slot(struct wrt_wasi *wasi, uint32_t *out_number);
/* What `file` is, and the rights it can have at most, in *out. */
enum wrt_errno wrt_wasi_describe(int file, bool is_owned, struct wasi_descriptor *out);
void wrt_wasi_release(struct wasi_descriptor *descriptor);

/* Opens again what a guest had opened at `path` beneath `root`, with rights that `root` can
 * pass on (path.c). */
enum wrt_errno wrt_wasi_reopen(struct wrt_wasi *wasi, const struct wasi_descriptor *root,
                               const char *path, uint64_t rights, uint64_t inheriting,
                               uint32_t fdflags, struct wasi_descriptor *out);

/* ---- waiting (poll.c) ---- */

/* One try to move something; AGAIN or INTR: nothing was there yet. */
typedef enum wrt_errno wasi_attempt(const struct wasi_descriptor *descriptor, void *context);

/* Tries until it gets anywhere, waiting for `wanted` (enum wrt_port_poll_bit) in between;
 * AGAIN from a descriptor that does not block. Sets call->outcome when the guest has to stop
 * meanwhile: then nothing was moved. */
enum wrt_errno wrt_wasi_when_ready(struct wasi_call *call,
                                   const struct wasi_descriptor *descriptor, uint8_t wanted,
                                   wasi_attempt *attempt, void *context);

/* INVAL: there is no such clock; NOTCAPABLE: it is not granted (process.c). */
enum wrt_errno wrt_wasi_check_clock(const struct wrt_wasi *wasi, uint32_t clock);

/* The guest's fuel for moved bytes. */
void wrt_wasi_charge(struct wasi_call *call, uint64_t size_bytes);

/* The bytes of a file's status, at WASI_SIZE_FILESTAT bytes (file.c). */
void wrt_wasi_put_filestat(uint8_t *out, const struct wrt_port_file_status *status);
/* fst_flags and times of a set_times call; INVAL for contradictions (file.c). */
enum wrt_errno wrt_wasi_get_times(uint64_t accessed_ns, uint64_t modified_ns, uint32_t flags,
                                  struct wrt_port_file_times *out);

#endif
