// SPDX-License-Identifier: Apache-2.0
//
// A Packet is a move-only handle to one contiguous buffer of a PacketPool:
//
//     |<- headroom() ->|<------- size() ------->|<- tailroom() ->|
//     +----------------+------------------------+----------------+
//     |  free          | IP header ... payload  |  free          |
//     +----------------+------------------------+----------------+
//                      ^ bytes()
//
// Headers are added by Prepend(), trailers by Append(); nothing is allocated.
// A packet leaves a step only by being moved on. One that goes out of scope
// without Release() is dropped and counted as `forgotten`: a defect that tests
// hold at zero, but never a leak and never clear text on the wire.
//
// Thread safety: Worker-confined, like its pool.
// Cost: two words; a move copies them, destruction returns the buffer to its
// pool.

#ifndef POSTERN_CORE_PACKET_PACKET_H_
#define POSTERN_CORE_PACKET_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "core/bytes.h"
#include "core/flow/socket_owner.h"

namespace postern {

class PacketPool;

// One buffer of a pool, and what its packet brought along.
struct alignas(64) PacketSlot {
  PacketPool* pool = nullptr;
  std::uint8_t* octets = nullptr;
  std::uint32_t capacity = 0;
  bool was_in_fragments = false;
  Owner sender;
};

class Packet {
 public:
  // No packet.
  Packet() = default;

  Packet(Packet&& other) noexcept
      : slot_(std::exchange(other.slot_, nullptr)),
        begin_(std::exchange(other.begin_, 0)),
        end_(std::exchange(other.end_, 0)) {}

  Packet& operator=(Packet&& other) noexcept {
    if (this != &other) {
      if (slot_ != nullptr) [[unlikely]] {
        Forget();
      }
      slot_ = std::exchange(other.slot_, nullptr);
      begin_ = std::exchange(other.begin_, 0);
      end_ = std::exchange(other.end_, 0);
    }
    return *this;
  }

  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;

  ~Packet() {
    if (slot_ != nullptr) {
      Forget();
    }
  }

  explicit operator bool() const { return slot_ != nullptr; }

  Bytes bytes() {
    return slot_ == nullptr ? Bytes() : Bytes(slot_->octets + begin_, size());
  }

  ConstBytes bytes() const {
    return slot_ == nullptr ? ConstBytes()
                            : ConstBytes(slot_->octets + begin_, size());
  }

  std::size_t size() const { return end_ - begin_; }

  std::size_t headroom() const { return begin_; }

  std::size_t tailroom() const {
    return slot_ == nullptr ? 0 : slot_->capacity - end_;
  }

  // Grows at the front (back) by `count` octets, whose content is undefined.
  // Returns false, and changes nothing, when there is no room.
  [[nodiscard]] bool Prepend(std::size_t count) {
    const bool fits = count <= headroom();
    begin_ -= fits ? static_cast<std::uint32_t>(count) : 0;
    return fits;
  }

  [[nodiscard]] bool Append(std::size_t count) {
    const bool fits = count <= tailroom();
    end_ += fits ? static_cast<std::uint32_t>(count) : 0;
    return fits;
  }

  // Cuts octets off. REQUIRES: count <= size(). Checked in every build.
  void TrimFront(std::size_t count) {
    RequireWithin(count);
    begin_ += static_cast<std::uint32_t>(count);
  }

  void TrimBack(std::size_t count) {
    RequireWithin(count);
    end_ -= static_cast<std::uint32_t>(count);
  }

  // Cuts `count` octets out behind the first `lead`, which move up: a header
  // vanishes. REQUIRES: there is a packet; lead + count <= size(), which is checked
  // in every build.
  void CutBehind(std::size_t lead, std::size_t count) {
    RequireWithin(lead + count);
    std::uint8_t* const start = slot_->octets + begin_;
    switch (lead) {
      case sizeof(Ipv4Lead):
        MoveUp<Ipv4Lead>(start, count);
        break;
      case sizeof(Ipv6Lead):
        MoveUp<Ipv6Lead>(start, count);
        break;
      default:
        std::memmove(start + count, start, lead);
    }
    begin_ += static_cast<std::uint32_t>(count);
  }

  // REQUIRES, of all below: there is a packet.

  // Which socket sent it, when the port by which it came can tell; kUnknown
  // otherwise, and for whatever came from the network.
  const Owner& sender() const { return slot_->sender; }

  void set_sender(const Owner& sender) { slot_->sender = sender; }

  // Another packet of the same pool, with the same sender; empty as
  // PacketPool::Take().
  Packet TakeSibling(std::size_t size) const;

  // Whether the host had sent it in fragments that were put together again:
  // whoever sent it lets it be cut.
  bool was_in_fragments() const { return slot_->was_in_fragments; }

  void NoteWasInFragments() { slot_->was_in_fragments = true; }

  // Ends the packet on purpose: it was delivered, or its drop was counted.
  void Release() {
    if (slot_ != nullptr) {
      GiveBack();
    }
  }

 private:
  friend class PacketPool;

  Packet(PacketSlot& slot, std::size_t begin, std::size_t end)
      : slot_(&slot),
        begin_(static_cast<std::uint32_t>(begin)),
        end_(static_cast<std::uint32_t>(end)) {}

  void GiveBack();
  void Forget();

  // IP headers without options or extension headers move through registers.
  struct Ipv4Lead {
    std::uint32_t a, b, c, d, e;
  };

  struct Ipv6Lead {
    std::uint64_t a, b, c, d, e;
  };

  template <typename Lead>
  static void MoveUp(std::uint8_t* start, std::size_t by) {
    Lead lead;
    std::memcpy(&lead, start, sizeof(lead));
    std::memcpy(start + by, &lead, sizeof(lead));
  }

  void RequireWithin(std::size_t count) const {
    if (count > size()) {
      std::abort();
    }
  }

  PacketSlot* slot_ = nullptr;
  std::uint32_t begin_ = 0;  // offsets into the buffer
  std::uint32_t end_ = 0;
};

}  // namespace postern

#endif  // POSTERN_CORE_PACKET_PACKET_H_
