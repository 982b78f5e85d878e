/* cli/options.c - one way to read options for every command, and the help made from the
 * same table.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "cli.h"

static bool value_is_optional(const struct cli_option *option)
{
    return option->argument != NULL && option->argument[0] == '[';
}

/* The option that `text` (without dashes, `length` characters) names, or -1. */
static int find_option(const struct cli_option *options, const char *text, size_t length)
{
    for (int i = 0; options[i].name != NULL; i++)
        if (strlen(options[i].name) == length && memcmp(options[i].name, text, length) == 0)
            return i;
    return -1;
}

static int bad(const struct cli_parser *parser, const char *what, const char *option)
{
    cli_fail(CLI_EXIT_USAGE, "%s %s; wrt %s --help lists the options", option, what,
             parser->command->name);
    return CLI_OPTIONS_BAD;
}

static int take_option(struct cli_parser *parser, char *text)
{
    char *equals = strchr(text, '=');
    size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text);
    int index = find_option(parser->command->options, text + 2, length - 2);
    if (index < 0)
        return bad(parser, "is not an option here", text);

    const struct cli_option *option = &parser->command->options[index];
    parser->value = equals != NULL ? equals + 1 : NULL;
    if (option->argument == NULL && equals != NULL)
        return bad(parser, "takes no value", text);
    if (option->argument == NULL || value_is_optional(option) || equals != NULL)
        return index;
    if (parser->next >= parser->argc)
        return bad(parser, "needs a value", text);
    parser->value = parser->argv[parser->next++];
    return index;
}

int cli_next_option(struct cli_parser *parser)
{
    if (parser->next >= parser->argc)
        return CLI_OPTIONS_END;
    char *text = parser->argv[parser->next];
    if (text[0] != '-' || text[1] == '\0')
        return CLI_OPTIONS_END;
    parser->next++;
    if (strcmp(text, "--") == 0)
        return CLI_OPTIONS_END;
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
        cli_print_help(parser->command);
        return CLI_OPTIONS_HELP;
    }
    if (text[1] != '-')
        return bad(parser, "is not an option here", text);
    return take_option(parser, text);
}

/* Digits at *text, which moves past them. */
static bool take_digits(const char **text, uint64_t *out)
{
    const char *p = *text;
    uint64_t value = 0;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        uint64_t digit = (uint64_t)(*p - '0');
        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *text = p;
    *out = value;
    return true;
}

bool cli_parse_count(const char *text, uint64_t *out)
{
    uint64_t value;
    if (!take_digits(&text, &value) || *text != '\0')
        return false;
    *out = value;
    return true;
}

static int suffix_shift(char suffix)
{
    switch (suffix) {
    case 'K': case 'k': return 10;
    case 'M': case 'm': return 20;
    case 'G': case 'g': return 30;
    default: return 0;
    }
}

bool cli_parse_size(const char *text, uint64_t *out)
{
    uint64_t value;
    if (!take_digits(&text, &value))
        return false;
    int shift = suffix_shift(*text);
    if (shift != 0)
        text++;
    if (*text != '\0' || value > UINT64_MAX >> shift)
        return false;
    *out = value << shift;
    return true;
}

static void print_option(const struct cli_option *option)
{
    char left[64];
    if (option->argument == NULL)
        snprintf(left, sizeof left, "--%s", option->name);
    else if (value_is_optional(option))
        snprintf(left, sizeof left, "--%s%s", option->name, option->argument);
    else
        snprintf(left, sizeof left, "--%s %s", option->name, option->argument);
    printf("  %-30s %s\n", left, option->help);
}

void cli_print_help(const struct cli_command *command)
{
    printf("usage: wrt %s %s\n\n%s\n\n", command->name, command->arguments, command->summary);
    for (const struct cli_option *option = command->options; option->name != NULL; option++)
        print_option(option);
    printf("  %-30s %s\n", "--help", "print this");
}
