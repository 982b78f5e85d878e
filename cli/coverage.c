/* cli/coverage.c - counts by byte as lcov records by source line (DWARF 5, section 6.2).
 * SPDX-License-Identifier: Apache-2.0
 *
 * Compilers for WebAssembly put DWARF into custom sections; addresses there count from the start
 * of the code section's contents. The line programs of versions 2 to 5 are run as far as files
 * and lines need; what is malformed or of another kind ends its unit, since this is a tool.
 */
#include "profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    const uint8_t *at, *end;
    bool failed;
};

/* ---- reading ---- */

static uint64_t take(struct bytes *b, unsigned size)
{
    uint64_t value = 0;
    if ((size_t)(b->end - b->at) < size) {
        b->failed = true;
        b->at = b->end;
        return 0;
    }
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)b->at[i] << (8 * i);
    b->at += size;
    return value;
}

static uint64_t take_leb(struct bytes *b, bool is_signed)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint64_t byte = take(b, 1);
        value |= (byte & 0x7F) << shift;
        if ((byte & 0x80) != 0)
            continue;
        if (is_signed && (byte & 0x40) != 0 && shift + 7 < 64)
            value |= ~UINT64_C(0) << (shift + 7);
        return value;
    }
    b->failed = true;
    return 0;
}

static const char *take_string(struct bytes *b)
{
    const uint8_t *end = memchr(b->at, 0, (size_t)(b->end - b->at));
    const char *text = (const char *)b->at;
    if (end == NULL) {
        b->failed = true;
        b->at = b->end;
        return "";
    }
    b->at = end + 1;
    return text;
}

/* ---- lines ---- */

struct line {
    char *file;
    uint64_t line, count;
};

struct coverage {
    const struct cli_byte_count *counts;
    size_t count;
    uint64_t code_start;
    struct bytes line_section, line_strings, strings;
    struct line *lines;
    size_t line_count, line_capacity;
    bool no_memory;
};

/* The largest count of an instruction at [from, to), module offsets; false: there is none. */
static bool count_between(const struct coverage *c, uint64_t from, uint64_t to, uint64_t *out)
{
    size_t low = 0, high = c->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (c->counts[middle].byte_offset < from)
            low = middle + 1;
        else
            high = middle;
    }
    *out = 0;
    if (low == c->count || c->counts[low].byte_offset >= to)
        return false;
    for (; low < c->count && c->counts[low].byte_offset < to; low++)
        if (c->counts[low].count > *out)
            *out = c->counts[low].count;
    return true;
}

static void add_line(struct coverage *c, const char *folder, const char *file, uint64_t line,
                     uint64_t count)
{
    if (c->line_count == c->line_capacity) {
        const size_t capacity = c->line_capacity != 0 ? c->line_capacity * 2 : 256;
        struct line *more = realloc(c->lines, capacity * sizeof *more);
        if (more == NULL) {
            c->no_memory = true;
            return;
        }
        c->lines = more;
        c->line_capacity = capacity;
    }
    const bool absolute = file[0] == '/' || folder[0] == '\0';
    const size_t size = strlen(folder) + strlen(file) + 2;
    char *path = malloc(size);
    if (path == NULL) {
        c->no_memory = true;
        return;
    }
    snprintf(path, size, "%s%s%s", absolute ? "" : folder, absolute ? "" : "/", file);
    c->lines[c->line_count++] = (struct line){path, line, count};
}

/* ---- one unit's header ---- */

#define MOST_FILES 4096

struct unit {
    struct bytes program;
    uint64_t version, minimum, line_range, opcode_base;
    int64_t line_base;
    unsigned offset_size;
    uint8_t lengths[256];
    const char *folders[MOST_FILES], *files[MOST_FILES];
    uint64_t folder_of[MOST_FILES];
    size_t folder_count, file_count;
};

static const char *string_at(struct bytes section, uint64_t offset)
{
    if (offset >= (uint64_t)(section.end - section.at))
        return "";
    section.at += offset;
    return take_string(&section);
}

