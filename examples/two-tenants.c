/* examples/two-tenants.c - two programs side by side, each in a partition of its own, each
 * given slices of fuel in turn until both are done.
 * SPDX-License-Identifier: Apache-2.0
 *
 *     two-tenants FOLDER-OF-MODULES DATA-FOLDER
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <wrt/wrt.h>

enum { TENANTS = 2, SLICE = 100000 };

struct tenant {
    const char *name;
    struct wrt_partition_config limits;
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_wasi *wasi;
    struct wrt_function *start;
    enum wrt_status status; /* of the last slice */
    uint64_t fuel, time_ns, slices;
    struct wrt_error error;
};

static enum wrt_status load(struct tenant *tenant, const char *folder)
{
    char path[512];
    unsigned char chunk[4096];
    size_t got;
    struct wrt_module_loader *loader;
    snprintf(path, sizeof path, "%s/%s.wasm", folder, tenant->name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        return WRT_ERR_NOT_FOUND;
    }
    enum wrt_status status = wrt_module_begin(tenant->partition, NULL, &loader, &tenant->error);
    if (status == WRT_OK) {
        while (status == WRT_OK && (got = fread(chunk, 1, sizeof chunk, file)) > 0)
            status = wrt_module_feed(loader, chunk, got, &tenant->error);
        if (status == WRT_OK)
            status = wrt_module_finish(loader, &tenant->module, &tenant->error);
        else
            wrt_module_abort(loader);
    }
    fclose(file);
    return status;
}

/* The tenant sees its output, and one folder that it may only read. */
static enum wrt_status grant(struct tenant *tenant, const char *data)
{
    const struct wrt_wasi_directory folder = {
        .host_path = data, .guest_path = "/data", .read_only = true};
    const struct wrt_wasi_config config = {
        .arguments = &tenant->name,
        .argument_count = 1,
        .directories = &folder,
        .directory_count = 1,
        .standard_output = {.kind = WRT_WASI_STREAM_INHERIT},
        .standard_error = {.kind = WRT_WASI_STREAM_INHERIT}};
    enum wrt_status status =
        wrt_wasi_create(tenant->partition, &config, &tenant->wasi, &tenant->error);
    return status == WRT_OK ? wrt_wasi_define(tenant->store, tenant->wasi, &tenant->error) : status;
}

static enum wrt_status prepare(struct tenant *tenant, const char *modules, const char *data)
{
    struct wrt_instance *instance;
    struct wrt_extern start;
    enum wrt_status status;
    if ((status = wrt_partition_create(NULL, &tenant->limits, &tenant->partition, &tenant->error)) ||
        (status = load(tenant, modules)) ||
        (status = wrt_store_create(tenant->partition, NULL, &tenant->store, &tenant->error)) ||
        (status = grant(tenant, data)) ||
        (status = wrt_store_instantiate(tenant->store, tenant->module, &instance, &tenant->error)) ||
        (status = wrt_instance_export(instance, "_start", &start)))
        return status;
    tenant->start = start.of.function;
    return WRT_OK;
}

/* Runs until the tenant ends or its slice of fuel does. */
static void run_slice(struct tenant *tenant)
{
    uint64_t begin_ns = wrt_time_now_ns();
    wrt_store_set_fuel(tenant->store, SLICE);
    tenant->status = tenant->slices++ == 0
                         ? wrt_function_call(tenant->store, tenant->start, NULL, 0, NULL, 0)
                         : wrt_store_resume(tenant->store, NULL, 0);
    tenant->fuel += wrt_store_fuel_used(tenant->store);
    tenant->time_ns += wrt_time_now_ns() - begin_ns;
}

static void report(const struct tenant *tenant)
{
    struct wrt_partition_info info;
    wrt_partition_get_info(tenant->partition, &info);
    unsigned code = tenant->status == WRT_EXITED ? wrt_store_exit_code(tenant->store) : 0;
    printf("%-10s exit %u; memory %" PRIu64 " KiB now, %" PRIu64 " KiB at most, limit %" PRIu64
           " KiB, %" PRIu64 " refused; fuel %" PRIu64 " in %" PRIu64 " slices; %.2f ms\n",
           tenant->name, code, info.used_bytes / 1024, info.high_water_bytes / 1024,
           info.max_bytes / 1024, info.refusals, tenant->fuel, tenant->slices,
           (double)tenant->time_ns / 1e6);
}

static int finish(struct tenant *tenant)
{
    bool bad = tenant->status < 0;
    if (bad) {
        const struct wrt_trap *trap = tenant->store != NULL ? wrt_store_trap(tenant->store) : NULL;
        fprintf(stderr, "%s: %s: %s\n", tenant->name, wrt_status_text(tenant->status),
                tenant->status == WRT_ERR_TRAP && trap != NULL ? trap->text : tenant->error.text);
    }
    if (wrt_store_destroy(tenant->store) != WRT_OK)
        return 1;
    wrt_wasi_destroy(tenant->wasi);
    if (wrt_module_destroy(tenant->module) != WRT_OK)
        return 1;
    if (tenant->partition != NULL && wrt_partition_destroy(tenant->partition, NULL) != WRT_OK)
        return 1;
    return bad;
}

int main(int argc, char **argv)
{
    struct tenant tenants[TENANTS] = {
        {.name = "telemetry", .limits = {.name = "telemetry", .max_bytes = 2 << 20}},
        {.name = "planner", .limits = {.name = "planner", .max_bytes = 4 << 20}}};
    if (argc != 3) {
        fprintf(stderr, "usage: %s FOLDER-OF-MODULES DATA-FOLDER\n", argv[0]);
        return 2;
    }
    for (int i = 0; i < TENANTS; i++) {
        tenants[i].status = prepare(&tenants[i], argv[1], argv[2]);
        if (tenants[i].status == WRT_OK)
            tenants[i].status = WRT_PAUSED;
    }

    bool running = true;
    while (running) {
        running = false;
        for (int i = 0; i < TENANTS; i++) {
            if (tenants[i].status != WRT_PAUSED)
                continue;
            run_slice(&tenants[i]);
            running = running || tenants[i].status == WRT_PAUSED;
        }
    }

    int failures = 0;
    puts("");
    for (int i = 0; i < TENANTS; i++) {
        if (tenants[i].slices != 0)
            report(&tenants[i]);
        failures += finish(&tenants[i]);
    }
    return failures != 0;
}
