/* engine/heap.c - allocation and incremental collection: see heap.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The link of an object: 0 while it is not marked; MARKED and nothing else once its fields were
 * scanned; MARKED and the granule + 1 of the next one while it waits in the gray list, whose
 * last member points to itself.
 */
#include <string.h>

#include "engine.h"

#define FREE_TYPE WRT_HEAP_FREE
#define MARKED WRT_HEAP_MARKED
#define ROOTS_PER_FUEL 8 /* looked at in the first step of a collection */
#define MOST_GRANULES (UINT32_C(1) << 27) /* 2 GiB */

static struct wrt_object *at(const struct wrt_heap *h, uint32_t granule)
{
    return (struct wrt_object *)(void *)(h->base + (size_t)granule * WRT_GRANULE_BYTES);
}

static uint32_t granule_of(const struct wrt_heap *h, const struct wrt_object *object)
{
    return (uint32_t)((size_t)((const uint8_t *)object - h->base) / WRT_GRANULE_BYTES);
}

static void set_start(struct wrt_heap *h, uint32_t granule, bool is_start)
{
    const uint64_t bit = UINT64_C(1) << granule % 64;
    if (is_start)
        h->starts[granule / 64] |= bit;
    else
        h->starts[granule / 64] &= ~bit;
}

/* ---- free ranges by size class ---- */

static uint32_t class_of(uint32_t granules)
{
    if (granules < 8)
        return granules;
    const uint32_t log = 31 - (uint32_t)__builtin_clz(granules);
    return (log - 2) * 8 + (granules >> (log - 3) & 7);
}

/* The first class all of whose ranges hold that many. */
static uint32_t class_that_fits(uint32_t granules)
{
    if (granules < 8)
        return granules;
    const uint32_t log = 31 - (uint32_t)__builtin_clz(granules);
    return class_of(granules + (UINT32_C(1) << (log - 3)) - 1);
}

static void add_free(struct wrt_heap *h, uint32_t granule, uint32_t granules)
{
    const uint32_t class_ = class_of(granules);
    struct wrt_object *range = at(h, granule);
    *range = (struct wrt_object){FREE_TYPE, 0, granules, h->heads[class_]};
    if (range->link != 0)
        at(h, range->link - 1)->length = granule + 1;
    h->heads[class_] = granule + 1;
    h->filled[class_ / 64] |= UINT64_C(1) << class_ % 64;
}

static void remove_free(struct wrt_heap *h, uint32_t granule)
{
    const struct wrt_object *range = at(h, granule);
    const uint32_t class_ = class_of(range->granules);
    if (range->link != 0)
        at(h, range->link - 1)->length = range->length;
    if (range->length != 0)
        at(h, range->length - 1)->link = range->link;
    else
        h->heads[class_] = range->link;
    if (h->heads[class_] == 0)
        h->filled[class_ / 64] &= ~(UINT64_C(1) << class_ % 64);
}

/* Granule + 1 of a free range of that many granules; 0: none. Four words at most are read. */
static uint32_t find_free(const struct wrt_heap *h, uint32_t granules)
{
    const uint32_t first = class_that_fits(granules);
    uint64_t mask = ~UINT64_C(0) << first % 64;
    for (uint32_t word = first / 64; word < sizeof h->filled / sizeof h->filled[0]; word++) {
        const uint64_t bits = h->filled[word] & mask;
        if (bits != 0)
            return h->heads[word * 64 + (uint32_t)__builtin_ctzll(bits)];
        mask = ~UINT64_C(0);
    }
    return 0;
}

/* An object that is made while marking is not looked at; while sweeping, it is not swept. */
static uint32_t first_link(const struct wrt_heap *h, uint32_t granule)
{
    return h->phase == WRT_HEAP_MARKING || (h->phase == WRT_HEAP_SWEEPING && granule >= h->sweep)
               ? MARKED
               : 0;
}