/* One attribute of a version 5 entry; *text or *number, whichever it is. */
static void take_form(const struct coverage *c, struct bytes *b, const struct unit *u,
                      uint64_t form, const char **text, uint64_t *number)
{
    switch (form) {
    case 0x08: *text = take_string(b); break;
    case 0x0E: *text = string_at(c->strings, take(b, u->offset_size)); break;
    case 0x1F: *text = string_at(c->line_strings, take(b, u->offset_size)); break;
    case 0x0B: *number = take(b, 1); break;
    case 0x05: *number = take(b, 2); break;
    case 0x06: *number = take(b, 4); break;
    case 0x0F: *number = take_leb(b, false); break;
    case 0x1E: (void)take(b, 8); (void)take(b, 8); break;
    case 0x09: {
        const uint64_t size = take_leb(b, false);
        for (uint64_t i = 0; i < size && !b->failed; i++)
            (void)take(b, 1);
        break;
    }
    default: b->failed = true;
    }
}

static void take_entries(const struct coverage *c, struct bytes *b, struct unit *u, bool files)
{
    uint64_t types[32], forms[32];
    const uint64_t formats = take(b, 1);
    for (uint64_t i = 0; i < formats; i++) {
        types[i & 31] = take_leb(b, false);
        forms[i & 31] = take_leb(b, false);
    }
    const uint64_t count = take_leb(b, false);
    for (uint64_t i = 0; i < count && !b->failed && formats <= 32; i++) {
        const char *name = "";
        uint64_t folder = 0;
        for (uint64_t f = 0; f < formats; f++) {
            const char *text = "";
            uint64_t number = 0;
            take_form(c, b, u, forms[f], &text, &number);
            if (types[f] == 1)
                name = text;
            else if (types[f] == 2)
                folder = number;
        }
        if (files && u->file_count < MOST_FILES) {
            u->folder_of[u->file_count] = folder;
            u->files[u->file_count++] = name;
        } else if (!files && u->folder_count < MOST_FILES) {
            u->folders[u->folder_count++] = name;
        }
    }
}

/* Versions 2 to 4: folder 0 is the compiler's, not told here, and files count from 1. */
static void take_old_tables(struct bytes *b, struct unit *u)
{
    u->folders[u->folder_count++] = "";
    while (!b->failed && b->at != b->end && *b->at != 0 && u->folder_count < MOST_FILES)
        u->folders[u->folder_count++] = take_string(b);
    (void)take(b, 1);
    u->files[u->file_count++] = "";
    while (!b->failed && b->at != b->end && *b->at != 0 && u->file_count < MOST_FILES) {
        u->files[u->file_count] = take_string(b);
        u->folder_of[u->file_count++] = take_leb(b, false);
        (void)take_leb(b, false);
        (void)take_leb(b, false);
    }
}

static bool take_unit(const struct coverage *c, struct bytes *section, struct unit *u)
{
    *u = (struct unit){.offset_size = 4};
    uint64_t length = take(section, 4);
    if (length == UINT32_MAX) {
        u->offset_size = 8;
        length = take(section, 8);
    }
    if (section->failed || length > (uint64_t)(section->end - section->at))
        return false;
    struct bytes b = {.at = section->at, .end = section->at + length};
    section->at = b.end;
    u->version = take(&b, 2);
    if (u->version >= 5)
        (void)take(&b, 2); /* sizes of address and segment selector */
    const uint64_t header = take(&b, u->offset_size);
    if (b.failed || header > (uint64_t)(b.end - b.at))
        return false;
    u->program = (struct bytes){.at = b.at + header, .end = b.end};
    u->minimum = take(&b, 1);
    if (u->version >= 4)
        (void)take(&b, 1); /* operations per instruction: no machine here has several */
    (void)take(&b, 1);
    u->line_base = (int8_t)take(&b, 1);
    u->line_range = take(&b, 1);
    u->opcode_base = take(&b, 1);
    for (uint64_t i = 1; i < u->opcode_base; i++)
        u->lengths[i] = (uint8_t)take(&b, 1);
    if (u->version >= 5) {
        take_entries(c, &b, u, false);
        take_entries(c, &b, u, true);
    } else {
        take_old_tables(&b, u);
    }
    return true;
}

