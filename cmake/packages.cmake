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
