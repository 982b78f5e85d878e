/* src/secure/chacha.h - ChaCha20 (RFC 8439, 2.3) as a generator of random numbers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Keystream by counter under a key that is the seed: 2^64 blocks of 16 words. Whoever learns the
 * state can tell what was drawn before, too. Constant time.
 */
#ifndef WRT_SECURE_CHACHA_H
#define WRT_SECURE_CHACHA_H

#include <stdint.h>

enum { WRT_CHACHA_KEY_BYTES = 32, WRT_CHACHA_WORDS = 16 };

struct wrt_chacha {
    uint32_t key[8];
    uint64_t counter, nonce;
    uint32_t words[WRT_CHACHA_WORDS]; /* of the block before counter */
    uint32_t used;                    /* of them */
};

void wrt_chacha_begin(struct wrt_chacha *random, const uint8_t key[WRT_CHACHA_KEY_BYTES]);
uint32_t wrt_chacha_next(struct wrt_chacha *random);

/* The block function: counter and nonce are the last four words of the state, low words first. */
void wrt_chacha_block(const struct wrt_chacha *random, uint32_t out[WRT_CHACHA_WORDS]);

#endif
