/* setjmp.h - non-local jumps. Facts 6: jumping out of a synchronous SIGSEGV handler works.
 * The host's functions do the work; the buffer only has to be large enough for them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SETJMP_H
#define QNXSIM_SETJMP_H
struct __jmp_buf_tag; /* the host libc's; a buffer of ours is larger */
typedef union {
    unsigned long long words[64];
    long double aligned;
} jmp_buf[1];
typedef jmp_buf sigjmp_buf;
int qnxsim_setjmp(void *buffer) __asm__("_setjmp") __attribute__((returns_twice));
int qnxsim_sigsetjmp(void *buffer, int save_mask) __asm__("__sigsetjmp")
    __attribute__((returns_twice));
void qnxsim_longjmp(void *buffer, int value) __asm__("longjmp") __attribute__((noreturn));
void qnxsim_siglongjmp(void *buffer, int value) __asm__("siglongjmp")
    __attribute__((noreturn));
#define setjmp(b) qnxsim_setjmp((void *)(b))
#define sigsetjmp(b, m) qnxsim_sigsetjmp((void *)(b), (m))
#define longjmp(b, v) qnxsim_longjmp((void *)(b), (v))
#define siglongjmp(b, v) qnxsim_siglongjmp((void *)(b), (v))
#define _setjmp(b) qnxsim_setjmp((void *)(b))
#define _longjmp(b, v) qnxsim_longjmp((void *)(b), (v))
#endif
