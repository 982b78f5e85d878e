/* wrt/verification.h - how much the runtime checks itself.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One level per partition. One table, below, says which named check runs from which level
 * on; what a check costs was measured by bench/verify and stands beside it.
 * Checks of guest bytes and of callers' arguments are not in the table: they always run.
 */
#ifndef WRT_VERIFICATION_H
#define WRT_VERIFICATION_H

#include "wrt/base.h"

WRT_BEGIN_DECLS

/* 0 in a config struct means the default, Standard. */
enum wrt_verification_level {
    WRT_VERIFY_DEFAULT = 0,
    WRT_VERIFY_OFF,
    WRT_VERIFY_MINIMAL,
    WRT_VERIFY_STANDARD,
    WRT_VERIFY_FULL,
    WRT_VERIFY_CRITICAL
};

/* X(id, room, name, first level, what it finds) */
#define WRT_CHECK_LIST(X)                                                                    \
    X(ARENA_HEADER, "arena", "header", WRT_VERIFY_MINIMAL,                                   \
      "a free, resize or size query of what is no live block: freed twice, foreign, underrun") \
    X(ARENA_LINKS, "arena", "links", WRT_VERIFY_STANDARD,                                    \
      "links of a free block that were overwritten, before they are followed")               \
    X(ARENA_CANARY, "arena", "canary", WRT_VERIFY_STANDARD,                                  \
      "writes past a block's end, when it is freed or resized")                              \
    X(ARENA_SCRUB, "arena", "scrub", WRT_VERIFY_FULL,                                        \
      "freed bytes are overwritten, and writes to them are found 64 frees later")            \
    X(ARENA_GUARD, "arena", "guard", WRT_VERIFY_FULL,                                        \
      "pages without access before and after each arena and each large block")               \
    X(ARENA_EXACT, "arena", "exact", WRT_VERIFY_FULL,                                        \
      "\"canary\" to the byte where a block above 512 bytes was rounded up by more than 24")   \
    X(ARENA_NEIGHBOURS, "arena", "neighbours", WRT_VERIFY_CRITICAL,                          \
      "damage to the blocks beside one that is freed or allocated")                          \
    X(MEMORY_PROBE, "memory", "probe", WRT_VERIFY_FULL,                                      \
      "a guard that is not where it should be, at creation and after each growth")           \
    X(MEMORY_ZERO, "memory", "zero", WRT_VERIFY_CRITICAL,                                    \
      "new or reset pages that are not zero")                                                \
    X(PARTITION_SUM, "partition", "sum", WRT_VERIFY_FULL,                                    \
      "kinds that do not add up to the bytes in use, at each charge")                        \
    X(ENGINE_SEAL, "engine", "seal", WRT_VERIFY_STANDARD,                                    \
      "a flip in translated code, module metadata or an instance's pointers, by the scrubber") \
    X(ENGINE_TABLE, "engine", "table", WRT_VERIFY_STANDARD,                                  \
      "a flip in a table's elements, by the scrubber; keeps sums that follow its writes")    \
    X(ENGINE_LOAD, "engine", "load", WRT_VERIFY_FULL,                                        \
      "code that changed while its module loaded; all of a module, before each instantiation") \
    X(ENGINE_CALL, "engine", "call", WRT_VERIFY_CRITICAL,                                    \
      "all that \"seal\" and \"table\" find in a store, before each call from the host")     \
    X(INTEGRITY_STORE, "integrity", "store", WRT_VERIFY_MINIMAL,                             \
      "keeps a CRC32C per block, updated with the data; verify and scrub find flips")        \
    X(INTEGRITY_READ, "integrity", "read", WRT_VERIFY_STANDARD,                              \
      "a flipped bit in any block that a read touches")                                      \
    X(INTEGRITY_WRITE, "integrity", "write", WRT_VERIFY_FULL,                                \
      "a write that memory did not take, by reading it back")                                \
    X(INTEGRITY_COPY, "integrity", "copy", WRT_VERIFY_CRITICAL,                              \
      "a second copy elsewhere, from which a damaged block is repaired")

enum wrt_check {
#define WRT_CHECK_ENUM(id, room, name, level, text) WRT_CHECK_##id,
    WRT_CHECK_LIST(WRT_CHECK_ENUM)
#undef WRT_CHECK_ENUM
    WRT_CHECK_COUNT
};

/* One row of the table. Strings are static. */
struct wrt_check_info {
    const char *room, *name, *text;
    enum wrt_verification_level level; /* the first level at which it runs */
    const char *cost; /* measured: "2.1 ns per free"; "not measured" until the bench ran */
};

/* ERR_BOUNDS past WRT_CHECK_COUNT.
 * Cost: O(1), never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_check_get(enum wrt_check check, struct wrt_check_info *out);

/* Does `level` (0 = Standard) run the check? O(1).
 * Cost: O(1), never blocks, never faults. */
WRT_API bool wrt_check_is_on(enum wrt_check check, enum wrt_verification_level level);

/* "off", "minimal", ..., "critical"; "?" for a value that is none.
 * Cost: O(1), never blocks, never faults. */
WRT_API const char *wrt_verification_level_name(enum wrt_verification_level level);

/* Finds a level by that name. ERR_NOT_FOUND.
 * Cost: O(1), five comparisons, never blocks, never faults. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_verification_level_parse(const char *name, enum wrt_verification_level *out);

WRT_END_DECLS
#endif
