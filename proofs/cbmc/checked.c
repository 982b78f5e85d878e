/* proofs/cbmc/checked.c - arithmetic that says when it does not fit, and bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: wrt_add, sub, mul and align of u32, u64 and size return true exactly when the result, as
 *   a whole number, fits, write it then, and write nothing otherwise; wrt_is_power_of_two and
 *   wrt_is_range_inside are their definitions; what wrt_write_u16/32/64 writes, least byte first,
 *   wrt_read_u16/32/64 reads, and both touch exactly their bytes.
 * Bound: all values, except that one factor of a product is 0, 1, 3, 24 or 65536: the solver does not
 *   decide the equality of two wide multipliers.
 * Stubbed: nothing.
 * Misses: the compiler's own overflow builtins are taken at CBMC's word.
 *
 * PROOF quick sums_u32
 * PROOF quick sums_u64
 * PROOF quick sums_size
 * PROOF quick products
 * PROOF quick ranges
 * PROOF quick numbers_in_bytes --unwind 11
 * MUTANT sums_u32 src/base/checked.h s/__builtin_add_overflow\(a, b, /__builtin_sub_overflow(a, b, /
 * MUTANT sums_u64 src/base/checked.h s/\(type\)\(alignment - 1\), &result/(type)(alignment - 2), \&result/
 * MUTANT sums_size src/base/checked.h s/result & ~\(type\)\(alignment - 1\)/result \& ~(type)(alignment)/
 * MUTANT products src/base/checked.h s/if \(__builtin_mul_overflow\(a, b, &result\)\)/if (__builtin_mul_overflow(a, b, \&result) \&\& a < b)/
 * MUTANT ranges src/base/checked.h s/count <= size - offset/offset + count <= size/
 * MUTANT ranges src/base/checked.h s/value != 0 && //
 * MUTANT numbers_in_bytes src/base/bytes.h s/from\[3\] << 24/from[2] << 24/
 * MUTANT numbers_in_bytes src/base/bytes.h s/wrt_write_u32\(to \+ 4/wrt_write_u32(to + 3/
 */
#include "base/bytes.h"
#include "base/checked.h"
#include "proof.h"

typedef __int128 whole;

#define RESULT_IS(name, exact, greatest)                                                        \
    do {                                                                                        \
        const whole exact_ = (exact);                                                           \
        const bool fits_ = exact_ >= 0 && exact_ <= (whole)(greatest);                          \
        prove((name) == fits_, "true exactly if it fits");                                      \
        prove(out == (fits_ ? exact_ : before), "the result, or untouched");                    \
    } while (0)

#define SUMS(suffix, type, greatest)                                                            \
    void sums_##suffix(void)                                                                    \
    {                                                                                           \
        const type a = (type)any_u64(), b = (type)any_u64(), before = (type)any_u64();          \
        type out = before;                                                                      \
        RESULT_IS(wrt_add_##suffix(a, b, &out), (whole)a + b, greatest);                        \
        out = before;                                                                           \
        RESULT_IS(wrt_sub_##suffix(a, b, &out), (whole)a - b, greatest);                        \
        const type alignment = (type)((type)1 << any_below(8 * sizeof(type)));                  \
        out = before;                                                                           \
        const bool fits = wrt_align_##suffix(a, alignment, &out);                               \
        prove(fits == ((whole)a + alignment - 1 <= (whole)(greatest)), "aligned if it fits");   \
        if (fits)                                                                               \
            prove(out >= a && out - a < alignment && (out & (alignment - 1)) == 0,              \
                  "the next multiple");                                                         \
        else                                                                                    \
            prove(out == before, "untouched");                                                  \
    }
SUMS(u32, uint32_t, UINT32_MAX)
SUMS(u64, uint64_t, UINT64_MAX)
SUMS(size, size_t, SIZE_MAX)

#define PRODUCT(suffix, type, factor, greatest)                                                 \
    do {                                                                                        \
        const type b = (type)any_u64(), before = (type)any_u64();                               \
        type out = before;                                                                      \
        RESULT_IS(wrt_mul_##suffix((factor), b, &out), (whole)(factor) * b, greatest);          \
    } while (0)
#define PRODUCTS(factor)                                                                        \
    do {                                                                                        \
        PRODUCT(u32, uint32_t, (factor), UINT32_MAX);                                           \
        PRODUCT(u64, uint64_t, (factor), UINT64_MAX);                                           \
        PRODUCT(size, size_t, (factor), SIZE_MAX);                                              \
    } while (0)

void products(void)
{
    PRODUCTS(0);
    PRODUCTS(1);
    PRODUCTS(3);
    PRODUCTS(24);
    PRODUCTS(65536);
}

void ranges(void)
{
    const uint64_t offset = any_u64(), count = any_u64(), size = any_u64(), bit = any_below(64);
    prove(wrt_is_range_inside(offset, count, size) == ((whole)offset + count <= size), "inside");
    prove(wrt_is_power_of_two_u64(UINT64_C(1) << bit), "powers are powers");
    prove(!wrt_is_power_of_two_u64(0), "nothing is none");
    const uint64_t other = any_below(64);
    assume(other != bit);
    prove(!wrt_is_power_of_two_u64(size | UINT64_C(1) << bit | UINT64_C(1) << other),
          "two bits are none");
}

void numbers_in_bytes(void)
{
    uint8_t bytes[10], kept[10];
    for (size_t i = 0; i < 10; i++)
        kept[i] = bytes[i] = any_u8();
    const size_t width = any_bool() ? 2 : any_bool() ? 4 : 8, at = any_below(3), look = any_below(10);
    const uint64_t value = any_u64();

    if (width == 2)
        wrt_write_u16(bytes + at, (uint16_t)value);
    else if (width == 4)
        wrt_write_u32(bytes + at, (uint32_t)value);
    else
        wrt_write_u64(bytes + at, value);
    if (look < at || look >= at + width)
        prove(bytes[look] == kept[look], "the bytes around are as before");
    else
        prove(bytes[look] == (uint8_t)(value >> 8 * (look - at)), "least byte first");
    const uint64_t back = width == 2   ? wrt_read_u16(bytes + at)
                          : width == 4 ? wrt_read_u32(bytes + at)
                                       : wrt_read_u64(bytes + at);
    prove(back == (width == 8 ? value : value & ((UINT64_C(1) << 8 * width) - 1)), "read back");
}
