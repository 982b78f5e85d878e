/* engine_host.c - host functions: values, memory, pause, trap, exit, calls back.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine_fixture.h"

#include "wrt/profile.h"

struct host {
    struct fixture f;
    unsigned pause_calls;      /* how often "pause" was called */
    unsigned pauses;           /* how often it is to pause before it answers */
    uint32_t pause_argument;
    enum wrt_status fail_with;
    unsigned deepest, depth;
    bool destroys;
    enum { PASS_ON, DROP, RESUME } when_paused; /* what "again" does with a paused call */
    unsigned inner_pauses;
    void *reference;
};

static enum wrt_status host_sum(struct wrt_caller *caller, void *context,
                                const union wrt_slot *in, union wrt_slot *out)
{
    struct host *host = context;
    assert_ptr_equal(wrt_caller_store(caller), host->f.store);
    assert_ptr_equal(wrt_caller_instance(caller), host->f.instance);
    out[0].f64 = (double)(int32_t)in[0].i32 + (double)in[1].i64 + (double)in[2].f32 + in[3].f64;
    return WRT_OK;
}

static enum wrt_status host_two(struct wrt_caller *caller, void *context,
                                const union wrt_slot *in, union wrt_slot *out)
{
    (void)caller;
    (void)context;
    uint32_t argument = in[0].i32;
    out[0].i32 = argument + 1;
    out[1].i64 = argument + UINT64_C(0x100000000);
    return WRT_OK;
}

static enum wrt_status host_pause(struct wrt_caller *caller, void *context,
                                  const union wrt_slot *in, union wrt_slot *out)
{
    (void)caller;
    struct host *host = context;
    if (host->pause_calls++ == 0)
        host->pause_argument = in[0].i32;
    assert_int_equal(in[0].i32, host->pause_argument);
    if (host->pause_calls <= host->pauses)
        return WRT_PAUSED;
    out[0].i32 = in[0].i32 * 2;
    return WRT_OK;
}

static enum wrt_status host_trap(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    (void)context;
    (void)in;
    (void)out;
    return wrt_caller_trap(caller, "the valve is stuck");
}

static enum wrt_status host_fail(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    (void)caller;
    (void)in;
    (void)out;
    return ((struct host *)context)->fail_with;
}

static enum wrt_status host_exit(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    (void)context;
    (void)out;
    return wrt_caller_exit(caller, in[0].i32);
}

/* Calls the guest's "again" with the same argument. */
static enum wrt_status host_again(struct wrt_caller *caller, void *context,
                                  const union wrt_slot *in, union wrt_slot *out)
{
    struct host *host = context;
    uint32_t result;
    (void)caller;
    if (host->destroys)
        assert_status(wrt_store_destroy(host->f.store), WRT_ERR_BUSY);
    if (++host->depth > host->deepest)
        host->deepest = host->depth;
    enum wrt_status status = fixture_call(&host->f, "again", in[0].i32, &result);
    while (status == WRT_PAUSED && host->when_paused == RESUME) {
        host->inner_pauses++;
        wrt_store_set_fuel(host->f.store, 3);
        status = fixture_resume(&host->f, &result);
    }
    if (status == WRT_PAUSED && host->when_paused == DROP) {
        host->inner_pauses++;
        wrt_store_drop(host->f.store);
        status = WRT_ERR_TIMEOUT;
    }
    host->depth--;
    out[0].i32 = result;
    return status;
}

/* Reads in[1] bytes at in[0], and checks that all ways in agree. */
static enum wrt_status host_peek(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    (void)context;
    static uint8_t buffer[70000];
    uint8_t *span = NULL;
    uint32_t address = in[0].i32, bytes = in[1].i32;
    assert_true(bytes <= sizeof buffer);
    memset(buffer, 0xEE, sizeof buffer);
    enum wrt_status read = wrt_caller_read(caller, address, buffer, bytes);
    assert_status(wrt_caller_span(caller, address, bytes, &span), read);
    if (read == WRT_OK) {
        assert_status(wrt_caller_write(caller, address, buffer, bytes), WRT_OK);
        if (bytes != 0)
            assert_memory_equal(span, buffer, bytes);
    } else {
        assert_int_equal(buffer[0], 0xEE);
        assert_status(wrt_caller_write(caller, address, buffer, bytes), WRT_ERR_BOUNDS);
    }
    out[0].i32 = read != WRT_OK ? 1000 : bytes == 0 ? 0 : buffer[0];
    return WRT_OK;
}

static enum wrt_status host_work(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    (void)context;
    (void)out;
    wrt_caller_charge_fuel(caller, in[0].i32);
    return WRT_OK;
}

static enum wrt_status host_reference(struct wrt_caller *caller, void *context,
                                      const union wrt_slot *in, union wrt_slot *out)
{
    struct host *host = context;
    (void)caller;
    assert_ptr_equal(in[1].function, fixture_function(&host->f, "reference"));
    host->reference = in[0].external;
    out[0].external = host;
    return WRT_OK;
}

