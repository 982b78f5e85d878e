# Cross-compiles for Linux on aarch64 with Debian's compiler; tests run under qemu-user. Made for
# the simulated QNX (tests/sim/aarch64.sh). AARCH64_LIBRARIES: a folder with the tests'
# libraries, unpacked from Debian's packages for arm64.
#   cmake -B build-aarch64 --toolchain cmake/toolchains/linux-aarch64.cmake
# SPDX-License-Identifier: Apache-2.0
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(AARCH64_LIBRARIES "" CACHE PATH "unpacked libcmocka and libcjson for arm64")
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64 -L /usr/aarch64-linux-gnu)
if(AARCH64_LIBRARIES)
  set(libraries ${AARCH64_LIBRARIES}/usr/lib/aarch64-linux-gnu)
  set(CMAKE_C_FLAGS_INIT "-isystem ${AARCH64_LIBRARIES}/usr/include")
  foreach(kind EXE SHARED MODULE)
    set(CMAKE_${kind}_LINKER_FLAGS_INIT "-L${libraries}")
  endforeach()
  list(APPEND CMAKE_CROSSCOMPILING_EMULATOR -E LD_LIBRARY_PATH=${libraries})
  set(CMAKE_INCLUDE_PATH ${AARCH64_LIBRARIES}/usr/include)
endif()
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# The host's own headers and libraries are not those of the target.
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu ${AARCH64_LIBRARIES})
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
