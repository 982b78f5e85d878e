/* engine/rtt.c - the types of a store: every group of every module once.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A group's types refer to earlier groups, which have their RTTs by then, or to itself. So
 * two groups are compared member by member, and never deeper.
 */
#include <string.h>

#include "engine.h"

/* ---- comparing ---- */

/* A group that may be new, against the group of an RTT. */
struct match {
    const struct wrt_type_def *defs; /* the new group's first type */
    struct wrt_rtt *const *scope;    /* its module's RTTs so far */
    const struct wrt_rtt *known;     /* the known group's first RTT */
};

static bool same_index(const struct match *m, uint32_t a, uint32_t b)
{
    if (a == UINT32_MAX || b == UINT32_MAX)
        return a == b;
    const uint32_t a_start = m->defs->group, b_start = m->known->def->group;
    if (a >= a_start || b >= b_start)
        return a >= a_start && b >= b_start && a - a_start == b - b_start;
    return m->scope[a] == m->known->scope[b];
}

static bool same_type(const struct match *m, wrt_type a, wrt_type b)
{
    if (!wrt_is_concrete(a) || !wrt_is_concrete(b))
        return a == b;
    return (a & 0xFF) == (b & 0xFF) && same_index(m, wrt_heap_of(a), wrt_heap_of(b));
}

static bool same_types(const struct match *m, const wrt_type *a, const wrt_type *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!same_type(m, a[i], b[i]))
            return false;
    return true;
}

static bool same_member(const struct match *m, const struct wrt_type_def *a,
                        const struct wrt_type_def *b)
{
    if (a->kind != b->kind || a->is_final != b->is_final || !same_index(m, a->super, b->super) ||
        a->field_count != b->field_count ||
        a->function.parameter_count != b->function.parameter_count ||
        a->function.result_count != b->function.result_count)
        return false;
    for (uint32_t i = 0; i < a->field_count; i++)
        if (a->fields[i].is_mutable != b->fields[i].is_mutable ||
            !same_type(m, a->fields[i].type, b->fields[i].type))
            return false;
    return same_types(m, a->function.parameters, b->function.parameters,
                      a->function.parameter_count) &&
           same_types(m, a->function.results, b->function.results, a->function.result_count);
}

static bool same_group(const struct match *m)
{
    const struct wrt_type_def *known = m->known->def;
    if (known->hash != m->defs->hash || known->group_size != m->defs->group_size)
        return false;
    for (uint32_t i = 0; i < known->group_size; i++)
        if (!same_member(m, &m->defs[i], m->known[i].def))
            return false;
    return true;
}

/* ---- the table ---- */

/* Doubles an array of pointers until it has `needed` of them. */
static enum wrt_status grow(struct wrt_store *store, struct wrt_rtt ***array, uint32_t *capacity,
                            uint32_t needed, bool keep, struct wrt_error *error)
{
    uint32_t larger = *capacity < 16 ? 16 : *capacity;
    while (larger < needed)
        larger *= 2;
    if (larger == *capacity)
        return WRT_OK;
    struct wrt_rtt **fresh = NULL;
    const enum wrt_status status =
        wrt_block_take(store->partition, &store->blocks, WRT_CHARGE_RUNTIME, larger,
                       sizeof(struct wrt_rtt *), &fresh, error);
    if (status != WRT_OK)
        return status;
    if (keep && *capacity != 0)
        memcpy(fresh, *array, *capacity * sizeof(struct wrt_rtt *));
    if (*array != NULL)
        wrt_block_free_one(store->partition, &store->blocks, *array);
    *array = fresh;
    *capacity = larger;
    return WRT_OK;
}

static void link_group(struct wrt_type_table *t, struct wrt_rtt *head)
{
    struct wrt_rtt **bucket = &t->buckets[head->def->hash & (t->bucket_count - 1)];
    head->next = *bucket;
    *bucket = head;
}

/* Room for `more` types in the buckets and among the ids. */
static enum wrt_status make_room(struct wrt_store *store, uint32_t more, struct wrt_error *error)
{
    struct wrt_type_table *t = &store->types;
    enum wrt_status status =
        grow(store, &t->by_id, &t->id_capacity, t->id_count + more, true, error);
    const uint32_t before = t->bucket_count;
    if (status == WRT_OK)
        status = grow(store, &t->buckets, &t->bucket_count, 2 * (t->id_count + more), false, error);
    if (status != WRT_OK || t->bucket_count == before)
        return status;
    for (uint32_t i = 0; i < t->id_count; i += t->by_id[i]->def->group_size)
        link_group(t, t->by_id[i]);
    return WRT_OK;
}

static enum wrt_status find(const struct wrt_type_table *t, struct match *m,
                            struct wrt_error *error)
{
    uint32_t probes = 0;
    for (m->known = t->buckets[m->defs->hash & (t->bucket_count - 1)]; m->known != NULL;
         m->known = m->known->next) {
        if (same_group(m))
            return WRT_OK;
        if (++probes == WRT_MOST_PROBES)
            return wrt_fail(error, WRT_ERR_LIMIT, "over %u types with one hash",
                            (unsigned)WRT_MOST_PROBES);
    }
    return WRT_OK;
}

