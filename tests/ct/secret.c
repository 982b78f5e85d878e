/* tests/ct/secret.c - calls wrt_ct_* on secrets that valgrind holds for uninitialised: it then
 * reports each branch and each address that depends on one, whatever its value.
 * SPDX-License-Identifier: Apache-2.0
 *
 * `secret ct` must be clean. `secret equal|lookup|copy` runs a leaky twin, which must not be.
 * With -DWRT_CT_INLINE the compiler sees the functions beside their calls, and constant sizes.
 * All paths that the public sizes choose are run; the secret's value chooses none, or it is found.
 */
#include "wrt/secure.h"

#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

#ifdef WRT_CT_INLINE
#include "../../src/secure/ct.c" /* the compiler may adapt it to each call */
#endif

enum { LENGTHS = 35, SPACE = 64, ENTRIES = 64 };

static uint8_t a[SPACE], b[SPACE], out[SPACE], table[SPACE * ENTRIES];
static uint64_t number = 7;
static volatile uint64_t result; /* what is printed in the end, so that nothing is left out */

static void take(uint64_t value)
{
    VALGRIND_MAKE_MEM_DEFINED(&value, sizeof value);
    result = result * 31 + value;
}

static void make_secret(void)
{
    VALGRIND_MAKE_MEM_UNDEFINED(a, sizeof a);
    VALGRIND_MAKE_MEM_UNDEFINED(b, sizeof b);
    VALGRIND_MAKE_MEM_UNDEFINED(table, sizeof table);
    VALGRIND_MAKE_MEM_UNDEFINED(&number, sizeof number);
}

static void make_public(void)
{
    VALGRIND_MAKE_MEM_DEFINED(a, sizeof a);
    VALGRIND_MAKE_MEM_DEFINED(b, sizeof b);
    VALGRIND_MAKE_MEM_DEFINED(out, sizeof out);
    VALGRIND_MAKE_MEM_DEFINED(table, sizeof table);
    VALGRIND_MAKE_MEM_DEFINED(&number, sizeof number);
}

/* ---- ours ---- */

static void one_length(size_t length, size_t shift)
{
    take(wrt_ct_is_zero(a + shift, length));
    take(wrt_ct_equal(a + shift, b, length));
    take((uint64_t)wrt_ct_compare(a + shift, b, length));
    wrt_ct_copy_if(number & 1, a + shift, b, length);
    wrt_ct_swap_if(wrt_ct_less_than(number, 5), a + shift, b, length);
    take(wrt_ct_lookup(out + shift, table, length, ENTRIES, number));
}

static void constant_sizes(void)
{
    take(wrt_ct_is_zero(a, 1) | wrt_ct_is_zero(a, 32));
    take(wrt_ct_equal(a, b, 1) | wrt_ct_equal(a, b, 16) | wrt_ct_equal(a + 1, b, 33));
    take((uint64_t)wrt_ct_compare(a, b, 1) + (uint64_t)wrt_ct_compare(a, b, 16));
    take(wrt_ct_select(number, 3, 5) + wrt_ct_select(wrt_ct_less_than(3, number), 0, number));
    wrt_ct_copy_if(number, a, b, 1);
    wrt_ct_copy_if(number, a, b, 32);
    wrt_ct_swap_if(number, a, b, 8);
    take(wrt_ct_lookup(out, table, 1, ENTRIES, number));
    take(wrt_ct_lookup(out, table, 8, 2, number));
}

static void ours(void)
{
    for (size_t length = 0; length < LENGTHS; length++) {
        for (size_t shift = 0; shift < 8; shift++)
            one_length(length, shift);
    }
    constant_sizes();
    wrt_ct_zeroise(a, sizeof a);
}

/* ---- leaky twins: what one would write first ---- */

static void leaky_equal(void)
{
    for (size_t i = 0; i < 16; i++) {
        if (a[i] != b[i]) {
            take(i);
            return;
        }
    }
}

static void leaky_lookup(void)
{
    take(table[number % sizeof table]);
}

static void leaky_copy(void)
{
    if (number & 1)
        memcpy(out, a, SPACE);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } modes[] = {
        {"ct", ours}, {"equal", leaky_equal}, {"lookup", leaky_lookup}, {"copy", leaky_copy}};
    const char *name = count == 2 ? arguments[1] : "";

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(modes[i].name, name) != 0)
            continue;
        make_secret();
        modes[i].run();
        make_public();
        printf("%llu\n", (unsigned long long)result);
        return RUNNING_ON_VALGRIND ? 0 : 2;
    }
    fprintf(stderr, "usage: valgrind secret ct|equal|lookup|copy\n");
    return 2;
}
