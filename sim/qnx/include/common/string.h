/* string.h - byte and string functions; the host's libc serves them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_STRING_H
#define QNXSIM_STRING_H
#include <stddef.h>
void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *block, int value, size_t bytes);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);
char *strcpy(char *restrict to, const char *restrict from);
char *strncpy(char *restrict to, const char *restrict from, size_t bytes);
char *strcat(char *restrict to, const char *restrict from);
char *strncat(char *restrict to, const char *restrict from, size_t bytes);
char *strchr(const char *text, int character);
char *strrchr(const char *text, int character);
char *strstr(const char *text, const char *part);
char *strpbrk(const char *text, const char *set);
char *strtok_r(char *restrict text, const char *restrict set, char **restrict state);
size_t strspn(const char *text, const char *set);
size_t strcspn(const char *text, const char *set);
int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t bytes);
char *strerror(int number);
#endif
