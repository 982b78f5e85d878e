/* proofs/cbmc/lengths.c - loops over bytes, for any number of them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: wrt_ct_is_zero and wrt_ct_equal say yes only if each byte is zero, or the same in both; wrt_ct_compare says
 *   what the first byte that differs says, and 0 if none does; wrt_ct_zeroise wipes each byte;
 *   wrt_crc32c_by_hardware gives each byte to the instruction once, in order, with the state that the one
 *   before left, and returns the last one's complement; wrt_crc32c_by_table takes no byte outside; all end,
 *   and touch no byte outside.
 * Bound: none on the length (an object of CBMC has less than 2^40 bytes here): loops are not unwound but shown
 *   by induction (loop contracts); what is stated is about any one byte, so each.
 * Stubbed: the instruction, which gives any state; the empty assembly that hides values changes nothing; words of 8
 *   bytes are read by contract (word and word_read prove it) and written by eight stores; wrt_ct_select by what
 *   ct.numbers proves of it.
 * Misses: that equal strings are called equal, copy_if and swap_if (not finished), and wrt_ct_lookup, beyond nine
 *   bytes (see ct).
 *
 * PROOF quick word
 * PROOF quick word_read
 * PROOF quick zero_any --slice-formula
 * PROOF quick equal_any --slice-formula
 * PROOF quick compare_any --slice-formula
 * PROOF long copy_any --slice-formula
 * PROOF long swap_any --slice-formula
 * PROOF quick zeroise_any --slice-formula
 * PROOF quick crc_any --slice-formula
 * PROOF quick table_any --slice-formula
 * LOOP zero_any src/secure/ct.c /^wrt_ct_mask wrt_ct_is_zero/,/^\}/s/(for .*; size_bytes (>= WORD_BYTES|> 0);.*\))$/\1 ZERO_LOOP/
 * LOOP equal_any src/secure/ct.c /^wrt_ct_mask wrt_ct_equal/,/^\}/s/(for .*; size_bytes (>= WORD_BYTES|> 0);[^)]*\))/\1 EQUAL_LOOP/
 * LOOP compare_any src/secure/ct.c /^int wrt_ct_compare/,/^\}/s/while \(size_bytes > 0\)/& COMPARE_LOOP/
 * LOOP copy_any src/secure/ct.c /^void wrt_ct_copy_if/,/^\}/s/(for .*; size_bytes (>= WORD_BYTES|> 0);[^)]*\))/\1 COPY_LOOP/
 * LOOP swap_any src/secure/ct.c /^void wrt_ct_swap_if/,/^\}/s/(for .*; size_bytes (>= WORD_BYTES|> 0);[^)]*\))/\1 SWAP_LOOP/
 * LOOP crc_any src/base/crc32c.c /wrt_crc32c_by_hardware.*bytes, size_t size_bytes\)$/,/^\}/s/(for .*; size_bytes (>= 8|> 0);[^)]*\))/\1 CRC_LOOP/
 * LOOP table_any src/base/crc32c.c /^uint32_t wrt_crc32c_by_table/,/^\}/s/(for .*; size_bytes (>= 8|> 0);[^)]*\))/\1 TABLE_LOOP/
 * BY equal_any word_at
 * BY compare_any wrt_ct_select
 * BY copy_any word_at memcpy
 * BY swap_any word_at memcpy
 * BY crc_any wrt_read_u64
 * MUTANT word src/secure/ct.c s/memcpy\(&word, bytes, sizeof word\)/memcpy(\&word, bytes, 4)/
 * MUTANT word_read src/base/bytes.h s/wrt_read_u32\(from \+ 4\) << 32/wrt_read_u32(from + 3) << 32/
 * MUTANT zero_any src/secure/ct.c s/any \|= \*at;/any = *at;/
 * MUTANT equal_any src/secure/ct.c s/differs \|= word_at/differs = word_at/
 * MUTANT equal_any src/secure/ct.c s/right \+= WORD_BYTES;/right += 1;/
 * MUTANT compare_any src/secure/ct.c s/\(hide\(l - r\) >> 63\) \+ \(hide\(r - l\) >> 63\)/(hide(r - l) >> 63) + (hide(l - r) >> 63)/
 * MUTANT compare_any src/secure/ct.c s/= left\[size_bytes\], r = right/= left[size_bytes], r = left/
 * MUTANT copy_any src/secure/ct.c s/\*out = \(uint8_t\)\(\*out \^ \(\(\*out/*out = (uint8_t)(((*out/
 * MUTANT copy_any src/secure/ct.c s/        in \+= WORD_BYTES;/        in += 1;/
 * MUTANT swap_any src/secure/ct.c s/memcpy\(right, &new_r/memcpy(right, \&new_l/
 * MUTANT swap_any src/secure/ct.c s/\*right = \(uint8_t\)\(r \^ change\)/*right = r/
 * MUTANT zeroise_any src/secure/ct.c s/memset\(bytes, 0, size_bytes\)/memset(bytes, 0, size_bytes - 1)/
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
static uint64_t last_word;         /* that was read for it */
static bool is_asked, is_read;     /* the condition; has a word been read that was not given yet? */
static uint8_t one_was, two_was;   /* that byte before */
static size_t first, compared;     /* where compare saw the strings differ last, and how many bytes it has seen */

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
/* From the end; `first` is total while none differs. */
#define COMPARE_LOOP __CPROVER_assigns(size_bytes, order, first, compared) \
    __CPROVER_loop_invariant(COUNTS && compared == DONE && first >= size_bytes && first <= total && \
                             (first == total ? order == 1 : IS_ORDER_AT(order, first)) && \
                             (look < size_bytes || first <= look || one[look] == two[look])) \
    __CPROVER_decreases(size_bytes)
