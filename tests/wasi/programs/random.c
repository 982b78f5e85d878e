/* tests/wasi/programs/random.c - random_get.
 * SPDX-License-Identifier: Apache-2.0
 * run: --random system --
 */
#include "check.h"

#include <unistd.h>

static uint8_t large[1 << 20];

int main(void)
{
    uint8_t a[64] = {0}, b[64] = {0};
    CHECK_EQUAL(getentropy(a, sizeof a), 0);
    CHECK_EQUAL(__wasi_random_get(b, sizeof b), 0);
    CHECK(memcmp(a, b, sizeof a) != 0);
    CHECK_EQUAL(__wasi_random_get(large, sizeof large), 0);
    unsigned counts[256] = {0};
    for (size_t i = 0; i < sizeof large; i++)
        counts[large[i]]++;
    for (unsigned i = 0; i < 256; i++) /* 4,096 each; 10 standard deviations */
        CHECK(counts[i] > 3450 && counts[i] < 4750);
    CHECK_EQUAL(__wasi_random_get(b, 0), 0);
    return check_end();
}
