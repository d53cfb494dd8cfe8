// SPDX-License-Identifier: Apache-2.0
//
// ipsec-vec/inbound/1: one received packet, a fresh SA, and the verdict. The
// transforms, the window and the SA's selectors judge; what needs an SADB and
// policy (audit events) is the pipeline's.

#include <string>

#include "core/flow/selector.h"
#include "core/net/ip_view.h"
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

Outcome JudgeRefused(const Json& expect, DropReason reason,
                     const ReplayWindow& window) {
  const std::string verdict = expect.at("verdict");
  const std::string audit = expect.value("audit", "");
  const std::string name(NameOf(reason));
  const bool by_selector = reason == DropReason::kSelectorMismatch;
  if (by_selector != (audit == "selector-mismatch")) {
    return Failed("refused (" + name + "), expected " + audit);
  }
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

// SEL-12, IN-05: what the SA speaks for, against what it carried.
Passage CheckSelectors(const Json& selectors, const Packet& packet) {
  CheckFields(selectors, {"remote", "local"});
  const auto prefix = [&selectors](const char* end) {
    const auto parsed = IpPrefix::Parse(selectors.at(end).get<std::string>());
    if (!parsed.ok()) {
      throw VectorError("no prefix: " + parsed.error().message);
    }
    return *parsed;
  };
  const Selector selector{.source = prefix("remote"),
                          .destination = prefix("local")};
  const auto view = IpView::Parse(packet.bytes());
  const auto key = view.ok() ? view->Key(Direction::kInbound)
                             : Opinion<FlowKey>(view.error());
  if (!key.ok()) {
    return key.error();
  }
  const Traffic traffic(*key, AspectOf(*view, Direction::kInbound));
  return selector.Matches(traffic, Direction::kInbound)
             ? Pass()
             : Passage(DropReason::kSelectorMismatch);
}

// pkt_inbound_edge.json: IN-03, AH-40, ESP-31 (an SPI that nobody has), AH-42,
// AUT-07 (any bit of the ICV), CHA-06 (more padding), SPD-24 (another DSCP).
Outcome RunCase(const Json& test) {
  CheckCaseFields(
      test, {"base", "proto", "sa", "packet", "selectors", "expect", "rows"});
  const Json& expect = test.at("expect");
  CheckFields(expect, {"verdict", "plain", "level", "reason", "audit"});
  auto read = ReadSa(test.at("sa"));
  if (auto* skipped = std::get_if<Outcome>(&read)) {
    return *skipped;
  }
  const auto& sa = std::get<VectorSa>(read);
  ReplayWindow window(kWindowSize, sa.numbers());
  Packet packet = Pool().Copy(HexOf(test.at("packet")));
  Passage received = Receive(sa, window, packet);
  if (received.ok() && test.contains("selectors")) {
    received = CheckSelectors(test.at("selectors"), packet);
  }
  const std::string verdict = expect.at("verdict");
  const Outcome outcome = received.ok()
                              ? JudgeAccepted(verdict, expect, packet)
                              : JudgeRefused(expect, received.error(), window);
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
