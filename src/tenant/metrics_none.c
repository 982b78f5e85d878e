/* src/tenant/metrics_none.c - no metrics: a build without an HTTP server.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/supervisor.h"

#include "base/error.h"

const bool wrt_metrics_are_supported = false;

enum wrt_status wrt_metrics_open(struct wrt_supervisor *supervisor, struct wrt_error *error)
{
    if (supervisor->manifest->supervisor.metrics[0] == '\0')
        return WRT_OK;
    return wrt_fail(error, WRT_ERR_UNSUPPORTED, "this build has no HTTP server for metrics");
}

void wrt_metrics_close(struct wrt_supervisor *supervisor)
{
    (void)supervisor;
}
