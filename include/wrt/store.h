/* wrt/store.h - running: stores, instances, calls, pause and resume.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A store is one tenant's world inside a partition: its execution stack, its fuel, and
 * the instances, functions, tables, memories and globals that may refer to each other.
 * They all live until the store is destroyed, so no reference ever dangles.
 *
 * Guest calls run on the store's own fixed stack, never on the host's. After
 * wrt_store_instantiate nothing is allocated except by memory.grow and table.grow.
 *
 * Threads: a store belongs to one thread at a time; wrt_store_interrupt and
 * wrt_instance_interrupt may be called from any thread and, for a store without shared
 * memories, from a signal handler.
 */
#ifndef WRT_STORE_H
#define WRT_STORE_H

#include "wrt/base.h"
#include "wrt/memory.h"
#include "wrt/module.h"
#include "wrt/partition.h"
#include "wrt/value.h"

WRT_BEGIN_DECLS

struct wrt_store;
struct wrt_instance;
struct wrt_function;
struct wrt_table;
struct wrt_memory;
struct wrt_global;
struct wrt_tag;
struct wrt_caller;

/* Zero-fill, set what you need. A bad value is ERR_ARGUMENT and named. */
struct wrt_store_config {
    uint64_t stack_bytes;        /* value stack; 4 KiB .. 1 GiB; 0 = 256 KiB */
    uint32_t max_instances;      /* 0 = 1,000 */
    uint32_t max_host_depth;     /* host functions calling back; 1 .. 1,000; 0 = 16 */
    uint64_t max_table_elements; /* one table; 0 = 10,000,000 */
    uint64_t max_memory_pages;   /* one memory, in units of 64 KiB; 1 .. 2^32; 0 = 65,536 */
    uint64_t gc_heap_bytes;      /* of structs and arrays; taken when the first module that has
                                    such types is instantiated; 4 KiB .. 2 GiB; 0 = 1 MiB */
    uint32_t max_held_references; /* wrt_reference_hold; .. 65,536; 0 = 16 */
    uint32_t exception_cells;    /* pool of exceptions, 8 bytes each: 2 for an exception and one
                                    for each of its values; 64 .. 2^24; 0 = 4,096. Charged when
                                    the store gets its first tag */
    struct wrt_page_config pages; /* provider and guards of linear memories; sizes ignored */
    bool trap_guard_hits;        /* a touch of a guard or of closed pages of a linear memory, by
                                    a guest or by a host function that it calls, is a trap;
                                    installs the port's fault handler (else nobody does);
                                    ERR_UNSUPPORTED where there is none */
};

/* Gives *out, charged to `partition`, which must outlive it. May map memory.
 * Cost: O(max_held_references + max_host_depth), may block (system), may fault; 6000 bytes of
 * stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_create(struct wrt_partition *partition, const struct wrt_store_config *config,
                 struct wrt_store **out, struct wrt_error *error);

/* Frees the store and all that lives in it; a paused call is dropped. ERR_BUSY from inside
 * one of its host functions. NULL is WRT_OK.
 * Cost: O(instances + memories + tables + blocks), may block (system), may fault; 704 bytes of
 * stack. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_store_destroy(struct wrt_store *store);

/* Cost: O(1), never blocks, never faults. */
WRT_API struct wrt_partition *wrt_store_partition(const struct wrt_store *store);

/* ---- definitions: what imports are resolved from, by module name and name ---- */

/* Any one object that can be imported or exported; `kind` picks the member. */
struct wrt_extern {
    enum wrt_extern_kind kind;
    union {
        struct wrt_function *function;
        struct wrt_table *table;
        struct wrt_memory *memory;
        struct wrt_global *global;
        struct wrt_tag *tag; /* wrt/exception.h */
    } of;
};

/* A host function. `arguments` and `results` hold the type's counts, two slots for each v128
 * (wrt_type_list_slots), and never overlap.
 * Returns WRT_OK with the results written;
 *   WRT_PAUSED: the guest's call pauses, and resuming calls this function again with the
 *     same arguments;
 *   WRT_EXITED after wrt_caller_exit; WRT_ERR_TRAP after wrt_caller_trap;
 *   WRT_ERR_EXCEPTION after wrt_caller_throw, or after a call back into the guest that ended so:
 *     the exception goes on in the guest that called;
 *   any other error becomes a host trap that carries its name.
 * Reaches guest memory only by wrt_caller_read, _write and _span. With trap_guard_hits it is
 * left at once, nothing unwound, when it goes past a span into a guard: it must hold no lock
 * and own nothing then. */
