/* cli/run.c - `wrt run`: one program in one partition, with limits and grants by option.
 * `wrt resume` continues one that was paused and written; what it lacks of the options comes
 * from the snapshot.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>
#include <string.h>

#include "frozen.h"
#include "profile.h"

enum { MAX_VALUES = 1000 }; /* the loader's default limit for parameters and results */

struct run_options {
    struct cli_session_config session;
    uint64_t fuel;        /* UINT64_MAX: not limited */
    uint64_t deadline_ms; /* 0: none */
    const char *invoke;   /* NULL: _start */
    bool stats, stats_json;
    const char *snapshot;            /* written if the guest pauses; NULL: none */
    const struct cli_frozen *frozen; /* of resume */
    struct cli_profile_config profile;
};

/* ---- options ---- */

enum option {
    OPTION_MEMORY,
    OPTION_FUEL,
    OPTION_DEADLINE,
    OPTION_STACK,
    OPTION_VERIFY,
    OPTION_DIR,
    OPTION_CLOCKS,
    OPTION_CLOCK_RESOLUTION,
    OPTION_CLOCK_JITTER,
    OPTION_RANDOM,
    OPTION_FEATURES,
    OPTION_WITHOUT,
    OPTION_INDEX_MASKING,
    OPTION_MEMORY_TAGS,
    OPTION_CACHE_COLOUR,
    OPTION_SNAPSHOT,
    OPTION_STATS,
    /* what resume finds in the snapshot */
    OPTION_ENV,
    OPTION_THREADS, /* of no use there: shared memories are not written */
    OPTION_CANONICAL_NAN,
    OPTION_DETERMINISTIC,
    OPTION_OBLIVIOUS,
    OPTION_INVOKE,
    OPTION_NATIVE,
    /* what only profile takes */
    OPTION_OUTPUT,
    OPTION_SAMPLE,
    OPTION_COVERAGE,
    OPTION_TRACE
};

#define COMMON_OPTIONS                                                                        \
    [OPTION_MEMORY] = {"memory", "MIN:MAX[:RESERVED]",                                        \
                       "partition: guaranteed, most and resident bytes (K, M, G)"},           \
    [OPTION_FUEL] = {"fuel", "N", "stop after N instructions"},                               \
    [OPTION_DEADLINE] = {"deadline", "MS", "stop after MS milliseconds"},                     \
    [OPTION_STACK] = {"stack", "BYTES", "the guest's call stack (K, M, G); default 256K"},    \
    [OPTION_VERIFY] = {"verify", "LEVEL", "off, minimal, standard, full or critical"},        \
    [OPTION_DIR] = {"dir", "HOST[::GUEST][:ro]",                                              \
                    "grant a folder, under another name, read-only"},                         \
    [OPTION_CLOCKS] = {"clocks", "none|monotonic|all", "clocks to grant; default all"},       \
    [OPTION_CLOCK_RESOLUTION] = {"clock-resolution", "NS", "clocks tick in steps of NS"},     \
    [OPTION_CLOCK_JITTER] = {"clock-jitter", NULL, "and the steps are moved at random"},      \
    [OPTION_RANDOM] = {"random", "none|system|SEED",                                          \
                       "random numbers to grant; default system"},                            \
    [OPTION_FEATURES] = {"features", "NAME,...|none",                                         \
                         "refuse modules that use any other feature"},                        \
    [OPTION_WITHOUT] = {"without", "NAME,...", "refuse modules that use one of these features"}, \
    [OPTION_INDEX_MASKING] = {"index-masking", NULL,                                          \
                              "only if this build masks indexes against speculation"},        \
    [OPTION_MEMORY_TAGS] = {"memory-tags", NULL,                                              \
                            "only if arenas and memories can be tagged, and each access checked"}, \
    [OPTION_CACHE_COLOUR] = {"cache-colour", "I/N[@LEVEL]",                                   \
                             "arenas and memories lie in part I of N of a cache's sets"},     \
    [OPTION_SNAPSHOT] = {"snapshot-on-pause", "FILE",                                         \
                         "when fuel, deadline or ^C stop it, write it for resume"},           \
    [OPTION_STATS] = {"stats", "[=json]", "print memory, fuel and time on standard error"}

