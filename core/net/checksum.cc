// SPDX-License-Identifier: Apache-2.0

#include "core/net/checksum.h"

#include <bit>
#include <cstring>

#include "core/net/protocols.h"

namespace postern {
namespace {

// The sum is formed from words in the machine's own order and swapped once at
// the end: ones' complement addition does not care (RFC 1071 section 2 (B)).
std::uint16_t Fold(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t Swap(std::uint16_t word) {
  return static_cast<std::uint16_t>((word << 8) | (word >> 8));
}

// Adds with the end-around carry.
std::uint64_t Plus(std::uint64_t sum, std::uint64_t more) {
  sum += more;
  return sum + (sum < more ? 1 : 0);
}

std::uint64_t Load64(const std::uint8_t* at) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

std::uint64_t SumOf(ConstBytes octets) {
  constexpr std::size_t kStride = 32;
  // Four independent chains of carries.
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
  std::uint64_t d = 0;
  while (octets.size() >= kStride) {
    a = Plus(a, Load64(octets.data()));
    b = Plus(b, Load64(octets.data() + 8));
    c = Plus(c, Load64(octets.data() + 16));
    d = Plus(d, Load64(octets.data() + 24));
    octets = octets.subspan(kStride);
  }
  std::uint64_t sum = Plus(Plus(a, b), Plus(c, d));
  while (octets.size() >= sizeof(std::uint64_t)) {
    sum = Plus(sum, Load64(octets.data()));
    octets = octets.subspan(sizeof(std::uint64_t));
  }
  if (!octets.empty()) {  // as if zero octets followed
    std::uint64_t last = 0;
    std::memcpy(&last, octets.data(), octets.size());
    sum = Plus(sum, last);
  }
  return sum;
}

}  // namespace

void InternetSum::Add(ConstBytes octets) {
  std::uint16_t part = Fold(SumOf(octets));
  if (odd_) {  // its first octet is the second one of a word
    part = Swap(part);
  }
  sum_ += part;
  odd_ = odd_ != (octets.size() % 2 == 1);
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
  const std::uint16_t folded = Fold(sum_);
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