typedef enum wrt_status wrt_host_function(struct wrt_caller *caller, void *context,
                                          const union wrt_slot *arguments,
                                          union wrt_slot *results);

/* Creates a function of the store. `type`'s arrays are copied, `context` is kept until the
 * store is destroyed. Gives a reference that lives as long as the store.
 * Cost: O(types of the store + parameters and results), may block (system), may fault; 5600 bytes
 * of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_function_create(struct wrt_store *store, const struct wrt_function_type *type,
                    wrt_host_function *call, void *context, struct wrt_function **out,
                    struct wrt_error *error);
/* Cost: O(initial elements), may block (system), may fault; 5400 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_table_create(struct wrt_store *store, const struct wrt_table_type *type,
                 union wrt_slot fill, struct wrt_table **out, struct wrt_error *error);
/* Cost: O(1) and as wrt_pages_allocate, may block (system), may fault; 6000 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_memory_create(struct wrt_store *store, const struct wrt_memory_type *type,
                  struct wrt_memory **out, struct wrt_error *error);
/* Cost: O(1), may block (system), may fault; 5300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_global_create(struct wrt_store *store, const struct wrt_global_type *type,
                  union wrt_slot value, struct wrt_global **out, struct wrt_error *error);
/* The same with the value's type, which must be the global's; the only way to a v128.
 * Cost: O(1), may block (system), may fault; 5300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_global_create_value(struct wrt_store *store, const struct wrt_global_type *type,
                        const struct wrt_value *value, struct wrt_global **out,
                        struct wrt_error *error);

/* A view of a shared memory for another store: what one thread writes there the others see.
 * Give each guest thread a store of its own and each of these a view. `memory` may belong to
 * a store that runs meanwhile. The bytes and what waits on them are charged to the partition of
 * the store that made the memory, until the last store that has a view is gone: it must outlive
 * them all, and where they are used by several threads have an arena that is shared.
 * ERR_ARGUMENT: not shared.
 * Cost: O(1), may block (system), may fault; 5300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_memory_share(const struct wrt_memory *memory, struct wrt_store *store,
                 struct wrt_memory **out, struct wrt_error *error);

/* Names an object for importers; both names are copied. A name defined again hides the
 * earlier one. The object must be of this store (ERR_ARGUMENT).
 * Cost: O(bytes of the names), may block (system), may fault; 5400 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_define(struct wrt_store *store, const char *module, const char *name,
                 struct wrt_extern item, struct wrt_error *error);

/* wrt_function_create and wrt_store_define in one. `signature` spells the type: parameters,
 * ':', results, one letter each: i = i32, I = i64, f = f32, F = f64, r = externref,
 * p = funcref, v = v128. "iI:i" is (i32, i64) -> i32. ERR_ARGUMENT names a bad letter.
 * Cost: O(types of the store + bytes of names and signature), may block (system), may fault; 6000
 * bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_define_function(struct wrt_store *store, const char *module, const char *name,
                          const char *signature, wrt_host_function *call, void *context,
                          struct wrt_error *error);

/* What an import of that name would be given; false if nothing is defined under it.
 * Cost: O(definitions), never blocks, never faults. */
WRT_API bool wrt_store_find(const struct wrt_store *store, struct wrt_bytes module,
                            struct wrt_bytes name, struct wrt_extern *out);

/* Makes every export of `instance` importable under `module`.
 * Cost: O(bytes of the names of the exports), may block (system), may fault; 5500 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_define_instance(struct wrt_store *store, const char *module,
                          struct wrt_instance *instance, struct wrt_error *error);

/* ---- instances ---- */

