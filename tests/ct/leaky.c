/* tests/ct/leaky.c - what one would write first: each must be found by scan.py.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

int leaky_equal(const uint8_t *a, const uint8_t *b, size_t size);
int leaky_lookup(const uint8_t *table, uint64_t index);
void leaky_copy_if(uint64_t condition, uint8_t *to, const uint8_t *from, size_t size);
uint64_t leaky_remainder(uint64_t secret, uint64_t by);

int leaky_equal(const uint8_t *a, const uint8_t *b, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return 0;
    }
    return 1;
}

int leaky_lookup(const uint8_t *table, uint64_t index)
{
    return table[index % 64];
}

void leaky_copy_if(uint64_t condition, uint8_t *to, const uint8_t *from, size_t size)
{
    if (condition & 1)
        memcpy(to, from, size);
}

uint64_t leaky_remainder(uint64_t secret, uint64_t by)
{
    return secret % by;
}