static enum wrt_status host_half(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    (void)caller;
    (void)context;
    out[0].f32 = in[0].f32 / 2;
    return WRT_OK;
}

static enum wrt_status host_wide(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    (void)caller;
    (void)context;
    out[0].i64 = in[0].i64 << 40;
    return WRT_OK;
}

/* Writes more than its result, an i32. */
static enum wrt_status host_dirty(struct wrt_caller *caller, void *context,
                                  const union wrt_slot *in, union wrt_slot *out)
{
    (void)caller;
    (void)context;
    (void)in;
    out[0].i64 = UINT64_C(0xFFFFFFFF00000000);
    out[0].i32 = 7;
    return WRT_OK;
}

static enum wrt_status host_grow(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *in, union wrt_slot *out)
{
    struct host *host = context;
    struct wrt_extern memory;
    const uint8_t byte = 99;
    (void)in;
    (void)out;
    assert_status(wrt_instance_export(host->f.instance, "memory", &memory), WRT_OK);
    assert_status(wrt_memory_grow(memory.of.memory, 1, NULL, NULL), WRT_OK);
    return wrt_caller_write(caller, 65541, &byte, 1);
}

static void host_start(struct host *host, const struct wrt_store_config *config)
{
    static const struct { const char *name, *signature; wrt_host_function *call; } functions[] = {
        {"sum", "iIfF:F", host_sum},   {"two", "i:iI", host_two},   {"pause", "i:i", host_pause},
        {"trap", ":", host_trap},      {"fail", ":", host_fail},    {"exit", "i:", host_exit},
        {"again", "i:i", host_again},  {"peek", "ii:i", host_peek}, {"work", "i:", host_work},
        {"reference", "rp:r", host_reference}, {"half", "f:f", host_half},
        {"wide", "I:I", host_wide},    {"dirty", ":i", host_dirty}, {"grow", ":", host_grow},
    };
    memset(host, 0, sizeof *host);
    fixture_open(&host->f, config);
    for (unsigned i = 0; i < sizeof functions / sizeof *functions; i++)
        assert_status(wrt_store_define_function(host->f.store, "host", functions[i].name,
                                                functions[i].signature, functions[i].call, host,
                                                &host->f.error),
                      WRT_OK);
    fixture_load(&host->f, "host");
    fixture_instantiate(&host->f);
}

static enum wrt_status call(struct host *host, const char *name, const struct wrt_value *arguments,
                            uint32_t argument_count, struct wrt_value *results,
                            uint32_t result_count)
{
    return wrt_function_call(host->f.store, fixture_function(&host->f, name), arguments,
                             argument_count, results, result_count);
}

static void test_values(void **state)
{
    (void)state;
    struct host host;
    host_start(&host, NULL);
    struct wrt_value result = {.type = WRT_F64};
    assert_status(call(&host, "sum", NULL, 0, &result, 1), WRT_OK);
    assert_true(result.of.f64 == -1.0 + 4294967296.0 + 0.75);
    struct wrt_value argument = {.type = WRT_I32, .of.i32 = 41};
    assert_status(call(&host, "two", &argument, 1, &result, 1), WRT_OK);
    assert_int_equal(result.type, WRT_I64);
    assert_int_equal(result.of.i64, UINT64_C(0x100000000) + 42);
    fixture_close(&host.f);
}

static void count_call(void *context, const struct wrt_trace_event *event)
{
    ++*(unsigned *)context;
    (void)event;
}

/* The short way of calling and the one that a trace follows. */
static void test_scalars(void **state)
{
    (void)state;
    struct host host;
    struct wrt_value result = {.type = WRT_I64};
    unsigned followed = 0;
    host_start(&host, NULL);
    assert_status(call(&host, "scalars", NULL, 0, &result, 1), WRT_OK);
    assert_int_equal(result.of.i64, 42 + 256 + 7);
    wrt_store_set_trace(host.f.store, count_call, &followed);
    assert_status(call(&host, "scalars", NULL, 0, &result, 1), WRT_OK);
    assert_int_equal(result.of.i64, 42 + 256 + 7);
    assert_true(followed > 0);
    fixture_close(&host.f);
}

static void test_growth_in_a_call(void **state)
{
    (void)state;
    struct host host;
    struct wrt_value result = {.type = WRT_I32};
    host_start(&host, NULL);
    assert_status(call(&host, "grown", NULL, 0, &result, 1), WRT_OK);
    assert_int_equal(result.of.i32, 99);
    fixture_close(&host.f);
}

