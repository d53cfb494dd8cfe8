# SPDX-License-Identifier: Apache-2.0
#
# Everything we link to, from Debian's packages (scripts/deps installs them).
find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
find_package(spdlog REQUIRED)
find_package(SQLite3 REQUIRED)
find_package(Boost 1.74 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(Threads REQUIRED)

# liburcu has no CMake package; pkg-config knows its QSBR flavour.
find_package(PkgConfig REQUIRED)
pkg_check_modules(URCU_QSBR REQUIRED IMPORTED_TARGET liburcu-qsbr)
pkg_check_modules(URCU_CDS REQUIRED IMPORTED_TARGET liburcu-cds)
add_library(postern_urcu INTERFACE)
target_link_libraries(postern_urcu INTERFACE PkgConfig::URCU_QSBR
  PkgConfig::URCU_CDS)

# libbpf attaches the program that stamps packets with their sender's cookie.
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf)

# ipsec-mb, where there is one (x86-64), is the faster of the crypto backends.
# It has neither a CMake package nor a pkg-config file. 1.3 is the first whose
# bursts hash.
option(POSTERN_IPSEC_MB "Build the ipsec-mb crypto backend when it is there" ON)
find_path(IPSEC_MB_INCLUDE_DIR intel-ipsec-mb.h)
find_library(IPSEC_MB_LIBRARY IPSec_MB)
mark_as_advanced(IPSEC_MB_INCLUDE_DIR IPSEC_MB_LIBRARY)
set(ipsec_mb_version 0)
if(IPSEC_MB_INCLUDE_DIR AND IPSEC_MB_LIBRARY)
  file(STRINGS ${IPSEC_MB_INCLUDE_DIR}/intel-ipsec-mb.h ipsec_mb_version
    REGEX "^#define IMB_VERSION_STR")
  string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" ipsec_mb_version
    "${ipsec_mb_version}")
endif()
add_library(postern_ipsec_mb INTERFACE)
# A major version may take away what is called here.
if(POSTERN_IPSEC_MB AND ipsec_mb_version VERSION_GREATER_EQUAL 1.3
    AND ipsec_mb_version VERSION_LESS 2)
  message(STATUS "Crypto backends: libcrypto, ipsec-mb ${ipsec_mb_version}")
  target_include_directories(postern_ipsec_mb SYSTEM INTERFACE
    ${IPSEC_MB_INCLUDE_DIR})
  target_link_libraries(postern_ipsec_mb INTERFACE ${IPSEC_MB_LIBRARY})
  set(POSTERN_UNBUILT "/ipsec_mb/absent\\.cc$")
elseif(POSTERN_IPSEC_MB)
  message(STATUS "Crypto backends: libcrypto alone, which is several times "
    "slower: ipsec-mb from 1.3 to 2 was not found (libipsec-mb-dev)")
  set(POSTERN_UNBUILT "/ipsec_mb/(aead|cipher|mac|library)\\.|/ipsec_mb_bench\\.")
else()
  message(STATUS "Crypto backends: libcrypto alone (POSTERN_IPSEC_MB is off)")
  set(POSTERN_UNBUILT "/ipsec_mb/(aead|cipher|mac|library)\\.|/ipsec_mb_bench\\.")
endif()
