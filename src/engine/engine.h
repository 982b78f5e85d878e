/* engine/engine.h - the engine's own structures.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module is immutable after load and shared by instances; a store owns everything that
 * runs, in blocks that it frees together.
 */
#ifndef WRT_ENGINE_ENGINE_H
#define WRT_ENGINE_ENGINE_H

#include <stdatomic.h>
#include <string.h>

#include "base/error.h"
#include "code.h"
#include "native_abi.h"
#include "types.h"
#include "heap.h"
#include "sync/alarm.h"
#include "wrt/futex.h"
#include "wrt/lock.h"
#include "wrt/exception.h"
#include "wrt/module.h"
#include "wrt/profile.h"
#include "wrt/store.h"

/* ---- module ---- */

/* An item of an index space that a module declares or imports. */
struct wrt_import {
    struct wrt_bytes module, name;
    enum wrt_extern_kind kind;
    uint32_t index; /* in its index space */
};

struct wrt_export {
    struct wrt_bytes name;
    enum wrt_extern_kind kind;
    uint32_t index;
};

/* A constant expression: validated bytes inside a kept section, `end` included. */
struct wrt_const_expr {
    const uint8_t *bytes;
    uint32_t size_bytes;
};

struct wrt_global_def {
    struct wrt_global_type type;
    struct wrt_const_expr init; /* of a defined global */
};

enum wrt_segment_mode { WRT_SEGMENT_ACTIVE, WRT_SEGMENT_PASSIVE, WRT_SEGMENT_DECLARED };

struct wrt_data_segment {
    enum wrt_segment_mode mode;
    uint32_t memory;
    struct wrt_const_expr offset;
    const uint8_t *bytes;
    uint32_t size_bytes;
};

/* Elements stay encoded: function indexes, or constant expressions one after another. */
struct wrt_element_segment {
    enum wrt_segment_mode mode;
    wrt_type type;
    bool expressions;
    uint32_t table;
    struct wrt_const_expr offset;
    const uint8_t *bytes;
    uint32_t size_bytes;
    uint32_t count;
};

struct wrt_custom {
    struct wrt_custom *next;
    struct wrt_module_custom info;
};

/* A block of the partition that belongs to a module or a store. */
struct wrt_block {
    struct wrt_block *next;
    size_t size_bytes; /* with this header */
    enum wrt_charge charge;
};

/* Up to 4 KiB that must not change, and their CRC-32C. */
struct wrt_piece {
    const uint8_t *bytes;
    uint32_t size_bytes, checksum;
};

/* What seal.c keeps of a module or an instance; none where the check "seal" is off. */
struct wrt_pieces {
    struct wrt_piece *items;
    uint64_t count;
};

/* What may change after load comes first: the rest is sealed, with all of `blocks`. */
/* Which counter an instruction belongs to: wrt/profile.h. */
struct wrt_profile_entry {
    uint32_t byte; /* in the body */
    uint32_t opcode;
    uint32_t counter;
};

struct wrt_profile_map {
    const struct wrt_profile_entry *entries;
    uint32_t count;
};

struct wrt_module {
    _Atomic uint32_t users;   /* instances */
    struct wrt_block *loose;  /* what `pieces` and `images` point to */
    struct wrt_pieces pieces;
    struct wrt_page_image *images; /* of defined memories; NULL: none has one (image.c) */
    struct wrt_partition *partition; /* sealed from here on */
    struct wrt_block *blocks; /* all other memory of the module, this struct excepted */
    struct wrt_module_config config;
    struct wrt_module_info info;

    struct wrt_type_def *types;
    uint32_t *canonical_types; /* the first type that is equal */
    struct wrt_import *imports;
    struct wrt_export *exports;
    uint32_t *exports_by_name; /* indexes, ascending by name */
    uint32_t *codes_by_address;
    uint32_t *function_types; /* canonical, of all functions */
    struct wrt_table_type *tables;
    struct wrt_profile_map *profiles; /* of defined functions; NULL: not instrumented */
    uint32_t counter_count;
    bool needs_heap; /* has struct or array types */
    bool has_exnref_fields;
    struct wrt_const_expr *table_inits; /* size 0: filled with null */
    struct wrt_memory_type *memories;
    struct wrt_global_def *globals;
    uint32_t *tags; /* canonical types */
    struct wrt_element_segment *elements;
    struct wrt_data_segment *data;
    struct wrt_code *codes; /* of defined functions */
    uint32_t *native_by_address; /* of config.native: its code, ascending */
    struct wrt_custom *customs, **custom_tail;
    struct wrt_bytes name_section, producers, branch_hints; /* contents; size 0: none */
};

