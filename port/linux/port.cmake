# port/linux beside its .c files: names and paths as POSIX.1-2008 has them; no pulses of the kernel
# (channels of wrt/pulse.h are queues of our own there) and no budgets of threads (processes have groups).
# SPDX-License-Identifier: Apache-2.0
file(GLOB posix_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/port/posix/*.c)
list(APPEND WRT_SOURCES ${posix_sources})
foreach(refusal pulse budget)
  list(APPEND WRT_SOURCES ${PROJECT_SOURCE_DIR}/port/none/${refusal}.c)
endforeach()
