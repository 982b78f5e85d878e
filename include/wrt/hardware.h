/* wrt/hardware.h - what the processor adds to the checks of software: memory tags, signed
 * return addresses, landing pads, shadow stacks, memory keys.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each feature is reported as it is on the running machine: requested (this build or somebody
 * in this process asked for it), available (processor and system have it), active (it is in
 * force now) and why not. `wrt doctor` prints the table.
 *
 * Memory tags (ARM MTE): every 16 bytes of tagged memory have a tag of 4 bits, and so has a
 * pointer; an access where the two differ is a fault. Tag 0 is reserved: headers, free pages and
 * untagged memory have it, no block and no linear memory does. Memory is tagged by its allocator
 * (wrt_arena_config.tags, wrt_page_config.tags); what a thread's accesses check is the thread's
 * mode, set here:
 *
 *   SYNC        a wrong access faults before it happens
 *   ASYNC       it happens, and the thread faults a little later, at its next entry into the
 *               system at the latest; the report cannot name the address
 *   ASYMMETRIC  reads as SYNC, writes as ASYNC
 *
 * A thread starts with the mode of the thread that created it, so set it first of all.
 *
 * Threads: the mode is the calling thread's. Questions may come from any thread. Nothing here
 * blocks; a question may make a few calls into the system, that for LANDING_PADS may start and
 * end a child process.
 */
#ifndef WRT_HARDWARE_H
#define WRT_HARDWARE_H

#include "wrt/base.h"

WRT_BEGIN_DECLS

/* X(name, text) */
#define WRT_HARDWARE_LIST(X)                                                                  \
    X(TAGS_SYNC, "memory-tags-sync")          /* ARM MTE; active: this thread's mode */       \
    X(TAGS_ASYNC, "memory-tags-async")                                                        \
    X(TAGS_ASYMMETRIC, "memory-tags-asymmetric")                                              \
    X(SIGNED_RETURNS, "signed-returns")       /* ARM PAC, in this library's functions */      \
    X(SIGNED_HANDLERS, "signed-handlers")     /* and in the interpreter's handler addresses */ \
    X(LANDING_PADS, "landing-pads")           /* ARM BTI, of this library's pages */          \
    X(SHADOW_STACK, "shadow-stack")           /* x86 CET; active: of this thread */           \
    X(BRANCH_TRACKING, "branch-tracking")     /* x86 IBT, in user programs */                 \
    X(MEMORY_KEYS, "memory-keys")             /* x86 PKU, for sealed partitions */            \
    X(WRITE_XOR_EXECUTE, "write-xor-execute") /* no page of this process is both */           \
    X(CACHE_COLOURS, "cache-colours")         /* active: memory of a colour was given */

enum wrt_hardware {
#define WRT_HARDWARE_ENUM(name, text) WRT_HARDWARE_##name,
    WRT_HARDWARE_LIST(WRT_HARDWARE_ENUM)
#undef WRT_HARDWARE_ENUM
    WRT_HARDWARE_COUNT
};

/* "memory-tags-sync", ...; an unknown feature yields "?". Static string.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_hardware_name(enum wrt_hardware feature);

/* Strings are static, never NULL. */
struct wrt_hardware_state {
    const char *name;
    bool is_requested; /* by this build, or by a call of this process since its start */
    bool is_available; /* processor and system have it */
    bool is_active;    /* it is in force now, as the comment in the list says */
    const char *why;   /* a sentence when one of them is false, else how it is done */
};

/* ERR_BOUNDS: no such feature; ERR_ARGUMENT: out is NULL.
 * Cost: O(bytes of the process's list of mappings), may block (system), never faults; 4500 bytes
 * of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_hardware_get(enum wrt_hardware feature, struct wrt_hardware_state *out);

enum wrt_tag_mode {
    WRT_TAG_MODE_OFF = 0,
    WRT_TAG_MODE_SYNC,
    WRT_TAG_MODE_ASYNC,
    WRT_TAG_MODE_ASYMMETRIC
};

/* What the calling thread's accesses to tagged memory check from now on. ERR_UNSUPPORTED: the
 * machine or the system has not this mode (also where it would silently be another one);
 * ERR_ARGUMENT: no such mode; ERR_DENIED. On error the mode is as before.
 * Cost: O(1), may block (system), never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_hardware_set_tag_mode(enum wrt_tag_mode mode);
/* OFF also where there are no tags.
 * Cost: O(1), may block (system), never faults. */
WRT_API enum wrt_tag_mode wrt_hardware_tag_mode(void);

/* Whether an allocator tags its memory. WANTED: where the machine can; its info tells.
 * REQUIRED: ERR_UNSUPPORTED where it cannot. */
enum wrt_tagging { WRT_TAGGING_OFF = 0, WRT_TAGGING_WANTED, WRT_TAGGING_REQUIRED };

/* The tag in a pointer, 0 .. 15; and the pointer without it, as the system and a comparison of
 * addresses want it. On machines without tags: 0 and the pointer.
 * Cost: O(1), never blocks, never faults. */
WRT_API unsigned wrt_hardware_pointer_tag(const void *pointer);
WRT_API const void *wrt_hardware_untagged(const void *pointer);

/* ---- colours of a cache ----
 *
 * Two tenants compete for a set of a cache when their addresses come to it. Memory of different
 * colours never does: the sets of a cache are cut into `count` equal parts, and memory of colour
 * `index` lies in that part. Which set an address comes to is known within huge pages only
 * (their low address bits are physical), so coloured memory is cut out of huge pages, as many as
 * it takes: `count` times its size is taken from the system, which takes the rest back when memory runs
 * short. Memory that the system later moves or swaps loses its colour; locking keeps it
 * from being swapped. A cache that hashes addresses (some third ones do) is not divided so.
 * On Linux; where the system gives no huge pages, coloured memory is ERR_UNSUPPORTED.
 */
struct wrt_cache_colour {
    uint32_t count; /* power of two; a part is at least a page; 0 = not coloured */
    uint32_t index; /* below count */
    uint32_t level; /* the cache, 2 or 3; 0 = 2, which each core has for itself */
};

/* A colour in addresses within a huge page: [offset, offset + run) of each period. */
struct wrt_colour_runs {
    size_t period_bytes, run_bytes, offset_bytes;
};

/* "INDEX/COUNT", or "INDEX/COUNT@LEVEL": colour INDEX of COUNT, of cache LEVEL (2 or 3). Numbers are decimal.
 * ERR_ARGUMENT: NULL, another shape, or no such colour; *out is then untouched.
 * Cost: O(length of text), never blocks, never faults; 288 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status wrt_cache_colour_parse(const char *text,
                                                              struct wrt_cache_colour *out);

/* What that colour is on this machine. ERR_ARGUMENT: no such colour; ERR_UNSUPPORTED, with the
 * reason: the cache cannot be divided so. May read files of the system. *out: untouched on error.
 * Cost: O(1), a few small files, may block (system), never faults; 512 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_cache_colour_runs(const struct wrt_cache_colour *colour, struct wrt_colour_runs *out,
                      struct wrt_error *error);

WRT_END_DECLS
#endif