/* Enters a group as `rtts`. There is room. */
static void enter(struct wrt_type_table *t, struct wrt_rtt *rtts, const struct wrt_type_def *defs,
                  struct wrt_rtt *const *scope)
{
    for (uint32_t i = 0; i < defs->group_size; i++) {
        rtts[i] = (struct wrt_rtt){.def = &defs[i], .scope = scope, .id = t->id_count};
        t->by_id[t->id_count++] = &rtts[i];
    }
    link_group(t, rtts);
}

static enum wrt_status enter_module(struct wrt_store *store, struct wrt_scope *scope,
                                    struct wrt_rtt *fresh, struct wrt_error *error)
{
    const struct wrt_module *m = scope->module;
    for (uint32_t i = 0; i < m->info.type_count;) {
        const uint32_t first = m->canonical_types[i];
        const struct wrt_type_def *defs = &m->types[first];
        if (first == i) {
            struct match match = {.defs = defs, .scope = scope->rtts};
            const enum wrt_status status = find(&store->types, &match, error);
            if (status != WRT_OK)
                return status;
            struct wrt_rtt *rtts = &fresh[i];
            if (match.known != NULL)
                memcpy(&rtts, &match.known, sizeof rtts);
            for (uint32_t j = 0; j < defs->group_size; j++)
                scope->rtts[i + j] = &rtts[j];
            if (match.known == NULL)
                enter(&store->types, rtts, defs, scope->rtts);
        } else {
            for (uint32_t j = 0; j < defs->group_size; j++)
                scope->rtts[i + j] = scope->rtts[first + j];
        }
        i += defs->group_size;
    }
    return WRT_OK;
}

static enum wrt_status make_scope(struct wrt_store *store, struct wrt_block **blocks,
                                  const struct wrt_module *module, struct wrt_error *error)
{
    const uint32_t count = module->info.type_count;
    struct wrt_scope *scope = NULL;
    struct wrt_rtt *fresh = NULL;
    enum wrt_status status = make_room(store, count, error);
    if (status == WRT_OK)
        status = wrt_block_take(store->partition, blocks, WRT_CHARGE_RUNTIME, 1,
                                sizeof *scope + count * sizeof scope->rtts[0], &scope, error);
    if (status == WRT_OK && count != 0)
        status = wrt_block_take(store->partition, blocks, WRT_CHARGE_RUNTIME, count,
                                sizeof *fresh, &fresh, error);
    if (status != WRT_OK)
        return status;
    scope->module = module;
    scope->next = store->types.scopes;
    store->types.scopes = scope;
    return enter_module(store, scope, fresh, error);
}

enum wrt_status wrt_scope_get(struct wrt_store *store, struct wrt_block **blocks,
                              const struct wrt_module *module, struct wrt_rtt *const **out,
                              struct wrt_error *error)
{
    struct wrt_scope *scope = store->types.scopes;
    while (scope != NULL && scope->module != module)
        scope = scope->next;
    if (scope == NULL) {
        const enum wrt_status status = make_scope(store, blocks, module, error);
        if (status != WRT_OK)
            return status;
        scope = store->types.scopes;
    }
    *out = scope->rtts;
    return WRT_OK;
}

struct wrt_type_mark wrt_types_mark(const struct wrt_store *store)
{
    return (struct wrt_type_mark){store->types.id_count, store->types.scopes};
}

/* Groups stand in their buckets newest first, and their ids end with the newest. */
void wrt_types_undo(struct wrt_store *store, struct wrt_type_mark mark)
{
    struct wrt_type_table *t = &store->types;
    while (t->id_count != mark.id_count) {
        const struct wrt_rtt *last = t->by_id[t->id_count - 1];
        t->id_count -= last->def->group_size;
        const struct wrt_rtt *head = t->by_id[t->id_count];
        t->buckets[head->def->hash & (t->bucket_count - 1)] = head->next;
    }
    t->scopes = mark.scopes;
}

enum wrt_status wrt_rtt_of_host(struct wrt_store *store, struct wrt_block **blocks,
                                struct wrt_type_def *def, const struct wrt_rtt **out,
                                struct wrt_error *error)
{
    def->super = UINT32_MAX;
    def->group_size = 1;
    def->is_final = true;
    def->hash = wrt_group_hash(def, 0, 1);
    struct wrt_rtt *fresh = NULL;
    enum wrt_status status = make_room(store, 1, error);
    struct match match = {.defs = def};
    if (status == WRT_OK)
        status = find(&store->types, &match, error);
    *out = match.known;
    if (status != WRT_OK || match.known != NULL)
        return status;
    status = wrt_block_take(store->partition, blocks, WRT_CHARGE_RUNTIME, 1, sizeof *fresh,
                            &fresh, error);
    if (status != WRT_OK)
        return status;
    enter(&store->types, fresh, def, NULL);
    *out = fresh;
    return WRT_OK;
}

