/* cli/supervise/ask.c - the commands that talk to a running `wrt serve` over its socket:
 * status, top, events, stop, restart, reconfigure.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum option { OPTION_SOCKET, OPTION_JSON_OR_COUNT };

#define SOCKET_OPTION \
    {"socket", "PATH", "the control socket; default $WRT_SOCKET, else /run/wrt.sock"}
static const struct cli_option ask_options[] = {SOCKET_OPTION, {0}};
static const struct cli_option status_options[] = {
    SOCKET_OPTION, {"json", NULL, "print the answer as it came"}, {0}};
static const struct cli_option count_options[] = {
    SOCKET_OPTION, {"count", "N", "stop after N looks, one a second"}, {0}};

struct ask_options {
    const char *socket;
    bool json;
    uint64_t count; /* 0: for ever */
};

/* ---- asking ---- */

struct buffer {
    char *bytes;
    size_t used, room;
    bool failed;
};

static void receive(void *context, const char *bytes, size_t size)
{
    struct buffer *buffer = context;
    if (buffer->failed)
        return;
    if (size >= buffer->room - buffer->used) {
        size_t room = 2 * buffer->room + size + 4096;
        char *bigger = realloc(buffer->bytes, room);
        if (bigger == NULL) {
            buffer->failed = true;
            return;
        }
        buffer->bytes = bigger;
        buffer->room = room;
    }
    memcpy(buffer->bytes + buffer->used, bytes, size);
    buffer->used += size;
    buffer->bytes[buffer->used] = '\0';
}

static int refused(const cJSON *answer)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "text"));
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(answer, "status"));
    return cli_fail(CLI_EXIT_FAILED, "%s (%s)", text != NULL ? text : "no answer",
                    status != NULL ? status : "?");
}

/* Asks and parses. Gives *out, to be deleted; raw: prints what came. */
static int ask(const struct ask_options *options, const char *request, bool raw, cJSON **out)
{
    struct buffer buffer = {0};
    struct wrt_error error = {0};
    int code = CLI_EXIT_OK;
    *out = NULL;
    enum wrt_status status = wrt_control_ask(options->socket, request, receive, &buffer, &error);
    if (status != WRT_OK) {
        free(buffer.bytes);
        return cli_fail_status("asking", status, &error);
    }
    cJSON *answer = buffer.bytes == NULL || buffer.failed ? NULL : cJSON_Parse(buffer.bytes);
    if (answer == NULL)
        code = cli_fail(CLI_EXIT_FAILED, "what came from %s is no answer", options->socket);
    else if (!cJSON_IsTrue(cJSON_GetObjectItem(answer, "ok")))
        code = refused(answer);
    else if (raw)
        fputs(buffer.bytes, stdout);
    free(buffer.bytes);
    if (code == CLI_EXIT_OK)
        *out = answer;
    else
        cJSON_Delete(answer);
    return code;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *text(const cJSON *object, const char *key)
{
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(object, key));
    return value != NULL ? value : "";
}

/* -1: usage was wrong, or help was printed, with *code set. */
static int parse(const struct cli_command *command, int argc, char **argv,
                 struct ask_options *options, int *code)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    const char *from_environment = getenv("WRT_SOCKET");
    *options = (struct ask_options){
        .socket = from_environment != NULL ? from_environment : "/run/wrt.sock"};
    int option;
    *code = CLI_EXIT_USAGE;
    while ((option = cli_next_option(&parser)) >= 0) {
        if (option == OPTION_SOCKET)
            options->socket = parser.value;
        else if (command->options[option].argument == NULL)
            options->json = true;
        else if (!cli_parse_count(parser.value, &options->count) || options->count == 0) {
            cli_fail(CLI_EXIT_USAGE, "--count takes a number above 0, not '%s'", parser.value);
            return -1;
        }
    }
    if (option == CLI_OPTIONS_HELP)
        *code = CLI_EXIT_OK;
    return option == CLI_OPTIONS_END ? parser.next : -1;
}

/* The same for commands without further arguments. */
static bool parse_plain(const struct cli_command *command, int argc, char **argv,
                        struct ask_options *options, int *code)
{
    int next = parse(command, argc, argv, options, code);
    if (next >= 0 && next != argc)
        *code = cli_fail(CLI_EXIT_USAGE, "%s takes no argument", command->name);
    return next == argc;
}

