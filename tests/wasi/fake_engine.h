/* tests/wasi/fake_engine.h - as much of an engine as WASI's calls see: a byte array for the
 * guest's memory, a flag that stops it, and a list of what was defined.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For tests that need to be exact about addresses, pauses and fuel. The programs of this
 * folder run on the real one.
 */
#ifndef WRT_TESTS_WASI_FAKE_ENGINE_H
#define WRT_TESTS_WASI_FAKE_ENGINE_H

#include "base/bytes.h"
#include "wrt/store.h"

#define FAKE_MEMORY_BYTES 65536u

struct wrt_caller {
    uint8_t memory[FAKE_MEMORY_BYTES];
    bool should_stop;
    uint32_t stop_after; /* != 0: should_stop becomes true after so many questions */
    uint32_t exit_code;
    uint64_t fuel;
};

static struct wrt_caller fake;
static struct {
    const char *name, *signature;
    wrt_host_function *call;
    void *context;
} fake_functions[64];
static unsigned fake_function_count;

enum wrt_status wrt_store_define_function(struct wrt_store *store, const char *module,
                                          const char *name, const char *signature,
                                          wrt_host_function *call, void *context,
                                          struct wrt_error *error)
{
    (void)store;
    (void)error;
    if (strcmp(module, "wasi_snapshot_preview1") != 0)
        return WRT_ERR_ARGUMENT;
    fake_functions[fake_function_count].name = name;
    fake_functions[fake_function_count].signature = signature;
    fake_functions[fake_function_count].call = call;
    fake_functions[fake_function_count++].context = context;
    return WRT_OK;
}

enum wrt_status wrt_caller_span(struct wrt_caller *caller, uint64_t address, uint64_t size_bytes,
                                uint8_t **out)
{
    if (address > FAKE_MEMORY_BYTES || size_bytes > FAKE_MEMORY_BYTES - address)
        return WRT_ERR_BOUNDS;
    *out = caller->memory + address;
    return WRT_OK;
}

enum wrt_status wrt_caller_read(struct wrt_caller *caller, uint64_t address, void *out,
                                size_t size_bytes)
{
    uint8_t *span;
    if (wrt_caller_span(caller, address, size_bytes, &span) != WRT_OK)
        return WRT_ERR_BOUNDS;
    memcpy(out, span, size_bytes);
    return WRT_OK;
}

enum wrt_status wrt_caller_exit(struct wrt_caller *caller, uint32_t code)
{
    caller->exit_code = code;
    return WRT_EXITED;
}

void wrt_caller_charge_fuel(struct wrt_caller *caller, uint64_t fuel)
{
    caller->fuel += fuel;
}

bool wrt_caller_should_stop(struct wrt_caller *caller)
{
    if (caller->stop_after != 0 && --caller->stop_after == 0)
        caller->should_stop = true;
    return caller->should_stop;
}

/* ---- calling ---- */

static int fake_index(const char *name)
{
    for (unsigned i = 0; i < fake_function_count; i++)
        if (strcmp(fake_functions[i].name, name) == 0)
            return (int)i;
    return -1;
}

/* The call's status; its error number in *out_error. */
static enum wrt_status fake_call_slots(int index, const union wrt_slot *arguments,
                                       uint32_t *out_error)
{
    union wrt_slot result = {.i64 = UINT64_MAX};
    enum wrt_status status = fake_functions[index].call(&fake, fake_functions[index].context,
                                                        arguments, &result);
    *out_error = result.i32;
    return status;
}

#endif
