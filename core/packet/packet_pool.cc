// SPDX-License-Identifier: Apache-2.0

#include "core/packet/packet_pool.h"

#include <cstdlib>

namespace postern {

PacketPool::PacketPool(const Shape& shape)
    : shape_(shape),
      stride_(shape.headroom + shape.payload + shape.tailroom),
      memory_(new std::uint8_t[stride_ * shape.packets]) {
  free_.reserve(shape.packets);
  for (std::size_t i = shape.packets; i > 0; --i) {
    free_.push_back(static_cast<std::uint32_t>(i - 1));
  }
}

PacketPool::~PacketPool() {
  if (free_.size() != shape_.packets) {
    std::abort();
  }
}

Packet PacketPool::Take(std::size_t size) {
  if (free_.empty() || size > shape_.payload) {
    return {};
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return {this, slot, shape_.headroom, shape_.headroom + size};
}

Packet PacketPool::Copy(ConstBytes octets) {
  Packet packet = Take(octets.size());
  if (packet) {
    CopyBytes(packet.bytes(), octets);
  }
  return packet;
}

Bytes PacketPool::Buffer(std::uint32_t slot) {
  return Bytes(memory_.get(), stride_ * shape_.packets)
      .subspan(slot * stride_, stride_);
}

ConstBytes PacketPool::Buffer(std::uint32_t slot) const {
  return ConstBytes(memory_.get(), stride_ * shape_.packets)
      .subspan(slot * stride_, stride_);
}

}  // namespace postern
