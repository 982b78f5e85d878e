/* tests/attack/tiers.c - the tiers "software" and "sealed": a hostile guest, and a host that
 * writes wildly, against another tenant's linear memory, code, tables, stacks and store.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The victim runs at level Critical: before each call the whole store is compared with its stored
 * checksums, so a single flipped bit that got through would be found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/wrt.h"

#include <stdio.h>
#include <string.h>

/* The thread sanitizer keeps faults from handlers. */
#if defined(__SANITIZE_THREAD__)
#define IS_THREAD_SANITIZED true
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define IS_THREAD_SANITIZED true
#endif
#endif
#ifndef IS_THREAD_SANITIZED
#define IS_THREAD_SANITIZED false
#endif

static uint8_t module[1 << 16];
static size_t module_bytes;

struct tenant {
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module *module;
    struct wrt_instance *instance;
    uint32_t count;
};

static int read_module(void **state)
{
    FILE *file = fopen(WRT_TEST_MODULES "/tenant.wasm", "rb");

    (void)state;
    if (file == NULL)
        return -1;
    module_bytes = fread(module, 1, sizeof module, file);
    fclose(file);
    return 0;
}

static uint8_t *wild_target; /* where the host function below writes */
static uint8_t *linear_seen; /* its guest's memory, as it last saw it */

static enum wrt_status beat(struct wrt_caller *caller, void *context,
                            const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)context, (void)arguments, (void)results;
    if (wrt_caller_span(caller, 0, 65536, &linear_seen) != WRT_OK)
        return WRT_ERR_BOUNDS;
    if (wild_target != NULL)
        *(volatile uint8_t *)wild_target = 0xEE;
    return WRT_OK;
}

static enum wrt_status leave(struct wrt_caller *caller, void *context,
                             const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)context, (void)results;
    return wrt_caller_exit(caller, arguments[0].i32);
}

static void open_tenant(struct tenant *t, const char *name, uint32_t flags)
{
    const struct wrt_partition_config config = {.name = name, .max_bytes = 32 << 20,
                                                .flags = flags,
                                                .verification = WRT_VERIFY_CRITICAL};
    struct wrt_store_config store = {.trap_guard_hits = true};
    struct wrt_partition_guard guard;
    struct wrt_error error = {.text = ""};
    enum wrt_status status;

    memset(t, 0, sizeof *t);
    store.pages.guard_after_bytes = 65536;
    assert_int_equal(wrt_partition_create(NULL, &config, &t->partition, &error), WRT_OK);
    assert_int_equal(wrt_partition_guard_enter(&guard, t->partition), WRT_OK);
    status = wrt_store_create(t->partition, &store, &t->store, &error);
    if (status == WRT_ERR_UNSUPPORTED) {
        store.trap_guard_hits = false;
        status = wrt_store_create(t->partition, &store, &t->store, &error);
    }
    if (status == WRT_OK)
        status = wrt_store_define_function(t->store, "wrt", "heartbeat", ":", beat, NULL, &error);
    if (status == WRT_OK)
        status = wrt_store_define_function(t->store, "wasi_snapshot_preview1", "proc_exit", "i:",
                                           leave, NULL, &error);
    if (status == WRT_OK)
        status = wrt_module_load(t->partition, NULL, module, module_bytes, &t->module, &error);
    if (status == WRT_OK)
        status = wrt_store_instantiate(t->store, t->module, &t->instance, &error);
    if (status != WRT_OK)
        fail_msg("%s", error.text);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
}

