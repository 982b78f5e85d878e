/* src/integrity/seal.c - checksums over what must not change.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wrt/integrity.h"

#include "base/crc32c.h"

enum { PIECE_BYTES = 4096 };

uint64_t wrt_seal_checksums(uint64_t size_bytes)
{
    return size_bytes / PIECE_BYTES + (size_bytes % PIECE_BYTES != 0);
}

static uint32_t piece_crc(const struct wrt_seal *seal, uint64_t piece)
{
    uint64_t start = piece * PIECE_BYTES;
    uint64_t left = seal->size_bytes - start;

    return wrt_crc32c(0, seal->bytes + start,
                      (size_t)(left < PIECE_BYTES ? left : PIECE_BYTES));
}

enum wrt_status wrt_seal_set(struct wrt_seal *seal, const void *bytes, uint64_t size_bytes,
                             uint32_t *checksum, uint64_t checksum_count)
{
    struct wrt_seal made = {.bytes = bytes, .size_bytes = size_bytes, .checksum = checksum};

    if (bytes == NULL || size_bytes == 0 || checksum == NULL)
        return WRT_ERR_ARGUMENT;
    if (checksum_count < wrt_seal_checksums(size_bytes))
        return WRT_ERR_NO_SPACE;
    for (uint64_t piece = 0; piece < wrt_seal_checksums(size_bytes); piece++)
        checksum[piece] = piece_crc(&made, piece);
    *seal = made;
    return WRT_OK;
}

enum wrt_status wrt_seal_check(const struct wrt_seal *seal, uint64_t *out_offset)
{
    for (uint64_t piece = 0; piece < wrt_seal_checksums(seal->size_bytes); piece++) {
        if (piece_crc(seal, piece) == seal->checksum[piece])
            continue;
        if (out_offset != NULL)
            *out_offset = piece * PIECE_BYTES;
        return WRT_ERR_CORRUPT;
    }
    return WRT_OK;
}

enum wrt_status wrt_seal_scrub(struct wrt_seal *seal, uint64_t steps)
{
    uint64_t pieces = wrt_seal_checksums(seal->size_bytes);
    enum wrt_status status = WRT_OK;

    for (uint64_t step = 0; step < steps && step < pieces; step++) {
        if (piece_crc(seal, seal->next) != seal->checksum[seal->next])
            status = WRT_ERR_CORRUPT;
        seal->next = (seal->next + 1) % pieces;
    }
    return status;
}
