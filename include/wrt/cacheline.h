/* wrt/cacheline.h - the distance at which two words stop disturbing each other.
 * SPDX-License-Identifier: Apache-2.0
 *
 * 64 bytes on every x86-64 and nearly every AArch64 core. On a core with longer lines the
 * structures stay correct and lose some speed.
 */
#ifndef WRT_CACHELINE_H
#define WRT_CACHELINE_H

#include "wrt/base.h"

#define WRT_CACHE_LINE_BYTES 64
#define WRT_CACHE_ALIGNED __attribute__((aligned(WRT_CACHE_LINE_BYTES)))

#endif
