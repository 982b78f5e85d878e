/* engine/heap_codec.c - the collected heap in a snapshot.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   size | records | collector | (later) the fields of each object
 *
 * A record stands for each block of the heap, in order of address, so the records say what
 * fills the heap and which numbers are references: granule, granules, instance, type, length,
 * link. The type of an object is named by the first instance that has it. Free ranges keep the
 * order of their lists, and the collector the place where it stands: what is restored gives
 * later objects the same places, and collects at the same instructions, as what was written.
 *
 * A forged state of the collector could make it free what is still used. So a state that was
 * applied is tried: everything that can be reached must be among what the running collection
 * would keep, or else that collection begins again.
 */
#include <string.h>

#include "base/bytes.h"
#include "snapshot.h"

#define RECORD_BYTES 24u
#define OF_NOBODY UINT32_MAX    /* as an instance: a free range */
#define OF_DEAD (UINT32_MAX - 1)
#define NOWHERE UINT32_MAX

struct record {
    uint32_t granule, granules;
    uint32_t instance, type; /* of an object */
    uint32_t length;         /* of an array; of a free range, the one before it in its list */
    uint32_t link;           /* an object's mark; the next free range */
};

static void read_record(const uint8_t *from, struct record *out)
{
    out->granule = wrt_read_u32(from);
    out->granules = wrt_read_u32(from + 4);
    out->instance = wrt_read_u32(from + 8);
    out->type = wrt_read_u32(from + 12);
    out->length = wrt_read_u32(from + 16);
    out->link = wrt_read_u32(from + 20);
}

static struct record record_at(const struct codec *c, uint32_t index)
{
    struct record r;
    read_record(c->objects + (size_t)index * RECORD_BYTES, &r);
    return r;
}

