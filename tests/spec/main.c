/* main.c - wrt-spectest: runs scripts of the WebAssembly specification's test suite.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The last line is always "N passed, N failed, N skipped", counted in commands. The exit
 * status is 0 only if something ran and nothing failed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "spectest.h"

enum { EXIT_USAGE = 2 };

struct run {
    struct options options;
    struct reasons reasons;
    struct tally total;
    struct skip_table *skips; /* NULL: any skip is fine */
    uint32_t scripts;
    uint32_t compiled, interpreted; /* modules, with --compile */
};

static void print_usage(FILE *stream)
{
    fputs("usage: wrt-spectest [options] FILE|FOLDER...\n"
          "Runs WebAssembly test scripts: JSON files as wast2json writes them. Folders are\n"
          "searched to any depth for scripts NAME/NAME.json.\n"
          "  --chunk N      feed modules to the loader N bytes at a time (default: whole)\n"
          "  --compile COMMAND  run modules compiled by COMMAND -o OBJECT MODULE, where it can\n"
          "  --deterministic  run modules in the deterministic profile\n"
          "  --skips FILE   fail where the skips differ from this table (a line per script)\n"
          "  --stack BYTES  size of the guests' stack (default: the store's)\n"
          "  --tags         tag arenas and memories, and check each access (Arm MTE)\n"
          "  --timeout MS   fail a command that takes longer (default 60000, 0 = never)\n"
          "  --without NAME refuse a feature, for scripts that are older than it\n"
          "  --verbose      print every command\n",
          stream);
}

/* ---- one script ---- */

/* "…/block/block.json" -> "block" */
static void name_of(const char *path, char *out, size_t out_bytes)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(file, '.');
    int bytes = dot == NULL ? (int)strlen(file) : (int)(dot - file);
    snprintf(out, out_bytes, "%.*s", bytes, file);
}

static void compare_skips(struct run *run, const char *name, const char *skips,
                          struct tally *tally)
{
    const char *wanted = run->skips == NULL ? skips : skip_table_find(run->skips, name);
    if (strcmp(wanted, skips) == 0)
        return;
    printf("  FAILED %s: expected the skips \"%s\", got \"%s\"\n", name, wanted, skips);
    tally->failed++;
}

static void run_script(struct run *run, const char *path)
{
    struct tally tally = {0};
    char name[256], skips[MAX_REASONS * 16];
    name_of(path, name, sizeof name);
    script_run(path, name, &run->options, &run->reasons, &tally);
    tally_describe_skips(&tally, &run->reasons, skips, sizeof skips);
    compare_skips(run, name, skips, &tally);
    printf("%s %s: %u passed, %u failed, %u skipped%s%s%s\n", tally.failed == 0 ? "ok  " : "FAIL",
           name, tally.passed, tally.failed, tally.skipped, skips[0] == '\0' ? "" : " (", skips,
           skips[0] == '\0' ? "" : ")");
    fflush(stdout);
    tally_add(&run->total, &tally);
    run->scripts++;
}

/* ---- searching ---- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* The last name of the folder whose path is the first `bytes` of `path`. */
static void name_of_folder(const char *path, size_t bytes, char *out, size_t out_bytes)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)bytes, path);
    char *real = realpath(folder, NULL);
    const char *slash = real == NULL ? NULL : strrchr(real, '/');
    snprintf(out, out_bytes, "%s", slash == NULL ? "" : slash + 1);
    free(real);
}

/* A script is a file that was named outright, or NAME.json in a folder NAME. */
static bool is_script(const FTSENT *entry)
{
    if (entry->fts_level == FTS_ROOTLEVEL)
        return true;
    const char *folder = entry->fts_parent->fts_name;
    char argument[256];
    if (entry->fts_level == FTS_ROOTLEVEL + 1) { /* the argument may end in "/" or be "." */
        name_of_folder(entry->fts_path, entry->fts_parent->fts_pathlen, argument,
                       sizeof argument);
        folder = argument;
    }
    size_t bytes = strlen(folder);
    return strncmp(entry->fts_name, folder, bytes) == 0 &&
           strcmp(entry->fts_name + bytes, ".json") == 0;
}

static void visit(struct run *run, const FTSENT *entry)
{
    switch (entry->fts_info) {
    case FTS_F:
        if (is_script(entry))
            run_script(run, entry->fts_accpath);
        break;
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
    case FTS_SLNONE:
        printf("FAIL %s: %s\n", entry->fts_path, strerror(entry->fts_errno));
        run->total.failed++;
        break;
    default: /* folders before and after, loops of links, devices */
        break;
    }
}

