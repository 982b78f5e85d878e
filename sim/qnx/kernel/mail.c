/* mail.c - pulses between processes that are host processes of their own. Facts 5.2.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Channels are structures of the process that owns them, so a pulse from another host process
 * goes into that process's mailbox in the machine's shared state, and a servant thread there
 * queues it as if it had been sent from inside. Only pulses travel so: no messages, and not the
 * news that a process was killed. What the mailbox has no room for is EAGAIN, as for the
 * kernel's own memory; a private pool does not bound what comes this way.
 */
#include "kernel.h"

static bool has_servant;

static struct mailbox *mailbox_of(const struct process_state *state) {
    return &machine->mailboxes[state - machine->processes];
}

void mail_init(void) {
    for (int i = 0; i < MAX_PROCESSES; i++) host_shared_lock_init(machine->mailboxes[i].lock);
}

/* What was meant for the process that had this place before. */
void mail_clear(const struct process_state *state) {
    struct mailbox *box = mailbox_of(state);
    host_shared_lock(box->lock);
    box->first = box->count = 0;
    memset(box->channels, 0, sizeof box->channels);
    host_shared_unlock(box->lock);
}

static bool take(struct mailbox *box, struct mail *out) {
    host_shared_lock(box->lock);
    bool is_there = box->count > 0;
    if (is_there) {
        *out = box->slots[box->first];
        box->first = (box->first + 1) % MAIL_SLOTS;
        box->count--;
    }
    host_shared_unlock(box->lock);
    return is_there;
}

static void *serve(void *raw) {
    struct mailbox *box = mailbox_of(processes->state);
    struct mail mail;
    (void)raw;
    for (;;) {
        uint32_t bell = __atomic_load_n(&box->bell, __ATOMIC_ACQUIRE);
        while (take(box, &mail)) {
            host_lock();
            channel_arrived(&mail);
            host_unlock();
        }
        host_shared_sleep(&box->bell, bell);
    }
    return NULL;
}

static struct public_channel *find(struct mailbox *box, int chid) {
    for (int i = 0; i < PUBLIC_CHANNELS; i++) {
        if (box->channels[i].chid == chid) return &box->channels[i];
    }
    return NULL;
}

void mail_announce(int chid, unsigned flags) {
    struct mailbox *box = mailbox_of(processes->state);
    host_shared_lock(box->lock);
    struct public_channel *slot = find(box, 0);
    if (slot) *slot = (struct public_channel){chid, flags};
    host_shared_unlock(box->lock);
    if (!has_servant) host_servant(serve);
    has_servant = true;
}

void mail_withdraw(int chid) {
    struct mailbox *box = mailbox_of(processes->state);
    host_shared_lock(box->lock);
    struct public_channel *slot = find(box, chid);
    if (slot) slot->chid = 0;
    host_shared_unlock(box->lock);
}

static struct mailbox *mailbox_with(int pid, int chid, unsigned *flags) {
    const struct process_state *state = process_state_of(pid);
    if (!state || chid == 0) return NULL;
    struct mailbox *box = mailbox_of(state);
    host_shared_lock(box->lock);
    const struct public_channel *slot = find(box, chid);
    if (slot) *flags = slot->flags;
    host_shared_unlock(box->lock);
    return slot ? box : NULL;
}

bool mail_finds(int pid, int chid, unsigned *flags) { return mailbox_with(pid, chid, flags) != NULL; }

int mail_send(int pid, const struct mail *mail) {
    unsigned flags;
    struct mailbox *box = mailbox_with(pid, mail->chid, &flags);
    if (!box) return ESRCH;
    host_shared_lock(box->lock);
    bool has_room = box->count < MAIL_SLOTS;
    if (has_room) box->slots[(box->first + box->count++) % MAIL_SLOTS] = *mail;
    host_shared_unlock(box->lock);
    if (!has_room) return EAGAIN;
    __atomic_fetch_add(&box->bell, 1, __ATOMIC_RELEASE);
    host_shared_wake(&box->bell);
    return EOK;
}
