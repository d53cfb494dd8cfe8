#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# library_test.sh <libpostern.so>: what every program that loads it depends on.
set -euo pipefail
library=$1
fail=0

expect() { # what, wanted, got
  if [ "$2" != "$3" ]; then
    printf '%s: want\n%s\ngot\n%s\n' "$1" "$2" "$3" >&2
    fail=1
  fi
}

expect "needed libraries" "libc.so.6" \
  "$(readelf -dW "$library" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')"
expect "soname" "libpostern.so.0" \
  "$(readelf -dW "$library" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')"
# A version at the end of a name would keep LD_PRELOAD from binding to it.
expect "exported symbols" "accept accept4 getmycert getpeercert getsockopt ipsec_set_algorithms ipsec_set_strength ipsec_share setmycert setpeercert setsockopt socket" \
  "$(nm -D --defined-only "$library" | awk '{print $3}' | sort | xargs)"
exit $fail
