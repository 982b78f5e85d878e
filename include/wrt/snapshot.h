/* wrt/snapshot.h - a store as bytes: written while it is idle or paused, restored elsewhere.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A snapshot is canonical: little-endian, no addresses, no padding, nothing left over from
 * dead values, so equal stores give equal bytes on every machine. It holds memories, tables,
 * globals, dropped segments, the call stack and the fuel. It names what it does not hold: the
 * modules (by size and checksum), who imports what from whom, host functions (by the import
 * that they fill).
 *
 * To restore, build a store the same way: load the same modules, instantiate them in the same
 * order with the same imports (wrt_store_instantiate_with and skip_start: what start functions
 * did is in the snapshot), then call wrt_instance_restore. A guest that was paused is paused
 * again: wrt_store_resume continues it, with the same result and the same fuel.
 *
 * Not written, and refused by name: host values (externref that is not null), a heap of
 * structs and arrays that was used, exceptions that something refers to, shared memories, calls
 * that host functions made back into the guest, and host functions that no instance imports.
 * What host functions keep for themselves is the host's to save; for WASI see wrt_wasi_snapshot.
 *
 * Versions: the stack is in terms of this library's register code. A snapshot says which
 * translator wrote it; another one refuses it (ERR_UNSUPPORTED). Processor, compiler, byte
 * order and addresses do not matter.
 *
 * Trust: a snapshot is checked like a module. Damage is found by its checksum, CRC32C, which
 * is not a signature: whoever can forge a snapshot decides what the guest computes. But every
 * index, type, reference and frame is checked before it is used, so that no snapshot lets a
 * guest reach anything that is not its own.
 *
 * Threads: as for any other call on the store. Both calls borrow their arguments.
 */
#ifndef WRT_SNAPSHOT_H
#define WRT_SNAPSHOT_H

#include "wrt/base.h"
#include "wrt/store.h"

WRT_BEGIN_DECLS

#define WRT_SNAPSHOT_FORMAT 1     /* of the bytes */
#define WRT_SNAPSHOT_TRANSLATOR 1 /* of the code that frames stand in */

/* Takes the next bytes; any status but WRT_OK ends the snapshot and is its result. */
typedef enum wrt_status wrt_snapshot_write(void *context, const void *bytes, size_t size_bytes);

/* Writes the instance and everything that it can reach: its whole store, which stays as it
 * is. ERR_STATE while a call runs (pause it first); ERR_UNSUPPORTED names what cannot be
 * written. O(bytes of all memories, tables and globals + frames); allocates nothing. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_snapshot(const struct wrt_instance *instance, wrt_snapshot_write *write,
                      void *context, struct wrt_error *error);

/* Puts the store of `instance` into the state that the bytes describe. It must be idle and
 * built as above. Everything is checked first and a refusal changes nothing:
 *   ERR_CORRUPT      damaged, cut short, or no snapshot
 *   ERR_UNSUPPORTED  of another format or translator
 *   ERR_UNLINKABLE   foreign: of other modules or another wiring; the text says which
 *   ERR_NO_SPACE     the call stack is too small for its frames
 * Memories and tables grow here; if that is refused (ERR_LIMIT, ERR_PARTITION_MAX,
 * ERR_NO_MEMORY) some may have grown and nothing else has changed.
 * O(size of all memories and tables). */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_restore(struct wrt_instance *instance, const void *bytes, size_t size_bytes,
                     struct wrt_error *error);

WRT_END_DECLS
#endif
