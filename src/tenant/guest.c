/* src/tenant/guest.c - see guest.h; what is the process tier's own is in remote.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/guest.h"

#include "base/error.h"
#include "tenant/authentic.h"
#include "port_local.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 16384, MAX_MODULE = 256 << 20 };

const char *wrt_guest_entry(const struct wrt_tenant_config *config, bool is_cyclic)
{
    if (config->entry != 0)
        return wrt_config_text(config, config->entry);
    return is_cyclic ? "step" : "_start";
}

static const char *module_path(const struct wrt_guest *guest)
{
    return wrt_config_text(guest->config, guest->config->module);
}

/* ---- loading ---- */

/* Hashes what it feeds, so that what is judged is what is loaded. */
static enum wrt_status feed(struct wrt_guest *guest, FILE *in, struct wrt_module_loader *loader,
                            struct wrt_sha256 *hash, struct wrt_error *error)
{
    uint8_t chunk[CHUNK];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, in)) > 0) {
        if (wrt_authentic_is_asked(guest->config))
            wrt_sha256_add(hash, chunk, got);
        enum wrt_status status = wrt_module_feed(loader, chunk, got, error);
        if (status != WRT_OK)
            return status;
    }
    if (ferror(in))
        return wrt_fail(error, WRT_ERR_IO, "cannot read %s: %s", module_path(guest),
                        strerror(errno));
    return WRT_OK;
}

static enum wrt_status begin_module(struct wrt_guest *guest, struct wrt_module_loader **out,
                                    struct wrt_error *error)
{
    const struct wrt_module_config config = {
        .index_masking = (guest->config->require_bits & WRT_REQUIRE_INDEX_MASKING) != 0};
    return wrt_module_begin(guest->partition, &config, out, error);
}

static enum wrt_status load_module(struct wrt_guest *guest, FILE *in, struct wrt_error *error)
{
    struct wrt_module_loader *loader;
    struct wrt_sha256 hash;
    wrt_sha256_begin(&hash);
    enum wrt_status status = begin_module(guest, &loader, error);
    if (status != WRT_OK)
        return status;
    status = feed(guest, in, loader, &hash, error);
    if (status == WRT_OK)
        status = wrt_authentic_check(guest->config, &hash, error);
    if (status != WRT_OK) {
        wrt_module_abort(loader);
        return status;
    }
    return wrt_module_finish(loader, &guest->module, error);
}

/* A worker validates the module itself; here it is only kept. */
static enum wrt_status keep_bytes(struct wrt_guest *guest, FILE *in, struct wrt_error *error)
{
    if (guest->file.size_bytes == 0 || guest->file.size_bytes > MAX_MODULE)
        return wrt_fail(error, WRT_ERR_LIMIT, "%s has %" PRIu64 " bytes; 1 to 256 MiB are taken",
                        module_path(guest), guest->file.size_bytes);
    struct wrt_module_loader *loader; /* as the worker, of the same build, would begin */
    enum wrt_status begun = begin_module(guest, &loader, error);
    if (begun != WRT_OK)
        return begun;
    wrt_module_abort(loader);
    void *block;
    guest->bytes_size = (size_t)guest->file.size_bytes;
    enum wrt_status status = wrt_partition_allocate(guest->partition, WRT_CHARGE_DATA,
                                                    guest->bytes_size, 0, &block, error);
    if (status != WRT_OK)
        return status;
    guest->bytes = block;
    if (fread(block, 1, guest->bytes_size, in) != guest->bytes_size)
        return wrt_fail(error, WRT_ERR_IO, "cannot read %s: it became shorter",
                        module_path(guest));
    struct wrt_sha256 hash;
    wrt_sha256_begin(&hash);
    if (wrt_authentic_is_asked(guest->config))
        wrt_sha256_add(&hash, block, guest->bytes_size);
    return wrt_authentic_check(guest->config, &hash, error);
}