/* Allocates, links, fills and starts an instance of `module` (kept, must outlive the store).
 * ERR_UNLINKABLE names the import. The start function and the active segments run here: a
 * trap is ERR_TRAP (details: wrt_store_trap) and what they wrote into imported tables and
 * memories stays, as the specification says. WRT_PAUSED if the start function paused: *out
 * is given and wrt_store_resume continues.
 * Cost: O(imports * definitions + items + bytes of segments + collections), and the start
 * function, blocks while the guest or its host function waits, may fault; 17000 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_instantiate(struct wrt_store *store, struct wrt_module *module,
                      struct wrt_instance **out, struct wrt_error *error);

/* As wrt_store_instantiate, with all imports given in order and no name looked up, and with
 * the start function left alone if `skip_start`.
 * Cost: O(items + bytes of segments + collections), and the start function, blocks while the guest
 * or its host function waits, may fault; 17000 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_instantiate_with(struct wrt_store *store, struct wrt_module *module,
                           const struct wrt_extern *imports, uint32_t import_count,
                           bool skip_start, struct wrt_instance **out,
                           struct wrt_error *error);

/* Calls the start function that wrt_store_instantiate_with left alone; WRT_OK if there is none.
 * As wrt_function_call: may return WRT_PAUSED.
 * Cost: O(1) and what the function executes, blocks while the guest or its host function waits,
 * may fault; 5900 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_instance_start(struct wrt_instance *instance);

/* Cost: O(1), never blocks, never faults. */
WRT_API const struct wrt_module *wrt_instance_module(const struct wrt_instance *instance);
WRT_API struct wrt_store *wrt_instance_store(const struct wrt_instance *instance);

/* Finds an export by name. ERR_NOT_FOUND.
 * Cost: O(log exports), each a comparison of names, never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_export(const struct wrt_instance *instance, const char *name,
                    struct wrt_extern *out);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_export_bytes(const struct wrt_instance *instance, struct wrt_bytes name,
                          struct wrt_extern *out);

/* The type of any object; function type arrays live as long as the store.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_extern_get_type(struct wrt_extern item, struct wrt_extern_type *out);

/* ---- calls ---- */

/* Calls a function of the store. Counts and types must match (ERR_TYPE).
 *   WRT_OK      results are written
 *   WRT_PAUSED  fuel, deadline, interrupt or a host function stopped it: see
 *               wrt_store_pause_reason; wrt_store_resume continues, wrt_store_drop forgets
 *   WRT_EXITED  see wrt_store_exit_code
 *   ERR_TRAP    see wrt_store_trap
 *   ERR_EXCEPTION  an exception was not caught: see wrt_store_exception; the trap's kind is
 *               UNCAUGHT_EXCEPTION and the frames are those of the throw
 * ERR_BUSY while a call is paused. ERR_CORRUPT at level Critical: what the store depends on
 * was changed; nothing ran, and wrt_store_trap (kind NONE) has a text that names it.
 * Allocates nothing.
 * Cost: O(arguments + results) and what the guest executes; Critical: and as wrt_store_verify,
 * blocks while the guest or its host function waits, may fault; 6000 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_function_call(struct wrt_store *store, struct wrt_function *function,
                  const struct wrt_value *arguments, uint32_t argument_count,
                  struct wrt_value *results, uint32_t result_count);

/* The same without types: slots, and counts of slots, as wrt_host_function sees them. The fast
 * way in. Nothing is checked about the slots; a function reference must be of this store.
 * Cost: O(arguments + results) and what the guest executes; Critical: and as wrt_store_verify,
 * blocks while the guest or its host function waits, may fault; 5900 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_function_call_slots(struct wrt_store *store, struct wrt_function *function,
                        const union wrt_slot *arguments, uint32_t argument_count,
                        union wrt_slot *results, uint32_t result_count);

/* Continues the innermost paused call; the same outcomes. ERR_STATE if none is paused.
 * Results arrive here: result_count as in the call.
 * Cost: O(results) and what the guest executes; Critical: and as wrt_store_verify, blocks while
 * the guest or its host function waits, may fault; 5900 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_resume(struct wrt_store *store, struct wrt_value *results, uint32_t result_count);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_resume_slots(struct wrt_store *store, union wrt_slot *results, uint32_t result_count);

/* The type of the innermost paused call: what wrt_store_resume will give. The arrays live as
 * long as the store. ERR_STATE if none is paused.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_paused_type(const struct wrt_store *store, struct wrt_function_type *out);

/* Forgets the innermost paused call. Memories, tables and globals stay as they are.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_store_drop(struct wrt_store *store);

enum wrt_pause_reason {
    WRT_PAUSE_NONE = 0,
    WRT_PAUSE_FUEL,
    WRT_PAUSE_DEADLINE,
    WRT_PAUSE_INTERRUPT,
    WRT_PAUSE_HOST
};
/* Cost: O(1), never blocks, never faults. */
WRT_API enum wrt_pause_reason wrt_store_pause_reason(const struct wrt_store *store);

/* The code given to wrt_caller_exit by the call that returned WRT_EXITED.
 * Cost: O(1), never blocks, never faults. */
WRT_API uint32_t wrt_store_exit_code(const struct wrt_store *store);

