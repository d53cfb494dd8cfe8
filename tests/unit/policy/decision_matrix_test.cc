// SPDX-License-Identifier: Apache-2.0
//
// Every combination of system levels, socket levels and SAs or transforms, in
// both directions, against an oracle written down from the draft's words
// (1.2.1 to 1.2.3, 3.2). Defect 32 is what this is for. // API-02, API-07,
// API-08, API-10 to API-12, API-14, API-15, API-17, API-18, API-21, API-22,
// API-24 to API-26, API-45

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr SocketCookie kSocket{11};

// The draft's 1.2.2, one row a level, in its order of strength.
struct DraftLevel {
  Level level;
  enum class Outbound { kClear, kIfAvailable, kAlways } outbound;
  enum class Inbound { kAcceptAny, kOnlySecured } inbound;
};

constexpr DraftLevel kDraftLevels[] = {
    // "Do not use any security on outbound packets, and accept any inbound
    // packets, secured or not."
    {Level::kNone, DraftLevel::Outbound::kClear,
     DraftLevel::Inbound::kAcceptAny},
    // "If a security association is available, use it for outbound packets.
    // Otherwise, behave like the level was set to IPSEC_LEVEL_NONE."
    {Level::kAvail, DraftLevel::Outbound::kIfAvailable,
     DraftLevel::Inbound::kAcceptAny},
    // "If a security association does not exist for outbound traffic, acquire
    // one and use it for outbound packets. Still accept any inbound packets."
    {Level::kUse, DraftLevel::Outbound::kAlways,
     DraftLevel::Inbound::kAcceptAny},
    // "REQUIRES that inbound packets use security, same as outbound ones."
    {Level::kRequire, DraftLevel::Outbound::kAlways,
     DraftLevel::Inbound::kOnlySecured},
};

// "All packets will subsequently be sent without any IPsec extensions", and
// "Packet will be accepted" (3.2).
constexpr DraftLevel kDraftBypass = {Level::kBypass,
                                     DraftLevel::Outbound::kClear,
                                     DraftLevel::Inbound::kAcceptAny};

constexpr std::size_t kStrengths = std::size(kDraftLevels);

// A choice per category: an index into kDraftLevels; kStrengths is bypass.
using Choice = std::array<std::size_t, 3>;

std::vector<Choice> AllChoices(std::size_t kinds) {
  std::vector<Choice> choices;
  for (std::size_t i = 0; i < kinds * kinds * kinds; ++i) {
    choices.push_back({i % kinds, i / kinds % kinds, i / kinds / kinds});
  }
  return choices;
}

// "the operating system will use the most secure of what is globally set, or
// what is requested by the user" (1.2.3); bypass overrides.
const DraftLevel& Combined(std::size_t system, std::size_t socket) {
  if (socket == kStrengths) {
    return kDraftBypass;
  }
  return kDraftLevels[system > socket ? system : socket];
}

LevelSet LevelsOf(const Choice& choice) {
  LevelSet levels;
  for (std::size_t i = 0; i < choice.size(); ++i) {
    levels.Set(kCategories[i], choice[i] == kStrengths
                                   ? Level::kBypass
                                   : kDraftLevels[choice[i]].level);
  }
  return levels;
}

class DecisionMatrix : public PolicyWorld,
                       public testing::WithParamInterface<unsigned> {
 protected:
  // Whether this run's subset of SAs, or of transforms, has this one.
  static bool Has(std::size_t category) {
    return (GetParam() >> category & 1U) != 0;
  }

  void SetUp() override {
    kernel_.Open(KeyOf(IpProtocol::kUdp), kSocket);
    policy_ = sockets_.Obtain(kSocket).value();
    for (std::size_t i = 0; i < kCategories.size(); ++i) {
      outbound_sas_[i] = Has(i) ? &AddOutbound(kCategories[i]) : nullptr;
    }
    // Outer first: the network transform is taken off first.
    for (std::size_t i = kCategories.size(); i-- > 0;) {
      if (Has(i)) {
        path_.Add(AddInbound(kCategories[i]));
      }
    }
  }

  void SetSocketTo(const Choice& choice) {
    const LevelSet levels = LevelsOf(choice);
    for (const Category category : kCategories) {
      policy_->SetLevel(category, levels.of(category));
    }
  }

  void ExpectOutbound(const Choice& system, const Choice& socket) {
    std::vector<const SecurityAssociation*> applied;
    CategorySet missing;
    for (std::size_t i = 0; i < kCategories.size(); ++i) {
      const DraftLevel& level = Combined(system[i], socket[i]);
      if (level.outbound == DraftLevel::Outbound::kClear) {
        continue;
      }
      if (Has(i)) {
        applied.push_back(outbound_sas_[i]);
      } else if (level.outbound == DraftLevel::Outbound::kAlways) {
        missing.Add(kCategories[i]);
      }
    }
    const Decision decision = Decide(to_peer_);
    if (!missing.empty()) {
      const auto* need = std::get_if<NeedSa>(&decision);
      ASSERT_TRUE(need != nullptr && need->missing == missing);
    } else if (applied.empty()) {
      ASSERT_TRUE(std::holds_alternative<Bypass>(decision));
    } else {
      const auto* protect = std::get_if<Protect>(&decision);
      ASSERT_NE(protect, nullptr);
      const auto got = protect->bundle->associations();
      ASSERT_TRUE(
          std::equal(got.begin(), got.end(), applied.begin(), applied.end()));
    }
  }

  void ExpectInbound(const Choice& system, const Choice& socket) {
    bool accepted = true;
    for (std::size_t i = 0; i < kCategories.size(); ++i) {
      const DraftLevel& level = Combined(system[i], socket[i]);
      accepted = accepted &&
                 (Has(i) || level.inbound == DraftLevel::Inbound::kAcceptAny);
    }
    ASSERT_EQ(Admit(from_peer_, path_).ok(), accepted);
  }

 private:
  const Octets to_peer_ = ToPeer().Udp(80, 4711, {1, 2, 3});
  const Octets from_peer_ = FromPeer().Udp(4711, 80, {1, 2, 3});
  SocketPolicyRef policy_;
  std::array<const SecurityAssociation*, 3> outbound_sas_{};
  TransformPath path_;
};

TEST_P(DecisionMatrix, AgreesWithTheDraft) {
  for (const Choice& system : AllChoices(kStrengths)) {
    SetRoutes({DefaultRoute(LevelsOf(system))});
    for (const Choice& socket : AllChoices(kStrengths + 1)) {
      SetSocketTo(socket);
      SCOPED_TRACE("system " + LevelsOf(system).ToString() + ", socket " +
                   LevelsOf(socket).ToString());
      ASSERT_NO_FATAL_FAILURE(ExpectOutbound(system, socket));
      ASSERT_NO_FATAL_FAILURE(ExpectInbound(system, socket));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EverySubsetOfSas, DecisionMatrix,
                         testing::Range(0U, 8U));

}  // namespace
}  // namespace postern
