/* tally.c - counts of commands, and the reasons of those that were skipped.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "spectest.h"

const char *reasons_intern(struct reasons *reasons, const char *text)
{
    char cut[MAX_REASON_BYTES];
    snprintf(cut, sizeof cut, "%s", text);
    for (uint32_t i = 0; i < reasons->count; i++) {
        if (strcmp(reasons->text[i], cut) == 0)
            return reasons->text[i];
    }
    if (reasons->count == MAX_REASONS)
        return NULL;
    memcpy(reasons->text[reasons->count], cut, sizeof cut);
    return reasons->text[reasons->count++];
}

uint32_t reasons_index(const struct reasons *reasons, const char *interned)
{
    uint32_t index = 0;
    while (index < reasons->count && reasons->text[index] != interned)
        index++;
    return index;
}

void tally_add(struct tally *total, const struct tally *part)
{
    total->passed += part->passed;
    total->failed += part->failed;
    total->skipped += part->skipped;
    for (uint32_t i = 0; i < MAX_REASONS; i++)
        total->skipped_for[i] += part->skipped_for[i];
}

/* The used reason that comes next after `previous` in the alphabet; NULL at the end. The
 * order keeps the text the same whatever was run before. */
static const char *next_reason(const struct tally *tally, const struct reasons *reasons,
                               const char *previous)
{
    const char *best = NULL;
    for (uint32_t i = 0; i < reasons->count; i++) {
        const char *text = reasons->text[i];
        bool later = previous == NULL || strcmp(text, previous) > 0;
        if (tally->skipped_for[i] != 0 && later && (best == NULL || strcmp(text, best) < 0))
            best = text;
    }
    return best;
}

void tally_describe_skips(const struct tally *tally, const struct reasons *reasons, char *out,
                          size_t out_bytes)
{
    size_t used = 0;
    out[0] = '\0';
    const char *reason = NULL;
    while ((reason = next_reason(tally, reasons, reason)) != NULL) {
        int n = snprintf(out + used, out_bytes - used, "%s%s %u", used == 0 ? "" : ", ", reason,
                         tally->skipped_for[reasons_index(reasons, reason)]);
        if (n < 0 || (size_t)n >= out_bytes - used)
            return;
        used += (size_t)n;
    }
}
