// SPDX-License-Identifier: Apache-2.0
//
// Two workers for one direction: each has its own memory of flows, and a
// connection may begin at the other one.

#include "policy/openings.h"

#include "gtest/gtest.h"

#include "tests/unit/policy/flow_resolver_world.h"

namespace postern {
namespace {

TEST(Openings, AMarkIsStaleOnceTheFlowOpensAgain) {
  Openings openings;
  const FlowKey flow = KeyOf(IpProtocol::kTcp);
  const Openings::Mark mark = openings.Note(flow, Opening::kNone);
  EXPECT_FALSE(mark.stale());
  openings.Note(flow, Opening::kNone);
  EXPECT_FALSE(mark.stale());
  const Openings::Mark later = openings.Note(flow, Opening::kSyn);
  EXPECT_TRUE(mark.stale());
  EXPECT_FALSE(later.stale());
  openings.Note(flow, Opening::kSynAck);
  EXPECT_TRUE(later.stale());
}

TEST(Openings, AMarkOfNobodyIsNeverStale) {
  EXPECT_FALSE(Openings::Mark().stale());
}

class TwoWorkersTest : public FlowResolverTest {
 protected:
  Level AhLevelAt(FlowResolver& worker, Opening opening, Direction direction) {
    const Opinion<Flow*> flow = worker.Resolve(tcp_, opening, direction, now_);
    EXPECT_TRUE(flow.ok());
    return flow.ok() ? (*flow)->effective.of(Category::kAh) : Level::kBypass;
  }

  // A connection of a client without levels, of which worker 1 has seen packets
  // and worker 2 the end; then one of another client on the same ports, whose
  // first packets only worker 2 sees. Returns what binds its next one at worker
  // 1.
  Level LevelAfterReuse(FlowResolver& worker1, FlowResolver& worker2) {
    kernel_.Open(tcp_, kClient);
    EXPECT_EQ(AhLevelAt(worker1, Opening::kNone, kIn), Level::kNone);
    SetAh(kLater, Level::kRequire);
    kernel_.Open(tcp_, kLater);
    EXPECT_EQ(AhLevelAt(worker2, Opening::kSynAck, kIn), Level::kRequire);
    return AhLevelAt(worker1, Opening::kNone, kIn);
  }

  Openings openings_;
};

// Fail closed: what one worker remembers must not outlive the connection.
TEST_F(TwoWorkersTest, NeitherJudgesByAConnectionThatIsNoMore) {
  const FlowResolver::Sources sources{.system = system_,
                                      .sockets = sockets_,
                                      .owner = kernel_,
                                      .stats = stats_,
                                      .openings = &openings_};
  FlowResolver worker1(sources, 64);
  FlowResolver worker2(sources, 64);
  EXPECT_EQ(LevelAfterReuse(worker1, worker2), Level::kRequire);
  const std::size_t asked = kernel_.questions();
  EXPECT_EQ(AhLevelAt(worker1, Opening::kNone, kIn), Level::kRequire);
  EXPECT_EQ(kernel_.questions(), asked);
}

// An outbound SYN tells those who carry what comes in, too.
TEST_F(TwoWorkersTest, AnOpeningInEitherDirectionTells) {
  const FlowResolver::Sources sources{.system = system_,
                                      .sockets = sockets_,
                                      .owner = kernel_,
                                      .stats = stats_,
                                      .openings = &openings_};
  FlowResolver inbound(sources, 64);
  FlowResolver outbound(sources, 64);
  kernel_.Open(tcp_, kClient);
  EXPECT_EQ(AhLevelAt(inbound, Opening::kNone, kIn), Level::kNone);
  SetAh(kLater, Level::kRequire);
  kernel_.Open(tcp_, kLater);
  EXPECT_EQ(AhLevelAt(outbound, Opening::kSyn, kOut), Level::kRequire);
  EXPECT_EQ(AhLevelAt(inbound, Opening::kNone, kIn), Level::kRequire);
}

}  // namespace
}  // namespace postern