static void test_references(void **state)
{
    (void)state;
    struct host host;
    int object;
    host_start(&host, NULL);
    struct wrt_value value = {.type = WRT_EXTERNREF, .of.external = &object}, result;
    assert_status(call(&host, "reference", &value, 1, &result, 1), WRT_OK);
    assert_ptr_equal(host.reference, &object);
    assert_int_equal(result.type, WRT_EXTERNREF);
    assert_ptr_equal(result.of.external, &host);
    fixture_close(&host.f);
}

static void test_pause(void **state)
{
    (void)state;
    struct host host;
    uint32_t result;
    host_start(&host, NULL);
    host.pauses = 3;
    assert_status(fixture_call(&host.f, "pause", 6, &result), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(host.f.store), WRT_PAUSE_HOST);
    assert_status(fixture_resume(&host.f, &result), WRT_PAUSED);
    assert_status(fixture_resume(&host.f, &result), WRT_PAUSED);
    assert_status(fixture_resume(&host.f, &result), WRT_OK);
    assert_int_equal(result, 114);
    assert_int_equal(host.pause_calls, 4);
    host.pause_calls = 0;
    host.pauses = 1;
    assert_status(fixture_call(&host.f, "pause", 1, &result), WRT_PAUSED);
    wrt_store_drop(host.f.store);
    assert_int_equal(host.pause_calls, 1);
    fixture_close(&host.f);
}

static void test_trap(void **state)
{
    (void)state;
    struct host host;
    struct wrt_frame frame;
    host_start(&host, NULL);
    assert_status(call(&host, "trap", NULL, 0, NULL, 0), WRT_ERR_TRAP);
    const struct wrt_trap *trap = wrt_store_trap(host.f.store);
    assert_int_equal(trap->kind, WRT_TRAP_HOST);
    assert_non_null(strstr(trap->text, "the valve is stuck"));
    uint32_t depth = wrt_store_frame_count(host.f.store);
    assert_in_range(depth, 1, 2);
    assert_status(wrt_store_get_frame(host.f.store, depth - 1, &frame), WRT_OK);
    assert_ptr_equal(frame.instance, host.f.instance);
    assert_int_equal(frame.name.size_bytes, 4);
    assert_memory_equal(frame.name.data, "trap", 4);
    host.fail_with = WRT_ERR_IO;
    assert_status(call(&host, "fail", NULL, 0, NULL, 0), WRT_ERR_TRAP);
    trap = wrt_store_trap(host.f.store);
    assert_int_equal(trap->kind, WRT_TRAP_HOST);
    assert_status(trap->host_status, WRT_ERR_IO);
    assert_non_null(strstr(trap->text, "WRT_ERR_IO"));
    host.fail_with = WRT_OK;
    assert_status(call(&host, "fail", NULL, 0, NULL, 0), WRT_OK);
    assert_int_equal(wrt_store_trap(host.f.store)->kind, WRT_TRAP_NONE);
    fixture_close(&host.f);
}

static void test_exit(void **state)
{
    (void)state;
    struct host host;
    host_start(&host, NULL);
    struct wrt_value code = {.type = WRT_I32, .of.i32 = 42};
    assert_status(call(&host, "exit", &code, 1, NULL, 0), WRT_EXITED);
    assert_int_equal(wrt_store_exit_code(host.f.store), 42);
    fixture_close(&host.f);
}

static void test_calls_back(void **state)
{
    (void)state;
    struct host host;
    uint32_t result;
    host_start(&host, NULL);
    host.destroys = true;
    assert_status(fixture_call(&host.f, "again", 10, &result), WRT_OK);
    assert_int_equal(result, 10);
    assert_int_equal(host.deepest, 10);
    fixture_close(&host.f);
}

/* A nested call that pauses is the host function's to resume or to drop. */
static void test_nested_pause(void **state)
{
    (void)state;
    struct host host;
    uint32_t result;
    host_start(&host, NULL);
    host.when_paused = RESUME;
    wrt_store_set_fuel(host.f.store, 3);
    enum wrt_status status = fixture_call(&host.f, "again", 6, &result);
    while (status == WRT_PAUSED) {
        wrt_store_set_fuel(host.f.store, 3);
        status = fixture_resume(&host.f, &result);
    }
    assert_status(status, WRT_OK);
    assert_int_equal(result, 6);
    assert_true(host.inner_pauses > 3);
    host.when_paused = DROP;
    host.inner_pauses = 0;
    wrt_store_set_fuel(host.f.store, 30);
    assert_status(fixture_call(&host.f, "again", 10, &result), WRT_ERR_TRAP);
    assert_status(wrt_store_trap(host.f.store)->host_status, WRT_ERR_TIMEOUT);
    assert_int_equal(host.inner_pauses, 1);
    assert_status(fixture_resume(&host.f, &result), WRT_ERR_STATE);
    wrt_store_set_fuel(host.f.store, UINT64_MAX);
    assert_status(fixture_call(&host.f, "again", 4, &result), WRT_OK);
    assert_int_equal(result, 4);
    fixture_close(&host.f);
}

