/* wrt/pulse.h - small fixed-size messages with priorities: send never waits, receive may.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A pulse carries a code and 32 bits, as on QNX. A channel queues a fixed number of them, by
 * priority, then by arrival. Senders hold a connection; each connection keeps one place of the
 * queue back for the news of its end, so that the receiver always hears of it.
 *
 *   L1  queued + free = capacity, and free >= connections
 *
 * What happens when no place is left is the channel's policy: an answer, never a wait.
 *
 * Costs: send, poll, connect and disconnect O(1) under a mutex with inheritance whose holders
 * only do that, and no kernel call unless a receiver sleeps. The receiver sleeps on a futex, so
 * on a system without one (QNX) the wake is that system's own pulse.
 *
 * A channel can be bound to one of the kernel (QNX): then the kernel queues and bounds the pulses,
 * other processes, timers and drivers can send to it, and it can lend the receiver the priority of
 * each pulse. wrt_pulse_channel_init_bound tells what differs.
 *
 * Threads: all calls may run together, except init and deinit. Not for signal handlers. Allocates nothing.
 */
#ifndef WRT_PULSE_H
#define WRT_PULSE_H

#include "wrt/base.h"
#include "wrt/futex.h"
#include "wrt/lock.h"

WRT_BEGIN_DECLS

#define WRT_PULSE_MAX_CAPACITY 4096u
#define WRT_PULSE_MAX_CODE 127
#define WRT_PULSE_DISCONNECT (-33) /* code: a connection ended; value: its number */

enum wrt_pulse_policy {
    WRT_PULSE_REFUSE = 0, /* full: send is ERR_NO_SPACE */
    WRT_PULSE_REPLACE,    /* full: the oldest one of the lowest priority is lost to the new one,
                           * unless that priority is above the new one's: ERR_NO_SPACE */
    WRT_PULSE_COALESCE    /* always: a pulse like the last one queued at its priority raises that
                           * one's count instead; full otherwise: ERR_NO_SPACE */
};

struct wrt_pulse {
    int32_t code;
    uint32_t value;
    uint32_t connection; /* number of the sender's */
    uint32_t count;      /* 1, or how many were coalesced into it */
    uint8_t priority;
};

struct wrt_pulse_entry { /* private */
    struct wrt_pulse pulse;
    uint16_t next; /* number + 1; 0 = last */
};

struct wrt_pulse_channel { /* private */
    struct wrt_mutex gate;
    uint32_t sequence; /* changes when a receiver should look again */
    bool is_closed;
    enum wrt_pulse_policy policy;
    struct wrt_pulse_entry *entries;
    uint32_t capacity, queued, connections, last_connection;
    uint64_t lost;
    uint16_t free;                 /* list of free entries */
    uint16_t first[256], last[256]; /* queue of each priority */
    uint64_t present[4];           /* bit p: priority p has pulses */
    int64_t kernel_process;        /* bound: of the kernel's channel; 0: not bound */
    int32_t kernel_id;
    bool lends_priority;
};

struct wrt_pulse_connection { /* private */
    struct wrt_pulse_channel *channel; /* NULL: not connected, or to the kernel's */
    uint32_t number;
    int32_t kernel; /* > 0: connected to the kernel's channel */
};

/* Keeps entries (capacity of them) until the channel is closed and no longer used. capacity
 * 1 .. 4096. ERR_ARGUMENT; ERR_UNSUPPORTED: no such locks on this system.
 * Cost: O(capacity), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pulse_channel_init(struct wrt_pulse_channel *channel, struct wrt_pulse_entry *entries,
                       uint32_t capacity, enum wrt_pulse_policy policy);

enum wrt_pulse_binding {
    WRT_PULSE_PRIVATE = 0,
    WRT_PULSE_PUBLIC = 1,        /* other processes may connect; needs a right from QNX 7 on */
    WRT_PULSE_LENDS_PRIORITY = 2 /* receivers take the priority of what they receive */
};

