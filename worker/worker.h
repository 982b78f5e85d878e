/* worker/worker.h - shared by the files of the program wrt-tenant.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_WORKER_PROGRAM_H
#define WRT_WORKER_PROGRAM_H

#include "tenant/wire.h"

/* From here on only the listed system calls: memory, files that are open (and, if `may_open`,
 * opening beneath them), time, waiting, ending. Any other ends the process. False: this build or
 * kernel cannot. */
bool worker_filter_calls(bool may_open);

/* Gives up all that the system lets go of; enum wrt_port_confine bits in force. */
uint32_t worker_confine(const struct wire_config *config, const char *const *directories);

#endif
