/* engine_large.c - modules with very many of one thing, that run.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "module_parts.h"

enum { CAPACITY = 4 << 20, LARGE_STACK = 4 << 20 };

static void open_large(struct fixture *f, uint64_t stack_bytes)
{
    fixture_open(f, &(struct wrt_store_config){.stack_bytes = stack_bytes});
}

static void start(struct fixture *f, struct module_bytes *m)
{
    f->module = module_made(m, f);
    fixture_instantiate(f);
}

/* ---- 50,000 functions, each of which gives its number, in one table ---- */

enum { FUNCTIONS = 50000 };

static void write_functions(struct wasm_writer *w)
{
    size_t section = wasm_open_section(w, WASM_FUNCTION);
    wasm_u32(w, FUNCTIONS + 1);
    for (uint32_t i = 0; i <= FUNCTIONS; i++)
        wasm_byte(w, i == FUNCTIONS);
    wasm_close(w, section);
}

static void write_elements(struct wasm_writer *w)
{
    size_t section = wasm_open_section(w, WASM_ELEMENT);
    wasm_bytes(w, "\1\0\x41\0\x0b", 5);
    wasm_u32(w, FUNCTIONS);
    for (uint32_t i = 0; i < FUNCTIONS; i++)
        wasm_u32(w, i);
    wasm_close(w, section);
}

static void write_bodies(struct module_bytes *m)
{
    struct wasm_writer *w = &m->w;
    size_t section = wasm_open_section(w, WASM_CODE);
    wasm_u32(w, FUNCTIONS + 1);
    for (uint32_t i = 0; i < FUNCTIONS; i++) {
        size_t body = wasm_open(w);
        wasm_bytes(w, "\0\x41", 2);
        wasm_s32(w, (int32_t)i);
        wasm_byte(w, 0x0B);
        wasm_close(w, body);
    }
    BODY(m, "\0\x20\0\x11\0\0\x0b");
    wasm_close(w, section);
}

static void test_many_functions(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    open_large(&f, 0);
    struct module_bytes m = module_open(CAPACITY);
    PART(&m, WASM_TYPE, 2, "\x60\0\1\x7f\x60\1\x7f\1\x7f");
    write_functions(&m.w);
    PART(&m, WASM_TABLE, 1, "\x70\0\xd0\x86\x03"); /* 50,000 */
    PART(&m, WASM_EXPORT, 1, "\4call\0\xd0\x86\x03");
    write_elements(&m.w);
    write_bodies(&m);
    start(&f, &m);
    for (uint32_t i = 0; i < FUNCTIONS; i += 4999) {
        assert_status(fixture_call(&f, "call", i, &result), WRT_OK);
        assert_int_equal(result, i);
    }
    assert_status(fixture_call(&f, "call", FUNCTIONS - 1, &result), WRT_OK);
    assert_int_equal(result, FUNCTIONS - 1);
    assert_status(fixture_call(&f, "call", FUNCTIONS, &result), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_UNDEFINED_ELEMENT);
    fixture_close(&f);
}

/* ---- 1,000 parameters and results, also of a block, through a call and a host function ---- */

enum { VALUES = 1000 };

static void write_many_types(struct wasm_writer *w)
{
    size_t section = wasm_open_section(w, WASM_TYPE);
    wasm_bytes(w, "\1\x60", 2);
    for (int side = 0; side < 2; side++) {
        wasm_u32(w, VALUES);
        for (uint32_t i = 0; i < VALUES; i++)
            wasm_byte(w, 0x7F);
    }
    wasm_close(w, section);
}

/* Takes all its parameters in reverse, through a block of the same type, and calls `callee`. */
static void write_reversing(struct wasm_writer *w, uint32_t callee)
{
    size_t body = wasm_open(w);
    wasm_byte(w, 0);
    for (uint32_t i = VALUES; i-- > 0;) {
        wasm_byte(w, 0x20);
        wasm_u32(w, i);
    }
    wasm_bytes(w, "\x02\0\x0c\0\x0b\x10", 6);
    wasm_u32(w, callee);
    wasm_byte(w, 0x0B);
    wasm_close(w, body);
}

static enum wrt_status add_index(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    (void)caller;
    (void)context;
    for (uint32_t i = 0; i < VALUES; i++)
        out[i].i32 = in[i].i32 + i;
    return WRT_OK;
}

static void define_add_index(struct fixture *f)
{
    static wrt_type types[VALUES];
    struct wrt_extern item = {.kind = WRT_EXTERN_FUNCTION};
    for (uint32_t i = 0; i < VALUES; i++)
        types[i] = WRT_I32;
    const struct wrt_function_type type = {types, types, VALUES, VALUES};
    assert_status(wrt_function_create(f->store, &type, add_index, NULL, &item.of.function,
                                      &f->error),
                  WRT_OK);
    assert_status(wrt_store_define(f->store, "host", "add", item, &f->error), WRT_OK);
}

