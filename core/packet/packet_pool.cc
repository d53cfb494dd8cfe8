// SPDX-License-Identifier: Apache-2.0

#include "core/packet/packet_pool.h"

#include <cstdlib>

namespace postern {

PacketPool::PacketPool(const Shape& shape)
    : shape_(shape), slots_(shape.packets) {
  const std::size_t stride = shape.headroom + shape.payload + shape.tailroom;
  memory_.reset(new std::uint8_t[stride * shape.packets]);
  free_.reserve(shape.packets);
  for (std::size_t i = shape.packets; i > 0; --i) {
    PacketSlot& slot = slots_[i - 1];
    slot.pool = this;
    slot.octets = memory_.get() + (i - 1) * stride;
    slot.capacity = static_cast<std::uint32_t>(stride);
    free_.push_back(&slot);
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
  PacketSlot& slot = *free_.back();
  free_.pop_back();
  slot.sender = Owner();
  slot.was_in_fragments = false;
  return {slot, shape_.headroom, shape_.headroom + size};
}

Packet PacketPool::Copy(ConstBytes octets) {
  Packet packet = Take(octets.size());
  if (packet) {
    CopyBytes(packet.bytes(), octets);
  }
  return packet;
}

}  // namespace postern
