// SPDX-License-Identifier: Apache-2.0

#include "core/net/checksum.h"

#include <bit>

#include "core/net/protocols.h"
#include "core/net/word_sum.h"

namespace postern {
namespace {

std::uint16_t Swap(std::uint16_t word) {
  return static_cast<std::uint16_t>((word << 8) | (word >> 8));
}

}  // namespace

void InternetSum::Add(ConstBytes octets) {
  AddPart(SumWords(octets), octets.size());
}

void InternetSum::AddCopying(Bytes to, ConstBytes from) {
  AddPart(CopyAndSumWords(to, from), from.size());
}

// The sum is formed from words in the machine's own order and swapped once at
// the end.
void InternetSum::AddPart(std::uint16_t part, std::size_t size) {
  if (odd_) {  // its first octet is the second one of a word
    part = Swap(part);
  }
  sum_ += part;
  odd_ = odd_ != (size % 2 == 1);
}

void InternetSum::AddWord(std::uint16_t word) {
  sum_ += std::endian::native == std::endian::little ? Swap(word) : word;
}

void InternetSum::AddPseudoHeader(const IpAddress& source,
                                  const IpAddress& destination,
                                  std::uint8_t protocol,
                                  std::size_t segment_size) {
  Add(source.octets());
  Add(destination.octets());
  AddWord(static_cast<std::uint16_t>(segment_size >> 16));
  AddWord(static_cast<std::uint16_t>(segment_size & 0xffff));
  AddWord(protocol);
}

std::uint16_t InternetSum::Folded() const {
  const std::uint16_t folded = FoldWords(sum_);
  return std::endian::native == std::endian::little ? Swap(folded) : folded;
}

std::uint16_t InternetChecksum(ConstBytes octets) {
  InternetSum sum;
  sum.Add(octets);
  return sum.Checksum();
}

std::uint16_t TransportChecksum(const IpAddress& source,
                                const IpAddress& destination,
                                std::uint8_t protocol, ConstBytes segment) {
  InternetSum sum;
  sum.AddPseudoHeader(source, destination, protocol, segment.size());
  sum.Add(segment);
  return sum.Checksum();
}

std::uint16_t UdpChecksum(const IpAddress& source, const IpAddress& destination,
                          ConstBytes datagram) {
  const std::uint16_t checksum = TransportChecksum(
      source, destination, Number(IpProtocol::kUdp), datagram);
  return checksum == 0 ? 0xffff : checksum;
}

}  // namespace postern
