/* engine/seal.c - finds flipped bits in what the engine itself depends on.
 * SPDX-License-Identifier: Apache-2.0
 *
 * All memory of a loaded module, and what does not change in an instance, is cut into pieces
 * of up to 4 KiB, each with a stored CRC-32C. A scrubber checks some pieces per call; at Full
 * each instantiation checks its module, at Critical each call from the host the whole store.
 * Tables change: they have sums of their own (table_sum.c). Not covered: values of globals,
 * the sizes and bytes of linear memories, the value stack, segments dropped at run time.
 */
#include "base/crc32c.h"
#include "engine.h"

#define PIECE_BYTES 4096u

static bool is_on(enum wrt_check check, const struct wrt_partition *partition)
{
    return wrt_check_is_on(check, wrt_partition_verification(partition));
}

/* ---- pieces ---- */

static uint64_t pieces_in(uint64_t size_bytes)
{
    return size_bytes / PIECE_BYTES + (size_bytes % PIECE_BYTES != 0);
}

static void add_range(struct wrt_pieces *pieces, const void *bytes, uint64_t size_bytes)
{
    const uint8_t *at = bytes;
    while (size_bytes != 0) {
        const uint32_t n = size_bytes < PIECE_BYTES ? (uint32_t)size_bytes : PIECE_BYTES;
        pieces->items[pieces->count++] =
            (struct wrt_piece){.bytes = at, .size_bytes = n, .checksum = wrt_crc32c(0, at, n)};
        at += n;
        size_bytes -= n;
    }
}

static bool is_sound(const struct wrt_piece *piece)
{
    return wrt_crc32c(0, piece->bytes, piece->size_bytes) == piece->checksum;
}

/* ---- modules ---- */

static const uint8_t *sealed_start(const struct wrt_module *module)
{
    return (const uint8_t *)&module->partition;
}

static uint64_t sealed_bytes(const struct wrt_module *module)
{
    return sizeof *module - (uint64_t)(sealed_start(module) - (const uint8_t *)module);
}

static uint32_t own_memories(const struct wrt_module *module)
{
    return module->images == NULL
               ? 0
               : module->info.memory_count - module->info.imported_memory_count;
}

static uint64_t count_pieces(const struct wrt_module *module)
{
    uint64_t count = pieces_in(sealed_bytes(module));
    for (const struct wrt_block *b = module->blocks; b != NULL; b = b->next)
        count += pieces_in(b->size_bytes);
    for (uint32_t m = 0; m < own_memories(module); m++)
        count += pieces_in(module->images[m].size_bytes);
    return count;
}

/* Padding too: it was cleared, and is kept. */
static uint32_t head_checksum(const struct wrt_code *code)
{
    struct wrt_code plain;
    memcpy(&plain, code, sizeof plain);
    plain.checksum = plain.head_checksum = 0;
    return wrt_crc32c(0, &plain, sizeof plain);
}

static uint32_t checksum_of(const struct wrt_code_parts *parts)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < sizeof parts->sizes / sizeof *parts->sizes; i++)
        crc = wrt_crc32c(crc, parts->bytes[i], parts->sizes[i]);
    return crc;
}

void wrt_code_seal(const struct wrt_module *module, struct wrt_code *code,
                   const struct wrt_code_parts *parts)
{
    if (!is_on(WRT_CHECK_ENGINE_LOAD, module->partition))
        return;
    code->checksum = checksum_of(parts);
    code->head_checksum = head_checksum(code);
}

/* Words, points, lists of live slots, tables of try blocks and the map lie side by side; where
 * instructions are counted, their table is apart. */
static bool is_code_sound(const struct wrt_module *module, uint32_t index)
{
    const struct wrt_code *c = &module->codes[index];
    if (head_checksum(c) != c->head_checksum)
        return false; /* its pointers cannot be followed */
    struct wrt_code_parts parts = {{c->entry}, {(size_t)(c->map + c->map_bytes -
                                                         (const uint8_t *)c->entry)}};
    if (module->profiles != NULL) {
        parts.bytes[1] = module->profiles[index].entries;
        parts.sizes[1] = module->profiles[index].count * sizeof *module->profiles[index].entries;
    }
    return checksum_of(&parts) == c->checksum;
}

static enum wrt_status check_loaded_code(const struct wrt_module *module,
                                         struct wrt_error *error)
{
    const uint32_t count = module->info.function_count - module->info.imported_function_count;
    if (!is_on(WRT_CHECK_ENGINE_LOAD, module->partition))
        return WRT_OK;
    for (uint32_t i = 0; i < count; i++)
        if (!is_code_sound(module, i))
            return wrt_fail(error, WRT_ERR_CORRUPT, "the code of function %u changed while its "
                            "module was loaded", module->info.imported_function_count + i);
    return WRT_OK;
}

