/* tools/sequences/kernels.c - small programs of many kinds: what the interpreter's fused sequences
 * are chosen from. None is of the yardstick.  SPDX-License-Identifier: Apache-2.0
 *
 * Each kernel is an export, and gives a number that depends on all that it did.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL(name) __attribute__((export_name(#name))) int name(void)
#define APART __attribute__((noinline))
#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static uint32_t seed = 12345;

static uint32_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static uint8_t bytes[1 << 14], more_bytes[1 << 15];
static int32_t numbers[4096], more_numbers[4096];
static float samples[2048], filtered[2048];
static double reals[64][64], more_reals[64][64], product[64][64];

/* Mostly by copying, which is one instruction, so that this does not count as work. */
#define REPEAT(array, size)                                                             \
    for (size_t at_ = (size); at_ < sizeof(array); at_ += (size))                       \
        memcpy((char *)(array) + at_, (array), (size))

static void fill(void)
{
    for (int i = 0; i < 512; i++)
        numbers[i] = (int32_t)any();
    for (int i = 0; i < 512; i++)
        samples[i] = (float)numbers[i] * 1e-9f;
    for (int i = 0; i < 512; i++)
        reals[i / 64][i % 64] = (double)numbers[i] * 1e-8;
    memcpy(bytes, numbers, 2048);
    for (int i = 0; i < 512; i++)
        numbers[i] = (int32_t)((uint32_t)numbers[i] >> 8);
    REPEAT(bytes, 2048);
    REPEAT(numbers, 2048);
    REPEAT(samples, 2048);
    REPEAT(reals, 4032);
    memcpy(more_reals, reals, sizeof reals);
}

/* ---- checksums and hashes ---- */

KERNEL(crc32_by_table)
{
    static uint32_t table[256];
    uint32_t crc = ~0u;
    fill();
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
        table[i] = c;
    }
    for (int pass = 0; pass < 8; pass++)
        for (int i = 0; i < COUNT(bytes); i++)
            crc = table[(crc ^ bytes[i]) & 0xFF] ^ crc >> 8;
    return (int)~crc;
}

KERNEL(adler_and_fletcher)
{
    uint32_t a = 1, b = 0, c = 0, d = 0;
    fill();
    for (int i = 0; i < COUNT(bytes); i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
        c += bytes[i];
        d += c;
    }
    return (int)(a ^ b << 16 ^ c ^ d);
}

KERNEL(fnv_and_djb)
{
    uint32_t h = 2166136261u, g = 5381;
    uint64_t w = 14695981039346656037u;
    fill();
    for (int i = 0; i < COUNT(bytes); i++) {
        h = (h ^ bytes[i]) * 16777619u;
        g = g * 33 + bytes[i];
        w = (w ^ bytes[i]) * 1099511628211u;
    }
    return (int)(h ^ g ^ (uint32_t)(w >> 32));
}

static uint32_t turned(uint32_t x, int by) { return x << by | x >> (32 - by); }
static uint64_t turned64(uint64_t x, int by) { return x << by | x >> (64 - by); }

static APART void md5_block(uint32_t *state, const uint32_t *m, const uint32_t *k)
{
    static const uint8_t turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int g;
        if (i < 16)
            f = (b & c) | (~b & d), g = i;
        else if (i < 32)
            f = (d & b) | (~d & c), g = (5 * i + 1) & 15;
        else if (i < 48)
            f = b ^ c ^ d, g = (3 * i + 5) & 15;
        else
            f = c ^ (b | ~d), g = 7 * i & 15;
        f += a + k[i] + m[g];
        a = d, d = c, c = b;
        b += turned(f, turns[i / 16][i & 3]);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

KERNEL(md5)
{
    uint32_t k[64], state[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    fill();
    for (int i = 0; i < 64; i++)
        k[i] = (uint32_t)(4294967296.0 * fabs(sin(i + 1)));
    for (int i = 0; i + 16 <= COUNT(numbers); i += 16)
        md5_block(state, (const uint32_t *)numbers + i, k);
    return (int)(state[0] ^ state[1] ^ state[2] ^ state[3]);
}

KERNEL(sha1)
{
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0}, w[80];
    fill();
    for (int at = 0; at + 64 <= COUNT(bytes); at += 64) {
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)bytes[at + 4 * i] << 24 | (uint32_t)bytes[at + 4 * i + 1] << 16 |
                   (uint32_t)bytes[at + 4 * i + 2] << 8 | bytes[at + 4 * i + 3];
        for (int i = 16; i < 80; i++)
            w[i] = turned(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 80; i++) {
            uint32_t f, k;
            if (i < 20)
                f = d ^ (b & (c ^ d)), k = 0x5A827999;
            else if (i < 40)
                f = b ^ c ^ d, k = 0x6ED9EBA1;
            else if (i < 60)
                f = (b & c) | (d & (b | c)), k = 0x8F1BBCDC;
            else
                f = b ^ c ^ d, k = 0xCA62C1D6;
            const uint32_t t = turned(a, 5) + f + e + k + w[i];
            e = d, d = c, c = turned(b, 30), b = a, a = t;
        }
        h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
    }
    return (int)(h[0] ^ h[1] ^ h[2] ^ h[3] ^ h[4]);
}

KERNEL(sha512_like)
{
    uint64_t h[8], w[80];
    fill();
    for (int i = 0; i < 8; i++)
        h[i] = (uint64_t)any() << 32 | any();
    for (int block = 0; block < 40; block++) {
        memcpy(w, numbers + 32 * block, 128);
        for (int i = 16; i < 80; i++) {
            const uint64_t s = w[i - 15], t = w[i - 2];
            w[i] = w[i - 16] + (turned64(s, 63) ^ turned64(s, 56) ^ s >> 7) + w[i - 7] +
                   (turned64(t, 45) ^ turned64(t, 3) ^ t >> 6);
        }
        uint64_t v[8];
        memcpy(v, h, sizeof v);
        for (int i = 0; i < 80; i++) {
            const uint64_t t = v[7] + (turned64(v[4], 50) ^ turned64(v[4], 46) ^ turned64(v[4], 23)) +
                               (v[6] ^ (v[4] & (v[5] ^ v[6]))) + w[i];
            const uint64_t u = (turned64(v[0], 36) ^ turned64(v[0], 30) ^ turned64(v[0], 25)) +
                               ((v[0] & v[1]) | (v[2] & (v[0] | v[1])));
            v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + t;
            v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = t + u;
        }
        for (int i = 0; i < 8; i++)
            h[i] += v[i];
    }
    return (int)(h[0] ^ h[3] ^ h[7]);
}

