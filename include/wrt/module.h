/* wrt/module.h - loading: bytes in, a validated and translated module out.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module arrives in chunks of any size. Each section (each function body in the
 * code section) is gathered in a buffer of exactly its announced size, charged to the
 * partition as LOAD, then decoded, validated and translated in one pass and the buffer
 * is freed or becomes part of the module. So the peak does not depend on the chunks.
 *
 * A module is immutable once finished and may serve many instances in many stores, also
 * in several threads at once. It must outlive them.
 */
#ifndef WRT_MODULE_H
#define WRT_MODULE_H

#include "wrt/base.h"
#include "wrt/partition.h"
#include "wrt/value.h"

WRT_BEGIN_DECLS

struct wrt_module;
struct wrt_native_object;
struct wrt_module_loader;

/* What one module may hold. 0 picks the default named beside each field; a refusal is
 * WRT_ERR_LIMIT and its text names the field. */
struct wrt_module_config {
    uint32_t max_module_bytes;    /* whole module; default 256 MiB */
    uint32_t max_section_bytes;   /* one section but code; default 128 MiB */
    uint32_t max_body_bytes;      /* one function body; default 7,654,321 */
    uint32_t max_types;           /* default 1,000,000 */
    uint32_t max_imports;         /* default 1,000,000 */
    uint32_t max_exports;         /* default 1,000,000 */
    uint32_t max_functions;       /* imported ones included; default 1,000,000 */
    uint32_t max_tables;          /* default and most 65,000 */
    uint32_t max_memories;        /* default 1,000; most 65,000 */
    uint32_t max_globals;         /* default 1,000,000 */
    uint32_t max_tags;            /* default 1,000,000 */
    uint32_t max_segments;        /* data, and elements, each; default 100,000 */
    uint32_t max_parameters;      /* default 1,000; so for results */
    uint32_t max_locals;          /* of one function, parameters included; default 50,000 */
    uint32_t max_nesting;         /* blocks inside each other; default 50,000 */
    uint32_t max_frame_slots;     /* one call's frame; default and most 65,000 */
    uint32_t max_name_bytes;      /* one name; default 100,000 */
    bool canonical_nan;           /* every NaN that arithmetic makes is the canonical one */
    bool deterministic;           /* relaxed vector operations give the results of the
                                     specification's deterministic profile, the same on every
                                     machine; implies canonical_nan */
    bool instrument;              /* count what is executed: wrt/profile.h */
    bool drop_names;              /* forget the name section (saves memory) */
    bool index_masking;           /* refuse with ERR_UNSUPPORTED, unless this build masks the index
                                     of each checked access against speculation (the CMake
                                     option WRT_INDEX_MASKING; it then does so for all) */
    uint64_t features_off;        /* WRT_FEATURE_BIT(…) of features that validation refuses,
                                     naming the feature; a bit of none is ERR_ARGUMENT */
    const struct wrt_native_object *native; /* wrt/native.h: the same module, compiled; kept.
                                     ERR_CORRUPT if it is of another one. Calls from the host
                                     run it; NULL: all is interpreted */
    bool no_memory_images;        /* Active data segments of 32 KiB or more with constant
                                     offsets in bounds become an image of their memory (a
                                     second copy, charged as DATA) that instances map, copied
                                     on write (providers RESERVED and POOLED). Set this to
                                     have segments copied instead */
};

/* Starts a load. Borrows config (NULL: all defaults). The loader and everything it
 * builds are charged to `partition`, which must outlive the module. Gives *out.
 * Cost: O(1), may block (system), may fault; 5800 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_begin(struct wrt_partition *partition, const struct wrt_module_config *config,
                 struct wrt_module_loader **out, struct wrt_error *error);

/* Feeds the next bytes; borrows them. After an error the loader only accepts abort (every
 * other call repeats the error).
 * Cost: O(size_bytes + bytes of items completed by it), may block (system), may fault; 6500 bytes
 * of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_feed(struct wrt_module_loader *loader, const void *bytes, size_t size_bytes,
                struct wrt_error *error);

/* Ends a load. Takes the loader also on error. Gives *out.
 * Cost: O(metadata and code), O(exports * log exports), may block (system), may fault; 5700 bytes
 * of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_finish(struct wrt_module_loader *loader, struct wrt_module **out,
                  struct wrt_error *error);

/* Takes the loader and frees what it built. NULL does nothing.
 * Cost: O(blocks of the module), may block (system), may fault; 704 bytes of stack. */
WRT_API void wrt_module_abort(struct wrt_module_loader *loader);

/* begin, feed and finish in one call.
 * Cost: O(size_bytes) and as finish, may block (system), may fault; 6600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_load(struct wrt_partition *partition, const struct wrt_module_config *config,
                const void *bytes, size_t size_bytes, struct wrt_module **out,
                struct wrt_error *error);

/* ERR_BUSY while an instance of it lives, or while a free slot of a page pool maps its memory
 * image (wrt_page_pool_trim, or destroy the pool first). NULL is WRT_OK.
 * Cost: O(blocks of the module), may block (system), may fault; 704 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_module_destroy(struct wrt_module *module);

/* The integrity of one module, as wrt/store.h says for stores; level of its partition.
 * *position: 0 to start, then as it was left; so several threads may scrub one module.
 * Cost: O(bytes of code and metadata), never blocks, may fault; 320 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_verify(const struct wrt_module *module, struct wrt_error *error);
/* Cost: O(pieces), never blocks, may fault; 352 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_scrub(const struct wrt_module *module, uint64_t *position, uint64_t pieces,
                 struct wrt_error *error);

/* ---- what is in it: borrowed until the module is destroyed ---- */