enum wrt_status wrt_module_seal(struct wrt_module *module, struct wrt_error *error)
{
    if (!is_on(WRT_CHECK_ENGINE_SEAL, module->partition))
        return WRT_OK;
    enum wrt_status status = check_loaded_code(module, error);
    if (status == WRT_OK)
        status = wrt_block_take(module->partition, &module->loose, WRT_CHARGE_RUNTIME,
                                count_pieces(module), sizeof *module->pieces.items,
                                &module->pieces.items, error);
    if (status != WRT_OK)
        return status;
    add_range(&module->pieces, sealed_start(module), sealed_bytes(module));
    for (const struct wrt_block *b = module->blocks; b != NULL; b = b->next)
        add_range(&module->pieces, b, b->size_bytes);
    for (uint32_t m = 0; m < own_memories(module); m++)
        add_range(&module->pieces, module->images[m].bytes, module->images[m].size_bytes);
    return WRT_OK;
}

/* ---- what was damaged ---- */

static bool holds(const struct wrt_piece *piece, const void *address)
{
    const uintptr_t at = (uintptr_t)address, start = (uintptr_t)piece->bytes;
    return at >= start && at - start < piece->size_bytes;
}

/* Is the struct itself sound, so that its pointers and counts can be followed? */
static bool is_struct_sound(const struct wrt_module *module)
{
    for (uint64_t p = 0; p < pieces_in(sealed_bytes(module)); p++)
        if (!is_sound(&module->pieces.items[p]))
            return false;
    return true;
}

/* Code is a block of its own per function, of one piece or more. Reads no more of the codes
 * than addresses and sizes, to compare: they may be what was damaged. */
static const struct wrt_code *code_in(const struct wrt_module *module,
                                      const struct wrt_piece *piece)
{
    const uint32_t count = module->info.function_count - module->info.imported_function_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct wrt_code *code = &module->codes[i];
        const uintptr_t start = (uintptr_t)code->entry, at = (uintptr_t)piece->bytes;
        if (holds(piece, code->entry) ||
            (at >= start && at < (uintptr_t)code->map + code->map_bytes))
            return code;
    }
    return NULL;
}

static bool is_in_image(const struct wrt_module *module, const struct wrt_piece *piece)
{
    for (uint32_t m = 0; m < own_memories(module); m++)
        if (piece->bytes >= module->images[m].bytes &&
            (uint64_t)(piece->bytes - module->images[m].bytes) < module->images[m].size_bytes)
            return true;
    return false;
}

static enum wrt_status damaged_module(const struct wrt_module *module,
                                      const struct wrt_piece *piece, struct wrt_error *error)
{
    const bool can_look = is_struct_sound(module);
    const struct wrt_code *code = can_look ? code_in(module, piece) : NULL;
    if (code != NULL)
        return wrt_fail(error, WRT_ERR_CORRUPT, "the code of function %u was changed",
                        module->info.imported_function_count + (uint32_t)(code - module->codes));
    if (can_look && is_in_image(module, piece))
        return wrt_fail(error, WRT_ERR_CORRUPT, "a module's memory image was changed");
    return wrt_fail(error, WRT_ERR_CORRUPT, "a module's metadata was changed: 4 KiB at %p",
                    (const void *)piece->bytes);
}

static enum wrt_status check_module_piece(const struct wrt_module *module, uint64_t p,
                                          struct wrt_error *error)
{
    const struct wrt_piece *piece = &module->pieces.items[p];
    return is_sound(piece) ? WRT_OK : damaged_module(module, piece, error);
}

enum wrt_status wrt_module_verify(const struct wrt_module *module, struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    for (uint64_t p = 0; p < module->pieces.count && status == WRT_OK; p++)
        status = check_module_piece(module, p, error);
    return status;
}

enum wrt_status wrt_module_scrub(const struct wrt_module *module, uint64_t *position,
                                 uint64_t pieces, struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    if (module->pieces.count == 0)
        return WRT_OK;
    for (uint64_t i = 0; i < pieces && status == WRT_OK; i++) {
        const uint64_t p = *position < module->pieces.count ? *position : 0;
        *position = p + 1;
        status = check_module_piece(module, p, error);
    }
    return status;
}

enum wrt_status wrt_seal_before_instance(const struct wrt_module *module,
                                         struct wrt_error *error)
{
    return is_on(WRT_CHECK_ENGINE_LOAD, module->partition) ? wrt_module_verify(module, error)
                                                            : WRT_OK;
}

/* ---- instances ---- */

struct range {
    const void *bytes;
    uint64_t size_bytes;
};

enum { INSTANCE_RANGES = 8 };

