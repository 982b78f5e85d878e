/* channel.c - channels, connections, pulses and messages. Facts 5.1, 5.2.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A channel has one queue of pulses and messages, by priority, then first in first out.
 * Invariant: a thread waits in a channel's receiver list only while nothing that it would
 * take is queued there.
 */
#include "kernel.h"

#include <sys/procmgr.h>

#include <stdlib.h>

struct entry { /* of a channel's queue: a pulse, or a sender that waits */
    bool is_pulse;
    int priority, code, scoid;
    union sigval value;
    uint32_t count; /* equal pulses in a row are one entry */
    struct thread *sender;
    struct entry *next;
};

struct channel {
    int chid;
    unsigned flags;
    struct process *owner;
    struct entry *queue;
    struct thread *receivers;
    uint32_t pool_limit, pool_used; /* private pulses; limit 0: none */
    struct channel *next;
};

struct connection {
    int coid, scoid;
    struct process *owner;
    struct channel *channel; /* NULL once it was destroyed, or in another host process */
    int remote_pid, remote_chid; /* 0: it is of this host process */
    bool tells_disconnect;
    bool in_fd_space;
    struct connection *next;
};

#if QNXSIM_RELEASE >= 700
#define PRIVATE_CHANNEL _NTO_CHF_PRIVATE
#else
#define PRIVATE_CHANNEL 0
#endif

static struct channel *channels;
static struct connection *connections;
static int last_chid, last_side, last_scoid;
static struct late {
    struct channel *channel;
    int scoid, priority, code;
    union sigval value;
    bool is_held;
} late;

static struct channel *channel_find(struct process *owner, int chid) {
    struct channel *c = channels;
    while (c && !(c->chid == chid && c->owner == owner)) c = c->next;
    return c;
}

static struct connection *connection_find(struct process *owner, int coid) {
    struct connection *c = connections;
    while (c && !(c->coid == coid && c->owner == owner)) c = c->next;
    return c;
}

/* ---- priorities ---- */

static bool is_fixed(const struct channel *channel) {
    return channel->flags & _NTO_CHF_FIXED_PRIORITY;
}

/* 5.2: without FIXED_PRIORITY the receiver takes the pulse's or the sender's priority. */
static void adopt_priority(struct thread *receiver, const struct channel *channel, int priority) {
    if (!is_fixed(channel)) thread_set_priority(receiver, priority);
}

/* 5.2: and whoever last received there is boosted while something waits in the queue. */
static void boost_last_receivers(struct channel *channel, int priority) {
    if (is_fixed(channel)) return;
    for (struct thread *t = threads; t; t = t->next) {
        if (t->last_chid == channel->chid && t->process == channel->owner &&
            t->run_priority < priority) {
            thread_set_priority(t, priority);
        }
    }
}

/* ---- the queue ---- */

static void enqueue(struct channel *channel, const struct entry *from) {
    struct entry **at = &channel->queue;
    while (*at && (*at)->priority >= from->priority) at = &(*at)->next;
    struct entry *entry = host_allocate(sizeof *entry);
    *entry = *from;
    entry->next = *at;
    *at = entry;
    boost_last_receivers(channel, from->priority);
}

/* 5.2 compression: only with the last entry queued at that priority. */
static bool merge(struct channel *channel, const struct entry *pulse) {
    struct entry *last = NULL;
    for (struct entry *e = channel->queue; e; e = e->next) {
        if (e->priority == pulse->priority) last = e;
    }
    if (!last || !last->is_pulse || last->code != pulse->code || last->scoid != pulse->scoid ||
        last->value.sival_ptr != pulse->value.sival_ptr) {
        return false;
    }
    last->count++;
    return true;
}

static struct entry *first_for(struct channel *channel, bool pulses_only) {
    struct entry *e = channel->queue;
    while (e && pulses_only && !e->is_pulse) e = e->next;
    return e;
}

static void give_back_pulse(struct channel *channel) {
    if (channel->pool_limit) channel->pool_used--;
    else knobs.pulses_queued--;
}

