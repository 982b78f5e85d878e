/* engine/gc.c - what the instructions of structs, arrays and casts do (spec 4.6).
 * SPDX-License-Identifier: Apache-2.0
 *
 * exec->pc and exec->fp stand at the instruction: operands in the slots from d on, numbers in
 * pc[1].imm and pc[2]. An allocation that finds no room collects in pieces; between them the
 * guest may stop, and the instruction is executed again. Copies go in pieces too.
 */
#include <string.h>

#include "engine.h"

#define PIECE_ELEMENTS 4096u
#define COLLECT_UNITS 4096u /* one piece of a collection that an allocation waits for */
#define COLLECT_FUEL 64

static enum wrt_run trapped(struct wrt_exec *exec, enum wrt_trap_kind kind)
{
    exec->trap.kind = kind;
    return WRT_RUN_TRAP;
}

static union cell *operands(struct wrt_exec *exec)
{
    return exec->fp + exec->pc[1].k.d;
}

static enum wrt_run result(struct wrt_exec *exec, uint64_t value)
{
    exec->A = value;
    operands(exec)->i64 = value;
    return WRT_RUN_CONTINUE;
}

static struct wrt_heap *heap_of(struct wrt_exec *exec)
{
    return &wrt_store_of(exec)->heap;
}

static const struct wrt_rtt *type_of(const struct wrt_exec *exec)
{
    return exec->instance->rtts[exec->pc[1].k.imm];
}

/* ---- fields as bytes ---- */

void wrt_write_field(uint8_t *to, wrt_type type, const union cell *from)
{
    const uint32_t narrow = from->i32;
    const uint16_t half = (uint16_t)narrow;
    switch (type) {
    case WRT_PACKED_I8: *to = (uint8_t)narrow; break;
    case WRT_PACKED_I16: memcpy(to, &half, sizeof half); break;
    case WRT_I32: case WRT_F32: memcpy(to, &narrow, sizeof narrow); break;
    case WRT_V128: memcpy(to, from, 16); break;
    default: memcpy(to, from, 8); break;
    }
}

static void fill(uint8_t *to, const struct wrt_type_def *def, const union cell *value, uint64_t count)
{
    if (def->size_bytes == 1) {
        memset(to, (int)(value->i32 & 0xFF), (size_t)count);
        return;
    }
    for (uint64_t i = 0; i < count; i++)
        wrt_write_field(to + i * def->size_bytes, def->fields[0].type, value);
}

/* ---- allocation ---- */

/* One piece of the collection that an allocation of that size waits for. */
static enum wrt_run wait_for_room(struct wrt_exec *exec)
{
    struct wrt_heap *heap = heap_of(exec);
    if (!heap->waits) {
        heap->waits = true;
        heap->full_cycles = 0;
    }
    if (heap->full_cycles >= 2) { /* one that had begun before, and one of all that is there */
        heap->waits = false;
        return trapped(exec, WRT_TRAP_HEAP_EXHAUSTED);
    }
    exec->fuel -= (int64_t)wrt_heap_step(wrt_store_of(exec), COLLECT_UNITS, true) + COLLECT_FUEL;
    return exec->fuel < 0 ? wrt_stop_point(exec) : WRT_RUN_CONTINUE;
}

