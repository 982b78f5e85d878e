/* engine_limits.c - huge counts, deep nesting, and every configured limit by its name.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"
#include "wasm_writer.h"

enum { CAPACITY = 8 << 20 };

struct load {
    struct wrt_partition *partition;
    struct wasm_writer out;
    struct wrt_error error;
};

static void load_open(struct load *load, uint64_t max_bytes)
{
    const struct wrt_partition_config config = {.name = "limits", .max_bytes = max_bytes};
    memset(load, 0, sizeof *load);
    load->out = (struct wasm_writer){.bytes = malloc(CAPACITY), .capacity = CAPACITY};
    assert_non_null(load->out.bytes);
    assert_status(wrt_partition_create(NULL, &config, &load->partition, NULL), WRT_OK);
    wasm_header(&load->out);
}

static enum wrt_status load_try(struct load *load, const struct wrt_module_config *config)
{
    struct wrt_module *module;
    assert_false(load->out.overflowed);
    enum wrt_status status = wrt_module_load(load->partition, config, load->out.bytes,
                                             load->out.size, &module, &load->error);
    if (status == WRT_OK)
        assert_status(wrt_module_destroy(module), WRT_OK);
    return status;
}

static void load_close(struct load *load)
{
    assert_int_equal(partition_live_bytes(load->partition), 0);
    assert_status(wrt_partition_destroy(load->partition, NULL), WRT_OK);
    free(load->out.bytes);
}

/* ---- huge counts ---- */

/* A count of four thousand million, in a section that holds a few bytes. */
static void test_huge_counts(void **state)
{
    (void)state;
    static const uint32_t counts[] = {0xFFFFFFFF, 0x7FFFFFFF, 1000001, 100000, 3};
    static const uint8_t sections[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12};
    for (unsigned i = 0; i < sizeof sections; i++) {
        for (unsigned k = 0; k < sizeof counts / sizeof *counts; k++) {
            struct load load;
            load_open(&load, 32 << 20);
            size_t section = wasm_open_section(&load.out, (enum wasm_section)sections[i]);
            wasm_u32(&load.out, counts[k]);
            wasm_close(&load.out, section);
            enum wrt_status status = load_try(&load, NULL);
            assert_true(status == WRT_ERR_MALFORMED || status == WRT_ERR_LIMIT ||
                        status == WRT_ERR_INVALID);
            assert_true(load.error.has_offset && load.error.byte_offset <= load.out.size);
            load_close(&load);
        }
    }
}

/* A section, a body and a name that say they are larger than everything that follows. */
static void test_huge_sizes(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 1 << 27, 1000};
    for (unsigned i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (unsigned id = 0; id <= 12; id++) {
            struct load load;
            load_open(&load, 64 << 20);
            wasm_byte(&load.out, id);
            wasm_u32(&load.out, sizes[i]);
            wasm_u32(&load.out, 0);
            enum wrt_status status = load_try(&load, NULL);
            assert_true(status == WRT_ERR_MALFORMED || status == WRT_ERR_LIMIT ||
                        status == WRT_ERR_PARTITION_MAX);
            load_close(&load);
        }
    }
}

static void write_one_function_module(struct wasm_writer *out, const char *signature)
{
    size_t section = wasm_open_section(out, WASM_TYPE);
    wasm_u32(out, 1);
    wasm_type(out, signature);
    wasm_close(out, section);
    section = wasm_open_section(out, WASM_FUNCTION);
    wasm_u32(out, 1);
    wasm_u32(out, 0);
    wasm_close(out, section);
}

static void test_huge_body_counts(void **state)
{
    (void)state;
    struct load load;
    load_open(&load, 32 << 20);
    write_one_function_module(&load.out, ":");
    size_t section = wasm_open_section(&load.out, WASM_CODE);
    wasm_u32(&load.out, 1);
    size_t body = wasm_open(&load.out);
    wasm_u32(&load.out, 2); /* two groups of locals that only overflow together */
    wasm_u32(&load.out, 0xFFFFFFFF);
    wasm_byte(&load.out, 0x7F);
    wasm_u32(&load.out, 2);
    wasm_byte(&load.out, 0x7F);
    wasm_byte(&load.out, 0x0B);
    wasm_close(&load.out, body);
    wasm_close(&load.out, section);
    enum wrt_status status = load_try(&load, NULL);
    assert_true(status == WRT_ERR_MALFORMED || status == WRT_ERR_LIMIT);
    load_close(&load);
}

