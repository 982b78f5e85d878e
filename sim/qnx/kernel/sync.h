/* sync.h - the operations that pthread.c stands on.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYNC_H
#define QNXSIM_SYNC_H
#include "kernel.h"
#include <pthread.h>
extern struct thread dead_owner;
int sync_mutex_lock(sync_t *word, bool try_only);
int sync_mutex_unlock(sync_t *word);
int sync_mutex_consistent(sync_t *word);
bool sync_mutex_is_held(const sync_t *word);
int sync_cond_wait(sync_t *condition, sync_t *mutex);
int sync_cond_signal(sync_t *condition, bool all);
int sync_sem_wait(sync_t *semaphore, bool try_only);
int sync_sem_post(sync_t *semaphore);
#endif
