// SPDX-License-Identifier: Apache-2.0

#include "policy/opening.h"

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"

#include "tests/support/packet_builder.h"

namespace postern {
namespace {

Opening OpeningOfTcp(std::uint8_t flags) {
  const Octets packet =
      PacketBuilder("10.9.1.1", "10.9.2.1").Tcp(4711, 80, flags);
  return OpeningOf(IpView::Parse(packet).value());
}

TEST(Opening, IsReadFromTheTcpFlags) {
  EXPECT_EQ(OpeningOfTcp(kSyn), Opening::kSyn);
  EXPECT_EQ(OpeningOfTcp(kSyn | kAck), Opening::kSynAck);
  EXPECT_EQ(OpeningOfTcp(kAck), Opening::kNone);
  EXPECT_EQ(OpeningOfTcp(kRst), Opening::kNone);
  EXPECT_EQ(OpeningOfTcp(kFin | kAck), Opening::kNone);
}

TEST(Opening, IsNoneForAnythingButTcp) {
  const Octets udp =
      PacketBuilder("10.9.1.1", "10.9.2.1").Udp(4711, 80, Octets(20, 0xff));
  EXPECT_EQ(OpeningOf(IpView::Parse(udp).value()), Opening::kNone);
  const Octets fragment = PacketBuilder("10.9.1.1", "10.9.2.1")
                              .FragmentOffset(1)
                              .Tcp(4711, 80, kSyn);
  EXPECT_EQ(OpeningOf(IpView::Parse(fragment).value()), Opening::kNone);
}

TEST(Opening, IsNotShownByASegmentThatEndsBeforeItsFlags) {
  for (std::size_t size = 4; size <= 20; ++size) {
    const Octets packet = PacketBuilder("10.9.1.1", "10.9.2.1")
                              .Raw(Number(IpProtocol::kTcp), Octets(size, 2));
    const IpView view = IpView::Parse(packet).value();
    EXPECT_EQ(ShowsFlags(view), size >= 14) << size;
    EXPECT_EQ(OpeningOf(view), size >= 14 ? Opening::kSyn : Opening::kNone);
  }
}

}  // namespace
}  // namespace postern