/* An object with `bytes` bytes, not cleared. Collects a little for each that is made. */
static enum wrt_run allocate(struct wrt_exec *exec, const struct wrt_rtt *rtt, uint32_t length,
                             uint64_t bytes, struct wrt_object **object, uint64_t *reference)
{
    struct wrt_heap *heap = heap_of(exec);
    const uint64_t granules = bytes / WRT_GRANULE_BYTES + 1;
    const bool fits = granules <= heap->granules;
    const uint32_t paid = (uint32_t)(granules / 4) + 1; /* with the instruction's own unit */
    if (fits && !heap->waits &&
        (heap->phase != WRT_HEAP_IDLE || heap->free_granules < heap->granules / 2))
        (void)wrt_heap_step(wrt_store_of(exec), (uint32_t)granules * 4 + 16, false);
    while ((*reference = wrt_heap_take(heap, rtt->id, length, bytes)) == 0) {
        if (!fits)
            return trapped(exec, WRT_TRAP_HEAP_EXHAUSTED);
        const enum wrt_run how = wait_for_room(exec);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    heap->waits = false;
    exec->fuel -= (int64_t)(granules / 4);
    heap->owed_fuel -= heap->owed_fuel < paid ? heap->owed_fuel : paid;
    *object = wrt_object_at(heap, *reference);
    return WRT_RUN_CONTINUE;
}

static enum wrt_run new_struct(struct wrt_exec *exec, bool with_default)
{
    const struct wrt_rtt *rtt = type_of(exec);
    const struct wrt_type_def *def = rtt->def;
    struct wrt_object *object = NULL;
    uint64_t reference = 0;
    const enum wrt_run how = allocate(exec, rtt, 0, def->size_bytes, &object, &reference);
    if (how != WRT_RUN_CONTINUE)
        return how;
    const union cell *from = operands(exec);
    memset(wrt_object_data(object), 0, def->size_bytes);
    for (uint32_t f = 0; !with_default && f < def->field_count; f++) {
        wrt_write_field(wrt_object_data(object) + def->fields[f].offset, def->fields[f].type, from);
        from += wrt_type_slots(def->fields[f].type);
    }
    return result(exec, reference);
}

enum wrt_run wrt_cold_struct_new(struct wrt_exec *exec)
{
    return new_struct(exec, false);
}

enum wrt_run wrt_cold_struct_new_default(struct wrt_exec *exec)
{
    return new_struct(exec, true);
}

static enum wrt_run new_array(struct wrt_exec *exec, uint32_t length, struct wrt_object **object,
                              uint64_t *reference)
{
    const struct wrt_rtt *rtt = type_of(exec);
    return allocate(exec, rtt, length, (uint64_t)length * rtt->def->size_bytes, object, reference);
}

enum wrt_run wrt_cold_array_new(struct wrt_exec *exec)
{
    const struct wrt_type_def *def = type_of(exec)->def;
    const union cell *o = operands(exec);
    const uint32_t length = o[wrt_type_slots(def->fields[0].type)].i32;
    struct wrt_object *object = NULL;
    uint64_t reference = 0;
    const enum wrt_run how = new_array(exec, length, &object, &reference);
    if (how != WRT_RUN_CONTINUE)
        return how;
    fill(wrt_object_data(object), def, o, length);
    return result(exec, reference);
}

enum wrt_run wrt_cold_array_new_default(struct wrt_exec *exec)
{
    const uint32_t length = operands(exec)->i32;
    struct wrt_object *object = NULL;
    uint64_t reference = 0;
    const enum wrt_run how = new_array(exec, length, &object, &reference);
    if (how != WRT_RUN_CONTINUE)
        return how;
    memset(wrt_object_data(object), 0, (size_t)length * type_of(exec)->def->size_bytes);
    return result(exec, reference);
}

enum wrt_run wrt_cold_array_new_fixed(struct wrt_exec *exec)
{
    const struct wrt_type_def *def = type_of(exec)->def;
    const uint32_t length = (uint32_t)exec->pc[2].half[0];
    const uint32_t slots = wrt_type_slots(def->fields[0].type);
    struct wrt_object *object = NULL;
    uint64_t reference = 0;
    const enum wrt_run how = new_array(exec, length, &object, &reference);
    if (how != WRT_RUN_CONTINUE)
        return how;
    for (uint32_t i = 0; i < length; i++)
        wrt_write_field(wrt_object_data(object) + (size_t)i * def->size_bytes, def->fields[0].type,
                    operands(exec) + (size_t)i * slots);
    return result(exec, reference);
}

/* ---- segments ---- */

struct source {
    const uint8_t *bytes;
    uint64_t count;      /* elements; of data, bytes */
    uint32_t item_bytes; /* in `count` */
};

static struct source data_of(const struct wrt_exec *exec)
{
    const uint32_t index = (uint32_t)exec->pc[2].half[0];
    const struct wrt_data_segment *s = &exec->instance->module->data[index];
    return (struct source){s->bytes, exec->instance->data_dropped[index] ? 0 : s->size_bytes, 1};
}

static struct source elements_of(const struct wrt_exec *exec)
{
    const struct wrt_element_items *s = &exec->instance->elements[exec->pc[2].half[0]];
    return (struct source){(const uint8_t *)s->items, s->count, sizeof *s->items};
}

/* Are `count` array elements of `size` bytes there from `start` on? */
static bool has(const struct source *s, uint32_t start, uint32_t count, uint32_t size)
{
    const uint64_t needed = s->item_bytes == 1 ? (uint64_t)count * size : count;
    return start <= s->count && needed <= s->count - start;
}

static enum wrt_run new_from(struct wrt_exec *exec, struct source s, enum wrt_trap_kind outside)
{
    const uint32_t start = operands(exec)[0].i32, length = operands(exec)[1].i32;
    const uint32_t size = type_of(exec)->def->size_bytes;
    struct wrt_object *object = NULL;
    uint64_t reference = 0;
    if (!has(&s, start, length, size))
        return trapped(exec, outside);
    const enum wrt_run how = new_array(exec, length, &object, &reference);
    if (how != WRT_RUN_CONTINUE)
        return how;
    if (length != 0)
        memcpy(wrt_object_data(object), s.bytes + (size_t)start * s.item_bytes, (size_t)length * size);
    return result(exec, reference);
}

enum wrt_run wrt_cold_array_new_data(struct wrt_exec *exec)
{
    return new_from(exec, data_of(exec), WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
}

enum wrt_run wrt_cold_array_new_elem(struct wrt_exec *exec)
{
    return new_from(exec, elements_of(exec), WRT_TRAP_OUT_OF_BOUNDS_TABLE);
}

/* ---- bulk operations on arrays ---- */

static enum wrt_run pay(struct wrt_exec *exec, uint32_t fuel, uint32_t left)
{
    exec->fuel -= fuel;
    return left != 0 && exec->fuel < 0 ? wrt_stop_point(exec) : WRT_RUN_CONTINUE;
}

static uint32_t piece(uint32_t count)
{
    return count < PIECE_ELEMENTS ? count : PIECE_ELEMENTS;
}

static bool in_array(const struct wrt_object *array, uint32_t start, uint32_t count)
{
    return start <= array->length && count <= array->length - start;
}

/* The references in elements [start, start + count) are about to be overwritten. */
static void overwrite(struct wrt_heap *heap, const struct wrt_type_def *def,
                      struct wrt_object *array, uint32_t start, uint32_t count)
{
    if (heap->phase != WRT_HEAP_MARKING || !wrt_is_reference(def->fields[0].type))
        return;
    for (uint32_t i = start; i < start + count; i++) {
        uint64_t old;
        memcpy(&old, wrt_object_data(array) + (size_t)i * 8, sizeof old);
        wrt_heap_shade(heap, old);
    }
}

enum wrt_run wrt_cold_array_fill(struct wrt_exec *exec)
{
    struct wrt_heap *heap = heap_of(exec);
    const struct wrt_type_def *def = type_of(exec)->def;
    union cell *o = operands(exec), *left = o + 2 + wrt_type_slots(def->fields[0].type);
    if (o[0].i64 == 0)
        return trapped(exec, WRT_TRAP_NULL_ARRAY);
    struct wrt_object *array = wrt_object_at(heap, o[0].i64);
    if (!in_array(array, o[1].i32, left->i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_ARRAY);
    while (left->i32 != 0) {
        const uint32_t n = piece(left->i32);
        overwrite(heap, def, array, o[1].i32, n);
        fill(wrt_object_data(array) + (size_t)o[1].i32 * def->size_bytes, def, o + 2, n);
        o[1].i64 = o[1].i32 + n;
        left->i64 = left->i32 - n;
        const enum wrt_run how = pay(exec, n / 8, left->i32);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

/* Pieces from the side that makes overlap harmless: downwards if the target is above. */
enum wrt_run wrt_cold_array_copy(struct wrt_exec *exec)
{
    struct wrt_heap *heap = heap_of(exec);
    const struct wrt_type_def *def = type_of(exec)->def;
    union cell *o = operands(exec);
    if (o[0].i64 == 0 || o[2].i64 == 0)
        return trapped(exec, WRT_TRAP_NULL_ARRAY);
    struct wrt_object *to = wrt_object_at(heap, o[0].i64), *from = wrt_object_at(heap, o[2].i64);
    if (!in_array(to, o[1].i32, o[4].i32) || !in_array(from, o[3].i32, o[4].i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_ARRAY);
    while (o[4].i32 != 0) {
        const uint32_t n = piece(o[4].i32), left = o[4].i32 - n;
        const bool down = to == from && o[1].i32 > o[3].i32;
        const uint32_t skip = down ? left : 0;
        overwrite(heap, def, to, o[1].i32 + skip, n);
        memmove(wrt_object_data(to) + (size_t)(o[1].i32 + skip) * def->size_bytes,
                wrt_object_data(from) + (size_t)(o[3].i32 + skip) * def->size_bytes,
                (size_t)n * def->size_bytes);
        o[1].i64 = o[1].i32 + (down ? 0 : n);
        o[3].i64 = o[3].i32 + (down ? 0 : n);
        o[4].i64 = left;
        const enum wrt_run how = pay(exec, n / 8, left);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

static enum wrt_run init_from(struct wrt_exec *exec, struct source s, enum wrt_trap_kind outside)
{
    struct wrt_heap *heap = heap_of(exec);
    const struct wrt_type_def *def = type_of(exec)->def;
    union cell *o = operands(exec);
    if (o[0].i64 == 0)
        return trapped(exec, WRT_TRAP_NULL_ARRAY);
    struct wrt_object *array = wrt_object_at(heap, o[0].i64);
    if (!in_array(array, o[1].i32, o[3].i32))
        return trapped(exec, WRT_TRAP_OUT_OF_BOUNDS_ARRAY);
    if (!has(&s, o[2].i32, o[3].i32, def->size_bytes))
        return trapped(exec, outside);
    while (o[3].i32 != 0) {
        const uint32_t n = piece(o[3].i32);
        overwrite(heap, def, array, o[1].i32, n);
        memcpy(wrt_object_data(array) + (size_t)o[1].i32 * def->size_bytes,
               s.bytes + (size_t)o[2].i32 * s.item_bytes, (size_t)n * def->size_bytes);
        o[1].i64 = o[1].i32 + n;
        o[2].i64 = o[2].i32 + (s.item_bytes == 1 ? n * def->size_bytes : n);
        o[3].i64 = o[3].i32 - n;
        const enum wrt_run how = pay(exec, n / 8, o[3].i32);
        if (how != WRT_RUN_CONTINUE)
            return how;
    }
    return WRT_RUN_CONTINUE;
}

enum wrt_run wrt_cold_array_init_data(struct wrt_exec *exec)
{
    return init_from(exec, data_of(exec), WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
}

enum wrt_run wrt_cold_array_init_elem(struct wrt_exec *exec)
{
    return init_from(exec, elements_of(exec), WRT_TRAP_OUT_OF_BOUNDS_TABLE);
}

/* ---- references that are overwritten ---- */

void wrt_set_reference(struct wrt_exec *exec, uint8_t *to, uint64_t value)
{
    uint64_t old;
    memcpy(&old, to, sizeof old);
    wrt_heap_overwrite(heap_of(exec), old);
    memcpy(to, &value, sizeof value);
}

void wrt_global_set_reference(struct wrt_exec *exec, uint32_t global, uint64_t value)
{
    union cell *cell = &exec->globals[global]->value;
    wrt_heap_overwrite(heap_of(exec), cell->i64);
    cell->i64 = value;
}

/* ---- casts ---- */

bool wrt_reference_is(struct wrt_exec *exec, uint64_t bits, wrt_type type)
{
    const uint32_t heap = wrt_heap_of(type);
    struct wrt_rtt *const *scope = exec->instance->rtts;
    if (bits == 0)
        return wrt_is_nullable(type);
    if (wrt_is_concrete(type) && scope[heap]->def->kind == WRT_KIND_FUNCTION)
        return wrt_rtt_is(((union cell){.i64 = bits}).function->rtt, scope[heap]);
    switch (heap & 0xFF) {
    case WRT_FUNCREF: case WRT_EXTERNREF: case WRT_EXNREF: /* all of their hierarchy */
        if (!wrt_is_concrete(type))
            return true;
        break;
    default: break;
    }
    return wrt_any_is(wrt_store_of(exec), scope, type, bits);
}
