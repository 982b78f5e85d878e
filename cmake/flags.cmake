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
else()
  # _FORTIFY_SOURCE needs an optimising build, and would hide calls from the sanitizers.
  add_compile_options(
    "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2>")
endif()

# The last is AArch64's: return addresses are signed, and indirect branches end in landing pads.
foreach(flag -fstack-protector-strong -fstack-clash-protection -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER WRT_HAVE${flag} known)
  check_c_compiler_flag("-Werror ${flag}" ${known})
  if(${known})
    add_compile_options(${flag})
  endif()
endforeach()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
