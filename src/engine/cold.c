/* engine/cold.c - memory, table and reference operations that are not worth a fast path.
 * SPDX-License-Identifier: Apache-2.0
 *
 * exec->pc and exec->fp stand at the instruction; its operands are in the slots from d on.
 * Bulk operations check the whole range, then work in pieces. Between pieces they may stop:
 * the operands then say what is left, and the instruction is executed again.
 */
#include <string.h>

#include "engine.h"

#define PIECE_BYTES 65536u    /* 1,024 units of fuel */
#define PIECE_ELEMENTS 8192u  /* likewise */

static enum wrt_run trapped(struct wrt_exec *exec, enum wrt_trap_kind kind)
{
    exec->trap.kind = kind;
    return WRT_RUN_TRAP;
}

static union cell *operands(struct wrt_exec *exec)
{
    return exec->fp + exec->pc[1].k.d;
}

static uint32_t immediate(const struct wrt_exec *exec)
{
    return (uint32_t)exec->pc[1].k.imm;
}

/* Writes the result of the instruction as handlers do. */
static enum wrt_run result(struct wrt_exec *exec, uint64_t value)
{
    exec->A = value;
    operands(exec)->i64 = value;
    return WRT_RUN_CONTINUE;
}

static bool in_range(uint64_t size, uint64_t start, uint64_t count)
{
    return start <= size && count <= size - start;
}

static uint32_t least(uint64_t a, uint32_t b)
{
    return a < b ? (uint32_t)a : b;
}

/* An index as 64 bits, whatever its type. Once done, doing it again changes nothing. */
static void widen(union cell *index, bool is_64)
{
    if (!is_64)
        index->i64 = index->i32;
}

/* What grow gives for `status`. */
static uint64_t grown(enum wrt_status status, uint64_t old, bool is_64)
{
    return status == WRT_OK ? old : is_64 ? UINT64_MAX : UINT32_MAX;
}

/* Settles the fuel of one piece; not CONTINUE if the guest must stop before the next. */
static enum wrt_run pay(struct wrt_exec *exec, uint32_t fuel, uint64_t left)
{
    exec->fuel -= fuel;
    return left != 0 && exec->fuel < 0 ? wrt_stop_point(exec) : WRT_RUN_CONTINUE;
}

/* ---- memory ---- */

enum wrt_run wrt_cold_memory_grow(struct wrt_exec *exec)
{
    uint64_t old = 0;
    struct wrt_memory *memory = exec->instance->memories[immediate(exec)];
    const bool is_64 = memory->type.is_64;
    widen(operands(exec), is_64);
    const enum wrt_status status = wrt_memory_grow(memory, operands(exec)->i64, &old, NULL);
    return result(exec, grown(status, old, is_64));
}

