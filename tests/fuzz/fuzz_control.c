/* fuzz_control.c - fuzz target: any bytes to the control socket of a supervisor that runs.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Input: lines, of a request word and a name that there are or anything; one connection for
 * each. Held to: every connection gets one answer, it is JSON, and it has "ok". The supervisor
 * runs one tenant and one that ended, in its own thread.
 */
#include "decide.h"
#include "wrt/tenant.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MAX_LINES = 4, MAX_ANSWER = 1 << 20 };

static const uint8_t module[] = { /* (module (func (export "_start") (export "step"))) */
    0, 'a', 's', 'm', 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 17, 2, 6,
    '_', 's', 't', 'a', 'r', 't', 0, 0, 4, 's', 't', 'e', 'p', 0, 0, 10, 4, 1, 2, 0, 0x0B};
static const char manifest_text[] =
    "[supervisor]\ncontrol = control\n"
    "[tenant once]\nmodule = once.wasm\n"
    "[tenant tick]\nmodule = once.wasm\nperiod_us = 2000\n";

static struct wrt_supervisor *supervisor;
static char folder[] = "/tmp/wrt-fuzz-control-XXXXXX";

static void write_file(const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(name, "wb");

    FUZZ_REQUIRE(file != NULL && fwrite(bytes, 1, size, file) == size);
    fclose(file);
}

static void ignore(void *context, const struct wrt_manifest_problem *problem)
{
    (void)context;
    fprintf(stderr, "%u: %s\n", problem->line, problem->text);
}

static void *run(void *unused)
{
    (void)unused;
    (void)!wrt_supervisor_run(supervisor);
    return NULL;
}

static pthread_t runner;

static void stop(void)
{
    wrt_supervisor_stop(supervisor);
    pthread_join(runner, NULL);
    (void)!wrt_supervisor_destroy(supervisor);
    (void)unlink("once.wasm");
    (void)unlink("m.ini");
    (void)rmdir(folder);
}

static void start(void)
{
    struct wrt_partition *partition;
    struct wrt_manifest *manifest;
    struct wrt_error error = {0};

    FUZZ_REQUIRE(mkdtemp(folder) != NULL && chdir(folder) == 0);
    write_file("once.wasm", module, sizeof module);
    write_file("m.ini", manifest_text, sizeof manifest_text - 1);
    FUZZ_REQUIRE(wrt_partition_create(NULL, NULL, &partition, NULL) == WRT_OK);
    FUZZ_REQUIRE(wrt_manifest_load(partition, "m.ini", ignore, NULL, &manifest) == WRT_OK);
    if (wrt_supervisor_create(manifest, ignore, NULL, &supervisor, &error) != WRT_OK) {
        fprintf(stderr, "%s\n", error.text);
        abort();
    }
    FUZZ_REQUIRE(pthread_create(&runner, NULL, run, NULL) == 0);
    FUZZ_REQUIRE(atexit(stop) == 0);
}

static int connect_to_it(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "control"};
    int line = socket(AF_UNIX, SOCK_STREAM, 0);

    FUZZ_REQUIRE(line >= 0);
    FUZZ_REQUIRE(connect(line, (struct sockaddr *)&address, sizeof address) == 0);
    return line;
}

/* False: closed without an answer. */
static bool ask_once(const char *request, size_t size)
{
    static char answer[MAX_ANSWER];
    size_t used = 0;
    ssize_t got;
    int line = connect_to_it();

    (void)!send(line, request, size, MSG_NOSIGNAL);
    (void)shutdown(line, SHUT_WR);
    while (used < sizeof answer - 1) { /* the fuzzer's timer may interrupt */
        got = recv(line, answer + used, sizeof answer - 1 - used, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
    }
    close(line);
    answer[used] = '\0';
    if (used == 0)
        return false;
    cJSON *json = cJSON_Parse(answer);
    if (json == NULL || !cJSON_IsBool(cJSON_GetObjectItem(json, "ok"))) {
        fprintf(stderr, "broken: no answer to '%.*s': '%s'\n", (int)size, request, answer);
        abort();
    }
    cJSON_Delete(json);
    return true;
}

/* It has two seconds to answer, which a machine that others use may not leave it; and what it did
 * not read of a request too long resets the line. */
static void ask(const char *request, size_t size)
{
    int tries = 0;

    while (!ask_once(request, size) && size <= 255)
        FUZZ_REQUIRE(++tries < 5);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[] = {"status", "events ", "stop ", "restart ", "reconfigure ",
                                        "events 0", "", "stop", "Status"};
    static const char *const names[] = {"once", "tick", "nobody", "", "99999999999999999999999",
                                        "-1", "once once", "../m"};
    struct decisions from = {data, size};

    if (supervisor == NULL)
        start();
    for (int lines = 0; lines < MAX_LINES && from.left > 0; lines++) {
        char request[400];
        uint8_t word = decide_byte(&from), name = decide_byte(&from);
        struct decisions piece = decide_piece(&from, 100);
        int used = snprintf(request, sizeof request, "%s%s", word < 128 ? words[word % 9] : "",
                            name < 128 ? names[name % 8] : "");

        if (piece.left > 0)
            memcpy(request + used, piece.at, piece.left);
        used += (int)piece.left;
        if (name % 4 != 3)
            request[used++] = '\n';
        ask(request, (size_t)used);
    }
    return 0;
}
