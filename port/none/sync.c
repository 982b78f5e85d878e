/* port/none/sync.c - a system without locks, futexes or stacks.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "port_sync.h"

enum wrt_status wrt_port_lock_init(struct wrt_port_mutex *lock,
                                   const struct wrt_port_lock_config *config)
{
    (void)lock, (void)config;
    return WRT_ERR_UNSUPPORTED;
}

bool wrt_port_lock_knows_holder(const struct wrt_port_mutex *lock)
{
    (void)lock;
    return false;
}

enum wrt_status wrt_port_lock_deinit(struct wrt_port_mutex *lock)
{
    (void)lock;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_lock_take(struct wrt_port_mutex *lock)
{
    (void)lock;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_lock_try(struct wrt_port_mutex *lock)
{
    (void)lock;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_lock_take_until(struct wrt_port_mutex *lock, uint64_t deadline_ns)
{
    (void)lock, (void)deadline_ns;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_lock_give(struct wrt_port_mutex *lock)
{
    (void)lock;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_lock_repair(struct wrt_port_mutex *lock)
{
    (void)lock;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_futex_query(void) { return WRT_ERR_UNSUPPORTED; }

enum wrt_status wrt_port_futex_wait(const struct wrt_port_futex_word *words,
                                    uint32_t word_count, uint64_t deadline_ns,
                                    bool is_shared, uint32_t *out_index)
{
    (void)words, (void)word_count, (void)deadline_ns, (void)is_shared, (void)out_index;
    return WRT_ERR_UNSUPPORTED;
}

enum wrt_status wrt_port_futex_requeue(const uint32_t *from, uint32_t expected,
                                       uint32_t wake_count, const uint32_t *to,
                                       uint32_t move_count, bool is_shared,
                                       uint32_t *out_woken, uint32_t *out_moved)
{
    (void)from, (void)expected, (void)wake_count, (void)to, (void)move_count;
    (void)is_shared, (void)out_woken, (void)out_moved;
    return WRT_ERR_UNSUPPORTED;
}

uint32_t wrt_port_stack(const void **out, uint32_t capacity)
{
    (void)out, (void)capacity;
    return 0;
}
