/* tests/unit/base_sha256.c - SHA-256: the examples of FIPS 180-2 and NIST, and pieces of all sizes.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/sha256.h"

#include <stdio.h>
#include <string.h>

static void hex_of(struct wrt_sha256 *hash, char out[65])
{
    uint8_t digest[WRT_SHA256_BYTES];

    wrt_sha256_end(hash, digest);
    for (int i = 0; i < WRT_SHA256_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

static void hash_of(const void *bytes, size_t size, char out[65])
{
    struct wrt_sha256 hash;

    wrt_sha256_begin(&hash);
    wrt_sha256_add(&hash, bytes, size);
    hex_of(&hash, out);
}

static void known_values(void **state)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"}};
    char digest[65];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hash_of(cases[i].text, strlen(cases[i].text), digest);
        assert_string_equal(digest, cases[i].digest);
    }
    hash_of(NULL, 0, digest);
    assert_string_equal(digest, cases[0].digest);
}

static void a_million_times_a(void **state)
{
    char digest[65], block[1000];
    struct wrt_sha256 hash;

    (void)state;
    memset(block, 'a', sizeof block);
    wrt_sha256_begin(&hash);
    for (int i = 0; i < 1000; i++)
        wrt_sha256_add(&hash, block, sizeof block);
    hex_of(&hash, digest);
    assert_string_equal(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* NIST's additional examples: the paddings around the end of a block, all of zeros. */
static void around_a_block(void **state)
{
    static const uint8_t zeros[1000];
    static const struct {
        size_t size;
        const char *digest;
    } cases[] = {
        {55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"},
        {56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"},
        {57, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"},
        {64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"},
        {1000, "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"}};
    char digest[65];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        hash_of(zeros, cases[i].size, digest);
        assert_string_equal(digest, cases[i].digest);
    }
}

static void pieces_of_all_sizes(void **state)
{
    uint8_t bytes[300];
    char whole[65], parts[65];
    struct wrt_sha256 hash;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    hash_of(bytes, sizeof bytes, whole);
    for (size_t piece = 1; piece <= sizeof bytes; piece++) {
        wrt_sha256_begin(&hash);
        for (size_t at = 0; at < sizeof bytes; at += piece) {
            const size_t left = sizeof bytes - at;
            wrt_sha256_add(&hash, bytes + at, piece < left ? piece : left);
        }
        hex_of(&hash, parts);
        assert_string_equal(parts, whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_values), cmocka_unit_test(a_million_times_a),
        cmocka_unit_test(around_a_block), cmocka_unit_test(pieces_of_all_sizes)};

    return cmocka_run_group_tests_name("sha256", tests, NULL, NULL);
}
