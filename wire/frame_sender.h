// SPDX-License-Identifier: Apache-2.0
//
// A FrameSender puts a batch of frames to a packet socket with PACKET_VNET_HDR,
// in one system call.
//
// Thread safety: Worker-confined.
// Cost: one sendmmsg() a batch; no allocation.

#ifndef POSTERN_WIRE_FRAME_SENDER_H_
#define POSTERN_WIRE_FRAME_SENDER_H_

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <cstddef>

#include "core/net/vnet_header.h"
#include "core/packet/batch.h"
#include "core/stats.h"

namespace postern {

class FrameSender {
 public:
  // As FrameReceiver().
  FrameSender(int descriptor, std::atomic<bool>& is_down);

  // As PacketPort::Send().
  void Send(Batch& batch, WorkerStats& stats);

 private:
  static constexpr std::size_t kParts = 2;  // of a message: header and frame

  int descriptor_;
  std::atomic<bool>& is_down_;
  VnetHeader vnet_;  // nothing is left to the kernel
  std::array<iovec, Batch::kCapacity * kParts> parts_{};
  std::array<mmsghdr, Batch::kCapacity> messages_{};
};

}  // namespace postern

#endif  // POSTERN_WIRE_FRAME_SENDER_H_
