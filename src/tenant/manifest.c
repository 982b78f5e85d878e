/* src/tenant/manifest.c - from the INI file to configs: sections, lines, limits.
 * SPDX-License-Identifier: Apache-2.0
 *
 * inih splits lines into keys and values. It neither tells line numbers nor new sections and
 * cuts long names silently, so the function that hands it lines looks at each one first:
 * there are counted lines and bytes, refused overlong lines and control characters, and
 * opened and closed sections.
 */
#include "tenant/config.h"

#include "base/error.h"

#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_BYTES = 4 << 20, MAX_LINE = 1000, MAX_HEADING = 46, MAX_PROBLEMS = 100 };

enum section { SECTION_NONE, SECTION_SUPERVISOR, SECTION_TENANT, SECTION_FRAME, SECTION_BAD };

struct parse {
    struct wrt_manifest *manifest;
    struct wrt_problems *problems;
    FILE *in;
    uint64_t bytes;
    uint32_t line;
    bool stopped;
    enum section section;
    char folder[WRT_MAX_PATH];
    struct wrt_frame_config *frame;   /* of the open section */
    struct wrt_tenant_config *tenant; /* of the open section: room for one with a full pool */
};

/* ---- problems ---- */

char *wrt_show(char *out, size_t room, const char *text)
{
    size_t used = 0;
    for (; *text != '\0' && used + 5 < room; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c < 0x7F)
            out[used++] = (char)c;
        else
            used += (size_t)snprintf(out + used, room - used, "\\x%02x", c);
    }
    out[used] = '\0';
    return out;
}

void wrt_problem(struct wrt_problems *problems, uint32_t line, enum wrt_status status,
                 const char *format, ...)
{
    struct wrt_manifest_problem problem = {.line = line, .status = status};
    va_list arguments;
    if (problems->first == WRT_OK)
        problems->first = status;
    if (problems->report == NULL || problems->count++ >= MAX_PROBLEMS)
        return;
    va_start(arguments, format);
    vsnprintf(problem.text, sizeof problem.text, format, arguments);
    va_end(arguments);
    problems->report(problems->context, &problem);
}

/* ---- sections ---- */

uint32_t wrt_manifest_find(const struct wrt_manifest *manifest, const char *name)
{
    for (uint32_t i = 0; i < manifest->tenant_count; i++)
        if (strcmp(manifest->tenants[i]->name, name) == 0)
            return i;
    return UINT32_MAX;
}

static const struct wrt_frame_config *find_frame(const struct wrt_manifest *manifest,
                                                 const char *name)
{
    for (uint32_t i = 0; i < manifest->frame_count; i++)
        if (strcmp(manifest->frames[i]->name, name) == 0)
            return manifest->frames[i];
    return NULL;
}

static enum section refuse_section(struct parse *parse, enum wrt_status status, const char *what,
                                   const char *name)
{
    char shown[80];
    wrt_problem(parse->problems, parse->line, status, "%s: '%s'", what,
                wrt_show(shown, sizeof shown, name));
    return SECTION_BAD;
}

static enum section open_supervisor(struct parse *parse)
{
    struct wrt_supervisor_config *config = &parse->manifest->supervisor;
    if (config->line != 0)
        return refuse_section(parse, WRT_ERR_EXISTS, "a section was given before", "supervisor");
    config->line = parse->line;
    return SECTION_SUPERVISOR;
}

static enum section open_tenant(struct parse *parse, const char *name)
{
    uint32_t same = wrt_manifest_find(parse->manifest, name);
    if (!wrt_name_is_valid(name))
        return refuse_section(parse, WRT_ERR_ARGUMENT,
                              "a tenant's name has 1 to 31 letters, digits, '_', '-' or '.'", name);
    if (same != UINT32_MAX) {
        wrt_problem(parse->problems, parse->line, WRT_ERR_EXISTS,
                    "tenant %s was given before, in line %" PRIu32, name,
                    parse->manifest->tenants[same]->line);
        return SECTION_BAD;
    }
    if (parse->manifest->tenant_count == WRT_MAX_TENANTS)
        return refuse_section(parse, WRT_ERR_LIMIT, "more than 4096 tenants", name);
    wrt_tenant_defaults(parse->tenant);
    memcpy(parse->tenant->name, name, strlen(name) + 1);
    parse->tenant->line = parse->line;
    return SECTION_TENANT;
}

static enum section open_frame(struct parse *parse, const char *name)
{
    struct wrt_manifest *manifest = parse->manifest;
    if (!wrt_name_is_valid(name))
        return refuse_section(parse, WRT_ERR_ARGUMENT,
                              "a frame's name has 1 to 31 letters, digits, '_', '-' or '.'", name);
    if (find_frame(manifest, name) != NULL)
        return refuse_section(parse, WRT_ERR_EXISTS, "a frame was given before", name);
    if (manifest->frame_count == WRT_MAX_FRAMES)
        return refuse_section(parse, WRT_ERR_LIMIT, "more than 16 frames", name);
    struct wrt_error error;
    void *block;
    if (wrt_partition_allocate(manifest->partition, WRT_CHARGE_HOST, sizeof *parse->frame, 0,
                               &block, &error) != WRT_OK) {
        wrt_problem(parse->problems, parse->line, error.status, "%s", error.text);
        return SECTION_BAD;
    }
    parse->frame = block;
    memset(parse->frame, 0, sizeof *parse->frame);
    memcpy(parse->frame->name, name, strlen(name) + 1);
    parse->frame->line = parse->line;
    manifest->frames[manifest->frame_count++] = parse->frame;
    return SECTION_FRAME;
}

