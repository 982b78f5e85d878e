/* cli/calibrate.c - `wrt calibrate`: how long one unit of fuel takes on this machine, by class of
 * instruction.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For each class a small module is made: a loop of TURNS turns whose body repeats a group of
 * instructions of the class, each waiting for the one before. All the time of a run is counted
 * for the instructions of the class, those of the loop and the operands included, so that a table
 * errs to the long side. Each run is one sample: the table keeps the median and the largest.
 *
 * The largest is what was seen, not what can be: nothing bounds what else the machine does.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate.h"

enum { TURNS = 256, REPEATS = 8, MOST_RUNS = 10000, MODULE_BYTES = 4096 };

/* ---- writing modules ---- */

struct out {
    uint8_t bytes[MODULE_BYTES];
    size_t size;
};

static void put(struct out *o, unsigned byte)
{
    if (o->size < sizeof o->bytes)
        o->bytes[o->size++] = (uint8_t)byte;
}

static void put_all(struct out *o, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(o, ((const uint8_t *)bytes)[i]);
}

static void put_leb(struct out *o, uint32_t value)
{
    for (; value >= 0x80; value >>= 7)
        put(o, (value & 0x7f) | 0x80);
    put(o, value);
}

static void put_section(struct out *o, unsigned id, const struct out *contents)
{
    put(o, id);
    put_leb(o, (uint32_t)contents->size);
    put_all(o, contents->bytes, contents->size);
}

static void section(struct out *o, unsigned id, const char *bytes, size_t count)
{
    put(o, id);
    put_leb(o, (uint32_t)count);
    put_all(o, bytes, count);
}
#define SECTION(o, id, bytes) section(o, id, bytes, sizeof bytes - 1)

/* One group for a class: local 1 (i32), 2 (f64), 3 (v128) are the chain; `count` of its
 * instructions are of the class. */
struct group {
    const char *bytes;
    uint8_t size, count;
};
#define GROUP(text, instructions) {text, sizeof text - 1, instructions}

/* local.get is 20, local.set 21, i32.const 41, f64.const 44. */
static const struct group groups[BOUND_CLASSES] = {
    [BOUND_PLAIN] = GROUP("\x20\x01\x41\x03\x6c\x21\x01", 4),                 /* i32.mul */
    [BOUND_DIVIDE] = GROUP("\x20\x01\x41\x03\x6d\x21\x01", 1),                /* i32.div_s */
    [BOUND_FLOAT] = GROUP("\x20\x02\x20\x02\xa2\x21\x02", 1),                 /* f64.mul */
    [BOUND_FLOAT_DIVIDE] = GROUP("\x20\x02\x20\x02\xa3\x9f\x21\x02", 2),      /* div, sqrt */
    [BOUND_LOAD] = GROUP("\x20\x01\x28\x02\x00\x21\x01", 1),                  /* i32.load */
    [BOUND_STORE] = GROUP("\x41\x08\x20\x01\x36\x02\x00", 1),                 /* i32.store */
    [BOUND_BRANCH] = GROUP("\x02\x40\x20\x00\x0d\x00\x0b", 1),                /* br_if */
    [BOUND_CALL] = GROUP("\x10\x01", 1),
    [BOUND_CALL_INDIRECT] = GROUP("\x41\x00\x11\x00\x00", 1),
    [BOUND_CALL_HOST] = GROUP("\x10\x00", 1),
    [BOUND_BULK] = GROUP("\x41\x00\x41\x80\x20\x41\x80\x20\xfc\x0a\x00\x00", 64), /* copy 4096 */
    [BOUND_TABLE] = GROUP("\x41\x00\x25\x00\x1a", 1),                         /* table.get */
    [BOUND_GROW] = GROUP("\x41\x00\x40\x00\x1a", 1),                          /* memory.grow 0 */
    [BOUND_VECTOR] = GROUP("\x20\x03\x20\x03\xfd\xb5\x01\x21\x03", 1),        /* i32x4.mul */
    [BOUND_ATOMIC] = GROUP("\x41\x00\x41\x01\xfe\x1e\x02\x00\x1a", 1),        /* i32.atomic.rmw.add */
};