static APART uint32_t murmur(const uint8_t *key, int size)
{
    uint32_t h = 7;
    for (; size >= 4; size -= 4, key += 4) {
        uint32_t k;
        memcpy(&k, key, 4);
        h = turned(h ^ turned(k * 0xcc9e2d51u, 15) * 0x1b873593u, 13) * 5 + 0xe6546b64u;
    }
    h ^= h >> 16, h *= 0x85ebca6bu, h ^= h >> 13, h *= 0xc2b2ae35u;
    return h ^ h >> 16;
}

KERNEL(murmur_and_siphash)
{
    uint64_t a = 1, b = 2, c = 3, d = 4;
    uint32_t sum = 0;
    fill();
    for (int i = 0; i + 64 < COUNT(bytes); i += 32)
        sum ^= murmur(bytes + i, 16 + i % 48);
    for (int i = 0; i < 4000; i++) {
        d ^= (uint64_t)numbers[i];
        a += b, b = turned64(b, 13) ^ a, a = turned64(a, 32);
        c += d, d = turned64(d, 16) ^ c;
        a += d, d = turned64(d, 21) ^ a;
        c += b, b = turned64(b, 17) ^ c, c = turned64(c, 32);
        a ^= (uint64_t)numbers[i];
    }
    return (int)(sum ^ (uint32_t)(a ^ b ^ c ^ d));
}

KERNEL(xtea)
{
    uint32_t v0 = 1, v1 = 2;
    static const uint32_t key[4] = {1, 22, 333, 4444};
    for (int block = 0; block < 1500; block++) {
        uint32_t sum = 0;
        for (int i = 0; i < 32; i++) {
            v0 += ((v1 << 4 ^ v1 >> 5) + v1) ^ (sum + key[sum & 3]);
            sum += 0x9E3779B9;
            v1 += ((v0 << 4 ^ v0 >> 5) + v0) ^ (sum + key[sum >> 11 & 3]);
        }
    }
    return (int)(v0 ^ v1);
}

KERNEL(rc4_and_xorshift)
{
    uint8_t s[256];
    uint32_t i = 0, j = 0, sum = 0;
    for (int k = 0; k < 256; k++)
        s[k] = (uint8_t)k;
    for (int k = 0; k < 256; k++) {
        j = (j + s[k] + (uint32_t)k * 7) & 255;
        const uint8_t t = s[k];
        s[k] = s[j], s[j] = t;
    }
    for (int n = 0; n < 40000; n++) {
        i = (i + 1) & 255;
        j = (j + s[i]) & 255;
        const uint8_t t = s[i];
        s[i] = s[j], s[j] = t;
        sum = sum * 31 + (s[(s[i] + s[j]) & 255] ^ any());
    }
    return (int)sum;
}

/* ---- codecs ---- */

KERNEL(base64)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t *out = more_bytes;
    int sum = 0;
    fill();
    for (int i = 0; i + 3 <= COUNT(bytes); i += 3) {
        const uint32_t v = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        *out++ = (uint8_t)digits[v >> 18], *out++ = (uint8_t)digits[v >> 12 & 63];
        *out++ = (uint8_t)digits[v >> 6 & 63], *out++ = (uint8_t)digits[v & 63];
    }
    for (const uint8_t *p = more_bytes; p < out; p++) {
        const int c = *p;
        sum = sum * 3 + (c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26
                         : c >= '0' && c <= '9' ? c - '0' + 52 : c == '+' ? 62 : 63);
    }
    return sum;
}

static APART int lz_unpack(const uint8_t *in, int size, uint8_t *out)
{
    const uint8_t *const end = in + size;
    uint8_t *const start = out;
    while (in < end) {
        int literals = *in >> 4, match = *in & 15;
        in++;
        while (literals-- > 0)
            *out++ = *in++;
        const uint8_t *from = out - (1 + (in[0] | in[1] << 8));
        in += 2;
        for (match += 3; match > 0; match--)
            *out++ = *from++;
    }
    return (int)(out - start);
}

KERNEL(lz)
{
    int size = 0, sum = 0;
    for (int n = 0; n < 700; n++) {
        const int literals = n == 0 ? 8 : (int)(any() % 6);
        bytes[size++] = (uint8_t)(literals << 4 | (any() & 15));
        for (int i = 0; i < literals; i++)
            bytes[size++] = (uint8_t)any();
        bytes[size++] = (uint8_t)(any() % 8);
        bytes[size++] = 0;
    }
    for (int pass = 0; pass < 6; pass++)
        sum += lz_unpack(bytes, size, more_bytes) + more_bytes[pass * 100];
    return sum;
}

KERNEL(run_lengths)
{
    int out = 0, sum = 0;
    fill();
    for (int i = 0; i < COUNT(bytes); i++)
        bytes[i] &= bytes[i] >> 3 & 1 ? 0 : 3;
    for (int i = 0; i < COUNT(bytes);) {
        int run = 1;
        while (i + run < COUNT(bytes) && run < 255 && bytes[i + run] == bytes[i])
            run++;
        more_bytes[out++ & 16383] = (uint8_t)run;
        more_bytes[out++ & 16383] = bytes[i];
        i += run;
    }
    for (int i = 0; i < out; i += 2)
        for (int k = 0; k < more_bytes[i]; k++)
            sum = sum * 5 + more_bytes[i + 1];
    return sum;
}