/* Native code: the whole file is judged before any of it is loaded. */
static enum wrt_status load_native(struct wrt_guest *guest, FILE *in, struct wrt_error *error)
{
    struct wrt_module_config config = {0};
    struct wrt_native_description what;
    if (guest->config->tier + 1 != WRT_TIER_SOFTWARE)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "native code runs in tier software only");
    enum wrt_status status = keep_bytes(guest, in, error);
    if (status == WRT_OK)
        status = wrt_native_open(guest->partition, guest->bytes, guest->bytes_size, NULL,
                                 &guest->native, error);
    if (guest->bytes != NULL)
        wrt_partition_free(guest->partition, WRT_CHARGE_DATA, guest->bytes, guest->bytes_size);
    guest->bytes = NULL;
    guest->bytes_size = 0;
    if (status != WRT_OK)
        return status;
    config.native = wrt_native_get_object(guest->native);
    wrt_native_describe(config.native, &what);
    if (guest->config->fuel != 0 && !what.meters_fuel)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED, "fuel needs code compiled with --stop fuel");
    if (!what.checks_stops)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "its slices need code compiled with --stop check or fuel");
    return wrt_module_load(guest->partition, &config, what.module.data, what.module.size_bytes,
                           &guest->module, error);
}

static bool file_of(const char *path, struct wrt_guest_file *out)
{
    struct wrt_port_identity identity;
    if (wrt_port_identify(path, &identity) != WRT_OK)
        return false;
    *out = (struct wrt_guest_file){identity.size_bytes, identity.modified_ns, identity.number,
                                   identity.device};
    return true;
}

bool wrt_guest_is_outdated(const struct wrt_guest *guest)
{
    struct wrt_guest_file now;
    return !file_of(module_path(guest), &now) || memcmp(&now, &guest->file, sizeof now) != 0;
}

static enum wrt_status load_file(struct wrt_guest *guest, struct wrt_error *error)
{
    struct wrt_partition_guard guard;
    const char *path = module_path(guest);
    if (!file_of(path, &guest->file))
        return wrt_fail(error, WRT_ERR_NOT_FOUND, "%s is no file that can be read", path);
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return wrt_fail(error, errno == ENOENT ? WRT_ERR_NOT_FOUND : WRT_ERR_DENIED,
                        "cannot open %s: %s", path, strerror(errno));
    enum wrt_status status = wrt_partition_guard_enter(&guard, guest->partition);
    if (status == WRT_OK) {
        if (guest->config->native != 0)
            status = load_native(guest, in, error);
        else
            status = wrt_guest_is_remote(guest->config) ? keep_bytes(guest, in, error)
                                                        : load_module(guest, in, error);
        wrt_partition_guard_leave(&guard);
    }
    fclose(in);
    return status;
}

static enum wrt_status create_partition(struct wrt_guest *guest, struct wrt_partition *root,
                                        struct wrt_error *error)
{
    const struct wrt_tenant_config *config = guest->config;
    const struct wrt_arena_config arena = {.colour = config->cache_colour};
    const struct wrt_partition_config partition = {
        .name = config->name,
        .arena = arena.colour.count != 0 ? &arena : NULL,
        .min_bytes = config->min_bytes,
        .max_bytes = config->max_bytes,
        .reserved_bytes = config->reserved_bytes,
        .flags = (config->require_bits & WRT_REQUIRE_TIER) != 0 ? WRT_PARTITION_REQUIRE : 0,
        .isolation = (enum wrt_isolation_tier)(config->tier + 1),
        .cpu_permille = (uint32_t)config->cpu_permille,
        .verification = (enum wrt_verification_level)config->verify};
    return wrt_partition_create(root, &partition, &guest->partition, error);
}

enum wrt_status wrt_guest_load(struct wrt_guest *guest, struct wrt_partition *root,
                               const struct wrt_tenant_config *config, struct wrt_error *error)
{
    *guest = (struct wrt_guest){.config = config};
    enum wrt_status status = create_partition(guest, root, error);
    if (status == WRT_OK)
        status = load_file(guest, error);
    if (status != WRT_OK)
        (void)wrt_guest_unload(guest, NULL); /* nothing in it that could refuse */
    return status;
}

