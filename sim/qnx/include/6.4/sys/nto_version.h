/* sys/nto_version.h - the release number. Facts 0.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef QNXSIM_SYS_NTO_VERSION_H
#define QNXSIM_SYS_NTO_VERSION_H
#define _NTO_VERSION 641
#endif