struct bits {
    const uint8_t *at;
    uint32_t held, count;
};

static APART uint32_t take_bits(struct bits *b, uint32_t count)
{
    while (b->count < count) {
        b->held |= (uint32_t)*b->at++ << b->count;
        b->count += 8;
    }
    const uint32_t value = b->held & ((1u << count) - 1);
    b->held >>= count;
    b->count -= count;
    return value;
}

KERNEL(bit_stream)
{
    struct bits b = {.at = bytes};
    uint32_t sum = 0;
    fill();
    while (b.at + 8 < bytes + COUNT(bytes)) {
        const uint32_t kind = take_bits(&b, 2);
        sum = sum * 31 + take_bits(&b, 3 + kind * 4);
    }
    return (int)sum;
}

KERNEL(huffman)
{
    static int16_t left[64], right[64];
    int nodes = 1, sum = 0;
    fill();
    for (int i = 0; i < 31; i++) {
        left[i] = (int16_t)nodes++, right[i] = (int16_t)nodes++;
    }
    for (int i = 0, node = 0; i < COUNT(bytes); i++)
        for (int bit = 7; bit >= 0; bit--) {
            node = bytes[i] >> bit & 1 ? right[node] : left[node];
            if (node >= 31)
                sum = sum * 7 + node, node = 0;
        }
    return sum;
}

KERNEL(leb128_and_varints)
{
    int size = 0;
    uint32_t sum = 0;
    fill();
    for (int i = 0; i < 2500; i++) {
        uint32_t v = (uint32_t)numbers[i] >> (i % 24);
        for (; v >= 0x80; v >>= 7)
            more_bytes[size++] = (uint8_t)(v | 0x80);
        more_bytes[size++] = (uint8_t)v;
    }
    for (int i = 0; i < size;) {
        uint32_t v = 0;
        int shift = 0;
        uint8_t byte;
        do {
            byte = more_bytes[i++];
            v |= (uint32_t)(byte & 0x7F) << shift;
            shift += 7;
        } while (byte & 0x80);
        sum = sum * 17 + v;
    }
    return (int)sum;
}

KERNEL(adpcm)
{
    static const int8_t moves[16] = {-1, -1, -1, -1, 2, 4, 6, 8, -1, -1, -1, -1, 2, 4, 6, 8};
    int predicted = 0, index = 0, sum = 0;
    fill();
    for (int i = 0; i < COUNT(bytes); i++) {
        const int code = bytes[i] & 15, step = 7 << (index >> 3);
        int change = step >> 3;
        if (code & 4) change += step;
        if (code & 2) change += step >> 1;
        if (code & 1) change += step >> 2;
        predicted += code & 8 ? -change : change;
        predicted = predicted > 32767 ? 32767 : predicted < -32768 ? -32768 : predicted;
        index += moves[code];
        index = index < 0 ? 0 : index > 88 ? 88 : index;
        sum += predicted;
    }
    return sum;
}

/* ---- control and signals ---- */

struct regulator {
    float gain, integral_gain, rate_gain, integral, before, low, high;
};

static APART float regulate(struct regulator *r, float error, float dt)
{
    r->integral += error * r->integral_gain * dt;
    if (r->integral > r->high)
        r->integral = r->high;
    if (r->integral < r->low)
        r->integral = r->low;
    const float rate = (error - r->before) / dt;
    r->before = error;
    const float out = r->gain * error + r->integral + r->rate_gain * rate;
    return out > r->high ? r->high : out < r->low ? r->low : out;
}

KERNEL(regulators)
{
    struct regulator r[6];
    float position[6] = {0}, speed[6] = {0};
    for (int i = 0; i < 6; i++)
        r[i] = (struct regulator){1.5f + (float)i * 0.1f, 0.2f, 0.05f, 0, 0, -3, 3};
    for (int t = 0; t < 4000; t++)
        for (int i = 0; i < 6; i++) {
            const float wanted = t % 500 < 250 ? 1.0f : 0.0f;
            const float force = regulate(&r[i], wanted - position[i], 0.01f);
            speed[i] += (force - 0.3f * speed[i]) * 0.01f;
            position[i] += speed[i] * 0.01f;
        }
    return (int)(position[0] * 1e6f + position[5] * 1e6f);
}

struct section {
    float b0, b1, b2, a1, a2, x1, x2, y1, y2;
};

static APART float section_step(struct section *s, float x)
{
    const float y = s->b0 * x + s->b1 * s->x1 + s->b2 * s->x2 - s->a1 * s->y1 - s->a2 * s->y2;
    s->x2 = s->x1, s->x1 = x;
    s->y2 = s->y1, s->y1 = y;
    return y;
}

KERNEL(filter_sections)
{
    struct section s[4];
    float sum = 0;
    fill();
    for (int i = 0; i < 4; i++)
        s[i] = (struct section){0.1f, 0.2f, 0.1f, -0.6f, 0.2f, 0, 0, 0, 0};
    for (int pass = 0; pass < 3; pass++)
        for (int i = 0; i < COUNT(samples); i++) {
            float x = samples[i];
            for (int k = 0; k < 4; k++)
                x = section_step(&s[k], x);
            sum += x * x;
        }
    return (int)(sum * 1000);
}

KERNEL(fir_and_average)
{
    float taps[16], sum = 0;
    double mean = 0, variance = 0;
    fill();
    for (int k = 0; k < 16; k++)
        taps[k] = 1.0f / (float)(k + 2);
    for (int i = 16; i < COUNT(samples); i++) {
        float y = 0;
        for (int k = 0; k < 16; k++)
            y += taps[k] * samples[i - k];
        filtered[i] = y;
        mean += (y - mean) * 0.01;
        variance = 0.99 * (variance + 0.01 * (y - mean) * (y - mean));
        sum += filtered[i] - filtered[i - 8];
    }
    return (int)(sum * 1000 + (float)(mean * 1e5) + (float)variance);
}

