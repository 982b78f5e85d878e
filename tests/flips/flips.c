/* flips.c LEVEL TRIALS: flips one random bit of the runtime's own memory while a guest runs, and
 * tells what came of it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each trial is a process of its own. It loads a guest, runs it in slices of fuel with a step of
 * the scrubber between them, flips a bit before a random slice, and runs to the end. The bit is
 * one of a page that the runtime mapped since its start and that is not all zero: code words,
 * instances, tables, accounts, free lists, the value stack. The guest's linear memory is left out
 * (what is flipped there is the guest's to notice), so is what libc and the loader own.
 *
 *   harmless  the right result, and everything closes in order
 *   told      a status or a trap says that something is wrong
 *   silent    the wrong result and nothing said
 *   crash     the process dies; only the tier "process" contains that
 *   hang      no end within five seconds
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine.h"
#include "wrt/wrt.h"

#define wrt_seal wrt_partition_seal /* both rooms have one; nobody else sees both */
#include "partition/node.h"
#undef wrt_seal

enum { HARMLESS, TOLD, SILENT, CRASH, HANG, OUTCOMES };
enum { MOST_REGIONS = 4096, PAGE = 4096, SLICE = 400, BROKEN = 99 };

struct region {
    uintptr_t start, end;
};

static struct region before[MOST_REGIONS];
static size_t before_count;

/* Private writable mappings without a file. */
static size_t read_regions(struct region *out)
{
    char line[512], rights[8], file[256];
    size_t count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL && count < MOST_REGIONS) {
        unsigned long start, end;
        file[0] = '\0';
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %255s", &start, &end, rights, file) < 3 ||
            strncmp(rights, "rw", 2) != 0 || file[0] == '/' || file[0] == '[')
            continue;
        out[count++] = (struct region){start, end};
    }
    if (maps != NULL)
        fclose(maps);
    return count;
}

static bool was_there(uintptr_t page)
{
    for (size_t i = 0; i < before_count; i++)
        if (page >= before[i].start && page < before[i].end)
            return true;
    return false;
}

static bool is_used(const uint8_t *page)
{
    for (size_t i = 0; i < PAGE; i++)
        if (page[i] != 0)
            return true;
    return false;
}

/* A page that the runtime uses; NULL: none. Seen in order, each with the same chance. */
static uint8_t *pick_page(const uint8_t *memory, uint64_t memory_bytes)
{
    static struct region now[MOST_REGIONS];
    const size_t count = read_regions(now);
    uint8_t *chosen = NULL;
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++)
        for (uintptr_t at = now[i].start; at < now[i].end; at += PAGE) {
            const bool is_guest = at >= (uintptr_t)memory && at < (uintptr_t)memory + memory_bytes;
            uint8_t *page = (uint8_t *)at; /* what /proc says is there */
            if (!is_guest && !was_there(at) && is_used(page) && (uint64_t)rand() % ++seen == 0)
                chosen = page;
        }
    return chosen;
}

static uint8_t *read_module(const char *path, size_t *size)
{
    static uint8_t bytes[1 << 16];
    FILE *file = fopen(path, "rb");
    *size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL)
        fclose(file);
    return bytes;
}

/* ---- what was hit ---- */

enum { NAME_BYTES = 24, MOST_PLACES = 32 };
static char *place; /* shared with the parent: what the byte belonged to */
static struct wrt_partition *subject;
static struct wrt_store *subject_store;
static struct wrt_module *subject_module;

static bool is_within(const void *start, uint64_t bytes, const uint8_t *at)
{
    return at >= (const uint8_t *)start && at < (const uint8_t *)start + bytes;
}

/* The kind that the block of a list was charged as; NULL: in none of it. */
static const char *kind_in(const struct wrt_block *list, const uint8_t *at)
{
    for (const struct wrt_block *block = list; block != NULL; block = block->next)
        if (is_within(block, block->size_bytes, at))
            return wrt_charge_name(block->charge);
    return NULL;
}

/* Asked before the flip: afterwards the lists may lead anywhere. */
static const char *name_of(const uint8_t *at)
{
    struct wrt_arena_piece piece;
    const char *kind = kind_in(subject_module->blocks, at);
    if (kind != NULL)
        return strcmp(kind, "runtime") == 0 ? "module's tables" : kind;
    if (is_within(subject_store->exec.stack, (uint64_t)(uintptr_t)subject_store->exec.stack_end -
                                                 (uint64_t)(uintptr_t)subject_store->exec.stack, at))
        return "value stack";
    if (kind_in(subject_store->blocks, at) != NULL)
        return "store's objects";
    for (const struct wrt_instance *i = subject_store->instances; i != NULL; i = i->next)
        if (is_within(i, sizeof *i, at))
            return "instance";
    if (is_within(subject, sizeof *subject, at))
        return "partition's record";
    if (is_within(subject_store, sizeof *subject_store, at))
        return "store";
    if (is_within(subject_module, sizeof *subject_module, at))
        return "module";
    if (!wrt_arena_find(&subject->arena, at, &piece))
        return "other pages";
    if (at < (const uint8_t *)piece.address)
        return "arena's headers";
    return piece.kind == WRT_PIECE_LIVE || piece.kind == WRT_PIECE_LARGE ? "other blocks"
                                                                          : "free memory";
}

static void flip(struct wrt_memory *memory)
{
    uint8_t *page = pick_page(memory->pages.base, memory->pages.size_bytes);
    if (page == NULL)
        _exit(BROKEN);
    /* most pages are partly used: a byte that is not zero is used */
    size_t at = (size_t)rand() % PAGE;
    while (page[at] == 0)
        at = (at + 1) % PAGE;
    snprintf(place, NAME_BYTES, "%s", name_of(page + at));
    page[at] ^= (uint8_t)(1u << (rand() & 7));
}

