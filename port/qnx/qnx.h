/* port/qnx/qnx.h - what this release of QNX has; shared by the files of this port.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Include it first: _QNX_SOURCE must be set before any system header, or -std=c11 hides
 * the kernel calls. Every difference between releases is decided here, from the headers,
 * and nowhere else; what only the running system knows is found out by calling.
 */
#ifndef WRT_PORT_QNX_H
#define WRT_PORT_QNX_H

#ifndef _QNX_SOURCE
#define _QNX_SOURCE 1
#endif

#include <errno.h>
#include <sys/mman.h>
#include <sys/neutrino.h>

#include "port.h"

/* 8.0 says it in __QNX__; before, that is only defined and <sys/nto_version.h>, which
 * <sys/neutrino.h> includes in 6.x, has the number. */
#if defined(__QNX__) && __QNX__ >= 800
#define WRT_QNX_RELEASE __QNX__
#else
#ifndef _NTO_VERSION
#include <sys/nto_version.h>
#endif
#define WRT_QNX_RELEASE _NTO_VERSION
#endif

#if defined(__has_include)
#define WRT_QNX_HAS_HEADER(name) __has_include(name)
#else
#define WRT_QNX_HAS_HEADER(name) 0
#endif

/* The adaptive partitioning scheduler: optional module up to 7.1, gone in 8.0. Compilers
 * of 6.x cannot ask for a header; 6.4 and 6.5 always had this one. */
#if WRT_QNX_HAS_HEADER(<sys/sched_aps.h>) || WRT_QNX_RELEASE < 700
#define WRT_QNX_APS 1
#else
#define WRT_QNX_APS 0
#endif
/* Fields that the partition structures have from 7.x on. */
#define WRT_QNX_APS_MAXIMUM (WRT_QNX_APS && WRT_QNX_RELEASE >= 700)

#if WRT_QNX_HAS_HEADER(<secpol/secpol.h>)
#define WRT_QNX_SECPOL 1
#else
#define WRT_QNX_SECPOL 0
#endif

#if WRT_QNX_HAS_HEADER(<sys/container.h>)
#define WRT_QNX_CONTAINERS 1
#else
#define WRT_QNX_CONTAINERS 0
#endif

/* Abilities came with 6.6. */
#define WRT_QNX_ABILITIES (WRT_QNX_RELEASE >= 660)
/* Anonymous shared memory, robust and monotonically timed mutexes. */
#define WRT_QNX_SINCE_7 (WRT_QNX_RELEASE >= 700)
/* Peer limits, memory events, alternate signal stacks, a heap with other knobs. */
#define WRT_QNX_SINCE_8 (WRT_QNX_RELEASE >= 800)

/* A private pool of pulses per channel: late 7.1 and 8.0. */
#if defined(_NTO_CHF_PULSE_POOL) && defined(_NTO_CHO_CUSTOM_EVENT)
#define WRT_QNX_PULSE_POOL 1
#else
#define WRT_QNX_PULSE_POOL 0
#endif

/* 7.x wants an ability for channels that are not private. */
#if defined(_NTO_CHF_PRIVATE)
#define WRT_QNX_CHANNEL_FLAGS (_NTO_CHF_FIXED_PRIORITY | _NTO_CHF_PRIVATE)
#else
#define WRT_QNX_CHANNEL_FLAGS _NTO_CHF_FIXED_PRIORITY
#endif

/* The type of TimerTimeout's flags and of a pulse's value changed with 8.0. */
#if WRT_QNX_SINCE_8
typedef uint32_t wrt_qnx_timeout_flags;
typedef long wrt_qnx_pulse_value;
#else
typedef int wrt_qnx_timeout_flags;
typedef int wrt_qnx_pulse_value;
#endif

/* The status for an errno value. */
enum wrt_status wrt_qnx_to_status(int error_number);

/* Features of the capability report (report.c). */
enum wrt_qnx_feature {
    WRT_QNX_LAZY_RESERVATION,
    WRT_QNX_LOCKED_MEMORY,
    WRT_QNX_SUPERLOCK,
    WRT_QNX_TYPED_MEMORY,
    WRT_QNX_MEMORY_OBJECTS,
    WRT_QNX_GUARD_PROBE,
    WRT_QNX_FAULT_HANDLER,
    WRT_QNX_SIGNAL_STACK,
    WRT_QNX_PULSE_WAIT,
    WRT_QNX_PULSE_POOLS,
    WRT_QNX_HEAP_TUNING,
    WRT_QNX_HEAP_ENVIRONMENT,
    WRT_QNX_REALTIME,
    WRT_QNX_RUN_MASK,
    WRT_QNX_CPU_PARTITIONS,
    WRT_QNX_SPORADIC,
    WRT_QNX_CLUSTERS,
    WRT_QNX_PROCESS_LIMITS,
    WRT_QNX_PEER_LIMITS,
    WRT_QNX_DROPPED_ABILITIES,
    WRT_QNX_SECURITY_POLICY,
    WRT_QNX_CONTAINER_API,
    WRT_QNX_MEMORY_EVENTS,
    WRT_QNX_FEATURE_COUNT
};
void wrt_qnx_note_requested(enum wrt_qnx_feature feature);
void wrt_qnx_note_active(enum wrt_qnx_feature feature);
/* Remembers why a request was not met; `why` is a static string. */
void wrt_qnx_note_refused(enum wrt_qnx_feature feature, const char *why);

/* Of the calling thread, as pulses and inheritance have left it. */
int wrt_qnx_current_priority(void);

#endif
