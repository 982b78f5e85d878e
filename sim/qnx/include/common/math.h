/* math.h - the part of ISO C's that an interpreter needs; the host's libm serves it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_MATH_H
#define QNXSIM_MATH_H
#define HUGE_VAL __builtin_huge_val()
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define FP_NAN 0
#define FP_INFINITE 1
#define FP_ZERO 2
#define FP_SUBNORMAL 3
#define FP_NORMAL 4
#define fpclassify(x) \
    __builtin_fpclassify(FP_NAN, FP_INFINITE, FP_NORMAL, FP_SUBNORMAL, FP_ZERO, (x))
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf_sign(x)
#define isfinite(x) __builtin_isfinite(x)
#define isnormal(x) __builtin_isnormal(x)
#define signbit(x) __builtin_signbit(x)
#define QNXSIM_MATH1(name) double name(double); float name##f(float);
#define QNXSIM_MATH2(name) double name(double, double); float name##f(float, float);
QNXSIM_MATH1(ceil) QNXSIM_MATH1(floor) QNXSIM_MATH1(trunc) QNXSIM_MATH1(rint)
QNXSIM_MATH1(nearbyint) QNXSIM_MATH1(round) QNXSIM_MATH1(sqrt) QNXSIM_MATH1(fabs)
QNXSIM_MATH1(exp) QNXSIM_MATH1(log) QNXSIM_MATH1(log10) QNXSIM_MATH1(log2) QNXSIM_MATH1(sin)
QNXSIM_MATH1(cos) QNXSIM_MATH1(tan) QNXSIM_MATH1(exp2)
QNXSIM_MATH2(copysign) QNXSIM_MATH2(fmin) QNXSIM_MATH2(fmax) QNXSIM_MATH2(pow)
QNXSIM_MATH2(fmod)
double fma(double, double, double);
float fmaf(float, float, float);
double ldexp(double, int);
double frexp(double, int *);
double modf(double, double *);
long lrint(double);
#undef QNXSIM_MATH1
#undef QNXSIM_MATH2
#endif
