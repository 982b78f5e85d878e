/* script.c - runs the commands of one script, each to passed, failed or skipped.
 * SPDX-License-Identifier: Apache-2.0
 *
 * All modules of a script share one store in one partition. Instances live as long as the
 * store, so modules are kept until the end; a module that was refused must have given every
 * byte back at once.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "partition_live.h"
#include "spectest.h"

enum {
    MAX_SCRIPT_BYTES = 64 << 20,
    MAX_MODULE_BYTES = 64 << 20,
    MAX_RESULTS = 1000,
    MAX_PATH_BYTES = 4096,
    MAX_TEXT_BYTES = 400
};

static const char text_only[] = "text format only";

enum outcome { PASSED, FAILED, SKIPPED };

struct verdict {
    enum outcome outcome;
    const char *reason;          /* SKIPPED: interned */
    char text[MAX_TEXT_BYTES];   /* FAILED: what was expected and what came */
};

/* What a name of the script stands for. Either `skip` says why there is nothing, or there
 * is a module and, unless it is a definition only, its instance. */
struct binding {
    const char *name;            /* borrowed from the JSON; NULL = only by being the last */
    struct wrt_module *module;
    struct wrt_instance *instance;
    const char *skip;
};

struct script {
    char folder[MAX_PATH_BYTES];
    const struct options *options;
    struct reasons *reasons;
    struct wrt_partition *partition;
    struct wrt_store *store;
    struct wrt_module **modules;  /* all that were loaded, to be destroyed */
    uint32_t module_count;
    struct wrt_native **natives;  /* of those that are compiled, to be closed after them */
    uint32_t native_count;
    struct binding *bindings;     /* instances and definitions, the newest last */
    uint32_t binding_count;
    struct binding *registered;   /* names for importers whose module was skipped */
    uint32_t registered_count;
    uint32_t capacity;            /* of the three arrays: the number of commands */
    struct binding current;       /* the newest instance */
    struct binding last_definition;
};

/* ---- verdicts ---- */

static struct verdict passed(void)
{
    return (struct verdict){.outcome = PASSED};
}

WRT_PRINTF(1, 2) static struct verdict failed(const char *format, ...)
{
    struct verdict verdict = {.outcome = FAILED};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict.text, sizeof verdict.text, format, arguments);
    va_end(arguments);
    return verdict;
}

static struct verdict skipped(struct script *script, const char *reason)
{
    const char *interned = reasons_intern(script->reasons, reason);
    if (interned == NULL)
        return failed("too many reasons to skip; this one was: %s", reason);
    return (struct verdict){.outcome = SKIPPED, .reason = interned};
}

static struct verdict unexpected(const char *wanted, enum wrt_status status, const char *detail)
{
    return failed("expected %s, got %s: %s", wanted, wrt_status_name(status), detail);
}

/* ---- JSON ---- */

