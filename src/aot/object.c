/* aot/object.c - object files of compiled modules: checked as bytes, then loaded.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything that can be wrong with a file is found in its bytes, and those bytes are what is
 * loaded: the port copies them to where nobody else can write.
 */
#include <string.h>

#include "base/error.h"
#include "base/sha256.h"
#include "elf.h"
#include "engine/native_abi.h"
#include "port.h"

#define MODULE_SECTION "wrt_native_module"

struct wrt_native {
    struct wrt_partition *partition;
    uint64_t charged_bytes;
    struct wrt_port_code code;
    const struct wrt_native_object *object;
};

bool wrt_native_is_object(const void *bytes, size_t size_bytes)
{
    return size_bytes >= 4 && memcmp(bytes, "\177ELF", 4) == 0;
}

void wrt_native_hash(const void *bytes, size_t size_bytes, uint8_t out[32])
{
    struct wrt_sha256 hash;
    wrt_sha256_begin(&hash);
    wrt_sha256_add(&hash, bytes, size_bytes);
    wrt_sha256_end(&hash, out);
}

/* The hash of the file with the place for it zero. */
static void hash_around(const uint8_t *bytes, size_t size_bytes, uint64_t hole, uint8_t out[32])
{
    static const uint8_t zero[32];
    struct wrt_sha256 hash;
    wrt_sha256_begin(&hash);
    wrt_sha256_add(&hash, bytes, (size_t)hole);
    wrt_sha256_add(&hash, zero, sizeof zero);
    wrt_sha256_add(&hash, bytes + hole + sizeof zero, size_bytes - (size_t)hole - sizeof zero);
    wrt_sha256_end(&hash, out);
}

static bool is_text(const char *text, size_t room)
{
    return memchr(text, '\0', room) != NULL;
}

/* Finds the record; its place in the file, too. */
static enum wrt_status find_info(const struct wrt_elf *elf, struct wrt_native_info *out,
                                 uint64_t *out_offset, struct wrt_error *error)
{
    uint64_t size_bytes;
    enum wrt_status status = wrt_elf_section(elf, WRT_NATIVE_SECTION, out_offset, &size_bytes,
                                             error);
    if (status != WRT_OK)
        return status;
    memset(out, 0, sizeof *out);
    memcpy(out, elf->bytes + *out_offset, size_bytes < sizeof *out ? (size_t)size_bytes
                                                                   : sizeof *out);
    if (memcmp(out->magic, WRT_NATIVE_MAGIC, sizeof out->magic) != 0)
        return wrt_fail(error, WRT_ERR_MALFORMED, "object file: its record does not begin right");
    if (out->abi != WRT_NATIVE_ABI || out->info_bytes != sizeof *out || size_bytes != sizeof *out)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "object file: made for ABI %u, this build has %u: compile it again",
                        out->abi, WRT_NATIVE_ABI);
    if (!is_text(out->target, sizeof out->target) ||
        !is_text(out->compiler, sizeof out->compiler) ||
        !is_text(out->translator, sizeof out->translator) ||
        !is_text(out->options, sizeof out->options))
        return wrt_fail(error, WRT_ERR_MALFORMED, "object file: its record has text without end");
    return WRT_OK;
}

static void describe(const struct wrt_native_info *info, const uint8_t *module,
                     struct wrt_native_description *out)
{
    *out = (struct wrt_native_description){
        .module = {module, (size_t)info->module_bytes},
        .target = info->target, .compiler = info->compiler, .translator = info->translator,
        .options = info->options, .has_compares = info->memory_mode == WRT_NATIVE_COMPARE,
        .checks_stops = info->stop_mode != WRT_NATIVE_STOP_NONE,
        .meters_fuel = info->stop_mode == WRT_NATIVE_STOP_FUEL};
    memcpy(out->module_sha256, info->module_sha256, sizeof out->module_sha256);
}

static enum wrt_status check_hashes(const struct wrt_elf *elf, const struct wrt_native_info *info,
                                    uint64_t info_offset, uint64_t module_offset,
                                    struct wrt_error *error)
{
    uint8_t digest[32];
    hash_around(elf->bytes, (size_t)elf->size_bytes,
                info_offset + offsetof(struct wrt_native_info, file_sha256), digest);
    if (memcmp(digest, info->file_sha256, sizeof digest) != 0)
        return wrt_fail(error, WRT_ERR_CORRUPT, "object file: changed since it was made (its "
                        "SHA-256 is not the one it carries)");
    wrt_native_hash(elf->bytes + module_offset, (size_t)info->module_bytes, digest);
    if (memcmp(digest, info->module_sha256, sizeof digest) != 0)
        return wrt_fail(error, WRT_ERR_CORRUPT, "object file: its module is not the one that was "
                        "compiled");
    return WRT_OK;
}

