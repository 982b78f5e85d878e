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

static bool in_range(uint64_t size, uint32_t start, uint32_t count)
{
    return start <= size && count <= size - start;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Settles the fuel of one piece; not CONTINUE if the guest must stop before the next. */
static enum wrt_run pay(struct wrt_exec *exec, uint32_t fuel, uint32_t left)
{
    exec->fuel -= fuel;
    return left != 0 && exec->fuel < 0 ? wrt_stop_point(exec) : WRT_RUN_CONTINUE;
}

/* ---- memory ---- */

enum wrt_run wrt_cold_memory_grow(struct wrt_exec *exec)
{
    uint64_t old = 0;
    struct wrt_memory *memory = exec->instance->memories[immediate(exec)];
    const enum wrt_status status =
        wrt_memory_grow(memory, operands(exec)->i32, &old, NULL);
    return result(exec, status == WRT_OK ? (uint32_t)old : UINT32_MAX);
}

enum wrt_run wrt_cold_memory_fill(struct wrt_exec *exec)
{
    struct wrt_memory *memory = exec->instance->memories[immediate(exec)];
    union cell *o = operands(exec);
    if (!in_range(memory->pages.size_bytes, o[0].i32, o[2].i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    while (o[2].i32 != 0) {
        const uint32_t n = least(o[2].i32, PIECE_BYTES);
        memset(memory->pages.base + o[0].i32, (uint8_t)o[1].i32, n);
        o[0].i64 = o[0].i32 + n;
        o[2].i64 = o[2].i32 - n;
        const enum wrt_run how = pay(exec, n / 64, o[2].i32);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

/* One piece from the side that makes overlap harmless: downwards if the target is above. */
static uint32_t copy_piece(const struct wrt_memory *to, const struct wrt_memory *from,
                           union cell *o)
{
    const uint32_t n = least(o[2].i32, PIECE_BYTES), left = o[2].i32 - n;
    const bool down = to == from && o[0].i32 > o[1].i32;
    const uint32_t skip = down ? left : 0;
    memmove(to->pages.base + o[0].i32 + skip, from->pages.base + o[1].i32 + skip, n);
    if (!down) {
        o[0].i64 = o[0].i32 + n;
        o[1].i64 = o[1].i32 + n;
    }
    o[2].i64 = left;
    return n;
}

enum wrt_run wrt_cold_memory_copy(struct wrt_exec *exec)
{
    const struct wrt_memory *to = exec->instance->memories[exec->pc[1].k.a];
    const struct wrt_memory *from = exec->instance->memories[immediate(exec)];
    union cell *o = operands(exec);
    if (!in_range(to->pages.size_bytes, o[0].i32, o[2].i32) ||
        !in_range(from->pages.size_bytes, o[1].i32, o[2].i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    while (o[2].i32 != 0) {
        const uint32_t n = copy_piece(to, from, o);
        const enum wrt_run how = pay(exec, n / 64, o[2].i32);
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
    if (!in_range(size, o[1].i32, o[2].i32) ||
        !in_range(memory->pages.size_bytes, o[0].i32, o[2].i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
    while (o[2].i32 != 0) {
        const uint32_t n = least(o[2].i32, PIECE_BYTES);
        memcpy(memory->pages.base + o[0].i32, segment->bytes + o[1].i32, n);
        o[0].i64 = o[0].i32 + n;
        o[1].i64 = o[1].i32 + n;
        o[2].i64 = o[2].i32 - n;
        const enum wrt_run how = pay(exec, n / 64, o[2].i32);
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

static struct wrt_table *table_of(const struct wrt_exec *exec, uint32_t index)
{
    return exec->instance->tables[index];
}

enum wrt_run wrt_cold_table_get(struct wrt_exec *exec)
{
    union wrt_slot value;
    if (wrt_table_get(table_of(exec, immediate(exec)), operands(exec)->i32, &value) != WRT_OK)
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    return result(exec, value.i64);
}

enum wrt_run wrt_cold_table_set(struct wrt_exec *exec)
{
    const union cell *o = operands(exec);
    if (wrt_table_set(table_of(exec, immediate(exec)), o[0].i32, o[1].slot) != WRT_OK)
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_cold_table_grow(struct wrt_exec *exec)
{
    uint64_t old = 0;
    const union cell *o = operands(exec);
    const uint32_t delta = o[1].i32;
    const enum wrt_status status =
        wrt_table_grow(table_of(exec, immediate(exec)), delta, o[0].slot, &old, NULL);
    if (status == WRT_OK)
        exec->fuel -= delta / 8;
    return result(exec, status == WRT_OK ? (uint32_t)old : UINT32_MAX);
}

enum wrt_run wrt_cold_table_fill(struct wrt_exec *exec)
{
    struct wrt_table *table = table_of(exec, immediate(exec));
    union cell *o = operands(exec);
    if (!in_range(table->size, o[0].i32, o[2].i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    while (o[2].i32 != 0) {
        const uint32_t n = least(o[2].i32, PIECE_ELEMENTS);
        for (uint32_t i = 0; i < n; i++)
            table->elements[o[0].i32 + i] = o[1].slot;
        o[0].i64 = o[0].i32 + n;
        o[2].i64 = o[2].i32 - n;
        const enum wrt_run how = pay(exec, n / 8, o[2].i32);
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
    if (!in_range(to->size, o[0].i32, o[2].i32) || !in_range(from->size, o[1].i32, o[2].i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    while (o[2].i32 != 0) {
        const uint32_t n = least(o[2].i32, PIECE_ELEMENTS), left = o[2].i32 - n;
        const bool down = to == from && o[0].i32 > o[1].i32;
        const uint32_t skip = down ? left : 0;
        memmove(to->elements + o[0].i32 + skip, from->elements + o[1].i32 + skip,
                n * sizeof *to->elements);
        if (!down) {
            o[0].i64 = o[0].i32 + n;
            o[1].i64 = o[1].i32 + n;
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
    if (!in_range(segment->count, o[1].i32, o[2].i32) ||
        !in_range(table->size, o[0].i32, o[2].i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
    while (o[2].i32 != 0) {
        const uint32_t n = least(o[2].i32, PIECE_ELEMENTS);
        memcpy(table->elements + o[0].i32, segment->items + o[1].i32, n * sizeof *table->elements);
        o[0].i64 = o[0].i32 + n;
        o[1].i64 = o[1].i32 + n;
        o[2].i64 = o[2].i32 - n;
        const enum wrt_run how = pay(exec, n / 8, o[2].i32);
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
