/* src/tenant/authentic.h - is a tenant's module the one that its manifest means?
 * SPDX-License-Identifier: Apache-2.0
 *
 * `sha256` pins the bytes. `ed25519_key` asks for a signature by its owner, over this line of
 * text, which leaves no doubt what was signed and needs no module in memory as a whole:
 *
 *     wrt module sha256 HEX\n       (64 lower-case digits)
 *
 * Both may be given; then both must hold. Digests are compared in constant time.
 */
#ifndef WRT_TENANT_AUTHENTIC_H
#define WRT_TENANT_AUTHENTIC_H

#include "base/sha256.h"
#include "tenant/config.h"

enum { WRT_SIGNATURE_BYTES = 64 };

static inline bool wrt_authentic_is_asked(const struct wrt_tenant_config *config)
{
    return (config->lines[WRT_KEY_SHA256] | config->lines[WRT_KEY_ED25519_KEY]) != 0;
}

/* Ends *hash, of the module's bytes. OK if nothing is asked. ERR_CORRUPT: it has another SHA-256;
 * ERR_UNTRUSTED: the signature cannot be read, is not by that key, or this build has no
 * libsodium. May block on the file system. */
WRT_MUST_CHECK enum wrt_status wrt_authentic_check(const struct wrt_tenant_config *config,
                                                   struct wrt_sha256 *hash,
                                                   struct wrt_error *error);

/* ---- signature_sodium.c, signature_none.c ---- */

extern const bool wrt_signature_is_supported;
bool wrt_signature_is_good(const uint8_t signature[WRT_SIGNATURE_BYTES], const void *message,
                           size_t message_bytes, const uint8_t key[WRT_DIGEST_BYTES]);

#endif