#define START_OPTIONS                                                                         \
    [OPTION_ENV] = {"env", "NAME=VALUE", "set a variable"},                                   \
    [OPTION_THREADS] = {"threads", "N", "let the guest start up to N threads (1 to 254)"},    \
    [OPTION_OBLIVIOUS] = {"oblivious", NULL, "offer the imports of module wrt_oblivious"},     \
    [OPTION_CANONICAL_NAN] = {"canonical-nan", NULL, "every machine computes the same NaN bits"},\
    [OPTION_DETERMINISTIC] = {"deterministic", NULL, "the same, and the same relaxed vectors"},\
    [OPTION_INVOKE] = {"invoke", "NAME", "call this export with the arguments, print its results"}, \
    [OPTION_NATIVE] = {"native", "[=SHA256]",                                                 \
                       "FILE may be native code (of wrt compile), of this hash"}

static const struct cli_option options[] = {COMMON_OPTIONS, START_OPTIONS, {0}};

static const struct cli_option profile_options[] = {
    COMMON_OPTIONS, START_OPTIONS,
    [OPTION_OUTPUT] = {"output", "PREFIX", "write PREFIX.folded and PREFIX.html; default: FILE's name"},
    [OPTION_SAMPLE] = {"sample", "FUEL", "sample the stack each FUEL instructions; default 10,000"},
    [OPTION_COVERAGE] = {"coverage", "PATH", "write line counts in lcov's form"},
    [OPTION_TRACE] = {"trace", "PATH", "write each host call with its arguments and results"},
    {0}};

static const struct cli_option resume_options[] = {COMMON_OPTIONS, {0}};

static bool set_count(const char *value, uint64_t least, uint64_t most, uint64_t *out)
{
    uint64_t count;
    if (!cli_parse_count(value, &count) || count < least || count > most)
        return false;
    *out = count;
    return true;
}

static bool set_threads(struct cli_session_config *session, const char *value)
{
    uint64_t threads;
    if (!set_count(value, 1, 254, &threads))
        return false;
    session->max_threads = (uint32_t)threads;
    return true;
}

/* Cuts "HOST[::GUEST][:ro]" in place. */
static bool add_directory(struct cli_session_config *config, char *value)
{
    if (config->wasi.directory_count == CLI_MAX_GRANTS)
        return false;
    struct wrt_wasi_directory *directory = &config->directories[config->wasi.directory_count];
    size_t length = strlen(value);
    directory->read_only = length > 3 && strcmp(value + length - 3, ":ro") == 0;
    if (directory->read_only)
        value[length - 3] = '\0';
    char *split = strstr(value, "::");
    if (split != NULL)
        *split = '\0';
    directory->host_path = value;
    directory->guest_path = split != NULL ? split + 2 : value;
    if (*directory->host_path == '\0' || *directory->guest_path == '\0')
        return false;
    config->wasi.directory_count++;
    return true;
}

static bool add_variable(struct cli_session_config *config, const char *value)
{
    const char *equals = strchr(value, '=');
    if (equals == NULL || equals == value || config->wasi.environment_count == CLI_MAX_GRANTS)
        return false;
    config->environment[config->wasi.environment_count++] = value;
    return true;
}

static bool set_clocks(struct wrt_wasi_config *wasi, const char *value)
{
    if (strcmp(value, "none") == 0)
        wasi->clocks = 0;
    else if (strcmp(value, "monotonic") == 0)
        wasi->clocks = WRT_WASI_CLOCK_MONOTONIC;
    else if (strcmp(value, "all") == 0)
        wasi->clocks = WRT_WASI_CLOCK_ALL;
    else
        return false;
    return true;
}

