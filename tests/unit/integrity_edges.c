/* tests/unit/integrity_edges.c - atomic memories without a store, and damage in front of sound blocks.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/integrity.h"

#include <string.h>

static uint8_t memory[1024] __attribute__((aligned(8)));
static uint64_t store[1024];

static struct wrt_atomic_memory_config config_of(enum wrt_verification_level level)
{
    return (struct wrt_atomic_memory_config){.memory = memory, .size_bytes = sizeof memory,
                                             .block_bytes = 64, .journal_bytes = 512,
                                             .store = store, .store_bytes = sizeof store,
                                             .level = level};
}

/* At Off there is nothing to open, and nothing that could be damaged. */
static void off_needs_no_store(void **state)
{
    struct wrt_atomic_memory_config config = config_of(WRT_VERIFY_OFF);
    struct wrt_atomic_memory atomic;
    uint8_t out[8];

    (void)state;
    config.store = NULL;
    config.store_bytes = 0;
    assert_int_equal(wrt_atomic_memory_open(&atomic, &config, NULL), WRT_OK);
    assert_int_equal(wrt_atomic_memory_write(&atomic, 8, "12345678", 8), WRT_OK);
    assert_int_equal(wrt_atomic_memory_copy_within(&atomic, 20, 8, 8), WRT_OK);
    memory[20] ^= 1;
    assert_int_equal(wrt_atomic_memory_read(&atomic, 20, out, 8), WRT_OK);
    assert_int_equal(out[0], '1' ^ 1);
    assert_int_equal(wrt_atomic_memory_verify(&atomic, NULL), WRT_OK);
}

/* The first of many blocks that a read touches is damaged, then the last, then one between. */
static void damage_is_found_in_each_block_of_a_range(void **state)
{
    static const unsigned damaged[] = {0, 9, 5};
    uint8_t out[640], wanted[640];

    (void)state;
    for (int level = WRT_VERIFY_STANDARD; level <= WRT_VERIFY_CRITICAL; level++) {
        struct wrt_atomic_memory_config config = config_of((enum wrt_verification_level)level);
        struct wrt_atomic_memory atomic;

        for (size_t i = 0; i < sizeof memory; i++)
            memory[i] = (uint8_t)(i * 5 + 3);
        memcpy(wanted, memory, sizeof wanted);
        assert_int_equal(wrt_atomic_memory_format(&atomic, &config, NULL), WRT_OK);
        for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
            uint64_t bad = 99;
            memory[damaged[i] * 64 + 7] ^= 0x10;
            enum wrt_status status = wrt_atomic_memory_read(&atomic, 3, out, sizeof out - 3);
            if (level == WRT_VERIFY_CRITICAL) {
                assert_int_equal(status, WRT_OK);
                assert_memory_equal(out, wanted + 3, sizeof out - 3);
                assert_int_equal(wrt_atomic_memory_verify(&atomic, &bad), WRT_OK);
                continue;
            }
            assert_int_equal(status, WRT_ERR_CORRUPT);
            assert_int_equal(wrt_atomic_memory_verify(&atomic, &bad), WRT_ERR_CORRUPT);
            assert_int_equal(bad, damaged[i]);
            memory[damaged[i] * 64 + 7] ^= 0x10;
            assert_int_equal(wrt_atomic_memory_read(&atomic, 3, out, sizeof out - 3), WRT_OK);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(off_needs_no_store),
        cmocka_unit_test(damage_is_found_in_each_block_of_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