static inline const struct wrt_function_type *
wrt_type_of_function(const struct wrt_module *module, uint32_t function)
{
    return &module->types[module->function_types[function]].function;
}

/* ---- store ---- */

/* What a host function gives, as far as the short way of calling it cares: call.c. */
enum wrt_host_result {
    WRT_HOST_RESULT_OTHER = 0, /* more than one slot; or no host function */
    WRT_HOST_RESULT_NONE,
    WRT_HOST_RESULT_32,
    WRT_HOST_RESULT_64
};

struct wrt_function {
    struct wrt_native_function native; /* first: compiled code reads it */
    const struct wrt_function_type *type;
    const struct wrt_rtt *rtt;
    struct wrt_instance *instance;  /* NULL: a host function */
    const struct wrt_code *code;    /* NULL: a host function */
    wrt_host_function *host;
    void *context;
    struct wrt_store *store;
    uint32_t index;                 /* in the instance's module */
    uint32_t parameter_slots, result_slots;
    enum wrt_host_result host_result;
};

struct wrt_table {
    union wrt_slot *elements;
    uint64_t size, capacity;
    uint64_t *sums; /* behind the elements: see table_sum.c; NULL: the check "table" is off */
    struct wrt_native_function *callees; /* see table_callees.c; NULL: no compiled code calls them */
    struct wrt_table_type type;
    struct wrt_rtt *const *scope; /* of its type; NULL: made by the host */
    struct wrt_store *store;
    struct wrt_table *next; /* in the store, for freeing */
};

/* What the views of one shared memory have in common: see share.c. */
struct wrt_memory_share {
    struct wrt_page_allocator pages; /* grown by who holds the gate; the base never moves */
    _Atomic uint64_t size_bytes;     /* of pages, for who does not */
    _Atomic uint32_t users;          /* views */
    struct wrt_mutex gate;
    struct wrt_partition *partition;
    struct wrt_futex_domain domain;
};

struct wrt_memory {
    struct wrt_page_allocator pages; /* of a view: base and a size that may be old */
    struct wrt_memory_share *share;  /* NULL: not shared */
    struct wrt_memory_type type;
    struct wrt_store *store;
    struct wrt_memory *next;
};

struct wrt_global {
    union {
        union cell value;
        union cell wide[2]; /* of a v128 */
    };
    struct wrt_global_type type;
    struct wrt_rtt *const *scope; /* of its type; NULL: made by the host */
    struct wrt_store *store;
    struct wrt_global *next; /* made by the host */
};

struct wrt_tag {
    const struct wrt_function_type *type;
    const struct wrt_rtt *rtt;
    struct wrt_store *store;
};

struct wrt_element_items {
    union wrt_slot *items; /* NULL: dropped or never kept */
    uint64_t count;
};

struct wrt_instance {
    struct wrt_function **functions;
    struct wrt_table **tables;
    struct wrt_memory **memories;
    struct wrt_global **globals;
    struct wrt_rtt *const *rtts; /* by type index */
    struct wrt_tag **tags;
    struct wrt_store *store;
    struct wrt_module *module;
    struct wrt_function *own_functions;
    struct wrt_element_items *elements; /* passive segments, by segment index */
    bool *data_dropped;
    uint64_t *counters; /* module->counter_count of them */
    struct wrt_native_guest *native; /* NULL: not compiled */
    struct wrt_pieces pieces; /* of this struct up to here, and of its arrays of pointers */
    struct wrt_instance *next;
    uint32_t number; /* in the order of creation */
};

struct wrt_definition {
    struct wrt_definition *next;
    struct wrt_bytes module, name;
    struct wrt_extern item;
};