/* ---- types of different scopes ---- */

static bool heap_is_across(struct wrt_rtt *const *a_scope, uint32_t a,
                           struct wrt_rtt *const *b_scope, uint32_t b)
{
    if (a & b & WRT_HEAP_ABSTRACT)
        return wrt_abstract_is((uint8_t)a, (uint8_t)b);
    if (b & WRT_HEAP_ABSTRACT)
        return wrt_kind_is((enum wrt_type_kind)a_scope[a]->def->kind, (uint8_t)b);
    if (a & WRT_HEAP_ABSTRACT)
        return wrt_is_under_kind((uint8_t)a, (enum wrt_type_kind)b_scope[b]->def->kind);
    return wrt_rtt_is(a_scope[a], b_scope[b]);
}

bool wrt_type_is_across(struct wrt_rtt *const *a_scope, wrt_type a,
                        struct wrt_rtt *const *b_scope, wrt_type b)
{
    if (!wrt_is_reference(a) || !wrt_is_reference(b))
        return a == b;
    return (wrt_is_nullable(b) || !wrt_is_nullable(a)) &&
           heap_is_across(a_scope, wrt_heap_of(a), b_scope, wrt_heap_of(b));
}

bool wrt_same_type_across(struct wrt_rtt *const *a_scope, wrt_type a,
                          struct wrt_rtt *const *b_scope, wrt_type b)
{
    if (!wrt_is_concrete(a) || !wrt_is_concrete(b))
        return a == b;
    return (a & 0xFF) == (b & 0xFF) && a_scope[wrt_heap_of(a)] == b_scope[wrt_heap_of(b)];
}

static bool function_fits(const struct wrt_store *store, struct wrt_rtt *const *scope, wrt_type type,
                          const struct wrt_function *function)
{
    if (function->store != store)
        return false;
    if (wrt_is_concrete(type))
        return wrt_rtt_is(function->rtt, scope[wrt_heap_of(type)]);
    return (wrt_heap_of(type) & 0xFF) == WRT_FUNCREF;
}

/* Looks like a reference to an object that is not there (any more)? */
static bool is_stale(const struct wrt_store *store, uint64_t bits)
{
    return bits >> 48 == WRT_OBJECT_TAG && wrt_object_of(&store->heap, bits) == NULL;
}

bool wrt_any_type_is(const struct wrt_rtt *object, bool is_i31, struct wrt_rtt *const *scope,
                     wrt_type type)
{
    const uint32_t heap = wrt_heap_of(type);
    if (wrt_is_concrete(type))
        return object != NULL && wrt_rtt_is(object, scope[heap]);
    switch (heap & 0xFF) {
    case WRT_ANYREF: return true;
    case WRT_EQREF: return is_i31 || object != NULL;
    case WRT_I31REF: return is_i31;
    case WRT_STRUCTREF: case WRT_ARRAYREF:
        return object != NULL &&
               wrt_kind_is((enum wrt_type_kind)object->def->kind, (uint8_t)heap);
    default: return false;
    }
}

bool wrt_any_is(const struct wrt_store *store, struct wrt_rtt *const *scope, wrt_type type,
                uint64_t bits)
{
    const struct wrt_object *object = wrt_object_of(&store->heap, bits);
    return wrt_any_type_is(object != NULL ? store->types.by_id[object->type] : NULL,
                           bits >> 48 == WRT_I31_TAG, scope, type);
}

bool wrt_slot_fits(const struct wrt_store *store, struct wrt_rtt *const *scope, wrt_type type,
                   union wrt_slot slot)
{
    if (!wrt_is_reference(type))
        return true;
    if (slot.i64 == 0)
        return wrt_is_nullable(type);
    const uint32_t heap = wrt_heap_of(type);
    const enum wrt_type_kind kind = wrt_is_concrete(type)
                                        ? (enum wrt_type_kind)scope[heap]->def->kind
                                        : WRT_KIND_FUNCTION;
    switch (wrt_top_of(heap, kind)) {
    case WRT_FUNCREF: return function_fits(store, scope, type, slot.function);
    case WRT_EXTERNREF: return (heap & 0xFF) == WRT_EXTERNREF && !is_stale(store, slot.i64);
    case WRT_ANYREF: return !is_stale(store, slot.i64) && wrt_any_is(store, scope, type, slot.i64);
    case WRT_EXNREF:
        return (heap & 0xFF) == WRT_EXNREF && wrt_is_exception(store, slot.exception);
    default: return false;
    }
}

bool wrt_callee_fits(const struct wrt_exec *exec, const struct wrt_function *callee,
                     const struct wrt_function_type *type)
{
    const struct wrt_type_def *def = (const struct wrt_type_def *)(const void *)type;
    const struct wrt_instance *instance = exec->instance;
    return wrt_rtt_is(callee->rtt, instance->rtts[def - instance->module->types]);
}
