# SPDX-License-Identifier: Apache-2.0
# client_find_library(COMPONENT...): the library from the source tree ACCRETE_SOURCE or, without it,
# from an installation. Its flags must stay its own: a client's kernels may not become fast-math, or
# its warnings errors, because it links this library.
function(client_find_library)
  if(ACCRETE_SOURCE)
    add_subdirectory(${ACCRETE_SOURCE} accrete)
  else()
    find_package(accrete 0.1 REQUIRED COMPONENTS ${ARGN})
  endif()
  foreach(component IN LISTS ARGN)
    foreach(property INTERFACE_COMPILE_OPTIONS INTERFACE_COMPILE_DEFINITIONS INTERFACE_LINK_OPTIONS)
      get_target_property(value accrete::${component} ${property})
      if(value)
        message(FATAL_ERROR "accrete::${component} leaks ${property} ${value}")
      endif()
    endforeach()
  endforeach()
endfunction()