struct machine_state {
    int state, timer, errors;
    float temperature, pressure;
};

static APART void machine_step(struct machine_state *m, float input, uint32_t buttons)
{
    m->timer++;
    switch (m->state) {
    case 0:
        if (buttons & 1)
            m->state = 1, m->timer = 0;
        break;
    case 1:
        m->temperature += input * 0.5f;
        if (m->temperature > 80.0f)
            m->state = 2;
        else if (m->timer > 300)
            m->state = 4, m->errors++;
        break;
    case 2:
        m->pressure += (m->temperature - m->pressure) * 0.1f;
        if (m->pressure > 70.0f && !(buttons & 2))
            m->state = 3, m->timer = 0;
        break;
    case 3:
        m->temperature *= 0.97f;
        m->pressure *= 0.98f;
        if (m->temperature < 20.0f)
            m->state = 0;
        break;
    default:
        if (buttons & 4)
            m->state = 0, m->temperature = 0;
    }
}

KERNEL(state_machines)
{
    struct machine_state m[8];
    int sum = 0;
    memset(m, 0, sizeof m);
    for (int t = 0; t < 3000; t++)
        for (int i = 0; i < 8; i++) {
            machine_step(&m[i], 0.5f + (float)(t & 7) * 0.1f, any());
            sum += m[i].state;
        }
    return sum + m[3].errors;
}

KERNEL(kalman)
{
    double x[2] = {0, 1}, p[2][2] = {{1, 0}, {0, 1}}, sum = 0;
    for (int i = 0; i < 9000; i++) {
        const double seen = i * 0.01 + (double)(any() >> 16) * 1e-6;
        x[0] += x[1] * 0.01;
        p[0][0] += 0.01 * (p[1][0] + p[0][1]) + 1e-4;
        p[0][1] += 0.01 * p[1][1];
        p[1][0] += 0.01 * p[1][1];
        p[1][1] += 1e-4;
        const double s = p[0][0] + 0.1, k0 = p[0][0] / s, k1 = p[1][0] / s, y = seen - x[0];
        x[0] += k0 * y, x[1] += k1 * y;
        const double p00 = p[0][0], p01 = p[0][1];
        p[0][0] -= k0 * p00, p[0][1] -= k0 * p01, p[1][0] -= k1 * p00, p[1][1] -= k1 * p01;
        sum += x[0];
    }
    return (int)(sum + x[1] * 1e6);
}

KERNEL(attitude)
{
    float q[4] = {1, 0, 0, 0}, sum = 0;
    for (int i = 0; i < 6000; i++) {
        const float gx = 0.01f * (float)(i & 15), gy = 0.02f, gz = -0.01f;
        const float a = q[0], b = q[1], c = q[2], d = q[3];
        q[0] += 0.5f * (-b * gx - c * gy - d * gz) * 0.01f;
        q[1] += 0.5f * (a * gx + c * gz - d * gy) * 0.01f;
        q[2] += 0.5f * (a * gy - b * gz + d * gx) * 0.01f;
        q[3] += 0.5f * (a * gz + b * gy - c * gx) * 0.01f;
        const float norm = 1.0f / sqrtf(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
        for (int k = 0; k < 4; k++)
            q[k] *= norm;
        sum += q[1] * q[2];
    }
    return (int)(sum * 1000);
}

KERNEL(fixed_point)
{
    int32_t y = 0, z = 0, sum = 0;
    fill();
    for (int pass = 0; pass < 4; pass++)
        for (int i = 0; i < COUNT(numbers); i++) {
            const int32_t x = numbers[i] >> 8;
            y += (x - y) >> 3;
            z = (int32_t)(((int64_t)z * 60000 + (int64_t)y * 5536) >> 16);
            const int32_t clipped = z > 20000 ? 20000 : z < -20000 ? -20000 : z;
            sum += clipped;
            more_numbers[i] = (y * 3 + z * 5 + 4) >> 3;
        }
    return sum + more_numbers[99];
}

static APART float look_up(const float *xs, const float *ys, int count, float x)
{
    int low = 0, high = count - 1;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (xs[middle] <= x)
            low = middle;
        else
            high = middle;
    }
    return ys[low] + (ys[high] - ys[low]) * (x - xs[low]) / (xs[high] - xs[low]);
}

KERNEL(characteristic_map)
{
    float xs[33], ys[33], sum = 0;
    for (int i = 0; i < 33; i++)
        xs[i] = (float)i, ys[i] = (float)(i * i);
    for (int i = 0; i < 8000; i++)
        sum += look_up(xs, ys, 33, (float)(any() & 0x1FFFFF) * (1.0f / 65536.0f));
    return (int)sum;
}

KERNEL(frames_and_signals)
{
    struct { uint32_t id; uint8_t data[8]; } frame;
    uint32_t sum = 0;
    fill();
    for (int i = 0; i + 12 <= COUNT(bytes); i += 4) {
        memcpy(&frame, bytes + i, sizeof frame);
        switch (frame.id & 7) {
        case 0: sum += (uint32_t)frame.data[0] << 8 | frame.data[1]; break;
        case 1: sum ^= (uint32_t)(frame.data[2] & 0x3F) << 4 | frame.data[3] >> 4; break;
        case 2: sum += (uint32_t)(int32_t)(int16_t)(frame.data[4] | frame.data[5] << 8); break;
        case 3: sum -= frame.data[6] * 3u; break;
        case 4: sum += frame.data[7] & 1 ? 10 : 20; break;
        default: sum = sum * 3 + frame.data[frame.id >> 8 & 7];
        }
    }
    return (int)sum;
}

KERNEL(ring_buffer)
{
    static uint32_t ring[256];
    uint32_t head = 0, tail = 0, sum = 0, dropped = 0;
    for (int i = 0; i < 30000; i++) {
        const uint32_t r = any();
        if (r & 3) {
            if (head - tail < 256)
                ring[head++ & 255] = r;
            else
                dropped++;
        } else {
            for (int k = 0; k < 5 && tail != head; k++)
                sum += ring[tail++ & 255];
        }
    }
    return (int)(sum + dropped);
}

