/* tests/tenant/authentic.c - a module that was pinned or signed is taken, any other refused, with
 * the tenant and the line.  SPDX-License-Identifier: Apache-2.0
 *
 * Key and signature were made once by the commands of docs/tenants.md; Ed25519 gives the same
 * signature each time.
 */
#include "manifest_fixture.h"

#include "tenant/authentic.h"
#include "tenant/guest.h"

#define GOOD_SHA "5647c39a1d25d8728350f9619025292a62e78a602068a2ad9b6f075751c93d99"
#define GOOD_KEY "616267d54fad58246033c5a06212d3e248938f88855b59891f384990d47887c5"
#define OTHER_64 "5647c39a1d25d8728350f9619025292a62e78a602068a2ad9b6f075751c93d98"

/* (module (func (export "_start"))) */
static const uint8_t module[] = {0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01,
                                 0x04, 0x01, 0x60, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00,
                                 0x07, 0x0a, 0x01, 0x06, 0x5f, 0x73, 0x74, 0x61, 0x72,
                                 0x74, 0x00, 0x00, 0x0a, 0x04, 0x01, 0x02, 0x00, 0x0b};
static const uint8_t signature[WRT_SIGNATURE_BYTES] = {
    0xa8, 0x11, 0xd1, 0xf6, 0xf6, 0x00, 0x15, 0x45, 0x70, 0x2f, 0x63, 0x31, 0xe7,
    0x56, 0x60, 0x3b, 0xf8, 0x15, 0x56, 0x90, 0xa7, 0x44, 0x52, 0xb5, 0xea, 0x5f,
    0xe2, 0x2f, 0x10, 0x63, 0xfe, 0x04, 0xa7, 0xbd, 0xc2, 0xfd, 0x84, 0xc8, 0x40,
    0x4b, 0x1f, 0x61, 0xff, 0xb0, 0x06, 0x79, 0x72, 0xe6, 0x29, 0xbb, 0xca, 0x68,
    0xc3, 0xde, 0x6f, 0x44, 0x57, 0x53, 0xe8, 0xc8, 0xd0, 0xb5, 0xae, 0x0a};

static struct reported reported;
static char folder[] = "/tmp/authentic-XXXXXX";

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return -1;
    write_file("m.wasm", module, sizeof module);
    write_file("m.wasm.sig", signature, sizeof signature);
    return 0;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"m.wasm", "m.wasm.sig", "x.wasm", "x.wasm.sig", "short"};
    char path[64];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

/* wrt check, then a load as each tier does it; the keys stand from line 3 on. */
static enum wrt_status judge(const char *file, const char *keys)
{
    char text[1024];
    struct wrt_partition *partition;
    struct wrt_manifest *manifest;
    struct wrt_manifest_cost cost;
    snprintf(text, sizeof text, "[tenant a]\nmodule = %s/%s\n%s", folder, file, keys);
    enum wrt_status status =
        load_bytes(text, strlen(text), &reported, &partition, &manifest);
    assert_int_equal(status, WRT_OK);
    status = wrt_manifest_check(manifest, keep_report, &reported, &cost);
    for (uint64_t tier = 0; tier <= 2; tier++) {
        struct wrt_error error = {0};
        struct wrt_guest guest;
        manifest->tenants[0]->tier = tier;
        enum wrt_status loaded = wrt_guest_load(&guest, partition, manifest->tenants[0], &error);
        if (loaded == WRT_ERR_UNSUPPORTED && tier == 1)
            continue; /* no sealed tier here */
        if (loaded == WRT_OK)
            assert_int_equal(wrt_guest_unload(&guest, NULL), WRT_OK);
        if (status != WRT_ERR_UNSUPPORTED && status != WRT_ERR_ARGUMENT)
            assert_int_equal(loaded != WRT_OK, status != WRT_OK);
    }
    unload(partition, manifest);
    return status;
}

static void a_pinned_module(void **state)
{
    (void)state;
    assert_int_equal(judge("m.wasm", ""), WRT_OK);
    assert_int_equal(judge("m.wasm", "sha256 = " GOOD_SHA "\n"), WRT_OK);
    assert_int_equal(judge("m.wasm", "min = 1\nsha256 = " OTHER_64 "\n"), WRT_ERR_CORRUPT);
    expect_problem(&reported, WRT_ERR_CORRUPT, 4, "tenant a: ");
    expect_problem(&reported, WRT_ERR_CORRUPT, 4, "m.wasm does not have the sha256 of line 4");
}

