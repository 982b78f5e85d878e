/* engine/native.h - running code that was compiled ahead of time.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module loaded with config.native keeps its register code as well; calls from the host run
 * the compiled form. Both see the same memories, tables and globals.
 */
#ifndef WRT_ENGINE_NATIVE_H
#define WRT_ENGINE_NATIVE_H

#include "engine.h"
#include "native_abi.h"

/* One compiled call that the host made: at the top of its part of the guest stack. */
struct wrt_native_run;

/* Does the object belong to this module and this build? At a module's end of load; makes the
 * index of code addresses. */
WRT_MUST_CHECK enum wrt_status wrt_native_bind(struct wrt_module *module,
                                               struct wrt_error *error);

/* Before an instance's objects are made: its guest. After: what the code needs of them. */
WRT_MUST_CHECK enum wrt_status wrt_native_make(struct wrt_instance *instance,
                                               struct wrt_block **blocks,
                                               struct wrt_error *error);
WRT_MUST_CHECK enum wrt_status wrt_native_link(struct wrt_instance *instance,
                                               struct wrt_error *error);
/* Where own globals live. */
struct wrt_global *wrt_native_globals(const struct wrt_instance *instance);
/* Sets key and code of an own function. */
void wrt_native_set_function(struct wrt_instance *instance, struct wrt_function *function);
/* What a memory's configuration must be at least. */
void wrt_native_widen(const struct wrt_module *module, struct wrt_page_config *config);

/* Can the store run it: fuel, deadline? */
WRT_MUST_CHECK enum wrt_status wrt_native_can_run(const struct wrt_function *function);
/* Runs the innermost activation, or continues it. */
enum wrt_run wrt_native_run(struct wrt_store *store, struct wrt_activation *activation);
/* The activation is over. */
void wrt_native_leave(struct wrt_store *store, struct wrt_activation *activation);
/* From any thread: the running code is to look at why. */
void wrt_native_ask(struct wrt_store *store);
void wrt_native_free(struct wrt_store *store);

/* The frames of a compiled activation, innermost first. `*cursor` starts as NULL. */
bool wrt_native_next_frame(const struct wrt_store *store, const struct wrt_activation *activation,
                           const void **cursor, struct wrt_frame *out);

#endif