/* How wrt_interpret came back. */
enum wrt_run { WRT_RUN_CONTINUE = 0, WRT_RUN_DONE, WRT_RUN_TRAP, WRT_RUN_PAUSED, WRT_RUN_EXITED,
               WRT_RUN_THROWN };

/* What the interpreter keeps in memory: caches of the current instance first. */
struct wrt_exec {
    uint64_t memory_bytes; /* of memory 0 */
    uint8_t *memory_base;
    struct wrt_global **globals;
    uint64_t *counters;
    struct wrt_instance *instance;
    union cell *stack_end;
    uint8_t *heap_base;
    const union word *call_hint, *return_hint; /* see GO_ON in interpret.c */
    int64_t fuel; /* left of the current slice; < 0 at a stop point ends it */
    /* the registers, while the interpreter is not running */
    const union word *pc;
    union cell *fp;
    uint64_t A;
    float F;
    double D;

    union cell *stack;
    union cell *top;        /* first cell free for a nested call */
    uint64_t fuel_reserve;  /* not yet handed out in slices */
    uint64_t fuel_limit;    /* as set; UINT64_MAX: none */
    uint64_t deadline_ns;
    _Atomic bool interrupt;
    enum wrt_pause_reason pause_reason;
    uint32_t depth;         /* nested calls from the host */
    uint32_t exit_code;
    struct wrt_trap trap;
    struct wrt_futex_domain *_Atomic waits_in; /* where an interrupt finds it: see wait.c */
    struct wrt_interrupt wake;
};

#define WRT_KEPT_FRAMES 32

/* A call from the host that has not ended. */
struct wrt_activation {
    union cell *base;            /* its arguments and results */
    struct wrt_function *function;
    struct wrt_instance *instance; /* current before it */
    const union word *pc;        /* the interrupted outer run */
    union cell *fp;
    union cell *top;
    struct wrt_native_run *native; /* of a compiled call: where it stands */
    bool compiled;
    bool paused;
};

/* Where the scrubber of a store stands: tables first, then instances and their modules. */
struct wrt_scrub {
    const struct wrt_table *table;
    const struct wrt_instance *instance;
    bool is_in_module;
    uint64_t piece;
};

/* The pool of exceptions, and the one that is on its way: see exception.c. */
struct wrt_exceptions {
    union cell *cells;  /* NULL: no tag yet */
    uint64_t *starts;   /* bitmap: an exception begins at this cell */
    uint32_t cursor;    /* the block where the next search for room begins */
    uint32_t saved_fuel; /* paid by throws, for the next walk over the pool */
    uint64_t current;   /* exnref: thrown and not caught yet, or left uncaught */
    bool searching;     /* a search for its handler stands paused */
    struct wrt_frame_cursor {
        const union word *pc;
        union cell *fp;
        struct wrt_instance *instance;
        bool returned;  /* pc is a return address: the call is before it */
    } origin, at;       /* where it was thrown; the frame that is searched next */
};

/* What runs compiled code: native.c. */
struct wrt_native_state {
    struct wrt_page_allocator stack; /* no base: no compiled instance yet */
    uint8_t *top;                    /* the next call begins below */
    uintptr_t limit;                 /* frames begin above */
    struct wrt_native_run *run;      /* the innermost */
    struct wrt_native_guest *_Atomic running;
    _Atomic bool asked;              /* to look why it should stop */
    bool is_guarded;                 /* some code has no compares */
    bool has_frames;                 /* of a trap in interpreted code that it called */
    struct wrt_alarm alarm;          /* at the deadline */
};

struct wrt_store {
    struct wrt_exec exec;
    struct wrt_partition *partition;
    struct wrt_store_config config;
    struct wrt_block *blocks;
    struct wrt_type_table types;
    wrt_trace *trace; /* NULL: nobody follows the host calls */
    void *trace_context;
    struct wrt_heap heap;
    union wrt_slot *held;       /* config.max_held_references: see wrt_reference_hold */
    struct wrt_global *globals; /* made by the host */
    struct wrt_instance *instances;
    struct wrt_table *tables;
    struct wrt_memory *memories;
    struct wrt_definition *definitions;
    struct wrt_activation *activations; /* max_host_depth + 1 of them */
    uint32_t instance_count;
    uint32_t frame_count, kept_frames; /* of the last trap */
    bool trapped_in_host;
    bool trapped_in_guard;    /* a guest access hit a guard: where it stood is not known */
    bool verifies_calls;      /* the check "call" is on */
    struct wrt_scrub scrub;
    struct wrt_frame frames[WRT_KEPT_FRAMES];
    union word exit_code_words[2], instance_exit_words[2], search_words[2];
    struct wrt_exceptions exceptions;
    struct wrt_native_state native;
};

