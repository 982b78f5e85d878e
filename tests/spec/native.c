/* native.c - modules of a script in their compiled form.
 * SPDX-License-Identifier: Apache-2.0
 *
 * `wrt compile` says by its exit status that it does not translate a module (250); such modules
 * are interpreted, in the same store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spectest.h"

/* Exit statuses of `wrt`: the loader says the same, or wasm2c does not translate it. */
enum { MALFORMED = 242, INVALID = 243, UNSUPPORTED = 250, MAX_BYTES = 64 << 20 };

static bool write_module(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL)
        return false;
    const bool ok = fwrite(bytes, 1, size, file) == size;
    return fclose(file) == 0 && ok;
}

struct wrt_native *native_compile(const struct options *options, struct wrt_partition *partition,
                                  const char *bytes, size_t size, char *why, size_t why_bytes)
{
    char folder[] = "/tmp/wrt-spectest-XXXXXX", module[64], object[64], command[4096];
    struct wrt_native *native = NULL;
    struct wrt_error error = {0};
    why[0] = '\0';
    if (mkdtemp(folder) == NULL)
        return NULL;
    snprintf(module, sizeof module, "%s/m.wasm", folder);
    snprintf(object, sizeof object, "%s/m.so", folder);
    snprintf(command, sizeof command, "%s -o %s %s 2>%s/log", options->compile, object, module,
             folder);
    const int status = write_module(module, bytes, size) ? system(command) : -1;
    if (status == 0) {
        size_t object_bytes = 0;
        char *data = file_read(object, MAX_BYTES, &object_bytes);
        if (data == NULL ||
            wrt_native_open(partition, data, object_bytes, NULL, &native, &error) != WRT_OK)
            snprintf(why, why_bytes, "the object cannot be opened: %s", error.text);
        free(data);
    } else if (!WIFEXITED(status) ||
               (WEXITSTATUS(status) != UNSUPPORTED && WEXITSTATUS(status) != MALFORMED &&
                WEXITSTATUS(status) != INVALID)) {
        snprintf(command, sizeof command, "cat %s/log", folder);
        (void)!system(command);
        snprintf(why, why_bytes, "wrt compile failed with status %d", status);
    }
    snprintf(command, sizeof command, "rm -rf %s", folder);
    (void)!system(command);
    ++*(native != NULL ? options->compiled : options->interpreted);
    return native;
}
