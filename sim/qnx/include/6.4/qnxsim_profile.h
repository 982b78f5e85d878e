/* qnxsim_profile.h - which release these headers imitate: QNX Neutrino 6.4.1, ILP32; compiled against, never run.
 * SPDX-License-Identifier: Apache-2.0
 */
#define QNXSIM_RELEASE 641
