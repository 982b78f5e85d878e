/* cli/profile.c - counts, sampled stacks and host calls of one run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The counts come from an instrumented module, the stacks from pausing the guest each time it
 * has used a slice of fuel: both are the same in every run with the same input.
 */
#include "profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MOST_FRAMES 200 /* innermost ones of a sample */
#define MOST_TEXT 16384
#define ROWS 25

struct cli_profile {
    struct cli_profile_config config;
    struct cli_stack_count *stacks; /* open addressing by text; capacity is a power of two */
    size_t capacity, count;
    uint64_t samples, lost;
    FILE *trace;
    unsigned depth;
    const struct wrt_store *store;
};

struct cli_profile *cli_profile_open(const struct cli_profile_config *config)
{
    struct cli_profile *p = calloc(1, sizeof *p);
    if (p == NULL)
        return NULL;
    p->config = *config;
    if (config->trace == NULL)
        return p;
    p->trace = fopen(config->trace, "w");
    if (p->trace != NULL)
        return p;
    cli_fail(CLI_EXIT_FILE, "cannot write %s: %s", config->trace, strerror(errno));
    free(p);
    return NULL;
}

void cli_profile_close(struct cli_profile *p)
{
    if (p == NULL)
        return;
    for (size_t i = 0; i < p->capacity; i++)
        free(p->stacks[i].stack);
    free(p->stacks);
    if (p->trace != NULL)
        fclose(p->trace);
    free(p);
}

/* ---- stacks ---- */

static size_t slot_of(const struct cli_stack_count *stacks, size_t capacity, const char *text)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *at = text; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    size_t slot = (size_t)hash & (capacity - 1);
    while (stacks[slot].stack != NULL && strcmp(stacks[slot].stack, text) != 0)
        slot = (slot + 1) & (capacity - 1);
    return slot;
}

static bool grow(struct cli_profile *p)
{
    const size_t capacity = p->capacity != 0 ? p->capacity * 2 : 256;
    struct cli_stack_count *stacks = calloc(capacity, sizeof *stacks);
    if (stacks == NULL)
        return false;
    for (size_t i = 0; i < p->capacity; i++)
        if (p->stacks[i].stack != NULL)
            stacks[slot_of(stacks, capacity, p->stacks[i].stack)] = p->stacks[i];
    free(p->stacks);
    p->stacks = stacks;
    p->capacity = capacity;
    return true;
}

static void add_stack(struct cli_profile *p, const char *text, uint64_t weight)
{
    if (p->count * 2 >= p->capacity && !grow(p)) {
        p->lost++;
        return;
    }
    struct cli_stack_count *s = &p->stacks[slot_of(p->stacks, p->capacity, text)];
    if (s->stack == NULL) {
        s->stack = strdup(text);
        if (s->stack == NULL) {
            p->lost++;
            return;
        }
        p->count++;
    }
    s->weight += weight;
}

/* A name without what folded stacks use as separators, or control characters. */
static void name_frame(const struct wrt_frame *frame, char out[128])
{
    if (frame->is_host) {
        strcpy(out, "[host]");
        return;
    }
    if (frame->name.size_bytes == 0) {
        snprintf(out, 128, "function %" PRIu32, frame->function_index);
        return;
    }
    const size_t n = frame->name.size_bytes < 127 ? frame->name.size_bytes : 127;
    for (size_t i = 0; i < n; i++) {
        const uint8_t c = frame->name.data[i];
        out[i] = c < 0x20 || c == 0x7F || c == ';' ? '_' : (char)c;
    }
    out[n] = '\0';
}

static void sample(struct cli_profile *p, const struct wrt_store *store)
{
    static struct wrt_frame frames[MOST_FRAMES];
    static char text[MOST_TEXT];
    uint32_t depth = 0;
    while (depth < MOST_FRAMES && wrt_store_get_frame(store, depth, &frames[depth]) == WRT_OK)
        depth++;
    size_t length = 0;
    text[0] = '\0';
    while (depth-- > 0 && length + 130 < sizeof text) {
        char name[128];
        name_frame(&frames[depth], name);
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s",
                                   length != 0 ? ";" : "", name);
    }
    p->samples++;
    add_stack(p, text, p->config.sample);
}

/* ---- host calls ---- */

static void trace_values(FILE *out, const wrt_type *types, uint32_t count,
                         const union wrt_slot *slots)
{
    for (uint32_t i = 0; i < count; i++) {
        struct wrt_value value = {.type = types[i]};
        const unsigned width = types[i] == WRT_V128 ? 2 : 1;
        memcpy(value.slots, slots, width * sizeof *slots);
        slots += width;
        fputs(i != 0 ? ", " : "", out);
        cli_print_value(out, &value);
    }
}

