/* engine/util.c - blocks of memory that are freed together.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "engine.h"

/* Block headers keep what follows aligned for any type. */
#define HEADER_BYTES ((sizeof(struct wrt_block) + 15u) & ~(size_t)15u)

enum wrt_status wrt_block_take(struct wrt_partition *partition, struct wrt_block **list,
                               enum wrt_charge charge, uint64_t count, size_t item_bytes,
                               void *out, struct wrt_error *error)
{
    void *memory = NULL;
    if (count == 0)
        count = 1;
    if (count > (SIZE_MAX / 2 - HEADER_BYTES) / item_bytes)
        return wrt_fail(error, WRT_ERR_OVERFLOW, "%llu items of %zu bytes do not fit in memory",
                        (unsigned long long)count, item_bytes);
    const size_t size = HEADER_BYTES + (size_t)count * item_bytes;
    const enum wrt_status status =
        wrt_partition_allocate(partition, charge, size, 0, &memory, error);
    if (status != WRT_OK)
        return status;
    memset(memory, 0, size);
    struct wrt_block *block = memory;
    block->next = *list;
    block->size_bytes = size;
    block->charge = charge;
    *list = block;
    void *items = (char *)memory + HEADER_BYTES;
    memcpy(out, &items, sizeof items);
    return WRT_OK;
}

void wrt_block_free_all(struct wrt_partition *partition, struct wrt_block **list)
{
    while (*list != NULL) {
        struct wrt_block *block = *list;
        *list = block->next;
        wrt_partition_free(partition, block->charge, block, block->size_bytes);
    }
}

void wrt_block_free_one(struct wrt_partition *partition, struct wrt_block **list, void *items)
{
    for (struct wrt_block **at = list; *at != NULL; at = &(*at)->next) {
        struct wrt_block *block = *at;
        if ((char *)block + HEADER_BYTES != items)
            continue;
        *at = block->next;
        wrt_partition_free(partition, block->charge, block, block->size_bytes);
        return;
    }
}

void wrt_block_splice(struct wrt_block **to, struct wrt_block **from)
{
    struct wrt_block **end = from;
    while (*end != NULL)
        end = &(*end)->next;
    *end = *to;
    *to = *from;
    *from = NULL;
}

uint32_t wrt_type_list_slots(const wrt_type *types, uint32_t count)
{
    uint32_t slots = count;
    for (uint32_t i = 0; i < count; i++)
        slots += types[i] == WRT_V128;
    return slots;
}
