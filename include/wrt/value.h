/* wrt/value.h - WebAssembly types and values as a host sees them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_VALUE_H
#define WRT_VALUE_H

#include "wrt/base.h"

WRT_BEGIN_DECLS

/* A value type. Types that the binary format (spec 5.3) writes as one byte are that byte:
 * enum wrt_value_type. Any other is a reference made by WRT_REF_TYPE from a heap type; each
 * type has one value only, so types of one module compare as integers. */
typedef uint32_t wrt_type;

enum wrt_value_type {
    WRT_I32 = 0x7F,
    WRT_I64 = 0x7E,
    WRT_F32 = 0x7D,
    WRT_F64 = 0x7C,
    WRT_V128 = 0x7B, /* two slots */
    /* nullable references to abstract heap types */
    WRT_NULLEXNREF = 0x74,
    WRT_NULLFUNCREF = 0x73,
    WRT_NULLEXTERNREF = 0x72,
    WRT_NULLREF = 0x71,
    WRT_FUNCREF = 0x70,
    WRT_EXTERNREF = 0x6F,
    WRT_ANYREF = 0x6E,
    WRT_EQREF = 0x6D,
    WRT_I31REF = 0x6C,
    WRT_STRUCTREF = 0x6B,
    WRT_ARRAYREF = 0x6A,
    WRT_EXNREF = 0x69
};

/* Heap types: an index of the module's type space, or WRT_HEAP_ABSTRACT with the byte of the
 * nullable reference (WRT_FUNCREF for `func`). */
#define WRT_HEAP_ABSTRACT UINT32_C(0x800000)
#define WRT_REF_TYPE(nullable, heap)                                                    \
    ((nullable) && ((heap) & WRT_HEAP_ABSTRACT)                                         \
         ? (wrt_type)((heap) & 0xFF)                                                    \
         : (wrt_type)(((heap) << 8) | ((nullable) ? 0x63u : 0x64u)))

struct wrt_function;

/* One cell of the value stack: what host functions get and give. An i32 lives in
 * `i32` only: the other half is unspecified when read and ignored when written. A v128 takes two
 * slots, one behind the other: its sixteen bytes as they stand in a guest's memory. */
union wrt_slot {
    uint32_t i32;
    uint64_t i64;
    float f32;
    double f64;
    struct wrt_function *function; /* funcref; NULL is ref.null */
    void *external;                /* externref; NULL is ref.null */
    uint64_t exception;            /* exnref: see wrt/exception.h; 0 is ref.null */
};

/* A value with its type, for calls from the host. */
struct wrt_value {
    wrt_type type;
    union {
        union wrt_slot of; /* every type but v128 */
        union wrt_slot slots[2];
        uint8_t v128[16];  /* lane 0 first, each lane little-endian */
    };
};

/* How many slots values of these types take: one each, two for a v128.
 * Cost: O(count), never blocks, never faults. */
WRT_API uint32_t wrt_type_list_slots(const wrt_type *types, uint32_t count);

/* A function's type. The arrays are borrowed from whoever gave the struct. */
struct wrt_function_type {
    const wrt_type *parameters;
    const wrt_type *results;
    uint32_t parameter_count;
    uint32_t result_count;
};

/* "i32", "f64", "funcref", …; references to types of a module are "(ref type)" and
 * "(ref null type)"; what is no type yields "?". Static string.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_value_type_name(wrt_type type);

struct wrt_limits {
    uint64_t minimum;
    uint64_t maximum; /* meaningful if has_maximum */
    bool has_maximum;
};

struct wrt_table_type {
    wrt_type element;
    struct wrt_limits limits;
    bool is_64; /* indexes are i64, else i32 */
};

struct wrt_memory_type {
    struct wrt_limits limits; /* in pages */
    uint64_t page_bytes;      /* 1 or 65536; 0 = 65536 */
    bool is_64;               /* addresses are i64, else i32 */
    bool is_shared;           /* between threads; has a maximum */
};

struct wrt_global_type {
    wrt_type content;
    bool is_mutable;
};

enum wrt_extern_kind {
    WRT_EXTERN_FUNCTION = 0,
    WRT_EXTERN_TABLE = 1,
    WRT_EXTERN_MEMORY = 2,
    WRT_EXTERN_GLOBAL = 3,
    WRT_EXTERN_TAG = 4
};

/* The type of an import or export; `kind` picks the member. */
struct wrt_extern_type {
    enum wrt_extern_kind kind;
    struct wrt_function_type function;
    struct wrt_table_type table;
    struct wrt_memory_type memory;
    struct wrt_global_type global;
    struct wrt_function_type tag; /* no results */
};

/* Bytes of a module, not NUL-terminated, may hold any byte (names are UTF-8). */
struct wrt_bytes {
    const uint8_t *data;
    size_t size_bytes;
};

WRT_END_DECLS
#endif
