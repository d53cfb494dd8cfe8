// SPDX-License-Identifier: Apache-2.0
//
// Rules that come and go while flows live, against a linear list of them that is
// asked anew for every packet. What a host remembers of a flow must never be what
// it remembered before a change.

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

#include "tests/sim/sim_host.h"

namespace postern {
namespace {

constexpr std::uint8_t kUdp = 17;

// A range of both ends; a naive rule is a handful of comparisons.
struct NaiveRule {
  Rule::Verdict verdict;
  Rule::Ways ways;
  std::pair<unsigned, unsigned> remotes;      // the last octet
  std::pair<unsigned, unsigned> local_ports;  // none: {0, 65535}
  std::pair<unsigned, unsigned> remote_ports;
};

struct Sample {
  unsigned remote;
  std::uint16_t local_port;
  std::uint16_t remote_port;
};

bool Within(unsigned value, const std::pair<unsigned, unsigned>& range) {
  return range.first <= value && value <= range.second;
}

class RulesProperty : public testing::TestWithParam<IpFamily> {
 protected:
  bool is_v4() const { return GetParam() == IpFamily::kV4; }

  unsigned Below(unsigned bound) {
    return static_cast<unsigned>(random_() % bound);
  }

  std::pair<unsigned, unsigned> Range(unsigned first, unsigned count) {
    const unsigned low = first + Below(count);
    return {low, low + Below(first + count - low)};
  }

  std::string Local() const { return is_v4() ? "10.9.1.1" : "fd00:9:1::1"; }

  std::string Remote(unsigned last) const {
    return (is_v4() ? "10.9.2." : "fd00:9:2::") + std::to_string(last);
  }

  NaiveRule Some() {
    NaiveRule rule;
    rule.verdict =
        Below(3) == 0 ? Rule::Verdict::kBypass : Rule::Verdict::kDiscard;
    rule.ways = static_cast<Rule::Ways>(Below(3));
    rule.remotes = Range(1, 8);
    rule.local_ports = Below(3) == 0 ? std::pair(0U, 65535U) : Range(1000, 4);
    rule.remote_ports = Below(3) == 0 ? std::pair(0U, 65535U) : Range(2000, 4);
    return rule;
  }

  Rule RuleOf(const std::string& name, const NaiveRule& naive) const {
    const auto ports = [](const std::pair<unsigned, unsigned>& range) {
      return range.second == 65535
                 ? PortSelector()
                 : PortSelector::Of(
                       {{static_cast<std::uint16_t>(range.first),
                         static_cast<std::uint16_t>(range.second)}});
    };
    Rule rule;
    rule.name = name;
    rule.verdict = naive.verdict;
    rule.ways = naive.ways;
    rule.selector.protocol = kUdp;
    rule.selector.destination = AddressSelector::Of(
        {{IpAddress::Parse(Remote(naive.remotes.first)).value(),
          IpAddress::Parse(Remote(naive.remotes.second)).value()}});
    rule.selector.source_port = ports(naive.local_ports);
    rule.selector.destination_port = ports(naive.remote_ports);
    return rule;
  }

  // By the definition: the first that matches, or else nothing is demanded.
  bool Passes(const Sample& flow, Rule::Ways way) const {
    for (const auto& [name, rule] : naive_) {
      if ((rule.ways == Rule::Ways::kBoth || rule.ways == way) &&
          Within(flow.remote, rule.remotes) &&
          Within(flow.local_port, rule.local_ports) &&
          Within(flow.remote_port, rule.remote_ports)) {
        return rule.verdict == Rule::Verdict::kBypass;
      }
    }
    return true;
  }

  // Adds, replaces, moves or deletes one, here and there.
  void Change() {
    const std::string name = "rule" + std::to_string(Below(12));
    const auto same = [&](const auto& one) { return one.first == name; };
    const auto old = std::find_if(naive_.begin(), naive_.end(), same);
    if (old != naive_.end() && Below(2) == 0) {
      naive_.erase(old);
      table_ = table_.Without(name).value();
    } else {
      const NaiveRule rule = Some();
      std::optional<std::string> before;
      if (!naive_.empty() && Below(2) == 0) {
        before = naive_[Below(static_cast<unsigned>(naive_.size()))].first;
      }
      if (before == name) {
        before.reset();
      }
      if (old != naive_.end() && !before) {
        old->second = rule;
      } else {
        std::erase_if(naive_, same);
        const auto at =
            std::find_if(naive_.begin(), naive_.end(),
                         [&](const auto& one) { return one.first == before; });
        naive_.insert(at, {name, rule});
      }
      table_ = table_.With(RuleOf(name, rule), before).value();
    }
    host_.SetRules(table_.rules());
  }

  SimHost host_{is_v4() ? "10.9.1.1" : "fd00:9:1::1"};
  std::mt19937 random_{41};
  std::vector<std::pair<std::string, NaiveRule>> naive_;
  RuleTable table_;
};

// DEF-41
TEST_P(RulesProperty, AgreeWithALinearListAfterEveryChange) {
  std::map<bool, unsigned> verdicts;
  for (int round = 0; round < 1500; ++round) {
    Change();
    for (int look = 0; look < 20; ++look) {
      const Sample flow{1 + Below(8),
                        static_cast<std::uint16_t>(1000 + Below(4)),
                        static_cast<std::uint16_t>(2000 + Below(4))};
      const Octets out = PacketBuilder(Local(), Remote(flow.remote))
                             .Udp(flow.local_port, flow.remote_port);
      const Octets in = PacketBuilder(Remote(flow.remote), Local())
                            .Udp(flow.remote_port, flow.local_port);
      const bool leaves = Passes(flow, Rule::Ways::kOutbound);
      ASSERT_EQ(host_.Send(out).size(), leaves ? 1u : 0u) << round;
      ASSERT_EQ(host_.Receive(in).size(),
                Passes(flow, Rule::Ways::kInbound) ? 1u : 0u)
          << round;
      ++verdicts[leaves];
    }
  }
  // Nothing was shown if one of them was rare.
  EXPECT_GT(verdicts[true], 3000u);
  EXPECT_GT(verdicts[false], 3000u);
}

INSTANTIATE_TEST_SUITE_P(Families, RulesProperty,
                         testing::Values(IpFamily::kV4, IpFamily::kV6),
                         [](const auto& row) {
                           return row.param == IpFamily::kV4 ? "V4" : "V6";
                         });

}  // namespace
}  // namespace postern