static void test_many_results(void **state)
{
    (void)state;
    static struct wrt_value in[VALUES], out[VALUES];
    struct fixture f;
    open_large(&f, 0);
    define_add_index(&f);
    struct module_bytes m = module_open(CAPACITY);
    write_many_types(&m.w);
    PART(&m, WASM_IMPORT, 1, "\4host\3add\0\0");
    PART(&m, WASM_FUNCTION, 2, "\0\0");
    PART(&m, WASM_EXPORT, 1, "\4many\0\2");
    size_t section = wasm_open_section(&m.w, WASM_CODE);
    wasm_u32(&m.w, 2);
    write_reversing(&m.w, 0);
    write_reversing(&m.w, 1);
    wasm_close(&m.w, section);
    start(&f, &m);
    for (uint32_t i = 0; i < VALUES; i++)
        in[i] = (struct wrt_value){.type = WRT_I32, .of.i32 = 7 * i};
    assert_status(wrt_function_call(f.store, fixture_function(&f, "many"), in, VALUES, out, VALUES),
                  WRT_OK);
    for (uint32_t i = 0; i < VALUES; i++)
        assert_int_equal(out[i].of.i32, 8 * i);
    fixture_close(&f);
}

/* ---- 49,000 blocks inside each other, left at once or one by one ---- */

enum { BLOCKS = 49000 };

/* Each block's end adds 1; `br n` from the innermost leaves n + 1 of them without that. */
static void write_nested(struct wasm_writer *w)
{
    size_t body = wasm_open(w);
    wasm_bytes(w, "\1\1\x7f", 3); /* local 1 counts */
    for (uint32_t i = 0; i < BLOCKS; i++)
        wasm_bytes(w, "\x02\x40", 2);
    wasm_bytes(w, "\x20\0\x0e\2\0", 5);
    wasm_u32(w, BLOCKS - 2);
    wasm_u32(w, BLOCKS - 1);
    for (uint32_t i = 0; i < BLOCKS; i++)
        wasm_bytes(w, "\x0b\x20\1\x41\1\x6a\x21\1", 8);
    wasm_bytes(w, "\x20\1\x0b", 3);
    wasm_close(w, body);
}

static void test_many_blocks(void **state)
{
    (void)state;
    static const uint32_t counts[] = {BLOCKS, 2, 1, 1};
    struct fixture f;
    uint32_t result;
    open_large(&f, 0);
    struct module_bytes m = module_open(CAPACITY);
    PART(&m, WASM_TYPE, 1, "\x60\1\x7f\1\x7f");
    PART(&m, WASM_FUNCTION, 1, "\0");
    PART(&m, WASM_EXPORT, 1, "\6nested\0\0");
    size_t section = wasm_open_section(&m.w, WASM_CODE);
    wasm_u32(&m.w, 1);
    write_nested(&m.w);
    wasm_close(&m.w, section);
    start(&f, &m);
    for (uint32_t i = 0; i < 4; i++) {
        assert_status(fixture_call(&f, "nested", i, &result), WRT_OK);
        assert_int_equal(result, counts[i]);
    }
    fixture_close(&f);
}

/* ---- 50,000 locals: the last is set and read behind a call of itself ---- */

/* 49,999 locals behind the parameter: f(n) = n == 0 ? 0 : (last = n, f(n - 1) + last) */
static struct module_bytes many_locals(void)
{
    struct module_bytes m = module_open(4096);
    PART(&m, WASM_TYPE, 1, "\x60\1\x7f\1\x7f");
    PART(&m, WASM_FUNCTION, 1, "\0");
    PART(&m, WASM_EXPORT, 1, "\3sum\0\0");
    size_t section = wasm_open_section(&m.w, WASM_CODE);
    wasm_u32(&m.w, 1);
    BODY(&m, "\1\xcf\x86\3\x7f\x20\0\x45\x04\x40\x41\0\x0f\x0b\x20\0\x21\xcf\x86\3"
             "\x20\0\x41\1\x6b\x10\0\x20\xcf\x86\3\x6a\x0b");
    wasm_close(&m.w, section);
    return m;
}

static void test_many_locals(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t result;
    open_large(&f, LARGE_STACK);
    struct module_bytes m = many_locals();
    start(&f, &m);
    assert_status(fixture_call(&f, "sum", 9, &result), WRT_OK);
    assert_int_equal(result, 45);
    assert_status(fixture_call(&f, "sum", 100, &result), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_CALL_STACK_EXHAUSTED);
    assert_status(fixture_call(&f, "sum", 1, &result), WRT_OK);
    fixture_close(&f);
    open_large(&f, 65536); /* not even one frame */
    m = many_locals();
    start(&f, &m);
    assert_status(fixture_call(&f, "sum", 0, &result), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f.store)->kind, WRT_TRAP_CALL_STACK_EXHAUSTED);
    fixture_close(&f);
}