static void trace(void *context, const struct wrt_trace_event *event)
{
    struct cli_profile *p = context;
    if (!event->has_returned) {
        fprintf(p->trace, "%" PRIu64 " ", wrt_store_fuel_used(p->store));
        cli_print_bytes(p->trace, event->module);
        fputc('.', p->trace);
        cli_print_bytes(p->trace, event->name);
        fputc('(', p->trace);
        trace_values(p->trace, event->type->parameters, event->type->parameter_count,
                     event->arguments);
        fputc(')', p->trace);
        return;
    }
    fputs(" -> ", p->trace);
    if (event->results != NULL)
        trace_values(p->trace, event->type->results, event->type->result_count, event->results);
    else
        fputs(wrt_status_name(event->status), p->trace);
    fputc('\n', p->trace);
}

/* ---- the call ---- */

static void give_slice(struct cli_profile *p, struct wrt_store *store, uint64_t *left)
{
    const uint64_t slice = *left < p->config.sample ? *left : p->config.sample;
    wrt_store_set_fuel(store, slice);
    if (*left != UINT64_MAX)
        *left -= slice;
}

enum wrt_status cli_profile_call(struct cli_profile *p, const struct cli_session *session,
                                 struct wrt_function *function,
                                 const struct wrt_function_type *type,
                                 const struct wrt_value *arguments, struct wrt_value *results)
{
    struct wrt_store *store = session->store;
    uint64_t left = wrt_store_fuel_left(store);
    p->store = store;
    if (p->trace != NULL)
        wrt_store_set_trace(store, trace, p);
    give_slice(p, store, &left);
    enum wrt_status status = wrt_function_call(store, function, arguments, type->parameter_count,
                                               results, type->result_count);
    while (status == WRT_PAUSED && wrt_store_pause_reason(store) == WRT_PAUSE_FUEL && left != 0) {
        sample(p, store);
        give_slice(p, store, &left);
        status = wrt_store_resume(store, results, type->result_count);
    }
    wrt_store_set_trace(store, NULL, NULL);
    return status;
}

/* ---- tables ---- */

struct row {
    char name[128];
    uint64_t count;   /* instructions */
    uint64_t entries; /* of a function */
};

static int by_count(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->name, y->name);
}

static void print_rows(const char *title, struct row *rows, size_t count, uint64_t total,
                       bool functions)
{
    qsort(rows, count, sizeof *rows, by_count);
    fprintf(stderr, "%16s %6s %14s  %s\n", "instructions", "share", functions ? "entered" : "",
            title);
    for (size_t i = 0; i < count && i < ROWS && rows[i].count != 0; i++) {
        char entered[24] = "";
        if (functions)
            snprintf(entered, sizeof entered, "%" PRIu64, rows[i].entries);
        fprintf(stderr, "%16" PRIu64 " %5.1f%% %14s  %s\n", rows[i].count,
                total != 0 ? 100.0 * (double)rows[i].count / (double)total : 0.0, entered,
                rows[i].name);
    }
}

static const char *opcode_name(uint32_t opcode)
{
    switch (opcode) {
#define X(code, name) case code: return name;
#include "opcode_names.def"
#undef X
    default: return "?";
    }
}

/* Opcodes as indexes: the byte, or 256 and up for each prefix. */
enum { OPCODES = 256 + 4 * 1024 };

static uint32_t opcode_index(uint32_t opcode)
{
    return opcode < 256 ? opcode : 256 + ((opcode >> 16) - 0xFB) * 1024 + (opcode & 1023);
}

struct totals {
    struct row *functions, *opcodes;
    struct cli_byte_count *bytes;
    size_t byte_count, byte_capacity;
    uint64_t total;
};

static bool add_byte(struct totals *t, const struct wrt_profile_item *item)
{
    if (t->byte_count == t->byte_capacity) {
        t->byte_capacity = t->byte_capacity != 0 ? t->byte_capacity * 2 : 1024;
        struct cli_byte_count *more = realloc(t->bytes, t->byte_capacity * sizeof *more);
        if (more == NULL)
            return false;
        t->bytes = more;
    }
    t->bytes[t->byte_count++] = (struct cli_byte_count){item->byte_offset, item->count};
    return true;
}

