// SPDX-License-Identifier: Apache-2.0
//
// A Batch is up to 64 packets on their way together; it keeps their order.
//
// Thread safety: Worker-confined.
// Cost: no allocation; Push() is a move.

#ifndef POSTERN_CORE_PACKET_BATCH_H_
#define POSTERN_CORE_PACKET_BATCH_H_

#include <array>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <utility>

#include "core/packet/packet.h"

namespace postern {

class Batch {
 public:
  static constexpr std::size_t kCapacity = 64;

  Batch() = default;
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  std::size_t size() const { return size_; }

  bool empty() const { return size_ == 0; }

  bool full() const { return size_ == kCapacity; }

  // REQUIRES: !full(). Checked in every build.
  void Push(Packet&& packet) {
    if (full()) {
      std::abort();
    }
    packets_[size_++] = std::move(packet);
  }

  std::span<Packet> packets() { return std::span(packets_).first(size_); }

  // Releases what is left and is empty again.
  // REQUIRES: each packet was moved out, delivered, or counted as dropped.
  void Clear() {
    for (Packet& packet : packets()) {
      packet.Release();
    }
    size_ = 0;
  }

  // Cuts off all but the first `count`.
  // REQUIRES: count <= size(); the others were moved out or released.
  void Truncate(std::size_t count) { size_ = count < size_ ? count : size_; }

  Packet* begin() { return packets_.data(); }

  Packet* end() { return packets_.data() + size_; }

 private:
  std::array<Packet, kCapacity> packets_;
  std::size_t size_ = 0;
};

}  // namespace postern

#endif  // POSTERN_CORE_PACKET_BATCH_H_
