/* pthread.h - POSIX threads over the simulated Sync and Thread calls. Facts 5.4, 6.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_PTHREAD_H
#define QNXSIM_PTHREAD_H
#include <sched.h>
#include <sys/types.h>

#define PTHREAD_PRIO_INHERIT 0
#define PTHREAD_PRIO_NONE 1
#define PTHREAD_PRIO_PROTECT 2
#define PTHREAD_MUTEX_DEFAULT 0
#define PTHREAD_MUTEX_ERRORCHECK 1
#define PTHREAD_MUTEX_RECURSIVE 2
#define PTHREAD_MUTEX_NORMAL 3
#if QNXSIM_RELEASE >= 700
#define PTHREAD_MUTEX_ROBUST 0x10
#define PTHREAD_MUTEX_STALLED 0
#endif
#define PTHREAD_CREATE_JOINABLE 0
#define PTHREAD_CREATE_DETACHED 1
#define PTHREAD_EXPLICIT_SCHED 2
#define PTHREAD_INHERIT_SCHED 0

/* Static initialisers differ by release: never copy a mutex image. */
#if QNXSIM_RELEASE >= 800
#define PTHREAD_MUTEX_INITIALIZER {0, 0x80000000}
#elif QNXSIM_RELEASE >= 710
#define PTHREAD_MUTEX_INITIALIZER {0, 0x82000000}
#else
#define PTHREAD_MUTEX_INITIALIZER {-1, 0x80000000}
#endif
#define PTHREAD_COND_INITIALIZER {0, 0xfffffffb}
typedef struct {
    int protocol, type, robust, ceiling;
} pthread_mutexattr_t;
typedef struct {
    clockid_t clock;
} pthread_condattr_t;
typedef struct {
    int done;
    pthread_mutex_t lock;
} pthread_once_t;
#define PTHREAD_ONCE_INIT {0, PTHREAD_MUTEX_INITIALIZER}

#if QNXSIM_RELEASE < 800
#define PTHREAD_STACK_LAZY 0x00
#define PTHREAD_STACK_NOTLAZY 0x80
#endif
/* 76 bytes where pointers have 32 bits. */
typedef struct _thread_attr {
    int __flags;
    size_t __stacksize;
    void *__stackaddr;
    void (*__exitfunc)(void *);
    int __policy;
    struct sched_param __param;
    unsigned __guardsize;
    unsigned __prealloc;
    int __spare[2];
} pthread_attr_t;

int pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*start)(void *),
                   void *argument) QNXSIM_AS(pthread_create);
int pthread_join(pthread_t thread, void **result) QNXSIM_AS(pthread_join);
int pthread_detach(pthread_t thread) QNXSIM_AS(pthread_detach);
pthread_t pthread_self(void) QNXSIM_AS(pthread_self);
int pthread_equal(pthread_t a, pthread_t b) QNXSIM_AS(pthread_equal);
int pthread_once(pthread_once_t *once, void (*function)(void)) QNXSIM_AS(pthread_once);
int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
    QNXSIM_AS(pthread_key_create);
int pthread_key_delete(pthread_key_t key) QNXSIM_AS(pthread_key_delete);
int pthread_setspecific(pthread_key_t key, const void *value) QNXSIM_AS(pthread_setspecific);
void *pthread_getspecific(pthread_key_t key) QNXSIM_AS(pthread_getspecific);

int pthread_attr_init(pthread_attr_t *attributes) QNXSIM_AS(pthread_attr_init);
int pthread_attr_destroy(pthread_attr_t *attributes) QNXSIM_AS(pthread_attr_destroy);
int pthread_attr_setstacksize(pthread_attr_t *, size_t) QNXSIM_AS(pthread_attr_setstacksize);
int pthread_attr_setstack(pthread_attr_t *, void *, size_t) QNXSIM_AS(pthread_attr_setstack);
int pthread_attr_setguardsize(pthread_attr_t *, size_t) QNXSIM_AS(pthread_attr_setguardsize);
int pthread_attr_setdetachstate(pthread_attr_t *, int)
    QNXSIM_AS(pthread_attr_setdetachstate);
int pthread_attr_setinheritsched(pthread_attr_t *, int)
    QNXSIM_AS(pthread_attr_setinheritsched);
