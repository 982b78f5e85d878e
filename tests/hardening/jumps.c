/* tests/hardening/jumps.c - jumps SCENARIO [LIBRARY]: one crime against the flow of control.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   return     overwrites a bit of a return address's signature, and returns
 *   pad        calls an exported function of the library by its address: it has a landing pad
 *   past-pad   jumps to the instruction behind that pad
 *
 * What the processor stops ends the process by its signal, after a line with the signal; what it
 * does not is followed by a line that says so.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* Bit 54 is part of the signature, whether tags are on or not; the address below stays. Where
 * nothing is signed the processor must not be asked to return there. */
static __attribute__((noinline)) void damage_return(void)
{
#if defined(__aarch64__)
    uintptr_t *frame = __builtin_frame_address(0);
    uintptr_t plain = frame[1] & 0x0000FFFFFFFFFFFF;

    if (frame[1] == plain) {
        puts("not stopped; the return address is not signed");
        exit(0);
    }
    frame[1] ^= (uintptr_t)1 << 54;
    __asm__ volatile("" : : : "memory");
#else
    puts("not stopped; no signed return addresses on this processor");
#endif
}

static int call(const char *library, uintptr_t distance)
{
    void *handle = dlopen(library, RTLD_NOW);
    const char *(*volatile name)(int) = NULL;
    void *symbol = handle != NULL ? dlsym(handle, "wrt_status_name") : NULL;

    if (symbol == NULL) {
        printf("broken: %s\n", dlerror());
        return 1;
    }
    symbol = (uint8_t *)symbol + distance;
    memcpy((void *)(uintptr_t)&name, &symbol, sizeof symbol);
    puts(distance == 0 ? name(0) : "jumping");
    fflush(stdout);
    if (distance != 0) {
        (void)name(0);
        puts("not stopped; a function was entered behind its first instruction");
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *scenario = argc > 1 ? argv[1] : "";

    (void)signal(SIGSEGV, on_signal);
    (void)signal(SIGILL, on_signal);
    (void)signal(SIGBUS, on_signal);
    if (strcmp(scenario, "return") == 0) {
        damage_return();
        return 0;
    }
    if (argc > 2 && strcmp(scenario, "pad") == 0)
        return call(argv[2], 0);
    if (argc > 2 && strcmp(scenario, "past-pad") == 0)
        return call(argv[2], 4);
    fputs("usage: jumps return | jumps pad|past-pad LIBRARY\n", stderr);
    return 2;
}