/* ---- status ---- */

static void print_status(const cJSON *answer)
{
    const cJSON *item;
    printf("%-20s %-9s %-9s %12s %12s %9s %12s %11s %8s %7s %8s\n", "tenant", "phase", "tier",
           "used", "max", "cpu ms", "fuel", "activations", "overruns", "misses", "restarts");
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(answer, "tenants"))
    {
        char most[32] = "none";
        if (cJSON_HasObjectItem(item, "max_bytes"))
            snprintf(most, sizeof most, "%.0f", number(item, "max_bytes"));
        printf("%-20s %-9s %-9s %12.0f %12s %9.0f %12.0f %11.0f %8.0f %7.0f %8.0f%s%s%s\n",
               text(item, "name"), text(item, "phase"), text(item, "tier"),
               number(item, "used_bytes"), most,
               number(item, "cpu_ns") / 1e6, number(item, "fuel"), number(item, "activations"),
               number(item, "overruns"), number(item, "misses"), number(item, "restarts"),
               cJSON_IsTrue(cJSON_GetObjectItem(item, "module_changed")) ? "  module changed" : "",
               text(item, "last_failure")[0] != '\0' ? "  last failure: " : "",
               text(item, "last_failure"));
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(answer, "frames"))
    {
        double windows = number(item, "windows_run");
        printf("frame %-14s %.0f frames, %.0f windows, %.0f lost, jitter mean %.1f us, most %.1f us\n",
               text(item, "name"), number(item, "frames_run"), windows,
               number(item, "windows_lost"),
               windows > 0 ? number(item, "jitter_sum_ns") / windows / 1e3 : 0,
               number(item, "jitter_max_ns") / 1e3);
    }
}

static int run_status(const struct cli_command *command, int argc, char **argv)
{
    struct ask_options options;
    cJSON *answer;
    int code;
    if (!parse_plain(command, argc, argv, &options, &code))
        return code;
    code = ask(&options, "status", options.json, &answer);
    if (answer != NULL && !options.json)
        print_status(answer);
    cJSON_Delete(answer);
    return code;
}

/* ---- top ---- */

enum { BAR = 24 };

/* "[####..|....:...]": used, high-water mark ':', minimum '|', of max (or of high-water). */
static void print_bar(const cJSON *tenant)
{
    char bar[BAR + 1];
    double full = cJSON_HasObjectItem(tenant, "max_bytes") ? number(tenant, "max_bytes")
                                                           : number(tenant, "high_water_bytes");
    memset(bar, '.', BAR);
    bar[BAR] = '\0';
    if (full < 1)
        full = 1;
    size_t used = (size_t)(number(tenant, "used_bytes") / full * (double)BAR);
    size_t high = (size_t)(number(tenant, "high_water_bytes") / full * (double)BAR);
    size_t least = (size_t)(number(tenant, "min_bytes") / full * (double)BAR);
    memset(bar, '#', used < BAR ? used : BAR);
    bar[high < BAR ? high : BAR - 1] = ':';
    if (number(tenant, "min_bytes") > 0)
        bar[least < BAR ? least : BAR - 1] = '|';
    printf("[%s]", bar);
}

static const cJSON *find(const cJSON *answer, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(answer, "tenants"))
    {
        if (strcmp(text(item, "name"), name) == 0)
            return item;
    }
    return NULL;
}

static void print_top(const cJSON *answer, const cJSON *before)
{
    const cJSON *item;
    double seconds = (number(answer, "time_ns") - number(before, "time_ns")) / 1e9;
    printf("%-20s %-9s %-9s %-26s %10s %6s %10s %10s %8s %8s\n", "tenant", "phase", "tier",
           "memory (| min, : high)", "used KiB", "cpu %", "fuel/s", "act/s", "overruns", "restarts");
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(answer, "tenants"))
    {
        const cJSON *old = before == NULL ? item : find(before, text(item, "name"));
        double scale = before != NULL && seconds > 0 ? 1 / seconds : 0;
        printf("%-20s %-9s %-9s ", text(item, "name"), text(item, "phase"), text(item, "tier"));
        print_bar(item);
        printf(" %10.0f %6.1f %10.3g %10.1f %8.0f %8.0f\n", number(item, "used_bytes") / 1024,
               (number(item, "cpu_ns") - number(old, "cpu_ns")) * scale / 1e7,
               (number(item, "fuel") - number(old, "fuel")) * scale,
               (number(item, "activations") - number(old, "activations")) * scale,
               number(item, "overruns"), number(item, "restarts"));
    }
}

