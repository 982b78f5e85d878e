/* cli/compile.c - `wrt compile`: a module to native code, by wasm2c and a C compiler.
 * SPDX-License-Identifier: Apache-2.0
 *
 * All work happens in a folder of its own; the result is renamed into place when it is whole, so
 * a failure leaves what was there.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "aot.h"
#include "session.h"

extern char **environ;

enum { MAX_WORDS = 64, PATH_BYTES = 1024 };

enum option { OPTION_OUTPUT, OPTION_CC, OPTION_TARGET, OPTION_MEMORY, OPTION_STOP, OPTION_STATIC,
              OPTION_NAME, OPTION_CFLAGS, OPTION_WASM2C, OPTION_KEEP };

static const struct cli_option options[] = {
    [OPTION_OUTPUT] = {"output", "FILE", "the object; default: FILE with .so (.o with --static)"},
    [OPTION_CC] = {"cc", "COMMAND", "the C compiler, with options; default cc, or TARGET-gcc"},
    [OPTION_TARGET] = {"target", "TRIPLE", "compile for another machine"},
    [OPTION_MEMORY] = {"memory", "guard|compare", "find accesses out of bounds by guard pages of "
                       "8 GiB, or by compares (default)"},
    [OPTION_STOP] = {"stop", "none|check|fuel", "at loop heads: nothing, look for a stop "
                     "(default), or count fuel as well"},
    [OPTION_STATIC] = {"static", NULL, "write an object to link into a program"},
    [OPTION_NAME] = {"name", "NAME", "of the object's symbol wrt_native_NAME; default: the file's"},
    [OPTION_CFLAGS] = {"cflags", "FLAGS", "more options for the compiler, such as -march=native"},
    [OPTION_WASM2C] = {"wasm2c", "COMMAND", "wasm2c; default: the one on PATH"},
    [OPTION_KEEP] = {"keep", "FOLDER", "keep the C files there"},
    {0}};

struct compile {
    const char *file, *cc, *target, *cflags, *wasm2c, *keep, *name;
    char output[PATH_BYTES];
    bool has_output, is_static, is_clang;
    uint32_t memory_mode, stop_mode;
    char folder[PATH_BYTES];
    char version[64], compiler[96], machine[32], symbol[128], text[192];
    struct wrt_partition *partition;
    struct wrt_module *module;
    struct aot_buffer bytes, reduced, header, source, unit;
    const struct aot_dialect *dialect;
};

/* ---- files ---- */

static int read_whole(const char *path, struct aot_buffer *out)
{
    static char chunk[65536];
    size_t got;
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return cli_fail(CLI_EXIT_FILE, "cannot open %s: %s", path, strerror(errno));
    while ((got = fread(chunk, 1, sizeof chunk, in)) > 0)
        aot_put(out, chunk, got);
    const bool failed = ferror(in) != 0;
    fclose(in);
    if (failed)
        return cli_fail(CLI_EXIT_FILE, "cannot read %s", path);
    return out->failed ? cli_fail(CLI_EXIT_MEMORY, "%s does not fit in memory", path)
                       : CLI_EXIT_OK;
}

static int write_whole(const char *path, const struct aot_buffer *bytes)
{
    FILE *out = fopen(path, "wb");
    if (out == NULL)
        return cli_fail(CLI_EXIT_FILE, "cannot create %s: %s", path, strerror(errno));
    const bool ok = fwrite(bytes->data, 1, bytes->size, out) == bytes->size;
    return fclose(out) == 0 && ok ? CLI_EXIT_OK
                                  : cli_fail(CLI_EXIT_FILE, "cannot write %s", path);
}

static const char *in_folder(const struct compile *c, const char *name, char out[2 * PATH_BYTES])
{
    snprintf(out, 2 * PATH_BYTES, "%s/%s", c->folder, name);
    return out;
}

/* ---- programs ---- */

struct words {
    char room[4096];
    char *list[MAX_WORDS + 1];
    size_t used, count;
    bool failed;
};

static void add_word(struct words *w, const char *text, size_t size)
{
    if (w->count == MAX_WORDS || size + 1 > sizeof w->room - w->used) {
        w->failed = true;
        return;
    }
    w->list[w->count++] = w->room + w->used;
    memcpy(w->room + w->used, text, size);
    w->used += size;
    w->room[w->used++] = '\0';
}