/* ---- fuel, deadline, interrupt ---- */

/* One unit of fuel is one executed WebAssembly instruction (block, loop, end, else and nop
 * are free; a bulk operation costs one more for each 64 bytes or 8 elements). It is counted
 * along the executed path and settled at calls, returns and loop back edges. A guest that has
 * used more than it was given pauses at the next call or back edge (a return to the host does
 * not pause); so it is the same on every machine and build, and a guest can run over by at
 * most the longest loop-free path of one function. After a trap, what was executed since the
 * last such point is not counted. UINT64_MAX: not limited, still counted. Setting it resets
 * wrt_store_fuel_used to 0.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_store_set_fuel(struct wrt_store *store, uint64_t fuel);
/* Gives more to what is left and forgets nothing of what was used. UINT64_MAX: no limit.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_store_add_fuel(struct wrt_store *store, uint64_t fuel);
WRT_API uint64_t wrt_store_fuel_left(const struct wrt_store *store); /* UINT64_MAX: no limit */
WRT_API uint64_t wrt_store_fuel_used(const struct wrt_store *store);

/* The guest pauses at a stop point after this monotonic time (nanoseconds, as
 * wrt_time_now_ns gives). 0 = none. The clock is read every 8,192 units of fuel.
 * Cost: O(1), never blocks, never faults; 50 steps. */
WRT_API void wrt_store_set_deadline(struct wrt_store *store, uint64_t deadline_ns);
WRT_API uint64_t wrt_time_now_ns(void);

/* Asks the running call to pause. It does so at a stop point (a loop back edge or a call) at
 * most 8,192 units of fuel later; between two stop points a guest executes each instruction of
 * one function at most once. A guest asleep in memory.atomic.wait wakes and pauses there; on
 * resume it waits on, for what is left of its timeout (wakes sent meanwhile are missed). Stays
 * asked until a call of this store pauses for it or it is cleared. A signal handler may call
 * this only for a store without shared memories.
 * Cost: O(1); while the guest is asleep in a wait as wrt_interrupt_raise, may block (system) then,
 * never faults; 20 steps, 2500 bytes of stack. */
WRT_API void wrt_store_interrupt(struct wrt_store *store);
WRT_API void wrt_instance_interrupt(struct wrt_instance *instance);
/* Cost: O(1), never blocks, never faults. */
WRT_API void wrt_store_clear_interrupt(struct wrt_store *store);

/* ---- traps ---- */

/* X(name, sentence): sentences are those of the specification's test suite. */
#define WRT_TRAP_LIST(X)                                            \
    X(NONE, "no trap")                                              \
    X(UNREACHABLE, "unreachable")                                   \
    X(INTEGER_DIVIDE_BY_ZERO, "integer divide by zero")             \
    X(INTEGER_OVERFLOW, "integer overflow")                         \
    X(INVALID_CONVERSION, "invalid conversion to integer")          \
    X(OUT_OF_BOUNDS_MEMORY, "out of bounds memory access")          \
    X(OUT_OF_BOUNDS_TABLE, "out of bounds table access")            \
    X(UNDEFINED_ELEMENT, "undefined element")                       \
    X(UNINITIALIZED_ELEMENT, "uninitialized element")               \
    X(INDIRECT_CALL_TYPE_MISMATCH, "indirect call type mismatch")   \
    X(CALL_STACK_EXHAUSTED, "call stack exhausted")                 \
    X(HOST, "host function failed")                                 \
    X(NULL_REFERENCE, "null reference")                             \
    X(NULL_FUNCTION, "null function reference")                     \
    X(NULL_STRUCTURE, "null structure reference")                   \
    X(NULL_ARRAY, "null array reference")                           \
    X(NULL_I31, "null i31 reference")                               \
    X(OUT_OF_BOUNDS_ARRAY, "out of bounds array access")            \
    X(CAST_FAILURE, "cast failure")                                 \
    X(HEAP_EXHAUSTED, "garbage-collected heap exhausted")           \
    X(UNALIGNED_ATOMIC, "unaligned atomic")                         \
    X(NOT_SHARED, "expected shared memory")                         \
    X(TOO_MANY_WAITERS, "too many threads wait")                    \
    X(GUARD_HIT, "guard page touched")                              \
    X(NULL_EXCEPTION, "null exception reference")                   \
    X(EXCEPTIONS_EXHAUSTED, "exceptions exhausted")                 \
    X(UNCAUGHT_EXCEPTION, "uncaught exception")

