/* cli/session.c - partition, module, store and WASI of one program, in the order that both
 * `run` and `inspect --footprint` follow.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The next size in *text, which moves past it and one ':'. */
static bool take_size(const char **text, uint64_t *out)
{
    char part[32];
    size_t length = strcspn(*text, ":");
    if (length >= sizeof part)
        return false;
    memcpy(part, *text, length);
    part[length] = '\0';
    *text += length + ((*text)[length] == ':');
    return cli_parse_size(part, out);
}

bool cli_parse_memory(const char *text, struct wrt_partition_config *out)
{
    uint64_t min, max, reserved = 0;
    size_t last = strlen(text);
    if (strchr(text, ':') == NULL || text[last - 1] == ':')
        return false;
    if (!take_size(&text, &min) || !take_size(&text, &max))
        return false;
    if (*text != '\0' && (!take_size(&text, &reserved) || *text != '\0'))
        return false;
    out->min_bytes = min;
    out->max_bytes = max;
    out->reserved_bytes = reserved;
    return true;
}

void cli_session_defaults(struct cli_session_config *config)
{
    const struct wrt_wasi_stream inherit = {.kind = WRT_WASI_STREAM_INHERIT};
    *config = (struct cli_session_config){
        .partition = {.name = "guest"},
        .wasi = {.standard_input = inherit,
                 .standard_output = inherit,
                 .standard_error = inherit,
                 .clocks = WRT_WASI_CLOCK_ALL,
                 .random = WRT_WASI_RANDOM_SYSTEM}};
    config->wasi.directories = config->directories;
    config->wasi.environment = config->environment;
}

void cli_session_set_program(struct cli_session_config *config, int argc, char **argv)
{
    config->file = argv[0];
    config->wasi.arguments = (const char *const *)argv;
    config->wasi.argument_count = (uint32_t)argc;
}

static int feed_file(FILE *in, const char *file, struct wrt_module_loader *loader)
{
    static uint8_t chunk[65536];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, in)) > 0) {
        struct wrt_error error = {0};
        enum wrt_status status = wrt_module_feed(loader, chunk, got, &error);
        if (status != WRT_OK)
            return cli_fail_status(file, status, &error);
    }
    if (ferror(in))
        return cli_fail(CLI_EXIT_FILE, "cannot read %s: %s", file, strerror(errno));
    return CLI_EXIT_OK;
}

static int load_from(FILE *in, struct wrt_partition *partition, const char *file,
                     const struct wrt_module_config *config, struct wrt_module **out)
{
    struct wrt_error error = {0};
    struct wrt_module_loader *loader = NULL;
    enum wrt_status status = wrt_module_begin(partition, config, &loader, &error);
    if (status != WRT_OK)
        return cli_fail_status(file, status, &error);
    int code = feed_file(in, file, loader);
    if (code != CLI_EXIT_OK) {
        wrt_module_abort(loader);
        return code;
    }
    status = wrt_module_finish(loader, out, &error);
    return status == WRT_OK ? CLI_EXIT_OK : cli_fail_status(file, status, &error);
}

int cli_load(struct wrt_partition *partition, const char *file,
             const struct wrt_module_config *config, struct wrt_module **out)
{
    FILE *in = fopen(file, "rb");
    if (in == NULL)
        return cli_fail(CLI_EXIT_FILE, "cannot open %s: %s", file, strerror(errno));
    int code = load_from(in, partition, file, config, out);
    fclose(in);
    return code;
}

/* Whether any import asks for WASI. */
static bool imports_wasi(const struct wrt_module *module)
{
    static const char name[] = "wasi_snapshot_preview1";
    struct wrt_module_import import;
    for (uint32_t i = 0; wrt_module_get_import(module, i, &import) == WRT_OK; i++)
        if (import.module.size_bytes == sizeof name - 1 &&
            memcmp(import.module.data, name, sizeof name - 1) == 0)
            return true;
    return false;
}

static int open_wasi(struct cli_session *session)
{
    struct wrt_error error = {0};
    enum wrt_status status = wrt_wasi_create(session->partition, &session->config->wasi,
                                             &session->wasi, &error);
    if (status == WRT_ERR_NOT_FOUND || status == WRT_ERR_DENIED || status == WRT_ERR_IO)
        return cli_fail(CLI_EXIT_FILE, "%s (%s)", error.text, wrt_status_name(status));
    if (status == WRT_OK)
        status = wrt_wasi_define(session->store, session->wasi, &error);
    return status == WRT_OK ? CLI_EXIT_OK : cli_fail_status("WASI", status, &error);
}

static int open_oblivious(struct cli_session *session)
{
    struct wrt_error error = {0};
    enum wrt_status status =
        wrt_oblivious_host_create(session->partition, &session->oblivious, &error);
    if (status == WRT_OK)
        status = wrt_oblivious_host_define(session->store, session->oblivious, &error);
    return status == WRT_OK ? CLI_EXIT_OK : cli_fail_status("--oblivious", status, &error);
}

