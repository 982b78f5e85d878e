/* engine/wait.c - memory.atomic.wait32, wait64 and notify.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A wait sleeps on the futex domain of its shared memory. wrt_store_interrupt and the store's
 * deadline end the sleep; the guest then pauses at this instruction with what is left of its
 * timeout as operand, and resuming executes it again. So a wait can be paused at any time and
 * written away, at a price: a wake sent while it is paused is missed, as by a thread that has
 * not reached its wait yet.
 *
 * No interrupt is slept over: a wait announces its domain before it looks at the flag, an
 * interrupt sets the flag before it looks for the domain, so one sees the other.
 */
#include "native.h"

/* What an atomic instruction addresses. */
struct place {
    struct wrt_memory *memory;
    const uint8_t *at;
};

static union cell *operands(struct wrt_exec *exec)
{
    return exec->fp + exec->pc[1].k.d;
}

static enum wrt_run trapped(struct wrt_exec *exec, enum wrt_trap_kind kind)
{
    exec->trap.kind = kind;
    return WRT_RUN_TRAP;
}

static enum wrt_run result(struct wrt_exec *exec, uint32_t value)
{
    exec->A = value;
    operands(exec)->i64 = value;
    return WRT_RUN_CONTINUE;
}

static enum wrt_run find_place(struct wrt_exec *exec, uint32_t width, struct place *out)
{
    const union word *pc = exec->pc;
    const union cell *o = operands(exec);
    const uint64_t base = pc[1].k.a ? o[0].i64 : o[0].i32, address = base + pc[2].bits;
    out->memory = exec->instance->memories[pc[1].k.imm];
    const uint64_t size = out->memory->pages.size_bytes;
    if (address % width != 0)
        return trapped(exec, WRT_TRAP_UNALIGNED_ATOMIC);
    if (address < base || size < width || address > size - width)
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    out->at = out->memory->pages.base + address;
    return WRT_RUN_CONTINUE;
}

/* ---- waiting ---- */

/* Absolute; a negative timeout is none. */
static uint64_t end_of_wait(int64_t timeout_ns)
{
    const uint64_t now = wrt_time_now_ns();
    if (timeout_ns < 0 || (uint64_t)timeout_ns >= UINT64_MAX - now)
        return UINT64_MAX;
    return now + (uint64_t)timeout_ns;
}

static enum wrt_status sleep_on(struct wrt_exec *exec, struct wrt_futex_domain *domain,
                                const uint8_t *at, bool is_64, uint64_t expected,
                                uint64_t end_ns)
{
    enum wrt_status status = WRT_ERR_INTERRUPTED;
    atomic_store_explicit(&exec->waits_in, domain, memory_order_seq_cst);
    wrt_interrupt_clear(&exec->wake);
    if (!atomic_load_explicit(&exec->interrupt, memory_order_seq_cst))
        status = is_64 ? wrt_futex_wait64(domain, (const uint64_t *)(const void *)at, expected,
                                          end_ns, &exec->wake)
                       : wrt_futex_wait(domain, (const uint32_t *)(const void *)at,
                                        (uint32_t)expected, end_ns, &exec->wake);
    atomic_store_explicit(&exec->waits_in, NULL, memory_order_seq_cst);
    return status;
}

/* The sleep ended for a reason that is not the guest's: pauses, or sleeps again. */
static enum wrt_run stop_waiting(struct wrt_exec *exec, uint64_t guest_end_ns)
{
    const uint64_t now = wrt_time_now_ns();
    if (guest_end_ns != UINT64_MAX)
        operands(exec)[2].i64 = guest_end_ns > now ? guest_end_ns - now : 0;
    return wrt_stop_point(exec);
}

static enum wrt_run wait_until(struct wrt_exec *exec, const struct place *place, bool is_64)
{
    const union cell *o = operands(exec);
    const uint64_t guest_end_ns = end_of_wait(o[2].i64s);
    const uint64_t expected = is_64 ? o[1].i64 : o[1].i32;
    for (;;) {
        const bool host_first = exec->deadline_ns != 0 && exec->deadline_ns < guest_end_ns;
        switch (sleep_on(exec, &place->memory->share->domain, place->at, is_64, expected,
                         host_first ? exec->deadline_ns : guest_end_ns)) {
        case WRT_OK: return result(exec, 0);
        case WRT_NOT_EQUAL: return result(exec, 1);
        case WRT_ERR_TIMEOUT:
            if (!host_first)
                return result(exec, 2);
            break;
        case WRT_ERR_INTERRUPTED: break;
        default: return trapped(exec, WRT_TRAP_TOO_MANY_WAITERS);
        }
        const enum wrt_run how = stop_waiting(exec, guest_end_ns);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
}

static enum wrt_run wait_for(struct wrt_exec *exec, bool is_64)
{
    struct place place;
    const enum wrt_run how = find_place(exec, is_64 ? 8 : 4, &place);
    if (how != WRT_RUN_CONTINUE)
        return how;
    if (place.memory->share == NULL)
        return trapped(exec, WRT_TRAP_NOT_SHARED);
    return wait_until(exec, &place, is_64);
}

enum wrt_run wrt_cold_atomic_wait32(struct wrt_exec *exec)
{
    return wait_for(exec, false);
}

enum wrt_run wrt_cold_atomic_wait64(struct wrt_exec *exec)
{
    return wait_for(exec, true);
}

/* ---- waking ---- */

/* Nobody can wait on a memory that is not shared. */
enum wrt_run wrt_cold_atomic_notify(struct wrt_exec *exec)
{
    struct place place;
    uint32_t woken = 0;
    const enum wrt_run how = find_place(exec, 4, &place);
    if (how != WRT_RUN_CONTINUE)
        return how;
    if (place.memory->share != NULL &&
        wrt_futex_wake(&place.memory->share->domain, place.at, operands(exec)[1].i32, &woken) !=
            WRT_OK)
        return trapped(exec, WRT_TRAP_TOO_MANY_WAITERS);
    return result(exec, woken);
}

/* From any thread. The domain lives as long as the store. */
void wrt_store_interrupt(struct wrt_store *store)
{
    struct wrt_exec *exec = &store->exec;
    atomic_store_explicit(&exec->interrupt, true, memory_order_seq_cst);
    wrt_native_ask(store);
    struct wrt_futex_domain *domain =
        atomic_load_explicit(&exec->waits_in, memory_order_seq_cst);
    if (domain != NULL)
        (void)wrt_interrupt_raise(domain, &exec->wake);
}
