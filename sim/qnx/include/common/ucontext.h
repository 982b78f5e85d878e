/* ucontext.h - the interrupted thread's registers. Facts 6: sigmask comes before stack,
 * and mcontext is {cpu, fpu}. 32-bit size: checked facts.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_UCONTEXT_H
#define QNXSIM_UCONTEXT_H
#include <signal.h>

#if defined(__x86_64__)
typedef struct {
    uint64_t rdi, rsi, rdx, r10, r8, r9, rax, rbx, rbp, rcx, r11, r12, r13, r14, r15, rip;
    uint32_t cs, qnxsim_pad1;
    uint64_t rflags, rsp;
    uint32_t ss, qnxsim_pad2;
} X86_64_CPU_REGISTERS;
typedef X86_64_CPU_REGISTERS QNXSIM_CPU_REGISTERS;
typedef struct {
    unsigned char bytes[1024];
} QNXSIM_FPU_REGISTERS;
#define GET_REGIP(cpu) ((cpu)->rip)
#define SET_REGIP(cpu, v) ((cpu)->rip = (v))
#define GET_REGSP(cpu) ((cpu)->rsp)
#elif defined(__aarch64__)
typedef struct {
    uint64_t gpr[32]; /* gpr[31] is the stack pointer */
    uint64_t elr, pstate;
} AARCH64_CPU_REGISTERS;
typedef AARCH64_CPU_REGISTERS QNXSIM_CPU_REGISTERS;
typedef struct {
    __uint128_t reg[32];
    uint32_t fpsr, fpcr;
} QNXSIM_FPU_REGISTERS;
#define GET_REGIP(cpu) ((cpu)->elr)
#define SET_REGIP(cpu, v) ((cpu)->elr = (v))
#define GET_REGSP(cpu) ((cpu)->gpr[31])
#else
typedef struct { /* 32-bit x86; only its size and the macros below are facts */
    uint32_t edi, esi, ebp, exx, ebx, edx, ecx, eax, eip, cs, efl, esp, ss;
} QNXSIM_CPU_REGISTERS;
typedef struct {
    uint32_t words[128];
} QNXSIM_FPU_REGISTERS;
#define GET_REGIP(cpu) ((cpu)->eip)
#define SET_REGIP(cpu, v) ((cpu)->eip = (v))
#define GET_REGSP(cpu) ((cpu)->esp)
#endif

typedef struct {
    QNXSIM_CPU_REGISTERS cpu;
    QNXSIM_FPU_REGISTERS fpu;
} mcontext_t;

typedef struct ucontext {
    struct ucontext *uc_link;
    sigset_t uc_sigmask;
    stack_t uc_stack;
    mcontext_t uc_mcontext;
} ucontext_t;
#endif
