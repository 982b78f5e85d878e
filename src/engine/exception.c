/* engine/exception.c - the pool of exceptions, and what hosts do with them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The pool is an array of cells, cut into blocks that follow each other without a gap: an
 * exception (header and values), or free room. An exnref is a mark and the index of the
 * exception's first cell, so that it is the same number on every machine. Whether a number is
 * one can be asked: the mark fits and an exception begins there.
 *
 * Room is found by walking the blocks from where the last search ended, joining free ones. If
 * there is none, everything that is not reachable is freed, and the walk is made once more. What
 * a walk looks at is counted. Each throw saves up for it out of the fuel that it pays anyway, and
 * only what was not saved is paid in addition: while most exceptions are dead when room runs
 * out, a throw costs the same whatever happened before. What is reachable follows from
 * the types of slots and fields alone, never from what is left over: so the pool is in the same
 * state at the same instruction on every machine, and in a restored snapshot.
 */
#include <string.h>

#include "engine.h"

#define HEADER_CELLS WRT_EXCEPTION_HEADER
#define LAST UINT32_MAX
#define MOST_KEPT WRT_EXCEPTION_MOST_KEPT
#define LOOKS_PER_FUEL 8 /* blocks, references and objects that a walk looks at */
#define SAVED_PER_THROW 2 /* of at least three: the throw, and a clause or a frame that is left */

#define MARK UINT64_C(0x65786E) /* "exn" */
#define MARK_SHIFT 40

static struct wrt_exception *block_at(const struct wrt_exceptions *e, uint32_t at)
{
    return (struct wrt_exception *)(void *)&e->cells[at];
}

static uint32_t pool_cells(const struct wrt_store *store)
{
    return wrt_exception_pool(store);
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
    struct wrt_exception *room = block_at(e, at);
    while (room->cells < wanted && at + room->cells < end) {
        const struct wrt_exception *next = block_at(e, at + room->cells);
        if (next->of.tag != NULL)
            return;
        const uint32_t sum = room->cells + next->cells;
        if (sum > 0xFFFFF)
            return;
        room->cells = sum & 0xFFFFF;
    }
}

/* Adds the blocks that it looks at to *looks. */
static bool find_room(struct wrt_exceptions *e, uint32_t wanted, uint32_t end, uint32_t *out,
                      uint64_t *looks)
{
    uint32_t at = e->cursor < end ? e->cursor : 0;
    for (uint32_t seen = 0; seen < end; ++*looks) {
        struct wrt_exception *block = block_at(e, at);
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
    struct wrt_exception *block = block_at(e, at);
    const uint32_t rest = block->cells - wanted;
    if (rest != 0)
        *block_at(e, at + wanted) = (struct wrt_exception){.cells = rest & 0xFFFFF};
    block->cells = wanted & 0xFFFFF;
    e->cursor = at + wanted;
}

/* ---- reclaiming: mark what is reachable, free the rest ---- */

/* A list of exceptions that are reached, but whose values were not looked at. */
struct marking {
    struct wrt_store *store;
    uint32_t list; /* first of them + 1, or LAST */
    uint64_t looks;
};

static void reach(void *context, uint64_t reference)
{
    struct marking *m = context;
    m->looks++;
    if (!wrt_is_exception(m->store, reference))
        return;
    struct wrt_exception *exception = block_at(&m->store->exceptions, index_of(reference));
    if (exception->link != 0)
        return;
    exception->link = m->list;
    m->list = index_of(reference) + 1;
}

static void reach_slots(struct marking *m, const union wrt_slot *slots, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        reach(m, slots[i].i64);
}

/* The values of an exception with this tag. */
static void reach_values(struct marking *m, const struct wrt_tag *tag, const union cell *values)
{
    const struct wrt_function_type *type = tag->type;
    m->looks++;
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        if (wrt_is_exnref(type->parameters[i]))
            reach(m, values->i64);
        values += wrt_type_slots(type->parameters[i]);
    }
}

static uint64_t load_64(const uint8_t *from)
{
    uint64_t bits;
    memcpy(&bits, from, sizeof bits);
    return bits;
}

static void reach_fields(struct marking *m, struct wrt_object *object,
                         const struct wrt_type_def *def)
{
    const uint8_t *data = wrt_object_data(object);
    m->looks++;
    if (def->kind == WRT_KIND_ARRAY) {
        for (uint32_t i = 0; wrt_is_exnref(def->fields[0].type) && i < object->length; i++)
            reach(m, load_64(data + (size_t)i * 8));
        return;
    }
    for (uint32_t f = 0; f < def->field_count; f++)
        if (wrt_is_exnref(def->fields[f].type))
            reach(m, load_64(data + def->fields[f].offset));
}

/* Structs and arrays, also those that are not reachable but were not found dead yet. */
static void reach_heap(struct marking *m)
{
    struct wrt_heap *heap = &m->store->heap;
    for (uint32_t granule = 0; heap->may_hold_exceptions && granule < heap->granules;) {
        struct wrt_object *object =
            wrt_object_at(heap, (uint64_t)granule * WRT_GRANULE_BYTES);
        if (wrt_heap_has_content(heap, granule))
            reach_fields(m, object, m->store->types.by_id[object->type]->def);
        m->looks++;
        granule += object->granules;
    }
}

