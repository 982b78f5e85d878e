/* sys/utsname.h - facts 7: sysname is "QNX".  SPDX-License-Identifier: Apache-2.0 */
#ifndef QNXSIM_SYS_UTSNAME_H
#define QNXSIM_SYS_UTSNAME_H
#include <sys/platform.h>
struct utsname {
    char sysname[64], nodename[64], release[64], version[64], machine[64];
};
int uname(struct utsname *out) QNXSIM_AS(uname);
#endif
