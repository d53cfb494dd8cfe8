// SPDX-License-Identifier: Apache-2.0

#include "core/net/fragmenter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/net/ipv4_options.h"
#include "core/net/protocols.h"

namespace postern {
namespace {

constexpr std::size_t kIpv4HeaderSize = 20;
constexpr std::size_t kMostIpv4Header = 60;
constexpr std::size_t kFragmentHeaderSize = 8;
constexpr std::uint16_t kMoreFragments4 = 0x2000;
constexpr std::uint16_t kOffset4 = 0x1fff;

// What is cut: `data` of `octets`, behind a header for the first fragment and
// one for the others.
struct Cut {
  ConstBytes octets;
  ConstBytes data;
  std::size_t mtu = 0;
};

// One fragment's share.
struct Share {
  std::size_t offset = 0;
  std::size_t size = 0;
  bool is_last = false;
};

// A header with only those options that later fragments repeat.
class LaterHeader {
 public:
  explicit LaterHeader(ConstBytes header) {
    CopyBytes(octets_, header.first(kIpv4HeaderSize));
    Ipv4Options options(header.subspan(kIpv4HeaderSize));
    for (;;) {
      const auto next = options.Next();
      if (!next.ok() || !next->has_value()) {
        break;
      }
      constexpr unsigned kCopied = 0x80;
      if (((*next)->type & kCopied) != 0) {
        CopyBytes(Bytes(octets_).subspan(size_), (*next)->octets);
        size_ += (*next)->octets.size();
      }
    }
    size_ = (size_ + 3) / 4 * 4;  // the rest is end of list
    octets_[0] = static_cast<std::uint8_t>(0x40 | size_ / 4);
  }

  ConstBytes octets() const { return ConstBytes(octets_).first(size_); }

 private:
  std::array<std::uint8_t, kMostIpv4Header> octets_{};
  std::size_t size_ = kIpv4HeaderSize;
};

// How much of what is left goes with the next fragment; 0: nothing can.
std::size_t ShareOf(std::size_t left, std::size_t header, std::size_t mtu) {
  if (header + left <= mtu) {
    return left;
  }
  return mtu < header ? 0 : (mtu - header) / 8 * 8;
}

// Calls `make(offset, size, is_last)` for each share.
template <typename HeaderSizeAt, typename Make>
Passage ForEachShare(const Cut& cut, const HeaderSizeAt& header_size_at,
                     const Make& make) {
  for (std::size_t at = 0; at < cut.data.size();) {
    const std::size_t left = cut.data.size() - at;
    const std::size_t size = ShareOf(left, header_size_at(at), cut.mtu);
    if (size == 0) {
      return DropReason::kTooBig;
    }
    if (const Passage made = make(Share{at, size, size == left}); !made.ok()) {
      return made;
    }
    at += size;
  }
  return Pass();
}

Passage CutV4(const Packet& whole, const Cut& cut, std::size_t header_length,
              std::vector<Packet>& pieces) {
  const ConstBytes first_header = cut.octets.first(header_length);
  const LaterHeader later(first_header);
  const auto field = LoadBe<std::uint16_t>(cut.octets.subspan(6));
  const auto header_at = [&](std::size_t offset) {
    return offset == 0 ? first_header : later.octets();
  };
  return ForEachShare(
      cut, [&](std::size_t offset) { return header_at(offset).size(); },
      [&](const Share& share) -> Passage {
        const ConstBytes header = header_at(share.offset);
        Packet piece = whole.TakeSibling(header.size() + share.size);
        if (!piece) {
          return DropReason::kPoolEmpty;
        }
        const Bytes octets = piece.bytes();
        CopyBytes(octets, header);
        CopyBytes(octets.subspan(header.size()),
                  cut.data.subspan(share.offset, share.size));
        const std::size_t eights = (field & kOffset4) + share.offset / 8;
        const unsigned more =
            share.is_last ? field & kMoreFragments4 : kMoreFragments4;
        StoreBe(octets.subspan(6), static_cast<std::uint16_t>(eights | more));
        pieces.push_back(std::move(piece));
        return SetIpLength(octets, octets.size());
      });
}

Passage CutV6(const Packet& whole, const Cut& cut, const IpView& view,
              std::uint32_t id, std::vector<Packet>& pieces) {
  const std::size_t repeated = view.insertion_offset();
  const std::size_t before = repeated + kFragmentHeaderSize;
  // All headers in the first one, and of AH, ESP or transport what names it.
  constexpr std::size_t kLeastPayload = 8;
  const std::size_t headers = view.payload_offset() - repeated;
  if (ShareOf(cut.data.size(), before, cut.mtu) <
      std::min(cut.data.size(), headers + kLeastPayload)) {
    return DropReason::kTooBig;
  }
  return ForEachShare(
      cut, [&](std::size_t /*offset*/) { return before; },
      [&](const Share& share) -> Passage {
        Packet piece = whole.TakeSibling(before + share.size);
        if (!piece) {
          return DropReason::kPoolEmpty;
        }
        const Bytes octets = piece.bytes();
        CopyBytes(octets, cut.octets.first(repeated));
        octets[view.insertion_protocol_offset()] =
            Number(IpProtocol::kFragment);
        const Bytes header = octets.subspan(repeated);
        header[0] = view.insertion_protocol();
        header[1] = 0;
        StoreBe(header.subspan(2), static_cast<std::uint16_t>(
                                       share.offset | (share.is_last ? 0 : 1)));
        StoreBe(header.subspan(4), id);
        CopyBytes(octets.subspan(before),
                  cut.data.subspan(share.offset, share.size));
        pieces.push_back(std::move(piece));
        return SetIpLength(octets, octets.size());
      });
}

}  // namespace

Passage CutIntoFragments(const Packet& whole, const IpView& view,
                         std::size_t mtu, std::uint32_t id,
                         std::vector<Packet>& pieces) {
  const std::size_t had = pieces.size();
  const bool v4 = view.family() == IpFamily::kV4;
  if (!v4 && view.fragment() != IpView::Fragment::kWhole) {
    return DropReason::kTooBig;
  }
  const ConstBytes octets = whole.bytes().first(view.size());
  const std::size_t repeated =
      v4 ? view.header_length() : view.insertion_offset();
  const Cut cut{octets, octets.subspan(repeated), mtu};
  Passage done = v4 ? CutV4(whole, cut, repeated, pieces)
                    : CutV6(whole, cut, view, id, pieces);
  if (!done.ok()) {
    while (pieces.size() > had) {
      pieces.back().Release();
      pieces.pop_back();
    }
  }
  return done;
}

}  // namespace postern
