// SPDX-License-Identifier: Apache-2.0
//
// What is told of packets that pass: marks that nobody should send (RFC 6040 4.2).

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "core/bytes.h"
#include "core/net/checksum.h"
#include "tests/sim/sim_host.h"

namespace postern {
namespace {

using ::testing::IsEmpty;

class NoticesTest : public testing::Test {
 protected:
  // By a tunnel from Alice; somebody on the way marks the outer header.
  Octets Marked(std::uint8_t outer, std::uint8_t inner) {
    Octets packet = alice_
                        .Send(PacketBuilder("10.9.1.1", "10.9.2.1")
                                  .TrafficClass(inner)
                                  .Udp(1000, 2000))
                        .at(0);
    packet[1] = outer;
    StoreBe(Bytes(packet).subspan(10), std::uint16_t{0});
    StoreBe(Bytes(packet).subspan(10),
            HeaderChecksum(ConstBytes(packet).first(20)));
    return packet;
  }

  void RequireTunnel() {
    alice_.SetSystemLevel(Category::kEspNetwork, Level::kRequire);
    AddSa(alice_, bob_, Category::kEspNetwork);
  }

  SimHost alice_{"10.9.1.1"};
  SimHost bob_{"10.9.2.1"};
  SimHost silent_{"10.9.2.1",
                  {},
                  SimHost::Discards::kSilent,
                  {.unused_ecn = NoticeRules::UnusedEcn::kSilent}};
};

// ECN-07
TEST_F(NoticesTest, TellOfMarksThatAreUnused) {
  RequireTunnel();
  EXPECT_EQ(bob_.Receive(Marked(2, 0)).size(), 1u);
  ASSERT_EQ(bob_.audits().size(), 1u);
  const AuditEvent& event = bob_.audits()[0];
  EXPECT_EQ(event.kind, AuditEvent::Kind::kUnusedEcn);
  ASSERT_TRUE(event.ecn);
  EXPECT_EQ(event.ecn->outer, 2);
  EXPECT_EQ(event.ecn->inner, 0);
  EXPECT_TRUE(event.association);
  EXPECT_EQ(event.sequence, 1u);
  ASSERT_TRUE(event.judged);
  EXPECT_EQ(event.judged->key.local_port, 2000);
  EXPECT_EQ(bob_.count(Count::kUnusedEcn), 1u);
}

// ECN-07
TEST_F(NoticesTest, TellOfNoMarksThatAreUsed) {
  RequireTunnel();
  for (const auto& [outer, inner] :
       std::vector<std::pair<std::uint8_t, std::uint8_t>>{
           {0, 0}, {2, 2}, {3, 2}, {0, 3}, {0xb8, 0}}) {
    EXPECT_EQ(bob_.Receive(Marked(outer, inner)).size(), 1u);
  }
  EXPECT_THAT(bob_.audits(), IsEmpty());
  EXPECT_EQ(bob_.count(Count::kUnusedEcn), 0u);
}

// ECN-07
TEST_F(NoticesTest, OfAFloodAreFewAndAllAreCounted) {
  RequireTunnel();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(bob_.Receive(Marked(1, 3)).size(), 1u);
  }
  EXPECT_EQ(bob_.audits().size(), Notices::kRate.burst);
  EXPECT_EQ(bob_.count(Count::kUnusedEcn), 100u);
}

// ECN-07
TEST_F(NoticesTest, OfMarksCanBeSwitchedOff) {
  alice_.SetSystemLevel(Category::kEspNetwork, Level::kRequire);
  AddSa(alice_, silent_, Category::kEspNetwork);
  EXPECT_EQ(silent_.Receive(Marked(2, 0)).size(), 1u);
  EXPECT_THAT(silent_.audits(), IsEmpty());
  EXPECT_EQ(silent_.count(Count::kUnusedEcn), 1u);
}

}  // namespace
}  // namespace postern
