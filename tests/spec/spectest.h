/* spectest.h - the parts of wrt-spectest: tallies, values, the host module, scripts.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A script is one JSON file as wast2json writes it. Each of its commands ends as passed,
 * failed or skipped; a skip always carries the feature that is missing. Whatever depends
 * on a module that was skipped is skipped with the same feature, and nothing else is.
 */
#ifndef SPECTEST_H
#define SPECTEST_H

#include <cjson/cJSON.h>

#include "wrt/wrt.h"

/* ---- tally.c: counting ---- */

enum {
    MAX_REASONS = 64,
    MAX_REASON_BYTES = 64
};

/* How often each reason was given; reasons are compared by pointer once interned. */
struct reasons {
    uint32_t count;
    char text[MAX_REASONS][MAX_REASON_BYTES];
};

struct tally {
    uint32_t passed, failed, skipped;
    uint32_t skipped_for[MAX_REASONS];
};

/* The one copy of `text` (cut to fit), or NULL when the table is full. */
const char *reasons_intern(struct reasons *reasons, const char *text);
uint32_t reasons_index(const struct reasons *reasons, const char *interned);
void tally_add(struct tally *total, const struct tally *part);
/* "simd 12, threads 3" into out; empty if nothing was skipped. */
void tally_describe_skips(const struct tally *tally, const struct reasons *reasons, char *out,
                          size_t out_bytes);

/* ---- skips.c: the table of skips that are expected ---- */

struct skip_table;

/* NULL after a message on stderr if the file cannot be read. */
struct skip_table *skip_table_read(const char *path);
/* The line for `script` without its name, "" if it has none. */
const char *skip_table_find(struct skip_table *table, const char *script);
void skip_table_free(struct skip_table *table);

/* ---- value.c: JSON values ---- */

/* Reads an argument. False, and why in `why`, if it is none that WRT can be given. */
bool value_parse(const cJSON *json, struct wrt_value *out, const char **why);
/* Whether the JSON expectation permits this value. */
bool value_matches(const cJSON *expected, const struct wrt_value *actual);
void value_print(const struct wrt_value *value, char *out, size_t out_bytes);

/* ---- host.c: the module "spectest" ---- */

enum wrt_status host_define(struct wrt_store *store, struct wrt_error *error);

/* ---- script.c ---- */

struct options {
    uint64_t chunk_bytes;   /* fed to the loader at a time; 0 = the whole module */
    uint64_t stack_bytes;   /* of the store; 0 = its default */
    uint32_t timeout_ms;    /* of one command */
    uint64_t features_off;  /* for scripts that are older than a feature */
    bool deterministic;     /* modules run in the deterministic profile */
    bool tags;              /* arenas and memories are tagged, accesses checked at once */
    bool verbose;           /* a line per command */
    const char *compile;    /* command of `wrt compile`; what it takes is run compiled */
    uint32_t *compiled, *interpreted; /* how many modules were run which way; with compile */
};

/* Runs one script and prints what failed. `name` is for messages. */
void script_run(const char *path, const char *name, const struct options *options,
                struct reasons *reasons, struct tally *tally);

/* ---- native.c ---- */

/* Compiles a module by options->compile. NULL if that does not translate it, or if it failed, which
 * is then told in `why`. */
struct wrt_native *native_compile(const struct options *options, struct wrt_partition *partition,
                                  const char *bytes, size_t size, char *why, size_t why_bytes);

/* ---- file.c ---- */

/* Gives the file's bytes with a NUL after them, to be freed; NULL if it cannot be read or
 * is larger than max_bytes. */
char *file_read(const char *path, size_t max_bytes, size_t *out_size);

#endif