static void dequeue(struct channel *channel, struct entry *entry) {
    struct entry **at = &channel->queue;
    while (*at != entry) at = &(*at)->next;
    *at = entry->next;
    host_free(entry);
}

/* ---- receiving ---- */

static void remove_receiver(struct channel *channel, struct thread *thread) {
    struct thread **at = &channel->receivers;
    while (*at && *at != thread) at = &(*at)->queue_next;
    if (!*at) return;
    *at = thread->queue_next;
    thread->queue_next = NULL;
}

static struct thread *best_receiver(struct channel *channel, bool for_message) {
    struct thread *best = NULL;
    for (struct thread *t = channel->receivers; t; t = t->queue_next) {
        if (for_message && t->receive_pulses_only) continue;
        if (!best || t->priority > best->priority) best = t;
    }
    return best;
}

/* EOK, or EFAULT. */
static int fill_pulse(const struct thread *receiver, const struct entry *pulse) {
    struct _pulse out;
    memset(&out, 0, sizeof out);
    out.type = _PULSE_TYPE;
    out.subtype = _PULSE_SUBTYPE;
    out.code = (int8_t)pulse->code;
    out.value = pulse->value;
    out.scoid = pulse->scoid;
    if (receiver->receive_bytes < sizeof out) return EFAULT; /* 5.2 */
    return host_copy(receiver->receive_buffer, &out, sizeof out) ? EOK : EFAULT;
}

static int64_t rcvid_of(const struct thread *sender) {
#if QNXSIM_RELEASE >= 800
    return INT64_C(1) << 40 | sender->tid; /* trap 8: does not fit an int */
#else
    return sender->tid;
#endif
}

/* The sender's message goes to the receiver; the sender waits for the reply from now on. */
static int fill_message(struct thread *receiver, struct thread *sender, struct channel *channel) {
    size_t bytes = sender->send_bytes < receiver->receive_bytes ? sender->send_bytes
                                                                : receiver->receive_bytes;
    if (bytes && !host_copy(receiver->receive_buffer, sender->send_message, bytes)) return EFAULT;
    struct _msg_info info;
    memset(&info, 0, sizeof info);
    info.pid = sender->process->state->pid;
    info.tid = sender->tid;
    info.chid = channel->chid;
    info.coid = sender->send_coid;
    info.msglen = (int32_t)bytes;
    info.srcmsglen = (int32_t)sender->send_bytes;
    info.priority = (int16_t)sender->send_priority;
    if (receiver->receive_info && !host_copy(receiver->receive_info, &info, sizeof info)) return EFAULT;
    sender->state = STATE_REPLY;
    receiver->received_rcvid = rcvid_of(sender);
    receiver->partition = sender->partition; /* 4: receivers run in the sender's partition */
    adopt_priority(receiver, channel, sender->send_priority);
    return EOK;
}

static int take_first(struct thread *self, struct channel *channel, struct entry *entry) {
    int result;
    if (entry->is_pulse) {
        result = fill_pulse(self, entry);
        if (result == EOK) adopt_priority(self, channel, entry->priority);
        self->received_rcvid = 0;
        self->partition = self->process->state->partition; /* 4: pulses bill the receiver */
        give_back_pulse(channel);
        if (--entry->count == 0) dequeue(channel, entry);
        return result;
    }
    result = fill_message(self, entry->sender, channel);
    dequeue(channel, entry);
    return result;
}

/* EOK (received_rcvid says what), or the positive errno. */
static int receive(int chid, void *buffer, size_t bytes, struct _msg_info *info, bool pulses_only,
                   enum qnxsim_call call, int64_t *rcvid) {
    int error = kernel_enter(call);
    struct thread *self = thread_self();
    struct channel *channel = channel_find(self->process, chid);
    if (!error && !channel) error = ESRCH;
    if (!error) {
        self->receive_buffer = buffer;
        self->receive_bytes = bytes;
        self->receive_info = info;
        self->receive_pulses_only = pulses_only;
        self->last_chid = chid;
        thread_set_priority(self, self->run_priority);
        struct entry *entry = first_for(channel, pulses_only);
        if (entry) {
            error = take_first(self, channel, entry);
        } else {
            self->queue_next = channel->receivers;
            channel->receivers = self;
            error = thread_block(self, STATE_RECEIVE, channel);
        }
    }
    *rcvid = self->received_rcvid;
    kernel_leave();
    return error;
}

