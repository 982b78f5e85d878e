/* Ten small functions, for what a call, a host call and memory.grow cost.
 * SPDX-License-Identifier: Apache-2.0 */
#define EXPORT(name) __attribute__((export_name(name)))
__attribute__((import_module("host"), import_name("next"))) int host_next(int x);

EXPORT("add") int add(int a, int b) { return a + b; }

EXPORT("call_host") int call_host(int n)
{
    int x = 0;
    for (int i = 0; i < n; i++)
        x = host_next(x);
    return x;
}

/* The same loop without the call: what is subtracted. */
EXPORT("call_nothing") int call_nothing(int n)
{
    int x = 0;
    for (int i = 0; i < n; i++) {
        x++;
        __asm__ volatile("" : "+r"(x));
    }
    return x;
}

EXPORT("grow") int grow(int pages) { return (int)__builtin_wasm_memory_grow(0, (unsigned long)pages); }
EXPORT("min") int min(int a, int b) { return a < b ? a : b; }
EXPORT("max") int max(int a, int b) { return a > b ? a : b; }
EXPORT("mix") unsigned mix(unsigned a) { return (a ^ a >> 15) * 0x2c1b3c6du; }
EXPORT("scale") float scale(float a, float b) { return a * b + 0.5f; }
EXPORT("clamp") int clamp(int a) { return min(max(a, 0), 255); }
EXPORT("sum") int sum(int n) { int s = 0; for (int i = 0; i < n; i++) s += i & 7; return s; }
