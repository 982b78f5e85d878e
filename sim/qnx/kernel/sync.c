/* sync.c - mutexes with priority inheritance, condition variables, semaphores. Facts 5.4.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A mutex has a kernel record only while it is locked. Locking a free one and unlocking
 * one that nobody waits for happen in user mode on QNX: they are switch points here, but
 * are not counted as kernel calls.
 */
#include "sync.h"

struct mutex {
    sync_t *word;
    struct thread *owner;
    uint32_t count;
    int protocol, type, ceiling;
    bool is_robust, is_inconsistent, is_lost; /* its owner died; was not repaired */
    struct mutex *next, *next_owned;
};

static struct mutex *mutexes;
struct thread dead_owner; /* of what is locked for ever */

static struct mutex *mutex_find(const sync_t *word) {
    struct mutex *m = mutexes;
    while (m && m->word != word) m = m->next;
    return m;
}

/* ---- priority inheritance ---- */

void thread_recompute(struct thread *thread) {
    for (int depth = 0; thread && depth < 64; depth++) {
        int priority = thread->run_priority;
        for (struct mutex *m = thread->owned; m; m = m->next_owned) {
            if (m->protocol == PTHREAD_PRIO_PROTECT && m->ceiling > priority) priority = m->ceiling;
            for (struct thread *t = threads; t; t = t->next) {
                if (m->protocol != PTHREAD_PRIO_INHERIT) break;
                if (t->state == STATE_MUTEX && t->waits_for == m->word && t->priority > priority) {
                    priority = t->priority;
                }
            }
        }
        if (priority == thread->priority) return;
        thread->priority = priority;
        struct mutex *blocked_on =
            thread->state == STATE_MUTEX ? mutex_find(thread->waits_for) : NULL;
        thread = blocked_on ? blocked_on->owner : NULL;
    }
}

/* ---- ownership ---- */

static void disown(struct mutex *mutex) {
    struct mutex **at = &mutex->owner->owned;
    while (*at != mutex) at = &(*at)->next_owned;
    *at = mutex->next_owned;
    mutex->owner = NULL;
}

static void own(struct mutex *mutex, struct thread *thread) {
    mutex->owner = thread;
    mutex->count = 1;
    mutex->next_owned = thread->owned;
    thread->owned = mutex;
    thread_recompute(thread);
}

static void mutex_forget(struct mutex *mutex) {
    struct mutex **at = &mutexes;
    while (*at != mutex) at = &(*at)->next;
    *at = mutex->next;
    host_free(mutex);
}

static struct thread *best_waiter(int state, const void *object) {
    struct thread *best = NULL;
    for (struct thread *t = threads; t; t = t->next) { /* the list is newest first */
        if (t->state != state || t->waits_for != object) continue;
        if (!best || t->priority > best->priority ||
            (t->priority == best->priority && t->wait_order < best->wait_order)) {
            best = t;
        }
    }
    return best;
}

static void take(sync_t *word, struct thread *thread) {
    struct mutex *mutex = host_allocate(sizeof *mutex);
    mutex->word = word;
    mutex->protocol = word->__count & 3;
    mutex->type = word->__count >> 2 & 3;
    mutex->is_robust = word->__count & PTHREAD_MUTEX_ROBUST;
    mutex->ceiling = word->__count >> 8 & 0xff;
    mutex->next = mutexes;
    mutexes = mutex;
    own(mutex, thread);
}

static uint64_t last_order;

static int wait_for_mutex(struct thread *self, struct mutex *mutex) {
    self->wait_order = ++last_order;
    self->state = STATE_MUTEX; /* visible to the inheritance below */
    self->waits_for = mutex->word;
    thread_recompute(mutex->owner);
    return thread_block(self, STATE_MUTEX, mutex->word);
}

/* 5.4: even the default type detects a relock. */
static int relock(struct mutex *mutex) {
    if (mutex->type != PTHREAD_MUTEX_RECURSIVE) return EDEADLK;
    mutex->count++;
    return EOK;
}

/* The next owner of a robust mutex is told, and must repair it before it lets it go. */
static int inherit(struct mutex *mutex, struct thread *thread) {
    if (mutex->is_lost) return ENOTRECOVERABLE;
    own(mutex, thread);
    mutex->is_inconsistent = true;
    return EOWNERDEAD;
}

int sync_mutex_consistent(sync_t *word) {
    host_lock();
    struct mutex *mutex = mutex_find(word);
    bool is_ours = mutex && mutex->owner == thread_self() && mutex->is_inconsistent;
    if (is_ours) mutex->is_inconsistent = false;
    host_unlock();
    return is_ours ? EOK : EINVAL;
}

bool sync_mutex_is_held(const sync_t *word) {
    host_lock();
    struct mutex *mutex = mutex_find(word);
    bool is_held = mutex && mutex->owner;
    if (mutex && !is_held) mutex_forget(mutex);
    host_unlock();
    return is_held;
}

