/* port/qnx/park.c - wait and wake: one private channel per waiting thread, one pulse per wake.
 * SPDX-License-Identifier: Apache-2.0
 *
 * QNX has no futex. A thread that waits queues its own record under its word's bucket and
 * receives on its own channel; a waker takes the record off the queue and sends one pulse,
 * both under the bucket's lock. Invariants:
 *
 *   W1  a record is queued only while its thread is inside wrt_port_wait: a waker takes it
 *       off before it sends the pulse that lets the thread go
 *   W2  who takes a record off the queue decides how the wait ends: the waiter itself
 *       (timeout, interruption) or one waker, never both
 *   W3  a waker sends exactly one pulse for a record it took, before it lets the lock go;
 *       so a waiter that lost the race of W2 finds that pulse and takes it: at most one
 *       pulse per waiter is ever outstanding
 *   W4  a pulse counts only if its value is the wait's sequence number: those of the kernel
 *       and stale ones are dropped
 *
 * Channels are fixed-priority (otherwise the waiter would take on the pulse's priority) and
 * private. Nothing here allocates; a thread's channel is made at its first wait and given
 * back when the thread ends.
 */
#include "qnx.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#if WRT_QNX_RELEASE >= 700
#define NODE_HERE 0
#else
#include <sys/netmgr.h>
#define NODE_HERE ND_LOCAL_NODE
#endif

enum { BUCKETS = 64, WAKE_CODE = _PULSE_CODE_MINAVAIL, SENDERS_PRIORITY = -1 };

struct waiter {
    const uint32_t *word;
    int chid, coid;      /* -1: none */
    int32_t sequence;    /* the pulse that ends this wait carries it */
    int priority;
    bool is_queued;
    struct waiter *next;
};

static struct bucket {
    pthread_mutex_t lock;
    struct waiter *first; /* by priority, then by arrival */
    _Atomic uint32_t count; /* lets a wake that nobody waits for stay out of the lock */
} buckets[BUCKETS];

static _Thread_local struct waiter mine = {.chid = -1, .coid = -1};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t end_of_thread;
static enum wrt_status start_status;
static _Atomic bool is_started;

static void close_channel(struct waiter *waiter)
{
    if (waiter->coid != -1)
        (void)ConnectDetach_r(waiter->coid);
    if (waiter->chid != -1)
        (void)ChannelDestroy_r(waiter->chid);
    waiter->coid = waiter->chid = -1;
}

static void thread_ends(void *waiter)
{
    close_channel(waiter);
}

static void start(void)
{
    int error = pthread_key_create(&end_of_thread, thread_ends);

    for (size_t i = 0; i < BUCKETS && error == 0; i++)
        error = pthread_mutex_init(&buckets[i].lock, NULL); /* inherits priority by default */
    start_status = wrt_qnx_to_status(error);
    atomic_store_explicit(&is_started, true, memory_order_release);
}

static enum wrt_status ensure_started(void)
{
    if (!atomic_load_explicit(&is_started, memory_order_acquire))
        (void)pthread_once(&once, start);
    return start_status;
}

static struct bucket *bucket_of(const uint32_t *word)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)word >> 2) * 0x9E3779B97F4A7C15u;

    return &buckets[mixed >> 58];
}

/* ---- the thread's channel ---- */

#if WRT_QNX_PULSE_POOL
/* Two pulses of its own, so that a wake never fails for want of kernel memory: one
 * outstanding (W3) and one that the kernel may send. */
static int create_channel(void)
{
    struct nto_channel_config config = {.num_pulses = 2};
    int chid = ChannelCreatePulsePool(WRT_QNX_CHANNEL_FLAGS | _NTO_CHF_PULSE_POOL, &config);

    wrt_qnx_note_requested(WRT_QNX_PULSE_POOLS);
    if (chid != -1) {
        wrt_qnx_note_active(WRT_QNX_PULSE_POOLS);
        return chid;
    }
    wrt_qnx_note_refused(WRT_QNX_PULSE_POOLS, "ChannelCreatePulsePool refused");
    return ChannelCreate_r(WRT_QNX_CHANNEL_FLAGS);
}
#else
static int create_channel(void)
{
    return ChannelCreate_r(WRT_QNX_CHANNEL_FLAGS);
}
#endif

static enum wrt_status open_channel(struct waiter *waiter)
{
    int chid, coid;

