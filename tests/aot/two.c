/* two.c - two compiled guests in one image: run(10) of both.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "wrt/wrt.h"

extern const struct wrt_native_object wrt_native_a, wrt_native_b;

static int run(struct wrt_partition *partition, const struct wrt_native_object *object)
{
    const struct wrt_module_config config = {.native = object};
    struct wrt_native_description what;
    struct wrt_module *module = NULL;
    struct wrt_store *store = NULL;
    struct wrt_instance *instance = NULL;
    struct wrt_extern item;
    union wrt_slot in = {.i32 = 10}, out = {.i32 = 0};
    wrt_native_describe(object, &what);
    if (wrt_module_load(partition, &config, what.module.data, what.module.size_bytes, &module,
                        NULL) != WRT_OK ||
        wrt_store_create(partition, NULL, &store, NULL) != WRT_OK ||
        wrt_store_instantiate(store, module, &instance, NULL) != WRT_OK ||
        wrt_instance_export(instance, "run", &item) != WRT_OK ||
        wrt_function_call_slots(store, item.of.function, &in, 1, &out, 1) != WRT_OK)
        return -1;
    if (wrt_store_destroy(store) != WRT_OK || wrt_module_destroy(module) != WRT_OK)
        return -2;
    return (int)out.i32;
}

int main(void)
{
    struct wrt_partition *partition = NULL;
    if (wrt_partition_create(NULL, NULL, &partition, NULL) != WRT_OK)
        return 1;
    const int a = run(partition, &wrt_native_a), b = run(partition, &wrt_native_b);
    printf("%d %d\n", a, b);
    return wrt_partition_destroy(partition, NULL) != WRT_OK;
}
