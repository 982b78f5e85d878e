/* pthread.c - POSIX threads over the kernel's threads and sync objects. Facts 5.4, 6.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A mutex keeps its protocol and type in __count (two bits each), __owner is its mark:
 * 0x8... as the static initialisers have it; 0 is not a mutex.
 */
#include "sync.h"
#include "thread.h"

#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define MUTEX_MARK 0x80000000u
#define COND_MARK 0xfffffffbu

/* ---- mutexes ---- */

int pthread_mutexattr_init(pthread_mutexattr_t *a) {
    *a = (pthread_mutexattr_t){PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_DEFAULT, 0, 0};
    return EOK;
}
int pthread_mutexattr_destroy(pthread_mutexattr_t *a) {
    (void)a;
    return EOK;
}
int pthread_mutexattr_setprotocol(pthread_mutexattr_t *a, int protocol) {
    if (protocol < PTHREAD_PRIO_INHERIT || protocol > PTHREAD_PRIO_PROTECT) return EINVAL;
    a->protocol = protocol;
    return EOK;
}
int pthread_mutexattr_settype(pthread_mutexattr_t *a, int type) {
    if (type < PTHREAD_MUTEX_DEFAULT || type > PTHREAD_MUTEX_NORMAL) return EINVAL;
    a->type = type;
    return EOK;
}
int pthread_mutexattr_setprioceiling(pthread_mutexattr_t *a, int ceiling) {
    if (ceiling < 1 || ceiling > 255) return EINVAL;
    a->ceiling = ceiling;
    return EOK;
}
int pthread_mutexattr_setpshared(pthread_mutexattr_t *a, int how) {
    (void)a; /* sync objects of the simulation are known in one host process only */
    return how == PTHREAD_PROCESS_PRIVATE ? EOK : ENOTSUP;
}
int pthread_mutexattr_setrobust(pthread_mutexattr_t *a, int how) {
    if (how != PTHREAD_MUTEX_ROBUST && how != PTHREAD_MUTEX_STALLED) return EINVAL;
    a->robust = how;
    return EOK;
}
int pthread_mutex_consistent(pthread_mutex_t *mutex) { return sync_mutex_consistent(mutex); }
int pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes) {
    pthread_mutexattr_t defaults;
    pthread_mutexattr_init(&defaults);
    if (!attributes) attributes = &defaults;
    mutex->__count = attributes->protocol | attributes->type << 2 | attributes->robust |
                     attributes->ceiling << 8;
    mutex->__owner = MUTEX_MARK;
    return EOK;
}
int pthread_mutex_destroy(pthread_mutex_t *mutex) {
    if (!(mutex->__owner & MUTEX_MARK)) return EINVAL;
    if (sync_mutex_is_held(mutex)) return EBUSY;
    *mutex = (pthread_mutex_t){0, 0};
    return EOK;
}
int pthread_mutex_lock(pthread_mutex_t *mutex) {
    return mutex->__owner & MUTEX_MARK ? sync_mutex_lock(mutex, false) : EINVAL;
}
int pthread_mutex_trylock(pthread_mutex_t *mutex) {
    return mutex->__owner & MUTEX_MARK ? sync_mutex_lock(mutex, true) : EINVAL;
}
int pthread_mutex_timedlock_monotonic(pthread_mutex_t *mutex, const struct timespec *at) {
    if (at->tv_nsec < 0 || at->tv_nsec >= 1000000000) return EINVAL;
    int error = pthread_mutex_trylock(mutex); /* the fast path takes no timeout */
    if (error != EBUSY) return error;
    uint64_t time = (uint64_t)at->tv_sec * 1000000000u + (uint64_t)at->tv_nsec;
    error = TimerTimeout_r(CLOCK_MONOTONIC, (QNXSIM_TIMEOUT_FLAGS)(_NTO_TIMEOUT_MUTEX | TIMER_ABSTIME),
                           NULL, &time, NULL);
    return error ? error : pthread_mutex_lock(mutex);
}
int pthread_mutex_unlock(pthread_mutex_t *mutex) {
    return mutex->__owner & MUTEX_MARK ? sync_mutex_unlock(mutex) : EINVAL;
}