/* The record of the block that begins at that granule. O(log blocks). */
static bool find_record(const struct codec *c, uint32_t granule, struct record *out)
{
    uint32_t low = 0, high = c->object_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        *out = record_at(c, middle);
        if (out->granule == granule)
            return true;
        if (out->granule < granule)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static bool is_object(const struct record *r)
{
    return r->instance != OF_NOBODY && r->instance != OF_DEAD;
}

/* NULL unless the record names a type of structs or arrays. */
static const struct wrt_rtt *type_of(struct codec *c, const struct record *r)
{
    const struct wrt_instance *i = is_object(r) ? wrt_codec_instance_at(c, r->instance) : NULL;
    if (i == NULL || r->type >= i->module->info.type_count ||
        i->rtts[r->type]->def->kind == WRT_KIND_FUNCTION)
        return NULL;
    return i->rtts[r->type];
}

const struct wrt_rtt *wrt_codec_object_type(struct codec *c, uint32_t granule)
{
    struct record r;
    return find_record(c, granule, &r) ? type_of(c, &r) : NULL;
}

static struct wrt_object *block_at(const struct wrt_heap *h, uint32_t granule)
{
    return (struct wrt_object *)(void *)(h->base + (size_t)granule * WRT_GRANULE_BYTES);
}

/* ---- writing records ---- */

static bool find_type(struct codec *c, const struct wrt_rtt *rtt, struct record *out)
{
    if (c->typed == NULL || c->typed->rtts != rtt->scope) {
        c->typed = NULL;
        for (uint32_t n = 0; n < c->store->instance_count && c->typed == NULL; n++) {
            const struct wrt_instance *i = wrt_codec_instance_at(c, n);
            if (i->rtts == rtt->scope)
                c->typed = i;
        }
    }
    if (c->typed == NULL)
        return wrt_codec_refuse(c, WRT_ERR_UNSUPPORTED, "an object of a type that no instance has");
    out->instance = c->typed->number;
    out->type = (uint32_t)(rtt->def - c->typed->module->types);
    return true;
}

static bool write_record(struct codec *c, uint32_t granule, uint32_t *granules)
{
    const struct wrt_heap *h = &c->store->heap;
    const struct wrt_object *block = block_at(h, granule);
    struct record r = {.granule = granule, .granules = block->granules, .link = block->link};
    if (block->type == WRT_HEAP_FREE) {
        r.instance = OF_NOBODY;
        r.length = block->length;
    } else if (!wrt_heap_has_content(h, granule)) {
        r.instance = OF_DEAD;
    } else {
        r.length = block->length;
        if (!find_type(c, c->store->types.by_id[block->type], &r))
            return false;
    }
    *granules = block->granules;
    return wrt_codec_u32(c, &r.granule) && wrt_codec_u32(c, &r.granules) &&
           wrt_codec_u32(c, &r.instance) && wrt_codec_u32(c, &r.type) &&
           wrt_codec_u32(c, &r.length) && wrt_codec_u32(c, &r.link);
}

static bool write_records(struct codec *c)
{
    const struct wrt_heap *h = &c->store->heap;
    uint32_t count = 0, granules = 0;
    for (uint32_t granule = 0; granule < h->granules; granule += block_at(h, granule)->granules)
        count++;
    if (!wrt_codec_u32(c, &count))
        return false;
    for (uint32_t granule = 0; granule < h->granules; granule += granules)
        if (!write_record(c, granule, &granules))
            return false;
    return true;
}

/* ---- checking records ---- */

static bool refuse(struct codec *c, const char *what, uint32_t granule)
{
    return wrt_codec_refuse(c, WRT_ERR_CORRUPT, "the snapshot's heap has %s at granule %u", what,
                            granule);
}

static uint64_t granules_of(const struct wrt_type_def *def, uint32_t length)
{
    const uint64_t bytes = def->kind == WRT_KIND_ARRAY ? (uint64_t)length * def->size_bytes
                                                       : def->size_bytes;
    return 1 + (bytes + WRT_GRANULE_BYTES - 1) / WRT_GRANULE_BYTES;
}

static bool check_block(struct codec *c, const struct record *r)
{
    if (r->instance == OF_NOBODY)
        return r->type == 0 || refuse(c, "a free range with a type", r->granule);
    if (r->instance == OF_DEAD)
        return (r->type == 0 && r->length == 0) || refuse(c, "a dead object", r->granule);
    const struct wrt_rtt *rtt = type_of(c, r);
    if (rtt == NULL)
        return refuse(c, "an object without a type", r->granule);
    if (rtt->def->kind == WRT_KIND_STRUCT && r->length != 0)
        return refuse(c, "a struct with a length", r->granule);
    return r->granules == granules_of(rtt->def, r->length) ||
           refuse(c, "an object of another size", r->granule);
}

/* They fill the heap without a gap. */
static bool check_blocks(struct codec *c)
{
    uint64_t granule = 0;
    for (uint32_t i = 0; i < c->object_count; i++) {
        const struct record r = record_at(c, i);
        if (r.granule != granule || r.granules == 0 ||
            r.granules > c->store->heap.granules - granule)
            return refuse(c, "a gap", r.granule);
        if (!check_block(c, &r))
            return false;
        granule += r.granules;
    }
    return granule == c->store->heap.granules || refuse(c, "an end", (uint32_t)granule);
}

/* Numbers in lists are one more than a granule. */
static bool is_free(const struct codec *c, uint32_t number, struct record *out)
{
    return number != 0 && find_record(c, number - 1, out) && out->instance == OF_NOBODY;
}

static bool check_free_range(struct codec *c, const struct record *r,
                             uint32_t heads[WRT_HEAP_CLASSES])
{
    struct record other;
    const uint32_t class_ = wrt_heap_class(r->granules);
    if (r->length == 0) {
        if (heads[class_] != 0)
            return refuse(c, "two first free ranges", r->granule);
        heads[class_] = r->granule + 1;
    } else if (!is_free(c, r->length, &other) || other.link != r->granule + 1) {
        return refuse(c, "a free range behind none", r->granule);
    }
    if (r->link != 0 && (!is_free(c, r->link, &other) || other.length != r->granule + 1 ||
                         wrt_heap_class(other.granules) != class_))
        return refuse(c, "a free range before none", r->granule);
    return true;
}

/* The lists of free ranges: both ways alike, of one class each, and none in a circle. */
static bool check_free_lists(struct codec *c)
{
    uint32_t heads[WRT_HEAP_CLASSES] = {0}, count = 0;
    for (uint32_t i = 0; i < c->object_count; i++) {
        const struct record r = record_at(c, i);
        if (r.instance != OF_NOBODY)
            continue;
        count++;
        if (!check_free_range(c, &r, heads))
            return false;
    }
    for (uint32_t k = 0; k < WRT_HEAP_CLASSES; k++) {
        struct record r;
        for (uint32_t number = heads[k]; is_free(c, number, &r); number = r.link)
            count--;
    }
    return count == 0 || refuse(c, "free ranges in a circle", 0);
}

/* ---- the collector ---- */

struct collector {
    uint32_t phase, gray, array, element, sweep, swept_free, waits, full_cycles, owed_fuel;
    uint32_t root_kind, root_segment, instance, table, global;
    uint64_t root_index, collections, allocated_bytes, freed_bytes;
};

static uint32_t table_number(const struct wrt_store *store, const struct wrt_table *table)
{
    uint32_t n = 0;
    for (const struct wrt_table *t = store->tables; t != NULL; t = t->next, n++)
        if (t == table)
            return n;
    return NOWHERE;
}

static uint32_t global_number(const struct wrt_store *store, const struct wrt_global *global)
{
    uint32_t n = 0;
    for (const struct wrt_global *g = store->globals; g != NULL; g = g->next, n++)
        if (g == global)
            return n;
    return NOWHERE;
}

/* What is left over from earlier phases is not written. */
static struct collector collector_of(const struct wrt_store *store)
{
    const struct wrt_heap *h = &store->heap;
    struct collector s = {.phase = (uint32_t)h->phase, .waits = h->waits, .owed_fuel = h->owed_fuel,
                          .full_cycles = h->waits ? h->full_cycles : 0,
                          .collections = h->collections, .allocated_bytes = h->allocated_bytes,
                          .freed_bytes = h->freed_bytes, .instance = NOWHERE, .table = NOWHERE,
                          .global = NOWHERE};
    if (h->phase == WRT_HEAP_SWEEPING) {
        s.sweep = h->sweep;
        s.swept_free = h->swept_free;
    }
    if (h->phase != WRT_HEAP_MARKING)
        return s;
    s.gray = h->gray;
    s.array = h->array;
    s.element = h->array != 0 ? h->element : 0;
    s.root_kind = h->root_kind;
    s.root_index = h->root_index;
    s.root_segment = h->root_segment;
    s.instance = h->instance != NULL ? h->instance->number : NOWHERE;
    s.table = table_number(store, h->table);
    s.global = global_number(store, h->global);
    return s;
}

static bool codec_collector(struct codec *c, struct collector *s)
{
    uint32_t *const narrow[] = {&s->phase, &s->gray, &s->array, &s->element, &s->sweep,
                                &s->swept_free, &s->waits, &s->full_cycles, &s->owed_fuel, &s->root_kind,
                                &s->root_segment, &s->instance, &s->table, &s->global};
    uint64_t *const wide[] = {&s->root_index, &s->collections, &s->allocated_bytes,
                              &s->freed_bytes};
    for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
        if (!wrt_codec_u32(c, narrow[i]))
            return false;
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if (!wrt_codec_u64(c, wide[i]))
            return false;
    return true;
}

static bool is_gray_target(struct codec *c, uint32_t number)
{
    struct record r;
    return number != 0 && find_record(c, number - 1, &r) && is_object(&r);
}

/* Idle: no marks. Sweeping: none behind the sweep, and no list. Marking: lists of objects. */
static bool check_mark(struct codec *c, const struct collector *s, const struct record *r)
{
    const uint32_t next = r->link & ~WRT_HEAP_MARKED;
    const bool ok = r->link == 0 ||
                    (s->phase == WRT_HEAP_SWEEPING && r->granule >= s->sweep && next == 0 &&
                     (r->link & WRT_HEAP_MARKED) != 0) ||
                    (s->phase == WRT_HEAP_MARKING && (r->link & WRT_HEAP_MARKED) != 0 &&
                     (next == 0 || (is_object(r) && is_gray_target(c, next))));
    return ok || refuse(c, "a mark", r->granule);
}

static bool check_sweep(struct codec *c, const struct collector *s)
{
    struct record r;
    if (s->sweep != c->store->heap.granules && !find_record(c, s->sweep, &r))
        return refuse(c, "a sweep", s->sweep);
    if (s->swept_free == 0)
        return true;
    return (is_free(c, s->swept_free, &r) && r.granule + r.granules == s->sweep) ||
           refuse(c, "a swept range", s->swept_free);
}

/* An array of references that is scanned in pieces. */
static bool check_array(struct codec *c, const struct collector *s)
{
    struct record r;
    if (s->array == 0)
        return s->element == 0;
    if (!find_record(c, s->array - 1, &r))
        return false;
    const struct wrt_rtt *rtt = type_of(c, &r);
    return rtt != NULL && rtt->def->kind == WRT_KIND_ARRAY &&
           wrt_is_reference(rtt->def->fields[0].type) && s->element <= r.length;
}

static struct wrt_table *table_at(const struct wrt_store *store, uint32_t number)
{
    struct wrt_table *t = store->tables;
    while (t != NULL && number-- != 0)
        t = t->next;
    return t;
}

static struct wrt_global *global_at(const struct wrt_store *store, uint32_t number)
{
    struct wrt_global *g = store->globals;
    while (g != NULL && number-- != 0)
        g = g->next;
    return g;
}

/* Indexes within an instance are compared for equality by the scan: none may be past the end. */
static bool check_roots(struct codec *c, const struct collector *s)
{
    const struct wrt_instance *i =
        s->instance == NOWHERE ? NULL : wrt_codec_instance_at(c, s->instance);
    if (s->instance != NOWHERE && i == NULL)
        return false;
    const uint64_t globals = i != NULL ? i->module->info.global_count : UINT64_MAX;
    const bool in_globals = s->root_kind == WRT_ROOT_OWN_GLOBALS;
    return s->root_kind <= WRT_ROOT_DONE && (!in_globals || s->root_index <= globals) &&
           (s->table == NOWHERE || table_at(c->store, s->table) != NULL) &&
           (s->global == NOWHERE || global_at(c->store, s->global) != NULL);
}

/* The list of objects that wait to be scanned: each that has a next one is on it once. */
static bool check_gray(struct codec *c, const struct collector *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->object_count; i++) {
        const struct record r = record_at(c, i);
        count += is_object(&r) && (r.link & ~WRT_HEAP_MARKED) != 0;
    }
    for (uint32_t number = s->gray; number != 0; count--) {
        struct record r;
        const bool found = count != 0 && is_gray_target(c, number) &&
                           find_record(c, number - 1, &r);
        const uint32_t next = found ? r.link & ~WRT_HEAP_MARKED : 0;
        if (next == 0)
            return false;
        number = next == number ? 0 : next;
    }
    return count == 0;
}