/* ---- a table that is grown to its limit, filled, copied; indexes near 2^64 ---- */

/* (i64 index, i64 count) -> i64: table.grow; fill; copy within; get's nullness. */
static struct module_bytes huge_table(void)
{
    struct module_bytes m = module_open(4096);
    PART(&m, WASM_TYPE, 1, "\x60\2\x7e\x7e\1\x7e");
    PART(&m, WASM_FUNCTION, 5, "\0\0\0\0\0");
    PART(&m, WASM_TABLE, 1, "\x6f\4\2");
    PART(&m, WASM_EXPORT, 5, "\4grow\0\0\4fill\0\1\4copy\0\2\3get\0\3\4init\0\4");
    PART(&m, WASM_ELEMENT, 1, "\5\x6f\1\xd0\x6f\x0b");
    size_t section = wasm_open_section(&m.w, WASM_CODE);
    wasm_u32(&m.w, 5);
    BODY(&m, "\0\xd0\x6f\x20\1\xfc\x0f\0\x0b");
    BODY(&m, "\0\x20\0\xd0\x6f\x20\1\xfc\x11\0\x42\0\x0b");
    BODY(&m, "\0\x20\0\x42\0\x20\1\xfc\x0e\0\0\x42\0\x0b");
    BODY(&m, "\0\x20\0\x25\0\xd1\xad\x0b");
    BODY(&m, "\0\x20\0\x41\0\x20\1\xa7\xfc\x0c\0\0\x42\0\x0b");
    wasm_close(&m.w, section);
    return m;
}

static enum wrt_status table_call(struct fixture *f, const char *name, uint64_t index,
                                  uint64_t count, uint64_t *out)
{
    const struct wrt_value in[] = {{.type = WRT_I64, .of.i64 = index},
                                   {.type = WRT_I64, .of.i64 = count}};
    struct wrt_value result = {.type = WRT_I64};
    const enum wrt_status status =
        wrt_function_call(f->store, fixture_function(f, name), in, 2, &result, 1);
    *out = result.of.i64;
    return status;
}

static void table_traps(struct fixture *f, const char *name, uint64_t index, uint64_t count)
{
    uint64_t out;
    assert_status(table_call(f, name, index, count, &out), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f->store)->kind, WRT_TRAP_OUT_OF_BOUNDS_TABLE);
}

static void test_huge_table(void **state)
{
    (void)state;
    const uint64_t most = 1000000, all = UINT64_MAX;
    struct fixture f;
    uint64_t out;
    fixture_open(&f, &(struct wrt_store_config){.max_table_elements = most});
    struct module_bytes m = huge_table();
    start(&f, &m);
    assert_status(table_call(&f, "grow", 0, most - 1, &out), WRT_OK);
    assert_int_equal(out, all); /* one too many, and all of these */
    static const uint64_t deltas[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2, UINT64_C(1) << 32,
                                      UINT64_C(1) << 61};
    for (unsigned i = 0; i < 5; i++) {
        assert_status(table_call(&f, "grow", 0, deltas[i], &out), WRT_OK);
        assert_int_equal(out, all);
    }
    assert_status(table_call(&f, "grow", 0, most - 2, &out), WRT_OK);
    assert_int_equal(out, 2);
    assert_status(table_call(&f, "grow", 0, 0, &out), WRT_OK);
    assert_int_equal(out, most);
    static const char *const names[] = {"fill", "copy", "init"};
    for (unsigned i = 0; i < 3; i++) {
        assert_status(table_call(&f, names[i], most, 0, &out), WRT_OK);
        table_traps(&f, names[i], most + 1, 0);
        table_traps(&f, names[i], most, 1);
        table_traps(&f, names[i], all, 1);
        table_traps(&f, names[i], all, i == 2 ? 1 : all);
        table_traps(&f, names[i], 1, i == 2 ? 2 : all);
    }
    assert_status(table_call(&f, "fill", 0, most, &out), WRT_OK);
    assert_status(table_call(&f, "copy", 1, most - 1, &out), WRT_OK);
    assert_status(table_call(&f, "get", most - 1, 0, &out), WRT_OK);
    assert_int_equal(out, 1);
    table_traps(&f, "get", most, 0);
    table_traps(&f, "get", UINT64_C(1) << 32, 0);
    table_traps(&f, "get", all, 0);
    fixture_close(&f);
}

