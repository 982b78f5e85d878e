/* tests/hardening/handlers.c - handlers SCENARIO: one crime against the interpreter's code words.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   kept      a guest runs; whether the words hold plain addresses is said
 *   damage    a bit of a handler's signature changes
 *   forge     a word gets the plain address of a handler
 *   move      a word gets another word's signed handler: i32.sub for i32.add
 *
 * Sees the runtime's own structures, as somebody who can write anywhere would. What the processor
 * stops ends the process by its signal, after a line with the signal; what it does not is
 * followed by a line that says what the guest computed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/load.h"
#include "wrt/store.h"

/* (func (export "f") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
 * (func (export "g") the same with i32.sub) */
static const uint8_t bytes[] = {
    0, 'a', 's', 'm', 1, 0, 0, 0, 1, 7, 1, 0x60, 2, 0x7f, 0x7f, 1, 0x7f, 3, 3, 2, 0, 0, 7, 9, 2, 1,
    'f', 0, 0, 1, 'g', 0, 1, 10, 17, 2, 7, 0, 0x20, 0, 0x20, 1, 0x6a, 0x0b, 7, 0, 0x20, 0, 0x20,
    1, 0x6b, 0x0b};

static void on_signal(int number)
{
    char line[] = "signal 00\n";

    line[7] = (char)('0' + number / 10);
    line[8] = (char)('0' + number % 10);
    if (write(1, line, sizeof line - 1) < 0)
        _exit(1);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static void must(enum wrt_status status, const struct wrt_error *error)
{
    if (status == WRT_OK)
        return;
    printf("broken: %s: %s\n", wrt_status_name(status), error->text);
    exit(1);
}

/* Which handler the word has, whatever its signature; OP_COUNT: none. */
static unsigned operation(const union word *word)
{
    const uintptr_t at = (uintptr_t)word->handler & 0x0000FFFFFFFFFFFF;
    unsigned op = 0;

    while (op < OP_COUNT && (uintptr_t)wrt_handlers()[op] != at)
        op++;
    return op;
}

int main(int argc, char **argv)
{
    const char *scenario = argc > 1 ? argv[1] : "";
    struct wrt_partition *partition = NULL;
    struct wrt_module *module = NULL;
    struct wrt_store *store = NULL;
    struct wrt_instance *instance = NULL;
    struct wrt_extern f;
    struct wrt_error error = {0};
    union wrt_slot arguments[2] = {{.i32 = 5}, {.i32 = 3}}, result = {0};

    (void)signal(SIGSEGV, on_signal);
    (void)signal(SIGILL, on_signal);
    (void)signal(SIGBUS, on_signal);
    must(wrt_partition_create(NULL, &(struct wrt_partition_config){.name = "guest", .max_bytes = 16 << 20},
                              &partition, &error), &error);
    must(wrt_module_load(partition, NULL, bytes, sizeof bytes, &module, &error), &error);
    must(wrt_store_create(partition, NULL, &store, &error), &error);
    must(wrt_store_instantiate(store, module, &instance, &error), &error);
    must(wrt_instance_export(instance, "f", &f), &error);

    union word *add = (union word *)(uintptr_t)module->codes[0].entry;
    const union word *subtract = module->codes[1].entry;
    const unsigned op = operation(add);
    if (op == OP_COUNT || operation(subtract) == OP_COUNT) {
        puts("broken: the first word is no handler");
        return 1;
    }
    const void *plain = wrt_handlers()[op];
    puts(add->handler == plain ? "plain" : "signed");
    if (strcmp(scenario, "damage") == 0 && add->handler != plain)
        add->bits ^= (uint64_t)1 << 54;
    else if (strcmp(scenario, "forge") == 0)
        add->handler = plain;
    else if (strcmp(scenario, "move") == 0)
        add->handler = subtract->handler;
    fflush(stdout);
    must(wrt_function_call_slots(store, f.of.function, arguments, 2, &result, 1), &error);
    printf("5 and 3 make %d\n", (int)result.i32);
    return 0;
}
