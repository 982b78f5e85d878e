/* cli/frozen.c - paused programs as files: see frozen.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "frozen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint8_t magic[8] = {0, 'w', 'r', 't', 'r', 'u', 'n', 1};

enum { MAX_STRINGS = 65536 };

static uint32_t checksum(const uint8_t *bytes, size_t size_bytes)
{
    static uint32_t table[256];
    for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = (value >> 1) ^ (value & 1 ? 0x82F63B78u : 0); /* CRC32C */
        table[i] = value;
    }
    uint32_t crc = ~0u;
    for (size_t i = 0; i < size_bytes; i++)
        crc = table[(crc ^ bytes[i]) & 0xFF] ^ (crc >> 8);
    return ~crc;
}

/* ---- bytes that grow ---- */

struct growing {
    uint8_t *bytes;
    size_t size, capacity;
    bool failed;
};

static enum wrt_status append(void *context, const void *bytes, size_t size)
{
    struct growing *g = context;
    if (g->size + size > g->capacity) {
        const size_t larger = (g->size + size) * 2;
        uint8_t *moved = realloc(g->bytes, larger);
        if (moved == NULL) {
            g->failed = true;
            return WRT_ERR_NO_MEMORY;
        }
        g->bytes = moved;
        g->capacity = larger;
    }
    if (size != 0)
        memcpy(g->bytes + g->size, bytes, size);
    g->size += size;
    return WRT_OK;
}

static void put_number(struct growing *g, uint64_t value, unsigned bytes)
{
    uint8_t out[8];
    for (unsigned i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> 8 * i);
    (void)!append(g, out, bytes);
}

static void put_block(struct growing *g, const void *bytes, size_t size)
{
    put_number(g, size, 8);
    (void)!append(g, bytes, size);
}

static void put_strings(struct growing *g, const char *const *strings, uint32_t count)
{
    put_number(g, count, 4);
    for (uint32_t i = 0; i < count; i++)
        put_block(g, strings[i], strlen(strings[i]) + 1);
}

/* ---- freezing ---- */

static int read_file(const char *file, struct growing *out)
{
    static uint8_t chunk[65536];
    FILE *in = fopen(file, "rb");
    if (in == NULL)
        return cli_fail(CLI_EXIT_FILE, "cannot open %s: %s", file, strerror(errno));
    size_t got;
    while (!out->failed && (got = fread(chunk, 1, sizeof chunk, in)) > 0)
        (void)!append(out, chunk, got);
    const bool failed = ferror(in) != 0;
    fclose(in);
    if (failed)
        return cli_fail(CLI_EXIT_FILE, "cannot read %s", file);
    return out->failed ? cli_fail(CLI_EXIT_MEMORY, "no memory for %s", file) : CLI_EXIT_OK;
}

/* The module's bytes, as they were when it was loaded. */
static int get_module(const struct cli_session *session, struct growing *out)
{
    const struct cli_session_config *config = session->config;
    struct wrt_module_info info;
    if (config->module.data != NULL) {
        (void)!append(out, config->module.data, config->module.size_bytes);
        return CLI_EXIT_OK;
    }
    int code = read_file(config->file, out);
    wrt_module_get_info(session->module, &info);
    if (code == CLI_EXIT_OK &&
        (out->size != info.module_bytes || checksum(out->bytes, out->size) != info.checksum))
        return cli_fail(CLI_EXIT_FILE, "%s has changed since it was loaded", config->file);
    return code;
}

static int freeze(const struct cli_session *session, const char *invoke, enum cli_phase phase,
                  struct growing *all, struct growing *part)
{
    const struct cli_session_config *config = session->config;
    struct wrt_error error = {0};
    (void)!append(all, magic, sizeof magic);
    put_number(all, phase, 4);
    put_number(all, config->canonical_nan, 4);
    put_number(all, config->deterministic, 4);
    put_number(all, config->stack_bytes, 8);
    put_number(all, config->features_off, 8);
    put_number(all, config->wasi.clocks, 4);
    put_number(all, config->wasi.clock_resolution_ns, 8);
    put_number(all, config->wasi.random, 4);
    put_strings(all, config->wasi.arguments, config->wasi.argument_count);
    put_strings(all, config->wasi.environment, config->wasi.environment_count);
    put_strings(all, &invoke, invoke != NULL);
    int code = get_module(session, part);
    if (code != CLI_EXIT_OK)
        return code;
    put_block(all, part->bytes, part->size);
    part->size = 0;
    enum wrt_status status = WRT_OK;
    if (session->wasi != NULL)
        status = wrt_wasi_snapshot(session->wasi, append, part, &error);
    if (status != WRT_OK)
        return cli_fail_status("snapshot", status, &error);
    put_block(all, part->bytes, part->size);
    part->size = 0;
    status = wrt_instance_snapshot(session->instance, append, part, &error);
    if (status != WRT_OK)
        return cli_fail_status("snapshot", status, &error);
    put_block(all, part->bytes, part->size);
    put_number(all, checksum(all->bytes, all->size), 4);
    return all->failed ? cli_fail(CLI_EXIT_MEMORY, "no memory for the snapshot") : CLI_EXIT_OK;
}

int cli_freeze(const struct cli_session *session, const char *invoke, enum cli_phase phase,
               const char *file)
{
    struct growing all = {0}, part = {0};
    int code = freeze(session, invoke, phase, &all, &part);
    if (code == CLI_EXIT_OK)
        code = cli_keep_file(file, all.bytes, all.size);
    free(all.bytes);
    free(part.bytes);
    return code;
}

/* ---- reading ---- */

struct cursor {
    const uint8_t *at, *end;
    bool failed;
};

