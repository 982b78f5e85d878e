/* cli/supervise/serve.c - `wrt serve` and `wrt check`: a set of tenants from a manifest.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>

/* "FILE:LINE: what", as compilers say it, so that editors find the place. */
static void print_problem(void *context, const struct wrt_manifest_problem *problem)
{
    const char *file = context;
    if (problem->line == 0)
        fprintf(stderr, "wrt: %s: %s\n", file, problem->text);
    else
        fprintf(stderr, "wrt: %s:%" PRIu32 ": %s\n", file, problem->line, problem->text);
}

static int fail_manifest(const char *file, enum wrt_status status)
{
    if (status == WRT_ERR_IO)
        return CLI_EXIT_FILE;
    return cli_fail(CLI_EXIT_MANIFEST, "%s is refused (%s)", file, wrt_status_name(status));
}

/* Both commands take exactly one file; `serve` one option. */
static int take_file(const struct cli_command *command, int argc, char **argv, char **out,
                     bool *out_events)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    int option;
    *out = NULL;
    while ((option = cli_next_option(&parser)) == 0)
        *out_events = true;
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (argc - parser.next != 1)
        return cli_fail(CLI_EXIT_USAGE, "%s takes one manifest, %d were given", command->name,
                        argc - parser.next);
    *out = argv[parser.next];
    return CLI_EXIT_OK;
}

static int load(struct wrt_partition **partition, char *file, struct wrt_manifest **out)
{
    const struct wrt_partition_config config = {.name = "supervisor"};
    struct wrt_error error = {0};
    enum wrt_status status = wrt_partition_create(NULL, &config, partition, &error);
    if (status != WRT_OK)
        return cli_fail_status("partition", status, &error);
    status = wrt_manifest_load(*partition, file, print_problem, file, out);
    return status == WRT_OK ? CLI_EXIT_OK : fail_manifest(file, status);
}

static int give_back(struct wrt_partition *partition, int code)
{
    struct wrt_error error = {0};
    enum wrt_status status = wrt_partition_destroy(partition, &error);
    return status == WRT_OK || code != CLI_EXIT_OK ? code
                                                   : cli_fail_status("closing", status, &error);
}

/* ---- check ---- */

static void print_cost(const struct wrt_manifest_cost *cost)
{
    printf("%" PRIu32 " tenants in %" PRIu32 " lanes\n", cost->tenants, cost->lanes);
    printf("  guaranteed memory   %" PRIu64 " bytes\n", cost->min_bytes);
    printf("  once instantiated   %" PRIu64 " bytes, the largest %" PRIu64 "\n",
           cost->footprint_bytes, cost->largest_bytes);
    if (cost->limit_bytes == UINT64_MAX)
        puts("  memory_max          none");
    else
        printf("  memory_max          %" PRIu64 " bytes\n", cost->limit_bytes);
    printf("  processor budgets   %" PRIu32 " of %" PRIu32 " permille\n", cost->cpu_permille,
           cost->cpu_limit_permille);
}

static int check(char *file)
{
    struct wrt_partition *partition = NULL;
    struct wrt_manifest *manifest = NULL;
    struct wrt_manifest_cost cost;
    int code = load(&partition, file, &manifest);
    if (code == CLI_EXIT_OK) {
        enum wrt_status status = wrt_manifest_check(manifest, print_problem, file, &cost);
        print_cost(&cost);
        if (status != WRT_OK)
            code = fail_manifest(file, status);
        else
            printf("%s: fits\n", file);
    }
    wrt_manifest_destroy(manifest);
    return give_back(partition, code);
}

static int run_check(const struct cli_command *command, int argc, char **argv)
{
    bool events = false; /* it has no options */
    char *file;
    int code = take_file(command, argc, argv, &file, &events);
    return file == NULL ? code : check(file);
}

/* ---- serve ---- */

/* Read by the handler, so set before it is installed. */
static struct wrt_supervisor *running;

static void on_signal(int number)
{
    (void)number;
    wrt_supervisor_stop(running);
}

/* The first signal stops in order; a second one ends the process as usual. Whoever reads what
 * we print may go away: that ends no tenant. */
