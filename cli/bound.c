/* cli/bound.c - `wrt bound`: the most fuel, stack and time that each export can take.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bound.h"
#include "calibrate.h"
#include "session.h"

enum option { OPTION_EXPORT, OPTION_JSON, OPTION_CALIBRATION, OPTION_REQUIRE };

static const struct cli_option options[] = {
    [OPTION_EXPORT] = {"export", "NAME", "only this export"},
    [OPTION_JSON] = {"json", NULL, "print JSON"},
    [OPTION_CALIBRATION] = {"calibration", "FILE", "print times by this table: see wrt calibrate"},
    [OPTION_REQUIRE] = {"require", NULL, "fail if an export has no bound"},
    {0}};

struct request {
    const char *file, *export, *calibration;
    bool json, require;
};

/* ---- what one export reaches ---- */

struct reach {
    const struct bound_module *m;
    uint32_t *functions; /* in the order they were found; first the export */
    bool *seen;
    uint32_t count;
};

static void add_reached(struct reach *r, uint32_t function)
{
    if (r->seen[function])
        return;
    r->seen[function] = true;
    r->functions[r->count++] = function;
}

static void find_reached(struct reach *r, uint32_t function)
{
    memset(r->seen, 0, r->m->info.function_count * sizeof *r->seen);
    r->count = 0;
    add_reached(r, function);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct bound_function *f = &r->m->functions[r->functions[i]];
        for (uint32_t e = 0; e < f->edge_count; e++)
            add_reached(r, r->m->edges[f->first_edge + e].to);
    }
}

/* Loops that are counted, in all functions reached. */
static uint32_t loops_reached(const struct reach *r)
{
    uint32_t loops = 0;
    for (uint32_t i = 0; i < r->count; i++)
        loops += r->m->functions[r->functions[i]].loops;
    return loops;
}

static bool import_of_function(const struct wrt_module *module, uint32_t function,
                               struct wrt_module_import *out)
{
    uint32_t functions = 0;
    for (uint32_t i = 0; wrt_module_get_import(module, i, out) == WRT_OK; i++)
        if (out->type.kind == WRT_EXTERN_FUNCTION && functions++ == function)
            return true;
    return false;
}

/* ---- printing ---- */

static void print_json_bytes(struct wrt_bytes bytes)
{
    putchar('"');
    for (size_t i = 0; i < bytes.size_bytes; i++) {
        const uint8_t c = bytes.data[i];
        if (c < 0x20 || c == '"' || c == '\\')
            printf("\\u%04x", (unsigned)c);
        else
            putchar(c);
    }
    putchar('"');
}

static struct wrt_bytes text_bytes(const char *text)
{
    return (struct wrt_bytes){(const uint8_t *)text, strlen(text)};
}

static void print_function(const struct bound_module *m, uint32_t function)
{
    const struct wrt_bytes name = wrt_module_function_name(m->module, function);
    printf("function %" PRIu32, function);
    if (name.size_bytes != 0) {
        putchar(' ');
        cli_print_bytes(stdout, name);
    }
}

static const char *why_text(const struct bound_cause *cause)
{
    switch (cause->why) {
    case BOUND_LOOP: return "the turns of this loop are not proved";
    case BOUND_RECURSION: return "recursion: this call leads back here";
    case BOUND_TABLE_OPEN: return "a call through a table that others can change";
    case BOUND_UNSUPPORTED: return "an instruction that is not analysed";
    case BOUND_TOO_COMPLEX: return "too complex to analyse";
    }
    return "?";
}

static void print_cause(const struct bound_module *m, const struct bound_cause *cause)
{
    fputs("  no bound: ", stdout);
    print_function(m, cause->function);
    printf(", byte 0x%" PRIx64 ": %s", cause->byte, why_text(cause));
    if (cause->why == BOUND_RECURSION) {
        fputs(" through ", stdout);
        print_function(m, cause->detail);
    } else if (cause->why == BOUND_UNSUPPORTED) {
        printf(" (opcode 0x%" PRIx32 ")", cause->detail);
    } else if (cause->why == BOUND_TABLE_OPEN) {
        printf(" (table %" PRIu32 ")", cause->detail);
    }
    putchar('\n');
}

static void print_cause_json(const struct bound_module *m, const struct bound_cause *cause)
{
    printf("{\"function\": %" PRIu32 ", \"name\": ", cause->function);
    print_json_bytes(wrt_module_function_name(m->module, cause->function));
    printf(", \"byte\": %" PRIu64 ", \"why\": ", cause->byte);
    print_json_bytes(text_bytes(why_text(cause)));
    putchar('}');
}