/* What a phase has no use for is zero: the next phase relies on it. */
static bool has_leftovers(const struct collector *s)
{
    const bool marks = (s->gray | s->array | s->element | s->root_kind | s->root_segment) != 0 ||
                       s->root_index != 0 || s->instance != NOWHERE || s->table != NOWHERE ||
                       s->global != NOWHERE;
    return (s->phase != WRT_HEAP_MARKING && marks) ||
           (s->phase != WRT_HEAP_SWEEPING && (s->sweep | s->swept_free) != 0) ||
           (s->waits == 0 && s->full_cycles != 0);
}

static bool check_collector(struct codec *c, const struct collector *s)
{
    if (s->phase > WRT_HEAP_SWEEPING || s->waits > 1 || has_leftovers(s))
        return refuse(c, "a collector", s->phase);
    if (s->phase == WRT_HEAP_SWEEPING && !check_sweep(c, s))
        return false;
    if (s->phase == WRT_HEAP_MARKING &&
        (!check_gray(c, s) || !check_array(c, s) || !check_roots(c, s)))
        return refuse(c, "a collector", s->gray);
    for (uint32_t i = 0; i < c->object_count; i++) {
        const struct record r = record_at(c, i);
        if (r.instance != OF_NOBODY && !check_mark(c, s, &r))
            return false;
    }
    return true;
}

