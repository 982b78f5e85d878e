/* tests/unit/engine_retry.c - host functions that pause, or charge, in awkward places.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The module:
 *   (import "h" "f" (func $h (result i32))) (table 3 funcref) (elem (i32.const 2) $h)
 *   (func (export "indirect") (result i32) i32.const 2 call_indirect (result i32))
 *   (func (export "spin")  five times $h, then a loop of 1,000,000 turns)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wrt/wrt.h"

static const uint8_t module_bytes[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x60,
    0x00, 0x01, 0x7f, 0x60, 0x00, 0x00, 0x02, 0x07, 0x01, 0x01, 0x68, 0x01,
    0x66, 0x00, 0x00, 0x03, 0x03, 0x02, 0x00, 0x01, 0x04, 0x04, 0x01, 0x70,
    0x00, 0x03, 0x07, 0x13, 0x02, 0x08, 0x69, 0x6e, 0x64, 0x69, 0x72, 0x65,
    0x63, 0x74, 0x00, 0x01, 0x04, 0x73, 0x70, 0x69, 0x6e, 0x00, 0x02, 0x09,
    0x07, 0x01, 0x00, 0x41, 0x02, 0x0b, 0x01, 0x00, 0x0a, 0x2e, 0x02, 0x07,
    0x00, 0x41, 0x02, 0x11, 0x00, 0x00, 0x0b, 0x24, 0x01, 0x01, 0x7f, 0x10,
    0x00, 0x1a, 0x10, 0x00, 0x1a, 0x10, 0x00, 0x1a, 0x10, 0x00, 0x1a, 0x10,
    0x00, 0x1a, 0x03, 0x40, 0x20, 0x00, 0x41, 0x01, 0x6a, 0x22, 0x00, 0x41,
    0xc0, 0x84, 0x3d, 0x49, 0x0d, 0x00, 0x0b, 0x0b
};

struct world {
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_instance *instance;
    unsigned calls;
    uint64_t charge;
};

/* Writes a result even when it pauses; charges what the test asks for. */
static enum wrt_status host(struct wrt_caller *caller, void *context,
                            const union wrt_slot *arguments, union wrt_slot *results)
{
    struct world *w = context;
    (void)arguments;
    results[0].i32 = 42;
    wrt_caller_charge_fuel(caller, w->charge);
    return w->calls++ == 0 && w->charge == 0 ? WRT_PAUSED : WRT_OK;
}

static void begin(struct world *w)
{
    *w = (struct world){.partition = NULL};
    assert_int_equal(wrt_partition_create(NULL, NULL, &w->partition, NULL), WRT_OK);
    assert_int_equal(wrt_module_load(w->partition, NULL, module_bytes, sizeof module_bytes,
                                     &w->module, NULL), WRT_OK);
    assert_int_equal(wrt_store_create(w->partition, NULL, &w->store, NULL), WRT_OK);
    assert_int_equal(wrt_store_define_function(w->store, "h", "f", ":i", host, w, NULL), WRT_OK);
    assert_int_equal(wrt_store_instantiate(w->store, w->module, &w->instance, NULL), WRT_OK);
}

static void end(struct world *w)
{
    assert_int_equal(wrt_store_destroy(w->store), WRT_OK);
    assert_int_equal(wrt_module_destroy(w->module), WRT_OK);
    assert_int_equal(wrt_partition_destroy(w->partition, NULL), WRT_OK);
}

static struct wrt_function *export_of(const struct world *w, const char *name)
{
    struct wrt_extern item;
    assert_int_equal(wrt_instance_export(w->instance, name, &item), WRT_OK);
    return item.of.function;
}

/* Resuming calls the same function again: its result must not have become the table index. */
static void test_indirect_again(void **state)
{
    (void)state;
    struct world w;
    struct wrt_value result;
    begin(&w);
    assert_int_equal(wrt_function_call(w.store, export_of(&w, "indirect"), NULL, 0, &result, 1),
                     WRT_PAUSED);
    assert_int_equal(wrt_store_resume(w.store, &result, 1), WRT_OK);
    assert_int_equal(result.of.i32, 42);
    assert_int_equal(w.calls, 2);
    end(&w);
}

/* Charges between two stop points add up, and never wrap round to plenty. */
static void test_charges_saturate(void **state)
{
    (void)state;
    struct world w;
    begin(&w);
    w.charge = UINT64_MAX;
    wrt_store_set_fuel(w.store, 1000);
    assert_int_equal(wrt_function_call(w.store, export_of(&w, "spin"), NULL, 0, NULL, 0),
                     WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(w.store), WRT_PAUSE_FUEL);
    assert_int_equal(wrt_store_fuel_left(w.store), 0);
    end(&w);
}

/* Function references stay in their store. */
static void test_foreign_reference(void **state)
{
    (void)state;
    struct world w, other;
    struct wrt_table *table;
    const struct wrt_table_type type = {.element = WRT_FUNCREF, .limits = {.minimum = 1}};
    union wrt_slot slot = {.i64 = 0};
    begin(&w);
    begin(&other);
    assert_int_equal(wrt_table_create(w.store, &type, slot, &table, NULL), WRT_OK);
    slot.function = export_of(&other, "spin");
    assert_int_equal(wrt_table_set(table, 0, slot), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_table_grow(table, 1, slot, NULL, NULL), WRT_ERR_ARGUMENT);
    assert_int_equal(wrt_table_size(table), 1);
    end(&other);
    end(&w);
}

/* (module (func $s) (start $s)) */
static const uint8_t starting[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0,
                                   3, 2, 1, 0, 8, 1, 0, 10, 4, 1, 2, 0, 0x0b};

/* While a call is paused a start function cannot run: nothing of the instance stays. */
static void test_start_while_paused(void **state)
{
    (void)state;
    struct world w;
    struct wrt_value result;
    struct wrt_module *module;
    struct wrt_instance *instance = NULL;
    struct wrt_partition_info before, after;
    begin(&w);
    assert_int_equal(wrt_module_load(w.partition, NULL, starting, sizeof starting, &module, NULL),
                     WRT_OK);
    assert_int_equal(wrt_function_call(w.store, export_of(&w, "indirect"), NULL, 0, &result, 1),
                     WRT_PAUSED);
    wrt_partition_get_info(w.partition, &before);
    assert_int_equal(wrt_store_instantiate(w.store, module, &instance, NULL), WRT_ERR_BUSY);
    assert_null(instance);
    wrt_partition_get_info(w.partition, &after);
    assert_int_equal(before.used_bytes, after.used_bytes);
    assert_int_equal(wrt_store_resume(w.store, &result, 1), WRT_OK);
    assert_int_equal(wrt_store_instantiate(w.store, module, &instance, NULL), WRT_OK);
    assert_int_equal(wrt_store_destroy(w.store), WRT_OK);
    w.store = NULL;
    assert_int_equal(wrt_module_destroy(module), WRT_OK);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_indirect_again),
        cmocka_unit_test(test_charges_saturate),
        cmocka_unit_test(test_foreign_reference),
        cmocka_unit_test(test_start_while_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