static void test_huge_branch_table(void **state)
{
    (void)state;
    struct load load;
    load_open(&load, 32 << 20);
    write_one_function_module(&load.out, ":");
    size_t section = wasm_open_section(&load.out, WASM_CODE);
    wasm_u32(&load.out, 1);
    size_t body = wasm_open(&load.out);
    wasm_u32(&load.out, 0);
    wasm_bytes(&load.out, "\x41\x00\x0E\xFF\xFF\xFF\xFF\x0F\x00\x0B", 10);
    wasm_close(&load.out, body);
    wasm_close(&load.out, section);
    enum wrt_status status = load_try(&load, NULL);
    assert_true(status == WRT_ERR_MALFORMED || status == WRT_ERR_LIMIT ||
                status == WRT_ERR_INVALID);
    load_close(&load);
}

/* ---- imports ---- */

static void write_import(struct wasm_writer *out, const char *item, size_t item_bytes)
{
    wasm_u32(out, 0); /* both names are empty */
    wasm_u32(out, 0);
    wasm_bytes(out, item, item_bytes);
}

/* One import of `first`, then functions: their arrays are as large as what was counted. */
static void check_functions_after(const char *first, size_t first_bytes, uint64_t features_off)
{
    enum { FUNCTIONS = 2000 };
    const struct wrt_module_config config = {.features_off = features_off};
    struct load load;
    load_open(&load, 32 << 20);
    size_t section = wasm_open_section(&load.out, WASM_TYPE);
    wasm_u32(&load.out, 1);
    wasm_type(&load.out, ":");
    wasm_close(&load.out, section);
    section = wasm_open_section(&load.out, WASM_IMPORT);
    wasm_u32(&load.out, 1 + FUNCTIONS);
    write_import(&load.out, first, first_bytes);
    for (int i = 0; i < FUNCTIONS; i++)
        write_import(&load.out, "\x00\x00", 2);
    wasm_close(&load.out, section);
    assert_status(load_try(&load, &config), WRT_OK);
    load_close(&load);
}

/* What is counted first and what is stored then must agree on where an import ends. */
static void test_imports_are_counted(void **state)
{
    (void)state;
    check_functions_after("\x02\x08\x01\x00", 4, 0); /* a memory of one page of 2^0 bytes */
    check_functions_after("\x02\x09\x01\x02\x00", 5, 0);
    check_functions_after("\x01\x70\x00\x01", 4, WRT_FEATURE_BIT(REFERENCE_TYPES));
    check_functions_after("\x01\x70\x01\x01\x02", 5, WRT_FEATURE_BIT(REFERENCE_TYPES));
}

/* ---- nesting ---- */

static void write_nested(struct wasm_writer *out, uint32_t depth, unsigned opcode)
{
    write_one_function_module(out, ":");
    size_t section = wasm_open_section(out, WASM_CODE);
    wasm_u32(out, 1);
    size_t body = wasm_open(out);
    wasm_u32(out, 0);
    for (uint32_t i = 0; i < depth; i++) {
        if (opcode == 0x04)
            wasm_bytes(out, "\x41\x01", 2);
        wasm_byte(out, opcode);
        wasm_byte(out, 0x40);
    }
    for (uint32_t i = 0; i <= depth; i++)
        wasm_byte(out, 0x0B);
    wasm_close(out, body);
    wasm_close(out, section);
}

static enum wrt_status try_nested(uint32_t depth, unsigned opcode, uint32_t limit,
                                  struct wrt_error *error)
{
    const struct wrt_module_config config = {.max_nesting = limit};
    struct load load;
    load_open(&load, 64 << 20);
    write_nested(&load.out, depth, opcode);
    enum wrt_status status = load_try(&load, &config);
    *error = load.error;
    load_close(&load);
    return status;
}

