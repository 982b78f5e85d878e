/* engine/native_abi.h - what the engine and code compiled ahead of time know of each other.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The command line carries the text of this file and puts it at the head of the C that it hands
 * to the compiler, so it includes nothing of ours. Whatever changes here changes WRT_NATIVE_ABI,
 * and objects of another number are refused.
 */
#ifndef WRT_ENGINE_NATIVE_ABI_H
#define WRT_ENGINE_NATIVE_ABI_H

#include <stddef.h>
#include <stdint.h>

#define WRT_NATIVE_ABI 2u
#define WRT_NATIVE_MAGIC "wrt native code" /* 16 bytes with its end */
#define WRT_NATIVE_SECTION "wrt_native_info"
#define WRT_NATIVE_SYMBOL "wrt_native_object_of_file"

enum wrt_native_memory_mode { WRT_NATIVE_COMPARE, WRT_NATIVE_GUARD };
enum wrt_native_stop_mode { WRT_NATIVE_STOP_NONE, WRT_NATIVE_STOP_CHECK, WRT_NATIVE_STOP_FUEL };

/* What code without compares may touch: 32 bits of address, 32 of offset, and one access. */
#define WRT_NATIVE_GUARD_BYTES ((UINT64_C(1) << 33) + 65536)

/* enum wrt_trap_kind, as numbers; asserted in native.c. */
enum {
    WRT_NATIVE_TRAP_UNREACHABLE = 1,
    WRT_NATIVE_TRAP_DIVIDE_BY_ZERO = 2,
    WRT_NATIVE_TRAP_OVERFLOW = 3,
    WRT_NATIVE_TRAP_CONVERSION = 4,
    WRT_NATIVE_TRAP_MEMORY = 5,
    WRT_NATIVE_TRAP_TABLE = 6,
    WRT_NATIVE_TRAP_STACK = 10
};

/* Operations that the engine does. `a` and `b` are indexes as in the instruction. */
enum wrt_native_operation {
    WRT_NATIVE_MEMORY_GROW, /* b memory; [0] pages */
    WRT_NATIVE_MEMORY_FILL, /* b memory; [0] address [1] byte [2] count */
    WRT_NATIVE_MEMORY_COPY, /* a to, b from; [0] to [1] from [2] count */
    WRT_NATIVE_MEMORY_INIT, /* a memory, b segment; [0] to [1] from [2] count */
    WRT_NATIVE_DATA_DROP,   /* b segment */
    WRT_NATIVE_TABLE_SET,   /* b table; [0] index [1] value */
    WRT_NATIVE_TABLE_GROW,  /* b table; [0] value [1] count */
    WRT_NATIVE_TABLE_FILL,  /* b table; [0] index [1] value [2] count */
    WRT_NATIVE_TABLE_COPY,  /* a to, b from; as memory */
    WRT_NATIVE_TABLE_INIT,  /* a table, b segment; as memory */
    WRT_NATIVE_ELEM_DROP    /* b segment */
};

/* The head of the engine's struct wrt_function. `key` tells instance and type in one compare:
 * of a function of this instance it is the guest's address plus its canonical type; NULL for
 * what is not compiled. */
struct wrt_native_function {
    const void *key;
    void (*code)(void);
};

union wrt_native_slot { /* union wrt_slot */
    uint32_t i32;
    uint64_t i64;
    float f32;
    double f64;
    struct wrt_native_function *function;
    void *external;
};

/* Where elements are functions, key and code of each are in `callees` once more, so that an
 * indirect call reads no more than its entry there. */
struct wrt_native_table {
    union wrt_native_slot *elements;
    const struct wrt_native_function *callees;
    uint32_t size, index;
};

struct wrt_native_guest;

/* The engine's side. `frame` is where the caller's frame begins, for backtraces. */
struct wrt_native_calls {
    /* Arguments in slots, results in the same. */
    void (*call)(struct wrt_native_guest *guest, struct wrt_native_function *function,
                 union wrt_native_slot *slots, void *frame);
    struct wrt_native_function *(*function)(struct wrt_native_guest *guest, uint32_t index);
    /* The callee of an indirect call that is not of the plain kind; traps if there is none. */
    struct wrt_native_function *(*indirect)(struct wrt_native_guest *guest, uint32_t table,
                                            uint32_t index, uint32_t type, void *frame);
    /* The result, if the operation has one. */
    uint64_t (*operate)(struct wrt_native_guest *guest, enum wrt_native_operation operation,
                        uint32_t a, uint32_t b, union wrt_native_slot *operands, void *frame);
    void (*trap)(struct wrt_native_guest *guest, uint32_t kind, void *frame);
    /* Somebody asked the guest to stop, fuel ran out, or the stack did. */
    void (*stop)(struct wrt_native_guest *guest, void *frame);
};

/* The head of what one instance keeps for its code. What the code reads changes only while it
 * stands in a call above, but for the two words that ask it to stop. */
struct wrt_native_guest {
    uint8_t *memory_base; /* of memory 0 */
    uint64_t memory_bytes;
    volatile uintptr_t stack_limit; /* frames begin above; the highest address: call stop */
    volatile uint32_t stop;
    uint32_t table_count;
    int64_t fuel;
    const struct wrt_native_calls *calls;
    void *instance; /* the engine's */
    struct wrt_native_table *tables;
    void *const *globals; /* all of the instance; each begins with its value */
};

#define WRT_NATIVE_GLOBAL_BYTES 48 /* of the engine's struct wrt_global */

typedef void wrt_native_entry(void *guest, void (*code)(void), union wrt_native_slot *slots);

/* What can be read of an object file before any of it is loaded. Text ends with NUL. */
struct wrt_native_info {
    char magic[16];
    uint32_t abi, info_bytes;
    uint32_t pointer_bits;
    uint32_t memory_mode, stop_mode;
    uint32_t frame_bytes; /* no frame of the code is larger */
    uint64_t module_bytes;
    uint8_t module_sha256[32];
    uint8_t file_sha256[32]; /* of the file with these bytes zero; all zero: not sealed */
    char target[32], compiler[96], translator[64], options[192];
};

struct wrt_native_object {
    const struct wrt_native_info *info;
    const uint8_t *module;
    uint32_t type_count, imported_function_count, function_count, table_count;
    uint32_t imported_global_count, global_count; /* functions and globals: own ones */
    uint64_t guest_bytes, globals_offset, tables_offset;
    void (*setup)(void *guest);
    void (*const *codes)(void);       /* function_count */
    wrt_native_entry *const *entries; /* function_count */
    const char *text_start, *text_end; /* the section of all codes, and nothing else */
};

#endif
