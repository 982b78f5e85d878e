/* src/arena/owner.c - the table of our address ranges.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The fault handler may interrupt any code of any thread, so it takes no lock: slots are
 * written with end first cleared, then start, then end, and the handler reads end, start,
 * end. A slot that changes meanwhile is not the faulting one (its memory is in use).
 * Slots come in chunks of 1,024 (80 KiB each) that are mapped when needed and kept until
 * the process ends; free slots form a stack whose head carries a counter against ABA.
 */
#include "arena/owner.h"

#include "port.h"

#include <stdatomic.h>
#include <string.h>

enum { SLOTS_PER_CHUNK = 1024, CHUNK_LIMIT = 64 };

struct slot {
    _Atomic uintptr_t start, end; /* end 0: free */
    _Atomic uint32_t next;        /* ticket of the next free slot; 0 = none */
    bool is_sealed;
    uint8_t tag;
    struct wrt_arena *arena;
    char name[32];                /* the partition's, copied: it may end before the report */
};

static struct slot *_Atomic chunks[CHUNK_LIMIT];
static _Atomic uint32_t fresh;     /* slots ever used */
static _Atomic uint64_t free_head; /* counter << 32 | ticket */

static struct slot *slot_of(uint32_t ticket)
{
    uint32_t index = ticket - 1;
    struct slot *chunk = atomic_load(&chunks[index / SLOTS_PER_CHUNK]);

    return &chunk[index % SLOTS_PER_CHUNK];
}

static uint32_t pop_free(void)
{
    uint64_t head = atomic_load(&free_head);

    while ((uint32_t)head != 0) {
        uint32_t next = atomic_load(&slot_of((uint32_t)head)->next);
        uint64_t replacement = ((head >> 32) + 1) << 32 | next;

        if (atomic_compare_exchange_weak(&free_head, &head, replacement))
            return (uint32_t)head;
    }
    return 0;
}

static void push_free(uint32_t ticket)
{
    uint64_t head = atomic_load(&free_head);
    uint64_t replacement;

    do {
        atomic_store(&slot_of(ticket)->next, (uint32_t)head);
        replacement = ((head >> 32) + 1) << 32 | ticket;
    } while (!atomic_compare_exchange_weak(&free_head, &head, replacement));
}

/* Two threads may map the same chunk: the slower one gives its own back. */
static enum wrt_status ensure_chunk(uint32_t number)
{
    struct wrt_port_request request = {.rights = WRT_PORT_READ_WRITE};
    size_t page = wrt_port_page_bytes();
    struct slot *expected = NULL;
    enum wrt_status status;
    void *memory;

    if (atomic_load(&chunks[number]) != NULL)
        return WRT_OK;
    request.bytes = (SLOTS_PER_CHUNK * sizeof(struct slot) + page - 1) & ~(page - 1);
    status = wrt_port_reserve(&request, &memory);
    if (status != WRT_OK)
        return status;
    if (!atomic_compare_exchange_strong(&chunks[number], &expected, memory))
        return wrt_port_release(memory, request.bytes);
    return WRT_OK;
}

static enum wrt_status take_fresh(uint32_t *out_ticket)
{
    uint32_t used = atomic_load(&fresh);
    enum wrt_status status;

    do {
        if (used >= SLOTS_PER_CHUNK * CHUNK_LIMIT)
            return WRT_ERR_NO_SPACE;
        status = ensure_chunk(used / SLOTS_PER_CHUNK);
        if (status != WRT_OK)
            return status;
    } while (!atomic_compare_exchange_weak(&fresh, &used, used + 1));
    *out_ticket = used + 1;
    return WRT_OK;
}

enum wrt_status wrt_owner_add(const struct wrt_owner *owner, const void *start,
                              uint64_t size_bytes, uint32_t *out_ticket)
{
    uint32_t ticket = pop_free();
    struct slot *slot;

    if (ticket == 0) {
        enum wrt_status status = take_fresh(&ticket);
        if (status != WRT_OK)
            return status;
    }
    slot = slot_of(ticket);
    slot->is_sealed = owner->is_sealed;
    slot->tag = owner->tag;
    slot->arena = owner->arena;
    memcpy(slot->name, owner->name, sizeof slot->name);
    atomic_store(&slot->start, (uintptr_t)start);
    atomic_store(&slot->end, (uintptr_t)start + (uintptr_t)size_bytes);
    *out_ticket = ticket;
    return WRT_OK;
}

void wrt_owner_remove(uint32_t ticket)
{
    if (ticket == 0)
        return;
    atomic_store(&slot_of(ticket)->end, 0);
    push_free(ticket);
}

void wrt_owner_resize(uint32_t ticket, uint64_t size_bytes)
{
    struct slot *slot = slot_of(ticket);

    atomic_store(&slot->end, atomic_load(&slot->start) + (uintptr_t)size_bytes);
}

unsigned wrt_owner_tags_beside(const void *start, const void *end)
{
    uintptr_t low = (uintptr_t)start, high = (uintptr_t)end, below = 0, above = UINTPTR_MAX;
    uint32_t used = atomic_load(&fresh);
    unsigned tag_below = 0, tag_above = 0;

    for (uint32_t ticket = 1; ticket <= used; ticket++) {
        struct slot *slot = slot_of(ticket);
        uintptr_t to = atomic_load(&slot->end), from = atomic_load(&slot->start);

        if (to != 0 && to <= low && to >= below) {
            below = to;
            tag_below = slot->tag;
        }
        if (to != 0 && from >= high && from < above) {
            above = from;
            tag_above = slot->tag;
        }
    }
    return 1u | 1u << tag_below | 1u << tag_above;
}

/* The smallest range: a memory's closed pages lie inside its reservation. */
bool wrt_owner_find(const void *address, struct wrt_owner *out)
{
    uintptr_t wanted = (uintptr_t)address, smallest = UINTPTR_MAX;
    uint32_t used = atomic_load(&fresh);

    for (uint32_t ticket = 1; ticket <= used; ticket++) {
        struct slot *slot = slot_of(ticket);
        uintptr_t end = atomic_load(&slot->end), start = atomic_load(&slot->start);

        if (wanted >= end || wanted < start || end - start >= smallest)
            continue;
        smallest = end - start;
        out->is_sealed = slot->is_sealed;
        out->tag = slot->tag;
        out->arena = slot->arena;
        memcpy(out->name, slot->name, sizeof out->name);
    }
    return smallest != UINTPTR_MAX;
}

bool wrt_fault_is_ours(const void *address)
{
    uintptr_t wanted = (uintptr_t)address;
    uint32_t used = atomic_load(&fresh);

    for (uint32_t ticket = 1; ticket <= used; ticket++) {
        struct slot *slot = slot_of(ticket);
        uintptr_t end = atomic_load(&slot->end);

        if (wanted < end && wanted >= atomic_load(&slot->start))
            return true;
    }
    return false;
}
