/* Exceptions across frames, instances and host functions; the pool; pauses.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"
#include "wasm_writer.h"

/* ---- the module: functions (i32) -> (i32), one after another ---- */

enum { HOST_THROWS, CALLS_BACK, THROW, CATCH, CATCH_HOST, CATCH_CALLBACK, TAIL, DEEP, CATCH_DEEP,
       LOOP, HOLD, RETHROW, NOTHING, OVERFLOW, CATCH_RETURN, CATCH_LOOP, TAIL_HOST, CATCH_ADD,
       FUNCTIONS };

/* block (result i32), try_table (result i32) (catch 0 0), local.get 0, call F, end, end */
#define CATCHING(call, f) "\x02\x7f\x1f\x7f\x01\0\0\0\x20\0" call f "\x0b\x0b\x0b"

struct body {
    const char *name;
    uint8_t local; /* type of one local; 0: none */
    const char *code;
    size_t size;
};
#define BODY(name, local, code) {name, local, code, sizeof(code) - 1}

static const struct body bodies[] = {
    BODY("throw", 0, "\x20\0\x08\0\x0b"),
    BODY("catch", 0, CATCHING("\x10", "\x02")),
    BODY("catch_host", 0, CATCHING("\x10", "\0")),
    BODY("catch_callback", 0, CATCHING("\x10", "\x01")),
    BODY("tail", 0, CATCHING("\x12", "\x02")),
    /* if n == 0 throw 7, else itself with n - 1 */
    BODY("deep", 0, "\x20\0\x45\x04\x40\x41\x07\x08\0\x0b\x20\0\x41\x01\x6b\x10\x07\x0b"),
    BODY("catch_deep", 0, CATCHING("\x10", "\x07")),
    /* throws and catches n times */
    BODY("loop", 0x7f, "\x03\x40\x02\x7f\x1f\x40\x01\0\0\0\x20\0\x08\0\x0b\0\x0b\x1a"
                       "\x20\x01\x41\x01\x6a\x21\x01\x20\0\x41\x01\x6b\x22\0\x0d\0\x0b\x20\x01\x0b"),
    /* n + 1 frames, each with an exception of its own in a local */
    BODY("hold", 0x69, "\x02\x69\x1f\x40\x01\x03\0\x41\x05\x08\0\x0b\0\x0b\x21\x01"
                       "\x20\0\x45\x04\x40\x41\0\x0f\x0b\x20\0\x41\x01\x6b\x10\x0a"
                       "\x20\x01\xd1\x6a\x0b"),
    BODY("rethrow", 0, "\x02\x7f\x1f\x7f\x01\0\0\0\x02\x69\x1f\x40\x01\x03\0\x20\0\x08\0\x0b\0\x0b"
                       "\x0a\x0b\x0b\x0b"),
    BODY("nothing", 0, "\xd0\x69\x0a\x0b"),
    /* catches, then calls itself without end */
    BODY("overflow", 0, "\x02\x7f\x1f\x40\x01\0\0\0\x20\0\x08\0\x0b\0\x0b\x10\x0d\x0b"),
    BODY("catch_return", 0, "\x1f\x7f\x01\0\0\0\x20\0\x10\x02\x0b\x0b"),
    /* each catch is the loop's back edge */
    BODY("catch_loop", 0x7f, "\x03\x40\x20\0\x45\x04\x40\x20\x01\x0f\x0b\x20\0\x41\x01\x6b\x21\0"
                             "\x20\x01\x41\x01\x6a\x21\x01\x1f\x40\x01\x02\0\x41\x09\x08\0\x0b\x0b\0\x0b"),
    BODY("tail_host", 0, CATCHING("\x12", "\0")),
    /* the path that is not taken has two instructions more to pay where both meet */
    BODY("catch_add", 0, CATCHING("\x10", "\x02\x41\x01\x6a")),
};
_Static_assert(sizeof bodies / sizeof bodies[0] == FUNCTIONS - THROW, "each function has a body");