uint64_t wrt_heap_take(struct wrt_heap *h, uint32_t type, uint32_t length, uint64_t bytes)
{
    const uint64_t needed = 1 + (bytes + WRT_GRANULE_BYTES - 1) / WRT_GRANULE_BYTES;
    const uint32_t found = needed <= h->granules ? find_free(h, (uint32_t)needed) : 0;
    if (found == 0)
        return 0;
    const uint32_t granule = found - 1, granules = (uint32_t)needed;
    const uint32_t rest = at(h, granule)->granules - granules;
    remove_free(h, granule);
    if (h->swept_free == found)
        h->swept_free = rest != 0 ? found + granules : 0;
    if (rest != 0)
        add_free(h, granule + granules, rest);
    *at(h, granule) = (struct wrt_object){type, length, granules, first_link(h, granule)};
    set_start(h, granule, true);
    h->free_granules -= granules;
    h->allocated_bytes += (uint64_t)granules * WRT_GRANULE_BYTES;
    return WRT_OBJECT_TAG << 48 | (uint64_t)granule * WRT_GRANULE_BYTES;
}

/* Such an object was made black and never gray, so the collector has no business with it. */
void wrt_heap_disown(struct wrt_heap *h, uint32_t first_type)
{
    for (uint32_t granule = 0; granule < h->granules; granule += at(h, granule)->granules)
        if (at(h, granule)->type != FREE_TYPE && at(h, granule)->type >= first_type)
            set_start(h, granule, false);
}

enum wrt_status wrt_heap_make(struct wrt_store *store, struct wrt_error *error)
{
    struct wrt_heap *h = &store->heap;
    const uint32_t granules = (uint32_t)(store->config.gc_heap_bytes / WRT_GRANULE_BYTES);
    uint8_t *base = NULL;
    uint64_t *starts = NULL;
    struct wrt_block *blocks = NULL;
    enum wrt_status status = wrt_block_take(store->partition, &blocks, WRT_CHARGE_RUNTIME, granules,
                                            WRT_GRANULE_BYTES, &base, error);
    if (status == WRT_OK)
        status = wrt_block_take(store->partition, &blocks, WRT_CHARGE_RUNTIME, granules / 64 + 1,
                                sizeof *starts, &starts, error);
    if (status != WRT_OK) {
        wrt_block_free_all(store->partition, &blocks);
        return status;
    }
    wrt_block_splice(&store->blocks, &blocks);
    memset(h, 0, sizeof *h);
    h->base = base;
    h->starts = starts;
    h->granules = h->free_granules = granules;
    add_free(h, 0, granules);
    return WRT_OK;
}

/* ---- marking ---- */

static void make_gray(struct wrt_heap *h, struct wrt_object *object)
{
    const uint32_t self = granule_of(h, object) + 1;
    object->link = MARKED | (h->gray != 0 ? h->gray : self);
    h->gray = self;
}

void wrt_heap_shade(struct wrt_heap *h, uint64_t reference)
{
    struct wrt_object *object = wrt_object_of(h, reference);
    if (object != NULL && object->link == 0)
        make_gray(h, object);
}

