/* About 12 KB of code: the size of module that is loaded whole. Ten times five functions of
 * loops, branches, memory and floating point.  SPDX-License-Identifier: Apache-2.0 */
#define EXPORT(name) __attribute__((export_name(name), noinline))

static unsigned words[256];
static float taps[64];

/* `k` only makes each copy code of its own. */
#define KERNELS(k)                                                                            \
    EXPORT("hash" #k) unsigned hash##k(unsigned seed, int n)                                  \
    {                                                                                         \
        for (int i = 0; i < n; i++) {                                                         \
            seed = (seed ^ words[(seed + k) & 255]) * (0x2c1b3c6du + k);                      \
            seed ^= seed >> (7 + k % 9);                                                      \
            words[i & 255] = seed + (unsigned)i;                                              \
        }                                                                                     \
        return seed;                                                                          \
    }                                                                                         \
    EXPORT("sort" #k) int sort##k(int from, int to)                                           \
    {                                                                                         \
        int moves = 0;                                                                        \
        for (int i = from + 1; i < to; i++) {                                                 \
            unsigned w = words[i & 255] + k;                                                  \
            int j = i;                                                                        \
            for (; j > from && words[(j - 1) & 255] > w; j--, moves++)                        \
                words[j & 255] = words[(j - 1) & 255];                                        \
            words[j & 255] = w;                                                               \
        }                                                                                     \
        return moves;                                                                         \
    }                                                                                         \
    EXPORT("filter" #k) float filter##k(float in, float gain)                                 \
    {                                                                                         \
        float sum = in;                                                                       \
        for (int i = 63; i > 0; i--) {                                                        \
            taps[i] = taps[i - 1] * gain + 0.125f * k;                                        \
            sum += taps[i] > 1.0f ? taps[i] : -taps[i];                                       \
        }                                                                                     \
        taps[0] = sum;                                                                        \
        return sum;                                                                           \
    }                                                                                         \
    EXPORT("state" #k) int state##k(int state, unsigned event)                                \
    {                                                                                         \
        switch (state & 7) {                                                                  \
        case 0: return event > 3 + k ? 1 : 0;                                                 \
        case 1: return event & 1 ? 2 : 4;                                                     \
        case 2: words[k] += event; return 3;                                                  \
        case 3: return words[k] > 1000 ? 5 : 2;                                               \
        case 4: words[k + 1] ^= event; return event == k ? 6 : 1;                             \
        case 5: words[k] = 0; return 7;                                                       \
        default: return sort##k(0, (int)(event & 15)) > 9 ? 0 : 1;                            \
        }                                                                                     \
    }                                                                                         \
    EXPORT("step" #k) double step##k(double x, double v, int n)                               \
    {                                                                                         \
        while (n-- > 0) {                                                                     \
            v -= x * (0.01 + k);                                                              \
            x += v * 0.01;                                                                    \
            if (x < -1.0 || x > 1.0)                                                          \
                v = -v * 0.5;                                                                 \
        }                                                                                     \
        return x + (double)hash##k(k, 3);                                                     \
    }

KERNELS(1) KERNELS(2) KERNELS(3) KERNELS(4) KERNELS(5) KERNELS(6)
KERNELS(7) KERNELS(8) KERNELS(9) KERNELS(10)

EXPORT("add") int add(int a, int b) { return a + b; }
