/* wrt/base.h - what every public header shares: version, attributes, status codes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Every call that can fail returns `enum wrt_status`: 0 is success, positive
 * values are outcomes that are not errors (a guest paused or ended by itself),
 * negative values are errors. There is no last-error variable. Unless a call's
 * comment says otherwise, an error leaves every output and every object as it was.
 *
 * Words used in all headers:
 *   borrows  the callee reads it and keeps nothing after it returns
 *   keeps    the callee holds on to it; the comment says until when
 *   takes    ownership passes to the callee, also when the call fails
 *   gives    ownership passes to the caller
 *
 * Threads: calls that take a pointer to const may run together; any other call
 * needs the object to itself (docs/threads.md). Exceptions are named where declared.
 *
 * Cost: each public function states it in the comment above it, which stands for all declarations
 * until the next blank line, comment or closing brace (tests/headers/costs.py holds to that):
 *   O(..)                its steps, in the quantities that it names. Callbacks come on top
 *   never blocks         takes no lock and makes no call of the system that could wait
 *   may block (lock)     takes a lock with priority inheritance, held for a bounded time
 *   may block (system)   enters the system, which may have it wait; or takes such a lock
 *   blocks ...           is there to wait, and says until when; a deadline ends it
 *   never faults         touches what the caller gives and what the runtime has touched before
 *   may fault            may touch pages for the first time: of fresh arenas, of guests' memories
 *   N steps              the most instructions that tests/timing counted, without libc's and the
 *                        system's, and nobody in the way (docs/assurance/timing.md has the cases)
 *   N bytes of stack     the host's, by docs/assurance/stack.md; below 256 they are not stated
 * Both counts are for gcc 12 on x86-64.
 */
#ifndef WRT_BASE_H
#define WRT_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRT_VERSION_MAJOR 0
#define WRT_VERSION_MINOR 1
#define WRT_VERSION_PATCH 0
#define WRT_VERSION_STRING "0.1.0"

#if defined(__GNUC__) || defined(__clang__)
#define WRT_MUST_CHECK __attribute__((warn_unused_result))
#define WRT_API __attribute__((visibility("default")))
#define WRT_PRINTF(format_index, first_argument) \
    __attribute__((format(printf, format_index, first_argument)))
#else
#define WRT_MUST_CHECK
#define WRT_API
#define WRT_PRINTF(format_index, first_argument)
#endif

#ifdef __cplusplus
#define WRT_BEGIN_DECLS extern "C" {
#define WRT_END_DECLS }
#else
#define WRT_BEGIN_DECLS
#define WRT_END_DECLS
#endif

WRT_BEGIN_DECLS

/* X(name, value, sentence). The one list of status codes; append, never renumber. */
#define WRT_STATUS_LIST(X)                                                              \
    X(OK, 0, "success")                                                                 \
    X(PAUSED, 1, "the guest is paused and can be resumed or dropped")                   \
    X(EXITED, 2, "the guest ended itself; its exit code is in the store")               \
    X(NOT_EQUAL, 3, "the word did not hold the expected value")                         \
    X(OWNER_DIED, 4, "the lock is held, but its last owner ended while holding it")     \
    X(ERR_ARGUMENT, -1, "an argument is outside its documented range")                  \
    X(ERR_UNSUPPORTED, -2, "this system or build cannot do that")                       \
    X(ERR_NO_MEMORY, -3, "the system has no memory left for the request")               \
    X(ERR_PARTITION_MAX, -4, "a partition's hard maximum refused the request")          \
    X(ERR_LIMIT, -5, "a configured limit refused the request")                          \
    X(ERR_MALFORMED, -6, "the bytes are not a WebAssembly module")                      \
    X(ERR_INVALID, -7, "the module does not validate")                                  \
    X(ERR_UNLINKABLE, -8, "an import is missing or has another type")                   \
    X(ERR_TRAP, -9, "the guest trapped; the store holds the details")                   \
    X(ERR_TYPE, -10, "a value or function has another type")                            \
    X(ERR_NOT_FOUND, -11, "there is nothing of that name")                              \
    X(ERR_BUSY, -12, "the object is in use")                                            \
    X(ERR_STATE, -13, "the object is not in a state that allows the call")              \
    X(ERR_BOUNDS, -14, "a range lies outside its object")                               \
    X(ERR_OVERFLOW, -15, "an integer would not fit")                                    \
    X(ERR_NO_SPACE, -16, "a fixed-size object is full")                                 \
    X(ERR_CORRUPT, -17, "stored data does not match its checksum or its canary")        \
    X(ERR_DENIED, -18, "the caller holds no right for that")                            \
    X(ERR_TIMEOUT, -19, "the deadline passed")                                          \
    X(ERR_IO, -20, "the operating system reported an input or output error")            \
    X(ERR_ALIGNMENT, -21, "an address or size is not aligned as required")              \
    X(ERR_EXISTS, -22, "that name is taken")                                            \
    X(ERR_INTERRUPTED, -23, "the wait was cancelled by another thread")                 \
    X(ERR_DEADLOCK, -24, "waiting would never end: the lock is held in a circle")       \
    X(ERR_CLOSED, -25, "the channel was closed")                                        \
    X(ERR_EXCEPTION, -26, "the guest threw what nothing caught; the store holds it")      \
    X(ERR_UNTRUSTED, -27, "a signature is missing or not by the key that was given")

enum wrt_status {
#define WRT_STATUS_ENUM(name, value, sentence) WRT_##name = (value),
    WRT_STATUS_LIST(WRT_STATUS_ENUM)
#undef WRT_STATUS_ENUM
};

/* The code's name, "WRT_ERR_LIMIT", and its sentence. Static strings, never NULL;
 * an unknown code yields "unknown status".
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_status_name(enum wrt_status status);
WRT_API const char *wrt_status_text(enum wrt_status status);

/* The version of the linked library, "MAJOR.MINOR.PATCH". Static string.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_version(void);

/* Filled in by calls that say so, on error only: what was refused and where.
 * The caller places it; NULL is allowed wherever one is taken. */
struct wrt_error {
    enum wrt_status status;
    bool has_offset;      /* byte_offset is meaningful (module errors) */
    uint64_t byte_offset; /* from the first byte of the module */
    char text[160];       /* one line, names what and where, NUL-terminated */
};

WRT_END_DECLS
#endif
