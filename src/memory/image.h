/* src/memory/image.h - images whose bytes are written in place.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WRT_MEMORY_IMAGE_H
#define WRT_MEMORY_IMAGE_H

#include "wrt/memory.h"

/* As wrt_page_image_create; `fill` writes what is not zero. */
WRT_MUST_CHECK enum wrt_status
wrt_page_image_build(struct wrt_page_image *image, struct wrt_partition *partition,
                     uint64_t size_bytes, void (*fill)(void *context, uint8_t *bytes),
                     void *context, struct wrt_error *error);

/* Counts who maps it; any thread. NULL does nothing. */
void wrt_page_image_use(struct wrt_page_image *image);
void wrt_page_image_leave(struct wrt_page_image *image);

#endif