    if (waiter->coid != -1)
        return WRT_OK;
    chid = create_channel(); /* an id, or the negative errno */
    if (chid < 0)
        return wrt_qnx_to_status(-chid);
    coid = ConnectAttach_r(NODE_HERE, 0, chid, _NTO_SIDE_CHANNEL, _NTO_COF_CLOEXEC);
    if (coid < 0) {
        (void)ChannelDestroy_r(chid);
        return wrt_qnx_to_status(-coid);
    }
    waiter->chid = chid;
    waiter->coid = coid;
    if (pthread_setspecific(end_of_thread, waiter) != 0) {
        close_channel(waiter);
        return WRT_ERR_NO_MEMORY;
    }
    wrt_qnx_note_active(WRT_QNX_PULSE_WAIT);
    return WRT_OK;
}

/* ---- the queue; with the bucket's lock ---- */

static void enqueue(struct bucket *bucket, struct waiter *waiter)
{
    struct waiter **at = &bucket->first;

    while (*at != NULL && (*at)->priority >= waiter->priority)
        at = &(*at)->next;
    waiter->next = *at;
    *at = waiter;
    waiter->is_queued = true;
}

static void dequeue(struct bucket *bucket, struct waiter *waiter)
{
    struct waiter **at = &bucket->first;

    while (*at != waiter)
        at = &(*at)->next;
    *at = waiter->next;
    waiter->is_queued = false;
    atomic_fetch_sub_explicit(&bucket->count, 1, memory_order_relaxed);
}

/* ---- waiting ---- */

/* Queues the record if the word still holds `expected`. The count is raised before the word
 * is read and a waker changes the word before it reads the count, both sequentially
 * consistent: one of the two sees the other. */
static enum wrt_status join_queue(struct bucket *bucket, struct waiter *waiter,
                                  uint32_t expected)
{
    pthread_mutex_lock(&bucket->lock);
    atomic_fetch_add_explicit(&bucket->count, 1, memory_order_seq_cst);
    if (__atomic_load_n(waiter->word, __ATOMIC_SEQ_CST) != expected) {
        atomic_fetch_sub_explicit(&bucket->count, 1, memory_order_relaxed);
        pthread_mutex_unlock(&bucket->lock);
        return WRT_ERR_STATE;
    }
    enqueue(bucket, waiter);
    pthread_mutex_unlock(&bucket->lock);
    return WRT_OK;
}

/* Takes the own record back (W2). false: a waker has it, and its pulse is there (W3). */
static bool leave_queue(struct bucket *bucket, struct waiter *waiter)
{
    bool was_queued;

    pthread_mutex_lock(&bucket->lock);
    was_queued = waiter->is_queued;
    if (was_queued)
        dequeue(bucket, waiter);
    pthread_mutex_unlock(&bucket->lock);
    return was_queued;
}

/* Receives until the pulse of this wait comes; EOK or an errno. Between setting the time and
 * the receive there is nothing: the kernel applies it to the very next call. */
static int receive(const struct waiter *waiter, uint64_t deadline_ns)
{
    struct _pulse pulse;
    int error;

    do {
        if (deadline_ns != UINT64_MAX) {
            error = TimerTimeout_r(CLOCK_MONOTONIC,
                                   (wrt_qnx_timeout_flags)(_NTO_TIMEOUT_RECEIVE | TIMER_ABSTIME),
                                   NULL, &deadline_ns, NULL);
            if (error != EOK)
                return error;
        }
        error = MsgReceivePulse_r(waiter->chid, &pulse, sizeof pulse, NULL);
    } while (error == EOK &&
             (pulse.code != WAKE_CODE || pulse.value.sival_int != waiter->sequence));
    return error;
}

/* Takes the pulse that a waker has sent for sure. */
static void take_pulse(struct waiter *waiter)
{
    int error;

    do {
        error = receive(waiter, UINT64_MAX);
    } while (error == EINTR);
    if (error != EOK)
        close_channel(waiter); /* the pulse went with it */
}

static enum wrt_status end_wait(struct bucket *bucket, struct waiter *waiter, int error)
{
    if (error == EOK)
        return WRT_OK;
    if (!leave_queue(bucket, waiter)) {
        take_pulse(waiter);
        return WRT_OK;
    }
    switch (error) {
    case ETIMEDOUT:
        return WRT_ERR_TIMEOUT;
    case EINTR:
        return WRT_ERR_INTERRUPTED;
    default:
        close_channel(waiter); /* it is of no use any more */
        return wrt_qnx_to_status(error);
    }
}

