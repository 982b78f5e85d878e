/* src/tenant/remote.c - guests of the tier process: refused, because this version has no workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tenant/guest.h"

#include "base/error.h"

enum wrt_status wrt_remote_open(struct wrt_guest *guest, struct wrt_error *error)
{
    (void)guest;
    return wrt_fail(error, WRT_ERR_UNSUPPORTED, "this version has no worker processes");
}

enum wrt_guest_outcome wrt_remote_run(struct wrt_guest *guest, bool is_cyclic, uint64_t now_ns,
                                      uint64_t until_ns, struct wrt_error *error)
{
    (void)is_cyclic, (void)now_ns, (void)until_ns;
    (void)!wrt_remote_open(guest, error);
    return WRT_GUEST_FAILED;
}

enum wrt_status wrt_remote_drop(struct wrt_guest *guest)
{
    (void)guest;
    return WRT_ERR_UNSUPPORTED;
}

void wrt_remote_interrupt(struct wrt_guest *guest)
{
    (void)guest;
}

void wrt_remote_close(struct wrt_guest *guest)
{
    (void)guest;
}
