/* transcript.h - runs a module in a fixed way and writes down everything that can be seen.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Load, link with stand-ins, instantiate, call every exported function with fixed
 * arguments, then note globals, tables and memories. Two runs that must not differ (whole
 * or in chunks, straight or paused again and again, this engine or another) are compared
 * by comparing their texts.
 */
#ifndef TRANSCRIPT_H
#define TRANSCRIPT_H

#include "wrt/wrt.h"

struct transcript_options {
    uint32_t chunk_seed;    /* 0: the module in one piece; else pseudo-random pieces */
    uint64_t fuel;          /* of each call; 0 = without limit */
    uint64_t pause_every;   /* 0: straight; else pause and resume after so much fuel */
    bool snapshots;         /* now and then write the store, and go on in another one */
    bool generated;         /* by generate.c: refill its budget before each call */
    const struct wrt_native_object *native; /* the module compiled; NULL: interpreted */
    bool coarse;            /* name traps by class, leave out fuel: to compare with node */
    uint32_t rounds;        /* calls of every export, each with other arguments; 0 = 1 */
};

struct transcript {
    size_t size;
    char text[1 << 16];     /* NUL-terminated; what does not fit is only counted in `size` */
};

/* False: an invariant of the API was broken, and the transcript's last line says which. */
bool transcript_run(const uint8_t *bytes, size_t size, const struct transcript_options *options,
                    struct transcript *out);

/* Adds a line. */
void transcript_add(struct transcript *out, const char *format, ...) WRT_PRINTF(2, 3);

/* Feeds the module in one piece (chunk_seed 0) or in pseudo-random ones, then finishes. */
enum wrt_status load_in_chunks(struct wrt_partition *partition, const uint8_t *bytes,
                               size_t size, uint32_t chunk_seed, struct wrt_module **out,
                               struct wrt_error *error);

#endif
