/* engine_partition.c - partitions of every size: too small is a refusal that says by how
 * much, and large enough stays large enough.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

enum { STEP = 1000, ENOUGH = 4 << 20 };

struct attempt {
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_error error;
};

static enum wrt_status load_and_run(struct attempt *a, const uint8_t *bytes, size_t size)
{
    struct wrt_instance *instance;
    enum wrt_status status =
        wrt_module_load(a->partition, NULL, bytes, size, &a->module, &a->error);
    if (status == WRT_OK)
        status = wrt_store_create(a->partition, NULL, &a->store, &a->error);
    if (status == WRT_OK)
        status = wrt_store_instantiate(a->store, a->module, &instance, &a->error);
    return status;
}

static void give_back(struct attempt *a)
{
    struct wrt_partition_info info;
    assert_status(wrt_store_destroy(a->store), WRT_OK);
    assert_status(wrt_module_destroy(a->module), WRT_OK);
    wrt_partition_get_info(a->partition, &info);
    assert_int_equal(partition_live_bytes(a->partition), 0);
    assert_true(info.high_water_bytes <= info.max_bytes);
    assert_status(wrt_partition_destroy(a->partition, NULL), WRT_OK);
}

static void require_text(const struct attempt *a)
{
    bool has_number = strpbrk(a->error.text, "0123456789") != NULL;
    if (strstr(a->error.text, "tiny") == NULL || !has_number)
        fail_msg("the refusal names neither partition nor number: %s", a->error.text);
}

static enum wrt_status attempt(uint64_t max_bytes, const uint8_t *bytes, size_t size)
{
    const struct wrt_partition_config config = {.name = "tiny", .max_bytes = max_bytes};
    struct attempt a = {.error = {.text = ""}};
    enum wrt_status status = wrt_partition_create(NULL, &config, &a.partition, &a.error);
    if (status != WRT_OK) {
        assert_status(status, WRT_ERR_PARTITION_MAX);
        return status;
    }
    status = load_and_run(&a, bytes, size);
    if (status != WRT_OK) {
        assert_status(status, WRT_ERR_PARTITION_MAX);
        assert_status(a.error.status, WRT_ERR_PARTITION_MAX);
        require_text(&a);
    }
    give_back(&a);
    return status;
}

static void test_every_size(void **state)
{
    (void)state;
    static const char *const samples[] = {"everything", "programs"};
    for (unsigned i = 0; i < 2; i++) {
        size_t size;
        uint64_t first = 0;
        uint8_t *bytes = fixture_bytes(samples[i], &size);
        for (uint64_t max = 1; max < ENOUGH; max += STEP) {
            enum wrt_status status = attempt(max, bytes, size);
            if (status == WRT_OK && first == 0)
                first = max;
            assert_true(first == 0 || status == WRT_OK); /* more never hurts */
        }
        assert_true(first > size && first < ENOUGH / 2);
        free(bytes);
    }
}

/* What the high-water mark says was used is enough. */
static void test_high_water_is_enough(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = fixture_bytes("programs", &size);
    struct attempt a = {.error = {.text = ""}};
    const struct wrt_partition_config config = {.name = "tiny"};
    struct wrt_partition_info info;
    assert_status(wrt_partition_create(NULL, &config, &a.partition, NULL), WRT_OK);
    assert_status(load_and_run(&a, bytes, size), WRT_OK);
    wrt_partition_get_info(a.partition, &info);
    give_back(&a);
    assert_status(attempt(info.high_water_bytes, bytes, size), WRT_OK);
    free(bytes);
}

/* memory.grow and table.grow answer -1 when the partition refuses, and change nothing. */
static void test_growth_is_refused(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = fixture_bytes("programs", &size);
    const struct wrt_partition_config config = {.name = "tiny", .max_bytes = 600 << 10};
    struct fixture f = {0};
    uint32_t result;
    assert_status(wrt_partition_create(NULL, &config, &f.partition, NULL), WRT_OK);
    assert_status(wrt_module_load(f.partition, NULL, bytes, size, &f.module, &f.error), WRT_OK);
    assert_status(wrt_store_create(f.partition, NULL, &f.store, &f.error), WRT_OK);
    fixture_instantiate(&f);
    uint64_t before = fixture_used(&f);
    assert_status(fixture_call(&f, "grow_memory", 7, &result), WRT_OK);
    assert_int_equal(result, UINT32_MAX);
    assert_int_equal(fixture_used(&f), before);
    assert_status(fixture_call(&f, "grow_memory", 1, &result), WRT_OK);
    assert_int_equal(result, 1);
    assert_int_equal(fixture_used(&f), before + 65536);
    assert_status(fixture_call(&f, "sieve", 120, &result), WRT_OK);
    assert_int_equal(result, 30);
    fixture_close(&f);
    free(bytes);
}

/* Loading leaves nothing of its buffers behind. */
static void test_load_buffers_go(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_partition_info info;
    fixture_start(&f, "everything");
    wrt_partition_get_info(f.partition, &info);
    assert_int_equal(info.current_bytes[WRT_CHARGE_LOAD], 0);
    assert_true(info.peak_bytes[WRT_CHARGE_LOAD] > 0);
    assert_true(info.current_bytes[WRT_CHARGE_CODE] > 0);
    assert_true(info.current_bytes[WRT_CHARGE_STACK] >= 256 << 10);
    assert_int_equal(info.current_bytes[WRT_CHARGE_LINEAR], 65536);
    assert_true(info.current_bytes[WRT_CHARGE_TABLE] >= 5 * 8);
    fixture_close(&f);
}

/* The peak does not depend on how the module arrives. */
static void test_peak_is_the_same_in_any_chunks(void **state)
{
    (void)state;
    static const size_t chunks[] = {1 << 20, 1, 7, 64, 1000};
    size_t size;
    uint8_t *bytes = fixture_bytes("programs", &size);
    uint64_t peak = 0;
    for (unsigned i = 0; i < sizeof chunks / sizeof *chunks; i++) {
        const struct wrt_partition_config config = {.name = "tiny"};
        struct wrt_partition *partition;
        struct wrt_module_loader *loader;
        struct wrt_module *module;
        struct wrt_partition_info info;
        assert_status(wrt_partition_create(NULL, &config, &partition, NULL), WRT_OK);
        assert_status(wrt_module_begin(partition, NULL, &loader, NULL), WRT_OK);
        for (size_t at = 0; at < size; at += chunks[i]) {
            size_t n = size - at < chunks[i] ? size - at : chunks[i];
            assert_status(wrt_module_feed(loader, bytes + at, n, NULL), WRT_OK);
        }
        assert_status(wrt_module_finish(loader, &module, NULL), WRT_OK);
        wrt_partition_get_info(partition, &info);
        if (i == 0)
            peak = info.high_water_bytes;
        assert_int_equal(info.high_water_bytes, peak);
        assert_status(wrt_module_destroy(module), WRT_OK);
        assert_status(wrt_partition_destroy(partition, NULL), WRT_OK);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_high_water_is_enough),
        cmocka_unit_test(test_growth_is_refused),
        cmocka_unit_test(test_load_buffers_go),
        cmocka_unit_test(test_peak_is_the_same_in_any_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
