/* src/tenant/authentic.c - see authentic.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/authentic.h"

#include "base/error.h"
#include "wrt/secure.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *module_path(const struct wrt_tenant_config *config)
{
    return wrt_config_text(config, config->module);
}

static enum wrt_status check_digest(const struct wrt_tenant_config *config,
                                    const uint8_t digest[WRT_SHA256_BYTES],
                                    struct wrt_error *error)
{
    if (config->lines[WRT_KEY_SHA256] == 0 ||
        wrt_ct_equal(digest, config->sha256, WRT_SHA256_BYTES) != 0)
        return WRT_OK;
    return wrt_fail(error, WRT_ERR_CORRUPT, "%s does not have the sha256 of line %" PRIu32,
                    module_path(config), config->lines[WRT_KEY_SHA256]);
}

/* The file holds the signature's 64 bytes and nothing else. */
static enum wrt_status read_signature(const char *path, uint8_t out[WRT_SIGNATURE_BYTES],
                                      struct wrt_error *error)
{
    uint8_t bytes[WRT_SIGNATURE_BYTES + 1];
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return wrt_fail(error, WRT_ERR_UNTRUSTED, "no signature: cannot open %s: %s", path,
                        strerror(errno));
    size_t got = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    if (got != WRT_SIGNATURE_BYTES)
        return wrt_fail(error, WRT_ERR_UNTRUSTED, "%s is no signature: it must have %d bytes",
                        path, (int)WRT_SIGNATURE_BYTES);
    memcpy(out, bytes, WRT_SIGNATURE_BYTES);
    return WRT_OK;
}

static enum wrt_status check_signature(const struct wrt_tenant_config *config,
                                       const uint8_t digest[WRT_SHA256_BYTES],
                                       struct wrt_error *error)
{
    uint8_t signature[WRT_SIGNATURE_BYTES];
    char path[WRT_TENANT_TEXT + 8], message[32 + 2 * WRT_SHA256_BYTES];
    if (config->lines[WRT_KEY_ED25519_KEY] == 0)
        return WRT_OK;
    if (!wrt_signature_is_supported)
        return wrt_fail(error, WRT_ERR_UNTRUSTED, "built without libsodium: no signature of %s "
                        "can be verified", module_path(config));
    snprintf(path, sizeof path, "%s%s",
             wrt_config_text(config, config->signature != 0 ? config->signature : config->module),
             config->signature != 0 ? "" : ".sig");
    enum wrt_status status = read_signature(path, signature, error);
    if (status != WRT_OK)
        return status;
    int length = snprintf(message, sizeof message, "wrt module sha256 ");
    for (unsigned i = 0; i < WRT_SHA256_BYTES; i++)
        length += snprintf(message + length, sizeof message - (size_t)length, "%02x", digest[i]);
    message[length++] = '\n';
    if (wrt_signature_is_good(signature, message, (size_t)length, config->ed25519_key))
        return WRT_OK;
    return wrt_fail(error, WRT_ERR_UNTRUSTED, "%s is not signed by the key of line %" PRIu32,
                    module_path(config), config->lines[WRT_KEY_ED25519_KEY]);
}

enum wrt_status wrt_authentic_check(const struct wrt_tenant_config *config,
                                    struct wrt_sha256 *hash, struct wrt_error *error)
{
    uint8_t digest[WRT_SHA256_BYTES];
    if (!wrt_authentic_is_asked(config))
        return WRT_OK;
    wrt_sha256_end(hash, digest);
    enum wrt_status status = check_digest(config, digest, error);
    return status == WRT_OK ? check_signature(config, digest, error) : status;
}
