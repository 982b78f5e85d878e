/* base/tags.h - memory tags by instruction (ARM MTE); nothing elsewhere.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pointers carry their tag in bits 56 .. 59, and AArch64 ignores the whole top byte when it
 * translates an address. The library is built for any AArch64, so the instructions are written
 * out here and reached only where the port said that the machine has them; taking a tag off a
 * pointer works everywhere. On other machines all of this is constant, and compiles to nothing.
 */
#ifndef WRT_BASE_TAGS_H
#define WRT_BASE_TAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WRT_TAG_GRANULE = 16, WRT_TAG_SHIFT = 56, WRT_TAG_COUNT = 16 };

#if defined(__aarch64__)

#define WRT_HAS_TAG_INSTRUCTIONS 1
#define WRT_TAG_ASM(text) ".arch armv8.5-a+memtag\n\t" text

static inline void *wrt_untagged(const void *pointer)
{
    return (void *)((uintptr_t)pointer & (((uintptr_t)1 << WRT_TAG_SHIFT) - 1));
}

static inline unsigned wrt_pointer_tag(const void *pointer)
{
    return (unsigned)((uintptr_t)pointer >> WRT_TAG_SHIFT) & (WRT_TAG_COUNT - 1);
}

/* The pointer with the tag that its granule has. */
static inline void *wrt_tag_load(const void *pointer)
{
    uintptr_t word = (uintptr_t)pointer;

    __asm__ volatile(WRT_TAG_ASM("ldg %0, [%1]") : "+r"(word) : "r"(pointer) : "memory");
    return (void *)word;
}

/* The pointer with a random tag whose bit in `excluded` is not set; bit 0 is always taken to be.
 * Not all 16 may be excluded. */
static inline void *wrt_tag_choose(const void *pointer, unsigned excluded)
{
    uintptr_t word;

    __asm__ volatile(WRT_TAG_ASM("irg %0, %1, %2")
                     : "=r"(word)
                     : "r"(pointer), "r"((uintptr_t)(excluded | 1u)));
    return (void *)word;
}

/* Gives the granules of start .. start + size_bytes the pointer's tag; both in granules. */
static inline void wrt_tag_store(void *start, size_t size_bytes)
{
    uint8_t *at = start, *end = at + size_bytes;

    if (size_bytes & WRT_TAG_GRANULE) {
        __asm__ volatile(WRT_TAG_ASM("stg %0, [%0], #16") : "+r"(at) : : "memory");
    }
    while (at < end)
        __asm__ volatile(WRT_TAG_ASM("st2g %0, [%0], #32") : "+r"(at) : : "memory");
}

/* Turns the top bit of every tag of the range over, so that no pointer of before fits any more;
 * again, and all fit as before. */
static inline void wrt_tag_flip(void *start, size_t size_bytes)
{
    for (size_t done = 0; done < size_bytes; done += WRT_TAG_GRANULE) {
        uint8_t *at = wrt_tag_load((uint8_t *)wrt_untagged(start) + done);
        uintptr_t word = (uintptr_t)at ^ (uintptr_t)8 << WRT_TAG_SHIFT;

        __asm__ volatile(WRT_TAG_ASM("stg %0, [%0]") : : "r"(word) : "memory");
    }
}

/* This thread's accesses are not checked until it says so again: for allocators, which keep
 * their lists in freed memory. */
static inline void wrt_tag_override(bool is_on)
{
    if (is_on)
        __asm__ volatile(WRT_TAG_ASM("msr tco, #1") : : : "memory");
    else
        __asm__ volatile(WRT_TAG_ASM("msr tco, #0") : : : "memory");
}

#else

#define WRT_HAS_TAG_INSTRUCTIONS 0

static inline void *wrt_untagged(const void *pointer)
{
    return (void *)(uintptr_t)pointer;
}

static inline unsigned wrt_pointer_tag(const void *pointer)
{
    (void)pointer;
    return 0;
}

static inline void *wrt_tag_load(const void *pointer)
{
    return (void *)(uintptr_t)pointer;
}

static inline void *wrt_tag_choose(const void *pointer, unsigned excluded)
{
    (void)excluded;
    return (void *)(uintptr_t)pointer;
}

static inline void wrt_tag_store(void *start, size_t size_bytes)
{
    (void)start;
    (void)size_bytes;
}

static inline void wrt_tag_flip(void *start, size_t size_bytes)
{
    (void)start;
    (void)size_bytes;
}

static inline void wrt_tag_override(bool is_on)
{
    (void)is_on;
}

#endif
#endif
