/* proofs/cbmc/lengths.c - loops over bytes, for any number of them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: wrt_ct_is_zero and wrt_ct_equal say yes only if each byte is zero, or the same in both;
 *   wrt_crc32c_by_hardware gives each byte to the instruction once, in order, with the state that the one
 *   before left, and returns the last one's complement; wrt_crc32c_by_table takes no byte outside; all end.
 * Bound: none on the length (an object of CBMC has less than 2^40 bytes here): loops are not unwound but shown
 *   by induction (loop contracts); what is stated is about any one byte, so each.
 * Stubbed: the instruction, which gives any state; the empty assembly that hides values changes nothing.
 * Misses: that equal strings are called equal, the other functions of ct.c beyond nine bytes (see ct).
 *
 * PROOF quick zero_any --slice-formula
 * PROOF long equal_any --slice-formula
 * PROOF long crc_any --slice-formula
 * PROOF quick table_any --slice-formula
 * LOOP zero_any src/secure/ct.c /^wrt_ct_mask wrt_ct_is_zero/,/^\}/s/(for .*; size_bytes (>= WORD_BYTES|> 0);.*\))$/\1 ZERO_LOOP/
 * LOOP equal_any src/secure/ct.c /^wrt_ct_mask wrt_ct_equal/,/^\}/s/(for .*; size_bytes (>= WORD_BYTES|> 0);[^)]*\))/\1 EQUAL_LOOP/
 * LOOP crc_any src/base/crc32c.c /wrt_crc32c_by_hardware.*bytes, size_t size_bytes\)$/,/^\}/s/(for .*; size_bytes (>= 8|> 0);[^)]*\))/\1 CRC_LOOP/
 * LOOP table_any src/base/crc32c.c /^uint32_t wrt_crc32c_by_table/,/^\}/s/(for .*; size_bytes (>= 8|> 0);[^)]*\))/\1 TABLE_LOOP/
 * MUTANT zero_any src/secure/ct.c s/any \|= \*at;/any = *at;/
 * MUTANT equal_any src/secure/ct.c s/differs \|= word_at/differs = word_at/
 * MUTANT equal_any src/secure/ct.c s/right \+= WORD_BYTES;/right += 1;/
 * MUTANT crc_any src/base/crc32c.c s/state = STEP_1\(\(uint32_t\)state, \*at\)/state = STEP_1((uint32_t)state, 0)/
 * MUTANT crc_any src/base/crc32c.c s/size_bytes -= 8, at \+= 8/size_bytes -= 8, at += 4/
 * MUTANT table_any src/base/crc32c.c s/for \(; size_bytes > 0; size_bytes--, at\+\+\)/for (; size_bytes > 0; at++)/
 */
#include <stdlib.h>

#include "proof.h"

/* What the contracts below name: two strings and one byte of them. */
static uint8_t *one, *two;
static size_t total, look;
static uint64_t given, last_state; /* bytes that the instruction was given, and what it said last */

#define DONE (total - size_bytes)
#define BEFORE_LOOK(done) (look >= (done))
#define COUNTS (size_bytes <= total)

#define ZERO_LOOP __CPROVER_assigns(size_bytes, at, any) \
    __CPROVER_loop_invariant(COUNTS && at == one + DONE && (any != 0 || BEFORE_LOOK(DONE) || one[look] == 0)) \
    __CPROVER_decreases(size_bytes)
#define EQUAL_LOOP __CPROVER_assigns(size_bytes, left, right, differs) \
    __CPROVER_loop_invariant(COUNTS && left == one + DONE && right == two + DONE && \
                             (differs != 0 || BEFORE_LOOK(DONE) || one[look] == two[look])) \
    __CPROVER_decreases(size_bytes)
#define CRC_LOOP __CPROVER_assigns(size_bytes, at, state, given, last_state) \
    __CPROVER_loop_invariant(COUNTS && at == one + DONE && given == DONE && state == last_state && state <= UINT32_MAX) \
    __CPROVER_decreases(size_bytes)
#define TABLE_LOOP __CPROVER_assigns(size_bytes, at, state) \
    __CPROVER_loop_invariant(COUNTS && at == one + DONE) \
    __CPROVER_decreases(size_bytes)

#include "base/crc32c.c"
#include "secure/ct.c"

/* The instruction: it is given the next bytes and the last state. */
static uint32_t take(uint64_t state, uint64_t bytes, uint64_t count)
{
    prove(state == last_state, "the state that the step before left");
    prove(given + count <= total, "bytes that are there");
    prove(bytes == (count == 1 ? one[given] : wrt_read_u64(one + given)), "the next bytes");
    given += count;
    last_state = any_u32();
    return (uint32_t)last_state;
}

uint64_t __builtin_ia32_crc32di(uint64_t state, uint64_t word)
{
    return take(state, word, 8);
}

uint32_t __builtin_ia32_crc32qi(uint32_t state, uint8_t byte)
{
    return take(state, byte, 1);
}

static void any_strings(void)
{
    total = any_below(UINT64_C(1) << 40);
    one = malloc(total);
    two = malloc(total);
    assume(one != NULL && two != NULL);
    look = any_size();
    assume(look < total);
}

void zero_any(void)
{
    any_strings();
    prove(wrt_ct_is_zero(one, total) == 0 || one[look] == 0, "yes only if each byte is zero");
}

void equal_any(void)
{
    any_strings();
    prove(wrt_ct_equal(one, two, total) == 0 || one[look] == two[look], "yes only if each is the same");
}

void crc_any(void)
{
    any_strings();
    const uint32_t before = any_u32();
    given = 0;
    last_state = (uint32_t)~before;
    const uint32_t crc = wrt_crc32c_by_hardware(before, one, total);
    prove(given == total, "all are given");
    prove(crc == ~(uint32_t)last_state, "the last state's complement");
}

void table_any(void)
{
    any_strings();
    prove(wrt_crc32c_by_table(any_u32(), one, total) <= UINT32_MAX, "it ends");
}
