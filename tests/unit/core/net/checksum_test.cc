// SPDX-License-Identifier: Apache-2.0

#include "core/net/checksum.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

#include "core/net/protocols.h"
#include "tests/support/hex.h"

namespace postern {
namespace {

// RFC 1071 section 3.
TEST(InternetChecksum, AddsTheExampleOfRfc1071) {
  InternetSum sum;
  sum.Add(Hex("0001 f203 f4f5 f6f7"));
  EXPECT_EQ(sum.Folded(), 0xddf2);
  EXPECT_EQ(sum.Checksum(), 0x220d);
}

TEST(InternetChecksum, OfNothingIsAllOnes) {
  EXPECT_EQ(InternetChecksum({}), 0xffff);
}

TEST(InternetChecksum, OfARangeThatHoldsItsOwnIsZero) {
  const std::vector<std::uint8_t> header =
      Hex("45000073 00004000 4011b861 c0a80001 c0a800c7");
  EXPECT_EQ(InternetChecksum(header), 0);
}

TEST(InternetChecksum, CountsAnOddOctetAsTheFirstOfAWord) {
  EXPECT_EQ(InternetChecksum(Hex("01")), 0xfeff);
  EXPECT_EQ(InternetChecksum(Hex("000001")), 0xfeff);
}

// A UDP datagram of 10 octets, 10.0.0.1:1 to 10.0.0.2:2, "hi": by hand
// 0a00+0001+0a00+0002+0011+000a+0001+0002+000a+6869 = 7c94.
TEST(TransportChecksum, CoversThePseudoHeaderOfIpv4) {
  const IpAddress source = IpAddress::Parse("10.0.0.1").value();
  const IpAddress destination = IpAddress::Parse("10.0.0.2").value();
  std::vector<std::uint8_t> datagram = Hex("0001 0002 000a 0000 6869");
  EXPECT_EQ(UdpChecksum(source, destination, datagram), 0x836b);
  StoreBe(Bytes(datagram).subspan(6), std::uint16_t{0x836b});
  EXPECT_EQ(TransportChecksum(source, destination, 17, datagram), 0);
}

// The same over IPv6 (RFC 8200 8.1): 0001+0002 for the addresses' ends, then
// 20010db8 twice.
TEST(TransportChecksum, CoversThePseudoHeaderOfIpv6) {
  const IpAddress source = IpAddress::Parse("2001:db8::1").value();
  const IpAddress destination = IpAddress::Parse("2001:db8::2").value();
  const std::vector<std::uint8_t> message = Hex("80 00 0000 0001 0001");
  // 2*(2001+0db8) + 0001+0002 + 0008 + 003a + 8000+0001+0001 = dbb9
  EXPECT_EQ(TransportChecksum(source, destination, Number(IpProtocol::kIcmpv6),
                              message),
            static_cast<std::uint16_t>(~0xdbb9));
}

// RFC 768: zero would mean "no checksum".
TEST(UdpChecksum, IsNeverZero) {
  const IpAddress any = IpAddress::Parse("0.0.0.0").value();
  // 0011 + 0008 + ffde + 0008 = ffff
  const std::vector<std::uint8_t> datagram = Hex("ffde 0000 0008 0000");
  EXPECT_EQ(TransportChecksum(any, any, 17, datagram), 0);
  EXPECT_EQ(UdpChecksum(any, any, datagram), 0xffff);
}

}  // namespace
}  // namespace postern