/* ---- numbers ---- */

KERNEL(matrices)
{
    double trace = 0;
    fill();
    for (int i = 0; i < 40; i++)
        for (int j = 0; j < 40; j++) {
            double sum = 0;
            for (int k = 0; k < 40; k++)
                sum += reals[i][k] * more_reals[k][j];
            product[i][j] = sum;
        }
    for (int i = 0; i < 40; i++)
        trace += product[i][i];
    return (int)trace;
}

KERNEL(elimination)
{
    double determinant = 1;
    fill();
    for (int k = 0; k < 40; k++) {
        int best = k;
        for (int i = k + 1; i < 40; i++)
            if (fabs(reals[i][k]) > fabs(reals[best][k]))
                best = i;
        for (int j = 0; j < 40; j++) {
            const double t = reals[k][j];
            reals[k][j] = reals[best][j], reals[best][j] = t;
        }
        determinant *= reals[k][k] * 0.05;
        for (int i = k + 1; i < 40; i++) {
            const double f = reals[i][k] / reals[k][k];
            for (int j = k; j < 40; j++)
                reals[i][j] -= f * reals[k][j];
        }
    }
    return determinant > 0;
}

KERNEL(fft)
{
    static float re[512], im[512];
    float sum = 0;
    fill();
    for (int i = 0; i < 512; i++)
        re[i] = samples[i], im[i] = 0;
    for (int i = 1, j = 0; i < 512; i++) {
        int bit = 256;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            const float t = re[i];
            re[i] = re[j], re[j] = t;
        }
    }
    for (int size = 2; size <= 512; size *= 2) {
        const float angle = -6.2831853f / (float)size, c = cosf(angle), s = sinf(angle);
        for (int i = 0; i < 512; i += size) {
            float wr = 1, wi = 0;
            for (int j = 0; j < size / 2; j++) {
                const int a = i + j, b = a + size / 2;
                const float tr = re[b] * wr - im[b] * wi, ti = re[b] * wi + im[b] * wr;
                re[b] = re[a] - tr, im[b] = im[a] - ti;
                re[a] += tr, im[a] += ti;
                const float next = wr * c - wi * s;
                wi = wr * s + wi * c, wr = next;
            }
        }
    }
    for (int i = 0; i < 512; i++)
        sum += re[i] * re[i] + im[i] * im[i];
    return (int)(sum * 100);
}

KERNEL(dct_blocks)
{
    static int16_t block[64];
    int sum = 0;
    fill();
    for (int n = 0; n < 150; n++) {
        for (int i = 0; i < 64; i++)
            block[i] = (int16_t)(bytes[n * 64 + i] - 128);
        for (int row = 0; row < 8; row++) {
            int16_t *p = block + row * 8;
            const int a = p[0] + p[7], b = p[1] + p[6], c = p[2] + p[5], d = p[3] + p[4];
            const int e = p[0] - p[7], f = p[1] - p[6], g = p[2] - p[5], h = p[3] - p[4];
            p[0] = (int16_t)((a + b + c + d) >> 1);
            p[4] = (int16_t)((a - b - c + d) >> 1);
            p[2] = (int16_t)(((a - d) * 669 + (b - c) * 277) >> 10);
            p[6] = (int16_t)(((a - d) * 277 - (b - c) * 669) >> 10);
            p[1] = (int16_t)((e * 710 + f * 602 + g * 402 + h * 141) >> 10);
            p[7] = (int16_t)((e * 141 - f * 402 + g * 602 - h * 710) >> 10);
        }
        for (int i = 0; i < 64; i++)
            sum += block[i] < 0 ? -block[i] / 3 : block[i] / 5;
    }
    return sum;
}

KERNEL(bodies)
{
    double x[5][3], v[5][3], m[5], energy = 0;
    fill();
    for (int i = 0; i < 5; i++) {
        m[i] = 1 + i;
        for (int k = 0; k < 3; k++)
            x[i][k] = reals[i][k] + i * 3, v[i][k] = 0;
    }
    for (int t = 0; t < 600; t++) {
        for (int i = 0; i < 5; i++)
            for (int j = i + 1; j < 5; j++) {
                const double dx = x[i][0] - x[j][0], dy = x[i][1] - x[j][1], dz = x[i][2] - x[j][2];
                const double square = dx * dx + dy * dy + dz * dz + 0.01;
                const double f = 0.001 / (square * sqrt(square));
                v[i][0] -= dx * m[j] * f, v[i][1] -= dy * m[j] * f, v[i][2] -= dz * m[j] * f;
                v[j][0] += dx * m[i] * f, v[j][1] += dy * m[i] * f, v[j][2] += dz * m[i] * f;
            }
        for (int i = 0; i < 5; i++)
            for (int k = 0; k < 3; k++)
                x[i][k] += v[i][k] * 0.001;
    }
    for (int i = 0; i < 5; i++)
        energy += m[i] * (v[i][0] * v[i][0] + v[i][1] * v[i][1]);
    return (int)(energy * 1e9);
}

KERNEL(fractal)
{
    int sum = 0;
    for (int py = 0; py < 40; py++)
        for (int px = 0; px < 40; px++) {
            const double cr = px * 0.06 - 1.8, ci = py * 0.06 - 1.2;
            double zr = 0, zi = 0;
            int n = 0;
            while (n < 60 && zr * zr + zi * zi < 4) {
                const double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci, zr = t;
                n++;
            }
            sum += n;
        }
    return sum;
}

