/* wrt/system.h - what the running system can do, and whether it does what it should.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Features are answered by asking the system at the time of the question. Checks go further:
 * each uses the operating system as the runtime does, and compares what happens with what the
 * runtime relies on. They are for a first start on a new machine, not for production: they take
 * and give back memory (one of them asks for more than the machine has), start threads, sleep
 * for tenths of a second, and set options of the C heap that stay.
 *
 * Threads: features from any thread; checks from one thread at a time.
 */
#ifndef WRT_SYSTEM_H
#define WRT_SYSTEM_H

#include "wrt/base.h"

WRT_BEGIN_DECLS

/* The operating system that this library was built for: "linux", "qnx", "none". Static.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_system_name(void);

/* Strings are static, never NULL. */
struct wrt_system_feature {
    const char *name;  /* "typed-memory" */
    bool is_requested; /* somebody asked for it since the start */
    bool is_available; /* it would work now */
    bool is_active;    /* it is in force now */
    const char *why;   /* a sentence when one of them is false */
};

/* The feature number `index`, from 0 on; ERR_BOUNDS past the last. May make a few calls into the
 * system; changes nothing there.
 * Cost: O(1), a few calls of the system, may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_system_get_feature(uint32_t index, struct wrt_system_feature *out);

/* Zero-fill. */
struct wrt_system_check_config {
    const char *pool; /* typed memory to allocate from; borrowed; NULL = "/sysram" */
};

struct wrt_system_check {
    const char *name;    /* what should be so; static */
    const char *feature; /* that it belongs to; NULL: none */
    enum wrt_status status; /* OK; ERR_UNSUPPORTED or ERR_DENIED: this system or this user has it
                             * not; anything else: it is not so */
    char text[120];      /* what was seen, or what went wrong; may be empty */
};

/* The name of check number `index`, from 0 on; NULL past the last.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_system_check_name(uint32_t index);

/* Does check number `index`. ERR_BOUNDS past the last, otherwise OK with the outcome in *out.
 * Blocks for up to 5 s; most end at once.
 * Cost: O(memory of the machine) at worst: not for production, blocks for up to 5 s, may fault. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_system_run_check(uint32_t index, const struct wrt_system_check_config *config,
                 struct wrt_system_check *out);

WRT_END_DECLS
#endif
