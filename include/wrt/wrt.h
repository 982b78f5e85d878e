/* wrt/wrt.h - all public headers in one include.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_WRT_H
#define WRT_WRT_H
#include "wrt/arena.h"
#include "wrt/base.h"
#include "wrt/broadcast.h"
#include "wrt/cacheline.h"
#include "wrt/counters.h"
#include "wrt/exception.h"
#include "wrt/futex.h"
#include "wrt/hardware.h"
#include "wrt/integrity.h"
#include "wrt/latest.h"
#include "wrt/lock.h"
#include "wrt/memory.h"
#include "wrt/module.h"
#include "wrt/partition.h"
#include "wrt/pool.h"
#include "wrt/profile.h"
#include "wrt/pulse.h"
#include "wrt/ring.h"
#include "wrt/secure.h"
#include "wrt/snapshot.h"
#include "wrt/store.h"
#include "wrt/system.h"
#include "wrt/tenant.h"
#include "wrt/value.h"
#include "wrt/verification.h"
#include "wrt/threads.h"
#include "wrt/wasi.h"
#include "wrt/worker.h"
#endif
