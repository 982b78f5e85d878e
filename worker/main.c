/* worker/main.c - wrt-tenant: one guest in a confined process, driven through shared memory.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Started by wrt_worker_create only. It makes what needs rights first (memory, directories),
 * gives the rights up, says so, and then takes the module and the calls. It ends when told, when
 * its host ended, or when anything is not as it should be: exit codes below.
 */
#include "worker.h"

#include "port.h"
#include "port_confine.h"
#include "port_file.h"
#include "wrt/oblivious_host.h"
#include "wrt/partition.h"
#include "wrt/store.h"
#include "wrt/wasi.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum exit_code { ENDED = 0, NO_MEMORY_GIVEN = 2, BAD_CONFIG = 3, HOST_GONE = 4, HOST_LIED = 5 };

/* Fuel between two looks at the interrupt: about a millisecond. */
enum { SLICE_FUEL = 500000, MOST_STRINGS = 4096 };

static const uint64_t line_ns = 500000000; /* between two looks at the host's line */

static struct tenant {
    struct wire *wire;
    struct wire_config config; /* copied once */
    struct wire_end end;
    const char *strings[MOST_STRINGS];
    char text[WIRE_STREAM_BYTES];
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_wasi *wasi;
    struct wrt_module_loader *loader;
    struct wrt_instance *instance;
    struct wrt_value results[WIRE_VALUES];
    uint32_t result_count;
    uint64_t fuel_used;
    uint64_t bell; /* what the host connects to */
} tenant;

/* ---- the shared memory and what it says ---- */

static bool map_wire(void)
{
    size_t page = wrt_port_page_bytes();
    size_t bytes = (sizeof(struct wire) + page - 1) & ~(page - 1);
    struct wrt_port_request request = {.bytes = bytes, .rights = WRT_PORT_NONE};
    struct wrt_port_object object = {.handle = WIRE_FD_MEMORY, .size_bytes = bytes};
    void *place;

    if (wrt_port_reserve(&request, &place) != WRT_OK ||
        wrt_port_object_map(&object, place, WRT_PORT_READ_WRITE, false) != WRT_OK)
        return false;
    tenant.wire = place;
    return wire_join_worker(&tenant.end, tenant.wire) == WRT_OK;
}

static uint32_t string_count(const struct wire_config *config)
{
    return config->argument_count + config->environment_count + 2 * config->directory_count +
           config->has_pool;
}

/* Every string ends inside the text that was announced. */
static bool read_config(void)
{
    struct wire_config *config = &tenant.config;
    const char *at = tenant.text, *end;

    *config = tenant.wire->config;
    if (config->version != WIRE_VERSION || config->string_bytes > WIRE_STREAM_BYTES ||
        config->directory_count > WIRE_DIRECTORIES || config->argument_count > MOST_STRINGS ||
        config->environment_count > MOST_STRINGS || config->has_pool > 1 ||
        string_count(config) > MOST_STRINGS)
        return false;
    memcpy(tenant.text, tenant.wire->stream, config->string_bytes);
    end = at + config->string_bytes;
    for (uint32_t i = 0; i < string_count(config); i++) {
        const char *nul = at < end ? memchr(at, '\0', (size_t)(end - at)) : NULL;

        if (nul == NULL)
            return false;
        tenant.strings[i] = at;
        at = nul + 1;
    }
    return true;
}

/* Before the rights that this takes are gone. */
static bool join_bells(void)
{
    const struct wire_config *config = &tenant.config;

    return wire_open_bell(&tenant.end, &tenant.bell) == WRT_OK &&
           wire_connect_bell(&tenant.end, config->host_process, config->host_bell) == WRT_OK;
}

/* ---- answers ---- */

static void answer(const struct wire_message *message)
{
    if (wire_send(&tenant.end, message) != WRT_OK)
        exit(HOST_LIED);
}

static void answer_kind(enum wire_kind kind, uint32_t count)
{
    struct wire_message message = {.kind = kind, .count = count};

    answer(&message);
}

static void answer_failure(enum wrt_status status, const char *text)
{
    struct wire_message message = {.kind = WIRE_FAILED, .status = status};

    strncpy(message.text, text, sizeof message.text - 1);
    answer(&message);
}

