/* cli/doctor.c - `wrt doctor`: what protects the guests and the runtime on this machine, as it is.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Two tables of one shape, the processor's protections (wrt/hardware.h) and the system's features
 * (wrt/system.h); as text, or as JSON, one object.
 */
#include <string.h>

#include "cli.h"

enum { OPTION_JSON };

struct row {
    const char *name;
    bool is_requested, is_available, is_active;
    const char *why;
};

static bool hardware_row(uint32_t index, struct row *out)
{
    struct wrt_hardware_state state;

    if (wrt_hardware_get((enum wrt_hardware)index, &state) != WRT_OK)
        return false;
    *out = (struct row){state.name, state.is_requested, state.is_available, state.is_active,
                        state.why};
    return true;
}

static bool system_row(uint32_t index, struct row *out)
{
    struct wrt_system_feature feature;

    if (wrt_system_get_feature(index, &feature) != WRT_OK)
        return false;
    *out = (struct row){feature.name, feature.is_requested, feature.is_available,
                        feature.is_active, feature.why};
    return true;
}

typedef bool get_row(uint32_t index, struct row *out);

static void print_table(const char *title, get_row *get)
{
    struct row row;

    printf("%-24s %-10s %-10s %-7s %s\n", title, "requested", "available", "active", "why");
    for (uint32_t i = 0; get(i, &row); i++)
        printf("  %-22s %-10s %-10s %-7s %s\n", row.name, row.is_requested ? "yes" : "no",
               row.is_available ? "yes" : "no", row.is_active ? "yes" : "no", row.why);
}

static const char *truth(bool value) { return value ? "true" : "false"; }

/* Names and reasons are our own sentences: nothing in them needs an escape. */
static void print_json_table(const char *title, get_row *get)
{
    struct row row;

    printf("\"%s\":[", title);
    for (uint32_t i = 0; get(i, &row); i++)
        printf("%s{\"name\":\"%s\",\"requested\":%s,\"available\":%s,\"active\":%s,\"why\":\"%s\"}",
               i != 0 ? "," : "", row.name, truth(row.is_requested), truth(row.is_available),
               truth(row.is_active), row.why);
    putchar(']');
}

static void print_json(void)
{
    printf("{\"system\":\"%s\",", wrt_system_name());
    print_json_table("hardware", hardware_row);
    putchar(',');
    print_json_table("features", system_row);
    puts("}");
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_parser parser = {.command = command, .argc = argc, .argv = argv};
    bool as_json = false;
    int option;

    while ((option = cli_next_option(&parser)) >= 0)
        as_json |= option == OPTION_JSON;
    if (option == CLI_OPTIONS_HELP)
        return CLI_EXIT_OK;
    if (option == CLI_OPTIONS_BAD)
        return CLI_EXIT_USAGE;
    if (argc != parser.next)
        return cli_fail(CLI_EXIT_USAGE, "doctor takes no argument");
    if (as_json) {
        print_json();
        return CLI_EXIT_OK;
    }
    print_table("processor", hardware_row);
    putchar('\n');
    print_table(wrt_system_name(), system_row);
    return CLI_EXIT_OK;
}

static const struct cli_option options[] = {
    [OPTION_JSON] = {"json", NULL, "as one JSON object"},
    {0}};

const struct cli_command cli_doctor = {
    "doctor", "[--json]",
    "Prints which protections this machine has, which are in force, and why the others are not.",
    options, run};