/* (func (local i32 f64 v128) (loop GROUP.. count down, br_if)), behind an empty function. */
static void put_code(struct out *o, enum bound_class of)
{
    struct out code = {.size = 0}, body = {.size = 0};
    put_all(&body, "\x04\x01\x7f\x01\x7f\x01\x7c\x01\x7b\x41", 10);
    put_leb(&body, TURNS); /* 256: its sign bit is clear */
    put_all(&body, "\x21\x00\x03\x40", 4);
    for (int i = 0; i < REPEATS; i++)
        put_all(&body, groups[of].bytes, groups[of].size);
    put_all(&body, "\x20\x00\x41\x01\x6b\x22\x00\x0d\x00\x0b\x0b", 11);
    put_all(&code, "\x02\x02\x00\x0b", 4);
    put_leb(&code, (uint32_t)body.size);
    put_all(&code, body.bytes, body.size);
    put_section(o, 10, &code);
}

/* Function 0 is the host's, 1 does nothing, 2 is exported as "run". */
static void make_module(struct out *o, enum bound_class of)
{
    o->size = 0;
    put_all(o, "\0asm\x01\0\0\0", 8);
    SECTION(o, 1, "\x01\x60\x00\x00");
    SECTION(o, 2, "\x01\x01" "e\x01" "h\x00\x00");
    SECTION(o, 3, "\x02\x00\x00");
    SECTION(o, 4, "\x01\x70\x00\x01");
    SECTION(o, 5, "\x01\x01\x01\x01");
    SECTION(o, 7, "\x01\x03" "run\x00\x02");
    SECTION(o, 9, "\x01\x00\x41\x00\x0b\x01\x01");
    put_code(o, of);
}

/* ---- measuring ---- */

static enum wrt_status do_nothing(struct wrt_caller *caller, void *context,
                                  const union wrt_slot *arguments, union wrt_slot *results)
{
    (void)caller;
    (void)context;
    (void)arguments;
    (void)results;
    return WRT_OK;
}

struct kernel {
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct wrt_store *store;
    struct wrt_instance *instance;
    struct wrt_function *run;
    struct wrt_error error;
};

static enum wrt_status open_kernel(struct kernel *k, enum bound_class of)
{
    static struct out module;
    static const struct wrt_function_type nothing = {NULL, NULL, 0, 0};
    struct wrt_extern host = {.kind = WRT_EXTERN_FUNCTION}, run;
    make_module(&module, of);
    enum wrt_status status = wrt_partition_create(NULL, NULL, &k->partition, &k->error);
    if (status == WRT_OK)
        status = wrt_module_load(k->partition, NULL, module.bytes, module.size, &k->module, &k->error);
    if (status == WRT_OK)
        status = wrt_store_create(k->partition, NULL, &k->store, &k->error);
    if (status == WRT_OK)
        status = wrt_function_create(k->store, &nothing, do_nothing, NULL, &host.of.function, &k->error);
    if (status == WRT_OK)
        status = wrt_store_instantiate_with(k->store, k->module, &host, 1, false, &k->instance,
                                            &k->error);
    if (status == WRT_OK)
        status = wrt_instance_export(k->instance, "run", &run);
    if (status == WRT_OK)
        k->run = run.of.function;
    return status;
}