/* ---- what the guest gets ---- */

static enum wrt_status heartbeat(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)caller, (void)context, (void)arguments, (void)results;
    (void)__atomic_add_fetch(&tenant.wire->progress.heartbeats, 1, __ATOMIC_RELAXED);
    return WRT_OK;
}

static enum wrt_status make_wasi(struct wrt_error *error)
{
    const struct wire_config *config = &tenant.config;
    const char *const *directories =
        tenant.strings + config->argument_count + config->environment_count;
    struct wrt_wasi_directory granted[WIRE_DIRECTORIES];
    struct wrt_wasi_config wasi = {
        .arguments = tenant.strings,
        .argument_count = config->argument_count,
        .environment = tenant.strings + config->argument_count,
        .environment_count = config->environment_count,
        .directories = granted,
        .directory_count = config->directory_count,
        .clocks = config->clocks,
        .clock_resolution_ns = config->clock_resolution_ns,
        .clock_jitter = config->clock_jitter != 0,
        .random = config->has_random ? WRT_WASI_RANDOM_SYSTEM : WRT_WASI_RANDOM_NONE,
    };
    enum wrt_status status;

    for (uint32_t i = 0; i < config->directory_count; i++)
        granted[i] = (struct wrt_wasi_directory){.host_path = directories[2 * i],
                                                 .guest_path = directories[2 * i + 1],
                                                 .read_only = config->read_only >> i & 1};
    if (config->has_output)
        wasi.standard_output = (struct wrt_wasi_stream){WRT_WASI_STREAM_DESCRIPTOR, WIRE_FD_OUTPUT};
    if (config->has_error)
        wasi.standard_error = (struct wrt_wasi_stream){WRT_WASI_STREAM_DESCRIPTOR, WIRE_FD_ERROR};
    status = wrt_wasi_create(tenant.partition, &wasi, &tenant.wasi, error);
    return status == WRT_OK ? wrt_wasi_define(tenant.store, tenant.wasi, error) : status;
}

static enum wrt_status make_oblivious(struct wrt_error *error)
{
    static struct wrt_oblivious_host *host; /* ends with the process */
    enum wrt_status status = wrt_oblivious_host_create(tenant.partition, &host, error);

    return status == WRT_OK ? wrt_oblivious_host_define(tenant.store, host, error) : status;
}

/* Where addresses that are only reserved use up the limit on memory, a linear memory reserves no
 * more than the guest may ever have; else the default. */
static uint64_t most_memory_pages(void)
{
    uint64_t pages = tenant.config.memory_bytes / 65536 + 1;

    return wrt_port_counts_reservations() && pages < 65536 ? pages : 0;
}

static enum wrt_status make_world(struct wrt_error *error)
{
    const struct wrt_partition_config partition = {.name = "guest",
                                                   .max_bytes = tenant.config.memory_bytes};
    const char *pool = tenant.config.has_pool ? tenant.strings[string_count(&tenant.config) - 1]
                                              : NULL;
    const struct wrt_store_config store = {.stack_bytes = tenant.config.stack_bytes,
                                           .max_memory_pages = most_memory_pages(),
                                           .pages = {.typed_pool = pool}};
    enum wrt_status status = wrt_partition_create(NULL, &partition, &tenant.partition, error);

    if (status == WRT_OK)
        status = wrt_store_create(tenant.partition, &store, &tenant.store, error);
    if (status == WRT_OK)
        status = make_wasi(error);
    if (status == WRT_OK && tenant.config.has_oblivious)
        status = make_oblivious(error);
    if (status == WRT_OK)
        status = wrt_store_define_function(tenant.store, "wrt", "heartbeat", ":", heartbeat, NULL,
                                           error);
    if (status == WRT_OK)
        status = wrt_module_begin(tenant.partition, NULL, &tenant.loader, error);
    return status;
}

static void confine(void)
{
    const struct wire_config *config = &tenant.config;
    const char *hosts[WIRE_DIRECTORIES];
    uint32_t first = config->argument_count + config->environment_count;

    for (uint32_t i = 0; i < config->directory_count; i++)
        hosts[i] = tenant.strings[first + 2 * i];
    answer(&(struct wire_message){.kind = WIRE_READY,
                                  .count = worker_confine(config, hosts),
                                  .fuel = tenant.bell});
}

