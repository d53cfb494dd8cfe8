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
// Cost: a move is ten words; destruction returns the buffer to its pool.

#ifndef POSTERN_CORE_PACKET_PACKET_H_
#define POSTERN_CORE_PACKET_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/bytes.h"
#include "core/flow/socket_owner.h"

namespace postern {

class PacketPool;

// struct virtio_net_hdr as a TUN with IFF_VNET_HDR speaks it: how the kernel
// asks us to split a super-packet or to finish a checksum.
struct VnetHeader {
  std::uint8_t flags = 0;
  std::uint8_t gso_type = 0;
  std::uint16_t header_length = 0;
  std::uint16_t gso_size = 0;
  std::uint16_t checksum_start = 0;
  std::uint16_t checksum_offset = 0;
};

class Packet {
 public:
  // No packet.
  Packet() = default;

  Packet(Packet&& other) noexcept { Swap(other); }

  Packet& operator=(Packet&& other) noexcept {
    Packet taken(std::move(other));
    Swap(taken);
    return *this;
  }

  Packet(const Packet&) = delete;
  Packet& operator=(const Packet&) = delete;
  ~Packet();

  explicit operator bool() const { return pool_ != nullptr; }

  Bytes bytes();
  ConstBytes bytes() const;

  std::size_t size() const { return end_ - begin_; }

  std::size_t headroom() const { return begin_; }

  std::size_t tailroom() const;

  // Grows at the front (back) by `count` octets, whose content is undefined.
  // Returns false, and changes nothing, when there is no room.
  [[nodiscard]] bool Prepend(std::size_t count);
  [[nodiscard]] bool Append(std::size_t count);

  // Cuts octets off. REQUIRES: count <= size().
  void TrimFront(std::size_t count);
  void TrimBack(std::size_t count);

  // The offload wishes that came with a packet from a TUN.
  VnetHeader& vnet() { return vnet_; }

  const VnetHeader& vnet() const { return vnet_; }

  // Which socket sent it, when the port by which it came can tell; kUnknown
  // otherwise, and for whatever came from the network.
  const Owner& sender() const { return sender_; }

  void set_sender(const Owner& sender) { sender_ = sender; }

  // Ends the packet on purpose: it was delivered, or its drop was counted.
  void Release();

 private:
  friend class PacketPool;

  Packet(PacketPool* pool, std::uint32_t slot, std::size_t begin,
         std::size_t end)
      : pool_(pool), slot_(slot), begin_(begin), end_(end) {}

  void Swap(Packet& other) noexcept;

  PacketPool* pool_ = nullptr;
  std::uint32_t slot_ = 0;
  std::size_t begin_ = 0;  // offsets into the buffer
  std::size_t end_ = 0;
  VnetHeader vnet_;
  Owner sender_;
};

}  // namespace postern

#endif  // POSTERN_CORE_PACKET_PACKET_H_
