/* engine_bytes.c - damaged modules: every prefix, every single flipped bit, every byte
 * replaced by hostile ones. Each ends as a valid module or as a refusal with an offset, in
 * bounded memory, and gives everything back.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

static const char *const samples[] = {"everything", "programs", "host"};
enum { SAMPLES = sizeof samples / sizeof *samples, MAX_BYTES = 16 << 20 };

struct outcome {
    enum wrt_status status;
    struct wrt_error error;
};

static void require_refusal(const struct outcome *outcome, size_t size)
{
    const struct wrt_error *error = &outcome->error;
    if (outcome->status != WRT_ERR_MALFORMED && outcome->status != WRT_ERR_INVALID &&
        outcome->status != WRT_ERR_UNSUPPORTED && outcome->status != WRT_ERR_LIMIT &&
        outcome->status != WRT_ERR_PARTITION_MAX)
        fail_msg("status %s: %s", wrt_status_name(outcome->status), error->text);
    assert_int_equal(error->status, outcome->status);
    assert_true(error->text[0] != '\0');
    assert_true(error->has_offset || outcome->status == WRT_ERR_PARTITION_MAX);
    assert_true(error->byte_offset <= size);
}

/* Runs what is valid: hostile code must not reach past its sandbox, nor run for ever. */
static void run(struct wrt_partition *partition, struct wrt_module *module)
{
    const struct wrt_store_config config = {.stack_bytes = 65536};
    struct wrt_store *store;
    struct wrt_instance *instance;
    struct wrt_error error;
    assert_status(wrt_store_create(partition, &config, &store, &error), WRT_OK);
    wrt_store_set_fuel(store, 1000);
    enum wrt_status status = wrt_store_instantiate(store, module, &instance, &error);
    assert_true(status == WRT_OK || status == WRT_PAUSED || status == WRT_ERR_TRAP ||
                status == WRT_ERR_UNLINKABLE || status == WRT_ERR_PARTITION_MAX ||
                status == WRT_ERR_LIMIT);
    assert_status(wrt_store_destroy(store), WRT_OK);
}

static struct outcome load(struct wrt_partition *partition, const uint8_t *bytes, size_t size)
{
    struct outcome outcome = {.error = {.text = ""}};
    struct wrt_module *module;
    /* an exact copy, so that a sanitizer sees a read past the end */
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    outcome.status = wrt_module_load(partition, NULL, copy, size, &module, &outcome.error);
    free(copy);
    if (outcome.status == WRT_OK) {
        run(partition, module);
        assert_status(wrt_module_destroy(module), WRT_OK);
    } else {
        require_refusal(&outcome, size);
    }
    return outcome;
}

static struct wrt_partition *open_partition(void)
{
    const struct wrt_partition_config config = {.name = "damaged", .max_bytes = MAX_BYTES};
    struct wrt_partition *partition;
    assert_status(wrt_partition_create(NULL, &config, &partition, NULL), WRT_OK);
    return partition;
}

static void close_partition(struct wrt_partition *partition)
{
    assert_int_equal(partition_live_bytes(partition), 0);
    assert_status(wrt_partition_destroy(partition, NULL), WRT_OK);
}

static void test_every_prefix(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SAMPLES; i++) {
        size_t size;
        unsigned valid = 0;
        uint8_t *bytes = fixture_bytes(samples[i], &size);
        struct wrt_partition *partition = open_partition();
        for (size_t n = 0; n < size; n++) {
            struct outcome outcome = load(partition, bytes, n);
            valid += outcome.status == WRT_OK;
            assert_true(outcome.status == WRT_OK || outcome.status == WRT_ERR_MALFORMED);
        }
        assert_status(load(partition, bytes, size).status, WRT_OK);
        /* a module may end between sections that need no other: but never inside one */
        assert_true(valid < 12);
        close_partition(partition);
        free(bytes);
    }
}

static void test_every_flipped_bit(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SAMPLES; i++) {
        size_t size, refused = 0;
        uint8_t *bytes = fixture_bytes(samples[i], &size);
        struct wrt_partition *partition = open_partition();
        for (size_t bit = 0; bit < size * 8; bit++) {
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            refused += load(partition, bytes, size).status != WRT_OK;
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(refused > size); /* most flips do damage */
        close_partition(partition);
        free(bytes);
    }
}

static void test_every_byte_replaced(void **state)
{
    (void)state;
    static const uint8_t hostile[] = {0x00, 0x7F, 0x80, 0xFF, 0x0B, 0xFC, 0xFD};
    for (unsigned i = 0; i < SAMPLES; i++) {
        size_t size;
        uint8_t *bytes = fixture_bytes(samples[i], &size);
        struct wrt_partition *partition = open_partition();
        for (size_t at = 0; at < size; at++) {
            uint8_t saved = bytes[at];
            for (unsigned k = 0; k < sizeof hostile; k++) {
                bytes[at] = hostile[k];
                load(partition, bytes, size);
            }
            bytes[at] = saved;
        }
        close_partition(partition);
        free(bytes);
    }
}

/* A byte dropped or doubled shifts all that follows. */
static void test_every_byte_dropped_or_doubled(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SAMPLES; i++) {
        size_t size;
        uint8_t *bytes = fixture_bytes(samples[i], &size);
        uint8_t *changed = malloc(size + 1);
        assert_non_null(changed);
        struct wrt_partition *partition = open_partition();
        for (size_t at = 0; at < size; at++) {
            memcpy(changed, bytes, at);
            memcpy(changed + at, bytes + at + 1, size - at - 1);
            load(partition, changed, size - 1);
            memcpy(changed + at + 1, bytes + at, size - at);
            changed[at] = bytes[at];
            load(partition, changed, size + 1);
        }
        close_partition(partition);
        free(changed);
        free(bytes);
    }
}

/* Once it refused, a loader repeats itself until it is aborted. */
static void test_after_a_refusal(void **state)
{
    (void)state;
    struct wrt_partition *partition = open_partition();
    struct wrt_module_loader *loader;
    struct wrt_module *module = (struct wrt_module *)partition;
    struct wrt_error error;
    assert_status(wrt_module_begin(partition, NULL, &loader, &error), WRT_OK);
    assert_status(wrt_module_feed(loader, "\0asn", 4, &error), WRT_ERR_MALFORMED);
    assert_int_equal(error.byte_offset, 3);
    memset(&error, 0, sizeof error);
    assert_status(wrt_module_feed(loader, "\0asm\1\0\0\0", 8, &error), WRT_ERR_MALFORMED);
    assert_int_equal(error.byte_offset, 3);
    assert_status(wrt_module_finish(loader, &module, &error), WRT_ERR_MALFORMED);
    assert_ptr_equal(module, partition); /* untouched */
    close_partition(partition);
}

static void test_aborted_anywhere(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = fixture_bytes("everything", &size);
    struct wrt_partition *partition = open_partition();
    for (size_t n = 0; n <= size; n++) {
        struct wrt_module_loader *loader;
        struct wrt_error error;
        assert_status(wrt_module_begin(partition, NULL, &loader, &error), WRT_OK);
        assert_status(wrt_module_feed(loader, bytes, n, &error), WRT_OK);
        wrt_module_abort(loader);
    }
    wrt_module_abort(NULL);
    close_partition(partition);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_prefix),
        cmocka_unit_test(test_every_flipped_bit),
        cmocka_unit_test(test_every_byte_replaced),
        cmocka_unit_test(test_every_byte_dropped_or_doubled),
        cmocka_unit_test(test_after_a_refusal),
        cmocka_unit_test(test_aborted_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
