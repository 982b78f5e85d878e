/* timing.h - operations of the platform whose steps are counted and whose times are measured.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One operation is one public call with the worst input that we can construct. `begin` sets up
 * once; then, for each turn, `before` makes the state that the call is to find, `run` is the call
 * and nothing else, `after` undoes it. Only `run` is counted or timed.
 */
#ifndef TIMING_H
#define TIMING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "wrt/wrt.h"

struct timing_operation {
    const char *name;  /* the call, then what makes it the worst one; no ';' */
    const char *bound; /* what its header promises */
    void (*begin)(void);
    void (*before)(uint32_t turn);
    void (*run)(void);
    void (*after)(uint32_t turn);
    void (*end)(void);
    uint32_t turns;        /* counted; the worst of them is told; 0 = 4 */
    uint32_t system_calls; /* allowed in one call of it */
    uint32_t most_runs;    /* timed; 0 = as many as asked for. Fewer where one takes long */
    bool is_native;        /* not counted: it is not the same under callgrind */
};

struct timing_list {
    const struct timing_operation *operations;
    size_t count;
};

extern const struct timing_list timing_arena, timing_partition, timing_memory, timing_sync,
    timing_queues, timing_secure, timing_engine;

/* For set-up: ends the process if a call that must work did not. */
#define TIMING_MUST(call)                                                                      \
    do {                                                                                       \
        enum wrt_status must_status = (call);                                                  \
        if (must_status != WRT_OK) {                                                           \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, wrt_status_name(must_status));  \
            abort();                                                                           \
        }                                                                                      \
    } while (0)

/* What the last `run` returned, so that a call that failed is not measured unnoticed. */
extern enum wrt_status timing_status;

#endif