enum wrt_status wrt_guest_unload(struct wrt_guest *guest, struct wrt_error *error)
{
    struct wrt_partition_guard guard;
    if (guest->partition == NULL)
        return WRT_OK;
    enum wrt_status status = wrt_partition_guard_enter(&guard, guest->partition);
    if (status != WRT_OK)
        return wrt_fail(error, status, "partition %s cannot be entered", guest->config->name);
    status = wrt_module_destroy(guest->module);
    if (status == WRT_OK)
        wrt_native_close(guest->native);
    if (status == WRT_OK)
        wrt_partition_free(guest->partition, WRT_CHARGE_DATA, guest->bytes, guest->bytes_size);
    wrt_partition_guard_leave(&guard);
    if (status == WRT_OK)
        status = wrt_partition_destroy(guest->partition, error);
    if (status == WRT_OK)
        *guest = (struct wrt_guest){.config = guest->config};
    return status;
}

/* ---- opening ---- */

static enum wrt_status heartbeat(struct wrt_caller *caller, void *context,
                                 const union wrt_slot *arguments, union wrt_slot *results)
{
    struct wrt_guest *guest = context;
    (void)caller, (void)arguments, (void)results;
    __atomic_store_n(&guest->heartbeat_ns, wrt_time_now_ns(), __ATOMIC_RELAXED);
    __atomic_fetch_add(&guest->heartbeats, 1, __ATOMIC_RELAXED);
    return WRT_OK;
}

struct wasi_lists {
    const char *arguments[WRT_MAX_WORDS + 1];
    const char *environment[WRT_MAX_WORDS];
    struct wrt_wasi_directory directories[WRT_MAX_WORDS];
    char paths[WRT_TENANT_TEXT];
};

/* "HOST[::GUEST][:ro]" cut up in lists->paths. */
static void cut_directory(char *word, struct wrt_wasi_directory *out)
{
    size_t length = strlen(word);
    out->read_only = length > 3 && strcmp(word + length - 3, ":ro") == 0;
    if (out->read_only)
        word[length - 3] = '\0';
    char *split = strstr(word, "::");
    if (split != NULL)
        *split = '\0';
    out->host_path = word;
    out->guest_path = split != NULL ? split + 2 : word;
}

static void fill_lists(const struct wrt_tenant_config *config, struct wasi_lists *lists)
{
    char *room = lists->paths;
    lists->arguments[0] = config->name;
    for (uint32_t i = 0; i < config->arguments.count; i++)
        lists->arguments[i + 1] = wrt_config_text(config, config->arguments.at[i]);
    for (uint32_t i = 0; i < config->environment.count; i++)
        lists->environment[i] = wrt_config_text(config, config->environment.at[i]);
    for (uint32_t i = 0; i < config->directories.count; i++) {
        const char *word = wrt_config_text(config, config->directories.at[i]);
        size_t bytes = strlen(word) + 1; /* all of them fit: they come from a pool of that size */
        memcpy(room, word, bytes);
        cut_directory(room, &lists->directories[i]);
        room += bytes;
    }
}

static uint32_t clocks_of(const struct wrt_tenant_config *config)
{
    static const uint32_t clocks[] = {WRT_WASI_CLOCK_ALL, WRT_WASI_CLOCK_MONOTONIC, 0};
    return clocks[config->clocks];
}