/* Separated by spaces. */
static void add_words(struct words *w, const char *text)
{
    while (text != NULL && *text != '\0') {
        const size_t size = strcspn(text, " ");
        if (size != 0)
            add_word(w, text, size);
        text += size + (text[size] == ' ');
    }
}

static void add(struct words *w, const char *text)
{
    add_word(w, text, strlen(text));
}

/* ---- a signal that ends the command ends the program that it runs, and leaves no folder behind ---- */

static volatile sig_atomic_t ended_by, running; /* the signal; the program's process, 0: none */

static void on_end(int number)
{
    ended_by = number;
    if (running > 0)
        (void)kill((pid_t)running, number);
}

/* What is ignored, as under nohup, stays so. */
static void catch_ends(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction ours = {.sa_handler = on_end, .sa_flags = SA_RESTART};
    struct sigaction before;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &ours, NULL);
}

static void end_by_signal(void)
{
    if (ended_by == 0)
        return;
    (void)signal(ended_by, SIG_DFL);
    (void)raise(ended_by);
}

/* Output of both kinds goes to the file. Its exit status, or -1 if it did not start. */
static int run_to(const struct words *w, const char *log)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    if (w->failed || w->count == 0 || posix_spawn_file_actions_init(&actions) != 0)
        return -1;
    int failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    failed |= posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                               0600);
    failed |= posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (failed == 0)
        failed = posix_spawnp(&child, w->list[0], &actions, NULL, w->list, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0)
        return -1;
    running = (sig_atomic_t)child;
    if (ended_by != 0) /* it came before there was a program to tell */
        (void)kill(child, ended_by);
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    running = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The log's first lines that say an error, or its first. */
static void print_log(const char *log)
{
    char line[512];
    int printed = 0;
    FILE *in = fopen(log, "r");
    while (in != NULL && printed < 8 && fgets(line, sizeof line, in) != NULL)
        if (strstr(line, "error") != NULL || strstr(line, "warning") != NULL || printed == 0) {
            fputs("  ", stderr);
            fputs(line, stderr);
            printed++;
        }
    if (in != NULL)
        fclose(in);
}

static int run_program(const struct compile *c, const struct words *w, const char *what)
{
    char log[2 * PATH_BYTES];
    in_folder(c, "log", log);
    const int status = run_to(w, log);
    if (status == 0)
        return CLI_EXIT_OK;
    if (status < 0 || status == 127)
        return cli_fail(CLI_EXIT_FAILED, "%s cannot be started: %s", what,
                        w->count != 0 ? w->list[0] : "no command");
    const int code = cli_fail(CLI_EXIT_FAILED, "%s failed on %s (%s, exit status %d):", what,
                              c->file, w->list[0], status);
    print_log(log);
    return code;
}

/* The first line that `command` with `option` prints. */
static int ask(const struct compile *c, const char *command, const char *option, const char *what,
               char *out, size_t room)
{
    char log[2 * PATH_BYTES];
    struct words w = {0};
    add_words(&w, command);
    add(&w, option);
    int code = run_program(c, &w, what);
    if (code != CLI_EXIT_OK)
        return code;
    FILE *in = fopen(in_folder(c, "log", log), "r");
    if (in == NULL || fgets(out, (int)room, in) == NULL)
        code = cli_fail(CLI_EXIT_FAILED, "%s says nothing to %s", what, option);
    else
        out[strcspn(out, "\n")] = '\0';
    if (in != NULL)
        fclose(in);
    return code;
}

/* ---- steps ---- */

static int load(struct compile *c)
{
    const struct wrt_partition_config partition = {.name = "compile"};
    struct wrt_error error = {0};
    int code = read_whole(c->file, &c->bytes);
    if (code != CLI_EXIT_OK)
        return code;
    enum wrt_status status = wrt_partition_create(NULL, &partition, &c->partition, &error);
    if (status == WRT_OK)
        status = wrt_module_load(c->partition, NULL, c->bytes.data, c->bytes.size, &c->module,
                                 &error);
    return status == WRT_OK ? CLI_EXIT_OK : cli_fail_status(c->file, status, &error);
}

