// SPDX-License-Identifier: Apache-2.0

#include "core/packet/packet.h"

#include <cstdlib>

#include "core/packet/packet_pool.h"

namespace postern {

Packet::~Packet() {
  if (pool_ != nullptr) {
    ++pool_->forgotten_;
    pool_->Return(slot_);
  }
}

Bytes Packet::bytes() {
  return pool_ == nullptr ? Bytes()
                          : pool_->Buffer(slot_).subspan(begin_, size());
}

ConstBytes Packet::bytes() const {
  return pool_ == nullptr
             ? ConstBytes()
             : ConstBytes(pool_->Buffer(slot_)).subspan(begin_, size());
}

std::size_t Packet::tailroom() const {
  return pool_ == nullptr ? 0 : pool_->Buffer(slot_).size() - end_;
}

bool Packet::Prepend(std::size_t count) {
  if (count > headroom()) {
    return false;
  }
  begin_ -= count;
  return true;
}

bool Packet::Append(std::size_t count) {
  if (count > tailroom()) {
    return false;
  }
  end_ += count;
  return true;
}

void Packet::TrimFront(std::size_t count) {
  if (count > size()) {
    std::abort();
  }
  begin_ += count;
}

void Packet::TrimBack(std::size_t count) {
  if (count > size()) {
    std::abort();
  }
  end_ -= count;
}

void Packet::Release() {
  if (pool_ != nullptr) {
    pool_->Return(slot_);
    pool_ = nullptr;
    begin_ = 0;
    end_ = 0;
  }
}

void Packet::Swap(Packet& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(slot_, other.slot_);
  std::swap(begin_, other.begin_);
  std::swap(end_, other.end_);
  std::swap(vnet_, other.vnet_);
  std::swap(sender_, other.sender_);
}

}  // namespace postern
