// SPDX-License-Identifier: Apache-2.0
//
// fuzz_<name> FOLDER: runs a fuzz target over a corpus without libFuzzer: every
// file, every beginning of it, and every file with one octet changed.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/fuzz/fuzz_target.h"

namespace {

using Octets = std::vector<std::uint8_t>;

Octets ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A copy of exactly these octets, so that AddressSanitizer sees a step too far.
void Run(const Octets& octets) {
  const Octets exact(octets);
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::size_t RunVariants(const Octets& octets) {
  std::size_t runs = 1;
  Run(octets);
  for (std::size_t size = 0; size < octets.size(); ++size, ++runs) {
    Run(Octets(octets.begin(),
               octets.begin() + static_cast<std::ptrdiff_t>(size)));
  }
  for (std::size_t at = 0; at < octets.size(); ++at) {
    for (const int mask : {0x01, 0x80, 0xff}) {
      Octets changed(octets);
      changed[at] ^= static_cast<std::uint8_t>(mask);
      Run(changed);
      ++runs;
    }
  }
  return runs;
}

}  // namespace

int main(int count, char** words) {
  std::size_t files = 0;
  std::size_t runs = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(words[i])) {
      runs += RunVariants(ReadFile(entry.path()));
      ++files;
    }
  }
  std::printf("%zu files, %zu runs\n", files, runs);
  return files == 0 ? 1 : 0;
}
