# port/qnx beside its .c files: on a host, the simulated kernel stands in for QNX.
# SPDX-License-Identifier: Apache-2.0
file(GLOB posix_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/port/posix/*.c)
list(APPEND WRT_SOURCES ${posix_sources})

if(NOT CMAKE_SYSTEM_NAME STREQUAL QNX)
  include(${PROJECT_SOURCE_DIR}/sim/qnx/qnxsim.cmake)
  list(APPEND WRT_PORT_OPTIONS ${QNXSIM_OPTIONS})
  list(APPEND WRT_PORT_LIBRARIES $<BUILD_INTERFACE:qnxsim>)
endif()
