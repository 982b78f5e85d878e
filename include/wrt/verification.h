/* wrt/verification.h - how much the runtime checks itself.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_VERIFICATION_H
#define WRT_VERIFICATION_H

#include "wrt/base.h"

WRT_BEGIN_DECLS

/* 0 in a config struct means the default, Standard. */
enum wrt_verification_level {
    WRT_VERIFY_DEFAULT = 0,
    WRT_VERIFY_OFF,
    WRT_VERIFY_MINIMAL,
    WRT_VERIFY_STANDARD,
    WRT_VERIFY_FULL,
    WRT_VERIFY_CRITICAL
};

WRT_END_DECLS
#endif
