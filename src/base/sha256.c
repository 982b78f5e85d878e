/* src/base/sha256.c - see sha256.h. Names as in FIPS 180-4, sections 4.1.2, 5 and 6.2.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/sha256.h"

#include "base/bytes.h"

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2). */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
    0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
    0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
    0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
    0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
    0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
    0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2};

static uint32_t rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t read_be(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static void write_be(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void schedule(uint32_t W[64], const uint8_t *block)
{
    for (unsigned t = 0; t < 16; t++)
        W[t] = read_be(block + 4 * t);
    for (unsigned t = 16; t < 64; t++) {
        const uint32_t x = W[t - 15], y = W[t - 2];
        const uint32_t s0 = rotr(x, 7) ^ rotr(x, 18) ^ x >> 3;
        const uint32_t s1 = rotr(y, 17) ^ rotr(y, 19) ^ y >> 10;
        W[t] = s1 + W[t - 7] + s0 + W[t - 16];
    }
}

static void compress(uint32_t H[8], const uint8_t *block)
{
    uint32_t W[64];
    uint32_t a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];

    schedule(W, block);
    for (unsigned t = 0; t < 64; t++) {
        const uint32_t S1 = rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25), ch = (e & f) ^ (~e & g);
        const uint32_t S0 = rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22);
        const uint32_t maj = (a & b) ^ (a & c) ^ (b & c);
        const uint32_t T1 = h + S1 + ch + K[t] + W[t], T2 = S0 + maj;
        h = g, g = f, f = e, e = d + T1;
        d = c, c = b, b = a, a = T1 + T2;
    }
    H[0] += a, H[1] += b, H[2] += c, H[3] += d;
    H[4] += e, H[5] += f, H[6] += g, H[7] += h;
}

void wrt_sha256_begin(struct wrt_sha256 *hash)
{
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memcpy(hash->state, first, sizeof first);
    hash->size_bytes = 0;
}

void wrt_sha256_add(struct wrt_sha256 *hash, const void *bytes, size_t size_bytes)
{
    const uint8_t *at = bytes;
    const size_t held = hash->size_bytes % WRT_SHA256_BLOCK_BYTES;

    hash->size_bytes += size_bytes;
    if (held + size_bytes < WRT_SHA256_BLOCK_BYTES) {
        wrt_copy(hash->block + held, at, size_bytes);
        return;
    }
    if (held > 0) {
        const size_t missing = WRT_SHA256_BLOCK_BYTES - held;
        memcpy(hash->block + held, at, missing);
        compress(hash->state, hash->block);
        at += missing;
        size_bytes -= missing;
    }
    for (; size_bytes >= WRT_SHA256_BLOCK_BYTES; size_bytes -= WRT_SHA256_BLOCK_BYTES) {
        compress(hash->state, at);
        at += WRT_SHA256_BLOCK_BYTES;
    }
    wrt_copy(hash->block, at, size_bytes);
}

/* Padding (5.1.1): a one, zeros, and the number of bits as the last eight bytes of a block. */
void wrt_sha256_end(struct wrt_sha256 *hash, uint8_t out_digest[WRT_SHA256_BYTES])
{
    static const uint8_t one = 0x80, zeros[WRT_SHA256_BLOCK_BYTES];
    const uint64_t bits = hash->size_bytes * 8;
    uint8_t length[8];

    write_be(length, (uint32_t)(bits >> 32));
    write_be(length + 4, (uint32_t)bits);
    wrt_sha256_add(hash, &one, 1);
    const size_t held = hash->size_bytes % WRT_SHA256_BLOCK_BYTES;
    wrt_sha256_add(hash, zeros, (2 * WRT_SHA256_BLOCK_BYTES - sizeof length - held) %
                                    WRT_SHA256_BLOCK_BYTES);
    wrt_sha256_add(hash, length, sizeof length);
    for (unsigned i = 0; i < 8; i++)
        write_be(out_digest + 4 * i, hash->state[i]);
}
