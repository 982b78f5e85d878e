# The simulated QNX kernel: headers for the code that runs on it, and libqnxsim.
# Sets QNXSIM_OPTIONS: what code must be compiled with to see QNX instead of the host.
# SPDX-License-Identifier: Apache-2.0
set(WRT_QNX_SIM "8.0" CACHE STRING "the release that the simulation imitates: 7.1, 8.0")
set_property(CACHE WRT_QNX_SIM PROPERTY STRINGS 7.1 8.0)
set(sim ${CMAKE_CURRENT_LIST_DIR})
if(NOT EXISTS ${sim}/include/${WRT_QNX_SIM}/qnxsim_profile.h)
  message(FATAL_ERROR "WRT_QNX_SIM: there is no profile ${WRT_QNX_SIM}")
endif()

# Only our headers and the compiler's own (stddef.h, stdarg.h, stdatomic.h ...).
if(CMAKE_C_COMPILER_ID STREQUAL GNU)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE QNXSIM_COMPILER_HEADERS OUTPUT_STRIP_TRAILING_WHITESPACE)
else()
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-resource-dir
    OUTPUT_VARIABLE QNXSIM_COMPILER_HEADERS OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(APPEND QNXSIM_COMPILER_HEADERS /include)
endif()
# What qcc predefines (facts 7): __QNX__ is numeric from 8.0 on.
if(WRT_QNX_SIM VERSION_GREATER_EQUAL 8.0)
  set(QNXSIM_MACRO -D__QNX__=800)
else()
  set(QNXSIM_MACRO -D__QNX__=1)
endif()
set(QNXSIM_OPTIONS -nostdinc ${QNXSIM_MACRO} -D__QNXNTO__
  "SHELL:-isystem ${sim}/include/${WRT_QNX_SIM}" "SHELL:-isystem ${sim}/include/common"
  "SHELL:-isystem ${QNXSIM_COMPILER_HEADERS}")

file(GLOB sim_kernel CONFIGURE_DEPENDS ${sim}/kernel/*.c)
file(GLOB sim_host CONFIGURE_DEPENDS ${sim}/host/*.c)
add_library(qnxsim_kernel OBJECT ${sim_kernel})
target_compile_options(qnxsim_kernel PRIVATE ${QNXSIM_OPTIONS} -D_QNX_SOURCE)
target_link_libraries(qnxsim_kernel PRIVATE wrt_warnings)
add_library(qnxsim_host OBJECT ${sim_host})
target_link_libraries(qnxsim_host PRIVATE wrt_warnings)
add_library(qnxsim STATIC $<TARGET_OBJECTS:qnxsim_kernel> $<TARGET_OBJECTS:qnxsim_host>)
target_include_directories(qnxsim INTERFACE ${sim})
