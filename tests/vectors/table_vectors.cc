// SPDX-License-Identifier: Apache-2.0
//
// ipsec-vec/table/1: tables of RFC 4301 and RFC 6040, and PF_KEY's layout.

#include <array>
#include <string>

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

void SkipRows(const Json& rows, const std::string& reason, Tally& tally) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tally.Run("", [&] { return Skipped(reason); });
  }
}

}  // namespace

void RunTableVectors(const Json& file, Tally& tally) {
  if (file.contains("encap") && file.contains("decap")) {
    RunEcn(file, tally);
    return;
  }
  if (file.contains("structs")) {
    SkipRows(file.at("structs"), "PF_KEY layout: not built yet", tally);
    return;
  }
  const Json& rows = file.at("rows");
  const bool any = !rows.empty();
  if (any && rows[0].contains("type_start")) {
    SkipRows(rows, "ICMP selectors: not built yet", tally);
  } else if (any && rows[0].contains("pfp")) {
    SkipRows(rows, "selectors from the packet (PFP): not built yet", tally);
  } else {
    throw VectorError("unknown table");
  }
}

}  // namespace postern::vectors
