/* engine/table_sum.c - sums over tables that follow every legitimate write.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A guest changes its tables, so a plain checksum would have to be made anew for 512 elements
 * at each table.set. Instead a sum is the exclusive-or of mix(index, element) over its
 * elements: a write takes the old element out and puts the new one in, in O(1).
 *
 *   S1  sums[0]      = the head: addresses and number of the elements, capacity, type
 *   S2  sums[1 + p]  = xor of mix(i, element i) over 512 p <= i < 512 (p + 1), i < size
 *
 * mix is a bijection of the element for each index, so any change of one element, of any
 * number of bits, is found; changes of several stay hidden with probability 2^-64. An element
 * that is overwritten after it was damaged leaves its damage in the sum.
 */
#include "engine.h"

static uint64_t mix(uint64_t index, uint64_t value)
{
    uint64_t x = value ^ (index + 1) * UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    x = (x ^ x >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    return x ^ x >> 32;
}

static uint64_t pieces_of(uint64_t elements)
{
    return elements / WRT_TABLE_PIECE + (elements % WRT_TABLE_PIECE != 0);
}

uint64_t wrt_table_pieces(const struct wrt_table *table)
{
    return table->sums == NULL ? 0 : 1 + pieces_of(table->size);
}

size_t wrt_table_bytes(const struct wrt_store *store, uint64_t capacity)
{
    const bool is_summed = wrt_check_is_on(WRT_CHECK_ENGINE_TABLE,
                                           wrt_partition_verification(store->partition));
    const uint64_t sums = is_summed ? 1 + pieces_of(capacity) : 0;
    return (size_t)(capacity + sums) * sizeof(uint64_t);
}

static uint64_t head_of(const struct wrt_table *table)
{
    uint64_t type[(sizeof table->type + 7) / 8] = {0};
    memcpy(type, &table->type, sizeof table->type);
    uint64_t sum = mix(0, (uintptr_t)table->elements) ^ mix(1, table->size) ^
                   mix(2, table->capacity) ^ mix(3, (uintptr_t)table->store) ^
                   mix(4, (uintptr_t)table->callees);
    for (unsigned i = 0; i < sizeof type / sizeof *type; i++)
        sum ^= mix(5 + i, type[i]);
    return sum;
}

void wrt_table_sum_head(struct wrt_table *table)
{
    if (table->sums != NULL)
        table->sums[0] = head_of(table);
}

static uint64_t sum_of(const struct wrt_table *table, uint64_t first, uint64_t end)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < end; i++)
        sum ^= mix(i, table->elements[i].i64);
    return sum;
}

void wrt_table_toggle(struct wrt_table *table, uint64_t first, uint64_t count)
{
    wrt_table_show_callees(table, first, count);
    if (table->sums == NULL)
        return;
    const uint64_t end = first + count;
    while (first < end) {
        const uint64_t piece = first / WRT_TABLE_PIECE;
        const uint64_t border = (piece + 1) * WRT_TABLE_PIECE;
        const uint64_t stop = end < border ? end : border;
        table->sums[1 + piece] ^= sum_of(table, first, stop);
        first = stop;
    }
}

void wrt_table_sum_start(struct wrt_table *table)
{
    const size_t bytes = (size_t)table->capacity * sizeof *table->elements;
    table->sums = NULL;
    if (wrt_table_bytes(table->store, table->capacity) == bytes)
        return;
    table->sums = &table->elements[table->capacity].i64;
    memset(table->sums, 0, (size_t)(1 + pieces_of(table->capacity)) * sizeof *table->sums);
    wrt_table_toggle(table, 0, table->size);
    wrt_table_sum_head(table);
}

/* The sums themselves move, so that damage in elements is not taken for their contents. */
void wrt_table_sum_move(struct wrt_table *table)
{
    const uint64_t *old = table->sums;
    const uint64_t known = pieces_of(table->size);
    if (wrt_table_bytes(table->store, table->capacity) ==
        (size_t)table->capacity * sizeof *table->elements)
        return;
    table->sums = &table->elements[table->capacity].i64;
    memset(table->sums, 0, (size_t)(1 + pieces_of(table->capacity)) * sizeof *table->sums);
    if (old != NULL)
        memcpy(table->sums + 1, old + 1, (size_t)known * sizeof *old);
}

bool wrt_table_piece_is_sound(const struct wrt_table *table, uint64_t piece)
{
    if (piece == 0)
        return table->sums[0] == head_of(table);
    const uint64_t first = (piece - 1) * WRT_TABLE_PIECE;
    const uint64_t border = first + WRT_TABLE_PIECE;
    const uint64_t end = border < table->size ? border : table->size;
    return table->sums[piece] == sum_of(table, first, end) &&
           wrt_table_callees_are_sound(table, first, end);
}
