/* src/base/crc32c.h - CRC-32C (Castagnoli), by instruction where the processor has one.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Reflected polynomial 0x82F63B78, initial value and final exclusive-or all ones:
 * the CRC of "123456789" is 0xE3069283. All forms give the same bits.
 */
#ifndef WRT_BASE_CRC32C_H
#define WRT_BASE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to start) over the bytes. O(size). */
uint32_t wrt_crc32c(uint32_t crc, const void *bytes, size_t size_bytes);

/* The two forms behind it. The second is the first where wrt_crc32c_has_hardware is false. */
uint32_t wrt_crc32c_by_table(uint32_t crc, const void *bytes, size_t size_bytes);
uint32_t wrt_crc32c_by_hardware(uint32_t crc, const void *bytes, size_t size_bytes);
bool wrt_crc32c_has_hardware(void);


#endif
