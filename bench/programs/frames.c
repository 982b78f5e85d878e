/* Packs and checks n bus frames: byte loads and stores, a table-driven CRC, shifts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

static uint32_t table[256];
static uint8_t frame[64];

static void fill_table(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;
        table[i] = c;
    }
}

static uint32_t checksum(const uint8_t *bytes, int count)
{
    uint32_t c = ~0u;
    for (int i = 0; i < count; i++)
        c = c >> 8 ^ table[(c ^ bytes[i]) & 255];
    return ~c;
}

/* Twelve-bit signals, one after the other without gaps. */
static void pack(uint32_t seed)
{
    int bit = 0;
    for (int i = 0; i < 64; i++)
        frame[i] = 0;
    for (int signal = 0; signal < 40; signal++, bit += 12) {
        uint32_t value = (seed = seed * 1664525 + 1013904223) >> 20;
        for (int b = 0; b < 12; b++)
            frame[(bit + b) >> 3] |= (uint8_t)((value >> b & 1) << ((bit + b) & 7));
    }
}

int run(int n)
{
    uint32_t sum = 0;
    fill_table();
    for (int i = 0; i < n; i++) {
        pack((uint32_t)i);
        sum = sum * 31 + checksum(frame, 60);
    }
    return (int)sum;
}