/* The same on a channel of the kernel. What differs:
 *   - the policy is REFUSE; equal pulses may share a place. `capacity` is that of a pool of the
 *     channel's own; releases without pools (before late 7.1) have the kernel's memory for a limit;
 *   - priorities are 1 .. 255 (0: ERR_ARGUMENT; above the caller's right: ERR_DENIED), and a pulse
 *     tells its own only to a receiver that it was lent to; else it is 0;
 *   - a connection's number is the kernel's, known to the receiver alone; its end is told by the
 *     kernel, at the kernel's priority;
 *   - a receive with an interrupt looks at it every 20 ms; a signal handler makes it look, too.
 * binding: enum wrt_pulse_binding, combined. ERR_UNSUPPORTED: no such kernel (all but QNX).
 * Cost: O(1), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pulse_channel_init_bound(struct wrt_pulse_channel *channel, uint32_t capacity,
                             uint32_t binding);

/* What other processes connect to (also with QNX's own calls). ERR_STATE: not bound.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pulse_channel_get_kernel_id(const struct wrt_pulse_channel *channel, int64_t *out_process,
                                int32_t *out_id);

/* Connects to a channel of the kernel, whoever made it. ERR_CLOSED: there is none. ERR_DENIED:
 * private, or another user's. ERR_UNSUPPORTED.
 * Cost: O(1), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pulse_connect_process(int64_t process, int32_t id, struct wrt_pulse_connection *out);

/* Ends it: what is queued is dropped, and every call on it is ERR_CLOSED from now on, the ones
 * that sleep included. The struct must outlive them. ERR_CLOSED: it was.
 * Cost: O(receivers that sleep), may block (system), never faults; 2600 bytes of stack. */
WRT_API enum wrt_status wrt_pulse_channel_close(struct wrt_pulse_channel *channel);

/* After close, when no call on it is under way any more. ERR_STATE: not closed.
 * Cost: O(1), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pulse_channel_deinit(struct wrt_pulse_channel *channel);

/* Connects a sender. ERR_LIMIT: no place is left to keep back. ERR_CLOSED.
 * Cost: O(1), may block (system), never faults; 288 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pulse_connect(struct wrt_pulse_channel *channel, struct wrt_pulse_connection *out);
/* The receiver gets WRT_PULSE_DISCONNECT at `priority` after what was sent at that priority.
 * ERR_STATE: not connected. ERR_CLOSED (it is disconnected all the same).
 * Cost: O(1), no kernel call unless a receiver sleeps, may block (system), never faults; 2600
 * bytes of stack. */
WRT_API enum wrt_status
wrt_pulse_disconnect(struct wrt_pulse_connection *connection, uint8_t priority);

/* Queues a pulse; a higher priority is received earlier. Never waits. code 0 .. 127, else
 * ERR_ARGUMENT. ERR_NO_SPACE: see the policy. ERR_STATE: not connected. ERR_CLOSED.
 * Cost: O(1), no kernel call unless a receiver sleeps, may block (system), never faults; 350
 * steps, 2600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pulse_send(const struct wrt_pulse_connection *connection, uint8_t priority, int32_t code,
               uint32_t value);

/* Receives the first pulse, sleeping for it until deadline_ns (0: poll; UINT64_MAX: none).
 * ERR_TIMEOUT, ERR_INTERRUPTED (interrupt may be NULL), ERR_CLOSED: *out is untouched.
 * Cost: O(1) for each wake, blocks until one comes, never faults; 200 steps, 576 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_pulse_receive(struct wrt_pulse_channel *channel, uint64_t deadline_ns,
                  const struct wrt_interrupt *interrupt, struct wrt_pulse *out);

/* How many pulses REPLACE has dropped so far.
 * Cost: O(1), may block (lock), never faults. */
WRT_API uint64_t wrt_pulse_count_lost(struct wrt_pulse_channel *channel);

WRT_END_DECLS
#endif
