/* tests/tenant/manifest_fixture.h - loads a manifest from text and keeps what was reported.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef MANIFEST_FIXTURE_H
#define MANIFEST_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "tenant/config.h"

struct reported {
    unsigned count;
    struct wrt_manifest_problem first;
};

static void keep_report(void *context, const struct wrt_manifest_problem *problem)
{
    struct reported *reported = context;
    if (reported->count++ == 0)
        reported->first = *problem;
}

/* Loads `size` bytes; *partition is a root of its own, to be given back with unload. */
static enum wrt_status load_bytes(const char *text, size_t size, struct reported *reported,
                                  struct wrt_partition **partition, struct wrt_manifest **out)
{
    char path[] = "/tmp/manifest-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, size), size);
    close(file);
    *out = NULL;
    *reported = (struct reported){0};
    assert_int_equal(wrt_partition_create(NULL, NULL, partition, NULL), WRT_OK);
    enum wrt_status status = wrt_manifest_load(*partition, path, keep_report, reported, out);
    unlink(path);
    return status;
}

/* Fails if the manifest left anything in its partition. */
static void unload(struct wrt_partition *partition, struct wrt_manifest *manifest)
{
    struct wrt_error error = {0};
    wrt_manifest_destroy(manifest);
    if (wrt_partition_destroy(partition, &error) != WRT_OK)
        fail_msg("%s", error.text);
}

static inline void expect_problem(const struct reported *reported, enum wrt_status status,
                                  uint32_t line, const char *part)
{
    if (reported->count == 0)
        fail_msg("nothing was reported; expected '%s'", part);
    if (reported->first.status != status || reported->first.line != line ||
        strstr(reported->first.text, part) == NULL)
        fail_msg("line %u: %s (%s); expected line %u, '%s'", reported->first.line,
                 reported->first.text, wrt_status_name(reported->first.status), line, part);
}

#endif