enum wrt_status wrt_port_wait(const uint32_t *word, uint32_t expected, uint64_t deadline_ns,
                              bool is_shared)
{
    struct bucket *bucket = bucket_of(word);
    enum wrt_status status;

    if (is_shared) /* another process could not find our channel */
        return WRT_ERR_UNSUPPORTED;
    if (deadline_ns == 0)
        return __atomic_load_n(word, __ATOMIC_SEQ_CST) != expected ? WRT_ERR_STATE
                                                                   : WRT_ERR_TIMEOUT;
    wrt_qnx_note_requested(WRT_QNX_PULSE_WAIT);
    status = ensure_started();
    if (status == WRT_OK)
        status = open_channel(&mine);
    if (status != WRT_OK)
        return status;
    mine.word = word;
    mine.sequence = (int32_t)((uint32_t)mine.sequence + 1);
    mine.priority = wrt_qnx_current_priority();
    status = join_queue(bucket, &mine, expected);
    if (status != WRT_OK)
        return status;
    return end_wait(bucket, &mine, receive(&mine, deadline_ns));
}

/* ---- waking ---- */

enum { RETRY_LIMIT = 1000, RETRY_NS = 1000000 };

/* Takes the record that *link names off the queue and sends its pulse; with the lock. From
 * the pulse on, the waiter may be gone from its wait and in another one, so the record must
 * be off the queue before, and is not touched after. */
static int wake_at(struct bucket *bucket, struct waiter **link)
{
    struct waiter *waiter = *link;
    int error;

    *link = waiter->next;
    waiter->is_queued = false;
    error = MsgSendPulse_r(waiter->coid, SENDERS_PRIORITY, WAKE_CODE,
                           (wrt_qnx_pulse_value)waiter->sequence);
    if (error == EOK) {
        atomic_fetch_sub_explicit(&bucket->count, 1, memory_order_relaxed);
    } else { /* nothing was sent: it waits on, in its old place */
        waiter->is_queued = true;
        *link = waiter;
    }
    return error;
}

/* Wakes the first waiters of the word; with the lock. Stops at the first that the kernel has
 * no pulse for: *error says so, and it is still queued. */
static uint32_t wake_queued(struct bucket *bucket, const uint32_t *word, uint32_t count,
                            int *error)
{
    struct waiter **link = &bucket->first;
    uint32_t woken = 0;

    *error = EOK;
    while (*link != NULL && woken < count && *error == EOK) {
        if ((*link)->word != word) {
            link = &(*link)->next;
            continue;
        }
        *error = wake_at(bucket, link);
        if (*error == EOK)
            woken++;
    }
    return woken;
}

/* A pulse to a thread that already receives needs no memory, and a queued waiter is on its
 * way there: so when the kernel has no pulse left, sleep a little and try again. */
static uint32_t wake_patiently(struct bucket *bucket, const uint32_t *word, uint32_t count,
                               int *error)
{
    static const struct timespec pause = {.tv_nsec = RETRY_NS};
    uint32_t woken = 0;

    for (int tries = 0; tries < RETRY_LIMIT; tries++) {
        if (tries != 0)
            (void)nanosleep(&pause, NULL);
        pthread_mutex_lock(&bucket->lock);
        woken += wake_queued(bucket, word, count - woken, error);
        pthread_mutex_unlock(&bucket->lock);
        if (*error != EAGAIN)
            break;
    }
    return woken;
}

enum wrt_status wrt_port_wake(const uint32_t *word, uint32_t count, bool is_shared,
                              uint32_t *out_woken)
{
    struct bucket *bucket = bucket_of(word);
    uint32_t woken = 0;
    int error = EOK;

    if (is_shared)
        return WRT_ERR_UNSUPPORTED;
    if (atomic_fetch_add_explicit(&bucket->count, 0, memory_order_seq_cst) != 0 && count != 0)
        woken = wake_patiently(bucket, word, count, &error);
    if (error != EOK && woken == 0)
        return wrt_qnx_to_status(error);
    *out_woken = woken;
    return WRT_OK;
}
