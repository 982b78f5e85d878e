/* src/port_sync.h - what src/sync asks of a system beyond port.h: locks with options, the
 * host's own futex, call stacks.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The conventions of port.h hold here. Every port defines the locks; the futex calls and the
 * stack are for systems that have them and return WRT_ERR_UNSUPPORTED (or 0) elsewhere: the
 * portable futex of src/sync needs only port.h and the locks.
 */
#ifndef WRT_PORT_SYNC_H
#define WRT_PORT_SYNC_H

#include "port.h"

/* --------------------------------------------------------------------- locks ---- */

/* Zero-fill. */
struct wrt_port_lock_config {
    int ceiling;    /* > 0: the holder runs at this priority; 0: priority inheritance */
    bool is_shared; /* in memory that several processes map */
    bool is_robust; /* a holder that ends frees it, and the next one is told */
    bool is_checked; /* taking it twice is ERR_DEADLOCK and giving what is not held ERR_DENIED;
                      * otherwise the caller makes sure of both, and a circle of holders waits
                      * for ever (glibc ends the process for a circle of checked ones) */
};

/* Never recursive. ERR_UNSUPPORTED: this combination does not exist here.
 * Linux, QNX: pthread_mutex_init with attributes. */
WRT_MUST_CHECK enum wrt_status
wrt_port_lock_init(struct wrt_port_mutex *lock, const struct wrt_port_lock_config *config);

/* Does the lock itself answer ERR_DEADLOCK and ERR_DENIED, is_checked or not? Linux: yes, if it
 * is neither shared nor robust and has no ceiling. QNX: no. */
bool wrt_port_lock_knows_holder(const struct wrt_port_mutex *lock);

/* ERR_BUSY: it is held. */
WRT_MUST_CHECK enum wrt_status wrt_port_lock_deinit(struct wrt_port_mutex *lock);

/* OK; WRT_OWNER_DIED: held, but its last holder ended holding it: repair what it guards, call
 * wrt_port_lock_repair, or let it go and it is lost for ever (ERR_CORRUPT for all).
 * ERR_DENIED: the caller's priority is above the ceiling, or it may not run there.
 * take: waits. try: ERR_BUSY instead. take_until: ERR_TIMEOUT at the deadline (P4).
 * ERR_CORRUPT: the holder of a lock that is not robust ended with it (where the system tells).
 * Linux: futex(LOCK_PI), or pthread_mutex_lock, _trylock, _clocklock. QNX: _timedlock_monotonic (7.x). */
WRT_MUST_CHECK enum wrt_status wrt_port_lock_take(struct wrt_port_mutex *lock);
WRT_MUST_CHECK enum wrt_status wrt_port_lock_try(struct wrt_port_mutex *lock);
WRT_MUST_CHECK enum wrt_status
wrt_port_lock_take_until(struct wrt_port_mutex *lock, uint64_t deadline_ns);

/* Linux: futex(UNLOCK_PI) or, as QNX, pthread_mutex_unlock. */
WRT_MUST_CHECK enum wrt_status wrt_port_lock_give(struct wrt_port_mutex *lock);

/* After WRT_OWNER_DIED. Linux, QNX: pthread_mutex_consistent. */
WRT_MUST_CHECK enum wrt_status wrt_port_lock_repair(struct wrt_port_mutex *lock);

/* --------------------------------------------------------- the host's futex ---- */

enum { WRT_PORT_FUTEX_MAX_WORDS = 2 };

struct wrt_port_futex_word {
    const uint32_t *address; /* need not be mapped */
    uint32_t expected;
};

/* OK if the calls below work on the running system. */
WRT_MUST_CHECK enum wrt_status wrt_port_futex_query(void);