/* Prints a number, or null where there is no bound. */
static void print_number_json(const char *name, uint64_t value)
{
    printf(", \"%s\": ", name);
    if (value == BOUND_NONE)
        fputs("null", stdout);
    else
        printf("%" PRIu64, value);
}

static uint64_t stack_bytes(const struct bound_function *f)
{
    return bound_multiply(f->stack_slots, 8);
}

static uint64_t in_ns(uint64_t ps)
{
    return ps == BOUND_NONE ? BOUND_NONE : ps / 1000 + (ps % 1000 != 0);
}

typedef void cause_printer(const struct bound_module *m, const struct bound_cause *cause);

static void each_cause(const struct reach *r, const char *between, cause_printer *print)
{
    bool is_first = true;
    for (uint32_t i = 0; i < r->m->cause_count; i++) {
        if (!r->seen[r->m->causes[i].function])
            continue;
        if (!is_first)
            fputs(between, stdout);
        is_first = false;
        print(r->m, &r->m->causes[i]);
    }
}

static void each_host_call(const struct reach *r, const char *before, const char *between, bool json)
{
    struct wrt_module_import import;
    bool is_first = true;
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->m->functions[r->functions[i]].body != NULL ||
            !import_of_function(r->m->module, r->functions[i], &import))
            continue;
        fputs(is_first ? before : between, stdout);
        is_first = false;
        if (json) {
            print_json_bytes(import.name);
            continue;
        }
        cli_print_bytes(stdout, import.module);
        putchar('.');
        cli_print_bytes(stdout, import.name);
    }
    if (!is_first && !json)
        putchar('\n');
}

static void print_amount(uint64_t value, const char *unit)
{
    if (value == BOUND_NONE)
        printf("no bound");
    else
        printf("%" PRIu64 " %s", value, unit);
}

static void print_text(const struct reach *r, struct wrt_bytes name, uint32_t function)
{
    const struct bound_function *f = &r->m->functions[function];
    cli_print_bytes(stdout, name);
    fputs(": fuel ", stdout);
    print_amount(f->cost.fuel, "units");
    fputs(", stack ", stdout);
    print_amount(stack_bytes(f), "bytes");
    if (r->m->times != NULL) {
        fputs(", time ", stdout);
        print_amount(in_ns(f->cost.median_ps), "ns by medians");
        fputs(", ", stdout);
        print_amount(in_ns(f->cost.worst_ps), "ns by the worst seen");
    }
    const uint32_t loops = loops_reached(r);
    if (f->cost.fuel != BOUND_NONE)
        printf(loops == 0 ? ", without loops" : ", counted loops: %" PRIu32, loops);
    putchar('\n');
    each_host_call(r, "  what these host functions take is not included: ", ", ", false);
    each_cause(r, "", print_cause);
}

static void print_json(const struct reach *r, struct wrt_bytes name, uint32_t function, bool is_first)
{
    const struct bound_function *f = &r->m->functions[function];
    fputs(is_first ? "\n  {\"name\": " : ",\n  {\"name\": ", stdout);
    print_json_bytes(name);
    printf(", \"function\": %" PRIu32, function);
    print_number_json("fuel", f->cost.fuel);
    print_number_json("stack_bytes", stack_bytes(f));
    if (r->m->times != NULL) {
        print_number_json("median_ns", in_ns(f->cost.median_ps));
        print_number_json("worst_ns", in_ns(f->cost.worst_ps));
    }
    printf(", \"loops\": %" PRIu32 ", \"host_calls\": [", loops_reached(r));
    each_host_call(r, "", ", ", true);
    fputs("], \"causes\": [", stdout);
    each_cause(r, ", ", print_cause_json);
    fputs("]}", stdout);
}

/* ---- the command ---- */

static bool is_wanted(const struct request *q, struct wrt_bytes name)
{
    return q->export == NULL || (strlen(q->export) == name.size_bytes &&
                                 memcmp(q->export, name.data, name.size_bytes) == 0);
}

struct tally {
    uint32_t shown, unbounded;
};

static void show(const struct request *q, struct reach *r, struct wrt_bytes name, uint32_t function,
                 struct tally *tally)
{
    const struct bound_function *f = &r->m->functions[function];
    find_reached(r, function);
    if (q->json)
        print_json(r, name, function, tally->shown == 0);
    else
        print_text(r, name, function);
    tally->shown++;
    tally->unbounded += f->cost.fuel == BOUND_NONE || f->stack_slots == BOUND_NONE;
}

