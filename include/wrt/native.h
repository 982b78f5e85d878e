/* wrt/native.h - modules compiled ahead of time by `wrt compile`.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An object holds a module's bytes and the code that a C compiler made of them. Load the module
 * with the object in its configuration and calls from the host run that code; all else of a
 * module, an instance and a store is as it is without:
 *
 *     wrt_native_open(partition, file_bytes, file_size, NULL, &native, &error)
 *     config.native = wrt_native_get_object(native);
 *     wrt_native_describe(config.native, &what);
 *     wrt_module_load(partition, &config, what.module.data, what.module.size_bytes, ...)
 *
 * Or link the object that `wrt compile --static` wrote, and begin with the second line:
 * `extern const struct wrt_native_object wrt_native_NAME;`.
 *
 * Opening an object runs nothing of it, but what is called later runs with the rights of the
 * process: give what you compiled yourself, or pin its hash.
 *
 * What differs from interpreted code
 *   - it runs on a stack of its own, store_config.stack_bytes (in steps of 64 KiB) + 128 KiB,
 *     charged as LINEAR when the first compiled module is instantiated
 *   - fuel counts statements of the translation, not instructions, and only in objects compiled
 *     with --stop fuel: a store with limited fuel refuses to call others (ERR_UNSUPPORTED)
 *   - a deadline works with --stop check (by a thread of the process that watches the clock) and
 *     --stop fuel; with --stop none, and with --stop check in a sealed partition, whose memory
 *     that thread cannot write, calls are refused while one is set
 *   - frames of a trap have no byte offset but their function's, and calls that the compiler put
 *     into their caller are not among them
 *   - a call of interpreted code from compiled code cannot pause: it traps instead
 *   - a paused call cannot be written to a snapshot; modules are not profiled
 *   - linear memory must not move: not WRT_PAGES_NATIVE. Objects compiled with --memory guard
 *     reserve 8 GiB of addresses for each memory, and install the port's fault handler
 *
 * Threads: an open object is constant.
 */
#ifndef WRT_NATIVE_H
#define WRT_NATIVE_H

#include "wrt/base.h"
#include "wrt/module.h"

WRT_BEGIN_DECLS

struct wrt_native_object; /* the code of one module */
struct wrt_native;        /* an object file that was opened */

struct wrt_native_description {
    struct wrt_bytes module; /* borrowed from the object */
    uint8_t module_sha256[32];
    const char *target, *compiler, *translator, *options;
    bool has_compares;  /* else it needs guard pages */
    bool checks_stops;  /* at loop heads, not only at calls */
    bool meters_fuel;
};

/* Do the bytes look like an object file of the system, so not like a module?
 * Cost: O(1), never blocks, never faults. */
WRT_API bool wrt_native_is_object(const void *bytes, size_t size_bytes);

/* What an object file says of itself; loads nothing. Borrows the bytes, also for *out.
 * ERR_MALFORMED: not an object made by `wrt compile`; ERR_UNSUPPORTED: of another ABI or machine;
 * ERR_CORRUPT: changed since it was made, or its module is not the one it was made from;
 * ERR_DENIED: pages both writable and executable, or code that would run while it is loaded.
 * Cost: O(size), never blocks, never faults; 1300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_native_peek(const void *bytes, size_t size_bytes, struct wrt_native_description *out,
                struct wrt_error *error);

/* Loads an object file from a copy of the bytes, after the checks of peek. `pin`: the SHA-256 that
 * the file must have (ERR_DENIED), or NULL. The file's size is charged to the partition as CODE.
 * Gives *out, which must outlive all modules loaded with it. ERR_UNSUPPORTED: this system loads
 * no code at run time; link it instead.
 * Cost: O(size), may block (system), may fault; 5400 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_native_open(struct wrt_partition *partition, const void *bytes, size_t size_bytes,
                const uint8_t *pin, struct wrt_native **out, struct wrt_error *error);
/* Cost: O(1), never blocks, never faults. */
WRT_API const struct wrt_native_object *wrt_native_get_object(const struct wrt_native *native);
WRT_API void wrt_native_describe(const struct wrt_native_object *object,
                                 struct wrt_native_description *out);
/* NULL does nothing.
 * Cost: O(1), a few calls of the system, may block (system), may fault; 672 bytes of stack. */
WRT_API void wrt_native_close(struct wrt_native *native);

/* Writes the hash of an object file into it: the last step of whoever makes one, for any machine.
 * Cost: O(size), never blocks, never faults; 1300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_native_seal(void *bytes, size_t size_bytes, struct wrt_error *error);

/* SHA-256 of bytes.
 * Cost: O(size), never blocks, never faults; 640 bytes of stack. */
WRT_API void wrt_native_hash(const void *bytes, size_t size_bytes, uint8_t out[32]);

WRT_END_DECLS
#endif
