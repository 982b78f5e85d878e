/* The ChaCha20 block function, n blocks, a row a vector: i32x4 sums, rotations, shuffles.
 * SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

typedef uint32_t row __attribute__((vector_size(16)));

static row rotate(row x, unsigned n)
{
    return x << n | x >> (32 - n);
}

#define HALF_ROUND                                                                      \
    a += b, d = rotate(d ^ a, 16), c += d, b = rotate(b ^ c, 12);                       \
    a += b, d = rotate(d ^ a, 8), c += d, b = rotate(b ^ c, 7);

int run(int n)
{
    const row key = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    row sum = {0};
    for (int block = 0; block < n; block++) {
        row a = key, b = key * 3 + sum, c = key * 5, d = {(uint32_t)block, 1, 2, 3};
        for (int i = 0; i < 10; i++) {
            HALF_ROUND
            b = __builtin_shufflevector(b, b, 1, 2, 3, 0);
            c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
            d = __builtin_shufflevector(d, d, 3, 0, 1, 2);
            HALF_ROUND
            b = __builtin_shufflevector(b, b, 3, 0, 1, 2);
            c = __builtin_shufflevector(c, c, 2, 3, 0, 1);
            d = __builtin_shufflevector(d, d, 1, 2, 3, 0);
        }
        sum ^= (a + key) ^ (b + key) ^ c ^ d;
    }
    return (int)(sum[0] ^ sum[1] ^ sum[2] ^ sum[3]);
}