static enum wrt_status close_kernel(struct kernel *k)
{
    enum wrt_status status = wrt_store_destroy(k->store);
    if (status == WRT_OK)
        status = wrt_module_destroy(k->module);
    if (status == WRT_OK && k->partition != NULL)
        status = wrt_partition_destroy(k->partition, &k->error);
    return status;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Picoseconds for each instruction of the class, rounded up. */
static enum wrt_status measure(struct kernel *k, enum bound_class of, uint32_t runs,
                               struct bound_times *out)
{
    static uint64_t samples[MOST_RUNS];
    const uint64_t count = (uint64_t)TURNS * REPEATS * groups[of].count;
    for (uint32_t i = 0; i < runs; i++) {
        const uint64_t start = wrt_time_now_ns();
        const enum wrt_status status = wrt_function_call(k->store, k->run, NULL, 0, NULL, 0);
        if (status != WRT_OK)
            return status;
        samples[i] = ((wrt_time_now_ns() - start) * 1000 + count - 1) / count;
    }
    qsort(samples, runs, sizeof samples[0], by_size);
    out->median[of] = samples[runs / 2];
    out->worst[of] = samples[runs - 1];
    return WRT_OK;
}

/* ---- the table ---- */

enum { TABLE_BYTES = 4096 };

/* The table as text; returns its size. Some 60 bytes for each class. */
static size_t print_times(char text[TABLE_BYTES], const struct bound_times *times, uint32_t runs)
{
    size_t used = (size_t)snprintf(text, TABLE_BYTES,
                                   "# wrt %s: picoseconds for each unit of fuel; median and largest of %" PRIu32
                                   " runs\n", wrt_version(), runs);
    for (int i = 0; i < BOUND_CLASSES && used < TABLE_BYTES; i++)
        used += (size_t)snprintf(text + used, TABLE_BYTES - used, "%s %" PRIu64 " %" PRIu64 "\n",
                                 bound_class_name((enum bound_class)i), times->median[i],
                                 times->worst[i]);
    return used < TABLE_BYTES ? used : TABLE_BYTES - 1;
}

/* The class that a line names; BOUND_CLASSES: none. */
static int class_named(const char *name)
{
    int i = 0;
    while (i < BOUND_CLASSES && strcmp(bound_class_name((enum bound_class)i), name) != 0)
        i++;
    return i;
}

int cli_read_times(const char *path, struct bound_times *out)
{
    char line[160], name[32], median[32], worst[32];
    uint32_t found = 0, number = 0;
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return cli_fail(CLI_EXIT_FILE, "cannot open %s", path);
    bool ok = true;
    while (ok && fgets(line, sizeof line, in) != NULL) {
        number++;
        if (line[0] == '#')
            continue;
        /* A last line without an end may have lost digits. */
        const bool is_line = strchr(line, '\n') != NULL &&
                             sscanf(line, "%31s %31s %31s", name, median, worst) == 3;
        const int of = is_line ? class_named(name) : BOUND_CLASSES;
        ok = of < BOUND_CLASSES && (found >> of & 1) == 0 &&
             cli_parse_count(median, &out->median[of]) && cli_parse_count(worst, &out->worst[of]);
        found |= ok ? UINT32_C(1) << of : 0;
    }
    fclose(in);
    if (!ok)
        return cli_fail(CLI_EXIT_FILE, "%s: line %" PRIu32 " is not \"CLASS MEDIAN WORST\"", path, number);
    if (found != (UINT32_C(1) << BOUND_CLASSES) - 1)
        return cli_fail(CLI_EXIT_FILE, "%s: not every class of instructions is there", path);
    return CLI_EXIT_OK;
}

/* ---- the command ---- */

enum option { OPTION_RUNS, OPTION_OUT };

static const struct cli_option options[] = {
    [OPTION_RUNS] = {"runs", "COUNT", "samples of each class, up to 10000 (default 1000)"},
    [OPTION_OUT] = {"out", "FILE", "write the table there, else to standard output"},
    {0}};

static int calibrate(uint32_t runs, struct bound_times *times)
{
    for (int i = 0; i < BOUND_CLASSES; i++) {
        struct kernel k = {0};
        const enum bound_class of = (enum bound_class)i;
        enum wrt_status status = open_kernel(&k, of);
        if (status == WRT_OK)
            status = measure(&k, of, runs, times);
        const enum wrt_status closing = close_kernel(&k);
        status = status == WRT_OK ? closing : status;
        if (status != WRT_OK)
            return cli_fail_status(bound_class_name(of), status, &k.error);
    }
    return CLI_EXIT_OK;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    static struct bound_times times;
    const char *path = NULL;
    uint64_t runs = 1000;
    int option;
    while ((option = cli_next_option(&parser)) >= 0)
        if (option == OPTION_OUT)
            path = parser.value;
        else if (!cli_parse_count(parser.value, &runs) || runs == 0 || runs > MOST_RUNS)
            return cli_fail(CLI_EXIT_USAGE, "--runs takes 1 to %d, not '%s'", MOST_RUNS, parser.value);
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (parser.next != argc)
        return cli_fail(CLI_EXIT_USAGE, "calibrate takes no file");
    const int code = calibrate((uint32_t)runs, &times);
    if (code != CLI_EXIT_OK)
        return code;
    char text[TABLE_BYTES];
    const size_t size = print_times(text, &times, (uint32_t)runs);
    if (path != NULL)
        return cli_keep_file(path, text, size);
    return fwrite(text, 1, size, stdout) == size && fflush(stdout) == 0
               ? CLI_EXIT_OK
               : cli_fail(CLI_EXIT_FILE, "cannot write the table");
}

const struct cli_command cli_calibrate = {
    "calibrate", "[options]", "Measures how long a unit of fuel takes here, for wrt bound.",
    options, run};
