# Compiler and linker flags: warnings as errors, hardening, sanitizers.
# SPDX-License-Identifier: Apache-2.0
include(CheckCCompilerFlag)
include(CheckPIESupported)

check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(wrt_warnings INTERFACE)
target_compile_options(wrt_warnings INTERFACE
  -Wall -Wextra -Werror -Wconversion -Wsign-conversion -Wshadow -Wpointer-arith
  -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wcast-qual -Wwrite-strings
  -Wformat=2 -Wvla)

if(WRT_SANITIZE)
  add_compile_options(-fsanitize=${WRT_SANITIZE} -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${WRT_SANITIZE})
  add_compile_definitions(WRT_SANITIZED) # for tests of what a sanitizer replaces
elseif(NOT "fortify" IN_LIST WRT_WITHOUT)
  # _FORTIFY_SOURCE needs an optimising build, and would hide calls from the sanitizers.
  add_compile_options(
    "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()

# The last is AArch64's: return addresses are signed, and indirect branches end in landing pads.
# x86 has the like of both; a landing pad is one more instruction, without effect, for each that is
# interpreted (docs/hardening.md has what that costs).
set(hardening)
foreach(flag -fstack-protector-strong -fstack-clash-protection -mbranch-protection=standard)
  string(REGEX REPLACE "^-.([a-z]+-[a-z]+).*" "\\1" name ${flag})
  if(NOT name IN_LIST WRT_WITHOUT)
    list(APPEND hardening ${flag})
  endif()
endforeach()
if(WRT_CET)
  list(APPEND hardening -fcf-protection=full)
endif()
foreach(flag ${hardening})
  string(MAKE_C_IDENTIFIER WRT_HAVE${flag} known)
  check_c_compiler_flag("-Werror ${flag}" ${known})
  if(${known})
    add_compile_options(${flag})
  endif()
endforeach()
if("position-independence" IN_LIST WRT_WITHOUT) # the static library only
  set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
  add_compile_options(-fno-pie)
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
# Landing pads are enforced (AArch64), and the file says that it has them and bears a shadow stack
# (x86), if every object is marked, the start files too, which Debian 12's are not: what we ship is
# linked without them. Of libgcc's objects, which are not marked either, no address is ever taken
# (tests/hardening/code.py). With sanitizers it stays as it was.
function(wrt_force_landing_pads target)
  if(NOT CMAKE_SYSTEM_NAME STREQUAL Linux OR WRT_SANITIZE)
    return()
  endif()
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$" AND WRT_HAVE_mbranch_protection_standard)
    set(marks -Wl,-z,force-bti)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$" AND CMAKE_SIZEOF_VOID_P EQUAL 8
         AND WRT_CET AND WRT_HAVE_fcf_protection_full)
    set(marks -Wl,-z,ibt,-z,shstk)
  else()
    return()
  endif()
  target_sources(${target} PRIVATE ${ARGN})
  target_link_options(${target} PRIVATE -nostartfiles ${marks})
endfunction()
