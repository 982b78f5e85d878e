/* Dot products of 1,024 floats, and of 2,048 16-bit integers, n times: loads, products, sums.
 * SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

enum { FLOATS = 1024, SHORTS = 2048 };
typedef float floats __attribute__((vector_size(16)));
typedef int16_t shorts __attribute__((vector_size(16)));
typedef int16_t half __attribute__((vector_size(8)));
typedef int32_t ints __attribute__((vector_size(16)));

static floats x[FLOATS / 4], y[FLOATS / 4];
static shorts a[SHORTS / 8], b[SHORTS / 8];

static floats dot_floats(void)
{
    floats sum = {0};
    for (int i = 0; i < FLOATS / 4; i++)
        sum += x[i] * y[i];
    return sum;
}

static ints widen(half h)
{
    return __builtin_convertvector(h, ints);
}

static ints dot_shorts(void)
{
    ints sum = {0};
    for (int i = 0; i < SHORTS / 8; i++) {
        const shorts p = a[i], q = b[i];
        sum += widen(__builtin_shufflevector(p, p, 0, 1, 2, 3)) * widen(__builtin_shufflevector(q, q, 0, 1, 2, 3));
        sum += widen(__builtin_shufflevector(p, p, 4, 5, 6, 7)) * widen(__builtin_shufflevector(q, q, 4, 5, 6, 7));
    }
    return sum;
}

int run(int n)
{
    ints total = {0};
    for (int i = 0; i < FLOATS; i++)
        ((float *)x)[i] = (float)(i % 7), ((float *)y)[i] = (float)(i % 5);
    for (int i = 0; i < SHORTS; i++)
        ((int16_t *)a)[i] = (int16_t)(i * 37), ((int16_t *)b)[i] = (int16_t)(i * 101);
    for (int i = 0; i < n; i++) {
        x[i % (FLOATS / 4)] += 1.0f;
        total = total * 3 + __builtin_convertvector(dot_floats(), ints) + dot_shorts();
    }
    return total[0] ^ total[1] ^ total[2] ^ total[3];
}
