/* src/secure/chacha.c - see chacha.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "secure/chacha.h"

#include "base/bytes.h"

static uint32_t rotl(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
    *a += *b, *d = rotl(*d ^ *a, 16);
    *c += *d, *b = rotl(*b ^ *c, 12);
    *a += *b, *d = rotl(*d ^ *a, 8);
    *c += *d, *b = rotl(*b ^ *c, 7);
}

void wrt_chacha_block(const struct wrt_chacha *random, uint32_t out[WRT_CHACHA_WORDS])
{
    const uint32_t *k = random->key;
    const uint32_t first[WRT_CHACHA_WORDS] = {
        0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, k[0], k[1], k[2], k[3], k[4], k[5],
        k[6], k[7], (uint32_t)random->counter, (uint32_t)(random->counter >> 32),
        (uint32_t)random->nonce, (uint32_t)(random->nonce >> 32)};
    uint32_t x[WRT_CHACHA_WORDS];

    memcpy(x, first, sizeof x);
    for (unsigned round = 0; round < 20; round += 2) {
        for (unsigned i = 0; i < 4; i++)
            quarter_round(&x[i], &x[4 + i], &x[8 + i], &x[12 + i]);
        for (unsigned i = 0; i < 4; i++)
            quarter_round(&x[i], &x[4 + (i + 1) % 4], &x[8 + (i + 2) % 4], &x[12 + (i + 3) % 4]);
    }
    for (unsigned i = 0; i < WRT_CHACHA_WORDS; i++)
        out[i] = x[i] + first[i];
}

void wrt_chacha_begin(struct wrt_chacha *random, const uint8_t key[WRT_CHACHA_KEY_BYTES])
{
    for (unsigned i = 0; i < 8; i++)
        random->key[i] = wrt_read_u32(key + 4 * i);
    random->counter = random->nonce = 0;
    random->used = WRT_CHACHA_WORDS;
}

uint32_t wrt_chacha_next(struct wrt_chacha *random)
{
    if (random->used == WRT_CHACHA_WORDS) {
        wrt_chacha_block(random, random->words);
        random->counter++;
        random->used = 0;
    }
    return random->words[random->used++];
}
