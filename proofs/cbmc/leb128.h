/* proofs/cbmc/leb128.h - what callers may expect of wrt_read_leb: its contract, once for both sides.
 * SPDX-License-Identifier: Apache-2.0
 *
 * leb128.leb_contract proves that the code keeps it; proofs that say BY take it in place of the code. Less
 * than is proved there: any value in range with any size, so that what is proved by it holds all the more.
 */
#ifndef LEB128_H
#define LEB128_H

#include "engine/reader.h"
#include "proof.h"

static inline bool leb_may_be_asked(const struct wrt_reader *r, unsigned bits)
{
    return r->start <= r->at && r->at <= r->end && (bits == 32 || bits == 33 || bits == 64);
}

static inline bool leb_is_in_range(unsigned bits, bool is_signed, uint64_t value)
{
    const uint64_t top = bits == 64 ? 0 : value >> (is_signed ? bits - 1 : bits);
    const uint64_t all_ones = ~UINT64_C(0) >> (bits - 1);
    return top == 0 || (is_signed && top == all_ones);
}

/* Of what changes: where it reads, the status, and the value if it was taken. */
static inline bool leb_is_kept(const struct wrt_reader *before, const struct wrt_reader *after, unsigned bits,
                               bool is_signed, bool taken, uint64_t value)
{
    const size_t used = (size_t)(after->at - before->at);
    if (after->at < before->at || after->at > after->end || used > (bits + 6) / 7)
        return false;
    if (taken)
        return used > 0 && after->status == before->status && leb_is_in_range(bits, is_signed, value);
    return after->status == (before->status == WRT_OK ? WRT_ERR_MALFORMED : before->status);
}

/* Everything else is as before. */
static inline bool leb_leaves(const struct wrt_reader *a, const struct wrt_reader *b)
{
    return a->start == b->start && a->end == b->end && a->offset == b->offset && a->error == b->error &&
           a->features == b->features && a->features_off == b->features_off &&
           a->canonical == b->canonical && a->type_count == b->type_count;
}

#endif