static bool set_random(struct wrt_wasi_config *wasi, const char *value)
{
    if (strcmp(value, "none") == 0)
        wasi->random = WRT_WASI_RANDOM_NONE;
    else if (strcmp(value, "system") == 0)
        wasi->random = WRT_WASI_RANDOM_SYSTEM;
    else if (cli_parse_count(value, &wasi->random_seed))
        wasi->random = WRT_WASI_RANDOM_SEEDED;
    else
        return false;
    return true;
}

static bool set_stats(struct run_options *run, const char *value)
{
    run->stats = true;
    run->stats_json = value != NULL;
    return value == NULL || strcmp(value, "json") == 0;
}

/* False if the value is bad. */
static bool set_option(struct run_options *run, int option, char *value)
{
    struct cli_session_config *session = &run->session;
    switch ((enum option)option) {
    case OPTION_MEMORY: return cli_parse_memory(value, &session->partition);
    case OPTION_FUEL:
        return set_count(value, 0, UINT64_MAX - 1, &run->fuel) &&
               set_count(value, 0, UINT64_MAX - 1, &session->fuel);
    case OPTION_DEADLINE: return set_count(value, 1, UINT64_C(1) << 40, &run->deadline_ms);
    case OPTION_STACK:
        return cli_parse_size(value, &session->stack_bytes) && session->stack_bytes != 0;
    case OPTION_THREADS: return set_threads(session, value);
    case OPTION_VERIFY:
        return wrt_verification_level_parse(value, &session->partition.verification) == WRT_OK;
    case OPTION_DIR: return add_directory(session, value);
    case OPTION_ENV: return add_variable(session, value);
    case OPTION_CLOCKS: return set_clocks(&session->wasi, value);
    case OPTION_CLOCK_RESOLUTION:
        return set_count(value, 1, 1000000000, &session->wasi.clock_resolution_ns);
    case OPTION_CLOCK_JITTER: session->wasi.clock_jitter = true; return true;
    case OPTION_OBLIVIOUS: session->has_oblivious = true; return true;
    case OPTION_RANDOM: return set_random(&session->wasi, value);
    case OPTION_INDEX_MASKING: session->index_masking = true; return true;
    case OPTION_MEMORY_TAGS: session->memory_tags = true; return true;
    case OPTION_CACHE_COLOUR:
        return wrt_cache_colour_parse(value, &session->colour) == WRT_OK;
    case OPTION_CANONICAL_NAN: session->canonical_nan = true; return true;
    case OPTION_DETERMINISTIC: session->deterministic = true; return true;
    case OPTION_FEATURES: return cli_features_only(value, &session->features_off);
    case OPTION_WITHOUT: return cli_features_without(value, &session->features_off);
    case OPTION_SNAPSHOT: run->snapshot = value; return *value != '\0';
    case OPTION_INVOKE: run->invoke = value; return true;
    case OPTION_NATIVE:
        session->is_native = true;
        session->has_pin = value != NULL;
        return value == NULL || cli_parse_hash(value, session->pin);
    case OPTION_STATS: return set_stats(run, value);
    case OPTION_OUTPUT: run->profile.output = value; return true;
    case OPTION_SAMPLE: return set_count(value, 100, UINT64_C(1) << 40, &run->profile.sample);
    case OPTION_COVERAGE: run->profile.coverage = value; return true;
    case OPTION_TRACE: run->profile.trace = value; return true;
    }
    return false;
}

/* What the stores of wrt_oblivious cannot do. */
static int check_together(const struct run_options *run, int option)
{
    if (option != CLI_OPTIONS_END || !run->session.has_oblivious ||
        (run->snapshot == NULL && run->session.max_threads == 0))
        return option;
    cli_fail(CLI_EXIT_USAGE, "--oblivious does not go with --threads or --snapshot-on-pause");
    return CLI_OPTIONS_BAD;
}