/* fts walks with a list of its own, so the folders' depth costs no host stack. */
static bool search(struct run *run, char **paths)
{
    FTS *tree = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, by_name);
    if (tree == NULL)
        return false;
    const FTSENT *entry;
    while ((entry = fts_read(tree)) != NULL)
        visit(run, entry);
    bool complete = errno == 0;
    fts_close(tree);
    return complete;
}

/* ---- options ---- */

static bool parse_number(const char *text, uint64_t max, uint64_t *out)
{
    if (text == NULL || text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    uint64_t value = strtoull(text, NULL, 10);
    if (errno != 0 || value > max)
        return false;
    *out = value;
    return true;
}

static bool add_without(const char *name, uint64_t *features_off)
{
    for (unsigned bit = 0; name != NULL && bit < 64; bit++) {
        if ((WRT_FEATURES_ALL >> bit & 1) != 0 &&
            strcmp(wrt_feature_name((enum wrt_feature)bit), name) == 0) {
            *features_off |= UINT64_C(1) << bit;
            return true;
        }
    }
    return false;
}

/* Takes one option at *argument; false if it is none or its value is missing or bad. */
static bool take_option(struct run *run, char ***argument)
{
    const char *option = **argument;
    const char *value = (*argument)[1];
    uint64_t timeout_ms = 0;
    if (strcmp(option, "--verbose") == 0) {
        run->options.verbose = true;
        return true;
    }
    if (strcmp(option, "--tags") == 0) {
        run->options.tags = true;
        return wrt_hardware_set_tag_mode(WRT_TAG_MODE_SYNC) == WRT_OK;
    }
    if (strcmp(option, "--deterministic") == 0) {
        run->options.deterministic = true;
        return true;
    }
    bool taken = false;
    if (strcmp(option, "--chunk") == 0) {
        taken = parse_number(value, UINT32_MAX, &run->options.chunk_bytes);
    } else if (strcmp(option, "--stack") == 0) {
        taken = parse_number(value, UINT32_MAX, &run->options.stack_bytes);
    } else if (strcmp(option, "--timeout") == 0) {
        taken = parse_number(value, UINT32_MAX, &timeout_ms);
        run->options.timeout_ms = (uint32_t)timeout_ms;
    } else if (strcmp(option, "--without") == 0) {
        taken = add_without(value, &run->options.features_off);
    } else if (strcmp(option, "--compile") == 0 && value != NULL) {
        run->options.compile = value;
        run->options.compiled = &run->compiled;
        run->options.interpreted = &run->interpreted;
        taken = true;
    } else if (strcmp(option, "--skips") == 0 && value != NULL && run->skips == NULL) {
        run->skips = skip_table_read(value);
        taken = run->skips != NULL;
    }
    *argument += taken ? 1 : 0;
    return taken;
}

static void print_total(const struct run *run)
{
    char skips[MAX_REASONS * 16];
    tally_describe_skips(&run->total, &run->reasons, skips, sizeof skips);
    printf("%u scripts%s%s\n", run->scripts, skips[0] == '\0' ? "" : "; skipped: ", skips);
    if (run->options.compile != NULL)
        printf("%u modules compiled, %u interpreted or refused\n", run->compiled, run->interpreted);
    printf("%u passed, %u failed, %u skipped\n", run->total.passed, run->total.failed,
           run->total.skipped);
}

static int run_all(struct run *run, char **paths)
{
    if (!search(run, paths)) {
        printf("FAIL the search: %s\n", strerror(errno));
        run->total.failed++;
    }
    if (run->scripts == 0) {
        printf("FAIL there is no script in what was named\n");
        run->total.failed++;
    }
    print_total(run);
    return run->total.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct run run = {.options.timeout_ms = 60000};
    char **argument = argv + (argc > 0 ? 1 : 0);
    for (; *argument != NULL && (*argument)[0] == '-'; argument++) {
        if (strcmp(*argument, "--help") == 0) {
            print_usage(stdout);
            return EXIT_SUCCESS;
        }
        if (!take_option(&run, &argument)) {
            fprintf(stderr, "wrt-spectest: bad option or value: %s\n", *argument);
            print_usage(stderr);
            return EXIT_USAGE;
        }
    }
    if (*argument == NULL) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    int status = run_all(&run, argument);
    skip_table_free(run.skips);
    return status;
}
