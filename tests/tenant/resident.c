/* tests/tenant/resident.c - what partitions say is used, against what the system says is resident.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tenants take and touch memory of every kind: code, stacks, linear memory by growth, tables by
 * growth, and what the host copies for them (arguments, modules). After each step the growth of the
 * process's anonymous resident memory is compared with what was charged. The margin is the one that
 * wrt/partition.h promises.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "wrt/wrt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TENANTS = 4, STACK = 4 << 20, PAGES = 128, ELEMENTS = 500000, ARGUMENT = 60000,
       FUNCTIONS = 150, OPERATIONS = 1000, SLACK = 128 << 10 };

static uint8_t guest[4096];
static size_t guest_bytes;
static uint8_t *large; /* a module of many functions */
static size_t large_bytes;

static struct tenant {
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_wasi *wasi;
    struct wrt_module *modules[2];
    struct wrt_instance *instance;
} tenants[TENANTS];

/* Anonymous: not the program and its libraries; what was swapped out counts. 0: the system does not
 * tell. */
static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    unsigned long long kib = 0, one;
    char line[128];

    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "RssAnon: %llu", &one) == 1 || sscanf(line, "VmSwap: %llu", &one) == 1)
            kib += one;
    if (file != NULL)
        fclose(file);
    return kib * 1024;
}

static uint64_t charged_bytes(void)
{
    uint64_t sum = 0;

    for (int i = 0; i < TENANTS; i++) {
        struct wrt_partition_info info;

        if (tenants[i].partition == NULL)
            continue;
        wrt_partition_get_info(tenants[i].partition, &info);
        sum += info.used_bytes;
    }
    return sum;
}

static void call(struct tenant *tenant, const char *name, int32_t number, enum wrt_status expected)
{
    struct wrt_value argument = {.type = WRT_I32, .of.i32 = (uint32_t)number}, result;
    struct wrt_extern item;

    assert_int_equal(wrt_instance_export(tenant->instance, name, &item), WRT_OK);
    assert_int_equal(wrt_function_call(tenant->store, item.of.function, &argument,
                                       strcmp(name, "recurse") != 0, &result, 1), expected);
    if (expected == WRT_OK)
        assert_true((int32_t)result.of.i32 != -1);
}

/* ---- the steps ---- */

static void make(struct tenant *tenant)
{
    const struct wrt_partition_config partition = {.name = "tenant"};
    const struct wrt_store_config store = {.stack_bytes = STACK};

    assert_int_equal(wrt_partition_create(NULL, &partition, &tenant->partition, NULL), WRT_OK);
    assert_int_equal(wrt_store_create(tenant->partition, &store, &tenant->store, NULL), WRT_OK);
}

static void use_stack(struct tenant *tenant)
{
    struct wrt_error error = {.text = ""};

    make(tenant);
    if (wrt_module_load(tenant->partition, NULL, guest, guest_bytes, &tenant->modules[0], &error) !=
            WRT_OK ||
        wrt_store_instantiate(tenant->store, tenant->modules[0], &tenant->instance, &error) !=
            WRT_OK)
        fail_msg("%s", error.text);
    call(tenant, "recurse", 0, WRT_ERR_TRAP);
}

static void grow_memory(struct tenant *tenant)
{
    for (int i = 0; i < PAGES; i += 16)
        call(tenant, "pages", 16, WRT_OK);
}

static void grow_table(struct tenant *tenant)
{
    for (int i = 0; i < ELEMENTS; i += ELEMENTS / 4)
        call(tenant, "elements", ELEMENTS / 4, WRT_OK);
}

static void load_code(struct tenant *tenant)
{
    struct wrt_error error = {.text = ""};

    if (wrt_module_load(tenant->partition, NULL, large, large_bytes, &tenant->modules[1], &error) !=
        WRT_OK)
        fail_msg("%s", error.text);
}