struct wrt_caller {
    struct wrt_store *store;
    struct wrt_instance *instance;
};

static inline struct wrt_store *wrt_store_of(struct wrt_exec *exec)
{
    return (struct wrt_store *)(void *)exec; /* exec is the first member */
}

/* ---- util.c ---- */

/* Blocks are zeroed, and freed together with their list. `out` points to a pointer. */
WRT_MUST_CHECK enum wrt_status
wrt_block_take(struct wrt_partition *partition, struct wrt_block **list, enum wrt_charge charge,
               uint64_t count, size_t item_bytes, void *out, struct wrt_error *error);
void wrt_block_free_all(struct wrt_partition *partition, struct wrt_block **list);
void wrt_block_free_one(struct wrt_partition *partition, struct wrt_block **list, void *items);
void wrt_block_splice(struct wrt_block **to, struct wrt_block **from);

/* ---- types ---- */
static inline uint32_t wrt_type_slots(wrt_type type)
{
    return type == WRT_V128 ? 2 : 1;
}

/* ---- constant expressions: constant.c ---- */
/* Moves *bytes behind the expression; false if the heap has no room for its objects. */
bool wrt_const_evaluate(const struct wrt_instance *instance, const uint8_t **bytes,
                        union cell out[2]);

/* ---- interpreter: interpret.c ---- */
enum wrt_run wrt_interpret(struct wrt_exec *exec);

/* Its out-of-line parts: cold.c, call.c. exec->pc and ->fp hold the instruction. */
enum wrt_run wrt_stop_point(struct wrt_exec *exec);
enum wrt_run wrt_call_foreign(struct wrt_exec *exec, struct wrt_function *callee,
                              union cell *arguments, const union word *next);
enum wrt_run wrt_tail_foreign(struct wrt_exec *exec, struct wrt_function *callee);
enum wrt_run wrt_return_to_instance(struct wrt_exec *exec);
#define WRT_COLD_LIST(X)                                                              \
    X(memory_grow) X(memory_fill) X(memory_copy) X(memory_init) X(data_drop)          \
    X(table_get) X(table_set) X(table_grow) X(table_fill) X(table_copy) X(table_init) \
    X(elem_drop)                                                                      \
    X(struct_new) X(struct_new_default) X(array_new) X(array_new_default)             \
    X(array_new_fixed) X(array_new_data) X(array_new_elem) X(array_fill)              \
    X(array_copy) X(array_init_data) X(array_init_elem)
#define WRT_COLD_DECLARE(name) enum wrt_run wrt_cold_##name(struct wrt_exec *exec);
WRT_COLD_LIST(WRT_COLD_DECLARE)
#undef WRT_COLD_DECLARE

/* gc.c: fields, references that are overwritten, references that are tested. */
void wrt_write_field(uint8_t *to, wrt_type type, const union cell *from);
void wrt_set_reference(struct wrt_exec *exec, uint8_t *to, uint64_t value);
void wrt_global_set_reference(struct wrt_exec *exec, uint32_t global, uint64_t value);
/* Is what `bits`, not null, refer to of a type in the `any` hierarchy? */
bool wrt_any_is(const struct wrt_store *store, struct wrt_rtt *const *scope, wrt_type type,
                uint64_t bits);
/* The same of an object with that type (NULL: none), of an i31, or of neither: a host value. */
bool wrt_any_type_is(const struct wrt_rtt *object, bool is_i31, struct wrt_rtt *const *scope,
                     wrt_type type);
bool wrt_reference_is(struct wrt_exec *exec, uint64_t bits, wrt_type type);

