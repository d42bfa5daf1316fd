# SPDX-License-Identifier: Apache-2.0
# How every target of the project is compiled. All flags are PRIVATE: nothing leaks to clients.
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
find_package(Threads REQUIRED)

function(accrete_target_defaults target)
  set_target_properties(${target} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON)
  # Contraction off: the same source gives the same bits whether or not the compiler would have
  # fused a multiply and an add; kernels ask for FMA explicitly where they want it.
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor
                              -Wold-style-cast -ffp-contract=off>)
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
    target_compile_options(${target} PRIVATE -fsanitize=address,undefined
                                             -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PRIVATE -fsanitize=address,undefined)
    if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
      # Instrumented libstdc++ code (std::regex) trips this warning.
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
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
  accrete_install_library(${name})
endfunction()