static size_t write_module(uint8_t *bytes, size_t capacity)
{
    struct wasm_writer w = {.bytes = bytes, .capacity = capacity};
    wasm_header(&w);
    size_t section = wasm_open_section(&w, WASM_TYPE);
    wasm_u32(&w, 2);
    wasm_type(&w, "i:");
    wasm_type(&w, "i:i");
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_IMPORT);
    wasm_u32(&w, 3);
    static const char *const names[] = {"throws", "calls_back", "tag"};
    for (int i = 0; i < 3; i++) {
        wasm_name(&w, "host");
        wasm_name(&w, names[i]);
        wasm_byte(&w, i == 2 ? 4 : 0);
        wasm_bytes(&w, i == 2 ? "\0\0" : "\1", i == 2 ? 2 : 1);
    }
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_FUNCTION);
    wasm_u32(&w, FUNCTIONS - THROW);
    for (int i = THROW; i < FUNCTIONS; i++)
        wasm_u32(&w, 1);
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_EXPORT);
    wasm_u32(&w, FUNCTIONS - THROW);
    for (uint32_t i = THROW; i < FUNCTIONS; i++) {
        wasm_name(&w, bodies[i - THROW].name);
        wasm_byte(&w, 0);
        wasm_u32(&w, i);
    }
    wasm_close(&w, section);
    section = wasm_open_section(&w, WASM_CODE);
    wasm_u32(&w, FUNCTIONS - THROW);
    for (uint32_t i = THROW; i < FUNCTIONS; i++) {
        const struct body *b = &bodies[i - THROW];
        const size_t open = wasm_open(&w);
        wasm_byte(&w, b->local != 0);
        if (b->local != 0) {
            wasm_byte(&w, 1);
            wasm_byte(&w, b->local);
        }
        wasm_bytes(&w, b->code, b->size);
        wasm_close(&w, open);
    }
    wasm_close(&w, section);
    assert_false(w.overflowed);
    return w.size;
}

/* ---- the host ---- */

struct world {
    struct fixture f;
    struct wrt_tag *tag;
    enum { PASS_ON, SWALLOW, THROW_LATER, CLAIM } manner;
};

static enum wrt_status throws(struct wrt_caller *caller, void *context,
                              const union wrt_slot *arguments, union wrt_slot *results)
{
    const struct world *world = context;
    const union wrt_slot value = {.i32 = arguments[0].i32 + 1};
    (void)results;
    return wrt_caller_throw(caller, world->tag, &value);
}

static enum wrt_status calls_back(struct wrt_caller *caller, void *context,
                                  const union wrt_slot *arguments, union wrt_slot *results)
{
    struct world *world = context;
    uint32_t out = 0;
    if (world->manner == CLAIM)
        return WRT_ERR_EXCEPTION; /* but it threw nothing */
    assert_status(fixture_call(&world->f, "throw", arguments[0].i32, &out), WRT_ERR_EXCEPTION);
    const uint64_t exception = wrt_store_exception(world->f.store);
    assert_true(exception != 0);
    results[0].i32 = 99;
    if (world->manner == SWALLOW)
        return WRT_OK;
    if (world->manner == PASS_ON)
        return WRT_ERR_EXCEPTION;
    /* other calls in between, also ones that throw, do not lose what is kept */
    assert_status(wrt_exception_keep(world->f.store, exception), WRT_OK);
    assert_status(fixture_call(&world->f, "loop", 500, &out), WRT_OK);
    assert_status(fixture_call(&world->f, "throw", 1000, &out), WRT_ERR_EXCEPTION);
    const enum wrt_status status = wrt_caller_throw_ref(caller, exception);
    wrt_exception_release(world->f.store, exception);
    return status;
}