static void test_deep_nesting(void **state)
{
    (void)state;
    static const uint8_t opcodes[] = {0x02, 0x03, 0x04};
    struct wrt_error error;
    for (unsigned i = 0; i < 3; i++) {
        assert_status(try_nested(49999, opcodes[i], 0, &error), WRT_OK);
        assert_status(try_nested(50001, opcodes[i], 0, &error), WRT_ERR_LIMIT);
        assert_non_null(strstr(error.text, "max_nesting"));
        assert_true(error.has_offset);
        assert_status(try_nested(1000000, opcodes[i], 0, &error), WRT_ERR_LIMIT);
        assert_status(try_nested(9, opcodes[i], 10, &error), WRT_OK);
        assert_status(try_nested(11, opcodes[i], 10, &error), WRT_ERR_LIMIT);
    }
}

/* ---- every limit by name ---- */

static void section_of(struct wasm_writer *out, enum wasm_section id, uint32_t count,
                       const char *item, size_t item_bytes)
{
    size_t section = wasm_open_section(out, id);
    wasm_u32(out, count);
    for (uint32_t i = 0; i < count; i++)
        wasm_bytes(out, item, item_bytes);
    wasm_close(out, section);
}

static void put_types(struct wasm_writer *out)
{
    section_of(out, WASM_TYPE, 3, "\x60\x00\x00", 3);
}

static void put_imports(struct wasm_writer *out)
{
    section_of(out, WASM_IMPORT, 3, "\1m\1g\3\x7F\x00", 7);
}

static void put_exports(struct wasm_writer *out)
{
    section_of(out, WASM_GLOBAL, 1, "\x7F\x00\x41\x00\x0B", 5);
    size_t section = wasm_open_section(out, WASM_EXPORT);
    wasm_u32(out, 3);
    wasm_bytes(out, "\1a\3\0\1b\3\0\1c\3\0", 12);
    wasm_close(out, section);
}

static void put_functions(struct wasm_writer *out)
{
    section_of(out, WASM_TYPE, 1, "\x60\x00\x00", 3);
    section_of(out, WASM_FUNCTION, 3, "\0", 1);
    section_of(out, WASM_CODE, 3, "\2\0\x0B", 3);
}

static void put_tables(struct wasm_writer *out) { section_of(out, WASM_TABLE, 3, "\x70\0\1", 3); }
static void put_memories(struct wasm_writer *out) { section_of(out, WASM_MEMORY, 3, "\0\1", 2); }

static void put_globals(struct wasm_writer *out)
{
    section_of(out, WASM_GLOBAL, 3, "\x7F\x00\x41\x00\x0B", 5);
}

static void put_elements(struct wasm_writer *out)
{
    section_of(out, WASM_ELEMENT, 3, "\1\0\0", 3);
}

static void put_data(struct wasm_writer *out) { section_of(out, WASM_DATA, 3, "\1\1x", 3); }

static void put_parameters(struct wasm_writer *out)
{
    section_of(out, WASM_TYPE, 1, "\x60\3\x7F\x7F\x7F\0", 6);
}

static void put_results(struct wasm_writer *out)
{
    section_of(out, WASM_TYPE, 1, "\x60\0\3\x7F\x7F\x7F", 6);
}

static void put_locals(struct wasm_writer *out)
{
    section_of(out, WASM_TYPE, 1, "\x60\x00\x00", 3);
    section_of(out, WASM_FUNCTION, 1, "\0", 1);
    section_of(out, WASM_CODE, 1, "\4\1\3\x7F\x0B", 5);
}

static void put_name(struct wasm_writer *out)
{
    section_of(out, WASM_IMPORT, 1, "\3mod\1g\3\x7F\x00", 9);
}

static void put_frame(struct wasm_writer *out)
{
    section_of(out, WASM_TYPE, 1, "\x60\x00\x00", 3);
    section_of(out, WASM_FUNCTION, 1, "\0", 1);
    section_of(out, WASM_CODE, 1, "\4\1\x7F\x7F\x0B", 5); /* 127 locals */
}

