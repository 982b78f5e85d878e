/* src/tenant/signature_sodium.c - Ed25519 by libsodium, which the supervisor alone links.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/authentic.h"

#include <sodium.h>

const bool wrt_signature_is_supported = true;

bool wrt_signature_is_good(const uint8_t signature[WRT_SIGNATURE_BYTES], const void *message,
                           size_t message_bytes, const uint8_t key[WRT_DIGEST_BYTES])
{
    return sodium_init() >= 0 && /* once; later calls find it done */
           crypto_sign_verify_detached(signature, message, message_bytes, key) == 0;
}
