// SPDX-License-Identifier: Apache-2.0

#include "core/flow/selector.h"

#include "gtest/gtest.h"

namespace postern {
namespace {

IpAddress Address(const char* text) {
  return IpAddress::Parse(text).value();
}

AddressRange Between(const char* first, const char* last) {
  return {Address(first), Address(last)};
}

Traffic To(const char* remote, std::uint8_t protocol = 17,
           std::uint16_t remote_port = 80) {
  const char* const local =
      Address(remote).family() == IpFamily::kV4 ? "10.9.0.1" : "fd00::1";
  return FlowKey{Address(local), Address(remote), 4711, remote_port, protocol};
}

Traffic Fragment(std::uint8_t protocol = 17) {
  Traffic traffic = To("10.9.0.2", protocol, 0);
  traffic.key.local_port = 0;
  traffic.aspect.shows = Aspect::Shows::kHidden;
  return traffic;
}

Traffic Message(std::uint8_t protocol, std::uint16_t message) {
  Traffic traffic = To("10.9.0.2", protocol, 0);
  traffic.aspect.shows = Aspect::Shows::kMessage;
  traffic.aspect.message = message;
  return traffic;
}

bool Matches(const Selector& selector, const Traffic& traffic) {
  return selector.Matches(traffic, Direction::kOutbound);
}

// SEL-01
TEST(SelectorLists, ARangeThatIsNoPrefixHasItsEdgesAndNoNeighbours) {
  const Selector selector{.destination = Between("192.0.2.3", "192.0.2.10")};
  EXPECT_FALSE(Matches(selector, To("192.0.2.2")));
  EXPECT_TRUE(Matches(selector, To("192.0.2.3")));
  EXPECT_TRUE(Matches(selector, To("192.0.2.10")));
  EXPECT_FALSE(Matches(selector, To("192.0.2.11")));
  EXPECT_FALSE(Matches(selector, To("2001:db8::1")));
  const Selector v6{.destination = Between("2001:db8::ff", "2001:db8::1:0")};
  EXPECT_FALSE(Matches(v6, To("2001:db8::fe")));
  EXPECT_TRUE(Matches(v6, To("2001:db8::ff")));
  EXPECT_TRUE(Matches(v6, To("2001:db8::1:0")));
  EXPECT_FALSE(Matches(v6, To("2001:db8::1:1")));
  EXPECT_FALSE(Matches(v6, To("192.0.2.3")));
}

TEST(SelectorLists, APrefixIsTheRangeOfItsAddresses) {
  EXPECT_EQ(RangeOf(IpPrefix::Parse("10.0.0.0/9").value()),
            Between("10.0.0.0", "10.127.255.255"));
  EXPECT_EQ(RangeOf(IpPrefix::Parse("::/0").value()),
            Between("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
  EXPECT_EQ(RangeOf(IpPrefix::Parse("192.0.2.1").value()),
            Between("192.0.2.1", "192.0.2.1"));
}

// SEL-04
TEST(SelectorLists, PortsAreListsOfRanges) {
  const Selector selector{
      .protocol = std::uint8_t{17},
      .destination_port = PortSelector::Of({{80, 80}, {1000, 2000}})};
  for (const auto& [port, meant] : {std::pair{79, false},
                                    {80, true},
                                    {81, false},
                                    {999, false},
                                    {1000, true},
                                    {2000, true},
                                    {2001, false}}) {
    EXPECT_EQ(
        Matches(selector, To("10.9.0.2", 17, static_cast<std::uint16_t>(port))),
        meant)
        << port;
  }
}

// SEL-02
TEST(SelectorLists, ProtocolsAreAListToo) {
  const Selector selector{.protocol = ProtocolSelector::Of({{6, 6}, {17, 17}})};
  EXPECT_TRUE(Matches(selector, To("10.9.0.2", 6)));
  EXPECT_TRUE(Matches(selector, To("10.9.0.2", 17)));
  EXPECT_FALSE(Matches(selector, To("10.9.0.2", 1, 0)));
}

// SEL-05 SPD-16 FRAG-06: a later fragment may be of the port, so it is neither
// one that matches nor one that does not.
TEST(SelectorOfAFragment, IsUnclearWhereAPortIsNamed) {
  Selector selector{.protocol = std::uint8_t{17},
                    .destination_port = std::uint16_t{80}};
  EXPECT_EQ(selector.Judge(Fragment(), Direction::kOutbound), Fit::kUnclear);
  EXPECT_FALSE(Matches(selector, Fragment()));
  // What is certain is certain.
  EXPECT_EQ(selector.Judge(Fragment(6), Direction::kOutbound), Fit::kNo);
  selector.destination = IpPrefix::Parse("10.10.0.0/16").value();
  EXPECT_EQ(selector.Judge(Fragment(), Direction::kOutbound), Fit::kNo);
}

// SEL-08 FRAG-03
TEST(SelectorOfAFragment, MatchesAnyAndOpaqueAndAWholePacketOnlyAny) {
  const Selector any{.protocol = std::uint8_t{17}};
  const Selector opaque{.protocol = std::uint8_t{17},
                        .destination_port = PortSelector::Opaque()};
  EXPECT_TRUE(Matches(any, Fragment()));
  EXPECT_TRUE(Matches(opaque, Fragment()));
  EXPECT_TRUE(Matches(any, To("10.9.0.2")));
  EXPECT_FALSE(Matches(opaque, To("10.9.0.2")));
}

// SEL-02 SEL-08: over IPv6 the protocol itself may be hidden.
TEST(SelectorOfAFragment, MatchesAnOpaqueProtocolThatIsHidden) {
  Traffic hidden = To("2001:db8::1", 60, 0);
  hidden.aspect.shows = Aspect::Shows::kHidden;
  const Selector opaque{.protocol = ProtocolSelector::Opaque()};
  EXPECT_TRUE(Matches(opaque, hidden));
  EXPECT_FALSE(Matches(opaque, To("2001:db8::1")));
  const Selector udp{.protocol = std::uint8_t{17}};
  EXPECT_EQ(udp.Judge(hidden, Direction::kOutbound), Fit::kUnclear);
}

// SEL-07
TEST(SelectorOfMessages, ComparesTypeAndCodeAsOneNumber) {
  const Selector selector{.protocol = std::uint8_t{1},
                          .message = *RangeOf(MessageTypes{3, 11, 1, 1})};
  EXPECT_FALSE(Matches(selector, Message(1, 3 * 256)));
  EXPECT_TRUE(Matches(selector, Message(1, 3 * 256 + 1)));
  EXPECT_TRUE(Matches(selector, Message(1, 5 * 256 + 200)));
  EXPECT_TRUE(Matches(selector, Message(1, 11 * 256 + 1)));
  EXPECT_FALSE(Matches(selector, Message(1, 11 * 256 + 2)));
  EXPECT_EQ(selector.Judge(Fragment(1), Direction::kOutbound), Fit::kUnclear);
}

// SEL-06
TEST(SelectorOfMessages, HoldsTypesOfMobilityHeaders) {
  const Selector selector{
      .protocol = std::uint8_t{135},
      .message = *RangeOf(MessageTypes{.type_first = 5, .type_last = 6})};
  EXPECT_FALSE(Matches(selector, Message(135, 4 * 256)));
  EXPECT_TRUE(Matches(selector, Message(135, 5 * 256)));
  EXPECT_TRUE(Matches(selector, Message(135, 6 * 256)));
  EXPECT_FALSE(Matches(selector, Message(135, 7 * 256)));
}

TEST(SelectorOfMessages, RefusesAnEndBeforeTheBeginning) {
  EXPECT_EQ(RangeOf(MessageTypes{3, 3, 4, 1}), std::nullopt);
  EXPECT_TRUE(RangeOf(MessageTypes{3, 4, 4, 1}).has_value());
}

void ExpectRefused(const Selector& selector, ErrorCode code) {
  const Status valid = Validate(selector);
  ASSERT_FALSE(valid.ok()) << ToString(selector);
  EXPECT_EQ(valid.error().code, code) << valid.error().message;
}

TEST(SelectorValidation, RefusesWhatCannotBeMeant) {
  const PortSelector port = std::uint16_t{80};
  // SEL-13, SEL-09, FRAG-02
  ExpectRefused({.source_port = port}, ErrorCode::kInvalid);
  ExpectRefused({.protocol = std::uint8_t{50}, .source_port = port},
                ErrorCode::kUnsupported);
  ExpectRefused({.protocol = ProtocolSelector::Of({{6, 6}, {51, 51}}),
                 .destination_port = port},
                ErrorCode::kUnsupported);
  ExpectRefused({.protocol = std::uint8_t{6}, .message = port},
                ErrorCode::kUnsupported);
  // SEL-01
  ExpectRefused({.source = AddressSelector::Of(
                     {Between("10.0.0.1", "10.0.0.2"), Between("::1", "::2")})},
                ErrorCode::kInvalid);
  ExpectRefused({.source = Address("10.0.0.1"), .destination = Address("::1")},
                ErrorCode::kInvalid);
  // SEL-02: IPv4 shows its protocol always.
  ExpectRefused(
      {.source = Address("10.0.0.1"), .protocol = ProtocolSelector::Opaque()},
      ErrorCode::kInvalid);
  EXPECT_TRUE(Validate({.source = Address("::1"),
                        .protocol = ProtocolSelector::Opaque()})
                  .ok());
  EXPECT_TRUE(Validate(Selector()).ok());
}

TEST(SelectorText, NamesWhatIsNotAny) {
  EXPECT_EQ(ToString(Selector()), "any");
  EXPECT_EQ(
      ToString(Selector{
          .source = AddressSelector::Of({Between("10.0.0.0", "10.255.255.255"),
                                         Between("192.0.2.3", "192.0.2.10")}),
          .protocol = std::uint8_t{6},
          .destination_port = PortSelector::Of({{80, 80}, {1000, 2000}})}),
      "source=10.0.0.0/8,192.0.2.3-192.0.2.10 protocol=6 "
      "destination_port=80,1000-2000");
}

// UDP-17
TEST(Selector, OverlapsWhereAPacketFitsBoth) {
  const auto ports = [](std::vector<PortSelector::Range> ranges) {
    return Selector{.protocol = std::uint8_t{6},
                    .destination_port = PortSelector::Of(std::move(ranges))};
  };
  const Selector low = ports({{1, 10}, {20, 30}});
  EXPECT_TRUE(low.Overlaps(ports({{10, 10}})));
  EXPECT_TRUE(low.Overlaps(ports({{15, 20}})));
  EXPECT_TRUE(low.Overlaps(ports({{0, 100}})));
  EXPECT_FALSE(low.Overlaps(ports({{11, 19}, {31, 40}})));
  EXPECT_TRUE(low.Overlaps(Selector()));
  EXPECT_FALSE(low.Overlaps({.protocol = std::uint8_t{17}}));
  const Selector opaque = {.protocol = std::uint8_t{6},
                           .destination_port = PortSelector::Opaque()};
  EXPECT_FALSE(low.Overlaps(opaque));
  EXPECT_FALSE(opaque.Overlaps(low));
  EXPECT_TRUE(opaque.Overlaps(opaque));
  EXPECT_TRUE(opaque.Overlaps({.protocol = std::uint8_t{6}}));
}

}  // namespace
}  // namespace postern
