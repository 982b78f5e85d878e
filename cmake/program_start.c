/* cmake/program_start.c - where a program starts on Linux, with a landing pad; library_start.c says
 * why. The loader's exit function arrives in a register, the arguments on the stack; constructors
 * and destructors are the C library's (glibc from 2.34 on).
 * SPDX-License-Identifier: Apache-2.0
 */
#if defined(__aarch64__)
__asm__(".text\n"
        ".globl _start\n"
        ".type _start, %function\n"
        "_start:\n"
        "\thint #38\n" /* bti jc: the loader comes by a jump or a call */
        "\tmov x29, #0\n"
        "\tmov x30, #0\n"
        "\tmov x5, x0\n"
        "\tldr x1, [sp]\n"     /* argc */
        "\tadd x2, sp, #8\n"   /* argv */
        "\tmov x6, sp\n"       /* the stack's end */
        "\tadrp x0, main\n"
        "\tadd x0, x0, :lo12:main\n"
        "\tmov x3, #0\n"
        "\tmov x4, #0\n"
        "\tbl __libc_start_main\n"
        "\tbrk #1\n"
        ".size _start, . - _start\n");
#else
__asm__(".text\n"
        ".globl _start\n"
        ".type _start, @function\n"
        "_start:\n"
        "\tendbr64\n"
        "\txor %ebp, %ebp\n"
        "\tmov %rdx, %r9\n"
        "\tpop %rsi\n"          /* argc */
        "\tmov %rsp, %rdx\n"    /* argv */
        "\tand $-16, %rsp\n"
        "\tpush %rax\n"
        "\tpush %rsp\n"         /* the stack's end */
        "\txor %r8d, %r8d\n"
        "\txor %ecx, %ecx\n"
        "\tlea main(%rip), %rdi\n"
        "\tcall *__libc_start_main@GOTPCREL(%rip)\n"
        "\thlt\n"
        ".size _start, . - _start\n");
#endif
