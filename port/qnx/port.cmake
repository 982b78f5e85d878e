# port/qnx beside its .c files: on a host, the simulated kernel stands in for QNX.
# SPDX-License-Identifier: Apache-2.0
file(GLOB posix_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/port/posix/*.c)
list(APPEND WRT_SOURCES ${posix_sources})

# No code is loaded: QNX maps shared objects from files only, which others could write to after
# they were checked; compiled modules are linked into the image. No local sockets: nothing that we know of
# QNX tells who is at the other end of one, and a control socket that takes orders from
# anybody is worse than none. Which set of a cache a page falls into it does not say either.
foreach(refusal code local_socket colour)
  list(APPEND WRT_SOURCES ${PROJECT_SOURCE_DIR}/port/none/${refusal}.c)
endforeach()

if(NOT CMAKE_SYSTEM_NAME STREQUAL QNX)
  include(${PROJECT_SOURCE_DIR}/sim/qnx/qnxsim.cmake)
  list(APPEND WRT_PORT_OPTIONS ${QNXSIM_OPTIONS})
  list(APPEND WRT_PORT_LIBRARIES $<BUILD_INTERFACE:qnxsim>)
endif()