/* What the host copies: the guest's arguments. */
static void copy_arguments(struct tenant *tenant)
{
    static char text[ARGUMENT];
    const char *const arguments[] = {text, text, text, text};
    const struct wrt_wasi_config config = {.arguments = arguments, .argument_count = 4};
    struct wrt_error error = {.text = ""};

    memset(text, 'x', sizeof text - 1);
    if (wrt_wasi_create(tenant->partition, &config, &tenant->wasi, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static void end(struct tenant *tenant)
{
    struct wrt_error error = {.text = ""};

    assert_int_equal(wrt_store_destroy(tenant->store), WRT_OK);
    wrt_wasi_destroy(tenant->wasi);
    assert_int_equal(wrt_module_destroy(tenant->modules[0]), WRT_OK);
    assert_int_equal(wrt_module_destroy(tenant->modules[1]), WRT_OK);
    if (wrt_partition_destroy(tenant->partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
    memset(tenant, 0, sizeof *tenant);
}

/* ---- comparing ---- */

/* wrt/partition.h: of all partitions together, and 1 % of what is used. */
static uint64_t margin(uint64_t charged)
{
    return TENANTS * (uint64_t)SLACK + charged / 100;
}

static void compare(const char *step, uint64_t charged, uint64_t resident, bool touches_all)
{
    print_message("%-18s %9llu charged %9llu resident\n", step, (unsigned long long)charged,
                  (unsigned long long)resident);
    if (resident > charged + margin(charged))
        fail_msg("%s: %llu bytes are resident and not charged", step,
                 (unsigned long long)(resident - charged));
    if (touches_all && charged > resident + margin(charged))
        fail_msg("%s: %llu bytes are charged and not resident", step,
                 (unsigned long long)(charged - resident));
}

struct step {
    const char *name;
    void (*take)(struct tenant *tenant);
    uint64_t least; /* bytes that it takes of one tenant: the test sees something */
    bool touches_all;
};

static const struct step steps[] = {
    {"stores and stacks", use_stack, STACK, true},
    {"linear memory", grow_memory, (uint64_t)PAGES << 16, true},
    {"tables", grow_table, (uint64_t)ELEMENTS * 8, false}, /* room to grow into is charged */
    {"code", load_code, (uint64_t)FUNCTIONS * OPERATIONS * 4, false}, /* and for buffers */
    {"host's copies", copy_arguments, 4 * (uint64_t)(ARGUMENT - 1), true},
};

/* Each step's growth; then all, down to nothing. */
static void run(bool compares)
{
    uint64_t start = resident_bytes();

    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        uint64_t charged = charged_bytes(), resident = resident_bytes();

        for (int i = 0; i < TENANTS; i++)
            steps[s].take(&tenants[i]);
        charged = charged_bytes() - charged;
        resident = resident_bytes() - resident;
        assert_true(charged >= TENANTS * steps[s].least);
        if (compares)
            compare(steps[s].name, charged, resident, steps[s].touches_all);
    }
    if (compares)
        compare("all", charged_bytes(), resident_bytes() - start, false);
    for (int i = 0; i < TENANTS; i++)
        end(&tenants[i]);
    assert_int_equal(charged_bytes(), 0);
    if (compares)
        assert_true(resident_bytes() <= start + margin(0));
}

static void use_is_what_is_resident(void **state)
{
    (void)state;
    run(false); /* once before, so that what the process itself takes is there */
    run(true);
}

/* ---- set-up ---- */

static size_t put_leb(uint8_t *out, size_t at, size_t value)
{
    do {
        out[at++] = (uint8_t)((value & 0x7F) | (value >= 0x80 ? 0x80 : 0));
        value >>= 7;
    } while (value != 0);
    return at;
}

/* FUNCTIONS times (func (param i32) OPERATIONS times local 0 = local 0 + local 0). */
static void make_large(void)
{
    static const uint8_t head[] = {0, 'a', 's', 'm', 1, 0, 0, 0, 1, 5, 1, 0x60, 1, 0x7F, 0};
    static const uint8_t operation[] = {0x20, 0, 0x20, 0, 0x6A, 0x21, 0};
    const size_t body = 1 + OPERATIONS * sizeof operation + 1, with_size = body + 2;
    size_t at = sizeof head, count_bytes = put_leb((uint8_t[8]){0}, 0, FUNCTIONS);

    large = malloc((size_t)FUNCTIONS * (with_size + 4) + 64);
    assert_non_null(large);
    memcpy(large, head, sizeof head);
    large[at++] = 3;
    at = put_leb(large, at, count_bytes + FUNCTIONS);
    at = put_leb(large, at, FUNCTIONS);
    memset(large + at, 0, FUNCTIONS);
    at += FUNCTIONS;
    large[at++] = 10;
    at = put_leb(large, at, count_bytes + FUNCTIONS * with_size);
    at = put_leb(large, at, FUNCTIONS);
    for (int f = 0; f < FUNCTIONS; f++) {
        at = put_leb(large, at, body);
        large[at++] = 0;
        for (int i = 0; i < OPERATIONS; i++, at += sizeof operation)
            memcpy(large + at, operation, sizeof operation);
        large[at++] = 0x0B;
    }
    large_bytes = at;
}

static int set_up(void **state)
{
    FILE *file = fopen(WRT_TEST_MODULES "/resident.wasm", "rb");

    (void)state;
    if (file == NULL)
        return -1;
    guest_bytes = fread(guest, 1, sizeof guest, file);
    fclose(file);
    make_large();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(large);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(use_is_what_is_resident)};
#ifdef WRT_SANITIZED
    printf("a sanitizer's own memory is resident too\n");
    return 77;
#endif
    if (strcmp(wrt_system_name(), "linux") != 0 || resident_bytes() == 0) {
        printf("this system does not tell what is resident\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
