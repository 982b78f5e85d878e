/* cli/profile.h - `wrt profile`: where a guest spends its instructions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_PROFILE_H
#define CLI_PROFILE_H

#include "session.h"

/* What is asked for. */
struct cli_profile_config {
    const char *output;   /* prefix of .folded and .html; NULL: the file's name without .wasm */
    uint64_t sample;      /* fuel between two samples of the stack */
    const char *coverage; /* NULL, or the file for line counts in lcov's form */
    const char *trace;    /* NULL, or the file for host calls, a line each */
};

struct cli_profile;

/* NULL, after a sentence, if a file cannot be written. */
struct cli_profile *cli_profile_open(const struct cli_profile_config *config);

/* Makes a call in slices of fuel and samples the stack between them. `fuel` in total. */
enum wrt_status cli_profile_call(struct cli_profile *profile, const struct cli_session *session,
                                 struct wrt_function *function,
                                 const struct wrt_function_type *type,
                                 const struct wrt_value *arguments, struct wrt_value *results);

/* Prints the tables on standard error and writes the files; returns an exit code. */
int cli_profile_write(struct cli_profile *profile, const struct cli_session *session);
void cli_profile_close(struct cli_profile *profile);

/* ---- flame.c: a page of its own ---- */

struct cli_stack_count {
    char *stack; /* "main;parse;read": outermost first */
    uint64_t weight;
};
/* `stacks` in ascending order. False: the file could not be written. */
bool cli_write_flame_graph(FILE *out, const char *title, const struct cli_stack_count *stacks,
                           size_t count);

/* ---- coverage.c: DWARF line tables ---- */

/* How often the code at a byte of the module was executed, for all bytes in ascending order. */
struct cli_byte_count {
    uint64_t byte_offset;
    uint64_t count;
};
/* Writes lcov records for `file`, by source line where the module has a .debug_line section,
 * else by byte offset. Returns an exit code. */
int cli_write_coverage(const struct cli_session *session, const char *path,
                       const struct cli_byte_count *counts, size_t count);

#endif
