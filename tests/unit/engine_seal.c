/* engine_seal.c - one flipped bit in code, metadata, an instance or a table is found at the
 * level that says so, named, and found at no level below.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/engine.h"
#include "engine/load.h"
#include "engine_fixture.h"

enum { LEVELS = WRT_VERIFY_CRITICAL };

static void open_at(struct fixture *f, enum wrt_verification_level level)
{
    const struct wrt_partition_config partition = {.name = "seal", .verification = level};
    memset(f, 0, sizeof *f);
    assert_status(wrt_partition_create(NULL, &partition, &f->partition, &f->error), WRT_OK);
    assert_status(wrt_store_create(f->partition, NULL, &f->store, &f->error), WRT_OK);
    fixture_load(f, "integrity");
    fixture_instantiate(f);
}

static void flip(const void *address, unsigned bit)
{
    *(uint8_t *)(uintptr_t)address ^= (uint8_t)(1u << bit);
}

/* Scrubs at most `steps` pieces, one by one. */
static enum wrt_status scrub_all(struct fixture *f, int steps)
{
    enum wrt_status status = WRT_OK;
    for (int i = 0; i < steps && status == WRT_OK; i++)
        status = wrt_store_scrub(f->store, 1, &f->error);
    return status;
}

/* The bit is found by verify and by the scrubber from `first` on, and nothing below. */
static void expect(struct fixture *f, enum wrt_verification_level level, const void *address,
                   unsigned bit, const char *name)
{
    const bool is_found = level >= WRT_VERIFY_STANDARD;
    const enum wrt_status wanted = is_found ? WRT_ERR_CORRUPT : WRT_OK;
    assert_status(wrt_store_verify(f->store, &f->error), WRT_OK);
    flip(address, bit);
    f->error.text[0] = '\0';
    assert_status(wrt_store_verify(f->store, &f->error), wanted);
    if (is_found && strstr(f->error.text, name) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", f->error.text, name);
    assert_status(scrub_all(f, 1000), wanted);
    flip(address, bit);
    assert_status(wrt_store_verify(f->store, &f->error), WRT_OK);
}

static void test_flips_are_found_and_named(void **state)
{
    (void)state;
    for (int l = WRT_VERIFY_OFF; l <= LEVELS; l++) {
        const enum wrt_verification_level level = (enum wrt_verification_level)l;
        struct fixture f;
        open_at(&f, level);
        const struct wrt_module *m = f.module;
        const struct wrt_code *last = &m->codes[3];
        const struct wrt_table *table = f.instance->tables[0];
        expect(&f, level, last->entry + last->word_count - 1, 3, "code of function 3");
        expect(&f, level, m->codes[0].entry, 0, "code of function 0");
        expect(&f, level, last->map, 7, "code of function 3");
        expect(&f, level, &m->types[0], 0, "metadata");
        expect(&f, level, &m->function_types[1], 1, "metadata");
        expect(&f, level, m->data[0].bytes, 5, "metadata");
        expect(&f, level, &m->data[1].size_bytes, 2, "metadata");
        expect(&f, level, &m->config.max_tables, 2, "metadata");
        expect(&f, level, &m->exports[0].index, 6, "metadata");
        expect(&f, level, &f.instance->own_functions[2].code, 1, "instance");
        expect(&f, level, &f.instance->functions[0], 4, "instance");
        expect(&f, level, &f.instance->globals, 1, "instance");
        expect(&f, level, &table->elements[511], 3, "a table of 1300 elements");
        expect(&f, level, &table->elements[1299], 7, "a table of 1300 elements");
        expect(&f, level, &table->type.limits.maximum, 4, "its head");
        fixture_close(&f);
    }
}

/* Every bit of a function's code, one by one: all found. */
static void test_every_bit_of_code(void **state)
{
    (void)state;
    struct fixture f;
    open_at(&f, WRT_VERIFY_STANDARD);
    const struct wrt_code *code = &f.module->codes[2];
    const uint8_t *bytes = (const uint8_t *)code->entry;
    for (size_t i = 0; i < code->word_count * sizeof *code->entry; i++)
        for (unsigned bit = 0; bit < 8; bit++) {
            flip(bytes + i, bit);
            assert_status(wrt_module_verify(f.module, &f.error), WRT_ERR_CORRUPT);
            flip(bytes + i, bit);
        }
    assert_status(wrt_module_verify(f.module, NULL), WRT_OK);
    fixture_close(&f);
}

/* A guest's and a host's own writes keep the sums right, at every level. */
static void test_writes_to_tables_are_followed(void **state)
{
    (void)state;
    for (int l = WRT_VERIFY_OFF; l <= LEVELS; l++) {
        struct fixture f;
        uint32_t result;
        open_at(&f, (enum wrt_verification_level)l);
        struct wrt_table *table = f.instance->tables[0];
        for (uint32_t n = 0; n < 40; n += 13) {
            assert_status(fixture_call(&f, "work", n, &result), WRT_OK);
            assert_int_equal(result, 3);
            assert_status(wrt_store_verify(f.store, &f.error), WRT_OK);
        }
        const union wrt_slot one = {.function = f.instance->functions[1]};
        assert_status(wrt_table_set(table, 512, one), WRT_OK);
        assert_status(wrt_table_grow(table, 1000, one, NULL, &f.error), WRT_OK);
        assert_status(wrt_store_verify(f.store, &f.error), WRT_OK);
        /* Damage stays found when the element is overwritten, and when the table moves. */
        flip(&table->elements[7], 2);
        assert_status(wrt_table_set(table, 7, one), WRT_OK);
        assert_status(wrt_table_grow(table, 600, one, NULL, &f.error), WRT_OK);
        assert_status(wrt_store_verify(f.store, &f.error),
                      l >= WRT_VERIFY_STANDARD ? WRT_ERR_CORRUPT : WRT_OK);
        assert_status(wrt_store_destroy(f.store), WRT_OK);
        f.store = NULL;
        fixture_close(&f);
    }
}

/* Full: an instantiation checks the module first. */
static void test_instantiation_checks_from_full_on(void **state)
{
    (void)state;
    for (int l = WRT_VERIFY_OFF; l <= LEVELS; l++) {
        struct fixture f;
        struct wrt_instance *second = NULL;
        open_at(&f, (enum wrt_verification_level)l);
        const uint64_t used = fixture_used(&f);
        flip(f.module->codes[3].map, 0);
        const enum wrt_status status =
            wrt_store_instantiate(f.store, f.module, &second, &f.error);
        assert_status(status, l >= WRT_VERIFY_FULL ? WRT_ERR_CORRUPT : WRT_OK);
        if (status != WRT_OK) {
            assert_null(second);
            assert_int_equal(fixture_used(&f), used);
            assert_non_null(strstr(f.error.text, "code of function 3"));
        }
        flip(f.module->codes[3].map, 0);
        fixture_close(&f);
    }
}

static void expect_callees(const struct wrt_table *table)
{
    for (uint64_t i = 0; i < table->size; i++) {
        const struct wrt_function *function = table->elements[i].function;
        assert_ptr_equal(table->callees[i].key, function != NULL ? function->native.key : NULL);
        assert_true(table->callees[i].code == (function != NULL ? function->native.code : NULL));
    }
}

static void some_code(void)
{
}

/* As where compiled code calls by the table. */
static void test_callees_follow_their_table(void **state)
{
    (void)state;
    for (int l = WRT_VERIFY_OFF; l <= LEVELS; l++) {
        struct fixture f;
        open_at(&f, (enum wrt_verification_level)l);
        struct wrt_table *table = f.instance->tables[0];
        struct wrt_function *function = &f.instance->own_functions[1];
        const union wrt_slot one = {.function = function};
        uint64_t old = 0;
        function->native.key = &f;
        function->native.code = some_code;
        assert_status(wrt_table_make_callees(table, &f.error), WRT_OK);
        assert_status(wrt_table_make_callees(table, &f.error), WRT_OK);
        expect_callees(table);
        assert_status(wrt_table_set(table, 512, one), WRT_OK);
        assert_ptr_equal(table->callees[512].key, &f);
        assert_status(wrt_table_grow(table, 1000, one, &old, &f.error), WRT_OK);
        assert_ptr_equal(table->callees[old + 999].key, &f);
        assert_ptr_equal(table->callees[512].key, &f);
        expect_callees(table);
        const bool is_found = l >= WRT_VERIFY_STANDARD;
        for (unsigned word = 0; word < 2; word++) {
            const uint8_t *at = (const uint8_t *)&table->callees[old + 700] + 8 * word;
            for (uint64_t p = 1; p < wrt_table_pieces(table); p++)
                assert_true(wrt_table_piece_is_sound(table, p));
            flip(at, 3);
            bool is_sound = true;
            for (uint64_t p = 1; p < wrt_table_pieces(table); p++)
                is_sound = wrt_table_piece_is_sound(table, p) && is_sound;
            assert_int_equal(is_sound, !is_found);
            flip(at, 3);
        }
        function->native = (struct wrt_native_function){0};
        fixture_close(&f);
    }
}

/* Code, the tables of a function, or what names them. */
static void check_load(int part)
{
    size_t size;
    uint8_t *bytes = fixture_bytes("integrity", &size);
    for (int l = WRT_VERIFY_OFF; l <= LEVELS; l++) {
        if (part != 0 && l < WRT_VERIFY_FULL)
            continue; /* it would be used as it is */
        const struct wrt_partition_config config = {
            .name = "load", .verification = (enum wrt_verification_level)l};
        struct wrt_partition *partition;
        struct wrt_module_loader *loader;
        struct wrt_module *module = NULL;
        struct wrt_error error;
        assert_status(wrt_partition_create(NULL, &config, &partition, NULL), WRT_OK);
        assert_status(wrt_module_begin(partition, NULL, &loader, NULL), WRT_OK);
        assert_status(wrt_module_feed(loader, bytes, size, NULL), WRT_OK);
        const struct wrt_code *code = &loader->module->codes[1];
        const void *const parts[] = {code->entry, code->points, code->lives, code->map,
                                     &code->header_slot, &code->map};
        flip(parts[part], 1);
        const enum wrt_status status = wrt_module_finish(loader, &module, &error);
        assert_status(status, l >= WRT_VERIFY_FULL ? WRT_ERR_CORRUPT : WRT_OK);
        if (status != WRT_OK)
            assert_non_null(strstr(error.text, "code of function 1"));
        assert_status(wrt_module_destroy(module), WRT_OK);
        assert_int_equal(partition_live_bytes(partition), 0);
        assert_status(wrt_partition_destroy(partition, NULL), WRT_OK);
    }
    free(bytes);
}

/* Full: what changes between its translation and the end of the load. */
static void test_loads_check_from_full_on(void **state)
{
    (void)state;
    for (int part = 0; part < 6; part++)
        check_load(part);
}

/* Critical: a call from the host checks the whole store, and nothing runs. */
static void test_calls_check_at_critical(void **state)
{
    (void)state;
    for (int l = WRT_VERIFY_OFF; l <= LEVELS; l++) {
        struct fixture f;
        uint32_t result;
        open_at(&f, (enum wrt_verification_level)l);
        const bool is_on = l == WRT_VERIFY_CRITICAL;
        const void *const places[] = {f.module->codes[2].entry, &f.instance->tables[0]->elements[9],
                                      f.module->data[1].bytes};
        static const char *const names[] = {"code of function 2", "a table", "metadata"};
        for (unsigned i = 0; i < sizeof places / sizeof *places; i++) {
            assert_status(fixture_call(&f, "idle", 2, &result), WRT_OK);
            flip(places[i], 6);
            assert_status(fixture_call(&f, "idle", 2, &result),
                          is_on ? WRT_ERR_CORRUPT : WRT_OK);
            if (is_on) {
                assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_NONE);
                assert_non_null(strstr(wrt_store_trap(f.store)->text, names[i]));
                assert_int_equal(wrt_store_frame_count(f.store), 0);
            }
            flip(places[i], 6);
        }
        fixture_close(&f);
    }
}

