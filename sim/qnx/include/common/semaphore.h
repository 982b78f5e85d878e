/* semaphore.h - SPDX-License-Identifier: Apache-2.0 */
#ifndef QNXSIM_SEMAPHORE_H
#define QNXSIM_SEMAPHORE_H
#include <sys/types.h>
typedef sync_t sem_t;
int sem_init(sem_t *semaphore, int shared, unsigned value) QNXSIM_AS(sem_init);
int sem_destroy(sem_t *semaphore) QNXSIM_AS(sem_destroy);
int sem_post(sem_t *semaphore) QNXSIM_AS(sem_post);
int sem_wait(sem_t *semaphore) QNXSIM_AS(sem_wait);
int sem_trywait(sem_t *semaphore) QNXSIM_AS(sem_trywait);
#endif