static void open_world(struct world *world, const struct wrt_store_config *config)
{
    struct fixture *f = &world->f;
    const wrt_type i32 = WRT_I32;
    const struct wrt_function_type type = {&i32, NULL, 1, 0};
    uint8_t bytes[4096];
    world->manner = PASS_ON;
    fixture_open(f, config);
    assert_status(wrt_tag_create(f->store, &type, &world->tag, &f->error), WRT_OK);
    const struct wrt_extern tag = {.kind = WRT_EXTERN_TAG, .of.tag = world->tag};
    assert_status(wrt_store_define(f->store, "host", "tag", tag, &f->error), WRT_OK);
    assert_status(wrt_store_define_function(f->store, "host", "throws", "i:i", throws, world,
                                            &f->error), WRT_OK);
    assert_status(wrt_store_define_function(f->store, "host", "calls_back", "i:i", calls_back,
                                            world, &f->error), WRT_OK);
    const size_t size = write_module(bytes, sizeof bytes);
    const enum wrt_status status =
        wrt_module_load(f->partition, NULL, bytes, size, &f->module, &f->error);
    if (status != WRT_OK)
        print_error("%s at %llu\n", f->error.text, (unsigned long long)f->error.byte_offset);
    assert_status(status, WRT_OK);
    fixture_instantiate(f);
}

static void expect(struct world *world, const char *name, uint32_t argument, uint32_t wanted)
{
    uint32_t result = 0;
    assert_status(fixture_call(&world->f, name, argument, &result), WRT_OK);
    assert_int_equal(result, wanted);
}

static void expect_trap(struct world *world, const char *name, uint32_t argument,
                        enum wrt_trap_kind wanted)
{
    uint32_t result = 0;
    assert_status(fixture_call(&world->f, name, argument, &result), WRT_ERR_TRAP);
    assert_string_equal(wrt_trap_text(wrt_store_trap(world->f.store)->kind), wrt_trap_text(wanted));
}

static void expect_uncaught(struct world *world, const char *name, uint32_t argument, uint32_t value)
{
    uint32_t result = 0;
    struct wrt_tag *tag = NULL;
    union wrt_slot slot;
    assert_status(fixture_call(&world->f, name, argument, &result), WRT_ERR_EXCEPTION);
    assert_int_equal(wrt_store_trap(world->f.store)->kind, WRT_TRAP_UNCAUGHT_EXCEPTION);
    const uint64_t exception = wrt_store_exception(world->f.store);
    assert_status(wrt_exception_read(world->f.store, exception, &tag, &slot, 1), WRT_OK);
    assert_ptr_equal(tag, world->tag);
    assert_int_equal(slot.i32, value);
    assert_status(wrt_exception_read(world->f.store, exception, NULL, &slot, 0), WRT_ERR_BOUNDS);
}

/* ---- tests ---- */

static void test_caught(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, NULL);
    expect(&world, "catch", 5, 5);
    expect(&world, "catch_deep", 100, 7);
    expect(&world, "rethrow", 6, 6);
    expect(&world, "catch_return", 8, 8);
    expect(&world, "catch_loop", 10, 10);
    expect(&world, "loop", 10, 10);
    fixture_close(&world.f);
}

static void test_host(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, NULL);
    expect(&world, "catch_host", 5, 6);
    expect(&world, "catch_callback", 5, 5);
    world.manner = SWALLOW;
    expect(&world, "catch_callback", 5, 99);
    world.manner = THROW_LATER;
    expect(&world, "catch_callback", 5, 5);
    world.manner = CLAIM;
    expect_trap(&world, "catch_callback", 5, WRT_TRAP_HOST);
    fixture_close(&world.f);
}

/* A second instance whose "throws" is the first one's "throw": the tag is the same. */
static void test_instances(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, NULL);
    struct fixture *f = &world.f;
    struct wrt_extern imports[3];
    assert_status(wrt_instance_export(f->instance, "throw", &imports[0]), WRT_OK);
    assert_status(wrt_instance_export(f->instance, "catch_callback", &imports[1]), WRT_OK);
    imports[2] = (struct wrt_extern){.kind = WRT_EXTERN_TAG, .of.tag = world.tag};
    assert_status(wrt_store_instantiate_with(f->store, f->module, imports, 3, false, &f->instance,
                                             &f->error), WRT_OK);
    expect(&world, "catch_host", 5, 5);
    /* another tag of the same type is another tag */
    const struct wrt_function_type *type = wrt_tag_type(world.tag);
    assert_status(wrt_tag_create(f->store, type, &imports[2].of.tag, &f->error), WRT_OK);
    assert_status(wrt_store_instantiate_with(f->store, f->module, imports, 3, false, &f->instance,
                                             &f->error), WRT_OK);
    expect_uncaught(&world, "catch_host", 5, 5);
    expect(&world, "catch", 5, 5);
    fixture_close(f);
}

