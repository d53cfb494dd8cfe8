// SPDX-License-Identifier: Apache-2.0

#include "tests/support/memory_port.h"

namespace postern {

MemoryPort::Pair MemoryPort::MakePair(const Shape& shape) {
  auto rightward = std::make_shared<Queue>();
  auto leftward = std::make_shared<Queue>();
  return {
      std::unique_ptr<MemoryPort>(new MemoryPort(shape, leftward, rightward)),
      std::unique_ptr<MemoryPort>(new MemoryPort(shape, rightward, leftward))};
}

std::size_t MemoryPort::Receive(Batch& batch, PacketPool& pool,
                                WorkerStats& stats) {
  const std::size_t before = batch.size();
  const std::lock_guard lock(in_->mutex);
  while (!in_->packets.empty() && !batch.full()) {
    const std::vector<std::uint8_t>& front = in_->packets.front();
    if (front.size() > pool.shape().payload) {
      stats.Drop(DropReason::kTooBig);
      in_->packets.pop_front();
      continue;
    }
    Packet packet = pool.Copy(front);
    if (!packet) {
      break;
    }
    batch.Push(std::move(packet));
    in_->packets.pop_front();
  }
  return batch.size() - before;
}

void MemoryPort::Send(Batch& batch, WorkerStats& stats) {
  const std::lock_guard lock(out_->mutex);
  for (const Packet& packet : batch) {
    const ConstBytes octets = packet.bytes();
    if (octets.size() > shape_.mtu_octets) {
      stats.Drop(DropReason::kTooBig);
    } else if (out_->packets.size() >= shape_.queue_packets) {
      stats.Drop(DropReason::kPortBusy);
    } else {
      out_->packets.emplace_back(octets.begin(), octets.end());
    }
  }
  batch.Clear();
}

std::size_t MemoryPort::waiting() const {
  const std::lock_guard lock(in_->mutex);
  return in_->packets.size();
}

}  // namespace postern
