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

/* How a guest is set up; all zero: as everything is by default. */
struct bench_setup {
    const char *name;
    enum wrt_verification_level verification;
    struct wrt_module_config module;
    struct wrt_store_config store;
};

/* One of the programs: run(argument), by the engine from GROUP_NAME.wasm or natively. */
struct bench_program {
    const char *group, *name;
    int argument;
    int (*native)(int);
};

struct bench_bytes bench_read(const char *folder, const char *name);
void bench_must(enum wrt_status status, const char *what, const struct wrt_error *error);
void bench_open(struct bench_guest *guest, struct bench_bytes bytes);
void bench_open_as(struct bench_guest *guest, struct bench_bytes bytes,
                   const struct bench_setup *setup);
/* Defines host.next in the guest's store. */
void bench_define(struct bench_guest *guest);
void bench_close(struct bench_guest *guest);
struct wrt_function *bench_function(const struct bench_guest *guest, const char *name);

/* Processor time of one call of `run` in ns; its result to *checksum. */
uint64_t bench_time_engine(const struct bench_guest *guest, struct wrt_function *run, int argument,
                           int *checksum);

/* What this thread got of a processor so far. */
uint64_t bench_processor_ns(void);

/* The middle of `count` (odd) times, which it sorts. */
uint64_t bench_median(uint64_t *times, int count);

/* Load, instantiate, call, host call, grow: prints its table. */
void bench_micro(const char *folder);

/* Translation of a larger module: speed and memory. */
void bench_translate(const char *folder);

/* The programs of `group` under each safety option, beside the default: prints its table. */
void bench_options(const char *folder, const char *group, const struct bench_program *programs,
                   int count);

/* Keeps one figure as a line "group;name;figure;value" of the file that was asked for, if any. */
void bench_record(const char *group, const char *name, const char *figure, double value);

#endif
