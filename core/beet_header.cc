// SPDX-License-Identifier: Apache-2.0

#include "core/beet_header.h"

#include <algorithm>
#include <utility>

#include "core/net/protocols.h"
#include "core/net/transport_fields.h"

namespace postern {
namespace {

constexpr std::size_t kUnit = 8;
constexpr std::size_t kFixedPseudoHeader = 4;
constexpr std::uint8_t kNoOperation = 1;  // the option, RFC 791 3.1

std::size_t OptionsOf(const IpView& packet) {
  return packet.family() == IpFamily::kV4
             ? packet.header_length() - ipv4::kHeaderSize
             : 0;
}

// What stands behind the whole header.
std::uint8_t NextOf(const IpView& packet) {
  return packet.octets()[packet.family() == IpFamily::kV4 ? ipv4::kProtocol
                                                          : ipv6::kNextHeader];
}

// A header between `ends` that is otherwise as `model`'s.
Passage WriteLike(const IpView& model, const TunnelEndpoints& ends,
                  std::uint8_t protocol, std::uint16_t id, Bytes packet) {
  using DontFragment = TunnelHeader::DontFragment;
  const bool has_flag = model.family() == IpFamily::kV4;
  const TunnelHeader header{
      .endpoints = ends,
      .hop_limit = model.hop_limit(),
      .dont_fragment = has_flag ? DontFragment::kCopy : DontFragment::kSet,
      .flow_label = TunnelHeader::FlowLabel::kCopy};
  return WriteTunnelHeader(header, model, protocol, id, packet);
}

// Nothing may look like a pseudo header that is none, and AH inside covers the
// identification, which no IPv6 header hands on.
bool IsCarried(const IpView& inner, IpFamily outer) {
  const std::uint8_t next = NextOf(inner);
  return next != Number(IpProtocol::kBeet) &&
         (next != Number(IpProtocol::kAh) || inner.family() == outer ||
          inner.family() == IpFamily::kV6);
}

// The packet's own identification where AH inside covers it, and where nobody may
// cut the packet, so that it is free (RFC 6864 4.1): receivers' kernels put
// segments together by it. Otherwise `fresh`.
std::uint16_t OuterIdentification(const IpView& inner, std::uint16_t fresh) {
  constexpr std::uint8_t kDontFragment = 0x40;
  if (inner.family() == IpFamily::kV6) {
    return fresh;
  }
  const bool kept = (inner.octets()[ipv4::kFragment] & kDontFragment) != 0 ||
                    NextOf(inner) == Number(IpProtocol::kAh);
  return kept ? LoadBe<std::uint16_t>(
                    inner.octets().subspan(ipv4::kIdentification))
              : fresh;
}

void WritePseudoHeader(std::uint8_t next_header, std::size_t options,
                       Bytes pseudo) {
  const std::size_t padding = pseudo.size() - kFixedPseudoHeader;
  std::ranges::fill(pseudo, kNoOperation);
  pseudo[0] = next_header;
  pseudo[1] = static_cast<std::uint8_t>((pseudo.size() + options) / kUnit - 1);
  pseudo[2] = static_cast<std::uint8_t>(padding);
  pseudo[3] = 0;
}

struct Pseudo {
  std::uint8_t next_header;
  std::size_t size;  // with its padding
  std::size_t options;
};

Opinion<Pseudo> ReadPseudoHeader(ConstBytes content) {
  constexpr std::size_t kMostOptions = 40;
  if (content.size() < kUnit) {
    return DropReason::kBadIpOption;
  }
  const std::size_t all = (content[1] + std::size_t{1}) * kUnit;
  const std::size_t padding = content[2];
  if ((padding != 0 && padding != kUnit - kFixedPseudoHeader) ||
      all > content.size() ||
      all - kFixedPseudoHeader - padding > kMostOptions) {
    return DropReason::kBadIpOption;
  }
  const std::size_t size = kFixedPseudoHeader + padding;
  return Pseudo{content[0], size, all - size};
}

}  // namespace

BeetContent BeetContentOf(const IpView& packet) {
  if (packet.family() == IpFamily::kV6) {
    return {packet.header_length(), NextOf(packet)};
  }
  const std::size_t pseudo = BeetPseudoHeader(OptionsOf(packet));
  return {ipv4::kHeaderSize - pseudo,
          pseudo == 0 ? NextOf(packet) : Number(IpProtocol::kBeet)};
}

Passage WriteBeetHeader(const BeetEnds& ends, const IpView& inner,
                        std::size_t esp_header, std::uint16_t id,
                        Bytes packet) {
  if (inner.source() != ends.inner.source ||
      inner.destination() != ends.inner.destination) {
    return DropReason::kSelectorMismatch;
  }
  if (!IsCarried(inner, ends.outer.source.family())) {
    return DropReason::kModeMismatch;
  }
  id = OuterIdentification(inner, id);
  const bool v4 = ends.outer.source.family() == IpFamily::kV4;
  const std::size_t options = OptionsOf(inner);
  const std::size_t pseudo = BeetPseudoHeader(options);
  if (pseudo != 0) {
    // Over the addresses: what the header below is made of stays.
    const std::size_t at =
        (v4 ? ipv4::kHeaderSize : kIpv6HeaderSize) + esp_header;
    WritePseudoHeader(NextOf(inner), options, packet.subspan(at, pseudo));
  }
  return WriteLike(inner, ends.outer, Number(IpProtocol::kEsp), id, packet);
}

Passage StripBeetHeader(Packet& packet, const TunnelEndpoints& inner,
                        const TunnelContent& content) {
  const Opinion<IpView> outer = IpView::Parse(std::as_const(packet).bytes());
  if (!outer.ok()) {
    return outer.error();
  }
  const bool v4 = inner.source.family() == IpFamily::kV4;
  Pseudo pseudo{content.protocol, 0, 0};
  if (content.protocol == Number(IpProtocol::kBeet)) {
    const Opinion<Pseudo> read =
        ReadPseudoHeader(packet.bytes().subspan(content.offset, content.size));
    if (!v4 || !read.ok()) {
      return v4 ? read.error() : DropReason::kModeMismatch;
    }
    pseudo = *read;
  }
  const std::uint16_t id = outer->family() == IpFamily::kV4
                               ? LoadBe<std::uint16_t>(outer->octets().subspan(
                                     ipv4::kIdentification))
                               : std::uint16_t{0};
  const std::size_t header = v4 ? ipv4::kHeaderSize : kIpv6HeaderSize;
  const std::size_t rest = content.offset + pseudo.size;
  packet.TrimBack(packet.size() - content.offset - content.size);
  if (rest < header && !packet.Prepend(header - rest)) {
    return DropReason::kNoHeadroom;
  }
  packet.TrimFront(rest - std::min(rest, header));
  const Bytes bytes = packet.bytes();
  if (const Passage written =
          WriteLike(*outer, inner, pseudo.next_header, id, bytes);
      !written.ok()) {
    return written;
  }
  if (pseudo.options != 0) {
    bytes[0] = static_cast<std::uint8_t>(bytes[0] + pseudo.options / 4);
    MendIpv4Checksum(bytes);
  }
  const Opinion<IpView> made = IpView::Parse(bytes);
  if (!made.ok()) {
    return made.error();
  }
  return made->fragment() == IpView::Fragment::kWhole ? Pass()
                                                      : DropReason::kFragment;
}

}  // namespace postern
