/* cli/frozen.h - a paused program as one file: what `run --snapshot-on-pause` writes and
 * `resume` reads.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   magic | how it was called | module | WASI | store | crc
 *
 * The module itself is in it, so the file is all that another machine needs. What the guest
 * may reach is not: folders, clocks and random numbers are granted anew by options.
 */
#ifndef CLI_FROZEN_H
#define CLI_FROZEN_H

#include "session.h"

/* Which call of a program is paused. */
enum cli_phase { CLI_PHASE_START, CLI_PHASE_INITIALIZE, CLI_PHASE_CALL, CLI_PHASE_COUNT };

struct cli_frozen {
    uint8_t *bytes; /* of the file; everything below points into it */
    char **strings; /* arguments, then variables, then the invoked export or nothing */
    enum cli_phase phase;
    uint32_t argument_count, environment_count;
    const char *invoke; /* NULL: _start */
    bool canonical_nan, deterministic;
    uint64_t stack_bytes, features_off, clock_resolution_ns;
    uint32_t clocks;
    enum wrt_wasi_random random;
    struct wrt_bytes module, wasi, store;
};

/* Writes the paused program of `session`. Both return an exit code, after a sentence unless
 * it is CLI_EXIT_OK; a file that could not be written whole is not left behind. */
int cli_freeze(const struct cli_session *session, const char *invoke, enum cli_phase phase,
               const char *file);
/* Reads `file` into *out, to be freed in any case. */
int cli_frozen_read(const char *file, struct cli_frozen *out);
void cli_frozen_free(struct cli_frozen *frozen);

/* Instantiates without the start function and restores. */
int cli_thaw(struct cli_session *session, const struct cli_frozen *frozen);

#endif
