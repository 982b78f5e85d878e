/* worker/filter_none.c - where there is no libseccomp.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "worker.h"

bool worker_filter_calls(bool may_open)
{
    (void)may_open;
    return false;
}
