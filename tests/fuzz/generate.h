/* generate.h - a generator of WebAssembly modules that are always valid.
 * SPDX-License-Identifier: Apache-2.0
 *
 * It turns any bytes into a module: the bytes are its decisions, one after the other, and
 * when they run out every decision is 0, which always leads to an end. So the same bytes
 * give the same module, and a fuzzer's small changes of the bytes give related modules.
 *
 * Every function and every loop counts down a global and traps when it is used up, so any
 * call ends on any engine. NaNs are made canonical wherever their bits could be seen, so
 * any two engines that follow the specification agree on every result and every byte of
 * memory.
 *
 * Vectors are made canonical behind each float operation, because any other operation may
 * look at their bits. Relaxed ones are left out: engines may differ.
 *
 * The module imports functions from "env" only ("h0", "h1", …). A host that answers them
 * with generated_host_result is the same everywhere.
 */
#ifndef GENERATE_H
#define GENERATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum generate_features {
    GENERATE_MULTI_MEMORY = 1,
    GENERATE_TAIL_CALL = 2,
    GENERATE_EXTENDED_CONST = 4,
    GENERATE_SIMD = 8,
    GENERATE_ATOMICS = 16,
    GENERATE_EXCEPTIONS = 32, /* try_table, throw, throw_ref; imports tag "t0" (i32, i64) too */
    GENERATE_GC = 64,         /* structs, arrays, i31, casts, typed function references */
    GENERATE_MEMORY64 = 128,  /* memories and tables with indexes of 64 bits */
    GENERATE_ALL = 255
};

/* Writes a module of at most `capacity` bytes (64 KiB are plenty) to `out` and returns its
 * size, or 0 if it did not fit. */
size_t generate_module(const uint8_t *decisions, size_t count, unsigned features, uint8_t *out,
                       size_t capacity);

#endif