static int show_all(const struct request *q, const struct bound_module *m)
{
    struct tally tally = {0};
    struct reach r = {.m = m,
                      .functions = calloc((size_t)m->info.function_count + 1, sizeof *r.functions),
                      .seen = calloc((size_t)m->info.function_count + 1, sizeof *r.seen)};
    struct wrt_module_export export;
    if (r.functions == NULL || r.seen == NULL) {
        free(r.functions);
        free(r.seen);
        return cli_fail(CLI_EXIT_MEMORY, "%s: no memory", q->file);
    }
    if (q->json) {
        fputs("{\"file\": ", stdout);
        print_json_bytes(text_bytes(q->file));
        fputs(", \"exports\": [", stdout);
    }
    if (m->info.has_start && q->export == NULL)
        show(q, &r, text_bytes("(start)"), m->info.start_function, &tally);
    for (uint32_t i = 0; wrt_module_get_export(m->module, i, &export) == WRT_OK; i++)
        if (export.type.kind == WRT_EXTERN_FUNCTION && is_wanted(q, export.name))
            show(q, &r, export.name, export.index, &tally);
    if (q->json)
        puts("]}");
    free(r.functions);
    free(r.seen);
    if (q->export != NULL && tally.shown == 0)
        return cli_fail(CLI_EXIT_EXPORT, "%s has no function '%s'", q->file, q->export);
    if (q->require && tally.unbounded != 0)
        return cli_fail(CLI_EXIT_FAILED, "%s: %" PRIu32 " of %" PRIu32 " have no bound", q->file,
                        tally.unbounded, tally.shown);
    return CLI_EXIT_OK;
}

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

static int analyse(const struct request *q, const struct wrt_module *module,
                   const struct bound_times *times)
{
    size_t size = 0;
    struct wrt_module_info info;
    uint8_t *bytes = read_file(q->file, &size);
    wrt_module_get_info(module, &info);
    if (bytes == NULL || size != info.module_bytes) { /* changed since it was loaded */
        free(bytes);
        return cli_fail(CLI_EXIT_FILE, "cannot read %s again", q->file);
    }
    struct bound_module m;
    const int code = bound_open(&m, module, bytes, size, times)
                         ? show_all(q, &m)
                         : cli_fail(CLI_EXIT_MEMORY, "%s: no memory", q->file);
    bound_close(&m);
    free(bytes);
    return code;
}

static int bound(const struct request *q)
{
    struct wrt_error error = {0};
    struct wrt_partition *partition = NULL;
    struct wrt_module *module = NULL;
    struct bound_times times;
    if (q->calibration != NULL) {
        const int code = cli_read_times(q->calibration, &times);
        if (code != CLI_EXIT_OK)
            return code;
    }
    enum wrt_status status = wrt_partition_create(NULL, NULL, &partition, &error);
    if (status != WRT_OK)
        return cli_fail_status("partition", status, &error);
    int code = cli_load(partition, q->file, NULL, &module);
    if (code == CLI_EXIT_OK)
        code = analyse(q, module, q->calibration != NULL ? &times : NULL);
    status = wrt_module_destroy(module);
    if (status == WRT_OK)
        status = wrt_partition_destroy(partition, &error);
    if (code == CLI_EXIT_OK && status != WRT_OK)
        code = cli_fail_status("closing", status, &error);
    return code;
}

static void set_option(struct request *q, int option, const char *value)
{
    switch ((enum option)option) {
    case OPTION_EXPORT: q->export = value; break;
    case OPTION_JSON: q->json = true; break;
    case OPTION_CALIBRATION: q->calibration = value; break;
    case OPTION_REQUIRE: q->require = true; break;
    }
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    struct request q = {0};
    int option;
    for (;;) { /* options may stand behind the file too */
        while ((option = cli_next_option(&parser)) >= 0)
            set_option(&q, option, parser.value);
        if (option != CLI_OPTIONS_END || parser.next >= argc)
            break;
        if (q.file != NULL)
            return cli_fail(CLI_EXIT_USAGE, "bound takes one file");
        q.file = argv[parser.next++];
    }
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (q.file == NULL)
        return cli_fail(CLI_EXIT_USAGE, "bound needs a file");
    return bound(&q);
}

const struct cli_command cli_bound = {
    "bound", "[options] FILE", "Bounds the fuel, stack and time of each export; runs nothing.",
    options, run};