/* ---- applying ---- */

static void apply_record(struct codec *c, const struct record *r)
{
    struct wrt_heap *h = &c->store->heap;
    struct wrt_object *block = block_at(h, r->granule);
    *block = (struct wrt_object){.type = WRT_HEAP_DEAD, .length = r->length,
                                 .granules = r->granules, .link = r->link};
    if (r->instance == OF_NOBODY) {
        const uint32_t class_ = wrt_heap_class(r->granules);
        block->type = WRT_HEAP_FREE;
        h->free_granules += r->granules;
        h->filled[class_ / 64] |= UINT64_C(1) << class_ % 64;
        if (r->length == 0)
            h->heads[class_] = r->granule + 1;
    } else if (r->instance != OF_DEAD) {
        block->type = type_of(c, r)->id;
        h->starts[r->granule / 64] |= UINT64_C(1) << r->granule % 64;
    }
}

static void apply_collector(struct codec *c, const struct collector *s)
{
    struct wrt_heap *h = &c->store->heap;
    h->phase = (enum wrt_heap_phase)s->phase;
    h->gray = s->gray;
    h->array = s->array;
    h->element = s->element;
    h->sweep = s->sweep;
    h->swept_free = s->swept_free;
    h->waits = s->waits != 0;
    h->full_cycles = s->full_cycles;
    h->owed_fuel = s->owed_fuel;
    h->root_kind = s->root_kind;
    h->root_segment = s->root_segment;
    h->root_index = s->root_index;
    h->collections = s->collections;
    h->allocated_bytes = s->allocated_bytes;
    h->freed_bytes = s->freed_bytes;
    h->instance = s->instance != NOWHERE ? wrt_codec_instance_at(c, s->instance) : NULL;
    h->table = s->table != NOWHERE ? table_at(c->store, s->table) : NULL;
    h->global = s->global != NOWHERE ? global_at(c->store, s->global) : NULL;
}