static void test_uncaught(void **state)
{
    (void)state;
    struct world world;
    struct wrt_frame frame;
    open_world(&world, NULL);
    expect_uncaught(&world, "throw", 9, 9);
    assert_int_equal(wrt_store_frame_count(world.f.store), 1);
    expect_uncaught(&world, "deep", 10, 7);
    assert_int_equal(wrt_store_frame_count(world.f.store), 11);
    assert_status(wrt_store_get_frame(world.f.store, 0, &frame), WRT_OK);
    assert_int_equal(frame.function_index, DEEP);
    expect_uncaught(&world, "tail", 3, 3); /* the frame with the handler is gone */
    expect_uncaught(&world, "tail_host", 3, 4);
    expect(&world, "catch", 5, 5);
    assert_true(wrt_store_exception(world.f.store) == 0);
    fixture_close(&world.f);
}

static void test_traps(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, NULL);
    expect_trap(&world, "nothing", 0, WRT_TRAP_NULL_EXCEPTION);
    expect_trap(&world, "overflow", 1, WRT_TRAP_CALL_STACK_EXHAUSTED);
    expect(&world, "catch", 5, 5);
    fixture_close(&world.f);
}

/* 64 cells: sixteen exceptions of one value. */
static const struct wrt_store_config small = {.exception_cells = 64, .stack_bytes = 1 << 20};

static void test_exhausted(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, &small);
    for (int i = 0; i < 3; i++) {
        expect(&world, "hold", 15, 0);
        expect_trap(&world, "hold", 16, WRT_TRAP_EXCEPTIONS_EXHAUSTED);
    }
    expect(&world, "loop", 100000, 100000); /* dead ones are reclaimed */
    fixture_close(&world.f);
}

static void test_kept(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, &small);
    struct wrt_store *store = world.f.store;
    uint64_t kept[16], more = 0;
    for (uint32_t i = 0; i < 16; i++) {
        expect_uncaught(&world, "throw", i, i);
        kept[i] = wrt_store_exception(store);
        assert_status(wrt_exception_keep(store, kept[i]), WRT_OK);
    }
    const union wrt_slot value = {.i32 = 50};
    assert_status(wrt_exception_create(store, world.tag, &value, &more), WRT_ERR_NO_SPACE);
    expect_trap(&world, "throw", 1, WRT_TRAP_EXCEPTIONS_EXHAUSTED);
    for (uint32_t i = 0; i < 16; i++) {
        union wrt_slot slot;
        assert_status(wrt_exception_read(store, kept[i], NULL, &slot, 1), WRT_OK);
        assert_int_equal(slot.i32, i);
    }
    wrt_exception_release(store, kept[3]);
    assert_status(wrt_exception_create(store, world.tag, &value, &more), WRT_OK);
    assert_true(more == kept[3]); /* its room */
    assert_status(wrt_exception_read(store, kept[4] + 1, NULL, NULL, 0), WRT_ERR_ARGUMENT);
    assert_status(wrt_exception_read(store, 0, NULL, NULL, 0), WRT_ERR_ARGUMENT);
    assert_status(wrt_exception_keep(store, 12345), WRT_ERR_ARGUMENT);
    fixture_close(&world.f);
}