/* Each bit of the module counts. Most changed modules are malformed too; what is reported then
 * does not matter, as long as it is refused. */
static void a_changed_module(void **state)
{
    uint8_t changed[sizeof module + 1];
    (void)state;
    for (size_t bit = 0; bit < 8 * sizeof module; bit += 5) {
        memcpy(changed, module, sizeof module);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_file("x.wasm", changed, sizeof module);
        assert_true(judge("x.wasm", "sha256 = " GOOD_SHA "\n") != WRT_OK);
    }
    memcpy(changed, module, sizeof module);
    changed[22] = 'x'; /* a good module with another export, and a call for it */
    write_file("x.wasm", changed, sizeof module);
    assert_int_equal(judge("x.wasm", "entry = xstart\n"), WRT_OK);
    assert_int_equal(judge("x.wasm", "entry = xstart\nsha256 = " GOOD_SHA "\n"), WRT_ERR_CORRUPT);
}

static void needs_sodium(void)
{
    if (!wrt_signature_is_supported) {
        assert_int_equal(judge("m.wasm", "ed25519_key = " GOOD_KEY "\n"), WRT_ERR_UNSUPPORTED);
        expect_problem(&reported, WRT_ERR_UNSUPPORTED, 3, "libsodium");
        printf("built without libsodium\n");
        skip();
    }
}

static void a_signed_module(void **state)
{
    (void)state;
    needs_sodium();
    assert_int_equal(judge("m.wasm", "ed25519_key = " GOOD_KEY "\n"), WRT_OK);
    assert_int_equal(judge("m.wasm", "sha256 = " GOOD_SHA "\ned25519_key = " GOOD_KEY "\n"), WRT_OK);
    assert_int_equal(judge("m.wasm", "sha256 = " OTHER_64 "\ned25519_key = " GOOD_KEY "\n"),
                     WRT_ERR_CORRUPT);
    assert_int_equal(judge("m.wasm", "sha256 = " GOOD_SHA "\ned25519_key = " OTHER_64 "\n"),
                     WRT_ERR_UNTRUSTED);
    expect_problem(&reported, WRT_ERR_UNTRUSTED, 4, "is not signed by the key of line 4");
}

static void a_wrong_signature(void **state)
{
    uint8_t changed[WRT_SIGNATURE_BYTES + 1] = {0};
    char keys[256];
    (void)state;
    needs_sodium();
    write_file("x.wasm", module, sizeof module);
    for (size_t bit = 0; bit < 8 * WRT_SIGNATURE_BYTES; bit += 37) {
        memcpy(changed, signature, sizeof signature);
        changed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_file("x.wasm.sig", changed, sizeof signature);
        assert_int_equal(judge("x.wasm", "ed25519_key = " GOOD_KEY "\n"), WRT_ERR_UNTRUSTED);
    }
    write_file("x.wasm.sig", signature, sizeof signature);
    assert_int_equal(judge("x.wasm", "ed25519_key = " GOOD_KEY "\n"), WRT_OK);
    for (size_t size = 0; size <= sizeof changed; size += 13) { /* 0, 13 .. 65 */
        write_file("short", changed, size);
        snprintf(keys, sizeof keys, "ed25519_key = " GOOD_KEY "\nsignature = %s/short\n", folder);
        assert_int_equal(judge("m.wasm", keys), WRT_ERR_UNTRUSTED);
        expect_problem(&reported, WRT_ERR_UNTRUSTED, 3, "it must have 64 bytes");
    }
    snprintf(keys, sizeof keys, "ed25519_key = " GOOD_KEY "\nsignature = %s/none\n", folder);
    assert_int_equal(judge("m.wasm", keys), WRT_ERR_UNTRUSTED);
    expect_problem(&reported, WRT_ERR_UNTRUSTED, 3, "no signature: cannot open");
}

static void a_signature_alone(void **state)
{
    (void)state;
    assert_int_equal(judge("m.wasm", "signature = m.wasm.sig\n"), WRT_ERR_ARGUMENT);
    expect_problem(&reported, WRT_ERR_ARGUMENT, 3, "signature without ed25519_key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pinned_module), cmocka_unit_test(a_changed_module),
        cmocka_unit_test(a_signed_module), cmocka_unit_test(a_wrong_signature),
        cmocka_unit_test(a_signature_alone)};
    return cmocka_run_group_tests_name("authentic", tests, make_folder, remove_folder);
}