int pthread_attr_setschedpolicy(pthread_attr_t *, int)
    QNXSIM_AS(pthread_attr_setschedpolicy);
int pthread_attr_setschedparam(pthread_attr_t *, const struct sched_param *)
    QNXSIM_AS(pthread_attr_setschedparam);
#if QNXSIM_EXT && QNXSIM_RELEASE < 800
int pthread_attr_setstacklazy(pthread_attr_t *, int) QNXSIM_AS(pthread_attr_setstacklazy);
#endif
int pthread_getschedparam(pthread_t, int *, struct sched_param *)
    QNXSIM_AS(pthread_getschedparam);
int pthread_setschedparam(pthread_t, int, const struct sched_param *)
    QNXSIM_AS(pthread_setschedparam);
#if QNXSIM_EXT && QNXSIM_RELEASE >= 800
int pthread_cluster_set(pthread_t, const char *) QNXSIM_AS(pthread_cluster_set);
#endif

int pthread_mutexattr_init(pthread_mutexattr_t *) QNXSIM_AS(pthread_mutexattr_init);
int pthread_mutexattr_destroy(pthread_mutexattr_t *) QNXSIM_AS(pthread_mutexattr_destroy);
int pthread_mutexattr_setprotocol(pthread_mutexattr_t *, int)
    QNXSIM_AS(pthread_mutexattr_setprotocol);
int pthread_mutexattr_settype(pthread_mutexattr_t *, int)
    QNXSIM_AS(pthread_mutexattr_settype);
int pthread_mutexattr_setprioceiling(pthread_mutexattr_t *, int)
    QNXSIM_AS(pthread_mutexattr_setprioceiling);
#define PTHREAD_PROCESS_PRIVATE 0
#define PTHREAD_PROCESS_SHARED 1
int pthread_mutexattr_setpshared(pthread_mutexattr_t *, int)
    QNXSIM_AS(pthread_mutexattr_setpshared);
#if QNXSIM_RELEASE >= 700
int pthread_mutexattr_setrobust(pthread_mutexattr_t *, int)
    QNXSIM_AS(pthread_mutexattr_setrobust);
int pthread_mutex_consistent(pthread_mutex_t *) QNXSIM_AS(pthread_mutex_consistent);
int pthread_mutex_timedlock_monotonic(pthread_mutex_t *, const struct timespec *)
    QNXSIM_AS(pthread_mutex_timedlock_monotonic);
#endif
int pthread_mutex_init(pthread_mutex_t *, const pthread_mutexattr_t *)
    QNXSIM_AS(pthread_mutex_init);
int pthread_mutex_destroy(pthread_mutex_t *) QNXSIM_AS(pthread_mutex_destroy);
int pthread_mutex_lock(pthread_mutex_t *) QNXSIM_AS(pthread_mutex_lock);
int pthread_mutex_trylock(pthread_mutex_t *) QNXSIM_AS(pthread_mutex_trylock);
int pthread_mutex_unlock(pthread_mutex_t *) QNXSIM_AS(pthread_mutex_unlock);
int pthread_condattr_init(pthread_condattr_t *) QNXSIM_AS(pthread_condattr_init);
int pthread_condattr_destroy(pthread_condattr_t *) QNXSIM_AS(pthread_condattr_destroy);
int pthread_condattr_setclock(pthread_condattr_t *, clockid_t)
    QNXSIM_AS(pthread_condattr_setclock);
int pthread_cond_init(pthread_cond_t *, const pthread_condattr_t *)
    QNXSIM_AS(pthread_cond_init);
int pthread_cond_destroy(pthread_cond_t *) QNXSIM_AS(pthread_cond_destroy);
int pthread_cond_wait(pthread_cond_t *, pthread_mutex_t *) QNXSIM_AS(pthread_cond_wait);
int pthread_cond_timedwait(pthread_cond_t *, pthread_mutex_t *, const struct timespec *)
    QNXSIM_AS(pthread_cond_timedwait);
int pthread_cond_signal(pthread_cond_t *) QNXSIM_AS(pthread_cond_signal);
int pthread_cond_broadcast(pthread_cond_t *) QNXSIM_AS(pthread_cond_broadcast);
#endif
