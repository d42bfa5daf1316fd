# SPDX-License-Identifier: Apache-2.0
# How every target of the project is compiled. All flags are PRIVATE: nothing leaks to clients, or to
# the project around this one, whose variables and cache stay as they are.
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
find_package(Threads REQUIRED)

# What ACCRETE_SANITIZE names watches over the target.
function(accrete_sanitize target)
  if(ACCRETE_SANITIZE STREQUAL address)
    set(sanitizers address,undefined)
  else()
    set(sanitizers ${ACCRETE_SANITIZE})
  endif()
  target_compile_options(${target} PRIVATE
    -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(${target} PRIVATE -fsanitize=${sanitizers})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Instrumented libstdc++ code (std::regex) trips this warning.
    target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
  elseif(ACCRETE_SANITIZE STREQUAL address)
    # Two checks that take clang minutes in vector code: those of AddressSanitizer are called where a
    # function has many of them; where a pointer leads, it sees at the access.
    target_compile_options(${target} PRIVATE -fno-sanitize=pointer-overflow
      "SHELL:-mllvm -asan-instrumentation-with-call-threshold=100")
  endif()
endfunction()

# Code that fuzz targets run counts its branches and, but for kernels, whose loops it would slow down,
# tells what it compares.
function(accrete_guide_fuzzing target)
  if(NOT ACCRETE_SANITIZE STREQUAL address OR NOT CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    return()
  endif()
  if(target STREQUAL accrete_kernels)
    target_compile_options(${target} PRIVATE
                           -fsanitize-coverage=inline-8bit-counters,pc-table)
  else()
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
endfunction()

# No value may depend on how free the compiler is with floats, whatever the user's flags or those of
# a project around this one allow it: the opposite of each comes after them.
set(ACCRETE_STRICT_MATH -fno-fast-math)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)  # to clang the first says it all, the second that floats trap
  list(APPEND ACCRETE_STRICT_MATH -fno-unsafe-math-optimizations)
endif()
function(accrete_strict_math target)
  # Contraction off: the same source gives the same bits whether or not the compiler would have
  # fused a multiply and an add; kernels ask for FMA explicitly where they want it.
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:${ACCRETE_STRICT_MATH} -fno-finite-math-only -fno-associative-math
                              -fno-reciprocal-math -fsigned-zeros -ffp-contract=off>)
  # When it links, -ffast-math stands for a start-up file that flushes denormals in the whole process;
  # -Ofast does until another level follows.
  string(TOUPPER "CMAKE_CXX_FLAGS_${CMAKE_BUILD_TYPE}" flags_of_build_type)
  if("${CMAKE_CXX_FLAGS} ${${flags_of_build_type}}" MATCHES "-Ofast")
    target_link_options(${target} PRIVATE -O3)
  endif()
  target_link_options(${target} PRIVATE ${ACCRETE_STRICT_MATH})
  if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Wno-overriding-t-option>)
    target_link_options(${target} PRIVATE -Wno-overriding-t-option)
  endif()
endfunction()

function(accrete_target_defaults target)
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON)
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                              -Wold-style-cast>)
  accrete_strict_math(${target})
  if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES AND NOT CMAKE_CXX_FLAGS MATCHES "-O")
    # A project around this one that chooses no build type keeps it so, but slow kernels help nobody.
    target_compile_options(${target} PRIVATE -O3)
    target_compile_definitions(${target} PRIVATE NDEBUG)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # GCC 12 warns about std::string concatenation inside libstdc++ itself (GCC bug 105651).
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict -Wno-stringop-overflow>)
  endif()
  set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET hidden
                                             VISIBILITY_INLINES_HIDDEN ON)
  if(ACCRETE_WERROR)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-Werror>)
  endif()
  if(ACCRETE_SANITIZE)
    accrete_sanitize(${target})
  endif()
endfunction()

# A library of the dependency line: target accrete_<name>, alias accrete::<name>, public headers
# under <folder>/include, installed as component <name> of the package.
function(accrete_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(accrete_${name} STATIC ${ARG_SOURCES})
  add_library(accrete::${name} ALIAS accrete_${name})
  target_include_directories(accrete_${name} PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:include>
    PRIVATE src)
  target_compile_features(accrete_${name} INTERFACE cxx_std_17)  # all that the headers ask for
  target_link_libraries(accrete_${name} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
  accrete_target_defaults(accrete_${name})
  accrete_guide_fuzzing(accrete_${name})
  accrete_install_library(${name})
endfunction()