/* Sleeps while every word holds its expected value, compared atomically with wakes.
 *   OK               woken; *out_index is the last of the words that was woken
 *   ERR_STATE        a word differed       ERR_BOUNDS  a word is not mapped
 *   ERR_TIMEOUT      deadline (P4; 0 compares and returns)
 *   ERR_INTERRUPTED  a signal handler ran
 * Linux: futex(WAIT_BITSET) for one word, futex_waitv for two. QNX: unsupported. */
WRT_MUST_CHECK enum wrt_status
wrt_port_futex_wait(const struct wrt_port_futex_word *words, uint32_t word_count,
                    uint64_t deadline_ns, bool is_shared, uint32_t *out_index);

/* If *from == expected, wakes up to wake_count sleepers of `from` and moves up to move_count
 * more to `to`, atomically. ERR_STATE, ERR_BOUNDS. Linux: futex(CMP_REQUEUE). */
WRT_MUST_CHECK enum wrt_status
wrt_port_futex_requeue(const uint32_t *from, uint32_t expected, uint32_t wake_count,
                       const uint32_t *to, uint32_t move_count, bool is_shared,
                       uint32_t *out_woken, uint32_t *out_moved);

/* ------------------------------------------------- the kernel's own pulses ---- */

/* Zero-fill. */
struct wrt_port_channel_config {
    uint32_t capacity;     /* of a pool of its own, where the release has them; >= 1 */
    bool is_public;        /* other processes may connect */
    bool takes_priority;   /* a receiver runs on at the priority of the pulse that it received, and
                              is raised while a more urgent one waits; else it keeps its own */
};
struct wrt_port_channel {
    int64_t process; /* the caller's: with the id what another process connects to */
    int32_t id;
    bool takes_priority;
};

/* A channel that tells the end of its connections. ERR_LIMIT, ERR_DENIED: no right to a public
 * one. QNX: ChannelCreate, ChannelCreatePulsePool. Linux: ERR_UNSUPPORTED, like all of these. */
WRT_MUST_CHECK enum wrt_status
wrt_port_channel_create(const struct wrt_port_channel_config *config,
                        struct wrt_port_channel *out);
/* Whoever receives there gets ERR_CLOSED. QNX: ChannelDestroy. */
void wrt_port_channel_destroy(const struct wrt_port_channel *channel);

/* `process` 0: the caller's own. *out > 0. ERR_CLOSED: no such process or channel, ERR_DENIED,
 * ERR_LIMIT. QNX: ConnectAttach, ConnectDetach. */
WRT_MUST_CHECK enum wrt_status
wrt_port_channel_connect(int64_t process, int32_t id, int32_t *out_connection);
void wrt_port_channel_disconnect(int32_t connection);

struct wrt_port_pulse {
    int32_t code; /* 0 .. 127, or -33: that connection ended */
    uint32_t value, connection;
    uint8_t priority; /* of a channel that takes_priority; else 0: the kernel does not tell */
};
/* priority 1 .. 255, code 0 .. 127. Never waits. ERR_NO_SPACE: no pulse is left. ERR_CLOSED,
 * ERR_DENIED: a priority above the caller's right. QNX: MsgSendPulse. */
WRT_MUST_CHECK enum wrt_status
wrt_port_pulse_send(int32_t connection, uint8_t priority, int32_t code, uint32_t value);
/* Sleeps until the deadline (0: polls, UINT64_MAX: none). ERR_TIMEOUT, ERR_CLOSED,
 * ERR_INTERRUPTED: a signal handler ran. QNX: TimerTimeout, MsgReceivePulse. */
WRT_MUST_CHECK enum wrt_status
wrt_port_pulse_receive(const struct wrt_port_channel *channel, uint64_t deadline_ns,
                       struct wrt_port_pulse *out);

/* ---------------------------------------------------------------- call stack ---- */

/* Return addresses of the calling thread, innermost first; the number written, 0 where the
 * system cannot tell. For reports of debug builds. Linux: the compiler's unwinder. */
uint32_t wrt_port_stack(const void **out, uint32_t capacity);

#endif
