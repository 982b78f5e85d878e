/* proofs/cbmc/proof.h - what every proof uses.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A proof is a function without parameters in a file here, which includes the source files that
 * it is about as they ship. It takes any values (any_...), narrows them (assume), calls the code
 * and states what must hold (prove). The words PROOF and MUTANT in a file's head tell proofs/prove
 * how to run it and which changes to the code it must refuse.
 */
#ifndef PROOF_H
#define PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define assume(condition) __CPROVER_assume(condition)
#define prove(condition, what) __CPROVER_assert(condition, what)

bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
size_t nondet_size(void);
#define any_bool nondet_bool
#define any_u8 nondet_u8
#define any_u16 nondet_u16
#define any_u32 nondet_u32
#define any_u64 nondet_u64
#define any_size nondet_size

static inline uint64_t any_below(uint64_t limit)
{
    const uint64_t value = any_u64();
    assume(value < limit);
    return value;
}

#endif