KERNEL(big_numbers)
{
    static uint32_t a[64], b[64], c[128];
    fill();
    for (int i = 0; i < 64; i++)
        a[i] = any(), b[i] = any();
    for (int pass = 0; pass < 4; pass++)
        for (int i = 0; i < 64; i++) {
            uint64_t carry = 0;
            for (int j = 0; j < 64; j++) {
                carry += (uint64_t)a[i] * b[j] + c[i + j];
                c[i + j] = (uint32_t)carry;
                carry >>= 32;
            }
            c[i + 64] += (uint32_t)carry;
        }
    return (int)(c[0] ^ c[50] ^ c[127]);
}

KERNEL(primes_and_factors)
{
    int sum = 0;
    for (uint32_t n = 3; n < 2500; n += 2) {
        uint32_t d = 3;
        while (d * d <= n && n % d != 0)
            d += 2;
        if (d * d > n)
            sum += (int)n;
    }
    for (uint32_t a = 1; a < 60; a++)
        for (uint32_t b = 1; b < 60; b++) {
            uint32_t x = a * 37, y = b * 91;
            while (y != 0) {
                const uint32_t t = x % y;
                x = y, y = t;
            }
            sum += (int)x;
        }
    return sum;
}

KERNEL(longest_walk)
{
    uint32_t best = 0;
    for (uint32_t n = 1; n < 1200; n++) {
        uint64_t x = n;
        uint32_t steps = 0;
        for (; x != 1; steps++)
            x = x & 1 ? 3 * x + 1 : x / 2;
        if (steps > best)
            best = steps;
    }
    return (int)best;
}

/* ---- data ---- */

KERNEL(insertion_and_shell)
{
    fill();
    for (int gap = 701; gap > 0; gap /= 3)
        for (int i = gap; i < COUNT(numbers); i++) {
            const int32_t t = numbers[i];
            int j = i;
            for (; j >= gap && numbers[j - gap] > t; j -= gap)
                numbers[j] = numbers[j - gap];
            numbers[j] = t;
        }
    return numbers[7] ^ numbers[2000];
}

static APART void merge_sort(int32_t *a, int32_t *b, int count)
{
    if (count < 2)
        return;
    const int half = count / 2;
    merge_sort(a, b, half);
    merge_sort(a + half, b + half, count - half);
    int i = 0, j = half, k = 0;
    while (i < half && j < count)
        b[k++] = a[i] <= a[j] ? a[i++] : a[j++];
    while (i < half)
        b[k++] = a[i++];
    while (j < count)
        b[k++] = a[j++];
    for (i = 0; i < count; i++)
        a[i] = b[i];
}

KERNEL(merging)
{
    fill();
    merge_sort(numbers, more_numbers, COUNT(numbers));
    return numbers[5] ^ numbers[3000];
}

KERNEL(radix)
{
    fill();
    for (int shift = 0; shift < 24; shift += 8) {
        int counts[256] = {0}, at = 0;
        for (int i = 0; i < COUNT(numbers); i++)
            counts[numbers[i] >> shift & 255]++;
        for (int i = 0; i < 256; i++) {
            const int count = counts[i];
            counts[i] = at, at += count;
        }
        for (int i = 0; i < COUNT(numbers); i++)
            more_numbers[counts[numbers[i] >> shift & 255]++] = numbers[i];
        memcpy(numbers, more_numbers, sizeof numbers);
    }
    return numbers[5] ^ numbers[3000];
}

