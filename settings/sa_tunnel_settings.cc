// SPDX-License-Identifier: Apache-2.0

#include "settings/sa_tunnel_settings.h"

#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace postern {
namespace {

using DontFragment = TunnelHeader::DontFragment;
using Dscp = TunnelHeader::Dscp;
using FlowLabel = TunnelHeader::FlowLabel;

Result<DontFragment> ParseDontFragment(std::string_view text) {
  if (text == "copy") {
    return DontFragment::kCopy;
  }
  if (text == "set") {
    return DontFragment::kSet;
  }
  if (text == "clear") {
    return DontFragment::kClear;
  }
  return Invalid("write copy, set or clear here.");
}

struct DscpRule {
  Dscp rule = Dscp::kCopy;
  std::uint8_t value = 0;
};

Result<DscpRule> ParseDscp(std::string_view text) {
  constexpr unsigned kMostDscp = 63;
  if (text == "copy") {
    return DscpRule{};
  }
  if (text == "zero") {
    return DscpRule{Dscp::kMap0, 0};
  }
  unsigned value = 0;
  const auto read =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() ||
      value > kMostDscp) {
    return Invalid("write copy, zero or a number up to 63 here, in quotes.");
  }
  return DscpRule{Dscp::kSet, static_cast<std::uint8_t>(value)};
}

Result<FlowLabel> ParseFlowLabel(std::string_view text) {
  if (text == "zero") {
    return FlowLabel::kZero;
  }
  if (text == "copy") {
    return FlowLabel::kCopy;
  }
  return Invalid("write zero or copy here.");
}

std::string_view NameOf(DontFragment rule) {
  switch (rule) {
    case DontFragment::kCopy:
      return "copy";
    case DontFragment::kSet:
      return "set";
    case DontFragment::kClear:
      break;
  }
  return "clear";
}

std::string DscpText(const SaParameters& parameters) {
  switch (parameters.dscp) {
    case Dscp::kCopy:
      return "copy";
    case Dscp::kMap0:
      return "zero";
    case Dscp::kSet:
      break;
  }
  return std::to_string(parameters.dscp_value);
}

}  // namespace

void ReadTunnelOptions(Section& section, SaParameters& parameters) {
  parameters.dont_fragment = section.Parsed("dont_fragment", ParseDontFragment)
                                 .value_or(DontFragment::kCopy);
  const DscpRule dscp = section.Parsed("dscp", ParseDscp).value_or(DscpRule());
  parameters.dscp = dscp.rule;
  parameters.dscp_value = dscp.value;
  if (const auto limit = section.Whole("hop_limit", {1, 255})) {
    parameters.hop_limit = static_cast<std::uint8_t>(*limit);
  }
  parameters.flow_label =
      section.Parsed("flow_label", ParseFlowLabel).value_or(FlowLabel::kZero);
  if (const auto octets = section.Whole("tfc_pad_to", {1, kMostTfcOctets})) {
    parameters.tfc_pad_to = static_cast<std::uint32_t>(*octets);
  }
}

void ReadDummies(Section& section, SaParameters& parameters) {
  constexpr Section::Range kIntervals = {
      kLeastDummyInterval.count() / 1'000'000, 3'600'000};
  const auto interval = section.Whole("dummy_interval_ms", kIntervals);
  const auto octets =
      section.Whole("dummy_octets", {kLeastDummyOctets, kMostTfcOctets});
  if (interval) {
    parameters.dummies =
        DummyWish{.interval = std::chrono::milliseconds(*interval),
                  .octets = static_cast<std::uint32_t>(octets.value_or(0))};
  } else if (octets) {
    section.Refuse(
        "dummy_octets",
        "it says how large dummy packets are, but not how often they "
        "leave: write dummy_interval_ms, too.");
  }
}

void DescribeDummies(const SaParameters& parameters, Object& members) {
  if (!parameters.dummies) {
    return;
  }
  const auto interval = std::chrono::duration_cast<std::chrono::milliseconds>(
      parameters.dummies->interval);
  members.push_back({"dummy_interval_ms", Value::Whole(interval.count()), {}});
  if (parameters.dummies->octets != 0) {
    members.push_back(
        {"dummy_octets", Value::Whole(parameters.dummies->octets), {}});
  }
}

void DescribeTunnelOptions(const SaParameters& parameters, Object& members) {
  const auto add = [&members](std::string name, Value value) {
    members.push_back({std::move(name), std::move(value), {}});
  };
  const bool copies_label = parameters.flow_label == FlowLabel::kCopy;
  add("dont_fragment", NameOf(parameters.dont_fragment));
  add("dscp", DscpText(parameters));
  add("hop_limit", Value::Whole(parameters.hop_limit));
  add("flow_label", copies_label ? "copy" : "zero");
  if (parameters.tfc_pad_to != 0) {
    add("tfc_pad_to", Value::Whole(parameters.tfc_pad_to));
  }
}

}  // namespace postern