#define LIMIT(field, value, put) {#field, offsetof(struct wrt_module_config, field), value, put}

static const struct limit {
    const char *field;
    size_t offset;
    uint32_t most; /* the module fits with this value, and not with one less */
    void (*put)(struct wasm_writer *out);
} limits[] = {
    LIMIT(max_types, 3, put_types),           LIMIT(max_imports, 3, put_imports),
    LIMIT(max_exports, 3, put_exports),       LIMIT(max_functions, 3, put_functions),
    LIMIT(max_tables, 3, put_tables),         LIMIT(max_memories, 3, put_memories),
    LIMIT(max_globals, 3, put_globals),       LIMIT(max_segments, 3, put_elements),
    LIMIT(max_segments, 3, put_data),         LIMIT(max_parameters, 3, put_parameters),
    LIMIT(max_parameters, 3, put_results),    LIMIT(max_locals, 3, put_locals),
    LIMIT(max_name_bytes, 3, put_name),
};

static enum wrt_status try_limit(const struct limit *limit, uint32_t value,
                                 struct wrt_error *error)
{
    struct wrt_module_config config = {0};
    struct load load;
    memcpy((char *)&config + limit->offset, &value, sizeof value);
    load_open(&load, 0);
    limit->put(&load.out);
    enum wrt_status status = load_try(&load, &config);
    *error = load.error;
    load_close(&load);
    return status;
}

static void test_each_limit_by_name(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct wrt_error error = {.text = ""};
        enum wrt_status status = try_limit(&limits[i], limits[i].most, &error);
        if (status != WRT_OK)
            fail_msg("%s = %u: %s", limits[i].field, limits[i].most, error.text);
        status = try_limit(&limits[i], limits[i].most - 1, &error);
        if (status != WRT_ERR_LIMIT || strstr(error.text, limits[i].field) == NULL)
            fail_msg("%s = %u: %s: %s", limits[i].field, limits[i].most - 1,
                     wrt_status_name(status), error.text);
        assert_true(error.has_offset);
    }
}

/* Limits in bytes: the exact size passes, one byte less does not. */
static void test_byte_limits(void **state)
{
    (void)state;
    size_t size;
    uint8_t *bytes = fixture_bytes("everything", &size);
    struct load load;
    struct wrt_module *module;
    load_open(&load, 0);
    struct wrt_module_config config = {.max_module_bytes = (uint32_t)size};
    assert_status(wrt_module_load(load.partition, &config, bytes, size, &module, &load.error),
                  WRT_OK);
    assert_status(wrt_module_destroy(module), WRT_OK);
    config.max_module_bytes--;
    assert_status(wrt_module_load(load.partition, &config, bytes, size, &module, &load.error),
                  WRT_ERR_LIMIT);
    assert_non_null(strstr(load.error.text, "max_module_bytes"));
    config = (struct wrt_module_config){.max_section_bytes = 8};
    assert_status(wrt_module_load(load.partition, &config, bytes, size, &module, &load.error),
                  WRT_ERR_LIMIT);
    assert_non_null(strstr(load.error.text, "max_section_bytes"));
    config = (struct wrt_module_config){.max_body_bytes = 8};
    assert_status(wrt_module_load(load.partition, &config, bytes, size, &module, &load.error),
                  WRT_ERR_LIMIT);
    assert_non_null(strstr(load.error.text, "max_body_bytes"));
    load_close(&load);
    free(bytes);
}

static void test_frame_limit(void **state)
{
    (void)state;
    const struct wrt_module_config small = {.max_frame_slots = 100}, large = {.max_frame_slots = 200};
    struct load load;
    load_open(&load, 0);
    put_frame(&load.out);
    assert_status(load_try(&load, &large), WRT_OK);
    assert_status(load_try(&load, &small), WRT_ERR_LIMIT);
    assert_non_null(strstr(load.error.text, "max_frame_slots"));
    load_close(&load);
}

/* ---- limits of a store ---- */