/* A tenant is complete: an exact copy joins the manifest. */
static void close_tenant(struct parse *parse)
{
    struct wrt_tenant_config *config = parse->tenant;
    struct wrt_error error;
    void *block;
    if (config->lines[WRT_KEY_MODULE] == 0)
        wrt_problem(parse->problems, config->line, WRT_ERR_NOT_FOUND, "tenant %s has no module",
                    config->name);
    if (wrt_partition_allocate(parse->manifest->partition, WRT_CHARGE_HOST,
                               wrt_config_bytes(config), 0, &block, &error) != WRT_OK) {
        wrt_problem(parse->problems, config->line, error.status, "%s", error.text);
        parse->stopped = true;
        return;
    }
    memcpy(block, config, wrt_config_bytes(config));
    parse->manifest->tenants[parse->manifest->tenant_count++] = block;
}

static void close_frame(struct parse *parse)
{
    const struct wrt_frame_config *frame = parse->frame;
    if (frame->major_us == 0 || frame->window_count == 0)
        wrt_problem(parse->problems, frame->line, WRT_ERR_NOT_FOUND,
                    "frame %s needs major_us and at least one window", frame->name);
}

static void close_section(struct parse *parse)
{
    if (parse->section == SECTION_TENANT)
        close_tenant(parse);
    else if (parse->section == SECTION_FRAME)
        close_frame(parse);
    parse->section = SECTION_NONE;
}

/* `name` is what stands between the brackets. */
static enum section open_section(struct parse *parse, const char *name)
{
    if (strcmp(name, "supervisor") == 0)
        return open_supervisor(parse);
    if (strncmp(name, "tenant ", 7) == 0)
        return open_tenant(parse, name + 7);
    if (strncmp(name, "frame ", 6) == 0)
        return open_frame(parse, name + 6);
    return refuse_section(parse, WRT_ERR_NOT_FOUND,
                          "sections are [supervisor], [tenant NAME] and [frame NAME]", name);
}

static void take_heading(struct parse *parse, const char *line)
{
    char name[MAX_HEADING + 1];
    size_t length = strcspn(line + 1, "]\r\n");
    close_section(parse);
    if (line[1 + length] != ']') {
        parse->section = refuse_section(parse, WRT_ERR_ARGUMENT, "a heading has no ']'", "");
        return;
    }
    if (length > MAX_HEADING) {
        parse->section = refuse_section(parse, WRT_ERR_LIMIT, "a heading is too long", "");
        return;
    }
    memcpy(name, line + 1, length);
    name[length] = '\0';
    parse->section = open_section(parse, name);
}

/* ---- lines ---- */

static char *stop(struct parse *parse, enum wrt_status status, const char *what)
{
    wrt_problem(parse->problems, parse->line, status, "%s", what);
    parse->stopped = true;
    return NULL;
}

static bool has_control_character(const char *line)
{
    for (; *line != '\0'; line++)
        if (((unsigned char)*line < 0x20 && *line != '\t' && *line != '\n' && *line != '\r') ||
            *line == 0x7F)
            return true;
    return false;
}

/* Gives inih the next line, after looking at it. NULL ends the parse. */
static char *read_line(char *out, int room, void *context)
{
    struct parse *parse = context;
    if (parse->stopped || fgets(out, room, parse->in) == NULL)
        return NULL;
    size_t length = strlen(out);
    parse->line++;
    parse->bytes += length;
    if (parse->bytes > MAX_BYTES)
        return stop(parse, WRT_ERR_LIMIT, "the manifest is larger than 4 MiB");
    if (length == 0 || (out[length - 1] != '\n' && !feof(parse->in)))
        return stop(parse, WRT_ERR_LIMIT, "a line is longer than 990 bytes or holds a zero byte");
    if (has_control_character(out))
        return stop(parse, WRT_ERR_ARGUMENT, "a line holds a control character");
    size_t blanks = strspn(out, " \t");
    if (out[blanks] == '[' && blanks != 0)
        return stop(parse, WRT_ERR_ARGUMENT, "a line with '[' must start at its first column");
    if (*out == '[')
        take_heading(parse, out);
    return out;
}

