/* proofs/cbmc/crc32c.c - CRC-32C is the remainder of a division, bit by bit.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Property: every entry of the eight tables is its definition; a step by one byte is the division, bit
 *   by bit, and linear over xor; a step of eight bytes is eight divisions for each byte of the word
 *   and of the state alone, in each place, so for all of them by linearity; wrt_crc32c_by_hardware
 *   gives every byte of 0, 1, 8 or 9 to the instruction once, in order; both complement before and
 *   after; "123456789" has the CRC that the polynomial's inventors give; NULL with no bytes is not
 *   looked at.
 * Bound: any state and bytes, one step at a time; longer strings repeat the steps.
 * Stubbed: the two processor instructions, by something else that depends on each byte and its place.
 * Misses: whether the processor's instruction is the division: tests/unit/base_crc32c.c looks at that.
 *
 * PROOF quick tables --unwind 257
 * PROOF quick step_is_linear --unwind 9
 * PROOF quick step_by_table --unwind 10
 * PROOF quick whole_by_table --unwind 11
 * PROOF quick whole_by_hardware --unwind 11
 * MUTANT tables src/base/crc32c_table.h s/0xF26B8303/0xF26B8302/
 * MUTANT step_by_table src/base/crc32c.c s/table\[5\]\[word >> 16/table[4][word >> 16/
 * MUTANT step_is_linear src/base/crc32c_table.h s/0x8AD958CF/0x8AD958CE/
 * MUTANT step_by_table src/base/crc32c.c s/word \^= state/word |= state/
 * MUTANT whole_by_table src/base/crc32c.c s/size_bytes > 0; size_bytes--/size_bytes > 1; size_bytes--/
 * MUTANT whole_by_table src/base/crc32c.c s/state = ~crc/state = crc/
 * MUTANT whole_by_hardware src/base/crc32c.c s/STEP_8\(state, wrt_read_u64\(at\)\)/STEP_8(state, wrt_read_u32(at))/
 */
#include "proof.h"

/* Eight steps of the division for one byte. */
static uint32_t divide(uint32_t state, uint8_t byte)
{
    state ^= byte;
    for (int bit = 0; bit < 8; bit++)
        state = state >> 1 ^ (0x82F63B78u & (0 - (state & 1)));
    return state;
}

static uint32_t divide_8(uint32_t state, uint64_t word)
{
    for (int i = 0; i < 8; i++)
        state = divide(state, (uint8_t)(word >> 8 * i));
    return state;
}

static uint32_t step_1(uint32_t state, uint8_t byte)
{
    return (state << 3 | state >> 29) ^ byte;
}

static uint64_t step_8(uint64_t state, uint64_t word)
{
    for (int i = 0; i < 8; i++)
        state = step_1((uint32_t)state, (uint8_t)(word >> 8 * i));
    return state;
}
#define __builtin_ia32_crc32di step_8
#define __builtin_ia32_crc32qi step_1
#define __builtin_cpu_supports(name) any_bool()
#include "base/crc32c.c"

void tables(void)
{
    for (unsigned i = 0; i < 256; i++)
        prove(table[0][i] == divide(0, (uint8_t)i), "the first table is the division");
    for (unsigned k = 1; k < 8; k++)
        for (unsigned i = 0; i < 256; i++)
            prove(table[k][i] == divide(table[k - 1][i], 0), "each table is the one before, divided");
}

/* The step of one byte that wrt_crc32c_by_table makes is the division, and linear. */
void step_is_linear(void)
{
    const uint32_t a = any_u32(), b = any_u32();
    const uint32_t by_a = a >> 8 ^ table[0][a & 0xFF], by_b = b >> 8 ^ table[0][b & 0xFF];
    prove(by_a == divide(a, 0), "a step by table is a division");
    prove((by_a ^ by_b) == ((a ^ b) >> 8 ^ table[0][(a ^ b) & 0xFF]), "the sum of steps is the step of the sum");
}

void step_by_table(void)
{
    const uint64_t one = any_u8(), more = any_u8();
    for (unsigned i = 0; i < 8; i++)
        prove(table_step(0, one << 8 * i) == divide_8(0, one << 8 * i), "one byte, in each place");
    for (unsigned i = 0; i < 4; i++) {
        const uint32_t state = (uint32_t)one << 8 * i;
        prove(table_step(state, 0) == divide_8(state, 0), "and one of the state");
        const uint64_t both = one ^ more;
        prove(table_step(state, more << 8 * i) == table_step(0, both << 8 * i), "and the sum of both");
    }
}

static uint8_t bytes[9];

void whole_by_table(void)
{
    const uint32_t crc = any_u32();
    bytes[0] = any_u8();
    prove(wrt_crc32c_by_table(crc, bytes, 1) == ~divide(~crc, bytes[0]), "a byte");
    prove(wrt_crc32c_by_table(0, "123456789", 9) == 0xE3069283u, "the known one");
    prove(wrt_crc32c_by_table(crc, NULL, 0) == crc, "no bytes, no change");
}

static void check_hardware(uint32_t crc, size_t size)
{
    uint32_t state = ~crc;
    for (size_t i = 0; i < size; i++)
        state = step_1(state, bytes[i]);
    prove(wrt_crc32c_by_hardware(crc, bytes, size) == ~state, "every byte, once, in order");
}

void whole_by_hardware(void)
{
    const uint32_t crc = any_u32();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = any_u8();
    check_hardware(crc, 0);
    check_hardware(crc, 1);
    check_hardware(crc, 8);
    check_hardware(crc, 9);
    prove(wrt_crc32c_by_hardware(crc, NULL, 0) == crc, "no bytes, no change");
}
