/* tools/sequences/count.c - which instructions of the interpreter follow each other, how often.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Linked into a build with WRT_COUNT_SEQUENCES, where each dispatch comes here and nothing is
 * fused. When the process ends, $WRT_SEQUENCES gets a line per pair of instructions that ran
 * one after the other: WORD OPERATION WORD OPERATION COUNT, a word being an instruction's address;
 * an operation that is followed by ! leaves its result only to the next instruction. One thread.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/code.h"
#include "engine/signing.h"

struct edge {
    const union word *from, *to;
    const void *by, *then;
    uint64_t count;
};

enum { EDGES = 1 << 18 };

static const char *const names[OP_COUNT] = {
#define OP(name, ...) [OP_##name] = #name,
#include "engine/opcodes.def"
#undef OP
};

static struct edge edges[EDGES];

static struct edge *edge_of(const union word *from, const union word *to)
{
    uint32_t at = (uint32_t)(((uintptr_t)from * 0x9E3779B1u) ^ ((uintptr_t)to * 0x85EBCA6Bu)) >> 3;
    for (;; at++) {
        struct edge *e = &edges[at % EDGES];
        if (e->count == 0 || (e->from == from && e->to == to))
            return e;
    }
}

static void print_instruction(FILE *out, const union word *word, const void *tagged)
{
    const uintptr_t handler = (uintptr_t)tagged & ~WRT_PASSING;
    const void *const *const handlers = wrt_handlers();
    int op = 0;
    while (op < OP_COUNT && (uintptr_t)handlers[op] != handler)
        op++;
    fprintf(out, "%p %s%s ", (const void *)word, op < OP_COUNT ? names[op] : "-",
            (uintptr_t)tagged & WRT_PASSING ? "!" : "");
}

static void print_all(void)
{
    FILE *out = fopen(getenv("WRT_SEQUENCES"), "w");
    for (int i = 0; out != NULL && i < EDGES; i++) {
        if (edges[i].count == 0)
            continue;
        print_instruction(out, edges[i].from, edges[i].by);
        print_instruction(out, edges[i].to, edges[i].then);
        fprintf(out, "%llu\n", (unsigned long long)edges[i].count);
    }
    if (out == NULL || fclose(out) != 0)
        perror("WRT_SEQUENCES");
}

const void *wrt_sequence_seen(const void *handler, const void *word)
{
    static const union word *last;
    static const void *last_handler;
    if (last == NULL && getenv("WRT_SEQUENCES") != NULL)
        atexit(print_all);
    if (last != NULL) {
        struct edge *const e = edge_of(last, word);
        *e = (struct edge){last, word, last_handler, handler, e->count + 1};
    }
    last = word;
    last_handler = handler;
    return (const void *)((uintptr_t)handler & ~WRT_PASSING);
}