/* ---- its program ---- */

struct row {
    uint64_t address, file, line;
    bool ended;
};

/* Two rows of one sequence: the first one's line owns the bytes between them. */
static void add_row(struct coverage *c, const struct unit *u, const struct row *from, uint64_t to)
{
    uint64_t count;
    if (from->line == 0 || from->file >= u->file_count || from->address >= to ||
        !count_between(c, c->code_start + from->address, c->code_start + to, &count))
        return;
    const uint64_t folder = u->folder_of[from->file];
    add_line(c, folder < u->folder_count ? u->folders[folder] : "", u->files[from->file], from->line,
             count);
}

static void run_extended(struct bytes *b, struct row *row)
{
    const uint64_t size = take_leb(b, false);
    if (size == 0 || size > (uint64_t)(b->end - b->at)) {
        b->failed = true;
        return;
    }
    const uint8_t *end = b->at + size;
    switch (take(b, 1)) {
    case 1: row->ended = true; break;
    case 2: row->address = take(b, size - 1 > 8 ? 8 : (unsigned)size - 1); break;
    default: break;
    }
    b->at = end;
}

/* Standard operations; true: they make a row. */
static bool run_standard(const struct unit *u, struct bytes *b, uint64_t opcode, struct row *row)
{
    switch (opcode) {
    case 1: return true;
    case 2: row->address += take_leb(b, false) * u->minimum; return false;
    case 3: row->line += take_leb(b, true); return false;
    case 4: row->file = take_leb(b, false); return false;
    case 8: row->address += (255 - u->opcode_base) / u->line_range * u->minimum; return false;
    case 9: row->address += take(b, 2); return false;
    default: break;
    }
    for (unsigned i = 0; i < u->lengths[opcode]; i++)
        (void)take_leb(b, false);
    return false;
}

static void run_program(struct coverage *c, const struct unit *u)
{
    struct bytes b = u->program;
    struct row row = {.file = 1, .line = 1}, last = {0};
    if (u->line_range == 0 || u->opcode_base == 0)
        return;
    while (b.at != b.end && !b.failed && !c->no_memory) {
        const uint64_t opcode = take(&b, 1);
        bool makes_row = true;
        if (opcode >= u->opcode_base) {
            const uint64_t n = opcode - u->opcode_base;
            row.address += n / u->line_range * u->minimum;
            row.line += (uint64_t)(u->line_base + (int64_t)(n % u->line_range));
        } else if (opcode == 0) {
            run_extended(&b, &row);
            makes_row = row.ended;
        } else {
            makes_row = run_standard(u, &b, opcode, &row);
        }
        if (!makes_row)
            continue;
        add_row(c, u, &last, row.address);
        last = row;
        if (row.ended) {
            row = (struct row){.file = 1, .line = 1};
            last = (struct row){0};
        }
    }
}

/* ---- the module ---- */

static uint8_t *read_file(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    uint8_t *bytes = NULL;
    *size = 0;
    if (in != NULL && fseek(in, 0, SEEK_END) == 0) {
        const long length = ftell(in);
        bytes = length > 0 ? malloc((size_t)length) : NULL;
        rewind(in);
        if (bytes != NULL)
            *size = fread(bytes, 1, (size_t)length, in);
    }
    if (in != NULL)
        fclose(in);
    return bytes;
}

/* Finds the code section's contents: the module was loaded, so its sections are sound. */
static uint64_t find_code(struct bytes module)
{
    const uint8_t *start = module.at;
    (void)take(&module, 8);
    while (module.at != module.end && !module.failed) {
        const uint64_t id = take(&module, 1), size = take_leb(&module, false);
        if (id == 10)
            return (uint64_t)(module.at - start);
        if (size > (uint64_t)(module.end - module.at))
            break;
        module.at += size;
    }
    return 0;
}