static void test_store_limits(void **state)
{
    (void)state;
    const struct wrt_store_config config = {
        .max_instances = 2, .max_table_elements = 100, .max_memory_pages = 4};
    struct fixture f;
    fixture_open(&f, &config);
    struct wrt_memory *memory;
    struct wrt_table *table;
    uint64_t old = 77;
    const struct wrt_memory_type large = {.limits = {.minimum = 5}, .page_bytes = 65536};
    const struct wrt_memory_type four = {.limits = {.minimum = 4}, .page_bytes = 65536};
    assert_status(wrt_memory_create(f.store, &large, &memory, &f.error), WRT_ERR_LIMIT);
    assert_non_null(strstr(f.error.text, "max_memory_pages"));
    assert_status(wrt_memory_create(f.store, &four, &memory, &f.error), WRT_OK);
    assert_status(wrt_memory_grow(memory, 1, &old, &f.error), WRT_ERR_LIMIT);
    assert_int_equal(old, 77);
    const struct wrt_table_type wide = {.element = WRT_FUNCREF, .limits = {.minimum = 101}};
    const struct wrt_table_type hundred = {.element = WRT_FUNCREF, .limits = {.minimum = 100}};
    const union wrt_slot null = {.function = NULL};
    assert_status(wrt_table_create(f.store, &wide, null, &table, &f.error), WRT_ERR_LIMIT);
    assert_non_null(strstr(f.error.text, "max_table_elements"));
    assert_status(wrt_table_create(f.store, &hundred, null, &table, &f.error), WRT_OK);
    assert_status(wrt_table_grow(table, 1, null, &old, &f.error), WRT_ERR_LIMIT);
    fixture_load(&f, "everything");
    fixture_instantiate(&f);
    fixture_instantiate(&f);
    struct wrt_instance *third;
    assert_status(wrt_store_instantiate(f.store, f.module, &third, &f.error), WRT_ERR_LIMIT);
    assert_non_null(strstr(f.error.text, "max_instances"));
    fixture_close(&f);
}

static void test_bad_store_configs(void **state)
{
    (void)state;
    static const struct { struct wrt_store_config config; const char *field; } cases[] = {
        {{.stack_bytes = 4095}, "stack_bytes"},
        {{.stack_bytes = (UINT64_C(1) << 30) + 1}, "stack_bytes"},
        {{.max_host_depth = 1001}, "max_host_depth"},
    };
    struct fixture f;
    struct wrt_store *store;
    fixture_open(&f, NULL);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_status(wrt_store_create(f.partition, &cases[i].config, &store, &f.error),
                      WRT_ERR_ARGUMENT);
        assert_non_null(strstr(f.error.text, cases[i].field));
    }
    fixture_close(&f);
}

/* The stack's size is what bounds recursion, and it is felt. */
static void test_stack_size(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {4096, 65536, 1 << 20};
    uint32_t previous = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct fixture f;
        uint32_t result;
        fixture_open(&f, &(struct wrt_store_config){.stack_bytes = sizes[i]});
        fixture_load(&f, "programs");
        fixture_instantiate(&f);
        assert_status(fixture_call(&f, "down", 0, &result), WRT_ERR_TRAP);
        assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_CALL_STACK_EXHAUSTED);
        uint32_t depth = wrt_store_frame_count(f.store);
        assert_true(depth > 8 * previous);
        assert_in_range(depth, sizes[i] / 128, sizes[i] / 8);
        previous = depth;
        assert_status(fixture_call(&f, "fib", 9, &result), WRT_OK);
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_huge_counts),
        cmocka_unit_test(test_huge_sizes),
        cmocka_unit_test(test_huge_body_counts),
        cmocka_unit_test(test_huge_branch_table),
        cmocka_unit_test(test_imports_are_counted),
        cmocka_unit_test(test_deep_nesting),
        cmocka_unit_test(test_each_limit_by_name),
        cmocka_unit_test(test_byte_limits),
        cmocka_unit_test(test_frame_limit),
        cmocka_unit_test(test_store_limits),
        cmocka_unit_test(test_bad_store_configs),
        cmocka_unit_test(test_stack_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