static void apply_map(struct codec *c, const struct collector *s)
{
    struct wrt_heap *h = &c->store->heap;
    memset(h->starts, 0, ((size_t)h->granules / 64 + 1) * sizeof *h->starts);
    memset(h->heads, 0, sizeof h->heads);
    memset(h->filled, 0, sizeof h->filled);
    h->free_granules = 0;
    for (uint32_t i = 0; i < c->object_count; i++) {
        const struct record r = record_at(c, i);
        apply_record(c, &r);
    }
    apply_collector(c, s);
}

static bool codec_map(struct codec *c)
{
    struct collector s = collector_of(c->store);
    if (c->mode == CODEC_WRITE)
        return write_records(c) && codec_collector(c, &s);
    if (!wrt_codec_u32(c, &c->object_count) ||
        !wrt_codec_records(c, c->object_count, RECORD_BYTES, &c->objects) ||
        !codec_collector(c, &s))
        return false;
    if (c->mode == CODEC_CHECK &&
        (!check_blocks(c) || !check_free_lists(c) || !check_collector(c, &s)))
        return false;
    if (c->mode == CODEC_APPLY)
        apply_map(c, &s);
    return true;
}

bool wrt_codec_heap(struct codec *c)
{
    const struct wrt_heap *h = &c->store->heap;
    c->heap_at = c->at;
    c->objects = NULL;
    c->object_count = 0;
    return wrt_codec_same(c, h->base != NULL ? h->granules : 0, "the size of the heap", 0) &&
           (h->base == NULL || codec_map(c));
}

void wrt_codec_trust_heap(struct codec *c)
{
    if (c->status != WRT_OK || c->store->heap.phase == WRT_HEAP_IDLE)
        return;
    wrt_heap_note_kept(c->store);
    const bool is_sound = wrt_heap_keeps_reachable(c->store);
    c->at = c->heap_at;
    (void)wrt_codec_heap(c); /* the links once more: they were checked */
    if (!is_sound)
        wrt_heap_restart(c->store);
}

/* ---- fields ---- */