/* In pieces of any size the result and the fuel are the same. */
static void run_in_pieces(const char *name, uint32_t argument, uint64_t piece)
{
    struct world world;
    const struct wrt_store_config config = {.stack_bytes = 1 << 20};
    uint32_t whole = 0, result = 0;
    open_world(&world, &config);
    wrt_store_set_fuel(world.f.store, UINT64_MAX);
    assert_status(fixture_call(&world.f, name, argument, &whole), WRT_OK);
    const uint64_t fuel = wrt_store_fuel_used(world.f.store);
    uint64_t used = 0, pauses = 0;
    wrt_store_set_fuel(world.f.store, piece);
    enum wrt_status status = fixture_call(&world.f, name, argument, &result);
    for (; status == WRT_PAUSED; pauses++) {
        struct wrt_frame frame;
        assert_status(wrt_store_get_frame(world.f.store, 0, &frame), WRT_OK);
        used += wrt_store_fuel_used(world.f.store);
        wrt_store_set_fuel(world.f.store, piece);
        status = fixture_resume(&world.f, &result);
    }
    assert_status(status, WRT_OK);
    assert_true(pauses > 2);
    assert_int_equal(result, whole);
    assert_int_equal(used + wrt_store_fuel_used(world.f.store), fuel);
    fixture_close(&world.f);
}

/* Four instructions, one frame that is left, one clause that is looked at. */
static void test_fuel(void **state)
{
    (void)state;
    struct world world;
    open_world(&world, NULL);
    wrt_store_set_fuel(world.f.store, UINT64_MAX);
    expect(&world, "catch", 5, 5);
    assert_int_equal(wrt_store_fuel_used(world.f.store), 6);
    expect(&world, "catch_add", 5, 5);
    assert_int_equal(wrt_store_fuel_used(world.f.store), 12);
    fixture_close(&world.f);
}

static void test_pauses(void **state)
{
    (void)state;
    run_in_pieces("loop", 1000, 0);
    run_in_pieces("loop", 1000, 37);
    run_in_pieces("catch_loop", 1000, 0);
    run_in_pieces("catch_loop", 1000, 11);
    run_in_pieces("catch_deep", 5000, 100); /* also while it leaves the frames */
}

static void test_dropped(void **state)
{
    (void)state;
    struct world world;
    const struct wrt_store_config config = {.stack_bytes = 1 << 20};
    uint32_t result = 0;
    open_world(&world, &config);
    for (uint64_t fuel = 30000; fuel < 36000; fuel += 100) { /* in calls, then in the search */
        wrt_store_set_fuel(world.f.store, fuel);
        const enum wrt_status status = fixture_call(&world.f, "catch_deep", 5000, &result);
        if (status == WRT_PAUSED)
            wrt_store_drop(world.f.store);
        else
            assert_status(status, WRT_OK);
        wrt_store_set_fuel(world.f.store, UINT64_MAX);
        expect(&world, "catch", 5, 5);
    }
    fixture_close(&world.f);
}

static void test_arguments(void **state)
{
    (void)state;
    struct world world, other;
    open_world(&world, NULL);
    open_world(&other, NULL);
    const wrt_type i32 = WRT_I32;
    const struct wrt_function_type with_result = {NULL, &i32, 0, 1};
    struct wrt_tag *tag = NULL;
    assert_status(wrt_tag_create(world.f.store, &with_result, &tag, NULL), WRT_ERR_ARGUMENT);
    const union wrt_slot value = {.i32 = 1};
    uint64_t made = 0;
    assert_status(wrt_exception_create(world.f.store, other.tag, &value, &made), WRT_ERR_ARGUMENT);
    struct wrt_tag *mine = world.tag;
    world.tag = other.tag; /* thrown by a host function */
    expect_trap(&world, "catch_host", 5, WRT_TRAP_HOST);
    world.tag = mine;
    fixture_close(&other.f);
    fixture_close(&world.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caught),    cmocka_unit_test(test_host),
        cmocka_unit_test(test_instances), cmocka_unit_test(test_uncaught),
        cmocka_unit_test(test_traps),     cmocka_unit_test(test_exhausted),
        cmocka_unit_test(test_kept),      cmocka_unit_test(test_fuel),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_dropped),   cmocka_unit_test(test_arguments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
