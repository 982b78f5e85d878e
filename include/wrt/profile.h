/* wrt/profile.h - what a guest executed: counts of instructions, and a trace of host calls.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module loaded with wrt_module_config.instrument counts, in each instance, how often each
 * straight run of instructions was entered: one more operation for each such run, and eight
 * bytes for its counter. Fuel, results and pauses stay the same. Other modules pay nothing.
 * A run that a trap or an exit cuts short counts as if it had gone on to the next branch or call.
 *
 * Stacks are sampled without any of this: give fuel in slices, and read the frames of the
 * paused call (wrt_store_get_frame) between them.
 *
 * Threads: as the store.
 */
#ifndef WRT_PROFILE_H
#define WRT_PROFILE_H

#include "wrt/store.h"

WRT_BEGIN_DECLS

/* One instruction that can be reached, structure (block, loop, else, end, nop) excepted. */
struct wrt_profile_item {
    uint64_t byte_offset; /* in the module */
    uint32_t opcode;      /* one byte; behind a prefix: prefix << 16 | number */
    uint64_t count;       /* times executed since the instance was made */
};

/* Item `index` of a function that the instance's module defines, in the order of its bytes.
 * ERR_BOUNDS: there is no such item or function; ERR_STATE: the module is not instrumented.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_get_profile(const struct wrt_instance *instance, uint32_t function_index,
                         uint32_t index, struct wrt_profile_item *out);

/* A call from the guest to the host. */
struct wrt_trace_event {
    const struct wrt_instance *caller;    /* NULL: the host called its own function */
    struct wrt_bytes module, name;        /* of the import; empty if it is none (a reference) */
    const struct wrt_function_type *type;
    const union wrt_slot *arguments;
    const union wrt_slot *results;        /* NULL before the call, and if it gave none */
    enum wrt_status status;               /* what the function returned; WRT_OK before the call */
    bool has_returned;
};
typedef void wrt_trace(void *context, const struct wrt_trace_event *event);

/* Called before and after each host function of the store; NULL ends it. Looking up the name
 * costs O(imports). Without a trace a host call costs one comparison more.
 * Cost: O(1), never blocks, never faults. */
WRT_API void wrt_store_set_trace(struct wrt_store *store, wrt_trace *trace, void *context);

WRT_END_DECLS
#endif
