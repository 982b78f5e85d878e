/* proofs/cbmc/handlers.c - each handler of the interpreter touches only its operands.
 * SPDX-License-Identifier: Apache-2.0
 *
 * proofs/handlers makes these proofs from opcodes.def; the machine is in handlers.h.
 *
 * Property: each handler of the interpreter by itself, on any frame, code words and memory: reads
 *   only slots that its code words name (by its text), writes only its result slot d, and leaves
 *   there what the accumulator has; accesses memory only below its size, and if it is no store
 *   changes none of it; takes fuel only if it branches or charges; and has no undefined behaviour.
 * Bound: frames of 7 slots, which its code words name, and memories of 0 to 20 bytes with any 33-bit
 *   address: a handler compares, so their sizes matter only at the edge. Slots, shift counts and
 *   indexes in code words are in range, as the translator puts them.
 * Stubbed: the way to the next handler, which notes where it would go.
 * Misses: what is computed (the specification's tests), where branches go, and the handlers that
 *   `proofs/handlers none` lists: fused sequences, vectors, calls and returns, garbage-collected objects, tables, and
 *   those that leave the interpreter.
 *
 * EACH quick sample --slice-formula
 * PROOF quick only_i32_store8_s --slice-formula
 * PROOF quick only_i32_load_sk --slice-formula
 * PROOF quick only_latch_lt_u --slice-formula
 * PARTS long 20 --slice-formula
 * MUTANT only_i32_load_sk src/engine/opcodes.def s/IN_MEMORY\(ea, sizeof\(T\), exec->memory_bytes\)/IN_MEMORY(ea, sizeof(T), exec->memory_bytes + 1)/
 * MUTANT only_i32_load_sk src/engine/interpret.c s/fp\[pc\[1\]\.s\.d\]\.i64 = A/fp[pc[1].s.d + 1].i64 = A/
 * MUTANT only_i32_load_sk src/engine/interpret.c s/fp\[pc\[1\]\.s\.d\]\.i64 = A/fp[pc[1].s.d].i64 = ~A/
 * MUTANT only_i32_store8_s src/engine/opcodes.def s/IN_MEMORY\(ea, sizeof\(T\), exec->memory_bytes\)/IN_MEMORY(ea, 0, exec->memory_bytes)/
 * MUTANT only_i32_store8_s src/engine/opcodes.def s/T v = \(T\)\(value\); COPY\(mem \+ ea, &v, sizeof v\)/T v = (T)(value); fuel--; COPY(mem + ea, \&v, sizeof v)/
 * MUTANT only_latch_lt_u src/engine/opcodes.def s/fp\[pc\[1\]\.s\.d\]\.i64 = i;/fp[pc[1].s.d].i64 = i + 1;/
 */
