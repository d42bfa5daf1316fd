# SPDX-License-Identifier: Apache-2.0
# Build identity for --version, run folders and benchmark results: version, commit, compiler.
find_package(Git QUIET)
set(ACCRETE_COMMIT "unknown")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --abbrev=12
                  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE ACCRETE_GIT_DESCRIBE
                  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE ACCRETE_GIT_RESULT)
  if(ACCRETE_GIT_RESULT EQUAL 0)
    set(ACCRETE_COMMIT "${ACCRETE_GIT_DESCRIBE}")
  endif()
endif()
