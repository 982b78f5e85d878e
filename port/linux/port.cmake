# port/linux beside its .c files: names and paths as POSIX.1-2008 has them.
# SPDX-License-Identifier: Apache-2.0
file(GLOB posix_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/port/posix/*.c)
list(APPEND WRT_SOURCES ${posix_sources})
