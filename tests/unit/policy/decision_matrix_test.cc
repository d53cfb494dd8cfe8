// SPDX-License-Identifier: Apache-2.0
//
// Every combination of system levels, socket levels and SAs or transforms, in
// both directions and families, against the draft (draft_oracle.h). // API-02, API-07, API-08, API-10 to API-12, API-14, API-15,
// API-17 to API-19, API-21, API-22, API-24 to API-26, API-45

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "tests/unit/policy/draft_oracle.h"
#include "tests/unit/policy/policy_world.h"

namespace postern {
namespace {

constexpr SocketCookie kSocket{11};

// The product's word for the draft's.
Level LevelOf(draft::Level level) {
  switch (level) {
    case draft::Level::kBypass:
      return Level::kBypass;
    case draft::Level::kNone:
      return Level::kNone;
    case draft::Level::kDefault:
      return FindLevel("default").value();
    case draft::Level::kAvailable:
      return Level::kAvail;
    case draft::Level::kUse:
      return Level::kUse;
    case draft::Level::kRequire:
      return Level::kRequire;
    case draft::Level::kUnique:
      return Level::kUnique;
  }
  return Level::kUnique;
}

// A level for each of ESP transport, AH, ESP network.
using Choice = std::array<draft::Level, 3>;

template <std::size_t kCount>
std::vector<Choice> AllChoices(const std::array<draft::Level, kCount>& levels) {
  std::vector<Choice> choices;
  for (const draft::Level transport : levels) {
    for (const draft::Level ah : levels) {
      for (const draft::Level network : levels) {
        choices.push_back({transport, ah, network});
      }
    }
  }
  return choices;
}

LevelSet LevelsOf(const Choice& choice) {
  LevelSet levels;
  for (std::size_t i = 0; i < choice.size(); ++i) {
    levels.Set(kCategories[i], LevelOf(choice[i]));
  }
  return levels;
}

enum class Whose { kAnybodys, kTheSockets };

struct Hosts {
  IpFamily family;
  std::string_view here;
  std::string_view peer;
};

constexpr Hosts kV4 = {IpFamily::kV4, "10.9.1.1", "10.9.2.1"};
constexpr Hosts kV6 = {IpFamily::kV6, "fd00:9:1::1", "fd00:9:2::1"};

// A subset of the categories, by bits; whose the outbound SAs are; a family.
using Case = std::tuple<unsigned, Whose, Hosts>;

class DecisionMatrix : public PolicyWorld,
                       public testing::WithParamInterface<Case> {
 protected:
  static bool Has(std::size_t category) {
    return (std::get<0>(GetParam()) >> category & 1U) != 0;
  }

  static const Hosts& hosts() { return std::get<2>(GetParam()); }

  static draft::Associations There(std::size_t category) {
    const bool anybodys = std::get<1>(GetParam()) == Whose::kAnybodys;
    return {.for_anybody = Has(category) && anybodys,
            .for_this_session_only = Has(category) && !anybodys};
  }

  void SetUp() override {
    const FlowKey key{Address(hosts().here), Address(hosts().peer), 80, 4711,
                      Number(IpProtocol::kUdp)};
    kernel_.Open(key, kSocket);
    policy_ = sockets_.Obtain(kSocket).value();
    for (std::size_t i = 0; i < kCategories.size(); ++i) {
      if (Has(i)) {
        SaParameters sa = Parameters(kCategories[i], Direction::kOutbound,
                                     {hosts().here, hosts().peer});
        if (There(i).for_this_session_only) {
          sa.owner = kSocket;
        }
        outbound_sas_[i] = &Add(sa);
      }
    }
    // Outer first: the network transform is taken off first.
    for (std::size_t i = kCategories.size(); i-- > 0;) {
      if (Has(i)) {
        path_.Add(Add(Parameters(kCategories[i], Direction::kInbound,
                                 {hosts().peer, hosts().here})));
      }
    }
  }

  void SetSystemTo(const Choice& choice) {
    Route route;
    route.prefix =
        IpPrefix::Parse(hosts().family == IpFamily::kV4 ? "0.0.0.0/0" : "::/0")
            .value();
    route.levels = LevelsOf(choice);
    SetRoutes({route});
  }

  void SetSocketTo(const Choice& choice) {
    const LevelSet levels = LevelsOf(choice);
    for (const Category category : kCategories) {
      policy_->SetLevel(category, levels.of(category));
    }
  }

  bool SendsAsTheDraftSays(const Choice& system, const Choice& socket) {
    std::vector<const SecurityAssociation*> applied;
    CategorySet missing;
    for (std::size_t i = 0; i < kCategories.size(); ++i) {
      switch (draft::Send(draft::Combined(system[i], socket[i]), There(i))) {
        case draft::Outbound::kClear:
          break;
        case draft::Outbound::kWithAnybodys:
        case draft::Outbound::kWithItsOwn:
          applied.push_back(outbound_sas_[i]);
          break;
        case draft::Outbound::kNotSent:
          missing.Add(kCategories[i]);
          break;
      }
    }
    const Decision decision = Decide(to_peer_);
    if (!missing.empty()) {
      const auto* need = std::get_if<NeedSa>(&decision);
      return need != nullptr && need->missing == missing;
    }
    if (applied.empty()) {
      return std::holds_alternative<Bypass>(decision);
    }
    const auto* protect = std::get_if<Protect>(&decision);
    return protect != nullptr &&
           std::ranges::equal(protect->bundle->associations(), applied);
  }

  bool AcceptsAsTheDraftSays(const Choice& system, const Choice& socket) {
    bool accepted = true;
    for (std::size_t i = 0; i < kCategories.size(); ++i) {
      accepted =
          accepted && draft::Accepts(draft::Combined(system[i], socket[i]),
                                     Has(i) ? draft::Inbound::kSecured
                                            : draft::Inbound::kInTheClear);
    }
    return Admit(from_peer_, path_).ok() == accepted;
  }

 private:
  const Octets to_peer_ =
      PacketBuilder(hosts().here, hosts().peer).Udp(80, 4711, {1, 2, 3});
  const Octets from_peer_ =
      PacketBuilder(hosts().peer, hosts().here).Udp(4711, 80, {1, 2, 3});
  SocketPolicyRef policy_;
  std::array<const SecurityAssociation*, 3> outbound_sas_{};
  TransformPath path_;
};

// DEF-32
TEST_P(DecisionMatrix, AgreesWithTheDraft) {
  std::size_t decisions = 0;
  std::size_t wrong = 0;
  const std::vector<Choice> sockets = AllChoices(draft::kSocketLevels);
  for (const Choice& system : AllChoices(draft::kSystemLevels)) {
    SetSystemTo(system);
    for (const Choice& socket : sockets) {
      SetSocketTo(socket);
      const bool sends = SendsAsTheDraftSays(system, socket);
      const bool accepts = AcceptsAsTheDraftSays(system, socket);
      decisions += 2;
      wrong += (sends ? 0U : 1U) + (accepts ? 0U : 1U);
      ASSERT_TRUE(sends && accepts)
          << (sends ? "inbound" : "outbound") << ": system "
          << LevelsOf(system).ToString() << ", socket "
          << LevelsOf(socket).ToString();
    }
  }
  std::printf("%zu decisions, %zu wrong\n", decisions, wrong);
}

std::string NameOf(const testing::TestParamInfo<Case>& test) {
  const auto& [subset, whose, hosts] = test.param;
  return "Subset" + std::to_string(subset) +
         (whose == Whose::kAnybodys ? "ForAnybody" : "ForTheSocket") +
         (hosts.family == IpFamily::kV4 ? "V4" : "V6");
}

INSTANTIATE_TEST_SUITE_P(EverySubsetOfSas, DecisionMatrix,
                         testing::Combine(testing::Range(0U, 8U),
                                          testing::Values(Whose::kAnybodys,
                                                          Whose::kTheSockets),
                                          testing::Values(kV4, kV6)),
                         NameOf);

}  // namespace
}  // namespace postern
