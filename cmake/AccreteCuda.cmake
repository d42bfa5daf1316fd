# SPDX-License-Identifier: Apache-2.0
# The CUDA backend is optional: ACCRETE_ENABLE_CUDA is AUTO (when nvcc is found), ON or OFF.
# Sets ACCRETE_HAS_CUDA and defines accrete_cuda_defaults. The kernels are the .cu files of kernels/src.
set(ACCRETE_HAS_CUDA OFF)
if(ACCRETE_ENABLE_CUDA STREQUAL OFF)
  return()
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(NOT ACCRETE_ENABLE_CUDA STREQUAL AUTO)
    message(FATAL_ERROR "ACCRETE_ENABLE_CUDA is ON but there is no nvcc; install the CUDA toolkit "
                        "(12.1 or newer) or configure with -DACCRETE_ENABLE_CUDA=OFF")
  endif()
  return()
endif()
# Of this library's kernels alone: what CMAKE_CUDA_ARCHITECTURES says about the rest of a project,
# for example nvcc's default, may be too old for them. Never "native": the build machine may have no
# GPU.
if(PROJECT_IS_TOP_LEVEL AND CMAKE_CUDA_ARCHITECTURES)
  set(ACCRETE_CUDA_ARCHITECTURES ${CMAKE_CUDA_ARCHITECTURES})
elseif(NOT ACCRETE_CUDA_ARCHITECTURES)
  set(ACCRETE_CUDA_ARCHITECTURES 80 90)
endif()
if(PROJECT_IS_TOP_LEVEL)
  # Or enable_language would put nvcc's default into the cache, where the next run of CMake would take
  # it for the user's wish.
  set(CMAKE_CUDA_ARCHITECTURES ${ACCRETE_CUDA_ARCHITECTURES})
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
set(ACCRETE_HAS_CUDA ON)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake before 3.26 does not know that nvcc has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
if(ACCRETE_CCACHE)
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${ACCRETE_CCACHE})
endif()
message(STATUS "CUDA toolkit ${CUDAToolkit_VERSION}, GPUs ${ACCRETE_CUDA_ARCHITECTURES}")

# --use_fast_math also replaces functions, which no later flag takes back.
function(accrete_refuse_fast_cuda target)
  string(TOUPPER "CMAKE_CUDA_FLAGS_${CMAKE_BUILD_TYPE}" flags_of_build_type)
  get_target_property(options ${target} COMPILE_OPTIONS)
  if("${CMAKE_CUDA_FLAGS} ${${flags_of_build_type}} ${options}" MATCHES
     "use_fast_math|ftz=true|prec-div=false|prec-sqrt=false")
    message(FATAL_ERROR "Accrete cannot be built with ${CMAKE_MATCH_0}: remove it from the CUDA flags")
  endif()
endfunction()

# How .cu files of a target are compiled. No fast-math: a kernel that wants an approximation says so
# where it uses it. -fmad=false as for the host's compilers: the same source rounds alike in the
# executor and on a GPU, so that what a test has seen in one holds for the other; kernels ask for FMA
# where they want it. -lineinfo costs nothing at run time and lets profilers name lines.
function(accrete_cuda_defaults target)
  set_target_properties(${target} PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON
                                             CUDA_ARCHITECTURES "${ACCRETE_CUDA_ARCHITECTURES}")
  accrete_refuse_fast_cuda(${target})
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false -lineinfo -Xptxas=-v,-warn-spills>)
  target_compile_definitions(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:${ACCRETE_GEMM_TUNING}>")
  if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
    # Kernels for several architectures with line tables: a fifth of the size.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-compress-mode=size>)
  endif()
  # With other parameters a kernel may spill: measuring it says whether that matters.
  if(ACCRETE_WERROR AND NOT ACCRETE_GEMM_TUNING)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
  endif()
endfunction()