static const uint8_t *take(struct cursor *c, uint64_t size)
{
    if (c->failed || (uint64_t)(c->end - c->at) < size) {
        c->failed = true;
        return NULL;
    }
    const uint8_t *bytes = c->at;
    c->at += size;
    return bytes;
}

static uint64_t get_number(struct cursor *c, unsigned bytes)
{
    const uint8_t *from = take(c, bytes);
    uint64_t value = 0;
    for (unsigned i = 0; from != NULL && i < bytes; i++)
        value |= (uint64_t)from[i] << 8 * i;
    return value;
}

static struct wrt_bytes get_block(struct cursor *c)
{
    const uint64_t size = get_number(c, 8);
    return (struct wrt_bytes){.data = take(c, size), .size_bytes = c->failed ? 0 : (size_t)size};
}

/* Appends to frozen->strings, which has room for `most` more. */
static uint32_t get_strings(struct cursor *c, uint32_t most, char **out)
{
    const uint32_t count = (uint32_t)get_number(c, 4);
    c->failed = c->failed || count > most;
    for (uint32_t i = 0; !c->failed && i < count; i++) {
        const struct wrt_bytes block = get_block(c);
        if (block.size_bytes == 0 || memchr(block.data, 0, block.size_bytes) !=
                                         (const void *)(block.data + block.size_bytes - 1))
            c->failed = true;
        else
            memcpy(&out[i], &(const uint8_t *){block.data}, sizeof out[i]);
    }
    return c->failed ? 0 : count;
}

static bool parse(struct cli_frozen *f, size_t size)
{
    struct cursor c = {.at = f->bytes + sizeof magic, .end = f->bytes + size - 4};
    const uint64_t phase = get_number(&c, 4);
    f->phase = (enum cli_phase)phase;
    f->canonical_nan = get_number(&c, 4) != 0;
    f->deterministic = get_number(&c, 4) != 0;
    f->stack_bytes = get_number(&c, 8);
    f->features_off = get_number(&c, 8);
    f->clocks = (uint32_t)get_number(&c, 4);
    f->clock_resolution_ns = get_number(&c, 8);
    f->random = (enum wrt_wasi_random)get_number(&c, 4);
    f->argument_count = get_strings(&c, MAX_STRINGS, f->strings);
    f->environment_count = get_strings(&c, MAX_STRINGS, f->strings + f->argument_count);
    char **invoke = f->strings + f->argument_count + f->environment_count;
    f->invoke = get_strings(&c, 1, invoke) == 1 ? *invoke : NULL;
    f->module = get_block(&c);
    f->wasi = get_block(&c);
    f->store = get_block(&c);
    return !c.failed && c.at == c.end && phase < CLI_PHASE_COUNT && f->argument_count != 0;
}

int cli_frozen_read(const char *file, struct cli_frozen *out)
{
    struct growing g = {0};
    memset(out, 0, sizeof *out);
    int code = read_file(file, &g);
    out->bytes = g.bytes;
    if (code != CLI_EXIT_OK)
        return code;
    if (g.size < sizeof magic + 4 || memcmp(g.bytes, magic, sizeof magic) != 0)
        return cli_fail(CLI_EXIT_MALFORMED, "%s is no snapshot of a program", file);
    struct cursor crc = {.at = g.bytes + g.size - 4, .end = g.bytes + g.size};
    if (get_number(&crc, 4) != checksum(g.bytes, g.size - 4))
        return cli_fail(CLI_EXIT_MALFORMED, "%s is damaged: its checksum is another", file);
    out->strings = calloc(2 * MAX_STRINGS + 1, sizeof *out->strings);
    if (out->strings == NULL)
        return cli_fail(CLI_EXIT_MEMORY, "no memory for %s", file);
    return parse(out, g.size) ? CLI_EXIT_OK
                              : cli_fail(CLI_EXIT_MALFORMED, "%s is cut short", file);
}

void cli_frozen_free(struct cli_frozen *frozen)
{
    free(frozen->bytes);
    free(frozen->strings);
    memset(frozen, 0, sizeof *frozen);
}

/* ---- thawing ---- */

static enum wrt_status instantiate(struct cli_session *session, struct wrt_error *error)
{
    struct wrt_module_info info;
    struct wrt_module_import import;
    wrt_module_get_info(session->module, &info);
    struct wrt_extern *imports = calloc(info.import_count + (size_t)1, sizeof *imports);
    if (imports == NULL)
        return WRT_ERR_NO_MEMORY;
    bool has_all = true;
    for (uint32_t i = 0; has_all && wrt_module_get_import(session->module, i, &import) == WRT_OK; i++)
        has_all = wrt_store_find(session->store, import.module, import.name, &imports[i]);
    const enum wrt_status status =
        has_all ? wrt_store_instantiate_with(session->store, session->module, imports,
                                             info.import_count, true, &session->instance, error)
                : WRT_ERR_UNLINKABLE;
    free(imports);
    return status;
}

int cli_thaw(struct cli_session *session, const struct cli_frozen *frozen)
{
    struct wrt_error error = {0};
    const char *file = session->config->file;
    const uint64_t start_ns = wrt_time_now_ns();
    enum wrt_status status = instantiate(session, &error);
    cli_session_instantiated(session, start_ns);
    if (status == WRT_OK)
        status = wrt_instance_restore(session->instance, frozen->store.data,
                                      frozen->store.size_bytes, &error);
    if (status == WRT_OK && session->wasi != NULL)
        status = wrt_wasi_restore(session->wasi, frozen->wasi.data, frozen->wasi.size_bytes,
                                  &error);
    return status == WRT_OK ? CLI_EXIT_OK : cli_fail_status(file, status, &error);
}