/* The parser's last word: CLI_OPTIONS_END, or what ended it early. */
static int parse(struct run_options *run, struct cli_parser *parser)
{
    *run = (struct run_options){.fuel = UINT64_MAX, .profile.sample = 10000};
    cli_session_defaults(&run->session);
    int option;
    while ((option = cli_next_option(parser)) >= 0) {
        if (!set_option(run, option, parser->value)) {
            const struct cli_option *bad = &parser->command->options[option];
            cli_fail(CLI_EXIT_USAGE, "--%s takes %s, not '%s'", bad->name, bad->argument,
                     parser->value);
            return CLI_OPTIONS_BAD;
        }
    }
    return check_together(run, option);
}

/* ---- how a call ended ---- */

static void print_function(const struct wrt_frame *frame)
{
    if (frame->is_host) {
        fputs("the host", stderr);
        return;
    }
    if (frame->name.size_bytes != 0) {
        cli_print_bytes(stderr, frame->name);
        fprintf(stderr, " (function %" PRIu32 ")", frame->function_index);
    } else {
        fprintf(stderr, "function %" PRIu32, frame->function_index);
    }
    fprintf(stderr, " at byte %" PRIu64, frame->byte_offset);
}

/* "wrt: FILE: WHAT in FUNCTION at byte N", then who called whom. */
static int report_stop(const struct cli_session *session, enum cli_exit code, const char *what)
{
    struct wrt_frame frame;
    fflush(stdout);
    fprintf(stderr, "wrt: %s: %s", session->config->file, what);
    if (wrt_store_get_frame(session->store, 0, &frame) == WRT_OK) {
        fputs(" in ", stderr);
        print_function(&frame);
    }
    fputc('\n', stderr);

    uint32_t depth = 0;
    for (; wrt_store_get_frame(session->store, depth, &frame) == WRT_OK; depth++) {
        fprintf(stderr, "  #%-2" PRIu32 " ", depth);
        print_function(&frame);
        fputc('\n', stderr);
    }
    uint32_t all = wrt_store_frame_count(session->store);
    if (all > depth)
        fprintf(stderr, "  ... and %" PRIu32 " more\n", all - depth);
    return (int)code;
}

static int report_trap(const struct cli_session *session)
{
    const struct wrt_trap *trap = wrt_store_trap(session->store);
    char what[sizeof trap->text + 8];
    snprintf(what, sizeof what, "trap: %s",
             trap->text[0] != '\0' ? trap->text : wrt_trap_text(trap->kind));
    return report_stop(session, CLI_EXIT_TRAP, what);
}

/* How a guest ended by one of the threads that it started. */
static int report_thread(const struct cli_session *session,
                         const struct wrt_threads_outcome *outcome)
{
    fflush(stdout);
    fprintf(stderr, "wrt: %s: thread %" PRIu32 ": %s%s\n", session->config->file,
            outcome->thread, outcome->status == WRT_ERR_TRAP ? "trap: " : "",
            outcome->status == WRT_ERR_TRAP ? outcome->trap.text : "out of fuel");
    return outcome->status == WRT_ERR_TRAP ? CLI_EXIT_TRAP : CLI_EXIT_FUEL;
}

static int report_pause(const struct cli_session *session)
{
    switch (wrt_store_pause_reason(session->store)) {
    case WRT_PAUSE_FUEL: return report_stop(session, CLI_EXIT_FUEL, "out of fuel");
    case WRT_PAUSE_DEADLINE: return report_stop(session, CLI_EXIT_DEADLINE, "past its deadline");
    case WRT_PAUSE_INTERRUPT: return report_stop(session, CLI_EXIT_INTERRUPTED, "interrupted");
    case WRT_PAUSE_HOST:
    case WRT_PAUSE_NONE:
    default: return report_stop(session, CLI_EXIT_FAILED, "paused by the host");
    }
}

static int guest_exit(uint32_t code)
{
    return code > 255 ? 255 : (int)code;
}

/* Was it the doing of a thread that the guest started? Then *code says what came of it. */
static bool concludes_thread(const struct cli_session *session, enum wrt_status status, int *code)
{
    struct wrt_threads_outcome outcome;
    if (session->threads == NULL || status == WRT_OK)
        return false;
    wrt_threads_get_outcome(session->threads, &outcome);
    if (outcome.thread == 0 || outcome.status != status)
        return false;
    *code = status == WRT_EXITED ? guest_exit(outcome.exit_code)
                                 : report_thread(session, &outcome);
    return true;
}

