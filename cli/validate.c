/* cli/validate.c - `wrt validate`: decode and validate, nothing else.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "session.h"

static int validate(const char *file, const struct wrt_module_config *config)
{
    struct wrt_error error = {0};
    struct wrt_partition *partition = NULL;
    struct wrt_module *module = NULL;
    enum wrt_status status = wrt_partition_create(NULL, NULL, &partition, &error);
    if (status != WRT_OK)
        return cli_fail_status("partition", status, &error);
    int code = cli_load(partition, file, config, &module);
    status = wrt_module_destroy(module);
    if (status == WRT_OK)
        status = wrt_partition_destroy(partition, &error);
    if (code == CLI_EXIT_OK && status != WRT_OK)
        code = cli_fail_status("closing", status, &error);
    if (code == CLI_EXIT_OK)
        printf("%s: valid\n", file);
    return code;
}

enum option { OPTION_FEATURES, OPTION_WITHOUT };

static const struct cli_option options[] = {
    [OPTION_FEATURES] = {"features", "NAME,...|none", "allow no other feature"},
    [OPTION_WITHOUT] = {"without", "NAME,...", "refuse these features"},
    {0}};

static bool set_option(struct wrt_module_config *config, int option, const char *value)
{
    return option == OPTION_FEATURES ? cli_features_only(value, &config->features_off)
                                     : cli_features_without(value, &config->features_off);
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    struct wrt_module_config config = {0};
    int option;
    while ((option = cli_next_option(&parser)) >= 0)
        if (!set_option(&config, option, parser.value))
            return cli_fail(CLI_EXIT_USAGE, "--%s takes %s, not '%s'", options[option].name,
                            options[option].argument, parser.value);
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (argc - parser.next != 1)
        return cli_fail(CLI_EXIT_USAGE, "validate takes one file, %d were given",
                        argc - parser.next);
    return validate(argv[parser.next], &config);
}

const struct cli_command cli_validate = {
    "validate", "[options] FILE", "Decodes and validates a module; runs nothing.", options, run};
