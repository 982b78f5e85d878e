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

static enum wrt_status load(int file, const void *bytes, size_t size_bytes,
                            struct wrt_port_code *out)
{
    char path[40];
    if (!write_all(file, bytes, size_bytes))
        return WRT_ERR_NO_MEMORY;
    if (fcntl(file, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return WRT_ERR_UNSUPPORTED;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
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