/* A call that was refused says in its trap what is damaged, an instantiation in its error. */
static int report_refusal(const struct cli_session *session, enum wrt_status status,
                          const struct wrt_error *error)
{
    struct wrt_error damage = {.status = status};
    if (error != NULL || status != WRT_ERR_CORRUPT)
        return cli_fail_status(session->config->file, status, error);
    snprintf(damage.text, sizeof damage.text, "%s", wrt_store_trap(session->store)->text);
    return cli_fail_status(session->config->file, status, &damage);
}

/* The exit code for a call's or an instantiation's status. */
static int conclude(const struct cli_session *session, enum wrt_status status,
                    const struct wrt_error *error)
{
    int code;
    if (concludes_thread(session, status, &code))
        return code;
    switch (status) {
    case WRT_OK: return CLI_EXIT_OK;
    case WRT_EXITED: return guest_exit(wrt_store_exit_code(session->store));
    case WRT_PAUSED: return report_pause(session);
    case WRT_ERR_TRAP:
    case WRT_ERR_EXCEPTION: return report_trap(session);
    default: return report_refusal(session, status, error);
    }
}

/* ---- calling ---- */

/* An exported function with its type; false if there is none of that name. */
static bool find_function(const struct cli_session *session, const char *name,
                          struct wrt_function **function, struct wrt_function_type *type)
{
    struct wrt_extern item;
    struct wrt_extern_type item_type;
    if (wrt_instance_export(session->instance, name, &item) != WRT_OK ||
        item.kind != WRT_EXTERN_FUNCTION)
        return false;
    wrt_extern_get_type(item, &item_type);
    *function = item.of.function;
    *type = item_type.function;
    return true;
}

/* Calls a function that takes and gives nothing, such as _start. */
static int call_plain(const struct cli_session *session, const char *name,
                      struct wrt_function *function, const struct wrt_function_type *type)
{
    if (type->parameter_count != 0 || type->result_count != 0)
        return cli_fail(CLI_EXIT_EXPORT, "%s: %s takes or gives values; only --invoke can call it",
                        session->config->file, name);
    return conclude(session, cli_call(session, function, type, NULL, NULL), NULL);
}

static void print_results(const struct wrt_value *results, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        cli_print_value(stdout, &results[i]);
        putchar('\n');
    }
}

static int parse_arguments(const struct cli_session *session, const char *name,
                           const struct wrt_function_type *type, struct wrt_value *out)
{
    const struct wrt_wasi_config *wasi = &session->config->wasi;
    uint32_t given = wasi->argument_count - 1;
    if (given != type->parameter_count)
        return cli_fail(CLI_EXIT_USAGE, "%s takes %" PRIu32 " arguments, %" PRIu32 " were given",
                        name, type->parameter_count, given);
    for (uint32_t i = 0; i < given; i++) {
        const char *text = wasi->arguments[i + 1];
        if (!cli_parse_value(text, type->parameters[i], &out[i]))
            return cli_fail(CLI_EXIT_USAGE, "argument %" PRIu32 " of %s, '%s', is no %s", i + 1,
                            name, text, wrt_value_type_name(type->parameters[i]));
    }
    return CLI_EXIT_OK;
}

static int call_with_values(const struct cli_session *session, const char *name,
                            struct wrt_function *function, const struct wrt_function_type *type)
{
    static struct wrt_value arguments[MAX_VALUES], results[MAX_VALUES];
    if (type->parameter_count > MAX_VALUES || type->result_count > MAX_VALUES)
        return cli_fail(CLI_EXIT_EXPORT, "%s takes or gives more than %d values", name, MAX_VALUES);
    int code = parse_arguments(session, name, type, arguments);
    if (code != CLI_EXIT_OK)
        return code;
    enum wrt_status status = cli_call(session, function, type, arguments, results);
    if (status != WRT_OK)
        return conclude(session, status, NULL);
    print_results(results, type->result_count);
    return CLI_EXIT_OK;
}