/* ---- the module ---- */

static void take_bytes(uint32_t count)
{
    static uint8_t copy[WIRE_STREAM_BYTES]; /* the host may write meanwhile */
    struct wrt_error error = {.text = ""};
    enum wrt_status status;

    if (tenant.loader == NULL || count > WIRE_STREAM_BYTES)
        exit(HOST_LIED);
    memcpy(copy, tenant.wire->stream, count);
    status = wrt_module_feed(tenant.loader, copy, count, &error);
    if (status != WRT_OK)
        answer_failure(status, error.text);
    else
        answer_kind(WIRE_MORE, 0);
}

static void tell_progress(void)
{
    struct wrt_partition_info info;

    wrt_partition_get_info(tenant.partition, &info);
    __atomic_store_n(&tenant.wire->progress.fuel_used, tenant.fuel_used, __ATOMIC_RELAXED);
    __atomic_store_n(&tenant.wire->progress.used_bytes, info.used_bytes, __ATOMIC_RELAXED);
    __atomic_store_n(&tenant.wire->progress.high_water_bytes, info.high_water_bytes,
                     __ATOMIC_RELAXED);
}

static void load(void)
{
    struct wrt_error error = {.text = ""};
    struct wrt_module *module;
    enum wrt_status status;

    if (tenant.loader == NULL)
        exit(HOST_LIED);
    status = wrt_module_finish(tenant.loader, &module, &error);
    tenant.loader = NULL;
    if (status == WRT_OK)
        status = wrt_store_instantiate(tenant.store, module, &tenant.instance, &error);
    tell_progress();
    if (status == WRT_OK)
        answer_kind(WIRE_LOADED, 0);
    else if (status == WRT_ERR_TRAP)
        answer_failure(status, wrt_store_trap(tenant.store)->text);
    else
        answer_failure(status < 0 ? status : WRT_ERR_STATE,
                       status < 0 ? error.text : "the module's start did not end");
}

/* ---- calls ---- */

static void tell_outcome(enum wrt_status status, enum wrt_pause_reason reason)
{
    struct wire_message message = {.kind = WIRE_DONE};

    if (status == WRT_PAUSED) {
        answer_kind(WIRE_PAUSED, reason);
    } else if (status == WRT_EXITED) {
        answer_kind(WIRE_EXITED, wrt_store_exit_code(tenant.store));
    } else if (status == WRT_ERR_TRAP) {
        answer_failure(status, wrt_store_trap(tenant.store)->text);
    } else if (status != WRT_OK) {
        answer_failure(status, wrt_status_text(status));
    } else if (wire_put_values(&message, tenant.results, tenant.result_count)) {
        answer(&message);
    } else {
        answer_failure(WRT_ERR_TYPE, "a result cannot leave its process");
    }
}

struct call {
    struct wrt_function *function; /* NULL: resume */
    const struct wrt_value *arguments;
    uint32_t argument_count;
};

static bool is_host_gone(void)
{
    struct wrt_port_poll line = {.file = WIRE_FD_LINE, .wanted = WRT_PORT_POLL_READ};

    return wrt_port_poll(&line, 1, 0) == WRT_ERRNO_OK && line.ready != 0;
}

static enum wrt_status run_slice(const struct call *call)
{
    if (call->function == NULL)
        return wrt_store_resume(tenant.store, tenant.results, tenant.result_count);
    return wrt_function_call(tenant.store, call->function, call->arguments, call->argument_count,
                             tenant.results, tenant.result_count);
}

