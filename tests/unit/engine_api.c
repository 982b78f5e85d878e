/* engine_api.c - the calls of store.h and module.h used wrongly, and rarely used ones.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

static void test_nothing_is_fine(void **state)
{
    (void)state;
    assert_status(wrt_store_destroy(NULL), WRT_OK);
    assert_status(wrt_module_destroy(NULL), WRT_OK);
    wrt_module_abort(NULL);
}

/* A call with the wrong number or types of values is refused before anything runs. */
static void test_calls_of_another_type(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "programs");
    struct wrt_function *fib = fixture_function(&f, "fib");
    struct wrt_value argument = {.type = WRT_I32, .of.i32 = 3}, result = {.type = WRT_I64};
    result.of.i64 = 0x1234;
    assert_status(wrt_function_call(f.store, fib, &argument, 0, &result, 1), WRT_ERR_TYPE);
    assert_status(wrt_function_call(f.store, fib, &argument, 2, &result, 1), WRT_ERR_TYPE);
    assert_status(wrt_function_call(f.store, fib, &argument, 1, &result, 0), WRT_ERR_TYPE);
    assert_status(wrt_function_call(f.store, fib, &argument, 1, &result, 2), WRT_ERR_TYPE);
    argument.type = WRT_I64;
    assert_status(wrt_function_call(f.store, fib, &argument, 1, &result, 1), WRT_ERR_TYPE);
    argument.type = WRT_FUNCREF;
    assert_status(wrt_function_call(f.store, fib, &argument, 1, &result, 1), WRT_ERR_TYPE);
    assert_int_equal(result.type, WRT_I64);
    assert_int_equal(result.of.i64, 0x1234); /* untouched */
    argument = (struct wrt_value){.type = WRT_I32, .of.i32 = 3};
    assert_status(wrt_function_call(f.store, fib, &argument, 1, &result, 1), WRT_OK);
    assert_int_equal(result.type, WRT_I32); /* the type comes with the value */
    assert_int_equal(result.of.i32, 2);
    fixture_close(&f);
}

static void test_resume_with_other_counts(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_value results[2];
    uint32_t result;
    fixture_start(&f, "programs");
    wrt_store_set_fuel(f.store, 20);
    assert_status(fixture_call(&f, "fib", 10, &result), WRT_PAUSED);
    wrt_store_set_fuel(f.store, UINT64_MAX);
    assert_status(wrt_store_resume(f.store, results, 0), WRT_ERR_TYPE);
    assert_status(wrt_store_resume(f.store, results, 2), WRT_ERR_TYPE);
    assert_status(fixture_resume(&f, &result), WRT_OK);
    assert_int_equal(result, 55);
    fixture_close(&f);
}

static void test_slots(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "programs");
    union wrt_slot argument = {.i64 = UINT64_C(0xFFFFFFFF00000009)}, result;
    struct wrt_function *fib = fixture_function(&f, "fib");
    assert_status(wrt_function_call_slots(f.store, fib, &argument, 1, &result, 1), WRT_OK);
    assert_int_equal(result.i32, 34); /* the upper half of an i32 is ignored */
    assert_status(wrt_function_call_slots(f.store, fib, &argument, 2, &result, 1), WRT_ERR_TYPE);
    wrt_store_set_fuel(f.store, 20);
    assert_status(wrt_function_call_slots(f.store, fib, &argument, 1, &result, 1), WRT_PAUSED);
    wrt_store_set_fuel(f.store, UINT64_MAX);
    assert_status(wrt_store_resume_slots(f.store, &result, 1), WRT_OK);
    assert_int_equal(result.i32, 34);
    fixture_close(&f);
}

static void test_exports(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_extern item = {.kind = WRT_EXTERN_GLOBAL};
    fixture_start(&f, "everything");
    assert_status(wrt_instance_export(f.instance, "absent", &item), WRT_ERR_NOT_FOUND);
    assert_status(wrt_instance_export(f.instance, "", &item), WRT_ERR_NOT_FOUND);
    assert_status(wrt_instance_export(f.instance, "memory\x01", &item), WRT_ERR_NOT_FOUND);
    assert_int_equal(item.kind, WRT_EXTERN_GLOBAL);
    const struct wrt_bytes part = {(const uint8_t *)"memory", 5};
    assert_status(wrt_instance_export_bytes(f.instance, part, &item), WRT_ERR_NOT_FOUND);
    assert_status(wrt_instance_export(f.instance, "memory", &item), WRT_OK);
    assert_int_equal(item.kind, WRT_EXTERN_MEMORY);
    assert_ptr_equal(wrt_instance_module(f.instance), f.module);
    assert_ptr_equal(wrt_instance_store(f.instance), f.store);
    assert_ptr_equal(wrt_store_partition(f.store), f.partition);
    fixture_close(&f);
}

