/* engine/exception.c - the pool of exceptions, and what hosts do with them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The pool is an array of cells, cut into blocks that follow each other without a gap: an
 * exception (header and values), or free room. An exnref is a mark and the index of the
 * exception's first cell, so that it is the same number on every machine, and so that a cell of
 * the value stack can be asked whether it may be one: the mark fits and an exception begins
 * there. Asking cells like this may keep an exception that is dead; it never frees one that is
 * not, and it decides alike everywhere.
 *
 * Room is found by walking the blocks from where the last search ended, joining free ones. If
 * there is none, everything that is not reachable is freed, and the walk is made once more. Each
 * walk is O(cells).
 */
#include <string.h>

#include "engine.h"

/* An even number of cells, so that what is cut off a free block can hold a header. */
struct exception {
    uint32_t cells : 20; /* of the block, header included */
    uint32_t kept : 12;  /* by the host */
    uint32_t link;       /* while reclaiming: 0 not reached, else the next one + 1, or LAST */
    union {
        struct wrt_tag *tag; /* NULL: free room */
        uint64_t pad;
    } of;
};

#define HEADER_CELLS 2
#define LAST UINT32_MAX
#define MOST_KEPT 4095

_Static_assert(sizeof(struct exception) == HEADER_CELLS * sizeof(union cell), "header");

#define MARK UINT64_C(0x65786E) /* "exn" */
#define MARK_SHIFT 40

static struct exception *block_at(const struct wrt_exceptions *e, uint32_t at)
{
    return (struct exception *)(void *)&e->cells[at];
}

static uint32_t pool_cells(const struct wrt_store *store)
{
    return store->config.exception_cells & ~1u;
}

static uint32_t index_of(uint64_t reference)
{
    return (uint32_t)reference;
}

static bool begins_at(const struct wrt_exceptions *e, uint32_t at)
{
    return (e->starts[at / 64] >> (at % 64) & 1) != 0;
}

static void set_start(struct wrt_exceptions *e, uint32_t at, bool begins)
{
    const uint64_t bit = UINT64_C(1) << (at % 64);
    e->starts[at / 64] = begins ? e->starts[at / 64] | bit : e->starts[at / 64] & ~bit;
}

bool wrt_is_exception(const struct wrt_store *store, uint64_t reference)
{
    const struct wrt_exceptions *e = &store->exceptions;
    return reference >> 32 == MARK << (MARK_SHIFT - 32) && e->cells != NULL &&
           index_of(reference) < pool_cells(store) && begins_at(e, index_of(reference));
}

/* ---- the pool ---- */

enum wrt_status wrt_exceptions_prepare(struct wrt_store *store, struct wrt_error *error)
{
    struct wrt_block *blocks = NULL;
    struct wrt_exceptions *e = &store->exceptions;
    if (e->cells != NULL)
        return WRT_OK;
    const uint32_t count = pool_cells(store);
    union cell *cells = NULL;
    uint64_t *starts = NULL;
    enum wrt_status status = wrt_block_take(store->partition, &blocks, WRT_CHARGE_RUNTIME, count,
                                            sizeof *cells, &cells, error);
    if (status == WRT_OK)
        status = wrt_block_take(store->partition, &blocks, WRT_CHARGE_RUNTIME, count / 64 + 1,
                                sizeof *starts, &starts, error);
    if (status != WRT_OK) {
        wrt_block_free_all(store->partition, &blocks);
        return status;
    }
    wrt_block_splice(&store->blocks, &blocks);
    /* One block is limited by the width of its size; the pool is not. */
    e->cells = cells;
    e->starts = starts;
    e->cursor = 0;
    for (uint32_t at = 0; at < count;) {
        const uint32_t most = (UINT32_C(1) << 20) - 2;
        const uint32_t size = count - at < most ? count - at : most;
        block_at(e, at)->cells = size & 0xFFFFF;
        at += size;
    }
    return WRT_OK;
}

/* Joins the free blocks behind a free one, until it is large enough. */
static void join(struct wrt_exceptions *e, uint32_t at, uint32_t wanted, uint32_t end)
{
    struct exception *room = block_at(e, at);
    while (room->cells < wanted && at + room->cells < end) {
        const struct exception *next = block_at(e, at + room->cells);
        if (next->of.tag != NULL)
            return;
        const uint32_t sum = room->cells + next->cells;
        if (sum > 0xFFFFF)
            return;
        room->cells = sum & 0xFFFFF;
    }
}

