// SPDX-License-Identifier: Apache-2.0
//
// A PacketPool owns a fixed number of equal buffers and lends them out as
// Packets. It never grows: an empty pool is an answer (kPoolEmpty), so a flood
// costs packets and not memory.
//
// Thread safety: Worker-confined. Packets must not outlive their pool (checked:
// the destructor ends the process if one does).
// Cost: Take() and the return are a push and a pop of a pointer.

#ifndef POSTERN_CORE_PACKET_PACKET_POOL_H_
#define POSTERN_CORE_PACKET_PACKET_POOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/bytes.h"
#include "core/packet/packet.h"

namespace postern {

// Room in front of every received packet: an outer IPv6 header (40), ESP with
// its IV (24), AH with the largest ICV (64) and ESP transport (24), rounded up.
inline constexpr std::size_t kDefaultHeadroom = 256;

// Room behind it: two ESP trailers with the largest padding and ICV.
inline constexpr std::size_t kDefaultTailroom = 256;

class PacketPool {
 public:
  struct Shape {
    std::size_t packets = 256;
    std::size_t payload = 9216;  // largest packet that may be received
    std::size_t headroom = kDefaultHeadroom;
    std::size_t tailroom = kDefaultTailroom;
  };

  explicit PacketPool(const Shape& shape);
  ~PacketPool();
  PacketPool(const PacketPool&) = delete;
  PacketPool& operator=(const PacketPool&) = delete;

  // A packet of `size` octets of undefined content behind the usual headroom;
  // an empty Packet when no buffer is free or size > shape().payload.
  Packet Take(std::size_t size);

  // A packet with a copy of these octets; empty as above.
  Packet Copy(ConstBytes octets);

  const Shape& shape() const { return shape_; }

  std::size_t free() const { return free_.size(); }

  // Packets that went out of scope without Release() since the pool was made.
  std::uint64_t forgotten() const { return forgotten_; }

 private:
  friend class Packet;

  void Return(PacketSlot& slot) { free_.push_back(&slot); }

  void CountForgotten() { ++forgotten_; }

  Shape shape_;
  std::unique_ptr<std::uint8_t[]> memory_;
  std::vector<PacketSlot> slots_;
  std::vector<PacketSlot*> free_;  // the last returned is the next lent: warm
  std::uint64_t forgotten_ = 0;
};

}  // namespace postern

#endif  // POSTERN_CORE_PACKET_PACKET_POOL_H_