/* ---- addresses near 2^64, and copies between memories of 32 and of 64 bits ---- */

static struct module_bytes wide_memory(void)
{
    struct module_bytes m = module_open(4096);
    PART(&m, WASM_TYPE, 1, "\x60\2\x7e\x7e\1\x7e");
    PART(&m, WASM_FUNCTION, 7, "\0\0\0\0\0\0\0");
    PART(&m, WASM_MEMORY, 2, "\4\1\0\1"); /* 0: 64 bits, 1: 32 bits */
    PART(&m, WASM_EXPORT, 7,
         "\4load\0\0\3far\0\1\5store\0\2\4fill\0\3\2up\0\4\4down\0\5\5farst\0\6");
    size_t section = wasm_open_section(&m.w, WASM_CODE);
    wasm_u32(&m.w, 7);
    BODY(&m, "\0\x20\0\x29\3\0\x0b");
    BODY(&m, "\0\x20\0\x29\3\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\x0b"); /* offset 2^64 - 1 */
    BODY(&m, "\0\x20\0\x20\1\x37\3\xf8\xff\xff\xff\xff\xff\xff\xff\xff\1\x42\0\x0b");
    BODY(&m, "\0\x20\0\x41\7\x20\1\xfc\x0b\0\x42\0\x0b");
    BODY(&m, "\0\x20\0\x41\x10\x20\1\xa7\xfc\x0a\0\1\x42\0\x0b");     /* 64 from 32 */
    BODY(&m, "\0\x20\0\xa7\x42\0\x20\1\xa7\xfc\x0a\1\0\x42\0\x0b");   /* 32 from 64 */
    BODY(&m, "\0\x20\0\x20\1\xa7\x3a\0\xff\xff\xff\xff\x0f\x42\0\x0b");
    wasm_close(&m.w, section);
    return m;
}

static void memory_traps(struct fixture *f, const char *name, uint64_t address, uint64_t count)
{
    uint64_t out;
    assert_status(table_call(f, name, address, count, &out), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f->store)->kind, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
}

static void test_far_addresses(void **state)
{
    (void)state;
    static const uint64_t far[] = {UINT64_MAX, UINT64_MAX - 7, UINT64_C(1) << 63,
                                   UINT64_C(1) << 32, 65529};
    struct fixture f;
    uint64_t out;
    open_large(&f, 0);
    struct module_bytes m = wide_memory();
    start(&f, &m);
    for (unsigned i = 0; i < 5; i++) {
        memory_traps(&f, "load", far[i], 0);
        memory_traps(&f, "store", far[i], 0);
        memory_traps(&f, "fill", far[i], 8);
        memory_traps(&f, "up", far[i], 8);
    }
    for (uint64_t a = 0; a < 20; a++) { /* the sum of address and offset wraps to here */
        memory_traps(&f, "far", a, 0);
        memory_traps(&f, "store", a, 0);
        memory_traps(&f, "farst", a, 0);
    }
    memory_traps(&f, "fill", 1, UINT64_MAX);
    memory_traps(&f, "fill", 65537, 0);
    assert_status(table_call(&f, "fill", 65536, 0, &out), WRT_OK);
    assert_status(table_call(&f, "fill", 65528, 8, &out), WRT_OK);
    assert_status(table_call(&f, "load", 65528, 0, &out), WRT_OK);
    assert_int_equal(out, UINT64_C(0x0707070707070707));
    fixture_close(&f);
}

static void test_copies_between_index_types(void **state)
{
    (void)state;
    struct fixture f;
    uint64_t out;
    open_large(&f, 0);
    struct module_bytes m = wide_memory();
    start(&f, &m);
    assert_status(table_call(&f, "fill", 0, 8, &out), WRT_OK);   /* 64: [0, 8) = 7 */
    assert_status(table_call(&f, "down", 20, 8, &out), WRT_OK);  /* 32: [20, 28) = 7 */
    assert_status(table_call(&f, "up", 100, 16, &out), WRT_OK);  /* 64: [100, 116) from 32: 16 on */
    assert_status(table_call(&f, "load", 100, 0, &out), WRT_OK);
    assert_int_equal(out, UINT64_C(0x0707070700000000));
    memory_traps(&f, "down", 65530, 7);
    memory_traps(&f, "up", 65530, 7);
    memory_traps(&f, "up", 0, 65521); /* from 16 on there are fewer */
    memory_traps(&f, "up", UINT64_C(1) << 32, 1);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_functions), cmocka_unit_test(test_many_results),
        cmocka_unit_test(test_many_blocks),    cmocka_unit_test(test_many_locals),
        cmocka_unit_test(test_huge_table),     cmocka_unit_test(test_far_addresses),
        cmocka_unit_test(test_copies_between_index_types)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
