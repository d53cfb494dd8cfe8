// SPDX-License-Identifier: Apache-2.0
//
// A FlowPattern recognises the next packet of a TCP or UDP flow by the first
// words of its octets, without parsing it: what of them names the flow must be
// equal, and the packet be a plain one.
//
//     IPv4   45 .. .. .. .. .. 00 00 | .. pp .. .. source | destination, ports |
//     IPv6   6. .. .. .. .. .. pp .. | source, destination      | ports |
//            (. is anything; the 00 leave out "don't fragment" and reserved)
//
// Plain are packets without IPv4 options, extension headers and fragments; and
// TCP segments that show their flags and no SYN among them. Whatever else there
// is fits no pattern, and is looked at with care elsewhere.
//
// Thread safety: a plain value.
// Cost: three (IPv4) or six loads and comparisons of words.

#ifndef POSTERN_POLICY_FLOW_PATTERN_H_
#define POSTERN_POLICY_FLOW_PATTERN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/bytes.h"
#include "core/flow/flow_key.h"
#include "core/net/protocols.h"
#include "core/net/transport_fields.h"

namespace postern {

class FlowPattern {
 public:
  // Fits nothing.
  FlowPattern() = default;

  // Fits packets of this flow in this direction; none unless it is TCP or UDP.
  FlowPattern(const FlowKey& flow, Direction direction);

  // The packet's size by its own length field; 0 when it does not fit. Behind
  // the packet there may be more octets.
  std::size_t Match(ConstBytes octets) const {
    if (octets.size() < least_) {
      return 0;
    }
    for (std::size_t i = 0; i < count_; ++i) {
      if ((WordAt(octets, words_[i].offset) & words_[i].mask) !=
          words_[i].value) {
        return 0;
      }
    }
    if (is_tcp_ && (octets[least_ - 1] & tcp::kSyn) != 0) {
      return 0;
    }
    const std::size_t size =
        LoadBe<std::uint16_t>(octets.subspan(length_offset_)) + length_adds_;
    return size >= least_ && size <= octets.size() ? size : 0;
  }

 private:
  static constexpr std::size_t kMostWords = 6;

  // Eight octets of the packet, in the machine's order.
  struct Word {
    std::size_t offset;
    std::uint64_t mask;
    std::uint64_t value;
  };

  // REQUIRES: octets.size() >= least_, which covers every word.
  static std::uint64_t WordAt(ConstBytes octets, std::size_t offset) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets.data() + offset, sizeof(word));
    return word;
  }

  std::size_t least_ = static_cast<std::size_t>(-1);
  std::size_t count_ = 0;
  std::array<Word, kMostWords> words_{};
  std::size_t length_offset_ = 0;
  std::size_t length_adds_ = 0;
  bool is_tcp_ = false;
};

}  // namespace postern

#endif  // POSTERN_POLICY_FLOW_PATTERN_H_
