/* cli/inspect.c - `wrt inspect`: what is in a module, and what it will cost.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The footprint is measured, not estimated: the module is loaded and instantiated exactly as
 * `wrt run` does it, with stand-ins for imports that WASI does not provide and without the
 * start function, and the partition's own accounts are printed.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "session.h"

static const char *const kind_names[] = {"function", "table", "memory", "global", "tag"};

static void print_limits(const struct wrt_limits *limits, const char *unit)
{
    printf("%" PRIu64, limits->minimum);
    if (limits->has_maximum)
        printf(" to %" PRIu64, limits->maximum);
    else
        fputs(" or more", stdout);
    printf(" %s", unit);
}

static void print_type(const struct wrt_extern_type *type)
{
    switch (type->kind) {
    case WRT_EXTERN_FUNCTION: cli_print_function_type(stdout, &type->function); break;
    case WRT_EXTERN_TABLE:
        print_limits(&type->table.limits, wrt_value_type_name(type->table.element));
        fputs(type->table.is_64 ? ", 64-bit indexes" : "", stdout);
        break;
    case WRT_EXTERN_MEMORY:
        print_limits(&type->memory.limits, "pages");
        printf(" of %" PRIu64 " bytes%s", type->memory.page_bytes,
               type->memory.is_64 ? ", 64-bit addresses" : "");
        break;
    case WRT_EXTERN_GLOBAL:
        printf("%s%s", type->global.is_mutable ? "mutable " : "",
               wrt_value_type_name(type->global.content));
        break;
    case WRT_EXTERN_TAG: cli_print_function_type(stdout, &type->tag); break;
    }
}

/* A heading, once, before the first line of a section. */
static void heading(const char *text, uint32_t index)
{
    if (index == 0)
        printf("%s\n", text);
}

static void print_function_types(const struct wrt_module *module)
{
    struct wrt_function_type type;
    for (uint32_t i = 0; wrt_module_get_type(module, i, &type) == WRT_OK; i++) {
        heading("types", i);
        printf("  %-4" PRIu32 " ", i);
        cli_print_function_type(stdout, &type);
        putchar('\n');
    }
}

static void print_imports(const struct wrt_module *module)
{
    struct wrt_module_import import;
    for (uint32_t i = 0; wrt_module_get_import(module, i, &import) == WRT_OK; i++) {
        heading("imports", i);
        printf("  %-8s ", kind_names[import.type.kind]);
        cli_print_bytes(stdout, import.module);
        putchar('.');
        cli_print_bytes(stdout, import.name);
        fputs(": ", stdout);
        print_type(&import.type);
        putchar('\n');
    }
}

static void print_exports(const struct wrt_module *module)
{
    struct wrt_module_export export;
    for (uint32_t i = 0; wrt_module_get_export(module, i, &export) == WRT_OK; i++) {
        heading("exports", i);
        printf("  %-8s ", kind_names[export.type.kind]);
        cli_print_bytes(stdout, export.name);
        printf(" = %" PRIu32 ": ", export.index);
        print_type(&export.type);
        putchar('\n');
    }
}

static void print_items(const struct wrt_module *module, enum wrt_extern_kind kind,
                        const char *title)
{
    struct wrt_extern_type type;
    for (uint32_t i = 0; wrt_module_get_item(module, kind, i, &type) == WRT_OK; i++) {
        heading(title, i);
        printf("  %-4" PRIu32 " ", i);
        print_type(&type);
        putchar('\n');
    }
}

static void print_features(uint64_t features)
{
    fputs("features beyond WebAssembly 1.0:", stdout);
    for (int bit = 0; bit < 64; bit++)
        if (features >> bit & 1)
            printf(" %s", wrt_feature_name((enum wrt_feature)bit));
    puts(features == 0 ? " none" : "");
}

static void print_customs(const struct wrt_module *module)
{
    struct wrt_module_custom custom;
    for (uint32_t i = 0; wrt_module_get_custom(module, i, &custom) == WRT_OK; i++) {
        heading("custom sections", i);
        fputs("  ", stdout);
        cli_print_bytes(stdout, custom.name);
        printf(": %" PRIu64 " bytes at byte %" PRIu64 "\n", custom.size_bytes, custom.byte_offset);
    }
}