/* ---- condition variables: the clock is in __count ---- */

int pthread_condattr_init(pthread_condattr_t *a) {
    a->clock = CLOCK_REALTIME;
    return EOK;
}
int pthread_condattr_destroy(pthread_condattr_t *a) {
    (void)a;
    return EOK;
}
int pthread_condattr_setclock(pthread_condattr_t *a, clockid_t clock) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC) return EINVAL;
    a->clock = clock;
    return EOK;
}
int pthread_cond_init(pthread_cond_t *c, const pthread_condattr_t *attributes) {
    c->__count = attributes ? attributes->clock : CLOCK_REALTIME;
    c->__owner = COND_MARK;
    return EOK;
}
int pthread_cond_destroy(pthread_cond_t *c) {
    *c = (pthread_cond_t){0, 0};
    return EOK;
}
int pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *mutex) {
    int error = sync_cond_wait(c, mutex);
    return error == EINTR ? EOK : error; /* 5.4: a spurious wake */
}
int pthread_cond_timedwait(pthread_cond_t *c, pthread_mutex_t *mutex, const struct timespec *at) {
    if (at->tv_nsec < 0 || at->tv_nsec >= 1000000000) return EINVAL;
    uint64_t time = (uint64_t)at->tv_sec * 1000000000u + (uint64_t)at->tv_nsec;
    int error = TimerTimeout_r(c->__count, (QNXSIM_TIMEOUT_FLAGS)(_NTO_TIMEOUT_CONDVAR | TIMER_ABSTIME),
                               NULL, &time, NULL);
    if (error) return error;
    return pthread_cond_wait(c, mutex);
}
int pthread_cond_signal(pthread_cond_t *c) { return sync_cond_signal(c, false); }
int pthread_cond_broadcast(pthread_cond_t *c) { return sync_cond_signal(c, true); }

/* ---- semaphores ---- */

int sem_init(sem_t *s, int shared, unsigned value) {
    (void)shared;
    s->__count = (int)value;
    s->__owner = 0;
    return 0;
}
int sem_destroy(sem_t *s) {
    s->__count = 0;
    return 0;
}
int sem_post(sem_t *s) { return plain(sync_sem_post(s)); }
int sem_wait(sem_t *s) { return plain(sync_sem_wait(s, false)); }
int sem_trywait(sem_t *s) { return plain(sync_sem_wait(s, true)); }

/* ---- once, keys ---- */

int pthread_once(pthread_once_t *once, void (*function)(void)) {
    pthread_mutex_lock(&once->lock);
    if (!once->done) {
        function();
        once->done = 1;
    }
    return pthread_mutex_unlock(&once->lock);
}
int pthread_key_create(pthread_key_t *key, void (*destructor)(void *)) {
    unsigned host_key;
    int error = host_key_create(&host_key, destructor);
    if (!error) *key = (pthread_key_t)host_key;
    return error ? EAGAIN : EOK;
}
int pthread_key_delete(pthread_key_t key) {
    return host_key_delete((unsigned)key) ? EINVAL : EOK;
}
int pthread_setspecific(pthread_key_t key, const void *value) {
    return host_key_set((unsigned)key, value) ? EINVAL : EOK;
}
void *pthread_getspecific(pthread_key_t key) { return host_key_get((unsigned)key); }

/* ---- threads ---- */

