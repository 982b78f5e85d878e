/* cmake/library_start.c - what the compiler's own start files give a shared library or a program,
 * with landing pads.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A loader enforces landing pads only on a file whose every object is marked, and then on each
 * function that it calls. Debian 12's start files have neither marks nor pads, so what we ship on
 * Linux for AArch64 and x86-64 is linked without them. All that it needs of them: its own handle,
 * its farewell to the C library, and (libgcc's) whether AArch64 has atomic instructions.
 */
#include <stdbool.h>
#include <sys/auxv.h>

#define HIDDEN __attribute__((visibility("hidden")))

extern void *__dso_handle HIDDEN;
void *__dso_handle = &__dso_handle;

extern void __cxa_finalize(void *handle);

static __attribute__((destructor)) void finish(void) { __cxa_finalize(__dso_handle); }

#if defined(__aarch64__)
enum { HAS_ATOMICS = 1 << 8 }; /* AT_HWCAP */

extern bool __aarch64_have_lse_atomics HIDDEN;
bool __aarch64_have_lse_atomics;

static __attribute__((constructor)) void start(void)
{
    __aarch64_have_lse_atomics = (getauxval(AT_HWCAP) & HAS_ATOMICS) != 0;
}
#endif