/* Critical: so does a resume; the call stays paused and can be dropped. */
static void test_resume_checks_at_critical(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    open_at(&f, WRT_VERIFY_CRITICAL);
    wrt_store_set_fuel(f.store, 3);
    assert_status(fixture_call(&f, "work", 1, &result), WRT_PAUSED);
    wrt_store_set_fuel(f.store, UINT64_MAX);
    flip(f.module->codes[0].entry, 0);
    assert_status(fixture_resume(&f, &result), WRT_ERR_CORRUPT);
    flip(f.module->codes[0].entry, 0);
    assert_status(fixture_resume(&f, &result), WRT_OK);
    assert_int_equal(result, 3);
    fixture_close(&f);
}

/* The scrubber comes round in as many steps as there are pieces, and goes on behind damage;
 * a module can be scrubbed alone. */
static void test_scrubbing_is_bounded(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t position = 0;
    open_at(&f, WRT_VERIFY_STANDARD);
    const uint64_t pieces = f.module->pieces.count + f.instance->pieces.count +
                            wrt_table_pieces(f.instance->tables[0]) +
                            wrt_table_pieces(f.instance->tables[1]);
    int found = 0;
    flip(f.module->codes[1].entry, 0);
    flip(&f.instance->tables[1]->elements[513], 0);
    for (uint64_t i = 0; i < pieces; i++)
        found += wrt_store_scrub(f.store, 1, NULL) == WRT_ERR_CORRUPT;
    assert_int_equal(found, 2);
    assert_status(wrt_module_scrub(f.module, &position, f.module->pieces.count, NULL),
                  WRT_ERR_CORRUPT);
    assert_status(wrt_module_scrub(f.module, &position, f.module->pieces.count - position, NULL),
                  WRT_OK);
    assert_status(wrt_store_scrub(f.store, 0, NULL), WRT_OK);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flips_are_found_and_named),
        cmocka_unit_test(test_every_bit_of_code),
        cmocka_unit_test(test_writes_to_tables_are_followed),
        cmocka_unit_test(test_callees_follow_their_table),
        cmocka_unit_test(test_instantiation_checks_from_full_on),
        cmocka_unit_test(test_loads_check_from_full_on),
        cmocka_unit_test(test_calls_check_at_critical),
        cmocka_unit_test(test_resume_checks_at_critical),
        cmocka_unit_test(test_scrubbing_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
