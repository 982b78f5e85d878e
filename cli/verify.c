/* cli/verify.c - `wrt verify-levels`: the table of checks, from the code that uses it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

static void print_table(void)
{
    printf("%-10s %-11s %-9s %s\n", "room", "check", "from", "finds; costs (measured)");
    for (int check = 0; check < WRT_CHECK_COUNT; check++) {
        struct wrt_check_info info;

        if (wrt_check_get((enum wrt_check)check, &info) == WRT_OK)
            printf("%-10s %-11s %-9s %s; %s\n", info.room, info.name,
                   wrt_verification_level_name(info.level), info.text, info.cost);
    }
    puts("\nChecks of guest bytes and of callers' arguments run at every level.");
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    int option = cli_next_option(&parser);

    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (argc != parser.next)
        return cli_fail(CLI_EXIT_USAGE, "verify-levels takes no argument");
    print_table();
    return CLI_EXIT_OK;
}

static const struct cli_option options[] = {{0}};

const struct cli_command cli_verify_levels = {
    "verify-levels", "", "Prints which checks run at which level, and what they cost.", options,
    run};
