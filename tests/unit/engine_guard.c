/* engine_guard.c - a touch of a guard becomes a trap that names memory, offset and function,
 * where the store was made for that; and the store goes on.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"
#include "wasm_writer.h"
#include "wrt/system.h"

#include <signal.h>

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

enum { PAGE = 65536 };

/* Goes past the span that it was given, by its argument. */
static enum wrt_status host_poke(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *arguments, union wrt_slot *results)
{
    uint8_t *base;
    (void)context;
    (void)results;
    if (wrt_caller_span(caller, 0, 0, &base) != WRT_OK)
        return WRT_ERR_STATE;
    *(volatile uint8_t *)(base + (int32_t)arguments[0].i32) = 1;
    return WRT_OK;
}

/* Calls back into the guest, which calls host_poke: the inner call traps, this one goes on. */
static enum wrt_status host_again(struct wrt_caller *caller, void *context,
                                  const union wrt_slot *arguments, union wrt_slot *results)
{
    struct wrt_extern item;
    (void)context;
    (void)results;
    if (wrt_instance_export(wrt_caller_instance(caller), "poke", &item) != WRT_OK)
        return WRT_ERR_NOT_FOUND;
    enum wrt_status status = wrt_function_call_slots(wrt_caller_store(caller), item.of.function,
                                                     arguments, 1, NULL, 0);
    return status == WRT_ERR_TRAP ? WRT_OK : WRT_ERR_STATE;
}

/* imports host.poke and host.again (i32 ->), exports poke, again and store, one page. */
static void write_module(struct wasm_writer *w)
{
    wasm_header(w);
    size_t at = wasm_open_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_type(w, "i:");
    wasm_close(w, at);
    at = wasm_open_section(w, WASM_IMPORT);
    wasm_u32(w, 2);
    for (int i = 0; i < 2; i++) {
        wasm_name(w, "host");
        wasm_name(w, i == 0 ? "poke" : "again");
        wasm_bytes(w, "\0\0", 2);
    }
    wasm_close(w, at);
    at = wasm_open_section(w, WASM_FUNCTION);
    wasm_bytes(w, "\3\0\0\0", 4);
    wasm_close(w, at);
    at = wasm_open_section(w, WASM_MEMORY);
    wasm_bytes(w, "\1\0\1", 3);
    wasm_close(w, at);
    at = wasm_open_section(w, WASM_EXPORT);
    wasm_u32(w, 3);
    static const char *const names[] = {"poke", "again", "store"};
    for (unsigned i = 0; i < 3; i++) {
        wasm_name(w, names[i]);
        wasm_byte(w, 0);
        wasm_u32(w, 2 + i);
    }
    wasm_close(w, at);
    at = wasm_open_section(w, WASM_CODE);
    wasm_u32(w, 3);
    for (unsigned i = 0; i < 3; i++) {
        size_t body = wasm_open(w);
        wasm_byte(w, 0);
        wasm_bytes(w, "\x20\0", 2);
        if (i < 2)
            wasm_bytes(w, (uint8_t[]){0x10, (uint8_t)i}, 2);
        else
            wasm_bytes(w, "\x41\1\x3A\0\0", 5); /* i32.const 1, i32.store8 */
        wasm_byte(w, 0x0B);
        wasm_close(w, body);
    }
    wasm_close(w, at);
}

static void start(struct fixture *f, bool is_trapping)
{
    static uint8_t bytes[1000];
    struct wasm_writer w = {.bytes = bytes, .capacity = sizeof bytes};
    const struct wrt_store_config config = {
        .trap_guard_hits = is_trapping,
        .pages = {.guard_before_bytes = 1, .guard_after_bytes = 2 * PAGE}};
    const struct wrt_partition_config partition = {.name = "guard"};
    memset(f, 0, sizeof *f);
    write_module(&w);
    assert_status(wrt_partition_create(NULL, &partition, &f->partition, &f->error), WRT_OK);
    enum wrt_status status = wrt_store_create(f->partition, &config, &f->store, &f->error);
    if (status == WRT_ERR_UNSUPPORTED) {
        assert_non_null(strstr(f->error.text, "trap_guard_hits"));
        assert_status(wrt_partition_destroy(f->partition, NULL), WRT_OK);
        print_message("this port catches no faults\n");
        skip();
    }
    assert_status(status, WRT_OK);
    assert_status(wrt_store_define_function(f->store, "host", "poke", "i:", host_poke, NULL,
                                            &f->error), WRT_OK);
    assert_status(wrt_store_define_function(f->store, "host", "again", "i:", host_again, NULL,
                                            &f->error), WRT_OK);
    assert_status(wrt_module_load(f->partition, NULL, bytes, w.size, &f->module, &f->error),
                  WRT_OK);
    fixture_instantiate(f);
}

