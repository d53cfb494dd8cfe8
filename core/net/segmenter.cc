// SPDX-License-Identifier: Apache-2.0

#include "core/net/segmenter.h"

#include <algorithm>

#include "core/net/protocols.h"
#include "core/net/transport_fields.h"

namespace postern {
namespace {

// The kind of super-packet that such a packet may be.
std::uint8_t KindOf(const IpView& view) {
  if (view.protocol() == Number(IpProtocol::kUdp)) {
    return VnetHeader::kUdp;
  }
  if (view.protocol() == Number(IpProtocol::kTcp)) {
    return view.family() == IpFamily::kV4 ? VnetHeader::kTcpV4
                                          : VnetHeader::kTcpV6;
  }
  return VnetHeader::kOrdinary;
}

bool IsKind(const VnetHeader& vnet, std::uint8_t kind) {
  const bool tcp = kind == VnetHeader::kTcpV4 || kind == VnetHeader::kTcpV6;
  return vnet.gso_type == kind ||
         (tcp && vnet.gso_type == (kind | VnetHeader::kCongestion));
}

// To UDP 0 means that there is none (RFC 768); summed, the two are the same.
std::uint16_t NotZero(std::uint16_t checksum) {
  return checksum == 0 ? 0xffff : checksum;
}

}  // namespace

Opinion<Segmenter> Segmenter::Start(const VnetHeader& vnet, ConstBytes packet) {
  const Opinion<IpView> view = IpView::Parse(packet);
  if (!view.ok()) {
    return view.error();
  }
  const bool borne_out = IsKind(vnet, KindOf(*view)) && vnet.gso_size > 0 &&
                         view->size() == packet.size() &&
                         view->fragment() == IpView::Fragment::kWhole &&
                         vnet.header_length <= packet.size() &&
                         (vnet.flags & VnetHeader::kNeedsChecksum) != 0 &&
                         vnet.checksum_start == view->payload_offset();
  if (!borne_out) {
    return DropReason::kBadOffload;
  }
  Segmenter segmenter;
  if (const Passage taken = segmenter.TakeTransport(vnet, *view); !taken.ok()) {
    return taken.error();
  }
  return segmenter;
}

Passage Segmenter::TakeTransport(const VnetHeader& vnet, const IpView& view) {
  const ConstBytes segment = view.payload();
  is_tcp_ = view.protocol() == Number(IpProtocol::kTcp);
  if (segment.size() < (is_tcp_ ? tcp::kHeaderSize : udp::kHeaderSize)) {
    return DropReason::kBadOffload;
  }
  const std::size_t length =
      is_tcp_ ? tcp::HeaderLength(segment) : udp::kHeaderSize;
  const std::size_t field = is_tcp_ ? tcp::kChecksum : udp::kChecksum;
  if (length < (is_tcp_ ? tcp::kHeaderSize : udp::kHeaderSize) ||
      length >= segment.size() || vnet.checksum_offset != field) {
    return DropReason::kBadOffload;
  }
  // Neither kind of packet is ever one of a row.
  const bool opens_or_resets =
      is_tcp_ && (segment[tcp::kFlags] & (tcp::kSyn | tcp::kRst)) != 0;
  const bool wrong_length =
      !is_tcp_ &&
      LoadBe<std::uint16_t>(segment.subspan(udp::kLength)) != segment.size();
  if (opens_or_resets || wrong_length) {
    return DropReason::kBadOffload;
  }
  transport_ = view.payload_offset();
  gso_size_ = vnet.gso_size;
  left_ = segment.subspan(length);
  headers_ = {segment.data() - transport_, transport_ + length};
  // The kernel's sum is of the whole length; adding a complement takes it off.
  pseudo_.AddWord(LoadBe<std::uint16_t>(segment.subspan(field)));
  pseudo_.AddWord(
      static_cast<std::uint16_t>(~static_cast<std::uint16_t>(segment.size())));
  return Pass();
}

std::size_t Segmenter::next_size() const {
  return done() ? 0 : headers_.size() + std::min(gso_size_, left_.size());
}

void Segmenter::CutNext(Bytes to) {
  const ConstBytes payload = left_.first(std::min(gso_size_, left_.size()));
  left_ = left_.subspan(payload.size());
  CopyBytes(to, headers_);
  const Bytes segment = to.subspan(transport_);
  const Bytes header = segment.first(headers_.size() - transport_);
  const auto size = static_cast<std::uint16_t>(segment.size());
  if (is_tcp_) {
    const Bytes sequence = header.subspan(tcp::kSequence);
    StoreBe(sequence, LoadBe<std::uint32_t>(sequence) +
                          static_cast<std::uint32_t>(cut_octets_));
    const int not_here = (cut_packets_ == 0 ? 0 : tcp::kCwr) |
                         (done() ? 0 : tcp::kFin | tcp::kPsh);
    header[tcp::kFlags] =
        static_cast<std::uint8_t>(header[tcp::kFlags] & ~not_here);
  } else {
    StoreBe(header.subspan(udp::kLength), size);
  }
  const Bytes field = header.subspan(is_tcp_ ? tcp::kChecksum : udp::kChecksum);
  StoreBe(field, std::uint16_t{0});
  InternetSum sum = pseudo_;
  sum.AddWord(size);
  sum.Add(header);
  sum.AddCopying(segment.subspan(header.size()), payload);
  StoreBe(field, is_tcp_ ? sum.Checksum() : NotZero(sum.Checksum()));
  if (to[0] >> 4 == 4) {
    const Bytes id = to.subspan(ipv4::kIdentification);
    StoreBe(id, static_cast<std::uint16_t>(LoadBe<std::uint16_t>(id) +
                                           cut_packets_));
  }
  // It fits: it is not more than the super-packet was.
  static_cast<void>(SetIpLength(to, to.size()));
  cut_octets_ += payload.size();
  ++cut_packets_;
}

Passage FinishChecksum(const VnetHeader& vnet, Bytes packet) {
  if ((vnet.flags & VnetHeader::kNeedsChecksum) == 0) {
    return Pass();
  }
  const std::size_t start = vnet.checksum_start;
  const std::size_t field = start + vnet.checksum_offset;
  if (start < ipv4::kHeaderSize || field + 2 > packet.size()) {
    return DropReason::kBadOffload;
  }
  StoreBe(packet.subspan(field),
          NotZero(InternetChecksum(packet.subspan(start))));
  return Pass();
}

}  // namespace postern
