/* cli/keep.c - how the command line writes what it keeps: whole or not at all.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The bytes go into a file beside, onto the disk, and only then take the name: a failure or a power
 * cut leaves the old file or the new one (tests/powercut cuts at each step).
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static bool write_part(const char *part, const void *bytes, size_t size)
{
    FILE *out = fopen(part, "wb");
    if (out == NULL)
        return false;
    const bool is_written = fwrite(bytes, 1, size, out) == size && fflush(out) == 0 &&
                            fsync(fileno(out)) == 0;
    return fclose(out) == 0 && is_written;
}

int cli_keep_file(const char *file, const void *bytes, size_t size)
{
    char part[4096];
    const int length = snprintf(part, sizeof part, "%s.%ld.part", file, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof part)
        return cli_fail(CLI_EXIT_FILE, "the name %s is too long", file);
    struct stat old;
    if (stat(file, &old) == 0 && !S_ISREG(old.st_mode)) /* a device would lose its name */
        return cli_fail(CLI_EXIT_FILE, "cannot write %s: not a regular file", file);
    if (write_part(part, bytes, size) && rename(part, file) == 0)
        return CLI_EXIT_OK;
    const int why = errno;
    (void)!remove(part);
    return cli_fail(CLI_EXIT_FILE, "cannot write %s: %s", file, strerror(why));
}
