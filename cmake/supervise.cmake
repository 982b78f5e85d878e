# The supervisor of tenants, src/tenant, as a library of its own: what it needs beyond libc
# stays out of libwrt. Without its libraries the command line is built with refusals in its place.
# On Linux it needs inih, libmicrohttpd and cJSON; on QNX, where it has neither control socket nor
# metrics, inih.  SPDX-License-Identifier: Apache-2.0
set(WRT_CLI_SERVE no_supervise) # the folders below cli/ that have serve.c and ask.c
set(WRT_CLI_ASK no_supervise)
set(WRT_CLI_LIBRARIES)
find_path(WRT_INIH_H ini.h)
find_path(WRT_MICROHTTPD_H microhttpd.h)
find_path(WRT_CJSON_H cjson/cJSON.h)
if(WRT_PORT STREQUAL none)
  return()
endif()
if(NOT WRT_INIH_H OR (WRT_PORT STREQUAL linux AND NOT (WRT_MICROHTTPD_H AND WRT_CJSON_H)))
  message(STATUS "wrt serve is left out: inih, libmicrohttpd or cJSON is missing")
  return()
endif()

file(GLOB WRT_TENANT_SOURCES CONFIGURE_DEPENDS src/tenant/*.c)
list(FILTER WRT_TENANT_SOURCES EXCLUDE REGEX "/(system|worker|wire)\\.c$")
find_path(WRT_SODIUM_H sodium.h)
set(WRT_TENANT_LIBRARIES inih)
if(WRT_SODIUM_H AND WRT_PORT STREQUAL linux)
  list(FILTER WRT_TENANT_SOURCES EXCLUDE REGEX "/signature_none\\.c$")
  list(APPEND WRT_TENANT_LIBRARIES sodium)
else()
  message(STATUS "signatures of modules cannot be verified: libsodium is missing")
  list(FILTER WRT_TENANT_SOURCES EXCLUDE REGEX "/signature_sodium\\.c$")
endif()
set(WRT_CLI_SERVE supervise)
if(WRT_PORT STREQUAL linux)
  list(FILTER WRT_TENANT_SOURCES EXCLUDE REGEX "/metrics_none\\.c$")
  list(APPEND WRT_TENANT_LIBRARIES microhttpd)
  set(WRT_CLI_ASK supervise)
  list(APPEND WRT_CLI_LIBRARIES cjson)
else()
  list(FILTER WRT_TENANT_SOURCES EXCLUDE REGEX "/metrics\\.c$")
endif()
# Code for QNX must not see the other headers of the folder that has this one.
configure_file(${WRT_INIH_H}/ini.h ${PROJECT_BINARY_DIR}/inih/ini.h COPYONLY)

add_library(wrt_supervise STATIC ${WRT_TENANT_SOURCES})
add_library(wrt::wrt_supervise ALIAS wrt_supervise)
target_include_directories(wrt_supervise PRIVATE src ${WRT_PORT_INCLUDES})
target_include_directories(wrt_supervise SYSTEM PRIVATE
  $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/inih>)
target_compile_options(wrt_supervise PRIVATE ${WRT_PORT_OPTIONS})
target_link_libraries(wrt_supervise PUBLIC wrt PRIVATE ${WRT_TENANT_LIBRARIES}
  $<BUILD_INTERFACE:wrt_warnings>)
list(APPEND WRT_CLI_LIBRARIES wrt_supervise)