struct wrt_module_info {
    uint32_t type_count, import_count, export_count;
    uint32_t function_count, table_count, memory_count, global_count; /* with imports */
    uint32_t tag_count, imported_tag_count;
    uint32_t imported_function_count, imported_table_count;
    uint32_t imported_memory_count, imported_global_count;
    uint32_t element_segment_count, data_segment_count, custom_section_count;
    bool has_start;
    uint32_t start_function;
    uint64_t module_bytes;   /* size of the binary */
    uint32_t checksum;       /* CRC32C of the binary */
    uint64_t code_bytes;     /* translated code */
    uint32_t largest_frame_slots;
    uint64_t features;       /* WRT_FEATURE_BIT(…) of what the module uses */
};

/* X(name, bit, text): features beyond WebAssembly 1.0 that a module can use. Append,
 * never renumber: snapshots and tools store the bits. */
#define WRT_FEATURE_LIST(X)                          \
    X(MUTABLE_GLOBAL, 0, "mutable-global")           \
    X(SIGN_EXTENSION, 1, "sign-extension")           \
    X(SATURATING, 2, "saturating-conversions")       \
    X(MULTI_VALUE, 3, "multi-value")                 \
    X(BULK_MEMORY, 4, "bulk-memory")                 \
    X(REFERENCE_TYPES, 5, "reference-types")         \
    X(EXTENDED_CONST, 6, "extended-const")           \
    X(TAIL_CALL, 7, "tail-call")                     \
    X(MULTI_MEMORY, 8, "multi-memory")               \
    X(SIMD, 9, "simd")                               \
    X(RELAXED_SIMD, 10, "relaxed-simd")              \
    X(EXCEPTIONS, 11, "exceptions")                  \
    X(TYPED_REFERENCES, 12, "typed-references")      \
    X(GC, 13, "gc")                                  \
    X(MEMORY64, 14, "memory64")                      \
    X(THREADS, 15, "threads")                        \
    X(CUSTOM_PAGE_SIZES, 16, "custom-page-sizes")    \
    X(WIDE_ARITHMETIC, 17, "wide-arithmetic")        \
    X(BRANCH_HINTS, 18, "branch-hints")

enum wrt_feature {
#define WRT_FEATURE_ENUM(name, bit, text) WRT_FEATURE_##name = (bit),
    WRT_FEATURE_LIST(WRT_FEATURE_ENUM)
#undef WRT_FEATURE_ENUM
};
#define WRT_FEATURE_BIT(name) (UINT64_C(1) << WRT_FEATURE_##name)
#define WRT_FEATURE_SUM(name, bit, text) | UINT64_C(1) << (bit)
#define WRT_FEATURES_ALL (UINT64_C(0) WRT_FEATURE_LIST(WRT_FEATURE_SUM))

/* The text of the list; an unknown bit yields "?". Static string.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_feature_name(enum wrt_feature feature);

/* Cost: O(1), never blocks, never faults. */
WRT_API void wrt_module_get_info(const struct wrt_module *module, struct wrt_module_info *out);

struct wrt_module_import {
    struct wrt_bytes module, name;
    struct wrt_extern_type type;
};
struct wrt_module_export {
    struct wrt_bytes name;
    uint32_t index; /* in its index space */
    struct wrt_extern_type type;
};
struct wrt_module_custom {
    struct wrt_bytes name;
    uint64_t byte_offset; /* of its contents in the module */
    uint64_t size_bytes;  /* of its contents */
};

/* ERR_BOUNDS if there is no such index.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_get_import(const struct wrt_module *module, uint32_t index,
                      struct wrt_module_import *out);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_get_export(const struct wrt_module *module, uint32_t index,
                      struct wrt_module_export *out);
/* Cost: O(index), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_get_custom(const struct wrt_module *module, uint32_t index,
                      struct wrt_module_custom *out);
/* ERR_TYPE: a struct or array type. Types name others by index; equal ones by the first.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_get_type(const struct wrt_module *module, uint32_t index,
                    struct wrt_function_type *out);
/* The type of item `index` of an index space.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_get_item(const struct wrt_module *module, enum wrt_extern_kind kind, uint32_t index,
                    struct wrt_extern_type *out);

/* What made the module, by its producers section: field "language", "processed-by" or "sdk",
 * a name and a version. Values are counted through all fields. ERR_BOUNDS past the last one,
 * or where the section is malformed. O(bytes of the section). */
struct wrt_module_producer {
    struct wrt_bytes field, name, version;
};
/* Cost: O(bytes of the section), never blocks, never faults; 544 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_get_producer(const struct wrt_module *module, uint32_t index,
                        struct wrt_module_producer *out);

/* Which way a compiler believes that an `if` or `br_if` goes, from the section
 * metadata.code.branch_hint. Not used by the interpreter, whose branches cost the same both
 * ways. As above. */
struct wrt_module_branch_hint {
    uint32_t function;
    uint32_t byte_offset; /* of the instruction, from the first byte of the function's locals */
    bool is_likely;
};
/* Cost: O(bytes of the section), never blocks, never faults; 480 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_module_get_branch_hint(const struct wrt_module *module, uint32_t index,
                           struct wrt_module_branch_hint *out);

/* The function's name: from the name section, else an export of it; size 0 if neither.
 * Cost: O(bytes of the name section + exports), never blocks, never faults; 576 bytes of stack. */
WRT_API struct wrt_bytes wrt_module_function_name(const struct wrt_module *module,
                                                  uint32_t function_index);

/* The slots of 8 bytes that one call of a function of the module takes on the value stack: locals,
 * operands and its header. 0: an imported function, or there is none of that index.
 * Cost: O(1), never blocks, never faults. */
WRT_API uint32_t wrt_module_function_frame_slots(const struct wrt_module *module,
                                                 uint32_t function_index);

WRT_END_DECLS
#endif