static enum wrt_status open_wasi(struct wrt_guest *guest, struct wrt_error *error)
{
    const struct wrt_tenant_config *config = guest->config;
    struct wasi_lists lists;
    fill_lists(config, &lists);
    struct wrt_wasi_stream output = {.kind = config->streams == 0 ? WRT_WASI_STREAM_NONE
                                                                  : WRT_WASI_STREAM_INHERIT};
    const struct wrt_wasi_config wasi = {
        .arguments = lists.arguments,
        .argument_count = config->arguments.count + 1,
        .environment = lists.environment,
        .environment_count = config->environment.count,
        .directories = lists.directories,
        .directory_count = config->directories.count,
        .standard_output = output,
        .standard_error = output,
        .clocks = clocks_of(config),
        .clock_resolution_ns = config->clock_resolution_us * 1000,
        .clock_jitter = config->clock_jitter != 0,
        .random = config->random == 0 ? WRT_WASI_RANDOM_SYSTEM : WRT_WASI_RANDOM_NONE};
    enum wrt_status status = wrt_wasi_create(guest->partition, &wasi, &guest->wasi, error);
    if (status == WRT_OK)
        status = wrt_wasi_define(guest->store, guest->wasi, error);
    return status;
}

static enum wrt_status open_oblivious(struct wrt_guest *guest, struct wrt_error *error)
{
    if (guest->config->oblivious == 0)
        return WRT_OK;
    enum wrt_status status =
        wrt_oblivious_host_create(guest->partition, &guest->oblivious, error);
    if (status == WRT_OK)
        status = wrt_oblivious_host_define(guest->store, guest->oblivious, error);
    return status;
}

static enum wrt_status open_store(struct wrt_guest *guest, struct wrt_error *error)
{
    const char *pool = wrt_config_text(guest->config, guest->config->typed_pool);
    const struct wrt_store_config config = {.stack_bytes = guest->config->stack_bytes,
                                            .max_instances = 1,
                                            .pages = {.typed_pool = *pool != '\0' ? pool : NULL,
                                                      .colour = guest->config->cache_colour}};
    enum wrt_status status = wrt_store_create(guest->partition, &config, &guest->store, error);
    if (status == WRT_OK)
        status = open_wasi(guest, error);
    if (status == WRT_OK)
        status = open_oblivious(guest, error);
    if (status == WRT_OK)
        status = wrt_store_define_function(guest->store, "wrt", "heartbeat", ":", heartbeat,
                                           guest, error);
    return status;
}

static bool find_call(struct wrt_guest *guest, const char *name, struct wrt_function **out)
{
    struct wrt_extern item;
    struct wrt_extern_type type;
    if (wrt_instance_export(guest->instance, name, &item) != WRT_OK)
        return false;
    wrt_extern_get_type(item, &type);
    if (type.kind != WRT_EXTERN_FUNCTION || type.function.parameter_count != 0 ||
        type.function.result_count != 0)
        return false;
    *out = item.of.function;
    return true;
}

static enum wrt_status find_entry(struct wrt_guest *guest, bool is_cyclic,
                                  struct wrt_error *error)
{
    const char *name = wrt_guest_entry(guest->config, is_cyclic);
    char shown[64];
    if (find_call(guest, name, &guest->entry))
        return WRT_OK;
    return wrt_fail(error, WRT_ERR_NOT_FOUND,
                    "the module exports no function '%s' without arguments and results",
                    wrt_show(shown, sizeof shown, name));
}

/* ---- closing ---- */

static void close_store(struct wrt_guest *guest)
{
    if (guest->store == NULL || wrt_store_destroy(guest->store) == WRT_OK) {
        wrt_wasi_destroy(guest->wasi);
        wrt_oblivious_host_destroy(guest->oblivious);
        guest->oblivious = NULL;
        guest->store = NULL;
        guest->wasi = NULL;
        guest->instance = NULL;
        guest->entry = NULL;
        wrt_partition_trim(guest->partition); /* it may stay stopped */
    }
}

void wrt_guest_close(struct wrt_guest *guest)
{
    struct wrt_partition_guard guard;
    if (wrt_partition_guard_enter(&guard, guest->partition) != WRT_OK)
        return; /* stays as it is; unloading then reports it */
    if (wrt_guest_is_remote(guest->config))
        wrt_remote_close(guest);
    else
        close_store(guest);
    guest->step = WRT_GUEST_CLOSED;
    guest->in_call = false;
    guest->fuel_seen = 0;
    wrt_partition_guard_leave(&guard);
}

