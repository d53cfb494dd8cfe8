// SPDX-License-Identifier: Apache-2.0
//
// Two joined PacketPorts in memory: what is sent into one comes out of the
// other, copied into the receiver's pool.
//
//     auto [left, right] = MemoryPort::MakePair();
//
// The queue of each direction is bounded; what does not fit is kPortBusy.
// descriptor() is -1: there is nothing to wait on, ask Receive().
//
// Thread safety: Thread-safe.

#ifndef POSTERN_TESTS_SUPPORT_MEMORY_PORT_H_
#define POSTERN_TESTS_SUPPORT_MEMORY_PORT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/packet/packet_port.h"

namespace postern {

class MemoryPort : public PacketPort {
 public:
  struct Shape {
    std::size_t mtu_octets = 1500;
    std::size_t queue_packets = 1024;
  };

  using Pair =
      std::pair<std::unique_ptr<MemoryPort>, std::unique_ptr<MemoryPort>>;

  static Pair MakePair(const Shape& shape);

  static Pair MakePair() { return MakePair(Shape{}); }

  // A packet larger than the pool's payload is dropped as kTooBig.
  std::size_t Receive(Batch& batch, PacketPool& pool,
                      WorkerStats& stats) override;

  // kTooBig above mtu(), kPortBusy when the queue is full.
  void Send(Batch& batch, WorkerStats& stats) override;

  void SendBack(Batch& batch, WorkerStats& stats) override {
    Send(batch, stats);
  }

  std::size_t mtu() const override { return shape_.mtu_octets; }

  int descriptor() const override { return -1; }

  // How many packets Receive() could return.
  std::size_t waiting() const;

 private:
  struct Queue {
    mutable std::mutex mutex;
    std::deque<std::vector<std::uint8_t>> packets;
  };

  MemoryPort(const Shape& shape, std::shared_ptr<Queue> in,
             std::shared_ptr<Queue> out)
      : shape_(shape), in_(std::move(in)), out_(std::move(out)) {}

  Shape shape_;
  std::shared_ptr<Queue> in_;
  std::shared_ptr<Queue> out_;
};

}  // namespace postern

#endif  // POSTERN_TESTS_SUPPORT_MEMORY_PORT_H_