static void close_tenant(struct tenant *t)
{
    struct wrt_partition_guard guard;
    struct wrt_error error;

    assert_int_equal(wrt_partition_guard_enter(&guard, t->partition), WRT_OK);
    assert_int_equal(wrt_store_destroy(t->store), WRT_OK);
    assert_int_equal(wrt_module_destroy(t->module), WRT_OK);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    if (wrt_partition_destroy(t->partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static enum wrt_status call(struct tenant *t, const char *name, uint32_t a, uint32_t b, uint32_t c,
                            uint32_t argument_count, uint32_t *out)
{
    struct wrt_value arguments[3] = {{.type = WRT_I32, .of.i32 = a}, {.type = WRT_I32, .of.i32 = b},
                                     {.type = WRT_I32, .of.i32 = c}};
    struct wrt_extern_type type;
    struct wrt_partition_guard guard;
    struct wrt_value result = {.type = WRT_I32};
    struct wrt_extern item;
    enum wrt_status status;

    assert_int_equal(wrt_partition_guard_enter(&guard, t->partition), WRT_OK);
    assert_int_equal(wrt_instance_export(t->instance, name, &item), WRT_OK);
    wrt_extern_get_type(item, &type);
    status = wrt_function_call(t->store, item.of.function, arguments, argument_count, &result,
                               type.function.result_count);
    if (status == WRT_PAUSED)
        wrt_store_drop(t->store);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    if (out != NULL)
        *out = result.of.i32;
    return status;
}

/* Every bit of it is as it was, and it works. */
static void expect_unharmed(struct tenant *victim)
{
    uint32_t count, data;

    assert_int_equal(call(victim, "count", 0, 0, 0, 0, &count), WRT_OK);
    assert_int_equal(count, ++victim->count);
    assert_int_equal(call(victim, "read", 16, 0, 0, 1, &data), WRT_OK);
    assert_int_equal(data, 0x616E6574); /* "tena" */
}

/* ---- a hostile guest ---- */

static const uint32_t hostile[] = {65533, 65536, 65540, 0x7FFFFFFC, 0x80000000, 0xFFFF0000,
                                   0xFFFFFFFC, 0xFFFFFFFF};

static void attack_as_guest(struct tenant *attacker, struct tenant *victim)
{
    uint32_t size;

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        uint32_t at = hostile[i];

        assert_int_equal(call(attacker, "read", at, 0, 0, 1, NULL), WRT_ERR_TRAP);
        assert_int_equal(call(attacker, "read_far", at, 0, 0, 1, NULL), WRT_ERR_TRAP);
        assert_int_equal(call(attacker, "write", at, 0xEEEEEEEE, 0, 2, NULL), WRT_ERR_TRAP);
        assert_int_equal(call(attacker, "fill", at, 65536, 0, 2, NULL), WRT_ERR_TRAP);
        assert_int_equal(call(attacker, "copy", 0, at, 65536, 3, NULL), WRT_ERR_TRAP);
        assert_int_equal(call(attacker, "copy", at, 0, 65536, 3, NULL), WRT_ERR_TRAP);
        assert_int_equal(call(attacker, "indirect", at, 0, 0, 1, NULL), WRT_ERR_TRAP);
    }
    assert_int_equal(call(attacker, "recurse", 0, 0, 0, 0, NULL), WRT_ERR_TRAP);
    assert_int_equal(call(attacker, "trap", 0, 0, 0, 0, NULL), WRT_ERR_TRAP);
    assert_int_equal(call(attacker, "grow", 0, 0, 0, 0, &size), WRT_OK);
    assert_in_range(size, 100, 512); /* 32 MiB */
    assert_int_equal(call(attacker, "write", size * 65536 - 4, 1, 0, 2, NULL), WRT_OK);
    assert_int_equal(call(attacker, "write", size * 65536 - 3, 1, 0, 2, NULL), WRT_ERR_TRAP);
    assert_int_equal(call(attacker, "grow_table", 0, 0, 0, 0, NULL), WRT_OK);
    expect_unharmed(victim);
}

static void software_stops_every_guest(void **state)
{
    struct tenant attacker, victim;

    (void)state;
    open_tenant(&attacker, "attacker", 0);
    open_tenant(&victim, "victim", 0);
    attack_as_guest(&attacker, &victim);
    close_tenant(&attacker);
    expect_unharmed(&victim);
    close_tenant(&victim);
}

static void sealed_stops_every_guest(void **state)
{
    struct tenant attacker, victim;

    (void)state;
    open_tenant(&attacker, "attacker", WRT_PARTITION_MEMORY_ISOLATION);
    open_tenant(&victim, "victim", WRT_PARTITION_MEMORY_ISOLATION);
    attack_as_guest(&attacker, &victim);
    close_tenant(&attacker);
    expect_unharmed(&victim);
    close_tenant(&victim);
}

/* ---- a host that writes wildly ---- */

struct wild {
    uint8_t *at;
    bool is_read;
    volatile uint8_t seen;
};

static void touch(void *context)
{
    struct wild *wild = context;

    if (wild->is_read)
        wild->seen = *(volatile uint8_t *)wild->at;
    else
        *(volatile uint8_t *)wild->at = 0xEE;
}

/* Places of the victim, found while it is open. */
enum { LINEAR, LINEAR_END, CODE, STORE, STACK, INSTANCE, TABLE, BLOCK, PLACES };

static void find_places(struct tenant *t, uint8_t *places[PLACES], void **out_block)
{
    struct wrt_partition_guard guard;
    struct wrt_extern function;

    assert_int_equal(call(t, "beat", 0, 0, 0, 0, NULL), WRT_OK);
    places[LINEAR] = linear_seen;
    places[LINEAR_END] = linear_seen + 65535;
    assert_int_equal(wrt_partition_guard_enter(&guard, t->partition), WRT_OK);
    assert_int_equal(wrt_instance_export(t->instance, "count", &function), WRT_OK);
    assert_int_equal(wrt_partition_allocate(t->partition, WRT_CHARGE_TABLE, 100, 0, out_block,
                                            NULL), WRT_OK);
    places[CODE] = (uint8_t *)t->module;
    places[STORE] = (uint8_t *)t->store;
    places[STACK] = (uint8_t *)t->store + 64;
    places[INSTANCE] = (uint8_t *)t->instance;
    places[TABLE] = (uint8_t *)function.of.function;
    places[BLOCK] = *out_block;
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
}

static const char *trap_text(struct tenant *t)
{
    return wrt_store_trap(t->store)->text; /* the culprit is not sealed */
}

static void a_wild_write_is_reported_and_stopped(void **state)
{
    uint8_t *places[PLACES];
    struct wrt_partition_guard guard;
    struct tenant culprit, victim;
    struct wrt_partition_info info;
    struct wrt_error error;
    void *block;

    (void)state;
    open_tenant(&culprit, "culprit", 0);
    open_tenant(&victim, "victim", WRT_PARTITION_MEMORY_ISOLATION);
    wrt_partition_get_info(victim.partition, &info);
    if (info.tier != WRT_TIER_SEALED || IS_THREAD_SANITIZED) {
        printf("no sealing here, or no handler of faults (thread sanitizer): %s\n",
               info.tier_reason);
        skip();
    }
    find_places(&victim, places, &block);
    for (int place = 0; place < PLACES; place++) {
        for (int is_read = 0; is_read < 2; is_read++) {
            struct wild wild = {.at = places[place], .is_read = is_read};

            assert_int_equal(wrt_partition_run(culprit.partition, touch, &wild, &error),
                             WRT_ERR_DENIED);
            assert_non_null(strstr(error.text, "partition victim"));
        }
    }
    expect_unharmed(&victim);
    /* the same from a host function, in the middle of a call of the culprit's guest */
    for (int place = 0; place < PLACES; place++) {
        wild_target = places[place];
        if (call(&culprit, "beat", 0, 0, 0, 0, NULL) != WRT_ERR_TRAP)
            fail_msg("place %d was written", place);
        if (strstr(trap_text(&culprit), "in memory of partition victim") == NULL)
            fail_msg("the trap says \"%s\"", trap_text(&culprit));
        wild_target = NULL;
        assert_int_equal(call(&culprit, "beat", 0, 0, 0, 0, NULL), WRT_OK); /* it goes on */
    }
    expect_unharmed(&victim);
    assert_int_equal(wrt_partition_guard_enter(&guard, victim.partition), WRT_OK);
    wrt_partition_free(victim.partition, WRT_CHARGE_TABLE, block, 100);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    close_tenant(&victim);
    close_tenant(&culprit);
}

/* The contrast: without sealing the same write lands, and only checksums find it. */
static void unsealed_the_write_lands(void **state)
{
    uint8_t *places[PLACES];
    struct tenant culprit, victim;
    struct wild wild;
    struct wrt_partition_guard guard;
    void *block;

    (void)state;
    open_tenant(&culprit, "culprit", 0);
    open_tenant(&victim, "victim", 0);
    find_places(&victim, places, &block);
    wild.at = places[BLOCK];
    wild.is_read = false;
    *(uint8_t *)block = 0;
    assert_int_equal(wrt_partition_run(culprit.partition, touch, &wild, NULL), WRT_OK);
    assert_int_equal(*(uint8_t *)block, 0xEE);
    assert_int_equal(wrt_partition_guard_enter(&guard, victim.partition), WRT_OK);
    wrt_partition_free(victim.partition, WRT_CHARGE_TABLE, block, 100);
    assert_int_equal(wrt_partition_guard_leave(&guard), WRT_OK);
    close_tenant(&victim);
    close_tenant(&culprit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* first: cmocka takes the fault handler back that this one installs */
        cmocka_unit_test(a_wild_write_is_reported_and_stopped),
        cmocka_unit_test(software_stops_every_guest),
        cmocka_unit_test(sealed_stops_every_guest),
        cmocka_unit_test(unsealed_the_write_lands),
    };
    return cmocka_run_group_tests(tests, read_module, NULL);
}
