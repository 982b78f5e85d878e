/* src/tenant/signature_none.c - a build without libsodium: no signature is good.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/authentic.h"

const bool wrt_signature_is_supported = false;

bool wrt_signature_is_good(const uint8_t signature[WRT_SIGNATURE_BYTES], const void *message,
                           size_t message_bytes, const uint8_t key[WRT_DIGEST_BYTES])
{
    (void)signature, (void)message, (void)message_bytes, (void)key;
    return false;
}