int MsgReceivePulse_r(int chid, void *pulse, QNXSIM_SIZE bytes, struct _msg_info *info) {
    int64_t rcvid;
    return receive(chid, pulse, (size_t)bytes, info, true, QNXSIM_MsgReceivePulse, &rcvid);
}
int MsgReceivePulse(int chid, void *pulse, QNXSIM_SIZE bytes, struct _msg_info *info) {
    return plain(MsgReceivePulse_r(chid, pulse, bytes, info));
}
QNXSIM_RCVID MsgReceive_r(int chid, void *message, size_t bytes, struct _msg_info *info) {
    int64_t rcvid;
    int error = receive(chid, message, bytes, info, false, QNXSIM_MsgReceive, &rcvid);
    return error ? -error : (QNXSIM_RCVID)rcvid;
}
QNXSIM_RCVID MsgReceive(int chid, void *message, size_t bytes, struct _msg_info *info) {
    QNXSIM_RCVID result = MsgReceive_r(chid, message, bytes, info);
    if (result >= 0) return result;
    errno = (int)-result;
    return -1;
}

/* ---- sending pulses ---- */

static int post(struct channel *channel, const struct entry *pulse, bool is_limited) {
    struct thread *receiver = best_receiver(channel, false);
    if (receiver) { /* delivered directly: nothing is queued */
        int result = fill_pulse(receiver, pulse);
        remove_receiver(channel, receiver);
        receiver->received_rcvid = 0;
        receiver->partition = receiver->process->state->partition;
        if (result == EOK) adopt_priority(receiver, channel, pulse->priority);
        thread_ready(receiver, result);
        return result == EOK ? EOK : ESRVRFAULT;
    }
    if (is_limited) {
        bool is_full = channel->pool_limit ? channel->pool_used >= channel->pool_limit
                                           : knobs.pulses_queued >= knobs.pulse_limit;
        if (is_full) return EAGAIN;
    }
    if (channel->pool_limit) channel->pool_used++;
    else knobs.pulses_queued++;
    if (!merge(channel, pulse)) enqueue(channel, pulse);
    return EOK;
}

static int pulse_priority(const struct thread *self, int priority, int *out) {
    *out = priority == -1 ? self->priority : priority;
    if (priority == 0) { /* 5.2: EINVAL in 6.4, silently 1 in 7.1 */
#if QNXSIM_RELEASE < 700
        return EINVAL;
#else
        *out = 1;
#endif
    }
    if (*out < 1 || *out > PRIORITY_LIMIT) return EINVAL;
    if (*out > 63 && priority != -1 && !ability(PROCMGR_AID_PRIORITY)) return EPERM;
    return EOK;
}

static int post_with_faults(struct channel *channel, const struct entry *pulse) {
    if (knobs.pulse_fault_countdown && --knobs.pulse_fault_countdown == 0) {
        if (knobs.pulse_fault == QNXSIM_PULSE_DROP) return EOK;
        if (knobs.pulse_fault == QNXSIM_PULSE_LATE) {
            late = (struct late){channel, pulse->scoid, pulse->priority, pulse->code, pulse->value, true};
            return EOK;
        }
        int first = post(channel, pulse, true);
        if (first != EOK) return first;
    }
    return post(channel, pulse, true);
}

int connection_deliver(struct process *process, int coid, int priority, int code,
                       union sigval value) {
    struct connection *connection = connection_find(process, coid);
    if (!connection) return EBADF;
    if (connection->remote_pid) {
        struct mail mail = {connection->remote_chid, connection->scoid, priority, code, value};
        return mail_send(connection->remote_pid, &mail);
    }
    if (!connection->channel) return ESRCH;
    if (connection->channel->owner->is_dead) return ENXIO;
    struct entry pulse = {.is_pulse = true, .priority = priority, .code = code,
                          .scoid = connection->scoid, .value = value, .count = 1};
    return post_with_faults(connection->channel, &pulse);
}