/* A packed or plain field; `scope` is of the object's type. */
static bool codec_field(struct codec *c, struct wrt_rtt *const *scope, wrt_type type, uint8_t *at)
{
    const bool writes = c->mode == CODEC_WRITE;
    union cell cell[2] = {{.i64 = 0}, {.i64 = 0}};
    uint8_t packed[2] = {0, 0};
    const size_t size = type == WRT_PACKED_I8 ? 1 : type == WRT_PACKED_I16 ? 2 : 0;
    if (size != 0) {
        uint16_t half = 0;
        if (writes && size == 2)
            memcpy(&half, at, 2);
        else if (writes)
            half = *at;
        packed[0] = (uint8_t)(half & 0xFF);
        packed[1] = (uint8_t)(half >> 8);
        if (!wrt_codec_bytes(c, packed, size))
            return false;
        cell[0].i32 = (uint32_t)packed[0] | (uint32_t)packed[1] << 8;
    } else {
        if (writes)
            memcpy(cell, at, type == WRT_V128 ? 16 : type == WRT_I32 || type == WRT_F32 ? 4 : 8);
        if (!wrt_codec_value(c, scope, type, false, cell))
            return false;
    }
    if (c->mode == CODEC_APPLY)
        wrt_write_field(at, type, cell);
    return true;
}

/* Arrays of bytes, as they are. */
static bool codec_run(struct codec *c, uint8_t *at, uint32_t count)
{
    uint8_t spare[256];
    const bool in_place = c->mode == CODEC_WRITE || c->mode == CODEC_APPLY;
    for (uint32_t done = 0; done < count;) {
        const uint32_t n = count - done < sizeof spare ? count - done : (uint32_t)sizeof spare;
        if (!wrt_codec_bytes(c, in_place ? at + done : spare, n))
            return false;
        done += n;
    }
    return true;
}

static bool codec_fields(struct codec *c, const struct wrt_rtt *rtt, uint32_t granule,
                         uint32_t length)
{
    const struct wrt_type_def *def = rtt->def;
    uint8_t *data = wrt_object_data(block_at(&c->store->heap, granule));
    if (def->kind == WRT_KIND_ARRAY && def->fields[0].type == WRT_PACKED_I8)
        return codec_run(c, data, length);
    const uint32_t count = def->kind == WRT_KIND_ARRAY ? length : def->field_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct wrt_field *field = &def->fields[def->kind == WRT_KIND_ARRAY ? 0 : i];
        const size_t offset =
            def->kind == WRT_KIND_ARRAY ? (size_t)i * def->size_bytes : field->offset;
        if (!codec_field(c, rtt->scope, field->type, data + offset))
            return false;
    }
    return true;
}

static bool write_objects(struct codec *c)
{
    const struct wrt_heap *h = &c->store->heap;
    for (uint32_t granule = 0; granule < h->granules; granule += block_at(h, granule)->granules) {
        const struct wrt_object *object = block_at(h, granule);
        if (object->type != WRT_HEAP_FREE && wrt_heap_has_content(h, granule) &&
            !codec_fields(c, c->store->types.by_id[object->type], granule, object->length))
            return false;
    }
    return true;
}

bool wrt_codec_objects(struct codec *c)
{
    if (c->mode == CODEC_WRITE)
        return c->store->heap.base == NULL || write_objects(c);
    for (uint32_t i = 0; i < c->object_count; i++) {
        const struct record r = record_at(c, i);
        if (is_object(&r) && !codec_fields(c, type_of(c, &r), r.granule, r.length))
            return false;
    }
    return true;
}

/* ---- what the host holds ---- */

bool wrt_codec_held(struct codec *c)
{
    static const wrt_type held = WRT_ANYREF;
    struct wrt_store *store = c->store;
    const uint32_t capacity = store->config.max_held_references;
    uint32_t count = capacity;
    while (c->mode == CODEC_WRITE && count != 0 && store->held[count - 1].i64 == 0)
        count--;
    if (!wrt_codec_u32(c, &count))
        return false;
    if (count > capacity)
        return wrt_codec_refuse(c, WRT_ERR_LIMIT, "%u held references: max_held_references is %u",
                                count, capacity);
    for (uint32_t i = 0; i < capacity; i++) {
        union cell cell = {.i64 = 0};
        if (c->mode == CODEC_WRITE)
            cell.slot = store->held[i];
        if (i < count && !wrt_codec_value(c, NULL, held, false, &cell))
            return false;
        if (c->mode == CODEC_APPLY)
            store->held[i] = cell.slot;
    }
    return true;
}
