/* src/base/crc32c.c - see crc32c.h. The tables take 8 bytes per step ("slicing by 8").
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/crc32c.h"

#include "base/bytes.h"
#include "base/crc32c_table.h"

#if defined(__x86_64__)
#define HARDWARE __attribute__((target("sse4.2")))
#define STEP_8(state, word) ((uint32_t)__builtin_ia32_crc32di((state), (word)))
#define STEP_1(state, byte) __builtin_ia32_crc32qi((state), (byte))
#define HAS_HARDWARE (__builtin_cpu_supports("sse4.2") != 0)
#elif defined(__aarch64__) && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#define HARDWARE
#define STEP_8(state, word) __crc32cd((state), (word))
#define STEP_1(state, byte) __crc32cb((state), (byte))
#define HAS_HARDWARE true
#endif

static uint32_t table_step(uint32_t state, uint64_t word)
{
    word ^= state;
    return table[7][word & 0xFF] ^ table[6][word >> 8 & 0xFF] ^ table[5][word >> 16 & 0xFF] ^
           table[4][word >> 24 & 0xFF] ^ table[3][word >> 32 & 0xFF] ^
           table[2][word >> 40 & 0xFF] ^ table[1][word >> 48 & 0xFF] ^ table[0][word >> 56];
}

uint32_t wrt_crc32c_by_table(uint32_t crc, const void *bytes, size_t size_bytes)
{
    const uint8_t *at = bytes;
    uint32_t state = ~crc;

    for (; size_bytes >= 8; size_bytes -= 8, at += 8)
        state = table_step(state, wrt_read_u64(at));
    for (; size_bytes > 0; size_bytes--, at++)
        state = state >> 8 ^ table[0][(state ^ *at) & 0xFF];
    return ~state;
}

#if defined(HARDWARE)
bool wrt_crc32c_has_hardware(void)
{
    return HAS_HARDWARE;
}

HARDWARE uint32_t wrt_crc32c_by_hardware(uint32_t crc, const void *bytes, size_t size_bytes)
{
    const uint8_t *at = bytes;
    uint64_t state = (uint32_t)~crc;

    for (; size_bytes >= 8; size_bytes -= 8, at += 8)
        state = STEP_8(state, wrt_read_u64(at));
    for (; size_bytes > 0; size_bytes--, at++)
        state = STEP_1((uint32_t)state, *at);
    return ~(uint32_t)state;
}
#else
bool wrt_crc32c_has_hardware(void)
{
    return false;
}

uint32_t wrt_crc32c_by_hardware(uint32_t crc, const void *bytes, size_t size_bytes)
{
    return wrt_crc32c_by_table(crc, bytes, size_bytes);
}
#endif

uint32_t wrt_crc32c(uint32_t crc, const void *bytes, size_t size_bytes)
{
    return wrt_crc32c_has_hardware() ? wrt_crc32c_by_hardware(crc, bytes, size_bytes)
                                     : wrt_crc32c_by_table(crc, bytes, size_bytes);
}
