/* decide.h - what a fuzz target draws from its input: bytes, numbers near limits, pieces.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An input that is used up gives zeros, so every input means something.
 */
#ifndef DECIDE_H
#define DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "wrt/wrt.h"

struct decisions {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t decide_byte(struct decisions *from)
{
    if (from->left == 0)
        return 0;
    from->left--;
    return *from->at++;
}

static inline uint64_t decide_bytes(struct decisions *from, unsigned count)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)decide_byte(from) << 8 * i;
    return value;
}

/* Mostly small, often a limit, now and then anything. */
static inline uint64_t decide_number(struct decisions *from)
{
    static const uint64_t limits[] = {
        0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
        UINT64_C(0x100000000), UINT64_C(0x7FFFFFFFFFFFFFFF), UINT64_C(0x8000000000000000),
        UINT64_MAX - 1, UINT64_MAX, 0};
    uint8_t kind = decide_byte(from);

    if (kind < 0xC0)
        return kind & 0x7F;
    if (kind < 0xE0)
        return limits[kind & 15] + (kind < 0xD0 ? 0 : decide_byte(from));
    if (kind < 0xF0)
        return decide_bytes(from, 2);
    return decide_bytes(from, 8);
}

/* Up to `most` bytes of the input, where they stand. */
static inline struct decisions decide_piece(struct decisions *from, size_t most)
{
    struct decisions piece = {from->at, decide_byte(from)};

    piece.at = from->at;
    piece.left = piece.left > most ? most : piece.left;
    piece.left = piece.left > from->left ? from->left : piece.left;
    from->at += piece.left;
    from->left -= piece.left;
    return piece;
}

#define FUZZ_REQUIRE(condition)                                                    \
    do {                                                                           \
        if (!(condition)) {                                                        \
            fprintf(stderr, "broken: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                               \
        }                                                                          \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