static int send_pulse(int coid, int priority, int code, union sigval value) {
    int error = kernel_enter(QNXSIM_MsgSendPulse);
    struct thread *self = thread_self();
    int actual = 0;
    if (!error) error = pulse_priority(self, priority, &actual);
    if (!error && (code < -128 || code > 127)) error = EINVAL;
    knobs.last_pulse_priority = actual;
    if (!error) error = connection_deliver(self->process, coid, actual, code, value);
    kernel_leave();
    return error;
}

int MsgSendPulse_r(int coid, int priority, int code, QNXSIM_PULSE_VALUE value) {
    union sigval v;
    memset(&v, 0, sizeof v);
#if QNXSIM_RELEASE >= 800
    v.sival_long = value;
#else
    v.sival_int = value; /* trap 5: 32 bits */
#endif
    return send_pulse(coid, priority, code, v);
}
int MsgSendPulse(int coid, int priority, int code, QNXSIM_PULSE_VALUE value) {
    return plain(MsgSendPulse_r(coid, priority, code, value));
}
#if QNXSIM_RELEASE >= 700
int MsgSendPulsePtr_r(int coid, int priority, int code, void *value) {
    union sigval v = {.sival_ptr = value};
    return send_pulse(coid, priority, code, v);
}
int MsgSendPulsePtr(int coid, int priority, int code, void *value) {
    return plain(MsgSendPulsePtr_r(coid, priority, code, value));
}
#endif

/* From another host process. Its sender was told that it is on its way. */
void channel_arrived(const struct mail *mail) {
    struct channel *channel = channel_find(processes, mail->chid);
    struct entry pulse = {.is_pulse = true, .priority = mail->priority, .code = mail->code,
                          .scoid = mail->scoid, .value = mail->value, .count = 1};
    if (channel) post(channel, &pulse, false);
}

void channels_release_late(void) {
    host_lock();
    if (late.is_held) {
        late.is_held = false;
        struct channel *c = channels;
        while (c && c != late.channel) c = c->next;
        struct entry pulse = {.is_pulse = true, .priority = late.priority, .code = late.code,
                              .scoid = late.scoid, .value = late.value, .count = 1};
        if (c) post(c, &pulse, false);
    }
    host_unlock();
}

/* ---- messages ---- */

long MsgSend_r(int coid, const void *message, size_t bytes, void *reply, size_t reply_bytes) {
    int error = kernel_enter(QNXSIM_MsgSend);
    struct thread *self = thread_self();
    struct connection *connection = connection_find(self->process, coid);
    if (!error && !connection) error = EBADF;
    if (!error && connection->remote_pid) error = ENOTSUP; /* only pulses pass between host processes */
    if (!error && (!connection->channel || connection->channel->owner->is_dead)) error = ESRCH;
    long status = 0;
    if (!error) {
        struct channel *channel = connection->channel;
        self->send_message = message;
        self->send_bytes = bytes;
        self->reply_buffer = reply;
        self->reply_bytes = reply_bytes;
        self->send_priority = self->priority;
        self->send_coid = coid;
        struct thread *receiver = best_receiver(channel, true);
        int state = STATE_SEND;
        if (receiver) {
            remove_receiver(channel, receiver);
            error = fill_message(receiver, self, channel);
            self->state = 0;
            state = STATE_REPLY;
            thread_ready(receiver, error);
        } else {
            struct entry entry = {.priority = self->priority, .sender = self};
            enqueue(channel, &entry);
        }
        if (!error) error = thread_block(self, state, channel);
        status = self->reply_status;
    }
    kernel_leave();
    return error ? -error : status;
}
long MsgSend(int coid, const void *message, size_t bytes, void *reply, size_t reply_bytes) {
    long result = MsgSend_r(coid, message, bytes, reply, reply_bytes);
    if (result >= 0) return result;
    errno = (int)-result;
    return -1;
}

