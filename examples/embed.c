/* examples/embed.c - a guest function called from C, in a partition of at most 1 MiB.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <wrt/wrt.h>

/* What the guest imports as host.sample: (i32) -> i32. */
static enum wrt_status sample(struct wrt_caller *caller, void *context,
                              const union wrt_slot *arguments, union wrt_slot *results)
{
    const uint32_t *samples = context;
    if (arguments[0].i32 >= 4)
        return wrt_caller_trap(caller, "there are only four samples");
    results[0].i32 = samples[arguments[0].i32];
    return WRT_OK;
}

int main(int argc, char **argv)
{
    static unsigned char bytes[65536];
    static uint32_t samples[] = {20, 21, 23, 28};
    struct wrt_partition_config limits = {.name = "filter", .max_bytes = 1 << 20};
    struct wrt_partition *partition = NULL;
    struct wrt_module *module = NULL;
    struct wrt_store *store = NULL;
    struct wrt_instance *instance;
    struct wrt_extern average;
    struct wrt_value count = {.type = WRT_I32, .of = {.i32 = 4}}, result;
    struct wrt_error error = {0};

    FILE *file = fopen(argc > 1 ? argv[1] : "filter.wasm", "rb");
    size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    enum wrt_status status = wrt_partition_create(NULL, &limits, &partition, &error);
    if (status == WRT_OK)
        status = wrt_module_load(partition, NULL, bytes, size, &module, &error);
    if (status == WRT_OK)
        status = wrt_store_create(partition, NULL, &store, &error);
    if (status == WRT_OK)
        status = wrt_store_define_function(store, "host", "sample", "i:i", sample, samples, &error);
    if (status == WRT_OK)
        status = wrt_store_instantiate(store, module, &instance, &error);
    if (status == WRT_OK)
        status = wrt_instance_export(instance, "average", &average);
    if (status == WRT_OK) {
        wrt_store_set_fuel(store, 10000);
        status = wrt_function_call(store, average.of.function, &count, 1, &result, 1);
    }
    if (status == WRT_OK)
        printf("average %g, %llu instructions\n", result.of.f64,
               (unsigned long long)wrt_store_fuel_used(store));
    else
        fprintf(stderr, "%s: %s\n", wrt_status_text(status), error.text);
    if (wrt_store_destroy(store) || wrt_module_destroy(module) ||
        wrt_partition_destroy(partition, &error))
        return 2;
    return status != WRT_OK;
}
