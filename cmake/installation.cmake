# SPDX-License-Identifier: Apache-2.0
#
# cmake --install gives
#     sbin/posternd  bin/postern
#     lib/libpostern.so, include/postern/ipsec.h
#     share/man, share/doc/postern
#     lib/pkgconfig/postern.pc, lib/cmake/postern/postern*.cmake
# tests/install/ builds programs with it.
include(CMakePackageConfigHelpers)

if(TARGET posternd)
  install(TARGETS posternd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
if(TARGET postern_cli)
  install(TARGETS postern_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

foreach(section 1 3 5 7 8)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.${section})
  install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()
file(GLOB documents CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.md
  ${PROJECT_SOURCE_DIR}/docs/*.svg)
install(FILES ${documents} DESTINATION ${CMAKE_INSTALL_DOCDIR})

# install_library(<target> HEADERS <folder> PC <postern.pc.in>
#                 CONFIG <posternConfig.cmake.in>)
# <folder> holds postern/ipsec.h as programs include it.
function(install_library target)
  cmake_parse_arguments(arg "" "HEADERS;PC;CONFIG" "" ${ARGN})
  set(package ${CMAKE_INSTALL_LIBDIR}/cmake/postern)

  set_target_properties(${target} PROPERTIES EXPORT_NAME postern)
  install(TARGETS ${target} EXPORT posternTargets
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(DIRECTORY ${arg_HEADERS}/postern
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
  install(EXPORT posternTargets NAMESPACE postern:: DESTINATION ${package})

  configure_file(${arg_PC} ${PROJECT_BINARY_DIR}/postern.pc @ONLY)
  install(FILES ${PROJECT_BINARY_DIR}/postern.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
  configure_package_config_file(${arg_CONFIG}
    ${PROJECT_BINARY_DIR}/posternConfig.cmake INSTALL_DESTINATION ${package})
  write_basic_package_version_file(
    ${PROJECT_BINARY_DIR}/posternConfigVersion.cmake
    COMPATIBILITY SameMajorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/posternConfig.cmake
    ${PROJECT_BINARY_DIR}/posternConfigVersion.cmake DESTINATION ${package})
endfunction()

if(TARGET postern_sockapi)
  file(GLOB_RECURSE public_header ${PROJECT_SOURCE_DIR}/sockapi/ipsec.h)
  if(public_header AND EXISTS ${PROJECT_SOURCE_DIR}/sockapi/postern.pc.in)
    cmake_path(GET public_header PARENT_PATH headers)
    cmake_path(GET headers PARENT_PATH headers)
    install_library(postern_sockapi HEADERS ${headers}
      PC ${PROJECT_SOURCE_DIR}/sockapi/postern.pc.in
      CONFIG ${PROJECT_SOURCE_DIR}/sockapi/posternConfig.cmake.in)
  endif()
endif()
