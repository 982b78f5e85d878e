/* port/posix/posix.h - what port/linux and port/qnx share, and what each supplies for it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Code is here only where the two are really the same; what a system does its own way is a
 * function or a constant of the port, declared below. Files are in file_resolve.h.
 */
#ifndef WRT_PORT_POSIX_H
#define WRT_PORT_POSIX_H

#include <pthread.h>
#include <signal.h>

#include "port.h"

/* ---- what each port supplies ---- */

/* The status for an errno value. */
enum wrt_status wrt_posix_to_status(int error_number);

/* Of sigaction, for the fault handler: SA_SIGINFO | SA_NODEFER at least. */
extern const int wrt_posix_fault_flags;
/* Fills *out in the handler: address, instruction, read or write as far as it is known. */
void wrt_posix_describe_fault(const siginfo_t *info, void *context,
                              struct wrt_port_fault *out);
/* What the calling thread has opened by memory keys; and the same again after a jump out of a
 * handler. */
uint32_t wrt_posix_thread_rights(void);
void wrt_posix_restore_rights(uint32_t rights);
/* For the capability report: false, somebody asks for the handler; true, it is installed. */
void wrt_posix_note_faults(bool is_active);

/* A stack size for a request (0 = the default): whole pages, the system's minimum at least. */
size_t wrt_posix_stack_bytes(size_t asked);
int wrt_posix_set_stack(pthread_attr_t *attributes, size_t stack_bytes); /* 0 or errno */
/* On the new thread, before the body: its stack has stack_bytes and ends near here. */
void wrt_posix_thread_starts(size_t stack_bytes);
void wrt_posix_name_thread(const char *name); /* the calling one */

/* Of recvmsg and sendmsg: never wait, where the system can be told so per call. */
extern const int wrt_posix_message_flags;

/* ---- shared, for the ports' own wrt_port_poll ---- */

short wrt_posix_poll_events(uint8_t wanted);
uint8_t wrt_posix_poll_ready(short events);

#endif