enum wrt_run wrt_cold_memory_fill(struct wrt_exec *exec)
{
    struct wrt_memory *memory = exec->instance->memories[immediate(exec)];
    union cell *o = operands(exec);
    widen(&o[0], memory->type.is_64);
    widen(&o[2], memory->type.is_64);
    if (!in_range(memory->pages.size_bytes, o[0].i64, o[2].i64))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    while (o[2].i64 != 0) {
        const uint32_t n = least(o[2].i64, PIECE_BYTES);
        memset(memory->pages.base + o[0].i64, (uint8_t)o[1].i32, n);
        o[0].i64 += n;
        o[2].i64 -= n;
        const enum wrt_run how = pay(exec, n / 64, o[2].i64);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

/* One piece from the side that makes overlap harmless: downwards if the target is above. */
static uint32_t copy_piece(const struct wrt_memory *to, const struct wrt_memory *from,
                           union cell *o)
{
    const uint32_t n = least(o[2].i64, PIECE_BYTES);
    const uint64_t left = o[2].i64 - n;
    const bool down = to == from && o[0].i64 > o[1].i64;
    const uint64_t skip = down ? left : 0;
    memmove(to->pages.base + o[0].i64 + skip, from->pages.base + o[1].i64 + skip, n);
    if (!down) {
        o[0].i64 += n;
        o[1].i64 += n;
    }
    o[2].i64 = left;
    return n;
}

enum wrt_run wrt_cold_memory_copy(struct wrt_exec *exec)
{
    const struct wrt_memory *to = exec->instance->memories[exec->pc[1].k.a];
    const struct wrt_memory *from = exec->instance->memories[immediate(exec)];
    union cell *o = operands(exec);
    widen(&o[0], to->type.is_64);
    widen(&o[1], from->type.is_64);
    widen(&o[2], to->type.is_64 && from->type.is_64);
    if (!in_range(to->pages.size_bytes, o[0].i64, o[2].i64) ||
        !in_range(from->pages.size_bytes, o[1].i64, o[2].i64))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    while (o[2].i64 != 0) {
        const uint32_t n = copy_piece(to, from, o);
        const enum wrt_run how = pay(exec, n / 64, o[2].i64);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_cold_memory_init(struct wrt_exec *exec)
{
    const struct wrt_instance *instance = exec->instance;
    const uint32_t index = immediate(exec);
    struct wrt_memory *memory = instance->memories[exec->pc[1].k.a];
    const struct wrt_data_segment *segment = &instance->module->data[index];
    const uint32_t size = instance->data_dropped[index] ? 0 : segment->size_bytes;
    union cell *o = operands(exec);
    widen(&o[0], memory->type.is_64);
    widen(&o[1], false);
    widen(&o[2], false);
    if (!in_range(size, o[1].i64, o[2].i64) ||
        !in_range(memory->pages.size_bytes, o[0].i64, o[2].i64))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    while (o[2].i64 != 0) {
        const uint32_t n = least(o[2].i64, PIECE_BYTES);
        memcpy(memory->pages.base + o[0].i64, segment->bytes + o[1].i64, n);
        o[0].i64 += n;
        o[1].i64 += n;
        o[2].i64 -= n;
        const enum wrt_run how = pay(exec, n / 64, o[2].i64);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_cold_data_drop(struct wrt_exec *exec)
{
    exec->instance->data_dropped[immediate(exec)] = true;
    return WRT_RUN_CONTINUE;
}

/* ---- tables ---- */

/* The elements [start, start + count) are about to be overwritten. */
static void overwrite(struct wrt_table *table, uint64_t start, uint32_t count)
{
    struct wrt_heap *heap = &table->store->heap;
    if (heap->phase == WRT_HEAP_MARKING)
        for (uint32_t i = 0; i < count; i++)
            wrt_heap_shade(heap, table->elements[start + i].i64);
}

static struct wrt_table *table_of(const struct wrt_exec *exec, uint32_t index)
{
    return exec->instance->tables[index];
}

enum wrt_run wrt_cold_table_get(struct wrt_exec *exec)
{
    union wrt_slot value;
    const struct wrt_table *table = table_of(exec, immediate(exec));
    widen(operands(exec), table->type.is_64);
    if (wrt_table_get(table, operands(exec)->i64, &value) != WRT_OK)
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    return result(exec, value.i64);
}

enum wrt_run wrt_cold_table_set(struct wrt_exec *exec)
{
    struct wrt_table *table = table_of(exec, immediate(exec));
    union cell *o = operands(exec);
    widen(&o[0], table->type.is_64);
    if (o[0].i64 >= table->size)
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    overwrite(table, o[0].i64, 1);
    wrt_table_toggle(table, o[0].i64, 1);
    table->elements[o[0].i64] = o[1].slot;
    wrt_table_toggle(table, o[0].i64, 1);
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_cold_table_grow(struct wrt_exec *exec)
{
    uint64_t old = 0;
    struct wrt_table *table = table_of(exec, immediate(exec));
    union cell *o = operands(exec);
    const bool is_64 = table->type.is_64;
    widen(&o[1], is_64);
    const uint64_t delta = o[1].i64;
    const enum wrt_status status = wrt_table_grow(table, delta, o[0].slot, &old, NULL);
    if (status == WRT_OK)
        exec->fuel -= (int64_t)(delta / 8);
    return result(exec, grown(status, old, is_64));
}

enum wrt_run wrt_cold_table_fill(struct wrt_exec *exec)
{
    struct wrt_table *table = table_of(exec, immediate(exec));
    union cell *o = operands(exec);
    widen(&o[0], table->type.is_64);
    widen(&o[2], table->type.is_64);
    if (!in_range(table->size, o[0].i64, o[2].i64))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    while (o[2].i64 != 0) {
        const uint32_t n = least(o[2].i64, PIECE_ELEMENTS);
        overwrite(table, o[0].i64, n);
        wrt_table_toggle(table, o[0].i64, n);
        for (uint32_t i = 0; i < n; i++)
            table->elements[o[0].i64 + i] = o[1].slot;
        wrt_table_toggle(table, o[0].i64, n);
        o[0].i64 += n;
        o[2].i64 -= n;
        const enum wrt_run how = pay(exec, n / 8, o[2].i64);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_cold_table_copy(struct wrt_exec *exec)
{
    struct wrt_table *to = table_of(exec, exec->pc[1].k.a);
    const struct wrt_table *from = table_of(exec, immediate(exec));
    union cell *o = operands(exec);
    widen(&o[0], to->type.is_64);
    widen(&o[1], from->type.is_64);
    widen(&o[2], to->type.is_64 && from->type.is_64);
    if (!in_range(to->size, o[0].i64, o[2].i64) || !in_range(from->size, o[1].i64, o[2].i64))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    while (o[2].i64 != 0) {
        const uint32_t n = least(o[2].i64, PIECE_ELEMENTS);
        const uint64_t left = o[2].i64 - n;
        const bool down = to == from && o[0].i64 > o[1].i64;
        const uint64_t skip = down ? left : 0;
        overwrite(to, o[0].i64 + skip, n);
        wrt_table_toggle(to, o[0].i64 + skip, n);
        memmove(to->elements + o[0].i64 + skip, from->elements + o[1].i64 + skip,
                n * sizeof *to->elements);
        wrt_table_toggle(to, o[0].i64 + skip, n);
        if (!down) {
            o[0].i64 += n;
            o[1].i64 += n;
        }
        o[2].i64 = left;
        const enum wrt_run how = pay(exec, n / 8, left);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_cold_table_init(struct wrt_exec *exec)
{
    struct wrt_table *table = table_of(exec, exec->pc[1].k.a);
    const struct wrt_element_items *segment = &exec->instance->elements[immediate(exec)];
    union cell *o = operands(exec);
    widen(&o[0], table->type.is_64);
    widen(&o[1], false);
    widen(&o[2], false);
    if (!in_range(segment->count, o[1].i64, o[2].i64) ||
        !in_range(table->size, o[0].i64, o[2].i64))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    while (o[2].i64 != 0) {
        const uint32_t n = least(o[2].i64, PIECE_ELEMENTS);
        overwrite(table, o[0].i64, n);
        wrt_table_toggle(table, o[0].i64, n);
        memcpy(table->elements + o[0].i64, segment->items + o[1].i64, n * sizeof *table->elements);
        wrt_table_toggle(table, o[0].i64, n);
        o[0].i64 += n;
        o[1].i64 += n;
        o[2].i64 -= n;
        const enum wrt_run how = pay(exec, n / 8, o[2].i64);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_cold_elem_drop(struct wrt_exec *exec)
{
    exec->instance->elements[immediate(exec)].count = 0;
    return WRT_RUN_CONTINUE;
}