static void test_memory_and_table_and_global(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_extern item;
    uint8_t bytes[8] = {0};
    uint64_t old;
    union wrt_slot slot = {.i64 = 0};
    fixture_start(&f, "everything");
    assert_status(wrt_instance_export(f.instance, "memory", &item), WRT_OK);
    struct wrt_memory *memory = item.of.memory;
    assert_int_equal(wrt_memory_size_bytes(memory), 65536);
    assert_status(wrt_memory_read(memory, 3, bytes, 6), WRT_OK);
    assert_memory_equal(bytes, "active", 6);
    assert_status(wrt_memory_read(memory, 65535, bytes, 2), WRT_ERR_BOUNDS);
    assert_status(wrt_memory_read(memory, UINT64_MAX, bytes, 2), WRT_ERR_BOUNDS);
    assert_status(wrt_memory_read(memory, 65536, bytes, 0), WRT_OK);
    assert_status(wrt_memory_write(memory, 65532, bytes, 5), WRT_ERR_BOUNDS);
    assert_memory_equal(bytes, "active", 6);
    assert_status(wrt_memory_grow(memory, 3, &old, &f.error), WRT_ERR_LIMIT);
    assert_status(wrt_memory_grow(memory, UINT64_MAX, &old, &f.error), WRT_ERR_LIMIT);
    assert_status(wrt_memory_grow(memory, 2, &old, &f.error), WRT_OK);
    assert_int_equal(old, 1);
    assert_int_equal(wrt_memory_size_pages(memory), 3);

    assert_status(wrt_instance_export(f.instance, "table", &item), WRT_OK);
    struct wrt_table *table = item.of.table;
    assert_int_equal(wrt_table_size(table), 3);
    assert_status(wrt_table_get(table, 3, &slot), WRT_ERR_BOUNDS);
    assert_status(wrt_table_get(table, UINT64_MAX, &slot), WRT_ERR_BOUNDS);
    assert_status(wrt_table_get(table, 1, &slot), WRT_OK);
    assert_non_null(slot.function);
    assert_status(wrt_table_set(table, 3, slot), WRT_ERR_BOUNDS);
    assert_status(wrt_table_grow(table, 7, slot, &old, &f.error), WRT_ERR_LIMIT);
    assert_status(wrt_table_grow(table, 6, slot, &old, &f.error), WRT_OK);
    assert_int_equal(old, 3);
    assert_int_equal(wrt_table_size(table), 9);

    assert_status(wrt_instance_export(f.instance, "x", &item), WRT_OK);
    assert_int_equal(wrt_global_get(item.of.global).i64, 11);
    slot.i64 = 12;
    assert_status(wrt_global_set(item.of.global, slot), WRT_OK);
    assert_int_equal(wrt_global_get(item.of.global).i64, 12);
    fixture_close(&f);
}

static void test_constant_global(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_global *global;
    const struct wrt_global_type type = {.content = WRT_F64, .is_mutable = false};
    fixture_start(&f, "everything");
    union wrt_slot value = {.f64 = 2.5};
    assert_status(wrt_global_create(f.store, &type, value, &global, &f.error), WRT_OK);
    value.f64 = 3;
    assert_status(wrt_global_set(global, value), WRT_ERR_DENIED);
    assert_true(wrt_global_get(global).f64 == 2.5);
    fixture_close(&f);
}

static void test_bad_definitions(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_memory *memory;
    struct wrt_table *table;
    struct wrt_global *global;
    const union wrt_slot null = {.function = NULL};
    fixture_start(&f, "everything");
    static const char *const signatures[] = {"x:", "i", "ii:q", "i:i:", ""};
    for (unsigned i = 0; i < sizeof signatures / sizeof *signatures; i++)
        assert_status(wrt_store_define_function(f.store, "m", "n", signatures[i], NULL, NULL,
                                                &f.error),
                      WRT_ERR_ARGUMENT);
    const struct wrt_memory_type upside_down = {
        .limits = {.minimum = 2, .maximum = 1, .has_maximum = true}, .page_bytes = 65536};
    assert_status(wrt_memory_create(f.store, &upside_down, &memory, &f.error), WRT_ERR_ARGUMENT);
    const struct wrt_table_type wrong = {.element = WRT_I32, .limits = {.minimum = 1}};
    assert_status(wrt_table_create(f.store, &wrong, null, &table, &f.error), WRT_ERR_ARGUMENT);
    const struct wrt_global_type nothing = {.content = 0x12};
    assert_status(wrt_global_create(f.store, &nothing, null, &global, &f.error),
                  WRT_ERR_ARGUMENT);
    fixture_close(&f);
}

