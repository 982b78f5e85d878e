/* tests/port/fault.h - makes one call of the port fail, and counts what is still taken.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A test that links wrt_port_fault (see tests/README.md) runs on the shipping objects: the
 * linker sends the runtime's calls of the port through wrappers (ld --wrap), so there is
 * neither a function pointer nor a build flag in the code under test.
 */
#ifndef TESTS_PORT_FAULT_H
#define TESTS_PORT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* The nth wrapped call from now on (1 = the next) fails with a status that its contract
 * names, and changes nothing; 0 = no call fails. Resets the count. */
void port_fault_arm(uint64_t nth);

/* Did a call fail since port_fault_arm? And which one: "wrt_port_commit"; NULL = none. */
bool port_fault_fired(void);
const char *port_fault_name(void);

/* Wrapped calls since port_fault_arm. */
uint64_t port_fault_calls(void);

/* For wrappers that a test adds: counts a call, and says whether it is the one to fail. */
bool port_fault_must_fail(const char *name);

/* What was taken from the system and not given back, since the start of the program. */
struct port_taken {
    int64_t reservations, reserved_bytes;
    int64_t heap_blocks;
    int64_t objects;
    int64_t mutexes;
    int64_t threads;
};
struct port_taken port_fault_taken(void);

#endif
