# SPDX-License-Identifier: Apache-2.0
# The CUDA backend is optional: ACCRETE_ENABLE_CUDA is AUTO (when nvcc is found), ON or OFF.
# Sets ACCRETE_HAS_CUDA. The kernels themselves belong in kernels/src/cuda.
set(ACCRETE_HAS_CUDA OFF)
if(ACCRETE_ENABLE_CUDA STREQUAL OFF)
  return()
endif()
include(CheckLanguage)
check_language(CUDA)
if(NOT CMAKE_CUDA_COMPILER)
  if(NOT ACCRETE_ENABLE_CUDA STREQUAL AUTO)
    message(FATAL_ERROR "ACCRETE_ENABLE_CUDA is ON but there is no nvcc; install the CUDA toolkit "
                        "(12 or newer) or configure with -DACCRETE_ENABLE_CUDA=OFF")
  endif()
  return()
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80 90)  # never "native": the build machine may have no GPU
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
set(ACCRETE_HAS_CUDA ON)
message(STATUS "CUDA toolkit ${CUDAToolkit_VERSION} found; this version of accrete has no CUDA "
               "kernels yet and runs on the CPU")
