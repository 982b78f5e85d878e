/* cli/no_supervise/ask.c - the commands that ask a running supervisor, where it has no socket.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

static int refuse(const struct cli_command *command, int argc, char **argv)
{
    (void)argc, (void)argv;
    return cli_fail(CLI_EXIT_UNSUPPORTED, "%s: this build has no control socket (it needs Linux and "
                    "cJSON)", command->name);
}

static const struct cli_option no_options[] = {{0}};

#define COMMAND(name)                                                                   \
    const struct cli_command cli_##name = {#name, "...", "Not in this build.", no_options, refuse};
COMMAND(status)
COMMAND(top)
COMMAND(events)
COMMAND(stop)
COMMAND(restart)
COMMAND(reconfigure)
