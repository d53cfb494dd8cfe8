// SPDX-License-Identifier: Apache-2.0
//
// ipsec-vec/inbound/1: one received packet, a fresh SA, and the verdict. The
// transforms and the window judge; what needs an SADB and policy (selectors,
// audit events) is the pipeline's.

#include <string>

#include "tests/vectors/vector_file.h"
#include "tests/vectors/vector_sa.h"

namespace postern::vectors {
namespace {

constexpr std::size_t kWindowSize = 64;

// "accept", or what is wrong with it.
Outcome JudgeAccepted(const std::string& verdict, const Json& expect,
                      const Packet& packet) {
  if (verdict != "accept") {
    return Failed("accepted, expected " + verdict);
  }
  return Compare("plain", packet.bytes(), HexOf(expect.at("plain")));
}

Outcome JudgeRefused(const std::string& verdict, DropReason reason,
                     const ReplayWindow& window) {
  const std::string name(NameOf(reason));
  if (verdict == "drop" && reason != DropReason::kDummyPacket) {
    return Passed();
  }
  if (verdict == "discard-silently" && reason == DropReason::kDummyPacket) {
    return window.highest() > 0 ? Passed()
                                : Failed("the window did not advance");
  }
  if (verdict == "not-as-is" && reason == DropReason::kFragment) {
    return Passed();
  }
  return Failed("refused (" + name + "), expected " + verdict);
}

Outcome RunCase(const Json& test) {
  CheckCaseFields(
      test, {"base", "proto", "sa", "packet", "selectors", "expect", "rows"});
  const Json& expect = test.at("expect");
  CheckFields(expect, {"verdict", "plain", "level", "reason", "audit"});
  auto read = ReadSa(test.at("sa"));
  if (auto* skipped = std::get_if<Outcome>(&read)) {
    return *skipped;
  }
  if (test.contains("selectors")) {
    return Skipped("inbound selectors need the pipeline runner");
  }
  const auto& sa = std::get<VectorSa>(read);
  ReplayWindow window(kWindowSize, sa.numbers());
  Packet packet = Pool().Copy(HexOf(test.at("packet")));
  const Passage received = Receive(sa, window, packet);
  const std::string verdict = expect.at("verdict");
  const Outcome outcome = received.ok()
                              ? JudgeAccepted(verdict, expect, packet)
                              : JudgeRefused(verdict, received.error(), window);
  packet.Release();
  return outcome;
}

}  // namespace

void RunInboundVectors(const Json& file, Tally& tally) {
  CheckCaseFields(file, {"format", "count", "cases"});
  for (const Json& test : file.at("cases")) {
    tally.Run(test.at("id"), [&] { return RunCase(test); });
  }
}

}  // namespace postern::vectors
