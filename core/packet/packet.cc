// SPDX-License-Identifier: Apache-2.0

#include "core/packet/packet.h"

#include "core/packet/packet_pool.h"

namespace postern {

void Packet::GiveBack() {
  slot_->pool->Return(*slot_);
  slot_ = nullptr;
  begin_ = 0;
  end_ = 0;
}

Packet Packet::TakeSibling(std::size_t size) const {
  Packet sibling = slot_->pool->Take(size);
  if (sibling) {
    sibling.set_sender(sender());
  }
  return sibling;
}

void Packet::Forget() {
  slot_->pool->CountForgotten();
  slot_->pool->Return(*slot_);
}

}  // namespace postern
