/* engine/native_switch.c - see native_switch.h.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Only registers that a callee keeps are saved: for the compiler the switch is a call like any
 * other. Modes of the floating-point unit stay as they are on both sides. A new stack begins
 * with a frame pointer of 0, where walks end.
 */
#include <stdint.h>
#include <string.h>

#include "native_switch.h"

#if defined(__x86_64__)

__asm__(".text\n"
        ".p2align 4\n"
        ".globl wrt_native_switch\n"
        ".hidden wrt_native_switch\n"
        ".type wrt_native_switch, @function\n"
        "wrt_native_switch:\n"
        "  endbr64\n"
        "  pushq %rbp\n"
        "  pushq %rbx\n"
        "  pushq %r12\n"
        "  pushq %r13\n"
        "  pushq %r14\n"
        "  pushq %r15\n"
        "  movq %rsp, (%rdi)\n"
        "  movq %rsi, %rsp\n"
        "  popq %r15\n"
        "  popq %r14\n"
        "  popq %r13\n"
        "  popq %r12\n"
        "  popq %rbx\n"
        "  popq %rbp\n"
        "  ret\n"
        ".size wrt_native_switch, . - wrt_native_switch\n"
        ".globl wrt_native_first\n"
        ".hidden wrt_native_first\n"
        ".type wrt_native_first, @function\n"
        "wrt_native_first:\n"
        "  endbr64\n"
        "  movq %r12, %rdi\n"
        "  callq *%rbx\n"
        "  ud2\n"
        ".size wrt_native_first, . - wrt_native_first\n");

void wrt_native_first(void);

void *wrt_native_new_stack(void *top, void (*begin)(void *), void *context)
{
    /* r15 r14 r13 r12 rbx rbp, the return address; and two, so that the stack is aligned to 16
     * where wrt_native_first calls */
    const uintptr_t words[9] = {0, 0, 0, (uintptr_t)context, (uintptr_t)begin, 0,
                                (uintptr_t)wrt_native_first};
    void *stack = (char *)top - sizeof words;
    memcpy(stack, words, sizeof words);
    return stack;
}

#elif defined(__aarch64__)

__asm__(".text\n"
        ".p2align 4\n"
        ".globl wrt_native_switch\n"
        ".hidden wrt_native_switch\n"
        ".type wrt_native_switch, %function\n"
        "wrt_native_switch:\n"
        "  hint #25\n" /* paciasp, a landing pad too: the return address is signed with sp */
        "  stp x29, x30, [sp, #-160]!\n"
        "  stp x19, x20, [sp, #16]\n"
        "  stp x21, x22, [sp, #32]\n"
        "  stp x23, x24, [sp, #48]\n"
        "  stp x25, x26, [sp, #64]\n"
        "  stp x27, x28, [sp, #80]\n"
        "  stp d8, d9, [sp, #96]\n"
        "  stp d10, d11, [sp, #112]\n"
        "  stp d12, d13, [sp, #128]\n"
        "  stp d14, d15, [sp, #144]\n"
        "  mov x9, sp\n"
        "  str x9, [x0]\n"
        "  mov sp, x1\n"
        "  ldp x19, x20, [sp, #16]\n"
        "  ldp x21, x22, [sp, #32]\n"
        "  ldp x23, x24, [sp, #48]\n"
        "  ldp x25, x26, [sp, #64]\n"
        "  ldp x27, x28, [sp, #80]\n"
        "  ldp d8, d9, [sp, #96]\n"
        "  ldp d10, d11, [sp, #112]\n"
        "  ldp d12, d13, [sp, #128]\n"
        "  ldp d14, d15, [sp, #144]\n"
        "  ldp x29, x30, [sp], #160\n"
        "  hint #29\n" /* autiasp */
        "  ret\n"
        ".size wrt_native_switch, . - wrt_native_switch\n"
        ".globl wrt_native_first\n"
        ".hidden wrt_native_first\n"
        ".type wrt_native_first, %function\n"
        "wrt_native_first:\n"
        "  hint #38\n" /* bti jc */
        "  mov x0, x20\n"
        "  blr x19\n"
        "  brk #1\n"
        ".size wrt_native_first, . - wrt_native_first\n");

void wrt_native_first(void);

void *wrt_native_new_stack(void *top, void (*begin)(void *), void *context)
{
    register uintptr_t first __asm__("x17") = (uintptr_t)wrt_native_first;
    register uintptr_t sp __asm__("x16") = (uintptr_t)top;

    __asm__("hint #8" : "+r"(first) : "r"(sp)); /* pacia1716: as the switch will authenticate it */
    /* x29 x30 x19 x20, the other registers */
    const uintptr_t words[20] = {0, first, (uintptr_t)begin, (uintptr_t)context};
    void *stack = (char *)top - sizeof words;
    memcpy(stack, words, sizeof words);
    return stack;
}

#else

void wrt_native_switch(void **from, void *to)
{
    (void)from;
    (void)to;
}

void *wrt_native_new_stack(void *top, void (*begin)(void *), void *context)
{
    (void)begin;
    (void)context;
    return top;
}

#endif

bool wrt_native_has_shadow_stack(void)
{
    uintptr_t pointer = 0;

#if defined(__x86_64__)
    __asm__ volatile(".byte 0xf3, 0x48, 0x0f, 0x1e, 0xc8" : "+a"(pointer)); /* rdsspq; else a no-op */
#endif
    return pointer != 0;
}
