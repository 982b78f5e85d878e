/* engine/types.h - defined types: recursion groups, subtyping, and what they are in a store.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module's types are canonical: a group equal to an earlier one stands for it, so two types
 * of a module are equal if their indexes are. A store gives every group of every module one
 * set of run-time types (RTTs), so types of different modules are equal if those pointers are.
 * Both find equal groups by hash; a chain of over MOST_PROBES different ones is refused.
 */
#ifndef WRT_ENGINE_TYPES_H
#define WRT_ENGINE_TYPES_H

#include "base/error.h"
#include "wrt/module.h"
#include "wrt/store.h"

#define WRT_MOST_PROBES 64
#define WRT_MOST_SUPERTYPES 63 /* depth of subtyping, as the specification's embedders allow */

/* Field types that are narrower than a value (spec 5.3.9). */
enum { WRT_PACKED_I8 = 0x78, WRT_PACKED_I16 = 0x77 };

enum wrt_type_kind { WRT_KIND_FUNCTION, WRT_KIND_STRUCT, WRT_KIND_ARRAY };

struct wrt_field {
    wrt_type type; /* or WRT_PACKED_… */
    uint32_t offset; /* in bytes behind the object's header; 0 for an array */
    bool is_mutable;
};

/* One type of a module's type section. Its references name canonical indexes. */
struct wrt_type_def {
    struct wrt_function_type function; /* first: handlers point to it; empty for the others */
    const struct wrt_field *fields;    /* of a struct; one of an array */
    uint32_t field_count;
    uint32_t size_bytes; /* of a struct's fields; of one element */
    uint32_t super;      /* canonical index; UINT32_MAX: none */
    uint32_t group;      /* index of the group's first type */
    uint32_t group_size;
    uint32_t hash;       /* of the whole group: the same in every module */
    uint8_t kind;        /* enum wrt_type_kind */
    uint8_t depth;       /* supertypes above it */
    bool is_final;
};

/* A type in a store. What its references name is looked up in `scope`. */
struct wrt_rtt {
    const struct wrt_type_def *def;
    struct wrt_rtt *const *scope; /* by canonical index; NULL for a host function's type */
    struct wrt_rtt *next;         /* group heads with the same bucket */
    uint32_t id;                  /* its place in by_id */
};

/* The types of one module in one store. */
struct wrt_scope {
    struct wrt_scope *next;
    const struct wrt_module *module;
    struct wrt_rtt *rtts[]; /* by type index */
};

struct wrt_type_table {
    struct wrt_rtt **buckets;
    uint32_t bucket_count, group_count; /* buckets: a power of two, or 0 */
    struct wrt_rtt **by_id;
    uint32_t id_count, id_capacity;
    struct wrt_scope *scopes;
};

/* ---- value types ---- */

/* Made by WRT_REF_TYPE from a heap type: not one byte in the binary format. */
static inline bool wrt_has_heap(wrt_type type)
{
    return (type & 0xFF) == 0x63 || (type & 0xFF) == 0x64;
}

static inline bool wrt_is_reference(wrt_type type)
{
    return wrt_has_heap(type) || (type >= WRT_EXNREF && type <= WRT_NULLEXNREF);
}

static inline bool wrt_is_nullable(wrt_type type)
{
    return (type & 0xFF) != 0x64;
}

/* Of a reference: an index, or WRT_HEAP_ABSTRACT and a byte. */
static inline uint32_t wrt_heap_of(wrt_type type)
{
    return wrt_has_heap(type) ? type >> 8 : WRT_HEAP_ABSTRACT | type;
}

static inline bool wrt_is_concrete(wrt_type type)
{
    return wrt_has_heap(type) && (type >> 8 & WRT_HEAP_ABSTRACT) == 0;
}

static inline wrt_type wrt_not_null(wrt_type type)
{
    return WRT_REF_TYPE(false, wrt_heap_of(type));
}

static inline wrt_type wrt_or_null(wrt_type type)
{
    return WRT_REF_TYPE(true, wrt_heap_of(type));
}

/* A reference in code that cannot run: below every reference type. */
#define WRT_REF_BOTTOM WRT_REF_TYPE(false, WRT_HEAP_ABSTRACT)

/* Can a local of this type be read before it is written? */
static inline bool wrt_has_default(wrt_type type)
{
    return !wrt_is_reference(type) || wrt_is_nullable(type);
}

/* The top of the hierarchy that a heap type belongs to: WRT_ANYREF, _FUNCREF, _EXTERNREF or
 * _EXNREF. `kind` is that of a concrete type. */
wrt_type wrt_top_of(uint32_t heap, enum wrt_type_kind kind);

/* Is an abstract heap type `a` below `b`, both bytes? (spec 3.3.5) */
bool wrt_abstract_is(uint8_t a, uint8_t b);
/* Is a concrete type of this kind below abstract `b`? Above abstract `a`? */
bool wrt_kind_is(enum wrt_type_kind kind, uint8_t b);
bool wrt_is_under_kind(uint8_t a, enum wrt_type_kind kind);

/* ---- within a module: types.c. O(depth of subtyping) ---- */

struct wrt_module;
bool wrt_type_is(const struct wrt_module *module, wrt_type a, wrt_type b); /* a <: b */
bool wrt_heap_is(const struct wrt_module *module, uint32_t a, uint32_t b);
bool wrt_types_are(const struct wrt_module *module, const wrt_type *a, const wrt_type *b,
                   uint32_t count);

/* Groups of a module that is being loaded. */
uint32_t wrt_group_hash(const struct wrt_type_def *types, uint32_t start, uint32_t size);
bool wrt_same_group(const struct wrt_type_def *types, uint32_t a, uint32_t b, uint32_t size);
/* Does types[index] keep what its supertype promises? (spec 3.4.3) */
bool wrt_fits_super(const struct wrt_module *module, uint32_t index);

/* ---- in a store: rtt.c ---- */

struct wrt_block;
/* The types of `module`, entered when they are new; takes into `blocks`. O(types), once for
 * each module of a store. After an error, and when the blocks are given back, undo. */
enum wrt_status wrt_scope_get(struct wrt_store *store, struct wrt_block **blocks,
                              const struct wrt_module *module, struct wrt_rtt *const **out,
                              struct wrt_error *error);
/* The type of a host function, which names no types of a module. */
enum wrt_status wrt_rtt_of_host(struct wrt_store *store, struct wrt_block **blocks,
                                struct wrt_type_def *def, const struct wrt_rtt **out,
                                struct wrt_error *error);

struct wrt_type_mark {
    uint32_t id_count;
    struct wrt_scope *scopes;
};
struct wrt_type_mark wrt_types_mark(const struct wrt_store *store);
/* Forgets all types entered since the mark. */
void wrt_types_undo(struct wrt_store *store, struct wrt_type_mark mark);

static inline const struct wrt_rtt *wrt_rtt_super(const struct wrt_rtt *rtt)
{
    return rtt->scope[rtt->def->super];
}

/* Is `a` `b` or below it? O(depth of a - depth of b). */
static inline bool wrt_rtt_is(const struct wrt_rtt *a, const struct wrt_rtt *b)
{
    while (a != b && a->def->depth > b->def->depth)
        a = wrt_rtt_super(a);
    return a == b;
}

/* a <: b, and a == b, where each names types of its own scope. */
bool wrt_type_is_across(struct wrt_rtt *const *a_scope, wrt_type a,
                        struct wrt_rtt *const *b_scope, wrt_type b);
bool wrt_same_type_across(struct wrt_rtt *const *a_scope, wrt_type a,
                          struct wrt_rtt *const *b_scope, wrt_type b);

#endif
