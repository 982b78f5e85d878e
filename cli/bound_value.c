/* cli/bound_value.c - intervals of integers, and how often a counted loop turns.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An interval holds two readings of the same bits, as unsigned and as signed; each narrows the
 * other where it does not cross the point at which they part. Sums are made in 128 bits.
 */
#include "bound.h"

#ifdef __SIZEOF_INT128__
__extension__ typedef __int128 wide;
enum { HAS_WIDE = 1 };
#else
typedef int64_t wide; /* then nothing is known of 64-bit sums */
enum { HAS_WIDE = 0 };
#endif

static uint64_t mask_of(bool is_64)
{
    return is_64 ? UINT64_MAX : UINT32_MAX;
}

static int64_t signed_of(uint64_t value, bool is_64)
{
    return is_64 ? (int64_t)value : (int32_t)(uint32_t)value;
}

static int64_t signed_most(bool is_64)
{
    return is_64 ? INT64_MAX : INT32_MAX;
}

static int64_t signed_least(bool is_64)
{
    return is_64 ? INT64_MIN : INT32_MIN;
}

struct bound_range bound_any(bool is_64)
{
    return (struct bound_range){0, mask_of(is_64), signed_least(is_64), signed_most(is_64)};
}

struct bound_range bound_exactly(uint64_t value, bool is_64)
{
    value &= mask_of(is_64);
    return (struct bound_range){value, value, signed_of(value, is_64), signed_of(value, is_64)};
}

static void raise_low(struct bound_range *r, uint64_t low)
{
    if (low > r->low)
        r->low = low;
}

static void lower_high(struct bound_range *r, uint64_t high)
{
    if (high < r->high)
        r->high = high;
}

struct bound_range bound_tighten(struct bound_range r, bool is_64)
{
    const struct bound_range before = r;
    const uint64_t mask = mask_of(is_64);
    /* not below zero, or all below zero: both readings have the same order */
    if (r.signed_low >= 0 || r.signed_high < 0) {
        raise_low(&r, (uint64_t)r.signed_low & mask);
        lower_high(&r, (uint64_t)r.signed_high & mask);
    }
    const uint64_t most = (uint64_t)signed_most(is_64);
    if (r.high <= most || r.low > most) {
        const int64_t low = signed_of(r.low, is_64), high = signed_of(r.high, is_64);
        r.signed_low = low > r.signed_low ? low : r.signed_low;
        r.signed_high = high < r.signed_high ? high : r.signed_high;
    }
    /* an empty one stands where control cannot come: anything is true there */
    return r.low > r.high || r.signed_low > r.signed_high ? before : r;
}

struct bound_range bound_shift(struct bound_range r, uint64_t add, bool is_64)
{
    const uint64_t mask = mask_of(is_64);
    struct bound_range out = bound_any(is_64);
    if (is_64 && !HAS_WIDE)
        return out;
    add &= mask;
    const wide low = (wide)r.low + add, high = (wide)r.high + add;
    if (high <= (wide)mask || low > (wide)mask) { /* none of them wraps, or all */
        out.low = (uint64_t)low & mask;
        out.high = (uint64_t)high & mask;
    }
    const wide signed_add = signed_of(add, is_64);
    const wide slow = (wide)r.signed_low + signed_add, shigh = (wide)r.signed_high + signed_add;
    if (slow >= signed_least(is_64) && shigh <= signed_most(is_64)) {
        out.signed_low = (int64_t)slow;
        out.signed_high = (int64_t)shigh;
    }
    return bound_tighten(out, is_64);
}

struct bound_range bound_union(struct bound_range a, struct bound_range b)
{
    return (struct bound_range){a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high,
                                a.signed_low < b.signed_low ? a.signed_low : b.signed_low,
                                a.signed_high > b.signed_high ? a.signed_high : b.signed_high};
}

/* ---- relations ---- */

enum bound_relation bound_not(enum bound_relation r)
{
    static const uint8_t of[] = {BOUND_NE,   BOUND_EQ,   BOUND_GE_S, BOUND_GE_U, BOUND_LE_S,
                                 BOUND_LE_U, BOUND_GT_S, BOUND_GT_U, BOUND_LT_S, BOUND_LT_U};
    return (enum bound_relation)of[r];
}

enum bound_relation bound_mirror(enum bound_relation r)
{
    static const uint8_t of[] = {BOUND_EQ,   BOUND_NE,   BOUND_GT_S, BOUND_GT_U, BOUND_LT_S,
                                 BOUND_LT_U, BOUND_GE_S, BOUND_GE_U, BOUND_LE_S, BOUND_LE_U};
    return (enum bound_relation)of[r];
}

static bool is_signed(enum bound_relation r)
{
    return r == BOUND_LT_S || r == BOUND_GT_S || r == BOUND_LE_S || r == BOUND_GE_S;
}

