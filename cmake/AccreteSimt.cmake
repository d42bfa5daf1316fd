# SPDX-License-Identifier: Apache-2.0
# accrete_simt_sources(TARGET [RACE] FILE.cu...): compiles CUDA sources with the host compiler for
# the SIMT host executor and adds them to TARGET. Works without a CUDA toolkit. Every .cu becomes a
# small .cpp that includes it, since one directory may hand a file to nvcc only.
# RACE: for the executor with the race detector; not with ACCRETE_SANITIZE.
function(accrete_simt_sources target)
  cmake_parse_arguments(ARG "RACE" "" "" ${ARGN})
  set(wrappers)
  foreach(source ${ARG_UNPARSED_ARGUMENTS})
    cmake_path(ABSOLUTE_PATH source NORMALIZE)
    # Families have files of the same name.
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(GET folder FILENAME family)
    cmake_path(GET source STEM name)
    set(wrapper ${CMAKE_CURRENT_BINARY_DIR}/simt_${target}/${family}_${name}.simt.cpp)
    file(CONFIGURE OUTPUT ${wrapper} CONTENT "#include \"${source}\"\n" @ONLY)
    list(APPEND wrappers ${wrapper})
  endforeach()
  target_sources(${target} PRIVATE ${wrappers})
  set_source_files_properties(${wrappers} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  target_compile_definitions(${target} PRIVATE ACCRETE_SIMT)
  target_link_libraries(${target} PRIVATE accrete_private_kernels)
  # #pragma unroll is the device compiler's, which a host compiler does not know or cannot always
  # do, and so is the licence to read 16 bytes of any type as one uint4.
  target_compile_options(${target} PRIVATE -Wno-unknown-pragmas -fno-strict-aliasing
                                           $<$<CXX_COMPILER_ID:Clang>:-Wno-pass-failed>)
  if(ARG_RACE)
    # The compiler calls out at every access to memory; the detector, not ThreadSanitizer's runtime,
    # is linked. Lines for its reports.
    set_source_files_properties(${wrappers} PROPERTIES COMPILE_OPTIONS
                                "-O1;-g1;-fsanitize=thread")
    target_link_libraries(${target} PRIVATE accrete_simt_race)
  else()
    target_compile_options(${target} PRIVATE -O2)
    target_link_libraries(${target} PRIVATE accrete_simt)
  endif()
endfunction()