enum wrt_trap_kind {
#define WRT_TRAP_ENUM(name, sentence) WRT_TRAP_##name,
    WRT_TRAP_LIST(WRT_TRAP_ENUM)
#undef WRT_TRAP_ENUM
    WRT_TRAP_COUNT
};
/* Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_trap_text(enum wrt_trap_kind kind);

struct wrt_trap {
    enum wrt_trap_kind kind;
    enum wrt_status host_status; /* kind HOST: what the host function returned */
    struct wrt_memory *memory;   /* kind GUARD_HIT: whose guard; NULL: not of this store */
    int64_t memory_offset;       /* from its first byte; negative: the guard before it; of no
                                    memory of the store: the address */
    bool is_known_write;         /* false: a read, or the machine does not tell */
    char text[128];              /* one line: the sentence and what the host added */
};

struct wrt_frame {
    const struct wrt_instance *instance; /* NULL for a host function */
    uint32_t function_index;             /* in the instance's module; hosts: 0 */
    bool is_host;
    uint64_t byte_offset;                /* of the instruction, in the module */
    struct wrt_bytes name;               /* may be empty */
};

/* The last call's trap; kind NONE if it did not trap. Borrowed until the next call.
 * Cost: O(1), never blocks, never faults. */
WRT_API const struct wrt_trap *wrt_store_trap(const struct wrt_store *store);

/* Where the last call trapped, or stands paused: frame 0 is the innermost. Kept from the
 * stack at the moment of the trap, up to 32 frames. ERR_BOUNDS past the last one.
 * Cost: O(1), paused O(depth * log functions + bytes of one function's position map); and as
 * wrt_module_function_name, never blocks, may fault; 736 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_get_frame(const struct wrt_store *store, uint32_t depth, struct wrt_frame *out);
/* Cost: O(1), paused O(frames * log functions), never blocks, may fault; 256 bytes of stack. */
WRT_API uint32_t wrt_store_frame_count(const struct wrt_store *store); /* all, also unkept */

/* ---- integrity: flipped bits in what the engine depends on ----
 *
 * From level Standard on, pieces of up to 4 KiB of each module (code, metadata, images) and
 * of each instance (its function objects and pointers) have a stored CRC-32C, and tables have
 * sums that follow every write. A change that no call of ours made is ERR_CORRUPT, and the
 * text says what it was: the code of which function, metadata, an image, an instance, a table.
 *   Standard  found by these calls
 *   Full      and a module is checked whole when it has been loaded and before each of its
 *             instantiations
 *   Critical  and everything below a store before each call of one of its functions and before
 *             each resume, from the host: O(bytes of code, metadata and tables)
 * Below Standard nothing is kept and these calls find nothing. Not covered: globals, sizes
 * and contents of linear memories, the value stack. Nothing is repaired. */

/* Checks everything. ERR_CORRUPT: the first that was changed.
 * Cost: O(bytes of code, metadata and tables), never blocks, may fault; 416 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_verify(const struct wrt_store *store, struct wrt_error *error);

/* The same for the next `pieces` of 4 KiB (of 512 table elements), going round; goes on
 * behind a damaged one.
 * Cost: O(pieces), never blocks, may fault; 416 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_store_scrub(struct wrt_store *store, uint64_t pieces, struct wrt_error *error);

/* ---- from inside a host function ---- */

/* Cost: O(1), never blocks, never faults. */
WRT_API struct wrt_store *wrt_caller_store(struct wrt_caller *caller);
/* The instance that calls; NULL when the host calls a host function directly.
 * Cost: O(1), never blocks, never faults. */
WRT_API struct wrt_instance *wrt_caller_instance(struct wrt_caller *caller);

/* Copies out of and into memory 0 of the calling instance. ERR_BOUNDS changes nothing;
 * ERR_NOT_FOUND if it has no memory.
 * Cost: O(size_bytes), never blocks, may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_caller_read(struct wrt_caller *caller, uint64_t address, void *out, size_t size_bytes);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_caller_write(struct wrt_caller *caller, uint64_t address, const void *bytes,
                 size_t size_bytes);
/* The checked range itself. Valid until the guest runs or a memory grows. Guests write
 * anything anywhere: read each value once.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_caller_span(struct wrt_caller *caller, uint64_t address, uint64_t size_bytes,
                uint8_t **out);

/* Sets the trap's text (copied, cut to fit) and returns WRT_ERR_TRAP, to be returned.
 * Cost: O(bytes of text), never blocks, never faults. */
