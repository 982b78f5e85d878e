/* linked.c - a compiled guest linked into the program: no code is loaded at run time.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Calls it straight, paused by fuel and by its host function and resumed, and calls back into it
 * from the host function. Each line says what came; check.sh compares.
 */
#include <stdio.h>
#include <string.h>

#include "wrt/wrt.h"

extern const struct wrt_native_object wrt_native_guest;

struct host {
    int calls, pauses;
    bool pauses_once, calls_back;
};

static enum wrt_status twice(struct wrt_caller *caller, void *context,
                             const union wrt_slot *arguments, union wrt_slot *results)
{
    struct host *host = context;
    host->calls++;
    if (host->pauses_once && host->calls % 2 == 1) {
        host->pauses++;
        return WRT_PAUSED;
    }
    if (host->calls_back) {
        struct wrt_extern item;
        union wrt_slot in[2] = {{.i32 = arguments[0].i32 * 6}, {.i32 = 3}}, out;
        if (wrt_instance_export(wrt_caller_instance(caller), "divide", &item) != WRT_OK ||
            wrt_function_call_slots(wrt_caller_store(caller), item.of.function, in, 2, &out, 1) !=
                WRT_OK)
            return wrt_caller_trap(caller, "the call back failed");
        results[0].i32 = out.i32;
        return WRT_OK;
    }
    results[0].i32 = arguments[0].i32 * 2;
    return WRT_OK;
}

static void sum(struct wrt_store *store, struct wrt_function *function, const char *how,
                uint64_t fuel)
{
    union wrt_slot in = {.i32 = 1000}, out = {.i32 = 0};
    int resumes = 0;
    wrt_store_set_fuel(store, fuel);
    enum wrt_status status = wrt_function_call_slots(store, function, &in, 1, &out, 1);
    while (status == WRT_PAUSED) {
        resumes++;
        if (fuel != UINT64_MAX)
            wrt_store_add_fuel(store, fuel);
        status = wrt_store_resume_slots(store, &out, 1);
    }
    printf("%s: %s %u, %s\n", how, wrt_status_name(status), out.i32,
           resumes > 1 ? "resumed" : "straight");
}

/* With an argument: in a sealed partition, whose memory the watch of a deadline cannot write. */
int main(int argc, char **argv)
{
    (void)argv;
    const struct wrt_partition_config sealed = {.isolation = WRT_TIER_SEALED};
    struct wrt_partition *partition = NULL;
    struct wrt_module *module = NULL;
    struct wrt_store *store = NULL;
    struct wrt_instance *instance = NULL;
    struct wrt_native_description what;
    struct wrt_module_config config = {.native = &wrt_native_guest};
    struct wrt_error error = {0};
    struct wrt_extern item;
    struct host host = {0};
    wrt_native_describe(config.native, &what);
    enum wrt_status status =
        wrt_partition_create(NULL, argc > 1 ? &sealed : NULL, &partition, &error);
    struct wrt_partition_guard guard = {0};
    if (status == WRT_OK)
        status = wrt_partition_guard_enter(&guard, partition);
    if (status == WRT_OK)
        status = wrt_module_load(partition, &config, what.module.data, what.module.size_bytes,
                                 &module, &error);
    if (status == WRT_OK)
        status = wrt_store_create(partition, NULL, &store, &error);
    if (status == WRT_OK)
        status = wrt_store_define_function(store, "host", "twice", "i:i", twice, &host, &error);
    if (status == WRT_OK)
        status = wrt_store_instantiate(store, module, &instance, &error);
    if (status == WRT_OK)
        status = wrt_instance_export(instance, "sum", &item);
    if (status != WRT_OK) {
        printf("%s: %s\n", wrt_status_name(status), error.text);
        return 1;
    }
    if (argc > 1) {
        wrt_store_set_deadline(store, wrt_time_now_ns() + 60 * UINT64_C(1000000000));
        sum(store, item.of.function, "deadline", UINT64_MAX);
        wrt_store_set_deadline(store, 0);
    }
    sum(store, item.of.function, "plain", UINT64_MAX);
    sum(store, item.of.function, "fuel", 500);
    host.pauses_once = true;
    sum(store, item.of.function, "host pauses", UINT64_MAX);
    host.pauses_once = false;
    host.calls_back = true;
    sum(store, item.of.function, "calls back", UINT64_MAX);
    struct wrt_extern count;
    if (wrt_instance_export(instance, "count", &count) == WRT_OK)
        printf("count %u, paused %d times\n", wrt_global_get(count.of.global).i32, host.pauses);
    status = wrt_store_destroy(store);
    if (status == WRT_OK)
        status = wrt_module_destroy(module);
    if (status == WRT_OK)
        status = wrt_partition_guard_leave(&guard);
    if (status == WRT_OK)
        status = wrt_partition_destroy(partition, &error);
    printf("closed: %s\n", wrt_status_name(status));
    return status != WRT_OK;
}