static void print_producers(const struct wrt_module *module)
{
    struct wrt_module_producer producer;
    for (uint32_t i = 0; wrt_module_get_producer(module, i, &producer) == WRT_OK; i++) {
        heading("producers", i);
        fputs("  ", stdout);
        cli_print_bytes(stdout, producer.field);
        fputs(": ", stdout);
        cli_print_bytes(stdout, producer.name);
        putchar(' ');
        cli_print_bytes(stdout, producer.version);
        putchar('\n');
    }
}

static void print_branch_hints(const struct wrt_module *module)
{
    struct wrt_module_branch_hint hint;
    for (uint32_t i = 0; wrt_module_get_branch_hint(module, i, &hint) == WRT_OK; i++) {
        heading("branch hints", i);
        printf("  function %" PRIu32 ", byte %" PRIu32 ": %s\n", hint.function, hint.byte_offset,
               hint.is_likely ? "likely" : "unlikely");
    }
}

static void print_start(const struct wrt_module *module, const struct wrt_module_info *info)
{
    if (!info->has_start)
        return;
    printf("start: function %" PRIu32 " ", info->start_function);
    cli_print_bytes(stdout, wrt_module_function_name(module, info->start_function));
    putchar('\n');
}

static void print_module(const char *file, const struct wrt_module *module)
{
    struct wrt_module_info info;
    wrt_module_get_info(module, &info);
    printf("%s: %" PRIu64 " bytes\n", file, info.module_bytes);
    printf("functions: %" PRIu32 ", %" PRIu32 " imported; %" PRIu64
           " bytes translated, largest frame %" PRIu32 " slots\n",
           info.function_count, info.imported_function_count, info.code_bytes,
           info.largest_frame_slots);
    printf("segments: %" PRIu32 " data, %" PRIu32 " element\n", info.data_segment_count,
           info.element_segment_count);
    print_start(module, &info);
    print_features(info.features);
    print_function_types(module);
    print_imports(module);
    print_exports(module);
    print_items(module, WRT_EXTERN_MEMORY, "memories");
    print_items(module, WRT_EXTERN_TABLE, "tables");
    print_items(module, WRT_EXTERN_GLOBAL, "globals");
    print_customs(module);
    print_producers(module);
    print_branch_hints(module);
}

/* ---- footprint ---- */

static enum wrt_status stand_in_call(struct wrt_caller *caller, void *context,
                                     const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)context;
    (void)arguments;
    (void)results;
    return wrt_caller_trap(caller, "a stand-in was called");
}

static enum wrt_status stand_in(struct wrt_store *store, const struct wrt_extern_type *type,
                                struct wrt_extern *out, struct wrt_error *error)
{
    const union wrt_slot zero = {.i64 = 0};
    out->kind = type->kind;
    switch (type->kind) {
    case WRT_EXTERN_FUNCTION:
        return wrt_function_create(store, &type->function, stand_in_call, NULL, &out->of.function,
                                   error);
    case WRT_EXTERN_TABLE:
        return wrt_table_create(store, &type->table, zero, &out->of.table, error);
    case WRT_EXTERN_MEMORY: return wrt_memory_create(store, &type->memory, &out->of.memory, error);
    case WRT_EXTERN_GLOBAL:
        return wrt_global_create(store, &type->global, zero, &out->of.global, error);
    case WRT_EXTERN_TAG: return wrt_tag_create(store, &type->tag, &out->of.tag, error);
    }
    return WRT_ERR_ARGUMENT;
}

/* What WASI defines as `run` would link it, stand-ins for the rest. */
static enum wrt_status fill_imports(struct cli_session *session, struct wrt_extern *imports,
                                    struct wrt_error *error)
{
    struct wrt_module_import import;
    enum wrt_status status = WRT_OK;
    for (uint32_t i = 0; wrt_module_get_import(session->module, i, &import) == WRT_OK; i++) {
        if (wrt_store_find(session->store, import.module, import.name, &imports[i]))
            continue;
        status = stand_in(session->store, &import.type, &imports[i], error);
        if (status != WRT_OK)
            break;
    }
    return status;
}

