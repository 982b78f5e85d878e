/* stdlib.h - the heap is the simulated one (facts 1); the rest is the host's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_STDLIB_H
#define QNXSIM_STDLIB_H
#include <stddef.h>
#include <stdint.h>
#include <sys/platform.h>
#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1
#define RAND_MAX 2147483647
void *malloc(size_t bytes) QNXSIM_AS(malloc);
void *calloc(size_t count, size_t bytes) QNXSIM_AS(calloc);
void *realloc(void *block, size_t bytes) QNXSIM_AS(realloc);
void free(void *block) QNXSIM_AS(free);
int posix_memalign(void **out, size_t alignment, size_t bytes) QNXSIM_AS(posix_memalign);
#if QNXSIM_RELEASE >= 700
void *aligned_alloc(size_t alignment, size_t bytes) QNXSIM_AS(aligned_alloc); /* 1.4 */
#endif
void abort(void) __attribute__((noreturn));
void exit(int status) __attribute__((noreturn));
void _Exit(int status) __attribute__((noreturn));
int atexit(void (*function)(void));
char *getenv(const char *name);
int setenv(const char *name, const char *value, int overwrite);
int unsetenv(const char *name);
int atoi(const char *text);
long strtol(const char *restrict text, char **restrict end, int base);
unsigned long strtoul(const char *restrict text, char **restrict end, int base);
long long strtoll(const char *restrict text, char **restrict end, int base);
unsigned long long strtoull(const char *restrict text, char **restrict end, int base);
double strtod(const char *restrict text, char **restrict end);
float strtof(const char *restrict text, char **restrict end);
void qsort(void *base, size_t count, size_t bytes, int (*order)(const void *, const void *));
void *bsearch(const void *key, const void *base, size_t count, size_t bytes,
              int (*order)(const void *, const void *));
int abs(int);
long labs(long);
long long llabs(long long);
int rand(void);
void srand(unsigned seed);
char *realpath(const char *restrict path, char *restrict out);
int mkstemp(char *pattern);
char *mkdtemp(char *pattern);
#endif