/* Names what wasm2c cannot translate. */
static int check_features(const struct compile *c)
{
    struct wrt_module_info info;
    wrt_module_get_info(c->module, &info);
    const uint64_t more = info.features & ~c->dialect->features;
    for (int bit = 0; bit < 64; bit++)
        if ((more >> bit & 1) != 0)
            return cli_fail(CLI_EXIT_UNSUPPORTED, "%s uses %s, which wasm2c %s does not translate "
                            "for us; wrt run interprets it", c->file,
                            wrt_feature_name((enum wrt_feature)bit), c->version);
    return info.memory_count > 1 ? cli_fail(CLI_EXIT_UNSUPPORTED, "%s has several memories",
                                            c->file)
                                 : CLI_EXIT_OK;
}

static int find_tools(struct compile *c)
{
    char line[256];
    int code = ask(c, c->wasm2c, "--version", "wasm2c", c->version, sizeof c->version);
    if (code != CLI_EXIT_OK)
        return code;
    c->dialect = aot_find_dialect(c->version);
    if (c->dialect == NULL)
        return cli_fail(CLI_EXIT_UNSUPPORTED, "%s is version '%s'; known are %s", c->wasm2c,
                        c->version, aot_known_versions());
    code = ask(c, c->cc, "--version", "the C compiler", line, sizeof line);
    if (code == CLI_EXIT_OK)
        code = ask(c, c->cc, "-dumpmachine", "the C compiler", c->machine, sizeof c->machine);
    c->is_clang = strstr(line, "clang") != NULL;
    snprintf(c->compiler, sizeof c->compiler, "%.95s", line);
    if (c->target != NULL)
        snprintf(c->machine, sizeof c->machine, "%.31s", c->target);
    return code;
}

static int translate(struct compile *c)
{
    char wasm[2 * PATH_BYTES], source[2 * PATH_BYTES], header[2 * PATH_BYTES];
    const char *why = "";
    struct words w = {0};
    if (!aot_reduce(c->module, (struct wrt_bytes){(const uint8_t *)c->bytes.data, c->bytes.size},
                    &c->reduced, &why))
        return cli_fail(CLI_EXIT_FAILED, "%s cannot be prepared for wasm2c: %s", c->file, why);
    int code = write_whole(in_folder(c, "guest.wasm", wasm), &c->reduced);
    if (code != CLI_EXIT_OK)
        return code;
    in_folder(c, "guest.c", source);
    in_folder(c, "guest.h", header);
    add_words(&w, c->wasm2c);
    add(&w, "-n");
    add(&w, "w");
    add(&w, wasm);
    add(&w, "-o");
    add(&w, source);
    code = run_program(c, &w, "wasm2c");
    if (code == CLI_EXIT_OK)
        code = read_whole(source, &c->source);
    aot_straighten(&c->source);
    return code == CLI_EXIT_OK ? read_whole(header, &c->header) : code;
}

static int emit(struct compile *c)
{
    static const char *const memories[] = {"compare", "guard"}, *const stops[] = {"none", "check",
                                                                                   "fuel"};
    char path[2 * PATH_BYTES], translator[96];
    const char *why = "";
    snprintf(translator, sizeof translator, "wasm2c %s", c->version);
    snprintf(c->text, sizeof c->text, "--memory %s --stop %s%s%.150s", memories[c->memory_mode],
             stops[c->stop_mode], c->cflags[0] != '\0' ? " --cflags " : "", c->cflags);
    const struct aot_options chosen = {.memory_mode = c->memory_mode, .stop_mode = c->stop_mode,
                                       .symbol = c->symbol, .target = c->machine,
                                       .compiler = c->compiler, .translator = translator,
                                       .options = c->text};
    if (!aot_emit(c->module, (struct wrt_bytes){(const uint8_t *)c->bytes.data, c->bytes.size},
                  c->dialect, &chosen, &c->header, &c->source, &c->unit, &why))
        return cli_fail(CLI_EXIT_FAILED, "the C of wasm2c %s for %s cannot be used: %s",
                        c->version, c->file, why);
    return write_whole(in_folder(c, "unit.c", path), &c->unit);
}

/* Frames must link (backtraces), stay small (stack limit) and be the module's (no copies made by
 * the optimizer); floats must round once per operation; what traps must not be moved or merged. */
