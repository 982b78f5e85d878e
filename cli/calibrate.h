/* cli/calibrate.h - the table of times that `wrt calibrate` writes and `wrt bound` reads.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CLI_CALIBRATE_H
#define CLI_CALIBRATE_H

#include "bound.h"

/* Reads a table; every class must be there. Returns an exit code, after printing a sentence
 * unless it is CLI_EXIT_OK. */
int cli_read_times(const char *path, struct bound_times *out);

#endif
