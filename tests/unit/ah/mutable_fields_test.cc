// SPDX-License-Identifier: Apache-2.0

#include "ah/mutable_fields.h"

#include <array>
#include <cstdint>
#include <set>
#include <vector>

#include "gtest/gtest.h"

#include "tests/unit/ah/ah_sas.h"

namespace postern::ah {
namespace {

class CoveredLeadTest : public testing::Test {
 protected:
  // The headers of `packet` in front of its last `rest` octets.
  Octets Covered(const Octets& packet, std::size_t rest) {
    const ConstBytes lead = ConstBytes(packet).first(packet.size() - rest);
    const Opinion<ConstBytes> covered = CoveredLead(lead, room_);
    EXPECT_TRUE(covered.ok());
    return covered.ok() ? Octets(covered->begin(), covered->end()) : Octets();
  }

  DropReason Refusal(const Octets& lead) {
    const Opinion<ConstBytes> covered = CoveredLead(lead, room_);
    EXPECT_FALSE(covered.ok());
    return covered.ok() ? DropReason::kForgotten : covered.error();
  }

  // A packet whose payload is AH, without the payload.
  static Octets Lead(const PacketBuilder& builder) {
    return builder.Raw(51, {});
  }

  Octets room_ = Octets(kMaxLead);
};

// RFC 4302 appendix A1: the immutable options, by copy flag, class and number.
// AH-26 to AH-29
TEST(Ipv4OptionTable, CoversExactlyWhatTheRfcLists) {
  const std::set<unsigned> immutable = {
      0x00 | 0,   // end of list
      0x00 | 1,   // no operation
      0x80 | 2,   // security
      0x80 | 5,   // extended security
      0x80 | 6,   // commercial security
      0x80 | 20,  // router alert
      0x80 | 21,  // sender directed multi-destination delivery
  };
  for (unsigned type = 0; type < 256; ++type) {
    EXPECT_EQ(CoversIpv4Option(static_cast<std::uint8_t>(type)),
              immutable.contains(type))
        << type;
  }
}

// DEF-27
// AH-21, AH-22, AH-23
TEST_F(CoveredLeadTest, ZeroesTheMutableFieldsOfIpv4) {
  const Octets lead =
      Lead(HostsV4().TrafficClass(0xff).HopLimit(99).DontFragment());
  EXPECT_EQ(Covered(lead, 0),
            (Octets{0x45, 0, 0, 20, lead[4], lead[5], 0,   0, 0, 51, 0, 0,  //
                    192,  0, 2, 10, 198,     51,      100, 20}));
}

// DEF-27
// AH-31, AH-32
TEST_F(CoveredLeadTest, ZeroesTheMutableFieldsOfIpv6) {
  Octets lead = Lead(HostsV6().TrafficClass(0xff).HopLimit(99));
  lead[2] = 0xab;  // the flow label
  Octets expected = lead;
  expected[0] = 0x60;
  expected[1] = expected[2] = expected[3] = expected[7] = 0;
  EXPECT_EQ(Covered(lead, 0), expected);
}

// DEF-13, DEF-27
// AH-25: every option type, as a unit of type, length and data.
TEST_F(CoveredLeadTest, KeepsOrZeroesIpv4OptionsAsUnits) {
  for (unsigned number = 2; number < 256; ++number) {
    const auto type = static_cast<std::uint8_t>(number);
    if (type == 131 || type == 137) {
      continue;  // source routes have tests of their own
    }
    const Octets option = {1, type, 5, 0x11, 0x22, 0x33, 1, 1};
    Octets expected = option;
    if (!CoversIpv4Option(type)) {
      expected = {1, 0, 0, 0, 0, 0, 1, 1};
    }
    const Octets covered = Covered(Lead(HostsV4().Ipv4Options(option)), 0);
    EXPECT_EQ(Octets(covered.begin() + 20, covered.end()), expected) << number;
  }
}

// DEF-13
// Octets behind an end of list belong to no option and are covered as they are.
TEST_F(CoveredLeadTest, EndsTheOptionsAtTheEndOfList) {
  const Octets options = {7, 4, 9, 9, 0, 7, 4, 9};
  const Octets covered = Covered(Lead(HostsV4().Ipv4Options(options)), 0);
  EXPECT_EQ(Octets(covered.begin() + 20, covered.end()),
            (Octets{0, 0, 0, 0, 0, 7, 4, 9}));
}

// DEF-13: an option's length is 0, 1, or reaches past the end.
TEST_F(CoveredLeadTest, RefusesIpv4OptionLengthsThatCannotBe) {
  for (const std::uint8_t type : Octets{2, 7, 130, 131, 137, 255}) {
    for (unsigned length = 0; length < 256; ++length) {
      if (length >= 2 && length <= 8) {
        continue;
      }
      const Octets options = {
          type, static_cast<std::uint8_t>(length), 4, 4, 4, 4, 4, 4};
      EXPECT_EQ(Refusal(Lead(HostsV4().Ipv4Options(options))),
                DropReason::kBadIpOption);
    }
  }
}

// DEF-13
// AH-21
// AH-24: on the way the destination is the next hop; the ICV has the last one.
TEST_F(CoveredLeadTest, PutsTheFinalDestinationOfASourceRoute) {
  for (const std::uint8_t type : Octets{131, 137}) {
    const Octets hops = {10, 0, 0, 1, 10, 0, 0, 2};
    for (const std::uint8_t pointer : Octets{4, 8, 12}) {
      Octets option = {type, 11, pointer};
      option.insert(option.end(), hops.begin(), hops.end());
      const Octets covered = Covered(Lead(HostsV4().Ipv4Options(option)), 0);
      const Octets arrived = {198, 51, 100, 20};  // the header's own
      EXPECT_EQ(Octets(covered.begin() + 16, covered.begin() + 20),
                pointer == 12 ? arrived : Octets({10, 0, 0, 2}));
      EXPECT_EQ(Octets(covered.begin() + 20, covered.end()), Octets(12));
    }
  }
}

// DEF-13
TEST_F(CoveredLeadTest, RefusesASourceRouteThatCannotBe) {
  const std::vector<Octets> routes = {
      {131, 2},                  // no pointer
      {131, 5, 4, 10, 0},        // half an address
      {131, 7, 0, 10, 0, 0, 1},  // a pointer into the option's head
      {131, 7, 3, 10, 0, 0, 1},  //
      {131, 7, 5, 10, 0, 0, 1},  // into the middle of an address
      {131, 7, 4, 10, 0, 0, 1, 137, 7, 4, 10, 0, 0, 2}};  // two routes
  for (const Octets& route : routes) {
    EXPECT_EQ(Refusal(Lead(HostsV4().Ipv4Options(route))),
              DropReason::kBadIpOption);
  }
}

// DEF-27
// AH-34, AH-35: all 256 types of IPv6 options, in both headers that have them.
TEST_F(CoveredLeadTest, ZeroesTheDataOfIpv6OptionsThatMayChange) {
  for (const std::uint8_t header : Octets{0, 60}) {
    for (unsigned number = 1; number < 256; ++number) {
      const auto type = static_cast<std::uint8_t>(number);
      const Octets extension = {0, 0, type, 3, 0x11, 0x22, 0x33, 0};
      Octets expected = Lead(HostsV6().Extension(header, extension));
      const Octets covered = Covered(expected, 0);
      if ((number >> 5) % 2 == 1) {  // RFC 8200 4.2: the third highest bit
        expected[44] = expected[45] = expected[46] = 0;
      }
      expected[7] = 0;
      EXPECT_EQ(covered, expected) << number;
    }
  }
}

TEST_F(CoveredLeadTest, RefusesIpv6OptionsThatReachPastTheirHeader) {
  EXPECT_EQ(Refusal(Lead(HostsV6().Extension(0, {0, 0, 5, 5, 0, 0, 0, 0}))),
            DropReason::kBadExtensionHeader);
}

// A routing header with the addresses 1, 2, 3.
Octets RoutingHeader(std::uint8_t type, std::uint8_t segments_left) {
  Octets header = {0, 6, type, segments_left, 0, 0, 0, 0};
  for (std::uint8_t i = 1; i <= 3; ++i) {
    header.insert(header.end(), 16, i);
  }
  return header;
}

// AH-33: RFC 2460 4.4, played by hand. With 2 left the packet is on its way to
// the first hop; 1 stands used, 2 and 3 are to come.
TEST_F(CoveredLeadTest, LetsARoutingHeaderArrive) {
  for (const std::uint8_t type : Octets{0, 2}) {
    const Octets lead = Lead(HostsV6().Extension(43, RoutingHeader(type, 2)));
    const Octets covered = Covered(lead, 0);
    Octets expected = lead;
    expected[7] = 0;
    expected[43] = 0;
    std::fill(expected.begin() + 24, expected.begin() + 40, 3);
    std::copy(lead.begin() + 24, lead.begin() + 40, expected.begin() + 64);
    std::fill(expected.begin() + 80, expected.begin() + 96, 2);
    EXPECT_EQ(covered, expected);
  }
}

TEST_F(CoveredLeadTest, KeepsARoutingHeaderThatHasArrived) {
  for (const std::uint8_t type : Octets{0, 2, 3, 4, 99}) {
    Octets lead = Lead(HostsV6().Extension(43, RoutingHeader(type, 0)));
    const Octets covered = Covered(lead, 0);
    lead[7] = 0;
    EXPECT_EQ(covered, lead);
  }
}

TEST_F(CoveredLeadTest, RefusesARoutingHeaderWhoseArrivalNobodyKnows) {
  for (const Octets& header :
       {RoutingHeader(4, 1), RoutingHeader(0, 4),
        Octets{0, 0, 0, 1, 0, 0, 0, 0},
        Octets{0, 1, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}}) {
    EXPECT_EQ(Refusal(Lead(HostsV6().Extension(43, header))),
              DropReason::kBadExtensionHeader);
  }
}

// AH-36, FRAG-20: as if it had been reassembled.
TEST_F(CoveredLeadTest, LeavesTheFragmentHeaderOut) {
  const Octets options = {0, 0, 0x1e, 4, 9, 8, 7, 6};
  const Octets lead = Lead(HostsV6()
                               .Extension(0, options)
                               .Extension(44, {0, 0, 0, 0, 1, 2, 3, 4})
                               .Extension(60, options));
  Octets whole = Lead(HostsV6().Extension(0, options).Extension(60, options));
  whole[7] = 0;
  EXPECT_EQ(Covered(lead, 0), whole);
}

TEST_F(CoveredLeadTest, RefusesTwoFragmentHeaders) {
  const Octets fragment(8);
  EXPECT_EQ(
      Refusal(Lead(HostsV6().Extension(44, fragment).Extension(44, fragment))),
      DropReason::kBadExtensionHeader);
}

// DEF-14: a stack buffer has a bound.
TEST_F(CoveredLeadTest, RefusesARowOfHeadersThatIsTooLong) {
  Octets options(2048);
  options[1] = 255;
  EXPECT_EQ(
      Refusal(Lead(HostsV6().Extension(60, options).Extension(60, options))),
      DropReason::kTooManyHeaders);
}

}  // namespace
}  // namespace postern::ah