static bool add_function(struct totals *t, const struct cli_session *session, uint32_t function)
{
    struct row *row = &t->functions[function];
    struct wrt_profile_item item;
    const struct wrt_frame frame = {
        .function_index = function,
        .name = wrt_module_function_name(session->module, function)};
    name_frame(&frame, row->name);
    for (uint32_t i = 0;
         wrt_instance_get_profile(session->instance, function, i, &item) == WRT_OK; i++) {
        struct row *opcode = &t->opcodes[opcode_index(item.opcode)];
        if (i == 0)
            row->entries = item.count;
        row->count += item.count;
        t->total += item.count;
        opcode->count += item.count;
        snprintf(opcode->name, sizeof opcode->name, "%s", opcode_name(item.opcode));
        if (!add_byte(t, &item))
            return false;
    }
    return true;
}

static int print_tables(struct cli_profile *p, const struct cli_session *session)
{
    struct wrt_module_info info;
    wrt_module_get_info(session->module, &info);
    struct totals t = {.functions = calloc(info.function_count + 1, sizeof *t.functions),
                       .opcodes = calloc(OPCODES, sizeof *t.opcodes)};
    bool ok = t.functions != NULL && t.opcodes != NULL;
    for (uint32_t f = info.imported_function_count; ok && f < info.function_count; f++)
        ok = add_function(&t, session, f);
    int code = ok ? CLI_EXIT_OK : cli_fail(CLI_EXIT_MEMORY, "no memory for the profile");
    if (ok) {
        fprintf(stderr, "%" PRIu64 " instructions, %" PRIu64 " samples\n\n", t.total, p->samples);
        if (p->config.coverage != NULL)
            code = cli_write_coverage(session, p->config.coverage, t.bytes, t.byte_count);
        print_rows("function", t.functions, info.function_count, t.total, true);
        fputc('\n', stderr);
        print_rows("instruction", t.opcodes, OPCODES, t.total, false);
    }
    free(t.functions);
    free(t.opcodes);
    free(t.bytes);
    return code;
}

/* ---- files ---- */

static int by_stack(const void *a, const void *b)
{
    const struct cli_stack_count *x = a, *y = b;
    if (x->stack == NULL || y->stack == NULL)
        return x->stack == y->stack ? 0 : x->stack == NULL ? 1 : -1;
    return strcmp(x->stack, y->stack);
}

static FILE *create(const struct cli_profile *p, const struct cli_session *session,
                    const char *suffix, char path[1024])
{
    const char *prefix = p->config.output != NULL ? p->config.output : session->config->file;
    size_t length = strlen(prefix);
    if (p->config.output == NULL && length > 5 && strcmp(prefix + length - 5, ".wasm") == 0)
        length -= 5;
    const int n = snprintf(path, 1024, "%.*s%s", (int)(length < 900 ? length : 900), prefix, suffix);
    return n < 1024 ? fopen(path, "w") : NULL;
}

static int finish(FILE *out, bool ok, const char *path)
{
    if (out != NULL && fclose(out) == 0 && ok) {
        fprintf(stderr, "wrote %s\n", path);
        return CLI_EXIT_OK;
    }
    return cli_fail(CLI_EXIT_FILE, "cannot write %s: %s", path, strerror(errno));
}

static int write_folded(struct cli_profile *p, const struct cli_session *session)
{
    char path[1024];
    FILE *out = create(p, session, ".folded", path);
    bool ok = out != NULL;
    for (size_t i = 0; ok && i < p->count; i++)
        ok = fprintf(out, "%s %" PRIu64 "\n", p->stacks[i].stack, p->stacks[i].weight) > 0;
    return finish(out, ok, path);
}

static int write_flames(struct cli_profile *p, const struct cli_session *session)
{
    char path[1024];
    FILE *out = create(p, session, ".html", path);
    const bool ok = out != NULL &&
                    cli_write_flame_graph(out, session->config->file, p->stacks, p->count);
    return finish(out, ok, path);
}

int cli_profile_write(struct cli_profile *p, const struct cli_session *session)
{
    if (session->instance == NULL)
        return cli_fail(CLI_EXIT_FAILED, "nothing ran, so there is no profile");
    fflush(stdout);
    int code = print_tables(p, session);
    qsort(p->stacks, p->capacity, sizeof *p->stacks, by_stack);
    fputc('\n', stderr);
    if (p->lost != 0)
        fprintf(stderr, "%" PRIu64 " samples were lost: no memory\n", p->lost);
    const int folded = write_folded(p, session), flames = write_flames(p, session);
    return code != CLI_EXIT_OK ? code : folded != CLI_EXIT_OK ? folded : flames;
}