/* Is the callee of type `type`, one of the current instance's module, or below it? */
bool wrt_callee_fits(const struct wrt_exec *exec, const struct wrt_function *callee,
                     const struct wrt_function_type *type);

/* ---- threads: share.c, wait.c ---- */
enum wrt_run wrt_cold_atomic_wait32(struct wrt_exec *exec);
enum wrt_run wrt_cold_atomic_wait64(struct wrt_exec *exec);
enum wrt_run wrt_cold_atomic_notify(struct wrt_exec *exec);
enum wrt_run wrt_cold_memory_size_shared(struct wrt_exec *exec);

/* A new shared memory, nobody's yet: the first attach makes it that view's. */
enum wrt_status wrt_share_make(struct wrt_partition *partition,
                               const struct wrt_page_config *config,
                               struct wrt_memory_share **out, struct wrt_error *error);
void wrt_share_attach(struct wrt_memory *view, struct wrt_memory_share *share);
void wrt_share_release(struct wrt_memory_share *share);
void wrt_share_look(struct wrt_memory *view);
enum wrt_status wrt_share_grow(struct wrt_memory *view, uint64_t delta_pages,
                               uint64_t *out_old_bytes, struct wrt_error *error);
/* Looks at the shared memories of the current instance. Has one grown since its view was
 * last brought up to date? Then an access that was out of bounds may not be any more. */
bool wrt_share_refresh(struct wrt_exec *exec);

bool wrt_should_stop(const struct wrt_exec *exec);

/* Makes `instance` current: refreshes the caches at the head of exec. */
void wrt_exec_enter_instance(struct wrt_exec *exec, struct wrt_instance *instance);

/* ---- store.c ---- */
/* Objects before the store owns them: `make` takes into `blocks`. */
enum wrt_status wrt_table_make(struct wrt_store *store, struct wrt_block **blocks,
                               const struct wrt_table_type *type, union wrt_slot fill,
                               struct wrt_table **out, struct wrt_error *error);
void wrt_table_unmake(struct wrt_store *store, struct wrt_table *table);
/* Grows without a look at the type of `fill`. */
enum wrt_status wrt_table_enlarge(struct wrt_table *table, uint64_t delta, union wrt_slot fill,
                                  uint64_t *out_old_size, struct wrt_error *error);
enum wrt_status wrt_memory_make(struct wrt_store *store, struct wrt_block **blocks,
                                const struct wrt_memory_type *type,
                                const struct wrt_module *module, /* that defines it, or NULL */
                                struct wrt_page_image *image,
                                struct wrt_memory **out, struct wrt_error *error);
void wrt_memory_unmake(struct wrt_memory *memory);
/* May the host give `slot` as a value of `type`? Nothing is null that may not be, and a
 * reference is of this store (another's would outlive it) and of that type. */
bool wrt_slot_fits(const struct wrt_store *store, struct wrt_rtt *const *scope, wrt_type type,
                   union wrt_slot slot);
bool wrt_is_function_type(const struct wrt_function_type *type);
enum wrt_status wrt_copy_type(struct wrt_store *store, struct wrt_block **blocks,
                              const struct wrt_function_type *type,
                              struct wrt_function_type *out, struct wrt_error *error);
/* A reference to an exception, null or not. */
static inline bool wrt_is_exnref(wrt_type type)
{
    const wrt_type nullable = wrt_is_reference(type) ? wrt_or_null(type) : 0;
    return nullable == WRT_EXNREF || nullable == WRT_NULLEXNREF;
}
bool wrt_is_exception(const struct wrt_store *store, uint64_t reference);
bool wrt_extern_is_of(struct wrt_extern item, const struct wrt_store *store);

/* What the specification allows a memory of that type, in its pages: sections.c. */
uint64_t wrt_most_pages(const struct wrt_memory_type *type);

/* ---- call.c ---- */
/* A host function, for compiled code: arguments in slots, results in the same. */
enum wrt_run wrt_call_host(struct wrt_exec *exec, struct wrt_function *f, union wrt_slot *slots);
/* The single result of a call is in its accumulator, too. */
void wrt_load_accumulators(struct wrt_exec *exec, const union cell *result);
enum wrt_status wrt_store_can_call(const struct wrt_store *store);

