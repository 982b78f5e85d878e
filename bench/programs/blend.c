/* Two images of 4,096 bytes blended by an alpha channel, n times: bytes widened, multiplied,
 * narrowed, as a compiler vectorises plain loops.  SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

enum { SIZE = 4096 };
static uint8_t from[SIZE], over[SIZE], alpha[SIZE], out[SIZE];

static void blend(void)
{
    for (int i = 0; i < SIZE; i++)
        out[i] = (uint8_t)((from[i] * (255 - alpha[i]) + over[i] * alpha[i] + 128) >> 8);
}

static void brighten(int by)
{
    for (int i = 0; i < SIZE; i++) {
        const int sum = out[i] + by;
        from[i] = (uint8_t)(sum > 255 ? 255 : sum);
    }
}

int run(int n)
{
    uint32_t hash = 1;
    for (int i = 0; i < SIZE; i++)
        from[i] = (uint8_t)(i * 7), over[i] = (uint8_t)(i * 13), alpha[i] = (uint8_t)(i >> 4);
    for (int i = 0; i < n; i++) {
        blend();
        brighten(i & 3);
        hash = hash * 31 + out[(i * 17) % SIZE];
    }
    return (int)hash;
}
