/* src/base/sha256.h - SHA-256 (FIPS 180-4), fed in pieces.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     struct wrt_sha256 hash;
 *     wrt_sha256_begin(&hash);
 *     wrt_sha256_add(&hash, bytes, size);   any number of times, any sizes
 *     wrt_sha256_end(&hash, digest);
 *
 * At most 2^61 - 1 bytes together. No branch and no address depends on the bytes, only on
 * their number. Keeps one block of input; whoever hashes a secret zeroises the struct.
 */
#ifndef WRT_BASE_SHA256_H
#define WRT_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { WRT_SHA256_BYTES = 32, WRT_SHA256_BLOCK_BYTES = 64 };

struct wrt_sha256 {
    uint32_t state[8];
    uint64_t size_bytes; /* so far; its remainder by 64 is in block */
    uint8_t block[WRT_SHA256_BLOCK_BYTES];
};

void wrt_sha256_begin(struct wrt_sha256 *hash);
/* O(size). With size 0 bytes may be NULL. */
void wrt_sha256_add(struct wrt_sha256 *hash, const void *bytes, size_t size_bytes);
/* The hash is then used up, until it begins again. */
void wrt_sha256_end(struct wrt_sha256 *hash, uint8_t out_digest[WRT_SHA256_BYTES]);

#endif
