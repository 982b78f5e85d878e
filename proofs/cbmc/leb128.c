/* proofs/cbmc/leb128.c - integers of the binary format.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: wrt_read_leb accepts exactly the LEB128 encodings of the specification (5.2.2) that
 *   fit 32, 33 or 64 bits, signed or not, gives their value, takes exactly their bytes, reads none
 *   outside, and writes nothing when it refuses. wrt_read_u32 is the same as wrt_read_leb. It keeps the
 *   contract (leb128.h) that takes its place in other proofs.
 * Bound: all inputs: 10 bytes are the longest encoding of 64 bits, and none reads further.
 * Stubbed: the text of the error.
 * Misses: nothing known.
 *
 * PROOF quick leb_unsigned --unwind 12
 * PROOF quick leb_signed --unwind 12
 * PROOF quick leb_short_form --unwind 12
 * PROOF quick leb_contract --unwind 12
 * MUTANT leb_unsigned src/engine/reader.c s/left <= 7/left <= 3/
 * MUTANT leb_unsigned src/engine/reader.c s/\(byte & 0x7f\) << shift/byte << shift/
 * MUTANT leb_unsigned src/engine/reader.c s/if \(r->at == r->end\)/if (false)/
 * MUTANT leb_signed src/engine/reader.c s/unused == all_ones/unused <= all_ones/
 * MUTANT leb_signed src/engine/reader.c s/\(byte & 0x40\) && shift/shift/
 * MUTANT leb_short_form src/engine/reader.h s/\*r->at < 0x80/*r->at <= 0x80/
 * MUTANT leb_contract src/engine/reader.c s/is_signed \&\& unused == all_ones/is_signed/
 * MUTANT leb_contract src/engine/reader.c s/left <= 7/left <= 3/
 */
#include "engine/reader.c"
#include "leb128.h"
#include "stubs.h"

enum { LONGEST = 10 };
static uint8_t bytes[LONGEST];
static struct wrt_error error;

static struct wrt_reader any_reader(void)
{
    for (size_t i = 0; i < LONGEST; i++)
        bytes[i] = any_u8();
    return (struct wrt_reader){
        .start = bytes, .at = bytes, .end = bytes + any_below(LONGEST + 1), .error = &error};
}

static unsigned any_width(void)
{
    return any_bool() ? 32 : any_bool() ? 33 : 64;
}

/* The bytes of the encoding that starts here, 0: none ends before `size`. */
static size_t encoding(size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < 0x80)
            return i + 1;
    return 0;
}

/* As the specification's grammar has it: no more than ceil(bits / 7) bytes, and the value, of which
 * __int128 holds all 70 bits, in range. */
static void check(unsigned bits, bool is_signed)
{
    struct wrt_reader r = any_reader();
    const size_t size = (size_t)(r.end - r.start), used = encoding(size);
    const uint64_t before = any_u64();
    uint64_t value = before;
    const bool taken = wrt_read_leb(&r, bits, is_signed, &value);

    __int128 meant = 0;
    for (size_t i = 0; i < used; i++)
        meant += (__int128)(bytes[i] & 0x7f) << 7 * i;
    const bool is_negative = is_signed && used != 0 && (bytes[used - 1] & 0x40) != 0;
    meant -= (__int128)is_negative << 7 * used;
    const __int128 lowest = is_signed ? -((__int128)1 << (bits - 1)) : 0;
    const __int128 above = (__int128)1 << (is_signed ? bits - 1 : bits);
    const bool is_right = used != 0 && used <= (bits + 6) / 7 && meant >= lowest && meant < above;

    prove(taken == is_right, "taken exactly if the specification has it");
    if (taken) {
        prove(value == (uint64_t)meant, "the value");
        prove(r.at == r.start + used, "its bytes and no more are taken");
    } else {
        prove(value == before, "a refusal writes nothing");
        prove(r.status == WRT_ERR_MALFORMED, "a refusal says so");
        prove(r.at >= r.start && r.at <= r.end, "a refusal stays inside");
    }
}

void leb_unsigned(void)
{
    check(any_width(), false);
}

void leb_signed(void)
{
    check(any_width(), true);
}

void leb_short_form(void)
{
    struct wrt_reader r = any_reader(), other = r;
    uint32_t value = 0;
    uint64_t wide = 0;
    const bool taken = wrt_read_u32(&r, &value), same = wrt_read_leb(&other, 32, false, &wide);

    prove(taken == same && r.at == other.at && value == wide, "the short form is the long one");
}

void leb_contract(void)
{
    struct wrt_reader r = any_reader();
    r.status = any_bool() ? WRT_OK : WRT_ERR_LIMIT;
    r.features = any_u64();
    r.features_off = any_u64();
    const struct wrt_reader before = r;
    const unsigned bits = any_width();
    const bool is_signed = any_bool();
    uint64_t value = 0;
    prove(leb_may_be_asked(&r, bits), "as callers may");
    const bool taken = wrt_read_leb(&r, bits, is_signed, &value);
    prove(leb_is_kept(&before, &r, bits, is_signed, taken, value), "the contract is kept");
    prove(leb_leaves(&before, &r), "and nothing else changed");
}
