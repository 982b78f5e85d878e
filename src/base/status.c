/* src/base/status.c - names and sentences of the status codes, and the version.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wrt/base.h"

const char *wrt_status_name(enum wrt_status status)
{
    switch (status) {
#define STATUS_NAME(name, value, sentence) \
    case WRT_##name:                       \
        return "WRT_" #name;
        WRT_STATUS_LIST(STATUS_NAME)
#undef STATUS_NAME
    }
    return "unknown status";
}

const char *wrt_status_text(enum wrt_status status)
{
    switch (status) {
#define STATUS_TEXT(name, value, sentence) \
    case WRT_##name:                       \
        return sentence;
        WRT_STATUS_LIST(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

const char *wrt_version(void)
{
    return WRT_VERSION_STRING;
}
