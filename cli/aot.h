/* cli/aot.h - the steps of `wrt compile`: a module for wasm2c, its C made ours.
 * SPDX-License-Identifier: Apache-2.0
 *
 * wasm2c sees a reduced module: the same functions, types, tables and memories, but every import
 * is named m.f0, m.t0, m.m0, m.g0 …, nothing is exported or named, globals begin as zero, and data
 * segments hold one byte. What it writes then has names that can be told beforehand, and nothing
 * that the module's author chose reaches the C compiler as text.
 *
 * Of its C only the functions are kept. Versions differ in how they spell names: that is data.
 */
#ifndef CLI_AOT_H
#define CLI_AOT_H

#include "cli.h"

/* Text or bytes that grow; `failed` once memory ran out. */
struct aot_buffer {
    char *data;
    size_t size, capacity;
    bool failed;
};
void aot_put(struct aot_buffer *buffer, const void *bytes, size_t size);
void aot_printf(struct aot_buffer *buffer, const char *format, ...) WRT_PRINTF(2, 3);
void aot_free(struct aot_buffer *buffer);

/* How a version of wasm2c spells what we look for; numbers follow each prefix. */
struct aot_dialect {
    const char *versions;      /* for messages */
    uint32_t first, last;      /* 1.0.first .. 1.0.last */
    const char *instance_type; /* of a module named w */
    const char *function;      /* own */
    const char *imports;       /* then f0, t0, m0, g0: of a module named m */
    const char *imports_instance;
    const char *global, *table, *memory; /* own fields of the instance */
    const char *data, *data_dropped, *element, *element_dropped;
    const char *type;          /* a type in CALL_INDIRECT */
    const char *label;         /* of a loop */
    uint64_t features;         /* WRT_FEATURE_BIT(…) that it translates */
};
/* NULL: unknown version. */
const struct aot_dialect *aot_find_dialect(const char *version);
const char *aot_known_versions(void);

enum aot_stop { AOT_STOP_NONE, AOT_STOP_CHECK, AOT_STOP_FUEL }; /* enum wrt_native_stop_mode */

struct aot_options {
    uint32_t memory_mode, stop_mode; /* enum wrt_native_memory_mode, _stop_mode */
    const char *symbol;              /* of the object */
    const char *target, *compiler, *translator, *options;
};

enum { AOT_FRAME_BYTES = 16384 };

/* The reduced module. False, with a sentence in `why`: the bytes are not as they were loaded. */
bool aot_reduce(const struct wrt_module *module, struct wrt_bytes bytes,
                struct aot_buffer *out, const char **why);

/* A byte for each function: 1 when it can be called or referred to from outside of functions, by an
 * export, a segment, a global or as the start. False: the bytes are not as they were loaded, or
 * memory ran out. */
bool aot_mark_known(const struct wrt_module *module, struct wrt_bytes bytes,
                    struct aot_buffer *known);

/* Our C file from wasm2c's .h and .c. */
bool aot_emit(const struct wrt_module *module, struct wrt_bytes bytes,
              const struct aot_dialect *dialect, const struct aot_options *options,
              const struct aot_buffer *header, const struct aot_buffer *source,
              struct aot_buffer *out, const char **why);

/* The part of it that comes from wasm2c: aot_text.c. Broken lines are joined, and what newer versions
 * write in another way is made as older ones have it. */
void aot_straighten(struct aot_buffer *source);
/* Each function gets a label that begins with `symbol`. */
void aot_put_prototypes(const struct aot_dialect *dialect, const char *symbol,
                        const struct aot_buffer *source, struct aot_buffer *out);
/* `known`: see aot_mark_known. */
void aot_put_bodies(const struct aot_dialect *dialect, uint32_t stop_mode,
                    const struct aot_buffer *known, const struct aot_buffer *source,
                    struct aot_buffer *out);
void aot_put_results(const struct aot_buffer *header, struct aot_buffer *out);
/* How many of the module's functions the text has. */
uint32_t aot_count_bodies(const struct aot_dialect *dialect, const struct aot_buffer *source);

#endif