static bool find_room(struct wrt_exceptions *e, uint32_t wanted, uint32_t end, uint32_t *out)
{
    uint32_t at = e->cursor < end ? e->cursor : 0;
    for (uint32_t seen = 0; seen < end;) {
        struct exception *block = block_at(e, at);
        if (block->of.tag == NULL) {
            join(e, at, wanted, end);
            if (block->cells >= wanted) {
                *out = at;
                return true;
            }
        }
        seen += block->cells;
        at = at + block->cells < end ? at + block->cells : 0;
    }
    e->cursor = 0; /* the block it named may have been joined */
    return false;
}

static void cut(struct wrt_exceptions *e, uint32_t at, uint32_t wanted)
{
    struct exception *block = block_at(e, at);
    const uint32_t rest = block->cells - wanted;
    if (rest != 0)
        *block_at(e, at + wanted) = (struct exception){.cells = rest & 0xFFFFF};
    block->cells = wanted & 0xFFFFF;
    e->cursor = at + wanted;
}

/* ---- reclaiming: mark what is reachable, free the rest ---- */

/* A list of exceptions that are reached, but whose values were not looked at. */
struct marking {
    struct wrt_store *store;
    uint32_t list; /* first of them + 1, or LAST */
};

static void reach(struct marking *m, uint64_t reference)
{
    if (!wrt_is_exception(m->store, reference))
        return;
    struct exception *exception = block_at(&m->store->exceptions, index_of(reference));
    if (exception->link != 0)
        return;
    exception->link = m->list;
    m->list = index_of(reference) + 1;
}

static void reach_cells(struct marking *m, const union cell *cells, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        reach(m, cells[i].i64);
}

static void reach_slots(struct marking *m, const union wrt_slot *slots, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        reach(m, slots[i].i64);
}

/* Structs and arrays, also those that are not reachable: whatever looks like an exnref. */
static void reach_heap(struct marking *m)
{
    const struct wrt_heap *heap = &m->store->heap;
    for (uint64_t i = 0; i < (uint64_t)heap->granules * WRT_GRANULE_BYTES; i += 8) {
        uint64_t bits;
        memcpy(&bits, heap->base + i, sizeof bits);
        reach(m, bits);
    }
}

/* Everything below the running frame's end, or below what a host function may use. */
static void reach_stack(struct marking *m)
{
    const struct wrt_exec *exec = &m->store->exec;
    const union cell *end = exec->top;
    if (exec->depth != 0 && exec->instance != NULL) {
        const union word *pc =
            m->store->exceptions.searching ? m->store->exceptions.origin.pc : exec->pc;
        const struct wrt_code *code = wrt_code_at(exec->instance->module, pc);
        if (code != NULL && exec->fp + code->frame_slots > end)
            end = exec->fp + code->frame_slots;
    }
    reach_cells(m, exec->stack, (uint64_t)(end - exec->stack));
}

static void reach_instance(struct marking *m, const struct wrt_instance *instance)
{
    const struct wrt_module *module = instance->module;
    for (uint32_t i = 0; i < module->info.global_count; i++)
        if (instance->globals[i] != NULL && wrt_is_exnref(instance->globals[i]->type.content))
            reach(m, instance->globals[i]->value.i64);
    for (uint32_t i = 0; i < module->info.element_segment_count; i++)
        if (wrt_is_exnref(module->elements[i].type))
            reach_slots(m, instance->elements[i].items, instance->elements[i].count);
}

static void reach_roots(struct marking *m)
{
    const struct wrt_store *store = m->store;
    reach(m, store->exceptions.current);
    reach_stack(m);
    reach_heap(m);
    for (const struct wrt_instance *i = store->instances; i != NULL; i = i->next)
        reach_instance(m, i);
    for (const struct wrt_global *g = store->globals; g != NULL; g = g->next)
        if (wrt_is_exnref(g->type.content))
            reach(m, g->value.i64);
    for (const struct wrt_table *t = store->tables; t != NULL; t = t->next)
        if (wrt_is_exnref(t->type.element))
            reach_slots(m, t->elements, t->size);
}

static void reach_kept(struct marking *m, uint32_t end)
{
    const struct wrt_exceptions *e = &m->store->exceptions;
    for (uint32_t at = 0; at < end; at += block_at(e, at)->cells)
        if (block_at(e, at)->of.tag != NULL && block_at(e, at)->kept != 0)
            reach(m, (MARK << MARK_SHIFT) | at);
}

static void free_unreached(struct wrt_exceptions *e, uint32_t end)
{
    for (uint32_t at = 0; at < end; at += block_at(e, at)->cells) {
        struct exception *exception = block_at(e, at);
        if (exception->of.tag != NULL && exception->link == 0) {
            exception->of.tag = NULL;
            set_start(e, at, false);
        }
        exception->link = 0;
    }
}