static enum wrt_status instantiate_without_start(struct cli_session *session,
                                                 struct wrt_error *error)
{
    struct wrt_module_info info;
    wrt_module_get_info(session->module, &info);
    struct wrt_extern *imports = calloc(info.import_count + (size_t)1, sizeof *imports);
    if (imports == NULL)
        return WRT_ERR_NO_MEMORY;
    enum wrt_status status = fill_imports(session, imports, error);
    uint64_t start_ns = wrt_time_now_ns();
    if (status == WRT_OK)
        status = wrt_store_instantiate_with(session->store, session->module, imports,
                                            info.import_count, true, &session->instance, error);
    cli_session_instantiated(session, start_ns);
    free(imports);
    return status;
}

/* ---- the command ---- */

enum option { OPTION_FOOTPRINT, OPTION_STACK };

static const struct cli_option options[] = {
    [OPTION_FOOTPRINT] = {"footprint", "[=json]",
                          "print the bytes that loading and instantiating take"},
    [OPTION_STACK] = {"stack", "BYTES", "for --footprint: the stack that run would be given"},
    {0}};

struct inspect_options {
    struct cli_session_config session;
    bool footprint, json;
};

static bool set_option(struct inspect_options *inspect, int option, const char *value)
{
    switch ((enum option)option) {
    case OPTION_FOOTPRINT:
        inspect->footprint = true;
        inspect->json = value != NULL;
        return value == NULL || strcmp(value, "json") == 0;
    case OPTION_STACK:
        return cli_parse_size(value, &inspect->session.stack_bytes) &&
               inspect->session.stack_bytes != 0;
    }
    return false;
}

static int footprint(struct cli_session *session, bool json)
{
    struct wrt_error error = {0};
    enum wrt_status status = instantiate_without_start(session, &error);
    if (status != WRT_OK)
        return cli_fail_status(session->config->file, status, &error);
    cli_print_footprint(&session->instantiated, json);
    return CLI_EXIT_OK;
}

/* What --footprint leaves out here: the store and WASI cost nothing to describe a module. */
static int describe(const struct cli_session_config *config)
{
    struct wrt_error error = {0};
    struct cli_session session = {.config = config};
    enum wrt_status status = wrt_partition_create(NULL, NULL, &session.partition, &error);
    if (status != WRT_OK)
        return cli_fail_status("partition", status, &error);
    int code = CLI_EXIT_OK;
    if (strcmp(config->file, "-") != 0)
        code = cli_native_inspect(config->file, session.partition, &session.module);
    if (code == CLI_EXIT_OK && session.module == NULL)
        code = cli_load(session.partition, config->file, NULL, &session.module);
    if (code == CLI_EXIT_OK)
        print_module(config->file, session.module);
    int closing = cli_session_close(&session);
    return code != CLI_EXIT_OK ? code : closing;
}

static int measure(const struct inspect_options *inspect)
{
    struct cli_session session;
    int code = cli_session_open(&session, &inspect->session);
    if (code == CLI_EXIT_OK)
        code = footprint(&session, inspect->json);
    int closing = cli_session_close(&session);
    return code != CLI_EXIT_OK ? code : closing;
}

static int inspect_command(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    static struct inspect_options inspect;
    int option;
    cli_session_defaults(&inspect.session);
    while ((option = cli_next_option(&parser)) >= 0)
        if (!set_option(&inspect, option, parser.value))
            return cli_fail(CLI_EXIT_USAGE, "--%s takes %s, not '%s'", options[option].name,
                            options[option].argument, parser.value);
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (argc - parser.next != 1)
        return cli_fail(CLI_EXIT_USAGE, "inspect takes one file, %d were given",
                        argc - parser.next);
    cli_session_set_program(&inspect.session, 1, argv + parser.next);
    return inspect.footprint ? measure(&inspect) : describe(&inspect.session);
}

const struct cli_command cli_inspect = {
    "inspect", "[options] FILE", "Prints what is in a module, or what it will cost; runs nothing.",
    options, inspect_command};