/* ---- the trial ---- */

static enum wrt_status missing_import(const struct wrt_module_import *import,
                                      struct wrt_error *error)
{
    char module[33], name[33], shown_module[48], shown_name[48];
    snprintf(module, sizeof module, "%.*s", (int)(import->module.size_bytes & 0x7FFFFFFF),
             (const char *)import->module.data);
    snprintf(name, sizeof name, "%.*s", (int)(import->name.size_bytes & 0x7FFFFFFF),
             (const char *)import->name.data);
    return wrt_fail(error, WRT_ERR_UNLINKABLE, "nothing provides the import %s.%s",
                    wrt_show(shown_module, sizeof shown_module, module),
                    wrt_show(shown_name, sizeof shown_name, name));
}

static enum wrt_status find_imports(struct wrt_guest *guest, struct wrt_extern *imports,
                                    uint32_t count, struct wrt_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        struct wrt_module_import import;
        enum wrt_status status = wrt_module_get_import(guest->module, i, &import);
        if (status != WRT_OK)
            return status;
        if (!wrt_store_find(guest->store, import.module, import.name, &imports[i]))
            return missing_import(&import, error);
    }
    return WRT_OK;
}

static enum wrt_status instantiate_only(struct wrt_guest *guest, struct wrt_error *error)
{
    struct wrt_module_info info;
    wrt_module_get_info(guest->module, &info);
    const size_t bytes = (info.import_count + (size_t)1) * sizeof(struct wrt_extern);
    void *imports;
    enum wrt_status status = wrt_partition_allocate(guest->partition, WRT_CHARGE_LOAD, bytes, 0,
                                                    &imports, error);
    if (status != WRT_OK)
        return status;
    status = find_imports(guest, imports, info.import_count, error);
    if (status == WRT_OK)
        status = wrt_store_instantiate_with(guest->store, guest->module, imports,
                                            info.import_count, true, &guest->instance, error);
    wrt_partition_free(guest->partition, WRT_CHARGE_LOAD, imports, bytes);
    return status;
}

static enum wrt_status try_open(struct wrt_guest *guest, bool is_cyclic, struct wrt_error *error)
{
    if (wrt_guest_is_remote(guest->config))
        return wrt_remote_open(guest, error);
    enum wrt_status status = open_store(guest, error);
    if (status == WRT_OK)
        status = instantiate_only(guest, error);
    if (status == WRT_OK)
        status = find_entry(guest, is_cyclic, error);
    return status;
}

enum wrt_status wrt_guest_trial(struct wrt_guest *guest, bool is_cyclic, uint64_t *out_bytes,
                                struct wrt_error *error)
{
    struct wrt_partition_guard guard;
    struct wrt_partition_info info;
    enum wrt_status status = wrt_partition_guard_enter(&guard, guest->partition);
    if (status != WRT_OK)
        return wrt_fail(error, status, "partition %s cannot be entered", guest->config->name);
    status = try_open(guest, is_cyclic, error);
    wrt_partition_get_info(guest->partition, &info);
    *out_bytes = info.used_bytes;
    wrt_partition_guard_leave(&guard);
    wrt_guest_close(guest);
    return status;
}

/* ---- turns ---- */

static void count_fuel(struct wrt_guest *guest)
{
    uint64_t used = wrt_store_fuel_used(guest->store);
    guest->fuel_total += used - guest->fuel_seen;
    guest->fuel_seen = used;
}

/* Fuel and deadline are per activation, and for instantiation and initialisation too. */
static void grant(struct wrt_guest *guest, uint64_t now_ns)
{
    const struct wrt_tenant_config *config = guest->config;
    guest->activation_deadline_ns =
        config->deadline_us == 0 ? 0 : now_ns + config->deadline_us * 1000;
    if (guest->store == NULL)
        return;
    wrt_store_set_fuel(guest->store, config->fuel == 0 ? UINT64_MAX : config->fuel);
    guest->fuel_seen = 0;
}

