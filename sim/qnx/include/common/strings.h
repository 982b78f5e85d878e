/* strings.h - see string.h. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