/* Which call runs, for the snapshot. */
static enum cli_phase phase;

/* A program starts at _start; with --invoke a library is initialised, unless that was done,
 * then called. */
static int call_guest(const struct cli_session *session, const char *invoke, bool is_initialized)
{
    struct wrt_function *function;
    struct wrt_function_type type;
    phase = CLI_PHASE_CALL;
    if (invoke == NULL) {
        if (!find_function(session, "_start", &function, &type))
            return cli_fail(CLI_EXIT_EXPORT,
                            "%s exports no function _start; --invoke NAME calls another",
                            session->config->file);
        return call_plain(session, "_start", function, &type);
    }
    if (!is_initialized && find_function(session, "_initialize", &function, &type) &&
        strcmp(invoke, "_initialize") != 0) {
        phase = CLI_PHASE_INITIALIZE;
        int code = call_plain(session, "_initialize", function, &type);
        if (code != CLI_EXIT_OK)
            return code;
        phase = CLI_PHASE_CALL;
    }
    if (!find_function(session, invoke, &function, &type))
        return cli_fail(CLI_EXIT_EXPORT, "%s exports no function %s", session->config->file,
                        invoke);
    return call_with_values(session, invoke, function, &type);
}

/* ---- the command ---- */

static void set_deadline(struct cli_session *session, const struct run_options *run)
{
    if (run->deadline_ms != 0)
        wrt_store_set_deadline(session->store, wrt_time_now_ns() + run->deadline_ms * 1000000);
}

static int run_guest(struct cli_session *session, const struct run_options *run)
{
    struct wrt_error error = {0};
    wrt_store_set_fuel(session->store, run->fuel);
    set_deadline(session, run);
    uint64_t start_ns = wrt_time_now_ns();
    phase = CLI_PHASE_START;
    enum wrt_status status =
        wrt_store_instantiate(session->store, session->module, &session->instance, &error);
    cli_session_instantiated(session, start_ns);
    if (status != WRT_OK)
        return conclude(session, status, &error);
    return call_guest(session, run->invoke, false);
}

/* Ends the call that was paused, then what would have followed it. */
static int resume_guest(struct cli_session *session, const struct run_options *run)
{
    static struct wrt_value results[MAX_VALUES];
    struct wrt_function_type type;
    int code = cli_thaw(session, run->frozen);
    if (code != CLI_EXIT_OK)
        return code;
    wrt_store_add_fuel(session->store, run->fuel);
    set_deadline(session, run);
    phase = run->frozen->phase;
    enum wrt_status status = wrt_store_paused_type(session->store, &type);
    if (status == WRT_OK && type.result_count > MAX_VALUES)
        status = WRT_ERR_LIMIT;
    if (status == WRT_OK)
        status = wrt_store_resume(session->store, results, type.result_count);
    if (status != WRT_OK)
        return conclude(session, status, NULL);
    if (phase != CLI_PHASE_CALL)
        return call_guest(session, run->invoke, phase == CLI_PHASE_INITIALIZE);
    print_results(results, type.result_count);
    return CLI_EXIT_OK;
}

/* A guest that stands paused is written, if that was asked for. */
static int keep(const struct cli_session *session, const struct run_options *run, int code)
{
    struct wrt_function_type type;
    if (run->snapshot == NULL || session->instance == NULL ||
        wrt_store_paused_type(session->store, &type) != WRT_OK)
        return code;
    const int frozen = cli_freeze(session, run->invoke, phase, run->snapshot);
    if (frozen != CLI_EXIT_OK)
        return frozen;
    fprintf(stderr, "wrt: %s continues it: wrt resume\n", run->snapshot);
    return code;
}

