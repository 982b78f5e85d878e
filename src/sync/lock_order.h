/* src/sync/lock_order.h - what the mutex tells the recorder of lock orders.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Without NDEBUG these are in lock_order.c; with it they are nothing.
 */
#ifndef WRT_SYNC_LOCK_ORDER_H
#define WRT_SYNC_LOCK_ORDER_H

#include "wrt/lock.h"

#ifndef NDEBUG
/* A mutex comes into being and goes. */
void wrt_order_add(struct wrt_mutex *mutex);
void wrt_order_remove(struct wrt_mutex *mutex);
/* Before the caller sleeps for it: ERR_DEADLOCK if that would close a circle. */
enum wrt_status wrt_order_wait(struct wrt_mutex *mutex);
/* The caller no longer waits. */
void wrt_order_stop_waiting(struct wrt_mutex *mutex);
/* The caller holds it, or does no longer. */
void wrt_order_taken(struct wrt_mutex *mutex);
void wrt_order_given(struct wrt_mutex *mutex);
#else
static inline void wrt_order_add(struct wrt_mutex *mutex) { mutex->number = 0; }
static inline void wrt_order_remove(struct wrt_mutex *mutex) { (void)mutex; }
static inline enum wrt_status wrt_order_wait(struct wrt_mutex *mutex)
{
    (void)mutex;
    return WRT_OK;
}
static inline void wrt_order_stop_waiting(struct wrt_mutex *mutex) { (void)mutex; }
static inline void wrt_order_taken(struct wrt_mutex *mutex) { (void)mutex; }
static inline void wrt_order_given(struct wrt_mutex *mutex) { (void)mutex; }
#endif

#endif
