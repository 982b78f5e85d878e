/* engine_fixture.h - a partition, a store and a loaded module, for tests of the engine.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ENGINE_FIXTURE_H
#define ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "partition_live.h"
#include "wrt/wrt.h"

#define assert_status(actual, expected)                                                       \
    assert_string_equal(wrt_status_name(actual), wrt_status_name(expected))

struct fixture {
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module *module;
    struct wrt_instance *instance;
    struct wrt_error error;
};

/* A module of tests/modules, to be freed. */
static inline uint8_t *fixture_bytes(const char *name, size_t *size)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.wasm", WRT_TEST_MODULES, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t capacity = 1 << 20;
    uint8_t *bytes = malloc(capacity);
    assert_non_null(bytes);
    *size = fread(bytes, 1, capacity, file);
    assert_true(*size < capacity && *size >= 8);
    fclose(file);
    return bytes;
}

static inline void fixture_open(struct fixture *f, const struct wrt_store_config *config)
{
    const struct wrt_partition_config partition = {.name = "test"};
    memset(f, 0, sizeof *f);
    assert_status(wrt_partition_create(NULL, &partition, &f->partition, &f->error), WRT_OK);
    assert_status(wrt_store_create(f->partition, config, &f->store, &f->error), WRT_OK);
}

static inline void fixture_load(struct fixture *f, const char *name)
{
    size_t size;
    uint8_t *bytes = fixture_bytes(name, &size);
    enum wrt_status status =
        wrt_module_load(f->partition, NULL, bytes, size, &f->module, &f->error);
    free(bytes);
    if (status != WRT_OK)
        print_error("%s: %s at %llu\n", name, f->error.text,
                    (unsigned long long)f->error.byte_offset);
    assert_status(status, WRT_OK);
}

static inline void fixture_instantiate(struct fixture *f)
{
    enum wrt_status status =
        wrt_store_instantiate(f->store, f->module, &f->instance, &f->error);
    if (status != WRT_OK)
        print_error("%s\n", f->error.text);
    assert_status(status, WRT_OK);
}

/* Everything of `name`, ready to be called. */
static inline void fixture_start(struct fixture *f, const char *name)
{
    fixture_open(f, NULL);
    fixture_load(f, name);
    fixture_instantiate(f);
}

static inline uint64_t fixture_used(const struct fixture *f)
{
    return partition_live_bytes(f->partition);
}

/* Gives everything back, and checks that it was everything. */
static inline void fixture_close(struct fixture *f)
{
    assert_status(wrt_store_destroy(f->store), WRT_OK);
    assert_status(wrt_module_destroy(f->module), WRT_OK);
    assert_int_equal(fixture_used(f), 0);
    assert_status(wrt_partition_destroy(f->partition, &f->error), WRT_OK);
}

static inline struct wrt_function *fixture_function(struct fixture *f, const char *name)
{
    struct wrt_extern item;
    assert_status(wrt_instance_export(f->instance, name, &item), WRT_OK);
    assert_int_equal(item.kind, WRT_EXTERN_FUNCTION);
    return item.of.function;
}

/* Calls (i32) -> i32. */
static inline enum wrt_status fixture_call(struct fixture *f, const char *name, uint32_t argument,
                                           uint32_t *result)
{
    const struct wrt_value value = {.type = WRT_I32, .of.i32 = argument};
    struct wrt_value out = {.type = WRT_I32, .of.i32 = 0};
    enum wrt_status status =
        wrt_function_call(f->store, fixture_function(f, name), &value, 1, &out, 1);
    *result = out.of.i32;
    return status;
}

static inline enum wrt_status fixture_resume(struct fixture *f, uint32_t *result)
{
    struct wrt_value out = {.type = WRT_I32, .of.i32 = 0};
    enum wrt_status status = wrt_store_resume(f->store, &out, 1);
    *result = out.of.i32;
    return status;
}

#endif