static int by_value(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

KERNEL(library_sort)
{
    fill();
    qsort(numbers, 1500, sizeof numbers[0], by_value);
    int sum = 0;
    for (int i = 0; i < 2000; i++) {
        const int32_t key = (int32_t)(any() >> 8);
        sum += bsearch(&key, numbers, 1500, sizeof numbers[0], by_value) != NULL;
    }
    return sum ^ numbers[77];
}

KERNEL(hash_table)
{
    static struct { uint32_t key, value; } table[2048];
    uint32_t found = 0;
    for (int i = 0; i < 9000; i++) {
        const uint32_t key = (any() & 0x7FF) + 1;
        uint32_t at = key * 2654435761u >> 21;
        while (table[at].key != 0 && table[at].key != key)
            at = (at + 1) & 2047;
        if (table[at].key == key)
            found += table[at].value;
        else if (i < 1400)
            table[at].key = key, table[at].value = (uint32_t)i;
    }
    return (int)found;
}

struct node {
    struct node *left, *right;
    int key;
};

KERNEL(trees_and_lists)
{
    static struct node pool[1200];
    struct node *root = NULL;
    int used = 0, sum = 0;
    memset(pool, 0, sizeof pool);
    for (int i = 0; i < 1200; i++) {
        const int key = (int)(any() >> 12);
        struct node **at = &root;
        while (*at != NULL && (*at)->key != key)
            at = key < (*at)->key ? &(*at)->left : &(*at)->right;
        if (*at == NULL) {
            *at = &pool[used++];
            (*at)->key = key;
        }
    }
    struct node *stack[64];
    int top = 0;
    for (const struct node *n = root; n != NULL || top > 0;) {
        for (; n != NULL; n = n->left)
            stack[top++] = (struct node *)(uintptr_t)n;
        n = stack[--top];
        sum = sum * 3 + n->key;
        n = n->right;
    }
    for (int i = 0; i + 1 < used; i++)
        pool[i].left = &pool[i + 1];
    for (int pass = 0; pass < 10; pass++)
        for (const struct node *n = pool; n != NULL && n->left != NULL; n = n->left)
            sum += n->key;
    return sum;
}

KERNEL(priority_queue)
{
    int count = 0, sum = 0;
    for (int i = 0; i < 6000; i++) {
        if (count < 500 && (any() & 3)) {
            int at = count++;
            const int32_t key = (int32_t)(any() >> 4);
            while (at > 0 && numbers[(at - 1) / 2] > key) {
                numbers[at] = numbers[(at - 1) / 2];
                at = (at - 1) / 2;
            }
            numbers[at] = key;
        } else if (count > 0) {
            sum ^= numbers[0];
            const int32_t key = numbers[--count];
            int at = 0;
            for (int child; (child = 2 * at + 1) < count; at = child) {
                if (child + 1 < count && numbers[child + 1] < numbers[child])
                    child++;
                if (numbers[child] >= key)
                    break;
                numbers[at] = numbers[child];
            }
            numbers[at] = key;
        }
    }
    return sum;
}

KERNEL(allocator)
{
    static void *held[128];
    uint32_t sum = 0;
    for (int i = 0; i < 3000; i++) {
        const uint32_t r = any(), at = r & 127;
        free(held[at]);
        held[at] = malloc(8 + (r >> 8 & 511));
        memset(held[at], (int)r, 8);
        sum += *(uint8_t *)held[r >> 20 & 127 & at];
    }
    for (int i = 0; i < 128; i++)
        free(held[i]), held[i] = NULL;
    return (int)sum;
}

KERNEL(grid_paths)
{
    static uint16_t cost[40][40];
    static uint8_t wall[40][40], queue[1600][2];
    int sum = 0;
    for (int pass = 0; pass < 5; pass++) {
        for (int i = 0; i < 1600; i++)
            wall[i / 40][i % 40] = any() % 4 == 0, cost[i / 40][i % 40] = 0xFFFF;
        int head = 0, tail = 0;
        queue[tail][0] = 20, queue[tail++][1] = 20, cost[20][20] = 0;
        while (head < tail) {
            const int y = queue[head][0], x = queue[head++][1];
            static const int8_t steps[4][2] = {{0, 1}, {1, 0}, {0, -1}, {-1, 0}};
            for (int k = 0; k < 4; k++) {
                const int ny = y + steps[k][0], nx = x + steps[k][1];
                if (ny < 0 || nx < 0 || ny >= 40 || nx >= 40 || wall[ny][nx] || cost[ny][nx] != 0xFFFF)
                    continue;
                cost[ny][nx] = (uint16_t)(cost[y][x] + 1);
                queue[tail][0] = (uint8_t)ny, queue[tail++][1] = (uint8_t)nx;
            }
        }
        sum += tail;
    }
    return sum;
}

KERNEL(cells)
{
    static uint8_t now[64][64], next[64][64];
    int sum = 0;
    for (int i = 0; i < 64 * 64; i++)
        now[i / 64][i % 64] = any() >> 7 & 1;
    for (int t = 0; t < 6; t++) {
        for (int y = 1; y < 63; y++)
            for (int x = 1; x < 63; x++) {
                const int n = now[y - 1][x - 1] + now[y - 1][x] + now[y - 1][x + 1] + now[y][x - 1] +
                              now[y][x + 1] + now[y + 1][x - 1] + now[y + 1][x] + now[y + 1][x + 1];
                next[y][x] = n == 3 || (n == 2 && now[y][x]);
            }
        memcpy(now, next, sizeof now);
    }
    for (int i = 0; i < 64 * 64; i++)
        sum += now[i / 64][i % 64] * i;
    return sum;
}

KERNEL(image)
{
    int sum = 0;
    fill();
    for (int y = 1; y < 127; y++)
        for (int x = 1; x < 127; x++) {
            const uint8_t *p = bytes + y * 128 + x;
            const int gx = p[1] - p[-1], gy = p[128] - p[-128];
            const int blur = (p[-1] + 2 * p[0] + p[1] + p[-128] + p[128] + 3) / 6;
            more_bytes[y * 128 + x] = (uint8_t)(abs(gx) + abs(gy) > 100 ? 255 : blur);
        }
    for (int i = 0; i < COUNT(bytes); i += 4) {
        const int a = bytes[i + 3], r = (bytes[i] * a + more_bytes[i] * (255 - a)) >> 8;
        const int g = (bytes[i + 1] * a + more_bytes[i + 1] * (255 - a)) >> 8;
        sum += r * 3 + g;
    }
    return sum;
}

KERNEL(distances)
{
    static int row[201];
    fill();
    for (int j = 0; j <= 200; j++)
        row[j] = j;
    for (int i = 1; i <= 200; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= 200; j++) {
            const int above = row[j], change = diagonal + ((bytes[i] & 3) != (bytes[4000 + j] & 3));
            int least = above + 1 < row[j - 1] + 1 ? above + 1 : row[j - 1] + 1;
            row[j] = change < least ? change : least;
            diagonal = above;
        }
    }
    return row[200];
}

/* ---- calls and recursion ---- */

