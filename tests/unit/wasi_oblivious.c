/* tests/unit/wasi_oblivious.c - oblivious stores as a guest sees them, and what they cost it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "wrt/oblivious_host.h"

struct guest {
    struct fixture f;
    struct wrt_oblivious_host *host;
};

static void open_guest(struct guest *g, uint64_t max_bytes)
{
    const struct wrt_partition_config partition = {.name = "test", .max_bytes = max_bytes};

    memset(g, 0, sizeof *g);
    assert_status(wrt_partition_create(NULL, &partition, &g->f.partition, NULL), WRT_OK);
    assert_status(wrt_store_create(g->f.partition, NULL, &g->f.store, NULL), WRT_OK);
    assert_status(wrt_oblivious_host_create(g->f.partition, &g->host, NULL), WRT_OK);
    assert_status(wrt_oblivious_host_define(g->f.store, g->host, NULL), WRT_OK);
    fixture_load(&g->f, "oblivious");
    fixture_instantiate(&g->f);
}

static void close_guest(struct guest *g)
{
    assert_status(wrt_store_destroy(g->f.store), WRT_OK);
    wrt_oblivious_host_destroy(g->host);
    assert_status(wrt_module_destroy(g->f.module), WRT_OK);
    assert_int_equal(fixture_used(&g->f), 0);
    assert_status(wrt_partition_destroy(g->f.partition, NULL), WRT_OK);
}

static int32_t call(struct guest *g, const char *name, const struct wrt_value *values, size_t count)
{
    struct wrt_value out = {.type = WRT_I32};

    assert_status(wrt_function_call(g->f.store, fixture_function(&g->f, name), values,
                                    (uint32_t)count, &out, 1), WRT_OK);
    return (int32_t)out.of.i32;
}

#define I32(value) {.type = WRT_I32, .of.i32 = (uint32_t)(value)}

static int32_t create(struct guest *g, uint32_t blocks, uint32_t bytes)
{
    const struct wrt_value values[] = {I32(blocks), I32(bytes)};
    return call(g, "create", values, 2);
}

static int32_t destroy(struct guest *g, int32_t handle)
{
    const struct wrt_value value = I32(handle);
    return call(g, "destroy", &value, 1);
}

static int32_t access(struct guest *g, int32_t handle, uint64_t index, uint32_t address)
{
    const struct wrt_value values[] = {I32(handle), {.type = WRT_I64, .of.i64 = index}, I32(1),
                                       I32(address)};
    return call(g, "access", values, 4);
}

static int32_t squares(struct guest *g, int32_t handle, uint32_t count)
{
    const struct wrt_value values[] = {I32(handle), I32(count)};
    return call(g, "squares", values, 2);
}

static void blocks_keep_what_was_written(void **state)
{
    struct guest g;

    (void)state;
    open_guest(&g, 0);
    assert_int_equal(create(&g, 300, 4), 0);   /* a scan */
    assert_int_equal(create(&g, 9000, 32), 1); /* trees */
    assert_int_equal(squares(&g, 0, 300), 300);
    assert_int_equal(squares(&g, 1, 300), 300);
    assert_int_equal(destroy(&g, 0), WRT_OK);
    assert_int_equal(squares(&g, 1, 10), 10);
    assert_int_equal(create(&g, 3, 4), 0); /* the handle is used again */
    close_guest(&g); /* one is still open */
}

static void wrong_calls(void **state)
{
    struct guest g;

    (void)state;
    open_guest(&g, 0);
    assert_int_equal(create(&g, 0, 4), WRT_ERR_ARGUMENT);
    assert_int_equal(create(&g, 4, 0), WRT_ERR_ARGUMENT);
    assert_int_equal(create(&g, 4, 4097), WRT_ERR_ARGUMENT);
    assert_int_equal(create(&g, UINT32_MAX, 4), WRT_ERR_ARGUMENT);
    assert_int_equal(access(&g, 0, 0, 0), WRT_ERR_NOT_FOUND);
    assert_int_equal(access(&g, -1, 0, 0), WRT_ERR_NOT_FOUND);
    assert_int_equal(destroy(&g, 15), WRT_ERR_NOT_FOUND);
    assert_int_equal(destroy(&g, 16), WRT_ERR_NOT_FOUND);
    for (int32_t handle = 0; handle < WRT_OBLIVIOUS_HOST_STORES; handle++)
        assert_int_equal(create(&g, 4, 16), handle);
    assert_int_equal(create(&g, 4, 16), WRT_ERR_LIMIT);
    assert_int_equal(access(&g, 3, 4, 0), WRT_ERR_BOUNDS);
    assert_int_equal(access(&g, 3, UINT64_MAX, 0), WRT_ERR_BOUNDS);
    assert_int_equal(access(&g, 3, 3, 65536 - 16), WRT_OK);
    assert_int_equal(access(&g, 3, 3, 65536 - 15), WRT_ERR_BOUNDS);
    assert_int_equal(access(&g, 3, 3, UINT32_MAX), WRT_ERR_BOUNDS);
    close_guest(&g);
}

static void the_partition_is_charged(void **state)
{
    struct guest g;

    (void)state;
    open_guest(&g, 4 << 20);
    const uint64_t before = fixture_used(&g.f);
    assert_int_equal(create(&g, 1 << 20, 64), WRT_ERR_PARTITION_MAX);
    assert_int_equal(fixture_used(&g.f), before);
    assert_int_equal(create(&g, 1024, 64), 0);
    assert_true(fixture_used(&g.f) >= before + 65536);
    assert_int_equal(destroy(&g, 0), WRT_OK);
    assert_int_equal(fixture_used(&g.f), before);
    close_guest(&g);
}

/* Fuel is paid by the store's size, so a guest cannot take time for nothing; and alike for all
 * indexes, so it does not tell them. */
static uint64_t fuel_of(struct guest *g, int32_t handle, uint64_t index)
{
    const uint64_t before = wrt_store_fuel_used(g->f.store);
    assert_int_equal(access(g, handle, index, 0), WRT_OK);
    return wrt_store_fuel_used(g->f.store) - before;
}

static void fuel_is_paid(void **state)
{
    struct guest g;

    (void)state;
    open_guest(&g, 0);
    wrt_store_set_fuel(g.f.store, UINT64_C(1) << 40);
    assert_int_equal(create(&g, 10, 16), 0);
    assert_int_equal(create(&g, 4000, 16), 1);
    assert_int_equal(create(&g, 5000, 16), 2);
    assert_true(fuel_of(&g, 1, 0) > 100 * fuel_of(&g, 0, 0));
    assert_true(fuel_of(&g, 2, 0) > 4096);
    for (int32_t handle = 0; handle < 3; handle++)
        assert_int_equal(fuel_of(&g, handle, 1), fuel_of(&g, handle, 9));
    close_guest(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_keep_what_was_written), cmocka_unit_test(wrong_calls),
        cmocka_unit_test(the_partition_is_charged), cmocka_unit_test(fuel_is_paid)};

    return cmocka_run_group_tests_name("oblivious stores of guests", tests, NULL, NULL);
}