static void reclaim(struct wrt_store *store, const union cell *values, uint32_t count)
{
    struct wrt_exceptions *e = &store->exceptions;
    const uint32_t end = pool_cells(store);
    struct marking m = {.store = store, .list = LAST};
    reach_roots(&m);
    reach_kept(&m, end);
    reach_cells(&m, values, count); /* of the exception that needs the room */
    while (m.list != LAST) {
        const uint32_t at = m.list - 1;
        const struct exception *exception = block_at(e, at);
        m.list = exception->link;
        reach_cells(&m, e->cells + at + HEADER_CELLS, exception->cells - HEADER_CELLS);
    }
    free_unreached(e, end);
}

bool wrt_has_exceptions(struct wrt_store *store)
{
    const struct wrt_exceptions *e = &store->exceptions;
    if (e->cells == NULL)
        return false;
    store->exceptions.cursor = 0;
    reclaim(store, NULL, 0);
    for (uint32_t i = 0; i <= pool_cells(store) / 64; i++)
        if (e->starts[i] != 0)
            return true;
    return false;
}

/* 0: there is no room. */
static uint64_t make(struct wrt_store *store, struct wrt_tag *tag, const union cell *values)
{
    struct wrt_exceptions *e = &store->exceptions;
    const uint32_t count = wrt_cells_of(tag), end = pool_cells(store);
    const uint32_t wanted = HEADER_CELLS + ((count + 1) & ~1u);
    uint32_t at = 0;
    if (wanted > end)
        return 0;
    if (!find_room(e, wanted, end, &at)) {
        reclaim(store, values, count);
        if (!find_room(e, wanted, end, &at))
            return 0;
    }
    cut(e, at, wanted);
    struct exception *exception = block_at(e, at);
    exception->kept = 0;
    exception->link = 0;
    exception->of.tag = tag;
    union cell *to = e->cells + at + HEADER_CELLS;
    if (count != 0)
        memcpy(to, values, count * sizeof *to);
    if (count % 2 != 0)
        to[count].i64 = 0;
    set_start(e, at, true);
    return (MARK << MARK_SHIFT) | at;
}

/* To the collector of structs and arrays all exceptions of the pool are roots. Their values
 * never change, so it is enough that it looks when it begins. */
void wrt_shade_exceptions(struct wrt_store *store)
{
    const struct wrt_exceptions *e = &store->exceptions;
    const uint32_t end = e->cells != NULL ? pool_cells(store) : 0;
    for (uint32_t at = 0; at < end; at += block_at(e, at)->cells) {
        const struct exception *exception = block_at(e, at);
        if (exception->of.tag == NULL)
            continue;
        for (uint32_t i = HEADER_CELLS; i < exception->cells; i++)
            wrt_heap_shade(&store->heap, e->cells[at + i].i64);
    }
}

/* ---- for the search, and for guests ---- */

struct wrt_tag *wrt_exception_tag(const struct wrt_store *store, uint64_t reference)
{
    return block_at(&store->exceptions, index_of(reference))->of.tag;
}

const union cell *wrt_exception_values(const struct wrt_store *store, uint64_t reference)
{
    return store->exceptions.cells + index_of(reference) + HEADER_CELLS;
}

static enum wrt_run trapped(struct wrt_exec *exec, enum wrt_trap_kind kind)
{
    exec->trap.kind = kind;
    return WRT_RUN_TRAP;
}

enum wrt_run wrt_throw(struct wrt_exec *exec)
{
    struct wrt_store *store = wrt_store_of(exec);
    const union word *pc = exec->pc;
    exec->fuel -= pc[1].k.imm;
    const uint64_t made =
        make(store, exec->instance->tags[pc[2].bits], exec->fp + pc[1].k.d);
    if (made == 0)
        return trapped(exec, WRT_TRAP_EXCEPTIONS_EXHAUSTED);
    store->exceptions.current = made;
    return wrt_raise(exec);
}

enum wrt_run wrt_throw_ref(struct wrt_exec *exec)
{
    struct wrt_store *store = wrt_store_of(exec);
    const uint64_t reference = exec->fp[exec->pc[1].k.d].i64;
    exec->fuel -= exec->pc[1].k.imm;
    if (!wrt_is_exception(store, reference))
        return trapped(exec, WRT_TRAP_NULL_EXCEPTION);
    store->exceptions.current = reference;
    return wrt_raise(exec);
}

/* ---- for the host ---- */

