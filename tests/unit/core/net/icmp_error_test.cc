// SPDX-License-Identifier: Apache-2.0

#include "core/net/icmp_error.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "gtest/gtest.h"

#include "tests/support/packet_builder.h"

namespace postern {
namespace {

constexpr std::uint8_t kUnreachable4 = 3;
constexpr std::uint8_t kUnreachable6 = 1;

struct Ends {
  std::string_view here;
  std::string_view there;
};

constexpr Ends kV4 = {"10.9.1.1", "10.9.2.1"};
constexpr Ends kV6 = {"fd00:9:1::1", "fd00:9:2::1"};

// An error of this type about `quoted`, from the first address to the second.
Octets Error(const Ends& ends, std::uint8_t type, const Octets& quoted) {
  Octets payload(8);
  payload[0] = type;
  payload.insert(payload.end(), quoted.begin(), quoted.end());
  const bool is_v4 = ends.here.find('.') != std::string_view::npos;
  return PacketBuilder(ends.here, ends.there).Raw(is_v4 ? 1 : 58, payload);
}

Quotation QuotationIn(const Octets& packet, Direction direction) {
  return QuotationOf(IpView::Parse(packet).value(), direction);
}

std::optional<FlowKey> Quoted(const Octets& packet, Direction direction) {
  const Quotation quotation = QuotationIn(packet, direction);
  return quotation.kind == Quotation::Kind::kFlow
             ? std::optional(quotation.flow)
             : std::nullopt;
}

FlowKey KeyOf(const Ends& ends, std::uint8_t protocol) {
  return {IpAddress::Parse(ends.here).value(),
          IpAddress::Parse(ends.there).value(), 80, 4711, protocol};
}

TEST(IcmpError, TellsOfTheFlowThatCausedIt) {
  for (const auto& [ends, type] :
       {std::pair{kV4, kUnreachable4}, {kV6, kUnreachable6}}) {
    const Octets came =
        PacketBuilder(ends.there, ends.here).Udp(4711, 80, {1, 2, 3});
    EXPECT_EQ(Quoted(Error(ends, type, came), Direction::kOutbound),
              KeyOf(ends, 17));
    const Octets sent =
        PacketBuilder(ends.here, ends.there).Tcp(80, 4711, kAck);
    EXPECT_EQ(
        Quoted(Error({ends.there, ends.here}, type, sent), Direction::kInbound),
        KeyOf(ends, 6));
  }
}

// RFC 792: "the internet header plus the first 64 bits".
TEST(IcmpError, NeedsNoMoreOfAQuotationThanItsPorts) {
  Octets sent = PacketBuilder(kV4.here, kV4.there).Udp(80, 4711, Octets(1000));
  sent.resize(28);
  EXPECT_EQ(Quoted(Error({kV4.there, kV4.here}, kUnreachable4, sent),
                   Direction::kInbound),
            KeyOf(kV4, 17));
}

TEST(IcmpError, TellsOfNoFlowWhereThereAreNoPorts) {
  const Octets esp = PacketBuilder(kV4.here, kV4.there).Raw(50, Octets(40));
  const Octets echo = PacketBuilder(kV4.here, kV4.there).IcmpEcho(1, 1);
  for (const Octets& quoted : {esp, echo}) {
    EXPECT_EQ(
        QuotationIn(Error(kV4, kUnreachable4, quoted), Direction::kInbound)
            .kind,
        Quotation::Kind::kNone);
  }
}

// What the kernel may hand to a socket, and we cannot tell to which.
TEST(IcmpError, IsUnclearWhereTheKernelReadsMoreThanWeMay) {
  Octets version = PacketBuilder(kV4.here, kV4.there).Udp(80, 4711, {});
  version[0] = 0x55;
  Octets short_header = PacketBuilder(kV4.here, kV4.there).Udp(80, 4711, {});
  short_header[0] = 0x44;
  const Octets later =
      PacketBuilder(kV4.here, kV4.there).FragmentOffset(8).Udp(80, 4711, {});
  for (const Octets& quoted :
       {version, short_header, later, Octets(), Octets(60)}) {
    EXPECT_EQ(
        QuotationIn(Error(kV4, kUnreachable4, quoted), Direction::kInbound)
            .kind,
        Quotation::Kind::kUnclear);
  }
  const PacketBuilder v6(kV6.here, kV6.there);
  for (const std::uint8_t header : Octets{43, 51}) {
    const Octets quoted =
        PacketBuilder(v6).Extension(header, Octets(8)).Udp(80, 4711, {});
    EXPECT_EQ(
        QuotationIn(Error(kV6, kUnreachable6, quoted), Direction::kInbound)
            .kind,
        Quotation::Kind::kUnclear);
  }
}

// Wrong options are no reason for the kernel to look away.
TEST(IcmpError, ReadsPastOptionsAndExtensionHeaders) {
  const Octets options = PacketBuilder(kV4.here, kV4.there)
                             .Ipv4Options({0x44, 0, 0, 0})
                             .Udp(80, 4711, {});
  EXPECT_EQ(Quoted(Error({kV4.there, kV4.here}, kUnreachable4, options),
                   Direction::kInbound),
            KeyOf(kV4, 17));
  PacketBuilder headers(kV6.here, kV6.there);
  for (int i = 0; i < 40; ++i) {
    headers.Extension(60, Octets(8, 0xff));
  }
  EXPECT_EQ(Quoted(Error({kV6.there, kV6.here}, kUnreachable6,
                         headers.Udp(80, 4711, {})),
                   Direction::kInbound),
            KeyOf(kV6, 17));
}

TEST(IcmpError, OnlyErrorsQuote) {
  const Octets sent = PacketBuilder(kV4.here, kV4.there).Udp(80, 4711, {});
  for (const std::uint8_t type : Octets{0, 8, 13, 14, 30}) {
    EXPECT_FALSE(Quoted(Error(kV4, type, sent), Direction::kInbound));
  }
  for (const std::uint8_t type : Octets{3, 4, 5, 11, 12}) {
    EXPECT_TRUE(Quoted(Error(kV4, type, sent), Direction::kInbound));
  }
  const Octets sent6 = PacketBuilder(kV6.here, kV6.there).Udp(80, 4711, {});
  for (const std::uint8_t type : Octets{128, 129, 135, 255}) {
    EXPECT_FALSE(Quoted(Error(kV6, type, sent6), Direction::kInbound));
  }
}

// What a stranger writes into a quotation must never be read past its end.
TEST(IcmpError, SurvivesTruncationAtEveryOctetAndNoise) {
  for (const auto& [ends, type] :
       {std::pair{kV4, kUnreachable4}, {kV6, kUnreachable6}}) {
    const Octets sent =
        PacketBuilder(ends.here, ends.there).Udp(80, 4711, Octets(40));
    for (std::size_t size = 0; size <= sent.size(); ++size) {
      Octets cut(sent.begin(), sent.begin() + static_cast<long>(size));
      const auto whole = Quoted(Error(ends, type, cut), Direction::kInbound);
      const std::size_t ports = (ends.here == kV4.here ? 20U : 40U) + 4U;
      EXPECT_EQ(whole.has_value(), size >= ports) << size;
      for (std::size_t i = 0; i < cut.size(); ++i) {
        Octets noisy = cut;
        noisy[i] = 0xff;
        (void)Quoted(Error(ends, type, noisy), Direction::kInbound);
      }
    }
  }
}

}  // namespace
}  // namespace postern