static void add_flags(const struct compile *c, struct words *w)
{
    char frame[96];
    snprintf(frame, sizeof frame, c->is_clang ? "-Wframe-larger-than=%d -Werror=frame-larger-than"
                                              : "-Werror=frame-larger-than=%d",
             (int)AOT_FRAME_BYTES);
    add_words(w, "-std=gnu11 -O2 -fPIC -g0 -fvisibility=hidden -fno-omit-frame-pointer "
                 "-mno-omit-leaf-frame-pointer -fno-optimize-sibling-calls -ffp-contract=off "
                 "-fno-math-errno -fno-strict-aliasing -fwrapv -fno-stack-protector "
                 "-fno-delete-null-pointer-checks");
    if (c->is_clang)
        add_words(w, "-Wno-everything");
    else
        add_words(w, "-fno-reorder-blocks-and-partition -fno-ipa-cp -fno-ipa-sra -fno-ipa-icf "
                     "-fno-partial-inlining -fno-trapping-math -fsignaling-nans");
    add_words(w, frame);
    add_words(w, c->cflags);
}

static int compile_unit(struct compile *c)
{
    char unit[2 * PATH_BYTES], object[2 * PATH_BYTES];
    struct words w = {0};
    add_words(&w, c->cc);
    add_flags(c, &w);
    if (c->is_clang && c->target != NULL) {
        add(&w, "-target");
        add(&w, c->target);
    }
    if (c->is_static)
        add(&w, "-c");
    else
        add_words(&w, "-shared -nostartfiles -Wl,-z,now,-z,relro,-z,noexecstack,-z,separate-code "
                      "-Wl,--build-id=none");
    add(&w, "-o");
    add(&w, in_folder(c, "object", object));
    add(&w, in_folder(c, "unit.c", unit));
    if (!c->is_static)
        add(&w, "-lm");
    return run_program(c, &w, "the C compiler");
}

/* Copies the object to its place, sealed. */
static int deliver(const struct compile *c)
{
    char object[2 * PATH_BYTES];
    struct aot_buffer bytes = {0};
    struct wrt_error error = {0};
    int code = read_whole(in_folder(c, "object", object), &bytes);
    if (code == CLI_EXIT_OK && !c->is_static) {
        const enum wrt_status status = wrt_native_seal(bytes.data, bytes.size, &error);
        /* Of another machine: sealing needs no more of it than its sections. */
        if (status != WRT_OK)
            code = cli_fail_status("the object", status, &error);
    }
    if (code == CLI_EXIT_OK)
        code = cli_keep_file(c->output, bytes.data, bytes.size);
    aot_free(&bytes);
    return code;
}

static int make_folder(struct compile *c)
{
    const char *base = getenv("TMPDIR");
    if (c->keep != NULL) {
        snprintf(c->folder, sizeof c->folder, "%s", c->keep);
        if (mkdir(c->folder, 0700) != 0 && errno != EEXIST)
            return cli_fail(CLI_EXIT_FILE, "cannot create %s: %s", c->folder, strerror(errno));
        return CLI_EXIT_OK;
    }
    snprintf(c->folder, sizeof c->folder, "%s/wrt-compile-XXXXXX",
             base != NULL && base[0] != '\0' ? base : "/tmp");
    if (mkdtemp(c->folder) == NULL)
        return cli_fail(CLI_EXIT_FILE, "cannot create %s: %s", c->folder, strerror(errno));
    return CLI_EXIT_OK;
}

static void remove_folder(const struct compile *c)
{
    static const char *const names[] = {"guest.wasm", "guest.c", "guest.h", "unit.c", "object",
                                        "log"};
    char path[2 * PATH_BYTES];
    if (c->keep != NULL)
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        (void)unlink(in_folder(c, names[i], path));
    (void)rmdir(c->folder);
}

static int compile(struct compile *c)
{
    catch_ends();
    int code = make_folder(c);
    if (code != CLI_EXIT_OK)
        return code;
    code = load(c);
    if (code == CLI_EXIT_OK)
        code = find_tools(c);
    if (code == CLI_EXIT_OK)
        code = check_features(c);
    if (code == CLI_EXIT_OK)
        code = translate(c);
    if (code == CLI_EXIT_OK)
        code = emit(c);
    if (code == CLI_EXIT_OK)
        code = compile_unit(c);
    if (code == CLI_EXIT_OK)
        code = deliver(c);
    remove_folder(c);
    end_by_signal();
    (void)!wrt_module_destroy(c->module);
    if (c->partition != NULL)
        (void)!wrt_partition_destroy(c->partition, NULL);
    return code;
}

