/* Counts the ways to place n queens: recursion, bit operations, hard-to-guess branches.
 * SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

static int place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    int ways = columns == all;
    for (uint32_t free = all & ~(columns | left | right); free != 0; free &= free - 1) {
        uint32_t queen = free & -free;
        ways += place(all, columns | queen, (left | queen) << 1, (right | queen) >> 1);
    }
    return ways;
}

int run(int n)
{
    return place((1u << n) - 1, 0, 0, 0);
}
