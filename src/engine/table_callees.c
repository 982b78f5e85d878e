/* engine/table_callees.c - key and code of the functions in a table, for compiled code.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An element points to a function, whose key and code compiled code would have to read behind it.
 * A copy of both, one pair for each element, saves an indirect call that step.
 *
 *   T1  callees[i] = the pair of the function elements[i], or two nulls, i < size
 *
 * Every write to elements ends with wrt_table_toggle, which calls here.
 */
#include "engine.h"

static struct wrt_native_function callee_of(union wrt_slot element)
{
    return element.function != NULL ? element.function->native : (struct wrt_native_function){0};
}

/* Also of an empty table, so that it is known to have them. */
static size_t bytes_of(uint64_t capacity)
{
    return (size_t)(capacity != 0 ? capacity : 1) * sizeof(struct wrt_native_function);
}

void wrt_table_show_callees(struct wrt_table *table, uint64_t first, uint64_t count)
{
    if (table->callees == NULL)
        return;
    for (uint64_t i = first; i < first + count; i++)
        table->callees[i] = callee_of(table->elements[i]);
}

enum wrt_status wrt_table_take_callees(const struct wrt_table *table, uint64_t capacity,
                                       void **out, struct wrt_error *error)
{
    return wrt_partition_allocate(table->store->partition, WRT_CHARGE_TABLE, bytes_of(capacity), 0,
                                  out, error);
}

void wrt_table_give_callees(const struct wrt_table *table, void *callees, uint64_t capacity)
{
    wrt_partition_free(table->store->partition, WRT_CHARGE_TABLE, callees, bytes_of(capacity));
}

enum wrt_status wrt_table_make_callees(struct wrt_table *table, struct wrt_error *error)
{
    void *callees;
    if (table->callees != NULL || table->type.element != WRT_FUNCREF)
        return WRT_OK;
    const enum wrt_status status =
        wrt_table_take_callees(table, table->capacity, &callees, error);
    if (status != WRT_OK)
        return status;
    table->callees = callees;
    wrt_table_show_callees(table, 0, table->size);
    wrt_table_sum_head(table);
    return WRT_OK;
}

bool wrt_table_callees_are_sound(const struct wrt_table *table, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; table->callees != NULL && i < end; i++) {
        const struct wrt_native_function callee = callee_of(table->elements[i]);
        if (table->callees[i].key != callee.key || table->callees[i].code != callee.code)
            return false;
    }
    return true;
}