int MsgReply_r(QNXSIM_RCVID rcvid, long status, const void *reply, size_t bytes) {
    int error = kernel_enter(QNXSIM_MsgReply);
    struct thread *sender = NULL;
    for (struct thread *t = threads; t && !sender; t = t->next) {
        if (rcvid_of(t) == (int64_t)rcvid && t->state == STATE_REPLY) sender = t;
    }
    if (!error && !sender) error = ESRCH;
    if (!error) {
        size_t copied = bytes < sender->reply_bytes ? bytes : sender->reply_bytes;
        if (copied && !host_copy(sender->reply_buffer, reply, copied)) error = EFAULT;
        if (!error) {
            sender->reply_status = status;
            thread_ready(sender, EOK);
        }
    }
    kernel_leave();
    return error ? -error : 0;
}
int MsgReply(QNXSIM_RCVID rcvid, long status, const void *reply, size_t bytes) {
    return plain_id(MsgReply_r(rcvid, status, reply, bytes));
}

/* ---- leaving a queue early: timeout, signal, death ---- */

void thread_left_queue(struct thread *thread, int reason) {
    (void)reason;
    for (struct channel *c = channels; c; c = c->next) {
        remove_receiver(c, thread);
        for (struct entry *e = c->queue, *next; e; e = next) {
            next = e->next;
            if (!e->is_pulse && e->sender == thread) dequeue(c, e);
        }
    }
}

/* ---- creating and destroying ---- */

static int create(unsigned flags, uint32_t pool) {
    struct thread *self = thread_self();
    struct process *process = self->process;
    unsigned once[2] = {_NTO_CHF_THREAD_DEATH, _NTO_CHF_COID_DISCONNECT};
    for (int i = 0; i < 2; i++) {
        if ((flags & once[i]) && process->has_death_channel[i]) return EBUSY; /* trap 18 */
    }
    if (flags & _NTO_CHF_NET_MSG) return EPERM;
#if QNXSIM_RELEASE >= 700
    if (!(flags & _NTO_CHF_PRIVATE) && !ability(PROCMGR_AID_PUBLIC_CHANNEL)) return EPERM;
#endif
#if QNXSIM_RELEASE >= 800
    uint64_t count = 0;
    for (struct channel *c = channels; c; c = c->next) count += c->owner == process;
    if (count >= process->state->limits[RLIMIT_CHANNELS_NP].rlim_cur) return EAGAIN;
#endif
    struct channel *channel = host_allocate(sizeof *channel);
    channel->chid = ++last_chid;
    channel->flags = flags;
    channel->owner = process;
    channel->pool_limit = pool;
    channel->next = channels;
    channels = channel;
    for (int i = 0; i < 2; i++) {
        if (flags & once[i]) process->has_death_channel[i] = true;
    }
    knobs.last_chid = channel->chid;
    if (process == processes && !(flags & PRIVATE_CHANNEL)) mail_announce(channel->chid, flags);
    return -channel->chid;
}

int ChannelCreate_r(unsigned flags) {
    int error = kernel_enter(QNXSIM_ChannelCreate);
    int result = error ? error : create(flags, 0);
    kernel_leave();
    return -result;
}
int ChannelCreate(unsigned flags) { return plain_id(ChannelCreate_r(flags)); }

#if QNXSIM_RELEASE >= 800
int ChannelCreatePulsePool(unsigned flags, const struct nto_channel_config *config) {
    int error = kernel_enter(QNXSIM_ChannelCreate);
    int result = error;
    if (!error && !(flags & _NTO_CHF_PULSE_POOL)) result = EINVAL;
    if (!result && (!config || config->num_pulses == 0 || config->reserved[0] != 0 ||
                    (config->options & ~(unsigned)_NTO_CHO_CUSTOM_EVENT))) {
        result = EINVAL;
    }
    if (!result) result = create(flags, config->num_pulses);
    kernel_leave();
    return plain_id(-result);
}