static enum wrt_status call(struct fixture *f, const char *name, int32_t argument)
{
    const union wrt_slot slot = {.i32 = (uint32_t)argument};
    return wrt_function_call_slots(f->store, fixture_function(f, name), &slot, 1, NULL, 0);
}

static void expect_text(const struct fixture *f, const char *part)
{
    if (strstr(wrt_store_trap(f->store)->text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", wrt_store_trap(f->store)->text, part);
}

static void host_functions_trap(struct fixture *f)
{
    struct wrt_frame frame;
    assert_status(call(f, "poke", 5), WRT_OK);
    assert_status(call(f, "poke", PAGE + 10), WRT_ERR_TRAP);
    const struct wrt_trap *trap = wrt_store_trap(f->store);
    assert_int_equal(trap->kind, WRT_TRAP_GUARD_HIT);
    assert_int_equal(trap->memory_offset, PAGE + 10);
    assert_non_null(trap->memory);
    expect_text(f, "guard page touched");
    expect_text(f, "at offset 65546 of memory 0, in function 2's call of the host");
    assert_int_equal(wrt_store_frame_count(f->store), 2);
    assert_status(wrt_store_get_frame(f->store, 0, &frame), WRT_OK);
    assert_true(frame.is_host);
    assert_status(wrt_store_get_frame(f->store, 1, &frame), WRT_OK);
    assert_int_equal(frame.function_index, 2);
    assert_status(call(f, "poke", -1), WRT_ERR_TRAP);
    expect_text(f, "at offset -1 of memory 0");
    assert_status(call(f, "poke", 7), WRT_OK);
}

/* The inner activation is left, the outer host function and its guest go on. */
static void nested_calls_trap_alone(struct fixture *f)
{
    assert_status(call(f, "again", PAGE), WRT_OK);
    assert_status(call(f, "again", 5), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f->store)->kind, WRT_TRAP_HOST);
}

/* A guest's own access where rights were taken away, which no bounds compare sees. */
static void guests_trap_on_closed_pages(struct fixture *f)
{
    struct wrt_frame frame;
    uint8_t *base;
    assert_status(call(f, "poke", PAGE), WRT_ERR_TRAP); /* tells us the memory */
    struct wrt_memory *memory = wrt_store_trap(f->store)->memory;
    struct wrt_page_allocator *pages = (struct wrt_page_allocator *)(void *)memory; /* first */
    base = pages->base;
    assert_status(wrt_pages_protect(pages, 4096 * 4, 4096 * 4, WRT_PAGE_READ, &f->error), WRT_OK);
    assert_status(call(f, "store", 4096), WRT_OK);
    assert_int_equal(base[4096], 1);
    assert_status(call(f, "store", 4096 * 4 + 3), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f->store)->kind, WRT_TRAP_GUARD_HIT);
    expect_text(f, "at offset 16387 of memory 0, in function 4");
    assert_int_equal(wrt_store_frame_count(f->store), 1);
    assert_status(wrt_store_get_frame(f->store, 0, &frame), WRT_OK);
    assert_int_equal(frame.function_index, 4);
    assert_status(call(f, "store", 8), WRT_OK);
    assert_status(call(f, "store", PAGE), WRT_ERR_TRAP);
    assert_int_equal(wrt_store_trap(f->store)->kind, WRT_TRAP_OUT_OF_BOUNDS_MEMORY);
}

static void touched_guards_are_traps(void **state)
{
    (void)state;
    struct fixture f;
    if (IS_THREAD_SANITIZED) {
        print_message("the thread sanitizer does not follow a jump out of a fault handler\n");
        skip();
    }
    signal(SIGSEGV, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    start(&f, true);
    host_functions_trap(&f);
    nested_calls_trap_alone(&f);
    guests_trap_on_closed_pages(&f);
    fixture_close(&f);
}

static void on_fault(int number)
{
    (void)number;
}

/* Nobody's handler is replaced unless that was asked for. First: the port installs it once. */
static void no_handler_unless_asked(void **state)
{
    (void)state;
    struct sigaction now;
    struct fixture f;
    if (strcmp(wrt_system_name(), "linux") != 0) { /* the simulated kernel handles the host's */
        print_message("port %s: the host's handler is not the port's\n", wrt_system_name());
        skip();
    }
    signal(SIGSEGV, on_fault);
    start(&f, false);
    assert_status(call(&f, "poke", 5), WRT_OK);
    fixture_close(&f);
    assert_int_equal(sigaction(SIGSEGV, NULL, &now), 0);
    assert_true(now.sa_handler == on_fault);
    signal(SIGSEGV, SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_handler_unless_asked),
        cmocka_unit_test(touched_guards_are_traps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
