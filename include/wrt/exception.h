/* wrt/exception.h - tags, and the exceptions that guests and hosts throw.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An exception is a tag and values of the tag's parameter types. It is named by an exnref, a
 * number that is the same on every machine; 0 is ref.null. Exceptions of a store live in a
 * fixed pool (wrt_store_config.exception_cells) that is charged when the store gets its first
 * tag. When the pool is full, those that nothing refers to are reclaimed; what may refer to one:
 * globals, tables, elements, structs and arrays, other exceptions, values of the running calls,
 * and what the host keeps by wrt_exception_keep (also while a host function makes more of them:
 * its own variables and results count for nothing). A struct that holds an exception which
 * holds the struct is never reclaimed. If nothing can be reclaimed, the throw is a trap
 * (EXCEPTIONS_EXHAUSTED).
 *
 * A throw that no guest function catches ends the call with WRT_ERR_EXCEPTION. Code that throws
 * nothing pays nothing. A throw costs O(frames left * log(try blocks of the function) + catch
 * clauses looked at), paid in fuel: one unit each for the throw, for a frame that is left and
 * for a clause; and O(pool + stack + heap + tables and globals of exnref) when it has to reclaim:
 * one unit for 8 things looked at, less what earlier throws have saved for that, which is two
 * units each. So the price is fixed while most exceptions are dead when the pool is full.
 *
 * Threads: as the store.
 */
#ifndef WRT_EXCEPTION_H
#define WRT_EXCEPTION_H

#include "wrt/base.h"
#include "wrt/store.h"

WRT_BEGIN_DECLS

/* Creates a tag of the store, alive as long as it. `type` has no results (ERR_ARGUMENT); its
 * arrays are copied. Two tags are the same only if their pointers are equal.
 * Cost: O(parameters + types of the store), may block (system), may fault; 5600 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_tag_create(struct wrt_store *store, const struct wrt_function_type *type,
               struct wrt_tag **out, struct wrt_error *error);

/* Borrowed for the life of the store.
 * Cost: O(1), never blocks, never faults. */
WRT_API const struct wrt_function_type *wrt_tag_type(const struct wrt_tag *tag);

/* The exception that the last call ended with (WRT_ERR_EXCEPTION), or that a host function just
 * threw; 0: none. It stays until the store runs again; keep it to hold it longer.
 * Cost: O(1), never blocks, never faults. */
WRT_API uint64_t wrt_store_exception(const struct wrt_store *store);

/* Its tag and a copy of its values, as many as the tag has parameters (v128: two slots).
 * ERR_ARGUMENT if `exception` names none of this store, ERR_BOUNDS if `capacity` is too small
 * (then *out_tag is given). out_tag may be NULL.
 * Cost: O(parameters of the tag), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_exception_read(const struct wrt_store *store, uint64_t exception, struct wrt_tag **out_tag,
                   union wrt_slot *values, uint32_t capacity);

/* Makes an exception without throwing it. ERR_NO_SPACE: the pool is full.
 * Cost: O(exception_cells + cells of stack, tables and globals in use), never blocks, may fault;
 * 384 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_exception_create(struct wrt_store *store, struct wrt_tag *tag, const union wrt_slot *values,
                     uint64_t *out);

/* Keeps an exception alive for the host until as many releases. ERR_ARGUMENT if it is none,
 * ERR_LIMIT after 4,095 keeps of one.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_exception_keep(struct wrt_store *store, uint64_t exception);
WRT_API void wrt_exception_release(struct wrt_store *store, uint64_t exception);

/* From inside a host function: throws, when what they return is returned. A full pool, a tag of
 * another store or a null reference is a trap, and they return WRT_ERR_TRAP.
 * Cost: O(exception_cells + cells of stack, tables and globals in use), never blocks, may fault;
 * 448 bytes of stack. */
WRT_API enum wrt_status wrt_caller_throw(struct wrt_caller *caller, struct wrt_tag *tag,
                                         const union wrt_slot *values);
/* Cost: O(1), never blocks, never faults. */
WRT_API enum wrt_status wrt_caller_throw_ref(struct wrt_caller *caller, uint64_t exception);

WRT_END_DECLS
#endif