WRT_API enum wrt_status wrt_caller_trap(struct wrt_caller *caller, const char *text);
/* Sets the exit code and returns WRT_EXITED, to be returned.
 * Cost: O(1), never blocks, never faults. */
WRT_API enum wrt_status wrt_caller_exit(struct wrt_caller *caller, uint32_t code);
/* Has the call been asked to stop, by an interrupt or by its deadline? A host function that
 * waits asks now and then, and returns WRT_PAUSED if so. Two loads, or a clock reading.
 * Cost: O(1), two loads or a clock reading, never blocks, never faults. */
WRT_API bool wrt_caller_should_stop(struct wrt_caller *caller);
/* Charges fuel for host work; the guest pauses at its next stop point if it ran out.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_caller_charge_fuel(struct wrt_caller *caller, uint64_t fuel);

/* ---- memories, tables, globals ----
 * A function reference given to any of these must be of the same store (ERR_ARGUMENT). */

/* Cost: O(1), never blocks, never faults. */
WRT_API uint64_t wrt_memory_size_bytes(const struct wrt_memory *memory);
WRT_API uint64_t wrt_memory_size_pages(const struct wrt_memory *memory);
/* Cost: O(1) and as wrt_pages_grow, may block (system), may fault; 4800 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_memory_grow(struct wrt_memory *memory, uint64_t delta_pages, uint64_t *out_old_pages,
                struct wrt_error *error);
/* Cost: O(size_bytes), never blocks, may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_memory_read(const struct wrt_memory *memory, uint64_t address, void *out, size_t size_bytes);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_memory_write(struct wrt_memory *memory, uint64_t address, const void *bytes,
                 size_t size_bytes);

/* Cost: O(1), never blocks, never faults; 300 steps. */
WRT_API uint64_t wrt_table_size(const struct wrt_table *table);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_table_get(const struct wrt_table *table, uint64_t index, union wrt_slot *out);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_table_set(struct wrt_table *table, uint64_t index, union wrt_slot value);
/* Cost: O(delta), O(elements) when it moves, may block (system), may fault; 5500 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_table_grow(struct wrt_table *table, uint64_t delta, union wrt_slot fill,
               uint64_t *out_old_size, struct wrt_error *error);

/* ---- references to structs, arrays and i31 ----
 * A host sees them as slots of 64 bits; their upper 16 bits are 0xF7C0 (objects) or 0xF7C1
 * (i31), so an externref of the host must not begin so. A reference that a call gave stays good
 * until the guest runs again, unless it is held. One whose object is gone is refused wherever a
 * type is checked (ERR_ARGUMENT). */

/* Keeps the object alive. ERR_ARGUMENT: not an object; ERR_LIMIT: max_held_references.
 * Cost: O(max_held_references), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_reference_hold(struct wrt_store *store, union wrt_slot reference, uint32_t *out_index);
/* Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_reference_release(struct wrt_store *store, uint32_t index);
/* Of a value of the `any` or `extern` hierarchy: WRT_NULLREF, _I31REF, _STRUCTREF, _ARRAYREF, or
 * WRT_EXTERNREF for what the host made.
 * Cost: O(1), never blocks, never faults. */
WRT_API wrt_type wrt_reference_kind(const struct wrt_store *store, union wrt_slot reference);
WRT_API union wrt_slot wrt_i31_make(uint32_t value); /* its lower 31 bits */
WRT_API uint32_t wrt_i31_value(union wrt_slot reference);

/* Bytes of the garbage-collected heap; all 0 before it exists. */
struct wrt_heap_info {
    uint64_t size_bytes, free_bytes, allocated_bytes, freed_bytes, collections;
};
/* Cost: O(1), never blocks, never faults. */
WRT_API void wrt_store_get_heap_info(const struct wrt_store *store, struct wrt_heap_info *out);

/* Of a v128 the lower half.
 * Cost: O(1), never blocks, never faults; 10 steps. */
WRT_API union wrt_slot wrt_global_get(const struct wrt_global *global);
/* ERR_DENIED if it is not mutable; ERR_TYPE for a v128, which takes two slots.
 * Cost: O(1), never blocks, never faults; 110 steps. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_global_set(struct wrt_global *global, union wrt_slot value);
/* The same for every type. ERR_TYPE if the value's is not the global's.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_global_get_value(const struct wrt_global *global, struct wrt_value *out);
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_global_set_value(struct wrt_global *global, const struct wrt_value *value);

WRT_END_DECLS
#endif