/* A host function that passes the pause on leaves two paused calls: each is resumed or
 * dropped, the innermost first, and the store can be destroyed at any point. */
static void test_pause_passed_on(void **state)
{
    (void)state;
    for (unsigned resumes = 0; resumes < 12; resumes++) {
        struct host host;
        uint32_t result;
        host_start(&host, NULL);
        wrt_store_set_fuel(host.f.store, 12);
        enum wrt_status status = fixture_call(&host.f, "again", 3, &result);
        assert_status(status, WRT_PAUSED);
        wrt_store_set_fuel(host.f.store, UINT64_MAX);
        for (unsigned i = 0; i < resumes && status != WRT_ERR_STATE; i++)
            status = fixture_resume(&host.f, &result);
        assert_true(status == WRT_PAUSED || status == WRT_OK || status == WRT_ERR_STATE);
        fixture_close(&host.f);
    }
}

/* A guest cannot make the host nest deeper than allowed; afterwards all is well. */
static void test_depth_limit(void **state)
{
    (void)state;
    static const uint32_t limits[] = {1, 2, 5, 16};
    for (unsigned i = 0; i < 4; i++) {
        struct host host;
        uint32_t result;
        host_start(&host, &(struct wrt_store_config){.max_host_depth = limits[i]});
        assert_status(fixture_call(&host.f, "again", 1000, &result), WRT_ERR_TRAP);
        assert_in_range(host.deepest, limits[i], limits[i] + 1);
        assert_status(fixture_call(&host.f, "again", 0, &result), WRT_OK);
        fixture_close(&host.f);
    }
}

static void test_memory_is_checked(void **state)
{
    (void)state;
    static const struct { uint32_t address, bytes, wanted; } cases[] = {
        {16, 3, 'w'},      {17, 1, 'r'},          {0, 65536, 0},         {65535, 1, 0},
        {65536, 0, 0},     {65535, 2, 1000},      {65536, 1, 1000},      {0, 65537, 1000},
        {65537, 0, 1000},  {0xFFFFFFFF, 1, 1000}, {0xFFFFFFFF, 0, 1000},
    };
    struct host host;
    host_start(&host, NULL);
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct wrt_value arguments[] = {{.type = WRT_I32, .of.i32 = cases[i].address},
                                              {.type = WRT_I32, .of.i32 = cases[i].bytes}};
        struct wrt_value result;
        assert_status(call(&host, "peek", arguments, 2, &result, 1), WRT_OK);
        assert_int_equal(result.of.i32, cases[i].wanted);
    }
    fixture_close(&host.f);
}

static void test_charged_fuel(void **state)
{
    (void)state;
    struct host host;
    host_start(&host, NULL);
    struct wrt_value work = {.type = WRT_I32, .of.i32 = 1000000};
    wrt_store_set_fuel(host.f.store, UINT64_MAX);
    assert_status(call(&host, "work", &work, 1, NULL, 0), WRT_OK);
    assert_in_range(wrt_store_fuel_used(host.f.store), 1000000, 1000030);
    wrt_store_set_fuel(host.f.store, 1000);
    assert_status(call(&host, "work", &work, 1, NULL, 0), WRT_PAUSED);
    assert_int_equal(wrt_store_pause_reason(host.f.store), WRT_PAUSE_FUEL);
    wrt_store_set_fuel(host.f.store, UINT64_MAX);
    assert_status(wrt_store_resume(host.f.store, NULL, 0), WRT_OK);
    fixture_close(&host.f);
}

/* The host calls its own function, without an instance around it. */
static void test_called_by_the_host(void **state)
{
    (void)state;
    struct host host;
    host_start(&host, NULL);
    struct wrt_function *two;
    const wrt_type i32 = WRT_I32, results[] = {WRT_I32, WRT_I64};
    const struct wrt_function_type type = {&i32, results, 1, 2};
    assert_status(wrt_function_create(host.f.store, &type, host_two, &host, &two, NULL), WRT_OK);
    struct wrt_value argument = {.type = WRT_I32, .of.i32 = 5}, out[2];
    assert_status(wrt_function_call(host.f.store, two, &argument, 1, out, 2), WRT_OK);
    assert_int_equal(out[0].of.i32, 6);
    assert_int_equal(out[1].of.i64, UINT64_C(0x100000005));
    fixture_close(&host.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_growth_in_a_call),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_pause),
        cmocka_unit_test(test_trap),
        cmocka_unit_test(test_exit),
        cmocka_unit_test(test_calls_back),
        cmocka_unit_test(test_nested_pause),
        cmocka_unit_test(test_pause_passed_on),
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_memory_is_checked),
        cmocka_unit_test(test_charged_fuel),
        cmocka_unit_test(test_called_by_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