static APART int ackermann(int m, int n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static APART int hanoi(int n, int from, int to, int over)
{
    return n == 0 ? 0 : hanoi(n - 1, from, over, to) + 1 + hanoi(n - 1, over, to, from);
}

static APART int ways(int n, int k)
{
    return k == 0 || k == n ? 1 : ways(n - 1, k - 1) + ways(n - 1, k);
}

KERNEL(recursion)
{
    return ackermann(2, 30) + hanoi(10, 1, 2, 3) + ways(13, 6);
}

struct shape_kind {
    int (*area)(const int *);
    int (*scale)(int *, int);
};
static APART int area_box(const int *s) { return s[0] * s[1]; }
static APART int area_triangle(const int *s) { return s[0] * s[1] / 2; }
static APART int area_ring(const int *s) { return 3 * (s[0] * s[0] - s[1] * s[1]); }
static APART int scale_both(int *s, int by) { s[0] += by; s[1] -= by; return s[0]; }
static APART int scale_one(int *s, int by) { return s[1] += by; }

KERNEL(methods)
{
    static const struct shape_kind kinds[4] = {{area_box, scale_both}, {area_triangle, scale_one},
                                               {area_ring, scale_both}, {area_box, scale_one}};
    int shapes[16][2], sum = 0;
    for (int i = 0; i < 16; i++)
        shapes[i][0] = i, shapes[i][1] = 20 - i;
    for (int t = 0; t < 8000; t++) {
        int *const s = shapes[any() & 15];
        const struct shape_kind *k = &kinds[t & 3];
        sum += k->area(s) + k->scale(s, (t & 7) - 3);
    }
    return sum;
}

static const char *cursor;
static APART int expression(void);

static APART int factor(void)
{
    int value = 0;
    if (*cursor == '(') {
        cursor++;
        value = expression();
        cursor++;
        return value;
    }
    while (*cursor >= '0' && *cursor <= '9')
        value = value * 10 + *cursor++ - '0';
    return value;
}

static APART int term(void)
{
    int value = factor();
    while (*cursor == '*' || *cursor == '/') {
        const char operator = *cursor++;
        const int other = factor();
        value = operator == '*' ? value * other : value / (other | 1);
    }
    return value;
}

static int expression(void)
{
    int value = term();
    while (*cursor == '+' || *cursor == '-')
        value = *cursor++ == '+' ? value + term() : value - term();
    return value;
}

KERNEL(calculator)
{
    int sum = 0;
    for (int i = 0; i < 900; i++) {
        cursor = "12*(3+45)-6/(7-2*3)+(8*(9+1)-11)*2-100/7";
        sum += expression() + i;
    }
    return sum;
}

KERNEL(bytecode)
{
    static const uint8_t program[] = {0, 100, 3, 0, 1, 4, 5, 3, 1, 2, 1, 6, 3, 7, 1, 8, 2};
    int sum = 0;
    for (int n = 0; n < 400; n++) {
        int registers[4] = {0}, stack[16], top = 0;
        for (int at = 0, run = 1; run;) {
            switch (program[at++]) {
            case 0: stack[top++] = program[at++]; break;
            case 1: stack[top++] = registers[program[at++] & 3]; break;
            case 2: stack[top - 2] += stack[top - 1]; top--; break;
            case 3: registers[program[at++] & 3] = stack[--top]; break;
            case 4: stack[top - 1] ^= n; break;
            case 5: stack[top - 1]--; break;
            case 6: if (--registers[0] > 0) at = 4; break;
            case 7: stack[top++] = registers[0]; break;
            default: run = 0;
            }
            if (top > 12)
                top = 1;
        }
        sum += registers[1] + top;
    }
    return sum;
}

/* ---- text ---- */

KERNEL(words)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog while 42 other, rather "
                               "sleepy animals watch; it is 17:45 and nothing else happens at all.";
    int sum = 0;
    for (int pass = 0; pass < 120; pass++) {
        int count = 0, length = 0, vowels = 0, number = 0;
        for (const char *p = text; *p != '\0'; p++) {
            const int letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
            if (letter) {
                length++;
                vowels += *p == 'a' || *p == 'e' || *p == 'i' || *p == 'o' || *p == 'u';
            } else if (length > 0) {
                count++, length = 0;
            }
            if (*p >= '0' && *p <= '9')
                number = number * 10 + *p - '0';
        }
        sum += count * 3 + vowels + number;
    }
    return sum;
}

KERNEL(json)
{
    static const char text[] = "{\"name\":\"pump 7\",\"values\":[1,-2,33.5,4e3,true,null],\"inner\":{\"a\":\"b\\n\"}}";
    int sum = 0;
    for (int pass = 0; pass < 250; pass++) {
        int depth = 0, strings = 0;
        double total = 0;
        for (const char *p = text; *p != '\0';) {
            const char c = *p++;
            if (c == '{' || c == '[') {
                depth++;
            } else if (c == '}' || c == ']') {
                depth--;
            } else if (c == '"') {
                strings++;
                while (*p != '"')
                    p += *p == '\\' ? 2 : 1;
                p++;
            } else if (c == '-' || (c >= '0' && c <= '9')) {
                double v = c == '-' ? 0 : c - '0';
                while (*p >= '0' && *p <= '9')
                    v = v * 10 + (*p++ - '0');
                total += c == '-' ? -v : v;
            }
            sum += depth;
        }
        sum += strings + (int)total;
    }
    return sum;
}

KERNEL(strings)
{
    char line[256], other[256];
    int sum = 0;
    for (int i = 0; i < 250; i++) {
        strcpy(line, "alpha,beta;gamma delta");
        strcat(line, i & 1 ? ",epsilon" : ";zeta");
        sum += (int)strlen(line) + strcmp(line, "alpha,beta;gamma") + (strstr(line, "gamma") != NULL);
        memmove(other, line + 3, 20);
        sum += memcmp(other, line, 10) + (strchr(line, ';') != NULL);
        sum += (int)strspn(line, "abhlp") + (int)strcspn(line, " ");
        for (char *word = strtok(line, ",; "); word != NULL; word = strtok(NULL, ",; "))
            sum += word[0];
    }
    return sum;
}

KERNEL(printing)
{
    char line[128];
    int sum = 0;
    for (int i = 0; i < 120; i++)
        sum += snprintf(line, sizeof line, "%d %5u %-8s|%08x %c %ld", i * 77, (unsigned)i, "name",
                        (unsigned)i * 9999u, 'a' + i % 26, (long)i * -100000) + line[3];
    return sum;
}

KERNEL(printing_floats)
{
    char line[128];
    int sum = 0;
    for (int i = 0; i < 40; i++)
        sum += snprintf(line, sizeof line, "%.3f %g %e", i * 1.7, i / 3.0, i * 1e10) + line[2];
    return sum;
}

KERNEL(reading)
{
    double sum = 0;
    for (int i = 0; i < 120; i++) {
        sum += strtod("3.14159", NULL) + strtod("-1.5e10", NULL) + (double)strtol("123456", NULL, 10);
        sum += atoi("-42") + (double)strtoul("7fff", NULL, 16);
    }
    return (int)(sum / 1e10 * 1000);
}

KERNEL(mathematics)
{
    double sum = 0;
    for (int i = 1; i < 900; i++) {
        const double x = i * 0.013;
        sum += sin(x) + cos(x) * exp(-x) + log(x + 1) + pow(x, 1.3) + atan2(x, 2) + floor(x) + fmod(x, 0.7);
    }
    return (int)(sum * 1000);
}
