/* port/posix/thread_exit.c - one function that runs when a thread ends.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port.h"

#include <pthread.h>
#include <stdatomic.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;
static void (*_Atomic exit_body)(void);

static void thread_ends(void *mark)
{
    (void)mark;
    exit_body();
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, thread_ends) == 0;
}

enum wrt_status wrt_port_thread_on_exit(void (*body)(void))
{
    (void)pthread_once(&once, make_key);
    if (!has_key)
        return WRT_ERR_LIMIT;
    exit_body = body;
    return pthread_setspecific(key, &key) == 0 ? WRT_OK : WRT_ERR_NO_MEMORY;
}