static void reach_instance(struct marking *m, const struct wrt_instance *instance)
{
    const struct wrt_module *module = instance->module;
    m->looks += module->info.global_count + module->info.element_segment_count;
    for (uint32_t i = 0; i < module->info.global_count; i++)
        if (instance->globals[i] != NULL && wrt_is_exnref(instance->globals[i]->type.content))
            reach(m, instance->globals[i]->value.i64);
    for (uint32_t i = 0; i < module->info.element_segment_count; i++)
        if (wrt_is_exnref(module->elements[i].type))
            reach_slots(m, instance->elements[i].items, instance->elements[i].count);
}

static void reach_roots(struct marking *m)
{
    struct wrt_store *store = m->store;
    reach(m, store->exceptions.current);
    m->looks += wrt_visit_stack(store, reach, m);
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
    for (uint32_t at = 0; at < end; at += block_at(e, at)->cells, m->looks++)
        if (block_at(e, at)->of.tag != NULL && block_at(e, at)->kept != 0)
            reach(m, wrt_exception_reference(at));
}

static void free_unreached(struct wrt_exceptions *e, uint32_t end)
{
    for (uint32_t at = 0; at < end; at += block_at(e, at)->cells) {
        struct wrt_exception *exception = block_at(e, at);
        if (exception->of.tag != NULL && exception->link == 0) {
            exception->of.tag = NULL;
            set_start(e, at, false);
        }
        exception->link = 0;
    }
}

/* Gives how much it looked at. */
static uint64_t reclaim(struct wrt_store *store, const struct wrt_tag *tag,
                        const union cell *values)
{
    struct wrt_exceptions *e = &store->exceptions;
    const uint32_t end = pool_cells(store);
    struct marking m = {.store = store, .list = LAST};
    reach_roots(&m);
    reach_kept(&m, end);
    reach_values(&m, tag, values); /* of the exception that needs the room */
    while (m.list != LAST) {
        const uint32_t at = m.list - 1;
        const struct wrt_exception *exception = block_at(e, at);
        m.list = exception->link;
        reach_values(&m, exception->of.tag, e->cells + at + HEADER_CELLS);
    }
    free_unreached(e, end);
    return m.looks;
}

/* Who throws while a guest runs pays for what was looked at. */
static void pay(struct wrt_store *store, uint64_t looks)
{
    struct wrt_exceptions *e = &store->exceptions;
    const uint64_t price = looks / LOOKS_PER_FUEL;
    const uint64_t saved = e->saved_fuel + SAVED_PER_THROW;
    if (price > saved && store->exec.depth != 0)
        store->exec.fuel -= (int64_t)(price - saved);
    const uint64_t rest = price < saved ? saved - price : 0;
    e->saved_fuel = rest < pool_cells(store) ? (uint32_t)rest : pool_cells(store);
}

/* 0: there is no room. */
static uint64_t make(struct wrt_store *store, struct wrt_tag *tag, const union cell *values)
{
    struct wrt_exceptions *e = &store->exceptions;
    const uint32_t count = wrt_cells_of(tag), end = pool_cells(store);
    const uint32_t wanted = wrt_exception_cells(tag);
    uint32_t at = 0;
    uint64_t looks = 0;
    bool found = wanted <= end && find_room(e, wanted, end, &at, &looks);
    if (!found && wanted <= end) {
        looks += reclaim(store, tag, values);
        found = find_room(e, wanted, end, &at, &looks);
    }
    pay(store, looks);
    if (!found)
        return 0;
    cut(e, at, wanted);
    struct wrt_exception *exception = block_at(e, at);
    exception->kept = 0;
    exception->link = 0;
    exception->of.tag = tag;
    union cell *to = e->cells + at + HEADER_CELLS;
    if (count != 0)
        memcpy(to, values, count * sizeof *to);
    if (count % 2 != 0)
        to[count].i64 = 0;
    set_start(e, at, true);
    return wrt_exception_reference(at);
}

uint64_t wrt_exception_reference(uint32_t at)
{
    return (MARK << MARK_SHIFT) | at;
}

void wrt_exception_mark(struct wrt_exceptions *e, uint32_t at, bool begins)
{
    set_start(e, at, begins);
}

static void shade_values(struct wrt_heap *heap, const struct wrt_tag *tag, const union cell *values)
{
    const struct wrt_function_type *type = tag->type;
    for (uint32_t i = 0; i < type->parameter_count; i++) {
        if (wrt_is_reference(type->parameters[i]))
            wrt_heap_shade(heap, values->i64);
        values += wrt_type_slots(type->parameters[i]);
    }
}

/* To the collector of structs and arrays all exceptions of the pool are roots. Their values
 * never change, so it is enough that it looks when it begins. */
uint64_t wrt_shade_exceptions(struct wrt_store *store)
{
    const struct wrt_exceptions *e = &store->exceptions;
    const uint32_t end = e->cells != NULL ? pool_cells(store) : 0;
    for (uint32_t at = 0; at < end; at += block_at(e, at)->cells)
        if (block_at(e, at)->of.tag != NULL)
            shade_values(&store->heap, block_at(e, at)->of.tag, e->cells + at + HEADER_CELLS);
    return end;
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
    struct wrt_exception *block = block_at(&store->exceptions, index_of(exception));
    if (block->kept == MOST_KEPT)
        return WRT_ERR_LIMIT;
    block->kept = (block->kept + 1u) & MOST_KEPT;
    return WRT_OK;
}

void wrt_exception_release(struct wrt_store *store, uint64_t exception)
{
    if (!wrt_is_exception(store, exception))
        return;
    struct wrt_exception *block = block_at(&store->exceptions, index_of(exception));
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
