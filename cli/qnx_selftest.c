/* cli/qnx_selftest.c - `wrt qnx-selftest`: the checklist of docs/qnx.md, done on the target.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A line is begun before its check starts, so that one that hangs is named.
 */
#include <string.h>

#include "cli.h"

enum outcome { GOOD, MISSING, BAD };

static enum outcome outcome_of(enum wrt_status status)
{
    switch (status) {
    case WRT_OK: return GOOD;
    case WRT_ERR_UNSUPPORTED: /* the system has it not */
    case WRT_ERR_DENIED: return MISSING; /* this user may not */
    default: return BAD;
    }
}

/* False: there is no feature of that name. */
static bool find_feature(const char *name, struct wrt_system_feature *out)
{
    for (uint32_t i = 0; wrt_system_get_feature(i, out) == WRT_OK; i++)
        if (strcmp(out->name, name) == 0)
            return true;
    return false;
}

static void print_state(const struct wrt_system_feature *feature)
{
    printf("%-22s %-13s %-13s %-10s %s\n", feature->name,
           feature->is_requested ? "requested" : "not requested",
           feature->is_available ? "available" : "not available",
           feature->is_active ? "active" : "not active", feature->why);
}

static void print_outcome(const struct wrt_system_check *check)
{
    static const char *const words[] = {"ok", "unsupported", "failed"};
    enum outcome outcome = outcome_of(check->status);
    struct wrt_system_feature feature;

    printf("%-11s %s\n", words[outcome], check->text);
    if (check->feature == NULL || !find_feature(check->feature, &feature))
        return;
    fputs("    ", stdout);
    print_state(&feature);
}

static int print_checks(const struct wrt_system_check_config *config)
{
    unsigned counts[3] = {0, 0, 0};

    for (uint32_t i = 0; wrt_system_check_name(i) != NULL; i++) {
        struct wrt_system_check check;

        printf("%-48s ", wrt_system_check_name(i));
        fflush(stdout);
        if (wrt_system_run_check(i, config, &check) != WRT_OK)
            break;
        counts[outcome_of(check.status)]++;
        print_outcome(&check);
    }
    puts("\nfeatures");
    for (uint32_t i = 0;; i++) {
        struct wrt_system_feature feature;

        if (wrt_system_get_feature(i, &feature) != WRT_OK)
            break;
        print_state(&feature);
    }
    printf("\n%u ok, %u failed, %u unsupported\n", counts[GOOD], counts[BAD], counts[MISSING]);
    return counts[BAD] == 0 ? CLI_EXIT_OK : CLI_EXIT_FAILED;
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    struct wrt_system_check_config config = {.pool = NULL};
    int option;

    while ((option = cli_next_option(&parser)) >= 0)
        config.pool = parser.value;
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (argc != parser.next)
        return cli_fail(CLI_EXIT_USAGE, "qnx-selftest takes no argument");
    if (strcmp(wrt_system_name(), "qnx") != 0)
        return cli_fail(CLI_EXIT_UNSUPPORTED, "qnx-selftest is only for QNX; this is wrt for %s",
                        wrt_system_name());
    return print_checks(&config);
}

static const struct cli_option options[] = {
    {"pool", "NAME", "typed memory to allocate a page from; \"/sysram\" unless said"},
    {0}};

const struct cli_command cli_qnx_selftest = {
    "qnx-selftest", "[--pool NAME]",
    "Checks on a QNX machine what the runtime relies on, and lists its features.", options, run};