/* In slices of fuel, with a look at the interrupt and at the host between them. fuel 0: no limit. */
static void run(struct call call, uint64_t fuel, uint64_t deadline_ns)
{
    uint64_t left = fuel != 0 ? fuel : UINT64_MAX;
    enum wrt_pause_reason reason = WRT_PAUSE_NONE;
    enum wrt_status status;

    wrt_store_set_deadline(tenant.store, deadline_ns);
    for (;;) {
        uint64_t used;

        wrt_store_set_fuel(tenant.store, left < SLICE_FUEL ? left : SLICE_FUEL);
        status = run_slice(&call);
        used = wrt_store_fuel_used(tenant.store);
        tenant.fuel_used += used;
        tell_progress();
        if (fuel != 0)
            left = used < left ? left - used : 0;
        if (status != WRT_PAUSED)
            break;
        reason = wrt_store_pause_reason(tenant.store);
        if (reason != WRT_PAUSE_FUEL || left == 0)
            break;
        call.function = NULL;
        if (is_host_gone())
            exit(HOST_GONE);
        if (__atomic_exchange_n(&tenant.wire->progress.interrupt, 0, __ATOMIC_RELAXED) != 0) {
            reason = WRT_PAUSE_INTERRUPT;
            break;
        }
    }
    tell_outcome(status, reason);
}

static bool find_function(const char *name, struct wrt_function **out, uint32_t *out_results)
{
    struct wrt_extern_type type;
    struct wrt_extern item;

    if (tenant.instance == NULL ||
        wrt_instance_export(tenant.instance, name, &item) != WRT_OK ||
        item.kind != WRT_EXTERN_FUNCTION)
        return false;
    wrt_extern_get_type(item, &type);
    *out = item.of.function;
    *out_results = type.function.result_count;
    return true;
}

static void call_function(const struct wire_message *message)
{
    struct wrt_value arguments[WIRE_VALUES];
    struct call call = {.arguments = arguments, .argument_count = message->count};
    uint32_t result_count;

    if (!wire_get_values(message, arguments))
        exit(HOST_LIED);
    if (!find_function(message->text, &call.function, &result_count)) {
        answer_failure(WRT_ERR_NOT_FOUND, "the module exports no function of that name");
        return;
    }
    if (result_count > WIRE_VALUES) {
        answer_failure(WRT_ERR_TYPE, "the function has more results than a message holds");
        return;
    }
    if (wrt_store_pause_reason(tenant.store) != WRT_PAUSE_NONE)
        exit(HOST_LIED);
    tenant.result_count = result_count;
    run(call, message->fuel, message->deadline_ns);
}

static void resume(const struct wire_message *message)
{
    if (wrt_store_pause_reason(tenant.store) == WRT_PAUSE_NONE)
        exit(HOST_LIED);
    run((struct call){.function = NULL}, message->fuel, message->deadline_ns);
}

static void obey(const struct wire_message *message)
{
    switch (message->kind) {
    case WIRE_BYTES:
        take_bytes(message->count);
        break;
    case WIRE_START:
        load();
        break;
    case WIRE_CALL:
        call_function(message);
        break;
    case WIRE_RESUME:
        resume(message);
        break;
    case WIRE_DROP:
        wrt_store_drop(tenant.store);
        answer_kind(WIRE_DROPPED, 0);
        break;
    case WIRE_STOP:
        exit(ENDED);
    default:
        exit(HOST_LIED);
    }
}

/* ---- */

static uint64_t next_look(void)
{
    uint64_t now;

    return wrt_port_time_now(&now) == WRT_OK ? now + line_ns : UINT64_MAX;
}

static void serve(void)
{
    struct wire_message message;

    for (;;) {
        enum wrt_status status = wire_receive(&tenant.end, next_look(), &message);

        if (status == WRT_OK)
            obey(&message);
        else if (status != WRT_ERR_TIMEOUT)
            exit(HOST_LIED);
        else if (is_host_gone())
            exit(HOST_GONE);
    }
}

int main(void)
{
    struct wrt_error error = {.text = ""};
    enum wrt_status status;

    (void)signal(SIGINT, SIG_IGN); /* a keyboard's reaches the whole group; the host tells us */
    wrt_port_close_inherited(WIRE_FD_ERROR + 1);
    if (!map_wire())
        return NO_MEMORY_GIVEN;
    if (!read_config())
        return BAD_CONFIG;
    if (!join_bells())
        return HOST_GONE;
    status = make_world(&error);
    if (status != WRT_OK) {
        answer_failure(status, error.text);
        return BAD_CONFIG;
    }
    confine();
    serve();
}
