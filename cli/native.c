/* cli/native.c - files that hold native code, for `run` and `inspect`.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Native code runs with the rights of the process, so it is loaded only where the file's name
 * ends with .so, or --native says so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "aot.h"
#include "session.h"

static bool ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text), length = strlen(end);
    return size >= length && strcmp(text + size - length, end) == 0;
}

static int read_object(const char *file, struct aot_buffer *out)
{
    static char chunk[65536];
    size_t got;
    FILE *in = fopen(file, "rb");
    if (in == NULL)
        return cli_fail(CLI_EXIT_FILE, "cannot open %s: %s", file, strerror(errno));
    while ((got = fread(chunk, 1, sizeof chunk, in)) > 0 &&
           (out->size != 0 || wrt_native_is_object(chunk, got)))
        aot_put(out, chunk, got);
    const bool failed = ferror(in) != 0 || out->failed;
    fclose(in);
    return failed ? cli_fail(CLI_EXIT_FILE, "cannot read %s", file) : CLI_EXIT_OK;
}

int cli_native_open(const struct cli_session_config *config, struct wrt_partition *partition,
                    struct wrt_native **out)
{
    struct aot_buffer bytes = {0};
    struct wrt_error error = {0};
    if (config->module.data != NULL || (!config->is_native && !ends_with(config->file, ".so")))
        return CLI_EXIT_OK;
    int code = read_object(config->file, &bytes);
    if (code == CLI_EXIT_OK && bytes.size == 0 && config->has_pin)
        code = cli_fail(CLI_EXIT_MALFORMED, "%s is no native code, but a hash was given for it",
                        config->file);
    else if (code == CLI_EXIT_OK && bytes.size != 0) {
        const enum wrt_status status =
            wrt_native_open(partition, bytes.data, bytes.size,
                            config->has_pin ? config->pin : NULL, out, &error);
        if (status != WRT_OK)
            code = cli_fail_status(config->file, status, &error);
    }
    aot_free(&bytes);
    return code;
}

int cli_native_check(const struct cli_session *session, bool has_fuel, bool has_deadline)
{
    struct wrt_native_description what;
    if (session->native == NULL)
        return CLI_EXIT_OK;
    wrt_native_describe(wrt_native_get_object(session->native), &what);
    if (has_fuel && !what.meters_fuel)
        return cli_fail(CLI_EXIT_UNSUPPORTED, "%s was compiled with %s; --fuel needs --stop fuel",
                        session->config->file, what.options);
    if (has_deadline && !what.checks_stops)
        return cli_fail(CLI_EXIT_UNSUPPORTED, "%s was compiled with %s; --deadline needs "
                        "--stop check or fuel", session->config->file, what.options);
    return CLI_EXIT_OK;
}

static void print_object(const char *file, size_t size, const struct wrt_native_description *what)
{
    printf("%s: native code of %zu bytes for %s\n", file, size, what->target);
    printf("made by %s and %s\n", what->translator, what->compiler);
    printf("options: %s\n", what->options);
    printf("bounds: %s; stops: %s\n", what->has_compares ? "compares" : "guard pages",
           what->meters_fuel    ? "interrupt, deadline, fuel"
           : what->checks_stops ? "interrupt, deadline"
                                : "only at calls");
    fputs("SHA-256 of its module: ", stdout);
    for (size_t i = 0; i < sizeof what->module_sha256; i++)
        printf("%02x", what->module_sha256[i]);
    putchar('\n');
}

int cli_native_inspect(const char *file, struct wrt_partition *partition, struct wrt_module **out)
{
    struct aot_buffer bytes = {0};
    struct wrt_error error = {0};
    struct wrt_native_description what;
    int code = read_object(file, &bytes);
    if (code == CLI_EXIT_OK && bytes.size != 0) {
        enum wrt_status status = wrt_native_peek(bytes.data, bytes.size, &what, &error);
        if (status == WRT_OK) {
            print_object(file, bytes.size, &what);
            status = wrt_module_load(partition, NULL, what.module.data, what.module.size_bytes,
                                     out, &error);
        }
        if (status != WRT_OK)
            code = cli_fail_status(file, status, &error);
    }
    aot_free(&bytes);
    return code;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool cli_parse_hash(const char *text, uint8_t out[32])
{
    if (strlen(text) != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        const int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