static void limit_turn(struct wrt_guest *guest, uint64_t until_ns)
{
    uint64_t most = guest->activation_deadline_ns;
    wrt_store_set_deadline(guest->store, most != 0 && most < until_ns ? most : until_ns);
}

void wrt_guest_drop(struct wrt_guest *guest)
{
    enum wrt_status status;
    WRT_PARTITION_SCOPE(guard, guest->partition, &status);
    if (status != WRT_OK)
        return; /* the next turn fails for the same reason */
    if (guest->in_call && guest->store != NULL)
        wrt_store_drop(guest->store);
    if (guest->in_call && guest->worker != NULL && wrt_remote_drop(guest) != WRT_OK)
        return; /* its process ended or hangs: the next turn finds out */
    guest->in_call = false;
    if (guest->step == WRT_GUEST_ACTIVE)
        guest->step = WRT_GUEST_IDLE;
}

/* A pause is a limit of the activation, or just the end of the turn. */
static enum wrt_guest_outcome paused(struct wrt_guest *guest, struct wrt_error *error)
{
    enum wrt_pause_reason reason = wrt_store_pause_reason(guest->store);
    bool is_late = reason == WRT_PAUSE_DEADLINE && guest->activation_deadline_ns != 0 &&
                   wrt_time_now_ns() >= guest->activation_deadline_ns;
    guest->in_call = true;
    if (reason != WRT_PAUSE_FUEL && !is_late)
        return WRT_GUEST_YIELDED;
    wrt_guest_drop(guest);
    if (is_late)
        wrt_fail(error, WRT_ERR_TIMEOUT, "it ran past its deadline of %" PRIu64 " us",
                 guest->config->deadline_us);
    else
        wrt_fail(error, WRT_ERR_LIMIT, "it used up its fuel of %" PRIu64, guest->config->fuel);
    return WRT_GUEST_LIMITED;
}

/* What a call's status means; done: what it means that the call returned. */
static enum wrt_guest_outcome outcome_of(struct wrt_guest *guest, enum wrt_status status,
                                         enum wrt_guest_outcome done, struct wrt_error *error)
{
    guest->in_call = false;
    if (guest->store != NULL)
        count_fuel(guest);
    switch (status) {
    case WRT_OK: return done;
    case WRT_PAUSED: return paused(guest, error);
    case WRT_EXITED:
        if (wrt_store_exit_code(guest->store) == 0)
            return WRT_GUEST_ENDED;
        wrt_fail(error, WRT_EXITED, "it exited with %" PRIu32,
                 wrt_store_exit_code(guest->store));
        return WRT_GUEST_FAILED;
    case WRT_ERR_TRAP:
        wrt_fail(error, status, "trap: %s", wrt_store_trap(guest->store)->text);
        return WRT_GUEST_FAILED;
    default:
        if (error->status != status)
            wrt_fail(error, status, "%s", wrt_status_text(status));
        return WRT_GUEST_FAILED;
    }
}

static enum wrt_guest_outcome instantiate(struct wrt_guest *guest, bool is_cyclic,
                                          uint64_t until_ns, struct wrt_error *error)
{
    enum wrt_status status;
    limit_turn(guest, until_ns);
    if (guest->in_call)
        status = wrt_store_resume(guest->store, NULL, 0);
    else
        status = wrt_store_instantiate(guest->store, guest->module, &guest->instance, error);
    enum wrt_guest_outcome outcome = outcome_of(guest, status, WRT_GUEST_FINISHED, error);
    if (outcome != WRT_GUEST_FINISHED)
        return outcome;
    guest->step = WRT_GUEST_INITIALIZE;
    return find_entry(guest, is_cyclic, error) == WRT_OK ? WRT_GUEST_YIELDED : WRT_GUEST_FAILED;
}