int sync_mutex_lock(sync_t *word, bool try_only) {
    kernel_enter_quietly();
    struct thread *self = thread_self();
    struct mutex *mutex = mutex_find(word);
    int error = EOK;
    bool is_above = (word->__count & 3) == PTHREAD_PRIO_PROTECT && self->priority > (word->__count >> 8 & 0xff);
    if (is_above && !(mutex && mutex->owner == self)) {
        error = EINVAL;
    } else if (!mutex) {
        take(word, self);
    } else if (!mutex->owner) { /* robust, left by a thread that ended */
        error = inherit(mutex, self);
    } else if (mutex->owner == self) {
        error = try_only && mutex->type != PTHREAD_MUTEX_RECURSIVE ? EBUSY : relock(mutex);
    } else if (try_only) {
        error = EBUSY;
        self->timeout_flags = 0; /* 5.4: trylock uses TimerTimeout itself */
    } else {
        host_unlock();
        error = kernel_enter(QNXSIM_SyncMutexLock);
        mutex = mutex_find(word); /* the explorer may have switched */
        if (!error && !mutex) take(word, self);
        else if (!error && !mutex->owner) error = inherit(mutex, self);
        else if (!error) error = wait_for_mutex(self, mutex);
        kernel_leave();
        return error;
    }
    host_unlock();
    return error;
}

/* Hands the mutex to the waiter that goes first, or drops its record. */
static void release(struct mutex *mutex) {
    struct thread *owner = mutex->owner;
    disown(mutex);
    if (mutex->is_inconsistent) { /* let go without repair: lost for ever */
        mutex->is_lost = true;
        for (struct thread *t = threads; t; t = t->next) {
            if (t->state == STATE_MUTEX && t->waits_for == mutex->word) thread_ready(t, ENOTRECOVERABLE);
        }
        thread_recompute(owner);
        return;
    }
    struct thread *next = best_waiter(STATE_MUTEX, mutex->word);
    if (next) {
        own(mutex, next);
        thread_ready(next, EOK);
        thread_recompute(next);
    } else {
        mutex_forget(mutex);
    }
    thread_recompute(owner);
}

int sync_mutex_unlock(sync_t *word) {
    kernel_enter_quietly();
    struct thread *self = thread_self();
    struct mutex *mutex = mutex_find(word);
    int error = EOK;
    if (!mutex || mutex->owner != self) {
        error = EPERM;
    } else if (--mutex->count > 0) {
        /* still held */
    } else if (!best_waiter(STATE_MUTEX, word)) {
        release(mutex);
    } else {
        __atomic_fetch_add(&knobs.calls[QNXSIM_SyncMutexUnlock], 1, __ATOMIC_RELAXED);
        release(mutex);
    }
    host_unlock();
    return error;
}

void sync_left_queue(struct thread *thread) {
    if (thread->waits_for == NULL) return;
    struct mutex *mutex = mutex_find(thread->waits_for);
    if (mutex && mutex->owner) thread_recompute(mutex->owner);
}

/* A thread that ends holding a mutex leaves it locked for ever (not robust, 5.4). */
void sync_forget_thread(struct thread *thread) {
    while (thread->owned) {
        struct mutex *mutex = thread->owned;
        thread->owned = mutex->next_owned;
        mutex->next_owned = NULL;
        mutex->owner = mutex->is_robust ? NULL : &dead_owner;
        struct thread *next = best_waiter(STATE_MUTEX, mutex->word);
        if (mutex->is_robust && next) thread_ready(next, inherit(mutex, next));
    }
}

/* ---- condition variables ---- */

int sync_cond_wait(sync_t *condition, sync_t *mutex_word) {
    int error = kernel_enter(QNXSIM_SyncCondvarWait);
    struct thread *self = thread_self();
    struct mutex *mutex = mutex_find(mutex_word);
    if (!error && (!mutex || mutex->owner != self)) error = EPERM;
    if (error) {
        kernel_leave();
        return error;
    }
    self->wait_order = ++last_order;
    release(mutex);
    int result = thread_block(self, STATE_CONDVAR, condition);
    self->timeout_flags = 0;
    host_unlock();
    sync_mutex_lock(mutex_word, false);
    return result;
}

int sync_cond_signal(sync_t *condition, bool all) {
    int error = kernel_enter(QNXSIM_SyncCondvarSignal);
    struct thread *waiter;
    while (!error && (waiter = best_waiter(STATE_CONDVAR, condition)) != NULL) {
        thread_ready(waiter, EOK);
        if (!all) break;
    }
    kernel_leave();
    return error;
}

/* ---- semaphores: the count is in the word ---- */

int sync_sem_wait(sync_t *semaphore, bool try_only) {
    int error = kernel_enter(QNXSIM_SyncSemWait);
    struct thread *self = thread_self();
    if (!error && semaphore->__count > 0) {
        semaphore->__count--;
    } else if (!error && try_only) {
        error = EAGAIN;
    } else if (!error) {
        self->wait_order = ++last_order;
        error = thread_block(self, STATE_SEM, semaphore);
    }
    kernel_leave();
    return error;
}

int sync_sem_post(sync_t *semaphore) {
    int error = kernel_enter(QNXSIM_SyncSemPost);
    if (!error) {
        struct thread *waiter = best_waiter(STATE_SEM, semaphore);
        if (waiter) thread_ready(waiter, EOK);
        else semaphore->__count++;
    }
    kernel_leave();
    return error;
}

int SyncMutexLock_r(sync_t *m) { return sync_mutex_lock(m, false); }
int SyncMutexUnlock_r(sync_t *m) { return sync_mutex_unlock(m); }
int SyncCondvarWait_r(sync_t *c, sync_t *m) { return sync_cond_wait(c, m); }
int SyncCondvarSignal_r(sync_t *c, int all) { return sync_cond_signal(c, all != 0); }
int SyncSemWait_r(sync_t *s, int try_only) { return sync_sem_wait(s, try_only != 0); }
int SyncSemPost_r(sync_t *s) { return sync_sem_post(s); }
