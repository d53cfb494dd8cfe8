# SPDX-License-Identifier: Apache-2.0
#
# The language standard, the warnings and the hardening that every target of
# the project is compiled with. Warnings are errors in the presets
# (CMAKE_COMPILE_WARNING_AS_ERROR), not for packagers with newer compilers.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(postern_flags INTERFACE)
target_compile_options(postern_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wcast-align -Wconversion -Wsign-conversion
  $<$<COMPILE_LANGUAGE:CXX>:-Wold-style-cast -Wnon-virtual-dtor
    -Woverloaded-virtual>
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-branches -Wlogical-op>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wuseless-cast>
  # g++ 12 -O2 takes a std::optional's storage for a freed object.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-free-nonheap-object>
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wthread-safety>)
target_compile_definitions(postern_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_compile_options(postern_flags INTERFACE
  $<$<CONFIG:Release,RelWithDebInfo>:-fstack-protector-strong
    -D_FORTIFY_SOURCE=2>)
target_link_options(postern_flags INTERFACE -Wl,-z,relro,-z,now)
