# SPDX-License-Identifier: Apache-2.0
#
# layer(<name> DEPENDS <lower layers...> PUBLIC <targets...> PRIVATE <targets...>)
#
# One top-level folder is one static library, postern_<folder>. DEPENDS is the
# list of folders it may include from; scripts/check_layers.py reads it from
# CMakeLists.txt and holds the sources to it. Every header must compile on its
# own (ctest lint.headers). What POSTERN_UNBUILT matches (packages.cmake) is
# left out.
function(layer name)
  cmake_parse_arguments(arg "" "" "DEPENDS;PUBLIC;PRIVATE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.cc)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${name}/*.h)
  list(FILTER sources EXCLUDE REGEX "${POSTERN_UNBUILT}")
  list(FILTER headers EXCLUDE REGEX "${POSTERN_UNBUILT}")

  add_library(postern_${name} STATIC ${sources})
  add_library(postern::${name} ALIAS postern_${name})
  set_target_properties(postern_${name} PROPERTIES
    LINKER_LANGUAGE CXX VERIFY_INTERFACE_HEADER_SETS ON)
  target_sources(postern_${name} PUBLIC FILE_SET HEADERS
    BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
  list(TRANSFORM arg_DEPENDS PREPEND postern::)
  target_link_libraries(postern_${name}
    PUBLIC ${arg_DEPENDS} ${arg_PUBLIC}
    PRIVATE postern_flags ${arg_PRIVATE})
endfunction()
