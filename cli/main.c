/* cli/main.c - picks the command; help, version, and how errors look.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct cli_command *const commands[] = {&cli_run, &cli_resume, &cli_profile_command,
                                                     &cli_inspect, &cli_validate, &cli_bound,
                                                     &cli_calibrate, &cli_verify_levels,
                                                     &cli_compile,
                                                     &cli_doctor, &cli_qnx_selftest,
                                                     &cli_serve, &cli_check, &cli_status,
                                                     &cli_top, &cli_events, &cli_stop,
                                                     &cli_restart, &cli_reconfigure};
enum { COMMAND_COUNT = sizeof commands / sizeof commands[0] };

int cli_fail(enum cli_exit code, const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fputs("wrt: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    return (int)code;
}

enum cli_exit cli_exit_of(enum wrt_status status)
{
    switch (status) {
    case WRT_OK: return CLI_EXIT_OK;
    case WRT_ERR_ARGUMENT: return CLI_EXIT_USAGE;
    case WRT_ERR_MALFORMED: return CLI_EXIT_MALFORMED;
    case WRT_ERR_INVALID: return CLI_EXIT_INVALID;
    case WRT_ERR_UNLINKABLE: return CLI_EXIT_UNLINKABLE;
    case WRT_ERR_TRAP:
    case WRT_ERR_EXCEPTION: return CLI_EXIT_TRAP;
    case WRT_ERR_NO_MEMORY:
    case WRT_ERR_PARTITION_MAX:
    case WRT_ERR_LIMIT: return CLI_EXIT_MEMORY;
    case WRT_ERR_UNSUPPORTED: return CLI_EXIT_UNSUPPORTED;
    default: return CLI_EXIT_FAILED;
    }
}

int cli_fail_status(const char *subject, enum wrt_status status, const struct wrt_error *error)
{
    const char *text = error != NULL && error->text[0] != '\0' ? error->text
                                                               : wrt_status_text(status);
    if (error != NULL && error->has_offset)
        return cli_fail(cli_exit_of(status), "%s: %s (%s at byte %llu)", subject, text,
                        wrt_status_name(status), (unsigned long long)error->byte_offset);
    return cli_fail(cli_exit_of(status), "%s: %s (%s)", subject, text, wrt_status_name(status));
}

void cli_print_bytes(FILE *out, struct wrt_bytes bytes)
{
    for (size_t i = 0; i < bytes.size_bytes; i++) {
        uint8_t c = bytes.data[i];
        /* C1 controls are C2 80 .. C2 9F in UTF-8. */
        bool c1 = c == 0xC2 && i + 1 < bytes.size_bytes && bytes.data[i + 1] < 0xA0;
        if (c < 0x20 || c == 0x7F)
            fprintf(out, "\\x%02x", (unsigned)c);
        else if (c1)
            fprintf(out, "\\x%02x", (unsigned)bytes.data[++i]);
        else
            fputc(c, out);
    }
}

static void print_usage(void)
{
    puts("wrt " WRT_VERSION_STRING ": runs WebAssembly modules in memory partitions\n\n"
         "usage: wrt COMMAND [options] FILE [arguments...]\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        printf("  %-13s %s\n", commands[i]->name, commands[i]->summary);
    puts("  --version     print the version\n"
         "  --help        print this; after a command: its options\n\n"
         "exit status:");
#define PRINT_EXIT(name, code, meaning) printf("  %-4d %s\n", code, meaning);
    CLI_EXIT_LIST(PRINT_EXIT)
#undef PRINT_EXIT
    puts("  other codes are the guest's own");
}

static const struct cli_command *find_command(const char *name)
{
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2)
        return cli_fail(CLI_EXIT_USAGE, "no command given; wrt --help lists them");
    if (strcmp(argv[1], "--version") == 0) {
        printf("wrt %s\n", wrt_version());
        return CLI_EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage();
        return CLI_EXIT_OK;
    }
    const struct cli_command *command = find_command(argv[1]);
    if (command == NULL)
        return cli_fail(CLI_EXIT_USAGE, "there is no command '%s'; wrt --help lists them", argv[1]);
    return command->run(command, argc - 2, argv + 2);
}

int main(int argc, char **argv)
{
    int code = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout))
        return cli_fail(CLI_EXIT_FILE, "cannot write to standard output");
    return code;
}
