# Cross-compiles for QNX 8.0 on x86_64 with the SDP's qcc; source its qnxsdp-env.sh first.
#   cmake -B build-qnx --toolchain cmake/toolchains/qnx-8.0-x86_64.cmake
# Written from documentation, not yet tried with an SDP: docs/qnx.md has the checklist.
# SPDX-License-Identifier: Apache-2.0
set(CMAKE_SYSTEM_NAME QNX)
set(CMAKE_SYSTEM_VERSION 8.0)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER qcc)
set(CMAKE_C_COMPILER_TARGET gcc_ntox86_64)
set(WRT_PORT qnx CACHE STRING "")
set(WRT_BUILD_TESTS OFF CACHE BOOL "") # they run on the simulated kernel, on the host
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