static void sleep_second(void)
{
    const struct timespec second = {.tv_sec = 1};
    nanosleep(&second, NULL);
}

static int run_top(const struct cli_command *command, int argc, char **argv)
{
    struct ask_options options;
    cJSON *before = NULL, *answer;
    int code;
    if (!parse_plain(command, argc, argv, &options, &code))
        return code;
    for (uint64_t look = 0; options.count == 0 || look < options.count; look++) {
        if (look > 0)
            sleep_second();
        code = ask(&options, "status", false, &answer);
        if (answer == NULL)
            break;
        if (isatty(STDOUT_FILENO))
            fputs("\033[H\033[J", stdout); /* home, clear */
        print_top(answer, before);
        fflush(stdout);
        cJSON_Delete(before);
        before = answer;
    }
    cJSON_Delete(before);
    return code;
}

/* ---- events ---- */

/* Prints what came after *last and moves it on. */
static void print_events(const cJSON *answer, double *last)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(answer, "events"))
    {
        double sequence = number(item, "sequence");
        if (*last > 0 && sequence > *last + 1)
            printf("(%.0f events lost)\n", sequence - *last - 1);
        *last = sequence;
        printf("%14.6f  %-20s %-10s %s\n", number(item, "time_ns") / 1e9, text(item, "tenant"),
               text(item, "what"), text(item, "text"));
    }
    fflush(stdout);
}

static int run_events(const struct cli_command *command, int argc, char **argv)
{
    struct ask_options options;
    double last = 0;
    int code;
    if (!parse_plain(command, argc, argv, &options, &code))
        return code;
    for (uint64_t look = 0; options.count == 0 || look < options.count; look++) {
        char request[40];
        cJSON *answer;
        if (look > 0)
            sleep_second();
        snprintf(request, sizeof request, "events %.0f", last);
        code = ask(&options, request, false, &answer);
        if (answer == NULL)
            break;
        print_events(answer, &last);
        cJSON_Delete(answer);
    }
    return code;
}

/* ---- stop, restart, reconfigure ---- */

static int run_command(const struct cli_command *command, int argc, char **argv)
{
    struct ask_options options;
    char request[128];
    cJSON *answer;
    int code, next = parse(command, argc, argv, &options, &code);
    if (next < 0)
        return code;
    if (argc - next != 1)
        return cli_fail(CLI_EXIT_USAGE, "%s takes one tenant, %d were given", command->name,
                        argc - next);
    if (strlen(argv[next]) > 64 || strpbrk(argv[next], "\r\n") != NULL)
        return cli_fail(CLI_EXIT_USAGE, "that is no tenant's name");
    snprintf(request, sizeof request, "%s %s", command->name, argv[next]);
    code = ask(&options, request, false, &answer);
    cJSON_Delete(answer);
    return code;
}

const struct cli_command cli_status = {
    "status", "[options]", "Shows the tenants of a running supervisor.", status_options, run_status};
const struct cli_command cli_top = {
    "top", "[options]", "The same, live: memory, processor time, rates.", count_options, run_top};
const struct cli_command cli_events = {
    "events", "[options]", "Prints what happens to the tenants.", count_options, run_events};
const struct cli_command cli_stop = {
    "stop", "[options] TENANT", "Stops a tenant and keeps it stopped.", ask_options, run_command};
const struct cli_command cli_restart = {
    "restart", "[options] TENANT", "Stops a tenant if it runs, and starts it.", ask_options,
    run_command};
const struct cli_command cli_reconfigure = {
    "reconfigure", "[options] TENANT", "Reads manifest and module anew for one tenant.",
    ask_options, run_command};
