/* port/qnx/check.c - what this port assumes of QNX and no machine has confirmed yet.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only what cannot be seen from above the port: docs/qnx.md has the list.
 */
#include "qnx.h"

#include <string.h>
#include <sys/resource.h>

#include "port_check.h"

/* ---- a pulse leaves its receiver's priority alone (park.c) ---- */

enum { WAITERS_PRIORITY = 13, WAKERS_PRIORITY = 9, PATIENCE_MS = 3000, MS = 1000000 };

struct sleeper {
    uint32_t word;
    int priority_after;
    enum wrt_status status;
};

static uint64_t in_ms(uint64_t ms)
{
    uint64_t now = 0;

    (void)!wrt_port_time_now(&now);
    return now + ms * MS;
}

static void sleep_on_word(void *context)
{
    struct sleeper *sleeper = context;

    sleeper->status = wrt_port_wait(&sleeper->word, 0, in_ms(PATIENCE_MS), false);
    sleeper->priority_after = wrt_qnx_current_priority();
}

static enum wrt_status wake_sleeper(struct sleeper *sleeper)
{
    const uint64_t patience = in_ms(PATIENCE_MS);
    uint32_t woken = 0;
    enum wrt_status status;

    do { /* until it sleeps */
        static const uint32_t never = 0;

        (void)!wrt_port_wait(&never, 0, in_ms(1), false);
        status = wrt_port_wake(&sleeper->word, 1, false, &woken);
    } while (status == WRT_OK && woken == 0 && in_ms(0) < patience);
    return status;
}

static enum wrt_status priority_survives_a_wake(const char **why)
{
    struct wrt_port_thread_config config = {.priority = WAITERS_PRIORITY};
    struct sleeper sleeper = {.word = 0};
    struct wrt_port_thread thread;
    enum wrt_status status;

    *why = "a thread of priority 13 could not be started";
    status = wrt_port_thread_create(&config, sleep_on_word, &sleeper, &thread);
    if (status != WRT_OK)
        return status;
    (void)!wrt_port_thread_set_priority(WAKERS_PRIORITY);
    status = wake_sleeper(&sleeper);
    (void)!wrt_port_thread_set_priority(0);
    (void)!wrt_port_thread_join(&thread);
    *why = "the wake did not reach the thread";
    if (status != WRT_OK || sleeper.status != WRT_OK)
        return status != WRT_OK ? status : sleeper.status;
    *why = "the waiter took on the priority of the pulse: is _NTO_CHF_FIXED_PRIORITY heeded?";
    return sleeper.priority_after == WAITERS_PRIORITY ? WRT_OK : WRT_ERR_STATE;
}

/* ---- RLIMIT_DATA counts lazy reservations (process.c adds them to a worker's limit) ---- */

static const size_t large_bytes = sizeof(size_t) > 4 ? (size_t)1 << 36 : (size_t)1 << 28;

static enum wrt_status limits_count_reservations(const char **why)
{
    struct wrt_port_request request = {.bytes = large_bytes};
    struct rlimit before, small;
    enum wrt_status status;
    void *start;

    *why = "getrlimit or setrlimit refused RLIMIT_DATA";
    if (getrlimit(RLIMIT_DATA, &before) != 0)
        return wrt_qnx_to_status(errno);
    memcpy(&small, &before, sizeof small);
    small.rlim_cur = (rlim_t)(large_bytes / 2);
    if (small.rlim_cur > small.rlim_max)
        small.rlim_cur = small.rlim_max;
    if (setrlimit(RLIMIT_DATA, &small) != 0)
        return wrt_qnx_to_status(errno);
    status = wrt_port_reserve(&request, &start);
    (void)setrlimit(RLIMIT_DATA, &before);
    if (status != WRT_OK)
        return WRT_OK;
    *why = "reservations are not counted: give workers reserved_bytes = 0";
    (void)!wrt_port_release(start, large_bytes);
    return WRT_ERR_STATE;
}

/* ---- a failed MAP_FIXED: either the old mapping is there or a hole, both are mended ---- */

static enum wrt_status failed_commit_leaves_a_reservation(const char **why)
{
    struct wrt_port_request request = {.bytes = large_bytes};
    size_t page = wrt_port_page_bytes();
    enum wrt_status status;
    uint8_t *start;
    void *other;

    *why = "64 GiB of addresses could not be reserved";
    status = wrt_port_reserve(&request, (void **)&start);
    if (status != WRT_OK)
        return status;
    status = wrt_port_commit(start, large_bytes, WRT_PORT_READ_WRITE);
    *why = "a commit of 64 GiB was granted: this machine has too much memory for this check";
    if (status == WRT_OK) {
        (void)!wrt_port_release(start, large_bytes);
        return WRT_ERR_UNSUPPORTED;
    }
    /* A hole would be filled by the next mapping of its size. */
    *why = "after a failed commit the range is no reservation any more";
    request.bytes = page;
    status = wrt_port_reserve(&request, &other);
    if (status == WRT_OK) {
        bool is_inside = (uintptr_t)other - (uintptr_t)start < large_bytes;

        (void)!wrt_port_release(other, page);
        status = is_inside ? WRT_ERR_STATE : wrt_port_commit(start, page, WRT_PORT_READ_WRITE);
    }
    (void)!wrt_port_release(start, large_bytes);
    return status;
}

static const struct wrt_port_check checks[] = {
    {"a waiter keeps its priority when it is woken", "pulse-wait", priority_survives_a_wake},
    {"memory limits count lazy reservations", "process-limits", limits_count_reservations},
    {"a failed commit leaves a reservation", "lazy-reservation",
     failed_commit_leaves_a_reservation},
};

const struct wrt_port_check *wrt_port_get_check(uint32_t index)
{
    return index < sizeof checks / sizeof checks[0] ? &checks[index] : NULL;
}