static int take_key(void *context, const char *section, const char *key, const char *value)
{
    struct parse *parse = context;
    const struct wrt_key_target target = {parse->problems, parse->folder, parse->line};
    char copy[MAX_LINE];
    (void)section; /* read_line knows it, uncut */
    snprintf(copy, sizeof copy, "%s", value);
    switch (parse->section) {
    case SECTION_SUPERVISOR:
        wrt_supervisor_set(&parse->manifest->supervisor, key, copy, &target);
        break;
    case SECTION_TENANT: wrt_tenant_set(parse->tenant, key, copy, &target); break;
    case SECTION_FRAME: wrt_frame_set(parse->frame, key, copy, &target); break;
    case SECTION_NONE:
        wrt_problem(parse->problems, parse->line, WRT_ERR_ARGUMENT,
                    "a key stands before the first section");
        break;
    case SECTION_BAD: break; /* reported already */
    }
    return 1;
}

static void parse_lines(struct parse *parse)
{
    ini_max_line = MAX_LINE;
    int bad_line = ini_parse_stream(read_line, parse, take_key, parse);
    close_section(parse);
    if (bad_line > 0 && !parse->stopped)
        wrt_problem(parse->problems, (uint32_t)bad_line, WRT_ERR_ARGUMENT,
                    "a line is neither a section nor KEY = VALUE");
    else if (bad_line < 0)
        wrt_problem(parse->problems, 0, WRT_ERR_NO_MEMORY, "inih has no memory");
    if (ferror(parse->in))
        wrt_problem(parse->problems, parse->line, WRT_ERR_IO, "cannot read on: %s",
                    strerror(errno));
    if (parse->problems->first == WRT_OK && parse->manifest->tenant_count == 0)
        wrt_problem(parse->problems, 0, WRT_ERR_NOT_FOUND, "there is no [tenant NAME]");
}

/* The folder of `path` with its slash, "" for the current one. */
static void folder_of(const char *path, char folder[WRT_MAX_PATH])
{
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    memcpy(folder, path, length);
    folder[length] = '\0';
}

static enum wrt_status parse_file(struct wrt_manifest *manifest, const char *path,
                                  struct wrt_problems *problems)
{
    struct parse parse = {.manifest = manifest, .problems = problems};
    const size_t room = sizeof *parse.tenant + WRT_TENANT_TEXT;
    struct wrt_error error;
    void *block;
    enum wrt_status status = wrt_partition_allocate(manifest->partition, WRT_CHARGE_LOAD, room,
                                                    0, &block, &error);
    if (status != WRT_OK) {
        wrt_problem(problems, 0, status, "%s", error.text);
        return status;
    }
    parse.tenant = block;
    folder_of(path, parse.folder);
    parse.in = fopen(path, "r");
    if (parse.in != NULL) {
        parse_lines(&parse);
        fclose(parse.in);
    } else {
        wrt_problem(problems, 0, errno == ENOENT ? WRT_ERR_NOT_FOUND : WRT_ERR_IO,
                    "cannot open it: %s", strerror(errno));
    }
    wrt_partition_free(manifest->partition, WRT_CHARGE_LOAD, block, room);
    return problems->first;
}

enum wrt_status wrt_manifest_load(struct wrt_partition *partition, const char *path,
                                  wrt_manifest_report *report, void *context,
                                  struct wrt_manifest **out)
{
    struct wrt_problems problems = {.report = report, .context = context};
    struct wrt_error error;
    void *block;
    if (strlen(path) >= WRT_MAX_PATH) {
        wrt_problem(&problems, 0, WRT_ERR_LIMIT, "its path is longer than 511 bytes");
        return WRT_ERR_LIMIT;
    }
    enum wrt_status status = wrt_partition_allocate(partition, WRT_CHARGE_HOST,
                                                    sizeof(struct wrt_manifest), 0, &block, &error);
    if (status != WRT_OK) {
        wrt_problem(&problems, 0, status, "%s", error.text);
        return status;
    }
    struct wrt_manifest *manifest = block;
    memset(manifest, 0, sizeof *manifest);
    manifest->partition = partition;
    memcpy(manifest->path, path, strlen(path) + 1);
    wrt_supervisor_defaults(&manifest->supervisor);
    status = parse_file(manifest, path, &problems);
    if (status != WRT_OK) {
        wrt_manifest_destroy(manifest);
        return status;
    }
    *out = manifest;
    return WRT_OK;
}

void wrt_manifest_destroy(struct wrt_manifest *manifest)
{
    if (manifest == NULL)
        return;
    struct wrt_partition *partition = manifest->partition;
    for (uint32_t i = 0; i < manifest->tenant_count; i++)
        wrt_partition_free(partition, WRT_CHARGE_HOST, manifest->tenants[i],
                           wrt_config_bytes(manifest->tenants[i]));
    for (uint32_t i = 0; i < manifest->frame_count; i++)
        wrt_partition_free(partition, WRT_CHARGE_HOST, manifest->frames[i],
                           sizeof *manifest->frames[i]);
    wrt_partition_free(partition, WRT_CHARGE_HOST, manifest, sizeof *manifest);
}

const char *wrt_manifest_control_path(const struct wrt_manifest *manifest)
{
    return manifest->supervisor.control;
}
