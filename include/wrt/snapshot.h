/* wrt/snapshot.h - a store as bytes: written while it is idle or paused, restored elsewhere.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A snapshot is canonical: little-endian, no addresses, no padding, nothing left over from
 * dead values, so equal stores give equal bytes on every machine. It holds memories, tables,
 * globals, dropped segments, structs and arrays with the state of their collector, exceptions,
 * the call stack and the fuel. It names what it does not hold: the
 * modules (by size and checksum), who imports what from whom, host functions (by the import
 * that they fill).
 *
 * To restore, build a store the same way: load the same modules, instantiate them in the same
 * order with the same imports (wrt_store_instantiate_with and skip_start: what start functions
 * did is in the snapshot), then call wrt_instance_restore. A guest that was paused is paused
 * again: wrt_store_resume continues it, with the same result and the same fuel.
 *
 * References of the host to objects and exceptions (wrt_reference_hold, wrt_exception_keep, and
 * the numbers themselves) mean the same in the restored store. Host values (externref) are
 * written if the host gives them ids: struct wrt_snapshot_host.
 *
 * Not written, and refused by name: host values without such a host, shared memories of which
 * another store has a view, calls that host functions made back into the guest, host functions
 * and tags that are used but that no instance imports, and globals and tables of the host that
 * refer to objects or exceptions but that no instance imports.
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

#define WRT_SNAPSHOT_FORMAT 2     /* of the bytes */
#define WRT_SNAPSHOT_TRANSLATOR 2 /* of the code that frames stand in */

/* Takes the next bytes; any status but WRT_OK ends the snapshot and is its result. */
typedef enum wrt_status wrt_snapshot_write(void *context, const void *bytes, size_t size_bytes);

/* Writes the instance and everything that it can reach: its whole store, which stays as it
 * is. ERR_STATE while a call runs (pause it first); ERR_UNSUPPORTED names what cannot be
 * written. Allocates nothing.
 * Cost: O(bytes of all memories, tables and globals + frames), never blocks, may fault; 7200 bytes
 * of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_snapshot(const struct wrt_instance *instance, wrt_snapshot_write *write,
                      void *context, struct wrt_error *error);

/* Turns host values (externref) into ids and back. `save` gives an id for a value; `load` gives
 * the value of an id, neither null nor one whose upper 16 bits are 0xF7C0 or 0xF7C1, and is asked
 * up to three times, also when the snapshot is refused in the end. An error of theirs ends the
 * call and is its result. */
struct wrt_snapshot_host {
    enum wrt_status (*save)(void *context, const void *value, uint64_t *out_id);
    enum wrt_status (*load)(void *context, uint64_t id, void **out_value);
    void *context;
};

/* The same with host values; `host` may be NULL.
 * Cost: O(bytes of all memories, tables and globals + frames), never blocks, may fault; 7200 bytes
 * of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_snapshot_with(const struct wrt_instance *instance, wrt_snapshot_write *write,
                           void *context, const struct wrt_snapshot_host *host,
                           struct wrt_error *error);

/* Puts the store of `instance` into the state that the bytes describe. It must be idle and
 * built as above. Everything is checked first and a refusal changes nothing:
 *   ERR_CORRUPT      damaged, cut short, or no snapshot
 *   ERR_UNSUPPORTED of another format or translator
 *   ERR_UNLINKABLE   foreign: of other modules or another wiring; the text says which
 *   ERR_NO_SPACE     the call stack is too small for its frames
 * Memories and tables grow here; if that is refused (ERR_LIMIT, ERR_PARTITION_MAX,
 * ERR_NO_MEMORY) some may have grown and nothing else has changed.
 * Cost: O(size of all memories, tables and the heap), a logarithm of objects for each reference,
 * may block (system), may fault; 7300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_restore(struct wrt_instance *instance, const void *bytes, size_t size_bytes,
                     struct wrt_error *error);

/* The same with host values; `host` may be NULL.
 * Cost: O(size of all memories, tables and the heap), a logarithm of objects for each reference,
 * may block (system), may fault; 7300 bytes of stack. */
WRT_MUST_CHECK WRT_API enum wrt_status
wrt_instance_restore_with(struct wrt_instance *instance, const void *bytes, size_t size_bytes,
                          const struct wrt_snapshot_host *host, struct wrt_error *error);

WRT_END_DECLS
#endif
