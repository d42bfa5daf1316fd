# SPDX-License-Identifier: Apache-2.0
# cmake --install and find_package(accrete [COMPONENTS kernels engine models data]). Every library
# is an export of its own, so that a client of the kernels needs none of the others' dependencies.
# Without ACCRETE_INSTALL nothing of it exists: GNUInstallDirs would decide where a project around
# this one installs.
if(ACCRETE_INSTALL)
  include(GNUInstallDirs)
  include(CMakePackageConfigHelpers)
  set(ACCRETE_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/accrete)
endif()

function(accrete_install_library name)
  if(NOT ACCRETE_INSTALL)
    return()
  endif()
  set_target_properties(accrete_${name} PROPERTIES EXPORT_NAME ${name})
  install(TARGETS accrete_${name} EXPORT accrete_${name}
          ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT accrete_${name} NAMESPACE accrete:: FILE accrete-${name}.cmake
          DESTINATION ${ACCRETE_PACKAGE_DIR})
endfunction()

function(accrete_install_package)
  if(NOT ACCRETE_INSTALL)
    return()
  endif()
  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/accrete-config.cmake.in
    ${PROJECT_BINARY_DIR}/accrete-config.cmake
    INSTALL_DESTINATION ${ACCRETE_PACKAGE_DIR})
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/accrete-config-version.cmake
                                   COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/accrete-config.cmake
                ${PROJECT_BINARY_DIR}/accrete-config-version.cmake
          DESTINATION ${ACCRETE_PACKAGE_DIR})
endfunction()
