#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# install_test.sh build-folder libdir: installs into a temporary prefix and
# builds programs from outside the tree with pkg-config and with find_package().
set -euo pipefail
build=$1
libdir=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/postern-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

cmake --install "$build" --prefix "$prefix" >"$work/log"

for file in sbin/posternd bin/postern include/postern/ipsec.h \
  "$libdir/libpostern.so" "$libdir/pkgconfig/postern.pc" \
  "$libdir/cmake/postern/posternConfig.cmake" \
  share/man/man7/ipsec_levels.7 share/man/man3/getpeercert.3 \
  share/man/man8/posternd.8; do
  if [ ! -e "$prefix/$file" ]; then
    echo "cmake --install left no $file" >&2
    exit 1
  fi
done
if grep -rIlF -e "$build" "$prefix/$libdir/pkgconfig" \
  "$prefix/$libdir/cmake" "$prefix/include"; then
  echo "the files above name the build tree" >&2
  exit 1
fi
"$prefix/sbin/posternd" --version
"$prefix/bin/postern" --version

cp -r "$here/program" "$work/program"
cd "$work/program"
# Nobody's daemon is to answer: these programs must be refused.
export POSTERN_RUN_DIR=$work/no-daemon LD_LIBRARY_PATH=$prefix/$libdir

export PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig
# shellcheck disable=SC2046
gcc -Wall -Wextra -Werror program.c -o by_pkg_config \
  $(pkg-config --cflags --libs postern)
./by_pkg_config

# A program for OpenBSD: nothing but the header in front and the library.
style=$here/../../examples/openbsd_style.c
if gcc "$style" -o openbsd_style 2>>"$work/log"; then
  echo "openbsd_style.c needs no header of ours: it tests nothing" >&2
  exit 1
fi
gcc -Wall -Wextra -I"$prefix/include" -include postern/ipsec.h "$style" \
  -o openbsd_style -L"$prefix/$libdir" -lpostern
for family in 4 6; do
  if ./openbsd_style bypass "$family"; then
    echo "BYPASS was accepted outside of every virtual host" >&2
    exit 1
  fi
done

cmake -S . -B build -G Ninja -DCMAKE_PREFIX_PATH="$prefix" >>"$work/log"
cmake --build build >>"$work/log"
build/in_c
build/in_cxx
echo "installed programs built and ran"
