/* qnxsim_profile.h - which release these headers imitate: QNX Neutrino 7.1, LP64.
 * SPDX-License-Identifier: Apache-2.0
 */
#define QNXSIM_RELEASE 710
