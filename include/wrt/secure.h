/* wrt/secure.h - operations whose time and addresses do not depend on secret bytes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For comparing tokens, tags and hashes, and for choosing among secrets. What counts as
 * secret: the bytes behind the pointers, the values given, and each condition, index and
 * result. Public, and visible in time: the pointers, sizes and counts.
 *
 * Promised: the compiled code has no branch and no address that depends on a secret
 * (`./check ct` shows it for gcc and clang at each level of optimisation, on x86-64).
 * Not promised: that the processor's instructions take the same time for all operands (those
 * used are and, or, xor, add, sub, shift; AArch64 DIT and x86 DOITM are the platform's to set);
 * nothing about power, registers or what the caller does: `if (wrt_ct_equal(..))` tells the
 * outcome, as it should, and only the outcome.
 *
 * A mask is all ones for yes and 0 for no, so that answers combine by &, | and ~. Where a
 * condition is taken, any value but 0 means yes.
 *
 * Pointers may have any alignment; with size 0 they may be NULL. Regions do not overlap, but
 * where said may be the same.
 *
 * Threads: nothing is kept; calls may run together wherever their regions allow it. Nothing
 * here blocks, allocates or fails.
 */
#ifndef WRT_SECURE_H
#define WRT_SECURE_H

#include "wrt/base.h"

WRT_BEGIN_DECLS

typedef uint64_t wrt_ct_mask;

/* Yes if all bytes are 0 (size 0: yes).
 * Cost: O(size), never blocks, never faults. */
WRT_API wrt_ct_mask wrt_ct_is_zero(const void *bytes, size_t size_bytes);

/* Yes if the bytes are the same (size 0: yes).
 * Cost: O(size), never blocks, never faults. */
WRT_API wrt_ct_mask wrt_ct_equal(const void *a, const void *b, size_t size_bytes);

/* -1, 0 or 1, in the order of memcmp: the first byte that differs decides.
 * Cost: O(size), never blocks, never faults. */
WRT_API int wrt_ct_compare(const void *a, const void *b, size_t size_bytes);

/* Yes if a < b, unsigned.
 * Cost: O(1), never blocks, never faults. */
WRT_API wrt_ct_mask wrt_ct_less_than(uint64_t a, uint64_t b);

/* if_yes or if_no.
 * Cost: O(1), never blocks, never faults. */
WRT_API uint64_t wrt_ct_select(uint64_t condition, uint64_t if_yes, uint64_t if_no);

/* Copies from to to, if yes; else to keeps its bytes (they are written all the same, so no
 * other thread may write them meanwhile). They may be the same region.
 * Cost: O(size), never blocks, never faults. */
WRT_API void wrt_ct_copy_if(uint64_t condition, void *to, const void *from, size_t size_bytes);

/* Exchanges the bytes, if yes; writes both in any case. They may be the same region.
 * Cost: O(size), never blocks, never faults. */
WRT_API void wrt_ct_swap_if(uint64_t condition, void *a, void *b, size_t size_bytes);

/* Copies entry `index` of a table of `count` entries, by reading all of them. With an index
 * beyond the table out becomes zeros. Returns yes if the index was within. The table is
 * count * entry_bytes bytes, which fits size_t.
 * Cost: O(count * entry_bytes), never blocks, never faults. */
WRT_API wrt_ct_mask wrt_ct_lookup(void *out, const void *table, size_t entry_bytes,
                                  size_t count, uint64_t index);

/* Sets the bytes to 0, also where the compiler sees that nobody reads them again. Copies that
 * the compiler made in registers or on the stack are not found.
 * Cost: O(size), never blocks, never faults. */
WRT_API void wrt_ct_zeroise(void *bytes, size_t size_bytes);

WRT_END_DECLS

#endif
