/* cli/validate.c - `wrt validate`: decode and validate, nothing else.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session.h"

static int validate(const char *file)
{
    struct wrt_error error = {0};
    struct wrt_partition *partition = NULL;
    struct wrt_module *module = NULL;
    enum wrt_status status = wrt_partition_create(NULL, NULL, &partition, &error);
    if (status != WRT_OK)
        return cli_fail_status("partition", status, &error);
    int code = cli_load(partition, file, NULL, &module);
    status = wrt_module_destroy(module);
    if (status == WRT_OK)
        status = wrt_partition_destroy(partition, &error);
    if (code == CLI_EXIT_OK && status != WRT_OK)
        code = cli_fail_status("closing", status, &error);
    if (code == CLI_EXIT_OK)
        printf("%s: valid\n", file);
    return code;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    int option = cli_next_option(&parser);
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (argc - parser.next != 1)
        return cli_fail(CLI_EXIT_USAGE, "validate takes one file, %d were given",
                        argc - parser.next);
    return validate(argv[parser.next]);
}

static const struct cli_option options[] = {{0}};

const struct cli_command cli_validate = {
    "validate", "FILE", "Decodes and validates a module; runs nothing.", options, run};