/* ---- the command ---- */

static bool choose(const char *value, const char *const *names, uint32_t *out)
{
    for (uint32_t i = 0; names[i] != NULL; i++)
        if (strcmp(value, names[i]) == 0) {
            *out = i;
            return true;
        }
    return false;
}

static bool set_option(struct compile *c, int option, const char *value)
{
    static const char *const memories[] = {"compare", "guard", NULL};
    static const char *const stops[] = {"none", "check", "fuel", NULL};
    switch (option) {
    case OPTION_OUTPUT:
        c->has_output = true;
        return (size_t)snprintf(c->output, sizeof c->output, "%s", value) < sizeof c->output;
    case OPTION_CC: c->cc = value; return true;
    case OPTION_TARGET: c->target = value; return true;
    case OPTION_MEMORY: return choose(value, memories, &c->memory_mode);
    case OPTION_STOP: return choose(value, stops, &c->stop_mode);
    case OPTION_STATIC: c->is_static = true; return true;
    case OPTION_NAME: c->name = value; return true;
    case OPTION_CFLAGS: c->cflags = value; return true;
    case OPTION_WASM2C: c->wasm2c = value; return true;
    default: c->keep = value; return true;
    }
}

/* From the file's name: without folder and ending, and as an identifier. */
static void set_names(struct compile *c)
{
    const char *slash = strrchr(c->file, '/');
    const char *base = slash != NULL ? slash + 1 : c->file;
    const char *dot = strrchr(base, '.');
    const size_t whole = dot != NULL ? (size_t)(dot - c->file) : strlen(c->file);
    const size_t length = dot != NULL ? (size_t)(dot - base) : strlen(base);
    if (!c->has_output)
        snprintf(c->output, sizeof c->output, "%.*s.%s", (int)whole, c->file,
                 c->is_static ? "o" : "so");
    if (!c->is_static)
        snprintf(c->symbol, sizeof c->symbol, "wrt_native_object_of_file");
    else if (c->name != NULL)
        snprintf(c->symbol, sizeof c->symbol, "wrt_native_%.100s", c->name);
    else
        snprintf(c->symbol, sizeof c->symbol, "wrt_native_%.*s", (int)(length < 100 ? length : 100),
                 base);
    for (char *at = c->symbol; *at != '\0'; at++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", *at) == NULL)
            *at = '_';
}

static int compile_command(const struct cli_command *command, int argc, char **argv)
{
    static struct compile c;
    static char gcc[PATH_BYTES], long_output[] = "--output";
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    int option;
    c = (struct compile){.wasm2c = "wasm2c", .cflags = "", .stop_mode = 1};
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], "-o") == 0)
            argv[i] = long_output;
    do { /* options may follow the file: `wrt compile FILE -o OUT` is what hands type */
        while ((option = cli_next_option(&parser)) >= 0)
            if (!set_option(&c, option, parser.value))
                return cli_fail(CLI_EXIT_USAGE, "--%s takes %s, not '%s'", options[option].name,
                                options[option].argument, parser.value);
        if (option == CLI_OPTIONS_HELP)
            return CLI_EXIT_OK;
        if (option == CLI_OPTIONS_BAD)
            return CLI_EXIT_USAGE;
        if (parser.next < argc && c.file == NULL)
            c.file = argv[parser.next++];
        else if (parser.next < argc)
            return cli_fail(CLI_EXIT_USAGE, "compile takes one file; '%s' is another",
                            argv[parser.next]);
    } while (parser.next < argc);
    if (c.file == NULL)
        return cli_fail(CLI_EXIT_USAGE, "compile needs a file");
    if (c.cc == NULL && c.target != NULL) {
        snprintf(gcc, sizeof gcc, "%.900s-gcc", c.target);
        c.cc = gcc;
    }
    if (c.cc == NULL)
        c.cc = "cc";
    set_names(&c);
    const int code = compile(&c);
    struct aot_buffer *const buffers[] = {&c.bytes, &c.reduced, &c.header, &c.source, &c.unit};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        aot_free(buffers[i]);
    return code;
}

const struct cli_command cli_compile = {
    "compile", "[options] FILE.wasm", "Compiles a module to native code, by wasm2c and a C compiler.",
    options, compile_command};
