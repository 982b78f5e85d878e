/* src/tenant/wire.h - the memory that a host and its worker share, and how messages pass.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each side treats the other as hostile: a message is copied out before it is looked at, counts
 * are checked against these arrays, texts are ended by the reader, and ring positions that make
 * no sense are ERR_CORRUPT (wrt/ring.h). Nothing here is a pointer.
 *
 * A receiver with nothing to read sleeps until its bell rings. Where the system wakes other
 * processes by an address, the bell is a word of the ring. Where it does not (QNX) the bell is a
 * channel of the kernel that the other side sends pulses to: each side makes one before the worker
 * gives up its rights, and takes the other's number only then, from code that no guest ran in yet.
 * Pulses carry nothing: what is in the ring counts. But they lend the worker the priority of who
 * calls it: its channel takes the priority of a pulse, and the host rings with each message.
 */
#ifndef WRT_TENANT_WIRE_H
#define WRT_TENANT_WIRE_H

#include "port_sync.h"
#include "wrt/base.h"
#include "wrt/ring.h"
#include "wrt/value.h"

enum {
    WIRE_VERSION = 0x57525403,
    WIRE_SLOTS = 16,
    WIRE_TEXT_BYTES = 256,
    WIRE_VALUES = 32,
    WIRE_STREAM_BYTES = 65536,
    WIRE_DIRECTORIES = 16
};

/* What the worker finds as its descriptors. */
enum wire_descriptor { WIRE_FD_MEMORY = 3, WIRE_FD_LINE, WIRE_FD_OUTPUT, WIRE_FD_ERROR };

enum wire_kind {
    /* host to worker */
    WIRE_BYTES = 1, /* `count` bytes of the module stand in the stream */
    WIRE_START,     /* that was all: load and link */
    WIRE_CALL,      /* text: function; values: arguments; fuel, deadline_ns */
    WIRE_RESUME,    /* fuel, deadline_ns */
    WIRE_DROP,
    WIRE_STOP,
    /* worker to host */
    WIRE_READY,  /* `count`: what it gave up (enum wrt_confine bits); fuel: its bell */
    WIRE_MORE,   /* the stream was read */
    WIRE_LOADED,
    WIRE_DONE,   /* values: results */
    WIRE_PAUSED, /* `count`: enum wrt_pause_reason */
    WIRE_EXITED, /* `count`: the guest's code */
    WIRE_FAILED, /* status, text */
    WIRE_DROPPED
};

struct wire_value {
    uint32_t type, zero;
    uint64_t bits[2];
};

struct wire_message {
    uint32_t kind;
    int32_t status;
    uint32_t count;
    uint32_t zero;
    uint64_t fuel, deadline_ns;
    char text[WIRE_TEXT_BYTES];
    struct wire_value values[WIRE_VALUES];
};

/* One direction. */
struct wire_ring {
    struct wrt_spsc_words words;
    uint32_t bell WRT_CACHE_ALIGNED; /* rises with each message; slept on */
    uint32_t is_asleep;              /* the receiver sleeps, or is about to */
    struct wire_message items[WIRE_SLOTS] WRT_CACHE_ALIGNED;
};

/* Written by the host before the worker starts. Strings stand in the stream, each with its NUL:
 * arguments, environment, then host path and guest path of each directory, then the pool. */
struct wire_config {
    uint32_t version, argument_count, environment_count, directory_count, string_bytes;
    uint32_t read_only; /* bit per directory */
    uint32_t clocks, has_random, has_output, has_error;
    uint32_t clock_jitter, has_oblivious, isolate;
    uint64_t memory_bytes, stack_bytes, clock_resolution_ns;
    uint64_t process_bytes; /* of guest and process: what the worker may set as its own limit */
    uint32_t descriptors, tasks;
    uint32_t has_pool; /* of typed memory */
    int64_t host_process; /* and its bell, as wire_open_bell gave it */
    uint64_t host_bell;
};

/* The worker's words about itself; and the host's wish. */
struct wire_progress {
    uint64_t fuel_used, heartbeats, used_bytes, high_water_bytes;
    uint32_t interrupt WRT_CACHE_ALIGNED;
};

struct wire {
    struct wire_config config;
    struct wire_ring requests WRT_CACHE_ALIGNED;
    struct wire_ring replies;
    struct wire_progress progress;
    uint8_t stream[WIRE_STREAM_BYTES] WRT_CACHE_ALIGNED;
};

/* One side of both rings. */
struct wire_end {
    struct wrt_spsc_producer out;
    struct wrt_spsc_consumer in;
    struct wire_ring *out_ring, *in_ring;
    bool is_worker;
    bool has_bell;   /* ours is this channel, theirs at the end of that connection */
    struct wrt_port_channel bell;
    int32_t theirs;  /* 0: not connected */
};

WRT_MUST_CHECK enum wrt_status wire_join_host(struct wire_end *end, struct wire *wire);
WRT_MUST_CHECK enum wrt_status wire_join_worker(struct wire_end *end, struct wire *wire);

/* Makes this side's bell; *out is what the other side connects to, 0
 * where bells are words of the rings. wire_close ends both; twice does no harm. */
WRT_MUST_CHECK enum wrt_status wire_open_bell(struct wire_end *end, uint64_t *out);
/* ERR_CLOSED: there is no such bell. Does nothing where bells are words. */
WRT_MUST_CHECK enum wrt_status
wire_connect_bell(struct wire_end *end, int64_t process, uint64_t bell);
void wire_close(struct wire_end *end);

/* ERR_NO_SPACE, ERR_CORRUPT. Never waits. */
WRT_MUST_CHECK enum wrt_status wire_send(struct wire_end *end, const struct wire_message *message);
/* A copy of the next message, text ended, `count` as it came. ERR_TIMEOUT (0: looks),
 * ERR_CORRUPT, or why the system does not let it wait. */
WRT_MUST_CHECK enum wrt_status
wire_receive(struct wire_end *end, uint64_t deadline_ns, struct wire_message *out);

/* Between values and messages. False: too many, or a type that does not travel (references
 * other than null, types that there are not). */
bool wire_put_values(struct wire_message *message, const struct wrt_value *values,
                     uint32_t count);
bool wire_get_values(const struct wire_message *message, struct wrt_value *out);

#endif
