// SPDX-License-Identifier: Apache-2.0

#include "core/net/ip_view.h"

#include <algorithm>
#include <optional>

#include "core/net/checksum.h"
#include "core/net/ipv4_options.h"
#include "core/net/ipv6_extensions.h"

namespace postern {
namespace {

constexpr std::size_t kIpv4ChecksumOffset = 10;
constexpr std::size_t kMaxLengthField = 0xffff;

unsigned VersionOf(ConstBytes octets) {
  return octets[0] >> 4;
}

std::size_t Ipv4HeaderLength(ConstBytes octets) {
  return (octets[0] & std::size_t{0x0f}) * 4;
}

IpView::Fragment FragmentOf(std::size_t offset, bool more) {
  if (offset != 0) {
    return IpView::Fragment::kLater;
  }
  return more ? IpView::Fragment::kFirst : IpView::Fragment::kWhole;
}

}  // namespace

Opinion<IpView> IpView::ParseAny(ConstBytes octets) {
  if (octets.empty()) {
    return DropReason::kTruncated;
  }
  IpView view(octets);
  Passage parsed = DropReason::kBadIpVersion;
  if (VersionOf(octets) == 4) {
    parsed = view.ParseV4();
  } else if (VersionOf(octets) == 6) {
    parsed = view.ParseV6();
  }
  return parsed.ok() ? Opinion<IpView>(view) : parsed.error();
}

Passage IpView::ParseV4() {
  if (octets_.size() < ipv4::kHeaderSize) {
    return DropReason::kTruncated;
  }
  header_length_ = static_cast<std::uint16_t>(Ipv4HeaderLength(octets_));
  size_ = PlainIpv4::SizeOf(Ipv4());
  if (header_length_ < ipv4::kHeaderSize || size_ < header_length_) {
    return DropReason::kBadIpHeader;
  }
  if (size_ > octets_.size()) {
    return DropReason::kTruncated;
  }
  if (header_length_ > ipv4::kHeaderSize) {
    const Passage checked = CheckIpv4Options(
        octets_.first(header_length_).subspan(ipv4::kHeaderSize));
    if (!checked.ok()) {
      return checked;
    }
  }
  family_ = IpFamily::kV4;
  traffic_class_ = octets_[ipv4::kTrafficClass];
  const auto flags = LoadBe<std::uint16_t>(octets_.subspan(ipv4::kFragment));
  fragment_ = FragmentOf(flags & 0x1fff, (flags & 0x2000) != 0);
  hop_limit_ = octets_[ipv4::kHopLimit];
  protocol_offset_ = ipv4::kProtocol;
  protocol_ = octets_[protocol_offset_];
  payload_offset_ = header_length_;
  insertion_offset_ = payload_offset_;
  insertion_protocol_offset_ = protocol_offset_;
  insertion_protocol_ = protocol_;
  return Pass();
}

Passage IpView::ParseV6() {
  if (octets_.size() < kIpv6HeaderSize) {
    return DropReason::kTruncated;
  }
  header_length_ = kIpv6HeaderSize;
  size_ = PlainIpv6::SizeOf(Ipv6());
  if (size_ > octets_.size()) {
    return DropReason::kTruncated;
  }
  family_ = IpFamily::kV6;
  traffic_class_ = TrafficClassOf(Ipv6());
  hop_limit_ = octets_[ipv6::kHopLimit];
  return WalkExtensions();
}

Passage IpView::WalkExtensions() {
  Ipv6Extensions walk(octets_.first(size_));
  const auto insert_here = [&] {
    insertion_offset_ = static_cast<std::uint16_t>(walk.offset());
    insertion_protocol_offset_ =
        static_cast<std::uint16_t>(walk.protocol_offset());
    insertion_protocol_ = walk.protocol();
  };
  insert_here();
  for (;;) {
    const Opinion<std::optional<Ipv6Extension>> next = walk.Next();
    if (!next.ok()) {
      return next.error();
    }
    if (!next->has_value()) {
      break;
    }
    const Ipv6Extension& extension = **next;
    if (const Passage checked = Note(extension); !checked.ok()) {
      return checked;
    }
    if (extension.type != Number(IpProtocol::kDestinationOptions)) {
      insert_here();
    }
  }
  protocol_ = walk.protocol();
  protocol_offset_ = static_cast<std::uint16_t>(walk.protocol_offset());
  payload_offset_ = static_cast<std::uint16_t>(walk.offset());
  return Pass();
}

Passage IpView::Note(const Ipv6Extension& extension) {
  switch (static_cast<IpProtocol>(extension.type)) {
    case IpProtocol::kHopByHop:
    case IpProtocol::kDestinationOptions:
      return CheckIpv6Options(extension.octets);
    case IpProtocol::kFragment: {
      const auto field = LoadBe<std::uint16_t>(extension.octets.subspan(2));
      const Fragment seen = FragmentOf(field & 0xfff8, (field & 1) != 0);
      fragment_ = std::max(fragment_, seen);
      return Pass();
    }
    default:
      return Pass();
  }
}

Opinion<FlowKey> IpView::Key(Direction direction) const {
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  if (HasPorts(protocol_) && fragment_ != Fragment::kLater) {
    if (payload().size() < kPortsSize) {
      return DropReason::kBadTransportHeader;
    }
    source_port = LoadBe<std::uint16_t>(payload());
    destination_port = LoadBe<std::uint16_t>(payload().subspan(2));
  }
  if (direction == Direction::kOutbound) {
    return FlowKey{source(), destination(), source_port, destination_port,
                   protocol_};
  }
  return FlowKey{destination(), source(), destination_port, source_port,
                 protocol_};
}

Passage SetIpLength(Bytes octets, std::size_t size) {
  const bool v4 = VersionOf(octets) == 4;
  const std::size_t fixed = v4 ? 0 : kIpv6HeaderSize;
  if (size < fixed || size - fixed > kMaxLengthField) {
    return DropReason::kTooBig;
  }
  StoreBe(octets.subspan(v4 ? 2 : 4), static_cast<std::uint16_t>(size - fixed));
  MendIpv4Checksum(octets);
  return Pass();
}

Passage RewriteIpHeader(Bytes octets, std::size_t protocol_offset,
                        std::uint8_t protocol) {
  if (VersionOf(octets) != 4) {
    octets[protocol_offset] = protocol;
    return SetIpLength(octets, octets.size());
  }
  if (octets.size() > kMaxLengthField) {
    return DropReason::kTooBig;
  }
  const auto header = octets.first<ipv4::kHeaderSize>();
  const Bytes length = header.subspan<2, 2>();
  const Bytes checksum = header.subspan<kIpv4ChecksumOffset, 2>();
  const auto size = static_cast<std::uint16_t>(octets.size());
  // ~(~HC + ~m + m') of RFC 1624; the protocol is the low octet of its word.
  std::uint32_t sum =
      static_cast<std::uint16_t>(~LoadBe<std::uint16_t>(checksum));
  sum += static_cast<std::uint16_t>(~LoadBe<std::uint16_t>(length));
  sum += size;
  sum += 0xffffU - header[protocol_offset];
  sum += protocol;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  header[protocol_offset] = protocol;
  StoreBe(length, size);
  StoreBe(checksum, static_cast<std::uint16_t>(~sum));
  return Pass();
}

void MendIpv4Checksum(Bytes octets) {
  if (VersionOf(octets) != 4) {
    return;
  }
  const Bytes header = octets.first(Ipv4HeaderLength(octets));
  StoreBe(header.subspan(kIpv4ChecksumOffset), std::uint16_t{0});
  StoreBe(header.subspan(kIpv4ChecksumOffset), InternetChecksum(header));
}

}  // namespace postern