/* ---- instance.c ---- */
struct wrt_extern wrt_instance_item(const struct wrt_instance *instance,
                                    const struct wrt_export *export);

/* ---- seal.c: what the engine depends on must not change (checks of the room "engine") ---- */
/* At a module's end of load. */
WRT_MUST_CHECK enum wrt_status wrt_module_seal(struct wrt_module *module,
                                               struct wrt_error *error);
/* Of a function's code and its tables while a module loads: `bytes` of them one after another,
 * as they were made. Nothing where the check "load" is off. */
struct wrt_code_parts {
    const void *bytes[8];
    size_t sizes[8];
};
void wrt_code_seal(const struct wrt_module *module, struct wrt_code *code,
                   const struct wrt_code_parts *parts);
/* Before an instantiation (check "load"), and before a call (check "call"). */
WRT_MUST_CHECK enum wrt_status wrt_seal_before_instance(const struct wrt_module *module,
                                                        struct wrt_error *error);
WRT_MUST_CHECK enum wrt_status wrt_seal_look_before_call(struct wrt_store *store);
WRT_MUST_CHECK static inline enum wrt_status wrt_seal_before_call(struct wrt_store *store)
{
    return store->verifies_calls ? wrt_seal_look_before_call(store) : WRT_OK;
}
/* Once its arrays are filled; takes into `blocks`. */
WRT_MUST_CHECK enum wrt_status wrt_instance_seal(struct wrt_instance *instance,
                                                 struct wrt_block **blocks,
                                                 struct wrt_error *error);

/* ---- table_sum.c ---- */
#define WRT_TABLE_PIECE 512u /* elements per sum */
/* Bytes of the block of elements and sums. */
size_t wrt_table_bytes(const struct wrt_store *store, uint64_t capacity);
/* Sums of a table whose elements, size, capacity and type are set. */
void wrt_table_sum_start(struct wrt_table *table);
/* Takes elements out of the sums, or puts them in: before and after a write. */
void wrt_table_toggle(struct wrt_table *table, uint64_t first, uint64_t count);
/* Elements were copied to a larger block, the old one not yet freed. */
void wrt_table_sum_move(struct wrt_table *table);
/* After a change of elements, size, capacity or type. */
void wrt_table_sum_head(struct wrt_table *table);
uint64_t wrt_table_pieces(const struct wrt_table *table);
bool wrt_table_piece_is_sound(const struct wrt_table *table, uint64_t piece);

/* ---- table_callees.c ---- */
/* Of a table of functions that compiled code may call; charged as TABLE. Untouched on error. */
WRT_MUST_CHECK enum wrt_status wrt_table_make_callees(struct wrt_table *table,
                                                      struct wrt_error *error);
/* Room for a larger capacity; NULL for none. */
WRT_MUST_CHECK enum wrt_status wrt_table_take_callees(const struct wrt_table *table,
                                                      uint64_t capacity, void **out,
                                                      struct wrt_error *error);
void wrt_table_give_callees(const struct wrt_table *table, void *callees, uint64_t capacity);
/* After a write. */
void wrt_table_show_callees(struct wrt_table *table, uint64_t first, uint64_t count);
bool wrt_table_callees_are_sound(const struct wrt_table *table, uint64_t first, uint64_t end);

/* ---- image.c: initial contents of memories, mapped instead of copied ---- */
/* Makes images of the memories whose active segments are constant; without them, where the
 * system or the partition refuses, segments are copied. */
void wrt_module_make_images(struct wrt_module *module);
/* Of memory `index`, or NULL. */
struct wrt_page_image *wrt_module_image(const struct wrt_module *module, uint32_t index);
/* ERR_BUSY: a slot of a pool still maps one. */
WRT_MUST_CHECK enum wrt_status wrt_module_free_images(struct wrt_module *module);

/* ---- guarded.c: touches of guards, where the store's configuration asks for that ---- */
enum wrt_status wrt_guarded_host(struct wrt_caller *caller, const struct wrt_function *f,
                                 const union wrt_slot *arguments, union wrt_slot *results,
                                 bool *out_is_hit);
