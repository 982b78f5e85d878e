# What `cmake --install` gives: headers, both libraries, the command line, a pkg-config file
# and a CMake package.  SPDX-License-Identifier: Apache-2.0
include(CMakePackageConfigHelpers)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/wrt)
install(TARGETS wrt wrt_shared EXPORT wrt-targets)
if(TARGET wrt_supervise)
  install(TARGETS wrt_supervise EXPORT wrt-targets)
endif()
if(TARGET wrt_cli)
  install(TARGETS wrt_cli)
endif()
if(TARGET wrt_tenant) # beside wrt, where wrt looks first
  install(TARGETS wrt_tenant)
endif()
install(DIRECTORY include/wrt DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(FILES include/wasm.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT wrt-targets NAMESPACE wrt:: DESTINATION ${package})

configure_package_config_file(cmake/wrt-config.cmake.in ${PROJECT_BINARY_DIR}/wrt-config.cmake
  INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/wrt-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/wrt-config.cmake ${PROJECT_BINARY_DIR}/wrt-config-version.cmake
  DESTINATION ${package})

# The prefix is written relative to the file, so that an installed tree can be moved.
file(RELATIVE_PATH WRT_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" WRT_PC_PREFIX ${WRT_PC_PREFIX})
configure_file(cmake/wrt.pc.in ${PROJECT_BINARY_DIR}/wrt.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/wrt.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