static struct bytes custom_section(const struct wrt_module *module, struct bytes file,
                                   const char *name)
{
    struct wrt_module_custom custom;
    for (uint32_t i = 0; wrt_module_get_custom(module, i, &custom) == WRT_OK; i++)
        if (custom.name.size_bytes == strlen(name) &&
            memcmp(custom.name.data, name, strlen(name)) == 0 &&
            custom.byte_offset + custom.size_bytes <= (uint64_t)(file.end - file.at))
            return (struct bytes){.at = file.at + custom.byte_offset,
                                  .end = file.at + custom.byte_offset + custom.size_bytes};
    return (struct bytes){.at = file.at, .end = file.at};
}

static void find_lines(struct coverage *c, const struct wrt_module *module, struct bytes file)
{
    static struct unit unit;
    c->code_start = find_code(file);
    c->line_section = custom_section(module, file, ".debug_line");
    c->line_strings = custom_section(module, file, ".debug_line_str");
    c->strings = custom_section(module, file, ".debug_str");
    while (c->line_section.at != c->line_section.end &&
           take_unit(c, &c->line_section, &unit))
        if (unit.version >= 2 && unit.version <= 5)
            run_program(c, &unit);
}

/* ---- lcov ---- */

static int by_place(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    const int files = strcmp(x->file, y->file);
    return files != 0 ? files : x->line < y->line ? -1 : x->line > y->line;
}

/* Lines that stand several times (loops, inlining) count as their largest. */
static void write_lines(FILE *out, struct line *lines, size_t count)
{
    qsort(lines, count, sizeof *lines, by_place);
    for (size_t i = 0; i < count;) {
        const char *file = lines[i].file;
        fprintf(out, "TN:\nSF:%s\n", file);
        unsigned found = 0, hit = 0;
        while (i < count && strcmp(lines[i].file, file) == 0) {
            uint64_t most = 0;
            const uint64_t line = lines[i].line;
            for (; i < count && lines[i].line == line && strcmp(lines[i].file, file) == 0; i++)
                most = lines[i].count > most ? lines[i].count : most;
            fprintf(out, "DA:%" PRIu64 ",%" PRIu64 "\n", line, most);
            found++;
            hit += most != 0;
        }
        fprintf(out, "LH:%u\nLF:%u\nend_of_record\n", hit, found);
    }
}

static void write_offsets(FILE *out, const char *file, const struct cli_byte_count *counts,
                          size_t count)
{
    fprintf(out, "TN:\nSF:%s\n", file);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "DA:%" PRIu64 ",%" PRIu64 "\n", counts[i].byte_offset, counts[i].count);
    fputs("end_of_record\n", out);
}

int cli_write_coverage(const struct cli_session *session, const char *path,
                       const struct cli_byte_count *counts, size_t count)
{
    size_t size = 0;
    uint8_t *bytes = read_file(session->config->file, &size);
    struct coverage c = {.counts = counts, .count = count};
    if (bytes != NULL)
        find_lines(&c, session->module, (struct bytes){.at = bytes, .end = bytes + size});
    FILE *out = c.no_memory ? NULL : fopen(path, "w");
    if (out != NULL && c.line_count != 0)
        write_lines(out, c.lines, c.line_count);
    else if (out != NULL)
        write_offsets(out, session->config->file, counts, count);
    const bool ok = out != NULL && fclose(out) == 0;
    for (size_t i = 0; i < c.line_count; i++)
        free(c.lines[i].file);
    free(c.lines);
    free(bytes);
    if (!ok)
        return cli_fail(CLI_EXIT_FILE, "cannot write %s: %s", path,
                        c.no_memory ? "no memory" : strerror(errno));
    fprintf(stderr, "wrote %s\n", path);
    return CLI_EXIT_OK;
}
