/* aot/elf.h - what an ELF shared object says, read without loading it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_AOT_ELF_H
#define WRT_AOT_ELF_H

#include "wrt/native.h"

struct wrt_elf {
    const uint8_t *bytes;
    uint64_t size_bytes;
};

/* Is it a shared object that can be loaded without running anything of it, and with no page both
 * writable and executable? */
WRT_MUST_CHECK enum wrt_status wrt_elf_check(const struct wrt_elf *elf, struct wrt_error *error);
/* ERR_UNSUPPORTED: for another machine than this one. */
WRT_MUST_CHECK enum wrt_status wrt_elf_check_machine(const struct wrt_elf *elf,
                                                     struct wrt_error *error);
/* The section's place in the file. ERR_MALFORMED: there is none. */
WRT_MUST_CHECK enum wrt_status wrt_elf_section(const struct wrt_elf *elf, const char *name,
                                               uint64_t *out_offset, uint64_t *out_bytes,
                                               struct wrt_error *error);

#endif
