/* qnxsim_profile.h - which release these headers imitate: QNX Neutrino 8.0, LP64.
 * SPDX-License-Identifier: Apache-2.0
 */
#define QNXSIM_RELEASE 800
