# SPDX-License-Identifier: Apache-2.0
# accrete_sass_budget(): the test kernels_sass_budget, which compares the machine code of the CUDA
# kernels, as this build has compiled them, with kernels/sass_budget.json, and the target
# update_sass_budget, which writes that table anew. Both need cuobjdump: of the toolkit, in PATH, in
# build/machine-code, where ./run test cuda puts one, or ACCRETE_CUOBJDUMP (cache or environment).
# Without it the test is skipped, as with another compiler than the table's.
function(accrete_sass_budget)
  if(DEFINED ENV{ACCRETE_CUOBJDUMP} AND NOT ACCRETE_CUOBJDUMP)
    set(ACCRETE_CUOBJDUMP $ENV{ACCRETE_CUOBJDUMP} CACHE FILEPATH "Reads CUDA machine code" FORCE)
  endif()
  find_program(ACCRETE_CUOBJDUMP cuobjdump HINTS ${CUDAToolkit_BIN_DIR}
               PATHS ${PROJECT_SOURCE_DIR}/build/machine-code DOC "Reads CUDA machine code")
  set(options)
  if(ACCRETE_CUOBJDUMP)
    list(APPEND options --cuobjdump ${ACCRETE_CUOBJDUMP})
  endif()
  if(NOT CMAKE_BUILD_TYPE STREQUAL Release OR ACCRETE_GEMM_TUNING)
    list(APPEND options --unlike "the table is of a release build with the default tuning")
  elseif(NOT 90 IN_LIST ACCRETE_CUDA_ARCHITECTURES)
    list(APPEND options --unlike "the table is of sm_90, for which this build has no code")
  endif()
  set(check ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/apps/bench_kernels/sass_check.py
            --budget ${PROJECT_SOURCE_DIR}/kernels/sass_budget.json
            --nvcc ${CMAKE_CUDA_COMPILER_VERSION} ${options})
  set(objects "$<FILTER:$<TARGET_OBJECTS:accrete_kernels>,INCLUDE,\\.cu\\.o$>")
  add_test(NAME kernels_sass_budget
           COMMAND ${check} --how-to-update
                   "cmake --build ${PROJECT_BINARY_DIR} --target update_sass_budget" ${objects}
           COMMAND_EXPAND_LISTS)
  set_tests_properties(kernels_sass_budget PROPERTIES LABELS "kernels;sass" SKIP_RETURN_CODE 77
                                                      TIMEOUT 300)
  add_custom_target(update_sass_budget COMMAND ${check} --update ${objects}
                    DEPENDS accrete_kernels COMMENT "Counting the kernels' instructions"
                    COMMAND_EXPAND_LISTS VERBATIM)
endfunction()
