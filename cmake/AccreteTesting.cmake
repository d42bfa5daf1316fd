# SPDX-License-Identifier: Apache-2.0
# accrete_add_test(NAME SOURCES ... LINK ... LABELS ... [TIMEOUT s]): one Catch2 executable, one
# CTest entry. A test that finds its device or data absent exits 77 and is reported as skipped.
# accrete_test_objects(NAME FILE...): test sources compiled once, for executables that differ in what
# they link; they name $<TARGET_OBJECTS:NAME> among their SOURCES.
# Tests of the host's code alone are labelled host, too, and built by the target host_tests: what
# makes sense hardened, under ThreadSanitizer and in valgrind, which know nothing of the executor.
find_package(Catch2 REQUIRED)
add_custom_target(host_tests)

function(accrete_test_defaults target)
  accrete_target_defaults(${target})
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_precompile_headers(${target} REUSE_FROM accrete_test_support)
endfunction()

function(accrete_test_objects name)
  add_library(${name} OBJECT ${ARGN})
  target_link_libraries(${name} PRIVATE accrete_test_support)
  accrete_test_defaults(${name})
endfunction()

function(accrete_add_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE accrete_test_support ${ARG_LINK})
  accrete_test_defaults(${name})
  if(NOT ARG_LABELS MATCHES "executor|simt")
    list(APPEND ARG_LABELS host)
    add_dependencies(host_tests ${name})
  endif()
  if(CMAKE_CROSSCOMPILING_EMULATOR OR ACCRETE_SANITIZE STREQUAL thread)  # the former is valgrind
    math(EXPR ARG_TIMEOUT "50 * ${ARG_TIMEOUT}")
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" SKIP_RETURN_CODE 77
                                          TIMEOUT ${ARG_TIMEOUT})
endfunction()
