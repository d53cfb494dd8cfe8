// SPDX-License-Identifier: Apache-2.0
//
// The internet checksum (RFC 1071): the ones' complement of the ones'
// complement sum of 16-bit words, and the sums of TCP, UDP and ICMPv6 that
// also cover a pseudo-header of addresses (RFC 9293 3.1, RFC 8200 8.1).
//
//     InternetSum sum;
//     sum.AddPseudoHeader(source, destination, protocol, segment.size());
//     sum.Add(segment);                    // its checksum field is zero
//     StoreBe<std::uint16_t>(field, sum.Checksum());
//
// A range whose own checksum is right sums up to a Checksum() of 0.
//
// Thread safety: plain values.
// Cost: core/net/word_sum.h; an AddCopying() costs what an Add() does.

#ifndef POSTERN_CORE_NET_CHECKSUM_H_
#define POSTERN_CORE_NET_CHECKSUM_H_

#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "core/net/ip_address.h"
#include "core/net/word_sum.h"

namespace postern {

class InternetSum {
 public:
  // Adds octets behind those added so far; any part may have an odd length.
  void Add(ConstBytes octets);

  // Adds `from` and copies it to the start of `to`, in one pass.
  // REQUIRES: to.size() >= from.size(); the two do not overlap.
  void AddCopying(Bytes to, ConstBytes from);

  // Adds one 16-bit number. REQUIRES: an even number of octets was added.
  void AddWord(std::uint16_t word);

  // Adds the pseudo-header of the addresses' family.
  // REQUIRES: an even number of octets was added; both addresses have the same
  //   family.
  void AddPseudoHeader(const IpAddress& source, const IpAddress& destination,
                       std::uint8_t protocol, std::size_t segment_size);

  // The folded sum, not complemented: what a kernel wants in the checksum field
  // of a packet whose checksum a device shall finish.
  std::uint16_t Folded() const;

  // The complement of Folded(): what stands in a header.
  std::uint16_t Checksum() const {
    return static_cast<std::uint16_t>(~Folded());
  }

 private:
  void AddPart(std::uint16_t part, std::size_t size);

  std::uint64_t sum_ = 0;  // of words in host order, not folded
  bool odd_ = false;       // whether an odd number of octets was added
};

// The checksum of one range, for example an IPv4 header or an ICMP message.
std::uint16_t InternetChecksum(ConstBytes octets);

// The same of an IPv4 header: the fixed one of known size and what options
// follow it. REQUIRES: header.size() is a multiple of 4, 20 at least.
inline std::uint16_t HeaderChecksum(ConstBytes header) {
  constexpr std::size_t kFixed = 20;
  constexpr std::size_t kWord = sizeof(std::uint32_t);
  const auto fixed = header.first<kFixed>();
  std::uint64_t sum =
      std::uint64_t{LoadBe<std::uint32_t>(fixed.first<kWord>())};
  sum += LoadBe<std::uint32_t>(fixed.subspan<kWord, kWord>());
  sum += LoadBe<std::uint32_t>(fixed.subspan<2 * kWord, kWord>());
  sum += LoadBe<std::uint32_t>(fixed.subspan<3 * kWord, kWord>());
  sum += LoadBe<std::uint32_t>(fixed.subspan<4 * kWord, kWord>());
  for (std::size_t i = kFixed; i < header.size(); i += kWord) {
    sum += LoadBe<std::uint32_t>(header.subspan(i));
  }
  return static_cast<std::uint16_t>(~FoldWords(sum));
}

// The checksum of a TCP, UDP or ICMPv6 segment with its pseudo-header; 0 when
// the segment holds its right checksum already. UDP sends 0xffff instead of 0
// (RFC 768): UdpChecksum() does that.
std::uint16_t TransportChecksum(const IpAddress& source,
                                const IpAddress& destination,
                                std::uint8_t protocol, ConstBytes segment);

// TransportChecksum() of a datagram whose field is zero, as it is sent.
std::uint16_t UdpChecksum(const IpAddress& source, const IpAddress& destination,
                          ConstBytes datagram);

}  // namespace postern

#endif  // POSTERN_CORE_NET_CHECKSUM_H_
