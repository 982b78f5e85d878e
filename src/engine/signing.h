/* engine/signing.h - handler addresses in code words, signed for the word that they stand in.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Code words are data: who can write anywhere could put an address of his own there, and the
 * interpreter would jump to it. On AArch64 (WRT_SIGN_HANDLERS, the default) the loader signs each
 * handler's address with the processor's key and the address of its word, and each dispatch
 * authenticates it (PAC, key IA): a changed word, and a right one in another place, make an
 * address that faults. The table of handlers itself is read-only and not signed.
 *
 * The instructions are of the hint space, so they do nothing on processors without PAC (`wrt doctor`
 * tells); they want their operands in x17 and x16. Elsewhere there is no instruction.
 */
#ifndef ENGINE_SIGNING_H
#define ENGINE_SIGNING_H

#include <stdint.h>

#if defined(WRT_SIGN_HANDLERS) && defined(__aarch64__)

static inline const void *wrt_sign_handler(const void *handler, const void *word)
{
    register uintptr_t signed_ __asm__("x17") = (uintptr_t)handler;
    register uintptr_t place_ __asm__("x16") = (uintptr_t)word;

    __asm__("hint #8 // pacia1716" : "+r"(signed_) : "r"(place_));
    return (const void *)signed_;
}

static inline const void *wrt_authentic_handler(const void *handler, const void *word)
{
    register uintptr_t plain_ __asm__("x17") = (uintptr_t)handler;
    register uintptr_t place_ __asm__("x16") = (uintptr_t)word;

    __asm__("hint #12 // autia1716" : "+r"(plain_) : "r"(place_));
    return (const void *)plain_;
}

#elif defined(WRT_COUNT_SEQUENCES)

/* tools/sequences: every dispatch is counted. The bit says that only the next instruction wants
 * the result (fuse.c). */
#define WRT_PASSING ((uintptr_t)1 << 63)

const void *wrt_sequence_seen(const void *handler, const void *word);

static inline const void *wrt_sign_handler(const void *handler, const void *word)
{
    (void)word;
    return handler;
}

static inline const void *wrt_authentic_handler(const void *handler, const void *word)
{
    return wrt_sequence_seen(handler, word);
}

#else

static inline const void *wrt_sign_handler(const void *handler, const void *word)
{
    (void)word;
    return handler;
}

static inline const void *wrt_authentic_handler(const void *handler, const void *word)
{
    (void)word;
    return handler;
}

#endif
#endif
