/* tests/ct/wipe.c - a thread fills a local buffer with a pattern, wipes it and ends; then we
 * look for the pattern on its stack. `wipe zeroise` must find nothing, `wipe memset`, which a
 * compiler leaves out when it optimises, finds it there. Prints "left" or "gone".
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "../../src/secure/ct.c" /* seen by the compiler, as after link-time optimisation */

#include <pthread.h>
#include <stdio.h>

enum { STACK_BYTES = 256 * 1024, PATTERN_BYTES = 64, DEEP_BYTES = 16384 };

static _Alignas(4096) uint8_t stack[STACK_BYTES];
static volatile uint8_t seed = 0x5B;

static void fill(uint8_t *bytes)
{
    for (unsigned i = 0; i < PATTERN_BYTES; i++)
        bytes[i] = (uint8_t)(seed + 37 * i);
    __asm__ volatile("" : : "r"(bytes) : "memory"); /* used */
}

static void *by_zeroise(void *unused)
{
    uint8_t secret[DEEP_BYTES]; /* the pattern at its deep end, where the thread's end leaves it */

    (void)unused;
    fill(secret);
    wrt_ct_zeroise(secret, PATTERN_BYTES);
    return NULL;
}

static void *by_memset(void *unused)
{
    uint8_t secret[DEEP_BYTES]; /* the pattern at its deep end, where the thread's end leaves it */

    (void)unused;
    fill(secret);
    memset(secret, 0, PATTERN_BYTES);
    return NULL;
}

int main(int count, char **arguments)
{
    pthread_attr_t attributes;
    pthread_t thread;
    uint8_t pattern[PATTERN_BYTES];
    void *(*body)(void *) =
        count == 2 && strcmp(arguments[1], "memset") == 0 ? by_memset : by_zeroise;

    if (pthread_attr_init(&attributes) != 0 ||
        pthread_attr_setstack(&attributes, stack, sizeof stack) != 0 ||
        pthread_create(&thread, &attributes, body, NULL) != 0 ||
        pthread_join(thread, NULL) != 0)
        return 2;
    fill(pattern);
    puts(memmem(stack, sizeof stack, pattern, sizeof pattern) != NULL ? "left" : "gone");
    return 0;
}