struct bound_range bound_refine(struct bound_range a, enum bound_relation r, struct bound_range b,
                                bool is_64)
{
    struct bound_range out = a;
    switch (r) {
    case BOUND_EQ:
        raise_low(&out, b.low);
        lower_high(&out, b.high);
        break;
    case BOUND_NE: /* only an end can be cut off */
        if (b.low == b.high && out.low == b.low && out.low != out.high)
            out.low++;
        else if (b.low == b.high && out.high == b.low && out.low != out.high)
            out.high--;
        break;
    case BOUND_LT_U: lower_high(&out, b.high == 0 ? 0 : b.high - 1); break;
    case BOUND_LE_U: lower_high(&out, b.high); break;
    case BOUND_GT_U: raise_low(&out, b.low == UINT64_MAX ? b.low : b.low + 1); break;
    case BOUND_GE_U: raise_low(&out, b.low); break;
    case BOUND_LT_S:
        if (b.signed_high != INT64_MIN && b.signed_high - 1 < out.signed_high)
            out.signed_high = b.signed_high - 1;
        break;
    case BOUND_LE_S:
        if (b.signed_high < out.signed_high)
            out.signed_high = b.signed_high;
        break;
    case BOUND_GT_S:
        if (b.signed_low != INT64_MAX && b.signed_low + 1 > out.signed_low)
            out.signed_low = b.signed_low + 1;
        break;
    case BOUND_GE_S:
        if (b.signed_low > out.signed_low)
            out.signed_low = b.signed_low;
        break;
    }
    if (out.low > out.high || out.signed_low > out.signed_high)
        return a;
    return bound_tighten(out, is_64);
}

/* ---- turns ---- */

/* One reading of a range, in which a relation is the usual order. */
struct line {
    wide low, high;
};

static struct line reading(struct bound_range r, bool as_signed)
{
    return as_signed ? (struct line){r.signed_low, r.signed_high}
                     : (struct line){(wide)r.low, (wide)r.high};
}

static struct line whole(bool as_signed, bool is_64)
{
    return reading(bound_any(is_64), as_signed);
}

static bool give(wide turns, uint64_t *out)
{
    if (turns < 0)
        turns = 0;
    if (turns > INT64_MAX)
        return false;
    *out = (uint64_t)turns;
    return true;
}

/* x < limit, upwards: the first value that is not below must not have wrapped. */
static bool turns_below(struct line start, wide step, wide limit, struct line all, uint64_t *out)
{
    if (step <= 0 || limit > all.high || limit - 1 + step > all.high)
        return false;
    return give((limit - start.low + step - 1) / step, out);
}

static bool turns_above(struct line start, wide step, wide limit, struct line all, uint64_t *out)
{
    if (step >= 0 || limit < all.low || limit + 1 + step < all.low)
        return false;
    return give((start.high - limit - step - 1) / -step, out);
}

/* x != limit. A constant distance is gone through in whole steps, also round the end of the
 * numbers; else by steps of one from a start that is known to lie before the limit. */
static bool turns_unequal(struct bound_range start, uint64_t step, struct bound_range limit,
                          bool is_64, uint64_t *out)
{
    const uint64_t mask = mask_of(is_64);
    const int64_t by = signed_of(step, is_64);
    const uint64_t size = by < 0 ? (uint64_t)0 - (uint64_t)by : (uint64_t)by;
    if (by == 0)
        return false;
    if (start.low == start.high && limit.low == limit.high) {
        const uint64_t away = (by > 0 ? limit.low - start.low : start.low - limit.low) & mask;
        return away % size == 0 && give((wide)(away / size), out);
    }
    if (size != 1)
        return false;
    for (int as_signed = 0; as_signed < 2; as_signed++) {
        const struct line s = reading(start, as_signed), l = reading(limit, as_signed);
        if (by > 0 ? s.high <= l.low : s.low >= l.high)
            return give(by > 0 ? l.high - s.low : s.high - l.low, out);
    }
    return false;
}

bool bound_turns(enum bound_relation r, struct bound_range start, uint64_t step,
                 struct bound_range limit, bool is_64, uint64_t *turns)
{
    const bool as_signed = is_signed(r);
    const wide by = signed_of(step, is_64);
    const struct line s = reading(start, as_signed), l = reading(limit, as_signed);
    const struct line all = whole(as_signed, is_64);
    if (is_64 && !HAS_WIDE)
        return false;
    switch (r) {
    case BOUND_EQ: return by != 0 && give(s.low <= l.high && l.low <= s.high, turns);
    case BOUND_NE: return turns_unequal(start, step, limit, is_64, turns);
    case BOUND_LT_S:
    case BOUND_LT_U: return turns_below(s, by, l.high, all, turns);
    case BOUND_LE_S:
    case BOUND_LE_U: return turns_below(s, by, l.high + 1, all, turns);
    case BOUND_GT_S:
    case BOUND_GT_U: return turns_above(s, by, l.low, all, turns);
    case BOUND_GE_S:
    case BOUND_GE_U: return turns_above(s, by, l.low - 1, all, turns);
    }
    return false;
}

bool bound_still_fails(enum bound_relation r, struct bound_range start, uint64_t step,
                       uint64_t turn, bool is_64)
{
    if (r == BOUND_EQ || r == BOUND_NE)
        return false;
    const bool as_signed = is_signed(r);
    const struct line s = reading(start, as_signed), all = whole(as_signed, is_64);
    const wide by = signed_of(step, is_64);
    if (turn > UINT32_MAX)
        return false;
    return by > 0 ? s.high + by * (wide)turn <= all.high : s.low + by * (wide)turn >= all.low;
}
