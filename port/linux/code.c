/* port/linux/code.c - loads a shared object from memory.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The bytes go to a memory object that is sealed against every change before the dynamic linker
 * maps it, so what was checked is what runs.
 */
#define _GNU_SOURCE
#include "linux.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static bool write_all(int file, const char *bytes, size_t size_bytes)
{
    while (size_bytes != 0) {
        const ssize_t written = write(file, bytes, size_bytes);
        if (written <= 0)
            return false;
        bytes += written;
        size_bytes -= (size_t)written;
    }
    return true;
}

/* The dynamic linker takes a path that it has seen for the object that it loaded then, so each
 * must be spelled differently: a counter, bit by bit, as "/." or "/". */
static void name_path(int file, char out[128])
{
    static _Atomic uint32_t loaded;
    uint32_t count = atomic_fetch_add(&loaded, 1);
    char *at = out + snprintf(out, 128, "/proc/self/fd");
    for (int bit = 0; bit < 32; bit++, count >>= 1) {
        *at++ = '/';
        if ((count & 1) != 0)
            *at++ = '.';
    }
    (void)snprintf(at, 24, "/%d", file);
}

static enum wrt_status load(int file, const void *bytes, size_t size_bytes,
                            struct wrt_port_code *out)
{
    char path[128];
    if (!write_all(file, bytes, size_bytes))
        return WRT_ERR_NO_MEMORY;
    if (fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return WRT_ERR_UNSUPPORTED;
    name_path(file, path);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return WRT_ERR_MALFORMED;
    out->handle = handle;
    return WRT_OK;
}

enum wrt_status wrt_port_code_open(const void *bytes, size_t size_bytes, struct wrt_port_code *out)
{
    const int file = memfd_create("wrt-native", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (file < 0)
        return WRT_ERR_UNSUPPORTED;
    const enum wrt_status status = load(file, bytes, size_bytes, out);
    (void)close(file);
    return status;
}

enum wrt_status wrt_port_code_symbol(const struct wrt_port_code *code, const char *name,
                                     const void **out)
{
    const void *symbol = dlsym(code->handle, name);
    if (symbol == NULL)
        return WRT_ERR_NOT_FOUND;
    *out = symbol;
    return WRT_OK;
}

void wrt_port_code_close(struct wrt_port_code *code)
{
    (void)dlclose(code->handle);
}