static void test_objects_of_another_store(void **state)
{
    (void)state;
    struct fixture f, other;
    uint32_t result;
    fixture_start(&f, "programs");
    fixture_start(&other, "programs");
    struct wrt_extern item = {.kind = WRT_EXTERN_FUNCTION,
                              .of.function = fixture_function(&other, "fib")};
    assert_status(wrt_store_define(f.store, "m", "fib", item, &f.error), WRT_ERR_ARGUMENT);
    struct wrt_value argument = {.type = WRT_I32, .of.i32 = 3}, out;
    assert_status(wrt_function_call(f.store, item.of.function, &argument, 1, &out, 1),
                  WRT_ERR_ARGUMENT);
    assert_status(fixture_call(&other, "fib", 9, &result), WRT_OK);
    fixture_close(&other);
    fixture_close(&f);
}

static void test_module_in_use(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    fixture_start(&f, "programs");
    assert_status(wrt_module_destroy(f.module), WRT_ERR_BUSY);
    assert_status(wrt_partition_destroy(f.partition, &f.error), WRT_ERR_BUSY);
    assert_status(fixture_call(&f, "fib", 9, &result), WRT_OK);
    fixture_close(&f);
}

/* One module, many instances in two stores: each has its own globals and memory. */
static void test_one_module_many_instances(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_store *second;
    struct wrt_instance *instances[3];
    fixture_open(&f, NULL);
    fixture_load(&f, "everything");
    assert_status(wrt_store_create(f.partition, NULL, &second, &f.error), WRT_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_status(wrt_store_instantiate(i < 2 ? f.store : second, f.module, &instances[i],
                                            &f.error),
                      WRT_OK);
    for (unsigned i = 0; i < 3; i++) {
        struct wrt_extern x;
        assert_status(wrt_instance_export(instances[i], "x", &x), WRT_OK);
        assert_int_equal(wrt_global_get(x.of.global).i64, 11);
        assert_status(wrt_global_set(x.of.global, (union wrt_slot){.i64 = i}), WRT_OK);
    }
    assert_status(wrt_store_destroy(second), WRT_OK);
    fixture_close(&f);
}

static void test_imports_given(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_instance *instance;
    struct wrt_extern nothing = {.kind = WRT_EXTERN_FUNCTION};
    fixture_open(&f, NULL);
    fixture_load(&f, "host");
    assert_status(wrt_store_instantiate(f.store, f.module, &instance, &f.error),
                  WRT_ERR_UNLINKABLE);
    assert_non_null(strstr(f.error.text, "host"));
    assert_non_null(strstr(f.error.text, "sum"));
    assert_status(wrt_store_instantiate_with(f.store, f.module, &nothing, 0, false, &instance,
                                             &f.error),
                  WRT_ERR_UNLINKABLE);
    fixture_close(&f);
}

static void test_inspection(void **state)
{
    (void)state;
    struct fixture f;
    struct wrt_module_info info;
    struct wrt_module_import import;
    struct wrt_module_export export;
    struct wrt_module_custom custom;
    struct wrt_function_type type;
    fixture_start(&f, "everything");
    wrt_module_get_info(f.module, &info);
    assert_int_equal(info.type_count, 3);
    assert_int_equal(info.import_count, 0);
    assert_int_equal(info.export_count, 4);
    assert_int_equal(info.function_count, 3);
    assert_int_equal(info.table_count, 2);
    assert_int_equal(info.memory_count, 2);
    assert_int_equal(info.global_count, 5);
    assert_int_equal(info.element_segment_count, 3);
    assert_int_equal(info.data_segment_count, 2);
    assert_int_equal(info.custom_section_count, 1);
    assert_true(info.has_start);
    assert_int_equal(info.start_function, 0);
    const uint64_t wanted = 1u << WRT_FEATURE_BULK_MEMORY | 1u << WRT_FEATURE_REFERENCE_TYPES |
                            1u << WRT_FEATURE_MULTI_MEMORY | 1u << WRT_FEATURE_EXTENDED_CONST |
                            1u << WRT_FEATURE_SIGN_EXTENSION | 1u << WRT_FEATURE_SATURATING |
                            1u << WRT_FEATURE_MULTI_VALUE;
    assert_int_equal(info.features & wanted, wanted);
    assert_int_equal(info.features & 1u << WRT_FEATURE_TAIL_CALL, 0);
    assert_status(wrt_module_get_import(f.module, 0, &import), WRT_ERR_BOUNDS);
    assert_status(wrt_module_get_export(f.module, 4, &export), WRT_ERR_BOUNDS);
    assert_status(wrt_module_get_custom(f.module, 1, &custom), WRT_ERR_BOUNDS);
    assert_status(wrt_module_get_type(f.module, 3, &type), WRT_ERR_BOUNDS);
    assert_status(wrt_module_get_type(f.module, 2, &type), WRT_OK);
    assert_int_equal(type.parameter_count, 6);
    assert_int_equal(type.parameters[5], WRT_EXTERNREF);
    assert_int_equal(type.result_count, 2);
    assert_status(wrt_module_get_custom(f.module, 0, &custom), WRT_OK);
    assert_int_equal(custom.name.size_bytes, 4);
    assert_memory_equal(custom.name.data, "name", 4);
    struct wrt_bytes name = wrt_module_function_name(f.module, 1);
    assert_int_equal(name.size_bytes, 6);
    assert_memory_equal(name.data, "binary", 6);
    fixture_close(&f);
}

static void test_names_dropped(void **state)
{
    (void)state;
    const struct wrt_module_config config = {.drop_names = true};
    struct wrt_partition *partition;
    struct wrt_module *module;
    size_t size;
    uint8_t *bytes = fixture_bytes("everything", &size);
    assert_status(wrt_partition_create(NULL, &(struct wrt_partition_config){0}, &partition, NULL),
                  WRT_OK);
    assert_status(wrt_module_load(partition, NULL, bytes, size, &module, NULL), WRT_OK);
    uint64_t with = partition_live_bytes(partition);
    assert_status(wrt_module_destroy(module), WRT_OK);
    assert_status(wrt_module_load(partition, &config, bytes, size, &module, NULL), WRT_OK);
    assert_int_equal(wrt_module_function_name(module, 1).size_bytes, 0);
    assert_int_equal(wrt_module_function_name(module, 2).size_bytes, 4); /* its export: many */
    assert_true(partition_live_bytes(partition) < with);
    assert_status(wrt_module_destroy(module), WRT_OK);
    assert_status(wrt_partition_destroy(partition, NULL), WRT_OK);
    free(bytes);
}

/* A name defined again hides the earlier one, for those who link later. */
static void test_redefinition(void **state)
{
    (void)state;
    struct fixture f;
    fixture_start(&f, "programs");
    assert_status(wrt_store_define_instance(f.store, "again", f.instance, &f.error), WRT_OK);
    assert_status(wrt_store_define_instance(f.store, "again", f.instance, &f.error), WRT_OK);
    fixture_close(&f);
}

static void test_texts(void **state)
{
    (void)state;
    for (int kind = WRT_TRAP_NONE; kind < WRT_TRAP_COUNT; kind++)
        assert_true(wrt_trap_text((enum wrt_trap_kind)kind)[0] != '\0');
    assert_string_equal(wrt_trap_text(WRT_TRAP_UNREACHABLE), "unreachable");
    assert_non_null(wrt_trap_text((enum wrt_trap_kind)99));
    assert_string_equal(wrt_feature_name(WRT_FEATURE_TAIL_CALL), "tail-call");
    assert_string_equal(wrt_value_type_name(WRT_F64), "f64");
    assert_string_equal(wrt_value_type_name(0x33), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_fine),
        cmocka_unit_test(test_calls_of_another_type),
        cmocka_unit_test(test_resume_with_other_counts),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_exports),
        cmocka_unit_test(test_memory_and_table_and_global),
        cmocka_unit_test(test_constant_global),
        cmocka_unit_test(test_bad_definitions),
        cmocka_unit_test(test_objects_of_another_store),
        cmocka_unit_test(test_module_in_use),
        cmocka_unit_test(test_one_module_many_instances),
        cmocka_unit_test(test_imports_given),
        cmocka_unit_test(test_inspection),
        cmocka_unit_test(test_names_dropped),
        cmocka_unit_test(test_redefinition),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
