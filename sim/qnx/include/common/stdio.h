/* stdio.h - streams; the host's libc serves them (they are not under simulation).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_STDIO_H
#define QNXSIM_STDIO_H
#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>
typedef struct _IO_FILE FILE;
extern FILE *stdin, *stdout, *stderr;
#define stdin stdin
#define stdout stdout
#define stderr stderr
#define EOF (-1)
#define BUFSIZ 8192
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2
#define QNXSIM_PRINTF(f, a) __attribute__((format(printf, f, a)))
int printf(const char *restrict format, ...) QNXSIM_PRINTF(1, 2);
int fprintf(FILE *restrict, const char *restrict format, ...) QNXSIM_PRINTF(2, 3);
int dprintf(int, const char *restrict format, ...) QNXSIM_PRINTF(2, 3);
int snprintf(char *restrict, size_t, const char *restrict format, ...) QNXSIM_PRINTF(3, 4);
int vprintf(const char *restrict format, va_list) QNXSIM_PRINTF(1, 0);
int vfprintf(FILE *restrict, const char *restrict format, va_list) QNXSIM_PRINTF(2, 0);
int vsnprintf(char *restrict, size_t, const char *restrict format, va_list)
    QNXSIM_PRINTF(3, 0);
int sscanf(const char *restrict, const char *restrict, ...)
    __attribute__((format(scanf, 2, 3)));
FILE *fopen(const char *restrict, const char *restrict);
FILE *fdopen(int, const char *);
int fclose(FILE *);
int fflush(FILE *);
size_t fread(void *restrict, size_t, size_t, FILE *restrict);
size_t fwrite(const void *restrict, size_t, size_t, FILE *restrict);
char *fgets(char *restrict, int, FILE *restrict);
int fgetc(FILE *);
int getc(FILE *);
int getchar(void);
int ungetc(int, FILE *);
int fputs(const char *restrict, FILE *restrict);
int fputc(int, FILE *);
int putc(int, FILE *);
int putchar(int);
int puts(const char *);
int feof(FILE *);
int ferror(FILE *);
void clearerr(FILE *);
int fileno(FILE *);
int fseek(FILE *, long, int);
long ftell(FILE *);
int fseeko(FILE *, off_t, int);
off_t ftello(FILE *);
void rewind(FILE *);
int setvbuf(FILE *restrict, char *restrict, int, size_t);
int remove(const char *);
int rename(const char *, const char *);
void perror(const char *);
#endif
