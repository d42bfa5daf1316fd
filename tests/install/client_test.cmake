# SPDX-License-Identifier: Apache-2.0
# cmake -D CLIENT=dir -D WORK=dir (-D BUILD=dir | -D SOURCE=dir) [-D CUDA=ON|OFF] [-D LAUNCHER=ccache]
#       [-D FLAGS=...] [-D BUILD_TYPE=Release] -D COMPILER=... -P client_test.cmake
# Builds and runs a client project against an installation of BUILD, or against the source tree with
# or without its CUDA backend. A client that exits with 77 prints why; CTest then skips the test.
file(REMOVE_RECURSE ${WORK})
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0 AND NOT (result EQUAL 77 AND output MATCHES "^skipped: "))
    message(FATAL_ERROR "${ARGN}: ${result}\n${output}")
  endif()
  set(output ${output} PARENT_SCOPE)
endfunction()

if(NOT DEFINED BUILD_TYPE)
  set(BUILD_TYPE Release)
endif()
set(where -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER}
          -DCMAKE_CUDA_COMPILER_LAUNCHER=${LAUNCHER} -DCMAKE_BUILD_TYPE=${BUILD_TYPE}
          -DCMAKE_CXX_FLAGS=${FLAGS} --no-warn-unused-cli)
if(BUILD)
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
  list(APPEND where -DCMAKE_PREFIX_PATH=${WORK}/prefix)
else()
  list(APPEND where -DACCRETE_SOURCE=${SOURCE} -DACCRETE_ENABLE_CUDA=${CUDA})
endif()
run(${CMAKE_COMMAND} -G Ninja -S ${CLIENT} -B ${WORK}/build ${where})
run(${CMAKE_COMMAND} --build ${WORK}/build --target client)
run(${WORK}/build/client)
message(STATUS "${output}")
