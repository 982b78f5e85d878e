/* src/base/bytes.h - little-endian numbers in byte strings, at any alignment.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Callers have checked the range. Written as shifts: right on any byte order, and one
 * load or store where the machine allows it.
 */
#ifndef WRT_BASE_BYTES_H
#define WRT_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t wrt_read_u16(const uint8_t *from)
{
    return (uint16_t)(from[0] | (from[1] << 8));
}

static inline uint32_t wrt_read_u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static inline uint64_t wrt_read_u64(const uint8_t *from)
{
    return (uint64_t)wrt_read_u32(from) | (uint64_t)wrt_read_u32(from + 4) << 32;
}

static inline void wrt_write_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static inline void wrt_write_u32(uint8_t *to, uint32_t value)
{
    wrt_write_u16(to, (uint16_t)value);
    wrt_write_u16(to + 2, (uint16_t)(value >> 16));
}

static inline void wrt_write_u64(uint8_t *to, uint64_t value)
{
    wrt_write_u32(to, (uint32_t)value);
    wrt_write_u32(to + 4, (uint32_t)(value >> 32));
}

/* memcpy and memset that accept NULL with a size of zero. */
static inline void wrt_copy(void *to, const void *from, size_t size_bytes)
{
    if (size_bytes != 0)
        memcpy(to, from, size_bytes);
}

static inline void wrt_fill(void *to, uint8_t value, size_t size_bytes)
{
    if (size_bytes != 0)
        memset(to, value, size_bytes);
}

#endif
