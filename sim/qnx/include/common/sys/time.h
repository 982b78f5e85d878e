/* sys/time.h - SPDX-License-Identifier: Apache-2.0 */
#ifndef QNXSIM_SYS_TIME_H
#define QNXSIM_SYS_TIME_H
#include <time.h>
struct timeval {
    time_t tv_sec;
    suseconds_t tv_usec;
};
#endif
