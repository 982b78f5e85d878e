/* The Mandelbrot set, n rows of 512 points, four points at a time: f32x4, masks, branches.
 * SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

typedef float floats __attribute__((vector_size(16)));
typedef int32_t masks __attribute__((vector_size(16)));

static masks escape(floats cx, floats cy)
{
    floats x = {0}, y = {0};
    masks count = {0};
    for (int i = 0; i < 100; i++) {
        const floats xx = x * x, yy = y * y;
        const masks inside = xx + yy < 4.0f;
        if ((inside[0] | inside[1] | inside[2] | inside[3]) == 0)
            break;
        count -= inside;
        y = 2.0f * x * y + cy;
        x = xx - yy + cx;
    }
    return count;
}

int run(int n)
{
    masks sum = {0};
    for (int row = 0; row < n; row++)
        for (int column = 0; column < 512; column += 4) {
            const float left = (float)column / 256.0f - 1.5f, step = 1.0f / 256.0f;
            const floats cx = {left, left + step, left + 2 * step, left + 3 * step};
            const float y = (float)row / (float)n * 2.0f - 1.0f;
            sum = sum * 3 + escape(cx, (floats){y, y, y, y});
        }
    return sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
}