/* What does not change in an instance. */
static void ranges_of(const struct wrt_instance *i, struct range ranges[INSTANCE_RANGES])
{
    const struct wrt_module_info *info = &i->module->info;
    const uint64_t own = info->function_count - info->imported_function_count;
    const struct range all[INSTANCE_RANGES] = {
        {i, offsetof(struct wrt_instance, pieces)},
        {i->functions, info->function_count * sizeof *i->functions},
        {i->tables, info->table_count * sizeof *i->tables},
        {i->memories, info->memory_count * sizeof *i->memories},
        {i->globals, info->global_count * sizeof *i->globals},
        {i->own_functions, own * sizeof *i->own_functions},
        {i->tags, info->tag_count * sizeof *i->tags},
        {i->rtts, info->type_count * sizeof *i->rtts},
    };
    memcpy(ranges, all, sizeof all);
}

enum wrt_status wrt_instance_seal(struct wrt_instance *instance, struct wrt_block **blocks,
                                  struct wrt_error *error)
{
    struct wrt_partition *partition = instance->store->partition;
    struct range ranges[INSTANCE_RANGES];
    uint64_t count = 0;
    if (!is_on(WRT_CHECK_ENGINE_SEAL, partition))
        return WRT_OK;
    ranges_of(instance, ranges);
    for (int r = 0; r < INSTANCE_RANGES; r++)
        count += pieces_in(ranges[r].size_bytes);
    const enum wrt_status status =
        wrt_block_take(partition, blocks, WRT_CHARGE_RUNTIME, count,
                       sizeof *instance->pieces.items, &instance->pieces.items, error);
    for (int r = 0; r < INSTANCE_RANGES && status == WRT_OK; r++)
        add_range(&instance->pieces, ranges[r].bytes, ranges[r].size_bytes);
    return status;
}

/* ---- stores: their tables, then their instances, each with its module ---- */

static struct wrt_scrub first_of(const struct wrt_store *store)
{
    return (struct wrt_scrub){.table = store->tables, .instance = store->instances};
}

static const struct wrt_pieces *pieces_at(const struct wrt_scrub *at)
{
    return at->is_in_module ? &at->instance->module->pieces : &at->instance->pieces;
}

/* Instances of one module in a row have it checked once, behind the last of them. */
static bool is_last_of_module(const struct wrt_instance *instance)
{
    return instance->next == NULL || instance->next->module != instance->module;
}

/* Moves on to a piece that exists; false at the end. */
static bool settle(struct wrt_scrub *at)
{
    while (at->table != NULL && at->piece >= wrt_table_pieces(at->table)) {
        at->table = at->table->next;
        at->piece = 0;
    }
    while (at->table == NULL && at->instance != NULL && at->piece >= pieces_at(at)->count) {
        at->piece = 0;
        if (!at->is_in_module && is_last_of_module(at->instance)) {
            at->is_in_module = true;
            continue;
        }
        at->is_in_module = false;
        at->instance = at->instance->next;
    }
    return at->table != NULL || at->instance != NULL;
}

static enum wrt_status check_at(const struct wrt_scrub *at, struct wrt_error *error)
{
    if (at->table != NULL)
        return wrt_table_piece_is_sound(at->table, at->piece)
                   ? WRT_OK
                   : wrt_fail(error, WRT_ERR_CORRUPT, "a table of %llu elements was changed: "
                              "%s %llu", (unsigned long long)at->table->size,
                              at->piece == 0 ? "its head, piece" : "512 elements of piece",
                              (unsigned long long)at->piece);
    if (at->is_in_module)
        return check_module_piece(at->instance->module, at->piece, error);
    return is_sound(&at->instance->pieces.items[at->piece])
               ? WRT_OK
               : wrt_fail(error, WRT_ERR_CORRUPT, "an instance's pointers were changed: %p",
                          (const void *)at->instance->pieces.items[at->piece].bytes);
}

enum wrt_status wrt_store_verify(const struct wrt_store *store, struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    for (struct wrt_scrub at = first_of(store); status == WRT_OK && settle(&at); at.piece++)
        status = check_at(&at, error);
    return status;
}

enum wrt_status wrt_store_scrub(struct wrt_store *store, uint64_t pieces,
                                struct wrt_error *error)
{
    enum wrt_status status = WRT_OK;
    for (uint64_t i = 0; i < pieces && status == WRT_OK; i++) {
        if (!settle(&store->scrub)) {
            store->scrub = first_of(store);
            if (!settle(&store->scrub))
                return WRT_OK;
        }
        status = check_at(&store->scrub, error);
        store->scrub.piece++;
    }
    return status;
}

enum wrt_status wrt_seal_look_before_call(struct wrt_store *store)
{
    struct wrt_error error;
    const enum wrt_status status = wrt_store_verify(store, &error);
    if (status == WRT_OK)
        return WRT_OK;
    struct wrt_trap *trap = &store->exec.trap;
    *trap = (struct wrt_trap){.kind = WRT_TRAP_NONE};
    memcpy(trap->text, error.text, sizeof trap->text - 1);
    store->frame_count = store->kept_frames = 0;
    return status;
}
