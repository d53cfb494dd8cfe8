# SPDX-License-Identifier: Apache-2.0
#
# Instrumentation is all or nothing: it applies to every target of the tree but
# those that without_sanitizers() names.
#   POSTERN_SANITIZE  a list for -fsanitize, e.g. "address;undefined"
#   POSTERN_FUZZ      coverage for libFuzzer in every target (clang only);
#                     fuzz_target() then links the fuzzer's main()
# The first finding ends the process: a test that goes on has not passed.
set(POSTERN_SANITIZE "" CACHE STRING "Sanitizers for all targets")
option(POSTERN_FUZZ "Build the fuzz targets with libFuzzer" OFF)

if(POSTERN_SANITIZE)
  list(JOIN POSTERN_SANITIZE "," sanitizers)
  # -O1: a third of the time of -O0 under ASan, and stacks stay readable.
  # -g1: reports name functions and lines, a debugger's variables they need not;
  # two thirds of the time to compile, and a third of the size.
  add_compile_options(-fsanitize=${sanitizers} -fno-sanitize-recover=all
    -fno-omit-frame-pointer -O1 -g1)
  add_link_options(-fsanitize=${sanitizers})
  # Asio has fences, which ThreadSanitizer overlooks: at worst it then reports a
  # race that is none.
  if("thread" IN_LIST POSTERN_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)
  endif()
endif()

if(POSTERN_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "POSTERN_FUZZ needs clang++: use the preset fuzz")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# For a library that programs without a sanitizer's runtime load.
function(without_sanitizers target)
  if(POSTERN_SANITIZE OR POSTERN_FUZZ)
    target_compile_options(${target} PRIVATE -fno-sanitize=all)
    target_link_options(${target} PRIVATE -fno-sanitize=all)
  endif()
endfunction()

option(POSTERN_CCACHE "Compile through ccache when it is installed" OFF)
if(POSTERN_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(POSTERN_CCACHE_PROGRAM ccache)
  mark_as_advanced(POSTERN_CCACHE_PROGRAM)
  if(POSTERN_CCACHE_PROGRAM)
    set(CMAKE_C_COMPILER_LAUNCHER ${POSTERN_CCACHE_PROGRAM})
    set(CMAKE_CXX_COMPILER_LAUNCHER ${POSTERN_CCACHE_PROGRAM})
  endif()
endif()