static int run_program(const struct run_options *run)
{
    struct cli_session session;
    int code = cli_session_open(&session, &run->session);
    if (code == CLI_EXIT_OK)
        code = cli_native_check(&session, run->fuel != UINT64_MAX, run->deadline_ms != 0);
    if (code == CLI_EXIT_OK) {
        cli_watch_keyboard(&session);
        uint64_t start_ns = wrt_time_now_ns();
        code = run->frozen != NULL ? resume_guest(&session, run) : run_guest(&session, run);
        uint64_t run_ns = wrt_time_now_ns() - start_ns - session.instantiate_ns;
        cli_forget_keyboard(&session);
        if (run->stats)
            cli_print_stats(&session, run_ns, run->stats_json);
        code = keep(&session, run, code);
        if (run->session.profile != NULL) {
            const int writing = cli_profile_write(run->session.profile, &session);
            code = code != CLI_EXIT_OK ? code : writing;
        }
    }
    int closing = cli_session_close(&session);
    return code != CLI_EXIT_OK ? code : closing;
}

static int run_profiled(struct run_options *run)
{
    if (run->session.max_threads != 0)
        return cli_fail(CLI_EXIT_USAGE, "profile follows one thread: --threads is for run");
    run->session.profile = cli_profile_open(&run->profile);
    if (run->session.profile == NULL)
        return CLI_EXIT_FILE;
    const int code = run_program(run);
    cli_profile_close(run->session.profile);
    return code;
}

static int run_command(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    static struct run_options run;
    int option = parse(&run, &parser);
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (parser.next >= argc)
        return cli_fail(CLI_EXIT_USAGE, "%s needs a file; wrt %s --help tells how", command->name,
                        command->name);
    cli_session_set_program(&run.session, argc - parser.next, argv + parser.next);
    return command == &cli_profile_command ? run_profiled(&run) : run_program(&run);
}

const struct cli_command cli_profile_command = {
    "profile", "[options] FILE [arguments...]",
    "Runs a program, counts its instructions, samples its stacks.", profile_options, run_command};

const struct cli_command cli_run = {
    "run", "[options] FILE [arguments...]", "Runs a program in a memory partition of its own.",
    options, run_command};

/* ---- resume ---- */

/* How the program was called comes from its snapshot, what it may reach from the options. */
static void set_frozen(struct run_options *run, const struct cli_frozen *frozen)
{
    struct cli_session_config *config = &run->session;
    run->frozen = frozen;
    run->invoke = frozen->invoke;
    config->module = frozen->module;
    config->canonical_nan = frozen->canonical_nan;
    config->deterministic = frozen->deterministic;
    config->features_off |= frozen->features_off;
    if (config->stack_bytes == 0)
        config->stack_bytes = frozen->stack_bytes;
    config->wasi.clocks &= frozen->clocks;
    if (config->wasi.clock_resolution_ns == 0)
        config->wasi.clock_resolution_ns = frozen->clock_resolution_ns;
    if (frozen->random != WRT_WASI_RANDOM_SYSTEM)
        config->wasi.random = frozen->random; /* none, or a sequence that goes on */
    config->wasi.arguments = (const char *const *)frozen->strings;
    config->wasi.argument_count = frozen->argument_count;
    config->wasi.environment = (const char *const *)frozen->strings + frozen->argument_count;
    config->wasi.environment_count = frozen->environment_count;
}

static int resume_command(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    static struct run_options run;
    struct cli_frozen frozen;
    int option = parse(&run, &parser);
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (argc - parser.next != 1)
        return cli_fail(CLI_EXIT_USAGE, "resume takes one file, %d were given",
                        argc - parser.next);
    run.session.file = argv[parser.next];
    int code = cli_frozen_read(run.session.file, &frozen);
    if (code == CLI_EXIT_OK) {
        set_frozen(&run, &frozen);
        code = run_program(&run);
    }
    cli_frozen_free(&frozen);
    return code;
}

const struct cli_command cli_resume = {
    "resume", "[options] FILE", "Continues a program that run --snapshot-on-pause wrote.",
    resume_options, resume_command};