int ChannelCtl(int chid, int command, void *data) {
    int error = kernel_enter(QNXSIM_ChannelCreate);
    struct channel *channel = channel_find(thread_self()->process, chid);
    const struct nto_channel_config *config = data;
    if (!error && !channel) error = ESRCH;
    if (!error && (command != _NTO_CCTL_PULSE_POOL || !(channel->flags & _NTO_CHF_PULSE_POOL) ||
                   config->num_pulses == 0)) {
        error = EINVAL;
    }
    if (!error && channel->pool_limit) error = EBUSY;
    if (!error) channel->pool_limit = config->num_pulses;
    kernel_leave();
    return plain(error);
}
#endif

static void notify_process(struct process *process, unsigned flag, int code, int value) {
    for (struct channel *c = channels; c; c = c->next) {
        if (c->owner != process || !(c->flags & flag)) continue;
        struct entry pulse = {.is_pulse = true, .priority = 10, .code = code, .count = 1};
        pulse.value.sival_int = value;
        post(c, &pulse, false);
    }
}

static void destroy(struct channel *channel) {
    struct channel **at = &channels;
    while (*at != channel) at = &(*at)->next;
    *at = channel->next;
    while (channel->queue) {
        struct entry *e = channel->queue;
        if (e->is_pulse) {
            for (uint32_t i = 0; i < e->count; i++) give_back_pulse(channel);
        } else {
            thread_ready(e->sender, ESRCH);
        }
        dequeue(channel, e);
    }
    while (channel->receivers) {
        struct thread *t = channel->receivers;
        remove_receiver(channel, t);
        thread_ready(t, ESRCH);
    }
    for (struct thread *t = threads; t; t = t->next) {
        if (t->state == STATE_REPLY && t->waits_for == channel) thread_ready(t, ESRCH);
    }
    for (struct connection *c = connections; c; c = c->next) {
        if (c->channel != channel) continue;
        c->channel = NULL;
        notify_process(c->owner, _NTO_CHF_COID_DISCONNECT, _PULSE_CODE_COIDDEATH, c->coid);
    }
    if (channel->owner == processes) mail_withdraw(channel->chid);
    if (channel->flags & _NTO_CHF_THREAD_DEATH) channel->owner->has_death_channel[0] = false;
    if (channel->flags & _NTO_CHF_COID_DISCONNECT) channel->owner->has_death_channel[1] = false;
    host_free(channel);
}

int ChannelDestroy_r(int chid) {
    int error = kernel_enter(QNXSIM_ChannelDestroy);
    struct channel *channel = channel_find(thread_self()->process, chid);
    if (!error && !channel) error = EINVAL;
    if (!error) destroy(channel);
    kernel_leave();
    return error;
}
int ChannelDestroy(int chid) { return plain(ChannelDestroy_r(chid)); }

/* 5.2: whose user is another's, and whose channel is private. */
static int may_connect(const struct process *from, const struct process_state *to, unsigned flags) {
    if (from->state == to) return EOK;
    if ((flags & PRIVATE_CHANNEL) && !ability(PROCMGR_AID_CONNECTION)) return EPERM;
    return from->state->uid == 0 || from->state->uid == to->uid ? EOK : EPERM;
}

static int attach(uint32_t node, pid_t pid, int chid, unsigned index, int flags) {
    struct thread *self = thread_self();
    if (flags & ~_NTO_COF_CLOEXEC) return EINVAL;
    struct process *target = pid == 0 ? self->process : process_find(pid);
    const struct process_state *state = target ? target->state : process_state_of(pid);
    struct channel *channel = target && !target->is_dead ? channel_find(target, chid) : NULL;
    unsigned channel_flags = channel ? channel->flags : 0;
    if (node != 0 || !state) return ESRCH;
    if (target ? !channel : !mail_finds(pid, chid, &channel_flags)) return ESRCH;
    int error = may_connect(self->process, state, channel_flags);
    if (error) return error;
#if QNXSIM_RELEASE >= 700
    uint64_t count = 0;
    for (struct connection *c = connections; c; c = c->next) count += c->owner == self->process;
    if (count >= self->process->state->limits[RLIMIT_NOCONN_NP].rlim_cur) return EMFILE;
#endif
    struct connection *connection = host_allocate(sizeof *connection);
    connection->in_fd_space = !(index & _NTO_SIDE_CHANNEL); /* trap 17 */
    connection->coid = connection->in_fd_space ? host_placeholder_fd()
                                               : (int)(_NTO_SIDE_CHANNEL | (unsigned)++last_side);
    connection->scoid = ++last_scoid;
    connection->owner = self->process;
    connection->channel = channel;
    connection->remote_pid = target ? 0 : pid;
    connection->remote_chid = chid;
    connection->tells_disconnect = channel_flags & _NTO_CHF_DISCONNECT;
    connection->next = connections;
    connections = connection;
    return -connection->coid;
}

