/* aot/elf.c - see elf.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only ELF of 64 bits and little-endian, by the numbers of the System V ABI. Every offset and
 * count is hostile: each read is checked against the file.
 */
#include <string.h>

#include "base/error.h"
#include "elf.h"

#if defined(__x86_64__)
#define OUR_MACHINE 62
#elif defined(__aarch64__)
#define OUR_MACHINE 183
#else
#define OUR_MACHINE 0
#endif

enum { TYPE_SHARED = 3, SEGMENT_LOAD = 1, SEGMENT_DYNAMIC = 2, SEGMENT_STACK = 0x6474e551,
       FLAG_EXECUTE = 1, FLAG_WRITE = 2 };
enum { DYNAMIC_INIT = 12, DYNAMIC_FINI = 13, DYNAMIC_TEXTREL = 22, DYNAMIC_INIT_ARRAY = 25,
       DYNAMIC_FINI_ARRAY = 26, DYNAMIC_PREINIT_ARRAY = 32 };
enum { HEADER_BYTES = 64, PROGRAM_BYTES = 56, SECTION_BYTES = 64, DYNAMIC_BYTES = 16 };

static const uint8_t *at(const struct wrt_elf *elf, uint64_t offset, uint64_t bytes)
{
    return offset <= elf->size_bytes && bytes <= elf->size_bytes - offset ? elf->bytes + offset
                                                                          : NULL;
}

static uint64_t number(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

static enum wrt_status bad(struct wrt_error *error, const char *what)
{
    return wrt_fail(error, WRT_ERR_MALFORMED, "object file: %s", what);
}

/* DT_INIT and its kind would run before anything of ours looks at the code. */
static enum wrt_status check_dynamic(const struct wrt_elf *elf, uint64_t offset, uint64_t bytes,
                                     struct wrt_error *error)
{
    for (uint64_t i = 0; i < bytes / DYNAMIC_BYTES; i++) {
        const uint8_t *entry = at(elf, offset + i * DYNAMIC_BYTES, DYNAMIC_BYTES);
        if (entry == NULL)
            return bad(error, "its dynamic section is cut off");
        switch (number(entry, 8)) {
        case 0: return WRT_OK;
        case DYNAMIC_INIT: case DYNAMIC_FINI: case DYNAMIC_INIT_ARRAY: case DYNAMIC_FINI_ARRAY:
        case DYNAMIC_PREINIT_ARRAY:
            return wrt_fail(error, WRT_ERR_DENIED, "object file: has code that runs at load");
        case DYNAMIC_TEXTREL:
            return wrt_fail(error, WRT_ERR_DENIED, "object file: its code would be written to");
        default: break;
        }
    }
    return WRT_OK;
}

static enum wrt_status check_program(const struct wrt_elf *elf, const uint8_t *program,
                                     bool *has_stack, struct wrt_error *error)
{
    const uint64_t type = number(program, 4), flags = number(program + 4, 4);
    if (type == SEGMENT_DYNAMIC)
        return check_dynamic(elf, number(program + 8, 8), number(program + 32, 8), error);
    if (type == SEGMENT_STACK)
        *has_stack = (flags & FLAG_EXECUTE) == 0;
    if (type == SEGMENT_LOAD && (flags & FLAG_EXECUTE) != 0 && (flags & FLAG_WRITE) != 0)
        return wrt_fail(error, WRT_ERR_DENIED, "object file: pages both writable and executable");
    return WRT_OK;
}

enum wrt_status wrt_elf_check_machine(const struct wrt_elf *elf, struct wrt_error *error)
{
    const uint8_t *header = at(elf, 0, HEADER_BYTES);
    if (header == NULL || number(header + 18, 2) == OUR_MACHINE)
        return header == NULL ? bad(error, "not ELF") : WRT_OK;
    return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                    "object file: for another machine (ELF machine %u, here %u)",
                    (unsigned)number(header + 18, 2), OUR_MACHINE);
}

enum wrt_status wrt_elf_check(const struct wrt_elf *elf, struct wrt_error *error)
{
    const uint8_t *header = at(elf, 0, HEADER_BYTES);
    bool has_stack = false;
    if (header == NULL || memcmp(header, "\177ELF", 4) != 0)
        return bad(error, "not ELF");
    if (header[4] != 2 || header[5] != 1)
        return wrt_fail(error, WRT_ERR_UNSUPPORTED,
                        "object file: not of 64 bits and little-endian");
    if (number(header + 16, 2) != TYPE_SHARED || number(header + 54, 2) != PROGRAM_BYTES)
        return bad(error, "not a shared object");
    const uint64_t first = number(header + 32, 8), count = number(header + 56, 2);
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *program =
            first > elf->size_bytes ? NULL : at(elf, first + i * PROGRAM_BYTES, PROGRAM_BYTES);
        if (program == NULL)
            return bad(error, "its program headers are cut off");
        const enum wrt_status status = check_program(elf, program, &has_stack, error);
        if (status != WRT_OK)
            return status;
    }
    return has_stack ? WRT_OK
                     : wrt_fail(error, WRT_ERR_DENIED, "object file: asks for an executable stack");
}

enum wrt_status wrt_elf_section(const struct wrt_elf *elf, const char *name, uint64_t *out_offset,
                                uint64_t *out_bytes, struct wrt_error *error)
{
    const uint8_t *header = at(elf, 0, HEADER_BYTES);
    if (header == NULL || number(header + 58, 2) != SECTION_BYTES)
        return bad(error, "no section headers");
    const uint64_t first = number(header + 40, 8), count = number(header + 60, 2);
    const uint64_t names = number(header + 62, 2);
    if (first > elf->size_bytes || names >= count)
        return bad(error, "its section headers are cut off");
    const uint8_t *table = at(elf, first, count * SECTION_BYTES);
    if (table == NULL)
        return bad(error, "its section headers are cut off");
    const uint64_t strings = number(table + names * SECTION_BYTES + 24, 8);
    for (uint64_t i = 0; i < count; i++) {
        const uint8_t *section = table + i * SECTION_BYTES;
        const size_t wanted = strlen(name) + 1;
        const uint8_t *text = strings > elf->size_bytes
                                  ? NULL
                                  : at(elf, strings + number(section, 4), wanted);
        if (text == NULL || memcmp(text, name, wanted) != 0)
            continue;
        *out_offset = number(section + 24, 8);
        *out_bytes = number(section + 32, 8);
        return at(elf, *out_offset, *out_bytes) != NULL ? WRT_OK
                                                        : bad(error, "a section is cut off");
    }
    return wrt_fail(error, WRT_ERR_MALFORMED, "object file: not made by wrt compile (no section %s)",
                    name);
}