enum wrt_run wrt_guarded_interpret(struct wrt_exec *exec);
/* Installs the handler; ERR_UNSUPPORTED where there is none. */
WRT_MUST_CHECK enum wrt_status wrt_guarded_start(struct wrt_error *error);
void wrt_describe_guard_hit(struct wrt_store *store);
/* ---- exception.c ---- */
/* Makes room for exceptions if there is none yet. */
enum wrt_status wrt_exceptions_prepare(struct wrt_store *store, struct wrt_error *error);
/* Of an exception that is one: its tag, its values, and how many cells a tag's values take. */
struct wrt_tag *wrt_exception_tag(const struct wrt_store *store, uint64_t reference);
const union cell *wrt_exception_values(const struct wrt_store *store, uint64_t reference);
static inline uint32_t wrt_cells_of(const struct wrt_tag *tag)
{
    return wrt_type_list_slots(tag->type->parameters, tag->type->parameter_count);
}
/* Gives how many cells it looked at. */
uint64_t wrt_shade_exceptions(struct wrt_store *store);

/* A block of the pool. Blocks have an even number of cells, so that what is cut off a free one
 * can hold a header. */
struct wrt_exception {
    uint32_t cells : 20; /* of the block, header included */
    uint32_t kept : 12;  /* by the host */
    uint32_t link;       /* while reclaiming: 0 not reached, else the next one + 1, or LAST */
    union {
        struct wrt_tag *tag; /* NULL: free room */
        uint64_t pad;
    } of;
};
#define WRT_EXCEPTION_HEADER 2
#define WRT_EXCEPTION_MOST_KEPT 4095
_Static_assert(sizeof(struct wrt_exception) == WRT_EXCEPTION_HEADER * sizeof(union cell), "header");

static inline uint32_t wrt_exception_pool(const struct wrt_store *store)
{
    return store->config.exception_cells & ~1u;
}
/* Of a block that holds an exception with that tag. */
static inline uint32_t wrt_exception_cells(const struct wrt_tag *tag)
{
    return WRT_EXCEPTION_HEADER + ((wrt_cells_of(tag) + 1) & ~1u);
}
uint64_t wrt_exception_reference(uint32_t at);
/* Whether an exception begins at that cell. */
void wrt_exception_mark(struct wrt_exceptions *e, uint32_t at, bool begins);
/* exec->pc stands at the instruction. */
enum wrt_run wrt_throw(struct wrt_exec *exec);
enum wrt_run wrt_throw_ref(struct wrt_exec *exec);
/* Finds who catches exceptions.current, from exec's own frame outwards, or from another frame.
 * CONTINUE: exec stands at the handler. THROWN: nobody in this activation; exec is as it was. */
enum wrt_run wrt_raise(struct wrt_exec *exec);
enum wrt_run wrt_raise_from(struct wrt_exec *exec, const union word *back, union cell *caller);
enum wrt_run wrt_search_again(struct wrt_exec *exec);

/* What stands on the value stack between frames of two instances: see call.c. */
#define WRT_RECORD_CELLS 5
/* How much fuel is handed out at a time: what may pass until an interrupt is noticed. */
#define WRT_FUEL_SLICE 8192
/* No limit still needs a number to count down from: two and a half centuries of it. */
#define WRT_BOUNDLESS (INT64_MAX / 2)

/* ---- profile.c ---- */
void wrt_trace_call(struct wrt_store *store, const struct wrt_instance *caller,
                    const struct wrt_function *function, const union wrt_slot *arguments,
                    const union wrt_slot *results, enum wrt_status status, bool has_returned);

/* ---- trap.c ---- */
/* The function of the module that the code word belongs to, or NULL. O(log functions). */
const struct wrt_code *wrt_code_at(const struct wrt_module *module, const union word *pc);
void wrt_set_trap(struct wrt_store *store, enum wrt_trap_kind kind);
/* Keeps the frames of the running call. */
void wrt_capture_frames(struct wrt_store *store);
/* The function that a code address is in. O(log functions). */
const struct wrt_code *wrt_code_at(const struct wrt_module *module, const union word *pc);

#endif