static int open_threads(struct cli_session *session)
{
    const struct cli_session_config *config = session->config;
    const struct wrt_threads_config threads = {.max_threads = config->max_threads,
                                               .fuel = config->fuel,
                                               .store = {.stack_bytes = config->stack_bytes}};
    struct wrt_error error = {0};
    enum wrt_status status = wrt_threads_create(session->store, session->module, session->wasi,
                                                &threads, &session->threads, &error);
    return status == WRT_OK ? CLI_EXIT_OK : cli_fail_status("--threads", status, &error);
}

/* Several threads use the partition if the guest may start some. */
static enum wrt_status open_partition(struct cli_session *session, struct wrt_error *error)
{
    const bool is_tagged = session->config->memory_tags;
    const struct wrt_arena_config arena = {
        .is_shared = session->config->max_threads != 0,
        .tags = is_tagged ? WRT_TAGGING_REQUIRED : WRT_TAGGING_OFF,
        .colour = session->config->colour};
    struct wrt_partition_config partition = session->config->partition;
    const enum wrt_status status =
        is_tagged ? wrt_hardware_set_tag_mode(WRT_TAG_MODE_SYNC) : WRT_OK;
    if (status != WRT_OK) {
        snprintf(error->text, sizeof error->text, "this machine has no memory tags");
        return status;
    }
    if (arena.is_shared || is_tagged || arena.colour.count != 0)
        partition.arena = &arena;
    return wrt_partition_create(NULL, &partition, &session->partition, error);
}

static int load_native(struct cli_session *session, const struct wrt_module_config *module)
{
    struct wrt_native_description what;
    struct wrt_error error = {0};
    struct wrt_module_config with = *module;
    with.native = wrt_native_get_object(session->native);
    wrt_native_describe(with.native, &what);
    const enum wrt_status status = wrt_module_load(session->partition, &with, what.module.data,
                                                   what.module.size_bytes, &session->module,
                                                   &error);
    return status == WRT_OK ? CLI_EXIT_OK
                            : cli_fail_status(session->config->file, status, &error);
}

static int load_module(struct cli_session *session, const struct wrt_module_config *module)
{
    const struct cli_session_config *config = session->config;
    struct wrt_error error = {0};
    if (session->native != NULL)
        return load_native(session, module);
    if (config->module.data == NULL)
        return cli_load(session->partition, config->file, module, &session->module);
    const enum wrt_status status =
        wrt_module_load(session->partition, module, config->module.data,
                        config->module.size_bytes, &session->module, &error);
    return status == WRT_OK ? CLI_EXIT_OK : cli_fail_status(config->file, status, &error);
}

int cli_session_open(struct cli_session *session, const struct cli_session_config *config)
{
    struct wrt_error error = {0};
    *session = (struct cli_session){.config = config};
    enum wrt_status status = open_partition(session, &error);
    if (status != WRT_OK)
        return cli_fail_status("partition", status, &error);

    struct wrt_module_config module = {.canonical_nan = config->canonical_nan,
                                       .deterministic = config->deterministic,
                                       .index_masking = config->index_masking,
                                       .features_off = config->features_off,
                                       .instrument = config->profile != NULL};
    uint64_t start_ns = wrt_time_now_ns();
    int code = cli_native_open(config, session->partition, &session->native);
    if (code == CLI_EXIT_OK)
        code = load_module(session, &module);
    if (code != CLI_EXIT_OK)
        return code;
    session->load_ns = wrt_time_now_ns() - start_ns;

    struct wrt_store_config store = {
        .stack_bytes = config->stack_bytes,
        .pages.tags = config->memory_tags ? WRT_TAGGING_REQUIRED : WRT_TAGGING_OFF,
        .pages.colour = config->colour};
    status = wrt_store_create(session->partition, &store, &session->store, &error);
    if (status != WRT_OK)
        return cli_fail_status(config->file, status, &error);
    if (imports_wasi(session->module))
        code = open_wasi(session);
    if (code == CLI_EXIT_OK && config->has_oblivious)
        code = open_oblivious(session);
    return code == CLI_EXIT_OK && config->max_threads != 0 ? open_threads(session) : code;
}

void cli_session_instantiated(struct cli_session *session, uint64_t start_ns)
{
    session->instantiate_ns = wrt_time_now_ns() - start_ns;
    wrt_partition_get_info(session->partition, &session->instantiated);
}

int cli_session_close(struct cli_session *session)
{
    struct wrt_error error = {0};
    wrt_threads_destroy(session->threads);
    enum wrt_status status = wrt_store_destroy(session->store);
    if (status == WRT_OK)
        wrt_wasi_destroy(session->wasi);
    if (status == WRT_OK)
        wrt_oblivious_host_destroy(session->oblivious);
    if (status == WRT_OK)
        status = wrt_module_destroy(session->module);
    if (status == WRT_OK)
        wrt_native_close(session->native);
    if (status == WRT_OK && session->partition != NULL)
        status = wrt_partition_destroy(session->partition, &error);
    *session = (struct cli_session){0};
    return status == WRT_OK ? CLI_EXIT_OK : cli_fail_status("closing", status, &error);
}