static enum wrt_guest_outcome initialize(struct wrt_guest *guest, uint64_t now_ns,
                                         uint64_t until_ns, struct wrt_error *error)
{
    struct wrt_function *function = NULL;
    enum wrt_status status = WRT_OK;
    if (!guest->in_call)
        grant(guest, now_ns);
    limit_turn(guest, until_ns);
    if (guest->in_call)
        status = wrt_store_resume(guest->store, NULL, 0);
    else if (find_call(guest, "_initialize", &function))
        status = wrt_function_call(guest->store, function, NULL, 0, NULL, 0);
    enum wrt_guest_outcome outcome = outcome_of(guest, status, WRT_GUEST_READY, error);
    if (outcome == WRT_GUEST_READY)
        guest->step = WRT_GUEST_IDLE;
    return outcome;
}

static enum wrt_guest_outcome activate(struct wrt_guest *guest, uint64_t now_ns,
                                       uint64_t until_ns, struct wrt_error *error)
{
    enum wrt_status status;
    if (guest->step == WRT_GUEST_IDLE)
        grant(guest, now_ns);
    guest->step = WRT_GUEST_ACTIVE;
    limit_turn(guest, until_ns);
    if (guest->in_call)
        status = wrt_store_resume(guest->store, NULL, 0);
    else
        status = wrt_function_call_slots(guest->store, guest->entry, NULL, 0, NULL, 0);
    enum wrt_guest_outcome outcome = outcome_of(guest, status, WRT_GUEST_FINISHED, error);
    if (outcome == WRT_GUEST_FINISHED)
        guest->step = WRT_GUEST_IDLE;
    return outcome;
}

static enum wrt_guest_outcome open_guest(struct wrt_guest *guest, uint64_t now_ns,
                                         struct wrt_error *error)
{
    __atomic_store_n(&guest->heartbeat_ns, now_ns, __ATOMIC_RELAXED);
    if (open_store(guest, error) != WRT_OK)
        return WRT_GUEST_FAILED;
    guest->step = WRT_GUEST_INSTANTIATE;
    grant(guest, now_ns);
    return WRT_GUEST_YIELDED;
}

static enum wrt_guest_outcome run_step(struct wrt_guest *guest, bool is_cyclic, uint64_t now_ns,
                                       uint64_t until_ns, struct wrt_error *error)
{
    switch (guest->step) {
    case WRT_GUEST_CLOSED: return open_guest(guest, now_ns, error);
    case WRT_GUEST_INSTANTIATE: return instantiate(guest, is_cyclic, until_ns, error);
    case WRT_GUEST_INITIALIZE: return initialize(guest, now_ns, until_ns, error);
    case WRT_GUEST_IDLE:
    case WRT_GUEST_ACTIVE: break;
    }
    return activate(guest, now_ns, until_ns, error);
}

enum wrt_guest_outcome wrt_guest_run(struct wrt_guest *guest, bool is_cyclic, uint64_t now_ns,
                                     uint64_t until_ns, struct wrt_error *error)
{
    struct wrt_partition_guard guard;
    enum wrt_status status = wrt_partition_guard_enter(&guard, guest->partition);
    if (status != WRT_OK) {
        wrt_fail(error, status, "its partition cannot be entered: %s", wrt_status_text(status));
        return WRT_GUEST_FAILED;
    }
    enum wrt_guest_outcome outcome =
        wrt_guest_is_remote(guest->config)
            ? wrt_remote_run(guest, is_cyclic, now_ns, until_ns, error)
            : run_step(guest, is_cyclic, now_ns, until_ns, error);
    wrt_partition_guard_leave(&guard);
    return outcome;
}

void wrt_guest_interrupt(struct wrt_guest *guest)
{
    /* The flag lies in the store, which may be sealed: its lane is not inside at every moment. */
    enum wrt_status status;
    WRT_PARTITION_SCOPE(guard, guest->partition, &status);
    if (status != WRT_OK)
        return; /* the turn ends with its slice */
    if (guest->worker != NULL)
        wrt_remote_interrupt(guest);
    else if (guest->store != NULL)
        wrt_store_interrupt(guest->store);
}
