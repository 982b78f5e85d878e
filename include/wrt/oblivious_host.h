/* wrt/oblivious_host.h - oblivious stores for guests, as imports of module "wrt_oblivious".
 * SPDX-License-Identifier: Apache-2.0
 *
 *     create  (block_count: i32, block_bytes: i32) -> i32            handle, or status
 *     access  (handle: i32, index: i64, is_write: i32, address: i32) -> i32     status
 *     destroy (handle: i32) -> i32                                   status
 *
 * A handle is 0 .. 15; a status is 0 or an error of wrt/base.h, which is negative. access puts the
 * block_bytes bytes at `address` of memory 0 into the block, or the block there, as
 * wrt_oblivious_access does: index, is_write and the bytes are secret, the address is not. It
 * calls again by itself while a stash is full.
 * Stores are zeros at first, of the kind WRT_OBLIVIOUS_BEST, at most 2^24 blocks of at most 4096
 * bytes, and charged to the guest's partition, whose maximum bounds them. What the interpreter
 * does with a secret before and after is the guest's to keep constant in time.
 *
 * An access charges fuel by the store's size, not by the index. A store of the engine with one of
 * these in use can be written to a snapshot, but what is in it is not part of that.
 *
 * Threads: as the guest's; not for guests that start threads.
 */
#ifndef WRT_OBLIVIOUS_HOST_H
#define WRT_OBLIVIOUS_HOST_H

#include "wrt/oblivious.h"
#include "wrt/partition.h"
#include "wrt/store.h"

WRT_BEGIN_DECLS

#define WRT_OBLIVIOUS_HOST_STORES 16
#define WRT_OBLIVIOUS_HOST_BLOCK_BYTES 4096

struct wrt_oblivious_host;

/* Gives *out, charged to `partition` as HOST, as are the stores that guests create.
 * Cost: O(1), may block (system), may fault; 5200 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_oblivious_host_create(struct wrt_partition *partition, struct wrt_oblivious_host **out,
                          struct wrt_error *error);
/* Wipes and frees the stores and itself: after the engine's store that it was defined in. NULL
 * does nothing.
 * Cost: O(bytes of the stores), may block (system), may fault; 672 bytes of stack. */
WRT_API void wrt_oblivious_host_destroy(struct wrt_oblivious_host *host);

/* Defines the three functions in `store`, which keeps `host`.
 * Cost: O(1), may block (system), may fault; 6100 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_oblivious_host_define(struct wrt_store *store, struct wrt_oblivious_host *host,
                          struct wrt_error *error);

WRT_END_DECLS
#endif
