/* sys/netmgr.h - facts 5.1.  SPDX-License-Identifier: Apache-2.0 */
#ifndef QNXSIM_SYS_NETMGR_H
#define QNXSIM_SYS_NETMGR_H
#define ND_LOCAL_NODE 0
#endif
