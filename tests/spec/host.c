/* host.c - the module "spectest" that the scripts import from.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The print functions print nothing: what they are called with is part of no assertion.
 */
#include "spectest.h"

static enum wrt_status host_print(struct wrt_caller *caller, void *context,
                                  const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)caller;
    (void)context;
    (void)arguments;
    (void)results;
    return WRT_OK;
}

static enum wrt_status define_functions(struct wrt_store *store, struct wrt_error *error)
{
    static const struct { const char *name, *signature; } functions[] = {
        {"print", ":"},         {"print_i32", "i:"},      {"print_i64", "I:"},
        {"print_f32", "f:"},    {"print_f64", "F:"},      {"print_i32_f32", "if:"},
        {"print_f64_f64", "FF:"},
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        enum wrt_status status =
            wrt_store_define_function(store, "spectest", functions[i].name,
                                      functions[i].signature, host_print, NULL, error);
        if (status != WRT_OK)
            return status;
    }
    return WRT_OK;
}

static enum wrt_status define_global(struct wrt_store *store, const char *name, wrt_type content,
                                     union wrt_slot value, struct wrt_error *error)
{
    const struct wrt_global_type type = {.content = content};
    struct wrt_extern item = {.kind = WRT_EXTERN_GLOBAL};
    enum wrt_status status = wrt_global_create(store, &type, value, &item.of.global, error);
    if (status != WRT_OK)
        return status;
    return wrt_store_define(store, "spectest", name, item, error);
}

static enum wrt_status define_globals(struct wrt_store *store, struct wrt_error *error)
{
    enum wrt_status status =
        define_global(store, "global_i32", WRT_I32, (union wrt_slot){.i32 = 666}, error);
    if (status == WRT_OK)
        status = define_global(store, "global_i64", WRT_I64, (union wrt_slot){.i64 = 666}, error);
    if (status == WRT_OK)
        status = define_global(store, "global_f32", WRT_F32, (union wrt_slot){.f32 = 666.6f}, error);
    if (status == WRT_OK)
        status = define_global(store, "global_f64", WRT_F64, (union wrt_slot){.f64 = 666.6}, error);
    return status;
}

static enum wrt_status define_table(struct wrt_store *store, const char *name, bool is_64,
                                    struct wrt_error *error)
{
    const struct wrt_table_type type = {
        .element = WRT_FUNCREF, .limits = {.minimum = 10, .maximum = 20, .has_maximum = true},
        .is_64 = is_64};
    struct wrt_extern item = {.kind = WRT_EXTERN_TABLE};
    const union wrt_slot null = {.function = NULL};
    enum wrt_status status = wrt_table_create(store, &type, null, &item.of.table, error);
    if (status != WRT_OK)
        return status;
    return wrt_store_define(store, "spectest", name, item, error);
}

static enum wrt_status define_memory(struct wrt_store *store, const char *name, bool is_shared,
                                     struct wrt_error *error)
{
    const struct wrt_memory_type type = {
        .limits = {.minimum = 1, .maximum = 2, .has_maximum = true},
        .page_bytes = 65536,
        .is_shared = is_shared};
    struct wrt_extern item = {.kind = WRT_EXTERN_MEMORY};
    enum wrt_status status = wrt_memory_create(store, &type, &item.of.memory, error);
    if (status != WRT_OK)
        return status;
    return wrt_store_define(store, "spectest", name, item, error);
}

enum wrt_status host_define(struct wrt_store *store, struct wrt_error *error)
{
    enum wrt_status status = define_functions(store, error);
    if (status == WRT_OK)
        status = define_globals(store, error);
    if (status == WRT_OK)
        status = define_table(store, "table", false, error);
    if (status == WRT_OK)
        status = define_table(store, "table64", true, error);
    if (status == WRT_OK)
        status = define_memory(store, "memory", false, error);
    if (status == WRT_OK)
        status = define_memory(store, "shared_memory", true, error);
    return status;
}