static const char *text_of(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static bool is_text_module(const cJSON *command)
{
    const char *type = text_of(command, "module_type");
    return (type != NULL && strcmp(type, "text") == 0) ||
           cJSON_HasObjectItem(command, "unencodable");
}

/* cJSON ends strings at \u0000, which names.wast uses in an export's name. So that escape
 * is read as U+F8F0, a private-use character that no script contains, and turned back. */
static void hide_nul_escapes(char *json)
{
    for (char *at = json; *at != '\0'; at++) {
        if (*at != '\\' || at[1] == '\0')
            continue;
        if (strncmp(at, "\\u0000", 6) == 0)
            memcpy(at, "\\uF8F0", 6);
        at++;
    }
}

static size_t restore_nuls(const char *text, uint8_t *out)
{
    size_t size = 0;
    while (*text != '\0') {
        bool hidden = strncmp(text, "\xEF\xA3\xB0", 3) == 0;
        out[size++] = hidden ? 0 : (uint8_t)*text;
        text += hidden ? 3 : 1;
    }
    return size;
}

/* ---- loading ---- */

static enum wrt_status feed_all(struct wrt_module_loader *loader, const char *bytes, size_t size,
                                uint64_t chunk_bytes, struct wrt_error *error)
{
    size_t step = chunk_bytes == 0 || chunk_bytes > size ? size : (size_t)chunk_bytes;
    for (size_t at = 0; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        enum wrt_status status = wrt_module_feed(loader, bytes + at, n, error);
        if (status != WRT_OK)
            return status;
    }
    return WRT_OK;
}

static enum wrt_status load_bytes(struct script *script, const char *bytes, size_t size,
                                  struct wrt_module **out, struct wrt_error *error)
{
    struct wrt_module_loader *loader;
    struct wrt_module_config config = {.features_off = script->options->features_off,
                                       .deterministic = script->options->deterministic};
    if (script->options->compile != NULL) {
        char why[MAX_TEXT_BYTES];
        struct wrt_native *native =
            native_compile(script->options, script->partition, bytes, size, why, sizeof why);
        if (why[0] != '\0') {
            snprintf(error->text, sizeof error->text, "%.150s", why);
            return WRT_ERR_STATE;
        }
        if (native != NULL) {
            config.native = wrt_native_get_object(native);
            script->natives[script->native_count++] = native;
        }
    }
    enum wrt_status status = wrt_module_begin(script->partition, &config, &loader, error);
    if (status != WRT_OK)
        return status;
    status = feed_all(loader, bytes, size, script->options->chunk_bytes, error);
    if (status == WRT_OK)
        return wrt_module_finish(loader, out, error);
    wrt_module_abort(loader);
    return status;
}

/* What every refusal owes: a filled-in error, an offset inside the module, no byte kept. */
static struct verdict check_refusal(struct script *script, enum wrt_status status, size_t size,
                                    uint64_t used_before, const struct wrt_error *error)
{
    uint64_t used_now = partition_live_bytes(script->partition);
    if (error->status != status)
        return failed("the error says %s, the call returned %s", wrt_status_name(error->status),
                      wrt_status_name(status));
    if (!error->has_offset)
        return failed("refused without a byte offset: %s", error->text);
    if (error->byte_offset > size)
        return failed("refused at byte %" PRIu64 " of %zu: %s", error->byte_offset, size,
                      error->text);
    if (used_now != used_before)
        return failed("refused, and %" PRIu64 " bytes stay charged: %s", used_now - used_before,
                      error->text);
    return passed();
}

static void keep_module(struct script *script, struct wrt_module *module)
{
    script->modules[script->module_count++] = module;
}

/* Loads the command's module. PASSED: *status and *error tell how it went; a loaded module
 * is kept by the script. Otherwise the verdict of the command. */
static struct verdict load(struct script *script, const cJSON *command, enum wrt_status *status,
                           struct wrt_module **out, struct wrt_error *error)
{
    *out = NULL;
    if (is_text_module(command))
        return skipped(script, text_only);
    const char *filename = text_of(command, "filename");
    char path[2 * MAX_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", script->folder, filename == NULL ? "" : filename);
    size_t size;
    char *bytes = filename == NULL ? NULL : file_read(path, MAX_MODULE_BYTES, &size);
    if (bytes == NULL)
        return failed("cannot read the module %s", filename == NULL ? "(no filename)" : filename);
    uint64_t used_before = partition_live_bytes(script->partition);
    memset(error, 0, sizeof *error);
    *status = load_bytes(script, bytes, size, out, error);
    free(bytes);
    if (*status == WRT_OK)
        keep_module(script, *out);
    return *status == WRT_OK ? passed()
                             : check_refusal(script, *status, size, used_before, error);
}

/* "feature not supported: simd" -> simd */
static struct verdict skip_feature(struct script *script, const struct wrt_error *error)
{
    const char *feature = strstr(error->text, "not supported: ");
    if (feature == NULL)
        return failed("refused as unsupported without naming the feature: %s", error->text);
    char name[MAX_REASON_BYTES];
    snprintf(name, sizeof name, "%s", feature + strlen("not supported: "));
    name[strcspn(name, ";,(")] = '\0';
    return skipped(script, name);
}

/* As load, and a module that uses a feature we lack is skipped. */
static struct verdict load_supported(struct script *script, const cJSON *command,
                                     enum wrt_status *status, struct wrt_module **out,
                                     struct wrt_error *error)
{
    struct verdict verdict = load(script, command, status, out, error);
    if (verdict.outcome == PASSED && *status == WRT_ERR_UNSUPPORTED)
        return skip_feature(script, error);
    return verdict;
}

/* ---- bindings ---- */

static struct binding *find(struct binding *list, uint32_t count, const char *name)
{
    for (uint32_t i = count; i-- > 0;) {
        if (list[i].name != NULL && strcmp(list[i].name, name) == 0)
            return &list[i];
    }
    return NULL;
}

/* The module that a command names, or the newest. NULL if there is none. */
static struct binding *subject(struct script *script, const char *name)
{
    if (name != NULL)
        return find(script->bindings, script->binding_count, name);
    return script->current.instance != NULL || script->current.skip != NULL ? &script->current
                                                                           : NULL;
}

static void bind(struct script *script, struct binding binding)
{
    if (binding.name != NULL)
        script->bindings[script->binding_count++] = binding;
}

/* Why a module that imports from a skipped one cannot be judged; NULL if it can. */
static const char *skipped_import(struct script *script, const struct wrt_module *module)
{
    struct wrt_module_info info;
    wrt_module_get_info(module, &info);
    for (uint32_t i = 0; i < info.import_count; i++) {
        struct wrt_module_import import;
        if (wrt_module_get_import(module, i, &import) != WRT_OK)
            return NULL;
        for (uint32_t k = 0; k < script->registered_count; k++) {
            const struct binding *from = &script->registered[k];
            size_t bytes = strlen(from->name);
            if (bytes == import.module.size_bytes &&
                memcmp(from->name, import.module.data, bytes) == 0)
                return from->skip;
        }
    }
    return NULL;
}

/* ---- instances ---- */

static void set_deadline(struct script *script)
{
    uint64_t timeout_ns = (uint64_t)script->options->timeout_ms * 1000000;
    wrt_store_set_deadline(script->store, timeout_ns == 0 ? 0 : wrt_time_now_ns() + timeout_ns);
}

/* What went wrong, from the trap if that is what it was. */
static const char *detail(struct script *script, enum wrt_status status,
                          const struct wrt_error *error)
{
    if (status == WRT_ERR_TRAP)
        return wrt_store_trap(script->store)->text;
    if (status == WRT_PAUSED)
        return "the command took too long";
    return error->text;
}

static enum wrt_status instantiate(struct script *script, struct wrt_module *module,
                                   struct wrt_instance **out, struct wrt_error *error)
{
    *out = NULL;
    memset(error, 0, sizeof *error);
    set_deadline(script);
    enum wrt_status status = wrt_store_instantiate(script->store, module, out, error);
    if (status == WRT_PAUSED)
        wrt_store_drop(script->store);
    return status;
}

static struct verdict bind_instance(struct script *script, struct binding binding)
{
    struct wrt_error error;
    const char *skip = skipped_import(script, binding.module);
    if (skip != NULL)
        return skipped(script, skip);
    enum wrt_status status = instantiate(script, binding.module, &binding.instance, &error);
    if (status != WRT_OK)
        return unexpected("an instance", status, detail(script, status, &error));
    bind(script, binding);
    script->current = binding;
    return passed();
}

/* A skipped module takes its name along, so that what depends on it is skipped too. */
static struct verdict bind_skipped(struct script *script, const char *name,
                                   struct verdict verdict)
{
    struct binding binding = {.name = name, .skip = verdict.reason};
    if (verdict.outcome == SKIPPED) {
        bind(script, binding);
        script->current = binding;
    }
    return verdict;
}

static struct verdict run_module(struct script *script, const cJSON *command)
{
    struct binding binding = {.name = text_of(command, "name")};
    enum wrt_status status = WRT_OK;
    struct wrt_error error;
    script->current = (struct binding){0};
    struct verdict verdict = load_supported(script, command, &status, &binding.module, &error);
    if (verdict.outcome == PASSED && status != WRT_OK)
        return unexpected("a module", status, error.text);
    if (verdict.outcome == PASSED)
        verdict = bind_instance(script, binding);
    return bind_skipped(script, binding.name, verdict);
}

static struct verdict run_module_definition(struct script *script, const cJSON *command)
{
    struct binding binding = {.name = text_of(command, "name")};
    enum wrt_status status = WRT_OK;
    struct wrt_error error;
    struct verdict verdict = load_supported(script, command, &status, &binding.module, &error);
    if (verdict.outcome == PASSED && status != WRT_OK)
        return unexpected("a module", status, error.text);
    if (verdict.outcome == FAILED)
        return verdict;
    binding.skip = verdict.reason;
    bind(script, binding);
    script->last_definition = binding;
    return verdict;
}

static struct verdict run_module_instance(struct script *script, const cJSON *command)
{
    const char *name = text_of(command, "module");
    const struct binding *definition = &script->last_definition;
    if (name != NULL)
        definition = find(script->bindings, script->binding_count, name);
    if (definition == NULL || (definition->module == NULL && definition->skip == NULL))
        return failed("there is no module definition %s", name == NULL ? "" : name);
    struct binding binding = {.name = text_of(command, "instance"), .module = definition->module};
    if (definition->skip != NULL)
        return bind_skipped(script, binding.name, skipped(script, definition->skip));
    return bind_skipped(script, binding.name, bind_instance(script, binding));
}

static struct verdict run_register(struct script *script, const cJSON *command)
{
    const struct binding *from = subject(script, text_of(command, "name"));
    const char *as = text_of(command, "as");
    struct wrt_error error = {0};
    if (from == NULL || as == NULL)
        return failed("there is no module to register");
    if (from->skip != NULL) {
        script->registered[script->registered_count++] =
            (struct binding){.name = as, .skip = from->skip};
        return skipped(script, from->skip);
    }
    enum wrt_status status = wrt_store_define_instance(script->store, as, from->instance, &error);
    return status == WRT_OK ? passed() : unexpected("success", status, error.text);
}

/* ---- actions ---- */

struct action {
    struct wrt_value results[MAX_RESULTS];
    uint32_t result_count;
    enum wrt_status status;
};

static struct verdict read_arguments(const cJSON *list, struct wrt_value *out, uint32_t *count)
{
    const cJSON *item;
    const char *why = NULL;
    *count = 0;
    cJSON_ArrayForEach(item, list) {
        if (*count == MAX_RESULTS)
            return failed("more than %d arguments", MAX_RESULTS);
        if (!value_parse(item, &out[(*count)++], &why))
            return failed("%s", why);
    }
    return passed();
}

static struct verdict invoke(struct script *script, const cJSON *json,
                             struct wrt_function *function, struct action *action)
{
    static struct wrt_value arguments[MAX_RESULTS];
    uint32_t count;
    struct wrt_extern_type type;
    struct verdict verdict =
        read_arguments(cJSON_GetObjectItemCaseSensitive(json, "args"), arguments, &count);
    if (verdict.outcome != PASSED)
        return verdict;
    wrt_extern_get_type(
        (struct wrt_extern){.kind = WRT_EXTERN_FUNCTION, .of.function = function}, &type);
    action->result_count = type.function.result_count;
    if (action->result_count > MAX_RESULTS)
        return failed("more than %d results", MAX_RESULTS);
    set_deadline(script);
    action->status = wrt_function_call(script->store, function, arguments, count,
                                       action->results, action->result_count);
    if (action->status == WRT_PAUSED)
        wrt_store_drop(script->store);
    return passed();
}

static void get_global(struct wrt_extern item, struct action *action)
{
    wrt_global_get_value(item.of.global, &action->results[0]);
    action->result_count = 1;
    action->status = WRT_OK;
}

static struct verdict find_export(const struct binding *from, const char *field,
                                  struct wrt_extern *out)
{
    uint8_t *name = malloc(strlen(field) + 1);
    if (name == NULL)
        return failed("no memory");
    struct wrt_bytes bytes = {.data = name, .size_bytes = restore_nuls(field, name)};
    enum wrt_status status = wrt_instance_export_bytes(from->instance, bytes, out);
    free(name);
    return status == WRT_OK ? passed() : unexpected("an export", status, field);
}

/* PASSED: the action was carried out and *action holds what came of it. */
static struct verdict act(struct script *script, const cJSON *json, struct action *action)
{
    const char *type = text_of(json, "type");
    const char *field = text_of(json, "field");
    const struct binding *from = subject(script, text_of(json, "module"));
    if (type == NULL || field == NULL)
        return failed("the action has no type or no field");
    if (from == NULL)
        return failed("there is no module to act on");
    if (from->skip != NULL)
        return skipped(script, from->skip);
    if (from->instance == NULL)
        return failed("the action names a definition");
    struct wrt_extern item;
    struct verdict verdict = find_export(from, field, &item);
    if (verdict.outcome != PASSED)
        return verdict;
    if (strcmp(type, "invoke") == 0 && item.kind == WRT_EXTERN_FUNCTION)
        return invoke(script, json, item.of.function, action);
    if (strcmp(type, "get") != 0 || item.kind != WRT_EXTERN_GLOBAL)
        return failed("%s %s: not an export of that kind", type, field);
    get_global(item, action);
    return passed();
}

static struct verdict act_of(struct script *script, const cJSON *command, struct action *action)
{
    return act(script, cJSON_GetObjectItemCaseSensitive(command, "action"), action);
}

static struct verdict bad_outcome(struct script *script, const char *wanted,
                                  const struct action *action)
{
    const struct wrt_error none = {.text = ""};
    return unexpected(wanted, action->status, detail(script, action->status, &none));
}

static struct verdict check_results(const cJSON *expected, const struct action *action)
{
    uint32_t i = 0;
    const cJSON *item;
    if (!cJSON_IsArray(expected))
        return failed("the assertion has no list of results");
    if ((uint32_t)cJSON_GetArraySize(expected) != action->result_count)
        return failed("expected %d results, got %u", cJSON_GetArraySize(expected),
                      action->result_count);
    cJSON_ArrayForEach(item, expected) {
        if (!value_matches(item, &action->results[i])) {
            char value[80], wanted[200];
            value_print(&action->results[i], value, sizeof value);
            if (!cJSON_PrintPreallocated((cJSON *)(uintptr_t)item, wanted, sizeof wanted - 5, 0))
                snprintf(wanted, sizeof wanted, "(long)");
            return failed("result %u: expected %s, got %s", i, wanted, value);
        }
        i++;
    }
    return passed();
}

static struct verdict run_assert_return(struct script *script, const cJSON *command)
{
    static struct action action;
    struct verdict verdict = act_of(script, command, &action);
    if (verdict.outcome != PASSED)
        return verdict;
    if (action.status != WRT_OK)
        return bad_outcome(script, "results", &action);
    return check_results(cJSON_GetObjectItemCaseSensitive(command, "expected"), &action);
}

static struct verdict run_action(struct script *script, const cJSON *command)
{
    static struct action action;
    struct verdict verdict = act_of(script, command, &action);
    if (verdict.outcome == PASSED && action.status != WRT_OK)
        return bad_outcome(script, "success", &action);
    return verdict;
}

/* Either text may be the longer one: scripts cut the sentence or add an index to it. */
static struct verdict check_trap(struct script *script, const char *wanted)
{
    const char *sentence = wrt_trap_text(wrt_store_trap(script->store)->kind);
    size_t wanted_bytes = wanted == NULL ? 0 : strlen(wanted), bytes = strlen(sentence);
    if (wanted_bytes == 0)
        return failed("the assertion names no trap");
    if (strncmp(sentence, wanted, bytes < wanted_bytes ? bytes : wanted_bytes) != 0)
        return failed("expected the trap \"%s\", got \"%s\"", wanted, sentence);
    return passed();
}

static struct verdict run_assert_trap(struct script *script, const cJSON *command)
{
    static struct action action;
    struct verdict verdict = act_of(script, command, &action);
    if (verdict.outcome != PASSED)
        return verdict;
    if (action.status != WRT_ERR_TRAP)
        return bad_outcome(script, "a trap", &action);
    return check_trap(script, text_of(command, "text"));
}

static struct verdict run_assert_exhaustion(struct script *script, const cJSON *command)
{
    struct verdict verdict = run_assert_trap(script, command);
    enum wrt_trap_kind kind = wrt_store_trap(script->store)->kind;
    if (verdict.outcome == PASSED && kind != WRT_TRAP_CALL_STACK_EXHAUSTED)
        return failed("expected an exhausted stack, got \"%s\"", wrt_trap_text(kind));
    return verdict;
}

static struct verdict run_assert_exception(struct script *script, const cJSON *command)
{
    static struct action action;
    struct verdict verdict = act_of(script, command, &action);
    if (verdict.outcome == PASSED && action.status != WRT_ERR_EXCEPTION)
        return bad_outcome(script, "an exception", &action);
    return verdict;
}

/* ---- modules that must be refused ---- */

static struct verdict expect_refusal(struct script *script, const cJSON *command,
                                     enum wrt_status wanted)
{
    enum wrt_status status = WRT_OK;
    struct wrt_module *module;
    struct wrt_error error = {.text = "it was accepted"};
    struct verdict verdict = load_supported(script, command, &status, &module, &error);
    if (verdict.outcome != PASSED || status == wanted)
        return verdict;
    const char *text = text_of(command, "text");
    return failed("expected %s (%s), got %s: %s", wrt_status_name(wanted),
                  text == NULL ? "" : text, wrt_status_name(status),
                  status == WRT_OK ? "it was accepted" : error.text);
}

static struct verdict run_assert_invalid(struct script *script, const cJSON *command)
{
    return expect_refusal(script, command, WRT_ERR_INVALID);
}

static struct verdict run_assert_malformed(struct script *script, const cJSON *command)
{
    return expect_refusal(script, command, WRT_ERR_MALFORMED);
}

/* PASSED: *status tells how the instantiation of a valid module went. */
static struct verdict try_instance(struct script *script, const cJSON *command,
                                   enum wrt_status *status, struct wrt_error *error)
{
    struct wrt_module *module;
    struct wrt_instance *instance;
    struct verdict verdict = load_supported(script, command, status, &module, error);
    if (verdict.outcome != PASSED)
        return verdict;
    if (*status != WRT_OK)
        return unexpected("a valid module", *status, error->text);
    const char *skip = skipped_import(script, module);
    if (skip != NULL)
        return skipped(script, skip);
    *status = instantiate(script, module, &instance, error);
    return passed();
}

static struct verdict run_assert_unlinkable(struct script *script, const cJSON *command)
{
    enum wrt_status status = WRT_OK;
    struct wrt_error error;
    struct verdict verdict = try_instance(script, command, &status, &error);
    if (verdict.outcome == PASSED && status != WRT_ERR_UNLINKABLE)
        return unexpected("WRT_ERR_UNLINKABLE", status, detail(script, status, &error));
    return verdict;
}

static struct verdict run_assert_uninstantiable(struct script *script, const cJSON *command)
{
    enum wrt_status status = WRT_OK;
    struct wrt_error error;
    struct verdict verdict = try_instance(script, command, &status, &error);
    if (verdict.outcome != PASSED)
        return verdict;
    if (status != WRT_ERR_TRAP)
        return unexpected("a trap", status, detail(script, status, &error));
    return check_trap(script, text_of(command, "text"));
}

static struct verdict run_threads(struct script *script, const cJSON *command)
{
    (void)command;
    return skipped(script, "threads");
}

/* ---- the script ---- */

static struct verdict run_command(struct script *script, const cJSON *command)
{
    static const struct {
        const char *type;
        struct verdict (*run)(struct script *script, const cJSON *command);
    } commands[] = {
        {"assert_return", run_assert_return},
        {"assert_trap", run_assert_trap},
        {"assert_exhaustion", run_assert_exhaustion},
        {"assert_exception", run_assert_exception},
        {"assert_invalid", run_assert_invalid},
        {"assert_malformed", run_assert_malformed},
        {"assert_unlinkable", run_assert_unlinkable},
        {"assert_uninstantiable", run_assert_uninstantiable},
        {"module", run_module},
        {"module_definition", run_module_definition},
        {"module_instance", run_module_instance},
        {"register", run_register},
        {"action", run_action},
        {"thread", run_threads},
        {"wait", run_threads},
    };
    const char *type = text_of(command, "type");
    for (size_t i = 0; type != NULL && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(commands[i].type, type) == 0)
            return commands[i].run(script, command);
    }
    return failed("unknown command");
}

static void count(const struct script *script, struct tally *tally, const struct verdict *verdict)
{
    if (verdict->outcome == PASSED) {
        tally->passed++;
    } else if (verdict->outcome == FAILED) {
        tally->failed++;
    } else {
        tally->skipped++;
        tally->skipped_for[reasons_index(script->reasons, verdict->reason)]++;
    }
}

static void report(const struct script *script, const char *name, const cJSON *command,
                   const struct verdict *verdict)
{
    static const char *const words[] = {"passed", "FAILED", "skipped"};
    if (verdict->outcome != FAILED && !script->options->verbose)
        return;
    const char *type = text_of(command, "type");
    const cJSON *line = cJSON_GetObjectItemCaseSensitive(command, "line");
    printf("  %s %s:%.0f %s: %s\n", words[verdict->outcome], name,
           cJSON_IsNumber(line) ? line->valuedouble : 0.0, type == NULL ? "?" : type,
           verdict->outcome == SKIPPED ? verdict->reason : verdict->text);
}

static void run_commands(struct script *script, const char *name, const cJSON *commands,
                         struct tally *tally)
{
    const cJSON *command;
    cJSON_ArrayForEach(command, commands) {
        struct verdict verdict = run_command(script, command);
        count(script, tally, &verdict);
        report(script, name, command, &verdict);
    }
}

static void fail_script(const char *name, struct tally *tally, const char *what, const char *why)
{
    tally->failed++;
    printf("  FAILED %s: %s%s%s\n", name, what, why[0] == '\0' ? "" : ": ", why);
}

/* One partition, one store, the host module. */
static enum wrt_status open_store(struct script *script, struct wrt_error *error)
{
    const struct wrt_arena_config tagged = {.tags = WRT_TAGGING_REQUIRED};
    const struct wrt_partition_config partition = {
        .name = "spec", .arena = script->options->tags ? &tagged : NULL};
    const struct wrt_store_config store = {.pages.tags = script->options->tags ? WRT_TAGGING_REQUIRED
                                                                               : WRT_TAGGING_OFF,
                                           .stack_bytes = script->options->stack_bytes,
                                           .max_instances = script->capacity + 1,
                                           /* what code without compares wants */
                                           .pages.guard_after_bytes =
                                               script->options->compile != NULL
                                                   ? (UINT64_C(1) << 33) + 65536 : 0};
    enum wrt_status status = wrt_partition_create(NULL, &partition, &script->partition, error);
    if (status == WRT_OK)
        status = wrt_store_create(script->partition, &store, &script->store, error);
    if (status == WRT_OK)
        status = host_define(script->store, error);
    return status;
}

/* Everything must be given back; what is not is a failure of its own. */
static void close_store(struct script *script, const char *name, struct tally *tally)
{
    struct wrt_error error = {.text = ""};
    enum wrt_status status = wrt_store_destroy(script->store);
    if (status != WRT_OK)
        fail_script(name, tally, "the store is not destroyed", wrt_status_name(status));
    for (uint32_t i = 0; i < script->module_count; i++) {
        status = wrt_module_destroy(script->modules[i]);
        if (status != WRT_OK)
            fail_script(name, tally, "a module is not destroyed", wrt_status_name(status));
    }
    for (uint32_t i = 0; i < script->native_count; i++)
        wrt_native_close(script->natives[i]);
    if (script->partition == NULL)
        return;
    if (partition_live_bytes(script->partition) != 0)
        fail_script(name, tally, "the partition does not return to zero", "");
    if (wrt_partition_destroy(script->partition, &error) != WRT_OK)
        fail_script(name, tally, "the partition is not destroyed", error.text);
}

static bool allocate_lists(struct script *script, const cJSON *commands)
{
    script->capacity = (uint32_t)cJSON_GetArraySize(commands);
    script->modules = calloc(script->capacity + 1, sizeof *script->modules);
    script->natives = calloc(script->capacity + 1, sizeof *script->natives);
    script->bindings = calloc(script->capacity + 1, sizeof *script->bindings);
    script->registered = calloc(script->capacity + 1, sizeof *script->registered);
    return script->modules != NULL && script->natives != NULL && script->bindings != NULL && script->registered != NULL;
}

static void run_json(struct script *script, const char *name, const cJSON *json,
                     struct tally *tally)
{
    struct wrt_error error = {.text = ""};
    const cJSON *commands = cJSON_GetObjectItemCaseSensitive(json, "commands");
    if (!cJSON_IsArray(commands)) {
        fail_script(name, tally, "it has no list of commands", "");
        return;
    }
    if (!allocate_lists(script, commands))
        fail_script(name, tally, "no memory", "");
    else if (open_store(script, &error) != WRT_OK)
        fail_script(name, tally, "no store", error.text);
    else
        run_commands(script, name, commands, tally);
    close_store(script, name, tally);
    free(script->modules);
    free(script->natives);
    free(script->bindings);
    free(script->registered);
}

void script_run(const char *path, const char *name, const struct options *options,
                struct reasons *reasons, struct tally *tally)
{
    struct script script = {.options = options, .reasons = reasons};
    const char *slash = strrchr(path, '/');
    int folder_bytes = slash == NULL ? 1 : (int)(slash - path);
    snprintf(script.folder, sizeof script.folder, "%.*s", folder_bytes, slash == NULL ? "." : path);
    size_t size;
    char *text = file_read(path, MAX_SCRIPT_BYTES, &size);
    if (text == NULL) {
        fail_script(name, tally, "cannot read it", path);
        return;
    }
    if (strlen(text) == size)
        hide_nul_escapes(text);
    cJSON *json = cJSON_Parse(text);
    free(text);
    if (json == NULL)
        fail_script(name, tally, "it is not JSON", path);
    else
        run_json(&script, name, json, tally);
    cJSON_Delete(json);
}
