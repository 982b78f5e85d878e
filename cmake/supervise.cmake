# The supervisor of tenants, src/tenant, as a library of its own: what it needs beyond libc
# stays out of libwrt. Only for the Linux port; without its libraries the command line is built
# with refusals in its place.  SPDX-License-Identifier: Apache-2.0
set(WRT_CLI_SUPERVISE no_supervise) # the folder below cli/ that is built
set(WRT_CLI_LIBRARIES)
find_path(WRT_INIH_H ini.h)
find_path(WRT_MICROHTTPD_H microhttpd.h)
find_path(WRT_CJSON_H cjson/cJSON.h)
if(NOT WRT_PORT STREQUAL linux)
  return()
endif()
if(NOT (WRT_INIH_H AND WRT_MICROHTTPD_H AND WRT_CJSON_H))
  message(STATUS "wrt serve is left out: inih, libmicrohttpd or cJSON is missing")
  return()
endif()

file(GLOB WRT_TENANT_SOURCES CONFIGURE_DEPENDS src/tenant/*.c)
list(FILTER WRT_TENANT_SOURCES EXCLUDE REGEX "/(system|worker|wire)\\.c$")
find_path(WRT_SODIUM_H sodium.h)
if(WRT_SODIUM_H)
  list(FILTER WRT_TENANT_SOURCES EXCLUDE REGEX "/signature_none\\.c$")
  set(WRT_SODIUM sodium)
else()
  message(STATUS "signatures of modules cannot be verified: libsodium is missing")
  list(FILTER WRT_TENANT_SOURCES EXCLUDE REGEX "/signature_sodium\\.c$")
  set(WRT_SODIUM)
endif()
add_library(wrt_supervise STATIC ${WRT_TENANT_SOURCES})
add_library(wrt::wrt_supervise ALIAS wrt_supervise)
target_include_directories(wrt_supervise PRIVATE src)
target_link_libraries(wrt_supervise PUBLIC wrt PRIVATE inih microhttpd ${WRT_SODIUM}
  $<BUILD_INTERFACE:wrt_warnings>)
set(WRT_CLI_SUPERVISE supervise)
set(WRT_CLI_LIBRARIES wrt_supervise cjson)
