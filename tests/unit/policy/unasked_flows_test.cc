// SPDX-License-Identifier: Apache-2.0
//
// Arrivals whose owner cannot matter: nobody is asked for him, and from the first
// socket, cgroup or debt on that makes him matter somebody is.

#include "policy/decide.h"
#include "tests/unit/policy/flow_resolver_world.h"

namespace postern {
namespace {

class UnaskedFlows : public FlowResolverTest {
 protected:
  UnaskedFlows() {
    kernel_.Open(tcp_, kChild);
    kernel_.Open(udp_, kClient);
  }

  static CategorySet ByAh() {
    CategorySet applied;
    applied.Add(Category::kAh);
    return applied;
  }

  // A packet came, and was admitted.
  const Flow& Arrive(const FlowKey& key, CategorySet came_by = {},
                     Opening opening = Opening::kNone) {
    const Opinion<Flow*> flow = worker_.ResolveArrival(
        Traffic(key, Aspect(kIn)), opening, came_by, now_);
    if (!flow.ok()) {
      ADD_FAILURE() << "refused";
      return none_;
    }
    worker_.NoteArrival(**flow, came_by, now_);
    return **flow;
  }

  Level AhOf(const FlowKey& key, CategorySet came_by = {}) {
    return Arrive(key, came_by).effective.of(Category::kAh);
  }

  const Flow none_;
  UnownedArrivals arrivals_;
  FlowResolver worker_{{.system = system_,
                        .sockets = sockets_,
                        .owner = kernel_,
                        .stats = stats_,
                        .arrivals = &arrivals_},
                       64};
};

TEST_F(UnaskedFlows, CostTheKernelNothing) {
  SetSystemAh(Level::kUse);
  for (const Opening opening : {Opening::kSyn, Opening::kNone}) {
    EXPECT_TRUE(Arrive(tcp_, ByAh(), opening).unasked);
  }
  EXPECT_TRUE(Arrive(udp_, ByAh()).unasked);
  EXPECT_EQ(kernel_.questions(), 0u);
  EXPECT_EQ(AhOf(tcp_, ByAh()), Level::kUse);
}

TEST_F(UnaskedFlows, ObeyTheRouteThatComes) {  // API-31
  EXPECT_EQ(AhOf(tcp_), Level::kNone);
  SetSystemAh(Level::kUnique);
  EXPECT_EQ(AhOf(tcp_), Level::kRequire);  // inbound they are one
  EXPECT_EQ(kernel_.questions(), 0u);
}

// API-30
TEST_F(UnaskedFlows, ObeyTheirOwnerFromHisFirstLevelOn) {
  for (const auto& [key, owner] : {std::pair(tcp_, kChild), {udp_, kClient}}) {
    EXPECT_EQ(AhOf(key), Level::kNone);
    SetAh(owner, Level::kRequire);
    EXPECT_EQ(AhOf(key), Level::kRequire);
    EXPECT_FALSE(Arrive(key).unasked);
  }
}

// Somebody else's entry is enough: only the kernel knows whose the flow is.
TEST_F(UnaskedFlows, AreNoMoreWhenAnybodyHasAnEntry) {
  EXPECT_TRUE(Arrive(tcp_).unasked);
  SetAh(kLater, Level::kNone);
  EXPECT_FALSE(Arrive(tcp_).unasked);
  EXPECT_EQ(kernel_.questions(), 1u);
}

TEST_F(UnaskedFlows, AreSoAgainWhenTheLastEntryHasLingered) {
  SetAh(kLater, Level::kRequire);
  sockets_.Retire(kLater, now_);
  sockets_.Age(now_ + SocketTable::kLinger);
  EXPECT_TRUE(Arrive(tcp_).unasked);
}

TEST_F(UnaskedFlows, AreNoMoreWhenACgroupHasARule) {
  EXPECT_TRUE(Arrive(udp_).unasked);
  system_.ReplaceCgroups(system_.cgroups().With({"/ruled", LevelSet()}));
  EXPECT_FALSE(Arrive(udp_).unasked);
}

// An ICMP error about what came protected must not leave in clear. Nothing else
// sees to that here, unless a socket is there.
TEST_F(UnaskedFlows, AreNotThoseWhoseErrorsWouldLeaveInClear) {
  EXPECT_TRUE(Arrive(tcp_).unasked);  // it came in clear
  EXPECT_FALSE(Arrive(tcp_, ByAh()).unasked);
  SetSystemAh(Level::kAvail);
  EXPECT_FALSE(Arrive(udp_, ByAh()).unasked);
  EXPECT_FALSE(arrivals_.FindAny(now_));  // sockets are there
  kernel_.Close(udp_);
  EXPECT_FALSE(Arrive(KeyOf(IpProtocol::kUdp, 81), ByAh()).unasked);
  EXPECT_EQ(arrivals_.Find(KeyOf(IpProtocol::kUdp, 81), now_), ByAh());
}

// The system demands AH alone: nobody else sees to it that the error has ESP.
TEST_F(UnaskedFlows, CameByNothingThatTheirRouteDoesNotDemand) {
  SetSystemAh(Level::kRequire);
  CategorySet both = ByAh();
  both.Add(Category::kEspTransport);
  const FlowKey closed = KeyOf(IpProtocol::kUdp, 81);
  EXPECT_FALSE(Arrive(closed, both).unasked);
  EXPECT_EQ(arrivals_.Find(closed, now_), both);
  EXPECT_TRUE(Arrive(closed, ByAh()).unasked);
}

TEST_F(UnaskedFlows, AreNotedForErrorsThatDoNotShowOfWhatTheyTell) {
  SetSystemAh(Level::kRequire);
  EXPECT_TRUE(Arrive(tcp_, ByAh()).unasked);
  EXPECT_TRUE(arrivals_.FindAny(now_));
  EXPECT_TRUE(arrivals_.Find(tcp_, now_).empty());
}

// By the worker that remembers them, too: it may be of what we sent.
TEST_F(UnaskedFlows, AreAskedForWhenAnErrorTellsOfThem) {
  EXPECT_TRUE(Arrive(tcp_).unasked);
  const Traffic error(KeyOf(IpProtocol::kIcmp, 0), Aspect(kIn));
  ASSERT_TRUE(worker_.OfError(error, tcp_, now_).ok());
  EXPECT_EQ(kernel_.questions(), 1u);
}

// The sender of what leaves has SAs of his own at UNIQUE, and a right to ask.
TEST_F(UnaskedFlows, AreArrivalsOnly) {
  ASSERT_TRUE(worker_.Resolve(tcp_, Opening::kNone, kOut, now_).ok());
  EXPECT_EQ(kernel_.questions(), 1u);
}

TEST_F(UnaskedFlows, AreDiscardedWhereARouteSaysSo) {
  Route route;
  route.verdict = Route::Verdict::kDiscard;
  system_.Replace(RouteTable::Create({route}).value());
  EXPECT_EQ(Arrive(tcp_).discard, DropReason::kDiscardRoute);
}

}  // namespace
}  // namespace postern
