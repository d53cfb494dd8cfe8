// SPDX-License-Identifier: Apache-2.0
//
// The rules of a host: an ordered list of what is to become of packets that
// selectors name (RFC 4301 4.4.1), besides the levels of routes and sockets. The
// first rule that matches decides, alone:
//
//     discard    drop it
//     bypass     the routes demand nothing of it; what its socket demands stays
//     protect    at least these levels: the routes' and the rule's, the stronger
//
// A rule is written as its outbound packets are, with the local end as the source,
// and counts for both ways unless it is for one.
//
// Fragments that show no ports. A rule that could be meant, but asks for what the
// fragment does not show, does not match; and yet it is heeded: what it discards
// may be discarded, and its levels are demanded, too. A bypass by port is no
// fragment's: where it would bind the whole, the pipelines put that together
// before they ask (RFC 4301 7.4).
//
// Thread safety: Immutable.
// Cost: a selector for each rule before the one that matches: once a flow.

#ifndef POSTERN_POLICY_RULE_TABLE_H_
#define POSTERN_POLICY_RULE_TABLE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/flow/selector.h"
#include "policy/level.h"

namespace postern {

struct Rule {
  enum class Verdict : std::uint8_t { kProtect, kBypass, kDiscard };
  enum class Ways : std::uint8_t { kBoth, kOutbound, kInbound };

  bool Concerns(Direction direction) const {
    return ways == Ways::kBoth ||
           (ways == Ways::kOutbound) == (direction == Direction::kOutbound);
  }

  std::string name;  // what administrators call it
  Ways ways = Ways::kBoth;
  Selector selector;
  Verdict verdict = Verdict::kDiscard;
  LevelSet levels;  // kProtect
  // kProtect: the far end of the ESP network tunnel; absent: the route's.
  std::optional<IpAddress> gateway;
};

// "protect", "bypass", "discard".
std::string_view NameOf(Rule::Verdict verdict);

// Errors: those of the selector; kInvalid: no name; levels or a gateway beside
// another verdict than protect, or none with it; one weaker than REQUIRE, with
// which clear packets would come in (RFC 4301 5.2); a gateway without an ESP
// network level or that is not one host's.
Status Validate(const Rule& rule);

class RuleTable {
 public:
  // What becomes of packets that neither a rule nor a route names.
  enum class Otherwise : std::uint8_t { kNoLevels, kDiscard };

  // No rules.
  RuleTable() = default;

  // Errors: those of Validate(), kExists (a name twice).
  static Result<RuleTable> Create(std::vector<Rule> rules, Otherwise otherwise);

  struct Finding {
    const Rule* rule = nullptr;  // null: none matches
    // Of earlier rules that may be meant.
    LevelSet perhaps;
    bool perhaps_discarded = false;
    bool perhaps_bypassed = false;
  };

  Finding Find(const Traffic& traffic) const;

  // A copy with this rule in front of the one called `before`; without a name,
  // where a rule of the same name is, or last. Errors: kNotFound.
  Result<RuleTable> With(Rule rule,
                         const std::optional<std::string>& before) const;
  Result<RuleTable> Without(std::string_view name) const;

  // In their order.
  const std::vector<Rule>& rules() const { return rules_; }

  Otherwise otherwise() const { return otherwise_; }

  // Whether it has nothing to say of any packet.
  bool silent() const {
    return rules_.empty() && otherwise_ == Otherwise::kNoLevels;
  }

 private:
  std::vector<Rule> rules_;
  Otherwise otherwise_ = Otherwise::kNoLevels;
};

}  // namespace postern

#endif  // POSTERN_POLICY_RULE_TABLE_H_
