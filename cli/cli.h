/* cli/cli.h - what the files of the command line share: exit codes, errors, options.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The command line is the only part that reads argv, prints, or exits. Every command is a
 * function from arguments to an exit code; errors are one sentence on standard error, and
 * the code says which kind.
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wrt/wrt.h"

/* X(name, code, meaning). Codes from 240 on are ours, because guests rarely use them; the
 * guest's own exit code passes through (above 255: as 255). Documented in docs/cli.md. */
#define CLI_EXIT_LIST(X)                                                              \
    X(OK, 0, "success, or the guest returned or exited with 0")                       \
    X(INTERRUPTED, 130, "an interrupt from the keyboard stopped the guest")           \
    X(USAGE, 240, "unknown command or option, or a bad or missing argument")          \
    X(FILE, 241, "a file or folder cannot be opened, read or written")                \
    X(MALFORMED, 242, "the file is not a WebAssembly module")                         \
    X(INVALID, 243, "the module does not validate")                                   \
    X(UNLINKABLE, 244, "an import is missing or has another type")                    \
    X(TRAP, 245, "the guest trapped, or threw an exception that nothing caught")      \
    X(FUEL, 246, "the guest used up its fuel")                                        \
    X(DEADLINE, 247, "the guest ran past its deadline")                               \
    X(MEMORY, 248, "a limit or the system refused memory for loading or starting")    \
    X(EXPORT, 249, "the module has no such export, or its type does not fit the call") \
    X(UNSUPPORTED, 250, "this system or build cannot do that")                        \
    X(FAILED, 251, "anything else went wrong")                                        \
    X(MANIFEST, 252, "the manifest has errors, or what it asks for does not fit")

enum cli_exit {
#define CLI_EXIT_ENUM(name, code, meaning) CLI_EXIT_##name = (code),
    CLI_EXIT_LIST(CLI_EXIT_ENUM)
#undef CLI_EXIT_ENUM
};

/* Prints "wrt: sentence" on standard error and returns `code`. */
int cli_fail(enum cli_exit code, const char *format, ...) WRT_PRINTF(2, 3);

/* The exit code for a status that ended a command. */
enum cli_exit cli_exit_of(enum wrt_status status);

/* Prints what an API call reported about `subject` and returns the exit code for it. */
int cli_fail_status(const char *subject, enum wrt_status status, const struct wrt_error *error);

/* Writes a file whole: on any failure, and after a power cut, the old one is still there. */
int cli_keep_file(const char *file, const void *bytes, size_t size);

/* Prints bytes from a module so that no terminal obeys them: control characters as \xNN. */
void cli_print_bytes(FILE *out, struct wrt_bytes bytes);

/* ---- options ---- */

struct cli_option {
    const char *name;     /* without the dashes */
    const char *argument; /* NULL: none; "[...]": only after '=' */
    const char *help;
};

struct cli_command {
    const char *name, *arguments, *summary;
    const struct cli_option *options; /* ends with a NULL name */
    int (*run)(const struct cli_command *command, int argc, char **argv);
};

/* Walks options up to the first argument that is none, or past "--". */
struct cli_parser {
    const struct cli_command *command;
    int argc;
    char **argv;
    int next;
    char *value; /* of the option just returned, lies in argv; NULL if it has none */
};

enum { CLI_OPTIONS_END = -1, CLI_OPTIONS_BAD = -2, CLI_OPTIONS_HELP = -3 };

/* The index in command->options, or one of the above; BAD has printed its sentence. */
int cli_next_option(struct cli_parser *parser);

/* Counts: decimal digits only. Sizes: with K, M or G. False if anything else is there or
 * it does not fit. */
bool cli_parse_count(const char *text, uint64_t *out);
bool cli_parse_size(const char *text, uint64_t *out);

void cli_print_help(const struct cli_command *command);

extern const struct cli_command cli_run, cli_resume, cli_profile_command, cli_inspect, cli_validate,
    cli_verify_levels, cli_bound, cli_calibrate, cli_compile,
    cli_doctor, cli_qnx_selftest;
/* What runs and watches tenants: cli/supervise, or cli/no_supervise where it is not built. */
extern const struct cli_command cli_serve, cli_check, cli_status, cli_top, cli_events, cli_stop,
    cli_restart, cli_reconfigure;

#endif
