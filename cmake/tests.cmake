# Unit tests are found, one cmocka program per file; every other folder of tests that is
# compiled has a CMakeLists.txt of its own.  SPDX-License-Identifier: Apache-2.0

# wrt_unit_test(NAME SOURCE...): a cmocka program that sees src/, run as a test. Tests that
# start threads get the label "threads", which is what the tsan check runs, and the machine to
# themselves, because many of them expect progress in a given time. Exit status 77 means skipped.
function(wrt_unit_test name)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src ${WRT_PORT_INCLUDES}
    ${PROJECT_SOURCE_DIR}/tests/support)
  target_compile_definitions(${name} PRIVATE
    WRT_TEST_MODULES="${PROJECT_BINARY_DIR}/tests/modules")
  target_link_libraries(${name} PRIVATE wrt cmocka wrt_warnings)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300)
  list(GET ARGN 0 source)
  file(STRINGS ${source} threads REGEX "pthread_create|thrd_create|wrt_port_thread" LIMIT_COUNT 1)
  if(threads)
    set_tests_properties(${name} PROPERTIES LABELS threads RUN_SERIAL TRUE)
  endif()
endfunction()

file(GLOB WRT_UNIT_TESTS CONFIGURE_DEPENDS tests/unit/*.c)
foreach(source ${WRT_UNIT_TESTS})
  get_filename_component(name ${source} NAME_WE)
  wrt_unit_test(unit_${name} ${source})
endforeach()

file(GLOB WRT_TEST_FOLDERS CONFIGURE_DEPENDS tests/*/CMakeLists.txt)
foreach(list ${WRT_TEST_FOLDERS})
  get_filename_component(folder ${list} DIRECTORY)
  add_subdirectory(${folder})
endforeach()
