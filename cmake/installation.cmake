# SPDX-License-Identifier: Apache-2.0
#
# cmake --install gives
#     sbin/posternd  bin/postern
#     lib/libpostern.so, include/postern/ipsec.h
#     lib/pkgconfig/postern.pc, lib/cmake/postern/postern*.cmake
# and its license and example configurations. tests/install/ tries it.
include(CMakePackageConfigHelpers)

if(TARGET posternd)
  install(TARGETS posternd RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR})
endif()
if(TARGET postern_cli)
  install(TARGETS postern_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
if(TARGET postern_sockapi)
  include(${CMAKE_CURRENT_LIST_DIR}/install_sockapi.cmake)
endif()
