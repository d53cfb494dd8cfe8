// SPDX-License-Identifier: Apache-2.0
//
// Octets between two guards. Crypto libraries are assembly that sanitizers do
// not see into: whether one writes outside of what it was given is told by the
// guards alone.

#ifndef POSTERN_TESTS_SUPPORT_GUARDED_OCTETS_H_
#define POSTERN_TESTS_SUPPORT_GUARDED_OCTETS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/bytes.h"

namespace postern {

class GuardedOctets {
 public:
  explicit GuardedOctets(ConstBytes content)
      : all_(kGuard + content.size() + kGuard, kFiller) {
    CopyBytes(octets(), content);
  }

  explicit GuardedOctets(std::size_t size)
      : GuardedOctets(std::vector<std::uint8_t>(size)) {}

  Bytes octets() {
    return Bytes(all_).subspan(kGuard, all_.size() - 2 * kGuard);
  }

  // Whether nobody wrote beside the octets.
  bool intact() const {
    const auto is_filler = [](std::uint8_t octet) { return octet == kFiller; };
    return std::all_of(all_.begin(), all_.begin() + kGuard, is_filler) &&
           std::all_of(all_.end() - kGuard, all_.end(), is_filler);
  }

  friend bool operator==(const GuardedOctets&, const GuardedOctets&) = default;

 private:
  static constexpr int kGuard = 64;
  static constexpr std::uint8_t kFiller = 0xc5;

  std::vector<std::uint8_t> all_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_GUARDED_OCTETS_H_
