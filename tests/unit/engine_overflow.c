/* engine_overflow.c - calls without end, in every shape, end in one trap; tail calls do not end.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "module_parts.h"

/* ---- the module: functions (i32) -> (i32) ---- */

enum { HOST, OTHER, FIRST };

struct shape {
    const char *name;
    const char *code;
    size_t size;
};
#define SHAPE(name, code) {name, code, sizeof(code) - 1}

/* Table 0 has function n at n. Types: 0 is (i32) -> (i32). `other` is of another instance, and
 * calls this one's table at the index that it is given. */
static const struct shape shapes[] = {
    SHAPE("direct", "\0\x20\0\x10\2\x0b"),
    SHAPE("mutual", "\0\x20\0\x10\4\x41\1\x6a\x0b"),
    SHAPE("back", "\0\x20\0\x10\3\x41\1\x6a\x0b"),
    SHAPE("indirect", "\0\x20\0\x41\5\x11\0\0\x0b"),
    SHAPE("reference", "\0\x20\0\xd2\6\x14\0\x0b"),
    SHAPE("host", "\0\x41\7\x10\0\x0b"),     /* the host calls "host" again */
    SHAPE("across", "\0\x41\x08\x10\1\x0b"), /* the other instance calls "across" again */
    /* try_table (catch_all 0) direct */
    SHAPE("in_try", "\0\x02\x40\x1f\x40\1\2\0\x20\0\x10\x09\x1a\x0b\x0b\x41\0\x0b"),
    /* throws, and calls itself where the exception was caught */
    SHAPE("in_handler", "\0\x02\x40\x1f\x40\1\2\0\x08\0\x0b\x0b\x20\0\x10\x0a\x0b"),
    /* n == 0 ? 0 : tail call of itself with n - 1, in each form */
    SHAPE("tail", "\0\x20\0\x45\x04\x40\x41\0\x0f\x0b\x20\0\x41\1\x6b\x12\x0b\x0b"),
    SHAPE("tail_indirect", "\0\x20\0\x45\x04\x40\x41\0\x0f\x0b\x20\0\x41\1\x6b\x41\x0c\x13\0\0\x0b"),
    SHAPE("tail_reference", "\0\x20\0\x45\x04\x40\x41\0\x0f\x0b\x20\0\x41\1\x6b\xd2\x0d\x15\0\x0b"),
    /* to the host, which gives n back */
    SHAPE("tail_host", "\0\x20\0\x12\0\x0b"),
    /* a tail call of what calls it */
    SHAPE("tail_and_call", "\0\x20\0\x12\x10\x0b"),
    SHAPE("and_call", "\0\x20\0\x10\x0f\x41\1\x6a\x0b"),
    SHAPE("identity", "\0\x20\0\x0b"),
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

struct world {
    struct fixture f;
    struct wrt_module *other;
    unsigned depth, deepest;
    bool only_answers;
};

static void write_table(struct wasm_writer *w)
{
    size_t section = wasm_open_section(w, WASM_ELEMENT);
    wasm_bytes(w, "\1\0\x41\0\x0b", 5);
    wasm_u32(w, SHAPES + FIRST);
    for (uint32_t i = 0; i < SHAPES + FIRST; i++)
        wasm_u32(w, i);
    wasm_close(w, section);
}

static struct module_bytes write_shapes(const char *start)
{
    struct module_bytes m = module_open(8192);
    PART(&m, WASM_TYPE, 2, "\x60\1\x7f\1\x7f\x60\0\0");
    PART(&m, WASM_IMPORT, 3, "\4host\4call\0\0\5other\4call\0\0\4host\5table\1\x70\0\1");
    size_t section = wasm_open_section(&m.w, WASM_FUNCTION);
    wasm_u32(&m.w, SHAPES + (start != NULL));
    for (uint32_t i = 0; i < SHAPES; i++)
        wasm_byte(&m.w, 0);
    if (start != NULL)
        wasm_byte(&m.w, 1);
    wasm_close(&m.w, section);
    PART(&m, TAG_SECTION, 1, "\0\1");
    section = wasm_open_section(&m.w, WASM_EXPORT);
    wasm_u32(&m.w, SHAPES);
    for (uint32_t i = 0; i < SHAPES; i++) {
        wasm_name(&m.w, shapes[i].name);
        wasm_byte(&m.w, 0);
        wasm_u32(&m.w, FIRST + i);
    }
    wasm_close(&m.w, section);
    if (start != NULL) {
        section = wasm_open_section(&m.w, WASM_START);
        wasm_u32(&m.w, FIRST + SHAPES);
        wasm_close(&m.w, section);
    }
    write_table(&m.w);
    section = wasm_open_section(&m.w, WASM_CODE);
    wasm_u32(&m.w, SHAPES + (start != NULL));
    for (uint32_t i = 0; i < SHAPES; i++)
        body_bytes(&m.w, shapes[i].code, shapes[i].size);
    if (start != NULL)
        body_bytes(&m.w, start, 7);
    wasm_close(&m.w, section);
    return m;
}

static struct module_bytes write_other(void)
{
    struct module_bytes m = module_open(1024);
    PART(&m, WASM_TYPE, 1, "\x60\1\x7f\1\x7f");
    PART(&m, WASM_IMPORT, 1, "\4host\5table\1\x70\0\1");
    PART(&m, WASM_FUNCTION, 1, "\0");
    PART(&m, WASM_EXPORT, 1, "\4call\0\0");
    size_t section = wasm_open_section(&m.w, WASM_CODE);
    wasm_u32(&m.w, 1);
    BODY(&m, "\0\x41\1\x20\0\x11\0\0\x41\1\x6a\x0b");
    wasm_close(&m.w, section);
    return m;
}

static enum wrt_status host_call(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    struct world *w = context;
    uint32_t result = 0;
    (void)caller;
    if (w->only_answers) {
        out[0].i32 = in[0].i32;
        return WRT_OK;
    }
    w->deepest = ++w->depth > w->deepest ? w->depth : w->deepest;
    const enum wrt_status status = fixture_call(&w->f, "host", in[0].i32, &result);
    w->depth--;
    out[0].i32 = result;
    return status;
}

static void open_world(struct world *w, const struct wrt_store_config *config)
{
    struct wrt_instance *other;
    struct wrt_extern item = {.kind = WRT_EXTERN_TABLE};
    const struct wrt_table_type type = {.element = WRT_FUNCREF, .limits = {.minimum = 32}};
    memset(w, 0, sizeof *w);
    fixture_open(&w->f, config);
    assert_status(wrt_table_create(w->f.store, &type, (union wrt_slot){.function = NULL},
                                   &item.of.table, &w->f.error),
                  WRT_OK);
    assert_status(wrt_store_define(w->f.store, "host", "table", item, &w->f.error), WRT_OK);
    assert_status(wrt_store_define_function(w->f.store, "host", "call", "i:i", host_call, w,
                                            &w->f.error),
                  WRT_OK);
    struct module_bytes m = write_other();
    w->other = module_made(&m, &w->f);
    assert_status(wrt_store_instantiate(w->f.store, w->other, &other, &w->f.error), WRT_OK);
    assert_status(wrt_store_define_instance(w->f.store, "other", other, &w->f.error), WRT_OK);
    m = write_shapes(NULL);
    w->f.module = module_made(&m, &w->f);
    fixture_instantiate(&w->f);
}

static void close_world(struct world *w)
{
    assert_status(wrt_store_destroy(w->f.store), WRT_OK);
    assert_status(wrt_module_destroy(w->f.module), WRT_OK);
    assert_status(wrt_module_destroy(w->other), WRT_OK);
    assert_int_equal(fixture_used(&w->f), 0);
    assert_status(wrt_partition_destroy(w->f.partition, &w->f.error), WRT_OK);
}

/* The trap, and a store that goes on as if nothing had been. */
static void overflows(struct world *w, const char *name)
{
    uint32_t result;
    const enum wrt_status status = fixture_call(&w->f, name, 5, &result);
    if (status != WRT_ERR_TRAP ||
        wrt_store_trap(w->f.store)->kind != WRT_TRAP_CALL_STACK_EXHAUSTED)
        fail_msg("%s: %s: %s", name, wrt_status_name(status), wrt_store_trap(w->f.store)->text);
    assert_status(fixture_call(&w->f, "identity", 77, &result), WRT_OK);
    assert_int_equal(result, 77);
}

static void test_every_shape(void **state)
{
    (void)state;
    static const uint64_t stacks[] = {4096, 5000, 65536, 1 << 20};
    static const char *const endless[] = {"direct", "mutual", "indirect", "reference", "across",
                                          "in_try", "in_handler", "tail_and_call"};
    for (unsigned s = 0; s < 4; s++) {
        struct world w;
        open_world(&w, &(struct wrt_store_config){.stack_bytes = stacks[s]});
        for (unsigned i = 0; i < sizeof endless / sizeof *endless; i++)
            overflows(&w, endless[i]);
        close_world(&w);
    }
}

/* The depth of host calls ends first, or the guest's stack; the innermost end is told. */
static void overflows_below_host(struct world *w, const char *what)
{
    uint32_t result;
    w->deepest = 0;
    assert_status(fixture_call(&w->f, "host", 5, &result), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(w->f.store)->kind, WRT_TRAP_HOST);
    assert_string_equal(wrt_store_trap(w->f.store)->text, what);
    assert_int_equal(w->depth, 0);
    assert_status(fixture_call(&w->f, "identity", 77, &result), WRT_OK);
    assert_int_equal(result, 77);
}

static void test_through_the_host(void **state)
{
    (void)state;
    struct world w;
    open_world(&w, &(struct wrt_store_config){.max_host_depth = 40});
    overflows_below_host(&w, "host function failed: WRT_ERR_LIMIT");
    assert_in_range(w.deepest, 30, 41);
    overflows_below_host(&w, "host function failed: WRT_ERR_LIMIT"); /* as often as one likes */
    overflows(&w, "direct");
    close_world(&w);
    open_world(&w, &(struct wrt_store_config){.max_host_depth = 1000, .stack_bytes = 8192});
    overflows_below_host(&w, "host function failed: call stack exhausted");
    assert_in_range(w.deepest, 10, 999);
    close_world(&w);
}

/* A million calls on a stack of 4 KiB; and with fuel that runs out in the middle, again. */
static void test_tail_calls_need_no_stack(void **state)
{
    (void)state;
    static const char *const names[] = {"tail", "tail_indirect", "tail_reference"};
    struct world w;
    uint32_t result;
    open_world(&w, &(struct wrt_store_config){.stack_bytes = 4096});
    for (unsigned i = 0; i < 3; i++) {
        assert_status(fixture_call(&w.f, names[i], 1000000, &result), WRT_OK);
        assert_int_equal(result, 0);
        wrt_store_set_fuel(w.f.store, 5000);
        assert_status(fixture_call(&w.f, names[i], 100000, &result), WRT_PAUSED);
        wrt_store_set_fuel(w.f.store, UINT64_MAX);
        assert_status(fixture_resume(&w.f, &result), WRT_OK);
    }
    w.only_answers = true;
    assert_status(fixture_call(&w.f, "tail_host", 12, &result), WRT_OK);
    assert_int_equal(result, 12);
    close_world(&w);
}

/* A start function that never ends fails its instance only. */
static void test_start(void **state)
{
    (void)state;
    struct world w;
    struct wrt_module *module;
    struct wrt_instance *instance = NULL;
    uint32_t result;
    open_world(&w, NULL);
    struct module_bytes m = write_shapes("\0\x41\0\x10\2\x1a\x0b"); /* direct */
    module = module_made(&m, &w.f);
    assert_status(wrt_store_instantiate(w.f.store, module, &instance, &w.f.error), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(w.f.store)->kind, WRT_TRAP_CALL_STACK_EXHAUSTED);
    assert_status(fixture_call(&w.f, "identity", 3, &result), WRT_OK);
    overflows(&w, "direct");
    assert_status(wrt_store_destroy(w.f.store), WRT_OK);
    assert_status(wrt_module_destroy(module), WRT_OK);
    assert_status(wrt_store_create(w.f.partition, NULL, &w.f.store, NULL), WRT_OK);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shape), cmocka_unit_test(test_through_the_host),
        cmocka_unit_test(test_tail_calls_need_no_stack), cmocka_unit_test(test_start)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
