// SPDX-License-Identifier: Apache-2.0

#include "pipeline/reassembler.h"

#include <algorithm>
#include <span>
#include <utility>

#include "core/net/ipv6_extensions.h"
#include "core/net/protocols.h"
#include "core/packet/packet_pool.h"
#include "core/tunnel_header.h"

namespace postern {
namespace {

constexpr std::size_t kMostData = 65535;
// What a first fragment must show of its AH, ESP or transport header: RFC 7112,
// and no port or SPI is ever filled in by a later one.
constexpr std::size_t kLeastFirst = 8;

constexpr unsigned kNotEct = 0;
constexpr unsigned kCe = 3;

bool IsSame(ConstBytes a, ConstBytes b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

Reassembler::Reassembler(const Limits& limits, AuditSink* audit,
                         WorkerStats& stats, Direction direction)
    : limits_(limits),
      audit_(audit),
      direction_(direction),
      stats_(stats),
      datagrams_(limits.datagrams),
      // Not touched until a fragment comes.
      buffers_(new std::uint8_t[limits.datagrams * kMostOctets]) {}

Reassembler::Key Reassembler::KeyOf(const IpView& view,
                                    const FragmentPlace& place,
                                    const Way& way) {
  const bool v4 = view.family() == IpFamily::kV4;
  return {view.source(), view.destination(), place.id,
          v4 ? place.protocol : std::uint8_t{0}, way};
}

bool Reassembler::Knows(const IpView& view, ConstBytes octets,
                        const Way& way) const {
  if (used_ == 0) {
    return false;
  }
  const auto place = FragmentPlace::Of(view, octets);
  return place &&
         std::ranges::any_of(datagrams_, [key = KeyOf(view, *place, way)](
                                             const Datagram& datagram) {
           return datagram.state != Datagram::State::kFree &&
                  datagram.key == key;
         });
}

// What no other fragment could make right.
Passage Reassembler::CheckAlone(const IpView& view, const FragmentPlace& place,
                                ConstBytes octets) {
  const std::size_t size = view.size() - place.data_offset;
  const std::size_t end = place.offset + size;
  // The length field counts IPv4's header, and IPv6's extension headers.
  const std::size_t counted = view.family() == IpFamily::kV4
                                  ? place.header_size
                                  : place.header_size - kIpv6HeaderSize;
  if (size == 0 || (place.has_more && size % 8 != 0) ||
      counted + end > kMostData) {
    return DropReason::kBadFragment;
  }
  if (place.header_size > kMostHeader ||
      place.header_size + end > kMostOctets) {
    return DropReason::kReassemblyTooBig;
  }
  return place.offset == 0 ? CheckHeaders(view, place, octets) : Pass();
}

// RFC 7112 5: a first fragment holds all headers, and none that would make the
// whole a fragment again.
Passage Reassembler::CheckHeaders(const IpView& view,
                                  const FragmentPlace& place,
                                  ConstBytes octets) {
  if (view.payload().size() < kLeastFirst) {
    return DropReason::kBadFragment;
  }
  if (view.family() == IpFamily::kV4) {
    return Pass();
  }
  Ipv6Extensions walk(octets.first(view.size()));
  for (;;) {
    const Opinion<std::optional<Ipv6Extension>> next = walk.Next();
    if (!next.ok()) {
      return next.error();
    }
    if (!next->has_value()) {
      return Pass();
    }
    if ((*next)->type == Number(IpProtocol::kFragment) &&
        (*next)->offset >= place.data_offset) {
      return DropReason::kBadFragment;
    }
  }
}

// Whether the piece and the datagram so far can be of one. `before` is what was
// gathered. Every error but kFragmentDuplicate spoils the datagram.
Passage Reassembler::CheckFit(const Datagram& datagram, const Piece& piece,
                              const FragmentPlace& place, ConstBytes octets,
                              ConstBytes before) {
  const auto pieces = std::span(datagram.pieces).first(datagram.count);
  for (const Piece& other : pieces) {
    if (other.offset >= piece.end() || piece.offset >= other.end()) {
      continue;
    }
    const bool again =
        other.offset == piece.offset && other.size == piece.size &&
        IsSame(before.subspan(piece.offset, piece.size), octets) &&
        place.has_more == (datagram.end != piece.end());
    return again ? DropReason::kFragmentDuplicate
                 : DropReason::kFragmentOverlap;
  }
  const bool is_behind_end = datagram.end && piece.end() > *datagram.end;
  const bool ends_before_others =
      !place.has_more &&
      (datagram.end || std::ranges::any_of(pieces, [&](const Piece& other) {
         return other.end() > piece.end();
       }));
  if (is_behind_end || ends_before_others) {
    return DropReason::kBadFragment;
  }
  return datagram.count < kMostPieces ? Pass()
                                      : DropReason::kReassemblyOverflow;
}

Opinion<Reassembler::Taken> Reassembler::Take(Packet& packet,
                                              const IpView& view,
                                              const Way& way, Instant now) {
  const ConstBytes octets = std::as_const(packet).bytes();
  const auto place = FragmentPlace::Of(view, octets);
  if (!place) {
    return DropReason::kBadFragment;
  }
  if (const Passage sane = CheckAlone(view, *place, octets); !sane.ok()) {
    return sane.error();
  }
  const Key key = KeyOf(view, *place, way);
  Datagram* const known = Find(key);
  Datagram& datagram =
      known != nullptr ? *known : Make(key, view.protocol(), now);
  if (datagram.state == Datagram::State::kSpoilt) {
    return datagram.spoilt_by;
  }
  const Piece piece{place->offset, view.size() - place->data_offset};
  const Passage fits = CheckFit(datagram, piece, *place,
                                octets.subspan(place->data_offset, piece.size),
                                BufferOf(datagram));
  if (!fits.ok()) {
    if (fits.error() != DropReason::kFragmentDuplicate) {
      GiveUp(datagram, fits.error(), now);
      datagram.state = Datagram::State::kSpoilt;
      datagram.spoilt_by = fits.error();
    }
    return fits.error();
  }
  Gather(datagram, view, *place, octets);
  if (!datagram.complete()) {
    return Taken::kWaits;
  }
  const Passage rebuilt = Rebuild(datagram, packet);
  // This fragment is the caller's to count.
  datagram.count -= rebuilt.ok() ? 0U : 1U;
  if (!rebuilt.ok()) {
    GiveUp(datagram, rebuilt.error(), now);
  }
  Free(datagram);
  return rebuilt.ok() ? Opinion<Taken>(Taken::kMadeWhole) : rebuilt.error();
}

Bytes Reassembler::BufferOf(const Datagram& datagram) {
  const auto index = static_cast<std::size_t>(&datagram - datagrams_.data());
  return {buffers_.get() + index * kMostOctets, kMostOctets};
}

Reassembler::Datagram* Reassembler::Find(const Key& key) {
  if (used_ == 0) {
    return nullptr;
  }
  const auto found =
      std::ranges::find_if(datagrams_, [&key](const Datagram& datagram) {
        return datagram.state != Datagram::State::kFree && datagram.key == key;
      });
  return found == datagrams_.end() ? nullptr : &*found;
}

Reassembler::Datagram& Reassembler::Make(const Key& key, std::uint8_t protocol,
                                         Instant now) {
  Datagram& datagram = Vacate(key, now);
  datagram.state = Datagram::State::kGathering;
  datagram.key = key;
  datagram.protocol = protocol;
  datagram.deadline = now + limits_.time;
  datagram.serial = ++last_serial_;
  earliest_ = used_ == 0 ? datagram.deadline : earliest_;
  ++used_;
  return datagram;
}

// A free place; where there is none, the oldest datagram loses its own: of the
// same source and origin if these have their share, or of an origin that has more
// than its half.
Reassembler::Datagram& Reassembler::Vacate(const Key& key, Instant now) {
  struct Share {
    Datagram* oldest = nullptr;
    std::size_t count = 0;

    void Add(Datagram& datagram) {
      oldest = oldest == nullptr || datagram.serial < oldest->serial ? &datagram
                                                                     : oldest;
      ++count;
    }
  };

  Datagram* free = nullptr;
  Share of_source;
  Share of_origin;
  Share of_other;
  for (Datagram& datagram : datagrams_) {
    if (datagram.state == Datagram::State::kFree) {
      free = &datagram;
    } else if (datagram.key.way.origin != key.way.origin) {
      of_other.Add(datagram);
    } else {
      of_origin.Add(datagram);
      if (datagram.key.source == key.source) {
        of_source.Add(datagram);
      }
    }
  }
  const bool source_is_full = of_source.count >= limits_.per_source;
  if (free != nullptr && !source_is_full) {
    return *free;
  }
  // With no place free one of the two has half or more.
  const bool is_own_turn = of_origin.count >= (limits_.datagrams + 1) / 2;
  Datagram& loses = source_is_full ? *of_source.oldest
                    : is_own_turn  ? *of_origin.oldest
                                   : *of_other.oldest;
  GiveUp(loses, DropReason::kReassemblyOverflow, now);
  Free(loses);
  return loses;
}

void Reassembler::Gather(Datagram& datagram, const IpView& view,
                         const FragmentPlace& place, ConstBytes octets) {
  const ConstBytes data =
      octets.subspan(place.data_offset, view.size() - place.data_offset);
  CopyBytes(BufferOf(datagram).subspan(place.offset), data);
  datagram.pieces[datagram.count++] = {place.offset, data.size()};
  datagram.octets += data.size();
  datagram.marks |= static_cast<std::uint8_t>(1U << (view.traffic_class() & 3));
  if (!place.has_more) {
    datagram.end = place.offset + data.size();
  }
  if (place.offset == 0) {
    CopyBytes(datagram.header, octets.first(place.header_size));
    datagram.header_size = place.header_size;
    datagram.protocol_offset = place.protocol_offset;
    datagram.first_protocol = place.protocol;
  }
}

// Into the packet of the last fragment, which has the pool's usual room.
Passage Reassembler::Rebuild(Datagram& datagram, Packet& packet) {
  const bool marked = (datagram.marks & (1U << kCe)) != 0;
  if (marked && (datagram.marks & (1U << kNotEct)) != 0) {
    return DropReason::kEcnViolation;
  }
  const std::size_t size = datagram.header_size + *datagram.end;
  if (size > kMostOctets) {
    return DropReason::kReassemblyTooBig;
  }
  packet.TrimBack(packet.size());
  if (packet.headroom() > kDefaultHeadroom) {
    const std::size_t excess = packet.headroom() - kDefaultHeadroom;
    packet.TrimBack(packet.Prepend(excess) ? excess : 0);
  }
  if (!packet.Append(size)) {
    return DropReason::kNoHeadroom;
  }
  const Bytes whole = packet.bytes();
  const Bytes data = whole.subspan(datagram.header_size);
  CopyBytes(whole, ConstBytes(datagram.header).first(datagram.header_size));
  CopyBytes(data, BufferOf(datagram).first(*datagram.end));
  const bool v4 = datagram.key.source.family() == IpFamily::kV4;
  if (v4) {
    constexpr std::uint16_t kDontFragment = 0x4000;
    const auto field = LoadBe<std::uint16_t>(whole.subspan(6));
    StoreBe(whole.subspan(6),
            static_cast<std::uint16_t>(field & kDontFragment));
  } else {
    whole[datagram.protocol_offset] = datagram.first_protocol;
  }
  if (const Passage sized = SetIpLength(whole, size); !sized.ok()) {
    return sized;
  }
  return marked ? CarryEcnInward(kCe, whole) : Pass();
}

void Reassembler::GiveUpDue(Instant now) {
  std::optional<Instant> next;
  for (Datagram& datagram : datagrams_) {
    if (datagram.state == Datagram::State::kFree) {
      continue;
    }
    if (now >= datagram.deadline) {
      GiveUp(datagram, DropReason::kReassemblyTimeout, now);
      Free(datagram);
    } else if (!next || datagram.deadline < *next) {
      next = datagram.deadline;
    }
  }
  earliest_ = next.value_or(earliest_);
}

// Counts what it holds, and nothing of a spoilt one, which is counted.
void Reassembler::GiveUp(Datagram& datagram, DropReason reason, Instant now) {
  for (std::size_t i = 0; i < datagram.count; ++i) {
    stats_.Drop(reason);
  }
  if (audit_ != nullptr && datagram.count > 0) {
    AuditEvent event;
    event.reason = reason;
    event.direction = direction_;
    event.source = datagram.key.source;
    event.destination = datagram.key.destination;
    event.protocol = datagram.protocol;
    event.when = now;
    audit_->Audit(event);
  }
  datagram.count = 0;
}

void Reassembler::Free(Datagram& datagram) {
  datagram.state = Datagram::State::kFree;
  datagram.count = 0;
  datagram.octets = 0;
  datagram.end.reset();
  datagram.marks = 0;
  datagram.header_size = 0;
  --used_;
}

}  // namespace postern
