/* inttypes.h - printf formats for the fixed-width types.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_INTTYPES_H
#define QNXSIM_INTTYPES_H
#include <stdint.h>
#if defined(__LP64__)
#define QNXSIM_PRI64 "l"
#define QNXSIM_PRIPTR "l"
#else
#define QNXSIM_PRI64 "ll"
#define QNXSIM_PRIPTR ""
#endif
#define PRId8 "d"
#define PRIi8 "i"
#define PRIu8 "u"
#define PRIx8 "x"
#define PRId16 "d"
#define PRIi16 "i"
#define PRIu16 "u"
#define PRIx16 "x"
#define PRIX16 "X"
#define PRId32 "d"
#define PRIi32 "i"
#define PRIu32 "u"
#define PRIx32 "x"
#define PRIX32 "X"
#define PRIo32 "o"
#define PRId64 QNXSIM_PRI64 "d"
#define PRIi64 QNXSIM_PRI64 "i"
#define PRIu64 QNXSIM_PRI64 "u"
#define PRIx64 QNXSIM_PRI64 "x"
#define PRIX64 QNXSIM_PRI64 "X"
#define PRIo64 QNXSIM_PRI64 "o"
#define PRIdMAX QNXSIM_PRI64 "d"
#define PRIuMAX QNXSIM_PRI64 "u"
#define PRIxMAX QNXSIM_PRI64 "x"
#define PRIdPTR QNXSIM_PRIPTR "d"
#define PRIuPTR QNXSIM_PRIPTR "u"
#define PRIxPTR QNXSIM_PRIPTR "x"
#define SCNd64 QNXSIM_PRI64 "d"
#define SCNu64 QNXSIM_PRI64 "u"
#define SCNx64 QNXSIM_PRI64 "x"
#define SCNu32 "u"
#define SCNx32 "x"
intmax_t strtoimax(const char *restrict text, char **restrict end, int base);
uintmax_t strtoumax(const char *restrict text, char **restrict end, int base);
#endif
