// SPDX-License-Identifier: Apache-2.0
//
// ipsec-vec/replay/1: packets arriving at one SA's window, in order.

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "core/seq/replay_window.h"
#include "tests/support/auth_proof_test_peer.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {
namespace {

ReplayWindow WindowOf(const Json& test, SequenceNumbers numbers) {
  ReplayHistory history;
  history.highest = test.at("initial_T");
  history.older = ReplayHistory::Older::kUnseen;
  ReplayWindow window(test.at("window"), numbers, ReplayCheck::kOn, history);
  for (const std::uint64_t seen : test.at("initial_seen")) {
    if (seen == history.highest) {
      continue;
    }
    auto ticket = window.Check(static_cast<std::uint32_t>(seen));
    if (!ticket.ok() || ticket->seq() != seen ||
        !window.Commit(*std::move(ticket), AuthProofTestPeer::Make()).ok()) {
      throw VectorError("initial_seen does not fit the window");
    }
  }
  return window;
}

// What a refusal by the window must be called; others are the ICV's.
std::optional<DropReason> RefusalOf(const std::string& reason) {
  static const std::map<std::string, DropReason> refusals = {
      {"replay", DropReason::kReplayDuplicate},
      {"left of window", DropReason::kReplayTooOld},
      {"high half out of range", DropReason::kReplayTooOld},
      {"sequence number 0", DropReason::kReplayZero},
  };
  const auto found = refusals.find(reason);
  return found == refusals.end() ? std::nullopt : std::optional(found->second);
}

// Whether a sender whose number has this high half made an ICV that fits.
bool IcvFits(const Json& step, std::uint64_t inferred,
             SequenceNumbers numbers) {
  if (step.value("tampered", false)) {
    return false;
  }
  return numbers == SequenceNumbers::k32Bit ||
         step.at("true_seq_hi").get<std::uint64_t>() == inferred >> 32;
}

// One packet: accepted, or the refusal (nothing for a bad ICV).
struct Arrival {
  bool accepted = false;
  std::optional<DropReason> refusal;
  std::optional<std::uint64_t> inferred_high;
};

Arrival Arrive(const Json& step, SequenceNumbers numbers,
               ReplayWindow& window) {
  auto ticket = window.Check(step.at("seq_lo"));
  if (!ticket.ok()) {
    return {false, ticket.error(), std::nullopt};
  }
  const std::uint64_t seq = ticket->seq();
  if (!IcvFits(step, seq, numbers)) {
    return {false, std::nullopt, seq >> 32};
  }
  const Passage committed =
      window.Commit(*std::move(ticket), AuthProofTestPeer::Make());
  return {committed.ok(), std::nullopt, seq >> 32};
}

std::string Judge(const Json& step, const Arrival& arrival,
                  const ReplayWindow& window) {
  const std::string expect = step.at("expect");
  if (expect != "accept" && expect != "drop") {
    throw VectorError("unknown expectation: " + expect);
  }
  if (arrival.accepted != (expect == "accept")) {
    return arrival.accepted ? "accepted" : "dropped";
  }
  if (window.highest() != step.at("T_after").get<std::uint64_t>()) {
    return "the window stands at " + std::to_string(window.highest());
  }
  if (!arrival.accepted && arrival.refusal != RefusalOf(step.at("reason"))) {
    return "refused for another reason";
  }
  const auto high = step.find("inferred_seq_hi");
  if (high == step.end() || !arrival.inferred_high.has_value()) {
    return "";
  }
  if (high->is_null() || high->get<std::uint64_t>() != *arrival.inferred_high) {
    return "inferred " + std::to_string(*arrival.inferred_high);
  }
  return "";
}

// replay_window.json: RPL-03.
Outcome RunCase(const Json& test) {
  CheckCaseFields(test,
                  {"window", "esn", "initial_T", "initial_seen", "steps"});
  const SequenceNumbers numbers = test.at("esn").get<bool>()
                                      ? SequenceNumbers::kExtended
                                      : SequenceNumbers::k32Bit;
  ReplayWindow window = WindowOf(test, numbers);
  std::size_t index = 0;
  for (const Json& step : test.at("steps")) {
    CheckFields(step, {"seq_lo", "true_seq_hi", "tampered", "expect", "reason",
                       "inferred_seq_hi", "T_after"});
    const Arrival arrival = Arrive(step, numbers, window);
    const std::string wrong = Judge(step, arrival, window);
    if (!wrong.empty()) {
      return Failed("step " + std::to_string(index) + " " + step.dump() + ": " +
                    wrong);
    }
    ++index;
  }
  return Passed();
}

}  // namespace

void RunReplayVectors(const Json& file, Tally& tally) {
  CheckCaseFields(file, {"format", "count", "cases"});
  for (const Json& test : file.at("cases")) {
    tally.Run(test.at("id"), [&] { return RunCase(test); });
  }
}

}  // namespace postern::vectors
