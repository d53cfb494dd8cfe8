// SPDX-License-Identifier: Apache-2.0
//
// What every fuzz target has: libFuzzer's entry, and Claim() for what must hold
// of its input beyond "does not crash".
//
// Thread safety: Thread-safe.

#ifndef POSTERN_TESTS_FUZZ_FUZZ_TARGET_H_
#define POSTERN_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* octets,
                                      std::size_t size);

namespace postern {

// Ends the process when `value` is false, in every build.
inline void Claim(const char* sentence, bool value) {
  if (!value) {
    std::fprintf(stderr, "not so: %s\n", sentence);
    std::abort();
  }
}

}  // namespace postern

#endif  // POSTERN_TESTS_FUZZ_FUZZ_TARGET_H_
