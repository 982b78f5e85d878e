/* tests/wasi/run_guest.c - runs one WASI program with what its command line grants.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   run_guest [--dir HOST::GUEST[:ro]]... [--env NAME=VALUE]... [--clocks all]
 *             [--random system] [--clock-resolution NS] [--listen] [--only-stderr]
 *             [--resolver kernel|walk] FILE [ARGUMENT...]
 *
 * As the wrt command does, and what that has no option for: the resolver, a listening socket
 * with a client (see programs/sockets.c), streams that are not granted. Exit code: the guest's; 120 for a trap, 121 when it
 * could not be run, 122 when the client was not served, 123 when memory was left over.
 */
#include "wrt/wrt.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_TRAP = 120, EXIT_HOST = 121, EXIT_CLIENT = 122, EXIT_LEAK = 123, MOST = 16 };

struct request {
    struct wrt_wasi_config wasi;
    struct wrt_wasi_directory directories[MOST];
    const char *environment[MOST];
    int listening;
    pid_t client;
    const char *file;
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "run_guest: %s: %s\n", what, why);
    exit(EXIT_HOST);
}

/* ---- the command line ---- */

static void add_directory(struct request *request, char *text)
{
    struct wrt_wasi_directory *directory = &request->directories[request->wasi.directory_count++];
    char *separator = strstr(text, "::");
    size_t length = strlen(text);
    directory->read_only = length > 3 && strcmp(text + length - 3, ":ro") == 0;
    if (directory->read_only)
        text[length - 3] = '\0';
    if (separator) {
        *separator = '\0';
        directory->guest_path = separator + 2;
    }
    directory->host_path = text;
}

static int serve_client(const struct sockaddr_in *address)
{
    char text[8] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    alarm(20);
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 ||
        write(fd, "pi", 2) != 2 || usleep(50000) != 0 || write(fd, "ng", 2) != 2)
        return 1;
    bool is_pong = recv(fd, text, 4, MSG_WAITALL) == 4 && memcmp(text, "pong", 4) == 0;
    return is_pong && recv(fd, text, 1, 0) == 0 ? 0 : 1;
}

static void add_listening(struct request *request)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    request->listening = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(request->listening, (struct sockaddr *)&address, size) != 0 ||
        listen(request->listening, 1) != 0 ||
        getsockname(request->listening, (struct sockaddr *)&address, &size) != 0)
        fail("--listen", "no socket");
    request->wasi.sockets = &request->listening;
    request->wasi.socket_count = 1;
    request->client = fork();
    if (request->client == 0) {
        close(request->listening);
        _exit(serve_client(&address));
    }
}

/* Returns how many of the two words were used; 0: not an option. */
static int take_option(struct request *request, const char *option, char *value)
{
    if (strcmp(option, "--listen") == 0)
        return add_listening(request), 1;
    if (strcmp(option, "--only-stderr") == 0)
        return request->wasi.standard_input.kind = request->wasi.standard_output.kind =
                   WRT_WASI_STREAM_NONE, 1;
    if (!value)
        fail(option, "needs a value");
    if (strcmp(option, "--clocks") == 0 && strcmp(value, "all") == 0)
        return request->wasi.clocks = WRT_WASI_CLOCK_ALL, 2;
    if (strcmp(option, "--random") == 0 && strcmp(value, "system") == 0)
        return request->wasi.random = WRT_WASI_RANDOM_SYSTEM, 2;
    if (strcmp(option, "--dir") == 0 && request->wasi.directory_count < MOST)
        return add_directory(request, value), 2;
    if (strcmp(option, "--env") == 0 && request->wasi.environment_count < MOST)
        return request->environment[request->wasi.environment_count++] = value, 2;
    if (strcmp(option, "--clock-resolution") == 0)
        return request->wasi.clock_resolution_ns = strtoull(value, NULL, 10), 2;
    if (strcmp(option, "--resolver") == 0)
        return request->wasi.resolver = strcmp(value, "walk") == 0 ? WRT_WASI_RESOLVER_WALK
                                                                   : WRT_WASI_RESOLVER_KERNEL, 2;
    fail(option, "unknown");
    return 0;
}