static void watch_signals(struct wrt_supervisor *supervisor)
{
    struct sigaction action = {.sa_handler = on_signal};
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    running = supervisor;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* ---- what happens, as it happens: for systems without a control socket ---- */

static bool is_over; /* atomic */

static void print_events(struct wrt_supervisor *supervisor, uint64_t *after)
{
    struct wrt_tenant_event event;
    while (wrt_supervisor_event(supervisor, *after, &event) == WRT_OK) {
        if (event.sequence > *after + 1)
            fprintf(stderr, "(%" PRIu64 " events lost)\n", event.sequence - *after - 1);
        *after = event.sequence;
        fprintf(stderr, "%14.6f  %-20s %-10s %s\n", (double)event.time_ns / 1e9, event.tenant,
                event.what, event.text);
    }
}

static void print_figures(struct wrt_supervisor *supervisor)
{
    struct wrt_tenant_status tenant;
    for (uint32_t i = 0; wrt_supervisor_status(supervisor, i, &tenant) == WRT_OK; i++)
        fprintf(stderr, "%s: tier %s, at most %" PRIu64 " bytes, %" PRIu64 " activations, %" PRIu64
                " overruns, %" PRIu64 " failures, %" PRIu64 " restarts\n", tenant.name,
                tenant.tier_asked, tenant.high_water_bytes, tenant.activations, tenant.overruns,
                tenant.failures, tenant.restarts);
}

static void *watch_events(void *supervisor)
{
    static const struct timespec pause = {.tv_nsec = 50000000};
    uint64_t after = 0;
    bool ends;
    do {
        ends = __atomic_load_n(&is_over, __ATOMIC_ACQUIRE);
        print_events(supervisor, &after);
        if (!ends)
            (void)nanosleep(&pause, NULL);
    } while (!ends);
    print_figures(supervisor);
    return NULL;
}

static enum wrt_status run_watched(struct wrt_supervisor *supervisor)
{
    pthread_t watcher;
    if (pthread_create(&watcher, NULL, watch_events, supervisor) != 0)
        return WRT_ERR_NO_MEMORY;
    const enum wrt_status status = wrt_supervisor_run(supervisor);
    __atomic_store_n(&is_over, true, __ATOMIC_RELEASE);
    (void)pthread_join(watcher, NULL);
    return status;
}

static int conclude(enum wrt_status status)
{
    switch (status) {
    case WRT_OK: return CLI_EXIT_OK;
    case WRT_ERR_TRAP:
        return cli_fail(CLI_EXIT_FAILED, "a tenant failed for good and its manifest asks for the "
                                         "exit; all others were stopped in order");
    case WRT_ERR_TIMEOUT:
        return cli_fail(CLI_EXIT_FAILED, "the shutdown ran out of time: a tenant sits in a host "
                                         "call");
    default: return cli_fail_status("serve", status, NULL);
    }
}

static int run_supervisor(struct wrt_supervisor *supervisor, const char *file, bool events)
{
    watch_signals(supervisor);
    fprintf(stderr, "wrt: serving %s\n", file);
    enum wrt_status status = events ? run_watched(supervisor) : wrt_supervisor_run(supervisor);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    int code = conclude(status);
    status = wrt_supervisor_destroy(supervisor);
    if (status != WRT_OK && code == CLI_EXIT_OK)
        code = cli_fail_status("closing", status, NULL);
    return code;
}

static int serve(char *file, bool events)
{
    struct wrt_partition *partition = NULL;
    struct wrt_manifest *manifest = NULL;
    struct wrt_supervisor *supervisor = NULL;
    struct wrt_error error = {0};
    int code = load(&partition, file, &manifest);
    if (code != CLI_EXIT_OK)
        return give_back(partition, code);
    enum wrt_status status =
        wrt_supervisor_create(manifest, print_problem, file, &supervisor, &error);
    if (status != WRT_OK)
        return give_back(partition, cli_fail(CLI_EXIT_MANIFEST, "%s: %s (%s)", file, error.text,
                                             wrt_status_name(status)));
    code = run_supervisor(supervisor, file, events);
    /* A lane that could not be joined still has its memory; the process ends now anyway. */
    return code == CLI_EXIT_OK ? give_back(partition, code) : code;
}

static int run_serve(const struct cli_command *command, int argc, char **argv)
{
    bool events = false;
    char *file;
    int code = take_file(command, argc, argv, &file, &events);
    return file == NULL ? code : serve(file, events);
}

static const struct cli_option no_options[] = {{0}};
static const struct cli_option serve_options[] = {
    {"events", NULL, "print what happens on standard error, and each tenant's figures at the end"},
    {0}};

const struct cli_command cli_serve = {
    "serve", "[options] MANIFEST", "Runs a set of tenants until it is told to stop.",
    serve_options, run_serve};
const struct cli_command cli_check = {
    "check", "MANIFEST", "Says whether a set of tenants fits, before anything runs.", no_options,
    run_check};
