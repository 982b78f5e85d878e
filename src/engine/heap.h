/* engine/heap.h - the garbage-collected heap of a store: structs and arrays.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One block of fixed size. Objects and free ranges fill it without gaps, in granules of 16
 * bytes, so it can be walked from its start. Free ranges are found in O(1) by size class.
 *
 * Collection marks and sweeps in steps of bounded work, paid for by allocations. Marking keeps
 * what was reachable when it began: at that moment the value stack is scanned in one step
 * (roots.c), and a reference that is overwritten later is marked (Yuasa's barrier, "Real-time
 * garbage collection on general-purpose machines", 1990). Objects never move, and references
 * are offsets: a collection does the same on every machine.
 */
#ifndef WRT_ENGINE_HEAP_H
#define WRT_ENGINE_HEAP_H

#include "base/error.h"
#include "types.h"

#define WRT_GRANULE_BYTES 16u
#define WRT_HEAP_FREE UINT32_MAX        /* as a type: a free range */
#define WRT_HEAP_DEAD (UINT32_MAX - 1)  /* an object that nobody can reach any more */
#define WRT_HEAP_MARKED UINT32_C(0x80000000) /* in a link */
#define WRT_HEAP_CLASSES 216 /* size classes: 8 linear, then 8 to each doubling */

/* References of the `any` hierarchy. Addresses of hosts have other upper bits. */
#define WRT_OBJECT_TAG UINT64_C(0xF7C0)
#define WRT_I31_TAG UINT64_C(0xF7C1)

/* Before each object, and at the start of each free range. */
struct wrt_object {
    uint32_t type;     /* RTT id; WRT_HEAP_FREE: a free range */
    uint32_t length;   /* array: elements. free: the previous of its class */
    uint32_t granules; /* with this header */
    uint32_t link;     /* marking: see heap.c. free: the next of its class */
};
_Static_assert(sizeof(struct wrt_object) == WRT_GRANULE_BYTES, "a header is one granule");

/* Roots that are looked at a few at a time, in this order. */
enum { WRT_ROOT_GLOBALS, WRT_ROOT_OWN_GLOBALS, WRT_ROOT_TABLES, WRT_ROOT_SEGMENTS, WRT_ROOT_DONE };

enum wrt_heap_phase { WRT_HEAP_IDLE, WRT_HEAP_MARKING, WRT_HEAP_SWEEPING };

struct wrt_heap {
    uint8_t *base;           /* NULL: no module of the store needs a heap */
    uint32_t granules, free_granules;
    uint64_t *starts;        /* one bit a granule: an object starts there */
    uint32_t heads[WRT_HEAP_CLASSES]; /* granule + 1 of the first free range */
    uint64_t filled[(WRT_HEAP_CLASSES + 63) / 64];

    enum wrt_heap_phase phase;
    uint32_t gray;           /* granule + 1 of the first object to scan */
    uint32_t array, element; /* an array that is scanned in pieces: granule + 1, next element */
    uint32_t sweep;          /* next granule to sweep */
    uint32_t swept_free;     /* granule + 1 of a free range that ends there */
    bool may_hold_exceptions; /* a type of the store has fields that are exnrefs */
    uint32_t owed_fuel;      /* for looking at the stack; allocations pay it before the next one */
    bool waits;              /* an allocation found no room */
    uint32_t full_cycles;    /* that ended since */
    uint64_t collections, allocated_bytes, freed_bytes;
    /* what is left of the roots */
    const struct wrt_instance *instance;
    const struct wrt_table *table;
    const struct wrt_global *global;
    uint64_t root_index;
    uint32_t root_kind, root_segment;
};

struct wrt_store;

/* Takes config.gc_heap_bytes for the store. */
enum wrt_status wrt_heap_make(struct wrt_store *store, struct wrt_error *error);

/* An object of `bytes` bytes behind its header, not cleared. 0: there is no room now. O(1). */
uint64_t wrt_heap_take(struct wrt_heap *heap, uint32_t type, uint32_t length, uint64_t bytes);

/* Does `work` units of collection, a granule of object or root each; begins a collection if
 * none runs and the heap is half full and nothing is owed, or `must` be collected. The first
 * step of one also looks at all references on the stack, at what is held and at exceptions. Its
 * price in fuel is given if it must be collected, and owed otherwise. */
uint64_t wrt_heap_step(struct wrt_store *store, uint32_t work, bool must);

/* roots.c: visits each reference on the value stack. Gives how many, and frames. */
typedef void wrt_visit(void *context, uint64_t reference);
uint64_t wrt_visit_stack(struct wrt_store *store, wrt_visit *visit, void *context);

/* What looks like a reference to an object whose type is `first_type` or newer refers to
 * nothing from now on, and the object is freed by the next sweep: for an instantiation that
 * failed, whose types are forgotten. O(objects). */
void wrt_heap_disown(struct wrt_heap *heap, uint32_t first_type);

/* ---- for snapshots: heap_codec.c ---- */
uint32_t wrt_heap_class(uint32_t granules);
/* Which objects would the collection that runs keep? Ends its marking, and forgets how far it
 * was. Then: is that every object that can be reached? Forgets all marks. */
void wrt_heap_note_kept(struct wrt_store *store);
bool wrt_heap_keeps_reachable(struct wrt_store *store);
/* Begins the collection again, whatever state it is in. */
void wrt_heap_restart(struct wrt_store *store);

/* Keeps what a reference that is about to be overwritten refers to. */
void wrt_heap_shade(struct wrt_heap *heap, uint64_t reference);

static inline void wrt_heap_overwrite(struct wrt_heap *heap, uint64_t old)
{
    if (heap->phase == WRT_HEAP_MARKING)
        wrt_heap_shade(heap, old);
}

static inline struct wrt_object *wrt_object_at(const struct wrt_heap *heap, uint64_t reference)
{
    return (struct wrt_object *)(void *)(heap->base + (uint32_t)reference);
}

/* The object that `bits` refer to; NULL if they do not. */
static inline struct wrt_object *wrt_object_of(const struct wrt_heap *heap, uint64_t bits)
{
    const uint64_t granule = (bits & UINT64_C(0xFFFFFFFFFFFF)) / WRT_GRANULE_BYTES;
    if (bits >> 48 != WRT_OBJECT_TAG || bits % WRT_GRANULE_BYTES != 0 ||
        granule >= heap->granules || (heap->starts[granule / 64] >> granule % 64 & 1) == 0)
        return NULL;
    return wrt_object_at(heap, bits);
}

/* Does a block hold an object whose fields may be read? Not one that is about to be swept: what
 * it refers to may be gone. */
static inline bool wrt_heap_has_content(const struct wrt_heap *heap, uint32_t granule)
{
    const struct wrt_object *object =
        wrt_object_at(heap, (uint64_t)granule * WRT_GRANULE_BYTES);
    return (heap->starts[granule / 64] >> granule % 64 & 1) != 0 &&
           !(heap->phase == WRT_HEAP_SWEEPING && granule >= heap->sweep && object->link == 0);
}

static inline uint8_t *wrt_object_data(struct wrt_object *object)
{
    return (uint8_t *)(object + 1);
}

#endif
