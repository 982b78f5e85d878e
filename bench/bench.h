/* bench/bench.h - what the parts of the benchmark share.  SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_H
#define BENCH_H

#include "wrt/wrt.h"

/* One module in one partition and store; ends the process with a sentence on any failure. */
struct bench_guest {
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_instance *instance;
};

struct bench_bytes {
    unsigned char *data;
    size_t size_bytes;
};

struct bench_bytes bench_read(const char *folder, const char *name);
void bench_must(enum wrt_status status, const char *what, const struct wrt_error *error);
void bench_open(struct bench_guest *guest, struct bench_bytes bytes);
void bench_close(struct bench_guest *guest);
struct wrt_function *bench_function(const struct bench_guest *guest, const char *name);

/* What this thread got of a processor so far. */
uint64_t bench_processor_ns(void);

/* The middle of `count` (odd) times, which it sorts. */
uint64_t bench_median(uint64_t *times, int count);

/* Load, instantiate, call, host call, grow: prints its table. */
void bench_micro(const char *folder);

#endif
