/* assert.h - SPDX-License-Identifier: Apache-2.0 */
#undef assert
#undef static_assert
#define static_assert _Static_assert
#if defined(NDEBUG)
#define assert(e) ((void)0)
#else
void __assert_fail(const char *text, const char *file, unsigned line, const char *function)
    __attribute__((noreturn));
#define assert(e) ((e) ? (void)0 : __assert_fail(#e, __FILE__, __LINE__, __func__))
#endif