static int run(struct wrt_store *store, struct wrt_function *function, struct wrt_memory *memory,
               uint32_t slices, uint32_t *result)
{
    const union wrt_slot argument = {.i32 = 3000};
    const uint32_t when = (uint32_t)rand() % (slices + 1);
    struct wrt_error error = {0};
    union wrt_slot out = {0};
    uint32_t slice = 0;
    if (when == 0)
        flip(memory);
    wrt_store_set_fuel(store, SLICE);
    enum wrt_status status = wrt_function_call_slots(store, function, &argument, 1, &out, 1);
    while (status == WRT_PAUSED) {
        if (++slice == when)
            flip(memory);
        if (wrt_store_scrub(store, 4, &error) != WRT_OK)
            return TOLD;
        wrt_store_add_fuel(store, SLICE);
        status = wrt_store_resume_slots(store, &out, 1);
    }
    *result = out.i32;
    return status == WRT_OK ? HARMLESS : TOLD;
}

/* `slices` 0: without a flip; gives what is right. */
static int trial(const char *module_path, enum wrt_verification_level level, uint32_t slices,
                 uint32_t expected, uint32_t *result)
{
    const struct wrt_partition_config config = {.name = "flips", .verification = level};
    struct wrt_partition *partition = NULL;
    struct wrt_module *module = NULL;
    struct wrt_store *store = NULL;
    struct wrt_instance *instance = NULL;
    struct wrt_extern run_item, memory_item;
    struct wrt_error error = {0};
    size_t size;
    const uint8_t *bytes = read_module(module_path, &size);
    before_count = read_regions(before);
    if (wrt_partition_create(NULL, &config, &partition, &error) != WRT_OK ||
        wrt_module_load(partition, NULL, bytes, size, &module, &error) != WRT_OK ||
        wrt_store_create(partition, NULL, &store, &error) != WRT_OK ||
        wrt_store_instantiate(store, module, &instance, &error) != WRT_OK ||
        wrt_instance_export(instance, "sieve", &run_item) != WRT_OK ||
        wrt_instance_export(instance, "memory", &memory_item) != WRT_OK)
        return BROKEN;
    subject = partition, subject_store = store, subject_module = module;
    int outcome = HARMLESS;
    if (slices == 0) {
        const union wrt_slot argument = {.i32 = 3000};
        union wrt_slot out = {0};
        if (wrt_function_call_slots(store, run_item.of.function, &argument, 1, &out, 1) != WRT_OK)
            return BROKEN;
        *result = out.i32;
        expected = out.i32;
        slices = (uint32_t)(wrt_store_fuel_used(store) / SLICE);
        printf("%u slices\n", slices);
    } else {
        outcome = run(store, run_item.of.function, memory_item.of.memory, slices, result);
        if (outcome == HARMLESS && *result != expected)
            outcome = SILENT;
    }
    if (outcome == HARMLESS && wrt_store_verify(store, &error) != WRT_OK)
        outcome = TOLD;
    if (wrt_store_destroy(store) != WRT_OK || wrt_module_destroy(module) != WRT_OK ||
        wrt_partition_destroy(partition, &error) != WRT_OK)
        outcome = outcome == HARMLESS ? TOLD : outcome;
    return outcome;
}

static int in_a_process(const char *module, enum wrt_verification_level level, uint32_t slices,
                        uint32_t expected, unsigned seed)
{
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        uint32_t result = 0;
        srand(seed);
        alarm(5);
        _exit(trial(module, level, slices, expected, &result));
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGALRM ? HANG : CRASH;
    return WEXITSTATUS(status);
}

/* Outcomes by what was hit. */
static struct {
    char name[NAME_BYTES];
    uint32_t counts[OUTCOMES];
} places[MOST_PLACES];

static void count_place(int outcome)
{
    int i = 0;
    while (i < MOST_PLACES - 1 && places[i].name[0] != '\0' && strcmp(places[i].name, place) != 0)
        i++;
    snprintf(places[i].name, NAME_BYTES, "%s", place);
    places[i].counts[outcome]++;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"harmless", "told", "silent", "crash", "hang"};
    uint32_t counts[OUTCOMES] = {0}, expected = 0;
    if (argc != 4) {
        fprintf(stderr, "usage: flips MODULE LEVEL(1..5) TRIALS\n");
        return 2;
    }
    const enum wrt_verification_level level = (enum wrt_verification_level)atoi(argv[2]);
    place = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED)
        return 1;
    const unsigned trials = (unsigned)atoi(argv[3]);
    if (trial(argv[1], level, 0, 0, &expected) != HARMLESS)
        return 1;
    for (unsigned i = 0; i < trials; i++) {
        const int outcome = in_a_process(argv[1], level, 150, expected, i + 1);
        if (outcome >= OUTCOMES) {
            fprintf(stderr, "trial %u could not be made\n", i);
            return 1;
        }
        counts[outcome]++;
        count_place(outcome);
    }
    printf("level %d:", (int)level);
    for (int i = 0; i < OUTCOMES; i++)
        printf(" %s %u", names[i], counts[i]);
    putchar('\n');
    for (int p = 0; p < MOST_PLACES && places[p].name[0] != '\0'; p++) {
        printf("  in %s:", places[p].name);
        for (int i = 0; i < OUTCOMES; i++)
            printf(" %s %u", names[i], places[p].counts[i]);
        putchar('\n');
    }
    return 0;
}