int ConnectAttach_r(uint32_t node, pid_t process, int chid, unsigned index, int flags) {
    int error = kernel_enter(QNXSIM_ConnectAttach);
    int result = error ? error : attach(node, process, chid, index, flags);
    kernel_leave();
    return -result;
}
int ConnectAttach(uint32_t node, pid_t process, int chid, unsigned index, int flags) {
    return plain_id(ConnectAttach_r(node, process, chid, index, flags));
}

static void detach(struct connection *connection) {
    struct connection **at = &connections;
    while (*at != connection) at = &(*at)->next;
    *at = connection->next;
    if (connection->in_fd_space) host_fd_close(connection->coid);
    struct channel *channel = connection->channel;
    if (channel && (channel->flags & _NTO_CHF_DISCONNECT)) {
        struct entry pulse = {.is_pulse = true, .priority = 10, .code = _PULSE_CODE_DISCONNECT,
                              .scoid = connection->scoid, .count = 1};
        post(channel, &pulse, false);
    }
    if (connection->remote_pid && connection->tells_disconnect) {
        struct mail mail = {connection->remote_chid, connection->scoid, 10, _PULSE_CODE_DISCONNECT, {0}};
        mail_send(connection->remote_pid, &mail);
    }
    host_free(connection);
}

int ConnectDetach_r(int coid) {
    int error = kernel_enter(QNXSIM_ConnectDetach);
    struct connection *connection = connection_find(thread_self()->process, coid);
    if (!error && !connection) error = EINVAL;
    if (!error) detach(connection);
    kernel_leave();
    return error;
}
int ConnectDetach(int coid) { return plain(ConnectDetach_r(coid)); }

void channels_forget_process(struct process *process) {
    for (struct channel *c = channels, *next; c; c = next) {
        next = c->next;
        if (c->owner == process) destroy(c);
    }
    for (struct connection *c = connections, *next; c; c = next) {
        next = c->next;
        if (c->owner == process) detach(c);
    }
}

/* ---- observation ---- */

uint32_t qnxsim_pulses_queued(void) {
    uint32_t count = 0;
    host_lock();
    for (struct channel *c = channels; c; c = c->next) {
        for (const struct entry *e = c->queue; e; e = e->next) count += e->is_pulse ? e->count : 0;
    }
    host_unlock();
    return count;
}

uint32_t qnxsim_channels(void) {
    kernel_init();
    host_lock();
    uint32_t count = 0;
    for (struct channel *c = channels; c; c = c->next) count += c->owner == thread_self()->process;
    host_unlock();
    return count;
}

uint32_t qnxsim_connections(void) {
    kernel_init();
    host_lock();
    uint32_t count = 0;
    for (struct connection *c = connections; c; c = c->next) count += c->owner == thread_self()->process;
    host_unlock();
    return count;
}

unsigned qnxsim_channel_flags(int chid) {
    host_lock();
    struct channel *channel = channel_find(thread_self()->process, chid);
    unsigned flags = channel ? channel->flags : 0;
    host_unlock();
    return flags;
}

void qnxsim_kernel_pulse(int code) {
    host_lock();
    for (struct channel *c = channels; c; c = c->next) {
        struct entry pulse = {.is_pulse = true, .priority = 10, .code = code, .count = 1};
        post(c, &pulse, false);
    }
    host_unlock();
}
