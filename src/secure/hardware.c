/* secure/hardware.c - the table of the processor's protections, and the mode of tag checks.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A protection is active only if all three did their part: this build (compiled for it), the
 * system (turned it on) and the processor. The port speaks for the last two; for signing also an
 * experiment does, which needs no system.
 */
#include "wrt/hardware.h"

#include "base/tags.h"
#include "port_hardware.h"

const char *wrt_hardware_name(enum wrt_hardware feature)
{
    static const char *const names[] = {
#define HARDWARE_NAME(name, text) text,
        WRT_HARDWARE_LIST(HARDWARE_NAME)
#undef HARDWARE_NAME
    };

    return (unsigned)feature < WRT_HARDWARE_COUNT ? names[feature] : "?";
}

/* ---- what this build was compiled for ---- */

#if defined(__ARM_FEATURE_PAC_DEFAULT)
#define BUILT_TO_SIGN true
#else
#define BUILT_TO_SIGN false
#endif
#if defined(WRT_SIGN_HANDLERS) && defined(__aarch64__)
#define BUILT_TO_SIGN_HANDLERS true
#else
#define BUILT_TO_SIGN_HANDLERS false
#endif
#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define BUILT_WITH_PADS true
#else
#define BUILT_WITH_PADS false
#endif
#if defined(__CET__) /* bit 0: branch tracking, bit 1: shadow stack */
#define BUILT_FOR_CET __CET__
#else
#define BUILT_FOR_CET 0
#endif

static bool is_built_for(enum wrt_hardware feature)
{
    switch (feature) {
    case WRT_HARDWARE_SIGNED_RETURNS:
        return BUILT_TO_SIGN;
    case WRT_HARDWARE_SIGNED_HANDLERS:
        return BUILT_TO_SIGN_HANDLERS;
    case WRT_HARDWARE_LANDING_PADS:
        return BUILT_WITH_PADS;
    case WRT_HARDWARE_SHADOW_STACK:
        return (BUILT_FOR_CET & 2) != 0;
    case WRT_HARDWARE_BRANCH_TRACKING:
        return (BUILT_FOR_CET & 1) != 0;
    case WRT_HARDWARE_WRITE_XOR_EXECUTE:
        return true; /* nothing of ours ever asks for such a page */
    default:
        return false;
    }
}

/* Those that code must be compiled for; the others are asked for by calls. */
static bool needs_build(enum wrt_hardware feature)
{
    return feature >= WRT_HARDWARE_SIGNED_RETURNS && feature <= WRT_HARDWARE_BRANCH_TRACKING;
}

/* Does signing change a pointer here? The instruction is a no-op on processors without. */
static bool signs_pointers(void)
{
#if defined(__aarch64__)
    register uintptr_t pointer __asm__("x17") = (uintptr_t)signs_pointers;
    register uintptr_t modifier __asm__("x16") = 0x5752;

    __asm__ volatile("hint #8" : "+r"(pointer) : "r"(modifier)); /* pacia1716 */
    return pointer != (uintptr_t)signs_pointers;
#else
    return false;
#endif
}

static bool is_signing(enum wrt_hardware feature)
{
    return feature == WRT_HARDWARE_SIGNED_RETURNS || feature == WRT_HARDWARE_SIGNED_HANDLERS;
}

enum wrt_status wrt_hardware_get(enum wrt_hardware feature, struct wrt_hardware_state *out)
{
    struct wrt_port_hardware found;

    if (out == NULL)
        return WRT_ERR_ARGUMENT;
    if ((unsigned)feature >= WRT_HARDWARE_COUNT)
        return WRT_ERR_BOUNDS;
    wrt_port_hardware_get(feature, &found);
    if (is_signing(feature) && signs_pointers() != found.is_active) {
        found.is_available = found.is_active = signs_pointers();
        found.why = found.is_active ? "signing a pointer was tried, and changed it"
                                    : "signing a pointer was tried, and did not change it";
    }
    *out = (struct wrt_hardware_state){.name = wrt_hardware_name(feature),
                                       .is_requested = found.is_requested || is_built_for(feature),
                                       .is_available = found.is_available,
                                       .is_active = found.is_active,
                                       .why = found.why};
    if (needs_build(feature) && !is_built_for(feature) && out->is_available) {
        out->is_active = false;
        out->why = "this build was not compiled for it";
    }
    return WRT_OK;
}

enum wrt_status wrt_hardware_set_tag_mode(enum wrt_tag_mode mode)
{
    if ((unsigned)mode > WRT_TAG_MODE_ASYMMETRIC)
        return WRT_ERR_ARGUMENT;
    return wrt_port_tags_set_mode(mode);
}

enum wrt_tag_mode wrt_hardware_tag_mode(void)
{
    return wrt_port_tags_mode();
}

unsigned wrt_hardware_pointer_tag(const void *pointer)
{
    return wrt_pointer_tag(pointer);
}

const void *wrt_hardware_untagged(const void *pointer)
{
    return wrt_untagged(pointer);
}
