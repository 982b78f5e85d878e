/* ctype.h - character classes; the host's libc serves them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_CTYPE_H
#define QNXSIM_CTYPE_H
int isalnum(int c);
int isalpha(int c);
int isdigit(int c);
int islower(int c);
int isprint(int c);
int isspace(int c);
int isupper(int c);
int isxdigit(int c);
int tolower(int c);
int toupper(int c);
#endif