int pthread_attr_init(pthread_attr_t *a) {
    memset(a, 0, sizeof *a);
#if QNXSIM_RELEASE >= 800
    a->__stacksize = 0x40000; /* 6: 256 KiB */
#else
    a->__stacksize = 131072; /* 6: 128 KiB */
#endif
    a->__guardsize = 4096;
    return EOK;
}
int pthread_attr_destroy(pthread_attr_t *a) {
    (void)a;
    return EOK;
}
int pthread_attr_setstacksize(pthread_attr_t *a, size_t bytes) {
#if QNXSIM_RELEASE >= 800
    if (bytes < 4096) return EINVAL;
#else
    if (bytes < 256) return EINVAL;
#endif
    a->__stacksize = bytes;
    return EOK;
}
int pthread_attr_setstack(pthread_attr_t *a, void *start, size_t bytes) {
    a->__stackaddr = start;
    return pthread_attr_setstacksize(a, bytes);
}
int pthread_attr_setguardsize(pthread_attr_t *a, size_t bytes) {
    a->__guardsize = (unsigned)bytes;
    return EOK;
}
int pthread_attr_setdetachstate(pthread_attr_t *a, int state) {
    if (state & ~PTHREAD_CREATE_DETACHED) return EINVAL;
    a->__flags = (a->__flags & ~PTHREAD_CREATE_DETACHED) | state;
    return EOK;
}
int pthread_attr_setinheritsched(pthread_attr_t *a, int how) {
    if (how & ~PTHREAD_EXPLICIT_SCHED) return EINVAL;
    a->__flags = (a->__flags & ~PTHREAD_EXPLICIT_SCHED) | how;
    return EOK;
}
int pthread_attr_setschedpolicy(pthread_attr_t *a, int policy) {
    if (policy < SCHED_FIFO || policy > SCHED_SPORADIC) return EINVAL;
    a->__policy = policy;
    return EOK;
}
int pthread_attr_setschedparam(pthread_attr_t *a, const struct sched_param *param) {
    a->__param = *param;
    return EOK;
}
#if QNXSIM_RELEASE < 800
int pthread_attr_setstacklazy(pthread_attr_t *a, int how) {
    if (how != PTHREAD_STACK_LAZY && how != PTHREAD_STACK_NOTLAZY) return EINVAL;
    a->__flags = (a->__flags & ~PTHREAD_STACK_NOTLAZY) | how;
    return EOK;
}
#endif

#include "priority.h"

int pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*body)(void *),
                   void *argument) {
    pthread_attr_t defaults;
    pthread_attr_init(&defaults);
    if (!attributes) attributes = &defaults;
    struct thread_start start = {.body = body, .argument = argument};
    start.stack_bytes = attributes->__stacksize;
    start.is_detached = attributes->__flags & PTHREAD_CREATE_DETACHED;
    if (attributes->__flags & PTHREAD_EXPLICIT_SCHED) {
        int error = priority_check(attributes->__policy, &attributes->__param, &start.priority);
        if (error) return error;
        start.policy = attributes->__policy;
    }
#if QNXSIM_RELEASE < 800
    bool is_lazy = !(attributes->__flags & PTHREAD_STACK_NOTLAZY);
#else
    bool is_lazy = false; /* 6: always resident */
#endif
    uint64_t stack = is_lazy ? 0 : start.stack_bytes;
    if (!ram_take(stack)) return EAGAIN;
    ram_give(stack); /* the host's stack stands for it; only the refusal is simulated */
    int tid, error = thread_create(&start, &tid);
    if (!error) *out = tid;
    return error;
}
int pthread_join(pthread_t thread, void **result) { return thread_join(thread, result); }
int pthread_detach(pthread_t tid) {
    kernel_enter_quietly();
    struct thread *thread = thread_find(tid);
    int error = thread && !thread->is_foreign && !thread->is_detached ? EOK : ESRCH;
    if (!error) {
        thread->is_detached = true;
        host_thread_detach(thread->host);
    }
    host_unlock();
    return error;
}
pthread_t pthread_self(void) {
    host_lock();
    int tid = thread_self()->tid;
    host_unlock();
    return tid;
}
int pthread_equal(pthread_t a, pthread_t b) { return a == b; }

int pthread_getschedparam(pthread_t tid, int *policy, struct sched_param *param) {
    int error = kernel_enter(QNXSIM_SchedGet);
    if (error) {
        kernel_leave();
        return error;
    }
    struct thread *thread = tid ? thread_find(tid) : thread_self();
    if (thread) {
        memset(param, 0, sizeof *param);
        param->sched_priority = thread->base_priority;
        param->sched_curpriority = thread->priority;
        *policy = thread->policy;
    }
    kernel_leave();
    return thread ? EOK : ESRCH;
}
int pthread_setschedparam(pthread_t tid, int policy, const struct sched_param *param) {
    return SchedSet(0, tid, policy, param) == -1 ? errno : EOK;
}