static uint64_t load_64(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

/* Up to `work` elements of the array that is being scanned. */
static uint32_t scan_array(struct wrt_heap *h, uint32_t work)
{
    struct wrt_object *object = at(h, h->array - 1);
    const uint32_t left = object->length - h->element, n = left < work ? left : work;
    const uint8_t *data = wrt_object_data(object);
    for (uint32_t i = 0; i < n; i++, h->element++)
        wrt_heap_shade(h, load_64(data + (size_t)h->element * 8));
    if (h->element == object->length)
        h->array = 0;
    return n + 1;
}

static void scan_struct(struct wrt_heap *h, struct wrt_object *object,
                        const struct wrt_type_def *def)
{
    for (uint32_t f = 0; f < def->field_count; f++)
        if (wrt_is_reference(def->fields[f].type))
            wrt_heap_shade(h, load_64(wrt_object_data(object) + def->fields[f].offset));
}

/* Scans one gray object, an array only up to where the next piece begins. */
static uint32_t scan_gray(struct wrt_store *store)
{
    struct wrt_heap *h = &store->heap;
    const uint32_t self = h->gray;
    struct wrt_object *object = at(h, self - 1);
    const struct wrt_type_def *def = store->types.by_id[object->type]->def;
    const uint32_t next = object->link & ~MARKED;
    h->gray = next == self ? 0 : next;
    object->link = MARKED;
    if (def->kind == WRT_KIND_ARRAY && wrt_is_reference(def->fields[0].type)) {
        h->array = object->length != 0 ? self : 0;
        h->element = 0;
        return 1;
    }
    if (def->kind == WRT_KIND_STRUCT)
        scan_struct(h, object, def);
    return def->field_count + 1;
}

/* ---- roots: stack at once; then globals, tables and segments, a few at a time ---- */

static void shade_root(void *heap, uint64_t reference)
{
    wrt_heap_shade(heap, reference);
}

/* Gives how many references were looked at at once. */
static uint64_t begin_marking(struct wrt_store *store)
{
    struct wrt_heap *h = &store->heap;
    h->phase = WRT_HEAP_MARKING;
    h->collections++;
    h->root_kind = WRT_ROOT_GLOBALS;
    h->root_index = 0;
    h->global = store->globals;
    h->instance = store->instances;
    h->table = store->tables;
    for (uint32_t i = 0; i < store->config.max_held_references; i++)
        wrt_heap_shade(h, store->held[i].i64);
    return wrt_visit_stack(store, shade_root, h) + wrt_shade_exceptions(store) +
           store->config.max_held_references;
}

/* A number may look like a reference, but keeps nothing alive. */
static void shade_global(struct wrt_heap *h, const struct wrt_global *global)
{
    if (wrt_is_reference(global->type.content))
        wrt_heap_shade(h, global->value.i64);
}

/* One instance's globals, or one of its segments; false: there are no more. */
static bool scan_own_global(struct wrt_heap *h)
{
    const struct wrt_instance *i = h->instance;
    if (h->root_index == i->module->info.global_count)
        return false;
    shade_global(h, i->globals[h->root_index++]);
    return true;
}

static bool scan_segment(struct wrt_heap *h, uint32_t *segment)
{
    const struct wrt_instance *i = h->instance;
    while (*segment < i->module->info.element_segment_count) {
        const struct wrt_element_items *items = &i->elements[*segment];
        const uint64_t count = items->items != NULL ? i->module->elements[*segment].count : 0;
        if (h->root_index < count) {
            wrt_heap_shade(h, items->items[h->root_index++].i64);
            return true;
        }
        h->root_index = 0;
        ++*segment;
    }
    *segment = 0;
    return false;
}

static bool scan_table(struct wrt_heap *h)
{
    while (h->table != NULL && h->root_index >= h->table->size) {
        h->table = h->table->next;
        h->root_index = 0;
    }
    if (h->table == NULL)
        return false;
    wrt_heap_shade(h, h->table->elements[h->root_index++].i64);
    return true;
}

static void next_kind(struct wrt_heap *h)
{
    h->root_kind++;
    h->root_index = 0;
}

/* Goes one root further. */
static void scan_root(struct wrt_store *store)
{
    struct wrt_heap *h = &store->heap;
    switch (h->root_kind) {
    case WRT_ROOT_GLOBALS: /* made by the host */
        if (h->global == NULL) {
            next_kind(h);
            return;
        }
        shade_global(h, h->global);
        h->global = h->global->next;
        return;
    case WRT_ROOT_OWN_GLOBALS:
        if (h->instance != NULL && scan_own_global(h))
            return;
        h->root_index = 0;
        if (h->instance != NULL)
            h->instance = h->instance->next;
        if (h->instance == NULL)
            next_kind(h);
        return;
    case WRT_ROOT_TABLES:
        if (scan_table(h))
            return;
        next_kind(h);
        h->instance = store->instances;
        h->root_segment = 0;
        return;
    default:
        if (h->instance == NULL) {
            h->root_kind = WRT_ROOT_DONE;
            return;
        }
        if (!scan_segment(h, &h->root_segment))
            h->instance = h->instance->next;
    }
}

/* Returns the work done. */
static uint32_t mark(struct wrt_store *store, uint32_t work)
{
    struct wrt_heap *h = &store->heap;
    if (h->array != 0)
        return scan_array(h, work);
    if (h->gray != 0)
        return scan_gray(store);
    if (h->root_kind != WRT_ROOT_DONE) {
        scan_root(store);
        return 1;
    }
    h->phase = WRT_HEAP_SWEEPING;
    h->sweep = h->swept_free = 0;
    return 1;
}

/* ---- sweeping: from the start, joining free ranges ---- */

static void free_object(struct wrt_heap *h, uint32_t granule, uint32_t granules)
{
    set_start(h, granule, false);
    h->free_granules += granules;
    h->freed_bytes += (uint64_t)granules * WRT_GRANULE_BYTES;
}

static void sweep_one(struct wrt_heap *h)
{
    const uint32_t granule = h->sweep;
    struct wrt_object *object = at(h, granule);
    uint32_t granules = object->granules;
    h->sweep += granules;
    if (object->type != FREE_TYPE && object->link != 0) {
        object->link = 0;
        h->swept_free = 0;
        return;
    }
    if (object->type == FREE_TYPE)
        remove_free(h, granule);
    else
        free_object(h, granule, granules);
    uint32_t start = granule;
    if (h->swept_free != 0) {
        start = h->swept_free - 1;
        granules += at(h, start)->granules;
        remove_free(h, start);
    }
    add_free(h, start, granules);
    h->swept_free = start + 1;
}

static void sweep(struct wrt_heap *h)
{
    if (h->sweep == h->granules) {
        h->phase = WRT_HEAP_IDLE;
        h->full_cycles++;
        h->swept_free = 0;
        return;
    }
    sweep_one(h);
}

uint64_t wrt_heap_step(struct wrt_store *store, uint32_t work, bool must)
{
    struct wrt_heap *h = &store->heap;
    uint64_t price = 0;
    if (h->phase == WRT_HEAP_IDLE &&
        (must || (h->free_granules < h->granules / 2 && h->owed_fuel == 0)))
        price = begin_marking(store) / ROOTS_PER_FUEL;
    if (!must) {
        h->owed_fuel += (uint32_t)price; /* a stack has fewer than 2^27 cells */
        price = 0;
    }
    for (uint32_t done = 0; done < work && h->phase != WRT_HEAP_IDLE;) {
        if (h->phase == WRT_HEAP_MARKING) {
            done += mark(store, work - done);
        } else {
            sweep(h);
            done++;
        }
    }
    return price;
}

/* ---- a restored heap: heap_codec.c ---- */

#define KEPT UINT32_C(0x80000000) /* in `granules`, while a restored state is looked at */

static void finish_marking(struct wrt_store *store)
{
    while (store->heap.phase == WRT_HEAP_MARKING)
        (void)mark(store, 4096);
}

void wrt_heap_note_kept(struct wrt_store *store)
{
    struct wrt_heap *h = &store->heap;
    const bool sweeps = h->phase == WRT_HEAP_SWEEPING;
    const uint32_t swept = sweeps ? h->sweep : 0;
    finish_marking(store);
    for (uint32_t granule = 0; granule < h->granules;) {
        struct wrt_object *object = at(h, granule);
        const uint32_t granules = object->granules;
        if (object->type != FREE_TYPE && (object->link != 0 || granule < swept))
            object->granules |= KEPT;
        granule += granules;
    }
}

static void clear_links(struct wrt_heap *h)
{
    for (uint32_t granule = 0; granule < h->granules; granule += at(h, granule)->granules & ~KEPT)
        if (at(h, granule)->type != FREE_TYPE)
            at(h, granule)->link = 0;
}

bool wrt_heap_keeps_reachable(struct wrt_store *store)
{
    struct wrt_heap *h = &store->heap;
    bool all = true;
    h->gray = h->array = 0;
    clear_links(h);
    (void)begin_marking(store);
    finish_marking(store);
    for (uint32_t granule = 0; granule < h->granules; granule += at(h, granule)->granules) {
        struct wrt_object *object = at(h, granule);
        if (object->type != FREE_TYPE && object->link != 0 && (object->granules & KEPT) == 0)
            all = false;
        object->granules &= ~KEPT;
    }
    return all;
}

void wrt_heap_restart(struct wrt_store *store)
{
    struct wrt_heap *h = &store->heap;
    h->gray = h->array = h->sweep = h->swept_free = 0;
    clear_links(h);
    (void)begin_marking(store);
}

uint32_t wrt_heap_class(uint32_t granules)
{
    return class_of(granules);
}