#define IS_ORDER_AT(order, i) ((order) == (one[i] < two[i] ? 0 : 2) && one[i] != two[i])
#define IS_CHOSEN(done) (is_asked && !BEFORE_LOOK(done))
#define COPY_LOOP __CPROVER_assigns(size_bytes, in, out, __CPROVER_object_whole(one)) \
    __CPROVER_loop_invariant(COUNTS && out == one + DONE && in == two + DONE && \
                             one[look] == (IS_CHOSEN(DONE) ? two_was : one_was)) \
    __CPROVER_decreases(size_bytes)
#define SWAP_LOOP \
    __CPROVER_assigns(size_bytes, left, right, __CPROVER_object_whole(one), __CPROVER_object_whole(two)) \
    __CPROVER_loop_invariant(COUNTS && left == one + DONE && right == two + DONE && \
                             one[look] == (IS_CHOSEN(DONE) ? two_was : one_was) && \
                             two[look] == (IS_CHOSEN(DONE) ? one_was : two_was)) \
    __CPROVER_decreases(size_bytes)
#define CRC_LOOP __CPROVER_assigns(size_bytes, at, state, given, last_state, last_word, is_read) \
    __CPROVER_loop_invariant(COUNTS && at == one + DONE && given == DONE && !is_read && state == last_state && state <= UINT32_MAX) \
    __CPROVER_decreases(size_bytes)
#define TABLE_LOOP __CPROVER_assigns(size_bytes, at, state) \
    __CPROVER_loop_invariant(COUNTS && at == one + DONE) \
    __CPROVER_decreases(size_bytes)

#include "base/crc32c.c"
#include "secure/ct.c"

/* ---- words, by contract ---- */

/* The word's byte at `look`, if that is among the 8 from `at` on, is the one that is there. */
static void is_word(uint64_t word, const uint8_t *of, size_t at)
{
    if (look >= at && look - at < 8)
        assume((uint8_t)(word >> 8 * (look - at)) == of[look]);
}

uint64_t contract_word_at(const uint8_t *bytes)
{
    const uint64_t word = any_u64();
    const bool is_one = __CPROVER_same_object(bytes, one);
    const size_t at = (size_t)__CPROVER_POINTER_OFFSET(bytes);
    prove(__CPROVER_r_ok(bytes, 8), "bytes that are there");
    prove(is_one || __CPROVER_same_object(bytes, two), "of one of the strings");
    is_word(word, is_one ? one : two, at);
    return word;
}

/* Eight stores, and of other sizes none. */
void *contract_memcpy(void *to, const void *from, size_t size_bytes)
{
    uint8_t *const out = to;
    const uint8_t *const in = from;
    prove(size_bytes == 8 && __CPROVER_w_ok(to, 8), "a word's room that is there");
    out[0] = in[0], out[1] = in[1], out[2] = in[2], out[3] = in[3];
    out[4] = in[4], out[5] = in[5], out[6] = in[6], out[7] = in[7];
    return to;
}

/* Which word that is, is all the same to the loop: it must give it to the instruction next. */
uint64_t contract_wrt_read_u64(const uint8_t *from)
{
    prove(__CPROVER_r_ok(from, 8) && from == one + given, "the next bytes, and they are there");
    prove(!is_read, "all words are given");
    is_read = true;
    last_word = any_u64();
    return last_word;
}

uint64_t contract_wrt_ct_select(uint64_t condition, uint64_t if_yes, uint64_t if_no)
{
    prove(compared < total, "a byte that is there");
    compared++;
    if (condition != 0)
        first = total - compared;
    return condition != 0 ? if_yes : if_no;
}

/* Both keep it: little-endian. */
static void check_word(uint64_t (*read)(const uint8_t *))
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = any_u8();
    look = any_below(8);
    prove((uint8_t)(read(bytes) >> 8 * look) == bytes[look], "each byte in its place");
}

void word(void)
{
    check_word(word_at);
}

void word_read(void)
{
    check_word(wrt_read_u64);
}

/* ---- the instruction: it is given the next bytes and the last state ---- */

static uint32_t take(uint64_t state, uint64_t bytes, uint64_t count)
{
    prove(state == last_state, "the state that the step before left");
    prove(count <= total && given <= total - count, "bytes that are there");
    prove(is_read == (count == 8), "a word if one was read");
    prove(bytes == (count == 1 ? one[given] : last_word), "the next bytes");
    is_read = false;
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
    one_was = one[look];
    two_was = two[look];
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

void compare_any(void)
{
    any_strings();
    first = total;
    compared = 0;
    const int order = wrt_ct_compare(one, two, total);
    prove(first <= look || one[look] == two[look], "all before it are the same");
    if (first == total)
        prove(order == 0, "the same");
    else
        prove(order == (one[first] < two[first] ? -1 : 1) && one[first] != two[first], "as the first that differs");
}

static uint64_t any_condition(void)
{
    const uint64_t condition = any_u64();
    is_asked = condition != 0;
    return condition;
}

void copy_any(void)
{
    any_strings();
    wrt_ct_copy_if(any_condition(), one, two, total);
    prove(one[look] == (is_asked ? two_was : one_was), "copied if so");
    prove(two[look] == two_was, "from what stays");
}

void swap_any(void)
{
    any_strings();
    wrt_ct_swap_if(any_condition(), one, two, total);
    prove(one[look] == (is_asked ? two_was : one_was), "exchanged if so");
    prove(two[look] == (is_asked ? one_was : two_was), "and the other");
}

void zeroise_any(void)
{
    any_strings();
    wrt_ct_zeroise(one, total);
    prove(one[look] == 0, "wiped");
}

void crc_any(void)
{
    any_strings();
    const uint32_t before = any_u32();
    given = 0;
    is_read = false;
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
