/* Reads a text of settings n times: a switch per character, calls, small strings.
 * SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

static const char text[] =
    "tenant telemetry { minimum = 65536; maximum = 2097152; level = standard; }\n"
    "tenant planner { minimum = 0; maximum = 4194304; level = full; # a comment\n"
    "  channel camera { rate = 30; depth = 4; } channel radar { rate = 20; depth = 8; } }\n"
    "schedule { slot 10 telemetry; slot 25 planner; slot 5 idle; period = 40; }\n";

enum token { END, NAME, NUMBER, OPEN, CLOSE, EQUALS, SEMICOLON };

static uint32_t value;

static const char *skip(const char *p)
{
    for (;; p++) {
        if (*p == '#')
            while (*p != '\n')
                p++;
        else if (*p != ' ' && *p != '\n')
            return p;
    }
}

__attribute__((noinline)) static enum token next(const char **at)
{
    const char *p = skip(*at);
    enum token token = END;
    value = 0;
    switch (*p) {
    case 0: break;
    case '{': token = OPEN; p++; break;
    case '}': token = CLOSE; p++; break;
    case '=': token = EQUALS; p++; break;
    case ';': token = SEMICOLON; p++; break;
    default:
        token = *p <= '9' ? NUMBER : NAME;
        if (token == NUMBER)
            for (; *p >= '0' && *p <= '9'; p++)
                value = value * 10 + (uint32_t)(*p - '0');
        else
            for (; *p >= 'a' && *p <= 'z'; p++)
                value = value * 33 + (uint32_t)*p;
    }
    *at = p;
    return token;
}

int run(int n)
{
    uint32_t sum = 0;
    for (int i = 0; i < n; i++) {
        const char *at = text;
        int depth = 0;
        for (enum token token; (token = next(&at)) != END;) {
            depth += token == OPEN ? 1 : token == CLOSE ? -1 : 0;
            sum = sum * 7 + value + (uint32_t)token + (uint32_t)depth;
        }
    }
    return (int)sum;
}
