// SPDX-License-Identifier: Apache-2.0
//
// ipsec-vec/table/1: tables of RFC 4301 and RFC 6040; PF_KEY's layout is in
// pfkey_vectors.cc.

#include <array>
#include <string>

#include "core/flow/selector.h"
#include "core/net/ip_view.h"
#include "core/tunnel_header.h"
#include "tests/vectors/vector_file.h"

namespace postern::vectors {
namespace {

constexpr std::uint8_t kEcnMask = 3;
// A DSCP other than zero: it must not move.
constexpr std::uint8_t kDscp = 0xb8;

// The shortest packet of a family with this traffic class.
Octets PacketWith(IpFamily family, std::uint8_t traffic_class) {
  if (family == IpFamily::kV4) {
    Octets packet(20);
    packet[0] = 0x45;
    packet[1] = traffic_class;
    packet[3] = 20;
    MendIpv4Checksum(packet);
    return packet;
  }
  Octets packet(40);
  packet[0] = static_cast<std::uint8_t>(0x60 | traffic_class >> 4);
  packet[1] = static_cast<std::uint8_t>(traffic_class << 4);
  packet[6] = 59;
  return packet;
}

// An ICMP or ICMPv6 packet of this type and code.
Octets IcmpWith(IpFamily family, std::uint8_t type, std::uint8_t code) {
  const bool v4 = family == IpFamily::kV4;
  Octets packet = PacketWith(family, 0);
  packet[v4 ? 9 : 6] = v4 ? 1 : 58;
  packet.insert(packet.end(), {type, code, 0, 0, 0, 0, 0, 0});
  const auto size = static_cast<std::uint8_t>(v4 ? packet.size() : 8);
  packet[v4 ? 3 : 5] = size;
  MendIpv4Checksum(packet);
  return packet;
}

TunnelHeader TunnelOver(IpFamily family) {
  const bool v4 = family == IpFamily::kV4;
  TunnelHeader tunnel;
  tunnel.endpoints.source = *IpAddress::Parse(v4 ? "192.0.2.1" : "2001:db8::1");
  tunnel.endpoints.destination =
      *IpAddress::Parse(v4 ? "192.0.2.2" : "2001:db8::2");
  return tunnel;
}

constexpr std::array<IpFamily, 2> kFamilies = {IpFamily::kV4, IpFamily::kV6};

Outcome RunEncap(const Json& row) {
  CheckFields(row, {"inner", "inner_bits", "outer_normal", "outer_normal_bits",
                    "outer_compat", "outer_compat_bits"});
  const auto mark = row.at("inner_bits").get<std::uint8_t>();
  const auto expected = row.at("outer_normal_bits").get<std::uint8_t>();
  for (const IpFamily inner_family : kFamilies) {
    for (const IpFamily outer_family : kFamilies) {
      const Octets inner =
          PacketWith(inner_family, static_cast<std::uint8_t>(kDscp | mark));
      const TunnelHeader tunnel = TunnelOver(outer_family);
      Octets packet(SizeOf(tunnel));
      packet.insert(packet.end(), inner.begin(), inner.end());
      const auto view = IpView::Parse(inner);
      if (!WriteTunnelHeader(tunnel, *view, 50, 1, packet).ok()) {
        return Failed("the header was refused");
      }
      const auto outer = IpView::Parse(packet);
      if (!outer.ok() || (outer->traffic_class() & kEcnMask) != expected) {
        return Failed("the outer mark differs");
      }
    }
  }
  return Passed();
}

// DEF-28
Outcome RunDecap(const Json& row) {
  CheckFields(row, {"inner", "inner_bits", "outer", "outer_bits", "result",
                    "result_bits", "unused_combination", "log_should",
                    "rfc4301_result"});
  const auto mark = row.at("inner_bits").get<std::uint8_t>();
  const auto outer = row.at("outer_bits").get<std::uint8_t>();
  const bool drops = row.at("result_bits").is_null();
  for (const IpFamily family : kFamilies) {
    Octets inner = PacketWith(family, static_cast<std::uint8_t>(kDscp | mark));
    const Passage carried = CarryEcnInward(outer, inner);
    if (carried.ok() == drops) {
      return Failed(drops ? "not dropped" : "dropped");
    }
    if (drops) {
      continue;
    }
    const auto result = row.at("result_bits").get<std::uint8_t>();
    const Octets expected =
        PacketWith(family, static_cast<std::uint8_t>(kDscp | result));
    const Outcome same = Compare("inner packet", inner, expected);
    if (same.kind != Outcome::Kind::kPassed) {
      return same;
    }
  }
  return Passed();
}

void RunEcn(const Json& file, Tally& tally) {
  for (const Json& row : file.at("encap")) {
    tally.Run("encap " + row.at("inner").get<std::string>(),
              [&] { return RunEncap(row); });
  }
  for (const Json& row : file.at("decap")) {
    tally.Run("decap " + row.at("inner").get<std::string>() + " under " +
                  row.at("outer").get<std::string>(),
              [&] { return RunDecap(row); });
  }
}

// RFC 4301 4.4.1.1.
Outcome RunMessage(const Json& row) {
  CheckFields(row, {"type_start", "type_end", "code_start", "code_end", "type",
                    "code", "match"});
  const auto octet = [&row](const char* field) {
    return row.at(field).get<std::uint8_t>();
  };
  const auto range =
      RangeOf(MessageTypes{octet("type_start"), octet("type_end"),
                           octet("code_start"), octet("code_end")});
  if (!range) {
    return Failed("the range was refused");
  }
  for (const IpFamily family : kFamilies) {
    const IpProtocol icmp =
        family == IpFamily::kV4 ? IpProtocol::kIcmp : IpProtocol::kIcmpv6;
    const Octets packet = IcmpWith(family, octet("type"), octet("code"));
    const auto view = IpView::Parse(packet);
    const Traffic traffic(*view->Key(Direction::kInbound),
                          AspectOf(*view, Direction::kInbound));
    const Selector selector{.protocol = Number(icmp), .message = *range};
    if (selector.Matches(traffic, Direction::kInbound) !=
        row.at("match").get<bool>()) {
      return Failed("matches otherwise");
    }
  }
  return Passed();
}

// What a selector's words in the table stand for.
template <typename T>
FieldSelector<T> RuleOf(const std::string& words,
                        const FieldSelector<T>& listed) {
  if (words == "ANY" || words == "ANY type + ANY code") {
    return {};
  }
  if (words == "OPAQUE" || words == "OPAQUE (IPv6 only)") {
    return FieldSelector<T>::Opaque();
  }
  if (words.starts_with("list of ") || words.starts_with("single type + ")) {
    return listed;
  }
  throw VectorError("unknown selector: " + words);
}

// `listed` is what the table calls a list, `shown` the packet's own value.
template <typename T>
Outcome RunPopulate(const Json& row, const FieldSelector<T>& listed,
                    const T& shown) {
  const std::string words = row.at("spd");
  const std::string packet = row.at("packet");
  const std::string expected = row.at("sad");
  const int flag = row.at("pfp");
  if ((packet != "value" && packet != "not available") || flag < 0 ||
      flag > 1) {
    throw VectorError("unknown packet or flag");
  }
  const FieldSelector<T> rule = RuleOf(words, listed);
  const Populated<T> got = SelectorForSa(
      rule, flag == 1 ? Populate::kFromPacket : Populate::kFromRule,
      packet == "value" ? std::optional<T>(shown) : std::nullopt);
  bool as_expected = false;
  if (expected == "discard packet") {
    as_expected = std::holds_alternative<DiscardPacket>(got);
  } else if (expected == "configuration error (SHOULD be refused)") {
    as_expected = std::holds_alternative<ConfigurationError>(got);
  } else if (const auto* selector = std::get_if<FieldSelector<T>>(&got)) {
    as_expected = expected == "packet value"
                      ? *selector == FieldSelector<T>(shown)
                      : *selector == RuleOf(expected, listed);
  }
  return as_expected ? Passed() : Failed("not \"" + expected + "\"");
}

// RFC 4301 4.4.2.2.
Outcome RunPopulateRow(const Json& row) {
  CheckFields(row, {"selector", "spd", "pfp", "packet", "sad"});
  const std::string selector = row.at("selector");
  const std::string words = row.at("spd");
  if (selector == "local_addr" || selector == "remote_addr") {
    const auto address = [](const char* text) {
      return *IpAddress::Parse(text);
    };
    return RunPopulate<IpAddress>(
        row,
        AddressSelector::Of({{address("192.0.2.3"), address("192.0.2.10")},
                             {address("192.0.2.20"), address("192.0.2.20")}}),
        address("192.0.2.5"));
  }
  if (selector == "protocol") {
    return RunPopulate<std::uint8_t>(
        row, ProtocolSelector::Of({{6, 6}, {17, 17}}), 17);
  }
  if (selector == "local_port" || selector == "remote_port") {
    return RunPopulate<std::uint16_t>(
        row, PortSelector::Of({{80, 80}, {1000, 2000}}), 1234);
  }
  if (selector == "mh_type") {
    return RunPopulate<std::uint16_t>(
        row, *RangeOf(MessageTypes{.type_first = 1, .type_last = 5}), 3 * 256);
  }
  if (selector == "icmp_type_code") {
    const std::uint8_t last = words == "single type + ANY code" ? 255 : 15;
    return RunPopulate<std::uint16_t>(
        row, *RangeOf(MessageTypes{3, 3, 0, last}), 3 * 256 + 4);
  }
  throw VectorError("unknown selector: " + selector);
}

void RunRows(const Json& rows, Outcome (*run)(const Json& row), Tally& tally) {
  for (const Json& row : rows) {
    tally.Run(row.dump(), [&] { return run(row); });
  }
}

}  // namespace

void RunTableVectors(const Json& file, Tally& tally) {
  if (file.contains("encap") && file.contains("decap")) {
    RunEcn(file, tally);
    return;
  }
  if (file.contains("structs")) {
    RunPfKeyVectors(file, tally);
    return;
  }
  CheckCaseFields(file, {"format", "rows"});
  const Json& rows = file.at("rows");
  const bool any = !rows.empty();
  if (any && rows[0].contains("type_start")) {
    RunRows(rows, RunMessage, tally);
  } else if (any && rows[0].contains("pfp")) {
    RunRows(rows, RunPopulateRow, tally);
  } else {
    throw VectorError("unknown table");
  }
}

}  // namespace postern::vectors