enum wrt_status wrt_native_peek(const void *bytes, size_t size_bytes,
                                struct wrt_native_description *out, struct wrt_error *error)
{
    if (bytes == NULL || out == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "bytes and out must not be NULL");
    const struct wrt_elf elf = {bytes, size_bytes};
    struct wrt_native_info info;
    uint64_t info_offset = 0, module_offset = 0, module_bytes = 0;
    enum wrt_status status = wrt_elf_check(&elf, error);
    if (status == WRT_OK)
        status = wrt_elf_check_machine(&elf, error);
    if (status == WRT_OK)
        status = find_info(&elf, &info, &info_offset, error);
    if (status == WRT_OK)
        status = wrt_elf_section(&elf, MODULE_SECTION, &module_offset, &module_bytes, error);
    if (status == WRT_OK && module_bytes < info.module_bytes)
        status = wrt_fail(error, WRT_ERR_MALFORMED, "object file: its module is cut off");
    if (status == WRT_OK)
        status = check_hashes(&elf, &info, info_offset, module_offset, error);
    if (status != WRT_OK)
        return status;
    const char *record = (const char *)elf.bytes + info_offset;
    describe(&info, elf.bytes + module_offset, out);
    out->target = record + offsetof(struct wrt_native_info, target);
    out->compiler = record + offsetof(struct wrt_native_info, compiler);
    out->translator = record + offsetof(struct wrt_native_info, translator);
    out->options = record + offsetof(struct wrt_native_info, options);
    return WRT_OK;
}

enum wrt_status wrt_native_seal(void *bytes, size_t size_bytes, struct wrt_error *error)
{
    if (bytes == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "bytes must not be NULL");
    const struct wrt_elf elf = {bytes, size_bytes};
    struct wrt_native_info info;
    uint64_t offset = 0;
    enum wrt_status status = wrt_elf_check(&elf, error);
    if (status == WRT_OK)
        status = find_info(&elf, &info, &offset, error);
    if (status != WRT_OK)
        return status;
    uint8_t digest[32];
    const uint64_t hole = offset + offsetof(struct wrt_native_info, file_sha256);
    hash_around(bytes, size_bytes, hole, digest);
    memcpy((uint8_t *)bytes + hole, digest, sizeof digest);
    return WRT_OK;
}

static enum wrt_status load(struct wrt_native *native, const void *bytes, size_t size_bytes,
                            struct wrt_error *error)
{
    const void *symbol = NULL;
    enum wrt_status status = wrt_port_code_open(bytes, size_bytes, &native->code);
    if (status == WRT_ERR_UNSUPPORTED)
        return wrt_fail(error, status, "this system loads no code at run time; link it instead");
    if (status != WRT_OK)
        return wrt_fail(error, status, "object file: the system's loader refused it");
    status = wrt_port_code_symbol(&native->code, WRT_NATIVE_SYMBOL, &symbol);
    if (status != WRT_OK) {
        wrt_port_code_close(&native->code);
        return wrt_fail(error, WRT_ERR_MALFORMED, "object file: no symbol " WRT_NATIVE_SYMBOL);
    }
    native->object = symbol;
    return WRT_OK;
}

static enum wrt_status check_pin(const void *bytes, size_t size_bytes, const uint8_t *pin,
                                 struct wrt_error *error)
{
    uint8_t digest[32];
    if (pin == NULL)
        return WRT_OK;
    wrt_native_hash(bytes, size_bytes, digest);
    return memcmp(digest, pin, sizeof digest) == 0
               ? WRT_OK
               : wrt_fail(error, WRT_ERR_DENIED, "object file: its SHA-256 is not the one pinned");
}

enum wrt_status wrt_native_open(struct wrt_partition *partition, const void *bytes,
                                size_t size_bytes, const uint8_t *pin, struct wrt_native **out,
                                struct wrt_error *error)
{
    if (partition == NULL || bytes == NULL || out == NULL)
        return wrt_fail(error, WRT_ERR_ARGUMENT, "partition, bytes and out must not be NULL");
    struct wrt_native_description what;
    struct wrt_native *native = NULL;
    void *memory = NULL;
    enum wrt_status status = check_pin(bytes, size_bytes, pin, error);
    if (status == WRT_OK)
        status = wrt_native_peek(bytes, size_bytes, &what, error);
    if (status == WRT_OK)
        status = wrt_partition_allocate(partition, WRT_CHARGE_RUNTIME, sizeof *native, 0, &memory,
                                        error);
    if (status != WRT_OK)
        return status;
    native = memory;
    *native = (struct wrt_native){.partition = partition, .charged_bytes = size_bytes};
    status = wrt_partition_charge(partition, WRT_CHARGE_CODE, size_bytes, error);
    if (status == WRT_OK) {
        status = load(native, bytes, size_bytes, error);
        if (status != WRT_OK)
            wrt_partition_uncharge(partition, WRT_CHARGE_CODE, size_bytes);
    }
    if (status != WRT_OK) {
        wrt_partition_free(partition, WRT_CHARGE_RUNTIME, native, sizeof *native);
        return status;
    }
    *out = native;
    return WRT_OK;
}

const struct wrt_native_object *wrt_native_get_object(const struct wrt_native *native)
{
    return native->object;
}

void wrt_native_describe(const struct wrt_native_object *object,
                         struct wrt_native_description *out)
{
    describe(object->info, object->module, out);
}

void wrt_native_close(struct wrt_native *native)
{
    if (native == NULL)
        return;
    struct wrt_partition *partition = native->partition;
    wrt_port_code_close(&native->code);
    wrt_partition_uncharge(partition, WRT_CHARGE_CODE, native->charged_bytes);
    wrt_partition_free(partition, WRT_CHARGE_RUNTIME, native, sizeof *native);
}
