# A compiler cache, when there is one.  SPDX-License-Identifier: Apache-2.0
find_program(WRT_CCACHE ccache)
if(WRT_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${WRT_CCACHE})
endif()