enum wrt_status wrt_tag_create(struct wrt_store *store, const struct wrt_function_type *type,
                               struct wrt_tag **out, struct wrt_error *error)
{
    struct host_tag {
        struct wrt_tag tag;
        struct wrt_type_def def;
    } *t = NULL;
    if (store == NULL || out == NULL || !wrt_is_function_type(type) || type->result_count != 0)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "a tag needs a valid type without results");
    const struct wrt_type_mark mark = wrt_types_mark(store);
    struct wrt_block *blocks = NULL;
    const struct wrt_rtt *rtt = NULL;
    enum wrt_status status = wrt_block_take(store->partition, &blocks, WRT_CHARGE_HOST, 1,
                                            sizeof *t, &t, error);
    if (status == WRT_OK)
        status = wrt_copy_type(store, &blocks, type, &t->def.function, error);
    if (status == WRT_OK)
        status = wrt_rtt_of_host(store, &blocks, &t->def, &rtt, error);
    if (status == WRT_OK)
        status = wrt_exceptions_prepare(store, error);
    if (status != WRT_OK) {
        wrt_types_undo(store, mark);
        wrt_block_free_all(store->partition, &blocks);
        return status;
    }
    t->tag = (struct wrt_tag){.type = &t->def.function, .rtt = rtt, .store = store};
    wrt_block_splice(&store->blocks, &blocks);
    *out = &t->tag;
    return WRT_OK;
}

const struct wrt_function_type *wrt_tag_type(const struct wrt_tag *tag)
{
    return tag->type;
}

uint64_t wrt_store_exception(const struct wrt_store *store)
{
    return store->exceptions.searching ? 0 : store->exceptions.current;
}

enum wrt_status wrt_exception_read(const struct wrt_store *store, uint64_t exception,
                                   struct wrt_tag **out_tag, union wrt_slot *values,
                                   uint32_t capacity)
{
    if (!wrt_is_exception(store, exception))
        return WRT_ERR_ARGUMENT;
    struct wrt_tag *tag = wrt_exception_tag(store, exception);
    const union cell *from = wrt_exception_values(store, exception);
    const uint32_t count = wrt_cells_of(tag);
    if (out_tag != NULL)
        *out_tag = tag;
    if (count > capacity)
        return WRT_ERR_BOUNDS;
    for (uint32_t i = 0; i < count; i++)
        values[i] = from[i].slot;
    return WRT_OK;
}

static bool values_fit(const struct wrt_store *store, const struct wrt_tag *tag,
                       const union wrt_slot *values)
{
    const struct wrt_function_type *type = tag->type;
    struct wrt_rtt *const *scope = tag->rtt->scope;
    for (uint32_t i = 0, slot = 0; i < type->parameter_count; i++) {
        if (!wrt_slot_fits(store, scope, type->parameters[i], values[slot]))
            return false;
        slot += wrt_type_slots(type->parameters[i]);
    }
    return true;
}

enum wrt_status wrt_exception_create(struct wrt_store *store, struct wrt_tag *tag,
                                     const union wrt_slot *values, uint64_t *out)
{
    if (store == NULL || tag == NULL || tag->store != store || out == NULL ||
        (values == NULL && tag->type->parameter_count != 0) ||
        !values_fit(store, tag, values))
        return WRT_ERR_ARGUMENT;
    const uint64_t made = make(store, tag, (const union cell *)(const void *)values);
    if (made == 0)
        return WRT_ERR_NO_SPACE;
    *out = made;
    return WRT_OK;
}

enum wrt_status wrt_exception_keep(struct wrt_store *store, uint64_t exception)
{
    if (!wrt_is_exception(store, exception))
        return WRT_ERR_ARGUMENT;
    struct exception *block = block_at(&store->exceptions, index_of(exception));
    if (block->kept == MOST_KEPT)
        return WRT_ERR_LIMIT;
    block->kept = (block->kept + 1u) & MOST_KEPT;
    return WRT_OK;
}

void wrt_exception_release(struct wrt_store *store, uint64_t exception)
{
    if (!wrt_is_exception(store, exception))
        return;
    struct exception *block = block_at(&store->exceptions, index_of(exception));
    if (block->kept != 0)
        block->kept = (block->kept - 1u) & MOST_KEPT;
}

enum wrt_status wrt_caller_throw(struct wrt_caller *caller, struct wrt_tag *tag,
                                 const union wrt_slot *values)
{
    uint64_t made = 0;
    const enum wrt_status status =
        wrt_exception_create(wrt_caller_store(caller), tag, values, &made);
    if (status != WRT_OK)
        return wrt_caller_trap(caller, status == WRT_ERR_NO_SPACE
                                           ? wrt_trap_text(WRT_TRAP_EXCEPTIONS_EXHAUSTED)
                                           : "throws what is not of this store");
    return wrt_caller_throw_ref(caller, made);
}

enum wrt_status wrt_caller_throw_ref(struct wrt_caller *caller, uint64_t exception)
{
    struct wrt_store *store = wrt_caller_store(caller);
    if (!wrt_is_exception(store, exception))
        return wrt_caller_trap(caller, wrt_trap_text(WRT_TRAP_NULL_EXCEPTION));
    store->exceptions.current = exception;
    return WRT_ERR_EXCEPTION;
}
