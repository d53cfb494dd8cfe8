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
// Cost: three (IPv4) or six loads and comparisons of words; no more to make one.

#ifndef POSTERN_POLICY_FLOW_PATTERN_H_
#define POSTERN_POLICY_FLOW_PATTERN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <tuple>

#include "core/bytes.h"
#include "core/flow/flow_key.h"
#include "core/net/ipv6_extensions.h"
#include "core/net/plain_ip.h"
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
    const std::size_t size = is_v4_ ? MatchStart<PlainIpv4>(octets, kMaskV4)
                                    : MatchStart<PlainIpv6>(octets, kMaskV6);
    if (size < least_ || size > octets.size() ||
        (is_tcp_ && (octets[least_ - 1] & tcp::kSyn) != 0)) {
      return 0;
    }
    return size;
  }

 private:
  static constexpr std::size_t kPortsSize = 4;

  // Of the octets that name a flow: an IP header, and ports.
  template <std::size_t kHeader>
  using Start = std::array<std::uint8_t, kHeader + kPortsSize>;
  using StartV4 = Start<ipv4::kHeaderSize>;
  using StartV6 = Start<kIpv6HeaderSize>;

  static constexpr StartV4 kMaskV4 = [] {
    StartV4 mask{};
    mask[0] = 0xff;
    mask[ipv4::kFragment] = 0x3f;  // more fragments, and the offset
    mask[ipv4::kFragment + 1] = 0xff;
    mask[ipv4::kProtocol] = 0xff;
    for (std::size_t i = ipv4::kAddresses; i < mask.size(); ++i) {
      mask[i] = 0xff;
    }
    return mask;
  }();

  static constexpr StartV6 kMaskV6 = [] {
    StartV6 mask{};
    mask[0] = 0xf0;
    mask[ipv6::kNextHeader] = 0xff;
    for (std::size_t i = ipv6::kAddresses; i < mask.size(); ++i) {
      mask[i] = 0xff;
    }
    return mask;
  }();

  // Eight octets, in the machine's order.
  static std::uint64_t WordAt(const std::uint8_t* octets) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets, sizeof(word));
    return word;
  }

  // What the length field says; 0 when the start is another flow's.
  // REQUIRES: octets.size() >= the mask's.
  template <typename Plain, std::size_t kSize>
  std::size_t MatchStart(ConstBytes octets,
                         const std::array<std::uint8_t, kSize>& mask) const {
    const auto start = octets.first<kSize>();
    return Fits(start, mask)
               ? Plain::SizeOf(start.template first<Plain::kSize>())
               : 0;
  }

  // Word by word; the last may overlap the one before.
  template <std::size_t kSize>
  bool Fits(std::span<const std::uint8_t, kSize> octets,
            const std::array<std::uint8_t, kSize>& mask) const {
    constexpr std::size_t kWord = sizeof(std::uint64_t);
    static_assert(kSize <= std::tuple_size_v<StartV6>);
    std::uint64_t different = 0;
#pragma GCC unroll 6
    for (std::size_t at = 0; at < kSize; at += kWord) {
      const std::size_t offset = at + kWord <= kSize ? at : kSize - kWord;
      different |=
          (WordAt(octets.data() + offset) ^ WordAt(value_.data() + offset)) &
          WordAt(mask.data() + offset);
    }
    return different == 0;
  }

  std::size_t least_ = static_cast<std::size_t>(-1);
  bool is_v4_ = true;
  bool is_tcp_ = false;
  StartV6 value_;  // where the mask has ones; meaningless while nothing fits
};

}  // namespace postern

#endif  // POSTERN_POLICY_FLOW_PATTERN_H_
