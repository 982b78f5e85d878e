/* secpol/secpol.h - SPDX-License-Identifier: Apache-2.0 */
#include <qnxsim_secpol.h>
