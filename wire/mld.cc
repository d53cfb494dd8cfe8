// SPDX-License-Identifier: Apache-2.0

#include "wire/mld.h"

#include <array>
#include <cstddef>

#include "core/net/checksum.h"
#include "core/net/ipv6_extensions.h"
#include "core/net/protocols.h"
#include "wire/ethernet.h"

namespace postern {
namespace {

constexpr std::size_t kHopByHopSize = 8;
constexpr std::size_t kFixedSize = 8;    // of the report
constexpr std::size_t kRecordSize = 20;  // without sources

// ff02::16, the routers that know MLDv2.
IpAddress Routers() {
  constexpr std::array<std::uint8_t, 16> kGroup = {
      0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16};
  return IpAddress::FromV6(kGroup);
}

IpAddress Nobody() {
  constexpr std::array<std::uint8_t, 16> kUnspecified{};
  return IpAddress::FromV6(kUnspecified);
}

void PutIpv6(Writer& out, std::size_t payload) {
  constexpr std::uint32_t kVersion6 = 6U << 28U;
  constexpr std::uint8_t kHopLimit = 1;
  out.Write(kVersion6);
  out.Write(static_cast<std::uint16_t>(payload));
  out.Write(Number(IpProtocol::kHopByHop));
  out.Write(kHopLimit);
  out.Put(Nobody().octets());
  out.Put(Routers().octets());
  // RFC 2711: router alert, of MLD; then two octets of padding.
  constexpr std::array<std::uint8_t, 6> kOptions = {5, 2, 0, 0, 1, 0};
  out.Write(Number(IpProtocol::kIcmpv6));
  out.Write(std::uint8_t{0});
  out.Put(kOptions);
}

}  // namespace

std::vector<std::uint8_t> ListenerReport(const MacAddress& from,
                                         const std::vector<IpAddress>& groups) {
  const std::size_t size = kFixedSize + groups.size() * kRecordSize;
  const std::size_t front =
      kEthernetHeaderSize + kIpv6HeaderSize + kHopByHopSize;
  std::vector<std::uint8_t> frame(front + size);
  const EthernetHeader header{MacAddress::OfGroup(Routers()), from,
                              EtherType::kIpv6};
  header.Write(frame);
  Writer out(Bytes(frame).subspan(kEthernetHeaderSize));
  PutIpv6(out, kHopByHopSize + size);
  constexpr std::uint8_t kReport = 143;
  constexpr std::uint8_t kToExclude = 4;  // nobody: it listens to all
  out.Write(kReport);
  out.Write(std::uint8_t{0});
  out.Write(std::uint32_t{0});  // the checksum, and reserved
  out.Write(static_cast<std::uint16_t>(groups.size()));
  for (const IpAddress& group : groups) {
    out.Write(kToExclude);
    out.Write(std::uint8_t{0});
    out.Write(std::uint16_t{0});
    out.Put(group.octets());
  }
  const Bytes report = Bytes(frame).subspan(front);
  StoreBe(report.subspan(2),
          TransportChecksum(Nobody(), Routers(), Number(IpProtocol::kIcmpv6),
                            report));
  return frame;
}

}  // namespace postern