static void parse(struct request *request, int argc, char **argv)
{
    int next = 1;
    *request = (struct request){.listening = -1};
    request->wasi.standard_input.kind = WRT_WASI_STREAM_INHERIT;
    request->wasi.standard_output.kind = WRT_WASI_STREAM_INHERIT;
    request->wasi.standard_error.kind = WRT_WASI_STREAM_INHERIT;
    while (next < argc && strncmp(argv[next], "--", 2) == 0)
        next += take_option(request, argv[next], argv[next + 1]);
    if (next >= argc)
        fail("FILE", "missing");
    request->file = argv[next];
    request->wasi.directories = request->directories;
    request->wasi.environment = request->environment;
    request->wasi.arguments = (const char *const *)&argv[next];
    request->wasi.argument_count = (uint32_t)(argc - next);
}

/* ---- running ---- */

static void must(enum wrt_status status, const char *what, const struct wrt_error *error)
{
    if (status != WRT_OK)
        fail(what, error->text);
}

static struct wrt_module *load(struct wrt_partition *partition, const char *path)
{
    struct wrt_module_loader *loader;
    struct wrt_module *module;
    struct wrt_error error;
    static char block[65536];
    size_t got;
    FILE *file = fopen(path, "rb");
    if (!file)
        fail(path, "does not open");
    must(wrt_module_begin(partition, NULL, &loader, &error), "begin", &error);
    while ((got = fread(block, 1, sizeof block, file)) != 0)
        must(wrt_module_feed(loader, block, got, &error), path, &error);
    fclose(file);
    must(wrt_module_finish(loader, &module, &error), path, &error);
    return module;
}

static int outcome(struct wrt_store *store, enum wrt_status status)
{
    if (status == WRT_OK)
        return 0;
    if (status == WRT_EXITED)
        return (int)wrt_store_exit_code(store);
    fprintf(stderr, "run_guest: %s: %s\n", wrt_status_name(status), wrt_store_trap(store)->text);
    return EXIT_TRAP;
}

static int run(struct wrt_partition *partition, const struct request *request)
{
    const struct wrt_store_config config = {.stack_bytes = 1 << 20};
    struct wrt_error error;
    struct wrt_store *store;
    struct wrt_wasi *wasi;
    struct wrt_instance *instance;
    struct wrt_extern start;
    struct wrt_module *module = load(partition, request->file);
    must(wrt_wasi_create(partition, &request->wasi, &wasi, &error), "WASI", &error);
    must(wrt_store_create(partition, &config, &store, &error), "store", &error);
    must(wrt_wasi_define(store, wasi, &error), "WASI", &error);
    must(wrt_store_instantiate(store, module, &instance, &error), "instantiate", &error);
    must(wrt_instance_export(instance, "_start", &start), "_start", &error);
    int code = outcome(store, wrt_function_call(store, start.of.function, NULL, 0, NULL, 0));
    must(wrt_store_destroy(store), "store", &error);
    wrt_wasi_destroy(wasi);
    must(wrt_module_destroy(module), "module", &error);
    return code;
}

int main(int argc, char **argv)
{
    const struct wrt_partition_config config = {.name = "guest"};
    struct wrt_partition *partition;
    struct wrt_error error;
    struct request request;
    int client = 0;
    parse(&request, argc, argv);
    must(wrt_partition_create(NULL, &config, &partition, &error), "partition", &error);
    int code = run(partition, &request);
    if (wrt_partition_destroy(partition, &error) != WRT_OK)
        return EXIT_LEAK;
    if (request.client > 0 && (waitpid(request.client, &client, 0) < 0 || client != 0))
        return EXIT_CLIENT;
    return code;
}
